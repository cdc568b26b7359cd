/* SPDX-License-Identifier: MIT */
/*
 * bpobj: lists of block pointers to be freed, now or when a snapshot goes.
 *
 *	bonus: counts and sums          data: block pointers, one behind the other
 *	subobjs object: numbers of further bpobjs, which this one owns
 *
 * Appending a list to another costs one number: the other becomes a sub-object.  The sums of a bpobj
 * include those of everything below it.
 *
 * What is kept of a block pointer: its places, sizes and births; not the checksum (unless deduped:
 * it is the key of the table) nor the fill count; of an embedded one only what is charged for it.
 *
 * Invariants:
 *  1. A sub-object has one owner, except the shared empty one, which is never a sub-object.
 *  2. The sums equal those of the listed pointers (zdb checks it for deadlists).
 *
 * Sub-objects nest as deep as histories go, so nothing here recurses: walks keep an explicit stack,
 * bounded against cycles that a damaged pool may hold.
 *
 * Format: docs/zfs-format.md, "bpobj and deadlist".
 */
#include "bpobj.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"

#define BPOBJ_BLOCK_BYTES (128u << 10)
#define BPOBJ_DEPTH_MAX 100000
#define FEATURE_EMPTY "com.delphix:empty_bpobj"
#define FEATURE_LIVELIST "com.delphix:livelist"
#define CHUNK_BPS 256
#define SUBOBJS_COPIED_MAX 1024

struct bpobj_phys {
	uint64_t bps, bytes, comp, uncomp, subobjs, nsubobjs;
	uint64_t freed; /* only in the 56-byte form, of livelists */
};
#define BPOBJ_PHYS_BYTES 48u

struct space_sum
space_of_bp(struct spa *spa, const struct blkptr *bp)
{
	return ((struct space_sum){(int64_t)bp_dsize(spa, bp), (int64_t)bp_comp_bytes(bp),
	    (int64_t)bp_uncomp_bytes(bp)});
}

static int
bpobj_hold(struct spa *spa, uint64_t obj, struct dbuf **db, struct bpobj_phys **p)
{
	struct dmu_info info;
	int rc;

	if ((rc = dmu_object_info(spa->mos, obj, &info)) != 0)
		return (rc);
	if (info.type != OT_BPOBJ || info.bonus_type != OT_BPOBJ_HDR)
		return (-EILSEQ);
	if (info.bonus_len < BPOBJ_PHYS_BYTES)
		return (-ENOTSUP); /* before version 26 */
	if ((rc = dmu_bonus_hold(spa->mos, obj, db)) == 0)
		*p = dbuf_data(*db);
	return (rc);
}

int
bpobj_alloc(struct spa *spa, uint64_t *obj)
{
	uint32_t len = spa_feature_active(spa, FEATURE_LIVELIST) ? sizeof(struct bpobj_phys) :
								    BPOBJ_PHYS_BYTES;

	return (dmu_object_alloc(spa->mos, OT_BPOBJ, BPOBJ_BLOCK_BYTES, OT_BPOBJ_HDR, len, obj));
}

static void
phys_sum(const struct bpobj_phys *p, struct space_sum *sum)
{
	*sum = (struct space_sum){(int64_t)p->bytes, (int64_t)p->comp, (int64_t)p->uncomp};
}

static void
phys_add_sum(struct bpobj_phys *p, const struct space_sum *sum, int sign)
{
	p->bytes += (uint64_t)(sign * sum->used);
	p->comp += (uint64_t)(sign * sum->comp);
	p->uncomp += (uint64_t)(sign * sum->uncomp);
}

int
bpobj_space(struct spa *spa, uint64_t obj, struct space_sum *sum)
{
	struct bpobj_phys *p;
	struct dbuf *db;
	int rc;

	if ((rc = bpobj_hold(spa, obj, &db, &p)) != 0)
		return (rc);
	phys_sum(p, sum);
	dbuf_rele(db);
	return (0);
}

bool
bpobj_is_empty(struct spa *spa, uint64_t obj)
{
	struct bpobj_phys *p;
	struct dbuf *db;
	bool empty;

	if (bpobj_hold(spa, obj, &db, &p) != 0)
		return (false);
	empty = p->bps == 0 && p->nsubobjs == 0;
	dbuf_rele(db);
	return (empty);
}

/* --- adding ----------------------------------------------------------------------------------- */

static void
bp_strip(struct blkptr *to, const struct blkptr *bp)
{
	memset(to, 0, sizeof(*to));
	to->w[6] = bp->w[6];
	to->w[10] = bp->w[10];
	if (bp_is_embedded(bp))
		return;
	memcpy(to->w, bp->w, 6 * sizeof(to->w[0]));
	to->w[9] = bp->w[9];
	if (bp_is_dedup(bp))
		memcpy(&to->w[12], &bp->w[12], 4 * sizeof(to->w[0]));
}

static int
bpobj_append(struct spa *spa, uint64_t obj, struct bpobj_phys *p, const struct blkptr *bps, size_t n)
{
	struct blkptr chunk[CHUNK_BPS];
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		struct space_sum s = space_of_bp(spa, &bps[i]);

		bp_strip(&chunk[i], &bps[i]);
		phys_add_sum(p, &s, 1);
	}
	rc = dmu_write(spa->mos, obj, p->bps * sizeof(chunk[0]), n * sizeof(chunk[0]), chunk);
	p->bps += n;
	return (rc);
}

int
bpobj_add(struct spa *spa, uint64_t obj, const struct blkptr *bps, size_t n)
{
	struct bpobj_phys *p;
	struct dbuf *db;
	int rc;

	if ((rc = bpobj_hold(spa, obj, &db, &p)) != 0)
		return (rc);
	rc = dbuf_dirty(db);
	while (rc == 0 && n > 0) {
		size_t k = n < CHUNK_BPS ? n : CHUNK_BPS;

		rc = bpobj_append(spa, obj, p, bps, k);
		bps += k;
		n -= k;
	}
	dbuf_rele(db);
	return (rc);
}

static int
subobjs_append(struct spa *spa, struct bpobj_phys *p, const uint64_t *objs, uint64_t n)
{
	int rc;

	if (p->subobjs == 0 && (rc = dmu_object_alloc(spa->mos, OT_BPOBJ_SUBOBJ, BPOBJ_BLOCK_BYTES,
				    OT_NONE, 0, &p->subobjs)) != 0)
		return (rc);
	rc = dmu_write(spa->mos, p->subobjs, p->nsubobjs * 8, n * 8, objs);
	if (rc == 0)
		p->nsubobjs += n;
	return (rc);
}

static int
subobj_adopt_children(struct spa *spa, struct bpobj_phys *p, struct bpobj_phys *sub)
{
	uint64_t *objs = malloc(sub->nsubobjs * 8);
	int rc;

	if (objs == NULL)
		return (-ENOMEM);
	if ((rc = dmu_read(spa->mos, sub->subobjs, 0, sub->nsubobjs * 8, objs)) == 0 &&
	    (rc = subobjs_append(spa, p, objs, sub->nsubobjs)) == 0 &&
	    (rc = dmu_object_free(spa->mos, sub->subobjs)) == 0)
		sub->subobjs = sub->nsubobjs = 0;
	free(objs);
	return (rc);
}

static int
subobj_adopt_bps(struct spa *spa, uint64_t obj, struct bpobj_phys *p, const struct bpobj_phys *sub,
    uint64_t subobj)
{
	struct blkptr chunk[CHUNK_BPS];
	int rc = dmu_read(spa->mos, subobj, 0, sub->bps * sizeof(chunk[0]), chunk);

	if (rc == 0)
		rc = dmu_write(spa->mos, obj, p->bps * sizeof(chunk[0]), sub->bps * sizeof(chunk[0]),
		    chunk);
	if (rc == 0)
		p->bps += sub->bps;
	return (rc);
}

/* Small ones are dissolved into p, large ones become its sub-objects. */
static int
subobj_take(struct spa *spa, uint64_t obj, struct bpobj_phys *p, uint64_t subobj, struct dbuf *subdb)
{
	struct bpobj_phys *sub = dbuf_data(subdb);
	struct space_sum sum;
	int rc;

	phys_sum(sub, &sum);
	phys_add_sum(p, &sum, 1);
	if (sub->bps > CHUNK_BPS || sub->nsubobjs > SUBOBJS_COPIED_MAX)
		return (subobjs_append(spa, p, &subobj, 1));
	if ((rc = dbuf_dirty(subdb)) == 0 && sub->nsubobjs > 0)
		rc = subobj_adopt_children(spa, p, sub);
	if (rc == 0 && sub->bps > 0)
		rc = subobj_adopt_bps(spa, obj, p, sub, subobj);
	sub->bps = 0;
	return (rc);
}

int
bpobj_add_subobj(struct spa *spa, uint64_t obj, uint64_t subobj)
{
	struct bpobj_phys *p, *sub;
	struct dbuf *db, *subdb;
	bool used_up = false;
	int rc;

	if (subobj == obj)
		return (-EILSEQ);
	if (bpobj_is_empty(spa, subobj))
		return (bpobj_release(spa, subobj));
	if ((rc = bpobj_hold(spa, obj, &db, &p)) != 0)
		return (rc);
	if ((rc = bpobj_hold(spa, subobj, &subdb, &sub)) == 0) {
		if ((rc = dbuf_dirty(db)) == 0)
			rc = subobj_take(spa, obj, p, subobj, subdb);
		used_up = sub->bps == 0 && sub->nsubobjs == 0;
		dbuf_rele(subdb);
	}
	dbuf_rele(db);
	return (rc == 0 && used_up ? dmu_object_free(spa->mos, subobj) : rc);
}

/* --- the shared empty one --------------------------------------------------------------------- */

static uint64_t
empty_object(struct spa *spa)
{
	uint64_t obj;

	if (!spa_feature_active(spa, FEATURE_EMPTY) ||
	    zap_lookup(spa->mos, MOS_DIRECTORY, "empty_bpobj", 8, 1, &obj) != 0)
		return (0);
	return (obj);
}

static int
empty_object_make(struct spa *spa, uint64_t *obj)
{
	int rc;

	if ((*obj = empty_object(spa)) != 0)
		return (0);
	if ((rc = bpobj_alloc(spa, obj)) != 0)
		return (rc);
	return (zap_add(spa->mos, MOS_DIRECTORY, "empty_bpobj", 8, 1, obj));
}

int
bpobj_alloc_empty(struct spa *spa, uint64_t count, uint64_t *objs)
{
	uint64_t i, shared;
	int rc = 0;

	if (count == 0)
		return (0);
	if (spa_feature_enabled(spa, FEATURE_EMPTY)) {
		if ((rc = empty_object_make(spa, &shared)) != 0)
			return (rc);
		for (i = 0; i < count; i++)
			objs[i] = shared;
		return (spa_feature_change(spa, FEATURE_EMPTY, (int)count));
	}
	for (i = 0; i < count && rc == 0; i++)
		rc = bpobj_alloc(spa, &objs[i]);
	return (rc);
}

bool
bpobj_is_shared(struct spa *spa, uint64_t obj)
{
	return (obj == empty_object(spa));
}

int
bpobj_release(struct spa *spa, uint64_t obj)
{
	int rc;

	if (!bpobj_is_shared(spa, obj))
		return (bpobj_free(spa, obj));
	if ((rc = spa_feature_change(spa, FEATURE_EMPTY, -1)) != 0 ||
	    spa_feature_active(spa, FEATURE_EMPTY))
		return (rc);
	if ((rc = zap_remove(spa->mos, MOS_DIRECTORY, "empty_bpobj")) != 0)
		return (rc);
	return (dmu_object_free(spa->mos, obj));
}

/* --- walking ---------------------------------------------------------------------------------- */

/* Objects still to be visited. */
struct bpobj_todo {
	uint64_t *obj;
	size_t n, room, total;
};

static int
todo_push(struct bpobj_todo *t, uint64_t obj)
{
	if (t->n == t->room) {
		size_t room = t->room == 0 ? 16 : 2 * t->room;
		uint64_t *p = realloc(t->obj, room * sizeof(*p));

		if (p == NULL)
			return (-ENOMEM);
		t->obj = p;
		t->room = room;
	}
	if (t->total++ > BPOBJ_DEPTH_MAX * 100ULL)
		return (-EILSEQ); /* a cycle */
	t->obj[t->n++] = obj;
	return (0);
}

static int
todo_push_children(struct spa *spa, struct bpobj_todo *t, const struct bpobj_phys *p)
{
	uint64_t i, sub;
	int rc = 0;

	for (i = 0; i < p->nsubobjs && rc == 0; i++) {
		if ((rc = dmu_read(spa->mos, p->subobjs, i * 8, 8, &sub)) == 0)
			rc = todo_push(t, sub);
	}
	return (rc);
}

static int
walk_bps(struct spa *spa, uint64_t obj, uint64_t n, bpobj_fn *fn, void *arg)
{
	struct blkptr chunk[CHUNK_BPS];
	uint64_t i, k, j;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i += k) {
		k = n - i < CHUNK_BPS ? n - i : CHUNK_BPS;
		rc = dmu_read(spa->mos, obj, i * sizeof(chunk[0]), k * sizeof(chunk[0]), chunk);
		for (j = 0; j < k && rc == 0; j++)
			rc = fn(&chunk[j], arg);
	}
	return (rc);
}

int
bpobj_walk(struct spa *spa, uint64_t obj, bpobj_fn *fn, void *arg)
{
	struct bpobj_todo t = {NULL, 0, 0, 0};
	int rc = todo_push(&t, obj);

	while (rc == 0 && t.n > 0) {
		uint64_t at = t.obj[--t.n];
		struct bpobj_phys *p, copy;
		struct dbuf *db;

		if ((rc = bpobj_hold(spa, at, &db, &p)) != 0)
			break;
		copy = *p;
		dbuf_rele(db);
		if ((rc = todo_push_children(spa, &t, &copy)) == 0)
			rc = walk_bps(spa, at, copy.bps, fn, arg);
	}
	free(t.obj);
	return (rc);
}

int
bpobj_free(struct spa *spa, uint64_t obj)
{
	struct bpobj_todo t = {NULL, 0, 0, 0};
	int rc = todo_push(&t, obj);

	while (rc == 0 && t.n > 0) {
		uint64_t at = t.obj[--t.n], subobjs;
		struct bpobj_phys *p;
		struct dbuf *db;

		if ((rc = bpobj_hold(spa, at, &db, &p)) != 0)
			break;
		subobjs = p->subobjs;
		rc = todo_push_children(spa, &t, p);
		dbuf_rele(db);
		if (rc == 0 && subobjs != 0)
			rc = dmu_object_free(spa->mos, subobjs);
		if (rc == 0)
			rc = dmu_object_free(spa->mos, at);
	}
	free(t.obj);
	return (rc);
}

/* --- draining --------------------------------------------------------------------------------- */

/* Pointers of the object itself, from its end. */
static int
drain_bps(struct spa *spa, uint64_t obj, struct bpobj_phys *p, uint64_t *limit,
    struct space_sum *freed, bpobj_fn *fn, void *arg)
{
	struct blkptr chunk[CHUNK_BPS];
	int rc = 0;

	while (p->bps > 0 && *limit > 0 && rc == 0) {
		uint64_t k = p->bps < CHUNK_BPS ? p->bps : CHUNK_BPS;

		k = k < *limit ? k : *limit;
		rc = dmu_read(spa->mos, obj, (p->bps - k) * sizeof(chunk[0]), k * sizeof(chunk[0]),
		    chunk);
		for (; k > 0 && rc == 0; k--) {
			struct space_sum s = space_of_bp(spa, &chunk[k - 1]);

			if ((rc = fn(&chunk[k - 1], arg)) == 0) {
				space_add(freed, &s, 1);
				p->bps--;
				--*limit;
			}
		}
	}
	if (rc == 0)
		rc = dmu_free_range(spa->mos, obj, p->bps * sizeof(chunk[0]), UINT64_MAX);
	return (rc);
}

static int
drain_last_subobj(struct spa *spa, const struct bpobj_phys *p, uint64_t *sub)
{
	return (dmu_read(spa->mos, p->subobjs, (p->nsubobjs - 1) * 8, 8, sub));
}

/* The last sub-object of the object is empty and freed: forget it. */
static int
drain_pop_subobj(struct spa *spa, struct bpobj_phys *p)
{
	int rc = 0;

	if (--p->nsubobjs == 0) {
		rc = dmu_object_free(spa->mos, p->subobjs);
		p->subobjs = 0;
	}
	return (rc);
}

/*
 * Work on the deepest last sub-object below obj.  *path holds the way there: its sums shrink with
 * what was freed below them.
 */
static int
drain_path(struct spa *spa, struct bpobj_todo *path)
{
	uint64_t sub;
	int rc = 0;

	for (;;) {
		struct bpobj_phys *p;
		struct dbuf *db;
		bool leaf;

		if ((rc = bpobj_hold(spa, path->obj[path->n - 1], &db, &p)) != 0)
			return (rc);
		leaf = p->bps > 0 || p->nsubobjs == 0;
		if (!leaf)
			rc = drain_last_subobj(spa, p, &sub);
		dbuf_rele(db);
		if (leaf || rc != 0)
			return (rc);
		if (path->n > BPOBJ_DEPTH_MAX)
			return (-EILSEQ);
		if ((rc = todo_push(path, sub)) != 0)
			return (rc);
	}
}

static int
path_subtract(struct spa *spa, const struct bpobj_todo *path, const struct space_sum *freed)
{
	size_t i;

	for (i = 0; i < path->n; i++) {
		struct bpobj_phys *p;
		struct dbuf *db;
		int rc;

		if ((rc = bpobj_hold(spa, path->obj[i], &db, &p)) != 0)
			return (rc);
		if ((rc = dbuf_dirty(db)) == 0)
			phys_add_sum(p, freed, -1);
		dbuf_rele(db);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

/* One object's pointers; when it is empty then, it goes (unless it is the root of the path). */
static int
drain_step(struct spa *spa, struct bpobj_todo *path, uint64_t *limit, struct space_sum *freed,
    bpobj_fn *fn, void *arg, bool *done)
{
	uint64_t at = path->obj[path->n - 1];
	struct space_sum sum = {0, 0, 0};
	struct bpobj_phys *p;
	struct dbuf *db;
	bool empty;
	int rc;

	if ((rc = bpobj_hold(spa, at, &db, &p)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0)
		rc = drain_bps(spa, at, p, limit, &sum, fn, arg);
	empty = p->bps == 0 && p->nsubobjs == 0;
	dbuf_rele(db);
	if (rc != 0 || (rc = path_subtract(spa, path, &sum)) != 0)
		return (rc);
	space_add(freed, &sum, 1);
	*done = empty && path->n == 1;
	if (!empty || path->n == 1)
		return (0);
	if ((rc = dmu_object_free(spa->mos, at)) != 0)
		return (rc);
	path->n--;
	if ((rc = bpobj_hold(spa, path->obj[path->n - 1], &db, &p)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0)
		rc = drain_pop_subobj(spa, p);
	dbuf_rele(db);
	return (rc);
}

int
bpobj_drain(struct spa *spa, uint64_t obj, uint64_t *limit, struct space_sum *freed, bpobj_fn *fn,
    void *arg)
{
	struct bpobj_todo path = {NULL, 0, 0, 0};
	bool done = false;
	int rc = todo_push(&path, obj);

	while (rc == 0 && !done && *limit > 0) {
		if ((rc = drain_path(spa, &path)) == 0)
			rc = drain_step(spa, &path, limit, freed, fn, arg, &done);
	}
	free(path.obj);
	return (rc);
}
