/* SPDX-License-Identifier: MIT */
/*
 * The dataset layer on a pool in memory: each operation, then random histories whose accounts are
 * compared with an oracle that walks every block of every dataset.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs_pool.h"
#include "test.h"

#include "../../fs/dsl_impl.h"
#include "smartbox/fs/zpl.h"

static void
must(int rc, const struct err *e, const char *what)
{
	if (rc != 0)
		test_fail(__FILE__, __LINE__, "%s: %d: %s", what, rc, e->msg);
}
#define MUST(call_)                                                                                \
	do {                                                                                       \
		struct err fail = ERR_INIT;                                                           \
		must((call_), &fail, #call_);                                                         \
	} while (0)

static int
make_fs(struct spa *spa, const char *name, struct err *e)
{
	struct zpl_init init = {.mode = 0755};
	struct dsl_create c = {name, 2, NULL, zpl_init_objset, &init};

	return (dsl_create(spa, &c, e));
}

static int
set_prop(struct spa *spa, const char *name, const char *prop, const char *value, struct err *e)
{
	struct nvlist *nv = nv_new();
	int rc;

	CHECK(nv_add_str(nv, prop, value) == 0);
	rc = dsl_prop_set(spa, name, nv, e);
	nv_free(nv);
	return (rc);
}

static struct dsl_dataset *
hold(struct spa *spa, const char *name)
{
	struct dsl_dataset *ds;

	MUST(dsl_hold(spa, name, &ds, &fail));
	return (ds);
}

static uint64_t
prop(struct spa *spa, const char *name, const char *p)
{
	struct dsl_dataset *ds = hold(spa, name);
	uint64_t v;

	CHECK_EQ(dsl_prop_u64(ds, p, &v), 0);
	dsl_rele(ds);
	return (v);
}

static void
check_text(struct spa *spa, const char *name, const char *p, const char *value, const char *source)
{
	char got[256], got_source[300];
	struct dsl_dataset *ds = hold(spa, name);

	CHECK_EQ(dsl_prop_text(ds, p, false, got, sizeof(got), got_source, sizeof(got_source)), 0);
	dsl_rele(ds);
	CHECK_STR(got, value);
	CHECK_STR(got_source, source);
}

/* A file object of some random bytes. */
static uint64_t
write_file(struct spa *spa, const char *name, size_t bytes)
{
	struct dsl_dataset *ds = hold(spa, name);
	struct objset *os;
	uint64_t obj;
	uint8_t *data = malloc(bytes);
	size_t i;

	CHECK(dsl_objset(ds, &os) == 0 && data != NULL);
	for (i = 0; i < bytes; i++)
		data[i] = (uint8_t)test_rand();
	CHECK_EQ(dmu_object_alloc(os, OT_PLAIN_FILE, 4096, 0, 0, &obj), 0);
	CHECK_EQ(dmu_write(os, obj, 0, bytes, data), 0);
	free(data);
	dsl_rele(ds);
	return (obj);
}

static void
free_file(struct spa *spa, const char *name, uint64_t obj)
{
	struct dsl_dataset *ds = hold(spa, name);
	struct objset *os;

	CHECK(dsl_objset(ds, &os) == 0);
	CHECK_EQ(dmu_object_free(os, obj), 0);
	dsl_rele(ds);
}

static int
snapshot(struct spa *spa, const char *name, struct err *e)
{
	return (dsl_snapshot(spa, &name, 1, NULL, e));
}

/* --- the oracle ------------------------------------------------------------------------------- */

struct seen { /* a block, and which datasets have it */
	uint64_t dva[2], birth;
	int64_t dsize, comp, uncomp;
	uint32_t owner;
};
struct oracle {
	struct spa *spa;
	struct seen *v;
	size_t n, room;
	uint32_t owner;
	uint64_t prev_txg;
	struct space_sum refd, own;
};
struct ds_note {
	uint64_t obj, dir, creation, origin_txg;
	int64_t unique; /* as written down */
	bool is_snap;
	char name[DSL_NAME_MAX];
};
struct dir_note {
	uint64_t obj, origin_txg;
	int64_t head, snap;
};

static int
see_block(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	struct oracle *o = arg;
	struct space_sum s = space_of_bp(o->spa, bp);

	(void)obj, (void)level, (void)blkid;
	space_add(&o->refd, &s, 1);
	if (bp_birth(bp) > o->prev_txg)
		space_add(&o->own, &s, 1);
	if (o->n == o->room) {
		o->room = o->room == 0 ? 4096 : 2 * o->room;
		o->v = realloc(o->v, o->room * sizeof(*o->v));
		CHECK(o->v != NULL);
	}
	o->v[o->n++] = (struct seen){{bp->w[0], bp->w[1]}, bp_birth(bp), s.used, s.comp, s.uncomp,
	    o->owner};
	if (bp_is_embedded(bp))
		o->n--;
	return (0);
}

struct notes {
	struct oracle o;
	struct ds_note ds[512];
	size_t nds;
};

static int
see_dataset(struct dsl_dataset *ds, void *arg)
{
	struct notes *n = arg;
	const struct dsl_dataset_phys *p = ds_phys(ds);
	struct ds_note *note = &n->ds[n->nds];

	CHECK(n->nds < 512);
	dsl_name(ds, note->name);
	note->obj = ds->obj;
	note->dir = ds->dir->obj;
	note->creation = p->creation_txg;
	note->unique = (int64_t)p->unique;
	note->is_snap = dsl_is_snapshot(ds);
	CHECK(ds_prev_refresh(ds) == 0);
	note->origin_txg = ds->origin_txg;
	n->o.owner = (uint32_t)n->nds++;
	n->o.prev_txg = p->prev_snap_txg;
	n->o.refd = n->o.own = (struct space_sum){0, 0, 0};
	CHECK_EQ(dmu_traverse(n->o.spa, &p->bp, 0, false, see_block, &n->o), 0);
	if (n->o.refd.used != (int64_t)p->referenced || n->o.refd.comp != (int64_t)p->compressed ||
	    n->o.refd.uncomp != (int64_t)p->uncompressed)
		test_fail(__FILE__, __LINE__, "%s: %" PRIu64 "/%" PRIu64 "/%" PRIu64
		    " referenced, but its blocks are %" PRId64 "/%" PRId64 "/%" PRId64, note->name,
		    p->referenced, p->compressed, p->uncompressed, n->o.refd.used, n->o.refd.comp,
		    n->o.refd.uncomp);
	if (!note->is_snap && n->o.own.used != note->unique)
		test_fail(__FILE__, __LINE__, "%s: unique %" PRId64 ", but its own blocks are %" PRId64,
		    note->name, note->unique, n->o.own.used);
	return (0);
}

static int
by_dva(const void *pa, const void *pb)
{
	const struct seen *a = pa, *b = pb;
	int c = memcmp(a->dva, b->dva, sizeof(a->dva));

	return (c != 0 ? c : a->owner < b->owner ? -1 : a->owner > b->owner);
}

struct sums {
	int64_t head, snap, comp, uncomp;
};

/* Who pays for a block: the dir of the owner whose origin is older than it; HEAD if its head has it. */
static void
charge_block(const struct notes *n, const struct seen *run, size_t len, struct sums *dirs,
    const uint64_t *dir_objs, size_t ndirs)
{
	const struct ds_note *payer = NULL;
	bool in_head = false;
	size_t i, d;

	for (i = 0; i < len; i++) {
		const struct ds_note *ds = &n->ds[run[i].owner];

		if (run[i].birth <= ds->origin_txg)
			continue;
		payer = ds;
		in_head |= !ds->is_snap;
	}
	CHECK(payer != NULL);
	for (d = 0; d < ndirs && dir_objs[d] != payer->dir; d++)
		continue;
	CHECK(d < ndirs);
	*(in_head ? &dirs[d].head : &dirs[d].snap) += run->dsize;
	dirs[d].comp += run->comp;
	dirs[d].uncomp += run->uncomp;
}

struct dir_check {
	struct sums *sums;
	const uint64_t *objs;
	size_t n;
};

static int
check_dir(struct dsl_dataset *ds, void *arg)
{
	const struct dir_check *c = arg;
	const struct dsl_dir_phys *p = dir_phys(ds->dir);
	uint64_t sum = 0;
	size_t i, d;

	for (i = 0; i < DD_TYPES; i++)
		sum += p->breakdown[i];
	CHECK_EQ(p->used, sum);
	for (d = 0; c->objs[d] != ds->dir->obj; d++)
		CHECK(d + 1 < c->n);
	if ((int64_t)p->breakdown[DD_HEAD] != c->sums[d].head ||
	    (int64_t)p->breakdown[DD_SNAP] != c->sums[d].snap)
		test_fail(__FILE__, __LINE__, "%s: HEAD %" PRIu64 " SNAP %" PRIu64 ", but blocks say %" PRId64
		    " and %" PRId64, ds->dir->name, p->breakdown[DD_HEAD], p->breakdown[DD_SNAP],
		    c->sums[d].head, c->sums[d].snap);
	if (ds_reserved(ds) > ds_phys(ds)->unique)
		CHECK_EQ(p->breakdown[DD_REFRSRV], ds_reserved(ds) - ds_phys(ds)->unique);
	else
		CHECK_EQ(p->breakdown[DD_REFRSRV], 0);
	return (0);
}

/* CHILD and CHILD_RSRV against the children, of every dir: also $MOS, $FREE, $ORIGIN. */
static void
check_children(struct dsl_dir *dd)
{
	uint64_t child = 0, rsrv = 0;
	struct zap_cursor c;
	struct zap_entry ze;

	zap_cursor_init(&c, dp_mos(dd->dp), dir_phys(dd)->child_zap, 0);
	while (zap_cursor_next(&c, &ze) == 0) {
		struct dsl_dir *sub;

		CHECK(dir_hold_obj(dd->dp, ze.first, ze.name, &sub) == 0);
		child += dir_phys(sub)->used;
		if (dir_phys(sub)->reserved > dir_phys(sub)->used)
			rsrv += dir_phys(sub)->reserved - dir_phys(sub)->used;
		check_children(sub);
		dir_rele(sub);
	}
	zap_cursor_fini(&c);
	CHECK_EQ(dir_phys(dd)->breakdown[DD_CHILD], child);
	CHECK_EQ(dir_phys(dd)->breakdown[DD_CHILD_RSRV], rsrv);
}

/*
 * A snapshot's own are the blocks that no other dataset of its dir has.  Clones that still have them do
 * not count: while there are any, the snapshot cannot go.
 */
static void
note_unique(const struct notes *n, const struct seen *run, size_t len, int64_t *unique)
{
	size_t i, k;

	for (i = 0; i < len; i++) {
		const struct ds_note *ds = &n->ds[run[i].owner];

		if (run[i].birth <= ds->origin_txg)
			continue; /* the origin has it */
		for (k = 0; k < len; k++) {
			if (k != i && n->ds[run[k].owner].dir == ds->dir)
				break;
		}
		if (k == len)
			unique[run[i].owner] += run->dsize;
	}
}

static void
check_uniques(struct notes *n, const struct seen *v, size_t count, struct sums *dirs,
    const uint64_t *objs, size_t ndirs)
{
	int64_t *unique = calloc(n->nds, sizeof(*unique));
	size_t i, end;

	for (i = 0; i < count; i = end) {
		for (end = i + 1; end < count && memcmp(v[i].dva, v[end].dva, 16) == 0;)
			end++;
		note_unique(n, &v[i], end - i, unique);
		charge_block(n, &v[i], end - i, dirs, objs, ndirs);
	}
	for (i = 0; i < n->nds; i++) {
		if (n->ds[i].is_snap && unique[i] != n->ds[i].unique)
			test_fail(__FILE__, __LINE__, "%s: unique %" PRId64 ", but only it has %" PRId64,
			    n->ds[i].name, n->ds[i].unique, unique[i]);
	}
	free(unique);
}

static void
check_accounts(struct spa *spa)
{
	struct notes *n = calloc(1, sizeof(*n));
	struct sums *dirs;
	uint64_t *objs;
	size_t i, ndirs = 0;

	CHECK(n != NULL);
	n->o.spa = spa;
	MUST(dsl_walk(spa, NULL, -1, 7, see_dataset, n, &fail));
	qsort(n->o.v, n->o.n, sizeof(*n->o.v), by_dva);
	dirs = calloc(n->nds, sizeof(*dirs));
	objs = calloc(n->nds, sizeof(*objs));
	for (i = 0; i < n->nds; i++) {
		if (!n->ds[i].is_snap)
			objs[ndirs++] = n->ds[i].dir;
	}
	check_uniques(n, n->o.v, n->o.n, dirs, objs, ndirs);
	{
		struct dir_check c = {dirs, objs, ndirs};

		MUST(dsl_walk(spa, NULL, -1, 3, check_dir, &c, &fail));
	}
	check_children(spa->dsl->root);
	free(dirs);
	free(objs);
	free(n->o.v);
	free(n);
}

static void
sync_pool(struct spa *spa)
{
	MUST(spa_sync_force(spa, &fail));
}

/* --- single operations ------------------------------------------------------------------------ */

TEST(dsl_new_pool_has_exact_accounts)
{
	struct spa *spa = fs_test_pool(128, true);

	sync_pool(spa);
	check_accounts(spa);
	MUST(make_fs(spa, "tank/a", &fail));
	MUST(make_fs(spa, "tank/a/b", &fail));
	(void)write_file(spa, "tank/a/b", 300000);
	sync_pool(spa);
	check_accounts(spa);
	CHECK(prop(spa, "tank/a/b", "used") > 300000);
	CHECK_EQ(prop(spa, "tank/a", "usedbychildren"), prop(spa, "tank/a/b", "used"));
	fs_test_close(spa);
}

TEST(dsl_create_names_what_is_in_the_way)
{
	struct spa *spa = fs_test_pool(128, true);
	struct err e = ERR_INIT;

	CHECK_EQ(make_fs(spa, "tank/a/b", &e), -ENOENT);
	CHECK_STR(e.msg, "parent 'tank/a' does not exist");
	CHECK_EQ(make_fs(spa, "tank", &e), -EEXIST);
	MUST(make_fs(spa, "tank/a", &fail));
	CHECK_EQ(make_fs(spa, "tank/a", &e), -EEXIST);
	CHECK_EQ(make_fs(spa, "tank/a%b", &e), -EINVAL);
	fs_test_close(spa);
}

TEST(dsl_snapshot_keeps_what_the_head_drops_and_destroy_gives_it_back)
{
	struct spa *spa = fs_test_pool(128, true);
	uint64_t obj, used, avail, destroy;
	const char *name = "tank/a@s";

	MUST(make_fs(spa, "tank/a", &fail));
	obj = write_file(spa, "tank/a", 1000000);
	MUST(snapshot(spa, "tank/a@s", &fail));
	used = prop(spa, "tank/a", "used");
	free_file(spa, "tank/a", obj);
	sync_pool(spa);
	check_accounts(spa);
	CHECK(prop(spa, "tank/a@s", "used") > 1000000);
	CHECK(prop(spa, "tank/a", "usedbysnapshots") > 1000000);
	CHECK(prop(spa, "tank/a", "used") >= used);
	CHECK_EQ(dsl_destroy_space(spa, &name, 1, &destroy), 0);
	CHECK_EQ(destroy, prop(spa, "tank/a@s", "used"));
	avail = prop(spa, "tank", "available");
	MUST(dsl_destroy(spa, "tank/a@s", &fail));
	sync_pool(spa);
	check_accounts(spa);
	CHECK_EQ(prop(spa, "tank/a", "usedbysnapshots"), 0);
	CHECK(prop(spa, "tank", "available") > avail + 900000);
	fs_test_close(spa);
}

TEST(dsl_snapshot_is_all_or_none)
{
	struct spa *spa = fs_test_pool(128, true);
	const char *names[] = {"tank/a@s", "tank/nosuch@s"}, *twice[] = {"tank/a@s", "tank/a@t"};
	struct dsl_dataset *ds;
	struct err e = ERR_INIT;

	MUST(make_fs(spa, "tank/a", &fail));
	CHECK_EQ(dsl_snapshot(spa, names, 2, NULL, &e), -ENOENT);
	CHECK_EQ(dsl_hold(spa, "tank/a@s", &ds, NULL), -ENOENT);
	CHECK_EQ(dsl_snapshot(spa, twice, 2, NULL, &e), -EXDEV);
	CHECK_EQ(dsl_snapshot(spa, names, 1, NULL, &e), 0);
	CHECK_EQ(dsl_snapshot(spa, names, 1, NULL, &e), -EEXIST);
	CHECK_STR(e.msg, "snapshot 'tank/a@s' already exists");
	fs_test_close(spa);
}

TEST(dsl_clone_shares_until_it_changes_and_holds_its_origin)
{
	struct spa *spa = fs_test_pool(128, true);
	struct err e = ERR_INIT;
	uint64_t obj;

	MUST(make_fs(spa, "tank/a", &fail));
	obj = write_file(spa, "tank/a", 500000);
	MUST(snapshot(spa, "tank/a@s", &fail));
	MUST(dsl_clone(spa, "tank/a@s", "tank/c", NULL, &fail));
	check_text(spa, "tank/c", "origin", "tank/a@s", "-");
	check_text(spa, "tank/a@s", "clones", "tank/c", "-");
	CHECK_EQ(prop(spa, "tank/c", "used"), 0);
	CHECK(prop(spa, "tank/c", "referenced") > 500000);
	free_file(spa, "tank/c", obj);
	sync_pool(spa);
	check_accounts(spa);
	CHECK_EQ(dsl_destroy(spa, "tank/a@s", &e), -EEXIST);
	MUST(snapshot(spa, "tank/c@t", &fail));
	(void)write_file(spa, "tank/c", 100000);
	sync_pool(spa);
	check_accounts(spa);
	MUST(dsl_destroy(spa, "tank/c@t", &fail));
	MUST(dsl_destroy(spa, "tank/c", &fail));
	MUST(dsl_destroy(spa, "tank/a@s", &fail));
	sync_pool(spa);
	check_accounts(spa);
	fs_test_close(spa);
}

TEST(dsl_rollback_brings_back_contents_and_accounts)
{
	struct spa *spa = fs_test_pool(128, true);
	uint64_t obj, used;
	struct dsl_dataset *ds;
	struct dmu_info info;
	struct objset *os;
	struct err e = ERR_INIT;

	MUST(make_fs(spa, "tank/a", &fail));
	obj = write_file(spa, "tank/a", 400000);
	MUST(snapshot(spa, "tank/a@s", &fail));
	used = prop(spa, "tank/a", "used");
	free_file(spa, "tank/a", obj);
	(void)write_file(spa, "tank/a", 700000);
	sync_pool(spa);
	ds = hold(spa, "tank/a");
	CHECK(dsl_objset(ds, &os) == 0);
	MUST(dsl_rollback(spa, "tank/a", "tank/a@s", &fail));
	CHECK_EQ(dmu_object_info(os, obj, &info), 0);
	dsl_rele(ds);
	check_accounts(spa);
	CHECK_EQ(prop(spa, "tank/a", "used"), used);
	CHECK_EQ(prop(spa, "tank/a", "written"), 0);
	MUST(snapshot(spa, "tank/a@t", &fail));
	CHECK_EQ(dsl_rollback(spa, "tank/a", "tank/a@s", &e), -EEXIST);
	fs_test_close(spa);
}

TEST(dsl_empties_a_large_head_over_several_txgs)
{
	struct spa *spa = fs_test_pool(512, true);
	uint64_t before, txg, obj;

	sync_pool(spa);
	before = prop(spa, "tank", "used");
	MUST(make_fs(spa, "tank/a", &fail));
	obj = write_file(spa, "tank/a", 150 << 20);
	MUST(snapshot(spa, "tank/a@s", &fail));
	MUST(dsl_clone(spa, "tank/a@s", "tank/c", NULL, &fail));
	(void)write_file(spa, "tank/c", 100 << 20);
	free_file(spa, "tank/c", obj);
	sync_pool(spa);
	spa->dsl->destroy_once = 1 << 20;
	txg = spa_synced_txg(spa);
	MUST(dsl_destroy(spa, "tank/c", &fail));
	CHECK(spa_synced_txg(spa) > txg + 2);
	sync_pool(spa);
	check_accounts(spa);
	MUST(dsl_destroy(spa, "tank/a@s", &fail));
	MUST(dsl_destroy(spa, "tank/a", &fail));
	sync_pool(spa);
	CHECK(prop(spa, "tank", "used") < before + 200000);
	fs_test_close(spa);
}

TEST(dsl_finishes_a_destroy_that_was_cut)
{
	struct spa *spa = fs_test_pool(128, true);
	uint64_t before = prop(spa, "tank", "used");
	struct dsl_dataset *ds;

	MUST(make_fs(spa, "tank/a", &fail));
	MUST(make_fs(spa, "tank/b", &fail));
	(void)write_file(spa, "tank/a", 1000000);
	sync_pool(spa);
	ds = hold(spa, "tank/a");
	CHECK(ds_dirty(ds) == 0);
	ds_phys(ds)->flags |= DS_FLAG_INCONSISTENT;
	dsl_rele(ds);
	dsl_destroy_inconsistent(spa);
	CHECK_EQ(dsl_hold(spa, "tank/a", &ds, NULL), -ENOENT);
	CHECK_EQ(prop(spa, "tank/b", "used"), prop(spa, "tank", "usedbydataset"));
	sync_pool(spa);
	CHECK(prop(spa, "tank", "used") < before + 200000);
	check_accounts(spa);
	fs_test_close(spa);
}

TEST(dsl_rename_moves_names_and_accounts)
{
	struct spa *spa = fs_test_pool(128, true);
	struct err e = ERR_INIT;

	MUST(make_fs(spa, "tank/a", &fail));
	MUST(make_fs(spa, "tank/a/b", &fail));
	MUST(make_fs(spa, "tank/c", &fail));
	(void)write_file(spa, "tank/a/b", 200000);
	MUST(set_prop(spa, "tank/a/b", "reservation", "5M", &fail));
	MUST(snapshot(spa, "tank/a/b@s", &fail));
	CHECK_EQ(dsl_rename(spa, "tank/a", "tank/a/b/c", &e), -EINVAL);
	MUST(dsl_rename(spa, "tank/a/b", "tank/c/d", &fail));
	MUST(dsl_rename(spa, "tank/c/d@s", "tank/c/d@t", &fail));
	sync_pool(spa);
	check_accounts(spa);
	CHECK(prop(spa, "tank/c/d@t", "referenced") > 200000);
	CHECK_EQ(prop(spa, "tank/c", "usedbychildren"), 5 << 20);
	CHECK_EQ(prop(spa, "tank/a", "usedbychildren"), 0);
	fs_test_close(spa);
}

TEST(dsl_quotas_refuse_what_goes_over_them)
{
	struct spa *spa = fs_test_pool(128, true);
	struct err e = ERR_INIT;
	struct dsl_dataset *ds;

	MUST(make_fs(spa, "tank/a", &fail));
	MUST(set_prop(spa, "tank/a", "quota", "2M", &fail));
	ds = hold(spa, "tank/a");
	CHECK_EQ(dsl_space_check(ds, 1 << 20, false), 0);
	CHECK_EQ(dsl_space_check(ds, 4 << 20, false), -EDQUOT);
	CHECK_EQ(dsl_space_check(ds, 4 << 20, true), 0);
	(void)write_file(spa, "tank/a", 1500000);
	CHECK_EQ(dsl_space_check(ds, 1 << 20, false), -EDQUOT);
	sync_pool(spa);
	CHECK_EQ(dsl_space_check(ds, 1 << 20, false), -EDQUOT);
	CHECK_EQ(set_prop(spa, "tank/a", "quota", "1M", &e), -ENOSPC);
	MUST(set_prop(spa, "tank/a", "quota", "none", &fail));
	MUST(set_prop(spa, "tank/a", "refquota", "2M", &fail));
	CHECK_EQ(dsl_space_check(ds, 1 << 20, false), -EDQUOT);
	CHECK_EQ(dsl_space_check(ds, 1ULL << 40, false), -EDQUOT);
	MUST(set_prop(spa, "tank/a", "refquota", "0", &fail));
	CHECK_EQ(dsl_space_check(ds, 1ULL << 40, false), -ENOSPC);
	dsl_rele(ds);
	fs_test_close(spa);
}

TEST(dsl_reservations_are_set_aside)
{
	struct spa *spa = fs_test_pool(256, true);
	uint64_t avail = prop(spa, "tank", "available");

	MUST(make_fs(spa, "tank/a", &fail));
	MUST(set_prop(spa, "tank/a", "refreservation", "20M", &fail));
	CHECK_EQ(prop(spa, "tank/a", "used"), 20 << 20);
	CHECK(prop(spa, "tank", "available") < avail - (20 << 20));
	(void)write_file(spa, "tank/a", 5 << 20);
	sync_pool(spa);
	check_accounts(spa);
	CHECK_EQ(prop(spa, "tank/a", "used"), 20 << 20);
	MUST(snapshot(spa, "tank/a@s", &fail));
	check_accounts(spa);
	CHECK(prop(spa, "tank/a", "used") > 25 << 20);
	MUST(dsl_destroy(spa, "tank/a@s", &fail));
	check_accounts(spa);
	MUST(dsl_destroy(spa, "tank/a", &fail));
	sync_pool(spa);
	check_accounts(spa);
	fs_test_close(spa);
}

TEST(dsl_properties_are_inherited_with_their_source)
{
	struct spa *spa = fs_test_pool(128, true);
	struct err e = ERR_INIT;

	MUST(make_fs(spa, "tank/a", &fail));
	MUST(make_fs(spa, "tank/a/b", &fail));
	check_text(spa, "tank/a/b", "compression", "off", "default");
	check_text(spa, "tank/a/b", "mountpoint", "/tank/a/b", "default");
	MUST(set_prop(spa, "tank/a", "compression", "gzip-9", &fail));
	MUST(set_prop(spa, "tank/a", "mountpoint", "/x", &fail));
	MUST(set_prop(spa, "tank", "com.x:y", "z", &fail));
	check_text(spa, "tank/a", "compression", "gzip-9", "local");
	check_text(spa, "tank/a/b", "compression", "gzip-9", "inherited from tank/a");
	check_text(spa, "tank/a/b", "mountpoint", "/x/b", "inherited from tank/a");
	check_text(spa, "tank/a/b", "com.x:y", "z", "inherited from tank");
	MUST(dsl_prop_inherit(spa, "tank/a", "compression", false, &fail));
	check_text(spa, "tank/a/b", "compression", "off", "default");
	CHECK_EQ(set_prop(spa, "tank/a", "used", "5", &e), -EINVAL);
	CHECK_STR(e.msg, "'used' is readonly");
	CHECK_EQ(set_prop(spa, "tank/a", "recordsize", "3000", &e), -EINVAL);
	CHECK_EQ(set_prop(spa, "tank/a", "nosuch", "3000", &e), -EINVAL);
	CHECK_EQ(set_prop(spa, "tank/a", "atime", "maybe", &e), -EINVAL);
	CHECK_STR(e.msg, "'atime' must be one of 'on | off', not 'maybe'");
	fs_test_close(spa);
}

static int
count_one(struct dsl_dataset *ds, void *arg)
{
	(void)ds;
	++*(unsigned *)arg;
	return (0);
}

TEST(dsl_takes_and_destroys_a_snapshot_of_each_of_500_datasets_in_one_txg)
{
	struct spa *spa = fs_test_pool(512, true);
	static char text[500][32];
	static const char *names[500];
	unsigned i, n = 0;
	uint64_t txg;

	for (i = 0; i < 500; i++) {
		char fs[24];

		(void)snprintf(fs, sizeof(fs), "tank/fs%u", i);
		(void)snprintf(text[i], sizeof(text[i]), "%s@snap", fs);
		names[i] = text[i];
		MUST(make_fs(spa, fs, &fail));
	}
	txg = spa_synced_txg(spa);
	MUST(dsl_snapshot(spa, names, 500, NULL, &fail));
	CHECK_EQ(spa_synced_txg(spa), txg + 1);
	MUST(dsl_walk(spa, NULL, -1, DSL_SNAPSHOT, count_one, &n, &fail));
	CHECK_EQ(n, 500);
	MUST(dsl_destroy_snaps(spa, names, 500, &fail));
	CHECK_EQ(spa_synced_txg(spa), txg + 2);
	n = 0;
	MUST(dsl_walk(spa, NULL, -1, DSL_SNAPSHOT, count_one, &n, &fail));
	CHECK_EQ(n, 0);
	sync_pool(spa);
	check_accounts(spa);
	fs_test_close(spa);
}

/* --- histories -------------------------------------------------------------------------------- */

struct name_list {
	char name[400][DSL_NAME_MAX];
	size_t n;
};

static int
add_name(struct dsl_dataset *ds, void *arg)
{
	struct name_list *l = arg;

	if (l->n < 400)
		dsl_name(ds, l->name[l->n++]);
	return (0);
}

/* A random dataset of these types; NULL: there is none. */
static const char *
pick(struct spa *spa, struct name_list *l, unsigned types)
{
	l->n = 0;
	MUST(dsl_walk(spa, NULL, -1, types, add_name, l, &fail));
	return (l->n == 0 ? NULL : l->name[test_rand() % l->n]);
}

static void
scribble(struct spa *spa, const char *name)
{
	struct dsl_dataset *ds = hold(spa, name);
	uint64_t obj = 0, files[64];
	size_t n = 0, i, len = test_rand() % 60000;
	static uint8_t data[60000];
	struct objset *os;
	struct dmu_info info;

	CHECK(dsl_objset(ds, &os) == 0);
	while (n < 64 && dmu_object_next(os, &obj) == 0) {
		CHECK(dmu_object_info(os, obj, &info) == 0);
		if (info.type == OT_PLAIN_FILE)
			files[n++] = obj;
	}
	for (i = 0; i < len; i++)
		data[i] = (uint8_t)(test_rand() % 3 == 0 ? test_rand() : 0);
	if (n == 0 || (n < 20 && test_rand() % 3 == 0)) {
		CHECK_EQ(dmu_object_alloc(os, OT_PLAIN_FILE, 512u << test_rand() % 7, 0, 0, &obj), 0);
		CHECK_EQ(dmu_write(os, obj, test_rand() % 100000, len, data), 0);
	} else if (test_rand() % 5 == 0) {
		CHECK_EQ(dmu_object_free(os, files[test_rand() % n]), 0);
	} else if (test_rand() % 3 == 0) {
		CHECK_EQ(dmu_free_range(os, files[test_rand() % n], test_rand() % 100000, len + 1), 0);
	} else {
		CHECK_EQ(dmu_write(os, files[test_rand() % n], test_rand() % 100000, len, data), 0);
	}
	dsl_rele(ds);
}

static void
random_step(struct spa *spa, struct name_list *l, unsigned i)
{
	const char *sizes[] = {"none", "3M", "10M"}, *props[] = {"refreservation", "reservation"};
	const char *at = pick(spa, l, test_rand() % 2 ? DSL_SNAPSHOT : DSL_FILESYSTEM);
	char name[DSL_NAME_MAX + 32];
	struct dsl_dataset *ds;
	struct err e = ERR_INIT;
	int rc = 0;

	if (at == NULL)
		return;
	switch (test_rand() % 8) {
	case 0:
		(void)snprintf(name, sizeof(name), "%.*s/f%u", (int)strcspn(at, "@"), at, i);
		rc = l->n < 40 && strlen(name) < 60 ? make_fs(spa, name, &e) : 0;
		break;
	case 1:
	case 2:
		(void)snprintf(name, sizeof(name), "%.*s@s%u", (int)strcspn(at, "@"), at, i);
		rc = snapshot(spa, name, &e);
		break;
	case 3:
		(void)snprintf(name, sizeof(name), "%s/c%u", spa_name(spa), i);
		rc = strchr(at, '@') != NULL ? dsl_clone(spa, at, name, NULL, &e) : 0;
		break;
	case 4:
	case 5:
		rc = strcmp(at, spa_name(spa)) != 0 ? dsl_destroy(spa, at, &e) : 0;
		break;
	case 6:
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "@"), at);
		rc = strchr(at, '@') != NULL ? dsl_rollback(spa, name, at, &e) : 0;
		break;
	default:
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "@"), at);
		rc = set_prop(spa, name, props[test_rand() % 2], sizes[test_rand() % 3], &e);
	}
	if (rc != 0 && rc != -EEXIST && rc != -EBUSY && rc != -ENOSPC)
		test_fail(__FILE__, __LINE__, "step %u at %s: %s", i, at, e.msg);
	(void)ds;
}

static void
run_history(struct spa *spa, unsigned steps)
{
	struct name_list *l = malloc(sizeof(*l));
	unsigned i, k;

	CHECK(l != NULL);
	for (i = 0; i < steps; i++) {
		for (k = 0; k < test_rand() % 6; k++)
			scribble(spa, pick(spa, l, DSL_FILESYSTEM));
		random_step(spa, l, i);
		if (test_rand() % 8 == 0) {
			sync_pool(spa);
			check_accounts(spa);
		}
	}
	free(l);
}

TEST(dsl_random_history_keeps_exact_accounts)
{
	struct spa *spa = fs_test_pool(512, true);

	run_history(spa, 400);
	fs_test_close(spa);
}

TEST(dsl_random_history_without_features_keeps_exact_accounts)
{
	struct spa *spa = fs_test_pool(512, false);

	run_history(spa, 400);
	fs_test_close(spa);
}

/* tests/interop/dsl_histories_pass_the_judges.sh has the file looked at afterwards. */
TEST(dsl_random_history_is_left_for_outside_judges)
{
	const char *path = getenv("JUDGED_POOL");
	struct spa *spa;

	if (path == NULL)
		test_skip("JUDGED_POOL is not set");
	spa = fs_test_pool_on(path, 512, getenv("JUDGED_NOFEAT") == NULL);
	run_history(spa, 300);
	spa_exit(spa);
	MUST(spa_export(spa, &fail));
}

/* The same file after OpenZFS destroyed some of it. */
TEST(dsl_accounts_are_exact_after_outside_changes)
{
	const char *path = getenv("JUDGED_BACK");
	struct spa *spa;

	if (path == NULL)
		test_skip("JUDGED_BACK is not set");
	spa = fs_test_import_from(path, true);
	check_accounts(spa);
	fs_test_close(spa);
}

/* A pool that OpenZFS made goes on with us. */
TEST(dsl_random_history_goes_on_in_a_pool_of_openzfs)
{
	struct spa *spa = fs_test_import("nofeat", false);

	check_accounts(spa);
	run_history(spa, 150);
	fs_test_close(spa);
}

/* The same for outside judges: JUDGED_GO_ON is the folder of its vdevs. */
TEST(dsl_random_history_in_a_pool_of_openzfs_is_left_for_judges)
{
	const char *path = getenv("JUDGED_GO_ON");
	struct spa *spa;

	if (path == NULL)
		test_skip("JUDGED_GO_ON is not set");
	spa = fs_test_import_from(path, false);
	run_history(spa, 150);
	spa_exit(spa);
	MUST(spa_export(spa, &fail));
}

TEST(dsl_only_datasets_that_something_happened_in_are_looked_at_by_a_sync)
{
	enum { N = 50 };
	struct spa *spa = fs_test_pool(128, true);
	struct dsl_dataset *ds[N];
	size_t listed = 0;
	char name[32];

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "tank/d%u", i);
		MUST(make_fs(spa, name, &fail));
		ds[i] = hold(spa, name);
	}
	sync_pool(spa);
	CHECK(!dsl_pool_is_dirty(spa) && spa->dsl->dirty == NULL && spa->dsl->dirty_last == NULL);
	(void)write_file(spa, "tank/d7", 1 << 16);
	(void)write_file(spa, "tank/d31", 1 << 16);
	for (const struct dsl_dataset *d = spa->dsl->dirty; d != NULL; d = d->dirty_next)
		listed += d == ds[7] || d == ds[31] ? 1 : 100;
	CHECK_EQ(listed, 2);
	CHECK(dsl_pool_is_dirty(spa));
	dsl_rele(ds[7]); /* dirty: it stays until it is synced */
	CHECK(spa->dsl->dirty == ds[7]);
	sync_pool(spa);
	CHECK(!dsl_pool_is_dirty(spa) && spa->dsl->dirty == NULL);
	for (unsigned i = 0; i < N; i++)
		if (i != 7)
			dsl_rele(ds[i]);
	check_accounts(spa);
	fs_test_close(spa);
}
