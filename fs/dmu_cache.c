/* SPDX-License-Identifier: MIT */
/*
 * dmu_cache: which clean blocks stay in memory.
 *
 * Theory of operation
 *
 * A list ordered by last use is emptied by one long scan.  Two lists are not (Megiddo and Modha's ARC):
 *
 *	            used once                          used again, later
 *	(disk) ---> recent: newest ... oldest --+ ---> frequent: newest ... oldest --+
 *	   ^                                    |                                    |
 *	   |                                    v                                    v
 *	   +------ ghosts of recent: the names of what was thrown out; ghosts of frequent
 *
 * How the budget is divided follows the load.  A block that comes back and was thrown out of `recent`
 * says that recent is too small; one that was thrown out of `frequent` says the other.  In either case
 * the block was used again, and is frequent from now on.
 *
 * A ghost is 8 bytes: place and birth of a block on disk, hashed, in a table where newer ones overwrite.
 * A collision costs a wrong adjustment of a few KiB and nothing else.
 *
 * Several uses of one block by one operation are one use: what is held again before CORRELATED other
 * blocks were released was not used "again".
 *
 * Only clean blocks that nobody holds are in a list and count: dirty ones are bounded by who dirties them.
 * After some quiet time the budget is small for a moment (dmu_cache_rest): what we give back there is
 * still packed in Linux's page cache, which gives memory to whoever needs it.
 */
#include <string.h>
#include <unistd.h>

#include "dmu_impl.h"
#include "smartbox/core/probe.h"
#include "zio_impl.h"

#define CORRELATED 32u
#define REST_BYTES ((size_t)2 << 20)

/* An eighth of the machine's memory, at most DMU_CACHE_DEFAULT. */
static size_t
default_limit(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t eighth = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 8 : 0;

	return (eighth == 0 || eighth > DMU_CACHE_DEFAULT ? DMU_CACHE_DEFAULT : (size_t)eighth);
}

void
cache_init(struct dmu_cache *c)
{
	c->limit = default_limit();
	c->wanted = c->limit / 2;
	for (unsigned i = 0; i < CACHE_LISTS; i++)
		c->list[i].ring.lru_next = c->list[i].ring.lru_prev = &c->list[i].ring;
}

/* --- the lists -------------------------------------------------------------------------------- */

void
cache_keep(struct dmu_cache *c, struct dbuf *db)
{
	struct cache_list *l = &c->list[db->is_frequent ? CACHE_FREQUENT : CACHE_RECENT];

	db->list = l;
	db->released = ++c->releases;
	db->lru_next = l->ring.lru_next;
	db->lru_prev = &l->ring;
	db->lru_next->lru_prev = db;
	l->ring.lru_next = db;
	l->bytes += db->size;
}

void
cache_take(struct dbuf *db)
{
	if (db->list == NULL)
		return;
	db->lru_next->lru_prev = db->lru_prev;
	db->lru_prev->lru_next = db->lru_next;
	db->lru_next = db->lru_prev = NULL;
	db->list->bytes -= db->size;
	db->list = NULL;
}

void
cache_hit(const struct dmu_cache *c, struct dbuf *db)
{
	if (db->list == NULL)
		return;
	PROBE2(zfs, arc__hit, db->size, db->is_frequent);
	if (c->releases - db->released >= CORRELATED)
		db->is_frequent = true;
	cache_take(db);
}

/* --- ghosts ----------------------------------------------------------------------------------- */

static uint64_t
key_of(const struct blkptr *bp)
{
	uint64_t h = bp->w[0] * 0x9e3779b97f4a7c15ULL;

	h = (h ^ (h >> 29) ^ bp->w[1]) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ (h >> 32) ^ bp_birth(bp)) * 0x94d049bb133111ebULL;
	return ((h ^ (h >> 31)) | 1); /* 0 is none */
}

static bool
ghost_take(struct dmu_cache *c, unsigned list, uint64_t key)
{
	uint64_t *g = &c->ghost[list][key >> 1 & (CACHE_GHOSTS - 1)];

	if (*g != key)
		return (false);
	*g = 0;
	return (true);
}

/* Its content is that of this block on disk. */
void
cache_name(struct dbuf *db, const struct blkptr *bp)
{
	db->key = bp_is_hole(bp) || bp_is_embedded(bp) ? 0 : key_of(bp);
}

void
cache_missed(struct dmu_cache *c, struct dbuf *db, const struct blkptr *bp)
{
	cache_name(db, bp);
	if (db->key == 0)
		return;
	PROBE1(zfs, arc__miss, db->size);
	if (ghost_take(c, CACHE_RECENT, db->key)) {
		c->wanted = c->limit - c->wanted > db->size ? c->wanted + db->size : c->limit;
		db->is_frequent = true;
	} else if (ghost_take(c, CACHE_FREQUENT, db->key)) {
		c->wanted = c->wanted > db->size ? c->wanted - db->size : 0;
		db->is_frequent = true;
	}
}

/* --- throwing out ----------------------------------------------------------------------------- */

static bool
is_empty(const struct cache_list *l)
{
	return (l->ring.lru_prev == &l->ring);
}

/* NULL: nothing can go. */
static struct dbuf *
victim(struct dmu_cache *c)
{
	unsigned i = c->list[CACHE_RECENT].bytes > c->wanted ? CACHE_RECENT : CACHE_FREQUENT;

	if (is_empty(&c->list[i]))
		i = CACHE_LISTS - 1 - i;
	return (is_empty(&c->list[i]) ? NULL : c->list[i].ring.lru_prev);
}

void
cache_trim(struct dmu_cache *c, size_t limit)
{
	struct dbuf *db;

	while (c->list[CACHE_RECENT].bytes + c->list[CACHE_FREQUENT].bytes > limit &&
	    (db = victim(c)) != NULL) {
		if (db->key != 0)
			c->ghost[db->list - c->list][db->key >> 1 & (CACHE_GHOSTS - 1)] = db->key;
		dbuf_destroy(db);
	}
}

void
dmu_cache_set_limit(struct spa *spa, size_t bytes)
{
	struct dmu_cache *c = spa->cache;

	c->limit = bytes;
	c->wanted = bytes / 2;
	cache_trim(c, bytes);
	memset(c->ghost, 0, sizeof(c->ghost)); /* what goes for this reason says nothing of the load */
}

size_t
dmu_cache_bytes(const struct spa *spa)
{
	return (spa->cache->bytes);
}

uint64_t
dmu_cache_uses(const struct spa *spa)
{
	return (spa->cache->releases);
}

void
dmu_cache_rest(struct spa *spa)
{
	cache_trim(spa->cache, REST_BYTES < spa->cache->limit ? REST_BYTES : spa->cache->limit);
	zio_buf_trim(spa);
	if (spa->on_synced != NULL)
		spa->on_synced(spa->on_synced_arg, 0);
}
