/* SPDX-License-Identifier: MIT */
/*
 * struct bdev: anything that is read and written by byte offset.
 *
 * The pool engine's devices, a guest's disk, a test's power-cut simulator are all this.  It is the
 * only way a byte of a pool reaches a disk, so that a test can lose, tear, reorder or refuse any
 * single write.
 *
 * Rules for implementations: offsets and lengths are bytes and any value inside size is legal (the
 * disk implementation handles alignment); read and write transfer everything or fail with -errno;
 * what was written is durable only after flush returned 0; calls may come from several threads.
 */
#ifndef SMARTBOX_CORE_BDEV_H
#define SMARTBOX_CORE_BDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct bdev;

struct bdev_ops {
	int (*read)(struct bdev *bd, void *buf, size_t len, uint64_t off);
	int (*write)(struct bdev *bd, const void *buf, size_t len, uint64_t off);
	int (*flush)(struct bdev *bd);
	int (*discard)(struct bdev *bd, uint64_t off, uint64_t len); /* may be NULL: ignored */
	void (*close)(struct bdev *bd);
	void (*prefetch)(struct bdev *bd, uint64_t off, uint64_t len); /* may be NULL */
};

struct bdev {
	const struct bdev_ops *ops;
	uint64_t size;		 /* bytes */
	uint32_t logical_block;	 /* bytes: smallest unit the medium addresses (512, 4096) */
	uint32_t physical_block; /* bytes: smallest unit it writes without read-modify-write */
	bool readonly;
	bool rotational;
	bool discard_zeroes; /* a discarded range reads as zeros */
	char *name; /* for messages; owned */
};

enum { BDEV_READONLY = 1, BDEV_EXCL = 2 /* refuse a device that is in use: -EBUSY */ };

/* A file, or a block device (then sizes come from the kernel). */
int bdev_open(const char *path, unsigned flags, struct bdev **out, struct err *e);
/* Memory, zero filled; sparse (only touched pages cost). */
int bdev_mem_new(const char *name, uint64_t size, struct bdev **out, struct err *e);

int bdev_read(struct bdev *bd, void *buf, size_t len, uint64_t off);  /* -EINVAL out of range */
int bdev_write(struct bdev *bd, const void *buf, size_t len, uint64_t off); /* -EROFS */
int bdev_flush(struct bdev *bd);
int bdev_discard(struct bdev *bd, uint64_t off, uint64_t len);
/* A hint: these bytes will be read soon. */
void bdev_prefetch(struct bdev *bd, uint64_t off, uint64_t len);
void bdev_close(struct bdev *bd); /* NULL is fine */

/*
 * Fault injection: wraps `inner` (owned from then on).  All devices of one test share one plan, so
 * that "operation number N" means the same over a mirror's sides.
 *
 * Power cut: from operation cut_at on (counting writes and flushes of all devices, from 0) nothing
 * reaches the media; -EIO is returned.  At that moment each write since the device's last flush is
 * kept, dropped or torn (a random prefix of sectors kept) by `seed`, in random order.  To see the
 * surviving bytes close the wrapper with bdev_fault_take().
 */
struct fault_plan {
	uint64_t seed;
	uint64_t cut_at;   /* UINT64_MAX: never */
	uint64_t fail_at;  /* this one operation (reads count too in ops_all) fails; MAX: never */
	int fail_errno;	   /* positive */
	bool keep_all;	   /* a cut keeps everything before it (pure prefix) */
	bool lose_all;	   /* a cut loses everything not flushed */
	uint64_t ops;	   /* counted: writes + flushes so far */
	uint64_t ops_all;  /* counted: reads + writes + flushes so far */
	bool is_cut;	   /* set when it happened */
};
int bdev_fault_new(struct bdev *inner, struct fault_plan *plan, struct bdev **out, struct err *e);
/* Apply what survives the cut to the inner device, free the wrapper and return the inner one. */
struct bdev *bdev_fault_take(struct bdev *fault);

#endif
