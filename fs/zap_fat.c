/* SPDX-License-Identifier: MIT */
/*
 * The fat zap: an extensible hash table over blocks.
 *
 *	block 0: header, pointer table (2^shift leaf block numbers, index = top bits of the hash)
 *	leaves:  fs/zap_leaf.c; one with prefix length p stands 2^(shift - p) times in the table
 *
 * A full leaf is split by its next hash bit; when it already has as many bits as the table, the
 * table is doubled first.  The table starts inside block 0 (its second half) and moves to blocks
 * of its own when it outgrows that.  OpenZFS doubles over many transactions; here it is done at
 * once, so next_block is always 0 in what we write; a doubling that somebody else left half-way is
 * dropped (the old table stays valid until the end).
 *
 * Invariants:
 *  1. Block numbers in the header and the table lie in 1 .. free_block - 1.
 *  2. A leaf's prefix is the top of every hash that leads to it.
 */
#include "zap_impl.h"

#include <errno.h>
#include <string.h>

#define TABLE_SHIFT_MAX 28 /* 2 GiB of pointers; hashes have 28 bits */

static struct fzap_header *
fzap_h(const struct zap *z)
{
	return (z->block0);
}

static unsigned
embedded_shift(const struct zap *z)
{
	return (z->shift - 4);
}

static uint64_t *
embedded_table(const struct zap *z)
{
	return ((uint64_t *)((char *)z->block0 + (z->size >> 1)));
}

/* z->block0 is a block of type ZBT_HEADER: look at it before anything trusts it. */
int
fzap_check(struct zap *z)
{
	const struct fzap_header *h = z->block0;

	if ((z->size & (z->size - 1)) != 0 || z->size < SECTOR_SIZE || h->magic != ZAP_MAGIC ||
	    h->free_block < 2 || h->table_shift > TABLE_SHIFT_MAX)
		return (-EILSEQ);
	z->shift = (unsigned)__builtin_ctz(z->size);
	if (h->table_blocks == 0)
		return (h->table_shift == embedded_shift(z) ? 0 : -EILSEQ);
	if (h->table_blocks > 1u << TABLE_SHIFT_MAX || h->table_block == 0 ||
	    h->table_block >= h->free_block || h->table_blocks > h->free_block - h->table_block ||
	    h->table_blocks << (z->shift - 3) != 1ULL << h->table_shift)
		return (-EILSEQ);
	return (0);
}

int
fzap_format(struct zap *z, uint64_t salt, unsigned normflags)
{
	struct fzap_header *h = z->block0;
	struct zap_leaf l;
	unsigned i;
	int rc;

	if ((rc = dbuf_dirty(z->db)) != 0)
		return (rc);
	memset(h, 0, z->size);
	h->type = ZBT_HEADER;
	h->magic = ZAP_MAGIC;
	z->is_fat = true;
	z->shift = (unsigned)__builtin_ctz(z->size);
	h->table_shift = embedded_shift(z);
	h->free_block = 2;
	h->leaves = 1;
	h->salt = salt;
	h->normflags = normflags;
	for (i = 0; i < 1u << embedded_shift(z); i++)
		embedded_table(z)[i] = 1;
	if ((rc = dbuf_hold(z->os, z->obj, 1, false, &l.db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(l.db)) == 0) {
		leaf_map(&l, dbuf_data(l.db), z->shift);
		leaf_format(&l, 0, 0);
	}
	dbuf_rele(l.db);
	return (rc);
}

/* --- the pointer table ------------------------------------------------------------------------ */

static uint64_t
table_index(const struct zap *z, uint64_t hash)
{
	unsigned shift = (unsigned)fzap_h(z)->table_shift;

	return (shift == 0 ? 0 : hash >> (64 - shift));
}

/* Hold what contains entry i; *slot points at it, *n entries follow it there (itself included). */
static int
table_hold(struct zap *z, uint64_t i, struct dbuf **db, uint64_t **slot, uint64_t *n)
{
	const struct fzap_header *h = fzap_h(z);
	unsigned per_shift = z->shift - 3;
	uint64_t at = i & ((1ULL << per_shift) - 1);
	int rc;

	if (h->table_blocks == 0) {
		*db = NULL;
		*slot = embedded_table(z) + i;
		*n = (1ULL << h->table_shift) - i;
		return (0);
	}
	if ((rc = dbuf_hold(z->os, z->obj, h->table_block + (i >> per_shift), true, db)) != 0)
		return (rc);
	if (dbuf_size(*db) != z->size) {
		dbuf_rele(*db);
		return (-EILSEQ);
	}
	*slot = (uint64_t *)dbuf_data(*db) + at;
	*n = (1ULL << per_shift) - at;
	return (0);
}

static int
table_get(struct zap *z, uint64_t i, uint64_t *block)
{
	struct dbuf *db;
	uint64_t *slot, n;
	int rc;

	if ((rc = table_hold(z, i, &db, &slot, &n)) != 0)
		return (rc);
	*block = *slot;
	if (db != NULL)
		dbuf_rele(db);
	return (0);
}

static int
table_fill(struct zap *z, uint64_t i, uint64_t count, uint64_t block)
{
	while (count > 0) {
		struct dbuf *db;
		uint64_t *slot, n;
		int rc;

		if ((rc = table_hold(z, i, &db, &slot, &n)) != 0)
			return (rc);
		rc = dbuf_dirty(db != NULL ? db : z->db);
		for (; rc == 0 && n > 0 && count > 0; n--, count--, i++)
			*slot++ = block;
		if (db != NULL)
			dbuf_rele(db);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

/* Write one block of the doubled table: entries from old index `first`, each twice. */
static int
table_write_doubled(struct zap *z, uint64_t block, uint64_t first)
{
	uint64_t per = 1ULL << (z->shift - 3), i;
	struct dbuf *db;
	uint64_t *to;
	int rc;

	if ((rc = dbuf_hold(z->os, z->obj, block, false, &db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0) {
		to = dbuf_data(db);
		for (i = 0; i < per && rc == 0; i += 2) {
			if ((rc = table_get(z, first + i / 2, &to[i])) == 0)
				to[i + 1] = to[i];
		}
	}
	dbuf_rele(db);
	return (rc);
}

/* A doubling that OpenZFS left half-way: our changes go to the old table only, so forget the new. */
static int
table_drop_growth(struct zap *z)
{
	struct fzap_header *h = z->block0;
	uint64_t block = h->next_block, blocks = 2 * h->table_blocks;

	if (block == 0)
		return (0);
	if (block >= h->free_block || blocks > h->free_block - block)
		return (-EILSEQ);
	h->next_block = 0;
	h->blocks_copied = 0;
	return (dmu_free_range(z->os, z->obj, block << z->shift, blocks << z->shift));
}

static int
table_double(struct zap *z)
{
	struct fzap_header *h = z->block0;
	uint64_t old_block = h->table_block, old_blocks = h->table_blocks, b;
	uint64_t blocks = old_blocks == 0 ? 1 : 2 * old_blocks;
	uint64_t to = h->free_block, half = 1ULL << (z->shift - 4);
	int rc;

	if (h->table_shift >= TABLE_SHIFT_MAX)
		return (-ENOSPC);
	for (b = 0; b < blocks; b++) {
		if ((rc = table_write_doubled(z, to + b, b * half)) != 0)
			return (rc);
	}
	if ((rc = dbuf_dirty(z->db)) != 0)
		return (rc);
	h->free_block += blocks;
	h->table_block = to;
	h->table_blocks = blocks;
	h->table_shift++;
	if (old_blocks != 0)
		return (dmu_free_range(z->os, z->obj, old_block << z->shift, old_blocks << z->shift));
	memset(embedded_table(z), 0, z->size >> 1);
	return (0);
}

/* --- leaves ----------------------------------------------------------------------------------- */

static int
leaf_hold_block(struct zap *z, uint64_t block, bool fill, struct zap_leaf *l)
{
	int rc;

	if (block == 0 || block >= fzap_h(z)->free_block) /* invariant 1 */
		return (-EILSEQ);
	if ((rc = dbuf_hold(z->os, z->obj, block, fill, &l->db)) != 0)
		return (rc);
	l->block = block;
	if (dbuf_size(l->db) != z->size)
		rc = -EILSEQ;
	else
		leaf_map(l, dbuf_data(l->db), z->shift);
	if (rc == 0 && fill)
		rc = leaf_check(l);
	if (rc != 0)
		dbuf_rele(l->db);
	return (rc);
}

static int
leaf_hold(struct zap *z, uint64_t hash, struct zap_leaf *l)
{
	uint64_t block;
	unsigned len;
	int rc;

	if ((rc = table_get(z, table_index(z, hash), &block)) != 0 ||
	    (rc = leaf_hold_block(z, block, true, l)) != 0)
		return (rc);
	len = l->h->prefix_len;
	if (len > fzap_h(z)->table_shift || (len > 0 && hash >> (64 - len) != l->h->prefix)) {
		dbuf_rele(l->db); /* invariant 2 */
		return (-EILSEQ);
	}
	return (0);
}

/* Split l; the caller looks for its leaf again. */
static int
fzap_split(struct zap *z, struct zap_leaf *l)
{
	struct fzap_header *h = z->block0;
	struct zap_leaf upper;
	unsigned len = l->h->prefix_len;
	uint64_t span;
	int rc;

	if ((rc = dbuf_dirty(z->db)) != 0 || (rc = dbuf_dirty(l->db)) != 0 ||
	    (rc = table_drop_growth(z)) != 0)
		return (rc);
	if (len == h->table_shift && (rc = table_double(z)) != 0)
		return (rc);
	h->free_block++;
	if ((rc = leaf_hold_block(z, h->free_block - 1, false, &upper)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(upper.db)) == 0)
		rc = leaf_split(l, &upper);
	if (rc == 0) {
		h->leaves++;
		span = 1ULL << (h->table_shift - len - 1);
		rc = table_fill(z, upper.h->prefix * span, span, upper.block);
	}
	dbuf_rele(upper.db);
	return (rc);
}

/* --- operations ------------------------------------------------------------------------------- */

int
fzap_lookup(struct zap *z, const struct zap_key *k, unsigned intlen, uint64_t num, void *buf,
    char *real_name, size_t real_size)
{
	struct leaf_entry *le;
	struct zap_leaf l;
	int rc;

	if ((rc = leaf_hold(z, k->hash, &l)) != 0)
		return (rc);
	if ((rc = leaf_find(&l, k, &le)) == 0)
		rc = leaf_entry_value(&l, le, intlen, num, buf);
	if (rc == 0 && real_name != NULL)
		rc = leaf_entry_name(&l, le, real_name, real_size);
	dbuf_rele(l.db);
	return (rc);
}

int
fzap_length(struct zap *z, const struct zap_key *k, unsigned *intlen, uint64_t *num)
{
	struct leaf_entry *le;
	struct zap_leaf l;
	int rc;

	if ((rc = leaf_hold(z, k->hash, &l)) != 0)
		return (rc);
	if ((rc = leaf_find(&l, k, &le)) == 0)
		leaf_entry_shape(le, intlen, num);
	dbuf_rele(l.db);
	return (rc);
}

/* Into leaf l, held: -ENOBUFS when it must be split first. */
static int
fzap_put_leaf(struct zap *z, struct zap_leaf *l, const struct zap_key *k, const struct zap_value *v,
    bool replace, int64_t cd)
{
	struct leaf_entry *le;
	int rc = leaf_find(l, k, &le);

	if (rc != 0 && rc != -ENOENT)
		return (rc);
	if (rc == 0 && !replace)
		return (-EEXIST);
	if (rc == 0)
		return ((rc = dbuf_dirty(l->db)) != 0 ? rc : leaf_set(l, le, v));
	if ((rc = dbuf_dirty(l->db)) != 0 || (rc = dbuf_dirty(z->db)) != 0)
		return (rc);
	if ((rc = leaf_add(l, k, v, cd)) == 0)
		fzap_h(z)->entries++;
	return (rc);
}

int
fzap_put(struct zap *z, const struct zap_key *k, const struct zap_value *v, bool replace, int64_t cd)
{
	struct zap_leaf l;
	int rc;

	do {
		if ((rc = leaf_hold(z, k->hash, &l)) != 0)
			return (rc);
		if (leaf_chunks_needed(k, v) > l.nchunks)
			rc = -E2BIG;
		else
			rc = fzap_put_leaf(z, &l, k, v, replace, cd);
		if (rc == -ENOBUFS && (rc = fzap_split(z, &l)) == 0)
			rc = -ENOBUFS;
		dbuf_rele(l.db);
	} while (rc == -ENOBUFS);
	return (rc);
}

int
fzap_remove(struct zap *z, const struct zap_key *k)
{
	struct leaf_entry *le;
	struct zap_leaf l;
	int rc;

	if ((rc = leaf_hold(z, k->hash, &l)) != 0)
		return (rc);
	if ((rc = leaf_find(&l, k, &le)) == 0 && (rc = dbuf_dirty(l.db)) == 0 &&
	    (rc = dbuf_dirty(z->db)) == 0 && (rc = leaf_remove(&l, le)) == 0)
		fzap_h(z)->entries--;
	dbuf_rele(l.db);
	return (rc);
}

static int
fzap_entry(const struct zap_leaf *l, const struct leaf_entry *le, bool binary, struct zap_entry *ze)
{
	int rc;

	leaf_entry_shape(le, &ze->intlen, &ze->num);
	ze->name[0] = '\0';
	if ((rc = leaf_entry_first(l, le, &ze->first)) == 0 && !binary)
		rc = leaf_entry_name(l, le, ze->name, sizeof(ze->name));
	return (rc);
}

/* The first entry at or after *pos; -ENOENT at the end. */
int
fzap_next(struct zap *z, struct zap_pos *pos, struct zap_entry *ze)
{
	for (;;) {
		struct leaf_entry *le;
		struct zap_leaf l;
		uint64_t prefix;
		unsigned len;
		int rc;

		if ((rc = leaf_hold(z, pos->hash, &l)) != 0)
			return (rc);
		if ((rc = leaf_closest(&l, pos, &le)) == 0) {
			*pos = leaf_entry_pos(le);
			rc = fzap_entry(&l, le, (z->flags & ZAP_FLAG_UINT64_KEY) != 0, ze);
		}
		prefix = l.h->prefix;
		len = l.h->prefix_len;
		dbuf_rele(l.db);
		if (rc != -ENOENT)
			return (rc);
		if (len == 0 || prefix + 1 == 1ULL << len)
			return (-ENOENT);
		*pos = (struct zap_pos){(prefix + 1) << (64 - len), 0};
	}
}
