/* SPDX-License-Identifier: MIT */
/*
 * Removal of a top-level with data. Theory: fs/removal.c.
 *
 * All with the pool's lock held.
 */
#ifndef FS_REMOVAL_H
#define FS_REMOVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct spa;
struct vdev;

/* Numbers as on disk. */
enum removal_state { REMOVAL_NONE, REMOVAL_ACTIVE, REMOVAL_FINISHED, REMOVAL_CANCELED };
struct removal_stat {
	enum removal_state state;
	uint64_t vdev, start, end, to_copy, copied; /* bytes, seconds */
	uint64_t mapping_bytes;			    /* of all mappings, in memory */
};

/* Begins; the tender does the work. -EBUSY: one is running, -EINVAL, -ENOTSUP, -ENOSPC. */
int removal_begin(struct spa *spa, struct vdev *top, struct err *e);
/* Everything is as it was. -ENOENT: none is running. */
int removal_cancel(struct spa *spa, struct err *e);
/* Some of the work, for about so long; false: there is nothing to do. */
bool removal_step(struct spa *spa, unsigned ms);

bool removal_is_active(const struct spa *spa);
/* The top-level that is being emptied; NULL: none. */
struct vdev *removal_top(const struct spa *spa);
int removal_forbids(const struct spa *spa, struct err *e); /* -EBUSY while one is running */
void removal_stat(const struct spa *spa, struct removal_stat *st);
/* Memory that the mapping of top would take, about. */
uint64_t removal_mapping_estimate(const struct vdev *top);
/* Was anything moved in these txgs?  Blocks then have younger places than their births say. */
bool removal_moved_in(const struct spa *spa, uint64_t min, uint64_t max);
/* Has or had the pool one that left? */
bool removal_left_traces(const struct spa *spa);

/* For the engine: at import, before anything but the config is read; in passes of a sync; ... */
int removal_load(struct spa *spa, struct err *e);
int removal_sync(struct spa *spa);
void removal_fini(struct spa *spa);
/* ... and when a range of the top-level that is being emptied, not yet moved, is freed. */
void removal_note_freed(struct spa *spa, uint64_t off, uint64_t len);

#endif
