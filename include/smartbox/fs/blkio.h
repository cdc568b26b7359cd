/* SPDX-License-Identifier: MIT */
/*
 * What the ways to export a disk (nbd, vhost-user) share: worker threads that wait for descriptors,
 * and the disk they serve.
 */
#ifndef SMARTBOX_FS_BLKIO_H
#define SMARTBOX_FS_BLKIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/bdev.h"
#include "smartbox/core/err.h"

struct blkio;
struct blkio_watch;

/* A worker's own memory; kept from call to call, at most BLKIO_SCRATCH_KEEP of it. */
struct blkio_scratch {
	void *p;
	size_t size;
};
#define BLKIO_SCRATCH_KEEP (2u << 20)
/* At least that many bytes (contents undefined), or NULL. */
void *blkio_scratch(struct blkio_scratch *sc, size_t bytes);

/* threads 0: a default.  They start with the first watch. */
int blkio_new(unsigned threads, struct blkio **out, struct err *e);
void blkio_free(struct blkio *b); /* no watch may be left; NULL is fine */

/*
 * fn is called by a worker when fd can be read (or hung up), and then not again until
 * blkio_rearm, which fn calls as soon as another worker may go on with the descriptor.
 */
typedef void blkio_fn(void *arg, struct blkio_scratch *sc);
int blkio_watch(struct blkio *b, int fd, blkio_fn *fn, void *arg, struct blkio_watch **out);
void blkio_rearm(struct blkio_watch *w);
/*
 * fn is not called any more and no call is left when this returns; frees w.  Not from within fn.
 * The descriptor stays open.  NULL is fine.
 */
void blkio_unwatch(struct blkio_watch *w);

/* A disk to serve; shared by its connections, which borrow it. */
typedef void blk_done_fn(int rc, void *arg);
struct blk_disk {
	struct bdev *bd;
	/* Flush without holding a worker; NULL: bdev_flush in the worker. */
	void (*flush)(struct bdev *bd, blk_done_fn *fn, void *arg);
	/* Is every write to be flushed before it is acknowledged?  NULL: no. */
	bool (*is_sync)(const struct bdev *bd);
};

void blk_flush(const struct blk_disk *d, blk_done_fn *fn, void *arg);
bool blk_is_sync(const struct blk_disk *d);
/* Make the range read as zeros, by discarding it where that does and `may_discard`. */
int blk_write_zeroes(const struct blk_disk *d, uint64_t off, uint64_t len, bool may_discard);

#endif
