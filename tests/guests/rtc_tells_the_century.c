/* SPDX-License-Identifier: MIT */
/* The clock runs in BCD, knows its century, and its memory keeps what is written.
 * expect: century 20
 * expect: ok the month is one
 * expect: ok the second is one
 * expect: kept 5a
 */
#include "guest.h"

static u8 cmos(u8 i) { outb(0x70, i); return inb(0x71); }

int
main(void)
{
	u8 month = cmos(8), second = cmos(0);

	say("century", cmos(0x32));
	check("the month is one", (month >= 1 && month <= 9) || (month >= 0x10 && month <= 0x12));
	check("the second is one", (second & 15) <= 9 && second >> 4 <= 5);
	outb(0x70, 0x60);
	outb(0x71, 0x5a);
	say("kept", cmos(0x60));
	return (0);
}
