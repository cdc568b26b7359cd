/* SPDX-License-Identifier: MIT */
/*
 * A pool whose devices are gone waits for them.
 *
 * Theory of operation
 *
 * A sync cannot be undone: memory is ahead of the disk.  So where nobody can mend devices (tests, tools
 * that open a pool themselves) a sync that fails ends the pool.  A poold is patient (spa_be_patient):
 *
 *	               a write or flush of a sync failed
 *	  running ------------------------------------------> suspended
 *	     ^                                                 |     |
 *	     |  all kept writes, flush, uberblock: done        |     | spa_abandon (export -f)
 *	     +------------------ retrying <--------------------+     v
 *	                            |          spa_resume           lost: every change is -EIO
 *	                            +-- fails again --> suspended
 *
 * A write that no device takes is kept in memory and counts as written; so is every later write of the
 * same sync, so that their order stays: a block may be rewritten in place, and space be freed and used
 * again, within one sync.  At the end of a pass, when memory is consistent, the sync waits, and gives up
 * the pool's lock: who reads goes on, who changes waits or is refused (failmode).  After `zpool clear`
 * the kept writes go out in their order, then come flush, labels, uberblock: nothing that was
 * acknowledged is lost, and who waits for this txg is answered as if it had been a slow one.
 *
 * A sync that must read what only lost devices have waits right there.  Then memory is in the middle
 * of something: the lock is given up, but spa_enter waits too ("stuck"); only what looks at devices
 * gets in (spa_enter_anyway).  Whether devices are lost is asked by reading their labels: a bad sector
 * must not suspend a pool.
 *
 * A reader who needs what only lost devices have, and is in no sync, waits as well, unless failmode is
 * "continue" (reads_wait): nobody else need know, as nothing in memory is unfinished; a sync meanwhile
 * goes well or suspends the pool itself.  Who waits for `zpool clear` begins his operation again.
 *
 * What a device had acknowledged, but not flushed, when it lost its power is not known to us; as with
 * OpenZFS such a device may come back without the last writes, and a scrub will tell.
 *
 * Invariants
 *  1. Kept writes exist only while spa->syncing; the uberblock is written when there are none.
 *  2. While suspended nothing is dirtied (dbuf_dirty refuses), so the open txg stays what it is.
 *  3. Whoever waits here can be woken by spa_resume and by spa_abandon, and by nothing else.
 */
#include "suspend.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "spa_impl.h"
#include "vdev_impl.h"

#define BUCKETS 1024u
#define PROBE_BYTES 8192u

struct kept {
	struct vdev *top;
	uint64_t off;
	size_t len;
	struct kept *next;  /* in order */
	struct kept *older; /* in its bucket */
	uint8_t data[];
};

struct suspend {
	pthread_mutex_t lock; /* of the list: writers of one sync may be several threads */
	struct kept *first, **tail;
	struct kept *bucket[BUCKETS];
};

/* --- what is kept ----------------------------------------------------------------------------- */

static size_t
bucket_of(const struct vdev *top, uint64_t off)
{
	return ((size_t)((off >> 9) * 0x9e3779b97f4a7c15ULL >> 40 ^ top->id) % BUCKETS);
}

static struct suspend *
suspend_of(struct spa *spa)
{
	struct suspend *s = __atomic_load_n(&spa->suspend, __ATOMIC_ACQUIRE), *there = NULL;

	if (s != NULL || (s = calloc(1, sizeof(*s))) == NULL)
		return (s);
	(void)pthread_mutex_init(&s->lock, NULL);
	s->tail = &s->first;
	if (__atomic_compare_exchange_n(&spa->suspend, &there, s, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_ACQUIRE))
		return (s);
	free(s); /* another thread was faster */
	return (there);
}

bool
suspend_is_queueing(struct spa *spa)
{
	struct suspend *s = __atomic_load_n(&spa->suspend, __ATOMIC_ACQUIRE);

	return (s != NULL && __atomic_load_n(&s->first, __ATOMIC_ACQUIRE) != NULL);
}

bool
suspend_keep(struct spa *spa, struct vdev *top, const void *buf, size_t len, uint64_t off)
{
	struct suspend *s;
	struct kept *k;

	if (!spa->patient || !spa->syncing || spa->abandoned || (s = suspend_of(spa)) == NULL ||
	    (k = malloc(sizeof(*k) + len)) == NULL)
		return (false);
	*k = (struct kept){.top = top, .off = off, .len = len};
	memcpy(k->data, buf, len);
	(void)pthread_mutex_lock(&s->lock);
	k->older = s->bucket[bucket_of(top, off)];
	s->bucket[bucket_of(top, off)] = k;
	__atomic_store_n(s->tail, k, __ATOMIC_RELEASE);
	s->tail = &k->next;
	(void)pthread_mutex_unlock(&s->lock);
	return (true);
}

bool
suspend_lookup(struct spa *spa, const struct vdev *top, void *buf, size_t len, uint64_t off)
{
	struct suspend *s = spa->suspend;
	struct kept *k;

	if (!suspend_is_queueing(spa))
		return (false);
	(void)pthread_mutex_lock(&s->lock);
	k = s->bucket[bucket_of(top, off)];
	while (k != NULL && (k->top != top || k->off != off))
		k = k->older;
	if (k != NULL && k->len == len)
		memcpy(buf, k->data, len);
	else
		k = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	return (k != NULL);
}

static void
forget_kept(struct suspend *s)
{
	struct kept *k;

	(void)pthread_mutex_lock(&s->lock);
	while ((k = s->first) != NULL) {
		s->first = k->next;
		free(k);
	}
	s->tail = &s->first;
	memset(s->bucket, 0, sizeof(s->bucket));
	(void)pthread_mutex_unlock(&s->lock);
}

/* All of it, from the beginning each time: a device may have forgotten what it took before. */
static int
write_all(struct suspend *s)
{
	int rc = 0;

	for (struct kept *k = s->first; k != NULL && rc == 0; k = k->next)
		rc = vdev_write(k->top, k->data, k->len, k->off);
	return (rc);
}

/* The first time the devices have just failed: nothing is tried before somebody said so. */
int
suspend_write_kept(struct spa *spa)
{
	int rc = -EIO;

	if (!suspend_is_queueing(spa))
		return (0);
	while (rc != 0) {
		if (!suspend_retry(spa))
			return (-EIO);
		rc = write_all(spa->suspend);
	}
	forget_kept(spa->suspend);
	return (0);
}

void
suspend_free(struct spa *spa)
{
	if (spa->suspend == NULL)
		return;
	forget_kept(spa->suspend);
	(void)pthread_mutex_destroy(&spa->suspend->lock);
	free(spa->suspend);
	spa->suspend = NULL;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool
is_mine(const struct spa *spa)
{
	return (spa->syncing && pthread_equal(spa->sync_thread, pthread_self()));
}

/* Until somebody says that the devices are back. */
static bool
wait_for_devices(struct spa *spa, bool stuck)
{
	uint64_t round = spa->resumes;

	if (!spa->patient || spa->abandoned || !is_mine(spa))
		return (false);
	spa->suspended = true;
	spa->stuck = stuck;
	spa->retrying = false;
	events_post(spa, "ereport.fs.zfs.io_failure", NULL);
	spa_changed(spa);
	if (spa->failmode == FAILMODE_PANIC && spa->panic != NULL)
		spa->panic(spa->panic_arg);
	while (spa->resumes == round && !spa->abandoned)
		spa_wait(spa);
	spa->stuck = false;
	spa->suspended = spa->abandoned;
	spa_changed(spa);
	return (!spa->abandoned);
}

bool
suspend_retry(struct spa *spa)
{
	return (wait_for_devices(spa, false));
}

/* -1: it cannot even read its label. */
static int
leaf_probe(struct vdev *leaf, void *arg)
{
	uint8_t buf[PROBE_BYTES];

	(void)arg;
	if (leaf->offline || leaf->top->is_log)
		return (0);
	return (leaf->bd == NULL || bdev_read(leaf->bd, buf, sizeof(buf), 0) != 0 ? -1 : 0);
}

bool
suspend_retry_read(struct spa *spa)
{
	if (!spa->patient || !is_mine(spa) || spa->abandoned ||
	    vdev_walk_leaves(spa->root, leaf_probe, NULL) == 0)
		return (false);
	return (wait_for_devices(spa, true));
}

/* More of it is gone than its redundancy makes up for. */
static bool
is_gone(struct vdev *v)
{
	unsigned gone = 0, spare = v->kind == VDEV_RAIDZ ? v->nparity : (unsigned)v->nchild - 1;

	if (v->kind == VDEV_INDIRECT || v->kind == VDEV_HOLE)
		return (false);
	if (vdev_is_leaf(v))
		return (v->offline || leaf_probe(v, NULL) != 0);
	for (size_t i = 0; i < v->nchild; i++)
		gone += is_gone(v->child[i]);
	return (gone > spare);
}

static bool
any_top_is_gone(struct spa *spa)
{
	for (size_t i = 0; i < spa->root->nchild; i++)
		if (!spa->root->child[i]->is_log && is_gone(spa->root->child[i]))
			return (true);
	return (false);
}

bool
spa_read_must_wait(struct spa *spa, int rc)
{
	if ((rc != -EIO && rc != -ENXIO) || !spa->patient || spa->abandoned || is_mine(spa) ||
	    spa->failmode == FAILMODE_CONTINUE || !any_top_is_gone(spa))
		return (false);
	if (!spa_is_suspended(spa)) {
		spa->reads_wait = true;
		events_post(spa, "ereport.fs.zfs.io_failure", NULL);
		if (spa->failmode == FAILMODE_PANIC && spa->panic != NULL)
			spa->panic(spa->panic_arg);
	}
	spa->reads_wait = true;
	return (true);
}

static void
let_readers_go(struct spa *spa)
{
	spa->reads_wait = false;
	spa_changed(spa);
}

void
suspend_end(struct spa *spa)
{
	if (spa->suspend != NULL)
		forget_kept(spa->suspend);
	spa->retrying = false;
	spa_changed(spa);
}

void
suspend_wait_turn(struct spa *spa)
{
	while (spa->syncing && !is_mine(spa))
		spa_wait(spa);
}

/* --- what others see -------------------------------------------------------------------------- */

void
spa_be_patient(struct spa *spa, void (*panic)(void *arg), void *arg)
{
	char mode[16];

	spa->patient = true;
	spa->panic = panic;
	spa->panic_arg = arg;
	if (spa_prop_get(spa, "failmode", mode, sizeof(mode)) == 0)
		spa_failmode_note(spa, mode);
}

void
spa_failmode_note(struct spa *spa, const char *mode)
{
	spa->failmode = strcmp(mode, "continue") == 0 ? FAILMODE_CONTINUE :
	    strcmp(mode, "panic") == 0 ? FAILMODE_PANIC : FAILMODE_WAIT;
	if (spa->failmode == FAILMODE_CONTINUE)
		let_readers_go(spa);
}

bool
spa_is_lost(const struct spa *spa)
{
	return (spa->suspended && (!spa->patient || spa->abandoned));
}

bool
spa_is_stuck(struct spa *spa)
{
	return (__atomic_load_n(&spa->stuck, __ATOMIC_RELAXED));
}

void
spa_abandon(struct spa *spa)
{
	spa_enter_anyway(spa);
	spa->abandoned = spa_is_suspended(spa) || spa->abandoned;
	let_readers_go(spa);
	while (spa->abandoned && spa->syncing)
		spa_wait(spa);
	spa_exit(spa);
}

int
spa_resume(struct spa *spa, struct err *e)
{
	if (spa->reads_wait && any_top_is_gone(spa))
		return (err_set(e, EIO, "I/O error"));
	if (spa->reads_wait)
		let_readers_go(spa);
	if (!spa->suspended || spa_is_lost(spa))
		return (spa->suspended ? err_set(e, EIO, "I/O error") : 0);
	spa->resumes++;
	spa->retrying = true;
	spa_changed(spa);
	while (spa->retrying)
		spa_wait(spa);
	return (spa->suspended ? err_set(e, EIO, "I/O error") : 0);
}

bool
spa_should_wait(const struct spa *spa)
{
	return (spa->reads_wait ||
	    (spa->suspended && !spa_is_lost(spa) && spa->failmode != FAILMODE_CONTINUE));
}

void
spa_wait_resumed(struct spa *spa)
{
	spa_enter(spa);
	while (spa_should_wait(spa))
		spa_wait(spa);
	spa_exit(spa);
}
