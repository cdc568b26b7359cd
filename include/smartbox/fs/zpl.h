/* SPDX-License-Identifier: MIT */
/*
 * The POSIX layer: files and directories in an objset.
 *
 * A znode is an object with system attributes (SA).  Everything is by object number, so that the
 * FUSE server keeps no state that it cannot rebuild.  Called with the pool's lock held.  Errors are
 * those that system calls give.
 */
#ifndef SMARTBOX_FS_ZPL_H
#define SMARTBOX_FS_ZPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dsl.h"

struct syncer;
struct zilog;
struct zil_replayed;
struct zpl; /* one open filesystem or snapshot */

struct zpl_attr {
	uint64_t obj, gen, parent;
	uint64_t size, blocks512, links, rdev; /* rdev in Linux's huge encoding (gnu makedev) */
	uint32_t mode, uid, gid, block_size;
	uint64_t flags, projid;
	int64_t atime[2], mtime[2], ctime[2], crtime[2]; /* seconds, nanoseconds */
	bool has_xattr_dir;
};

/* The first objects of a new filesystem (a dsl_init_fn; arg: const struct zpl_init *). */
struct zpl_init {
	uint32_t uid, gid, mode;
	bool utf8only;
	unsigned normalization, casesensitivity;
};
int zpl_init_objset(struct objset *os, void *arg);

/*
 * ds stays the caller's and must outlive the zpl.  Snapshots are always read-only.  -ENOTSUP: a
 * ZPL version or a property (name normalization) that this engine does not maintain.
 */
int zpl_open(struct dsl_dataset *ds, bool readonly, struct zpl **out, struct err *e);
void zpl_close(struct zpl *z); /* NULL is fine */
/*
 * From here on changes are noted in the intent log, and zil_commit(zpl_log(z), ...) makes them durable
 * (include/smartbox/fs/zil.h).  Read-only pools and snapshots have none: 0, and zpl_log is NULL.
 */
int zpl_log_start(struct zpl *z, struct syncer *sync);
struct zilog *zpl_log(const struct zpl *z);
/* What zpl_open found in the log of a crash and applied. */
const struct zil_replayed *zpl_replayed(const struct zpl *z);
/* Read everything again: the dataset was rolled back or received into. */
int zpl_reload(struct zpl *z, struct err *e);
void zpl_set_readonly(struct zpl *z, bool readonly);
bool zpl_is_readonly(const struct zpl *z);
struct dsl_dataset *zpl_dataset(const struct zpl *z);
uint64_t zpl_root(const struct zpl *z);
bool zpl_folds_case(const struct zpl *z); /* names that differ by case are one name */
/* Free what was unlinked while open when the power went (the delete queue). */
int zpl_reap_unlinked(struct zpl *z);

/*
 * Around an operation that is to be repeatable: all of it happens at one time, and made gets the numbers
 * of new objects.  To repeat it after the process died: the time, the txg it was in, and what it made;
 * limits on space do not apply, they did when it was done first.
 */
struct dmu_made;
void zpl_op_begin(struct zpl *z, struct dmu_made *made, uint64_t seed, uint64_t now[2]);
void zpl_op_end(struct zpl *z);
void zpl_again_begin(struct zpl *z, struct dmu_made *made, const uint64_t now[2], uint64_t txg);
void zpl_again_end(struct zpl *z, bool readonly);
void zpl_time(struct zpl *z, uint64_t now[2]); /* of the operation */
/* Forget the intent log of a head that is not open: somebody else has all that is in it. */
int zpl_discard_log(struct dsl_dataset *ds);
/* Each object without names; fn may free it.  Non-zero from fn ends the walk. */
int zpl_walk_unlinked(struct zpl *z, int (*fn)(void *arg, uint64_t obj), void *arg);
/* How many there are in a filesystem's objset. */
int zpl_count_unlinked(struct objset *os, uint64_t *n);

int zpl_lookup(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj);
int zpl_getattr(struct zpl *z, uint64_t obj, struct zpl_attr *a);
enum { ZA_MODE = 1, ZA_UID = 2, ZA_GID = 4, ZA_SIZE = 8, ZA_ATIME = 16, ZA_MTIME = 32, ZA_CTIME = 64 };
/* ctime is set to now unless ZA_CTIME; ZA_SIZE truncates or extends, and sets mtime too. */
int zpl_setattr(struct zpl *z, uint64_t obj, unsigned mask, const struct zpl_attr *a);
/*
 * The project that the object's space counts for, and whether what is made in it belongs to the same
 * one.  -EOPNOTSUPP: the filesystem does not count by project; -EDQUOT.
 */
int zpl_project_set(struct zpl *z, uint64_t obj, uint32_t projid, bool inherit);
/*
 * Access time after a read; nothing when the filesystem cannot be written.  relative: only when the file was
 * changed since, or a day has passed.
 */
int zpl_touch_atime(struct zpl *z, uint64_t obj, bool relative);

struct zpl_new {
	uint32_t mode, uid, gid; /* mode with the file type */
	uint64_t rdev;
	const char *target; /* symlinks */
};
int zpl_create(struct zpl *z, uint64_t dir, const char *name, const struct zpl_new *n,
    uint64_t *obj);
int zpl_tmpfile(struct zpl *z, const struct zpl_new *n, uint64_t *obj);
int zpl_link(struct zpl *z, uint64_t obj, uint64_t dir, const char *name);
/* The last link gone: to the delete queue; zpl_free_unlinked when the last user is gone too. */
int zpl_unlink(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj, bool *is_last);
/* The directory stays in the delete queue too, for those who are still in it. */
int zpl_rmdir(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj);
/*
 * Destroy an object of the delete queue.  1: a piece of a huge file is gone, call again (others may
 * have the lock in between).
 */
int zpl_free_unlinked(struct zpl *z, uint64_t obj);
/* flags: 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT of Linux. */
int zpl_rename(struct zpl *z, uint64_t dir, const char *name, uint64_t newdir, const char *newname,
    unsigned flags, uint64_t *replaced, bool *replaced_last);
int zpl_readlink(struct zpl *z, uint64_t obj, char *buf, size_t size); /* length or -errno */

typedef int zpl_dirent_fn(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg);
/*
 * cookie 0 starts; `next` is the cookie behind the entry (below 2^63, stable while entries come and
 * go); fn returns non-zero to stop before taking the entry.  "." and ".." included.
 */
int zpl_readdir(struct zpl *z, uint64_t dir, uint64_t cookie, zpl_dirent_fn *fn, void *arg);

int zpl_read(struct zpl *z, uint64_t obj, uint64_t off, size_t len, void *buf); /* bytes or -errno */
/* 0 or -errno.  Grows the file, sets mtime and ctime unless keep_times. */
/* Touch what such a write will need (dmu_run). */
void zpl_write_prepare(struct zpl *z, uint64_t obj, uint64_t off, size_t len);
int zpl_write(struct zpl *z, uint64_t obj, uint64_t off, size_t len, const void *buf,
    bool keep_times);
/* What a write by an unprivileged user takes away: set-id bits (if asked) and file capabilities. */
int zpl_drop_privs(struct zpl *z, uint64_t obj, bool drop_setid, bool *changed);
int zpl_fallocate(struct zpl *z, uint64_t obj, int mode, uint64_t off, uint64_t len);
int zpl_seek(struct zpl *z, uint64_t obj, bool hole, uint64_t *off);

/*
 * Extended attributes by their full Linux names ("user.x").  They are read from the system
 * attribute and from attribute directories; written to the system attribute while they fit.
 * get and list: bytes, or with size 0 the bytes needed; -ERANGE.  -ENODATA no such attribute.
 */
int zpl_xattr_get(struct zpl *z, uint64_t obj, const char *name, void *buf, size_t size);
enum { ZX_CREATE = 1, ZX_REPLACE = 2 };
int zpl_xattr_set(struct zpl *z, uint64_t obj, const char *name, const void *val, size_t len,
    unsigned flags);
int zpl_xattr_remove(struct zpl *z, uint64_t obj, const char *name);
int zpl_xattr_list(struct zpl *z, uint64_t obj, char *buf, size_t size); /* names with NULs */

#endif
