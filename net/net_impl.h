/* SPDX-License-Identifier: MIT */
/* What the files of net/ share: device changes over rtnetlink, shaping, uplinks. */
#ifndef NET_NET_IMPL_H
#define NET_NET_IMPL_H

#include <net/if.h>

#include "smartbox/core/netlink.h"
#include "smartbox/net/link.h"

/* A route socket in the namespace of descriptor netns (-1: ours). */
int rt_open(int netns, struct nl_sock **out, struct err *e);

/* Begin RTM_NEWLINK for a new device of `kind`, or for the device `index`. */
void rt_begin_new(struct nlmsg_buf *m, const char *name, const char *alias);
void rt_begin_index(struct nlmsg_buf *m, int type, int index);
int rt_set_master(struct nl_sock *s, int index, int master, struct err *e);
int rt_set_up(struct nl_sock *s, int index, bool up, struct err *e);
int rt_set_mtu(struct nl_sock *s, int index, uint32_t mtu, struct err *e);
int rt_set_name(struct nl_sock *s, int index, const char *name, struct err *e);
int rt_set_alias(struct nl_sock *s, int index, const char *alias, struct err *e);
int rt_delete(struct nl_sock *s, int index, struct err *e);
int rt_index(const char *dev, struct err *e); /* positive, or -ENODEV */

/* The alias text of a link. */
void link_alias(char *buf, size_t size, const struct link *l);

/* Limit both directions of a port to bits per second; 0 removes the limit. */
int shape_set(struct nl_sock *s, const struct link *port, uint64_t bits, struct err *e);
void shape_clear(struct nl_sock *s, const struct link *port);

/*
 * The bridge that a vnic over `lower` becomes a port of.  For a card that is none yet: the bridge
 * takes over the card's name, addresses and routes, the card becomes its first port.
 */
int uplink_bridge(struct nl_sock *s, const struct link_list *all, const struct link *lower,
    int *bridge, struct err *e);

/* Port VLAN: frames of the port are untagged there and `vid` on the bridge. */
int bridge_port_vlan(struct nl_sock *s, int bridge, int port, unsigned vid, struct err *e);

#endif
