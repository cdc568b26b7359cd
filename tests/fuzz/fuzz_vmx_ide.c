/* SPDX-License-Identifier: MIT */
/* IDE: a disk and a CD-ROM on one channel, and the bus master. */
#include "fuzz_vmx.h"

#include "smartbox/vmx/ide.h"

static int
build(struct vmx_bench *b)
{
	struct ide_spec spec[4] = {{&mem_disk_new(2048 * 512)->b, false, "d"},
	    {&mem_disk_new(16 * 2048)->b, true, "c"}};

	return (ide_new(b->board, spec, NULL));
}

static void
place(struct vmx_bench *b)
{
	bench_cfg_set(b, PCI_DEVFN(1, 1), 0x20, 0xc100);
	bench_cfg_set(b, PCI_DEVFN(1, 1), 4, 5);
}

FUZZ_TARGET(.build = build, .port = 0x1f0, .ports = 8, .more = 0xc100, .mores = 16, .place = place)
