/* SPDX-License-Identifier: MIT */
/*
 * Promote: a clone and the filesystem it came from change places.
 *
 *	          S1 ◄── S2 ◄── S3 ◄── fs			          S1 ◄── S2 ◄── clone
 *	                 ▲			   becomes	                 ▲
 *	                 └── clone				                 └── S3 ◄── fs
 *
 * The snapshots up to the clone's origin (S1, S2) move to the clone's dir with their names, and with
 * them what they and the blocks they share take up:  what S2 references, and what died between them.
 * Other clones of the moved snapshots become clones of the clone.  No block is touched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"

struct chain {
	struct dsl_dataset **v; /* newest first, held */
	size_t n, room;
};

struct promote {
	struct dsl_dataset *clone, *origin_head, *origin; /* held; origin: the newest that moves */
	struct dsl_dataset *first; /* of the clone's own, the one behind origin: a snapshot or the clone */
	struct dsl_dataset *before; /* what the other filesystem is a clone of */
	struct chain moving;
	struct space_sum used;	   /* that moves */
	int64_t clone_snap, origin_snap; /* usedbysnapshots of both, afterwards */
	uint64_t unique;	   /* of origin, afterwards */
};

static void
chain_free(struct chain *c)
{
	while (c->n > 0)
		dsl_rele(c->v[--c->n]);
	free(c->v);
}

static int
chain_add(struct chain *c, struct dsl_dataset *ds)
{
	if (c->n == c->room) {
		size_t room = c->room == 0 ? 16 : 2 * c->room;
		struct dsl_dataset **v = realloc(c->v, room * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		c->v = v;
		c->room = room;
	}
	c->v[c->n++] = ds_hold(ds);
	return (0);
}

/*
 * From `last` back to before `stop` (or to where another dir begins): what died in them of births after
 * min; *oldest (held; may be NULL) the last that was looked at.
 */
static int
walk_back(struct dsl_dataset *last, uint64_t stop, uint64_t min, struct chain *into,
    struct space_sum *dead, struct dsl_dataset **oldest)
{
	struct dsl_dataset *at = ds_hold(last), *prev;
	struct dsl_dir *dir = last->dir;
	struct space_sum s;
	struct deadlist *dl;
	int rc = 0;

	while (rc == 0) {
		if ((into != NULL && (rc = chain_add(into, at)) != 0) ||
		    (rc = ds_deadlist(at, &dl)) != 0 ||
		    (rc = deadlist_space_range(dl, min, UINT64_MAX, &s)) != 0)
			break;
		space_add(dead, &s, 1);
		if (ds_phys(at)->prev_snap_obj == stop || (rc = ds_hold_prev(at, &prev)) != 0)
			break;
		if (prev->dir != dir) {
			dsl_rele(prev);
			break;
		}
		dsl_rele(at);
		at = prev;
	}
	rc = rc == -ENOENT ? 0 : rc;
	if (oldest != NULL && rc == 0)
		*oldest = at;
	else
		dsl_rele(at);
	return (rc);
}

static void
promote_free(struct promote *p)
{
	chain_free(&p->moving);
	dsl_rele(p->clone);
	dsl_rele(p->origin_head);
	dsl_rele(p->origin);
	dsl_rele(p->first);
	dsl_rele(p->before);
}

/* What references come to, and what died on the way to them, is what all of them take up. */
static int
weigh(struct promote *p)
{
	struct space_sum dead = {0, 0, 0}, snap = {0, 0, 0}, all = {0, 0, 0};
	const struct dsl_dataset_phys *o = ds_phys(p->origin), *b = ds_phys(p->before);
	struct deadlist *dl;
	int rc;

	if ((rc = ds_prev_refresh(p->origin_head)) != 0 ||
	    (rc = walk_back(p->origin, 0, 0, &p->moving, &dead, NULL)) != 0 ||
	    (rc = walk_back(p->clone, p->origin->obj, p->origin_head->origin_txg, NULL, &snap,
	    &p->first)) != 0 ||
	    (rc = walk_back(p->origin, 0, p->origin_head->origin_txg, NULL, &snap, NULL)) != 0)
		return (rc);
	p->clone_snap = snap.used;
	if ((rc = walk_back(p->origin_head, p->origin->obj, o->creation_txg, NULL, &all, NULL)) != 0)
		return (rc);
	p->origin_snap = all.used;
	p->used = (struct space_sum){dead.used + (int64_t)(o->referenced - b->referenced),
	    dead.comp + (int64_t)(o->compressed - b->compressed),
	    dead.uncomp + (int64_t)(o->uncompressed - b->uncompressed)};
	if ((rc = ds_deadlist(p->first, &dl)) != 0 ||
	    (rc = deadlist_space_range(dl, o->prev_snap_txg, UINT64_MAX, &all)) != 0)
		return (rc);
	p->unique = (uint64_t)all.used;
	return (0);
}

static int
promote_load(struct spa *spa, const char *name, struct promote *p, struct err *e)
{
	int rc;

	*p = (struct promote){0};
	if ((rc = dsl_hold(spa, name, &p->clone, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(p->clone) || dir_phys(p->clone->dir)->origin_obj == 0 ||
	    dir_phys(p->clone->dir)->origin_obj == spa->dsl->origin_obj)
		return (err_set(e, EINVAL, "not a cloned filesystem"));
	if ((rc = ds_hold_obj(spa->dsl, dir_phys(p->clone->dir)->origin_obj, &p->origin)) == 0 &&
	    (rc = ds_hold_head(p->origin->dir, &p->origin_head)) == 0 &&
	    (rc = ds_hold_obj(spa->dsl, dir_phys(p->origin->dir)->origin_obj, &p->before)) == 0)
		rc = weigh(p);
	return (err_rc(e, rc, "'%s'", name));
}

struct promote_arg {
	const char *name;
	char *conflict; /* DSL_NAME_MAX: a snapshot's name that both have */
};

static int
check_names(struct promote *p, const struct promote_arg *a, struct err *e)
{
	char name[DSL_NAME_MAX];
	uint64_t obj;
	size_t i;
	int rc;

	for (i = 0; i < p->moving.n; i++) {
		if ((rc = ds_name(p->moving.v[i], name, sizeof(name))) != 0)
			return (err_rc(e, rc, "snapshot"));
		if (zap_lookup(dp_mos(p->clone->dp), ds_phys(p->clone)->snapnames_zap,
		    p->moving.v[i]->snapname, 8, 1, &obj) != 0)
			continue;
		if (a->conflict != NULL)
			(void)snprintf(a->conflict, DSL_NAME_MAX, "%s", p->moving.v[i]->snapname);
		return (err_set(e, EEXIST, "conflicting snapshot '%s' from parent '%s'",
		    p->moving.v[i]->snapname, name));
	}
	return (0);
}

static int
promote_check(struct spa *spa, void *arg, struct err *e)
{
	const struct promote_arg *a = arg;
	struct promote p;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if ((rc = promote_load(spa, a->name, &p, e)) == 0 && (rc = check_names(&p, a, e)) == 0 &&
	    !dir_is_within(p.clone->dir, p.origin_head->dir) &&
	    dir_available(p.clone->dir, 0) < (uint64_t)p.used.used)
		rc = err_set(e, ENOSPC, "out of space");
	promote_free(&p);
	return (rc);
}

/* --- in the sync task ------------------------------------------------------------------------- */

static int
turn_around(struct promote *p)
{
	struct objset *mos = dp_mos(p->clone->dp);
	struct dsl_dataset_phys *o = ds_phys(p->origin);
	uint64_t oldnext = o->next_snap_obj;
	struct dsl_dir *dd = p->clone->dir, *odd = p->origin_head->dir;
	int rc;

	if ((rc = ds_dirty(p->origin)) != 0 || (rc = dir_dirty(dd)) != 0 || (rc = dir_dirty(odd)) != 0 ||
	    (rc = zap_remove_int(mos, o->next_clones_zap, p->first->obj)) != 0 ||
	    (rc = zap_add_int(mos, o->next_clones_zap, oldnext, oldnext)) != 0)
		return (rc);
	o->next_snap_obj = p->first->obj;
	dir_phys(dd)->origin_obj = dir_phys(odd)->origin_obj;
	dir_phys(odd)->origin_obj = p->origin->obj;
	return (0);
}

/* Which heads are clones of snapshots of which dir. */
static int
move_clone(struct objset *mos, struct dsl_dir *from, struct dsl_dir *to, uint64_t head)
{
	int rc;

	if (from != NULL && (rc = zap_remove_int(mos, dir_phys(from)->clones_zap, head)) != 0 &&
	    rc != -ENOENT)
		return (rc);
	return (zap_child_add(to->dp, &dir_phys(to)->clones_zap, OT_DSL_CLONES, head));
}

static int
turn_clones(struct promote *p)
{
	struct objset *mos = dp_mos(p->clone->dp);
	struct dsl_dir *above = p->before->dir;
	int rc;

	if ((rc = dir_dirty(above)) != 0 ||
	    (rc = move_clone(mos, p->origin_head->dir, above, p->clone->obj)) != 0)
		return (rc);
	return (move_clone(mos, above, p->clone->dir, p->origin_head->obj));
}

/* Other clones of a moved snapshot. */
static int
move_next_clones(struct promote *p, struct dsl_dataset *snap)
{
	struct dsl_pool *dp = snap->dp;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = 0, end;

	if (ds_phys(snap)->next_clones_zap == 0)
		return (0);
	zap_cursor_init(&c, dp_mos(dp), ds_phys(snap)->next_clones_zap, 0);
	while (rc == 0 && (end = zap_cursor_next(&c, &ze)) == 0) {
		struct dsl_dataset *ds;

		if ((rc = ds_hold_obj(dp, ze.first, &ds)) != 0)
			break;
		if (ds->dir != p->origin_head->dir)
			rc = move_clone(dp_mos(dp), p->origin_head->dir, p->clone->dir,
			    dir_phys(ds->dir)->head_dataset_obj);
		dsl_rele(ds);
	}
	zap_cursor_fini(&c);
	return (rc);
}

static int
move_snap(struct promote *p, struct dsl_dataset *snap)
{
	struct objset *mos = dp_mos(snap->dp);
	char name[DSL_NAME_MAX];
	int rc;

	if ((rc = ds_name(snap, name, sizeof(name))) != 0 ||
	    (rc = zap_remove(mos, ds_phys(p->origin_head)->snapnames_zap, snap->snapname)) != 0 ||
	    (rc = zap_add(mos, ds_phys(p->clone)->snapnames_zap, snap->snapname, 8, 1, &snap->obj)) != 0 ||
	    (rc = dir_count_add(p->origin_head->dir, dir_count_snapshots, snap->snapname, -1)) != 0 ||
	    (rc = dir_count_add(p->clone->dir, dir_count_snapshots, snap->snapname, 1)) != 0 ||
	    (rc = ds_dirty(snap)) != 0 || (rc = move_next_clones(p, snap)) != 0)
		return (rc);
	ds_phys(snap)->dir_obj = p->clone->dir->obj;
	dir_rele(snap->dir);
	snap->dir = dir_hold(p->clone->dir);
	return (0);
}

static int
move_space(struct promote *p)
{
	struct dsl_dir *dd = p->clone->dir, *odd = p->origin_head->dir;
	int64_t d = p->clone_snap - (int64_t)dir_phys(dd)->breakdown[DD_SNAP];
	struct space_sum snap = {d, 0, 0}, head = {p->used.used - d, p->used.comp, p->used.uncomp};
	int rc;

	if ((rc = dir_charge(dd, DD_SNAP, &snap)) != 0 || (rc = dir_charge(dd, DD_HEAD, &head)) != 0)
		return (rc);
	d = p->origin_snap - (int64_t)dir_phys(odd)->breakdown[DD_SNAP];
	snap = (struct space_sum){d, 0, 0};
	head = (struct space_sum){-p->used.used - d, -p->used.comp, -p->used.uncomp};
	if ((rc = dir_charge(odd, DD_SNAP, &snap)) != 0 || (rc = dir_charge(odd, DD_HEAD, &head)) != 0)
		return (rc);
	ds_phys(p->origin)->unique = p->unique;
	return (0);
}

static int
promote_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct promote_arg *a = arg;
	struct dsl_dir *odd = NULL;
	struct promote p;
	size_t i;
	int rc;

	if ((rc = promote_load(spa, a->name, &p, e)) == 0) {
		odd = dir_hold(p.origin_head->dir);
		if ((rc = turn_around(&p)) == 0)
			rc = turn_clones(&p);
		for (i = 0; i < p.moving.n && rc == 0; i++)
			rc = move_snap(&p, p.moving.v[i]);
		if (rc == 0 && (rc = move_space(&p)) == 0 && (rc = ds_prev_refresh(p.clone)) == 0)
			rc = ds_prev_refresh(p.origin_head);
		spa->dsl->prop_generation++;
	}
	promote_free(&p);
	dir_rele(odd);
	return (err_rc(e, rc, "cannot promote '%s'", a->name));
}

int
dsl_promote(struct spa *spa, const char *name, char conflict[DSL_NAME_MAX], struct err *e)
{
	struct promote_arg a = {name, conflict};

	return (spa_sync_task(spa, promote_check, promote_sync, &a, e));
}
