/* SPDX-License-Identifier: MIT */
/* virtio-rng completes a request with an MSI-X message to the local APIC.
 * vmx: -r
 * expect: ok capability
 * expect: ok one message
 * expect: ok bytes came
 */
#include "guest.h"

static volatile u32 messages;
static u8 desc[16] __attribute__((aligned(16))), avail[64] __attribute__((aligned(16)));
static u8 used[128] __attribute__((aligned(16))), bytes[32];

static void
message(u64 v)
{
	(void)v;
	messages++;
	lapic_eoi();
}

int
main(void)
{
	u32 fn = pci_look(0x10051af4), cap = pci_cap(fn, 0x11), sum = 0;
	u64 table = pci_bar(fn, 1), base = pci_bar(fn, 4);

	check("capability", fn != 0 && cap != 0);
	on_interrupt(50, message);
	lapic_on();
	pci_write(fn, 4, 6);
	set32(table + 16, LAPIC);
	set32(table + 20, 0);
	set32(table + 24, 50);
	set32(table + 28, 0);
	pci_write(fn, cap, pci_read(fn, cap) | 0x80000000);
	set8(base + 0x14, 3);
	set32(base + 8, 1);
	set32(base + 12, 1);
	set8(base + 0x14, 11);
	set16(base + 0x18, 8);
	set16(base + 0x1a, 1);
	set32(base + 0x20, (u32)(u64)desc);
	set32(base + 0x28, (u32)(u64)avail);
	set32(base + 0x30, (u32)(u64)used);
	set16(base + 0x1c, 1);
	set8(base + 0x14, 15);
	*(u64 *)desc = (u64)bytes;
	*(u32 *)(desc + 8) = sizeof(bytes);
	*(u16 *)(desc + 12) = 2;
	*(u16 *)(avail + 2) = 1;
	barrier();
	set16(base + 0x3000, 0);
	while (messages == 0)
		wait_interrupt();
	for (u32 i = 0; i < sizeof(bytes); i++)
		sum += bytes[i];
	check("one message", messages == 1 && *(volatile u16 *)(used + 2) == 1);
	check("bytes came", sum != 0);
	return (0);
}
