/* SPDX-License-Identifier: MIT */
/*
 * Space maps: the log of allocations and frees of one metaslab, an object of the meta objset.
 *
 * Internal to fs/. Format: docs/zfs-format.md, "Space maps".
 */
#ifndef FS_SPACE_MAP_H
#define FS_SPACE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/fs/dmu.h"

#define SPACE_BUCKETS 32
#define SPACE_NO_VDEV UINT32_MAX

struct space_entry {
	uint64_t off, len; /* bytes */
	bool is_free;
	uint32_t vdev; /* of two-word entries (log space maps); SPACE_NO_VDEV in one-word ones */
};

typedef int space_entry_fn(void *arg, const struct space_entry *e);

/*
 * Every entry of nwords words, in order; offsets and runs are in units of 1 << shift. A non-zero
 * return of fn ends it. -EILSEQ: an entry cut off, a range that does not fit 63 bits.
 */
int space_map_decode(const uint64_t *words, size_t nwords, unsigned shift, space_entry_fn *fn,
    void *arg);

/* Words for a range (several when it is long), for a debug word. Appended to *w; -ENOMEM. */
struct space_words {
	uint64_t *w;
	size_t n, cap;
};
int space_words_add(struct space_words *w, uint64_t off, uint64_t len, unsigned shift, bool is_free);
int space_words_debug(struct space_words *w, uint64_t txg, unsigned pass, bool is_free);
void space_words_free(struct space_words *w);

/* The object, its header in memory. object 0: there is none yet. */
struct space_map {
	uint64_t object;
	uint64_t length; /* bytes of the log */
	int64_t alloc;	 /* bytes allocated after it */
	bool has_histogram;
	uint64_t histogram[SPACE_BUCKETS]; /* free runs of 2^(i + shift) .. bytes */
};

int space_map_open(struct objset *mos, uint64_t object, struct space_map *sm);
/* Makes the object; counts the feature of the histogram when it is enabled. */
int space_map_create(struct objset *mos, struct space_map *sm);
int space_map_destroy(struct objset *mos, struct space_map *sm);
int space_map_iterate(struct objset *mos, const struct space_map *sm, unsigned shift,
    space_entry_fn *fn, void *arg);
int space_map_append(struct objset *mos, struct space_map *sm, const struct space_words *w);
/* Drop the log, to write a shorter one with the same meaning. */
int space_map_truncate(struct objset *mos, struct space_map *sm);
/* Write length, alloc and histogram. */
int space_map_write_header(struct objset *mos, const struct space_map *sm);

#endif
