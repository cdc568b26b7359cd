/* SPDX-License-Identifier: MIT */
/*
 * A small netlink client: build a message, send it, walk the answers.
 *
 * Requests are built in a fixed buffer inside struct nlmsg_buf; overflow is remembered and
 * reported by nl_call, so that callers need not check every attribute.
 */
#ifndef SMARTBOX_CORE_NETLINK_H
#define SMARTBOX_CORE_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct nl_sock; /* one per network namespace and thread */

struct nlmsg_buf {
	union {
		struct nlmsghdr hdr;
		char bytes[8192];
	} u;
	size_t len;
	int overflow;
};

int nl_open(int protocol, struct nl_sock **out, struct err *e); /* in the caller's netns */
void nl_close(struct nl_sock *s);
int nl_fd(const struct nl_sock *s);

void nl_begin(struct nlmsg_buf *m, int type, int flags, const void *fixed, size_t fixed_len);
void nl_attr(struct nlmsg_buf *m, int type, const void *data, size_t len);
void nl_attr_str(struct nlmsg_buf *m, int type, const char *s);
void nl_attr_u8(struct nlmsg_buf *m, int type, uint8_t v);
void nl_attr_u16(struct nlmsg_buf *m, int type, uint16_t v);
void nl_attr_u32(struct nlmsg_buf *m, int type, uint32_t v);
size_t nl_nest(struct nlmsg_buf *m, int type);
void nl_nest_end(struct nlmsg_buf *m, size_t at);

/* One answer of a dump or reply; a negative return ends the walk and is passed on. */
typedef int nl_fn(const struct nlmsghdr *h, void *arg);

/*
 * Send and wait for the ack or the end of the dump.  -errno of the kernel, with its extended-ack
 * sentence when it gives one.  fn may be NULL.
 */
int nl_call(struct nl_sock *s, struct nlmsg_buf *m, nl_fn *fn, void *arg, struct err *e);

/* Index attributes of type < max into tb (missing: NULL); nested bits masked. */
void nl_parse(const struct rtattr **tb, int max, const struct rtattr *first, size_t len);

#endif
