/* SPDX-License-Identifier: MIT */
/*
 * Checksums of blocks.
 *
 * fletcher4 sums 32-bit words into four 64-bit accumulators, each feeding the next:
 *	a += w; b += a; c += b; d += c
 * It is a chain of dependent adds, about 1 word per cycle in plain C. The vector code breaks the
 * chain by running L independent streams (lane j takes words j, j+L, j+2L, ...) and combining at
 * the end. With A, B, C, D the lane sums after n rounds, lane j's word of round i has, counted in
 * words from the end, position (n-1-i)*L + (L-1-j), and the weights of b, c, d are binomials of
 * that position; expressing them in the lane sums gives for L = 4
 *	a = sum A_j
 *	b = sum 4 B_j - j A_j
 *	c = sum 16 C_j - (4j + 6) B_j + j(j-1)/2 A_j
 *	d = sum 64 D_j - (16j + 48) C_j + (2j^2 + 4j + 4) B_j - j(j-1)(j-2)/6 A_j
 * The previous totals continue as polynomials in the number of words m:
 *	b += m a; c += m b + m(m+1)/2 a; d += m c + m(m+1)/2 b + m(m+1)(m+2)/6 a.
 * The scalar twin is what the vector code is checked against.
 *
 * The words of an embedded checksum and its verifier: docs/zfs-format.md, "Embedded checksum".
 */
#include <errno.h>
#include <immintrin.h>
#include <string.h>

#include "checksum_impl.h"
#include "smartbox/fs/checksum.h"

/* --- fletcher --- */

void
fletcher4_add_scalar(struct cksum *acc, const void *data, size_t len)
{
	uint64_t a = acc->w[0], b = acc->w[1], c = acc->w[2], d = acc->w[3];
	const uint8_t *p = data;

	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t w;

		memcpy(&w, p + i, 4);
		a += w;
		b += a;
		c += b;
		d += c;
	}
	*acc = (struct cksum){{a, b, c, d}};
}

void
fletcher4_add_swapped(struct cksum *acc, const void *data, size_t len)
{
	uint64_t a = acc->w[0], b = acc->w[1], c = acc->w[2], d = acc->w[3];
	const uint8_t *p = data;

	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t w;

		memcpy(&w, p + i, 4);
		a += __builtin_bswap32(w);
		b += a;
		c += b;
		d += c;
	}
	*acc = (struct cksum){{a, b, c, d}};
}

/* Lane sums of `rounds` rounds of four words. */
__attribute__((target("avx2"))) static void
fletcher4_lanes_avx2(const uint8_t *p, size_t rounds, uint64_t s[4][4])
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

	for (size_t i = 0; i < rounds; i++, p += 16) {
		a = _mm256_add_epi64(a,
		    _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)p)));
		b = _mm256_add_epi64(b, a);
		c = _mm256_add_epi64(c, b);
		d = _mm256_add_epi64(d, c);
	}
	_mm256_storeu_si256((__m256i *)(void *)s[0], a);
	_mm256_storeu_si256((__m256i *)(void *)s[1], b);
	_mm256_storeu_si256((__m256i *)(void *)s[2], c);
	_mm256_storeu_si256((__m256i *)(void *)s[3], d);
}

/* The same with two registers of two lanes: every x86-64 has SSE2. */
static void
fletcher4_lanes_sse2(const uint8_t *p, size_t rounds, uint64_t s[4][4])
{
	__m128i zero = _mm_setzero_si128();
	__m128i a0 = zero, b0 = zero, c0 = zero, d0 = zero;
	__m128i a1 = zero, b1 = zero, c1 = zero, d1 = zero;

	for (size_t i = 0; i < rounds; i++, p += 16) {
		__m128i w = _mm_loadu_si128((const __m128i *)(const void *)p);

		a0 = _mm_add_epi64(a0, _mm_unpacklo_epi32(w, zero));
		a1 = _mm_add_epi64(a1, _mm_unpackhi_epi32(w, zero));
		b0 = _mm_add_epi64(b0, a0);
		b1 = _mm_add_epi64(b1, a1);
		c0 = _mm_add_epi64(c0, b0);
		c1 = _mm_add_epi64(c1, b1);
		d0 = _mm_add_epi64(d0, c0);
		d1 = _mm_add_epi64(d1, c1);
	}
	_mm_storeu_si128((__m128i *)(void *)&s[0][0], a0);
	_mm_storeu_si128((__m128i *)(void *)&s[0][2], a1);
	_mm_storeu_si128((__m128i *)(void *)&s[1][0], b0);
	_mm_storeu_si128((__m128i *)(void *)&s[1][2], b1);
	_mm_storeu_si128((__m128i *)(void *)&s[2][0], c0);
	_mm_storeu_si128((__m128i *)(void *)&s[2][2], c1);
	_mm_storeu_si128((__m128i *)(void *)&s[3][0], d0);
	_mm_storeu_si128((__m128i *)(void *)&s[3][2], d1);
}

/* n(n+1)/2 and n(n+1)(n+2)/6 mod 2^64, divided before they can overflow. */
static uint64_t
triangle(uint64_t n)
{
	return (n % 2 == 0 ? n / 2 * (n + 1) : (n + 1) / 2 * n);
}

static uint64_t
tetrahedron(uint64_t n)
{
	uint64_t f[3] = {n, n + 1, n + 2};

	f[n % 2] /= 2;
	f[n % 3 == 0 ? 0 : 3 - n % 3] /= 3;
	return (f[0] * f[1] * f[2]);
}

/* Put the sums of m further words, in four lanes, behind what acc has. */
static void
fletcher4_fold(struct cksum *acc, uint64_t m, uint64_t s[4][4])
{
	uint64_t a = acc->w[0], b = acc->w[1], c = acc->w[2], d = acc->w[3];

	acc->w[3] = d + m * c + triangle(m) * b + tetrahedron(m) * a;
	acc->w[2] = c + m * b + triangle(m) * a;
	acc->w[1] = b + m * a;
	for (uint64_t j = 0; j < 4; j++) {
		uint64_t A = s[0][j], B = s[1][j], C = s[2][j], D = s[3][j];

		acc->w[0] += A;
		acc->w[1] += 4 * B - j * A;
		acc->w[2] += 16 * C - (4 * j + 6) * B + j * (j - 1) / 2 * A;
		acc->w[3] += 64 * D - (16 * j + 48) * C + (2 * j * j + 4 * j + 4) * B -
		    (j == 3 ? A : 0);
	}
}

void
fletcher4_add(struct cksum *acc, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t rounds = len / 16;
	uint64_t s[4][4];

	if (rounds >= 4) {
		if (__builtin_cpu_supports("avx2"))
			fletcher4_lanes_avx2(p, rounds, s);
		else
			fletcher4_lanes_sse2(p, rounds, s);
		fletcher4_fold(acc, rounds * 4, s);
		p += rounds * 16;
		len -= rounds * 16;
	}
	fletcher4_add_scalar(acc, p, len);
}

void
fletcher2_add(struct cksum *acc, const void *data, size_t len, bool swap)
{
	uint64_t a0 = acc->w[0], a1 = acc->w[1], b0 = acc->w[2], b1 = acc->w[3];
	const uint8_t *p = data;

	for (size_t i = 0; i + 16 <= len; i += 16) {
		uint64_t w[2];

		memcpy(w, p + i, 16);
		a0 += swap ? __builtin_bswap64(w[0]) : w[0];
		a1 += swap ? __builtin_bswap64(w[1]) : w[1];
		b0 += a0;
		b1 += a1;
	}
	*acc = (struct cksum){{a0, a1, b0, b1}};
}

/* --- by id --- */

static struct cksum
words_of(const uint8_t digest[32], bool big)
{
	struct cksum c;

	memcpy(c.w, digest, 32);
	for (int i = 0; big && i < 4; i++)
		c.w[i] = __builtin_bswap64(c.w[i]);
	return (c);
}

static struct cksum
sha256_words(const void *data, size_t len)
{
	struct sha256 s;
	uint8_t digest[32];

	sha256_init(&s);
	sha256_add(&s, data, len);
	sha256_end(&s, digest);
	return (words_of(digest, true));
}

static struct cksum
sha512_256_words(const void *data, size_t len, bool swap)
{
	struct sha512 s;
	uint8_t digest[64];

	sha512_256_init(&s);
	sha512_add(&s, data, len);
	sha512_end(&s, digest);
	return (words_of(digest, swap));
}

int
checksum_compute(unsigned id, bool swap, const uint8_t *salt, const void *data, size_t len,
    struct cksum *out)
{
	uint8_t digest[64];

	*out = (struct cksum){{0, 0, 0, 0}};
	switch (id) {
	case CK_OFF:
	case CK_NOPARITY:
		return (0);
	case CK_FLETCHER2:
		fletcher2_add(out, data, len, swap);
		return (0);
	case CK_ON:
	case CK_FLETCHER4:
		(swap ? fletcher4_add_swapped : fletcher4_add)(out, data, len);
		return (0);
	case CK_SHA256:
		*out = sha256_words(data, len);
		return (0);
	case CK_SHA512:
		*out = sha512_256_words(data, len, swap);
		return (0);
	case CK_SKEIN:
		if (salt == NULL)
			return (-ENOTSUP);
		skein_512_256_mac(salt, data, len, digest);
		*out = words_of(digest, swap);
		return (0);
	case CK_EDONR:
		if (salt == NULL)
			return (-ENOTSUP);
		edonr_512_mac(salt, data, len, digest);
		*out = words_of(digest, swap);
		return (0);
	case CK_BLAKE3:
		if (salt == NULL)
			return (-ENOTSUP);
		blake3_mac(salt, data, len, digest);
		*out = words_of(digest, swap);
		return (0);
	default:
		return (-ENOTSUP);
	}
}

const char *
checksum_name(unsigned id)
{
	static const char *const name[] = {"inherit", "on", "off", "label", "gang_header", "zilog",
	    "fletcher2", "fletcher4", "sha256", "zilog2", "noparity", "sha512", "skein", "edonr",
	    "blake3"};

	return (id < sizeof(name) / sizeof(name[0]) ? name[id] : "?");
}

bool
checksum_is_keyed(unsigned id)
{
	return (id == CK_SKEIN || id == CK_EDONR || id == CK_BLAKE3);
}

bool
checksum_is_strong(unsigned id)
{
	return (id == CK_SHA256 || id == CK_SHA512 || id == CK_SKEIN || id == CK_EDONR ||
	    id == CK_BLAKE3);
}

/* --- embedded checksum --- */

struct eck {
	uint64_t magic;
	struct cksum sum;
};
_Static_assert(sizeof(struct eck) == ECK_SIZE, "eck is 40 bytes");

/* SHA-256 of the area with the verifier in the place of the sum. */
static struct cksum
eck_sum(const uint8_t *area, size_t len, const struct eck *tail)
{
	struct sha256 s;
	uint8_t digest[32];

	sha256_init(&s);
	sha256_add(&s, area, len - ECK_SIZE);
	sha256_add(&s, tail, ECK_SIZE);
	sha256_end(&s, digest);
	return (words_of(digest, true));
}

void
eck_seal(void *area, size_t len, const struct cksum *verifier)
{
	struct eck tail = {ECK_MAGIC, *verifier};

	tail.sum = eck_sum(area, len, &tail);
	memcpy((uint8_t *)area + len - ECK_SIZE, &tail, ECK_SIZE);
}

static void
cksum_swap(struct cksum *c)
{
	for (int i = 0; i < 4; i++)
		c->w[i] = __builtin_bswap64(c->w[i]);
}

bool
eck_valid(const void *area, size_t len, const struct cksum *verifier, bool *swapped)
{
	const uint8_t *p = area;
	struct eck found, tail = {0, *verifier};
	struct cksum want;
	bool swap;

	memcpy(&found, p + len - ECK_SIZE, ECK_SIZE);
	swap = found.magic == __builtin_bswap64(ECK_MAGIC);
	if (!swap && found.magic != ECK_MAGIC)
		return (false);
	tail.magic = found.magic;
	if (swap)
		cksum_swap(&tail.sum);
	want = eck_sum(p, len, &tail);
	if (swap)
		cksum_swap(&found.sum);
	if (swapped != NULL)
		*swapped = swap;
	return (cksum_equal(&want, &found.sum));
}
