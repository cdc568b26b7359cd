/* SPDX-License-Identifier: MIT */
/*
 * A zap made of arbitrary blocks: every operation ends with an answer or an error, iteration ends.
 *
 * Input: one byte of block size (512 << n, n = 0..5; above that bits of what is done: bit 5 changes,
 * bit 6 many additions), then the blocks.  They become an object of a
 * pool in memory that all inputs share.
 */
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/bdev.h"
#include "smartbox/fs/spa.h"
#include "smartbox/fs/zap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"a", "config", "a name that is longer than a slot of fifty bytes"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static struct objset *
make_objset(void)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct bdev *bd = NULL;
	struct spa *spa = NULL;
	struct spa_create_opts o = {.name = "fuzz", .vdev_tree = tree, .ashift = 9, .bdevs = &bd};

	if (bdev_mem_new("mem", 128u << 20, &bd, NULL) != 0 || nv_add_str(leaf, "type", "file") != 0 ||
	    nv_add_str(leaf, "path", "/mem") != 0 || nv_add_str(tree, "type", "root") != 0 ||
	    nv_add_nvlist_array(tree, "children", &leaf, 1) != 0 || spa_create(&o, &spa, NULL) != 0)
		abort();
	nv_free(leaf);
	nv_free(tree);
	spa_enter(spa);
	return (spa_mos(spa));
}

static void
look(struct objset *os, uint64_t obj)
{
	uint64_t words[40], key[5] = {1, 2, 3, 4, 5}, cookie = 0, n;
	struct zap_entry ze;
	char name[ZAP_NAME_MAX];

	for (n = 0; n < 200000 && zap_next(os, obj, &cookie, &ze) == 0; n++) {
		if (memchr(ze.name, '\0', sizeof(ze.name)) == NULL)
			abort();
	}
	if (n == 200000)
		abort();
	(void)zap_count(os, obj, &n);
	(void)zap_value_search(os, obj, 7, 0, name, sizeof(name));
	(void)zap_lookup_key(os, obj, key, 5, 8, 40, words);
	for (size_t i = 0; i < NAMES; i++) {
		(void)zap_lookup(os, obj, names[i], 8, 40, words);
		(void)zap_lookup_fold(os, obj, names[i], true, words, name, sizeof(name));
	}
}

static void
change(struct objset *os, uint64_t obj, bool many)
{
	uint64_t words[40] = {0};

	for (size_t i = 0; i < NAMES; i++) {
		(void)zap_update(os, obj, names[i], 8, i * 13, words);
		(void)zap_add(os, obj, names[i], 1, 5, words);
	}
	for (uint64_t i = 0; many && i < 300; i++)
		(void)zap_add_int(os, obj, i * 0x9e3779b97f4a7c15u, i);
	for (size_t i = 0; i < NAMES; i++)
		(void)zap_remove(os, obj, names[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct objset *os;
	uint32_t block;
	uint64_t obj;

	if (os == NULL)
		os = make_objset();
	if (size < 2 || size > 200000)
		return (0);
	block = 512u << (data[0] & 31) % 6;
	if (dmu_object_alloc(os, OT_ZAP_METADATA, block, 0, 0, &obj) != 0 ||
	    dmu_write(os, obj, 0, size - 1, data + 1) != 0)
		abort();
	look(os, obj);
	if (data[0] & 32)
		change(os, obj, data[0] & 64);
	if (dmu_object_free(os, obj) != 0)
		abort();
	return (0);
}
