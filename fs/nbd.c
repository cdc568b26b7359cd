/* SPDX-License-Identifier: MIT */
/*
 * The server's side of nbd: requests from a socket, answers to it.
 *
 *	worker: read header and data -> rearm -> execute -> answer (under the send lock)
 *
 *	request   0 magic 25609513  4 flags u16  6 command u16  8 cookie u64  16 offset u64  24 length u32
 *	answer    0 magic 67446698  4 error u32  8 cookie u64  16 data of a read
 *	(big-endian; the protocol document of the NBD project, "Transmission phase")
 *
 * The handshake is not spoken: the kernel is told what it needs by netlink (fs/nbd_kernel.c).
 *
 * Invariants:
 *	1. Requests of one socket are executed concurrently and answered in any order; a block layer
 *	   above orders what needs order.
 *	2. A write is acknowledged when it is in the open txg; one with FUA, or any when the volume says
 *	   sync=always, and a flush, when it is durable.
 *	3. `inflight` counts requests read and not answered; nbd_conn_free waits for zero.
 *	4. A header that is not one ends the connection: the stream cannot be found again.
 */
#include "nbd.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "smartbox/core/file.h"

enum {
	NBD_REQUEST = 0x25609513, NBD_REPLY = 0x67446698,
	CMD_READ = 0, CMD_WRITE = 1, CMD_DISC = 2, CMD_FLUSH = 3, CMD_TRIM = 4, CMD_ZEROES = 6,
	FLAG_FUA = 1, FLAG_NO_HOLE = 2,
	LENGTH_MAX = 32 << 20,	/* of data in one request */
	STALL_SECONDS = 30,	/* in the middle of a request */
};

struct nbd_request {
	uint32_t magic;
	uint16_t flags, command;
	uint64_t cookie, offset;
	uint32_t length;
} __attribute__((packed));
_Static_assert(sizeof(struct nbd_request) == 28, "nbd request");

struct nbd_reply {
	uint32_t magic, error;
	uint64_t cookie;
} __attribute__((packed));
_Static_assert(sizeof(struct nbd_reply) == 16, "nbd reply");

struct nbd_conn {
	const struct blk_disk *d;
	int fd;
	struct blkio_watch *watch;
	void (*lost)(void *arg);
	void *arg;
	pthread_mutex_t send;	/* one answer at a time */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned inflight;	/* under lock */
};

/* A request that waits for a flush. */
struct waiting {
	struct nbd_conn *c;
	uint64_t cookie;
};

/* The protocol has few errors, numbered as on Linux. */
static uint32_t
wire_error(int rc)
{
	switch (-rc) {
	case 0:
		return (0);
	case EROFS:
	case EPERM:
		return (EPERM);
	case EDQUOT:
	case ENOSPC:
		return (ENOSPC);
	case EINVAL:
	case ENOMEM:
	case EOVERFLOW:
	case EOPNOTSUPP:
		return ((uint32_t)-rc);
	default:
		return (EIO);
	}
}

static void
answer(struct nbd_conn *c, uint64_t cookie, int rc, const void *data, size_t len)
{
	struct nbd_reply r = {htobe32(NBD_REPLY), htobe32(wire_error(rc)), cookie};

	(void)pthread_mutex_lock(&c->send);
	if (io_send_full(c->fd, &r, sizeof(r)) == 0 && rc == 0 && len != 0)
		(void)io_send_full(c->fd, data, len);
	(void)pthread_mutex_unlock(&c->send);
	(void)pthread_mutex_lock(&c->lock);
	if (--c->inflight == 0)
		(void)pthread_cond_broadcast(&c->idle);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
flushed(int rc, void *arg)
{
	struct waiting *w = arg;

	answer(w->c, w->cookie, rc, NULL, 0);
	free(w);
}

static void
answer_when_durable(struct nbd_conn *c, uint64_t cookie)
{
	struct waiting *w = malloc(sizeof(*w));

	if (w == NULL) {
		answer(c, cookie, -ENOMEM, NULL, 0);
		return;
	}
	*w = (struct waiting){c, cookie};
	blk_flush(c->d, flushed, w);
}

static int
execute(struct nbd_conn *c, const struct nbd_request *r, void *data)
{
	struct bdev *bd = c->d->bd;

	switch (r->command) {
	case CMD_READ:
		return (data == NULL ? -ENOMEM : bdev_read(bd, data, r->length, r->offset));
	case CMD_WRITE:
		return (data == NULL ? -ENOMEM : bdev_write(bd, data, r->length, r->offset));
	case CMD_FLUSH:
		return (0);
	case CMD_TRIM:
		return (bdev_discard(bd, r->offset, r->length));
	case CMD_ZEROES:
		return (blk_write_zeroes(c->d, r->offset, r->length, !(r->flags & FLAG_NO_HOLE)));
	default:
		return (-EINVAL);
	}
}

static void
serve(struct nbd_conn *c, const struct nbd_request *r, void *data)
{
	bool durable = r->command == CMD_FLUSH ||
	    (r->command != CMD_READ && ((r->flags & FLAG_FUA) || blk_is_sync(c->d)));
	int rc = execute(c, r, data);

	if (rc == 0 && durable)
		answer_when_durable(c, r->cookie);
	else
		answer(c, r->cookie, rc, data, r->command == CMD_READ ? r->length : 0);
}

/* Data for which there is no memory: read past it. */
static int
skip(int fd, size_t len)
{
	char buf[4096];
	int rc = 0;

	for (size_t n; len > 0 && rc == 0; len -= n) {
		n = len < sizeof(buf) ? len : sizeof(buf);
		rc = io_read_full(fd, buf, n);
	}
	return (rc);
}

/* To host order; the cookie is only given back. */
static int
receive(struct nbd_conn *c, struct nbd_request *r, struct blkio_scratch *sc, void **data)
{
	int rc = io_read_full(c->fd, r, sizeof(*r));

	*data = NULL;
	if (rc != 0)
		return (rc);
	r->flags = be16toh(r->flags);
	r->command = be16toh(r->command);
	r->offset = be64toh(r->offset);
	r->length = be32toh(r->length);
	if (be32toh(r->magic) != NBD_REQUEST || r->command == CMD_DISC)
		return (-EPROTO);
	if (r->command != CMD_READ && r->command != CMD_WRITE)
		return (0);
	if (r->length > LENGTH_MAX)
		return (-EPROTO);
	*data = blkio_scratch(sc, r->length);
	if (r->command == CMD_READ)
		return (0);
	return (*data != NULL ? io_read_full(c->fd, *data, r->length) : skip(c->fd, r->length));
}

static void
ready(void *arg, struct blkio_scratch *sc)
{
	struct nbd_conn *c = arg;
	struct nbd_request r;
	void *data;

	if (receive(c, &r, sc, &data) != 0) {
		(void)shutdown(c->fd, SHUT_RDWR);
		if (c->lost != NULL)
			c->lost(c->arg);
		return;
	}
	(void)pthread_mutex_lock(&c->lock);
	c->inflight++;
	(void)pthread_mutex_unlock(&c->lock);
	blkio_rearm(c->watch);
	serve(c, &r, data);
}

int
nbd_conn_new(struct blkio *b, const struct blk_disk *d, int fd, void (*lost)(void *arg), void *arg,
    struct nbd_conn **out)
{
	struct timeval stall = {STALL_SECONDS, 0};
	struct nbd_conn *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL) {
		(void)close(fd);
		return (-ENOMEM);
	}
	c->d = d;
	c->fd = fd;
	c->lost = lost;
	c->arg = arg;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	(void)pthread_mutex_init(&c->send, NULL);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->idle, NULL);
	*out = c;
	if ((rc = blkio_watch(b, fd, ready, c, &c->watch)) != 0) {
		nbd_conn_free(c);
		*out = NULL;
	}
	return (rc);
}

void
nbd_conn_free(struct nbd_conn *c)
{
	if (c == NULL)
		return;
	(void)shutdown(c->fd, SHUT_RDWR); /* a worker in the middle of a request gives up */
	blkio_unwatch(c->watch);
	(void)pthread_mutex_lock(&c->lock);
	while (c->inflight != 0)
		(void)pthread_cond_wait(&c->idle, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	(void)close(c->fd);
	(void)pthread_mutex_destroy(&c->send);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->idle);
	free(c);
}
