/* SPDX-License-Identifier: MIT */
/* A reset through cf9; with -R it is the end.
 * vmx: -R
 * expect: before
 */
#include "guest.h"

int
main(void)
{
	put("before\n");
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	for (;;)
		__asm__ volatile("hlt");
}
