/* SPDX-License-Identifier: MIT */
/* The start info names an RSDP; it, the XSDT and every table in it have sums of zero, and MADT, FADT and MCFG's absence are as promised.
 * vmx: -c 2
 * expect: ok RSDP
 * expect: ok XSDT
 * expect: ok every table adds up
 * expect: processors 2
 * expect: ok a FADT
 */
#include "guest.h"

extern u32 start_info;

static int
adds_up(const u8 *p, u32 n)
{
	u8 sum = 0;

	while (n-- > 0)
		sum = (u8)(sum + *p++);
	return (sum == 0);
}

static u32
processors(const u8 *t)
{
	u32 n = 0;

	for (u32 at = 44; at < *(u32 *)(t + 4); at += t[at + 1])
		n += t[at] == 0 && (t[at + 4] & 1);
	return (n);
}

int
main(void)
{
	const u8 *rsdp = (u8 *)*(u64 *)((u64)start_info + 32), *xsdt = (u8 *)*(u64 *)(rsdp + 24);
	u32 all = 1, cpus = 0, fadt = 0;

	check("RSDP", *(u64 *)rsdp == 0x2052545020445352UL && adds_up(rsdp, 36));
	check("XSDT", *(u32 *)xsdt == 0x54445358 && adds_up(xsdt, *(u32 *)(xsdt + 4)));
	for (u32 at = 36; at < *(u32 *)(xsdt + 4); at += 8) {
		const u8 *t = (u8 *)*(u64 *)(xsdt + at);

		all &= (u32)adds_up(t, *(u32 *)(t + 4));
		if (*(u32 *)t == 0x43495041)
			cpus = processors(t);
		fadt |= *(u32 *)t == 0x50434146;
	}
	check("every table adds up", (int)all);
	say("processors", cpus);
	check("a FADT", (int)fadt);
	return (0);
}
