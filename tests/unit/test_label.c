/* SPDX-License-Identifier: MIT */
/* Labels and uberblocks: ours survive losses, OpenZFS's are read, scans put pools together. */
#include <errno.h>
#include <stdlib.h>

#include "fixture.h"
#include "smartbox/fs/label.h"
#include "test.h"

#define SIZE (80ull << 20)

static struct nvlist *
config(uint64_t txg)
{
	struct nvlist *nv = nv_new();

	CHECK(nv_add_u64(nv, "txg", txg) == 0 && nv_add_str(nv, "name", "tank") == 0);
	return (nv);
}

static struct bdev *
device(void)
{
	struct bdev *bd;

	CHECK(bdev_mem_new("mem", SIZE + 5000, &bd, NULL) == 0);
	return (bd);
}

TEST(label_is_found_in_each_of_the_four_places)
{
	for (unsigned i = 0; i < 4; i++) {
		struct bdev *bd = device();
		struct nvlist *nv = config(7), *back;

		CHECK_EQ(label_read(bd, &back, NULL), -ENOENT);
		CHECK(label_write(bd, label_psize(bd->size), nv, 1u << i) == 0);
		CHECK(label_read(bd, &back, NULL) == 0);
		CHECK_STR(nv_str_or(back, "name", ""), "tank");
		nv_free(nv);
		nv_free(back);
		bdev_close(bd);
	}
}

TEST(label_with_the_highest_txg_wins)
{
	struct bdev *bd = device();
	struct nvlist *old = config(7), *new = config(8), *back;

	CHECK(label_write(bd, label_psize(bd->size), old, 0xf) == 0);
	CHECK(label_write(bd, label_psize(bd->size), new, 1u << 2) == 0);
	CHECK(label_read(bd, &back, NULL) == 0);
	CHECK_EQ(nv_u64_or(back, "txg", 0), 8);
	nv_free(back);
	CHECK(label_clear(bd) == 0);
	CHECK_EQ(label_read(bd, &back, NULL), -ENOENT);
	nv_free(old);
	nv_free(new);
	bdev_close(bd);
}

TEST(label_damaged_in_any_byte_is_not_believed)
{
	struct bdev *bd = device();
	struct nvlist *nv = config(7), *back;
	uint8_t byte;

	CHECK(label_write(bd, label_psize(bd->size), nv, 1) == 0);
	for (uint64_t at = 0x4000; at < 0x20000; at += 1009) {
		CHECK(bdev_read(bd, &byte, 1, at) == 0);
		byte ^= 1;
		CHECK(bdev_write(bd, &byte, 1, at) == 0);
		CHECK_EQ(label_read(bd, &back, NULL), -ENOENT);
		byte ^= 1;
		CHECK(bdev_write(bd, &byte, 1, at) == 0);
	}
	nv_free(nv);
	bdev_close(bd);
}

static struct uberblock
uber(uint64_t txg)
{
	struct uberblock ub = {.magic = UBERBLOCK_MAGIC, .version = 5000, .txg = txg,
	    .timestamp = txg * 5};

	return (ub);
}

TEST(uberblock_ring_keeps_the_last_txgs_and_the_newest_wins)
{
	static const unsigned ashifts[] = {9, 10, 12, 13, 16};

	for (unsigned k = 0; k < 5; k++) {
		struct bdev *bd = device();
		unsigned a = ashifts[k], slots = 0x20000 >> (a < 10 ? 10 : a > 13 ? 13 : a);
		struct uberblock ub;

		for (uint64_t txg = 4; txg < 300; txg++) {
			ub = uber(txg);
			CHECK(label_write_uberblock(bd, label_psize(bd->size), a, &ub) == 0);
		}
		CHECK(label_best_uberblock(bd, a, UINT64_MAX, &ub, NULL) == 0);
		CHECK_EQ(ub.txg, 299);
		CHECK(label_best_uberblock(bd, a, 295, &ub, NULL) == 0);
		CHECK_EQ(ub.txg, 295);
		CHECK(label_uberblock_at(bd, a, 300 - slots, &ub) == 0);
		CHECK_EQ(label_uberblock_at(bd, a, 299 - slots, &ub), -ENOENT);
		CHECK_EQ(label_best_uberblock(bd, a, 2, &ub, NULL), -ENOENT);
		bdev_close(bd);
	}
}

TEST(uberblock_survives_three_lost_labels)
{
	static const uint64_t at[] = {0, 0x40000, SIZE - 0x80000, SIZE - 0x40000};
	uint8_t *junk = malloc(0x40000);

	memset(junk, 0x5a, 0x40000);
	for (int keep = 0; keep < 4; keep++) {
		struct bdev *bd = device();
		struct uberblock ub = uber(77);

		CHECK(label_write_uberblock(bd, label_psize(bd->size), 12, &ub) == 0);
		for (int i = 0; i < 4; i++)
			CHECK(i == keep || bdev_write(bd, junk, 0x40000, at[i]) == 0);
		CHECK(label_best_uberblock(bd, 12, UINT64_MAX, &ub, NULL) == 0);
		CHECK_EQ(ub.txg, 77);
		bdev_close(bd);
	}
	free(junk);
}

struct expect {
	const char *name;
	size_t tops, leaves;
	bool complete;
	enum pool_state state;
};

static int
count_leaf(struct vdev *leaf, void *arg)
{
	size_t *n = arg;

	(void)leaf;
	(*n)++;
	return (0);
}

static void
check_scan(const struct expect *x)
{
	struct pool_scan scan;
	struct nvlist *tree, *again;
	struct vdev *root;
	size_t leaves = 0;
	struct err e = ERR_INIT;

	fixture_scan(x->name, &scan);
	CHECK_STR(scan.pool[0].name, x->name);
	CHECK_EQ(scan.pool[0].state, x->state);
	if (scan.pool[0].complete != x->complete)
		test_fail(__FILE__, __LINE__, "%s: %s", x->name, scan.pool[0].why);
	CHECK(nv_get_nvlist(scan.pool[0].config, "vdev_tree", &tree) == 0);
	CHECK(vdev_from_config(tree, &root, NULL) == 0);
	CHECK_EQ(root->nchild, x->tops);
	if (vdev_open(root, true, &e) != 0 && x->complete)
		test_fail(__FILE__, __LINE__, "%s: %s", x->name, e.msg);
	(void)vdev_walk_leaves(root, count_leaf, &leaves);
	CHECK_EQ(leaves, x->leaves);
	CHECK(vdev_to_config(root, false, &again) == 0);
	CHECK_EQ(nv_u64_or(again, "guid", 0), scan.pool[0].guid);
	nv_free(again);
	vdev_free(root);
	pool_scan_free(&scan);
}

TEST(scan_of_a_single_disk_pool)
{
	check_scan(&(struct expect){"plain", 1, 1, true, POOL_EXPORTED});
}

TEST(scan_of_a_mirror)
{
	check_scan(&(struct expect){"pmirror", 1, 3, true, POOL_EXPORTED});
}

TEST(scan_of_a_raidz3)
{
	check_scan(&(struct expect){"prz3", 1, 6, true, POOL_EXPORTED});
}

TEST(scan_of_a_stripe_with_log_and_special)
{
	check_scan(&(struct expect){"stripe", 4, 4, true, POOL_EXPORTED});
}

TEST(scan_of_a_version_28_pool)
{
	check_scan(&(struct expect){"v28", 1, 1, true, POOL_EXPORTED});
}

TEST(scan_of_a_pool_that_was_not_exported)
{
	check_scan(&(struct expect){"zil", 1, 1, true, POOL_ACTIVE});
}

TEST(scan_of_a_pool_with_a_removed_vdev)
{
	struct pool_scan scan;

	fixture_scan("removed", &scan);
	CHECK_STR(scan.pool[0].name, "removed");
	pool_scan_free(&scan);
}

TEST(scan_names_what_a_raidz_misses)
{
	const char *dir = fixture_pool("prz1");
	struct pool_scan scan;
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/prz1-1", dir);
	CHECK(remove(path) == 0);
	CHECK(pool_scan(&dir, 1, &scan, NULL) == 0 && scan.npool == 1);
	CHECK(scan.pool[0].complete);
	pool_scan_free(&scan);
	(void)snprintf(path, sizeof(path), "%s/prz1-2", dir);
	CHECK(remove(path) == 0);
	CHECK(pool_scan(&dir, 1, &scan, NULL) == 0 && scan.npool == 1);
	CHECK(!scan.pool[0].complete && strstr(scan.pool[0].why, "prz1-1 was not found") != NULL);
	pool_scan_free(&scan);
}
