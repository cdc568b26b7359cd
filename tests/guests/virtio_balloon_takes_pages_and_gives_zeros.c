/* SPDX-License-Identifier: MIT */
/* A page given to the balloon reads as zeros afterwards; page numbers outside memory harm nobody.
 * vmx: -B
 * expect: ok it is there
 * expect: ok the page is empty
 * expect: ok its neighbour is not
 */
#include "virtio.h"

static struct vring inflate, deflate;
static u8 page[8192] __attribute__((aligned(4096)));

int
main(void)
{
	static u32 pfn[3];

	check("it is there", virtio_find(0x10021af4));
	virtio_queue(0, &inflate);
	virtio_queue(1, &deflate);
	virtio_go();
	page[17] = page[4096] = 'x';
	pfn[0] = (u32)((u64)page >> 12);
	pfn[1] = 0xa0;
	pfn[2] = 0xffffffff;
	virtio_desc(&inflate, 0, pfn, sizeof(pfn), 0);
	virtio_run(0, &inflate);
	check("the page is empty", *(volatile u8 *)&page[17] == 0);
	check("its neighbour is not", *(volatile u8 *)&page[4096] == 'x');
	return (0);
}
