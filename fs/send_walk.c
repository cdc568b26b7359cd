/* SPDX-License-Identifier: MIT */
/*
 * Walking a snapshot in the order of its stream.
 *
 * Objects ascend, and so do the blocks in an object.  A subtree whose top is not younger than the
 * snapshot that the stream starts from is as it was there and is not read; so the cost is what changed.
 * A hole counts too: it says that something was freed.  One without a birth may have been there always
 * or come with the reuse of an object's number; nobody can tell, so it is sent.
 *
 *	free slot or hole of the meta dnode	FREEOBJECTS, neighbours joined
 *	dnode					OBJECT, FREE from its end on, SPILL if that is old
 *	block					WRITE, or WRITE_EMBEDDED
 *	hole					FREE, neighbours joined
 *	spill block				SPILL
 *
 * A changed dnode block sends all its dnodes: the receiver takes an OBJECT that it has as it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "send_impl.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zio.h"
#include "vdev_impl.h"

#define SHARE_BYTES (256u << 10) /* less is not worth waking another thread */

enum pending { PENDING_NONE, PENDING_FREE, PENDING_FREEOBJECTS };

struct walker {
	struct send_pipe *pipe;
	const struct send_job *job;
	struct spa *spa;
	uint64_t from, features, toguid;
	uint64_t max_objects; /* that the snapshot's meta dnode has room for */
	struct send_batch *batch;
	struct workers *workers;
	enum pending pending;
	struct stream_record held; /* that may still grow */
	struct err *e;
};

struct tree {
	const struct dnode_phys *dn;
	uint64_t obj;
	unsigned epbs;
	uint32_t block_size;
};

static int visit(struct walker *w, const struct tree *t, int level, uint64_t blkid,
    const struct blkptr *bp);

/* --- batches ---------------------------------------------------------------------------------- */

/* Without the pool's lock: the snapshot is held, so what it points at stays. */
static void
read_item(void *arg, size_t i)
{
	struct walker *w = arg;
	struct send_item *it = &w->batch->item[i];

	if (!it->reads)
		return;
	if ((it->payload = dmu_data_new(w->spa, it->len)) == NULL)
		it->rc = -ENOMEM;
	else
		it->rc = it->as_stored ? zio_read_raw_plain(w->spa, &it->bp, it->payload) :
					 zio_read_plain(w->spa, &it->bp, it->payload);
}

/* What one attempt at the first copy did not give: with all that the engine can do. */
static int
read_again(struct walker *w, struct send_item *it)
{
	if (it->payload == NULL)
		return (-ENOMEM);
	return (it->as_stored ? zio_read_raw(w->spa, &it->bp, it->payload) :
				zio_read(w->spa, &it->bp, it->payload));
}

/* The kernel may start with all of them while we read the first. */
static void
hint_batch(struct walker *w)
{
	const struct send_batch *b = w->batch;
	size_t i;

	for (i = 0; i < b->n; i++) {
		const struct blkptr *bp = &b->item[i].bp;
		struct vdev *top;

		if (!b->item[i].reads || bp_is_embedded(bp) || bp_is_hole(bp) || bp_dva(bp, 0).gang)
			continue;
		if ((top = vdev_top(w->spa->root, bp_dva(bp, 0).vdev)) != NULL)
			vdev_prefetch(top, bp_dva(bp, 0).offset, bp_psize(bp));
	}
}

static int
read_batch(struct walker *w)
{
	struct send_batch *b = w->batch;
	size_t i;
	int rc = 0;

	spa_enter(w->spa);
	spa_io_begin(w->spa);
	spa_exit(w->spa);
	hint_batch(w);
	workers_run(b->bytes >= SHARE_BYTES ? w->workers : NULL, b->n, read_item, w);
	spa_io_end(w->spa);
	for (i = 0; i < b->n && rc == 0; i++) {
		struct send_item *it = &b->item[i];

		if (it->rc == 0)
			continue;
		spa_enter(w->spa);
		rc = read_again(w, it);
		spa_exit(w->spa);
		if (rc != 0)
			rc = err_rc(w->e, rc, "a block of object %llu cannot be read",
			    (unsigned long long)it->r.u.write.object);
	}
	return (rc);
}

/* Read what the batch points at and hand it over. */
static int
batch_end(struct walker *w)
{
	struct send_batch *b = w->batch;
	int rc;

	if (b == NULL)
		return (0);
	if ((rc = read_batch(w)) != 0)
		return (rc);
	w->batch = NULL;
	if ((rc = send_pipe_add(w->pipe, b)) != 0)
		send_batch_free(w->spa, b);
	return (rc);
}

static int
item_new(struct walker *w, uint32_t bytes, struct send_item **out)
{
	struct send_batch *b = w->batch;
	int rc;

	if (b != NULL && (b->n == SEND_BATCH || b->bytes >= SEND_BATCH_BYTES) &&
	    (rc = batch_end(w)) != 0)
		return (rc);
	if (w->batch == NULL && (w->batch = send_batch_new()) == NULL)
		return (-ENOMEM);
	b = w->batch;
	*out = &b->item[b->n++];
	b->bytes += bytes;
	(*out)->len = bytes;
	return (0);
}

static int
emit(struct walker *w, const struct stream_record *r, const void *payload, uint32_t len)
{
	struct send_item *it;
	int rc = item_new(w, (len + 7) & ~7u, &it);

	if (rc != 0)
		return (rc);
	it->r = *r;
	if (len != 0) {
		if ((it->payload = dmu_data_new(w->spa, it->len)) == NULL)
			return (-ENOMEM);
		memset((char *)it->payload + it->len - 8, 0, 8); /* what is behind an odd length */
		memcpy(it->payload, payload, len);
	}
	return (0);
}

/* --- frees, joined ---------------------------------------------------------------------------- */

static int
flush_pending(struct walker *w)
{
	if (w->pending == PENDING_NONE)
		return (0);
	w->pending = PENDING_NONE;
	return (emit(w, &w->held, NULL, 0));
}

static int
add_free(struct walker *w, uint64_t obj, uint64_t off, uint64_t len)
{
	struct stream_record *h = &w->held;
	int rc;

	if (w->pending == PENDING_FREE && h->u.free.object == obj &&
	    h->u.free.offset + h->u.free.length == off) {
		h->u.free.length = off + len < off || len == STREAM_TO_END ? STREAM_TO_END :
									      h->u.free.length + len;
		return (0);
	}
	if ((rc = flush_pending(w)) != 0)
		return (rc);
	*h = (struct stream_record){.type = DRR_FREE,
	    .u.free = {obj, off, off + len < off ? STREAM_TO_END : len, w->toguid}};
	w->pending = PENDING_FREE;
	return (len == STREAM_TO_END ? flush_pending(w) : 0);
}

static int
add_freeobjects(struct walker *w, uint64_t first, uint64_t count)
{
	struct stream_record *h = &w->held;
	int rc;

	if (first >= w->max_objects || first + count <= w->job->resume_object)
		return (0);
	if (count > w->max_objects - first)
		count = w->max_objects - first;
	if (w->pending == PENDING_FREEOBJECTS &&
	    h->u.freeobjects.first + h->u.freeobjects.count == first) {
		h->u.freeobjects.count += count;
		return (0);
	}
	if ((rc = flush_pending(w)) != 0)
		return (rc);
	*h = (struct stream_record){.type = DRR_FREEOBJECTS,
	    .u.freeobjects = {first, count, w->toguid}};
	w->pending = PENDING_FREEOBJECTS;
	return (0);
}

/* --- data ------------------------------------------------------------------------------------- */

static bool
sends_embedded(const struct walker *w, const struct blkptr *bp)
{
	unsigned comp = bp_compress(bp);

	return ((w->features & STREAM_EMBED) && (comp < COMP_LZ4 || (w->features & STREAM_LZ4)) &&
	    (comp != COMP_ZSTD || (w->features & STREAM_ZSTD)));
}

static int
add_embedded(struct walker *w, const struct tree *t, uint64_t off, const struct blkptr *bp)
{
	struct stream_record r = {.type = DRR_WRITE_EMBEDDED, .u.embedded = {
	    .object = t->obj, .offset = off, .length = t->block_size, .toguid = w->toguid,
	    .compress = (uint8_t)bp_compress(bp), .lsize = bp_lsize(bp), .psize = bp_psize(bp)}};
	uint8_t payload[128];
	int rc = flush_pending(w);

	if (rc != 0)
		return (rc);
	if (bp_verify(bp, 0) != 0)
		return (-EILSEQ);
	bp_embedded_get(bp, payload);
	return (emit(w, &r, payload, bp_psize(bp)));
}

/* The key of a block as it is on disk: receivers may find it again by that. */
static void
fill_key(struct stream_record *r, const struct blkptr *bp)
{
	r->u.write.checksum = (uint8_t)bp_checksum(bp);
	r->u.write.flags = checksum_is_strong(bp_checksum(bp)) ? WRITE_DEDUP_SUM : 0;
	memcpy(&r->u.write.key, &bp->w[12], sizeof(r->u.write.key));
	r->u.write.key_prop = bits_get(bp->w[6], 0, 39);
}

static bool
sends_as_stored(const struct walker *w, const struct blkptr *bp)
{
	return ((w->features & STREAM_COMPRESSED) && bp_compress(bp) != COMP_OFF &&
	    !bp_is_embedded(bp) && !dmu_type_is_metadata(bp_type(bp)));
}

static int
add_write(struct walker *w, const struct tree *t, uint64_t blkid, const struct blkptr *bp)
{
	uint64_t off = blkid * t->block_size;
	bool cut = bp_lsize(bp) > BLOCK_OLD_MAX_BYTES && !(w->features & STREAM_LARGE_BLOCKS);
	bool stored = !cut && sends_as_stored(w, bp);
	struct send_item *it;
	int rc;

	if (bp_is_embedded(bp) && !cut && sends_embedded(w, bp))
		return (add_embedded(w, t, off, bp));
	if (bp_lsize(bp) != t->block_size)
		return (-EILSEQ);
	if (!bp_is_little(bp) && dmu_type_is_metadata(bp_type(bp)))
		return (-ENOTSUP);
	if ((rc = flush_pending(w)) != 0 ||
	    (rc = item_new(w, stored ? bp_psize(bp) : bp_lsize(bp), &it)) != 0)
		return (rc);
	it->r = (struct stream_record){.type = DRR_WRITE, .u.write = {.object = t->obj,
	    .type = t->dn->type, .offset = off, .toguid = w->toguid, .logical_size = bp_lsize(bp),
	    .checksum = CK_OFF, .compress = stored ? (uint8_t)bp_compress(bp) : 0,
	    .compressed_size = stored ? bp_psize(bp) : 0}};
	if (!bp_is_embedded(bp) && !cut)
		fill_key(&it->r, bp);
	it->bp = *bp;
	it->reads = true;
	it->as_stored = stored;
	it->piece = cut ? BLOCK_OLD_MAX_BYTES : 0;
	return (0);
}

static int
add_spill(struct walker *w, uint64_t obj, const struct blkptr *bp)
{
	struct send_item *it;
	int rc;

	if (!(w->features & STREAM_SA_SPILL))
		return (0);
	if (!bp_is_little(bp))
		return (-ENOTSUP);
	if ((rc = flush_pending(w)) != 0 || (rc = item_new(w, bp_lsize(bp), &it)) != 0)
		return (rc);
	it->r = (struct stream_record){.type = DRR_SPILL, .u.spill = {.object = obj,
	    .length = bp_lsize(bp), .toguid = w->toguid,
	    .flags = bp_birth(bp) <= w->from ? SPILL_UNMODIFIED : 0}};
	it->bp = *bp;
	it->reads = true;
	return (0);
}

/* --- trees ------------------------------------------------------------------------------------ */

/* The blocks below this pointer: first, and how many; false: beyond all that can be. */
static bool
span_of(const struct tree *t, int level, uint64_t blkid, uint64_t *first, uint64_t *count)
{
	unsigned shift = (unsigned)level * t->epbs;

	if (shift >= 64 || (blkid << shift) >> shift != blkid)
		return (false);
	*first = blkid << shift;
	*count = 1ULL << shift;
	return (dmu_type_is_metadata(t->dn->type) || *first <= t->dn->maxblkid);
}

static bool
was_sent_before(const struct walker *w, const struct tree *t, uint64_t first, uint64_t count)
{
	const struct send_job *j = w->job;
	uint64_t per = t->block_size >> DNODE_SHIFT, at;

	if (!j->resuming)
		return (false);
	if (t->obj == META_OBJECT)
		at = j->resume_object / per;
	else if (t->obj == j->resume_object)
		at = j->resume_offset / t->block_size;
	else
		return (false);
	return (first + count > first && first + count <= at);
}

static int
visit_hole(struct walker *w, const struct tree *t, uint64_t first, uint64_t count)
{
	uint64_t off, end;

	if (t->obj == META_OBJECT) {
		uint64_t per = t->block_size >> DNODE_SHIFT;

		return (first > UINT64_MAX / per || count > UINT64_MAX / per ? 0 :
		    add_freeobjects(w, first * per, count * per));
	}
	if (__builtin_mul_overflow(first, t->block_size, &off))
		return (0);
	if (__builtin_mul_overflow(first + count, t->block_size, &end))
		end = UINT64_MAX;
	return (add_free(w, t->obj, off, end - off));
}

static int
visit_dnode(struct walker *w, const struct dnode_phys *p, uint64_t obj)
{
	struct tree t = {p, obj, p->indirect_shift - BP_SHIFT, (uint32_t)p->block_sectors << SECTOR_SHIFT};
	const struct blkptr *spill = p->flags & DN_SPILL ? dnode_spill_bp((struct dnode_phys *)p) : NULL;
	struct stream_record r = {.type = DRR_OBJECT, .u.object = {.object = obj, .type = p->type,
	    .bonus_type = p->bonus_type, .bonus_len = p->bonus_len, .checksum = p->checksum,
	    .compress = p->compress, .slots = (uint8_t)(p->extra_slots + 1), .toguid = w->toguid,
	    .flags = spill != NULL ? OBJECT_HAS_SPILL : 0, .block_size = t.block_size}};
	int i, rc;

	if (obj < w->job->resume_object)
		return (0);
	if (t.block_size > BLOCK_OLD_MAX_BYTES && !(w->features & STREAM_LARGE_BLOCKS))
		r.u.object.block_size = BLOCK_OLD_MAX_BYTES;
	if ((rc = flush_pending(w)) != 0 ||
	    (rc = emit(w, &r, dnode_bonus((struct dnode_phys *)p), p->bonus_len)) != 0 ||
	    (rc = add_free(w, obj, (p->maxblkid + 1) * t.block_size, STREAM_TO_END)) != 0)
		return (rc);
	if (spill != NULL && bp_birth(spill) <= w->from && (rc = add_spill(w, obj, spill)) != 0)
		return (rc);
	for (i = 0; i < p->nblkptr && rc == 0; i++)
		rc = visit(w, &t, p->levels - 1, (uint64_t)i, &p->bp[i]);
	if (rc == 0 && spill != NULL && bp_birth(spill) > w->from)
		rc = add_spill(w, obj, spill);
	return (rc);
}

static int
visit_dnode_block(struct walker *w, const uint8_t *buf, uint32_t size, uint64_t first)
{
	unsigned n = size >> DNODE_SHIFT, i;
	const struct dnode_phys *p;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i += p->type != OT_NONE ? 1u + p->extra_slots : 1) {
		p = (const struct dnode_phys *)(buf + (size_t)i * DNODE_BYTES);
		if (first + i == META_OBJECT)
			rc = p->type == OT_NONE ? 0 : -EILSEQ;
		else if (p->type != OT_NONE)
			rc = dnode_phys_is_sane(p, n - i) ? visit_dnode(w, p, first + i) : -EILSEQ;
		else
			rc = add_freeobjects(w, first + i, 1);
	}
	return (rc);
}

static int
read_meta(struct walker *w, const struct blkptr *bp, void *buf)
{
	int rc;

	spa_enter(w->spa);
	spa_io_begin(w->spa);
	spa_exit(w->spa);
	rc = zio_read_plain(w->spa, bp, buf);
	spa_io_end(w->spa);
	if (rc == 0)
		return (0);
	spa_enter(w->spa);
	rc = zio_read(w->spa, bp, buf);
	spa_exit(w->spa);
	return (rc);
}

static int
visit_below(struct walker *w, const struct tree *t, int level, uint64_t blkid,
    const struct blkptr *bp)
{
	uint32_t size = level > 0 ? 1u << t->dn->indirect_shift : t->block_size, i;
	struct blkptr *buf;
	int rc = bp_lsize(bp) != size ? -EILSEQ : !bp_is_little(bp) ? -ENOTSUP : 0;

	if (rc != 0)
		return (rc);
	if ((buf = malloc(size)) == NULL)
		return (-ENOMEM);
	rc = read_meta(w, bp, buf);
	if (rc == 0 && level == 0)
		rc = visit_dnode_block(w, (const uint8_t *)buf, size, blkid * (size >> DNODE_SHIFT));
	for (i = 0; level > 0 && i < size / sizeof(*bp) && rc == 0; i++)
		rc = visit(w, t, level - 1, (blkid << t->epbs) + i, &buf[i]);
	free(buf);
	return (rc);
}

static int
visit(struct walker *w, const struct tree *t, int level, uint64_t blkid, const struct blkptr *bp)
{
	bool hole = bp_is_hole(bp);
	uint64_t first, count;

	if (bp_birth(bp) <= w->from && !(hole && bp_birth(bp) == 0))
		return (0);
	if (!span_of(t, level, blkid, &first, &count))
		return (0);
	if (was_sent_before(w, t, first, count))
		return (0);
	if (hole)
		return (visit_hole(w, t, first, count));
	if (level > 0 || t->obj == META_OBJECT)
		return (visit_below(w, t, level, blkid, bp));
	return (add_write(w, t, blkid, bp));
}

/* --- the objset ------------------------------------------------------------------------------- */

static int
walk_meta(struct walker *w, const struct dnode_phys *m)
{
	struct tree t = {m, META_OBJECT, m->indirect_shift - BP_SHIFT,
	    (uint32_t)m->block_sectors << SECTOR_SHIFT};
	int i, rc = 0;

	if (!dnode_phys_is_sane(m, 1) || m->type != OT_DNODE || m->block_sectors != DNODES_PER_BLOCK)
		return (-EILSEQ);
	w->max_objects = (m->maxblkid + 1) * DNODES_PER_BLOCK;
	for (i = 0; i < m->nblkptr && rc == 0; i++)
		rc = visit(w, &t, m->levels - 1, (uint64_t)i, &m->bp[i]);
	if (rc == 0 && (rc = flush_pending(w)) == 0)
		rc = batch_end(w);
	return (rc);
}

static int
walk_root(struct walker *w, const struct blkptr *root)
{
	struct objset_phys *phys;
	int rc;

	if (bp_is_hole(root) || bp_birth(root) <= w->from)
		return (0);
	if (bp_type(root) != OT_OBJSET || bp_lsize(root) < 1024 || bp_lsize(root) > sizeof(*phys))
		return (-EILSEQ);
	if ((phys = calloc(1, sizeof(*phys))) == NULL)
		return (-ENOMEM);
	rc = read_meta(w, root, phys);
	if (rc == 0)
		rc = walk_meta(w, &phys->meta);
	free(phys);
	return (rc);
}

int
send_walk(struct send_pipe *p, struct err *e)
{
	struct walker w = {.pipe = p, .job = p->job, .spa = p->job->spa, .from = p->job->from_txg,
	    .features = p->features, .e = e};
	struct blkptr root;
	int rc;

	spa_enter(w.spa);
	w.toguid = p->job->to_guid;
	root = *send_root(p->job);
	spa_exit(w.spa);
	w.workers = workers_new(-1);
	rc = walk_root(&w, &root);
	workers_free(w.workers);
	send_batch_free(w.spa, w.batch);
	return (rc == 0 || (e != NULL && e->code != 0) ? rc : err_rc(e, rc, "the snapshot cannot be read"));
}
