/* SPDX-License-Identifier: MIT */
/* The PIT ticks through the PIC.
 * expect: ok three ticks
 */
#include "guest.h"

static volatile u32 ticks;

static void
tick(u64 v)
{
	(void)v;
	ticks++;
	pic_eoi(0);
}

int
main(void)
{
	on_interrupt(32, tick);
	pic_init(1);
	outb(0x43, 0x34);
	outb(0x40, 0x9b);
	outb(0x40, 0x2e); /* 100 Hz */
	while (ticks < 3)
		wait_interrupt();
	check("three ticks", ticks >= 3);
	return (0);
}
