/* SPDX-License-Identifier: MIT */
/*
 * Devices that a pool owns beside its tree: hot spares and cache devices.
 *
 * Theory
 * ------
 * Each kind is a list in a packed nvlist of the meta objset (directory keys "spares" and "l2cache"); the
 * devices carry a label that says only "spare" (or "cache") and a guid. In memory they are vdevs
 * without a parent and mostly without an open device.
 *
 *	       add			 a leaf fails
 *	free -----> listed, AVAIL -----------------------> listed, INUSE: also a leaf of the tree,
 *	 ^	       |   ^			   below a "spare" vdev, beside the failed one
 *	 +-------------+   +------------------------------------+	 |
 *	    remove	     the failed one is well, or replaced	 | the failed one is detached
 *									 v
 *							    an ordinary leaf, not listed
 *
 * Cache devices are labelled and listed, so that the pool can go on to a system that uses them; nothing
 * is ever read from or written to them here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "removal.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/zap.h"
#include "spa_vdev_impl.h"

#define LIST_BLOCK 16384u
#define LIST_MAX (16u << 20)

static const struct {
	const char *key;
	enum pool_state state;
} kinds[] = {[AUX_SPARE] = {"spares", POOL_SPARE}, [AUX_CACHE] = {"l2cache", POOL_L2CACHE}};

/* --- lists ------------------------------------------------------------------------------------ */

static int
list_append(struct spa_aux *a, struct vdev *v)
{
	struct vdev **list = realloc(a->dev, (a->n + 1) * sizeof(struct vdev *));

	if (list == NULL)
		return (-ENOMEM);
	a->dev = list;
	v->id = a->n;
	list[a->n++] = v;
	a->dirty = true;
	return (0);
}

static struct vdev *
list_unlink(struct spa_aux *a, size_t at)
{
	struct vdev *v = a->dev[at];

	for (a->n--; at < a->n; at++) {
		a->dev[at] = a->dev[at + 1];
		a->dev[at]->id = at;
	}
	a->dirty = true;
	return (v);
}

void
spa_aux_free(struct spa *spa)
{
	for (int k = 0; k < AUX_KINDS; k++) {
		for (size_t i = 0; i < spa->aux[k].n; i++)
			vdev_free(spa->aux[k].dev[i]);
		free(spa->aux[k].dev);
		spa->aux[k] = (struct spa_aux){.dev = NULL};
	}
}

struct vdev *
spa_aux_find(struct spa *spa, enum aux_kind k, const char *name)
{
	struct spa_aux *a = &spa->aux[k];
	struct vdev *found = NULL;

	for (size_t i = 0; i < a->n && found == NULL; i++)
		found = vdev_find(a->dev[i], name);
	return (found);
}

struct vdev *
spa_spare_of(struct spa *spa, const char *path)
{
	return (spa_aux_find(spa, AUX_SPARE, path));
}

bool
spa_spare_in_use(struct spa *spa, const struct vdev *spare)
{
	return (vdev_by_guid(spa->root, spare->guid) != NULL);
}

/* --- on disk ---------------------------------------------------------------------------------- */

static int
pack_list(const struct spa_aux *a, const char *key, void **buf, size_t *len)
{
	struct nvlist *nv = nv_new(), **list = calloc(a->n + 1, sizeof(struct nvlist *));
	int rc = nv == NULL || list == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < a->n; i++)
		rc = vdev_to_config(a->dev[i], true, &list[i]);
	if (rc == 0)
		rc = nv_add_nvlist_array(nv, key, list, a->n);
	if (rc == 0)
		rc = nv_pack(nv, buf, len);
	for (size_t i = 0; list != NULL && i < a->n; i++)
		nv_free(list[i]);
	free(list);
	nv_free(nv);
	return (rc);
}

static int
write_list(struct spa *spa, struct spa_aux *a, const char *key)
{
	uint64_t size;
	struct dbuf *bonus;
	size_t len;
	void *buf = NULL;
	int rc = pack_list(a, key, &buf, &len);

	if (rc == 0 && a->object == 0 && (rc = dmu_object_alloc(spa->mos, OT_PACKED_NVLIST, LIST_BLOCK,
	    OT_PACKED_NVLIST_SIZE, sizeof(uint64_t), &a->object)) == 0)
		rc = zap_update(spa->mos, MOS_DIRECTORY, key, 8, 1, &a->object);
	if (rc == 0)
		rc = dmu_write(spa->mos, a->object, 0, len, buf);
	free(buf);
	if (rc != 0 || (rc = dmu_free_range(spa->mos, a->object, len, UINT64_MAX)) != 0 ||
	    (rc = dmu_bonus_hold(spa->mos, a->object, &bonus)) != 0)
		return (rc);
	size = len;
	if ((rc = dbuf_dirty(bonus)) == 0)
		memcpy(dbuf_data(bonus), &size, sizeof(size));
	dbuf_rele(bonus);
	return (rc);
}

int
spa_aux_sync(struct spa *spa)
{
	int rc = 0;

	for (int k = 0; rc == 0 && k < AUX_KINDS; k++) {
		if (!spa->aux[k].dirty)
			continue;
		rc = write_list(spa, &spa->aux[k], kinds[k].key);
		spa->aux[k].dirty = rc != 0;
	}
	return (rc);
}

static int
take_list(struct spa_aux *a, const struct nvlist *nv, const char *key)
{
	struct nvlist **list;
	struct vdev *v;
	size_t n;
	int rc = 0;

	if (nv_get_nvlist_array(nv, key, &list, &n) != 0)
		return (0);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if ((rc = vdev_from_config(list[i], &v, NULL)) != 0)
			break;
		if ((rc = vdev_is_leaf(v) ? list_append(a, v) : -EILSEQ) != 0)
			vdev_free(v);
	}
	a->dirty = false;
	return (rc);
}

static int
load_list(struct spa *spa, struct spa_aux *a, const char *key)
{
	struct nvlist *nv = NULL;
	uint64_t len = 0;
	struct dbuf *bonus;
	void *buf;
	int rc = spa_directory_get(spa, key, &a->object);

	if (rc != 0 || a->object == 0)
		return (rc);
	if ((rc = dmu_bonus_hold(spa->mos, a->object, &bonus)) != 0)
		return (rc);
	if (dbuf_size(bonus) >= sizeof(len))
		memcpy(&len, dbuf_data(bonus), sizeof(len));
	dbuf_rele(bonus);
	if (len == 0 || len > LIST_MAX)
		return (-EILSEQ);
	if ((buf = malloc(len)) == NULL)
		return (-ENOMEM);
	if ((rc = dmu_read(spa->mos, a->object, 0, len, buf)) == 0 &&
	    (rc = nv_unpack(buf, len, &nv, NULL)) == 0)
		rc = take_list(a, nv, key);
	nv_free(nv);
	free(buf);
	return (rc);
}

int
spa_aux_load(struct spa *spa)
{
	int rc = 0;

	for (int k = 0; rc == 0 && k < AUX_KINDS; k++)
		rc = load_list(spa, &spa->aux[k], kinds[k].key);
	for (size_t i = 0; i < spa->aux[AUX_SPARE].n; i++)
		spa->aux[AUX_SPARE].dev[i]->is_spare = true;
	return (rc);
}

void
spa_aux_forget(struct spa *spa)
{
	for (int k = 0; k < AUX_KINDS; k++) {
		struct spa_aux *a = &spa->aux[k];

		a->dirty = a->dirty || a->n > 0;
		while (a->n > 0)
			vdev_free(a->dev[--a->n]);
	}
}

/* --- devices ---------------------------------------------------------------------------------- */

static int
write_label(struct spa *spa, struct vdev *v, enum pool_state state)
{
	struct nvlist *nv = nv_new();
	int rc = nv == NULL ? -ENOMEM : label_clear(v->bd);

	if (rc == 0 && (rc = nv_add_u64(nv, "version", spa->version)) == 0 &&
	    (rc = nv_add_u64(nv, "state", state)) == 0 &&
	    (rc = nv_add_u64(nv, "guid", v->guid)) == 0 &&
	    (rc = label_write(v->bd, v->psize, nv, 15)) == 0)
		rc = bdev_flush(v->bd);
	nv_free(nv);
	return (rc);
}

int
spa_spare_label(struct spa *spa, struct vdev *leaf)
{
	return (write_label(spa, leaf, POOL_SPARE));
}

int
spa_aux_add(struct spa *spa, enum aux_kind k, struct vdev *v, struct err *e)
{
	int rc;

	v->is_spare = k == AUX_SPARE;
	if ((rc = write_label(spa, v, kinds[k].state)) != 0)
		return (err_rc(e, rc, "%s: writing the label", v->path));
	vdev_set_bdev(v, NULL);
	return (err_rc(e, list_append(&spa->aux[k], v), "adding a device"));
}

static void
wipe(struct vdev *v)
{
	struct bdev *bd;

	if (v->path == NULL || bdev_open(v->path, BDEV_EXCL, &bd, NULL) != 0)
		return;
	(void)label_clear(bd);
	bdev_close(bd);
}

int
spa_aux_remove(struct spa *spa, enum aux_kind k, struct vdev *v, struct err *e)
{
	int rc;

	if (k == AUX_SPARE && spa_spare_in_use(spa, v))
		return (err_set(e, EBUSY, "Pool busy; removal may already be in progress: the spare "
		    "is in use, use 'zpool detach'"));
	(void)list_unlink(&spa->aux[k], v->id);
	if ((rc = spa_vdev_commit(spa, e)) == 0)
		wipe(v);
	vdev_free(v);
	return (rc);
}

/* --- spares at work --------------------------------------------------------------------------- */

/* Its own label, or none: the device may be taken. */
static int
open_spare(struct spa *spa, const struct vdev *spare, struct vdev **out, struct err *e)
{
	struct vdev *v = vdev_new(spare->kind);
	struct nvlist *nv;
	int rc = 0;

	if (v == NULL || (v->path = strdup(spare->path)) == NULL) {
		vdev_free(v);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	v->guid = spare->guid;
	v->create_txg = spa->txg;
	v->is_spare = v->new_leaf = true;
	vdev_leaf_open(v, false);
	if (!vdev_leaf_ready(v))
		rc = err_set(e, ENXIO, "cannot open spare '%s': %s", v->path,
		    v->why != NULL ? v->why : "?");
	else if (label_read(v->bd, &nv, NULL) == 0) {
		if (nv_u64_or(nv, "guid", 0) != spare->guid ||
		    nv_u64_or(nv, "state", POOL_ACTIVE) != POOL_SPARE)
			rc = err_set(e, EBUSY, "spare '%s' is in use elsewhere", v->path);
		nv_free(nv);
	}
	if (rc == 0)
		rc = err_rc(e, label_clear(v->bd), "%s: clearing the spare's label", v->path);
	if (rc != 0) {
		vdev_free(v);
		return (rc);
	}
	*out = v;
	return (0);
}

static uint64_t
needed_asize(const struct vdev *old)
{
	const struct vdev *top = old->top;

	return (top->kind == VDEV_RAIDZ ? (top->asize + top->nchild - 1) / top->nchild : top->asize);
}

int
spa_spare_use(struct spa *spa, struct vdev *old, const char *path, struct err *e)
{
	struct vdev *spare = spa_spare_of(spa, path), *leaf = NULL;
	int rc;

	if (spare == NULL)
		return (err_set(e, ENODEV, "'%s' is no spare of this pool", path));
	if (spa_spare_in_use(spa, spare))
		return (err_set(e, EBUSY, "spare '%s' is in use", path));
	if ((rc = open_spare(spa, spare, &leaf, e)) != 0)
		return (rc);
	if (vdev_asize_now(leaf) < needed_asize(old)) {
		(void)spa_spare_label(spa, leaf);
		vdev_free(leaf);
		return (err_set(e, EOVERFLOW, "device is too small"));
	}
	if ((rc = spa_vdev_join(spa, old, leaf, VDEV_SPARE)) != 0) {
		if (leaf->parent == NULL)
			vdev_free(leaf);
		return (err_rc(e, rc, "attaching a spare"));
	}
	leaf->new_leaf = false;
	return (spa_vdev_commit(spa, e));
}

void
spa_spare_promote(struct spa *spa, struct vdev *leaf)
{
	struct spa_aux *a = &spa->aux[AUX_SPARE];

	leaf->is_spare = false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->dev[i]->guid != leaf->guid)
			continue;
		vdev_free(list_unlink(a, i));
		return;
	}
}

/* A leaf that is lost and has nobody who stands in for it. */
static int
wants_spare(struct vdev *leaf, void *arg)
{
	struct vdev **out = arg;

	if (vdev_leaf_ready(leaf) || leaf->offline || leaf->is_spare || leaf->top->is_log ||
	    leaf->parent->kind == VDEV_SPARE || leaf->parent->kind == VDEV_REPLACING ||
	    leaf->top->kind == VDEV_FILE || leaf->top->kind == VDEV_DISK)
		return (0);
	*out = leaf;
	return (1);
}

int
spa_spares_step_in(struct spa *spa)
{
	struct spa_aux *a = &spa->aux[AUX_SPARE];
	struct vdev *lost = NULL;

	if (a->n == 0 || removal_is_active(spa) || vdev_walk_leaves(spa->root, wants_spare, &lost) == 0)
		return (0);
	for (size_t i = 0; i < a->n; i++) {
		if (!spa_spare_in_use(spa, a->dev[i]) &&
		    spa_spare_use(spa, lost, a->dev[i]->path, NULL) == 0)
			return (1);
	}
	return (0);
}
