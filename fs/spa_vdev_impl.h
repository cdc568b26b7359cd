/* SPDX-License-Identifier: MIT */
/* What the files that change the vdev tree share. */
#ifndef FS_SPA_VDEV_IMPL_H
#define FS_SPA_VDEV_IMPL_H

#include "smartbox/fs/spa_vdev.h"
#include "spa_impl.h"
#include "vdev_impl.h"

int spa_vdev_writable(const struct spa *spa, struct err *e);
uint64_t spa_vdev_new_guid(struct spa *spa);
/* The tree as it is now into config and labels, durable. */
int spa_vdev_commit(struct spa *spa, struct err *e);
/* `leaf` becomes a sibling of `old` below a vdev of this kind, and lacks everything. */
int spa_vdev_join(struct spa *spa, struct vdev *old, struct vdev *leaf, enum vdev_kind kind);
/* Out of the tree, durably; then wiped and freed. */
int spa_vdev_drop(struct spa *spa, struct vdev *leaf, struct err *e);
/* Its device may have grown since it was opened. */
void spa_vdev_measure(struct vdev *leaf);
/* fs/spa_add.c: a hole in the place of a top-level, which is the caller's then. */
int spa_vdev_leave_hole(struct spa *spa, struct vdev *top, struct err *e);
int spa_vdev_expand(struct spa *spa, struct vdev *top, struct err *e);

/* fs/vdev_zap.c: the ZAP objects that each vdev has in the meta objset, where a pool keeps them. */
int vdev_zaps_make(struct spa *spa); /* for those that have none yet */
int vdev_zaps_enable(struct spa *spa); /* from now on the pool keeps them */
int vdev_zaps_destroy(struct spa *spa, struct vdev *v);
/* "special" or "dedup" of a new top-level. */
int vdev_zap_set_bias(struct spa *spa, struct vdev *top, const char *bias);

/*
 * fs/spa_trim.c: act on the next range of free space of this leaf's (NULL: every) top-level, up to `most`
 * bytes, and move on; false behind the last.
 */
typedef void spa_free_fn(struct vdev *leaf, uint64_t off, uint64_t len, void *arg);
bool spa_free_step(struct spa *spa, struct vdev *only, struct spa_trim *at, uint64_t most,
    spa_free_fn *fn, void *arg);
/* Discard what was freed since the last time and is still free. */
void spa_autotrim_step(struct spa *spa);
/* fs/spa_initialize.c */
bool spa_initialize_step(struct spa *spa); /* some of it; false: there is nothing to do */
void spa_initialize_load(struct spa *spa);

/* fs/spa_aux.c: hot spares and cache devices. */
struct vdev *spa_spare_of(struct spa *spa, const char *path); /* the spare at this path; NULL */
int spa_spare_use(struct spa *spa, struct vdev *old, const char *path, struct err *e);
/* One that stood in for a device that left for good becomes an ordinary device. */
void spa_spare_promote(struct spa *spa, struct vdev *leaf);
bool spa_spare_in_use(struct spa *spa, const struct vdev *spare);
/* One spare for one leaf that is lost; returns how many stepped in. */
int spa_spares_step_in(struct spa *spa);
struct vdev *spa_aux_find(struct spa *spa, enum aux_kind k, const char *name);
/* v is open; its label is written, it is closed, and the list's from then on. */
int spa_aux_add(struct spa *spa, enum aux_kind k, struct vdev *v, struct err *e);
int spa_aux_remove(struct spa *spa, enum aux_kind k, struct vdev *v, struct err *e);
int spa_spare_label(struct spa *spa, struct vdev *leaf);
void spa_aux_forget(struct spa *spa); /* they are another pool's */

#endif
