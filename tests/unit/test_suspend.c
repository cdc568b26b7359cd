/* SPDX-License-Identifier: MIT */
/*
 * A device that vanishes suspends a patient pool at whatever operation it does so, and a pool that is
 * resumed goes on as if nothing had been.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../fs/events.h"
#include "../../fs/spa_impl.h"
#include "../../fs/vdev_impl.h"
#include "fs_pool.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "smartbox/fs/syncer.h"
#include "test.h"

/* --- a device behind a gate ------------------------------------------------------------------- */

struct gate {
	struct bdev bd;
	struct bdev *inner;
	uint64_t ops, shut_at; /* from this operation on nothing gets through */
};

static int
through(struct gate *g)
{
	return (__atomic_fetch_add(&g->ops, 1, __ATOMIC_SEQ_CST) <
	    __atomic_load_n(&g->shut_at, __ATOMIC_SEQ_CST) ? 0 : -EIO);
}

static int
gate_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	struct gate *g = (struct gate *)bd;
	int rc = through(g);

	return (rc != 0 ? rc : bdev_read(g->inner, buf, len, off));
}

static int
gate_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	struct gate *g = (struct gate *)bd;
	int rc = through(g);

	return (rc != 0 ? rc : bdev_write(g->inner, buf, len, off));
}

static int
gate_flush(struct bdev *bd)
{
	struct gate *g = (struct gate *)bd;
	int rc = through(g);

	return (rc != 0 ? rc : bdev_flush(g->inner));
}

static void
gate_close(struct bdev *bd)
{
	bdev_close(((struct gate *)bd)->inner);
	free(bd->name);
	free(bd);
}

static const struct bdev_ops gate_ops = {.read = gate_read, .write = gate_write,
    .flush = gate_flush, .close = gate_close};

static int
put_gate(struct vdev *leaf, void *arg)
{
	struct gate *g = calloc(1, sizeof(*g)), **out = arg;

	CHECK(g != NULL);
	g->inner = leaf->bd;
	g->bd = *leaf->bd;
	g->bd.ops = &gate_ops;
	g->bd.name = strdup("gate");
	g->shut_at = UINT64_MAX;
	leaf->bd = &g->bd;
	free(leaf->path);
	leaf->path = NULL; /* not to be opened again by name */
	*out = g;
	return (0);
}

static void
shut(struct gate *g, uint64_t after)
{
	__atomic_store_n(&g->shut_at, after == UINT64_MAX ? after : g->ops + after, __ATOMIC_SEQ_CST);
}

/* --- the pool --------------------------------------------------------------------------------- */

#define CHUNK 4096u

static struct rig {
	struct spa *spa;
	struct gate *gate;
	uint64_t obj;
} R;

static void
rig_make(void)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/dev", test_dir());
	R.spa = fs_test_pool_on(path, 96, true);
	CHECK_EQ(dmu_object_alloc(R.spa->mos, OT_PACKED_NVLIST, CHUNK, 0, 0, &R.obj), 0);
	CHECK_EQ(spa_sync(R.spa, NULL), 0);
	(void)vdev_walk_leaves(R.spa->root, put_gate, &R.gate);
	CHECK_EQ(events_start(R.spa), 0);
	spa_be_patient(R.spa, NULL, NULL);
	spa_exit(R.spa);
}

static void
fill(uint8_t buf[CHUNK], uint64_t n)
{
	for (size_t i = 0; i < CHUNK; i++)
		buf[i] = (uint8_t)(n * 31 + i * (n + 7) / 5);
}

static void
dirty_some(uint64_t n)
{
	uint8_t buf[CHUNK];

	fill(buf, n);
	spa_enter(R.spa);
	CHECK_EQ(dmu_write(R.spa->mos, R.obj, n % 16 * CHUNK, CHUNK, buf), 0);
	CHECK_EQ(spa_prop_set(R.spa, "autotrim", n % 2 != 0 ? "on" : "off", NULL), 0);
	spa_config_dirty(R.spa);
	spa_exit(R.spa);
}

static void *
sync_main(void *arg)
{
	int *rc = arg;

	spa_enter(R.spa);
	*rc = spa_sync(R.spa, NULL);
	spa_exit(R.spa);
	return (NULL);
}

/* Until it is suspended (true), or nothing is dirty any more. */
static bool
becomes_suspended(void)
{
	bool suspended = false, clean = false;

	while (!suspended && !clean) {
		spa_enter_anyway(R.spa);
		suspended = R.spa->suspended;
		clean = !R.spa->syncing && !suspended && !spa_is_dirty(R.spa);
		spa_exit(R.spa);
		(void)nanosleep(&(struct timespec){0, 200000}, NULL);
	}
	return (suspended);
}

static int
resume(void)
{
	int rc;

	spa_enter_anyway(R.spa);
	rc = spa_vdev_clear(R.spa, NULL, NULL);
	spa_exit(R.spa);
	return (rc);
}

/* What was written last is there after an import, and the scrub finds nothing. */
static void
check_from_disk(uint64_t last)
{
	uint8_t want[CHUNK], got[CHUNK];
	struct scrub_stat st;

	spa_close(R.spa);
	R.spa = fs_test_import_from(test_dir(), false);
	for (uint64_t n = last < 15 ? 0 : last - 15; n <= last; n++) {
		fill(want, n);
		CHECK_EQ(dmu_read(R.spa->mos, R.obj, n % 16 * CHUNK, CHUNK, got), 0);
		CHECK(memcmp(want, got, CHUNK) == 0);
	}
	CHECK_EQ(scrub_start(R.spa, NULL), 0);
	CHECK_EQ(scrub_step(R.spa, 100000), 0);
	scrub_stat(R.spa, &st);
	CHECK_EQ(st.errors, 0);
	fs_test_close(R.spa);
}

TEST(a_device_that_vanishes_at_any_operation_of_a_sync_and_returns_costs_nothing)
{
	uint64_t n = 0;
	bool happened = true;

	rig_make();
	for (; happened; n++) {
		pthread_t t;
		int rc = -1;

		dirty_some(n);
		shut(R.gate, n);
		CHECK_EQ(pthread_create(&t, NULL, sync_main, &rc), 0);
		if ((happened = becomes_suspended())) {
			CHECK_EQ(resume(), -EIO); /* it is still gone */
			shut(R.gate, UINT64_MAX);
			CHECK_EQ(resume(), 0);
		}
		CHECK_EQ(pthread_join(t, NULL), 0);
		CHECK_EQ(rc, 0);
		CHECK(!spa_is_suspended(R.spa));
		shut(R.gate, UINT64_MAX);
	}
	CHECK(n > 20);
	check_from_disk(n - 1);
}

TEST(a_suspended_pool_is_looked_at_and_not_changed)
{
	struct nvlist **ev;
	pthread_t t;
	int rc = -1, nev;

	rig_make();
	dirty_some(1);
	shut(R.gate, 1); /* a write, not a read: memory is consistent then */
	CHECK_EQ(pthread_create(&t, NULL, sync_main, &rc), 0);
	CHECK(becomes_suspended());
	spa_enter_anyway(R.spa);
	CHECK_EQ(spa_prop_set(R.spa, "autotrim", "on", NULL), -EIO);
	CHECK(spa_should_wait(R.spa));
	CHECK(!spa_is_lost(R.spa));
	spa_exit(R.spa);
	nev = events_get(R.spa->events, 0, &ev);
	CHECK(nev > 0);
	for (int i = 0; i < nev; i++) {
		if (i == nev - 1)
			CHECK_STR(nv_str_or(ev[i], "class", ""), "ereport.fs.zfs.io_failure");
		nv_free(ev[i]);
	}
	free(ev);
	shut(R.gate, UINT64_MAX);
	CHECK_EQ(resume(), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(rc, 0);
	spa_close(R.spa);
}

TEST(a_pool_that_is_given_up_does_not_wait_any_longer)
{
	struct syncer *sy;

	rig_make();
	CHECK_EQ(syncer_new(R.spa, 60000, 0, &sy, NULL), 0);
	dirty_some(1);
	shut(R.gate, 3);
	{
		pthread_t t;
		int rc = -1;

		CHECK_EQ(pthread_create(&t, NULL, sync_main, &rc), 0);
		CHECK(becomes_suspended());
		spa_abandon(R.spa);
		CHECK_EQ(pthread_join(t, NULL), 0);
		CHECK_EQ(rc, -EIO);
	}
	CHECK(spa_is_lost(R.spa));
	CHECK_EQ(syncer_wait(sy, spa_open_txg(R.spa)), -EIO);
	syncer_free(sy);
	spa_close(R.spa);
}
