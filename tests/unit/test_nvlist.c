/* SPDX-License-Identifier: MIT */
/* Name-value lists: what goes in comes out, in both encodings, and damage is refused. */
#include <errno.h>
#include <stdlib.h>

#include "smartbox/fs/nvlist.h"
#include "test.h"

static struct nvlist *
sample(void)
{
	struct nvlist *nv = nv_new(), *in = nv_new(), *two[2];
	const uint64_t nums[] = {1, ~0ULL, 3};
	const char *const strs[] = {"a", "bcd", ""};

	two[0] = two[1] = in;
	(void)nv_add_u64(in, "guid", 0xfeedfacecafebeefULL);
	(void)nv_add_str(in, "type", "disk");
	(void)nv_add_boolean(nv, "flag");
	(void)nv_add_bool(nv, "yes", true);
	(void)nv_add_i64(nv, "minus", -5);
	(void)nv_add_str(nv, "name", "tank");
	(void)nv_add_u64_array(nv, "nums", nums, 3);
	(void)nv_add_str_array(nv, "strs", strs, 3);
	(void)nv_add_bytes(nv, "bytes", "\1\2\3\4\5", 5);
	(void)nv_add_u8_array(nv, "u8", (const uint8_t *)"\377\1\2", 3);
	(void)nv_add_nvlist(nv, "tree", in);
	(void)nv_add_nvlist_array(nv, "children", two, 2);
	(void)nv_add_u64(nv, "last", 7);
	nv_free(in);
	return (nv);
}

static void
check_sample(const struct nvlist *nv)
{
	const char *s, *const *strs;
	const uint64_t *nums;
	struct nvlist *in, **two;
	const void *bytes;
	uint64_t v;
	size_t n;

	CHECK(nv_has(nv, "flag") && nvpair_type(nv_next(nv, NULL)) == NV_BOOLEAN);
	CHECK(nv_get_u64(nv, "yes", &v) == 0 && v == 1);
	CHECK(nv_get_u64(nv, "minus", &v) == 0 && (int64_t)v == -5);
	CHECK(nv_get_str(nv, "name", &s) == 0);
	CHECK_STR(s, "tank");
	CHECK(nv_get_u64_array(nv, "nums", &nums, &n) == 0 && n == 3 && nums[1] == ~0ULL);
	CHECK(nv_get_str_array(nv, "strs", &strs, &n) == 0 && n == 3);
	CHECK_STR(strs[1], "bcd");
	CHECK(nv_get_bytes(nv, "bytes", &bytes, &n) == 0 && n == 5);
	CHECK_MEM(bytes, "\1\2\3\4\5", 5);
	CHECK(nv_get_bytes(nv, "u8", &bytes, &n) == 0 && n == 3);
	CHECK_MEM(bytes, "\377\1\2", 3);
	CHECK(nv_get_nvlist(nv, "tree", &in) == 0);
	CHECK(nv_get_u64(in, "guid", &v) == 0 && v == 0xfeedfacecafebeefULL);
	CHECK(nv_get_nvlist_array(nv, "children", &two, &n) == 0 && n == 2);
	CHECK_STR(nv_str_or(two[1], "type", ""), "disk");
	CHECK_EQ(nv_u64_or(nv, "last", 0), 7);
	CHECK_EQ(nv_count(nv), 11);
}

TEST(nvlist_xdr_round_trip_keeps_every_type)
{
	struct nvlist *nv = sample(), *back;
	void *buf;
	size_t len;

	CHECK(nv_pack(nv, &buf, &len) == 0);
	CHECK_EQ(len % 4, 0);
	CHECK(nv_unpack(buf, len, &back, NULL) == 0);
	check_sample(back);
	nv_free(nv);
	nv_free(back);
	free(buf);
}

TEST(nvlist_native_round_trip_keeps_every_type)
{
	struct nvlist *nv = sample(), *back;
	void *buf;
	size_t len;

	CHECK(nv_pack_native(nv, &buf, &len) == 0);
	CHECK(nv_unpack(buf, len, &back, NULL) == 0);
	check_sample(back);
	nv_free(nv);
	nv_free(back);
	free(buf);
}

TEST(nvlist_xdr_bytes_are_those_of_the_format)
{
	static const uint8_t want[] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	    0, 0, 0, 36, 0, 0, 0, 32, 0, 0, 0, 7, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0,
	    0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x13, 0x88,
	    0, 0, 0, 0, 0, 0, 0, 0};
	struct nvlist *nv = nv_new();
	void *buf;
	size_t len;

	CHECK(nv_add_u64(nv, "version", 5000) == 0);
	CHECK(nv_pack(nv, &buf, &len) == 0);
	CHECK_EQ(len, sizeof(want));
	CHECK_MEM(buf, want, sizeof(want));
	nv_free(nv);
	free(buf);
}

/* A flat list packs to 0 mod 8 behind its 12 bytes of header and the end mark; one nested adds 4. */
TEST(nvlist_native_nested_list_follows_its_pair_unaligned)
{
	struct nvlist *nv = nv_new(), *in = nv_new();
	void *buf;
	size_t len;

	CHECK(nv_add_u64(nv, "object", 1) == 0);
	CHECK(nv_pack_native(nv, &buf, &len) == 0);
	CHECK_EQ(len % 8, 0);
	free(buf);
	CHECK(nv_add_nvlist(nv, "crypt_keydata", in) == 0);
	CHECK(nv_pack_native(nv, &buf, &len) == 0);
	CHECK_EQ(len % 8, 4);
	free(buf);
	nv_free(in);
	nv_free(nv);
}

TEST(nvlist_adding_a_name_again_replaces_it)
{
	struct nvlist *nv = nv_new();

	CHECK(nv_add_u64(nv, "a", 1) == 0 && nv_add_str(nv, "a", "two") == 0);
	CHECK_EQ(nv_count(nv), 1);
	CHECK_STR(nv_str_or(nv, "a", ""), "two");
	nv_remove(nv, "a");
	CHECK(!nv_has(nv, "a") && nv_next(nv, NULL) == NULL);
	nv_free(nv);
}

TEST(nvlist_of_many_names_finds_each)
{
	struct nvlist *nv = nv_new();
	char name[32];

	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "pool/fs%u", i);
		CHECK(nv_add_u64(nv, name, i) == 0);
	}
	for (unsigned i = 0; i < 5000; i += 3) {
		(void)snprintf(name, sizeof(name), "pool/fs%u", i);
		nv_remove(nv, name);
	}
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "pool/fs%u", i);
		CHECK_EQ(nv_u64_or(nv, name, 99999), i % 3 == 0 ? 99999 : i);
	}
	nv_free(nv);
}

TEST(nvlist_get_tells_missing_from_wrong_type)
{
	struct nvlist *nv = nv_new();
	const char *s;
	uint64_t v;

	CHECK(nv_add_str(nv, "s", "x") == 0);
	CHECK_EQ(nv_get_u64(nv, "s", &v), -EINVAL);
	CHECK_EQ(nv_get_str(nv, "t", &s), -ENOENT);
	nv_free(nv);
}

/* Cut at every length and flipped at every byte: an answer, never a crash. */
TEST(nvlist_damaged_bytes_are_refused_or_read_but_never_overrun)
{
	struct nvlist *nv = sample(), *back;
	int (*const pack[])(const struct nvlist *, void **, size_t *) = {nv_pack, nv_pack_native};

	for (int k = 0; k < 2; k++) {
		uint8_t *buf, *copy;
		size_t len;
		struct err e;

		CHECK(pack[k](nv, (void **)&buf, &len) == 0);
		for (size_t i = 0; i < len; i++) {
			copy = malloc(i + 1);
			memcpy(copy, buf, i);
			CHECK(nv_unpack(copy, i, &back, &e) == -EILSEQ);
			free(copy);
		}
		copy = malloc(len);
		for (size_t i = 0; i < len * 8; i++) {
			memcpy(copy, buf, len);
			copy[i / 8] ^= (uint8_t)(1 << i % 8);
			if (nv_unpack(copy, len, &back, NULL) == 0)
				nv_free(back);
		}
		free(copy);
		free(buf);
	}
	nv_free(nv);
}

TEST(nvlist_given_bytes_and_taken_lists_change_hands_without_a_copy)
{
	struct nvlist *nv = nv_new(), *inner = nv_new(), *taken;
	char *bytes = malloc(3);
	const void *p;
	size_t n;

	memcpy(bytes, "abc", 3);
	CHECK(nv_give_bytes(inner, "b", bytes, 3) == 0);
	CHECK(nv_get_bytes(inner, "b", &p, &n) == 0 && p == bytes && n == 3);
	CHECK(nv_add_nvlist(nv, "in", inner) == 0);
	taken = nv_take_nvlist(nv, "in");
	CHECK(taken != NULL && nv_has(taken, "b") && !nv_has(nv, "in"));
	CHECK(nv_take_nvlist(nv, "in") == NULL);
	nv_free(taken);
	nv_free(inner);
	nv_free(nv);
}
