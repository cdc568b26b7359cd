/* SPDX-License-Identifier: MIT */
/*
 * virtio-vsock: stream sockets between guest and host without a network, over unix sockets.
 *
 *	host connects to PATH, writes "CONNECT port\n", reads "OK n\n"	--REQUEST-->  guest listens on port
 *	host listens on PATH_port			<--connect--	REQUEST to host (CID 2), port
 *
 *	slot:  FREE --client--> HELLO --line--> ASKING --RESPONSE--> OPEN --both shut, or RST--> FREE
 *	         '-----------------guest's REQUEST, connected--------^
 *	       any --reset of the device--> DEAD --I/O thread--> FREE
 *
 * To the guest nothing is kept but the kernel's socket buffer: bytes are read straight into its receive
 * buffers, as many as it said it has room for.  From the guest a connection has a ring of WINDOW bytes,
 * of which the guest is told; who sends more loses the connection.  Control packets are bits of a
 * slot, sent when a receive buffer is there, and a short list of resets for packets that fit no slot.
 *
 * Invariants:
 *  1. Watches are touched by the I/O thread alone.  A reset (on a vCPU) closes slots without a watch, and
 *     marks the others DEAD and shuts their sockets, which wakes the I/O thread.
 *  2. ring_len <= WINDOW; bytes told to be free never exceed what is.
 *  3. Work per event is bounded: at most SLOTS slots, each at most one receive queue of buffers.
 *
 * Connections do not live in a snapshot: after a load the guest is told by a transport-reset event.
 *
 * Facts: VIRTIO 1.2, section 5.10; the two lines of text are Firecracker's protocol.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/virtio.h"

enum { RX, TX, EVENT };
enum { SLOTS = 128, WINDOW = 65536, RESETS = 64, HELLO_MAX = 32, BATCH = 256,
	DATA_SEGS = 64 };
enum { HOST_CID = 2, STREAM = 1, PORT_FIRST = 0x40000000 };
enum { OP_REQUEST = 1, OP_RESPONSE, OP_RST, OP_SHUTDOWN, OP_RW, OP_CREDIT, OP_CREDIT_ASK };
enum { SHUT_GUEST_RCV = 1, SHUT_GUEST_SEND = 2, SHUT_BOTH = 3 };
enum slot_state { FREE, HELLO, ASKING, OPEN, DEAD };

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));
enum { HEADER = 44 };
_Static_assert(sizeof(struct packet) == HEADER, "packet header: 44 bytes");

struct slot {
	enum slot_state state;
	int fd;
	struct watch *watch;
	uint32_t host_port, guest_port;
	uint32_t want;		   /* bit per op to be sent to the guest */
	uint32_t peer_room, peer_fwd; /* the guest's buf_alloc and fwd_cnt */
	uint32_t sent;		   /* bytes to the guest */
	uint32_t fwd, told;	   /* bytes out of the ring; what of it the guest knows */
	uint32_t ring_head, ring_len;
	uint8_t guest_shut, host_shut; /* SHUT_*: what each side will not do any more */
	bool readable, host_eof, asked;
	uint8_t hello[HELLO_MAX];
	uint8_t hello_len;
};

struct vvsock {
	struct virtio v;
	struct vvsock_state {
		uint64_t cid;
		uint32_t live; /* the driver has been started */
		uint32_t reserved;
	} s;
	int listen_fd;
	struct watch *listener;
	char *path;
	int (*dial)(void *arg, uint32_t port);
	void *dial_arg;
	bool event_due;
	uint32_t next_port;
	struct packet reset[RESETS]; /* to be sent; addresses are the guest's */
	unsigned nresets;
	struct slot slot[SLOTS];
	struct vq_chain chain;
	uint8_t (*ring)[WINDOW]; /* of each slot; untouched pages cost nothing */
};

static struct loop *
loop_of(const struct vvsock *s)
{
	return (s->v.io != NULL ? iothread_loop(s->v.io) : NULL);
}

/* ---- slots ---- */

static struct slot *
slot_new(struct vvsock *s, int fd, enum slot_state state)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->slot[i].state == FREE) {
			s->slot[i] = (struct slot){.state = state, .fd = fd, .readable = true};
			return (&s->slot[i]);
		}
	}
	return (NULL);
}

static struct slot *
slot_find(struct vvsock *s, uint32_t host_port, uint32_t guest_port)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *c = &s->slot[i];

		if ((c->state == ASKING || c->state == OPEN) && c->host_port == host_port &&
		    c->guest_port == guest_port)
			return (c);
	}
	return (NULL);
}

/* I/O thread. */
static void
slot_free(struct slot *c)
{
	watch_remove(c->watch);
	(void)close(c->fd);
	c->watch = NULL;
	c->fd = -1;
	c->state = FREE;
}

static void
reset_add(struct vvsock *s, uint32_t host_port, uint32_t guest_port)
{
	if (s->nresets < RESETS) /* a guest that does not fetch them needs no more */
		s->reset[s->nresets++] =
		    (struct packet){.src_port = host_port, .dst_port = guest_port};
}

/* The connection ends, and the guest hears of it. */
static void
slot_reset(struct vvsock *s, struct slot *c)
{
	reset_add(s, c->host_port, c->guest_port);
	slot_free(c);
}

/* ---- to the guest ---- */

static bool
send_packet(struct vvsock *s, struct packet *p)
{
	struct virtqueue *q = &s->v.vq[RX];
	int rc = vq_pop(q, &s->chain);

	if (rc < 0)
		virtio_broken(&s->v);
	if (rc <= 0)
		return (false);
	p->src_cid = HOST_CID;
	p->dst_cid = s->s.cid;
	p->type = STREAM;
	vq_push(q, s->chain.head, (uint32_t)vq_chain_write(&s->chain, 0, p, HEADER));
	return (true);
}

static struct packet
packet_of(struct slot *c, uint16_t op)
{
	return ((struct packet){.src_port = c->host_port, .dst_port = c->guest_port, .op = op,
	    .buf_alloc = WINDOW, .fwd_cnt = c->fwd,
	    .flags = op == OP_SHUTDOWN ? c->host_shut : 0});
}

static void
send_resets(struct vvsock *s)
{
	unsigned n = 0;

	while (n < s->nresets) {
		s->reset[n].op = OP_RST;
		if (!send_packet(s, &s->reset[n]))
			break;
		n++;
	}
	memmove(s->reset, s->reset + n, (s->nresets - n) * sizeof(s->reset[0]));
	s->nresets -= n;
}

/* Control packets of a slot; false: no buffer for one that waits. */
static bool
send_control(struct vvsock *s, struct slot *c)
{
	for (uint16_t op = OP_REQUEST; op <= OP_CREDIT_ASK; op++) {
		struct packet p = packet_of(c, op);

		if ((c->want & 1U << op) == 0)
			continue;
		if (!send_packet(s, &p))
			return (false);
		c->want &= ~(1U << op);
		c->told = c->fwd;
	}
	return (true);
}

static uint32_t
credit(const struct slot *c)
{
	uint32_t under_way = c->sent - c->peer_fwd;

	return (under_way < c->peer_room ? c->peer_room - under_way : 0);
}

static void
host_ended(struct slot *c)
{
	c->host_eof = true;
	c->host_shut |= SHUT_GUEST_SEND; /* we send no more */
	c->want |= 1U << OP_SHUTDOWN;
}

/* One buffer of bytes from the socket; false: nothing more goes now. */
static bool
send_some(struct vvsock *s, struct slot *c)
{
	struct virtqueue *q = &s->v.vq[RX];
	struct packet p = packet_of(c, OP_RW);
	struct iovec iov[DATA_SEGS];
	uint32_t room = credit(c);
	ssize_t n;
	int rc, segs = -1;

	if (room == 0) {
		c->want |= c->asked ? 0 : 1U << OP_CREDIT_ASK;
		c->asked = true;
		return (false);
	}
	if ((rc = vq_pop(q, &s->chain)) <= 0) {
		if (rc < 0)
			virtio_broken(&s->v);
		return (false);
	}
	if (s->chain.in_bytes > HEADER) {
		uint32_t len = s->chain.in_bytes - HEADER;

		len = len < room ? len : room;
		segs = vq_chain_slice(&s->chain, true, HEADER, len < WINDOW ? len : WINDOW, iov,
		    DATA_SEGS);
	}
	if (segs <= 0) { /* a buffer that nothing fits into */
		vq_push(q, s->chain.head, 0);
		return (true);
	}
	n = readv(c->fd, iov, segs);
	if (n <= 0) {
		vq_unpop(q);
		c->readable = false;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			host_ended(c);
		return (false);
	}
	p.len = (uint32_t)n;
	p.src_cid = HOST_CID;
	p.dst_cid = s->s.cid;
	p.type = STREAM;
	(void)vq_chain_write(&s->chain, 0, &p, HEADER);
	vq_push(q, s->chain.head, HEADER + (uint32_t)n);
	c->sent += (uint32_t)n;
	c->told = c->fwd;
	return (true);
}

/* ---- to the host ---- */

/* Write out what the ring has; false: the host has gone. */
static bool
ring_flush(struct vvsock *s, struct slot *c)
{
	uint8_t *ring = s->ring[c - s->slot];

	while (c->ring_len > 0) {
		uint32_t n = WINDOW - c->ring_head < c->ring_len ? WINDOW - c->ring_head : c->ring_len;
		ssize_t done = send(c->fd, ring + c->ring_head, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			return (true);
		if (done <= 0)
			return (false);
		c->ring_head = (c->ring_head + (uint32_t)done) % WINDOW;
		c->ring_len -= (uint32_t)done;
		c->fwd += (uint32_t)done;
	}
	return (true);
}

/* The payload of the guest's packet into the ring. */
static bool
ring_take(struct vvsock *s, struct slot *c, uint32_t len)
{
	uint8_t *ring = s->ring[c - s->slot];
	uint32_t at = (c->ring_head + c->ring_len) % WINDOW, first;

	if (len > WINDOW - c->ring_len || len > s->chain.out_bytes - HEADER)
		return (false);
	first = len < WINDOW - at ? len : WINDOW - at;
	(void)vq_chain_read(&s->chain, HEADER, ring + at, first);
	(void)vq_chain_read(&s->chain, HEADER + first, ring, len - first);
	c->ring_len += len;
	return (true);
}

/* What follows from what is out: the end of one direction or of all, and news about room. */
static void
slot_settle(struct vvsock *s, struct slot *c)
{
	if (!ring_flush(s, c)) {
		slot_reset(s, c);
		return;
	}
	if (c->ring_len == 0 && (c->guest_shut & SHUT_GUEST_SEND) != 0) {
		if (c->guest_shut == SHUT_BOTH) {
			slot_reset(s, c);
			return;
		}
		(void)shutdown(c->fd, SHUT_WR);
	}
	if ((c->guest_shut & SHUT_GUEST_RCV) != 0 && !c->host_eof) {
		(void)shutdown(c->fd, SHUT_RD);
		c->host_eof = true;
	}
	if (c->state == OPEN && c->fwd - c->told >= WINDOW / 4)
		c->want |= 1U << OP_CREDIT;
}

/* ---- packets of the guest ---- */

static int
dial_path(void *arg, uint32_t port)
{
	const struct vvsock *s = arg;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	if (s->path == NULL || snprintf(sun.sun_path, sizeof(sun.sun_path), "%s_%u", s->path, port) >=
		(int)sizeof(sun.sun_path))
		return (-1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return (fd);
}

static void
guest_credit(struct slot *c, const struct packet *p)
{
	if (c->peer_room != p->buf_alloc || c->peer_fwd != p->fwd_cnt)
		c->asked = false;
	c->peer_room = p->buf_alloc;
	c->peer_fwd = p->fwd_cnt;
}

static void
guest_connects(struct vvsock *s, const struct packet *p)
{
	int fd = s->dial(s->dial_arg, p->dst_port);
	struct slot *c = fd >= 0 ? slot_new(s, fd, OPEN) : NULL;

	if (c == NULL) {
		if (fd >= 0)
			(void)close(fd);
		reset_add(s, p->dst_port, p->src_port);
		return;
	}
	c->host_port = p->dst_port;
	c->guest_port = p->src_port;
	c->want = 1U << OP_RESPONSE;
	guest_credit(c, p);
}

static void
guest_accepts(struct slot *c)
{
	char line[24];
	int n = snprintf(line, sizeof(line), "OK %u\n", c->host_port);

	if (c->state != ASKING)
		return;
	c->state = OPEN;
	(void)!send(c->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
slot_packet(struct vvsock *s, struct slot *c, const struct packet *p)
{
	guest_credit(c, p);
	switch (p->op) {
	case OP_RESPONSE:
		guest_accepts(c);
		break;
	case OP_SHUTDOWN:
		c->guest_shut |= p->flags & SHUT_BOTH;
		break;
	case OP_RW:
		if (c->state != OPEN || !ring_take(s, c, p->len)) {
			slot_reset(s, c);
			return;
		}
		break;
	case OP_CREDIT:
		break;
	case OP_CREDIT_ASK:
		c->want |= 1U << OP_CREDIT;
		break;
	case OP_RST:
		slot_free(c);
		return;
	default:
		slot_reset(s, c);
		return;
	}
	slot_settle(s, c);
}

static void
guest_packet(struct vvsock *s)
{
	struct packet p;
	struct slot *c;

	if (vq_chain_read(&s->chain, 0, &p, HEADER) != HEADER || p.src_cid != s->s.cid)
		return;
	if (p.dst_cid != HOST_CID || p.type != STREAM) {
		if (p.op != OP_RST)
			reset_add(s, p.dst_port, p.src_port);
		return;
	}
	if ((c = slot_find(s, p.dst_port, p.src_port)) != NULL)
		slot_packet(s, c, &p);
	else if (p.op == OP_REQUEST)
		guest_connects(s, &p);
	else if (p.op != OP_RST)
		reset_add(s, p.dst_port, p.src_port);
}

static void
tx(struct vvsock *s)
{
	struct virtqueue *q = &s->v.vq[TX];
	uint64_t one = 1;
	int rc = 0;

	do {
		vq_want_kicks(q, false);
		for (unsigned i = 0; i < BATCH && (rc = vq_pop(q, &s->chain)) > 0; i++) {
			uint16_t head = s->chain.head;

			guest_packet(s);
			vq_push(q, head, 0);
		}
		if (rc < 0)
			virtio_broken(&s->v);
		virtio_used(&s->v, TX);
		vq_want_kicks(q, true);
	} while (rc == 0 && !vq_is_empty(q));
	if (rc > 0) /* others' turn; come back */
		(void)!write(s->v.kick_fd[TX], &one, sizeof(one));
}

/* ---- clients of the host ---- */

/* "CONNECT port\n", byte by byte: what follows it is for the guest. */
static void
hello(struct vvsock *s, struct slot *c)
{
	unsigned port;
	ssize_t n;
	char end;

	while ((n = recv(c->fd, c->hello + c->hello_len, 1, MSG_DONTWAIT)) == 1) {
		if (c->hello[c->hello_len++] == '\n')
			break;
		if (c->hello_len == HELLO_MAX - 1) {
			slot_free(c);
			return;
		}
	}
	c->readable = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->hello[c->hello_len] = '\0';
	if (n <= 0 || sscanf((char *)c->hello, "CONNECT %u%c", &port, &end) != 2 || end != '\n') {
		slot_free(c);
		return;
	}
	c->readable = true;
	c->state = ASKING;
	c->guest_port = port;
	c->host_port = s->next_port++;
	if (s->next_port < PORT_FIRST)
		s->next_port = PORT_FIRST;
	c->want = 1U << OP_REQUEST;
}

static void
client_add(struct vvsock *s, int fd)
{
	if (!virtio_running(&s->v) || slot_new(s, fd, HELLO) == NULL)
		(void)close(fd);
}

/* ---- the round of everything ---- */

static void slot_ready(struct loop *l, int fd, unsigned events, void *arg);

static unsigned
slot_events(const struct slot *c)
{
	unsigned events = c->ring_len > 0 ? LOOP_WRITE : 0;

	if (c->state == HELLO || ((c->state == OPEN || c->state == ASKING) && !c->readable && !c->host_eof))
		events |= LOOP_READ;
	return (events);
}

/* A hung-up socket is reported whatever is asked for: who waits for nothing is not watched. */
static void
slot_watch(struct vvsock *s, struct slot *c)
{
	unsigned events = slot_events(c);
	struct loop *l = loop_of(s);

	if (l == NULL)
		return;
	if (events == 0) {
		watch_remove(c->watch);
		c->watch = NULL;
	} else if (c->watch != NULL) {
		watch_events(c->watch, events);
	} else {
		c->watch = loop_fd(l, c->fd, events, slot_ready, s);
	}
}

static void
slot_serve(struct vvsock *s, struct slot *c)
{
	if (c->state == DEAD) {
		slot_free(c);
		return;
	}
	if (c->state == HELLO && c->readable)
		hello(s, c);
	if (c->state == OPEN)
		slot_settle(s, c);
	if (c->state == OPEN || c->state == ASKING) {
		if (send_control(s, c) && c->state == OPEN && (c->guest_shut & SHUT_GUEST_RCV) == 0) {
			for (unsigned i = 0; i < BATCH && c->readable && send_some(s, c); i++)
				;
			(void)send_control(s, c);
		}
	}
	if (c->state != FREE)
		slot_watch(s, c);
}

static void
send_event(struct vvsock *s)
{
	static const uint32_t transport_reset = 0;
	struct virtqueue *q = &s->v.vq[EVENT];
	int rc;

	if (!s->event_due || (rc = vq_pop(q, &s->chain)) == 0)
		return;
	if (rc < 0) {
		virtio_broken(&s->v);
		return;
	}
	s->event_due = false;
	vq_push(q, s->chain.head, (uint32_t)vq_chain_write(&s->chain, 0, &transport_reset, 4));
	virtio_used(&s->v, EVENT);
}

static void
serve(struct vvsock *s)
{
	bool running = virtio_running(&s->v);

	if (running) {
		send_event(s);
		send_resets(s);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->slot[i].state != FREE && (running || s->slot[i].state == DEAD))
			slot_serve(s, &s->slot[i]);
	}
	if (!running)
		return;
	send_resets(s);
	virtio_used(&s->v, RX);
	vq_want_kicks(&s->v.vq[RX], true);
}

static void
slot_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vvsock *s = arg;

	(void)l;
	(void)pthread_mutex_lock(&s->v.pci.dev.lock);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->slot[i].state != FREE && s->slot[i].fd == fd)
			s->slot[i].readable |= (events & ~(unsigned)LOOP_WRITE) != 0;
	}
	serve(s);
	(void)pthread_mutex_unlock(&s->v.pci.dev.lock);
}

static void
listener_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vvsock *s = arg;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)l;
	(void)events;
	if (client < 0)
		return;
	(void)pthread_mutex_lock(&s->v.pci.dev.lock);
	client_add(s, client);
	serve(s);
	(void)pthread_mutex_unlock(&s->v.pci.dev.lock);
}

void
vvsock_poll(struct device *d, int client)
{
	struct vvsock *s = (struct vvsock *)d;

	(void)pthread_mutex_lock(&d->lock);
	if (client >= 0)
		client_add(s, client);
	for (unsigned i = 0; i < SLOTS; i++)
		s->slot[i].readable |= s->slot[i].state != FREE && !s->slot[i].host_eof;
	serve(s);
	(void)pthread_mutex_unlock(&d->lock);
}

/* ---- life ---- */

static void
vvsock_kick(struct virtio *v, unsigned q)
{
	struct vvsock *s = (struct vvsock *)v;

	if (q == TX)
		tx(s);
	serve(s);
}

/* A state that was loaded has live set: the guest must forget its connections. */
static void
vvsock_start(struct virtio *v)
{
	struct vvsock *s = (struct vvsock *)v;

	s->event_due = s->s.live != 0;
	s->s.live = 1;
}

/* Invariant 1. */
static void
vvsock_stop(struct virtio *v)
{
	struct vvsock *s = (struct vvsock *)v;

	s->s.live = 0;
	s->event_due = false;
	s->nresets = 0;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *c = &s->slot[i];

		if (c->state == FREE)
			continue;
		if (c->watch == NULL) {
			slot_free(c);
			continue;
		}
		c->state = DEAD;
		(void)shutdown(c->fd, SHUT_RDWR);
	}
}

static void
vvsock_config(struct virtio *v, uint8_t *c)
{
	memcpy(c, &((struct vvsock *)v)->s.cid, 8);
}

/* The loop, and its watches with it, may be gone already. */
static void
vvsock_free(struct virtio *v)
{
	struct vvsock *s = (struct vvsock *)v;

	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->slot[i].state != FREE)
			(void)close(s->slot[i].fd);
	}
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	free(s->ring);
	free(s->path);
}

static const struct virtio_class vvsock_class = {
    .kind = "virtio-vsock",
    .id = VIRTIO_ID_VSOCK,
    .pci_class = 0x07800000,
    .nqueues = 3,
    .queue_size = 128,
    .config_len = 8,
    .version = 1,
    .state = DEVICE_STATE(struct vvsock, s),
    .kick = vvsock_kick,
    .start = vvsock_start,
    .stop = vvsock_stop,
    .config_get = vvsock_config,
    .free = vvsock_free,
};

static struct vvsock *
vvsock_alloc(const struct vvsock_spec *spec)
{
	struct vvsock *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return (NULL);
	s->ring = calloc(SLOTS, WINDOW);
	s->path = spec->path != NULL ? strdup(spec->path) : NULL;
	if (s->ring == NULL || (spec->path != NULL && s->path == NULL)) {
		free(s->ring);
		free(s->path);
		free(s);
		return (NULL);
	}
	s->s.cid = spec->cid;
	s->listen_fd = spec->listen_fd;
	s->dial = spec->dial != NULL ? spec->dial : dial_path;
	s->dial_arg = spec->dial != NULL ? spec->dial_arg : s;
	s->next_port = PORT_FIRST;
	return (s);
}

int
vvsock_new(struct board *b, unsigned devfn, const struct vvsock_spec *spec, struct iothread *io,
    struct err *e)
{
	struct vvsock *s = vvsock_alloc(spec);
	int rc;

	if (s == NULL) {
		if (spec->listen_fd >= 0)
			(void)close(spec->listen_fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	if ((rc = virtio_add(b, &s->v, &vvsock_class, devfn, "vsock", io, e)) != 0 || io == NULL ||
	    s->listen_fd < 0)
		return (rc);
	s->listener = loop_fd(iothread_loop(io), s->listen_fd, LOOP_READ, listener_ready, s);
	return (s->listener != NULL ? 0 : err_set(e, EINVAL, "the vsock socket cannot be watched"));
}
