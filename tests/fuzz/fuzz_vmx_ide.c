/* SPDX-License-Identifier: MIT */
/* IDE: a disk and a CD-ROM on one channel. */
#include "fuzz_vmx.h"

#include "smartbox/vmx/ide.h"

static int
build(struct vmx_bench *b)
{
	struct ide_spec spec[4] = {{&mem_disk_new(2048 * 512)->b, false, "d"},
	    {&mem_disk_new(16 * 2048)->b, true, "c"}};

	return (ide_new(b->board, spec, NULL));
}

FUZZ_TARGET(.build = build, .port = 0x1f0, .ports = 8)
