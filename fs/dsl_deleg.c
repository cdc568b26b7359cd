/* SPDX-License-Identifier: MIT */
/*
 * Delegated permissions ("zfs allow"): kept and shown.
 *
 * A dir has a zap of who -> zap of permissions.  "Who" is a key like these:
 *
 *	ul$1001		user 1001, here		gd$100	group 100, below here
 *	el$, ed$	everybody		c-$	who creates a dataset
 *	s-$@set		the set @set
 *
 * In upper case (U G E C S) the permissions are names of sets.  The engine itself asks nobody's
 * permission: orders come from root.  What is set here counts where OpenZFS mounts the pool.
 *
 * Format: docs/zfs-format.md, "Delegation".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsl_impl.h"

#define KEY_MIN 3 /* "c-$" */

static bool
key_is_sane(const char *key)
{
	return (strlen(key) >= KEY_MIN && strchr("uUgGeEcCsS", key[0]) != NULL &&
	    strchr("ld-", key[1]) != NULL && key[2] == '$');
}

/* Upper case for sets, which begin with '@'. */
static void
key_for(const char *who, const char *perm, char key[ZAP_NAME_MAX])
{
	(void)snprintf(key, ZAP_NAME_MAX, "%s", who);
	if (perm[0] == '@' && key[0] >= 'a' && key[0] <= 'z')
		key[0] = (char)(key[0] - 'a' + 'A');
}

static int
who_zap(struct dsl_dir *dd, const char *key, bool make, uint64_t *zap)
{
	struct objset *mos = dp_mos(dd->dp);
	int rc;

	if (dir_phys(dd)->deleg_zap == 0) {
		if (!make)
			return (-ENOENT);
		if ((rc = dir_dirty(dd)) != 0 ||
		    (rc = zap_create(mos, OT_DSL_PERMS, 0, 0, &dir_phys(dd)->deleg_zap)) != 0)
			return (rc);
	}
	rc = zap_lookup(mos, dir_phys(dd)->deleg_zap, key, 8, 1, zap);
	if (rc != -ENOENT || !make)
		return (rc);
	if ((rc = zap_create(mos, OT_DSL_PERMS, 0, 0, zap)) != 0)
		return (rc);
	return (zap_add(mos, dir_phys(dd)->deleg_zap, key, 8, 1, zap));
}

static int
allow_one(struct dsl_dir *dd, const char *who, const char *perm)
{
	char key[ZAP_NAME_MAX];
	uint64_t zap, zero = 0;
	int rc;

	key_for(who, perm, key);
	rc = who_zap(dd, key, true, &zap);
	return (rc != 0 ? rc : zap_update(dp_mos(dd->dp), zap, perm, 8, 1, &zero));
}

/* Who has nothing left is no longer listed. */
static int
drop_if_empty(struct dsl_dir *dd, const char *key, uint64_t zap)
{
	uint64_t n;
	int rc = zap_count(dp_mos(dd->dp), zap, &n);

	if (rc != 0 || n > 0)
		return (rc);
	if ((rc = zap_remove(dp_mos(dd->dp), dir_phys(dd)->deleg_zap, key)) != 0)
		return (rc);
	return (zap_destroy(dp_mos(dd->dp), zap));
}

static int
unallow_one(struct dsl_dir *dd, const char *who, const char *perm)
{
	char key[ZAP_NAME_MAX];
	uint64_t zap;
	int rc;

	key_for(who, perm, key);
	if ((rc = who_zap(dd, key, false, &zap)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	rc = zap_remove(dp_mos(dd->dp), zap, perm);
	if (rc != 0 && rc != -ENOENT)
		return (rc);
	return (drop_if_empty(dd, key, zap));
}

/* Everything of one "who", in both cases of its key. */
static int
unallow_all(struct dsl_dir *dd, const char *who)
{
	static const char *const sample[] = {"any", "@set"};
	char key[ZAP_NAME_MAX];
	uint64_t zap;
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		key_for(who, sample[i], key);
		if ((rc = who_zap(dd, key, false, &zap)) == 0 &&
		    (rc = zap_remove(dp_mos(dd->dp), dir_phys(dd)->deleg_zap, key)) == 0)
			rc = zap_destroy(dp_mos(dd->dp), zap);
		rc = rc == -ENOENT ? 0 : rc;
	}
	return (rc);
}

struct deleg_arg {
	const char *name;
	const struct dsl_deleg *d;
};

static int
deleg_check(struct spa *spa, void *arg, struct err *e)
{
	const struct deleg_arg *a = arg;
	struct dsl_dataset *ds;
	size_t i;
	int rc = dsl_hold(spa, a->name, &ds, e);

	if (rc != 0)
		return (rc);
	if (dsl_is_snapshot(ds))
		rc = err_set(e, EINVAL, "operation not applicable to datasets of this type");
	dsl_rele(ds);
	for (i = 0; i < a->d->nwho && rc == 0; i++)
		if (!key_is_sane(a->d->who[i]) || strlen(a->d->who[i]) >= ZAP_NAME_MAX)
			rc = err_set(e, EINVAL, "invalid who '%s'", a->d->who[i]);
	for (i = 0; i < a->d->nperm && rc == 0; i++)
		if (strlen(a->d->perm[i]) >= ZAP_NAME_MAX || a->d->perm[i][0] == '\0')
			rc = err_set(e, EINVAL, "invalid permission '%s'", a->d->perm[i]);
	return (rc);
}

static int
deleg_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct deleg_arg *a = arg;
	struct dsl_dataset *ds;
	size_t i, k;
	int rc = dsl_hold(spa, a->name, &ds, e);

	if (rc != 0)
		return (rc);
	for (i = 0; i < a->d->nwho && rc == 0; i++) {
		if (a->d->take && a->d->nperm == 0)
			rc = unallow_all(ds->dir, a->d->who[i]);
		for (k = 0; k < a->d->nperm && rc == 0; k++)
			rc = (a->d->take ? unallow_one : allow_one)(ds->dir, a->d->who[i], a->d->perm[k]);
	}
	dsl_rele(ds);
	return (err_rc(e, rc, "'%s'", a->name));
}

int
dsl_deleg_set(struct spa *spa, const char *name, const struct dsl_deleg *d, struct err *e)
{
	struct deleg_arg a = {name, d};

	return (spa_sync_task(spa, deleg_check, deleg_sync, &a, e));
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
walk_who(struct dsl_dir *dd, const char *key, uint64_t zap, dsl_deleg_fn *fn, void *arg)
{
	char name[DSL_NAME_MAX];
	struct zap_cursor c;
	struct zap_entry ze;
	int rc, stop = 0;

	(void)dir_name(dd, name, sizeof(name));
	zap_cursor_init(&c, dp_mos(dd->dp), zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
		stop = fn(name, key, ze.name, arg);
	zap_cursor_fini(&c);
	return (stop != 0 ? stop : rc == -ENOENT ? 0 : rc);
}

int
dsl_deleg_walk(struct dsl_dataset *ds, dsl_deleg_fn *fn, void *arg)
{
	struct dsl_dir *dd;
	int rc = 0, stop = 0;

	for (dd = ds->dir; dd != NULL && stop == 0; dd = dd->parent) {
		struct zap_cursor c;
		struct zap_entry ze;

		if (dir_phys(dd)->deleg_zap == 0)
			continue;
		zap_cursor_init(&c, dp_mos(dd->dp), dir_phys(dd)->deleg_zap, 0);
		while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
			if (key_is_sane(ze.name))
				stop = walk_who(dd, ze.name, ze.first, fn, arg);
		zap_cursor_fini(&c);
		if (stop == 0 && rc != -ENOENT)
			stop = rc;
	}
	return (stop);
}

int
deleg_destroy(struct dsl_dir *dd)
{
	struct objset *mos = dp_mos(dd->dp);
	uint64_t zap = dir_phys(dd)->deleg_zap;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc, stop = 0;

	if (zap == 0)
		return (0);
	zap_cursor_init(&c, mos, zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
		stop = zap_destroy(mos, ze.first);
	zap_cursor_fini(&c);
	return (stop != 0 ? stop : rc == -ENOENT ? zap_destroy(mos, zap) : rc);
}
