/* SPDX-License-Identifier: MIT */
/*
 * Image manifests.
 *
 * One table names every field of version 2, its kind and its bounds.  A manifest is checked against
 * all of it before an answer is given, so that an author sees every mistake at once.  What a field's
 * kind cannot say (files, requirements) has a checker of its own in the table.
 *
 * Facts: IMGAPI's public documentation ("Image manifests"); version 1 is what its predecessor called
 * a dsmanifest, recognised by creator_uuid and the absence of "v".
 *
 * Ours beside SmartOS's: files[0].compression may be zstd, and a digest may be sha256, sha512 or
 * "digest": "ALGO:HEX" instead of sha1, which nobody should rely on any more.
 */
#include "smartbox/machine/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/decomp.h"
#include "smartbox/machine/digest.h"

enum kind { K_STRING, K_UUID, K_BOOL, K_INT, K_DATE, K_ENUM, K_ARRAY, K_OBJECT, K_STRINGS };

struct field {
	const char *name;
	enum kind kind;
	bool required;
	size_t max;	     /* bytes of a string */
	const char *words;   /* K_ENUM: " a b c "; K_STRING: further characters allowed, NULL: any */
	void (*check)(const json_t *v, struct buf *bad);
};

static void
complain(struct buf *bad, const char *field, const char *what)
{
	buf_printf(bad, "%s%s (%s)", bad->len > 0 ? ", " : "", field, what);
}

/* --- files and requirements ------------------------------------------------------------------- */

static bool
is_hex(const char *s, size_t len)
{
	return (strlen(s) == len && strspn(s, "0123456789abcdefABCDEF") == len);
}

/* Split "sha256:HEX". */
static bool
split_digest(const char *s, char algo[16], const char **hex)
{
	const char *colon = strchr(s, ':');

	if (colon == NULL || (size_t)(colon - s) >= 16)
		return (false);
	memcpy(algo, s, (size_t)(colon - s));
	algo[colon - s] = '\0';
	*hex = colon + 1;
	return (digest_hex_len(algo) > 0 && is_hex(*hex, digest_hex_len(algo)));
}

static void
check_file_digest(const json_t *file, struct buf *bad)
{
	const char *const *names = digest_names();
	const json_t *d = json_object_get(file, "digest");
	char algo[16];
	const char *hex;

	for (; *names != NULL; names++) {
		const json_t *v = json_object_get(file, *names);

		if (v != NULL && (!json_is_string(v) ||
		                     !is_hex(json_string_value(v), digest_hex_len(*names)))) {
			char field[32];

			(void)snprintf(field, sizeof(field), "files.0.%s", *names);
			complain(bad, field, "not a hex digest of that kind");
		}
	}
	if (d != NULL && (!json_is_string(d) || !split_digest(json_string_value(d), algo, &hex)))
		complain(bad, "files.0.digest", "not ALGORITHM:HEX");
}

static void
check_files(const json_t *files, struct buf *bad)
{
	const json_t *file = json_array_get(files, 0), *size, *comp;

	if (json_array_size(files) > 1)
		complain(bad, "files", "more than one file");
	if (file == NULL)
		return;
	if (!json_is_object(file)) {
		complain(bad, "files.0", "not an object");
		return;
	}
	size = json_object_get(file, "size");
	if (size != NULL && (!json_is_integer(size) || json_integer_value(size) <= 0))
		complain(bad, "files.0.size", "not a positive integer");
	comp = json_object_get(file, "compression");
	if (comp != NULL && (!json_is_string(comp) || decomp_by_name(json_string_value(comp)) < 0))
		complain(bad, "files.0.compression", "not one of none, gzip, bzip2, xz, zstd");
	check_file_digest(file, bad);
}

static void
check_ram(const json_t *req, struct buf *bad)
{
	const json_t *lo = json_object_get(req, "min_ram"), *hi = json_object_get(req, "max_ram");

	if (lo != NULL && !json_is_integer(lo))
		complain(bad, "requirements.min_ram", "not an integer");
	if (hi != NULL && !json_is_integer(hi))
		complain(bad, "requirements.max_ram", "not an integer");
	if (json_is_integer(lo) && json_is_integer(hi) &&
	    json_integer_value(lo) > json_integer_value(hi))
		complain(bad, "requirements.max_ram", "less than min_ram");
}

static void
check_bootrom(const json_t *req, struct buf *bad)
{
	const json_t *rom = json_object_get(req, "bootrom");

	if (rom == NULL)
		return;
	if (!json_is_string(rom) || (strcmp(json_string_value(rom), "bios") != 0 &&
	                                strcmp(json_string_value(rom), "uefi") != 0))
		complain(bad, "requirements.bootrom", "not one of bios, uefi");
	if (strcmp(json_str(req, "brand", ""), "bhyve") != 0)
		complain(bad, "requirements.bootrom", "needs brand bhyve");
}

static void
check_requirements(const json_t *req, struct buf *bad)
{
	static const char known[] =
	    " networks brand ssh_key min_ram max_ram min_platform max_platform bootrom ";
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)req, key, v) {
		char word[64], field[96];

		(void)snprintf(word, sizeof(word), " %s ", key);
		(void)snprintf(field, sizeof(field), "requirements.%s", key);
		if (strstr(known, word) == NULL)
			complain(bad, field, "unsupported requirement");
	}
	check_ram(req, bad);
	check_bootrom(req, bad);
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct field fields[] = {
    {"uuid", K_UUID, true, 0, NULL, NULL},
    {"name", K_STRING, true, 1024, "._/- ", NULL},
    {"version", K_STRING, true, 512, "._/+-", NULL},
    {"type", K_ENUM, true, 0, " zone-dataset zvol lx-dataset docker other ", NULL},
    {"os", K_ENUM, true, 0, " smartos linux windows bsd illumos other ", NULL},
    {"owner", K_UUID, false, 0, NULL, NULL},
    {"description", K_STRING, false, 10240, NULL, NULL},
    {"homepage", K_STRING, false, 1024, NULL, NULL},
    {"eula", K_STRING, false, 1024, NULL, NULL},
    {"icon", K_BOOL, false, 0, NULL, NULL},
    {"state", K_ENUM, false, 0, " active unactivated disabled creating failed ", NULL},
    {"disabled", K_BOOL, false, 0, NULL, NULL},
    {"public", K_BOOL, false, 0, NULL, NULL},
    {"published_at", K_DATE, false, 0, NULL, NULL},
    {"origin", K_UUID, false, 0, NULL, NULL},
    {"files", K_ARRAY, false, 0, NULL, check_files},
    {"acl", K_ARRAY, false, 0, NULL, NULL},
    {"requirements", K_OBJECT, false, 0, NULL, check_requirements},
    {"users", K_ARRAY, false, 0, NULL, NULL},
    {"billing_tags", K_STRINGS, false, 128, NULL, NULL},
    {"traits", K_OBJECT, false, 0, NULL, NULL},
    {"tags", K_OBJECT, false, 0, NULL, NULL},
    {"generate_passwords", K_BOOL, false, 0, NULL, NULL},
    {"inherited_directories", K_STRINGS, false, 1024, NULL, NULL},
    {"nic_driver", K_STRING, false, 64, NULL, NULL},
    {"disk_driver", K_STRING, false, 64, NULL, NULL},
    {"cpu_type", K_STRING, false, 64, NULL, NULL},
    {"image_size", K_INT, false, 0, NULL, NULL},
    {"channels", K_STRINGS, false, 128, NULL, NULL},
    {"urn", K_STRING, false, 1024, NULL, NULL},
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static bool
is_lower_uuid(const char *s)
{
	if (!uuid_is_valid(s))
		return (false);
	for (; *s != '\0'; s++)
		if (isupper((unsigned char)*s))
			return (false);
	return (true);
}

/* YYYY-MM-DDTHH:MM[:SS[.mmm]]Z */
static bool
is_date(const char *s)
{
	struct tm tm;
	const char *p = strptime(s, "%Y-%m-%dT%H:%M", &tm);

	if (p == NULL)
		return (false);
	if (p[0] == ':' && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2]))
		p += 3;
	if (p[0] == '.')
		p += 1 + strspn(p + 1, "0123456789");
	return (strcmp(p, "Z") == 0);
}

static bool
has_only(const char *s, const char *extra)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(extra, *s) == NULL)
			return (false);
	return (true);
}

static bool
is_word(const char *s, const char *words)
{
	char word[64];

	(void)snprintf(word, sizeof(word), " %s ", s);
	return (strchr(s, ' ') == NULL && strstr(words, word) != NULL);
}

static const char *
wrong_string(const struct field *f, const json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		return ("not a string");
	if (f->kind == K_UUID)
		return (is_lower_uuid(s) ? NULL : "not a lower-case UUID");
	if (f->kind == K_DATE)
		return (is_date(s) ? NULL : "not a date YYYY-MM-DDTHH:MM:SS.sssZ");
	if (f->kind == K_ENUM)
		return (is_word(s, f->words) ? NULL : "not an allowed word");
	if (s[0] == '\0' && f->required)
		return ("empty");
	if (strlen(s) > f->max)
		return ("too long");
	return (f->words == NULL || has_only(s, f->words) ? NULL : "contains invalid characters");
}

static const char *
wrong_array(const struct field *f, const json_t *v)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return ("not an array");
	if (f->kind == K_ARRAY)
		return (NULL);
	json_array_foreach((json_t *)(uintptr_t)v, i, item)
		if (!json_is_string(item) || json_string_length(item) > f->max)
			return ("not an array of strings");
	return (NULL);
}

static const char *
wrong(const struct field *f, const json_t *v)
{
	switch (f->kind) {
	case K_BOOL:
		return (json_is_boolean(v) ? NULL : "not a boolean");
	case K_INT:
		return (json_is_integer(v) && json_integer_value(v) > 0 ? NULL
		                                                         : "not a positive integer");
	case K_OBJECT:
		return (json_is_object(v) ? NULL : "not an object");
	case K_ARRAY:
	case K_STRINGS:
		return (wrong_array(f, v));
	default:
		return (wrong_string(f, v));
	}
}

static void
check_field(const struct field *f, const json_t *manifest, struct buf *bad)
{
	const json_t *v = json_object_get(manifest, f->name);
	const char *what;

	if (v == NULL) {
		if (f->required)
			complain(bad, f->name, "missing");
		return;
	}
	if ((what = wrong(f, v)) != NULL)
		complain(bad, f->name, what);
	else if (f->check != NULL)
		f->check(v, bad);
}

static void
check_zvol(const json_t *manifest, struct buf *bad)
{
	static const char *const needed[] = {"nic_driver", "disk_driver", "cpu_type", "image_size"};
	bool zvol = strcmp(json_str(manifest, "type", ""), "zvol") == 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (zvol && json_object_get(manifest, needed[i]) == NULL)
			complain(bad, needed[i], "missing, type zvol needs it");
}

/* --- version 1 -------------------------------------------------------------------------------- */

static void
move(json_t *m, const char *from, const char *to)
{
	json_t *v = json_object_get(m, from);

	if (v != NULL && to != NULL && json_object_get(m, to) == NULL)
		(void)json_object_set(m, to, v);
	(void)json_object_del(m, from);
}

static const char *
compression_of(const char *path)
{
	static const struct {
		const char *suffix;
		const char *name;
	} map[] = {{".gz", "gzip"}, {".bz2", "bzip2"}, {".xz", "xz"}, {".zst", "zstd"}};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		size_t n = strlen(map[i].suffix);

		if (len > n && strcmp(path + len - n, map[i].suffix) == 0)
			return (map[i].name);
	}
	return ("none");
}

static void
upgrade_files(json_t *m)
{
	json_t *file = json_array_get(json_object_get(m, "files"), 0);

	if (!json_is_object(file))
		return;
	if (json_object_get(file, "compression") == NULL)
		(void)json_object_set_new(file, "compression",
		    json_string(compression_of(json_str(file, "path", ""))));
	(void)json_object_del(file, "path");
	(void)json_object_del(file, "url");
}

static void
upgrade_access(json_t *m)
{
	json_t *who = json_object_get(m, "restricted_to_uuid");

	(void)json_object_set_new(m, "public", json_boolean(who == NULL));
	if (who != NULL)
		(void)json_object_set_new(m, "acl", json_pack("[O]", who));
	(void)json_object_del(m, "restricted_to_uuid");
	(void)json_object_set_new(m, "state",
	    json_string(json_bool(m, "disabled", false) ? "disabled" : "active"));
}

static void
upgrade(json_t *m)
{
	static const char *const dropped[] = {"creator_name", "creator_admin", "vendor_uuid",
	    "cloud_name", "platform_type", "owner_uuid", "updated_at", "_url"};
	const json_t *size = json_object_get(m, "image_size");

	move(m, "creator_uuid", "owner");
	move(m, "created_at", "published_at");
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		(void)json_object_del(m, dropped[i]);
	if (json_is_string(size)) {
		long long n = 0;
		char rest;

		if (sscanf(json_string_value(size), "%19lld%c", &n, &rest) == 1)
			(void)json_object_set_new(m, "image_size", json_integer(n));
	}
	upgrade_access(m);
	upgrade_files(m);
	(void)json_object_set_new(m, "v", json_integer(2));
}

/* --- public ----------------------------------------------------------------------------------- */

static int
check_version(json_t *m, struct err *e)
{
	const json_t *v = json_object_get(m, "v");

	if (v == NULL && json_object_get(m, "creator_uuid") == NULL)
		return (err_set(e, EINVAL, "invalid manifest: manifest does not have a \"v\" field"));
	if (v == NULL) {
		upgrade(m);
		return (0);
	}
	if (!json_is_integer(v) || json_integer_value(v) != 2)
		return (err_set(e, EINVAL, "invalid manifest: v (this version is not supported, 2 is)"));
	return (0);
}

static void
normalize_date(json_t *m)
{
	const char *s = json_str(m, "published_at", NULL);
	char full[40];

	if (s == NULL || strlen(s) >= 24)
		return;
	if (strlen(s) == 17) /* without seconds */
		(void)snprintf(full, sizeof(full), "%.16s:00.000Z", s);
	else if (strlen(s) == 20)
		(void)snprintf(full, sizeof(full), "%.19s.000Z", s);
	else
		return;
	(void)json_object_set_new(m, "published_at", json_string(full));
}

int
manifest_normalize(const json_t *in, json_t **out, struct err *e)
{
	struct buf bad = BUF_INIT;
	json_t *m;
	int rc;

	if (!json_is_object(in))
		return (err_set(e, EINVAL, "invalid manifest: not an object"));
	if ((m = json_deep_copy(in)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = check_version(m, e)) != 0)
		goto out;
	for (size_t i = 0; i < NFIELDS; i++)
		check_field(&fields[i], m, &bad);
	check_zvol(m, &bad);
	if (buf_failed(&bad))
		rc = err_set(e, ENOMEM, "out of memory");
	else if (bad.len > 0)
		rc = err_set(e, EINVAL, "invalid manifest: %s", bad.data);
	if (rc != 0)
		goto out;
	normalize_date(m);
	*out = m;
	m = NULL;
out:
	json_decref(m);
	buf_free(&bad);
	return (rc);
}

static const json_t *
first_file(const json_t *manifest)
{
	return (json_array_get(json_object_get(manifest, "files"), 0));
}

/* The strongest that is there. */
bool
manifest_digest(const json_t *manifest, const char **algo, const char **hex)
{
	static const char *const order[] = {"sha512", "sha384", "sha256", "sha224", "sha1", "md5"};
	const json_t *file = first_file(manifest);
	const char *d = json_str(file, "digest", NULL);
	char name[16];

	if (d != NULL && split_digest(d, name, hex)) {
		*algo = digest_canonical(name);
		return (true);
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((*hex = json_str(file, order[i], NULL)) != NULL) {
			*algo = order[i];
			return (true);
		}
	return (false);
}

json_int_t
manifest_size(const json_t *manifest)
{
	return (json_int(first_file(manifest), "size", -1));
}

void
manifest_label(const json_t *manifest, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s@%s", json_str(manifest, "name", "-"),
	    json_str(manifest, "version", "-"));
}
