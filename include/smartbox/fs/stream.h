/* SPDX-License-Identifier: MIT */
/*
 * Send streams: the records that carry a snapshot from one pool to another.
 *
 * A stream is a run of 312-byte records, some with a payload behind them.  One fletcher4 sum runs
 * over every byte from a BEGIN to its END; each record carries it as it was before the record's own
 * last 32 bytes, so damage is met at the record where it happened.
 *
 * struct stream_record is the wire form, little-endian.  Format: docs/zfs-format.md, "Send streams".
 */
#ifndef SMARTBOX_FS_STREAM_H
#define SMARTBOX_FS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/checksum.h"

enum stream_type {
	DRR_BEGIN, DRR_OBJECT, DRR_FREEOBJECTS, DRR_WRITE, DRR_FREE, DRR_END, DRR_WRITE_BYREF,
	DRR_SPILL, DRR_WRITE_EMBEDDED, DRR_OBJECT_RANGE, DRR_REDACT, DRR_TYPES,
};

#define STREAM_MAGIC 0x2F5bacbacULL
#define STREAM_NAME_MAX 256
#define STREAM_TO_END UINT64_MAX /* length of a FREE that has no end */

/* Bits of versioninfo. */
enum { STREAM_HEADER_MASK = 3, STREAM_SUBSTREAM = 1, STREAM_COMPOUND = 2 };
#define STREAM_FEATURE(bit) (1ULL << ((bit) + 2))
#define STREAM_DEDUP STREAM_FEATURE(0)
#define STREAM_DEDUPPROPS STREAM_FEATURE(1)
#define STREAM_SA_SPILL STREAM_FEATURE(2)
#define STREAM_EMBED STREAM_FEATURE(16)
#define STREAM_LZ4 STREAM_FEATURE(17)
#define STREAM_LARGE_BLOCKS STREAM_FEATURE(19)
#define STREAM_RESUMING STREAM_FEATURE(20)
#define STREAM_REDACTED STREAM_FEATURE(21)
#define STREAM_COMPRESSED STREAM_FEATURE(22)
#define STREAM_LARGE_DNODE STREAM_FEATURE(23)
#define STREAM_RAW STREAM_FEATURE(24)
#define STREAM_ZSTD STREAM_FEATURE(25)
#define STREAM_HOLDS STREAM_FEATURE(26)
#define STREAM_SWITCH_LARGE STREAM_FEATURE(27)

/* Flags of BEGIN, OBJECT, WRITE, SPILL. */
enum { BEGIN_CLONE = 1, BEGIN_CI_DATA = 2, BEGIN_FREERECORDS = 4, BEGIN_SPILL_BLOCK = 8 };
enum { OBJECT_HAS_SPILL = 4, WRITE_DEDUP_SUM = 1, SPILL_UNMODIFIED = 4 };

struct stream_record {
	uint32_t type, payload_len; /* payload_len: BEGIN only */
	union {
		struct {
			uint64_t magic, versioninfo, creation_time;
			uint32_t os_type, flags;
			uint64_t toguid, fromguid;
			char toname[STREAM_NAME_MAX];
		} begin;
		struct {
			struct cksum sum;
			uint64_t toguid;
		} end;
		struct {
			uint64_t object;
			uint32_t type, bonus_type, block_size, bonus_len;
			uint8_t checksum, compress, slots, flags;
			uint32_t raw_bonus_len;
			uint64_t toguid;
			uint8_t indirect_shift, levels, nblkptr, pad[5];
			uint64_t max_blkid;
		} object;
		struct {
			uint64_t first, count, toguid;
		} freeobjects;
		struct {
			uint64_t object;
			uint32_t type, pad;
			uint64_t offset, logical_size, toguid;
			uint8_t checksum, flags, compress, pad2[5];
			struct cksum key;
			uint64_t key_prop, compressed_size;
			uint8_t salt[8], iv[12], mac[16];
		} write;
		struct {
			uint64_t object, offset, length, toguid;
		} free;
		struct {
			uint64_t object, length, toguid;
			uint8_t flags, compress, pad[6];
			uint64_t compressed_size;
		} spill;
		struct {
			uint64_t object, offset, length, toguid;
			uint8_t compress, etype, pad[6];
			uint32_t lsize, psize;
		} embedded;
		struct {
			uint8_t pad[272];
			struct cksum sum; /* running, of all records but BEGIN */
		} any;
	} u;
};
_Static_assert(sizeof(struct stream_record) == 312, "a record is 312 bytes");
_Static_assert(offsetof(struct stream_record, u.any.sum) == 280, "running checksum at 280");
_Static_assert(offsetof(struct stream_record, u.object.max_blkid) == 56, "OBJECT");
_Static_assert(offsetof(struct stream_record, u.write.key) == 56, "WRITE");
_Static_assert(offsetof(struct stream_record, u.write.compressed_size) == 96, "WRITE");
_Static_assert(offsetof(struct stream_record, u.spill.compressed_size) == 40, "SPILL");
_Static_assert(offsetof(struct stream_record, u.embedded.lsize) == 48, "WRITE_EMBEDDED");

/*
 * Where bytes come from: fill buf with len bytes or fail; -EPIPE: the stream ended.
 */
typedef int stream_read_fn(void *arg, void *buf, size_t len);
struct stream_in {
	stream_read_fn *read;
	void *arg;
	struct spa *pool; /* large payloads are in its buffers; NULL: malloc'ed */
	struct cksum sum;
	uint64_t bytes;	   /* read so far, of all substreams */
	uint64_t versioninfo; /* of the BEGIN that we are behind */
};

/*
 * The next record, checked: its type, that its lengths and numbers can be meant, its running sum, an
 * END's sum.  What it carries is in *payload (the caller's, to be given to stream_payload_free), NULL
 * when there is nothing.  A large one is read in pieces, so a lying length costs no memory that was not
 * sent.
 *
 * -EPIPE: the stream ends before this record; -EINVAL: not a stream, or a record that cannot be meant;
 * -EILSEQ: checksum mismatch; -ENOTSUP: a stream of the other byte order.
 */
int stream_next(struct stream_in *in, struct stream_record *r, void **payload, size_t *len,
    struct err *e);
void stream_payload_free(const struct stream_in *in, void *payload, size_t len);

typedef int stream_write_fn(void *arg, const void *buf, size_t len);
struct stream_out {
	stream_write_fn *write;
	void *arg;
	struct cksum sum;
	uint64_t bytes;
};

/*
 * Send a record and its payload (len a multiple of 8, but for BEGIN's): fills in its running sum; a
 * BEGIN starts it anew; an END gets the sum.
 */
int stream_put(struct stream_out *out, struct stream_record *r, const void *payload, size_t len);

/*
 * The header of a compound stream: a BEGIN with its nvlist, and an END whose own running sum stays
 * zero.  The END of the whole, behind the last substream, is zero but for its type.
 */
int stream_put_header(struct stream_out *out, const char *toname, const void *packed, size_t len);
int stream_put_last(struct stream_out *out);

/* Bytes of payload behind a record; what its fields say, unchecked. */
size_t stream_payload_len(const struct stream_record *r);

#endif
