/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk.
 *
 *	kick -> pop, judge (lock held) -> [ queue ] -> worker: read, write... (no lock) -> push (lock)
 *
 * A request is judged in full before anything happens: the header is copied out of the chain, sector and
 * length are held against the disk, the last byte of the writable part is the status.  Descriptors
 * may cut the stream anywhere (VERSION_1), so it is parsed by byte offset.
 *
 * A lone request is done on the I/O thread at once; as soon as a second one waits, workers take over,
 * so that a deep queue runs in parallel and a shallow one pays no hand-over.
 *
 * Invariants:
 *  1. stop() returns only when inflight is 0: no thread touches guest memory afterwards.
 *  2. A slot is owned by the free list, the work list or exactly one thread.
 *
 * Facts: VIRTIO 1.2, section 5.2.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "smartbox/vmx/blk.h"
#include "smartbox/vmx/virtio.h"

enum { F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10, F_DISCARD = 13,
	F_WRITE_ZEROES = 14 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { QUEUE_SIZE = 256, SEG_MAX = 126, SLOTS = 32, WORKERS_MAX = 8, SECTOR = 512, SEGMENTS = 32,
	HEADER = 16, ID_LEN = 20, RANGE = 16, MAX_RANGE_SECTORS = 1 << 22 };

struct request {
	struct request *next;
	struct vq_chain chain;
	struct iovec iov[VQ_SEGS]; /* the data alone */
	uint32_t type;
	uint64_t sector;
};

struct vblk {
	struct virtio v;
	struct blk_backend *disk;
	char id[ID_LEN];
	/* under the device's lock */
	struct request *slots, *free, *work, **work_tail;
	unsigned inflight;
	bool quit, stopping;
	pthread_cond_t work_cond, idle_cond;
	pthread_t worker[WORKERS_MAX];
	unsigned nworkers;
	int (*enter)(void *arg);
	void *enter_arg;
};

/* ---- one request: no lock held ---- */

static bool
range_fits(const struct vblk *d, uint64_t sector, uint64_t bytes)
{
	uint64_t sectors = d->disk->size / SECTOR;

	return (bytes % SECTOR == 0 && sector <= sectors && bytes / SECTOR <= sectors - sector);
}

static int
do_transfer(struct vblk *d, struct request *r, bool write)
{
	size_t off = write ? HEADER : 0;
	size_t len = write ? r->chain.out_bytes - HEADER : r->chain.in_bytes - 1;
	int n = vq_chain_slice(&r->chain, !write, off, len, r->iov, VQ_SEGS);

	if (n < 0 || !range_fits(d, r->sector, len) || (write && d->disk->readonly))
		return (-EINVAL);
	if (n == 0)
		return (0);
	if (write)
		return (d->disk->ops->writev(d->disk, r->iov, (unsigned)n, r->sector * SECTOR));
	return (d->disk->ops->readv(d->disk, r->iov, (unsigned)n, r->sector * SECTOR));
}

/* A write that is not to be flushed later must be durable now. */
static int
do_write(struct vblk *d, struct request *r)
{
	int rc = do_transfer(d, r, true);

	if (rc == 0 && !virtio_has(&d->v, F_FLUSH))
		rc = d->disk->ops->flush(d->disk);
	return (rc);
}

static int
do_range(struct vblk *d, const struct request *r, size_t off)
{
	struct {
		uint64_t sector;
		uint32_t count, flags;
	} g;

	(void)vq_chain_read(&r->chain, off, &g, sizeof(g));
	if (g.count > MAX_RANGE_SECTORS || !range_fits(d, g.sector, (uint64_t)g.count * SECTOR))
		return (-EINVAL);
	if (g.count == 0)
		return (0);
	if (r->type == T_DISCARD)
		return (g.flags != 0 ? -EOPNOTSUPP
				     : d->disk->ops->discard(d->disk, g.sector * SECTOR,
					   (uint64_t)g.count * SECTOR));
	if ((g.flags & ~1U) != 0)
		return (-EOPNOTSUPP);
	return (d->disk->ops->zero(d->disk, g.sector * SECTOR, (uint64_t)g.count * SECTOR,
	    (g.flags & 1) != 0));
}

static int
do_ranges(struct vblk *d, const struct request *r)
{
	size_t n = (r->chain.out_bytes - HEADER) / RANGE;
	int rc = 0;

	if (d->disk->readonly)
		return (-EROFS);
	if ((r->type == T_DISCARD ? (void *)d->disk->ops->discard : (void *)d->disk->ops->zero) == NULL)
		return (-EOPNOTSUPP);
	if (n == 0 || n > SEGMENTS || (r->chain.out_bytes - HEADER) % RANGE != 0)
		return (-EINVAL);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = do_range(d, r, HEADER + i * RANGE);
	return (rc);
}

static int
do_request(struct vblk *d, struct request *r)
{
	switch (r->type) {
	case T_IN:
		return (do_transfer(d, r, false));
	case T_OUT:
		return (do_write(d, r));
	case T_FLUSH:
		return (d->disk->ops->flush(d->disk));
	case T_GET_ID:
		(void)vq_chain_write(&r->chain, 0, d->id,
		    r->chain.in_bytes - 1 < ID_LEN ? r->chain.in_bytes - 1 : ID_LEN);
		return (0);
	case T_DISCARD:
	case T_WRITE_ZEROES:
		return (do_ranges(d, r));
	}
	return (-EOPNOTSUPP);
}

static uint8_t
status_of(int rc)
{
	return (rc == 0 ? S_OK : rc == -EOPNOTSUPP ? S_UNSUPP : S_IOERR);
}

/* ---- the queue: lock held ---- */

static void
request_done(struct vblk *d, struct request *r, int rc)
{
	uint8_t status = status_of(rc);

	(void)vq_chain_write(&r->chain, r->chain.in_bytes - 1, &status, 1);
	vq_push(&d->v.vq[0], r->chain.head,
	    rc == 0 && (r->type == T_IN || r->type == T_GET_ID) ? r->chain.in_bytes : 1);
	r->next = d->free;
	d->free = r;
	if (--d->inflight == 0)
		(void)pthread_cond_broadcast(&d->idle_cond);
	virtio_used(&d->v, 0);
}

/* Do it here; the lock is dropped meanwhile. */
static void
request_run(struct vblk *d, struct request *r)
{
	pthread_mutex_t *lock = &d->v.pci.dev.lock;
	int rc;

	(void)pthread_mutex_unlock(lock);
	rc = do_request(d, r);
	(void)pthread_mutex_lock(lock);
	request_done(d, r, rc);
}

/* The next request off the ring, judged; NULL when there is none or no slot. */
static struct request *
request_take(struct vblk *d)
{
	struct request *r = d->free;
	struct {
		uint32_t type, priority;
		uint64_t sector;
	} head;
	int rc;

	if (r == NULL || d->stopping)
		return (NULL);
	if ((rc = vq_pop(&d->v.vq[0], &r->chain)) <= 0) {
		if (rc < 0)
			virtio_broken(&d->v);
		return (NULL);
	}
	if (vq_chain_read(&r->chain, 0, &head, sizeof(head)) != sizeof(head) ||
	    r->chain.in_bytes == 0) {
		virtio_broken(&d->v);
		return (NULL);
	}
	r->type = head.type;
	r->sector = head.sector;
	d->free = r->next;
	d->inflight++;
	return (r);
}

static void
work_put(struct vblk *d, struct request *r)
{
	r->next = NULL;
	*d->work_tail = r;
	d->work_tail = &r->next;
	(void)pthread_cond_signal(&d->work_cond);
}

static struct request *
work_get(struct vblk *d)
{
	struct request *r = d->work;

	if (r != NULL && (d->work = r->next) == NULL)
		d->work_tail = &d->work;
	return (r);
}

/* Take everything that waits: the last one is done here, the others by the workers. */
static void
drain(struct vblk *d)
{
	struct request *r, *more;

	do {
		vq_want_kicks(&d->v.vq[0], false);
		while ((r = request_take(d)) != NULL) {
			while (d->nworkers > 0 && (more = request_take(d)) != NULL) {
				work_put(d, r);
				r = more;
			}
			request_run(d, r);
		}
		vq_want_kicks(&d->v.vq[0], true);
	} while (d->free != NULL && !d->stopping && !d->v.broken && !vq_is_empty(&d->v.vq[0]));
}

static void
vblk_kick(struct virtio *v, unsigned q)
{
	(void)q;
	drain((struct vblk *)v);
}

static void *
worker_main(void *arg)
{
	struct vblk *d = arg;
	struct request *r;

	(void)prctl(PR_SET_NAME, "blk-worker");
	if (d->enter != NULL && d->enter(d->enter_arg) != 0)
		return (NULL);
	(void)pthread_mutex_lock(&d->v.pci.dev.lock);
	while (!d->quit) {
		if ((r = work_get(d)) != NULL) {
			bool full = d->free == NULL;

			request_run(d, r);
			if (full && virtio_running(&d->v)) /* the ring waited for a slot */
				drain(d);
		} else {
			(void)pthread_cond_wait(&d->work_cond, &d->v.pci.dev.lock);
		}
	}
	(void)pthread_mutex_unlock(&d->v.pci.dev.lock);
	return (NULL);
}

/* Invariant 1. */
static void
vblk_stop(struct virtio *v)
{
	struct vblk *d = (struct vblk *)v;

	d->stopping = true;
	while (d->inflight > 0)
		(void)pthread_cond_wait(&d->idle_cond, &v->pci.dev.lock);
	d->stopping = false;
}

/* ---- configuration ---- */

static void
put(uint8_t *p, uint64_t v, unsigned size)
{
	memcpy(p, &v, size);
}

static void
vblk_config(struct virtio *v, uint8_t *c)
{
	const struct vblk *d = (const struct vblk *)v;
	unsigned exp = 0;

	while ((SECTOR << exp) < (int)d->disk->physical_block && exp < 11)
		exp++;
	put(c, d->disk->size / SECTOR, 8);
	put(c + 12, SEG_MAX, 4);
	put(c + 20, SECTOR, 4);
	c[24] = (uint8_t)exp;
	c[25] = 0;
	put(c + 26, 1U << exp, 2);
	put(c + 28, 1U << exp, 4);
	put(c + 34, 1, 2);
	put(c + 36, MAX_RANGE_SECTORS, 4);
	put(c + 40, SEGMENTS, 4);
	put(c + 44, 1U << exp, 4);
	put(c + 48, MAX_RANGE_SECTORS, 4);
	put(c + 52, SEGMENTS, 4);
	c[56] = 1;
}

static void
vblk_free(struct virtio *v)
{
	struct vblk *d = (struct vblk *)v;

	(void)pthread_mutex_lock(&v->pci.dev.lock);
	d->quit = true;
	(void)pthread_cond_broadcast(&d->work_cond);
	(void)pthread_mutex_unlock(&v->pci.dev.lock);
	for (unsigned i = 0; i < d->nworkers; i++)
		(void)pthread_join(d->worker[i], NULL);
	if (d->disk != NULL)
		d->disk->ops->close(d->disk);
	free(d->slots);
}

static const struct virtio_class vblk_class = {
    .kind = "virtio-blk",
    .id = VIRTIO_ID_BLK,
    .legacy_id = 0x1001,
    .pci_class = 0x01000000,
    .nqueues = 1,
    .queue_size = QUEUE_SIZE,
    .config_len = 60,
    .version = 1, /* no state of its own: nothing of a request outlives stop() */
    .kick = vblk_kick,
    .stop = vblk_stop,
    .config_get = vblk_config,
    .free = vblk_free,
};

static uint64_t
features_of(const struct blk_backend *b)
{
	return (VIRTIO_BIT(F_SEG_MAX) | VIRTIO_BIT(F_BLK_SIZE) | VIRTIO_BIT(F_FLUSH) |
	    VIRTIO_BIT(F_TOPOLOGY) | (b->readonly ? VIRTIO_BIT(F_RO) : 0) |
	    (b->ops->discard != NULL && !b->readonly ? VIRTIO_BIT(F_DISCARD) : 0) |
	    (b->ops->zero != NULL && !b->readonly ? VIRTIO_BIT(F_WRITE_ZEROES) : 0));
}

static int
workers_start(struct vblk *d, unsigned n, struct err *e)
{
	while (d->nworkers < n && d->nworkers < WORKERS_MAX) {
		int rc = pthread_create(&d->worker[d->nworkers], NULL, worker_main, d);

		if (rc != 0)
			return (err_sys(e, rc, "cannot start a disk thread"));
		d->nworkers++;
	}
	return (0);
}

int
vblk_new(struct board *b, unsigned devfn, const struct vblk_spec *s, struct iothread *io,
    struct err *e)
{
	struct vblk *d = calloc(1, sizeof(*d));
	char name[24];
	int rc;

	if (d == NULL || (d->slots = calloc(SLOTS, sizeof(*d->slots))) == NULL) {
		free(d);
		s->disk->ops->close(s->disk);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	d->disk = s->disk;
	d->enter = s->enter;
	d->enter_arg = s->enter_arg;
	d->work_tail = &d->work;
	for (unsigned i = 0; i < SLOTS; i++) {
		d->slots[i].next = d->free;
		d->free = &d->slots[i];
	}
	if (s->serial != NULL)
		memcpy(d->id, s->serial, strnlen(s->serial, ID_LEN));
	(void)pthread_cond_init(&d->work_cond, NULL);
	(void)pthread_cond_init(&d->idle_cond, NULL);
	d->v.device_features = features_of(s->disk);
	(void)snprintf(name, sizeof(name), "blk%u", devfn >> 3);
	if ((rc = virtio_add(b, &d->v, &vblk_class, devfn, name, io, e)) != 0)
		return (rc);
	return (workers_start(d, s->workers, e));
}
