/* SPDX-License-Identifier: MIT */
/*
 * The ZAP objects of vdevs: where a pool keeps what it knows about a device beside its config.
 *
 * A pool that has them (the config says so) has one per leaf and one per top-level, all of them listed in
 * the directory's "com.delphix:vdev_zap_map" under their own numbers. Pools that we make have none until
 * something needs one: the class of a special or dedup vdev is written there.
 */
#include <errno.h>
#include <string.h>

#include "metaslab_impl.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define ZAP_MAP "com.delphix:vdev_zap_map"
#define BIAS "org.zfsonlinux:allocation_bias"

static int
make_one(struct spa *spa, uint64_t *object)
{
	int rc;

	if (*object != 0)
		return (0);
	if ((rc = zap_create(spa->mos, OT_ZAP_METADATA, OT_NONE, 0, object)) != 0)
		return (rc);
	spa_config_dirty(spa);
	return (zap_add_int(spa->mos, spa->obj.vdev_zap_map, *object, *object));
}

static int
destroy_one(struct spa *spa, uint64_t *object)
{
	int rc;

	if (*object == 0)
		return (0);
	if ((rc = zap_remove_int(spa->mos, spa->obj.vdev_zap_map, *object)) != 0 && rc != -ENOENT)
		return (rc);
	rc = zap_destroy(spa->mos, *object);
	*object = 0;
	return (rc);
}

static int
make_below(struct spa *spa, struct vdev *v)
{
	int rc = 0;

	if (v->kind == VDEV_HOLE || v->kind == VDEV_MISSING || v->kind == VDEV_INDIRECT)
		return (0);
	if (vdev_is_leaf(v))
		rc = make_one(spa, &v->zap_leaf);
	if (rc == 0 && v->top == v)
		rc = make_one(spa, &v->zap_top);
	for (size_t i = 0; rc == 0 && i < v->nchild; i++)
		rc = make_below(spa, v->child[i]);
	return (rc);
}

int
vdev_zaps_make(struct spa *spa)
{
	if (!spa->has_vdev_zaps || spa->obj.vdev_zap_map == 0)
		return (0);
	return (make_below(spa, spa->root));
}

int
vdev_zaps_destroy(struct spa *spa, struct vdev *v)
{
	int rc = 0;

	if (spa->obj.vdev_zap_map == 0)
		return (0);
	for (size_t i = 0; rc == 0 && i < v->nchild; i++)
		rc = vdev_zaps_destroy(spa, v->child[i]);
	if (rc == 0)
		rc = destroy_one(spa, &v->zap_leaf);
	return (rc != 0 ? rc : destroy_one(spa, &v->zap_top));
}

int
vdev_zaps_enable(struct spa *spa)
{
	int rc;

	if (spa->obj.vdev_zap_map == 0 &&
	    ((rc = zap_create(spa->mos, OT_ZAP_METADATA, OT_NONE, 0, &spa->obj.vdev_zap_map)) != 0 ||
	    (rc = zap_update(spa->mos, MOS_DIRECTORY, ZAP_MAP, 8, 1, &spa->obj.vdev_zap_map)) != 0))
		return (rc);
	spa->has_vdev_zaps = true;
	spa_config_dirty(spa);
	return (vdev_zaps_make(spa));
}

int
vdev_zap_set_bias(struct spa *spa, struct vdev *top, const char *bias)
{
	int rc = vdev_zaps_enable(spa);

	if (rc == 0)
		rc = zap_update(spa->mos, top->zap_top, BIAS, 1, strlen(bias) + 1, bias);
	return (rc);
}
