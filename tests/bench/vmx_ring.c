/* SPDX-License-Identifier: MIT */
/*
 * A payload that does nothing but keep a virtio ring full: ROUNDS times BATCH requests at once, each of
 * BYTES bytes, polled and without interrupts, so that what is measured is the monitor.  DEVICE is 0x1001
 * (disk: reads) or 0x1000 (network card: sends).  It says "go", then "done".  The descriptors are written
 * once and offered again and again: a software KVM interprets a payload's instructions, there shall be few.
 */
#include "guest.h"

enum { SIZE = 256, PARTS = DEVICE == 0x1001 ? 3 : 2, QUEUE = DEVICE == 0x1001 ? 0 : 1 };

static u8 desc[16 * SIZE] __attribute__((aligned(4096)));
static u8 avail[6 + 2 * SIZE] __attribute__((aligned(4096)));
static u8 used[6 + 8 * SIZE] __attribute__((aligned(4096)));
static u8 head[BATCH][16], data[BATCH][BYTES] __attribute__((aligned(4096))), status[BATCH];
static u64 base;

static void
part(u32 i, void *p, u32 len, u16 flags)
{
	*(u64 *)(desc + 16 * i) = (u64)p;
	*(u32 *)(desc + 16 * i + 8) = len;
	*(u16 *)(desc + 16 * i + 12) = flags;
	*(u16 *)(desc + 16 * i + 14) = (u16)(i + 1);
}

static void
fill(void)
{
	for (u32 i = 0; i < BATCH; i++) {
		u32 first = i * PARTS;

		if (DEVICE == 0x1001) {
			*(u64 *)(head[i] + 8) = (u64)i * BYTES / 512;
			part(first, head[i], 16, 1);
			part(first + 1, data[i], BYTES, 3);
			part(first + 2, &status[i], 1, 2);
		} else {
			for (u32 k = 0; k < 12; k++)
				data[i][k] = k < 6 ? 0xff : 2;
			part(first, head[i], 12, 1);
			part(first + 1, data[i], BYTES, 0);
		}
	}
	for (u32 i = 0; i < SIZE; i++)
		*(u16 *)(avail + 4 + 2 * i) = (u16)(i % BATCH * PARTS);
	*(u16 *)avail = 1; /* no interrupts */
}

static void
start(u32 fn)
{
	base = pci_bar(fn, 4);
	pci_write(fn, 4, 6);
	set8(base + 0x14, 0);
	set8(base + 0x14, 3);
	set32(base + 8, 1);
	set32(base + 12, 1);
	set8(base + 0x14, 11);
	set16(base + 0x16, QUEUE);
	set16(base + 0x18, SIZE);
	set32(base + 0x20, (u32)(u64)desc);
	set32(base + 0x28, (u32)(u64)avail);
	set32(base + 0x30, (u32)(u64)used);
	set16(base + 0x1c, 1);
	set8(base + 0x14, 15);
}

int
main(void)
{
	u32 fn = pci_look(DEVICE << 16 | 0x1af4);
	u16 n = 0;

	fill();
	start(fn);
	put("go\n");
	for (u32 i = 0; i < ROUNDS; i++) {
		n = (u16)(n + BATCH);
		*(volatile u16 *)(avail + 2) = n;
		barrier();
		set16(base + 0x3000 + 4 * QUEUE, QUEUE);
		while (*(volatile u16 *)(used + 2) != n)
			__asm__ volatile("pause");
	}
	put("done\n");
	return (0);
}
