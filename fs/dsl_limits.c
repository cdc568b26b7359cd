/* SPDX-License-Identifier: MIT */
/*
 * Counts of filesystems and snapshots, for filesystem_limit and snapshot_limit.
 *
 * From the first limit that is set on, the dir that has it and all below it know how many datasets and
 * snapshots are below them (two keys in the dir, which is zapified for it).  A change walks up from where it
 * happens and adds to every dir that counts; the first that does not ends the walk, because nobody
 * above counts either... unless a limit was set far above later: then everything below was counted in
 * that txg.  Once the feature is active new dirs count from their birth.
 *
 * Temporary datasets of a receive ('%') and the pool's own ('$') are not counted.
 *
 * A limit binds those who may not change it: root may, and only root gives orders to a poold.  So
 * what is kept here is for show, and for OpenZFS.
 *
 * Invariant: a dir that counts has the number of dirs below it, and of snapshots of it and below it.
 *
 * Facts: zfsprops(7), docs/zfs-format.md, "DSL directory".
 */
#include <errno.h>

#include "dsl_impl.h"

#define FEATURE_LIMITS "com.joyent:filesystem_limits"

const char dir_count_filesystems[] = "com.joyent:filesystem_count";
const char dir_count_snapshots[] = "com.joyent:snapshot_count";

static bool
is_counted(const char *name)
{
	return (name[0] != '$' && name[0] != '%');
}

/* -ENOENT: it does not count. */
static int
count_get(struct dsl_dir *dd, const char *what, uint64_t *n)
{
	if (!dsl_is_zapified(dd->dp, dd->obj))
		return (-ENOENT);
	return (zap_lookup(dp_mos(dd->dp), dd->obj, what, 8, 1, n));
}

static int
count_start(struct dsl_dir *dd, uint64_t filesystems, uint64_t snapshots)
{
	int rc = dsl_zapify(dd->dp, dd->obj);

	if (rc == 0)
		rc = zap_add(dp_mos(dd->dp), dd->obj, dir_count_filesystems, 8, 1, &filesystems);
	return (rc != 0 ? rc :
	    zap_add(dp_mos(dd->dp), dd->obj, dir_count_snapshots, 8, 1, &snapshots));
}

int
dir_count_add(struct dsl_dir *dd, const char *what, const char *name, int64_t delta)
{
	uint64_t n;
	int rc = 0;

	for (; dd != NULL && delta != 0 && is_counted(name); dd = dd->parent) {
		if ((rc = count_get(dd, what, &n)) != 0)
			return (rc == -ENOENT ? 0 : rc);
		n += (uint64_t)delta;
		if ((rc = zap_update(dp_mos(dd->dp), dd->obj, what, 8, 1, &n)) != 0)
			break;
	}
	return (rc);
}

int
dir_count_new(struct dsl_dir *dd)
{
	if (!spa_feature_active(dd->dp->spa, FEATURE_LIMITS) || !is_counted(dd->name))
		return (0);
	return (count_start(dd, 0, 0));
}

/* --- counting what is there ------------------------------------------------------------------- */

static int
count_snapshots(struct dsl_dir *dd, uint64_t *n)
{
	struct dsl_dataset *head;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = ds_hold_head(dd, &head);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	zap_cursor_init(&c, dp_mos(dd->dp), ds_phys(head)->snapnames_zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0)
		*n += is_counted(ze.name);
	zap_cursor_fini(&c);
	dsl_rele(head);
	return (rc == -ENOENT ? 0 : rc);
}

/* One child, counted before, adds itself and its sums. */
static int
add_child(struct dsl_dir *parent, const struct zap_entry *ze, uint64_t *filesystems,
    uint64_t *snapshots)
{
	struct dsl_dir *dd;
	uint64_t f = 0, s = 0;
	int rc;

	if (!is_counted(ze->name))
		return (0);
	if ((rc = dir_hold_obj(parent->dp, ze->first, ze->name, &dd)) != 0)
		return (rc);
	if ((rc = dir_count_begin(dd)) == 0 && (rc = count_get(dd, dir_count_filesystems, &f)) == 0)
		rc = count_get(dd, dir_count_snapshots, &s);
	*filesystems += f + 1;
	*snapshots += s;
	dir_rele(dd);
	return (rc);
}

int
dir_count_begin(struct dsl_dir *dd)
{
	uint64_t filesystems = 0, snapshots = 0, n;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = count_get(dd, dir_count_filesystems, &n), stop = 0;

	if (rc != -ENOENT)
		return (rc);
	zap_cursor_init(&c, dp_mos(dd->dp), dir_phys(dd)->child_zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0)
		stop = add_child(dd, &ze, &filesystems, &snapshots);
	zap_cursor_fini(&c);
	if (stop != 0 || rc != -ENOENT)
		return (stop != 0 ? stop : rc);
	rc = count_snapshots(dd, &snapshots);
	return (rc != 0 ? rc : count_start(dd, filesystems, snapshots));
}

int
dir_limit_set(struct dsl_dir *dd)
{
	struct spa *spa = dd->dp->spa;
	int rc = 0;

	if (!spa_feature_active(spa, FEATURE_LIMITS))
		rc = spa_feature_change(spa, FEATURE_LIMITS, 1);
	return (rc != 0 ? rc : dir_count_begin(dd));
}

/* --- moving ----------------------------------------------------------------------------------- */

int
dir_count_move(struct dsl_dir *dd, struct dsl_dir *from, struct dsl_dir *to)
{
	uint64_t filesystems = 0, snapshots = 0;
	int rc = 0;

	if (!spa_feature_active(dd->dp->spa, FEATURE_LIMITS))
		return (0);
	if ((rc = dir_count_begin(dd)) != 0 ||
	    (rc = count_get(dd, dir_count_filesystems, &filesystems)) != 0 ||
	    (rc = count_get(dd, dir_count_snapshots, &snapshots)) != 0)
		return (rc);
	filesystems++;
	if ((rc = dir_count_add(from, dir_count_filesystems, dd->name, -(int64_t)filesystems)) != 0 ||
	    (rc = dir_count_add(from, dir_count_snapshots, dd->name, -(int64_t)snapshots)) != 0 ||
	    (rc = dir_count_add(to, dir_count_filesystems, dd->name, (int64_t)filesystems)) != 0)
		return (rc);
	return (dir_count_add(to, dir_count_snapshots, dd->name, (int64_t)snapshots));
}
