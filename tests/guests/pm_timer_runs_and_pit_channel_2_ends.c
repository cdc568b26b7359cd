/* SPDX-License-Identifier: MIT */
/* ACPI's timer moves at 3.58 MHz; the PIT's second channel counts down to its output, as loops that measure a processor use it.
 * expect: ok the timer moves
 * expect: ok channel 2 is low, then high
 * expect: ok it took about ten milliseconds
 */
#include "guest.h"

int
main(void)
{
	u32 a = inl(0x608), b, low;

	while (inl(0x608) == a)
		;
	check("the timer moves", 1);
	outb(0x61, (u8)((inb(0x61) & ~2) | 1));
	outb(0x43, 0xb0);
	a = inl(0x608);
	outb(0x42, (u8)11932);
	outb(0x42, 11932 >> 8);
	low = (inb(0x61) & 0x20) == 0;
	while ((inb(0x61) & 0x20) == 0)
		;
	b = (inl(0x608) - a) & 0xffffff;
	check("channel 2 is low, then high", low);
	check("it took about ten milliseconds", b > 3579545 / 125 && b < 3579545);
	return (0);
}
