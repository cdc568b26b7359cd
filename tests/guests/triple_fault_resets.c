/* SPDX-License-Identifier: MIT */
/* A triple fault is a reset: with -R the machine ends there, in peace.
 * vmx: -R
 * expect: before
 */
#include "guest.h"

int
main(void)
{
	struct __attribute__((packed)) { u16 limit; u64 base; } none = {0, 0};

	put("before\n");
	__asm__ volatile("lidt %0; ud2" : : "m"(none));
	put("behind\n");
	return (0);
}
