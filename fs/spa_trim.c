/* SPDX-License-Identifier: MIT */
/*
 * Walks over free space; and autotrim: the devices are told what becomes free.
 *
 * Theory
 * ------
 * Goes over the free ranges of all metaslabs, a few megabytes at a time with the pool's lock held, so
 * that nothing of a range is allocated before its discard was given to the device. Space that was freed
 * in the last txgs is not in the free set (fs/metaslab.c): older uberblocks still reach it.
 *
 * With autotrim what a txg freed is noted when it becomes free for good, and discarded a few seconds later.
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

struct free_range {
	const struct vdev *only; /* a leaf or what is above one, or NULL: all */
	uint64_t off, len;	 /* in the top-level */
	spa_free_fn *fn;
	void *arg;
};

static bool
is_below(const struct vdev *leaf, const struct vdev *above)
{
	while (leaf != NULL && leaf != above)
		leaf = leaf->parent;
	return (leaf != NULL);
}

static void
act_below(struct vdev *v, const struct free_range *r, uint64_t off, uint64_t len)
{
	for (unsigned i = 0, n = vdev_leaf_count(v); i < n; i++) {
		struct vdev *leaf = vdev_leaf_at(v, i);

		if (len != 0 && vdev_leaf_ready(leaf) && (r->only == NULL || is_below(leaf, r->only)))
			r->fn(leaf, off, len, r->arg);
	}
}

static void
act_on_range(struct vdev *top, const struct free_range *r)
{
	uint64_t n = top->nchild, from = r->off >> top->ashift, to = (r->off + r->len) >> top->ashift;

	if (top->kind != VDEV_RAIDZ) {
		act_below(top, r, r->off, r->len);
		return;
	}
	for (uint64_t d = 0; d < n; d++) {
		uint64_t first = (from + n - 1 - d) / n, end = (to + n - 1 - d) / n;

		act_below(top->child[d], r, first << top->ashift, (end - first) << top->ashift);
	}
}

/* The free run at start, up to `most`: found by doubling, then by halving. */
static uint64_t
run_length(const struct metaslab *ms, uint64_t start, uint64_t unit, uint64_t most)
{
	uint64_t len = unit, step;

	while (len < most && range_contains(&ms->free, start, 2 * len))
		len *= 2;
	for (step = len / 2; step >= unit && len < most; step /= 2) {
		if (range_contains(&ms->free, start, len + step))
			len += step;
	}
	return (len);
}

bool
spa_free_step(struct spa *spa, struct vdev *only, struct spa_trim *t, uint64_t most, spa_free_fn *fn,
    void *arg)
{
	struct vdev *top = t->top < spa->root->nchild ? spa->root->child[t->top] : NULL;
	struct free_range r = {.only = only, .fn = fn, .arg = arg};
	struct metaslab *ms;
	uint64_t start;

	if (top == NULL || top->mg == NULL || t->ms >= top->mg->n)
		return (false);
	ms = &top->mg->ms[t->ms];
	if (metaslab_load(spa, top, ms) != 0 ||
	    !range_find(&ms->free, t->off, 1ULL << top->ashift, &start)) {
		t->ms++;
		t->off = 0;
		return (true);
	}
	r.len = run_length(ms, start, 1ULL << top->ashift, most);
	r.off = ms->start + start;
	act_on_range(top, &r);
	t->off = start + r.len;
	return (true);
}

static void
discard(struct vdev *leaf, uint64_t off, uint64_t len, void *arg)
{
	(void)arg;
	(void)bdev_discard(leaf->bd, off + VDEV_LABEL_START, len); /* a hint */
}

/* --- autotrim --------------------------------------------------------------------------------- */

struct autotrim {
	struct vdev *top;
	struct metaslab *ms;
};

/* A range of which some was taken again is left: it will be freed once more. */
static int
trim_range(void *arg, uint64_t off, uint64_t len)
{
	const struct autotrim *a = arg;
	struct free_range r = {NULL, a->ms->start + off, len, discard, NULL};

	if (range_contains(&a->ms->free, off, len))
		act_on_range(a->top, &r);
	return (0);
}

void
spa_autotrim_step(struct spa *spa)
{
	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct vdev *top = spa->root->child[i];

		for (size_t k = 0; top->mg != NULL && k < top->mg->n; k++) {
			struct autotrim a = {top, &top->mg->ms[k]};

			(void)range_walk(&a.ms->trim, trim_range, &a);
			range_clear(&a.ms->trim);
		}
	}
}
