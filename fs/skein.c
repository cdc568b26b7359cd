/* SPDX-License-Identifier: MIT */
/*
 * Skein-512-256 with a key (the Skein hash function family, version 1.3), for checksum=skein.
 *
 * Skein chains the block cipher Threefish-512 (UBI): each 64-byte block is encrypted under the chain
 * value as key and a tweak that says how many bytes went in, what kind of block this is and whether it
 * is the first or last of its kind; the result xor the block is the next chain value. A keyed hash is
 * four such chains: key, configuration, message, output. All words are little-endian.
 */
#include <string.h>

#include "checksum_impl.h"

enum { WORDS = 8, BLOCK = 64, ROUNDS = 72 };
enum { TYPE_KEY = 0, TYPE_CONFIG = 4, TYPE_MESSAGE = 48, TYPE_OUTPUT = 63 };
#define TWEAK_FIRST (1ULL << 62)
#define TWEAK_FINAL (1ULL << 63)
#define KEY_PARITY 0x1BD11BDAA9FC1A22ULL

static inline uint64_t
rol(uint64_t v, unsigned n)
{
	return (v << n | v >> (64 - n));
}

static void
add_subkey(uint64_t v[WORDS], const uint64_t k[WORDS + 1], const uint64_t t[3], unsigned s)
{
	for (unsigned i = 0; i < WORDS; i++)
		v[i] += k[(s + i) % (WORDS + 1)];
	v[5] += t[s % 3];
	v[6] += t[(s + 1) % 3];
	v[7] += s;
}

static void
mix_and_permute(uint64_t v[WORDS], unsigned round)
{
	static const uint8_t rotation[8][4] = {{46, 36, 19, 37}, {33, 27, 14, 42}, {17, 49, 36, 39},
	    {44, 9, 54, 56}, {39, 30, 34, 24}, {13, 50, 10, 17}, {25, 29, 39, 43}, {8, 35, 56, 22}};
	static const uint8_t from[WORDS] = {2, 1, 4, 7, 6, 5, 0, 3};
	uint64_t w[WORDS];

	for (unsigned j = 0; j < WORDS / 2; j++) {
		v[2 * j] += v[2 * j + 1];
		v[2 * j + 1] = rol(v[2 * j + 1], rotation[round % 8][j]) ^ v[2 * j];
	}
	for (unsigned i = 0; i < WORDS; i++)
		w[i] = v[from[i]];
	memcpy(v, w, sizeof(w));
}

/* One block of a chain: g is the chain value. */
static void
ubi_block(uint64_t g[WORDS], const uint8_t *block, const uint64_t tweak[2])
{
	uint64_t k[WORDS + 1], t[3] = {tweak[0], tweak[1], tweak[0] ^ tweak[1]}, v[WORDS], m[WORDS];

	k[WORDS] = KEY_PARITY;
	for (unsigned i = 0; i < WORDS; i++) {
		k[i] = g[i];
		k[WORDS] ^= g[i];
	}
	memcpy(m, block, BLOCK);
	memcpy(v, m, BLOCK);
	for (unsigned r = 0; r < ROUNDS; r++) {
		if (r % 4 == 0)
			add_subkey(v, k, t, r / 4);
		mix_and_permute(v, r);
	}
	add_subkey(v, k, t, ROUNDS / 4);
	for (unsigned i = 0; i < WORDS; i++)
		g[i] = v[i] ^ m[i];
}

static void
ubi(uint64_t g[WORDS], unsigned type, const void *data, size_t len)
{
	uint64_t tweak[2] = {0, (uint64_t)type << 56 | TWEAK_FIRST};
	const uint8_t *p = data;

	for (; len > BLOCK; len -= BLOCK, p += BLOCK) {
		tweak[0] += BLOCK;
		ubi_block(g, p, tweak);
		tweak[1] &= ~TWEAK_FIRST;
	}
	uint8_t last[BLOCK] = {0};

	memcpy(last, p, len);
	tweak[0] += len;
	tweak[1] |= TWEAK_FINAL;
	ubi_block(g, last, tweak);
}

void
skein_512_256_mac(const uint8_t key[32], const void *data, size_t len, uint8_t digest[32])
{
	const uint64_t config[4] = {0x0000000133414853ULL, 256, 0, 0}, counter = 0;
	uint64_t g[WORDS] = {0};

	ubi(g, TYPE_KEY, key, 32);
	ubi(g, TYPE_CONFIG, config, sizeof(config));
	ubi(g, TYPE_MESSAGE, data, len);
	ubi(g, TYPE_OUTPUT, &counter, sizeof(counter));
	memcpy(digest, g, 32);
}
