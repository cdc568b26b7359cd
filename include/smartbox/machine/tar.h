/* SPDX-License-Identifier: MIT */
/*
 * A reader of tar archives: ustar, GNU long names, pax headers with extended attributes.
 *
 * Input is not trusted: every number is range checked, names are bounded by PATH_MAX, pax headers
 * by TAR_MAX_PAX.  The reader judges the archive's form only; where a name may point is decided by
 * who uses it (machine/unpack.h).
 */
#ifndef SMARTBOX_MACHINE_TAR_H
#define SMARTBOX_MACHINE_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "smartbox/core/err.h"

#define TAR_BLOCK 512u
#define TAR_MAX_PAX (1u << 20)
#define TAR_MAX_XATTRS 64u

enum tar_type { TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCKDEV, TAR_DIR, TAR_FIFO };

struct tar_xattr {
	const char *name; /* "security.capability" */
	const void *value;
	size_t len;
};

/* One member.  Pointers are the reader's, valid until the next tar_next or tar_free. */
struct tar_entry {
	enum tar_type type;
	const char *name; /* as written, never empty */
	const char *link; /* target of hard and symbolic links, else "" */
	uint32_t mode;	  /* permission bits and set-id bits */
	uint32_t uid;
	uint32_t gid;
	uint64_t size; /* bytes of content; 0 for all but files */
	struct timespec mtime;
	uint32_t dev_major;
	uint32_t dev_minor;
	const struct tar_xattr *xattrs;
	size_t nxattrs;
};

/* Up to len bytes (> 0), 0 at the end, -errno. */
typedef ssize_t tar_read_fn(void *arg, void *buf, size_t len);

struct tar;

int tar_new(tar_read_fn *read, void *arg, struct tar **out, struct err *e);
/*
 * The next member: 1 and *ent, 0 at the end mark, -errno.  Content that was not read is skipped.
 * -EILSEQ not a tar archive or damaged, -ENODATA cut short, -ENOTSUP a kind we refuse (sparse
 * files, multi-volume), -ENAMETOOLONG, -ERANGE.
 */
int tar_next(struct tar *t, const struct tar_entry **ent, struct err *e);
/* Content of the current member: bytes (> 0), 0 when all was read, -errno. */
ssize_t tar_data(struct tar *t, void *buf, size_t len, struct err *e);
void tar_free(struct tar *t);

#endif
