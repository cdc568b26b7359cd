/* SPDX-License-Identifier: MIT */
/* A modern virtio device, polled: one queue of eight, descriptors as they come. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "guest.h"

struct vring {
	u8 desc[128] __attribute__((aligned(16)));
	u8 avail[64] __attribute__((aligned(16)));
	u8 used[128] __attribute__((aligned(16)));
	u16 n; /* chains offered */
};

static u64 vbase;

/* Find the device and bring it to FEATURES_OK with VERSION_1 alone; 0: it is not there. */
static inline int
virtio_find(u32 id)
{
	u32 fn = pci_look(id);

	if (fn == 0)
		return (0);
	vbase = pci_bar(fn, 4);
	pci_write(fn, 4, 6);
	set8(vbase + 0x14, 0);
	set8(vbase + 0x14, 3);
	set32(vbase + 8, 1);
	set32(vbase + 12, 1);
	set8(vbase + 0x14, 11);
	return ((mmio8(vbase + 0x14) & 8) != 0);
}

static inline void
virtio_queue(u16 q, struct vring *r)
{
	set16(vbase + 0x16, q);
	set16(vbase + 0x18, 8);
	set32(vbase + 0x20, (u32)(u64)r->desc);
	set32(vbase + 0x28, (u32)(u64)r->avail);
	set32(vbase + 0x30, (u32)(u64)r->used);
	set16(vbase + 0x1c, 1);
}

static inline void virtio_go(void) { set8(vbase + 0x14, 15); }

static inline void
virtio_desc(struct vring *r, u32 i, volatile void *p, u32 len, u16 flags)
{
	*(u64 *)(r->desc + 16 * i) = (u64)p;
	*(u32 *)(r->desc + 16 * i + 8) = len;
	*(u16 *)(r->desc + 16 * i + 12) = flags;
	*(u16 *)(r->desc + 16 * i + 14) = (u16)(i + 1);
}

static inline u16 virtio_used(struct vring *r) { return *(volatile u16 *)(r->used + 2); }
static inline u32
virtio_written(struct vring *r)
{
	return *(volatile u32 *)(r->used + 4 + 8 * ((r->n - 1) & 7) + 4);
}

/* Offer the chain that begins at descriptor 0 and wait until it comes back. */
static inline void
virtio_run(u16 q, struct vring *r)
{
	*(volatile u16 *)(r->avail + 4 + 2 * (r->n & 7)) = 0;
	barrier();
	*(volatile u16 *)(r->avail + 2) = ++r->n;
	barrier();
	set16(vbase + 0x3000 + 4 * q, q);
	while (virtio_used(r) != r->n)
		__asm__ volatile("pause");
}
#endif
