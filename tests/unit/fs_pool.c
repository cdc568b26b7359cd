/* SPDX-License-Identifier: MIT */
/* Pools for tests; see the header. */
#include "fs_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

#include "smartbox/core/bdev.h"

static uint64_t
test_now(void *arg, uint32_t *nsec)
{
	(void)arg;
	if (nsec != NULL)
		*nsec = 0;
	return (1800000000);
}

static void
test_random(void *arg, void *buf, size_t len)
{
	uint8_t *p = buf;

	(void)arg;
	while (len-- > 0)
		*p++ = (uint8_t)test_rand();
}

static const struct fs_os test_os = {.now = test_now, .random = test_random};

static struct spa *
make_pool(struct bdev *bd, const char *path, bool features)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct err e = ERR_INIT;
	struct spa *spa = NULL;
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = 9,
	    .no_features = !features, .os = &test_os, .bdevs = &bd};

	CHECK(nv_add_str(leaf, "type", "file") == 0 && nv_add_str(leaf, "path", path) == 0);
	CHECK(nv_add_str(tree, "type", "root") == 0);
	CHECK(nv_add_nvlist_array(tree, "children", &leaf, 1) == 0);
	if (spa_create(&o, &spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "spa_create: %s", e.msg);
	nv_free(leaf);
	nv_free(tree);
	spa_enter(spa);
	return (spa);
}

struct spa *
fs_test_create(struct nvlist *tree)
{
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = 12, .os = &test_os};
	struct err e = ERR_INIT;
	struct spa *spa;

	if (spa_create(&o, &spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "create: %s", e.msg);
	nv_free(tree);
	spa_enter(spa);
	return (spa);
}

void
fs_test_folder(char dir[80], const char *what)
{
	const char *judged = getenv("JUDGED_POOL");

	(void)snprintf(dir, 80, judged != NULL ? "%s" : "/tmp/smartbox-%s.XXXXXX", judged != NULL ? judged : what);
	CHECK(judged != NULL || mkdtemp(dir) != NULL);
}

void
fs_test_file(const char *path, unsigned mib)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL && ftruncate(fileno(f), (off_t)mib << 20) == 0 && fclose(f) == 0);
}

struct nvlist *
fs_test_leaf(const char *path)
{
	struct nvlist *nv = nv_new();

	CHECK(nv_add_str(nv, "type", "file") == 0 && nv_add_str(nv, "path", path) == 0);
	return (nv);
}

void
fs_test_end(struct spa *spa, const char *dir)
{
	char command[100];

	fs_test_close(spa);
	(void)snprintf(command, sizeof(command), "rm -rf %.90s", dir);
	CHECK(system(command) == 0);
}

void
fs_test_sync(struct spa *spa)
{
	struct err e = ERR_INIT;

	if (spa_sync(spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "sync: %s", e.msg);
}

struct objset *
fs_test_root(struct spa *spa, struct dsl_dataset **ds)
{
	struct objset *os;

	CHECK_EQ(dsl_hold(spa, "tank", ds, NULL), 0);
	CHECK_EQ(dsl_objset(*ds, &os), 0);
	return (os);
}

void
fs_test_fill(uint8_t *buf, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		buf[i] = (uint8_t)(seed >> 24);
	}
}

struct spa *
fs_test_pool(unsigned mib, bool features)
{
	struct bdev *bd;

	CHECK(bdev_mem_new("mem0", (uint64_t)mib << 20, &bd, NULL) == 0);
	return (make_pool(bd, "/mem0", features));
}

struct spa *
fs_test_pool_on(const char *path, unsigned mib, bool features)
{
	FILE *f = fopen(path, "w");
	struct bdev *bd;

	CHECK(f != NULL && ftruncate(fileno(f), (off_t)mib << 20) == 0 && fclose(f) == 0);
	CHECK(bdev_open(path, 0, &bd, NULL) == 0);
	return (make_pool(bd, path, features));
}

struct objset *
fs_test_objset(void)
{
	static struct spa *volatile spa; /* as long as the test's process, and seen to be no leak */

	spa = fs_test_pool(512, true);
	return (spa_mos(spa));
}

static struct spa *
import(struct pool_scan *scan, bool readonly)
{
	struct spa_import_opts o = {.readonly = readonly, .force = true, .os = &test_os,
	    .config = scan->pool[0].config};
	struct err e = ERR_INIT;
	struct spa *spa = NULL;

	if (spa_import(&o, &spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "spa_import: %s", e.msg);
	pool_scan_free(scan);
	spa_enter(spa);
	return (spa);
}

struct spa *
fs_test_import(const char *fixture, bool readonly)
{
	struct pool_scan scan;

	fixture_scan(fixture, &scan);
	return (import(&scan, readonly));
}

struct spa *
fs_test_import_from(const char *folder, bool readonly)
{
	struct pool_scan scan;

	CHECK_EQ(pool_scan(&folder, 1, &scan, NULL), 0);
	CHECK_EQ(scan.npool, 1);
	return (import(&scan, readonly));
}

void
fs_test_close(struct spa *spa)
{
	spa_exit(spa);
	spa_close(spa);
}
