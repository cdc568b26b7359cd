/* SPDX-License-Identifier: MIT */
/*
 * Reading a block: whichever copy is good.
 *
 * Theory
 * ------
 * A block pointer names up to three copies (DVAs), and each lies on a vdev that may be able to get
 * the same bytes in several ways (sides of a mirror, reconstructions of a raidz). All pairs of DVA and
 * way are tried in order until the bytes match the checksum in the block pointer; what failed before
 * is then rewritten with the good bytes if the pool is writable: reading heals.
 *
 * A gang block's DVAs point at a header with up to three block pointers, whose data put together is
 * the raw block; it is assembled first and then treated like any raw block.
 *
 * Encrypted blocks: the pointer's last two checksum words are a MAC, the first two the folded
 * checksum of what is on disk. Indirect blocks, objset roots and dnode blocks are readable without a
 * key (of dnodes all but the bonus area); for the rest the caller gets -ENOTSUP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/probe.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"
#include "suspend.h"
#include "vdev_impl.h"
#include "zio_impl.h"

#define GANG_SIZE 512u
#define GANG_BPS 3
#define GANG_DEPTH_MAX 8
#define BAD_MAX 16
#define EMBED_MAX 128 /* what the size field can say; bp_verify allows 112 */

/* --- what is good --- */

/* Fold the sum as encrypted blocks store it: two words, the rest of the pointer's is the MAC. */
static void
fold(unsigned id, struct cksum *c)
{
	if (!checksum_is_strong(id)) {
		c->w[0] ^= c->w[2];
		c->w[1] ^= c->w[3];
	}
	c->w[2] = c->w[3] = 0;
}

static bool
has_mac(const struct blkptr *bp)
{
	return (bp_is_encrypted(bp) && !(bp_level(bp) == 0 && bp_type(bp) == OT_OBJSET));
}

/* 0 good, -EILSEQ bad, -ENOTSUP an algorithm we lack. */
static int
verify(const struct spa *spa, const struct blkptr *bp, const void *raw)
{
	struct cksum want = {{bp->w[12], bp->w[13], bp->w[14], bp->w[15]}}, got;
	int rc;

	if (bp_checksum(bp) == CK_OFF || bp_checksum(bp) == CK_NOPARITY)
		return (0);
	rc = checksum_compute(bp_checksum(bp), !bp_is_little(bp),
	    spa->has_salt ? spa->salt : NULL, raw, bp_psize(bp), &got);
	if (rc != 0)
		return (rc);
	if (has_mac(bp)) {
		fold(bp_checksum(bp), &got);
		want.w[2] = want.w[3] = 0;
	}
	return (cksum_equal(&want, &got) ? 0 : -EILSEQ);
}

/* Types whose level-0 data is ciphertext when the pointer's crypt bit is set. */
static bool
is_ciphertext(const struct blkptr *bp)
{
	if (!bp_is_encrypted(bp) || bp_level(bp) > 0)
		return (false);
	switch (bp_type(bp)) {
	case OT_INTENT_LOG:
	case OT_PLAIN_FILE:
	case OT_DIRECTORY:
	case OT_OLDACL:
	case OT_UNLINKED_SET:
	case OT_ZVOL:
	case 25:
	case 26:
	case OT_ACL:
	case OT_SYSACL:
	case OT_FUID:
	case OT_USERGROUP_USED:
	case OT_USERGROUP_QUOTA:
	case OT_SA:
	case OT_SA_MASTER_NODE:
	case OT_SA_ATTR_REGISTRATION:
	case OT_SA_ATTR_LAYOUTS:
		return (true);
	default:
		return ((bp_type(bp) & 0xa0) == 0xa0);
	}
}

/* --- the copies --- */

struct bad_copy {
	int dva;
	unsigned copy;
};

struct attempt {
	struct spa *spa;
	const struct blkptr *bp;
	uint8_t *raw; /* bp_psize bytes */
	struct bad_copy bad[BAD_MAX];
	unsigned nbad;
	bool io_failed, sum_failed, unsupported;
};

static void
note_bad(struct attempt *a, int dva, unsigned copy)
{
	if (a->nbad < BAD_MAX)
		a->bad[a->nbad++] = (struct bad_copy){dva, copy};
}

static struct vdev *
dva_top(const struct attempt *a, int i, struct dva *d)
{
	*d = bp_dva(a->bp, i);
	return (vdev_top(a->spa->root, d->vdev));
}

/* Read one copy and judge it; true when raw now holds the block. */
static bool
try_copy(struct attempt *a, int i, unsigned copy)
{
	struct dva d;
	struct vdev *top = dva_top(a, i, &d);
	uint32_t psize = bp_psize(a->bp);
	int rc = 0;

	if (!suspend_lookup(a->spa, top, a->raw, psize, d.offset))
		rc = vdev_read(top, a->raw, psize, d.offset, copy, bp_physical_birth(a->bp));
	if (rc != 0) {
		a->io_failed = true;
		if (rc != -ENXIO)
			note_bad(a, i, copy);
		return (false);
	}
	if ((rc = verify(a->spa, a->bp, a->raw)) == 0)
		return (true);
	if (rc == -ENOTSUP) {
		a->unsupported = true;
		return (false);
	}
	a->sum_failed = true;
	/* Of raidz only the plain read says something about the disk; the others were guesses. */
	if (copy == 0 || (top->kind != VDEV_RAIDZ && copy < vdev_leaf_count(top))) {
		vdev_count_cksum(top, d.offset, psize, copy);
		note_bad(a, i, copy);
	}
	return (false);
}

static void
heal(struct attempt *a)
{
	uint32_t psize = bp_psize(a->bp);

	if (a->spa->readonly || a->spa->suspended)
		return;
	for (unsigned i = 0; i < a->nbad; i++) {
		struct dva d;
		struct vdev *top = dva_top(a, a->bad[i].dva, &d);

		(void)vdev_repair(top, a->raw, psize, d.offset, a->bad[i].copy);
	}
}

static int
outcome(const struct attempt *a)
{
	if (a->unsupported)
		return (-ENOTSUP);
	return (a->sum_failed ? -EILSEQ : -EIO);
}

static int
read_copies(struct attempt *a)
{
	for (int i = 0, n = bp_copies(a->bp); i < n; i++) {
		struct dva d;
		struct vdev *top = dva_top(a, i, &d);
		unsigned ways = vdev_copies(top);

		for (unsigned copy = 0; copy < ways && !a->unsupported; copy++) {
			if (try_copy(a, i, copy)) {
				if (a->nbad > 0)
					heal(a);
				return (0);
			}
		}
		if (ways == 0)
			a->io_failed = true;
	}
	return (outcome(a));
}

/* --- gang blocks --- */

static int read_raw(struct spa *spa, const struct blkptr *bp, uint8_t *raw, int depth);

/* The header in its i-th place, as it is on disk; its pointers in this machine's byte order. */
static bool
gang_header_at(struct spa *spa, const struct blkptr *bp, int i, uint8_t header[GANG_SIZE],
    struct blkptr child[GANG_BPS])
{
	struct dva first = bp_dva(bp, 0), d = bp_dva(bp, i);
	struct cksum place = {{first.vdev, first.offset, bp_physical_birth(bp), 0}};
	struct vdev *top = vdev_top(spa->root, d.vdev);
	bool swapped;

	for (unsigned copy = 0; copy < vdev_copies(top); copy++) {
		if (!suspend_lookup(spa, top, header, GANG_SIZE, d.offset) &&
		    vdev_read(top, header, GANG_SIZE, d.offset, copy, bp_physical_birth(bp)) != 0)
			continue;
		if (!eck_valid(header, GANG_SIZE, &place, &swapped)) {
			vdev_count_cksum(top, d.offset, GANG_SIZE, copy);
			continue;
		}
		memcpy(child, header, GANG_BPS * sizeof(*child));
		for (size_t k = 0; swapped && k < GANG_BPS * sizeof(*child) / 8; k++) {
			uint64_t *w = (uint64_t *)(void *)child + k;

			*w = __builtin_bswap64(*w);
		}
		return (true);
	}
	return (false);
}

int
zio_gang_children(struct spa *spa, const struct blkptr *bp, struct blkptr child[GANG_BPS])
{
	_Alignas(8) uint8_t header[GANG_SIZE];

	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		if (gang_header_at(spa, bp, i, header, child))
			return (0);
	}
	return (-EILSEQ);
}

static int
read_gang(struct spa *spa, const struct blkptr *bp, uint8_t *raw, int depth)
{
	struct blkptr child[GANG_BPS];
	uint32_t left = bp_psize(bp);
	int rc = zio_gang_children(spa, bp, child);

	if (depth > GANG_DEPTH_MAX)
		return (-EILSEQ);
	for (int i = 0; rc == 0 && i < GANG_BPS; i++) {
		uint32_t n = bp_psize(&child[i]);

		if (bp_is_hole(&child[i]))
			continue;
		if (bp_is_embedded(&child[i]) || n > left ||
		    bp_verify(&child[i], (unsigned)spa->root->nchild) != 0)
			return (-EILSEQ);
		rc = read_raw(spa, &child[i], raw, depth + 1);
		raw += n;
		left -= n;
	}
	return (rc != 0 ? rc : left == 0 ? 0 : -EILSEQ);
}

/* --- raw blocks --- */

static int
read_raw(struct spa *spa, const struct blkptr *bp, uint8_t *raw, int depth)
{
	struct attempt a = {.spa = spa, .bp = bp, .raw = raw};
	int rc;

	if (!bp_dva(bp, 0).gang) {
		PROBE2(zfs, zio__read__start, spa->name, bp_psize(bp));
		rc = read_copies(&a);
		PROBE3(zfs, zio__read__done, spa->name, bp_psize(bp), rc);
		return (rc);
	}
	if ((rc = read_gang(spa, bp, raw, depth)) != 0)
		return (rc);
	return (verify(spa, bp, raw));
}

static int
read_embedded(const struct blkptr *bp, uint8_t *buf)
{
	uint8_t payload[EMBED_MAX];

	if (bp_verify(bp, 0) != 0)
		return (-EILSEQ);
	if (bits_get(bp->w[6], 40, 8) != 0) /* a redacted block has no data */
		return (-EIO);
	bp_embedded_get(bp, payload);
	return (decompress_block(bp_compress(bp), payload, bp_psize(bp), buf, bp_lsize(bp)));
}

int
zio_read_raw(struct spa *spa, const struct blkptr *bp, void *buf)
{
	int rc;

	if (bp_is_embedded(bp)) {
		if (bp_verify(bp, 0) != 0)
			return (-EILSEQ);
		bp_embedded_get(bp, buf);
		return (0);
	}
	if (bp_is_hole(bp))
		return (-ENOENT);
	if (bp_verify(bp, (unsigned)spa->root->nchild) != 0)
		return (-EILSEQ);
	while ((rc = read_raw(spa, bp, buf, 0)) == -EIO && suspend_retry_read(spa))
		continue;
	return (rc);
}

int
zio_read(struct spa *spa, const struct blkptr *bp, void *buf)
{
	uint32_t psize = bp_psize(bp);
	uint8_t *raw;
	int rc;

	if (bp_is_embedded(bp))
		return (read_embedded(bp, buf));
	if (bp_is_hole(bp)) {
		memset(buf, 0, bp_lsize(bp));
		return (0);
	}
	if (is_ciphertext(bp))
		return (-ENOTSUP);
	if (bp_compress(bp) == COMP_OFF)
		return (zio_read_raw(spa, bp, buf));
	if ((raw = zio_buf_get(spa, psize)) == NULL)
		return (-ENOMEM);
	rc = zio_read_raw(spa, bp, raw);
	if (rc == 0)
		rc = decompress_block(bp_compress(bp), raw, psize, buf, bp_lsize(bp));
	zio_buf_put(spa, raw, psize);
	return (rc);
}

/*
 * The first way to the first copy that a device has, and nothing else: no repair, no counting.  This is
 * what may run without the pool's lock.
 */
static int
read_raw_plain(struct spa *spa, const struct blkptr *bp, uint8_t *raw)
{
	struct dva d = bp_dva(bp, 0);
	struct vdev *top = vdev_top(spa->root, d.vdev);
	unsigned ways = top == NULL ? 0 : top->kind == VDEV_RAIDZ ? 1 : vdev_copies(top);
	int rc = -ENXIO;

	for (unsigned copy = 0; copy < ways && rc == -ENXIO; copy++)
		rc = vdev_read(top, raw, bp_psize(bp), d.offset, copy, bp_physical_birth(bp));
	return (rc != 0 ? rc : verify(spa, bp, raw));
}

static int
check_plain(struct spa *spa, const struct blkptr *bp)
{
	if (bp_is_embedded(bp) || bp_is_hole(bp) || bp_dva(bp, 0).gang)
		return (-ENOTSUP);
	return (bp_verify(bp, (unsigned)spa->root->nchild));
}

int
zio_read_raw_plain(struct spa *spa, const struct blkptr *bp, void *buf)
{
	int rc = check_plain(spa, bp);

	return (rc != 0 ? rc : read_raw_plain(spa, bp, buf));
}

int
zio_read_plain(struct spa *spa, const struct blkptr *bp, void *buf)
{
	uint32_t psize = bp_psize(bp);
	uint8_t *raw;
	int rc;

	if (is_ciphertext(bp))
		return (-ENOTSUP);
	if ((rc = check_plain(spa, bp)) != 0)
		return (rc);
	if (bp_compress(bp) == COMP_OFF)
		return (read_raw_plain(spa, bp, buf));
	if ((raw = zio_buf_get(spa, psize)) == NULL)
		return (-ENOMEM);
	rc = read_raw_plain(spa, bp, raw);
	if (rc == 0)
		rc = decompress_block(bp_compress(bp), raw, psize, buf, bp_lsize(bp));
	zio_buf_put(spa, raw, psize);
	return (rc);
}

/* --- scrub and resilver --- */

static int scan_block(struct spa *spa, const struct blkptr *bp, bool compare, int depth,
    struct zio_scrub_result *r);
static int scan_dvas(struct spa *spa, const struct blkptr *bp, const uint8_t *good, uint32_t size,
    bool compare, struct zio_scrub_result *r);

/* A gang block is its header, in each of its places, and three blocks. */
static int
scan_gang(struct spa *spa, const struct blkptr *bp, bool compare, int depth,
    struct zio_scrub_result *r)
{
	_Alignas(8) uint8_t header[GANG_SIZE];
	struct blkptr child[GANG_BPS];
	int rc = -EILSEQ;

	if (depth > GANG_DEPTH_MAX)
		return (-EILSEQ);
	for (int i = 0, n = bp_copies(bp); rc != 0 && i < n; i++)
		rc = gang_header_at(spa, bp, i, header, child) ? 0 : -EILSEQ;
	if (rc == 0)
		rc = scan_dvas(spa, bp, header, GANG_SIZE, compare, r);
	for (int i = 0; rc == 0 && i < GANG_BPS; i++) {
		if (!bp_is_hole(&child[i]))
			rc = scan_block(spa, &child[i], compare, depth + 1, r);
	}
	return (rc);
}

static int
scan_dvas(struct spa *spa, const struct blkptr *bp, const uint8_t *good, uint32_t size, bool compare,
    struct zio_scrub_result *r)
{
	bool writable = !spa->readonly && !spa->suspended;
	int rc = 0;

	for (int i = 0, n = bp_copies(bp); rc == 0 && i < n; i++) {
		struct dva d = bp_dva(bp, i);
		struct vdev_scan s = {.good = good, .len = size, .off = d.offset,
		    .birth = bp_physical_birth(bp), .compare = compare, .repair = writable};

		rc = vdev_scan(vdev_top(spa->root, d.vdev), &s);
		r->copies += s.copies;
		r->bad += s.bad;
		r->repaired += s.repaired;
		r->written += s.written;
	}
	return (rc);
}

static int
scan_whole(struct spa *spa, const struct blkptr *bp, bool compare, struct zio_scrub_result *r)
{
	uint32_t psize = bp_psize(bp);
	uint8_t *good = zio_buf_get(spa, psize);
	int rc = good == NULL ? -ENOMEM : zio_read_raw(spa, bp, good);

	if (rc == 0)
		rc = scan_dvas(spa, bp, good, psize, compare, r);
	zio_buf_put(spa, good, psize);
	return (rc);
}

static int
scan_block(struct spa *spa, const struct blkptr *bp, bool compare, int depth,
    struct zio_scrub_result *r)
{
	if (bp_verify(bp, (unsigned)spa->root->nchild) != 0)
		return (-EILSEQ);
	if (!bp_dva(bp, 0).gang)
		return (scan_whole(spa, bp, compare, r));
	return (scan_gang(spa, bp, compare, depth, r));
}

int
zio_scrub(struct spa *spa, const struct blkptr *bp, struct zio_scrub_result *r)
{
	int rc;

	*r = (struct zio_scrub_result){0};
	if (bp_is_embedded(bp) || bp_is_hole(bp))
		return (0);
	rc = scan_block(spa, bp, true, 0, r);
	r->lost = rc == -EIO || rc == -EILSEQ;
	return (rc);
}

/* A gang block's pieces may lie anywhere. */
static bool
needs_resilver(struct spa *spa, const struct blkptr *bp)
{
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);
		struct vdev *top = vdev_top(spa->root, d.vdev);

		if (d.gang || (top != NULL && vdev_is_stale(top, d.offset,
		    (uint64_t)d.asize_sectors << SECTOR_SHIFT, bp_physical_birth(bp))))
			return (true);
	}
	return (false);
}

int
zio_resilver(struct spa *spa, const struct blkptr *bp, struct zio_scrub_result *r)
{
	int rc;

	*r = (struct zio_scrub_result){0};
	if (bp_is_embedded(bp) || bp_is_hole(bp) || !needs_resilver(spa, bp))
		return (0);
	rc = scan_block(spa, bp, false, 0, r);
	r->lost = rc == -EIO || rc == -EILSEQ;
	return (rc);
}
