/* SPDX-License-Identifier: MIT */
/* Empty ports, memory and slots, read in every width, are ones; writes to them are nothing.
 * expect: port ff ffff ffffffff
 * expect: memory ff ffff ffffffff
 * expect: slot ffffffff
 */
#include "guest.h"

static void three(const char *what, u32 a, u32 b, u32 c)
{
	put(what); put(" "); put_hex(a); put(" "); put_hex(b); put(" "); put_hex(c); put("\n");
}

int
main(void)
{
	outl(0x5658, 1);
	three("port", inb(0x5658), inw(0x5658), inl(0x5658));
	set32(0xf0000000, 1);
	three("memory", mmio8(0xf0000000), mmio16(0xf0000000), mmio32(0xf0000000));
	say("slot", pci_read(30 << 3, 0));
	return (0);
}
