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
 *	1. A write is in the open txg when it returns, and durable after a flush that began later: it is
 *	   noted in the volume's intent log, and the flush commits the log.  (zvol_keep.c: between the two
 *	   it outlives this process.)
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
#include "smartbox/fs/zil.h"
#include "smartbox/fs/zvol.h"
#include "zvol_keep.h"

enum {
	ZVOL_DATA_OBJ = 1,
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
	struct zilog *zil;	/* NULL: read-only */
	struct zvol_keep *keep; /* borrowed; NULL: none */
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
		while ((rc = dmu_read(zv->os, ZVOL_DATA_OBJ, off + done, n, (char *)buf + done)) != 0 &&
		    spa_read_must_wait(zv->spa, rc)) {
			spa_exit(zv->spa);
			spa_wait_resumed(zv->spa);
			spa_enter(zv->spa);
		}
		spa_exit(zv->spa);
	}
	return (rc);
}

/* Before anything is changed, the pool's lock held. */
static int
may_change(struct zvol *zv, uint64_t bytes)
{
	while (spa_should_wait(zv->spa)) {
		spa_exit(zv->spa);
		spa_wait_resumed(zv->spa);
		spa_enter(zv->spa);
	}
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
	if (rc == 0) {
		zil_log_write(zv->zil, ZVOL_DATA_OBJ, off, len);
		rc = zvol_keep_write(zv->keep, dsl_objnum(zv->ds), off, len, buf);
	}
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
		if (rc == 0) {
			zil_log_truncate(zv->zil, ZVOL_DATA_OBJ, off + done, n);
			rc = zvol_keep_discard(zv->keep, dsl_objnum(zv->ds), off + done, n);
		}
		spa_exit(zv->spa);
	}
	return (rc);
}

static bool
has_nothing_to_flush(const struct zvol *zv)
{
	return (zv->zil == NULL || zv->sync_mode == SYNC_DISABLED);
}

static int
zv_flush(struct bdev *bd)
{
	struct zvol *zv = zvol_of(bd);

	return (has_nothing_to_flush(zv) ? 0 : zil_commit_wait(zv->zil, ZVOL_DATA_OBJ));
}

void
zvol_flush(struct bdev *bd, sync_done_fn *fn, void *arg)
{
	struct zvol *zv = zvol_of(bd);

	if (has_nothing_to_flush(zv))
		fn(0, arg);
	else
		zil_commit(zv->zil, ZVOL_DATA_OBJ, fn, arg);
}

void
zvol_set_keep(struct bdev *bd, struct zvol_keep *k)
{
	zvol_of(bd)->keep = k;
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
	zil_close(zv->zil);
	dsl_rele(zv->ds);
	spa_exit(zv->spa);
	free(bd->name);
	free(zv);
}

static const struct bdev_ops zvol_ops = {zv_read, zv_write, zv_flush, zv_discard, zv_close, NULL};

/* What a crash left in the volume's log is done first. */
static int
open_log(struct zvol *zv, struct err *e)
{
	struct zil_replayed st;
	int rc;

	if (zil_needs_replay(zv->ds) && (rc = zil_replay_volume(zv->ds, &st, e)) != 0)
		return (rc);
	return (err_rc(e, zil_open(zv->ds, zv->sync, &zv->zil), "the volume's intent log"));
}

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
	if (!zv->forced_readonly && (rc = open_log(zv, e)) != 0)
		return (rc);
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
		if ((rc = dsl_check_readable(zv->ds, e)) != 0 || (rc = open_held(zv, e)) != 0)
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
