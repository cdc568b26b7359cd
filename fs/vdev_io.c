/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing through the vdev tree: leaves and mirrors.
 *
 * A read names the `copy` it wants, so that the caller, who can verify checksums, walks over all ways
 * to get the data: the sides of a mirror, the reconstructions of a raidz. Side 0 of a mirror depends
 * on the offset (by MiB), which spreads the load of a scan over its leaves.
 *
 * A write goes to every side. One that fails is noted (fs/dtl.h): the side is stale for what was born
 * in that txg, until a resilver has written it. Stale sides are asked last: the copies are numbered
 * twice, first as if the stale ones were not there, then only those.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dtl.h"
#include "events.h"
#include "vdev_impl.h"

/* --- leaves --- */

bool
vdev_leaf_ready(const struct vdev *leaf)
{
	return (leaf->bd != NULL && leaf->state >= VS_DEGRADED);
}

/* Readers do this without the pool's lock. */
static void
count_io(struct vdev *leaf, int dir, size_t len)
{
	for (struct vdev *v = leaf; v != NULL; v = v->parent) {
		(void)__atomic_fetch_add(&v->stat_ops[dir], 1, __ATOMIC_RELAXED);
		(void)__atomic_fetch_add(&v->stat_bytes[dir], len, __ATOMIC_RELAXED);
	}
}

static void
count_error(struct vdev *leaf, int dir)
{
	leaf->nerrors++;
	for (struct vdev *v = leaf; v != NULL; v = v->parent)
		(void)__atomic_fetch_add(dir == 0 ? &v->err_read : &v->err_write, 1, __ATOMIC_RELAXED);
}

void
vdev_clear_counts(struct vdev *v)
{
	v->err_read = v->err_write = v->err_cksum = v->nerrors = 0;
	for (size_t i = 0; i < v->nchild; i++)
		vdev_clear_counts(v->child[i]);
}

static bool
in_data_area(const struct vdev *leaf, size_t len, uint64_t off)
{
	uint64_t area = leaf->psize - LEAF_OVERHEAD;

	return (off <= area && len <= area - off);
}

int
vdev_leaf_read(struct vdev *leaf, void *buf, size_t len, uint64_t off)
{
	int rc;

	if (!vdev_leaf_ready(leaf))
		return (-ENXIO);
	if (!in_data_area(leaf, len, off))
		return (-EIO);
	rc = bdev_read(leaf->bd, buf, len, off + VDEV_LABEL_START);
	count_io(leaf, 0, len);
	if (rc != 0) {
		count_error(leaf, 0);
		events_post_error(leaf, "io", rc, off + VDEV_LABEL_START, len);
	}
	return (rc != 0 ? -EIO : 0);
}

int
vdev_leaf_write(struct vdev *leaf, const void *buf, size_t len, uint64_t off)
{
	int rc;

	if (!vdev_leaf_ready(leaf)) {
		dtl_note_missed(leaf);
		return (-ENXIO);
	}
	if (!in_data_area(leaf, len, off))
		return (-EINVAL);
	rc = bdev_write(leaf->bd, buf, len, off + VDEV_LABEL_START);
	count_io(leaf, 1, len);
	if (!__atomic_load_n(&leaf->unflushed, __ATOMIC_RELAXED))
		__atomic_store_n(&leaf->unflushed, true, __ATOMIC_RELAXED);
	if (rc != 0) {
		count_error(leaf, 1);
		dtl_note_missed(leaf);
		events_post_error(leaf, "io", rc, off + VDEV_LABEL_START, len);
	}
	return (rc != 0 ? -EIO : 0);
}

unsigned
vdev_leaf_count(const struct vdev *v)
{
	unsigned n = vdev_is_leaf(v);

	for (size_t i = 0; i < v->nchild; i++)
		n += vdev_leaf_count(v->child[i]);
	return (n);
}

struct vdev *
vdev_leaf_at(struct vdev *v, unsigned n)
{
	if (vdev_is_leaf(v))
		return (n == 0 ? v : NULL);
	for (size_t i = 0; i < v->nchild; i++) {
		unsigned below = vdev_leaf_count(v->child[i]);

		if (n < below)
			return (vdev_leaf_at(v->child[i], n));
		n -= below;
	}
	return (NULL);
}

/* --- mirrors, and what is like one: replacing, spare --- */

static struct vdev *
mirror_side(struct vdev *v, uint64_t off, unsigned copy)
{
	unsigned n = vdev_leaf_count(v);

	return (n > 0 ? vdev_leaf_at(v, (unsigned)((copy + (off >> 20)) % n)) : NULL);
}

/* The second n copies are the stale sides. */
static int
mirror_read(struct vdev *v, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth)
{
	unsigned n = vdev_leaf_count(v);
	struct vdev *leaf;

	if (copy >= 2 * n)
		return (-ENXIO);
	leaf = mirror_side(v, off, copy % n);
	if (dtl_contains(leaf, birth) != (copy >= n))
		return (-ENXIO);
	return (vdev_leaf_read(leaf, buf, len, off));
}

static int
mirror_write(struct vdev *v, const void *buf, size_t len, uint64_t off)
{
	unsigned n = vdev_leaf_count(v), good = 0;

	for (unsigned i = 0; i < n; i++)
		good += vdev_leaf_write(vdev_leaf_at(v, i), buf, len, off) == 0;
	return (good > 0 ? 0 : -EIO);
}

int
vdev_child_read(struct vdev *child, void *buf, size_t len, uint64_t off, uint64_t birth, bool stale)
{
	unsigned n = vdev_leaf_count(child);
	int rc = -ENXIO;

	for (unsigned i = 0; i < n && rc != 0; i++) {
		struct vdev *leaf = vdev_leaf_at(child, i);

		if (stale || !dtl_contains(leaf, birth))
			rc = vdev_leaf_read(leaf, buf, len, off);
	}
	return (rc);
}

int
vdev_child_write(struct vdev *child, const void *buf, size_t len, uint64_t off)
{
	return (mirror_write(child, buf, len, off));
}

/* --- top-levels --- */

unsigned
vdev_copies(const struct vdev *top)
{
	switch (top->kind) {
	case VDEV_RAIDZ:
		return (raidz_copies(top));
	case VDEV_INDIRECT:
		return (8); /* of whatever is behind it */
	case VDEV_ROOT:
	case VDEV_HOLE:
	case VDEV_MISSING:
		return (0);
	default:
		return (vdev_leaf_count(top) * (vdev_has_stale(top) ? 2 : 1));
	}
}

int
vdev_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth)
{
	if (top->kind == VDEV_RAIDZ)
		return (raidz_read(top, buf, len, off, copy, birth));
	if (top->kind == VDEV_INDIRECT)
		return (indirect_read(top, buf, len, off, copy, birth));
	return (mirror_read(top, buf, len, off, copy, birth));
}

static void
leaf_prefetch(struct vdev *leaf, uint64_t off, uint64_t len)
{
	if (leaf != NULL && vdev_leaf_ready(leaf) && in_data_area(leaf, len, off))
		bdev_prefetch(leaf->bd, off + VDEV_LABEL_START, len);
}

/* Of a raidz each device holds about its share of a long range, at about its share of the offset. */
void
vdev_prefetch(struct vdev *top, uint64_t off, uint64_t len)
{
	uint64_t n = top->nchild;

	if (top->kind == VDEV_INDIRECT || vdev_copies(top) == 0)
		return;
	if (top->kind != VDEV_RAIDZ) {
		leaf_prefetch(mirror_side(top, off, 0), off, len);
		return;
	}
	for (size_t i = 0; i < n; i++)
		leaf_prefetch(vdev_leaf_at(top->child[i], 0), off / n, len / n);
}

int
vdev_write(struct vdev *top, const void *buf, size_t len, uint64_t off)
{
	if (top->kind == VDEV_RAIDZ)
		return (raidz_write(top, buf, len, off));
	if (top->kind == VDEV_INDIRECT)
		return (-EROFS);
	return (mirror_write(top, buf, len, off));
}

int
vdev_repair(struct vdev *top, const void *buf, size_t len, uint64_t off, unsigned copy)
{
	struct vdev *leaf;

	if (top->kind == VDEV_RAIDZ) {
		struct vdev_scan s = {buf, len, off, 0, true, true, 0, 0, 0, 0};

		return (vdev_scan(top, &s));
	}
	if (top->kind == VDEV_INDIRECT)
		return (-EROFS);
	leaf = mirror_side(top, off, copy);
	return (leaf == NULL ? -ENXIO : vdev_leaf_write(leaf, buf, len, off));
}

/* --- scans --- */

static void
count_cksum(struct vdev *leaf, uint64_t off, size_t len)
{
	events_post_error(leaf, "checksum", -EILSEQ, off + VDEV_LABEL_START, len);
	for (struct vdev *v = leaf; v != NULL; v = v->parent)
		v->err_cksum++;
}

static void
leaf_freshen(struct vdev *leaf, struct vdev_scan *s, const void *good, size_t len, uint64_t off)
{
	if (!s->repair)
		return;
	if (vdev_leaf_write(leaf, good, len, off) != 0)
		dtl_note_failed(leaf, s->birth);
	else
		s->written += len;
}

static void
leaf_compare(struct vdev *leaf, struct vdev_scan *s, const void *good, size_t len, uint64_t off,
    void *scratch)
{
	int rc = vdev_leaf_read(leaf, scratch, len, off);

	s->copies++;
	if (rc == 0 && memcmp(scratch, good, len) == 0)
		return;
	s->bad++;
	if (rc == 0)
		count_cksum(leaf, off, len);
	if (s->repair && vdev_leaf_write(leaf, good, len, off) == 0)
		s->repaired++;
}

void
vdev_child_scan(struct vdev *child, struct vdev_scan *s, const void *good, size_t len, uint64_t off,
    void *scratch)
{
	for (unsigned i = 0, n = vdev_leaf_count(child); i < n; i++) {
		struct vdev *leaf = vdev_leaf_at(child, i);

		if (!vdev_leaf_ready(leaf)) {
			leaf->resilvering = false; /* it misses what a resilver would give it now */
			continue;
		}
		if (dtl_contains(leaf, s->birth))
			leaf_freshen(leaf, s, good, len, off);
		else if (s->compare)
			leaf_compare(leaf, s, good, len, off, scratch);
	}
}

int
vdev_scan(struct vdev *top, struct vdev_scan *s)
{
	void *scratch;

	if (top->kind == VDEV_RAIDZ)
		return (raidz_scan(top, s));
	if (top->kind == VDEV_INDIRECT)
		return (indirect_scan(top, s));
	if ((scratch = malloc(s->len)) == NULL)
		return (-ENOMEM);
	vdev_child_scan(top, s, s->good, s->len, s->off, scratch);
	free(scratch);
	return (0);
}

static int
leaf_is_stale(struct vdev *leaf, void *arg)
{
	(void)arg;
	return (vdev_leaf_ready(leaf) && !dtl_is_empty(leaf));
}

bool
vdev_has_stale(const struct vdev *v)
{
	return (vdev_walk_leaves((struct vdev *)v, leaf_is_stale, NULL) != 0);
}

bool
vdev_is_stale(struct vdev *top, uint64_t off, uint64_t len, uint64_t birth)
{
	return (top->kind == VDEV_INDIRECT ? indirect_is_stale(top, off, len) :
	    dtl_any_below(top, birth));
}

void
vdev_count_cksum(struct vdev *top, uint64_t off, size_t len, unsigned copy)
{
	struct vdev *v = top;

	/* Which column of a raidz was wrong is known when the data is good again: vdev_scan. */
	if (top->kind != VDEV_RAIDZ && top->kind != VDEV_INDIRECT)
		v = mirror_side(top, off, copy);
	count_cksum(v, off, len);
}

static bool
flush_leaf(struct vdev *leaf)
{
	if (!vdev_leaf_ready(leaf))
		return (false);
	if (!leaf->unflushed)
		return (true);
	if (bdev_flush(leaf->bd) != 0) {
		count_error(leaf, 1);
		dtl_note_missed(leaf);
		return (false);
	}
	leaf->unflushed = false;
	return (true);
}

static bool
flush_leaf_now(struct vdev *leaf)
{
	return (vdev_leaf_ready(leaf) && bdev_flush(leaf->bd) == 0);
}

/* Did enough of v become durable that all its data can be read again? */
static bool
flush_below(struct vdev *v, bool (*flush)(struct vdev *leaf))
{
	size_t failed = 0, tolerated;

	if (vdev_is_leaf(v))
		return (flush(v));
	for (size_t i = 0; i < v->nchild; i++)
		failed += !flush_below(v->child[i], flush);
	if (v->kind == VDEV_ROOT)
		return (failed == 0);
	tolerated = v->kind == VDEV_RAIDZ ? v->nparity : v->nchild - (v->nchild > 0);
	/* A top-level that was away before (a log) was not written either. */
	return (failed <= tolerated || (v->top == v && v->state < VS_DEGRADED));
}

int
vdev_flush(struct vdev *root)
{
	return (flush_below(root, flush_leaf) ? 0 : -EIO);
}

int
vdev_flush_now(struct vdev *v)
{
	return (flush_below(v, flush_leaf_now) ? 0 : -EIO);
}
