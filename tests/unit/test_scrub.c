/* SPDX-License-Identifier: MIT */
/* Scrub: every block once, however small the steps; damage is repaired, losses are told. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../fs/spa_impl.h"
#include "fixture.h"
#include "fs_pool.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/tender.h"
#include "smartbox/fs/zap.h"
#include "test.h"

static int
reopen(struct vdev *leaf, void *arg)
{
	struct bdev *bd;

	(void)arg;
	CHECK(bdev_open(leaf->path, 0, &bd, NULL) == 0);
	vdev_set_bdev(leaf, bd);
	return (0);
}

/* A pool of OpenZFS whose devices can be written; nothing of it is synced. Entered. */
static struct spa *
open_fixture(const char *name)
{
	struct spa *spa = fs_test_import(name, true);

	(void)vdev_walk_leaves(spa->root, reopen, NULL);
	spa->readonly = false;
	return (spa);
}

static struct scrub_stat
scrub_all(struct spa *spa, unsigned ms)
{
	struct scrub_stat st;
	struct err e = ERR_INIT;
	int rc;

	if (scrub_start(spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	CHECK_EQ(scrub_start(spa, &e), -EBUSY);
	while ((rc = scrub_step(spa, ms)) == 1)
		;
	CHECK_EQ(rc, 0);
	scrub_stat(spa, &st);
	CHECK_EQ(st.state, SCRUB_FINISHED);
	return (st);
}

static void
close_unsynced(struct spa *spa)
{
	spa->readonly = true;
	fs_test_close(spa);
}

/*
 * All that is allocated, but for what the last txg of OpenZFS freed too late to take it off the space
 * maps (sync_bplist). A step of no time stops behind each single block.
 */
static void
examines_what_is_allocated(const char *name)
{
	struct spa *spa = open_fixture(name);
	struct space_stats space;
	struct scrub_stat st, small;

	metaslab_stats(spa, &space);
	st = scrub_all(spa, 1000);
	CHECK_EQ(st.errors, 0);
	CHECK_EQ(st.repaired, 0);
	if (st.examined > space.alloc || space.alloc - st.examined > 65536)
		test_fail(__FILE__, __LINE__, "%s: %" PRIu64 " bytes examined, %" PRIu64 " allocated",
		    name, st.examined, space.alloc);
	small = scrub_all(spa, 0);
	CHECK_EQ(small.examined, st.examined);
	close_unsynced(spa);
}

TEST(scrub_examines_every_block_once_however_small_the_steps)
{
	examines_what_is_allocated("plain");
	examines_what_is_allocated("nofeat");
	examines_what_is_allocated("prz1");
	examines_what_is_allocated("pmirror");
	examines_what_is_allocated("v28");
}

static int
damage_leaf(struct vdev *leaf, void *arg)
{
	unsigned *left = arg;
	uint8_t junk[65536];

	if (*left == 0)
		return (0);
	(*left)--;
	for (size_t k = 0; k < sizeof(junk); k++)
		junk[k] = (uint8_t)test_rand();
	for (uint64_t at = VDEV_LABEL_START; at + sizeof(junk) < leaf->bd->size - 0x80000;
	    at += sizeof(junk))
		CHECK(bdev_write(leaf->bd, junk, sizeof(junk), at) == 0);
	return (0);
}

static void
repairs(const char *name, unsigned leaves)
{
	struct spa *spa = open_fixture(name);
	struct scrub_stat st;

	(void)vdev_walk_leaves(spa->root, damage_leaf, &leaves);
	st = scrub_all(spa, 1000);
	CHECK_EQ(st.errors, 0);
	CHECK(st.repaired > 0 && spa->root->err_cksum > 0);
	st = scrub_all(spa, 1000);
	CHECK_EQ(st.repaired, 0);
	CHECK_EQ(st.errors, 0);
	close_unsynced(spa);
}

TEST(scrub_repairs_two_sides_of_a_mirror)
{
	repairs("pmirror", 2);
}

TEST(scrub_repairs_a_device_of_raidz1)
{
	repairs("prz1", 1);
}

TEST(scrub_repairs_two_devices_of_raidz2)
{
	repairs("prz2", 2);
}

TEST(scrub_names_the_blocks_that_are_lost)
{
	struct spa *spa = open_fixture("plain");
	struct bdev *bd = spa->root->child[0]->bd;
	uint8_t junk[4096] = {1, 2, 3};
	struct scrub_error lost;
	struct scrub_stat st;

	/* The first metaslab: nearly all data of this pool, and one of the copies of its metadata. */
	for (uint64_t at = 0; at < 16 << 20; at += sizeof(junk))
		CHECK(bdev_write(bd, junk, sizeof(junk), VDEV_LABEL_START + at) == 0);
	st = scrub_all(spa, 1000);
	CHECK(st.errors > 0);
	CHECK(scrub_error_at(spa, 0, &lost) && lost.dataset != 0);
	CHECK(!scrub_error_at(spa, 100, &lost));
	close_unsynced(spa);
}

TEST(scrub_in_the_background_ends_and_its_result_is_kept)
{
	struct spa *spa = fs_test_pool(64, true);
	uint64_t scan[24];
	struct scrub_stat st;
	struct err e = ERR_INIT;

	CHECK_EQ(zap_lookup(spa->mos, MOS_DIRECTORY, "scan", 8, 24, scan), -ENOENT);
	CHECK(scrub_start(spa, &e) == 0);
	spa_exit(spa);
	CHECK(tender_start(spa, &e) == 0);
	tender_wake(spa);
	do {
		(void)usleep(1000);
		spa_enter(spa);
		scrub_stat(spa, &st);
		spa_exit(spa);
	} while (st.state == SCRUB_RUNNING);
	CHECK(st.state == SCRUB_FINISHED && st.errors == 0 && st.examined > 0);
	spa_enter(spa);
	CHECK_EQ(spa_sync(spa, &e), 0);
	CHECK_EQ(zap_lookup(spa->mos, MOS_DIRECTORY, "scan", 8, 24, scan), 0);
	CHECK(scan[0] == 1 && scan[1] == 2 && scan[2] == 0 && scan[13] == 0 && scan[10] == st.examined);
	CHECK(scrub_start(spa, &e) == 0); /* again; cut off by the close */
	fs_test_close(spa);
}

TEST(scrub_needs_a_pool_that_can_be_written)
{
	struct spa *spa = fs_test_import("plain", true);
	struct err e = ERR_INIT;

	CHECK_EQ(scrub_start(spa, &e), -EROFS);
	CHECK_EQ(scrub_cancel(spa), -ENOENT);
	CHECK_EQ(scrub_step(spa, 10), 0);
	fs_test_close(spa);
}
