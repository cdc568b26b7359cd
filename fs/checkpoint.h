/* SPDX-License-Identifier: MIT */
/* The pool's checkpoint: a txg to which the whole pool can return.  Theory in fs/checkpoint.c. */
#ifndef FS_CHECKPOINT_H
#define FS_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct spa;

/* With the pool's lock. -EEXIST: there is one; -ENOENT: there is none. Durable on return. */
int checkpoint_take(struct spa *spa, struct err *e);
int checkpoint_discard(struct spa *spa, struct err *e);
bool checkpoint_is_there(const struct spa *spa);
uint64_t checkpoint_time(const struct spa *spa);  /* seconds since 1970 */
uint64_t checkpoint_bytes(const struct spa *spa); /* what only the checkpoint keeps */
uint64_t checkpoint_dsize(const struct spa *spa); /* the same, as datasets count */
/* Devices cannot leave a pool that may go back to a time when they were needed. */
int checkpoint_forbids(const struct spa *spa, struct err *e);

/* At import, before the config is read: the uberblock becomes the checkpoint's. */
int checkpoint_rewind(struct spa *spa, struct err *e);
/* At import, behind the metaslabs. */
int checkpoint_load(struct spa *spa);
/* In a pass of a sync: what was freed but is kept. 1: something was written. */
int checkpoint_sync(struct spa *spa);

#endif
