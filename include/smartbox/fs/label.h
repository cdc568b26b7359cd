/* SPDX-License-Identifier: MIT */
/*
 * Labels and uberblocks: how a device says which pool it belongs to and where the pool's root is.
 * Format and commit order: docs/zfs-format.md, "Labels".
 */
#ifndef SMARTBOX_FS_LABEL_H
#define SMARTBOX_FS_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/bdev.h"
#include "smartbox/fs/blkptr.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/vdev.h"

struct uberblock { /* disk form, 208 bytes used */
	uint64_t magic, version, txg, guid_sum, timestamp;
	struct blkptr rootbp;
	uint64_t software_version, mmp_magic, mmp_delay, mmp_config, checkpoint_txg, raidz_reflow;
};

enum pool_state { POOL_ACTIVE, POOL_EXPORTED, POOL_DESTROYED, POOL_SPARE, POOL_L2CACHE };

/* The best valid label of a device as an nvlist; -ENOENT none, -EIO all unreadable. */
int label_read(struct bdev *bd, struct nvlist **out, struct err *e);
/* The same of those written in max_txg or before. */
int label_read_until(struct bdev *bd, uint64_t max_txg, struct nvlist **out, struct err *e);
/* The newest valid uberblock of a device, txg at most max_txg. */
int label_best_uberblock(struct bdev *bd, unsigned ashift, uint64_t max_txg, struct uberblock *ub,
    struct err *e);
/* Write the label nvlist to those of L0..L3 in `mask` (bits 0..3). */
int label_write(struct bdev *bd, uint64_t psize, const struct nvlist *nv, unsigned mask);
/* Write the uberblock into its slot of all four labels; all are tried, the first error returned. */
int label_write_uberblock(struct bdev *bd, uint64_t psize, unsigned ashift,
    const struct uberblock *ub);
/* Zero the labels (create over an old device, labelclear). */
int label_clear(struct bdev *bd);
/* Bytes that the format uses of a device of `size` bytes: down to a multiple of 256 KiB. */
uint64_t label_psize(uint64_t size);
/* The uberblock of `txg` if one valid copy is on the device; -ENOENT. */
int label_uberblock_at(struct bdev *bd, unsigned ashift, uint64_t txg, struct uberblock *ub);
/* Is a newer than b?  Order of import: txg, timestamp, multihost sequence. */
bool uberblock_newer(const struct uberblock *a, const struct uberblock *b);

#define UBERBLOCK_MAGIC 0x00bab10cULL
#define MMP_MAGIC 0xa11cea11ULL
#define DEVICE_MIN_BYTES (64ULL << 20)
#define DEVICE_OVERHEAD_BYTES 0x480000ULL /* labels and boot area: psize - asize of a leaf */

/*
 * Scan: what pools are on these devices.  One struct per pool guid, in name order.
 */
struct pool_found {
	char *name;
	uint64_t guid, txg, hostid;
	char *hostname;
	enum pool_state state;
	/* vdev_tree = {root, children = top-level trees}, paths as found; leaves not found: "missing" */
	struct nvlist *config;
	bool complete;	       /* every top-level has enough devices */
	char *why;	       /* what is missing; NULL when nothing */
};
struct pool_scan {
	struct pool_found *pool;
	size_t npool;
};
/* dirs NULL: /dev (whole disks and partitions from /sys/block).  Entries may be files too. */
int pool_scan(const char *const *dirs, size_t ndirs, struct pool_scan *out, struct err *e);
void pool_scan_free(struct pool_scan *s);

#endif
