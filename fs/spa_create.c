/* SPDX-License-Identifier: MIT */
/*
 * spa_create: a pool from nothing.
 *
 * The devices are opened and looked at first; nothing is written before all of them are found to
 * be usable.  Then all four labels of each are cleared (an old pool's uberblocks could otherwise win),
 * the meta objset is made in memory and the first sync (txg 4, as OpenZFS starts) writes
 * everything.  A crash before its uberblock leaves devices that belong to no pool.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddt.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/spa_vdev.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "vdev_impl.h"

#define BPLIST_BLOCK 16384
#define BPLIST_BONUS 48
#define ASHIFT_MIN 9
#define ASHIFT_MAX 16
#define ASHIFT_AUTO_MAX 14 /* some devices claim absurd physical blocks */

static uint64_t
new_guid(struct spa *spa)
{
	uint64_t guid = 0;

	while (guid == 0)
		spa_random(spa, &guid, sizeof(guid));
	return (guid);
}

static void
give_guids(struct spa *spa, struct vdev *v)
{
	size_t i;

	v->guid = new_guid(spa);
	v->create_txg = v->kind == VDEV_ROOT ? 0 : TXG_INITIAL;
	v->new_leaf = vdev_is_leaf(v);
	for (i = 0; i < v->nchild; i++)
		give_guids(spa, v->child[i]);
}

struct leaf_visit {
	struct spa *spa;
	const struct spa_create_opts *o;
	size_t n;
	unsigned ashift;
	struct err *e;
};

static int
leaf_take_bdev(struct vdev *leaf, void *arg)
{
	struct leaf_visit *lv = arg;

	vdev_set_bdev(leaf, lv->o->bdevs[lv->n++]);
	return (0);
}

/* A device that carries a label of a living pool is somebody's. */
static int
leaf_check_unused(struct vdev *leaf, void *arg)
{
	struct leaf_visit *lv = arg;
	struct nvlist *nv;
	uint64_t state;
	int rc = 0;

	if (leaf->state < VS_DEGRADED)
		return (err_set(lv->e, ENXIO, "%s: %s", leaf->path != NULL ? leaf->path : "device",
		    leaf->why != NULL ? leaf->why : vdev_state_name(leaf->state)));
	if (lv->o->force || label_read(leaf->bd, &nv, NULL) != 0)
		return (0);
	state = nv_u64_or(nv, "state", POOL_ACTIVE);
	if (state != POOL_DESTROYED)
		rc = err_set(lv->e, EBUSY, "%s is part of %s pool '%s'; use -f to take it",
		    leaf->path != NULL ? leaf->path : leaf->bd->name,
		    state == POOL_EXPORTED ? "exported" : "potentially active",
		    nv_str_or(nv, "name", "?"));
	nv_free(nv);
	return (rc);
}

static unsigned
log2_floor(uint32_t n)
{
	return (n == 0 ? 0 : 31 - (unsigned)__builtin_clz(n));
}

static int
leaf_max_ashift(struct vdev *leaf, void *arg)
{
	struct leaf_visit *lv = arg;
	unsigned logical = log2_floor(leaf->bd->logical_block);
	unsigned physical = log2_floor(leaf->bd->physical_block);

	if (physical > ASHIFT_AUTO_MAX)
		physical = ASHIFT_AUTO_MAX;
	if (physical < logical)
		physical = logical;
	if (lv->o->ashift != 0 && lv->o->ashift < logical)
		return (err_set(lv->e, EINVAL, "%s: ashift %u is smaller than its %u-byte sectors",
		    leaf->path != NULL ? leaf->path : leaf->bd->name, lv->o->ashift,
		    leaf->bd->logical_block));
	if (physical > lv->ashift)
		lv->ashift = physical;
	return (0);
}

static int
leaf_clear(struct vdev *leaf, void *arg)
{
	struct leaf_visit *lv = arg;
	int rc = label_clear(leaf->bd);

	return (rc == 0 ? 0 : err_rc(lv->e, rc, "%s: clearing old labels",
	    leaf->path != NULL ? leaf->path : leaf->bd->name));
}

/* Sector size and space of one top-level from its leaves. */
static int
top_measure(struct spa *spa, const struct spa_create_opts *o, struct vdev *top, struct err *e)
{
	struct leaf_visit lv = {spa, o, 0, ASHIFT_MIN, e};
	int rc = vdev_walk_leaves(top, leaf_max_ashift, &lv);

	if (rc != 0)
		return (rc);
	top->ashift = o->ashift != 0 ? o->ashift : lv.ashift;
	top->asize = vdev_asize_now(top);
	if (spa->min_ashift == 0 || top->ashift < spa->min_ashift)
		spa->min_ashift = top->ashift;
	return (0);
}

static int
open_devices(struct spa *spa, const struct spa_create_opts *o, struct err *e)
{
	struct leaf_visit lv = {spa, o, 0, 0, e};
	size_t i;
	int rc;

	if ((rc = vdev_from_config(o->vdev_tree, &spa->root, e)) != 0)
		return (rc);
	if (spa->root->kind != VDEV_ROOT || spa->root->nchild == 0)
		return (err_set(e, EINVAL, "a pool needs at least one device"));
	give_guids(spa, spa->root);
	spa->guid = spa->root->guid;
	if (o->bdevs != NULL)
		(void)vdev_walk_leaves(spa->root, leaf_take_bdev, &lv);
	if ((rc = vdev_open(spa->root, false, e)) != 0 ||
	    (rc = vdev_walk_leaves(spa->root, leaf_check_unused, &lv)) != 0)
		return (rc);
	spa->min_ashift = 0;
	for (i = 0; i < spa->root->nchild && rc == 0; i++)
		rc = top_measure(spa, o, spa->root->child[i], e);
	return (rc);
}

static int
create_space(struct spa *spa, struct err *e)
{
	struct leaf_visit lv = {.spa = spa, .e = e};
	size_t i;
	int rc = vdev_walk_leaves(spa->root, leaf_clear, &lv);

	for (i = 0; i < spa->root->nchild && rc == 0; i++)
		rc = metaslab_group_create(spa, spa->root->child[i], e);
	return (rc);
}

/* Where OpenZFS puts blocks to free in the next txg; empty here for ever. */
static int
create_sync_bplist(struct spa *spa)
{
	uint64_t obj;
	int rc = dmu_object_alloc(spa->mos, OT_BPOBJ, BPLIST_BLOCK, OT_BPOBJ_HDR, BPLIST_BONUS, &obj);

	if (rc != 0 || (rc = dmu_object_set_compress(spa->mos, obj, COMP_OFF)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "sync_bplist", 8, 1, &obj)) != 0)
		return (rc);
	spa->obj.sync_bplist = obj;
	return (0);
}

static int
create_directory(struct spa *spa, bool no_features)
{
	uint64_t version = SPA_VERSION, one = 1;
	int rc;

	if ((rc = objset_create(spa, OBJSET_META, NULL, NULL, &spa->mos)) != 0 ||
	    (rc = zap_create_claim(spa->mos, MOS_DIRECTORY, OT_OBJECT_DIRECTORY, OT_NONE, 0)) != 0 ||
	    (rc = spa_features_create(spa, no_features)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "creation_version", 8, 1, &version)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "deflate", 8, 1, &one)) != 0)
		return (rc);
	spa->deflate = true;
	if ((rc = ddt_open(spa)) != 0)
		return (rc);
	rc = create_sync_bplist(spa);
	return (rc != 0 ? rc : spa_history_create(spa));
}

static int
set_prop(struct spa *spa, const struct nvlist *props, const char *name, struct err *e)
{
	const char *value;
	char number[24];
	uint64_t n;

	if (nv_get_str(props, name, &value) != 0) {
		if (nv_get_u64(props, name, &n) != 0)
			return (err_set(e, EINVAL, "pool property '%s' has no value", name));
		(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
		value = number;
	}
	return (spa_prop_set(spa, name, value, e));
}

static int
set_props(struct spa *spa, const struct nvlist *props, struct err *e)
{
	struct nvpair *p = NULL;
	int rc = 0;

	while (props != NULL && rc == 0 && (p = nv_next(props, p)) != NULL)
		rc = set_prop(spa, props, nvpair_name(p), e);
	return (rc);
}

int
spa_create_base(struct spa *spa, const struct spa_create_opts *o, struct err *e)
{
	int rc;

	if ((rc = open_devices(spa, o, e)) != 0 || (rc = create_space(spa, e)) != 0)
		return (rc);
	spa->txg = TXG_INITIAL;
	spa_config_dirty(spa);
	return (err_rc(e, create_directory(spa, o->no_features), "making the meta objset"));
}

static int
create(struct spa *spa, const struct spa_create_opts *o, struct err *e)
{
	int rc;

	if ((rc = spa_create_base(spa, o, e)) != 0 || (rc = dsl_pool_create(spa, o->fsprops, e)) != 0 ||
	    (rc = set_props(spa, o->props, e)) != 0)
		return (rc);
	return (spa_sync(spa, e));
}

/* --- classes, spares, cache: added once there is a pool ---------------------------------------- */

static bool
is_plain(const struct nvlist *top)
{
	return (!nv_has(top, "is_log") && !nv_has(top, "alloc_bias"));
}

/* The tree's top-levels that hold ordinary data, or all the others; with the lists beside them. */
static int
pick_tops(const struct nvlist *tree, bool plain, struct nvlist **out)
{
	struct nvlist *nv = nv_dup(tree), **child, **picked;
	size_t n = 0, k = 0;
	int rc = nv == NULL ? -ENOMEM : 0;

	if (rc == 0 && nv_get_nvlist_array(tree, "children", &child, &n) != 0)
		n = 0;
	if (rc != 0 || (picked = calloc(n + 1, sizeof(struct nvlist *))) == NULL) {
		nv_free(nv);
		return (-ENOMEM);
	}
	for (size_t i = 0; i < n; i++) {
		if (is_plain(child[i]) == plain)
			picked[k++] = child[i];
	}
	if ((rc = nv_add_nvlist_array(nv, "children", picked, k)) != 0)
		nv_free(nv);
	else
		*out = nv;
	free(picked);
	return (rc);
}

static int
add_the_rest(struct spa *spa, const struct spa_create_opts *o, struct err *e)
{
	struct spa_add a = {.ashift = o->ashift, .force = o->force};
	struct nvlist *tree, **child;
	size_t n = 0;
	int rc = 0;

	if (pick_tops(o->vdev_tree, false, &tree) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)nv_get_nvlist_array(tree, "children", &child, &n);
	a.tree = tree;
	if (o->bdevs != NULL)
		a.bdevs = o->bdevs + vdev_leaf_count(spa->root);
	if (n != 0 || nv_has(tree, "spares") || nv_has(tree, "l2cache"))
		rc = spa_vdev_add(spa, &a, e);
	nv_free(tree);
	return (rc);
}

static int
leaf_is_old(struct vdev *leaf, void *arg)
{
	(void)arg;
	leaf->new_leaf = false;
	return (0);
}

static int
create_plain(struct spa *spa, const struct spa_create_opts *o, struct err *e)
{
	struct spa_create_opts plain = *o;
	struct nvlist *tree;
	int rc;

	if (pick_tops(o->vdev_tree, true, &tree) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	plain.vdev_tree = tree;
	rc = create(spa, &plain, e);
	nv_free(tree);
	return (rc);
}

int
spa_create(const struct spa_create_opts *o, struct spa **out, struct err *e)
{
	struct spa *spa;
	int rc;

	if (o->ashift != 0 && (o->ashift < ASHIFT_MIN || o->ashift > ASHIFT_MAX))
		return (err_set(e, EINVAL, "ashift %u is not in %d..%d", o->ashift, ASHIFT_MIN,
		    ASHIFT_MAX));
	if (spa_new(o->name, o->os, &spa) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	spa_enter(spa);
	rc = create_plain(spa, o, e);
	if (rc == 0)
		(void)vdev_walk_leaves(spa->root, leaf_is_old, NULL);
	/* A pool that did not get all of its devices is none. */
	if (rc == 0 && (rc = add_the_rest(spa, o, e)) != 0)
		(void)vdev_walk_leaves(spa->root, leaf_clear, &(struct leaf_visit){.spa = spa});
	spa_exit(spa);
	if (rc != 0) {
		spa_free(spa);
		return (rc);
	}
	*out = spa;
	return (0);
}
