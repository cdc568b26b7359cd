/* SPDX-License-Identifier: MIT */
/* What stays in the cache of clean blocks, and what goes. */
#include <stdlib.h>

#include "../../fs/dmu_impl.h"
#include "fs_pool.h"
#include "test.h"

enum { BLOCK = 16 << 10, BLOCKS = 1024, HOT = 20, BUDGET = 2 << 20 };

static struct objset *OS;
static uint64_t obj;

static void
object_make(struct spa *spa)
{
	char *buf = malloc(BLOCK);

	OS = spa_mos(spa);
	CHECK_EQ(dmu_object_alloc(OS, OT_U64_METADATA, BLOCK, 0, 0, &obj), 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		for (unsigned k = 0; k < BLOCK; k++)
			buf[k] = (char)test_rand();
		CHECK_EQ(dmu_write(OS, obj, (uint64_t)i * BLOCK, BLOCK, buf), 0);
	}
	free(buf);
	CHECK_EQ(spa_sync(spa, NULL), 0);
	dmu_cache_set_limit(spa, 0);
	dmu_cache_set_limit(spa, BUDGET);
}

static void
touch(unsigned block)
{
	char byte;

	CHECK_EQ(dmu_read(OS, obj, (uint64_t)block * BLOCK, 1, &byte), 0);
}

static unsigned
hot_in_memory(void)
{
	struct dnode *dn;
	unsigned n = 0;

	CHECK_EQ(dnode_hold(OS, obj, &dn), 0);
	for (unsigned i = 0; i < HOT; i++)
		n += dbuf_find(dn, 0, i) != NULL;
	dnode_rele(dn);
	return (n);
}

TEST(a_long_scan_does_not_throw_out_what_is_used_again_and_again)
{
	struct spa *spa = fs_test_pool(128, true);

	object_make(spa);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < HOT; i++)
			touch(i);
		for (unsigned i = 0; i < 40; i++) /* others in between: the uses are uses of their own */
			touch(100 + i % 10);
	}
	for (unsigned i = HOT; i < BLOCKS; i++)
		touch(i);
	CHECK_EQ(hot_in_memory(), HOT);
	fs_test_close(spa);
}

TEST(what_comes_back_after_it_was_thrown_out_gets_more_of_the_budget)
{
	struct spa *spa = fs_test_pool(128, true);
	size_t before;

	object_make(spa);
	before = spa->cache->wanted;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 150; i++)
			touch(i);
	CHECK(spa->cache->wanted > before);
	fs_test_close(spa);
}

TEST(the_cache_keeps_to_its_budget_and_at_rest_to_less)
{
	struct spa *spa = fs_test_pool(128, true);
	struct dmu_cache *c = spa->cache;

	object_make(spa);
	for (unsigned i = 0; i < 3000; i++) {
		touch((unsigned)test_rand() % BLOCKS);
		CHECK(c->list[CACHE_RECENT].bytes + c->list[CACHE_FREQUENT].bytes <= BUDGET);
	}
	dmu_cache_set_limit(spa, 8 << 20);
	for (unsigned i = 0; i < BLOCKS; i++)
		touch(i);
	CHECK(c->list[CACHE_RECENT].bytes + c->list[CACHE_FREQUENT].bytes > 4 << 20);
	dmu_cache_rest(spa);
	CHECK(c->list[CACHE_RECENT].bytes + c->list[CACHE_FREQUENT].bytes <= 2 << 20);
	fs_test_close(spa);
}
