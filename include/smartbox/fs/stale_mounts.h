/* SPDX-License-Identifier: MIT */
/* Mounts that a killed poold left behind. */
#ifndef SMARTBOX_FS_STALE_MOUNTS_H
#define SMARTBOX_FS_STALE_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Detach every FUSE mount whose source is a dataset of `pool` and whose server is gone.  Only in
 * the caller's mount namespace; call it while holding the pool's lock file.
 */
void stale_mounts_clear(const char *pool);

/*
 * One line of /proc/self/mountinfo: the mount point (escapes undone) when it is a FUSE mount of a
 * dataset of `pool`.  The line is changed.
 */
bool stale_mounts_parse(char *line, const char *pool, char *path, size_t size);

#endif
