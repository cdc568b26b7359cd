/* SPDX-License-Identifier: MIT */
/* The clock and its memory. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	return (rtc_new(b->board, 2, NULL));
}

FUZZ_TARGET(.build = build, .port = 0x70, .ports = 2)
