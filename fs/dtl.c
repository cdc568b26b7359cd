/* SPDX-License-Identifier: MIT */
/*
 * Dirty time logs: which txgs a leaf missed.
 *
 * Theory
 * ------
 * Every block is born in a txg, and a device that was away (or failed a write) lacks exactly the blocks
 * of the txgs in which that happened. So a set of txgs per leaf is enough to know
 *
 *	- which reads must not use it: a block born in one of them
 *	- what brings it back: a resilver, which reads the blocks born in them from the others
 *	- whether another device can be done without: what it alone has would be lost
 *
 *	write fails -> missed -> in the set, in the same txg's meta objset -> resilver -> out of the set
 *	attach, replace -> [first txg, now + 3): it lacks everything
 *
 * On disk the set is a space map object of the leaf ("DTL" in its config), written whole when it
 * changed. Format: docs/zfs-format.md, "Dirty time logs".
 *
 * Invariants
 *  1. When a txg is durable, each leaf that lacks a block of it has the txg in its durable set. That is
 *     why writing the set is part of the passes of a sync: a write of the meta objset itself may fail.
 *  2. A txg leaves the set only in a txg before whose uberblock the leaf was flushed.
 *  3. A set changes when nobody reads without the pool's lock (spa_io_drain).
 *  4. A set may say too much, never too little: an allocation that fails makes it "everything".
 */
#include <errno.h>
#include <stdlib.h>

#include "dtl.h"
#include "smartbox/fs/dmu.h"
#include "spa_impl.h"
#include "vdev_impl.h"

#define EVERYTHING_END (1ULL << 46) /* of the 47 bits that an entry has */

/* --- the set --- */

static struct vdev_dtl *
dtl_of(struct vdev *leaf)
{
	if (leaf->dtl == NULL)
		leaf->dtl = calloc(1, sizeof(*leaf->dtl));
	return (leaf->dtl);
}

void
dtl_note_missed(struct vdev *leaf)
{
	__atomic_store_n(&leaf->missed, true, __ATOMIC_RELAXED);
}

bool
dtl_contains(const struct vdev *leaf, uint64_t txg)
{
	return (leaf->dtl != NULL && leaf->dtl->missing.count != 0 &&
	    range_overlaps(&leaf->dtl->missing, txg, 1));
}

bool
dtl_is_empty(const struct vdev *leaf)
{
	return (leaf->dtl == NULL || leaf->dtl->missing.count == 0);
}

/* Add what of [start, start + n) is not in yet. */
static int
add_new(struct range_tree *t, uint64_t start, uint64_t n)
{
	int rc = 0;

	if (!range_overlaps(t, start, n))
		return (range_add(t, start, n));
	for (uint64_t i = 0; i < n && rc == 0; i++) {
		if (!range_overlaps(t, start + i, 1))
			rc = range_add(t, start + i, 1);
	}
	return (rc);
}

int
dtl_add(struct vdev *leaf, uint64_t txg, uint64_t n)
{
	struct vdev_dtl *d = dtl_of(leaf);
	int rc;

	if (d == NULL)
		return (-ENOMEM);
	if (range_contains(&d->missing, txg, n))
		return (0);
	if ((rc = add_new(&d->missing, txg, n)) == 0)
		d->dirty = true;
	return (rc);
}

void
dtl_note_failed(struct vdev *leaf, uint64_t birth)
{
	struct vdev_dtl *d = dtl_of(leaf);

	/* No memory: as if nothing had been written. */
	if (d != NULL && add_new(&d->failed, birth, 1) != 0)
		d->keep_all = true;
}

static int
keep_from(void *arg, uint64_t start, uint64_t n)
{
	struct range_tree *keep = ((void **)arg)[0];
	uint64_t from = *(uint64_t *)((void **)arg)[1];

	if (start + n <= from)
		return (0);
	if (start < from) {
		n -= from - start;
		start = from;
	}
	return (add_new(keep, start, n));
}

void
dtl_excise(struct vdev *leaf, uint64_t max)
{
	struct vdev_dtl *d = leaf->dtl;
	struct range_tree keep = RANGE_TREE_INIT;
	uint64_t from = max + 1;
	void *arg[] = {&keep, &from};

	if (d == NULL)
		return;
	range_move(&keep, &d->failed);
	if (d->keep_all) {
		d->keep_all = false;
		range_clear(&keep);
		return;
	}
	/* Without memory the old set stays: too much, never too little. */
	if (range_walk(&d->missing, keep_from, arg) == 0) {
		range_clear(&d->missing);
		range_move(&d->missing, &keep);
	}
	range_clear(&keep);
	d->dirty = true;
}

void
dtl_free(struct vdev *leaf)
{
	if (leaf->dtl == NULL)
		return;
	range_clear(&leaf->dtl->missing);
	range_clear(&leaf->dtl->failed);
	free(leaf->dtl);
	leaf->dtl = NULL;
}

/* --- questions about trees --- */

bool
dtl_any_below(const struct vdev *v, uint64_t birth)
{
	if (vdev_is_leaf(v))
		return (vdev_leaf_ready(v) && dtl_contains(v, birth));
	for (size_t i = 0; i < v->nchild; i++) {
		if (dtl_any_below(v->child[i], birth))
			return (true);
	}
	return (false);
}

struct extent {
	uint64_t first, end;
};

static int
widen(void *arg, uint64_t start, uint64_t n)
{
	struct extent *x = arg;

	if (start < x->first)
		x->first = start;
	if (start + n > x->end)
		x->end = start + n;
	return (0);
}

static int
leaf_extent(struct vdev *leaf, void *arg)
{
	if (vdev_leaf_ready(leaf) && !dtl_is_empty(leaf))
		(void)range_walk(&leaf->dtl->missing, widen, arg);
	return (0);
}

bool
dtl_resilver_range(struct vdev *v, uint64_t *min, uint64_t *max)
{
	struct extent x = {UINT64_MAX, 0};

	(void)vdev_walk_leaves(v, leaf_extent, &x);
	if (x.end == 0)
		return (false);
	*min = x.first - 1;
	*max = x.end - 1;
	return (true);
}

/* Can v give a block born at txg, without this leaf? */
static bool
can_give(const struct vdev *v, uint64_t txg, const struct vdev *without)
{
	size_t lost = 0, tolerated = v->kind == VDEV_RAIDZ ? v->nparity : v->nchild - 1;

	if (vdev_is_leaf(v))
		return (v != without && vdev_leaf_ready(v) && !dtl_contains(v, txg));
	for (size_t i = 0; i < v->nchild; i++)
		lost += !can_give(v->child[i], txg, without);
	return (v->nchild > 0 && lost <= tolerated);
}

struct question {
	const struct vdev *top, *without;
};

/* What changes from txg to txg changes at the ends of ranges. */
static int
ask_at_ends(void *arg, uint64_t start, uint64_t n)
{
	const struct question *q = arg;

	return (!can_give(q->top, start, q->without) || !can_give(q->top, start + n, q->without) ||
	    (start > 0 && !can_give(q->top, start - 1, q->without)));
}

static int
ask_leaf(struct vdev *leaf, void *arg)
{
	return (leaf->dtl != NULL ? range_walk(&leaf->dtl->missing, ask_at_ends, arg) : 0);
}

bool
dtl_is_required(struct vdev *leaf)
{
	struct question q = {leaf->top, leaf};

	if (!can_give(leaf->top, 0, leaf))
		return (true);
	return (vdev_walk_leaves(leaf->top, ask_leaf, &q) != 0);
}

/* --- on disk --- */

static int
take_entry(void *arg, const struct space_entry *en)
{
	struct vdev_dtl *d = arg;

	if (en->len == 0 || en->off >= EVERYTHING_END || en->len >= EVERYTHING_END)
		return (-EILSEQ);
	if (!en->is_free)
		return (add_new(&d->missing, en->off, en->len));
	return (range_contains(&d->missing, en->off, en->len) ?
	    range_remove(&d->missing, en->off, en->len) : -EILSEQ);
}

/* What cannot be read may have said anything. */
static int
load_leaf(struct vdev *leaf, void *arg)
{
	struct spa *spa = arg;
	struct vdev_dtl *d;
	int rc;

	if (leaf->dtl_obj == 0)
		return (0);
	if ((d = dtl_of(leaf)) == NULL)
		return (-ENOMEM);
	if ((rc = space_map_open(spa->mos, leaf->dtl_obj, &d->sm)) == 0)
		rc = space_map_iterate(spa->mos, &d->sm, 0, take_entry, d);
	if (rc == 0 || rc == -ENOMEM)
		return (rc);
	range_clear(&d->missing);
	d->dirty = true;
	return (range_add(&d->missing, TXG_INITIAL, spa->txg));
}

int
dtl_load(struct spa *spa)
{
	return (vdev_walk_leaves(spa->root, load_leaf, spa));
}

static int
put_range(void *arg, uint64_t start, uint64_t n)
{
	return (space_words_add(arg, start, n, 0, false));
}

static int
write_set(struct spa *spa, struct vdev *leaf)
{
	struct space_words w = {NULL, 0, 0};
	struct vdev_dtl *d = leaf->dtl;
	int rc = 0;

	if (d->sm.object == 0 && (rc = space_map_create(spa->mos, &d->sm)) == 0) {
		leaf->dtl_obj = d->sm.object;
		spa_config_dirty(spa);
	}
	if (rc == 0)
		rc = space_map_truncate(spa->mos, &d->sm);
	if (rc == 0)
		rc = range_walk(&d->missing, put_range, &w);
	if (rc == 0)
		rc = space_map_append(spa->mos, &d->sm, &w);
	d->sm.alloc = (int64_t)d->missing.bytes;
	if (rc == 0)
		rc = space_map_write_header(spa->mos, &d->sm);
	space_words_free(&w);
	d->dirty = rc != 0;
	return (rc);
}

struct dtl_round {
	struct spa *spa;
	bool wrote;
};

static int
sync_leaf(struct vdev *leaf, void *arg)
{
	struct dtl_round *r = arg;
	int rc = 0;

	if (__atomic_exchange_n(&leaf->missed, false, __ATOMIC_RELAXED)) {
		spa_io_drain(r->spa); /* readers without the lock look at the set */
		rc = dtl_add(leaf, r->spa->txg, 1);
	}
	if (rc != 0)
		return (rc);
	if (leaf->dtl == NULL || !leaf->dtl->dirty)
		return (0);
	r->wrote = true;
	return (write_set(r->spa, leaf));
}

int
dtl_sync(struct spa *spa)
{
	struct dtl_round r = {spa, false};
	int rc = vdev_walk_leaves(spa->root, sync_leaf, &r);

	return (rc != 0 ? rc : r.wrote);
}

static int
leaf_is_noted(struct vdev *leaf, void *arg)
{
	const struct spa *spa = arg;

	if (!__atomic_load_n(&leaf->missed, __ATOMIC_RELAXED))
		return (false);
	if (!dtl_contains(leaf, spa->txg))
		return (true);
	__atomic_store_n(&leaf->missed, false, __ATOMIC_RELAXED); /* or the next txg would be noted, too */
	return (false);
}

bool
dtl_is_noted(struct spa *spa)
{
	return (vdev_walk_leaves(spa->root, leaf_is_noted, spa) != 0);
}

int
dtl_destroy(struct spa *spa, struct vdev *leaf)
{
	int rc = 0;

	if (leaf->dtl != NULL && leaf->dtl->sm.object != 0)
		rc = space_map_destroy(spa->mos, &leaf->dtl->sm);
	leaf->dtl_obj = 0;
	dtl_free(leaf);
	return (rc);
}
