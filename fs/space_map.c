/* SPDX-License-Identifier: MIT */
/*
 * Space maps.
 *
 * A space map is a log of 64-bit words. Replaying it from the start gives what is allocated now:
 *
 *	0 | offset 47 | type 1 | run - 1 15		one word
 *	11 | run - 1 36 | vdev 24  then  type 1 | offset 63	two words
 *	10 | action 2 | pass 10 | txg 50		a remark for people
 *
 * Offsets and runs count sectors. The log only grows, so a txg costs what it changed; when it has
 * become much longer than what it says, the metaslab writes it anew (fs/metaslab.c). We write one-word
 * entries only: 2^47 sectors reach farther than a metaslab can.
 *
 * The header is the bonus buffer: object, length, allocated bytes, and in newer pools a histogram of
 * the free runs, by which a metaslab is judged without being read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/blkptr.h"
#include "space_map.h"
#include "spa_impl.h"

#define BLOCK_BYTES (16u << 10)
#define READ_BYTES (128u << 10)
#define RUN_MAX (1u << 15)
#define HISTOGRAM "com.delphix:spacemap_histogram"

struct space_map_phys {
	uint64_t object, length;
	int64_t alloc;
	uint64_t pad[5];
	uint64_t histogram[SPACE_BUCKETS];
};
_Static_assert(sizeof(struct space_map_phys) == 320, "space map header");
#define HEADER_OLD 24u

/* --- words --- */

static bool
is_debug(uint64_t w)
{
	return (w >> 62 == 2);
}

static bool
is_double(uint64_t w)
{
	return (w >> 62 == 3);
}

static int
scale(uint64_t off, uint64_t run, unsigned shift, struct space_entry *e)
{
	if (off >> (62 - shift) != 0 || run >> (61 - shift) != 0)
		return (-EILSEQ);
	e->off = off << shift;
	e->len = run << shift;
	return (0);
}

int
space_map_decode(const uint64_t *w, size_t n, unsigned shift, space_entry_fn *fn, void *arg)
{
	for (size_t i = 0; i < n; i++) {
		struct space_entry e;
		int rc;

		if (is_debug(w[i]))
			continue;
		if (is_double(w[i])) {
			if (i + 1 == n)
				return (-EILSEQ);
			e.vdev = (uint32_t)bits_get(w[i], 0, 24);
			e.is_free = bits_get(w[i + 1], 63, 1) != 0;
			rc = scale(bits_get(w[i + 1], 0, 63), bits_get(w[i], 24, 36) + 1, shift, &e);
			i++;
		} else {
			e.vdev = SPACE_NO_VDEV;
			e.is_free = bits_get(w[i], 15, 1) != 0;
			rc = scale(bits_get(w[i], 16, 47), bits_get(w[i], 0, 15) + 1, shift, &e);
		}
		if (rc == 0)
			rc = fn(arg, &e);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

static int
add_word(struct space_words *w, uint64_t word)
{
	if (w->n == w->cap) {
		size_t cap = w->cap != 0 ? 2 * w->cap : 64;
		uint64_t *p = realloc(w->w, cap * sizeof(*p));

		if (p == NULL)
			return (-ENOMEM);
		w->w = p;
		w->cap = cap;
	}
	w->w[w->n++] = word;
	return (0);
}

int
space_words_add(struct space_words *w, uint64_t off, uint64_t len, unsigned shift, bool is_free)
{
	int rc = 0;

	off >>= shift;
	len >>= shift;
	while (rc == 0 && len > 0) {
		uint64_t run = len < RUN_MAX ? len : RUN_MAX;

		rc = add_word(w, off << 16 | (uint64_t)is_free << 15 | (run - 1));
		off += run;
		len -= run;
	}
	return (rc);
}

int
space_words_debug(struct space_words *w, uint64_t txg, unsigned pass, bool is_free)
{
	return (add_word(w, 2ULL << 62 | (uint64_t)is_free << 60 | bits_get(pass, 0, 10) << 50 |
	    bits_get(txg, 0, 50)));
}

void
space_words_free(struct space_words *w)
{
	free(w->w);
	*w = (struct space_words){NULL, 0, 0};
}

/* --- the object --- */

int
space_map_open(struct objset *mos, uint64_t object, struct space_map *sm)
{
	struct space_map_phys phys = {0};
	struct dbuf *bonus;
	size_t n;
	int rc;

	*sm = (struct space_map){.object = object};
	if (object == 0)
		return (0);
	if ((rc = dmu_bonus_hold(mos, object, &bonus)) != 0)
		return (rc);
	n = dbuf_size(bonus) < sizeof(phys) ? dbuf_size(bonus) : sizeof(phys);
	memcpy(&phys, dbuf_data(bonus), n);
	dbuf_rele(bonus);
	if (n < HEADER_OLD || phys.length % 8 != 0)
		return (-EILSEQ);
	sm->length = phys.length;
	sm->alloc = phys.alloc;
	sm->has_histogram = n == sizeof(phys);
	memcpy(sm->histogram, phys.histogram, sizeof(sm->histogram));
	return (0);
}

int
space_map_create(struct objset *mos, struct space_map *sm)
{
	struct spa *spa = objset_spa(mos);
	bool histogram = spa_feature_enabled(spa, HISTOGRAM);
	uint64_t object;
	int rc;

	rc = dmu_object_alloc(mos, OT_SPACE_MAP, BLOCK_BYTES, OT_SPACE_MAP_HEADER,
	    histogram ? sizeof(struct space_map_phys) : HEADER_OLD, &object);
	if (rc == 0 && histogram)
		rc = spa_feature_change(spa, HISTOGRAM, 1);
	if (rc == 0)
		*sm = (struct space_map){.object = object, .has_histogram = histogram};
	return (rc);
}

int
space_map_destroy(struct objset *mos, struct space_map *sm)
{
	int rc = sm->has_histogram ? spa_feature_change(objset_spa(mos), HISTOGRAM, -1) : 0;

	return (rc != 0 ? rc : dmu_object_free(mos, sm->object));
}

int
space_map_iterate(struct objset *mos, const struct space_map *sm, unsigned shift,
    space_entry_fn *fn, void *arg)
{
	uint64_t *w = malloc(READ_BYTES);
	int rc = w == NULL ? -ENOMEM : 0;

	/* Two-word entries do not cross a block end, and every block size in use divides READ_BYTES. */
	for (uint64_t off = 0; rc == 0 && off < sm->length;) {
		uint64_t n = sm->length - off < READ_BYTES ? sm->length - off : READ_BYTES;

		rc = dmu_read(mos, sm->object, off, n, w);
		if (rc == 0)
			rc = space_map_decode(w, n / 8, shift, fn, arg);
		off += n;
	}
	free(w);
	return (rc);
}

int
space_map_append(struct objset *mos, struct space_map *sm, const struct space_words *w)
{
	int rc = w->n == 0 ? 0 : dmu_write(mos, sm->object, sm->length, w->n * 8, w->w);

	if (rc == 0)
		sm->length += w->n * 8;
	return (rc);
}

int
space_map_truncate(struct objset *mos, struct space_map *sm)
{
	int rc = dmu_free_range(mos, sm->object, 0, UINT64_MAX);

	if (rc == 0)
		sm->length = 0;
	return (rc);
}

int
space_map_write_header(struct objset *mos, const struct space_map *sm)
{
	struct space_map_phys phys = {.object = sm->object, .length = sm->length, .alloc = sm->alloc};
	struct dbuf *bonus;
	size_t n;
	int rc = dmu_bonus_hold(mos, sm->object, &bonus);

	if (rc != 0)
		return (rc);
	memcpy(phys.histogram, sm->histogram, sizeof(phys.histogram));
	n = dbuf_size(bonus) < sizeof(phys) ? dbuf_size(bonus) : sizeof(phys);
	if ((rc = dbuf_dirty(bonus)) == 0)
		memcpy(dbuf_data(bonus), &phys, n);
	dbuf_rele(bonus);
	return (rc);
}
