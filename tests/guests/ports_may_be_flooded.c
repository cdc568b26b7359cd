/* SPDX-License-Identifier: MIT */
/* Every port is read and written in every width, but for those that end or reset the machine: it goes on.
 * vmx: -r -d @/d,ide -s file:@/said2 -x stdio
 * disk: d 16
 * after: grep -q "still here" said2
 */
#include "guest.h"

static int
spared(u32 p)
{
	return ((p >= 0x600 && p < 0x610) || p == 0xcf8 || p == 0xcf9 || p == 0x64 || p == 0x92 ||
	    (p >= 0x3f8 && p < 0x400) || p == 0x501);
}

int
main(void)
{
	/* Software KVM takes a while for each: every port below 0x1000, then by sixteen. */
	for (u32 p = 0; p < 0x10000; p += p < 0x800 ? 1 : 61) {
		if (spared(p) || spared(p + 1) || spared(p + 2) || spared(p + 3))
			continue;
		(void)inb((u16)p);
		(void)inl((u16)p);
		outb((u16)p, (u8)p);
		outl((u16)p, 0xa5a5a5a5);
	}
	outb(0x3fb, 3);
	put("still here\n");
	return (0);
}
