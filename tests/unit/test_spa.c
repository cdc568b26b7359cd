/* SPDX-License-Identifier: MIT */
/*
 * The pool: who may import it, what it refuses, what survives; on mirrors in memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/spa_impl.h"
#include "smartbox/core/bdev.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/zap.h"
#include "test.h"

#define SIDES 2

struct rig {
	struct bdev *bd[SIDES]; /* ours while no pool has them */
	struct spa *spa;
	struct err e;
};

/* The host that the next pool call runs on. */
static uint64_t host_now;

static uint64_t
test_host(void *arg, char *name, size_t size)
{
	(void)arg;
	(void)snprintf(name, size, "host%" PRIu64, host_now);
	return (host_now);
}

static struct fs_os
test_os(void)
{
	struct fs_os os = fs_os_default;

	os.host = test_host;
	return (os);
}

static struct nvlist *
mirror_tree(void)
{
	struct nvlist *root = nv_new(), *leaf = nv_new(), *mirror = nv_new();
	struct nvlist *both[SIDES] = {leaf, leaf};

	(void)nv_add_str(root, "type", "root");
	(void)nv_add_str(leaf, "type", "file");
	(void)nv_add_str(leaf, "path", "/nowhere/memory");
	(void)nv_add_str(mirror, "type", "mirror");
	(void)nv_add_nvlist_array(mirror, "children", both, SIDES);
	(void)nv_add_nvlist_array(root, "children", &mirror, 1);
	nv_free(leaf);
	nv_free(mirror);
	return (root);
}

static int
rig_create(struct rig *r, bool force)
{
	struct nvlist *tree = mirror_tree(), *props = nv_new();
	struct fs_os os = test_os();
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .props = props,
	    .bdevs = r->bd, .os = &os, .force = force};
	int rc;

	(void)nv_add_str(props, "comment", "a test");
	rc = spa_create(&o, &r->spa, &r->e);
	nv_free(tree);
	nv_free(props);
	return (rc);
}

static void
rig_new(struct rig *r)
{
	int i;

	*r = (struct rig){.spa = NULL};
	host_now = 1;
	for (i = 0; i < SIDES; i++)
		CHECK_EQ(bdev_mem_new("m", 64u << 20, &r->bd[i], &r->e), 0);
	if (rig_create(r, false) != 0)
		test_fail(__FILE__, __LINE__, "create: %s", r->e.msg);
}

static int
leaf_steal(struct vdev *leaf, void *arg)
{
	struct bdev ***to = arg;

	*(*to)++ = leaf->bd;
	leaf->bd = NULL;
	return (0);
}

/* Like a power cut: the devices come back, the pool is forgotten. */
static void
rig_drop(struct rig *r)
{
	struct bdev **to = r->bd;

	(void)vdev_walk_leaves(r->spa->root, leaf_steal, &to);
	spa_close(r->spa);
	r->spa = NULL;
}

static void
rig_free(struct rig *r)
{
	int i;

	if (r->spa != NULL)
		rig_drop(r);
	for (i = 0; i < SIDES; i++)
		bdev_close(r->bd[i]);
}

/* A last txg as export or destroy write it, without losing the devices. */
static void
rig_leave(struct rig *r, enum pool_state state)
{
	spa_enter(r->spa);
	r->spa->state = state;
	spa_config_dirty(r->spa);
	CHECK_EQ(spa_sync(r->spa, &r->e), 0);
	spa_exit(r->spa);
	rig_drop(r);
}

static struct nvlist *
config_of(struct bdev *bd)
{
	struct nvlist *label, *tree, *root = nv_new();

	CHECK_EQ(label_read(bd, &label, NULL), 0);
	CHECK_EQ(nv_get_nvlist(label, "vdev_tree", &tree), 0);
	(void)nv_add_str(root, "type", "root");
	(void)nv_add_u64(root, "guid", nv_u64_or(label, "pool_guid", 0));
	(void)nv_add_nvlist_array(root, "children", &tree, 1);
	(void)nv_add_nvlist(label, "vdev_tree", root);
	nv_free(root);
	return (label);
}

struct how {
	const char *name;
	bool readonly, force;
};

static int
rig_import(struct rig *r, struct how how)
{
	struct nvlist *config = config_of(r->bd[0] != NULL ? r->bd[0] : r->bd[1]);
	struct bdev *bd[SIDES] = {r->bd[0], r->bd[1]};
	struct fs_os os = test_os();
	struct spa_import_opts o = {.config = config, .new_name = how.name,
	    .readonly = how.readonly, .force = how.force, .os = &os, .bdevs = bd, .nbdevs = SIDES};
	int rc = spa_import(&o, &r->spa, &r->e);

	nv_free(config);
	return (rc);
}

/* The devices that a refused import took are gone with it: keep them by peeking first. */
static int
rig_import_refused(struct rig *r, struct how how, const char *why)
{
	struct nvlist *config = config_of(r->bd[0]);
	struct fs_os os = test_os();
	struct spa_import_opts o = {.config = config, .new_name = how.name,
	    .readonly = how.readonly, .force = how.force, .os = &os, .bdevs = r->bd, .nbdevs = 0};
	int rc = spa_import(&o, &r->spa, &r->e);

	nv_free(config);
	CHECK(rc != 0);
	if (strstr(r->e.msg, why) == NULL)
		test_fail(__FILE__, __LINE__, "'%s' does not say '%s'", r->e.msg, why);
	return (rc);
}

/* --- owners ----------------------------------------------------------------------------------- */

TEST(spa_import_refuses_a_pool_that_another_host_did_not_export)
{
	struct rig r;

	rig_new(&r);
	rig_drop(&r);
	host_now = 2;
	CHECK_EQ(rig_import_refused(&r, (struct how){0}, "host1"), -EBUSY);
	CHECK_EQ(rig_import(&r, (struct how){.force = true}), 0);
	rig_leave(&r, POOL_EXPORTED);
	host_now = 3;
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	rig_free(&r);
}

TEST(spa_import_on_the_same_host_needs_no_export)
{
	struct rig r;

	rig_new(&r);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	rig_free(&r);
}

TEST(spa_import_refuses_a_destroyed_pool_without_force)
{
	struct rig r;

	rig_new(&r);
	rig_leave(&r, POOL_DESTROYED);
	CHECK_EQ(rig_import_refused(&r, (struct how){0}, "destroyed"), -EINVAL);
	CHECK_EQ(rig_import(&r, (struct how){.force = true}), 0);
	rig_free(&r);
}

TEST(spa_import_can_rename_the_pool_for_good)
{
	struct dsl_dataset *ds;
	struct rig r;

	rig_new(&r);
	rig_leave(&r, POOL_EXPORTED);
	CHECK_EQ(rig_import(&r, (struct how){.name = "basin"}), 0);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	CHECK_STR(spa_name(r.spa), "basin");
	spa_enter(r.spa);
	CHECK_EQ(dsl_hold(r.spa, "basin", &ds, &r.e), 0);
	dsl_rele(ds);
	spa_exit(r.spa);
	rig_free(&r);
}

TEST(spa_create_refuses_devices_of_a_living_pool)
{
	struct rig r;

	rig_new(&r);
	rig_leave(&r, POOL_EXPORTED);
	/* A refused create closes what it was given: give it copies. */
	{
		struct rig copy = {.spa = NULL};
		static uint8_t buf[1 << 20];
		uint64_t off;
		int i;

		for (i = 0; i < SIDES; i++) {
			CHECK_EQ(bdev_mem_new("c", 64u << 20, &copy.bd[i], &r.e), 0);
			for (off = 0; off < 64u << 20; off += sizeof(buf)) {
				CHECK_EQ(bdev_read(r.bd[i], buf, sizeof(buf), off), 0);
				CHECK_EQ(bdev_write(copy.bd[i], buf, sizeof(buf), off), 0);
			}
		}
		CHECK_EQ(rig_create(&copy, false), -EBUSY);
		CHECK(strstr(copy.e.msg, "'tank'") != NULL);
	}
	CHECK_EQ(rig_create(&r, true), 0);
	rig_free(&r);
}

/* --- devices ---------------------------------------------------------------------------------- */

TEST(spa_import_works_with_one_side_of_a_mirror)
{
	struct rig r;

	rig_new(&r);
	rig_drop(&r);
	bdev_close(r.bd[0]);
	r.bd[0] = NULL;
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	CHECK_EQ(r.spa->root->state, VS_DEGRADED);
	rig_free(&r);
}

TEST(spa_import_readonly_writes_nothing)
{
	static uint8_t before[8 << 20], after[8 << 20];
	struct rig r;

	rig_new(&r);
	rig_drop(&r);
	CHECK_EQ(bdev_read(r.bd[1], before, sizeof(before), 0), 0);
	CHECK_EQ(rig_import(&r, (struct how){.readonly = true}), 0);
	spa_enter(r.spa);
	CHECK_EQ(spa_prop_set(r.spa, "autotrim", "on", &r.e), -EROFS);
	CHECK_EQ(spa_sync_force(r.spa, &r.e), -EROFS);
	spa_exit(r.spa);
	rig_drop(&r);
	CHECK_EQ(bdev_read(r.bd[1], after, sizeof(after), 0), 0);
	CHECK_MEM(before, after, sizeof(before));
	rig_free(&r);
}

/* --- features --------------------------------------------------------------------------------- */

static void
plant_feature(struct rig *r, uint64_t zap, const char *guid, uint64_t refs)
{
	spa_enter(r->spa);
	CHECK_EQ(zap_update(r->spa->mos, zap, guid, 8, 1, &refs), 0);
	CHECK_EQ(spa_sync(r->spa, &r->e), 0);
	spa_exit(r->spa);
}

TEST(spa_import_names_an_unknown_feature_that_it_cannot_read)
{
	struct rig r;

	rig_new(&r);
	plant_feature(&r, r.spa->obj.features_read, "org.example:holes_in_time", 1);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){.readonly = true}), -ENOTSUP);
	CHECK(strstr(r.e.msg, "org.example:holes_in_time") != NULL);
}

TEST(spa_import_reads_but_does_not_write_over_an_unknown_read_compatible_feature)
{
	struct rig r;

	rig_new(&r);
	plant_feature(&r, r.spa->obj.features_write, "org.example:more_counters", 1);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){.readonly = true}), 0);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){0}), -ENOTSUP);
	CHECK(strstr(r.e.msg, "org.example:more_counters") != NULL);
	CHECK(strstr(r.e.msg, "readonly=on") != NULL);
}

TEST(spa_import_ignores_an_unknown_feature_that_is_only_enabled)
{
	struct rig r;

	rig_new(&r);
	plant_feature(&r, r.spa->obj.features_read, "org.example:holes_in_time", 0);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	rig_free(&r);
}

TEST(spa_feature_refcounts_do_not_fall_below_zero)
{
	struct rig r;

	rig_new(&r);
	spa_enter(r.spa);
	CHECK_EQ(spa_feature_change(r.spa, "org.open-zfs:large_blocks", -1), -ERANGE);
	CHECK_EQ(spa_feature_change(r.spa, "org.open-zfs:large_blocks", 2), 0);
	CHECK(spa_feature_active(r.spa, "org.open-zfs:large_blocks"));
	CHECK_EQ(spa_feature_change(r.spa, "org.open-zfs:large_blocks", -2), 0);
	CHECK(!spa_feature_active(r.spa, "org.open-zfs:large_blocks"));
	CHECK_EQ(spa_feature_change(r.spa, "com.delphix:log_spacemap", 1), -ENOENT);
	spa_exit(r.spa);
	rig_free(&r);
}

/* --- properties, history, failure ------------------------------------------------------------- */

TEST(spa_props_survive_a_power_cut_after_sync)
{
	char buf[64];
	struct rig r;

	rig_new(&r);
	spa_enter(r.spa);
	CHECK_EQ(spa_prop_get(r.spa, "autotrim", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "off");
	CHECK_EQ(spa_prop_set(r.spa, "autotrim", "on", &r.e), 0);
	CHECK_EQ(spa_prop_set(r.spa, "failmode", "continue", &r.e), 0);
	CHECK_EQ(spa_prop_set(r.spa, "failmode", "explode", &r.e), -EINVAL);
	CHECK(strstr(r.e.msg, "continue") != NULL);
	CHECK_EQ(spa_prop_set(r.spa, "bootfs", "tank", &r.e), 0);
	CHECK_EQ(spa_sync(r.spa, &r.e), 0);
	spa_exit(r.spa);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){0}), 0);
	spa_enter(r.spa);
	CHECK_EQ(spa_prop_get(r.spa, "autotrim", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "on");
	CHECK_EQ(spa_prop_get(r.spa, "failmode", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "continue");
	CHECK_EQ(spa_prop_get(r.spa, "comment", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "a test");
	CHECK_EQ(spa_prop_get(r.spa, "bootfs", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "tank");
	spa_exit(r.spa);
	rig_free(&r);
}

struct seen {
	uint64_t first, last, n;
};

static int
see_record(const struct nvlist *rec, void *arg)
{
	struct seen *s = arg;
	uint64_t v = nv_u64_or(rec, "number", 0);

	if (s->n++ == 0)
		s->first = v;
	else if (s->n > 2 && v != s->last + 1)
		return (-EILSEQ);
	s->last = v;
	return (0);
}

static void
log_number(struct rig *r, uint64_t number)
{
	struct nvlist *nv = nv_new();
	char filler[800];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	(void)nv_add_u64(nv, "number", number);
	(void)nv_add_str(nv, "history command", filler);
	CHECK_EQ(spa_history_log(r->spa, nv), 0);
	nv_free(nv);
}

TEST(spa_history_keeps_the_first_record_and_the_latest)
{
	struct seen s = {0, 0, 0};
	struct rig r;
	uint64_t i;

	rig_new(&r);
	spa_enter(r.spa);
	for (i = 1; i <= 1000; i++) { /* 128 KiB hold about 150 */
		log_number(&r, i);
		if (i % 37 == 0)
			CHECK_EQ(spa_sync(r.spa, &r.e), 0);
	}
	CHECK_EQ(spa_sync(r.spa, &r.e), 0);
	spa_exit(r.spa);
	rig_drop(&r);
	CHECK_EQ(rig_import(&r, (struct how){.readonly = true}), 0);
	spa_enter(r.spa);
	CHECK_EQ(spa_history_read(r.spa, see_record, &s), 0);
	CHECK_EQ(s.first, 1);
	CHECK_EQ(s.last, 1000);
	CHECK(s.n > 100 && s.n < 200);
	spa_exit(r.spa);
	rig_free(&r);
}

static int
leaf_wrap(struct vdev *leaf, void *arg)
{
	struct bdev *fault;

	CHECK_EQ(bdev_fault_new(leaf->bd, arg, &fault, NULL), 0);
	leaf->bd = fault;
	return (0);
}

TEST(spa_suspends_when_no_device_takes_a_write)
{
	struct fault_plan plan = {.cut_at = 0, .fail_at = UINT64_MAX};
	struct dsl_dataset *ds;
	struct rig r;

	rig_new(&r);
	(void)vdev_walk_leaves(r.spa->root, leaf_wrap, &plan);
	spa_enter(r.spa);
	CHECK_EQ(spa_prop_set(r.spa, "autotrim", "on", &r.e), 0);
	CHECK(spa_sync(r.spa, &r.e) != 0);
	CHECK(strstr(r.e.msg, "suspended") != NULL);
	CHECK(spa_is_suspended(r.spa));
	CHECK_EQ(spa_prop_set(r.spa, "autotrim", "off", &r.e), -EIO);
	CHECK_EQ(dsl_hold(r.spa, "tank", &ds, &r.e), 0); /* cached: reads go on */
	dsl_rele(ds);
	spa_exit(r.spa);
	spa_close(r.spa);
}

static int
task_fails(struct spa *spa, void *arg, struct err *e)
{
	(void)spa;
	(void)arg;
	return (err_set(e, EPERM, "not today"));
}

static int
task_counts(struct spa *spa, void *arg, struct err *e)
{
	(void)e;
	CHECK(spa_is_syncing(spa));
	++*(int *)arg;
	return (0);
}

TEST(spa_sync_task_runs_once_and_only_when_the_check_agrees)
{
	struct rig r;
	uint64_t txg;
	int n = 0;

	rig_new(&r);
	spa_enter(r.spa);
	txg = spa_synced_txg(r.spa);
	CHECK_EQ(spa_sync_task(r.spa, task_fails, task_counts, &n, &r.e), -EPERM);
	CHECK_EQ(n, 0);
	CHECK_EQ(spa_synced_txg(r.spa), txg);
	CHECK_EQ(spa_sync_task(r.spa, NULL, task_counts, &n, &r.e), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(spa_synced_txg(r.spa), txg + 1);
	CHECK_EQ(spa_sync(r.spa, &r.e), 0); /* nothing dirty: no txg */
	CHECK_EQ(spa_synced_txg(r.spa), txg + 1);
	spa_exit(r.spa);
	rig_free(&r);
}
