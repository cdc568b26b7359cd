/* SPDX-License-Identifier: MIT */
/*
 * An open volume: a struct bdev over object 1 of a dataset.
 *
 *	nbd, vhost-user, a test -> bdev_read/write/discard/flush -> here -> dmu, under the pool's lock
 *
 * A request is cut into pieces of at most PIECE_BYTES, each in one bracket of the pool's lock, so that a
 * large one does not keep others waiting; a disk promises no more than whole sectors anyway.
 *
 * Invariants:
 *	1. A write is in the open txg when it returns, and durable after a flush that began later:
 *	   the flush waits for the txg that was open when it began (or finds the pool clean).
 *	2. A discarded block is a hole at once and reads as zeros; the edges of a range that is no
 *	   multiple of the block are written with zeros.  Hence "write zeroes" is a discard.
 *	3. size, readonly and sync are looked up again after every change of properties (DSL_EVENT_PROPS)
 *	   and after a rollback; requests read them without a lock, as single words.
 *	4. The dataset is held: it cannot be destroyed while it is open here.
 *
 * Writing checks that there is room first: quota, the refreservation of this volume, the pool.  A volume
 * that reserved its size never fails for lack of space.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zvol.h"

enum {
	ZVOL_DATA_OBJ = 1,
	OBJSET_ZVOL = 3,
	PIECE_BYTES = 1 << 20,
	DISCARD_PIECE = 1 << 28,
	META_BYTES = 64 << 10, /* indirect blocks of one write, generously */
	SYNC_ALWAYS = 1, SYNC_DISABLED = 2,
};

struct zvol {
	struct bdev bd;
	struct spa *spa;
	struct syncer *sync;
	struct dsl_dataset *ds;
	struct objset *os;
	uint64_t sync_mode;
	bool forced_readonly;
};

static struct zvol *
zvol_of(struct bdev *bd)
{
	return ((struct zvol *)bd);
}

static void
look_up(struct zvol *zv)
{
	uint64_t v;

	if (dsl_prop_u64(zv->ds, "volsize", &v) == 0)
		zv->bd.size = v;
	if (dsl_prop_u64(zv->ds, "sync", &v) == 0)
		zv->sync_mode = v;
	zv->bd.readonly = zv->forced_readonly ||
	    (dsl_prop_u64(zv->ds, "readonly", &v) == 0 && v != 0);
}

static void
changed(struct dsl_dataset *ds, enum dsl_event ev, void *arg)
{
	(void)ds;
	(void)ev;
	look_up(arg);
}

static int
zv_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	struct zvol *zv = zvol_of(bd);
	int rc = 0;

	for (size_t done = 0, n; done < len && rc == 0; done += n) {
		n = len - done < PIECE_BYTES ? len - done : PIECE_BYTES;
		spa_enter(zv->spa);
		rc = dmu_read(zv->os, ZVOL_DATA_OBJ, off + done, n, (char *)buf + done);
		spa_exit(zv->spa);
	}
	return (rc);
}

/* Before anything is changed, the pool's lock held. */
static int
may_change(struct zvol *zv, uint64_t bytes)
{
	if (spa_is_suspended(zv->spa))
		return (-EIO);
	return (dsl_space_check(zv->ds, bytes, bytes == 0));
}

static int
write_piece(struct zvol *zv, const void *buf, size_t len, uint64_t off, bool *crowded)
{
	int rc;

	spa_enter(zv->spa);
	if ((rc = may_change(zv, len)) == 0)
		rc = dmu_write(zv->os, ZVOL_DATA_OBJ, off, len, buf);
	*crowded = spa_dirty_bytes(zv->spa) > DMU_DIRTY_LIMIT;
	spa_exit(zv->spa);
	return (rc);
}

static int
zv_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	struct zvol *zv = zvol_of(bd);
	bool crowded;
	int rc = 0;

	for (size_t done = 0, n; done < len && rc == 0; done += n) {
		n = len - done < PIECE_BYTES ? len - done : PIECE_BYTES;
		rc = write_piece(zv, (const char *)buf + done, n, off + done, &crowded);
		if (crowded)
			syncer_throttle(zv->sync);
	}
	return (rc);
}

static int
zv_discard(struct bdev *bd, uint64_t off, uint64_t len)
{
	struct zvol *zv = zvol_of(bd);
	int rc = 0;

	for (uint64_t done = 0, n; done < len && rc == 0; done += n) {
		n = len - done < DISCARD_PIECE ? len - done : DISCARD_PIECE;
		spa_enter(zv->spa);
		if ((rc = may_change(zv, 0)) == 0)
			rc = dmu_free_range(zv->os, ZVOL_DATA_OBJ, off + done, n);
		spa_exit(zv->spa);
	}
	return (rc);
}

static int
zv_flush(struct bdev *bd)
{
	struct zvol *zv = zvol_of(bd);

	if (zv->sync == NULL || zv->sync_mode == SYNC_DISABLED)
		return (0);
	return (syncer_flush(zv->sync));
}

void
zvol_flush(struct bdev *bd, sync_done_fn *fn, void *arg)
{
	struct zvol *zv = zvol_of(bd);
	bool dirty, suspended;
	uint64_t txg;

	if (zv->sync == NULL || zv->sync_mode == SYNC_DISABLED) {
		fn(0, arg);
		return;
	}
	spa_enter(zv->spa);
	txg = spa_open_txg(zv->spa);
	dirty = spa_is_dirty(zv->spa);
	suspended = spa_is_suspended(zv->spa);
	spa_exit(zv->spa);
	if (suspended)
		fn(-EIO, arg);
	else if (dirty)
		syncer_notify(zv->sync, txg, fn, arg);
	else
		fn(0, arg);
}

bool
zvol_is_sync(const struct bdev *bd)
{
	return (((const struct zvol *)bd)->sync_mode == SYNC_ALWAYS);
}

uint32_t
zvol_block_size(const struct bdev *bd)
{
	return (bd->physical_block);
}

static void
zv_close(struct bdev *bd)
{
	struct zvol *zv = zvol_of(bd);

	spa_enter(zv->spa);
	dsl_listen(zv->ds, NULL, zv);
	dsl_rele(zv->ds);
	spa_exit(zv->spa);
	free(bd->name);
	free(zv);
}

static const struct bdev_ops zvol_ops = {zv_read, zv_write, zv_flush, zv_discard, zv_close, NULL};

/* The pool's lock held. */
static int
open_held(struct zvol *zv, struct err *e)
{
	struct dmu_info info;
	int rc;

	if ((rc = dsl_objset(zv->ds, &zv->os)) != 0)
		return (err_rc(e, rc, "cannot open the volume's objects"));
	if (objset_type(zv->os) != OBJSET_ZVOL)
		return (err_set(e, EINVAL, "not a volume"));
	if ((rc = dmu_object_info(zv->os, ZVOL_DATA_OBJ, &info)) != 0)
		return (err_rc(e, rc, "the volume's data object is damaged"));
	zv->bd.logical_block = 512;
	zv->bd.physical_block = info.block_size;
	zv->bd.discard_zeroes = true;
	look_up(zv);
	dsl_listen(zv->ds, changed, zv);
	return (0);
}

int
zvol_open(struct spa *spa, struct syncer *sync, const char *name, bool readonly,
    struct bdev **out, struct err *e)
{
	struct zvol *zv = calloc(1, sizeof(*zv));
	int rc;

	if (zv == NULL || (zv->bd.name = strdup(name)) == NULL) {
		free(zv);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	zv->bd.ops = &zvol_ops;
	zv->spa = spa;
	zv->sync = sync;
	spa_enter(spa);
	if ((rc = dsl_hold(spa, name, &zv->ds, e)) == 0) {
		zv->forced_readonly = readonly || sync == NULL || spa_is_readonly(spa) ||
		    dsl_is_snapshot(zv->ds);
		if ((rc = open_held(zv, e)) != 0)
			dsl_rele(zv->ds);
	}
	spa_exit(spa);
	if (rc != 0) {
		free(zv->bd.name);
		free(zv);
		return (rc);
	}
	*out = &zv->bd;
	return (0);
}
