/* SPDX-License-Identifier: MIT */
/* Is exactly what is reachable allocated? The leak check of the crash tests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fs/bpobj.h"
#include "../../fs/metaslab_impl.h"
#include "../../fs/zil_impl.h"
#include "../../fs/remap.h"
#include "pool_model.h"
#include "pool_rig.h"
#include "smartbox/fs/zap.h"

struct reached {
	struct spa *spa;
	struct range_tree used[TOPS_MAX];
	char *why;
	size_t size;
};

static int reach_range(struct reached *r, uint64_t vdev, uint64_t off, uint64_t len);

static int
reach_moved(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	return (reach_range(arg, en->dst_vdev, en->dst + (off - en->src), len));
}

/* What was moved is where it was moved to; until a removal ends it is also where it was. */
static int
reach_range(struct reached *r, uint64_t vdev, uint64_t off, uint64_t len)
{
	const struct vdev *top = vdev_top(r->spa->root, vdev);
	uint64_t end = top != NULL && top->remap != NULL ? remap_end(top->remap) : 0;
	int rc = top == NULL || vdev >= TOPS_MAX ? -EILSEQ : 0;

	if (rc == 0 && top->kind != VDEV_INDIRECT) {
		rc = range_add(&r->used[vdev], off, len);
		if (rc == -EEXIST && range_contains(&r->used[vdev], off, len))
			rc = 0;
	}
	if (rc == 0 && off < end)
		rc = remap_each(top->remap, off, len < end - off ? len : end - off, reach_moved, r);
	return (rc);
}

/* Snapshots share blocks: what was met before must be exactly there. */
static int
reach(struct reached *r, const struct blkptr *bp)
{
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);
		int rc = reach_range(r, d.vdev, d.offset, (uint64_t)d.asize_sectors << SECTOR_SHIFT);

		if (rc != 0) {
			(void)snprintf(r->why, r->size, "block at %llu overlaps another (%d)",
			    (unsigned long long)d.offset, rc);
			return (rc);
		}
	}
	return (0);
}

static int
visit(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	(void)obj;
	(void)level;
	(void)blkid;
	return (reach(arg, bp));
}

static int
visit_listed(const struct blkptr *bp, void *arg)
{
	return (reach(arg, bp));
}

struct log_reach {
	struct reached *r;
	uint64_t claim_txg, synced;
};

/* What is in a space map: all that was claimed, or was allocated in a txg that is durable. */
static int
visit_log(void *arg, const struct blkptr *bp)
{
	struct log_reach *l = arg;

	return (l->claim_txg != 0 || bp_birth(bp) <= l->synced ? reach(l->r, bp) : 0);
}

static int
visit_log_record(void *arg, const struct zil_record *rec)
{
	const struct lr_write *w = (const struct lr_write *)(const void *)rec;
	struct log_reach *l = arg;

	if (l->claim_txg == 0 || zil_record_type(rec) != TX_WRITE || rec->len != sizeof(*w) ||
	    bp_is_hole(&w->bp) || bp_birth(&w->bp) < l->claim_txg)
		return (0);
	return (reach(l->r, &w->bp));
}

/* The blocks of a head's intent log. */
static int
reach_log(struct spa *spa, const struct blkptr *root, struct reached *r)
{
	struct log_reach l = {r, 0, spa_synced_txg(spa)};
	const struct zil_visit v = {visit_log, visit_log_record, &l};
	struct objset *os;
	int rc = objset_open(spa, root, NULL, NULL, &os);

	if (rc != 0)
		return (rc);
	l.claim_txg = ((const struct zil_header *)objset_zil_header(os))->claim_txg;
	rc = zil_walk(os, &v);
	objset_close(os);
	return (rc);
}

static int
reach_dataset(struct spa *spa, uint64_t obj, struct reached *r)
{
	struct dsl_dataset_phys p;
	struct blkptr bp;
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(spa->mos, obj, &bonus);

	if (rc != 0)
		return (rc);
	memcpy(&p, dbuf_data(bonus), sizeof(p));
	dbuf_rele(bonus);
	bp = p.bp;
	if (bp_is_hole(&bp))
		return (0);
	rc = dmu_traverse(spa, &bp, 0, false, visit, r);
	return (rc == 0 && p.next_snap_obj == 0 ? reach_log(spa, &bp, r) : rc);
}

static int
reach_all(struct spa *spa, struct reached *r)
{
	uint64_t obj = 0, list;
	int rc = dmu_traverse(spa, &spa->ub.rootbp, 0, false, visit, r);

	while (rc == 0 && (rc = dmu_object_next(spa->mos, &obj)) == 0) {
		struct dmu_info info;

		if ((rc = dmu_object_info(spa->mos, obj, &info)) == 0 &&
		    info.bonus_type == OT_DSL_DATASET)
			rc = reach_dataset(spa, obj, r);
	}
	if (rc == -ESRCH)
		rc = zap_lookup(spa->mos, MOS_DIRECTORY, "free_bpobj", 8, 1, &list);
	if (rc == 0)
		rc = bpobj_walk(spa, list, visit_listed, r);
	if (rc != 0 && r->why[0] == '\0')
		(void)snprintf(r->why, r->size, "traversal: %d", rc);
	return (rc);
}

struct overlap {
	const struct range_tree *used;
	uint64_t start, found;
};

static int
check_free(void *arg, uint64_t off, uint64_t size)
{
	struct overlap *o = arg;

	if (!range_overlaps(o->used, o->start + off, size))
		return (0);
	o->found = o->start + off;
	return (1);
}

/* What only the checkpoint keeps is allocated, and reached by nobody else. */
static int
add_kept(void *arg, const struct space_entry *en)
{
	return (range_add(arg, en->off, en->len));
}

static int
compare_top(struct spa *spa, struct vdev *top, struct reached *r)
{
	uint64_t allocated = 0;
	int rc;

	if (top->mg == NULL)
		return (0);
	if (top->mg->kept.object != 0 && (rc = space_map_iterate(spa->mos, &top->mg->kept, top->ashift,
	    add_kept, &r->used[top->id])) != 0) {
		(void)snprintf(r->why, r->size, "what the checkpoint keeps is in use: %d", rc);
		return (rc);
	}
	for (size_t i = 0; i < top->mg->n; i++) {
		struct metaslab *ms = &top->mg->ms[i];
		struct overlap o = {&r->used[top->id], ms->start, 0};

		if ((rc = metaslab_load(spa, top, ms)) != 0) {
			(void)snprintf(r->why, r->size, "space map of metaslab %zu: %d", i, rc);
			return (rc);
		}
		allocated += ms->size - ms->free.bytes;
		if (range_walk(&ms->free, check_free, &o) != 0) {
			(void)snprintf(r->why, r->size, "a block in use is free, in the run at %llu",
			    (unsigned long long)o.found);
			return (-EILSEQ);
		}
	}
	if (allocated == r->used[top->id].bytes)
		return (0);
	(void)snprintf(r->why, r->size, "leak: %llu bytes allocated, %llu reachable",
	    (unsigned long long)allocated, (unsigned long long)r->used[top->id].bytes);
	return (-EILSEQ);
}

bool
pool_space_is_exact(struct spa *spa, char *why, size_t size)
{
	struct reached r = {.spa = spa, .why = why, .size = size};
	int rc;

	why[0] = '\0';
	spa_enter(spa);
	rc = reach_all(spa, &r);
	for (size_t i = 0; rc == 0 && i < spa->root->nchild && i < TOPS_MAX; i++)
		rc = compare_top(spa, spa->root->child[i], &r);
	spa_exit(spa);
	for (int i = 0; i < TOPS_MAX; i++)
		range_clear(&r.used[i]);
	return (rc == 0);
}
