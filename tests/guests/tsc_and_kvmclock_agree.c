/* SPDX-License-Identifier: MIT */
/* kvmclock's page says how the time stamp counter becomes nanoseconds; over a stretch that PM's timer measures too, they agree.
 * expect: ok kvmclock
 * expect: ok the page was filled
 * expect: ok within a tenth
 */
#include "guest.h"

static struct {
	u32 version, pad0;
	u64 tsc, ns;
	u32 mul;
	signed char shift;
	u8 flags, pad[2];
} __attribute__((packed)) page __attribute__((aligned(64)));

static u64
tsc(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static u64
clock(void)
{
	u64 d = tsc() - *(volatile u64 *)&page.tsc;

	d = page.shift < 0 ? d >> -page.shift : d << page.shift;
	return page.ns + (u64)(((unsigned __int128)d * page.mul) >> 32);
}

int
main(void)
{
	u64 p = (u64)&page | 1, t0, t1;
	u32 r[4], pm0, pm1;

	cpuid(0x40000001, 0, r);
	check("kvmclock", r[0] >> 3 & 1);
	__asm__ volatile("wrmsr" : : "c"(0x4b564d01), "a"((u32)p), "d"((u32)(p >> 32)));
	check("the page was filled", page.mul != 0 && (page.version & 1) == 0);
	pm0 = inl(0x608);
	t0 = clock();
	do
		pm1 = inl(0x608);
	while (((pm1 - pm0) & 0xffffff) < 3579545 / 20);
	t1 = clock() - t0;
	t0 = ((pm1 - pm0) & 0xffffff) * 1000000000UL / 3579545;
	check("within a tenth", t1 > t0 - t0 / 10 && t1 < t0 + t0 / 10);
	return (0);
}
