/* SPDX-License-Identifier: MIT */
/* Port 0xcf9 resets: memory is loaded again, CMOS keeps nothing of ours but its clock.
 * expect: boot
 * expect: boot
 * expect: again
 */
#include "guest.h"

int
main(void)
{
	volatile u32 *seen = (u32 *)0x90000;	/* RAM that nobody loads */

	put("boot\n");
	if (*seen == 0x600d) {
		put("again\n");
		return (0);
	}
	*seen = 0x600d;
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	for (;;)
		__asm__ volatile("cli; hlt");
}
