/* SPDX-License-Identifier: MIT */
/* Pools and filesystems for tests of the POSIX layer. */
#ifndef SMARTBOX_TEST_ZPL_UTIL_H
#define SMARTBOX_TEST_ZPL_UTIL_H

#include "smartbox/fs/spa.h"
#include "smartbox/fs/zpl.h"

/* One opened filesystem of an open pool. */
struct test_fs {
	struct spa *spa;
	struct dsl_dataset *ds;
	struct zpl *z;
};

/* A new pool "t" on a file of `mib` MiB in the test's folder. */
struct spa *test_pool_create(unsigned mib);
/* The one pool in a folder. */
struct spa *test_pool_import(const char *dir, bool readonly);
/* Export it and import it again. */
struct spa *test_pool_reopen(struct spa *spa);
/* A filesystem of it, made with one property (NULL: none). */
void test_fs_create(struct spa *spa, const char *name, const char *prop, const char *value);
/* Open; the pool's lock is not held before nor after. */
void test_fs_open(struct spa *spa, const char *name, struct test_fs *f);
void test_fs_close(struct test_fs *f);
/* An OpenZFS pool, imported read-only (or for writing). */
struct spa *test_fixture_import(const char *name, bool readonly);
void test_sync(struct spa *spa);

#endif
