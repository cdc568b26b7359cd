/* SPDX-License-Identifier: MIT */
/*
 * The kernel's descriptor-based mount calls, and path look-ups that cannot leave a directory.
 *
 * A mount is made detached (mnt_new, mnt_clone), shaped (mnt_attr) and only then attached to a
 * directory or file that is given as a descriptor: no path string of an untrusted tree is walked by
 * mount(2).
 */
#ifndef KERN_NEWMOUNT_H
#define KERN_NEWMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum { /* mount attributes, as the kernel numbers them */
	MNT_RDONLY = 0x1,
	MNT_NOSUID = 0x2,
	MNT_NODEV = 0x4,
	MNT_NOEXEC = 0x8,
	MNT_IDMAP = 0x100000,
};

/* A new file system, detached.  opts: "key=value" or "flag", NULL at the end; may be NULL. */
int mnt_new(const char *fstype, const char *const *opts, unsigned attrs, struct err *e);
/* A copy of the mount (not below it) at dfd/path, detached; path "" is dfd itself. */
int mnt_clone(int dfd, const char *path);
/* userns_fd < 0: no id mapping. */
int mnt_attr(int mfd, uint64_t set, int userns_fd);
/* Attach over `target` (an O_PATH descriptor). */
int mnt_attach(int mfd, int target);

/*
 * Open below root: no symlink at all, no "..", no mount magic leads out.  flags as open(2).
 * Returns a descriptor or -errno (-ELOOP: a symlink is in the way).
 */
int open_beneath(int root, const char *path, int flags);

#endif
