/* SPDX-License-Identifier: MIT */
/*
 * Pool properties: those that are stored.
 *
 * comment and compatibility live in the config, the others in the zap pool_props as numbers, made
 * when the first is set.  Statistics (size, health, ...) are not here: who shows them computes them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"

#define COMMENT_MAX 32

static const char *const off_on[] = {"off", "on", NULL};
static const char *const failmodes[] = {"wait", "continue", "panic", NULL};

static const struct prop {
	const char *name;
	const char *const *words; /* index is the stored number */
	uint64_t def;
} props[] = {
    {"autoexpand", off_on, 0},
    {"autoreplace", off_on, 0},
    {"autotrim", off_on, 0},
    {"delegation", off_on, 1},
    {"failmode", failmodes, 0},
    {"listsnapshots", off_on, 0},
    {"multihost", off_on, 0},
};
#define NPROPS (sizeof(props) / sizeof(props[0]))

static const struct prop *
prop_find(const char *name)
{
	size_t i;

	for (i = 0; i < NPROPS; i++)
		if (strcmp(props[i].name, name) == 0)
			return (&props[i]);
	return (NULL);
}

static int
zap_number(struct spa *spa, const char *name, uint64_t def, uint64_t *v)
{
	int rc = spa->obj.props == 0 ? -ENOENT
				     : zap_lookup(spa->mos, spa->obj.props, name, 8, 1, v);

	if (rc == -ENOENT)
		*v = def;
	return (rc == -ENOENT ? 0 : rc);
}

static int
zap_set_number(struct spa *spa, const char *name, uint64_t v)
{
	int rc;

	if (spa->obj.props == 0 &&
	    ((rc = zap_create(spa->mos, OT_POOL_PROPS, OT_NONE, 0, &spa->obj.props)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "pool_props", 8, 1, &spa->obj.props)) != 0))
		return (rc);
	return (zap_update(spa->mos, spa->obj.props, name, 8, 1, &v));
}

static int
copy_out(const char *value, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", value) < (int)size ? 0 : -EOVERFLOW);
}

/* --- bootfs: a dataset's object number -------------------------------------------------------- */

struct find_name {
	uint64_t obj;
	char name[DSL_NAME_MAX];
};

static int
match_object(struct dsl_dataset *ds, void *arg)
{
	struct find_name *f = arg;

	if (dsl_objnum(ds) != f->obj)
		return (0);
	dsl_name(ds, f->name);
	return (1);
}

static int
bootfs_get(struct spa *spa, char *buf, size_t size)
{
	struct find_name f = {0, "-"};
	int rc = zap_number(spa, "bootfs", 0, &f.obj);

	if (rc == 0 && f.obj != 0)
		(void)dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_SNAPSHOT, match_object, &f, NULL);
	return (rc != 0 ? rc : copy_out(f.name, buf, size));
}

static int
bootfs_set(struct spa *spa, const char *value, struct err *e)
{
	struct dsl_dataset *ds;
	uint64_t obj = 0;
	int rc;

	if (value[0] != '\0' && strcmp(value, "none") != 0) {
		if ((rc = dsl_hold(spa, value, &ds, e)) != 0)
			return (err_wrap(e, "bootfs"));
		obj = dsl_objnum(ds);
		dsl_rele(ds);
	}
	return (err_rc(e, zap_set_number(spa, "bootfs", obj), "setting bootfs"));
}

/* --- the config's strings --------------------------------------------------------------------- */

static int
string_set(struct spa *spa, char **field, const char *value, struct err *e)
{
	char *s = value[0] != '\0' ? strdup(value) : NULL;

	if (s == NULL && value[0] != '\0')
		return (err_set(e, ENOMEM, "out of memory"));
	free(*field);
	*field = s;
	spa_config_dirty(spa);
	return (0);
}

static int
feature_set(struct spa *spa, const char *name, const char *value, struct err *e)
{
	const char *guid = spa_feature_guid(name);
	int rc;

	if (guid == NULL)
		return (err_set(e, EINVAL, "there is no feature '%s'", name));
	if (strcmp(value, "enabled") != 0)
		return (err_set(e, EINVAL, "feature@%s can only be set to 'enabled'", name));
	if ((rc = spa_feature_enable(spa, guid)) == -ENOTSUP)
		return (err_set(e, ENOTSUP, "this version does not write pools with feature '%s'",
		    name));
	return (err_rc(e, rc, "enabling feature '%s'", name));
}

int
spa_prop_get(struct spa *spa, const char *name, char *buf, size_t size)
{
	const struct prop *p = prop_find(name);
	uint64_t v;
	int rc;

	if (strcmp(name, "comment") == 0)
		return (copy_out(spa->comment != NULL ? spa->comment : "-", buf, size));
	if (strcmp(name, "compatibility") == 0)
		return (copy_out(spa->compatibility != NULL ? spa->compatibility : "off", buf, size));
	if (strcmp(name, "bootfs") == 0)
		return (bootfs_get(spa, buf, size));
	if (p == NULL)
		return (-ENOENT);
	if ((rc = zap_number(spa, name, p->def, &v)) != 0)
		return (rc);
	return (copy_out(v < 3 && p->words[v] != NULL ? p->words[v] : "?", buf, size));
}

int
spa_prop_set(struct spa *spa, const char *name, const char *value, struct err *e)
{
	const struct prop *p = prop_find(name);
	uint64_t v;

	if (strncmp(name, "feature@", 8) == 0)
		return (feature_set(spa, name + 8, value, e));
	if (strcmp(name, "comment") == 0) {
		if (strlen(value) > COMMENT_MAX)
			return (err_set(e, EINVAL, "comment is longer than %d bytes", COMMENT_MAX));
		return (string_set(spa, &spa->comment, value, e));
	}
	if (strcmp(name, "compatibility") == 0)
		return (string_set(spa, &spa->compatibility, strcmp(value, "off") == 0 ? "" : value, e));
	if (strcmp(name, "bootfs") == 0)
		return (bootfs_set(spa, value, e));
	if (p == NULL)
		return (err_set(e, EINVAL, "pool property '%s' cannot be set", name));
	for (v = 0; p->words[v] != NULL; v++)
		if (strcmp(p->words[v], value) == 0)
			break;
	if (p->words[v] != NULL && strcmp(name, "failmode") == 0)
		spa_failmode_note(spa, value);
	if (p->words[v] != NULL && strcmp(name, "autotrim") == 0)
		spa->autotrim = strcmp(value, "on") == 0;
	if (p->words[v] != NULL)
		return (err_rc(e, zap_set_number(spa, name, v), "setting '%s'", name));
	return (err_set(e, EINVAL, "'%s' is not a value of pool property '%s' (%s, %s%s%s)", value,
	    name, p->words[0], p->words[1], p->words[2] != NULL ? ", " : "",
	    p->words[2] != NULL ? p->words[2] : ""));
}
