/* SPDX-License-Identifier: MIT */
/*
 * Logs after a crash: walking a chain, claiming its blocks, giving them back.
 *
 * Log blocks, and the data blocks that records point at, that were allocated after the last durable txg
 * are in no space map.  So the first thing that a writable import does is to walk all chains and take
 * such blocks from the free space (claim), in its first txg, before anything else is allocated.  How
 * far it came is written into the header: a later walk must not go further, even if it could (a device
 * came back), because what is behind was never claimed.
 *
 *	header.claim_txg 0       records may wait; the import claims (and a read-only one leaves it so)
 *	claim_txg, REPLAY_NEEDED replayed by whoever opens the head next (fs/zil_replay.c)
 *	no flag                  a chain of nothing: freed by whoever opens the head next
 *	all zero                 no log
 *
 * The chain ends where a block cannot be read, has the wrong checksum or sequence number, or is followed
 * by nothing; where a record is malformed; where a block cannot be claimed because it is in use.  All
 * of these are what a crash leaves behind, none is an error.
 *
 * A pool that was exported has no records: its logs ended with the mounts.  They are not walked then,
 * which keeps the import of many datasets quick.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/compress.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/vdev.h"
#include "zil_impl.h"
#include "zio_impl.h"

#define GANG_BYTES 512u
#define GANG_CHILDREN 3
#define GANG_DEPTH 8

static struct zil_header *
header_of(struct objset *os)
{
	return ((struct zil_header *)(void *)os->phys.zil);
}

/* --- walking ------------------------------------------------------------------------------------ */

static bool
is_log_pointer(const struct spa *spa, const struct blkptr *bp)
{
	return (!bp_is_hole(bp) && !bp_is_embedded(bp) &&
	    bp_verify(bp, (unsigned)spa->root->nchild) == 0 && bp_type(bp) == OT_INTENT_LOG &&
	    bp_level(bp) == 0 && bp_checksum(bp) == CK_ZILOG2 && bp_compress(bp) == COMP_OFF &&
	    bp_lsize(bp) >= ZIL_BLOCK_MIN && bp_lsize(bp) <= ZIL_BLOCK_MAX &&
	    bp_lsize(bp) % ZIL_BLOCK_MIN == 0 && !bp_dva(bp, 0).gang && bp_is_little(bp));
}

/* From any copy and side whose content is that block. */
int
zil_block_read(struct spa *spa, const struct blkptr *bp, uint8_t *buf)
{
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);
		struct vdev *top = vdev_top(spa->root, d.vdev);

		for (unsigned copy = 0; top != NULL && copy < vdev_copies(top); copy++)
			if (vdev_read(top, buf, bp_lsize(bp), d.offset, copy, 0) == 0 &&
			    zil_block_check(buf, bp) == 0)
				return (0);
	}
	return (-EILSEQ);
}

/* 0: go on with the next block; 1: the end. */
static int
walk_records(struct zil_walker *w, const uint8_t *block)
{
	const struct zil_record *r;
	uint32_t off = 0;
	int rc;

	while ((r = zil_block_record(block, &off)) != NULL) {
		if ((w->limited && r->seq > w->lr_limit) || r->seq <= w->last_lr_seq)
			return (1);
		if (w->record != NULL && (rc = w->record(w->arg, r, block)) != 0)
			return (rc);
		w->last_lr_seq = r->seq;
		w->records++;
	}
	return (off < ((const struct zil_chain *)(const void *)block)->used);
}

int
zil_walk_chain(struct zil_walker *w, const struct blkptr *first)
{
	uint8_t *buf = malloc(ZIL_BLOCK_MAX);
	struct blkptr bp = *first;
	int rc = buf == NULL ? -ENOMEM : 0;

	while (rc == 0 && is_log_pointer(w->spa, &bp)) {
		if (w->limited && bp.w[15] > w->blk_limit)
			break;
		if (w->block != NULL && (rc = w->block(w->arg, &bp)) != 0)
			break;
		w->last_blk_seq = bp.w[15];
		w->blocks++;
		if (zil_block_read(w->spa, &bp, buf) != 0)
			break;
		rc = walk_records(w, buf);
		bp = ((const struct zil_chain *)(const void *)buf)->next;
	}
	free(buf);
	return (rc > 0 ? 0 : rc);
}

static int
visit_block(void *arg, const struct blkptr *bp)
{
	const struct zil_visit *v = arg;

	return (v->block != NULL ? v->block(v->arg, bp) : 0);
}

static int
visit_record(void *arg, const struct zil_record *r, const uint8_t *block)
{
	const struct zil_visit *v = arg;

	(void)block;
	return (v->record != NULL ? v->record(v->arg, r) : 0);
}

int
zil_walk(struct objset *os, const struct zil_visit *v)
{
	const struct zil_header *h = header_of(os);
	struct zil_walker w = {.spa = os->spa, .block = visit_block, .record = visit_record,
	    .arg = (void *)(uintptr_t)v, .limited = h->claim_txg != 0,
	    .blk_limit = h->claim_blk_seq, .lr_limit = h->claim_lr_seq};

	if (!(h->flags & ZIL_CLAIM_SEQ_VALID))
		w.lr_limit = UINT64_MAX;
	return (zil_walk_chain(&w, &h->log));
}

/* --- a set of addresses ------------------------------------------------------------------------- */

static size_t
dva_hash(const struct dva_set *s, uint64_t vdev, uint64_t off)
{
	return ((size_t)(((off >> SECTOR_SHIFT) * 0x9e3779b97f4a7c15ULL) ^ vdev) & (s->cap - 1));
}

static void
dva_put(struct dva_set *s, uint64_t vdev, uint64_t off)
{
	size_t i = dva_hash(s, vdev, off);

	while (s->v[i][0] != 0)
		i = (i + 1) & (s->cap - 1);
	s->v[i][0] = vdev + 1;
	s->v[i][1] = off;
	s->n++;
}

static int
dva_grow(struct dva_set *s)
{
	struct dva_set old = *s;

	s->cap = old.cap != 0 ? 2 * old.cap : 64;
	s->n = 0;
	if ((s->v = calloc(s->cap, sizeof(*s->v))) == NULL) {
		*s = old;
		return (-ENOMEM);
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i][0] != 0)
			dva_put(s, old.v[i][0] - 1, old.v[i][1]);
	free(old.v);
	return (0);
}

int
dva_set_add(struct dva_set *s, const struct blkptr *bp)
{
	struct dva d = bp_dva(bp, 0);

	if (2 * s->n >= s->cap && dva_grow(s) != 0)
		return (-ENOMEM);
	for (size_t i = dva_hash(s, d.vdev, d.offset); s->v[i][0] != 0; i = (i + 1) & (s->cap - 1))
		if (s->v[i][0] == d.vdev + 1ULL && s->v[i][1] == d.offset)
			return (0);
	dva_put(s, d.vdev, d.offset);
	return (1);
}

void
dva_set_free(struct dva_set *s)
{
	free(s->v);
	*s = (struct dva_set){NULL, 0, 0};
}

/* --- claiming ----------------------------------------------------------------------------------- */

struct claim {
	struct spa *spa;
	uint64_t first_txg;
	struct dva_set seen;
};

static int claim_bp(struct claim *c, const struct blkptr *bp, int depth);

static int
claim_gang_children(struct claim *c, const struct blkptr *bp, int depth)
{
	struct blkptr child[GANG_CHILDREN];
	int rc = depth > 0 ? zio_gang_children(c->spa, bp, child) : -EILSEQ;

	for (int i = 0; i < GANG_CHILDREN && rc == 0; i++)
		if (!bp_is_hole(&child[i]))
			rc = claim_bp(c, &child[i], depth - 1);
	return (rc);
}

static int
claim_bp(struct claim *c, const struct blkptr *bp, int depth)
{
	int rc;

	if (bp_is_embedded(bp) || bp_verify(bp, (unsigned)c->spa->root->nchild) != 0)
		return (-EILSEQ);
	rc = bp_dva(bp, 0).gang ? claim_gang_children(c, bp, depth) : 0;
	for (int i = 0, n = bp_copies(bp); i < n && rc == 0; i++) {
		struct dva d = bp_dva(bp, i);

		if (d.gang)
			d.asize_sectors = (uint32_t)(vdev_asize_of(vdev_top(c->spa->root, d.vdev),
			    GANG_BYTES) >> SECTOR_SHIFT);
		d.gang = false;
		rc = metaslab_claim(c->spa, &d, spa_open_txg(c->spa));
	}
	return (rc);
}

/* 0; -ENOMEM ends the import, anything else the chain. */
static int
claim_once(struct claim *c, const struct blkptr *bp)
{
	int rc;

	if (bp_physical_birth(bp) < c->first_txg)
		return (0);
	if ((rc = dva_set_add(&c->seen, bp)) <= 0)
		return (rc);
	rc = claim_bp(c, bp, GANG_DEPTH);
	return (rc == 0 || rc == -ENOMEM ? rc : 1);
}

static int
claim_block(void *arg, const struct blkptr *bp)
{
	return (claim_once(arg, bp));
}

/* Is the data there that a record points at?  If not, it was never acknowledged. */
static bool
data_is_readable(struct spa *spa, const struct blkptr *bp)
{
	uint8_t *buf = malloc(bp_lsize(bp));
	int rc = buf == NULL ? -ENOMEM : bp_is_encrypted(bp) ? zio_read_raw(spa, bp, buf) :
	    zio_read(spa, bp, buf);

	free(buf);
	return (rc == 0);
}

static bool
has_pointer(const struct zil_record *r)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)r;

	return (zil_record_type(r) == TX_WRITE && r->len == sizeof(*w) && !bp_is_hole(&w->bp));
}

static int
claim_record(void *arg, const struct zil_record *r, const uint8_t *block)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)r;
	struct claim *c = arg;

	(void)block;
	/* Types of newer writers have no blocks of their own that we know of: replay stops there. */
	if (zil_record_check(r) == -EILSEQ)
		return (1);
	if (!has_pointer(r) || bp_physical_birth(&w->bp) < c->first_txg)
		return (0);
	if (bp_is_embedded(&w->bp) || bp_verify(&w->bp, (unsigned)c->spa->root->nchild) != 0 ||
	    !data_is_readable(c->spa, &w->bp))
		return (1);
	return (claim_once(c, &w->bp));
}

/* After a rewind only what is as old as the checkpoint is where it was. */
static int
free_old_block(void *arg, const struct blkptr *bp)
{
	struct spa *spa = arg;

	if (bp_physical_birth(bp) > spa->rewound_txg)
		return (1);
	(void)zil_free_bp(spa, bp);
	return (0);
}

/* A log whose device is gone (import -m) has no records any more; its blocks went with the device. */
static void
forget_log(struct objset *os)
{
	objset_zil_clear(os);
}

static int
claim_head(struct claim *c, struct objset *os)
{
	struct zil_header *h = header_of(os);
	struct zil_walker w = {.spa = c->spa, .block = claim_block, .record = claim_record, .arg = c};
	int rc;

	if (bp_is_hole(&h->log) || h->claim_txg != 0)
		return (0);
	if (c->spa->rewound_txg != 0) {
		struct zil_walker old = {.spa = c->spa, .block = free_old_block, .arg = c->spa};

		(void)zil_walk_chain(&old, &h->log);
	}
	if (c->spa->log_missing || c->spa->rewound_txg != 0) {
		forget_log(os);
		return (0);
	}
	if ((rc = zil_walk_chain(&w, &h->log)) != 0)
		return (rc);
	h->claim_txg = c->first_txg;
	h->claim_blk_seq = w.last_blk_seq;
	h->claim_lr_seq = w.last_lr_seq;
	h->flags = ZIL_CLAIM_SEQ_VALID | (w.records > 0 || w.blocks > 1 ? ZIL_REPLAY_NEEDED : 0);
	objset_dirty_phys(os);
	return (0);
}

/* Of a head whose root was seen to have a log. */
static int
claim_object(struct claim *c, uint64_t obj)
{
	struct dsl_dataset *ds;
	struct objset *os;
	int rc = ds_hold_obj(c->spa->dsl, obj, &ds);

	if (rc != 0)
		return (rc);
	if ((rc = dsl_objset(ds, &os)) == 0)
		rc = claim_head(c, os);
	dsl_rele(ds);
	return (rc);
}

/* Does the root block of this dataset say that there is a log?  Snapshots' logs are their heads'. */
static int
has_log(struct spa *spa, const struct dsl_dataset_phys *p)
{
	struct objset_phys *phys;
	struct zil_header h;
	int rc;

	if (p->next_snap_obj != 0 || p->snapnames_zap == 0 || bp_is_hole(&p->bp) ||
	    bp_is_embedded(&p->bp) || bp_lsize(&p->bp) < 1024 || bp_lsize(&p->bp) > sizeof(*phys))
		return (0);
	if ((phys = calloc(1, sizeof(*phys))) == NULL)
		return (-ENOMEM);
	rc = zio_read(spa, &p->bp, phys);
	memcpy(&h, phys->zil, sizeof(h));
	free(phys);
	/* Damage is found by who opens it. */
	return (rc == 0 && !bp_is_hole(&h.log));
}

static int
object_has_log(struct spa *spa, uint64_t obj)
{
	struct dmu_info info;
	struct dbuf *bonus;
	int rc = dmu_object_info(spa->mos, obj, &info);

	if (rc != 0 || info.bonus_type != OT_DSL_DATASET)
		return (rc);
	if ((rc = dmu_bonus_hold(spa->mos, obj, &bonus)) != 0)
		return (rc);
	if (dbuf_size(bonus) >= sizeof(struct dsl_dataset_phys))
		rc = has_log(spa, dbuf_data(bonus));
	dbuf_rele(bonus);
	return (rc);
}

int
zil_claim_all(struct spa *spa, struct err *e)
{
	struct claim c = {.spa = spa, .first_txg = spa_open_txg(spa)};
	uint64_t obj = 0;
	int rc;

	while ((rc = dmu_object_next(spa->mos, &obj)) == 0) {
		if ((rc = object_has_log(spa, obj)) > 0)
			rc = claim_object(&c, obj);
		/* What cannot be opened cannot be changed either: its log waits. */
		if (rc == -ENOMEM)
			break;
	}
	dva_set_free(&c.seen);
	return (rc == -ESRCH ? 0 : err_rc(e, rc, "claiming the blocks of intent logs"));
}

/* --- giving back -------------------------------------------------------------------------------- */

int
zil_free_bp(struct spa *spa, const struct blkptr *bp)
{
	int rc = 0;

	for (int i = 0, n = bp_copies(bp); i < n && rc == 0; i++) {
		struct dva d = bp_dva(bp, i);

		rc = bp_physical_birth(bp) <= spa->checkpoint_txg ? metaslab_keep(spa, &d) :
		    metaslab_free(spa, &d, spa_open_txg(spa));
	}
	return (rc);
}

struct release {
	struct spa *spa;
	uint64_t claim_txg;
	struct dva_set seen;
};

static int
release_block(void *arg, const struct blkptr *bp)
{
	struct release *f = arg;
	int rc = dva_set_add(&f->seen, bp);

	/* Space that is free already is left alone: the walk goes on for the rest. */
	if (rc > 0)
		(void)zil_free_bp(f->spa, bp);
	return (rc < 0 ? rc : 0);
}

/* What the claim took.  A block that is older belongs to the file. */
static int
release_record(void *arg, const struct zil_record *r, const uint8_t *block)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)r;
	struct release *f = arg;
	int rc;

	(void)block;
	if (f->claim_txg == 0 || zil_record_check(r) != 0 || !has_pointer(r) ||
	    bp_physical_birth(&w->bp) < f->claim_txg)
		return (0);
	if ((rc = dva_set_add(&f->seen, &w->bp)) > 0)
		(void)zio_free(f->spa, &w->bp, spa_open_txg(f->spa));
	return (rc < 0 ? rc : 0);
}

int
zil_free_log(struct objset *os)
{
	const struct zil_header *h = header_of(os);
	struct release f = {.spa = os->spa, .claim_txg = h->claim_txg};
	struct zil_walker w = {.spa = os->spa, .block = release_block, .record = release_record,
	    .arg = &f, .limited = h->claim_txg != 0, .blk_limit = h->claim_blk_seq,
	    .lr_limit = h->flags & ZIL_CLAIM_SEQ_VALID ? h->claim_lr_seq : UINT64_MAX};
	int rc = zil_walk_chain(&w, &h->log);

	dva_set_free(&f.seen);
	return (rc);
}

int
zil_destroy(struct objset *os)
{
	static const struct zil_header none;
	int rc;

	if (memcmp(header_of(os), &none, sizeof(none)) == 0)
		return (0);
	if ((rc = zil_free_log(os)) == 0)
		objset_zil_clear(os);
	return (rc);
}
