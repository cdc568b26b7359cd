/* SPDX-License-Identifier: MIT */
/*
 * Listing links: one RTM_GETLINK dump, each device classified by its alias and kind.
 *
 * An alias is text that only root of our namespace writes, but it is parsed as input: unknown
 * words are skipped, values are cut to their fields.
 */
#include "smartbox/net/link.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_impl.h"
#include "smartbox/core/file.h"

static const char alias_magic[] = "smartbox ";

static const char *const class_names[] = {
	[LINK_PHYS] = "phys", [LINK_AGGR] = "aggr", [LINK_VLAN] = "vlan", [LINK_VNIC] = "vnic",
	[LINK_ETHERSTUB] = "etherstub", [LINK_BRIDGE] = "bridge", [LINK_OVERLAY] = "overlay",
	[LINK_MISC] = "misc", [LINK_INTERNAL] = "internal",
};

/* What a device is that we did not make. */
static const struct {
	const char *kind;
	enum link_class class;
} kinds[] = {
	{"bridge", LINK_BRIDGE}, {"bond", LINK_AGGR}, {"team", LINK_AGGR}, {"vlan", LINK_VLAN},
	{"macvlan", LINK_VNIC}, {"vxlan", LINK_OVERLAY}, {"geneve", LINK_OVERLAY},
	/* Not of our making, so for us a card: that is how a container's host hands one in. */
	{"veth", LINK_PHYS}, {"dummy", LINK_PHYS},
};

const char *
link_class_name(enum link_class c)
{
	return (class_names[c]);
}

void
link_alias(char *buf, size_t size, const struct link *l)
{
	char mac[18];

	mac_format(mac, &l->mac, true);
	(void)snprintf(buf, size,
	    "%sclass=%s name=%s over=%s zone=%s vid=%u maxbw=%" PRIu64 " mac=%s random=%d",
	    alias_magic, link_class_name(l->class), l->name, l->over, l->zone, l->vid, l->maxbw,
	    mac, l->mac_is_random);
}

static enum link_class
class_by_name(const char *s)
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++)
		if (strcmp(class_names[i], s) == 0)
			return ((enum link_class)i);
	return (LINK_MISC);
}

static void
apply_alias_word(struct link *l, const char *key, const char *value)
{
	if (strcmp(key, "class") == 0)
		l->class = class_by_name(value);
	else if (strcmp(key, "name") == 0)
		(void)snprintf(l->name, sizeof(l->name), "%s", value);
	else if (strcmp(key, "over") == 0)
		(void)snprintf(l->over, sizeof(l->over), "%s", value);
	else if (strcmp(key, "zone") == 0)
		(void)snprintf(l->zone, sizeof(l->zone), "%s", value);
	else if (strcmp(key, "vid") == 0)
		l->vid = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(key, "maxbw") == 0)
		l->maxbw = strtoull(value, NULL, 10);
	else if (strcmp(key, "mac") == 0)
		(void)mac_parse(value, &l->mac, NULL);
	else if (strcmp(key, "random") == 0)
		l->mac_is_random = value[0] == '1';
}

static void
apply_alias(struct link *l, const struct rtattr *a)
{
	char text[256], *save = NULL, *word, *eq;
	size_t n = RTA_PAYLOAD(a), skip = sizeof(alias_magic) - 1;

	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, RTA_DATA(a), n);
	text[n] = '\0';
	if (strncmp(text, alias_magic, skip) != 0)
		return;
	for (word = strtok_r(text + skip, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save)) {
		if ((eq = strchr(word, '=')) == NULL)
			continue;
		*eq = '\0';
		apply_alias_word(l, word, eq + 1);
	}
}

static void
classify(struct link *l, const struct rtattr *info, bool is_ethernet)
{
	const struct rtattr *tb[IFLA_INFO_MAX + 1], *kind;

	l->class = is_ethernet ? LINK_PHYS : LINK_INTERNAL;
	if (info == NULL)
		return;
	nl_parse(tb, IFLA_INFO_MAX + 1, RTA_DATA(info), RTA_PAYLOAD(info));
	if ((kind = tb[IFLA_INFO_KIND]) == NULL)
		return;
	l->class = LINK_MISC;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(kinds[i].kind, RTA_DATA(kind), RTA_PAYLOAD(kind)) == 0)
			l->class = kinds[i].class;
}

/* A port's counters are mirrored: what it sends is what its vnic receives. */
static void
fill_stats(struct link *l, const struct rtattr *a)
{
	struct rtnl_link_stats64 st = {0};
	size_t n = RTA_PAYLOAD(a);
	bool mirror = l->class == LINK_VNIC;
	int in = mirror ? LS_OPACKETS : LS_IPACKETS, out = mirror ? LS_IPACKETS : LS_OPACKETS;

	memcpy(&st, RTA_DATA(a), n < sizeof(st) ? n : sizeof(st));
	l->stat[in] = st.rx_packets;
	l->stat[in + 1] = st.rx_bytes;
	l->stat[in + 2] = st.rx_errors;
	l->stat[out] = st.tx_packets;
	l->stat[out + 1] = st.tx_bytes;
	l->stat[out + 2] = st.tx_errors;
}

static void
copy_name(char *dst, const struct rtattr *a)
{
	size_t n = RTA_PAYLOAD(a);

	if (n >= LINK_NAME_MAX)
		n = LINK_NAME_MAX - 1;
	memcpy(dst, RTA_DATA(a), n);
	dst[n] = '\0';
}

static uint32_t
attr_u32(const struct rtattr *a)
{
	uint32_t v = 0;

	if (a != NULL && RTA_PAYLOAD(a) >= sizeof(v))
		memcpy(&v, RTA_DATA(a), sizeof(v));
	return (v);
}

static void
fill_link(struct link *l, const struct ifinfomsg *ifi, const struct rtattr **tb)
{
	l->ifindex = ifi->ifi_index;
	l->is_up = (ifi->ifi_flags & IFF_UP) != 0;
	l->has_carrier = (ifi->ifi_flags & IFF_RUNNING) != 0;
	l->mtu = attr_u32(tb[IFLA_MTU]);
	l->master = (int)attr_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_IFNAME] != NULL)
		copy_name(l->dev, tb[IFLA_IFNAME]);
	memcpy(l->name, l->dev, sizeof(l->name));
	if (tb[IFLA_ADDRESS] != NULL && RTA_PAYLOAD(tb[IFLA_ADDRESS]) == sizeof(l->mac.b))
		memcpy(l->mac.b, RTA_DATA(tb[IFLA_ADDRESS]), sizeof(l->mac.b));
	classify(l, tb[IFLA_LINKINFO], ifi->ifi_type == 1 /* ARPHRD_ETHER */);
	if (tb[IFLA_IFALIAS] != NULL)
		apply_alias(l, tb[IFLA_IFALIAS]);
	if (tb[IFLA_STATS64] != NULL)
		fill_stats(l, tb[IFLA_STATS64]);
}

static int
add_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = (const struct ifinfomsg *)NLMSG_DATA(h);
	const struct rtattr *tb[IFLA_MAX + 1];
	struct link_list *l = arg;
	struct link *v;

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return (0);
	if ((l->n & (l->n - 1)) == 0) { /* grow at powers of two */
		v = realloc(l->v, (l->n != 0 ? l->n * 2 : 16) * sizeof(*v));
		if (v == NULL)
			return (-ENOMEM);
		l->v = v;
	}
	v = &l->v[l->n++];
	memset(v, 0, sizeof(*v));
	nl_parse(tb, IFLA_MAX + 1, IFLA_RTA(ifi), h->nlmsg_len - NLMSG_LENGTH(sizeof(*ifi)));
	fill_link(v, ifi, tb);
	return (0);
}

static int
by_zone_and_name(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int c = strcmp(x->zone, y->zone);

	return (c != 0 ? c : strcmp(x->name, y->name));
}

int
link_list(struct link_list *out, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct link_list l = {NULL, 0};
	struct nlmsg_buf m;
	struct nl_sock *s;
	int rc;

	if ((rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	nl_begin(&m, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	rc = nl_call(s, &m, add_link, &l, e);
	nl_close(s);
	if (rc != 0) {
		link_list_free(&l);
		return (err_wrap(e, "cannot list links"));
	}
	qsort(l.v, l.n, sizeof(*l.v), by_zone_and_name);
	*out = l;
	return (0);
}

void
link_list_free(struct link_list *l)
{
	free(l->v);
	*l = (struct link_list){NULL, 0};
}

const struct link *
link_find(const struct link_list *l, const char *zone, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].class != LINK_INTERNAL && strcmp(l->v[i].name, name) == 0 &&
		    strcmp(l->v[i].zone, zone != NULL ? zone : "") == 0)
			return (&l->v[i]);
	return (NULL);
}

const struct link *
link_by_index(const struct link_list *l, int ifindex)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].ifindex == ifindex)
			return (&l->v[i]);
	return (NULL);
}

static int
read_sysfs(const struct link *l, const char *what, char **text)
{
	char path[96];
	size_t len;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/%s", l->dev, what);
	return (file_read(path, 64, text, &len, NULL));
}

int
link_speed(const struct link *l, unsigned *mbps, bool *full)
{
	char *text;
	long v;

	if (read_sysfs(l, "speed", &text) != 0)
		return (-ENODATA);
	v = strtol(text, NULL, 10);
	free(text);
	if (v <= 0)
		return (-ENODATA);
	*mbps = (unsigned)v;
	*full = true;
	if (read_sysfs(l, "duplex", &text) == 0) {
		*full = strncmp(text, "half", 4) != 0;
		free(text);
	}
	return (0);
}

int
bridge_attr(const struct link *l, const char *what, char *buf, size_t size)
{
	char name[64], *text;
	int rc;

	(void)snprintf(name, sizeof(name), "bridge/%s", what);
	if ((rc = read_sysfs(l, name, &text)) != 0)
		return (rc);
	(void)snprintf(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return (0);
}

int
link_check_name(const char *name, bool is_bridge, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n >= LINK_NAME_MAX)
		return (err_set(e, EINVAL, "link name '%s' must have 1 to %d characters", name,
		    LINK_NAME_MAX - 1));
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("_-.", name[i]) == NULL)
			return (err_set(e, EINVAL, "link name '%s' has a character other than "
			    "letters, digits, '_', '-', '.'", name));
	if (!isalpha((unsigned char)name[0]))
		return (err_set(e, EINVAL, "link name '%s' does not begin with a letter", name));
	if (is_bridge && !isalpha((unsigned char)name[n - 1]))
		return (err_set(e, EINVAL, "bridge name '%s' does not end in a letter", name));
	if (!is_bridge && !isdigit((unsigned char)name[n - 1]))
		return (err_set(e, EINVAL, "link name '%s' does not end in a number", name));
	return (0);
}
