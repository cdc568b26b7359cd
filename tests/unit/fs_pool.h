/* SPDX-License-Identifier: MIT */
/* Pools for tests: new ones on memory, and those that the real OpenZFS made. */
#ifndef SMARTBOX_TEST_FS_POOL_H
#define SMARTBOX_TEST_FS_POOL_H

#include <stdbool.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/spa.h"

/*
 * A new pool "tank" of one memory device (MiB) with reproducible clock and randomness, entered.
 * features: with all that this engine keeps, else with none.
 */
struct spa *fs_test_pool(unsigned mib, bool features);
/* The same on a new file of that size, which the pool knows as its path; for outside judges. */
struct spa *fs_test_pool_on(const char *path, unsigned mib, bool features);
/*
 * A new pool "tank" with that vdev tree, which is freed, entered. Its devices are files in a new folder of the name
 * `what`, or in $JUDGED_POOL.
 */
struct spa *fs_test_create(struct nvlist *tree);
void fs_test_folder(char dir[80], const char *what);
void fs_test_file(const char *path, unsigned mib); /* new and sparse */
struct nvlist *fs_test_leaf(const char *path);
/* Close, and remove the folder. */
void fs_test_end(struct spa *spa, const char *dir);
void fs_test_sync(struct spa *spa);
/* The root filesystem, held. */
struct objset *fs_test_root(struct spa *spa, struct dsl_dataset **ds);
void fs_test_fill(uint8_t *buf, size_t len, uint32_t seed); /* bytes that the seed tells */

/* The meta objset of such a pool: somewhere to put objects. */
struct objset *fs_test_objset(void);
/* The fixture pool, imported and entered; skips the test when there are no fixtures. */
struct spa *fs_test_import(const char *fixture, bool readonly);
/* The only pool among the vdevs in a folder, imported and entered. */
struct spa *fs_test_import_from(const char *folder, bool readonly);
/* Leave and close without a last sync. */
void fs_test_close(struct spa *spa);

#endif
