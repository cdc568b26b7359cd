/* SPDX-License-Identifier: MIT */
/* virtio-blk: flush, write zeroes, discard; what lies outside the disk and requests without a meaning fail, each with its status.
 * disk: d 64
 * vmx: -d @/d,serial=deadbeef
 * expect: flush 0
 * expect: zeroes 0
 * expect: discard 0
 * expect: outside 1
 * expect: unknown 2
 * expect: name deadbeef
 * after: ! tr -d '\0' < d | grep -q -e 'sector 8 ' -e 'sector 9 ' && grep -q 'sector 10 ' d && [ $(stat -c %s d) = 32768 ]
 */
#include "virtio.h"

static struct vring r;
static struct { u32 type, prio; u64 sector; } head;
static struct { u64 sector; u32 count, flags; } range;
static u8 name[21];
static volatile u8 status;

static u8
request(u32 type, void *data, u32 len, u16 flags)
{
	u32 n = 0;

	head.type = type;
	status = 0xff;
	virtio_desc(&r, n++, &head, 16, 1);
	if (len != 0)
		virtio_desc(&r, n++, data, len, (u16)(1 | flags));
	virtio_desc(&r, n, &status, 1, 2);
	virtio_run(0, &r);
	return (status);
}

int
main(void)
{
	u32 fn = pci_look(0x10011af4);

	vbase = pci_bar(fn, 4);
	pci_write(fn, 4, 6);
	set8(vbase + 0x14, 3);
	set32(vbase + 8, 0);
	set32(vbase + 12, 1 << 9 | 1 << 13 | 1 << 14);
	set32(vbase + 8, 1);
	set32(vbase + 12, 1);
	set8(vbase + 0x14, 11);
	virtio_queue(0, &r);
	virtio_go();
	say("flush", request(4, 0, 0, 0));
	range.sector = 8;
	range.count = 2;
	say("zeroes", request(13, &range, 16, 0));
	range.sector = 40;
	range.count = 8;
	say("discard", request(11, &range, 16, 0));
	range.sector = 60;
	say("outside", request(13, &range, 16, 0));
	say("unknown", request(77, 0, 0, 0));
	(void)request(8, name, 20, 2);
	put("name ");
	put((char *)name);
	put("\n");
	return (0);
}
