/* SPDX-License-Identifier: MIT */
/* Operations on snapshots: bookmarks, holds, promote, diff. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "poolops_impl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/zpl_diff.h"

/* in: source (snapshot or bookmark), name (fs#mark) */
int
op_fs_bookmark(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *source, *name;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "source", &source, e)) != 0 || (rc = arg_str(in, "name", &name, e)) != 0 ||
	    (rc = name_check_dataset(name, DSL_BOOKMARK, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_bookmark(s->spa, source, name, e)) == 0)
		history_event(s, "bookmark", NULL, "name=%s source=%s", name, source);
	spa_exit(s->spa);
	return (rc);
}

/* in: name (fs#mark) */
int
op_fs_destroy_bookmark(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	const char *name;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_destroy_bookmark(s->spa, name, e)) == 0)
		history_event(s, "remove bookmark", NULL, "name=%s", name);
	spa_exit(s->spa);
	return (rc);
}

/* --- holds ------------------------------------------------------------------------------------ */

/* The snapshots that the names mean; with recursive those of the same name below, too. */
static int
expand(struct pool_session *s, const struct nvlist *in, struct strlist *l, struct err *e)
{
	const char *const *names;
	size_t n;
	int rc = 0;

	if (nv_get_str_array(in, "names", &names, &n) != 0 || n == 0)
		return (err_set(e, EINVAL, "argument 'names' is missing"));
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct strlist fs = STRLIST_INIT;
		const char *at = strchr(names[i], '@');
		char root[DSL_NAME_MAX], snap[2 * DSL_NAME_MAX];

		if (at == NULL || (rc = name_check_dataset(names[i], DSL_SNAPSHOT, e)) != 0)
			return (rc != 0 ? rc : err_set(e, EINVAL, "'%s' is not a snapshot", names[i]));
		(void)snprintf(root, sizeof(root), "%.*s", (int)(at - names[i]), names[i]);
		rc = session_names(s, root, arg_flag(in, "recursive") ? -1 : 0, DSL_FILESYSTEM | DSL_VOLUME,
		    &fs, e);
		for (size_t k = 0; k < fs.n && rc == 0; k++) {
			(void)snprintf(snap, sizeof(snap), "%s%s", fs.v[k], at);
			if ((k == 0 || session_exists(s, snap)) && strlist_add(l, snap) != 0)
				rc = err_set(e, ENOMEM, "out of memory");
		}
		strlist_free(&fs);
	}
	return (rc);
}

static int
change_holds(struct pool_session *s, const struct nvlist *in, bool hold, struct err *e)
{
	struct strlist l = STRLIST_INIT;
	const char *tag;
	int rc;

	if ((rc = arg_str(in, "tag", &tag, e)) == 0 && (rc = expand(s, in, &l, e)) == 0) {
		spa_enter(s->spa);
		rc = (hold ? dsl_hold_tag : dsl_release_tag)(s->spa, (const char *const *)l.v, l.n, tag, e);
		for (size_t i = 0; i < l.n && rc == 0; i++)
			history_event(s, hold ? "hold" : "release", l.v[i], "tag=%s", tag);
		spa_exit(s->spa);
	}
	strlist_free(&l);
	return (rc);
}

/* in: names (strings), tag; flag recursive */
int
op_fs_hold(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	(void)out;
	return (change_holds(s, in, true, e));
}

int
op_fs_release(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	(void)out;
	return (change_holds(s, in, false, e));
}

static int
tags_of(struct pool_session *s, const char *snap, struct nvlist *out, struct err *e)
{
	struct nvlist *tags = nv_new();
	struct dsl_dataset *ds;
	int rc = tags == NULL ? err_set(e, ENOMEM, "out of memory") : dsl_hold(s->spa, snap, &ds, e);

	if (rc == 0) {
		if ((rc = dsl_list_tags(ds, tags)) == 0)
			rc = nv_add_nvlist(out, snap, tags);
		rc = err_rc(e, rc, "'%s'", snap);
		dsl_rele(ds);
	}
	nv_free(tags);
	return (rc);
}

/* in: names; flag recursive.  out: holds: snapshot -> (tag -> time) */
int
op_fs_holds(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist l = STRLIST_INIT;
	struct nvlist *all = nv_new();
	int rc = all == NULL ? err_set(e, ENOMEM, "out of memory") : expand(s, in, &l, e);

	spa_enter(s->spa);
	for (size_t i = 0; i < l.n && rc == 0; i++)
		rc = tags_of(s, l.v[i], all, e);
	spa_exit(s->spa);
	if (rc == 0)
		rc = err_rc(e, nv_add_nvlist(out, "holds", all), "holds");
	nv_free(all);
	strlist_free(&l);
	return (rc);
}

/* --- promote ---------------------------------------------------------------------------------- */

/* Snapshots that somebody looks into through .zfs change their filesystem. */
static void
release_origin(struct pool_session *s, const char *name)
{
	char origin[DSL_NAME_MAX], fs[DSL_NAME_MAX];
	struct strlist snaps = STRLIST_INIT;

	if (s->fuse == NULL || session_prop(s, name, "origin", origin, sizeof(origin), NULL) != 0)
		return;
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(origin, "@"), origin);
	if (session_names(s, fs, 0, DSL_SNAPSHOT, &snaps, NULL) == 0)
		for (size_t i = 0; i < snaps.n; i++)
			fuse_release_snapshot(s->fuse, snaps.v[i]);
	strlist_free(&snaps);
}

/* in: name.  out: conflict (a snapshot's name that both have) */
int
op_fs_promote(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	char conflict[DSL_NAME_MAX] = "";
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (!session_exists(s, name))
		return (err_set(e, ENOENT, "dataset does not exist"));
	release_origin(s, name);
	spa_enter(s->spa);
	if ((rc = dsl_promote(s->spa, name, conflict, e)) == 0)
		history_event(s, "promote", name, "%s", "");
	spa_exit(s->spa);
	if (conflict[0] != '\0')
		(void)nv_add_str(out, "conflict", conflict);
	return (rc);
}

/* --- diff ------------------------------------------------------------------------------------- */

/* A change: its letter, mode and time and links as text, path, new path; each ends in a NUL. */
static int
add_change(const struct zpl_change *c, void *arg)
{
	struct buf *b = arg;

	buf_printf(b, "%c", c->what);
	buf_printf(b, "%o", c->mode);
	buf_add(b, "", 1);
	buf_printf(b, "%10lld.%09lld", (long long)c->ctime[0], (long long)c->ctime[1]);
	buf_add(b, "", 1);
	buf_printf(b, "%lld", (long long)c->links);
	buf_add(b, "", 1);
	buf_add(b, c->path, strlen(c->path) + 1);
	buf_str(b, c->new_path != NULL ? c->new_path : "");
	buf_add(b, "", 1);
	return (buf_failed(b) ? -ENOMEM : 0);
}

static int
diff_snaps(struct pool_session *s, const char *from, const char *to, struct buf *b, struct err *e)
{
	struct dsl_dataset *f, *t;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, from, &f, e)) == 0) {
		if ((rc = dsl_hold(s->spa, to, &t, e)) == 0) {
			if (f->obj == t->obj || ds_is_before(t, f))
				rc = zpl_diff(f, t, add_change, b, e);
			else
				rc = err_set(e, EXDEV, "Not an earlier snapshot from the same fs");
			dsl_rele(t);
		}
		dsl_rele(f);
	}
	spa_exit(s->spa);
	return (rc);
}

/* The filesystem as it is now has a snapshot for as long as it is looked at. */
static int
diff_live(struct pool_session *s, const char *from, const char *fs, struct buf *b, struct err *e)
{
	char snap[2 * DSL_NAME_MAX];
	const char *name = snap;
	int rc;

	spa_enter(s->spa);
	(void)snprintf(snap, sizeof(snap), "%s@zfs-diff-%llu", fs,
	    (unsigned long long)spa_open_txg(s->spa));
	spa_exit(s->spa);
	flush_mount(s, fs);
	spa_enter(s->spa);
	rc = dsl_snapshot(s->spa, &name, 1, NULL, e);
	spa_exit(s->spa);
	if (rc != 0)
		return (rc);
	rc = diff_snaps(s, from, snap, b, e);
	spa_enter(s->spa);
	(void)dsl_destroy_snaps(s->spa, &name, 1, NULL);
	spa_exit(s->spa);
	return (rc);
}

/* in: from (a snapshot), to (a snapshot or filesystem).  out: changes (bytes), mountpoint */
int
op_fs_diff(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	char fs[DSL_NAME_MAX], path[4096] = "";
	const char *from, *to;
	struct buf b = BUF_INIT;
	int rc;

	if ((rc = arg_str(in, "from", &from, e)) != 0 || (rc = arg_str(in, "to", &to, e)) != 0)
		return (rc);
	if (!session_exists(s, from) || !session_exists(s, to))
		return (err_set(e, ENOENT, "dataset does not exist"));
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(to, "@"), to);
	rc = strchr(to, '@') != NULL ? diff_snaps(s, from, to, &b, e) : diff_live(s, from, to, &b, e);
	if (rc == 0) {
		(void)session_prop(s, fs, "mountpoint", path, sizeof(path), NULL);
		if (s->fuse != NULL)
			(void)fuse_mounted_at(s->fuse, fs, path, sizeof(path));
		if (nv_add_bytes(out, "changes", b.data != NULL ? b.data : "", b.len) != 0 ||
		    nv_add_str(out, "mountpoint", strcmp(path, "/") == 0 ? "" : path) != 0)
			rc = err_set(e, ENOMEM, "out of memory");
	}
	buf_free(&b);
	return (rc);
}
