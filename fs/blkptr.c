/* SPDX-License-Identifier: MIT */
/*
 * Block pointers: the parts that are more than a bit field.
 *
 * An embedded block pointer carries up to 112 bytes of packed data in all words but 6 (properties)
 * and 10 (birth); the payload fills the other words in memory order.
 */
#include <errno.h>
#include <string.h>

#include "smartbox/fs/blkptr.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"

#define GANG_BIT 63
#define EMBED_WORDS 14

/* The words that hold payload in an embedded bp, in order. */
static const uint8_t embed_word[EMBED_WORDS] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 15};

struct dva
bp_dva(const struct blkptr *bp, int i)
{
	uint64_t w0 = bp->w[2 * i], w1 = bp->w[2 * i + 1];
	struct dva d = {
	    .vdev = (uint32_t)bits_get(w0, 32, 24),
	    .asize_sectors = (uint32_t)bits_get(w0, 0, 24),
	    .offset = bits_get(w1, 0, GANG_BIT) << SECTOR_SHIFT,
	    .gang = bits_get(w1, GANG_BIT, 1) != 0,
	};

	return (d);
}

void
bp_dva_set(struct blkptr *bp, int i, const struct dva *d)
{
	bp->w[2 * i] = (uint64_t)d->vdev << 32 | d->asize_sectors;
	bp->w[2 * i + 1] = d->offset >> SECTOR_SHIFT | (uint64_t)d->gang << GANG_BIT;
}

/* Of an encrypted level-0 block the third DVA holds salt and IV. */
static int
dva_slots(const struct blkptr *bp)
{
	return (bp_is_encrypted(bp) ? BP_DVAS - 1 : BP_DVAS);
}

int
bp_copies(const struct blkptr *bp)
{
	int n = 0;

	if (bp_is_embedded(bp))
		return (0);
	while (n < dva_slots(bp) && bits_get(bp->w[2 * n], 0, 24) != 0)
		n++;
	return (n);
}

uint64_t
bp_asize(const struct blkptr *bp)
{
	uint64_t sum = 0;

	for (int i = 0, n = bp_copies(bp); i < n; i++)
		sum += bits_get(bp->w[2 * i], 0, 24) << SECTOR_SHIFT;
	return (sum);
}

static int
embedded_verify(const struct blkptr *bp)
{
	unsigned comp = bp_compress(bp);

	if (bp_level(bp) != 0 || bp_psize(bp) > EMBED_WORDS * 8 ||
	    bp_lsize(bp) > BLOCK_MAX_BYTES || comp <= COMP_ON || comp >= COMP_IDS)
		return (-EILSEQ);
	return (bits_get(bp->w[6], 40, 8) <= 1 ? 0 : -EILSEQ);
}

int
bp_verify(const struct blkptr *bp, unsigned vdev_count)
{
	unsigned comp = bp_compress(bp), sum = bp_checksum(bp);

	if (bp_is_embedded(bp))
		return (embedded_verify(bp));
	if (bp_is_hole(bp))
		return (0);
	if (comp <= COMP_ON || comp >= COMP_IDS || sum <= CK_ON || sum >= CK_IDS)
		return (-EILSEQ);
	if (bp_lsize(bp) > BLOCK_MAX_BYTES || bp_psize(bp) > bp_lsize(bp))
		return (-EILSEQ);
	if (comp == COMP_OFF && bp_psize(bp) != bp_lsize(bp))
		return (-EILSEQ);
	if (bp_copies(bp) == 0)
		return (-EILSEQ);
	for (int i = 0, n = bp_copies(bp); i < n; i++) {
		struct dva d = bp_dva(bp, i);

		/* 2^53 sectors are 2^62 bytes: no sum of offset and length can wrap. */
		if (d.vdev >= vdev_count || bits_get(bp->w[2 * i + 1], 0, GANG_BIT) >> 53 != 0)
			return (-EILSEQ);
	}
	return (0);
}

void
bp_embedded_get(const struct blkptr *bp, void *buf)
{
	uint8_t *out = buf;
	uint32_t left = bp_psize(bp);

	for (int i = 0; i < EMBED_WORDS && left > 0; i++) {
		uint32_t n = left < 8 ? left : 8;

		memcpy(out, &bp->w[embed_word[i]], n);
		out += n;
		left -= n;
	}
}

void
bp_embedded_make(struct blkptr *bp, unsigned type, unsigned compress, uint32_t lsize,
    const void *payload, uint32_t psize, uint64_t birth)
{
	const uint8_t *in = payload;
	uint32_t left = psize;

	*bp = (struct blkptr){0};
	for (int i = 0; i < EMBED_WORDS && left > 0; i++) {
		uint32_t n = left < 8 ? left : 8;

		memcpy(&bp->w[embed_word[i]], in, n);
		in += n;
		left -= n;
	}
	bp->w[6] = (uint64_t)(lsize - 1) | (uint64_t)(psize - 1) << 25 | (uint64_t)compress << 32 |
	    1ULL << 39 | (uint64_t)type << 48 | 1ULL << 63;
	bp->w[10] = birth;
}

bool
dmu_type_is_metadata(unsigned type)
{
	if (type & 0x80)
		return ((type & 0x40) != 0);
	switch (type) {
	case OT_PLAIN_FILE:
	case OT_ZVOL:
	case 25: /* data types of OpenZFS's own tests */
	case 26:
	case 27:
		return (false);
	default:
		return (true);
	}
}
