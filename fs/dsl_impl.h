/* SPDX-License-Identifier: MIT */
/*
 * The inside of the dataset layer: disk forms, and what is in memory of pool, dirs and datasets.
 * Theory: fs/dsl_pool.c.
 */
#ifndef SMARTBOX_FS_DSL_IMPL_H
#define SMARTBOX_FS_DSL_IMPL_H

#include "bpobj.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/props.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"

#define DIR_BUCKETS 1024
#define PROP_CACHE 16 /* numbers that were looked up; each has one place */
#define ORIGIN_NAME "$ORIGIN"
#define DSL_LIVELIST "com.delphix:livelist" /* the feature */

enum { DD_HEAD, DD_SNAP, DD_CHILD, DD_CHILD_RSRV, DD_REFRSRV, DD_TYPES };
enum { DD_FLAG_BREAKDOWN = 1 };

struct dsl_dir_phys { /* docs/zfs-format.md, "DSL directory" */
	uint64_t creation_time, head_dataset_obj, parent_obj, origin_obj, child_zap;
	uint64_t used, compressed, uncompressed, quota, reserved;
	uint64_t props_zap, deleg_zap, flags;
	uint64_t breakdown[DD_TYPES];
	uint64_t clones_zap, pad[13];
};
_Static_assert(sizeof(struct dsl_dir_phys) == 256, "dsl dir");
_Static_assert(offsetof(struct dsl_dir_phys, clones_zap) == 144, "dsl dir clones");

enum { DS_FLAG_INCONSISTENT = 1, DS_FLAG_NOPROMOTE = 2, DS_FLAG_UNIQUE_ACCURATE = 4,
	DS_FLAG_DEFER_DESTROY = 8, DS_FLAG_CI = 1 << 16 };

struct dsl_dataset_phys { /* docs/zfs-format.md, "DSL dataset" */
	uint64_t dir_obj, prev_snap_obj, prev_snap_txg, next_snap_obj, snapnames_zap, num_children;
	uint64_t creation_time, creation_txg, deadlist_obj, referenced, compressed, uncompressed;
	uint64_t unique, fsid_guid, guid, flags;
	struct blkptr bp;
	uint64_t next_clones_zap, props_zap, userrefs_zap, pad[5];
};
_Static_assert(sizeof(struct dsl_dataset_phys) == 320, "dsl dataset");
_Static_assert(offsetof(struct dsl_dataset_phys, bp) == 128, "dsl dataset bp");

struct dsl_dir {
	struct dsl_pool *dp;
	uint64_t obj;
	struct dsl_dir *parent; /* held; NULL: the root */
	char name[ZAP_NAME_MAX];
	struct dbuf *db;
	unsigned refs;
	struct dsl_dir *hash_next;
};

struct dsl_listener {
	dsl_listen_fn *fn;
	void *arg;
	struct dsl_listener *next;
};

/* Of a head: what its blocks' births and deaths add up to since it was last written down. */
struct ds_delta {
	struct space_sum refd;	/* referenced, compressed, uncompressed */
	struct space_sum own;	/* unique, and the dir's HEAD: not what snapshots keep alive */
	int64_t to_snap;	/* moves from HEAD to SNAP */
	int64_t prev_unique;	/* of the snapshot before */
	struct blkptr *dead;	/* for the deadlist */
	size_t ndead, dead_room;
	bool pending;
};

struct dsl_dataset {
	struct dsl_pool *dp;
	uint64_t obj;
	struct dsl_dir *dir;	  /* held */
	char snapname[ZAP_NAME_MAX]; /* of snapshots; "" until somebody asks */
	struct dbuf *db;
	unsigned refs;
	unsigned head_kind; /* DSL_FILESYSTEM, DSL_VOLUME, 0: not known yet */
	bool deadlist_open;
	struct deadlist deadlist;
	struct objset *os;
	uint64_t origin_txg; /* births up to it are the origin's */
	uint64_t prev_prev_txg; /* prev_snap_txg of the snapshot before, if that is ours; else UINT64_MAX */
	struct ds_delta delta;
	struct prop_cached {
		const struct fs_prop *p;
		uint64_t value, generation;
	} cached[PROP_CACHE];
	struct bookmark_sums *sums; /* bookmark_sums.c; NULL: not needed yet in this txg */
	unsigned activate; /* features that its blocks use since the last write: bits of ds_features */
	struct dsl_listener *listeners;
	struct dsl_dataset *hash_next;
	bool listed; /* in the pool's list of those to look at in the next sync */
	struct dsl_dataset *dirty_prev, *dirty_next;

	/* A bookmark has no object: it is an entry of its dataset's bookmark zap. */
	const uint64_t *bookmark; /* BOOKMARK_WORDS of them, or NULL */
};
#define BOOKMARK_WORDS 12
enum { BM_GUID, BM_TXG, BM_TIME, BM_REDACTION, BM_FLAGS, BM_REFD, BM_COMP, BM_UNCOMP };

struct dsl_pool {
	struct spa *spa;
	struct dsl_dir *root, *mos, *free; /* held */
	uint64_t origin_obj; /* the snapshot $ORIGIN@$ORIGIN; 0: an old pool without */
	uint64_t free_bpobj;
	struct dsl_dir *dirs[DIR_BUCKETS];
	struct dsl_dataset *datasets[DIR_BUCKETS];
	struct dsl_dataset *dirty, *dirty_last; /* all that are dirty, in the order they became it */
	uint64_t destroy_once; /* bytes: a head with more is emptied over several txgs first */
	uint64_t prop_generation; /* counts changes of properties: what is cached of older ones is void */
	uint64_t size_txg, size; /* deflated bytes of the pool, worked out once a txg */
};

static inline struct dsl_dir_phys *
dir_phys(const struct dsl_dir *dd)
{
	return (dbuf_data(dd->db));
}
static inline struct dsl_dataset_phys *
ds_phys(const struct dsl_dataset *ds)
{
	return (dbuf_data(ds->db));
}
static inline struct objset *
dp_mos(const struct dsl_pool *dp)
{
	return (dp->spa->mos);
}

/* dsl_dir.c */
int dir_hold_obj(struct dsl_pool *dp, uint64_t obj, const char *name, struct dsl_dir **out);
int dir_hold_child(struct dsl_dir *parent, const char *name, struct dsl_dir **out);
struct dsl_dir *dir_hold(struct dsl_dir *dd); /* one more reference */
void dir_rele(struct dsl_dir *dd);
size_t dir_name(const struct dsl_dir *dd, char *buf, size_t size); /* length; may be >= size */
bool dir_is_within(const struct dsl_dir *dd, const struct dsl_dir *root);
int dir_dirty(struct dsl_dir *dd);
int dir_create(struct dsl_pool *dp, struct dsl_dir *parent, const char *name, uint64_t *obj);
int dir_destroy(struct dsl_dir *dd); /* releases it */
int dir_charge(struct dsl_dir *dd, int type, const struct space_sum *d);
int dir_transfer(struct dsl_dir *dd, int64_t delta, int from, int to);
int dir_set_reserved(struct dsl_dir *dd, uint64_t value);
/* dirty: what is written but not synced counts as used. */
enum { AVAIL_NETFREE = 1, AVAIL_DIRTY = 2 };
uint64_t dir_available(const struct dsl_dir *dd, unsigned flags);
int dir_child_count(const struct dsl_dir *dd, uint64_t *n);

/* bookmark_sums.c: what died since a bookmark, kept as OpenZFS's bookmarks have it */
int bookmarks_killed(struct dsl_dataset *head, const struct blkptr *bp, const struct space_sum *s);
int bookmarks_flush(struct dsl_dataset *head);
void bookmarks_forget(struct dsl_dataset *head);
/* next: deadlist of what comes after snap; keeps_key: snap's key must stay in the deadlists. */
int bookmarks_snapshot_destroyed(struct dsl_dataset *snap, struct deadlist *next, bool *keeps_key);
int bookmarks_uncount(struct dsl_dataset *head); /* of the features, before all of them go */
int bookmarks_uncount_one(struct dsl_dataset *head, const char *name); /* before this one goes */
/* dsl_destroy.c: births up to a txg that nobody asks for any more, in head's deadlist and its clones' */
int ds_drop_key(struct dsl_dataset *head, uint64_t key);

int deleg_destroy(struct dsl_dir *dd); /* dsl_deleg.c: the permissions of a dir that goes */

/* dsl_limits.c: how many datasets and snapshots are below a dir, where somebody set a limit */
extern const char dir_count_filesystems[], dir_count_snapshots[];
/* DELTA more called `name` (temporary ones are not counted) in dd: told to all above that count. */
int dir_count_add(struct dsl_dir *dd, const char *what, const char *name, int64_t delta);
int dir_count_new(struct dsl_dir *dd); /* a dir was made */
int dir_count_begin(struct dsl_dir *dd); /* it and all below count from now on */
int dir_count_move(struct dsl_dir *dd, struct dsl_dir *from, struct dsl_dir *to);
int dir_limit_set(struct dsl_dir *dd);

/* dsl_dataset.c */
int ds_hold_obj(struct dsl_pool *dp, uint64_t obj, struct dsl_dataset **out);
int ds_hold_head(struct dsl_dir *dd, struct dsl_dataset **out);
int ds_hold_snap(struct dsl_dataset *head, const char *name, struct dsl_dataset **out);
struct dsl_dataset *ds_hold(struct dsl_dataset *ds);
bool ds_needs_sync(const struct dsl_dataset *ds);
void ds_sweep(struct dsl_pool *dp); /* of the dirty list: what is clean leaves it, what nobody holds is freed */
void ds_forget(struct dsl_dataset *ds); /* its object is about to be freed: drop everything */
int ds_dirty(struct dsl_dataset *ds);
int ds_deadlist(struct dsl_dataset *ds, struct deadlist **dl);
void ds_deadlist_forget(struct dsl_dataset *ds); /* the object changed: load again when needed */
int ds_prev_refresh(struct dsl_dataset *ds); /* prev_snap_obj changed */
int ds_name(struct dsl_dataset *ds, char *buf, size_t size);
int ds_sync(struct dsl_dataset *ds); /* write the objset, then the deltas */
int ds_flush(struct dsl_dataset *ds);
int ds_objset_create(struct dsl_dataset *ds, unsigned type);
void ds_apply_policy(struct dsl_dataset *ds);
uint64_t ds_quota(struct dsl_dataset *ds), ds_reserved(struct dsl_dataset *ds);
int ds_hold_prev(struct dsl_dataset *ds, struct dsl_dataset **out); /* -ENOENT: none */
/* Is snap one of those before ds, in its own filesystem or above its origin? */
bool ds_is_before(struct dsl_dataset *ds, const struct dsl_dataset *snap);
int ds_written(struct dsl_dataset *ds, struct dsl_dataset *since, struct space_sum *sum);
bool ds_is_origin(const struct dsl_dataset *ds); /* $ORIGIN@$ORIGIN */
int ds_features_copy(struct dsl_dataset *from, struct dsl_dataset *to);
int ds_features_drop(struct dsl_dataset *ds);
bool ds_has_feature(struct dsl_dataset *ds, const char *guid); /* active in this dataset */
int ds_feature_activate(struct dsl_dataset *ds, const char *guid); /* in a sync task */
void ds_feature_note(struct dsl_dataset *ds, const char *guid); /* active with the next sync */
/* Free what was born in HEAD after its newest snapshot; FREED, also on an error, is what that was. */
int ds_free_own_blocks(struct dsl_dataset *head, struct space_sum *freed);
int dsl_zapify(struct dsl_pool *dp, uint64_t obj);
int dsl_free_zapified(struct dsl_pool *dp, uint64_t obj);
bool dsl_is_zapified(struct dsl_pool *dp, uint64_t obj);

/* dsl_create.c: in a sync task; origin NULL only for $ORIGIN */
int ds_create_in(struct dsl_dir *dd, struct dsl_dataset *origin, struct dsl_dataset **out);
int ds_create(struct dsl_dir *parent, const char *name, struct dsl_dataset *origin,
    struct dsl_dataset **out);
int ds_new_object(struct dsl_dir *dd, uint64_t *obj, struct dbuf **db);
int zap_child_add(struct dsl_pool *dp, uint64_t *zap, unsigned type, uint64_t key); /* made if 0 */
int ds_clear_zil(struct dsl_dataset *ds); /* of a clone: the log in its root is its origin's */
/* What a name of a new dataset leads to: its parent, held. */
int dsl_hold_parent(struct spa *spa, const char *name, struct dsl_dir **parent, const char **last,
    struct err *e);
/* dsl_bookmark.c */
#define BOOKMARKS_KEY "com.delphix:bookmarks"
/* All words of a head's bookmark, missing ones 0; -ENOENT. */
int ds_bookmark_lookup(struct dsl_dataset *head, const char *name, uint64_t words[BOOKMARK_WORDS]);
/* dsl_destroy.c: in a sync task; ds is ours alone and gone afterwards */
/* In a sync task: hold a snapshot until dsl_release_tag or the next import, then it is destroyed. */
int ds_hold_temporary(struct spa *spa, const char *name, const char *tag);
int ds_destroy_snap(struct dsl_dataset *snap);
int ds_check_destroy_snap(struct dsl_dataset *snap, const char *name, struct err *e);
/* dsl_swap.c: in a sync task */
int ds_swap(struct dsl_dataset *clone, struct dsl_dataset *head);
/* dsl_snapshot.c */
int ds_drop_log(struct dsl_dataset *head); /* its intent log, before its contents are replaced */
void ds_notify_rollback(struct dsl_dataset *head);
int ds_snapshot(struct dsl_dataset *head, const char *name, const struct nvlist *props);

/* dsl_prop.c: in a sync task */
int dsl_prop_set_all(struct dsl_dataset *ds, const struct nvlist *props);
/* ds NULL: for a dataset that is to be made. */
/* Is there room below parent for what they reserve? */
int dsl_prop_check_room(const struct dsl_dir *parent, const struct nvlist *props, struct err *e);
int dsl_prop_check_all(struct spa *spa, struct dsl_dataset *ds, unsigned kind,
    const struct nvlist *props, struct err *e);
enum prop_source { PROP_SRC_DEFAULT, PROP_SRC_LOCAL, PROP_SRC_RECEIVED, PROP_SRC_INHERITED };
struct prop_found {
	enum prop_source source;
	struct dsl_dir *dir; /* borrowed: where it was found; NULL: default, or the snapshot itself */
	uint64_t num;
	char text[ZAP_VALUE_MAX]; /* strings */
};
void dsl_prop_source_text(struct dsl_dataset *ds, const struct prop_found *f, char *buf, size_t size);
int dsl_prop_set_one(struct dsl_dataset *ds, const char *name, const struct fs_prop *p, uint64_t num,
    const char *text);
int dsl_prop_lookup(struct dsl_dataset *ds, const char *name, const struct fs_prop *p,
    struct prop_found *f);
int dsl_prop_number(struct dsl_dataset *ds, const char *name, uint64_t *v);

/* dsl_stat.c: read-only properties; -ENOENT: not one, or it does not apply to ds */
int stat_u64(struct dsl_dataset *ds, const char *name, uint64_t *v);
const struct dsl_stat *stat_find(const char *name); /* NULL: not one */
int stat_text(struct dsl_dataset *ds, const struct dsl_prop_ref *r, bool raw, char *buf,
    size_t size);
uint64_t ds_available(struct dsl_dataset *ds);

#endif
