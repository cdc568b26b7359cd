/* SPDX-License-Identifier: MIT */
/*
 * Where the space of a top-level that leaves the pool went: a list of ranges, in memory and on disk.
 *
 * Theory: fs/remap.c. Format: docs/zfs-format.md, "Removed devices".
 */
#ifndef FS_REMAP_H
#define FS_REMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "range_tree.h"
#include "space_map.h"

struct spa;
struct vdev;

struct remap_entry {
	uint64_t src, len; /* bytes */
	uint64_t dst_vdev, dst;
	uint64_t txg;	   /* in which it was copied; 0: unknown */
	uint32_t obsolete; /* bytes that were free already; of entries that are not on disk yet */
};

struct vdev_remap {
	struct remap_entry *entry; /* sorted by src */
	size_t n, room;
	size_t saved;				   /* of them on disk */
	uint64_t bytes;				   /* sum of their lengths */
	uint64_t object, counts_object, births_object; /* counts: 0 where none are kept */
	uint64_t nbirths;
	struct space_map obsolete_sm; /* object 0: none yet */
	struct range_tree obsolete;   /* since the last sync */
};

void remap_free(struct vdev_remap *m);

/* In a sync: an empty mapping for top, and the features that count it. */
int remap_create(struct spa *spa, struct vdev *top);
/* The one that top's config names; without one there is nothing to do. */
int remap_load(struct spa *spa, struct vdev *top);
/* In a sync: all of it off the disk and out of memory; the space behind it is the caller's. */
int remap_destroy(struct spa *spa, struct vdev *top);

/* Behind all others. */
int remap_add(struct vdev_remap *m, const struct remap_entry *e);
/* The end of the last range. */
uint64_t remap_end(const struct vdev_remap *m);
/* Every piece of [off, off + len); -EILSEQ: some of it has no entry. */
typedef int remap_fn(void *arg, const struct remap_entry *m, uint64_t off, uint64_t len);
int remap_each(const struct vdev_remap *m, uint64_t off, uint64_t len, remap_fn *fn, void *arg);

/*
 * A range of a top-level that has a mapping is no longer needed: what it became is freed (keep: only
 * the checkpoint has it). Of one that is still being emptied the range itself is freed as well.
 */
int remap_release(struct spa *spa, struct vdev *top, uint64_t off, uint64_t len, bool keep);

/* In the passes of a sync: 1 something was written, 0 nothing, -errno. */
int remap_sync(struct spa *spa, struct vdev *top);
/*
 * Would a shorter mapping be worth it, when one of no more than `least` bytes is not?  Then, in a sync: leave
 * out what nobody needs.
 */
bool remap_is_long(const struct vdev *top, uint64_t least);
int remap_condense(struct spa *spa, struct vdev *top);

#endif
