/* SPDX-License-Identifier: MIT */
/* A disk on the SATA controller: signature, IDENTIFY, read, write; an error stops the port until it is started again.
 * disk: d 16
 * vmx: -d @/d,ahci,serial=x
 * expect: ok it is there
 * expect: signature 101
 * expect: sectors 10
 * expect: sector 3
 * expect: ok written
 * expect: ok beyond the end is an error, and the port stands still
 * expect: ok it goes on when started anew
 * expect: ok a region outside memory is an error
 * after: [ "$(dd if=d bs=512 skip=5 count=1 2> /dev/null | head -c 7)" = written ]
 */
#include "guest.h"

static u32 list[256] __attribute__((aligned(1024))), table[64] __attribute__((aligned(128)));
static u8 received[256] __attribute__((aligned(256))), b[512] __attribute__((aligned(512)));
static u64 port;

static void
start(void)
{
	set32(port + 0x18, 0x10);
	set32(port + 0x10, ~0U);
	set32(port + 0x18, 0x11);
}

/* Issue in slot 0; the task file at the end. */
static u32
command(u8 c, u32 lba, u16 count, u64 at, int write)
{
	u8 *fis = (u8 *)table;

	list[0] = 5 | (write ? 0x40U : 0) | 1U << 16;
	list[1] = 0;
	list[2] = (u32)(u64)table;
	list[3] = 0;
	for (u32 i = 0; i < 20; i++)
		fis[i] = 0;
	fis[0] = 0x27;
	fis[1] = 0x80;
	fis[2] = c;
	fis[4] = (u8)lba;
	fis[5] = (u8)(lba >> 8);
	fis[7] = 0x40;
	fis[12] = (u8)count;
	fis[13] = (u8)(count >> 8);
	table[32] = (u32)at;
	table[33] = (u32)(at >> 32);
	table[35] = 511;
	barrier();
	set32(port + 0x38, 1);
	while ((mmio32(port + 0x10) & 0x40000003) == 0)
		__asm__ volatile("pause");
	set32(port + 0x10, ~0U);
	return mmio32(port + 0x20);
}

int
main(void)
{
	u32 fn = pci_look(0x29228086);

	check("it is there", fn != 0);
	pci_write(fn, 4, 6);
	port = pci_bar(fn, 5) + 0x100;
	set32(port, (u32)(u64)list);
	set32(port + 8, (u32)(u64)received);
	start();
	say("signature", mmio32(port + 0x24));
	(void)command(0xec, 0, 0, (u64)b, 0);
	say("sectors", *(u32 *)(b + 200));
	(void)command(0x25, 3, 1, (u64)b, 0);
	b[8] = 0;
	put((char *)b);
	put("\n");
	for (u32 i = 0; i < 8; i++)
		b[i] = "written\n"[i];
	check("written", (command(0x35, 5, 1, (u64)b, 1) & 1) == 0 && list[1] == 512);
	check("beyond the end is an error, and the port stands still",
	    (command(0x25, 16, 1, (u64)b, 0) & 1) != 0 && mmio32(port + 0x38) == 1);
	start();
	check("it goes on when started anew", (command(0x25, 0, 1, (u64)b, 0) & 1) == 0 && mmio32(port + 0x38) == 0);
	check("a region outside memory is an error", command(0x25, 0, 1, 0xfee00000, 0) & 1);
	return (0);
}
