/* SPDX-License-Identifier: MIT */
/*
 * The object layer on a pool in memory: what was written is read, across syncs and re-imports, and
 * every allocated byte is referenced by exactly one block.
 *
 * The pool has no datasets: one objset hangs on a root bp that the test keeps in an object of the
 * meta objset, the way a dataset would.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/dmu_impl.h"
#include "smartbox/core/bdev.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "test.h"

#define ROOT_KEY "test_root"

struct rig {
	struct spa *spa;
	struct objset *os;
	struct bdev *bd[2];
	uint64_t root_obj;
	bool no_features;
	unsigned ndev, ashift;
};

static int
kill_now(struct objset *os, const struct blkptr *bp)
{
	return (zio_free(objset_spa(os), bp, spa_open_txg(objset_spa(os))));
}

static void
born_nothing(struct objset *os, const struct blkptr *bp)
{
	(void)os;
	(void)bp;
}

static const struct objset_ops test_ops = {born_nothing, kill_now, NULL};
static const struct objset_policy lz4_policy = {.checksum = 7, .compress = 15, .copies = 1,
    .record_size = 128u << 10};

static struct nvlist *
tree_of(unsigned ndev)
{
	struct nvlist *root = nv_new(), *leaf = nv_new(), *mirror = nv_new();
	struct nvlist *both[2] = {leaf, leaf};

	(void)nv_add_str(root, "type", "root");
	(void)nv_add_str(leaf, "type", "file");
	(void)nv_add_str(leaf, "path", "/memory");
	(void)nv_add_str(mirror, "type", "mirror");
	(void)nv_add_nvlist_array(mirror, "children", both, 2);
	(void)nv_add_nvlist_array(root, "children", ndev == 1 ? &leaf : &mirror, 1);
	nv_free(leaf);
	nv_free(mirror);
	return (root);
}

static void
rig_open_objset(struct rig *r)
{
	struct blkptr bp;

	CHECK_EQ(zap_lookup(r->spa->mos, MOS_DIRECTORY, ROOT_KEY, 8, 1, &r->root_obj), 0);
	CHECK_EQ(dmu_read(r->spa->mos, r->root_obj, 0, sizeof(bp), &bp), 0);
	CHECK_EQ(objset_open(r->spa, &bp, &test_ops, r, &r->os), 0);
	objset_set_policy(r->os, &lz4_policy);
}

static int
sync_root(struct spa *spa, void *arg, struct err *e)
{
	struct rig *r = arg;
	int rc = objset_sync(r->os);

	(void)e;
	return (rc != 0 ? rc : dmu_write(spa->mos, r->root_obj, 0, sizeof(struct blkptr),
	    objset_bp(r->os)));
}

static void
rig_sync(struct rig *r)
{
	struct err e = ERR_INIT;
	int rc = spa_sync_task(r->spa, NULL, sync_root, r, &e);

	if (rc != 0)
		test_fail(__FILE__, __LINE__, "sync: %s", e.msg);
}

static void
rig_new(struct rig *r, unsigned ndev, unsigned ashift, bool no_features)
{
	struct nvlist *tree = tree_of(ndev);
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = ashift,
	    .no_features = no_features, .bdevs = r->bd};
	struct err e = ERR_INIT;
	unsigned i;

	*r = (struct rig){.ndev = ndev, .ashift = ashift, .no_features = no_features};
	for (i = 0; i < ndev; i++)
		CHECK_EQ(bdev_mem_new("m", 128u << 20, &r->bd[i], &e), 0);
	CHECK_EQ(spa_new("tank", NULL, &r->spa), 0);
	spa_enter(r->spa);
	if (spa_create_base(r->spa, &o, &e) != 0)
		test_fail(__FILE__, __LINE__, "create: %s", e.msg);
	nv_free(tree);
	CHECK_EQ(dmu_object_alloc(r->spa->mos, OT_U64_METADATA, 512, 0, 0, &r->root_obj), 0);
	CHECK_EQ(zap_add(r->spa->mos, MOS_DIRECTORY, ROOT_KEY, 8, 1, &r->root_obj), 0);
	CHECK_EQ(objset_create(r->spa, 2, &test_ops, r, &r->os), 0);
	objset_set_policy(r->os, &lz4_policy);
	rig_sync(r);
}

/* The devices outlive the pool: taken out of the tree before it is freed. */
static int
leaf_steal(struct vdev *leaf, void *arg)
{
	struct bdev ***to = arg;

	*(*to)++ = leaf->bd;
	leaf->bd = NULL;
	return (0);
}

static void
rig_close(struct rig *r)
{
	struct bdev **to = r->bd;

	objset_close(r->os);
	(void)vdev_walk_leaves(r->spa->root, leaf_steal, &to);
	spa_exit(r->spa);
	spa_free(r->spa);
}

static void
rig_free(struct rig *r)
{
	unsigned i;

	rig_close(r);
	for (i = 0; i < r->ndev; i++)
		bdev_close(r->bd[i]);
}

static struct nvlist *
config_from_label(struct bdev *bd)
{
	struct nvlist *label, *tree, *root = nv_new();
	struct err e = ERR_INIT;

	if (label_read(bd, &label, &e) != 0)
		test_fail(__FILE__, __LINE__, "label: %s", e.msg);
	CHECK_EQ(nv_get_nvlist(label, "vdev_tree", &tree), 0);
	(void)nv_add_str(root, "type", "root");
	(void)nv_add_u64(root, "guid", nv_u64_or(label, "pool_guid", 0));
	(void)nv_add_nvlist_array(root, "children", &tree, 1);
	(void)nv_add_nvlist(label, "vdev_tree", root);
	nv_free(root);
	return (label);
}

static void
rig_import(struct rig *r)
{
	struct nvlist *config = config_from_label(r->bd[0]);
	struct spa_import_opts o = {.config = config, .bdevs = r->bd, .nbdevs = r->ndev};
	struct err e = ERR_INIT;

	CHECK_EQ(spa_new("tank", NULL, &r->spa), 0);
	spa_enter(r->spa);
	if (spa_import_base(r->spa, &o, &e) != 0)
		test_fail(__FILE__, __LINE__, "import: %s", e.msg);
	nv_free(config);
	rig_open_objset(r);
}

static void
rig_reopen(struct rig *r)
{
	rig_close(r);
	rig_import(r);
}

/* --- every allocated byte is referenced ------------------------------------------------------- */

static int
add_asize(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	(void)obj;
	(void)level;
	(void)blkid;
	if (!bp_is_embedded(bp))
		*(uint64_t *)arg += bp_asize(bp);
	return (0);
}

static void
check_no_leaks(struct rig *r)
{
	struct space_stats st;
	struct err e = ERR_INIT;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < 3; i++) /* frees become final */
		CHECK_EQ(spa_sync_force(r->spa, &e), 0);
	metaslab_stats(r->spa, &st);
	CHECK_EQ(dmu_traverse(r->spa, objset_bp(r->spa->mos), 0, false, add_asize, &sum), 0);
	CHECK_EQ(dmu_traverse(r->spa, objset_bp(r->os), 0, false, add_asize, &sum), 0);
	CHECK_EQ(st.alloc, sum);
}

/* --- single claims ---------------------------------------------------------------------------- */

TEST(dmu_fresh_pool_is_imported_and_leaks_nothing)
{
	struct rig r;

	rig_new(&r, 1, 0, false);
	check_no_leaks(&r);
	rig_reopen(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

static void
fill_pattern(uint8_t *p, size_t n, uint64_t seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 31 + i / 7 * (seed & 1) + (i * seed >> 5));
}

TEST(dmu_reads_what_it_wrote_after_reimport)
{
	static uint8_t out[300000], in[300000];
	struct rig r;
	uint64_t obj;

	rig_new(&r, 2, 12, false);
	fill_pattern(out, sizeof(out), 12345);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 128u << 10, 0, 0, &obj), 0);
	CHECK_EQ(dmu_write(r.os, obj, 1000, sizeof(out), out), 0);
	CHECK_EQ(dmu_read(r.os, obj, 1000, sizeof(in), in), 0);
	CHECK_MEM(in, out, sizeof(in));
	rig_sync(&r);
	rig_reopen(&r);
	memset(in, 0, sizeof(in));
	CHECK_EQ(dmu_read(r.os, obj, 1000, sizeof(in), in), 0);
	CHECK_MEM(in, out, sizeof(in));
	check_no_leaks(&r);
	rig_free(&r);
}

TEST(dmu_what_was_not_synced_is_gone_after_reimport)
{
	struct rig r;
	uint64_t obj, byte = 7;

	rig_new(&r, 1, 0, false);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 4096, 0, 0, &obj), 0);
	CHECK_EQ(dmu_write(r.os, obj, 0, sizeof(byte), &byte), 0);
	rig_reopen(&r);
	CHECK_EQ(dmu_read(r.os, obj, 0, sizeof(byte), &byte), -ENOENT);
	rig_free(&r);
}

TEST(dmu_objects_are_found_in_order_and_numbers_are_reused)
{
	struct rig r;
	uint64_t obj, first = 0, n = 0, walk;
	struct dmu_info info;
	int i;

	rig_new(&r, 1, 0, false);
	for (i = 0; i < 3000; i++) {
		CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 512, OT_SA, 100, &obj), 0);
		first = first == 0 ? obj : first;
	}
	CHECK_EQ(objset_used_objects(r.os), 3000);
	rig_sync(&r);
	rig_reopen(&r);
	CHECK_EQ(objset_used_objects(r.os), 3000);
	for (walk = 0; dmu_object_next(r.os, &walk) == 0; n++)
		;
	CHECK_EQ(n, 3000);
	CHECK_EQ(dmu_object_free(r.os, first + 1234), 0);
	CHECK_EQ(dmu_object_info(r.os, first + 1234, &info), -ENOENT);
	CHECK_EQ(dmu_object_alloc(r.os, OT_DIRECTORY, 512, OT_SA, 100, &obj), 0);
	CHECK_EQ(obj, first + 1234);
	CHECK_EQ(dmu_object_claim(r.os, obj, OT_DIRECTORY, 512, 0, 0), -EEXIST);
	CHECK_EQ(dmu_object_claim(r.os, 100000, OT_DIRECTORY, 512, 0, 0), 0);
	CHECK_EQ(dmu_object_alloc(r.os, OT_DIRECTORY, 512, OT_SA, 100, &obj), 0);
	CHECK_EQ(obj, first + 3000);
	rig_sync(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

TEST(dmu_bonus_and_spill_survive)
{
	struct rig r;
	struct dbuf *b, *s;
	uint64_t obj;

	rig_new(&r, 1, 0, false);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 512, OT_SA, 100, &obj), 0);
	CHECK_EQ(dmu_bonus_capacity(r.os, obj, false), 320);
	CHECK_EQ(dmu_bonus_capacity(r.os, obj, true), 192);
	CHECK_EQ(dmu_bonus_hold(r.os, obj, &b), 0);
	CHECK_EQ(dbuf_dirty(b), 0);
	memset(dbuf_data(b), 0x5a, 100);
	CHECK_EQ(dmu_spill_hold(r.os, obj, false, 0, &s), -ENOENT);
	CHECK_EQ(dmu_spill_hold(r.os, obj, true, 1024, &s), 0);
	memset(dbuf_data(s), 0xa5, 1024);
	dbuf_rele(s);
	CHECK_EQ(dmu_bonus_set(r.os, obj, OT_SA, 193), -ENOSPC);
	dbuf_rele(b);
	rig_sync(&r);
	rig_reopen(&r);
	CHECK_EQ(dmu_spill_hold(r.os, obj, false, 0, &s), 0);
	CHECK_EQ(dbuf_size(s), 1024);
	CHECK_EQ(((uint8_t *)dbuf_data(s))[1023], 0xa5);
	dbuf_rele(s);
	CHECK_EQ(dmu_bonus_hold(r.os, obj, &b), 0);
	CHECK_EQ(((uint8_t *)dbuf_data(b))[99], 0x5a);
	dbuf_rele(b);
	CHECK_EQ(dmu_spill_remove(r.os, obj), 0);
	rig_sync(&r);
	check_no_leaks(&r);
	CHECK_EQ(dmu_object_free(r.os, obj), 0);
	rig_sync(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

TEST(dmu_finds_holes_and_data)
{
	static uint8_t buf[8192];
	struct rig r;
	uint64_t obj, off;

	rig_new(&r, 1, 0, false);
	fill_pattern(buf, sizeof(buf), 3);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 4096, 0, 0, &obj), 0);
	CHECK_EQ(dmu_write(r.os, obj, 40960, 8192, buf), 0);
	CHECK_EQ(dmu_write(r.os, obj, 4096ULL * 5000000, 4096, buf), 0);
	rig_sync(&r);
	rig_reopen(&r);
	off = 0;
	CHECK_EQ(dmu_offset_next(r.os, obj, false, &off), 0);
	CHECK_EQ(off, 40960);
	off = 41000;
	CHECK_EQ(dmu_offset_next(r.os, obj, true, &off), 0);
	CHECK_EQ(off, 49152);
	CHECK_EQ(dmu_offset_next(r.os, obj, false, &off), 0);
	CHECK_EQ(off, 4096ULL * 5000000);
	CHECK_EQ(dmu_offset_next(r.os, obj, true, &off), 0);
	CHECK_EQ(off, 4096ULL * 5000001);
	CHECK_EQ(dmu_offset_next(r.os, obj, false, &off), -ENXIO);
	CHECK_EQ(dmu_free_range(r.os, obj, 4096, UINT64_MAX), 0);
	rig_sync(&r);
	off = 0;
	CHECK_EQ(dmu_offset_next(r.os, obj, false, &off), -ENXIO);
	check_no_leaks(&r);
	rig_free(&r);
}

TEST(dmu_block_size_changes_while_there_is_one_block)
{
	static uint8_t a[131072], b[131072];
	struct dmu_info info;
	struct rig r;
	uint64_t obj;

	rig_new(&r, 1, 0, false);
	fill_pattern(a, sizeof(a), 9);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 512, 0, 0, &obj), 0);
	CHECK_EQ(dmu_write(r.os, obj, 0, 300, a), 0);
	CHECK_EQ(dmu_object_set_block_size(r.os, obj, 3072), 0);
	rig_sync(&r);
	rig_reopen(&r);
	CHECK_EQ(dmu_object_set_block_size(r.os, obj, 131072), 0);
	CHECK_EQ(dmu_write(r.os, obj, 300, sizeof(a) - 300, a + 300), 0);
	rig_sync(&r);
	CHECK_EQ(dmu_object_info(r.os, obj, &info), 0);
	CHECK_EQ(info.block_size, 131072);
	rig_reopen(&r);
	CHECK_EQ(dmu_read(r.os, obj, 0, sizeof(b), b), 0);
	CHECK_MEM(a, b, sizeof(a));
	CHECK_EQ(dmu_write(r.os, obj, sizeof(a), 10, a), 0);
	CHECK_EQ(dmu_object_set_block_size(r.os, obj, 4096), -ENOTSUP);
	rig_sync(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

TEST(dmu_space_of_a_large_file_comes_back)
{
	static uint8_t buf[1 << 20];
	struct dmu_info info;
	struct rig r;
	uint64_t obj, i;

	rig_new(&r, 1, 0, false);
	dmu_cache_set_limit(r.spa, 1 << 20);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 4096, 0, 0, &obj), 0);
	for (i = 0; i < 40; i++) {
		uint64_t j;

		for (j = 0; j < sizeof(buf); j += 8)
			memcpy(buf + j, &(uint64_t){test_rand()}, 8);
		CHECK_EQ(dmu_write(r.os, obj, i << 20, sizeof(buf), buf), 0);
		if (i % 8 == 7)
			rig_sync(&r);
		CHECK(dmu_cache_bytes(r.spa) < 24u << 20);
	}
	CHECK_EQ(dmu_object_info(r.os, obj, &info), 0);
	CHECK(info.used_bytes > 40u << 20 && info.used_bytes < 44u << 20);
	CHECK_EQ(info.fill, 10240);
	check_no_leaks(&r);
	CHECK_EQ(dmu_free_range(r.os, obj, 20u << 20, UINT64_MAX), 0);
	CHECK_EQ(dmu_object_info(r.os, obj, &info), 0);
	CHECK(info.used_bytes > 20u << 20 && info.used_bytes < 22u << 20);
	rig_sync(&r);
	check_no_leaks(&r);
	CHECK_EQ(dmu_object_free(r.os, obj), 0);
	rig_sync(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

static uint64_t ganged;

static int
count_gangs(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	(void)obj;
	(void)level;
	(void)blkid;
	(void)arg;
	ganged += !bp_is_embedded(bp) && bp_dva(bp, 0).gang;
	return (0);
}

/* Free space in pieces of one 4 KiB block only: every other block of a file that fills the pool. */
static uint64_t
fragment(struct rig *r)
{
	static uint8_t buf[1 << 20];
	uint64_t obj, i, j, mib = 100;

	CHECK_EQ(dmu_object_alloc(r->os, OT_PLAIN_FILE, 4096, 0, 0, &obj), 0);
	for (i = 0; i < mib; i++) {
		for (j = 0; j < sizeof(buf); j += 8)
			memcpy(buf + j, &(uint64_t){test_rand()}, 8);
		CHECK_EQ(dmu_write(r->os, obj, i << 20, sizeof(buf), buf), 0);
		rig_sync(r);
	}
	for (i = 0; i < mib << 20; i += 8192)
		CHECK_EQ(dmu_free_range(r->os, obj, i, 4096), 0);
	for (i = 0; i < 4; i++)
		rig_sync(r);
	return (obj);
}

TEST(dmu_writes_large_blocks_into_fragmented_space)
{
	static uint8_t out[24 << 20], in[24 << 20];
	struct rig r;
	uint64_t obj, i, old;

	rig_new(&r, 1, 12, false);
	old = fragment(&r);
	CHECK_EQ(dmu_object_alloc(r.os, OT_PLAIN_FILE, 128u << 10, 0, 0, &obj), 0);
	for (i = 0; i < sizeof(out); i += 8)
		memcpy(out + i, &(uint64_t){test_rand()}, 8);
	CHECK_EQ(dmu_write(r.os, obj, 0, sizeof(out), out), 0);
	rig_sync(&r);
	rig_reopen(&r);
	CHECK_EQ(dmu_read(r.os, obj, 0, sizeof(in), in), 0);
	CHECK_MEM(in, out, sizeof(in));
	CHECK_EQ(dmu_traverse(r.spa, objset_bp(r.os), 0, false, count_gangs, NULL), 0);
	CHECK(ganged > 50);
	check_no_leaks(&r);
	CHECK_EQ(dmu_object_free(r.os, obj), 0);
	CHECK_EQ(dmu_object_free(r.os, old), 0);
	rig_sync(&r);
	check_no_leaks(&r);
	rig_free(&r);
}

/* --- a random history against a model in memory ----------------------------------------------- */

#define MODEL_OBJECTS 12
#define MODEL_BYTES (1u << 20)

struct model {
	uint64_t obj; /* 0: none */
	uint32_t block_size;
	uint8_t *data; /* MODEL_BYTES */
	uint8_t bonus[64];
};

static uint64_t
rnd(uint64_t n)
{
	return (test_rand() % n);
}

static void
model_write(struct rig *r, struct model *m)
{
	static uint8_t buf[200000];
	uint64_t off = rnd(MODEL_BYTES - sizeof(buf)), len = 1 + rnd(rnd(4) == 0 ? sizeof(buf) : 5000);
	uint64_t kind = rnd(3), i;

	for (i = 0; i < len; i++)
		buf[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)(i >> 6) : (uint8_t)test_rand();
	CHECK_EQ(dmu_write(r->os, m->obj, off, len, buf), 0);
	memcpy(m->data + off, buf, len);
}

static void
model_punch(struct rig *r, struct model *m)
{
	uint64_t off = rnd(MODEL_BYTES), len = 1 + rnd(MODEL_BYTES - off);

	if (rnd(3) == 0) {
		CHECK_EQ(dmu_free_range(r->os, m->obj, off, UINT64_MAX), 0);
		memset(m->data + off, 0, MODEL_BYTES - off);
	} else {
		CHECK_EQ(dmu_free_range(r->os, m->obj, off, len), 0);
		memset(m->data + off, 0, len);
	}
}

static void
model_bonus(struct rig *r, struct model *m)
{
	struct dbuf *b;

	CHECK_EQ(dmu_bonus_hold(r->os, m->obj, &b), 0);
	CHECK_EQ(dbuf_dirty(b), 0);
	m->bonus[rnd(64)] = (uint8_t)test_rand();
	memcpy(dbuf_data(b), m->bonus, 64);
	dbuf_rele(b);
}

static void
model_check(struct rig *r, struct model *m)
{
	static uint8_t buf[MODEL_BYTES];
	uint64_t off = rnd(MODEL_BYTES), len = 1 + rnd(MODEL_BYTES - off), data = off;
	struct dbuf *b;

	CHECK_EQ(dmu_read(r->os, m->obj, off, len, buf), 0);
	CHECK_MEM(buf, m->data + off, len);
	CHECK_EQ(dmu_bonus_hold(r->os, m->obj, &b), 0);
	CHECK_MEM(dbuf_data(b), m->bonus, 64);
	dbuf_rele(b);
	/* What the search says is a hole is all zeros. */
	if (dmu_offset_next(r->os, m->obj, false, &data) != 0 || data > MODEL_BYTES)
		data = MODEL_BYTES;
	for (; off < data; off++)
		CHECK_EQ(m->data[off], 0);
}

static void
model_alloc(struct rig *r, struct model *m)
{
	m->block_size = 512u << rnd(9);
	CHECK_EQ(dmu_object_alloc(r->os, OT_PLAIN_FILE, m->block_size, OT_SA, 64, &m->obj), 0);
	memset(m->data, 0, MODEL_BYTES);
	memset(m->bonus, 0, sizeof(m->bonus));
}

static void
model_step(struct rig *r, struct model *m)
{
	if (m->obj == 0) {
		model_alloc(r, m);
		return;
	}
	switch (rnd(10)) {
	case 0:
		if (rnd(4) == 0) {
			CHECK_EQ(dmu_object_free(r->os, m->obj), 0);
			m->obj = 0;
		}
		break;
	case 1:
	case 2:
		model_punch(r, m);
		break;
	case 3:
		model_bonus(r, m);
		break;
	case 4:
	case 5:
		model_check(r, m);
		break;
	default:
		model_write(r, m);
	}
}

static uint64_t
count_objects(struct rig *r)
{
	uint64_t obj = 0, n = 0;

	while (dmu_object_next(r->os, &obj) == 0)
		n++;
	return (n);
}

static void
model_run(struct rig *r, unsigned steps)
{
	struct model m[MODEL_OBJECTS] = {0};
	uint64_t live = 0;
	unsigned i;

	for (i = 0; i < MODEL_OBJECTS; i++)
		m[i].data = calloc(1, MODEL_BYTES);
	dmu_cache_set_limit(r->spa, 512u << 10);
	for (i = 0; i < steps; i++) {
		model_step(r, &m[rnd(MODEL_OBJECTS)]);
		if (rnd(12) == 0)
			rig_sync(r);
		if (rnd(100) == 0) {
			rig_sync(r);
			rig_reopen(r);
			dmu_cache_set_limit(r->spa, 512u << 10);
		}
	}
	rig_sync(r);
	rig_reopen(r);
	for (i = 0; i < MODEL_OBJECTS; i++) {
		if (m[i].obj != 0) {
			model_check(r, &m[i]);
			live++;
		}
		free(m[i].data);
	}
	CHECK_EQ(count_objects(r), live);
	CHECK_EQ(objset_used_objects(r->os), live);
	check_no_leaks(r);
}

TEST(dmu_random_history_equals_the_model)
{
	struct rig r;

	rig_new(&r, 1, 0, false);
	model_run(&r, 1500);
	rig_free(&r);
}

TEST(dmu_random_history_equals_the_model_without_features_on_a_mirror)
{
	struct rig r;

	rig_new(&r, 2, 12, true);
	model_run(&r, 800);
	rig_free(&r);
}
