/* SPDX-License-Identifier: MIT */
/*
 * Quotas by owner of a filesystem: users, groups, projects; bytes and objects.
 *
 * Quotas are tables that the master node names ("userquota@" -> zap of id -> limit), made when the first
 * is set.  What is used is in the accounting tables (fs/owners.c).  Ids are keys in hex; in accounting
 * tables numbers of objects have "obj-" before theirs.
 *
 * A write is refused when its owner is at the limit by the count of the last txg.  So a quota is a
 * line that one txg can cross, not a wall: OpenZFS does the same, because what a block will take is known
 * only when it is packed and placed.
 *
 * Which quotas there are is looked up when properties changed, not at every write: most filesystems
 * have none, and pay one comparison.
 *
 * Facts: docs/zfs-format.md, "User accounting".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/quota.h"
#include "smartbox/fs/zap.h"
#include "zpl_impl.h"

static const struct {
	const char *prefix;
	struct owner_prop p;
} prefixes[] = {
    {"userused@", {OWNER_USER, false, false}},
    {"userquota@", {OWNER_USER, false, true}},
    {"userobjused@", {OWNER_USER, true, false}},
    {"userobjquota@", {OWNER_USER, true, true}},
    {"groupused@", {OWNER_GROUP, false, false}},
    {"groupquota@", {OWNER_GROUP, false, true}},
    {"groupobjused@", {OWNER_GROUP, true, false}},
    {"groupobjquota@", {OWNER_GROUP, true, true}},
    {"projectused@", {OWNER_PROJECT, false, false}},
    {"projectquota@", {OWNER_PROJECT, false, true}},
    {"projectobjused@", {OWNER_PROJECT, true, false}},
    {"projectobjquota@", {OWNER_PROJECT, true, true}},
};
#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

bool
owner_prop_parse(const char *name, struct owner_prop *p, const char **who)
{
	size_t i, n;

	for (i = 0; i < PREFIXES; i++) {
		n = strlen(prefixes[i].prefix);
		if (strncmp(name, prefixes[i].prefix, n) != 0)
			continue;
		*p = prefixes[i].p;
		*who = name + n;
		return (true);
	}
	return (false);
}

const char *
owner_prop_prefix(const struct owner_prop *p)
{
	size_t i;

	for (i = 0; i < PREFIXES; i++) {
		const struct owner_prop *q = &prefixes[i].p;

		if (q->kind == p->kind && q->objects == p->objects && q->quota == p->quota)
			break;
	}
	return (i < PREFIXES ? prefixes[i].prefix : "");
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Does the filesystem count this at all? */
static bool
is_counted(const struct objset *os, const struct owner_prop *p)
{
	uint64_t need = OBJSET_USER;

	if (p->objects)
		need |= OBJSET_USEROBJ;
	if (p->kind == OWNER_PROJECT)
		need |= OBJSET_PROJECT;
	return ((objset_flags(os) & need) == need);
}

/* The table that has p; -ENOENT: no such quota was ever set. */
static int
table_of(struct objset *os, const struct owner_prop *p, uint64_t *zap)
{
	if (p->quota)
		return (zap_lookup(os, MASTER_NODE, owner_prop_prefix(p), 8, 1, zap));
	*zap = owners_table(p->kind);
	return (is_counted(os, p) ? 0 : -ENOTSUP);
}

static void
key_of(const struct owner_prop *p, uint64_t id, char key[32])
{
	(void)snprintf(key, 32, "%s%" PRIx64, p->objects && !p->quota ? "obj-" : "", id);
}

int
owner_value(struct objset *os, const struct owner_prop *p, uint64_t id, uint64_t *value)
{
	uint64_t zap;
	char key[32];
	int rc = table_of(os, p, &zap);

	*value = 0;
	key_of(p, id, key);
	if (rc == 0)
		rc = zap_lookup(os, zap, key, 8, 1, value);
	return (rc == -ENOENT ? 0 : rc);
}

int
owner_quota_set(struct objset *os, const struct owner_prop *p, uint64_t id, uint64_t value)
{
	uint64_t zap;
	char key[32];
	int rc = table_of(os, p, &zap);

	if (!p->quota || !is_counted(os, p))
		return (-ENOTSUP);
	if (rc == -ENOENT && value == 0)
		return (0);
	if (rc == -ENOENT && (rc = zap_create(os, OT_USERGROUP_QUOTA, OT_NONE, 0, &zap)) == 0)
		rc = zap_add(os, MASTER_NODE, owner_prop_prefix(p), 8, 1, &zap);
	if (rc != 0)
		return (rc);
	key_of(p, id, key);
	if (value != 0)
		return (zap_update(os, zap, key, 8, 1, &value));
	rc = zap_remove(os, zap, key);
	return (rc == -ENOENT ? 0 : rc);
}

/* Is this the key of an id in the table of p?  Both kinds are in one accounting table. */
static bool
id_of_key(const struct owner_prop *p, const char *key, uint64_t *id)
{
	bool objects = strncmp(key, "obj-", 4) == 0;
	char *end;

	if (!p->quota && objects != p->objects)
		return (false);
	key += objects ? 4 : 0;
	*id = strtoull(key, &end, 16);
	return (*key != '\0' && *end == '\0');
}

int
owner_walk(struct objset *os, const struct owner_prop *p,
    int (*fn)(uint64_t id, uint64_t value, void *arg), void *arg)
{
	struct zap_cursor c;
	struct zap_entry ze;
	uint64_t zap, id;
	int rc = table_of(os, p, &zap), stop = 0;

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	zap_cursor_init(&c, os, zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
		if (id_of_key(p, ze.name, &id) && ze.intlen == 8)
			stop = fn(id, ze.first, arg);
	zap_cursor_fini(&c);
	return (stop != 0 ? stop : rc == -ENOENT ? 0 : rc);
}

/* --- enforcing -------------------------------------------------------------------------------- */

static void
refresh(struct zpl *z)
{
	uint64_t now = dsl_prop_generation(z->ds), zap;
	unsigned i;

	if (z->quota_generation == now)
		return;
	z->has_quota = 0;
	for (i = 0; i < PREFIXES; i++)
		if (prefixes[i].p.quota && table_of(z->os, &prefixes[i].p, &zap) == 0)
			z->has_quota |= 1u << i;
	z->quota_generation = now;
}

/* The used one of a pair comes right before its quota in the table. */
static bool
is_at_limit(struct zpl *z, unsigned i, uint64_t id)
{
	uint64_t quota, used;

	return (owner_value(z->os, &prefixes[i].p, id, &quota) == 0 && quota != 0 &&
	    owner_value(z->os, &prefixes[i - 1].p, id, &used) == 0 && used >= quota);
}

int
zpl_quota_check(struct zpl *z, const uint64_t id[OWNER_KINDS], unsigned kinds, bool new_object)
{
	unsigned i;

	refresh(z);
	if (z->has_quota == 0 || z->replaying) /* what was promised was within them */
		return (0);
	for (i = 0; i < PREFIXES; i++) {
		const struct owner_prop *p = &prefixes[i].p;

		if ((z->has_quota & 1u << i) && (kinds & 1u << p->kind) &&
		    (new_object || !p->objects) && is_at_limit(z, i, id[p->kind]))
			return (-EDQUOT);
	}
	return (0);
}

int
zpl_quota_check_znode(struct zpl *z, const struct sa_handle *h)
{
	uint64_t id[OWNER_KINDS];

	refresh(z);
	if (z->has_quota == 0)
		return (0);
	id[OWNER_USER] = sa_u64(h, SA_UID, 0);
	id[OWNER_GROUP] = sa_u64(h, SA_GID, 0);
	id[OWNER_PROJECT] = sa_u64(h, SA_PROJID, 0);
	return (zpl_quota_check(z, id, (1u << OWNER_KINDS) - 1, false));
}
