/* SPDX-License-Identifier: MIT */
/*
 * Removed top-levels: reads go to where the data was moved.
 *
 * The mapping (an object of the meta objset, named in the vdev's configuration) is a sorted list of
 * source ranges, each with the vdev and offset that has the bytes now.
 * A block may span entries; the target may have been removed later itself, so a read can pass through
 * several mappings (bounded, so that a cycle in a damaged pool ends).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/dmu.h"
#include "spa_impl.h"
#include "vdev_impl.h"

#define HOPS_MAX 64u
#define ENTRIES_MAX (1u << 24)

/* The mapping on disk: bonus and entries. */
struct mapping_header {
	uint64_t max_offset, bytes_mapped, entries, counts_object;
};
struct mapping_entry {
	uint64_t source; /* sectors; bit 63 is a mark that does not concern us */
	uint64_t dva[2];
};
_Static_assert(sizeof(struct mapping_entry) == 24, "mapping entry");

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
    uint64_t birth, unsigned hops)
{
	if (top->kind != VDEV_INDIRECT)
		return (vdev_read(top, buf, len, off, copy, birth));
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
		rc = read_through(to, buf, n, m->dst + (off - m->src), copy, birth, hops - 1);
		if (rc != 0)
			return (rc);
		buf += n;
		off += n;
		len -= n;
	}
	return (0);
}

int
indirect_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth)
{
	return (read_through(top, buf, len, off, copy, birth, HOPS_MAX));
}

static int
read_header(struct objset *mos, uint64_t object, struct mapping_header *h)
{
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(mos, object, &bonus);

	if (rc != 0)
		return (rc);
	if (dbuf_size(bonus) < 3 * sizeof(uint64_t))
		rc = -EILSEQ;
	else
		memcpy(h, dbuf_data(bonus), 3 * sizeof(uint64_t));
	dbuf_rele(bonus);
	return (rc != 0 ? rc : h->entries > ENTRIES_MAX ? -EILSEQ : 0);
}

static int
take_entries(struct vdev_remap *map, const struct mapping_entry *in)
{
	for (size_t i = 0; i < map->n; i++) {
		struct blkptr bp = {.w = {in[i].dva[0], in[i].dva[1]}};
		struct dva d = bp_dva(&bp, 0);

		map->entry[i] = (struct remap_entry){
		    .src = bits_get(in[i].source, 0, 54) << SECTOR_SHIFT,
		    .len = (uint64_t)d.asize_sectors << SECTOR_SHIFT,
		    .dst_vdev = d.vdev,
		    .dst = d.offset,
		};
		if (i > 0 && map->entry[i].src < map->entry[i - 1].src + map->entry[i - 1].len)
			return (-EILSEQ);
	}
	return (0);
}

int
vdev_indirect_load(struct spa *spa, struct vdev *top)
{
	uint64_t object = nv_u64_or(top->extra, "com.delphix:indirect_object", 0);
	struct mapping_entry *in = NULL;
	struct mapping_header h = {0};
	struct vdev_remap *map;
	int rc;

	if (object == 0)
		return (0); /* nothing was on it */
	if ((rc = read_header(spa->mos, object, &h)) != 0)
		return (rc);
	map = calloc(1, sizeof(*map));
	in = calloc(h.entries + 1, sizeof(*in));
	if (map == NULL || in == NULL ||
	    (map->entry = calloc(h.entries + 1, sizeof(*map->entry))) == NULL) {
		rc = -ENOMEM;
	} else {
		map->n = h.entries;
		rc = dmu_read(spa->mos, object, 0, h.entries * sizeof(*in), in);
		if (rc == 0)
			rc = take_entries(map, in);
	}
	free(in);
	if (rc != 0) {
		if (map != NULL)
			free(map->entry);
		free(map);
		return (rc);
	}
	top->remap = map;
	return (0);
}
