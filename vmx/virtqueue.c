/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue, device side.
 *
 *	guest memory, hostile			ours
 *	avail.idx, ring[], desc[]  --load once-->  locals --judge--> struct vq_chain --> the device
 *
 * Invariants, cited by number:
 *  1. Every field of the rings is loaded once, into a local, and only the local is judged and used.
 *  2. A chain that vq_pop returns lies wholly in RAM, has no more descriptors than the queue (and
 *     than VQ_SEGS), no readable one after a writable one, and at most VQ_MAX_CHAIN_BYTES.
 *  3. A driver that breaks the rules breaks its own queue: q->broken, until reset.
 *
 * Memory order: avail.idx is read with acquire before the entries that it covers; used entries are
 * written before used.idx is released; a full fence stands between our used.idx and the driver's
 * used_event, and between our avail_event and the driver's avail.idx, or both sides could sleep.
 */
#include "smartbox/core/probe.h"
#include "smartbox/vmx/virtqueue.h"

#include <errno.h>
#include <string.h>

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_SIZE = 16 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
_Static_assert(sizeof(struct vq_desc) == DESC_SIZE, "descriptor: 16 bytes");

static uint16_t
load16(const uint8_t *p, int order)
{
	return (order == __ATOMIC_ACQUIRE ? __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE)
					  : __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED));
}

static void
store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE);
}

int
vq_enable(struct virtqueue *q)
{
	const struct vq_state *s = q->s;
	uint64_t n = s->size;

	vq_disable(q);
	if (n == 0 || n > VQ_MAX_SIZE || (n & (n - 1)) != 0 || s->desc % 16 != 0 ||
	    s->avail % 2 != 0 || s->used % 4 != 0)
		return (-EINVAL);
	q->desc = gmem_ptr(q->mem, s->desc, DESC_SIZE * n);
	q->avail = gmem_ptr(q->mem, s->avail, 6 + 2 * n);
	q->used = gmem_ptr(q->mem, s->used, 6 + 8 * n);
	if (q->desc == NULL || q->avail == NULL || q->used == NULL) {
		vq_disable(q);
		return (-EINVAL);
	}
	return (0);
}

void
vq_disable(struct virtqueue *q)
{
	q->desc = q->avail = q->used = NULL;
}

static int
vq_break(struct virtqueue *q)
{
	q->broken = true;
	return (-EPROTO);
}

/* A descriptor of a table, loaded once. */
static struct vq_desc
desc_load(const uint8_t *table, unsigned i)
{
	const volatile uint64_t *p = (const volatile uint64_t *)(table + (size_t)i * DESC_SIZE);
	uint64_t w[2] = {p[0], p[1]};
	struct vq_desc d;

	memcpy(&d, w, sizeof(d));
	return (d);
}

/* Invariant 2 for one segment. */
static int
chain_add(struct virtqueue *q, struct vq_chain *c, const struct vq_desc *d)
{
	bool writable = (d->flags & DESC_WRITE) != 0;
	uint32_t *total = writable ? &c->in_bytes : &c->out_bytes;
	unsigned n = c->nout + c->nin;
	void *p;

	if (n == VQ_SEGS || (!writable && c->nin != 0))
		return (vq_break(q));
	if ((p = gmem_ptr(q->mem, d->addr, d->len)) == NULL)
		return (vq_break(q));
	if ((uint64_t)c->in_bytes + c->out_bytes + d->len > VQ_MAX_CHAIN_BYTES)
		return (vq_break(q));
	c->iov[n] = (struct iovec){p, d->len};
	*total += d->len;
	if (writable)
		c->nin++;
	else
		c->nout++;
	return (0);
}

/* Follow a chain through a table of n descriptors from i. */
static int
chain_walk(struct virtqueue *q, struct vq_chain *c, const uint8_t *table, unsigned n, unsigned i,
    bool indirect)
{
	for (unsigned steps = 0; steps < n; steps++) {
		struct vq_desc d = desc_load(table, i);
		int rc;

		if ((d.flags & DESC_INDIRECT) != 0) {
			unsigned count = d.len / DESC_SIZE;
			const uint8_t *sub = gmem_ptr(q->mem, d.addr, d.len);

			if (indirect || (d.flags & DESC_NEXT) != 0 || d.len % DESC_SIZE != 0 ||
			    count == 0 || count > VQ_SEGS || sub == NULL || d.addr % 8 != 0)
				return (vq_break(q));
			return (chain_walk(q, c, sub, count, 0, true));
		}
		if ((rc = chain_add(q, c, &d)) != 0)
			return (rc);
		if ((d.flags & DESC_NEXT) == 0)
			return (1);
		if ((i = d.next) >= n)
			return (vq_break(q));
	}
	return (vq_break(q)); /* a loop */
}

bool
vq_is_empty(const struct virtqueue *q)
{
	return (q->avail == NULL || q->broken ||
	    load16(q->avail + 2, __ATOMIC_ACQUIRE) == q->s->last_avail);
}

int
vq_pop(struct virtqueue *q, struct vq_chain *c)
{
	uint16_t idx, waiting, head;

	if (q->avail == NULL)
		return (0);
	if (q->broken)
		return (-EPROTO);
	idx = load16(q->avail + 2, __ATOMIC_ACQUIRE);
	waiting = (uint16_t)(idx - q->s->last_avail);
	if (waiting == 0)
		return (0);
	if (waiting > q->s->size)
		return (vq_break(q));
	head = load16(q->avail + 4 + 2 * (q->s->last_avail & (q->s->size - 1)), __ATOMIC_RELAXED);
	if (head >= q->s->size)
		return (vq_break(q));
	c->head = head;
	c->nout = c->nin = 0;
	c->out_bytes = c->in_bytes = 0;
	q->s->last_avail++;
	PROBE2(vmx, virtqueue__take, q, head);
	return (chain_walk(q, c, q->desc, q->s->size, head, false));
}

void
vq_unpop(struct virtqueue *q)
{
	q->s->last_avail--;
}

void
vq_push_many(struct virtqueue *q, const uint16_t *heads, const uint32_t *written, unsigned n)
{
	if (q->used == NULL)
		return;
	PROBE2(vmx, virtqueue__give, q, n);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *p = q->used + 4 + 8 * ((uint16_t)(q->s->last_used + i) & (q->s->size - 1));
		uint32_t id = heads[i];

		memcpy(p, &id, 4);
		memcpy(p + 4, &written[i], 4);
	}
	q->s->last_used = (uint16_t)(q->s->last_used + n);
	store16(q->used + 2, q->s->last_used);
}

void
vq_push(struct virtqueue *q, uint16_t head, uint32_t written)
{
	vq_push_many(q, &head, &written, 1);
}

bool
vq_should_signal(struct virtqueue *q)
{
	uint16_t now = q->s->last_used, old = q->s->signalled, event;
	bool first = q->s->signalled_ok == 0;

	if (q->used == NULL)
		return (false);
	if (now == old && (!first || now == 0))
		return (false); /* nothing was given back since the last time */
	q->s->signalled = now;
	q->s->signalled_ok = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return ((load16(q->avail, __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT) == 0);
	event = load16(q->avail + 4 + 2 * q->s->size, __ATOMIC_RELAXED);
	return (first || (uint16_t)(now - event - 1) < (uint16_t)(now - old));
}

void
vq_want_kicks(struct virtqueue *q, bool on)
{
	if (q->used == NULL)
		return;
	if (q->event_idx) {
		if (on)
			store16(q->used + 4 + 8 * q->s->size, q->s->last_avail);
	} else {
		store16(q->used, on ? 0 : USED_NO_NOTIFY);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- the bytes of a chain ---- */

/* Copy from or to n segments, starting at byte off of them. */
static size_t
segs_copy(const struct iovec *iov, unsigned n, size_t off, uint8_t *buf, size_t len, bool to_guest)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t room;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		room = iov[i].iov_len - off;
		if (room > len - done)
			room = len - done;
		if (to_guest)
			memcpy((uint8_t *)iov[i].iov_base + off, buf + done, room);
		else
			memcpy(buf + done, (uint8_t *)iov[i].iov_base + off, room);
		done += room;
		off = 0;
	}
	return (done);
}

size_t
vq_chain_read(const struct vq_chain *c, size_t off, void *buf, size_t len)
{
	return (segs_copy(c->iov, c->nout, off, buf, len, false));
}

size_t
vq_chain_write(const struct vq_chain *c, size_t off, const void *buf, size_t len)
{
	return (segs_copy(c->iov + c->nout, c->nin, off, (uint8_t *)(uintptr_t)buf, len, true));
}

int
vq_chain_slice(const struct vq_chain *c, bool writable, size_t off, size_t len, struct iovec *out,
    unsigned max)
{
	const struct iovec *iov = writable ? c->iov + c->nout : c->iov;
	unsigned n = writable ? c->nin : c->nout, used = 0;

	for (unsigned i = 0; i < n && len > 0; i++) {
		size_t room;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		room = iov[i].iov_len - off;
		if (room > len)
			room = len;
		if (used == max)
			return (-EINVAL);
		out[used++] = (struct iovec){(uint8_t *)iov[i].iov_base + off, room};
		len -= room;
		off = 0;
	}
	return (len == 0 ? (int)used : -EINVAL);
}
