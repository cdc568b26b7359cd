/* SPDX-License-Identifier: MIT */
/* A reset parks the second processor in wait-for-SIPI, where INIT and SIPI find it again, also when both
 * had gone to x2APIC mode.
 * vmx: -c 2
 * expect: second
 * expect: second
 * expect: again
 */
#include "guest.h"

static volatile u32 ran;

static void
x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if ((r[2] & 1U << 21) != 0)
		__asm__ volatile("wrmsr" : : "c"(0x1b), "a"((u32)rdmsr(0x1b) | 0xc00), "d"(0));
}

static void
second(void)
{
	x2apic();
	ran = 1;
	for (;;)
		__asm__ volatile("cli; hlt");
}

int
main(void)
{
	volatile u32 *seen = (u32 *)0x90000;	/* RAM that nobody loads */

	lapic_on();
	ap_start(1, second);
	while (!ran)
		__asm__ volatile("pause");
	put("second\n");
	if (*seen == 0x600d) {
		put("again\n");
		return (0);
	}
	*seen = 0x600d;
	x2apic();
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	for (;;)
		__asm__ volatile("cli; hlt");
}
