/* SPDX-License-Identifier: MIT */
/* The bus master reads and writes a disk through a table of regions; one that lies nowhere is an error.
 * disk: d 16
 * vmx: -d @/d,ide
 * expect: ok read
 * expect: sector 4
 * expect: ok written
 * expect: ok a table that is too short is an error
 * expect: ok a region outside memory is an error
 * after: cmp <(dd if=d bs=512 skip=4 count=2 2> /dev/null) <(dd if=d bs=512 skip=8 count=2 2> /dev/null)
 */
#include "ide.h"

static u8 b[4096] __attribute__((aligned(4096)));

int
main(void)
{
	ide_master_on();
	ide_command(0, 0xc8, 4, 2);
	ide_region(0, b, 6, 0);
	ide_region(1, b + 6, 512, 0);
	ide_region(2, b + 518, 506, 1);
	check("read", (ide_dma(1) & 3) == 0 && (inb(0x1f7) & 1) == 0);
	b[511] = 0;
	for (u32 i = 0; i < 511; i++)
		if (b[i] == ' ' && i > 7)
			b[i] = 0;
	put((char *)b);
	put("\n");
	ide_command(0, 0xc8, 4, 2);
	(void)ide_dma(1);
	ide_command(0, 0xca, 8, 2);
	check("written", (ide_dma(0) & 3) == 0 && (inb(0x1f7) & 1) == 0);
	ide_command(0, 0xc8, 4, 4);
	check("a table that is too short is an error", (ide_dma(1) & 2) != 0 && (inb(0x1f7) & 1) != 0);
	ide_region(0, (void *)0xfee00000, 1024, 1);
	ide_command(0, 0xc8, 4, 2);
	check("a region outside memory is an error", (ide_dma(1) & 2) != 0 && (inb(0x1f7) & 1) != 0);
	return (0);
}
