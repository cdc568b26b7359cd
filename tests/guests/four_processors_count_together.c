/* SPDX-License-Identifier: MIT */
/* Four processors start one after another and count in the same word, none of them loses a step.
 * vmx: -c 4
 * expect: processors 4
 * expect: counted fa0
 */
#include "guest.h"

static volatile u32 up, go, done, count;

static void
count_up(void)
{
	for (u32 i = 0; i < 1000; i++)
		__asm__ volatile("lock incl %0" : "+m"(count));
	__asm__ volatile("lock incl %0" : "+m"(done));
}

static void
another(void)
{
	__asm__ volatile("lock incl %0" : "+m"(up));
	while (!go)
		__asm__ volatile("pause");
	count_up();
	for (;;)
		__asm__ volatile("cli; hlt");
}

int
main(void)
{
	lapic_on();
	/* They share one stack: each is past its need of it when the next comes. */
	for (u32 i = 1; i < 4; i++) {
		ap_start(i, another);
		while (up != i)
			__asm__ volatile("pause");
	}
	say("processors", up + 1);
	go = 1;
	count_up();
	while (done != 4)
		__asm__ volatile("pause");
	say("counted", count);
	return (0);
}
