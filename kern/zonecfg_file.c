/* SPDX-License-Identifier: MIT */
/*
 * Zone configurations on disk: load, save, delete.
 *
 * Saving, step by step, and what a power cut leaves:
 *	did.txt (new zones)	a number is lost, no zone
 *	NAME.xml		an old zone: old or new configuration; a new one: a file nobody reads
 *	index			the zone exists, under its new name if it was renamed
 *	old NAME.xml removed	(rename) else a file nobody reads
 * The index is the list of zones; an XML without a line in it does not exist.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/units.h"
#include "zone_impl.h"
#include "zonecfg_impl.h"

enum { XML_MAX = 4 << 20 };

static int
load_xml(const struct zone_env *env, const char *name, struct zonecfg **out, struct err *e)
{
	char path[PATH_MAX], *text;
	size_t len;
	int rc;

	if ((rc = zone_etc_path(env, name, ".xml", path, e)) != 0 ||
	    (rc = file_read(path, XML_MAX, &text, &len, e)) != 0)
		return (rc);
	rc = zonecfg_parse_xml(path, text, len, out, e);
	free(text);
	return (rc);
}

int
zonecfg_load(const struct zone_env *env, const char *name, struct zonecfg **out, struct err *e)
{
	struct zone_info zi;
	struct zonecfg *c;
	int rc;

	if ((rc = zone_info_get(env, name, &zi, e)) != 0)
		return (rc);
	free(zi.zonepath);
	if ((rc = load_xml(env, name, &c, e)) != 0)
		return (rc);
	(void)snprintf(c->saved_name, sizeof(c->saved_name), "%s", zi.name);
	if (strcmp(zonecfg_name(c), name) != 0)
		rc = err_set(e, EINVAL, "%s.xml describes zone '%s'", name, zonecfg_name(c));
	else if (zi.uuid[0] != '\0')
		rc = zonecfg_set(c, "uuid", zi.uuid, e);
	if (rc != 0) {
		zonecfg_free(c);
		return (rc);
	}
	*out = c;
	return (0);
}

/* A number for life; never given twice, even after the zone is gone. */
static int
give_did(const struct zone_env *env, struct zonecfg *c, const struct zone_index *ix, struct err *e)
{
	char path[PATH_MAX], num[16], *text = NULL;
	uint64_t last = 0;
	int rc;

	if ((rc = zone_etc_path(env, "did", ".txt", path, e)) != 0)
		return (rc);
	if (file_read(path, 64, &text, NULL, NULL) == 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)units_parse_u64(text, 0, UINT32_MAX - 1, &last, NULL);
	}
	free(text);
	for (size_t i = 0; i < ix->n; i++)
		if (ix->zones[i].did > last)
			last = ix->zones[i].did;
	(void)snprintf(num, sizeof(num), "%" PRIu64, last + 1);
	if ((rc = file_replace(path, num, strlen(num), 0644, e)) != 0)
		return (rc);
	return (zonecfg_set(c, "debugid", num, e));
}

/* The index entry of c: checked, found or made, and told what the configuration says. */
static int
update_entry(struct zone_index *ix, const struct zonecfg *c, struct err *e)
{
	struct zone_info *zi = c->saved_name[0] != '\0' ? zone_index_find(ix, c->saved_name) : NULL;
	struct zone_info *other = zone_index_find(ix, zonecfg_name(c));
	const char *uuid = zonecfg_get(c, "uuid");
	char *path;

	if (other != NULL && other != zi)
		return (err_set(e, EEXIST, "a zone named '%s' already exists", zonecfg_name(c)));
	if (zi != NULL && zi->state != ZONE_CONFIGURED &&
	    strcmp(zi->zonepath, zonecfg_get(c, "zonepath")) != 0)
		return (err_set(e, EINVAL, "zonepath cannot be changed: the zone is %s",
		    zone_state_name(zi->state)));
	if (zi != NULL && zi->state != ZONE_CONFIGURED && zi->brand[0] != '\0' &&
	    strcmp(zi->brand, zonecfg_get(c, "brand")) != 0)
		return (err_set(e, EINVAL, "brand cannot be changed: the zone is %s",
		    zone_state_name(zi->state)));
	if ((path = strdup(zonecfg_get(c, "zonepath"))) == NULL ||
	    (zi == NULL && (zi = zone_index_add(ix, zonecfg_name(c))) == NULL)) {
		free(path);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	free(zi->zonepath);
	zi->zonepath = path;
	(void)snprintf(zi->name, sizeof(zi->name), "%s", zonecfg_name(c));
	(void)snprintf(zi->uuid, sizeof(zi->uuid), "%s", uuid != NULL ? uuid : "");
	(void)snprintf(zi->brand, sizeof(zi->brand), "%s", zonecfg_get(c, "brand"));
	zi->exclusive_ip = strcmp(zonecfg_get(c, "ip-type"), "exclusive") == 0;
	zi->did = (uint32_t)zonecfg_get_u64(c, "debugid", 0);
	return (0);
}

static int
write_xml(const struct zone_env *env, const struct zonecfg *c, struct err *e)
{
	struct buf b = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	zonecfg_format_xml(c, &b);
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = zone_etc_path(env, zonecfg_name(c), ".xml", path, e)) == 0)
		rc = file_replace(path, b.data, b.len, 0600, e);
	buf_free(&b);
	return (rc);
}

/* After a rename is in the index: the old name's leftovers. */
static int
forget_name(const struct zone_env *env, const char *name, struct err *e)
{
	char path[PATH_MAX];
	int rc = zone_etc_path(env, name, ".xml", path, e);

	return (rc != 0 ? rc : file_remove(path, e));
}

static bool
is_renamed(const struct zonecfg *c)
{
	return (c->saved_name[0] != '\0' && strcmp(c->saved_name, zonecfg_name(c)) != 0);
}

static int
save_locked(const struct zone_env *env, struct zonecfg *c, struct err *e)
{
	struct zone_index ix;
	int rc = zone_index_read(env, &ix, e);

	if (rc != 0)
		return (rc);
	if (c->saved_name[0] == '\0' && zonecfg_get(c, "debugid") == NULL)
		rc = give_did(env, c, &ix, e);
	if (rc == 0 && (rc = update_entry(&ix, c, e)) == 0 && (rc = write_xml(env, c, e)) == 0)
		rc = zone_index_write(env, &ix, e);
	if (rc == 0 && is_renamed(c))
		rc = forget_name(env, c->saved_name, e);
	zone_index_free(&ix);
	return (rc);
}

int
zonecfg_save(const struct zone_env *env, struct zonecfg *c, struct err *e)
{
	int lock, rc = zonecfg_verify(c, e);

	if (rc != 0)
		return (rc);
	if (is_renamed(c) && zone_lock_is_held(env, c->saved_name))
		return (err_set(e, EBUSY, "zone '%s' cannot be renamed: it is not halted",
		    c->saved_name));
	if ((lock = zone_index_lock(env, e)) < 0)
		return (lock);
	rc = save_locked(env, c, e);
	file_unlock(lock);
	if (rc == 0 && is_renamed(c))
		rc = zone_range_rename(env, c->saved_name, zonecfg_name(c), e);
	if (rc == 0)
		(void)snprintf(c->saved_name, sizeof(c->saved_name), "%s", zonecfg_name(c));
	return (rc);
}

static int
delete_locked(const struct zone_env *env, const char *name, struct err *e)
{
	struct zone_index ix;
	struct zone_info *zi;
	enum zone_state to;
	int rc = zone_index_read(env, &ix, e);

	if (rc != 0)
		return (rc);
	if ((zi = zone_index_find(&ix, name)) == NULL)
		rc = err_set(e, ENOENT, "No such zone configured");
	else if ((rc = zone_state_next(zi->state, ZONE_EV_DELETE, &to, e)) == 0) {
		zone_index_remove(&ix, zi);
		rc = zone_index_write(env, &ix, e);
	}
	zone_index_free(&ix);
	return (rc != 0 ? rc : forget_name(env, name, e));
}

int
zonecfg_delete(const struct zone_env *env, const char *name, struct err *e)
{
	int lock, rc;

	if ((lock = zone_index_lock(env, e)) < 0)
		return (lock);
	rc = delete_locked(env, name, e);
	file_unlock(lock);
	return (rc != 0 ? rc : zone_range_release(env, name, e));
}

/* --- what a killed save or delete left ---------------------------------------------------------- */

/* "NAME.xml" of a zone that the index does not know. */
static bool
is_stray(struct zone_index *ix, const char *file, char name[ZONE_NAME_MAX + 1])
{
	size_t n = strlen(file);

	if (n <= 4 || n - 4 > ZONE_NAME_MAX || strcmp(file + n - 4, ".xml") != 0)
		return (false);
	(void)snprintf(name, ZONE_NAME_MAX + 1, "%.*s", (int)(n - 4), file);
	return (zone_name_check(name, NULL) == 0 && zone_index_find(ix, name) == NULL);
}

static int
sweep_one(const struct zone_env *env, const char *name, bool (*unwanted)(const struct zonecfg *))
{
	struct zonecfg *c;
	bool remove;

	if (load_xml(env, name, &c, NULL) != 0)
		return (0);
	remove = unwanted(c);
	zonecfg_free(c);
	return (remove && forget_name(env, name, NULL) == 0);
}

static int
sweep_locked(const struct zone_env *env, bool (*unwanted)(const struct zonecfg *), struct err *e)
{
	char path[PATH_MAX], name[ZONE_NAME_MAX + 1];
	struct zone_index ix;
	struct dirent *d;
	int n = 0, rc;
	DIR *dir;

	if ((rc = zone_index_read(env, &ix, e)) != 0)
		return (rc);
	(void)snprintf(path, sizeof(path), "%s/zones", env->etc);
	if ((dir = opendir(path)) != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (is_stray(&ix, d->d_name, name))
				n += sweep_one(env, name, unwanted);
		(void)closedir(dir);
	}
	zone_index_free(&ix);
	return (n);
}

int
zonecfg_sweep(const struct zone_env *env, bool (*unwanted)(const struct zonecfg *),
    struct err *e)
{
	int n, lock = zone_index_lock(env, e);

	if (lock < 0)
		return (lock);
	n = sweep_locked(env, unwanted, e);
	file_unlock(lock);
	return (n);
}
