/* SPDX-License-Identifier: MIT */
/*
 * The POSIX layer against a model: thousands of random operations on a filesystem and on a plain
 * structure in memory, whose results must agree, over syncs and reopened pools.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zap.h"
#include "test.h"
#include "zpl_util.h"

/* --- the model -------------------------------------------------------------------------------- */

enum { NODES = 160, NAMES = 400, XATTRS = 4, FILE_MAX = 700 * 1024 };

struct mxattr {
	bool used;
	size_t len;
	uint8_t *val;
};

struct mnode {
	bool used, orphan; /* orphan: no names, not freed yet */
	uint64_t obj;
	uint32_t mode, uid, gid;
	uint64_t links, rdev;
	int parent; /* of directories */
	size_t size;
	uint8_t *data; /* FILE_MAX bytes, zero behind size */
	char target[200];
	struct mxattr x[XATTRS];
};

struct mname {
	bool used;
	int dir, node;
	char name[64];
};

static struct model {
	struct test_fs f;
	struct mnode node[NODES]; /* 0 is the root */
	struct mname name[NAMES];
} M;

static unsigned
rnd(unsigned n)
{
	return ((unsigned)(test_rand() % n));
}

static int
pick_node(bool (*want)(const struct mnode *))
{
	unsigned start = rnd(NODES);

	for (unsigned k = 0; k < NODES; k++) {
		int i = (int)((start + k) % NODES);

		if (M.node[i].used && want(&M.node[i]))
			return (i);
	}
	return (-1);
}

static struct mnode *
pick(bool (*want)(const struct mnode *))
{
	int i = pick_node(want);

	return (i < 0 ? NULL : &M.node[i]);
}

static bool is_dir(const struct mnode *n) { return (S_ISDIR(n->mode) && !n->orphan); }
static bool is_any_file(const struct mnode *n) { return (S_ISREG(n->mode)); }
static bool is_linkable(const struct mnode *n) { return (!S_ISDIR(n->mode) && !n->orphan); }
static bool is_any(const struct mnode *n) { (void)n; return (true); }
static bool is_orphan(const struct mnode *n) { return (n->orphan); }

static int
find_name(int dir, const char *name)
{
	for (int i = 0; i < NAMES; i++) {
		if (M.name[i].used && M.name[i].dir == dir && strcmp(M.name[i].name, name) == 0)
			return (i);
	}
	return (-1);
}

static unsigned
count_names(int dir)
{
	unsigned n = 0;

	for (int i = 0; i < NAMES; i++)
		n += M.name[i].used && M.name[i].dir == dir;
	return (n);
}

static int
free_slot(void)
{
	for (int i = 0; i < NODES; i++) {
		if (!M.node[i].used)
			return (i);
	}
	return (-1);
}

static int
add_name(int dir, const char *name, int node)
{
	for (int i = 0; i < NAMES; i++) {
		if (!M.name[i].used) {
			M.name[i] = (struct mname){true, dir, node, ""};
			(void)snprintf(M.name[i].name, sizeof(M.name[i].name), "%s", name);
			return (i);
		}
	}
	return (-1);
}

static bool
names_full(void)
{
	unsigned n = 0;

	for (int i = 0; i < NAMES; i++)
		n += M.name[i].used;
	return (n >= NAMES - 2);
}

static void
clear_node(int i)
{
	free(M.node[i].data);
	for (int k = 0; k < XATTRS; k++)
		free(M.node[i].x[k].val);
	memset(&M.node[i], 0, sizeof(M.node[i]));
}

/* Few names, so that they meet; some long enough for a fat table. */
static void
random_name(char buf[64])
{
	unsigned k = rnd(40);

	(void)snprintf(buf, 64, k < 30 ? "n%u" : "a_name_that_does_not_fit_into_a_micro_table_entry_%u", k);
}

/* --- operations ------------------------------------------------------------------------------- */

static void
op_create(void)
{
	static const uint32_t types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK, S_IFIFO,
		S_IFCHR, S_IFBLK, S_IFSOCK};
	int dir = pick_node(is_dir), slot = free_slot();
	struct zpl_new n = {.mode = types[rnd(10)] | rnd(01000), .uid = rnd(3), .gid = rnd(70000)};
	char name[64], target[200] = "";
	uint64_t obj;
	struct mnode *m;
	int rc;

	random_name(name);
	if (slot < 0 || names_full())
		return;
	if (S_ISLNK(n.mode)) {
		memset(target, 'x', 1 + rnd(sizeof(target) - 1));
		n.target = target;
	}
	if (S_ISCHR(n.mode) || S_ISBLK(n.mode))
		n.rdev = makedev(rnd(4000), rnd(1 << 20));
	rc = zpl_create(M.f.z, M.node[dir].obj, name, &n, &obj);
	CHECK_EQ(rc, find_name(dir, name) >= 0 ? -EEXIST : 0);
	if (rc != 0)
		return;
	m = &M.node[slot];
	*m = (struct mnode){.used = true, .obj = obj, .mode = n.mode, .uid = n.uid, .gid = n.gid,
	    .links = S_ISDIR(n.mode) ? 2 : 1, .rdev = n.rdev, .parent = dir};
	if (S_ISREG(n.mode))
		m->data = calloc(1, FILE_MAX);
	if (S_ISLNK(n.mode))
		m->size = strlen(memcpy(m->target, target, sizeof(target)));
	(void)add_name(dir, name, slot);
	M.node[dir].links += S_ISDIR(n.mode);
}

static void
op_tmpfile(void)
{
	struct zpl_new n = {.mode = S_IFREG | 0600};
	int slot = free_slot();
	uint64_t obj;

	if (slot < 0)
		return;
	CHECK_EQ(zpl_tmpfile(M.f.z, &n, &obj), 0);
	M.node[slot] = (struct mnode){.used = true, .orphan = true, .obj = obj, .mode = n.mode};
	M.node[slot].data = calloc(1, FILE_MAX);
}

static void
op_link(void)
{
	int dir = pick_node(is_dir), node = rnd(4) == 0 ? pick_node(is_orphan) : pick_node(is_linkable);
	char name[64];
	int rc;

	random_name(name);
	if (node < 0 || names_full() || S_ISDIR(M.node[node].mode))
		return;
	rc = zpl_link(M.f.z, M.node[node].obj, M.node[dir].obj, name);
	CHECK_EQ(rc, find_name(dir, name) >= 0 ? -EEXIST : 0);
	if (rc != 0)
		return;
	(void)add_name(dir, name, node);
	M.node[node].links++;
	M.node[node].orphan = false;
}

/* The model's side of a name that went away. */
static void
drop_name(int i)
{
	struct mnode *n = &M.node[M.name[i].node];

	M.name[i].used = false;
	if (S_ISDIR(n->mode)) {
		M.node[M.name[i].dir].links--;
		n->links = 0;
	} else {
		n->links--;
	}
	n->orphan = n->links == 0;
}

static void
op_remove(void)
{
	int dir = pick_node(is_dir), i;
	char name[64];
	uint64_t obj = 0;
	bool is_last = false, rmdir = rnd(2);
	int rc, want = -ENOENT;

	random_name(name);
	i = find_name(dir, name);
	if (i >= 0) {
		struct mnode *n = &M.node[M.name[i].node];

		if (rmdir)
			want = !S_ISDIR(n->mode) ? -ENOTDIR : count_names(M.name[i].node) ? -ENOTEMPTY : 0;
		else
			want = S_ISDIR(n->mode) ? -EISDIR : 0;
	}
	if (rmdir)
		rc = zpl_rmdir(M.f.z, M.node[dir].obj, name, &obj);
	else
		rc = zpl_unlink(M.f.z, M.node[dir].obj, name, &obj, &is_last);
	CHECK_EQ(rc, want);
	if (rc != 0)
		return;
	CHECK_EQ(obj, M.node[M.name[i].node].obj);
	drop_name(i);
	if (!rmdir)
		CHECK_EQ(is_last, M.node[M.name[i].node].orphan);
}

static void
op_free_orphan(void)
{
	int i = pick_node(is_orphan);
	struct zpl_attr a;

	if (i < 0)
		return;
	CHECK_EQ(zpl_free_unlinked(M.f.z, M.node[i].obj), 0);
	CHECK_EQ(zpl_getattr(M.f.z, M.node[i].obj, &a), -ENOENT);
	clear_node(i);
}

static bool
is_below(int node, int ancestor)
{
	for (; node != 0; node = M.node[node].parent) {
		if (node == ancestor)
			return (true);
	}
	return (ancestor == 0);
}

static int
rename_expect(int src, int dst, int newdir, unsigned flags)
{
	const struct mnode *s, *d;

	if (src < 0)
		return (-ENOENT);
	s = &M.node[M.name[src].node];
	if (flags == RENAME_EXCHANGE) {
		if (dst < 0)
			return (-ENOENT);
		d = &M.node[M.name[dst].node];
		if ((S_ISDIR(s->mode) && is_below(newdir, M.name[src].node)) ||
		    (S_ISDIR(d->mode) && is_below(M.name[src].dir, M.name[dst].node)))
			return (-EINVAL);
		return (0);
	}
	if (dst >= 0) {
		d = &M.node[M.name[dst].node];
		if (flags == RENAME_NOREPLACE)
			return (-EEXIST);
		if (d == s)
			return (1); /* nothing happens */
		if (S_ISDIR(d->mode) != S_ISDIR(s->mode))
			return (S_ISDIR(d->mode) ? -EISDIR : -ENOTDIR);
		if (S_ISDIR(d->mode) && count_names(M.name[dst].node) != 0)
			return (-ENOTEMPTY);
	}
	return (S_ISDIR(s->mode) && is_below(newdir, M.name[src].node) ? -EINVAL : 0);
}

static void
set_place(int i, int dir, int node)
{
	M.name[i].node = node;
	if (S_ISDIR(M.node[node].mode))
		M.node[node].parent = dir;
}

static void
rename_apply(int src, int dst, int newdir, const char *newname, unsigned flags)
{
	int node = M.name[src].node, dir = M.name[src].dir, isdir = S_ISDIR(M.node[node].mode);

	if (flags == RENAME_EXCHANGE) {
		int other = M.name[dst].node, odir = S_ISDIR(M.node[other].mode);

		set_place(src, dir, other);
		set_place(dst, newdir, node);
		M.node[dir].links += (uint64_t)(odir - isdir);
		M.node[newdir].links += (uint64_t)(isdir - odir);
		return;
	}
	if (dst >= 0)
		drop_name(dst);
	M.name[src].used = false;
	set_place(add_name(newdir, newname, node), newdir, node);
	M.node[dir].links -= (uint64_t)isdir;
	M.node[newdir].links += (uint64_t)isdir;
}

static void
op_rename(void)
{
	static const unsigned kinds[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	int dir = pick_node(is_dir), newdir = rnd(3) ? pick_node(is_dir) : dir, src, dst, want, rc;
	unsigned flags = kinds[rnd(5)];
	char name[64], newname[64];
	uint64_t replaced;
	bool last;

	random_name(name);
	random_name(newname);
	src = find_name(dir, name);
	dst = find_name(newdir, newname);
	want = rename_expect(src, dst, newdir, flags);
	rc = zpl_rename(M.f.z, M.node[dir].obj, name, M.node[newdir].obj, newname, flags, &replaced,
	    &last);
	CHECK_EQ(rc, want == 1 ? 0 : want);
	if (want != 0)
		return;
	if (dst >= 0 && flags != RENAME_EXCHANGE)
		CHECK_EQ(replaced, M.node[M.name[dst].node].obj);
	rename_apply(src, dst, newdir, newname, flags);
}

static void
random_range(size_t *off, size_t *len)
{
	*off = rnd(2) ? rnd(FILE_MAX) : rnd(20000);
	*len = 1 + (rnd(4) == 0 ? rnd(300000) : rnd(5000));
	if (rnd(3) == 0)
		*off &= ~(size_t)4095;
	if (*len > FILE_MAX - *off)
		*len = FILE_MAX - *off;
}

static void
op_write(void)
{
	static uint8_t buf[300001];
	struct mnode *n = pick(is_any_file);
	size_t off, len;

	if (n == NULL)
		return;
	random_range(&off, &len);
	if (rnd(3) == 0)
		memset(buf, (int)rnd(256), len);
	else
		for (size_t k = 0; k < len; k++)
			buf[k] = (uint8_t)test_rand();
	if (off > n->size && rnd(2))
		off = n->size;
	CHECK_EQ(zpl_write(M.f.z, n->obj, off, len, buf, false), 0);
	memcpy(n->data + off, buf, len);
	if (off + len > n->size)
		n->size = off + len;
}

static void
op_truncate(void)
{
	struct mnode *n = pick(is_any_file);
	struct zpl_attr a = {.size = rnd(3) ? rnd(30000) : rnd(FILE_MAX)};

	if (n == NULL)
		return;
	CHECK_EQ(zpl_setattr(M.f.z, n->obj, ZA_SIZE, &a), 0);
	if (a.size < n->size)
		memset(n->data + a.size, 0, n->size - a.size);
	n->size = a.size;
}

static void
op_punch(void)
{
	struct mnode *n = pick(is_any_file);
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	size_t off, len;

	if (n == NULL)
		return;
	random_range(&off, &len);
	if (rnd(3) == 0)
		mode = rnd(2) ? FALLOC_FL_ZERO_RANGE : 0;
	if (len == 0)
		return;
	CHECK_EQ(zpl_fallocate(M.f.z, n->obj, mode, off, len), 0);
	if (mode != 0)
		memset(n->data + off, 0, len);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > n->size)
		n->size = off + len;
}

static void
op_setattr(void)
{
	struct mnode *n = pick(is_any);
	unsigned mask = rnd(ZA_SIZE);
	struct zpl_attr a = {.mode = rnd(010000), .uid = rnd(1000), .gid = rnd(1000)};

	CHECK_EQ(zpl_setattr(M.f.z, n->obj, mask, &a), 0);
	if (mask & ZA_MODE)
		n->mode = (n->mode & S_IFMT) | (a.mode & 07777);
	if (mask & ZA_UID)
		n->uid = a.uid;
	if (mask & ZA_GID)
		n->gid = a.gid;
}

static void
op_xattr(void)
{
	static uint8_t val[60000];
	static const unsigned sizes[] = {10, 200, 2000, 40000, 60000};
	int i = pick_node(is_any);
	unsigned k = rnd(XATTRS), flags = rnd(3);
	struct mxattr *x = &M.node[i].x[k];
	char name[32];
	size_t len = rnd(sizes[rnd(5)]);
	int rc, want;

	(void)snprintf(name, sizeof(name), "user.x%u", k);
	if (rnd(3) == 0) {
		CHECK_EQ(zpl_xattr_remove(M.f.z, M.node[i].obj, name), x->used ? 0 : -ENODATA);
		x->used = false;
		return;
	}
	memset(val, (int)rnd(256), sizeof(val));
	want = flags == ZX_CREATE && x->used ? -EEXIST : flags == ZX_REPLACE && !x->used ? -ENODATA : 0;
	rc = zpl_xattr_set(M.f.z, M.node[i].obj, name, val, len, flags);
	CHECK_EQ(rc, want);
	if (rc != 0)
		return;
	free(x->val);
	x->val = malloc(len + 1);
	memcpy(x->val, val, len);
	x->len = len;
	x->used = true;
}

/* --- comparing -------------------------------------------------------------------------------- */

static void
check_seek(const struct mnode *n)
{
	uint64_t off = 0, next;

	while (off < n->size) {
		next = off;
		int rc = zpl_seek(M.f.z, n->obj, false, &next);

		if (rc == -ENXIO)
			next = n->size;
		else
			CHECK_EQ(rc, 0);
		CHECK(next >= off && next <= n->size);
		for (uint64_t k = off; k < next; k++)
			CHECK(n->data[k] == 0); /* what is called a hole reads as zeros */
		if (next == n->size)
			return;
		off = next;
		CHECK_EQ(zpl_seek(M.f.z, n->obj, true, &next), 0);
		CHECK(next > off);
		off = next;
	}
}

static void
check_file(const struct mnode *n)
{
	static uint8_t buf[FILE_MAX];

	CHECK_EQ(zpl_read(M.f.z, n->obj, 0, sizeof(buf), buf), n->size);
	CHECK_MEM(buf, n->data, n->size);
	check_seek(n);
}

static void
check_xattrs(const struct mnode *n)
{
	static uint8_t buf[65536];
	char names[256];
	int want = 0;

	for (unsigned k = 0; k < XATTRS; k++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "user.x%u", k);
		if (!n->x[k].used) {
			CHECK_EQ(zpl_xattr_get(M.f.z, n->obj, name, buf, sizeof(buf)), -ENODATA);
			continue;
		}
		want += 8;
		CHECK_EQ(zpl_xattr_get(M.f.z, n->obj, name, buf, sizeof(buf)), n->x[k].len);
		CHECK_MEM(buf, n->x[k].val, n->x[k].len);
	}
	CHECK_EQ(zpl_xattr_list(M.f.z, n->obj, names, sizeof(names)), want);
}

struct seen {
	int dir;
	unsigned n;
};

static int
check_dirent(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	struct seen *s = arg;
	int i;

	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (0);
	i = find_name(s->dir, name);
	CHECK(i >= 0);
	CHECK_EQ(obj, M.node[M.name[i].node].obj);
	CHECK_EQ(dtype, (M.node[M.name[i].node].mode & S_IFMT) >> 12);
	s->n++;
	return (0);
}

static void
check_node(int i)
{
	const struct mnode *n = &M.node[i];
	struct zpl_attr a;
	char buf[256];

	CHECK_EQ(zpl_getattr(M.f.z, n->obj, &a), 0);
	CHECK_EQ(a.mode, n->mode);
	CHECK_EQ(a.uid, n->uid);
	CHECK_EQ(a.gid, n->gid);
	CHECK_EQ(a.links, n->links);
	check_xattrs(n);
	if (S_ISDIR(n->mode)) {
		struct seen s = {.dir = i};

		CHECK_EQ(zpl_readdir(M.f.z, n->obj, 0, check_dirent, &s), 0);
		CHECK_EQ(s.n, count_names(i));
		CHECK_EQ(a.size, s.n + 2);
		if (!n->orphan)
			CHECK_EQ(a.parent, M.node[n->parent].obj);
		return;
	}
	CHECK_EQ(a.size, n->size);
	if (S_ISREG(n->mode))
		check_file(n);
	if (S_ISLNK(n->mode)) {
		CHECK_EQ(zpl_readlink(M.f.z, n->obj, buf, sizeof(buf)), n->size);
		CHECK_MEM(buf, n->target, n->size);
	}
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		CHECK_EQ(a.rdev, n->rdev);
}

static void
check_all(void)
{
	for (int i = 0; i < NODES; i++) {
		if (M.node[i].used)
			check_node(i);
	}
}

/* --- histories -------------------------------------------------------------------------------- */

static void (*const ops[])(void) = {op_create, op_create, op_create, op_link, op_remove, op_remove,
	op_free_orphan, op_rename, op_rename, op_write, op_write, op_write, op_truncate, op_punch,
	op_setattr, op_xattr, op_xattr, op_tmpfile};

/* After a crash or an export nobody has unlinked files open. */
static void
forget_orphans(void)
{
	for (int i = 0; i < NODES; i++) {
		if (M.node[i].used && M.node[i].orphan)
			clear_node(i);
	}
}

static void
reopen(const char *name)
{
	struct spa *spa = M.f.spa;

	spa_exit(spa);
	test_fs_close(&M.f);
	spa = test_pool_reopen(spa);
	test_fs_open(spa, name, &M.f);
	spa_enter(spa);
	CHECK_EQ(zpl_reap_unlinked(M.f.z), 0);
	forget_orphans();
}

/* On an empty filesystem of an open pool, which is exported in the end. */
static void
history(struct spa *spa, const char *fs, int steps, int sync_every, int reopen_every)
{
	test_fs_open(spa, fs, &M.f);
	M.node[0] = (struct mnode){
	    .used = true, .obj = zpl_root(M.f.z), .mode = S_IFDIR | 0755, .links = 2};
	spa_enter(spa);
	for (int i = 1; i <= steps; i++) {
		ops[rnd(sizeof(ops) / sizeof(ops[0]))]();
		if (i % 3 == 0)
			(void)write_behind(M.f.spa, test_rand() % 4 * 65536);
		if (i % sync_every == 0)
			CHECK_EQ(spa_sync(M.f.spa, NULL), 0);
		if (i % (sync_every * 7 / 3) == 0)
			check_all();
		if (i % reopen_every == 0)
			reopen(fs);
	}
	check_all();
	spa_exit(M.f.spa);
	for (int i = 0; i < NODES; i++)
		clear_node(i);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(M.f.spa, NULL), 0);
}

/* How many operations an unattended look gets: HISTORY_STEPS=100000. */
static int
steps_or(int def)
{
	const char *s = getenv("HISTORY_STEPS");

	return (s != NULL ? atoi(s) : def);
}

static struct spa *
pool_with(const char *recordsize)
{
	struct spa *spa = test_pool_create(512);

	test_fs_create(spa, "t/fs", "recordsize", recordsize);
	return (spa);
}

TEST(zpl_agrees_with_a_model_over_a_long_history)
{
	history(pool_with("131072"), "t/fs", steps_or(3000), 150, 1400);
}

TEST(zpl_agrees_with_a_model_with_small_records)
{
	history(pool_with("4096"), "t/fs", steps_or(2000), 90, 900);
}

TEST(zpl_agrees_with_a_model_with_tiny_records_and_many_syncs)
{
	history(pool_with("512"), "t/fs", steps_or(1500), 10, 300);
}

TEST(zpl_agrees_with_a_model_on_a_pool_that_openzfs_made)
{
	history(test_fixture_import("nofeat", false), "nofeat", steps_or(1500), 100, 700);
}

/* tests/interop/zpl_histories_pass_the_judges.sh looks at the file afterwards. */
TEST(zpl_random_history_is_left_for_outside_judges)
{
	if (getenv("JUDGED_POOL") == NULL)
		test_skip("JUDGED_POOL is not set");
	history(pool_with("16384"), "t/fs", 2500, 100, 700);
}

TEST(zpl_a_huge_file_goes_in_pieces)
{
	struct spa *spa = pool_with("512");
	struct zpl_new n = {.mode = S_IFREG | 0600};
	static uint8_t buf[1 << 20];
	struct zpl_attr a;
	uint64_t obj;
	int pieces = 0, rc;

	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	CHECK_EQ(zpl_tmpfile(M.f.z, &n, &obj), 0);
	memset(buf, 7, sizeof(buf));
	for (uint64_t i = 0; i < 20; i++) {
		CHECK_EQ(zpl_write(M.f.z, obj, i << 20, sizeof(buf), buf, false), 0);
		CHECK_EQ(spa_sync(spa, NULL), 0);
	}
	while ((rc = zpl_free_unlinked(M.f.z, obj)) == 1) {
		CHECK_EQ(spa_sync(spa, NULL), 0);
		pieces++;
	}
	CHECK_EQ(rc, 0);
	CHECK_EQ(pieces, 4); /* 40960 blocks, 8192 at a time, the last with the object */
	CHECK_EQ(zpl_getattr(M.f.z, obj, &a), -ENOENT);
	spa_exit(spa);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(spa, NULL), 0);
}

TEST(zpl_a_sparse_file_of_exabytes_goes_at_once)
{
	struct spa *spa = pool_with("512");
	struct zpl_new n = {.mode = S_IFREG | 0600};
	struct zpl_attr a = {.size = INT64_MAX};
	uint64_t obj;
	int pieces = 0, rc;

	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	CHECK_EQ(zpl_tmpfile(M.f.z, &n, &obj), 0);
	CHECK_EQ(zpl_write(M.f.z, obj, 1, 1, "x", false), 0);
	CHECK_EQ(zpl_write(M.f.z, obj, 1ULL << 60, 1, "y", false), 0);
	CHECK_EQ(zpl_write(M.f.z, obj, 1ULL << 62, 1, "z", false), 0);
	CHECK_EQ(zpl_setattr(M.f.z, obj, ZA_SIZE, &a), 0);
	while ((rc = zpl_free_unlinked(M.f.z, obj)) == 1 && pieces < 10)
		pieces++;
	CHECK_EQ(rc, 0);
	CHECK_EQ(pieces, 2);
	CHECK_EQ(zpl_getattr(M.f.z, obj, &a), -ENOENT);
	spa_exit(spa);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(spa, NULL), 0);
}

TEST(zpl_a_full_pool_says_so_and_can_be_emptied)
{
	struct zpl_new n = {.mode = S_IFREG | 0600};
	struct spa *spa = test_pool_create(96);
	static uint8_t buf[1 << 18];
	uint64_t obj, freed;
	unsigned files = 0;
	bool is_last;
	char name[32];
	int rc = 0;

	test_fs_create(spa, "t/fs", NULL, NULL);
	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	for (int round = 0; round < 3; round++) {
		for (files = 0; files < 1000; files++) {
			for (size_t i = 0; i < sizeof(buf); i++)
				buf[i] = (uint8_t)test_rand();
			(void)snprintf(name, sizeof(name), "f%u", files);
			if ((rc = zpl_create(M.f.z, zpl_root(M.f.z), name, &n, &obj)) != 0)
				break;
			if ((rc = zpl_write(M.f.z, obj, 0, sizeof(buf), buf, false)) != 0) {
				files++;
				break;
			}
			if (files % 16 == 0)
				CHECK_EQ(spa_sync(spa, NULL), 0);
		}
		CHECK_EQ(rc, -ENOSPC);
		CHECK(files > 100);
		CHECK_EQ(spa_sync(spa, NULL), 0);
		while (files-- > 0) {
			(void)snprintf(name, sizeof(name), "f%u", files);
			CHECK_EQ(zpl_unlink(M.f.z, zpl_root(M.f.z), name, &freed, &is_last), 0);
			CHECK_EQ(zpl_free_unlinked(M.f.z, freed), 0);
		}
		for (int i = 0; i < 4; i++) /* what was freed can be used two txgs later */
			CHECK_EQ(spa_sync_force(spa, NULL), 0);
	}
	spa_exit(spa);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(spa, NULL), 0);
}

static int
count_entries(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	(void)name, (void)obj, (void)dtype, (void)next;
	(*(unsigned *)arg)++;
	return (0);
}

TEST(zpl_a_directory_of_100000_names_is_made_listed_and_emptied)
{
	enum { N = 100000 };
	struct zpl_new n = {.mode = S_IFREG | 0600};
	struct spa *spa = test_pool_create(512);
	uint64_t obj;
	unsigned seen = 0;
	bool is_last;
	char name[32];

	test_fs_create(spa, "t/fs", NULL, NULL);
	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "entry%u", i);
		CHECK_EQ(zpl_create(M.f.z, zpl_root(M.f.z), name, &n, &obj), 0);
		if (i % 20000 == 0)
			CHECK_EQ(spa_sync(spa, NULL), 0);
	}
	spa_exit(spa);
	test_fs_close(&M.f);
	spa = test_pool_reopen(spa);
	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	CHECK_EQ(zpl_readdir(M.f.z, zpl_root(M.f.z), 0, count_entries, &seen), 0);
	CHECK_EQ(seen, N + 2);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "entry%u", i);
		CHECK_EQ(zpl_unlink(M.f.z, zpl_root(M.f.z), name, &obj, &is_last), 0);
		CHECK_EQ(zpl_free_unlinked(M.f.z, obj), 0);
	}
	seen = 0;
	CHECK_EQ(zpl_readdir(M.f.z, zpl_root(M.f.z), 0, count_entries, &seen), 0);
	CHECK_EQ(seen, 2);
	spa_exit(spa);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(spa, NULL), 0);
}

/* As on a pool of a system that did not have extended attributes in system attributes. */
TEST(zpl_registers_an_attribute_that_the_pool_does_not_know)
{
	struct spa *spa = pool_with("4096");
	struct zpl_new n = {.mode = S_IFREG | 0600};
	uint64_t obj, registry, master, value;
	char buf[8] = "";

	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	struct objset *os;

	CHECK_EQ(dsl_objset(M.f.ds, &os), 0);
	CHECK_EQ(zap_lookup(os, 1, "SA_ATTRS", 8, 1, &master), 0);
	CHECK_EQ(zap_lookup(os, master, "REGISTRY", 8, 1, &registry), 0);
	CHECK_EQ(zap_remove(os, registry, "ZPL_DXATTR"), 0);
	CHECK_EQ(zpl_reload(M.f.z, NULL), 0);
	CHECK_EQ(zpl_create(M.f.z, zpl_root(M.f.z), "f", &n, &obj), 0);
	CHECK_EQ(zpl_xattr_get(M.f.z, obj, "user.a", buf, 8), -ENODATA);
	CHECK_EQ(zpl_xattr_set(M.f.z, obj, "user.a", "value", 5, 0), 0);
	CHECK_EQ(zap_lookup(os, registry, "ZPL_DXATTR", 8, 1, &value), 0);
	CHECK_EQ(value & 0xffff, 22);
	spa_exit(spa);
	test_fs_close(&M.f);
	spa = test_pool_reopen(spa);
	test_fs_open(spa, "t/fs", &M.f);
	spa_enter(spa);
	CHECK_EQ(zpl_lookup(M.f.z, zpl_root(M.f.z), "f", &obj), 0);
	CHECK_EQ(zpl_xattr_get(M.f.z, obj, "user.a", buf, 8), 5);
	CHECK_MEM(buf, "value", 5);
	spa_exit(spa);
	test_fs_close(&M.f);
	CHECK_EQ(spa_export(spa, NULL), 0);
}
