/* SPDX-License-Identifier: MIT */
/*
 * The FUSE server's parts that need no kernel: requests, lookup counts, access lists, ids.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/fuse_impl.h"
#include "test.h"

/* A message in the heap at its exact size, so that a sanitizer sees any step beyond it. */
static char *
message(uint32_t opcode, const void *body, size_t len)
{
	struct fuse_in_header h = {
	    .len = (uint32_t)(sizeof(h) + len), .opcode = opcode, .unique = 1, .nodeid = 1};
	char *m = malloc(sizeof(h) + len);

	memcpy(m, &h, sizeof(h));
	memcpy(m + sizeof(h), body, len);
	return (m);
}

static int
parse(uint32_t opcode, const void *body, size_t len, struct fuse_req *r)
{
	static char *kept;

	free(kept);
	kept = message(opcode, body, len);
	return (fuse_req_parse(kept, sizeof(struct fuse_in_header) + len, true, r));
}

TEST(fuse_req_finds_names_and_data)
{
	struct fuse_req r;
	char body[64] = {0};
	struct fuse_write_in w = {.offset = 7, .size = 3};

	CHECK_EQ(parse(FUSE_LOOKUP, "name", 5, &r), 0);
	CHECK_STR(r.name, "name");
	CHECK_EQ(parse(FUSE_SYMLINK, "a\0target", 9, &r), 0);
	CHECK_STR(r.name, "a");
	CHECK_STR(r.name2, "target");
	memcpy(body, &w, sizeof(w));
	memcpy(body + sizeof(w), "abc", 3);
	CHECK_EQ(parse(FUSE_WRITE, body, sizeof(w) + 3, &r), 0);
	CHECK_EQ(((const struct fuse_write_in *)r.arg)->offset, 7);
	CHECK_EQ(r.data_len, 3);
	CHECK_MEM(r.data, "abc", 3);
}

TEST(fuse_req_refuses_names_without_end_and_short_messages)
{
	struct fuse_req r;

	CHECK_EQ(parse(FUSE_LOOKUP, "name", 4, &r), -EINVAL);
	CHECK_EQ(parse(FUSE_LOOKUP, "", 0, &r), -EINVAL);
	CHECK_EQ(parse(FUSE_SYMLINK, "a\0target", 8, &r), -EINVAL);
	CHECK_EQ(parse(FUSE_SYMLINK, "a", 2, &r), -EINVAL);
	CHECK_EQ(parse(FUSE_GETATTR, "1234567", 7, &r), -EINVAL);
	CHECK_EQ(fuse_req_parse("12345678", 8, true, &r), -EINVAL);
	CHECK_EQ(parse(FUSE_POLL, "", 0, &r), -ENOSYS);
	CHECK_EQ(parse(4096, "", 0, &r), -ENOSYS);
}

TEST(fuse_req_takes_any_bytes_without_reading_beyond)
{
	struct fuse_req r;
	char body[200];

	for (int round = 0; round < 50000; round++) {
		size_t len = test_rand() % sizeof(body);

		for (size_t i = 0; i < len; i++)
			body[i] = (char)(test_rand() % 3 == 0 ? 0 : test_rand());
		if (parse((uint32_t)(test_rand() % 60), body, len, &r) == 0 && r.name != NULL)
			CHECK(strlen(r.name) < len);
	}
}

TEST(node_counts_agree_with_a_plain_array_and_with_what_a_successor_finds)
{
	enum { IDS = 3000 };
	static uint64_t model[IDS];
	struct node_table t, again;
	struct err e = ERR_INIT;
	struct stash *st;
	size_t known = 0;

	CHECK_EQ(stash_new("tank", 1 << 20, &st, &e), 0);
	CHECK_EQ(stash_session_new(st), 0);
	CHECK_EQ(node_table_open(&t, st, 0), 0);
	for (int step = 0; step < 400000; step++) {
		uint64_t id = 1 + test_rand() % (IDS - 1), n = test_rand() % 3;

		CHECK_EQ(node_table_room(&t, 1), 0);
		known += (n != 0) - (model[id] != 0);
		model[id] = n;
		node_set(&t, id << 20, n);
	}
	CHECK_EQ(t.n, known);
	CHECK_EQ(node_table_open(&again, st, 0), 0);
	CHECK_EQ(again.n, known);
	CHECK_EQ(again.used, t.used);
	for (uint64_t id = 1; id < IDS; id++) {
		CHECK_EQ(node_lookups(&t, id << 20), model[id]);
		CHECK_EQ(node_lookups(&again, id << 20), model[id]);
	}
	node_table_free(&again);
	node_table_free(&t);
	stash_free(st);
}

/* u::rw- u:1001:rw- g::r-- m::rw- o::r-- */
static const uint8_t acl_named[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 0xe9, 3, 0,
	0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 6, 0, 255, 255, 255, 255, 0x20, 0, 4, 0, 255, 255,
	255, 255};
static const uint8_t acl_minimal[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255,
	255, 255, 0x20, 0, 1, 0, 255, 255, 255, 255};

TEST(posix_acl_mode_is_owner_mask_other)
{
	uint32_t mode;
	bool is_minimal;

	CHECK_EQ(posix_acl_check(acl_named, sizeof(acl_named), &mode, &is_minimal), 0);
	CHECK_EQ(mode, 0664);
	CHECK(!is_minimal);
	CHECK_EQ(posix_acl_check(acl_minimal, sizeof(acl_minimal), &mode, &is_minimal), 0);
	CHECK_EQ(mode, 0751);
	CHECK(is_minimal);
	CHECK_EQ(posix_acl_check(acl_named, sizeof(acl_named) - 1, &mode, &is_minimal), -EINVAL);
	CHECK_EQ(posix_acl_check(acl_named, 4, &mode, &is_minimal), -EINVAL);
}

TEST(posix_acl_chmod_and_inheritance_change_the_mask_not_the_group)
{
	uint8_t acl[sizeof(acl_named)];
	uint32_t mode = 0100640;

	memcpy(acl, acl_named, sizeof(acl));
	CHECK_EQ(posix_acl_inherit(acl, sizeof(acl), &mode), 0);
	CHECK_EQ(mode, 0100640);
	CHECK_EQ(acl[22], 4); /* g::r-- as it was */
	CHECK_EQ(acl[30], 4); /* the mask is what 0640 leaves of rw- */
	CHECK_EQ(acl[38], 0);
	CHECK_EQ(posix_acl_chmod(acl, sizeof(acl), 0777), 0);
	CHECK_EQ(acl[22], 4);
	CHECK_EQ(acl[30], 7);
	CHECK_EQ(acl[38], 7);
}

TEST(fuse_ids_shift_both_ways_and_refuse_strangers)
{
	struct fuse_idmap m = {.base = 100000, .len = 65536}, none = {.base = 0};
	uint32_t id;

	CHECK_EQ(fuse_id_out(&m, 0), 100000);
	CHECK_EQ(fuse_id_out(&m, 65535), 165535);
	CHECK_EQ(fuse_id_out(&m, 65536), 65534);
	CHECK_EQ(fuse_id_in(&m, 100007, &id), 0);
	CHECK_EQ(id, 7);
	CHECK_EQ(fuse_id_in(&m, 0, &id), -EOVERFLOW);
	CHECK_EQ(fuse_id_in(&m, 165536, &id), -EOVERFLOW);
	CHECK_EQ(fuse_id_in(&none, 4294967294u, &id), 0);
	CHECK_EQ(id, 4294967294u);
}
