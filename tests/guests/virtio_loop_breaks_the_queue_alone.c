/* SPDX-License-Identifier: MIT */
/* A chain that bites its tail: the device asks for a reset and works after it.
 * vmx: -r
 * expect: ok it is there
 * expect: ok it needs a reset
 * expect: ok it works again
 */
#include "virtio.h"

static struct vring r, again;
static u64 buf[4];

int
main(void)
{
	check("it is there", virtio_find(0x10051af4));
	virtio_queue(0, &r);
	virtio_go();
	virtio_desc(&r, 0, buf, 32, 3);
	*(u16 *)(r.desc + 14) = 0;
	*(volatile u16 *)(r.avail + 2) = 1;
	barrier();
	set16(vbase + 0x3000, 0);
	while ((mmio8(vbase + 0x14) & 64) == 0)
		__asm__ volatile("pause");
	check("it needs a reset", virtio_used(&r) == 0);
	(void)virtio_find(0x10051af4);
	virtio_queue(0, &again);
	virtio_go();
	virtio_desc(&again, 0, buf, 32, 2);
	virtio_run(0, &again);
	check("it works again", virtio_written(&again) == 32);
	return (0);
}
