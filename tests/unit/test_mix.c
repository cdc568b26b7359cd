/* SPDX-License-Identifier: MIT */
/* Every checksum with every compression, as OpenZFS wrote them: each file's bytes are the right ones. */
#include <stdlib.h>

#include "fixture.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/zpl.h"
#include "test.h"

static void
hex_of(struct zpl *z, uint64_t obj, uint64_t size, char hex[65])
{
	uint8_t *buf = malloc(size + 1), digest[32];
	struct sha256 s;

	CHECK_EQ(zpl_read(z, obj, 0, size, buf), (int)size);
	sha256_init(&s);
	sha256_add(&s, buf, size);
	sha256_end(&s, digest);
	for (int i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	free(buf);
}

static void
check_line(struct spa *spa, const char *want, char *path)
{
	char *slash = strchr(path, '/'), name[160], hex[65];
	struct dsl_dataset *ds;
	struct err e = ERR_INIT;
	struct zpl_attr a;
	struct zpl *z;
	uint64_t obj;

	CHECK(slash != NULL);
	*slash = '\0';
	(void)snprintf(name, sizeof(name), "mix/%s", path);
	CHECK(dsl_hold(spa, name, &ds, &e) == 0);
	CHECK(zpl_open(ds, true, &z, &e) == 0);
	CHECK(zpl_lookup(z, zpl_root(z), slash + 1, &obj) == 0);
	CHECK(zpl_getattr(z, obj, &a) == 0);
	hex_of(z, obj, a.size, hex);
	if (strcmp(hex, want) != 0)
		test_fail(__FILE__, __LINE__, "%s/%s is not what was written", name, slash + 1);
	zpl_close(z);
	dsl_rele(ds);
}

TEST(files_of_every_checksum_and_compression_are_read)
{
	struct spa_import_opts o = {.readonly = true};
	char line[256], want[80], path[128];
	struct err e = ERR_INIT;
	struct pool_scan scan;
	unsigned n = 0;
	struct spa *spa;
	FILE *f;

	fixture_scan("mix", &scan);
	o.config = scan.pool[0].config;
	if (spa_import(&o, &spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	CHECK((f = fopen(test_fixture("fixtures/mix/sha256sums"), "r")) != NULL);
	spa_enter(spa);
	for (; fgets(line, sizeof(line), f) != NULL; n++) {
		CHECK(sscanf(line, "%79s %127s", want, path) == 2);
		check_line(spa, want, path);
	}
	spa_exit(spa);
	CHECK(n >= 100);
	(void)fclose(f);
	spa_close(spa);
	pool_scan_free(&scan);
}
