/* SPDX-License-Identifier: MIT */
/* Block I/O on pools that OpenZFS made, and with devices lost or damaged. */
#include <errno.h>
#include <stdlib.h>

#include "fixture.h"
#include "smartbox/fs/zio.h"
#include "../../fs/spa_impl.h"
#include "test.h"

struct fixture {
	struct pool_scan scan;
	struct spa spa;
};

static void
open_fixture(struct fixture *f, const char *name, bool readonly)
{
	struct nvlist *tree;
	struct err e = ERR_INIT;

	memset(f, 0, sizeof(*f));
	fixture_scan(name, &f->scan);
	CHECK(nv_get_nvlist(f->scan.pool[0].config, "vdev_tree", &tree) == 0);
	CHECK(vdev_from_config(tree, &f->spa.root, &e) == 0);
	(void)vdev_open(f->spa.root, readonly, &e);
	f->spa.readonly = readonly;
	f->spa.min_ashift = f->spa.root->child[0]->ashift;
}

static int
best_of(struct vdev *leaf, void *arg)
{
	struct spa *spa = arg;
	struct uberblock ub;

	if (leaf->bd != NULL && label_best_uberblock(leaf->bd, leaf->top->ashift, UINT64_MAX, &ub,
	    NULL) == 0 && (spa->ub.magic == 0 || uberblock_newer(&ub, &spa->ub)))
		spa->ub = ub;
	return (0);
}

static void
close_fixture(struct fixture *f)
{
	zio_fini(&f->spa);
	vdev_free(f->spa.root);
	pool_scan_free(&f->scan);
}

/* The root of the meta objset: its type is META, and its first object is the directory. */
static void
check_root(struct fixture *f)
{
	uint8_t phys[4096] = {0};
	uint64_t type;
	int rc;

	(void)vdev_walk_leaves(f->spa.root, best_of, &f->spa);
	CHECK_EQ(f->spa.ub.magic, UBERBLOCK_MAGIC);
	CHECK(bp_lsize(&f->spa.ub.rootbp) <= sizeof(phys));
	rc = zio_read(&f->spa, &f->spa.ub.rootbp, phys);
	CHECK_EQ(rc, 0);
	memcpy(&type, phys + 704, 8);
	CHECK_EQ(type, 1);
	CHECK_EQ(phys[0], OT_DNODE);
}

static void
check_pool(const char *name)
{
	struct fixture f;

	open_fixture(&f, name, true);
	check_root(&f);
	close_fixture(&f);
}

TEST(zio_reads_the_root_of_a_plain_pool)
{
	check_pool("plain");
}

TEST(zio_reads_the_root_of_a_mirror)
{
	check_pool("pmirror");
}

TEST(zio_reads_the_root_of_raidz1)
{
	check_pool("prz1");
}

TEST(zio_reads_the_root_of_raidz2)
{
	check_pool("prz2");
}

TEST(zio_reads_the_root_of_raidz3)
{
	check_pool("prz3");
}

TEST(zio_reads_the_root_of_old_and_bare_pools)
{
	check_pool("v28");
	check_pool("nofeat");
}

/* Read every indirect and dnode block of the meta dnode: hundreds of blocks of many shapes. */
static unsigned
walk_blocks(struct fixture *f, const struct blkptr *bp, unsigned depth)
{
	unsigned n = 1;
	uint8_t *buf;

	if (bp_is_hole(bp) || depth > 8)
		return (0);
	buf = malloc(bp_lsize(bp));
	CHECK_EQ(zio_read(&f->spa, bp, buf), 0);
	for (uint32_t i = 0; bp_level(bp) > 0 && i < bp_lsize(bp) / sizeof(*bp); i++)
		n += walk_blocks(f, (const struct blkptr *)(void *)buf + i, depth + 1);
	/* The dnodes of the meta objset: everything that hangs on their first pointer. */
	for (uint32_t i = 0; bp_level(bp) == 0 && bp_type(bp) == OT_DNODE && i < bp_lsize(bp); i += 512) {
		if (buf[i] != 0)
			n += walk_blocks(f, (const struct blkptr *)(void *)(buf + i + 64), depth + 1);
	}
	free(buf);
	return (n);
}

static unsigned
walk_pool(struct fixture *f)
{
	uint8_t phys[4096] = {0};

	check_root(f);
	CHECK_EQ(zio_read(&f->spa, &f->spa.ub.rootbp, phys), 0);
	return (walk_blocks(f, (const struct blkptr *)(void *)(phys + 64), 0));
}

TEST(zio_reads_every_block_of_the_meta_objset)
{
	static const char *const pools[] = {"plain", "stripe", "mix", "bigdir", "crypt"};

	for (int i = 0; i < 5; i++) {
		struct fixture f;

		open_fixture(&f, pools[i], true);
		CHECK(walk_pool(&f) > 20);
		close_fixture(&f);
	}
}

static void
lose(struct fixture *f, unsigned i)
{
	struct vdev *leaf = f->spa.root->child[0]->child[i];

	vdev_set_bdev(leaf, NULL);
	leaf->state = VS_CANT_OPEN;
}

static void
read_without(const char *name, unsigned a, unsigned b)
{
	struct fixture f;

	open_fixture(&f, name, true);
	lose(&f, a);
	lose(&f, b);
	CHECK(walk_pool(&f) > 20);
	close_fixture(&f);
}

TEST(zio_reads_a_raidz2_without_two_devices)
{
	read_without("prz2", 0, 3);
}

static void
damage(struct fixture *f, unsigned i)
{
	struct bdev *bd = f->spa.root->child[0]->child[i]->bd;
	uint8_t junk[65536];

	for (size_t k = 0; k < sizeof(junk); k++)
		junk[k] = (uint8_t)test_rand();
	for (uint64_t at = VDEV_LABEL_START; at + sizeof(junk) < bd->size - 0x80000; at += sizeof(junk))
		CHECK(bdev_write(bd, junk, sizeof(junk), at) == 0);
}

static void
damaged_pool_heals(const char *name, unsigned nbad)
{
	struct fixture f;
	struct vdev *top;
	uint64_t first;

	open_fixture(&f, name, false);
	top = f.spa.root->child[0];
	for (unsigned i = 0; i < nbad; i++)
		damage(&f, i);
	CHECK(walk_pool(&f) > 20);
	first = f.spa.root->err_cksum;
	CHECK(first > 0 && top->child[0]->err_cksum > 0);
	CHECK(walk_pool(&f) > 20);
	CHECK_EQ(f.spa.root->err_cksum, first); /* the second time nothing was wrong */
	close_fixture(&f);
}

TEST(zio_reads_a_mirror_by_its_last_side)
{
	read_without("pmirror", 0, 1);
}

TEST(zio_heals_a_damaged_mirror_side)
{
	damaged_pool_heals("pmirror", 2);
}

TEST(zio_heals_silently_damaged_raidz1_column)
{
	damaged_pool_heals("prz1", 1);
}

TEST(zio_heals_three_silently_damaged_raidz3_columns)
{
	damaged_pool_heals("prz3", 3);
}

TEST(zio_refuses_impossible_pointers)
{
	struct fixture f;
	struct blkptr bp;
	uint8_t *buf = malloc(16 << 20);

	open_fixture(&f, "plain", true);
	check_root(&f);
	for (int i = 0; i < 2000; i++) {
		bp = f.spa.ub.rootbp;
		bp.w[test_rand() % 16] ^= 1ULL << test_rand() % 64;
		bp.w[test_rand() % 16] ^= 1ULL << test_rand() % 64;
		if (bp_lsize(&bp) <= 16 << 20)
			(void)zio_read(&f.spa, &bp, buf);
	}
	close_fixture(&f);
	free(buf);
}
