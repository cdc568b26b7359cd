/* SPDX-License-Identifier: MIT */
/*
 * trim: tell the devices which of their space is free.
 *
 * Theory
 * ------
 * Goes over the free ranges of all metaslabs, a few megabytes at a time with the pool's lock held, so
 * that nothing of a range is allocated before its discard was given to the device. Space that was freed
 * in the last txgs is not in the free set (fs/metaslab.c): older uberblocks still reach it.
 *
 * On a mirror a range is where it is on every side. On a raidz the sectors of the address space lie row
 * by row over the devices, so that a range is one range of rows on each:
 *
 *	sector b -> device b mod n, row b div n
 */
#include <errno.h>

#include "metaslab_impl.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define CHUNK_MAX (64ULL << 20)

struct trim_range {
	const struct vdev *only; /* a leaf, or NULL: all */
	uint64_t off, len;	 /* in the top-level */
};

static void
trim_leaf(struct vdev *leaf, const struct trim_range *r, uint64_t off, uint64_t len)
{
	if (len == 0 || !vdev_leaf_ready(leaf) || (r->only != NULL && r->only != leaf))
		return;
	(void)bdev_discard(leaf->bd, off + VDEV_LABEL_START, len); /* a hint */
}

static void
trim_below(struct vdev *v, const struct trim_range *r, uint64_t off, uint64_t len)
{
	for (unsigned i = 0, n = vdev_leaf_count(v); i < n; i++)
		trim_leaf(vdev_leaf_at(v, i), r, off, len);
}

static void
trim_range(struct vdev *top, const struct trim_range *r)
{
	uint64_t n = top->nchild, from = r->off >> top->ashift, to = (r->off + r->len) >> top->ashift;

	if (top->kind != VDEV_RAIDZ) {
		trim_below(top, r, r->off, r->len);
		return;
	}
	for (uint64_t d = 0; d < n; d++) {
		uint64_t first = (from + n - 1 - d) / n, end = (to + n - 1 - d) / n;

		trim_below(top->child[d], r, first << top->ashift, (end - first) << top->ashift);
	}
}

/* The free run at start, up to CHUNK_MAX: found by doubling, then by halving. */
static uint64_t
run_length(const struct metaslab *ms, uint64_t start, uint64_t unit)
{
	uint64_t len = unit, step;

	while (len < CHUNK_MAX && range_contains(&ms->free, start, 2 * len))
		len *= 2;
	for (step = len / 2; step >= unit && len < CHUNK_MAX; step /= 2) {
		if (range_contains(&ms->free, start, len + step))
			len += step;
	}
	return (len);
}

int
spa_trim_step(struct spa *spa, const char *device, struct spa_trim *t)
{
	struct vdev *only = device != NULL ? vdev_find(spa->root, device) : NULL;
	struct vdev *top = t->top < spa->root->nchild ? spa->root->child[t->top] : NULL;
	struct trim_range r = {.only = only};
	struct metaslab *ms;
	uint64_t start;

	if (device != NULL && only == NULL)
		return (-ENODEV);
	if (top == NULL)
		return (0);
	if (top->mg == NULL || t->ms >= top->mg->n || (only != NULL && only->top != top)) {
		*t = (struct spa_trim){.top = t->top + 1};
		return (1);
	}
	ms = &top->mg->ms[t->ms];
	if (metaslab_load(spa, top, ms) != 0 ||
	    !range_find(&ms->free, t->off, 1ULL << top->ashift, &start)) {
		t->ms++;
		t->off = 0;
		return (1);
	}
	r.len = run_length(ms, start, 1ULL << top->ashift);
	r.off = ms->start + start;
	trim_range(top, &r);
	t->off = start + r.len;
	return (1);
}
