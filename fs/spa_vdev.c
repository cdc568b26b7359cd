/* SPDX-License-Identifier: MIT */
/*
 * Devices come and go while the pool is used.
 *
 * Theory
 * ------
 * A change of the tree is a change of memory followed by one sync: the config object and the labels of
 * that txg have the new tree, and the uberblock's sum of guids says which of the two a pool is. A cut
 * before the uberblock leaves the old tree; a device that was to be new carries a label that no
 * config knows. A device that leaves is wiped only when the tree without it is durable.
 *
 *	attach NEW to a leaf	the leaf becomes a mirror of itself and NEW
 *	attach NEW to a mirror	one more side
 *	replace OLD by NEW	OLD becomes a "replacing" of OLD and NEW, which is a mirror for every
 *				purpose; when NEW has everything, OLD is detached
 *	...by a hot spare	the same, called "spare", and it stays until OLD is well again or gone
 *
 * A new side starts with the log of what it missed (fs/dtl.h) saying "everything up to a few txgs from
 * now", takes part in all writes at once, and is given the rest by a resilver (fs/scrub.c).
 *
 * Who may leave: a device is needed when some txg would have no good copy without it
 * (dtl_is_required); that is asked of offline, detach, and of faults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "dtl.h"
#include "events.h"
#include "removal.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define TXGS_AHEAD 3 /* blocks of the open txgs may have been placed before the new side was there */

int
spa_vdev_writable(const struct spa *spa, struct err *e)
{
	if (spa->readonly)
		return (err_set(e, EROFS, "pool is read-only"));
	return (spa->suspended ? err_set(e, EIO, "pool I/O is currently suspended") : 0);
}

static int
find_leaf(struct spa *spa, const char *name, struct vdev **out, struct err *e)
{
	struct vdev *v = vdev_find(spa->root, name);

	if (v == NULL)
		return (err_set(e, ENODEV, "no such device in pool"));
	if (!vdev_is_leaf(v))
		return (err_set(e, ENOTSUP, "operation not supported on this type of vdev"));
	*out = v;
	return (0);
}

int
spa_vdev_commit(struct spa *spa, struct err *e)
{
	spa_config_dirty(spa);
	return (spa_sync(spa, e));
}

/* --- offline and back ------------------------------------------------------------------------- */

int
spa_vdev_offline(struct spa *spa, const char *name, bool temporary, bool fault, struct err *e)
{
	struct vdev *v;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = find_leaf(spa, name, &v, e)) != 0)
		return (rc);
	if (vdev_leaf_ready(v) && !v->top->is_log && dtl_is_required(v))
		return (err_set(e, EBUSY, "no valid replicas"));
	/* What is dirty goes to it once more, so that it is whole up to this txg. */
	if (vdev_leaf_ready(v) && (rc = spa_sync(spa, e)) != 0)
		return (rc);
	spa_io_drain(spa);
	v->offline = !fault;
	v->offline_tmp = temporary && !fault;
	v->faulted = fault && !temporary;
	vdev_leaf_close(v, fault ? VS_FAULTED : VS_OFFLINE, fault ? "external device fault" : NULL);
	return (spa_vdev_commit(spa, e));
}

/* The space that its device has, when all its siblings have it too. */
static int
expand(struct spa *spa, struct vdev *top, struct err *e)
{
	uint64_t asize = vdev_asize_now(top);

	if (top->mg == NULL || asize <= top->asize)
		return (0);
	top->asize = asize;
	events_post_vdev(top, "sysevent.fs.zfs.vdev_autoexpand", NULL);
	return (metaslab_group_grow(spa, top, e));
}

int
spa_vdev_expand(struct spa *spa, struct vdev *top, struct err *e)
{
	return (expand(spa, top, e));
}

/* A leaf knows the size that its device had when it was opened. */
void
spa_vdev_measure(struct vdev *leaf)
{
	struct bdev *bd;

	if (!vdev_leaf_ready(leaf) || leaf->path == NULL ||
	    bdev_open(leaf->path, BDEV_READONLY, &bd, NULL) != 0)
		return;
	if (label_psize(bd->size) > leaf->psize) {
		leaf->psize = label_psize(bd->size);
		leaf->bd->size = bd->size;
	}
	bdev_close(bd);
}

static void
bring_back(struct spa *spa, struct vdev *v)
{
	if (vdev_leaf_ready(v))
		return;
	spa_io_drain(spa);
	vdev_set_bdev(v, NULL);
	vdev_leaf_open(v, spa->readonly);
	vdev_propagate(v);
}

int
spa_vdev_online(struct spa *spa, const char *name, bool want_expand, struct err *e)
{
	struct vdev *v;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = find_leaf(spa, name, &v, e)) != 0)
		return (rc);
	v->offline = v->offline_tmp = v->faulted = false;
	v->nerrors = 0;
	bring_back(spa, v);
	events_post_vdev(v, "sysevent.fs.zfs.vdev_online", NULL);
	if (want_expand && vdev_leaf_ready(v)) {
		spa_vdev_measure(v);
		if ((rc = expand(spa, v->top, e)) != 0)
			return (rc);
	}
	return (spa_vdev_commit(spa, e));
}

/* --- attach and replace ----------------------------------------------------------------------- */

static const char *
leaf_name(const struct vdev *v)
{
	return (v->path != NULL ? v->path : v->bd != NULL ? v->bd->name : "device");
}

/* Smallest device that can stand for this leaf. */
static uint64_t
least_asize(const struct vdev *old)
{
	const struct vdev *top = old->top;

	if (top->kind == VDEV_RAIDZ)
		return ((top->asize + top->nchild - 1) / top->nchild);
	return (top->asize);
}

/* A label of a living pool there means that somebody uses it. */
static int
check_unused(const struct spa *spa, struct vdev *leaf, bool force, struct err *e)
{
	struct nvlist *nv;
	uint64_t state;
	int rc = 0;

	if (label_read(leaf->bd, &nv, NULL) != 0)
		return (0);
	state = nv_u64_or(nv, "state", POOL_ACTIVE);
	if (nv_u64_or(nv, "pool_guid", 0) == spa->guid && state == POOL_ACTIVE && !force)
		rc = err_set(e, EBUSY, "%s is part of active pool '%s'", leaf_name(leaf), spa->name);
	else if (!force && state != POOL_DESTROYED)
		rc = err_set(e, EBUSY, "%s is part of %s pool '%s'; use -f to take it",
		    leaf_name(leaf), state == POOL_EXPORTED ? "exported" : "potentially active",
		    nv_str_or(nv, "name", "?"));
	nv_free(nv);
	return (rc);
}

static int
check_fits(const struct vdev *leaf, const struct vdev *old, struct err *e)
{
	if (vdev_asize_now(leaf) < least_asize(old))
		return (err_set(e, EOVERFLOW, "device is too small"));
	if (leaf->bd->logical_block > 1u << old->top->ashift)
		return (err_set(e, EDOM, "new device has a different optimal sector size; use the "
		    "option '-o ashift=N' to override the optimal size"));
	return (0);
}

uint64_t
spa_vdev_new_guid(struct spa *spa)
{
	uint64_t guid = 0;

	while (guid == 0)
		spa_random(spa, &guid, sizeof(guid));
	return (guid);
}

/* The new device, open and checked, not yet anybody's child. */
static int
make_leaf(struct spa *spa, const struct spa_attach *a, struct vdev *old, struct vdev **out,
    struct err *e)
{
	struct vdev *v;
	int rc;

	if ((rc = vdev_from_config(a->leaf, &v, e)) != 0)
		return (rc);
	v->guid = spa_vdev_new_guid(spa);
	v->create_txg = spa->txg;
	v->new_leaf = true;
	if (a->bd != NULL)
		vdev_set_bdev(v, a->bd);
	vdev_leaf_open(v, false);
	if (!vdev_leaf_ready(v))
		rc = err_set(e, ENXIO, "cannot open '%s': %s", leaf_name(v),
		    v->why != NULL ? v->why : vdev_state_name(v->state));
	else if ((rc = check_unused(spa, v, a->force, e)) == 0 && (rc = check_fits(v, old, e)) == 0)
		rc = err_rc(e, label_clear(v->bd), "%s: clearing old labels", leaf_name(v));
	if (rc != 0) {
		vdev_free(v);
		return (rc);
	}
	*out = v;
	return (0);
}

/* What the old leaf must be below for the new one to be its sibling; -1: not possible. */
static int
parent_kind(const struct spa_attach *a, const struct vdev *old, bool by_spare)
{
	const struct vdev *p = old->parent;

	if (!a->replace)
		return (p->kind == VDEV_ROOT || p->kind == VDEV_MIRROR ? (int)VDEV_MIRROR : -1);
	if (by_spare)
		return (old->is_spare ? -1 : (int)VDEV_SPARE);
	return (p->kind == VDEV_REPLACING ? -1 : (int)VDEV_REPLACING);
}

int
spa_vdev_join(struct spa *spa, struct vdev *old, struct vdev *leaf, enum vdev_kind kind)
{
	struct vdev *p = old->parent;
	int rc;

	spa_io_drain(spa);
	if (p->kind != kind || kind == VDEV_REPLACING) {
		if ((rc = vdev_insert_parent(old, kind, spa_vdev_new_guid(spa), &p)) != 0)
			return (rc);
	}
	if ((rc = vdev_add_child(p, leaf)) != 0) {
		if (p->nchild == 1)
			vdev_collapse(p);
		return (rc);
	}
	/* All blocks there are, and those that the open txgs may have placed without it. */
	if ((rc = dtl_add(leaf, TXG_INITIAL, spa->txg + TXGS_AHEAD - TXG_INITIAL)) != 0)
		return (rc);
	vdev_propagate(leaf);
	return (vdev_zaps_make(spa));
}

/* A device swapped for another in the same place: two leaves must not have one path. */
static int
rename_old(struct vdev *old, const struct vdev *leaf)
{
	char *path;

	if (old->path == NULL || leaf->path == NULL || strcmp(old->path, leaf->path) != 0)
		return (0);
	if (asprintf(&path, "%s/old", old->path) < 0)
		return (-ENOMEM);
	free(old->path);
	old->path = path;
	return (0);
}

static int
check_attach(struct spa *spa, const struct spa_attach *a, const struct vdev *old, bool by_spare,
    struct err *e)
{
	if (parent_kind(a, old, by_spare) < 0)
		return (a->replace ? err_set(e, ENOTSUP, "already in replacing/spare config; wait for "
		    "completion or use 'zpool detach'") :
		    err_set(e, ENOTSUP, "can only attach to mirrors and top-level disks"));
	if (!a->replace && old->top->is_log == false && vdev_leaf_ready(old) == false)
		return (err_set(e, ENXIO, "%s is not available", leaf_name(old)));
	(void)spa;
	return (0);
}

/* In place: the device under the old path is another one now. */
static int
same_place(struct spa *spa, struct vdev *old, struct nvlist **out, struct err *e)
{
	struct nvlist *nv = nv_new();

	if (old->path == NULL || nv == NULL ||
	    nv_add_str(nv, "type", vdev_kind_name(old->kind)) != 0 ||
	    nv_add_str(nv, "path", old->path) != 0) {
		nv_free(nv);
		return (err_set(e, EINVAL, "the old device has no path"));
	}
	/* What we hold open there may be the device that was pulled. */
	spa_io_drain(spa);
	if (vdev_leaf_ready(old))
		vdev_leaf_close(old, VS_CANT_OPEN, "replaced by another device in the same place");
	*out = nv;
	return (0);
}

int
spa_vdev_attach(struct spa *spa, const struct spa_attach *a, struct err *e)
{
	struct spa_attach at = *a;
	struct nvlist *own = NULL;
	struct vdev *old, *leaf = NULL;
	bool by_spare = a->leaf != NULL && spa_spare_of(spa, nv_str_or(a->leaf, "path", "")) != NULL;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = checkpoint_forbids(spa, e)) != 0 ||
	    (rc = removal_forbids(spa, e)) != 0 || (rc = find_leaf(spa, a->old, &old, e)) != 0 || (rc = check_attach(spa, a, old, by_spare, e)) != 0)
		return (rc);
	if (by_spare)
		return (spa_spare_use(spa, old, nv_str_or(a->leaf, "path", ""), e));
	if (a->leaf == NULL && (rc = same_place(spa, old, &own, e)) == 0)
		at.leaf = own;
	if (rc == 0)
		rc = make_leaf(spa, &at, old, &leaf, e);
	nv_free(own);
	if (rc != 0) {
		if (a->leaf == NULL)
			bring_back(spa, old);
		return (rc);
	}
	if (rename_old(old, leaf) != 0 ||
	    spa_vdev_join(spa, old, leaf, (enum vdev_kind)parent_kind(a, old, false)) != 0) {
		if (leaf->parent == NULL)
			vdev_free(leaf);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	events_post_vdev(leaf, "sysevent.fs.zfs.vdev_attach", NULL);
	leaf->new_leaf = false; /* before the sync, which may give up the lock */
	return (spa_vdev_commit(spa, e));
}

/* --- detach ----------------------------------------------------------------------------------- */

/* What of a leaf is in the meta objset. */
static int
destroy_objects(struct spa *spa, struct vdev *leaf)
{
	int rc = dtl_destroy(spa, leaf);

	return (rc != 0 ? rc : vdev_zaps_destroy(spa, leaf));
}

/* The tree without it is durable; now it may be anybody's. */
static void
let_go(struct spa *spa, struct vdev *leaf)
{
	if (leaf->bd != NULL && leaf->is_spare)
		(void)spa_spare_label(spa, leaf);
	else if (leaf->bd != NULL)
		(void)label_clear(leaf->bd);
	vdev_free(leaf);
}

int
spa_vdev_drop(struct spa *spa, struct vdev *leaf, struct err *e)
{
	struct vdev *p = leaf->parent;
	int rc;

	spa_io_drain(spa);
	events_post_vdev(leaf, "sysevent.fs.zfs.vdev_remove", NULL);
	if ((rc = destroy_objects(spa, leaf)) != 0)
		return (err_rc(e, rc, "freeing what the pool knows of a device"));
	vdev_take_out(leaf);
	if (p->nchild == 1) {
		struct vdev *only = p->child[0];

		/* The original is gone for good: what stood in for it is no spare any more. */
		if (p->kind == VDEV_SPARE && only->is_spare && !leaf->is_spare)
			spa_spare_promote(spa, only);
		vdev_collapse(p);
		vdev_propagate(only);
	}
	if ((rc = spa_vdev_commit(spa, e)) == 0)
		let_go(spa, leaf);
	else
		vdev_free(leaf);
	return (rc);
}

int
spa_vdev_detach(struct spa *spa, const char *name, struct err *e)
{
	enum vdev_kind kind;
	struct vdev *v;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = checkpoint_forbids(spa, e)) != 0 ||
	    (rc = find_leaf(spa, name, &v, e)) != 0)
		return (rc);
	kind = v->parent->kind;
	if (kind != VDEV_MIRROR && kind != VDEV_REPLACING && kind != VDEV_SPARE)
		return (err_set(e, ENOTSUP, "only applicable to mirror and replacing vdevs"));
	if (v->top == removal_top(spa))
		return (removal_forbids(spa, e));
	if (dtl_is_required(v))
		return (err_set(e, EBUSY, "no valid replicas"));
	return (spa_vdev_drop(spa, v, e));
}

/* --- errors ----------------------------------------------------------------------------------- */

static int
leaf_clear(struct vdev *leaf, void *arg)
{
	struct spa *spa = arg;

	if (leaf->offline)
		return (0);
	leaf->faulted = false;
	if (spa_is_suspended(spa) && leaf->path != NULL && leaf->err_read + leaf->err_write != 0)
		vdev_leaf_close(leaf, VS_CLOSED, NULL); /* what we hold open may be a ghost */
	if (vdev_leaf_ready(leaf))
		vdev_leaf_healthy(leaf);
	else
		bring_back(spa, leaf);
	return (0);
}

int
spa_vdev_clear(struct spa *spa, const char *name, struct err *e)
{
	struct vdev *v = name != NULL ? vdev_find(spa->root, name) : spa->root;

	if (v == NULL)
		return (err_set(e, ENODEV, "no such device in pool"));
	spa_io_drain(spa);
	(void)vdev_walk_leaves(v, leaf_clear, spa);
	vdev_clear_counts(v);
	events_post_vdev(v, "sysevent.fs.zfs.vdev_clear", NULL);
	if (spa_is_suspended(spa)) {
		bool in_sync = spa->suspended;
		int rc = spa_resume(spa, e);

		if (rc != 0 || in_sync)
			return (rc);
	}
	return (spa->readonly ? 0 : spa_vdev_commit(spa, e));
}

struct reopening {
	struct spa *spa;
	unsigned back;
};

static int
leaf_reopen(struct vdev *leaf, void *arg)
{
	struct reopening *r = arg;

	if (vdev_leaf_ready(leaf) || leaf->offline || leaf->faulted)
		return (0);
	bring_back(r->spa, leaf);
	r->back += vdev_leaf_ready(leaf);
	return (0);
}

unsigned
spa_vdev_reopen(struct spa *spa)
{
	struct reopening r = {spa, 0};

	(void)vdev_walk_leaves(spa->root, leaf_reopen, &r);
	if (r.back != 0)
		spa_config_dirty(spa); /* its labels are old */
	return (r.back);
}

void
spa_vdev_fault(struct spa *spa, struct vdev *leaf, const char *why)
{
	if (!vdev_leaf_ready(leaf))
		return;
	if (dtl_is_required(leaf)) {
		vdev_leaf_degrade(leaf, why);
		return;
	}
	leaf->faulted = true;
	spa_io_drain(spa);
	vdev_leaf_close(leaf, VS_FAULTED, why);
	spa_config_dirty(spa);
}

/* --- after a resilver ------------------------------------------------------------------------- */

static bool
is_whole(const struct vdev *v)
{
	if (vdev_is_leaf(v))
		return (vdev_leaf_ready(v) && v->state == VS_HEALTHY && dtl_is_empty(v));
	for (size_t i = 0; i < v->nchild; i++) {
		if (!is_whole(v->child[i]))
			return (false);
	}
	return (v->nchild > 0);
}

/* The leaf below v that has done its duty, NULL when there is none. */
static struct vdev *
superfluous(struct vdev *v)
{
	struct vdev *found = NULL, *first = v->nchild > 0 ? v->child[0] : NULL;
	struct vdev *last = v->nchild > 0 ? v->child[v->nchild - 1] : NULL;

	for (size_t i = 0; i < v->nchild && found == NULL; i++)
		found = superfluous(v->child[i]);
	if (found != NULL || v->nchild < 2)
		return (found);
	if (v->kind == VDEV_REPLACING && is_whole(last) && vdev_is_leaf(first) &&
	    !dtl_is_required(first))
		return (first);
	if (v->kind == VDEV_SPARE && is_whole(first) && vdev_is_leaf(last) && !dtl_is_required(last))
		return (last);
	return (NULL);
}

int
spa_vdev_settle(struct spa *spa, struct err *e)
{
	struct vdev *leaf;
	int rc = 0;

	while (rc == 0 && !spa->readonly && !spa->suspended && spa->checkpoint_txg == 0 &&
	    (leaf = superfluous(spa->root)) != NULL)
		rc = spa_vdev_drop(spa, leaf, e);
	return (rc);
}
