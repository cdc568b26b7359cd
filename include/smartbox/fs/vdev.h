/* SPDX-License-Identifier: MIT */
/*
 * Virtual devices: the tree that turns (top-level id, offset, size) into device reads and writes.
 *
 * A pool's root has top-level vdevs; each is a leaf (file, disk) or a mirror of leaves (raidz and
 * the rest join here).  Reads and writes go to a top-level by byte offset in its allocatable area.
 * The caller verifies checksums; a mirror is told through `copy` which side to try.
 */
#ifndef SMARTBOX_FS_VDEV_H
#define SMARTBOX_FS_VDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/bdev.h"
#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

enum vdev_kind { VDEV_ROOT, VDEV_FILE, VDEV_DISK, VDEV_MIRROR, VDEV_RAIDZ, VDEV_HOLE, VDEV_MISSING,
	VDEV_INDIRECT, VDEV_SPARE, VDEV_REPLACING };
enum vdev_state { VS_UNKNOWN, VS_CLOSED, VS_OFFLINE, VS_REMOVED, VS_CANT_OPEN, VS_FAULTED,
	VS_DEGRADED, VS_HEALTHY }; /* numbers as OpenZFS shows them */

/* Where a walk over the free space of a pool is; begins with zeros. */
struct spa_trim {
	uint64_t top, ms, off;
};

/* What is done to a device's free space (fs/spa_initialize.c); numbers as on disk. */
enum vdev_init_state { INIT_NONE, INIT_ACTIVE, INIT_CANCELED, INIT_SUSPENDED, INIT_COMPLETE };
struct vdev_init {
	enum vdev_init_state state;
	uint64_t when; /* of its last change */
	uint64_t done, total;
	uint64_t rate;	 /* bytes a second, 0: as fast as it goes */
	uint64_t ran_ms; /* when the last step was, of the monotonic clock */
	struct spa_trim at;
};

struct events;
struct spa;
struct vdev_remap;
struct vdev_dtl;

struct vdev {
	enum vdev_kind kind;
	enum vdev_state state;
	uint64_t id, guid;
	struct vdev *parent, *top;
	struct vdev **child;
	size_t nchild;
	char *path; /* leaves */
	bool whole_disk, is_log;
	unsigned nparity;
	struct bdev *bd;	/* open leaf; owned */
	unsigned ashift;	/* tops */
	uint64_t asize;		/* tops: allocatable bytes */
	uint64_t psize;		/* leaves: usable bytes (multiple of 256 KiB) */
	uint64_t ms_array, ms_shift, create_txg, dtl_obj;
	uint64_t zap_leaf, zap_top; /* vdev ZAP objects or 0 */
	uint64_t label_txg;	    /* leaves: txg of the label that was found at open; 0 unknown */
	bool offline, faulted;	    /* leaves: asked for by the operator or by us; kept in the config */
	bool offline_tmp;	    /* ... but not that one: until the next import */
	bool is_spare;		    /* leaves: a hot spare, also when it is in use */
	bool missed;		    /* leaves: a write of the open txg failed; see fs/dtl.h */
	struct vdev_dtl *dtl;	    /* leaves: txgs that it lacks; NULL: none; owned */
	bool unflushed;		    /* leaves: written since the last flush */
	bool resilvering;	    /* leaves: the running resilver covers it from its start */
	uint64_t label_guid;	    /* leaves: who the label says it is; at import */
	uint64_t label_txg_max;	    /* root: labels of later txgs are not believed; 0: any */
	struct vdev_init init, trim; /* leaves: of their free space */
	bool new_leaf;		    /* being added: labels are not checked at open */
	struct nvlist *extra;	    /* pairs of the config that have no field here; owned */
	struct vdev_remap *remap;   /* tops that leave or left: where the data went (fs/remap.h); owned */
	uint64_t err_read, err_write, err_cksum; /* counted on the leaf and its ancestors */
	uint64_t nerrors; /* leaves: read and write errors since the last look at them */
	uint64_t stat_ops[2], stat_bytes[2];	 /* 0 read, 1 write */
	struct metaslab_group *mg; /* tops: fs/metaslab.h, owned by it */
	struct events *events; /* root: where what happens is noted (fs/events.h); NULL: nowhere */
	char *why;	       /* sentence for a state that is not healthy; owned; may be NULL */
};

#define VDEV_LABEL_START (4ULL << 20) /* DVA offset 0 on the device */

/* Build from / describe as the vdev_tree of a label or the MOS config. */
int vdev_from_config(const struct nvlist *tree, struct vdev **out, struct err *e);
/* `for_label`: the form in labels (one top-level); else the MOS form. */
int vdev_to_config(const struct vdev *v, bool for_label, struct nvlist **out);
void vdev_free(struct vdev *v); /* closes what is open */

/* Open all leaves below v (paths), set states and sizes; -ENXIO when v cannot work. */
int vdev_open(struct vdev *v, bool readonly, struct err *e);
/* For tests and rescue: give a leaf its device (owned from then on). */
void vdev_set_bdev(struct vdev *leaf, struct bdev *bd);

uint64_t vdev_asize_of(const struct vdev *top, uint64_t psize); /* bytes a write of psize takes */
unsigned vdev_deflate_ratio(const struct vdev *top);		/* 512 for disk and mirror */
uint64_t vdev_dsize(const struct vdev *top, uint64_t asize);	/* deflated bytes */

/*
 * Read psize bytes at byte `off` of the allocatable area.  copy: which of vdev_copies(top) ways to
 * obtain the data (mirror side, reconstruction); -ENXIO when that one is not there.  birth: the txg in
 * which the block was written; sides that missed that txg come last.  0: unknown.
 */
unsigned vdev_copies(const struct vdev *top);
/* -ENXIO no such copy (device missing or stale), -EIO the device failed. */
int vdev_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth);
/* A hint that this range will be read soon; returns at once. */
void vdev_prefetch(struct vdev *top, uint64_t off, uint64_t len);
/* Write to all sides; 0 when enough took it that it can be read (who did not take it is noted). */
int vdev_write(struct vdev *top, const void *buf, size_t len, uint64_t off);
/* Rewrite one side with known good data (self-healing). */
int vdev_repair(struct vdev *top, const void *buf, size_t len, uint64_t off, unsigned copy);

/*
 * Bring all that is stored of a block to what it should be: sides that missed the txg `birth` are
 * written; with `compare` the others (of raidz: also parity) are read, compared and rewritten.
 * Nothing is written without `repair`.
 */
struct vdev_scan {
	const void *good;
	size_t len;
	uint64_t off, birth;
	bool compare, repair;
	/* Counted up: */
	unsigned copies, bad, repaired;
	uint64_t written; /* bytes that stale sides were given */
};
int vdev_scan(struct vdev *top, struct vdev_scan *s); /* -ENOMEM only */
/* Is there a side that is there but missed this range, born in this txg? */
bool vdev_is_stale(struct vdev *top, uint64_t off, uint64_t len, uint64_t birth);
/* What was written to v so far is durable; without the pool's lock, whose flags it leaves alone. */
int vdev_flush_now(struct vdev *v);
int vdev_flush(struct vdev *root); /* all leaves that were written since the last flush */
uint64_t vdev_guid_sum(const struct vdev *root);
/* One checksum error of what was read from `copy` (counted on the leaves and their ancestors). */
void vdev_count_cksum(struct vdev *top, uint64_t off, size_t len, unsigned copy);
/* A fresh vdev of this kind with a random guid, for spa_create and zpool add; NULL: no memory. */
struct vdev *vdev_new(enum vdev_kind kind);
int vdev_add_child(struct vdev *parent, struct vdev *child); /* takes child; sets id, parent, top */
/* Top-level by id, NULL when there is none. */
struct vdev *vdev_top(const struct vdev *root, uint64_t id);
/* After open: the allocatable bytes that a new top-level can have with its ashift. */
uint64_t vdev_asize_now(const struct vdev *top);
const char *vdev_state_name(enum vdev_state s);

struct vdev *vdev_by_guid(struct vdev *v, uint64_t guid); /* of v and below; NULL */
/* By path, name in /dev, guid in decimal, or name of an inner one ("mirror-0"); NULL. */
struct vdev *vdev_find(struct vdev *root, const char *name);
/* "log", "special", "dedup" of a top-level, NULL: ordinary data. */
const char *vdev_class(const struct vdev *top);
/* What people call it: the path of a leaf, "raidz2-0", the pool for the root. */
void vdev_name(const struct vdev *v, const char *pool, char *buf, size_t size);

/* Call fn for each leaf below v; a non-zero return ends the walk and is returned. */
int vdev_walk_leaves(struct vdev *v, int (*fn)(struct vdev *leaf, void *arg), void *arg);

#endif
