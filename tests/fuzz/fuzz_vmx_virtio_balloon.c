/* SPDX-License-Identifier: MIT */
/* virtio-balloon. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	return (vballoon_new(b->board, SLOT, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	vballoon_set(board_find(b->board, "balloon"), byte);
}

FUZZ_TARGET(.build = build, .host = host)
