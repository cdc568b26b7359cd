/* SPDX-License-Identifier: MIT */
/*
 * The inside of the object layer: disk forms of dnode and objset, and their forms in memory.
 * Theory: fs/dbuf.c (cache), fs/dnode.c (objects), fs/objset.c (sync).
 */
#ifndef SMARTBOX_FS_DMU_IMPL_H
#define SMARTBOX_FS_DMU_IMPL_H

#include "smartbox/fs/scrub.h"
#include "smartbox/fs/dmu.h"
#include "spa_impl.h"

struct zio_write;

/* dnode, 512 bytes per slot (docs/zfs-format.md, "Dnode") */
#define DNODE_SHIFT 9
#define DNODE_BYTES 512u
#define DNODE_BLOCK_SHIFT 14
#define DNODES_PER_BLOCK 32u
#define DNODE_TAIL 448u /* bytes behind the 64-byte head of a one-slot dnode: bps, bonus, spill */
#define INDIRECT_SHIFT 17
#define LEVELS_MAX 8
#define DATASET_META_LEVELS 6

enum { DN_USED_BYTES = 1, DN_USERUSED = 2, DN_SPILL = 4, DN_USEROBJUSED = 8 };

struct dnode_phys {
	uint8_t type;	       /* 0 free */
	uint8_t indirect_shift;
	uint8_t levels;	       /* 1: the bps point at data */
	uint8_t nblkptr;       /* 1..3 */
	uint8_t bonus_type;
	uint8_t checksum, compress; /* 0 inherit */
	uint8_t flags;
	uint16_t block_sectors;
	uint16_t bonus_len;
	uint8_t extra_slots;
	uint8_t pad0[3];
	uint64_t maxblkid;
	uint64_t used; /* bytes when DN_USED_BYTES, else sectors */
	uint64_t pad1[4];
	union {
		struct blkptr bp[3];
		uint8_t tail[DNODE_TAIL];
	};
};
_Static_assert(sizeof(struct dnode_phys) == DNODE_BYTES, "a dnode slot is 512 bytes");

#define ZIL_HEADER_BYTES 192
struct objset_phys {
	struct dnode_phys meta;
	uint8_t zil[ZIL_HEADER_BYTES];
	uint64_t type;
	uint64_t flags;
	uint8_t macs[64];
	uint8_t pad0[240];
	struct dnode_phys userused, groupused, projectused;
	uint8_t pad1[1536];
};
_Static_assert(offsetof(struct objset_phys, type) == 704, "os_type at 704");
_Static_assert(offsetof(struct objset_phys, userused) == 1024, "accounting dnodes at 1024");
_Static_assert(sizeof(struct objset_phys) == 4096, "an objset is 4096 bytes");

#define META_OBJECT 0
#define USERUSED_OBJECT UINT64_MAX
#define GROUPUSED_OBJECT (UINT64_MAX - 1)
#define PROJECTUSED_OBJECT (UINT64_MAX - 2)

enum { LEVEL_SPILL = -2, LEVEL_BONUS = -3 };

struct dbuf {
	struct dnode *dn;
	uint64_t blkid;
	int level; /* 0 data, 1.. indirect, LEVEL_SPILL, LEVEL_BONUS */
	uint32_t size;
	unsigned holds;
	bool dirty;
	uint64_t estimate; /* while dirty: what it added to the objset's dirty_bytes */
	uint32_t starts; /* of a block of dnodes: slots where one starts; 0: not looked for (dnode.c) */
	bool unfilled; /* held without its old content; worthless until dirtied */
	struct dmu_miss *reading; /* who is filling it, without the lock (dmu_miss.c) */
	struct wb_block *writing; /* the buffer is being written as it is (write_behind.c) */
	bool behind;		  /* in the list of what may be written before the sync */
	struct dbuf *wb_prev, *wb_next;
	void *data;
	void *extra; /* dbuf_extra */
	struct dbuf *hash_next;
	struct dbuf *lru_prev, *lru_next;     /* clean and not held: of this list (dmu_cache.c) */
	struct cache_list *list;
	uint64_t key, released; /* what it is on disk, hashed; when it was last let go */
	bool is_frequent;
	struct dbuf *dn_prev, *dn_next;	      /* all of the dnode */
	struct dbuf *dirty_prev, *dirty_next; /* the dirty ones of the dnode */
};

/* --- dmu_cache.c ------------------------------------------------------------------------------ */

enum { CACHE_RECENT, CACHE_FREQUENT, CACHE_LISTS };
#define CACHE_GHOSTS 4096u

struct cache_list {
	struct dbuf ring; /* lru_next: newest */
	size_t bytes;
};

struct dmu_cache {
	struct dbuf **hash; /* all dbufs of the pool (dbuf.c) */
	size_t hash_size, count;
	size_t bytes;	      /* of all */
	size_t limit, wanted; /* of the lists; of it for `recent` */
	struct cache_list list[CACHE_LISTS];
	uint64_t releases;
	uint64_t ghost[CACHE_LISTS][CACHE_GHOSTS];
};

void cache_init(struct dmu_cache *c);
void cache_keep(struct dmu_cache *c, struct dbuf *db); /* clean, held by nobody */
void cache_hit(const struct dmu_cache *c, struct dbuf *db); /* somebody holds it now */
void cache_take(struct dbuf *db);			    /* out of its list, if it is in one */
void cache_name(struct dbuf *db, const struct blkptr *bp);
void cache_missed(struct dmu_cache *c, struct dbuf *db, const struct blkptr *bp); /* it is read */
void cache_trim(struct dmu_cache *c, size_t limit);

struct dnode {
	struct objset *os;
	uint64_t obj;
	struct dnode_phys *phys; /* inside block->data or os->phys: always the newest state */
	struct dbuf *block;	 /* held; NULL for those in os->phys */
	unsigned refs;		 /* holds and attached dbufs */
	struct dnode *hash_next;
	struct dbuf *dbufs;
	struct dbuf *dirty;
	size_t ndbufs, ndirty;
	struct dbuf *bonus; /* while held */
	uint64_t noted;	    /* txg in which owner_note was called */
	uint64_t seq_next, seq_hinted, seq_run; /* a sequential reader: where it is, see read_ahead */
	struct dnode *dirty_prev, *dirty_next; /* of the objset, while ndirty > 0 */
};

struct objset {
	struct spa *spa;
	const struct objset_ops *ops; /* NULL: the meta objset */
	void *dsl;
	struct blkptr bp;
	struct objset_phys phys;
	struct objset_policy policy;
	struct dnode meta, special[3]; /* user, group, project */
	struct dnode **hash;
	size_t hash_size, hash_count;
	struct dnode *dirty; /* not the meta dnode */
	bool phys_dirty;
	uint64_t alloc_hint; /* no free object is below */
	struct dmu_made *made; /* whoever makes objects now tells here, or is told (dnode.c); or NULL */
	uint64_t nobjects;
	uint64_t dirty_bytes;
	uint64_t behind_bytes; /* taken by write_behind.c since the last sync, not yet charged */
	struct owner_notes *notes; /* owners.c */
	uint64_t owner_goal;	   /* accounts that are kept, or being worked out */
	struct zilog *zil;	   /* open intent log (zil.c) or NULL */
	bool replaying;		   /* somebody is at it, and gave the lock up for a sync */
};

/* --- dmu_miss.c ------------------------------------------------------------------------------- */

/* What goes up through an operation that is to start again; nobody outside dmu_run sees it. */
#define DMU_UNWIND EINPROGRESS
#define DMU_MISSES_MAX 64
#define DMU_HINTS_MAX 32

/* A block to be read without the lock. */
struct dmu_miss {
	struct dbuf *db; /* held; NULL: direct, or nobody needs it any more */
	void *direct;	 /* where the content goes when it does not go into the cache */
	struct blkptr bp;
	struct scrub_error who; /* of direct ones: what the log of lost blocks says when it fails */
	void *buf;
	uint32_t size;
	int rc;
};

struct dmu_hint {
	uint64_t vdev, off, len;
};

/* All that one run of an operation missed. */
struct dmu_misses {
	struct dmu_miss v[DMU_MISSES_MAX];
	struct dmu_hint hint[DMU_HINTS_MAX];
	unsigned n, nhints;
	bool again; /* the operation was unwound */
	bool wait;  /* for a block that somebody else is reading */
	uint64_t txg;
	struct dmu_misses *prev, *next;
};

/* 0: read it yourself; -DMU_UNWIND: noted. */
/* dbuf.c: zio_read that tells the log of lost blocks whose block it was. */
int dbuf_read_logged(struct dbuf *db, const struct blkptr *bp, void *data);
int dmu_miss_dbuf(struct dbuf *db, const struct blkptr *bp);
/* true: noted */
bool dmu_miss_direct(struct spa *spa, const struct blkptr *bp, void *dst,
    const struct scrub_error *who);
int dmu_miss_wait(struct spa *spa); /* somebody else reads it; 0: no waiting here */
bool dmu_may_unwind(const struct spa *spa);
void dmu_miss_hint(struct spa *spa, const struct blkptr *bp);
void dbuf_unread(struct dbuf *db); /* what is being read for it is not wanted any more */
/* Until nobody reads who began in this txg or before.  Gives the lock up. */
void dmu_readers_wait(struct spa *spa, uint64_t txg);

/* --- write_behind.c --------------------------------------------------------------------------- */

#define WRITE_BEHIND_START ((uint64_t)8 << 20) /* dirty contents, from which on they are written */

void write_behind_add(struct dbuf *db);	   /* it became dirty */
void write_behind_remove(struct dbuf *db); /* it is clean */
/* Before the content of a dbuf changes or goes. */
void dbuf_unwrite(struct dbuf *db);
void write_behind_wait(struct spa *spa); /* until no batch is on its way; gives the lock up */
/*
 * Between these two the open txg stays open and no batch is on its way, even if the lock is given up:
 * whoever writes contents himself.  Claiming may give the lock up.
 */
void write_behind_claim(struct spa *spa);
void write_behind_unclaim(struct spa *spa);
/* A block written in the open txg becomes the tree's; `slot` is in a dirty parent. */
int write_behind_install(struct dnode *dn, struct blkptr *slot, const struct blkptr *bp);

/* --- dmu_whole.c ------------------------------------------------------------------------------ */

/* A whole block to be written now. */
struct dmu_whole {
	uint64_t obj, blkid;
	const void *data;  /* the block, or psize bytes of it packed; not changed meanwhile */
	uint32_t psize;	   /* 0: not packed */
	unsigned compress; /* id of how it is packed */
	bool embed;	   /* psize is at most 112, for the pointer itself */
	int rc;		   /* 0; -EAGAIN: to be written by dmu_write */
};
#define DMU_WHOLE_MAX 64

/*
 * Write up to DMU_WHOLE_MAX blocks, different ones, each of its object's block size.  With write_behind
 * claimed; the lock is given up.  An error says that none of it can be relied on.
 */
int dmu_write_whole(struct objset *os, struct dmu_whole *v, size_t n);

/* --- dbuf.c ----------------------------------------------------------------------------------- */

void *dmu_data_new(struct spa *spa, uint32_t size);
void dmu_data_free(struct spa *spa, void *data, uint32_t size);
int dmu_cache_new(struct spa *spa);
void dmu_cache_free(struct spa *spa);
struct dbuf *dbuf_find(struct dnode *dn, int level, uint64_t blkid);
/* NULL fill result: the block's content is not read. */
int dbuf_get(struct dnode *dn, int level, uint64_t blkid, bool fill, struct dbuf **out);
int dbuf_make(struct dnode *dn, int level, uint64_t blkid, uint32_t size, struct dbuf **out);
int dbuf_resize(struct dbuf *db, uint32_t size); /* keeps or zero-extends the content */
void dbuf_undirty(struct dbuf *db);
void dbuf_drop_extra(struct dbuf *db); /* the content changed */
void dbuf_destroy(struct dbuf *db); /* clean, held by nobody */
void dbuf_drop(struct dbuf *db); /* forget it: its block is no more; held: zeros */
void dbuf_evict_all(struct dnode *dn);
/* The bp of a block, copied: from its parent in memory or on disk.  A hole when there is none. */
int dbuf_bp(struct dnode *dn, int level, uint64_t blkid, struct blkptr *bp);
/* Where the bp of a dirty block lies: in its parent (dirty too) or in the dnode. */
struct blkptr *dbuf_slot(struct dbuf *db);
/* The same for data block blkid, which is not in memory: its parents are made and dirtied. */
int dbuf_slot_make(struct dnode *dn, uint64_t blkid, struct blkptr **slot);

/* dnode.c */
int dnode_hold(struct objset *os, uint64_t obj, struct dnode **out);
void dnode_rele(struct dnode *dn);
void dnode_init(struct dnode *dn, struct objset *os, uint64_t obj, struct dnode_phys *phys);
/* One of the accounting objects, which live in the objset block itself: a dnode without blocks. */
int dnode_make_special(struct objset *os, uint64_t obj, unsigned type);
int dnode_dirty(struct dnode *dn); /* the phys is about to change */
int dnode_reach(struct dnode *dn, uint64_t blkid); /* levels and maxblkid for a write there */
bool dnode_phys_is_sane(const struct dnode_phys *p, unsigned slots_left);
struct blkptr *dnode_spill_bp(struct dnode_phys *p);
void dnode_used_add(struct dnode *dn, int64_t bytes);
unsigned dnode_block_count(const void *block, uint32_t size); /* allocated dnodes in it */
enum block_seek { SEEK_DATA_BLOCK, SEEK_HOLE_BLOCK, SEEK_NOT_FULL };
int dnode_seek_block(struct dnode *dn, enum block_seek what, uint64_t *blkid); /* -ENOENT */
int dnode_free_blocks(struct dnode *dn, uint64_t first, uint64_t last);

static inline uint32_t dnode_block_size(const struct dnode *dn)
{
	return ((uint32_t)dn->phys->block_sectors << SECTOR_SHIFT);
}
static inline unsigned dnode_epbs(const struct dnode *dn)
{
	return (dn->phys->indirect_shift - BP_SHIFT);
}
static inline uint32_t dnode_phys_bytes(const struct dnode_phys *p)
{
	return (DNODE_BYTES * (1u + p->extra_slots));
}
static inline uint8_t *dnode_bonus(struct dnode_phys *p)
{
	return ((uint8_t *)p + 64 + p->nblkptr * sizeof(struct blkptr));
}
/* blkid at `level` of the block that covers data block `l0`. */
static inline uint64_t level_blkid(uint64_t l0, unsigned level, unsigned epbs)
{
	return (level * epbs >= 64 ? 0 : l0 >> (level * epbs));
}

/* zil_chain.c: free what txg made superfluous, set the header; before the root is written. */
int zil_sync(struct zilog *zl, uint64_t txg);
/* zil.c: contents and log were exchanged for others; NULL is fine. */
int zil_abandon(struct zilog *zl);

/* owners.c */
bool owners_are_kept(const struct objset *os);
/* Before the first change of an object in a txg; p NULL: it is being made. */
int owner_note(struct objset *os, uint64_t obj, const struct dnode_phys *p);
void owners_forget(struct objset *os);
/* When the blocks of all objects are written, before the accounting zaps and the dnodes are. */
int owners_sync(struct objset *os);

/* objset.c */
void objset_describe_write(struct dbuf *db, struct zio_write *w);
/* The same for a level 0 block of a file or volume that has no dbuf; not deduplicated. */
void objset_describe_data(struct dnode *dn, const void *data, struct zio_write *w);
int objset_replace_bp(struct objset *os, struct blkptr *slot, const struct blkptr *new, int64_t *dsize);
void objset_mark_dirty(struct dnode *dn);
void objset_dirty_phys(struct objset *os); /* its root block changed */
int objset_kill(struct objset *os, const struct blkptr *bp);
void objset_born(struct objset *os, const struct blkptr *bp);
/* What a dropped block's pointer becomes: all zero, or a hole that remembers its birth. */
void objset_punch(struct objset *os, struct blkptr *bp);

#endif
