/* SPDX-License-Identifier: MIT */
/* AHCI: a disk and a CD-ROM. */
#include "fuzz_vmx.h"

#include "smartbox/vmx/ahci.h"

static int
build(struct vmx_bench *b)
{
	struct ide_spec spec[AHCI_PORTS] = {{&mem_disk_new(2048 * 512)->b, false, "d"},
	    {&mem_disk_new(16 * 2048)->b, true, "c"}};

	return (ahci_new(b->board, SLOT, spec, NULL));
}

static void
place(struct vmx_bench *b)
{
	bench_cfg_set(b, SLOT, 0x24, 0xc0000000);
	bench_cfg_set(b, SLOT, 4, 6);
}

FUZZ_TARGET(.build = build, .base = 0xc0000000, .window = 0x400, .place = place)
