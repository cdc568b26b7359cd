/* SPDX-License-Identifier: MIT */
/* What the files of the zap share: the disk forms, an open zap, a key. */
#ifndef SMARTBOX_FS_ZAP_IMPL_H
#define SMARTBOX_FS_ZAP_IMPL_H

#include "smartbox/fs/zap.h"

#define ZBT_MICRO 0x8000000000000003ULL
#define ZBT_HEADER 0x8000000000000001ULL
#define ZBT_LEAF 0x8000000000000000ULL
#define ZAP_MAGIC 0x2F52AB2ABULL
#define ZAP_LEAF_MAGIC 0x2AB1EAFu

#define MZAP_NAME_LEN 50
#define MZAP_MAX_BYTES (128u << 10)
#define FZAP_BLOCK_SHIFT 14 /* of the fat zaps that we make */

struct mzap_header {
	uint64_t type, salt, normflags, pad[5];
};
_Static_assert(sizeof(struct mzap_header) == 64, "mzap header");

struct mzap_ent {
	uint64_t value;
	uint32_t cd; /* collision differentiator */
	uint16_t pad;
	char name[MZAP_NAME_LEN]; /* "" = free */
};
_Static_assert(sizeof(struct mzap_ent) == 64, "mzap entry");

struct fzap_header {
	uint64_t type, magic;
	uint64_t table_block, table_blocks, table_shift, next_block, blocks_copied;
	uint64_t free_block, leaves, entries, salt, normflags, flags;
};
_Static_assert(sizeof(struct fzap_header) == 104, "fzap header");

struct zap_leaf_header {
	uint64_t type, pad1, prefix;
	uint32_t magic;
	uint16_t nfree, nentries, prefix_len, freelist;
	uint8_t flags, pad2[11];
};
_Static_assert(sizeof(struct zap_leaf_header) == 48, "leaf header");

/* An open zap, for the time of one call. */
struct zap {
	struct objset *os;
	uint64_t obj;
	struct dbuf *db; /* block 0 */
	void *block0;
	uint32_t size; /* of a block, bytes */
	bool is_fat;
	unsigned shift; /* log2(size) of a fat one */
	uint64_t salt;
	unsigned normflags, flags;
};

/* What is looked for: integers as they are stored (a string with its NUL), and the hash. */
struct zap_key {
	const void *ints;
	unsigned intlen, num;
	bool fold; /* compare names regardless of case */
	uint64_t hash;
};

struct zap_value {
	unsigned intlen;
	uint64_t num;
	const void *ints;
};

struct zap_pos { /* place in the order of iteration */
	uint64_t hash;
	uint32_t cd;
};

/* zap.c */
int zap_open(struct objset *os, uint64_t obj, struct zap *z);
void zap_close(struct zap *z);
#define ZAP_INT_NAME 17
const char *zap_int_name(char buf[ZAP_INT_NAME], uint64_t key);
int zap_key_string(const struct zap *z, const char *name, bool fold, struct zap_key *k);
static inline unsigned
zap_hash_bits(const struct zap *z)
{
	return (z->flags & ZAP_FLAG_HASH64 ? 48 : 28);
}

/* zap_micro.c */
int mzap_find(struct zap *z, const struct zap_key *k, struct mzap_ent **out);
bool mzap_fits(const struct zap_key *k, const struct zap_value *v);
int mzap_put(struct zap *z, const struct zap_key *k, uint64_t value, bool replace); /* -ENOBUFS */
int mzap_remove(struct zap *z, const struct zap_key *k);
uint64_t mzap_count(const struct zap *z);
int mzap_next(struct zap *z, struct zap_pos *pos, struct zap_entry *ze);
int mzap_upgrade(struct zap *z);
#define MZAP_ENTRIES_MAX (MZAP_MAX_BYTES / sizeof(struct mzap_ent) - 1)
int mzap_fill_ints(struct zap *z, const uint64_t *keys, const uint64_t *values, size_t n);
struct zap_order;
int mzap_order_new(struct zap *z, struct zap_order **out);
int mzap_order_next(const struct zap *z, struct zap_order *o, struct zap_pos *pos,
    struct zap_entry *ze);

/* zap_fat.c */
int fzap_check(struct zap *z);
int fzap_format(struct zap *z, uint64_t salt, unsigned normflags);
int fzap_lookup(struct zap *z, const struct zap_key *k, unsigned intlen, uint64_t num, void *buf,
    char *real_name, size_t real_size);
int fzap_length(struct zap *z, const struct zap_key *k, unsigned *intlen, uint64_t *num);
/* cd < 0: the lowest free one. */
int fzap_put(struct zap *z, const struct zap_key *k, const struct zap_value *v, bool replace,
    int64_t cd);
int fzap_remove(struct zap *z, const struct zap_key *k);
int fzap_next(struct zap *z, struct zap_pos *pos, struct zap_entry *ze);

/* zap_leaf.c */
struct zap_leaf {
	struct dbuf *db;
	uint64_t block; /* its number */
	struct zap_leaf_header *h;
	unsigned shift, nchunks;
	uint16_t *table;
	uint8_t *chunks;
};
struct leaf_entry; /* a chunk */
void leaf_map(struct zap_leaf *l, void *data, unsigned shift);
int leaf_check(const struct zap_leaf *l);
void leaf_format(struct zap_leaf *l, uint64_t prefix, unsigned prefix_len);
int leaf_find(const struct zap_leaf *l, const struct zap_key *k, struct leaf_entry **out);
int leaf_closest(const struct zap_leaf *l, const struct zap_pos *pos, struct leaf_entry **out);
struct zap_pos leaf_entry_pos(const struct leaf_entry *le);
void leaf_entry_shape(const struct leaf_entry *le, unsigned *intlen, uint64_t *num);
int leaf_entry_value(const struct zap_leaf *l, const struct leaf_entry *le, unsigned intlen,
    uint64_t num, void *buf);
int leaf_entry_first(const struct zap_leaf *l, const struct leaf_entry *le, uint64_t *v);
int leaf_entry_name(const struct zap_leaf *l, const struct leaf_entry *le, char *buf, size_t size);
unsigned leaf_chunks_needed(const struct zap_key *k, const struct zap_value *v);
/* -ENOBUFS: no room, the leaf must be split. */
int leaf_add(struct zap_leaf *l, const struct zap_key *k, const struct zap_value *v, int64_t cd);
int leaf_set(struct zap_leaf *l, struct leaf_entry *le, const struct zap_value *v);
int leaf_remove(struct zap_leaf *l, struct leaf_entry *le);
int leaf_split(struct zap_leaf *l, struct zap_leaf *upper);

#endif
