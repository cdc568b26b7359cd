/* SPDX-License-Identifier: MIT */
/* The local APIC's timer ticks, periodically and once.
 * expect: ok five ticks
 * expect: ok once is once
 */
#include "guest.h"

static volatile u32 ticks;

static void
tick(u64 v)
{
	(void)v;
	ticks++;
	lapic_eoi();
}

int
main(void)
{
	on_interrupt(50, tick);
	lapic_on();
	set32(LAPIC + 0x3e0, 3);
	set32(LAPIC + 0x320, 50 | 1 << 17);
	set32(LAPIC + 0x380, 1000000);
	while (ticks < 5)
		wait_interrupt();
	check("five ticks", 1);
	set32(LAPIC + 0x380, 0);
	set32(LAPIC + 0x320, 50);
	ticks = 0;
	set32(LAPIC + 0x380, 100000);
	while (ticks == 0)
		wait_interrupt();
	sti();
	for (u32 i = 0; i < 20000; i++)
		(void)inb(0x80);
	cli();
	check("once is once", ticks == 1);
	return (0);
}
