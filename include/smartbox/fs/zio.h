/* SPDX-License-Identifier: MIT */
/*
 * zio: one block to or from the disk.
 *
 * Reading tries every copy until the checksum fits, decompresses, converts byte order never (the
 * caller knows the type), and rewrites the copies that were bad.  Writing compresses, allocates,
 * checksums and writes, and returns the finished block pointer.
 */
#ifndef SMARTBOX_FS_ZIO_H
#define SMARTBOX_FS_ZIO_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/fs/blkptr.h"

struct spa;

/*
 * Fill buf with bp_lsize(bp) bytes (a hole gives zeros).
 * -EIO: a copy could not be read; -EILSEQ: none passed its checksum or decompressed to lsize;
 * -ENOTSUP: encrypted, or an algorithm we lack.
 */
int zio_read(struct spa *spa, const struct blkptr *bp, void *buf);

/*
 * The bytes as they are on disk (bp_psize of them), checksum verified: for raw and compressed
 * streams, and for blocks that are encrypted.  Embedded: the payload.  A hole: -ENOENT.
 */
int zio_read_raw(struct spa *spa, const struct blkptr *bp, void *buf);
/* One attempt at one copy, without the pool's lock; when it fails, zio_read knows more. */
int zio_read_plain(struct spa *spa, const struct blkptr *bp, void *buf);
int zio_read_raw_plain(struct spa *spa, const struct blkptr *bp, void *buf);

/*
 * Scrub: read and verify every copy of a block, on every device (for raidz: every column), and
 * rewrite the bad ones from a good one unless the pool is read-only.
 */
struct zio_scrub_result {
	unsigned copies, bad, repaired;
	uint64_t written; /* bytes that devices got which had missed the block */
	bool lost; /* no copy was good */
};
int zio_scrub(struct spa *spa, const struct blkptr *bp, struct zio_scrub_result *r);
/* Only give the block to devices that missed the txg of its birth (fs/dtl.h). */
int zio_resilver(struct spa *spa, const struct blkptr *bp, struct zio_scrub_result *r);

/* Free what zio keeps in spa->zio (buffers); the last call before a spa is freed. */
void zio_fini(struct spa *spa);

struct zio_write {
	const void *data;
	uint32_t lsize;	    /* multiple of 512 */
	unsigned type, level;
	unsigned checksum;  /* resolved id (>= 2) */
	unsigned compress;  /* resolved id, zstd level above bit 7 (fs/compress.h); 2 = off */
	unsigned copies;    /* 1..3 */
	uint32_t special_small; /* contents of files up to so many packed bytes count as metadata */
	bool may_embed;	    /* feature on and the type allows it */
	bool keep_zero;	    /* write zeros as data, not as a hole */
	bool dedup;	    /* a block of the same content may be shared */
	bool dedup_verify;  /* if its bytes are the same, too */
	uint64_t txg;
	uint64_t fill;
	/*
	 * A bp born in this txg that may be overwritten in place, or NULL.  When it does not fit, *out
	 * has other DVAs and the old block is the caller's to free.
	 */
	const struct blkptr *rewrite;
};
/* -ENOSPC; -EIO when too few copies could be written. */
int zio_write(struct spa *spa, const struct zio_write *w, struct blkptr *out);

/*
 * The same in two steps, for many blocks at once.  zio_prepare packs and hashes: any thread, no
 * lock; the data must stay as it is.  zio_write_prepared allocates and writes, in the order in which
 * it is called, and frees the prepared buffer; so does zio_prepared_free for one not to be written.
 */
struct zio_prepared { /* filled by zio_prepare only */
	const uint8_t *raw; /* what goes to disk: psize bytes */
	uint32_t psize;
	unsigned compress;
	uint8_t *packed; /* buffer behind raw when it was packed */
	uint32_t capacity, packed_len;
	bool is_zero, embed;
	uint32_t summed; /* bytes that sum is over; 0: none yet */
	uint64_t sum[4];
};
void zio_prepare(struct spa *spa, const struct zio_write *w, struct zio_prepared *o);
int zio_write_prepared(struct spa *spa, const struct zio_write *w, struct zio_prepared *o,
    struct blkptr *out);
/*
 * zio_prepare for what is packed already, by an algorithm (compress id): w->data is psize bytes and
 * stays where it is.  They are not looked at.  -EAGAIN: rounded up to a sector they win nothing.
 */
int zio_prepare_packed(struct spa *spa, const struct zio_write *w, uint32_t psize, unsigned compress,
    struct zio_prepared *o);
void zio_prepared_free(struct spa *spa, struct zio_prepared *o);
/*
 * zio_write_prepared in pieces: zio_place allocates (with the lock; -ENOSPC: not in one piece),
 * zio_put writes (without it), zio_unplace gives the space back.  No dedup, no rewriting.
 */
int zio_place(struct spa *spa, const struct zio_write *w, struct zio_prepared *o, struct blkptr *bp);
int zio_put(struct spa *spa, const struct blkptr *bp, const struct zio_prepared *o);
void zio_unplace(struct spa *spa, const struct blkptr *bp, uint64_t txg);

/* Give the space of bp back in this txg (reusable two txgs later).  Embedded and holes: nothing. */
int zio_free(struct spa *spa, const struct blkptr *bp, uint64_t txg);

uint64_t bp_dsize(struct spa *spa, const struct blkptr *bp); /* deflated bytes */
uint64_t bp_comp_bytes(const struct blkptr *bp);	     /* "comp" of the accounting rules */
uint64_t bp_uncomp_bytes(const struct blkptr *bp);

#endif
