/* SPDX-License-Identifier: MIT */
/*
 * A character stream between a serial device and the host.
 *
 *	device --chr_write--> [ ring ] --loop--> out, or the socket's client
 *	device <---input------ [ held ] <--loop-- in
 *
 * The ring is under our lock, which is a leaf; client callbacks are made without it, because they
 * take their device's.  One wake-up descriptor tells the loop that the ring is no longer empty or
 * that the device takes input again; it is written only on those edges, so a flood of output costs
 * one system call per drained ring.
 */
#include "smartbox/vmx/chr.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/loop.h"

enum { RING = 16384, HELD = 256, CHUNK = 4096 };

struct chr {
	pthread_mutex_t lock; /* ring, first, len, wake_sent */
	uint8_t ring[RING];
	size_t first, len;
	bool wake_sent;
	bool was_full;

	struct chr_client client;
	struct loop *loop;
	int in, out, listen, wake_fd;
	struct watch *in_watch, *out_watch;
	uint8_t held[HELD]; /* input that the device did not take yet; loop's thread */
	size_t held_first, held_len;
	bool socket;
};

static void in_ready(struct loop *l, int fd, unsigned events, void *arg);

static bool
has_reader(const struct chr *c)
{
	return (c->loop == NULL || c->out >= 0);
}

/* ---- output ---- */

static void
wake(struct chr *c)
{
	uint64_t one = 1;

	if (c->wake_fd >= 0)
		(void)!write(c->wake_fd, &one, sizeof(one));
}

size_t
chr_write(struct chr *c, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t n;
	bool tell;

	if (c == NULL || !has_reader(c))
		return (len);
	(void)pthread_mutex_lock(&c->lock);
	n = len < RING - c->len ? len : RING - c->len;
	for (size_t i = 0; i < n; i++)
		c->ring[(c->first + c->len + i) % RING] = p[i];
	c->len += n;
	if (c->len == RING)
		c->was_full = true;
	tell = !c->wake_sent;
	c->wake_sent = true;
	(void)pthread_mutex_unlock(&c->lock);
	if (tell)
		wake(c);
	return (n);
}

size_t
chr_room(struct chr *c)
{
	size_t n;

	if (!has_reader(c))
		return (RING);
	(void)pthread_mutex_lock(&c->lock);
	n = RING - c->len;
	(void)pthread_mutex_unlock(&c->lock);
	return (n);
}

size_t
chr_take(struct chr *c, void *buf, size_t len)
{
	size_t n;
	bool room;

	(void)pthread_mutex_lock(&c->lock);
	n = len < c->len ? len : c->len;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = c->ring[(c->first + i) % RING];
	c->first = (c->first + n) % RING;
	c->len -= n;
	if (c->len == 0)
		c->wake_sent = false;
	room = c->was_full && n > 0;
	c->was_full = c->was_full && n == 0;
	(void)pthread_mutex_unlock(&c->lock);
	if (room && c->client.room != NULL)
		c->client.room(c->client.arg);
	return (n);
}

/* What the ring begins with, in one piece; it stays there. */
static size_t
ring_peek(struct chr *c, uint8_t *buf, size_t max)
{
	size_t n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->len < max ? c->len : max;
	for (size_t i = 0; i < n; i++)
		buf[i] = c->ring[(c->first + i) % RING];
	if (c->len == 0)
		c->wake_sent = false;
	(void)pthread_mutex_unlock(&c->lock);
	return (n);
}

static void
client_gone(struct chr *c)
{
	uint8_t sink[CHUNK];

	watch_remove(c->in_watch);
	watch_remove(c->out_watch);
	c->in_watch = c->out_watch = NULL;
	if (c->out >= 0)
		(void)close(c->out);
	c->in = c->out = -1;
	while (chr_take(c, sink, sizeof(sink)) > 0) {
	}
}

static bool
is_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return (poll(&p, 1, 0) == 1);
}

/* Write what there is; true when all is out, false when the reader is not ready. */
static bool
ring_drain(struct chr *c)
{
	uint8_t buf[CHUNK];
	size_t n;

	while (c->out >= 0 && (n = ring_peek(c, buf, sizeof(buf))) > 0) {
		ssize_t done;

		if (!is_writable(c->out))
			return (false);
		done = c->socket ? send(c->out, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT)
				 : write(c->out, buf, n);
		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			return (false);
		if (done <= 0) {
			client_gone(c);
			return (true);
		}
		(void)chr_take(c, buf, (size_t)done);
	}
	return (true);
}

static void
out_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct chr *c = arg;

	(void)l;
	(void)fd;
	(void)events;
	if (ring_drain(c)) {
		watch_remove(c->out_watch);
		c->out_watch = NULL;
	}
}

/* ---- input ---- */

/* While something is held nothing more is read: that is the back-pressure. */
static void
in_watch_update(struct chr *c, bool want_write)
{
	if (c->in_watch != NULL)
		watch_events(c->in_watch,
		    (c->held_len == 0 ? LOOP_READ : 0) | (want_write ? LOOP_WRITE : 0));
}

static void
held_deliver(struct chr *c)
{
	size_t n = 0;

	if (c->held_len > 0 && c->client.input != NULL)
		n = c->client.input(c->client.arg, c->held + c->held_first, c->held_len);
	c->held_first += n;
	c->held_len -= n;
	in_watch_update(c, false);
}

static void
in_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct chr *c = arg;
	ssize_t n;

	(void)l;
	if ((events & LOOP_WRITE) != 0)
		in_watch_update(c, !ring_drain(c));
	if (c->in_watch == NULL || (events & (LOOP_READ | LOOP_HANGUP)) == 0 ||
	    (c->held_len > 0 && (events & LOOP_HANGUP) == 0))
		return;
	n = read(fd, c->held, sizeof(c->held));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		if (c->socket) {
			client_gone(c);
		} else {
			watch_remove(c->in_watch);
			c->in_watch = NULL;
		}
		return;
	}
	c->held_first = 0;
	c->held_len = (size_t)n;
	held_deliver(c);
}

size_t
chr_feed(struct chr *c, const void *bytes, size_t len)
{
	return (c->client.input != NULL ? c->client.input(c->client.arg, bytes, len) : 0);
}

void
chr_kick_input(struct chr *c)
{
	wake(c);
}

static void
woken(struct loop *l, int fd, unsigned events, void *arg)
{
	struct chr *c = arg;
	uint64_t n;

	(void)events;
	(void)!read(fd, &n, sizeof(n));
	held_deliver(c);
	if (c->out_watch != NULL || ring_drain(c))
		return;
	if (c->out == c->in)
		in_watch_update(c, true);
	else
		c->out_watch = loop_fd(l, c->out, LOOP_WRITE, out_ready, c);
}

static void
accepted(struct loop *l, int fd, unsigned events, void *arg)
{
	struct chr *c = arg;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (s < 0)
		return;
	if (c->out >= 0) { /* one terminal at a time */
		(void)close(s);
		return;
	}
	c->in = c->out = s;
	c->held_len = 0;
	c->in_watch = loop_fd(l, s, LOOP_READ, in_ready, c);
}

/* ---- life ---- */

int
chr_new(const struct vmx_char *d, struct loop *l, struct chr **out, struct err *e)
{
	struct chr *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)pthread_mutex_init(&c->lock, NULL);
	c->loop = l;
	c->in = d->in;
	c->out = d->out;
	c->listen = d->listen;
	c->wake_fd = -1;
	c->socket = d->listen >= 0;
	*out = c;
	if (l == NULL)
		return (0);
	if ((c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return (err_sys(e, errno, "eventfd"));
	(void)loop_fd(l, c->wake_fd, LOOP_READ, woken, c);
	if (c->listen >= 0)
		(void)loop_fd(l, c->listen, LOOP_READ, accepted, c);
	if (c->in >= 0) /* NULL for a regular file: it is no terminal */
		c->in_watch = loop_fd(l, c->in, LOOP_READ, in_ready, c);
	return (0);
}

void
chr_connect(struct chr *c, const struct chr_client *client)
{
	c->client = *client;
}

void
chr_drain(struct chr *c, int timeout_ms)
{
	while (c != NULL && c->out >= 0 && !ring_drain(c) && timeout_ms > 0) {
		struct pollfd p = {.fd = c->out, .events = POLLOUT};

		(void)poll(&p, 1, 10);
		timeout_ms -= 10;
	}
}

void
chr_free(struct chr *c)
{
	if (c == NULL)
		return;
	if (c->out >= 0)
		(void)close(c->out);
	if (c->in >= 0 && c->in != c->out)
		(void)close(c->in);
	if (c->listen >= 0)
		(void)close(c->listen);
	if (c->wake_fd >= 0)
		(void)close(c->wake_fd);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}
