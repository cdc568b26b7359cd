/* SPDX-License-Identifier: MIT */
/*
 * send: a snapshot becomes a stream.
 *
 * Theory of operation
 *
 * Two threads.  One walks the snapshot's trees and reads blocks (fs/send_walk.c), with the pool's
 * lock only around a read; the caller's thread sums and writes records.  Between them goes a short
 * queue of batches, so that the disk works while the pipe does, and neither runs away from the other:
 *
 *	walk, read --> [batch] [batch] [batch] --> sum, write --> stdout
 *
 * The snapshot is held, so it cannot be destroyed and its blocks stay where they are; everything else
 * in the pool goes on.
 *
 * Memory: SEND_QUEUE + 2 batches of 2 MiB, whatever the snapshot's size.
 *
 * Either side may end first: the reader hands over an error behind its last batch; the writer whose
 * pipe broke marks the queue cancelled and waits for the reader to notice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "send_impl.h"

#define STACK_BYTES (1u << 20)
#define MASTER_NODE 1
#define ZPL_VERSION_SA 5

/* --- batches ---------------------------------------------------------------------------------- */

struct send_batch *
send_batch_new(void)
{
	return (calloc(1, sizeof(struct send_batch)));
}

void
send_batch_free(struct spa *spa, struct send_batch *b)
{
	size_t i;

	for (i = 0; b != NULL && i < b->n; i++)
		if (b->item[i].payload != NULL)
			dmu_data_free(spa, b->item[i].payload, b->item[i].len);
	free(b);
}

int
send_pipe_add(struct send_pipe *p, struct send_batch *b)
{
	int rc = 0;

	(void)pthread_mutex_lock(&p->lock);
	while (p->queued >= SEND_QUEUE && !p->cancelled)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	if (p->cancelled) {
		rc = -ECANCELED;
	} else {
		*p->last = b;
		p->last = &b->next;
		p->queued++;
		(void)pthread_cond_broadcast(&p->changed);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return (rc);
}

/* NULL: the reader has ended. */
static struct send_batch *
pipe_take(struct send_pipe *p)
{
	struct send_batch *b;

	(void)pthread_mutex_lock(&p->lock);
	while (p->first == NULL && !p->ended)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	if ((b = p->first) != NULL) {
		if ((p->first = b->next) == NULL)
			p->last = &p->first;
		p->queued--;
		(void)pthread_cond_broadcast(&p->changed);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return (b);
}

static void
pipe_cancel(struct send_pipe *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->cancelled = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

static void *
reader_main(void *arg)
{
	struct send_pipe *p = arg;
	int rc = send_walk(p, &p->err);

	(void)pthread_mutex_lock(&p->lock);
	p->rc = rc;
	p->ended = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	return (NULL);
}

/* --- records ---------------------------------------------------------------------------------- */

/* A block larger than the receiver may know goes in pieces. */
static int
put_pieces(struct stream_out *out, const struct send_item *it)
{
	uint32_t off, n;
	int rc = 0;

	for (off = 0; off < it->len && rc == 0; off += n) {
		struct stream_record r = it->r;

		n = it->len - off < it->piece ? it->len - off : it->piece;
		r.u.write.offset += off;
		r.u.write.logical_size = n;
		rc = stream_put(out, &r, (const char *)it->payload + off, n);
	}
	return (rc);
}

static int
put_batch(struct stream_out *out, struct send_batch *b)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++) {
		struct send_item *it = &b->item[i];

		rc = it->piece != 0 ? put_pieces(out, it) :
				      stream_put(out, &it->r, it->payload, it->len);
	}
	return (rc);
}

static int
put_end(const struct send_job *job, struct stream_out *out)
{
	struct stream_record r = {.type = DRR_END, .u.end.toguid = job->to_guid};

	return (stream_put(out, &r, NULL, 0));
}

/* --- the beginning ---------------------------------------------------------------------------- */

/* Attributes may lie in spill blocks in filesystems of this version on; volumes have none. */
static int
knows_spill(struct dsl_dataset *ds, bool *spill)
{
	uint64_t version = 0;
	struct objset *os;
	int rc;

	*spill = false;
	if (dsl_head_kind(ds) == DSL_VOLUME || bp_is_hole(&ds_phys(ds)->bp))
		return (0);
	if ((rc = dsl_objset(ds, &os)) != 0)
		return (rc);
	rc = zap_lookup(os, MASTER_NODE, "VERSION", 8, 1, &version);
	*spill = rc == 0 && version >= ZPL_VERSION_SA;
	return (rc == -ENOENT ? 0 : rc);
}

static int
pick_features(const struct send_job *job, uint64_t *out)
{
	struct spa *spa = job->spa;
	uint64_t f = 0;
	bool spill;
	int rc = knows_spill(job->to, &spill);

	if (spill)
		f |= STREAM_SA_SPILL;
	if ((job->flags & SEND_LARGE) && ds_has_feature(job->to, "org.open-zfs:large_blocks"))
		f |= STREAM_LARGE_BLOCKS;
	if ((job->flags & SEND_EMBED) && spa_feature_active(spa, "com.delphix:embedded_data"))
		f |= STREAM_EMBED;
	if (job->flags & SEND_COMPRESSED)
		f |= STREAM_COMPRESSED;
	if ((f & (STREAM_EMBED | STREAM_COMPRESSED)) &&
	    spa_feature_active(spa, "org.illumos:lz4_compress"))
		f |= STREAM_LZ4;
	if ((f & STREAM_COMPRESSED) && ds_has_feature(job->to, "org.freebsd:zstd_compress"))
		f |= STREAM_ZSTD;
	if (ds_has_feature(job->to, "org.zfsonlinux:large_dnode"))
		f |= STREAM_LARGE_DNODE;
	if (job->resuming)
		f |= STREAM_RESUMING;
	*out = f;
	return (rc);
}

static int
resume_payload(const struct send_job *job, void **buf, size_t *len)
{
	struct nvlist *nv = nv_new();
	int rc = nv == NULL ? -ENOMEM : 0;

	*buf = NULL;
	*len = 0;
	if (rc == 0 && (rc = nv_add_u64(nv, "resume_object", job->resume_object)) == 0 &&
	    (rc = nv_add_u64(nv, "resume_offset", job->resume_offset)) == 0)
		rc = nv_pack_native(nv, buf, len);
	nv_free(nv);
	return (rc);
}

static void
fill_begin(const struct send_job *job, uint64_t features, struct stream_record *r)
{
	struct dsl_dataset_phys *p = ds_phys(job->to);

	*r = (struct stream_record){.type = DRR_BEGIN, .u.begin = {.magic = STREAM_MAGIC,
	    .versioninfo = STREAM_SUBSTREAM | features, .creation_time = p->creation_time,
	    .os_type = dsl_head_kind(job->to) == DSL_VOLUME ? 3 : 2,
	    .flags = BEGIN_FREERECORDS | BEGIN_SPILL_BLOCK, .toguid = job->to_guid,
	    .fromguid = job->from_guid}};
	if (job->is_clone)
		r->u.begin.flags |= BEGIN_CLONE;
	if (p->flags & DS_FLAG_CI)
		r->u.begin.flags |= BEGIN_CI_DATA;
	memcpy(r->u.begin.toname, job->toname, strnlen(job->toname, STREAM_NAME_MAX - 1));
}

static int
put_begin(const struct send_job *job, struct stream_out *out, uint64_t *features, struct err *e)
{
	struct stream_record r;
	void *payload = NULL;
	size_t len = 0;
	int rc;

	spa_enter(job->spa);
	if ((rc = dsl_check_readable(job->to, e)) != 0)
		rc = err_wrap(e, "'%s'", job->toname);
	else if ((rc = err_rc(e, pick_features(job, features), "'%s'", job->toname)) == 0)
		fill_begin(job, *features, &r);
	spa_exit(job->spa);
	if (rc == 0 && job->resuming)
		rc = err_rc(e, resume_payload(job, &payload, &len), "resuming");
	if (rc == 0) {
		r.payload_len = (uint32_t)len;
		rc = stream_put(out, &r, payload, len);
	}
	free(payload);
	return (rc);
}

/* --- the call --------------------------------------------------------------------------------- */

static int
run_threads(struct send_pipe *p, struct stream_out *out)
{
	struct send_batch *b;
	pthread_attr_t attr;
	pthread_t reader;
	int rc;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = -pthread_create(&reader, &attr, reader_main, p);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0)
		return (rc);
	while (rc == 0 && (b = pipe_take(p)) != NULL) {
		rc = put_batch(out, b);
		send_batch_free(p->job->spa, b);
	}
	pipe_cancel(p);
	(void)pthread_join(reader, NULL);
	while ((b = p->first) != NULL) {
		p->first = b->next;
		send_batch_free(p->job->spa, b);
	}
	return (rc);
}

int
send_stream(const struct send_job *job, struct stream_out *out, struct err *e)
{
	struct send_pipe p = {.job = job, .lock = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER, .err = ERR_INIT};
	int rc;

	p.last = &p.first;
	if ((rc = put_begin(job, out, &p.features, e)) != 0)
		return (rc);
	rc = run_threads(&p, out);
	if (rc == 0 && (rc = p.rc) != 0)
		rc = err_set(e, -rc, "%s", p.err.msg);
	return (rc != 0 || job->unfinished ? rc : put_end(job, out));
}

const struct blkptr *
send_root(const struct send_job *job)
{
	return (&ds_phys(job->to)->bp);
}

/* --- how much that will be -------------------------------------------------------------------- */

struct newer {
	uint64_t comp, uncomp;
};

static int
count_newer(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg)
{
	struct newer *n = arg;

	(void)obj;
	(void)level;
	(void)blkid;
	n->comp += bp_comp_bytes(bp);
	n->uncomp += bp_uncomp_bytes(bp);
	return (0);
}

/* Indirect blocks are not sent, but a record goes in front of each data block; BEGIN and END. */
static int
adjust(struct dsl_dataset *ds, bool compressed, const struct newer *n, uint64_t *bytes)
{
	const char *prop = dsl_head_kind(ds) == DSL_VOLUME ? "volblocksize" : "recordsize";
	uint64_t block = 0, blocks, size = compressed ? n->comp : n->uncomp;
	int rc = dsl_prop_u64(ds, prop, &block);

	if (rc != 0 || block == 0)
		block = BLOCK_OLD_MAX_BYTES;
	blocks = n->uncomp / block;
	size -= blocks * sizeof(struct blkptr) < size ? blocks * sizeof(struct blkptr) : size;
	*bytes = size + blocks * sizeof(struct stream_record) + 2 * sizeof(struct stream_record);
	return (0);
}

int
send_estimate(const struct send_job *job, struct dsl_dataset *since, uint64_t *bytes)
{
	struct newer n = {ds_phys(job->to)->compressed, ds_phys(job->to)->uncompressed};
	struct space_sum sum;
	int rc = 0;

	if (since != NULL) {
		rc = ds_written(job->to, since, &sum);
		n = (struct newer){space_bytes(sum.comp), space_bytes(sum.uncomp)};
	} else if (job->from_txg != 0) {
		n = (struct newer){0, 0};
		rc = dmu_traverse(job->spa, &ds_phys(job->to)->bp, job->from_txg, false, count_newer, &n);
	}
	return (rc != 0 ? rc : adjust(job->to, (job->flags & SEND_COMPRESSED) != 0, &n, bytes));
}
