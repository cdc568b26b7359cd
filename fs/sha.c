/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, SHA-512 and SHA-512/256 (FIPS 180-4).
 *
 * SHA-256 guards labels, uberblocks and every block of a dataset with checksum=sha256, so where the
 * processor has the SHA instructions they are used; the plain rounds are the twin that tests compare
 * with. SHA-512 exists for datasets that chose it and stays plain.
 */
#include <immintrin.h>
#include <string.h>

#include "smartbox/fs/checksum.h"

static const uint32_t k256[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint64_t k512[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static inline uint32_t
ror32(uint32_t v, unsigned n)
{
	return (v >> n | v << (32 - n));
}

static inline uint64_t
ror64(uint64_t v, unsigned n)
{
	return (v >> n | v << (64 - n));
}

static uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return (__builtin_bswap32(v));
}

static uint64_t
load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return (__builtin_bswap64(v));
}

static void
sha256_block(uint32_t h[8], const uint8_t *p)
{
	uint32_t w[64], v[8], t1, t2;

	for (int i = 0; i < 16; i++)
		w[i] = load_be32(p + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + (ror32(x, 7) ^ ror32(x, 18) ^ x >> 3) + w[i - 7] +
		    (ror32(y, 17) ^ ror32(y, 19) ^ y >> 10);
	}
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		t1 = v[7] + (ror32(v[4], 6) ^ ror32(v[4], 11) ^ ror32(v[4], 25)) +
		    ((v[4] & v[5]) ^ (~v[4] & v[6])) + k256[i] + w[i];
		t2 = (ror32(v[0], 2) ^ ror32(v[0], 13) ^ ror32(v[0], 22)) +
		    ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void
sha256_blocks_scalar(uint32_t h[8], const uint8_t *p, size_t nblocks)
{
	for (; nblocks > 0; nblocks--, p += 64)
		sha256_block(h, p);
}

/*
 * The SHA instructions want the state as two registers, ABEF and CDGH; each step does four rounds
 * and the message schedule of four words runs three steps ahead.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void
sha256_blocks_ni(uint32_t h[8], const uint8_t *p, size_t nblocks)
{
	const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	__m128i lo = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(void *)h), 0xb1);
	__m128i hi = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(void *)(h + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(lo, hi, 8), cdgh = _mm_blend_epi16(hi, lo, 0xf0);

	for (; nblocks > 0; nblocks--, p += 64) {
		__m128i w[4], abef0 = abef, cdgh0 = cdgh;

		for (int i = 0; i < 4; i++)
			w[i] = _mm_shuffle_epi8(
			    _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), order);
		for (int i = 0; i < 16; i++) {
			__m128i k = _mm_loadu_si128((const __m128i *)(const void *)(k256 + 4 * i));
			__m128i m = _mm_add_epi32(w[i & 3], k), t;

			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, m);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(m, 0x0e));
			t = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
			    _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
			w[i & 3] = _mm_sha256msg2_epu32(t, w[(i + 3) & 3]);
		}
		abef = _mm_add_epi32(abef, abef0);
		cdgh = _mm_add_epi32(cdgh, cdgh0);
	}
	lo = _mm_shuffle_epi32(abef, 0x1b);
	hi = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(lo, hi, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(hi, lo, 8));
}

/* Leaf 7 EBX bit 29; gcc 12 has no name for it in __builtin_cpu_supports. */
static bool
cpu_has_sha(void)
{
	uint32_t a = 7, b, c = 0, d;

	if (!__builtin_cpu_supports("sse4.1"))
		return (false);
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return ((b >> 29 & 1) != 0);
}

/* cpuid traps in guests, and costs microseconds there: asked once, before main. */
static bool sha_instructions;

__attribute__((constructor)) static void
sha_detect(void)
{
	__builtin_cpu_init();
	sha_instructions = cpu_has_sha();
}

static void
sha256_blocks(uint32_t h[8], const uint8_t *p, size_t nblocks)
{
	if (sha_instructions)
		sha256_blocks_ni(h, p, nblocks);
	else
		sha256_blocks_scalar(h, p, nblocks);
}

void
sha256_init(struct sha256 *s)
{
	static const uint32_t iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
	    0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(s->h, iv, sizeof(iv));
	s->bytes = 0;
}

void
sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t have = s->bytes % 64, n;

	s->bytes += len;
	if (have != 0) {
		n = len < 64 - have ? len : 64 - have;
		memcpy(s->block + have, p, n);
		p += n;
		len -= n;
		if (have + n < 64)
			return;
		sha256_blocks(s->h, s->block, 1);
	}
	sha256_blocks(s->h, p, len / 64);
	if (len % 64 != 0)
		memcpy(s->block, p + (len & ~(size_t)63), len % 64);
}

void
sha256_end(struct sha256 *s, uint8_t digest[32])
{
	static const uint8_t pad[64] = {0x80};
	uint64_t bits = __builtin_bswap64(s->bytes * 8);

	sha256_add(s, pad, (119 - s->bytes % 64) % 64 + 1);
	sha256_add(s, &bits, 8);
	for (int i = 0; i < 8; i++) {
		uint32_t w = __builtin_bswap32(s->h[i]);

		memcpy(digest + 4 * i, &w, 4);
	}
}

static void
sha512_block(uint64_t h[8], const uint8_t *p)
{
	uint64_t w[80], v[8], t1, t2;

	for (int i = 0; i < 16; i++)
		w[i] = load_be64(p + 8 * i);
	for (int i = 16; i < 80; i++) {
		uint64_t x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + (ror64(x, 1) ^ ror64(x, 8) ^ x >> 7) + w[i - 7] +
		    (ror64(y, 19) ^ ror64(y, 61) ^ y >> 6);
	}
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 80; i++) {
		t1 = v[7] + (ror64(v[4], 14) ^ ror64(v[4], 18) ^ ror64(v[4], 41)) +
		    ((v[4] & v[5]) ^ (~v[4] & v[6])) + k512[i] + w[i];
		t2 = (ror64(v[0], 28) ^ ror64(v[0], 34) ^ ror64(v[0], 39)) +
		    ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void
sha512_init(struct sha512 *s)
{
	static const uint64_t iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
	    0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b,
	    0x5be0cd19137e2179};

	memcpy(s->h, iv, sizeof(iv));
	s->bytes = 0;
}

void
sha512_256_init(struct sha512 *s)
{
	static const uint64_t iv[8] = {0x22312194fc2bf72c, 0x9f555fa3c84c64c2, 0x2393b86b6f53b151,
	    0x963877195940eabd, 0x96283ee2a88effe3, 0xbe5e1e2553863992,
	    0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2};

	memcpy(s->h, iv, sizeof(iv));
	s->bytes = 0;
}

void
sha512_add(struct sha512 *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t have = s->bytes % 128;
		size_t n = len < 128 - have ? len : 128 - have;

		if (have == 0 && len >= 128) {
			sha512_block(s->h, p);
			n = 128;
		} else {
			memcpy(s->block + have, p, n);
			if (have + n == 128)
				sha512_block(s->h, s->block);
		}
		s->bytes += n;
		p += n;
		len -= n;
	}
}

void
sha512_end(struct sha512 *s, uint8_t digest[64])
{
	static const uint8_t pad[128] = {0x80};
	uint64_t bits = __builtin_bswap64(s->bytes * 8), zero = 0;

	sha512_add(s, pad, (239 - s->bytes % 128) % 128 + 1);
	sha512_add(s, &zero, 8);
	sha512_add(s, &bits, 8);
	for (int i = 0; i < 8; i++) {
		uint64_t w = __builtin_bswap64(s->h[i]);

		memcpy(digest + 8 * i, &w, 8);
	}
}
