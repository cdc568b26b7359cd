/* SPDX-License-Identifier: MIT */
/*
 * Livelists of clones: let go of when a pool is opened for writing.
 *
 * OpenZFS notes for each clone every block that is born or dies in it, so that destroying it later
 * needs no walk through the clone.  The note is good only while whoever writes the clone keeps it.
 * This engine destroys by walking what is newer than the origin, and keeps no such notes; a note that
 * was not kept would make OpenZFS free the wrong blocks.  So the first thing that a writable import
 * does is what OpenZFS itself does with a clone that shares too little: it drops the lists.  They hold
 * no references; only their own objects are freed.  All of it is one txg, before any other change.
 *
 * A pool whose OpenZFS was still destroying clones by their lists (deleted_clones) has blocks that
 * only these lists know: it is refused for writing, by name.
 *
 * Format: docs/zfs-format.md, "bpobj and deadlist".
 */
#include <errno.h>

#include "dsl_impl.h"

#define LIVELIST_KEY "com.delphix:livelist"
#define DELETED_KEY "com.delphix:deleted_clones"

static int
free_list(struct spa *spa, uint64_t obj)
{
	struct zap_entry ze;
	struct zap_cursor c;
	int rc, stop = 0;

	zap_cursor_init(&c, spa->mos, obj, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
		stop = bpobj_release(spa, ze.first);
	zap_cursor_fini(&c);
	if (stop != 0 || rc != -ENOENT)
		return (stop != 0 ? stop : rc);
	return (zap_destroy(spa->mos, obj));
}

static int
drop_one(struct dsl_dataset *ds, void *arg)
{
	struct objset *mos = dp_mos(ds->dp);
	struct spa *spa = arg;
	uint64_t obj;
	int rc;

	if (dsl_is_snapshot(ds) || !dsl_is_zapified(ds->dp, ds->dir->obj) ||
	    zap_lookup(mos, ds->dir->obj, LIVELIST_KEY, 8, 1, &obj) != 0)
		return (0);
	if ((rc = zap_remove(mos, ds->dir->obj, LIVELIST_KEY)) != 0 || (rc = free_list(spa, obj)) != 0)
		return (rc);
	return (spa_feature_change(spa, DSL_LIVELIST, -1));
}

int
dsl_check_livelists(struct spa *spa, struct err *e)
{
	uint64_t obj;

	if (spa_directory_get(spa, DELETED_KEY, &obj) == 0 && obj != 0)
		return (err_set(e, ENOTSUP, "pool '%s' has clones that OpenZFS is still destroying: "
		    "import it there once, or here with -o readonly=on", spa_name(spa)));
	return (0);
}

static int
drop_sync(struct spa *spa, void *arg, struct err *e)
{
	(void)arg;
	return (dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_HIDDEN, drop_one, spa, e));
}

int
dsl_drop_livelists(struct spa *spa, struct err *e)
{
	if (!spa_feature_active(spa, DSL_LIVELIST))
		return (0);
	return (spa_sync_task(spa, NULL, drop_sync, NULL, e));
}
