/* SPDX-License-Identifier: MIT */
/*
 * The header of a compound stream against what is here.
 *
 * Filesystems and snapshots are known by the guids of snapshots: what has a snapshot of the same guid
 * is the same, whatever its name.  So of every filesystem of the stream that is here already
 *
 *	a snapshot here has another name there		renamed
 *	a snapshot here is not there			destroyed, with -F
 *	a filesystem here whose snapshots are there, under another name	renamed
 *	a filesystem here, below the target, that is not there	destroyed, with -F
 *
 * Only of incremental recursive streams: others say nothing of what came before.
 */
#include "recv_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"

int
recv_tree_load(struct recv_tree *t, const void *packed, size_t len, struct err *e)
{
	int rc;

	if (len == 0)
		return (0);
	if ((rc = nv_unpack(packed, len, &t->nv, e)) != 0)
		return (err_set(e, EINVAL, "invalid stream (bad header)"));
	if (nv_get_nvlist(t->nv, "fss", &t->fss) != 0)
		return (err_set(e, EINVAL, "invalid stream (header without filesystems)"));
	return (0);
}

void
recv_tree_free(struct recv_tree *t)
{
	nv_free(t->nv);
	*t = (struct recv_tree){NULL, NULL};
}

/* The name that a filesystem's entry gives the snapshot of this guid, or NULL. */
static const char *
snap_of_guid(const struct nvlist *fs, uint64_t guid)
{
	struct nvlist *snaps;
	struct nvpair *p = NULL;
	uint64_t v;

	if (nv_get_nvlist(fs, "snaps", &snaps) != 0)
		return (NULL);
	while ((p = nv_next(snaps, p)) != NULL)
		if (nvpair_u64(p, &v) == 0 && v == guid)
			return (nvpair_name(p));
	return (NULL);
}

const struct nvlist *
recv_tree_find(const struct recv_tree *t, uint64_t snap_guid)
{
	struct nvpair *p = NULL;
	struct nvlist *fs;

	while (t->fss != NULL && (p = nv_next(t->fss, p)) != NULL)
		if (nvpair_nvlist(p, &fs) == 0 && snap_of_guid(fs, snap_guid) != NULL)
			return (fs);
	return (NULL);
}

/* --- what is here ----------------------------------------------------------------------------- */

struct local {
	char name[DSL_NAME_MAX]; /* of a snapshot, or of a filesystem */
	uint64_t guid;
	bool is_snap;
};

struct locals {
	struct local *v;
	size_t n, room;
};

static int
add_local(struct dsl_dataset *ds, void *arg)
{
	struct locals *l = arg;

	if (l->n == l->room) {
		size_t room = l->room == 0 ? 32 : 2 * l->room;
		struct local *v = realloc(l->v, room * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		l->v = v;
		l->room = room;
	}
	l->v[l->n] = (struct local){.guid = dsl_guid(ds), .is_snap = dsl_is_snapshot(ds)};
	dsl_name(ds, l->v[l->n++].name);
	return (0);
}

static int
list_locals(struct pool_session *s, const char *root, struct locals *l, struct err *e)
{
	int rc;

	free(l->v);
	*l = (struct locals){NULL, 0, 0};
	spa_enter(s->spa);
	rc = dsl_walk(s->spa, root, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT, add_local, l, e);
	spa_exit(s->spa);
	return (rc);
}

/* --- bringing into line ----------------------------------------------------------------------- */

static int
rename_one(struct pool_session *s, const char *from, const char *to, struct err *e)
{
	int rc;

	if (s->fuse != NULL && strchr(from, '@') != NULL)
		fuse_release_snapshot(s->fuse, from);
	spa_enter(s->spa);
	rc = dsl_rename(s->spa, from, to, e);
	spa_exit(s->spa);
	return (rc);
}

static int
destroy_one(struct pool_session *s, const char *name, struct err *e)
{
	struct nvlist *in = nv_new(), *out = nv_new();
	char fs[DSL_NAME_MAX];
	const char *at = strchr(name, '@');
	int rc = in == NULL || out == NULL ? err_set(e, ENOMEM, "out of memory") : 0;

	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(name, "@"), name);
	if (rc == 0 && (nv_add_str(in, "name", fs) != 0 || nv_add_boolean(in, "force") != 0 ||
	    (at != NULL && nv_add_str(in, "snaps", at + 1) != 0)))
		rc = err_set(e, ENOMEM, "out of memory");
	if (rc == 0)
		rc = at != NULL ? op_fs_destroy_snaps(s, in, out, e) : op_fs_destroy(s, in, out, e);
	nv_free(in);
	nv_free(out);
	return (rc);
}

/* One snapshot of ours: kept, renamed or destroyed. */
static int
align_snap(struct recv_tree *t, struct pool_session *s, const struct local *l, bool force,
    struct err *e)
{
	const struct nvlist *fs = recv_tree_find(t, l->guid);
	const char *theirs = fs != NULL ? snap_of_guid(fs, l->guid) : NULL;
	const char *ours = strchr(l->name, '@') + 1;
	char to[2 * DSL_NAME_MAX];

	if (theirs == NULL)
		return (force ? destroy_one(s, l->name, e) : 0);
	if (strcmp(theirs, ours) == 0)
		return (0);
	(void)snprintf(to, sizeof(to), "%.*s@%s", (int)(ours - 1 - l->name), l->name, theirs);
	/* Names may swap: whoever is in the way goes aside first, when his turn comes. */
	return (session_exists(s, to) ? 0 : rename_one(s, l->name, to, e));
}

static int
align_snaps(struct recv_tree *t, struct pool_session *s, const struct locals *l, bool force,
    struct err *e)
{
	int rc = 0;

	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < l->n && rc == 0; i++)
			if (l->v[i].is_snap && session_exists(s, l->v[i].name))
				rc = align_snap(t, s, &l->v[i], force, e);
	return (rc);
}

/* The stream's entry of the filesystem at v[i], by any of its snapshots. */
static const struct nvlist *
entry_of(const struct recv_tree *t, const struct locals *l, size_t i)
{
	const struct nvlist *fs = NULL;

	for (size_t k = i + 1; k < l->n && l->v[k].is_snap && fs == NULL; k++)
		fs = recv_tree_find(t, l->v[k].guid);
	return (fs);
}

static int
align_fs(struct recv_tree *t, struct pool_session *s, const struct recv_run *r,
    const struct locals *l, size_t i, bool force, struct err *e)
{
	const struct nvlist *fs = entry_of(t, l, i);
	char want[DSL_NAME_MAX], parent[DSL_NAME_MAX];
	int rc;

	if (i == 0 || !session_exists(s, l->v[i].name))
		return (0); /* the target itself, or renamed with its parent */
	if (fs == NULL)
		return (force ? destroy_one(s, l->v[i].name, e) : 0);
	if ((rc = recv_local_name(r, nv_str_or(fs, "name", ""), want, e)) != 0)
		return (rc);
	(void)snprintf(parent, sizeof(parent), "%s", want);
	if (strrchr(parent, '/') != NULL)
		*strrchr(parent, '/') = '\0';
	if (strcmp(want, l->v[i].name) == 0 || session_exists(s, want) || !session_exists(s, parent))
		return (0);
	if ((rc = unmount_tree(s, l->v[i].name, true, NULL, e)) != 0 ||
	    (rc = rename_one(s, l->v[i].name, want, e)) != 0)
		return (rc);
	(void)mount_tree(s, want, NULL);
	return (0);
}

static int
align(struct recv_tree *t, struct pool_session *s, const struct recv_run *r, const char *root,
    bool force, struct err *e)
{
	struct locals l = {NULL, 0, 0};
	size_t i;
	int rc = list_locals(s, root, &l, e);

	for (i = 0; rc == 0 && i < l.n; i++)
		if (!l.v[i].is_snap && entry_of(t, &l, i) != NULL)
			rc = align_fs(t, s, r, &l, i, force, e);
	if (rc == 0 && (rc = list_locals(s, root, &l, e)) == 0)
		rc = align_snaps(t, s, &l, force, e);
	/* Children before parents. */
	if (rc == 0 && force && (rc = list_locals(s, root, &l, e)) == 0)
		for (i = l.n; rc == 0 && i-- > 0;)
			if (!l.v[i].is_snap && entry_of(t, &l, i) == NULL)
				rc = align_fs(t, s, r, &l, i, force, e);
	free(l.v);
	return (rc);
}

int
recv_tree_prepare(struct recv_tree *t, struct pool_session *s, const struct recv_run *r, bool force,
    struct err *e)
{
	char root[DSL_NAME_MAX];
	struct nvpair *first;
	struct nvlist *fs;
	int rc;

	if (t->fss == NULL || !nv_has(t->nv, "fromsnap") || nv_has(t->nv, "not_recursive"))
		return (0);
	first = nv_next(t->fss, NULL);
	if (first == NULL || nvpair_nvlist(first, &fs) != 0)
		return (0);
	if ((rc = recv_local_name(r, nv_str_or(fs, "name", ""), root, e)) != 0)
		return (rc);
	if (!session_exists(s, root))
		return (0);
	(void)pthread_mutex_lock(&s->changing);
	rc = align(t, s, r, root, force, e);
	(void)pthread_mutex_unlock(&s->changing);
	return (rc);
}

/* --- what a snapshot brings along ------------------------------------------------------------- */

void
recv_tree_snapshot(struct recv_tree *t, struct pool_session *s, const struct nvlist *fs_info,
    const char *fs, const char *snap, bool no_holds)
{
	char name[2 * DSL_NAME_MAX];
	struct nvlist *all, *mine;

	(void)t;
	(void)snprintf(name, sizeof(name), "%s@%s", fs, snap);
	if (fs_info == NULL)
		return;
	spa_enter(s->spa);
	if (nv_get_nvlist(fs_info, "snapprops", &all) == 0 && nv_get_nvlist(all, snap, &mine) == 0 &&
	    nv_count(mine) != 0)
		(void)dsl_prop_receive(s->spa, name, mine, NULL, NULL);
	if (!no_holds && nv_get_nvlist(fs_info, "snapholds", &all) == 0 &&
	    nv_get_nvlist(all, snap, &mine) == 0 && nv_count(mine) != 0)
		(void)dsl_hold_tags(s->spa, name, mine, NULL);
	spa_exit(s->spa);
}
