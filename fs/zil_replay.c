/* SPDX-License-Identifier: MIT */
/*
 * Replay: the records of a claimed log become changes of the head, in the order of the log.
 *
 * Each applied record moves replay_seq in the header, which lies in the same root block as all that
 * the record changed: both are in one txg, or neither is.  So a crash during the replay goes on where
 * the last durable txg stopped.  A long log is cut into several txgs by the amount of dirty data.
 * At the end the log's blocks are freed and the header is zeroed, in the open txg as well.
 *
 * A record may turn out not to be applicable: its object is gone again (fine, skipped), or it is not
 * what our writer or OpenZFS would have written.  Then the rest is dropped, as if the chain had ended
 * there, and the caller is told; an I/O error or lack of memory leaves the log for another try.
 */
#include <errno.h>
#include <stdlib.h>

#include "smartbox/fs/zio.h"
#include "zil_impl.h"

#define VOLUME_DATA 1

struct replay {
	struct objset *os;
	struct zil_header *header;
	zil_apply_fn *fn;
	void *arg;
	struct zil_replayed *st;
	struct err *e;
};

static struct zil_header *
header_of(struct objset *os)
{
	return ((struct zil_header *)(void *)os->phys.zil);
}

bool
zil_needs_replay(struct dsl_dataset *ds)
{
	struct objset *os;

	if (dsl_is_snapshot(ds) || dsl_objset(ds, &os) != 0 || os->zil != NULL)
		return (false);
	return (!bp_is_hole(&header_of(os)->log) && (header_of(os)->flags & ZIL_REPLAY_NEEDED));
}

/* The block a write points at, or NULL: a hole, or its data is in the record. */
static int
read_data(struct spa *spa, const struct zil_record *r, void **block)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)r;
	int rc;

	*block = NULL;
	if (zil_record_type(r) != TX_WRITE || r->len > sizeof(*w) || bp_is_hole(&w->bp))
		return (0);
	if (bp_is_embedded(&w->bp) || bp_verify(&w->bp, (unsigned)spa->root->nchild) != 0)
		return (-EILSEQ);
	if ((*block = malloc(bp_lsize(&w->bp))) == NULL)
		return (-ENOMEM);
	rc = zio_read(spa, &w->bp, *block);
	return (rc == -EIO ? -EILSEQ : rc); /* the claim could read it; it will not come back */
}

static int
apply(struct replay *rp, const struct zil_record *r)
{
	struct spa *spa = rp->os->spa;
	void *block = NULL;
	int rc;

	if ((rc = zil_record_check(r)) == 0 && (rc = read_data(spa, r, &block)) == 0)
		rc = rp->fn(rp->arg, r, block);
	/* What is freed counts again after some txgs. */
	for (int tries = 0; (rc == -ENOSPC || rc == -EDQUOT) && tries < 3; tries++)
		if ((rc = spa_sync_force(spa, rp->e)) == 0)
			rc = rp->fn(rp->arg, r, block);
	free(block);
	return (rc);
}

/* Not the log's fault, and perhaps not so the next time. */
static bool
may_pass(int rc)
{
	return (rc == -EIO || rc == -ENOMEM || rc == -EROFS);
}

static int
replay_record(void *arg, const struct zil_record *r, const uint8_t *block)
{
	struct replay *rp = arg;
	struct spa *spa = rp->os->spa;
	int rc;

	(void)block;
	if (r->seq <= rp->header->replay_seq || r->txg < rp->header->claim_txg)
		return (0);
	if ((rc = apply(rp, r)) < 0) {
		if (may_pass(rc))
			return (rc);
		rp->st->failed = rc;
		rp->st->failed_type = zil_record_type(r);
		return (1);
	}
	*(rc == 0 ? &rp->st->records : &rp->st->skipped) += 1;
	rp->header->replay_seq = r->seq;
	objset_dirty_phys(rp->os);
	return (spa_dirty_bytes(spa) > DMU_DIRTY_LIMIT ? spa_sync(spa, rp->e) : 0);
}

int
zil_replay(struct dsl_dataset *ds, zil_apply_fn *fn, void *arg, struct zil_replayed *st, struct err *e)
{
	struct replay rp = {.fn = fn, .arg = arg, .st = st, .e = e};
	struct zil_walker w = {.record = replay_record, .arg = &rp, .limited = true};
	int rc;

	*st = (struct zil_replayed){0};
	if ((rc = dsl_objset(ds, &rp.os)) != 0)
		return (err_rc(e, rc, "the intent log cannot be read"));
	if (rp.os->replaying)
		return (err_set(e, EBUSY, "the intent log is being replayed"));
	rp.header = header_of(rp.os);
	w.spa = rp.os->spa;
	w.blk_limit = rp.header->claim_blk_seq;
	w.lr_limit = rp.header->flags & ZIL_CLAIM_SEQ_VALID ? rp.header->claim_lr_seq : UINT64_MAX;
	rp.os->replaying = true;
	rc = zil_needs_replay(ds) ? zil_walk_chain(&w, &rp.header->log) : 0;
	rp.os->replaying = false;
	if (rc != 0)
		return (err_rc(e, rc, "the intent log cannot be replayed"));
	return (err_rc(e, zil_destroy(rp.os), "the intent log cannot be freed"));
}

/* --- volumes ------------------------------------------------------------------------------------ */

static int
volume_write(struct objset *os, const struct lr_write *w, const void *block)
{
	uint64_t off = w->off, len = w->len;

	if (w->h.len > sizeof(*w))
		return (dmu_write(os, VOLUME_DATA, off, len, w + 1));
	if (block == NULL)
		return (dmu_free_range(os, VOLUME_DATA, off, len));
	if (len < bp_lsize(&w->bp)) {
		len = bp_lsize(&w->bp);
		off -= off % len;
	} else if (len > bp_lsize(&w->bp)) {
		return (-EILSEQ);
	}
	return (dmu_write(os, VOLUME_DATA, off, len, block));
}

static int
volume_apply(void *arg, const struct zil_record *r, const void *block)
{
	const struct lr_truncate *t = (const struct lr_truncate *)(const void *)r;
	struct objset *os = arg;

	switch (zil_record_type(r)) {
	case TX_WRITE:
		return (volume_write(os, (const void *)r, block));
	case TX_TRUNCATE:
		return (dmu_free_range(os, VOLUME_DATA, t->off, t->len));
	case TX_WRITE2:
		return (1);
	default:
		return (-ENOTSUP);
	}
}

int
zil_replay_volume(struct dsl_dataset *ds, struct zil_replayed *st, struct err *e)
{
	struct objset *os;
	int rc = dsl_objset(ds, &os);

	if (rc != 0)
		return (err_rc(e, rc, "the volume cannot be opened"));
	return (zil_replay(ds, volume_apply, os, st, e));
}
