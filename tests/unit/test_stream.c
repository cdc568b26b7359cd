/* SPDX-License-Identifier: MIT */
/*
 * Streams from one filesystem to another in one pool in memory; cut at every record, damaged at random
 * bits (STREAM_BITS=10000 for many): never a crash, never half a state shown as done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs_pool.h"
#include "test.h"

#include "../../fs/dmu_impl.h"
#include "../../fs/dsl_impl.h"
#include "../../fs/resume_token.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/recv.h"
#include "smartbox/fs/send.h"
#include "smartbox/fs/zpl.h"

#define MUST(call_)                                                                                \
	do {                                                                                       \
		struct err fail = ERR_INIT;                                                        \
		int got_ = (call_);                                                                \
		if (got_ != 0)                                                                     \
			test_fail(__FILE__, __LINE__, "%s: %d: %s", #call_, got_, fail.msg);       \
	} while (0)

/* --- streams in memory ------------------------------------------------------------------------ */

struct bytes {
	uint8_t *p;
	size_t n, cap, pos;
};

static int
take(void *arg, const void *buf, size_t len)
{
	struct bytes *b = arg;

	if (b->n + len > b->cap) {
		b->cap = (b->n + len) * 2;
		b->p = realloc(b->p, b->cap);
	}
	CHECK(b->p != NULL);
	memcpy(b->p + b->n, buf, len);
	b->n += len;
	return (0);
}

static int
give(void *arg, void *buf, size_t len)
{
	struct bytes *b = arg;

	if (b->n - b->pos < len)
		return (-EPIPE);
	memcpy(buf, b->p + b->pos, len);
	b->pos += len;
	return (0);
}

static struct bytes
send_it(struct spa *spa, const char *to, const char *from, unsigned flags, const struct nvlist *token)
{
	struct bytes b = {NULL, 0, 0, 0};
	struct stream_out out = {.write = take, .arg = &b};
	struct send_job j = {.spa = spa, .toname = to, .flags = flags};
	struct dsl_dataset *f;

	spa_enter(spa);
	MUST(dsl_hold(spa, to, &j.to, &fail));
	j.to_guid = dsl_guid(j.to);
	if (from != NULL) {
		MUST(dsl_hold(spa, from, &f, &fail));
		j.from_guid = dsl_guid(f);
		j.from_txg = ds_phys(f)->creation_txg;
		dsl_rele(f);
	}
	spa_exit(spa);
	if (token != NULL) {
		j.resuming = true;
		j.resume_object = nv_u64_or(token, "object", 0);
		j.resume_offset = nv_u64_or(token, "offset", 0);
	}
	MUST(send_stream(&j, &out, &fail));
	spa_enter(spa);
	dsl_rele(j.to);
	spa_exit(spa);
	return (b);
}

static int
receive_it(struct spa *spa, const struct bytes *stream, const char *fs, const char *snap, bool resumable,
    bool *kept)
{
	struct bytes b = {stream->p, stream->n, 0, 0};
	struct stream_in in = {.read = give, .arg = &b};
	struct stream_record begin;
	struct recv_job j = {.spa = spa, .begin = &begin, .resumable = resumable};
	struct err e = ERR_INIT;
	void *payload;
	size_t len;
	int rc;

	*kept = false;
	(void)snprintf(j.fs, sizeof(j.fs), "%s", fs);
	(void)snprintf(j.snap, sizeof(j.snap), "%s", snap);
	if ((rc = stream_next(&in, &begin, &payload, &len, &e)) != 0)
		return (rc);
	j.payload = payload;
	j.payload_len = len;
	rc = begin.type == DRR_BEGIN ? recv_stream(&j, &in, kept, &e) : -EINVAL;
	free(payload);
	return (rc);
}

/* --- filesystems ------------------------------------------------------------------------------ */

static uint64_t
put_file(struct zpl *z, uint64_t dir, const char *name, size_t size, unsigned seed)
{
	struct zpl_new n = {.mode = S_IFREG | 0644};
	uint8_t *data = malloc(size + 1);
	uint64_t obj;
	size_t i;

	CHECK(data != NULL && zpl_create(z, dir, name, &n, &obj) == 0);
	for (i = 0; i < size; i++)
		data[i] = (uint8_t)(seed % 2 == 0 ? i / 100 * seed : test_rand());
	CHECK(zpl_write(z, obj, 0, size, data, false) == 0);
	free(data);
	return (obj);
}

static void
change(struct spa *spa, const char *fs, unsigned seed)
{
	struct zpl_new d = {.mode = S_IFDIR | 0755}, l = {.mode = S_IFLNK | 0777, .target = "elsewhere"};
	char name[32], value[600];
	struct dsl_dataset *ds;
	uint64_t dir, obj;
	struct zpl *z;
	bool last;

	MUST(dsl_hold(spa, fs, &ds, &fail));
	MUST(zpl_open(ds, false, &z, &fail));
	(void)snprintf(name, sizeof(name), "dir%u", seed);
	CHECK(zpl_create(z, zpl_root(z), name, &d, &dir) == 0);
	CHECK(zpl_create(z, dir, "link", &l, &obj) == 0);
	(void)put_file(z, dir, "text", 300000, seed * 2);
	obj = put_file(z, dir, "noise", 150000, seed * 2 + 1);
	memset(value, 'v', sizeof(value));
	CHECK(zpl_xattr_set(z, obj, "user.long", value, sizeof(value), 0) == 0);
	(void)put_file(z, dir, "small", 100, seed * 2);
	if (seed == 2 && zpl_lookup(z, zpl_root(z), "dir1", &dir) == 0) {
		CHECK(zpl_unlink(z, dir, "text", &obj, &last) == 0);
		CHECK(zpl_free_unlinked(z, obj) == 0);
		CHECK(zpl_lookup(z, dir, "noise", &obj) == 0 && zpl_write(z, obj, 131000, 5, "hello", false) == 0);
	}
	zpl_close(z);
	dsl_rele(ds);
	MUST(spa_sync(spa, &fail));
}

/* tank/f with snapshots a and b. */
static struct spa *
make(void)
{
	struct zpl_init init = {.mode = 0755};
	struct dsl_create c = {"tank/f", 2, NULL, zpl_init_objset, &init};
	struct spa *spa = fs_test_pool(256, true);
	const char *a = "tank/f@a", *b = "tank/f@b";

	MUST(dsl_create(spa, &c, &fail));
	change(spa, "tank/f", 1);
	MUST(dsl_snapshot(spa, &a, 1, NULL, &fail));
	change(spa, "tank/f", 2);
	MUST(dsl_snapshot(spa, &b, 1, NULL, &fail));
	spa_exit(spa);
	return (spa);
}

static bool
exists(struct spa *spa, const char *name)
{
	struct dsl_dataset *ds;
	bool is;

	spa_enter(spa);
	if ((is = dsl_hold(spa, name, &ds, NULL) == 0))
		dsl_rele(ds);
	spa_exit(spa);
	return (is);
}

static void
compare_object(struct objset *x, struct objset *y, uint64_t obj)
{
	struct dmu_info i, k;
	struct dbuf *a, *b;
	uint64_t size, off;
	uint8_t *p, *q;

	CHECK(dmu_object_info(x, obj, &i) == 0 && dmu_object_info(y, obj, &k) == 0);
	CHECK(i.type == k.type && i.bonus_type == k.bonus_type && i.bonus_len == k.bonus_len &&
	    i.block_size == k.block_size && i.has_spill == k.has_spill && i.dnode_size == k.dnode_size);
	CHECK(dmu_bonus_hold(x, obj, &a) == 0 && dmu_bonus_hold(y, obj, &b) == 0);
	CHECK(memcmp(dbuf_data(a), dbuf_data(b), i.bonus_len) == 0);
	dbuf_rele(a);
	dbuf_rele(b);
	size = (i.max_blkid + 1) * i.block_size;
	p = malloc(i.block_size);
	q = malloc(i.block_size);
	CHECK(p != NULL && q != NULL);
	for (off = 0; off < size; off += i.block_size) {
		CHECK_EQ(dmu_read(x, obj, off, i.block_size, p), 0);
		CHECK_EQ(dmu_read(y, obj, off, i.block_size, q), 0);
		CHECK(memcmp(p, q, i.block_size) == 0);
	}
	free(p);
	free(q);
}

static void
check_same(struct spa *spa, const char *one, const char *two)
{
	struct dsl_dataset *a, *b;
	struct objset *x, *y;
	uint64_t o = 0, p = 0;
	int rc;

	spa_enter(spa);
	MUST(dsl_hold(spa, one, &a, &fail));
	MUST(dsl_hold(spa, two, &b, &fail));
	CHECK(dsl_guid(a) == dsl_guid(b));
	CHECK(ds_phys(a)->creation_time == ds_phys(b)->creation_time);
	CHECK(dsl_objset(a, &x) == 0 && dsl_objset(b, &y) == 0);
	while ((rc = dmu_object_next(x, &o)) == 0) {
		CHECK(dmu_object_next(y, &p) == 0 && o == p);
		compare_object(x, y, o);
	}
	CHECK(rc == -ESRCH && dmu_object_next(y, &p) == -ESRCH);
	dsl_rele(a);
	dsl_rele(b);
	spa_exit(spa);
}

static void
destroy(struct spa *spa, const char *fs)
{
	const char *names[2];
	char a[64], b[64];
	size_t n = 0;

	(void)snprintf(a, sizeof(a), "%s@a", fs);
	(void)snprintf(b, sizeof(b), "%s@b", fs);
	if (exists(spa, a))
		names[n++] = a;
	if (exists(spa, b))
		names[n++] = b;
	spa_enter(spa);
	MUST(dsl_destroy_snaps(spa, names, n, &fail));
	MUST(dsl_destroy(spa, fs, &fail));
	spa_exit(spa);
}

static void
finish(struct spa *spa)
{
	spa_enter(spa);
	fs_test_close(spa);
}

/* Behind each record: where the stream may be cut cleanly.  malloc'ed, ends with the stream's length. */
static size_t *
record_ends(const struct bytes *s, size_t *count)
{
	size_t *ends = NULL, n = 0, at = 0;

	while (at < s->n) {
		struct stream_record r;

		memcpy(&r, s->p + at, sizeof(r));
		at += sizeof(r) + stream_payload_len(&r);
		ends = realloc(ends, (n + 1) * sizeof(*ends));
		CHECK(ends != NULL);
		ends[n++] = at;
	}
	CHECK(at == s->n);
	*count = n;
	return (ends);
}

/* --- the tests -------------------------------------------------------------------------------- */

TEST(stream_makes_the_same_filesystem)
{
	static const unsigned flags[] = {0, SEND_LARGE, SEND_EMBED, SEND_COMPRESSED,
	    SEND_LARGE | SEND_EMBED | SEND_COMPRESSED};
	struct spa *spa = make();
	bool kept;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct bytes full = send_it(spa, "tank/f@a", NULL, flags[i], NULL);
		struct bytes inc = send_it(spa, "tank/f@b", "tank/f@a", flags[i], NULL);

		CHECK(receive_it(spa, &full, "tank/g", "a", false, &kept) == 0);
		check_same(spa, "tank/f@a", "tank/g@a");
		CHECK(receive_it(spa, &inc, "tank/g", "b", false, &kept) == 0);
		check_same(spa, "tank/f@b", "tank/g@b");
		check_same(spa, "tank/f@a", "tank/g@a");
		destroy(spa, "tank/g");
		free(full.p);
		free(inc.p);
	}
	finish(spa);
}

static void
set_prop(struct spa *spa, const char *fs, const char *name, const char *value)
{
	struct nvlist *nv = nv_new();

	CHECK(nv != NULL && nv_add_str(nv, name, value) == 0);
	spa_enter(spa);
	MUST(dsl_prop_set(spa, fs, nv, &fail));
	spa_exit(spa);
	nv_free(nv);
}

/* How many blocks of contents are packed by `how`, and that the other one has them in the same size. */
static unsigned
compare_packed(struct spa *spa, const char *one, const char *two, unsigned how)
{
	struct dsl_dataset *a, *b;
	struct objset *x, *y;
	struct dnode *d, *f;
	struct blkptr p, q;
	unsigned n = 0;

	spa_enter(spa);
	MUST(dsl_hold(spa, one, &a, &fail));
	MUST(dsl_hold(spa, two, &b, &fail));
	CHECK(dsl_objset(a, &x) == 0 && dsl_objset(b, &y) == 0);
	for (uint64_t obj = 0; dmu_object_next(x, &obj) == 0;) {
		CHECK(dnode_hold(x, obj, &d) == 0 && dnode_hold(y, obj, &f) == 0);
		for (uint64_t i = 0; d->phys->type == OT_PLAIN_FILE && i <= d->phys->maxblkid; i++) {
			CHECK(dbuf_bp(d, 0, i, &p) == 0 && dbuf_bp(f, 0, i, &q) == 0);
			CHECK(bp_compress(&p) == bp_compress(&q) && bp_is_embedded(&p) == bp_is_embedded(&q));
			CHECK(bp_is_hole(&p) || bp_psize(&p) == bp_psize(&q));
			n += !bp_is_hole(&p) && bp_compress(&p) == how;
		}
		dnode_rele(d);
		dnode_rele(f);
	}
	dsl_rele(a);
	dsl_rele(b);
	spa_exit(spa);
	return (n);
}

TEST(stream_of_packed_blocks_keeps_them_as_they_were)
{
	static const struct {
		const char *name;
		unsigned id;
	} how[] = {{"gzip-9", COMP_GZIP_1 + 8}, {"zstd", COMP_ZSTD}, {"lzjb", COMP_LZJB}, {"zle", COMP_ZLE}};
	const char *snap = "tank/f@c";
	struct spa *spa = make();
	bool kept;

	set_prop(spa, "tank", "compression", "off");
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct bytes s;

		set_prop(spa, "tank/f", "compression", how[i].name);
		spa_enter(spa);
		change(spa, "tank/f", 10 + (unsigned)i);
		MUST(dsl_snapshot(spa, &snap, 1, NULL, &fail));
		spa_exit(spa);
		s = send_it(spa, snap, NULL, SEND_COMPRESSED | SEND_EMBED | SEND_LARGE, NULL);
		CHECK(receive_it(spa, &s, "tank/g", "b", false, &kept) == 0);
		check_same(spa, snap, "tank/g@b");
		CHECK(compare_packed(spa, snap, "tank/g@b", how[i].id) > 0);
		destroy(spa, "tank/g");
		spa_enter(spa);
		MUST(dsl_destroy_snaps(spa, &snap, 1, &fail));
		spa_exit(spa);
		free(s.p);
	}
	finish(spa);
}

/* Cut at the record ends[i]: the old state; kept by -s, it is gone on with. */
static void
cut_full(struct spa *spa, const struct bytes *s, size_t end)
{
	struct bytes cut = {s->p, end, 0, 0};
	bool kept;

	CHECK(receive_it(spa, &cut, "tank/g", "b", false, &kept) != 0 && !kept);
	CHECK(!exists(spa, "tank/g"));
}

static void
cut_increment(struct spa *spa, const struct bytes *s, size_t end)
{
	struct bytes cut = {s->p, end, 0, 0};
	bool kept;

	CHECK(receive_it(spa, &cut, "tank/h", "b", false, &kept) != 0 && !kept);
	CHECK(!exists(spa, "tank/h@b") && !exists(spa, "tank/h/%recv"));
}

TEST(stream_that_is_cut_at_any_record_leaves_the_old_state)
{
	struct spa *spa = make();
	struct bytes full = send_it(spa, "tank/f@b", NULL, 0, NULL);
	struct bytes base = send_it(spa, "tank/f@a", NULL, 0, NULL);
	struct bytes inc = send_it(spa, "tank/f@b", "tank/f@a", 0, NULL);
	size_t n, *ends = record_ends(&full, &n), i, m, *inc_ends = record_ends(&inc, &m);
	bool kept;

	for (i = 0; i + 1 < n; i++)
		cut_full(spa, &full, ends[i]);
	CHECK(receive_it(spa, &base, "tank/h", "a", false, &kept) == 0);
	for (i = 0; i + 1 < m; i++)
		cut_increment(spa, &inc, inc_ends[i]);
	check_same(spa, "tank/f@a", "tank/h@a");
	CHECK(receive_it(spa, &inc, "tank/h", "b", false, &kept) == 0);
	check_same(spa, "tank/f@b", "tank/h@b");
	free(ends);
	free(inc_ends);
	free(full.p);
	free(base.p);
	free(inc.p);
	finish(spa);
}

static struct nvlist *
token_of(struct spa *spa, const char *fs)
{
	struct dsl_dataset *ds;
	struct nvlist *nv;
	char *text;

	spa_enter(spa);
	MUST(dsl_hold(spa, fs, &ds, &fail));
	CHECK(recv_token(ds, &text) == 0);
	dsl_rele(ds);
	spa_exit(spa);
	MUST(resume_token_parse(text, &nv, &fail));
	free(text);
	return (nv);
}

TEST(stream_that_is_cut_goes_on_where_it_ended)
{
	struct spa *spa = make();
	struct bytes full = send_it(spa, "tank/f@b", NULL, SEND_COMPRESSED, NULL), rest;
	size_t n, *ends = record_ends(&full, &n), i;
	struct nvlist *token;
	bool kept;

	for (i = 3; i + 1 < n; i += 5) {
		struct bytes cut = {full.p, ends[i], 0, 0};

		CHECK(receive_it(spa, &cut, "tank/g", "b", true, &kept) != 0);
		if (!kept) {
			CHECK(!exists(spa, "tank/g"));
			continue;
		}
		CHECK(!exists(spa, "tank/g@b"));
		token = token_of(spa, "tank/g");
		CHECK(nv_has(token, "compressok") && !nv_has(token, "largeblockok"));
		rest = send_it(spa, "tank/f@b", NULL, SEND_COMPRESSED, token);
		CHECK(receive_it(spa, &rest, "tank/g", "b", true, &kept) == 0);
		check_same(spa, "tank/f@b", "tank/g@b");
		destroy(spa, "tank/g");
		nv_free(token);
		free(rest.p);
	}
	free(ends);
	free(full.p);
	finish(spa);
}

TEST(stream_with_a_flipped_bit_is_refused)
{
	const char *many = getenv("STREAM_BITS");
	unsigned bits = many != NULL ? (unsigned)strtoul(many, NULL, 10) : 150, i;
	struct spa *spa = make();
	struct bytes base = send_it(spa, "tank/f@a", NULL, 0, NULL);
	struct bytes inc = send_it(spa, "tank/f@b", "tank/f@a", 0, NULL);
	bool kept;

	CHECK(receive_it(spa, &base, "tank/h", "a", false, &kept) == 0);
	for (i = 0; i < bits; i++) {
		uint64_t bit = test_rand() % (8 * inc.n);

		inc.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(receive_it(spa, &inc, "tank/h", "b", false, &kept) != 0 && !kept);
		CHECK(!exists(spa, "tank/h@b") && !exists(spa, "tank/h/%recv"));
		inc.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK(receive_it(spa, &inc, "tank/h", "b", false, &kept) == 0);
	check_same(spa, "tank/f@b", "tank/h@b");
	free(base.p);
	free(inc.p);
	finish(spa);
}

/* Built by our packer, decoded by OpenZFS's libzfs: docs/zfs-format.md. */
TEST(resume_token_of_openzfs_is_read)
{
	const char *text = "1-a8c857bd9-d8-789c636064000310a500c4ec50360710e72765a52697303034409460caa7a515a7968064"
	    "98e0f26c48f2499525a9c540da819719abfe92fcf4d2cc1406066bb6d93c071d9e076920c97382e5f312735319180a721233"
	    "f3f4d38a1d1211eee06640b83b393fb7a028b5b8383f9b010e00c1db1953";
	struct nvlist *nv;
	struct err e = ERR_INIT;

	MUST(resume_token_parse(text, &nv, &fail));
	CHECK(nv_u64_or(nv, "object", 0) == 128 && nv_u64_or(nv, "offset", 0) == 131072);
	CHECK(nv_u64_or(nv, "toguid", 0) == 0x52e740c10c9b063b && nv_has(nv, "compressok"));
	CHECK_STR(nv_str_or(nv, "toname", ""), "plain/fs@a");
	nv_free(nv);
	CHECK(resume_token_parse("1-0-0-", &nv, &e) == -EINVAL);
	CHECK(resume_token_parse("1-a8c857bd9-d8-789c63", &nv, &e) == -EINVAL);
	CHECK(resume_token_parse("nonsense", &nv, &e) == -EINVAL);
}
