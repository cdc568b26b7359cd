/* SPDX-License-Identifier: MIT */
/* Power management, its movable ports included. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	return (pm_new(b->board, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	bench_cfg_set(b, PCI_DEVFN(1, 3), 0x40 + (byte & 0x80 ? 0x40 : 0), byte * 0x101U);
	pm_power_button(board_find(b->board, "pm"));
}

FUZZ_TARGET(.build = build, .port = 0x600, .ports = 64, .host = host)
