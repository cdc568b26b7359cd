/* SPDX-License-Identifier: MIT */
/* What fs/zvol.h promises: sizes and reservations. */
#include <errno.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "../../fs/spa_impl.h"
#include "../../fs/zvol_keep.h"
#include "fs_pool.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/zvol.h"
#include "test.h"

TEST(zvol_reserves_what_openzfs_reserves)
{
	struct zvol_init v = {.size = 25165824, .block_size = 8192};

	CHECK_EQ(zvol_reservation(&v, 1), 28049408);
	v.size = 33554432;
	CHECK_EQ(zvol_reservation(&v, 1), 36700160);
}

TEST(zvol_refuses_impossible_sizes)
{
	struct zvol_init v = {.size = 1 << 20, .block_size = 8192};
	struct err e = ERR_INIT;

	CHECK_EQ(zvol_check(&v, &e), 0);
	v.size += 512;
	CHECK_EQ(zvol_check(&v, &e), -EINVAL);
	CHECK_STR(e.msg, "'volsize' must be a multiple of volume block size");
	v.size = 0;
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
	v = (struct zvol_init){.size = 3 << 20, .block_size = 3000};
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
	v.block_size = 256 << 10;
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
}

enum { VOL_BYTES = 4 << 20 };

struct rig {
	struct spa *spa;
	struct syncer *sync;
	struct bdev *bd;
};

static void
make_volume(struct spa *spa, const char *name, uint64_t size, uint32_t block)
{
	struct zvol_init v = {.size = size, .block_size = block};
	struct dsl_create c = {.name = name, .type = 3, .init = zvol_init_objset, .arg = &v};
	struct err e = ERR_INIT;

	if (dsl_create(spa, &c, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
}

static struct rig
open_rig(uint32_t block)
{
	struct rig r = {.spa = fs_test_pool(256, true)};
	struct err e = ERR_INIT;

	make_volume(r.spa, "tank/v", VOL_BYTES, block);
	spa_exit(r.spa);
	CHECK(syncer_new(r.spa, 100000, 0, &r.sync, &e) == 0);
	if (zvol_open(r.spa, r.sync, "tank/v", false, &r.bd, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	return (r);
}

static void
close_rig(struct rig *r)
{
	bdev_close(r->bd);
	syncer_free(r->sync);
	spa_enter(r->spa);
	fs_test_close(r->spa);
}

static void
set_prop(struct spa *spa, const char *name, const char *prop, const char *value)
{
	struct nvlist *nv = nv_new();
	struct err e = ERR_INIT;

	CHECK(nv_add_str(nv, prop, value) == 0);
	spa_enter(spa);
	if (dsl_prop_set(spa, name, nv, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	spa_exit(spa);
	nv_free(nv);
}

static void
random_change(struct bdev *bd, uint8_t *mirror)
{
	uint64_t r = test_rand(), off = test_rand() % VOL_BYTES, len = 1 + test_rand() % 70000;
	uint8_t *buf;

	if (len > VOL_BYTES - off)
		len = VOL_BYTES - off;
	if (r % 3 == 0) {
		CHECK_EQ(bdev_discard(bd, off, len), 0);
		memset(mirror + off, 0, len);
		return;
	}
	CHECK((buf = malloc(len)) != NULL);
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(test_rand() & (r % 2 == 0 ? 0xff : 1));
	CHECK_EQ(bdev_write(bd, buf, len, off), 0);
	memcpy(mirror + off, buf, len);
	free(buf);
}

static void
check_same(struct bdev *bd, const uint8_t *mirror)
{
	uint8_t *buf = malloc(VOL_BYTES);

	CHECK(buf != NULL);
	CHECK_EQ(bdev_read(bd, buf, VOL_BYTES, 0), 0);
	CHECK_MEM(buf, mirror, VOL_BYTES);
	free(buf);
}

static void
history(uint32_t block)
{
	struct rig r = open_rig(block);
	uint8_t *now = calloc(1, VOL_BYTES), *then = malloc(VOL_BYTES);
	const char *snap = "tank/v@a";
	struct err e = ERR_INIT;
	struct bdev *old, *clone;

	CHECK(now != NULL && then != NULL);
	CHECK_EQ(r.bd->size, VOL_BYTES);
	CHECK_EQ(zvol_block_size(r.bd), block);
	for (int i = 0; i < 60; i++) {
		random_change(r.bd, now);
		if (i % 16 == 0)
			CHECK_EQ(bdev_flush(r.bd), 0);
	}
	check_same(r.bd, now);
	spa_enter(r.spa);
	CHECK_EQ(dsl_snapshot(r.spa, &snap, 1, NULL, &e), 0);
	CHECK_EQ(dsl_clone(r.spa, snap, "tank/c", NULL, &e), 0);
	spa_exit(r.spa);
	memcpy(then, now, VOL_BYTES);
	for (int i = 0; i < 30; i++)
		random_change(r.bd, now);
	check_same(r.bd, now);
	CHECK_EQ(zvol_open(r.spa, r.sync, snap, false, &old, &e), 0);
	CHECK(old->readonly);
	CHECK_EQ(bdev_write(old, then, 512, 0), -EROFS);
	check_same(old, then);
	bdev_close(old);
	CHECK_EQ(zvol_open(r.spa, r.sync, "tank/c", false, &clone, &e), 0);
	check_same(clone, then);
	random_change(clone, then);
	check_same(clone, then);
	check_same(r.bd, now);
	bdev_close(clone);
	free(now);
	free(then);
	close_rig(&r);
}

TEST(a_volume_holds_what_was_written_and_zeros_where_it_was_discarded)
{
	history(8192);
}

TEST(a_volume_of_tiny_blocks_holds_what_was_written)
{
	history(512);
}

TEST(a_volume_of_large_blocks_holds_what_was_written)
{
	history(128 << 10);
}

TEST(a_rollback_is_seen_by_an_open_volume)
{
	struct rig r = open_rig(8192);
	uint8_t *now = calloc(1, VOL_BYTES), *then = malloc(VOL_BYTES);
	const char *snap = "tank/v@a";
	struct err e = ERR_INIT;

	CHECK(now != NULL && then != NULL);
	for (int i = 0; i < 20; i++)
		random_change(r.bd, now);
	memcpy(then, now, VOL_BYTES);
	spa_enter(r.spa);
	CHECK_EQ(dsl_snapshot(r.spa, &snap, 1, NULL, &e), 0);
	spa_exit(r.spa);
	set_prop(r.spa, "tank/v", "volsize", "8M");
	CHECK_EQ(r.bd->size, 8 << 20);
	for (int i = 0; i < 20; i++)
		random_change(r.bd, now);
	spa_enter(r.spa);
	CHECK_EQ(dsl_rollback(r.spa, "tank/v", snap, &e), 0);
	spa_exit(r.spa);
	CHECK_EQ(r.bd->size, VOL_BYTES);
	check_same(r.bd, then);
	free(now);
	free(then);
	close_rig(&r);
}

TEST(a_shrunk_volume_forgets_what_was_behind_its_end)
{
	struct rig r = open_rig(8192);
	uint8_t ones[8192], zeros[8192] = {0}, buf[8192];

	memset(ones, 1, sizeof(ones));
	CHECK_EQ(bdev_write(r.bd, ones, sizeof(ones), VOL_BYTES - sizeof(ones)), 0);
	CHECK_EQ(bdev_write(r.bd, ones, sizeof(ones), 0), 0);
	set_prop(r.spa, "tank/v", "volsize", "1M");
	CHECK_EQ(r.bd->size, 1 << 20);
	CHECK_EQ(bdev_read(r.bd, buf, 512, 1 << 20), -EINVAL);
	set_prop(r.spa, "tank/v", "volsize", "4M");
	CHECK_EQ(bdev_read(r.bd, buf, sizeof(buf), VOL_BYTES - sizeof(ones)), 0);
	CHECK_MEM(buf, zeros, sizeof(buf));
	CHECK_EQ(bdev_read(r.bd, buf, sizeof(buf), 0), 0);
	CHECK_MEM(buf, ones, sizeof(buf));
	close_rig(&r);
}

TEST(properties_of_a_volume_reach_its_open_device)
{
	struct rig r = open_rig(8192);
	uint8_t buf[512] = {1};

	CHECK(!zvol_is_sync(r.bd));
	set_prop(r.spa, "tank", "sync", "always");
	CHECK(zvol_is_sync(r.bd));
	set_prop(r.spa, "tank/v", "readonly", "on");
	CHECK_EQ(bdev_write(r.bd, buf, sizeof(buf), 0), -EROFS);
	set_prop(r.spa, "tank/v", "readonly", "off");
	CHECK_EQ(bdev_write(r.bd, buf, sizeof(buf), 0), 0);
	close_rig(&r);
}

TEST(a_volume_that_reserved_its_size_can_be_filled_in_a_full_pool)
{
	struct spa *spa = fs_test_pool(128, true);
	struct zvol_init v = {.size = 32 << 20, .block_size = 8192};
	struct bdev *full, *greedy;
	struct syncer *sync;
	char number[32];
	uint8_t *buf = malloc(1 << 20);
	struct err e = ERR_INIT;
	int rc = 0;

	CHECK(buf != NULL);
	make_volume(spa, "tank/full", 32 << 20, 8192);
	make_volume(spa, "tank/greedy", 512 << 20, 8192);
	spa_exit(spa);
	(void)snprintf(number, sizeof(number), "%" PRIu64, zvol_reservation(&v, 1));
	set_prop(spa, "tank/full", "refreservation", number);
	set_prop(spa, "tank", "compression", "off");
	CHECK_EQ(syncer_new(spa, 100000, 0, &sync, &e), 0);
	CHECK_EQ(zvol_open(spa, sync, "tank/full", false, &full, &e), 0);
	CHECK_EQ(zvol_open(spa, sync, "tank/greedy", false, &greedy, &e), 0);
	for (uint64_t off = 0; off < 512 << 20 && rc == 0; off += 1 << 20) {
		for (size_t i = 0; i < 1 << 20; i++)
			buf[i] = (uint8_t)test_rand();
		rc = bdev_write(greedy, buf, 1 << 20, off);
	}
	CHECK_EQ(rc, -ENOSPC);
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t off = 0; off < 32 << 20; off += 1 << 20)
			CHECK_EQ(bdev_write(full, buf, 1 << 20, off), 0);
		CHECK_EQ(bdev_flush(full), 0);
	}
	CHECK_EQ(bdev_discard(greedy, 0, 512 << 20), 0);
	CHECK_EQ(bdev_flush(greedy), 0);
	bdev_close(full);
	bdev_close(greedy);
	syncer_free(sync);
	spa_enter(spa);
	fs_test_close(spa);
	free(buf);
}

static void
note_done(int rc, void *arg)
{
	*(int *)arg = rc == 0 ? 1 : rc;
}

TEST(a_flush_of_a_clean_pool_is_answered_at_once_and_sync_disabled_never_waits)
{
	struct rig r = open_rig(8192);
	uint8_t buf[512] = {1};
	uint64_t txg;
	int done = 0;

	zvol_flush(r.bd, note_done, &done);
	CHECK_EQ(done, 1);
	set_prop(r.spa, "tank/v", "sync", "disabled");
	CHECK_EQ(bdev_write(r.bd, buf, sizeof(buf), 0), 0);
	spa_enter(r.spa);
	txg = spa_synced_txg(r.spa);
	spa_exit(r.spa);
	CHECK_EQ(bdev_flush(r.bd), 0);
	spa_enter(r.spa);
	CHECK_EQ(spa_synced_txg(r.spa), txg);
	spa_exit(r.spa);
	close_rig(&r);
}

/* --- what outlives a killed server --- */

struct apply {
	struct bdev *bd;
	uint64_t obj;
};

static int
apply(void *arg, uint64_t obj, uint64_t off, uint64_t len, const void *buf)
{
	struct apply *a = arg;

	a->obj = obj;
	return (buf != NULL ? bdev_write(a->bd, buf, len, off) : bdev_discard(a->bd, off, len));
}

TEST(what_a_volume_acknowledged_outlives_the_process_and_not_its_txg)
{
	uint8_t *mirror = calloc(1, VOL_BYTES);
	struct zvol_keep *keep;
	struct apply a;
	struct syncer *sync;
	struct err e = ERR_INIT;
	char dir[300], path[300];
	struct bdev *bd;
	struct spa *spa;
	uint64_t n;

	CHECK(mirror != NULL);
	(void)snprintf(dir, sizeof(dir), "%s/vdevs", test_dir());
	(void)snprintf(path, sizeof(path), "%s/vdevs/disk", test_dir());
	CHECK_EQ(mkdir(dir, 0700), 0);
	spa = fs_test_pool_on(path, 128, true);
	make_volume(spa, "tank/v", VOL_BYTES, 8192);
	spa_exit(spa);
	CHECK_EQ(syncer_new(spa, 100000, 0, &sync, &e), 0);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(zvol_open(spa, sync, "tank/v", false, &bd, &e), 0);
		CHECK_EQ(zvol_keep_open(spa, test_dir(), &keep, &e), 0);
		a.bd = bd;
		CHECK_EQ(zvol_keep_replay(keep, apply, &a, &n), 0);
		CHECK_EQ(n, round == 0 ? 0 : 25); /* what was synced is not there any more */
		check_same(bd, mirror);
		CHECK_EQ(syncer_flush(sync), 0);
		zvol_keep_forget(keep);
		zvol_set_keep(bd, keep);
		for (int i = 0; i < 40; i++) {
			random_change(bd, mirror);
			if (i == 14)
				CHECK_EQ(syncer_flush(sync), 0);
		}
		/* A kill, as good as one can do it here: nothing of the open txg is written. */
		spa_enter(spa);
		spa->suspended = true;
		spa_exit(spa);
		bdev_close(bd);
		syncer_free(sync);
		zvol_keep_close(keep, false);
		spa_enter(spa);
		fs_test_close(spa);
		spa = fs_test_import_from(dir, false);
		spa_exit(spa);
		CHECK_EQ(syncer_new(spa, 100000, 0, &sync, &e), 0);
	}
	syncer_free(sync);
	spa_enter(spa);
	fs_test_close(spa);
	free(mirror);
}
