/* SPDX-License-Identifier: MIT */
/*
 * Files that must never be half written, and the locks around them.
 *
 * Replacement: write PATH.tmp.<pid>, fsync it, rename it over PATH, fsync the directory.  After a
 * power cut at any point PATH is the old file or the new one, complete.  Leftover temporaries of
 * dead processes are removed by the next replacement in that directory of the same PATH.
 */
#ifndef SMARTBOX_CORE_FILE_H
#define SMARTBOX_CORE_FILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

int file_replace(const char *path, const void *buf, size_t len, mode_t mode, struct err *e);
/* Remove durably; a missing file is fine. */
int file_remove(const char *path, struct err *e);
/*
 * Whole file, NUL appended behind len bytes (len may be NULL); malloc'ed.  -EFBIG above max.  Works
 * on /proc and /sys files too.
 */
int file_read(const char *path, size_t max, char **buf, size_t *len, struct err *e);
/* One short write to an existing file (/proc, /sys, cgroupfs), no replacement. */
int file_poke(const char *path, const char *text, struct err *e);

int file_mkdirs(const char *path, mode_t mode, struct err *e); /* mkdir -p */

/*
 * fdopendir() that keeps nothing back: fd belongs to the folder, and is closed on failure (NULL, errno). A negative
 * fd is a failure before ours, whose errno stays.
 */
DIR *file_fdopendir(int fd);

/*
 * Exclusive (or shared) advisory lock on PATH, created 0600 when missing; blocks unless nonblock,
 * then -EWOULDBLOCK.  Returns a descriptor (>= 0) to hand to file_unlock; dies with the process.
 */
int file_lock(const char *path, bool shared, bool nonblock, struct err *e);
void file_unlock(int fd);

/* All bytes or -errno (EINTR handled; a short read at end of file is -EPIPE). */
int io_read_full(int fd, void *buf, size_t len);
int io_write_full(int fd, const void *buf, size_t len);
/* The same to a socket; a peer that went away is -EPIPE, not SIGPIPE. */
int io_send_full(int fd, const void *buf, size_t len);

#endif
