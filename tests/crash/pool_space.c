/* SPDX-License-Identifier: MIT */
/* Is exactly what is reachable allocated? The leak check of the crash tests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fs/bpobj.h"
#include "../../fs/metaslab_impl.h"
#include "../../fs/zil_impl.h"
#include "pool_model.h"
#include "smartbox/fs/zap.h"

#define TOPS_MAX 4

struct reached {
	struct range_tree used[TOPS_MAX];
	char *why;
	size_t size;
};

/* Snapshots share blocks: what was met before must be exactly there. */
static int
reach(struct reached *r, const struct blkptr *bp)
{
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);
		uint64_t len = (uint64_t)d.asize_sectors << SECTOR_SHIFT;
		int rc = d.vdev < TOPS_MAX ? range_add(&r->used[d.vdev], d.offset, len) : -EILSEQ;

		if (rc == -EEXIST && range_contains(&r->used[d.vdev], d.offset, len))
			rc = 0;
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

static int
compare_top(struct spa *spa, struct vdev *top, struct reached *r)
{
	uint64_t allocated = 0;
	int rc;

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
	struct reached r = {.why = why, .size = size};
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
