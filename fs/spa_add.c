/* SPDX-License-Identifier: MIT */
/*
 * Top-levels are added and removed; the pool's guid changes.
 *
 * Theory
 * ------
 * A new top-level is opened, checked and wiped before the pool hears of it, then takes the first hole
 * below the root or a new place at the end, with all its space free. One txg makes it part of the pool.
 *
 * A log device is removed by leaving a hole: blocks name top-levels by position, so that positions are
 * never moved. It must hold nothing: its space is free once the intent logs were written out.
 * Special and dedup devices have their class in their ZAP (fs/vdev_zap.c) and count in the feature
 * allocation_classes. Other top-levels leave when their blocks were moved (fs/removal.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "dmu_impl.h"
#include "dtl.h"
#include "metaslab_impl.h"
#include "removal.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/metaslab.h"
#include "spa_vdev_impl.h"

#define CLASSES "org.zfsonlinux:allocation_classes"
#define ASHIFT_MIN 9
#define ASHIFT_AUTO_MAX 14

/* --- what is to be added ---------------------------------------------------------------------- */

struct adding {
	struct spa *spa;
	const struct spa_add *o;
	struct err *e;
	unsigned ashift;
	size_t nbdev;
};

static void
prepare(struct spa *spa, struct vdev *v)
{
	v->guid = spa_vdev_new_guid(spa);
	v->create_txg = spa->txg;
	v->new_leaf = vdev_is_leaf(v);
	for (size_t i = 0; i < v->nchild; i++)
		prepare(spa, v->child[i]);
}

static const char *
leaf_name(const struct vdev *leaf)
{
	return (leaf->path != NULL ? leaf->path : "device");
}

static int
is_in_use(const struct adding *x, const struct vdev *leaf)
{
	struct nvlist *nv;
	uint64_t state;
	int rc = 0;

	if (vdev_find(x->spa->root, leaf_name(leaf)) != NULL ||
	    spa_aux_find(x->spa, AUX_SPARE, leaf_name(leaf)) != NULL ||
	    spa_aux_find(x->spa, AUX_CACHE, leaf_name(leaf)) != NULL)
		return (err_set(x->e, EBUSY, "%s is part of active pool '%s'", leaf_name(leaf),
		    x->spa->name));
	if (x->o->force || label_read(leaf->bd, &nv, NULL) != 0)
		return (0);
	state = nv_u64_or(nv, "state", POOL_ACTIVE);
	if (state != POOL_DESTROYED)
		rc = err_set(x->e, EBUSY, "%s is part of %s pool '%s'; use -f to take it",
		    leaf_name(leaf), state == POOL_EXPORTED ? "exported" : "potentially active",
		    nv_str_or(nv, "name", "?"));
	nv_free(nv);
	return (rc);
}

static unsigned
log2_of(uint32_t n)
{
	return (n == 0 ? 0 : 31 - (unsigned)__builtin_clz(n));
}

static int
open_leaf(struct vdev *leaf, void *arg)
{
	struct adding *x = arg;
	unsigned physical;
	int rc;

	if (x->o->bdevs != NULL)
		vdev_set_bdev(leaf, x->o->bdevs[x->nbdev++]);
	vdev_leaf_open(leaf, false);
	if (!vdev_leaf_ready(leaf))
		return (err_set(x->e, ENXIO, "cannot open '%s': %s", leaf_name(leaf),
		    leaf->why != NULL ? leaf->why : vdev_state_name(leaf->state)));
	if ((rc = is_in_use(x, leaf)) != 0)
		return (rc);
	physical = log2_of(leaf->bd->physical_block);
	physical = physical > ASHIFT_AUTO_MAX ? ASHIFT_AUTO_MAX : physical;
	if (physical > x->ashift)
		x->ashift = physical;
	return (0);
}

static int
wipe_leaf(struct vdev *leaf, void *arg)
{
	struct adding *x = arg;

	leaf->new_leaf = false;
	return (err_rc(x->e, label_clear(leaf->bd), "%s: clearing old labels", leaf_name(leaf)));
}

/* All devices below v, open and fit; nothing is written. */
static int
open_all(struct adding *x, struct vdev *v)
{
	int rc;

	x->ashift = ASHIFT_MIN;
	prepare(x->spa, v);
	if ((rc = vdev_walk_leaves(v, open_leaf, x)) != 0)
		return (rc);
	if (!vdev_is_leaf(v) && v->nchild > 0)
		vdev_propagate(vdev_leaf_at(v, 0));
	v->ashift = x->o->ashift != 0 ? x->o->ashift : x->ashift;
	v->asize = vdev_asize_now(v);
	return (0);
}

static const char *
bias_of(const struct vdev *top)
{
	return (top->extra != NULL ? nv_str_or(top->extra, "alloc_bias", "") : "");
}

static bool
has_class(const struct vdev *top)
{
	return (strcmp(bias_of(top), "special") == 0 || strcmp(bias_of(top), "dedup") == 0);
}

/* --- into the tree ---------------------------------------------------------------------------- */

static int
take_place(struct vdev *root, struct vdev *top)
{
	struct vdev *hole;

	for (size_t i = 0; i < root->nchild; i++) {
		if (root->child[i]->kind != VDEV_HOLE)
			continue;
		hole = root->child[i];
		root->child[i] = top;
		top->parent = root;
		top->id = i;
		vdev_free(hole);
		return (0);
	}
	return (vdev_add_child(root, top));
}

/* The class into the vdev's ZAP and the feature's count. */
static int
give_class(struct spa *spa, struct vdev *top)
{
	const char *bias = bias_of(top);
	int rc;

	if (!has_class(top))
		return (0);
	if ((rc = spa_feature_enable(spa, CLASSES)) != 0 ||
	    (rc = vdev_zap_set_bias(spa, top, bias)) != 0 ||
	    (rc = spa_feature_change(spa, CLASSES, 1)) != 0)
		return (rc);
	top->mg->bias = strcmp(bias, "special") == 0 ? BIAS_SPECIAL : BIAS_DEDUP;
	nv_remove(top->extra, "alloc_bias");
	return (0);
}

static int
add_top(struct adding *x, struct vdev *top)
{
	struct spa *spa = x->spa;
	int rc;

	if ((rc = vdev_walk_leaves(top, wipe_leaf, x)) != 0)
		return (rc);
	if ((rc = take_place(spa->root, top)) != 0)
		return (err_set(x->e, ENOMEM, "out of memory"));
	if (top->ashift < spa->min_ashift)
		spa->min_ashift = top->ashift;
	if ((rc = metaslab_group_create(spa, top, x->e)) != 0)
		return (rc);
	if ((rc = vdev_zaps_make(spa)) == 0)
		rc = give_class(spa, top);
	return (err_rc(x->e, rc, "adding a device"));
}

/* Unlink and return the first child; the root is only a wrapping. */
static struct vdev *
first_child(struct vdev *wrap)
{
	struct vdev *v = wrap->child[0];

	vdev_take_out(v);
	return (v);
}

/* Ranges are moved, and are freed where they were moved to, in units that all top-levels share. */
static int
check_fits_removal(const struct adding *x, const struct vdev *top)
{
	const struct vdev *leaving = removal_top(x->spa);

	if (leaving == NULL && !removal_left_traces(x->spa))
		return (0);
	if (top->kind == VDEV_RAIDZ || (leaving != NULL && top->ashift != leaving->ashift))
		return (err_set(x->e, EINVAL, "invalid config; a pool with removed devices has no raidz, "
		    "and while one is removed all have its sector size"));
	return (0);
}

static int
add_tops(struct adding *x, struct vdev *wrap)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < wrap->nchild; i++) {
		if ((rc = open_all(x, wrap->child[i])) == 0)
			rc = check_fits_removal(x, wrap->child[i]);
	}
	if (rc != 0)
		return (rc);
	spa_io_drain(x->spa);
	while (rc == 0 && wrap->nchild > 0) {
		struct vdev *top = first_child(wrap);

		if ((rc = add_top(x, top)) != 0 && top->parent == NULL)
			vdev_free(top);
	}
	vdev_propagate(x->spa->root->child[0]);
	return (rc);
}

static int
add_aux(struct adding *x, const char *key, enum aux_kind k)
{
	struct nvlist **list;
	struct vdev *v;
	size_t n;
	int rc = 0;

	if (nv_get_nvlist_array(x->o->tree, key, &list, &n) != 0)
		return (0);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if ((rc = vdev_from_config(list[i], &v, x->e)) != 0)
			break;
		if ((rc = open_all(x, v)) == 0) {
			v->asize = 0;
			v->create_txg = 0;
			rc = spa_aux_add(x->spa, k, v, x->e);
		}
		if (rc != 0)
			vdev_free(v);
	}
	return (rc);
}

int
spa_vdev_add(struct spa *spa, const struct spa_add *o, struct err *e)
{
	struct adding x = {.spa = spa, .o = o, .e = e};
	struct vdev *wrap = NULL;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 ||
	    (rc = vdev_from_config(o->tree, &wrap, e)) != 0)
		return (rc);
	rc = add_tops(&x, wrap);
	vdev_free(wrap);
	if (rc == 0 && (rc = add_aux(&x, "spares", AUX_SPARE)) == 0)
		rc = add_aux(&x, "l2cache", AUX_CACHE);
	return (rc != 0 ? rc : spa_vdev_commit(spa, e));
}

/* --- out of it -------------------------------------------------------------------------------- */

static int
remember_leaf(struct vdev *leaf, void *arg)
{
	struct vdev ***next = arg;

	*(*next)++ = leaf;
	return (0);
}

static int
drop_logs_of(struct vdev *leaf, void *arg)
{
	return (dtl_destroy(arg, leaf));
}

static void
clear_labels(struct vdev *v)
{
	unsigned n = vdev_leaf_count(v);
	struct vdev **leaf = calloc(n + 1, sizeof(struct vdev *)), **next = leaf;

	if (leaf != NULL)
		(void)vdev_walk_leaves(v, remember_leaf, &next);
	for (unsigned i = 0; leaf != NULL && i < n; i++) {
		if (leaf[i]->bd != NULL)
			(void)label_clear(leaf[i]->bd);
	}
	free(leaf);
}

int
spa_vdev_leave_hole(struct spa *spa, struct vdev *top, struct err *e)
{
	struct vdev *hole = vdev_new(VDEV_HOLE);
	int rc;

	if (hole == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = vdev_walk_leaves(top, drop_logs_of, spa)) != 0 ||
	    (rc = vdev_zaps_destroy(spa, top)) != 0 || (rc = metaslab_group_destroy(spa, top)) != 0) {
		vdev_free(hole);
		return (err_rc(e, rc, "freeing what the pool knows of a device"));
	}
	spa_io_drain(spa);
	hole->id = top->id;
	hole->parent = spa->root;
	hole->top = hole;
	hole->state = VS_HEALTHY;
	spa->root->child[top->id] = hole;
	top->parent = NULL;
	return (0);
}

static int
remove_log(struct spa *spa, struct vdev *top, struct err *e)
{
	struct space_stats st;
	int rc;

	if (top->mg == NULL || metaslab_top_stats(top, &st) != 0 || st.alloc != 0 || st.deferred != 0)
		return (err_set(e, EBUSY, "the log device still holds records; try again after "
		    "'zpool sync'"));
	if ((rc = spa_vdev_leave_hole(spa, top, e)) != 0)
		return (rc);
	if ((rc = spa_vdev_commit(spa, e)) == 0)
		clear_labels(top);
	vdev_free(top);
	vdev_propagate(spa->root->child[0]);
	return (rc);
}

/* Freed space ages for some txgs: it is not there yet when the last record was freed just now. */
static int
write_out_log(struct spa *spa, struct vdev *top, struct err *e)
{
	struct space_stats st;
	int rc = 0;

	for (int i = 0; rc == 0 && i < 6; i++) {
		if (metaslab_top_stats(top, &st) == 0 && st.alloc == 0 && st.deferred == 0)
			return (0);
		rc = spa_sync_force(spa, e);
	}
	return (rc);
}

int
spa_vdev_remove(struct spa *spa, const char *name, struct err *e)
{
	struct vdev *v;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if ((v = spa_aux_find(spa, AUX_SPARE, name)) != NULL)
		return (spa_aux_remove(spa, AUX_SPARE, v, e));
	if ((v = spa_aux_find(spa, AUX_CACHE, name)) != NULL)
		return (spa_aux_remove(spa, AUX_CACHE, v, e));
	if ((v = vdev_find(spa->root, name)) == NULL)
		return (err_set(e, ENODEV, "no such device in pool"));
	if (v->top != v)
		return (err_set(e, ENOTSUP, "operation not supported on this type of vdev; only inactive "
		    "hot spares, cache and log devices can be removed, sides of a mirror detached"));
	if (!v->is_log)
		return (removal_begin(spa, v, e));
	if ((rc = checkpoint_forbids(spa, e)) != 0)
		return (rc);
	if ((rc = write_out_log(spa, v, e)) != 0)
		return (rc);
	return (remove_log(spa, v, e));
}

/* --- identity --------------------------------------------------------------------------------- */

int
spa_reguid(struct spa *spa, struct err *e)
{
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = checkpoint_forbids(spa, e)) != 0)
		return (rc);
	if (spa->root->state != VS_HEALTHY)
		return (err_set(e, ENXIO, "one or more devices is currently unavailable"));
	spa->guid = spa->root->guid = spa_vdev_new_guid(spa);
	return (spa_vdev_commit(spa, e));
}
