/* SPDX-License-Identifier: MIT */
/*
 * Writing and freeing a block, and how much space one counts for.
 *
 * Theory
 * ------
 *	data -> zeros? a hole -> pack -> tiny? into the pointer -> allocate -> checksum -> every copy
 *
 * Packing must win an eighth, and what it gives is rounded up to the smallest sector of the pool with
 * zeros behind; otherwise the block is stored as it is.
 *
 * Rewriting. A block of the meta objset that was born in this txg is reachable from no uberblock yet,
 * so a later pass of the same sync may overwrite it where it is. That is what makes a sync end: space
 * maps describe the blocks that hold them. Packed data that became shorter keeps its old size (zeros
 * behind), so only growth past the allocated size moves a block.
 *
 * Freeing. A block born in this txg was never durable: its space is free at once. Any other is kept
 * from reuse for two more txgs, by the metaslab.
 */
#include <errno.h>
#include <string.h>

#include "ddt.h"
#include "smartbox/core/probe.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"
#include "suspend.h"
#include "zio_impl.h"

#define EMBED_BYTES_MAX 112u
#define GANG_SIZE 512u
#define GANG_BPS 3
#define BP_DEDUP_BIT 62
#define HOLE_BIRTH "com.delphix:hole_birth"

static uint32_t
round_up(uint32_t v, uint32_t unit)
{
	return ((v + unit - 1) & ~(unit - 1));
}

/* --- writing --- */

static void
make_hole(struct spa *spa, const struct zio_write *w, struct blkptr *out)
{
	*out = (struct blkptr){0};
	if (!spa_feature_active(spa, HOLE_BIRTH))
		return;
	out->w[6] = (w->lsize / SECTOR_SIZE - 1) | (uint64_t)w->type << 48 | (uint64_t)w->level << 56;
	out->w[10] = w->txg;
}

/* Pack into o; leaves it uncompressed when that does not pay. Returns the unrounded size or 0. */
static uint32_t
pack(struct spa *spa, const struct zio_write *w, struct zio_prepared *o)
{
	uint32_t unit = 1u << spa->min_ashift, limit = w->lsize - w->lsize / 8, n, rounded;

	o->raw = w->data;
	o->psize = w->lsize;
	o->compress = COMP_OFF;
	if (w->compress == COMP_OFF)
		return (0);
	o->capacity = w->lsize;
	if ((o->packed = zio_buf_get(spa, o->capacity)) == NULL)
		return (0);
	n = (uint32_t)compress_block(w->compress, w->data, w->lsize, o->packed, limit);
	if (n == 0)
		return (0);
	rounded = round_up(n, unit);
	if (rounded >= w->lsize && n > EMBED_BYTES_MAX)
		return (0);
	if (rounded < w->lsize) {
		memset(o->packed + n, 0, rounded - n);
		o->raw = o->packed;
		o->psize = rounded;
		o->compress = compress_id_of(w->compress);
		if (o->compress == COMP_ON)
			o->compress = COMP_LZ4;
	}
	return (n);
}

static void
describe(const struct zio_write *w, const struct zio_prepared *o, struct blkptr *bp)
{
	bp->w[6] = (uint64_t)(w->lsize / SECTOR_SIZE - 1) |
	    (uint64_t)(o->psize / SECTOR_SIZE - 1) << 16 | (uint64_t)o->compress << 32 |
	    (uint64_t)w->checksum << 40 | (uint64_t)w->type << 48 | (uint64_t)w->level << 56 |
	    1ULL << 63;
	bp->w[10] = w->txg;
	bp->w[11] = w->fill;
}

/*
 * Would `psize` bytes take exactly the space that every copy of old has?  Fewer copies than wanted
 * will do: there was no room for more a pass ago.  A gang block's pieces fit their own sizes only.
 */
static bool
fits_in_place(struct spa *spa, const struct blkptr *old, uint32_t psize)
{
	int n = bp_copies(old);

	if (bp_dva(old, 0).gang)
		return (psize == bp_psize(old));
	for (int i = 0; i < n; i++) {
		struct dva d = bp_dva(old, i);
		struct vdev *top = vdev_top(spa->root, d.vdev);

		if (vdev_asize_of(top, psize) != (uint64_t)d.asize_sectors << SECTOR_SHIFT)
			return (false);
	}
	return (n > 0);
}

static bool
take_old_place(struct spa *spa, const struct zio_write *w, struct zio_prepared *o, struct blkptr *bp)
{
	const struct blkptr *old = w->rewrite;
	uint32_t old_psize;

	if (old == NULL || bp_is_embedded(old) || bp_is_hole(old) || bp_birth(old) != w->txg)
		return (false);
	old_psize = bp_psize(old);
	/* Packed and shorter than before: zeros behind it, so that it stays where it is. */
	if (o->compress != COMP_OFF && o->psize < old_psize && old_psize < w->lsize &&
	    fits_in_place(spa, old, old_psize)) {
		memset(o->packed + o->psize, 0, old_psize - o->psize);
		o->psize = old_psize;
	}
	if (!fits_in_place(spa, old, o->psize))
		return (false);
	memcpy(bp->w, old->w, 6 * sizeof(bp->w[0]));
	return (true);
}

static void
give_back(struct spa *spa, const struct dva *dva, int n, uint64_t txg)
{
	for (int i = 0; i < n; i++)
		(void)metaslab_unalloc(spa, &dva[i], txg);
}

/* Small blocks of files, when that is wanted, up to where the rest is kept for metadata. */
static bool
is_special(struct spa *spa, const struct zio_write *w, uint32_t psize)
{
	if (w->level > 0 || dmu_type_is_metadata(w->type))
		return (true);
	return (w->type == OT_PLAIN_FILE && psize <= w->special_small &&
	    metaslab_special_takes_data(spa));
}

/* Metadata goes to devices that are for it, as long as they have room. */
static int
allocate_one(struct spa *spa, const struct zio_write *w, uint32_t psize, struct dva *dva, int n)
{
	int rc = -ENOSPC;

	if (is_special(spa, w, psize))
		rc = metaslab_alloc_class(spa, w->type == OT_DDT_ZAP, psize, dva, n, &dva[n]);
	return (rc != -ENOSPC ? rc : metaslab_alloc(spa, psize, dva, n, w->txg, &dva[n]));
}

/* One copy is needed; further ones are had if there is room. */
static int
allocate(struct spa *spa, const struct zio_write *w, uint32_t psize, struct blkptr *bp)
{
	struct dva dva[BP_DVAS];
	int n = 0, rc = 0;

	while (n < (int)w->copies && n < BP_DVAS && rc == 0) {
		rc = allocate_one(spa, w, psize, dva, n);
		if (rc == 0)
			n++;
	}
	if (n == 0 || (rc != 0 && rc != -ENOSPC)) {
		give_back(spa, dva, n, w->txg);
		return (rc);
	}
	for (int i = 0; i < n; i++)
		bp_dva_set(bp, i, &dva[i]);
	return (0);
}

/* Behind a write that was kept for better times all others are kept too. */
bool
zio_put_copy(struct spa *spa, struct vdev *top, const void *raw, size_t len, uint64_t off)
{
	if (suspend_is_queueing(spa) && suspend_keep(spa, top, raw, len, off))
		return (true);
	return (vdev_write(top, raw, len, off) == 0);
}

/* Every copy is tried; one that was written is enough. */
static int
write_copies(struct spa *spa, const struct blkptr *bp, const struct zio_prepared *o)
{
	int good = 0;

	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);

		good += zio_put_copy(spa, vdev_top(spa->root, d.vdev), o->raw, o->psize, d.offset);
	}
	for (int i = 0, n = bp_copies(bp); good == 0 && i < n; i++) {
		struct dva d = bp_dva(bp, i);

		good += suspend_keep(spa, vdev_top(spa->root, d.vdev), o->raw, o->psize, d.offset);
	}
	return (good > 0 ? 0 : -EIO);
}

static int
sum_up(const struct spa *spa, const struct zio_write *w, struct zio_prepared *o)
{
	struct cksum sum;
	int rc = checksum_compute(w->checksum, false, spa->has_salt ? spa->salt : NULL,
	    o->raw, o->psize, &sum);

	if (rc != 0)
		return (rc);
	memcpy(o->sum, sum.w, sizeof(o->sum));
	o->summed = o->psize;
	return (0);
}

/*
 * A block that outgrew its place within one txg may grow again: leave it an eighth (zeros behind the
 * packed data), so that the passes of the sync come to an end sooner.
 */
static void
leave_room(const struct spa *spa, const struct zio_write *w, struct zio_prepared *o)
{
	uint32_t psize = round_up(o->psize + o->psize / 8 + 1, 1u << spa->min_ashift);

	if (w->rewrite == NULL || o->compress == COMP_OFF || psize >= w->lsize)
		return;
	memset(o->packed + o->psize, 0, psize - o->psize);
	o->psize = psize;
}

/* At the old place, at a new one, or in pieces; sets the DVAs. */
static int
write_somewhere(struct spa *spa, const struct zio_write *w, struct zio_prepared *o,
    struct blkptr *bp)
{
	bool in_place = take_old_place(spa, w, o, bp);
	int rc;

	if (!in_place)
		leave_room(spa, w, o);
	rc = in_place ? 0 : allocate(spa, w, o->psize, bp);
	if (in_place && bp_dva(bp, 0).gang)
		return (zio_gang_rewrite(spa, w, o->raw));
	if (rc == -ENOSPC)
		return (zio_gang_write(spa, w, o->raw, o->psize, bp));
	if (rc == 0)
		rc = write_copies(spa, bp, o);
	for (int i = 0, n = bp_copies(bp); rc != 0 && !in_place && i < n; i++) {
		struct dva d = bp_dva(bp, i);

		(void)metaslab_unalloc(spa, &d, w->txg);
	}
	return (rc);
}

static int
place_and_write(struct spa *spa, const struct zio_write *w, struct zio_prepared *o, struct blkptr *bp)
{
	int rc = write_somewhere(spa, w, o, bp);

	if (rc != 0)
		return (rc);
	describe(w, o, bp);
	/* The size may have changed to fit the old place. */
	if (o->summed != o->psize && (rc = sum_up(spa, w, o)) != 0)
		return (rc);
	memcpy(&bp->w[12], o->sum, sizeof(o->sum));
	return (0);
}

/* Are the bytes of the block that the dedup table found the ones to be written? */
static int
is_same_content(struct spa *spa, const struct blkptr *bp, const struct zio_prepared *o, bool *same)
{
	uint8_t *old = zio_buf_get(spa, o->psize);
	int rc;

	if (old == NULL)
		return (-ENOMEM);
	rc = zio_read_raw(spa, bp, old);
	*same = rc == 0 && memcmp(old, o->raw, o->psize) == 0;
	zio_buf_put(spa, old, o->psize);
	return (rc == -ENOMEM ? rc : 0);
}

/* Refer to a block that is there, or write one that others may refer to. */
static int
write_deduped(struct spa *spa, const struct zio_write *w, struct zio_prepared *o, struct blkptr *bp)
{
	bool same = true;
	int rc;

	if (o->summed != o->psize && (rc = sum_up(spa, w, o)) != 0)
		return (rc);
	describe(w, o, bp);
	bp->w[6] |= 1ULL << BP_DEDUP_BIT;
	memcpy(&bp->w[12], o->sum, sizeof(o->sum));
	rc = ddt_find(spa, bp, w->copies);
	if (rc == 0 && w->dedup_verify && (rc = is_same_content(spa, bp, o, &same)) == 0 && !same) {
		*bp = (struct blkptr){0}; /* a collision: this one stands alone */
		return (place_and_write(spa, w, o, bp));
	}
	if (rc == -ENOENT)
		rc = write_somewhere(spa, w, o, bp);
	return (rc != 0 ? rc : ddt_add(spa, bp, w->copies));
}

void
zio_prepare(struct spa *spa, const struct zio_write *w, struct zio_prepared *o)
{
	*o = (struct zio_prepared){0};
	if ((o->is_zero = !w->keep_zero && is_all_zero(w->data, w->lsize)))
		return;
	o->packed_len = pack(spa, w, o);
	o->embed = w->may_embed && w->level == 0 && o->packed_len > 0 &&
	    o->packed_len <= EMBED_BYTES_MAX;
	if (!o->embed)
		(void)sum_up(spa, w, o); /* again in zio_write_prepared, where it can be told */
}

int
zio_prepare_packed(struct spa *spa, const struct zio_write *w, uint32_t psize, unsigned compress,
    struct zio_prepared *o)
{
	uint32_t rounded = round_up(psize, 1u << spa->min_ashift);

	*o = (struct zio_prepared){.raw = w->data, .psize = rounded, .compress = compress};
	if (rounded >= w->lsize)
		return (-EAGAIN);
	if (rounded != psize) {
		o->capacity = rounded;
		if ((o->packed = zio_buf_get(spa, rounded)) == NULL)
			return (-ENOMEM);
		memcpy(o->packed, w->data, psize);
		memset(o->packed + psize, 0, rounded - psize);
		o->raw = o->packed;
	}
	(void)sum_up(spa, w, o); /* again in zio_place, where it can be told */
	return (0);
}

int
zio_write_prepared(struct spa *spa, const struct zio_write *w, struct zio_prepared *o,
    struct blkptr *out)
{
	struct blkptr bp = {0};
	int rc = 0;

	PROBE3(zfs, zio__write__start, spa->name, w->lsize, w->level);
	if (o->is_zero)
		make_hole(spa, w, &bp);
	else if (o->embed)
		bp_embedded_make(&bp, w->type, compress_id_of(w->compress), w->lsize, o->packed,
		    o->packed_len, w->txg);
	else
		rc = w->dedup ? write_deduped(spa, w, o, &bp) : place_and_write(spa, w, o, &bp);
	PROBE4(zfs, zio__write__done, spa->name, w->lsize, w->level, rc);
	zio_prepared_free(spa, o);
	if (rc == 0)
		*out = bp;
	return (rc);
}

int
zio_place(struct spa *spa, const struct zio_write *w, struct zio_prepared *o, struct blkptr *bp)
{
	int rc;

	*bp = (struct blkptr){0};
	if (o->is_zero) {
		make_hole(spa, w, bp);
	} else if (o->embed) {
		bp_embedded_make(bp, w->type, compress_id_of(w->compress), w->lsize, o->packed,
		    o->packed_len, w->txg);
	} else {
		if ((o->summed != o->psize && (rc = sum_up(spa, w, o)) != 0) ||
		    (rc = allocate(spa, w, o->psize, bp)) != 0)
			return (rc);
		describe(w, o, bp);
		memcpy(&bp->w[12], o->sum, sizeof(o->sum));
	}
	return (0);
}

int
zio_put(struct spa *spa, const struct blkptr *bp, const struct zio_prepared *o)
{
	return (bp_is_hole(bp) || bp_is_embedded(bp) ? 0 : write_copies(spa, bp, o));
}

void
zio_unplace(struct spa *spa, const struct blkptr *bp, uint64_t txg)
{
	for (int i = 0, n = bp_is_hole(bp) || bp_is_embedded(bp) ? 0 : bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);

		(void)metaslab_unalloc(spa, &d, txg);
	}
}

void
zio_prepared_free(struct spa *spa, struct zio_prepared *o)
{
	zio_buf_put(spa, o->packed, o->capacity);
	o->packed = NULL;
}

int
zio_write(struct spa *spa, const struct zio_write *w, struct blkptr *out)
{
	struct zio_prepared o;

	zio_prepare(spa, w, &o);
	return (zio_write_prepared(spa, w, &o, out));
}

/* --- freeing --- */

static int
free_dva(struct spa *spa, const struct dva *d, uint64_t birth, uint64_t txg)
{
	if (birth == txg)
		return (metaslab_unalloc(spa, d, txg));
	return (birth <= spa->checkpoint_txg ? metaslab_keep(spa, d) : metaslab_free(spa, d, txg));
}

/* Header copies and children of a gang block; the header's own space is 512 bytes rounded up. */
static int
free_gang(struct spa *spa, const struct blkptr *bp, uint64_t txg, int depth)
{
	struct blkptr child[GANG_BPS];
	int rc = zio_gang_children(spa, bp, child);

	for (int i = 0; rc == 0 && i < GANG_BPS; i++) {
		if (bp_is_hole(&child[i]) || bp_verify(&child[i], (unsigned)spa->root->nchild) != 0)
			continue;
		if (bp_dva(&child[i], 0).gang)
			rc = depth > 0 ? free_gang(spa, &child[i], txg, depth - 1) : -EILSEQ;
		else
			rc = zio_free(spa, &child[i], txg);
	}
	for (int i = 0, n = bp_copies(bp); rc == 0 && i < n; i++) {
		struct dva d = bp_dva(bp, i);

		d.asize_sectors = (uint32_t)(vdev_asize_of(vdev_top(spa->root, d.vdev), GANG_SIZE) >>
		    SECTOR_SHIFT);
		d.gang = false;
		rc = free_dva(spa, &d, bp_physical_birth(bp), txg);
	}
	return (rc);
}

int
zio_free(struct spa *spa, const struct blkptr *bp, uint64_t txg)
{
	int rc = 0;

	if (bp_is_embedded(bp) || bp_is_hole(bp))
		return (0);
	if (bp_is_dedup(bp)) /* has other owners, perhaps */
		return (ddt_free(spa, bp, txg));
	/* Pointers on deadlists have no checksum, but their shape must be right. */
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		if (bp_dva(bp, i).vdev >= spa->root->nchild)
			return (-EILSEQ);
	}
	if (bp_dva(bp, 0).gang)
		return (free_gang(spa, bp, txg, 8));
	for (int i = 0, n = bp_copies(bp); rc == 0 && i < n; i++) {
		struct dva d = bp_dva(bp, i);

		rc = free_dva(spa, &d, bp_physical_birth(bp), txg);
	}
	return (rc);
}

/* --- accounting --- */

uint64_t
bp_dsize(struct spa *spa, const struct blkptr *bp)
{
	uint64_t sum = 0;

	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);
		uint64_t asize = (uint64_t)d.asize_sectors << SECTOR_SHIFT;
		struct vdev *top = vdev_top(spa->root, d.vdev);

		sum += spa->deflate && top != NULL ? vdev_dsize(top, asize) : asize;
	}
	return (sum);
}

static bool
is_metadata(const struct blkptr *bp)
{
	return (bp_level(bp) > 0 || dmu_type_is_metadata(bp_type(bp)));
}

uint64_t
bp_comp_bytes(const struct blkptr *bp)
{
	return (bp_is_embedded(bp) || bp_is_hole(bp) ? 0 : bp_psize(bp));
}

uint64_t
bp_uncomp_bytes(const struct blkptr *bp)
{
	if (bp_is_hole(bp))
		return (0);
	if (!is_metadata(bp))
		return (bp_lsize(bp));
	return (bp_is_embedded(bp) ? 0 : bp_psize(bp));
}
