/* SPDX-License-Identifier: MIT */
/*
 * Dirty time logs: which txgs a leaf missed.  Theory in fs/dtl.c.
 *
 * Internal to fs/.  All with the pool's lock held, but dtl_note_missed.
 */
#ifndef FS_DTL_H
#define FS_DTL_H

#include "range_tree.h"
#include "smartbox/fs/vdev.h"
#include "space_map.h"

struct spa;

struct vdev_dtl {
	struct range_tree missing; /* txgs */
	struct range_tree failed;  /* births that the running resilver could not write */
	struct space_map sm;
	bool keep_all; /* ... it could not even note them */
	bool dirty;
};

/* A write to this leaf in the open txg did not get there.  Any thread. */
void dtl_note_missed(struct vdev *leaf);
/* Does the leaf lack blocks born in this txg? */
bool dtl_contains(const struct vdev *leaf, uint64_t txg);
bool dtl_is_empty(const struct vdev *leaf);
/* -ENOMEM */
int dtl_add(struct vdev *leaf, uint64_t txg, uint64_t n);
/* The running resilver could not write a block born then. */
void dtl_note_failed(struct vdev *leaf, uint64_t birth);
/* A resilver that covered all txgs up to max ended: keep only what it could not write. */
void dtl_excise(struct vdev *leaf, uint64_t max);
void dtl_free(struct vdev *leaf);

/* A leaf below v that is there and lacks blocks of this txg? */
bool dtl_any_below(const struct vdev *v, uint64_t birth);
/* The txgs that leaves which are there lack: (*min, *max]; false: none lacks any. */
bool dtl_resilver_range(struct vdev *v, uint64_t *min, uint64_t *max);
/* Would some block have no good copy without this leaf? */
bool dtl_is_required(struct vdev *leaf);

/* From the meta objset, after an import. */
int dtl_load(struct spa *spa);
/* In the passes of a sync: take the notes, write what changed. 1: something was written. */
int dtl_sync(struct spa *spa);
/* Was a miss noted that no set has yet? */
bool dtl_is_noted(struct spa *spa);
/* The object of a leaf that goes away. */
int dtl_destroy(struct spa *spa, struct vdev *leaf);

#endif
