/* SPDX-License-Identifier: MIT */
/*
 * spa_sync: one transaction group becomes durable.
 *
 * Theory of operation
 *
 *   datasets          dirty objects of all datasets are written; blocks born and killed are charged
 *      |
 *   sync tasks        snapshot, clone, destroy...: they see each dataset's root as of this txg
 *      |
 *   datasets again    those that tasks dirtied (a new filesystem's first objects)
 *      |
 *   pass 1, 2, ...    space maps <- what was allocated and freed since the last pass
 *      |              $MOS      <- the space that the meta objset itself took
 *      |              meta objset: its dirty blocks
 *      |
 *   commit            flush, labels, uberblock (fs/spa_config.c)
 *      |
 *   done              space freed two txgs ago may be used again
 *
 * Convergence.  Writing space maps dirties the meta objset, whose blocks need space, which changes
 * space maps.  It ends because a block of the meta objset that was born in this txg is rewritten in
 * place: from pass 2 on only a block that did not exist before (a space map grown by a block)
 * or that no longer fits its place is allocated anew, and what is written in place changes no space map.
 * A pass in which nothing was dirty is the end.
 *
 * A failure anywhere suspends the pool: nothing was overwritten that the last uberblock reaches.  What a
 * patient pool does then is fs/suspend.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "ddt.h"
#include "dmu_impl.h"
#include "dtl.h"
#include "events.h"
#include "removal.h"
#include "smartbox/core/probe.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/zio.h"
#include "suspend.h"

#define PASSES_MAX 32

/* --- blocks whose freeing OpenZFS left to the next txg ---------------------------------------- */

#define BPLIST_READ 256u

static int
free_listed(struct spa *spa, uint64_t n)
{
	struct blkptr *bp = malloc(BPLIST_READ * sizeof(*bp));
	uint64_t i, j, k;
	int rc = bp == NULL ? -ENOMEM : 0;

	for (i = 0; i < n && rc == 0; i += k) {
		k = n - i < BPLIST_READ ? n - i : BPLIST_READ;
		rc = dmu_read(spa->mos, spa->obj.sync_bplist, i * sizeof(*bp), k * sizeof(*bp), bp);
		for (j = 0; j < k && rc == 0; j++)
			rc = zio_free(spa, &bp[j], spa->txg);
	}
	free(bp);
	return (rc);
}

/* bonus of a bpobj: num_blkptrs, bytes, comp, uncomp, ... */
static int
free_deferred(struct spa *spa)
{
	uint64_t n = 0;
	struct dbuf *bonus;
	int rc;

	if (spa->obj.sync_bplist == 0)
		return (0);
	if ((rc = dmu_bonus_hold(spa->mos, spa->obj.sync_bplist, &bonus)) != 0)
		return (rc);
	if (dbuf_size(bonus) >= 4 * sizeof(n))
		memcpy(&n, dbuf_data(bonus), sizeof(n));
	if (n > 0 && (rc = free_listed(spa, n)) == 0 &&
	    (rc = dmu_free_range(spa->mos, spa->obj.sync_bplist, 0, UINT64_MAX)) == 0 &&
	    (rc = dbuf_dirty(bonus)) == 0)
		memset(dbuf_data(bonus), 0, 4 * sizeof(n));
	dbuf_rele(bonus);
	return (rc);
}

/* --- the stages ------------------------------------------------------------------------------- */

static int
sync_datasets(struct spa *spa)
{
	return (spa->dsl != NULL ? dsl_pool_sync_datasets(spa) : 0);
}

/* Those queued by a task run in the same txg. */
static int
run_tasks(struct spa *spa, struct spa_task **ran, struct err *e)
{
	struct spa_task **tail = ran, *t;
	int rc = 0;

	while (rc == 0 && (t = spa->tasks) != NULL) {
		if ((spa->tasks = t->next) == NULL)
			spa->tasks_tail = &spa->tasks;
		t->next = NULL;
		*tail = t;
		tail = &t->next;
		rc = t->sync(spa, t->arg, e);
	}
	return (rc);
}

static void
finish_tasks(struct spa *spa, struct spa_task *ran, int rc)
{
	struct spa_task *t;

	while ((t = ran) != NULL) {
		ran = t->next;
		if (t->done != NULL)
			t->done(spa, t->arg, rc);
		free(t);
	}
}

static int
charge_mos(struct spa *spa)
{
	int64_t d = spa->mos_dsize, c = spa->mos_comp, u = spa->mos_uncomp;

	spa->mos_dsize = spa->mos_comp = spa->mos_uncomp = 0;
	if (spa->dsl == NULL || (d == 0 && c == 0 && u == 0))
		return (0);
	return (dsl_pool_sync_mos_delta(spa, d, c, u));
}

/* 1: something was written; 0: all is on disk. */
static int
one_pass(struct spa *spa)
{
	int rc;

	/* What the first two write takes space, which the third writes down. */
	if ((rc = checkpoint_sync(spa)) < 0 || (rc = removal_sync(spa)) < 0 ||
	    (rc = metaslab_sync(spa, spa->txg, spa->pass)) < 0)
		return (rc);

	/*
	 * By now a new vdev's metaslab array has its object, and a device that failed a write of the
	 * pass before has its log of what it missed: the config names both.
	 */
	if ((rc = dtl_sync(spa)) < 0 || (rc = spa_config_sync(spa)) != 0)
		return (rc);
	if ((rc = charge_mos(spa)) != 0)
		return (rc);
	if (!objset_is_dirty(spa->mos))
		return (0);
	rc = objset_sync(spa->mos);
	return (rc != 0 ? rc : 1);
}

static int
flush_all(struct spa *spa)
{
	int rc;

	while ((rc = vdev_flush(spa->root)) != 0 && suspend_retry(spa))
		continue;
	return (rc);
}

/* Each of its steps may be done again. */
static int
commit(struct spa *spa, struct err *e)
{
	int rc;

	while ((rc = spa_commit(spa, e)) != 0 && suspend_retry(spa))
		if (e != NULL)
			*e = (struct err)ERR_INIT;
	return (rc);
}

static int
sync_mos(struct spa *spa)
{
	int rc = 1;

	for (spa->pass = 1; rc == 1; spa->pass++) {
		rc = spa->pass <= PASSES_MAX ? one_pass(spa) : -ELOOP;
		/* A device that fails only now has missed the txg too: another pass writes that down. */
		if (rc == 0 && (rc = suspend_write_kept(spa)) == 0 && (rc = flush_all(spa)) == 0)
			rc = dtl_is_noted(spa);
	}
	spa->pass = 0;
	return (rc);
}

static int
write_txg(struct spa *spa, struct spa_task **ran, struct err *e)
{
	int rc;

	if ((rc = sync_datasets(spa)) != 0)
		return (err_rc(e, rc, "writing datasets"));
	if ((rc = run_tasks(spa, ran, e)) != 0)
		return (rc);
	if ((rc = sync_datasets(spa)) != 0)
		return (err_rc(e, rc, "writing datasets"));
	if ((rc = free_deferred(spa)) != 0 || (rc = ddt_sync(spa)) != 0 ||
	    (rc = spa_history_sync(spa)) != 0 || (rc = spa_aux_sync(spa)) != 0 ||
	    (rc = scrub_sync(spa)) != 0 ||
	    (rc = sync_mos(spa)) != 0)
		return (err_rc(e, rc, "writing the pool's metadata"));
	return (commit(spa, e));
}

static int
refuse(struct spa *spa, struct err *e)
{
	if (spa->readonly)
		return (err_set(e, EROFS, "pool '%s' is read-only", spa->name));
	if (spa->suspended)
		return (err_set(e, EIO, "pool '%s' is suspended", spa->name));
	return (spa->syncing ? err_set(e, EDEADLK, "a sync is running") : 0);
}

/* What may only be waited for before a sync; the lock is given up. */
static void
sync_begin(struct spa *spa)
{
	spa->sync_waits++;
	do {
		suspend_wait_turn(spa);
		if (spa->syncing)
			break;
		write_behind_wait(spa);
		dmu_readers_wait(spa, spa->txg - 2);
	} while (spa->wb_busy || spa->syncing);
	if (--spa->sync_waits == 0)
		spa_changed(spa);
}

int
spa_sync(struct spa *spa, struct err *e)
{
	struct spa_task *ran = NULL;
	int rc;

	sync_begin(spa);
	if (!spa->syncing && !spa->suspended && !spa_is_dirty(spa))
		return (0);
	if ((rc = refuse(spa, e)) != 0)
		return (rc);
	spa->sync_thread = pthread_self();
	spa->syncing = true;
	PROBE2(zfs, txg__sync__start, spa->name, spa->txg);
	rc = write_txg(spa, &ran, e);
	PROBE3(zfs, txg__sync__done, spa->name, spa->txg, rc);
	spa->syncing = false;
	suspend_end(spa);
	if (rc == 0) {
		if (spa->config_dirty)
			events_post(spa, "sysevent.fs.zfs.config_sync", NULL);
		metaslab_sync_done(spa, spa->txg);
		spa->config_dirty = spa->config_written = spa->force_sync = false;
		spa->synced = spa->txg++;
		zil_clean(spa, spa->synced);
		spa->wb_failed = false;
		if (spa->on_synced != NULL)
			spa->on_synced(spa->on_synced_arg, spa->synced);
	} else {
		spa_suspend(spa, "sync failed");
		rc = err_wrap(e, "pool '%s' is suspended", spa->name);
	}
	finish_tasks(spa, ran, rc);
	return (rc);
}

int
spa_sync_force(struct spa *spa, struct err *e)
{
	spa->force_sync = true;
	return (spa_sync(spa, e));
}

/* --- tasks ------------------------------------------------------------------------------------ */

int
spa_sync_task_queue(struct spa *spa, spa_task_fn *sync, spa_task_done_fn *done, void *arg)
{
	struct spa_task *t;

	if (spa->readonly || spa->suspended)
		return (spa->readonly ? -EROFS : -EIO);
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (-ENOMEM);
	*t = (struct spa_task){sync, done, arg, NULL};
	*spa->tasks_tail = t;
	spa->tasks_tail = &t->next;
	return (0);
}

int
spa_sync_task(struct spa *spa, spa_task_fn *check, spa_task_fn *sync, void *arg, struct err *e)
{
	int rc;

	sync_begin(spa); /* from the check on the lock is not given up */
	if ((rc = refuse(spa, e)) != 0)
		return (rc);
	if (check != NULL && (rc = check(spa, arg, e)) != 0)
		return (rc);
	if ((rc = spa_sync_task_queue(spa, sync, NULL, arg)) != 0)
		return (err_rc(e, rc, "queueing a change"));
	return (spa_sync(spa, e));
}
