/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing through the vdev tree: leaves and mirrors.
 *
 * A read names the `copy` it wants, so that the caller, who can verify checksums, walks over all ways
 * to get the data: the sides of a mirror, the reconstructions of a raidz. Side 0 of a mirror depends
 * on the offset (by MiB), which spreads the load of a scan over its leaves.
 *
 * A write goes to every side. One that fails leaves the side stale; the checksums of what is read
 * from it will tell, and the reader repairs it. Until then the leaf is shown as DEGRADED.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vdev_impl.h"

/* --- leaves --- */

bool
vdev_leaf_ready(const struct vdev *leaf)
{
	return (leaf->bd != NULL && leaf->state >= VS_DEGRADED);
}

static void
count_io(struct vdev *leaf, int dir, size_t len)
{
	for (struct vdev *v = leaf; v != NULL; v = v->parent) {
		v->stat_ops[dir]++;
		v->stat_bytes[dir] += len;
	}
}

static void
count_error(struct vdev *leaf, int dir)
{
	for (struct vdev *v = leaf; v != NULL; v = v->parent)
		(*(dir == 0 ? &v->err_read : &v->err_write))++;
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
	if (rc != 0)
		count_error(leaf, 0);
	return (rc != 0 ? -EIO : 0);
}

static void
mark_stale(struct vdev *leaf)
{
	if (leaf->state == VS_DEGRADED)
		return;
	leaf->state = VS_DEGRADED;
	free(leaf->why);
	if (asprintf(&leaf->why, "a write failed: scrub to repair") < 0)
		leaf->why = NULL;
	for (struct vdev *v = leaf->parent; v != NULL; v = v->parent) {
		if (v->state == VS_HEALTHY)
			v->state = VS_DEGRADED;
	}
}

int
vdev_leaf_write(struct vdev *leaf, const void *buf, size_t len, uint64_t off)
{
	int rc;

	if (!vdev_leaf_ready(leaf))
		return (-ENXIO);
	if (!in_data_area(leaf, len, off))
		return (-EINVAL);
	rc = bdev_write(leaf->bd, buf, len, off + VDEV_LABEL_START);
	count_io(leaf, 1, len);
	leaf->unflushed = true;
	if (rc != 0) {
		count_error(leaf, 1);
		mark_stale(leaf);
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

	return (copy < n ? vdev_leaf_at(v, (unsigned)((copy + (off >> 20)) % n)) : NULL);
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
vdev_child_read(struct vdev *child, void *buf, size_t len, uint64_t off)
{
	unsigned n = vdev_leaf_count(child);
	int rc = -ENXIO;

	for (unsigned i = 0; i < n && rc != 0; i++)
		rc = vdev_leaf_read(vdev_leaf_at(child, i), buf, len, off);
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
		return (vdev_leaf_count(top));
	}
}

int
vdev_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy)
{
	struct vdev *leaf;

	if (top->kind == VDEV_RAIDZ)
		return (raidz_read(top, buf, len, off, copy));
	if (top->kind == VDEV_INDIRECT)
		return (indirect_read(top, buf, len, off, copy));
	leaf = mirror_side(top, off, copy);
	return (leaf == NULL ? -ENXIO : vdev_leaf_read(leaf, buf, len, off));
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
		int rc = vdev_scrub_raidz(top, buf, len, off, true);

		return (rc > 0 ? 0 : rc);
	}
	if (top->kind == VDEV_INDIRECT)
		return (-EROFS);
	leaf = mirror_side(top, off, copy);
	return (leaf == NULL ? -ENXIO : vdev_leaf_write(leaf, buf, len, off));
}

void
vdev_count_cksum(struct vdev *top, uint64_t off, size_t len, unsigned copy)
{
	struct vdev *v = top;

	(void)len;
	/* Which column of a raidz was wrong is known when the data is good again: vdev_scrub_raidz. */
	if (top->kind != VDEV_RAIDZ && top->kind != VDEV_INDIRECT)
		v = mirror_side(top, off, copy);
	for (; v != NULL; v = v->parent)
		v->err_cksum++;
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
		mark_stale(leaf);
		return (false);
	}
	leaf->unflushed = false;
	return (true);
}

/* Did enough of v become durable that all its data can be read again? */
static bool
flush_below(struct vdev *v)
{
	size_t failed = 0, tolerated;

	if (vdev_is_leaf(v))
		return (flush_leaf(v));
	for (size_t i = 0; i < v->nchild; i++)
		failed += !flush_below(v->child[i]);
	if (v->kind == VDEV_ROOT)
		return (failed == 0);
	tolerated = v->kind == VDEV_RAIDZ ? v->nparity : v->nchild - (v->nchild > 0);
	/* A top-level that was away before (a log) was not written either. */
	return (failed <= tolerated || (v->top == v && v->state < VS_DEGRADED));
}

int
vdev_flush(struct vdev *root)
{
	return (flush_below(root) ? 0 : -EIO);
}
