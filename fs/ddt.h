/* SPDX-License-Identifier: MIT */
/* Dedup tables: which blocks of the pool are shared by content, and how often.  Theory: fs/ddt.c. */
#ifndef FS_DDT_H
#define FS_DDT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/fs/blkptr.h"

struct spa;
struct ddt_pool;

/* What the tables say all together: each block once, and as often as it is referenced. */
struct ddt_totals {
	uint64_t blocks, lsize, psize, dsize;
	uint64_t ref_blocks, ref_lsize, ref_psize, ref_dsize;
};
_Static_assert(sizeof(struct ddt_totals) == 64, "a bucket of the statistics on disk");

/* Find the tables of a pool that is being opened. */
int ddt_open(struct spa *spa);
void ddt_close(struct spa *spa);

/*
 * Is there a block with the checksum and sizes of bp in this many copies?  0: bp has its places and
 * physical birth now; -ENOENT.  No reference is taken yet.
 */
int ddt_find(struct spa *spa, struct blkptr *bp, unsigned copies);
/* One more reference to bp: one that ddt_find gave, or a new block that was just written. */
int ddt_add(struct spa *spa, const struct blkptr *bp, unsigned copies);
/* One reference less; the last one frees the space. */
int ddt_free(struct spa *spa, const struct blkptr *bp, uint64_t txg);
/* Write the statistics, remove tables that became empty: before the meta objset is written. */
int ddt_sync(struct spa *spa);

void ddt_totals(const struct spa *spa, struct ddt_totals *sum);
/* The same by how often a block is referenced: row i, 2^i times or more. */
enum { DDT_ROWS = 64 };
void ddt_histogram(const struct spa *spa, struct ddt_totals row[DDT_ROWS]);
/* What the tables take themselves: on disk, and when all of them is in memory. */
void ddt_table_bytes(const struct spa *spa, uint64_t *disk, uint64_t *core);
uint64_t ddt_saved(const struct spa *spa); /* bytes that sharing saves */

#endif
