/* SPDX-License-Identifier: MIT */
/* A top-level with data leaves the pool: nothing is lost, whatever happens meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fs/checkpoint.h"
#include "../../fs/removal_impl.h"
#include "../../fs/remap.h"
#include "../../fs/spa_vdev_impl.h"
#include "fs_pool.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/tender.h"
#include "test.h"

enum { OBJECTS = 40, OBJECT_BYTES = 300000, TOPS = 4 };

struct rig {
	char dir[80];
	unsigned width; /* leaves of a top-level */
	struct spa *spa;
	uint64_t object[OBJECTS];
	uint32_t seed[OBJECTS];
};

static struct nvlist *
make_leaf(const struct rig *r, unsigned i)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/d%u", r->dir, i);
	fs_test_file(path, 256);
	return (fs_test_leaf(path));
}

static struct nvlist *
make_top(const struct rig *r, unsigned i)
{
	struct nvlist *leaf[2], *nv = nv_new();

	if (r->width == 1) {
		nv_free(nv);
		return (make_leaf(r, i));
	}
	for (unsigned k = 0; k < 2; k++)
		leaf[k] = make_leaf(r, 2 * i + k);
	CHECK(nv_add_str(nv, "type", "mirror") == 0 &&
	    nv_add_nvlist_array(nv, "children", leaf, 2) == 0);
	nv_free(leaf[0]);
	nv_free(leaf[1]);
	return (nv);
}

/* Four top-levels, entered. */
static void
rig_open(struct rig *r, unsigned width)
{
	struct nvlist *root = nv_new(), *top[TOPS];

	*r = (struct rig){.width = width};
	fs_test_folder(r->dir, "removal");
	for (unsigned i = 0; i < TOPS; i++)
		top[i] = make_top(r, i);
	(void)nv_add_str(root, "type", "root");
	(void)nv_add_nvlist_array(root, "children", top, TOPS);
	for (unsigned i = 0; i < TOPS; i++)
		nv_free(top[i]);
	r->spa = fs_test_create(root);
}

/* Without a last sync: a crash. */
static void
rig_crash(struct rig *r)
{
	fs_test_close(r->spa);
	r->spa = fs_test_import_from(r->dir, false);
}

/* Objects that were there get other bytes or are freed, others are made. */
static void
churn(struct rig *r, unsigned n)
{
	static uint8_t buf[OBJECT_BYTES];
	struct dsl_dataset *ds;
	struct objset *os = fs_test_root(r->spa, &ds);

	for (unsigned k = 0; k < n; k++) {
		unsigned i = (unsigned)test_rand() % OBJECTS;

		if (r->object[i] != 0 && test_rand() % 3 == 0) {
			CHECK_EQ(dmu_object_free(os, r->object[i]), 0);
			r->object[i] = 0;
			continue;
		}
		if (r->object[i] == 0)
			CHECK_EQ(dmu_object_alloc(os, OT_PLAIN_FILE, 16384, OT_NONE, 0, &r->object[i]), 0);
		r->seed[i] = (uint32_t)test_rand();
		fs_test_fill(buf, OBJECT_BYTES, r->seed[i]);
		CHECK_EQ(dmu_write(os, r->object[i], 0, OBJECT_BYTES, buf), 0);
	}
	dsl_rele(ds);
	fs_test_sync(r->spa);
}

static void
check_all(struct rig *r)
{
	static uint8_t buf[OBJECT_BYTES], want[OBJECT_BYTES];
	struct dsl_dataset *ds;
	struct objset *os = fs_test_root(r->spa, &ds);

	objset_evict(os, objset_bp(os));
	for (unsigned i = 0; i < OBJECTS; i++) {
		if (r->object[i] == 0)
			continue;
		fs_test_fill(want, OBJECT_BYTES, r->seed[i]);
		CHECK_EQ(dmu_read(os, r->object[i], 0, OBJECT_BYTES, buf), 0);
		CHECK(memcmp(buf, want, OBJECT_BYTES) == 0);
	}
	dsl_rele(ds);
}

static void
check_clean(struct rig *r)
{
	struct scrub_stat st;
	struct err e = ERR_INIT;

	CHECK_EQ(scrub_start(r->spa, &e), 0);
	while (scrub_step(r->spa, 1000) == 1)
		continue;
	scrub_stat(r->spa, &st);
	CHECK_EQ(st.errors, 0);
	CHECK_EQ(st.repaired, 0);
	check_all(r);
}

static void
begin(struct rig *r, unsigned top)
{
	struct err e = ERR_INIT;

	if (removal_begin(r->spa, vdev_top(r->spa->root, top), &e) != 0)
		test_fail(__FILE__, __LINE__, "remove: %s", e.msg);
	CHECK(removal_is_active(r->spa));
}

/* Chunks are small, so that a removal takes many steps; ms 0: one chunk. */
static void
step(struct rig *r, unsigned n)
{
	r->spa->removal->most = 65536;
	while (n-- > 0 && removal_step(r->spa, 0))
		continue;
}

static void
finish(struct rig *r)
{
	for (unsigned i = 0; i < 100000 && removal_is_active(r->spa); i++)
		(void)removal_step(r->spa, 20);
	CHECK(!removal_is_active(r->spa));
}

static enum removal_state
state(const struct rig *r)
{
	struct removal_stat st;

	removal_stat(r->spa, &st);
	return (st.state);
}

static uint64_t
allocated(struct rig *r)
{
	struct space_stats st;

	metaslab_stats(r->spa, &st);
	return (st.alloc);
}

static void
leaves(unsigned width)
{
	struct rig r;

	rig_open(&r, width);
	churn(&r, 60);
	begin(&r, 1);
	finish(&r);
	CHECK_EQ(state(&r), REMOVAL_FINISHED);
	CHECK_EQ(vdev_top(r.spa->root, 1)->kind, VDEV_INDIRECT);
	CHECK_EQ(vdev_leaf_count(r.spa->root), (TOPS - 1) * width);
	check_clean(&r);
	rig_crash(&r);
	check_clean(&r);
	churn(&r, 60);
	begin(&r, 0); /* what the first left on it moves once more */
	finish(&r);
	CHECK_EQ(state(&r), REMOVAL_FINISHED);
	churn(&r, 30);
	rig_crash(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(removal_moves_all_and_the_pool_goes_on)
{
	leaves(1);
	leaves(2);
}

TEST(removal_goes_on_after_a_crash_where_the_mapping_ends)
{
	struct rig r;
	uint64_t moved;

	rig_open(&r, 1);
	churn(&r, 60);
	begin(&r, 2);
	step(&r, 5);
	fs_test_sync(r.spa);
	moved = remap_end(removal_top(r.spa)->remap);
	CHECK(moved != 0);
	step(&r, 5); /* is lost */
	rig_crash(&r);
	CHECK(removal_is_active(r.spa));
	CHECK_EQ(remap_end(removal_top(r.spa)->remap), moved);
	check_all(&r);
	for (unsigned i = 0; i < 20 && removal_is_active(r.spa); i++) {
		step(&r, 3);
		churn(&r, 5);
	}
	rig_crash(&r);
	finish(&r);
	CHECK_EQ(state(&r), REMOVAL_FINISHED);
	check_clean(&r);
	rig_crash(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

/* Freed behind, at and before the place where the removal is; then all copies are given back. */
TEST(removal_that_is_cancelled_leaves_no_trace)
{
	struct rig r;
	struct err e = ERR_INIT;
	struct vdev *top;

	rig_open(&r, 2);
	churn(&r, 60);
	begin(&r, 1);
	top = removal_top(r.spa);
	step(&r, 8);
	churn(&r, 20);
	step(&r, 8);
	CHECK(removal_is_active(r.spa));
	churn(&r, 20);
	CHECK_EQ(removal_cancel(r.spa, &e), 0);
	CHECK_EQ(state(&r), REMOVAL_CANCELED);
	CHECK_EQ(vdev_top(r.spa->root, 1), top);
	CHECK(top->remap == NULL && !spa_feature_active(r.spa, "com.delphix:device_removal") &&
	    !spa_feature_active(r.spa, "com.delphix:obsolete_counts"));
	CHECK_EQ(removal_cancel(r.spa, &e), -ENOENT);
	churn(&r, 40);
	rig_crash(&r);
	check_clean(&r);
	begin(&r, 1);
	finish(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(removal_of_what_nobody_needs_frees_where_it_went)
{
	struct rig r;
	uint64_t before;

	rig_open(&r, 1);
	before = allocated(&r);
	churn(&r, 60);
	begin(&r, 3);
	finish(&r);
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct dsl_dataset *ds;
		struct objset *os = fs_test_root(r.spa, &ds);

		if (r.object[i] != 0)
			CHECK_EQ(dmu_object_free(os, r.object[i]), 0);
		r.object[i] = 0;
		dsl_rele(ds);
	}
	fs_test_sync(r.spa);
	CHECK(allocated(&r) < before + (2 << 20));
	fs_test_end(r.spa, r.dir);
}

TEST(removal_condenses_a_mapping_that_is_mostly_obsolete)
{
	struct rig r;
	const struct vdev_remap *m;
	size_t entries;

	rig_open(&r, 1);
	for (unsigned i = 0; i < 12; i++)
		churn(&r, 40);
	begin(&r, 0);
	while (removal_is_active(r.spa)) {
		r.spa->removal->most = 4096;
		(void)removal_step(r.spa, 20);
	}
	m = vdev_top(r.spa->root, 0)->remap;
	entries = m->n;
	r.spa->removal->condense_least = 1000;
	for (unsigned i = 0; i < 8; i++)
		churn(&r, 40);
	CHECK(entries > 100 && m->n < entries * 3 / 4 + 1);
	rig_crash(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

static int
refused(struct rig *r, unsigned top)
{
	struct err e = ERR_INIT;

	return (removal_begin(r->spa, vdev_top(r->spa->root, top), &e));
}

TEST(removal_is_refused_where_it_cannot_be)
{
	struct rig r;
	struct err e = ERR_INIT;

	rig_open(&r, 2);
	churn(&r, 20);
	CHECK_EQ(checkpoint_take(r.spa, &e), 0);
	CHECK_EQ(refused(&r, 1), -EEXIST);
	CHECK_EQ(checkpoint_discard(r.spa, &e), 0);
	vdev_top(r.spa->root, 3)->ashift = 9;
	CHECK_EQ(refused(&r, 1), -EINVAL);
	vdev_top(r.spa->root, 3)->ashift = 12;
	begin(&r, 1);
	CHECK_EQ(refused(&r, 2), -EBUSY);
	CHECK_EQ(checkpoint_take(r.spa, &e), -EBUSY);
	finish(&r);
	begin(&r, 2);
	finish(&r);
	CHECK_EQ(refused(&r, 3), -ENOSPC); /* too little would be left */
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

/* A side that was away while ranges were moved gets them from a resilver, old as their births are. */
TEST(removal_is_resilvered_by_the_age_of_the_copies)
{
	struct rig r;
	struct err e = ERR_INIT;
	struct scrub_stat st;
	const char *away;

	rig_open(&r, 2);
	churn(&r, 60);
	away = vdev_leaf_at(vdev_top(r.spa->root, 0), 1)->path;
	CHECK_EQ(spa_vdev_offline(r.spa, away, false, false, &e), 0);
	begin(&r, 1);
	finish(&r);
	CHECK_EQ(state(&r), REMOVAL_FINISHED);
	CHECK_EQ(spa_vdev_online(r.spa, vdev_leaf_at(vdev_top(r.spa->root, 0), 1)->path, false, &e), 0);
	check_all(&r);
	tender_wake(r.spa);
	do {
		(void)tender_round(r.spa, 50);
		scrub_stat(r.spa, &st);
	} while (st.state == SCRUB_RUNNING);
	fs_test_sync(r.spa);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

/* JUDGED_WHAT: half, cancelled, removed, condensed. */
TEST(removal_is_left_for_outside_judges)
{
	const char *what = getenv("JUDGED_WHAT");
	struct err e = ERR_INIT;
	uint64_t counts;
	struct rig r;

	if (getenv("JUDGED_POOL") == NULL || what == NULL)
		test_skip("JUDGED_POOL is not set");
	rig_open(&r, getenv("JUDGED_WIDTH") != NULL && *getenv("JUDGED_WIDTH") == '2' ? 2 : 1);
	for (unsigned i = 0; i < 12; i++)
		churn(&r, 40);
	begin(&r, 1);
	step(&r, 2);
	churn(&r, 20);
	step(&r, 2);
	CHECK(removal_is_active(r.spa));
	churn(&r, 20);
	if (strcmp(what, "cancelled") == 0)
		CHECK_EQ(removal_cancel(r.spa, &e), 0);
	if (strcmp(what, "condensed") == 0)
		while (removal_is_active(r.spa)) {
			r.spa->removal->most = 4096;
			(void)removal_step(r.spa, 20);
		}
	if (strcmp(what, "removed") == 0)
		finish(&r);
	r.spa->removal->condense_least = 1000;
	counts = strcmp(what, "cancelled") == 0 ? 0 : vdev_top(r.spa->root, 1)->remap->counts_object;
	for (unsigned i = 0; i < 10 && strcmp(what, "half") != 0; i++)
		churn(&r, 40);
	if (strcmp(what, "condensed") == 0) /* a quarter of it must have gone: chance says when */
		for (unsigned i = 0; vdev_top(r.spa->root, 1)->remap->counts_object == counts; i++) {
			CHECK(i < 100);
			churn(&r, 40);
		}
	check_all(&r);
	spa_exit(r.spa);
	CHECK_EQ(spa_export(r.spa, NULL), 0);
}
