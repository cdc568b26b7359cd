/* SPDX-License-Identifier: MIT */
/*
 * Metaslabs: which bytes of a top-level vdev are free.
 *
 * A top-level is cut into 2^ms_shift byte metaslabs; each has a space map object in the MOS (a log
 * of alloc and free runs) and, in memory, a tree of free segments.  Space freed in txg N is
 * written free in N's space map but handed out again only when N+2 has synced.
 */
#ifndef SMARTBOX_FS_METASLAB_H
#define SMARTBOX_FS_METASLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/blkptr.h"
#include "smartbox/fs/vdev.h"

struct spa;
struct metaslab_group;

/* A new top-level: choose ms_shift, all free; space map objects come at the first sync. */
int metaslab_group_create(struct spa *spa, struct vdev *top, struct err *e);
/* Existing one: read metaslab_array and the space maps (lazily), log space maps applied. */
int metaslab_group_load(struct spa *spa, struct vdev *top, struct err *e);
void metaslab_group_free(struct vdev *top);

/* asize bytes, contiguous; rotates over the top-levels, avoiding those of dva[0..n-1]. */
int metaslab_alloc(struct spa *spa, uint64_t psize, const struct dva *others, int nothers,
    uint64_t txg, struct dva *out);
/* For a block of an intent log: from a log device if there is one, else in a metaslab of their own. */
int metaslab_alloc_log(struct spa *spa, uint64_t psize, struct dva *out);
/* The same on devices for metadata, or (dedup) for dedup tables; -ENOSPC: no such ones, or full. */
int metaslab_alloc_class(struct spa *spa, bool dedup, uint64_t psize, const struct dva *others,
    int nothers, struct dva *out);
/* Are there devices for metadata with room for more than that? */
bool metaslab_special_takes_data(struct spa *spa);
/* May so much be taken from normal devices without the txg at hand running out of space? */
bool metaslab_has_room_for_log(const struct spa *spa, uint64_t psize);
int metaslab_free(struct spa *spa, const struct dva *d, uint64_t txg);
/* Not used any more, but the pool's checkpoint has it: not free. */
int metaslab_keep(struct spa *spa, const struct dva *d);
/* An allocation of this txg that turned out not to be needed. */
int metaslab_unalloc(struct spa *spa, const struct dva *d, uint64_t txg);

/* Take exactly these bytes (claiming intent log blocks); -EEXIST: not free. */
int metaslab_claim(struct spa *spa, const struct dva *d, uint64_t txg);
/* The top-level grew (asize is the new size): more metaslabs of the old size. */
int metaslab_group_grow(struct spa *spa, struct vdev *top, struct err *e);
/* The top-level is empty and leaves the pool: its objects in the meta objset, and the group. */
int metaslab_group_destroy(struct spa *spa, struct vdev *top);
/* Free what is pool-wide; after all groups. */
void metaslab_fini(struct spa *spa);

/*
 * Write the changes of txg to the space map objects.  Called in the MOS passes of a sync;
 * returns 1 when anything was written (MOS is dirty again), 0 when all is on disk, -errno.
 */
int metaslab_sync(struct spa *spa, uint64_t txg, int pass);
/* After the uberblock is durable: age the deferred frees. */
void metaslab_sync_done(struct spa *spa, uint64_t txg);

/* Pool-wide bytes: size = sum(ms << shift) raw; alloc raw; both deflated too. */
struct space_stats {
	uint64_t size, alloc, dsize, dalloc, deferred;
	uint64_t normal_dsize; /* of dsize, what is no special or dedup device: what data counts on */
	unsigned frag_percent;
};
void metaslab_stats(struct spa *spa, struct space_stats *st);
/* The same of one top-level; -ENOENT: none (a hole, an indirect one). */
int metaslab_top_stats(const struct vdev *top, struct space_stats *st);

#endif
