/* SPDX-License-Identifier: MIT */
/* The first IDE channel, polled; and its bus master. */
#ifndef IDE_H
#define IDE_H

#include "guest.h"

#define IDE_FN 9 /* 00:01.1 */

static u16 ide_master;
static struct { u32 at; u16 len, flags; } prd[4] __attribute__((aligned(64)));

static inline void
ide_wait(void)
{
	while (inb(0x3f6) & 0x80)
		;
}

static inline void
ide_master_on(void)
{
	pci_write(IDE_FN, 4, 5);
	ide_master = (u16)pci_read(IDE_FN, 0x20) & 0xfff0;
}

/* A command with a 28-bit address; unit 0 or 1. */
static inline void
ide_command(u8 unit, u8 c, u32 lba, u8 count)
{
	outb(0x1f6, (u8)(0xe0 | unit << 4 | (lba >> 24 & 15)));
	outb(0x1f2, count);
	outb(0x1f3, (u8)lba);
	outb(0x1f4, (u8)(lba >> 8));
	outb(0x1f5, (u8)(lba >> 16));
	outb(0x1f7, c);
	ide_wait();
}

static inline void
ide_in(void *to, u32 words)
{
	u64 n = words;
	__asm__ volatile("rep insw" : "+D"(to), "+c"(n) : "d"(0x1f0) : "memory");
}
static inline void
ide_out(const void *from, u32 words)
{
	u64 n = words;
	__asm__ volatile("rep outsw" : "+S"(from), "+c"(n) : "d"(0x1f0) : "memory");
}

static inline void
ide_region(u32 i, void *at, u16 len, int last)
{
	prd[i].at = (u32)(u64)at;
	prd[i].len = len;
	prd[i].flags = last ? 0x8000 : 0;
}

/* Start what the last command offered; the master's status at its end. */
static inline u8
ide_dma(int to_memory)
{
	u8 st;

	outl(ide_master + 4, (u32)(u64)prd);
	outb(ide_master + 2, 6);
	outb(ide_master, (u8)(1 | (to_memory ? 8 : 0)));
	do
		st = inb(ide_master + 2);
	while ((st & 4) == 0);
	outb(ide_master, 0);
	return (st);
}

/* Send a packet of twelve bytes; the drive's status then. */
static inline u8
ide_packet(u8 unit, const u8 *cdb, u8 dma)
{
	outb(0x1f1, dma);
	ide_command(unit, 0xa0, 0x080000, 0); /* pieces of 2048 bytes */
	ide_out(cdb, 6);
	ide_wait();
	return (inb(0x1f7));
}
#endif
