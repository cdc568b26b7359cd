/* SPDX-License-Identifier: MIT */
/*
 * Removed top-levels: reads and scans go to where the data was moved (fs/remap.h).
 *
 * A block may span entries of the mapping; the target may have been removed later itself, so that a read can
 * pass through several mappings (bounded, so that a cycle in a damaged pool ends).  What a side of the
 * target missed is told by the txg of the copy, which the mapping knows, not by the block's birth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dtl.h"
#include "remap.h"
#include "vdev_impl.h"

#define HOPS_MAX 64u

/* What is done with each piece of a range; buf moves along with it. */
struct piece_walk {
	struct vdev *top;
	uint8_t *buf;
	unsigned copy, hops;
	struct vdev_scan *scan; /* NULL: read */
};

static int walk(struct piece_walk *w, uint64_t off, size_t len, uint64_t birth);

static int
walk_piece(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	struct piece_walk *w = arg, below = *w;
	int rc;

	if ((below.top = vdev_top(w->top->parent, en->dst_vdev)) == NULL)
		return (-EIO);
	below.hops--;
	rc = walk(&below, en->dst + (off - en->src), (size_t)len, en->txg);
	w->buf += len;
	return (rc);
}

/* The counts of the whole block go on; data, place and age are the piece's. */
static int
scan_piece(const struct piece_walk *w, uint64_t off, size_t len, uint64_t birth)
{
	struct vdev_scan s = *w->scan;
	int rc;

	s.good = w->buf;
	s.len = len;
	s.off = off;
	s.birth = birth;
	rc = vdev_scan(w->top, &s);
	w->scan->copies = s.copies;
	w->scan->bad = s.bad;
	w->scan->repaired = s.repaired;
	w->scan->written = s.written;
	return (rc);
}

static int
walk(struct piece_walk *w, uint64_t off, size_t len, uint64_t birth)
{
	int rc;

	if (w->top->kind != VDEV_INDIRECT)
		return (w->scan != NULL ? scan_piece(w, off, len, birth) :
		    vdev_read(w->top, w->buf, len, off, w->copy, birth));
	if (w->top->remap == NULL || w->hops == 0)
		return (-ENXIO);
	rc = remap_each(w->top->remap, off, len, walk_piece, w);
	return (rc == -EILSEQ ? -EIO : rc);
}

int
indirect_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth)
{
	struct piece_walk w = {top, buf, copy, HOPS_MAX, NULL};

	return (walk(&w, off, len, birth));
}

int
indirect_scan(struct vdev *top, struct vdev_scan *s)
{
	struct piece_walk w = {top, (uint8_t *)(uintptr_t)s->good, 0, HOPS_MAX, s};
	int rc = walk(&w, s->off, s->len, s->birth);

	return (rc == -ENOMEM ? rc : 0);
}

static int
piece_is_stale(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	const struct piece_walk *w = arg;
	struct vdev *to = vdev_top(w->top->parent, en->dst_vdev);
	struct piece_walk below = {to, NULL, 0, w->hops - 1, NULL};

	if (to == NULL || below.hops == 0)
		return (0);
	if (to->kind != VDEV_INDIRECT)
		return (dtl_any_below(to, en->txg));
	return (to->remap == NULL ? 0 :
	    remap_each(to->remap, en->dst + (off - en->src), len, piece_is_stale, &below));
}

bool
indirect_is_stale(struct vdev *top, uint64_t off, uint64_t len)
{
	struct piece_walk w = {top, NULL, 0, HOPS_MAX, NULL};

	return (top->remap != NULL && remap_each(top->remap, off, len, piece_is_stale, &w) == 1);
}
