/* SPDX-License-Identifier: MIT */
/*
 * objset: a set of objects with one root block pointer; opening, and writing what is dirty.
 *
 * Theory of operation
 *
 * The root block (4096 bytes) holds the meta dnode, whose data is the array of all other dnodes.
 *
 *	root bp -> root block -> meta dnode -> (indirects) -> dnode blocks
 *	                         dnode in one of them -> (indirects) -> data
 *
 * A sync writes bottom up, so that each block is written once, after everything it points at:
 *   1. every dirty object: data blocks in order, then level 1, 2, ...; the dnode gets the new bps;
 *   2. the accounting objects (fs/owners.c), then the meta dnode, the same way;
 *   3. the root block.
 * Each write tells the layer above of the block that was born and the one that it replaced.
 *
 * Invariants
 *  1. Nothing that the last durable txg reaches is overwritten.  A block is written in place only
 *     when it was born in this very txg, and only in the meta objset (`rewrite`): a dataset's block
 *     of this txg may already belong to a snapshot that was taken earlier in the same sync.
 *  2. `fill` of a data block is 1, of a dnode block the number of dnodes in it, of an indirect
 *     block the sum over its entries, of a hole 0; dnode.used is the sum
 *     of dsize over the blocks of its tree and spill.
 *  3. A failed write leaves the objset inconsistent in memory only: the caller suspends the pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zio.h"

#define COMPRESS_OFF 2
#define CHECKSUM_FLETCHER4 7
#define CHECKSUM_SHA256 8
#define WRITE_BATCH 64
#define SHARE_BYTES (64u << 10) /* less is not worth waking another thread */

/* --- opening ---------------------------------------------------------------------------------- */

static void
attach_phys(struct objset *os)
{
	dnode_init(&os->meta, os, META_OBJECT, &os->phys.meta);
	dnode_init(&os->special[0], os, USERUSED_OBJECT, &os->phys.userused);
	dnode_init(&os->special[1], os, GROUPUSED_OBJECT, &os->phys.groupused);
	dnode_init(&os->special[2], os, PROJECTUSED_OBJECT, &os->phys.projectused);
	/* Never freed: one reference is the objset's. */
	os->meta.refs = os->special[0].refs = os->special[1].refs = os->special[2].refs = 1;
}

static struct objset *
objset_new(struct spa *spa, const struct objset_ops *ops, void *dsl)
{
	struct objset *os = calloc(1, sizeof(*os));

	if (os == NULL)
		return (NULL);
	os->spa = spa;
	os->ops = ops;
	os->dsl = dsl;
	os->policy = (struct objset_policy){.checksum = CHECKSUM_FLETCHER4, .compress = COMPRESS_OFF,
	    .copies = 1, .record_size = 128u << 10};
	attach_phys(os);
	return (os);
}

static void
meta_init(struct objset *os)
{
	struct dnode_phys *m = &os->phys.meta;

	m->type = OT_DNODE;
	m->indirect_shift = INDIRECT_SHIFT;
	m->levels = os->ops == NULL ? 1 : DATASET_META_LEVELS;
	m->nblkptr = 3;
	m->flags = DN_USED_BYTES;
	m->block_sectors = DNODES_PER_BLOCK;
}

static bool
phys_is_sane(const struct objset_phys *p)
{
	const struct dnode_phys *special[] = {&p->userused, &p->groupused, &p->projectused};
	size_t i;

	if (p->meta.type != OT_DNODE || !dnode_phys_is_sane(&p->meta, 1) ||
	    p->meta.block_sectors != DNODES_PER_BLOCK)
		return (false);
	for (i = 0; i < 3; i++)
		if (special[i]->type != OT_NONE && !dnode_phys_is_sane(special[i], 1))
			return (false);
	return (true);
}

static int
objset_load(struct objset *os, const struct blkptr *bp)
{
	uint32_t size = bp_lsize(bp);
	int rc;

	memset(&os->phys, 0, sizeof(os->phys));
	os->bp = *bp;
	os->alloc_hint = 1;
	os->nobjects = 0;
	if (bp_is_hole(bp)) {
		meta_init(os);
		return (0);
	}
	if (bp_is_embedded(bp) || bp_type(bp) != OT_OBJSET || size < 1024 ||
	    size > sizeof(os->phys))
		return (-EILSEQ);
	if (!bp_is_little(bp))
		return (-ENOTSUP);
	if ((rc = zio_read(os->spa, bp, &os->phys)) != 0)
		return (rc);
	os->nobjects = bp_fill(bp);
	return (phys_is_sane(&os->phys) ? 0 : -EILSEQ);
}

int
objset_open(struct spa *spa, const struct blkptr *bp, const struct objset_ops *ops, void *dsl,
    struct objset **out)
{
	struct objset *os = objset_new(spa, ops, dsl);
	int rc;

	if (os == NULL)
		return (-ENOMEM);
	if ((rc = objset_load(os, bp)) != 0) {
		free(os);
		return (rc);
	}
	*out = os;
	return (0);
}

int
objset_create(struct spa *spa, unsigned type, const struct objset_ops *ops, void *dsl,
    struct objset **out)
{
	struct objset *os = objset_new(spa, ops, dsl);

	if (os == NULL)
		return (-ENOMEM);
	meta_init(os);
	os->phys.type = type;
	os->alloc_hint = 1;
	objset_dirty_phys(os);
	*out = os;
	return (0);
}

static void
evict_dnodes(struct objset *os)
{
	struct dnode *dn, *next;
	size_t i;

	for (i = 0; i < os->hash_size; i++) {
		if ((next = os->hash[i]) != NULL)
			next->refs++;
		while ((dn = next) != NULL) { /* held: evicting may free any other */
			if ((next = dn->hash_next) != NULL)
				next->refs++;
			dbuf_evict_all(dn);
			dnode_rele(dn);
		}
	}
	for (i = 0; i < 3; i++)
		dbuf_evict_all(&os->special[i]);
	dbuf_evict_all(&os->meta);
}

void
objset_close(struct objset *os)
{
	if (os == NULL)
		return;
	evict_dnodes(os);
	owners_forget(os);
	free(os->hash);
	free(os);
}

void
objset_evict(struct objset *os, const struct blkptr *bp)
{
	evict_dnodes(os);
	owners_forget(os);
	os->phys_dirty = false;
	if (objset_load(os, bp) != 0)
		memset(&os->phys, 0, sizeof(os->phys)); /* every later access finds no objects */
}

const struct blkptr *
objset_bp(const struct objset *os)
{
	return (&os->bp);
}

void *
objset_dsl(const struct objset *os)
{
	return (os->dsl);
}

struct spa *
objset_spa(const struct objset *os)
{
	return (os->spa);
}

unsigned
objset_type(const struct objset *os)
{
	return ((unsigned)os->phys.type);
}

bool
objset_is_dirty(const struct objset *os)
{
	return (os->phys_dirty || os->dirty != NULL || os->meta.ndirty > 0);
}

void
objset_set_policy(struct objset *os, const struct objset_policy *p)
{
	os->policy = *p;
}

const struct objset_policy *
objset_policy(const struct objset *os)
{
	return (&os->policy);
}

uint64_t
objset_dirty_bytes(const struct objset *os)
{
	return (os->dirty_bytes + os->behind_bytes);
}

uint64_t
objset_used_objects(const struct objset *os)
{
	return (os->nobjects);
}

uint64_t
objset_flags(const struct objset *os)
{
	return (os->phys.flags);
}

void
objset_set_flags(struct objset *os, uint64_t flags)
{
	os->phys.flags = flags;
	objset_dirty_phys(os);
}

const void *
objset_zil_header(const struct objset *os)
{
	return (os->phys.zil);
}

void
objset_zil_clear(struct objset *os)
{
	memset(os->phys.zil, 0, sizeof(os->phys.zil));
	objset_dirty_phys(os);
}

static void
tell_dirty(struct objset *os)
{
	if (os->ops != NULL && os->ops->dirtied != NULL)
		os->ops->dirtied(os);
}

void
objset_dirty_phys(struct objset *os)
{
	os->phys_dirty = true;
	tell_dirty(os);
}

/* The dnode's place in the list of dirty ones follows its count of dirty blocks. */
void
objset_mark_dirty(struct dnode *dn)
{
	struct objset *os = dn->os;
	bool listed = dn->dirty_prev != NULL || os->dirty == dn;

	if (dn->ndirty > 0)
		tell_dirty(os);
	if (dn == &os->meta || listed == (dn->ndirty > 0))
		return;
	if (!listed) {
		dn->dirty_next = os->dirty;
		if (os->dirty != NULL)
			os->dirty->dirty_prev = dn;
		os->dirty = dn;
		return;
	}
	if (dn->dirty_prev != NULL)
		dn->dirty_prev->dirty_next = dn->dirty_next;
	else
		os->dirty = dn->dirty_next;
	if (dn->dirty_next != NULL)
		dn->dirty_next->dirty_prev = dn->dirty_prev;
	dn->dirty_prev = dn->dirty_next = NULL;
}

/* --- blocks that come and go ------------------------------------------------------------------ */

static void
mos_charge(struct spa *spa, const struct blkptr *bp, int sign)
{
	spa->mos_dsize += sign * (int64_t)bp_dsize(spa, bp);
	spa->mos_comp += sign * (int64_t)bp_comp_bytes(bp);
	spa->mos_uncomp += sign * (int64_t)bp_uncomp_bytes(bp);
}

/* It was written before the sync, and is gone before it: nobody will be charged for it. */
static void
uncharge(struct objset *os, const struct blkptr *bp)
{
	uint64_t dsize = bp_dsize(os->spa, bp);

	dsize = dsize < os->behind_bytes ? dsize : os->behind_bytes;
	os->behind_bytes -= dsize;
	os->spa->behind_bytes -= dsize;
}

int
objset_kill(struct objset *os, const struct blkptr *bp)
{
	if (os->behind_bytes > 0 && bp_birth(bp) == os->spa->txg)
		uncharge(os, bp);
	if (os->ops != NULL)
		return (os->ops->kill(os, bp));
	mos_charge(os->spa, bp, -1);
	return (zio_free(os->spa, bp, os->spa->txg));
}

void
objset_born(struct objset *os, const struct blkptr *bp)
{
	if (os->ops != NULL)
		os->ops->born(os, bp);
	else
		mos_charge(os->spa, bp, 1);
}

void
objset_punch(struct objset *os, struct blkptr *bp)
{
	struct blkptr old = *bp;

	memset(bp, 0, sizeof(*bp));
	if (!spa_feature_active(os->spa, "com.delphix:hole_birth"))
		return;
	bp->w[6] = bits_set(bits_set(0, 48, 8, bp_type(&old)), 56, 5, bp_level(&old));
	bp->w[6] = bits_set(bp->w[6], 0, 16, bp_lsize(&old) / SECTOR_SIZE - 1);
	bp->w[10] = os->spa->txg;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool
level_is_metadata(const struct dnode *dn, int level)
{
	return (level != 0 || dmu_type_is_metadata(dn->phys->type));
}

static unsigned
pick_compress(const struct dnode *dn, int level)
{
	const struct objset *os = dn->os;

	if (level == 0 && dn->phys->compress != 0)
		return (dn->phys->compress);
	if (os->ops == NULL || level_is_metadata(dn, level))
		return (spa_metadata_compress(os->spa));
	return (os->policy.compress);
}

/* Data that is to be found again by its checksum. */
static bool
is_deduped(const struct dnode *dn, int level)
{
	return (dn->os->policy.dedup != 0 && dn->os->ops != NULL && !level_is_metadata(dn, level));
}

static unsigned
pick_checksum(const struct dnode *dn, int level)
{
	const struct objset *os = dn->os;

	if (is_deduped(dn, level))
		return (os->policy.dedup);
	if (level == 0 && dn->phys->checksum != 0)
		return (dn->phys->checksum);
	if (!level_is_metadata(dn, level) || os->policy.checksum >= CHECKSUM_SHA256)
		return (os->policy.checksum);
	return (CHECKSUM_FLETCHER4);
}

static unsigned
pick_copies(const struct dnode *dn, int level)
{
	const struct objset *os = dn->os;
	unsigned copies = os->policy.copies + (level_is_metadata(dn, level) ? 1 : 0);

	return (os->ops == NULL || copies > BP_DVAS ? BP_DVAS : copies);
}

static uint64_t
children_fill(const struct dbuf *db)
{
	const struct blkptr *bp = db->data;
	uint64_t fill = 0;
	size_t i;

	for (i = 0; i < db->size / sizeof(*bp); i++)
		fill += bp_is_hole(&bp[i]) ? 0 : bp_fill(&bp[i]);
	return (fill);
}

static bool
all_children_are_holes(const struct dbuf *db)
{
	const struct blkptr *bp = db->data;
	size_t i;

	for (i = 0; i < db->size / sizeof(*bp); i++)
		if (!bp_is_hole(&bp[i]))
			return (false);
	return (true);
}

static uint64_t
block_fill(const struct dbuf *db)
{
	if (db->level > 0)
		return (children_fill(db));
	if (db->level == 0 && db->dn->phys->type == OT_DNODE)
		return (dnode_block_count(db->data, db->size));
	return (1);
}

static unsigned
block_type(const struct dbuf *db)
{
	return (db->level == LEVEL_SPILL ? db->dn->phys->bonus_type : db->dn->phys->type);
}

static const struct blkptr *
rewritable(const struct objset *os, const struct blkptr *old)
{
	bool ours = os->ops == NULL && bp_birth(old) == os->spa->txg;

	return (ours && !bp_is_hole(old) && !bp_is_embedded(old) ? old : NULL);
}

void
objset_describe_write(struct dbuf *db, struct zio_write *w)
{
	struct dnode *dn = db->dn;
	struct objset *os = dn->os;

	/* Holes that remember their birth would keep an empty indirect block alive. */
	if (db->level > 0 && all_children_are_holes(db))
		memset(db->data, 0, db->size);
	*w = (struct zio_write){
	    .data = db->data,
	    .lsize = db->size,
	    .type = block_type(db),
	    .level = db->level > 0 ? db->level : 0,
	    .checksum = pick_checksum(dn, db->level),
	    .compress = pick_compress(dn, db->level),
	    .copies = pick_copies(dn, db->level),
	    .txg = os->spa->txg,
	    .fill = block_fill(db),
	    .rewrite = rewritable(os, dbuf_slot(db)),
	};
	w->special_small = os->policy.special_small;
	w->dedup = is_deduped(dn, db->level);
	w->dedup_verify = os->policy.dedup_verify;
	w->keep_zero = w->compress == COMPRESS_OFF && db->level == 0;
	w->may_embed = db->level <= 0 && dn->phys->type != OT_DNODE &&
	    spa_feature_enabled(os->spa, "com.delphix:embedded_data");
}

void
objset_describe_data(struct dnode *dn, const void *data, struct zio_write *w)
{
	*w = (struct zio_write){
	    .data = data,
	    .lsize = dnode_block_size(dn),
	    .type = dn->phys->type,
	    .checksum = pick_checksum(dn, 0),
	    .compress = pick_compress(dn, 0),
	    .copies = pick_copies(dn, 0),
	    .txg = dn->os->spa->txg,
	    .fill = 1,
	    .may_embed = spa_feature_enabled(dn->os->spa, "com.delphix:embedded_data"),
	};
	w->special_small = dn->os->policy.special_small;
	w->keep_zero = w->compress == COMPRESS_OFF;
}

static bool
is_same_place(const struct blkptr *a, const struct blkptr *b)
{
	return (!bp_is_embedded(a) && !bp_is_embedded(b) && a->w[0] == b->w[0] &&
	    a->w[1] == b->w[1]);
}

/* The old block's pointer becomes the new one's; both worlds are told. */
int
objset_replace_bp(struct objset *os, struct blkptr *slot, const struct blkptr *new, int64_t *dsize)
{
	struct blkptr old = *slot;
	bool hole = bp_is_hole(new);
	int rc;

	*dsize = 0;
	/* In a dataset the same place means deduplicated: one birth, one death, as ever. */
	if (os->ops == NULL && !hole && !bp_is_hole(&old) && is_same_place(&old, new)) {
		mos_charge(os->spa, &old, -1);
		mos_charge(os->spa, new, 1);
		*slot = *new;
		return (0);
	}
	if (!bp_is_hole(&old)) {
		*dsize -= (int64_t)bp_dsize(os->spa, &old);
		if ((rc = objset_kill(os, &old)) != 0)
			return (rc);
	}
	*slot = *new;
	if (!hole) {
		*dsize += (int64_t)bp_dsize(os->spa, new);
		objset_born(os, new);
	} else if (bp_birth(&old) != 0) {
		*slot = old;
		objset_punch(os, slot);
	} else {
		memset(slot, 0, sizeof(*slot));
	}
	return (0);
}

struct batch {
	struct spa *spa;
	struct zio_write w[WRITE_BATCH];
	struct zio_prepared p[WRITE_BATCH];
	size_t n, bytes;
};

static void
batch_prepare(void *arg, size_t i)
{
	struct batch *b = arg;

	zio_prepare(b->spa, &b->w[i], &b->p[i]);
}

/* Packed and hashed by all processors, placed and written in order by this one. */
static int
write_batch(struct objset *os, struct dbuf **db, struct batch *b)
{
	struct blkptr new;
	int64_t dsize;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n; i++)
		objset_describe_write(db[i], &b->w[i]);
	workers_run(b->bytes >= SHARE_BYTES ? os->spa->workers : NULL, b->n, batch_prepare, b);
	for (i = 0; i < b->n && rc == 0; i++) {
		rc = zio_write_prepared(os->spa, &b->w[i], &b->p[i], &new);
		if (rc != 0 || (rc = objset_replace_bp(os, dbuf_slot(db[i]), &new, &dsize)) != 0)
			continue;
		dnode_used_add(db[i]->dn, dsize);
		cache_name(db[i], &new);
		dbuf_undirty(db[i]);
	}
	for (; i < b->n; i++)
		zio_prepared_free(os->spa, &b->p[i]);
	return (rc);
}

/* Bottom up; within a level by object and block, so that what is read together lies together. */
static int
by_level(const void *a, const void *b)
{
	const struct dbuf *x = *(struct dbuf *const *)a, *y = *(struct dbuf *const *)b;

	if (x->level != y->level)
		return (x->level < y->level ? -1 : 1);
	if (x->dn->obj != y->dn->obj)
		return (x->dn->obj < y->dn->obj ? -1 : 1);
	return (x->blkid < y->blkid ? -1 : x->blkid > y->blkid);
}

/* The dirty blocks of a list of dnodes, linked by dirty_next, in the order to write them. */
static struct dbuf **
dirty_in_order(const struct dnode *list, size_t *count)
{
	const struct dnode *dn;
	struct dbuf **v, *db;
	size_t n = 0;

	for (dn = list; dn != NULL; dn = dn->dirty_next)
		n += dn->ndirty;
	if ((v = malloc((n + 1) * sizeof(*v))) == NULL)
		return (NULL);
	*count = n;
	for (n = 0, dn = list; dn != NULL; dn = dn->dirty_next)
		for (db = dn->dirty; db != NULL; db = db->dirty_next)
			v[n++] = db;
	qsort(v, n, sizeof(*v), by_level);
	return (v);
}

/* What was written is clean and may be evicted; what was not is dirty and stays. */
static int
write_dirty(struct objset *os, const struct dnode *list)
{
	size_t n = 0, i;
	struct dbuf **v = dirty_in_order(list, &n);
	struct batch *b = malloc(sizeof(*b));
	int rc = v == NULL || b == NULL ? -ENOMEM : 0;

	for (i = 0; rc == 0 && i < n; i += b->n) {
		b->spa = os->spa;
		b->n = b->bytes = 0;
		while (i + b->n < n && b->n < WRITE_BATCH && v[i + b->n]->level == v[i]->level)
			b->bytes += v[i + b->n++]->size;
		rc = write_batch(os, v + i, b);
	}
	free(b);
	free(v);
	return (rc);
}

static uint64_t
root_fill(const struct objset *os)
{
	uint64_t fill = 0;
	unsigned i;

	for (i = 0; i < os->phys.meta.nblkptr; i++)
		fill += bp_is_hole(&os->phys.meta.bp[i]) ? 0 : bp_fill(&os->phys.meta.bp[i]);
	return (fill);
}

static int
write_root(struct objset *os)
{
	struct zio_write w = {
	    .data = &os->phys,
	    .lsize = sizeof(os->phys),
	    .type = OT_OBJSET,
	    .checksum = pick_checksum(&os->meta, 1),
	    .compress = spa_metadata_compress(os->spa),
	    .copies = pick_copies(&os->meta, 1),
	    .txg = os->spa->txg,
	    .fill = root_fill(os),
	    .rewrite = rewritable(os, &os->bp),
	};
	struct blkptr new;
	int64_t dsize;
	int rc;

	if ((rc = zio_write(os->spa, &w, &new)) != 0 ||
	    (rc = objset_replace_bp(os, &os->bp, &new, &dsize)) != 0)
		return (rc);
	os->phys_dirty = false;
	return (0);
}

int
objset_sync(struct objset *os)
{
	int rc;

	if (!objset_is_dirty(os))
		return (0);
	os->spa->behind_bytes -= os->behind_bytes; /* charged by now */
	os->behind_bytes = 0;
	if ((rc = write_dirty(os, os->dirty)) != 0 || (rc = owners_sync(os)) != 0 ||
	    (rc = write_dirty(os, os->dirty)) != 0 || (rc = write_dirty(os, &os->meta)) != 0)
		return (rc);
	if (os->zil != NULL && (rc = zil_sync(os->zil, os->spa->txg)) != 0)
		return (rc);
	return (write_root(os));
}
