/* SPDX-License-Identifier: MIT */
/*
 * The walk of a scan: over all blocks of a pool, in steps.
 *
 * Theory
 * ------
 * Every block of a pool is reachable from exactly one dataset (or snapshot, or the meta objset) as a
 * block born after that dataset's previous snapshot. So the work is a list of (dataset, min txg),
 * oldest first, and each entry is walked for blocks born after min txg:
 *
 *	[ MOS ] [ snapshot a | born after 0 ] [ snapshot b | after a ] [ head | after b ] ...
 *	                                           ^ position: object, block
 *
 * The lock is given up between steps, and the trees change meanwhile. A position is not a pointer but
 * an object and block number: the next step walks down from the dataset's root of that moment and
 * skips what lies before. What is written during a scan needs none: blocks born after its last txg are
 * passed over. A resilver also passes over whole subtrees that are older than its first txg.
 *
 * Snapshots come and go too. One that was taken meanwhile has blocks that its head would have had: the
 * head's min txg is that of the last snapshot before the scan began (list_txg). One that was destroyed
 * left its blocks to the next younger dataset, which is walked later (oldest first) with the lower of
 * its noted and its present previous snapshot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dmu_impl.h"
#include "errlog.h"
#include "scrub_impl.h"
#include "smartbox/fs/zio.h"

/* Where fields are in a dataset's bonus (docs/zfs-format.md, "DSL dataset"). */
enum { DS_PREV_OBJ = 8, DS_PREV_TXG = 16, DS_NEXT_OBJ = 24, DS_CREATION_TXG = 56, DS_BP = 128,
	DS_BONUS_MIN = 256 };

/* Returned inside a walk: time is over. */
#define PAUSE SCAN_PAUSE

/* --- one block --- */

struct walk {
	struct spa *spa;
	struct scrub *s;
	uint64_t dataset, min_txg;
	uint64_t object; /* whose tree is walked; META_OBJECT for the meta dnode */
};

bool
scan_time_is_over(const struct scrub *s)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec > s->deadline.tv_sec ||
	    (now.tv_sec == s->deadline.tv_sec && now.tv_nsec >= s->deadline.tv_nsec));
}

static void
note_error(const struct walk *w, int level, uint64_t blkid)
{
	struct scrub *s = w->s;

	s->stat.errors++;
	if (s->nerror < ERRORS_KEPT)
		s->error[s->nerror++] = (struct scrub_error){w->dataset, w->object, blkid, level};
	errlog_note(w->spa, &(struct scrub_error){w->dataset, w->object, blkid, level},
	    s->stat.func == SCAN_SCRUB);
}

/* -ENOMEM ends the scan; a bad block is noted and passed over. */
static int
scrub_block(const struct walk *w, const struct blkptr *bp, int level, uint64_t blkid)
{
	struct zio_scrub_result r;
	int rc = w->s->stat.func == SCAN_RESILVER ? zio_resilver(w->spa, bp, &r) :
	    zio_scrub(w->spa, bp, &r);

	w->s->stat.examined += bp_asize(bp);
	w->s->stat.repaired += (uint64_t)r.repaired * bp_psize(bp) + r.written;
	if (rc == -ENOMEM)
		return (rc);
	/* An algorithm that we lack is no error of the disk. */
	if (rc != 0 && rc != -ENOTSUP)
		note_error(w, level, blkid);
	return (0);
}

static bool
is_wanted(const struct walk *w, const struct blkptr *bp)
{
	return (!bp_is_hole(bp) && bp_birth(bp) > w->min_txg && bp_birth(bp) > w->s->min_txg);
}

static bool
is_old_enough(const struct walk *w, const struct blkptr *bp)
{
	return (!bp_is_embedded(bp) && bp_birth(bp) <= w->s->max_txg);
}

/* --- trees --- */

static int walk_dnodes(const struct walk *w, const uint8_t *block, uint32_t size, uint64_t first);
static int walk_tree(const struct walk *w, const struct blkptr *bp, int level, unsigned shift,
    uint64_t first);

/* Read an indirect or dnode block; NULL when that fails: what is below cannot be reached. */
static uint8_t *
load(const struct walk *w, const struct blkptr *bp)
{
	uint8_t *buf = bp_is_little(bp) ? malloc(bp_lsize(bp)) : NULL;

	if (buf != NULL && zio_read(w->spa, bp, buf) != 0) {
		free(buf);
		buf = NULL;
	}
	return (buf);
}

/* The level-0 block of this tree that the position is in or before. */
static uint64_t
position_in(const struct walk *w)
{
	if (w->object == META_OBJECT)
		return (w->s->object / DNODES_PER_BLOCK);
	return (w->object == w->s->object ? w->s->blkid : 0);
}

/* Did an earlier step stop below a block that covers from `first` on? Then it was scrubbed. */
static bool
was_entered(const struct walk *w, uint64_t first)
{
	uint64_t object = first * DNODES_PER_BLOCK;

	if (w->object == META_OBJECT)
		return (w->s->object > object || (w->s->object == object && w->s->blkid > 0));
	return (position_in(w) > first);
}

/* Level-0 blocks below one pointer of this level; 0: more than there can be. */
static uint64_t
blocks_below(int level, unsigned shift)
{
	return ((unsigned)level * shift < 64 ? 1ULL << ((unsigned)level * shift) : 0);
}

/* All from `first` up to `end` of this object is done: a good place to pause, unless it is too far to say. */
static int
done_until(const struct walk *w, uint64_t first, uint64_t span)
{
	if (w->object == META_OBJECT || span == 0)
		return (0);
	w->s->blkid = first + span;
	return (scan_time_is_over(w->s) ? PAUSE : 0);
}

static int
walk_below(const struct walk *w, const struct blkptr *bp, int level, unsigned shift, uint64_t first)
{
	uint32_t n = bp_lsize(bp) / sizeof(*bp);
	uint8_t *buf = load(w, bp);
	int rc = 0;

	if (buf == NULL)
		return (0);
	if (level == 0)
		rc = walk_dnodes(w, buf, bp_lsize(bp), first * DNODES_PER_BLOCK);
	for (uint32_t i = 0; level > 0 && rc == 0 && i < n; i++)
		rc = walk_tree(w, (const struct blkptr *)(const void *)buf + i, level - 1, shift,
		    first + i * blocks_below(level - 1, shift));
	free(buf);
	return (rc);
}

static int
walk_tree(const struct walk *w, const struct blkptr *bp, int level, unsigned shift, uint64_t first)
{
	uint64_t span = blocks_below(level, shift), here = position_in(w);
	int rc = 0;

	if (!is_wanted(w, bp) || (span != 0 && first + span <= here))
		return (0);
	if (!was_entered(w, first) && is_old_enough(w, bp))
		rc = scrub_block(w, bp, level, first);
	if (level == 0 && w->object != META_OBJECT) {
		int pause = done_until(w, first, 1);

		return (rc != 0 ? rc : pause);
	}
	if (rc == 0)
		rc = walk_below(w, bp, level, shift, first);
	return (rc != 0 ? rc : done_until(w, first, span));
}

static bool
is_plausible(const struct dnode_phys *dn)
{
	return (dn->nblkptr >= 1 && dn->nblkptr <= 3 && dn->levels >= 1 && dn->levels <= LEVELS_MAX &&
	    dn->indirect_shift >= 10 && dn->indirect_shift <= 20);
}

static int
walk_spill(const struct walk *w, const struct dnode_phys *dn)
{
	const uint8_t *end = (const uint8_t *)dn + DNODE_BYTES * (1u + dn->extra_slots);
	struct blkptr bp;

	if ((dn->flags & DN_SPILL) == 0 || w->object == META_OBJECT)
		return (0);
	memcpy(&bp, end - sizeof(bp), sizeof(bp));
	if (!is_wanted(w, &bp) || !is_old_enough(w, &bp))
		return (0);
	return (scrub_block(w, &bp, LEVEL_SPILL, 0));
}

static int
walk_dnode(const struct walk *w, const struct dnode_phys *dn)
{
	unsigned shift = dn->indirect_shift - BP_SHIFT;
	int rc = 0;

	if (dn->type == OT_NONE || !is_plausible(dn))
		return (0);
	for (unsigned i = 0; rc == 0 && i < dn->nblkptr; i++) {
		unsigned above = (unsigned)(dn->levels - 1) * shift;

		if (i > 0 && above >= 64)
			break;
		rc = walk_tree(w, &dn->bp[i], dn->levels - 1, shift, (uint64_t)i << (above & 63));
	}
	return (rc != 0 ? rc : walk_spill(w, dn));
}

static int
walk_dnodes(const struct walk *w, const uint8_t *block, uint32_t size, uint64_t first)
{
	int rc = 0;

	for (uint32_t at = 0; rc == 0 && at + DNODE_BYTES <= size;) {
		const struct dnode_phys *dn = (const struct dnode_phys *)(const void *)(block + at);
		uint32_t bytes = dn->type != OT_NONE ? DNODE_BYTES * (1u + dn->extra_slots) : DNODE_BYTES;
		struct walk below = *w;

		below.object = first + at / DNODE_BYTES;
		if (bytes > size - at)
			break;
		if (below.object >= w->s->object && below.object != META_OBJECT) {
			if (below.object > w->s->object)
				w->s->blkid = 0;
			w->s->object = below.object;
			rc = walk_dnode(&below, dn);
			if (rc == 0) {
				w->s->object = below.object + 1;
				w->s->blkid = 0;
				rc = scan_time_is_over(w->s) ? PAUSE : 0;
			}
		}
		at += bytes;
	}
	return (rc);
}

/* --- objsets --- */

static int
scrub_logged(void *arg, const struct blkptr *bp)
{
	return (scrub_block(arg, bp, 0, 0));
}

/* A snapshot's header is that of its head at the time. */
static int
walk_log(const struct walk *w, const struct objset_phys *phys)
{
	if (w->s->object != 0 || w->s->blkid != 0 || w->s->target[w->s->at].creation_txg != UINT64_MAX)
		return (0);
	return (scan_walk_log(w->spa, w->s, phys->zil, scrub_logged, (void *)(uintptr_t)w));
}

/* Their numbers are the highest there are, so they come last. */
static int
walk_accounting(const struct walk *w, const struct objset_phys *phys, uint32_t size)
{
	const struct dnode_phys *dn[] = {&phys->projectused, &phys->groupused, &phys->userused};
	const uint64_t object[] = {PROJECTUSED_OBJECT, GROUPUSED_OBJECT, USERUSED_OBJECT};
	int rc = 0;

	for (int i = 0; rc == 0 && i < 3; i++) {
		struct walk below = *w;

		below.object = object[i];
		if (object[i] < w->s->object || (const uint8_t *)(dn[i] + 1) > (const uint8_t *)phys + size)
			continue;
		if (object[i] > w->s->object)
			w->s->blkid = 0;
		w->s->object = object[i];
		rc = walk_dnode(&below, dn[i]);
	}
	return (rc);
}

static int
walk_objset(const struct walk *w, const struct blkptr *bp)
{
	struct objset_phys *phys;
	uint32_t size = bp_lsize(bp);
	int rc = 0;

	if (!is_wanted(w, bp) || bp_type(bp) != OT_OBJSET || size < 1024 || size > sizeof(*phys) ||
	    !bp_is_little(bp))
		return (0);
	if (w->s->object == 0 && w->s->blkid == 0 && is_old_enough(w, bp))
		rc = scrub_block(w, bp, -1, 0);
	if (rc != 0 || (phys = calloc(1, sizeof(*phys))) == NULL)
		return (rc != 0 ? rc : -ENOMEM);
	if (zio_read(w->spa, bp, phys) == 0) {
		rc = walk_log(w, phys);
		if (rc == 0)
			rc = walk_dnode(w, &phys->meta);
		if (rc == 0)
			rc = walk_accounting(w, phys, size);
	}
	free(phys);
	return (rc);
}

/* --- targets --- */

struct dataset {
	uint64_t prev_obj, prev_txg, next_obj, creation_txg;
	struct blkptr bp;
};

static int
read_dataset(struct spa *spa, uint64_t object, struct dataset *d)
{
	struct dmu_info info;
	struct dbuf *bonus;
	const uint8_t *p;
	int rc = dmu_object_info(spa->mos, object, &info);

	if (rc != 0 || info.bonus_type != OT_DSL_DATASET)
		return (rc != 0 ? rc : -ENOENT);
	if ((rc = dmu_bonus_hold(spa->mos, object, &bonus)) != 0)
		return (rc);
	p = dbuf_data(bonus);
	if (dbuf_size(bonus) < DS_BONUS_MIN) {
		rc = -EILSEQ;
	} else {
		memcpy(&d->prev_obj, p + DS_PREV_OBJ, 8);
		memcpy(&d->prev_txg, p + DS_PREV_TXG, 8);
		memcpy(&d->next_obj, p + DS_NEXT_OBJ, 8);
		memcpy(&d->creation_txg, p + DS_CREATION_TXG, 8);
		memcpy(&d->bp, p + DS_BP, sizeof(d->bp));
	}
	dbuf_rele(bonus);
	return (rc);
}

static int
add_target(struct scrub *s, uint64_t dataset, uint64_t min_txg, uint64_t creation)
{
	struct target *t = realloc(s->target, (s->n + 1) * sizeof(*t));

	if (t == NULL)
		return (-ENOMEM);
	s->target = t;
	t[s->n++] = (struct target){dataset, min_txg, creation};
	return (0);
}

static int
oldest_first(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->creation_txg != y->creation_txg)
		return (x->creation_txg < y->creation_txg ? -1 : 1);
	return (x->dataset < y->dataset ? -1 : x->dataset > y->dataset);
}

/* The txg of the last snapshot before this dataset that was there when the scan began. */
static uint64_t
snapshot_before(struct spa *spa, const struct scrub *s, const struct dataset *ds)
{
	struct dataset d = *ds;

	while (d.prev_txg > s->list_txg && d.prev_obj != 0) {
		uint64_t younger = d.prev_txg;

		if (read_dataset(spa, d.prev_obj, &d) != 0 || d.prev_txg >= younger)
			return (0); /* from the beginning: too much, never too little */
	}
	return (d.prev_txg);
}

/*
 * A head's place is behind all snapshots, whenever it was created: it is the youngest of its line.
 * Snapshots that came later are no targets: their heads are walked for what they hold.
 */
static int
add_dataset(struct spa *spa, struct scrub *s, uint64_t object)
{
	struct dataset d;
	int rc = read_dataset(spa, object, &d);

	if (rc == -ENOENT || rc == -EILSEQ)
		return (0);
	if (rc != 0 || (d.next_obj != 0 && d.creation_txg > s->list_txg))
		return (rc);
	return (add_target(s, object, snapshot_before(spa, s, &d),
	    d.next_obj == 0 ? UINT64_MAX : d.creation_txg));
}

int
scan_list_targets(struct spa *spa, struct scrub *s)
{
	uint64_t object = 0;
	int rc = add_target(s, 0, 0, 0);

	while (rc == 0 && (rc = dmu_object_next(spa->mos, &object)) == 0)
		rc = add_dataset(spa, s, object);
	if (rc == -ESRCH)
		rc = 0;
	if (rc == 0 && s->n > 2)
		qsort(s->target + 1, s->n - 1, sizeof(*s->target), oldest_first);
	return (rc);
}

int
scan_walk_target(struct spa *spa, struct scrub *s)
{
	const struct target *t = &s->target[s->at];
	struct walk w = {spa, s, t->dataset, t->min_txg, META_OBJECT};
	struct dataset d;
	int rc;

	if (t->dataset == 0)
		return (walk_objset(&w, &spa->ub.rootbp));
	rc = read_dataset(spa, t->dataset, &d);
	if (rc == -ENOMEM)
		return (rc);
	if (rc != 0)
		return (0); /* destroyed: its blocks are the next one's now, or free */
	if (d.prev_txg < w.min_txg)
		w.min_txg = d.prev_txg;
	return (walk_objset(&w, &d.bp));
}
