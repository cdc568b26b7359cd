/* SPDX-License-Identifier: MIT */
/* INIT and SIPI start the second processor, which has its own APIC id.
 * vmx: -c 2
 * expect: ok the second processor ran
 * expect: id 1
 */
#include "guest.h"

static volatile u32 ran, id;

static void
second(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	id = r[1] >> 24;
	ran = 1;
	for (;;)
		__asm__ volatile("cli; hlt");
}

int
main(void)
{
	lapic_on();
	ap_start(1, second);
	while (!ran)
		__asm__ volatile("pause");
	check("the second processor ran", ran == 1);
	say("id", id);
	return (0);
}
