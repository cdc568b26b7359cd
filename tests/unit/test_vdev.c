/* SPDX-License-Identifier: MIT */
/* Devices come and go: what each missed is known, brought back, and nothing is lost meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fs/dtl.h"
#include "../../fs/spa_vdev_impl.h"
#include "fs_pool.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/tender.h"
#include "test.h"

enum { OBJECTS = 12, OBJECT_BYTES = 200000, DEVICE_MIB = 64 };

/* A pool on files of a private folder, so that it can be imported again by path. */
struct rig {
	char dir[80];
	struct spa *spa;
	uint64_t object[OBJECTS];
	uint32_t seed[OBJECTS];
	unsigned n;
};

static char *
device(const struct rig *r, const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, 128, "%s/%s", r->dir, name);
	return (p);
}

/* type NULL: the devices are top-levels. Entered. */
static void
rig_open(struct rig *r, const char *type, unsigned nparity, unsigned ndev)
{
	struct nvlist *root = nv_new(), *group = nv_new(), *leaf[16];
	char name[8];

	*r = (struct rig){0};
	fs_test_folder(r->dir, "vdev");
	for (unsigned i = 0; i < ndev; i++) {
		(void)snprintf(name, sizeof(name), "d%u", i % 100);
		fs_test_file(device(r, name), DEVICE_MIB);
		leaf[i] = fs_test_leaf(device(r, name));
	}
	(void)nv_add_str(root, "type", "root");
	if (type != NULL) {
		(void)nv_add_str(group, "type", type);
		if (nparity > 0)
			(void)nv_add_u64(group, "nparity", nparity);
		(void)nv_add_nvlist_array(group, "children", leaf, ndev);
		(void)nv_add_nvlist_array(root, "children", &group, 1);
	} else {
		(void)nv_add_nvlist_array(root, "children", leaf, ndev);
	}
	for (unsigned i = 0; i < ndev; i++)
		nv_free(leaf[i]);
	nv_free(group);
	r->spa = fs_test_create(root);
}

static void
rig_import(struct rig *r)
{
	fs_test_close(r->spa);
	r->spa = fs_test_import_from(r->dir, false);
}

/* One more object, and one of the old ones gets other bytes. */
static void
write_some(struct rig *r)
{
	static uint8_t buf[OBJECT_BYTES];
	struct dsl_dataset *ds;
	struct objset *os = fs_test_root(r->spa, &ds);

	if (r->n < OBJECTS) {
		CHECK(dmu_object_alloc(os, OT_PLAIN_FILE, 16384, OT_NONE, 0, &r->object[r->n]) == 0);
		r->n++;
	}
	for (unsigned k = 0; k < 2; k++) {
		unsigned i = k == 0 ? r->n - 1 : (unsigned)test_rand() % r->n;

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
	for (unsigned i = 0; i < r->n; i++) {
		fs_test_fill(want, OBJECT_BYTES, r->seed[i]);
		CHECK_EQ(dmu_read(os, r->object[i], 0, OBJECT_BYTES, buf), 0);
		CHECK(memcmp(buf, want, OBJECT_BYTES) == 0);
	}
	dsl_rele(ds);
}

static void
resilver(struct rig *r)
{
	struct scrub_stat st;

	tender_wake(r->spa);
	for (unsigned i = 0; i < 10000; i++) {
		(void)tender_round(r->spa, 50);
		scrub_stat(r->spa, &st);
		if (st.state != SCRUB_RUNNING)
			break;
	}
	CHECK_EQ(st.state, SCRUB_FINISHED);
	CHECK_EQ(st.errors, 0);
	fs_test_sync(r->spa);
}

/* Nothing is wrong anywhere: no device has errors, none lacks anything, a scrub finds nothing. */
static int
leaf_is_clean(struct vdev *leaf, void *arg)
{
	(void)arg;
	if (leaf->state != VS_HEALTHY || leaf->err_read + leaf->err_write + leaf->err_cksum != 0 ||
	    !dtl_is_empty(leaf))
		test_fail(__FILE__, __LINE__, "%s: state %d (%s), errors %d %d %d, log %s", leaf->path,
		    leaf->state, leaf->why != NULL ? leaf->why : "", (int)leaf->err_read,
		    (int)leaf->err_write, (int)leaf->err_cksum, dtl_is_empty(leaf) ? "empty" : "not empty");
	return (0);
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
	(void)vdev_walk_leaves(r->spa->root, leaf_is_clean, NULL);
	check_all(r);
}

static void
offline(struct rig *r, const char *name)
{
	struct err e = ERR_INIT;

	if (spa_vdev_offline(r->spa, device(r, name), false, false, &e) != 0)
		test_fail(__FILE__, __LINE__, "offline: %s", e.msg);
}

static void
online(struct rig *r, const char *name)
{
	struct err e = ERR_INIT;

	if (spa_vdev_online(r->spa, device(r, name), false, &e) != 0)
		test_fail(__FILE__, __LINE__, "online: %s", e.msg);
}

static struct vdev *
leaf_named(struct rig *r, const char *name)
{
	return (vdev_find(r->spa->root, device(r, name)));
}

static void
comes_back(const char *type, unsigned nparity, unsigned ndev)
{
	struct rig r;

	rig_open(&r, type, nparity, ndev);
	write_some(&r);
	offline(&r, "d1");
	CHECK_EQ(leaf_named(&r, "d1")->state, VS_OFFLINE);
	CHECK_EQ(r.spa->root->state, VS_DEGRADED);
	write_some(&r);
	write_some(&r);
	CHECK(!dtl_is_empty(leaf_named(&r, "d1")));
	check_all(&r);
	online(&r, "d1");
	check_all(&r);
	CHECK_EQ(leaf_named(&r, "d1")->err_cksum, 0); /* stale sides are not even asked */
	resilver(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_that_was_offline_gets_what_it_missed)
{
	comes_back("mirror", 0, 2);
	comes_back("mirror", 0, 3);
	comes_back("raidz", 1, 3);
	comes_back("raidz", 2, 5);
}

TEST(vdev_log_of_what_it_missed_outlives_an_import)
{
	struct rig r;

	rig_open(&r, "mirror", 0, 2);
	write_some(&r);
	offline(&r, "d0");
	write_some(&r);
	rig_import(&r);
	CHECK_EQ(leaf_named(&r, "d0")->state, VS_OFFLINE);
	CHECK(!dtl_is_empty(leaf_named(&r, "d0")));
	write_some(&r);
	online(&r, "d0");
	rig_import(&r);
	CHECK(!dtl_is_empty(leaf_named(&r, "d0")));
	check_all(&r);
	CHECK_EQ(leaf_named(&r, "d0")->err_cksum, 0);
	resilver(&r);
	rig_import(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_that_is_needed_cannot_go)
{
	struct rig r;
	struct err e = ERR_INIT;

	rig_open(&r, "mirror", 0, 2);
	write_some(&r);
	offline(&r, "d0");
	CHECK_EQ(spa_vdev_offline(r.spa, device(&r, "d1"), false, false, &e), -EBUSY);
	CHECK_EQ(spa_vdev_detach(r.spa, device(&r, "d1"), &e), -EBUSY);
	write_some(&r);
	online(&r, "d0");
	/* It is back, but only d1 has what was written meanwhile. */
	CHECK_EQ(spa_vdev_detach(r.spa, device(&r, "d1"), &e), -EBUSY);
	resilver(&r);
	CHECK_EQ(spa_vdev_detach(r.spa, device(&r, "d1"), &e), 0);
	CHECK_EQ(r.spa->root->child[0]->kind, VDEV_FILE);
	check_clean(&r);
	rig_import(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

static int
attach(struct rig *r, const char *old, const char *name, bool replace)
{
	struct nvlist *leaf = name != NULL ? fs_test_leaf(device(r, name)) : NULL;
	struct spa_attach a = {.old = device(r, old), .leaf = leaf, .replace = replace};
	struct err e = ERR_INIT;
	int rc = spa_vdev_attach(r->spa, &a, &e);

	nv_free(leaf);
	return (rc);
}

TEST(vdev_attached_to_a_disk_makes_a_mirror)
{
	struct rig r;

	rig_open(&r, NULL, 0, 1);
	for (int i = 0; i < 4; i++)
		write_some(&r);
	fs_test_file(device(&r, "new"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d0", "new", false), 0);
	CHECK_EQ(r.spa->root->child[0]->kind, VDEV_MIRROR);
	CHECK_EQ(attach(&r, "d0", "new", false), -EBUSY); /* it is ours by now */
	write_some(&r);
	rig_import(&r); /* half-way */
	check_all(&r);
	resilver(&r);
	check_clean(&r);
	fs_test_file(device(&r, "third"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "new", "third", false), 0);
	CHECK_EQ(r.spa->root->child[0]->nchild, 3);
	resilver(&r);
	check_clean(&r);
	CHECK_EQ(spa_vdev_detach(r.spa, device(&r, "d0"), NULL), 0);
	CHECK_EQ(spa_vdev_detach(r.spa, device(&r, "new"), NULL), 0);
	rig_import(&r);
	CHECK_EQ(r.spa->root->child[0]->kind, VDEV_FILE);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

static void
replaces(const char *type, unsigned nparity, unsigned ndev)
{
	struct rig r;

	rig_open(&r, type, nparity, ndev);
	for (int i = 0; i < 4; i++)
		write_some(&r);
	fs_test_file(device(&r, "new"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d1", "new", true), 0);
	write_some(&r);
	CHECK_EQ(leaf_named(&r, "new")->parent->kind, VDEV_REPLACING);
	check_all(&r);
	rig_import(&r);
	CHECK_EQ(leaf_named(&r, "new")->parent->kind, VDEV_REPLACING);
	write_some(&r);
	resilver(&r);
	CHECK(leaf_named(&r, "d1") == NULL);
	CHECK(leaf_named(&r, "new")->parent->kind != VDEV_REPLACING);
	check_clean(&r);
	rig_import(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_is_replaced_by_another)
{
	replaces(NULL, 0, 2);
	replaces("mirror", 0, 2);
	replaces("raidz", 1, 3);
	replaces("raidz", 3, 6);
}

TEST(vdev_is_replaced_in_its_place)
{
	struct rig r;

	rig_open(&r, "raidz", 1, 3);
	for (int i = 0; i < 3; i++)
		write_some(&r);
	CHECK_EQ(attach(&r, "d2", NULL, true), -EBUSY); /* it is still there */
	check_clean(&r);
	CHECK(unlink(device(&r, "d2")) == 0);
	fs_test_file(device(&r, "d2"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d2", NULL, true), 0);
	write_some(&r);
	resilver(&r);
	check_clean(&r);
	rig_import(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_that_goes_away_in_a_resilver_keeps_its_log)
{
	struct rig r;

	rig_open(&r, "mirror", 0, 2);
	for (int i = 0; i < 4; i++)
		write_some(&r);
	fs_test_file(device(&r, "new"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d0", "new", false), 0);
	CHECK_EQ(resilver_start(r.spa, NULL), 0);
	CHECK_EQ(scrub_step(r.spa, 0), 1);
	offline(&r, "new");
	write_some(&r);
	while (scrub_step(r.spa, 1000) == 1)
		continue;
	fs_test_sync(r.spa);
	online(&r, "new");
	CHECK(dtl_contains(leaf_named(&r, "new"), 5));
	resilver(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_resilver_goes_on_after_an_import)
{
	struct rig r;
	struct scrub_stat st, again;

	rig_open(&r, NULL, 0, 1);
	for (int i = 0; i < 8; i++)
		write_some(&r);
	fs_test_file(device(&r, "new"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d0", "new", false), 0);
	CHECK_EQ(resilver_start(r.spa, NULL), 0);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(scrub_step(r.spa, 0), 1);
	CHECK_EQ(spa_sync_force(r.spa, NULL), 0);
	scrub_stat(r.spa, &st);
	CHECK(st.repaired > 0);
	rig_import(&r);
	scrub_stat(r.spa, &again);
	CHECK(again.state == SCRUB_RUNNING && again.func == SCAN_RESILVER);
	CHECK_EQ(again.repaired, st.repaired);
	resilver(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(scrub_pauses_and_goes_on_after_an_import)
{
	struct rig r;
	struct scrub_stat st;

	rig_open(&r, "mirror", 0, 2);
	for (int i = 0; i < 8; i++)
		write_some(&r);
	CHECK_EQ(scrub_start(r.spa, NULL), 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(scrub_step(r.spa, 0), 1);
	CHECK_EQ(scrub_pause(r.spa), 0);
	CHECK_EQ(scrub_pause(r.spa), -ECANCELED);
	CHECK_EQ(scrub_step(r.spa, 100), 0);
	fs_test_sync(r.spa);
	rig_import(&r);
	scrub_stat(r.spa, &st);
	CHECK(st.state == SCRUB_RUNNING && st.paused && st.examined > 0);
	CHECK_EQ(scrub_start(r.spa, NULL), 0);
	while (scrub_step(r.spa, 1000) == 1)
		continue;
	scrub_stat(r.spa, &st);
	CHECK(st.state == SCRUB_FINISHED && st.errors == 0 && st.repaired == 0);
	fs_test_end(r.spa, r.dir);
}

/* tests/interop/devices_pass_the_judges.sh lets OpenZFS go on from here. */
TEST(vdev_half_replaced_is_left_for_outside_judges)
{
	const char *layout = getenv("JUDGED_LAYOUT");
	bool raidz = layout != NULL && strcmp(layout, "raidz") == 0;
	struct rig r;

	if (getenv("JUDGED_POOL") == NULL)
		test_skip("JUDGED_POOL is not set");
	rig_open(&r, raidz ? "raidz" : "mirror", raidz, raidz ? 3 : 2);
	for (int i = 0; i < 10; i++)
		write_some(&r);
	fs_test_file(device(&r, "new"), DEVICE_MIB);
	CHECK_EQ(attach(&r, "d1", "new", true), 0);
	CHECK_EQ(resilver_start(r.spa, NULL), 0);
	for (int i = 0; i < 60; i++)
		CHECK_EQ(scrub_step(r.spa, 0), 1);
	write_some(&r);
	spa_exit(r.spa);
	CHECK_EQ(spa_export(r.spa, NULL), 0);
}

TEST(vdev_that_grew_is_used_to_its_end)
{
	struct rig r;

	rig_open(&r, "mirror", 0, 2);
	write_some(&r);
	CHECK(truncate(device(&r, "d0"), 256 << 20) == 0 && truncate(device(&r, "d1"), 256 << 20) == 0);
	CHECK_EQ(spa_vdev_online(r.spa, device(&r, "d0"), true, NULL), 0);
	CHECK(r.spa->root->child[0]->asize < 64 << 20); /* the other side is not asked yet */
	CHECK_EQ(spa_vdev_online(r.spa, device(&r, "d1"), true, NULL), 0);
	CHECK(r.spa->root->child[0]->asize > 240 << 20);
	write_some(&r);
	rig_import(&r);
	CHECK(r.spa->root->child[0]->asize > 240 << 20);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}

TEST(vdev_trim_spares_what_is_used)
{
	struct rig r;

	rig_open(&r, "raidz", 1, 5);
	for (int i = 0; i < 6; i++)
		write_some(&r);
	CHECK_EQ(spa_work(r.spa, SPA_TRIM, NULL, INIT_START, 0, NULL), 0);
	CHECK_EQ(spa_work(r.spa, SPA_TRIM, NULL, INIT_START, 0, NULL), -EBUSY);
	while (spa_initialize_step(r.spa))
		continue;
	check_clean(&r);
	CHECK_EQ(spa_work(r.spa, SPA_TRIM, "nosuch", INIT_START, 0, NULL), -ENODEV);
	CHECK_EQ(spa_work(r.spa, SPA_TRIM, device(&r, "d3"), INIT_CANCEL, 0, NULL), -ESRCH);
	CHECK_EQ(spa_work(r.spa, SPA_TRIM, device(&r, "d3"), INIT_START, 4ULL << 30, NULL), 0);
	while (r.spa->initializing)
		CHECK(!spa_initialize_step(r.spa)); /* with a rate there is no hurry */
	rig_import(&r);
	check_clean(&r);
	fs_test_end(r.spa, r.dir);
}
