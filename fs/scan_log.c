/* SPDX-License-Identifier: MIT */
/*
 * The part of a scan that concerns intent logs.
 *
 * The log of a head that is in use changes with every commit, and its blocks live for a txg or two: it
 * is not scanned, as a txg that is not durable is not. But a log that was claimed by an import and waits for
 * its replay (its head is not mounted) may wait for years. Its blocks have their checksum inside, with the
 * place in the chain, and are known by nobody but the block before; so they are walked in order, each is read from
 * whatever has it, and the rest is brought up to that. What records point at are ordinary blocks.
 */
#include <errno.h>
#include <stdlib.h>

#include "scrub_impl.h"
#include "smartbox/fs/vdev.h"
#include "zil_impl.h"

struct log_scan {
	struct spa *spa;
	struct scrub *s;
	uint64_t claim_txg;
	int (*data)(void *arg, const struct blkptr *bp);
	void *arg;
	uint8_t *buf;
	int rc; /* an error that ends the scan, or 0 */
};

static bool
is_of_scan(const struct log_scan *l, const struct blkptr *bp)
{
	return (bp_birth(bp) > l->s->min_txg && bp_birth(bp) <= l->s->max_txg);
}

/* 1: the chain ends before this one. */
static int
scan_block(void *arg, const struct blkptr *bp)
{
	struct log_scan *l = arg;

	if (zil_block_read(l->spa, bp, l->buf) != 0)
		return (1);
	for (int i = 0, n = is_of_scan(l, bp) ? bp_copies(bp) : 0; i < n; i++) {
		struct dva d = bp_dva(bp, i);
		struct vdev_scan v = {.good = l->buf, .len = bp_lsize(bp), .off = d.offset,
		    .birth = bp_physical_birth(bp), .compare = l->s->stat.func == SCAN_SCRUB,
		    .repair = true};

		if ((l->rc = vdev_scan(vdev_top(l->spa->root, d.vdev), &v)) != 0)
			return (l->rc);
		l->s->stat.repaired += (uint64_t)v.repaired * v.len + v.written;
	}
	l->s->stat.examined += bp_asize(bp);
	return (0);
}

static int
scan_record(void *arg, const struct zil_record *r, const uint8_t *block)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)r;
	struct log_scan *l = arg;

	(void)block;
	if (zil_record_check(r) != 0)
		return (1);
	if (zil_record_type(r) != TX_WRITE || r->len != sizeof(*w) || bp_is_hole(&w->bp) ||
	    bp_birth(&w->bp) < l->claim_txg || !is_of_scan(l, &w->bp))
		return (0);
	l->rc = l->data(l->arg, &w->bp);
	return (l->rc);
}

int
scan_walk_log(struct spa *spa, struct scrub *s, const uint8_t *header,
    int (*data)(void *arg, const struct blkptr *bp), void *arg)
{
	const struct zil_header *h = (const struct zil_header *)(const void *)header;
	struct log_scan l = {.spa = spa, .s = s, .claim_txg = h->claim_txg, .data = data, .arg = arg};
	struct zil_walker w = {.spa = spa, .block = scan_block, .record = scan_record, .arg = &l,
	    .limited = true, .blk_limit = h->claim_blk_seq, .lr_limit = UINT64_MAX};
	int rc;

	if (h->claim_txg == 0)
		return (0);
	if (h->flags & ZIL_CLAIM_SEQ_VALID)
		w.lr_limit = h->claim_lr_seq;
	if ((l.buf = malloc(ZIL_BLOCK_MAX)) == NULL)
		return (-ENOMEM);
	rc = zil_walk_chain(&w, &h->log);
	free(l.buf);
	return (l.rc != 0 ? l.rc : rc == -ENOMEM ? rc : 0);
}
