/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk whose ring another process serves: a volume, without a copy and without a detour.
 *
 *	guest's kick -> doorbell eventfd ------------------------> server: takes, executes, gives back
 *	guest's interrupt <- transport <- I/O thread <- call eventfd -------'
 *
 * We negotiate, place the ring and stop it; bytes never pass here.  The server may die at any moment:
 *
 *	down --broker's answer--> connected --DRIVER_OK--> serving
 *	 ^                            |                        |
 *	 +---- hung up: ask again ----+------------------------+   (timer, when the broker has none yet)
 *
 * What it had taken and not given back is recorded in memory that we keep (struct vhost_inflight); the
 * next server gets it and goes on there, so the guest sees a slow disk and nothing else.  A new socket
 * comes from a broker outside the jail: a byte asks, a byte with a descriptor answers.
 *
 * Invariants:
 *  1. Everything but the broker's socket is touched under the device's lock.
 *  2. Watches are made and removed on the I/O thread, or before it starts.  Whoever else finds the
 *     connection broken shuts it down; the I/O thread then sees its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"
#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/vhost.h"
#include "smartbox/vmx/virtio.h"

enum { F_MQ = 12, F_CONFIG_WCE = 11, F_TYPE_BITS = 24, QUEUE_SIZE = 256, NUM_QUEUES_AT = 34,
	RETRY_MS = 500 };

struct vhblk {
	struct virtio v;
	struct vhost h;
	struct gmem *mem;
	struct vhost_inflight inflight;
	uint8_t config[VHOST_CONFIG];
	int call_fd, broker_fd;
	bool serving;	/* the server has the ring */
	bool was_served; /* since DRIVER_OK: `inflight` is about this ring */
	struct watch *socket_watch, *backend_watch, *broker_watch, *retry;
};

static struct loop *
loop_of(const struct vhblk *d)
{
	return (iothread_loop(d->v.io));
}

static void
lock(struct vhblk *d)
{
	(void)pthread_mutex_lock(&d->v.pci.dev.lock);
}

static void
unlock(struct vhblk *d)
{
	(void)pthread_mutex_unlock(&d->v.pci.dev.lock);
}

/* ---- serving ---- */

/* Invariant 2: the I/O thread takes it from here. */
static void
give_up_connection(struct vhblk *d)
{
	d->serving = false;
	if (d->h.fd >= 0)
		(void)shutdown(d->h.fd, SHUT_RDWR);
}

static void
serve(struct vhblk *d)
{
	const struct vhost_ring r = {0, &d->v.vs.vq[0], d->v.kick_fd[0], d->call_fd};

	if (d->h.fd < 0 || d->v.vq[0].desc == NULL)
		return;
	if (vhost_start(&d->h, d->v.vs.driver_features, d->mem, &r, &d->inflight,
		d->was_served) != 0) {
		give_up_connection(d);
		return;
	}
	d->serving = d->was_served = true;
}

static void
vhblk_start(struct virtio *v)
{
	struct vhblk *d = (struct vhblk *)v;

	d->was_served = false;
	serve(d);
}

/* A server that is gone touches nothing; one that does not answer is cut off. */
static void
vhblk_stop(struct virtio *v)
{
	struct vhblk *d = (struct vhblk *)v;

	if (d->serving && vhost_stop(&d->h, 0, &d->v.vs.vq[0].last_avail) != 0)
		give_up_connection(d);
	d->serving = d->was_served = false;
}

static void
vhblk_kick(struct virtio *v, unsigned q)
{
	uint64_t one = 1;

	(void)!write(v->kick_fd[q], &one, sizeof(one));
}

static void
called(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vhblk *d = arg;
	uint64_t n;

	(void)l;
	(void)events;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	lock(d);
	if (virtio_running(&d->v))
		virtio_interrupt(&d->v, 0);
	unlock(d);
}

/* ---- the connection, on the I/O thread ---- */

static void hung_up(struct vhblk *d);

static void
config_refresh(struct vhblk *d)
{
	if (vhost_get_config(&d->h, d->config) != 0)
		return;
	d->config[NUM_QUEUES_AT] = 1;
	d->config[NUM_QUEUES_AT + 1] = 0;
}

/* Nothing comes here but the end: answers are read by whoever asked, under the lock. */
static void
socket_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vhblk *d = arg;
	char c;

	(void)l;
	(void)events;
	lock(d);
	if (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		hung_up(d);
	unlock(d);
}

static void
backend_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vhblk *d = arg;
	uint8_t message[64];

	(void)l;
	(void)events;
	if (recv(fd, message, sizeof(message), MSG_DONTWAIT) <= 0)
		return;
	lock(d);
	config_refresh(d);
	virtio_config_changed(&d->v);
	unlock(d);
}

static void
watch_connection(struct vhblk *d)
{
	d->socket_watch = loop_fd(loop_of(d), d->h.fd, LOOP_READ, socket_ready, d);
	if (d->h.backend_fd >= 0)
		d->backend_watch = loop_fd(loop_of(d), d->h.backend_fd, LOOP_READ, backend_ready, d);
}

static void
ask_broker(struct loop *l, void *arg)
{
	struct vhblk *d = arg;

	(void)l;
	d->retry = NULL;
	if (send(d->broker_fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		lock(d);
		virtio_broken(&d->v); /* nobody will ever serve it again */
		unlock(d);
	}
}

static void
hung_up(struct vhblk *d)
{
	watch_remove(d->socket_watch);
	watch_remove(d->backend_watch);
	d->socket_watch = d->backend_watch = NULL;
	vhost_close(&d->h);
	d->serving = false;
	if (d->broker_fd < 0)
		virtio_broken(&d->v);
	else if (d->retry == NULL)
		d->retry = loop_timer(loop_of(d), 1, 0, ask_broker, d);
}

/* A byte of 0 with a socket: here it is. Anything else: not yet. */
static int
broker_answer(int fd, bool *closed)
{
	char status = 1;
	int got;

	*closed = fd_recv(fd, &status, 1, &got, 1, MSG_DONTWAIT) == 0;
	return (got);
}

static void
broker_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vhblk *d = arg;
	bool closed;
	int s = broker_answer(fd, &closed);

	(void)events;
	if (closed) {
		watch_remove(d->broker_watch);
		d->broker_watch = NULL;
		return;
	}
	if (s < 0) {
		if (d->retry == NULL)
			d->retry = loop_timer(l, RETRY_MS, 0, ask_broker, d);
		return;
	}
	lock(d);
	if (vhost_open(&d->h, s, d->mem, NULL) == 0) {
		config_refresh(d);
		watch_connection(d);
		if (virtio_running(&d->v))
			serve(d);
	} else if (d->retry == NULL) {
		d->retry = loop_timer(l, RETRY_MS, 0, ask_broker, d);
	}
	unlock(d);
}

/* ---- life ---- */

static void
vhblk_config(struct virtio *v, uint8_t *c)
{
	memcpy(c, ((struct vhblk *)v)->config, VHOST_CONFIG);
}

static void
vhblk_free(struct virtio *v)
{
	struct vhblk *d = (struct vhblk *)v;

	vhost_close(&d->h);
	if (d->inflight.fd >= 0)
		(void)close(d->inflight.fd);
	if (d->call_fd >= 0)
		(void)close(d->call_fd);
	if (d->broker_fd >= 0)
		(void)close(d->broker_fd);
}

static const struct virtio_class vhblk_class = {
    .kind = "vhost-blk",
    .id = VIRTIO_ID_BLK,
    .legacy_id = 0x1001,
    .pci_class = 0x01000000,
    .nqueues = 1,
    .queue_size = QUEUE_SIZE,
    .config_len = VHOST_CONFIG,
    .version = 1, /* no state of its own: stop() tells where the ring stood */
    .served_outside = true,
    .kick = vhblk_kick,
    .start = vhblk_start,
    .stop = vhblk_stop,
    .config_get = vhblk_config,
    .free = vhblk_free,
};

/* Bits of the disk that need nothing of us; several queues and a switchable cache would. */
static uint64_t
features_of(const struct vhost *h)
{
	uint64_t mask = (1ULL << F_TYPE_BITS) - 1;

	return (h->features & mask & ~VIRTIO_BIT(F_MQ) & ~VIRTIO_BIT(F_CONFIG_WCE));
}

static int
wire(struct vhblk *d, struct err *e)
{
	struct loop *l = loop_of(d);

	if ((d->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return (err_sys(e, errno, "eventfd"));
	watch_connection(d);
	if (d->broker_fd >= 0)
		d->broker_watch = loop_fd(l, d->broker_fd, LOOP_READ, broker_ready, d);
	if (d->socket_watch == NULL || (d->broker_fd >= 0 && d->broker_watch == NULL) ||
	    loop_fd(l, d->call_fd, LOOP_READ, called, d) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
vhblk_new(struct board *b, unsigned devfn, const struct vhblk_spec *s, struct iothread *io,
    struct err *e)
{
	struct vhblk *d = calloc(1, sizeof(*d));
	char name[24];
	int rc;

	if (d == NULL) {
		(void)close(s->fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	d->mem = b->mem;
	d->inflight.fd = d->call_fd = -1;
	d->broker_fd = s->broker_fd;
	rc = vhost_open(&d->h, s->fd, b->mem, e);
	if (rc == 0 && (rc = vhost_get_config(&d->h, d->config)) != 0)
		rc = err_rc(e, rc, "the disk's configuration");
	if (rc != 0) {
		vhblk_free(&d->v);
		free(d);
		return (rc);
	}
	d->config[NUM_QUEUES_AT] = 1;
	d->config[NUM_QUEUES_AT + 1] = 0;
	d->v.device_features = features_of(&d->h);
	(void)snprintf(name, sizeof(name), "blk%u", devfn >> 3);
	if ((rc = virtio_add(b, &d->v, &vhblk_class, devfn, name, io, e)) != 0)
		return (rc);
	return (wire(d, e));
}
