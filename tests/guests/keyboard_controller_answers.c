/* SPDX-License-Identifier: MIT */
/* The 8042 tests itself, the keyboard says who it is, the mouse too, and nobody waits for ever.
 * expect: self 55
 * expect: interface 0
 * expect: reset fa aa
 * expect: mouse fa 0
 */
#include "guest.h"

static u8 answer(void)
{
	for (u32 i = 0; i < 100000 && (inb(0x64) & 1) == 0; i++)
		;
	return inb(0x60);
}

static void two(const char *what)
{
	u8 a = answer(), b = answer();

	put(what); put(" "); put_hex(a); put(" "); put_hex(b); put("\n");
}

int
main(void)
{
	outb(0x64, 0xaa);
	say("self", answer());
	outb(0x64, 0xab);
	say("interface", answer());
	outb(0x60, 0xff);
	two("reset");
	outb(0x64, 0xa8);
	outb(0x64, 0xd4);
	outb(0x60, 0xf2);
	two("mouse");
	return (0);
}
