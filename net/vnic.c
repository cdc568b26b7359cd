/* SPDX-License-Identifier: MIT */
/*
 * Vnics: veth pairs whose far end is the vnic and whose near end, the port, is ours.
 *
 * One request makes both ends, the vnic already in its zone's namespace and under its final name;
 * so there is no moment at which it could be seen elsewhere.  Then the port joins the bridge.  When
 * the zone's namespace goes, the kernel deletes the vnic and with it the port.
 *
 * A crash in between leaves a port that is on no bridge; it carries nothing and vnic_delete_zone()
 * or the next create of that name removes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net_impl.h"

static void
fill_port(struct link *port, const struct vnic_spec *v, const struct link *lower)
{
	memset(port, 0, sizeof(*port));
	port->class = LINK_VNIC;
	(void)snprintf(port->name, sizeof(port->name), "%s", v->name);
	(void)snprintf(port->over, sizeof(port->over), "%s", v->over);
	(void)snprintf(port->zone, sizeof(port->zone), "%s", v->zone != NULL ? v->zone : "");
	port->vid = v->vid;
	port->maxbw = v->maxbw;
	port->mtu = v->mtu != 0 ? v->mtu : lower->mtu;
	port->mac_is_random = v->mac == NULL || v->mac_is_random;
	if (v->mac != NULL)
		port->mac = *v->mac;
	else
		mac_random(&port->mac);
	if (v->zone != NULL)
		(void)snprintf(port->dev, sizeof(port->dev), "z%d_%.10s", v->zone_id, v->name);
	else
		(void)snprintf(port->dev, sizeof(port->dev), "%.14s~", v->name);
}

/* The far end, nested: an ifinfomsg and its attributes. */
static void
put_peer(struct nlmsg_buf *m, const struct vnic_spec *v, const struct link *port)
{
	static const char hidden[] = "smartbox class=internal";
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	size_t peer = nl_nest(m, VETH_INFO_PEER), at = m->len;

	/* nl_attr pads and heads its data; the fixed part has no header, so write over one. */
	nl_attr(m, 0, &ifi.ifi_change, sizeof(ifi) - sizeof(struct rtattr));
	if (!m->overflow)
		memcpy(m->u.bytes + at, &ifi, sizeof(ifi));
	nl_attr_str(m, IFLA_IFNAME, v->name);
	nl_attr(m, IFLA_ADDRESS, port->mac.b, sizeof(port->mac.b));
	nl_attr_u32(m, IFLA_MTU, port->mtu);
	nl_attr(m, IFLA_IFALIAS, hidden, sizeof(hidden) - 1);
	if (v->netns >= 0)
		nl_attr_u32(m, IFLA_NET_NS_FD, (uint32_t)v->netns);
	nl_nest_end(m, peer);
}

static int
create_pair(struct nl_sock *s, const struct vnic_spec *v, struct link *port, struct err *e)
{
	struct nlmsg_buf m;
	size_t info, data;
	int rc;

	rt_begin_new(&m, port->dev, NULL);
	nl_attr_u32(&m, IFLA_MTU, port->mtu);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_attr_str(&m, IFLA_INFO_KIND, "veth");
	data = nl_nest(&m, IFLA_INFO_DATA);
	put_peer(&m, v, port);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	rc = nl_call(s, &m, NULL, NULL, e);
	if (rc == -EOPNOTSUPP)
		return (err_set(e, EOPNOTSUPP, "this kernel has no veth (CONFIG_VETH)"));
	if (rc == -EEXIST)
		return (err_set(e, EEXIST, "link '%s' already exists", v->name));
	if (rc != 0)
		return (rc);
	port->ifindex = rt_index(port->dev, e);
	return (port->ifindex < 0 ? port->ifindex : 0);
}

/* In our own namespace the far end is a device of ours: hide it from listings. */
static int
hide_far_end(struct nl_sock *s, const struct vnic_spec *v, struct err *e)
{
	int index;

	if (v->netns >= 0)
		return (0);
	if ((index = rt_index(v->name, e)) < 0)
		return (index);
	return (rt_set_alias(s, index, "smartbox class=internal", e));
}

static int
plug(struct nl_sock *s, const struct vnic_spec *v, struct link *port, int bridge, struct err *e)
{
	char alias[256];
	int rc;

	link_alias(alias, sizeof(alias), port);
	if ((rc = rt_set_alias(s, port->ifindex, alias, e)) != 0 ||
	    (rc = rt_set_master(s, port->ifindex, bridge, e)) != 0)
		return (rc);
	if (v->vid != 0 && (rc = bridge_port_vlan(s, bridge, port->ifindex, v->vid, e)) != 0)
		return (rc);
	if (v->maxbw != 0 && (rc = shape_set(s, port, v->maxbw, e)) != 0)
		return (rc);
	return (rt_set_up(s, port->ifindex, true, e));
}

static int
check_spec(const struct vnic_spec *v, const struct link_list *all, const struct link **lower,
    struct err *e)
{
	int rc = link_check_name(v->name, false, e);

	if (rc != 0)
		return (rc);
	if (v->vid > 4094)
		return (err_set(e, EINVAL, "VLAN id %u is not within 1 to 4094", v->vid));
	if (link_find(all, v->zone, v->name) != NULL)
		return (err_set(e, EEXIST, "link '%s' already exists", v->name));
	if ((*lower = link_find(all, NULL, v->over)) == NULL)
		return (err_set(e, ENODEV, "link '%s' does not exist", v->over));
	if (v->mtu != 0 && (v->mtu < 68 || v->mtu > (*lower)->mtu))
		return (err_set(e, ERANGE, "mtu %u is not within 68 to %u, that of link '%s'",
		    v->mtu, (*lower)->mtu, v->over));
	return (0);
}

/*
 * The port alone, a tap: what a virtual machine sends is read from the descriptor.  It goes with its
 * last descriptor.  Frames have a virtio_net header of 12 bytes.
 */
static int
create_tap(struct nl_sock *s, struct link *port, int *out, struct err *e)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), header = 12, rc = 0;

	if (fd < 0)
		return (err_set(e, errno, "/dev/net/tun: %s (the kernel's module tun is needed)",
		    strerror(errno)));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", port->dev);
	if (ioctl(fd, TUNSETIFF, &ifr) != 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) != 0)
		rc = err_sys(e, errno, "tap '%s'", port->dev);
	else if ((port->ifindex = rt_index(port->dev, e)) < 0)
		rc = port->ifindex;
	else
		rc = rt_set_mtu(s, port->ifindex, port->mtu, e);
	if (rc != 0)
		(void)close(fd);
	else
		*out = fd;
	return (rc);
}

static int
create(const struct vnic_spec *v, int *tap, struct err *e)
{
	struct link_list all = {NULL, 0};
	const struct link *lower = NULL;
	struct nl_sock *s = NULL;
	struct link port = {.ifindex = 0};
	int rc, bridge;

	if ((rc = link_list(&all, e)) != 0)
		return (rc);
	if ((rc = check_spec(v, &all, &lower, e)) != 0 || (rc = rt_open(-1, &s, e)) != 0 ||
	    (rc = uplink_bridge(s, &all, lower, &bridge, e)) != 0)
		goto out;
	fill_port(&port, v, lower);
	rc = tap != NULL ? create_tap(s, &port, tap, e) : create_pair(s, v, &port, e);
	if (rc != 0)
		goto out;
	if ((tap == NULL && (rc = hide_far_end(s, v, e)) != 0) ||
	    (rc = plug(s, v, &port, bridge, e)) != 0) {
		(void)rt_delete(s, port.ifindex, NULL);
		if (tap != NULL)
			(void)close(*tap);
	}
out:
	nl_close(s);
	link_list_free(&all);
	return (rc);
}

int
vnic_create(const struct vnic_spec *v, struct err *e)
{
	return (create(v, NULL, e));
}

int
vnic_create_tap(const struct vnic_spec *v, int *fd, struct err *e)
{
	return (create(v, fd, e));
}

static int
delete_port(struct nl_sock *s, const struct link *port, struct err *e)
{
	shape_clear(s, port);
	return (rt_delete(s, port->ifindex, e));
}

int
vnic_delete(const char *zone, const char *name, struct err *e)
{
	struct link_list all;
	const struct link *l;
	struct nl_sock *s;
	int rc;

	if ((rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = link_list(&all, e)) == 0) {
		if ((l = link_find(&all, zone, name)) == NULL)
			rc = err_set(e, ENODEV, "link '%s' does not exist", name);
		else if (l->class != LINK_VNIC)
			rc = err_set(e, EINVAL, "link '%s' is of class %s, not vnic", name,
			    link_class_name(l->class));
		else
			rc = delete_port(s, l, e);
		link_list_free(&all);
	}
	nl_close(s);
	return (rc);
}

int
vnic_delete_zone(const char *zone, size_t *n, struct err *e)
{
	struct link_list all;
	struct nl_sock *s;
	size_t count = 0;
	int rc, one;

	if ((rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = link_list(&all, e)) == 0) {
		for (size_t i = 0; i < all.n; i++) {
			if (all.v[i].class != LINK_VNIC || strcmp(all.v[i].zone, zone) != 0)
				continue;
			/* The namespace may be taking it away this moment. */
			one = delete_port(s, &all.v[i], e);
			if (one != 0 && one != -ENODEV)
				rc = one;
			count++;
		}
		link_list_free(&all);
	}
	nl_close(s);
	if (n != NULL)
		*n = count;
	return (rc);
}
