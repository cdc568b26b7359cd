/* SPDX-License-Identifier: MIT */
/* Checksums: published vectors, and the vector code against its plain twin. */
#include <errno.h>
#include <stdlib.h>

#include "smartbox/fs/checksum.h"
#include "test.h"

static void
check_words(const struct cksum *c, uint64_t a, uint64_t b, uint64_t d, uint64_t e)
{
	const struct cksum want = {{a, b, d, e}};

	if (!cksum_equal(c, &want))
		test_fail(__FILE__, __LINE__, "got %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64,
		    c->w[0], c->w[1], c->w[2], c->w[3]);
}

static void
fill_random(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)test_rand();
}

TEST(fletcher_sums_match_the_vectors)
{
	uint8_t p[32];
	struct cksum c;

	for (int i = 0; i < 32; i++)
		p[i] = (uint8_t)i;
	CHECK(checksum_compute(CK_FLETCHER4, false, NULL, p, 16, &c) == 0);
	check_words(&c, 0x24201c18, 0x463c3228, 0x7864503c, 0xbd9a7754);
	CHECK(checksum_compute(CK_FLETCHER2, false, NULL, p, 32, &c) == 0);
	check_words(&c, 0x1e1c1a1816141210, 0x2e2c2a2826242220, 0x25221f1c19161310,
	    0x3d3a3734312e2b28);
}

TEST(fletcher4_vector_code_equals_the_scalar_twin_at_any_length_and_start)
{
	uint8_t *p = malloc(200000);

	fill_random(p, 200000);
	for (int i = 0; i < 400; i++) {
		struct cksum a = {{test_rand(), test_rand(), test_rand(), test_rand()}}, b = a;
		size_t off = test_rand() % 17, len = test_rand() % (i < 200 ? 300 : 150000) * 4;

		if (len > 199900)
			len = 131072;
		fletcher4_add(&a, p + off, len);
		fletcher4_add_scalar(&b, p + off, len);
		CHECK(cksum_equal(&a, &b));
	}
	free(p);
}

TEST(fletcher4_continues_over_pieces)
{
	uint8_t p[4096];
	struct cksum a = {{0}}, b = {{0}};

	fill_random(p, sizeof(p));
	fletcher4_add(&a, p, sizeof(p));
	fletcher4_add(&b, p, 280);
	fletcher4_add(&b, p + 280, 32);
	fletcher4_add(&b, p + 312, sizeof(p) - 312);
	CHECK(cksum_equal(&a, &b));
}

TEST(fletcher_of_a_swapped_block_is_that_of_its_writer)
{
	uint8_t p[512], q[512];
	struct cksum a, b;

	fill_random(p, sizeof(p));
	for (int i = 0; i < 512; i++)
		q[i] = p[i ^ 3];
	CHECK(checksum_compute(CK_FLETCHER4, false, NULL, p, 512, &a) == 0);
	CHECK(checksum_compute(CK_FLETCHER4, true, NULL, q, 512, &b) == 0);
	CHECK(cksum_equal(&a, &b));
	for (int i = 0; i < 512; i++)
		q[i] = p[i ^ 7];
	CHECK(checksum_compute(CK_FLETCHER2, false, NULL, p, 512, &a) == 0);
	CHECK(checksum_compute(CK_FLETCHER2, true, NULL, q, 512, &b) == 0);
	CHECK(cksum_equal(&a, &b));
}

TEST(sha256_matches_the_published_vectors)
{
	struct cksum c;
	struct sha256 s;
	uint8_t d[32], million[1000];

	CHECK(checksum_compute(CK_SHA256, false, NULL, "abc", 3, &c) == 0);
	check_words(&c, 0xba7816bf8f01cfea, 0x414140de5dae2223, 0xb00361a396177a9c,
	    0xb410ff61f20015ad);
	memset(million, 'a', sizeof(million));
	sha256_init(&s);
	for (int i = 0; i < 1000; i++)
		sha256_add(&s, million, sizeof(million));
	sha256_end(&s, d);
	CHECK_MEM(d, "\xcd\xc7\x6e\x5c\x99\x14\xfb\x92\x81\xa1\xc7\xe2\x84\xd7\x3e\x67", 16);
}

TEST(sha256_instructions_equal_the_scalar_twin)
{
	uint8_t p[64 * 9], d[32];
	uint32_t h[8];
	struct sha256 s;

	fill_random(p, sizeof(p));
	sha256_init(&s);
	memcpy(h, s.h, sizeof(h));
	sha256_add(&s, p, sizeof(p));
	sha256_blocks_scalar(h, p, 9);
	CHECK_MEM(h, s.h, sizeof(h));
	sha256_end(&s, d);
}

TEST(sha512_matches_the_published_vectors)
{
	struct sha512 s;
	uint8_t d[64];
	struct cksum c;

	sha512_init(&s);
	sha512_add(&s, "abc", 3);
	sha512_end(&s, d);
	CHECK_MEM(d, "\xdd\xaf\x35\xa1\x93\x61\x7a\xba\xcc\x41\x73\x49\xae\x20\x41\x31", 16);
	CHECK(checksum_compute(CK_SHA512, false, NULL, "abc", 3, &c) == 0);
	CHECK_MEM(c.w, "\x53\x04\x8e\x26\x81\x94\x1e\xf9\x9b\x2e\x29\xb7\x6b\x4c\x7d\xab", 16);
}

TEST(sha_padding_is_right_at_every_length)
{
	uint8_t p[300], one[64], two[64];

	fill_random(p, sizeof(p));
	for (size_t len = 0; len < sizeof(p); len++) {
		struct sha256 a, b;
		struct sha512 x, y;

		sha256_init(&a);
		sha256_init(&b);
		sha512_init(&x);
		sha512_init(&y);
		sha256_add(&a, p, len);
		sha512_add(&x, p, len);
		for (size_t i = 0; i < len; i++) {
			sha256_add(&b, p + i, 1);
			sha512_add(&y, p + i, 1);
		}
		sha256_end(&a, one);
		sha256_end(&b, two);
		CHECK_MEM(one, two, 32);
		sha512_end(&x, one);
		sha512_end(&y, two);
		CHECK_MEM(one, two, 64);
	}
}

/* The keyed cases of the vectors that BLAKE3's authors publish: byte i is i mod 251. */
TEST(blake3_matches_the_published_vectors)
{
	static const struct {
		size_t len;
		const char *want;
	} v[] = {
	    {0, "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"},
	    {1, "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"},
	    {1023, "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e"},
	    {1024, "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4"},
	    {1025, "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69"},
	    {2048, "879cf1fa2ea0e79126cb1063617a05b6ad9d0b696d0d757cf053439f60a99dd1"},
	    {2049, "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5"},
	    {3073, "68dede9bef00ba89e43f31a6825f4cf433389fedae75c04ee9f0cf16a427c95a"},
	    {7169, "ed9b1a922c046fdb3d423ae34e143b05ca1bf28b710432857bf738bcedbfa511"},
	    {8192, "dc9637c8845a770b4cbf76b8daec0eebf7dc2eac11498517f08d44c8fc00d58a"},
	    {8193, "954a2a75420c8d6547e3ba5b98d963e6fa6491addc8c023189cc519821b4a1f5"},
	    {16384, "9e9fc4eb7cf081ea7c47d1807790ed211bfec56aa25bb7037784c13c4b707b0d"},
	    {31744, "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419"},
	    {102400, "1c35d1a5811083fd7119f5d5d1ba027b4d01c0c6c49fb6ff2cf75393ea5db4a7"},
	};
	uint8_t *p = malloc(102400);
	struct cksum c;
	char hex[65];

	for (size_t i = 0; i < 102400; i++)
		p[i] = (uint8_t)(i % 251);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const uint8_t *d = (const uint8_t *)c.w;

		CHECK(checksum_compute(CK_BLAKE3, false,
		    (const uint8_t *)"whats the Elvish word for friend", p, v[i].len, &c) == 0);
		for (size_t k = 0; k < 32; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", d[k]);
		CHECK_STR(hex, v[i].want);
	}
	free(p);
}

TEST(checksum_ids_that_we_lack_are_refused)
{
	struct cksum c;

	CHECK_EQ(checksum_compute(CK_LABEL, false, NULL, "", 0, &c), -ENOTSUP);
	CHECK_EQ(checksum_compute(99, false, NULL, "", 0, &c), -ENOTSUP);
	CHECK_STR(checksum_name(CK_EDONR), "edonr");
	CHECK_STR(checksum_name(99), "?");
}

TEST(eck_accepts_the_right_place_only)
{
	uint8_t area[1024];
	struct cksum here = {{0x4000, 0, 0, 0}}, there = {{0x44000, 0, 0, 0}};
	bool swapped = true;

	fill_random(area, sizeof(area));
	CHECK(!eck_valid(area, sizeof(area), &here, NULL));
	eck_seal(area, sizeof(area), &here);
	CHECK(eck_valid(area, sizeof(area), &here, &swapped) && !swapped);
	CHECK(!eck_valid(area, sizeof(area), &there, NULL));
	area[100] ^= 1;
	CHECK(!eck_valid(area, sizeof(area), &here, NULL));
}
