/* SPDX-License-Identifier: MIT */
/*
 * dmu_miss: reading the disk while others have the pool.
 *
 * Theory of operation
 *
 * The pool's lock protects everything in memory, and whoever has it sees a state that nobody else is
 * changing.  A disk read of milliseconds inside such a bracket would stop everybody.  To give the
 * lock up in the middle of an operation would be worse: a directory half split, seen by all.  So an
 * operation that only looks is *unwound* when a block is not in memory, as a processor does with an
 * instruction that faults: the block is read without the lock and the operation starts again.
 *
 *	  dmu_run:  lock --> look ----- all in memory ------> act --> unlock --> direct reads --> done
 *	             ^         | a block is missing
 *	             |         v
 *	             |   noted here; -DMU_UNWIND goes up through look
 *	             |         v
 *	             +--- unlock, read what was noted, lock, put it into the cache
 *
 * What changes the pool cannot be unwound.  It has a `look` of its own that touches what the change
 * will need, and then changes it in the same bracket, as `act`; a block that look did not foresee is
 * read with the lock held, which is slow and right.
 *
 * Contents of large blocks that are read whole go from the disk into the caller's buffer (`direct`):
 * they do not unwind, and are read after the bracket.  A reader that goes on where the last one ended
 * gets the next megabytes hinted to the kernel, which reads them into its page cache meanwhile.
 *
 * Invariants
 *  1. A dbuf being read has `reading` set, is held by that note and unfilled.  Whoever needs it with
 *     the lock held and cannot unwind reads it himself and takes it away from the note
 *     (dbuf_unread); so does whoever fills, drops or evicts it.  What the note read is then unused.
 *  2. Without the lock only this is touched: the note's own buffer, a copy of the block pointer, and the
 *     vdev tree.  Only the plain read of the first copy happens here; what fails is done again with the
 *     lock held, where other copies are tried and bad ones repaired.
 *  3. A block pointer that was seen in the open txg X may be freed in X, and its space used again when
 *     X+2 is durable.  A sync of txg T therefore waits for readers that began in T-2 or before
 *     (dmu_readers_wait).  Blocks of a txg that is not durable may be reused at once: they are read
 *     with the lock held (they are hardly ever out of memory).
 *  4. Who changes the vdev tree, or what a leaf lacks, waits until nobody reads: spa_io_drain.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "errlog.h"
#include "smartbox/fs/zio.h"
#include "vdev_impl.h"
#include "zio_impl.h"

#define RESTARTS_MAX 12 /* then with the lock held: others may be throwing out what we read */

/* --- noting ----------------------------------------------------------------------------------- */

/* May it be read without the lock, so that nothing of it can be reused meanwhile? */
static bool
may_read_alone(const struct spa *spa, const struct blkptr *bp)
{
	return (spa->misses != NULL && !bp_is_embedded(bp) && bp_birth(bp) <= spa->synced &&
	    bp_physical_birth(bp) <= spa->synced && !bp_dva(bp, 0).gang);
}

static struct dmu_miss *
note(struct dmu_misses *ms, const struct blkptr *bp)
{
	struct dmu_miss *m = &ms->v[ms->n++];

	*m = (struct dmu_miss){.bp = *bp};
	return (m);
}

int
dmu_miss_dbuf(struct dbuf *db, const struct blkptr *bp)
{
	struct spa *spa = db->dn->os->spa;
	struct dmu_misses *ms = spa->misses;

	if (!may_read_alone(spa, bp))
		return (0);
	ms->again = true;
	if (ms->n < DMU_MISSES_MAX) {
		db->reading = note(ms, bp);
		db->reading->db = db;
		db->holds++;
	}
	return (-DMU_UNWIND);
}

bool
dmu_miss_direct(struct spa *spa, const struct blkptr *bp, void *dst, const struct scrub_error *who)
{
	struct dmu_miss *m;

	if (!may_read_alone(spa, bp) || spa->misses->n == DMU_MISSES_MAX)
		return (false);
	m = note(spa->misses, bp);
	m->direct = dst;
	m->who = *who;
	return (true);
}

int
dmu_miss_wait(struct spa *spa)
{
	if (spa->misses == NULL)
		return (0);
	spa->misses->wait = spa->misses->again = true;
	return (-DMU_UNWIND);
}

bool
dmu_may_unwind(const struct spa *spa)
{
	return (spa->misses != NULL);
}

void
dmu_miss_hint(struct spa *spa, const struct blkptr *bp)
{
	struct dmu_misses *ms = spa->misses;
	struct dva d = bp_dva(bp, 0);
	uint64_t size = (uint64_t)d.asize_sectors << SECTOR_SHIFT;
	struct dmu_hint *h;

	if (ms == NULL || bp_is_hole(bp) || bp_is_embedded(bp) || d.gang)
		return;
	h = ms->nhints > 0 ? &ms->hint[ms->nhints - 1] : NULL;
	if (h != NULL && h->vdev == d.vdev && h->off + h->len == d.offset)
		h->len += size;
	else if (ms->nhints < DMU_HINTS_MAX)
		ms->hint[ms->nhints++] = (struct dmu_hint){d.vdev, d.offset, size};
}

/* --- readers and syncs ------------------------------------------------------------------------ */

static void
reader_begin(struct spa *spa, struct dmu_misses *ms)
{
	ms->txg = spa->txg;
	ms->prev = spa->readers_last;
	ms->next = NULL;
	*(ms->prev != NULL ? &ms->prev->next : &spa->readers) = ms;
	spa->readers_last = ms;
}

static void
reader_end(struct spa *spa, struct dmu_misses *ms)
{
	*(ms->prev != NULL ? &ms->prev->next : &spa->readers) = ms->next;
	*(ms->next != NULL ? &ms->next->prev : &spa->readers_last) = ms->prev;
	spa_changed(spa);
}

/* The list is in the order of beginning, hence of txgs. */
void
dmu_readers_wait(struct spa *spa, uint64_t txg)
{
	while (spa->readers != NULL && spa->readers->txg <= txg)
		spa_wait(spa);
}

/* --- reading ---------------------------------------------------------------------------------- */

void
dbuf_unread(struct dbuf *db)
{
	struct dmu_miss *m = db->reading;

	if (m == NULL)
		return;
	m->db = NULL;
	db->reading = NULL;
	db->holds--; /* whoever calls has one of his own, or is about to destroy it */
}

/* Without the lock. */
static void
read_notes(struct spa *spa, struct dmu_misses *ms)
{
	bool only_dbufs = ms->again; /* direct ones are noted again by the next round */

	for (unsigned i = 0; i < ms->nhints; i++) {
		struct vdev *top = vdev_top(spa->root, ms->hint[i].vdev);

		if (top != NULL)
			vdev_prefetch(top, ms->hint[i].off, ms->hint[i].len);
	}
	for (unsigned i = 0; i < ms->n; i++) {
		struct dmu_miss *m = &ms->v[i];

		if (m->direct != NULL && only_dbufs)
			continue;
		m->size = bp_lsize(&m->bp);
		m->buf = m->direct != NULL ? m->direct : dmu_data_new(spa, m->size);
		m->rc = m->buf == NULL ? -ENOMEM : zio_read_plain(spa, &m->bp, m->buf);
	}
}

/* With the lock: into the cache, unless somebody was faster. */
static int
settle_dbuf(struct spa *spa, struct dmu_miss *m)
{
	struct dbuf *db = m->db;
	int rc = 0;

	if (db != NULL) {
		void *unused = m->buf;

		if (m->rc != 0)
			m->rc = m->buf == NULL ? -ENOMEM : dbuf_read_logged(db, &m->bp, m->buf);
		if (m->rc == 0) {
			unused = db->data;
			db->data = m->buf;
			db->unfilled = false;
		}
		rc = m->rc;
		m->buf = unused;
		m->db = NULL;
		db->reading = NULL;
		dbuf_rele(db);
	}
	if (m->buf != NULL)
		dmu_data_free(spa, m->buf, m->size);
	return (rc);
}

static int
settle(struct spa *spa, struct dmu_misses *ms)
{
	int rc = 0, one;

	for (unsigned i = 0; i < ms->n; i++) {
		struct dmu_miss *m = &ms->v[i];

		if (m->direct == NULL)
			one = settle_dbuf(spa, m);
		else
			one = ms->again || m->rc == 0 ? 0 :
			    errlog_read(spa, &m->bp, m->direct, &m->who);
		rc = rc != 0 ? rc : one;
	}
	return (rc);
}

/* Give the lock up, read, take it again. */
static int
read_unlocked(struct spa *spa, struct dmu_misses *ms)
{
	uint64_t seen = spa->changes;
	int rc;

	if (ms->n == 0 && ms->nhints == 0) {
		while (ms->wait && spa->changes == seen)
			spa_wait(spa);
		return (0);
	}
	reader_begin(spa, ms);
	spa_io_begin(spa);
	spa_exit(spa);
	spa_will_wait();
	read_notes(spa, ms);
	spa_io_end(spa);
	spa_enter(spa);
	rc = settle(spa, ms);
	reader_end(spa, ms);
	return (rc);
}

int
dmu_run(struct spa *spa, dmu_step_fn *look, dmu_step_fn *act, void *arg)
{
	struct dmu_misses ms; /* half of it is not used most of the time: never cleared as a whole */
	int rc = 0, read_rc = 0;

	spa_enter(spa);
	for (unsigned round = 0;; round++) {
		ms.n = ms.nhints = 0;
		ms.again = ms.wait = false;
		spa->misses = round < RESTARTS_MAX ? &ms : NULL;
		rc = look(arg);
		spa->misses = NULL;
		if (!ms.again)
			break;
		if (read_unlocked(spa, &ms) != 0)
			round = RESTARTS_MAX - 1; /* let the operation meet the error itself */
	}
	if (act != NULL)
		rc = act(arg);
	if (ms.n > 0 || ms.nhints > 0)
		read_rc = read_unlocked(spa, &ms);
	spa_exit(spa);
	return (rc != 0 ? rc : read_rc);
}
