/* SPDX-License-Identifier: MIT */
/*
 * Edon-R 512 (Gligoroski and others, with the tweak to the compression function of 2009), for
 * checksum=edonr of pools that chose it.
 *
 * The compression function is eight applications of one operation on vectors of eight words,
 *	Q(x, y)_i = s_a ^ s_b ^ s_c + t_d ^ t_e ^ t_f
 * where each s is a rotated sum of five of the x, each t of five of the y. Which ones is in the tables:
 * they say the same as the two orthogonal Latin squares of the specification. The state is two vectors.
 *
 * The keyed form of the pool format puts one block in front of the data, made of the pool's salt:
 * the hash of the salt and the hash of that.
 */
#include <string.h>

#include "checksum_impl.h"

enum { WORDS = 8, BLOCK = 128, LENGTH_AT = 120 };
#define PATTERN 0xaaaaaaaaaaaaaaaaULL

struct sum_of {
	uint8_t term[5], rotate;
};
static const struct sum_of first[WORDS] = {
    {{0, 1, 2, 4, 7}, 0}, {{0, 1, 3, 4, 7}, 5}, {{0, 1, 4, 6, 7}, 15}, {{2, 3, 5, 6, 7}, 22},
    {{1, 2, 3, 5, 6}, 31}, {{0, 2, 3, 4, 5}, 40}, {{0, 1, 5, 6, 7}, 50}, {{2, 3, 4, 5, 6}, 59},
};
static const struct sum_of second[WORDS] = {
    {{0, 1, 2, 5, 7}, 0}, {{0, 1, 3, 4, 6}, 10}, {{0, 1, 2, 3, 5}, 19}, {{2, 3, 4, 6, 7}, 29},
    {{0, 1, 3, 4, 5}, 36}, {{2, 4, 5, 6, 7}, 44}, {{1, 2, 5, 6, 7}, 48}, {{0, 3, 4, 6, 7}, 55},
};
static const uint8_t of_first[WORDS][3] = {{0, 1, 4}, {0, 4, 7}, {1, 6, 7}, {2, 3, 4}, {0, 1, 7},
    {3, 5, 6}, {2, 5, 6}, {2, 3, 5}};
static const uint8_t of_second[WORDS][3] = {{0, 1, 5}, {2, 6, 7}, {0, 1, 3}, {0, 3, 4}, {1, 2, 5},
    {3, 4, 6}, {2, 5, 7}, {4, 6, 7}};

static void
sums(uint64_t out[WORDS], const struct sum_of *table, const uint64_t v[WORDS], uint64_t constant)
{
	for (int i = 0; i < WORDS; i++) {
		const struct sum_of *s = &table[i];
		uint64_t w = v[s->term[0]] + v[s->term[1]] + v[s->term[2]] + v[s->term[3]] +
		    v[s->term[4]];

		if (i == 0)
			w += constant;
		out[i] = s->rotate == 0 ? w : w << s->rotate | w >> (64 - s->rotate);
	}
}

static void
quasigroup(uint64_t out[WORDS], const uint64_t x[WORDS], const uint64_t y[WORDS])
{
	uint64_t s[WORDS], t[WORDS];

	sums(s, first, x, PATTERN);
	sums(t, second, y, ~PATTERN);
	for (int i = 0; i < WORDS; i++) {
		const uint8_t *a = of_first[i], *b = of_second[i];

		out[i] = (s[a[0]] ^ s[a[1]] ^ s[a[2]]) + (t[b[0]] ^ t[b[1]] ^ t[b[2]]);
	}
}

struct edonr {
	uint64_t low[WORDS], high[WORDS];
	uint64_t bytes;
};

static void
edonr_init(struct edonr *e)
{
	/* The bytes 0x80, 0x81, ... as big-endian words. */
	for (int i = 0; i < 2 * WORDS; i++) {
		uint64_t w = 0;

		for (int k = 0; k < 8; k++)
			w = w << 8 | (uint64_t)(0x80 + 8 * i + k);
		*(i < WORDS ? &e->low[i] : &e->high[i - WORDS]) = w;
	}
	e->bytes = 0;
}

static void
reverse(uint64_t out[WORDS], const uint64_t in[WORDS])
{
	for (int i = 0; i < WORDS; i++)
		out[i] = in[WORDS - 1 - i];
}

static void
compress(struct edonr *e, const uint8_t *block)
{
	uint64_t d[2 * WORDS], r[WORDS], a[WORDS], b[WORDS];

	memcpy(d, block, BLOCK);
	reverse(r, d + WORDS);
	quasigroup(a, r, d);
	quasigroup(b, a, d + WORDS);
	quasigroup(a, e->high, a);
	quasigroup(b, a, b);
	quasigroup(a, a, e->low);
	quasigroup(b, b, a);
	reverse(r, d);
	quasigroup(a, r, a);
	quasigroup(b, a, b);
	for (int i = 0; i < WORDS; i++) {
		e->low[i] ^= d[WORDS + i] ^ a[i];
		e->high[i] ^= d[i] ^ b[i];
	}
}

/* The last call: whole blocks, then the rest with its padding. */
static void
edonr_end(struct edonr *e, const uint8_t *p, size_t len, uint8_t digest[64])
{
	uint8_t last[2 * BLOCK] = {0};
	uint64_t bits = (e->bytes + len) * 8;
	size_t used;

	for (; len >= BLOCK; len -= BLOCK, p += BLOCK)
		compress(e, p);
	memcpy(last, p, len);
	last[len] = 0x80;
	used = len < LENGTH_AT ? BLOCK : 2 * BLOCK;
	memcpy(last + used - 8, &bits, 8);
	for (size_t i = 0; i < used; i += BLOCK)
		compress(e, last + i);
	memcpy(digest, e->high, 64);
}

static void
edonr_hash(const uint8_t *p, size_t len, uint8_t digest[64])
{
	struct edonr e;

	edonr_init(&e);
	edonr_end(&e, p, len, digest);
}

void
edonr_512_mac(const uint8_t salt[32], const void *data, size_t len, uint8_t digest[64])
{
	uint8_t block[BLOCK];
	struct edonr e;

	edonr_hash(salt, 32, block);
	edonr_hash(block, 64, block + 64);
	edonr_init(&e);
	compress(&e, block);
	e.bytes = BLOCK;
	edonr_end(&e, data, len, digest);
}
