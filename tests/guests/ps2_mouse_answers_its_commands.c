/* SPDX-License-Identifier: MIT */
/* The second port of the keyboard controller has a mouse: reset, identity, status after set-up.
 * expect: reset fa aa 0
 * expect: identity fa 0
 * expect: status fa 20 3 64
 */
#include "guest.h"

static u8
answer(void)
{
	while ((inb(0x64) & 1) == 0)
		;
	return (inb(0x60));
}

static void
mouse(u8 v)
{
	outb(0x64, 0xd4);
	outb(0x60, v);
}

static void
answers(const char *what, u32 n)
{
	put(what);
	while (n-- > 0) {
		put(" ");
		put_hex(answer());
	}
	put("\n");
}

int
main(void)
{
	outb(0x64, 0xa8);
	mouse(0xff);
	answers("reset", 3);
	mouse(0xf2);
	answers("identity", 2);
	mouse(0xe8);
	(void)answer();
	mouse(3); /* eight counts a millimetre */
	(void)answer();
	mouse(0xf4);
	(void)answer();
	mouse(0xe9);
	answers("status", 4);
	return (0);
}
