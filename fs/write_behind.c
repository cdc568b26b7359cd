/* SPDX-License-Identifier: MIT */
/*
 * write_behind: contents of files go to disk while their txg is open.
 *
 * Theory of operation
 *
 * A sync runs with the pool's lock held, so it must be short.  Nearly all bytes of a txg are contents of
 * files and volumes, and those need not wait for the sync: nothing on disk points at a block before
 * the uberblock does, so it may be written any time before.  This is done here, in batches, oldest
 * dirty blocks first, without the lock for everything that takes time:
 *
 *	lock	pick, hold, describe           db->writing is set
 *	-	pack, hash                     all processors (fs/workers.c)
 *	lock	allocate
 *	-	write
 *	lock	the parent gets the new block pointer, the dbuf is clean; or, if it was changed meanwhile,
 *		the space is given back and the dbuf stays dirty
 *
 * The block is born in the open txg and charged as if the sync had written it.  What is left for the sync
 * is metadata and the last few blocks.
 *
 * Invariants
 *  1. The buffer that is being written does not change.  Who is about to change, shrink or drop such a
 *     dbuf calls dbuf_unwrite first, which gives the dbuf another buffer and leaves the old one here.
 *  2. No sync starts while a batch is on its way (write_behind_wait), so that a block pointer of txg T
 *     is in the tree, or its space given back, when T is written.
 *  3. What a block written here takes is in `behind_bytes` of its objset until the sync charges it: quotas
 *     and reservations see it all the time.
 *  4. Only blocks whose content is nobody's structure: of files and volumes, level 0.  Deduplicated ones
 *     are left to the sync, which knows the table.  What fails here is left to the sync too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zio.h"
#include "vdev_impl.h"

#define BATCH_BLOCKS 64u
#define BATCH_BYTES (4u << 20)

struct wb_block {
	struct dbuf *db; /* held; NULL: was changed meanwhile */
	void *old;	 /* then: the buffer, to be freed */
	uint32_t size;
	struct zio_write w;
	struct zio_prepared p;
	struct blkptr bp;
	int rc;
	bool placed;
};

struct wb_batch {
	struct spa *spa;
	unsigned n;
	struct wb_block v[BATCH_BLOCKS];
};

/* --- which ------------------------------------------------------------------------------------ */

static bool
wants(const struct dbuf *db)
{
	const struct dnode *dn = db->dn;

	return (db->level == 0 && dn->os->ops != NULL && dn->os->policy.dedup == 0 &&
	    (dn->phys->type == OT_PLAIN_FILE || dn->phys->type == OT_ZVOL));
}

void
write_behind_add(struct dbuf *db)
{
	struct spa *spa = db->dn->os->spa;

	if (!wants(db))
		return;
	db->behind = true;
	db->wb_prev = spa->wb_last;
	db->wb_next = NULL;
	*(db->wb_prev != NULL ? &db->wb_prev->wb_next : &spa->wb_first) = db;
	spa->wb_last = db;
	spa->wb_bytes += db->size;
	if (spa->wb_bytes >= WRITE_BEHIND_START && spa->wb_bytes - db->size < WRITE_BEHIND_START &&
	    spa->wb_kick != NULL)
		spa->wb_kick(spa->wb_kick_arg);
}

void
write_behind_remove(struct dbuf *db)
{
	struct spa *spa = db->dn->os->spa;

	if (!db->behind)
		return;
	db->behind = false;
	*(db->wb_prev != NULL ? &db->wb_prev->wb_next : &spa->wb_first) = db->wb_next;
	*(db->wb_next != NULL ? &db->wb_next->wb_prev : &spa->wb_last) = db->wb_prev;
	db->wb_prev = db->wb_next = NULL;
	spa->wb_bytes -= db->size;
}

/* --- somebody wants the block ----------------------------------------------------------------- */

void
dbuf_unwrite(struct dbuf *db)
{
	struct spa *spa = db->dn->os->spa;
	struct wb_block *b = db->writing;
	void *copy;

	if (b == NULL)
		return;
	if ((copy = dmu_data_new(spa, db->size)) != NULL) {
		memcpy(copy, db->data, db->size);
		b->old = db->data;
		db->data = copy;
	} else {
		spa_io_drain(spa); /* no memory: until nobody reads the buffer */
	}
	b->db = NULL;
	db->writing = NULL;
	write_behind_remove(db); /* it may change again soon: to the end of the list */
	write_behind_add(db);
	db->holds--; /* the caller has another, or is about to destroy it */
}

/* --- one batch -------------------------------------------------------------------------------- */

static void
pick(struct wb_batch *t, uint64_t keep)
{
	struct spa *spa = t->spa;
	uint64_t bytes = 0;
	struct dbuf *db;

	for (db = spa->wb_first; db != NULL && t->n < BATCH_BLOCKS && bytes < BATCH_BYTES &&
	    spa->wb_bytes - bytes > keep; db = db->wb_next) {
		struct wb_block *b = &t->v[t->n++];

		*b = (struct wb_block){.db = db, .size = db->size};
		bytes += db->size;
		db->holds++;
		db->writing = b;
		objset_describe_write(db, &b->w);
	}
}

static void
prepare_one(void *arg, size_t i)
{
	struct wb_batch *t = arg;

	zio_prepare(t->spa, &t->v[i].w, &t->v[i].p);
}

static void
place_all(struct wb_batch *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct wb_block *b = &t->v[i];

		if (b->db == NULL)
			continue;
		b->rc = zio_place(t->spa, &b->w, &b->p, &b->bp);
		b->placed = b->rc == 0;
	}
}

static void
write_one(void *arg, size_t i)
{
	struct wb_batch *t = arg;
	struct wb_block *b = &t->v[i];

	if (b->placed)
		b->rc = zio_put(t->spa, &b->bp, &b->p);
}

int
write_behind_install(struct dnode *dn, struct blkptr *slot, const struct blkptr *bp)
{
	struct objset *os = dn->os;
	uint64_t taken;
	int64_t dsize = 0;
	int rc = objset_replace_bp(os, slot, bp, &dsize);

	if (rc != 0)
		return (rc);
	dnode_used_add(dn, dsize);
	taken = bp_is_hole(bp) ? 0 : bp_dsize(os->spa, bp);
	os->behind_bytes += taken;
	os->spa->behind_bytes += taken;
	return (0);
}

/* The block is on disk and is what is in memory: the tree shall say so. */
static int
install(struct wb_block *b)
{
	struct dbuf *db = b->db;
	int rc = write_behind_install(db->dn, dbuf_slot(db), &b->bp);

	if (rc != 0)
		return (rc);
	cache_name(db, &b->bp);
	dbuf_undirty(db);
	return (0);
}

static void
settle_one(struct wb_batch *t, struct wb_block *b)
{
	if (b->db != NULL) {
		b->db->writing = NULL;
		if (b->rc == 0)
			b->rc = install(b);
		if (b->rc != 0)
			t->spa->wb_failed = true;
		dbuf_rele(b->db);
	}
	if (b->placed && (b->db == NULL || b->rc != 0))
		zio_unplace(t->spa, &b->bp, b->w.txg);
	if (b->old != NULL)
		dmu_data_free(t->spa, b->old, b->size);
	zio_prepared_free(t->spa, &b->p);
}

static void
without_lock(struct wb_batch *t, void (*fn)(void *arg, size_t i))
{
	spa_io_begin(t->spa);
	spa_exit(t->spa);
	workers_run(t->spa->workers, t->n, fn, t);
	spa_io_end(t->spa);
	spa_enter(t->spa);
}

static void
run_batch(struct wb_batch *t)
{
	t->spa->wb_busy = true;
	without_lock(t, prepare_one);
	place_all(t);
	without_lock(t, write_one);
	for (unsigned i = 0; i < t->n; i++)
		settle_one(t, &t->v[i]);
	t->spa->wb_busy = false;
	spa_changed(t->spa);
}

bool
write_behind(struct spa *spa, uint64_t keep)
{
	struct wb_batch *t;
	unsigned n;

	if (spa->wb_busy || spa->syncing || spa->suspended || spa->wb_failed || spa->wb_bytes <= keep ||
	    (t = malloc(sizeof(*t))) == NULL)
		return (false);
	t->spa = spa;
	t->n = 0;
	pick(t, keep);
	if ((n = t->n) > 0)
		run_batch(t);
	free(t);
	return (n > 0);
}

void
write_behind_wait(struct spa *spa)
{
	while (spa->wb_busy)
		spa_wait(spa);
}

/* Behind a sync that waits for its turn, or it would wait for ever. */
void
write_behind_claim(struct spa *spa)
{
	while (spa->wb_busy || spa->sync_waits > 0)
		spa_wait(spa);
	spa->wb_busy = true;
}

void
write_behind_unclaim(struct spa *spa)
{
	spa->wb_busy = false;
	spa_changed(spa);
}

/* --- the devices' caches ---------------------------------------------------------------------- */

struct flush_list {
	struct bdev *bd[64];
	size_t n;
};

static int
add_unflushed(struct vdev *leaf, void *arg)
{
	struct flush_list *l = arg;

	if (vdev_leaf_ready(leaf) && __atomic_load_n(&leaf->unflushed, __ATOMIC_RELAXED) &&
	    l->n < sizeof(l->bd) / sizeof(l->bd[0]))
		l->bd[l->n++] = leaf->bd;
	return (0);
}

static void
flush_one(void *arg, size_t i)
{
	(void)bdev_flush(((struct flush_list *)arg)->bd[i]); /* the sync does it again, and looks */
}

void
write_behind_flush(struct spa *spa)
{
	struct flush_list l = {.n = 0};

	if (spa->wb_busy || spa->syncing || spa->suspended)
		return;
	spa->wb_busy = true;
	(void)vdev_walk_leaves(spa->root, add_unflushed, &l);
	spa_io_begin(spa);
	spa_exit(spa);
	workers_run(spa->workers, l.n, flush_one, &l);
	spa_io_end(spa);
	spa_enter(spa);
	spa->wb_busy = false;
	spa_changed(spa);
}
