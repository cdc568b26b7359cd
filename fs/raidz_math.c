/* SPDX-License-Identifier: MIT */
/*
 * raidz_math: parity and products in GF(256), polynomial 0x11d.
 *
 * Theory
 * ------
 * P, Q and R are the values at 1, 2 and 4 of the polynomial whose coefficients are the data columns, by
 * Horner's rule: one doubling and one xor per column and byte (two doublings for R).  All parities are
 * made in one pass: a chunk of each data column is read once, the parities of that chunk stay in
 * registers, and each is written once.  So the memory is read once and the speed is that of a copy.
 *
 * Doubling a vector of bytes: add each to itself, and where the top bit was set xor 0x1d.  The product
 * with a constant is linear: two look-ups of 16 entries, by the low and by the high half of the byte,
 * which SSSE3 and AVX2 do for a whole register at once; without them, doublings and xors by the bits
 * of the constant.
 *
 * The scalar twin works byte by byte and is what the others are checked against.  Which one is used is
 * measured once per process: a processor that has an instruction does not always profit from it.
 *
 * The order of operations is the same in all of them, so there is nothing to agree on but the result.
 */
#include "raidz_math.h"

#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define CHUNK 64u

/* --- bytes ------------------------------------------------------------------------------------ */

static uint8_t
gf_double(uint8_t v)
{
	return ((uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0)));
}

uint8_t
gf_mul(uint8_t a, uint8_t b)
{
	uint8_t r = 0;

	for (; b != 0; b >>= 1, a = gf_double(a)) {
		if (b & 1)
			r ^= a;
	}
	return (r);
}

/* --- the scalar twin -------------------------------------------------------------------------- */

static void
parity_scalar(const struct raidz_columns *c, unsigned p, uint8_t *const *out)
{
	for (size_t i = 0; i < c->len[0]; i++) {
		uint8_t v[RAIDZ_PARITY_MAX] = {0};

		for (unsigned k = 0; k < c->n; k++) {
			uint8_t d = i < c->len[k] ? c->data[k][i] : 0;

			v[0] ^= d;
			v[1] = gf_double(v[1]) ^ d;
			v[2] = gf_double(gf_double(v[2])) ^ d;
		}
		for (unsigned j = 0; j < p; j++)
			out[j][i] = v[j];
	}
}

static void
mul_xor_scalar(uint8_t *dst, const uint8_t *src, size_t len, uint8_t c)
{
	uint8_t table[256];

	for (unsigned i = 0; i < 256; i++)
		table[i] = gf_mul((uint8_t)i, c);
	for (size_t i = 0; i < len; i++)
		dst[i] ^= table[src[i]];
}

/* --- vectors ---------------------------------------------------------------------------------- */

typedef uint8_t vec16 __attribute__((vector_size(16)));
typedef uint8_t vec32 __attribute__((vector_size(32)));
typedef uint8_t vec64 __attribute__((vector_size(64)));
typedef int8_t svec16 __attribute__((vector_size(16)));
typedef int8_t svec32 __attribute__((vector_size(32)));
typedef int8_t svec64 __attribute__((vector_size(64)));

/* How many columns reach to the chunk at `at`: the first ones. */
static unsigned
columns_at(const struct raidz_columns *c, size_t at)
{
	unsigned n = c->n;

	while (n > 0 && c->len[n - 1] <= at)
		n--;
	return (n);
}

#define DOUBLE(vec, svec, v) (((v) + (v)) ^ ((vec)((svec)(v) < 0) & 0x1d))

/*
 * `bytes` of each of the first `have` columns at `at`; the others are zeros there.  Everything but
 * `have` is a constant, so that the loops over it and the registers that it does not need are gone.
 */
#define PARITY_STEP(vec, svec, p, bytes, have)                                                     \
	do {                                                                                       \
		vec v[p][(bytes) / sizeof(vec)], d[(bytes) / sizeof(vec)];                         \
		memset(v, 0, sizeof(v));                                                           \
		for (unsigned k = 0; k < ((p) > 1 ? c->n : (have)); k++) {                         \
			if (k < (have))                                                            \
				memcpy(d, c->data[k] + at, bytes);                                 \
			else                                                                       \
				memset(d, 0, sizeof(d));                                           \
			for (unsigned i = 0; i < (bytes) / sizeof(vec); i++) {                     \
				v[0][i] ^= d[i];                                                   \
				if ((p) > 1)                                                       \
					v[(p) > 1][i] = DOUBLE(vec, svec, v[(p) > 1][i]) ^ d[i];   \
				if ((p) > 2) {                                                     \
					vec twice = DOUBLE(vec, svec, v[(p) - 1][i]);              \
					v[(p) - 1][i] = DOUBLE(vec, svec, twice) ^ d[i];           \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
		for (unsigned j = 0; j < (p); j++)                                                 \
			memcpy(out[j] + at, v[j], bytes);                                          \
	} while (0)

/*
 * Columns are a power of two apart most of the time, so the same place of all of them competes for a
 * few lines of the first cache: each visit of a column takes as much as the registers hold.
 */
#define VISIT(vec, p) ((p) == 1 || sizeof(vec) == CHUNK ? 4 * CHUNK : 2 * CHUNK)
#define PARITY_BODY(vec, svec, p)                                                                  \
	size_t at = 0, whole = c->n > 0 ? c->len[c->n - 1] / VISIT(vec, p) * VISIT(vec, p) : 0;              \
	for (; at < whole; at += VISIT(vec, p))                                                         \
		PARITY_STEP(vec, svec, p, VISIT(vec, p), c->n);                                         \
	for (; c->n > 0 && at < c->len[0]; at += CHUNK) {                                          \
		unsigned have = columns_at(c, at);                                                 \
		PARITY_STEP(vec, svec, p, CHUNK, have);                                            \
	}

#define PARITY(name, target_, vec, svec)                                                           \
	target_ static void name##_1(const struct raidz_columns *c, uint8_t *const *out)           \
	{                                                                                          \
		PARITY_BODY(vec, svec, 1)                                                          \
	}                                                                                          \
	target_ static void name##_2(const struct raidz_columns *c, uint8_t *const *out)           \
	{                                                                                          \
		PARITY_BODY(vec, svec, 2)                                                          \
	}                                                                                          \
	target_ static void name##_3(const struct raidz_columns *c, uint8_t *const *out)           \
	{                                                                                          \
		PARITY_BODY(vec, svec, 3)                                                          \
	}                                                                                          \
	static void name(const struct raidz_columns *c, unsigned p, uint8_t *const *out)           \
	{                                                                                          \
		(p == 1 ? name##_1 : p == 2 ? name##_2 : name##_3)(c, out);                        \
	}

PARITY(parity_sse2, , vec16, svec16)
PARITY(parity_avx2, __attribute__((target("avx2"))), vec32, svec32)
PARITY(parity_avx512, __attribute__((target("avx512bw"))), vec64, svec64)

static void
mul_xor_sse2(uint8_t *dst, const uint8_t *src, size_t len, uint8_t c)
{
	for (size_t at = 0; at < len; at += sizeof(vec16)) {
		vec16 s, d, sum = {0};

		memcpy(&s, src + at, sizeof(s));
		memcpy(&d, dst + at, sizeof(d));
		for (unsigned bits = c; bits != 0; bits >>= 1) {
			if (bits & 1)
				sum ^= s;
			s = DOUBLE(vec16, svec16, s);
		}
		d ^= sum;
		memcpy(dst + at, &d, sizeof(d));
	}
}

/* c times each value of the low half, and of the high half, of a byte. */
static void
half_tables(uint8_t c, uint8_t low[16], uint8_t high[16])
{
	for (unsigned i = 0; i < 16; i++) {
		low[i] = gf_mul((uint8_t)i, c);
		high[i] = gf_mul((uint8_t)(i << 4), c);
	}
}

__attribute__((target("ssse3"))) static void
mul_xor_ssse3(uint8_t *dst, const uint8_t *src, size_t len, uint8_t c)
{
	__m128i low, high, mask = _mm_set1_epi8(15);
	uint8_t t[2][16];

	half_tables(c, t[0], t[1]);
	memcpy(&low, t[0], sizeof(low));
	memcpy(&high, t[1], sizeof(high));
	for (size_t at = 0; at < len; at += sizeof(low)) {
		__m128i s, d;

		memcpy(&s, src + at, sizeof(s));
		memcpy(&d, dst + at, sizeof(d));
		d = _mm_xor_si128(d, _mm_shuffle_epi8(low, _mm_and_si128(s, mask)));
		s = _mm_and_si128(_mm_srli_epi64(s, 4), mask);
		d = _mm_xor_si128(d, _mm_shuffle_epi8(high, s));
		memcpy(dst + at, &d, sizeof(d));
	}
}

__attribute__((target("avx2"))) static void
mul_xor_avx2(uint8_t *dst, const uint8_t *src, size_t len, uint8_t c)
{
	__m256i low, high, mask = _mm256_set1_epi8(15);
	uint8_t t[2][16];

	half_tables(c, t[0], t[1]);
	low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)t[0]));
	high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)t[1]));
	for (size_t at = 0; at < len; at += sizeof(low)) {
		__m256i s, d;

		memcpy(&s, src + at, sizeof(s));
		memcpy(&d, dst + at, sizeof(d));
		d = _mm256_xor_si256(d, _mm256_shuffle_epi8(low, _mm256_and_si256(s, mask)));
		s = _mm256_and_si256(_mm256_srli_epi64(s, 4), mask);
		d = _mm256_xor_si256(d, _mm256_shuffle_epi8(high, s));
		memcpy(dst + at, &d, sizeof(d));
	}
}

/* --- choosing --------------------------------------------------------------------------------- */

static const struct raidz_math all[] = {
	{"scalar", parity_scalar, mul_xor_scalar},
	{"sse2", parity_sse2, mul_xor_sse2},
	{"ssse3", parity_sse2, mul_xor_ssse3},
	{"avx2", parity_avx2, mul_xor_avx2},
	{"avx512", parity_avx512, mul_xor_avx2},
};

static bool
runs_here(const struct raidz_math *m)
{
	if (m->parity == parity_avx512)
		return (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx2"));
	if (m->parity == parity_avx2)
		return (__builtin_cpu_supports("avx2"));
	return (m->mul_xor != mul_xor_ssse3 || __builtin_cpu_supports("ssse3"));
}

const struct raidz_math *
raidz_math_at(unsigned i)
{
	for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		if (runs_here(&all[k]) && i-- == 0)
			return (&all[k]);
	}
	return (NULL);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

/* The best of a few rounds of what a small raidz2 does, so that an interruption does not decide. */
static uint64_t
measure(const struct raidz_math *m)
{
	enum { COLUMN = 8192, ROUNDS = 4 };
	static uint8_t data[2][COLUMN], out[2][COLUMN];
	const uint8_t *const in[] = {data[0], data[1]};
	uint8_t *const to[] = {out[0], out[1]};
	const size_t len[] = {COLUMN, COLUMN};
	struct raidz_columns c = {2, in, len};
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns(), took;

		m->parity(&c, 2, to);
		m->mul_xor(out[0], data[0], COLUMN, 0x57);
		took = now_ns() - start;
		best = took < best ? took : best;
	}
	return (best);
}

static const struct raidz_math *fastest;

static void
choose_fastest(void)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; raidz_math_at(i) != NULL; i++) {
		uint64_t took = measure(raidz_math_at(i));

		if (took < best) {
			best = took;
			fastest = raidz_math_at(i);
		}
	}
}

const struct raidz_math *
raidz_math(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, choose_fastest);
	return (fastest);
}
