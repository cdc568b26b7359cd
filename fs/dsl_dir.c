/* SPDX-License-Identifier: MIT */
/*
 * dsl_dir: a place in the tree of names, with its space and its properties.
 *
 * A dir owns a head dataset, child dirs, a property zap and the account of the space of everything
 * in it.  Accounts:
 *
 *	used = HEAD + SNAP + CHILD + CHILD_RSRV + REFRSRV
 *
 * A change of `used` is a change of the parent's CHILD; what a reservation of this dir already
 * set aside does not change the parent's used: it moves from CHILD_RSRV to CHILD there.
 *
 * Invariants:
 *  1. used is the sum of the breakdown (pools older than version 13 have none).
 *  2. The parent's CHILD is the sum of its children's used, CHILD_RSRV the sum of what their
 *     reservations exceed it by.
 *  3. compressed and uncompressed include the children's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "ddt.h"
#include "dsl_impl.h"
#include "smartbox/fs/metaslab.h"

#define DIR_DEPTH_MAX 256 /* names have less than 256 bytes */

static struct dsl_dir **
dir_bucket(struct dsl_pool *dp, uint64_t obj)
{
	return (&dp->dirs[obj % DIR_BUCKETS]);
}

static struct dsl_dir *
dir_find(struct dsl_pool *dp, uint64_t obj)
{
	struct dsl_dir *dd = *dir_bucket(dp, obj);

	while (dd != NULL && dd->obj != obj)
		dd = dd->hash_next;
	return (dd);
}

static int
phys_hold(struct dsl_pool *dp, uint64_t obj, struct dbuf **db)
{
	struct dmu_info info;
	int rc;

	if ((rc = dmu_object_info(dp_mos(dp), obj, &info)) != 0)
		return (rc);
	if (info.bonus_type != OT_DSL_DIR || info.bonus_len < sizeof(struct dsl_dir_phys))
		return (-EILSEQ);
	return (dmu_bonus_hold(dp_mos(dp), obj, db));
}

static int
dir_find_name(struct dsl_dir *dd)
{
	if (dd->parent == NULL) {
		(void)snprintf(dd->name, sizeof(dd->name), "%s", spa_name(dd->dp->spa));
		return (0);
	}
	return (zap_value_search(dp_mos(dd->dp), dir_phys(dd->parent)->child_zap, dd->obj, 0, dd->name,
	    sizeof(dd->name)));
}

static void
dir_free(struct dsl_dir *dd)
{
	if (dd->db != NULL)
		dbuf_rele(dd->db);
	dir_rele(dd->parent);
	free(dd);
}

static int dir_load(struct dsl_pool *dp, uint64_t obj, const char *name, int depth,
    struct dsl_dir **out);

static int
dir_load_parent(struct dsl_dir *dd, int depth)
{
	uint64_t parent = dir_phys(dd)->parent_obj;

	if (parent == 0)
		return (0);
	if (depth >= DIR_DEPTH_MAX)
		return (-EILSEQ);
	return (dir_load(dd->dp, parent, NULL, depth + 1, &dd->parent));
}

static int
dir_load(struct dsl_pool *dp, uint64_t obj, const char *name, int depth, struct dsl_dir **out)
{
	struct dsl_dir *dd = dir_find(dp, obj);
	int rc;

	if (dd != NULL) {
		*out = dir_hold(dd);
		return (0);
	}
	if ((dd = calloc(1, sizeof(*dd))) == NULL)
		return (-ENOMEM);
	dd->dp = dp;
	dd->obj = obj;
	if ((rc = phys_hold(dp, obj, &dd->db)) == 0 && (rc = dir_load_parent(dd, depth)) == 0) {
		if (name != NULL)
			(void)snprintf(dd->name, sizeof(dd->name), "%s", name);
		else
			rc = dir_find_name(dd);
	}
	if (rc != 0) {
		dir_free(dd);
		return (rc == -ENOENT ? -EILSEQ : rc);
	}
	dd->refs = 1;
	dd->hash_next = *dir_bucket(dp, obj);
	*dir_bucket(dp, obj) = dd;
	*out = dd;
	return (0);
}

int
dir_hold_obj(struct dsl_pool *dp, uint64_t obj, const char *name, struct dsl_dir **out)
{
	return (dir_load(dp, obj, name, 0, out));
}

int
dir_hold_child(struct dsl_dir *parent, const char *name, struct dsl_dir **out)
{
	uint64_t obj;
	int rc;

	rc = zap_lookup(dp_mos(parent->dp), dir_phys(parent)->child_zap, name, 8, 1, &obj);
	return (rc != 0 ? rc : dir_hold_obj(parent->dp, obj, name, out));
}

struct dsl_dir *
dir_hold(struct dsl_dir *dd)
{
	dd->refs++;
	return (dd);
}

void
dir_rele(struct dsl_dir *dd)
{
	struct dsl_dir **p;

	if (dd == NULL || --dd->refs > 0)
		return;
	for (p = dir_bucket(dd->dp, dd->obj); *p != dd; p = &(*p)->hash_next)
		continue;
	*p = dd->hash_next;
	dir_free(dd);
}

/* Append s to the n characters of buf, as far as it fits, with NUL; the length there would be. */
static size_t
append(char *buf, size_t size, size_t n, const char *s)
{
	size_t len = strlen(s), room = n < size ? size - n - 1 : 0;

	if (n < size) {
		memcpy(buf + n, s, len < room ? len : room);
		buf[n + (len < room ? len : room)] = '\0';
	}
	return (n + len);
}

size_t
dir_name(const struct dsl_dir *dd, char *buf, size_t size)
{
	size_t n = 0;

	if (dd->parent != NULL)
		n = append(buf, size, dir_name(dd->parent, buf, size), "/");
	return (append(buf, size, n, dd->name));
}

bool
dir_is_within(const struct dsl_dir *dd, const struct dsl_dir *root)
{
	while (dd != NULL && dd != root)
		dd = dd->parent;
	return (dd != NULL);
}

int
dir_dirty(struct dsl_dir *dd)
{
	return (dbuf_dirty(dd->db));
}

int
dir_child_count(const struct dsl_dir *dd, uint64_t *n)
{
	return (zap_count(dp_mos(dd->dp), dir_phys(dd)->child_zap, n));
}

/* --- making and destroying -------------------------------------------------------------------- */

static int
dir_fill(struct dsl_pool *dp, uint64_t obj, uint64_t parent_obj)
{
	struct dsl_dir_phys *p;
	struct dbuf *db;
	int rc;

	if ((rc = dmu_bonus_hold(dp_mos(dp), obj, &db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0) {
		p = dbuf_data(db);
		p->creation_time = spa_now(dp->spa, NULL);
		p->parent_obj = parent_obj;
		p->flags = DD_FLAG_BREAKDOWN;
		if ((rc = zap_create(dp_mos(dp), OT_DSL_PROPS, 0, 0, &p->props_zap)) == 0)
			rc = zap_create(dp_mos(dp), OT_DSL_DIR_CHILD_MAP, 0, 0, &p->child_zap);
	}
	dbuf_rele(db);
	return (rc);
}

int
dir_create(struct dsl_pool *dp, struct dsl_dir *parent, const char *name, uint64_t *obj)
{
	int rc = dmu_object_alloc(dp_mos(dp), OT_DSL_DIR, 0, OT_DSL_DIR, sizeof(struct dsl_dir_phys),
	    obj);

	if (rc != 0 || (rc = dir_fill(dp, *obj, parent != NULL ? parent->obj : 0)) != 0)
		return (rc);
	return (parent == NULL ?
		    zap_add(dp_mos(dp), MOS_DIRECTORY, "root_dataset", 8, 1, obj) :
		    zap_add(dp_mos(dp), dir_phys(parent)->child_zap, name, 8, 1, obj));
}

/* The last holder's: its head and children are gone, nothing is charged to it any more. */
int
dir_destroy(struct dsl_dir *dd)
{
	struct dsl_pool *dp = dd->dp;
	struct dsl_dir_phys p = *dir_phys(dd);
	uint64_t zaps[] = {p.child_zap, p.props_zap, p.clones_zap}, obj = dd->obj;
	size_t i;
	int rc;

	rc = zap_remove(dp_mos(dp), dir_phys(dd->parent)->child_zap, dd->name);
	if (rc == 0)
		rc = dir_count_add(dd->parent, dir_count_filesystems, dd->name, -1);
	if (rc == 0)
		rc = deleg_destroy(dd);
	for (i = 0; i < sizeof(zaps) / sizeof(zaps[0]) && rc == 0; i++) {
		if (zaps[i] != 0)
			rc = zap_destroy(dp_mos(dp), zaps[i]);
	}
	dir_rele(dd);
	return (rc != 0 ? rc : dsl_free_zapified(dp, obj));
}

/* --- accounts --------------------------------------------------------------------------------- */

static int64_t
max_i64(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

/* What a change of used means for the parent: a reservation absorbs it. */
static int64_t
parent_delta(const struct dsl_dir_phys *p, int64_t delta)
{
	int64_t used = (int64_t)p->used, reserved = (int64_t)p->reserved;

	return (max_i64(used + delta, reserved) - max_i64(used, reserved));
}

int
dir_transfer(struct dsl_dir *dd, int64_t delta, int from, int to)
{
	struct dsl_dir_phys *p = dir_phys(dd);
	int rc;

	if (delta == 0 || !(p->flags & DD_FLAG_BREAKDOWN))
		return (0);
	if ((rc = dir_dirty(dd)) != 0)
		return (rc);
	p->breakdown[from] -= (uint64_t)delta;
	p->breakdown[to] += (uint64_t)delta;
	return (0);
}

int
dir_charge(struct dsl_dir *dd, int type, const struct space_sum *d)
{
	struct dsl_dir_phys *p = dir_phys(dd);
	struct space_sum up = {parent_delta(p, d->used), d->comp, d->uncomp};
	int rc;

	if ((rc = dir_dirty(dd)) != 0)
		return (rc);
	p->used += (uint64_t)d->used;
	p->compressed += (uint64_t)d->comp;
	p->uncompressed += (uint64_t)d->uncomp;
	if (p->flags & DD_FLAG_BREAKDOWN)
		p->breakdown[type] += (uint64_t)d->used;
	if (dd->parent == NULL)
		return (0);
	if ((rc = dir_charge(dd->parent, DD_CHILD, &up)) != 0)
		return (rc);
	return (dir_transfer(dd->parent, d->used - up.used, DD_CHILD_RSRV, DD_CHILD));
}

int
dir_set_reserved(struct dsl_dir *dd, uint64_t value)
{
	struct dsl_dir_phys *p = dir_phys(dd);
	int64_t used = (int64_t)p->used;
	struct space_sum d = {
	    max_i64(used, (int64_t)value) - max_i64(used, (int64_t)p->reserved), 0, 0};
	int rc;

	if ((rc = dir_dirty(dd)) != 0)
		return (rc);
	p->reserved = value;
	return (dd->parent == NULL ? 0 : dir_charge(dd->parent, DD_CHILD_RSRV, &d));
}

/* --- available -------------------------------------------------------------------------------- */

#define SLOP_SHIFT 5
#define SLOP_MIN (128ULL << 20)
#define SLOP_MAX (128ULL << 30)

/* Asked for at every write, changes only when devices come and go. */
static uint64_t
pool_dsize(struct dsl_pool *dp)
{
	struct space_stats st;

	if (dp->size_txg != spa_open_txg(dp->spa)) {
		metaslab_stats(dp->spa, &st);
		dp->size = st.normal_dsize;
		dp->size -= checkpoint_dsize(dp->spa) < dp->size ? checkpoint_dsize(dp->spa) : dp->size;
		dp->size_txg = spa_open_txg(dp->spa);
	}
	return (dp->size);
}

/*
 * What datasets may use of the pool: its size less the slop (docs/zfs-format.md, "Slop").
 * Deduplicated blocks are charged to every dataset that has them but take space once: the pool
 * seems larger by the difference.
 */
static uint64_t
pool_size(struct dsl_pool *dp, bool netfree)
{
	uint64_t size = pool_dsize(dp), slop = size >> SLOP_SHIFT, half = size / 2;

	slop = slop > SLOP_MAX ? SLOP_MAX : slop;
	if (slop < SLOP_MIN)
		slop = half < SLOP_MIN ? half : SLOP_MIN;
	if (netfree)
		slop /= 2;
	return (size + ddt_saved(dp->spa) - slop);
}

/* Bytes written in datasets at and below dd that no sync has charged yet. */
static uint64_t
dir_dirty_bytes(const struct dsl_dir *dd)
{
	const struct dsl_dataset *ds;
	uint64_t n = 0;

	if (dd->parent == NULL)
		return (spa_uncharged_bytes(dd->dp->spa));
	for (ds = dd->dp->dirty; ds != NULL; ds = ds->dirty_next)
		if (ds->os != NULL && objset_is_dirty(ds->os) && dir_is_within(ds->dir, dd))
			n += objset_dirty_bytes(ds->os);
	return (n);
}

uint64_t
dir_available(const struct dsl_dir *dd, unsigned flags)
{
	const struct dsl_dir_phys *p = dir_phys(dd);
	uint64_t above, limit = p->quota != 0 ? p->quota : UINT64_MAX, used = p->used, mine;

	if ((flags & AVAIL_DIRTY) && (p->quota != 0 || p->reserved != 0 || dd->parent == NULL))
		used += dir_dirty_bytes(dd);
	if (dd->parent == NULL) {
		uint64_t pool = pool_size(dd->dp, (flags & AVAIL_NETFREE) != 0);

		above = UINT64_MAX;
		limit = limit < pool ? limit : pool;
	} else {
		above = dir_available(dd->parent, flags);
		if (p->reserved > used)
			above += p->reserved - used;
	}
	mine = used < limit ? limit - used : 0;
	return (mine < above ? mine : above);
}
