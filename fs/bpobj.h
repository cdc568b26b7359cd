/* SPDX-License-Identifier: MIT */
/*
 * bpobj: a list of block pointers in an object of the meta objset, with the sum of their space; and
 * deadlists, which are bpobjs by birth.  Theory: fs/bpobj.c, fs/deadlist.c.
 */
#ifndef SMARTBOX_FS_BPOBJ_H
#define SMARTBOX_FS_BPOBJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/fs/blkptr.h"

struct spa;
struct dbuf;

/* Space in the three currencies of the accounting rules; differences are negative at times. */
struct space_sum {
	int64_t used; /* dsize: what is charged */
	int64_t comp, uncomp;
};
/* The numbers are the disk's: a damaged one may be any, and a sum then wraps. */
static inline int64_t
space_wrapped(int64_t a, int64_t b, int sign)
{
	return ((int64_t)((uint64_t)a + (uint64_t)sign * (uint64_t)b));
}
static inline void
space_add(struct space_sum *to, const struct space_sum *d, int sign)
{
	to->used = space_wrapped(to->used, d->used, sign);
	to->comp = space_wrapped(to->comp, d->comp, sign);
	to->uncomp = space_wrapped(to->uncomp, d->uncomp, sign);
}
/* A sum of differences, as a size. */
static inline uint64_t space_bytes(int64_t n) { return (n > 0 ? (uint64_t)n : 0); }
struct space_sum space_of_bp(struct spa *spa, const struct blkptr *bp);

/* --- bpobj: functions take the object's number; all change the meta objset in this txg -------- */

int bpobj_alloc(struct spa *spa, uint64_t *obj);
/* The object and those below it; not the blocks they list. */
int bpobj_free(struct spa *spa, uint64_t obj);
int bpobj_add(struct spa *spa, uint64_t obj, const struct blkptr *bps, size_t n);
/* Take over `sub`, which is used by nobody else from then on. */
int bpobj_add_subobj(struct spa *spa, uint64_t obj, uint64_t sub);
int bpobj_space(struct spa *spa, uint64_t obj, struct space_sum *sum);
bool bpobj_is_empty(struct spa *spa, uint64_t obj);
typedef int bpobj_fn(const struct blkptr *bp, void *arg);
int bpobj_walk(struct spa *spa, uint64_t obj, bpobj_fn *fn, void *arg);
/* Hand up to *limit blocks to fn and forget them; *limit is counted down, *freed up. */
int bpobj_drain(struct spa *spa, uint64_t obj, uint64_t *limit, struct space_sum *freed,
    bpobj_fn *fn, void *arg);

/* The one that all empty entries share while feature empty_bpobj is on; else one of its own. */
int bpobj_alloc_empty(struct spa *spa, uint64_t count, uint64_t *objs);
bool bpobj_is_shared(struct spa *spa, uint64_t obj);
/* Drop a reference to what may be the shared one, or free it. */
int bpobj_release(struct spa *spa, uint64_t obj);

/* --- deadlists -------------------------------------------------------------------------------- */

struct deadlist_entry {
	uint64_t mintxg, bpobj;
};
struct deadlist {
	struct spa *spa;
	uint64_t obj;
	struct dbuf *bonus;
	struct deadlist_entry *entry; /* ascending mintxg */
	size_t n, room;
};

int deadlist_create(struct spa *spa, uint64_t *obj);
int deadlist_open(struct spa *spa, uint64_t obj, struct deadlist *dl);
void deadlist_close(struct deadlist *dl);
/* Free the object, its entries and their lists; not the blocks. */
int deadlist_destroy(struct spa *spa, uint64_t obj);

void deadlist_space(const struct deadlist *dl, struct space_sum *sum);
/* Of entries with min <= key < max. */
int deadlist_space_range(const struct deadlist *dl, uint64_t min, uint64_t max,
    struct space_sum *sum);
int deadlist_insert(struct deadlist *dl, const struct blkptr *bps, size_t n);
int deadlist_add_key(struct deadlist *dl, uint64_t mintxg);
/* Its blocks go to the entry before; a key that is not there is fine. */
int deadlist_remove_key(struct deadlist *dl, uint64_t mintxg);
/* A new empty deadlist with the keys below maxtxg. */
int deadlist_clone(const struct deadlist *dl, uint64_t maxtxg, uint64_t *obj);
/* Go on as a new empty one with all keys; the old object is the caller's (a snapshot's). */
int deadlist_start_anew(struct deadlist *dl);
/* Entries with key >= min leave the list for bpobj `to`. */
int deadlist_move(struct deadlist *dl, uint64_t min, uint64_t to, struct space_sum *moved);
/* The entries of another one join this one; the other is destroyed. */
int deadlist_merge(struct deadlist *dl, uint64_t other);
/* Empty it in place: all lists freed, keys kept (rollback). */
int deadlist_clear(struct deadlist *dl);

#endif
