/* SPDX-License-Identifier: MIT */
/*
 * The tender: what a pool does by itself.
 *
 * Theory
 * ------
 * A round looks at the pool with its lock held, in this order, and does what it finds:
 *
 *	1. devices with too many errors are taken out (or only marked, when they are needed)
 *	2. every few seconds: devices that are not there are looked for; with autoreplace, new ones in their
 *	   place are taken; with autoexpand, larger ones used
 *	3. a lost device without a stand-in gets a hot spare
 *	4. a device that lacks something: a resilver starts, unless one is running
 *	5. a step of the running scan
 *	6. after its end: replaced devices leave, spares return
 *	7. a step of initializing devices, of removing one
 *
 * There are no events to miss: each round starts from what is. A round that is cut off half-way (the
 * process is killed) is made by the next process.
 *
 * A resilver that could not write everything leaves its device with the rest to do; it is tried again,
 * but not at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dtl.h"
#include "removal.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/tender.h"
#include "spa_vdev_impl.h"

#define ERRORS_MAX 10	    /* of reading and writing, within ... */
#define ERRORS_SECONDS 600
#define LOOK_MS 5000	    /* for devices that are away */
#define IDLE_MS 1000
#define PAUSE_MS 2	    /* between steps: others get the lock */
#define STEP_MS 20
#define SAVE_MS 5000	    /* a scan's position goes to disk at least so often */
#define AGAIN_MS 30000	    /* after a resilver that left something */
#define STACK_BYTES (1u << 20)

struct tender {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool runs, stop, awake;
	uint64_t looked, saved, resilvered; /* when, in ms of the monotonic clock */
	uint64_t counted;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static struct tender *
tender_of(struct spa *spa)
{
	struct tender *t = spa->tender;
	pthread_condattr_t ca;

	if (t != NULL || (t = calloc(1, sizeof(*t))) == NULL)
		return (t);
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_condattr_init(&ca);
	(void)pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&t->cond, &ca);
	(void)pthread_condattr_destroy(&ca);
	spa->tender = t;
	return (t);
}

/* --- a round ---------------------------------------------------------------------------------- */

struct errors {
	struct spa *spa;
	bool forget;
};

static int
judge_leaf(struct vdev *leaf, void *arg)
{
	struct errors *x = arg;

	if (vdev_leaf_ready(leaf) && leaf->nerrors >= ERRORS_MAX) {
		leaf->nerrors = 0;
		spa_vdev_fault(x->spa, leaf, "too many errors");
	}
	if (x->forget)
		leaf->nerrors = 0;
	return (0);
}

static void
judge_devices(struct spa *spa, struct tender *t, uint64_t now)
{
	struct errors x = {spa, now - t->counted > ERRORS_SECONDS * 1000};

	if (x.forget)
		t->counted = now;
	(void)vdev_walk_leaves(spa->root, judge_leaf, &x);
}

static int
leaf_grow(struct vdev *leaf, void *arg)
{
	(void)arg;
	spa_vdev_measure(leaf);
	return (0);
}

/* With autoexpand: devices that became larger are used to their end. */
static void
expand_devices(struct spa *spa)
{
	char on[8];

	if (spa_prop_get(spa, "autoexpand", on, sizeof(on)) != 0 || strcmp(on, "on") != 0)
		return;
	(void)vdev_walk_leaves(spa->root, leaf_grow, NULL);
	for (size_t i = 0; i < spa->root->nchild; i++) {
		uint64_t before = spa->root->child[i]->asize;

		if (spa_vdev_expand(spa, spa->root->child[i], NULL) == 0 &&
		    spa->root->child[i]->asize != before)
			spa_config_dirty(spa);
	}
}

/* Something is there without any label, where a device of ours is away; -1 ends the walk. */
static int
leaf_is_new(struct vdev *leaf, void *arg)
{
	const char **path = arg;
	struct nvlist *label = NULL;
	struct bdev *bd;
	int rc;

	if (vdev_leaf_ready(leaf) || leaf->offline || leaf->faulted || leaf->path == NULL ||
	    leaf->parent->kind == VDEV_REPLACING ||
	    bdev_open(leaf->path, BDEV_READONLY, &bd, NULL) != 0)
		return (0);
	rc = label_read(bd, &label, NULL);
	bdev_close(bd);
	nv_free(label);
	if (rc != -ENOENT)
		return (0);
	*path = leaf->path;
	return (-1);
}

/* With autoreplace: a new device in the place of one that is away takes over its part. */
static void
replace_device(struct spa *spa)
{
	struct spa_attach a = {.replace = true};
	char on[8];

	if (spa_prop_get(spa, "autoreplace", on, sizeof(on)) == 0 && strcmp(on, "on") == 0 &&
	    vdev_walk_leaves(spa->root, leaf_is_new, &a.old) != 0)
		(void)spa_vdev_attach(spa, &a, NULL);
}

/* With autotrim: devices are told what became free. */
static void
trim_freed(struct spa *spa)
{
	char on[8];

	spa->autotrim = spa_prop_get(spa, "autotrim", on, sizeof(on)) == 0 && strcmp(on, "on") == 0;
	if (spa->autotrim)
		spa_autotrim_step(spa);
}

static bool
scan_runs(struct spa *spa, bool *resilver)
{
	struct scrub_stat st;

	scrub_stat(spa, &st);
	*resilver = st.func == SCAN_RESILVER;
	return (st.state == SCRUB_RUNNING && !st.paused);
}

static void
start_resilver(struct spa *spa, struct tender *t, uint64_t now)
{
	bool resilver;

	if (scan_runs(spa, &resilver) && resilver)
		return;
	if (t->resilvered != 0 && now - t->resilvered < AGAIN_MS && !t->awake)
		return;
	if (resilver_start(spa, NULL) == 0)
		t->resilvered = now;
}

/* 1: there is more to scan. */
static int
scan(struct spa *spa, struct tender *t, unsigned ms, uint64_t now)
{
	bool resilver;
	int rc;

	if (!scan_runs(spa, &resilver))
		return (0);
	if ((rc = scrub_step(spa, ms)) == 1) {
		if (now - t->saved > SAVE_MS) {
			t->saved = now;
			spa->force_sync = true;
		}
		return (1);
	}
	/* What it says is true when it is durable; only then may a device leave. */
	if (resilver && rc == 0 && spa_sync(spa, NULL) == 0)
		(void)spa_vdev_settle(spa, NULL);
	return (0);
}

unsigned
tender_round(struct spa *spa, unsigned ms)
{
	struct tender *t = tender_of(spa);
	uint64_t now = now_ms();
	bool more;

	if (t != NULL && (spa->readonly || spa->suspended))
		t->awake = false;
	if (t == NULL || spa->readonly || spa->suspended)
		return (IDLE_MS);
	judge_devices(spa, t, now);
	if (t->awake || now - t->looked > LOOK_MS) {
		t->looked = now;
		(void)spa_vdev_reopen(spa);
		replace_device(spa);
		expand_devices(spa);
		trim_freed(spa);
		(void)spa_vdev_settle(spa, NULL);
	}
	(void)spa_spares_step_in(spa);
	start_resilver(spa, t, now);
	t->awake = false;
	more = spa_initialize_step(spa);
	more = removal_step(spa, ms) || more;
	return (scan(spa, t, ms, now) == 1 || more ? PAUSE_MS : IDLE_MS);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void
sleep_for(struct tender *t, unsigned ms)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	(void)pthread_mutex_lock(&t->lock);
	while (!t->stop && !t->awake && pthread_cond_timedwait(&t->cond, &t->lock, &ts) == 0)
		continue;
	(void)pthread_mutex_unlock(&t->lock);
}

static void *
run(void *arg)
{
	struct spa *spa = arg;
	struct tender *t = spa->tender;
	bool stop = false;

	while (!stop) {
		unsigned ms;

		spa_enter(spa);
		ms = tender_round(spa, STEP_MS);
		spa_exit(spa);
		sleep_for(t, ms);
		(void)pthread_mutex_lock(&t->lock);
		stop = t->stop;
		(void)pthread_mutex_unlock(&t->lock);
	}
	return (NULL);
}

int
tender_start(struct spa *spa, struct err *e)
{
	struct tender *t;
	pthread_attr_t attr;
	int rc;

	spa_enter(spa);
	t = tender_of(spa);
	spa_exit(spa);
	if (t == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (t->runs)
		return (0);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&t->thread, &attr, run, spa);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0)
		return (err_sys(e, rc, "cannot start a thread"));
	t->runs = true;
	return (0);
}

void
tender_wake(struct spa *spa)
{
	struct tender *t = spa->tender;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->awake = true;
	(void)pthread_cond_signal(&t->cond);
	(void)pthread_mutex_unlock(&t->lock);
}

void
tender_stop(struct spa *spa)
{
	struct tender *t = spa->tender;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->stop = true;
	(void)pthread_cond_signal(&t->cond);
	(void)pthread_mutex_unlock(&t->lock);
	if (t->runs)
		(void)pthread_join(t->thread, NULL);
	(void)pthread_mutex_destroy(&t->lock);
	(void)pthread_cond_destroy(&t->cond);
	free(t);
	spa->tender = NULL;
}
