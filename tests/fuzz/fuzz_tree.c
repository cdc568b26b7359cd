/* SPDX-License-Identifier: MIT */
/*
 * Block pointers and dnodes that somebody damaged: an objset on a disk whose blocks were changed
 * under their checksums (tests/fuzz/sumless.c) is walked and read; every call ends with an answer or
 * an error.
 *
 * The objset is made by hand, with indirect blocks of 1 KiB, so that it has every shape of object in
 * some 60 KiB and a run costs microseconds.  Input: changes, each of 3 bytes and its data: where (2,
 * in units of 8 bytes), length (1, in units of 8 bytes, 1 to 16).  They are taken back after the run.
 */
#include <stdlib.h>
#include <string.h>

#include "../../fs/dmu_impl.h"
#include "smartbox/core/bdev.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/spa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEVICE_DATA 0x400000u /* where DVA offset 0 is */
#define BASE 0x2000000u	      /* the DVA offset of the image */
enum { IMAGE = 1 << 17, SHIFT = 10, BPS = 1 << (SHIFT - 7), OBJECTS_MAX = 70, VISITS_MAX = 1024,
	CHANGES_MAX = 64, PIECE = 4096 };

struct change {
	uint32_t off, len;
};

static struct {
	struct spa *spa;
	struct bdev *bd;
	struct blkptr root;
	uint8_t image[IMAGE];
	uint32_t used;
} rig;

static void
must(int rc)
{
	if (rc != 0)
		abort();
}

static void
make_pool(void)
{
	struct nvlist *tree = nv_new(), *leaf = nv_new();
	struct spa_create_opts o = {.name = "tank", .vdev_tree = tree, .ashift = 9, .bdevs = &rig.bd};

	must(bdev_mem_new("mem", 128u << 20, &rig.bd, NULL));
	must(nv_add_str(leaf, "type", "file"));
	must(nv_add_str(leaf, "path", "/mem"));
	must(nv_add_str(tree, "type", "root"));
	must(nv_add_nvlist_array(tree, "children", &leaf, 1));
	must(spa_create(&o, &rig.spa, NULL));
	nv_free(leaf);
	nv_free(tree);
}

/* --- the objset --- */

/* Room for a block; the bp that points at it. */
static void *
block(uint32_t size, unsigned type, unsigned level, struct blkptr *bp)
{
	struct dva d = {.offset = BASE + rig.used, .asize_sectors = size / 512};
	void *p = rig.image + rig.used;

	if ((rig.used += size) > IMAGE)
		abort();
	memset(bp, 0, sizeof(*bp));
	bp_dva_set(bp, 0, &d);
	bp->w[6] = (size / 512 - 1) | (uint64_t)(size / 512 - 1) << 16 | (uint64_t)COMP_OFF << 32 |
	    (uint64_t)CK_FLETCHER4 << 40 | (uint64_t)type << 48 | (uint64_t)level << 56 | 1ull << 63;
	bp->w[10] = 4;
	bp->w[11] = 1;
	return (p);
}

static struct dnode_phys *
dnode(void *blk, unsigned slot, unsigned type, unsigned levels, uint64_t maxblkid, uint16_t sectors)
{
	struct dnode_phys *p = (struct dnode_phys *)((uint8_t *)blk + slot * DNODE_BYTES);

	p->type = (uint8_t)type;
	p->indirect_shift = SHIFT;
	p->levels = (uint8_t)levels;
	p->nblkptr = 1;
	p->flags = DN_USED_BYTES;
	p->block_sectors = sectors;
	p->maxblkid = maxblkid;
	return (p);
}

/* A tree below bp in which the first and the last entry of each indirect block lead on. */
static void
fill(struct blkptr *bp, unsigned type, unsigned level, uint32_t size)
{
	struct blkptr *child;

	if (level == 0) {
		memset(block(size, type, 0, bp), 0x5a, size);
		return;
	}
	child = block(1u << SHIFT, type, level, bp);
	fill(&child[0], type, level - 1, size);
	fill(&child[BPS - 1], type, level - 1, size);
	bp->w[11] = 1ull << level;
}

static void
make_objects(uint8_t *blk)
{
	static const char small[] = "a block of few bytes, inside of its pointer";
	struct dnode_phys *p;

	fill(&dnode(blk, 1, OT_PLAIN_FILE, 1, 0, 1)->bp[0], OT_PLAIN_FILE, 0, 512);
	fill(&dnode(blk, 2, OT_PLAIN_FILE, 4, BPS * BPS * BPS - 1, 1)->bp[0], OT_PLAIN_FILE, 3, 512);
	p = dnode(blk, 3, OT_PLAIN_FILE, 1, 0, 2);
	bp_embedded_make(&p->bp[0], OT_PLAIN_FILE, COMP_OFF, sizeof(small), small, sizeof(small), 4);
	p = dnode(blk, 4, OT_DIRECTORY, 2, BPS - 1, 1);
	p->bonus_type = OT_SA;
	p->bonus_len = 168;
	p->flags |= DN_SPILL;
	fill(&p->bp[0], OT_DIRECTORY, 1, 512);
	fill(dnode_spill_bp(p), OT_SA, 0, 512);
	p = dnode(blk, 5, OT_PLAIN_FILE, 1, 2, 1);
	p->nblkptr = 3;
	for (unsigned i = 0; i < 3; i++)
		fill(&p->bp[i], OT_PLAIN_FILE, 0, 512);
	p = dnode(blk, 8, OT_PLAIN_FILE, 1, 0, 8);
	p->extra_slots = 3;
	p->bonus_type = OT_SA;
	p->bonus_len = 1500;
	fill(&p->bp[0], OT_PLAIN_FILE, 0, 4096);
}

static void
set_up(void)
{
	struct objset_phys *os;
	struct dnode_phys *meta;
	struct blkptr *l1;

	make_pool();
	spa_enter(rig.spa);
	os = block(sizeof(*os), OT_OBJSET, 0, &rig.root);
	os->type = 2;
	meta = dnode(&os->meta, 0, OT_DNODE, 2, 1, DNODES_PER_BLOCK);
	l1 = block(1u << SHIFT, OT_DNODE, 1, &meta->bp[0]);
	make_objects(block(DNODES_PER_BLOCK * DNODE_BYTES, OT_DNODE, 0, &l1[0]));
	fill(&dnode(block(DNODES_PER_BLOCK * DNODE_BYTES, OT_DNODE, 0, &l1[1]), 31, OT_PLAIN_FILE, 1, 0,
	    1)->bp[0], OT_PLAIN_FILE, 0, 512);
	must(bdev_write(rig.bd, rig.image, IMAGE, BASE + DEVICE_DATA));
}

/* --- one run --- */

static unsigned
make_changes(const uint8_t *data, size_t size, struct change *c)
{
	unsigned n;

	for (n = 0; n < CHANGES_MAX && size >= 3 + 8; n++) {
		c[n].off = (uint32_t)(data[0] | data[1] << 8) * 8 % rig.used;
		c[n].len = 8 * (1 + data[2] % 16u);
		if (c[n].len > rig.used - c[n].off)
			c[n].len = rig.used - c[n].off;
		if (c[n].len > size - 3)
			c[n].len = (uint32_t)(size - 3) & ~7u;
		must(bdev_write(rig.bd, data + 3, c[n].len, BASE + DEVICE_DATA + c[n].off));
		data += 3 + c[n].len;
		size -= 3 + c[n].len;
	}
	return (n);
}

static void
take_back(const struct change *c, unsigned n)
{
	for (; n > 0; n--, c++)
		must(bdev_write(rig.bd, rig.image + c->off, c->len, BASE + DEVICE_DATA + c->off));
}

static void
read_object(struct objset *os, uint64_t obj)
{
	static uint8_t buf[PIECE];
	struct dmu_info info;
	struct dbuf *db;
	uint64_t off = 0;

	if (dmu_object_info(os, obj, &info) != 0)
		return;
	for (int i = 0; i < 8 && dmu_offset_next(os, obj, i % 2, &off) == 0; i++)
		(void)dmu_read(os, obj, off, sizeof(buf), buf);
	(void)dmu_read(os, obj, info.max_blkid * info.block_size, sizeof(buf), buf);
	dmu_prefetch(os, obj, 0, sizeof(buf));
	if (dmu_bonus_hold(os, obj, &db) == 0) {
		memcpy(buf, dbuf_data(db), dbuf_size(db) < PIECE ? dbuf_size(db) : PIECE);
		dbuf_rele(db);
	}
	if (dmu_spill_hold(os, obj, false, 0, &db) == 0) {
		memcpy(buf, dbuf_data(db), dbuf_size(db) < PIECE ? dbuf_size(db) : PIECE);
		dbuf_rele(db);
	}
}

static int
count_visit(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *left)
{
	unsigned *n = left;

	(void)bp;
	(void)obj;
	(void)level;
	(void)blkid;
	return ((*n)-- == 0 ? 1 : 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct change change[CHANGES_MAX];
	unsigned n, left = VISITS_MAX;
	uint64_t obj = 0, objects = 0;
	struct objset *os;

	if (rig.spa == NULL)
		set_up();
	n = make_changes(data, size, change);
	if (objset_open(rig.spa, &rig.root, NULL, NULL, &os) == 0) {
		while (objects++ < OBJECTS_MAX && dmu_object_next(os, &obj) == 0)
			read_object(os, obj);
		objset_close(os);
	}
	(void)dmu_traverse(rig.spa, &rig.root, 0, true, count_visit, &left);
	take_back(change, n);
	return (0);
}
