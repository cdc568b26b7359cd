/* SPDX-License-Identifier: MIT */
/*
 * Records of send streams: reading them with suspicion, writing them with their sums.
 *
 *	BEGIN [payload]            sum starts at zero
 *	OBJECT [bonus]             its last 32 bytes: the sum so far
 *	WRITE [data] ...
 *	END                        also in its body: the sum before it
 *
 * Invariants of what stream_next returns:
 *  1. Every number that is used as a size or as an object is in the range that a pool can have.
 *  2. The payload has the length that the record's fields say, and no more.
 *  3. Nothing was returned whose running sum did not fit.  (Senders before sums existed leave zeros:
 *     then END's sum is the only one.)
 */
#include "smartbox/fs/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/blkptr.h"
#include "zio_impl.h"

#define OBJECT_MAX (1ULL << 48)
#define BONUS_MAX (32u * 512u)
#define BEGIN_PAYLOAD_MAX (256u << 20)
#define EMBED_MAX 112u
#define READ_PIECE (1u << 20)
#define POOLED_MIN (16u << 10)
#define SUM_OFFSET offsetof(struct stream_record, u.any.sum)

static uint64_t
round8(uint64_t n)
{
	return ((n + 7) & ~7ULL);
}

size_t
stream_payload_len(const struct stream_record *r)
{
	switch (r->type) {
	case DRR_BEGIN:
		return (r->payload_len);
	case DRR_OBJECT:
		return (r->u.object.raw_bonus_len != 0 ? r->u.object.raw_bonus_len :
		    round8(r->u.object.bonus_len));
	case DRR_WRITE:
		return (r->u.write.compress != 0 ? r->u.write.compressed_size : r->u.write.logical_size);
	case DRR_SPILL:
		return (round8(r->u.spill.compressed_size != 0 ? r->u.spill.compressed_size :
		    r->u.spill.length));
	case DRR_WRITE_EMBEDDED:
		return (round8(r->u.embedded.psize));
	default:
		return (0);
	}
}

/* --- what can be meant ------------------------------------------------------------------------ */

static bool
is_object(uint64_t obj)
{
	return (obj != 0 && obj < OBJECT_MAX);
}

static bool
is_block_size(uint64_t size)
{
	return (size != 0 && size % SECTOR_SIZE == 0 && size <= BLOCK_MAX_BYTES);
}

static bool
object_is_sane(const struct stream_record *r)
{
	unsigned slots = r->u.object.slots == 0 ? 1 : r->u.object.slots;

	return (is_object(r->u.object.object) && is_block_size(r->u.object.block_size) &&
	    r->u.object.type != OT_NONE && r->u.object.type < 256 && r->u.object.bonus_type < 256 &&
	    slots <= 32 && r->u.object.bonus_len <= slots * 512u - 64 - 128 &&
	    r->u.object.raw_bonus_len <= BONUS_MAX);
}

static bool
write_is_sane(const struct stream_record *r)
{
	if (!is_object(r->u.write.object) || !is_block_size(r->u.write.logical_size) ||
	    r->u.write.offset + r->u.write.logical_size < r->u.write.offset)
		return (false);
	return (r->u.write.compress == 0 || (r->u.write.compressed_size != 0 &&
	    r->u.write.compressed_size % 8 == 0 &&
	    r->u.write.compressed_size <= r->u.write.logical_size));
}

static bool
spill_is_sane(const struct stream_record *r)
{
	return (is_object(r->u.spill.object) && is_block_size(r->u.spill.length) &&
	    r->u.spill.compressed_size <= r->u.spill.length);
}

static bool
embedded_is_sane(const struct stream_record *r)
{
	return (is_object(r->u.embedded.object) && r->u.embedded.psize <= EMBED_MAX &&
	    r->u.embedded.psize != 0 && is_block_size(r->u.embedded.length) &&
	    r->u.embedded.lsize <= r->u.embedded.length && r->u.embedded.lsize != 0 &&
	    r->u.embedded.offset + r->u.embedded.length >= r->u.embedded.offset);
}

static bool
begin_is_sane(const struct stream_record *r)
{
	return (memchr(r->u.begin.toname, '\0', STREAM_NAME_MAX) != NULL &&
	    r->payload_len <= BEGIN_PAYLOAD_MAX);
}

static bool
record_is_sane(const struct stream_record *r)
{
	switch (r->type) {
	case DRR_BEGIN:
		return (begin_is_sane(r));
	case DRR_OBJECT:
		return (object_is_sane(r));
	case DRR_FREEOBJECTS:
		return (r->u.freeobjects.first < OBJECT_MAX);
	case DRR_WRITE:
		return (write_is_sane(r));
	case DRR_FREE:
		return (is_object(r->u.free.object));
	case DRR_SPILL:
		return (spill_is_sane(r));
	case DRR_WRITE_EMBEDDED:
		return (embedded_is_sane(r));
	default:
		return (r->type < DRR_TYPES);
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
sum_is_zero(const struct cksum *c)
{
	return ((c->w[0] | c->w[1] | c->w[2] | c->w[3]) == 0);
}

static int
check_begin(const struct stream_record *r, struct err *e)
{
	if (r->u.begin.magic == STREAM_MAGIC)
		return (0);
	if (r->u.begin.magic == __builtin_bswap64(STREAM_MAGIC))
		return (err_set(e, ENOTSUP, "stream of a machine of the other byte order"));
	return (err_set(e, EINVAL, "invalid stream (bad magic number)"));
}

static int
check_sums(struct stream_in *in, const struct stream_record *r, struct err *e)
{
	struct cksum before = in->sum;

	fletcher4_add(&in->sum, r, SUM_OFFSET);
	if (r->type != DRR_BEGIN && !sum_is_zero(&r->u.any.sum) &&
	    !cksum_equal(&r->u.any.sum, &in->sum))
		return (err_set(e, EILSEQ, "invalid stream (checksum mismatch)"));
	fletcher4_add(&in->sum, &r->u.any.sum, sizeof(r->u.any.sum));
	if (r->type == DRR_END && !sum_is_zero(&r->u.end.sum) && !cksum_equal(&r->u.end.sum, &before))
		return (err_set(e, EILSEQ, "invalid stream (checksum mismatch)"));
	return (0);
}

/* Fletcher4 runs over 4-byte words: a BEGIN's payload of another length ends in zeros, as if sent. */
static void
sum_payload(struct stream_in *in, const uint8_t *p, size_t len)
{
	uint8_t tail[4] = {0};

	fletcher4_add(&in->sum, p, len & ~(size_t)3);
	if (len % 4 != 0) {
		memcpy(tail, p + (len & ~(size_t)3), len % 4);
		fletcher4_add(&in->sum, tail, sizeof(tail));
	}
}

/* A few sizes that come again and again: blocks. */
static bool
is_pooled(const struct stream_in *in, size_t len)
{
	return (in->pool != NULL && len >= POOLED_MIN && len <= READ_PIECE);
}

void
stream_payload_free(const struct stream_in *in, void *payload, size_t len)
{
	if (payload != NULL && is_pooled(in, len))
		zio_buf_put(in->pool, payload, len);
	else
		free(payload);
}

static int
read_pieces(struct stream_in *in, size_t len, uint8_t **out)
{
	size_t have = 0, room = len < READ_PIECE ? len : READ_PIECE;
	uint8_t *buf = malloc(room), *more;
	int rc = buf == NULL ? -ENOMEM : 0;

	while (rc == 0 && have < len) {
		if (have == room) {
			room = len - room < room ? len : 2 * room;
			if ((more = realloc(buf, room)) == NULL) {
				rc = -ENOMEM;
				break;
			}
			buf = more;
		}
		if ((rc = in->read(in->arg, buf + have, room - have)) == 0)
			have = room;
	}
	*out = buf;
	return (rc);
}

static int
read_payload(struct stream_in *in, size_t len, void **out)
{
	uint8_t *buf = NULL;
	int rc;

	if (!is_pooled(in, len))
		rc = read_pieces(in, len, &buf);
	else if ((buf = zio_buf_get(in->pool, len)) == NULL)
		rc = -ENOMEM;
	else
		rc = in->read(in->arg, buf, len);
	if (rc != 0) {
		stream_payload_free(in, buf, len);
		return (rc);
	}
	in->bytes += len;
	sum_payload(in, buf, len);
	*out = buf;
	return (0);
}

int
stream_next(struct stream_in *in, struct stream_record *r, void **payload, size_t *len, struct err *e)
{
	int rc = in->read(in->arg, r, sizeof(*r));

	*payload = NULL;
	*len = 0;
	if (rc != 0)
		return (rc == -EPIPE ? err_set(e, EPIPE, in->bytes == 0 ? "failed to read from stream" :
		    "incomplete stream") : err_rc(e, rc, "cannot read the stream"));
	in->bytes += sizeof(*r);
	if (in->bytes == sizeof(*r) && r->type != DRR_BEGIN)
		return (err_set(e, EINVAL, "invalid stream (bad magic number)"));
	if (r->type == DRR_BEGIN) {
		in->sum = (struct cksum){{0, 0, 0, 0}};
		if ((rc = check_begin(r, e)) != 0)
			return (rc);
		in->versioninfo = r->u.begin.versioninfo;
	}
	if ((rc = check_sums(in, r, e)) != 0)
		return (rc);
	if (!record_is_sane(r))
		return (err_set(e, EINVAL, "invalid stream (bad record of type %u)", r->type));
	if ((*len = stream_payload_len(r)) == 0)
		return (0);
	rc = read_payload(in, *len, payload);
	return (rc == -EPIPE ? err_set(e, EPIPE, "incomplete stream") :
	    err_rc(e, rc, "cannot read the stream"));
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
put_bytes(struct stream_out *out, const void *p, size_t len)
{
	out->bytes += len;
	return (out->write(out->arg, p, len));
}

int
stream_put(struct stream_out *out, struct stream_record *r, const void *payload, size_t len)
{
	struct stream_in sum = {.sum = out->sum};
	int rc;

	if (r->type == DRR_BEGIN)
		sum.sum = (struct cksum){{0, 0, 0, 0}};
	else if (r->type == DRR_END)
		r->u.end.sum = sum.sum;
	fletcher4_add(&sum.sum, r, SUM_OFFSET);
	if (r->type != DRR_BEGIN)
		r->u.any.sum = sum.sum;
	fletcher4_add(&sum.sum, &r->u.any.sum, sizeof(r->u.any.sum));
	if (len != 0)
		sum_payload(&sum, payload, len);
	out->sum = sum.sum;
	if ((rc = put_bytes(out, r, sizeof(*r))) == 0 && len != 0)
		rc = put_bytes(out, payload, len);
	return (rc);
}

int
stream_put_header(struct stream_out *out, const char *toname, const void *packed, size_t len)
{
	struct stream_record r = {.type = DRR_BEGIN, .payload_len = (uint32_t)len};
	int rc;

	r.u.begin.magic = STREAM_MAGIC;
	r.u.begin.versioninfo = STREAM_COMPOUND;
	memcpy(r.u.begin.toname, toname, strnlen(toname, STREAM_NAME_MAX - 1));
	if ((rc = stream_put(out, &r, packed, len)) != 0)
		return (rc);
	r = (struct stream_record){.type = DRR_END, .u.end.sum = out->sum};
	return (put_bytes(out, &r, sizeof(r)));
}

int
stream_put_last(struct stream_out *out)
{
	struct stream_record r = {.type = DRR_END};

	return (put_bytes(out, &r, sizeof(r)));
}
