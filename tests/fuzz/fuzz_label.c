/* SPDX-License-Identifier: MIT */
/*
 * Labels from strangers. The input is what is under the checksum: it is sealed here, put on a device,
 * found by the reader, and what it describes is made a vdev tree and described again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/checksum.h"
#include "smartbox/fs/label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEVICE_BYTES (64u << 20)
#define AREA 0x4000u
#define AREA_BYTES 0x1c000u
#define RING 0x20000u
#define UBERBLOCK_BYTES 4096u /* at ashift 12 */

static void
describe_again(const struct nvlist *label)
{
	struct nvlist *tree, *again;
	struct vdev *v;
	struct err e;

	if (nv_get_nvlist(label, "vdev_tree", &tree) != 0 || vdev_from_config(tree, &v, &e) != 0)
		return;
	(void)vdev_guid_sum(v);
	(void)vdev_deflate_ratio(v);
	(void)vdev_asize_of(v, 131072);
	if (vdev_to_config(v, true, &again) == 0)
		nv_free(again);
	vdev_free(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t area[AREA_BYTES];
	struct cksum place = {{AREA, 0, 0, 0}}, ring = {{RING, 0, 0, 0}};
	struct uberblock ub;
	struct nvlist *label;
	static struct bdev *bd;
	struct err e;

	if (bd == NULL && bdev_mem_new("fuzz", DEVICE_BYTES, &bd, NULL) != 0)
		abort();
	if (size > AREA_BYTES - ECK_SIZE)
		return (0);
	memset(area, 0, sizeof(area));
	memcpy(area, data, size);
	eck_seal(area, sizeof(area), &place);
	(void)bdev_write(bd, area, sizeof(area), AREA);
	/* The same bytes as a ring of uberblocks, the first one sealed. */
	eck_seal(area, UBERBLOCK_BYTES, &ring);
	(void)bdev_write(bd, area, sizeof(area), RING);
	(void)label_best_uberblock(bd, 12, UINT64_MAX, &ub, &e);
	if (label_read(bd, &label, &e) == 0) {
		describe_again(label);
		nv_free(label);
	}
	return (0);
}
