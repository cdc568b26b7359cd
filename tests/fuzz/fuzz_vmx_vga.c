/* SPDX-License-Identifier: MIT */
/* The display: registers, windows, linear modes; and it is drawn whatever the guest has set. */
#include "fuzz_vmx.h"
#include "smartbox/vmx/vga.h"

static struct vga_frame frame;

static int
build(struct vmx_bench *b)
{
	return (vga_new(b->board, SLOT, NULL));
}

/* A byte to the windows at a0000, or a picture. */
static void
host(struct vmx_bench *b, uint8_t byte)
{
	if (byte == 0)
		(void)vga_render(board_find(b->board, "vga"), &frame);
	else
		bus_write(b->board->mmio, 0xa0000 + byte * 509ULL, 1U << (byte & 3), byte * 0x0101010101ULL);
	(void)bus_read(b->board->mmio, 0xa0000 + byte * 511ULL, 1U << (byte & 3));
}

static void
end(struct vmx_bench *b)
{
	(void)b;
	vga_frame_free(&frame);
}

FUZZ_TARGET(.build = build, .port = 0x3b0, .ports = 0x30, .host = host, .end = end)
