/* SPDX-License-Identifier: MIT */
/*
 * The log of blocks that were lost: what `zpool status -v` names.  Theory in fs/errlog.c.
 *
 * Internal to fs/; with the pool's lock held.
 */
#ifndef FS_ERRLOG_H
#define FS_ERRLOG_H

#include "smartbox/fs/dmu.h"
#include "smartbox/fs/scrub.h"

/* by_scrub: found by a scrub, whose log replaces the other when it ends. Never fails: it may forget. */
void errlog_note(struct spa *spa, const struct scrub_error *e, bool by_scrub);
void errlog_begin(struct spa *spa);  /* a scrub starts: its log is empty */
void errlog_rotate(struct spa *spa); /* a scrub ended: its log is the pool's */
int errlog_load(struct spa *spa);
int errlog_sync(struct spa *spa);
void errlog_free(struct spa *spa);

/* zio_read, and a note when no copy is good. */
int errlog_read(struct spa *spa, const struct blkptr *bp, void *buf, const struct scrub_error *who);
uint64_t errlog_dataset(const struct objset *os); /* its object, 0: the meta objset */

/* Every lost block, each once; a non-zero return of fn ends it. */
int errlog_walk(struct spa *spa, int (*fn)(const struct scrub_error *e, void *arg), void *arg);
uint64_t errlog_count(struct spa *spa);

#endif
