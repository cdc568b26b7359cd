/* SPDX-License-Identifier: MIT */
/*
 * What a disk or CD model reads and writes.  Calls may come from several threads; offsets and
 * lengths were checked against size by the model; 0 or -errno, everything or nothing known.
 */
#ifndef SMARTBOX_VMX_BLK_H
#define SMARTBOX_VMX_BLK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "smartbox/core/err.h"

struct blk_backend;

struct blk_ops {
	/* The iovec array may be changed. */
	int (*readv)(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off);
	int (*writev)(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off);
	int (*flush)(struct blk_backend *b);
	int (*discard)(struct blk_backend *b, uint64_t off, uint64_t len); /* NULL: not offered */
	int (*zero)(struct blk_backend *b, uint64_t off, uint64_t len, bool unmap); /* NULL */
	void (*close)(struct blk_backend *b);
};

struct blk_backend {
	const struct blk_ops *ops;
	uint64_t size; /* bytes */
	uint32_t physical_block;
	bool readonly;
};

/* A raw file or block device; the descriptor is owned, also on failure. */
int blk_file_new(int fd, bool readonly, uint32_t physical_block, struct blk_backend **out,
    struct err *e);

#endif
