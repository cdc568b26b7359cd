/* SPDX-License-Identifier: MIT */
/* The display's linear memory through its BAR is memory; the text window goes through the planes.
 * needs: /usr/share/seabios/vgabios-stdvga.bin
 * vmx: -G std
 * expect: dispi b0c5
 * expect: linear 12345678
 * expect: cell 741
 * expect: plane 41
 */
#include "guest.h"

static void reg(u16 p, u8 i, u8 v) { outw(p, (u16)(i | v << 8)); }

int
main(void)
{
	u32 fn = pci_look(0x11111234);
	u64 fb = pci_bar(fn, 0);

	outw(0x1ce, 0);
	say("dispi", inw(0x1cf));
	set32(fb + 0x123454, 0x12345678);
	say("linear", mmio32(fb + 0x123454));
	outb(0x3c2, 0x67);
	reg(0x3c4, 2, 3);
	reg(0x3c4, 4, 2);
	reg(0x3ce, 5, 0x10);
	reg(0x3ce, 6, 0x0e);
	set16(0xb8000 + 2 * 100, 0x0741);
	say("cell", mmio16(0xb8000 + 2 * 100));
	say("plane", mmio8(fb + 4 * 100));
	return (0);
}
