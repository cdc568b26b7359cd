/* SPDX-License-Identifier: MIT */
/*
 * Dedup tables: one copy of blocks with the same content, with a count of who refers to it.
 *
 * Theory of operation
 *
 *	bp (dedup bit) --- checksum, sizes ---> entry { 1 copy: places, refs, birth;  2 copies: ...; 3 }
 *	                                          |
 *	     DDT-sha256-zap-unique   <---- all its references add up to 1
 *	     DDT-sha256-zap-duplicate <--- to more
 *
 * There is a pair of tables for every checksum algorithm, fat zaps in the meta objset whose hash is the
 * checksum itself.  An entry moves between the two as references come and go; the split lets OpenZFS
 * treat them differently when it scrubs.  Beside them are statistics: for either table a histogram by
 * references, of which the deduplication ratio and the space that is saved are sums.
 *
 * Every block pointer with the dedup bit, wherever it is (heads, snapshots, deadlists), is one
 * reference.  Making one adds to the entry, freeing one takes away; only the last frees the space.
 * Changes go straight into the zaps, which are cached and written with the txg as everything
 * else: the count and the pointer that it counts are durable together.
 *
 * Invariants
 *  1. refs of an entry = block pointers with the dedup bit that name its checksum, sizes and places.
 *  2. an entry is in one table: unique when its references are 1, else duplicate.
 *  3. the statistics are the sums over the entries.
 *
 * A pointer that no table knows is damage (or a table that was lost): its space is leaked, not freed,
 * because others may have it.  The newer kind of table ("fast dedup") has other names and forms;
 * pools that use it are not written.
 *
 * Format: docs/zfs-format.md, "Dedup table".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddt.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"

#define STATISTICS "DDT-statistics"
#define BUCKETS 64
#define WORDS 8
#define TABLE_BLOCK_SHIFT 12
#define VALUE_BYTES sizeof(struct ddt_value)
#define PACKED_LITTLE 0x80
#define PACKED_HOW 0x7f

enum { DITTO, DUPLICATE, UNIQUE, CLASSES }; /* ditto: entries of old pools, found but not made */
static const char *const class_name[CLASSES] = {"ditto", "duplicate", "unique"};

struct ddt_key {
	uint64_t w[5]; /* checksum, sizes and compression */
};
struct ddt_phys {
	uint64_t dva[6], refs, birth; /* birth 0: not there */
};
struct ddt_value {
	struct ddt_phys phys[4]; /* by number of copies; [0] was for ditto blocks */
};
_Static_assert(sizeof(struct ddt_value) == 256, "the value of an entry");

struct ddt_entry {
	struct ddt_value v;
	int class; /* table that it is in; -1: none */
};

struct ddt {
	unsigned checksum;
	bool changed;
	uint64_t table[CLASSES]; /* 0: there is none */
	struct ddt_totals bucket[CLASSES][BUCKETS];
};

struct ddt_pool {
	uint64_t statistics; /* zap, 0: none */
	struct ddt ddt[CK_IDS];
};

/* --- opening ---------------------------------------------------------------------------------- */

static void
table_name(const struct ddt *d, int class, char name[64])
{
	(void)snprintf(name, 64, "DDT-%s-zap-%s", checksum_name(d->checksum), class_name[class]);
}

static int
table_open(struct spa *spa, struct ddt *d, int class)
{
	uint64_t statistics = spa->ddt->statistics;
	char name[64];
	int rc;

	table_name(d, class, name);
	if ((rc = spa_directory_get(spa, name, &d->table[class])) != 0 || d->table[class] == 0 ||
	    statistics == 0)
		return (rc);
	rc = zap_lookup(spa->mos, statistics, name, 8, BUCKETS * WORDS, d->bucket[class]);
	return (rc == -ENOENT ? 0 : rc);
}

int
ddt_open(struct spa *spa)
{
	unsigned i;
	int class, rc;

	if ((spa->ddt = calloc(1, sizeof(*spa->ddt))) == NULL)
		return (-ENOMEM);
	if ((rc = spa_directory_get(spa, STATISTICS, &spa->ddt->statistics)) != 0)
		return (rc);
	for (i = CK_FLETCHER2; i < CK_IDS; i++) {
		spa->ddt->ddt[i].checksum = i;
		for (class = 0; class < CLASSES && spa->ddt->statistics != 0; class++)
			if ((rc = table_open(spa, &spa->ddt->ddt[i], class)) != 0)
				return (rc);
	}
	return (0);
}

void
ddt_close(struct spa *spa)
{
	free(spa->ddt);
	spa->ddt = NULL;
}

/* --- sums ------------------------------------------------------------------------------------- */

static void
totals_add(struct ddt_totals *to, const struct ddt_totals *d, int sign)
{
	const uint64_t *from = (const uint64_t *)d;
	uint64_t *w = (uint64_t *)to;
	size_t i;

	for (i = 0; i < WORDS; i++)
		w[i] += sign < 0 ? -from[i] : from[i];
}

void
ddt_totals(const struct spa *spa, struct ddt_totals *sum)
{
	unsigned i, class, b;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; spa->ddt != NULL && i < CK_IDS; i++)
		for (class = 0; class < CLASSES; class++)
			for (b = 0; b < BUCKETS; b++)
				totals_add(sum, &spa->ddt->ddt[i].bucket[class][b], 1);
}

_Static_assert(DDT_ROWS == BUCKETS, "a row is a bucket");

void
ddt_histogram(const struct spa *spa, struct ddt_totals row[DDT_ROWS])
{
	memset(row, 0, DDT_ROWS * sizeof(*row));
	for (unsigned i = 0; spa->ddt != NULL && i < CK_IDS; i++)
		for (unsigned class = 0; class < CLASSES; class++)
			for (unsigned b = 0; b < BUCKETS; b++)
				totals_add(&row[b], &spa->ddt->ddt[i].bucket[class][b], 1);
}

void
ddt_table_bytes(const struct spa *spa, uint64_t *disk, uint64_t *core)
{
	struct dmu_info info;

	*disk = *core = 0;
	for (unsigned i = 0; spa->ddt != NULL && i < CK_IDS; i++)
		for (unsigned class = 0; class < CLASSES; class++) {
			uint64_t table = spa->ddt->ddt[i].table[class];

			if (table == 0 || dmu_object_info(spa->mos, table, &info) != 0)
				continue;
			*disk += info.used_bytes;
			*core += (info.max_blkid + 1) * info.block_size;
		}
}

uint64_t
ddt_saved(const struct spa *spa)
{
	struct ddt_totals t;

	if (spa->ddt == NULL || spa->ddt->statistics == 0)
		return (0);
	ddt_totals(spa, &t);
	return (t.ref_dsize > t.dsize ? t.ref_dsize - t.dsize : 0);
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct ddt_key
key_of(const struct blkptr *bp)
{
	struct ddt_key k;

	memcpy(k.w, &bp->w[12], 4 * sizeof(k.w[0]));
	k.w[4] = bits_get(bp->w[6], 0, 32) | (uint64_t)bp_compress(bp) << 32 |
	    (uint64_t)bp_is_encrypted(bp) << 39;
	return (k);
}

/* A block pointer to copy set `p` of an entry, as far as space is concerned. */
static struct blkptr
bp_of(const struct ddt *d, const struct ddt_key *k, const struct ddt_phys *p)
{
	struct blkptr bp = {0};

	memcpy(bp.w, p->dva, sizeof(p->dva));
	bp.w[6] = bits_get(k->w[4], 0, 39) | (uint64_t)d->checksum << 40 |
	    (uint64_t)OT_DEDUP << 48 | bits_get(k->w[4], 39, 1) << 61 | 1ULL << 63;
	bp.w[10] = p->birth;
	memcpy(&bp.w[12], k->w, 4 * sizeof(k->w[0]));
	return (bp);
}

static int
value_unpack(const uint8_t *packed, size_t len, struct ddt_value *v)
{
	unsigned how = len > 0 ? packed[0] & PACKED_HOW : 0;
	uint64_t *w = (uint64_t *)v;
	size_t i;

	if (len == 0 || (how != COMP_ZLE && how != COMP_OFF) ||
	    decompress_block(how, packed + 1, len - 1, v, VALUE_BYTES) != 0)
		return (-EILSEQ);
	for (i = 0; !(packed[0] & PACKED_LITTLE) && i < VALUE_BYTES / sizeof(*w); i++)
		w[i] = __builtin_bswap64(w[i]);
	return (0);
}

static size_t
value_pack(const struct ddt_value *v, uint8_t packed[VALUE_BYTES + 1])
{
	size_t n = compress_block(COMP_ZLE, v, VALUE_BYTES, packed + 1, VALUE_BYTES - 1);

	packed[0] = (uint8_t)(PACKED_LITTLE | (n != 0 ? COMP_ZLE : COMP_OFF));
	if (n == 0)
		memcpy(packed + 1, v, n = VALUE_BYTES);
	return (n + 1);
}

static int
table_lookup(struct spa *spa, const struct ddt *d, int class, const struct ddt_key *k,
    struct ddt_value *v)
{
	uint8_t packed[VALUE_BYTES + 1];
	unsigned intlen;
	uint64_t n;
	int rc;

	if (d->table[class] == 0)
		return (-ENOENT);
	if ((rc = zap_length_key(spa->mos, d->table[class], k->w, 5, &intlen, &n)) != 0)
		return (rc);
	if (intlen != 1 || n > sizeof(packed))
		return (-EILSEQ);
	rc = zap_lookup_key(spa->mos, d->table[class], k->w, 5, 1, n, packed);
	return (rc != 0 ? rc : value_unpack(packed, n, v));
}

/* An entry that is nowhere is empty. */
static int
entry_find(struct spa *spa, const struct ddt *d, const struct ddt_key *k, struct ddt_entry *en)
{
	int rc = -ENOENT;

	for (en->class = UNIQUE; en->class >= 0; en->class--)
		if ((rc = table_lookup(spa, d, en->class, k, &en->v)) != -ENOENT)
			return (rc);
	memset(&en->v, 0, sizeof(en->v));
	return (0);
}

static uint64_t
entry_refs(const struct ddt_value *v)
{
	return (v->phys[0].refs + v->phys[1].refs + v->phys[2].refs + v->phys[3].refs);
}

/* Into or out of the bucket of its table that its references put it in. */
static void
entry_count(struct spa *spa, struct ddt *d, int class, const struct ddt_key *k,
    const struct ddt_value *v, int sign)
{
	struct ddt_totals t = {0};
	unsigned i;

	for (i = 0; i < 4; i++) {
		const struct ddt_phys *p = &v->phys[i];
		struct blkptr bp = bp_of(d, k, p);
		uint64_t dsize = bp_dsize(spa, &bp);
		struct ddt_totals one = {1, bp_lsize(&bp), bp_psize(&bp), dsize, p->refs,
		    p->refs * bp_lsize(&bp), p->refs * bp_psize(&bp), p->refs * dsize};

		if (p->birth != 0)
			totals_add(&t, &one, 1);
	}
	if (t.ref_blocks != 0)
		totals_add(&d->bucket[class][63 - __builtin_clzll(t.ref_blocks)], &t, sign);
}

static int
table_create(struct spa *spa, struct ddt *d, int class)
{
	unsigned flags = ZAP_FLAG_HASH64 | ZAP_FLAG_UINT64_KEY;
	char name[64];
	int rc;

	if (spa->ddt->statistics == 0 &&
	    ((rc = zap_create(spa->mos, OT_DDT_STATS, 0, 0, &spa->ddt->statistics)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, STATISTICS, 8, 1, &spa->ddt->statistics)) != 0))
		return (rc);
	/* The hash is the checksum, if that is known to be evenly spread. */
	if (d->checksum != CK_EDONR)
		flags |= ZAP_FLAG_PRE_HASHED;
	table_name(d, class, name);
	rc = zap_create_flags(spa->mos, flags, OT_DDT_ZAP, TABLE_BLOCK_SHIFT, &d->table[class]);
	return (rc != 0 ? rc : zap_add(spa->mos, MOS_DIRECTORY, name, 8, 1, &d->table[class]));
}

/* What changed of an entry goes to disk: in its table, in another one, or away. */
static int
entry_store(struct spa *spa, struct ddt *d, const struct ddt_key *k, const struct ddt_entry *old,
    const struct ddt_value *v)
{
	uint64_t refs = entry_refs(v);
	int class = refs == 0 ? -1 : refs == 1 ? UNIQUE : DUPLICATE, rc = 0;
	uint8_t packed[VALUE_BYTES + 1];

	d->changed = true;
	if (old->class >= 0) {
		entry_count(spa, d, old->class, k, &old->v, -1);
		if (class != old->class &&
		    (rc = zap_remove_key(spa->mos, d->table[old->class], k->w, 5)) != 0)
			return (rc);
	}
	if (class < 0)
		return (0);
	if (d->table[class] == 0 && (rc = table_create(spa, d, class)) != 0)
		return (rc);
	entry_count(spa, d, class, k, v, 1);
	return (zap_update_key(spa->mos, d->table[class], k->w, 5, 1, value_pack(v, packed), packed));
}

/* --- references ------------------------------------------------------------------------------- */

static struct ddt *
ddt_for(const struct spa *spa, const struct blkptr *bp)
{
	unsigned id = bp_checksum(bp);

	return (spa->ddt != NULL && id >= CK_FLETCHER2 && id < CK_IDS ? &spa->ddt->ddt[id] : NULL);
}

int
ddt_find(struct spa *spa, struct blkptr *bp, unsigned copies)
{
	const struct ddt *d = ddt_for(spa, bp);
	struct ddt_key k = key_of(bp);
	const struct ddt_phys *p;
	struct ddt_entry en;
	int rc;

	if (d == NULL || copies < 1 || copies > BP_DVAS)
		return (-ENOENT);
	if ((rc = entry_find(spa, d, &k, &en)) != 0)
		return (rc);
	p = &en.v.phys[copies];
	if (p->birth == 0 || p->refs == 0)
		return (-ENOENT);
	memcpy(bp->w, p->dva, sizeof(p->dva));
	bp->w[9] = p->birth == bp_birth(bp) ? 0 : p->birth;
	return (bp_verify(bp, (unsigned)spa->root->nchild));
}

int
ddt_add(struct spa *spa, const struct blkptr *bp, unsigned copies)
{
	struct ddt *d = ddt_for(spa, bp);
	struct ddt_key k = key_of(bp);
	struct ddt_entry en;
	struct ddt_value v;
	struct ddt_phys *p;
	int rc;

	if (d == NULL)
		return (-ENOTSUP);
	if ((rc = entry_find(spa, d, &k, &en)) != 0)
		return (rc);
	v = en.v;
	p = &v.phys[copies];
	if (p->birth == 0) {
		memcpy(p->dva, bp->w, sizeof(p->dva));
		p->birth = bp_physical_birth(bp);
	}
	p->refs++;
	return (entry_store(spa, d, &k, &en, &v));
}

/* The set of copies that bp is of. */
static struct ddt_phys *
phys_of(struct ddt_value *v, const struct blkptr *bp)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		struct ddt_phys *p = &v->phys[i];

		if (p->birth == bp_physical_birth(bp) && p->refs > 0 && p->dva[0] == bp->w[0] &&
		    p->dva[1] == bp->w[1])
			return (p);
	}
	return (NULL);
}

int
ddt_free(struct spa *spa, const struct blkptr *bp, uint64_t txg)
{
	struct ddt *d = ddt_for(spa, bp);
	struct ddt_key k = key_of(bp);
	struct ddt_entry en;
	struct ddt_value v;
	struct ddt_phys *p;
	struct blkptr gone;
	int rc;

	if (d == NULL)
		return (0);
	if ((rc = entry_find(spa, d, &k, &en)) != 0)
		return (rc);
	v = en.v;
	if ((p = phys_of(&v, bp)) == NULL)
		return (0); /* leaked: see above */
	gone = bp_of(d, &k, p);
	if (--p->refs > 0)
		return (entry_store(spa, d, &k, &en, &v));
	memset(p, 0, sizeof(*p));
	rc = entry_store(spa, d, &k, &en, &v);
	return (rc != 0 ? rc : zio_free(spa, &gone, txg));
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
table_sync(struct spa *spa, struct ddt *d, int class, bool remove)
{
	char name[64];
	int rc;

	if (d->table[class] == 0)
		return (0);
	table_name(d, class, name);
	if (!remove)
		return (zap_update(spa->mos, spa->ddt->statistics, name, 8, BUCKETS * WORDS,
		    d->bucket[class]));
	if ((rc = zap_remove(spa->mos, spa->ddt->statistics, name)) != 0 && rc != -ENOENT)
		return (rc);
	if ((rc = zap_remove(spa->mos, MOS_DIRECTORY, name)) != 0 ||
	    (rc = zap_destroy(spa->mos, d->table[class])) != 0)
		return (rc);
	d->table[class] = 0;
	memset(d->bucket[class], 0, sizeof(d->bucket[class]));
	return (0);
}

static int
one_sync(struct spa *spa, struct ddt *d)
{
	uint64_t n, all = 0;
	int class, rc = 0;

	for (class = 0; class < CLASSES && rc == 0; class++) {
		if (d->table[class] != 0 && (rc = zap_count(spa->mos, d->table[class], &n)) == 0)
			all += n;
	}
	for (class = 0; class < CLASSES && rc == 0; class++)
		rc = table_sync(spa, d, class, all == 0);
	d->changed = false;
	return (rc);
}

int
ddt_sync(struct spa *spa)
{
	unsigned i;
	int rc = 0;

	for (i = 0; spa->ddt != NULL && i < CK_IDS && rc == 0; i++)
		if (spa->ddt->ddt[i].changed)
			rc = one_sync(spa, &spa->ddt->ddt[i]);
	return (rc);
}
