/* SPDX-License-Identifier: MIT */
/*
 * The chain of log blocks of an open log, from allocation to reuse.
 *
 *	header --> block --> block --> block --> next
 *	           written   written   in flight allocated, not written: ends the chain
 *
 * A block's place is chosen before what comes into it is known, because the block before it must point
 * at it.  So there is always one block more than was written.  Its size is a guess from what the last
 * commits wrote; of a block that is too large only the part that is used is written (but on raidz,
 * where the size decides which device has what).
 *
 * A block is freed, oldest first, in the sync of the first txg that has all of its records; the header
 * moves on in that same txg.  Blocks are allocated in the open txg and reach a space map with it.  If
 * power goes before that, the next import finds them by walking the chain and claims them.
 *
 * With logbias=throughput a written block of a file is not in the record: the record points at a copy of
 * it on the data devices, whose life is that of the record: it is freed with the txg that has the data.
 *
 * Invariants
 *  1. What the header of the last durable txg leads to is not overwritten: freed blocks wait like all
 *     others (fs/metaslab.c), even those born in the txg that frees them.
 *  2. Blocks are written in the order of the chain, a batch at a time, by one thread: when a batch's
 *     flush is done, all before it is durable too.
 *  3. Every block is written once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/compress.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/vdev.h"
#include "zil_impl.h"
#include "zio_impl.h"

#define HEAD_BYTES sizeof(struct zil_chain)
#define FIRST_BLOCK 8192u

/* --- where the next block lies ------------------------------------------------------------------ */

static uint32_t
block_size_for(uint64_t bytes)
{
	uint64_t n = bytes + HEAD_BYTES;

	n = (n + ZIL_BLOCK_MIN - 1) / ZIL_BLOCK_MIN * ZIL_BLOCK_MIN;
	return (n > ZIL_BLOCK_MAX ? ZIL_BLOCK_MAX : (uint32_t)n);
}

static uint32_t
guess_size(const struct zilog *zl)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < SIZE_HISTORY; i++)
		if (zl->history[i] > most)
			most = zl->history[i];
	return (block_size_for(most));
}

static void
remember_size(struct zilog *zl, uint64_t bytes)
{
	zl->history[zl->history_at++ % SIZE_HISTORY] =
	    bytes > ZIL_BLOCK_MAX ? ZIL_BLOCK_MAX : (uint32_t)bytes;
}

static int
block_alloc(struct zilog *zl, uint32_t size, const struct blkptr *prev, struct blkptr *bp)
{
	uint64_t sectors = size / SECTOR_SIZE - 1;
	struct dva d;
	int rc = metaslab_alloc_log(zl->spa, size, &d);

	if (rc != 0)
		return (rc);
	*bp = (struct blkptr){{0}};
	bp_dva_set(bp, 0, &d);
	bp->w[6] = sectors | sectors << 16 | (uint64_t)COMP_OFF << 32 | (uint64_t)CK_ZILOG2 << 40 |
	    (uint64_t)OT_INTENT_LOG << 48 | 1ULL << 63;
	bp->w[10] = spa_open_txg(zl->spa);
	if (prev != NULL) {
		memcpy(&bp->w[12], &prev->w[12], 4 * sizeof(bp->w[0]));
		bp->w[15]++;
	} else {
		spa_random(zl->spa, &bp->w[12], 2 * sizeof(bp->w[0]));
		bp->w[14] = dsl_objnum(zl->ds);
		bp->w[15] = 1;
	}
	return (0);
}

static struct zil_header *
header_of(struct objset *os)
{
	return ((struct zil_header *)(void *)os->phys.zil);
}

int
chain_start(struct zilog *zl)
{
	struct zil_header *h = header_of(zl->os);
	int rc = block_alloc(zl, FIRST_BLOCK, NULL, &zl->next);

	if (rc != 0)
		return (rc);
	*h = (struct zil_header){.log = zl->next};
	objset_dirty_phys(zl->os);
	zl->has_log = true;
	zl->lr_seq = 0;
	return (0);
}

/* --- filling blocks ----------------------------------------------------------------------------- */

static struct log_block *
last_block(const struct log_batch *b)
{
	return (b->n > 0 ? &b->v[b->n - 1] : NULL);
}

uint32_t
chain_room(const struct log_batch *b)
{
	const struct log_block *k = last_block(b);

	return (k != NULL ? k->size - k->used : 0);
}

static int
grow_batch(struct log_batch *b)
{
	size_t room = b->room != 0 ? 2 * b->room : 4;
	struct log_block *v;

	if (b->n < b->room)
		return (0);
	if ((v = realloc(b->v, room * sizeof(*v))) == NULL)
		return (-ENOMEM);
	b->v = v;
	b->room = room;
	return (0);
}

/* The allocated block becomes the batch's last one, and another takes its place. */
static int
begin_block(struct zilog *zl, struct log_batch *b)
{
	uint32_t size = bp_lsize(&zl->next), here = size - (uint32_t)HEAD_BYTES;
	struct log_block k = {.used = HEAD_BYTES, .size = size};
	struct blkptr next;
	int rc;

	if ((rc = grow_batch(b)) != 0)
		return (rc);
	rc = block_alloc(zl, b->left > here ? block_size_for(b->left) : guess_size(zl), &zl->next,
	    &next);
	if (rc != 0)
		return (rc);
	k.buf = zio_buf_get(zl->spa, size);
	k.lwb = calloc(1, sizeof(*k.lwb));
	if (k.buf == NULL || k.lwb == NULL) {
		struct dva d = bp_dva(&next, 0);

		(void)metaslab_unalloc(zl->spa, &d, spa_open_txg(zl->spa));
		zio_buf_put(zl->spa, k.buf, size);
		free(k.lwb);
		return (-ENOMEM);
	}
	memset(k.buf, 0, HEAD_BYTES);
	memcpy(k.buf + offsetof(struct zil_chain, next), &next, sizeof(next));
	k.lwb->bp = zl->next;
	k.lwb->in_flight = true;
	*zl->lwb_tail = k.lwb;
	zl->lwb_tail = &k.lwb->next;
	zl->next = next;
	b->v[b->n++] = k;
	return (0);
}

void *
chain_reserve(struct zilog *zl, struct log_batch *b, uint32_t len, uint64_t txg, int *rc)
{
	struct log_block *k;
	void *p;

	/* One that is too small stays empty: the one behind it was made for what is left. */
	while (chain_room(b) < len)
		if ((*rc = begin_block(zl, b)) != 0)
			return (NULL);
	k = last_block(b);
	p = k->buf + k->used;
	k->used += len;
	b->bytes += len;
	b->left -= len < b->left ? len : b->left;
	if (k->lwb->max_txg < txg)
		k->lwb->max_txg = txg;
	return (p);
}

void
chain_unreserve(struct log_batch *b, uint32_t len)
{
	last_block(b)->used -= len;
	b->bytes -= len;
}

int
chain_add_copy(struct log_batch *b, const struct blkptr *bp)
{
	struct lwb *w = last_block(b)->lwb;
	struct blkptr *copy = realloc(w->copy, (w->ncopies + 1) * sizeof(*copy));

	if (copy == NULL)
		return (-ENOMEM);
	w->copy = copy;
	copy[w->ncopies++] = *bp;
	b->flush_all = true;
	return (0);
}

/* --- writing ------------------------------------------------------------------------------------ */

int
chain_write(struct zilog *zl, struct log_batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct log_block *k = &b->v[i];
		struct dva d = bp_dva(&k->lwb->bp, 0);
		struct vdev *top = vdev_top(zl->spa->root, d.vdev);
		uint32_t len = zil_block_seal(k->buf, k->used, &k->lwb->bp);

		if (top->kind == VDEV_RAIDZ) {
			memset(k->buf + len, 0, k->size - len);
			len = k->size;
		}
		rc = vdev_write(top, k->buf, len, d.offset);
	}
	remember_size(zl, b->bytes);
	return (rc);
}

int
chain_flush(struct zilog *zl, const struct log_batch *b)
{
	uint32_t flushed = UINT32_MAX;
	int rc = 0;

	if (b->flush_all)
		return (vdev_flush_now(zl->spa->root));
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		uint32_t id = bp_dva(&b->v[i].lwb->bp, 0).vdev;

		if (id != flushed)
			rc = vdev_flush_now(vdev_top(zl->spa->root, id));
		flushed = id;
	}
	return (rc);
}

void
chain_end(struct zilog *zl, struct log_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		zio_buf_put(zl->spa, b->v[i].buf, b->v[i].size);
		b->v[i].lwb->in_flight = false;
		if (b->v[i].lwb->dropped)
			free(b->v[i].lwb);
	}
	free(b->v);
	*b = (struct log_batch){.v = NULL};
}

/* --- the end of blocks -------------------------------------------------------------------------- */

/* Never at once, whatever the txg of birth (invariant 1). */
static int
block_free(struct zilog *zl, const struct blkptr *bp)
{
	return (zil_free_bp(zl->spa, bp));
}

static int
drop_copies(struct zilog *zl, struct lwb *w)
{
	int rc = 0;

	while (w->ncopies > 0 && rc == 0)
		rc = block_free(zl, &w->copy[--w->ncopies]);
	free(w->copy);
	w->copy = NULL;
	w->ncopies = 0;
	return (rc);
}

static int
drop_first(struct zilog *zl)
{
	struct lwb *w = zl->lwb;
	int rc;

	if ((rc = drop_copies(zl, w)) != 0 || (rc = block_free(zl, &w->bp)) != 0)
		return (rc);
	if ((zl->lwb = w->next) == NULL)
		zl->lwb_tail = &zl->lwb;
	w->dropped = w->in_flight;
	if (!w->in_flight)
		free(w);
	return (0);
}

int
zil_sync(struct zilog *zl, uint64_t txg)
{
	struct lwb *w;
	int rc = 0;

	if (!zl->has_log)
		return (0);
	/* Data that is in the txg twice now; an importer looks at records of later ones only. */
	for (w = zl->lwb; w != NULL && rc == 0; w = w->next)
		if (w->max_txg <= txg)
			rc = drop_copies(zl, w);
	while (rc == 0 && zl->lwb != NULL && !zl->lwb->in_flight && zl->lwb->max_txg <= txg)
		rc = drop_first(zl);
	if (zl->lwb == NULL)
		zl->broken = false;
	*header_of(zl->os) = (struct zil_header){.log = zl->lwb != NULL ? zl->lwb->bp : zl->next};
	return (rc);
}

int
chain_destroy(struct zilog *zl)
{
	int rc = 0;

	while (rc == 0 && zl->lwb != NULL)
		rc = drop_first(zl);
	if (rc == 0 && zl->has_log)
		rc = block_free(zl, &zl->next);
	if (zl->has_log)
		objset_zil_clear(zl->os);
	zl->has_log = zl->broken = false;
	return (rc);
}
