/* SPDX-License-Identifier: MIT */
/*
 * spa_config: what labels and the config object say of the pool, and the commit of a txg.
 *
 * Theory of operation
 *
 * The same list in two forms.  The config object in the meta objset has the whole vdev tree; a
 * label has the tree of its own top-level only, with the guids that say which leaf this is.  They
 * are rewritten only in a txg that changed something in them (config_dirty).
 *
 * Commit order (a crash between any two steps leaves an importable pool)
 *   1. all blocks of the txg are on the devices, caches flushed   -> else: the txg before
 *   2. labels 0 and 2, flushed: their txg is one too new for the uberblocks, an import then
 *      believes labels 1 and 3                                       -> the txg before
 *   3. the uberblock into its slot of all four labels, flushed    -> this txg, once one is there
 *   4. labels 1 and 3, flushed
 *
 * A device that does not take its label or uberblock is like a mirror side that missed a write: the
 * txg is committed when one device of the pool has its uberblock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/zap.h"
#include "vdev_impl.h"

#define UBERBLOCK_MAGIC 0x00bab10cULL
#define MMP_MAGIC 0xa11cea11ULL
#define CONFIG_BLOCK 16384u
#define CONFIG_MAX (64u << 20)

/* --- making the list -------------------------------------------------------------------------- */

static int
put_identity(struct spa *spa, struct nvlist *nv)
{
	int rc;

	if ((rc = nv_add_u64(nv, "version", spa->version)) != 0 ||
	    (rc = nv_add_str(nv, "name", spa->name)) != 0 ||
	    (rc = nv_add_u64(nv, "state", spa->state)) != 0 ||
	    (rc = nv_add_u64(nv, "txg", spa->txg)) != 0 ||
	    (rc = nv_add_u64(nv, "pool_guid", spa->guid)) != 0 ||
	    (rc = nv_add_u64(nv, "errata", 0)) != 0)
		return (rc);
	if (spa->comment != NULL && (rc = nv_add_str(nv, "comment", spa->comment)) != 0)
		return (rc);
	if (spa->compatibility != NULL &&
	    (rc = nv_add_str(nv, "compatibility", spa->compatibility)) != 0)
		return (rc);
	if (spa->hostid != 0 && (rc = nv_add_u64(nv, "hostid", spa->hostid)) != 0)
		return (rc);
	return (nv_add_str(nv, "hostname", spa->hostname));
}

static int
put_leaf(struct nvlist *nv, const struct vdev *leaf)
{
	int rc;

	if ((rc = nv_add_u64(nv, "top_guid", leaf->top->guid)) != 0 ||
	    (rc = nv_add_u64(nv, "guid", leaf->guid)) != 0)
		return (rc);
	return (leaf->top->is_log ? nv_add_u64(nv, "is_log", 1) : 0);
}

static int
put_holes(const struct spa *spa, struct nvlist *nv)
{
	uint64_t *id = calloc(spa->root->nchild + 1, sizeof(*id));
	size_t n = 0, i;
	int rc = id == NULL ? -ENOMEM : 0;

	for (i = 0; rc == 0 && i < spa->root->nchild; i++)
		if (spa->root->child[i]->kind == VDEV_HOLE)
			id[n++] = i;
	if (rc == 0 && n > 0)
		rc = nv_add_u64_array(nv, "hole_array", id, n);
	free(id);
	return (rc);
}

static int
put_tree(const struct spa *spa, struct nvlist *nv, const struct vdev *leaf)
{
	struct nvlist *tree = NULL;
	int rc = vdev_to_config(leaf != NULL ? leaf->top : spa->root, leaf != NULL, &tree);

	if (rc == 0)
		rc = nv_add_nvlist(nv, "vdev_tree", tree);
	nv_free(tree);
	return (rc);
}

int
spa_config_make(struct spa *spa, const struct vdev *leaf, struct nvlist **out)
{
	struct nvlist *nv = nv_new();
	int rc = nv == NULL ? -ENOMEM : put_identity(spa, nv);

	if (rc == 0 && leaf != NULL)
		rc = put_leaf(nv, leaf);
	if (rc == 0 && leaf == NULL && spa->has_vdev_zaps)
		rc = nv_add_boolean(nv, "com.delphix:has_per_vdev_zaps");
	if (rc == 0)
		rc = nv_add_u64(nv, "vdev_children", spa->root->nchild);
	if (rc == 0)
		rc = put_holes(spa, nv);
	if (rc == 0)
		rc = put_tree(spa, nv, leaf);
	if (rc == 0)
		rc = spa_features_label(spa, nv);
	if (rc != 0) {
		nv_free(nv);
		return (rc);
	}
	*out = nv;
	return (0);
}

struct nvlist *
spa_config(struct spa *spa)
{
	struct nvlist *nv;

	return (spa_config_make(spa, NULL, &nv) == 0 ? nv : NULL);
}

/* --- the config object ------------------------------------------------------------------------ */

static int
config_write(struct spa *spa, const void *buf, size_t len)
{
	struct dbuf *bonus;
	int rc;

	if ((rc = dmu_write(spa->mos, spa->obj.config, 0, len, buf)) != 0 ||
	    (rc = dmu_free_range(spa->mos, spa->obj.config, len, UINT64_MAX)) != 0 ||
	    (rc = dmu_bonus_hold(spa->mos, spa->obj.config, &bonus)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(bonus)) == 0)
		memcpy(dbuf_data(bonus), &(uint64_t){len}, sizeof(uint64_t));
	dbuf_rele(bonus);
	return (rc);
}

static int
config_create(struct spa *spa)
{
	int rc = dmu_object_alloc(spa->mos, OT_PACKED_NVLIST, CONFIG_BLOCK, OT_PACKED_NVLIST_SIZE,
	    sizeof(uint64_t), &spa->obj.config);

	return (rc != 0 ? rc : zap_update(spa->mos, MOS_DIRECTORY, "config", 8, 1, &spa->obj.config));
}

int
spa_config_sync(struct spa *spa)
{
	struct nvlist *nv = NULL;
	void *buf = NULL;
	size_t len;
	int rc;

	if (!spa->config_dirty || spa->config_written)
		return (0);
	spa->config_written = true;
	if (spa->obj.config == 0 && (rc = config_create(spa)) != 0)
		return (rc);
	if ((rc = spa_config_make(spa, NULL, &nv)) == 0 && (rc = nv_pack(nv, &buf, &len)) == 0)
		rc = config_write(spa, buf, len);
	nv_free(nv);
	free(buf);
	return (rc);
}

static int
config_length(struct spa *spa, uint64_t *len)
{
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(spa->mos, spa->obj.config, &bonus);

	if (rc != 0)
		return (rc);
	if (dbuf_size(bonus) < sizeof(*len))
		rc = -EILSEQ;
	else
		memcpy(len, dbuf_data(bonus), sizeof(*len));
	dbuf_rele(bonus);
	return (rc == 0 && *len > CONFIG_MAX ? -EILSEQ : rc);
}

int
spa_config_read(struct spa *spa, struct nvlist **out, struct err *e)
{
	uint64_t len = 0;
	void *buf;
	int rc;

	if ((rc = spa_directory_get(spa, "config", &spa->obj.config)) != 0 ||
	    (rc = config_length(spa, &len)) != 0)
		return (err_rc(e, rc, "the pool's config object cannot be read"));
	if ((buf = malloc(len + 1)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = dmu_read(spa->mos, spa->obj.config, 0, len, buf)) != 0)
		rc = err_rc(e, rc, "the pool's config object cannot be read");
	else if ((rc = nv_unpack(buf, len, out, e)) != 0)
		rc = err_wrap(e, "the pool's config object");
	free(buf);
	return (rc);
}

/* --- commit ----------------------------------------------------------------------------------- */

struct commit {
	struct spa *spa;
	unsigned mask;
	size_t done;
	int rc;
};

/* A failure counts against the device; the commit looks at how many took it. */
static void
leaf_done(struct commit *c, struct vdev *leaf, int rc)
{
	if (rc == 0) {
		c->done++;
		return;
	}
	leaf->err_write++;
	c->rc = rc;
}

static int
leaf_label(struct vdev *leaf, void *arg)
{
	struct commit *c = arg;
	struct nvlist *nv;
	int rc;

	if (!vdev_leaf_ready(leaf))
		return (0);
	if ((rc = spa_config_make(c->spa, leaf, &nv)) != 0)
		return (rc);
	leaf_done(c, leaf, label_write(leaf->bd, leaf->psize, nv, c->mask));
	nv_free(nv);
	return (0);
}

static int
leaf_uberblock(struct vdev *leaf, void *arg)
{
	struct commit *c = arg;

	if (!vdev_leaf_ready(leaf))
		return (0);
	leaf_done(c, leaf, label_write_uberblock(leaf->bd, leaf->psize, leaf->top->ashift,
	    &c->spa->ub));
	return (0);
}

static int
leaf_flush(struct vdev *leaf, void *arg)
{
	struct commit *c = arg;

	if (vdev_leaf_ready(leaf))
		leaf_done(c, leaf, bdev_flush(leaf->bd));
	return (0);
}

/* One step on all leaves, then a flush of all; at least one must take both. */
static int
on_all_leaves(struct spa *spa, int (*fn)(struct vdev *leaf, void *arg), unsigned mask,
    const char *what, struct err *e)
{
	struct commit c = {spa, mask, 0, -ENXIO};
	int rc = vdev_walk_leaves(spa->root, fn, &c);

	if (rc != 0)
		return (err_rc(e, rc, "%s", what));
	if (c.done > 0) {
		c.done = 0;
		(void)vdev_walk_leaves(spa->root, leaf_flush, &c);
	}
	return (c.done > 0 ? 0 : err_rc(e, c.rc, "%s: no device took it", what));
}

static void
uberblock_fill(struct spa *spa)
{
	spa->ub = (struct uberblock){
	    .magic = UBERBLOCK_MAGIC,
	    .version = spa->version,
	    .txg = spa->txg,
	    .guid_sum = vdev_guid_sum(spa->root),
	    .timestamp = spa_now(spa, NULL),
	    .rootbp = *objset_bp(spa->mos),
	    .software_version = SPA_VERSION,
	    .mmp_magic = MMP_MAGIC,
	};
}

int
spa_commit(struct spa *spa, struct err *e)
{
	int rc;

	if ((rc = vdev_flush(spa->root)) != 0)
		return (err_rc(e, rc, "flushing the devices' caches"));
	if (spa->config_dirty &&
	    (rc = on_all_leaves(spa, leaf_label, 1 | 4, "writing labels 0 and 2", e)) != 0)
		return (rc);
	uberblock_fill(spa);
	if ((rc = on_all_leaves(spa, leaf_uberblock, 0, "writing the uberblock", e)) != 0)
		return (rc);
	if (spa->config_dirty)
		rc = on_all_leaves(spa, leaf_label, 2 | 8, "writing labels 1 and 3", e);
	return (rc);
}
