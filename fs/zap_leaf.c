/* SPDX-License-Identifier: MIT */
/*
 * A leaf of a fat zap: one block holding all entries whose hash starts with the leaf's prefix.
 *
 *	+--------+-----------------------+------------------------------------------+
 *	| header | hash table of chunk   | chunks of 24 bytes: an entry, 21 bytes of |
 *	| 48     | numbers, 2 bytes each | an array (name or value), or free         |
 *	+--------+-----------------------+------------------------------------------+
 *
 * Invariants, each checked on what comes from the disk before it is followed:
 *  1. A chunk number is below nchunks or CHAIN_END; a chain is no longer than nchunks.
 *  2. Entries of one bucket are chained in ascending cd.
 *  3. nfree is the length of the free list.
 */
#include "zap_impl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_END 0xffff
#define CHUNK_SIZE 24
#define ARRAY_BYTES 21
enum { CHUNK_ARRAY = 251, CHUNK_ENTRY = 252, CHUNK_FREE = 253 };
enum { LEAF_CDSORTED = 1 };

struct leaf_entry {
	uint8_t type, value_intlen;
	uint16_t next, name_chunk, name_num, value_chunk, value_num;
	uint32_t cd;
	uint64_t hash;
};
struct leaf_array {
	uint8_t type, bytes[ARRAY_BYTES];
	uint16_t next;
};
struct leaf_free {
	uint8_t type, pad[ARRAY_BYTES];
	uint16_t next;
};
_Static_assert(sizeof(struct leaf_entry) == CHUNK_SIZE, "leaf entry");
_Static_assert(sizeof(struct leaf_array) == CHUNK_SIZE, "leaf array");
_Static_assert(sizeof(struct leaf_free) == CHUNK_SIZE, "leaf free chunk");

/* --- chunks ----------------------------------------------------------------------------------- */

static unsigned
leaf_buckets(const struct zap_leaf *l)
{
	return (1u << (l->shift - 5));
}

void
leaf_map(struct zap_leaf *l, void *data, unsigned shift)
{
	l->h = data;
	l->shift = shift;
	l->table = (uint16_t *)((char *)data + sizeof(*l->h));
	l->nchunks = ((1u << shift) - 2 * leaf_buckets(l)) / CHUNK_SIZE - 2;
	l->chunks = (uint8_t *)(l->table + leaf_buckets(l));
}

/* NULL when the number is no chunk of this type (invariant 1). */
static void *
leaf_chunk(const struct zap_leaf *l, unsigned n, unsigned type)
{
	uint8_t *c = l->chunks + (size_t)n * CHUNK_SIZE;

	return (n < l->nchunks && *c == type ? c : NULL);
}

static uint16_t
chunk_number(const struct zap_leaf *l, const void *chunk)
{
	return ((uint16_t)(((const uint8_t *)chunk - l->chunks) / CHUNK_SIZE));
}

static void *
chunk_alloc(struct zap_leaf *l, unsigned type)
{
	struct leaf_free *f = leaf_chunk(l, l->h->freelist, CHUNK_FREE);

	if (f == NULL || l->h->nfree == 0)
		return (NULL);
	l->h->freelist = f->next;
	l->h->nfree--;
	memset(f, 0, sizeof(*f));
	f->type = (uint8_t)type;
	return (f);
}

static void
chunk_free(struct zap_leaf *l, void *chunk)
{
	struct leaf_free *f = chunk;

	memset(f, 0, sizeof(*f));
	f->type = CHUNK_FREE;
	f->next = l->h->freelist;
	l->h->freelist = chunk_number(l, f);
	l->h->nfree++;
}

int
leaf_check(const struct zap_leaf *l)
{
	const struct zap_leaf_header *h = l->h;

	if (h->type != ZBT_LEAF || h->magic != ZAP_LEAF_MAGIC || h->nfree > l->nchunks ||
	    h->nentries > l->nchunks || h->prefix_len > 64 - (l->shift - 5) ||
	    (h->prefix_len < 64 && h->prefix >> h->prefix_len != 0))
		return (-EILSEQ);
	return (0);
}

void
leaf_format(struct zap_leaf *l, uint64_t prefix, unsigned prefix_len)
{
	struct leaf_free *f = (struct leaf_free *)l->chunks;
	unsigned i;

	memset(l->h, 0, 1u << l->shift);
	l->h->type = ZBT_LEAF;
	l->h->magic = ZAP_LEAF_MAGIC;
	l->h->prefix = prefix;
	l->h->prefix_len = (uint16_t)prefix_len;
	l->h->flags = LEAF_CDSORTED;
	l->h->nfree = (uint16_t)l->nchunks;
	memset(l->table, 0xff, 2 * leaf_buckets(l));
	for (i = 0; i < l->nchunks; i++) {
		f[i].type = CHUNK_FREE;
		f[i].next = (uint16_t)(i + 1 < l->nchunks ? i + 1 : CHAIN_END);
	}
}

/* --- arrays: integers, big-endian, 21 bytes per chunk ----------------------------------------- */

static uint64_t
int_get(const void *ints, unsigned intlen, uint64_t i)
{
	switch (intlen) {
	case 1:
		return (((const uint8_t *)ints)[i]);
	case 2:
		return (((const uint16_t *)ints)[i]);
	case 4:
		return (((const uint32_t *)ints)[i]);
	default:
		return (((const uint64_t *)ints)[i]);
	}
}

static void
int_put(void *ints, unsigned intlen, uint64_t i, uint64_t v)
{
	switch (intlen) {
	case 1:
		((uint8_t *)ints)[i] = (uint8_t)v;
		break;
	case 2:
		((uint16_t *)ints)[i] = (uint16_t)v;
		break;
	case 4:
		((uint32_t *)ints)[i] = (uint32_t)v;
		break;
	default:
		((uint64_t *)ints)[i] = v;
	}
}

static unsigned
array_chunks(unsigned intlen, uint64_t num)
{
	return ((unsigned)((intlen * num + ARRAY_BYTES - 1) / ARRAY_BYTES));
}

/* The caller made sure that there are enough free chunks; CHAIN_END: damaged free list. */
static uint16_t
array_new(struct zap_leaf *l, const void *ints, unsigned intlen, uint64_t num)
{
	uint16_t first = CHAIN_END, *link = &first;
	struct leaf_array *a = NULL;
	size_t byte = 0;
	uint64_t i;
	int b;

	for (i = 0; i < num; i++) {
		uint64_t v = int_get(ints, intlen, i);

		for (b = (int)intlen - 1; b >= 0; b--, byte++) {
			if (byte % ARRAY_BYTES == 0) {
				if ((a = chunk_alloc(l, CHUNK_ARRAY)) == NULL)
					return (CHAIN_END);
				*link = chunk_number(l, a);
				a->next = CHAIN_END;
				link = &a->next;
			}
			a->bytes[byte % ARRAY_BYTES] = (uint8_t)(v >> (8 * b));
		}
	}
	return (first);
}

static int
array_free(struct zap_leaf *l, unsigned n)
{
	while (n != CHAIN_END) {
		struct leaf_array *a = leaf_chunk(l, n, CHUNK_ARRAY);

		if (a == NULL)
			return (-EILSEQ);
		n = a->next;
		chunk_free(l, a); /* a loop meets a free chunk and ends above */
	}
	return (0);
}

struct array_reader {
	const struct zap_leaf *l;
	const struct leaf_array *a;
	unsigned next, byte;
};

static int
array_byte(struct array_reader *r)
{
	if (r->byte == ARRAY_BYTES || r->a == NULL) {
		if ((r->a = leaf_chunk(r->l, r->next, CHUNK_ARRAY)) == NULL)
			return (-EILSEQ);
		r->next = r->a->next;
		r->byte = 0;
	}
	return (r->a->bytes[r->byte++]);
}

static int
array_int(struct array_reader *r, unsigned intlen, uint64_t *v)
{
	*v = 0;
	while (intlen-- > 0) {
		int b = array_byte(r);

		if (b < 0)
			return (b);
		*v = *v << 8 | (unsigned)b;
	}
	return (0);
}

static int
array_read(const struct zap_leaf *l, unsigned chunk, unsigned intlen, uint64_t num,
    unsigned out_intlen, void *out)
{
	struct array_reader r = {l, NULL, chunk, 0};
	uint64_t i, v;
	int rc;

	for (i = 0; i < num; i++) {
		if ((rc = array_int(&r, intlen, &v)) != 0)
			return (rc);
		int_put(out, out_intlen, i, v);
	}
	return (0);
}

static uint64_t
fold_case(uint64_t c)
{
	return (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* 1 equal, 0 different, -EILSEQ */
static int
array_equals(const struct zap_leaf *l, unsigned chunk, const struct zap_key *k)
{
	struct array_reader r = {l, NULL, chunk, 0};
	uint64_t i, v, w;
	int rc;

	for (i = 0; i < k->num; i++) {
		if ((rc = array_int(&r, k->intlen, &v)) != 0)
			return (rc);
		w = int_get(k->ints, k->intlen, i);
		if (v != w && (!k->fold || fold_case(v) != fold_case(w)))
			return (0);
	}
	return (1);
}

/* --- entries ---------------------------------------------------------------------------------- */

static uint16_t *
leaf_bucket(const struct zap_leaf *l, uint64_t hash)
{
	unsigned bits = l->shift - 5;

	return (&l->table[(hash >> (64 - bits - l->h->prefix_len)) & ((1u << bits) - 1)]);
}

/* Step along a chain (invariant 1): 1 with *le set, 0 at its end, -EILSEQ. */
static int
chain_step(const struct zap_leaf *l, unsigned n, unsigned *steps, struct leaf_entry **le)
{
	if (n == CHAIN_END)
		return (0);
	*le = leaf_chunk(l, n, CHUNK_ENTRY);
	return (*le == NULL || ++*steps > l->nchunks ? -EILSEQ : 1);
}

int
leaf_find(const struct zap_leaf *l, const struct zap_key *k, struct leaf_entry **out)
{
	unsigned n = *leaf_bucket(l, k->hash), steps = 0;
	struct leaf_entry *le;
	int rc;

	for (; (rc = chain_step(l, n, &steps, &le)) > 0; n = le->next) {
		if (le->hash != k->hash || le->name_num != k->num)
			continue;
		if ((rc = array_equals(l, le->name_chunk, k)) < 0)
			return (rc);
		if (rc > 0) {
			*out = le;
			return (0);
		}
	}
	return (rc < 0 ? rc : -ENOENT);
}

static bool
entry_before(const struct leaf_entry *le, const struct zap_pos *p)
{
	return (le->hash != p->hash ? le->hash < p->hash : le->cd < p->cd);
}

/* The first entry at or after pos, which lies in this leaf. */
int
leaf_closest(const struct zap_leaf *l, const struct zap_pos *pos, struct leaf_entry **out)
{
	uint16_t *b = leaf_bucket(l, pos->hash), *end = l->table + leaf_buckets(l);
	struct leaf_entry *best = NULL, *le;
	struct zap_pos best_pos = {0, 0};
	unsigned steps = 0;
	int rc;

	for (; b < end && best == NULL; b++) {
		unsigned n = *b;

		for (; (rc = chain_step(l, n, &steps, &le)) > 0; n = le->next) {
			if (entry_before(le, pos) || (best != NULL && !entry_before(le, &best_pos)))
				continue;
			best = le;
			best_pos = leaf_entry_pos(le);
		}
		if (rc < 0)
			return (rc);
	}
	*out = best;
	return (best != NULL ? 0 : -ENOENT);
}

struct zap_pos
leaf_entry_pos(const struct leaf_entry *le)
{
	return ((struct zap_pos){le->hash, le->cd});
}

void
leaf_entry_shape(const struct leaf_entry *le, unsigned *intlen, uint64_t *num)
{
	*intlen = le->value_intlen;
	*num = le->value_num;
}

int
leaf_entry_value(const struct zap_leaf *l, const struct leaf_entry *le, unsigned intlen,
    uint64_t num, void *buf)
{
	unsigned have = le->value_intlen;

	if (have != 1 && have != 2 && have != 4 && have != 8)
		return (-EILSEQ);
	if (have > intlen)
		return (-EINVAL);
	if (le->value_num > num)
		return (-EOVERFLOW);
	return (array_read(l, le->value_chunk, have, le->value_num, intlen, buf));
}

/* The first integer, 0 when there is none. */
int
leaf_entry_first(const struct zap_leaf *l, const struct leaf_entry *le, uint64_t *v)
{
	struct array_reader r = {l, NULL, le->value_chunk, 0};

	*v = 0;
	if (le->value_intlen == 0 || le->value_intlen > 8)
		return (-EILSEQ);
	return (le->value_num == 0 ? 0 : array_int(&r, le->value_intlen, v));
}

/* A string's bytes with their NUL. */
int
leaf_entry_name(const struct zap_leaf *l, const struct leaf_entry *le, char *buf, size_t size)
{
	int rc;

	if (le->name_num == 0 || le->name_num > size)
		return (-EILSEQ);
	if ((rc = array_read(l, le->name_chunk, 1, le->name_num, 1, buf)) != 0)
		return (rc);
	return (memchr(buf, '\0', le->name_num) == buf + le->name_num - 1 ? 0 : -EILSEQ);
}

unsigned
leaf_chunks_needed(const struct zap_key *k, const struct zap_value *v)
{
	return (1 + array_chunks(k->intlen, k->num) + array_chunks(v->intlen, v->num));
}

/* Invariant 2. */
static int
leaf_link(struct zap_leaf *l, struct leaf_entry *le)
{
	uint16_t *link = leaf_bucket(l, le->hash);
	unsigned steps = 0;
	struct leaf_entry *other;
	int rc;

	while ((rc = chain_step(l, *link, &steps, &other)) > 0 && other->cd <= le->cd)
		link = &other->next;
	if (rc < 0)
		return (rc);
	le->next = *link;
	*link = chunk_number(l, le);
	return (0);
}

static int
leaf_free_cd(const struct zap_leaf *l, uint64_t hash, uint32_t *cd)
{
	unsigned n, steps;
	struct leaf_entry *le;
	bool again;
	int rc;

	*cd = 0;
	do { /* chains that others made may be in no order */
		again = false;
		n = *leaf_bucket(l, hash);
		for (steps = 0; (rc = chain_step(l, n, &steps, &le)) > 0; n = le->next) {
			if (le->hash == hash && le->cd == *cd) {
				++*cd;
				again = true;
			}
		}
	} while (again && rc == 0);
	return (rc);
}

int
leaf_add(struct zap_leaf *l, const struct zap_key *k, const struct zap_value *v, int64_t cd)
{
	struct leaf_entry *le;
	uint32_t free_cd = 0;
	int rc;

	if (l->h->nfree < leaf_chunks_needed(k, v))
		return (-ENOBUFS);
	if (cd < 0 && (rc = leaf_free_cd(l, k->hash, &free_cd)) != 0)
		return (rc);
	if ((le = chunk_alloc(l, CHUNK_ENTRY)) == NULL)
		return (-EILSEQ);
	le->value_intlen = (uint8_t)v->intlen;
	le->cd = cd < 0 ? free_cd : (uint32_t)cd;
	le->hash = k->hash;
	le->name_num = (uint16_t)k->num;
	le->value_num = (uint16_t)v->num;
	le->name_chunk = array_new(l, k->ints, k->intlen, k->num);
	le->value_chunk = array_new(l, v->ints, v->intlen, v->num);
	if (le->name_chunk == CHAIN_END || (le->value_chunk == CHAIN_END && v->num > 0))
		return (-EILSEQ);
	l->h->nentries++;
	return (leaf_link(l, le));
}

/* Replace the value; -ENOBUFS leaves the entry as it was. */
int
leaf_set(struct zap_leaf *l, struct leaf_entry *le, const struct zap_value *v)
{
	unsigned has = array_chunks(le->value_intlen, le->value_num);
	unsigned wants = array_chunks(v->intlen, v->num);
	int rc;

	if (wants > has && wants - has > l->h->nfree)
		return (-ENOBUFS);
	if ((rc = array_free(l, le->value_chunk)) != 0)
		return (rc);
	le->value_intlen = (uint8_t)v->intlen;
	le->value_num = (uint16_t)v->num;
	le->value_chunk = array_new(l, v->ints, v->intlen, v->num);
	return (le->value_chunk == CHAIN_END && v->num > 0 ? -EILSEQ : 0);
}

int
leaf_remove(struct zap_leaf *l, struct leaf_entry *le)
{
	uint16_t *link = leaf_bucket(l, le->hash);
	unsigned steps = 0;
	struct leaf_entry *other;
	int rc;

	while ((rc = chain_step(l, *link, &steps, &other)) > 0 && other != le)
		link = &other->next;
	if (rc <= 0 || l->h->nentries == 0)
		return (-EILSEQ);
	*link = le->next;
	if ((rc = array_free(l, le->name_chunk)) != 0 || (rc = array_free(l, le->value_chunk)) != 0)
		return (rc);
	chunk_free(l, le);
	l->h->nentries--;
	return (0);
}

/* --- splitting -------------------------------------------------------------------------------- */

static uint16_t
array_copy(const struct zap_leaf *from, unsigned n, struct zap_leaf *to)
{
	uint16_t first = CHAIN_END, *link = &first;
	const struct leaf_array *a;
	struct leaf_array *b;

	for (; n != CHAIN_END; n = a->next) {
		if ((a = leaf_chunk(from, n, CHUNK_ARRAY)) == NULL ||
		    (b = chunk_alloc(to, CHUNK_ARRAY)) == NULL)
			return (CHAIN_END);
		memcpy(b->bytes, a->bytes, sizeof(b->bytes));
		*link = chunk_number(to, b);
		b->next = CHAIN_END;
		link = &b->next;
	}
	return (first);
}

static int
entry_copy(const struct zap_leaf *from, const struct leaf_entry *le, struct zap_leaf *to)
{
	struct leaf_entry *new = chunk_alloc(to, CHUNK_ENTRY);

	if (new == NULL)
		return (-EILSEQ);
	*new = *le;
	new->name_chunk = array_copy(from, le->name_chunk, to);
	new->value_chunk = array_copy(from, le->value_chunk, to);
	if (new->name_chunk == CHAIN_END || (new->value_chunk == CHAIN_END && le->value_num > 0))
		return (-EILSEQ);
	to->h->nentries++;
	return (leaf_link(to, new));
}

/* Move the entries with the next hash bit set to `upper`, an unused block; both get longer prefixes. */
int
leaf_split(struct zap_leaf *l, struct zap_leaf *upper)
{
	unsigned len = l->h->prefix_len + 1u, i;
	uint64_t prefix = l->h->prefix << 1;
	struct zap_leaf old = *l;
	void *copy = malloc(1u << l->shift);
	int rc = 0;

	if (copy == NULL)
		return (-ENOMEM);
	memcpy(copy, l->h, 1u << l->shift);
	leaf_map(&old, copy, l->shift);
	leaf_format(l, prefix, len);
	leaf_format(upper, prefix + 1, len);
	for (i = 0; i < old.nchunks && rc == 0; i++) {
		const struct leaf_entry *le = leaf_chunk(&old, i, CHUNK_ENTRY);

		if (le != NULL)
			rc = entry_copy(&old, le, le->hash >> (64 - len) & 1 ? upper : l);
	}
	free(copy);
	return (rc);
}
