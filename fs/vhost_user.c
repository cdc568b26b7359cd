/* SPDX-License-Identifier: MIT */
/*
 * The vhost-user session: the messages of a front-end.
 *
 *	0 request u32   4 flags u32   8 size u32   12 payload
 *	flags: 1 the version, 4 this is a reply, 8 a reply is wanted
 *	descriptors come as SCM_RIGHTS with the first byte
 *
 *	connected -> features -> memory, rings, in flight -> rings run <-> GET_VRING_BASE -> ... -> hung up
 *
 * The front-end is not trusted: it is a VMM that a guest may have taken over.  A message is collected without
 * waiting, so that a slow one keeps no worker; what breaks the protocol ends the session and
 * nothing else.  Descriptors are used only when they are what they should be: a ring's are eventfds,
 * memory is a sealed memfd (vhost_user_mem.c).
 *
 * Invariants:
 *	1. Messages of one session are handled one at a time (the watch is one shot).
 *	2. A ring runs when it has size, addresses, a kick descriptor and is enabled; it is stopped,
 *	   with nothing in flight, before memory, tracking or any of those change.
 *	3. Every descriptor that arrives is owned by exactly one place or closed.
 *
 * A front-end that finds the socket hung up (poold was killed) asks for another, sends SET_INFLIGHT_FD with
 * the area it got before, and its rings go on where they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user.h"
#include "smartbox/core/fdpass.h"

enum {
	GET_FEATURES = 1, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE, SET_LOG_BASE, SET_LOG_FD,
	SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL,
	SET_VRING_ERR, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE,
	SET_BACKEND_REQ_FD = 21, GET_CONFIG = 24, SET_CONFIG = 25, GET_INFLIGHT_FD = 31,
	SET_INFLIGHT_FD = 32, RESET_DEVICE = 34,
	REQUESTS = 40,
};
enum { VERSION = 1, VERSION_MASK = 3, FLAG_REPLY = 4, FLAG_NEED_REPLY = 8, HEADER_BYTES = 12 };
enum { BACKEND_CONFIG_CHANGE = 2 };
enum { PF_MQ = 0, PF_REPLY_ACK = 3, PF_BACKEND_REQ = 5, PF_CONFIG = 9, PF_INFLIGHT = 12, PF_RESET = 13 };
enum { VF_INDIRECT = 28, VF_EVENT_IDX = 29, VF_PROTOCOL = 30 };
enum { CONFIG_WCE_AT = 32, CONFIG_MAX = 256 };
#define PROTOCOL_FEATURES (UINT64_C(1) << PF_MQ | 1 << PF_REPLY_ACK | 1 << PF_BACKEND_REQ | \
	1 << PF_CONFIG | 1 << PF_INFLIGHT | 1 << PF_RESET)
#define NO_FD 0x100 /* in a ring's number: none comes along */

struct message {
	struct vu_session *s;
	uint32_t request, size;
	const uint8_t *p;	/* payload, `size` bytes */
	uint8_t reply[VU_PAYLOAD_MAX];
	uint32_t reply_size;	/* 0: none of its own */
	int reply_fd;
};

/* The descriptor that came along, the caller's from then on; -1: none. */
static int
take_fd(struct vu_session *s)
{
	int fd = s->nfds > 0 ? s->fds[0] : -1;

	if (s->nfds > 0)
		s->fds[0] = s->fds[--s->nfds];
	return (fd);
}

static void
drop_fds(struct vu_session *s)
{
	while (s->nfds > 0)
		(void)close(s->fds[--s->nfds]);
}

static void
reply_u64(struct message *m, uint64_t v)
{
	memcpy(m->reply, &v, sizeof(v));
	m->reply_size = sizeof(v);
}

static int
get_u64(const struct message *m, uint64_t *v)
{
	if (m->size != sizeof(*v))
		return (-EPROTO);
	memcpy(v, m->p, sizeof(*v));
	return (0);
}

struct vring_state {
	uint32_t index, num;
};

static int
get_state(const struct message *m, struct vring_state *st, struct vu_ring **r)
{
	if (m->size != sizeof(*st))
		return (-EPROTO);
	memcpy(st, m->p, sizeof(*st));
	if (st->index >= VU_QUEUES_MAX)
		return (-EPROTO);
	*r = &m->s->ring[st->index];
	return (0);
}

/* --- features --------------------------------------------------------------------------------- */

static uint64_t
offered(const struct vu_session *s)
{
	return (vu_blk_features(s) | UINT64_C(1) << VF_PROTOCOL | 1 << VF_INDIRECT | 1 << VF_EVENT_IDX);
}

static int
do_get_features(struct message *m)
{
	reply_u64(m, offered(m->s));
	return (0);
}

static int
do_set_features(struct message *m)
{
	struct vu_session *s = m->s;
	uint64_t v;
	int rc = get_u64(m, &v);

	if (rc != 0 || (v & ~offered(s)) != 0)
		return (-EPROTO);
	for (unsigned i = 0; i < VU_QUEUES_MAX; i++)
		vu_ring_stop(&s->ring[i]);
	s->features = v;
	/* Without the feature, rings are enabled from the start. */
	for (unsigned i = 0; i < VU_QUEUES_MAX && rc == 0; i++) {
		s->ring[i].enabled = s->ring[i].enabled || !(v >> VF_PROTOCOL & 1);
		rc = vu_ring_start(&s->ring[i]);
	}
	s->writeback = (v >> 9 & 1) != 0; /* no FLUSH: every write is to be durable */
	return (rc);
}

static int
do_get_protocol_features(struct message *m)
{
	reply_u64(m, PROTOCOL_FEATURES);
	return (0);
}

static int
do_set_protocol_features(struct message *m)
{
	uint64_t v;

	if (get_u64(m, &v) != 0 || (v & ~PROTOCOL_FEATURES) != 0)
		return (-EPROTO);
	m->s->protocol_features = v;
	return (0);
}

static int
do_nothing(struct message *m)
{
	(void)m;
	return (0);
}

static int
do_get_queue_num(struct message *m)
{
	reply_u64(m, VU_QUEUES_MAX);
	return (0);
}

/* --- memory ----------------------------------------------------------------------------------- */

static int
do_set_mem_table(struct message *m)
{
	struct vu_region_msg in[VU_REGIONS_MAX];
	struct vu_session *s = m->s;
	uint32_t n;
	int rc;

	if (m->size < 8)
		return (-EPROTO);
	memcpy(&n, m->p, sizeof(n));
	if (n == 0 || n > VU_REGIONS_MAX || n != s->nfds || m->size < 8 + n * sizeof(in[0]))
		return (-EPROTO);
	memcpy(in, m->p + 8, n * sizeof(in[0]));
	for (unsigned i = 0; i < VU_QUEUES_MAX; i++)
		vu_ring_stop(&s->ring[i]);
	vu_mem_unmap(&s->mem);
	rc = vu_mem_map(&s->mem, in, s->fds, n);
	for (unsigned i = 0; i < VU_QUEUES_MAX && rc == 0; i++)
		rc = vu_ring_start(&s->ring[i]);
	return (rc);
}

/* --- rings ------------------------------------------------------------------------------------ */

static int
do_set_vring_num(struct message *m)
{
	struct vring_state st;
	struct vu_ring *r;

	if (get_state(m, &st, &r) != 0 || st.num == 0 || st.num > VU_RING_MAX ||
	    (st.num & (st.num - 1)) != 0)
		return (-EPROTO);
	vu_ring_stop(r);
	r->num = st.num;
	return (vu_ring_start(r));
}

static int
do_set_vring_addr(struct message *m)
{
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a;
	struct vu_ring *r;

	if (m->size != sizeof(a))
		return (-EPROTO);
	memcpy(&a, m->p, sizeof(a));
	if (a.index >= VU_QUEUES_MAX || a.flags != 0)
		return (-EPROTO);
	r = &m->s->ring[a.index];
	vu_ring_stop(r);
	r->desc_addr = a.desc;
	r->avail_addr = a.avail;
	r->used_addr = a.used;
	r->has_addr = true;
	return (vu_ring_start(r));
}

static int
do_set_vring_base(struct message *m)
{
	struct vring_state st;
	struct vu_ring *r;

	if (get_state(m, &st, &r) != 0)
		return (-EPROTO);
	vu_ring_stop(r);
	r->last_avail = (uint16_t)st.num;
	return (vu_ring_start(r));
}

/* Stops the ring; it starts again with the next kick descriptor. */
static int
do_get_vring_base(struct message *m)
{
	struct vring_state st;
	struct vu_ring *r;

	if (get_state(m, &st, &r) != 0)
		return (-EPROTO);
	vu_ring_stop(r);
	if (r->kick >= 0)
		(void)close(r->kick);
	r->kick = -1;
	st.num = r->last_avail;
	memcpy(m->reply, &st, sizeof(st));
	m->reply_size = sizeof(st);
	return (0);
}

static bool
is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[32], link[sizeof(want)];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (readlink(path, link, sizeof(link)) == (ssize_t)sizeof(want) - 1 &&
	    memcmp(link, want, sizeof(want) - 1) == 0);
}

/* The ring's number and the eventfd, or -1, that a message brings. */
static int
get_ring_fd(struct message *m, struct vu_ring **r, int *fd)
{
	uint64_t v;

	*fd = -1;
	if (get_u64(m, &v) != 0 || (v & 0xff) >= VU_QUEUES_MAX)
		return (-EPROTO);
	*r = &m->s->ring[v & 0xff];
	if (v & NO_FD)
		return (0);
	if ((*fd = take_fd(m->s)) < 0)
		return (-EPROTO);
	/* Writing must never wait for a reader: a full counter is as good as one more. */
	if (is_eventfd(*fd) && fcntl(*fd, F_SETFL, O_NONBLOCK) == 0)
		return (0);
	(void)close(*fd);
	return (-EPROTO);
}

static void
replace_fd(int *where, int fd)
{
	if (*where >= 0)
		(void)close(*where);
	*where = fd;
}

static int
do_set_vring_kick(struct message *m)
{
	struct vu_ring *r;
	int fd, rc;

	if ((rc = get_ring_fd(m, &r, &fd)) != 0)
		return (rc);
	vu_ring_stop(r);
	replace_fd(&r->kick, fd);
	return (vu_ring_start(r));
}

static int
set_notifier(struct message *m, bool is_err)
{
	struct vu_ring *r;
	int fd, rc;

	if ((rc = get_ring_fd(m, &r, &fd)) != 0)
		return (rc);
	(void)pthread_mutex_lock(&r->lock);
	replace_fd(is_err ? &r->err : &r->call, fd);
	(void)pthread_mutex_unlock(&r->lock);
	return (0);
}

static int
do_set_vring_call(struct message *m)
{
	return (set_notifier(m, false));
}

static int
do_set_vring_err(struct message *m)
{
	return (set_notifier(m, true));
}

static int
do_set_vring_enable(struct message *m)
{
	struct vring_state st;
	struct vu_ring *r;

	if (get_state(m, &st, &r) != 0)
		return (-EPROTO);
	if (st.num == 0)
		vu_ring_stop(r);
	r->enabled = st.num != 0;
	return (vu_ring_start(r));
}

static int
do_reset_device(struct message *m)
{
	struct vu_session *s = m->s;

	for (unsigned i = 0; i < VU_QUEUES_MAX; i++) {
		vu_ring_stop(&s->ring[i]);
		s->ring[i].enabled = false;
		s->ring[i].last_avail = 0;
	}
	return (0);
}

/* --- configuration ---------------------------------------------------------------------------- */

struct config_head {
	uint32_t offset, size, flags;
};

static int
get_config_head(const struct message *m, struct config_head *h)
{
	if (m->size < sizeof(*h))
		return (-EPROTO);
	memcpy(h, m->p, sizeof(*h));
	return (h->size > CONFIG_MAX || h->offset > CONFIG_MAX || m->size < sizeof(*h) + h->size ?
	    -EPROTO : 0);
}

static int
do_get_config(struct message *m)
{
	uint8_t config[2 * CONFIG_MAX] = {0};
	struct config_head h;

	if (get_config_head(m, &h) != 0)
		return (-EPROTO);
	vu_blk_config(m->s, config); /* zeros behind what we have */
	memcpy(m->reply, &h, sizeof(h));
	memcpy(m->reply + sizeof(h), config + h.offset, h.size);
	m->reply_size = (uint32_t)sizeof(h) + h.size;
	return (0);
}

static int
do_set_config(struct message *m)
{
	struct config_head h;

	if (get_config_head(m, &h) != 0)
		return (-EPROTO);
	if (h.offset != CONFIG_WCE_AT || h.size != 1)
		return (-EINVAL);
	m->s->writeback = m->p[sizeof(h)] != 0;
	return (0);
}

static int
do_set_backend_req_fd(struct message *m)
{
	int fd = take_fd(m->s);

	if (fd < 0)
		return (-EPROTO);
	replace_fd(&m->s->backend_fd, fd);
	return (0);
}

/* --- in flight -------------------------------------------------------------------------------- */

struct inflight_msg {
	uint64_t bytes, offset;
	uint16_t queues, queue_size;
};
enum { INFLIGHT_MSG_BYTES = 20 };

static int
get_inflight(const struct message *m, struct inflight_msg *in)
{
	if (m->size < INFLIGHT_MSG_BYTES || m->size > sizeof(*in))
		return (-EPROTO);
	memcpy(in, m->p, INFLIGHT_MSG_BYTES);
	return (0);
}

static bool
some_ring_runs(const struct vu_session *s)
{
	for (unsigned i = 0; i < VU_QUEUES_MAX; i++)
		if (s->ring[i].running)
			return (true);
	return (false);
}

static int
do_get_inflight_fd(struct message *m)
{
	struct inflight_msg in;
	int rc;

	memset(&in, 0, sizeof(in));
	if (get_inflight(m, &in) != 0 || some_ring_runs(m->s))
		return (-EPROTO);
	if ((rc = vu_inflight_new(&m->s->inflight, in.queues, in.queue_size, &m->reply_fd)) != 0) {
		m->reply_fd = -1;
		return (rc);
	}
	in.bytes = vu_inflight_bytes(in.queues, in.queue_size);
	in.offset = 0;
	memcpy(m->reply, &in, m->size);
	m->reply_size = m->size;
	return (0);
}

static int
do_set_inflight_fd(struct message *m)
{
	struct inflight_msg in;
	int fd, rc;

	memset(&in, 0, sizeof(in));
	if (get_inflight(m, &in) != 0 || some_ring_runs(m->s) || (fd = take_fd(m->s)) < 0)
		return (-EPROTO);
	rc = vu_inflight_map(&m->s->inflight, in.queues, in.queue_size, in.offset, in.bytes, fd);
	(void)close(fd);
	return (rc);
}

/* --- messages --------------------------------------------------------------------------------- */

static int (*const handlers[REQUESTS])(struct message *m) = {
	[GET_FEATURES] = do_get_features, [SET_FEATURES] = do_set_features,
	[SET_OWNER] = do_nothing, [RESET_OWNER] = do_nothing,
	[SET_MEM_TABLE] = do_set_mem_table,
	[SET_VRING_NUM] = do_set_vring_num, [SET_VRING_ADDR] = do_set_vring_addr,
	[SET_VRING_BASE] = do_set_vring_base, [GET_VRING_BASE] = do_get_vring_base,
	[SET_VRING_KICK] = do_set_vring_kick, [SET_VRING_CALL] = do_set_vring_call,
	[SET_VRING_ERR] = do_set_vring_err, [SET_VRING_ENABLE] = do_set_vring_enable,
	[GET_PROTOCOL_FEATURES] = do_get_protocol_features,
	[SET_PROTOCOL_FEATURES] = do_set_protocol_features,
	[GET_QUEUE_NUM] = do_get_queue_num,
	[SET_BACKEND_REQ_FD] = do_set_backend_req_fd,
	[GET_CONFIG] = do_get_config, [SET_CONFIG] = do_set_config,
	[GET_INFLIGHT_FD] = do_get_inflight_fd, [SET_INFLIGHT_FD] = do_set_inflight_fd,
	[RESET_DEVICE] = do_reset_device,
};

static int
send_reply(const struct message *m)
{
	uint32_t head[3] = {m->request, VERSION | FLAG_REPLY, m->reply_size};
	uint8_t packet[sizeof(head) + VU_PAYLOAD_MAX];
	size_t len = sizeof(head) + m->reply_size;

	memcpy(packet, head, sizeof(head));
	memcpy(packet + sizeof(head), m->reply, m->reply_size);
	if (fd_send(m->s->fd, packet, len, &m->reply_fd, m->reply_fd >= 0, MSG_DONTWAIT) != (ssize_t)len)
		return (-EPIPE);
	return (0);
}

int
vu_session_message(struct vu_session *s)
{
	struct message m = {.s = s, .p = (const uint8_t *)s->buf + HEADER_BYTES, .reply_fd = -1};
	uint32_t head[3];
	bool wants_ack;
	int rc;

	memcpy(head, s->buf, sizeof(head));
	m.request = head[0];
	m.size = head[2];
	wants_ack = (head[1] & FLAG_NEED_REPLY) && (s->protocol_features >> PF_REPLY_ACK & 1);
	if ((head[1] & VERSION_MASK) != VERSION || (head[1] & FLAG_REPLY) || m.request >= REQUESTS ||
	    handlers[m.request] == NULL)
		rc = -EPROTO;
	else
		rc = handlers[m.request](&m);
	drop_fds(s);
	s->have = 0;
	if (m.reply_size == 0 && wants_ack) {
		reply_u64(&m, rc != 0);
		rc = 0;
	}
	if (rc == 0 && m.reply_size != 0)
		rc = send_reply(&m);
	if (m.reply_fd >= 0)
		(void)close(m.reply_fd);
	return (rc);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* What there is, up to `want` bytes of the message: 0 go on, 1 not all there yet, -errno the end. */
static int
receive(struct vu_session *s, size_t want)
{
	while (s->have < want) {
		unsigned room = VU_FDS_MAX - s->nfds;
		ssize_t n = fd_recv(s->fd, s->buf + s->have, want - s->have, s->fds + s->nfds, room, MSG_DONTWAIT);

		if (n == -EAGAIN)
			return (1);
		if (n <= 0)
			return (n == 0 ? -EPIPE : (int)n);
		s->have += (size_t)n;
		while (s->nfds < VU_FDS_MAX && s->fds[s->nfds] >= 0)
			s->nfds++;
	}
	return (0);
}

/* One message, if it is there: 0 handled, 1 not yet, -errno the end. */
static int
serve(struct vu_session *s)
{
	uint32_t size;
	int rc;

	if ((rc = receive(s, HEADER_BYTES)) != 0)
		return (rc);
	memcpy(&size, s->buf + 8, sizeof(size));
	if (size > VU_PAYLOAD_MAX)
		return (-EPROTO);
	if ((rc = receive(s, HEADER_BYTES + size)) != 0)
		return (rc);
	return (vu_session_message(s));
}

static void
ready(void *arg, struct blkio_scratch *sc)
{
	struct vu_session *s = arg;

	(void)sc;
	if (serve(s) >= 0) {
		blkio_rearm(s->watch);
		return;
	}
	(void)shutdown(s->fd, SHUT_RDWR);
	if (s->gone != NULL)
		s->gone(s->arg);
}

int
vu_session_new(struct blkio *io, const struct blk_disk *disk, bool readonly, const char *serial,
    int fd, void (*gone)(void *arg), void *arg, struct vu_session **out)
{
	struct vu_session *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL) {
		(void)close(fd);
		return (-ENOMEM);
	}
	s->io = io;
	s->disk = *disk;
	s->readonly = readonly;
	s->fd = fd;
	s->backend_fd = -1;
	s->gone = gone;
	s->arg = arg;
	s->writeback = true;
	(void)snprintf(s->serial, sizeof(s->serial), "%.*s", (int)sizeof(s->serial) - 1, serial);
	for (unsigned i = 0; i < VU_QUEUES_MAX; i++)
		vu_ring_init(&s->ring[i], s, i);
	*out = s;
	if (io != NULL && (rc = blkio_watch(io, fd, ready, s, &s->watch)) != 0) {
		vu_session_free(s);
		*out = NULL;
		return (rc);
	}
	return (0);
}

void
vu_session_free(struct vu_session *s)
{
	if (s == NULL)
		return;
	blkio_unwatch(s->watch);
	for (unsigned i = 0; i < VU_QUEUES_MAX; i++) {
		vu_ring_stop(&s->ring[i]);
		vu_ring_fini(&s->ring[i]);
	}
	drop_fds(s);
	vu_mem_unmap(&s->mem);
	vu_inflight_unmap(&s->inflight);
	if (s->backend_fd >= 0)
		(void)close(s->backend_fd);
	(void)close(s->fd);
	free(s);
}

void
vu_session_resized(struct vu_session *s)
{
	uint32_t head[3] = {BACKEND_CONFIG_CHANGE, VERSION, 0};

	if (s->backend_fd >= 0)
		(void)!send(s->backend_fd, head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT);
}
