/* SPDX-License-Identifier: MIT */
/* The clock's update-ended interrupt comes on line 8, once a second, until it is read away.
 * expect: ok it came
 * expect: cause 90
 * expect: cause then 0
 */
#include "guest.h"

static volatile u32 came;

static u8 cmos(u8 i) { outb(0x70, i); return inb(0x71); }

static void
line8(u64 v)
{
	(void)v;
	came++;
	pic_eoi(8);
}

int
main(void)
{
	pic_init(1 << 8);
	on_interrupt(40, line8);
	(void)cmos(0x0c);
	outb(0x70, 0x0b);
	outb(0x71, 0x12); /* 24 hours, update ended */
	while (!came)
		wait_interrupt();
	check("it came", came != 0);
	outb(0x70, 0x0b);
	outb(0x71, 0x02);
	say("cause", cmos(0x0c) & 0xf0);
	say("cause then", cmos(0x0c));
	return (0);
}
