/* SPDX-License-Identifier: MIT */
/* A CD drive tells its size, is read by pieces and by DMA; what is ejected is gone until the tray is closed.
 * disk: c 16
 * vmx: -d @/c,cd
 * expect: last sector 3
 * expect: sector 4
 * expect: sector 8
 * expect: ok a locked tray stays closed
 * expect: ok ejected
 * expect: not ready 3a
 * expect: a new medium 28
 * expect: ok ready
 */
#include "ide.h"

static u8 b[4096] __attribute__((aligned(4096)));
static u8 cdb[12] __attribute__((aligned(4)));

static u8
packet(u8 op, u32 lba, u8 count, u8 byte4, u8 dma)
{
	cdb[0] = op;
	cdb[2] = 0;
	cdb[3] = 0;
	cdb[4] = byte4;
	if (op == 0x28) {
		cdb[4] = 0;
		cdb[5] = (u8)lba;
	}
	cdb[8] = count;
	return (ide_packet(0, cdb, dma));
}

static void
print_sector(void)
{
	b[8] = 0;
	put((char *)b);
	put("\n");
}

static u8
sense(void)
{
	(void)packet(0x03, 0, 0, 18, 0);
	ide_in(b, 9);
	return (b[12]);
}

int
main(void)
{
	ide_master_on();
	(void)packet(0x25, 0, 0, 0, 0);
	ide_in(b, 4);
	say("last sector", b[3]);
	(void)packet(0x28, 1, 2, 0, 0);
	ide_in(b, 1024);
	ide_wait();
	ide_in(b + 2048, 1024);
	print_sector();
	(void)packet(0x28, 2, 1, 0, 1);
	ide_region(0, b, 2048, 1);
	(void)ide_dma(1);
	print_sector();
	(void)packet(0x1e, 0, 0, 1, 0);
	check("a locked tray stays closed", packet(0x1b, 0, 0, 2, 0) & 1);
	(void)packet(0x1e, 0, 0, 0, 0);
	check("ejected", (packet(0x1b, 0, 0, 2, 0) & 1) == 0);
	(void)packet(0, 0, 0, 0, 0);
	say("not ready", sense());
	(void)packet(0x1b, 0, 0, 3, 0);
	(void)packet(0, 0, 0, 0, 0);
	say("a new medium", sense());
	check("ready", (packet(0, 0, 0, 0, 0) & 1) == 0);
	return (0);
}
