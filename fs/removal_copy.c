/* SPDX-License-Identifier: MIT */
/*
 * Removal of a top-level: moving what is allocated on it.
 *
 * Theory
 * ------
 * In order of address, metaslab by metaslab, chunk by chunk:
 *
 *	allocated  |#######|  |####|        |###############################|
 *	chunk      |--------------|         |------------- most ----|
 *	                    ^ a gap that is small enough is copied along: fewer entries
 *
 * A chunk gets contiguous space elsewhere, is copied side by side, and becomes an entry of the mapping. The
 * space of its gaps is given back at once; they count as obsolete. When no run of that size is free, chunks
 * become smaller. Nothing else touches the pool meanwhile: all happens with its lock.
 *
 * A range that cannot be read or written ends the removal: moved without its data, it would be lost for
 * good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dtl.h"
#include "metaslab_impl.h"
#include "remap.h"
#include "removal_impl.h"
#include "smartbox/fs/scrub.h"
#include "suspend.h"
#include "vdev_impl.h"

#define GAP_MAX (32u << 10)
#define PIECE (1u << 20)
#define ENTRY_BYTES 24u
#define MAPPED_MAX (16u << 20) /* of an entry, for the estimate */

void
removal_rewind(struct removal *r)
{
	range_clear(&r->todo);
	r->ms = 0;
}

/* --- what is next ----------------------------------------------------------------------------- */

struct chunk {
	uint64_t start, end, most;
	uint64_t used; /* bytes; the rest are gaps */
	struct range_tree gap;
	int rc;
};

/* 1: the chunk is complete. */
static int
chunk_add(void *arg, uint64_t off, uint64_t len)
{
	struct chunk *c = arg;

	if (c->used == 0) {
		c->start = c->end = off;
		len = len < c->most ? len : c->most;
	} else if (off - c->end > GAP_MAX || off + len - c->start > c->most) {
		return (1);
	} else if ((c->rc = range_add(&c->gap, c->end, off - c->end)) != 0) {
		return (1);
	}
	c->end = off + len;
	c->used += len;
	return (0);
}

struct cutting {
	struct range_tree *t;
	uint64_t before;
};

/* 1: more may be to cut, but the tree changed. */
static int
cut_first(void *arg, uint64_t off, uint64_t len)
{
	struct cutting *c = arg;
	uint64_t n = off >= c->before ? 0 : len < c->before - off ? len : c->before - off;
	int rc;

	if (n == 0)
		return (2);
	return ((rc = range_remove(c->t, off, n)) != 0 ? rc : 1);
}

/* Leave out all before an address. */
static int
cut(struct range_tree *t, uint64_t before)
{
	struct cutting c = {t, before};
	int rc;

	do {
		rc = range_walk(t, cut_first, &c);
	} while (rc == 1);
	return (rc < 0 ? rc : 0);
}

/* 1: todo is not empty; 0: there is nothing left. */
static int
look_ahead(struct spa *spa, struct vdev *top, struct removal *r)
{
	uint64_t done = remap_end(top->remap);
	int rc;

	if (r->ms == 0 && r->todo.count == 0)
		r->ms = done >> top->ms_shift;
	while (r->todo.count == 0) {
		if (r->ms >= top->mg->n)
			return (0);
		if ((rc = metaslab_used(spa, top, &top->mg->ms[r->ms], &r->todo)) != 0 ||
		    (rc = cut(&r->todo, done)) != 0)
			return (rc);
		r->ms++;
	}
	return (1);
}

void
removal_note_freed(struct spa *spa, uint64_t off, uint64_t len)
{
	struct removal *r = spa->removal;

	if (!removal_is_active(spa))
		return;
	if (range_contains(&r->todo, off, len))
		(void)range_remove(&r->todo, off, len);
	r->w[RM_COPIED] += len;
	r->dirty = true;
}

/* --- copying ---------------------------------------------------------------------------------- */

/* From the same side, if it has all; else from one that has. */
static int
read_side(struct vdev *from, unsigned side, void *buf, size_t len, uint64_t off)
{
	unsigned n = vdev_leaf_count(from);
	int rc = -ENXIO;

	for (unsigned i = 0; i < n && rc != 0; i++) {
		struct vdev *leaf = vdev_leaf_at(from, (side + i) % n);

		if (vdev_leaf_ready(leaf) && dtl_is_empty(leaf))
			rc = vdev_leaf_read(leaf, buf, len, off);
	}
	return (rc);
}

/* A side that is away misses this txg, as with any write; one that fails to write ends the removal. */
static int
copy_piece(struct vdev *from, uint64_t src, struct vdev *to, uint64_t dst, void *buf, size_t len)
{
	unsigned n = vdev_leaf_count(to), written = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < n; i++) {
		struct vdev *leaf = vdev_leaf_at(to, i);

		if (!vdev_leaf_ready(leaf))
			dtl_note_missed(leaf);
		else if ((rc = read_side(from, i, buf, len, src)) == 0 &&
		    (rc = vdev_leaf_write(leaf, buf, len, dst)) == 0)
			written++;
	}
	return (rc != 0 ? rc : written > 0 ? 0 : -EIO);
}

static int
copy(struct vdev *from, uint64_t src, struct vdev *to, uint64_t dst, uint64_t len)
{
	uint8_t *buf = malloc(len < PIECE ? len : PIECE);
	int rc = buf == NULL ? -ENOMEM : 0;

	for (uint64_t n; rc == 0 && len > 0; src += n, dst += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		rc = copy_piece(from, src, to, dst, buf, n);
	}
	free(buf);
	return (rc);
}

static int
allocate(struct spa *spa, const struct vdev *top, uint64_t len, struct dva *out)
{
	int rc = -ENOSPC;

	if (top->mg->bias == BIAS_SPECIAL || top->mg->bias == BIAS_DEDUP)
		rc = metaslab_alloc_class(spa, top->mg->bias == BIAS_DEDUP, len, NULL, 0, out);
	return (rc != -ENOSPC ? rc : metaslab_alloc(spa, len, NULL, 0, spa->txg, out));
}

struct giving_back {
	struct spa *spa;
	struct dva at; /* of the chunk's start */
	uint64_t start;
};

static int
give_back(void *arg, uint64_t off, uint64_t len)
{
	const struct giving_back *g = arg;
	struct dva d = g->at;

	d.offset += off - g->start;
	d.asize_sectors = (uint32_t)(len >> SECTOR_SHIFT);
	return (metaslab_unalloc(g->spa, &d, g->spa->txg));
}

static int
move_chunk(struct spa *spa, struct vdev *top, struct chunk *c)
{
	struct removal *r = spa->removal;
	uint64_t len = c->end - c->start;
	struct remap_entry en = {.src = c->start, .len = len, .txg = spa->txg,
	    .obsolete = (uint32_t)(len - c->used)};
	struct giving_back g = {.spa = spa, .start = c->start};
	int rc = allocate(spa, top, len, &g.at);

	if (rc != 0)
		return (rc);
	en.dst_vdev = g.at.vdev;
	en.dst = g.at.offset;
	if ((rc = copy(top, c->start, vdev_top(spa->root, g.at.vdev), g.at.offset, len)) == 0)
		rc = remap_add(top->remap, &en);
	if (rc != 0) {
		(void)metaslab_unalloc(spa, &g.at, spa->txg);
		return (rc);
	}
	r->w[RM_COPIED] += c->used;
	r->dirty = spa->force_sync = true;
	if ((rc = range_walk(&c->gap, give_back, &g)) == 0)
		rc = cut(&r->todo, c->end);
	return (rc);
}

/* 1: there is more. */
static int
move_next(struct spa *spa, struct vdev *top)
{
	struct removal *r = spa->removal;
	uint64_t unit = 1ULL << top->ashift;
	struct chunk c = {.most = r->most, .gap = RANGE_TREE_INIT};
	int rc = look_ahead(spa, top, r);

	if (rc != 1)
		return (rc);
	(void)range_walk(&r->todo, chunk_add, &c);
	rc = c.rc != 0 ? c.rc : move_chunk(spa, top, &c);
	range_clear(&c.gap);
	if (rc == -ENOSPC && r->most > unit) {
		r->most = (r->most / 2 + unit - 1) & ~(unit - 1);
		rc = 0;
	}
	return (rc != 0 ? rc : 1);
}

/* --- for the tender --------------------------------------------------------------------------- */

static bool
is_over(const struct timespec *since, unsigned ms)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000 >=
	    (long)ms);
}

static bool
must_wait(struct spa *spa)
{
	struct scrub_stat st;

	scrub_stat(spa, &st);
	return (spa->suspended || spa->syncing || suspend_is_queueing(spa) ||
	    (st.state == SCRUB_RUNNING && st.func == SCAN_RESILVER));
}

static bool
end(struct spa *spa)
{
	/* The last of the mapping must be durable before the old place goes. */
	if (spa_sync_force(spa, NULL) == 0 && removal_is_active(spa) && !must_wait(spa))
		(void)removal_finish(spa, NULL);
	return (false);
}

bool
removal_step(struct spa *spa, unsigned ms)
{
	struct vdev *top = removal_top(spa);
	struct timespec since;
	int rc = 1;

	if (top == NULL || spa->readonly || must_wait(spa))
		return (false);
	(void)clock_gettime(CLOCK_MONOTONIC, &since);
	do {
		rc = move_next(spa, top);
	} while (rc == 1 && !is_over(&since, ms));
	if (rc == 1 || rc == -ENOMEM)
		return (rc == 1);
	if (rc == 0)
		return (end(spa));
	(void)removal_cancel(spa, NULL);
	return (false);
}

/* --- how long a mapping would be -------------------------------------------------------------- */

static int
count_gap(void *arg, uint64_t off, uint64_t len)
{
	uint64_t *n = arg;

	(void)off;
	*n += len > GAP_MAX;
	return (0);
}

/* There are as many allocated runs as free ones; those that are split by small gaps are moved as one. */
uint64_t
removal_mapping_estimate(const struct vdev *top)
{
	struct space_stats st;
	uint64_t n = 0;

	if (metaslab_top_stats(top, &st) != 0)
		return (0);
	for (size_t i = 0; i < top->mg->n; i++) {
		const struct metaslab *ms = &top->mg->ms[i];

		if (ms->loaded)
			(void)range_walk(&ms->free, count_gap, &n);
		for (unsigned b = 0; !ms->loaded && ms->sm.has_histogram && b < SPACE_BUCKETS; b++)
			n += (1ULL << (b + top->ashift)) > GAP_MAX / 2 ? ms->sm.histogram[b] : 0;
	}
	return ((n + st.alloc / MAPPED_MAX) * ENTRY_BYTES);
}
