/* SPDX-License-Identifier: MIT */
/*
 * dsl: datasets, snapshots and clones, and the account of their space.
 *
 * Theory of operation
 *
 *	dir "tank" ──head──► dataset ◄──prev── ...          dir: name, properties, account of space
 *	  │ children                                        dataset: objset root bp, snapshot chain
 *	  ├─ "$MOS"     account of the meta objset
 *	  ├─ "$FREE"    account of what waits in free_bpobj
 *	  ├─ "$ORIGIN"  the empty snapshot that every dataset is a clone of
 *	  └─ "a" ──head──► dataset ──prev──► a@s2 ──prev──► a@s1 ──prev──► $ORIGIN@$ORIGIN
 *
 * All of it lives in the meta objset (MOS) as bonus buffers and zaps.  In memory a dir or dataset
 * exists while held; there is one struct per object, and its fields are read and written in the
 * bonus buffer itself, so memory and disk cannot disagree.
 *
 * A snapshot is a copy of a head's root block pointer.  It costs no walk because blocks know their
 * birth: what was born before the newest snapshot is shared, what was born after is the head's own
 * (fs/dsl_dataset.c).  What a head drops but a snapshot keeps is on deadlists (fs/deadlist.c).
 *
 * Changes of structure are sync tasks: `check` refuses, in the open txg; `sync` runs in the same
 * txg after all dirty datasets were written, and cannot refuse.  So a snapshot sees exactly what
 * was done before it.
 *
 * Freeing a lot: blocks of destroyed snapshots move to free_bpobj by whole lists, charged to $FREE,
 * and are handed back in pieces of FREE_PER_TXG in the txgs that follow.
 *
 * Invariants
 *  1. For every dir: used = sum of its breakdown; a parent's CHILD = sum of the children's used.
 *  2. For every head: referenced, compressed and uncompressed are the sums over all blocks that its
 *     root reaches; unique the sum of those born after prev_snap_txg.
 *  3. Every block of the pool is reachable, listed in one bpobj to be freed, or free: never two of
 *     them (zdb -b).
 *  4. Each head and snapshot but $ORIGIN's has a prev_snap_obj; num_children of a snapshot counts
 *     the datasets that have it there.
 *
 * Crash: all of an operation is in one txg, so it happened or it did not.
 *
 * Rejected: freeing the blocks of a destroyed snapshot in the task itself (simple, but a big one
 * makes a txg of minutes).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "smartbox/fs/zpl.h"

#define FREE_PER_TXG 50000
#define DESTROY_ONCE_BYTES (4ULL << 30)

/* --- opening and closing ---------------------------------------------------------------------- */

static int
directory_object(struct spa *spa, const char *key, uint64_t *obj)
{
	return (zap_lookup(spa->mos, MOS_DIRECTORY, key, 8, 1, obj));
}

static int
find_origin(struct dsl_pool *dp)
{
	struct dsl_dataset *head;
	struct dsl_dir *dd;
	int rc;

	if ((rc = dir_hold_child(dp->root, ORIGIN_NAME, &dd)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((rc = ds_hold_head(dd, &head)) == 0) {
		dp->origin_obj = ds_phys(head)->prev_snap_obj;
		dsl_rele(head);
	}
	dir_rele(dd);
	return (rc);
}

static int
pool_hold_dirs(struct dsl_pool *dp)
{
	uint64_t obj;
	int rc;

	if ((rc = directory_object(dp->spa, "root_dataset", &obj)) != 0 ||
	    (rc = dir_hold_obj(dp, obj, NULL, &dp->root)) != 0 ||
	    (rc = dir_hold_child(dp->root, "$MOS", &dp->mos)) != 0)
		return (rc);
	if ((rc = dir_hold_child(dp->root, "$FREE", &dp->free)) != 0 && rc != -ENOENT)
		return (rc);
	if ((rc = directory_object(dp->spa, "free_bpobj", &dp->free_bpobj)) != 0 && rc != -ENOENT)
		return (rc);
	return (find_origin(dp));
}

static struct dsl_pool *
pool_new(struct spa *spa)
{
	struct dsl_pool *dp = calloc(1, sizeof(*dp));

	if (dp == NULL)
		return (NULL);
	dp->spa = spa;
	dp->destroy_once = DESTROY_ONCE_BYTES;
	dp->prop_generation = 1;
	spa->dsl = dp;
	return (dp);
}

int
dsl_pool_open(struct spa *spa, struct err *e)
{
	struct dsl_pool *dp = pool_new(spa);
	int rc;

	if (dp == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = pool_hold_dirs(dp)) != 0) {
		dsl_pool_close(spa);
		return (err_rc(e, rc, "the datasets of pool '%s' cannot be read", spa_name(spa)));
	}
	return (0);
}

void
dsl_pool_close(struct spa *spa)
{
	struct dsl_pool *dp = spa->dsl;
	size_t i;

	if (dp == NULL)
		return;
	for (i = 0; i < DIR_BUCKETS; i++) {
		while (dp->datasets[i] != NULL)
			ds_forget(dp->datasets[i]);
	}
	dir_rele(dp->free);
	dir_rele(dp->mos);
	dir_rele(dp->root);
	free(dp);
	spa->dsl = NULL;
}

/* --- making ----------------------------------------------------------------------------------- */

static int
make_dir(struct dsl_pool *dp, struct dsl_dir *parent, const char *name, struct dsl_dir **out)
{
	uint64_t obj;
	int rc = dir_create(dp, parent, name, &obj);

	return (rc != 0 ? rc : dir_hold_obj(dp, obj, parent != NULL ? name : NULL, out));
}

static int
make_origin(struct dsl_pool *dp)
{
	struct dsl_dataset *head;
	int rc;

	if ((rc = ds_create(dp->root, ORIGIN_NAME, NULL, &head)) != 0)
		return (rc);
	if ((rc = ds_snapshot(head, ORIGIN_NAME, NULL)) == 0)
		dp->origin_obj = ds_phys(head)->prev_snap_obj;
	dsl_rele(head);
	return (rc);
}

static int
make_skeleton(struct dsl_pool *dp)
{
	struct spa *spa = dp->spa;
	int rc;

	if ((rc = make_dir(dp, NULL, NULL, &dp->root)) != 0 ||
	    (rc = make_dir(dp, dp->root, "$MOS", &dp->mos)) != 0 ||
	    (rc = make_dir(dp, dp->root, "$FREE", &dp->free)) != 0 ||
	    (rc = bpobj_alloc(spa, &dp->free_bpobj)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "free_bpobj", 8, 1, &dp->free_bpobj)) != 0)
		return (rc);
	return (make_origin(dp));
}

static int
make_root_dataset(struct dsl_pool *dp, const struct nvlist *props)
{
	struct zpl_init init = {.mode = 0755};
	struct dsl_dataset *origin, *ds;
	int rc;

	if ((rc = ds_hold_obj(dp, dp->origin_obj, &origin)) != 0)
		return (rc);
	rc = ds_create_in(dp->root, origin, &ds);
	dsl_rele(origin);
	if (rc != 0)
		return (rc);
	if ((rc = dsl_prop_set_all(ds, props)) == 0 && (rc = ds_objset_create(ds, OBJSET_ZFS)) == 0 &&
	    (rc = zpl_init_objset(ds->os, &init)) == 0)
		rc = ds_sync(ds);
	dsl_rele(ds);
	return (rc);
}

int
dsl_pool_create(struct spa *spa, const struct nvlist *fsprops, struct err *e)
{
	struct dsl_pool *dp = pool_new(spa);
	int rc;

	if (dp == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = dsl_prop_check_all(spa, NULL, DSL_FILESYSTEM, fsprops, e)) != 0)
		return (rc);
	if ((rc = make_skeleton(dp)) != 0 || (rc = make_root_dataset(dp, fsprops)) != 0)
		return (err_rc(e, rc, "the root dataset cannot be made"));
	return (0);
}

/* --- syncing ---------------------------------------------------------------------------------- */

bool
dsl_pool_is_dirty(const struct spa *spa)
{
	const struct dsl_pool *dp = spa->dsl;
	const struct dsl_dataset *ds;

	if (dp == NULL)
		return (false);
	if (dp->free_bpobj != 0 && !bpobj_is_empty(dp->spa, dp->free_bpobj))
		return (true);
	for (ds = dp->dirty; ds != NULL && !ds_needs_sync(ds); ds = ds->dirty_next)
		continue;
	return (ds != NULL);
}

static int
free_one(const struct blkptr *bp, void *arg)
{
	struct spa *spa = arg;

	return (zio_free(spa, bp, spa_open_txg(spa)));
}

/* A piece of what destroyed datasets left behind. */
static int
free_some(struct dsl_pool *dp)
{
	struct space_sum freed = {0, 0, 0}, none;
	uint64_t limit = FREE_PER_TXG;
	int rc;

	if (dp->free_bpobj == 0 || bpobj_is_empty(dp->spa, dp->free_bpobj))
		return (0);
	if ((rc = bpobj_drain(dp->spa, dp->free_bpobj, &limit, &freed, free_one, dp->spa)) != 0)
		return (rc);
	none = (struct space_sum){-freed.used, -freed.comp, -freed.uncomp};
	return (dir_charge(dp->free, DD_HEAD, &none));
}

int
dsl_pool_sync_datasets(struct spa *spa)
{
	struct dsl_pool *dp = spa->dsl;
	struct dsl_dataset *ds, *next;
	int rc = 0;

	/* Syncing one may dirty, hold and release others: pin the place in the list. */
	if ((ds = dp->dirty) != NULL)
		ds_hold(ds);
	for (; ds != NULL; ds = next) {
		if (rc == 0 && ds_needs_sync(ds))
			rc = ds_sync(ds);
		if ((next = ds->dirty_next) != NULL)
			ds_hold(next);
		ds->refs--;
	}
	ds_sweep(dp);
	return (rc != 0 ? rc : free_some(dp));
}

int
dsl_pool_sync_mos_delta(struct spa *spa, int64_t dsize, int64_t comp, int64_t uncomp)
{
	struct space_sum d = {dsize, comp, uncomp};

	return (dir_charge(spa->dsl->mos, DD_HEAD, &d));
}
