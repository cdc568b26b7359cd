/* SPDX-License-Identifier: MIT */
/*
 * The dataset and snapshot layer: filesystems, volumes, snapshots, clones, properties, space.
 *
 * Names are "pool/a/b", "pool/a@snap".  Called with the pool's lock held (spa_enter).  Operations
 * that change structure are sync tasks: when they return 0 the change is on disk.
 */
#ifndef SMARTBOX_FS_DSL_H
#define SMARTBOX_FS_DSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dmu.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/spa.h"

#define DSL_NAME_MAX 256 /* with the NUL, as OpenZFS */

enum { DSL_FILESYSTEM = 1, DSL_VOLUME = 2, DSL_SNAPSHOT = 4, DSL_BOOKMARK = 8,
	DSL_HIDDEN = 16 /* in dsl_walk: also what is being received into (fs/recv.h) */ };

struct dsl_dataset; /* a head or a snapshot, held */

/*
 * Pool life.  dsl_pool_create: called by spa_create in its first txg, when the MOS has its object
 * directory (object 1) and the feature zaps; it adds root_dataset, free_bpobj and sync_bplist.
 * dsl_pool_open: by spa_import when the MOS is open; dsl_pool_close: by spa_close (all datasets
 * must have been released; what is dirty is dropped).
 */
int dsl_pool_create(struct spa *spa, const struct nvlist *fsprops, struct err *e);
int dsl_pool_open(struct spa *spa, struct err *e);
void dsl_pool_close(struct spa *spa);
/* At the end of a writable import: finish destroys that a power cut interrupted. */
void dsl_destroy_inconsistent(struct spa *spa);
/* There too: release what was held for an operation that is over since. */
void dsl_release_temporary(struct spa *spa);
/* Notes of OpenZFS on clones that we would not keep.  -ENOTSUP: it was using them. */
int dsl_check_livelists(struct spa *spa, struct err *e);
/* Let go of them, before anything else is changed. */
int dsl_drop_livelists(struct spa *spa, struct err *e);
/* Called by spa_sync: write all dirty datasets; the $MOS accounting at the end. */
int dsl_pool_sync_datasets(struct spa *spa);
int dsl_pool_sync_mos_delta(struct spa *spa, int64_t dsize, int64_t comp, int64_t uncomp);
bool dsl_pool_is_dirty(const struct spa *spa);

int dsl_hold(struct spa *spa, const char *name, struct dsl_dataset **out, struct err *e);
void dsl_rele(struct dsl_dataset *ds);
/* The objset, opened at the first call, shared by all holders. */
int dsl_objset(struct dsl_dataset *ds, struct objset **out);
bool dsl_is_snapshot(const struct dsl_dataset *ds);
/* -ENOTSUP, naming the feature: its contents are in a form that is not read here. */
int dsl_check_readable(struct dsl_dataset *ds, struct err *e);
/* Being received, or left behind by a receive that can be resumed: it has no contents to show. */
bool dsl_is_inconsistent(const struct dsl_dataset *ds);
/* One of DSL_FILESYSTEM .. DSL_BOOKMARK; of a snapshot's head: dsl_head_kind. */
unsigned dsl_kind(struct dsl_dataset *ds);
unsigned dsl_head_kind(struct dsl_dataset *ds);
void dsl_name(const struct dsl_dataset *ds, char buf[DSL_NAME_MAX]);
uint64_t dsl_guid(const struct dsl_dataset *ds);
uint64_t dsl_fsid(const struct dsl_dataset *ds);
uint64_t dsl_objnum(const struct dsl_dataset *ds);
int dsl_hold_objnum(struct spa *spa, uint64_t obj, struct dsl_dataset **out); /* -ENOENT */

/*
 * May `bytes` more be referenced through this dataset?  0, -EDQUOT (quota or refquota here or
 * above), -ENOSPC (pool).  netfree: an operation that frees in the end may use the reserve.
 */
int dsl_space_check(struct dsl_dataset *ds, uint64_t bytes, bool netfree);
/* statfs: bytes referenced and available under all quotas. */
void dsl_space(struct dsl_dataset *ds, uint64_t *refd, uint64_t *avail, uint64_t *objs_used);

/* init fills the new empty objset (the ZPL's or a zvol's first objects). */
typedef int dsl_init_fn(struct objset *os, void *arg);
struct dsl_create {
	const char *name;
	unsigned type;		    /* 2 ZFS, 3 ZVOL */
	const struct nvlist *props; /* native or user properties as strings or u64, or NULL */
	dsl_init_fn *init;
	void *arg;
};
int dsl_create(struct spa *spa, const struct dsl_create *c, struct err *e);
/* All or none, one txg; "pool/fs@name" each, props on every one. */
int dsl_snapshot(struct spa *spa, const char *const *names, size_t n, const struct nvlist *props,
    struct err *e);
/*
 * One that goes with its tag: by dsl_release_tag, or at the next import, whoever makes it.
 */
int dsl_snapshot_temporary(struct spa *spa, const char *name, const char *tag, struct err *e);
int dsl_clone(struct spa *spa, const char *snapshot, const char *name, const struct nvlist *props,
    struct err *e);
int dsl_destroy(struct spa *spa, const char *name, struct err *e); /* -EBUSY children, holders */
int dsl_destroy_snaps(struct spa *spa, const char *const *names, size_t n, struct err *e);
/* What is held or cloned goes when its last tag and clone go; the others now. */
int dsl_destroy_snaps_deferred(struct spa *spa, const char *const *names, size_t n, struct err *e);
/* The clone gets its origin's snapshots; conflict (may be NULL): a name that both have, of -EEXIST. */
int dsl_promote(struct spa *spa, const char *name, char conflict[DSL_NAME_MAX], struct err *e);
/* name: "fs#mark" of a snapshot or another bookmark. */
int dsl_bookmark(struct spa *spa, const char *source, const char *name, struct err *e);
int dsl_destroy_bookmark(struct spa *spa, const char *name, struct err *e);
int dsl_rename(struct spa *spa, const char *from, const char *to, struct err *e);
int dsl_rollback(struct spa *spa, const char *fs, const char *snapshot, struct err *e);

/* Holds: all of the snapshots or none.  -EEXIST, -ESRCH: the tag is there, is not. */
int dsl_hold_tag(struct spa *spa, const char *const *names, size_t n, const char *tag, struct err *e);
int dsl_release_tag(struct spa *spa, const char *const *names, size_t n, const char *tag,
    struct err *e);
/* Several tags with their times on one snapshot (what a stream brings); those there are replaced. */
int dsl_hold_tags(struct spa *spa, const char *name, const struct nvlist *tags, struct err *e);
int dsl_list_tags(struct dsl_dataset *ds, struct nvlist *out); /* tag -> time */

/*
 * Properties.  Values go in and out as text ("128K", "lz4", "on"); numbers exact with raw.
 * source: "local", "default", "inherited from pool/a", "received", "-" (statistics, "temporary").
 */
int dsl_prop_set(struct spa *spa, const char *name, const struct nvlist *props, struct err *e);
/* Could a dataset of this kind be made with them? */
int dsl_prop_check_new(struct spa *spa, unsigned kind, const struct nvlist *props, struct err *e);
/*
 * What a stream said.  props: u64 and strings, replacing all that were received before; a value that
 * is not legal here is left out and named in *refused (an nvlist name -> why; may be NULL).
 */
int dsl_prop_receive(struct spa *spa, const char *name, const struct nvlist *props,
    struct nvlist *refused, struct err *e);
int dsl_prop_inherit(struct spa *spa, const char *name, const char *prop, bool received,
    struct err *e);
int dsl_prop_u64(struct dsl_dataset *ds, const char *prop, uint64_t *v);
int dsl_prop_text(struct dsl_dataset *ds, const char *prop, bool raw, char *buf, size_t size,
    char *source, size_t source_size);
/* The same for many datasets: what the name means is looked up once.  The name is kept by reference. */
struct dsl_prop_ref {
	const char *name;
	const struct fs_prop *prop; /* NULL: a user property, written@..., userused@... */
	const struct dsl_stat *stat; /* a statistic */
};
void dsl_prop_ref(const char *name, struct dsl_prop_ref *r);
int dsl_prop_text_ref(struct dsl_dataset *ds, const struct dsl_prop_ref *r, bool raw, char *buf,
    size_t size, char *source, size_t source_size);
int dsl_user_props(struct dsl_dataset *ds,
    int (*fn)(const char *name, const char *value, const char *source, void *arg), void *arg);
/*
 * fn is called after a sync that changed what an open dataset's user has read: a property of it or
 * above it, or (rollback) all of its contents: caches over dsl_objset(), which stays the same
 * pointer, are void then.  Listeners of one dataset are told apart by arg; a NULL fn takes the one
 * with that arg away, which must happen before its holder's dsl_rele.
 */
enum dsl_event { DSL_EVENT_PROPS, DSL_EVENT_ROLLBACK };
typedef void dsl_listen_fn(struct dsl_dataset *ds, enum dsl_event ev, void *arg);
void dsl_listen(struct dsl_dataset *ds, dsl_listen_fn *fn, void *arg);

/*
 * Delegated permissions, kept for OpenZFS: who is a key as on disk ("ul$1001": fs/dsl_deleg.c).
 * take: permissions are taken away, all of that who if there are none named.
 */
struct dsl_deleg {
	const char *const *who, *const *perm;
	size_t nwho, nperm;
	bool take;
};
int dsl_deleg_set(struct spa *spa, const char *name, const struct dsl_deleg *d, struct err *e);
/* Of ds and everything above it. */
typedef int dsl_deleg_fn(const char *dataset, const char *who, const char *perm, void *arg);
int dsl_deleg_walk(struct dsl_dataset *ds, dsl_deleg_fn *fn, void *arg);

/* Space and objects by owner, if the filesystem does not keep them yet: counts all, then keeps them. */
int dsl_count_owners(struct spa *spa, const char *name, struct err *e);
/* Counts up with every change of a property anywhere in the pool. */
uint64_t dsl_prop_generation(const struct dsl_dataset *ds);

/* Space a destroy of these snapshots would give back. */
int dsl_destroy_space(struct spa *spa, const char *const *names, size_t n, uint64_t *bytes);

/*
 * Walk datasets below (and including) `root`, NULL = the pool.  Children in name order, each
 * followed by its own children; a filesystem's snapshots in creation order right after it.
 * depth < 0: all; 0: root and its snapshots; n: what is up to n levels down, where snapshots and
 * bookmarks are one level below their dataset (root's own are always walked).  fn borrows ds;
 * non-zero ends the walk and is returned.  Cheap: reads each dsl object once, opens no objset.
 */
typedef int dsl_walk_fn(struct dsl_dataset *ds, void *arg);
int dsl_walk(struct spa *spa, const char *root, int depth, unsigned types, dsl_walk_fn *fn,
    void *arg, struct err *e);

#endif
