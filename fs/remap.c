/* SPDX-License-Identifier: MIT */
/*
 * Mappings: where the space of a top-level that leaves the pool went.
 *
 * Theory
 * ------
 * Block pointers are never rewritten, so that a top-level that left is still named by them. Its mapping
 * says where each range is now:
 *
 *	old address   |--- entry 0 ---|   (was free)   |- entry 1 -|-- entry 2 --|
 *	                      |                              |            |
 *	now           vdev 0, offset x             vdev 2, offset y   vdev 0, offset z
 *
 * A block may span entries, and the target may have left too since then (bounded hops, because a damaged
 * pool may have a circle).
 *
 * On disk: the mapping object (entries, appended), a count per entry of bytes that nobody refers to, as of
 * the last condensing, a log of what became so since (the obsolete space map, named in the top-level's
 * ZAP), and the births: which txg copied everything up to an offset. The feature obsolete_counts counts
 * these objects; pools without it keep no counts.
 *
 *	freed block --> target freed (in its metaslab)
 *	            \-> `obsolete` --sync--> obsolete space map --condense--> counts; empty entries go
 *
 * Condensing writes counts and entries anew, in one txg: there is no state in between. OpenZFS does it
 * over many; one that it left half-way is done with here at import (fs/removal.c).
 *
 * Invariants
 *  1. Entries are sorted, do not overlap, and are only appended: remap_end() never goes back.
 *  2. What is in `obsolete` or the obsolete space map is mapped, and is in there once.
 *  3. Counts, obsolete space map and `obsolete` together are exactly what no block refers to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "metaslab_impl.h"
#include "remap.h"
#include "removal.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"
#include "vdev_impl.h"

#define REMOVAL_FEATURE "com.delphix:device_removal"
#define COUNTS_FEATURE "com.delphix:obsolete_counts"
#define PRECISE "com.delphix:obsolete_counts_are_precise"
#define OBSOLETE "com.delphix:indirect_obsolete_sm"
#define OBJECT_KEY "com.delphix:indirect_object"
#define BIRTHS_KEY "com.delphix:indirect_births"

#define OT_WORDS64 0xC3u /* metadata in words of 64 and of 32 bits */
#define OT_WORDS32 0xC2u
#define BLOCK (128u << 10)
#define HOPS_MAX 64u
#define ENTRIES_MAX (1u << 24)
#define CONDENSE_PERCENT 25 /* of it obsolete */

struct mapping_header {
	uint64_t max_offset, bytes_mapped, entries, counts_object;
};
#define HEADER_OLD (3 * sizeof(uint64_t)) /* without counts */
struct mapping_entry {
	uint64_t source; /* sectors; bit 63 is a mark that does not concern us */
	uint64_t dva[2];
};
struct mapping_birth {
	uint64_t end, txg;
};
_Static_assert(sizeof(struct mapping_entry) == 24, "mapping entry");

/* --- in memory -------------------------------------------------------------------------------- */

void
remap_free(struct vdev_remap *m)
{
	if (m == NULL)
		return;
	range_clear(&m->obsolete);
	free(m->entry);
	free(m);
}

uint64_t
remap_end(const struct vdev_remap *m)
{
	return (m->n == 0 ? 0 : m->entry[m->n - 1].src + m->entry[m->n - 1].len);
}

int
remap_add(struct vdev_remap *m, const struct remap_entry *e)
{
	if (m->n >= ENTRIES_MAX || e->src < remap_end(m))
		return (-EILSEQ);
	if (m->n == m->room) {
		size_t room = m->room != 0 ? 2 * m->room : 64;
		struct remap_entry *p = realloc(m->entry, room * sizeof(*p));

		if (p == NULL)
			return (-ENOMEM);
		m->entry = p;
		m->room = room;
	}
	m->entry[m->n++] = *e;
	m->bytes += e->len;
	return (0);
}

/* The entry with the greatest source not above off, NULL when there is none. */
static const struct remap_entry *
entry_at(const struct vdev_remap *m, uint64_t off)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->entry[mid].src <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo == 0 ? NULL : &m->entry[lo - 1]);
}

int
remap_each(const struct vdev_remap *m, uint64_t off, uint64_t len, remap_fn *fn, void *arg)
{
	while (len > 0) {
		const struct remap_entry *en = entry_at(m, off);
		uint64_t n;
		int rc;

		if (en == NULL || off - en->src >= en->len)
			return (-EILSEQ);
		n = en->len - (off - en->src) < len ? en->len - (off - en->src) : len;
		if ((rc = fn(arg, en, off, n)) != 0)
			return (rc);
		off += n;
		len -= n;
	}
	return (0);
}

/* --- giving back what it became --------------------------------------------------------------- */

struct releasing {
	struct spa *spa;
	bool keep;
	unsigned hops;
};

static int release(const struct releasing *r, struct vdev *top, uint64_t off, uint64_t len);

static int
release_concrete(const struct releasing *r, const struct vdev *top, uint64_t off, uint64_t len)
{
	struct dva d = {.vdev = (uint32_t)top->id, .asize_sectors = (uint32_t)(len >> SECTOR_SHIFT),
	    .offset = off};

	return (r->keep ? metaslab_keep_here(r->spa, &d) : metaslab_free_here(r->spa, &d));
}

static int
release_piece(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	const struct releasing *above = arg;
	struct releasing r = {above->spa, above->keep, above->hops - 1};
	struct vdev *to = vdev_top(above->spa->root, en->dst_vdev);

	return (to == NULL || r.hops == 0 ? -EILSEQ : release(&r, to, en->dst + (off - en->src), len));
}

static int
release(const struct releasing *r, struct vdev *top, uint64_t off, uint64_t len)
{
	uint64_t end = top->remap != NULL ? remap_end(top->remap) : 0;
	int rc;

	if (top->kind != VDEV_INDIRECT) {
		if ((rc = release_concrete(r, top, off, len)) != 0 || top->remap == NULL)
			return (rc);
		if (off + len > end)
			removal_note_freed(r->spa, off > end ? off : end,
			    off > end ? len : off + len - end);
		if (off >= end)
			return (0);
		len = len < end - off ? len : end - off;
	} else if (top->remap == NULL) {
		return (-EILSEQ);
	}
	if (spa_feature_enabled(r->spa, COUNTS_FEATURE) &&
	    (rc = range_add(&top->remap->obsolete, off, len)) != 0)
		return (rc == -EEXIST ? -EILSEQ : rc);
	return (remap_each(top->remap, off, len, release_piece, (void *)(uintptr_t)r));
}

int
remap_release(struct spa *spa, struct vdev *top, uint64_t off, uint64_t len, bool keep)
{
	struct releasing r = {spa, keep, HOPS_MAX};

	return (len == 0 || off + len < off ? -EILSEQ : release(&r, top, off, len));
}

/* --- objects ---------------------------------------------------------------------------------- */

static int
put_bonus(struct spa *spa, uint64_t object, const void *what, size_t len)
{
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(spa->mos, object, &bonus);

	if (rc != 0)
		return (rc);
	if (dbuf_size(bonus) < len)
		rc = -EILSEQ;
	else if ((rc = dbuf_dirty(bonus)) == 0)
		memcpy(dbuf_data(bonus), what, len);
	dbuf_rele(bonus);
	return (rc);
}

static int
put_header(struct spa *spa, const struct vdev_remap *m)
{
	struct mapping_header h = {remap_end(m), m->bytes, m->n, m->counts_object};

	return (put_bonus(spa, m->object, &h, m->counts_object != 0 ? sizeof(h) : HEADER_OLD));
}

/* The mapping and, if the pool keeps them, the counts. */
static int
make_mapping(struct spa *spa, struct vdev_remap *m)
{
	bool counts = spa_feature_enabled(spa, COUNTS_FEATURE);
	int rc;

	m->counts_object = 0;
	if ((rc = dmu_object_alloc(spa->mos, OT_WORDS64, BLOCK, OT_WORDS64,
	    counts ? sizeof(struct mapping_header) : HEADER_OLD, &m->object)) != 0)
		return (rc);
	if (counts && ((rc = dmu_object_alloc(spa->mos, OT_WORDS32, BLOCK, OT_NONE, 0,
	    &m->counts_object)) != 0 || (rc = spa_feature_change(spa, COUNTS_FEATURE, 1)) != 0))
		return (rc);
	return (put_header(spa, m));
}

static int
unmake_mapping(struct spa *spa, const struct vdev_remap *m)
{
	int rc = dmu_object_free(spa->mos, m->object);

	if (rc == 0 && m->counts_object != 0 &&
	    (rc = dmu_object_free(spa->mos, m->counts_object)) == 0)
		rc = spa_feature_change(spa, COUNTS_FEATURE, -1);
	return (rc);
}

static int
name_in_config(struct vdev *top, const char *key, uint64_t object)
{
	nv_remove(top->extra, key);
	return (object != 0 ? nv_add_u64(top->extra, key, object) : 0);
}

static int
promise_precision(struct spa *spa, const struct vdev *top)
{
	uint64_t one = 1;
	int rc;

	if (!spa_feature_enabled(spa, COUNTS_FEATURE))
		return (0);
	rc = zap_update(spa->mos, top->zap_top, PRECISE, 8, 1, &one);
	return (rc != 0 ? rc : spa_feature_change(spa, COUNTS_FEATURE, 1));
}

int
remap_create(struct spa *spa, struct vdev *top)
{
	struct vdev_remap *m = calloc(1, sizeof(*m));
	int rc;

	if (m == NULL || (top->extra == NULL && (top->extra = nv_new()) == NULL)) {
		free(m);
		return (-ENOMEM);
	}
	top->remap = m;
	if ((rc = spa_feature_change(spa, REMOVAL_FEATURE, 1)) != 0 ||
	    (rc = vdev_zaps_enable(spa)) != 0 || (rc = promise_precision(spa, top)) != 0 ||
	    (rc = make_mapping(spa, m)) != 0 ||
	    (rc = dmu_object_alloc(spa->mos, OT_WORDS64, BLOCK, OT_WORDS64, sizeof(uint64_t),
	    &m->births_object)) != 0 ||
	    (rc = name_in_config(top, OBJECT_KEY, m->object)) != 0)
		return (rc);
	return (name_in_config(top, BIRTHS_KEY, m->births_object));
}

static int
drop_obsolete_map(struct spa *spa, const struct vdev *top)
{
	struct space_map *sm = &top->remap->obsolete_sm;
	int rc;

	if (sm->object == 0)
		return (0);
	if ((rc = zap_remove(spa->mos, top->zap_top, OBSOLETE)) == 0 &&
	    (rc = space_map_destroy(spa->mos, sm)) == 0)
		rc = spa_feature_change(spa, COUNTS_FEATURE, -1);
	*sm = (struct space_map){.object = 0};
	return (rc);
}

static int
drop_precision(struct spa *spa, const struct vdev *top)
{
	int rc = zap_remove(spa->mos, top->zap_top, PRECISE);

	if (rc == -ENOENT)
		return (0);
	return (rc != 0 ? rc : spa_feature_change(spa, COUNTS_FEATURE, -1));
}

int
remap_destroy(struct spa *spa, struct vdev *top)
{
	struct vdev_remap *m = top->remap;
	int rc;

	if ((rc = drop_obsolete_map(spa, top)) != 0 || (rc = drop_precision(spa, top)) != 0 ||
	    (rc = unmake_mapping(spa, m)) != 0 ||
	    (rc = dmu_object_free(spa->mos, m->births_object)) != 0 ||
	    (rc = spa_feature_change(spa, REMOVAL_FEATURE, -1)) != 0)
		return (rc);
	(void)name_in_config(top, OBJECT_KEY, 0);
	(void)name_in_config(top, BIRTHS_KEY, 0);
	top->remap = NULL;
	remap_free(m);
	return (0);
}

/* --- in a sync -------------------------------------------------------------------------------- */

static void
encode(const struct remap_entry *en, struct mapping_entry *out)
{
	struct blkptr bp = {{0}};

	bp_dva_set(&bp, 0, &(struct dva){.vdev = (uint32_t)en->dst_vdev,
	    .asize_sectors = (uint32_t)(en->len >> SECTOR_SHIFT), .offset = en->dst});
	*out = (struct mapping_entry){en->src >> SECTOR_SHIFT, {bp.w[0], bp.w[1]}};
}

static int
write_entries(struct spa *spa, struct vdev_remap *m)
{
	size_t n = m->n - m->saved;
	struct mapping_entry *out = calloc(n + 1, sizeof(*out));
	uint32_t *count = calloc(n + 1, sizeof(*count));
	int rc = out == NULL || count == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		encode(&m->entry[m->saved + i], &out[i]);
		count[i] = m->entry[m->saved + i].obsolete;
	}
	if (rc == 0 && n > 0)
		rc = dmu_write(spa->mos, m->object, m->saved * sizeof(*out), n * sizeof(*out), out);
	if (rc == 0 && n > 0 && m->counts_object != 0)
		rc = dmu_write(spa->mos, m->counts_object, m->saved * sizeof(*count),
		    n * sizeof(*count), count);
	free(out);
	free(count);
	if (rc != 0)
		return (rc);
	m->saved = m->n;
	return (put_header(spa, m));
}

/* All up to the end was copied in this txg, as far as it was not before. */
static int
write_birth(struct spa *spa, struct vdev_remap *m)
{
	struct mapping_birth b = {remap_end(m), spa->txg};
	int rc = dmu_write(spa->mos, m->births_object, m->nbirths * sizeof(b), sizeof(b), &b);

	if (rc != 0)
		return (rc);
	m->nbirths++;
	return (put_bonus(spa, m->births_object, &m->nbirths, sizeof(m->nbirths)));
}

static int
make_obsolete_map(struct spa *spa, struct vdev *top)
{
	struct space_map *sm = &top->remap->obsolete_sm;
	int rc;

	if (sm->object != 0)
		return (0);
	if ((rc = vdev_zaps_enable(spa)) != 0 || (rc = space_map_create(spa->mos, sm)) != 0 ||
	    (rc = zap_update(spa->mos, top->zap_top, OBSOLETE, 8, 1, &sm->object)) != 0)
		return (rc);
	return (spa_feature_change(spa, COUNTS_FEATURE, 1));
}

static int
add_word(void *arg, uint64_t off, uint64_t len)
{
	return (space_words_add(arg, off, len, 0, false));
}

static int
write_obsolete(struct spa *spa, struct vdev *top)
{
	struct space_map *sm = &top->remap->obsolete_sm;
	struct range_tree t = RANGE_TREE_INIT;
	struct space_words w = {NULL, 0, 0};
	int rc;

	range_move(&t, &top->remap->obsolete); /* what writing it makes obsolete is for the next pass */
	if ((rc = make_obsolete_map(spa, top)) == 0 &&
	    (rc = space_words_debug(&w, spa->txg, (unsigned)spa->pass, false)) == 0 &&
	    (rc = range_walk(&t, add_word, &w)) == 0 &&
	    (rc = space_map_append(spa->mos, sm, &w)) == 0) {
		sm->alloc += (int64_t)t.bytes;
		rc = space_map_write_header(spa->mos, sm);
	}
	space_words_free(&w);
	range_clear(&t);
	return (rc);
}

int
remap_sync(struct spa *spa, struct vdev *top)
{
	struct vdev_remap *m = top->remap;
	bool wrote = false;
	int rc = 0;

	if (m->saved < m->n) {
		wrote = true;
		if ((rc = write_entries(spa, m)) == 0)
			rc = write_birth(spa, m);
	}
	if (rc == 0 && m->obsolete.count != 0) {
		wrote = true;
		rc = write_obsolete(spa, top);
	}
	return (rc != 0 ? rc : wrote);
}

/* --- condensing ------------------------------------------------------------------------------- */

bool
remap_is_long(const struct vdev *top, uint64_t least)
{
	const struct vdev_remap *m = top->remap;

	return (top->kind == VDEV_INDIRECT && m != NULL && m->obsolete_sm.object != 0 &&
	    m->n * sizeof(struct mapping_entry) > least &&
	    (uint64_t)m->obsolete_sm.alloc / CONDENSE_PERCENT > m->bytes / 100);
}

static int
count_piece(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	struct remap_entry *own = (struct remap_entry *)(uintptr_t)en; /* of the mapping at hand */

	(void)arg;
	(void)off;
	if (len > en->len - own->obsolete)
		return (-EILSEQ);
	own->obsolete += (uint32_t)len;
	return (0);
}

static int
count_entry(void *arg, const struct space_entry *en)
{
	const struct vdev_remap *m = arg;

	return (en->is_free ? -EILSEQ : remap_each(m, en->off, en->len, count_piece, NULL));
}

static int
read_counts(struct spa *spa, struct vdev_remap *m)
{
	uint32_t *count;
	int rc;

	for (size_t i = 0; i < m->n; i++)
		m->entry[i].obsolete = 0;
	if (m->counts_object == 0)
		return (0);
	if ((count = calloc(m->n + 1, sizeof(*count))) == NULL)
		return (-ENOMEM);
	rc = dmu_read(spa->mos, m->counts_object, 0, m->n * sizeof(*count), count);
	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		m->entry[i].obsolete = count[i];
		rc = count[i] > m->entry[i].len ? -EILSEQ : 0;
	}
	free(count);
	return (rc);
}

static void
leave_out_obsolete(struct vdev_remap *m)
{
	size_t kept = 0;

	m->bytes = 0;
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].obsolete == m->entry[i].len)
			continue;
		m->bytes += m->entry[i].len;
		m->entry[kept++] = m->entry[i];
	}
	m->n = kept;
	m->saved = 0;
}

int
remap_condense(struct spa *spa, struct vdev *top)
{
	struct vdev_remap *m = top->remap;
	int rc;

	if ((rc = read_counts(spa, m)) != 0)
		return (rc);
	if (m->obsolete_sm.object != 0 &&
	    (rc = space_map_iterate(spa->mos, &m->obsolete_sm, 0, count_entry, m)) != 0)
		return (rc);
	if ((rc = drop_obsolete_map(spa, top)) != 0 || (rc = unmake_mapping(spa, m)) != 0)
		return (rc);
	leave_out_obsolete(m);
	if ((rc = make_mapping(spa, m)) != 0 || (rc = write_entries(spa, m)) != 0)
		return (rc);
	spa_config_dirty(spa);
	return (name_in_config(top, OBJECT_KEY, m->object));
}

/* --- at import -------------------------------------------------------------------------------- */

/* Could an object have so many bytes?  Counts come from elsewhere, and may be wild. */
static bool
has_bytes(struct objset *mos, uint64_t object, uint64_t n)
{
	struct dmu_info info;

	return (n == 0 || (dmu_object_info(mos, object, &info) == 0 && info.block_size != 0 &&
	    n / info.block_size <= info.max_blkid + (n % info.block_size == 0)));
}

static int
read_header(struct objset *mos, uint64_t object, struct mapping_header *h)
{
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(mos, object, &bonus);

	if (rc != 0)
		return (rc);
	if (dbuf_size(bonus) < HEADER_OLD)
		rc = -EILSEQ;
	else
		memcpy(h, dbuf_data(bonus), dbuf_size(bonus) < sizeof(*h) ? HEADER_OLD : sizeof(*h));
	dbuf_rele(bonus);
	if (rc == 0 && (h->entries > ENTRIES_MAX ||
	    !has_bytes(mos, object, h->entries * sizeof(struct mapping_entry))))
		rc = -EILSEQ;
	return (rc);
}

static int
take_entries(struct vdev_remap *m, const struct mapping_entry *in, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct blkptr bp = {.w = {in[i].dva[0], in[i].dva[1]}};
		struct dva d = bp_dva(&bp, 0);

		rc = remap_add(m, &(struct remap_entry){
		    .src = bits_get(in[i].source, 0, 54) << SECTOR_SHIFT,
		    .len = (uint64_t)d.asize_sectors << SECTOR_SHIFT,
		    .dst_vdev = d.vdev,
		    .dst = d.offset,
		});
	}
	return (rc);
}

static int
read_entries(struct spa *spa, struct vdev_remap *m)
{
	struct mapping_header h = {0};
	struct mapping_entry *in;
	int rc = read_header(spa->mos, m->object, &h);

	if (rc != 0)
		return (rc);
	if ((in = calloc(h.entries + 1, sizeof(*in))) == NULL)
		return (-ENOMEM);
	m->counts_object = h.counts_object;
	if ((rc = dmu_read(spa->mos, m->object, 0, h.entries * sizeof(*in), in)) == 0)
		rc = take_entries(m, in, h.entries);
	free(in);
	m->saved = m->n;
	return (rc);
}

/* Births are few: one per txg of the removal. */
static void
take_births(struct vdev_remap *m, const struct mapping_birth *b, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n; i++) {
		while (at < n && b[at].end <= m->entry[i].src)
			at++;
		m->entry[i].txg = at < n ? b[at].txg : 0;
	}
}

static int
read_births(struct spa *spa, struct vdev_remap *m)
{
	struct mapping_birth *b;
	struct dbuf *bonus;
	int rc;

	if (m->births_object == 0)
		return (0);
	if ((rc = dmu_bonus_hold(spa->mos, m->births_object, &bonus)) != 0)
		return (rc);
	if (dbuf_size(bonus) >= sizeof(m->nbirths))
		memcpy(&m->nbirths, dbuf_data(bonus), sizeof(m->nbirths));
	dbuf_rele(bonus);
	if (m->nbirths > ENTRIES_MAX || !has_bytes(spa->mos, m->births_object, m->nbirths * sizeof(*b)))
		return (-EILSEQ);
	if ((b = calloc(m->nbirths + 1, sizeof(*b))) == NULL)
		return (-ENOMEM);
	if ((rc = dmu_read(spa->mos, m->births_object, 0, m->nbirths * sizeof(*b), b)) == 0)
		take_births(m, b, m->nbirths);
	free(b);
	return (rc);
}

static int
read_obsolete_map(struct spa *spa, const struct vdev *top, struct vdev_remap *m)
{
	uint64_t object = 0;
	int rc;

	if (top->zap_top == 0)
		return (0);
	if ((rc = zap_lookup(spa->mos, top->zap_top, OBSOLETE, 8, 1, &object)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	return (space_map_open(spa->mos, object, &m->obsolete_sm));
}

int
remap_load(struct spa *spa, struct vdev *top)
{
	struct vdev_remap *m;
	int rc;

	if (top->remap != NULL || nv_u64_or(top->extra, OBJECT_KEY, 0) == 0)
		return (0); /* nothing was on it */
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (-ENOMEM);
	m->object = nv_u64_or(top->extra, OBJECT_KEY, 0);
	m->births_object = nv_u64_or(top->extra, BIRTHS_KEY, 0);
	if ((rc = read_entries(spa, m)) != 0 || (rc = read_births(spa, m)) != 0) {
		remap_free(m);
		return (rc);
	}
	top->remap = m; /* the rest may be behind it */
	return (read_obsolete_map(spa, top, m));
}
