/* SPDX-License-Identifier: MIT */
/*
 * Labels and uberblocks on one device.
 *
 * Theory
 * ------
 * A device has four labels of 256 KiB, two at the start and two at the end, so that no single
 * accident (a partition table, a truncated copy, a write that was torn) takes all. Each holds the
 * configuration (who am I, what does my top-level look like, which pool) and a ring of uberblocks.
 *
 *	0          16 KiB                128 KiB          256 KiB
 *	| pad, boot | config nvlist | eck | uberblock slots      |
 *
 * Both parts carry their own SHA-256 with the place where they belong mixed in. A slot is as big as
 * the sector (1 to 8 KiB), so that writing one cannot damage its neighbour; the slot is txg modulo
 * their number, so that the last many roots stay.
 *
 * The order of writes that makes a txg durable is the caller's (spa_sync): labels 0 and 2, flush,
 * uberblocks, flush, labels 1 and 3, flush. At each moment two labels agree with the newest
 * uberblock.
 *
 * What is read here comes from strange disks: nothing is used before its checksum fits, and then only
 * as input. Layout: docs/zfs-format.md, "Labels".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/checksum.h"
#include "smartbox/fs/label.h"

#define LABEL_SIZE 0x40000ULL
#define LABELS 4
#define CONFIG_OFFSET 0x4000u
#define CONFIG_SIZE 0x1c000u
#define RING_OFFSET 0x20000u
#define RING_SIZE 0x20000u

_Static_assert(offsetof(struct uberblock, rootbp) == 40, "uberblock layout");
_Static_assert(offsetof(struct uberblock, mmp_magic) == 176, "uberblock layout");
_Static_assert(offsetof(struct uberblock, checkpoint_txg) == 200, "uberblock layout");

uint64_t
label_psize(uint64_t size)
{
	return (size & ~(LABEL_SIZE - 1));
}

static uint64_t
label_offset(uint64_t psize, int label)
{
	return (label < 2 ? label * LABEL_SIZE : psize - (LABELS - label) * LABEL_SIZE);
}

static struct cksum
place(uint64_t off)
{
	return ((struct cksum){{off, 0, 0, 0}});
}

/* --- configuration --- */

static int
read_config(struct bdev *bd, uint64_t off, uint8_t *buf, struct nvlist **out, struct err *e)
{
	struct cksum where = place(off);

	if (bdev_read(bd, buf, CONFIG_SIZE, off) != 0)
		return (-EIO);
	if (!eck_valid(buf, CONFIG_SIZE, &where, NULL))
		return (-ENOENT);
	return (nv_unpack(buf, CONFIG_SIZE - ECK_SIZE, out, e));
}

/* Best: the highest txg; the first one among equals. */
static void
keep_better(struct nvlist **best, struct nvlist *nv)
{
	if (*best == NULL || nv_u64_or(nv, "txg", 0) > nv_u64_or(*best, "txg", 0)) {
		nv_free(*best);
		*best = nv;
	} else {
		nv_free(nv);
	}
}

int
label_read(struct bdev *bd, struct nvlist **out, struct err *e)
{
	return (label_read_until(bd, UINT64_MAX, out, e));
}

int
label_read_until(struct bdev *bd, uint64_t max_txg, struct nvlist **out, struct err *e)
{
	uint64_t psize = label_psize(bd->size);
	struct nvlist *best = NULL;
	int unreadable = 0;
	uint8_t *buf;

	if (psize < LABELS * LABEL_SIZE)
		return (err_set(e, ENOENT, "%s: too small for a label", bd->name));
	if ((buf = malloc(CONFIG_SIZE)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (int i = 0; i < LABELS; i++) {
		struct nvlist *nv;
		int rc = read_config(bd, label_offset(psize, i) + CONFIG_OFFSET, buf, &nv, e);

		unreadable += rc == -EIO;
		if (rc == 0 && nv_u64_or(nv, "txg", 0) > max_txg)
			nv_free(nv);
		else if (rc == 0)
			keep_better(&best, nv);
	}
	free(buf);
	if (best == NULL && unreadable == LABELS)
		return (err_set(e, EIO, "%s: no label can be read", bd->name));
	if (best == NULL)
		return (err_set(e, ENOENT, "%s: no valid label", bd->name));
	*out = best;
	return (0);
}

int
label_write(struct bdev *bd, uint64_t psize, const struct nvlist *nv, unsigned mask)
{
	uint8_t *area = calloc(1, CONFIG_SIZE);
	void *packed = NULL;
	size_t len;
	int rc = area == NULL ? -ENOMEM : nv_pack(nv, &packed, &len);

	if (rc == 0 && len > CONFIG_SIZE - ECK_SIZE)
		rc = -E2BIG;
	if (rc == 0)
		memcpy(area, packed, len);
	for (int i = 0; rc == 0 && i < LABELS; i++) {
		uint64_t off = label_offset(psize, i) + CONFIG_OFFSET;
		struct cksum where = place(off);

		if ((mask >> i & 1) == 0)
			continue;
		eck_seal(area, CONFIG_SIZE, &where);
		rc = bdev_write(bd, area, CONFIG_SIZE, off);
	}
	free(packed);
	free(area);
	return (rc);
}

int
label_clear(struct bdev *bd)
{
	uint64_t psize = label_psize(bd->size);
	uint8_t *zero;
	int rc = 0;

	if (psize < LABELS * LABEL_SIZE)
		return (-ENOSPC);
	if ((zero = calloc(1, LABEL_SIZE)) == NULL)
		return (-ENOMEM);
	for (int i = 0; rc == 0 && i < LABELS; i++)
		rc = bdev_write(bd, zero, LABEL_SIZE, label_offset(psize, i));
	free(zero);
	return (rc);
}

/* --- uberblocks --- */

static unsigned
slot_shift(unsigned ashift)
{
	return (ashift < 10 ? 10 : ashift > 13 ? 13 : ashift);
}

/* Multihost sequence number, 0 when there is none. */
static uint64_t
mmp_sequence(const struct uberblock *ub)
{
	if (ub->mmp_magic != MMP_MAGIC || (ub->mmp_config & 2) == 0)
		return (0);
	return (bits_get(ub->mmp_config, 32, 16));
}

bool
uberblock_newer(const struct uberblock *a, const struct uberblock *b)
{
	if (a->txg != b->txg)
		return (a->txg > b->txg);
	if (a->timestamp != b->timestamp)
		return (a->timestamp > b->timestamp);
	return (mmp_sequence(a) > mmp_sequence(b));
}

static bool
slot_valid(const uint8_t *slot, size_t size, uint64_t off, struct uberblock *ub)
{
	struct cksum where = place(off);
	bool swapped;

	memcpy(ub, slot, sizeof(*ub));
	if (ub->magic != UBERBLOCK_MAGIC && ub->magic != __builtin_bswap64(UBERBLOCK_MAGIC))
		return (false);
	if (!eck_valid(slot, size, &where, &swapped))
		return (false);
	for (size_t i = 0; swapped && i < sizeof(*ub) / 8; i++) {
		uint64_t *w = (uint64_t *)ub + i;

		*w = __builtin_bswap64(*w);
	}
	return (ub->magic == UBERBLOCK_MAGIC);
}

struct ring_search {
	uint64_t min_txg, max_txg;
	bool found;
	struct uberblock best;
};

static void
search_ring(struct ring_search *s, const uint8_t *ring, uint64_t off, unsigned shift)
{
	size_t size = (size_t)1 << shift;

	for (size_t at = 0; at < RING_SIZE; at += size) {
		struct uberblock ub;
		uint64_t txg;

		/* Cheap refusals first: hashing all slots of many disks is slow. */
		memcpy(&txg, ring + at + 16, 8);
		if (s->found && txg < s->best.txg)
			continue;
		if (!slot_valid(ring + at, size, off + at, &ub) || ub.txg > s->max_txg ||
		    ub.txg < s->min_txg)
			continue;
		if (!s->found || uberblock_newer(&ub, &s->best))
			s->best = ub;
		s->found = true;
	}
}

static int
search_device(struct bdev *bd, unsigned ashift, struct ring_search *s)
{
	uint64_t psize = label_psize(bd->size);
	uint8_t *ring = malloc(RING_SIZE);
	int readable = 0;

	if (ring == NULL)
		return (-ENOMEM);
	for (int i = 0; i < LABELS && psize >= LABELS * LABEL_SIZE; i++) {
		uint64_t off = label_offset(psize, i) + RING_OFFSET;

		if (bdev_read(bd, ring, RING_SIZE, off) != 0)
			continue;
		readable++;
		search_ring(s, ring, off, slot_shift(ashift));
	}
	free(ring);
	return (s->found ? 0 : readable > 0 ? -ENOENT : -EIO);
}

int
label_best_uberblock(struct bdev *bd, unsigned ashift, uint64_t max_txg, struct uberblock *ub,
    struct err *e)
{
	struct ring_search s = {.max_txg = max_txg};
	int rc = search_device(bd, ashift, &s);

	if (rc == 0)
		*ub = s.best;
	return (err_rc(e, rc, "%s: no valid uberblock", bd->name));
}

int
label_uberblock_at(struct bdev *bd, unsigned ashift, uint64_t txg, struct uberblock *ub)
{
	struct ring_search s = {.min_txg = txg, .max_txg = txg};
	int rc = search_device(bd, ashift, &s);

	if (rc == 0)
		*ub = s.best;
	return (rc);
}

int
label_write_uberblock(struct bdev *bd, uint64_t psize, unsigned ashift, const struct uberblock *ub)
{
	size_t size = (size_t)1 << slot_shift(ashift), slots = RING_SIZE / size;
	/* With multihost on, the last slot belongs to its heartbeat. */
	size_t slot = ub->txg % (slots - (ub->mmp_delay != 0));
	uint8_t buf[8192] = {0};
	int rc = 0;

	memcpy(buf, ub, sizeof(*ub));
	for (int i = 0; i < LABELS; i++) {
		uint64_t off = label_offset(psize, i) + RING_OFFSET + slot * size;
		struct cksum where = place(off);
		int err;

		eck_seal(buf, size, &where);
		if ((err = bdev_write(bd, buf, size, off)) != 0 && rc == 0)
			rc = err;
	}
	return (rc);
}
