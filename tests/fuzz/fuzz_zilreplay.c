/* SPDX-License-Identifier: MIT */
/*
 * Records of any bytes, applied to a filesystem: whatever they say, the engine neither crashes nor
 * writes outside of anything.  The filesystem is a small one in memory, and made anew from time to time.
 */
#include <stdlib.h>
#include <string.h>

#include "../../fs/zil_impl.h"
#include "../../fs/zpl_impl.h"
#include "smartbox/core/bdev.h"
#include "smartbox/fs/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUTS_PER_POOL 500
#define INPUT_MAX (64u << 10)
#define DIRTY_MAX (8u << 20)
#define SPAN_MAX (1u << 30) /* an honest write is not far away; a sparse file of exabytes takes ages */

static struct {
	struct spa *spa;
	struct dsl_dataset *ds;
	struct zpl *z;
	unsigned inputs;
} world;

static void
world_end(void)
{
	if (world.spa == NULL)
		return;
	zpl_close(world.z);
	dsl_rele(world.ds);
	spa_exit(world.spa);
	spa_close(world.spa);
	world.spa = NULL;
}

static void
world_begin(void)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct bdev *bd;
	struct spa_create_opts o = {.name = "f", .vdev_tree = tree, .ashift = 9, .bdevs = &bd};

	if (bdev_mem_new("mem", 64 << 20, &bd, NULL) != 0)
		abort();
	(void)nv_add_str(leaf, "type", "file");
	(void)nv_add_str(leaf, "path", "/mem");
	(void)nv_add_str(tree, "type", "root");
	(void)nv_add_nvlist_array(tree, "children", &leaf, 1);
	if (spa_create(&o, &world.spa, NULL) != 0)
		abort();
	nv_free(leaf);
	nv_free(tree);
	workers_free(world.spa->workers);
	world.spa->workers = NULL;
	world.inputs = 0;
	spa_enter(world.spa);
	if (dsl_hold(world.spa, "f", &world.ds, NULL) != 0 ||
	    zpl_open(world.ds, false, &world.z, NULL) != 0)
		abort();
	world.z->replaying = true;
}

/* Holes far behind the end cost nothing, but trees as high as the offset says. */
static bool
is_far(const struct zil_record *r)
{
	const struct lr_write *w = (const void *)r;
	const struct lr_setattr *s = (const void *)r;

	switch (zil_record_type(r)) {
	case TX_WRITE:
	case TX_WRITE2:
	case TX_TRUNCATE:
	case TX_CLONE_RANGE:
		return (w->off > SPAN_MAX || w->len > SPAN_MAX);
	case TX_SETATTR:
		return (s->size > SPAN_MAX);
	default:
		return (false);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (world.spa == NULL || world.inputs++ > INPUTS_PER_POOL ||
	    spa_dirty_bytes(world.spa) > DIRTY_MAX) {
		world_end();
		world_begin();
	}
	size = size < INPUT_MAX ? size & ~(size_t)7 : INPUT_MAX;
	copy = malloc(size + 8);
	memcpy(copy, data, size);
	for (size_t at = 0; at + sizeof(struct zil_record) <= size;) {
		const struct zil_record *r = (const void *)(copy + at);

		if (r->len < sizeof(*r) || r->len > size - at || r->len % 8 != 0)
			break;
		if (zil_record_check(r) == 0 && !is_far(r))
			(void)zpl_replay_record(world.z, r, NULL);
		at += r->len;
	}
	free(copy);
	return (0);
}
