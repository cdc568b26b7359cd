/* SPDX-License-Identifier: MIT */
/*
 * Compression of single blocks, in the pool format's framing.
 *
 * The coders of lz4, zstd and zlib come from their libraries; the framing around them, lzjb and zle
 * are small and ours. Decoders see damaged and hostile bytes: each is bounded by both buffers and
 * must produce exactly lsize bytes (zle, lzjb) or the block is refused.
 *
 * What the packed bytes are followed by is padding up to psize, so that a stored length (lz4, zstd)
 * or the format's own end (gzip) tells where they stop. Formats: docs/zfs-format.md, "Compression".
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <zlib.h>
#include <zstd.h>

#include "smartbox/fs/compress.h"

#define ZSTD_DEFAULT_LEVEL 3

static uint32_t
get_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* --- lzjb: LZ77 with a 1 KiB window; items in groups of 8 behind a byte of flags --- */

enum { LZJB_MATCH_BITS = 6, LZJB_MATCH_MIN = 3, LZJB_MATCH_MAX = 66, LZJB_WINDOW = 1023,
	LZJB_HASH = 1024 };

static unsigned
lzjb_hash(const uint8_t *p)
{
	unsigned h = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];

	return ((h * 0x9E3779B1u) >> 22);
}

static size_t
lzjb_match(const uint8_t *s, const uint8_t *m, const uint8_t *end)
{
	size_t n = 0, max = (size_t)(end - s) < LZJB_MATCH_MAX ? (size_t)(end - s) : LZJB_MATCH_MAX;

	while (n < max && s[n] == m[n])
		n++;
	return (n);
}

static size_t
lzjb_pack(const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	const uint8_t *s = src, *end = src + slen;
	uint8_t *d = dst, *flags = NULL;
	uint32_t last[LZJB_HASH] = {0}; /* position + 1 of the last triple with this hash */
	unsigned bit = 8;

	for (; s < end; bit++) {
		size_t n = 0, back = 0;

		if (bit == 8) {
			bit = 0;
			if (d >= dst + dlen)
				return (0);
			flags = d++;
			*flags = 0;
		}
		if (end - s > LZJB_MATCH_MIN) {
			uint32_t *slot = &last[lzjb_hash(s)];

			back = *slot != 0 ? (size_t)(s - src) - (*slot - 1) : 0;
			*slot = (uint32_t)(s - src) + 1;
			if (back != 0 && back <= LZJB_WINDOW)
				n = lzjb_match(s, s - back, end);
		}
		if ((size_t)(dst + dlen - d) < 2)
			return (0);
		if (n >= LZJB_MATCH_MIN) {
			*flags |= (uint8_t)(1u << bit);
			*d++ = (uint8_t)((n - LZJB_MATCH_MIN) << 2 | back >> 8);
			*d++ = (uint8_t)back;
			s += n;
		} else {
			*d++ = *s++;
		}
	}
	return ((size_t)(d - dst));
}

static int
lzjb_unpack(const uint8_t *s, size_t slen, uint8_t *dst, size_t dlen)
{
	const uint8_t *end = s + slen;
	uint8_t *d = dst, *dend = dst + dlen;
	unsigned flags = 0, left = 0;

	for (; d < dend; left--, flags >>= 1) {
		if (left == 0) {
			if (s >= end)
				return (-EILSEQ);
			flags = *s++;
			left = 8;
		}
		if (flags & 1) {
			size_t n, back;

			if (end - s < 2)
				return (-EILSEQ);
			n = (size_t)(s[0] >> 2) + LZJB_MATCH_MIN;
			back = (size_t)(s[0] & 3) << 8 | s[1];
			s += 2;
			if (back == 0 || back > (size_t)(d - dst))
				return (-EILSEQ);
			for (; n > 0 && d < dend; n--, d++)
				*d = *(d - back);
		} else {
			if (s >= end)
				return (-EILSEQ);
			*d++ = *s++;
		}
	}
	return (0);
}

/* --- zle: runs of zeros --- */

enum { ZLE_LITERALS = 64, ZLE_ZEROS = 256 - ZLE_LITERALS };

static size_t
zle_pack(const uint8_t *s, size_t slen, uint8_t *dst, size_t dlen)
{
	const uint8_t *end = s + slen;
	uint8_t *d = dst;

	while (s < end) {
		const uint8_t *from = s;
		size_t n;

		if (*s == 0) {
			while (s < end && s - from < ZLE_ZEROS && *s == 0)
				s++;
			if ((size_t)(d - dst) >= dlen)
				return (0);
			*d++ = (uint8_t)(s - from + ZLE_LITERALS - 1);
			continue;
		}
		/* A single zero inside literals costs a byte either way: it does not end them. */
		while (s < end && s - from < ZLE_LITERALS &&
		    (*s != 0 || (s + 1 < end && s[1] != 0)))
			s++;
		n = (size_t)(s - from);
		if ((size_t)(dst + dlen - d) < n + 1)
			return (0);
		*d++ = (uint8_t)(n - 1);
		memcpy(d, from, n);
		d += n;
	}
	return ((size_t)(d - dst));
}

static int
zle_unpack(const uint8_t *s, size_t slen, uint8_t *d, size_t dlen)
{
	const uint8_t *end = s + slen;

	while (dlen > 0) {
		size_t n;

		if (s >= end)
			return (-EILSEQ);
		if (*s < ZLE_LITERALS) {
			n = (size_t)*s++ + 1;
			if (n > (size_t)(end - s) || n > dlen)
				return (-EILSEQ);
			memcpy(d, s, n);
			s += n;
		} else {
			n = (size_t)*s++ - ZLE_LITERALS + 1;
			if (n > dlen)
				return (-EILSEQ);
			memset(d, 0, n);
		}
		d += n;
		dlen -= n;
	}
	return (0);
}

/* --- lz4: big-endian length, then a raw block --- */

static size_t
lz4_pack(const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	int n;

	if (dlen <= 4 || (n = LZ4_compress_default((const char *)src, (char *)dst + 4, (int)slen,
	    (int)(dlen - 4))) <= 0)
		return (0);
	put_be32(dst, (uint32_t)n);
	return ((size_t)n + 4);
}

static int
lz4_unpack(const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	uint32_t n = slen < 4 ? 0 : get_be32(src);

	if (slen < 4 || n > slen - 4)
		return (-EILSEQ);
	if (LZ4_decompress_safe((const char *)src + 4, (char *)dst, (int)n, (int)dlen) != (int)dlen)
		return (-EILSEQ);
	return (0);
}

/* --- zstd: big-endian length, level and version, then a frame without its magic number --- */

enum { ZSTD_HEADER = 8, ZSTD_FAST_FIRST = 103, ZSTD_TRY_FIRST = 128 << 10 };

/* The stored level: 1..19 are levels; from 103 on the fast ones -1..-10, -20..-100, -500, -1000. */
static int
zstd_level(unsigned stored)
{
	int fast = (int)stored - ZSTD_FAST_FIRST + 1;

	if (stored == 0)
		return (ZSTD_DEFAULT_LEVEL);
	if (stored < ZSTD_FAST_FIRST)
		return (stored > 19 ? 19 : (int)stored);
	if (fast <= 10)
		return (-fast);
	if (fast <= 19)
		return (-(fast - 9) * 10);
	return (fast == 20 ? -500 : -1000);
}

static size_t
zstd_pack_at(unsigned level, const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	ZSTD_CCtx *ctx;
	size_t n;

	if (dlen <= ZSTD_HEADER || (ctx = ZSTD_createCCtx()) == NULL)
		return (0);
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, zstd_level(level));
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_format, (int)ZSTD_f_zstd1_magicless);
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 0);
	n = ZSTD_compress2(ctx, dst + ZSTD_HEADER, dlen - ZSTD_HEADER, src, slen);
	(void)ZSTD_freeCCtx(ctx);
	if (ZSTD_isError(n))
		return (0);
	put_be32(dst, (uint32_t)n);
	put_be32(dst + 4, (level == 0 ? ZSTD_DEFAULT_LEVEL : level) << 24 | ZSTD_VERSION_NUMBER);
	return (n + ZSTD_HEADER);
}

/*
 * Early abort: a large block that neither lz4 nor the lowest level makes smaller is not worth a tenth of
 * a second of a high one.  What is written for all others does not change.
 */
static bool
is_hopeless(unsigned level, const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	if (zstd_level(level) < ZSTD_DEFAULT_LEVEL || slen < ZSTD_TRY_FIRST)
		return (false);
	return (lz4_pack(src, slen, dst, dlen) == 0 && zstd_pack_at(1, src, slen, dst, dlen) == 0);
}

static size_t
zstd_pack(unsigned level, const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	return (is_hopeless(level, src, slen, dst, dlen) ? 0 :
	    zstd_pack_at(level, src, slen, dst, dlen));
}

static int
zstd_unpack(const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	uint32_t n = slen < ZSTD_HEADER ? 0 : get_be32(src);
	ZSTD_DCtx *ctx;
	size_t got;

	if (slen < ZSTD_HEADER || n > slen - ZSTD_HEADER)
		return (-EILSEQ);
	if ((ctx = ZSTD_createDCtx()) == NULL)
		return (-ENOMEM);
	(void)ZSTD_DCtx_setParameter(ctx, ZSTD_d_format, (int)ZSTD_f_zstd1_magicless);
	got = ZSTD_decompressDCtx(ctx, dst, dlen, src + ZSTD_HEADER, n);
	(void)ZSTD_freeDCtx(ctx);
	return (got == dlen ? 0 : -EILSEQ);
}

/* --- gzip: a zlib stream --- */

static size_t
gzip_pack(int level, const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	uLongf n = dlen;

	return (compress2(dst, &n, src, slen, level) == Z_OK ? n : 0);
}

static int
gzip_unpack(const uint8_t *src, size_t slen, uint8_t *dst, size_t dlen)
{
	uLongf n = dlen;
	int rc = uncompress(dst, &n, src, slen);

	if (rc == Z_MEM_ERROR)
		return (-ENOMEM);
	return (rc == Z_OK && n == dlen ? 0 : -EILSEQ);
}

/* --- by id --- */

size_t
compress_block(unsigned choice, const void *src, size_t lsize, void *dst, size_t dlen)
{
	unsigned id = compress_id_of(choice);

	switch (id) {
	case COMP_LZJB:
		return (lzjb_pack(src, lsize, dst, dlen));
	case COMP_GZIP_1 ... COMP_GZIP_9:
		return (gzip_pack((int)id - COMP_GZIP_1 + 1, src, lsize, dst, dlen));
	case COMP_ZLE:
		return (zle_pack(src, lsize, dst, dlen));
	case COMP_ON:
	case COMP_LZ4:
		return (lz4_pack(src, lsize, dst, dlen));
	case COMP_ZSTD:
		return (zstd_pack(compress_level_of(choice), src, lsize, dst, dlen));
	default:
		return (0);
	}
}

int
decompress_block(unsigned id, const void *src, size_t psize, void *dst, size_t lsize)
{
	switch (id) {
	case COMP_OFF:
		if (psize != lsize)
			return (-EILSEQ);
		memcpy(dst, src, lsize);
		return (0);
	case COMP_LZJB:
		return (lzjb_unpack(src, psize, dst, lsize));
	case COMP_EMPTY:
		memset(dst, 0, lsize);
		return (0);
	case COMP_GZIP_1 ... COMP_GZIP_9:
		return (gzip_unpack(src, psize, dst, lsize));
	case COMP_ZLE:
		return (zle_unpack(src, psize, dst, lsize));
	case COMP_LZ4:
		return (lz4_unpack(src, psize, dst, lsize));
	case COMP_ZSTD:
		return (zstd_unpack(src, psize, dst, lsize));
	default:
		return (-ENOTSUP);
	}
}

const char *
compress_name(unsigned id)
{
	static const char *const name[] = {"inherit", "on", "off", "lzjb", "empty", "gzip-1",
	    "gzip-2", "gzip-3", "gzip-4", "gzip-5", "gzip", "gzip-7", "gzip-8", "gzip-9", "zle",
	    "lz4", "zstd"};

	return (id < sizeof(name) / sizeof(name[0]) ? name[id] : "?");
}

bool
is_all_zero(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (len == 0)
		return (true);
	/* Zero first byte, and every byte equal to the one before it: memcmp is vectorised. */
	return (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}
