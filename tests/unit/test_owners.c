/* SPDX-License-Identifier: MIT */
/*
 * Space by owner, in pools of OpenZFS's: after any history it is what a count of all objects gives.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/dmu_impl.h"
#include "fs_pool.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zpl.h"
#include "test.h"

#define OWNERS 8

struct tally {
	uint64_t id, bytes, objects;
};

static struct tally *
tally_of(struct tally *t, uint64_t id)
{
	size_t i;

	for (i = 0; t[i].objects != 0 && t[i].id != id; i++)
		CHECK(i < OWNERS - 1);
	t[i].id = id;
	return (&t[i]);
}

/* Count again, from the attributes as the ZPL reads them. */
static void
recount(struct zpl *z, struct objset *os, bool group, struct tally *t)
{
	struct dmu_info info;
	struct zpl_attr a;
	uint64_t obj = 0;

	while (dmu_object_next(os, &obj) == 0) {
		CHECK_EQ(dmu_object_info(os, obj, &info), 0);
		if (info.bonus_type != OT_SA)
			continue;
		CHECK_EQ(zpl_getattr(z, obj, &a), 0);
		tally_of(t, group ? a.gid : a.uid)->bytes += info.dnode_size + info.used_bytes;
		tally_of(t, group ? a.gid : a.uid)->objects++;
	}
}

static void
check_zap(struct objset *os, uint64_t zap, const struct tally *t)
{
	uint64_t v, cookie = 0, n = 0, want = 0;
	struct zap_entry ze;
	char key[32];
	size_t i;

	for (i = 0; i < OWNERS && t[i].objects != 0; i++, want++) {
		(void)snprintf(key, sizeof(key), "%" PRIx64, t[i].id);
		CHECK_EQ(zap_lookup(os, zap, key, 8, 1, &v), 0);
		CHECK_EQ(v, t[i].bytes);
		if (!(objset_flags(os) & 2))
			continue;
		(void)snprintf(key, sizeof(key), "obj-%" PRIx64, t[i].id);
		CHECK_EQ(zap_lookup(os, zap, key, 8, 1, &v), 0);
		CHECK_EQ(v, t[i].objects);
	}
	while (zap_next(os, zap, &cookie, &ze) == 0)
		n++;
	CHECK_EQ(n, objset_flags(os) & 2 ? 2 * want : want);
}

static void
check_owners(struct zpl *z, struct objset *os)
{
	struct tally users[OWNERS] = {0}, groups[OWNERS] = {0};

	recount(z, os, false, users);
	recount(z, os, true, groups);
	check_zap(os, USERUSED_OBJECT, users);
	check_zap(os, GROUPUSED_OBJECT, groups);
}

static void
one_change(struct zpl *z, unsigned i)
{
	struct zpl_new new = {.mode = 0100644, .uid = test_rand() % 3, .gid = test_rand() % 3};
	struct zpl_attr a = {.uid = test_rand() % 3};
	static uint8_t buf[60000];
	uint64_t obj;
	char name[32];
	bool last;

	(void)snprintf(name, sizeof(name), "owned%u", i % 40);
	if (zpl_lookup(z, zpl_root(z), name, &obj) != 0) {
		CHECK_EQ(zpl_create(z, zpl_root(z), name, &new, &obj), 0);
		return;
	}
	switch (test_rand() % 4) {
	case 0:
		CHECK_EQ(zpl_unlink(z, zpl_root(z), name, &obj, &last), 0);
		CHECK_EQ(zpl_free_unlinked(z, obj), 0);
		break;
	case 1:
		CHECK_EQ(zpl_setattr(z, obj, ZA_UID, &a), 0);
		break;
	default:
		memset(buf, (int)(i | 1), sizeof(buf));
		CHECK_EQ(zpl_write(z, obj, test_rand() % 100000, test_rand() % sizeof(buf), buf, false), 0);
	}
}

static void
history_on(const char *fixture, const char *dataset)
{
	struct spa *spa = fs_test_import(fixture, false);
	struct err e = ERR_INIT;
	struct dsl_dataset *ds;
	struct objset *os;
	struct zpl *z;
	unsigned i;

	CHECK_EQ(dsl_hold(spa, dataset, &ds, &e), 0);
	CHECK_EQ(dsl_objset(ds, &os), 0);
	CHECK_EQ(zpl_open(ds, false, &z, &e), 0);
	CHECK(owners_are_kept(os));
	check_owners(z, os);
	for (i = 0; i < 600; i++) {
		one_change(z, test_rand() % 1000);
		if (test_rand() % 20 == 0) {
			CHECK_EQ(spa_sync(spa, &e), 0);
			check_owners(z, os);
		}
	}
	CHECK_EQ(spa_sync(spa, &e), 0);
	check_owners(z, os);
	zpl_close(z);
	dsl_rele(ds);
	fs_test_close(spa);
}

TEST(owners_stay_exact_in_a_pool_without_features)
{
	history_on("nofeat", "nofeat/fs");
}

TEST(owners_stay_exact_in_a_pool_with_all_default_features)
{
	history_on("pmirror", "pmirror/fs");
}
