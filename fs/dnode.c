/* SPDX-License-Identifier: MIT */
/*
 * dnode: objects.  Allocating, finding and freeing them, their levels, bonus and spill.
 *
 * Theory of operation
 *
 * An object's dnode is a 512-byte slot (or several) in a data block of the objset's meta dnode.
 * struct dnode is a handle on it: it holds that block and points into it, so whatever is written
 * there is what every later reader sees and what the next sync writes.
 *
 * Object numbers are handed out lowest first: no free slot lies below alloc_hint.  Above it, blocks
 * that are full on disk are skipped by the fill counts of their parents.
 *
 * The tree of an object grows at its top: the bps of the dnode move into a new indirect block whose
 * bp becomes the dnode's first.  It never shrinks, except when the block size of an object with one
 * block is changed.
 *
 * Freeing blocks walks the tree below the range.  A subtree that lies wholly inside is killed
 * without being dirtied; one at the edge is dirtied first and its entries are punched one by one.
 * Should a read fail half-way, the killed entries are holes in memory and their block is dirty, so
 * that no block is ever killed twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/zio.h"

/* --- finding ---------------------------------------------------------------------------------- */

bool
dnode_phys_is_sane(const struct dnode_phys *p, unsigned slots_left)
{
	uint32_t bytes = dnode_phys_bytes(p), bonus_end;

	if (1u + p->extra_slots > slots_left || p->block_sectors == 0 ||
	    p->block_sectors > BLOCK_MAX_BYTES / SECTOR_SIZE)
		return (false);
	if (p->levels < 1 || p->levels > LEVELS_MAX || p->nblkptr < 1 || p->nblkptr > 3)
		return (false);
	if (p->indirect_shift < 9 || p->indirect_shift > 20)
		return (false);
	bonus_end = 64 + p->nblkptr * (uint32_t)sizeof(struct blkptr) + p->bonus_len;
	if (p->flags & DN_SPILL)
		bonus_end += sizeof(struct blkptr);
	return (bonus_end <= bytes);
}

struct blkptr *
dnode_spill_bp(struct dnode_phys *p)
{
	return ((struct blkptr *)((uint8_t *)p + dnode_phys_bytes(p) - sizeof(struct blkptr)));
}

static struct dnode_phys *
slot_at(struct dbuf *block, unsigned slot)
{
	return ((struct dnode_phys *)((uint8_t *)block->data + slot * DNODE_BYTES));
}

static unsigned
slots_in(const struct dbuf *block)
{
	return (block->size >> DNODE_SHIFT);
}

/*
 * The slots in which a dnode starts, a bit each.  Kept, because finding out touches every slot of the
 * block: whoever makes or frees a dnode sets block->starts to 0.
 */
static uint32_t
slot_starts(struct dbuf *block)
{
	unsigned i;

	if (block->starts != 0)
		return (block->starts);
	for (i = 0; i < DNODES_PER_BLOCK;) {
		const struct dnode_phys *p = slot_at(block, i);

		block->starts |= (uint32_t)(p->type != OT_NONE) << i;
		i += p->type != OT_NONE ? 1u + p->extra_slots : 1;
	}
	return (block->starts);
}

/* The dnode that starts in this slot: NULL when it is free or the inside of a larger one. */
static struct dnode_phys *
slot_dnode(struct dbuf *block, unsigned slot)
{
	return (slot_starts(block) >> slot & 1 ? slot_at(block, slot) : NULL);
}

unsigned
dnode_block_count(const void *block, uint32_t size)
{
	const uint8_t *b = block;
	const struct dnode_phys *p;
	unsigned n = 0;
	uint32_t off;

	for (off = 0; off < size; off += p->type != OT_NONE ? dnode_phys_bytes(p) : DNODE_BYTES) {
		p = (const struct dnode_phys *)(b + off);
		n += p->type != OT_NONE;
	}
	return (n);
}

static uint64_t
block_of(uint64_t obj)
{
	return (obj / DNODES_PER_BLOCK);
}

static unsigned
slot_of(uint64_t obj)
{
	return (obj % DNODES_PER_BLOCK);
}

void
dnode_init(struct dnode *dn, struct objset *os, uint64_t obj, struct dnode_phys *phys)
{
	memset(dn, 0, sizeof(*dn));
	dn->os = os;
	dn->obj = obj;
	dn->phys = phys;
}

static struct dnode **
hash_place(struct objset *os, uint64_t obj)
{
	uint64_t h = obj * 0x9e3779b97f4a7c15ULL;

	return (&os->hash[(h ^ (h >> 32)) & (os->hash_size - 1)]);
}

static int
hash_grow(struct objset *os)
{
	size_t old_size = os->hash_size, i, size = old_size == 0 ? 64 : old_size * 4;
	struct dnode **old = os->hash, *dn, *next, **place;

	if (os->hash_count < old_size * 2)
		return (0);
	os->hash = calloc(size, sizeof(*os->hash));
	if (os->hash == NULL) {
		os->hash = old;
		return (old_size == 0 ? -ENOMEM : 0);
	}
	os->hash_size = size;
	for (i = 0; i < old_size; i++)
		for (dn = old[i]; dn != NULL; dn = next) {
			next = dn->hash_next;
			place = hash_place(os, dn->obj);
			dn->hash_next = *place;
			*place = dn;
		}
	free(old);
	return (0);
}

static struct dnode *
hash_find(struct objset *os, uint64_t obj)
{
	struct dnode *dn = os->hash_size == 0 ? NULL : *hash_place(os, obj);

	while (dn != NULL && dn->obj != obj)
		dn = dn->hash_next;
	return (dn);
}

static void
hash_remove(struct dnode *dn)
{
	struct dnode **p = hash_place(dn->os, dn->obj);

	while (*p != dn)
		p = &(*p)->hash_next;
	*p = dn->hash_next;
	dn->os->hash_count--;
}

/* A handle on the dnode in this slot; the hold of the block goes to it. */
static int
dnode_attach(struct objset *os, uint64_t obj, struct dbuf *block, struct dnode_phys *p,
    struct dnode **out)
{
	struct dnode *dn, **place;

	if (hash_grow(os) != 0 || (dn = malloc(sizeof(*dn))) == NULL)
		return (-ENOMEM);
	dnode_init(dn, os, obj, p);
	dn->block = block;
	dn->refs = 1;
	place = hash_place(os, obj);
	dn->hash_next = *place;
	*place = dn;
	os->hash_count++;
	*out = dn;
	return (0);
}

static struct dnode *
special_dnode(struct objset *os, uint64_t obj)
{
	if (obj == META_OBJECT)
		return (&os->meta);
	return (obj >= PROJECTUSED_OBJECT ? &os->special[USERUSED_OBJECT - obj] : NULL);
}

int
dnode_hold(struct objset *os, uint64_t obj, struct dnode **out)
{
	struct dnode *dn = special_dnode(os, obj);
	struct dnode_phys *p;
	struct dbuf *block;
	int rc;

	if (dn != NULL && (dn == &os->meta || dn->phys->type == OT_NONE))
		return (-ENOENT);
	if (dn == NULL)
		dn = hash_find(os, obj);
	if (dn != NULL) {
		dn->refs++;
		*out = dn;
		return (0);
	}
	if (block_of(obj) > os->phys.meta.maxblkid)
		return (-ENOENT);
	if ((rc = dbuf_get(&os->meta, 0, block_of(obj), true, &block)) != 0)
		return (rc);
	p = slot_dnode(block, slot_of(obj));
	if (p == NULL)
		rc = -ENOENT;
	else if (!dnode_phys_is_sane(p, slots_in(block) - slot_of(obj)))
		rc = -EILSEQ;
	else
		rc = dnode_attach(os, obj, block, p, out);
	if (rc != 0)
		dbuf_rele(block);
	return (rc);
}

void
dnode_rele(struct dnode *dn)
{
	struct dbuf *block = dn->block;

	if (--dn->refs > 0 || block == NULL)
		return;
	hash_remove(dn);
	free(dn);
	dbuf_rele(block);
}

int
dnode_dirty(struct dnode *dn)
{
	struct spa *spa = dn->os->spa;

	if (spa->readonly || spa->suspended)
		return (spa->readonly ? -EROFS : -EIO);
	if (dn->block == NULL) {
		objset_dirty_phys(dn->os);
		return (0);
	}
	if (dn->noted != spa->txg && owners_are_kept(dn->os)) {
		int rc = owner_note(dn->os, dn->obj, dn->phys);

		if (rc != 0)
			return (rc);
		dn->noted = spa->txg;
	}
	return (dbuf_dirty(dn->block));
}

/* --- growing ---------------------------------------------------------------------------------- */

/* The bps of the dnode move into a new indirect block on top. */
static int
add_level(struct dnode *dn)
{
	struct dnode_phys *p = dn->phys;
	struct dbuf *top;
	int rc;

	if (p->levels >= LEVELS_MAX)
		return (-EFBIG);
	if ((rc = dnode_dirty(dn)) != 0)
		return (rc);
	rc = dbuf_make(dn, p->levels, 0, 1u << p->indirect_shift, &top);
	if (rc != 0)
		return (rc);
	memset(top->data, 0, top->size);
	memcpy(top->data, p->bp, p->nblkptr * sizeof(struct blkptr));
	memset(p->bp, 0, p->nblkptr * sizeof(struct blkptr));
	p->levels++;
	rc = dbuf_dirty(top);
	dbuf_rele(top);
	return (rc);
}

static bool
tree_covers(const struct dnode *dn, uint64_t blkid)
{
	return (level_blkid(blkid, dn->phys->levels - 1, dnode_epbs(dn)) < dn->phys->nblkptr);
}

int
dnode_reach(struct dnode *dn, uint64_t blkid)
{
	int rc = 0;

	if (blkid <= dn->phys->maxblkid)
		return (0);
	while (!tree_covers(dn, blkid))
		if ((rc = add_level(dn)) != 0)
			return (rc);
	if ((rc = dnode_dirty(dn)) != 0)
		return (rc);
	dn->phys->maxblkid = blkid;
	return (0);
}

void
dnode_used_add(struct dnode *dn, int64_t bytes)
{
	struct dnode_phys *p = dn->phys;

	if (!(p->flags & DN_USED_BYTES)) {
		p->used <<= SECTOR_SHIFT;
		p->flags |= DN_USED_BYTES;
	}
	p->used += bytes;
}

/* --- walking: the next block of a kind -------------------------------------------------------- */

struct seek {
	struct dnode *dn;
	enum block_seek what;
	uint64_t pos; /* data block number: from here; the answer */
	unsigned unit; /* fill of a full data block */
};

static bool
seek_leaf(const struct seek *s, const struct dbuf *db, const struct blkptr *bp)
{
	switch (s->what) {
	case SEEK_DATA_BLOCK:
		return ((db != NULL && db->dirty) || !bp_is_hole(bp));
	case SEEK_HOLE_BLOCK:
		return ((db == NULL || !db->dirty) && bp_is_hole(bp));
	default:
		return (db != NULL || bp_is_hole(bp) || bp_fill(bp) < s->unit);
	}
}

static bool
subtree_is_full(const struct seek *s, const struct blkptr *bp, int level)
{
	unsigned shift = level * dnode_epbs(s->dn);

	return (shift < 58 && bp_fill(bp) >= (uint64_t)s->unit << shift);
}

static int seek_subtree(struct seek *s, int level, uint64_t blkid, const struct blkptr *bp);

static int
seek_children(struct seek *s, struct dbuf *db)
{
	unsigned epbs = dnode_epbs(s->dn), below = (db->level - 1) * epbs;
	uint64_t first = db->blkid << epbs, i = 0;
	const struct blkptr *bp = db->data;
	int rc = -ENOENT;

	if (below < 64 && s->pos >> below > first)
		i = (s->pos >> below) - first;
	for (; i < 1u << epbs && rc == -ENOENT; i++)
		rc = seek_subtree(s, db->level - 1, first + i, &bp[i]);
	return (rc);
}

/* 0 with s->pos found; -ENOENT: not in this subtree. */
static int
seek_subtree(struct seek *s, int level, uint64_t blkid, const struct blkptr *bp)
{
	struct dnode *dn = s->dn;
	unsigned shift = level * dnode_epbs(dn);
	struct dbuf *db = dbuf_find(dn, level, blkid);
	bool dirty = db != NULL && db->dirty;
	uint64_t start = shift < 64 ? blkid << shift : 0;
	int rc;

	if (start > dn->phys->maxblkid)
		return (-ENOENT);
	if (level == 0 || (!dirty && bp_is_hole(bp))) {
		if (level == 0 ? !seek_leaf(s, db, bp) : s->what == SEEK_DATA_BLOCK)
			return (-ENOENT);
		s->pos = s->pos > start ? s->pos : start;
		return (s->pos > dn->phys->maxblkid ? -ENOENT : 0);
	}
	if (!dirty && s->what != SEEK_DATA_BLOCK && subtree_is_full(s, bp, level))
		return (-ENOENT);
	if ((rc = dbuf_get(dn, level, blkid, true, &db)) != 0)
		return (rc);
	rc = seek_children(s, db);
	dbuf_rele(db);
	return (rc);
}

int
dnode_seek_block(struct dnode *dn, enum block_seek what, uint64_t *blkid)
{
	unsigned unit = dn->phys->type == OT_DNODE ? dnode_block_size(dn) >> DNODE_SHIFT : 1;
	struct seek s = {dn, what, *blkid, unit};
	int top = dn->phys->levels - 1, rc = -ENOENT;
	uint64_t i = level_blkid(*blkid, top, dnode_epbs(dn));

	for (; i < dn->phys->nblkptr && rc == -ENOENT; i++)
		rc = seek_subtree(&s, top, i, &dn->phys->bp[i]);
	if (rc == 0)
		*blkid = s.pos;
	return (rc);
}

/* --- freeing blocks --------------------------------------------------------------------------- */

struct range {
	uint64_t first, last; /* data block numbers */
};

static int free_subtree(struct dnode *dn, int level, uint64_t blkid, struct blkptr *bp,
    const struct range *r);

static int
kill_block(struct dnode *dn, struct blkptr *bp)
{
	uint64_t dsize;
	int rc;

	if (bp_is_hole(bp))
		return (0);
	dsize = bp_dsize(dn->os->spa, bp);
	if ((rc = objset_kill(dn->os, bp)) != 0)
		return (rc);
	dnode_used_add(dn, -(int64_t)dsize);
	objset_punch(dn->os, bp);
	return (0);
}

static int
free_children(struct dnode *dn, struct dbuf *db, const struct range *r)
{
	unsigned epbs = dnode_epbs(dn), below = (db->level - 1) * epbs;
	uint64_t base = db->blkid << epbs, lo, hi, i;
	struct blkptr *bp = db->data;
	int rc = 0;

	lo = below < 64 ? r->first >> below : 0;
	hi = below < 64 ? r->last >> below : 0;
	lo = lo > base ? lo - base : 0;
	hi = hi < base + (1u << epbs) ? hi - base : (1u << epbs) - 1;
	for (i = lo; i <= hi && rc == 0; i++)
		rc = free_subtree(dn, db->level - 1, base + i, &bp[i], r);
	return (rc);
}

static bool
is_inside(const struct dnode *dn, int level, uint64_t blkid, const struct range *r)
{
	unsigned shift = level * dnode_epbs(dn);

	if (shift >= 64)
		return (r->first == 0 && r->last == UINT64_MAX);
	return (blkid << shift >= r->first && (((blkid + 1) << shift) - 1) <= r->last);
}

static int
free_indirect(struct dnode *dn, int level, uint64_t blkid, struct blkptr *bp,
    const struct range *r)
{
	bool inside = is_inside(dn, level, blkid, r);
	struct dbuf *db = dbuf_find(dn, level, blkid);
	int rc;

	if ((db == NULL || !db->dirty) && bp_is_hole(bp))
		return (0);
	if ((rc = dbuf_get(dn, level, blkid, true, &db)) != 0)
		return (rc);
	if (!inside)
		rc = dbuf_dirty(db);
	if (rc == 0)
		rc = free_children(dn, db, r);
	if (rc == 0 && inside)
		rc = kill_block(dn, bp);
	if (rc != 0 && inside)
		(void)dbuf_dirty(db); /* its parents are held: cannot fail but by suspension */
	dbuf_rele(db);
	if (rc == 0 && inside && (db = dbuf_find(dn, level, blkid)) != NULL)
		dbuf_drop(db);
	return (rc);
}

static int
free_subtree(struct dnode *dn, int level, uint64_t blkid, struct blkptr *bp, const struct range *r)
{
	struct dbuf *db;

	if (level > 0)
		return (free_indirect(dn, level, blkid, bp, r));
	if (dn->ndbufs > 0 && (db = dbuf_find(dn, 0, blkid)) != NULL)
		dbuf_drop(db);
	return (kill_block(dn, bp));
}

int
dnode_free_blocks(struct dnode *dn, uint64_t first, uint64_t last)
{
	struct dnode_phys *p = dn->phys;
	struct range r = {first, last};
	int top = p->levels - 1, rc;
	unsigned epbs = dnode_epbs(dn);
	uint64_t i, hi;

	if (first > p->maxblkid)
		return (0);
	if ((rc = dnode_dirty(dn)) != 0)
		return (rc);
	hi = level_blkid(last, top, epbs);
	for (i = level_blkid(first, top, epbs); i <= hi && i < p->nblkptr && rc == 0; i++)
		rc = free_subtree(dn, top, i, &p->bp[i], &r);
	if (rc == 0 && last >= p->maxblkid)
		p->maxblkid = first == 0 ? 0 : first - 1;
	return (rc);
}

/* --- allocating and freeing objects ----------------------------------------------------------- */

/* The bonus area of a dnode of so many slots with one block pointer. */
static uint32_t
bonus_room(unsigned slots)
{
	return (slots * DNODE_BYTES - 64 - (uint32_t)sizeof(struct blkptr));
}

static uint8_t
nblkptr_for(unsigned slots, unsigned bonus_type, uint32_t bonus_len)
{
	unsigned n = 1 + (bonus_room(slots) - bonus_len) / (unsigned)sizeof(struct blkptr);

	return (bonus_type == OT_SA ? 1 : n > 3 ? 3 : n);
}

static bool
arguments_are_sane(unsigned slots, unsigned type, uint32_t block_size, uint32_t bonus_len)
{
	return (slots >= 1 && slots <= DNODES_PER_BLOCK && type != OT_NONE && type < 256 &&
	    block_size % SECTOR_SIZE == 0 && block_size != 0 && block_size <= BLOCK_MAX_BYTES &&
	    bonus_len <= bonus_room(slots));
}

static int
slot_fill(struct objset *os, struct dbuf *block, unsigned slot, const struct dnode_phys *new)
{
	int rc = dbuf_dirty(block);

	if (rc == 0 && owners_are_kept(os))
		rc = owner_note(os, block->blkid * slots_in(block) + slot, NULL);
	if (rc != 0)
		return (rc);
	memset(slot_at(block, slot), 0, dnode_phys_bytes(new));
	*slot_at(block, slot) = *new;
	block->starts = 0;
	os->nobjects++;
	return (0);
}

static int
phys_new(unsigned slots, unsigned type, uint32_t block_size, unsigned bonus_type,
    uint32_t bonus_len, struct dnode_phys *p)
{
	memset(p, 0, sizeof(*p));
	if (!arguments_are_sane(slots, type, block_size == 0 ? SECTOR_SIZE : block_size, bonus_len))
		return (-EINVAL);
	p->type = type;
	p->indirect_shift = INDIRECT_SHIFT;
	p->levels = 1;
	p->extra_slots = (uint8_t)(slots - 1);
	p->nblkptr = nblkptr_for(slots, bonus_type, bonus_len);
	p->bonus_type = bonus_type;
	p->bonus_len = bonus_len;
	p->flags = DN_USED_BYTES;
	p->block_sectors = (block_size == 0 ? SECTOR_SIZE : block_size) >> SECTOR_SHIFT;
	return (0);
}

int
dnode_make_special(struct objset *os, uint64_t obj, unsigned type)
{
	struct dnode *dn = special_dnode(os, obj);
	struct dnode_phys p;
	int rc = phys_new(1, type, 0, OT_NONE, 0, &p);

	if (rc != 0)
		return (rc);
	*dn->phys = p;
	objset_dirty_phys(os);
	return (0);
}

/* The first free slot of the block, from `slot` on; slots_in(block) when it is full. */
static unsigned
free_slot(struct dbuf *block, unsigned slot)
{
	unsigned i = 0;
	const struct dnode_phys *p;

	while (i < slots_in(block)) {
		p = slot_at(block, i);
		if (p->type == OT_NONE && i >= slot)
			return (i);
		i += p->type != OT_NONE ? 1u + p->extra_slots : 1;
	}
	return (slots_in(block));
}

/* A dnode block with room at or behind *blkid, held. */
static int
block_with_room(struct objset *os, uint64_t *blkid, struct dbuf **out)
{
	struct dnode *meta = &os->meta;
	int rc = dnode_seek_block(meta, SEEK_NOT_FULL, blkid);

	if (rc == -ENOENT) {
		if (*blkid <= meta->phys->maxblkid)
			*blkid = meta->phys->maxblkid + 1;
		rc = 0;
	}
	return (rc != 0 ? rc : dbuf_get(meta, 0, *blkid, true, out));
}

static bool
slots_are_free(struct dbuf *block, unsigned slot, unsigned n)
{
	unsigned i;

	if (slot + n > slots_in(block))
		return (false);
	for (i = slot; i < slot + n; i++)
		if (free_slot(block, i) != i)
			return (false);
	return (true);
}

/* The first run of n free slots, from `slot` on; slots_in(block) when there is none. */
static unsigned
free_run(struct dbuf *block, unsigned slot, unsigned n)
{
	for (slot = free_slot(block, slot); slot < slots_in(block); slot = free_slot(block, slot + 1))
		if (slots_are_free(block, slot, n))
			return (slot);
	return (slots_in(block));
}

/* Files and directories may have larger dnodes, with more room for attributes: dnodesize. */
static unsigned
slots_for(const struct objset *os, unsigned bonus_type)
{
	return (bonus_type == OT_SA && os->policy.dnode_slots > 1 ? os->policy.dnode_slots : 1);
}

static int
alloc_any(struct objset *os, unsigned type, uint32_t block_size, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj)
{
	uint64_t blkid = block_of(os->alloc_hint);
	unsigned slot = slot_of(os->alloc_hint), n = slots_for(os, bonus_type);
	struct dnode_phys p;
	struct dbuf *block;
	int rc;

	if ((rc = phys_new(n, type, block_size, bonus_type, bonus_len, &p)) != 0)
		return (rc);
	for (;; slot = 0) {
		uint64_t from = blkid;

		if ((rc = block_with_room(os, &blkid, &block)) != 0)
			return (rc);
		slot = free_run(block, from == blkid ? slot : 0, n);
		if (slot < slots_in(block))
			break;
		dbuf_rele(block);
		blkid++;
	}
	rc = slot_fill(os, block, slot, &p);
	if (rc == 0) {
		*obj = blkid * slots_in(block) + slot;
		os->alloc_hint = *obj + n;
	}
	dbuf_rele(block);
	return (rc);
}

void
dmu_made_by(struct objset *os, struct dmu_made *m)
{
	os->made = m;
}

uint64_t
dmu_salt(struct objset *os, uint64_t obj)
{
	uint64_t x;

	if (os->made == NULL) {
		spa_random(os->spa, &x, sizeof(x));
		return (x);
	}
	x = os->made->seed + obj * 0x9E3779B97F4A7C15ULL;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
	x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
	return (x ^ x >> 31);
}

/* The number that was noted when this was done first. */
static int
alloc_again(struct objset *os, unsigned type, uint32_t block_size, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj)
{
	struct dmu_made *m = os->made;

	if (m->at == m->n)
		return (-EILSEQ);
	*obj = m->obj[m->at++];
	return (dmu_object_claim_slots(os, *obj, slots_for(os, bonus_type), type, block_size, bonus_type,
	    bonus_len));
}

int
dmu_object_alloc(struct objset *os, unsigned type, uint32_t block_size, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj)
{
	struct dmu_made *m = os->made;
	int rc;

	if (m != NULL && m->again)
		return (alloc_again(os, type, block_size, bonus_type, bonus_len, obj));
	rc = alloc_any(os, type, block_size, bonus_type, bonus_len, obj);
	if (rc == 0 && m != NULL && m->n < DMU_MADE_MAX)
		m->obj[m->n++] = *obj;
	return (rc);
}

int
dmu_object_claim(struct objset *os, uint64_t obj, unsigned type, uint32_t block_size,
    unsigned bonus_type, uint32_t bonus_len)
{
	return (dmu_object_claim_slots(os, obj, 1, type, block_size, bonus_type, bonus_len));
}

int
dmu_object_claim_slots(struct objset *os, uint64_t obj, unsigned slots, unsigned type,
    uint32_t block_size, unsigned bonus_type, uint32_t bonus_len)
{
	struct dnode_phys p;
	struct dbuf *block;
	int rc;

	if (obj == META_OBJECT || obj >= 1ULL << 48)
		return (-EINVAL);
	if ((rc = phys_new(slots, type, block_size, bonus_type, bonus_len, &p)) != 0)
		return (rc);
	if ((rc = dbuf_get(&os->meta, 0, block_of(obj), true, &block)) != 0)
		return (rc);
	if (!slots_are_free(block, slot_of(obj), slots))
		rc = -EEXIST;
	else
		rc = slot_fill(os, block, slot_of(obj), &p);
	dbuf_rele(block);
	return (rc);
}

static int
free_all_blocks(struct dnode *dn)
{
	int rc = dnode_free_blocks(dn, 0, UINT64_MAX);

	if (rc == 0 && (dn->phys->flags & DN_SPILL))
		rc = dmu_spill_remove(dn->os, dn->obj);
	return (rc);
}

static bool
is_held_elsewhere(const struct dnode *dn)
{
	const struct dbuf *db;

	if (dn->bonus != NULL)
		return (true);
	for (db = dn->dbufs; db != NULL; db = db->dn_next)
		if (db->holds > 0)
			return (true);
	return (false);
}

int
dmu_object_free(struct objset *os, uint64_t obj)
{
	struct dnode *dn;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	if (dn->block == NULL)
		rc = -EINVAL;
	else if (is_held_elsewhere(dn))
		rc = -EBUSY;
	if (rc == 0 && (rc = dnode_dirty(dn)) == 0 && (rc = free_all_blocks(dn)) == 0) {
		dbuf_evict_all(dn);
		memset(dn->phys, 0, dnode_phys_bytes(dn->phys));
		dn->block->starts = 0;
		os->nobjects--;
		if (obj < os->alloc_hint)
			os->alloc_hint = obj;
	}
	dnode_rele(dn);
	return (rc);
}

/* --- facts about an object -------------------------------------------------------------------- */

static uint64_t
fill_of(const struct dnode_phys *p)
{
	uint64_t fill = 0;
	unsigned i;

	for (i = 0; i < p->nblkptr; i++)
		fill += bp_is_hole(&p->bp[i]) ? 0 : bp_fill(&p->bp[i]);
	return (fill);
}

int
dmu_object_info(struct objset *os, uint64_t obj, struct dmu_info *info)
{
	const struct dnode_phys *p;
	struct dnode *dn;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	p = dn->phys;
	*info = (struct dmu_info){
	    .type = p->type,
	    .bonus_type = p->bonus_type,
	    .levels = p->levels,
	    .indirect_shift = p->indirect_shift,
	    .checksum = p->checksum,
	    .compress = p->compress,
	    .block_size = dnode_block_size(dn),
	    .bonus_len = p->bonus_len,
	    .dnode_size = dnode_phys_bytes(p),
	    .max_blkid = p->maxblkid,
	    .used_bytes = p->flags & DN_USED_BYTES ? p->used : p->used << SECTOR_SHIFT,
	    .fill = fill_of(p),
	    .has_spill = (p->flags & DN_SPILL) != 0,
	};
	dnode_rele(dn);
	return (0);
}

/* The first object in this block from `slot` on, or 0. */
static uint64_t
next_in_block(struct dbuf *block, unsigned slot)
{
	unsigned i;

	for (i = slot; i < slots_in(block); i++)
		if (slot_dnode(block, i) != NULL)
			return (block->blkid * slots_in(block) + i);
	return (0);
}

int
dmu_object_next(struct objset *os, uint64_t *obj)
{
	uint64_t blkid = block_of(*obj + 1), from, found = 0;
	unsigned slot = slot_of(*obj + 1);
	struct dbuf *block;
	int rc;

	while (found == 0) {
		from = blkid;
		rc = dnode_seek_block(&os->meta, SEEK_DATA_BLOCK, &blkid);
		if (rc != 0)
			return (rc == -ENOENT ? -ESRCH : rc);
		if ((rc = dbuf_get(&os->meta, 0, blkid, true, &block)) != 0)
			return (rc);
		found = next_in_block(block, blkid == from ? slot : 0);
		dbuf_rele(block);
		blkid++;
		slot = 0;
	}
	*obj = found;
	return (0);
}

/* Change the dnode: hold, dirty, let fn write, release. */
static int
dnode_change(struct objset *os, uint64_t obj, int (*fn)(struct dnode *dn, uint32_t a, uint32_t b),
    uint32_t a, uint32_t b)
{
	struct dnode *dn;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	if ((rc = dnode_dirty(dn)) == 0)
		rc = fn(dn, a, b);
	dnode_rele(dn);
	return (rc);
}

static int
change_type(struct dnode *dn, uint32_t type, uint32_t unused)
{
	(void)unused;
	dn->phys->type = type;
	return (0);
}

static int
change_compress(struct dnode *dn, uint32_t compress, uint32_t unused)
{
	(void)unused;
	dn->phys->compress = compress;
	return (0);
}

static int
change_checksum(struct dnode *dn, uint32_t checksum, uint32_t unused)
{
	(void)unused;
	dn->phys->checksum = checksum;
	return (0);
}

int
dmu_object_set_type(struct objset *os, uint64_t obj, unsigned type)
{
	return (dnode_change(os, obj, change_type, type, 0));
}

int
dmu_object_set_compress(struct objset *os, uint64_t obj, unsigned compress)
{
	return (dnode_change(os, obj, change_compress, compress, 0));
}

int
dmu_object_set_checksum(struct objset *os, uint64_t obj, unsigned checksum)
{
	return (dnode_change(os, obj, change_checksum, checksum, 0));
}

/* Blocks that were read behind the only one: holes of the old size. */
static void
drop_behind_first(struct dnode *dn)
{
	struct dbuf *db, *next;

	for (db = dn->dbufs; db != NULL; db = next) {
		next = db->dn_next;
		if (db->level == 0 && db->blkid != 0)
			dbuf_drop(db);
	}
}

/* The tree above block 0, whose content is in db, goes; db becomes new. */
static int
collapse_levels(struct dnode *dn, struct dbuf *db)
{
	void *data = malloc(db->size);
	int rc;

	if (data == NULL)
		return (-ENOMEM);
	memcpy(data, db->data, db->size);
	if ((rc = dnode_free_blocks(dn, 0, UINT64_MAX)) == 0) {
		dn->phys->levels = 1;
		memcpy(db->data, data, db->size);
	}
	free(data);
	return (rc);
}

static int
change_block_size(struct dnode *dn, uint32_t size, uint32_t unused)
{
	struct blkptr bp;
	struct dbuf *db;
	int rc;

	(void)unused;
	if (dn->phys->maxblkid > 0)
		return (-ENOTSUP);
	if (size == dnode_block_size(dn))
		return (0);
	drop_behind_first(dn);
	if ((rc = dbuf_bp(dn, 0, 0, &bp)) != 0 || (rc = dbuf_get(dn, 0, 0, true, &db)) != 0)
		return (rc);
	if (dn->phys->levels > 1)
		rc = collapse_levels(dn, db);
	if (rc == 0 && (dn->phys->levels > 1 || !bp_is_hole(&bp)))
		rc = dbuf_dirty(db);
	if (rc == 0 && (rc = dbuf_resize(db, size)) == 0)
		dn->phys->block_sectors = size >> SECTOR_SHIFT;
	dbuf_rele(db);
	return (rc);
}

int
dmu_object_set_block_size(struct objset *os, uint64_t obj, uint32_t block_size)
{
	if (block_size == 0 || block_size % SECTOR_SIZE != 0 || block_size > BLOCK_MAX_BYTES)
		return (-EINVAL);
	return (dnode_change(os, obj, change_block_size, block_size, 0));
}

/* --- bonus and spill -------------------------------------------------------------------------- */

int
dmu_bonus_hold(struct objset *os, uint64_t obj, struct dbuf **out)
{
	struct dnode *dn;
	struct dbuf *db;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	if (dn->bonus != NULL) {
		dn->bonus->holds++;
		*out = dn->bonus;
		dnode_rele(dn);
		return (0);
	}
	if ((db = calloc(1, sizeof(*db))) == NULL) {
		dnode_rele(dn);
		return (-ENOMEM);
	}
	db->dn = dn; /* the hold goes with it */
	db->level = LEVEL_BONUS;
	db->holds = 1;
	dn->bonus = db;
	*out = db;
	return (0);
}

int
dmu_bonus_hold_as(struct objset *os, uint64_t obj, unsigned type, size_t min, struct dbuf **out)
{
	int rc = dmu_bonus_hold(os, obj, out);

	if (rc != 0)
		return (rc);
	if ((*out)->dn->phys->bonus_type == type && dbuf_size(*out) >= min)
		return (0);
	dbuf_rele(*out);
	*out = NULL;
	return (-EILSEQ);
}

static uint32_t
bonus_capacity(const struct dnode_phys *p, bool with_spill)
{
	return (dnode_phys_bytes(p) - 64 - p->nblkptr * (uint32_t)sizeof(struct blkptr) -
	    (with_spill ? (uint32_t)sizeof(struct blkptr) : 0));
}

uint32_t
dmu_bonus_capacity(struct objset *os, uint64_t obj, bool with_spill)
{
	struct dnode *dn;
	uint32_t n;

	if (dnode_hold(os, obj, &dn) != 0)
		return (0);
	n = bonus_capacity(dn->phys, with_spill);
	dnode_rele(dn);
	return (n);
}

static int
change_bonus(struct dnode *dn, uint32_t type, uint32_t len)
{
	struct dnode_phys *p = dn->phys;

	if (len > bonus_capacity(p, (p->flags & DN_SPILL) != 0))
		return (-ENOSPC);
	if (len < p->bonus_len)
		memset(dnode_bonus(p) + len, 0, p->bonus_len - len);
	p->bonus_type = type;
	p->bonus_len = len;
	return (0);
}

int
dmu_bonus_set(struct objset *os, uint64_t obj, unsigned type, uint32_t len)
{
	return (dnode_change(os, obj, change_bonus, type, len));
}

static int
spill_create(struct dnode *dn, uint32_t size, struct dbuf **out)
{
	struct dnode_phys *p = dn->phys;
	struct dbuf *db;
	int rc;

	if (size == 0 || size % SECTOR_SIZE != 0 || size > BLOCK_OLD_MAX_BYTES)
		return (-EINVAL);
	if (p->bonus_len > bonus_capacity(p, true))
		return (-ENOSPC);
	if ((rc = dnode_dirty(dn)) != 0)
		return (rc);
	if ((rc = dbuf_make(dn, LEVEL_SPILL, 0, size, &db)) != 0)
		return (rc);
	memset(db->data, 0, size);
	memset(dnode_spill_bp(p), 0, sizeof(struct blkptr));
	p->flags |= DN_SPILL;
	if ((rc = dbuf_dirty(db)) != 0) {
		p->flags &= ~DN_SPILL;
		dbuf_rele(db);
		return (rc);
	}
	*out = db;
	return (0);
}

int
dmu_spill_hold(struct objset *os, uint64_t obj, bool create, uint32_t size, struct dbuf **out)
{
	struct dnode *dn;
	struct dbuf *db;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	if (create && !(dn->phys->flags & DN_SPILL)) {
		rc = spill_create(dn, size, out);
	} else if ((rc = dbuf_get(dn, LEVEL_SPILL, 0, true, &db)) == 0) {
		if (create && db->size != size &&
		    ((rc = dbuf_dirty(db)) != 0 || (rc = dbuf_resize(db, size)) != 0))
			dbuf_rele(db);
		else
			*out = db;
	}
	dnode_rele(dn);
	return (rc);
}

static int
spill_drop(struct dnode *dn, uint32_t unused1, uint32_t unused2)
{
	struct dbuf *db = dbuf_find(dn, LEVEL_SPILL, 0);
	int rc;

	(void)unused1;
	(void)unused2;
	if (!(dn->phys->flags & DN_SPILL))
		return (-ENOENT);
	if (db != NULL && db->holds > 0)
		return (-EBUSY);
	if ((rc = kill_block(dn, dnode_spill_bp(dn->phys))) != 0)
		return (rc);
	if (db != NULL)
		dbuf_drop(db);
	memset(dnode_spill_bp(dn->phys), 0, sizeof(struct blkptr));
	dn->phys->flags &= ~DN_SPILL;
	return (0);
}

int
dmu_spill_remove(struct objset *os, uint64_t obj)
{
	return (dnode_change(os, obj, spill_drop, 0, 0));
}
