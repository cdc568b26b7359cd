/* SPDX-License-Identifier: MIT */
/*
 * Allocation: which bytes of a top-level vdev are free, and which of them a block gets.
 *
 * Theory
 * ------
 * A top-level is cut into metaslabs. What is allocated in one is the replay of its space map; in
 * memory there are only sets of ranges, and only of metaslabs that were used since the pool was
 * opened. The life of a range:
 *
 *	   +------------------------------ free <----------------------------------+
 *	   | alloc                            ^  ^                                  |
 *	   v           unalloc                |  |                                  |
 *	allocating ---------------------------+  | after the record                 | two txgs later
 *	   | sync writes "alloc"                 |                                  |
 *	   v           unalloc (same txg)        |                                  |
 *	allocated ------------------> undone ----+ sync writes "free"               |
 *	   | free                                                                   |
 *	   v           sync writes "free"            txg is durable                 |
 *	freeing ----------------------------> freed ------------------> defer[] ----+
 *
 * Space that was freed must survive two txgs, because an importer may have to take an uberblock that
 * is that old. On disk it is free at once, so that it is only a matter of this memory. A block that was
 * born and died in one txg (a pass of the sync moved it) was in no durable tree: its space may be used
 * again as soon as the space map does not say otherwise (`undone`): within one record allocations are
 * written before frees, so a range must not be in both.
 *
 * Where a block goes: top-levels take turns by half a megabyte, so that neighbours in a file are
 * neighbours on disk; copies of a block go to different top-levels, or to metaslabs far apart. In a
 * metaslab the next fit after the last allocation is taken.
 *
 * Invariants
 *  1. of one metaslab all sets are disjoint (but freed ranges are free in the space map already)
 *  2. only a loaded metaslab has `free`, and only such a one is allocated from
 *  3. after metaslab_sync returned 0: allocating, freeing and undone are empty everywhere
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metaslab_impl.h"
#include "remap.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"

#define ALIQUOT (512u << 10)
#define MS_SHIFT_MIN 24u
#define MS_SHIFT_MAX 34u
#define MS_COUNT_MAX (1u << 20)
#define SPLIT_BYTES (128u << 10)
#define LOG_RESERVE 64

struct metaslab_pool *
metaslab_pool_of(struct spa *spa)
{
	if (spa->alloc == NULL)
		spa->alloc = calloc(1, sizeof(*spa->alloc));
	return (spa->alloc);
}

void
metaslab_fini(struct spa *spa)
{
	if (spa->alloc != NULL)
		free(spa->alloc->log);
	free(spa->alloc);
	spa->alloc = NULL;
}

struct metaslab *
metaslab_at(struct vdev *top, uint64_t off)
{
	struct metaslab_group *mg = top->mg;
	uint64_t i = off >> top->ms_shift;

	return (mg == NULL || i >= mg->n ? NULL : &mg->ms[i]);
}

/* --- groups --- */

static void
metaslab_init(struct metaslab *ms, uint64_t id, unsigned shift)
{
	*ms = (struct metaslab){.id = id, .start = id << shift, .size = 1ULL << shift};
}

static void
metaslab_clear(struct metaslab *ms)
{
	range_clear(&ms->free);
	range_clear(&ms->allocating);
	range_clear(&ms->freeing);
	range_clear(&ms->undone);
	range_clear(&ms->freed);
	range_clear(&ms->keeping);
	range_clear(&ms->trim);
	for (int i = 0; i < TXG_DEFER; i++)
		range_clear(&ms->defer[i]);
	free(ms->log);
}

void
metaslab_group_free(struct vdev *top)
{
	struct metaslab_group *mg = top->mg;

	if (mg == NULL)
		return;
	for (size_t i = 0; i < mg->n; i++)
		metaslab_clear(&mg->ms[i]);
	free(mg->ms);
	free(mg);
	top->mg = NULL;
}

static int
group_new(struct spa *spa, struct vdev *top, struct err *e)
{
	uint64_t n = top->ms_shift < 64 ? top->asize >> top->ms_shift : 0;
	struct metaslab_group *mg;

	if (n == 0 || n > MS_COUNT_MAX || top->ms_shift <= top->ashift)
		return (err_set(e, EILSEQ, "vdev %llu: %llu metaslabs of 2^%llu bytes",
		    (unsigned long long)top->id, (unsigned long long)n,
		    (unsigned long long)top->ms_shift));
	if (metaslab_pool_of(spa) == NULL || (mg = calloc(1, sizeof(*mg))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((mg->ms = calloc(n, sizeof(*mg->ms))) == NULL) {
		free(mg);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	mg->top = top;
	mg->n = n;
	for (uint64_t i = 0; i < n; i++)
		metaslab_init(&mg->ms[i], i, (unsigned)top->ms_shift);
	for (int i = 0; i < BP_DVAS; i++)
		mg->active[i] = UINT64_MAX;
	mg->active_log = UINT64_MAX;
	mg->bias = top->is_log ? BIAS_LOG : BIAS_NONE;
	top->mg = mg;
	return (0);
}

/* Bits that it takes to write v: the shift at which v becomes 0. */
static unsigned
bit_length(uint64_t v)
{
	return (v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v));
}

/* 16 to 200 metaslabs, of 512 MiB where that fits: what OpenZFS chooses. */
static unsigned
choose_shift(uint64_t asize)
{
	unsigned shift = 29;

	if (asize >> 29 < 16)
		shift = bit_length(asize / 16);
	else if (asize >> 29 > 200)
		shift = bit_length(asize / 200);
	return (shift < MS_SHIFT_MIN ? MS_SHIFT_MIN : shift > MS_SHIFT_MAX ? MS_SHIFT_MAX : shift);
}

int
metaslab_group_create(struct spa *spa, struct vdev *top, struct err *e)
{
	int rc;

	top->ms_shift = choose_shift(top->asize);
	top->ms_array = 0;
	if ((rc = group_new(spa, top, e)) != 0)
		return (rc);
	for (size_t i = 0; i < top->mg->n; i++) {
		struct metaslab *ms = &top->mg->ms[i];

		if (range_add(&ms->free, 0, ms->size) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
		ms->loaded = true;
	}
	return (0);
}

static void
read_bias(struct spa *spa, struct vdev *top)
{
	char bias[16] = "";

	if (top->zap_top == 0 || zap_lookup(spa->mos, top->zap_top,
	    "org.zfsonlinux:allocation_bias", 1, sizeof(bias), bias) != 0)
		return;
	if (strcmp(bias, "special") == 0)
		top->mg->bias = BIAS_SPECIAL;
	else if (strcmp(bias, "dedup") == 0)
		top->mg->bias = BIAS_DEDUP;
}

static int
open_space_maps(struct spa *spa, struct vdev *top, struct err *e)
{
	struct metaslab_group *mg = top->mg;
	uint64_t *object = calloc(mg->n, sizeof(*object));
	int rc = object == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = dmu_read(spa->mos, top->ms_array, 0, mg->n * sizeof(*object), object);
	for (size_t i = 0; rc == 0 && i < mg->n; i++)
		rc = space_map_open(spa->mos, object[i], &mg->ms[i].sm);
	free(object);
	return (err_rc(e, rc, "vdev %llu: the space maps cannot be read", (unsigned long long)top->id));
}

int
metaslab_group_load(struct spa *spa, struct vdev *top, struct err *e)
{
	int rc = group_new(spa, top, e);

	if (rc != 0)
		return (rc);
	if (top->ms_array != 0)
		rc = open_space_maps(spa, top, e);
	if (rc == 0) {
		top->mg->saved = top->ms_array != 0 ? top->mg->n : 0;
		read_bias(spa, top);
		rc = err_rc(e, metaslab_log_attach(spa, top), "the log space maps cannot be read");
	}
	if (rc != 0)
		metaslab_group_free(top);
	return (rc);
}

int
metaslab_group_grow(struct spa *spa, struct vdev *top, struct err *e)
{
	struct metaslab_group *mg = top->mg;
	uint64_t n = top->asize >> top->ms_shift;
	struct metaslab *ms;

	(void)spa;
	if (n <= mg->n)
		return (0);
	if (n > MS_COUNT_MAX || (ms = realloc(mg->ms, n * sizeof(*ms))) == NULL)
		return (err_set(e, ENOMEM, "vdev %llu is too big", (unsigned long long)top->id));
	mg->ms = ms;
	for (; mg->n < n; mg->n++) {
		metaslab_init(&ms[mg->n], mg->n, (unsigned)top->ms_shift);
		if (range_add(&ms[mg->n].free, 0, ms[mg->n].size) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
		ms[mg->n].loaded = true;
	}
	return (0);
}

/* --- loading one --- */

struct replay {
	struct metaslab *ms;
	struct range_tree *free;
	uint64_t start;
};

static int
replay_entry(void *arg, const struct space_entry *en)
{
	struct replay *r = arg;
	uint64_t off = en->off - r->start;

	if (en->off < r->start || off > r->ms->size || en->len > r->ms->size - off)
		return (-EILSEQ);
	return (en->is_free ? range_add(r->free, off, en->len) : range_remove(r->free, off, en->len));
}

static int
replay_all(struct spa *spa, struct vdev *top, struct metaslab *ms)
{
	struct replay r = {ms, &ms->free, 0};
	int rc = range_add(&ms->free, 0, ms->size);

	if (rc == 0)
		rc = space_map_iterate(spa->mos, &ms->sm, top->ashift, replay_entry, &r);
	for (size_t i = 0; rc == 0 && i < ms->nlog; i++) {
		struct space_entry en = {ms->log[i].off, ms->log[i].len, ms->log[i].is_free, 0};

		rc = replay_entry(&r, &en);
	}
	return (rc);
}

static int
hold_back(void *arg, uint64_t off, uint64_t size)
{
	return (range_remove(arg, off, size));
}

int
metaslab_load(struct spa *spa, struct vdev *top, struct metaslab *ms)
{
	int rc;

	if (ms->loaded || ms->broken)
		return (ms->loaded ? 0 : -EIO);
	rc = replay_all(spa, top, ms);
	/* Free in the map, but not to be used yet. */
	if (rc == 0)
		rc = range_walk(&ms->freed, hold_back, &ms->free);
	for (int i = 0; rc == 0 && i < TXG_DEFER; i++)
		rc = range_walk(&ms->defer[i], hold_back, &ms->free);
	if (rc != 0) {
		range_clear(&ms->free);
		ms->broken = rc != -ENOMEM;
		return (rc);
	}
	ms->loaded = true;
	return (0);
}

/* --- choosing a place --- */

/* Bytes that may be free: exact when loaded, by the space map's header otherwise. */
static uint64_t
free_estimate(const struct metaslab *ms)
{
	int64_t used = ms->sm.alloc + ms->log_alloc;

	if (ms->broken)
		return (0);
	if (ms->loaded)
		return (ms->free.bytes);
	return (used < 0 || (uint64_t)used > ms->size ? 0 : ms->size - (uint64_t)used);
}

/* Could it have a run of asize?  Exact when loaded. */
static bool
may_fit(const struct metaslab *ms, uint64_t asize)
{
	return (ms->loaded ? range_longest(&ms->free) >= asize : free_estimate(ms) >= asize);
}

/* Metaslabs between this one and the nearest that holds another copy. */
static uint64_t
distance(const struct metaslab *ms, const struct vdev *top, const struct dva *others, int n)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < n; i++) {
		uint64_t id = others[i].offset >> top->ms_shift;
		uint64_t d = id > ms->id ? id - ms->id : ms->id - id;

		if (others[i].vdev == top->id && d < least)
			least = d;
	}
	return (least);
}

/*
 * The emptiest one, roughly (by eighths), so that a fresh pool fills from its start; for a further
 * copy on the same top-level first of all one that is far from the others.
 */
static struct metaslab *
best_metaslab(struct metaslab_group *mg, uint64_t asize, const struct dva *others, int n)
{
	uint64_t far = mg->n / 8 + 1, best_score = 0;
	struct metaslab *best = NULL;

	for (size_t i = 0; i < mg->n; i++) {
		struct metaslab *ms = &mg->ms[i];
		uint64_t d, score;

		if (!may_fit(ms, asize))
			continue;
		d = distance(ms, mg->top, others, n);
		score = 1 + free_estimate(ms) * 8 / ms->size + 16 * (d >= far ? 2 : d > 0);
		if (score > best_score) {
			best = ms;
			best_score = score;
		}
	}
	return (best);
}

static bool
take(struct metaslab *ms, uint64_t asize, uint64_t *off)
{
	if (!range_find(&ms->free, ms->cursor, asize, off) && !range_find(&ms->free, 0, asize, off))
		return (false);
	if (range_remove(&ms->free, *off, asize) != 0)
		return (false);
	if (range_add(&ms->allocating, *off, asize) != 0) {
		(void)range_add(&ms->free, *off, asize);
		return (false);
	}
	ms->cursor = *off + asize;
	return (true);
}

/* From the metaslab that *active names, else from another, which *active names then. */
static int
group_alloc_from(struct spa *spa, struct metaslab_group *mg, uint64_t *active, uint64_t asize,
    const struct dva *others, int n, struct dva *out)
{
	uint64_t off;
	struct metaslab *ms = *active < mg->n ? &mg->ms[*active] : NULL;

	/* The active one of this copy may by now be where another copy of this block is. */
	if (ms != NULL && n > 0 && distance(ms, mg->top, others, n) == 0)
		ms = NULL;
	for (;;) {
		int rc;

		if (ms == NULL && (ms = best_metaslab(mg, asize, others, n)) == NULL)
			return (-ENOSPC);
		if ((rc = metaslab_load(spa, mg->top, ms)) == 0 && take(ms, asize, &off))
			break;
		/* Once loaded (or found broken) its estimate is exact: it is not chosen for nothing again. */
		if (rc == -ENOMEM || (ms->loaded && may_fit(ms, asize)))
			return (-ENOMEM);
		ms = NULL;
	}
	*active = ms->id;
	*out = (struct dva){
	    .vdev = (uint32_t)mg->top->id,
	    .asize_sectors = (uint32_t)(asize >> SECTOR_SHIFT),
	    .offset = ms->start + off,
	};
	return (0);
}

static int
group_alloc(struct spa *spa, struct metaslab_group *mg, uint64_t asize, const struct dva *others,
    int n, struct dva *out)
{
	return (group_alloc_from(spa, mg, &mg->active[n < BP_DVAS ? n : 0], asize, others, n, out));
}

static bool
holds_other(const struct vdev *top, const struct dva *others, int n)
{
	for (int i = 0; i < n; i++) {
		if (others[i].vdev == top->id)
			return (true);
	}
	return (false);
}

enum { PASS_APART, PASS_ANY, PASS_RESERVED, PASSES };

static bool
eligible(const struct vdev *top, const struct dva *others, int n, int pass)
{
	if (top->mg == NULL || top->state < VS_DEGRADED || top->mg->bias == BIAS_LOG ||
	    top->mg->closed)
		return (false);
	if (pass != PASS_RESERVED && top->mg->bias != BIAS_NONE)
		return (false);
	return (pass != PASS_APART || !holds_other(top, others, n));
}

static void
turn_rotor(struct metaslab_pool *mp, const struct vdev *top, size_t ntop, uint64_t asize)
{
	mp->rotor_bytes += asize;
	if (mp->rotor_bytes < (uint64_t)ALIQUOT * (top->nchild > 0 ? top->nchild : 1))
		return;
	mp->rotor_bytes = 0;
	mp->rotor = (top->id + 1) % ntop;
}

static bool
is_of_class(const struct vdev *top, enum metaslab_bias bias)
{
	return (top->mg != NULL && top->state >= VS_DEGRADED && top->mg->bias == bias &&
	    !top->mg->closed);
}

int
metaslab_alloc_class(struct spa *spa, bool dedup, uint64_t psize, const struct dva *others,
    int nothers, struct dva *out)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);
	enum metaslab_bias bias = dedup ? BIAS_DEDUP : BIAS_SPECIAL;
	size_t ntop = spa->root->nchild;
	int rc = -ENOSPC;

	if (mp == NULL)
		return (-ENOMEM);
	for (int apart = 1; apart >= 0 && rc == -ENOSPC; apart--) {
		for (size_t i = 0; i < ntop && rc == -ENOSPC; i++) {
			struct vdev *top = spa->root->child[(mp->rotor + i) % ntop];

			if (is_of_class(top, bias) && !(apart && holds_other(top, others, nothers)))
				rc = group_alloc(spa, top->mg, vdev_asize_of(top, psize), others,
				    nothers, out);
		}
	}
	return (rc == -ENOSPC && dedup ?
	    metaslab_alloc_class(spa, false, psize, others, nothers, out) : rc);
}

int
metaslab_alloc(struct spa *spa, uint64_t psize, const struct dva *others, int nothers, uint64_t txg,
    struct dva *out)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);
	size_t ntop = spa->root->nchild;

	(void)txg;
	if (mp == NULL)
		return (-ENOMEM);
	for (int pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < ntop; i++) {
			struct vdev *top = spa->root->child[(mp->rotor + i) % ntop];
			uint64_t asize;
			int rc;

			if (!eligible(top, others, nothers, pass))
				continue;
			asize = vdev_asize_of(top, psize);
			rc = group_alloc(spa, top->mg, asize, others, nothers, out);
			if (rc == -ENOSPC)
				continue;
			if (rc == 0 && nothers == 0)
				turn_rotor(mp, top, ntop, asize);
			return (rc);
		}
	}
	return (-ENOSPC);
}

/* --- for intent logs --- */

static uint64_t
deferred_bytes(const struct metaslab *ms)
{
	uint64_t sum = ms->freed.bytes + ms->freeing.bytes;

	for (int i = 0; i < TXG_DEFER; i++)
		sum += ms->defer[i].bytes;
	return (sum);
}

static uint64_t
allocated_bytes(const struct metaslab *ms)
{
	int64_t v = ms->sm.alloc + ms->log_alloc + (int64_t)ms->allocating.bytes -
	    (int64_t)ms->freeing.bytes - (int64_t)ms->undone.bytes;

	return (v < 0 ? 0 : (uint64_t)v);
}

/* The metaslab where data goes is not the one for log blocks, which come and go. */
static int
group_alloc_log(struct spa *spa, struct metaslab_group *mg, uint64_t asize, struct dva *out)
{
	struct dva data = {.vdev = (uint32_t)mg->top->id};
	bool avoid = mg->bias != BIAS_LOG && mg->active[0] < mg->n;

	if (avoid)
		data.offset = mg->ms[mg->active[0]].start;
	return (group_alloc_from(spa, mg, &mg->active_log, asize, &data, avoid ? 1 : 0, out));
}

static bool
serves_log(const struct vdev *top, bool log_device)
{
	return (is_of_class(top, log_device ? BIAS_LOG : BIAS_NONE));
}

/*
 * What is dirty will need its space in this very txg, log or no log: a full pool's log blocks would take it
 * away, and the sync would fail.  An honest part of the rest is left for what a sync itself writes.
 * Asked for every log block: it adds up numbers, and walks no free space.
 */
bool
metaslab_has_room_for_log(const struct spa *spa, uint64_t psize)
{
	uint64_t size = 0, used = 0, dirty = spa_dirty_bytes(spa);

	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		if (!serves_log(top, false))
			continue;
		if (size == 0) /* as it will lie on disk */
			used += (dirty / SPLIT_BYTES + 1) * vdev_asize_of(top, SPLIT_BYTES) +
			    vdev_asize_of(top, psize);
		for (size_t k = 0; k < top->mg->n; k++)
			used += allocated_bytes(&top->mg->ms[k]) + deferred_bytes(&top->mg->ms[k]);
		size += (uint64_t)top->mg->n << top->ms_shift;
	}
	return (used + size / LOG_RESERVE < size);
}

int
metaslab_alloc_log(struct spa *spa, uint64_t psize, struct dva *out)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);
	size_t ntop = spa->root->nchild;

	if (mp == NULL)
		return (-ENOMEM);
	for (int log_device = 1; log_device >= 0; log_device--) {
		for (size_t i = 0; i < ntop; i++) {
			struct vdev *top = spa->root->child[(mp->log_rotor + i) % ntop];
			int rc = -ENOSPC;

			if (serves_log(top, log_device) && (log_device ||
			    metaslab_has_room_for_log(spa, psize)))
				rc = group_alloc_log(spa, top->mg, vdev_asize_of(top, psize), out);
			if (rc == -ENOSPC)
				continue;
			mp->log_rotor = (mp->log_rotor + i + 1) % ntop;
			return (rc);
		}
	}
	return (-ENOSPC);
}

/* --- giving back --- */

/* The metaslab and the offset in it of a DVA; NULL when the DVA cannot be. */
static struct metaslab *
locate(struct spa *spa, const struct dva *d, uint64_t *off, uint64_t *size)
{
	struct vdev *top = vdev_top(spa->root, d->vdev);
	struct metaslab *ms = top != NULL ? metaslab_at(top, d->offset) : NULL;

	if (ms == NULL)
		return (NULL);
	*off = d->offset - ms->start;
	*size = (uint64_t)d->asize_sectors << SECTOR_SHIFT;
	if (*size == 0 || *size > ms->size - *off || ((*off | *size) & ((1ULL << top->ashift) - 1)))
		return (NULL);
	return (ms);
}

static bool
is_free_already(const struct metaslab *ms, uint64_t off, uint64_t size)
{
	bool yes = ms->loaded && range_overlaps(&ms->free, off, size);

	yes = yes || range_overlaps(&ms->freeing, off, size) || range_overlaps(&ms->freed, off, size);
	yes = yes || range_overlaps(&ms->undone, off, size);
	for (int i = 0; i < TXG_DEFER; i++)
		yes = yes || range_overlaps(&ms->defer[i], off, size);
	return (yes);
}

int
metaslab_free_range(struct vdev *top, uint64_t off, uint64_t size)
{
	struct metaslab *ms = metaslab_at(top, off);

	if (ms == NULL || size == 0 || size > ms->size - (off - ms->start) ||
	    is_free_already(ms, off - ms->start, size))
		return (-EILSEQ);
	return (range_add(&ms->freeing, off - ms->start, size));
}

int
metaslab_keep_here(struct spa *spa, const struct dva *d)
{
	uint64_t off, size;
	struct metaslab *ms = locate(spa, d, &off, &size);

	if (ms == NULL || is_free_already(ms, off, size))
		return (-EILSEQ);
	return (range_add(&ms->keeping, off, size));
}

int
metaslab_free_here(struct spa *spa, const struct dva *d)
{
	uint64_t off, size;
	struct metaslab *ms = locate(spa, d, &off, &size);

	if (ms == NULL || is_free_already(ms, off, size))
		return (-EILSEQ);
	return (range_add(&ms->freeing, off, size));
}

static bool
is_moved(const struct vdev *top)
{
	return (top != NULL && (top->remap != NULL || top->kind == VDEV_INDIRECT));
}

int
metaslab_keep(struct spa *spa, const struct dva *d)
{
	struct vdev *top = vdev_top(spa->root, d->vdev);

	return (is_moved(top) ? remap_release(spa, top, d->offset,
	    (uint64_t)d->asize_sectors << SECTOR_SHIFT, true) : metaslab_keep_here(spa, d));
}

int
metaslab_free(struct spa *spa, const struct dva *d, uint64_t txg)
{
	struct vdev *top = vdev_top(spa->root, d->vdev);

	(void)txg;
	return (is_moved(top) ? remap_release(spa, top, d->offset,
	    (uint64_t)d->asize_sectors << SECTOR_SHIFT, false) : metaslab_free_here(spa, d));
}

struct used {
	struct range_tree *out;
	uint64_t start;
};

static int
add_used(void *arg, uint64_t off, uint64_t len)
{
	const struct used *u = arg;

	return (range_add(u->out, u->start + off, len));
}

static int
is_unused(void *arg, uint64_t off, uint64_t len)
{
	return (range_remove(arg, off, len));
}

int
metaslab_used(struct spa *spa, struct vdev *top, struct metaslab *ms, struct range_tree *out)
{
	const struct range_tree *unused[] = {&ms->free, &ms->freeing, &ms->undone, &ms->freed,
	    &ms->defer[0], &ms->defer[1]};
	struct range_tree t = RANGE_TREE_INIT;
	struct used u = {out, ms->start};
	int rc = metaslab_load(spa, top, ms);

	if (rc == 0)
		rc = range_add(&t, 0, ms->size);
	for (size_t i = 0; rc == 0 && i < sizeof(unused) / sizeof(unused[0]); i++)
		rc = range_walk(unused[i], is_unused, &t);
	range_clear(out);
	if (rc == 0)
		rc = range_walk(&t, add_used, &u);
	range_clear(&t);
	return (rc);
}

int
metaslab_unalloc(struct spa *spa, const struct dva *d, uint64_t txg)
{
	uint64_t off, size;
	struct metaslab *ms = locate(spa, d, &off, &size);
	int rc;

	(void)txg;
	if (ms == NULL || is_free_already(ms, off, size))
		return (-EILSEQ);
	if (!range_contains(&ms->allocating, off, size))
		return (range_add(&ms->undone, off, size));
	if ((rc = range_remove(&ms->allocating, off, size)) == 0)
		rc = range_add(&ms->free, off, size);
	return (rc);
}

int
metaslab_claim(struct spa *spa, const struct dva *d, uint64_t txg)
{
	uint64_t off, size;
	struct metaslab *ms = locate(spa, d, &off, &size);
	int rc;

	(void)txg;
	if (ms == NULL)
		return (-EILSEQ);
	if ((rc = metaslab_load(spa, vdev_top(spa->root, d->vdev), ms)) != 0)
		return (rc);
	if (!range_contains(&ms->free, off, size))
		return (-EEXIST);
	if ((rc = range_remove(&ms->free, off, size)) == 0)
		rc = range_add(&ms->allocating, off, size);
	return (rc);
}

/* --- statistics --- */

/* How badly free runs of 2^i bytes fragment a pool, in percent, as OpenZFS rates them; from 512. */
static const uint8_t frag_of[] = {100, 100, 98, 95, 90, 80, 70, 60, 50, 40, 30, 20, 15, 10, 5, 0};

struct frag {
	uint64_t bytes, weighted;
};

static void
frag_add(struct frag *f, uint64_t run, uint64_t bytes)
{
	unsigned i = bit_length(run) - 1;

	i = i < SECTOR_SHIFT ? 0 : i - SECTOR_SHIFT;
	if (i >= sizeof(frag_of))
		i = sizeof(frag_of) - 1;
	f->bytes += bytes;
	f->weighted += bytes / 512 * frag_of[i];
}

static int
frag_run(void *arg, uint64_t off, uint64_t size)
{
	(void)off;
	frag_add(arg, size, size);
	return (0);
}

static void
frag_metaslab(struct frag *f, const struct metaslab *ms, unsigned ashift)
{
	if (ms->loaded) {
		(void)range_walk(&ms->free, frag_run, f);
	} else if (ms->sm.object == 0) {
		frag_add(f, ms->size, ms->size);
	} else if (ms->sm.has_histogram) {
		for (unsigned i = 0; i < SPACE_BUCKETS; i++) {
			if (ms->sm.histogram[i] != 0)
				frag_add(f, 1ULL << (i + ashift), ms->sm.histogram[i] << (i + ashift));
		}
	}
}

static void
stats_add_top(struct space_stats *st, struct frag *f, const struct vdev *top)
{
	uint64_t alloc = 0, size = (uint64_t)top->mg->n << top->ms_shift;

	for (size_t k = 0; k < top->mg->n; k++) {
		const struct metaslab *ms = &top->mg->ms[k];

		alloc += allocated_bytes(ms);
		st->deferred += deferred_bytes(ms);
		frag_metaslab(f, ms, top->ashift);
	}
	st->size += size;
	st->alloc += alloc;
	st->dsize += vdev_dsize(top, size);
	st->dalloc += vdev_dsize(top, alloc);
}

static unsigned
frag_percent(const struct frag *f)
{
	return (f->bytes >= 512 ? (unsigned)(f->weighted / (f->bytes / 512)) : 0);
}

void
metaslab_stats(struct spa *spa, struct space_stats *st)
{
	struct frag f = {0, 0};

	*st = (struct space_stats){0};
	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		uint64_t before = st->dsize;

		if (top->mg == NULL || top->mg->bias == BIAS_LOG)
			continue;
		stats_add_top(st, &f, top);
		if (top->mg->bias == BIAS_NONE && !top->mg->closed)
			st->normal_dsize += st->dsize - before;
	}
	st->frag_percent = frag_percent(&f);
}

int
metaslab_top_stats(const struct vdev *top, struct space_stats *st)
{
	struct frag f = {0, 0};

	*st = (struct space_stats){0};
	if (top->mg == NULL)
		return (-ENOENT);
	stats_add_top(st, &f, top);
	st->frag_percent = frag_percent(&f);
	return (0);
}

#define SPECIAL_DATA_PERCENT 75 /* a quarter stays for metadata, as with OpenZFS */

static bool
special_has_room(const struct spa *spa)
{
	uint64_t size = 0, alloc = 0;
	struct space_stats st;

	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		if (!is_of_class(top, BIAS_SPECIAL) || metaslab_top_stats(top, &st) != 0)
			continue;
		size += st.size;
		alloc += st.alloc;
	}
	return (alloc < size / 100 * SPECIAL_DATA_PERCENT);
}

/* Asked for many blocks: looked at once a txg. */
bool
metaslab_special_takes_data(struct spa *spa)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);

	if (mp == NULL)
		return (false);
	if (mp->special_txg != spa->txg) {
		mp->special_txg = spa->txg;
		mp->special_takes_data = special_has_room(spa);
	}
	return (mp->special_takes_data);
}
