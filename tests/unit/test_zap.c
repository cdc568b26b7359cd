/* SPDX-License-Identifier: MIT */
/* The zap against a model in memory, the published hash vectors, and damage. */
#include <errno.h>
#include <stdlib.h>

#include "fs_pool.h"
#include "test.h"

#include "smartbox/fs/zap.h"
#include "../../fs/zap_impl.h"

static void
key_name(char *buf, size_t size, unsigned i)
{
	(void)snprintf(buf, size, "key-%u%s", i, i % 7 == 0 ? "-with-a-rather-longer-name" : "");
}

static uint64_t
hash_of(uint64_t salt, const char *name)
{
	struct zap z = {.salt = salt};
	struct zap_key k;

	CHECK(zap_key_string(&z, name, false, &k) == 0);
	return (k.hash);
}

TEST(zap_hash_equals_the_vectors_of_real_pools)
{
	CHECK(hash_of(0x4147043, "root_dataset") == 0xb2d91cb000000000);
	CHECK(hash_of(0x4147043, "config") == 0xe9563ba000000000);
	CHECK(hash_of(0x4147043, "deflate") == 0x6661fdf000000000);
	CHECK(hash_of(0x1ad7883, "root_dataset") == 0x42f1fda000000000);
}

/* Model: present[i], and the value i * 3 + generation. */
struct model {
	struct objset *os;
	uint64_t obj;
	unsigned n;
	uint64_t *value; /* 0 = absent */
	uint64_t count;
};

static void
model_new(struct model *m, unsigned n)
{
	m->os = fs_test_objset();
	m->n = n;
	m->count = 0;
	m->value = calloc(n, sizeof(*m->value));
	CHECK(m->value != NULL);
	CHECK(zap_create(m->os, OT_ZAP_METADATA, 0, 0, &m->obj) == 0);
}

static void
model_step(struct model *m)
{
	unsigned i = (unsigned)(test_rand() % m->n);
	uint64_t v = test_rand() | 1;
	char name[64];

	key_name(name, sizeof(name), i);
	switch (test_rand() % 4) {
	case 0:
	case 1:
		CHECK_EQ(zap_add(m->os, m->obj, name, 8, 1, &v), m->value[i] ? -EEXIST : 0);
		if (m->value[i] == 0) {
			m->value[i] = v;
			m->count++;
		}
		break;
	case 2:
		CHECK_EQ(zap_remove(m->os, m->obj, name), m->value[i] ? 0 : -ENOENT);
		m->count -= m->value[i] != 0;
		m->value[i] = 0;
		break;
	default:
		CHECK_EQ(zap_update(m->os, m->obj, name, 8, 1, &v), 0);
		m->count += m->value[i] == 0;
		m->value[i] = v;
	}
}

static void
model_check(struct model *m)
{
	struct zap_cursor c;
	struct zap_entry ze;
	uint64_t n = 0, v;
	char name[64];
	unsigned i;

	for (i = 0; i < m->n; i++) {
		key_name(name, sizeof(name), i);
		CHECK_EQ(zap_lookup(m->os, m->obj, name, 8, 1, &v), m->value[i] ? 0 : -ENOENT);
		CHECK(m->value[i] == 0 || v == m->value[i]);
	}
	zap_cursor_init(&c, m->os, m->obj, 0);
	while (zap_cursor_next(&c, &ze) == 0) {
		unsigned long at = strtoul(ze.name + 4, NULL, 10);

		CHECK(at < m->n && m->value[at] == ze.first);
		n++;
	}
	zap_cursor_fini(&c);
	CHECK_EQ(n, m->count);
	CHECK(zap_count(m->os, m->obj, &n) == 0);
	CHECK_EQ(n, m->count);
}

TEST(zap_behaves_as_its_model_while_micro)
{
	struct model m;
	int i;

	model_new(&m, 300);
	for (i = 0; i < 4000; i++)
		model_step(&m);
	model_check(&m);
	free(m.value);
}

TEST(zap_behaves_as_its_model_while_it_becomes_fat_and_splits)
{
	struct model m;
	int i;

	model_new(&m, 8000);
	for (i = 0; i < 60000; i++)
		model_step(&m);
	model_check(&m);
	free(m.value);
}

TEST(zap_of_100000_entries_finds_all_through_an_external_table)
{
	struct objset *os = fs_test_objset();
	uint64_t obj, v, i, n = 100000;
	struct zap z;
	char name[128];

	CHECK(zap_create(os, OT_DIRECTORY, 0, 0, &obj) == 0);
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%0100" PRIu64, i);
		CHECK_EQ(zap_add(os, obj, name, 8, 1, &i), 0);
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%0100" PRIu64, i);
		CHECK(zap_lookup(os, obj, name, 8, 1, &v) == 0 && v == i);
	}
	CHECK(zap_open(os, obj, &z) == 0);
	CHECK(z.is_fat && ((struct fzap_header *)z.block0)->table_blocks > 0);
	CHECK_EQ(((struct fzap_header *)z.block0)->entries, n);
	zap_close(&z);
}

TEST(zap_cookies_survive_the_change_of_form_and_other_entries)
{
	struct objset *os = fs_test_objset();
	uint64_t obj, cookie = 0, v = 1, seen = 0;
	struct zap_entry ze;
	char name[64];
	unsigned i;

	CHECK(zap_create(os, OT_DIRECTORY, 0, 0, &obj) == 0);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "stay%u", i);
		CHECK(zap_add(os, obj, name, 8, 1, &v) == 0);
	}
	while (zap_next(os, obj, &cookie, &ze) == 0) {
		seen += strncmp(ze.name, "stay", 4) == 0;
		for (i = 0; i < 5; i++) {
			(void)snprintf(name, sizeof(name), "come%" PRIu64, test_rand() % 6000);
			(void)(test_rand() % 3 ? zap_add(os, obj, name, 8, 1, &v) :
						 zap_remove(os, obj, name));
		}
	}
	CHECK_EQ(seen, 1000);
	CHECK(zap_count(os, obj, &seen) == 0 && seen > 2047);
}

TEST(zap_keeps_values_of_every_width_and_length)
{
	struct objset *os = fs_test_objset();
	static uint8_t in[ZAP_VALUE_MAX], out[ZAP_VALUE_MAX];
	uint64_t obj, num, widths[] = {1, 2, 4, 8};
	unsigned intlen, i, w;
	char name[32];

	CHECK(zap_create(os, OT_DSL_PROPS, 0, 0, &obj) == 0);
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)test_rand();
	for (i = 0; i < 60; i++) {
		w = (unsigned)widths[i % 4];
		num = test_rand() % (ZAP_VALUE_MAX / w + 1);
		(void)snprintf(name, sizeof(name), "v%u", i % 20);
		CHECK_EQ(zap_update(os, obj, name, w, num, in), 0);
		CHECK(zap_length(os, obj, name, &intlen, &num) == 0 && intlen == w);
		CHECK_EQ(zap_lookup(os, obj, name, w, num, out), 0);
		CHECK_MEM(in, out, w * num);
		if (num > 0)
			CHECK_EQ(zap_lookup(os, obj, name, w, num - 1, out), -EOVERFLOW);
	}
	CHECK_EQ(zap_update(os, obj, "x", 8, ZAP_VALUE_MAX / 8 + 1, in), -E2BIG);
}

TEST(zap_refuses_names_of_256_bytes_and_takes_255)
{
	struct objset *os = fs_test_objset();
	char name[ZAP_NAME_MAX + 1];
	uint64_t obj, v = 5, got;

	CHECK(zap_create(os, OT_DIRECTORY, 0, 0, &obj) == 0);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	CHECK_EQ(zap_add(os, obj, name, 8, 1, &v), -ENAMETOOLONG);
	name[255] = '\0';
	CHECK_EQ(zap_add(os, obj, name, 8, 1, &v), 0);
	CHECK(zap_lookup(os, obj, name, 8, 1, &got) == 0 && got == 5);
	CHECK_EQ(zap_add(os, obj, "", 8, 1, &v), -EINVAL);
}

TEST(zap_folds_case_only_when_asked)
{
	struct objset *os = fs_test_objset();
	uint64_t obj, v, i;
	char real[ZAP_NAME_MAX];

	CHECK(zap_create_norm(os, ZAP_NORM_UPPER, OT_DSL_DS_SNAP_MAP, 0, 0, &obj) == 0);
	for (i = 0; i < 3000; i++) { /* micro in the first half, fat in the second */
		char name[32];

		(void)snprintf(name, sizeof(name), "Snap%" PRIu64, i);
		CHECK(zap_add(os, obj, name, 8, 1, &i) == 0);
		CHECK_EQ(zap_lookup(os, obj, "sNAP0", 8, 1, &v), -ENOENT);
		CHECK_EQ(zap_lookup_fold(os, obj, "sNAP0", true, &v, real, sizeof(real)), 0);
		CHECK_STR(real, "Snap0");
	}
}

TEST(zap_numbers_as_keys_are_lower_case_hex)
{
	struct objset *os = fs_test_objset();
	uint64_t obj, v;
	char name[20];

	CHECK(zap_create(os, OT_DEADLIST, 0, 0, &obj) == 0);
	CHECK(zap_add_int(os, obj, 0xabc, 54) == 0);
	CHECK(zap_lookup(os, obj, "abc", 8, 1, &v) == 0 && v == 54);
	CHECK(zap_value_search(os, obj, 54, 0, name, sizeof(name)) == 0);
	CHECK_STR(name, "abc");
	CHECK(zap_increment_int(os, obj, 0xabc, -54) == 0);
	CHECK_EQ(zap_lookup_int(os, obj, 0xabc, &v), -ENOENT);
}

/* Any byte of any block changed: an answer or an error, never a crash or an endless loop. */
TEST(zap_survives_damage)
{
	struct objset *os = fs_test_objset();
	uint64_t obj, i, cookie, v = 0;
	struct zap_entry ze;
	struct dbuf *db;
	int round;

	CHECK(zap_create(os, OT_DIRECTORY, 0, 0, &obj) == 0);
	for (i = 0; i < 3000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%" PRIu64, i);
		CHECK(zap_add(os, obj, name, 8, 1, &i) == 0);
	}
	for (round = 0; round < 600; round++) {
		char name[32];

		CHECK(dbuf_hold(os, obj, test_rand() % 8, true, &db) == 0);
		CHECK(dbuf_dirty(db) == 0);
		((uint8_t *)dbuf_data(db))[test_rand() % (test_rand() % 2 ? 2048 : dbuf_size(db))] ^=
		    (uint8_t)(1u << test_rand() % 8);
		dbuf_rele(db);
		for (i = 0; i < 20; i++) {
			(void)snprintf(name, sizeof(name), "f%" PRIu64, test_rand() % 4000);
			(void)zap_lookup(os, obj, name, 8, 1, &v);
			(void)zap_update(os, obj, name, 8, 1, &v);
			(void)zap_remove(os, obj, name);
		}
		for (cookie = i = 0; i < 5000 && zap_next(os, obj, &cookie, &ze) == 0; i++)
			continue;
		CHECK(i < 5000);
	}
}
