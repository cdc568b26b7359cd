/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues (split rings).
 *
 *	kick -> a worker takes one chain, lets another go on with the ring, executes -> used ring -> call
 *
 * The ring, its descriptors and indexes lie in memory that the guest changes while we look.  So each word is
 * read once into a variable of ours, checked, and used from there.  What cannot be right (an index
 * that jumps, a chain with a loop, an address outside) breaks the ring: it is not served any more, `err` is
 * signalled, and the guest has to reset its device.  Nothing else suffers.
 *
 * In flight: `track` lies in memory that the front-end keeps.  Taking a chain marks its head and
 * numbers it, giving it back unmarks it; between the steps of giving back a dying server leaves a
 * state from which the next one can tell what the used ring has (protocol document, "For split
 * virtqueue").  What is still marked then is executed again, oldest first.
 *
 * Invariants:
 *	1. inflight = chains taken and not given back; stopping waits for zero.  So neither the memory map nor
 *	   the tracking changes under a chain.
 *	2. Only the worker that holds the watch (one at a time) takes chains; the lock protects what
 *	   giving back shares with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vhost_user.h"

enum {
	DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4,
	NO_NOTIFY = 1, NO_INTERRUPT = 1,
	EVENT_IDX_BIT = 29,
};

void
vu_ring_init(struct vu_ring *r, struct vu_session *s, unsigned index)
{
	memset(r, 0, sizeof(*r));
	r->s = s;
	r->index = index;
	r->kick = r->call = r->err = -1;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->idle, NULL);
}

void
vu_ring_fini(struct vu_ring *r)
{
	int fds[] = {r->kick, r->call, r->err};

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(r->again);
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->idle);
}

static bool
has_event_idx(const struct vu_ring *r)
{
	return ((r->s->features >> EVENT_IDX_BIT & 1) != 0);
}

/* Behind the rings: where each side says at which index it wants to hear of the other. */
static uint16_t *
used_event(const struct vu_ring *r)
{
	return (&r->avail->ring[r->num]);
}

static uint16_t *
avail_event(const struct vu_ring *r)
{
	return ((uint16_t *)(void *)&r->used->ring[r->num]);
}

static void
break_ring(struct vu_ring *r)
{
	r->broken = true;
	if (r->err >= 0)
		(void)eventfd_write(r->err, 1);
}

/* --- starting and stopping -------------------------------------------------------------------- */

static int
resolve(struct vu_ring *r)
{
	const struct vu_mem *m = &r->s->mem;

	r->desc = vu_mem_user(m, r->desc_addr, r->num * sizeof(struct vring_desc));
	r->avail = vu_mem_user(m, r->avail_addr, 4 + 2ull * r->num + 2);
	r->used = vu_mem_user(m, r->used_addr, 4 + 8ull * r->num + 2);
	if (r->desc == NULL || r->avail == NULL || r->used == NULL)
		return (-EINVAL);
	/* Atomic accesses below need it, and so does the standard. */
	return (((uintptr_t)r->desc | (uintptr_t)r->used << 2 | (uintptr_t)r->avail << 3) & 15 ? -EINVAL : 0);
}

/* What a server died on between two words of its last step is put right. */
static void
finish_last_step(struct vu_ring *r)
{
	struct vu_inflight_queue *t = r->track;
	uint16_t n = (uint16_t)(r->used_idx - t->used_idx), head = t->last_batch_head;

	for (unsigned i = 0; i < n && i < r->num && head < r->num; i++) {
		t->desc[head].inflight = 0;
		head = t->desc[head].next;
	}
	t->used_idx = r->used_idx;
}

struct old_chain {
	uint64_t counter;
	uint16_t head;
};

static int
older(const void *a, const void *b)
{
	uint64_t x = ((const struct old_chain *)a)->counter, y = ((const struct old_chain *)b)->counter;

	return (x < y ? -1 : x > y);
}

static int
collect_old(struct vu_ring *r)
{
	struct old_chain old[VU_RING_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < r->num; i++)
		if (r->track->desc[i].inflight == 1)
			old[n++] = (struct old_chain){r->track->desc[i].counter, (uint16_t)i};
	qsort(old, n, sizeof(old[0]), older);
	free(r->again);
	r->at_again = r->nagain = 0;
	if ((r->again = calloc(n + 1, sizeof(*r->again))) == NULL)
		return (-ENOMEM);
	for (unsigned i = 0; i < n; i++)
		r->again[i] = old[i].head;
	r->nagain = n;
	r->counter = n != 0 ? old[n - 1].counter + 1 : 0;
	return (0);
}

static int
resume(struct vu_ring *r)
{
	int rc;

	r->used_idx = __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE);
	r->track = vu_inflight_of(&r->s->inflight, r->index);
	if (r->track == NULL)
		return (0);
	if (r->num > r->s->inflight.queue_size)
		return (-EINVAL);
	if (r->track->version == 0) {
		memset(r->track, 0, sizeof(*r->track) + r->num * sizeof(r->track->desc[0]));
		r->track->version = 1;
		r->track->desc_num = (uint16_t)r->num;
		r->track->used_idx = r->used_idx;
		return (0);
	}
	finish_last_step(r);
	if ((rc = collect_old(r)) != 0)
		return (rc);
	r->last_avail = (uint16_t)(r->used_idx + r->nagain);
	return (0);
}

static void
kicked(void *arg, struct blkio_scratch *sc)
{
	struct vu_ring *r = arg;
	eventfd_t n;

	(void)eventfd_read(r->kick, &n);
	(void)vu_ring_step(r, sc);
}

int
vu_ring_start(struct vu_ring *r)
{
	int rc;

	if (r->running || r->num == 0 || !r->has_addr || r->kick < 0 || !r->enabled)
		return (0);
	if ((rc = resolve(r)) != 0 || (rc = resume(r)) != 0)
		return (rc);
	r->broken = false;
	r->running = true;
	if (r->s->io == NULL)
		return (0);
	if ((rc = blkio_watch(r->s->io, r->kick, kicked, r, &r->watch)) != 0) {
		r->running = false;
		return (rc);
	}
	(void)eventfd_write(r->kick, 1); /* there may be work from before */
	return (0);
}

void
vu_ring_stop(struct vu_ring *r)
{
	if (!r->running)
		return;
	blkio_unwatch(r->watch);
	r->watch = NULL;
	(void)pthread_mutex_lock(&r->lock);
	while (r->inflight != 0)
		(void)pthread_cond_wait(&r->idle, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
	r->running = false;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* Ask to be kicked, then look once more: it may have come in between. */
static bool
still_empty(struct vu_ring *r)
{
	if (has_event_idx(r))
		__atomic_store_n(avail_event(r), r->last_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&r->used->flags, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (__atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE) == r->last_avail);
}

/* The head of the next chain; false: none, or broken.  The lock held. */
static bool
take_head(struct vu_ring *r, uint16_t *head)
{
	uint16_t idx;

	if (r->at_again < r->nagain) {
		*head = r->again[r->at_again++];
		return (true);
	}
	idx = __atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE);
	if (idx == r->last_avail && still_empty(r))
		return (false);
	idx = __atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE);
	if ((uint16_t)(idx - r->last_avail) > r->num) {
		break_ring(r);
		return (false);
	}
	*head = __atomic_load_n(&r->avail->ring[r->last_avail % r->num], __ATOMIC_RELAXED);
	r->last_avail++;
	if (*head >= r->num) {
		break_ring(r);
		return (false);
	}
	if (r->track != NULL) {
		r->track->desc[*head].counter = r->counter++;
		__atomic_store_n(&r->track->desc[*head].inflight, 1, __ATOMIC_RELEASE);
	}
	return (true);
}

/* Take, count, and say whether there is more behind. */
static bool
take(struct vu_ring *r, uint16_t *head, bool *more)
{
	bool ok;

	(void)pthread_mutex_lock(&r->lock);
	if ((ok = !r->broken && take_head(r, head))) {
		r->inflight++;
		*more = r->at_again < r->nagain ||
		    __atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE) != r->last_avail || !still_empty(r);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return (ok);
}

static int
add_segment(struct vu_chain *c, const struct vring_desc *d)
{
	bool write = (d->flags & DESC_WRITE) != 0;
	void *p = vu_mem_guest(&c->ring->s->mem, d->addr, d->len);

	if (p == NULL || c->nout + c->nin == VU_SEGMENTS_MAX || (!write && c->nin != 0))
		return (-EINVAL);
	c->iov[c->nout + c->nin] = (struct iovec){p, d->len};
	if (write)
		c->nin++;
	else
		c->nout++;
	return (0);
}

/* A table of descriptors; `n` of them, at most n steps: a loop ends. */
static int
walk(struct vu_chain *c, const struct vring_desc *table, unsigned n, unsigned at, bool is_indirect)
{
	struct vring_desc d;
	int rc = 0;

	for (unsigned steps = 0; rc == 0; steps++) {
		if (at >= n || steps == n)
			return (-EINVAL);
		memcpy(&d, &table[at], sizeof(d));
		if (!(d.flags & DESC_INDIRECT)) {
			rc = add_segment(c, &d);
		} else {
			const struct vring_desc *inner = vu_mem_guest(&c->ring->s->mem, d.addr, d.len);
			unsigned k = d.len / sizeof(d);

			if (is_indirect || inner == NULL || d.len % sizeof(d) != 0 || k > VU_RING_MAX ||
			    (d.flags & DESC_NEXT))
				return (-EINVAL);
			rc = walk(c, inner, k, 0, true);
		}
		if (!(d.flags & DESC_NEXT))
			break;
		at = d.next;
	}
	return (rc);
}

static void
forget(struct vu_ring *r)
{
	(void)pthread_mutex_lock(&r->lock);
	break_ring(r);
	if (--r->inflight == 0)
		(void)pthread_cond_broadcast(&r->idle);
	(void)pthread_mutex_unlock(&r->lock);
}

bool
vu_ring_step(struct vu_ring *r, struct blkio_scratch *sc)
{
	struct vu_chain *c;
	bool more = false;
	uint16_t head;

	if (!take(r, &head, &more)) {
		if (!r->broken && r->watch != NULL)
			blkio_rearm(r->watch);
		return (false);
	}
	if ((c = malloc(sizeof(*c))) == NULL) {
		forget(r);
		return (false);
	}
	c->ring = r;
	c->head = head;
	c->nout = c->nin = 0;
	if (walk(c, r->desc, r->num, head, false) != 0) {
		free(c);
		forget(r);
		return (false);
	}
	if (r->watch != NULL) {
		if (more)
			(void)eventfd_write(r->kick, 1);
		blkio_rearm(r->watch);
	}
	vu_blk_execute(r->s, c, sc);
	return (true);
}

/* --- giving back ------------------------------------------------------------------------------ */

static bool
wants_call(const struct vu_ring *r, uint16_t old, uint16_t now)
{
	uint16_t event;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!has_event_idx(r))
		return ((__atomic_load_n(&r->avail->flags, __ATOMIC_RELAXED) & NO_INTERRUPT) == 0);
	event = __atomic_load_n(used_event(r), __ATOMIC_RELAXED);
	return ((uint16_t)(now - event - 1) < (uint16_t)(now - old));
}

void
vu_chain_done(struct vu_chain *c, uint32_t written)
{
	struct vu_ring *r = c->ring;
	struct vu_inflight_queue *t = r->track;
	uint16_t old;

	(void)pthread_mutex_lock(&r->lock);
	old = r->used_idx++;
	r->used->ring[old % r->num] = (struct vring_used_elem){c->head, written};
	if (t != NULL) {
		t->desc[c->head].next = t->last_batch_head;
		__atomic_store_n(&t->last_batch_head, c->head, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&r->used->idx, r->used_idx, __ATOMIC_RELEASE);
	if (t != NULL) {
		__atomic_store_n(&t->desc[c->head].inflight, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&t->used_idx, r->used_idx, __ATOMIC_RELEASE);
	}
	if (r->call >= 0 && wants_call(r, old, r->used_idx))
		(void)eventfd_write(r->call, 1);
	if (--r->inflight == 0)
		(void)pthread_cond_broadcast(&r->idle);
	(void)pthread_mutex_unlock(&r->lock);
	free(c);
}
