/* SPDX-License-Identifier: MIT */
/* Keyboard and mouse, with keys and movements coming in. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	return (i8042_new(b->board, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	struct device *d = board_find(b->board, "i8042");

	if ((byte & 1) != 0)
		i8042_key(d, &byte, 1);
	else
		i8042_mouse(d, byte - 128, byte, 1, byte);
}

FUZZ_TARGET(.build = build, .port = 0x60, .ports = 8, .host = host)
