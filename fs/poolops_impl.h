/* SPDX-License-Identifier: MIT */
/* What the files of the pool operations share. */
#ifndef FS_POOLOPS_IMPL_H
#define FS_POOLOPS_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/buf.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/poolops.h"

struct pool_session {
	struct spa *spa;
	struct fuse_server *fuse;
	struct syncer *sync;
	struct zvol_server *zvols; /* NULL: no devices */
	char *altroot; /* "" when there is none */
	void (*quiesce)(void *arg);
	void *arg;
	uint64_t load_guid;	   /* of this import */
	uint64_t opened;	   /* when, in seconds since 1970 */
	pthread_rwlock_t alive;	   /* shared by every operation, alone to close the pool */
	pthread_mutex_t changing;  /* held by an operation that changes, before the pool's lock */
	bool is_over;
	int streams;	   /* that are being sent or received */
	bool stop_streams; /* the pool is about to be closed: they shall end */
};

typedef int poolop_fn(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e);

/* pool */
poolop_fn op_pool_events, op_pool_checkpoint, op_pool_split, op_pool_initialize;
poolop_fn op_pool_props, op_pool_status, op_pool_set, op_pool_history, op_pool_sync, op_pool_export,
    op_pool_destroy, op_pool_scrub;
/* devices */
poolop_fn op_pool_offline, op_pool_online, op_pool_attach, op_pool_detach, op_pool_add, op_pool_remove,
    op_pool_clear, op_pool_reopen, op_pool_reguid, op_pool_resilver,
    op_pool_trim, op_pool_upgrade;
/* datasets */
poolop_fn op_fs_list, op_fs_create, op_fs_clone, op_fs_rename, op_fs_set, op_fs_inherit,
    op_fs_snapshot, op_fs_destroy, op_fs_destroy_snaps, op_fs_rollback;
/* owners */
poolop_fn op_fs_userspace, op_fs_allow, op_fs_permissions;
/* snapshots */
poolop_fn op_fs_bookmark, op_fs_destroy_bookmark, op_fs_hold, op_fs_release, op_fs_holds,
    op_fs_promote, op_fs_diff;
/* mounts */
poolop_fn op_fs_vhost_user;
poolop_fn op_fs_mount, op_fs_mount_all, op_fs_unmount, op_fs_unmount_all, op_fs_mounts,
    op_fs_activity;

/* A list of names. */
struct strlist {
	char **v;
	size_t n, cap;
};
#define STRLIST_INIT {NULL, 0, 0}
int strlist_add(struct strlist *l, const char *s); /* 0 or -ENOMEM */
bool strlist_has(const struct strlist *l, const char *s);
void strlist_reverse(struct strlist *l);
void strlist_free(struct strlist *l);
int strlist_to_nv(const struct strlist *l, struct nvlist *nv, const char *name);

/* Arguments: a string that must be there; a flag. */
int arg_str(const struct nvlist *in, const char *name, const char **s, struct err *e);
bool arg_flag(const struct nvlist *in, const char *name);

/* What zpool status -v names; the pool's lock held. */
int errors_to_names(struct pool_session *s, struct strlist *names);

/* A dataset's property as text, exact; the pool's lock held. */
int ds_prop(struct dsl_dataset *ds, const char *prop, char *buf, size_t size);
/* The same by name, taking the lock. */
int session_prop(struct pool_session *s, const char *name, const char *prop, char *buf, size_t size,
    struct err *e);
bool session_exists(struct pool_session *s, const char *name);

/* Names of a walk, in its order; takes the pool's lock. */
int session_names(struct pool_session *s, const char *root, int depth, unsigned types,
    struct strlist *l, struct err *e);

/* The first of dsl_walk's that has this guid; pool's lock held. */
bool name_by_guid(struct spa *spa, const char *root, int depth, unsigned types, uint64_t guid,
    char name[DSL_NAME_MAX]);

/*
 * Where a filesystem wants to be mounted, altroot included: a path, "legacy" or "none".  source as
 * of dsl_prop_text, may be NULL.  Pool's lock held.
 */
int ds_mountpoint(struct pool_session *s, struct dsl_dataset *ds, char *buf, size_t size,
    char *source, size_t source_size);

/* Make a filesystem and those above it that are missing; they are mounted unless nomount. */
int create_missing(struct pool_session *s, const char *name, bool nomount, struct err *why,
    struct err *e);
/* Mount what was just made, if its properties say so. */
int mount_new(struct pool_session *s, const char *name, struct err *e);
/* All of root (NULL: the pool) that should be mounted and is not, parents first. */
int mount_tree(struct pool_session *s, const char *root, struct err *e);
/* All of a pool that was just imported, with the options of the request (fs.mount). */
int mount_imported(struct pool_session *s, const struct nvlist *in, struct err *e);
/*
 * Unmount what is mounted of root and below, children first; `gone` (may be NULL) gets the names,
 * in that order.  On failure all that was unmounted is mounted again.
 */
int unmount_tree(struct pool_session *s, const char *root, bool force, struct strlist *gone,
    struct err *e);
/* Mount these again where their properties now say, last first. */
int remount_list(struct pool_session *s, const struct strlist *gone, struct err *e);
/*
 * A mount goes away when the directory that it is on does, as when a filesystem's contents are
 * replaced.  Before that: what is mounted below root.  After: mount again what is not any more.
 */
void note_mounts_below(struct pool_session *s, const char *root, struct strlist *l);
void mount_lost(struct pool_session *s, const struct strlist *l);
/* Give the mounts of root and below the options that their properties now say. */
void refresh_mounts(struct pool_session *s, const char *root);
/* Remove an empty mount point that we made. */
void remove_mountpoint(const char *path);
/* Send what the kernel holds back of a mounted filesystem to the pool. */
void flush_mount(struct pool_session *s, const char *dataset);

/*
 * Setting these properties of a volume sets others with them (fs/zvol_props.c): *out is what to set
 * instead, to be freed, or NULL when props are all.
 */
int volume_props(struct pool_session *s, const char *name, const struct nvlist *props,
    struct nvlist **out, struct err *e);

/* Stop serving the volumes of root and below (NULL: all), so that they can go; -EBUSY. */
int volumes_release(struct pool_session *s, const char *root, bool force, struct err *e);
/* After an operation: let the exported volumes follow it. */
void volumes_follow(struct pool_session *s, const char *op, const struct nvlist *in,
    struct nvlist *out, int rc);

/* The command line of the request into the pool's history; internal event.  Pool's lock held. */
void history_command(struct pool_session *s, const struct nvlist *in);
void history_event(struct pool_session *s, const char *event, const char *dataset,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
