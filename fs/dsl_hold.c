/* SPDX-License-Identifier: MIT */
/*
 * User holds: tags that keep a snapshot from being destroyed.
 *
 * A snapshot's userrefs zap maps a tag to the time it was put.  A snapshot that was to be destroyed
 * while held (or cloned) and was marked for that goes with its last tag (or clone).
 *
 * A tag may be temporary: for an operation of a program that may die.  The object tmp_userrefs of the pool's
 * directory then has "<number of the snapshot, hexadecimal>-<tag>", and whoever imports the pool next takes the tag
 * away, as nothing can be under way then.  With a snapshot marked for destruction nothing is left.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"

#define TAG_MAX (DSL_NAME_MAX - 1) /* with the NUL; OpenZFS leaves room for temporary tags */

struct hold_arg {
	const char *const *names;
	size_t n;
	const char *tag;	     /* NULL: tags */
	const struct nvlist *tags; /* tag -> time */
};

static int
has_tag(struct dsl_dataset *ds, const char *tag)
{
	unsigned intlen;
	uint64_t num;

	if (ds_phys(ds)->userrefs_zap == 0)
		return (-ENOENT);
	return (zap_length(dp_mos(ds->dp), ds_phys(ds)->userrefs_zap, tag, &intlen, &num));
}

static int
hold_snap(struct spa *spa, const char *name, struct dsl_dataset **ds, struct err *e)
{
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if ((rc = dsl_hold(spa, name, ds, e)) == 0 && !dsl_is_snapshot(*ds)) {
		dsl_rele(*ds);
		rc = err_set(e, EINVAL, "'%s' is not a snapshot", name);
	}
	return (rc);
}

/* --- hold ------------------------------------------------------------------------------------- */

static int
hold_check(struct spa *spa, void *arg, struct err *e)
{
	const struct hold_arg *a = arg;
	size_t i;
	int rc = 0;

	if (a->tag != NULL && strlen(a->tag) >= TAG_MAX)
		return (err_set(e, E2BIG, "tag too long"));
	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *ds;

		if ((rc = hold_snap(spa, a->names[i], &ds, e)) != 0)
			break;
		if (a->tag != NULL && has_tag(ds, a->tag) == 0)
			rc = err_set(e, EEXIST, "tag already exists on this dataset");
		dsl_rele(ds);
	}
	return (rc);
}

static int
put_tag(struct dsl_dataset *ds, const char *tag, uint64_t time)
{
	struct objset *mos = dp_mos(ds->dp);
	int rc;

	if ((rc = ds_dirty(ds)) != 0 || (ds_phys(ds)->userrefs_zap == 0 &&
	    (rc = zap_create(mos, OT_USERREFS, 0, 0, &ds_phys(ds)->userrefs_zap)) != 0))
		return (rc);
	return (zap_update(mos, ds_phys(ds)->userrefs_zap, tag, 8, 1, &time));
}

static int
put_tags(struct dsl_dataset *ds, const struct hold_arg *a)
{
	struct nvpair *p = NULL;
	uint64_t time;
	int rc = 0;

	if (a->tag != NULL)
		return (put_tag(ds, a->tag, spa_now(ds->dp->spa, NULL)));
	while (rc == 0 && (p = nv_next(a->tags, p)) != NULL)
		if (nvpair_u64(p, &time) == 0 && strlen(nvpair_name(p)) < TAG_MAX)
			rc = put_tag(ds, nvpair_name(p), time);
	return (rc);
}

static int
hold_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct hold_arg *a = arg;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *ds;

		if ((rc = dsl_hold(spa, a->names[i], &ds, e)) != 0)
			break;
		rc = err_rc(e, put_tags(ds, a), "cannot hold '%s'", a->names[i]);
		dsl_rele(ds);
	}
	return (rc);
}

int
dsl_hold_tag(struct spa *spa, const char *const *names, size_t n, const char *tag, struct err *e)
{
	struct hold_arg a = {names, n, tag, NULL};

	return (spa_sync_task(spa, hold_check, hold_sync, &a, e));
}

int
dsl_hold_tags(struct spa *spa, const char *name, const struct nvlist *tags, struct err *e)
{
	struct hold_arg a = {&name, 1, NULL, tags};

	return (spa_sync_task(spa, hold_check, hold_sync, &a, e));
}

/* --- temporary tags --------------------------------------------------------------------------- */

#define TEMPORARY "tmp_userrefs" /* of the pool's directory */
enum { DIRECTORY = 1, KEY_MAX = DSL_NAME_MAX + 20 };

static void
temporary_key(const struct dsl_dataset *ds, const char *tag, char key[KEY_MAX])
{
	(void)snprintf(key, KEY_MAX, "%" PRIx64 "-%s", dsl_objnum(ds), tag);
}

static int
temporary_add(struct dsl_dataset *ds, const char *tag)
{
	struct objset *mos = dp_mos(ds->dp);
	uint64_t zap, now = spa_now(ds->dp->spa, NULL);
	char key[KEY_MAX];
	int rc = spa_directory_get(ds->dp->spa, TEMPORARY, &zap);

	if (rc == 0 && zap == 0 && (rc = zap_create(mos, OT_USERREFS, 0, 0, &zap)) == 0)
		rc = zap_add(mos, DIRECTORY, TEMPORARY, 8, 1, &zap);
	temporary_key(ds, tag, key);
	return (rc != 0 ? rc : zap_update(mos, zap, key, 8, 1, &now));
}

static int
temporary_remove(struct dsl_dataset *ds, const char *tag)
{
	uint64_t zap;
	char key[KEY_MAX];
	int rc = spa_directory_get(ds->dp->spa, TEMPORARY, &zap);

	if (rc != 0 || zap == 0)
		return (rc);
	temporary_key(ds, tag, key);
	rc = zap_remove(dp_mos(ds->dp), zap, key);
	return (rc == -ENOENT ? 0 : rc);
}

int
ds_hold_temporary(struct spa *spa, const char *name, const char *tag)
{
	struct dsl_dataset *ds;
	int rc;

	if ((rc = dsl_hold(spa, name, &ds, NULL)) != 0)
		return (rc);
	if ((rc = put_tag(ds, tag, spa_now(spa, NULL))) == 0 && (rc = temporary_add(ds, tag)) == 0)
		ds_phys(ds)->flags |= DS_FLAG_DEFER_DESTROY;
	dsl_rele(ds);
	return (rc);
}

/* --- release ---------------------------------------------------------------------------------- */

static int
release_check(struct spa *spa, void *arg, struct err *e)
{
	const struct hold_arg *a = arg;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *ds;

		if ((rc = hold_snap(spa, a->names[i], &ds, e)) != 0)
			break;
		if (has_tag(ds, a->tag) != 0)
			rc = err_set(e, ESRCH, "no such tag on this dataset");
		dsl_rele(ds);
	}
	return (rc);
}

/* ds is released. */
static int
take_tag(struct dsl_dataset *ds, const char *tag)
{
	int rc = zap_remove(dp_mos(ds->dp), ds_phys(ds)->userrefs_zap, tag);

	if (rc == 0)
		rc = temporary_remove(ds, tag);
	if (rc == 0 && (ds_phys(ds)->flags & DS_FLAG_DEFER_DESTROY) &&
	    ds_check_destroy_snap(ds, "", NULL) == 0)
		return (ds_destroy_snap(ds));
	dsl_rele(ds);
	return (rc);
}

static int
release_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct hold_arg *a = arg;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n && rc == 0; i++) {
		struct dsl_dataset *ds;

		if ((rc = dsl_hold(spa, a->names[i], &ds, e)) == 0)
			rc = err_rc(e, take_tag(ds, a->tag), "cannot release '%s'", a->names[i]);
	}
	return (rc);
}

int
dsl_release_tag(struct spa *spa, const char *const *names, size_t n, const char *tag, struct err *e)
{
	struct hold_arg a = {names, n, tag, NULL};

	return (spa_sync_task(spa, release_check, release_sync, &a, e));
}

/* One tag, or an entry of a snapshot that is gone.  1: one is gone, look again. */
static int
release_entry(struct spa *spa, uint64_t zap, const struct zap_entry *ze)
{
	char name[DSL_NAME_MAX];
	const char *names[] = {name};
	struct dsl_dataset *ds;
	char *tag;
	uint64_t obj = strtoull(ze->name, &tag, 16);

	if (*tag == '-' && dsl_hold_objnum(spa, obj, &ds) == 0) {
		dsl_name(ds, name);
		dsl_rele(ds);
		if (dsl_release_tag(spa, names, 1, tag + 1, NULL) == 0)
			return (1);
	}
	return (zap_remove(spa->mos, zap, ze->name) == 0);
}

void
dsl_release_temporary(struct spa *spa)
{
	struct zap_entry *ze = malloc(sizeof(*ze));
	struct zap_cursor c;
	uint64_t zap;
	int more = ze != NULL && spa_directory_get(spa, TEMPORARY, &zap) == 0 && zap != 0;

	while (more) {
		zap_cursor_init(&c, spa->mos, zap, 0);
		more = zap_cursor_next(&c, ze) == 0;
		zap_cursor_fini(&c);
		more = more && release_entry(spa, zap, ze) == 1;
	}
	free(ze);
}

int
dsl_list_tags(struct dsl_dataset *ds, struct nvlist *out)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (ds->bookmark != NULL || ds_phys(ds)->userrefs_zap == 0)
		return (0);
	zap_cursor_init(&c, dp_mos(ds->dp), ds_phys(ds)->userrefs_zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0)
		if ((rc = nv_add_u64(out, ze.name, ze.first)) != 0)
			break;
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}
