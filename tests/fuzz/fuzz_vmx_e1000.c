/* SPDX-License-Identifier: MIT */
/* e1000 on a socket pair in the tap's place. */
#include "fuzz_tap.h"
#include "smartbox/vmx/e1000.h"

static int
build(struct vmx_bench *b)
{
	struct e1000_spec spec = {.mac = {2, 0, 0, 0, 0, 1}, .offload = true, .tap_fd = tap_open()};

	return (spec.tap_fd < 0 ? -1 : e1000_new(b->board, SLOT, &spec, NULL, NULL));
}

/* The card finds our frame after what the guest sent was taken. */
static void
host(struct vmx_bench *b, uint8_t byte)
{
	tap_exchange(byte);
	e1000_poll(board_find(b->board, "net4"));
}

static void
place(struct vmx_bench *b)
{
	bench_cfg_set(b, SLOT, 0x10, 0xc0000000);
	bench_cfg_set(b, SLOT, 0x14, 0xc000);
	bench_cfg_set(b, SLOT, 4, 7);
}

FUZZ_TARGET(.build = build, .base = 0xc0000000, .window = 0x8000, .place = place, .host = host, .end = tap_end)
