/* SPDX-License-Identifier: MIT */
/*
 * The walk: what zfs list asks for, in one pass.
 *
 * Of a filesystem with n snapshots the names come from its snapnames zap (one scan), the order from
 * the chain prev_snap_obj.  A snapshot is held only while fn looks at it; its name is given to it
 * beforehand, so nobody has to search for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"

#define WALK_DEPTH_MAX 256

struct walk {
	struct dsl_pool *dp;
	unsigned types;
	dsl_walk_fn *fn;
	void *arg;
};

struct named {
	char *name;
	uint64_t obj, txg;
};
struct names {
	struct named *item;
	size_t n, room;
};

static void
names_free(struct names *v)
{
	while (v->n > 0)
		free(v->item[--v->n].name);
	free(v->item);
}

static int
names_add(struct names *v, const char *name, uint64_t obj)
{
	if (v->n == v->room) {
		size_t room = v->room == 0 ? 16 : 2 * v->room;
		struct named *p = realloc(v->item, room * sizeof(*p));

		if (p == NULL)
			return (-ENOMEM);
		v->item = p;
		v->room = room;
	}
	v->item[v->n] = (struct named){strdup(name), obj, 0};
	if (v->item[v->n].name == NULL)
		return (-ENOMEM);
	v->n++;
	return (0);
}

static int
names_of_zap(struct dsl_pool *dp, uint64_t zap, struct names *v)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	zap_cursor_init(&c, dp_mos(dp), zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if ((rc = names_add(v, ze.name, ze.first)) != 0)
			break;
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

static int
by_name(const void *a, const void *b)
{
	return (strcmp(((const struct named *)a)->name, ((const struct named *)b)->name));
}

static int
by_obj(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;

	return (a->obj < b->obj ? -1 : a->obj > b->obj);
}

static int
by_txg(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;

	return (a->txg != b->txg ? (a->txg < b->txg ? -1 : 1) : by_name(pa, pb));
}

/* --- snapshots -------------------------------------------------------------------------------- */

static struct named *
names_find_obj(struct names *v, uint64_t obj)
{
	struct named key = {NULL, obj, 0};

	return (bsearch(&key, v->item, v->n, sizeof(v->item[0]), by_obj));
}

/*
 * Number the snapshots along the chain, newest first: their txg is the order, but reading the link
 * is reading the txg.  What the chain does not reach (damage) keeps txg 0.
 */
static int
order_snapshots(struct dsl_pool *dp, struct dsl_dataset *head, struct names *v)
{
	uint64_t obj = ds_phys(head)->prev_snap_obj, txg = ds_phys(head)->prev_snap_txg;
	size_t steps = 0;

	qsort(v->item, v->n, sizeof(v->item[0]), by_obj);
	while (obj != 0 && steps++ < v->n) {
		struct named *at = names_find_obj(v, obj);
		struct dsl_dataset_phys *p;
		struct dbuf *db;
		int rc;

		if (at == NULL)
			break; /* the origin: another dir's */
		at->txg = txg;
		if ((rc = dmu_bonus_hold(dp_mos(dp), obj, &db)) != 0)
			return (rc);
		p = dbuf_data(db);
		if (dbuf_size(db) < sizeof(*p)) {
			dbuf_rele(db);
			return (-EILSEQ);
		}
		obj = p->prev_snap_obj;
		txg = p->prev_snap_txg;
		dbuf_rele(db);
	}
	qsort(v->item, v->n, sizeof(v->item[0]), by_txg);
	return (0);
}

static int
visit_snapshot(const struct walk *w, const struct named *n, unsigned head_kind)
{
	struct dsl_dataset *ds;
	int rc;

	if ((rc = ds_hold_obj(w->dp, n->obj, &ds)) != 0)
		return (rc);
	(void)snprintf(ds->snapname, sizeof(ds->snapname), "%s", n->name);
	ds->head_kind = head_kind;
	rc = w->fn(ds, w->arg);
	dsl_rele(ds);
	return (rc);
}

static int
walk_snapshots(const struct walk *w, struct dsl_dataset *head)
{
	struct names v = {NULL, 0, 0};
	size_t i;
	int rc;

	if ((rc = names_of_zap(w->dp, ds_phys(head)->snapnames_zap, &v)) == 0 && v.n > 0)
		rc = order_snapshots(w->dp, head, &v);
	for (i = 0; i < v.n && rc == 0; i++)
		rc = visit_snapshot(w, &v.item[i], dsl_head_kind(head));
	names_free(&v);
	return (rc);
}

/* --- bookmarks -------------------------------------------------------------------------------- */

static int
visit_bookmark(const struct walk *w, struct dsl_dataset *head, uint64_t zap, const char *name)
{
	uint64_t words[BOOKMARK_WORDS] = {0};
	struct dsl_dataset mark = {.dp = w->dp, .dir = head->dir, .refs = 1, .bookmark = words};
	int rc = zap_lookup(dp_mos(w->dp), zap, name, 8, BOOKMARK_WORDS, words);

	if (rc != 0)
		return (rc);
	(void)snprintf(mark.snapname, sizeof(mark.snapname), "%s", name);
	return (w->fn(&mark, w->arg));
}

static int
walk_bookmarks(const struct walk *w, struct dsl_dataset *head)
{
	struct names v = {NULL, 0, 0};
	uint64_t zap;
	size_t i;
	int rc;

	if (!dsl_is_zapified(w->dp, head->obj) ||
	    zap_lookup(dp_mos(w->dp), head->obj, BOOKMARKS_KEY, 8, 1, &zap) != 0)
		return (0);
	if ((rc = names_of_zap(w->dp, zap, &v)) == 0 && v.n > 0)
		qsort(v.item, v.n, sizeof(v.item[0]), by_name);
	for (i = 0; i < v.n && rc == 0; i++)
		rc = visit_bookmark(w, head, zap, v.item[i].name);
	names_free(&v);
	return (rc);
}

/* --- dirs ------------------------------------------------------------------------------------- */

static int walk_dir(const struct walk *w, struct dsl_dir *dd, int depth, int level);

static int
walk_children(const struct walk *w, struct dsl_dir *dd, int depth, int level)
{
	struct names v = {NULL, 0, 0};
	size_t i;
	int rc;

	if ((rc = names_of_zap(w->dp, dir_phys(dd)->child_zap, &v)) == 0 && v.n > 0)
		qsort(v.item, v.n, sizeof(v.item[0]), by_name);
	for (i = 0; i < v.n && rc == 0; i++) {
		struct dsl_dir *child;

		if (v.item[i].name[0] == '$' ||
		    (v.item[i].name[0] == '%' && !(w->types & DSL_HIDDEN)))
			continue;
		if ((rc = dir_hold_obj(w->dp, v.item[i].obj, v.item[i].name, &child)) != 0)
			break;
		/* A tree, whatever the disk says: nobody is below itself. */
		rc = dir_phys(child)->parent_obj == dd->obj ? walk_dir(w, child, depth, level) : -EILSEQ;
		dir_rele(child);
	}
	names_free(&v);
	return (rc);
}

/* Snapshots are one level down, but those of the root of the walk always belong to it. */
static int
walk_head(const struct walk *w, struct dsl_dataset *head, int depth, int level)
{
	bool below = depth != 0 || level == 0;
	int rc = 0;

	if ((w->types & (DSL_FILESYSTEM | DSL_VOLUME)) && (w->types & dsl_kind(head)))
		rc = w->fn(head, w->arg);
	if (rc == 0 && (w->types & DSL_SNAPSHOT) && below)
		rc = walk_snapshots(w, head);
	if (rc == 0 && (w->types & DSL_BOOKMARK) && below)
		rc = walk_bookmarks(w, head);
	return (rc);
}

static int
walk_dir(const struct walk *w, struct dsl_dir *dd, int depth, int level)
{
	struct dsl_dataset *head;
	int rc;

	if (level > WALK_DEPTH_MAX)
		return (-EILSEQ);
	if ((rc = ds_hold_head(dd, &head)) != 0)
		return (rc);
	rc = walk_head(w, head, depth, level);
	dsl_rele(head);
	if (rc == 0 && depth != 0)
		rc = walk_children(w, dd, depth < 0 ? -1 : depth - 1, level + 1);
	return (rc);
}

int
dsl_walk(struct spa *spa, const char *root, int depth, unsigned types, dsl_walk_fn *fn, void *arg,
    struct err *e)
{
	struct walk w = {spa->dsl, types, fn, arg};
	struct dsl_dataset *ds;
	struct dsl_dir *dd;
	int rc;

	if (root == NULL) {
		rc = walk_dir(&w, spa->dsl->root, depth, 0);
		return (err_rc(e, rc, "the datasets of '%s' cannot be listed", spa_name(spa)));
	}
	if ((rc = dsl_hold(spa, root, &ds, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(ds)) {
		rc = types & DSL_SNAPSHOT ? fn(ds, arg) : 0;
	} else {
		dd = dir_hold(ds->dir);
		rc = walk_dir(&w, dd, depth, 0);
		dir_rele(dd);
	}
	dsl_rele(ds);
	return (err_rc(e, rc, "the datasets of '%s' cannot be listed", root));
}
