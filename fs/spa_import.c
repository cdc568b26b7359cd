/* SPDX-License-Identifier: MIT */
/*
 * spa_import: a pool from its devices.
 *
 * Theory of operation
 *
 *	config of the labels -> vdev tree -> newest uberblock -> meta objset -> its config object
 *	                           |                                              |
 *	                           +---- open devices, found by guid ----> the trusted vdev tree
 *
 * Labels are only good enough to find the meta objset: a device may carry an old one.  The config
 * object decides, and the sum of all guids in it must be the one in the uberblock; a tree that
 * lacks a device cannot pass as whole.  Then the features are judged, space maps and datasets
 * opened.  A writable import ends with a sync that puts this host's name and the state "active" into
 * the labels; a read-only one writes nothing at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "ddt.h"
#include "dtl.h"
#include "errlog.h"
#include "metaslab_impl.h"
#include "removal.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zil.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"
#include "vdev_impl.h"

#define SAFE_TXGS 2 /* freed space is not used again for so long */

/* --- devices ---------------------------------------------------------------------------------- */

struct give {
	struct bdev **bdevs;
	size_t n;
	uint64_t max_txg; /* of labels that are believed */
};

/* Tests hand over devices without names: the one whose label has this leaf's guid. */
static int
leaf_give_bdev(struct vdev *leaf, void *arg)
{
	struct give *g = arg;
	struct nvlist *nv;
	size_t i;

	for (i = 0; i < g->n && leaf->bd == NULL; i++) {
		if (g->bdevs[i] == NULL || label_read_until(g->bdevs[i], g->max_txg, &nv, NULL) != 0)
			continue;
		if (nv_u64_or(nv, "guid", 0) == leaf->guid) {
			vdev_set_bdev(leaf, g->bdevs[i]);
			g->bdevs[i] = NULL;
		}
		nv_free(nv);
	}
	return (0);
}

/* Others are as if they were not there: they belong to the pool that this one is split from. */
static int
leaf_leave_out(struct vdev *leaf, void *arg)
{
	const struct spa_import_opts *o = arg;
	bool named = o->only == NULL;

	for (size_t i = 0; i < o->nonly && !named; i++)
		named = o->only[i] == leaf->guid;
	if (!named)
		leaf->offline = true;
	return (0);
}

struct best {
	struct uberblock ub, newest;
	uint64_t max_txg;
	bool found, any;
};

static bool
is_newer(const struct uberblock *a, const struct uberblock *b)
{
	return (a->txg != b->txg ? a->txg > b->txg : a->timestamp > b->timestamp);
}

static int
leaf_best_uberblock(struct vdev *leaf, void *arg)
{
	struct best *best = arg;
	struct uberblock ub;

	if (leaf->bd == NULL || leaf->state < VS_DEGRADED)
		return (0);
	if (label_best_uberblock(leaf->bd, leaf->top->ashift, UINT64_MAX, &ub, NULL) != 0)
		return (0);
	if (!best->any || is_newer(&ub, &best->newest))
		best->newest = ub;
	best->any = true;
	if (ub.txg > best->max_txg &&
	    label_best_uberblock(leaf->bd, leaf->top->ashift, best->max_txg, &ub, NULL) != 0)
		return (0);
	if (!best->found || is_newer(&ub, &best->ub))
		best->ub = ub;
	best->found = true;
	return (0);
}

static unsigned
smallest_ashift(const struct vdev *root)
{
	unsigned least = 0;
	size_t i;

	for (i = 0; i < root->nchild; i++)
		if (root->child[i]->ashift != 0 && (least == 0 || root->child[i]->ashift < least))
			least = root->child[i]->ashift;
	return (least == 0 ? 9 : least);
}

static int
open_by_labels(struct spa *spa, const struct spa_import_opts *o, struct err *e)
{
	struct give give = {o->bdevs, o->nbdevs, UINT64_MAX};
	struct best best = {.max_txg = o->max_txg != 0 ? o->max_txg : UINT64_MAX};
	struct nvlist *tree;
	int rc;

	if (nv_get_nvlist(o->config, "vdev_tree", &tree) != 0)
		return (err_set(e, EINVAL, "the configuration has no vdev tree"));
	if ((rc = vdev_from_config(tree, &spa->root, e)) != 0)
		return (rc);
	(void)vdev_walk_leaves(spa->root, leaf_leave_out, (void *)(uintptr_t)o);
	(void)vdev_walk_leaves(spa->root, leaf_give_bdev, &give);
	(void)vdev_open(spa->root, spa->readonly, NULL); /* the trusted tree will be strict */
	(void)vdev_walk_leaves(spa->root, leaf_best_uberblock, &best);
	if (!best.found)
		return (err_set(e, ENXIO, "no valid uberblock on any device"));
	spa->ub = best.ub;
	spa->newest_txg = best.newest.txg;
	spa->newest_time = best.newest.timestamp;
	spa->min_ashift = smallest_ashift(spa->root);
	return (0);
}

/* --- from the labels' tree to the trusted one ------------------------------------------------- */

/*
 * A txg that was cut off may have changed who a device is (the last side of a mirror gets its guid) in
 * half of its labels. The other half is right.
 */
static int
leaf_identify(struct vdev *leaf, void *arg)
{
	const struct spa *spa = arg;
	struct nvlist *nv;

	if (leaf->bd == NULL || label_read_until(leaf->bd, spa->newest_txg, &nv, NULL) != 0)
		return (0);
	leaf->label_guid = nv_u64_or(nv, "guid", 0);
	nv_free(nv);
	return (0);
}

static int
leaf_move(struct vdev *leaf, void *arg)
{
	struct vdev *to = arg;

	if (leaf->bd == NULL || leaf->label_guid != to->guid)
		return (0);
	vdev_set_bdev(to, leaf->bd);
	leaf->bd = NULL;
	if (leaf->path != NULL) { /* where it is today */
		free(to->path);
		to->path = leaf->path;
		leaf->path = NULL;
	}
	return (1);
}

static int
leaf_adopt(struct vdev *leaf, void *arg)
{
	(void)vdev_walk_leaves(arg, leaf_move, leaf);
	return (0);
}

static int
check_uberblock(struct spa *spa, struct err *e)
{
	if (spa->ub.version > 28 && spa->ub.version != SPA_VERSION)
		return (err_set(e, ENOTSUP, "pool version %llu", (unsigned long long)spa->ub.version));
	if (spa->ub.version < SPA_VERSION && !spa->readonly)
		return (err_set(e, ENOTSUP, "pool version %llu is only read: import with "
		    "-o readonly=on", (unsigned long long)spa->ub.version));
	spa->version = spa->ub.version;
	spa->imported_time = spa->ub.timestamp;
	spa->imported_txg = spa->ub.txg;
	spa->synced = spa->found = spa->ub.txg;
	spa->txg = spa->newest_txg + 1; /* behind those that a rewind leaves out */
	return (0);
}

static int
adopt_tree(struct spa *spa, const struct spa_import_opts *o, const struct nvlist *config,
    struct err *e)
{
	struct give give = {o->bdevs, o->nbdevs, spa->newest_txg};
	struct nvlist *tree;
	struct vdev *trusted;
	size_t i;
	int rc;

	if (nv_get_nvlist(config, "vdev_tree", &tree) != 0)
		return (err_set(e, EILSEQ, "the pool's config has no vdev tree"));
	if ((rc = vdev_from_config(tree, &trusted, e)) != 0)
		return (rc);
	(void)vdev_walk_leaves(trusted, leaf_leave_out, (void *)(uintptr_t)o);
	(void)vdev_walk_leaves(spa->root, leaf_identify, spa);
	(void)vdev_walk_leaves(trusted, leaf_adopt, spa->root);
	(void)vdev_walk_leaves(trusted, leaf_give_bdev, &give);
	trusted->label_txg_max = spa->newest_txg;
	/* Blocks are read through the new tree from here on; the old one has no metaslabs yet. */
	vdev_free(spa->root);
	spa->root = trusted;
	rc = vdev_open(trusted, spa->readonly, e);
	trusted->label_txg_max = 0;
	if (rc != 0)
		return (rc);
	if (vdev_guid_sum(trusted) != spa->ub.guid_sum)
		return (err_set(e, ENXIO, "the devices are not those of the newest uberblock"));
	for (i = 0; i < trusted->nchild; i++)
		if (trusted->child[i]->is_log && trusted->child[i]->state < VS_DEGRADED &&
		    spa->state != POOL_EXPORTED)
			spa->log_missing = true;
	spa->min_ashift = smallest_ashift(trusted);
	return (0);
}

static void
take_string(const struct nvlist *config, const char *key, char **out)
{
	const char *s = nv_str_or(config, key, NULL);

	if (s != NULL)
		*out = strdup(s);
}

static int
load_config(struct spa *spa, const struct spa_import_opts *o, struct err *e)
{
	struct nvlist *config;
	int rc;

	if ((rc = objset_open(spa, &spa->ub.rootbp, NULL, NULL, &spa->mos)) != 0)
		return (err_rc(e, rc, "the meta objset cannot be read"));
	if ((rc = spa_config_read(spa, &config, e)) != 0)
		return (rc);
	spa->guid = nv_u64_or(config, "pool_guid", 0);
	spa->has_vdev_zaps = nv_has(config, "com.delphix:has_per_vdev_zaps");
	take_string(config, "comment", &spa->comment);
	take_string(config, "compatibility", &spa->compatibility);
	rc = adopt_tree(spa, o, config, e);
	nv_free(config);
	if (rc == 0)
		rc = removal_load(spa, e);
	if (rc == 0 && spa->log_missing && !o->missing_log_ok)
		rc = err_set(e, ENXIO, "a log device is missing; -m imports without its records");
	return (rc);
}

/* --- may we? ---------------------------------------------------------------------------------- */

static int
check_owner(struct spa *spa, const struct spa_import_opts *o, struct err *e)
{
	uint64_t state = nv_u64_or(o->config, "state", POOL_ACTIVE);
	uint64_t hostid = nv_u64_or(o->config, "hostid", 0);

	if (o->force || spa->readonly)
		return (0);
	if (state == POOL_DESTROYED)
		return (err_set(e, EINVAL, "pool '%s' was destroyed", spa->name));
	if (state == POOL_ACTIVE && hostid != 0 && hostid != spa->hostid)
		return (err_set(e, EBUSY, "pool '%s' was last used by host '%s' (hostid %llx) and may "
		    "be in use there; -f imports it anyway", spa->name,
		    nv_str_or(o->config, "hostname", "?"), (unsigned long long)hostid));
	return (0);
}

static int
load_directory(struct spa *spa)
{
	uint64_t deflate;
	int rc;

	if ((rc = spa_directory_get(spa, "history", &spa->obj.history)) != 0 ||
	    (rc = spa_directory_get(spa, "pool_props", &spa->obj.props)) != 0 ||
	    (rc = spa_directory_get(spa, "sync_bplist", &spa->obj.sync_bplist)) != 0 ||
	    (rc = spa_directory_get(spa, "com.delphix:vdev_zap_map", &spa->obj.vdev_zap_map)) != 0 ||
	    (rc = spa_directory_get(spa, "deflate", &deflate)) != 0)
		return (rc);
	spa->deflate = deflate != 0;
	rc = zap_lookup(spa->mos, MOS_DIRECTORY, "org.illumos:checksum_salt", 1, sizeof(spa->salt),
	    spa->salt);
	spa->has_salt = rc == 0;
	return (rc != 0 && rc != -ENOENT ? rc : ddt_open(spa));
}

/* A reader can do without: it only loses the numbers of `zpool list`. */
static int
load_space(struct spa *spa, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < spa->root->nchild && rc == 0; i++) {
		struct vdev *top = spa->root->child[i];

		if (top->kind == VDEV_HOLE || top->kind == VDEV_MISSING ||
		    top->kind == VDEV_INDIRECT || top->state < VS_DEGRADED)
			continue;
		if ((rc = metaslab_group_load(spa, top, e)) != 0 && spa->readonly)
			rc = 0;
		if (top->mg != NULL)
			top->mg->closed = top == removal_top(spa);
	}
	return (rc);
}

int
spa_import_base(struct spa *spa, const struct spa_import_opts *o, struct err *e)
{
	int rc;

	if ((rc = check_owner(spa, o, e)) != 0 || (rc = open_by_labels(spa, o, e)) != 0 ||
	    (rc = check_uberblock(spa, e)) != 0)
		return (rc);
	if (o->to_checkpoint && (rc = checkpoint_rewind(spa, e)) != 0)
		return (rc);
	if ((rc = load_config(spa, o, e)) != 0 || (rc = spa_features_load(spa, e)) != 0)
		return (rc);
	if ((rc = load_directory(spa)) != 0)
		return (err_rc(e, rc, "the object directory cannot be read"));
	if ((rc = dtl_load(spa)) != 0)
		return (err_rc(e, rc, "the logs of what devices missed cannot be read"));
	vdev_clear_counts(spa->root); /* until now we asked devices that cannot know */
	if ((rc = spa_aux_load(spa)) != 0)
		return (err_rc(e, rc, "the lists of spares and cache devices cannot be read"));
	if ((rc = load_space(spa, e)) != 0)
		return (rc);
	spa_initialize_load(spa);
	return (err_rc(e, checkpoint_load(spa), "the checkpoint cannot be read"));
}

static int
import(struct spa *spa, const struct spa_import_opts *o, struct err *e)
{
	int rc;

	if ((rc = spa_import_base(spa, o, e)) != 0 || (rc = dsl_pool_open(spa, e)) != 0)
		return (rc);
	if (o->judge != NULL)
		spa->found = o->judge(o->judge_arg, spa->found);
	if ((rc = errlog_load(spa)) != 0 || (rc = scrub_load(spa)) != 0)
		return (err_rc(e, rc, "the state of the last scan cannot be read"));
	if (spa->readonly)
		return (0);
	if ((rc = dsl_check_livelists(spa, e)) != 0)
		return (rc);
	if ((spa->state != POOL_EXPORTED || spa->rewound_txg != 0) && (rc = zil_claim_all(spa, e)) != 0)
		return (rc);
	if (o->adjust != NULL && (rc = o->adjust(spa, o->adjust_arg, e)) != 0)
		return (rc);
	spa->state = POOL_ACTIVE;
	spa_config_dirty(spa);
	if ((rc = spa_sync(spa, e)) != 0)
		return (rc);
	if ((rc = dsl_drop_livelists(spa, e)) != 0)
		return (rc);
	dsl_destroy_inconsistent(spa);
	dsl_release_temporary(spa);
	return (0);
}

bool
spa_rewound(const struct spa *spa, uint64_t *now_at, uint64_t *was_at)
{
	*now_at = spa->imported_time;
	*was_at = spa->newest_time;
	return (spa->imported_txg < spa->newest_txg);
}

/* One attempt. `newest`, `at`: the txgs that there were, if it came so far. */
static int
attempt(const struct spa_import_opts *o, struct spa **out, uint64_t *newest, uint64_t *at,
    struct err *e)
{
	const char *name = o->new_name != NULL ? o->new_name : nv_str_or(o->config, "name", NULL);
	struct spa *spa;
	int rc;

	if (name == NULL)
		return (err_set(e, EINVAL, "the configuration names no pool"));
	if (spa_new(name, o->os, &spa) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	spa->readonly = o->readonly;
	spa->state = (enum pool_state)nv_u64_or(o->config, "state", POOL_ACTIVE);
	spa_enter(spa);
	rc = import(spa, o, e);
	spa_exit(spa);
	*newest = spa->newest_txg;
	*at = spa->imported_txg != 0 ? spa->imported_txg : spa->ub.txg;
	if (rc != 0) {
		spa_free(spa);
		return (rc);
	}
	*out = spa;
	return (0);
}

/* A txg earlier each time; what comes of the first attempt is what is told. */
static int
rewind_import(const struct spa_import_opts *o, struct spa **out, uint64_t newest, uint64_t at)
{
	struct spa_import_opts again = *o;
	uint64_t least = o->extreme ? TXG_INITIAL : newest - SAFE_TXGS, ignored;
	int rc = -EIO;

	while (rc != 0 && at > least) {
		again.max_txg = at - 1;
		at = 0;
		rc = attempt(&again, out, &ignored, &at, NULL);
	}
	return (rc);
}

int
spa_import(const struct spa_import_opts *o, struct spa **out, struct err *e)
{
	uint64_t newest = 0, at = 0;
	int rc = attempt(o, out, &newest, &at, e);

	if (rc == 0 || !o->rewind || newest == 0 || rc == -ENOMEM || rc == -ENOTSUP || rc == -EBUSY)
		return (rc);
	return (rewind_import(o, out, newest, at) == 0 ? 0 : rc);
}
