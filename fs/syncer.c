/* SPDX-License-Identifier: MIT */
/*
 * The thread that makes a pool's changes durable.
 *
 * The thread sleeps until one of three things: the period is over and the pool is dirty; somebody
 * waits for a txg that is not synced; more than dirty_max bytes are dirty.  Then it takes the pool's
 * lock, runs spa_sync() once, and answers everybody whose txg is now on disk.  Whoever asks while a
 * sync runs asks about the next txg, and shares it with all who ask meanwhile: group commit needs no
 * timer, a slow disk makes larger groups.
 *
 * Two locks: the pool's and `lock` here, which protects the list of waiters and the counters.  Order:
 * pool's lock, then `lock`; callbacks run with neither.
 *
 * Contents of files are written before that, while the txg is open (fs/write_behind.c): as soon as there
 * is enough of them, so that a writer and the disk work at the same time, and the rest right before the
 * sync.  The sync itself, which keeps everybody from the pool, is short.
 *
 * Other code may call spa_sync() too (a snapshot does); the thread looks at spa_synced_txg(), not at
 * its own deeds.  A sync that fails for good suspends the pool: all waiters get the error, later ones
 * too.  While devices are waited for (fs/suspend.c) everybody here waits.
 */
#include "smartbox/fs/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "completion.h"

#define PERIOD_DEFAULT_MS 5000
#define QUIET_PERIODS 6 /* then the pool rests */
#define BATCHES_MAX 64 /* before one sync: who writes without end shall not keep it from beginning */
#define BEHIND_KEEP ((uint64_t)2 << 20) /* the last ones may change again */
#define STACK_BYTES (2u << 20) /* a whole sync runs on it; the C library's default is small */

struct waiter {
	uint64_t txg;
	sync_done_fn *fn;
	void *arg;
	struct waiter *next;
};

struct syncer {
	struct spa *spa;
	unsigned period_ms;
	uint64_t dirty_max;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* the thread: work */
	pthread_cond_t done; /* throttled callers: a sync ended */
	bool stop, sync_now;
	bool behind; /* there is enough to write before the next sync */
	uint64_t rounds; /* syncs that ended */
	int failed;	 /* why the pool is suspended, or 0 */
	struct waiter *waiters;
	struct timespec end; /* of the period */
	uint64_t uses;	/* of blocks of the cache, when this thread looked last */
	unsigned quiet; /* periods in which there were none */
};

/* Unlink and return the waiters that need not wait any more, oldest first. */
static struct waiter *
take_ready(struct syncer *s, uint64_t synced, bool all)
{
	struct waiter *ready = NULL, **pw = &s->waiters, *w;

	while ((w = *pw) != NULL) {
		if (!all && w->txg > synced) {
			pw = &w->next;
			continue;
		}
		*pw = w->next;
		w->next = ready;
		ready = w;
	}
	return (ready);
}

static void
answer(struct waiter *w, int rc)
{
	struct waiter *next;

	for (; w != NULL; w = next) {
		next = w->next;
		w->fn(rc, w->arg);
		free(w);
	}
}

/* Before a sync: everything that need not be written with the lock held, and a flush of that. */
static void
write_most(struct syncer *s)
{
	bool flush = false;

	for (unsigned i = 0; i < BATCHES_MAX && write_behind(s->spa, 0); i++)
		flush = i > 0 || flush;
	if (flush)
		write_behind_flush(s->spa);
}

/* With the pool's lock, once a period: its memory goes when nobody has come for some of them. */
static void
rest_when_quiet(struct syncer *s)
{
	uint64_t now = dmu_cache_uses(s->spa);

	s->quiet = now == s->uses ? s->quiet + 1 : 0;
	s->uses = now;
	if (s->quiet == QUIET_PERIODS)
		dmu_cache_rest(s->spa);
}

/* One sync, if there is anything to write; the txg that is durable afterwards. */
static int
sync_once(struct syncer *s, uint64_t *synced)
{
	struct err e = ERR_INIT;
	int rc = 0;

	spa_enter(s->spa);
	write_most(s);
	if (spa_is_lost(s->spa))
		rc = -EIO;
	else if (spa_is_dirty(s->spa) || spa_is_suspended(s->spa))
		rc = spa_sync(s->spa, &e);
	rest_when_quiet(s);
	/* A clean pool has nothing of the open txg to lose. */
	*synced = spa_is_dirty(s->spa) ? spa_synced_txg(s->spa) : spa_open_txg(s->spa);
	spa_exit(s->spa);
	return (rc);
}

static void
sync_round(struct syncer *s)
{
	struct waiter *ready;
	uint64_t synced = 0;
	int rc;

	(void)pthread_mutex_unlock(&s->lock);
	rc = sync_once(s, &synced);
	(void)pthread_mutex_lock(&s->lock);
	s->failed = rc;
	s->rounds++;
	ready = take_ready(s, synced, rc != 0);
	(void)pthread_cond_broadcast(&s->done);
	(void)pthread_mutex_unlock(&s->lock);
	answer(ready, rc);
	(void)pthread_mutex_lock(&s->lock);
}

/* When the period that begins now is over. */
static void
set_end(struct syncer *s)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += s->period_ms / 1000;
	ts.tv_nsec += (long)(s->period_ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	s->end = ts;
}

static bool
is_over(const struct syncer *s)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec > s->end.tv_sec ||
	    (ts.tv_sec == s->end.tv_sec && ts.tv_nsec >= s->end.tv_nsec));
}

static void
sleep_until_work(struct syncer *s)
{
	while (!s->stop && !s->sync_now && !s->behind && s->waiters == NULL) {
		if (pthread_cond_timedwait(&s->wake, &s->lock, &s->end) == ETIMEDOUT)
			return;
	}
}

/* Batches until little is left, or something more urgent is to be done. */
static void
behind_round(struct syncer *s)
{
	bool more = true;

	s->behind = false;
	while (more && !s->stop && !s->sync_now && s->waiters == NULL && !is_over(s)) {
		(void)pthread_mutex_unlock(&s->lock);
		spa_enter(s->spa);
		more = write_behind(s->spa, BEHIND_KEEP);
		spa_exit(s->spa);
		(void)pthread_mutex_lock(&s->lock);
		(void)pthread_cond_broadcast(&s->done);
	}
	if (!more && spa_dirty_bytes(s->spa) > s->dirty_max)
		s->sync_now = true; /* metadata, which only a sync writes */
}

static void *
syncer_main(void *arg)
{
	struct syncer *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	set_end(s);
	while (!s->stop) {
		sleep_until_work(s);
		if (s->behind)
			behind_round(s);
		if (!s->stop && !s->sync_now && s->waiters == NULL && !is_over(s))
			continue;
		s->sync_now = false;
		sync_round(s);
		set_end(s);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return (NULL);
}

static void
init_sync_objects(struct syncer *s)
{
	pthread_condattr_t ca;

	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&ca);
	(void)pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &ca);
	(void)pthread_cond_init(&s->done, &ca);
	(void)pthread_condattr_destroy(&ca);
}

/* With the pool's lock. */
static void
kick(void *arg)
{
	struct syncer *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->behind = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

int
syncer_new(struct spa *spa, unsigned period_ms, uint64_t dirty_max, struct syncer **out,
    struct err *e)
{
	struct syncer *s = calloc(1, sizeof(*s));
	pthread_attr_t attr;
	int rc;

	if (s == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	s->spa = spa;
	s->period_ms = period_ms != 0 ? period_ms : PERIOD_DEFAULT_MS;
	s->dirty_max = dirty_max != 0 ? dirty_max : DMU_DIRTY_LIMIT;
	init_sync_objects(s);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&s->thread, &attr, syncer_main, s);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		free(s);
		return (err_sys(e, rc, "cannot start the sync thread"));
	}
	spa_enter(spa);
	spa_on_dirty(spa, kick, s);
	spa_exit(spa);
	*out = s;
	return (0);
}

void
syncer_free(struct syncer *s)
{
	if (s == NULL)
		return;
	(void)syncer_flush(s);
	spa_enter(s->spa);
	spa_on_dirty(s->spa, NULL, NULL);
	spa_exit(s->spa);
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	answer(take_ready(s, 0, true), -EIO);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_cond_destroy(&s->done);
	free(s);
}

void
syncer_notify(struct syncer *s, uint64_t txg, sync_done_fn *fn, void *arg)
{
	struct waiter *w = malloc(sizeof(*w));
	int rc = w == NULL ? -ENOMEM : 0;

	(void)pthread_mutex_lock(&s->lock);
	if (rc == 0 && (rc = s->failed) == 0) {
		*w = (struct waiter){txg, fn, arg, s->waiters};
		s->waiters = w;
		w = NULL;
		(void)pthread_cond_signal(&s->wake);
	}
	(void)pthread_mutex_unlock(&s->lock);
	free(w);
	if (rc != 0)
		fn(rc, arg);
}

void *
syncer_cancel(struct syncer *s, int (*match)(void *arg, void *key), void *key)
{
	struct waiter **pw, *w;
	void *arg = NULL;

	(void)pthread_mutex_lock(&s->lock);
	for (pw = &s->waiters; (w = *pw) != NULL; pw = &w->next) {
		if (match(w->arg, key)) {
			*pw = w->next;
			arg = w->arg;
			free(w);
			break;
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	return (arg);
}

int
syncer_wait(struct syncer *s, uint64_t txg)
{
	struct completion c = COMPLETION_INIT;

	syncer_notify(s, txg, completion_done, &c);
	return (completion_wait(&c));
}

void
syncer_hurry(struct syncer *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->sync_now = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

int
syncer_flush(struct syncer *s)
{
	uint64_t txg;
	bool dirty;

	spa_enter(s->spa);
	txg = spa_open_txg(s->spa);
	dirty = spa_is_dirty(s->spa);
	spa_exit(s->spa);
	return (dirty ? syncer_wait(s, txg) : 0);
}

/*
 * Who has dirtied so much waits until the disk has caught up: for some batches of contents, or, when it
 * is metadata, for a sync.
 */
void
syncer_throttle(struct syncer *s)
{
	uint64_t round;

	if (spa_dirty_bytes(s->spa) <= s->dirty_max)
		return;
	(void)pthread_mutex_lock(&s->lock);
	round = s->rounds;
	while (spa_dirty_bytes(s->spa) > s->dirty_max && s->rounds == round && !s->stop &&
	    s->failed == 0) {
		s->behind = true;
		(void)pthread_cond_signal(&s->wake);
		(void)pthread_cond_wait(&s->done, &s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
}
