/* SPDX-License-Identifier: MIT */
/* A second processor sends the first one an interrupt.
 * vmx: -c 2
 * expect: ok it came from the other one
 */
#include "guest.h"

static volatile u32 came, apic_of_sender;

static void
ipi(u64 v)
{
	(void)v;
	came = 1;
	lapic_eoi();
}

static void
second(void)
{
	lapic_on();
	apic_of_sender = mmio32(LAPIC + 0x20) >> 24;
	set32(LAPIC + 0x310, 0);
	set32(LAPIC + 0x300, 0x4000 | 51);
	for (;;)
		__asm__ volatile("cli; hlt");
}

int
main(void)
{
	on_interrupt(51, ipi);
	lapic_on();
	ap_start(1, second);
	while (!came)
		wait_interrupt();
	check("it came from the other one", apic_of_sender == 1);
	return (0);
}
