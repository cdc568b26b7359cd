/* SPDX-License-Identifier: MIT */
/*
 * raidz: every width, every set of missing devices, every class of sizes.
 *
 * A full run (RAIDZ_SHARE=1, `make check-raidz`) visits each; the normal one a share picked by the seed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../fs/vdev_impl.h"
#include "test.h"

enum { ASHIFT = 9, DEVICE_MIB = 64, WIDTH_MAX = 12, BLOCK_MAX = 128 << 10 };

static struct vdev *
make_raidz(unsigned width, unsigned nparity)
{
	struct vdev *root = vdev_new(VDEV_ROOT), *top = vdev_new(VDEV_RAIDZ);

	top->nparity = nparity;
	top->ashift = ASHIFT;
	CHECK(vdev_add_child(root, top) == 0);
	for (unsigned i = 0; i < width; i++) {
		struct vdev *leaf = vdev_new(VDEV_FILE);
		struct bdev *bd;

		CHECK(bdev_mem_new("mem", (uint64_t)DEVICE_MIB << 20, &bd, NULL) == 0);
		CHECK(vdev_add_child(top, leaf) == 0);
		leaf->new_leaf = true;
		vdev_set_bdev(leaf, bd);
	}
	CHECK(vdev_open(root, false, NULL) == 0);
	top->asize = vdev_asize_now(top);
	return (root);
}

/* A size of each class: below, at and above a sector, a row, several rows, with every remainder. */
static size_t
size_of_class(unsigned class, unsigned width, unsigned nparity)
{
	unsigned data = width - nparity, sector = 1u << ASHIFT;
	const size_t size[] = {sector, 2 * sector, (size_t)(data > 1 ? data - 1 : 1) * sector,
	    (size_t)data * sector, (size_t)(data + 1) * sector, (size_t)(3 * data + data / 2) * sector,
	    (size_t)(8 * data) * sector, 33 * sector, BLOCK_MAX - sector, BLOCK_MAX};

	return (class < sizeof(size) / sizeof(size[0]) ? size[class] : 0);
}

struct block {
	uint64_t off;
	size_t len;
	uint8_t *data;
};

static unsigned
write_blocks(struct vdev *top, struct block *b)
{
	uint64_t off = 0;
	unsigned n = 0;

	for (size_t len; (len = size_of_class(n, (unsigned)top->nchild, top->nparity)) != 0; n++) {
		/* Each also behind the next MiB, where single parity changes its place. */
		b[n] = (struct block){off + (n % 2 == 1 ? 1 << 20 : 0), len, malloc(len)};
		for (size_t i = 0; i < len; i++)
			b[n].data[i] = (uint8_t)test_rand();
		CHECK_EQ(vdev_write(top, b[n].data, len, b[n].off), 0);
		off = b[n].off + vdev_asize_of(top, len);
	}
	return (n);
}

static void
lose(struct vdev *top, unsigned set, enum vdev_state state)
{
	for (unsigned i = 0; i < top->nchild; i++) {
		if (set >> i & 1)
			top->child[i]->state = state;
	}
}

static void
check_set(struct vdev *top, const struct block *b, unsigned n, unsigned set)
{
	static uint8_t buf[BLOCK_MAX];

	lose(top, set, VS_CANT_OPEN);
	for (unsigned i = 0; i < n; i++) {
		memset(buf, 0xee, b[i].len);
		if (vdev_read(top, buf, b[i].len, b[i].off, 0, 0) != 0 ||
		    memcmp(buf, b[i].data, b[i].len) != 0)
			test_fail(__FILE__, __LINE__, "raidz%u of %zu, without set %x: %zu bytes at %#llx",
			    top->nparity, top->nchild, set, b[i].len, (unsigned long long)b[i].off);
	}
	lose(top, set, VS_HEALTHY);
}

/* What was lost is written again from the rest, column by column. */
static void
check_rebuild(struct vdev *top, const struct block *b, unsigned n, unsigned set)
{
	static uint8_t junk[BLOCK_MAX];

	for (unsigned i = 0; i < top->nchild; i++) {
		for (uint64_t at = 0; (set >> i & 1) && at < 3 << 20; at += sizeof(junk))
			CHECK_EQ(bdev_write(top->child[i]->bd, junk, sizeof(junk), VDEV_LABEL_START + at), 0);
	}
	for (unsigned i = 0; i < n; i++) {
		struct vdev_scan s = {.good = b[i].data, .len = b[i].len, .off = b[i].off, .compare = true,
		    .repair = true};

		CHECK_EQ(vdev_scan(top, &s), 0);
		CHECK_EQ(s.bad, s.repaired);
	}
	check_set(top, b, n, 0);
}

static void
every_set(unsigned width, unsigned nparity, unsigned share)
{
	struct vdev *root = make_raidz(width, nparity), *top = root->child[0];
	struct block b[16];
	unsigned n = write_blocks(top, b), last = 0;

	for (unsigned set = 0; set < 1u << width; set++) {
		if ((unsigned)__builtin_popcount(set) > nparity || test_rand() % share != 0)
			continue;
		check_set(top, b, n, set);
		last = set;
	}
	check_rebuild(top, b, n, last);
	for (unsigned i = 0; i < n; i++)
		free(b[i].data);
	vdev_free(root);
}

TEST(raidz_of_every_width_gives_every_block_without_any_set_of_devices)
{
	const char *s = getenv("RAIDZ_SHARE");
	unsigned share = s != NULL ? (unsigned)strtoul(s, NULL, 10) : 4;

	for (unsigned nparity = 1; nparity <= 3; nparity++)
		for (unsigned width = nparity + 1; width <= WIDTH_MAX; width++)
			every_set(width, nparity, share == 0 ? 1 : share);
}

TEST(raidz_without_too_many_devices_says_so)
{
	struct vdev *root = make_raidz(5, 2), *top = root->child[0];
	static uint8_t buf[BLOCK_MAX];
	struct block b[16];
	unsigned n = write_blocks(top, b);

	lose(top, 7, VS_CANT_OPEN);
	CHECK(vdev_read(top, buf, b[n - 1].len, b[n - 1].off, 0, 0) != 0);
	for (unsigned i = 0; i < n; i++)
		free(b[i].data);
	vdev_free(root);
}
