/* SPDX-License-Identifier: MIT */
/*
 * Removed top-levels: reads go to where the data was moved.
 *
 * The mapping is a sorted list of source ranges, each with the vdev and offset that has the bytes now.
 * A block may span entries; the target may have been removed later itself, so a read can pass through
 * several mappings (bounded, so that a cycle in a damaged pool ends).
 */
#include <errno.h>

#include "vdev_impl.h"

#define HOPS_MAX 64u

/* The entry with the greatest source not above off, NULL when there is none. */
static const struct remap_entry *
entry_at(const struct vdev_remap *m, uint64_t off)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->entry[mid].src <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo == 0 ? NULL : &m->entry[lo - 1]);
}

static int
read_through(struct vdev *top, uint8_t *buf, size_t len, uint64_t off, unsigned copy,
    unsigned hops)
{
	if (top->kind != VDEV_INDIRECT)
		return (vdev_read(top, buf, len, off, copy));
	if (top->remap == NULL || hops == 0)
		return (-ENXIO);
	while (len > 0) {
		const struct remap_entry *m = entry_at(top->remap, off);
		struct vdev *to;
		size_t n;
		int rc;

		if (m == NULL || off - m->src >= m->len)
			return (-EIO);
		n = m->len - (off - m->src) < len ? (size_t)(m->len - (off - m->src)) : len;
		if ((to = vdev_top(top->parent, m->dst_vdev)) == NULL)
			return (-EIO);
		rc = read_through(to, buf, n, m->dst + (off - m->src), copy, hops - 1);
		if (rc != 0)
			return (rc);
		buf += n;
		off += n;
		len -= n;
	}
	return (0);
}

int
indirect_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy)
{
	return (read_through(top, buf, len, off, copy, HOPS_MAX));
}
