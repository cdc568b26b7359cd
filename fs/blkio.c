/* SPDX-License-Identifier: MIT */
/*
 * Worker threads for exported disks.
 *
 *	nbd sockets, vring kicks, vhost-user sockets --- one epoll, each descriptor "one shot"
 *	                                                  |
 *	                                          a few worker threads
 *
 * A worker that takes an event is alone with the descriptor until it rearms it.  A protocol reads
 * one request, rearms, and executes the request: so the next request of the same connection is
 * another worker's, and a thousand disks cost no thousand threads.  What waits for the disk's cache
 * (a flush) keeps no worker: it is answered by a callback.
 *
 * An event may be on its way to a worker while its watch is taken away.  So epoll knows a watch by
 * slot and generation, never by address: a worker looks the slot up under the lock, and finds
 * another generation or takes the watch as busy, which blkio_unwatch waits for.
 */
#include "smartbox/fs/blkio.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { THREADS_DEFAULT = 4, THREADS_MAX = 16, STACK_BYTES = 1 << 20 };
#define STOP_EVENT UINT64_MAX

struct blkio_watch {
	struct blkio *b;
	uint64_t id; /* generation << 32 | slot */
	int fd;
	blkio_fn *fn;
	void *arg;
	unsigned busy; /* workers in fn; the blkio's lock */
};

struct blkio {
	int epoll, stop;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a watch is not busy any more */
	struct blkio_watch **slots;
	size_t nslots;
	uint32_t generation;
	unsigned wanted, nthreads;
	pthread_t thread[THREADS_MAX];
};

void *
blkio_scratch(struct blkio_scratch *sc, size_t bytes)
{
	if (bytes == 0)
		bytes = 1;
	if (bytes > sc->size) {
		free(sc->p);
		sc->p = malloc(bytes);
		sc->size = sc->p != NULL ? bytes : 0;
	}
	return (sc->p);
}

static void
scratch_trim(struct blkio_scratch *sc)
{
	if (sc->size <= BLKIO_SCRATCH_KEEP)
		return;
	free(sc->p);
	*sc = (struct blkio_scratch){NULL, 0};
}

/* The watch of an event, busy from now on; NULL: it was taken away meanwhile. */
static struct blkio_watch *
take(struct blkio *b, uint64_t id)
{
	size_t slot = (uint32_t)id;
	struct blkio_watch *w = NULL;

	(void)pthread_mutex_lock(&b->lock);
	if (slot < b->nslots && b->slots[slot] != NULL && b->slots[slot]->id == id)
		w = b->slots[slot];
	if (w != NULL)
		w->busy++;
	(void)pthread_mutex_unlock(&b->lock);
	return (w);
}

static void
give_back(struct blkio *b, struct blkio_watch *w)
{
	(void)pthread_mutex_lock(&b->lock);
	if (--w->busy == 0)
		(void)pthread_cond_broadcast(&b->idle);
	(void)pthread_mutex_unlock(&b->lock);
}

static void *
worker_main(void *arg)
{
	struct blkio_scratch sc = {NULL, 0};
	struct blkio *b = arg;
	struct epoll_event ev;
	struct blkio_watch *w;

#ifdef PR_SET_IO_FLUSHER
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
#endif
	for (;;) {
		if (epoll_wait(b->epoll, &ev, 1, -1) != 1)
			continue;
		if (ev.data.u64 == STOP_EVENT)
			break;
		if ((w = take(b, ev.data.u64)) == NULL)
			continue;
		w->fn(w->arg, &sc);
		give_back(b, w);
		scratch_trim(&sc);
	}
	free(sc.p);
	return (NULL);
}

/* With the lock held. */
static int
start_threads(struct blkio *b)
{
	pthread_attr_t attr;
	int rc = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (b->nthreads < b->wanted && rc == 0)
		if ((rc = pthread_create(&b->thread[b->nthreads], &attr, worker_main, b)) == 0)
			b->nthreads++;
	(void)pthread_attr_destroy(&attr);
	return (b->nthreads > 0 ? 0 : -rc);
}

int
blkio_new(unsigned threads, struct blkio **out, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = STOP_EVENT};
	struct blkio *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	b->wanted = threads == 0 ? THREADS_DEFAULT : threads < THREADS_MAX ? threads : THREADS_MAX;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->stop = eventfd(0, EFD_CLOEXEC);
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->idle, NULL);
	if (b->epoll < 0 || b->stop < 0 || epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->stop, &ev) != 0) {
		int rc = err_sys(e, errno, "cannot wait for descriptors");

		blkio_free(b);
		return (rc);
	}
	*out = b;
	return (0);
}

void
blkio_free(struct blkio *b)
{
	if (b == NULL)
		return;
	if (b->stop >= 0)
		(void)eventfd_write(b->stop, 1); /* stays readable: every worker sees it */
	for (unsigned i = 0; i < b->nthreads; i++)
		(void)pthread_join(b->thread[i], NULL);
	if (b->epoll >= 0)
		(void)close(b->epoll);
	if (b->stop >= 0)
		(void)close(b->stop);
	(void)pthread_mutex_destroy(&b->lock);
	(void)pthread_cond_destroy(&b->idle);
	free(b->slots);
	free(b);
}

/* A free slot; with the lock held. */
static int
find_slot(struct blkio *b, size_t *slot)
{
	size_t n = b->nslots != 0 ? 2 * b->nslots : 16;
	struct blkio_watch **v;

	for (*slot = 0; *slot < b->nslots; (*slot)++)
		if (b->slots[*slot] == NULL)
			return (0);
	if ((v = realloc(b->slots, n * sizeof(*v))) == NULL)
		return (-ENOMEM);
	memset(v + b->nslots, 0, (n - b->nslots) * sizeof(*v));
	b->slots = v;
	b->nslots = n;
	return (0);
}

static int
enter(struct blkio *b, struct blkio_watch *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	size_t slot;
	int rc;

	if ((rc = find_slot(b, &slot)) != 0 || (rc = start_threads(b)) != 0)
		return (rc);
	w->id = (uint64_t)++b->generation << 32 | slot;
	if ((uint32_t)(w->id >> 32) == UINT32_MAX)
		w->id = (uint64_t)(b->generation = 1) << 32 | slot; /* STOP_EVENT is nobody's */
	ev.data.u64 = w->id;
	b->slots[slot] = w;
	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, w->fd, &ev) == 0)
		return (0);
	b->slots[slot] = NULL;
	return (-errno);
}

int
blkio_watch(struct blkio *b, int fd, blkio_fn *fn, void *arg, struct blkio_watch **out)
{
	struct blkio_watch *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return (-ENOMEM);
	w->b = b;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	*out = w; /* before the first call, which may want to rearm it */
	(void)pthread_mutex_lock(&b->lock);
	rc = enter(b, w);
	(void)pthread_mutex_unlock(&b->lock);
	if (rc != 0) {
		*out = NULL;
		free(w);
	}
	return (rc);
}

void
blkio_rearm(struct blkio_watch *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = w->id};

	(void)epoll_ctl(w->b->epoll, EPOLL_CTL_MOD, w->fd, &ev); /* fails once it is taken away */
}

void
blkio_unwatch(struct blkio_watch *w)
{
	struct blkio *b;

	if (w == NULL)
		return;
	b = w->b;
	(void)epoll_ctl(b->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	(void)pthread_mutex_lock(&b->lock);
	b->slots[(uint32_t)w->id] = NULL;
	while (w->busy != 0)
		(void)pthread_cond_wait(&b->idle, &b->lock);
	(void)pthread_mutex_unlock(&b->lock);
	free(w);
}

/* --- the disk --------------------------------------------------------------------------------- */

void
blk_flush(const struct blk_disk *d, blk_done_fn *fn, void *arg)
{
	if (d->flush != NULL)
		d->flush(d->bd, fn, arg);
	else
		fn(bdev_flush(d->bd), arg);
}

bool
blk_is_sync(const struct blk_disk *d)
{
	return (d->is_sync != NULL && d->is_sync(d->bd));
}

int
blk_write_zeroes(const struct blk_disk *d, uint64_t off, uint64_t len, bool may_discard)
{
	static const char zeros[64 << 10];
	int rc = 0;

	if (may_discard && d->bd->discard_zeroes)
		return (bdev_discard(d->bd, off, len));
	if (off > d->bd->size || len > d->bd->size - off)
		return (-EINVAL);
	for (uint64_t n; len > 0 && rc == 0; off += n, len -= n) {
		n = len < sizeof(zeros) ? len : sizeof(zeros);
		rc = bdev_write(d->bd, zeros, (size_t)n, off);
	}
	return (rc);
}
