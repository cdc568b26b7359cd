/* SPDX-License-Identifier: MIT */
/*
 * The intent log: what was committed is there after a crash, and costs no txg.
 *
 * A crash here is a pool that is closed without a word and opened again from its file; power cuts at
 * every write are tests/crash/crash_zil.c.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fs/vdev_impl.h"
#include "../../fs/zil_impl.h"
#include "fixture.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "smartbox/fs/syncer.h"
#include "smartbox/fs/zvol.h"
#include "test.h"
#include "zpl_util.h"

#define SIZE_MAX_READ (1u << 20)

static struct test_fs F;

static void
open_logged(struct spa *spa)
{
	test_fs_open(spa, "t/fs", &F);
	spa_enter(spa);
	CHECK_EQ(zpl_log_start(F.z, NULL), 0);
	spa_exit(spa);
}

static void
sync_now(void)
{
	struct err e = ERR_INIT;

	spa_enter(F.spa);
	if (spa_sync(F.spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	spa_exit(F.spa);
}

static uint64_t
make(uint64_t dir, const char *name, uint32_t mode, const char *target)
{
	struct zpl_new n = {.mode = mode, .uid = 7, .gid = 8, .target = target};
	uint64_t obj = 0;

	spa_enter(F.spa);
	CHECK_EQ(zpl_create(F.z, dir, name, &n, &obj), 0);
	spa_exit(F.spa);
	return (obj);
}

static uint64_t
root(void)
{
	return (zpl_root(F.z));
}

static void
fill(char *buf, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)(seed * 31 + i * 7 + (i >> 8));
}

static void
write_at(uint64_t obj, uint64_t off, size_t len, unsigned seed)
{
	char *buf = malloc(len);

	fill(buf, len, seed);
	spa_enter(F.spa);
	CHECK_EQ(zpl_write(F.z, obj, off, len, buf, false), 0);
	spa_exit(F.spa);
	free(buf);
}

static void
commit(uint64_t obj)
{
	CHECK_EQ(zil_commit_wait(zpl_log(F.z), obj), 0);
}

/* A filesystem with a log that is ready: the first commit made it. */
static void
start(void)
{
	struct spa *spa = test_pool_create(128);

	test_fs_create(spa, "t/fs", NULL, NULL);
	open_logged(spa);
	commit(make(root(), "first", S_IFREG | 0644, NULL));
}

/* Power off, power on; the file system is opened, which replays. */
static void
crash(bool readonly)
{
	struct spa *spa = F.spa;

	spa_enter(spa);
	spa->suspended = true; /* closing the log is not to be remembered either */
	spa_exit(spa);
	test_fs_close(&F);
	spa_close(spa);
	spa = test_pool_import(test_dir(), readonly);
	if (readonly)
		test_fs_open(spa, "t/fs", &F);
	else
		open_logged(spa);
}

static void
finish(void)
{
	struct spa *spa = F.spa;
	struct err e = ERR_INIT;

	test_fs_close(&F);
	CHECK_EQ(spa_export(spa, &e), 0);
}

static uint64_t
find(uint64_t dir, const char *name)
{
	uint64_t obj = 0;

	spa_enter(F.spa);
	if (zpl_lookup(F.z, dir, name, &obj) != 0)
		obj = 0;
	spa_exit(F.spa);
	return (obj);
}

static struct zpl_attr
attr(uint64_t obj)
{
	struct zpl_attr a;

	spa_enter(F.spa);
	CHECK_EQ(zpl_getattr(F.z, obj, &a), 0);
	spa_exit(F.spa);
	return (a);
}

static void
check_data(uint64_t obj, uint64_t off, size_t len, unsigned seed)
{
	char *want = malloc(len), *got = malloc(len);

	fill(want, len, seed);
	spa_enter(F.spa);
	CHECK_EQ(zpl_read(F.z, obj, off, len, got), len);
	spa_exit(F.spa);
	CHECK_MEM(got, want, len);
	free(want);
	free(got);
}

/* --- what is in the log --------------------------------------------------------------------------- */

struct seen {
	unsigned blocks, records, of_type[TX_TYPES];
	uint64_t bytes, last_seq;
};

static int
see_block(void *arg, const struct blkptr *bp)
{
	(void)bp;
	((struct seen *)arg)->blocks++;
	return (0);
}

static int
see_record(void *arg, const struct zil_record *r)
{
	struct seen *s = arg;

	CHECK_EQ(zil_record_check(r), 0);
	s->records++;
	s->of_type[zil_record_type(r)]++;
	s->bytes += r->len;
	CHECK(r->seq > s->last_seq);
	s->last_seq = r->seq;
	return (0);
}

/* The log as a crash now would find it. */
static struct seen
see_log(void)
{
	struct seen s = {0};
	const struct zil_visit v = {see_block, see_record, &s};
	struct objset *os;

	spa_enter(F.spa);
	CHECK_EQ(dsl_objset(F.ds, &os), 0);
	CHECK_EQ(zil_walk(os, &v), 0);
	spa_exit(F.spa);
	return (s);
}

/* --- committing ----------------------------------------------------------------------------------- */

TEST(zil_committed_file_is_there_after_a_crash)
{
	uint64_t obj;

	start();
	obj = make(root(), "second", S_IFREG | 0640, NULL);
	write_at(obj, 0, 10000, 1);
	commit(obj);
	crash(false);
	obj = find(root(), "second");
	CHECK(obj != 0);
	CHECK_EQ(attr(obj).mode, S_IFREG | 0640);
	CHECK_EQ(attr(obj).uid, 7);
	CHECK_EQ(attr(obj).gid, 8);
	CHECK_EQ(attr(obj).size, 10000);
	check_data(obj, 0, 10000, 1);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	finish();
}

TEST(zil_commit_costs_no_txg_once_there_is_a_log)
{
	uint64_t obj, txg;

	start();
	txg = spa_synced_txg(F.spa);
	for (unsigned i = 0; i < 50; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%u", i);
		obj = make(root(), name, S_IFREG | 0644, NULL);
		write_at(obj, 0, 4096, i);
		commit(obj);
	}
	CHECK_EQ(spa_synced_txg(F.spa), txg);
	CHECK_EQ(see_log().of_type[TX_WRITE], 50);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->records, 100);
	check_data(find(root(), "f49"), 0, 4096, 49);
	finish();
}

TEST(zil_commit_of_one_file_does_not_write_the_data_of_another)
{
	uint64_t big, small;

	start();
	big = make(root(), "big", S_IFREG | 0644, NULL);
	small = make(root(), "small", S_IFREG | 0644, NULL);
	write_at(big, 0, 1 << 20, 1);
	write_at(small, 0, 100, 2);
	commit(small);
	CHECK(see_log().bytes < 2000);
	CHECK_EQ(see_log().of_type[TX_CREATE], 2);
	commit(0);
	CHECK(see_log().bytes > 1 << 20);
	crash(false);
	check_data(find(root(), "big"), 0, 1 << 20, 1);
	check_data(find(root(), "small"), 0, 100, 2);
	finish();
}

TEST(zil_what_was_not_committed_may_be_missing_but_nothing_else)
{
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 5000, 1);
	commit(a);
	write_at(a, 5000, 5000, 2);
	CHECK(make(root(), "b", S_IFREG | 0644, NULL) != 0);
	crash(false);
	a = find(root(), "a");
	CHECK_EQ(attr(a).size, 5000);
	check_data(a, 0, 5000, 1);
	CHECK_EQ(find(root(), "b"), 0);
	finish();
}

TEST(zil_records_of_a_durable_txg_are_neither_written_nor_replayed)
{
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 5000, 1);
	commit(a);
	sync_now();
	CHECK_EQ(see_log().records, 0);
	CHECK_EQ(see_log().blocks, 1); /* the next one to write */
	commit(a);
	CHECK_EQ(see_log().records, 0);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->records, 0);
	check_data(find(root(), "a"), 0, 5000, 1);
	finish();
}

TEST(zil_log_blocks_are_used_again_after_some_txgs)
{
	struct space_stats before, after;
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	sync_now();
	metaslab_stats(F.spa, &before);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 100; i++) {
			write_at(a, 0, 4096, i);
			commit(a);
		}
		sync_now();
	}
	metaslab_stats(F.spa, &after);
	CHECK(after.alloc < before.alloc + (1 << 20));
	finish();
}

/* --- each kind of change -------------------------------------------------------------------------- */

static void
rename_to(uint64_t dir, const char *name, uint64_t to, const char *new, unsigned flags)
{
	uint64_t replaced;
	bool last;

	spa_enter(F.spa);
	CHECK_EQ(zpl_rename(F.z, dir, name, to, new, flags, &replaced, &last), 0);
	if (last)
		CHECK_EQ(zpl_free_unlinked(F.z, replaced), 0);
	spa_exit(F.spa);
}

static void
unlink_name(uint64_t dir, const char *name)
{
	uint64_t obj;
	bool last;

	spa_enter(F.spa);
	CHECK_EQ(zpl_unlink(F.z, dir, name, &obj, &last), 0);
	if (last)
		CHECK_EQ(zpl_free_unlinked(F.z, obj), 0);
	spa_exit(F.spa);
}

TEST(zil_names_of_all_kinds_are_replayed)
{
	uint64_t d, f, obj;
	char target[64];
	int n;

	start();
	d = make(root(), "dir", S_IFDIR | 0750, NULL);
	f = make(d, "file", S_IFREG | 0644, NULL);
	CHECK(make(d, "fifo", S_IFIFO | 0600, NULL) != 0);
	CHECK(make(root(), "link", S_IFLNK | 0777, "to/somewhere") != 0);
	CHECK(make(root(), "gone", S_IFREG | 0644, NULL) != 0);
	CHECK(make(root(), "gonedir", S_IFDIR | 0755, NULL) != 0);
	CHECK(make(root(), "x", S_IFREG | 0600, NULL) != 0);
	CHECK(make(d, "y", S_IFDIR | 0700, NULL) != 0);
	CHECK(make(root(), "white", S_IFREG | 0601, NULL) != 0);
	spa_enter(F.spa);
	CHECK_EQ(zpl_link(F.z, f, root(), "hard"), 0);
	CHECK_EQ(zpl_rmdir(F.z, root(), "gonedir", &obj), 0);
	CHECK_EQ(zpl_free_unlinked(F.z, obj), 0);
	spa_exit(F.spa);
	unlink_name(root(), "gone");
	rename_to(root(), "first", d, "moved", 0);
	rename_to(root(), "x", d, "y", RENAME_EXCHANGE);
	rename_to(root(), "white", root(), "black", RENAME_WHITEOUT);
	commit(root());
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	CHECK_EQ(zpl_replayed(F.z)->skipped, 0);
	d = find(root(), "dir");
	CHECK_EQ(attr(d).mode, S_IFDIR | 0750);
	CHECK_EQ(attr(find(d, "file")).links, 2);
	CHECK_EQ(find(d, "file"), find(root(), "hard"));
	CHECK_EQ(attr(find(d, "fifo")).mode, S_IFIFO | 0600);
	spa_enter(F.spa);
	CHECK_EQ(zpl_lookup(F.z, root(), "link", &obj), 0);
	n = zpl_readlink(F.z, obj, target, sizeof(target));
	spa_exit(F.spa);
	CHECK_EQ(n, 12);
	CHECK_MEM(target, "to/somewhere", 12);
	CHECK_EQ(find(root(), "gone"), 0);
	CHECK_EQ(find(root(), "gonedir"), 0);
	CHECK_EQ(find(root(), "first"), 0);
	CHECK(find(d, "moved") != 0);
	CHECK(S_ISDIR(attr(find(root(), "x")).mode));
	CHECK(S_ISREG(attr(find(d, "y")).mode));
	CHECK_EQ(attr(find(root(), "black")).mode, S_IFREG | 0601);
	CHECK(S_ISCHR(attr(find(root(), "white")).mode));
	CHECK_EQ(attr(root()).size, 2 + 6); /* dir link hard x white black */
	finish();
}

TEST(zil_contents_and_attributes_of_all_kinds_are_replayed)
{
	struct zpl_attr a = {.mode = 04711, .uid = 70, .gid = 80, .size = 3000, .mtime = {1234, 56}};
	char zeros[1000] = {0}, got[1000];
	uint64_t f, g;

	start();
	f = make(root(), "f", S_IFREG | 0644, NULL);
	g = make(root(), "g", S_IFREG | 0644, NULL);
	write_at(f, 0, 300000, 1);
	write_at(g, 0, 9000, 2);
	sync_now();
	write_at(f, 5000, 1000, 3);
	spa_enter(F.spa);
	CHECK_EQ(zpl_fallocate(F.z, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7000, 1000), 0);
	CHECK_EQ(zpl_fallocate(F.z, f, 0, 300000, 4000), 0);
	CHECK_EQ(zpl_setattr(F.z, g, ZA_SIZE, &a), 0);
	CHECK_EQ(zpl_setattr(F.z, g, ZA_MODE | ZA_UID | ZA_GID | ZA_MTIME, &a), 0);
	spa_exit(F.spa);
	commit(f);
	commit(g);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	f = find(root(), "f");
	CHECK_EQ(attr(f).size, 304000);
	check_data(f, 0, 5000, 1);
	check_data(f, 5000, 1000, 3);
	spa_enter(F.spa);
	CHECK_EQ(zpl_read(F.z, f, 7000, 1000, got), 1000);
	spa_exit(F.spa);
	CHECK_MEM(got, zeros, 1000);
	g = find(root(), "g");
	CHECK_EQ(attr(g).size, 3000);
	CHECK_EQ(attr(g).mode, S_IFREG | 04711);
	CHECK_EQ(attr(g).uid, 70);
	CHECK_EQ(attr(g).gid, 80);
	CHECK_EQ(attr(g).mtime[0], 1234);
	CHECK_EQ(attr(g).mtime[1], 56);
	check_data(g, 0, 3000, 2);
	finish();
}

TEST(zil_extended_attributes_and_names_for_the_nameless_wait_for_the_txg)
{
	struct zpl_new n = {.mode = S_IFREG | 0600};
	uint64_t f, t = 0;
	char v[8];

	start();
	f = make(root(), "f", S_IFREG | 0644, NULL);
	commit(f);
	spa_enter(F.spa);
	CHECK_EQ(zpl_xattr_set(F.z, f, "user.a", "value", 5, 0), 0);
	spa_exit(F.spa);
	commit(f);
	spa_enter(F.spa);
	CHECK_EQ(zpl_tmpfile(F.z, &n, &t), 0);
	spa_exit(F.spa);
	write_at(t, 0, 100, 1);
	spa_enter(F.spa);
	CHECK_EQ(zpl_link(F.z, t, root(), "named"), 0);
	spa_exit(F.spa);
	commit(t);
	crash(false);
	spa_enter(F.spa);
	CHECK_EQ(zpl_xattr_get(F.z, f, "user.a", v, sizeof(v)), 5);
	spa_exit(F.spa);
	check_data(find(root(), "named"), 0, 100, 1);
	finish();
}

TEST(zil_number_of_a_freed_object_is_used_again)
{
	uint64_t a, b;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 5000, 1);
	commit(a);
	write_at(a, 0, 5000, 2); /* stays uncommitted */
	unlink_name(root(), "a");
	for (b = 0; b != a;) {
		b = make(root(), "b", S_IFREG | 0644, NULL);
		if (b != a)
			rename_to(root(), "b", root(), "other", 0);
	}
	write_at(b, 0, 300, 3);
	commit(b);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	CHECK_EQ(find(root(), "a"), 0);
	CHECK_EQ(attr(find(root(), "b")).size, 300);
	check_data(find(root(), "b"), 0, 300, 3);
	finish();
}

/* --- opening after a crash ------------------------------------------------------------------------ */

TEST(zil_read_only_import_shows_the_state_without_replay_and_changes_nothing)
{
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 5000, 1);
	commit(a);
	crash(true);
	CHECK_EQ(find(root(), "a"), 0);
	CHECK(find(root(), "first") != 0);
	CHECK_EQ(see_log().records, 2);
	test_fs_close(&F);
	spa_close(F.spa);
	open_logged(test_pool_import(test_dir(), false));
	check_data(find(root(), "a"), 0, 5000, 1);
	finish();
}

TEST(zil_second_crash_before_the_replay_is_durable_loses_nothing)
{
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 500000, 1);
	commit(a);
	for (int i = 0; i < 4; i++) {
		crash(false); /* replayed in the open txg, which goes with the next crash */
		CHECK(zpl_replayed(F.z)->records > 1);
		check_data(find(root(), "a"), 0, 500000, 1);
	}
	sync_now();
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->records, 0);
	check_data(find(root(), "a"), 0, 500000, 1);
	finish();
}

/* Flip a byte of the n-th block of the log. */
struct damage {
	unsigned n;
	uint64_t off;
};

static int
damage_block(void *arg, const struct blkptr *bp)
{
	struct damage *d = arg;

	if (d->n-- != 0)
		return (0);
	d->off = bp_dva(bp, 0).offset + VDEV_LABEL_START;
	return (1);
}

TEST(zil_damaged_block_ends_the_chain_cleanly)
{
	struct damage d = {.n = 2};
	const struct zil_visit v = {damage_block, NULL, &d};
	struct objset *os;
	char byte = 'x', path[600];
	FILE *f;

	start();
	for (unsigned i = 0; i < 5; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%u", i);
		commit(make(root(), name, S_IFREG | 0644, NULL));
	}
	spa_enter(F.spa);
	CHECK_EQ(dsl_objset(F.ds, &os), 0);
	CHECK_EQ(zil_walk(os, &v), 0);
	spa_exit(F.spa);
	(void)snprintf(path, sizeof(path), "%s/vdev", test_dir());
	CHECK((f = fopen(path, "r+")) != NULL);
	CHECK_EQ(fseek(f, (long)d.off + 200, SEEK_SET), 0);
	CHECK_EQ(fwrite(&byte, 1, 1, f), 1);
	CHECK_EQ(fclose(f), 0);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->records, 2);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	CHECK(find(root(), "f1") != 0);
	CHECK_EQ(find(root(), "f2"), 0);
	/* And the pool goes on. */
	commit(make(root(), "later", S_IFREG | 0644, NULL));
	commit(make(root(), "later still", S_IFREG | 0644, NULL));
	crash(false);
	CHECK(find(root(), "later still") != 0);
	finish();
}

TEST(zil_closed_log_leaves_nothing_behind)
{
	static const uint8_t none[ZIL_HEADER_BYTES];
	struct objset *os;
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 5000, 1);
	commit(a);
	test_fs_close(&F);
	spa_enter(F.spa);
	CHECK_EQ(dsl_hold(F.spa, "t/fs", &F.ds, NULL), 0);
	CHECK_EQ(dsl_objset(F.ds, &os), 0);
	CHECK_MEM(objset_zil_header(os), none, sizeof(none));
	dsl_rele(F.ds);
	spa_exit(F.spa);
	F.spa = test_pool_reopen(F.spa);
	open_logged(F.spa);
	check_data(find(root(), "a"), 0, 5000, 1);
	finish();
}

/* --- around it ------------------------------------------------------------------------------------ */

TEST(zil_rollback_drops_the_log_with_the_contents)
{
	const char *snap = "t/fs@s";
	struct err e = ERR_INIT;
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	commit(a);
	spa_enter(F.spa);
	CHECK_EQ(dsl_snapshot(F.spa, &snap, 1, NULL, &e), 0);
	spa_exit(F.spa);
	write_at(a, 0, 5000, 1);
	commit(a);
	spa_enter(F.spa);
	CHECK_EQ(dsl_rollback(F.spa, "t/fs", snap, &e), 0);
	CHECK_EQ(zpl_reload(F.z, &e), 0);
	spa_exit(F.spa);
	CHECK_EQ(see_log().records, 0);
	CHECK_EQ(attr(a).size, 0);
	write_at(a, 0, 70, 2);
	commit(a);
	write_at(a, 0, 80, 3);
	commit(a);
	crash(false);
	a = find(root(), "a");
	CHECK_EQ(attr(a).size, 80);
	check_data(a, 0, 80, 3);
	finish();
}

TEST(zil_clone_of_a_live_filesystem_has_no_log)
{
	static const uint8_t none[ZIL_HEADER_BYTES];
	const char *snap = "t/fs@s";
	struct err e = ERR_INIT;
	struct dsl_dataset *ds;
	struct objset *os;

	start();
	commit(make(root(), "a", S_IFREG | 0644, NULL));
	spa_enter(F.spa);
	CHECK_EQ(dsl_snapshot(F.spa, &snap, 1, NULL, &e), 0);
	CHECK_EQ(dsl_clone(F.spa, snap, "t/clone", NULL, &e), 0);
	CHECK_EQ(dsl_hold(F.spa, "t/clone", &ds, &e), 0);
	CHECK_EQ(dsl_objset(ds, &os), 0);
	CHECK_MEM(objset_zil_header(os), none, sizeof(none));
	dsl_rele(ds);
	spa_exit(F.spa);
	finish();
}

TEST(zil_head_with_an_unreplayed_log_can_be_destroyed)
{
	struct space_stats before, after;
	struct err e = ERR_INIT;
	struct spa *spa;
	uint64_t a;

	start();
	a = make(root(), "a", S_IFREG | 0644, NULL);
	write_at(a, 0, 500000, 1);
	commit(a);
	spa = F.spa;
	spa_enter(spa);
	spa->suspended = true;
	spa_exit(spa);
	test_fs_close(&F);
	spa_close(spa);
	spa = test_pool_import(test_dir(), false);
	spa_enter(spa);
	metaslab_stats(spa, &before);
	CHECK_EQ(dsl_destroy(spa, "t/fs", &e), 0);
	metaslab_stats(spa, &after);
	CHECK(after.alloc + 500000 < before.alloc);
	spa_exit(spa);
	CHECK_EQ(spa_export(spa, &e), 0);
}

/* Crashed and imported, but not opened: the log waits. */
static struct spa *
crash_unopened(void)
{
	struct spa *spa = F.spa;

	spa_enter(spa);
	spa->suspended = true;
	spa_exit(spa);
	test_fs_close(&F);
	spa_close(spa);
	return (test_pool_import(test_dir(), false));
}

/* A second side that lacks everything gets the log too; then the first one leaves. */
TEST(zil_log_that_waits_for_its_replay_is_resilvered)
{
	struct nvlist *leaf = nv_new();
	struct err e = ERR_INIT;
	char old[256], new[256];
	struct spa_attach at = {.old = old, .leaf = leaf};
	struct spa *spa;
	FILE *f;

	start();
	write_at(make(root(), "a", S_IFREG | 0644, NULL), 0, 300000, 7);
	commit(0);
	spa = crash_unopened();
	(void)snprintf(new, sizeof(new), "%s/second", test_dir());
	f = fopen(new, "w");
	CHECK(f != NULL && ftruncate(fileno(f), 128 << 20) == 0 && fclose(f) == 0);
	(void)nv_add_str(leaf, "type", "file");
	(void)nv_add_str(leaf, "path", new);
	spa_enter(spa);
	(void)snprintf(old, sizeof(old), "%s", vdev_leaf_at(spa->root, 0)->path);
	if (spa_vdev_attach(spa, &at, &e) != 0)
		test_fail(__FILE__, __LINE__, "attach: %s", e.msg);
	CHECK_EQ(resilver_start(spa, &e), 0);
	while (scrub_step(spa, 1000) == 1)
		continue;
	CHECK_EQ(spa_sync_force(spa, &e), 0);
	if (spa_vdev_detach(spa, old, &e) != 0)
		test_fail(__FILE__, __LINE__, "detach: %s", e.msg);
	spa_exit(spa);
	nv_free(leaf);
	open_logged(spa);
	check_data(find(root(), "a"), 0, 300000, 7);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	finish();
}

/* --- logbias --------------------------------------------------------------------------------------- */

static void
set_logbias(const char *value)
{
	struct nvlist *props = nv_new();
	struct err e = ERR_INIT;

	CHECK_EQ(nv_add_str(props, "logbias", value), 0);
	spa_enter(F.spa);
	CHECK_EQ(dsl_prop_set(F.spa, "t/fs", props, &e), 0);
	spa_exit(F.spa);
	nv_free(props);
}

TEST(zil_with_logbias_throughput_keeps_what_was_committed)
{
	struct space_stats before, after;
	uint64_t a, b;

	start();
	set_logbias("throughput");
	a = make(root(), "a", S_IFREG | 0644, NULL);
	b = make(root(), "b", S_IFREG | 0644, NULL);
	for (unsigned i = 0; i < 3; i++) {
		write_at(a, i * 1000, 300000, i);
		write_at(b, 0, 700, i);
		commit(a);
		commit(b);
	}
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	a = find(root(), "a");
	b = find(root(), "b");
	CHECK_EQ(attr(a).size, 302000);
	CHECK_EQ(attr(b).size, 700);
	check_data(a, 2000, 300000, 2);
	check_data(a, 0, 1000, 0);
	check_data(b, 0, 700, 2);
	for (unsigned i = 0; i < 4; i++) /* what was claimed, and deferred */
		sync_now(), write_at(b, 0, 1, i);
	metaslab_stats(F.spa, &before);
	for (unsigned i = 0; i < 20; i++) {
		write_at(a, 0, 300000, i);
		commit(a);
	}
	for (unsigned i = 0; i < 4; i++)
		sync_now(), write_at(b, 0, 1, i);
	metaslab_stats(F.spa, &after);
	CHECK(after.alloc < before.alloc + (1 << 20));
	finish();
}

/* --- for outside judges --------------------------------------------------------------------------- */

/* Names, contents and attributes of every kind, committed; not in a txg. */
static void
leave_records(void)
{
	struct zpl_attr a = {.mode = 0604, .uid = 3, .gid = 4, .size = 100, .mtime = {1700000000, 5}};
	uint64_t d, f, g, obj;

	d = make(root(), "dir", S_IFDIR | 0750, NULL);
	f = make(d, "file", S_IFREG | 0644, NULL);
	g = make(root(), "small", S_IFREG | 0600, NULL);
	CHECK(make(d, "fifo", S_IFIFO | 0600, NULL) != 0);
	CHECK(make(root(), "link", S_IFLNK | 0777, "dir/file") != 0);
	CHECK(make(root(), "gone", S_IFREG | 0644, NULL) != 0);
	CHECK(make(root(), "gonedir", S_IFDIR | 0755, NULL) != 0);
	CHECK(make(root(), "x", S_IFREG | 0600, NULL) != 0);
	CHECK(make(root(), "white", S_IFREG | 0601, NULL) != 0);
	write_at(f, 0, 700000, 1);
	write_at(g, 0, 5000, 2);
	commit(f);
	spa_enter(F.spa);
	CHECK_EQ(zpl_link(F.z, f, root(), "hard"), 0);
	CHECK_EQ(zpl_rmdir(F.z, root(), "gonedir", &obj), 0);
	CHECK_EQ(zpl_free_unlinked(F.z, obj), 0);
	CHECK_EQ(zpl_setattr(F.z, g, ZA_SIZE, &a), 0);
	CHECK_EQ(zpl_setattr(F.z, g, ZA_MODE | ZA_UID | ZA_GID | ZA_MTIME, &a), 0);
	CHECK_EQ(zpl_fallocate(F.z, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 131072, 200000), 0);
	spa_exit(F.spa);
	unlink_name(root(), "gone");
	rename_to(root(), "first", d, "moved", 0);
	rename_to(root(), "x", d, "fifo", RENAME_EXCHANGE);
	rename_to(root(), "white", root(), "black", RENAME_WHITEOUT);
	for (unsigned i = 0; i < 40; i++) {
		write_at(f, 600000 + i * 4096, 4096, i);
		commit(f);
	}
	commit(0);
}

/* A pool in the folder JUDGED_POOL whose log is to be replayed. */
TEST(zil_log_is_left_for_outside_judges)
{
	struct spa *spa;

	if (getenv("JUDGED_POOL") == NULL)
		test_skip("JUDGED_POOL is not set");
	start();
	if (getenv("JUDGED_BIAS") != NULL)
		set_logbias(getenv("JUDGED_BIAS"));
	sync_now();
	leave_records();
	spa = F.spa;
	spa->suspended = true;
	test_fs_close(&F);
	spa_close(spa);
}

/* The pool in JUDGED_LOG is imported; with JUDGED_REPLAY also JUDGED_REPLAY of it opened; exported. */
TEST(zil_log_in_a_folder_is_replayed)
{
	const char *dir = getenv("JUDGED_LOG"), *fs = getenv("JUDGED_REPLAY");
	struct err e = ERR_INIT;
	struct spa *spa;

	if (dir == NULL)
		test_skip("JUDGED_LOG is not set");
	spa = test_pool_import(dir, false);
	if (fs != NULL) {
		test_fs_open(spa, fs, &F);
		CHECK(zpl_replayed(F.z)->records > 0);
		CHECK_EQ(zpl_replayed(F.z)->failed, 0);
		test_fs_close(&F);
		CHECK_EQ(spa_export(spa, &e), 0);
	} else {
		spa_close(spa);
	}
}

/* --- several at once ------------------------------------------------------------------------------ */

#define THREADS 6
#define ROUNDS 40

static void *
committer(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	char name[16];
	uint64_t obj;

	(void)snprintf(name, sizeof(name), "t%u", me);
	obj = make(root(), name, S_IFREG | 0644, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		write_at(obj, i * 3000, 3000, me * 100 + i);
		commit(obj);
	}
	return (NULL);
}

TEST(zil_commits_of_several_threads_and_a_syncer_are_all_there)
{
	struct syncer *sync;
	struct err e = ERR_INIT;
	pthread_t t[THREADS];
	char name[16];

	start();
	CHECK_EQ(syncer_new(F.spa, 20, 0, &sync, &e), 0);
	for (unsigned i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, committer, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	spa_enter(F.spa);
	F.spa->suspended = true; /* the syncer's last sync is not to be */
	spa_exit(F.spa);
	syncer_free(sync);
	crash(false);
	CHECK_EQ(zpl_replayed(F.z)->failed, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i);
		for (unsigned k = 0; k < ROUNDS; k++)
			check_data(find(root(), name), k * 3000, 3000, i * 100 + k);
	}
	finish();
}

/* --- volumes -------------------------------------------------------------------------------------- */

TEST(zil_volume_is_replayed)
{
	struct zvol_init vi = {.size = 1 << 20, .block_size = 8192};
	struct dsl_create c = {.name = "t/v", .type = 3, .init = zvol_init_objset, .arg = &vi};
	struct spa *spa = test_pool_create(128);
	struct zil_replayed st;
	struct err e = ERR_INIT;
	struct dsl_dataset *ds;
	struct objset *os;
	struct zilog *zl;
	char buf[8192], got[8192];

	fill(buf, sizeof(buf), 5);
	spa_enter(spa);
	CHECK_EQ(dsl_create(spa, &c, &e), 0);
	CHECK_EQ(dsl_hold(spa, "t/v", &ds, &e), 0);
	CHECK_EQ(dsl_objset(ds, &os), 0);
	CHECK_EQ(zil_open(ds, NULL, &zl), 0);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(dmu_write(os, 1, 16384, sizeof(buf), buf), 0);
		zil_log_write(zl, 1, 16384, sizeof(buf));
		CHECK_EQ(dmu_write(os, 1, 0, sizeof(buf), buf), 0);
		zil_log_write(zl, 1, 0, sizeof(buf));
		CHECK_EQ(dmu_free_range(os, 1, 0, 4096), 0);
		zil_log_truncate(zl, 1, 0, 4096);
		spa_exit(spa);
		CHECK_EQ(zil_commit_wait(zl, 1), 0);
		spa_enter(spa);
		fill(buf, sizeof(buf), 6);
	}
	spa->suspended = true;
	zil_close(zl);
	dsl_rele(ds);
	spa_exit(spa);
	spa_close(spa);
	spa = test_pool_import(test_dir(), false);
	spa_enter(spa);
	CHECK_EQ(dsl_hold(spa, "t/v", &ds, &e), 0);
	CHECK(zil_needs_replay(ds));
	CHECK_EQ(zil_replay_volume(ds, &st, &e), 0);
	CHECK_EQ(st.failed, 0);
	CHECK_EQ(st.records, 3);
	CHECK_EQ(dsl_objset(ds, &os), 0);
	CHECK_EQ(dmu_read(os, 1, 16384, sizeof(got), got), 0);
	CHECK_MEM(got, buf, sizeof(buf));
	memset(buf, 0, 4096);
	CHECK_EQ(dmu_read(os, 1, 0, sizeof(got), got), 0);
	CHECK_MEM(got, buf, sizeof(buf));
	dsl_rele(ds);
	spa_exit(spa);
	CHECK_EQ(spa_export(spa, &e), 0);
}
