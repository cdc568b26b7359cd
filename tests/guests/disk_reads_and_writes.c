/* SPDX-License-Identifier: MIT */
/* virtio-blk reads a sector and writes another, through modern registers, polled.
 * disk: d 16
 * vmx: -d @/d,serial=x -j 60001
 * expect: sector 3
 * expect: status 0
 * expect: status 0
 * after: grep -q written d
 */
#include "guest.h"

static u8 desc[48] __attribute__((aligned(16))), avail[64] __attribute__((aligned(16)));
static u8 used[128] __attribute__((aligned(16))), head[16], data[512];
static volatile u8 status;
static u64 base;

static void
d(u32 i, void *p, u32 len, u16 flags)
{
	*(u64 *)(desc + 16 * i) = (u64)p;
	*(u32 *)(desc + 16 * i + 8) = len;
	*(u16 *)(desc + 16 * i + 12) = flags;
	*(u16 *)(desc + 16 * i + 14) = (u16)(i + 1);
}

static void
request(u32 type, u64 sector, u16 n)
{
	*(u32 *)head = type;
	*(u64 *)(head + 8) = sector;
	status = 0xff;
	d(0, head, 16, 1);
	d(1, data, 512, type == 0 ? 3 : 1);
	d(2, (void *)&status, 1, 2);
	*(volatile u16 *)(avail + 2) = n;
	barrier();
	set16(base + 0x3000, 0);
	while (*(volatile u16 *)(used + 2) != n)
		__asm__ volatile("pause");
}

int
main(void)
{
	u32 fn = pci_look(0x10011af4);

	base = pci_bar(fn, 4);
	pci_write(fn, 4, 6);
	set8(base + 0x14, 3);
	set32(base + 8, 1);
	set32(base + 12, 1);
	set8(base + 0x14, 11);
	set16(base + 0x18, 8);
	set32(base + 0x20, (u32)(u64)desc);
	set32(base + 0x28, (u32)(u64)avail);
	set32(base + 0x30, (u32)(u64)used);
	set16(base + 0x1c, 1);
	set8(base + 0x14, 15);
	request(0, 3, 1);
	data[8] = 0;
	put((char *)data);
	put("\n");
	say("status", status);
	for (u32 i = 0; i < 8; i++)
		data[i] = "written\n"[i];
	request(1, 5, 2);
	say("status", status);
	return (0);
}
