/* SPDX-License-Identifier: MIT */
/* The handful of rtnetlink requests on devices that everything in net/ is made of. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "net_impl.h"

/*
 * A socket belongs to the namespace where it was made: step in, make it, step back.  Only this
 * thread moves.
 */
int
rt_open(int netns, struct nl_sock **out, struct err *e)
{
	int here, rc;

	if (netns < 0)
		return (nl_open(NETLINK_ROUTE, out, e));
	if ((here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "own network namespace"));
	if (setns(netns, CLONE_NEWNET) != 0) {
		rc = err_sys(e, errno, "cannot enter network namespace");
		(void)close(here);
		return (rc);
	}
	rc = nl_open(NETLINK_ROUTE, out, e);
	if (setns(here, CLONE_NEWNET) != 0 && rc == 0) {
		nl_close(*out);
		rc = err_sys(e, errno, "cannot leave network namespace");
	}
	(void)close(here);
	return (rc);
}

void
rt_begin_new(struct nlmsg_buf *m, const char *name, const char *alias)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};

	nl_begin(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	nl_attr_str(m, IFLA_IFNAME, name);
	if (alias != NULL)
		nl_attr(m, IFLA_IFALIAS, alias, strlen(alias));
}

void
rt_begin_index(struct nlmsg_buf *m, int type, int index)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	nl_begin(m, type, 0, &ifi, sizeof(ifi));
}

int
rt_set_master(struct nl_sock *s, int index, int master, struct err *e)
{
	struct nlmsg_buf m;

	rt_begin_index(&m, RTM_NEWLINK, index);
	nl_attr_u32(&m, IFLA_MASTER, (uint32_t)master);
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_set_up(struct nl_sock *s, int index, bool up, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index,
		.ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP};
	struct nlmsg_buf m;

	nl_begin(&m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_set_mtu(struct nl_sock *s, int index, uint32_t mtu, struct err *e)
{
	struct nlmsg_buf m;

	rt_begin_index(&m, RTM_NEWLINK, index);
	nl_attr_u32(&m, IFLA_MTU, mtu);
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_set_name(struct nl_sock *s, int index, const char *name, struct err *e)
{
	struct nlmsg_buf m;

	rt_begin_index(&m, RTM_NEWLINK, index);
	nl_attr_str(&m, IFLA_IFNAME, name);
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_set_alias(struct nl_sock *s, int index, const char *alias, struct err *e)
{
	struct nlmsg_buf m;

	rt_begin_index(&m, RTM_NEWLINK, index);
	nl_attr(&m, IFLA_IFALIAS, alias, strlen(alias));
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_delete(struct nl_sock *s, int index, struct err *e)
{
	struct nlmsg_buf m;

	rt_begin_index(&m, RTM_DELLINK, index);
	return (nl_call(s, &m, NULL, NULL, e));
}

int
rt_index(const char *dev, struct err *e)
{
	unsigned i = if_nametoindex(dev);

	return (i != 0 ? (int)i : err_set(e, ENODEV, "link '%s' does not exist", dev));
}
