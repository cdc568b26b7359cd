/* SPDX-License-Identifier: MIT */
/*
 * A stream of any bytes, received into a pool in memory.  Sums are taken out first: a record without
 * one is believed, and what is behind it is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_records.h"
#include "smartbox/core/bdev.h"
#include "smartbox/fs/recv.h"
#include "smartbox/fs/spa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spa *
pool(void)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = 9};
	struct bdev *bd;
	struct spa *spa;

	if (bdev_mem_new("mem0", 64 << 20, &bd, NULL) != 0 || nv_add_str(leaf, "type", "file") != 0 ||
	    nv_add_str(leaf, "path", "/mem0") != 0 || nv_add_str(tree, "type", "root") != 0 ||
	    nv_add_nvlist_array(tree, "children", &leaf, 1) != 0)
		abort();
	o.bdevs = &bd;
	if (spa_create(&o, &spa, NULL) != 0)
		abort();
	nv_free(leaf);
	nv_free(tree);
	return (spa);
}

static void
clean(struct spa *spa)
{
	const char *snap = "tank/x@s";
	struct dsl_dataset *ds;
	bool has_fs, has_snap;

	spa_enter(spa);
	if ((has_snap = dsl_hold(spa, snap, &ds, NULL) == 0))
		dsl_rele(ds);
	if ((has_fs = dsl_hold(spa, "tank/x", &ds, NULL) == 0))
		dsl_rele(ds);
	if ((has_snap && dsl_destroy_snaps(spa, &snap, 1, NULL) != 0) ||
	    (has_fs && dsl_destroy(spa, "tank/x", NULL) != 0) || spa_is_suspended(spa))
		abort();
	spa_exit(spa);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spa *spa;
	uint8_t *copy = malloc(size + 1);
	struct bytes b = {copy, size, 0};
	struct stream_in in = {.read = give, .arg = &b};
	struct stream_record begin;
	struct recv_job j = {.begin = &begin, .fs = "tank/x", .snap = "s"};
	void *payload = NULL;
	bool kept;

	if (spa == NULL)
		spa = pool();
	if (copy == NULL)
		return (0);
	memcpy(copy, data, size);
	drop_sums(copy, size);
	j.spa = spa;
	if (stream_next(&in, &begin, &payload, &j.payload_len, NULL) == 0 && begin.type == DRR_BEGIN) {
		j.payload = payload;
		(void)recv_stream(&j, &in, &kept, NULL);
		clean(spa);
	}
	free(payload);
	free(copy);
	return (0);
}
