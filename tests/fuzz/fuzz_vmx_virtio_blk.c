/* SPDX-License-Identifier: MIT */
/* virtio-blk on a disk in memory. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	struct vblk_spec spec = {.disk = &mem_disk_new(64 * 512)->b, .serial = "disk"};

	return (vblk_new(b->board, SLOT, &spec, NULL, NULL));
}

FUZZ_TARGET(.build = build)
