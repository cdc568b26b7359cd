/* SPDX-License-Identifier: MIT */
/*
 * The walk: what zfs list asks for, in one pass.
 *
 * Of a filesystem with n snapshots the names come from its snapnames zap (one scan), the order from
 * the chain next_snap_obj, which is followed as they are looked at: each is read once.  A snapshot
 * is held only while fn looks at it; its name is given to it beforehand, so nobody has to search
 * for it.
 */
#include <errno.h>
#include <stdbool.h>
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
	uint64_t obj;
	bool seen;
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
	v->item[v->n] = (struct named){strdup(name), obj, false};
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

/* --- snapshots -------------------------------------------------------------------------------- */

/* Names by object: open addressing, at most half full. */
struct by_obj {
	struct named **slot;
	size_t mask;
};

static struct named **
by_obj_place(const struct by_obj *t, uint64_t obj)
{
	size_t i = (obj * 0x9e3779b97f4a7c15ULL >> 32) & t->mask;

	while (t->slot[i] != NULL && t->slot[i]->obj != obj)
		i = (i + 1) & t->mask;
	return (&t->slot[i]);
}

static int
by_obj_make(struct by_obj *t, struct names *v)
{
	size_t size = 16;

	while (size < 2 * v->n)
		size *= 2;
	if ((t->slot = calloc(size, sizeof(*t->slot))) == NULL)
		return (-ENOMEM);
	t->mask = size - 1;
	for (size_t i = 0; i < v->n; i++)
		*by_obj_place(t, v->item[i].obj) = &v->item[i];
	return (0);
}

/* The snapshots before and after `obj`. */
static int
neighbours(struct dsl_pool *dp, uint64_t obj, uint64_t *prev, uint64_t *next)
{
	const struct dsl_dataset_phys *p;
	struct dbuf *db;
	int rc = dmu_bonus_hold_as(dp_mos(dp), obj, OT_DSL_DATASET, sizeof(*p), &db);

	if (rc != 0)
		return (rc);
	p = dbuf_data(db);
	*prev = p->prev_snap_obj;
	*next = p->next_snap_obj;
	dbuf_rele(db);
	return (0);
}

/* The one that has none of v before it: nearly always the lowest object, and never far from it. */
static int
oldest_of(struct dsl_pool *dp, const struct names *v, const struct by_obj *t, struct named **out)
{
	struct named *at = &v->item[0], *before;
	uint64_t prev, next;
	size_t steps;
	int rc;

	for (size_t i = 1; i < v->n; i++)
		if (v->item[i].obj < at->obj)
			at = &v->item[i];
	for (steps = 0; steps < v->n; steps++, at = before) {
		if ((rc = neighbours(dp, at->obj, &prev, &next)) != 0)
			return (rc);
		if (prev == 0 || (before = *by_obj_place(t, prev)) == NULL)
			break;
	}
	*out = at;
	return (0);
}

/* *next: the object of the one after it. */
static int
visit_snapshot(const struct walk *w, struct named *n, unsigned head_kind, uint64_t *next)
{
	struct dsl_dataset *ds;
	int rc;

	n->seen = true;
	if ((rc = ds_hold_obj(w->dp, n->obj, &ds)) != 0)
		return (rc);
	*next = ds_phys(ds)->next_snap_obj;
	memcpy(ds->snapname, n->name, strlen(n->name) + 1);
	ds->head_kind = head_kind;
	rc = w->fn(ds, w->arg);
	dsl_rele(ds);
	return (rc);
}

/* Along the chain, oldest first; then what the chain does not reach (damage). */
static int
visit_snapshots(const struct walk *w, struct names *v, const struct by_obj *t, unsigned head_kind)
{
	struct named *at;
	uint64_t next;
	int rc;

	for (rc = oldest_of(w->dp, v, t, &at); rc == 0 && at != NULL && !at->seen;
	    at = *by_obj_place(t, next))
		if ((rc = visit_snapshot(w, at, head_kind, &next)) != 0)
			break;
	for (size_t i = 0; i < v->n && rc == 0; i++)
		if (!v->item[i].seen)
			rc = visit_snapshot(w, &v->item[i], head_kind, &next);
	return (rc);
}

static int
walk_snapshots(const struct walk *w, struct dsl_dataset *head)
{
	struct names v = {NULL, 0, 0};
	struct by_obj t = {NULL, 0};
	int rc;

	if ((rc = names_of_zap(w->dp, ds_phys(head)->snapnames_zap, &v)) == 0 && v.n > 0 &&
	    (rc = by_obj_make(&t, &v)) == 0)
		rc = visit_snapshots(w, &v, &t, dsl_head_kind(head));
	free(t.slot);
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
