/* SPDX-License-Identifier: MIT */
/*
 * Making datasets: new ones, and clones of snapshots.
 *
 * A new dataset is a clone too: of $ORIGIN@$ORIGIN, which is empty.  So there is one way to make a
 * head: a dir below its parent, a dataset whose root is its origin's, linked both ways (origin's
 * next_clones, the origin's dir's clones, num_children).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "smartbox/fs/names.h"

#define CREATE_SPACE (256u << 10) /* what an empty dataset may take, all copies */

/* --- in a sync task --------------------------------------------------------------------------- */

int
zap_child_add(struct dsl_pool *dp, uint64_t *zap, unsigned type, uint64_t key)
{
	int rc;

	if (*zap == 0 && (rc = zap_create(dp_mos(dp), type, 0, 0, zap)) != 0)
		return (rc);
	return (zap_add_int(dp_mos(dp), *zap, key, key));
}

static uint64_t
random_bits(struct spa *spa, unsigned bits)
{
	uint64_t v = 0;

	while (v == 0) {
		spa_random(spa, &v, sizeof(v));
		v >>= 64 - bits;
	}
	return (v);
}

static uint64_t
creation_txg(struct spa *spa)
{
	uint64_t txg = spa_open_txg(spa);

	return (txg == TXG_INITIAL ? 1 : txg); /* of things that come with the pool */
}

/* A dataset object with its identity; *db held and dirty. */
int
ds_new_object(struct dsl_dir *dd, uint64_t *obj, struct dbuf **db)
{
	struct spa *spa = dd->dp->spa;
	struct dsl_dataset_phys *p;
	int rc;

	if ((rc = dmu_object_alloc(spa->mos, OT_DSL_DATASET, 0, OT_DSL_DATASET, sizeof(*p), obj)) != 0 ||
	    (rc = dmu_bonus_hold(spa->mos, *obj, db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(*db)) != 0) {
		dbuf_rele(*db);
		return (rc);
	}
	p = dbuf_data(*db);
	p->dir_obj = dd->obj;
	p->fsid_guid = random_bits(spa, 56);
	p->guid = random_bits(spa, 64);
	p->creation_time = spa_now(spa, NULL);
	p->creation_txg = creation_txg(spa);
	p->flags = DS_FLAG_UNIQUE_ACCURATE;
	return (0);
}

/* The clone's deadlist has the keys of its origin's head up to the origin. */
static int
clone_deadlist(struct dsl_dataset *origin, uint64_t *obj)
{
	struct dsl_dataset *head;
	struct deadlist *dl;
	int rc;

	if ((rc = ds_hold_head(origin->dir, &head)) != 0)
		return (rc);
	if ((rc = ds_deadlist(head, &dl)) == 0)
		rc = deadlist_clone(dl, ds_phys(origin)->creation_txg, obj);
	dsl_rele(head);
	return (rc);
}

static int
link_to_origin(struct dsl_dir *dd, struct dsl_dataset_phys *p, uint64_t obj,
    struct dsl_dataset *origin)
{
	struct dsl_pool *dp = dd->dp;
	struct dsl_dataset_phys *o = ds_phys(origin);
	int rc;

	p->prev_snap_obj = origin->obj;
	p->prev_snap_txg = o->creation_txg;
	p->referenced = o->referenced;
	p->compressed = o->compressed;
	p->uncompressed = o->uncompressed;
	p->bp = o->bp;
	p->flags |= o->flags & (DS_FLAG_INCONSISTENT | DS_FLAG_CI);
	if ((rc = clone_deadlist(origin, &p->deadlist_obj)) != 0 || (rc = ds_dirty(origin)) != 0 ||
	    (rc = dir_dirty(dd)) != 0 || (rc = dir_dirty(origin->dir)) != 0)
		return (rc);
	o->num_children++;
	dir_phys(dd)->origin_obj = origin->obj;
	if ((rc = zap_child_add(dp, &o->next_clones_zap, OT_NEXT_CLONES, obj)) != 0)
		return (rc);
	return (zap_child_add(dp, &dir_phys(origin->dir)->clones_zap, OT_DSL_CLONES, obj));
}

int
ds_create_in(struct dsl_dir *dd, struct dsl_dataset *origin, struct dsl_dataset **out)
{
	struct dsl_pool *dp = dd->dp;
	struct dsl_dataset_phys *p;
	struct dbuf *db;
	uint64_t obj;
	int rc;

	if ((rc = ds_new_object(dd, &obj, &db)) != 0)
		return (rc);
	p = dbuf_data(db);
	rc = zap_create_norm(dp_mos(dp), ZAP_NORM_UPPER, OT_DSL_DS_SNAP_MAP, 0, 0, &p->snapnames_zap);
	if (rc == 0)
		rc = origin != NULL ? link_to_origin(dd, p, obj, origin) :
				      deadlist_create(dp->spa, &p->deadlist_obj);
	dbuf_rele(db);
	if (rc != 0 || (rc = dir_dirty(dd)) != 0)
		return (rc);
	dir_phys(dd)->head_dataset_obj = obj;
	if ((rc = ds_hold_obj(dp, obj, out)) == 0 && origin != NULL)
		rc = ds_features_copy(origin, *out);
	return (rc);
}

int
ds_create(struct dsl_dir *parent, const char *name, struct dsl_dataset *origin,
    struct dsl_dataset **out)
{
	struct dsl_dir *dd;
	uint64_t obj;
	int rc;

	if ((rc = dir_create(parent->dp, parent, name, &obj)) != 0 ||
	    (rc = dir_hold_obj(parent->dp, obj, name, &dd)) != 0)
		return (rc);
	if ((rc = dir_count_add(parent, dir_count_filesystems, name, 1)) == 0 &&
	    (rc = dir_count_new(dd)) == 0)
		rc = ds_create_in(dd, origin, out);
	dir_rele(dd);
	return (rc);
}

/* --- what both need to know first ------------------------------------------------------------- */

int
dsl_hold_parent(struct spa *spa, const char *name, struct dsl_dir **parent, const char **last,
    struct err *e)
{
	char up[DSL_NAME_MAX];
	struct dsl_dataset *ds;
	uint64_t obj;
	int rc;

	if ((rc = name_check_dataset(name, DSL_FILESYSTEM | DSL_VOLUME, e)) != 0)
		return (err_wrap(e, "'%s'", name));
	if (!name_parent(name, up, sizeof(up)))
		return (err_set(e, EEXIST, "dataset '%s' already exists", name));
	if ((rc = dsl_hold(spa, up, &ds, e)) != 0)
		return (rc == -ENOENT ? err_set(e, ENOENT, "parent '%s' does not exist", up) : rc);
	*last = strrchr(name, '/') + 1;
	if (dsl_kind(ds) != DSL_FILESYSTEM)
		rc = err_set(e, EINVAL, "parent '%s' is not a filesystem", up);
	else if (zap_lookup(spa->mos, dir_phys(ds->dir)->child_zap, *last, 8, 1, &obj) == 0)
		rc = err_set(e, EEXIST, "dataset '%s' already exists", name);
	else
		*parent = dir_hold(ds->dir);
	dsl_rele(ds);
	return (rc);
}

static int
check_writable(struct spa *spa, struct err *e)
{
	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if (spa->dsl->origin_obj == 0)
		return (err_set(e, ENOTSUP, "pool '%s' is of an old version", spa_name(spa)));
	return (0);
}

static int
check_space(struct dsl_dir *parent, struct err *e)
{
	if (dir_available(parent, 0) < CREATE_SPACE)
		return (err_set(e, ENOSPC, "out of space"));
	return (0);
}

/* --- create ----------------------------------------------------------------------------------- */

static int
create_check(struct spa *spa, void *arg, struct err *e)
{
	const struct dsl_create *c = arg;
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if ((rc = check_writable(spa, e)) != 0 ||
	    (rc = dsl_hold_parent(spa, c->name, &parent, &last, e)) != 0)
		return (rc);
	if ((rc = check_space(parent, e)) == 0 && (rc = dsl_prop_check_room(parent, c->props, e)) == 0)
		rc = dsl_prop_check_all(spa, NULL, c->type == 3 ? DSL_VOLUME : DSL_FILESYSTEM, c->props, e);
	dir_rele(parent);
	return (rc);
}

static int
create_contents(struct dsl_dataset *ds, const struct dsl_create *c)
{
	int rc;

	if ((rc = dsl_prop_set_all(ds, c->props)) != 0 || (rc = ds_objset_create(ds, c->type)) != 0)
		return (rc);
	if (c->init != NULL && (rc = c->init(ds->os, c->arg)) != 0)
		return (rc);
	return (ds_sync(ds));
}

static int
create_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct dsl_create *c = arg;
	struct dsl_dataset *origin, *ds;
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if ((rc = dsl_hold_parent(spa, c->name, &parent, &last, e)) != 0)
		return (rc);
	if ((rc = ds_hold_obj(spa->dsl, spa->dsl->origin_obj, &origin)) == 0) {
		if ((rc = ds_create(parent, last, origin, &ds)) == 0) {
			rc = create_contents(ds, c);
			dsl_rele(ds);
		}
		dsl_rele(origin);
	}
	dir_rele(parent);
	return (err_rc(e, rc, "cannot create '%s'", c->name));
}

int
dsl_create(struct spa *spa, const struct dsl_create *c, struct err *e)
{
	struct dsl_create copy = *c;

	return (spa_sync_task(spa, create_check, create_sync, &copy, e));
}

/* --- clone ------------------------------------------------------------------------------------ */

struct clone_arg {
	const char *snapshot, *name;
	const struct nvlist *props;
};

static int
clone_check(struct spa *spa, void *arg, struct err *e)
{
	const struct clone_arg *a = arg;
	struct dsl_dataset *snap;
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if ((rc = check_writable(spa, e)) != 0 || (rc = dsl_hold(spa, a->snapshot, &snap, e)) != 0)
		return (rc);
	if (!dsl_is_snapshot(snap))
		rc = err_set(e, EINVAL, "'%s' is not a snapshot", a->snapshot);
	else
		rc = dsl_prop_check_all(spa, NULL, dsl_head_kind(snap), a->props, e);
	dsl_rele(snap);
	if (rc != 0 || (rc = dsl_hold_parent(spa, a->name, &parent, &last, e)) != 0)
		return (rc);
	if ((rc = check_space(parent, e)) == 0)
		rc = dsl_prop_check_room(parent, a->props, e);
	dir_rele(parent);
	return (rc);
}

/* A snapshot's root may have an intent log, which is not the clone's. */
int
ds_clear_zil(struct dsl_dataset *ds)
{
	static const uint8_t none[192];
	struct objset *os;
	int rc;

	if (bp_is_hole(&ds_phys(ds)->bp))
		return (0);
	if ((rc = dsl_objset(ds, &os)) != 0 || memcmp(objset_zil_header(os), none, sizeof(none)) == 0)
		return (rc);
	objset_zil_clear(os);
	return (ds_sync(ds));
}

static int
clone_make(struct spa *spa, const struct clone_arg *a, struct dsl_dataset *snap, struct err *e)
{
	struct dsl_dataset *ds;
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if ((rc = dsl_hold_parent(spa, a->name, &parent, &last, e)) != 0)
		return (rc);
	if ((rc = ds_create(parent, last, snap, &ds)) == 0) {
		if ((rc = dsl_prop_set_all(ds, a->props)) == 0)
			rc = ds_clear_zil(ds);
		dsl_rele(ds);
	}
	dir_rele(parent);
	return (rc);
}

static int
clone_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct clone_arg *a = arg;
	struct dsl_dataset *snap;
	int rc;

	if ((rc = dsl_hold(spa, a->snapshot, &snap, e)) != 0)
		return (rc);
	rc = clone_make(spa, a, snap, e);
	dsl_rele(snap);
	return (err_rc(e, rc, "cannot clone '%s' as '%s'", a->snapshot, a->name));
}

int
dsl_clone(struct spa *spa, const char *snapshot, const char *name, const struct nvlist *props,
    struct err *e)
{
	struct clone_arg a = {snapshot, name, props};

	return (spa_sync_task(spa, clone_check, clone_sync, &a, e));
}
