/* SPDX-License-Identifier: MIT */
/* virtio-net on a socket pair in the tap's place. */
#include "fuzz_tap.h"

static int
build(struct vmx_bench *b)
{
	struct vnet_spec spec = {.mac = {2, 0, 0, 0, 0, 1}, .offload = true, .tap_fd = tap_open()};

	return (spec.tap_fd < 0 ? -1 : vnet_new(b->board, SLOT, &spec, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	(void)b;
	tap_exchange(byte);
}

FUZZ_TARGET(.build = build, .host = host, .end = tap_end)
