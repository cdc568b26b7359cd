/* SPDX-License-Identifier: MIT */
/*
 * A whole pool that somebody damaged under its checksums (tests/fuzz/sumless.c): imported, listed,
 * read, and with bit 0 of the first byte also changed, scrubbed and synced.  Every call ends with an
 * answer or an error.
 *
 * Behind the first byte come changes, each of 4 bytes and its data: sector (2, of those that the pool
 * uses), where in it (1, in units of 8 bytes), length (1, in units of 8 bytes, 1 to 8).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "smartbox/core/bdev.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa.h"
#include "smartbox/fs/zpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECTOR = 512, USED_MAX = 65536, WRITES_MAX = 16384, CHANGES_MAX = 32, OBJECTS_MAX = 40,
	SCRUB_STEPS = 20, ENTRIES_MAX = 100 };
#define DEVICE ((size_t)64 << 20)

/* --- the device: an image, and what was written since --- */

struct extent {
	uint64_t off;
	size_t len;
};

static struct {
	uint8_t *image, *pristine;
	struct extent written[WRITES_MAX];
	size_t nwritten;
	uint64_t used[USED_MAX]; /* offsets of the sectors that are not zero, labels apart */
	size_t nused;
	struct nvlist *config;
} rig;

static void
must(int rc)
{
	if (rc != 0)
		abort();
}

static int
image_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	(void)bd;
	memcpy(buf, rig.image + off, len);
	return (0);
}

static int
image_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	(void)bd;
	memcpy(rig.image + off, buf, len);
	if (rig.nwritten < WRITES_MAX)
		rig.written[rig.nwritten] = (struct extent){off, len};
	rig.nwritten++;
	return (0);
}

static int
image_flush(struct bdev *bd)
{
	(void)bd;
	return (0);
}

static void
image_close(struct bdev *bd)
{
	free(bd->name);
	free(bd);
}

static struct bdev *
image_open(void)
{
	static const struct bdev_ops ops = {.read = image_read, .write = image_write,
	    .flush = image_flush, .close = image_close};
	struct bdev *bd = calloc(1, sizeof(*bd));

	if (bd == NULL)
		abort();
	*bd = (struct bdev){.ops = &ops, .size = DEVICE, .logical_block = 512, .physical_block = 512,
	    .name = strdup("image")};
	return (bd);
}

static void
image_restore(void)
{
	if (rig.nwritten > WRITES_MAX)
		memcpy(rig.image, rig.pristine, DEVICE);
	for (size_t i = 0; i < rig.nwritten && i < WRITES_MAX; i++)
		memcpy(rig.image + rig.written[i].off, rig.pristine + rig.written[i].off,
		    rig.written[i].len);
	rig.nwritten = 0;
}

/* --- the pool --- */

static void
make_files(struct spa *spa, const char *name)
{
	struct zpl_new file = {.mode = S_IFREG | 0644}, dir = {.mode = S_IFDIR | 0755};
	struct dsl_dataset *ds;
	struct zpl *z;
	uint64_t obj, sub;

	must(dsl_hold(spa, name, &ds, NULL));
	must(zpl_open(ds, false, &z, NULL));
	must(zpl_create(z, zpl_root(z), "file", &file, &obj));
	must(zpl_write(z, obj, 0, 6, "hello", false));
	must(zpl_xattr_set(z, obj, "user.a", "b", 1, 0));
	must(zpl_create(z, zpl_root(z), "dir", &dir, &sub));
	must(zpl_create(z, sub, "another", &file, &obj));
	must(spa_sync(spa, NULL));
	zpl_close(z);
	dsl_rele(ds);
}

static void
make_datasets(struct spa *spa)
{
	static const char *const snaps[] = {"tank@a", "tank/one@a"};
	static const char *const later[] = {"tank/one@b"};
	struct zpl_init init = {.mode = 0755};
	struct dsl_create one = {"tank/one", 2, NULL, zpl_init_objset, &init};
	struct nvlist *props = nv_new();

	must(dsl_create(spa, &one, NULL));
	make_files(spa, "tank/one");
	must(dsl_snapshot(spa, snaps, 2, NULL, NULL));
	make_files(spa, "tank");
	must(dsl_snapshot(spa, later, 1, NULL, NULL));
	must(dsl_clone(spa, "tank/one@a", "tank/clone", NULL, NULL));
	must(dsl_bookmark(spa, "tank/one@a", "tank/one#mark", NULL));
	must(dsl_hold_tag(spa, later, 1, "keep", NULL));
	must(nv_add_str(props, "quota", "10M"));
	must(nv_add_str(props, "com.example:note", "text"));
	must(dsl_prop_set(spa, "tank/one", props, NULL));
	nv_free(props);
}

static struct spa *
create(void)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct bdev *bd = image_open();
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = 9, .bdevs = &bd};
	struct spa *spa;

	must(nv_add_str(leaf, "type", "file"));
	must(nv_add_str(leaf, "path", "/image"));
	must(nv_add_str(tree, "type", "root"));
	must(nv_add_nvlist_array(tree, "children", &leaf, 1));
	must(spa_create(&o, &spa, NULL));
	nv_free(leaf);
	nv_free(tree);
	return (spa);
}

/* What an import wants to know, from the label. */
static void
read_config(void)
{
	struct nvlist *tree, *root = nv_new();
	struct bdev *bd = image_open();

	must(label_read(bd, &rig.config, NULL));
	bdev_close(bd);
	must(nv_get_nvlist(rig.config, "vdev_tree", &tree));
	must(nv_add_str(root, "type", "root"));
	must(nv_add_u64(root, "guid", nv_u64_or(rig.config, "pool_guid", 0)));
	must(nv_add_nvlist_array(root, "children", &tree, 1));
	must(nv_add_nvlist(rig.config, "vdev_tree", root));
	nv_free(root);
}

static void
set_up(void)
{
	struct spa *spa;

	rig.image = calloc(1, DEVICE);
	rig.pristine = calloc(1, DEVICE);
	if (rig.image == NULL || rig.pristine == NULL)
		abort();
	spa = create();
	spa_enter(spa);
	make_datasets(spa);
	spa_exit(spa);
	must(spa_export(spa, NULL));
	read_config();
	rig.nwritten = 0;
	for (uint64_t off = 4u << 20; off < DEVICE - (512u << 10); off += SECTOR) {
		static const uint8_t zero[SECTOR];

		if (memcmp(rig.image + off, zero, SECTOR) != 0 && rig.nused < USED_MAX)
			rig.used[rig.nused++] = off;
	}
	memcpy(rig.pristine, rig.image, DEVICE);
}

/* --- one run --- */

static void
make_changes(const uint8_t *data, size_t size)
{
	for (unsigned n = 0; n < CHANGES_MAX && size > 4; n++) {
		uint64_t off = rig.used[(data[0] | data[1] << 8) % rig.nused];
		size_t at = data[2] * 8u % SECTOR, len = 8 * (1 + data[3] % 8u);

		if (len > SECTOR - at)
			len = SECTOR - at;
		if (len > size - 4)
			len = size - 4;
		(void)image_write(NULL, data + 4, len, off + at);
		data += 4 + len;
		size -= 4 + len;
	}
}

static int
count_entry(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	unsigned *left = arg;

	(void)name;
	(void)obj;
	(void)dtype;
	(void)next;
	return ((*left)-- == 0);
}

static void
read_files(struct dsl_dataset *ds)
{
	char buf[256];
	struct zpl_attr a;
	struct zpl *z;
	unsigned entries = ENTRIES_MAX;
	uint64_t obj;

	if (zpl_open(ds, true, &z, NULL) != 0)
		return;
	(void)zpl_readdir(z, zpl_root(z), 0, count_entry, &entries);
	if (zpl_lookup(z, zpl_root(z), "file", &obj) == 0) {
		(void)zpl_getattr(z, obj, &a);
		(void)zpl_read(z, obj, 0, sizeof(buf), buf);
		(void)zpl_xattr_list(z, obj, buf, sizeof(buf));
		(void)zpl_xattr_get(z, obj, "user.a", buf, sizeof(buf));
	}
	zpl_close(z);
}

static int
look_at(struct dsl_dataset *ds, void *arg)
{
	static const char *const prop[] = {"used", "available", "referenced", "origin", "mountpoint",
	    "creation", "quota", "clones", "written", "usedbysnapshots", "compressratio"};
	char name[DSL_NAME_MAX], value[1024], source[DSL_NAME_MAX];
	struct nvlist *tags = nv_new();
	unsigned *left = arg;

	dsl_name(ds, name);
	for (size_t i = 0; i < sizeof(prop) / sizeof(prop[0]); i++)
		(void)dsl_prop_text(ds, prop[i], true, value, sizeof(value), source, sizeof(source));
	if (dsl_is_snapshot(ds))
		(void)dsl_list_tags(ds, tags);
	nv_free(tags);
	if (dsl_kind(ds) != DSL_BOOKMARK)
		read_files(ds);
	return ((*left)-- == 0);
}

static int
count_record(const struct nvlist *rec, void *arg)
{
	unsigned *left = arg;

	(void)rec;
	return ((*left)-- == 0);
}

static void
change_pool(struct spa *spa)
{
	static const char *const snap[] = {"tank/one@new"}, *const old[] = {"tank/one@a"};
	struct zpl_init init = {.mode = 0755};
	struct dsl_create two = {"tank/two", 2, NULL, zpl_init_objset, &init};

	(void)dsl_snapshot(spa, snap, 1, NULL, NULL);
	(void)dsl_promote(spa, "tank/clone", NULL, NULL);
	(void)dsl_destroy_snaps(spa, old, 1, NULL);
	(void)dsl_create(spa, &two, NULL);
	(void)dsl_destroy(spa, "tank/clone", NULL);
	(void)dsl_rollback(spa, "tank/one", "tank/one@new", NULL);
	(void)scrub_start(spa, NULL);
	for (int i = 0; i < SCRUB_STEPS && scrub_step(spa, 10) > 0; i++)
		;
	(void)spa_sync_force(spa, NULL);
}

static void
use(bool readonly)
{
	struct bdev *bd = image_open();
	struct spa_import_opts o = {.config = rig.config, .readonly = readonly, .force = true, .bdevs = &bd,
	    .nbdevs = 1};
	unsigned left = OBJECTS_MAX, records = ENTRIES_MAX;
	struct spa *spa;

	if (spa_import(&o, &spa, NULL) != 0)
		return;
	spa_enter(spa);
	(void)dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT | DSL_BOOKMARK, look_at,
	    &left, NULL);
	(void)spa_history_read(spa, count_record, &records);
	nv_free(spa_config(spa));
	if (!readonly)
		change_pool(spa);
	spa_exit(spa);
	spa_close(spa);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (rig.image == NULL)
		set_up();
	if (size < 1)
		return (0);
	make_changes(data + 1, size - 1);
	use((data[0] & 1) == 0);
	image_restore();
	return (0);
}
