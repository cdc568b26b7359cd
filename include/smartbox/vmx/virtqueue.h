/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue, device side.  VIRTIO 1.2, section 2.7.
 *
 * The rings are guest memory that the guest rewrites while we read.  So everything is read once
 * into our own variables and judged there: a popped chain is a private array of host addresses whose
 * every byte lies in RAM, and nothing of the rings is looked at again for it.
 *
 * Calls on one queue come under its device's lock.
 */
#ifndef SMARTBOX_VMX_VIRTQUEUE_H
#define SMARTBOX_VMX_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "smartbox/vmx/gmem.h"

enum { VQ_MAX_SIZE = 256, VQ_SEGS = 256 };
#define VQ_MAX_CHAIN_BYTES (64ULL << 20)

/* What a snapshot keeps of a queue. */
struct vq_state {
	uint64_t desc, avail, used; /* guest physical */
	uint16_t size, ready;
	uint16_t last_avail, last_used;
	uint16_t signalled;    /* used index at the last interrupt */
	uint16_t signalled_ok; /* that index means something */
	uint16_t vector;       /* MSI-X, 0xffff none */
	uint16_t reserved;
};

struct virtqueue {
	struct vq_state *s;
	struct gmem *mem;
	bool event_idx;
	bool broken; /* the driver broke the rules; only a reset helps */
	/* derived by vq_enable */
	uint8_t *desc, *avail, *used;
};

struct vq_chain {
	uint16_t head;
	uint16_t nout, nin;	   /* segments the device reads, then those it writes */
	uint32_t out_bytes, in_bytes;
	struct iovec iov[VQ_SEGS]; /* nout, then nin */
};

/* Take the addresses of s into use.  -EINVAL: size, alignment or range is wrong. */
int vq_enable(struct virtqueue *q);
void vq_disable(struct virtqueue *q);

/*
 * The next chain: 1 popped, 0 nothing there, -EPROTO the driver broke the ring (q->broken is set).
 * Write-only after read-only, at most min(size, VQ_SEGS) descriptors, indirect tables once.
 */
int vq_pop(struct virtqueue *q, struct vq_chain *c);
/* As if the last pop had not been; only directly after it. */
void vq_unpop(struct virtqueue *q);
bool vq_is_empty(const struct virtqueue *q);
/* Hand a chain back, `written` bytes of its writable part filled. */
void vq_push(struct virtqueue *q, uint16_t head, uint32_t written);
/* Mergeable receive: make n used entries visible at once. */
void vq_push_many(struct virtqueue *q, const uint16_t *heads, const uint32_t *written, unsigned n);
/* After one or more pushes: does the driver want an interrupt? */
bool vq_should_signal(struct virtqueue *q);
/* Ask for kicks (true) or ask to be left alone. After true look at the queue once more. */
void vq_want_kicks(struct virtqueue *q, bool on);

/* Copy between a byte offset of a chain's readable or writable part and a buffer; returns bytes. */
size_t vq_chain_read(const struct vq_chain *c, size_t off, void *buf, size_t len);
size_t vq_chain_write(const struct vq_chain *c, size_t off, const void *buf, size_t len);
/*
 * Cut [off, off + len) of the readable (or writable) part out as iovecs; returns their number, or
 * -EINVAL when the chain is shorter or max too small.
 */
int vq_chain_slice(const struct vq_chain *c, bool writable, size_t off, size_t len,
    struct iovec *out, unsigned max);

#endif
