/* SPDX-License-Identifier: MIT */
/* machine/manifest and machine/image: what is refused, and that a failed install leaves nothing. */
#include "smartbox/machine/image.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_datasets.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/spawn.h"
#include "smartbox/machine/digest.h"
#include "smartbox/machine/manifest.h"
#include "test.h"

#define U1 "01b2c898-945f-11e1-a523-af1afbe22822"

static json_t *
parse(const char *text)
{
	json_t *j = NULL;

	if (json_parse("test", text, strlen(text), &j, NULL) != 0)
		test_fail(__FILE__, __LINE__, "bad JSON in the test");
	return (j);
}

static int
normalize(const char *text, json_t **out, struct err *e)
{
	json_t *in = parse(text);
	int rc = manifest_normalize(in, out, e);

	json_decref(in);
	return (rc);
}

static void
check_bad(const char *text, const char *why)
{
	struct err e = ERR_INIT;
	json_t *out = NULL;

	CHECK_EQ(normalize(text, &out, &e), -EINVAL);
	CHECK_STR(e.msg, why);
}

TEST(manifest_with_the_least_members_is_valid)
{
	json_t *m = NULL;

	CHECK_EQ(normalize("{\"v\":2,\"uuid\":\"" U1 "\",\"name\":\"base\",\"version\":\"1\","
	                   "\"type\":\"lx-dataset\",\"os\":\"linux\"}", &m, NULL), 0);
	CHECK_EQ(manifest_size(m), -1);
	json_decref(m);
}

TEST(manifest_names_every_bad_field_at_once)
{
	check_bad("{\"v\":2,\"uuid\":\"X\",\"name\":\"a*b\",\"type\":\"floppy\",\"os\":\"linux\"}",
	    "invalid manifest: uuid (not a lower-case UUID), name (contains invalid characters), "
	    "version (missing), type (not an allowed word)");
	check_bad("{\"v\":2,\"uuid\":\"" U1 "\",\"name\":\"b\",\"version\":\"1\",\"type\":\"other\","
	          "\"os\":\"linux\",\"files\":[{\"size\":0,\"sha1\":\"12\",\"compression\":\"arj\"}]}",
	    "invalid manifest: files.0.size (not a positive integer), files.0.compression (not one of "
	    "none, gzip, bzip2, xz, zstd), files.0.sha1 (not a hex digest of that kind)");
	check_bad("{\"name\":\"b\"}", "invalid manifest: manifest does not have a \"v\" field");
	check_bad("[]", "invalid manifest: not an object");
	check_bad("{\"v\":2,\"uuid\":\"" U1 "\",\"name\":\"b\",\"version\":\"1\",\"type\":\"other\","
	          "\"os\":\"linux\",\"requirements\":{\"min_ram\":9,\"max_ram\":8,\"moon\":1}}",
	    "invalid manifest: requirements.moon (unsupported requirement), requirements.max_ram (less "
	    "than min_ram)");
}

TEST(manifest_of_version_one_is_upgraded)
{
	json_t *m = NULL;

	CHECK_EQ(normalize("{\"uuid\":\"" U1 "\",\"name\":\"base\",\"version\":\"1.7.0\",\"type\":"
	                   "\"zone-dataset\",\"os\":\"smartos\",\"created_at\":\"2012-05-02T15:15Z\","
	                   "\"creator_uuid\":\"352971aa-31ba-496c-9ade-a379feaecd52\",\"files\":[{"
	                   "\"path\":\"base.zfs.bz2\",\"sha1\":"
	                   "\"a9993e364706816aba3e25717850c26c9cd0d89d\",\"size\":5,\"url\":\"x\"}],"
	                   "\"cloud_name\":\"sdc\"}", &m, NULL), 0);
	CHECK_EQ(json_int(m, "v", 0), 2);
	CHECK_STR(json_str(m, "owner", ""), "352971aa-31ba-496c-9ade-a379feaecd52");
	CHECK_STR(json_str(m, "published_at", ""), "2012-05-02T15:15:00.000Z");
	CHECK_STR(json_str(m, "state", ""), "active");
	CHECK(json_object_get(m, "cloud_name") == NULL);
	CHECK(json_bool(m, "public", false));
	CHECK_STR(json_string_value(json_path(m, "files.0.compression")), "bzip2");
	CHECK(json_path(m, "files.0.url") == NULL);
	json_decref(m);
}

/* --- install ---------------------------------------------------------------------------------- */

struct source {
	const char *data;
	size_t len;
	int fail; /* -errno at the end instead of 0 */
};

static ssize_t
source_read(void *arg, void *buf, size_t len, struct err *e)
{
	struct source *s = arg;
	size_t n = s->len < len ? s->len : len;

	memcpy(buf, s->data, n);
	s->data += n;
	s->len -= n;
	if (n == 0 && s->fail != 0)
		return (err_set(e, -s->fail, "the server hung up"));
	return ((ssize_t)n);
}

static void
make_archive(char **data, size_t *len)
{
	char cmd[1024], path[512];
	const char *argv[] = {"/bin/sh", "-c", cmd, NULL};

	if (geteuid() != 0)
		test_skip("the unpacker needs root");
	(void)snprintf(cmd, sizeof(cmd),
	    "cd %s && mkdir -p t/etc t/bin && echo box > t/etc/hostname && tar -C t -czf image.tgz .",
	    test_dir());
	CHECK_EQ(spawn_run(argv, NULL, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/image.tgz", test_dir());
	CHECK_EQ(file_read(path, 1 << 20, data, len, NULL), 0);
}

static json_t *
manifest_for(const char *data, size_t len)
{
	struct digest *d;
	char hex[DIGEST_HEX_MAX];

	CHECK_EQ(digest_new("sha1", &d, NULL), 0);
	digest_add(d, data, len);
	digest_hex(d, hex);
	digest_free(d);
	return (json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:I, s:s}]}", "v", 2, "uuid", U1,
	    "name", "base", "version", "1", "type", "lx-dataset", "os", "linux", "files", "sha1", hex,
	    "size", (json_int_t)len, "compression", "gzip"));
}

static int
install(struct machine *m, const json_t *manifest, const char *data, size_t len, int fail,
    struct err *e)
{
	struct source s = {data, len, fail};
	struct image_file file = {source_read, &s};

	return (image_install(m, manifest, &file, NULL, e));
}

static void
check_nothing_left(const struct fake *f)
{
	CHECK(!fake_has(f, "zones/" U1));
	CHECK(!fake_has(f, "zones/" U1 "@final"));
}

TEST(image_install_makes_a_dataset_with_final_and_an_entry)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;
	json_t *manifest, *got = NULL;
	char *data, path[600];
	size_t len;

	make_archive(&data, &len);
	fake_machine(&m, &f);
	manifest = manifest_for(data, len);
	if (install(&m, manifest, data, len, 0, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	CHECK(fake_has(&f, "zones/" U1 "@final"));
	(void)snprintf(path, sizeof(path), "%s/zones/" U1 "/root/etc/hostname", f.dir);
	CHECK_EQ(access(path, R_OK), 0);
	CHECK_EQ(image_get(&m, U1, &got, &e), 0);
	CHECK_STR(json_string_value(json_path(got, "manifest.name")), "base");
	CHECK_EQ(json_int(got, "clones", -1), 0);
	/* Again: there already, and untouched. */
	CHECK_EQ(install(&m, manifest, data, len, 0, &e), -EEXIST);
	CHECK_EQ(image_delete(&m, U1, &e), 0);
	check_nothing_left(&f);
	CHECK_EQ(image_delete(&m, U1, &e), -ENOENT);
	json_decref(got);
	json_decref(manifest);
	free(data);
	fake_free(&f);
}

TEST(image_install_keeps_nothing_of_a_file_that_is_not_the_manifests)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;
	json_t *manifest;
	char *data;
	size_t len;

	make_archive(&data, &len);
	fake_machine(&m, &f);
	manifest = manifest_for(data, len);
	CHECK_EQ(install(&m, manifest, data, len - 1, 0, &e), -EBADMSG);
	check_nothing_left(&f);
	data[len - 9] ^= 1; /* in the compressor's last block */
	CHECK_EQ(install(&m, manifest, data, len, 0, &e), -EBADMSG);
	CHECK(strstr(e.msg, "sha1 checksum of the file is") != NULL);
	check_nothing_left(&f);
	CHECK_EQ(install(&m, manifest, data, len / 2, -ECONNRESET, &e), -ECONNRESET);
	CHECK_STR(e.msg, "the server hung up");
	check_nothing_left(&f);
	json_decref(manifest);
	free(data);
	fake_free(&f);
}

TEST(image_install_that_fails_at_any_step_leaves_nothing)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;
	json_t *manifest;
	char *data;
	size_t len;
	int rc = -1;

	make_archive(&data, &len);
	fake_machine(&m, &f);
	manifest = manifest_for(data, len);
	for (unsigned at = 1; rc != 0; at++) {
		CHECK(at < 20);
		f.ops = 0;
		f.fail_at = at;
		rc = install(&m, manifest, data, len, 0, &e);
		if (rc != 0)
			check_nothing_left(&f);
	}
	CHECK(fake_has(&f, "zones/" U1 "@final"));
	json_decref(manifest);
	free(data);
	fake_free(&f);
}

TEST(image_install_that_is_cut_at_any_step_is_cleaned_by_the_next)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;
	json_t *manifest;
	char *data;
	size_t len;

	make_archive(&data, &len);
	for (unsigned at = 1; at < 5; at++) {
		bool yes;

		fake_machine(&m, &f);
		manifest = manifest_for(data, len);
		f.dead_from = at;
		(void)install(&m, manifest, data, len, 0, &e);
		f.dead_from = 0;
		CHECK_EQ(image_is_installed(&m, U1, &yes, &e), 0);
		if (at % 2 == 0) /* by hand, or by the boot */
			CHECK(image_recover(&m, &e) >= 0);
		if (!yes && at % 2 == 0)
			check_nothing_left(&f);
		CHECK_EQ(install(&m, manifest, data, len, 0, &e), yes ? -EEXIST : 0);
		CHECK(fake_has(&f, "zones/" U1 "@final"));
		CHECK_EQ(image_recover(&m, &e), 0);
		CHECK(fake_has(&f, "zones/" U1 "@final"));
		json_decref(manifest);
		fake_free(&f);
	}
	free(data);
}

TEST(image_install_leaves_a_foreign_dataset_alone)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;
	json_t *manifest;

	fake_machine(&m, &f);
	manifest = manifest_for("x", 1);
	CHECK_EQ(fake_datasets.create(&f, "zones/" U1, NULL, NULL), 0);
	CHECK_EQ(install(&m, manifest, "x", 1, 0, &e), -EEXIST);
	CHECK_STR(e.msg, "dataset 'zones/" U1 "' is there already and is no image");
	CHECK(fake_has(&f, "zones/" U1));
	json_decref(manifest);
	fake_free(&f);
}

TEST(image_delete_names_the_clones_in_the_way)
{
	struct machine m;
	struct fake f;
	struct err e = ERR_INIT;

	fake_machine(&m, &f);
	CHECK_EQ(fake_datasets.create(&f, "zones/" U1, NULL, NULL), 0);
	CHECK_EQ(fake_datasets.snapshot(&f, "zones/" U1 "@final", NULL), 0);
	CHECK_EQ(fake_datasets.clone(&f, "zones/" U1 "@final", "zones/web", NULL, NULL), 0);
	CHECK_EQ(image_delete(&m, U1, &e), -EBUSY);
	CHECK_STR(e.msg, "image " U1 " has 1 dependent clone: zones/web");
	fake_free(&f);
}
