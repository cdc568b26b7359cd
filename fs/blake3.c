/* SPDX-License-Identifier: MIT */
/*
 * BLAKE3 with a key, 32 bytes of output, for checksum=blake3.
 *
 * The input is cut into chunks of 1024 bytes, each hashed alone: 16 blocks through one compression
 * function, chained.  The chain values are the leaves of a binary tree in which the left subtree of
 * every node is full and as large as it can be; a parent compresses the 64 bytes of its children's
 * chain values.  The last compression of all carries the flag ROOT and is the digest.
 *
 * Chunks do not depend on each other, so eight run in the lanes of a vector: the same compression
 * function with a vector in the place of a word, compiled for AVX2 and picked at run time.  A stack of at
 * most one subtree a level, merged as a binary counter carries, needs no tree in memory.
 *
 * The compression function is that of the BLAKE3 paper (2020), chapter 2: a state of 16 words, seven
 * rounds of column and diagonal mixing, the message permuted between rounds.
 */
#include <string.h>

#include "checksum_impl.h"

enum { CHUNK = 1024, BLOCK = 64, LANES = 8, ROUNDS = 7, DEPTH_MAX = 54 };
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8, KEYED = 16 };

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

static const uint32_t iv[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F,
    0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/* The message word that each round takes at each place: the permutation applied again and again. */
static const uint8_t schedule[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

/* One text for a word and for a vector of words: only the type of the variables differs. */
#define ROR(v, n) ((v) >> (n) | (v) << (32 - (n)))
#define MIX(a, b, c, d, x, y)                                                                      \
	(a += b + (x), d ^= a, d = ROR(d, 16), c += d, b ^= c, b = ROR(b, 12), a += b + (y), d ^= a,   \
	    d = ROR(d, 8), c += d, b ^= c, b = ROR(b, 7))
#define ROUND(v, m, s)                                                                             \
	do {                                                                                       \
		MIX(v[0], v[4], v[8], v[12], m[(s)[0]], m[(s)[1]]);                                \
		MIX(v[1], v[5], v[9], v[13], m[(s)[2]], m[(s)[3]]);                                \
		MIX(v[2], v[6], v[10], v[14], m[(s)[4]], m[(s)[5]]);                               \
		MIX(v[3], v[7], v[11], v[15], m[(s)[6]], m[(s)[7]]);                               \
		MIX(v[0], v[5], v[10], v[15], m[(s)[8]], m[(s)[9]]);                               \
		MIX(v[1], v[6], v[11], v[12], m[(s)[10]], m[(s)[11]]);                             \
		MIX(v[2], v[7], v[8], v[13], m[(s)[12]], m[(s)[13]]);                              \
		MIX(v[3], v[4], v[9], v[14], m[(s)[14]], m[(s)[15]]);                              \
	} while (0)

/* --- one chain value at a time --- */

static void
load_words(uint32_t *w, const uint8_t *p, size_t n)
{
	memcpy(w, p, 4 * n); /* little-endian, as the host is */
}

static void
compress(uint32_t cv[8], const uint8_t block[BLOCK], unsigned len, uint64_t counter, unsigned flags)
{
	uint32_t v[16], m[16];

	load_words(m, block, 16);
	memcpy(v, cv, 32);
	memcpy(v + 8, iv, 16);
	v[12] = (uint32_t)counter;
	v[13] = (uint32_t)(counter >> 32);
	v[14] = len;
	v[15] = flags;
	for (int r = 0; r < ROUNDS; r++)
		ROUND(v, m, schedule[r]);
	for (int i = 0; i < 8; i++)
		cv[i] = v[i] ^ v[i + 8];
}

/* A chunk of up to CHUNK bytes; the last one may be shorter, or empty when there is no input. */
static void
hash_chunk(const uint32_t key[8], const uint8_t *p, size_t len, uint64_t counter, unsigned flags,
    uint32_t cv[8])
{
	unsigned start = CHUNK_START;
	uint8_t last[BLOCK] = {0};

	memcpy(cv, key, 32);
	for (; len > BLOCK; p += BLOCK, len -= BLOCK, start = 0)
		compress(cv, p, BLOCK, counter, KEYED | start);
	if (len > 0)
		memcpy(last, p, len);
	compress(cv, last, (unsigned)len, counter, KEYED | start | CHUNK_END | flags);
}

/* --- eight whole chunks at a time --- */

__attribute__((target("avx2"))) static void
compress_lanes(lanes cv[8], const uint8_t *p, const lanes counter[2], unsigned flags)
{
	lanes v[16], m[16];

	for (int i = 0; i < 16; i++) {
		for (int l = 0; l < LANES; l++)
			memcpy((uint8_t *)&m[i] + 4 * l, p + l * CHUNK + 4 * i, 4);
	}
	memcpy(v, cv, 8 * sizeof(v[0]));
	for (int i = 0; i < 4; i++)
		v[8 + i] = iv[i] - (lanes){0};
	v[12] = counter[0];
	v[13] = counter[1];
	v[14] = BLOCK - (lanes){0};
	v[15] = flags - (lanes){0};
	for (int r = 0; r < ROUNDS; r++)
		ROUND(v, m, schedule[r]);
	for (int i = 0; i < 8; i++)
		cv[i] = v[i] ^ v[i + 8];
}

__attribute__((target("avx2"))) static void
hash_chunks_avx2(const uint32_t key[8], const uint8_t *p, uint64_t first, uint32_t out[LANES][8])
{
	lanes cv[8], counter[2];

	for (int i = 0; i < 8; i++)
		cv[i] = key[i] - (lanes){0};
	for (int l = 0; l < LANES; l++) {
		counter[0][l] = (uint32_t)(first + (unsigned)l);
		counter[1][l] = (uint32_t)((first + (unsigned)l) >> 32);
	}
	for (int b = 0; b < CHUNK / BLOCK; b++)
		compress_lanes(cv, p + b * BLOCK, counter, KEYED | (b == 0 ? CHUNK_START : 0) |
		    (b == CHUNK / BLOCK - 1 ? CHUNK_END : 0));
	for (int l = 0; l < LANES; l++) {
		for (int i = 0; i < 8; i++)
			out[l][i] = cv[i][l];
	}
}

/* --- the tree --- */

struct tree {
	const uint32_t *key;
	uint32_t stack[DEPTH_MAX][8]; /* chain values of full subtrees, the largest first */
	unsigned depth;
	uint64_t chunks; /* in them */
};

static void
hash_parent(const struct tree *t, const uint32_t left[8], const uint32_t right[8], unsigned flags,
    uint32_t cv[8])
{
	uint8_t block[BLOCK];

	memcpy(block, left, 32);
	memcpy(block + 32, right, 32);
	memcpy(cv, t->key, 32);
	compress(cv, block, BLOCK, 0, KEYED | PARENT | flags);
}

/* One more full chunk: merge as often as the count of chunks has zeros at its end. */
static void
tree_push(struct tree *t, const uint32_t chunk[8])
{
	uint32_t cv[8];
	uint64_t n = ++t->chunks;

	memcpy(cv, chunk, sizeof(cv));
	for (; (n & 1) == 0; n >>= 1)
		hash_parent(t, t->stack[--t->depth], cv, 0, cv);
	memcpy(t->stack[t->depth++], cv, sizeof(cv));
}

void
blake3_mac(const uint8_t key[32], const void *data, size_t len, uint8_t digest[32])
{
	const uint8_t *p = data;
	uint32_t k[8], cv[LANES][8];
	struct tree t = {.key = k};

	load_words(k, key, 8);
	if (__builtin_cpu_supports("avx2")) {
		for (; len > LANES * CHUNK; p += LANES * CHUNK, len -= LANES * CHUNK) {
			hash_chunks_avx2(k, p, t.chunks, cv);
			for (int l = 0; l < LANES; l++)
				tree_push(&t, cv[l]);
		}
	}
	/* The last chunk is not pushed: it is the right end of the tree. */
	for (; len > CHUNK; p += CHUNK, len -= CHUNK) {
		hash_chunk(k, p, CHUNK, t.chunks, 0, cv[0]);
		tree_push(&t, cv[0]);
	}
	hash_chunk(k, p, len, t.chunks, t.depth == 0 ? ROOT : 0, cv[0]);
	while (t.depth > 0) {
		t.depth--;
		hash_parent(&t, t.stack[t.depth], cv[0], t.depth == 0 ? ROOT : 0, cv[0]);
	}
	memcpy(digest, cv[0], 32);
}
