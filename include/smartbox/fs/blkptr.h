/* SPDX-License-Identifier: MIT */
/*
 * Block pointers: where a block lies, how it is packed and what it must hash to.
 *
 * struct blkptr is the 128-byte disk form, 16 words in host order (this engine runs on
 * little-endian machines; blocks written by big-endian hosts are converted when they are read).
 * Word layout: docs/zfs-format.md, "Block pointer".
 */
#ifndef SMARTBOX_FS_BLKPTR_H
#define SMARTBOX_FS_BLKPTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BP_SHIFT 7
#define BP_DVAS 3
#define SECTOR_SHIFT 9
#define SECTOR_SIZE 512u
#define BLOCK_MAX_BYTES (16u << 20)
#define BLOCK_OLD_MAX_BYTES (128u << 10)

struct blkptr {
	uint64_t w[16];
};
_Static_assert(sizeof(struct blkptr) == 128, "blkptr is 128 bytes");

struct dva {
	uint32_t vdev;
	uint32_t asize_sectors;
	uint64_t offset; /* bytes from the start of the vdev's allocatable area */
	bool gang;
};

static inline uint64_t
bits_get(uint64_t w, unsigned lo, unsigned len)
{
	return ((w >> lo) & ((1ULL << len) - 1));
}

static inline uint64_t
bits_set(uint64_t w, unsigned lo, unsigned len, uint64_t v)
{
	uint64_t mask = ((1ULL << len) - 1) << lo;

	return ((w & ~mask) | ((v << lo) & mask));
}

static inline bool bp_is_embedded(const struct blkptr *bp) { return (bits_get(bp->w[6], 39, 1)); }
static inline bool
bp_is_hole(const struct blkptr *bp)
{
	return (!bp_is_embedded(bp) && bp->w[0] == 0 && bp->w[1] == 0);
}
/* Bytes of the block in memory; for embedded ones too. */
static inline uint32_t
bp_lsize(const struct blkptr *bp)
{
	if (bp_is_embedded(bp))
		return ((uint32_t)bits_get(bp->w[6], 0, 25) + 1);
	return (((uint32_t)bits_get(bp->w[6], 0, 16) + 1) << SECTOR_SHIFT);
}
/* Bytes on disk of one copy, before vdev rounding. */
static inline uint32_t
bp_psize(const struct blkptr *bp)
{
	if (bp_is_embedded(bp))
		return ((uint32_t)bits_get(bp->w[6], 25, 7) + 1);
	return (((uint32_t)bits_get(bp->w[6], 16, 16) + 1) << SECTOR_SHIFT);
}
static inline unsigned bp_compress(const struct blkptr *bp) { return (bits_get(bp->w[6], 32, 7)); }
static inline unsigned bp_checksum(const struct blkptr *bp) { return (bits_get(bp->w[6], 40, 8)); }
static inline unsigned bp_type(const struct blkptr *bp) { return (bits_get(bp->w[6], 48, 8)); }
static inline unsigned bp_level(const struct blkptr *bp) { return (bits_get(bp->w[6], 56, 5)); }
static inline bool bp_is_encrypted(const struct blkptr *bp) { return (bits_get(bp->w[6], 61, 1)); }
static inline bool bp_is_dedup(const struct blkptr *bp) { return (bits_get(bp->w[6], 62, 1)); }
static inline bool bp_is_little(const struct blkptr *bp) { return (bits_get(bp->w[6], 63, 1)); }
static inline uint64_t bp_birth(const struct blkptr *bp) { return (bp->w[10]); }
static inline uint64_t
bp_physical_birth(const struct blkptr *bp)
{
	return (bp->w[9] != 0 && !bp_is_embedded(bp) ? bp->w[9] : bp->w[10]);
}
static inline uint64_t
bp_fill(const struct blkptr *bp)
{
	return (bp_is_embedded(bp) ? 1 : bp->w[11]);
}

/* DVA i (0..2); asize 0 means absent.  Of an encrypted level-0 bp only 0 and 1 are DVAs. */
struct dva bp_dva(const struct blkptr *bp, int i);
void bp_dva_set(struct blkptr *bp, int i, const struct dva *d);
int bp_copies(const struct blkptr *bp);
uint64_t bp_asize(const struct blkptr *bp); /* bytes, sum over the DVAs */

/*
 * Shape check of a bp from the disk: sizes, ids in range, DVAs plausible (vdev < vdev_count, and
 * aligned).  0 or -EILSEQ.  Source: zfs.md facts on what OpenZFS verifies (docs/zfs-format.md).
 */
int bp_verify(const struct blkptr *bp, unsigned vdev_count);

/* Embedded payload: psize bytes, still compressed. */
void bp_embedded_get(const struct blkptr *bp, void *buf);
void bp_embedded_make(struct blkptr *bp, unsigned type, unsigned compress, uint32_t lsize,
    const void *payload, uint32_t psize, uint64_t birth);

/* DMU object types (docs/zfs-format.md). */
enum dmu_type {
	OT_NONE, OT_OBJECT_DIRECTORY, OT_OBJECT_ARRAY, OT_PACKED_NVLIST, OT_PACKED_NVLIST_SIZE,
	OT_BPOBJ, OT_BPOBJ_HDR, OT_SPACE_MAP_HEADER, OT_SPACE_MAP, OT_INTENT_LOG, OT_DNODE,
	OT_OBJSET, OT_DSL_DIR, OT_DSL_DIR_CHILD_MAP, OT_DSL_DS_SNAP_MAP, OT_DSL_PROPS,
	OT_DSL_DATASET, OT_ZNODE, OT_OLDACL, OT_PLAIN_FILE, OT_DIRECTORY, OT_MASTER_NODE,
	OT_UNLINKED_SET, OT_ZVOL, OT_ZVOL_PROP, OT_ERROR_LOG = 28, OT_SPA_HISTORY,
	OT_SPA_HISTORY_OFFSETS, OT_POOL_PROPS, OT_DSL_PERMS, OT_ACL, OT_SYSACL, OT_FUID,
	OT_FUID_SIZE, OT_NEXT_CLONES, OT_SCAN_QUEUE, OT_USERGROUP_USED, OT_USERGROUP_QUOTA,
	OT_USERREFS, OT_DDT_ZAP, OT_DDT_STATS, OT_SA, OT_SA_MASTER_NODE, OT_SA_ATTR_REGISTRATION,
	OT_SA_ATTR_LAYOUTS, OT_SCAN_XLATE, OT_DEDUP, OT_DEADLIST, OT_DEADLIST_HDR, OT_DSL_CLONES,
	OT_BPOBJ_SUBOBJ,
	OT_ZAP_METADATA = 0xC4, OT_U64_METADATA = 0xC3, OT_U8_METADATA = 0xC0,
};
bool dmu_type_is_metadata(unsigned type);

#endif
