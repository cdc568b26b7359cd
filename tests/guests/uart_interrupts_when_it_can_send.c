/* SPDX-License-Identifier: MIT */
/* The second serial port: loopback gives back what is sent; an empty transmitter interrupts.
 * vmx: -S file:@/second
 * expect: ok looped back
 * expect: ok interrupted
 * after: [ "$(cat second)" = "to the file" ]
 */
#include "guest.h"

static volatile u32 seen;

static void
line3(u64 v)
{
	(void)v;
	seen = inb(0x2fa) & 15;
	pic_eoi(3);
}

int
main(void)
{
	const char *t = "to the file\n";

	outb(0x2fc, 0x10);
	outb(0x2f8, 'L');
	check("looped back", (inb(0x2fd) & 1) != 0 && inb(0x2f8) == 'L');
	outb(0x2fc, 8);
	on_interrupt(35, line3);
	pic_init(1 << 3);
	while (*t != 0) {
		while ((inb(0x2fd) & 0x20) == 0)
			;
		outb(0x2f8, (u8)*t++);
	}
	outb(0x2f9, 2);
	while (seen == 0)
		wait_interrupt();
	check("interrupted", seen == 2);
	return (0);
}
