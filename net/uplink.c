/* SPDX-License-Identifier: MIT */
/*
 * Uplinks: how a network card carries vnics and the host's own addresses at once.
 *
 * A card cannot be a bridge's port and keep its addresses, and its users know it by name.  So the
 * first vnic over card e0 turns
 *
 *	e0 (card, 10.0.0.5/24, default route)
 * into
 *	e0 (bridge, the same MAC, the same addresses and routes)  <-- port --  e0~ (the card)
 *
 * Nobody else notices but for a moment without link.  Steps: read addresses and routes, take them
 * off; card down, renamed; bridge made under the old name; card joined; both up; all put back.  A
 * failure before the join undoes itself.  The bridge is of class phys: `dladm show-phys` keeps
 * showing e0.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_impl.h"

enum { SAVED_MAX = 128 };

/* Address and route messages as the kernel dumped them, to be sent back. */
struct saved {
	struct nlmsghdr *msg[SAVED_MAX];
	size_t n;
	int index;
};

static int
save(struct saved *v, const struct nlmsghdr *h)
{
	struct nlmsghdr *copy;

	if (v->n == SAVED_MAX || h->nlmsg_len > sizeof(struct nlmsg_buf) / 2)
		return (-E2BIG);
	if ((copy = malloc(h->nlmsg_len)) == NULL)
		return (-ENOMEM);
	memcpy(copy, h, h->nlmsg_len);
	v->msg[v->n++] = copy;
	return (0);
}

static int
save_address(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = (const struct ifaddrmsg *)NLMSG_DATA(h);
	struct saved *v = arg;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*ifa)) ||
	    (int)ifa->ifa_index != v->index || ifa->ifa_scope == RT_SCOPE_LINK)
		return (0);
	return (save(v, h));
}

/* Routes of the connected kind come back with the address: only those made by somebody. */
static int
save_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *r = (const struct rtmsg *)NLMSG_DATA(h);
	const struct rtattr *tb[RTA_MAX + 1];
	struct saved *v = arg;
	int oif = 0;

	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(*r)) ||
	    r->rtm_table != RT_TABLE_MAIN || r->rtm_protocol == RTPROT_KERNEL)
		return (0);
	nl_parse(tb, RTA_MAX + 1, RTM_RTA(r), h->nlmsg_len - NLMSG_LENGTH(sizeof(*r)));
	if (tb[RTA_OIF] != NULL && RTA_PAYLOAD(tb[RTA_OIF]) >= sizeof(oif))
		memcpy(&oif, RTA_DATA(tb[RTA_OIF]), sizeof(oif));
	return (oif == v->index ? save(v, h) : 0);
}

static int
save_all(struct nl_sock *s, struct saved *v, struct err *e)
{
	struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};
	struct rtmsg rtm = {.rtm_family = AF_UNSPEC};
	struct nlmsg_buf m;
	int rc;

	nl_begin(&m, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	if ((rc = nl_call(s, &m, save_address, v, e)) != 0)
		return (rc);
	nl_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	return (nl_call(s, &m, save_route, v, e));
}

/* Send a saved message back, for the device `index` instead of the old one. */
static int
put_back(struct nl_sock *s, const struct nlmsghdr *h, int index, struct err *e)
{
	bool is_addr = h->nlmsg_type == RTM_NEWADDR;
	size_t fixed = is_addr ? sizeof(struct ifaddrmsg) : sizeof(struct rtmsg);
	const struct rtattr *tb[RTA_MAX + 1];
	struct nlmsg_buf m;

	nl_begin(&m, h->nlmsg_type, NLM_F_CREATE | NLM_F_REPLACE, NLMSG_DATA(h), fixed);
	nl_parse(tb, RTA_MAX + 1, (const struct rtattr *)(const void *)
	    ((const char *)h + NLMSG_LENGTH(fixed)), h->nlmsg_len - NLMSG_LENGTH(fixed));
	for (int i = 0; i <= RTA_MAX; i++) {
		if (tb[i] == NULL)
			continue;
		if (!is_addr && i == RTA_OIF)
			nl_attr_u32(&m, RTA_OIF, (uint32_t)index);
		else if (!(is_addr ? i == IFA_CACHEINFO : i == RTA_CACHEINFO))
			nl_attr(&m, i, RTA_DATA(tb[i]), RTA_PAYLOAD(tb[i]));
	}
	if (is_addr)
		((struct ifaddrmsg *)NLMSG_DATA(&m.u.hdr))->ifa_index = (unsigned)index;
	return (nl_call(s, &m, NULL, NULL, e));
}

/* The card itself keeps no address: two devices with one address would both answer. */
static int
drop_addresses(struct nl_sock *s, const struct saved *v, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0; i++) {
		struct nlmsg_buf m;

		if (v->msg[i]->nlmsg_type != RTM_NEWADDR)
			continue;
		nl_begin(&m, RTM_DELADDR, 0, NLMSG_DATA(v->msg[i]),
		    v->msg[i]->nlmsg_len - NLMSG_HDRLEN);
		rc = nl_call(s, &m, NULL, NULL, e);
		if (rc == -EADDRNOTAVAIL) /* gone already: IPv6 loses its own when the card goes down */
			rc = 0;
	}
	return (rc);
}

static void
free_saved(struct saved *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->msg[i]);
}

static int
make_twin(struct nl_sock *s, const struct link *card, int *bridge, struct err *e)
{
	struct link twin = *card;
	struct nlmsg_buf m;
	char alias[256];
	size_t info;
	int rc, index;

	link_alias(alias, sizeof(alias), &twin);
	rt_begin_new(&m, card->name, NULL);
	nl_attr(&m, IFLA_ADDRESS, card->mac.b, sizeof(card->mac.b));
	nl_attr_u32(&m, IFLA_MTU, card->mtu);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_attr_str(&m, IFLA_INFO_KIND, "bridge");
	nl_nest_end(&m, info);
	if ((rc = nl_call(s, &m, NULL, NULL, e)) != 0 || (index = rt_index(card->name, e)) < 0)
		return (rc != 0 ? rc : -ENODEV);
	*bridge = index;
	return (rt_set_alias(s, index, alias, e));
}

static int
swap_names(struct nl_sock *s, const struct link *card, int *bridge, struct err *e)
{
	char hidden[LINK_NAME_MAX];
	int rc;

	(void)snprintf(hidden, sizeof(hidden), "%.14s~", card->name);
	if ((rc = rt_set_up(s, card->ifindex, false, e)) != 0)
		return (rc);
	if ((rc = rt_set_name(s, card->ifindex, hidden, e)) != 0 ||
	    (rc = rt_set_alias(s, card->ifindex, "smartbox class=internal", e)) != 0 ||
	    (rc = make_twin(s, card, bridge, e)) != 0 ||
	    (rc = rt_set_master(s, card->ifindex, *bridge, e)) != 0) {
		if (*bridge != 0)
			(void)rt_delete(s, *bridge, NULL);
		(void)rt_set_alias(s, card->ifindex, "", NULL);
		(void)rt_set_name(s, card->ifindex, card->name, NULL);
		(void)rt_set_up(s, card->ifindex, true, NULL);
	}
	return (rc);
}

static int
put_all_back(struct nl_sock *s, const struct saved *v, int index, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0; i++)
		rc = put_back(s, v->msg[i], index, e);
	return (rc);
}

static int
convert(struct nl_sock *s, const struct link *card, int *bridge, struct err *e)
{
	struct saved v = {.index = card->ifindex};
	int rc = save_all(s, &v, e);

	*bridge = 0;
	if (rc != 0 || (rc = drop_addresses(s, &v, e)) != 0)
		goto out;
	if ((rc = swap_names(s, card, bridge, e)) != 0) {
		(void)put_all_back(s, &v, card->ifindex, NULL);
		goto out;
	}
	if ((rc = rt_set_up(s, card->ifindex, true, e)) == 0 &&
	    (rc = rt_set_up(s, *bridge, true, e)) == 0)
		rc = put_all_back(s, &v, *bridge, e);
out:
	free_saved(&v);
	return (rc);
}

int
uplink_bridge(struct nl_sock *s, const struct link_list *all, const struct link *lower, int *bridge,
    struct err *e)
{
	const struct link *l;

	if (lower->class == LINK_ETHERSTUB || lower->class == LINK_BRIDGE) {
		*bridge = lower->ifindex;
		return (0);
	}
	if (lower->class != LINK_PHYS && lower->class != LINK_AGGR)
		return (err_set(e, EINVAL, "a vnic cannot be over link '%s' of class %s",
		    lower->name, link_class_name(lower->class)));
	if (lower->master != 0) {
		l = link_by_index(all, lower->master);
		return (err_set(e, EBUSY, "link '%s' is a member of bridge '%s'; use that",
		    lower->name, l != NULL ? l->name : "?"));
	}
	/* A card that was converted before: its twin has a port named "<name>~". */
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].master == lower->ifindex && all->v[i].class == LINK_INTERNAL) {
			*bridge = lower->ifindex;
			return (0);
		}
	return (convert(s, lower, bridge, e));
}
