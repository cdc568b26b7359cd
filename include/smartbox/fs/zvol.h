/* SPDX-License-Identifier: MIT */
/*
 * Volumes: an objset with one big object that is a disk.
 * Format: docs/zfs-format.md, "ZVOL".
 */
#ifndef SMARTBOX_FS_ZVOL_H
#define SMARTBOX_FS_ZVOL_H

#include <stdint.h>

#include "smartbox/core/bdev.h"
#include "smartbox/core/err.h"
#include "smartbox/fs/dmu.h"
#include "smartbox/fs/syncer.h"

struct zvol_init {
	uint64_t size;	     /* bytes, a multiple of block_size */
	uint32_t block_size; /* power of two, 512 .. 128K */
};

/* Is that a legal size?  -EINVAL with the reason. */
int zvol_check(const struct zvol_init *v, struct err *e);
/* The first objects of a new volume (a dsl_init_fn; arg: const struct zvol_init *). */
int zvol_init_objset(struct objset *os, void *arg);
/* What a volume that is not sparse reserves: its size and the indirect blocks of a full one. */
uint64_t zvol_reservation(const struct zvol_init *v, unsigned copies);

/*
 * Open a volume, or a snapshot of one (then read-only), as a block device: what it is written is in
 * the open txg, bdev_flush makes it durable, a discarded range reads as zeros (discard_zeroes).
 * size and readonly follow the properties.  sync may be NULL for a read-only pool.  Called, like all
 * of struct bdev, without the pool's lock; bdev_close before the pool is closed.  A volume is open for
 * writing once at a time (-EBUSY): its users share the device.
 */
int zvol_open(struct spa *spa, struct syncer *sync, const char *name, bool readonly,
    struct bdev **out, struct err *e);
/*
 * Flush without waiting: fn is called once all writes that were done before are durable, at once or
 * from the syncer's thread, without the pool's lock.
 */
void zvol_flush(struct bdev *bd, sync_done_fn *fn, void *arg);
/* Before the first write: what is acknowledged is to outlive this process (fs/zvol_keep.h). */
struct zvol_keep;
void zvol_set_keep(struct bdev *bd, struct zvol_keep *k);
/* sync=always: every write is to be durable before it is acknowledged. */
bool zvol_is_sync(const struct bdev *bd);
uint32_t zvol_block_size(const struct bdev *bd);

#endif
