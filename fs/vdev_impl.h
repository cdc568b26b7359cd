/* SPDX-License-Identifier: MIT */
/* What the vdev files share: leaf access, the raidz layout, indirect mappings. */
#ifndef FS_VDEV_IMPL_H
#define FS_VDEV_IMPL_H

#include "smartbox/fs/vdev.h"

/* Bytes at the two ends of a leaf that are not for data. */
#define LEAF_OVERHEAD 0x480000ULL
#define RAIDZ_CHILDREN_MAX 255u

bool vdev_is_leaf(const struct vdev *v);
/* A leaf that is open and may be used. */
bool vdev_leaf_ready(const struct vdev *leaf);
/* The n-th leaf below v in tree order, NULL behind the last. */
struct vdev *vdev_leaf_at(struct vdev *v, unsigned n);
unsigned vdev_leaf_count(const struct vdev *v);

void vdev_clear_counts(struct vdev *v); /* of errors; and of those below */
const char *vdev_kind_name(enum vdev_kind kind);
/* States from v's parent upwards, after v's changed. */
void vdev_propagate(struct vdev *v);
/* Open a leaf that is not (its device came back, or is new); its state says how that went. */
void vdev_leaf_open(struct vdev *leaf, bool readonly);
void vdev_leaf_healthy(struct vdev *leaf);
void vdev_leaf_degrade(struct vdev *leaf, const char *why); /* works, but not well */
/* Let go of its device. */
void vdev_leaf_close(struct vdev *leaf, enum vdev_state state, const char *why);

/* fs/vdev_tree.c: changes of shape; see there. */
/* A new vdev of this kind takes v's place and has v as its only child. */
int vdev_insert_parent(struct vdev *v, enum vdev_kind kind, uint64_t guid, struct vdev **out);
/* Unlink; v is the caller's then. */
void vdev_take_out(struct vdev *v);
/* The only child takes its parent's place; the parent is freed. */
void vdev_collapse(struct vdev *parent);

/* Offsets are in the allocatable area; counted in the statistics. -ENXIO when not ready. */
int vdev_leaf_read(struct vdev *leaf, void *buf, size_t len, uint64_t off);
int vdev_leaf_write(struct vdev *leaf, const void *buf, size_t len, uint64_t off);
/* Below a raidz: a child is a leaf or a mirror of leaves (replacing, spare). */
/* stale: also from a leaf that missed the txg `birth`. */
int vdev_child_read(struct vdev *child, void *buf, size_t len, uint64_t off, uint64_t birth,
    bool stale);
int vdev_child_write(struct vdev *child, const void *buf, size_t len, uint64_t off);
/* The part of a scan that concerns the leaves below child; scratch: len bytes. */
void vdev_child_scan(struct vdev *child, struct vdev_scan *s, const void *good, size_t len,
    uint64_t off, void *scratch);
/* Is any leaf below v there, but missed something? */
bool vdev_has_stale(const struct vdev *v);

/* fs/vdev_raidz.c */
uint64_t raidz_asize_of(const struct vdev *top, uint64_t psize);
unsigned raidz_copies(const struct vdev *top);
int raidz_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth);
int raidz_scan(struct vdev *top, struct vdev_scan *s);
int raidz_write(struct vdev *top, const void *buf, size_t len, uint64_t off);

/* fs/vdev_indirect.c: a removed top-level, by its mapping (fs/remap.h). */
int indirect_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy,
    uint64_t birth);
int indirect_scan(struct vdev *top, struct vdev_scan *s);
bool indirect_is_stale(struct vdev *top, uint64_t off, uint64_t len);

#endif
