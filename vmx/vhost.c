/* SPDX-License-Identifier: MIT */
/*
 * vhost-user messages, from the side of the monitor.
 *
 *	0 request u32   4 flags u32 (1 version, 4 reply, 8 reply wanted)   8 size u32   12 payload
 *	descriptors go as SCM_RIGHTS with the first byte
 *
 * Every request that has no answer of its own asks for one (REPLY_ACK), so that a refusal is known
 * where it happened.  Addresses of rings are told as our own (the "user" addresses of the memory
 * table); the server looks them up in that table.
 */
#include "smartbox/vmx/vhost.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"

enum {
	GET_FEATURES = 1, SET_FEATURES = 2, SET_OWNER = 3, SET_MEM_TABLE = 5, SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9, SET_VRING_BASE = 10, GET_VRING_BASE = 11, SET_VRING_KICK = 12,
	SET_VRING_CALL = 13, GET_PROTOCOL_FEATURES = 15, SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18, SET_BACKEND_REQ_FD = 21, GET_CONFIG = 24, GET_INFLIGHT_FD = 31,
	SET_INFLIGHT_FD = 32,
};
enum { VERSION = 1, FLAG_REPLY = 4, FLAG_NEED_REPLY = 8, HEADER = 12, PAYLOAD_MAX = 320 };
enum { PF_REPLY_ACK = 3, PF_BACKEND_REQ = 5, PF_CONFIG = 9, PF_INFLIGHT = 12 };
enum { F_PROTOCOL = 30 };
#define PROTOCOL_WANTED (1ULL << PF_REPLY_ACK | 1ULL << PF_CONFIG | 1ULL << PF_INFLIGHT)

/* ---- one message ---- */

struct packet {
	uint32_t head[3]; /* request, flags, size */
	uint8_t payload[PAYLOAD_MAX];
};

static int
packet_send(const struct vhost *h, struct packet *p, const int *fds, unsigned nfds)
{
	size_t len = HEADER + p->head[2];
	ssize_t n;

	if (h->fd < 0)
		return (-ENOTCONN);
	n = fd_send(h->fd, p, len, fds, nfds, 0);
	return (n == (ssize_t)len ? 0 : n < 0 ? (int)n : -EIO);
}

static int
bytes_recv(const struct vhost *h, void *buf, size_t len, int *fd)
{
	for (size_t have = 0; have < len;) {
		int got = -1;
		ssize_t n = fd_recv(h->fd, (uint8_t *)buf + have, len - have, &got, fd != NULL && *fd < 0, 0);

		if (n <= 0)
			return (n == 0 ? -ECONNRESET : n == -EAGAIN ? -ETIMEDOUT : (int)n);
		if (got >= 0)
			*fd = got;
		have += (size_t)n;
	}
	return (0);
}

/* The answer to `request`, exactly `size` bytes of it. */
static int
reply_recv(const struct vhost *h, uint32_t request, void *out, uint32_t size, int *fd)
{
	uint32_t head[3];
	int rc = bytes_recv(h, head, sizeof(head), fd);

	if (rc != 0)
		return (rc);
	if (head[0] != request || (head[1] & FLAG_REPLY) == 0 || head[2] != size)
		return (-EPROTO);
	return (bytes_recv(h, out, size, fd));
}

static void
packet_init(struct packet *p, uint32_t request, uint32_t flags, const void *payload, uint32_t size)
{
	p->head[0] = request;
	p->head[1] = VERSION | flags;
	p->head[2] = size;
	memcpy(p->payload, payload, size);
}

static int
tell(const struct vhost *h, uint32_t request, const void *payload, uint32_t size, const int *fds,
    unsigned nfds)
{
	bool ack = (h->protocol >> PF_REPLY_ACK & 1) != 0;
	struct packet p;
	uint64_t answer = 0;
	int rc;

	packet_init(&p, request, ack ? FLAG_NEED_REPLY : 0, payload, size);
	if ((rc = packet_send(h, &p, fds, nfds)) != 0 || !ack)
		return (rc);
	if ((rc = reply_recv(h, request, &answer, sizeof(answer), NULL)) != 0)
		return (rc);
	return (answer == 0 ? 0 : -EREMOTEIO);
}

/* A request whose answer has the form of the question. */
static int
ask(const struct vhost *h, uint32_t request, void *payload, uint32_t size, int *fd)
{
	struct packet p;
	int rc;

	packet_init(&p, request, 0, payload, size);
	if ((rc = packet_send(h, &p, NULL, 0)) != 0)
		return (rc);
	return (reply_recv(h, request, payload, size, fd));
}

static int
ask_u64(const struct vhost *h, uint32_t request, uint64_t *v)
{
	struct packet p;
	int rc;

	packet_init(&p, request, 0, "", 0);
	if ((rc = packet_send(h, &p, NULL, 0)) != 0)
		return (rc);
	return (reply_recv(h, request, v, sizeof(*v), NULL));
}

static int
tell_u64(const struct vhost *h, uint32_t request, uint64_t v, int fd)
{
	return (tell(h, request, &v, sizeof(v), &fd, fd >= 0));
}

static int
tell_state(const struct vhost *h, uint32_t request, unsigned index, uint32_t num)
{
	uint32_t st[2] = {index, num};

	return (tell(h, request, st, sizeof(st), NULL, 0));
}

/* ---- the connection ---- */

static int
agree(struct vhost *h, struct err *e)
{
	uint64_t offered = 0;
	int rc;

	if ((rc = ask_u64(h, GET_FEATURES, &h->features)) != 0)
		return (err_rc(e, rc, "the disk's server does not answer"));
	if ((h->features >> F_PROTOCOL & 1) == 0)
		return (err_set(e, EPROTO, "the disk's server has no protocol features"));
	if ((rc = ask_u64(h, GET_PROTOCOL_FEATURES, &offered)) != 0)
		return (err_rc(e, rc, "the disk's server"));
	if ((offered & PROTOCOL_WANTED) != PROTOCOL_WANTED)
		return (err_set(e, EPROTO,
		    "the disk's server lacks configuration, replies or in-flight tracking"));
	offered &= PROTOCOL_WANTED | 1ULL << PF_BACKEND_REQ;
	if ((rc = tell_u64(h, SET_PROTOCOL_FEATURES, offered, -1)) == 0) {
		h->protocol = offered;
		rc = tell(h, SET_OWNER, "", 0, NULL, 0);
	}
	return (rc == 0 ? 0 : err_rc(e, rc, "the disk's server"));
}

struct mem_region {
	uint64_t guest, size, user, offset;
};

static int
hand_memory(const struct vhost *h, const struct gmem *mem)
{
	struct {
		uint32_t n, pad;
		struct mem_region r[GMEM_MAX_REGIONS];
	} t = {0};
	int fds[GMEM_MAX_REGIONS];
	unsigned n;
	const struct gmem_region *r = gmem_regions(mem, &n);

	for (unsigned i = 0; i < n; i++) {
		if (r[i].rom)
			continue;
		fds[t.n] = gmem_fd(mem);
		t.r[t.n++] = (struct mem_region){r[i].gpa, r[i].size, (uintptr_t)r[i].hva,
		    r[i].fd_offset};
	}
	return (tell(h, SET_MEM_TABLE, &t, 8 + t.n * (uint32_t)sizeof(t.r[0]), fds, t.n));
}

/* The channel for "the configuration changed"; a server without it never changes. */
static int
open_backend(struct vhost *h)
{
	int s[2], rc;

	if ((h->protocol >> PF_BACKEND_REQ & 1) == 0)
		return (0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s) != 0)
		return (-errno);
	h->backend_fd = s[0];
	rc = tell(h, SET_BACKEND_REQ_FD, "", 0, &s[1], 1);
	(void)close(s[1]);
	return (rc);
}

int
vhost_open(struct vhost *h, int fd, const struct gmem *mem, struct err *e)
{
	const struct timeval wait = {VHOST_WAIT_MS / 1000, 0};
	int rc;

	*h = (struct vhost){.fd = fd, .backend_fd = -1};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if ((rc = agree(h, e)) == 0 &&
	    ((rc = hand_memory(h, mem)) != 0 || (rc = open_backend(h)) != 0))
		rc = err_rc(e, rc, "the disk's server refused the guest's memory");
	if (rc != 0)
		vhost_close(h);
	return (rc);
}

void
vhost_close(struct vhost *h)
{
	if (h->fd >= 0)
		(void)close(h->fd);
	if (h->backend_fd >= 0)
		(void)close(h->backend_fd);
	h->fd = h->backend_fd = -1;
}

int
vhost_get_config(struct vhost *h, uint8_t config[VHOST_CONFIG])
{
	struct {
		uint32_t offset, size, flags;
		uint8_t bytes[VHOST_CONFIG];
	} m = {.size = VHOST_CONFIG};
	int rc = ask(h, GET_CONFIG, &m, sizeof(m), NULL);

	if (rc == 0 && (m.offset != 0 || m.size != VHOST_CONFIG))
		rc = -EPROTO;
	if (rc == 0)
		memcpy(config, m.bytes, VHOST_CONFIG);
	return (rc);
}

/* ---- rings ---- */

struct inflight_msg {
	uint64_t bytes, offset;
	uint16_t queues, queue_size;
} __attribute__((packed));
_Static_assert(sizeof(struct inflight_msg) == 20, "wire");

static int
inflight_get(const struct vhost *h, uint16_t queue_size, struct vhost_inflight *in)
{
	struct inflight_msg m = {.queues = 1, .queue_size = queue_size};
	int fd = -1, rc = ask(h, GET_INFLIGHT_FD, &m, sizeof(m), &fd);

	if (rc == 0 && fd < 0)
		rc = -EPROTO;
	if (rc != 0)
		return (rc);
	if (in->fd >= 0)
		(void)close(in->fd);
	*in = (struct vhost_inflight){fd, m.bytes, m.offset, 1, queue_size};
	return (0);
}

static int
inflight_hand(const struct vhost *h, const struct vhost_inflight *in)
{
	struct inflight_msg m = {in->bytes, in->offset, in->queues, in->queue_size};

	return (tell(h, SET_INFLIGHT_FD, &m, sizeof(m), &in->fd, 1));
}

static uint64_t
user_address(const struct gmem *mem, uint64_t gpa)
{
	return ((uintptr_t)gmem_ptr(mem, gpa, 1));
}

static int
ring_address(const struct vhost *h, const struct gmem *mem, const struct vhost_ring *r)
{
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = {r->index, 0, user_address(mem, r->state->desc), user_address(mem, r->state->used),
	    user_address(mem, r->state->avail), 0};

	return (tell(h, SET_VRING_ADDR, &a, sizeof(a), NULL, 0));
}

int
vhost_start(struct vhost *h, uint64_t features, const struct gmem *mem,
    const struct vhost_ring *r, struct vhost_inflight *in, bool resume)
{
	int rc;

	if ((rc = tell_u64(h, SET_FEATURES, (features & h->features) | 1ULL << F_PROTOCOL, -1)) != 0 ||
	    (rc = resume ? inflight_hand(h, in) : inflight_get(h, r->state->size, in)) != 0 ||
	    (rc = tell_state(h, SET_VRING_NUM, r->index, r->state->size)) != 0 ||
	    (rc = ring_address(h, mem, r)) != 0 ||
	    (rc = tell_state(h, SET_VRING_BASE, r->index, r->state->last_avail)) != 0 ||
	    (rc = tell_u64(h, SET_VRING_CALL, r->index, r->call_fd)) != 0 ||
	    (rc = tell_u64(h, SET_VRING_KICK, r->index, r->kick_fd)) != 0)
		return (rc);
	return (tell_state(h, SET_VRING_ENABLE, r->index, 1));
}

int
vhost_stop(struct vhost *h, unsigned index, uint16_t *last_avail)
{
	uint32_t st[2] = {index, 0};
	int rc = ask(h, GET_VRING_BASE, st, sizeof(st), NULL);

	if (rc == 0)
		*last_avail = (uint16_t)st[1];
	return (rc);
}
