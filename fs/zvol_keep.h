/* SPDX-License-Identifier: MIT */
/* What volumes acknowledged and no txg has yet, kept where a killed poold cannot lose it. */
#ifndef FS_ZVOL_KEEP_H
#define FS_ZVOL_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/spa.h"

struct zvol_keep;

/* dir: on a filesystem in RAM; files dir/POOL.keep.N there. */
int zvol_keep_open(struct spa *spa, const char *dir, struct zvol_keep **out, struct err *e);
/* remove: everything is in a txg; else the files stay for the next.  NULL is fine. */
void zvol_keep_close(struct zvol_keep *k, bool remove);

/* With the pool's lock, in the bracket of the change.  k NULL: 0. */
int zvol_keep_write(struct zvol_keep *k, uint64_t obj, uint64_t off, size_t len, const void *buf);
int zvol_keep_discard(struct zvol_keep *k, uint64_t obj, uint64_t off, uint64_t len);

/*
 * What an earlier process left and the pool does not have, oldest first; buf NULL: discard.  An
 * error of fn does not end it (that volume is gone).  The number of records goes to *n.
 */
typedef int zvol_keep_fn(void *arg, uint64_t obj, uint64_t off, uint64_t len, const void *buf);
int zvol_keep_replay(struct zvol_keep *k, zvol_keep_fn *fn, void *arg, uint64_t *n);
/* They are in a txg now. */
void zvol_keep_forget(struct zvol_keep *k);

#endif
