/* SPDX-License-Identifier: MIT */
/* An ARP question to 10.99.88.1, and what its answer looks like. */
#ifndef NET_H
#define NET_H

#include "guest.h"

static const u8 arp_question[42] = {255, 255, 255, 255, 255, 255, 2, 8, 0x20, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
    2, 8, 0x20, 0, 0, 1, 10, 99, 88, 2, 0, 0, 0, 0, 0, 0, 10, 99, 88, 1};

static inline int
arp_is_answer(const u8 *f)
{
	return (f[0] == 2 && f[1] == 8 && f[12] == 8 && f[13] == 6 && f[21] == 2 && f[28] == 10 && f[31] == 1);
}

/* Until the host has given its end an address. */
static inline void
net_pause(void)
{
	u32 from = inl(0x608);

	while (((inl(0x608) - from) & 0xffffff) < 3579545 / 20)
		__asm__ volatile("pause");
}
#endif
