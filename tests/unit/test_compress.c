/* SPDX-License-Identifier: MIT */
/* Compression: every coder's output decodes, what does not fit is refused, damage never overruns. */
#include <errno.h>
#include <stdlib.h>

#include "smartbox/fs/compress.h"
#include "test.h"

static const unsigned coders[] = {COMP_LZJB, COMP_GZIP_1, COMP_GZIP_9, COMP_ZLE, COMP_LZ4,
    COMP_ZSTD, COMP_ZSTD | 19u << 7, COMP_ZSTD | 103u << 7, COMP_ZSTD | 123u << 7};
#define NCODERS (sizeof(coders) / sizeof(coders[0]))

/* Text-like, zero runs and noise in random proportions. */
static void
fill_mixed(uint8_t *p, size_t n)
{
	static const char words[] = "the pool, the vdev, the label and the uberblock; ";
	size_t i = 0;

	while (i < n) {
		size_t run = test_rand() % 300 + 1;
		unsigned kind = test_rand() % 8;

		for (; run > 0 && i < n; run--, i++) {
			if (kind < 4)
				p[i] = (uint8_t)words[i % (sizeof(words) - 1)];
			else if (kind < 7)
				p[i] = 0;
			else
				p[i] = (uint8_t)test_rand();
		}
	}
}

TEST(compress_round_trips_with_every_coder)
{
	static const size_t sizes[] = {512, 1024, 4096, 4608, 131072, 1 << 20};
	uint8_t *src = malloc(1 << 20), *packed = malloc(1 << 20), *back = malloc(1 << 20);

	for (size_t k = 0; k < NCODERS; k++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t n = sizes[i], psize;

			fill_mixed(src, n);
			psize = compress_block(coders[k], src, n, packed, n);
			if (psize == 0 && n <= 8192) /* short ones may be all noise */
				continue;
			CHECK(psize > 0 && psize < n);
			memset(back, 0xa5, n);
			CHECK_EQ(decompress_block(coders[k] & 0x7f, packed, psize, back, n), 0);
			CHECK_MEM(back, src, n);
		}
	}
	free(src);
	free(packed);
	free(back);
}

TEST(compress_ignores_the_padding_behind_the_data)
{
	uint8_t src[8192], packed[8192] = {0}, back[8192];

	for (size_t k = 0; k < NCODERS; k++) {
		size_t psize;

		memset(src, 0, sizeof(src));
		fill_mixed(src, sizeof(src) / 2);
		memset(packed, 0, sizeof(packed));
		psize = compress_block(coders[k], src, sizeof(src), packed, sizeof(src) - 512);
		CHECK(psize > 0);
		CHECK_EQ(decompress_block(coders[k] & 0x7f, packed, (psize + 511) & ~511ul, back,
			     sizeof(back)), 0);
		CHECK_MEM(back, src, sizeof(src));
	}
}

TEST(compress_says_zero_when_it_does_not_fit)
{
	uint8_t src[4096], packed[4096];

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(test_rand() | 1);
	for (size_t k = 0; k < NCODERS; k++)
		CHECK_EQ(compress_block(coders[k], src, 4096, packed, 4096 - 512), 0);
	CHECK_EQ(compress_block(COMP_OFF, src, 4096, packed, 4096), 0);
}

TEST(compress_framing_is_that_of_the_format)
{
	static const uint8_t lzjb[] = {0x04, 'a', 'b', 0x28, 0x02}; /* "ab", then 13 bytes from 2 back */
	static const uint8_t zle[] = {1, 'x', 'y', 66, 0, 'z', 72};
	uint8_t src[4096] = {0}, packed[4096], out[15];

	CHECK(compress_block(COMP_LZ4, src, sizeof(src), packed, sizeof(packed)) > 4);
	CHECK(packed[0] == 0 && packed[1] == 0 && packed[2] == 0 && packed[3] < 64);
	CHECK(compress_block(COMP_ZSTD, src, sizeof(src), packed, sizeof(packed)) > 8);
	CHECK_EQ(packed[4], 3);
	CHECK(packed[8] != 0x28 || packed[9] != 0xb5); /* no magic number */
	CHECK_EQ(decompress_block(COMP_LZJB, lzjb, sizeof(lzjb), out, 15), 0);
	CHECK_MEM(out, "ababababababa", 13);
	CHECK_EQ(decompress_block(COMP_ZLE, zle, sizeof(zle), out, 15), 0);
	CHECK_MEM(out, "xy\0\0\0z\0\0\0\0\0\0\0\0\0", 15);
}

TEST(decompress_survives_any_bytes)
{
	uint8_t src[2048], packed[2048], *tight, out[2048];

	for (int round = 0; round < 300; round++) {
		for (size_t k = 0; k < NCODERS; k++) {
			size_t n;

			fill_mixed(src, sizeof(src));
			n = compress_block(coders[k], src, sizeof(src), packed, sizeof(packed));
			if (n == 0)
				continue;
			n = test_rand() % 4 == 0 ? test_rand() % n : n;
			tight = malloc(n + 1);
			memcpy(tight, packed, n);
			for (int i = 0; i < 3 && n > 0; i++)
				tight[test_rand() % n] = (uint8_t)test_rand();
			(void)decompress_block(coders[k] & 0x7f, tight, n, out, sizeof(out));
			free(tight);
		}
	}
	CHECK_EQ(decompress_block(3, "", 0, out, 512), -EILSEQ);
	CHECK_EQ(decompress_block(77, "", 0, out, 512), -ENOTSUP);
}

TEST(all_zero_is_told_from_nearly_zero)
{
	uint8_t p[1000] = {0};

	CHECK(is_all_zero(p, sizeof(p)) && is_all_zero(p, 0));
	for (size_t i = 0; i < sizeof(p); i += 37) {
		p[i] = 1;
		CHECK(!is_all_zero(p, sizeof(p)));
		p[i] = 0;
	}
}

TEST(zstd_gives_up_early_on_noise_and_packs_the_rest_as_ever)
{
	enum { SIZE = 256 << 10 };
	uint8_t *src = malloc(SIZE), *dst = malloc(SIZE), *back = malloc(SIZE);
	const unsigned choice = COMP_ZSTD | 19u << 7;
	size_t n;

	for (size_t i = 0; i < SIZE; i++)
		src[i] = (uint8_t)test_rand();
	CHECK_EQ(compress_block(choice, src, SIZE, dst, SIZE - SIZE / 8), 0);
	memset(src + SIZE / 4, 'x', SIZE / 4); /* a quarter is worth it */
	n = compress_block(choice, src, SIZE, dst, SIZE - SIZE / 8);
	CHECK(n > 0 && dst[4] == 19);
	CHECK_EQ(decompress_block(COMP_ZSTD, dst, n, back, SIZE), 0);
	CHECK_MEM(back, src, SIZE);
	free(src);
	free(dst);
	free(back);
}
