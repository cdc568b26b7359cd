/* SPDX-License-Identifier: MIT */
/* The properties of pools. */
#include "smartbox/fs/pool_props.h"

#include <errno.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/units.h"

enum { COMMENT_MAX = 32, ASHIFT_MIN = 9, ASHIFT_MAX = 16 };

static const char *const on_off[] = {"on", "off", NULL};
static const char *const failmodes[] = {"wait", "continue", "panic", NULL};

static const struct pool_prop pool_props[] = {
	{"name", NULL, "NAME", POOL_STRING, POOL_PROP_READONLY | POOL_PROP_HIDDEN, NULL, NULL},
	{"size", NULL, "SIZE", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"capacity", "cap", "CAP", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"altroot", NULL, "ALTROOT", POOL_STRING, POOL_PROP_IMPORT, NULL, NULL},
	{"health", NULL, "HEALTH", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"guid", NULL, "GUID", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"version", NULL, "VERSION", POOL_NUMBER, 0, NULL, NULL},
	{"bootfs", NULL, "BOOTFS", POOL_STRING, 0, NULL, NULL},
	{"delegation", NULL, "DELEGATION", POOL_CHOICE, 0, "on", on_off},
	{"autoreplace", "replace", "REPLACE", POOL_CHOICE, 0, "off", on_off},
	{"cachefile", NULL, "CACHEFILE", POOL_STRING, 0, NULL, NULL},
	{"failmode", NULL, "FAILMODE", POOL_CHOICE, 0, "wait", failmodes},
	{"listsnapshots", "listsnaps", "LISTSNAPS", POOL_CHOICE, 0, "off", on_off},
	{"autoexpand", "expand", "EXPAND", POOL_CHOICE, 0, "off", on_off},
	{"dedupratio", "dedup", "DEDUP", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"free", NULL, "FREE", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"allocated", "alloc", "ALLOC", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"readonly", "rdonly", "RDONLY", POOL_CHOICE, POOL_PROP_IMPORT, "off", on_off},
	{"ashift", NULL, "ASHIFT", POOL_NUMBER, POOL_PROP_IMPORT, "0", NULL},
	{"comment", NULL, "COMMENT", POOL_STRING, 0, NULL, NULL},
	{"expandsize", "expandsz", "EXPANDSZ", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"freeing", NULL, "FREEING", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"fragmentation", "frag", "FRAG", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"leaked", NULL, "LEAKED", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"multihost", NULL, "MULTIHOST", POOL_CHOICE, 0, "off", on_off},
	{"checkpoint", "ckpoint", "CKPOINT", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"load_guid", NULL, "LOAD_GUID", POOL_NUMBER, POOL_PROP_READONLY, NULL, NULL},
	{"autotrim", NULL, "AUTOTRIM", POOL_CHOICE, 0, "off", on_off},
	{"compatibility", NULL, "COMPATIBILITY", POOL_STRING, 0, "off", NULL},
};

enum { POOL_PROPS = sizeof(pool_props) / sizeof(pool_props[0]) };

const struct pool_prop *
pool_prop_find(const char *name)
{
	for (size_t i = 0; i < POOL_PROPS; i++) {
		const struct pool_prop *p = &pool_props[i];

		if (strcmp(p->name, name) == 0 ||
		    (p->alias != NULL && strcmp(p->alias, name) == 0))
			return (p);
	}
	return (NULL);
}

const struct pool_prop *
pool_prop_at(size_t i)
{
	return (i < POOL_PROPS ? &pool_props[i] : NULL);
}

bool
pool_prop_is_feature(const char *name)
{
	return (strncmp(name, "feature@", 8) == 0 && name[8] != '\0');
}

static int
check_word(const struct pool_prop *p, const char *value, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	for (const char *const *w = p->words; *w != NULL; w++) {
		if (strcmp(*w, value) == 0) {
			buf_free(&b);
			return (0);
		}
		buf_printf(&b, "%s%s", w == p->words ? "" : " | ", *w);
	}
	rc = err_set(e, EINVAL, "'%s' must be one of '%s'", p->name, b.data != NULL ? b.data : "");
	buf_free(&b);
	return (rc);
}

static int
check_number(const struct pool_prop *p, const char *value, struct err *e)
{
	uint64_t v;
	int rc = units_parse_u64(value, 0, UINT64_MAX, &v, NULL);

	if (rc != 0)
		return (err_set(e, EINVAL, "bad numeric value '%s'", value));
	if (strcmp(p->name, "ashift") == 0 && v != 0 && (v < ASHIFT_MIN || v > ASHIFT_MAX))
		return (err_set(e, EINVAL,
		    "property '%s' number %llu is invalid, only values between %d and %d are allowed",
		    p->name, (unsigned long long)v, ASHIFT_MIN, ASHIFT_MAX));
	return (0);
}

static int
check_string(const struct pool_prop *p, const char *value, struct err *e)
{
	if (strcmp(p->name, "comment") == 0) {
		if (strlen(value) > COMMENT_MAX)
			return (err_set(e, EINVAL, "comment must not exceed %d characters",
			    COMMENT_MAX));
		for (const char *c = value; *c != '\0'; c++)
			if (*c < ' ' || *c == 0x7f)
				return (err_set(e, EINVAL, "comment may only have printable characters"));
	}
	if ((strcmp(p->name, "altroot") == 0 && value[0] != '/') ||
	    (strcmp(p->name, "cachefile") == 0 && value[0] != '/' && value[0] != '\0' &&
	    strcmp(value, "none") != 0))
		return (err_set(e, EINVAL, "property '%s' must be an absolute path", p->name));
	return (0);
}

int
pool_prop_check(const char *name, const char *value, bool creating, struct err *e)
{
	const struct pool_prop *p = pool_prop_find(name);

	if (pool_prop_is_feature(name)) {
		if (strcmp(value, "enabled") == 0 || (creating && strcmp(value, "disabled") == 0))
			return (0);
		return (err_set(e, EINVAL, "property '%s' can only be set to 'enabled'%s", name,
		    creating ? " or 'disabled'" : ""));
	}
	if (p == NULL)
		return (err_set(e, EINVAL, "invalid property '%s'", name));
	if ((p->attr & POOL_PROP_READONLY) != 0)
		return (err_set(e, EINVAL, "'%s' is readonly", p->name));
	if ((p->attr & POOL_PROP_IMPORT) != 0 && !creating)
		return (err_set(e, EINVAL, "property '%s' can only be set during pool creation or import",
		    p->name));
	if (p->words != NULL)
		return (check_word(p, value, e));
	return (p->kind == POOL_NUMBER ? check_number(p, value, e) : check_string(p, value, e));
}
