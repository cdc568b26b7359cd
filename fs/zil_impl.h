/* SPDX-License-Identifier: MIT */
/*
 * The inside of the intent log: disk forms, and what its files share.
 */
#ifndef SMARTBOX_FS_ZIL_IMPL_H
#define SMARTBOX_FS_ZIL_IMPL_H

#include <pthread.h>

#include "dmu_impl.h"
#include "dsl_impl.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/zil.h"

/* --- on disk (docs/zfs-format.md, "Intent log") ------------------------------------------------- */

#define ZIL_BLOCK_MIN 4096u
#define ZIL_BLOCK_MAX (128u << 10)

enum { ZIL_REPLAY_NEEDED = 1, ZIL_CLAIM_SEQ_VALID = 2 };

struct zil_header {
	uint64_t claim_txg, replay_seq;
	struct blkptr log;
	uint64_t claim_blk_seq, flags, claim_lr_seq, pad[3];
};
_Static_assert(sizeof(struct zil_header) == ZIL_HEADER_BYTES, "intent log header");
_Static_assert(offsetof(struct zil_header, claim_blk_seq) == 144, "intent log header claim");

struct zil_chain {
	uint64_t pad;
	struct blkptr next;
	uint64_t used; /* bytes of the block, from its start */
	uint64_t magic;
	struct cksum sum;
};
_Static_assert(sizeof(struct zil_chain) == 184, "head of a log block");

enum zil_type {
	TX_CREATE = 1, TX_MKDIR, TX_MKXATTR, TX_SYMLINK, TX_REMOVE, TX_RMDIR, TX_LINK, TX_RENAME,
	TX_WRITE, TX_TRUNCATE, TX_SETATTR, TX_ACL_V0, TX_ACL, TX_CREATE_ACL, TX_CREATE_ATTR,
	TX_CREATE_ACL_ATTR, TX_MKDIR_ACL, TX_MKDIR_ATTR, TX_MKDIR_ACL_ATTR, TX_WRITE2, TX_SETSAXATTR,
	TX_RENAME_EXCHANGE, TX_RENAME_WHITEOUT, TX_CLONE_RANGE, TX_TYPES
};
#define TX_FOLD_CASE (1ULL << 63)

struct lr_create { /* names follow */
	struct zil_record h;
	uint64_t dir, obj, mode, uid, gid, gen, crtime[2], rdev;
};
struct lr_remove {
	struct zil_record h;
	uint64_t dir;
};
struct lr_link {
	struct zil_record h;
	uint64_t dir, obj;
};
struct lr_rename {
	struct zil_record h;
	uint64_t from_dir, to_dir;
};
struct lr_whiteout {
	struct lr_rename r;
	uint64_t obj, mode, uid, gid, gen, crtime[2], rdev;
};
struct lr_write { /* data follow when len > sizeof */
	struct zil_record h;
	uint64_t obj, off, len, pad;
	struct blkptr bp;
};
struct lr_truncate {
	struct zil_record h;
	uint64_t obj, off, len;
};
struct lr_setattr {
	struct zil_record h;
	uint64_t obj, mask, mode, uid, gid, size, atime[2], mtime[2];
};
struct lr_acl { /* entries follow */
	struct zil_record h;
	uint64_t obj, count, ndomains, nfuids, bytes, flags;
};
struct lr_acl_v0 { /* entries of 16 bytes follow */
	struct zil_record h;
	uint64_t obj, count;
};
struct lr_acl_create { /* between lr_create and the name, in TX_*_ACL* */
	struct lr_create c;
	uint64_t count, ndomains, nfuids, bytes, flags;
};
struct lr_setsaxattr { /* name and value follow */
	struct zil_record h;
	uint64_t obj, size;
};
struct lr_clone { /* block pointers follow */
	struct zil_record h;
	uint64_t obj, off, len, block_size, nbps;
};
_Static_assert(sizeof(struct lr_create) == 104, "create record");
_Static_assert(sizeof(struct lr_write) == 192, "write record");
_Static_assert(sizeof(struct lr_setattr) == 112, "setattr record");

/* The bits of lr_setattr.mask, as Linux writes them. */
enum { LR_MODE = 1, LR_UID = 2, LR_GID = 4, LR_SIZE = 8, LR_ATIME = 0x10, LR_MTIME = 0x20 };

/* --- zil_block.c: a block's bytes --------------------------------------------------------------- */

/* Fill in length and checksum; bytes to write (a multiple of ZIL_BLOCK_MIN).  The rest is zeroed. */
uint32_t zil_block_seal(uint8_t *block, uint32_t used, const struct blkptr *bp);
/* Is that the block bp speaks of, followed by one that could be?  0, -EILSEQ, -ENOTSUP. */
int zil_block_check(const uint8_t *block, const struct blkptr *bp);
/* The record at *off of a checked block, and the next one's place; NULL: no more, or damage. */
const struct zil_record *zil_block_record(const uint8_t *block, uint32_t *off);
/*
 * Does a record have what its type says, all inside its length?  -EILSEQ, -ENOTSUP a type that is not
 * known.  After that its names end in NUL, its data and pointers are there.
 */
int zil_record_check(const struct zil_record *r);

struct lr_names { /* of records that make, remove or rename */
	const char *name, *name2; /* NULL: not of this type */
};
void zil_record_names(const struct zil_record *r, struct lr_names *n);
static inline unsigned
zil_record_type(const struct zil_record *r)
{
	return ((unsigned)(r->type & ~TX_FOLD_CASE));
}

/* --- zil_chain.c: blocks of an open log --------------------------------------------------------- */

/* A log block that is written, or being written. */
struct lwb {
	struct blkptr bp;
	uint64_t max_txg; /* of its records */
	bool in_flight, dropped; /* dropped: freed by who writes it */
	struct blkptr *copy;	 /* blocks that its records point at, ours alone */
	size_t ncopies;
	struct lwb *next;
};

/* What one commit writes. */
struct log_block {
	struct lwb *lwb;
	uint8_t *buf;
	uint32_t used, size; /* used: with the head */
};
struct log_batch {
	struct log_block *v;
	size_t n, room;
	uint64_t left;	    /* bytes of records that are still to come, about */
	uint64_t bytes;	    /* of those that came */
	bool by_pointer;    /* logbias=throughput */
	bool flush_all;	    /* records point at blocks elsewhere */
};

/* zl->next, and the header, get a first block. */
int chain_start(struct zilog *zl);
/* Room for `len` bytes of records in one block of the batch; NULL with *rc -ENOSPC or -ENOMEM. */
void *chain_reserve(struct zilog *zl, struct log_batch *b, uint32_t len, uint64_t txg, int *rc);
void chain_unreserve(struct log_batch *b, uint32_t len); /* the last one */
/* The block bp is for a record in the block at hand and goes with it.  -ENOMEM. */
int chain_add_copy(struct log_batch *b, const struct blkptr *bp);
uint32_t chain_room(const struct log_batch *b);		 /* in the block at hand */
int chain_write(struct zilog *zl, struct log_batch *b);	 /* to the devices */
int chain_flush(struct zilog *zl, const struct log_batch *b); /* without the pool's lock */
void chain_end(struct zilog *zl, struct log_batch *b);	 /* with it; frees what b has */
/* Give everything back in the open txg; the header says that there is no log. */
int chain_destroy(struct zilog *zl);

/* --- zil_claim.c -------------------------------------------------------------------------------- */

/* A set of block addresses, so that none is claimed or freed twice. */
struct dva_set {
	uint64_t (*v)[2];
	size_t n, cap;
};
int dva_set_add(struct dva_set *s, const struct blkptr *bp); /* 1 new, 0 there already, -ENOMEM */
void dva_set_free(struct dva_set *s);
/* The space of a log block, in the open txg, whatever its birth; reuse waits as for any. */
int zil_free_bp(struct spa *spa, const struct blkptr *bp);

int zil_free_log(struct objset *os); /* zil_destroy without a change of the header */

/* A log block from whatever device has it, into bp_lsize(bp) bytes; -EILSEQ: nobody has it. */
int zil_block_read(struct spa *spa, const struct blkptr *bp, uint8_t *buf);

struct zil_walker { /* see zil_walk */
	struct spa *spa;
	int (*block)(void *arg, const struct blkptr *bp);
	int (*record)(void *arg, const struct zil_record *r, const uint8_t *block);
	void *arg;
	bool limited;		      /* go no further than these: */
	uint64_t blk_limit, lr_limit;
	/* out: */
	uint64_t blocks, records, last_blk_seq, last_lr_seq;
};
/* 0: the chain came to its end, or a callback (1) ended it; an error of a callback; -ENOMEM. */
int zil_walk_chain(struct zil_walker *w, const struct blkptr *first);

/* --- zil.c -------------------------------------------------------------------------------------- */

struct itx { /* a noted change */
	struct itx *next;
	uint64_t order, txg, obj; /* obj: whose alone it is, or 0 */
	uint32_t bytes;		  /* of rec; 0: a write, whose data is in the object */
	uint64_t off, len;	  /* of a write */
	_Alignas(8) uint8_t rec[];
};

#define ITX_BUCKETS 256
#define SIZE_HISTORY 8

struct itx_list {
	struct itx *first, **tail, *last;
};

struct itx_file {
	uint64_t obj;
	struct itx_list list;
	uint64_t unloggable_txg; /* something happened in it that no record tells */
	struct itx_file *next;
};

struct commit_waiter;

struct zilog {
	struct spa *spa;
	struct objset *os;
	struct dsl_dataset *ds;
	struct syncer *sync;
	struct zilog *next_open; /* of the pool */
	struct zilog **noted_at, *noted_next; /* of those that have something noted; or NULL */
	unsigned refs;		 /* with the pool's lock: users who opened it */

	/* With the pool's lock. */
	uint64_t order;
	struct itx_list names;		    /* go with every commit */
	struct itx_file *file[ITX_BUCKETS]; /* the rest, by object */
	size_t nfiles;
	uint64_t stalled_txg;		    /* until it is durable commits wait for txgs */
	bool broken;			    /* a block of the chain is not on disk */
	bool has_log;
	struct blkptr next; /* allocated, not written */
	struct lwb *lwb, **lwb_tail;
	uint64_t lr_seq;
	uint32_t history[SIZE_HISTORY]; /* bytes of the last commits */
	unsigned history_at;

	/* With `lock`. */
	pthread_mutex_t lock;
	struct commit_waiter *waiters, **waiters_tail;
	bool busy; /* somebody writes for all */
};

/*
 * Note records of `bytes` bytes in all, to be filled in, that stay together; of obj alone, or (0) of
 * names.  NULL: no log, or no memory (then the next commits wait for the txg).
 */
void *itx_new(struct zilog *zl, uint64_t obj, size_t bytes);
/* Its head; what follows it. */
void *zil_record_init(void *p, unsigned type, size_t len);
#define ZIL_ALIGN(n) (((n) + 7) & ~(size_t)7)

#endif
