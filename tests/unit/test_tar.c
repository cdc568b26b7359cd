/* SPDX-License-Identifier: MIT */
/*
 * machine/tar and machine/unpack: archives of every kind, honest and evil.
 *
 * Archives are built here byte by byte; the evil ones are what GNU tar would never write.
 */
#include "smartbox/machine/tar.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/machine/unpack.h"
#include "test.h"

/* --- making archives -------------------------------------------------------------------------- */

struct member {
	const char *name;
	char type;
	const char *link;
	const char *content;
	unsigned mode;
	unsigned uid;
};

static void
seal_header(char h[512])
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	(void)snprintf(h + 148, 8, "%06o", sum);
}

static void
add_raw(struct buf *b, const struct member *m, size_t size)
{
	char h[512] = {0};

	memcpy(h, m->name, strnlen(m->name, 100));
	(void)snprintf(h + 100, 8, "%07o", m->mode);
	(void)snprintf(h + 108, 8, "%07o", m->uid);
	(void)snprintf(h + 116, 8, "%07o", m->uid);
	(void)snprintf(h + 124, 12, "%011o", (unsigned)size);
	(void)snprintf(h + 136, 12, "%011o", 1000000000u);
	h[156] = m->type;
	if (m->link != NULL)
		memcpy(h + 157, m->link, strnlen(m->link, 100));
	memcpy(h + 257, "ustar\0" "00", 8);
	seal_header(h);
	buf_add(b, h, sizeof(h));
}

static void
add_content(struct buf *b, const void *p, size_t size)
{
	static const char zero[512];

	buf_add(b, p, size);
	buf_add(b, zero, -size % 512);
}

static void
add(struct buf *b, const char *name, char type, const char *link, const char *content)
{
	struct member m = {name, type, link, content, type == '5' ? 0755 : 0644, 0};
	size_t size = content != NULL ? strlen(content) : 0;

	add_raw(b, &m, size);
	add_content(b, content != NULL ? content : "", size);
}

static void
add_pax(struct buf *b, const char *key, const void *value, size_t len)
{
	size_t body = strlen(key) + len + 3, total = body + 2;
	char digits[16];
	struct buf rec = BUF_INIT;

	while ((size_t)snprintf(digits, sizeof(digits), "%zu", total) + body != total)
		total = body + strlen(digits);
	buf_printf(&rec, "%zu %s=", total, key);
	buf_add(&rec, value, len);
	buf_add(&rec, "\n", 1);
	add_raw(b, &(struct member){"pax", 'x', NULL, NULL, 0644, 0}, rec.len);
	add_content(b, rec.data, rec.len);
	buf_free(&rec);
}

static void
add_end(struct buf *b)
{
	static const char zero[1024];

	buf_add(b, zero, sizeof(zero));
}

struct source {
	const char *data;
	size_t len;
	size_t chunk;
};

static ssize_t
source_read(void *arg, void *buf, size_t len)
{
	struct source *s = arg;
	size_t n = s->len < len ? s->len : len;

	if (n > s->chunk)
		n = s->chunk;
	memcpy(buf, s->data, n);
	s->data += n;
	s->len -= n;
	return ((ssize_t)n);
}

/* --- the reader ------------------------------------------------------------------------------- */

TEST(tar_reads_members_whatever_the_size_of_the_reads)
{
	struct buf b = BUF_INIT;
	const struct tar_entry *ent;

	add(&b, "dir/", '5', NULL, NULL);
	add(&b, "dir/file", '0', NULL, "hello");
	add(&b, "dir/link", '2', "file", NULL);
	add_end(&b);
	for (size_t chunk = 1; chunk < 1100; chunk += 7) {
		struct source s = {b.data, b.len, chunk};
		struct tar *t;
		char got[16] = {0};

		CHECK_EQ(tar_new(source_read, &s, &t, NULL), 0);
		CHECK_EQ(tar_next(t, &ent, NULL), 1);
		CHECK(ent->type == TAR_DIR);
		CHECK_EQ(tar_next(t, &ent, NULL), 1);
		CHECK_STR(ent->name, "dir/file");
		CHECK_EQ(ent->size, 5);
		CHECK_EQ(ent->mtime.tv_sec, 1000000000);
		CHECK_EQ(tar_data(t, got, sizeof(got), NULL), 5);
		CHECK_STR(got, "hello");
		CHECK_EQ(tar_data(t, got, sizeof(got), NULL), 0);
		CHECK_EQ(tar_next(t, &ent, NULL), 1);
		CHECK(ent->type == TAR_SYMLINK);
		CHECK_STR(ent->link, "file");
		CHECK_EQ(tar_next(t, &ent, NULL), 0);
		tar_free(t);
	}
	buf_free(&b);
}

TEST(tar_pax_overrides_the_header_for_one_member_only)
{
	struct buf b = BUF_INIT;
	const struct tar_entry *ent;
	struct source s;
	struct tar *t;
	char longname[300];

	memset(longname, 'n', sizeof(longname));
	add_pax(&b, "path", longname, sizeof(longname));
	add(&b, "short", '0', NULL, "x");
	add_pax(&b, "SCHILY.xattr.user.k", "a\0b", 3);
	add(&b, "second", '0', NULL, "y");
	add(&b, "third", '0', NULL, NULL);
	add_end(&b);
	s = (struct source){b.data, b.len, 4096};
	CHECK_EQ(tar_new(source_read, &s, &t, NULL), 0);
	CHECK_EQ(tar_next(t, &ent, NULL), 1);
	CHECK_EQ(strlen(ent->name), 300);
	CHECK_EQ(tar_next(t, &ent, NULL), 1);
	CHECK_STR(ent->name, "second");
	CHECK_EQ(ent->nxattrs, 1);
	CHECK_STR(ent->xattrs[0].name, "user.k");
	CHECK_EQ(ent->xattrs[0].len, 3);
	CHECK_MEM(ent->xattrs[0].value, "a\0b", 3);
	CHECK_EQ(tar_next(t, &ent, NULL), 1);
	CHECK_EQ(ent->nxattrs, 0);
	CHECK_EQ(tar_next(t, &ent, NULL), 0);
	tar_free(t);
	buf_free(&b);
}

TEST(tar_reads_gnu_long_names)
{
	struct buf b = BUF_INIT;
	const struct tar_entry *ent;
	struct source s;
	struct tar *t;
	char longname[1001];

	memset(longname, 'g', 1000);
	longname[1000] = '\0';
	add(&b, "././@LongLink", 'K', NULL, longname);
	add(&b, "././@LongLink", 'L', NULL, longname);
	add(&b, "cut", '2', "cut", NULL);
	add_end(&b);
	s = (struct source){b.data, b.len, 4096};
	CHECK_EQ(tar_new(source_read, &s, &t, NULL), 0);
	CHECK_EQ(tar_next(t, &ent, NULL), 1);
	CHECK_STR(ent->name, longname);
	CHECK_STR(ent->link, longname);
	tar_free(t);
	buf_free(&b);
}

static int
first_error(const struct buf *b, struct err *e)
{
	struct source s = {b->data, b->len, 4096};
	const struct tar_entry *ent;
	struct tar *t;
	int rc;

	CHECK_EQ(tar_new(source_read, &s, &t, NULL), 0);
	while ((rc = tar_next(t, &ent, e)) == 1)
		;
	tar_free(t);
	return (rc);
}

TEST(tar_refuses_an_archive_that_was_cut_anywhere)
{
	struct buf b = BUF_INIT;

	add(&b, "a", '0', NULL, "content");
	add_pax(&b, "mtime", "1.5", 3);
	add(&b, "b", '0', NULL, "more");
	add_end(&b);
	for (size_t cut = 0; cut <= b.len - 1024; cut++) {
		struct buf part = {b.data, cut, 0, false};
		struct err e = ERR_INIT;

		CHECK_EQ(first_error(&part, &e), -ENODATA);
	}
	buf_free(&b);
}

TEST(tar_refuses_a_flipped_bit_in_a_header)
{
	struct buf b = BUF_INIT;

	add(&b, "name", '0', NULL, NULL);
	add_end(&b);
	for (size_t i = 0; i < 500; i++) {
		b.data[i] ^= 0x04;
		CHECK(first_error(&b, NULL) < 0);
		b.data[i] ^= 0x04;
	}
	CHECK_EQ(first_error(&b, NULL), 0);
	buf_free(&b);
}

TEST(tar_refuses_sparse_files_by_name)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	add(&b, "holes", 'S', NULL, NULL);
	add_end(&b);
	CHECK_EQ(first_error(&b, &e), -ENOTSUP);
	CHECK_STR(e.msg, "the archive holds sparse files; make it without them");
	buf_free(&b);
}

/* --- the unpacker ----------------------------------------------------------------------------- */

static int
unpack_bytes(const void *data, size_t len, struct unpack_stats *st, struct err *e)
{
	char root[512];
	struct unpack *u;
	int dirfd;

	(void)snprintf(root, sizeof(root), "%s/root", test_dir());
	(void)mkdir(root, 0755);
	dirfd = open(root, O_RDONLY | O_DIRECTORY);
	CHECK(dirfd >= 0);
	CHECK_EQ(unpack_start(dirfd, &u, e), 0);
	(void)close(dirfd);
	(void)unpack_feed(u, data, len);
	return (unpack_finish(u, st, e));
}

static void
need_root(void)
{
	if (geteuid() != 0)
		test_skip("the unpacker needs root");
}

static const char *
at(const char *name)
{
	static char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
	return (path);
}

static bool
exists(const char *name)
{
	struct stat st;

	return (lstat(at(name), &st) == 0);
}

TEST(unpack_makes_every_kind_of_member_with_its_attributes)
{
	struct buf b = BUF_INIT;
	struct unpack_stats st;
	struct err e = ERR_INIT;
	struct stat sb;
	char target[16] = {0}, value[8];

	need_root();
	add(&b, "./", '5', NULL, NULL);
	add(&b, "./d/", '5', NULL, NULL);
	add_pax(&b, "SCHILY.xattr.user.k", "vv", 2);
	add_raw(&b, &(struct member){"./d/suid", '0', NULL, NULL, 04711, 77}, 3);
	add_content(&b, "abc", 3);
	add(&b, "./d/hard", '1', "./d/suid", NULL);
	add(&b, "./d/sym", '2', "/etc/passwd", NULL);
	add(&b, "./d/fifo", '6', NULL, NULL);
	add(&b, "./dev/null", '3', NULL, NULL);
	add_pax(&b, "SCHILY.xattr.trusted.evil", "1", 1);
	add(&b, "deep/er/still", '0', NULL, "parents are made");
	add_end(&b);
	if (unpack_bytes(b.data, b.len, &st, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	CHECK_EQ(st.entries, 8);
	CHECK_EQ(st.devices, 1);
	CHECK_EQ(st.xattrs, 1);
	CHECK_EQ(lstat(at("root/d/suid"), &sb), 0);
	CHECK_EQ(sb.st_mode, S_IFREG | 04711);
	CHECK_EQ(sb.st_uid, 77);
	CHECK_EQ(sb.st_nlink, 2);
	CHECK_EQ(sb.st_mtime, 1000000000);
	CHECK_EQ(lstat(at("root/d"), &sb), 0);
	CHECK_EQ(sb.st_mtime, 1000000000);
	CHECK_EQ(readlink(at("root/d/sym"), target, sizeof(target) - 1), 11);
	CHECK_STR(target, "/etc/passwd");
	CHECK_EQ(lstat(at("root/d/fifo"), &sb), 0);
	CHECK(S_ISFIFO(sb.st_mode));
	CHECK(!exists("root/dev/null"));
	if (getxattr(at("root/d/suid"), "user.k", value, sizeof(value)) != 2)
		test_fail(__FILE__, __LINE__, "user.k is missing");
	CHECK(exists("root/deep/er/still"));
	buf_free(&b);
}

static void
check_refused(struct buf *b, const char *why)
{
	struct err e = ERR_INIT;

	need_root();
	add_end(b);
	CHECK(unpack_bytes(b->data, b->len, NULL, &e) < 0);
	CHECK_STR(e.msg, why);
	buf_free(b);
}

TEST(unpack_refuses_absolute_names)
{
	struct buf b = BUF_INIT;

	add(&b, "/etc/evil", '0', NULL, "x");
	check_refused(&b, "'/etc/evil': absolute name");
}

TEST(unpack_refuses_dotdot)
{
	struct buf b = BUF_INIT;

	add(&b, "a/../../evil", '0', NULL, "x");
	check_refused(&b, "'a/../../evil': name with '..'");
	CHECK(!exists("evil"));
}

TEST(unpack_refuses_to_write_through_a_symlink)
{
	struct buf b = BUF_INIT;

	(void)mkdir(at("outside"), 0755);
	add(&b, "d", '2', "../outside", NULL);
	add(&b, "d/evil", '0', NULL, "x");
	check_refused(&b, "'d/evil': 'd' is or goes through a symbolic link");
	CHECK(!exists("outside/evil"));
}

TEST(unpack_replaces_a_symlink_instead_of_following_it)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct stat sb;

	need_root();
	CHECK_EQ(file_replace(at("victim"), "safe", 4, 0644, NULL), 0);
	add(&b, "f", '2', "../victim", NULL);
	add(&b, "f", '0', NULL, "evil bytes");
	add_end(&b);
	CHECK_EQ(unpack_bytes(b.data, b.len, NULL, &e), 0);
	CHECK_EQ(stat(at("victim"), &sb), 0);
	CHECK_EQ(sb.st_size, 4);
	CHECK_EQ(lstat(at("root/f"), &sb), 0);
	CHECK(S_ISREG(sb.st_mode));
	buf_free(&b);
}

TEST(unpack_refuses_hardlinks_to_outside)
{
	struct buf b = BUF_INIT;

	add(&b, "h", '1', "../victim", NULL);
	check_refused(&b, "'h': hard link to outside: '../victim': name with '..'");
}

TEST(unpack_refuses_hardlinks_through_a_symlink)
{
	struct buf b = BUF_INIT;

	add(&b, "s", '2', "/etc", NULL);
	add(&b, "h", '1', "s/passwd", NULL);
	check_refused(&b, "'h': 's' is or goes through a symbolic link");
}

TEST(unpack_refuses_ids_that_no_zone_has)
{
	struct buf b = BUF_INIT;

	add_raw(&b, &(struct member){"f", '0', NULL, NULL, 0644, 65536}, 0);
	check_refused(&b, "'f': owner 65536:65536, but a zone has the ids 0 to 65535");
}

TEST(unpack_shows_no_control_characters_of_a_name)
{
	struct buf b = BUF_INIT;

	add(&b, "/\033[2Jx", '0', NULL, NULL);
	check_refused(&b, "'/?[2Jx': absolute name");
}

TEST(unpack_refuses_a_directory_that_does_not_give_way)
{
	struct buf b = BUF_INIT;

	add(&b, "d/f", '0', NULL, "x");
	add(&b, "d", '0', NULL, "now a file");
	check_refused(&b, "'d': cannot replace what is there: Directory not empty");
}

/* --- compressed archives ---------------------------------------------------------------------- */

static void
compress_gzip(const struct buf *in, struct buf *out)
{
	z_stream z = {0};
	size_t max = in->len + 1000;
	char *p = malloc(max);

	CHECK_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)in->data;
	z.avail_in = (unsigned)in->len;
	z.next_out = (unsigned char *)p;
	z.avail_out = (unsigned)max;
	CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_add(out, p, max - z.avail_out);
	(void)deflateEnd(&z);
	free(p);
}

static void
compress_bzip2(const struct buf *in, struct buf *out)
{
	unsigned n = (unsigned)in->len + 1000;
	char *p = malloc(n);

	CHECK_EQ(BZ2_bzBuffToBuffCompress(p, &n, in->data, (unsigned)in->len, 1, 0, 0), BZ_OK);
	buf_add(out, p, n);
	free(p);
}

static void
compress_zstd(const struct buf *in, struct buf *out)
{
	size_t max = ZSTD_compressBound(in->len), n;
	char *p = malloc(max);

	n = ZSTD_compress(p, max, in->data, in->len, 3);
	CHECK(!ZSTD_isError(n));
	buf_add(out, p, n);
	free(p);
}

static void
check_compressed(void (*compress)(const struct buf *, struct buf *))
{
	struct buf plain = BUF_INIT, packed = BUF_INIT;
	struct unpack_stats st;
	struct err e = ERR_INIT;

	need_root();
	for (int i = 0; i < 100; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%d", i);
		add(&plain, name, '0', NULL, "some content that repeats");
	}
	add_end(&plain);
	compress(&plain, &packed);
	if (unpack_bytes(packed.data, packed.len, &st, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	CHECK_EQ(st.entries, 100);
	/* Cut one byte, or change one in the middle: never a success. */
	CHECK(unpack_bytes(packed.data, packed.len - 1, NULL, &e) < 0);
	packed.data[packed.len / 2] ^= 0x10;
	CHECK(unpack_bytes(packed.data, packed.len, NULL, &e) < 0);
	buf_free(&plain);
	buf_free(&packed);
}

TEST(unpack_reads_gzip_and_notices_damage)
{
	check_compressed(compress_gzip);
}

TEST(unpack_reads_bzip2_and_notices_damage)
{
	check_compressed(compress_bzip2);
}

/* One file "f", packed with xz 5.4 (our liblzma has no encoder). */
static const unsigned char xz_archive[] = {
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21,
    0x01, 0x0c, 0x00, 0x00, 0x00, 0x8f, 0x98, 0x41, 0x9c, 0xe0, 0x07, 0xff, 0x00, 0x3e, 0x5d,
    0x00, 0x33, 0x00, 0x33, 0x50, 0x18, 0x68, 0x89, 0x82, 0xed, 0xa7, 0x80, 0x69, 0xfa, 0xda,
    0x6f, 0x01, 0x84, 0xe4, 0x84, 0x37, 0x4f, 0x41, 0xff, 0x68, 0x18, 0x9b, 0x9d, 0xbc, 0xed,
    0x87, 0x46, 0xc6, 0x4c, 0x4e, 0x97, 0x6b, 0x35, 0xd1, 0x47, 0x36, 0x32, 0x20, 0x18, 0xba,
    0xce, 0x51, 0x7a, 0x0d, 0xd8, 0x48, 0x2f, 0xed, 0x05, 0x09, 0x5b, 0x5e, 0x8d, 0x84, 0x39,
    0x8e, 0xc9, 0x00, 0x00, 0x00, 0x00, 0x4a, 0xcb, 0x1a, 0xb1, 0x86, 0x7d, 0x25, 0x32, 0x00,
    0x01, 0x5a, 0x80, 0x10, 0x00, 0x00, 0x00, 0x41, 0x18, 0xbf, 0x8f, 0xb1, 0xc4, 0x67, 0xfb,
    0x02, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};

TEST(unpack_reads_xz_and_notices_damage)
{
	unsigned char copy[sizeof(xz_archive)];
	struct unpack_stats st;
	struct err e = ERR_INIT;

	need_root();
	memcpy(copy, xz_archive, sizeof(copy));
	CHECK_EQ(unpack_bytes(copy, sizeof(copy), &st, &e), 0);
	CHECK_EQ(st.bytes, 7);
	CHECK(unpack_bytes(copy, sizeof(copy) - 1, NULL, &e) < 0);
	copy[sizeof(copy) / 2] ^= 0x10;
	CHECK(unpack_bytes(copy, sizeof(copy), NULL, &e) < 0);
}

TEST(unpack_reads_zstd_and_notices_cuts)
{
	struct buf plain = BUF_INIT, packed = BUF_INIT;
	struct unpack_stats st;
	struct err e = ERR_INIT;

	need_root();
	add(&plain, "f", '0', NULL, "content");
	add_end(&plain);
	compress_zstd(&plain, &packed);
	CHECK_EQ(unpack_bytes(packed.data, packed.len, &st, &e), 0);
	CHECK_EQ(st.entries, 1);
	CHECK(unpack_bytes(packed.data, packed.len - 1, NULL, &e) < 0);
	buf_free(&plain);
	buf_free(&packed);
}
