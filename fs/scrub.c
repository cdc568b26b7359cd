/* SPDX-License-Identifier: MIT */
/*
 * Scrub.
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
 * skips what lies before. What is written during a scrub needs no scrubbing: blocks born after its
 * start are passed over.
 *
 * Snapshots come and go too. One that was taken meanwhile has blocks that its head would have had: the
 * head's min txg is the one noted at the start. One that was destroyed left its blocks to the next
 * younger dataset, which is walked later (oldest first) with the lower of its noted and its present
 * previous snapshot.
 *
 * Every copy on every device is read (zio_scrub), also parity. Repairs are written at once; they need
 * no txg, since what they write is what should be there.
 *
 * While it runs the state is in memory only: a scrub that a power cut ended starts anew. When it is over the
 * result goes to the directory's "scan" entry in the format of OpenZFS.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dmu_impl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"

#define ERRORS_KEPT 100
#define SCAN_WORDS 24
#define STEP_MS 20
#define PAUSE_US 2000
#define STACK_BYTES (1u << 20)

/* Where fields are in a dataset's bonus (docs/zfs-format.md, "DSL dataset"). */
enum { DS_PREV_TXG = 16, DS_CREATION_TXG = 56, DS_BP = 128, DS_BONUS_MIN = 256 };
enum { SCAN_FUNC, SCAN_STATE, SCAN_MAX_TXG = 4, SCAN_START = 7, SCAN_END, SCAN_TO_EXAMINE,
	SCAN_EXAMINED, SCAN_TO_PROCESS, SCAN_PROCESSED, SCAN_ERRORS };

struct target {
	uint64_t dataset; /* 0: the meta objset */
	uint64_t min_txg, creation_txg;
};

struct scrub {
	struct scrub_stat stat;
	uint64_t max_txg;
	struct target *target;
	size_t n, at;
	uint64_t object, blkid; /* position in target[at] */
	struct scrub_error error[ERRORS_KEPT];
	unsigned nerror;
	struct timespec deadline;
	pthread_t thread;
	bool has_thread, stop;
};

/* Returned inside a walk: time is over. */
#define PAUSE 1

/* --- one block --- */

struct walk {
	struct spa *spa;
	struct scrub *s;
	uint64_t dataset, min_txg;
	uint64_t object; /* whose tree is walked; META_OBJECT for the meta dnode */
};

static bool
time_is_over(const struct scrub *s)
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
}

/* -ENOMEM ends the scrub; a bad block is noted and passed over. */
static int
scrub_block(const struct walk *w, const struct blkptr *bp, int level, uint64_t blkid)
{
	struct zio_scrub_result r;
	int rc = zio_scrub(w->spa, bp, &r);

	w->s->stat.examined += bp_asize(bp);
	w->s->stat.repaired += (uint64_t)r.repaired * bp_psize(bp);
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
	return (!bp_is_hole(bp) && bp_birth(bp) > w->min_txg);
}

static bool
is_old_enough(const struct walk *w, const struct blkptr *bp)
{
	return (!bp_is_embedded(bp) && bp_birth(bp) <= w->s->max_txg);
}

/* --- trees --- */

static int walk_dnodes(const struct walk *w, const uint8_t *block, uint32_t size, uint64_t first);

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

static int
walk_tree(const struct walk *w, const struct blkptr *bp, int level, unsigned shift, uint64_t first)
{
	uint64_t span = blocks_below(level, shift), here = position_in(w);
	uint8_t *buf;
	int rc = 0;

	if (!is_wanted(w, bp) || (span != 0 && first + span <= here))
		return (0);
	if (!was_entered(w, first) && is_old_enough(w, bp))
		rc = scrub_block(w, bp, level, first);
	if (level == 0 && w->object != META_OBJECT) {
		w->s->blkid = first + 1;
		return (rc != 0 ? rc : time_is_over(w->s) ? PAUSE : 0);
	}
	if (rc != 0 || (buf = load(w, bp)) == NULL)
		return (rc);
	if (level == 0)
		rc = walk_dnodes(w, buf, bp_lsize(bp), first * DNODES_PER_BLOCK);
	for (uint32_t i = 0; level > 0 && rc == 0 && i < bp_lsize(bp) / sizeof(*bp); i++)
		rc = walk_tree(w, (const struct blkptr *)(const void *)buf + i, level - 1, shift,
		    first + i * blocks_below(level - 1, shift));
	free(buf);
	return (rc);
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
				rc = time_is_over(w->s) ? PAUSE : 0;
			}
		}
		at += bytes;
	}
	return (rc);
}

/* --- objsets --- */

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
		rc = walk_dnode(w, &phys->meta);
		if (rc == 0)
			rc = walk_accounting(w, phys, size);
	}
	free(phys);
	return (rc);
}

/* --- targets --- */

static int
read_dataset(struct spa *spa, uint64_t object, struct blkptr *bp, uint64_t *prev, uint64_t *creation)
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
		memcpy(prev, p + DS_PREV_TXG, 8);
		memcpy(creation, p + DS_CREATION_TXG, 8);
		memcpy(bp, p + DS_BP, sizeof(*bp));
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

/* A head's place is behind all snapshots, whenever it was created: it is the youngest of its line. */
static int
list_targets(struct spa *spa, struct scrub *s)
{
	uint64_t object = 0, prev, creation, next;
	struct blkptr bp;
	int rc = add_target(s, 0, 0, 0);

	while (rc == 0 && (rc = dmu_object_next(spa->mos, &object)) == 0) {
		struct dbuf *bonus;
		int r = read_dataset(spa, object, &bp, &prev, &creation);

		if (r == -ENOENT || r == -EILSEQ)
			continue;
		if ((rc = r) != 0 || (rc = dmu_bonus_hold(spa->mos, object, &bonus)) != 0)
			break;
		memcpy(&next, (const uint8_t *)dbuf_data(bonus) + 24, 8); /* next_snap_obj */
		dbuf_rele(bonus);
		rc = add_target(s, object, prev, next == 0 ? UINT64_MAX : creation);
	}
	if (rc == -ESRCH)
		rc = 0;
	if (rc == 0 && s->n > 2)
		qsort(s->target + 1, s->n - 1, sizeof(*s->target), oldest_first);
	return (rc);
}

static int
walk_target(struct spa *spa, struct scrub *s)
{
	const struct target *t = &s->target[s->at];
	struct walk w = {spa, s, t->dataset, t->min_txg, META_OBJECT};
	uint64_t prev, creation;
	struct blkptr bp;
	int rc;

	if (t->dataset == 0)
		return (walk_objset(&w, &spa->ub.rootbp));
	rc = read_dataset(spa, t->dataset, &bp, &prev, &creation);
	if (rc == -ENOMEM)
		return (rc);
	if (rc != 0)
		return (0); /* destroyed: its blocks are the next one's now, or free */
	if (prev < w.min_txg)
		w.min_txg = prev;
	return (walk_objset(&w, &bp));
}

/* --- life --- */

static void
forget(struct scrub *s)
{
	free(s->target);
	s->target = NULL;
	s->n = s->at = 0;
	s->object = s->blkid = 0;
}

static int
scrub_of(struct spa *spa, struct scrub **out)
{
	if (spa->scrub == NULL && (spa->scrub = calloc(1, sizeof(*spa->scrub))) == NULL)
		return (-ENOMEM);
	*out = spa->scrub;
	return (0);
}

int
scrub_start(struct spa *spa, struct err *e)
{
	struct space_stats space;
	struct scrub *s;
	int rc;

	if (spa->readonly || spa->suspended)
		return (err_set(e, spa->readonly ? EROFS : EIO, "pool '%s' is %s", spa->name,
		    spa->readonly ? "read-only" : "suspended"));
	if ((rc = scrub_of(spa, &s)) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	if (s->stat.state == SCRUB_RUNNING)
		return (err_set(e, EBUSY, "a scrub of '%s' is running", spa->name));
	forget(s);
	s->nerror = 0;
	s->max_txg = spa->synced;
	if ((rc = list_targets(spa, s)) != 0) {
		forget(s);
		return (err_rc(e, rc, "listing the datasets"));
	}
	metaslab_stats(spa, &space);
	s->stat = (struct scrub_stat){.state = SCRUB_RUNNING, .start = spa_now(spa, NULL),
	    .to_examine = space.alloc};
	return (0);
}

/* In the pool's directory, for the next sync. */
static int
record(struct spa *spa, const struct scrub *s)
{
	uint64_t w[SCAN_WORDS] = {0};

	w[SCAN_FUNC] = 1;
	w[SCAN_STATE] = s->stat.state == SCRUB_FINISHED ? 2 : 3;
	w[SCAN_MAX_TXG] = s->max_txg;
	w[SCAN_START] = s->stat.start;
	w[SCAN_END] = s->stat.end;
	w[SCAN_TO_EXAMINE] = s->stat.to_examine;
	w[SCAN_EXAMINED] = s->stat.examined;
	w[SCAN_TO_PROCESS] = w[SCAN_PROCESSED] = s->stat.repaired;
	w[SCAN_ERRORS] = s->stat.errors;
	return (zap_update(spa->mos, MOS_DIRECTORY, "scan", 8, SCAN_WORDS, w));
}

static int
finish(struct spa *spa, struct scrub *s, enum scrub_state state)
{
	s->stat.state = state;
	s->stat.end = spa_now(spa, NULL);
	forget(s);
	return (record(spa, s));
}

static void
set_deadline(struct scrub *s, unsigned ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &s->deadline);
	s->deadline.tv_sec += ms / 1000;
	s->deadline.tv_nsec += (long)(ms % 1000) * 1000000;
	if (s->deadline.tv_nsec >= 1000000000) {
		s->deadline.tv_sec++;
		s->deadline.tv_nsec -= 1000000000;
	}
}

int
scrub_step(struct spa *spa, unsigned ms)
{
	struct scrub *s = spa->scrub;
	int rc = 0;

	if (s == NULL || s->stat.state != SCRUB_RUNNING)
		return (0);
	if (spa->suspended) {
		s->stat.state = SCRUB_CANCELED;
		return (-EIO);
	}
	set_deadline(s, ms);
	while (rc == 0 && s->at < s->n) {
		rc = walk_target(spa, s);
		if (rc == 0) {
			s->at++;
			s->object = s->blkid = 0;
			rc = time_is_over(s) ? PAUSE : 0;
		}
	}
	if (rc == PAUSE && s->at < s->n)
		return (1);
	if (rc < 0) {
		(void)finish(spa, s, SCRUB_CANCELED);
		return (rc);
	}
	return (finish(spa, s, SCRUB_FINISHED));
}

int
scrub_cancel(struct spa *spa)
{
	struct scrub *s = spa->scrub;

	if (s == NULL || s->stat.state != SCRUB_RUNNING)
		return (-ENOENT);
	return (finish(spa, s, SCRUB_CANCELED));
}

static void
stat_from_disk(struct spa *spa, struct scrub_stat *st)
{
	uint64_t w[SCAN_WORDS];

	*st = (struct scrub_stat){.state = SCRUB_NONE};
	if (zap_lookup(spa->mos, MOS_DIRECTORY, "scan", 8, SCAN_WORDS, w) != 0 || w[SCAN_FUNC] != 1)
		return;
	st->state = w[SCAN_STATE] == 2 ? SCRUB_FINISHED : SCRUB_CANCELED;
	st->start = w[SCAN_START];
	st->end = w[SCAN_END];
	st->to_examine = w[SCAN_TO_EXAMINE];
	st->examined = w[SCAN_EXAMINED];
	st->repaired = w[SCAN_PROCESSED];
	st->errors = w[SCAN_ERRORS];
}

void
scrub_stat(struct spa *spa, struct scrub_stat *st)
{
	if (spa->scrub != NULL && spa->scrub->stat.state != SCRUB_NONE)
		*st = spa->scrub->stat;
	else
		stat_from_disk(spa, st);
}

bool
scrub_error_at(struct spa *spa, unsigned n, struct scrub_error *out)
{
	if (spa->scrub == NULL || n >= spa->scrub->nerror)
		return (false);
	*out = spa->scrub->error[n];
	return (true);
}

/* --- the thread --- */

static void *
run(void *arg)
{
	struct spa *spa = arg;
	struct scrub *s = spa->scrub;
	int rc = 1;

	while (rc == 1) {
		spa_enter(spa);
		rc = s->stop ? 0 : scrub_step(spa, STEP_MS);
		spa_exit(spa);
		if (rc == 1)
			(void)usleep(PAUSE_US); /* let others have the lock */
	}
	return (NULL);
}

static void
join(struct spa *spa)
{
	struct scrub *s = spa->scrub;

	if (s == NULL || !s->has_thread)
		return;
	spa_enter(spa);
	s->stop = true;
	spa_exit(spa);
	(void)pthread_join(s->thread, NULL);
	s->has_thread = s->stop = false;
}

static int
start_thread(struct spa *spa)
{
	pthread_attr_t attr;
	int rc;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&spa->scrub->thread, &attr, run, spa);
	(void)pthread_attr_destroy(&attr);
	return (rc);
}

int
scrub_run_background(struct spa *spa, struct err *e)
{
	int rc;

	spa_enter(spa);
	rc = scrub_start(spa, e);
	spa_exit(spa);
	if (rc != 0)
		return (rc);
	join(spa); /* of the one before, which has ended */
	if ((rc = start_thread(spa)) != 0) {
		spa_enter(spa);
		(void)scrub_cancel(spa);
		spa_exit(spa);
		return (err_sys(e, rc, "cannot start a thread"));
	}
	spa->scrub->has_thread = true;
	return (0);
}

void
scrub_fini(struct spa *spa)
{
	if (spa->scrub == NULL)
		return;
	join(spa);
	forget(spa->scrub);
	free(spa->scrub);
	spa->scrub = NULL;
}
