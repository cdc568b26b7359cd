/* SPDX-License-Identifier: MIT */
/*
 * The allocator on whole pools in memory: what a sync wrote is what a reader of the space maps finds,
 * space comes back after two txgs and not before, copies lie apart, and a full pool says so.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/metaslab_impl.h"
#include "../../fs/spa_impl.h"
#include "fixture.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "test.h"

#define DEVICES_MAX 6

static uint64_t
fixed_now(void *arg, uint32_t *nsec)
{
	(void)arg;
	if (nsec != NULL)
		*nsec = 0;
	return (1700000000);
}

static void
test_random(void *arg, void *buf, size_t len)
{
	uint8_t *p = buf;

	(void)arg;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)test_rand();
}

static const struct fs_os test_os = {.now = fixed_now, .random = test_random};

/* type: "disk" for a stripe of n, else "mirror", "raidz". */
static struct nvlist *
layout(const char *type, unsigned n, unsigned nparity)
{
	struct nvlist *root = nv_new(), *leaf[DEVICES_MAX], *group = nv_new();
	char path[32];

	for (unsigned i = 0; i < n; i++) {
		leaf[i] = nv_new();
		(void)snprintf(path, sizeof(path), "/test/%u", i);
		CHECK(nv_add_str(leaf[i], "type", "file") == 0 && nv_add_str(leaf[i], "path", path) == 0);
	}
	CHECK(nv_add_str(root, "type", "root") == 0 && nv_add_str(group, "type", type) == 0);
	if (nparity > 0)
		CHECK(nv_add_u64(group, "nparity", nparity) == 0);
	if (strcmp(type, "disk") == 0) {
		CHECK(nv_add_nvlist_array(root, "children", leaf, n) == 0);
	} else {
		CHECK(nv_add_nvlist_array(group, "children", leaf, n) == 0);
		CHECK(nv_add_nvlist_array(root, "children", &group, 1) == 0);
	}
	for (unsigned i = 0; i < n; i++)
		nv_free(leaf[i]);
	nv_free(group);
	return (root);
}

static struct spa *
create(const char *type, unsigned n, unsigned nparity, uint64_t size, unsigned ashift)
{
	struct nvlist *tree = layout(type, n, nparity);
	struct bdev *bd[DEVICES_MAX];
	struct spa_create_opts o = {.name = "t", .vdev_tree = tree, .ashift = ashift,
	    .os = &test_os, .bdevs = bd};
	struct err e = ERR_INIT;
	struct spa *spa;

	for (unsigned i = 0; i < n; i++)
		CHECK(bdev_mem_new("mem", size, &bd[i], &e) == 0);
	CHECK(spa_new("t", &test_os, &spa) == 0);
	if (spa_create_base(spa, &o, &e) != 0)
		test_fail(__FILE__, __LINE__, "create: %s", e.msg);
	if (spa_sync(spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "first sync: %s", e.msg);
	nv_free(tree);
	return (spa);
}

static void
sync_now(struct spa *spa)
{
	struct err e = ERR_INIT;

	spa->force_sync = true;
	if (spa_sync(spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "sync of txg %" PRIu64 ": %s", spa->txg, e.msg);
}

struct replayed {
	struct range_tree used;
};

static int
replay(void *arg, const struct space_entry *en)
{
	struct replayed *r = arg;

	return (en->is_free ? range_remove(&r->used, en->off, en->len)
			    : range_add(&r->used, en->off, en->len));
}

static int
not_used(void *arg, uint64_t off, uint64_t size)
{
	return (range_overlaps(arg, off, size) ? -EEXIST : 0);
}

/* The space maps on disk and the sets in memory say the same. */
static void
check_space(struct spa *spa)
{
	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct metaslab_group *mg = spa->root->child[i]->mg;

		for (size_t k = 0; k < mg->n; k++) {
			struct metaslab *ms = &mg->ms[k];
			struct replayed r = {RANGE_TREE_INIT};
			uint64_t held = ms->freed.bytes + ms->defer[0].bytes + ms->defer[1].bytes;

			CHECK_EQ(space_map_iterate(spa->mos, &ms->sm, mg->top->ashift, replay, &r), 0);
			CHECK_EQ((int64_t)r.used.bytes, ms->sm.alloc);
			CHECK(ms->allocating.count == 0 && ms->freeing.count == 0 &&
			    ms->undone.count == 0);
			if (ms->loaded) {
				CHECK_EQ(r.used.bytes + ms->free.bytes + held, ms->size);
				CHECK_EQ(range_walk(&ms->free, not_used, &r.used), 0);
			}
			range_clear(&r.used);
		}
	}
}

/* Files of random blocks in the meta objset: every sync moves them. */
static void
churn(struct spa *spa, unsigned txgs, unsigned blocks)
{
	uint8_t *buf = malloc(16384);
	uint64_t obj;

	CHECK(dmu_object_alloc(spa->mos, OT_U8_METADATA, 16384, OT_NONE, 0, &obj) == 0);
	for (unsigned t = 0; t < txgs; t++) {
		for (unsigned i = 0; i < blocks; i++) {
			uint64_t at = test_rand() % 256;
			size_t noise = test_rand() % 16384;

			memset(buf, (int)t, 16384);
			for (size_t k = 0; k < noise; k += 3)
				buf[k] = (uint8_t)test_rand();
			if (test_rand() % 4 == 0)
				CHECK(dmu_free_range(spa->mos, obj, at * 16384, 16384 * 3) == 0);
			else
				CHECK(dmu_write(spa->mos, obj, at * 16384, 16384, buf) == 0);
		}
		sync_now(spa);
		check_space(spa);
	}
	free(buf);
}

TEST(metaslab_space_maps_say_what_memory_says_on_a_disk)
{
	struct spa *spa = create("disk", 1, 0, 96 << 20, 9);

	churn(spa, 40, 30);
	spa_close(spa);
}

TEST(metaslab_space_maps_say_what_memory_says_on_a_mirror_of_4k_sectors)
{
	struct spa *spa = create("mirror", 2, 0, 96 << 20, 12);

	churn(spa, 30, 30);
	spa_close(spa);
}

TEST(metaslab_space_maps_say_what_memory_says_on_raidz2)
{
	struct spa *spa = create("raidz", 5, 2, 96 << 20, 9);

	churn(spa, 20, 30);
	spa_close(spa);
}

static bool
allocated(struct spa *spa, const struct dva *d)
{
	struct metaslab *ms = metaslab_at(vdev_top(spa->root, d->vdev), d->offset);

	return (!range_contains(&ms->free, d->offset - ms->start,
	    (uint64_t)d->asize_sectors << SECTOR_SHIFT));
}

TEST(metaslab_hands_out_freed_space_two_txgs_later)
{
	struct spa *spa = create("disk", 1, 0, 96 << 20, 9);
	struct dva d;

	CHECK(metaslab_alloc(spa, 8192, NULL, 0, spa->txg, &d) == 0);
	sync_now(spa);
	CHECK(metaslab_free(spa, &d, spa->txg) == 0);
	CHECK_EQ(metaslab_free(spa, &d, spa->txg), -EILSEQ); /* twice */
	sync_now(spa);
	CHECK(allocated(spa, &d));
	CHECK_EQ(metaslab_free(spa, &d, spa->txg), -EILSEQ);
	sync_now(spa);
	CHECK(allocated(spa, &d));
	sync_now(spa);
	CHECK(!allocated(spa, &d));
	check_space(spa);
	spa_close(spa);
}

TEST(metaslab_unalloc_gives_space_back_in_the_same_txg)
{
	struct spa *spa = create("disk", 1, 0, 96 << 20, 9);
	struct dva d;

	CHECK(metaslab_alloc(spa, 8192, NULL, 0, spa->txg, &d) == 0);
	CHECK(allocated(spa, &d));
	CHECK(metaslab_unalloc(spa, &d, spa->txg) == 0);
	CHECK(!allocated(spa, &d));
	sync_now(spa);
	check_space(spa);
	spa_close(spa);
}

TEST(metaslab_copies_go_to_other_vdevs_or_far_away)
{
	struct spa *two = create("disk", 2, 0, 96 << 20, 9), *one = create("disk", 1, 0, 512 << 20, 9);
	struct dva d[3];

	for (int i = 0; i < 200; i++) {
		CHECK(metaslab_alloc(two, 4096, d, 0, two->txg, &d[0]) == 0);
		CHECK(metaslab_alloc(two, 4096, d, 1, two->txg, &d[1]) == 0);
		CHECK(d[0].vdev != d[1].vdev);
		for (int k = 0; k < 3; k++)
			CHECK(metaslab_alloc(one, 4096, d, k, one->txg, &d[k]) == 0);
		for (int k = 1; k < 3; k++)
			CHECK((d[0].offset >> one->root->child[0]->ms_shift) !=
			    (d[k].offset >> one->root->child[0]->ms_shift));
	}
	sync_now(two);
	check_space(two);
	spa_close(two);
	spa_close(one);
}

TEST(metaslab_full_pool_says_no_space_and_recovers)
{
	struct spa *spa = create("disk", 1, 0, 80 << 20, 12);
	struct dva *d = malloc(5000 * sizeof(*d));
	size_t n = 0;

	while (n < 5000 && metaslab_alloc(spa, 128 << 10, NULL, 0, spa->txg, &d[n]) == 0)
		n++;
	CHECK(n > 400 && n < 700);
	CHECK_EQ(metaslab_alloc(spa, 128 << 10, NULL, 0, spa->txg, &d[n]), -ENOSPC);
	for (size_t i = 0; i < n; i++)
		CHECK(metaslab_unalloc(spa, &d[i], spa->txg) == 0);
	sync_now(spa);
	check_space(spa);
	free(d);
	spa_close(spa);
}

TEST(metaslab_neighbours_in_time_are_neighbours_on_disk)
{
	struct spa *spa = create("disk", 1, 0, 512 << 20, 12);
	struct dva a, b;

	CHECK(metaslab_alloc(spa, 128 << 10, NULL, 0, spa->txg, &a) == 0);
	for (int i = 0; i < 50; i++) {
		CHECK(metaslab_alloc(spa, 128 << 10, NULL, 0, spa->txg, &b) == 0);
		CHECK_EQ(b.offset, a.offset + (128 << 10));
		a = b;
	}
	spa_close(spa);
}

TEST(zio_writes_what_it_reads_with_every_kind_of_content)
{
	static const unsigned sums[] = {CK_FLETCHER2, CK_FLETCHER4, CK_SHA256, CK_SHA512, CK_OFF};
	static const unsigned comps[] = {COMP_OFF, COMP_LZ4, COMP_ZLE, COMP_ZSTD, COMP_GZIP_9};
	struct spa *spa = create("raidz", 3, 1, 96 << 20, 9);
	uint8_t *in = malloc(131072), *out = malloc(131072);

	for (int i = 0; i < 600; i++) {
		uint32_t lsize = (uint32_t)(test_rand() % 256 + 1) * 512;
		uint64_t noise = test_rand() % (lsize + 1);
		struct zio_write w = {.data = in, .lsize = lsize, .type = OT_PLAIN_FILE,
		    .checksum = sums[i % 5], .compress = comps[test_rand() % 5],
		    .copies = 1 + (unsigned)(test_rand() % 3), .may_embed = true, .txg = spa->txg,
		    .fill = 1};
		struct blkptr bp;

		memset(in, 0, lsize);
		for (uint64_t k = 0; k < noise; k++)
			in[k] = (uint8_t)test_rand();
		CHECK_EQ(zio_write(spa, &w, &bp), 0);
		CHECK_EQ(bp_verify(&bp, 1), 0);
		memset(out, 0xee, lsize);
		CHECK(bp_is_hole(&bp) || bp_lsize(&bp) == lsize);
		if (bp_is_hole(&bp))
			CHECK(is_all_zero(in, lsize));
		else
			CHECK_EQ(zio_read(spa, &bp, out), 0);
		CHECK(bp_is_hole(&bp) || memcmp(in, out, lsize) == 0);
		CHECK_EQ(zio_free(spa, &bp, spa->txg), 0);
	}
	sync_now(spa);
	check_space(spa);
	free(in);
	free(out);
	spa_close(spa);
}

/* --- pools of OpenZFS --- */

static uint64_t
allocated_prop(const char *name)
{
	char path[256], line[256], key[64], prop[64], value[64];
	uint64_t bytes = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "fixtures/%s/poolprops.txt", name);
	CHECK((f = fopen(test_fixture(path), "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%63s %63s %63s", key, prop, value) == 3 &&
		    strcmp(prop, "allocated") == 0)
			bytes = strtoull(value, NULL, 10);
	}
	(void)fclose(f);
	return (bytes);
}

static struct spa *
import_fixture(const char *name, struct pool_scan *scan)
{
	struct spa_import_opts o = {.readonly = true, .force = true};
	struct err e = ERR_INIT;
	struct spa *spa;

	fixture_scan(name, scan);
	o.config = scan->pool[0].config;
	CHECK(spa_new(name, &test_os, &spa) == 0);
	spa->readonly = true;
	if (spa_import_base(spa, &o, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", name, e.msg);
	return (spa);
}

/* Every metaslab's map and logs replay without a contradiction. */
static void
check_fixture(const char *name)
{
	struct pool_scan scan;
	struct spa *spa = import_fixture(name, &scan);
	struct space_stats st;
	uint64_t free = 0, want = allocated_prop(name);

	metaslab_stats(spa, &st);
	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct vdev *top = spa->root->child[i];

		for (size_t k = 0; top->mg != NULL && k < top->mg->n; k++) {
			int rc = metaslab_load(spa, top, &top->mg->ms[k]);

			if (rc != 0)
				test_fail(__FILE__, __LINE__, "%s: metaslab %zu: %d", name, k, rc);
			if (!top->is_log)
				free += top->mg->ms[k].free.bytes;
		}
	}
	CHECK_EQ(st.size - free, st.alloc);
	/* The number was taken before the export, which wrote a little more. */
	if (want != 0 && (st.alloc > want + (4 << 20) || st.alloc + (4 << 20) < want))
		test_fail(__FILE__, __LINE__, "%s: %" PRIu64 " allocated, zpool said %" PRIu64, name,
		    st.alloc, want);
	spa_close(spa);
	pool_scan_free(&scan);
}

TEST(metaslab_replays_every_space_map_of_openzfs)
{
	static const char *const pools[] = {"plain", "pmirror", "prz1", "prz2", "prz3", "stripe",
	    "mix", "v28", "nofeat", "bigdir", "crypt", "removed"};

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		check_fixture(pools[i]);
}

static int
reopen(struct vdev *leaf, void *arg)
{
	struct bdev *bd;

	(void)arg;
	CHECK(bdev_open(leaf->path, 0, &bd, NULL) == 0);
	vdev_set_bdev(leaf, bd);
	return (0);
}

/*
 * The first txg on a pool with log space maps absorbs them. (Opened read-only first: the datasets of
 * these pools need more to be written than the allocator, which is all that is tested.)
 */
static void
take_over(const char *name)
{
	struct pool_scan scan;
	struct spa *spa = import_fixture(name, &scan);

	(void)vdev_walk_leaves(spa->root, reopen, NULL);
	spa->readonly = false;
	CHECK(spa->alloc->nlog > 0);

	for (int i = 0; i < 3; i++) {
		spa_config_dirty(spa);
		sync_now(spa);
		CHECK_EQ(spa->alloc->nlog, 0);
		check_space(spa);
	}
	churn(spa, 3, 20);
	spa_close(spa);
	pool_scan_free(&scan);
}

TEST(metaslab_takes_over_pools_with_log_space_maps)
{
	take_over("plain");
	take_over("pmirror");
	take_over("prz2");
}
