/* SPDX-License-Identifier: MIT */
/*
 * dsl_dataset: a head or a snapshot, held in memory; what births and deaths of its blocks mean.
 *
 * There is one struct per object while anybody holds it, so that all see the same.  A head whose
 * objset is dirty, or whose account has not been written down, outlives its last holder until the
 * next sync.  Those are in a list of the pool, so that a sync costs nothing for thousands of open
 * datasets in which nothing happens; what is in it may have become clean again, what is not is.
 *
 * A block is born in a head: charged to it.  A block dies in a head:
 *
 *	born after the newest snapshot	nobody else has it: freed now
 *	born before			a snapshot has it: goes on the head's deadlist; if only the
 *					newest snapshot has it, it is unique to that now
 *
 * The sums are collected in memory (struct ds_delta) and written once per sync, so that a txg costs
 * a dir and a dataset one change each, however many blocks it wrote.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/names.h"

#define DEAD_BATCH 1024
#define DNODESIZE_AUTO 1
#define DNODE_MAX_BYTES 16384
#define DEDUP_VERIFY 256 /* in the value of the property */
#define OBJSET_TYPE_OFFSET 704

/* --- the list of dirty ones ------------------------------------------------------------------ */

/* It may be dirty from now on: the next sync looks at it. */
static void
ds_list(struct dsl_dataset *ds)
{
	struct dsl_pool *dp = ds->dp;

	if (ds->listed)
		return;
	ds->listed = true;
	ds->dirty_prev = dp->dirty_last;
	*(dp->dirty_last != NULL ? &dp->dirty_last->dirty_next : &dp->dirty) = ds;
	dp->dirty_last = ds;
}

static void
ds_unlist(struct dsl_dataset *ds)
{
	struct dsl_pool *dp = ds->dp;

	if (!ds->listed)
		return;
	*(ds->dirty_prev != NULL ? &ds->dirty_prev->dirty_next : &dp->dirty) = ds->dirty_next;
	*(ds->dirty_next != NULL ? &ds->dirty_next->dirty_prev : &dp->dirty_last) = ds->dirty_prev;
	ds->dirty_prev = ds->dirty_next = NULL;
	ds->listed = false;
}

/* Its account is to be written down. */
static void
ds_pend(struct dsl_dataset *ds)
{
	ds->delta.pending = true;
	ds_list(ds);
}

/* --- holding ---------------------------------------------------------------------------------- */

static struct dsl_dataset **
ds_bucket(struct dsl_pool *dp, uint64_t obj)
{
	return (&dp->datasets[obj % DIR_BUCKETS]);
}

static struct dsl_dataset *
ds_find(struct dsl_pool *dp, uint64_t obj)
{
	struct dsl_dataset *ds = *ds_bucket(dp, obj);

	while (ds != NULL && ds->obj != obj)
		ds = ds->hash_next;
	return (ds);
}

static void
ds_close_contents(struct dsl_dataset *ds)
{
	ds_deadlist_forget(ds);
	bookmarks_forget(ds);
	objset_close(ds->os);
	ds->os = NULL;
	free(ds->delta.dead);
	memset(&ds->delta, 0, sizeof(ds->delta));
}

static void
ds_free(struct dsl_dataset *ds)
{
	while (ds->listeners != NULL) {
		struct dsl_listener *l = ds->listeners;

		ds->listeners = l->next;
		free(l);
	}
	ds_close_contents(ds);
	ds_unlist(ds); /* now: what is dropped while it is closed may have put it there */
	if (ds->db != NULL)
		dbuf_rele(ds->db);
	dir_rele(ds->dir);
	free(ds);
}

int
ds_hold_obj(struct dsl_pool *dp, uint64_t obj, struct dsl_dataset **out)
{
	struct dsl_dataset *ds = ds_find(dp, obj);
	int rc;

	if (ds != NULL) {
		*out = ds_hold(ds);
		return (0);
	}
	if ((ds = calloc(1, sizeof(*ds))) == NULL)
		return (-ENOMEM);
	ds->dp = dp;
	ds->obj = obj;
	ds->prev_prev_txg = UINT64_MAX;
	if ((rc = dmu_bonus_hold_as(dp_mos(dp), obj, OT_DSL_DATASET, sizeof(struct dsl_dataset_phys),
	    &ds->db)) != 0 || (rc = dir_hold_obj(dp, ds_phys(ds)->dir_obj, NULL, &ds->dir)) != 0) {
		ds_free(ds);
		return (rc);
	}
	ds->refs = 1;
	ds->hash_next = *ds_bucket(dp, obj);
	*ds_bucket(dp, obj) = ds;
	*out = ds;
	return (0);
}

struct dsl_dataset *
ds_hold(struct dsl_dataset *ds)
{
	ds->refs++;
	return (ds);
}

bool
ds_needs_sync(const struct dsl_dataset *ds)
{
	return (ds->delta.pending || (ds->os != NULL && objset_is_dirty(ds->os)));
}

static bool
ds_must_stay(const struct dsl_dataset *ds)
{
	return (ds->refs > 0 || ds_needs_sync(ds));
}

static void
ds_unhash(struct dsl_dataset *ds)
{
	struct dsl_dataset **p = ds_bucket(ds->dp, ds->obj);

	while (*p != NULL && *p != ds)
		p = &(*p)->hash_next;
	if (*p != NULL)
		*p = ds->hash_next;
}

void
dsl_rele(struct dsl_dataset *ds)
{
	if (ds == NULL)
		return;
	ds->refs--;
	if (ds_must_stay(ds))
		return;
	ds_unhash(ds);
	ds_free(ds);
}

void
ds_sweep(struct dsl_pool *dp)
{
	struct dsl_dataset *ds, *next;

	for (ds = dp->dirty; ds != NULL; ds = next) {
		next = ds->dirty_next;
		if (ds_needs_sync(ds))
			continue;
		ds_unlist(ds);
		if (ds->refs == 0) {
			ds_unhash(ds);
			ds_free(ds);
		}
	}
}

void
ds_forget(struct dsl_dataset *ds)
{
	ds_unhash(ds);
	ds_free(ds);
}

int
ds_hold_head(struct dsl_dir *dd, struct dsl_dataset **out)
{
	uint64_t obj = dir_phys(dd)->head_dataset_obj;

	return (obj == 0 ? -ENOENT : ds_hold_obj(dd->dp, obj, out));
}

int
ds_hold_snap(struct dsl_dataset *head, const char *name, struct dsl_dataset **out)
{
	bool fold = (ds_phys(head)->flags & DS_FLAG_CI) != 0;
	char real[ZAP_NAME_MAX];
	uint64_t obj;
	int rc;

	if (ds_phys(head)->snapnames_zap == 0)
		return (-ENOENT);
	if ((rc = zap_lookup_fold(dp_mos(head->dp), ds_phys(head)->snapnames_zap, name, fold, &obj,
		 real, sizeof(real))) != 0 ||
	    (rc = ds_hold_obj(head->dp, obj, out)) != 0)
		return (rc);
	(void)snprintf((*out)->snapname, sizeof((*out)->snapname), "%s", real);
	return (0);
}

/* --- by name ---------------------------------------------------------------------------------- */

static int
hold_path(struct dsl_pool *dp, const char *path, size_t len, struct dsl_dir **out)
{
	const char *end = path + len, *p = memchr(path, '/', len);
	struct dsl_dir *dd = dp->root, *child;
	size_t first = p != NULL ? (size_t)(p - path) : len;
	char part[ZAP_NAME_MAX];
	int rc;

	if (first != strlen(dd->name) || memcmp(path, dd->name, first) != 0)
		return (-ENOENT);
	dir_hold(dd);
	for (path += first; path < end; path += first) {
		path++; /* the slash */
		p = memchr(path, '/', (size_t)(end - path));
		first = (size_t)((p != NULL ? p : end) - path);
		rc = -ENOENT;
		if (first > 0 && first < sizeof(part) && *path != '$') {
			(void)snprintf(part, sizeof(part), "%.*s", (int)first, path);
			rc = dir_hold_child(dd, part, &child);
		}
		dir_rele(dd);
		if (rc != 0)
			return (rc);
		dd = child;
	}
	*out = dd;
	return (0);
}

static int
hold_name(struct dsl_pool *dp, const char *name, struct dsl_dataset **out)
{
	size_t len = strcspn(name, "@#");
	struct dsl_dataset *head;
	struct dsl_dir *dd;
	int rc;

	if ((rc = hold_path(dp, name, len, &dd)) != 0)
		return (rc);
	rc = ds_hold_head(dd, &head);
	dir_rele(dd);
	if (rc != 0)
		return (rc);
	if (name[len] == '\0') {
		*out = head;
		return (0);
	}
	rc = name[len] == '@' ? ds_hold_snap(head, name + len + 1, out) : -ENOENT;
	dsl_rele(head);
	return (rc);
}

int
dsl_hold(struct spa *spa, const char *name, struct dsl_dataset **out, struct err *e)
{
	int rc = hold_name(spa->dsl, name, out);

	if (rc == -ENOENT)
		return (err_set(e, ENOENT, "dataset '%s' does not exist", name));
	return (err_rc(e, rc, "dataset '%s'", name));
}

bool
dsl_is_snapshot(const struct dsl_dataset *ds)
{
	return (ds->bookmark == NULL && ds_phys(ds)->snapnames_zap == 0);
}

static int
ds_find_snapname(struct dsl_dataset *ds)
{
	struct dsl_dataset *head;
	int rc = ds_hold_head(ds->dir, &head);

	if (rc != 0)
		return (rc);
	rc = zap_value_search(dp_mos(ds->dp), ds_phys(head)->snapnames_zap, ds->obj, 0, ds->snapname,
	    sizeof(ds->snapname));
	dsl_rele(head);
	return (rc);
}

int
ds_name(struct dsl_dataset *ds, char *buf, size_t size)
{
	size_t n = dir_name(ds->dir, buf, size);
	bool plain = ds->bookmark == NULL && !dsl_is_snapshot(ds);
	int rc;

	if (plain)
		return (n < size ? 0 : -ENAMETOOLONG);
	if (ds->snapname[0] == '\0' && (rc = ds_find_snapname(ds)) != 0)
		return (rc);
	if (n + 1 + strlen(ds->snapname) >= size)
		return (-ENAMETOOLONG);
	buf[n++] = ds->bookmark != NULL ? '#' : '@';
	memcpy(buf + n, ds->snapname, strlen(ds->snapname) + 1);
	return (0);
}

void
dsl_name(const struct dsl_dataset *ds, char buf[DSL_NAME_MAX])
{
	buf[0] = '\0';
	(void)ds_name((struct dsl_dataset *)ds, buf, DSL_NAME_MAX);
}

int
dsl_check_readable(struct dsl_dataset *ds, struct err *e)
{
	if (ds_has_feature(ds, "com.datto:encryption"))
		return (err_set(e, ENOTSUP, "encrypted (feature com.datto:encryption), which this version "
		    "does not read"));
	if (ds_has_feature(ds, "com.delphix:redacted_datasets"))
		return (err_set(e, ENOTSUP, "redacted (feature com.delphix:redacted_datasets), which this "
		    "version does not read"));
	return (0);
}

bool
dsl_is_inconsistent(const struct dsl_dataset *ds)
{
	return (ds->bookmark == NULL && (ds_phys(ds)->flags & DS_FLAG_INCONSISTENT) != 0);
}

uint64_t
dsl_guid(const struct dsl_dataset *ds)
{
	return (ds->bookmark != NULL ? ds->bookmark[0] : ds_phys(ds)->guid);
}

uint64_t
dsl_fsid(const struct dsl_dataset *ds)
{
	return (ds_phys(ds)->fsid_guid);
}

int
dsl_hold_objnum(struct spa *spa, uint64_t obj, struct dsl_dataset **out)
{
	return (ds_hold_obj(spa->dsl, obj, out));
}

uint64_t
dsl_objnum(const struct dsl_dataset *ds)
{
	return (ds->obj);
}

/* The type word of the objset block, without opening the objset; 0: it cannot be read. */
static unsigned
read_type(struct dsl_dataset *ds)
{
	const struct blkptr *bp = &ds_phys(ds)->bp;
	uint64_t type = 0;
	uint8_t *buf;

	if (ds->os != NULL)
		return (objset_type(ds->os));
	if (bp_is_hole(bp) || bp_is_embedded(bp) || bp_lsize(bp) < 1024)
		return (OBJSET_ZFS);
	if ((buf = malloc(bp_lsize(bp))) == NULL)
		return (0);
	if (zio_read(ds->dp->spa, bp, buf) == 0)
		memcpy(&type, buf + OBJSET_TYPE_OFFSET, sizeof(type));
	free(buf);
	return ((unsigned)type);
}

/* What cannot be read passes for a filesystem, so that it is listed and can be destroyed; it is asked again. */
static unsigned
own_kind(struct dsl_dataset *ds)
{
	unsigned type = read_type(ds), kind = type == OBJSET_ZVOL ? DSL_VOLUME : DSL_FILESYSTEM;

	if (type != 0)
		ds->head_kind = kind;
	return (kind);
}

unsigned
dsl_head_kind(struct dsl_dataset *ds)
{
	struct dsl_dataset *head;

	if (ds->head_kind != 0)
		return (ds->head_kind);
	if (ds->bookmark == NULL && !dsl_is_snapshot(ds))
		return (own_kind(ds));
	if (ds_hold_head(ds->dir, &head) == 0) {
		ds->head_kind = dsl_head_kind(head);
		dsl_rele(head);
	}
	return (ds->head_kind);
}

unsigned
dsl_kind(struct dsl_dataset *ds)
{
	if (ds->bookmark != NULL)
		return (DSL_BOOKMARK);
	return (dsl_is_snapshot(ds) ? DSL_SNAPSHOT : dsl_head_kind(ds));
}

/* --- its neighbours and its deadlist ---------------------------------------------------------- */

int
ds_dirty(struct dsl_dataset *ds)
{
	return (dbuf_dirty(ds->db));
}

int
ds_deadlist(struct dsl_dataset *ds, struct deadlist **dl)
{
	int rc = 0;

	if (!ds->deadlist_open) {
		rc = deadlist_open(ds->dp->spa, ds_phys(ds)->deadlist_obj, &ds->deadlist);
		ds->deadlist_open = rc == 0;
	}
	*dl = &ds->deadlist;
	return (rc);
}

void
ds_deadlist_forget(struct dsl_dataset *ds)
{
	if (ds->deadlist_open)
		deadlist_close(&ds->deadlist);
	ds->deadlist_open = false;
}

int
ds_hold_prev(struct dsl_dataset *ds, struct dsl_dataset **out)
{
	uint64_t obj = ds_phys(ds)->prev_snap_obj;
	int rc = obj == 0 ? -ENOENT : ds_hold_obj(ds->dp, obj, out);

	if (rc != 0)
		return (rc);
	/* So that no chain is endless, whatever the disk says. */
	if (!dsl_is_snapshot(*out) || (dsl_is_snapshot(ds) &&
	    ds_phys(*out)->creation_txg >= ds_phys(ds)->creation_txg)) {
		dsl_rele(*out);
		return (-EILSEQ);
	}
	return (0);
}

bool
ds_is_before(struct dsl_dataset *ds, const struct dsl_dataset *snap)
{
	struct dsl_dataset *at = ds_hold(ds), *prev;
	bool found = false;

	while (!found && ds_hold_prev(at, &prev) == 0) {
		dsl_rele(at);
		at = prev;
		found = at->obj == snap->obj;
	}
	dsl_rele(at);
	return (found && ds->obj != snap->obj);
}

static int
refresh_origin(struct dsl_dataset *ds)
{
	uint64_t obj = dir_phys(ds->dir)->origin_obj;
	struct dsl_dataset *origin;
	int rc;

	ds->origin_txg = 0;
	if (obj == 0)
		return (0);
	if ((rc = ds_hold_obj(ds->dp, obj, &origin)) != 0)
		return (rc);
	ds->origin_txg = ds_phys(origin)->creation_txg;
	dsl_rele(origin);
	return (0);
}

int
ds_prev_refresh(struct dsl_dataset *ds)
{
	struct dsl_dataset *prev;
	int rc;

	ds->prev_prev_txg = UINT64_MAX;
	if ((rc = refresh_origin(ds)) != 0)
		return (rc);
	if ((rc = ds_hold_prev(ds, &prev)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	if (ds_phys(prev)->next_snap_obj == ds->obj)
		ds->prev_prev_txg = ds_phys(prev)->prev_snap_txg;
	dsl_rele(prev);
	return (0);
}

bool
ds_is_origin(const struct dsl_dataset *ds)
{
	return (ds->obj == ds->dp->origin_obj);
}

/*
 * Space written after snapshot `since` and still referenced: what the references grew by, plus
 * what of the old died on the way.
 */
int
ds_written(struct dsl_dataset *ds, struct dsl_dataset *since, struct space_sum *sum)
{
	const struct dsl_dataset_phys *new = ds_phys(ds), *old = ds_phys(since);
	struct dsl_dataset *at = ds_hold(ds), *prev;
	struct space_sum dead;
	struct deadlist *dl;
	int rc = 0;

	*sum = (struct space_sum){(int64_t)(new->referenced - old->referenced),
	    (int64_t)(new->compressed - old->compressed),
	    (int64_t)(new->uncompressed - old->uncompressed)};
	while (at->obj != since->obj) {
		if ((rc = ds_deadlist(at, &dl)) != 0)
			break;
		deadlist_space(dl, &dead);
		space_add(sum, &dead, 1);
		if ((rc = ds_hold_prev(at, &prev)) != 0)
			break;
		dsl_rele(at);
		at = prev;
	}
	dsl_rele(at);
	return (rc);
}

/* --- births and deaths ------------------------------------------------------------------------ */

/* Features that a dataset uses from its first such block on; the bit of each is its place here. */
static const struct ds_feature {
	const char *guid;
	unsigned checksum, compress; /* 0: not by these */
} ds_features[] = {
    {"org.open-zfs:large_blocks", 0, 0},
    {"org.illumos:sha512", CK_SHA512, 0},
    {"org.illumos:skein", CK_SKEIN, 0},
    {"org.illumos:edonr", CK_EDONR, 0},
    {"org.openzfs:blake3", CK_BLAKE3, 0},
    {"org.freebsd:zstd_compress", 0, COMP_ZSTD},
    /* Not seen from here, but copied and dropped with the dataset: */
    {"org.zfsonlinux:large_dnode", CK_IDS, COMP_IDS},
    {"org.zfsonlinux:userobj_accounting", CK_IDS, COMP_IDS},
    {"org.zfsonlinux:project_quota", CK_IDS, COMP_IDS},
};
enum { DS_LARGE_DNODE = 6, DS_USEROBJ = 7, DS_PROJECT = 8 }; /* places in it */
#define DS_FEATURES (sizeof(ds_features) / sizeof(ds_features[0]))

static unsigned
features_of(const struct blkptr *bp)
{
	unsigned bits = 0, i;

	if (bp_lsize(bp) > BLOCK_OLD_MAX_BYTES)
		bits |= 1;
	for (i = 1; i < DS_FEATURES; i++) {
		if ((!bp_is_embedded(bp) && bp_checksum(bp) == ds_features[i].checksum) ||
		    bp_compress(bp) == ds_features[i].compress)
			bits |= 1u << i;
	}
	return (bits);
}

static void
ds_born(struct objset *os, const struct blkptr *bp)
{
	struct dsl_dataset *ds = objset_dsl(os);
	struct space_sum s;

	if (bp_is_hole(bp))
		return;
	s = space_of_bp(ds->dp->spa, bp);
	space_add(&ds->delta.refd, &s, 1);
	space_add(&ds->delta.own, &s, 1);
	ds_pend(ds);
	ds->activate |= features_of(bp);
	if (bp_type(bp) == OT_DNODE && objset_policy(os)->dnode_slots > 1)
		ds->activate |= 1u << DS_LARGE_DNODE;
}

static int
birth_compare(const void *a, const void *b)
{
	uint64_t x = bp_birth(a), y = bp_birth(b);

	return (x < y ? -1 : x > y);
}

static int
dead_flush(struct dsl_dataset *ds)
{
	struct ds_delta *d = &ds->delta;
	struct deadlist *dl;
	int rc;

	if (d->ndead == 0)
		return (0);
	if ((rc = ds_deadlist(ds, &dl)) != 0)
		return (rc);
	qsort(d->dead, d->ndead, sizeof(d->dead[0]), birth_compare);
	rc = deadlist_insert(dl, d->dead, d->ndead);
	d->ndead = 0;
	return (rc);
}

static int
dead_add(struct dsl_dataset *ds, const struct blkptr *bp)
{
	struct ds_delta *d = &ds->delta;

	if (d->dead == NULL && (d->dead = malloc(DEAD_BATCH * sizeof(*bp))) == NULL)
		return (-ENOMEM);
	d->dead[d->ndead++] = *bp;
	return (d->ndead == DEAD_BATCH ? dead_flush(ds) : 0);
}

static int
ds_kill(struct objset *os, const struct blkptr *bp)
{
	struct dsl_dataset *ds = objset_dsl(os);
	struct ds_delta *d = &ds->delta;
	struct space_sum s;
	int rc;

	if (bp_is_hole(bp))
		return (0);
	s = space_of_bp(ds->dp->spa, bp);
	space_add(&d->refd, &s, -1);
	ds_pend(ds);
	if ((rc = bookmarks_killed(ds, bp, &s)) != 0)
		return (rc);
	if (bp_birth(bp) > ds_phys(ds)->prev_snap_txg) {
		space_add(&d->own, &s, -1);
		return (zio_free(ds->dp->spa, bp, spa_open_txg(ds->dp->spa)));
	}
	if (bp_birth(bp) > ds->prev_prev_txg)
		d->prev_unique += s.used;
	if (bp_birth(bp) > ds->origin_txg)
		d->to_snap += s.used;
	return (dead_add(ds, bp));
}

static void
ds_dirtied(struct objset *os)
{
	ds_list(objset_dsl(os));
}

static const struct objset_ops ds_objset_ops = {ds_born, ds_kill, ds_dirtied};

/* --- writing down ----------------------------------------------------------------------------- */

static int
charge_prev(struct dsl_dataset *ds, int64_t unique)
{
	struct dsl_dataset *prev;
	int rc;

	if (unique == 0)
		return (0);
	if ((rc = ds_hold_prev(ds, &prev)) != 0)
		return (rc);
	if ((rc = ds_dirty(prev)) == 0)
		ds_phys(prev)->unique += (uint64_t)unique;
	dsl_rele(prev);
	return (rc);
}

static int64_t
over(uint64_t unique, uint64_t reserved)
{
	return ((int64_t)(unique > reserved ? unique : reserved));
}

/* The head's unique space grows into its refreservation before it costs the dir anything. */
static int
charge_dir(struct dsl_dataset *ds, const struct ds_delta *d, uint64_t old_unique)
{
	uint64_t reserved = ds_reserved(ds);
	struct space_sum sum = {over(ds_phys(ds)->unique, reserved) - over(old_unique, reserved),
	    d->own.comp, d->own.uncomp};
	int rc;

	if ((rc = dir_charge(ds->dir, DD_REFRSRV, &sum)) != 0 ||
	    (rc = dir_transfer(ds->dir, d->own.used, DD_REFRSRV, DD_HEAD)) != 0)
		return (rc);
	return (dir_transfer(ds->dir, d->to_snap, DD_HEAD, DD_SNAP));
}

bool
ds_has_feature(struct dsl_dataset *ds, const char *guid)
{
	uint64_t v;

	return (dsl_is_zapified(ds->dp, ds->obj) &&
	    zap_lookup(dp_mos(ds->dp), ds->obj, guid, 8, 1, &v) == 0);
}

int
ds_feature_activate(struct dsl_dataset *ds, const char *guid)
{
	struct dsl_pool *dp = ds->dp;
	uint64_t v = 0;
	int rc;

	if ((rc = dsl_zapify(dp, ds->obj)) != 0)
		return (rc);
	rc = zap_add(dp_mos(dp), ds->obj, guid, 8, 1, &v);
	if (rc == -EEXIST)
		return (0);
	return (rc != 0 ? rc : spa_feature_change(dp->spa, guid, 1));
}

void
ds_feature_note(struct dsl_dataset *ds, const char *guid)
{
	unsigned i;

	for (i = 0; i < DS_FEATURES; i++) {
		if (strcmp(ds_features[i].guid, guid) == 0) {
			ds->activate |= 1u << i;
			ds_pend(ds);
		}
	}
}

static int
activate_features(struct dsl_dataset *ds)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < DS_FEATURES && rc == 0; i++) {
		if (ds->activate & (1u << i))
			rc = ds_feature_activate(ds, ds_features[i].guid);
	}
	ds->activate = 0;
	return (rc);
}

int
ds_flush(struct dsl_dataset *ds)
{
	struct dsl_dataset_phys *p = ds_phys(ds);
	struct ds_delta *d = &ds->delta;
	uint64_t old_unique = p->unique;
	int rc;

	if (!d->pending)
		return (0);
	if ((rc = dead_flush(ds)) != 0 || (rc = bookmarks_flush(ds)) != 0 || (rc = ds_dirty(ds)) != 0)
		return (rc);
	p->referenced += (uint64_t)d->refd.used;
	p->compressed += (uint64_t)d->refd.comp;
	p->uncompressed += (uint64_t)d->refd.uncomp;
	p->unique += (uint64_t)d->own.used;
	if ((rc = charge_dir(ds, d, old_unique)) != 0 || (rc = charge_prev(ds, d->prev_unique)) != 0)
		return (rc);
	free(d->dead);
	memset(d, 0, sizeof(*d));
	return (activate_features(ds));
}

int
ds_sync(struct dsl_dataset *ds)
{
	int rc;

	if (ds->os != NULL && objset_is_dirty(ds->os)) {
		if ((rc = objset_sync(ds->os)) != 0 || (rc = ds_dirty(ds)) != 0)
			return (rc);
		ds_phys(ds)->bp = *objset_bp(ds->os);
	}
	return (ds_flush(ds));
}

/* --- features that datasets carry ------------------------------------------------------------- */

bool
dsl_is_zapified(struct dsl_pool *dp, uint64_t obj)
{
	struct dmu_info info;

	return (dmu_object_info(dp_mos(dp), obj, &info) == 0 && info.type == OT_ZAP_METADATA);
}

#define FEATURE_EXTENSIBLE "com.delphix:extensible_dataset"

int
dsl_zapify(struct dsl_pool *dp, uint64_t obj)
{
	int rc;

	if (dsl_is_zapified(dp, obj))
		return (0);
	if ((rc = dmu_object_set_type(dp_mos(dp), obj, OT_ZAP_METADATA)) != 0 ||
	    (rc = zap_format(dp_mos(dp), obj, 0)) != 0)
		return (rc);
	return (spa_feature_change(dp->spa, FEATURE_EXTENSIBLE, 1));
}

int
dsl_free_zapified(struct dsl_pool *dp, uint64_t obj)
{
	int rc = 0;

	if (dsl_is_zapified(dp, obj))
		rc = spa_feature_change(dp->spa, FEATURE_EXTENSIBLE, -1);
	return (rc != 0 ? rc : dmu_object_free(dp_mos(dp), obj));
}

int
ds_features_copy(struct dsl_dataset *from, struct dsl_dataset *to)
{
	uint64_t v;
	unsigned i;
	int rc = 0;

	if (!dsl_is_zapified(from->dp, from->obj))
		return (0);
	for (i = 0; i < DS_FEATURES && rc == 0; i++) {
		rc = zap_lookup(dp_mos(from->dp), from->obj, ds_features[i].guid, 8, 1, &v);
		rc = rc == -ENOENT ? 0 : rc != 0 ? rc : ds_feature_activate(to, ds_features[i].guid);
	}
	return (rc);
}

int
ds_features_drop(struct dsl_dataset *ds)
{
	uint64_t v;
	unsigned i;
	int rc = 0;

	if (!dsl_is_zapified(ds->dp, ds->obj))
		return (0);
	for (i = 0; i < DS_FEATURES && rc == 0; i++) {
		rc = zap_lookup(dp_mos(ds->dp), ds->obj, ds_features[i].guid, 8, 1, &v);
		rc = rc == -ENOENT ? 0 :
		    rc != 0	   ? rc :
				     spa_feature_change(ds->dp->spa, ds_features[i].guid, -1);
	}
	return (rc);
}

/* --- its contents ----------------------------------------------------------------------------- */

static uint64_t
prop_or(struct dsl_dataset *ds, const char *name, uint64_t def)
{
	uint64_t v;

	return (dsl_prop_number(ds, name, &v) == 0 ? v : def);
}

/* "on" and "inherit" resolved; what the pool has no feature for is not used. */
static unsigned
compress_choice(struct dsl_dataset *ds)
{
	struct spa *spa = ds->dp->spa;
	unsigned v = (unsigned)prop_or(ds, "compression", COMP_OFF);
	bool lz4 = spa_feature_enabled(spa, "org.illumos:lz4_compress");

	if (compress_id_of(v) == COMP_ZSTD && !spa_feature_enabled(spa, "org.freebsd:zstd_compress"))
		v = COMP_ON;
	if (compress_id_of(v) == COMP_LZ4 && !lz4)
		v = COMP_ON;
	return (compress_id_of(v) == COMP_ON ? (lz4 ? COMP_LZ4 : COMP_LZJB) : v);
}

/*
 * The property has a checksum id and perhaps "verify".  Algorithms that may collide are always
 * verified.
 */
static void
dedup_choice(struct dsl_dataset *ds, struct objset_policy *p)
{
	uint64_t v = prop_or(ds, "dedup", CK_OFF);
	unsigned id = (unsigned)v & 0xff;

	if (id == CK_OFF || id == CK_INHERIT)
		return;
	p->dedup = id == CK_ON ? CK_SHA256 : id;
	p->dedup_verify = (v & DEDUP_VERIFY) != 0 || p->dedup == CK_EDONR ||
	    !checksum_is_strong(p->dedup);
}

static unsigned
dnode_slots(struct dsl_dataset *ds)
{
	uint64_t bytes = prop_or(ds, "dnodesize", 0);

	if (!spa_feature_enabled(ds->dp->spa, ds_features[DS_LARGE_DNODE].guid) || bytes == 0)
		return (1);
	bytes = bytes == DNODESIZE_AUTO ? 1024 : bytes;
	return (bytes > DNODE_MAX_BYTES ? 1 : (unsigned)bytes / SECTOR_SIZE);
}

void
ds_apply_policy(struct dsl_dataset *ds)
{
	unsigned checksum = (unsigned)prop_or(ds, "checksum", CK_ON) & 0xff;
	uint64_t record = prop_or(ds, "recordsize", BLOCK_OLD_MAX_BYTES);
	bool large = spa_feature_enabled(ds->dp->spa, "org.open-zfs:large_blocks");
	struct objset_policy p = {
	    .checksum = checksum <= CK_ON ? CK_FLETCHER4 : checksum,
	    .compress = compress_choice(ds),
	    .copies = (unsigned)prop_or(ds, "copies", 1),
	    .record_size = (uint32_t)record,
	    .special_small = (uint32_t)prop_or(ds, "special_small_blocks", 0),
	};

	dedup_choice(ds, &p);
	p.dnode_slots = dnode_slots(ds);
	if (!large && p.record_size > BLOCK_OLD_MAX_BYTES)
		p.record_size = BLOCK_OLD_MAX_BYTES;
	if (ds->os != NULL)
		objset_set_policy(ds->os, &p);
}

int
dsl_objset(struct dsl_dataset *ds, struct objset **out)
{
	int rc;

	if (ds->bookmark != NULL)
		return (-EINVAL);
	if (ds->os == NULL) {
		if ((rc = ds_prev_refresh(ds)) != 0 ||
		    (rc = objset_open(ds->dp->spa, &ds_phys(ds)->bp, &ds_objset_ops, ds, &ds->os)) != 0)
			return (rc);
		ds_apply_policy(ds);
	}
	*out = ds->os;
	return (0);
}

/* The accounts by owner that this pool's features allow; they are a use of the features. */
static uint64_t
owner_accounts(struct dsl_dataset *ds)
{
	struct spa *spa = ds->dp->spa;
	uint64_t flags = OBJSET_USER;

	if (spa_feature_enabled(spa, ds_features[DS_USEROBJ].guid)) {
		flags |= OBJSET_USEROBJ;
		ds->activate |= 1u << DS_USEROBJ;
	}
	if (spa_feature_enabled(spa, ds_features[DS_PROJECT].guid)) {
		flags |= OBJSET_PROJECT;
		ds->activate |= 1u << DS_PROJECT;
	}
	ds_pend(ds);
	return (flags);
}

int
ds_objset_create(struct dsl_dataset *ds, unsigned type)
{
	int rc;

	if ((rc = ds_prev_refresh(ds)) != 0 ||
	    (rc = objset_create(ds->dp->spa, type, &ds_objset_ops, ds, &ds->os)) != 0)
		return (rc);
	ds_apply_policy(ds);
	return (type == OBJSET_ZFS ? owners_begin(ds->os, owner_accounts(ds)) : 0);
}

/* Batch by batch: an objset has millions of objects. */
int
dsl_count_owners(struct spa *spa, const char *name, struct err *e)
{
	struct dsl_dataset *ds;
	struct objset *os;
	uint64_t obj = 0;
	int rc;

	if ((rc = dsl_hold(spa, name, &ds, e)) != 0)
		return (rc);
	if ((rc = dsl_objset(ds, &os)) == 0 && !(objset_flags(os) & OBJSET_USER) &&
	    objset_type(os) == OBJSET_ZFS && !dsl_is_snapshot(ds) && !spa_is_readonly(spa)) {
		do {
			if ((rc = owners_count(os, owner_accounts(ds), &obj)) >= 0 && spa_sync(spa, e) != 0)
				rc = -EIO;
		} while (rc == 1);
	}
	dsl_rele(ds);
	return (err_rc(e, rc, "'%s': counting space by owner", name));
}

uint64_t
ds_quota(struct dsl_dataset *ds)
{
	return (prop_or(ds, "refquota", 0));
}

uint64_t
ds_reserved(struct dsl_dataset *ds)
{
	return (prop_or(ds, "refreservation", 0));
}

/* --- the head's own blocks ----------------------------------------------------------------------- */

struct own_blocks {
	struct spa *spa;
	struct space_sum freed;
};

static int
free_block(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	struct own_blocks *o = arg;
	struct space_sum s = space_of_bp(o->spa, bp);

	(void)obj, (void)level, (void)blkid;
	space_add(&o->freed, &s, 1);
	return (zio_free(o->spa, bp, spa_open_txg(o->spa)));
}

int
ds_free_own_blocks(struct dsl_dataset *head, struct space_sum *freed)
{
	struct own_blocks o = {head->dp->spa, {0, 0, 0}};
	struct dsl_dataset_phys *p = ds_phys(head);
	int rc = dmu_traverse(o.spa, &p->bp, p->prev_snap_txg, false, free_block, &o);

	*freed = o.freed;
	return (rc);
}

/* --- listeners -------------------------------------------------------------------------------- */

void
dsl_listen(struct dsl_dataset *ds, dsl_listen_fn *fn, void *arg)
{
	struct dsl_listener **p = &ds->listeners, *l;

	while ((l = *p) != NULL && l->arg != arg)
		p = &l->next;
	if (fn == NULL) {
		if (l != NULL) {
			*p = l->next;
			free(l);
		}
		return;
	}
	if (l == NULL && (l = calloc(1, sizeof(*l))) != NULL)
		*p = l;
	if (l != NULL) {
		l->fn = fn;
		l->arg = arg;
	}
}
