/* SPDX-License-Identifier: MIT */
/*
 * The data management unit: objects of blocks, cached and written as transaction groups.
 *
 * An objset is a set of objects (dnodes) numbered from 1; an object has a type, data blocks of one
 * size, a bonus buffer and perhaps a spill block.  All changes go into the open transaction group
 * (txg) of the pool in memory; spa_sync() (fs/spa.h) writes them.
 *
 * Threads: every function here is called with the pool's lock held (spa_enter, spa_exit).  An
 * operation is atomic because a sync takes the same lock: what one lock hold dirtied goes into one
 * txg, all or nothing.
 *
 * Errors are -errno: -EIO and -EILSEQ from the disk, -ENOENT no such object, -ENOSPC.
 */
#ifndef SMARTBOX_FS_DMU_H
#define SMARTBOX_FS_DMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/fs/blkptr.h"

struct spa;
struct objset;
struct dbuf;

/*
 * What the layer above (dsl) wants to know of blocks of an objset.  born is called while syncing;
 * kill while syncing (a block was overwritten) and also in the open txg at the moment that
 * dmu_free_range or dmu_object_free drops a block.  Both happen in the txg that spa_open_txg() names.
 * kill frees the block now (zio_free) or puts it on a deadlist.  NULL ops: the meta objset, whose
 * frees and accounting the pool itself does.
 */
struct objset_ops {
	void (*born)(struct objset *os, const struct blkptr *bp);
	int (*kill)(struct objset *os, const struct blkptr *bp);
	void (*dirtied)(struct objset *os); /* there is something to sync; called often; may be NULL */
};

/* Write policy and identity; set by dsl from the properties. */
struct objset_policy {
	unsigned checksum, compress, copies; /* resolved ids */
	uint32_t record_size;
	unsigned dedup; /* checksum id by which data is deduplicated, 0: it is not */
	bool dedup_verify;
	uint32_t special_small; /* blocks of files up to so many bytes go where metadata goes */
	unsigned dnode_slots; /* of new files and directories, 512 bytes each; 0 counts as 1 */
};

/*
 * Open the objset that bp points at (a hole: empty, os_type from `type`).  `dsl` is the dataset
 * (opaque here) or NULL for the MOS.  The objset stays until objset_close; its bp changes when it
 * syncs: ask objset_bp().
 */
int objset_open(struct spa *spa, const struct blkptr *bp, const struct objset_ops *ops, void *dsl,
    struct objset **out);
/* A new empty one: meta dnode with 6 levels (not the MOS), of that objset_type. */
int objset_create(struct spa *spa, unsigned type, const struct objset_ops *ops, void *dsl,
    struct objset **out);
void objset_close(struct objset *os); /* must not be dirty */
const struct blkptr *objset_bp(const struct objset *os);
void *objset_dsl(const struct objset *os);
struct spa *objset_spa(const struct objset *os);
/* os_type of the objset block (zfs-format.md) */
enum { OBJSET_META = 1, OBJSET_ZFS = 2, OBJSET_ZVOL = 3 };
unsigned objset_type(const struct objset *os);
bool objset_is_dirty(const struct objset *os);
void objset_set_policy(struct objset *os, const struct objset_policy *p);
const struct objset_policy *objset_policy(const struct objset *os);
/* Bytes dirty and not yet synced: an upper bound of what the sync will allocate. */
uint64_t objset_dirty_bytes(const struct objset *os);
/* Write the dirty blocks in the syncing txg; afterwards objset_bp() is the new root. */
int objset_sync(struct objset *os);
/* Throw away everything cached (after a rollback swapped the bp). */
void objset_evict(struct objset *os, const struct blkptr *bp);
uint64_t objset_used_objects(const struct objset *os);
/* objset flags: 1 user, 2 user object, 4 project accounting complete. */
uint64_t objset_flags(const struct objset *os);
void objset_set_flags(struct objset *os, uint64_t flags);
/* The 192 bytes of the intent log header, borrowed. */
enum { OBJSET_USER = 1, OBJSET_USEROBJ = 2, OBJSET_PROJECT = 4 };
/*
 * Space by owner (fs/owners.c).  owners_begin: a new and empty objset keeps these accounts from now on.
 * owners_count: one that does not gets them: counts some thousand objects from *obj on (start with 0).
 * 1: there are more, call again in the next txg; 0: all is counted and the flags say so.
 */
int owners_begin(struct objset *os, uint64_t flags);
int owners_count(struct objset *os, uint64_t flags, uint64_t *obj);
/* The accounting table of users, groups, projects (0..2): its object number. */
static inline uint64_t owners_table(unsigned kind) { return (UINT64_MAX - kind); }
const void *objset_zil_header(const struct objset *os);
void objset_zil_clear(struct objset *os); /* all zero, written with the next sync */

/*
 * Visit every block reachable from an objset's root bp that was born after min_txg, children before
 * parents, the root block itself last (obj 0, level -1).  Holes are not visited.  level -2 is a spill block.
 * Reads the disk, not the cache: the objset must be synced.  fn may free the block; a non-zero
 * return ends the walk and is returned.  Memory: one block per level.  skip_bad: go on past
 * unreadable subtrees (they are visited themselves, their children not).
 */
typedef int dmu_visit_fn(const struct blkptr *bp, uint64_t obj, int level, uint64_t blkid, void *arg);
int dmu_traverse(struct spa *spa, const struct blkptr *root, uint64_t min_txg, bool skip_bad,
    dmu_visit_fn *fn, void *arg);

struct dmu_info {
	unsigned type, bonus_type, levels, indirect_shift, checksum, compress;
	uint32_t block_size, bonus_len, dnode_size;
	uint64_t max_blkid, used_bytes; /* dsize */
	uint64_t fill;			/* data blocks that are not holes, as of the last sync */
	bool has_spill;
};

/*
 * Which numbers the objects get that an operation makes: noted, or, to do the same again, given.  From
 * dmu_made_by on, with the pool's lock, until it is called with NULL.
 */
enum { DMU_MADE_MAX = 256 };
struct dmu_made {
	uint64_t obj[DMU_MADE_MAX];
	unsigned n;
	uint64_t seed; /* of the salts of tables that are made */
	bool again; /* obj[at] is the next one's number, n are given */
	unsigned at;
};
void dmu_made_by(struct objset *os, struct dmu_made *m);
/* For a new table: random, and the same again when the same is done again. */
uint64_t dmu_salt(struct objset *os, uint64_t obj);

int dmu_object_alloc(struct objset *os, unsigned type, uint32_t block_size, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj);
int dmu_object_claim(struct objset *os, uint64_t obj, unsigned type, uint32_t block_size,
    unsigned bonus_type, uint32_t bonus_len);
/* The same with a dnode of `slots` times 512 bytes (feature large_dnode above 1). */
int dmu_object_claim_slots(struct objset *os, uint64_t obj, unsigned slots, unsigned type,
    uint32_t block_size, unsigned bonus_type, uint32_t bonus_len);
/*
 * The blocks go too, at once: O(blocks) with bounded memory.  Shorten a huge file by dmu_free_range
 * from its end in pieces first, when the lock must not be held long.  -EBUSY while a dbuf is held.
 */
int dmu_object_free(struct objset *os, uint64_t obj);
int dmu_object_info(struct objset *os, uint64_t obj, struct dmu_info *info);
/* Next allocated object after *obj (start with 0); -ESRCH at the end. */
int dmu_object_next(struct objset *os, uint64_t *obj);
/* Only while the object has at most one block (its data is kept, cut or padded). */
int dmu_object_set_block_size(struct objset *os, uint64_t obj, uint32_t block_size);
int dmu_object_set_type(struct objset *os, uint64_t obj, unsigned type);
int dmu_object_set_compress(struct objset *os, uint64_t obj, unsigned compress);
int dmu_object_set_checksum(struct objset *os, uint64_t obj, unsigned checksum);

/*
 * An operation that does not hold the lock while it reads the disk: takes the lock, runs look and then
 * act (which may be NULL) in one bracket, returns act's answer (look's).  look may be run several
 * times, until all that it reads is in memory; so it must change nothing before its last read, and
 * pass on errors it does not know.  What dmu_read put into a buffer is there when dmu_run returns, not
 * before.  -EIO and the like may also come from that.
 */
typedef int dmu_step_fn(void *arg);
int dmu_run(struct spa *spa, dmu_step_fn *look, dmu_step_fn *act, void *arg);

/* Bytes; reading behind the last block gives zeros. */
int dmu_read(struct objset *os, uint64_t obj, uint64_t off, size_t len, void *buf);
int dmu_write(struct objset *os, uint64_t obj, uint64_t off, size_t len, const void *buf);
/* Blocks inside become holes, edges zeros; len UINT64_MAX: to the end. */
int dmu_free_range(struct objset *os, uint64_t obj, uint64_t off, uint64_t len);
/* The next hole (or data) at or after *off; -ENXIO none (data).  Dirty blocks count as data. */
int dmu_offset_next(struct objset *os, uint64_t obj, bool hole, uint64_t *off);
/* Touch what a write of this range will need, so that the write reads nothing; see dmu_run. */
void dmu_write_prepare(struct objset *os, uint64_t obj, uint64_t off, size_t len);
/* Start reading in the background; never fails. */
void dmu_prefetch(struct objset *os, uint64_t obj, uint64_t off, size_t len);

/*
 * Bytes of dirty data in all objsets of the pool when the caller should sync before dirtying more
 * (spa_dirty_bytes), and the budget of clean cached blocks.
 */
#define DMU_DIRTY_LIMIT (256u << 20)
#define DMU_CACHE_DEFAULT (256u << 20)
void dmu_cache_set_limit(struct spa *spa, size_t bytes);
size_t dmu_cache_bytes(const struct spa *spa);
uint64_t dmu_cache_uses(const struct spa *spa); /* how often a block was let go: is anybody there? */
void dmu_cache_rest(struct spa *spa); /* nobody asked for a while: give memory back */

/*
 * A block, held in memory: dbuf_data() stays valid until dbuf_rele().  Call dbuf_dirty() BEFORE
 * changing it.  fill false: the old content is not needed (the whole block will be overwritten).
 */
int dbuf_hold(struct objset *os, uint64_t obj, uint64_t blkid, bool fill, struct dbuf **out);
int dbuf_dirty(struct dbuf *db);
void *dbuf_data(struct dbuf *db);
/*
 * A place for what a user of the block worked out of its content, malloc'ed.  It is freed with the block, and when
 * somebody else changes the content (dmu_write and the like); whoever changes it through dbuf_data keeps it in step.
 */
void **dbuf_extra(struct dbuf *db);
uint32_t dbuf_size(const struct dbuf *db);
void dbuf_rele(struct dbuf *db);

/*
 * Bonus: data points at the bonus area, dbuf_size is its current length.  All holders share one
 * buffer; after dmu_bonus_set or a change of the spill ask dbuf_data and dbuf_size again.
 */
int dmu_bonus_hold(struct objset *os, uint64_t obj, struct dbuf **out);
/* -EILSEQ: it is not of this type, or shorter than min bytes. */
int dmu_bonus_hold_as(struct objset *os, uint64_t obj, unsigned type, size_t min,
    struct dbuf **out);
int dmu_bonus_set(struct objset *os, uint64_t obj, unsigned type, uint32_t len); /* <= capacity */
uint32_t dmu_bonus_capacity(struct objset *os, uint64_t obj, bool with_spill);
/* Spill block: create makes it (size bytes) when absent. */
int dmu_spill_hold(struct objset *os, uint64_t obj, bool create, uint32_t size, struct dbuf **out);
int dmu_spill_remove(struct objset *os, uint64_t obj);

#endif
