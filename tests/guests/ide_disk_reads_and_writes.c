/* SPDX-License-Identifier: MIT */
/* An IDE disk is told by IDENTIFY, read and written by programmed I/O, and knows where it ends.
 * disk: d 16
 * vmx: -d @/d,ide,serial=x
 * expect: words 60, 61: 10
 * expect: sector 3
 * expect: status 50
 * expect: ok beyond the end is refused
 * after: [ "$(dd if=d bs=512 skip=5 count=1 2> /dev/null | head -c 7)" = written ]
 */
#include "ide.h"

static u8 b[1024];

int
main(void)
{
	ide_command(0, 0xec, 0, 0);
	ide_in(b, 256);
	say("words 60, 61:", *(u32 *)(b + 120));
	ide_command(0, 0x20, 3, 2);
	ide_in(b, 256);
	ide_wait();
	ide_in(b + 512, 256);
	b[8] = 0;
	put((char *)b);
	put("\n");
	for (u32 i = 0; i < 8; i++)
		b[i] = "written\n"[i];
	ide_command(0, 0x30, 5, 1);
	ide_out(b, 256);
	ide_wait();
	say("status", inb(0x1f7));
	ide_command(0, 0x20, 15, 2);
	check("beyond the end is refused", inb(0x1f7) & 1);
	return (0);
}
