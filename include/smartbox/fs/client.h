/* SPDX-License-Identifier: MIT */
/*
 * Talking to the pools from the same machine: what zfs, zpool and machine/ call.
 *
 * Each imported pool is owned by a poold, which listens on /run/smartbox/pool/<name>.sock.  A
 * request is one nvlist {op, args...}, the answer one nvlist.  Every call here is one round trip.
 * A poold that was killed is started again by the next call.  A tool that opened a pool itself
 * (rescue, read-only) runs the same operations in-process: fs/poolops.h.
 */
#ifndef SMARTBOX_FS_CLIENT_H
#define SMARTBOX_FS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

/* Any operation on the pool that owns `dataset`; *out to be freed; may be NULL. */
int pool_call(const char *dataset, const char *op, const struct nvlist *args, struct nvlist **out,
    struct err *e);

/*
 * An operation that reads a stream from fd or writes one to it (fs.send, fs.receive).  tell gets what
 * is to be shown meanwhile: {line}, or {name, bytes}.  May be NULL.
 */
typedef void pool_tell_fn(void *arg, const struct nvlist *nv);
int pool_stream(const char *dataset, const char *op, const struct nvlist *args, int fd,
    pool_tell_fn *tell, void *arg, struct nvlist **out, struct err *e);

/*
 * Start a poold for a new or a found pool (docs/poold-protocol.md, "Starting") and wait until the
 * pool is imported, mounted and served.  *out (may be NULL) gets what there is to say of it.
 */
int pool_start(const struct nvlist *request, struct nvlist **out, struct err *e);
/* The poold of this pool was killed: import the pool again as it was. */
int pool_restart(const char *pool, struct err *e);

/* Names of imported pools, NULL-terminated, malloc'ed as one block. */
int pool_names(char ***names, struct err *e);
bool pool_is_imported(const char *name);

/* Shorthands.  props: name -> string, may be NULL.  Created filesystems are mounted. */
int fs_create(const char *name, const struct nvlist *props, bool parents, struct err *e);
int fs_create_volume(const char *name, uint64_t bytes, bool sparse, const struct nvlist *props,
    struct err *e);
int fs_destroy(const char *name, bool recursive, struct err *e); /* with its snapshots if recursive */
int fs_snapshot(const char *const *names, size_t n, const struct nvlist *props, struct err *e);
int fs_clone(const char *snapshot, const char *name, const struct nvlist *props, struct err *e);
int fs_rollback(const char *snapshot, bool destroy_newer, struct err *e);
int fs_rename(const char *from, const char *to, struct err *e);
int fs_exists(const char *name, bool *exists, struct err *e);
int fs_get(const char *name, const char *prop, char *buf, size_t size, struct err *e); /* raw */
int fs_set(const char *name, const char *prop, const char *value, struct err *e);
int fs_mount(const char *name, struct err *e);
/*
 * A connected socket that speaks vhost-user for a volume (docs/poold-protocol.md, "Volumes for
 * guests"); *fd is the caller's.
 */
int fs_vhost_user(const char *volume, bool readonly, int *fd, struct err *e);
int fs_unmount(const char *name, bool force, struct err *e);

#endif
