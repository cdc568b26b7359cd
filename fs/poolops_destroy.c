/* SPDX-License-Identifier: MIT */
/*
 * Destroying: datasets with all that hangs on them, snapshots by list and range, rollback.
 *
 * First a plan is made: every snapshot and dataset that must go, each after what depends on it (a
 * clone before its origin, a child before its parent).  Then what is mounted of it is unmounted,
 * then the plan is carried out in order; neighbouring snapshots go in one txg.  A dry run stops
 * after the plan.  A failure before the first step leaves everything as it was; a cut in the
 * middle leaves a tree that is consistent and that the same command finishes.
 *
 *	what is in the way			without the flag
 *	children or snapshots of a dataset	out["dependents"], kind "children"	(-r)
 *	clones outside of what is destroyed	out["dependents"], kind "clones"	(-R)
 *	newer snapshots at a rollback		out["dependents"], kind "newer"		(-r)
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "poolops_impl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/recv.h"

struct plan {
	struct pool_session *s;
	struct strlist steps;	/* in order of destruction */
	struct strlist clones;	/* in the way, outside */
	const char *root;	/* clones within are no surprise */
	bool may_take_clones, defer; /* defer: what has clones goes when they do */
	bool has_clones; /* only then a step can be met twice */
};

static bool
is_planned(const struct plan *p, const char *name)
{
	return (p->has_clones && strlist_has(&p->steps, name));
}

static int
out_of_memory(struct err *e)
{
	return (err_set(e, ENOMEM, "out of memory"));
}

static int plan_tree(struct plan *p, const char *name, struct err *e);

static int
plan_clone(struct plan *p, const char *clone, struct err *e)
{
	bool is_inside = p->root != NULL && name_is_within(clone, p->root);

	if (is_planned(p, clone))
		return (0);
	if (!is_inside && !p->may_take_clones)
		return (strlist_has(&p->clones, clone) || strlist_add(&p->clones, clone) == 0 ? 0 :
		    out_of_memory(e));
	p->has_clones = true;
	return (plan_tree(p, clone, e));
}

/* A snapshot, after its clones. */
static int
plan_snapshot(struct plan *p, const char *snap, struct err *e)
{
	size_t size = 1 << 16;
	char *clones = malloc(size), *save, *c;
	int rc = 0;

	if (clones == NULL)
		return (out_of_memory(e));
	if (session_prop(p->s, snap, "clones", clones, size, NULL) != 0 || strcmp(clones, "-") == 0)
		clones[0] = '\0';
	if (p->defer)
		clones[0] = '\0';
	for (c = strtok_r(clones, ",", &save); c != NULL && rc == 0; c = strtok_r(NULL, ",", &save))
		rc = plan_clone(p, c, e);
	free(clones);
	if (rc == 0 && !is_planned(p, snap) && strlist_add(&p->steps, snap) != 0)
		rc = out_of_memory(e);
	return (rc);
}

/* The snapshots of one dataset alone, oldest first. */
static int
snapshots_of(struct pool_session *s, const char *name, struct strlist *l, struct err *e)
{
	struct strlist all = STRLIST_INIT;
	size_t n = strlen(name);
	int rc = session_names(s, name, 0, DSL_SNAPSHOT, &all, e);

	for (size_t i = 0; i < all.n && rc == 0; i++)
		if (strncmp(all.v[i], name, n) == 0 && all.v[i][n] == '@' &&
		    strlist_add(l, all.v[i]) != 0)
			rc = out_of_memory(e);
	strlist_free(&all);
	return (rc);
}

/* One dataset without its children: its snapshots, then itself. */
static int
plan_dataset(struct plan *p, const char *name, struct err *e)
{
	struct strlist snaps = STRLIST_INIT;
	int rc = snapshots_of(p->s, name, &snaps, e);

	for (size_t i = 0; i < snaps.n && rc == 0; i++)
		rc = plan_snapshot(p, snaps.v[i], e);
	if (rc == 0 && !is_planned(p, name) && strlist_add(&p->steps, name) != 0)
		rc = out_of_memory(e);
	strlist_free(&snaps);
	return (rc);
}

/* A dataset and all below, children first: the walk's order backwards. */
static int
plan_tree(struct plan *p, const char *name, struct err *e)
{
	struct strlist tree = STRLIST_INIT;
	int rc = session_names(p->s, name, -1, DSL_FILESYSTEM | DSL_VOLUME, &tree, e);

	for (size_t i = tree.n; i-- > 0 && rc == 0;)
		if (!is_planned(p, tree.v[i]))
			rc = plan_dataset(p, tree.v[i], e);
	strlist_free(&tree);
	return (rc);
}

static void
plan_free(struct plan *p)
{
	strlist_free(&p->steps);
	strlist_free(&p->clones);
}

static int
refuse(struct nvlist *out, const char *kind, const struct strlist *l, struct err *e, int code,
    const char *why)
{
	if (nv_add_str(out, "kind", kind) != 0 || strlist_to_nv(l, out, "dependents") != 0)
		return (out_of_memory(e));
	return (err_set(e, code, "%s", why));
}

/* A clone that a promised -R would take with it: everything that would go, for the message. */
static int
refuse_clones(struct plan *p, struct nvlist *out, bool is_snapshot, struct err *e)
{
	struct plan all = {.s = p->s, .may_take_clones = true};
	int rc = 0;

	for (size_t i = 0; i < p->clones.n && rc == 0; i++)
		rc = plan_tree(&all, p->clones.v[i], e);
	strlist_reverse(&all.steps);
	if (rc == 0)
		rc = refuse(out, "clones", &all.steps, e, EEXIST, is_snapshot ?
		    "snapshot has dependent clones" : "filesystem has dependent clones");
	plan_free(&all);
	return (rc);
}

static int
unmount_steps(struct pool_session *s, const struct strlist *steps, bool force, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < steps->n && rc == 0; i++) {
		if (s->fuse != NULL && strchr(steps->v[i], '@') != NULL)
			fuse_release_snapshot(s->fuse, steps->v[i]);
		if (s->fuse == NULL || (rc = unmount_tree(s, steps->v[i], force, NULL, e)) == 0)
			rc = volumes_release(s, steps->v[i], force, e);
	}
	return (rc);
}

/* The snapshots at steps[from..to) in one txg. */
static int
destroy_snapshots(struct pool_session *s, const struct strlist *steps, size_t from, size_t to,
    bool defer, struct err *e)
{
	int rc;

	if (from == to)
		return (0);
	spa_enter(s->spa);
	for (size_t i = from; i < to; i++)
		history_event(s, "destroy", steps->v[i], "%s", "");
	rc = (defer ? dsl_destroy_snaps_deferred : dsl_destroy_snaps)(s->spa,
	    (const char *const *)steps->v + from, to - from, e);
	spa_exit(s->spa);
	return (rc);
}

/* What a receive left behind to go on with is no reason to stay. */
static void
destroy_received_part(struct pool_session *s, const char *name)
{
	char child[2 * DSL_NAME_MAX];
	struct dsl_dataset *ds;

	(void)snprintf(child, sizeof(child), "%s/%s", name, RECV_CHILD);
	if (dsl_hold(s->spa, child, &ds, NULL) != 0)
		return;
	dsl_rele(ds);
	(void)dsl_destroy(s->spa, child, NULL);
}

static int
destroy_dataset(struct pool_session *s, const char *name, struct err *e)
{
	char path[PATH_MAX];
	struct dsl_dataset *ds;
	bool has_path = false;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		has_path = s->fuse != NULL && !dsl_is_snapshot(ds) &&
		    ds_mountpoint(s, ds, path, sizeof(path), NULL, 0) == 0 && path[0] == '/';
		dsl_rele(ds);
		history_event(s, "destroy", name, "%s", "");
		destroy_received_part(s, name);
		rc = dsl_destroy(s->spa, name, e);
	}
	spa_exit(s->spa);
	if (rc == 0 && has_path)
		remove_mountpoint(path);
	return (rc);
}

static int
run_steps(struct pool_session *s, const struct strlist *steps, bool defer, struct err *e)
{
	size_t first = 0, i;
	int rc = 0;

	for (i = 0; i < steps->n && rc == 0; i++) {
		if (strchr(steps->v[i], '@') != NULL)
			continue;
		if ((rc = destroy_snapshots(s, steps, first, i, defer, e)) == 0)
			rc = destroy_dataset(s, steps->v[i], e);
		first = i + 1;
	}
	return (rc == 0 ? destroy_snapshots(s, steps, first, i, defer, e) : rc);
}

/* What would come back: the datasets' own `used`, and what the snapshots alone hold. */
static uint64_t
reclaimable(struct pool_session *s, const struct strlist *steps)
{
	struct strlist snaps = STRLIST_INIT;
	uint64_t bytes = 0, sum = 0;
	char value[32];

	for (size_t i = 0; i < steps->n; i++) {
		if (strchr(steps->v[i], '@') != NULL)
			(void)strlist_add(&snaps, steps->v[i]);
		else if (session_prop(s, steps->v[i], "usedbydataset", value, sizeof(value), NULL) == 0)
			sum += strtoull(value, NULL, 10);
	}
	if (snaps.n != 0) {
		spa_enter(s->spa);
		if (dsl_destroy_space(s->spa, (const char *const *)snaps.v, snaps.n, &bytes) == 0)
			sum += bytes;
		spa_exit(s->spa);
	}
	strlist_free(&snaps);
	return (sum);
}

static int
carry_out(struct plan *p, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	if (strlist_to_nv(&p->steps, out, "steps") != 0)
		return (out_of_memory(e));
	if (arg_flag(in, "space") && nv_add_u64(out, "reclaim", reclaimable(p->s, &p->steps)) != 0)
		return (out_of_memory(e));
	if (arg_flag(in, "dryrun"))
		return (0);
	if ((rc = unmount_steps(p->s, &p->steps, arg_flag(in, "force"), e)) != 0)
		return (rc);
	return (run_steps(p->s, &p->steps, p->defer, e));
}

/* Without -r nothing may hang on the dataset. */
static int
refuse_children(struct pool_session *s, const char *name, struct nvlist *out, struct err *e)
{
	struct strlist l = STRLIST_INIT, rest = STRLIST_INIT;
	int rc = session_names(s, name, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT, &l, e);

	for (size_t i = 0; i < l.n && rc == 0; i++)
		if (strcmp(l.v[i], name) != 0 && strlist_add(&rest, l.v[i]) != 0)
			rc = out_of_memory(e);
	if (rc == 0 && rest.n != 0) {
		char type[32] = "filesystem";

		(void)session_prop(s, name, "type", type, sizeof(type), NULL);
		rc = refuse(out, "children", &rest, e, EEXIST,
		    strcmp(type, "volume") == 0 ? "volume has children" : "filesystem has children");
	}
	strlist_free(&l);
	strlist_free(&rest);
	return (rc);
}

/*
 * in: name; flags recursive, clones, force, dryrun, space
 * out: steps (strings, in order), reclaim (bytes); of a refusal: kind, dependents
 */
int
op_fs_destroy(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct plan p = {.s = s, .may_take_clones = arg_flag(in, "clones")};
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (!session_exists(s, name))
		return (err_set(e, ENOENT, "dataset does not exist"));
	p.root = name;
	if (!arg_flag(in, "recursive") && !p.may_take_clones)
		rc = refuse_children(s, name, out, e);
	if (rc == 0)
		rc = plan_tree(&p, name, e);
	if (rc == 0 && p.clones.n != 0)
		rc = refuse_clones(&p, out, false, e);
	if (rc == 0 && strchr(name, '/') == NULL) {
		/* The pool's own dataset stays: only what is below goes. */
		free(p.steps.v[--p.steps.n]);
	}
	if (rc == 0)
		rc = carry_out(&p, in, out, e);
	plan_free(&p);
	return (rc);
}

/* Where in `snaps` the snapshot of that short name is, or -1. */
static int
find_short(const struct strlist *snaps, const char *name, size_t n)
{
	for (size_t i = 0; i < snaps->n; i++) {
		const char *at = strchr(snaps->v[i], '@') + 1;

		if (strlen(at) == n && strncmp(at, name, n) == 0)
			return ((int)i);
	}
	return (-1);
}

/* One item of the list, "a", "a%b", "a%", "%b" or "%": the range it means, first > last if none. */
static void
item_range(const struct strlist *snaps, const char *item, size_t n, int *first, int *last)
{
	const char *pct = memchr(item, '%', n);
	size_t left = pct != NULL ? (size_t)(pct - item) : n;

	*first = left == 0 ? 0 : find_short(snaps, item, left);
	if (pct == NULL)
		*last = *first;
	else if (left + 1 == n)
		*last = (int)snaps->n - 1;
	else
		*last = find_short(snaps, pct + 1, n - left - 1);
	if (*first < 0 || *last < 0) {
		*first = 0;
		*last = -1;
	}
}

/* The snapshots of one dataset that the specification "a,b%c" names. */
static int
plan_spec(struct plan *p, const char *name, const char *spec, struct err *e)
{
	struct strlist snaps = STRLIST_INIT;
	int rc = snapshots_of(p->s, name, &snaps, e);

	for (const char *item = spec; rc == 0; item++) {
		size_t n = strcspn(item, ",");
		int first, last;

		if (n == 0)
			rc = err_set(e, EINVAL, "empty component or misplaced ',' in the list of snapshots");
		item_range(&snaps, item, n, &first, &last);
		for (int i = first; i <= last && rc == 0; i++)
			rc = plan_snapshot(p, snaps.v[i], e);
		item += n;
		if (*item == '\0')
			break;
	}
	strlist_free(&snaps);
	return (rc);
}

/*
 * in: name (the dataset), snaps ("a,b%c"); flags recursive, clones, force, dryrun, space
 * out: as fs.destroy
 */
int
op_fs_destroy_snaps(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	struct plan p = {.s = s, .may_take_clones = arg_flag(in, "clones"),
	    .defer = arg_flag(in, "defer")};
	struct strlist tree = STRLIST_INIT;
	const char *name, *spec;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0 || (rc = arg_str(in, "snaps", &spec, e)) != 0)
		return (rc);
	if (!session_exists(s, name))
		return (err_set(e, ENOENT, "dataset does not exist"));
	rc = session_names(s, name,
	    arg_flag(in, "recursive") || p.may_take_clones ? -1 : 0, DSL_FILESYSTEM | DSL_VOLUME,
	    &tree, e);
	for (size_t i = 0; i < tree.n && rc == 0; i++)
		rc = plan_spec(&p, tree.v[i], spec, e);
	if (rc == 0 && p.steps.n == 0 && p.clones.n == 0)
		rc = err_set(e, ENOENT,
		    "could not find any snapshots to destroy; check snapshot names.");
	if (rc == 0 && p.clones.n != 0) {
		(void)nv_add_str(out, "snapshot", p.steps.n != 0 ? p.steps.v[0] : name);
		rc = refuse_clones(&p, out, true, e);
	}
	if (rc == 0)
		rc = carry_out(&p, in, out, e);
	strlist_free(&tree);
	plan_free(&p);
	return (rc);
}

/* Of a bookmark of fs; 0 when there is none. */
static uint64_t
bookmark_txg(struct pool_session *s, const char *fs, const char *name)
{
	uint64_t words[BOOKMARK_WORDS], txg = 0;
	struct dsl_dataset *head;

	spa_enter(s->spa);
	if (dsl_hold(s->spa, fs, &head, NULL) == 0) {
		if (ds_bookmark_lookup(head, strchr(name, '#') + 1, words) == 0)
			txg = words[BM_TXG];
		dsl_rele(head);
	}
	spa_exit(s->spa);
	return (txg);
}

static int
newer_bookmarks(struct pool_session *s, const char *fs, const char *snapshot, struct strlist *newer,
    struct err *e)
{
	struct strlist all = STRLIST_INIT;
	char txg[32];
	int rc;

	if ((rc = session_prop(s, snapshot, "createtxg", txg, sizeof(txg), e)) == 0)
		rc = session_names(s, fs, 0, DSL_BOOKMARK, &all, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (bookmark_txg(s, fs, all.v[i]) > strtoull(txg, NULL, 10) &&
		    strlist_add(newer, all.v[i]) != 0)
			rc = out_of_memory(e);
	strlist_free(&all);
	return (rc);
}

/* The snapshots of fs that are newer than `snapshot`, newest first; then such bookmarks. */
static int
newer_than(struct pool_session *s, const char *fs, const char *snapshot, struct strlist *newer,
    struct err *e)
{
	struct strlist all = STRLIST_INIT;
	int rc = snapshots_of(s, fs, &all, e);

	for (size_t i = all.n; rc == 0 && i-- > 0 && strcmp(all.v[i], snapshot) != 0;)
		if (strlist_add(newer, all.v[i]) != 0)
			rc = out_of_memory(e);
	strlist_free(&all);
	return (rc != 0 ? rc : newer_bookmarks(s, fs, snapshot, newer, e));
}

static int
destroy_bookmarks(struct pool_session *s, const struct strlist *names, struct err *e)
{
	int rc = 0;

	spa_enter(s->spa);
	for (size_t i = 0; i < names->n && rc == 0; i++)
		if (strchr(names->v[i], '#') != NULL)
			rc = dsl_destroy_bookmark(s->spa, names->v[i], e);
	spa_exit(s->spa);
	return (rc);
}

static int
clear_newer(struct pool_session *s, const struct strlist *newer, const struct nvlist *in,
    struct nvlist *out, struct err *e)
{
	struct plan p = {.s = s, .may_take_clones = arg_flag(in, "clones")};
	int rc = 0;

	if (newer->n == 0)
		return (0);
	if (!arg_flag(in, "recursive") && !p.may_take_clones)
		return (refuse(out, "newer", newer, e, EEXIST,
		    "more recent snapshots or bookmarks exist"));
	for (size_t i = 0; i < newer->n && rc == 0; i++)
		if (strchr(newer->v[i], '@') != NULL)
			rc = plan_snapshot(&p, newer->v[i], e);
	if (rc == 0 && p.clones.n != 0)
		rc = refuse(out, "clones", &p.clones, e, EEXIST,
		    "clones of previous snapshots exist");
	if (rc == 0 && (rc = unmount_steps(s, &p.steps, true, e)) == 0)
		rc = run_steps(s, &p.steps, false, e);
	if (rc == 0)
		rc = destroy_bookmarks(s, newer, e);
	plan_free(&p);
	return (rc);
}

/* in: name (the snapshot); flags recursive, clones, force */
int
op_fs_rollback(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist newer = STRLIST_INIT;
	char fs[DSL_NAME_MAX], path[8];
	const char *snap;
	bool is_mounted;
	int rc;

	if ((rc = arg_str(in, "name", &snap, e)) != 0 ||
	    (rc = name_check_dataset(snap, DSL_SNAPSHOT, e)) != 0)
		return (rc);
	if (!session_exists(s, snap))
		return (err_set(e, ENOENT, "dataset does not exist"));
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(snap, "@"), snap);
	if ((rc = newer_than(s, fs, snap, &newer, e)) == 0)
		rc = clear_newer(s, &newer, in, out, e);
	strlist_free(&newer);
	if (rc != 0)
		return (rc);
	is_mounted = s->fuse != NULL && fuse_mounted_at(s->fuse, fs, path, sizeof(path)) != -ENOENT;
	if (is_mounted && (rc = fuse_suspend(s->fuse, fs)) != 0)
		return (err_rc(e, rc, "cannot suspend '%s'", fs));
	spa_enter(s->spa);
	if ((rc = dsl_rollback(s->spa, fs, snap, e)) == 0)
		history_event(s, "rollback", fs, "snap=%s", strchr(snap, '@') + 1);
	spa_exit(s->spa);
	if (is_mounted && fuse_resume(s->fuse, fs, rc == 0 ? e : NULL) != 0 && rc == 0)
		rc = -EIO;
	return (rc);
}
