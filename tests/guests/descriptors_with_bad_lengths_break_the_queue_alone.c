/* SPDX-License-Identifier: MIT */
/* Descriptors that lie outside memory, run over its end or are too long: the card asks for a reset each time, and works after it.
 * vmx: -r
 * expect: ok at the end of memory
 * expect: ok longer than anything
 * expect: ok in a hole
 * expect: ok in front of nothing
 * expect: ok a table of a crooked length
 * expect: ok it works again
 */
#include "virtio.h"

static struct vring r;
static u64 buf[4];

static void
breaks(const char *claim, u64 at, u32 len, u16 flags)
{
	(void)virtio_find(0x10051af4);
	for (u32 i = 0; i < sizeof(r); i++)
		((u8 *)&r)[i] = 0;
	virtio_queue(0, &r);
	virtio_go();
	virtio_desc(&r, 0, (void *)at, len, flags);
	*(volatile u16 *)(r.avail + 2) = 1;
	barrier();
	set16(vbase + 0x3000, 0);
	while ((mmio8(vbase + 0x14) & 64) == 0)
		__asm__ volatile("pause");
	check(claim, virtio_used(&r) == 0);
}

int
main(void)
{
	breaks("at the end of memory", (256UL << 20) - 8, 16, 2);
	breaks("longer than anything", 0x100000, 0xffffffff, 2);
	breaks("in a hole", 0xa0000, 16, 2);
	breaks("in front of nothing", ~0UL - 7, 16, 2);
	breaks("a table of a crooked length", (u64)buf, 17, 4);
	(void)virtio_find(0x10051af4);
	for (u32 i = 0; i < sizeof(r); i++)
		((u8 *)&r)[i] = 0;
	virtio_queue(0, &r);
	virtio_go();
	virtio_desc(&r, 0, buf, 32, 2);
	virtio_run(0, &r);
	check("it works again", virtio_written(&r) == 32);
	return (0);
}
