/* SPDX-License-Identifier: MIT */
/*
 * Contents of a stream: WRITE and WRITE_EMBEDDED.
 *
 * Theory of operation
 *
 * A record that is one block here as it was there does not go through the cache: it waits until some are
 * together, and then they are written (fs/dmu_whole.c), packed as they came if they came packed.  So a
 * stream of -c costs no packing here, and the blocks have the sizes and the algorithm that they had
 * there, whatever the property says.  Everything else (parts of a block, two blocks in one) is unpacked
 * and goes as any write does.
 *
 *	record				becomes
 *	whole block			a block, packed as compression= says
 *	whole block, packed		the same bytes on disk, if rounded to our sectors they are still less
 *	embedded, of a whole block	the same block pointer, if the pool has the feature
 *
 * Invariants
 *  1. Waiting blocks ascend by (object, offset).  A record that speaks of what is waiting, or of what
 *     comes before it, is applied after them; so is every record behind which the lock is given up.
 *  2. While blocks wait the open txg stays open (write_behind_claim), so that the place that
 *     fs/recv_resume.c notes and what came before it are of one txg.
 *  3. Packed bytes are not unpacked to see whether they can be.  As on the sending side a block that
 *     cannot costs those who read it an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recv_impl.h"
#include "smartbox/fs/compress.h"

#define ZSTD_GUID "org.freebsd:zstd_compress"
#define EMBED_GUID "com.delphix:embedded_data"
#define EMBED_MAX 112u

/* A record's content, whatever its kind. */
struct content {
	uint64_t obj, off, size; /* size: of the range that it fills */
	uint64_t lsize;		 /* what it unpacks to; zeros behind it */
	const void *data;
	size_t len;
	unsigned compress; /* 0 or COMP_OFF: it is not packed */
	bool embed;
};

static bool
is_packed(const struct content *c)
{
	return (c->compress != 0 && c->compress != COMP_OFF);
}

/* --- as any write ----------------------------------------------------------------------------- */

static int
unpack(const struct content *c, void **out)
{
	void *buf = calloc(1, c->size);
	int rc;

	if (buf == NULL)
		return (-ENOMEM);
	if (is_packed(c))
		rc = decompress_block(c->compress, c->data, c->len, buf, c->lsize);
	else
		rc = c->len >= c->lsize ? (memcpy(buf, c->data, c->lsize), 0) : -EILSEQ;
	if (rc != 0)
		free(buf);
	else
		*out = buf;
	return (rc);
}

static int
write_bytes(struct recv_target *t, const struct content *c, const void *data, struct err *e)
{
	int rc = dmu_write(t->os, c->obj, c->off, c->size, data);

	if (rc == -EFBIG || rc == -EINVAL)
		return (recv_refuse(e, "offset", c->obj));
	return (err_rc(e, rc, "object %llu", (unsigned long long)c->obj));
}

static int
write_through_cache(struct recv_target *t, const struct content *c, struct err *e)
{
	void *data;
	int rc;

	if (!is_packed(c) && c->len >= c->size && c->lsize == c->size)
		return (write_bytes(t, c, c->data, e));
	if ((rc = unpack(c, &data)) != 0)
		return (rc == -ENOMEM ? err_rc(e, rc, "data") : recv_refuse(e, "compressed data", c->obj));
	rc = write_bytes(t, c, data, e);
	free(data);
	return (rc);
}

/* --- whole blocks ----------------------------------------------------------------------------- */

static struct content
content_of(const struct recv_waiting *w, size_t i)
{
	const struct dmu_whole *v = &w->v[i];
	uint32_t size = w->size[i];

	return ((struct content){.obj = v->obj, .off = v->blkid * size, .size = size, .lsize = size,
	    .data = v->data, .len = v->psize != 0 ? v->psize : size, .compress = v->compress});
}

int
recv_write_flush(struct recv_target *t, struct err *e)
{
	struct recv_waiting *w = &t->waiting;
	size_t n = w->n;
	int rc;

	if (n == 0)
		return (0);
	w->n = 0;
	if ((rc = dmu_write_whole(t->os, w->v, n)) != 0)
		return (err_rc(e, rc, "object %llu", (unsigned long long)w->v[0].obj));
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct content c = content_of(w, i);

		if (w->v[i].rc == -EAGAIN)
			rc = write_through_cache(t, &c, e);
	}
	return (rc);
}

bool
recv_write_is_behind(const struct recv_target *t, uint64_t obj, uint64_t off)
{
	const struct recv_waiting *w = &t->waiting;

	return (w->n == 0 || obj > w->last_obj || (obj == w->last_obj && off >= w->end));
}

/* Can it be a block of ours as it is? */
static bool
is_whole(struct recv_target *t, const struct content *c, const struct dmu_info *i)
{
	unsigned how = compress_id_of(c->compress);

	if (c->size != i->block_size || c->off % c->size != 0 || c->lsize != c->size ||
	    dmu_type_is_metadata(i->type))
		return (false);
	if (!is_packed(c))
		return (c->len >= c->size);
	if (c->compress >= COMP_IDS || (how == COMP_ZSTD && !spa_feature_enabled(t->spa, ZSTD_GUID)))
		return (false);
	if (c->embed)
		return (c->len <= EMBED_MAX && spa_feature_enabled(t->spa, EMBED_GUID));
	return (c->len % SECTOR_SIZE == 0);
}

static void
wait_whole(struct recv_target *t, const struct content *c)
{
	struct recv_waiting *w = &t->waiting;

	w->size[w->n] = (uint32_t)c->size;
	w->v[w->n++] = (struct dmu_whole){.obj = c->obj, .blkid = c->off / c->size, .data = c->data,
	    .psize = is_packed(c) ? (uint32_t)c->len : 0, .compress = is_packed(c) ? c->compress : 0,
	    .embed = is_packed(c) && c->embed};
	w->last_obj = c->obj;
	w->end = c->off + c->size;
}

static int
check_space(struct recv_target *t, const struct content *c, struct err *e)
{
	int rc = dsl_space_check(t->ds, c->size, false);

	if (rc == -ENOSPC)
		return (err_set(e, ENOSPC, "out of space"));
	if (rc == -EDQUOT)
		return (err_set(e, EDQUOT, "destination %s space quota exceeded.", t->job->fs));
	return (err_rc(e, rc, "object %llu", (unsigned long long)c->obj));
}

static int
apply_content(struct recv_target *t, const struct content *c, struct err *e)
{
	struct dmu_info info;
	int rc = dmu_object_info(t->os, c->obj, &info);

	if (rc == -ENOENT)
		return (recv_refuse(e, "data", c->obj));
	if (rc != 0)
		return (err_rc(e, rc, "object"));
	if ((rc = check_space(t, c, e)) != 0)
		return (rc);
	if ((!recv_write_is_behind(t, c->obj, c->off) || t->waiting.n == DMU_WHOLE_MAX) &&
	    (rc = recv_write_flush(t, e)) != 0)
		return (rc);
	if (is_whole(t, c, &info))
		wait_whole(t, c);
	else if ((rc = recv_write_flush(t, e)) != 0 || (rc = write_through_cache(t, c, e)) != 0)
		return (rc);
	recv_note(t, c->obj, c->off);
	return (0);
}

int
recv_apply_write(struct recv_target *t, const struct stream_record *r, const void *payload, size_t len,
    struct err *e)
{
	uint64_t size = r->u.write.logical_size;
	struct content c = {.obj = r->u.write.object, .off = r->u.write.offset, .size = size,
	    .lsize = size, .data = payload, .len = len, .compress = r->u.write.compress};

	if (size > BLOCK_OLD_MAX_BYTES && !(t->features & STREAM_LARGE_BLOCKS))
		return (recv_refuse(e, "block size", c.obj));
	if (c.compress != 0 && !(t->features & STREAM_COMPRESSED))
		return (recv_refuse(e, "compression", c.obj));
	return (apply_content(t, &c, e));
}

int
recv_apply_embedded(struct recv_target *t, const struct stream_record *r, const void *payload,
    struct err *e)
{
	struct content c = {.obj = r->u.embedded.object, .off = r->u.embedded.offset,
	    .size = r->u.embedded.length, .lsize = r->u.embedded.lsize, .data = payload,
	    .len = r->u.embedded.psize, .compress = r->u.embedded.compress, .embed = true};

	if (!(t->features & STREAM_EMBED) || r->u.embedded.etype != 0)
		return (recv_refuse(e, "embedded data", c.obj));
	return (apply_content(t, &c, e));
}
