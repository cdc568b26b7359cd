/* SPDX-License-Identifier: MIT */
/*
 * Filesystems of a pool, mounted: the server of the kernel's FUSE protocol.
 *
 * One server per pool, with a few threads that serve the sessions of all its mounts; one session
 * per mounted dataset.  Node ids are object numbers.  Never call these functions with the pool's
 * lock held: a mount point may lie in another filesystem of the same server.
 */
#ifndef SMARTBOX_FS_FUSE_H
#define SMARTBOX_FS_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/spa.h"
#include "smartbox/fs/syncer.h"

struct fuse_server;
struct stash;

/*
 * Ids 0..len-1 on disk appear as base..base+len-1, others as 65534; a caller whose id is outside
 * gets EOVERFLOW when it would own something.  len 0: no shift.
 */
struct fuse_idmap {
	uint32_t base, len;
};

/* What one mount may have otherwise than the properties say, until it is unmounted. */
enum { FUSE_READONLY = 1, FUSE_NODEV = 2, FUSE_NOSUID = 4, FUSE_NOEXEC = 8, FUSE_NOATIME = 16,
	FUSE_RELATIME = 32 };
struct fuse_override {
	uint32_t set, value; /* which, and what they are */
};

struct fuse_mount_opts {
	bool readonly, nodev, nosuid, noexec, noatime, relatime;
	struct fuse_override override;
	bool snapdir_visible; /* ".zfs" in listings; it can always be entered */
	bool posix_acl;
	bool sync_always, sync_disabled;
	bool writeback; /* the kernel's write-back cache: faster small writes, late ENOSPC */
	struct fuse_idmap idmap;
};

/*
 * sync may be NULL for a read-only pool.  threads 0: a default.  stash: memory that outlives this process,
 * which stays the caller's; NULL: none is needed.
 */
int fuse_server_new(struct spa *spa, struct syncer *sync, unsigned threads, struct stash *stash,
    struct fuse_server **out, struct err *e);
/*
 * The mounts of a server that died, as the stash has them.  First, before anybody else uses the pool: open
 * their datasets and do the changes again that are in no durable txg, in one txg, and sync it.  Then,
 * when the caller has done what he must before users go on: serve them.
 */
int fuse_takeover_replay(struct fuse_server *fs, struct err *e);
int fuse_takeover_serve(struct fuse_server *fs, struct err *e);
/* Unmounts what is left (lazily), ends the threads.  NULL is fine. */
void fuse_server_free(struct fuse_server *fs);

/*
 * Fill o from the dataset's properties (readonly, devices, setuid, exec, atime, snapdir, ...); the
 * user property smartbox:idmap=BASE:LEN, which machine/ gives a zone's datasets, fills idmap.
 */
int fuse_opts_from_props(struct fuse_server *fs, const char *dataset, struct fuse_mount_opts *o,
    struct err *e);

/* path must be a directory.  A snapshot may be mounted too.  -EBUSY: mounted already. */
int fuse_mount(struct fuse_server *fs, const char *dataset, const char *path,
    const struct fuse_mount_opts *o, struct err *e);
/*
 * After a property changed: give the mount the new options (a different idmap: -EINVAL).  What the mount
 * has otherwise than the properties stays so, unless o overrides something itself.
 */
int fuse_remount(struct fuse_server *fs, const char *dataset, const struct fuse_mount_opts *o,
    struct err *e);
/* -EBUSY while in use, unless force (then it is detached and its users get errors); -ENOENT. */
int fuse_unmount(struct fuse_server *fs, const char *dataset, bool force, struct err *e);

struct fuse_mount_info {
	const char *dataset, *path;
	const struct fuse_mount_opts *opts;
};
/* In the order of mounting; fn must not mount or unmount; non-zero ends the walk. */
int fuse_walk(struct fuse_server *fs, int (*fn)(const struct fuse_mount_info *mi, void *arg),
    void *arg);
/* Where a dataset is mounted; -ENOENT. */
int fuse_mounted_at(struct fuse_server *fs, const char *dataset, char *path, size_t size);

/*
 * Let go of a snapshot that was entered through .zfs/snapshot (its files become ESTALE), so that
 * it can be destroyed or renamed.
 */
void fuse_release_snapshot(struct fuse_server *fs, const char *snapshot);
/* Around a rollback or a receive into a mounted filesystem: users wait; then all caches are dropped. */
int fuse_suspend(struct fuse_server *fs, const char *dataset);
int fuse_resume(struct fuse_server *fs, const char *dataset, struct err *e);

#endif
