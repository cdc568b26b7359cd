/* SPDX-License-Identifier: MIT */
/* Addresses and routes of a network namespace, over rtnetlink. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_impl.h"
#include "smartbox/core/units.h"

struct ip_prefix {
	int family;
	size_t len; /* of addr, bytes */
	unsigned bits;
	unsigned char addr[16];
};

static int
parse_ip(const char *s, struct ip_prefix *p, struct err *e)
{
	p->family = strchr(s, ':') != NULL ? AF_INET6 : AF_INET;
	p->len = p->family == AF_INET6 ? 16 : 4;
	p->bits = (unsigned)p->len * 8;
	if (inet_pton(p->family, s, p->addr) != 1)
		return (err_set(e, EINVAL, "'%s' is not an IP address", s));
	return (0);
}

/* "10.0.0.5/24", "fd00::1/64"; without a length the whole address. */
static int
parse_cidr(const char *s, struct ip_prefix *p, struct err *e)
{
	char text[INET6_ADDRSTRLEN + 4];
	uint64_t bits;
	char *slash;
	int rc;

	if (snprintf(text, sizeof(text), "%s", s) >= (int)sizeof(text))
		return (err_set(e, EINVAL, "'%s' is not an IP address", s));
	if ((slash = strchr(text, '/')) != NULL)
		*slash++ = '\0';
	if ((rc = parse_ip(text, p, e)) != 0 || slash == NULL)
		return (rc);
	if ((rc = units_parse_u64(slash, 0, p->bits, &bits, e)) != 0)
		return (err_wrap(e, "prefix length of '%s'", s));
	p->bits = (unsigned)bits;
	return (0);
}

static int
take_index(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = (const struct ifinfomsg *)NLMSG_DATA(h);

	if (h->nlmsg_type == RTM_NEWLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*ifi)))
		*(int *)arg = ifi->ifi_index;
	return (0);
}

/* Asked of the socket's namespace: if_nametoindex would ask ours. */
static int
find_index(struct nl_sock *s, const char *dev, int *index, struct err *e)
{
	struct nlmsg_buf m;
	int rc;

	*index = 0;
	rt_begin_index(&m, RTM_GETLINK, 0);
	nl_attr_str(&m, IFLA_IFNAME, dev);
	rc = nl_call(s, &m, take_index, index, e);
	if (rc == 0 && *index == 0)
		rc = -ENODEV;
	return (rc == -ENODEV ? err_set(e, ENODEV, "link '%s' does not exist", dev) : rc);
}

static void
put_broadcast(struct nlmsg_buf *m, const struct ip_prefix *p)
{
	uint32_t a;

	if (p->family != AF_INET || p->bits > 30)
		return;
	memcpy(&a, p->addr, sizeof(a));
	a |= htonl(p->bits == 0 ? 0xffffffffu : (1u << (32 - p->bits)) - 1);
	nl_attr(m, IFA_BROADCAST, &a, sizeof(a));
}

int
addr_add(int netns, const char *dev, const char *cidr, struct err *e)
{
	struct ifaddrmsg ifa = {0};
	struct ip_prefix p;
	struct nlmsg_buf m;
	struct nl_sock *s;
	int rc, index;

	if ((rc = parse_cidr(cidr, &p, e)) != 0 || (rc = rt_open(netns, &s, e)) != 0)
		return (rc);
	if ((rc = find_index(s, dev, &index, e)) == 0) {
		ifa.ifa_family = (unsigned char)p.family;
		ifa.ifa_prefixlen = (unsigned char)p.bits;
		ifa.ifa_index = (unsigned)index;
		nl_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &ifa, sizeof(ifa));
		nl_attr(&m, IFA_LOCAL, p.addr, p.len);
		nl_attr(&m, IFA_ADDRESS, p.addr, p.len);
		put_broadcast(&m, &p);
		if ((rc = nl_call(s, &m, NULL, NULL, e)) != 0)
			rc = err_wrap(e, "address %s on link '%s'", cidr, dev);
	}
	nl_close(s);
	return (rc);
}

int
addr_up(int netns, const char *dev, struct err *e)
{
	struct nl_sock *s;
	int rc, index;

	if ((rc = rt_open(netns, &s, e)) != 0)
		return (rc);
	if ((rc = find_index(s, dev, &index, e)) == 0)
		rc = rt_set_up(s, index, true, e);
	nl_close(s);
	return (rc);
}

static int
parse_route(const char *cidr, const char *gateway, struct ip_prefix *dst, struct ip_prefix *gw,
    struct err *e)
{
	int rc = parse_ip(gateway, gw, e);

	if (rc != 0)
		return (rc);
	*dst = (struct ip_prefix){.family = gw->family};
	if (cidr != NULL && (rc = parse_cidr(cidr, dst, e)) != 0)
		return (rc);
	if (dst->family != gw->family)
		return (err_set(e, EINVAL, "route %s and gateway %s are of different families", cidr,
		    gateway));
	return (0);
}

int
route_add(int netns, const char *cidr, const char *gateway, struct err *e)
{
	struct rtmsg r = {.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
	struct ip_prefix dst, gw;
	struct nlmsg_buf m;
	struct nl_sock *s;
	int rc;

	if ((rc = parse_route(cidr, gateway, &dst, &gw, e)) != 0 ||
	    (rc = rt_open(netns, &s, e)) != 0)
		return (rc);
	r.rtm_family = (unsigned char)gw.family;
	r.rtm_dst_len = (unsigned char)dst.bits;
	nl_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &r, sizeof(r));
	if (dst.bits != 0)
		nl_attr(&m, RTA_DST, dst.addr, dst.len);
	nl_attr(&m, RTA_GATEWAY, gw.addr, gw.len);
	if ((rc = nl_call(s, &m, NULL, NULL, e)) != 0)
		rc = err_wrap(e, "route %s via %s", cidr != NULL ? cidr : "default", gateway);
	nl_close(s);
	return (rc);
}
