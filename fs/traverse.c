/* SPDX-License-Identifier: MIT */
/*
 * traverse: every block of an objset that is younger than a txg, bottom up.
 *
 * A block's birth is never older than the births of the blocks below it at the time when it was
 * written: a subtree whose top is old is old altogether and is not read.  So the cost is the number
 * of blocks that changed.  Memory: one block per level of the meta dnode and one per level of one object.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/zio.h"

struct walk {
	struct spa *spa;
	uint64_t min_txg;
	bool skip_bad;
	dmu_visit_fn *fn;
	void *arg;
	const struct dnode_phys *meta; /* its data are dnodes; no other's are, whatever it calls itself */
};

struct place {
	const struct dnode_phys *dn;
	uint64_t obj;
	int level;
	uint64_t blkid;
};

static int walk_block(const struct walk *w, const struct place *at, const struct blkptr *bp);

static bool
is_wanted(const struct walk *w, const struct blkptr *bp)
{
	return (!bp_is_hole(bp) && bp_birth(bp) > w->min_txg);
}

/* The block's bytes, malloc'ed; *buf NULL when it is bad and that is to be ignored. */
static int
read_block(const struct walk *w, const struct blkptr *bp, uint32_t want, void **buf)
{
	int rc = bp_lsize(bp) != want ? -EILSEQ : !bp_is_little(bp) ? -ENOTSUP : 0;

	*buf = NULL;
	if (rc == 0) {
		if ((*buf = malloc(want)) == NULL)
			return (-ENOMEM);
		rc = zio_read(w->spa, bp, *buf);
	}
	if (rc != 0) {
		free(*buf);
		*buf = NULL;
	}
	return (rc != 0 && w->skip_bad ? 0 : rc);
}

static int
walk_dnode(const struct walk *w, const struct dnode_phys *p, uint64_t obj)
{
	struct place at = {p, obj, p->levels - 1, 0};
	const struct blkptr *spill;
	int rc = 0;

	for (; at.blkid < p->nblkptr && rc == 0; at.blkid++)
		rc = walk_block(w, &at, &p->bp[at.blkid]);
	if (rc != 0 || !(p->flags & DN_SPILL))
		return (rc);
	spill = dnode_spill_bp((struct dnode_phys *)p);
	return (is_wanted(w, spill) ? w->fn(spill, obj, LEVEL_SPILL, 0, w->arg) : 0);
}

static int
walk_dnode_block(const struct walk *w, const uint8_t *buf, uint32_t size, uint64_t first)
{
	unsigned n = size >> DNODE_SHIFT, i;
	const struct dnode_phys *p;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i += p->type != OT_NONE ? 1u + p->extra_slots : 1) {
		p = (const struct dnode_phys *)(buf + (size_t)i * DNODE_BYTES);
		if (p->type == OT_NONE)
			continue;
		if (!dnode_phys_is_sane(p, n - i))
			return (w->skip_bad ? 0 : -EILSEQ);
		rc = walk_dnode(w, p, first + i);
	}
	return (rc);
}

static int
walk_indirect(const struct walk *w, const struct place *at, const struct blkptr *bps, size_t n)
{
	struct place child = {at->dn, at->obj, at->level - 1, at->blkid * n};
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++, child.blkid++)
		rc = walk_block(w, &child, &bps[i]);
	return (rc);
}

static int
walk_below(const struct walk *w, const struct place *at, const struct blkptr *bp)
{
	uint32_t size = at->level > 0 ? 1u << at->dn->indirect_shift
				      : (uint32_t)at->dn->block_sectors << SECTOR_SHIFT;
	void *buf;
	int rc = read_block(w, bp, size, &buf);

	if (rc != 0 || buf == NULL)
		return (rc);
	if (at->level > 0)
		rc = walk_indirect(w, at, buf, size / sizeof(struct blkptr));
	else
		rc = walk_dnode_block(w, buf, size, at->blkid * (size >> DNODE_SHIFT));
	free(buf);
	return (rc);
}

static int
walk_block(const struct walk *w, const struct place *at, const struct blkptr *bp)
{
	int rc = 0;

	if (!is_wanted(w, bp))
		return (0);
	if (at->level > 0 || at->dn == w->meta)
		rc = walk_below(w, at, bp);
	return (rc != 0 ? rc : w->fn(bp, at->obj, at->level, at->blkid, w->arg));
}

static int
walk_root(const struct walk *w, const struct objset_phys *phys)
{
	const struct dnode_phys *special[] = {&phys->userused, &phys->groupused, &phys->projectused};
	int rc = dnode_phys_is_sane(&phys->meta, 1) ? walk_dnode(w, &phys->meta, META_OBJECT)
						    : -EILSEQ;
	unsigned i;

	for (i = 0; i < 3 && rc == 0; i++) {
		if (special[i]->type == OT_NONE)
			continue;
		if (!dnode_phys_is_sane(special[i], 1))
			return (-EILSEQ);
		rc = walk_dnode(w, special[i], USERUSED_OBJECT - i);
	}
	return (rc == -EILSEQ && w->skip_bad ? 0 : rc);
}

int
dmu_traverse(struct spa *spa, const struct blkptr *root, uint64_t min_txg, bool skip_bad,
    dmu_visit_fn *fn, void *arg)
{
	struct walk w = {spa, min_txg, skip_bad, fn, arg, NULL};
	struct objset_phys *phys;
	int rc;

	if (!is_wanted(&w, root))
		return (0);
	if (bp_type(root) != OT_OBJSET || bp_lsize(root) < 1024 || bp_lsize(root) > sizeof(*phys))
		return (-EILSEQ);
	if ((phys = calloc(1, sizeof(*phys))) == NULL)
		return (-ENOMEM);
	w.meta = &phys->meta;
	rc = zio_read(spa, root, phys);
	if (rc == 0)
		rc = walk_root(&w, phys);
	else if (skip_bad)
		rc = 0;
	free(phys);
	return (rc != 0 ? rc : fn(root, META_OBJECT, -1, 0, arg));
}
