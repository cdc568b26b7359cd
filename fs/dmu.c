/* SPDX-License-Identifier: MIT */
/*
 * dmu: objects as bytes.  Reading, writing, punching and finding holes, on top of dbufs.
 *
 * A write that covers a whole block never reads it.  A read that covers whole large blocks which
 * are not cached goes straight into the caller's buffer and leaves the cache alone: the data of
 * large files is cached once, by whoever asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "errlog.h"
#include "smartbox/fs/zio.h"

#define BYPASS_BYTES (64u << 10) /* smaller blocks are cached even when read whole */
#define AHEAD_MAX ((uint64_t)8 << 20)
#define AHEAD_SLACK ((uint64_t)2 << 20)

/* One block's part of a byte range. */
struct piece {
	uint64_t blkid;
	uint32_t off;
	uint32_t len;
};

static struct piece
piece_at(uint64_t off, size_t len, uint32_t block_size)
{
	struct piece p = {off / block_size, off % block_size, 0};

	p.len = len < block_size - p.off ? len : block_size - p.off;
	return (p);
}

/* A whole block without the cache; 1 when the cache is the better way. */
static int
read_around_cache(struct dnode *dn, uint64_t blkid, void *buf)
{
	uint32_t size = dnode_block_size(dn);
	struct scrub_error who;
	struct blkptr bp;
	int rc;

	if (size < BYPASS_BYTES || dbuf_find(dn, 0, blkid) != NULL)
		return (1);
	if ((rc = dbuf_bp(dn, 0, blkid, &bp)) != 0)
		return (rc);
	if (bp_is_hole(&bp)) {
		memset(buf, 0, size);
		return (0);
	}
	if (bp_lsize(&bp) != size)
		return (-EILSEQ);
	who = (struct scrub_error){errlog_dataset(dn->os), dn->obj, blkid, 0};
	return (dmu_miss_direct(dn->os->spa, &bp, buf, &who) ? 0 :
	    errlog_read(dn->os->spa, &bp, buf, &who));
}

static int
read_piece(struct dnode *dn, const struct piece *p, void *buf)
{
	struct dbuf *db;
	int rc;

	if (p->blkid > dn->phys->maxblkid) {
		memset(buf, 0, p->len);
		return (0);
	}
	if (p->len == dnode_block_size(dn) && (rc = read_around_cache(dn, p->blkid, buf)) <= 0)
		return (rc);
	if ((rc = dbuf_get(dn, 0, p->blkid, true, &db)) != 0)
		return (rc);
	memcpy(buf, (char *)db->data + p->off, p->len);
	dbuf_rele(db);
	return (0);
}

/* One block is missing: whatever else of the range is missing can be read with it. */
static int
note_rest(struct dnode *dn, uint64_t off, size_t len)
{
	struct piece p;
	struct dbuf *db;

	for (; len > 0; off += p.len, len -= p.len) {
		p = piece_at(off, len, dnode_block_size(dn));
		if (p.blkid > dn->phys->maxblkid)
			break;
		if (p.len == dnode_block_size(dn) && p.len >= BYPASS_BYTES)
			continue;
		if (dbuf_get(dn, 0, p.blkid, true, &db) == 0)
			dbuf_rele(db);
	}
	return (-DMU_UNWIND);
}

static void
hint_blocks(struct dnode *dn, uint64_t off, uint64_t end)
{
	uint64_t size = dnode_block_size(dn), blkid = off / size;
	struct blkptr bp;

	for (; blkid * size < end && blkid <= dn->phys->maxblkid; blkid++)
		if (dbuf_find(dn, 0, blkid) == NULL && dbuf_bp(dn, 0, blkid, &bp) == 0)
			dmu_miss_hint(dn->os->spa, &bp);
}

/*
 * A reader who goes on where he, or the one before, ended: twice as much as he has read in a row, up to
 * AHEAD_MAX, is hinted; again when half of it is used.  Several requests of one reader come in some
 * order, so "where it ended" has some room.
 */
static void
read_ahead(struct dnode *dn, uint64_t len, uint64_t start, uint64_t end)
{
	uint64_t ahead;

	if (!dmu_may_unwind(dn->os->spa))
		return;
	if (start > dn->seq_next + AHEAD_SLACK || start + AHEAD_SLACK < dn->seq_next ||
	    (start != 0 && dn->seq_next == 0)) {
		dn->seq_next = end;
		dn->seq_hinted = dn->seq_run = 0;
		return;
	}
	dn->seq_next = end > dn->seq_next ? end : dn->seq_next;
	dn->seq_run += len;
	ahead = dn->seq_run < AHEAD_MAX / 2 ? dn->seq_run * 2 : AHEAD_MAX;
	if (dn->seq_hinted > end + ahead / 2)
		return;
	hint_blocks(dn, dn->seq_hinted > end ? dn->seq_hinted : end, end + ahead);
	dn->seq_hinted = end + ahead;
}

int
dmu_read(struct objset *os, uint64_t obj, uint64_t off, size_t len, void *buf)
{
	uint64_t start = off;
	struct dnode *dn;
	struct piece p;
	int rc;

	if (off + len < off)
		return (-EINVAL);
	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	for (; len > 0 && rc == 0; off += p.len, len -= p.len, buf = (char *)buf + p.len) {
		p = piece_at(off, len, dnode_block_size(dn));
		rc = read_piece(dn, &p, buf);
		rc = rc == -DMU_UNWIND ? note_rest(dn, off + p.len, len - p.len) : rc;
	}
	if (rc == 0)
		read_ahead(dn, off - start, start, off);
	dnode_rele(dn);
	return (rc);
}

static int
write_piece(struct dnode *dn, const struct piece *p, const void *buf)
{
	struct dbuf *db;
	int rc;

	rc = dbuf_get(dn, 0, p->blkid, p->len != dnode_block_size(dn), &db);
	if (rc != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0) {
		memcpy((char *)db->data + p->off, buf, p->len);
		dbuf_drop_extra(db);
	}
	dbuf_rele(db);
	return (rc);
}

int
dmu_write(struct objset *os, uint64_t obj, uint64_t off, size_t len, const void *buf)
{
	struct dnode *dn;
	struct piece p;
	int rc;

	if (off + len < off)
		return (-EFBIG);
	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	for (; len > 0 && rc == 0; off += p.len, len -= p.len, buf = (const char *)buf + p.len) {
		p = piece_at(off, len, dnode_block_size(dn));
		rc = write_piece(dn, &p, buf);
	}
	dnode_rele(dn);
	return (rc);
}

void
dmu_write_prepare(struct objset *os, uint64_t obj, uint64_t off, size_t len)
{
	struct dnode *dn;
	struct blkptr bp;
	struct dbuf *db;
	struct piece p;
	int rc;

	if (off + len < off || dnode_hold(os, obj, &dn) != 0)
		return;
	for (rc = 0; len > 0; off += p.len, len -= p.len) {
		p = piece_at(off, len, dnode_block_size(dn));
		if (p.blkid > dn->phys->maxblkid)
			break;
		if (p.len == dnode_block_size(dn))
			rc = dbuf_bp(dn, 0, p.blkid, &bp); /* the indirect block that will be dirtied */
		else if ((rc = dbuf_get(dn, 0, p.blkid, true, &db)) == 0)
			dbuf_rele(db);
		if (rc != 0 && rc != -DMU_UNWIND)
			break;
	}
	dnode_rele(dn);
}

/* Zero a part of one block; a hole stays one. */
static int
zero_piece(struct dnode *dn, uint64_t off, uint64_t len)
{
	struct piece p = piece_at(off, len, dnode_block_size(dn));
	struct dbuf *db = dbuf_find(dn, 0, p.blkid);
	struct blkptr bp;
	int rc;

	if (p.blkid > dn->phys->maxblkid)
		return (0);
	if (db == NULL || !db->dirty) {
		if ((rc = dbuf_bp(dn, 0, p.blkid, &bp)) != 0)
			return (rc);
		if (bp_is_hole(&bp))
			return (0);
	}
	if ((rc = dbuf_get(dn, 0, p.blkid, true, &db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0) {
		memset((char *)db->data + p.off, 0, p.len);
		dbuf_drop_extra(db);
	}
	dbuf_rele(db);
	return (rc);
}

static int
free_bytes(struct dnode *dn, uint64_t off, uint64_t end)
{
	uint64_t bs = dnode_block_size(dn), first = off / bs + (off % bs != 0), last;
	int rc;

	/* The last block counts as whole when the range reaches its end or the object's. */
	last = end / bs;
	if (end == UINT64_MAX || end / bs > dn->phys->maxblkid)
		last = UINT64_MAX;
	if (off % bs != 0) {
		uint64_t head = bs - off % bs;

		rc = zero_piece(dn, off, head < end - off ? head : end - off);
		if (rc != 0)
			return (rc);
	}
	if (last != UINT64_MAX && end % bs != 0 && end / bs >= first &&
	    (rc = zero_piece(dn, end - end % bs, end % bs)) != 0)
		return (rc);
	if (last == UINT64_MAX)
		return (dnode_free_blocks(dn, first, UINT64_MAX));
	return (last > first ? dnode_free_blocks(dn, first, last - 1) : 0);
}

int
dmu_free_range(struct objset *os, uint64_t obj, uint64_t off, uint64_t len)
{
	uint64_t end = off + len < off ? UINT64_MAX : off + len;
	struct dnode *dn;
	int rc;

	if (len == 0)
		return (0);
	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	rc = free_bytes(dn, off, end);
	dnode_rele(dn);
	return (rc);
}

int
dmu_offset_next(struct objset *os, uint64_t obj, bool hole, uint64_t *off)
{
	struct dnode *dn;
	uint64_t bs, blkid;
	int rc;

	if ((rc = dnode_hold(os, obj, &dn)) != 0)
		return (rc);
	bs = dnode_block_size(dn);
	blkid = *off / bs;
	rc = dnode_seek_block(dn, hole ? SEEK_HOLE_BLOCK : SEEK_DATA_BLOCK, &blkid);
	if (rc == -ENOENT && hole) {
		blkid = *off / bs > dn->phys->maxblkid ? *off / bs : dn->phys->maxblkid + 1;
		rc = 0;
	}
	if (rc == 0 && blkid * bs > *off)
		*off = blkid * bs;
	dnode_rele(dn);
	return (rc == -ENOENT ? -ENXIO : rc);
}

void
dmu_prefetch(struct objset *os, uint64_t obj, uint64_t off, size_t len)
{
	struct dnode *dn;

	if (!dmu_may_unwind(os->spa) || dnode_hold(os, obj, &dn) != 0)
		return;
	hint_blocks(dn, off, off + len < off ? UINT64_MAX : off + len);
	dnode_rele(dn);
}
