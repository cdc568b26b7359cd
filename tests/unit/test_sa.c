/* SPDX-License-Identifier: MIT */
/*
 * System attributes: encoding, and finding them in bytes from outside.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/sa_impl.h"
#include "test.h"

/* A directory's bonus as OpenZFS writes it (layout 3 of pools without project quotas). */
static const uint16_t dir_layout[] = {SA_MODE, SA_SIZE, SA_GEN, SA_UID, SA_GID, SA_PARENT, SA_FLAGS,
	SA_ATIME, SA_MTIME, SA_CTIME, SA_CRTIME, SA_LINKS, SA_DACL_COUNT, SA_DACL_ACES};

static const uint8_t zeros[64];

static unsigned
dir_items(struct sa_item *it)
{
	for (unsigned i = 0; i < 14; i++) {
		bool is_time = i >= 7 && i <= 10;

		it[i] = (struct sa_item){dir_layout[i], is_time ? 16 : 8, false, zeros};
	}
	it[13] = (struct sa_item){SA_DACL_ACES, 24, true, zeros};
	return (14);
}

TEST(sa_encodes_a_directory_in_168_bytes_with_openzfs_header)
{
	static const uint8_t head[8] = {0x5a, 0x50, 0x2f, 0x00, 0x03, 0x04, 0x18, 0x00};
	struct sa_item it[SA_MAX_ATTRS];
	uint8_t buf[512];
	unsigned n = dir_items(it);

	CHECK_EQ(sa_encoded_size(it, n), 168);
	sa_encode(it, n, 3, buf);
	CHECK_MEM(buf, head, 8);
}

TEST(sa_length_of_the_last_attribute_is_not_padded)
{
	struct sa_item it[SA_MAX_ATTRS];
	unsigned n = dir_items(it);

	/* A symlink of 6 bytes with two variable attributes: header 16. */
	it[n] = (struct sa_item){SA_SYMLINK, 6, true, "target"};
	CHECK_EQ(sa_encoded_size(it, n + 1), 16 + 160 + 6);
}

TEST(sa_parse_finds_what_encode_wrote)
{
	struct sa_place place[SA_MAX_ATTRS];
	struct sa *sa = sa_test_new();
	uint8_t values[SA_MAX_ATTRS][64], buf[2048];

	for (int round = 0; round < 500; round++) {
		uint16_t nums[20];
		struct sa_item it[20];
		unsigned n = 1 + test_rand() % 20;
		int layout;

		for (unsigned i = 0; i < n; i++) {
			static const uint16_t lens[SA_IDS] = {16, 16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 8, 8,
				8, 32, 88, 8, 0, 32, 0, 0, 8};
			uint16_t num = (uint16_t)(test_rand() % SA_IDS);

			if (num == SA_ZNODE_ACL)
				num = SA_MODE;
			nums[i] = num;
			it[i] = (struct sa_item){num, lens[num], lens[num] == 0, values[i]};
			if (it[i].is_var)
				it[i].len = (uint16_t)(test_rand() % 60);
			for (unsigned k = 0; k < sizeof(values[i]); k++)
				values[i][k] = (uint8_t)test_rand();
		}
		layout = sa_test_layout(sa, nums, n);
		CHECK(layout >= 2);
		size_t size = sa_encoded_size(it, n);

		sa_encode(it, n, (unsigned)layout, buf);
		CHECK_EQ(sa_parse(sa, buf, size, place), n);
		for (unsigned i = 0; i < n; i++) {
			CHECK_EQ(place[i].num, nums[i]);
			CHECK_EQ(place[i].len, it[i].len);
			CHECK_EQ(place[i].off % 8, 0);
			CHECK_MEM(buf + place[i].off, values[i], it[i].len);
		}
		CHECK_EQ(sa_parse(sa, buf, size - 1, place), -EILSEQ);
	}
	sa_close(sa);
}

TEST(sa_parse_refuses_unknown_layouts_and_headers_out_of_bounds)
{
	struct sa_place place[SA_MAX_ATTRS];
	struct sa *sa = sa_test_new();
	uint8_t buf[512] = {0x5a, 0x50, 0x2f, 0x00, 0x02, 0x04};

	CHECK_EQ(sa_parse(sa, buf, sizeof(buf), place), -EILSEQ); /* no layout 2 yet */
	CHECK_EQ(sa_test_layout(sa, dir_layout, 14), 2);
	CHECK_EQ(sa_parse(sa, buf, sizeof(buf), place), 14);
	CHECK_EQ(sa_parse(sa, buf, 7, place), -EILSEQ);
	buf[5] = 0xfc; /* a header of 504 bytes, the values do not fit behind it */
	CHECK_EQ(sa_parse(sa, buf, sizeof(buf), place), -EILSEQ);
	buf[5] = 0x00; /* no header at all */
	CHECK_EQ(sa_parse(sa, buf, sizeof(buf), place), -EILSEQ);
	buf[0] = 0;
	CHECK_EQ(sa_parse(sa, buf, sizeof(buf), place), -EILSEQ);
	sa_close(sa);
}

TEST(sa_parse_survives_random_bytes)
{
	struct sa_place place[SA_MAX_ATTRS];
	struct sa *sa = sa_test_new();

	CHECK_EQ(sa_test_layout(sa, dir_layout, 14), 2);
	for (int round = 0; round < 20000; round++) {
		size_t size = test_rand() % 320;
		uint8_t *buf = malloc(size + 1);
		int n;

		for (size_t i = 0; i < size; i++)
			buf[i] = (uint8_t)test_rand();
		if (size >= 5) {
			memcpy(buf, (uint8_t[]){0x5a, 0x50, 0x2f, 0x00, 0x02}, 5);
			n = sa_parse(sa, buf, size, place);
			for (int i = 0; i < n; i++)
				CHECK((size_t)place[i].off + place[i].len <= size);
		}
		free(buf);
	}
	sa_close(sa);
}
