/* SPDX-License-Identifier: MIT */
/*
 * A small netlink client: requests built in a fixed buffer, answers walked by a callback.
 *
 * The kernel's text is input too: lengths of messages and attributes are checked before use.
 */
#include "smartbox/core/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECV_BYTES = 1 << 16 };

/* Since 4.12 the kernel adds a sentence to its errors; the names are missing in old headers. */
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

struct nl_sock {
	int fd;
	uint32_t seq, port;
	char *buf;
};

int
nl_open(int protocol, struct nl_sock **out, struct err *e)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(sa);
	struct nl_sock *s = calloc(1, sizeof(*s));
	const int one = 1;
	int rc;

	if (s == NULL || (s->buf = malloc(RECV_BYTES)) == NULL) {
		free(s);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&sa, &len) != 0) {
		rc = err_sys(e, errno, "netlink socket");
		nl_close(s);
		return (rc);
	}
	s->port = sa.nl_pid;
	(void)setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*out = s;
	return (0);
}

void
nl_close(struct nl_sock *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->buf);
	free(s);
}

int
nl_fd(const struct nl_sock *s)
{
	return (s->fd);
}

/* Append len bytes and zeros up to a multiple of 4; NULL when the buffer is full. */
static void *
put(struct nlmsg_buf *m, const void *data, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;
	char *p = m->u.bytes + m->len;

	if (padded < len || padded > sizeof(m->u.bytes) - m->len) {
		m->overflow = 1;
		return (NULL);
	}
	memset(p, 0, padded);
	if (data != NULL && len != 0)
		memcpy(p, data, len);
	m->len += padded;
	m->u.hdr.nlmsg_len = (uint32_t)m->len;
	return (p);
}

void
nl_begin(struct nlmsg_buf *m, int type, int flags, const void *fixed, size_t fixed_len)
{
	m->len = 0;
	m->overflow = 0;
	(void)put(m, NULL, sizeof(m->u.hdr));
	m->u.hdr.nlmsg_type = (uint16_t)type;
	m->u.hdr.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	(void)put(m, fixed, fixed_len);
}

void
nl_attr(struct nlmsg_buf *m, int type, const void *data, size_t len)
{
	struct rtattr a = {(unsigned short)(sizeof(a) + len), (unsigned short)type};

	if (len > UINT16_MAX - sizeof(a)) {
		m->overflow = 1;
		return;
	}
	if (put(m, &a, sizeof(a)) != NULL)
		(void)put(m, data, len);
}

void
nl_attr_str(struct nlmsg_buf *m, int type, const char *s)
{
	nl_attr(m, type, s, strlen(s) + 1);
}

void
nl_attr_u8(struct nlmsg_buf *m, int type, uint8_t v)
{
	nl_attr(m, type, &v, sizeof(v));
}

void
nl_attr_u16(struct nlmsg_buf *m, int type, uint16_t v)
{
	nl_attr(m, type, &v, sizeof(v));
}

void
nl_attr_u32(struct nlmsg_buf *m, int type, uint32_t v)
{
	nl_attr(m, type, &v, sizeof(v));
}

size_t
nl_nest(struct nlmsg_buf *m, int type)
{
	size_t at = m->len;

	nl_attr(m, type | NLA_F_NESTED, NULL, 0);
	return (at);
}

void
nl_nest_end(struct nlmsg_buf *m, size_t at)
{
	unsigned short len = (unsigned short)(m->len - at);

	if (!m->overflow)
		memcpy(m->u.bytes + at, &len, sizeof(len));
}

void
nl_parse(const struct rtattr **tb, int max, const struct rtattr *first, size_t len)
{
	const char *p = (const char *)first;

	memset(tb, 0, (size_t)max * sizeof(*tb));
	while (len >= sizeof(struct rtattr)) {
		const struct rtattr *a = (const struct rtattr *)(const void *)p;
		size_t step = (a->rta_len + 3u) & ~3u;
		int type = a->rta_type & NLA_TYPE_MASK;

		if (a->rta_len < sizeof(*a) || a->rta_len > len)
			return;
		if (type < max)
			tb[type] = a;
		if (step >= len)
			return;
		p += step;
		len -= step;
	}
}

/* The extended ack's message, or NULL; it is the kernel's and NUL-terminated if it is well made. */
static const char *
ext_ack_text(const struct nlmsghdr *h)
{
	const struct nlmsgerr *ne = (const struct nlmsgerr *)NLMSG_DATA(h);
	size_t skip = NLMSG_LENGTH(sizeof(*ne));
	const struct rtattr *tb[NLMSGERR_ATTR_MAX + 1], *a;

	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return (NULL);
	if ((h->nlmsg_flags & NLM_F_CAPPED) == 0)
		skip += NLMSG_ALIGN(ne->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (skip >= h->nlmsg_len)
		return (NULL);
	nl_parse(tb, NLMSGERR_ATTR_MAX + 1,
	    (const struct rtattr *)(const void *)((const char *)h + skip), h->nlmsg_len - skip);
	a = tb[NLMSGERR_ATTR_MSG];
	if (a == NULL || memchr(RTA_DATA(a), '\0', RTA_PAYLOAD(a)) == NULL)
		return (NULL);
	return ((const char *)RTA_DATA(a));
}

static int
kernel_error(const struct nlmsghdr *h, struct err *e)
{
	const struct nlmsgerr *ne = (const struct nlmsgerr *)NLMSG_DATA(h);
	const char *text;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*ne)))
		return (err_set(e, EPROTO, "short netlink error message"));
	if (ne->error == 0)
		return (0);
	if ((text = ext_ack_text(h)) != NULL)
		return (err_sys(e, -ne->error, "%s", text));
	return (err_set(e, -ne->error, "%s", strerror(-ne->error)));
}

/* 1: go on receiving; 0 or -errno: the answer is complete. */
static int
handle(const struct nlmsghdr *h, nl_fn *fn, void *arg, struct err *e)
{
	if (h->nlmsg_type == NLMSG_ERROR)
		return (kernel_error(h, e));
	if (h->nlmsg_type == NLMSG_DONE)
		return (0);
	if (fn != NULL) {
		int rc = fn(h, arg);

		if (rc < 0)
			return (err_rc(e, rc, "netlink answer"));
	}
	return (1);
}

static int
receive(struct nl_sock *s, nl_fn *fn, void *arg, struct err *e)
{
	for (;;) {
		ssize_t n = recv(s->fd, s->buf, RECV_BYTES, 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)s->buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (err_sys(e, errno, "netlink receive"));
		for (size_t left = (size_t)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			int rc;

			if (h->nlmsg_seq != s->seq || h->nlmsg_pid != s->port)
				continue;
			if ((rc = handle(h, fn, arg, e)) <= 0)
				return (rc);
		}
	}
}

int
nl_call(struct nl_sock *s, struct nlmsg_buf *m, nl_fn *fn, void *arg, struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (m->overflow)
		return (err_set(e, EMSGSIZE, "netlink request too long"));
	if ((m->u.hdr.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		m->u.hdr.nlmsg_flags |= NLM_F_ACK;
	m->u.hdr.nlmsg_seq = ++s->seq;
	if (sendto(s->fd, m->u.bytes, m->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return (err_sys(e, errno, "netlink send"));
	return (receive(s, fn, arg, e));
}
