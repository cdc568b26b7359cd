/* SPDX-License-Identifier: MIT */
/*
 * Datalinks: what `dladm` calls a link, on Linux devices.
 *
 *	phys		a network card
 *	etherstub	a bridge without uplink and without address of its own
 *	bridge		a bridge with named members
 *	vnic		a veth pair; one end is the vnic, in the global zone or inside a zone, the
 *			other (the port) stays with us on the bridge of the link that it is over
 *
 * What a device is to us is written into its ifalias ("smartbox class=vnic name=net0 over=stub0
 * ..."), on the port for a vnic.  So the kernel holds the truth: no file can disagree with it, and
 * the zone, which owns the other end, cannot change it.  Persistent links are in net/linkdb.h.
 *
 * A vnic is named by (zone, name): each zone has its own net0.
 */
#ifndef SMARTBOX_NET_LINK_H
#define SMARTBOX_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

#define LINK_NAME_MAX 16 /* with the NUL; the kernel's IFNAMSIZ */
#define ZONE_NAME_SIZE 64

struct mac_addr {
	uint8_t b[6];
};

enum link_class { LINK_PHYS, LINK_AGGR, LINK_VLAN, LINK_VNIC, LINK_ETHERSTUB, LINK_BRIDGE,
	LINK_OVERLAY, LINK_MISC, LINK_INTERNAL };

enum { LS_IPACKETS, LS_RBYTES, LS_IERRORS, LS_OPACKETS, LS_OBYTES, LS_OERRORS, LS_COUNT };

struct link {
	int ifindex; /* of the device we hold: for a vnic its port */
	int master;  /* ifindex of the bridge that it is a port of, 0 none */
	char dev[LINK_NAME_MAX];  /* kernel's name of that device */
	char name[LINK_NAME_MAX]; /* ours */
	enum link_class class;
	char over[LINK_NAME_MAX];
	char zone[ZONE_NAME_SIZE]; /* "" global */
	unsigned vid;		   /* 0 untagged */
	uint32_t mtu;
	uint64_t maxbw; /* bits per second, 0 no limit */
	bool is_up, has_carrier, mac_is_random;
	struct mac_addr mac;	 /* the vnic's own */
	uint64_t stat[LS_COUNT]; /* seen from the link's user: received = towards the zone */
};

struct link_list {
	struct link *v;
	size_t n;
};

/* All links of the caller's network namespace in one dump, by name; internal ones too. */
int link_list(struct link_list *out, struct err *e);
void link_list_free(struct link_list *l);
/* Borrowed from l; zone NULL or "" means global. */
const struct link *link_find(const struct link_list *l, const char *zone, const char *name);
const struct link *link_by_index(const struct link_list *l, int ifindex);
const char *link_class_name(enum link_class c);
/* Megabits per second and full duplex, from the driver; -ENODATA when it does not say. */
int link_speed(const struct link *l, unsigned *mbps, bool *full);
/* One word of a bridge's state as sysfs names it ("root_id", "priority"). */
int bridge_attr(const struct link *l, const char *what, char *buf, size_t size);

/*
 * May this be a link's name?  Letters, digits, '_', '-', '.'; begins with a letter, ends in a
 * number; a bridge's name begins and ends with a letter.
 */
int link_check_name(const char *name, bool is_bridge, struct err *e);

int mac_parse(const char *s, struct mac_addr *out, struct err *e); /* "2:8:20:a:b:c" too */
void mac_format(char buf[18], const struct mac_addr *m, bool leading_zeros);
void mac_random(struct mac_addr *out); /* 02:08:20:..., locally administered */

/* Etherstubs and bridges.  Errors: -EEXIST, -ENODEV, -EBUSY naming the link in the way. */
int etherstub_create(const char *name, struct err *e);
int etherstub_delete(const char *name, struct err *e);
struct bridge_spec {
	const char *name;
	const char *const *member; /* NULL-terminated, may be NULL */
	bool stp;
	unsigned priority, max_age, hello, delay; /* seconds; 0 = the kernel's default */
};
int bridge_create(const struct bridge_spec *s, struct err *e);
int bridge_delete(const char *name, struct err *e);
int bridge_add(const char *bridge, const char *member, struct err *e);
int bridge_remove(const char *bridge, const char *member, struct err *e);

/* Vnics. */
struct vnic_spec {
	const char *name;	    /* as its user sees it: "net0" */
	const char *over;	    /* etherstub, bridge or phys */
	const struct mac_addr *mac; /* NULL: random */
	bool mac_is_random;	    /* `mac` was made by mac_random(), to be kept */
	unsigned vid;		    /* 0 none */
	uint32_t mtu;		    /* 0: that of the link below */
	uint64_t maxbw;		    /* bits per second each way, 0 no limit */
	const char *zone;	    /* NULL: global zone */
	int zone_id;		    /* names the port "z<id>_<name>" */
	int netns;		    /* descriptor of the zone's network namespace, -1: ours */
};
int vnic_create(const struct vnic_spec *s, struct err *e);
/*
 * A vnic whose user is a virtual machine: *fd is a tap with virtio_net headers of 12 bytes, the
 * caller's; the vnic goes when it is closed.  netns is not used.
 */
int vnic_create_tap(const struct vnic_spec *s, int *fd, struct err *e);
int vnic_delete(const char *zone, const char *name, struct err *e);
/* Every vnic of a zone that has gone; their number in *n (may be NULL). */
int vnic_delete_zone(const char *zone, size_t *n, struct err *e);

/* Properties of a link: "mtu", "maxbw".  value NULL resets. */
int linkprop_set(const char *zone, const char *link, const char *prop, const char *value,
    struct err *e);

/* Inside a namespace: netns is a descriptor, -1 ours. */
int addr_add(int netns, const char *dev, const char *cidr, struct err *e);
int addr_up(int netns, const char *dev, struct err *e);
int route_add(int netns, const char *cidr, const char *gateway, struct err *e); /* NULL: default */

#endif
