/* SPDX-License-Identifier: MIT */
/* Pools and filesystems for tests of the POSIX layer. */
#include "zpl_util.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "smartbox/fs/label.h"
#include "test.h"

static void
check_rc(const char *what, int rc, const struct err *e)
{
	if (rc != 0)
		test_fail(__FILE__, __LINE__, "%s: %d: %s", what, rc, e->msg);
}

static struct nvlist *
one_file_tree(const char *path)
{
	struct nvlist *leaf = nv_new(), *root = nv_new();

	CHECK_EQ(nv_add_str(leaf, "type", "file"), 0);
	CHECK_EQ(nv_add_str(leaf, "path", path), 0);
	CHECK_EQ(nv_add_str(root, "type", "root"), 0);
	CHECK_EQ(nv_add_nvlist_array(root, "children", &leaf, 1), 0);
	nv_free(leaf);
	return (root);
}

/* Where the vdevs of the pool are; a test has one pool. */
static char pool_dir[512];

struct spa *
test_pool_create(unsigned mib)
{
	struct spa_create_opts o = {.name = "t", .ashift = 9};
	struct nvlist *tree;
	struct spa *spa = NULL;
	struct err e = ERR_INIT;
	const char *judged = getenv("JUDGED_POOL"); /* the folder to leave the pool in */
	char path[600];
	int fd, rc;

	(void)snprintf(pool_dir, sizeof(pool_dir), "%s", judged != NULL ? judged : test_dir());
	(void)snprintf(path, sizeof(path), "%s/vdev", pool_dir);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)mib << 20) == 0);
	(void)close(fd);
	o.vdev_tree = tree = one_file_tree(path);
	rc = spa_create(&o, &spa, &e);
	check_rc("spa_create", rc, &e);
	nv_free(tree);
	return (spa);
}

static struct spa *
import_found(const struct pool_found *p, bool readonly)
{
	struct spa_import_opts o = {.config = p->config, .readonly = readonly, .force = true};
	struct spa *spa = NULL;
	struct err e = ERR_INIT;
	int rc = spa_import(&o, &spa, &e);

	check_rc("spa_import", rc, &e);
	return (spa);
}

struct spa *
test_pool_import(const char *dir, bool readonly)
{
	struct pool_scan scan;
	struct spa *spa;
	struct err e = ERR_INIT;
	int rc = pool_scan(&dir, 1, &scan, &e);

	check_rc("pool_scan", rc, &e);
	CHECK_EQ(scan.npool, 1);
	spa = import_found(&scan.pool[0], readonly);
	pool_scan_free(&scan);
	return (spa);
}

struct spa *
test_pool_reopen(struct spa *spa)
{
	struct err e = ERR_INIT;
	int rc = spa_export(spa, &e);

	check_rc("spa_export", rc, &e);
	return (test_pool_import(pool_dir, false));
}

struct spa *
test_fixture_import(const char *name, bool readonly)
{
	struct pool_scan scan;
	struct spa *spa;

	fixture_scan(name, &scan);
	(void)snprintf(pool_dir, sizeof(pool_dir), "%s/%s", test_dir(), name);
	spa = import_found(&scan.pool[0], readonly);
	pool_scan_free(&scan);
	return (spa);
}

void
test_fs_create(struct spa *spa, const char *name, const char *prop, const char *value)
{
	struct dsl_create c = {.name = name, .type = 2, .init = zpl_init_objset};
	struct nvlist *props = nv_new();
	struct err e = ERR_INIT;
	int rc;

	if (prop != NULL)
		CHECK_EQ(nv_add_str(props, prop, value), 0);
	c.props = props;
	spa_enter(spa);
	rc = dsl_create(spa, &c, &e);
	spa_exit(spa);
	check_rc("dsl_create", rc, &e);
	nv_free(props);
}

void
test_fs_open(struct spa *spa, const char *name, struct test_fs *f)
{
	struct err e = ERR_INIT;
	int rc;

	f->spa = spa;
	spa_enter(spa);
	rc = dsl_hold(spa, name, &f->ds, &e);
	check_rc(name, rc, &e);
	rc = zpl_open(f->ds, false, &f->z, &e);
	check_rc(name, rc, &e);
	spa_exit(spa);
}

void
test_fs_close(struct test_fs *f)
{
	spa_enter(f->spa);
	zpl_close(f->z);
	dsl_rele(f->ds);
	spa_exit(f->spa);
}

void
test_sync(struct spa *spa)
{
	struct err e = ERR_INIT;
	int rc;

	spa_enter(spa);
	rc = spa_sync(spa, &e);
	spa_exit(spa);
	check_rc("spa_sync", rc, &e);
}
