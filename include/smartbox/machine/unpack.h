/* SPDX-License-Identifier: MIT */
/*
 * Unpacking an image archive below one directory, in a process that can do nothing else.
 */
#ifndef SMARTBOX_MACHINE_UNPACK_H
#define SMARTBOX_MACHINE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/machine/decomp.h"

/* A zone has ids 0..65535; an archive with others cannot be its root. */
#define UNPACK_MAX_ID 65535u

struct unpack;

struct unpack_stats {
	uint64_t entries;
	uint64_t bytes;	  /* of file content */
	uint64_t devices; /* device nodes left out: a zone's /dev is made at boot */
	uint64_t xattrs;  /* extended attributes left out: trusted.*, security.* but capabilities */
};

/*
 * Start the unpacker below dirfd (borrowed; a directory, best empty).  Compressed bytes are then fed
 * with unpack_feed; their kind is told by the first bytes.
 */
int unpack_start(int dirfd, struct unpack **out, struct err *e);
/*
 * The same without an archive: what comes out of the decompressor is written to fd (borrowed).  dirfd: a
 * directory to be locked up in.
 */
int unpack_start_plain(int dirfd, int fd, struct unpack **out, struct err *e);
/* Is what begins with these bytes, decompressed, a zfs stream? */
bool unpack_is_zfs_stream(int dirfd, const void *head, size_t len);
/* Blocks until the unpacker has taken them.  -EPIPE: it gave up; unpack_finish says why. */
int unpack_feed(struct unpack *u, const void *buf, size_t len);
/*
 * No more input: wait for the end and free.  0 and *st (may be NULL), or the unpacker's error, which
 * names the entry.
 */
int unpack_finish(struct unpack *u, struct unpack_stats *st, struct err *e);
/* Kill and free; NULL is fine. */
void unpack_abort(struct unpack *u);

#endif
