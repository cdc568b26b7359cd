/* SPDX-License-Identifier: MIT */
/*
 * Destroying snapshots and heads.
 *
 * A snapshot S between P and N goes: what only S had is what N's deadlist holds of births after P
 * (died between S and N, born after P); whole entries, moved to the pool's free_bpobj without a
 * look at the blocks.  The rest of N's deadlist joins with S's.
 *
 *	P ◄── S ◄── N		P ◄──────── N
 *	      ds    dn		            ds + (dn minus births after P)
 *
 * What was shared by P and S only becomes P's own, what was shared by S and N only N's.  A key of S in the
 * deadlists of the head and of later clones is merged into the key before it, as no snapshot
 * separates the two ranges of births any more.
 *
 * A head goes when it has neither snapshots nor children: blocks born after its origin are freed,
 * the others belong to the origin.  A head with much to free is emptied first, in as many txgs as it
 * takes, marked inconsistent so that a cut is finished at the next import.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "zil_impl.h"

#define CLONE_DEPTH_MAX 1000
#define EMPTY_BATCH (64ULL << 20) /* of a large head, freed between two syncs */

/* --- snapshots, in a sync task ---------------------------------------------------------------- */

struct chain {
	struct dsl_dataset *prev, *snap, *next; /* prev may be NULL */
	bool prev_is_origin; /* prev belongs to another dir: snap is the oldest of a clone */
	bool keeps_key; /* a bookmark of snap adds up what dies: its key stays in the deadlists */
};

static int
chain_relink(const struct chain *c)
{
	struct dsl_dataset_phys *s = ds_phys(c->snap), *n = ds_phys(c->next);
	struct objset *mos = dp_mos(c->snap->dp);
	int rc;

	if ((rc = ds_dirty(c->next)) != 0)
		return (rc);
	n->prev_snap_obj = s->prev_snap_obj;
	n->prev_snap_txg = s->prev_snap_txg;
	if (c->prev == NULL)
		return (0);
	if ((rc = ds_dirty(c->prev)) != 0)
		return (rc);
	if (!c->prev_is_origin) {
		ds_phys(c->prev)->next_snap_obj = c->next->obj;
		return (0);
	}
	if ((rc = zap_remove_int(mos, ds_phys(c->prev)->next_clones_zap, c->snap->obj)) != 0)
		return (rc);
	return (zap_add_int(mos, ds_phys(c->prev)->next_clones_zap, c->next->obj, c->next->obj));
}

/* Born in (P's prev, P], died between S and N: only P has it now. */
static int
chain_prev_unique(const struct chain *c, const struct deadlist *next_dl)
{
	struct space_sum sum;
	int rc;

	if (c->prev == NULL || c->prev_is_origin)
		return (0);
	rc = deadlist_space_range(next_dl, ds_phys(c->prev)->prev_snap_txg,
	    ds_phys(c->snap)->prev_snap_txg, &sum);
	if (rc == 0)
		ds_phys(c->prev)->unique += (uint64_t)sum.used;
	return (rc);
}

static int
chain_free(const struct chain *c, struct deadlist *next_dl)
{
	struct dsl_pool *dp = c->snap->dp;
	struct space_sum freed, minus;
	int rc;

	if ((rc = deadlist_move(next_dl, ds_phys(c->snap)->prev_snap_txg, dp->free_bpobj, &freed)) != 0)
		return (rc);
	minus = (struct space_sum){-freed.used, -freed.comp, -freed.uncomp};
	if ((rc = dir_charge(c->snap->dir, DD_SNAP, &minus)) != 0)
		return (rc);
	return (dir_charge(dp->free, DD_HEAD, &freed));
}

static int
chain_merge(const struct chain *c, struct deadlist *next_dl)
{
	uint64_t obj = ds_phys(c->snap)->deadlist_obj;
	int rc;

	ds_deadlist_forget(c->snap);
	if ((rc = deadlist_merge(next_dl, obj)) != 0 || (rc = ds_dirty(c->snap)) != 0)
		return (rc);
	ds_phys(c->snap)->deadlist_obj = 0;
	return (0);
}

static int
drop_key(struct dsl_dataset *head, uint64_t key)
{
	struct deadlist *dl;
	int rc = ds_deadlist(head, &dl);

	return (rc != 0 ? rc : deadlist_remove_key(dl, key));
}

/* In the heads of all clones that branched off after the snapshot, and of theirs. */
static int
drop_key_in_clones(struct dsl_dir *dd, uint64_t key, int depth)
{
	struct dsl_pool *dp = dd->dp;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = 0;

	if (dir_phys(dd)->clones_zap == 0)
		return (0);
	if (depth > CLONE_DEPTH_MAX)
		return (-EILSEQ);
	zap_cursor_init(&c, dp_mos(dp), dir_phys(dd)->clones_zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		struct dsl_dataset *clone;

		if ((rc = ds_hold_obj(dp, ze.first, &clone)) != 0)
			break;
		if ((rc = ds_prev_refresh(clone)) == 0 && clone->origin_txg > key &&
		    (rc = drop_key(clone, key)) == 0)
			rc = drop_key_in_clones(clone->dir, key, depth + 1);
		dsl_rele(clone);
		if (rc != 0)
			break;
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

int
ds_drop_key(struct dsl_dataset *head, uint64_t key)
{
	int rc = drop_key(head, key);

	return (rc != 0 ? rc : drop_key_in_clones(head->dir, key, 0));
}

/* N is a snapshot: what S and N shared alone is N's now. */
static int
next_snap_unique(const struct chain *c)
{
	const struct dsl_dataset_phys *s = ds_phys(c->snap);
	struct dsl_dataset *after, *head;
	struct space_sum sum;
	struct deadlist *dl;
	int rc;

	if ((rc = ds_hold_obj(c->snap->dp, ds_phys(c->next)->next_snap_obj, &after)) != 0)
		return (rc);
	if ((rc = ds_deadlist(after, &dl)) == 0)
		rc = deadlist_space_range(dl, s->prev_snap_txg, s->creation_txg, &sum);
	dsl_rele(after);
	if (rc != 0)
		return (rc);
	ds_phys(c->next)->unique += (uint64_t)sum.used;
	if ((rc = ds_hold_head(c->snap->dir, &head)) != 0)
		return (rc);
	if (c->keeps_key || (rc = drop_key(head, s->creation_txg)) == 0)
		rc = ds_prev_refresh(head); /* its snapshot before may be N, which reaches further back */
	dsl_rele(head);
	return (rc);
}

/* N is the head: own is what is referenced but not by P; a refreservation absorbs the growth. */
static int
next_head_unique(const struct chain *c, const struct deadlist *next_dl)
{
	struct dsl_dataset_phys *n = ds_phys(c->next);
	uint64_t old = n->unique, reserved = ds_reserved(c->next);
	uint64_t prev_refd = c->prev != NULL ? ds_phys(c->prev)->referenced : 0;
	struct space_sum dead, d = {0, 0, 0};

	deadlist_space(next_dl, &dead);
	n->unique = n->referenced - (prev_refd - (uint64_t)dead.used);
	n->flags |= DS_FLAG_UNIQUE_ACCURATE;
	if (old < reserved) {
		uint64_t grown = n->unique - old, room = reserved - old;

		d.used = -(int64_t)(grown < room ? grown : room);
	}
	return (d.used == 0 ? 0 : dir_charge(c->next->dir, DD_REFRSRV, &d));
}

static int
chain_cut(struct chain *c)
{
	struct deadlist *next_dl;
	int rc;

	if ((rc = ds_deadlist(c->next, &next_dl)) != 0 ||
	    (rc = bookmarks_snapshot_destroyed(c->snap, next_dl, &c->keeps_key)) != 0 ||
	    (rc = chain_relink(c)) != 0 ||
	    (rc = chain_prev_unique(c, next_dl)) != 0 || (rc = chain_free(c, next_dl)) != 0 ||
	    (rc = chain_merge(c, next_dl)) != 0)
		return (rc);
	if (!c->keeps_key &&
	    (rc = drop_key_in_clones(c->snap->dir, ds_phys(c->snap)->creation_txg, 0)) != 0)
		return (rc);
	if (dsl_is_snapshot(c->next))
		return (next_snap_unique(c));
	if ((rc = next_head_unique(c, next_dl)) != 0 ||
	    (c->keeps_key && (rc = deadlist_add_key(next_dl, ds_phys(c->snap)->creation_txg)) != 0))
		return (rc);
	return (ds_prev_refresh(c->next));
}

/* The object of a dataset and what hangs on it.  ds is ours alone and is gone afterwards. */
static int
remove_object(struct dsl_dataset *ds)
{
	struct dsl_dataset_phys p = *ds_phys(ds);
	uint64_t zaps[] = {p.next_clones_zap, p.props_zap, p.userrefs_zap, p.snapnames_zap};
	struct dsl_pool *dp = ds->dp;
	uint64_t obj = ds->obj;
	size_t i;
	int rc = ds_features_drop(ds);

	ds_forget(ds);
	for (i = 0; i < sizeof(zaps) / sizeof(zaps[0]) && rc == 0; i++) {
		if (zaps[i] != 0)
			rc = zap_destroy(dp_mos(dp), zaps[i]);
	}
	return (rc != 0 ? rc : dsl_free_zapified(dp, obj));
}

static int
remove_snapname(struct dsl_dataset *snap)
{
	char name[DSL_NAME_MAX];
	struct dsl_dataset *head;
	int rc;

	/* By its object: the name may not be known. */
	if ((rc = ds_name(snap, name, sizeof(name))) != 0 || (rc = ds_hold_head(snap->dir, &head)) != 0)
		return (rc);
	rc = zap_remove(dp_mos(snap->dp), ds_phys(head)->snapnames_zap, snap->snapname);
	if (rc == 0)
		rc = dir_count_add(snap->dir, dir_count_snapshots, snap->snapname, -1);
	dsl_rele(head);
	return (rc);
}

int
ds_destroy_snap(struct dsl_dataset *snap)
{
	struct chain c = {.snap = snap};
	int rc;

	if ((rc = ds_hold_obj(snap->dp, ds_phys(snap)->next_snap_obj, &c.next)) != 0)
		return (rc);
	if ((rc = ds_hold_prev(snap, &c.prev)) == -ENOENT)
		rc = 0;
	if (rc == 0) {
		c.prev_is_origin = c.prev != NULL && ds_phys(c.prev)->next_snap_obj != snap->obj;
		rc = chain_cut(&c);
	}
	if (rc == 0)
		rc = remove_snapname(snap);
	dsl_rele(c.prev);
	dsl_rele(c.next);
	return (rc != 0 ? rc : remove_object(snap));
}

int
ds_check_destroy_snap(struct dsl_dataset *snap, const char *name, struct err *e)
{
	uint64_t holds = 0;

	if (!dsl_is_snapshot(snap))
		return (err_set(e, EINVAL, "'%s' is not a snapshot", name));
	if (ds_phys(snap)->userrefs_zap != 0 &&
	    zap_count(dp_mos(snap->dp), ds_phys(snap)->userrefs_zap, &holds) == 0 && holds > 0)
		return (err_set(e, EBUSY, "dataset is busy"));
	if (ds_phys(snap)->num_children > 1)
		return (err_set(e, EEXIST, "snapshot '%s' has dependent clones", name));
	if (snap->refs > 1)
		return (err_set(e, EBUSY, "snapshot '%s' is busy", name));
	return (0);
}

struct destroy_arg {
	const char *const *names;
	size_t n;
	bool defer;
};

/* Only a tag or a clone is in the way: things that go some day. */
static bool
can_wait(struct dsl_dataset *snap)
{
	uint64_t holds = 0;

	if (!dsl_is_snapshot(snap))
		return (false);
	return (ds_phys(snap)->num_children > 1 || (ds_phys(snap)->userrefs_zap != 0 &&
	    zap_count(dp_mos(snap->dp), ds_phys(snap)->userrefs_zap, &holds) == 0 && holds > 0));
}

static int
mark_deferred(struct dsl_dataset *snap)
{
	int rc = ds_dirty(snap);

	if (rc == 0)
		ds_phys(snap)->flags |= DS_FLAG_DEFER_DESTROY;
	dsl_rele(snap);
	return (rc);
}

static int
check_pool(struct spa *spa, struct err *e)
{
	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if (spa->dsl->free_bpobj == 0 || spa->dsl->free == NULL)
		return (err_set(e, ENOTSUP, "pool '%s' is of an old version", spa_name(spa)));
	return (0);
}

static int
destroy_snaps_check(struct spa *spa, void *arg, struct err *e)
{
	const struct destroy_arg *a = arg;
	size_t i;
	int rc = check_pool(spa, e);

	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *snap;

		if ((rc = dsl_hold(spa, a->names[i], &snap, e)) == 0) {
			if (!a->defer || !can_wait(snap))
				rc = ds_check_destroy_snap(snap, a->names[i], e);
			dsl_rele(snap);
		}
	}
	return (rc);
}

static int
destroy_snaps_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct destroy_arg *a = arg;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *snap;

		if ((rc = dsl_hold(spa, a->names[i], &snap, e)) == -ENOENT) {
			rc = 0; /* named twice */
			continue;
		}
		if (rc == 0)
			rc = err_rc(e, a->defer && can_wait(snap) ? mark_deferred(snap) :
			    ds_destroy_snap(snap), "cannot destroy '%s'", a->names[i]);
	}
	return (rc);
}

int
dsl_destroy_snaps(struct spa *spa, const char *const *names, size_t n, struct err *e)
{
	struct destroy_arg a = {names, n, false};

	return (spa_sync_task(spa, destroy_snaps_check, destroy_snaps_sync, &a, e));
}

int
dsl_destroy_snaps_deferred(struct spa *spa, const char *const *names, size_t n, struct err *e)
{
	struct destroy_arg a = {names, n, true};

	return (spa_sync_task(spa, destroy_snaps_check, destroy_snaps_sync, &a, e));
}

/* --- heads ------------------------------------------------------------------------------------ */

static bool
has_snapshots(struct dsl_dataset *head)
{
	uint64_t n = 0;

	return (zap_count(dp_mos(head->dp), ds_phys(head)->snapnames_zap, &n) != 0 || n > 0);
}

static bool
has_children(struct dsl_dir *dd)
{
	uint64_t n = 0;

	return (dir_child_count(dd, &n) != 0 || n > 0);
}

static int
check_head(struct dsl_dataset *head, const char *name, struct err *e)
{
	if (head->dir->parent == NULL)
		return (err_set(e, EBUSY, "'%s' is the root dataset: destroy the pool instead", name));
	if (has_snapshots(head))
		return (err_set(e, EBUSY, "'%s' has snapshots", name));
	if (has_children(head->dir))
		return (err_set(e, EBUSY, "'%s' has children", name));
	if (head->refs > 1)
		return (err_set(e, EBUSY, "'%s' is busy", name));
	return (0);
}

/* An intent log that nobody replayed is on no list. */
static int
drop_log(struct dsl_dataset *head)
{
	struct objset *os;

	if (bp_is_hole(&ds_phys(head)->bp) || dsl_objset(head, &os) != 0)
		return (0);
	return (zil_free_log(os));
}

static int
drop_own_blocks(struct dsl_dataset *head)
{
	struct space_sum freed, minus;
	int rc = drop_log(head);

	if (rc == 0)
		rc = ds_free_own_blocks(head, &freed);

	if (rc != 0)
		return (rc);
	minus = (struct space_sum){-freed.used, -freed.comp, -freed.uncomp};
	return (dir_charge(head->dir, DD_HEAD, &minus));
}

static int
unlink_origin(struct dsl_dataset *head)
{
	struct objset *mos = dp_mos(head->dp);
	struct dsl_dataset *origin;
	int rc = ds_hold_prev(head, &origin);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((rc = ds_dirty(origin)) == 0) {
		ds_phys(origin)->num_children--;
		rc = zap_remove_int(mos, ds_phys(origin)->next_clones_zap, head->obj);
	}
	if (rc == 0 && dir_phys(origin->dir)->clones_zap != 0) {
		rc = zap_remove_int(mos, dir_phys(origin->dir)->clones_zap, head->obj);
		rc = rc == -ENOENT ? 0 : rc;
	}
	dsl_rele(origin);
	return (rc);
}

/* Reservations go first, so that the account of the dir ends at zero. */
static int
release_reservations(struct dsl_dataset *head)
{
	const struct fs_prop *p = fs_prop_find("refreservation");
	int rc;

	if (ds_reserved(head) != 0 && (rc = dsl_prop_set_one(head, p->name, p, 0, NULL)) != 0)
		return (rc);
	return (dir_set_reserved(head->dir, 0));
}

static int
drop_bookmarks(struct dsl_dataset *head)
{
	struct objset *mos = dp_mos(head->dp);
	uint64_t zap;
	int rc;

	if (!dsl_is_zapified(head->dp, head->obj) ||
	    zap_lookup(mos, head->obj, BOOKMARKS_KEY, 8, 1, &zap) != 0)
		return (0);
	if ((rc = bookmarks_uncount(head)) != 0 || (rc = zap_destroy(mos, zap)) != 0)
		return (rc);
	return (spa_feature_change(head->dp->spa, "com.delphix:bookmarks", -1));
}

/* Is the origin a snapshot that was waiting for its last clone to go? */
static int
destroy_deferred(struct dsl_pool *dp, uint64_t origin)
{
	struct dsl_dataset *snap;
	int rc;

	if (origin == 0 || origin == dp->origin_obj)
		return (0);
	if ((rc = ds_hold_obj(dp, origin, &snap)) != 0)
		return (rc);
	if ((ds_phys(snap)->flags & DS_FLAG_DEFER_DESTROY) && ds_check_destroy_snap(snap, "", NULL) == 0)
		return (ds_destroy_snap(snap));
	dsl_rele(snap);
	return (0);
}

static int
destroy_head(struct dsl_dataset *head)
{
	struct dsl_pool *dp = head->dp;
	uint64_t deadlist = ds_phys(head)->deadlist_obj, origin = ds_phys(head)->prev_snap_obj;
	struct dsl_dir *dd = dir_hold(head->dir);
	int rc;

	if ((rc = ds_flush(head)) != 0 || (rc = release_reservations(head)) != 0 ||
	    (rc = drop_own_blocks(head)) != 0 || (rc = unlink_origin(head)) != 0 ||
	    (rc = drop_bookmarks(head)) != 0) {
		dir_rele(dd);
		return (rc);
	}
	ds_deadlist_forget(head);
	if ((rc = deadlist_destroy(dp->spa, deadlist)) == 0 && (rc = remove_object(head)) == 0)
		rc = dir_destroy(dd);
	else
		dir_rele(dd);
	return (rc != 0 ? rc : destroy_deferred(dp, origin));
}

static int
destroy_check(struct spa *spa, void *arg, struct err *e)
{
	const char *name = arg;
	struct dsl_dataset *ds;
	int rc;

	if ((rc = check_pool(spa, e)) != 0 || (rc = dsl_hold(spa, name, &ds, e)) != 0)
		return (rc);
	rc = dsl_is_snapshot(ds) ? ds_check_destroy_snap(ds, name, e) : check_head(ds, name, e);
	dsl_rele(ds);
	return (rc);
}

static int
destroy_sync(struct spa *spa, void *arg, struct err *e)
{
	const char *name = arg;
	struct dsl_dataset *ds;
	int rc;

	if ((rc = dsl_hold(spa, name, &ds, e)) != 0)
		return (rc);
	rc = dsl_is_snapshot(ds) ? ds_destroy_snap(ds) : destroy_head(ds);
	return (err_rc(e, rc, "cannot destroy '%s'", name));
}

/* --- emptying a large head -------------------------------------------------------------------- */

static int
mark_sync(struct spa *spa, void *arg, struct err *e)
{
	struct dsl_dataset *ds;
	int rc = dsl_hold(spa, arg, &ds, e);

	if (rc != 0)
		return (rc);
	if ((rc = ds_dirty(ds)) == 0)
		ds_phys(ds)->flags |= DS_FLAG_INCONSISTENT;
	dsl_rele(ds);
	return (rc);
}

/* Free an object from its end, syncing whenever enough has gone. */
static int
empty_object(struct spa *spa, struct objset *os, uint64_t obj, uint64_t *since, struct err *e)
{
	struct dmu_info info;
	uint64_t end;
	int rc;

	if ((rc = dmu_object_info(os, obj, &info)) != 0)
		return (rc);
	for (end = (info.max_blkid + 1) * info.block_size; end > EMPTY_BATCH; end -= EMPTY_BATCH) {
		if ((rc = dmu_free_range(os, obj, end - EMPTY_BATCH, UINT64_MAX)) != 0)
			return (rc);
		if ((rc = spa_sync(spa, e)) != 0)
			return (rc);
		*since = 0;
	}
	*since += info.used_bytes + SECTOR_SIZE;
	return (dmu_object_free(os, obj));
}

static int
empty_head(struct spa *spa, struct objset *os, struct err *e)
{
	uint64_t obj = 0, since = 0;
	int rc;

	while ((rc = dmu_object_next(os, &obj)) == 0) {
		if ((rc = empty_object(spa, os, obj, &since, e)) != 0)
			return (rc);
		if (since > EMPTY_BATCH) {
			if ((rc = spa_sync(spa, e)) != 0)
				return (rc);
			since = 0;
		}
	}
	return (rc == -ESRCH ? spa_sync(spa, e) : rc);
}

static bool
is_large(struct spa *spa, const char *name)
{
	struct dsl_dataset *ds;
	bool large;

	if (dsl_hold(spa, name, &ds, NULL) != 0)
		return (false);
	large = !dsl_is_snapshot(ds) && ds_phys(ds)->unique > spa->dsl->destroy_once;
	dsl_rele(ds);
	return (large);
}

static int
destroy_contents(struct spa *spa, const char *name, struct err *e)
{
	struct dsl_dataset *ds;
	struct objset *os;
	int rc;

	if ((rc = spa_sync_task(spa, destroy_check, mark_sync, (void *)name, e)) != 0 ||
	    (rc = dsl_hold(spa, name, &ds, e)) != 0)
		return (rc);
	if ((rc = dsl_objset(ds, &os)) == 0)
		rc = empty_head(spa, os, e);
	dsl_rele(ds);
	return (err_rc(e, rc, "cannot destroy '%s'", name));
}

int
dsl_destroy(struct spa *spa, const char *name, struct err *e)
{
	int rc;

	if (is_large(spa, name) && (rc = destroy_contents(spa, name, e)) != 0)
		return (rc);
	return (spa_sync_task(spa, destroy_check, destroy_sync, (void *)name, e));
}

struct cut {
	char name[DSL_NAME_MAX];
	bool found;
};

static int
find_cut(struct dsl_dataset *ds, void *arg)
{
	struct cut *c = arg;
	uint64_t v;

	if (!(ds_phys(ds)->flags & DS_FLAG_INCONSISTENT) || has_snapshots(ds) || has_children(ds->dir))
		return (0);
	if (dsl_is_zapified(ds->dp, ds->obj) &&
	    zap_lookup(dp_mos(ds->dp), ds->obj, "com.delphix:resume_toguid", 8, 1, &v) == 0)
		return (0); /* a receive that can go on */
	dsl_name(ds, c->name);
	c->found = true;
	return (1);
}

void
dsl_destroy_inconsistent(struct spa *spa)
{
	struct cut c;
	int rc;

	do {
		c.found = false;
		rc = dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_HIDDEN, find_cut, &c, NULL);
	} while (rc == 1 && c.found && dsl_destroy(spa, c.name, NULL) == 0);
}

/* --- what a destroy would give back ----------------------------------------------------------- */

struct by_txg {
	struct dsl_dataset *ds;
};

static int
compare_txg(const void *pa, const void *pb)
{
	const struct by_txg *a = pa, *b = pb;
	uint64_t x = ds_phys(a->ds)->creation_txg, y = ds_phys(b->ds)->creation_txg;

	if (a->ds->dir != b->ds->dir)
		return (a->ds->dir->obj < b->ds->dir->obj ? -1 : 1);
	return (x < y ? -1 : x > y);
}

/*
 * A run of neighbours first .. last, all of which go: what was born after the one before the run
 * and died before the one behind it.
 */
static int
run_space(struct dsl_dataset *first, struct dsl_dataset *last, uint64_t *bytes)
{
	uint64_t min = ds_phys(first)->prev_snap_txg, obj = ds_phys(first)->next_snap_obj;
	bool more = true;

	while (more) {
		struct dsl_dataset *ds;
		struct space_sum sum;
		struct deadlist *dl;
		int rc;

		if ((rc = ds_hold_obj(first->dp, obj, &ds)) != 0)
			return (rc);
		if ((rc = ds_deadlist(ds, &dl)) == 0 &&
		    (rc = deadlist_space_range(dl, min, UINT64_MAX, &sum)) == 0)
			*bytes += (uint64_t)sum.used;
		more = ds_phys(ds)->prev_snap_obj != last->obj;
		obj = ds_phys(ds)->next_snap_obj;
		dsl_rele(ds);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

static int
runs_space(struct by_txg *v, size_t n, uint64_t *bytes)
{
	size_t i, end;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i = end) {
		for (end = i + 1; end < n && ds_phys(v[end - 1].ds)->next_snap_obj == v[end].ds->obj;)
			end++;
		rc = run_space(v[i].ds, v[end - 1].ds, bytes);
	}
	return (rc);
}

int
dsl_destroy_space(struct spa *spa, const char *const *names, size_t n, uint64_t *bytes)
{
	struct by_txg *v = calloc(n + 1, sizeof(*v));
	size_t i;
	int rc = v == NULL ? -ENOMEM : 0;

	*bytes = 0;
	for (i = 0; i < n && rc == 0; i++) {
		if ((rc = dsl_hold(spa, names[i], &v[i].ds, NULL)) == 0 && !dsl_is_snapshot(v[i].ds))
			rc = -EINVAL;
	}
	if (rc == 0) {
		qsort(v, n, sizeof(*v), compare_txg);
		rc = runs_space(v, n, bytes);
	}
	for (i = 0; v != NULL && i < n; i++)
		dsl_rele(v[i].ds);
	free(v);
	return (rc);
}
