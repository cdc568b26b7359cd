/* SPDX-License-Identifier: MIT */
/*
 * Statistics of datasets, as the read-only properties give them; space left for them.
 *
 * A head's numbers are its dir's (used, usedby*, logicalused, compressratio) or its own
 * (referenced, written); a snapshot's all its own: its used is what nobody else has.  A bookmark
 * has what it noted when it was made.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "smartbox/fs/recv.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/units.h"

enum { MARK_GUID, MARK_TXG, MARK_TIME, MARK_REDACTION, MARK_FLAGS, MARK_REFD, MARK_COMP,
	MARK_UNCOMP };

typedef int stat_fn(struct dsl_dataset *ds, uint64_t *v);

/* --- numbers ---------------------------------------------------------------------------------- */

static int
stat_type(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dsl_kind(ds);
	return (0);
}

static int
stat_creation(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds->bookmark != NULL ? ds->bookmark[MARK_TIME] : ds_phys(ds)->creation_time;
	return (0);
}

static int
stat_createtxg(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds->bookmark != NULL ? ds->bookmark[MARK_TXG] : ds_phys(ds)->creation_txg;
	return (0);
}

static int
stat_guid(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dsl_guid(ds);
	return (0);
}

static int
stat_objsetid(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds->obj;
	return (0);
}

static int
stat_used(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dsl_is_snapshot(ds) ? ds_phys(ds)->unique : dir_phys(ds->dir)->used;
	return (0);
}

uint64_t
ds_available(struct dsl_dataset *ds)
{
	uint64_t avail = dir_available(ds->dir, 0), quota = ds_quota(ds), reserved = ds_reserved(ds);
	const struct dsl_dataset_phys *p = ds_phys(ds);

	if (reserved > p->unique)
		avail += reserved - p->unique;
	if (quota != 0) {
		uint64_t left = p->referenced < quota ? quota - p->referenced : 0;

		avail = avail < left ? avail : left;
	}
	return (avail);
}

static int
stat_available(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds_available(ds);
	return (0);
}

static int
stat_referenced(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds->bookmark != NULL ? ds->bookmark[MARK_REFD] : ds_phys(ds)->referenced;
	return (*v == 0 && ds->bookmark != NULL ? -ENODATA : 0);
}

static int
stat_logicalreferenced(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ds->bookmark != NULL ? ds->bookmark[MARK_UNCOMP] : ds_phys(ds)->uncompressed;
	return (*v == 0 && ds->bookmark != NULL ? -ENODATA : 0);
}

static uint64_t
ratio(uint64_t uncompressed, uint64_t compressed)
{
	return (compressed == 0 ? 100 : uncompressed * 100 / compressed);
}

static int
stat_refcompressratio(struct dsl_dataset *ds, uint64_t *v)
{
	*v = ratio(ds_phys(ds)->uncompressed, ds_phys(ds)->compressed);
	return (0);
}

static int
stat_compressratio(struct dsl_dataset *ds, uint64_t *v)
{
	if (dsl_is_snapshot(ds))
		return (stat_refcompressratio(ds, v));
	*v = ratio(dir_phys(ds->dir)->uncompressed, dir_phys(ds->dir)->compressed);
	return (0);
}

static int
stat_logicalused(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dir_phys(ds->dir)->uncompressed;
	return (0);
}

static int
stat_usedbysnapshots(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dir_phys(ds->dir)->breakdown[DD_SNAP];
	return (0);
}

static int
stat_usedbydataset(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dir_phys(ds->dir)->breakdown[DD_HEAD];
	return (0);
}

static int
stat_usedbychildren(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dir_phys(ds->dir)->breakdown[DD_CHILD] + dir_phys(ds->dir)->breakdown[DD_CHILD_RSRV];
	return (0);
}

static int
stat_usedbyrefreservation(struct dsl_dataset *ds, uint64_t *v)
{
	*v = dir_phys(ds->dir)->breakdown[DD_REFRSRV];
	return (0);
}

static int
stat_written(struct dsl_dataset *ds, uint64_t *v)
{
	struct dsl_dataset *prev;
	struct space_sum sum;
	int rc = ds_hold_prev(ds, &prev);

	if (rc == -ENOENT) {
		*v = ds_phys(ds)->referenced;
		return (0);
	}
	if (rc != 0)
		return (rc);
	rc = ds_written(ds, prev, &sum);
	*v = space_bytes(sum.used);
	dsl_rele(prev);
	return (rc);
}

static int
stat_userrefs(struct dsl_dataset *ds, uint64_t *v)
{
	*v = 0;
	if (ds_phys(ds)->userrefs_zap == 0)
		return (0);
	return (zap_count(dp_mos(ds->dp), ds_phys(ds)->userrefs_zap, v));
}

static int
stat_defer_destroy(struct dsl_dataset *ds, uint64_t *v)
{
	*v = (ds_phys(ds)->flags & DS_FLAG_DEFER_DESTROY) != 0;
	return (0);
}

static int
stat_count(struct dsl_dataset *ds, uint64_t *v, const char *key)
{
	*v = UINT64_MAX;
	if (!dsl_is_zapified(ds->dp, ds->dir->obj))
		return (0);
	(void)zap_lookup(dp_mos(ds->dp), ds->dir->obj, key, 8, 1, v);
	return (0);
}

static int
stat_filesystem_count(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_count(ds, v, dir_count_filesystems));
}

static int
stat_snapshot_count(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_count(ds, v, dir_count_snapshots));
}

/* What the objset itself holds: one key of the master node of a filesystem. */
static int
stat_master(struct dsl_dataset *ds, uint64_t *v, const char *key)
{
	struct objset *os;
	int rc = dsl_objset(ds, &os);

	if (rc != 0)
		return (rc);
	rc = zap_lookup(os, 1, key, 8, 1, v);
	if (rc == -ENOENT)
		*v = 0;
	return (rc == -ENOENT ? 0 : rc);
}

static int
stat_version(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_master(ds, v, "VERSION"));
}

static int
stat_utf8only(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_master(ds, v, "utf8only"));
}

static int
stat_normalization(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_master(ds, v, "normalization"));
}

static int
stat_casesensitivity(struct dsl_dataset *ds, uint64_t *v)
{
	return (stat_master(ds, v, "casesensitivity"));
}

static int
stat_volsize(struct dsl_dataset *ds, uint64_t *v)
{
	struct objset *os;
	int rc;

	if (dsl_head_kind(ds) != DSL_VOLUME)
		return (-ENODATA);
	if ((rc = dsl_objset(ds, &os)) != 0)
		return (rc);
	return (zap_lookup(os, 2, "size", 8, 1, v));
}

static int
stat_volblocksize(struct dsl_dataset *ds, uint64_t *v)
{
	struct dmu_info info;
	struct objset *os;
	int rc;

	if ((rc = dsl_objset(ds, &os)) != 0 || (rc = dmu_object_info(os, 1, &info)) != 0)
		return (rc);
	*v = info.block_size;
	return (0);
}

/* --- text ------------------------------------------------------------------------------------- */

static int
text_origin(struct dsl_dataset *ds, char *buf, size_t size)
{
	uint64_t obj = dir_phys(ds->dir)->origin_obj;
	struct dsl_dataset *origin;
	int rc;

	if (obj == 0 || obj == ds->dp->origin_obj)
		return (-ENODATA);
	if ((rc = ds_hold_obj(ds->dp, obj, &origin)) != 0)
		return (rc);
	rc = ds_name(origin, buf, size);
	dsl_rele(origin);
	return (rc);
}

/* next_clones has the dataset after each clone's origin: its head or its oldest snapshot. */
static int
text_clones(struct dsl_dataset *ds, char *buf, size_t size)
{
	struct zap_cursor c;
	struct zap_entry ze;
	size_t n = 0;
	int rc = 0;

	buf[0] = '\0';
	if (ds_phys(ds)->next_clones_zap == 0)
		return (0);
	zap_cursor_init(&c, dp_mos(ds->dp), ds_phys(ds)->next_clones_zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		struct dsl_dataset *clone;
		char name[DSL_NAME_MAX];

		if ((rc = ds_hold_obj(ds->dp, ze.first, &clone)) != 0)
			break;
		(void)dir_name(clone->dir, name, sizeof(name));
		dsl_rele(clone);
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? "," : "", name);
		if (n >= size) {
			rc = -EOVERFLOW;
			break;
		}
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

static int
text_resume_token(struct dsl_dataset *ds, char *buf, size_t size)
{
	char *token;
	int rc = recv_token(ds, &token);

	if (rc != 0)
		return (rc == -ENOENT ? -ENODATA : rc);
	rc = (size_t)snprintf(buf, size, "%s", token) < size ? 0 : -EOVERFLOW;
	free(token);
	return (rc);
}

/* --- encryption: there are no keys here, but what can be said without one is said --------------- */

static int
key_value(struct dsl_dataset *ds, const char *key, uint64_t *v)
{
	struct objset *mos = dp_mos(ds->dp);
	uint64_t obj;
	int rc;

	if (!dsl_is_zapified(ds->dp, ds->dir->obj))
		return (-ENOENT);
	rc = zap_lookup(mos, ds->dir->obj, "com.datto:crypto_key_obj", 8, 1, &obj);
	return (rc != 0 ? rc : zap_lookup(mos, obj, key, 8, 1, v));
}

static int
stat_encryption(struct dsl_dataset *ds, uint64_t *v)
{
	return (key_value(ds, "DSL_CRYPTO_SUITE", v));
}

static int
stat_keyformat(struct dsl_dataset *ds, uint64_t *v)
{
	return (key_value(ds, "keyformat", v));
}

static int
stat_pbkdf2iters(struct dsl_dataset *ds, uint64_t *v)
{
	return (key_value(ds, "pbkdf2iters", v));
}

static int
text_keystatus(struct dsl_dataset *ds, char *buf, size_t size)
{
	uint64_t v;

	if (stat_encryption(ds, &v) != 0)
		return (-ENODATA);
	(void)snprintf(buf, size, "unavailable");
	return (0);
}

static int
text_encryptionroot(struct dsl_dataset *ds, char *buf, size_t size)
{
	const struct dsl_dir *dd = ds->dir;
	char name[DSL_NAME_MAX];
	uint64_t root;

	if (key_value(ds, "DSL_CRYPTO_ROOT_DDOBJ", &root) != 0)
		return (-ENODATA);
	while (dd != NULL && dd->obj != root)
		dd = dd->parent;
	if (dd == NULL)
		return (-ENODATA);
	(void)dir_name(dd, name, sizeof(name));
	(void)snprintf(buf, size, "%s", name);
	return (0);
}

static void
format_ratio(const struct fs_prop *p, uint64_t v, bool raw, char *buf, size_t size)
{
	(void)p;
	(void)snprintf(buf, size, "%" PRIu64 ".%02" PRIu64 "%s", v / 100, v % 100, raw ? "" : "x");
}

static void
format_time(const struct fs_prop *p, uint64_t v, bool raw, char *buf, size_t size)
{
	if (raw)
		fs_prop_format(p, v, raw, buf, size);
	else
		units_format_date(buf, size, (time_t)v);
}

/* --- the table -------------------------------------------------------------------------------- */

typedef void format_fn(const struct fs_prop *p, uint64_t v, bool raw, char *buf, size_t size);

struct dsl_stat {
	const char *name;
	stat_fn *fn;	   /* NULL: a text */
	format_fn *format; /* NULL: fs_prop_format */
	int (*text)(struct dsl_dataset *ds, char *buf, size_t size);
};

static const struct dsl_stat stats[] = {
    {.name = "type", .fn = stat_type},
    {.name = "creation", .fn = stat_creation, .format = format_time},
    {.name = "createtxg", .fn = stat_createtxg},
    {.name = "guid", .fn = stat_guid},
    {.name = "objsetid", .fn = stat_objsetid},
    {.name = "used", .fn = stat_used},
    {.name = "available", .fn = stat_available},
    {.name = "referenced", .fn = stat_referenced},
    {.name = "logicalreferenced", .fn = stat_logicalreferenced},
    {.name = "compressratio", .fn = stat_compressratio, .format = format_ratio},
    {.name = "refcompressratio", .fn = stat_refcompressratio, .format = format_ratio},
    {.name = "logicalused", .fn = stat_logicalused},
    {.name = "usedbysnapshots", .fn = stat_usedbysnapshots},
    {.name = "usedbydataset", .fn = stat_usedbydataset},
    {.name = "usedbychildren", .fn = stat_usedbychildren},
    {.name = "usedbyrefreservation", .fn = stat_usedbyrefreservation},
    {.name = "written", .fn = stat_written},
    {.name = "userrefs", .fn = stat_userrefs},
    {.name = "defer_destroy", .fn = stat_defer_destroy},
    {.name = "filesystem_count", .fn = stat_filesystem_count},
    {.name = "snapshot_count", .fn = stat_snapshot_count},
    {.name = "version", .fn = stat_version},
    {.name = "utf8only", .fn = stat_utf8only},
    {.name = "normalization", .fn = stat_normalization},
    {.name = "casesensitivity", .fn = stat_casesensitivity},
    {.name = "volsize", .fn = stat_volsize},
    {.name = "volblocksize", .fn = stat_volblocksize},
    {.name = "origin", .text = text_origin},
    {.name = "clones", .text = text_clones},
    {.name = "encryption", .fn = stat_encryption},
    {.name = "keyformat", .fn = stat_keyformat},
    {.name = "pbkdf2iters", .fn = stat_pbkdf2iters},
    {.name = "encryptionroot", .text = text_encryptionroot},
    {.name = "keystatus", .text = text_keystatus},
    {.name = "receive_resume_token", .text = text_resume_token},
};

const struct dsl_stat *
stat_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		if (strcmp(stats[i].name, name) == 0)
			return (&stats[i]);
	}
	return (NULL);
}

int
stat_u64(struct dsl_dataset *ds, const char *name, uint64_t *v)
{
	const struct fs_prop *p = fs_prop_find(name);
	const struct dsl_stat *st = stat_find(name);

	if (st == NULL || st->fn == NULL || p == NULL || !(p->types & dsl_kind(ds)))
		return (-ENOENT);
	return (st->fn(ds, v));
}

/* -ENODATA: it applies, but there is nothing to show ("-"). */
int
stat_text(struct dsl_dataset *ds, const struct dsl_prop_ref *r, bool raw, char *buf, size_t size)
{
	const struct dsl_stat *st = r->stat;
	uint64_t v;
	int rc;

	if (st == NULL)
		return (-ENOENT);
	if (st->text != NULL)
		return (st->text(ds, buf, size));
	if ((rc = st->fn(ds, &v)) != 0)
		return (rc);
	(st->format != NULL ? st->format : fs_prop_format)(r->prop, v, raw, buf, size);
	return (0);
}

/* --- room ------------------------------------------------------------------------------------- */

/* Is it a quota at or above dd that leaves less than `need`? */
static bool
quota_is_tight(const struct dsl_dir *dd, uint64_t need)
{
	for (; dd != NULL; dd = dd->parent) {
		const struct dsl_dir_phys *p = dir_phys(dd);

		if (p->quota != 0 && (p->used >= p->quota || p->quota - p->used < need))
			return (true);
	}
	return (false);
}

int
dsl_space_check(struct dsl_dataset *ds, uint64_t bytes, bool netfree)
{
	uint64_t dirty = ds->os != NULL ? objset_dirty_bytes(ds->os) : 0, avail, quota, reserved;
	const struct dsl_dataset_phys *p = ds_phys(ds);

	if (netfree)
		return (dir_available(ds->dp->root, AVAIL_NETFREE | AVAIL_DIRTY) < bytes ? -ENOSPC : 0);
	quota = ds_quota(ds);
	if (quota != 0 && p->referenced + dirty + bytes > quota)
		return (-EDQUOT);
	avail = dir_available(ds->dir, AVAIL_DIRTY);
	reserved = ds_reserved(ds);
	if (reserved > p->unique)
		avail += reserved - p->unique;
	if (avail >= bytes)
		return (0);
	return (quota_is_tight(ds->dir, bytes + dirty) ? -EDQUOT : -ENOSPC);
}

void
dsl_space(struct dsl_dataset *ds, uint64_t *refd, uint64_t *avail, uint64_t *objs_used)
{
	*refd = ds_phys(ds)->referenced;
	*avail = dsl_is_snapshot(ds) ? 0 : ds_available(ds);
	*objs_used = ds->os != NULL ? objset_used_objects(ds->os) : bp_fill(&ds_phys(ds)->bp);
}
