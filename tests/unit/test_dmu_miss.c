/* SPDX-License-Identifier: MIT */
/*
 * Operations that give the pool's lock up while they read the disk: many of them at once, beside a
 * writer and syncs, with a cache so small that nothing stays in it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "../../fs/dmu_impl.h"
#include "../../fs/vdev_impl.h"
#include "test.h"
#include "zpl_util.h"

enum { FILES = 8, FILE_BYTES = 1 << 20, READERS = 3, ROUNDS = 60, SMALL_CACHE = 512 << 10 };

struct stage {
	struct test_fs f;
	uint64_t obj[FILES];
	uint8_t value[FILES]; /* every byte of file i; with the pool's lock */
	int stop, bad;
	unsigned batches; /* written behind so far */
};

static void
files_make(struct stage *s)
{
	char *buf = malloc(FILE_BYTES);
	struct zpl_new n = {.mode = 0100644};

	spa_enter(s->f.spa);
	for (unsigned i = 0; i < FILES; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%u", i);
		memset(buf, (int)i, FILE_BYTES);
		s->value[i] = (uint8_t)i;
		CHECK_EQ(zpl_create(s->f.z, zpl_root(s->f.z), name, &n, &s->obj[i]), 0);
		CHECK_EQ(zpl_write(s->f.z, s->obj[i], 0, FILE_BYTES, buf, false), 0);
	}
	spa_exit(s->f.spa);
	free(buf);
	test_sync(s->f.spa);
}

static void
stage_new(struct stage *s)
{
	*s = (struct stage){.bad = 0};
	s->f.spa = test_pool_create(128);
	test_fs_create(s->f.spa, "t/fs", "compression", "lz4");
	test_fs_open(s->f.spa, "t/fs", &s->f);
	files_make(s);
}

static void
stage_free(struct stage *s)
{
	struct err e = ERR_INIT;

	test_fs_close(&s->f);
	CHECK_EQ(spa_export(s->f.spa, &e), 0);
}

/* Everything that is clean out of the cache. */
static void
forget_all(struct stage *s)
{
	spa_enter(s->f.spa);
	dmu_cache_set_limit(s->f.spa, 0);
	dmu_cache_set_limit(s->f.spa, SMALL_CACHE);
	spa_exit(s->f.spa);
}

struct reading {
	struct stage *s;
	unsigned file, runs;
	uint64_t off;
	size_t len;
	uint8_t want, buf[256 << 10];
	int rc;
};

static int
read_step(void *arg)
{
	struct reading *r = arg;

	r->runs++;
	r->want = r->s->value[r->file];
	r->rc = zpl_read(r->s->f.z, r->s->obj[r->file], r->off, r->len, r->buf);
	return (r->rc < 0 ? r->rc : 0);
}

static bool
is_right(const struct reading *r)
{
	for (size_t i = 0; i < r->len; i++)
		if (r->buf[i] != r->want)
			return (false);
	return (r->rc == (int)r->len);
}

TEST(a_read_that_misses_is_unwound_and_run_again_with_the_block_in_memory)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct stage s;

	stage_new(&s);
	forget_all(&s);
	*r = (struct reading){.s = &s, .file = 3, .off = 5000, .len = 4096};
	CHECK_EQ(dmu_run(s.f.spa, read_step, NULL, r), 0);
	CHECK(is_right(r));
	CHECK(r->runs > 1);
	r->runs = 0;
	CHECK_EQ(dmu_run(s.f.spa, read_step, NULL, r), 0);
	CHECK(is_right(r));
	CHECK_EQ(r->runs, 1);
	free(r);
	stage_free(&s);
}

TEST(whole_large_blocks_come_into_the_buffer_and_not_into_the_cache)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct stage s;
	size_t before;

	stage_new(&s);
	forget_all(&s);
	*r = (struct reading){.s = &s, .file = 5, .off = 0, .len = 4096};
	CHECK_EQ(dmu_run(s.f.spa, read_step, NULL, r), 0);
	before = dmu_cache_bytes(s.f.spa);
	*r = (struct reading){.s = &s, .file = 5, .off = 256 << 10, .len = 256 << 10};
	CHECK_EQ(dmu_run(s.f.spa, read_step, NULL, r), 0);
	CHECK(is_right(r));
	CHECK_EQ(dmu_cache_bytes(s.f.spa), before);
	free(r);
	stage_free(&s);
}

TEST(what_a_write_prepared_it_finds_in_memory)
{
	struct stage s;
	struct objset *os;
	struct dnode *dn;

	stage_new(&s);
	forget_all(&s);
	spa_enter(s.f.spa);
	zpl_write_prepare(s.f.z, s.obj[1], 1000, 10);
	CHECK_EQ(dsl_objset(s.f.ds, &os), 0);
	CHECK_EQ(dnode_hold(os, s.obj[1], &dn), 0);
	CHECK(dbuf_find(dn, 0, 0) != NULL);
	CHECK(!dbuf_find(dn, 0, 0)->unfilled);
	dnode_rele(dn);
	spa_exit(s.f.spa);
	stage_free(&s);
}

static int
leaf_break(struct vdev *leaf, void *arg)
{
	leaf->state = *(const int *)arg ? VS_FAULTED : VS_HEALTHY;
	return (0);
}

TEST(a_block_that_cannot_be_read_is_an_error_and_no_endless_loop)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct stage s;
	int yes = 1, no = 0;

	stage_new(&s);
	forget_all(&s);
	*r = (struct reading){.s = &s, .file = 2, .off = 1, .len = 100};
	(void)vdev_walk_leaves(spa_root_vdev(s.f.spa), leaf_break, &yes);
	CHECK(dmu_run(s.f.spa, read_step, NULL, r) < 0);
	(void)vdev_walk_leaves(spa_root_vdev(s.f.spa), leaf_break, &no);
	CHECK_EQ(dmu_run(s.f.spa, read_step, NULL, r), 0);
	CHECK(is_right(r));
	free(r);
	stage_free(&s);
}

static void *
reader_main(void *arg)
{
	struct stage *s = arg;
	struct reading *r = calloc(1, sizeof(*r));
	uint64_t seed = (uintptr_t)r;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		*r = (struct reading){.s = s, .file = seed >> 60 & 7};
		r->len = seed >> 50 & 1 ? 128 << 10 : 1 + (seed >> 20 & 0xffff);
		r->off = (seed >> 40 & 7) * (128 << 10);
		if (dmu_run(s->f.spa, read_step, NULL, r) != 0 || !is_right(r))
			__atomic_store_n(&s->bad, 1, __ATOMIC_RELAXED);
	}
	free(r);
	return (NULL);
}

/* A whole file gets another value in one bracket; now and then a sync, or a file that is emptied. */
static void
writer_round(struct stage *s, char *buf, unsigned round)
{
	unsigned i = (unsigned)test_rand() % FILES;

	memset(buf, (int)(round + 100), FILE_BYTES);
	spa_enter(s->f.spa);
	if (round % 5 == 0)
		CHECK_EQ(zpl_write(s->f.z, s->obj[i], 0, 1, buf, false), 0);
	CHECK_EQ(zpl_write(s->f.z, s->obj[i], 0, FILE_BYTES, buf, false), 0);
	s->value[i] = (uint8_t)(round + 100);
	spa_exit(s->f.spa);
	if (round % 3 == 0)
		test_sync(s->f.spa);
}

static void *
behind_main(void *arg)
{
	struct stage *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		spa_enter(s->f.spa);
		s->batches += write_behind(s->f.spa, 0);
		if (s->batches % 8 == 7)
			write_behind_flush(s->f.spa);
		spa_exit(s->f.spa);
		(void)sched_yield();
	}
	return (NULL);
}

static unsigned
batches_written(struct stage *s)
{
	unsigned n;

	spa_enter(s->f.spa);
	n = s->batches;
	spa_exit(s->f.spa);
	return (n);
}

static void
check_files(struct stage *s)
{
	struct reading *r = calloc(1, sizeof(*r));

	for (unsigned i = 0; i < FILES; i++)
		for (uint64_t off = 0; off < FILE_BYTES; off += sizeof(r->buf)) {
			*r = (struct reading){.s = s, .file = i, .off = off, .len = sizeof(r->buf)};
			CHECK_EQ(dmu_run(s->f.spa, read_step, NULL, r), 0);
			CHECK(is_right(r));
		}
	free(r);
}

TEST(blocks_written_before_the_sync_are_the_newest_ones_whatever_changes_meanwhile)
{
	char *buf = malloc(FILE_BYTES);
	pthread_t t[2], behind;
	struct stage s;

	stage_new(&s);
	forget_all(&s);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, reader_main, &s), 0);
	CHECK_EQ(pthread_create(&behind, NULL, behind_main, &s), 0);
	/* On a busy machine the other thread may come late: no end without it. */
	for (unsigned round = 0; round < ROUNDS || batches_written(&s) == 0; round++)
		writer_round(&s, buf, round);
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(pthread_join(behind, NULL), 0);
	CHECK_EQ(s.bad, 0);
	check_files(&s);
	test_fs_close(&s.f);
	s.f.spa = test_pool_reopen(s.f.spa);
	test_fs_open(s.f.spa, "t/fs", &s.f);
	check_files(&s);
	free(buf);
	stage_free(&s);
}

TEST(readers_without_the_lock_see_whole_states_beside_a_writer_and_syncs)
{
	char *buf = malloc(FILE_BYTES);
	pthread_t t[READERS];
	struct stage s;

	stage_new(&s);
	forget_all(&s);
	for (unsigned i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, reader_main, &s), 0);
	for (unsigned round = 0; round < ROUNDS; round++)
		writer_round(&s, buf, round);
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(s.bad, 0);
	free(buf);
	stage_free(&s);
}
