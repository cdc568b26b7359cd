/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: taking them, renaming datasets, going back to one.
 *
 * Taking one puts a new dataset between the head and what was before it:
 *
 *	P ◄── head                 P ◄── S ◄── head
 *	      deadlist d                 d     new, empty; d's keys and P's txg
 *
 * S takes over the head's deadlist and root; the head has nothing of its own any more.  A call for
 * thousands of names is one sync task: each costs its object, its name and its deadlist.
 *
 * Rollback makes the head what its newest snapshot is: blocks born since are freed, what died since is
 * alive again (its deadlist is emptied, the space moves back from SNAP to HEAD).  An open objset
 * stays open; its caches are dropped and its users are told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "dsl_impl.h"
#include "smartbox/fs/zil.h"
#include "smartbox/fs/names.h"

#define SNAPSHOT_SPACE (32u << 10)

/* --- taking one, in a sync task --------------------------------------------------------------- */

static void
snap_fill(struct dsl_dataset_phys *s, const struct dsl_dataset *head)
{
	const struct dsl_dataset_phys *h = ds_phys(head);

	s->prev_snap_obj = h->prev_snap_obj;
	s->prev_snap_txg = h->prev_snap_txg;
	s->next_snap_obj = head->obj;
	s->num_children = 1;
	s->deadlist_obj = h->deadlist_obj;
	s->referenced = h->referenced;
	s->compressed = h->compressed;
	s->uncompressed = h->uncompressed;
	s->flags = h->flags;
	s->bp = h->bp;
}

/* The dataset before the head now has the snapshot behind it. */
static int
snap_link_prev(struct dsl_dataset *head, uint64_t snap)
{
	struct dsl_dataset *prev;
	int rc = ds_hold_prev(head, &prev);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((rc = ds_dirty(prev)) == 0) {
		if (ds_phys(prev)->next_snap_obj == head->obj) {
			ds_phys(prev)->next_snap_obj = snap;
		} else { /* the head of a clone without snapshots */
			rc = zap_remove_int(dp_mos(head->dp), ds_phys(prev)->next_clones_zap, head->obj);
			if (rc == 0)
				rc = zap_add_int(dp_mos(head->dp), ds_phys(prev)->next_clones_zap, snap,
				    snap);
		}
	}
	dsl_rele(prev);
	return (rc);
}

static int
snap_new_deadlist(struct dsl_dataset *head, uint64_t prev_txg)
{
	struct deadlist *dl;
	int rc;

	if ((rc = ds_deadlist(head, &dl)) != 0 || (rc = deadlist_start_anew(dl)) != 0)
		return (rc);
	ds_phys(head)->deadlist_obj = dl->obj;
	return (deadlist_add_key(dl, prev_txg));
}

/* A refreservation has to hold for what the head writes from now on, all of it. */
static int
snap_charge_reservation(struct dsl_dataset *head)
{
	uint64_t reserved = ds_reserved(head), unique = ds_phys(head)->unique;
	struct space_sum d = {(int64_t)(unique < reserved ? unique : reserved), 0, 0};

	return (d.used == 0 ? 0 : dir_charge(head->dir, DD_REFRSRV, &d));
}

static int
snap_relink_head(struct dsl_dataset *head, uint64_t snap)
{
	struct dsl_dataset_phys *h = ds_phys(head);
	uint64_t prev_txg = h->prev_snap_txg;
	int rc;

	if ((rc = snap_link_prev(head, snap)) != 0 || (rc = snap_charge_reservation(head)) != 0 ||
	    (rc = ds_dirty(head)) != 0 || (rc = snap_new_deadlist(head, prev_txg)) != 0)
		return (rc);
	h->prev_snap_obj = snap;
	h->prev_snap_txg = spa_open_txg(head->dp->spa);
	h->unique = 0;
	h->flags |= DS_FLAG_UNIQUE_ACCURATE;
	return (ds_prev_refresh(head));
}

static int
snap_finish(struct dsl_dataset *head, uint64_t obj, const struct nvlist *props)
{
	struct dsl_dataset *snap;
	int rc;

	if ((rc = ds_hold_obj(head->dp, obj, &snap)) != 0)
		return (rc);
	if ((rc = ds_features_copy(head, snap)) == 0)
		rc = dsl_prop_set_all(snap, props);
	dsl_rele(snap);
	return (rc);
}

int
ds_snapshot(struct dsl_dataset *head, const char *name, const struct nvlist *props)
{
	struct dbuf *db;
	uint64_t obj;
	int rc;

	if ((rc = ds_new_object(head->dir, &obj, &db)) != 0)
		return (rc);
	snap_fill(dbuf_data(db), head);
	dbuf_rele(db);
	if ((rc = snap_relink_head(head, obj)) != 0 ||
	    (rc = zap_add(dp_mos(head->dp), ds_phys(head)->snapnames_zap, name, 8, 1, &obj)) != 0 ||
	    (rc = dir_count_add(head->dir, dir_count_snapshots, name, 1)) != 0)
		return (rc);
	return (snap_finish(head, obj, props));
}

/* --- the call --------------------------------------------------------------------------------- */

struct snap_arg {
	const char *const *names;
	size_t n;
	const struct nvlist *props;
	const char *tag; /* they go with it (dsl_snapshot_temporary); or NULL */
};

/* Split "pool/fs@snap" and hold the head. */
static int
hold_for_snapshot(struct spa *spa, const char *name, struct dsl_dataset **head, const char **snap,
    struct err *e)
{
	char fs[DSL_NAME_MAX];
	const char *at = strchr(name, '@');
	int rc;

	if ((rc = name_check_dataset(name, DSL_SNAPSHOT, e)) != 0)
		return (err_wrap(e, "'%s'", name));
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)(at - name), name);
	*snap = at + 1;
	return (dsl_hold(spa, fs, head, e));
}

static int
snapshot_check_one(struct spa *spa, const char *name, uint64_t *need, struct err *e)
{
	struct dsl_dataset *head;
	const char *snap;
	uint64_t obj, reserved;
	int rc;

	if ((rc = hold_for_snapshot(spa, name, &head, &snap, e)) != 0)
		return (rc);
	reserved = ds_reserved(head);
	*need += SNAPSHOT_SPACE + (ds_phys(head)->unique < reserved ? ds_phys(head)->unique : reserved);
	if (zap_lookup_fold(dp_mos(head->dp), ds_phys(head)->snapnames_zap, snap,
		(ds_phys(head)->flags & DS_FLAG_CI) != 0, &obj, NULL, 0) == 0)
		rc = err_set(e, EEXIST, "snapshot '%s' already exists", name);
	else if (dir_available(head->dir, AVAIL_DIRTY) < *need)
		rc = err_set(e, ENOSPC, "out of space");
	dsl_rele(head);
	return (rc);
}

static int
compare_strings(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

/*
 * One snapshot of a dataset per txg: blocks are told apart by births and creation txgs alone, so two
 * of one txg could not be (OpenZFS refuses it too).
 */
static int
check_one_per_dataset(const char *const *names, size_t n, struct err *e)
{
	const char **sorted = malloc((n + 1) * sizeof(*sorted));
	size_t i;
	int rc = 0;

	if (sorted == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	memcpy(sorted, names, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_strings);
	for (i = 1; i < n && rc == 0; i++) {
		size_t len = strcspn(sorted[i], "@");

		if (strncmp(sorted[i - 1], sorted[i], len + 1) == 0)
			rc = err_set(e, EXDEV, "'%.*s': multiple snapshots of one dataset in one call",
			    (int)len, sorted[i]);
	}
	free(sorted);
	return (rc);
}

static int
snapshot_check(struct spa *spa, void *arg, struct err *e)
{
	const struct snap_arg *a = arg;
	uint64_t need = 0;
	size_t i;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if (spa->dsl->origin_obj == 0)
		return (err_set(e, ENOTSUP, "pool '%s' is of an old version", spa_name(spa)));
	if ((rc = check_one_per_dataset(a->names, a->n, e)) != 0 ||
	    (rc = dsl_prop_check_all(spa, NULL, DSL_SNAPSHOT, a->props, e)) != 0)
		return (rc);
	for (i = 0; i < a->n && rc == 0; i++)
		rc = snapshot_check_one(spa, a->names[i], &need, e);
	return (rc);
}

static int
snapshot_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct snap_arg *a = arg;
	struct dsl_dataset *head;
	const char *snap;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n && rc == 0; i++) {
		if ((rc = hold_for_snapshot(spa, a->names[i], &head, &snap, e)) != 0)
			return (rc);
		rc = err_rc(e, ds_snapshot(head, snap, a->props), "cannot create snapshot '%s'",
		    a->names[i]);
		dsl_rele(head);
		if (rc == 0 && a->tag != NULL)
			rc = err_rc(e, ds_hold_temporary(spa, a->names[i], a->tag), "cannot hold '%s'",
			    a->names[i]);
	}
	return (rc);
}

int
dsl_snapshot(struct spa *spa, const char *const *names, size_t n, const struct nvlist *props,
    struct err *e)
{
	struct snap_arg a = {names, n, props, NULL};

	return (spa_sync_task(spa, snapshot_check, snapshot_sync, &a, e));
}

int
dsl_snapshot_temporary(struct spa *spa, const char *name, const char *tag, struct err *e)
{
	struct snap_arg a = {&name, 1, NULL, tag};

	return (spa_sync_task(spa, snapshot_check, snapshot_sync, &a, e));
}

/* --- rename ----------------------------------------------------------------------------------- */

struct rename_arg {
	const char *from, *to;
};

struct longest {
	size_t max;
};

static int
note_length(struct dsl_dataset *ds, void *arg)
{
	struct longest *l = arg;
	char name[DSL_NAME_MAX];

	dsl_name(ds, name);
	if (strlen(name) > l->max)
		l->max = strlen(name);
	return (0);
}

/* All names below must stay legal. */
static int
check_lengths(struct spa *spa, const struct rename_arg *a, struct err *e)
{
	struct longest l = {strlen(a->from)};
	int rc;

	rc = dsl_walk(spa, a->from, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT, note_length, &l, e);
	if (rc == 0 && l.max - strlen(a->from) + strlen(a->to) >= DSL_NAME_MAX)
		rc = err_set(e, ENAMETOOLONG, "a name below '%s' would be too long", a->to);
	return (rc);
}

static int
rename_check_head(struct spa *spa, const struct rename_arg *a, struct dsl_dataset *ds, struct err *e)
{
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if (ds->dir->parent == NULL)
		return (err_set(e, EINVAL, "the root dataset of a pool cannot be renamed"));
	if (strncmp(a->to, spa_name(spa), name_pool_length(a->to)) != 0 ||
	    strlen(spa_name(spa)) != name_pool_length(a->to))
		return (err_set(e, EXDEV, "'%s' is in another pool", a->to));
	if ((rc = dsl_hold_parent(spa, a->to, &parent, &last, e)) != 0)
		return (rc);
	if (dir_is_within(parent, ds->dir))
		rc = err_set(e, EINVAL, "'%s' would be its own descendant", a->from);
	else if (parent != ds->dir->parent &&
	    !dir_is_within(parent, ds->dir->parent) &&
	    dir_available(parent, 0) < dir_phys(ds->dir)->used)
		rc = err_set(e, ENOSPC, "'%s': out of space", a->to);
	dir_rele(parent);
	return (rc != 0 ? rc : check_lengths(spa, a, e));
}

static int
rename_check_snap(struct spa *spa, const struct rename_arg *a, struct err *e)
{
	size_t n = strcspn(a->from, "@");
	struct dsl_dataset *head;
	const char *snap;
	uint64_t obj;
	int rc;

	if (strncmp(a->from, a->to, n + 1) != 0)
		return (err_set(e, EINVAL, "snapshots must be part of the same dataset"));
	if ((rc = hold_for_snapshot(spa, a->to, &head, &snap, e)) != 0)
		return (rc);
	if (zap_lookup(spa->mos, ds_phys(head)->snapnames_zap, snap, 8, 1, &obj) == 0)
		rc = err_set(e, EEXIST, "snapshot '%s' already exists", a->to);
	dsl_rele(head);
	return (rc);
}

static int
rename_check(struct spa *spa, void *arg, struct err *e)
{
	const struct rename_arg *a = arg;
	struct dsl_dataset *ds;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if ((rc = dsl_hold(spa, a->from, &ds, e)) != 0)
		return (rc);
	rc = dsl_is_snapshot(ds) ? rename_check_snap(spa, a, e) : rename_check_head(spa, a, ds, e);
	dsl_rele(ds);
	return (rc);
}

/* What a dir with its reservation costs its parent. */
static int
charge_for(struct dsl_dir *parent, const struct dsl_dir_phys *p, int sign)
{
	struct space_sum used = {sign * (int64_t)p->used, sign * (int64_t)p->compressed,
	    sign * (int64_t)p->uncompressed};
	struct space_sum rsrv = {0, 0, 0};
	int rc;

	if (p->reserved > p->used)
		rsrv.used = sign * (int64_t)(p->reserved - p->used);
	if ((rc = dir_charge(parent, DD_CHILD, &used)) != 0 || rsrv.used == 0)
		return (rc);
	return (dir_charge(parent, DD_CHILD_RSRV, &rsrv));
}

static int
dir_move(struct dsl_dir *dd, struct dsl_dir *to, const char *name)
{
	struct objset *mos = dp_mos(dd->dp);
	struct dsl_dir *from = dd->parent;
	int rc;

	if ((rc = zap_remove(mos, dir_phys(from)->child_zap, dd->name)) != 0 ||
	    (rc = zap_add(mos, dir_phys(to)->child_zap, name, 8, 1, &dd->obj)) != 0 ||
	    (rc = dir_dirty(dd)) != 0)
		return (rc);
	(void)snprintf(dd->name, sizeof(dd->name), "%s", name);
	dd->dp->prop_generation++;
	if (to == from)
		return (0);
	if ((rc = charge_for(from, dir_phys(dd), -1)) != 0 ||
	    (rc = charge_for(to, dir_phys(dd), 1)) != 0 || (rc = dir_count_move(dd, from, to)) != 0)
		return (rc);
	dir_phys(dd)->parent_obj = to->obj;
	dd->parent = dir_hold(to);
	dir_rele(from);
	return (0);
}

static int
rename_snap(struct spa *spa, struct dsl_dataset *ds, const char *to)
{
	struct dsl_dataset *head;
	uint64_t zap;
	int rc;

	if ((rc = ds_hold_head(ds->dir, &head)) != 0)
		return (rc);
	zap = ds_phys(head)->snapnames_zap;
	dsl_rele(head);
	if ((rc = zap_remove(spa->mos, zap, ds->snapname)) != 0 ||
	    (rc = zap_add(spa->mos, zap, to, 8, 1, &ds->obj)) != 0)
		return (rc);
	(void)snprintf(ds->snapname, sizeof(ds->snapname), "%s", to);
	return (0);
}

static int
rename_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct rename_arg *a = arg;
	struct dsl_dataset *ds;
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if ((rc = dsl_hold(spa, a->from, &ds, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(ds)) {
		rc = rename_snap(spa, ds, strchr(a->to, '@') + 1);
	} else if ((rc = dsl_hold_parent(spa, a->to, &parent, &last, e)) == 0) {
		rc = dir_move(ds->dir, parent, last);
		dir_rele(parent);
	}
	dsl_rele(ds);
	return (err_rc(e, rc, "cannot rename '%s'", a->from));
}

int
dsl_rename(struct spa *spa, const char *from, const char *to, struct err *e)
{
	struct rename_arg a = {from, to};

	return (spa_sync_task(spa, rename_check, rename_sync, &a, e));
}

/* --- rollback --------------------------------------------------------------------------------- */

struct rollback_arg {
	const char *fs, *snapshot;
};

static int
rollback_check(struct spa *spa, void *arg, struct err *e)
{
	const struct rollback_arg *a = arg;
	struct dsl_dataset *head, *snap;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if ((rc = dsl_hold(spa, a->fs, &head, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(head)) {
		rc = err_set(e, EINVAL, "'%s' is a snapshot", a->fs);
	} else if ((rc = dsl_hold(spa, a->snapshot, &snap, e)) == 0) {
		if (snap->dir != head->dir || !dsl_is_snapshot(snap))
			rc = err_set(e, EINVAL, "'%s' is no snapshot of '%s'", a->snapshot, a->fs);
		else if (ds_phys(head)->prev_snap_obj != snap->obj)
			rc = err_set(e, EEXIST, "more recent snapshots of '%s' exist", a->fs);
		dsl_rele(snap);
	}
	dsl_rele(head);
	return (rc);
}

/* The account of going back: HEAD loses what was freed, gets back from SNAP what had died. */
static int
rollback_account(struct dsl_dataset *head, struct deadlist *dl, const struct space_sum *freed)
{
	int64_t reserved = (int64_t)ds_reserved(head), unique = (int64_t)ds_phys(head)->unique;
	struct space_sum died, up = {reserved - (unique > reserved ? unique : reserved), -freed->comp,
	    -freed->uncomp};
	int rc;

	if ((rc = ds_prev_refresh(head)) != 0 ||
	    (rc = deadlist_space_range(dl, head->origin_txg, UINT64_MAX, &died)) != 0 ||
	    (rc = dir_charge(head->dir, DD_REFRSRV, &up)) != 0 ||
	    (rc = dir_transfer(head->dir, -unique, DD_REFRSRV, DD_HEAD)) != 0)
		return (rc);
	return (dir_transfer(head->dir, died.used, DD_SNAP, DD_HEAD));
}

static int
rollback_relink(struct dsl_dataset *head, struct deadlist *dl)
{
	struct dsl_dataset_phys *h = ds_phys(head), *s;
	struct dsl_dataset *snap;
	int rc;

	if ((rc = ds_hold_prev(head, &snap)) != 0)
		return (rc);
	s = ds_phys(snap);
	if ((rc = ds_dirty(snap)) == 0 && (rc = ds_dirty(head)) == 0) {
		h->bp = s->bp;
		h->referenced = s->referenced;
		h->compressed = s->compressed;
		h->uncompressed = s->uncompressed;
		h->flags = s->flags;
		h->unique = 0;
		s->unique = 0; /* all of it is shared again */
		rc = deadlist_clear(dl);
	}
	dsl_rele(snap);
	return (rc);
}

static int
rollback_head(struct dsl_dataset *head)
{
	struct space_sum freed;
	struct deadlist *dl;
	int rc;

	if ((rc = ds_deadlist(head, &dl)) != 0 || (rc = ds_free_own_blocks(head, &freed)) != 0 ||
	    (rc = rollback_account(head, dl, &freed)) != 0 || (rc = rollback_relink(head, dl)) != 0)
		return (rc);
	return (0);
}

/* The log goes with the contents it belongs to. */
int
ds_drop_log(struct dsl_dataset *head)
{
	struct objset *os;
	int rc = dsl_objset(head, &os);

	if (rc != 0)
		return (rc);
	return (zil_of(os) != NULL ? zil_abandon(zil_of(os)) : zil_destroy(os));
}

/* The snapshot's root may speak of a log of its time. */
static int
rollback_contents(struct dsl_dataset *head)
{
	static const uint8_t none[ZIL_HEADER_BYTES];

	objset_evict(head->os, &ds_phys(head)->bp);
	if (memcmp(objset_zil_header(head->os), none, sizeof(none)) == 0)
		return (0);
	objset_zil_clear(head->os);
	return (ds_sync(head));
}

static int
rollback_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct rollback_arg *a = arg;
	struct dsl_dataset *head;
	int rc;

	if ((rc = dsl_hold(spa, a->fs, &head, e)) != 0)
		return (rc);
	if ((rc = ds_drop_log(head)) == 0 && (rc = rollback_head(head)) == 0)
		rc = rollback_contents(head);
	dsl_rele(head);
	return (err_rc(e, rc, "cannot roll back '%s'", a->fs));
}

void
ds_notify_rollback(struct dsl_dataset *head)
{
	struct dsl_listener *l, *next;

	for (l = head->listeners; l != NULL; l = next) {
		next = l->next;
		l->fn(head, DSL_EVENT_ROLLBACK, l->arg);
	}
}

static void
rollback_notify(struct spa *spa, const char *fs)
{
	struct dsl_dataset *head;

	if (dsl_hold(spa, fs, &head, NULL) != 0)
		return;
	ds_notify_rollback(head);
	dsl_rele(head);
}

int
dsl_rollback(struct spa *spa, const char *fs, const char *snapshot, struct err *e)
{
	struct rollback_arg a = {fs, snapshot};
	int rc = spa_sync_task(spa, rollback_check, rollback_sync, &a, e);

	if (rc == 0)
		rollback_notify(spa, fs);
	return (rc);
}
