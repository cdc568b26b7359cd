/* SPDX-License-Identifier: MIT */
/*
 * The zone configuration object: two tables (global properties, resources) and the code that walks
 * them.  The XML form is kern/zonecfg_xml.c, the command language kern/zonecfg_cmd.c, the files
 * kern/zonecfg_file.c.
 *
 * One truth for limits: an rctl resource.  The aliases (cpu-shares, max-lwps, ...) and the resources
 * capped-cpu and capped-memory are views: setting one writes the rctl, and after every change of an
 * rctl sync_views() makes the capped-* resources say what the rctls say.
 *
 * Invariants:
 *  1. A stored value went through its norm function; readers need not check again.
 *  2. Key properties (fs dir, rctl name, attr name, dataset name) are unique within a configuration.
 *  3. A capped-* resource in a configuration equals its rctls.
 */
#include "smartbox/kern/zonecfg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/units.h"
#include "zonecfg_norm.h"

const struct global_def zonecfg_globals[] = {
    {"zonename", "name", norm_zonename, false},
    {"zonepath", "zonepath", norm_zonepath, false},
    {"brand", "brand", norm_word, false},
    {"autoboot", "autoboot", norm_bool, false},
    {"bootargs", "bootargs", norm_text, false},
    {"pool", "pool", norm_word, false},
    {"limitpriv", "limitpriv", norm_word, false},
    {"scheduling-class", "scheduling-class", norm_word, false},
    {"ip-type", "ip-type", norm_iptype, false},
    {"hostid", "hostid", norm_hostid, false},
    {"fs-allowed", "fs-allowed", norm_word, false},
    {"uuid", NULL, norm_uuid, true}, /* in the index */
    {"debugid", "debugid", norm_uint, true},
    {NULL, NULL, NULL, false},
};

const struct alias_def zonecfg_aliases[] = {
    {"cpu-shares", "zone.cpu-shares", "none", false},
    {"cpu-cap", "zone.cpu-cap", "deny", false},
    {"max-lwps", "zone.max-lwps", "deny", false},
    {"max-processes", "zone.max-processes", "deny", false},
    {"max-msg-ids", "zone.max-msg-ids", "deny", false},
    {"max-sem-ids", "zone.max-sem-ids", "deny", false},
    {"max-shm-ids", "zone.max-shm-ids", "deny", false},
    {"max-shm-memory", "zone.max-shm-memory", "deny", true},
    {"max-physical-memory", "zone.max-physical-memory", "deny", true},
    {"max-swap", "zone.max-swap", "deny", true},
    {"max-locked-memory", "zone.max-locked-memory", "deny", true},
    {"zfs-io-priority", "zone.zfs-io-priority", "none", false},
    {NULL, NULL, NULL, false},
};

#define NO_PROP {NULL, NULL, NULL, P_SIMPLE, false}

const struct res_def zonecfg_res_defs[] = {
    {"fs", "filesystem", "fsoption", "dir", false,
	{{"dir", "directory", norm_abspath, P_SIMPLE, true},
	    {"special", "special", norm_word, P_SIMPLE, true},
	    {"raw", "raw", norm_word, P_SIMPLE, false},
	    {"type", "type", norm_word, P_SIMPLE, true},
	    {"options", "name", norm_word, P_LIST, false}, NO_PROP}},
    {"net", "network", "net-attr", NULL, false,
	{{"address", "address", norm_word, P_SIMPLE, false},
	    {"allowed-address", "allowed-address", norm_word, P_SIMPLE, false},
	    {"defrouter", "defrouter", norm_word, P_SIMPLE, false},
	    {"global-nic", "global-nic", norm_word, P_SIMPLE, false},
	    {"mac-addr", "mac-addr", norm_mac, P_SIMPLE, false},
	    {"physical", "physical", norm_word, P_SIMPLE, true},
	    {"vlan-id", "vlan-id", norm_vlan, P_SIMPLE, false},
	    {"property", NULL, norm_text, P_PAIRS, false}}},
    {"device", "device", "net-attr", "match", false,
	{{"match", "match", norm_word, P_SIMPLE, true},
	    {"property", NULL, norm_text, P_PAIRS, false}, NO_PROP}},
    {"dedicated-cpu", NULL, NULL, NULL, true,
	{{"ncpus", NULL, norm_cpu_range, P_SIMPLE, true},
	    {"importance", NULL, norm_uint, P_SIMPLE, false}, NO_PROP}},
    {"capped-cpu", NULL, NULL, NULL, true,
	{{"ncpus", NULL, norm_ncpus, P_SIMPLE, true}, NO_PROP}},
    {"capped-memory", NULL, NULL, NULL, true,
	{{"physical", NULL, norm_size, P_SIMPLE, false},
	    {"swap", NULL, norm_size, P_SIMPLE, false},
	    {"locked", NULL, norm_size, P_SIMPLE, false}, NO_PROP}},
    {"security-flags", "security-flags", NULL, NULL, true,
	{{"lower", "lower", norm_text, P_SIMPLE, false},
	    {"default", "default", norm_text, P_SIMPLE, false},
	    {"upper", "upper", norm_text, P_SIMPLE, false}, NO_PROP}},
    {"admin", "admin", NULL, "user", false,
	{{"user", "user", norm_word, P_SIMPLE, true},
	    {"auths", "auths", norm_word, P_SIMPLE, true}, NO_PROP}},
    {"attr", "attr", NULL, "name", false,
	{{"name", "name", norm_word, P_SIMPLE, true},
	    {"type", "type", norm_attr_type, P_SIMPLE, true},
	    {"value", "value", norm_text, P_SIMPLE, true}, NO_PROP}},
    {"dataset", "dataset", NULL, "name", false,
	{{"name", "name", norm_word, P_SIMPLE, true}, NO_PROP}},
    {"rctl", "rctl", "rctl-value", "name", false,
	{{"name", "name", norm_rctl_name, P_SIMPLE, true},
	    {"value", NULL, norm_rctl_value, P_LIST, true}, NO_PROP}},
    {NULL, NULL, NULL, NULL, false, {NO_PROP}},
};

/* An element that illumos knows and we do not: its name is val[0], its attributes are pairs. */
const struct res_def zonecfg_legacy = {"legacy", NULL, NULL, NULL, false,
    {{"element", NULL, norm_word, P_SIMPLE, true}, {"attribute", NULL, norm_text, P_PAIRS, false},
	NO_PROP}};

/* Which rctl a capped-* property is a view of. */
static const struct view {
	const char *res, *prop, *alias;
} views[] = {
    {"capped-cpu", "ncpus", "cpu-cap"},
    {"capped-memory", "physical", "max-physical-memory"},
    {"capped-memory", "swap", "max-swap"},
    {"capped-memory", "locked", "max-locked-memory"},
};
enum { NVIEWS = sizeof(views) / sizeof(views[0]) };

static void sync_views(struct zonecfg *c);
static void link_res(struct zonecfg *c, struct zonecfg_res *r, struct zonecfg_res *instead_of);

/* --- lookups --- */

const struct res_def *
zonecfg_res_def(const char *type)
{
	for (const struct res_def *d = zonecfg_res_defs; d->type != NULL; d++)
		if (strcmp(d->type, type) == 0)
			return (d);
	return (strcmp(type, zonecfg_legacy.type) == 0 ? &zonecfg_legacy : NULL);
}

const struct prop_def *
zonecfg_prop_def(const struct res_def *d, const char *prop)
{
	for (int i = 0; i < RES_PROPS && d->props[i].name != NULL; i++)
		if (strcmp(d->props[i].name, prop) == 0)
			return (&d->props[i]);
	return (NULL);
}

const struct prop_def *
zonecfg_list_def(const struct res_def *d)
{
	for (int i = 0; i < RES_PROPS && d->props[i].name != NULL; i++)
		if (d->props[i].shape != P_SIMPLE)
			return (&d->props[i]);
	return (NULL);
}

const struct alias_def *
zonecfg_alias(const char *name)
{
	for (const struct alias_def *a = zonecfg_aliases; a->name != NULL; a++)
		if (strcmp(a->name, name) == 0)
			return (a);
	return (NULL);
}

static int
global_index(const char *prop)
{
	for (int i = 0; zonecfg_globals[i].name != NULL; i++)
		if (strcmp(zonecfg_globals[i].name, prop) == 0)
			return (i);
	return (-1);
}

static int
prop_index(const struct zonecfg_res *r, const char *prop)
{
	const struct prop_def *p = zonecfg_prop_def(r->def, prop);

	return (p != NULL && p->shape == P_SIMPLE ? (int)(p - r->def->props) : -1);
}

/* --- the object --- */

int
zonecfg_new(const char *name, struct zonecfg **out, struct err *e)
{
	struct zonecfg *c = calloc(1, sizeof(*c));
	char uuid[UUID_STRLEN + 1];
	int rc;

	if (c == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	uuid_generate(uuid);
	if ((rc = zonecfg_set(c, "zonename", name, e)) != 0 ||
	    (rc = zonecfg_set(c, "brand", "joyent", e)) != 0 ||
	    (rc = zonecfg_set(c, "autoboot", "false", e)) != 0 ||
	    (rc = zonecfg_set(c, "ip-type", "exclusive", e)) != 0 ||
	    (rc = zonecfg_set(c, "uuid", uuid, e)) != 0) {
		zonecfg_free(c);
		return (rc);
	}
	*out = c;
	return (0);
}

void
zonecfg_free(struct zonecfg *c)
{
	struct zonecfg_res *r;

	if (c == NULL)
		return;
	while ((r = c->first) != NULL) {
		c->first = r->next;
		zonecfg_res_free(r);
	}
	for (int i = 0; i < CFG_GLOBALS; i++)
		free(c->global[i]);
	free(c);
}

int
zonecfg_dup(const struct zonecfg *c, struct zonecfg **out, struct err *e)
{
	struct zonecfg *d = calloc(1, sizeof(*d));
	struct zonecfg_res *copy;

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	memcpy(d->saved_name, c->saved_name, sizeof(d->saved_name));
	for (int i = 0; i < CFG_GLOBALS; i++)
		if (c->global[i] != NULL && (d->global[i] = strdup(c->global[i])) == NULL)
			goto nomem;
	for (const struct zonecfg_res *r = c->first; r != NULL; r = r->next) {
		if (zonecfg_res_copy(r, &copy, NULL) != 0)
			goto nomem;
		link_res(d, copy, NULL);
	}
	*out = d;
	return (0);
nomem:
	zonecfg_free(d);
	return (err_set(e, ENOMEM, "out of memory"));
}

const char *
zonecfg_name(const struct zonecfg *c)
{
	return (c->global[0]);
}

/* --- rctls behind aliases --- */

bool
zonecfg_rctl_simple(const struct zonecfg_res *r, const char *action, uint64_t *limit)
{
	struct rctl_value v;

	if (r->nitems != 1 || rctl_value_parse(r->items[0].value, &v, NULL) != 0 ||
	    strcmp(v.action, action) != 0)
		return (false);
	*limit = v.limit;
	return (true);
}

static bool
alias_limit(const struct zonecfg *c, const struct alias_def *a, uint64_t *limit)
{
	const struct zonecfg_res *r = zonecfg_res_find(c, "rctl", "name", a->rctl);

	return (r != NULL && zonecfg_rctl_simple(r, a->action, limit));
}

static void
clear_items(struct zonecfg_res *r)
{
	for (size_t i = 0; i < r->nitems; i++) {
		free(r->items[i].name);
		free(r->items[i].value);
	}
	free(r->items);
	r->items = NULL;
	r->nitems = 0;
}

static int
alias_write(struct zonecfg *c, const struct alias_def *a, uint64_t limit, struct err *e)
{
	struct zonecfg_res *r = zonecfg_res_find(c, "rctl", "name", a->rctl);
	char value[96];
	int rc;

	(void)snprintf(value, sizeof(value), "(priv=privileged,limit=%" PRIu64 ",action=%s)", limit,
	    a->action);
	if (r == NULL) {
		if ((rc = zonecfg_res_add(c, "rctl", &r, e)) != 0)
			return (rc);
		if ((rc = zonecfg_res_set(r, "name", a->rctl, e)) != 0) {
			zonecfg_res_remove(c, r);
			return (rc);
		}
	}
	clear_items(r);
	rc = zonecfg_res_append(r, value, e);
	return (rc);
}

static int
alias_set(struct zonecfg *c, const struct alias_def *a, const char *value, struct err *e)
{
	uint64_t limit;
	int rc = a->is_size ? units_parse_size(value, &limit, e) :
			      units_parse_u64(value, 0, UINT64_MAX, &limit, e);

	if (rc == 0 && limit == 0)
		rc = err_set(e, EINVAL, "must be at least 1");
	if (rc != 0)
		return (err_wrap(e, "%s", a->name));
	return (alias_write(c, a, limit, e));
}

/* The alias's number as the view writes it. */
static int
view_text(const struct view *v, uint64_t limit, char **out)
{
	char buf[32];

	if (strcmp(v->res, "capped-cpu") == 0)
		(void)snprintf(buf, sizeof(buf), "%" PRIu64 ".%02u", limit / 100,
		    (unsigned)(limit % 100));
	else
		(void)snprintf(buf, sizeof(buf), "%" PRIu64, limit);
	return ((*out = strdup(buf)) != NULL ? 0 : -ENOMEM);
}

static void
sync_view(struct zonecfg *c, const struct view *v)
{
	struct zonecfg_res *r = zonecfg_res_next(c, v->res, NULL);
	uint64_t limit;
	char *text = NULL;
	int i;

	if (alias_limit(c, zonecfg_alias(v->alias), &limit)) {
		if (r == NULL && zonecfg_res_new(v->res, &r, NULL) == 0)
			link_res(c, r, NULL);
		(void)view_text(v, limit, &text);
	}
	if (r == NULL || (i = prop_index(r, v->prop)) < 0) {
		free(text);
		return;
	}
	free(r->val[i]);
	r->val[i] = text;
}

static void
sync_views(struct zonecfg *c)
{
	for (int i = 0; i < NVIEWS; i++)
		sync_view(c, &views[i]);
}

static const struct view *
view_of(const struct zonecfg_res *r, const char *prop)
{
	for (int i = 0; i < NVIEWS; i++)
		if (strcmp(views[i].res, r->def->type) == 0 && strcmp(views[i].prop, prop) == 0)
			return (&views[i]);
	return (NULL);
}

static bool
is_view(const struct zonecfg_res *r)
{
	return (strncmp(r->def->type, "capped-", 7) == 0);
}

/* The view's canonical text into its rctl. */
static int
view_write(struct zonecfg_res *r, const struct view *v, const char *canonical, struct err *e)
{
	const struct alias_def *a = zonecfg_alias(v->alias);
	uint64_t limit = strtoull(canonical, NULL, 10);
	int rc = 0;

	if (strcmp(v->res, "capped-cpu") == 0)
		rc = ncpus_to_percent(canonical, &limit, e);
	return (rc != 0 ? rc : alias_write(r->cfg, a, limit, e));
}

/* --- global properties --- */

const char *
zonecfg_get(const struct zonecfg *c, const char *prop)
{
	const struct alias_def *a = zonecfg_alias(prop);
	int i = global_index(prop);
	struct rctl_value v;
	const struct zonecfg_res *r;
	const char *s;

	if (i >= 0)
		return (c->global[i]);
	if (a == NULL || (r = zonecfg_res_find(c, "rctl", "name", a->rctl)) == NULL ||
	    r->nitems != 1)
		return (NULL);
	/* The canonical text is "(priv=privileged,limit=N,action=..)": hand out N through val. */
	if (rctl_value_parse(r->items[0].value, &v, NULL) != 0 || strcmp(v.action, a->action) != 0)
		return (NULL);
	s = r->val[RES_PROPS - 1];
	return (s);
}

uint64_t
zonecfg_get_u64(const struct zonecfg *c, const char *prop, uint64_t def)
{
	const char *s = zonecfg_get(c, prop);

	return (s != NULL ? strtoull(s, NULL, 10) : def);
}

bool
zonecfg_get_bool(const struct zonecfg *c, const char *prop)
{
	const char *s = zonecfg_get(c, prop);

	return (s != NULL && strcmp(s, "true") == 0);
}

int
zonecfg_set(struct zonecfg *c, const char *prop, const char *value, struct err *e)
{
	const struct alias_def *a = zonecfg_alias(prop);
	int i = global_index(prop), rc;
	char *norm;

	if (a != NULL)
		return (alias_set(c, a, value, e));
	if (i < 0)
		return (err_set(e, EINVAL, "unknown property '%s'", prop));
	if ((rc = zonecfg_globals[i].norm(value, &norm, e)) != 0)
		return (err_wrap(e, "%s", prop));
	free(c->global[i]);
	c->global[i] = norm;
	return (0);
}

int
zonecfg_clear(struct zonecfg *c, const char *prop, struct err *e)
{
	const struct alias_def *a = zonecfg_alias(prop);
	struct zonecfg_res *r;
	int i = global_index(prop);

	if (a != NULL) {
		if ((r = zonecfg_res_find(c, "rctl", "name", a->rctl)) != NULL)
			zonecfg_res_remove(c, r);
		return (0);
	}
	if (i < 0)
		return (err_set(e, EINVAL, "unknown property '%s'", prop));
	if (strcmp(prop, "zonename") == 0 || strcmp(prop, "zonepath") == 0 ||
	    strcmp(prop, "brand") == 0)
		return (err_set(e, EINVAL, "%s cannot be cleared", prop));
	free(c->global[i]);
	c->global[i] = NULL;
	if (strcmp(prop, "autoboot") == 0)
		return (zonecfg_set(c, prop, "false", e));
	if (strcmp(prop, "ip-type") == 0)
		return (zonecfg_set(c, prop, "exclusive", e));
	return (0);
}

/* --- resources --- */

int
zonecfg_res_new(const char *type, struct zonecfg_res **out, struct err *e)
{
	const struct res_def *d = zonecfg_res_def(type);
	struct zonecfg_res *r;

	if (d == NULL)
		return (err_set(e, EINVAL, "unknown resource type '%s'", type));
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	r->def = d;
	*out = r;
	return (0);
}

void
zonecfg_res_free(struct zonecfg_res *r)
{
	if (r == NULL)
		return;
	clear_items(r);
	for (int i = 0; i < RES_PROPS; i++)
		free(r->val[i]);
	free(r);
}

static int
add_item(struct zonecfg_res *r, const char *name, const char *value, struct err *e)
{
	struct pair *p = realloc(r->items, (r->nitems + 1) * sizeof(*p));
	char *n = NULL, *v;

	if (p == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	r->items = p;
	if ((v = strdup(value)) == NULL || (name != NULL && (n = strdup(name)) == NULL)) {
		free(v);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	r->items[r->nitems++] = (struct pair){n, v};
	return (0);
}

int
zonecfg_res_copy(const struct zonecfg_res *r, struct zonecfg_res **out, struct err *e)
{
	struct zonecfg_res *d;
	int rc = zonecfg_res_new(r->def->type, &d, e);

	if (rc != 0)
		return (rc);
	for (int i = 0; i < RES_PROPS && rc == 0; i++)
		if (r->val[i] != NULL && (d->val[i] = strdup(r->val[i])) == NULL)
			rc = err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < r->nitems && rc == 0; i++)
		rc = add_item(d, r->items[i].name, r->items[i].value, e);
	if (rc != 0) {
		zonecfg_res_free(d);
		return (rc);
	}
	*out = d;
	return (0);
}

/* May r stand in c (in the place of `except`)?  Required properties, key and single. */
int
zonecfg_res_check(const struct zonecfg *c, const struct zonecfg_res *r,
    const struct zonecfg_res *except, struct err *e)
{
	const struct res_def *d = r->def;
	const char *key = d->key != NULL ? zonecfg_res_get(r, d->key) : NULL;

	for (int i = 0; i < RES_PROPS && d->props[i].name != NULL; i++)
		if (d->props[i].required &&
		    (d->props[i].shape == P_SIMPLE ? r->val[i] == NULL : r->nitems == 0))
			return (err_set(e, EINVAL, "%s: required property '%s' is missing", d->type,
			    d->props[i].name));
	if (strcmp(d->type, "capped-memory") == 0 && r->val[0] == NULL && r->val[1] == NULL &&
	    r->val[2] == NULL)
		return (err_set(e, EINVAL, "capped-memory: one of physical, swap, locked is required"));
	for (const struct zonecfg_res *o = c->first; o != NULL; o = o->next) {
		const char *okey = key != NULL && o->def == d ? zonecfg_res_get(o, d->key) : NULL;

		if (o == r || o == except || o->def != d)
			continue;
		if (d->single)
			return (err_set(e, EEXIST, "a %s resource already exists", d->type));
		if (okey != NULL && strcmp(okey, key) == 0)
			return (err_set(e, EEXIST, "a %s resource with %s '%s' already exists", d->type,
			    d->key, key));
	}
	return (0);
}

/* Put r at the end, or where `instead_of` was (freed). */
static void
link_res(struct zonecfg *c, struct zonecfg_res *r, struct zonecfg_res *instead_of)
{
	struct zonecfg_res **p = &c->first;

	while (*p != NULL && *p != instead_of)
		p = &(*p)->next;
	if (*p != NULL) {
		r->next = instead_of->next;
		zonecfg_res_free(instead_of);
	} else {
		r->next = NULL;
	}
	*p = r;
	r->cfg = c;
}

static void unlink_res(struct zonecfg *c, struct zonecfg_res *r);

/* One view's text into its rctl; no text removes the rctl. */
static void
write_view(struct zonecfg *c, struct zonecfg_res *r, const struct view *v, const char *text)
{
	struct zonecfg_res *rctl = zonecfg_res_find(c, "rctl", "name",
	    zonecfg_alias(v->alias)->rctl);

	if (text != NULL)
		(void)view_write(r, v, text, NULL);
	else if (rctl != NULL)
		unlink_res(c, rctl);
}

/*
 * Make the rctls say what a capped-* resource says.  Every rctl written makes sync_views() set the
 * resource from all rctls, so the texts are taken out of it first.
 */
static void
write_views(struct zonecfg *c, struct zonecfg_res *r)
{
	char *text[RES_PROPS];

	memcpy(text, r->val, sizeof(text));
	memset(r->val, 0, sizeof(r->val));
	for (int i = 0; i < NVIEWS; i++)
		if (strcmp(views[i].res, r->def->type) == 0)
			write_view(c, r, &views[i], text[prop_index(r, views[i].prop)]);
	for (int i = 0; i < RES_PROPS; i++)
		free(text[i]);
}

void
zonecfg_res_attach(struct zonecfg *c, struct zonecfg_res *r, struct zonecfg_res *instead_of)
{
	link_res(c, r, instead_of);
	if (is_view(r))
		write_views(c, r);
	sync_views(c);
}

int
zonecfg_res_add(struct zonecfg *c, const char *type, struct zonecfg_res **out, struct err *e)
{
	const struct res_def *d = zonecfg_res_def(type);
	int rc;

	if (d != NULL && d->single && zonecfg_res_next(c, type, NULL) != NULL)
		return (err_set(e, EEXIST, "a %s resource already exists", type));
	if ((rc = zonecfg_res_new(type, out, e)) == 0)
		zonecfg_res_attach(c, *out, NULL);
	return (rc);
}

static void
unlink_res(struct zonecfg *c, struct zonecfg_res *r)
{
	struct zonecfg_res **p = &c->first;

	while (*p != NULL && *p != r)
		p = &(*p)->next;
	if (*p != NULL)
		*p = r->next;
	zonecfg_res_free(r);
}

/* capped-* resources that lost all their rctls. */
static void
drop_empty_views(struct zonecfg *c)
{
	struct zonecfg_res *r = c->first, *next;

	for (; r != NULL; r = next) {
		bool empty = is_view(r);

		next = r->next;
		for (int i = 0; i < RES_PROPS; i++)
			empty = empty && r->val[i] == NULL;
		if (empty)
			unlink_res(c, r);
	}
}

void
zonecfg_res_remove(struct zonecfg *c, struct zonecfg_res *r)
{
	struct zonecfg_res *rctl;

	for (int i = 0; is_view(r) && i < NVIEWS; i++)
		if (strcmp(views[i].res, r->def->type) == 0 &&
		    (rctl = zonecfg_res_find(c, "rctl", "name",
			 zonecfg_alias(views[i].alias)->rctl)) != NULL)
			unlink_res(c, rctl);
	unlink_res(c, r);
	sync_views(c);
	drop_empty_views(c);
}

struct zonecfg_res *
zonecfg_res_next(const struct zonecfg *c, const char *type, const struct zonecfg_res *prev)
{
	struct zonecfg_res *r = prev != NULL ? prev->next : c->first;

	while (r != NULL && type != NULL && strcmp(r->def->type, type) != 0)
		r = r->next;
	return (r);
}

struct zonecfg_res *
zonecfg_res_find(const struct zonecfg *c, const char *type, const char *prop, const char *value)
{
	for (struct zonecfg_res *r = NULL; (r = zonecfg_res_next(c, type, r)) != NULL;) {
		const char *v = zonecfg_res_get(r, prop);

		if (v != NULL && strcmp(v, value) == 0)
			return (r);
	}
	return (NULL);
}

const char *
zonecfg_res_type(const struct zonecfg_res *r)
{
	return (r->def->type);
}

const char *
zonecfg_res_get(const struct zonecfg_res *r, const char *prop)
{
	int i = prop_index(r, prop);

	return (i >= 0 ? r->val[i] : NULL);
}

int
zonecfg_res_set(struct zonecfg_res *r, const char *prop, const char *value, struct err *e)
{
	const struct prop_def *d = zonecfg_prop_def(r->def, prop);
	const struct view *v;
	char *norm;
	int rc, i;

	if (d == NULL)
		return (err_set(e, EINVAL, "unknown property '%s' of %s", prop, r->def->type));
	if (d->shape == P_LIST) {
		clear_items(r);
		return (zonecfg_res_append(r, value, e));
	}
	if (d->shape == P_PAIRS)
		return (err_set(e, EINVAL, "%s: use add property (name=N,value=V)", prop));
	if ((rc = d->norm(value, &norm, e)) != 0)
		return (err_wrap(e, "%s %s", r->def->type, prop));
	if (r->cfg != NULL && (v = view_of(r, prop)) != NULL) {
		rc = view_write(r, v, norm, e); /* which sets our value, through sync_views() */
		free(norm);
		return (rc);
	}
	i = (int)(d - r->def->props);
	free(r->val[i]);
	r->val[i] = norm;
	return (0);
}

int
zonecfg_res_clear(struct zonecfg_res *r, const char *prop, struct err *e)
{
	const struct prop_def *d = zonecfg_prop_def(r->def, prop);

	if (d == NULL)
		return (err_set(e, EINVAL, "unknown property '%s' of %s", prop, r->def->type));
	if (d->shape != P_SIMPLE) {
		clear_items(r);
		return (0);
	}
	free(r->val[d - r->def->props]);
	r->val[d - r->def->props] = NULL;
	return (0);
}

const char *
zonecfg_res_list(const struct zonecfg_res *r, size_t i)
{
	return (i < r->nitems && r->items[i].name == NULL ? r->items[i].value : NULL);
}

/* An rctl with one value also keeps the bare limit, so that zonecfg_get can lend it. */
static int
note_limit(struct zonecfg_res *r, struct err *e)
{
	struct rctl_value v;
	char buf[24];

	free(r->val[RES_PROPS - 1]);
	r->val[RES_PROPS - 1] = NULL;
	if (r->nitems != 1 || rctl_value_parse(r->items[0].value, &v, NULL) != 0)
		return (0);
	(void)snprintf(buf, sizeof(buf), "%" PRIu64, v.limit);
	if ((r->val[RES_PROPS - 1] = strdup(buf)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
zonecfg_res_append(struct zonecfg_res *r, const char *value, struct err *e)
{
	const struct prop_def *d = zonecfg_list_def(r->def);
	char *norm;
	int rc;

	if (d == NULL || d->shape != P_LIST)
		return (err_set(e, EINVAL, "%s has no list property", r->def->type));
	if ((rc = d->norm(value, &norm, e)) != 0)
		return (err_wrap(e, "%s %s", r->def->type, d->name));
	rc = add_item(r, NULL, norm, e);
	free(norm);
	if (rc == 0 && strcmp(r->def->type, "rctl") == 0) {
		rc = note_limit(r, e);
		if (r->cfg != NULL)
			sync_views(r->cfg);
	}
	return (rc);
}

static void
drop_item(struct zonecfg_res *r, size_t i)
{
	free(r->items[i].name);
	free(r->items[i].value);
	memmove(&r->items[i], &r->items[i + 1], (r->nitems - i - 1) * sizeof(r->items[0]));
	r->nitems--;
}

int
zonecfg_res_unlist(struct zonecfg_res *r, const char *value, struct err *e)
{
	for (size_t i = 0; i < r->nitems; i++) {
		if (r->items[i].name == NULL && strcmp(r->items[i].value, value) == 0) {
			drop_item(r, i);
			return (note_limit(r, e));
		}
	}
	return (err_set(e, ENOENT, "no such value: %s", value));
}

const char *
zonecfg_res_pair(const struct zonecfg_res *r, const char *name)
{
	for (size_t i = 0; i < r->nitems; i++)
		if (r->items[i].name != NULL && strcmp(r->items[i].name, name) == 0)
			return (r->items[i].value);
	return (NULL);
}

int
zonecfg_res_set_pair(struct zonecfg_res *r, const char *name, const char *value, struct err *e)
{
	const struct prop_def *d = zonecfg_list_def(r->def);
	char *n, *v;
	int rc;

	if (d == NULL || d->shape != P_PAIRS)
		return (err_set(e, EINVAL, "%s has no name/value properties", r->def->type));
	if ((rc = norm_word(name, &n, e)) != 0)
		return (rc);
	free(n);
	for (size_t i = 0; i < r->nitems; i++)
		if (strcmp(r->items[i].name, name) == 0) {
			drop_item(r, i);
			break;
		}
	if (value == NULL)
		return (0);
	if ((rc = d->norm(value, &v, e)) != 0)
		return (err_wrap(e, "%s", name));
	rc = add_item(r, name, v, e);
	free(v);
	return (rc);
}

bool
zonecfg_res_pair_at(const struct zonecfg_res *r, size_t i, const char **name, const char **value)
{
	if (i >= r->nitems || r->items[i].name == NULL)
		return (false);
	*name = r->items[i].name;
	*value = r->items[i].value;
	return (true);
}

/* --- attributes --- */

const char *
zonecfg_attr(const struct zonecfg *c, const char *name)
{
	const struct zonecfg_res *r = zonecfg_res_find(c, "attr", "name", name);

	return (r != NULL ? zonecfg_res_get(r, "value") : NULL);
}

int
zonecfg_set_attr(struct zonecfg *c, const char *name, const char *type, const char *value,
    struct err *e)
{
	struct zonecfg_res *old = zonecfg_res_find(c, "attr", "name", name), *r;
	int rc;

	if (value == NULL) {
		if (old != NULL)
			zonecfg_res_remove(c, old);
		return (0);
	}
	if ((rc = zonecfg_res_new("attr", &r, e)) != 0)
		return (rc);
	if ((rc = zonecfg_res_set(r, "name", name, e)) != 0 ||
	    (rc = zonecfg_res_set(r, "type", type, e)) != 0 ||
	    (rc = zonecfg_res_set(r, "value", value, e)) != 0) {
		zonecfg_res_free(r);
		return (rc);
	}
	zonecfg_res_attach(c, r, old);
	return (0);
}

/* --- verification --- */

static int
verify_attr(const struct zonecfg_res *r, struct err *e)
{
	const char *name = zonecfg_res_get(r, "name"), *type = zonecfg_res_get(r, "type");
	const char *v = zonecfg_res_get(r, "value");
	char *norm = NULL;
	uint64_t n;
	int rc = 0;

	if (strncmp(name, "zone", 4) == 0)
		return (err_set(e, EINVAL, "attr '%s': names starting with 'zone' are reserved", name));
	if (strcmp(type, "boolean") == 0)
		rc = norm_bool(v, &norm, e);
	else if (strcmp(type, "uint") == 0 || strcmp(type, "int") == 0)
		rc = units_parse_u64(v + (type[0] == 'i' && *v == '-'), 0, UINT64_MAX, &n, e);
	free(norm);
	return (rc != 0 ? err_wrap(e, "attr '%s'", name) : 0);
}

static int
verify_fs(const struct zonecfg_res *r, struct err *e)
{
	static const char *const refused[] = {"proc", "mntfs", "autofs", "nfs", "nfs4", NULL};
	const char *type = zonecfg_res_get(r, "type"), *dir = zonecfg_res_get(r, "dir");

	for (const char *const *p = refused; *p != NULL; p++)
		if (strcmp(type, *p) == 0)
			return (err_set(e, EINVAL, "fs '%s': type '%s' is not allowed", dir, type));
	if (strcmp(type, "lofs") == 0 && zonecfg_res_get(r, "special")[0] != '/')
		return (err_set(e, EINVAL, "fs '%s': special is not an absolute path", dir));
	return (0);
}

static int
verify_net(const struct zonecfg *c, const struct zonecfg_res *r, struct err *e)
{
	const char *address = zonecfg_res_get(r, "address"), *phys = zonecfg_res_get(r, "physical");
	bool shared = strcmp(zonecfg_get(c, "ip-type"), "shared") == 0;

	if (shared && address == NULL)
		return (err_set(e, EINVAL, "net '%s': address is required with a shared IP stack", phys));
	if (!shared && address != NULL)
		return (err_set(e, EINVAL, "net '%s': address cannot be set with an exclusive IP stack",
		    phys));
	for (struct zonecfg_res *o = NULL; (o = zonecfg_res_next(c, "net", o)) != NULL && o != r;)
		if (!shared && strcmp(zonecfg_res_get(o, "physical"), phys) == 0)
			return (err_set(e, EINVAL, "net '%s' occurs twice", phys));
	return (0);
}

static int
verify_res(const struct zonecfg *c, const struct zonecfg_res *r, struct err *e)
{
	int rc = zonecfg_res_check(c, r, NULL, e);

	if (rc != 0)
		return (rc);
	if (strcmp(r->def->type, "attr") == 0)
		return (verify_attr(r, e));
	if (strcmp(r->def->type, "fs") == 0)
		return (verify_fs(r, e));
	if (strcmp(r->def->type, "net") == 0)
		return (verify_net(c, r, e));
	return (0);
}

int
zonecfg_verify(const struct zonecfg *c, struct err *e)
{
	static const char *const required[] = {"zonename", "zonepath", "brand", "ip-type", NULL};
	const char *primary = NULL;
	int rc;

	for (const char *const *p = required; *p != NULL; p++)
		if (zonecfg_get(c, *p) == NULL)
			return (err_set(e, EINVAL, "required property '%s' is missing", *p));
	for (const struct zonecfg_res *r = c->first; r != NULL; r = r->next) {
		const char *p = zonecfg_res_pair(r, "primary");

		if ((rc = verify_res(c, r, e)) != 0)
			return (rc);
		if (p == NULL || strcmp(p, "true") != 0)
			continue;
		if (primary != NULL)
			return (err_set(e, EINVAL, "net '%s' and '%s' are both primary", primary,
			    zonecfg_res_get(r, "physical")));
		primary = zonecfg_res_get(r, "physical");
	}
	if (zonecfg_res_next(c, "dedicated-cpu", NULL) != NULL &&
	    (zonecfg_get(c, "pool") != NULL || zonecfg_get(c, "cpu-shares") != NULL ||
		zonecfg_res_next(c, "capped-cpu", NULL) != NULL))
		return (err_set(e, EINVAL,
		    "dedicated-cpu excludes pool, cpu-shares and capped-cpu"));
	return (0);
}
