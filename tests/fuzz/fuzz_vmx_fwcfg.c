/* SPDX-License-Identifier: MIT */
/* fw_cfg, its DMA included. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	int rc = fwcfg_new(b->board, NULL);

	return (rc != 0 ? rc : fwcfg_add_file(board_find(b->board, "fw_cfg"), "etc/x", "hello", 5));
}

FUZZ_TARGET(.build = build, .port = 0x510, .ports = 12)
