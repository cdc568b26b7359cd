/* SPDX-License-Identifier: MIT */
/* dladm: administer data links. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/json.h"
#include "smartbox/core/table.h"
#include "smartbox/core/units.h"
#include "smartbox/net/link.h"
#include "smartbox/net/linkdb.h"
#include "smartbox/net/linkprop.h"

static const char dladm_usage[] = "";

APPLET(dladm, "administer data links");

/* --- what most commands share ----------------------------------------------------------------- */

/* Illumos's shape: "dladm: vnic creation over net0 failed: object already exists". */
static int
failed(const char *operation, const struct err *e)
{
	return (applet_fail(e, "%s failed", operation));
}

struct show_opts {
	const char *columns;
	bool parse, persistent, stats, mac;
	const char *only; /* the link named on the command line */
	const char *over, *zone;
};

static int
parse_show(int argc, char **argv, const char *spec, struct show_opts *o)
{
	int c;

	*o = (struct show_opts){NULL};
	while ((c = applet_getopt(argc, argv, spec)) != -1)
		switch (c) {
		case 'o': o->columns = optarg; break;
		case 'p': case 'c': o->parse = true; break;
		case 'P': o->persistent = true; break;
		case 's': o->stats = true; break;
		case 'm': o->mac = true; break;
		case 'l': o->over = optarg; break;
		case 'z': o->zone = optarg; break;
		default: return (2);
		}
	if (argc - optind > 1)
		return (applet_usage("unexpected argument '%s'", argv[optind + 1]));
	o->only = argv[optind];
	if (o->parse && o->columns == NULL)
		return (applet_usage("option '-p' requires '-o'"));
	return (0);
}

typedef bool pick_fn(const struct link *l, const struct show_opts *o);

struct row {
	const struct link_list *all;
	const struct link *l;
};

static bool
is_named(const struct link *l, const struct show_opts *o)
{
	return (o->only == NULL || strcmp(l->name, o->only) == 0);
}

/* List, filter, print; an unknown link on the command line is an error. */
static int
show(const struct column *cols, const struct show_opts *o, pick_fn *pick, const char *what)
{
	struct err e = ERR_INIT;
	struct link_list all;
	struct table *t;
	size_t n = 0;

	if (table_new(cols, o->columns, o->parse ? TABLE_PARSE : 0, &t, &e) != 0)
		return (applet_fail_plain(&e));
	if (link_list(&all, &e) != 0) {
		table_free(t);
		return (applet_fail_plain(&e));
	}
	for (size_t i = 0; i < all.n; i++) {
		struct row r = {&all, &all.v[i]};

		if (!is_named(r.l, o) || !pick(r.l, o))
			continue;
		(void)table_add(t, &r);
		n++;
	}
	if (n == 0 && o->only != NULL) {
		table_free(t);
		link_list_free(&all);
		return (applet_fail(NULL, "invalid %s '%s': object not found", what, o->only));
	}
	table_end(t, stdout);
	link_list_free(&all);
	return (0);
}

/* --- columns ---------------------------------------------------------------------------------- */

enum { C_LINK, C_CLASS, C_MTU, C_STATE, C_BRIDGE, C_OVER, C_ZONE, C_SPEED, C_MAC, C_MACTYPE, C_VID,
	C_MEDIA, C_DUPLEX, C_DEVICE, C_SLOT, C_INUSE, C_CLIENT, C_STAT };

static const char *
bridge_of(const struct row *r)
{
	const struct link *b = r->l->master != 0 ? link_by_index(r->all, r->l->master) : NULL;

	return (b != NULL && b->class == LINK_BRIDGE ? b->name : "--");
}

static void
speed_cell(char *buf, size_t n, const struct row *r)
{
	const struct link *l = r->l, *below;
	unsigned mbps = 0;
	bool full;

	if (l->class == LINK_VNIC) { /* as fast as its cap or what it is over */
		if (l->maxbw != 0)
			mbps = (unsigned)(l->maxbw / 1000000);
		else if ((below = link_find(r->all, NULL, l->over)) != NULL)
			(void)link_speed(below, &mbps, &full);
	} else {
		(void)link_speed(l, &mbps, &full);
	}
	(void)snprintf(buf, n, "%u", mbps);
}

static void
duplex_cell(char *buf, size_t n, const struct link *l)
{
	unsigned mbps;
	bool full;

	if (link_speed(l, &mbps, &full) != 0)
		(void)snprintf(buf, n, "unknown");
	else
		(void)snprintf(buf, n, "%s", full ? "full" : "half");
}

static void
text_cell(char *buf, size_t n, const char *s)
{
	(void)snprintf(buf, n, "%s", s[0] != '\0' ? s : "--");
}

static const char *
state_of(const struct link *l)
{
	/* A switch in the air and a port on one are up without anybody at the other end. */
	bool needs_carrier = l->class != LINK_ETHERSTUB && l->class != LINK_VNIC;

	return (l->is_up && (l->has_carrier || !needs_carrier) ? "up" : "down");
}

static void
link_cell(char *buf, size_t n, const void *row, int id, unsigned flags)
{
	const struct row *r = row;
	const struct link *l = r->l;
	char mac[18];

	(void)flags;
	mac_format(mac, &l->mac, false);
	switch (id) {
	case C_LINK: text_cell(buf, n, l->name); break;
	case C_CLASS: text_cell(buf, n, link_class_name(l->class)); break;
	case C_MTU: (void)snprintf(buf, n, "%u", l->mtu); break;
	case C_STATE: text_cell(buf, n, state_of(l)); break;
	case C_BRIDGE: text_cell(buf, n, bridge_of(r)); break;
	case C_OVER: text_cell(buf, n, l->over); break;
	case C_ZONE: text_cell(buf, n, l->zone); break;
	case C_SPEED: speed_cell(buf, n, r); break;
	case C_MAC: text_cell(buf, n, mac); break;
	case C_MACTYPE: text_cell(buf, n, l->mac_is_random ? "random" : "fixed"); break;
	case C_VID: (void)snprintf(buf, n, "%u", l->vid); break;
	case C_MEDIA: text_cell(buf, n, "Ethernet"); break;
	case C_DUPLEX: duplex_cell(buf, n, l); break;
	case C_DEVICE: text_cell(buf, n, l->dev); break;
	case C_SLOT: text_cell(buf, n, "primary"); break;
	case C_INUSE: text_cell(buf, n, l->is_up ? "yes" : "no"); break;
	case C_CLIENT: text_cell(buf, n, l->is_up ? l->name : ""); break;
	default: (void)snprintf(buf, n, "%" PRIu64, l->stat[id - C_STAT]); break;
	}
}

#define COL(nm, hd, w, fl, id) {nm, hd, w, fl, link_cell, id}
#define COL_END {NULL, NULL, 0, 0, NULL, 0}
#define STAT_COLS                                                                                  \
	COL("ipackets", "IPACKETS", 9, 0, C_STAT + LS_IPACKETS),                                   \
	COL("rbytes", "RBYTES", 9, 0, C_STAT + LS_RBYTES),                                         \
	COL("ierrors", "IERRORS", 7, 0, C_STAT + LS_IERRORS),                                      \
	COL("opackets", "OPACKETS", 9, 0, C_STAT + LS_OPACKETS),                                   \
	COL("obytes", "OBYTES", 9, 0, C_STAT + LS_OBYTES),                                         \
	COL("oerrors", "OERRORS", 7, 0, C_STAT + LS_OERRORS)

static const struct column link_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), COL("class", "CLASS", 9, 0, C_CLASS),
	COL("mtu", "MTU", 6, 0, C_MTU), COL("state", "STATE", 8, 0, C_STATE),
	COL("bridge", "BRIDGE", 10, 0, C_BRIDGE), COL("over", "OVER", 8, 0, C_OVER),
	COL("zone", "ZONE", 10, COL_HIDDEN, C_ZONE), COL_END,
};
static const struct column persistent_link_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), COL("class", "CLASS", 9, 0, C_CLASS),
	COL("bridge", "BRIDGE", 10, 0, C_BRIDGE), COL("over", "OVER", 8, 0, C_OVER), COL_END,
};
static const struct column stat_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), STAT_COLS, COL_END,
};
static const struct column phys_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), COL("media", "MEDIA", 16, 0, C_MEDIA),
	COL("state", "STATE", 8, 0, C_STATE), COL("speed", "SPEED", 6, 0, C_SPEED),
	COL("duplex", "DUPLEX", 9, 0, C_DUPLEX), COL("device", "DEVICE", 10, 0, C_DEVICE), COL_END,
};
static const struct column phys_mac_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), COL("slot", "SLOT", 8, 0, C_SLOT),
	COL("address", "ADDRESS", 17, 0, C_MAC), COL("inuse", "INUSE", 5, 0, C_INUSE),
	COL("client", "CLIENT", 10, 0, C_CLIENT), COL_END,
};
static const struct column vnic_columns[] = {
	COL("link", "LINK", 11, 0, C_LINK), COL("over", "OVER", 10, 0, C_OVER),
	COL("speed", "SPEED", 5, 0, C_SPEED), COL("macaddress", "MACADDRESS", 17, 0, C_MAC),
	COL("macaddrtype", "MACADDRTYPE", 11, 0, C_MACTYPE), COL("vid", "VID", 4, 0, C_VID),
	COL("zone", "ZONE", 8, 0, C_ZONE), COL_END,
};
static const struct column stub_columns[] = {COL("link", "LINK", 11, 0, C_LINK), COL_END};

/* --- show ------------------------------------------------------------------------------------- */

static bool
pick_any(const struct link *l, const struct show_opts *o)
{
	return (l->class != LINK_INTERNAL &&
	    (o->zone == NULL || strcmp(l->zone, o->zone) == 0));
}

static bool
pick_phys(const struct link *l, const struct show_opts *o)
{
	(void)o;
	return (l->class == LINK_PHYS);
}

static bool
pick_stub(const struct link *l, const struct show_opts *o)
{
	(void)o;
	return (l->class == LINK_ETHERSTUB);
}

static bool
pick_vnic(const struct link *l, const struct show_opts *o)
{
	return (l->class == LINK_VNIC && (o->over == NULL || strcmp(l->over, o->over) == 0) &&
	    (o->zone == NULL || strcmp(l->zone, o->zone) == 0));
}

/* What the file says, in the shape of live links, so that one printer serves both. */
static int
persistent_links(struct link_list *out, struct err *e)
{
	json_t *db, *entry;
	const char *name;
	size_t n;
	int rc = linkdb_load(&db, e);

	if (rc != 0)
		return (rc);
	n = json_object_size(db);
	out->n = 0;
	out->v = calloc(n + 1, sizeof(*out->v));
	json_object_foreach(db, name, entry) {
		struct link *l = &out->v[out->n++];
		const char *class = json_str(entry, "class", "");

		(void)snprintf(l->name, sizeof(l->name), "%s", name);
		(void)snprintf(l->over, sizeof(l->over), "%s", json_str(entry, "over", ""));
		(void)mac_parse(json_str(entry, "mac", ""), &l->mac, NULL);
		l->vid = (unsigned)json_int(entry, "vid", 0);
		l->mac_is_random = json_bool(entry, "random", false);
		for (int c = 0; c < LINK_INTERNAL; c++)
			if (strcmp(link_class_name((enum link_class)c), class) == 0)
				l->class = (enum link_class)c;
	}
	json_decref(db);
	return (0);
}

static int
show_persistent(const struct column *cols, const struct show_opts *o, pick_fn *pick)
{
	struct err e = ERR_INIT;
	struct link_list all;
	struct table *t;

	if (table_new(cols, o->columns, o->parse ? TABLE_PARSE : 0, &t, &e) != 0)
		return (applet_fail_plain(&e));
	if (persistent_links(&all, &e) != 0) {
		table_free(t);
		return (applet_fail_plain(&e));
	}
	for (size_t i = 0; i < all.n; i++) {
		struct row r = {&all, &all.v[i]};

		if (is_named(r.l, o) && pick(r.l, o))
			(void)table_add(t, &r);
	}
	table_end(t, stdout);
	link_list_free(&all);
	return (0);
}

static int
do_show_link(int argc, char **argv)
{
	struct show_opts o;
	int rc = parse_show(argc, argv, "po:Psz:", &o);

	if (rc != 0)
		return (rc);
	if (o.persistent)
		return (show_persistent(persistent_link_columns, &o, pick_any));
	return (show(o.stats ? stat_columns : link_columns, &o, pick_any, "link"));
}

static int
do_show_phys(int argc, char **argv)
{
	struct show_opts o;
	int rc = parse_show(argc, argv, "po:mP", &o);

	if (rc != 0)
		return (rc);
	return (show(o.mac ? phys_mac_columns : phys_columns, &o, pick_phys, "physical link"));
}

static int
do_show_vnic(int argc, char **argv)
{
	struct show_opts o;
	int rc = parse_show(argc, argv, "po:Psl:z:", &o);

	if (rc != 0)
		return (rc);
	if (o.persistent)
		return (show_persistent(vnic_columns, &o, pick_vnic));
	return (show(o.stats ? stat_columns : vnic_columns, &o, pick_vnic, "vnic"));
}

static int
do_show_etherstub(int argc, char **argv)
{
	struct show_opts o;
	int rc = parse_show(argc, argv, "po:P", &o);

	if (rc != 0)
		return (rc);
	if (o.persistent)
		return (show_persistent(stub_columns, &o, pick_stub));
	return (show(stub_columns, &o, pick_stub, "etherstub"));
}

/* --- etherstub -------------------------------------------------------------------------------- */

struct name_opts {
	bool temporary;
	const char *name;
};

static int
parse_name(int argc, char **argv, struct name_opts *o)
{
	int c;

	*o = (struct name_opts){false, NULL};
	while ((c = applet_getopt(argc, argv, "t")) != -1)
		if (c == 't')
			o->temporary = true;
		else
			return (2);
	if (argc - optind != 1)
		return (applet_usage(argc == optind ? "missing link name" : "too many arguments"));
	o->name = argv[optind];
	return (0);
}

static int
do_create_etherstub(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct name_opts o;
	int rc = parse_name(argc, argv, &o);

	if (rc != 0)
		return (rc);
	if (etherstub_create(o.name, &e) != 0)
		return (failed("etherstub creation", &e));
	if (!o.temporary && linkdb_put(o.name, json_pack("{s:s}", "class", "etherstub"), &e) != 0) {
		(void)etherstub_delete(o.name, NULL);
		return (failed("etherstub creation", &e));
	}
	return (0);
}

typedef int delete_fn(const char *name, struct err *e);

/* The link first: a persistent entry without a link comes back at boot, the reverse is lost. */
static int
delete_link(int argc, char **argv, delete_fn *fn, const char *operation)
{
	struct err e = ERR_INIT;
	struct name_opts o;
	int rc = parse_name(argc, argv, &o);

	if (rc != 0)
		return (rc);
	if (fn(o.name, &e) != 0 || (!o.temporary && linkdb_remove(o.name, &e) != 0))
		return (failed(operation, &e));
	return (0);
}

static int
do_delete_etherstub(int argc, char **argv)
{
	return (delete_link(argc, argv, etherstub_delete, "etherstub deletion"));
}

/* --- vnic ------------------------------------------------------------------------------------- */

struct vnic_opts {
	struct vnic_spec spec;
	struct mac_addr mac;
	char *props; /* "maxbw=10M,mtu=1400" */
	bool temporary;
};

static int
parse_mac_option(struct vnic_opts *o, const char *arg)
{
	struct err e = ERR_INIT;

	if (strcmp(arg, "random") == 0 || strcmp(arg, "auto") == 0)
		return (0);
	if (strcmp(arg, "factory") == 0)
		return (applet_fail(NULL, "no factory MAC addresses here; use 'random' or an address"));
	if (mac_parse(arg, &o->mac, &e) != 0)
		return (applet_fail_plain(&e));
	o->spec.mac = &o->mac;
	return (0);
}

static int
parse_vid_option(struct vnic_opts *o, const char *arg)
{
	struct err e = ERR_INIT;
	uint64_t v;

	if (units_parse_u64(arg, 1, 4094, &v, &e) != 0)
		return (applet_fail(&e, "VLAN id"));
	o->spec.vid = (unsigned)v;
	return (0);
}

static int
parse_vnic(int argc, char **argv, struct vnic_opts *o)
{
	int c, rc = 0;

	*o = (struct vnic_opts){.spec = {.netns = -1}};
	while (rc == 0 && (c = applet_getopt(argc, argv, "tl:m:v:p:")) != -1)
		switch (c) {
		case 't': o->temporary = true; break;
		case 'l': o->spec.over = optarg; break;
		case 'm': rc = parse_mac_option(o, optarg); break;
		case 'v': rc = parse_vid_option(o, optarg); break;
		case 'p': o->props = optarg; break;
		default: return (2);
		}
	if (rc != 0)
		return (rc);
	if (o->spec.over == NULL)
		return (applet_usage("missing '-l link'"));
	if (argc - optind != 1)
		return (applet_usage(argc == optind ? "missing vnic name" : "too many arguments"));
	o->spec.name = argv[optind];
	return (0);
}

typedef int prop_fn(const char *prop, const char *value, void *arg, struct err *e);

/* "a=1,b=2" -> fn for each; values may be absent when resetting. */
static int
for_each_prop(char *list, prop_fn *fn, void *arg, struct err *e)
{
	char *save = NULL, *word, *eq;
	int rc = 0;

	for (word = strtok_r(list, ",", &save); word != NULL && rc == 0;
	    word = strtok_r(NULL, ",", &save)) {
		if ((eq = strchr(word, '=')) != NULL)
			*eq++ = '\0';
		rc = fn(word, eq, arg, e);
	}
	return (rc);
}

struct set_arg {
	const char *link, *class_name, *zone;
	bool temporary, is_reset;
};

static int
set_one(const char *prop, const char *value, void *arg, struct err *e)
{
	const struct set_arg *a = arg;
	int rc;

	if (!a->is_reset && value == NULL)
		return (err_set(e, EINVAL, "property '%s' needs a value", prop));
	if ((rc = linkprop_set(a->zone, a->link, prop, a->is_reset ? NULL : value, e)) != 0)
		return (rc);
	if (a->temporary || a->zone != NULL)
		return (0);
	return (linkdb_set_prop(a->link, a->class_name, prop, a->is_reset ? NULL : value, e));
}

static json_t *
vnic_entry(const struct vnic_opts *o, const struct mac_addr *mac)
{
	char text[18];
	json_t *j = json_pack("{s:s, s:s}", "class", "vnic", "over", o->spec.over);

	mac_format(text, mac, true);
	(void)json_object_set_new(j, "mac", json_string(text));
	if (o->spec.mac_is_random)
		(void)json_object_set_new(j, "random", json_true());
	if (o->spec.vid != 0)
		(void)json_object_set_new(j, "vid", json_integer((json_int_t)o->spec.vid));
	return (j);
}

static int
do_create_vnic(int argc, char **argv)
{
	struct set_arg set = {.class_name = "vnic"};
	struct err e = ERR_INIT;
	struct vnic_opts o;
	char what[64];
	int rc = parse_vnic(argc, argv, &o);

	if (rc != 0)
		return (rc);
	(void)snprintf(what, sizeof(what), "vnic creation over %.32s", o.spec.over);
	if (o.spec.mac == NULL) { /* chosen here, so that a reboot gives the same one */
		mac_random(&o.mac);
		o.spec.mac = &o.mac;
		o.spec.mac_is_random = true;
	}
	if (vnic_create(&o.spec, &e) != 0)
		return (failed(what, &e));
	if (!o.temporary)
		rc = linkdb_put(o.spec.name, vnic_entry(&o, o.spec.mac), &e);
	set.link = o.spec.name;
	set.temporary = o.temporary;
	if (rc == 0 && o.props != NULL)
		rc = for_each_prop(o.props, set_one, &set, &e);
	if (rc != 0) {
		(void)vnic_delete(NULL, o.spec.name, NULL);
		if (!o.temporary)
			(void)linkdb_remove(o.spec.name, NULL);
		return (failed(what, &e));
	}
	return (0);
}

static int
delete_global_vnic(const char *name, struct err *e)
{
	return (vnic_delete(NULL, name, e));
}

static int
do_delete_vnic(int argc, char **argv)
{
	return (delete_link(argc, argv, delete_global_vnic, "vnic deletion"));
}

/* --- bridge ----------------------------------------------------------------------------------- */

enum { MEMBERS_MAX = 64 };

struct bridge_opts {
	struct bridge_spec spec;
	const char *member[MEMBERS_MAX + 1];
	size_t n;
	bool temporary;
};

static int
parse_number(const char *what, const char *arg, unsigned min, unsigned max, unsigned *out)
{
	struct err e = ERR_INIT;
	uint64_t v;

	if (units_parse_u64(arg, min, max, &v, &e) != 0)
		return (applet_fail(&e, "%s", what));
	*out = (unsigned)v;
	return (0);
}

static int
parse_protect(struct bridge_opts *o, const char *arg)
{
	if (strcmp(arg, "stp") == 0)
		o->spec.stp = true;
	else if (strcmp(arg, "none") != 0)
		return (applet_fail(NULL, "protection '%s' is not supported; use stp or none", arg));
	return (0);
}

static int
parse_bridge(int argc, char **argv, const char *opts, struct bridge_opts *o)
{
	int c, rc = 0;

	memset(o, 0, sizeof(*o));
	o->spec.member = o->member;
	while (rc == 0 && (c = applet_getopt(argc, argv, opts)) != -1)
		switch (c) {
		case 't': o->temporary = true; break;
		case 'P': rc = parse_protect(o, optarg); break;
		case 'p': rc = parse_number("priority", optarg, 0, 61440, &o->spec.priority); break;
		case 'm': rc = parse_number("max-age", optarg, 6, 40, &o->spec.max_age); break;
		case 'h': rc = parse_number("hello-time", optarg, 1, 10, &o->spec.hello); break;
		case 'd': rc = parse_number("forward-delay", optarg, 4, 30, &o->spec.delay); break;
		case 'l':
			if (o->n == MEMBERS_MAX)
				return (applet_usage("more than %d members", MEMBERS_MAX));
			o->member[o->n++] = optarg;
			break;
		default: return (2);
		}
	if (rc != 0)
		return (rc);
	o->spec.priority &= ~4095u; /* steps of 4096, rounded down */
	if (argc - optind != 1)
		return (applet_usage(argc == optind ? "missing bridge name" : "too many arguments"));
	o->spec.name = argv[optind];
	return (0);
}

static json_t *
bridge_entry(const struct bridge_opts *o)
{
	json_t *j = json_pack("{s:s, s:b, s:i, s:i, s:i, s:i}", "class", "bridge", "stp", o->spec.stp,
	    "priority", (int)o->spec.priority, "max_age", (int)o->spec.max_age, "hello",
	    (int)o->spec.hello, "delay", (int)o->spec.delay), *list = json_array();

	for (size_t i = 0; i < o->n; i++)
		(void)json_array_append_new(list, json_string(o->member[i]));
	(void)json_object_set_new(j, "members", list);
	return (j);
}

static int
do_create_bridge(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct bridge_opts o;
	int rc = parse_bridge(argc, argv, "tP:p:m:h:d:l:", &o);

	if (rc != 0)
		return (rc);
	if (bridge_create(&o.spec, &e) != 0)
		return (failed("bridge creation", &e));
	if (!o.temporary && linkdb_put(o.spec.name, bridge_entry(&o), &e) != 0) {
		(void)bridge_delete(o.spec.name, NULL);
		return (failed("bridge creation", &e));
	}
	return (0);
}

static int
do_delete_bridge(int argc, char **argv)
{
	return (delete_link(argc, argv, bridge_delete, "bridge deletion"));
}

static int
change_members(int argc, char **argv, bool add)
{
	struct err e = ERR_INIT;
	struct bridge_opts o;
	int rc = parse_bridge(argc, argv, "tl:", &o);

	if (rc != 0)
		return (rc);
	if (o.n == 0)
		return (applet_usage("missing '-l link'"));
	for (size_t i = 0; i < o.n; i++) {
		rc = (add ? bridge_add : bridge_remove)(o.spec.name, o.member[i], &e);
		if (rc == 0 && !o.temporary)
			rc = linkdb_set_member(o.spec.name, o.member[i], add, &e);
		if (rc != 0)
			return (failed(add ? "bridge add" : "bridge remove", &e));
	}
	return (0);
}

static int
do_add_bridge(int argc, char **argv)
{
	return (change_members(argc, argv, true));
}

static int
do_remove_bridge(int argc, char **argv)
{
	return (change_members(argc, argv, false));
}

enum { B_NAME, B_ADDRESS, B_PRIORITY, B_ROOT, B_STATE };

/* "8000.020820aabbcc" of sysfs -> "32768/2:8:20:aa:bb:cc". */
static void
bridge_id_cell(char *buf, size_t n, const char *id)
{
	unsigned prio, b[6];
	struct mac_addr m;
	char mac[18];

	if (sscanf(id, "%4x.%2x%2x%2x%2x%2x%2x", &prio, &b[0], &b[1], &b[2], &b[3], &b[4],
	    &b[5]) != 7) {
		text_cell(buf, n, "?");
		return;
	}
	for (int i = 0; i < 6; i++)
		m.b[i] = (uint8_t)b[i];
	mac_format(mac, &m, false);
	(void)snprintf(buf, n, "%u/%s", prio, mac);
}

static void
bridge_cell(char *buf, size_t n, const void *row, int id, unsigned flags)
{
	static const char *const what[] = {[B_ADDRESS] = "bridge_id", [B_PRIORITY] = "priority",
		[B_ROOT] = "root_id"};
	const struct row *r = row;
	char text[64];

	(void)flags;
	if (id == B_NAME) {
		text_cell(buf, n, r->l->name);
		return;
	}
	if (bridge_attr(r->l, what[id], text, sizeof(text)) != 0)
		text_cell(buf, n, "?");
	else if (id == B_PRIORITY)
		text_cell(buf, n, text);
	else
		bridge_id_cell(buf, n, text);
}

static void
member_cell(char *buf, size_t n, const void *row, int id, unsigned flags)
{
	const struct row *r = row;

	(void)flags;
	text_cell(buf, n, id == B_NAME ? r->l->name :
	    r->l->has_carrier ? "forwarding" : "disabled");
}

static const struct column bridge_columns[] = {
	{"bridge", "BRIDGE", 12, 0, bridge_cell, B_NAME},
	{"address", "ADDRESS", 22, 0, bridge_cell, B_ADDRESS},
	{"priority", "PRIORITY", 8, 0, bridge_cell, B_PRIORITY},
	{"desroot", "DESROOT", 22, 0, bridge_cell, B_ROOT},
	COL_END,
};
static const struct column member_columns[] = {
	{"link", "LINK", 12, 0, member_cell, B_NAME},
	{"state", "STATE", 10, 0, member_cell, B_STATE},
	COL_END,
};

static bool
pick_bridge(const struct link *l, const struct show_opts *o)
{
	(void)o;
	return (l->class == LINK_BRIDGE);
}

static int
show_members(const char *bridge, const struct show_opts *o)
{
	struct err e = ERR_INIT;
	struct link_list all;
	const struct link *b;
	struct table *t;
	int rc = 0;

	if (table_new(member_columns, o->columns, o->parse ? TABLE_PARSE : 0, &t, &e) != 0)
		return (applet_fail_plain(&e));
	if (link_list(&all, &e) != 0) {
		table_free(t);
		return (applet_fail_plain(&e));
	}
	b = link_find(&all, NULL, bridge);
	for (size_t i = 0; b != NULL && i < all.n; i++) {
		struct row r = {&all, &all.v[i]};

		if (r.l->master == b->ifindex && r.l->class != LINK_INTERNAL)
			(void)table_add(t, &r);
	}
	if (b == NULL || b->class != LINK_BRIDGE) {
		rc = applet_fail(NULL, "invalid bridge '%s': object not found", bridge);
		table_free(t);
	} else {
		table_end(t, stdout);
	}
	link_list_free(&all);
	return (rc);
}

static int
do_show_bridge(int argc, char **argv)
{
	struct show_opts o = {NULL};
	bool members = false;
	int c;

	while ((c = applet_getopt(argc, argv, "lpo:")) != -1)
		switch (c) {
		case 'l': members = true; break;
		case 'p': o.parse = true; break;
		case 'o': o.columns = optarg; break;
		default: return (2);
		}
	if (o.parse && o.columns == NULL)
		return (applet_usage("option '-p' requires '-o'"));
	if (argc - optind > 1 || (members && argc == optind))
		return (applet_usage(members ? "missing bridge name" : "too many arguments"));
	o.only = argv[optind];
	return (members ? show_members(o.only, &o) : show(bridge_columns, &o, pick_bridge, "bridge"));
}

/* --- link properties -------------------------------------------------------------------------- */

struct prop_opts {
	struct set_arg set;
	char *props;
	const char *columns;
	bool parse;
};

static int
parse_prop(int argc, char **argv, const char *opts, struct prop_opts *o)
{
	int c;

	*o = (struct prop_opts){.props = NULL};
	while ((c = applet_getopt(argc, argv, opts)) != -1)
		switch (c) {
		case 't': o->set.temporary = true; break;
		case 'p': o->props = optarg; break;
		case 'c': o->parse = true; break;
		case 'o': o->columns = optarg; break;
		case 'z': o->set.zone = optarg; break;
		default: return (2);
		}
	if (argc - optind > 1)
		return (applet_usage("unexpected argument '%s'", argv[optind + 1]));
	o->set.link = argv[optind];
	return (0);
}

static const char *
class_of(const char *zone, const char *name, const struct link_list *all)
{
	const struct link *l = link_find(all, zone, name);

	return (l != NULL ? link_class_name(l->class) : "misc");
}

static int
change_props(struct prop_opts *o, const char *operation)
{
	struct err e = ERR_INIT;
	struct link_list all;
	int rc;

	if (o->set.link == NULL)
		return (applet_usage("missing link name"));
	if (link_list(&all, &e) != 0)
		return (failed(operation, &e));
	o->set.class_name = class_of(o->set.zone, o->set.link, &all);
	rc = for_each_prop(o->props, set_one, &o->set, &e);
	link_list_free(&all);
	return (rc != 0 ? failed(operation, &e) : 0);
}

static int
do_set_linkprop(int argc, char **argv)
{
	struct prop_opts o;
	int rc = parse_prop(argc, argv, "tp:z:", &o);

	if (rc != 0)
		return (rc);
	if (o.props == NULL)
		return (applet_usage("missing '-p prop=value'"));
	return (change_props(&o, "set-linkprop"));
}

static int
do_reset_linkprop(int argc, char **argv)
{
	static char every[] = "maxbw,mtu";
	struct prop_opts o;
	int rc = parse_prop(argc, argv, "tp:z:", &o);

	if (rc != 0)
		return (rc);
	if (o.props == NULL)
		o.props = every;
	o.set.is_reset = true;
	return (change_props(&o, "reset-linkprop"));
}

enum { P_LINK, P_PROPERTY, P_PERM, P_VALUE, P_DEFAULT, P_POSSIBLE };

struct prop_row {
	const struct link *l;
	const struct linkprop *p;
};

static void
prop_cell(char *buf, size_t n, const void *row, int id, unsigned flags)
{
	const struct prop_row *r = row;

	(void)flags;
	switch (id) {
	case P_LINK: text_cell(buf, n, r->l->name); break;
	case P_PROPERTY: text_cell(buf, n, r->p->name); break;
	case P_PERM: text_cell(buf, n, r->p->perm); break;
	case P_VALUE: r->p->show(buf, n, r->l); break;
	case P_DEFAULT: text_cell(buf, n, r->p->def); break;
	default: text_cell(buf, n, r->p->possible); break;
	}
}

static const struct column prop_columns[] = {
	{"link", "LINK", 12, 0, prop_cell, P_LINK},
	{"property", "PROPERTY", 15, 0, prop_cell, P_PROPERTY},
	{"perm", "PERM", 4, 0, prop_cell, P_PERM},
	{"value", "VALUE", 14, 0, prop_cell, P_VALUE},
	{"default", "DEFAULT", 14, 0, prop_cell, P_DEFAULT},
	{"possible", "POSSIBLE", 8, 0, prop_cell, P_POSSIBLE},
	COL_END,
};

/* Is `name` in the comma separated list (NULL: every name)? */
static bool
is_wanted(const char *list, const char *name)
{
	size_t n = strlen(name);

	if (list == NULL)
		return (true);
	for (const char *p = list; (p = strstr(p, name)) != NULL; p += n)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
			return (true);
	return (false);
}

static void
add_props(struct table *t, const struct link *l, const char *wanted)
{
	for (const struct linkprop *p = linkprop_table(); p->name != NULL; p++) {
		struct prop_row r = {l, p};

		if (is_wanted(wanted, p->name))
			(void)table_add(t, &r);
	}
}

static int
check_props(const char *wanted)
{
	char copy[256], *save = NULL, *w;
	const struct linkprop *p;
	struct err e = ERR_INIT;

	if (wanted == NULL)
		return (0);
	(void)snprintf(copy, sizeof(copy), "%s", wanted);
	for (w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		if (linkprop_check(w, &p, &e) != 0)
			return (applet_fail_plain(&e));
	return (0);
}

static int
do_show_linkprop(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct link_list all;
	struct prop_opts o;
	struct table *t;
	size_t n = 0;
	int rc = parse_prop(argc, argv, "cp:o:z:P", &o);

	if (rc != 0 || (rc = check_props(o.props)) != 0)
		return (rc);
	if (table_new(prop_columns, o.columns, o.parse ? TABLE_PARSE : 0, &t, &e) != 0)
		return (applet_fail_plain(&e));
	if (link_list(&all, &e) != 0) {
		table_free(t);
		return (applet_fail_plain(&e));
	}
	for (size_t i = 0; i < all.n; i++) {
		const struct link *l = &all.v[i];

		if (l->class == LINK_INTERNAL ||
		    (o.set.link != NULL && strcmp(o.set.link, l->name) != 0) ||
		    (o.set.zone != NULL && strcmp(o.set.zone, l->zone) != 0))
			continue;
		add_props(t, l, o.props);
		n++;
	}
	if (n == 0 && o.set.link != NULL) {
		table_free(t);
		link_list_free(&all);
		return (applet_fail(NULL, "invalid link '%s': object not found", o.set.link));
	}
	table_end(t, stdout);
	link_list_free(&all);
	return (0);
}

/* --- boot ------------------------------------------------------------------------------------- */

static void
report_link(const char *name, const struct err *e)
{
	(void)applet_fail(e, "link '%s'", name);
}

static int
do_up(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return (applet_usage("no arguments expected"));
	return (linkdb_replay(report_link, NULL) == 0 ? 0 : 1);
}

static const struct subcmd commands[] = {
	{"show-link", do_show_link, "[-P] [-s] [-z ZONE] [[-p] -o FIELD[,...]] [LINK]",
	    "links of every class (the default command)"},
	{"show-phys", do_show_phys, "[-m] [[-p] -o FIELD[,...]] [LINK]",
	    "network cards; -m: their addresses"},
	{"create-etherstub", do_create_etherstub, "[-t] STUB", "a switch without uplink"},
	{"delete-etherstub", do_delete_etherstub, "[-t] STUB", NULL},
	{"show-etherstub", do_show_etherstub, "[-P] [[-p] -o FIELD[,...]] [STUB]", NULL},
	{"create-vnic", do_create_vnic,
	    "[-t] -l LINK [-m ADDRESS|random|auto] [-v VID] [-p PROP=VALUE[,...]] VNIC",
	    "a virtual card over a card, bridge or etherstub"},
	{"delete-vnic", do_delete_vnic, "[-t] VNIC", NULL},
	{"show-vnic", do_show_vnic, "[-P] [-s] [-l LINK] [-z ZONE] [[-p] -o FIELD[,...]] [VNIC]",
	    NULL},
	{"create-bridge", do_create_bridge,
	    "[-t] [-P stp|none] [-p PRIORITY] [-m MAX-AGE] [-h HELLO] [-d DELAY] [-l LINK]... BRIDGE",
	    NULL},
	{"delete-bridge", do_delete_bridge, "[-t] BRIDGE", NULL},
	{"add-bridge", do_add_bridge, "[-t] -l LINK [-l LINK]... BRIDGE", NULL},
	{"remove-bridge", do_remove_bridge, "[-t] -l LINK [-l LINK]... BRIDGE", NULL},
	{"show-bridge", do_show_bridge, "[-l] [[-p] -o FIELD[,...]] [BRIDGE]",
	    "bridges; -l: the members of BRIDGE"},
	{"set-linkprop", do_set_linkprop, "[-t] [-z ZONE] -p PROP=VALUE[,...] LINK",
	    "properties: maxbw (100M), mtu"},
	{"reset-linkprop", do_reset_linkprop, "[-t] [-z ZONE] [-p PROP[,...]] LINK", NULL},
	{"show-linkprop", do_show_linkprop, "[-c] [-z ZONE] [-p PROP[,...]] [-o FIELD[,...]] [LINK]",
	    NULL},
	{"get-linkprop", do_show_linkprop, "[-c] [-z ZONE] [-p PROP[,...]] [-o FIELD[,...]] [LINK]",
	    "another name of show-linkprop"},
	{"up", do_up, "", "create the persistent links that are not there"},
	{NULL, NULL, NULL, NULL},
};

static int
dladm_main(int argc, char **argv)
{
	static char show_link[] = "show-link";
	char *plain[] = {argv[0], show_link, NULL};

	if (argc < 2)
		return (subcmd_run(commands, 2, plain));
	return (subcmd_run(commands, argc, argv));
}
