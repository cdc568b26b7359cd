/* SPDX-License-Identifier: MIT */
/*
 * Etherstubs and bridges: Linux bridges that know what they are.
 *
 * An etherstub is a switch in the air: multicast snooping and spanning tree off, so that it
 * forwards from the first frame on.  Port VLANs use the bridge's own filtering: the zone's side of
 * a port is untagged, its frames carry the vid inside the bridge, and an uplink port carries the
 * tag on the wire.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "net_impl.h"

enum { CENTISECONDS = 100, MTU_DEFAULT = 1500 };

static void
put_bridge_data(struct nlmsg_buf *m, const struct bridge_spec *s, bool is_stub)
{
	size_t info = nl_nest(m, IFLA_LINKINFO), data;

	nl_attr_str(m, IFLA_INFO_KIND, "bridge");
	data = nl_nest(m, IFLA_INFO_DATA);
	nl_attr_u32(m, IFLA_BR_STP_STATE, s->stp);
	if (is_stub || !s->stp)
		nl_attr_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	else if (s->delay != 0)
		nl_attr_u32(m, IFLA_BR_FORWARD_DELAY, s->delay * CENTISECONDS);
	if (s->hello != 0)
		nl_attr_u32(m, IFLA_BR_HELLO_TIME, s->hello * CENTISECONDS);
	if (s->max_age != 0)
		nl_attr_u32(m, IFLA_BR_MAX_AGE, s->max_age * CENTISECONDS);
	if (s->priority != 0)
		nl_attr_u16(m, IFLA_BR_PRIORITY, (uint16_t)s->priority);
	nl_nest_end(m, data);
	nl_nest_end(m, info);
}

/* No IPv6 link-local of the host's on a stub: nobody lives there.  Without IPv6 there is nothing. */
static void
forbid_addresses(struct nl_sock *s, int index)
{
	struct nlmsg_buf m;
	size_t spec, inet6;

	rt_begin_index(&m, RTM_NEWLINK, index);
	spec = nl_nest(&m, IFLA_AF_SPEC);
	inet6 = nl_nest(&m, AF_INET6);
	nl_attr_u8(&m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(&m, inet6);
	nl_nest_end(&m, spec);
	(void)nl_call(s, &m, NULL, NULL, NULL);
}

static int
make_bridge(struct nl_sock *s, const struct bridge_spec *spec, enum link_class class, struct err *e)
{
	struct link l = {.class = class, .mac_is_random = true};
	char alias[256];
	struct nlmsg_buf m;
	int rc, index;

	(void)snprintf(l.name, sizeof(l.name), "%s", spec->name);
	mac_random(&l.mac); /* fixed: else it would follow its members */
	link_alias(alias, sizeof(alias), &l);
	rt_begin_new(&m, spec->name, alias);
	nl_attr(&m, IFLA_ADDRESS, l.mac.b, sizeof(l.mac.b));
	put_bridge_data(&m, spec, class == LINK_ETHERSTUB);
	rc = nl_call(s, &m, NULL, NULL, e);
	if (rc == -EEXIST)
		return (err_set(e, EEXIST, "link '%s' already exists", spec->name));
	if (rc == -EOPNOTSUPP)
		return (err_set(e, EOPNOTSUPP, "this kernel has no bridges (CONFIG_BRIDGE)"));
	if (rc != 0)
		return (rc);
	if ((index = rt_index(spec->name, e)) < 0)
		return (index);
	if ((rc = rt_set_alias(s, index, alias, e)) != 0)
		return (rc);
	if (class == LINK_ETHERSTUB)
		forbid_addresses(s, index);
	/* Once changed by hand it stays, else it would follow the smallest port; so change it twice. */
	if ((rc = rt_set_mtu(s, index, MTU_DEFAULT + 1, e)) != 0 ||
	    (rc = rt_set_mtu(s, index, MTU_DEFAULT, e)) != 0)
		return (rc);
	return (rt_set_up(s, index, true, e));
}

int
etherstub_create(const char *name, struct err *e)
{
	struct bridge_spec spec = {.name = name};
	struct nl_sock *s;
	int rc;

	if ((rc = link_check_name(name, false, e)) != 0 || (rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	rc = make_bridge(s, &spec, LINK_ETHERSTUB, e);
	nl_close(s);
	return (rc);
}

/* The link of that name and class, or an error that says what is there instead. */
static int
find_class(const struct link_list *all, const char *name, enum link_class class,
    const struct link **out, struct err *e)
{
	const struct link *l = link_find(all, NULL, name);

	if (l == NULL)
		return (err_set(e, ENODEV, "link '%s' does not exist", name));
	if (l->class != class)
		return (err_set(e, EINVAL, "link '%s' is of class %s, not %s", name,
		    link_class_name(l->class), link_class_name(class)));
	*out = l;
	return (0);
}

static int
delete_class(const char *name, enum link_class class, struct err *e)
{
	struct link_list all = {NULL, 0};
	const struct link *l;
	struct nl_sock *s = NULL;
	int rc;

	if ((rc = link_list(&all, e)) != 0)
		return (rc);
	if ((rc = find_class(&all, name, class, &l, e)) != 0)
		goto out;
	for (size_t i = 0; i < all.n && class == LINK_ETHERSTUB; i++)
		if (all.v[i].master == l->ifindex) {
			rc = err_set(e, EBUSY, "link '%s' is used by %s '%s'", name,
			    link_class_name(all.v[i].class), all.v[i].name);
			goto out;
		}
	if ((rc = rt_open(-1, &s, e)) == 0)
		rc = rt_delete(s, l->ifindex, e);
out:
	nl_close(s);
	link_list_free(&all);
	return (rc);
}

int
etherstub_delete(const char *name, struct err *e)
{
	return (delete_class(name, LINK_ETHERSTUB, e));
}

int
bridge_delete(const char *name, struct err *e)
{
	return (delete_class(name, LINK_BRIDGE, e));
}

static int
join(struct nl_sock *s, const struct link_list *all, const struct link *bridge, const char *member,
    struct err *e)
{
	const struct link *l = link_find(all, NULL, member);

	if (l == NULL)
		return (err_set(e, ENODEV, "link '%s' does not exist", member));
	if (l->class != LINK_PHYS && l->class != LINK_AGGR && l->class != LINK_ETHERSTUB)
		return (err_set(e, EINVAL, "link '%s' of class %s cannot be a bridge's member",
		    member, link_class_name(l->class)));
	if (l->master == bridge->ifindex)
		return (err_set(e, EEXIST, "link '%s' is a member already", member));
	if (l->master != 0)
		return (err_set(e, EBUSY, "link '%s' is in another bridge", member));
	int rc = rt_set_master(s, l->ifindex, bridge->ifindex, e);

	return (rc != 0 ? rc : rt_set_up(s, l->ifindex, true, e));
}

int
bridge_create(const struct bridge_spec *spec, struct err *e)
{
	struct link_list all = {NULL, 0};
	const struct link *l;
	struct nl_sock *s;
	int rc;

	if ((rc = link_check_name(spec->name, true, e)) != 0 || (rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = make_bridge(s, spec, LINK_BRIDGE, e)) != 0 || (rc = link_list(&all, e)) != 0) {
		nl_close(s);
		return (rc);
	}
	l = link_find(&all, NULL, spec->name);
	if (l == NULL)
		rc = err_set(e, ENODEV, "bridge '%s' vanished", spec->name);
	for (const char *const *m = spec->member; rc == 0 && m != NULL && *m != NULL; m++)
		rc = join(s, &all, l, *m, e);
	if (rc != 0 && l != NULL)
		(void)rt_delete(s, l->ifindex, NULL);
	link_list_free(&all);
	nl_close(s);
	return (rc);
}

int
bridge_add(const char *bridge, const char *member, struct err *e)
{
	struct link_list all;
	const struct link *b;
	struct nl_sock *s;
	int rc;

	if ((rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = link_list(&all, e)) == 0) {
		if ((rc = find_class(&all, bridge, LINK_BRIDGE, &b, e)) == 0)
			rc = join(s, &all, b, member, e);
		link_list_free(&all);
	}
	nl_close(s);
	return (rc);
}

int
bridge_remove(const char *bridge, const char *member, struct err *e)
{
	struct link_list all;
	const struct link *b, *l;
	struct nl_sock *s;
	int rc;

	if ((rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = link_list(&all, e)) == 0) {
		if ((rc = find_class(&all, bridge, LINK_BRIDGE, &b, e)) == 0) {
			l = link_find(&all, NULL, member);
			if (l == NULL || l->master != b->ifindex)
				rc = err_set(e, ENODEV, "link '%s' is not a member of bridge '%s'",
				    member, bridge);
			else
				rc = rt_set_master(s, l->ifindex, 0, e);
		}
		link_list_free(&all);
	}
	nl_close(s);
	return (rc);
}

static int
set_filtering(struct nl_sock *s, int bridge, struct err *e)
{
	struct nlmsg_buf m;
	size_t info, data;
	int rc;

	rt_begin_index(&m, RTM_NEWLINK, bridge);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_attr_str(&m, IFLA_INFO_KIND, "bridge");
	data = nl_nest(&m, IFLA_INFO_DATA);
	nl_attr_u8(&m, IFLA_BR_VLAN_FILTERING, 1);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	rc = nl_call(s, &m, NULL, NULL, e);
	if (rc == -EOPNOTSUPP)
		return (err_set(e, EOPNOTSUPP,
		    "this kernel has no VLANs on bridges (CONFIG_BRIDGE_VLAN_FILTERING)"));
	return (rc);
}

static int
port_vlan(struct nl_sock *s, int type, int port, unsigned vid, unsigned flags, struct err *e)
{
	struct bridge_vlan_info vi = {.flags = (uint16_t)flags, .vid = (uint16_t)vid};
	struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = port};
	struct nlmsg_buf m;
	size_t spec;

	nl_begin(&m, type, 0, &ifi, sizeof(ifi));
	spec = nl_nest(&m, IFLA_AF_SPEC);
	nl_attr(&m, IFLA_BRIDGE_VLAN_INFO, &vi, sizeof(vi));
	nl_nest_end(&m, spec);
	return (nl_call(s, &m, NULL, NULL, e));
}

int
bridge_port_vlan(struct nl_sock *s, int bridge, int port, unsigned vid, struct err *e)
{
	struct link_list all;
	int rc;

	if ((rc = set_filtering(s, bridge, e)) != 0 || (rc = link_list(&all, e)) != 0)
		return (rc);
	rc = port_vlan(s, RTM_SETLINK, port, vid, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED,
	    e);
	if (rc == 0)
		(void)port_vlan(s, RTM_DELLINK, port, 1, 0, NULL); /* the default VLAN */
	/* Ports that are not vnics lead outside: there the tag is on the wire. */
	for (size_t i = 0; i < all.n && rc == 0; i++)
		if (all.v[i].master == bridge && all.v[i].class != LINK_VNIC)
			rc = port_vlan(s, RTM_SETLINK, all.v[i].ifindex, vid, 0, e);
	link_list_free(&all);
	return (rc);
}
