/* SPDX-License-Identifier: MIT */
/* Link properties that change a running link: a table from name to setter. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "net_impl.h"
#include "smartbox/core/units.h"
#include "smartbox/net/linkprop.h"

enum { MTU_MIN = 68, MTU_MAX = 65536, MTU_DEFAULT = 1500 };
#define MAXBW_MIN 1200000ULL

/* "100M", "1.2G", bare numbers are Mb/s; decimal factors, as rates are. */
int
linkprop_parse_rate(const char *s, uint64_t *bits, struct err *e)
{
	char *end;
	double v = strtod(s, &end), unit = 1e6;

	if (end == s || !isdigit((unsigned char)s[0]) || !(v >= 0))
		return (err_set(e, EINVAL, "maxbw '%s' is not a rate like 100M", s));
	if (*end != '\0') {
		static const char letters[] = "KMG";
		const char *p = strchr(letters, toupper((unsigned char)*end));

		if (p == NULL || end[1] != '\0')
			return (err_set(e, EINVAL, "maxbw '%s' has a unit other than K, M, G", s));
		unit = p - letters == 0 ? 1e3 : p - letters == 1 ? 1e6 : 1e9;
	}
	if (v * unit > 1e15)
		return (err_set(e, ERANGE, "maxbw '%s' is too large", s));
	*bits = (uint64_t)(v * unit);
	if (*bits < MAXBW_MIN)
		return (err_set(e, ERANGE, "maxbw '%s' is below the minimum of 1.2M", s));
	return (0);
}

static int
save_alias(struct nl_sock *s, const struct link *l, struct err *e)
{
	char alias[256];

	link_alias(alias, sizeof(alias), l);
	return (rt_set_alias(s, l->ifindex, alias, e));
}

static int
set_maxbw(struct nl_sock *s, struct link *l, const char *value, struct err *e)
{
	uint64_t bits = 0;
	int rc;

	if (l->class != LINK_VNIC)
		return (err_set(e, ENOTSUP, "maxbw cannot be set on link '%s' of class %s", l->name,
		    link_class_name(l->class)));
	if (value != NULL && (rc = linkprop_parse_rate(value, &bits, e)) != 0)
		return (rc);
	if ((rc = shape_set(s, l, bits, e)) != 0)
		return (rc);
	l->maxbw = bits;
	return (save_alias(s, l, e));
}

static int
set_mtu(struct nl_sock *s, struct link *l, const char *value, struct err *e)
{
	uint64_t mtu = MTU_DEFAULT;
	struct err why = ERR_INIT;
	int rc, far;

	if (value != NULL && units_parse_u64(value, MTU_MIN, MTU_MAX, &mtu, &why) != 0)
		return (err_set(e, EINVAL, "mtu: %s", why.msg));
	if ((rc = rt_set_mtu(s, l->ifindex, (uint32_t)mtu, e)) != 0)
		return (rc);
	/* The far end of a global vnic is ours to change; a zone's is its own. */
	if (l->class == LINK_VNIC && l->zone[0] == '\0' && (far = rt_index(l->name, NULL)) > 0)
		rc = rt_set_mtu(s, far, (uint32_t)mtu, e);
	return (rc);
}

static void
show_mtu(char *buf, size_t size, const struct link *l)
{
	(void)snprintf(buf, size, "%u", l->mtu);
}

static void
show_maxbw(char *buf, size_t size, const struct link *l)
{
	if (l->maxbw == 0)
		(void)snprintf(buf, size, "--");
	else
		(void)snprintf(buf, size, "%g", (double)l->maxbw / 1e6);
}

static const struct linkprop props[] = {
	{"maxbw", "rw", "--", "--", set_maxbw, show_maxbw},
	{"mtu", "rw", "1500", "68-65536", set_mtu, show_mtu},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct linkprop *
linkprop_table(void)
{
	return (props);
}

int
linkprop_check(const char *name, const struct linkprop **out, struct err *e)
{
	for (const struct linkprop *p = props; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0) {
			*out = p;
			return (0);
		}
	return (err_set(e, EINVAL, "unknown link property '%s'; there are: maxbw, mtu", name));
}

int
linkprop_set(const char *zone, const char *link, const char *prop, const char *value, struct err *e)
{
	const struct linkprop *p = NULL;
	struct link_list all;
	const struct link *l;
	struct nl_sock *s;
	struct link copy;
	int rc;

	if ((rc = linkprop_check(prop, &p, e)) != 0 || (rc = rt_open(-1, &s, e)) != 0)
		return (rc);
	if ((rc = link_list(&all, e)) == 0) {
		if ((l = link_find(&all, zone, link)) == NULL) {
			rc = err_set(e, ENODEV, "link '%s' does not exist", link);
		} else {
			copy = *l;
			rc = p->set(s, &copy, value, e);
		}
		link_list_free(&all);
	}
	nl_close(s);
	return (rc);
}
