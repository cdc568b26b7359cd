/* SPDX-License-Identifier: MIT */
/* A BAR over RAM, the APIC or another BAR stays unmapped: what lies there goes on, and so does the device when it comes back.
 * vmx: -r -B
 * expect: ok it is there
 * expect: ok RAM is RAM
 * expect: ok the APIC answers
 * expect: ok the other card answers
 * expect: ok it is back
 */
#include "guest.h"

static volatile u32 word = 0x5afe;

static void
put_bar(u32 fn, u32 at)
{
	pci_write(fn, 4, 0);
	pci_write(fn, 0x20, at);
	pci_write(fn, 0x24, 0);
	pci_write(fn, 4, 6);
}

int
main(void)
{
	u32 rng = pci_look(0x10051af4), balloon = pci_look(0x10021af4), home = (u32)pci_bar(rng, 4);
	u64 other = pci_bar(balloon, 4);
	u32 version;

	check("it is there", mmio16(home + 0x12) == 1);
	put_bar(rng, (u32)(u64)&word & ~0x3fffU);
	check("RAM is RAM", word == 0x5afe);
	lapic_on();
	version = mmio32(LAPIC + 0x30);
	put_bar(rng, (u32)LAPIC);
	check("the APIC answers", mmio32(LAPIC + 0x30) == version);
	put_bar(rng, (u32)other);
	check("the other card answers", mmio16(other + 0x12) == 2 || mmio16(other + 0x12) == 3);
	for (u32 i = 0; i < 32; i++)
		put_bar(rng, 1U << i);
	put_bar(rng, home);
	check("it is back", mmio16(home + 0x12) == 1);
	return (0);
}
