/* SPDX-License-Identifier: MIT */
/*
 * dbuf: the blocks of objects in memory.
 *
 * Theory of operation
 *
 * A dbuf is one block (data, indirect, spill) of one object.  It is found by (dnode, level, block
 * number) in one hash table per pool.
 *
 *            hold                    dirty
 *   (disk) --------> held, clean ------------> dirty (held or not)
 *              ^        | rele                    | sync wrote it, or its block was freed
 *              |        v                         v
 *              +---- in LRU list <----------------+
 *                       | over the budget (dmu_cache.c)
 *                       v
 *                    (disk)
 *
 * Invariants
 *  1. The bp of a block is in its parent: the indirect block one level up, or the dnode.  While a
 *     block is dirty, its parents up to the dnode's own block are dirty too, hence in memory; a
 *     sync never reads to find where a bp goes.
 *  2. Dirty blocks are not evicted; their bytes are bounded by the caller, who looks at
 *     spa_dirty_bytes() before changing more.  Clean ones are bounded by the cache's budget.
 *  3. A dnode in memory points into its dnode block, which it holds: there is one truth, and what
 *     dirtied it is the dnode block's dbuf.  So a bonus buffer is no copy either: dirtying it
 *     dirties the dnode block.
 *  4. A change of level count or of maxblkid happens at the moment of the change, in memory, not
 *     while syncing.  So does freeing: what was freed is a hole in memory at once.
 *  5. A block that was held with fill == false and never dirtied is forgotten when released.
 *
 * There is one txg in memory: a sync runs under the pool's lock.  So no dbuf has two versions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmu_impl.h"
#include "errlog.h"
#include "smartbox/fs/zio.h"
#include "zio_impl.h"

int
dmu_cache_new(struct spa *spa)
{
	struct dmu_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (-ENOMEM);
	c->hash_size = 4096;
	c->hash = calloc(c->hash_size, sizeof(*c->hash));
	if (c->hash == NULL) {
		free(c);
		return (-ENOMEM);
	}
	cache_init(c);
	spa->cache = c;
	return (0);
}

void
dmu_cache_free(struct spa *spa)
{
	if (spa->cache == NULL)
		return;
	free(spa->cache->hash);
	free(spa->cache);
	spa->cache = NULL;
}

static struct dmu_cache *
cache_of(const struct dbuf *db)
{
	return (db->dn->os->spa->cache);
}

/* --- the hash table --------------------------------------------------------------------------- */

static size_t
hash_slot(const struct dmu_cache *c, const struct dnode *dn, int level, uint64_t blkid)
{
	uint64_t h = (uintptr_t)dn >> 4;

	h = (h ^ blkid ^ ((uint64_t)(level + 4) << 56)) * 0x9e3779b97f4a7c15ULL;
	return ((h ^ (h >> 32)) & (c->hash_size - 1));
}

static void
hash_grow(struct dmu_cache *c)
{
	struct dbuf **old = c->hash, *db, *next;
	size_t old_size = c->hash_size, i, s;

	c->hash = calloc(old_size * 4, sizeof(*c->hash));
	if (c->hash == NULL) {
		c->hash = old; /* longer chains, still right */
		return;
	}
	c->hash_size = old_size * 4;
	for (i = 0; i < old_size; i++)
		for (db = old[i]; db != NULL; db = next) {
			next = db->hash_next;
			s = hash_slot(c, db->dn, db->level, db->blkid);
			db->hash_next = c->hash[s];
			c->hash[s] = db;
		}
	free(old);
}

struct dbuf *
dbuf_find(struct dnode *dn, int level, uint64_t blkid)
{
	struct dmu_cache *c = dn->os->spa->cache;
	struct dbuf *db = c->hash[hash_slot(c, dn, level, blkid)];

	while (db != NULL && (db->dn != dn || db->blkid != blkid || db->level != level))
		db = db->hash_next;
	return (db);
}

static void
hash_insert(struct dmu_cache *c, struct dbuf *db)
{
	size_t s;

	if (c->count >= c->hash_size * 2)
		hash_grow(c);
	s = hash_slot(c, db->dn, db->level, db->blkid);
	db->hash_next = c->hash[s];
	c->hash[s] = db;
	c->count++;
}

static void
hash_remove(struct dmu_cache *c, struct dbuf *db)
{
	struct dbuf **p = &c->hash[hash_slot(c, db->dn, db->level, db->blkid)];

	while (*p != db)
		p = &(*p)->hash_next;
	*p = db->hash_next;
	c->count--;
}

/* --- the bytes -------------------------------------------------------------------------------- */

#define POOLED_BYTES 16384u /* from here on buffers are worth keeping */

void *
dmu_data_new(struct spa *spa, uint32_t size)
{
	return (size >= POOLED_BYTES ? zio_buf_get(spa, size) : malloc(size));
}

void
dmu_data_free(struct spa *spa, void *data, uint32_t size)
{
	if (size >= POOLED_BYTES)
		zio_buf_put(spa, data, size);
	else
		free(data);
}

/* Out of all lists and freed; may free its dnode and so put another block into the LRU list. */
void
dbuf_destroy(struct dbuf *db)
{
	struct dmu_cache *c = cache_of(db);
	struct dnode *dn = db->dn;

	hash_remove(c, db);
	cache_take(db);
	if (db->dn_prev != NULL)
		db->dn_prev->dn_next = db->dn_next;
	else
		dn->dbufs = db->dn_next;
	if (db->dn_next != NULL)
		db->dn_next->dn_prev = db->dn_prev;
	dn->ndbufs--;
	c->bytes -= db->size;
	dmu_data_free(dn->os->spa, db->data, db->size);
	free(db->extra);
	free(db);
	dnode_rele(dn);
}

/* --- bps and content -------------------------------------------------------------------------- */

int
dbuf_bp(struct dnode *dn, int level, uint64_t blkid, struct blkptr *bp)
{
	struct dnode_phys *p = dn->phys;
	unsigned epbs = dnode_epbs(dn);
	struct dbuf *parent;
	int rc;

	memset(bp, 0, sizeof(*bp));
	if (level == LEVEL_SPILL) {
		if (p->flags & DN_SPILL)
			*bp = *dnode_spill_bp(p);
		return (0);
	}
	if (level >= p->levels || level_blkid(p->maxblkid, level, epbs) < blkid)
		return (0);
	if (level == p->levels - 1) {
		if (blkid < p->nblkptr)
			*bp = p->bp[blkid];
		return (0);
	}
	parent = dbuf_find(dn, level + 1, blkid >> epbs);
	if (parent == NULL) {
		struct blkptr up;

		if ((rc = dbuf_bp(dn, level + 1, blkid >> epbs, &up)) != 0)
			return (rc);
		if (bp_is_hole(&up))
			return (0);
	}
	if ((rc = dbuf_get(dn, level + 1, blkid >> epbs, true, &parent)) != 0)
		return (rc);
	*bp = ((struct blkptr *)parent->data)[blkid & ((1u << epbs) - 1)];
	dbuf_rele(parent);
	return (0);
}

static struct blkptr *
slot_of(struct dnode *dn, int level, uint64_t blkid)
{
	unsigned epbs = dnode_epbs(dn);
	struct dbuf *parent;

	if (level == LEVEL_SPILL)
		return (dnode_spill_bp(dn->phys));
	if (level == dn->phys->levels - 1)
		return (&dn->phys->bp[blkid]);
	parent = dbuf_find(dn, level + 1, blkid >> epbs);
	return (&((struct blkptr *)parent->data)[blkid & ((1u << epbs) - 1)]);
}

struct blkptr *
dbuf_slot(struct dbuf *db)
{
	return (slot_of(db->dn, db->level, db->blkid));
}

/* The children of a hole that was punched are holes of the same birth. */
static void
fill_hole(struct dbuf *db, const struct blkptr *bp)
{
	struct blkptr *child = db->data;
	uint32_t lsize, i;

	memset(db->data, 0, db->size);
	if (db->level <= 0 || bp_birth(bp) == 0)
		return;
	lsize = db->level == 1 ? dnode_block_size(db->dn) : bp_lsize(bp);
	for (i = 0; i < db->size / sizeof(*child); i++) {
		child[i].w[6] = bits_set(bits_set(bits_set(0, 0, 16, lsize / SECTOR_SIZE - 1), 48, 8,
		    bp_type(bp)), 56, 5, db->level - 1);
		child[i].w[10] = bp_birth(bp);
	}
}

int
dbuf_read_logged(struct dbuf *db, const struct blkptr *bp, void *data)
{
	struct objset *os = db->dn->os;
	struct scrub_error who = {errlog_dataset(os), db->dn->obj, db->blkid, db->level};

	return (errlog_read(os->spa, bp, data, &who));
}

static int
dbuf_fill(struct dbuf *db)
{
	struct blkptr bp;
	int rc;

	if ((rc = dbuf_bp(db->dn, db->level, db->blkid, &bp)) != 0)
		return (rc);
	if (bp_is_hole(&bp)) {
		fill_hole(db, &bp);
		return (0);
	}
	if (bp_lsize(&bp) != db->size)
		return (-EILSEQ);
	if (!bp_is_little(&bp) && (db->level > 0 || dmu_type_is_metadata(db->dn->phys->type)))
		return (-ENOTSUP);
	cache_missed(cache_of(db), db, &bp);
	if ((rc = dmu_miss_dbuf(db, &bp)) != 0)
		return (rc);
	return (dbuf_read_logged(db, &bp, db->data));
}

int
dbuf_make(struct dnode *dn, int level, uint64_t blkid, uint32_t size, struct dbuf **out)
{
	struct dmu_cache *c = dn->os->spa->cache;
	struct dbuf *db = calloc(1, sizeof(*db));

	if (db == NULL || (db->data = dmu_data_new(dn->os->spa, size)) == NULL) {
		free(db);
		return (-ENOMEM);
	}
	db->dn = dn;
	db->level = level;
	db->blkid = blkid;
	db->size = size;
	db->holds = 1;
	dn->refs++;
	dn->ndbufs++;
	db->dn_next = dn->dbufs;
	if (dn->dbufs != NULL)
		dn->dbufs->dn_prev = db;
	dn->dbufs = db;
	c->bytes += size;
	hash_insert(c, db);
	cache_trim(c, c->limit);
	*out = db;
	return (0);
}

static uint32_t
size_at(const struct dnode *dn, int level)
{
	if (level == LEVEL_SPILL)
		return (bp_lsize(dnode_spill_bp(dn->phys)));
	return (level == 0 ? dnode_block_size(dn) : 1u << dn->phys->indirect_shift);
}

/* It is held by somebody who does not have its content: a reader without the lock, or a writer. */
static int
fill_now(struct dbuf *db)
{
	int rc;

	if (db->reading == NULL)
		return (-EINVAL);
	if ((rc = dmu_miss_wait(db->dn->os->spa)) != 0)
		return (rc);
	dbuf_unread(db);
	if ((rc = dbuf_fill(db)) == 0)
		db->unfilled = false;
	return (rc);
}

int
dbuf_get(struct dnode *dn, int level, uint64_t blkid, bool fill, struct dbuf **out)
{
	struct dbuf *db = dbuf_find(dn, level, blkid);
	uint32_t size;
	int rc;

	if (db != NULL) {
		if (db->holds++ == 0)
			cache_hit(dn->os->spa->cache, db);
		if (fill && db->unfilled && (rc = fill_now(db)) != 0)
			return (dbuf_rele(db), rc);
		*out = db;
		return (0);
	}
	if (level == LEVEL_SPILL && !(dn->phys->flags & DN_SPILL))
		return (-ENOENT);
	size = size_at(dn, level);
	if (size > BLOCK_MAX_BYTES)
		return (-EILSEQ);
	rc = dbuf_make(dn, level, blkid, size, &db);
	if (rc != 0)
		return (rc);
	db->unfilled = true;
	if (fill) {
		if ((rc = dbuf_fill(db)) != 0) {
			dbuf_rele(db);
			return (rc);
		}
		db->unfilled = false;
	}
	*out = db;
	return (0);
}

/* --- holding and dirtying --------------------------------------------------------------------- */

int
dbuf_hold(struct objset *os, uint64_t obj, uint64_t blkid, bool fill, struct dbuf **out)
{
	struct dnode *dn;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	rc = dbuf_get(dn, 0, blkid, fill, out);
	dnode_rele(dn);
	return (rc);
}

void
dbuf_rele(struct dbuf *db)
{
	struct dmu_cache *c;

	if (db == NULL)
		return;
	c = cache_of(db);
	if (--db->holds > 0)
		return;
	if (db->level == LEVEL_BONUS) {
		struct dnode *dn = db->dn;

		dn->bonus = NULL;
		free(db);
		dnode_rele(dn);
	} else if (db->unfilled) {
		dbuf_destroy(db);
	} else if (!db->dirty) {
		cache_keep(c, db);
		cache_trim(c, c->limit);
	}
}

void *
dbuf_data(struct dbuf *db)
{
	return (db->level == LEVEL_BONUS ? dnode_bonus(db->dn->phys) : db->data);
}

void **
dbuf_extra(struct dbuf *db)
{
	return (&db->extra);
}

void
dbuf_drop_extra(struct dbuf *db)
{
	free(db->extra);
	db->extra = NULL;
}

uint32_t
dbuf_size(const struct dbuf *db)
{
	return (db->level == LEVEL_BONUS ? db->dn->phys->bonus_len : db->size);
}

/* Copies and rounding included: what a sync of this block may take from the pool. */
static uint64_t
alloc_estimate(const struct dbuf *db)
{
	const struct objset *os = db->dn->os;
	unsigned copies = os->ops == NULL ? 3 : os->policy.copies;

	if (os->ops != NULL && (db->level != 0 || dmu_type_is_metadata(db->dn->phys->type)))
		copies++;
	return ((uint64_t)db->size * (copies > BP_DVAS ? BP_DVAS : copies));
}

static int
dirty_parent(struct dnode *dn, int level, uint64_t blkid)
{
	struct dbuf *parent;
	int rc;

	if (level == LEVEL_SPILL || level == dn->phys->levels - 1)
		return (dnode_dirty(dn));
	rc = dbuf_get(dn, level + 1, blkid >> dnode_epbs(dn), true, &parent);
	if (rc != 0)
		return (rc);
	rc = dbuf_dirty(parent);
	dbuf_rele(parent);
	return (rc);
}

static void
count_dirty(struct dbuf *db, bool add)
{
	struct objset *os = db->dn->os;

	if (add)
		db->estimate = alloc_estimate(db);
	os->dirty_bytes += add ? db->estimate : -db->estimate;
	(void)__atomic_fetch_add(&os->spa->dirty_bytes, add ? db->size : -(uint64_t)db->size,
	    __ATOMIC_RELAXED);
	if (add)
		write_behind_add(db);
	else
		write_behind_remove(db);
}

int
dbuf_resize(struct dbuf *db, uint32_t size)
{
	struct dmu_cache *c = cache_of(db);
	struct spa *spa = db->dn->os->spa;
	void *data = dmu_data_new(spa, size);
	bool dirty = db->dirty;

	if (data == NULL)
		return (-ENOMEM);
	dbuf_unread(db);
	dbuf_unwrite(db);
	if (dirty)
		count_dirty(db, false);
	memcpy(data, db->data, size < db->size ? size : db->size);
	if (size > db->size)
		memset((char *)data + db->size, 0, size - db->size);
	dmu_data_free(spa, db->data, db->size);
	c->bytes += (size_t)size - db->size;
	db->data = data;
	db->size = size;
	if (dirty)
		count_dirty(db, true);
	return (0);
}

int
dbuf_dirty(struct dbuf *db)
{
	struct dnode *dn = db->dn;
	struct spa *spa = dn->os->spa;
	int rc;

	if (spa->readonly || spa->suspended)
		return (spa->readonly ? -EROFS : -EIO);
	spa->dirtyings++;
	if (db->level == LEVEL_BONUS)
		return (dnode_dirty(dn));
	dbuf_unwrite(db);
	if (db->dirty)
		return (0);
	if (db->level == 0 && (rc = dnode_reach(dn, db->blkid)) != 0)
		return (rc);
	if ((rc = dirty_parent(dn, db->level, db->blkid)) != 0)
		return (rc);
	dbuf_unread(db);
	db->dirty = true;
	db->unfilled = false;
	cache_take(db);
	db->dirty_next = dn->dirty;
	if (dn->dirty != NULL)
		dn->dirty->dirty_prev = db;
	dn->dirty = db;
	dn->ndirty++;
	count_dirty(db, true);
	objset_mark_dirty(dn);
	return (0);
}

int
dbuf_slot_make(struct dnode *dn, uint64_t blkid, struct blkptr **slot)
{
	int rc;

	if ((rc = dnode_reach(dn, blkid)) != 0 || (rc = dirty_parent(dn, 0, blkid)) != 0)
		return (rc);
	*slot = slot_of(dn, 0, blkid);
	return (0);
}

void
dbuf_undirty(struct dbuf *db)
{
	struct dnode *dn = db->dn;

	if (!db->dirty)
		return;
	if (db->dirty_prev != NULL)
		db->dirty_prev->dirty_next = db->dirty_next;
	else
		dn->dirty = db->dirty_next;
	if (db->dirty_next != NULL)
		db->dirty_next->dirty_prev = db->dirty_prev;
	db->dirty_prev = db->dirty_next = NULL;
	db->dirty = false;
	dn->ndirty--;
	count_dirty(db, false);
	objset_mark_dirty(dn);
	if (db->holds == 0)
		cache_keep(cache_of(db), db);
}

void
dbuf_drop(struct dbuf *db)
{
	dbuf_unread(db);
	dbuf_unwrite(db);
	dbuf_undirty(db);
	db->starts = 0;
	dbuf_drop_extra(db);
	if (db->holds > 0)
		memset(db->data, 0, db->size);
	else
		dbuf_destroy(db);
}

void
dbuf_evict_all(struct dnode *dn)
{
	struct dbuf *db, *next;

	dn->refs++; /* destroying the last block must not free dn below us */
	for (db = dn->dbufs; db != NULL; db = next) {
		next = db->dn_next;
		dbuf_unread(db);
		dbuf_unwrite(db);
		dbuf_undirty(db);
		if (db->holds == 0)
			dbuf_destroy(db);
	}
	dnode_rele(dn);
}
