/* SPDX-License-Identifier: MIT */
/*
 * The XML form of a zone configuration, as SmartOS keeps it in /etc/zones/NAME.xml.
 *
 * Most elements follow from the tables in kern/zonecfg.c.  What does not:
 *	dedicated-cpu		<pset ncpu_min= ncpu_max=> and <tmp_pool importance=>
 *	capped-cpu, swap, locked	rctls only
 *	capped-memory physical	<mcap physcap=>, in memory the rctl zone.max-physical-memory
 * Elements of illumos that mean nothing here (packages, patches, inherited directories) are kept with
 * their attributes and written back; an element that illumos does not know either is an error.
 *
 * Source of the element and attribute names: the zone DTD of illumos, facts only
 * (docs/zones-design.md).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"
#include "zonecfg_norm.h"

/* --- reading --- */

struct reader {
	struct xml x;
	struct zonecfg *c;
	struct zonecfg_res *res; /* the resource whose element is open */
	struct err *e;
};

static int
read_zone_element(struct reader *r)
{
	int rc;

	if (strcmp(r->x.name, "zone") != 0)
		return (err_set(r->e, EINVAL, "%s:%u: root element is '%s', not 'zone'", r->x.file,
		    r->x.line, r->x.name));
	for (const struct global_def *g = zonecfg_globals; g->name != NULL; g++) {
		const char *v = g->xml != NULL ? xml_attr(&r->x, g->xml) : NULL;

		if (v != NULL && *v != '\0' && (rc = zonecfg_set(r->c, g->name, v, r->e)) != 0)
			return (err_wrap(r->e, "%s:%u", r->x.file, r->x.line));
	}
	return (0);
}

static const struct res_def *
def_by_element(const char *name)
{
	static const char *const kept[] = {"deleted-device", "inherited-pkg-dir", "package", "patch",
	    "obsoletes", "incompatible", "dev-perm", NULL};

	for (const struct res_def *d = zonecfg_res_defs; d->type != NULL; d++)
		if (d->xml != NULL && strcmp(d->xml, name) == 0)
			return (d);
	for (const char *const *k = kept; *k != NULL; k++)
		if (strcmp(*k, name) == 0)
			return (&zonecfg_legacy);
	return (NULL);
}

static int
keep_legacy(struct reader *r, struct zonecfg_res *res)
{
	int rc = zonecfg_res_set(res, "element", r->x.name, r->e);

	for (size_t i = 0; i < r->x.nattr && rc == 0; i++)
		rc = zonecfg_res_set_pair(res, r->x.attr[i].name, r->x.attr[i].value, r->e);
	return (rc);
}

static int
set_attrs(struct reader *r, struct zonecfg_res *res)
{
	int rc = 0;

	for (const struct prop_def *p = res->def->props; p->name != NULL && rc == 0; p++) {
		const char *v = p->xml != NULL ? xml_attr(&r->x, p->xml) : NULL;

		if (p - res->def->props == RES_PROPS - 1)
			break;
		if (p->shape == P_SIMPLE && v != NULL && (*v != '\0' || p->norm == norm_text))
			rc = zonecfg_res_set(res, p->name, v, r->e);
	}
	return (rc);
}

static struct zonecfg_res *
get_or_add(struct reader *r, const char *type)
{
	struct zonecfg_res *res = zonecfg_res_next(r->c, type, NULL);

	if (res == NULL)
		(void)zonecfg_res_add(r->c, type, &res, r->e);
	return (res);
}

static int
read_pset(struct reader *r)
{
	const char *min = xml_attr(&r->x, "ncpu_min"), *max = xml_attr(&r->x, "ncpu_max");
	struct zonecfg_res *res = get_or_add(r, "dedicated-cpu");
	char range[48];

	if (res == NULL)
		return (-ENOMEM);
	if (min == NULL || max == NULL)
		return (err_set(r->e, EINVAL, "pset without ncpu_min or ncpu_max"));
	if (strcmp(min, max) == 0)
		(void)snprintf(range, sizeof(range), "%.20s", min);
	else
		(void)snprintf(range, sizeof(range), "%.20s-%.20s", min, max);
	return (zonecfg_res_set(res, "ncpus", range, r->e));
}

/* Elements that are no resource of their own.  1: not one of them. */
static int
read_special(struct reader *r)
{
	struct zonecfg_res *res;
	const char *v;

	if (strcmp(r->x.name, "pset") == 0)
		return (read_pset(r));
	if (strcmp(r->x.name, "tmp_pool") == 0) {
		v = xml_attr(&r->x, "importance");
		res = get_or_add(r, "dedicated-cpu");
		return (res == NULL || v == NULL ? 0 :
		    zonecfg_res_set(res, "importance", v, r->e));
	}
	if (strcmp(r->x.name, "mcap") == 0) {
		v = xml_attr(&r->x, "physcap");
		return (v != NULL ? zonecfg_set(r->c, "max-physical-memory", v, r->e) : 0);
	}
	return (1);
}

static int
read_resource(struct reader *r)
{
	const struct res_def *d;
	int rc = read_special(r);

	r->res = NULL;
	if (rc != 1)
		return (rc);
	if ((d = def_by_element(r->x.name)) == NULL)
		return (err_set(r->e, EINVAL, "unknown element '%s'", r->x.name));
	if ((rc = zonecfg_res_new(d->type, &r->res, r->e)) != 0)
		return (rc);
	return (d == &zonecfg_legacy ? keep_legacy(r, r->res) : set_attrs(r, r->res));
}

static int
read_child(struct reader *r)
{
	const struct res_def *d = r->res != NULL ? r->res->def : NULL;
	const char *name = xml_attr(&r->x, "name"), *value = xml_attr(&r->x, "value");
	char text[128];

	if (d == &zonecfg_legacy)
		return (0);
	if (d == NULL || d->child == NULL || strcmp(r->x.name, d->child) != 0)
		return (err_set(r->e, EINVAL, "unexpected element '%s'", r->x.name));
	if (strcmp(d->type, "rctl") == 0) {
		const char *priv = xml_attr(&r->x, "priv"), *limit = xml_attr(&r->x, "limit");
		const char *action = xml_attr(&r->x, "action");

		if (priv == NULL || limit == NULL || action == NULL)
			return (err_set(r->e, EINVAL, "rctl-value lacks an attribute"));
		(void)snprintf(text, sizeof(text), "(priv=%.20s,limit=%.24s,action=%.20s)", priv,
		    limit, action);
		return (zonecfg_res_append(r->res, text, r->e));
	}
	if (name == NULL)
		return (err_set(r->e, EINVAL, "%s without a name", r->x.name));
	if (zonecfg_list_def(d)->shape == P_LIST)
		return (zonecfg_res_append(r->res, name, r->e));
	return (zonecfg_res_set_pair(r->res, name, value != NULL ? value : "", r->e));
}

/* dedicated-cpu is put together from two elements: are both parts that it needs there? */
static int
check_dedicated_cpu(const struct reader *r)
{
	const struct zonecfg_res *res = zonecfg_res_next(r->c, "dedicated-cpu", NULL);
	int rc = res != NULL ? zonecfg_res_check(r->c, res, NULL, r->e) : 0;

	return (rc == 0 ? 0 : err_wrap(r->e, "%s", r->x.file));
}

/* A resource's end tag: only a complete one joins the configuration. */
static int
finish_resource(struct reader *r)
{
	struct zonecfg_res *res = r->res;
	int rc;

	if (res == NULL)
		return (0);
	if ((rc = zonecfg_res_check(r->c, res, NULL, r->e)) != 0)
		return (rc);
	r->res = NULL;
	zonecfg_res_attach(r->c, res, NULL);
	return (0);
}

static int
read_event(struct reader *r, int ev)
{
	int depth = r->x.depth, rc;

	if (ev == XML_START)
		rc = depth == 1 ? read_zone_element(r) :
		    depth == 2 ? read_resource(r) :
		    depth == 3 ? read_child(r) : err_set(r->e, EINVAL, "nested too deeply");
	else
		rc = depth == 1 ? finish_resource(r) : 0;
	if (rc != 0 && !(ev == XML_START && depth == 1))
		rc = err_wrap(r->e, "%s:%u", r->x.file, r->x.line);
	return (rc);
}

int
zonecfg_parse_xml(const char *name, const char *buf, size_t len, struct zonecfg **out,
    struct err *e)
{
	struct err local = ERR_INIT;
	struct reader r = {.e = e != NULL ? e : &local};
	int rc = 0, ev = XML_START;

	if ((r.c = calloc(1, sizeof(*r.c))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = zonecfg_set(r.c, "ip-type", "shared", e)) == 0) /* the DTD's default */
		rc = zonecfg_set(r.c, "autoboot", "false", e);
	xml_init(&r.x, name, buf, len);
	while (rc == 0 && (ev = xml_next(&r.x, r.e)) != XML_EOF)
		rc = ev < 0 ? ev : read_event(&r, ev);
	xml_fini(&r.x);
	zonecfg_res_free(r.res);
	if (rc == 0)
		rc = check_dedicated_cpu(&r);
	if (rc == 0 && (zonecfg_name(r.c) == NULL || zonecfg_get(r.c, "zonepath") == NULL))
		rc = err_set(e, EINVAL, "%s: zone element without name or zonepath", name);
	if (rc != 0) {
		zonecfg_free(r.c);
		return (rc);
	}
	*out = r.c;
	return (0);
}

/* --- writing --- */

static void
put_attr(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, " %s=\"", name);
	for (const char *p = value; *p != '\0'; p++) {
		switch (*p) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\t':
			buf_str(b, "&#9;");
			break;
		default:
			buf_add(b, p, 1);
		}
	}
	buf_str(b, "\"");
}

static void
put_item(struct buf *b, const struct zonecfg_res *r, const struct pair *item)
{
	struct rctl_value v;
	char limit[24];

	buf_printf(b, "    <%s", r->def->child);
	if (strcmp(r->def->type, "rctl") == 0 && rctl_value_parse(item->value, &v, NULL) == 0) {
		(void)snprintf(limit, sizeof(limit), "%" PRIu64, v.limit);
		put_attr(b, "priv", v.priv);
		put_attr(b, "limit", limit);
		put_attr(b, "action", v.action);
	} else if (item->name != NULL) {
		put_attr(b, "name", item->name);
		put_attr(b, "value", item->value);
	} else {
		put_attr(b, "name", item->value);
	}
	buf_str(b, "/>\n");
}

static void
put_legacy(struct buf *b, const struct zonecfg_res *r)
{
	buf_printf(b, "  <%s", r->val[0]);
	for (size_t i = 0; i < r->nitems; i++)
		put_attr(b, r->items[i].name, r->items[i].value);
	buf_str(b, "/>\n");
}

static void
put_dedicated_cpu(struct buf *b, const struct zonecfg_res *r)
{
	const char *n = zonecfg_res_get(r, "ncpus"), *imp = zonecfg_res_get(r, "importance");
	const char *dash = strchr(n, '-');
	char min[24];

	(void)snprintf(min, sizeof(min), "%.*s", (int)strcspn(n, "-"), n);
	buf_str(b, "  <pset");
	put_attr(b, "ncpu_min", min);
	put_attr(b, "ncpu_max", dash != NULL ? dash + 1 : n);
	buf_str(b, "/>\n");
	if (imp == NULL)
		return;
	buf_str(b, "  <tmp_pool");
	put_attr(b, "importance", imp);
	buf_str(b, "/>\n");
}

static bool
is_physical_cap(const struct zonecfg_res *r, uint64_t *limit)
{
	return (strcmp(r->def->type, "rctl") == 0 &&
	    strcmp(zonecfg_res_get(r, "name"), "zone.max-physical-memory") == 0 &&
	    zonecfg_rctl_simple(r, "deny", limit));
}

static void
put_resource(struct buf *b, const struct zonecfg_res *r)
{
	const struct res_def *d = r->def;
	uint64_t limit;

	if (d == &zonecfg_legacy) {
		put_legacy(b, r);
		return;
	}
	if (strcmp(d->type, "dedicated-cpu") == 0)
		put_dedicated_cpu(b, r);
	if (is_physical_cap(r, &limit)) {
		buf_printf(b, "  <mcap physcap=\"%" PRIu64 "\"/>\n", limit);
		return;
	}
	if (d->xml == NULL)
		return;
	buf_printf(b, "  <%s", d->xml);
	for (int i = 0; i < RES_PROPS && d->props[i].name != NULL; i++)
		if (d->props[i].shape == P_SIMPLE && d->props[i].xml != NULL && r->val[i] != NULL)
			put_attr(b, d->props[i].xml, r->val[i]);
	buf_str(b, r->nitems != 0 ? ">\n" : "/>\n");
	for (size_t i = 0; i < r->nitems; i++)
		put_item(b, r, &r->items[i]);
	if (r->nitems != 0)
		buf_printf(b, "  </%s>\n", d->xml);
}

void
zonecfg_format_xml(const struct zonecfg *c, struct buf *out)
{
	buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" "
		     "\"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n<zone");
	for (int i = 0; zonecfg_globals[i].name != NULL; i++)
		if (zonecfg_globals[i].xml != NULL && c->global[i] != NULL)
			put_attr(out, zonecfg_globals[i].xml, c->global[i]);
	buf_str(out, ">\n");
	for (const struct zonecfg_res *r = c->first; r != NULL; r = r->next)
		put_resource(out, r);
	buf_str(out, "</zone>\n");
}
