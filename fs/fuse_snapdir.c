/* SPDX-License-Identifier: MIT */
/*
 * .zfs/snapshot: the snapshots of a mounted dataset as directories in it.
 *
 * Nothing of this is on disk: .zfs and .zfs/snapshot are two virtual nodes, and a snapshot's root
 * directory appears when its name is looked up.  A snapshot that is entered gets a slot, which
 * holds the snapshot open; the slot's number is part of its nodes' ids, so that files of the live
 * dataset and of its snapshots differ in inode number though their objects are the same.  The slot
 * is given up when the kernel has forgotten the last of its nodes, or by snapdir_release() before
 * the snapshot is destroyed: then its nodes are stale, but the number is not used again while any
 * is known.
 *
 * A listing goes by the snapshots' creation txg, which is its cookie: no two snapshots of a dataset
 * have the same, and it stays when others come and go.  It opens none of them.
 *
 * mkdir takes a snapshot, rmdir destroys one, for root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuse_impl.h"

#define COOKIE_FIRST 2 /* behind "." and ".." */

/*
 * Who owns the virtual directories: an id that no zone has, so that a zone's root may not write
 * there. (With idmapped mounts the kernel does not tell us who asks, so we could not check
 * ourselves.)
 */
#define NOBODY_AT_ALL (UINT32_MAX - 1)

bool
snapdir_is_virtual(uint64_t node)
{
	return (node == NODE_ZFS || node == NODE_SNAPSHOTS);
}

/* "pool/fs@name" */
static int
full_name(const struct fuse_session *s, const char *name, char buf[DSL_NAME_MAX])
{
	char fs[DSL_NAME_MAX];
	int n;

	if (strchr(name, '@') != NULL || strchr(name, '/') != NULL)
		return (-ENOENT);
	dsl_name(s->ds, fs);
	n = snprintf(buf, DSL_NAME_MAX, "%s@%s", fs, name);
	return (n < 0 || n >= DSL_NAME_MAX ? -ENOENT : 0);
}

/* --- slots ------------------------------------------------------------------------------------ */

static bool
slot_is_free(const struct snap_slot *sl)
{
	return (sl->name == NULL && sl->nodes == 0);
}

/* Close the snapshot; the slot's number stays taken while the kernel knows nodes of it. */
static void
slot_close(struct snap_slot *sl)
{
	zpl_close(sl->z);
	if (sl->ds != NULL)
		dsl_rele(sl->ds);
	free(sl->name);
	*sl = (struct snap_slot){.nodes = sl->nodes};
}

/* Which entry of the counts says what snapshot the slot is. */
static uint64_t
slot_mark(size_t i)
{
	return ((uint64_t)(i + 1) << NODE_SLOT_SHIFT);
}

static int
slot_number(struct fuse_session *s, size_t *i)
{
	struct snap_slot *v;

	for (*i = 0; *i < s->nslots; (*i)++) {
		if (slot_is_free(&s->slot[*i]))
			return (0);
	}
	if (s->nslots == NODE_SLOTS)
		return (-ENFILE);
	if ((v = realloc(s->slot, (s->nslots + 1) * sizeof(*v))) == NULL)
		return (-ENOMEM);
	s->slot = v;
	s->slot[s->nslots++] = (struct snap_slot){.ds = NULL};
	return (0);
}

static int
slot_open(struct fuse_session *s, const char *snapshot, size_t *i)
{
	struct snap_slot *sl;
	int rc = slot_number(s, i);

	if (rc != 0)
		return (rc);
	sl = &s->slot[*i];
	if ((sl->name = strdup(snapshot)) == NULL)
		rc = -ENOMEM;
	else if ((rc = dsl_hold(s->server->spa, snapshot, &sl->ds, NULL)) == 0)
		rc = zpl_open(sl->ds, true, &sl->z, NULL);
	if (rc == 0 && (rc = node_table_room(&s->nodes, 1)) == 0)
		node_set(&s->nodes, slot_mark(*i), dsl_objnum(sl->ds));
	if (rc != 0)
		slot_close(sl);
	return (rc);
}

static int
slot_find(struct fuse_session *s, const char *snapshot, size_t *i)
{
	for (*i = 0; *i < s->nslots; (*i)++) {
		if (s->slot[*i].name != NULL && strcmp(s->slot[*i].name, snapshot) == 0)
			return (0);
	}
	return (slot_open(s, snapshot, i));
}

void
snapdir_count(struct fuse_session *s, uint64_t node, int delta)
{
	uint64_t number = node >> NODE_SLOT_SHIFT;
	struct snap_slot *sl;

	if (snapdir_is_virtual(node) || number == 0 || number > s->nslots)
		return;
	sl = &s->slot[number - 1];
	if (delta > 0) {
		sl->nodes++;
	} else if (sl->nodes > 0 && --sl->nodes == 0) {
		slot_close(sl);
		node_set(&s->nodes, slot_mark(number - 1), 0);
	}
}

/* The snapshot of a slot; one that is gone meanwhile leaves its nodes stale. */
static int
slot_adopt(struct fuse_session *s, size_t i, uint64_t dataset)
{
	struct snap_slot *sl = &s->slot[i];
	char name[DSL_NAME_MAX];

	if (dsl_hold_objnum(s->server->spa, dataset, &sl->ds) != 0)
		return (0);
	dsl_name(sl->ds, name);
	if ((sl->name = strdup(name)) == NULL)
		return (-ENOMEM);
	if (zpl_open(sl->ds, true, &sl->z, NULL) != 0)
		slot_close(sl);
	return (0);
}

int
snapdir_adopt(struct fuse_session *s)
{
	const struct node_table *t = &s->nodes;
	int rc = 0;

	for (size_t i = 0; i < t->cap; i++)
		if (t->v[i].lookups != 0 && t->v[i].id >> 63 == 0 &&
		    t->v[i].id >> NODE_SLOT_SHIFT > s->nslots)
			s->nslots = t->v[i].id >> NODE_SLOT_SHIFT;
	if (s->nslots > 0 && (s->slot = calloc(s->nslots, sizeof(*s->slot))) == NULL)
		return (-ENOMEM);
	for (size_t i = 0; i < t->cap && rc == 0; i++) {
		uint64_t id = t->v[i].id, slot = id >> NODE_SLOT_SHIFT;

		if (t->v[i].lookups == 0 || id >> 63 != 0 || slot == 0)
			continue;
		if (node_is_slot(id))
			rc = slot_adopt(s, slot - 1, t->v[i].lookups);
		else
			s->slot[slot - 1].nodes++;
	}
	for (size_t i = 0; i < s->nslots && rc == 0; i++) {
		if (s->slot[i].nodes > 0)
			continue;
		slot_close(&s->slot[i]); /* killed before the kernel knew it */
		node_set(&s->nodes, slot_mark(i), 0);
	}
	return (rc);
}

void
snapdir_release(struct fuse_session *s, const char *snapshot)
{
	for (size_t i = 0; i < s->nslots; i++) {
		struct snap_slot *sl = &s->slot[i];

		if (sl->name == NULL || (snapshot != NULL && strcmp(sl->name, snapshot) != 0))
			continue;
		slot_close(sl);
		node_set(&s->nodes, slot_mark(i), 0);
	}
	if (snapshot == NULL) {
		free(s->slot);
		s->slot = NULL;
		s->nslots = 0;
	}
}

/* --- attributes, lookup ----------------------------------------------------------------------- */

int
snapdir_getattr(struct fuse_session *s, uint64_t node, struct fuse_attr *attr)
{
	struct zpl_attr root;
	int rc = zpl_getattr(s->z, zpl_root(s->z), &root);

	if (rc != 0)
		return (rc);
	fuse_fill_attr(s, node, &root, attr);
	attr->mode = S_IFDIR | 0555;
	attr->uid = attr->gid = NOBODY_AT_ALL;
	attr->nlink = 2;
	attr->size = 2;
	attr->blocks = 0;
	/* Always new: snapshots come and go behind the kernel's back, it may not keep a listing. */
	attr->mtime = attr->ctime = spa_now(s->server->spa, &attr->mtimensec);
	attr->ctimensec = attr->mtimensec;
	return (0);
}

static int
lookup_snapshot(struct fuse_session *s, const char *name, uint64_t *id, struct fuse_attr *attr)
{
	char snapshot[DSL_NAME_MAX];
	struct zpl_attr a;
	struct snap_slot *sl;
	size_t i;
	int rc;

	if ((rc = full_name(s, name, snapshot)) != 0 || (rc = slot_find(s, snapshot, &i)) != 0)
		return (rc);
	sl = &s->slot[i];
	if ((rc = zpl_getattr(sl->z, zpl_root(sl->z), &a)) != 0)
		return (rc);
	*id = (uint64_t)(i + 1) << NODE_SLOT_SHIFT | zpl_root(sl->z);
	fuse_fill_attr(s, *id, &a, attr);
	return (0);
}

int
snapdir_lookup(struct fuse_call *c, uint64_t node, const char *name, uint64_t *id,
    struct fuse_attr *attr)
{
	struct fuse_session *s = c->s;

	if (node == NODE_SNAPSHOTS && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return (lookup_snapshot(s, name, id, attr));
	if (node == FUSE_ROOT_ID || (node == NODE_SNAPSHOTS && strcmp(name, "..") == 0))
		*id = NODE_ZFS;
	else if (strcmp(name, ".") == 0)
		*id = node;
	else if (node == NODE_ZFS && strcmp(name, "snapshot") == 0)
		*id = NODE_SNAPSHOTS;
	else
		return (-ENOENT);
	return (snapdir_getattr(s, *id, attr));
}

/* --- listing ---------------------------------------------------------------------------------- */

struct snap_listing {
	struct dir_out *out;
	uint64_t after; /* creation txg */
	bool full;
};

static int
list_snapshot(struct dsl_dataset *ds, void *arg)
{
	struct snap_listing *l = arg;
	char name[DSL_NAME_MAX];
	const char *at;
	uint64_t txg;

	dsl_name(ds, name);
	if ((at = strchr(name, '@')) == NULL || dsl_prop_u64(ds, "createtxg", &txg) != 0 ||
	    txg <= l->after)
		return (0);
	l->full = !dir_out_add(l->out, at + 1, NODE_SNAPSHOTS + txg, S_IFDIR >> 12,
	    txg + COOKIE_FIRST, NULL);
	return (l->full ? 1 : 0);
}

static int
list_snapshots(struct fuse_session *s, uint64_t after, struct dir_out *d)
{
	struct snap_listing l = {.out = d, .after = after};
	char fs[DSL_NAME_MAX];
	int rc;

	dsl_name(s->ds, fs);
	rc = dsl_walk(s->server->spa, fs, 0, DSL_SNAPSHOT, list_snapshot, &l, NULL);
	return (l.full ? 0 : rc);
}

int
snapdir_readdir(struct fuse_session *s, uint64_t node, uint64_t cookie, struct dir_out *d)
{
	uint64_t parent = node == NODE_ZFS ? zpl_root(s->z) : NODE_ZFS;

	if (cookie == 0 && !dir_out_add(d, ".", node, S_IFDIR >> 12, 1, NULL))
		return (0);
	if (cookie <= 1 && !dir_out_add(d, "..", parent, S_IFDIR >> 12, COOKIE_FIRST, NULL))
		return (0);
	if (cookie < COOKIE_FIRST)
		cookie = COOKIE_FIRST;
	if (node == NODE_SNAPSHOTS)
		return (list_snapshots(s, cookie - COOKIE_FIRST, d));
	if (cookie == COOKIE_FIRST)
		(void)dir_out_add(d, "snapshot", NODE_SNAPSHOTS, S_IFDIR >> 12, COOKIE_FIRST + 1, NULL);
	return (0);
}

/* --- taking and destroying -------------------------------------------------------------------- */

static int
snapdir_may_change(const struct fuse_call *c)
{
	if (c->req.in->uid != 0 && c->req.in->uid != UINT32_MAX)
		return (-EPERM);
	return (spa_is_readonly(c->s->server->spa) ? -EROFS : 0);
}

int
snapdir_mkdir(struct fuse_call *c, const char *name)
{
	char snapshot[DSL_NAME_MAX];
	const char *names[] = {snapshot};
	int rc;

	if ((rc = snapdir_may_change(c)) != 0 || (rc = full_name(c->s, name, snapshot)) != 0)
		return (rc);
	return (dsl_snapshot(c->s->server->spa, names, 1, NULL, NULL));
}

int
snapdir_rmdir(struct fuse_call *c, const char *name)
{
	char snapshot[DSL_NAME_MAX];
	int rc;

	if ((rc = snapdir_may_change(c)) != 0 || (rc = full_name(c->s, name, snapshot)) != 0)
		return (rc);
	snapdir_release(c->s, snapshot);
	return (dsl_destroy(c->s->server->spa, snapshot, NULL));
}
