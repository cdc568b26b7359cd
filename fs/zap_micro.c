/* SPDX-License-Identifier: MIT */
/*
 * The micro zap: one block of 64-byte slots, for names under 50 bytes with one 64-bit value each.
 *
 * Slots are in no order; a free one has an empty name.  The hash is not stored: it is worked out
 * when the order of iteration or a collision differentiator is needed.  The block grows in steps of
 * 512 bytes up to 128 KiB; what does not fit then, or has another shape, makes the zap fat.  An
 * entry keeps its hash and cd on the way, so cookies stay valid.
 *
 * A large one that is used has its hashes in memory, with its block: 4 bytes a slot ("tags"; 0 is a free
 * slot), which are looked through instead of the names.  A tag only says where to look: the name decides.
 */
#include "zap_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct order_item {
	struct zap_pos pos;
	unsigned slot;
};
struct zap_order {
	size_t n, at;
	struct order_item item[];
};

static struct mzap_ent *
mzap_ents(const struct zap *z)
{
	return ((struct mzap_ent *)((char *)z->block0 + sizeof(struct mzap_header)));
}

static unsigned
mzap_slots(const struct zap *z)
{
	return (z->size / sizeof(struct mzap_ent) - 1);
}

static bool
mzap_ent_is(const struct mzap_ent *e, const struct zap_key *k)
{
	if (e->name[k->num - 1] != '\0')
		return (false);
	return (k->fold ? strncasecmp(e->name, k->ints, MZAP_NAME_LEN) == 0 :
			  memcmp(e->name, k->ints, k->num) == 0);
}

/* The name must end inside its slot: a damaged one must not be read past it. */
static int
mzap_ent_key(const struct zap *z, const struct mzap_ent *e, struct zap_key *k)
{
	if (memchr(e->name, '\0', sizeof(e->name)) == NULL)
		return (-EILSEQ);
	return (zap_key_string(z, e->name, false, k));
}

/* --- tags ------------------------------------------------------------------------------------- */

#define TAGS_FROM 64u /* slots; below that the names themselves are as fast */

struct tags {
	unsigned n; /* slots that there is room for */
	uint32_t tag[];
};

static uint32_t
tag_of(const struct zap_key *k)
{
	return ((uint32_t)(k->hash >> 32) | 1);
}

static bool
tags_fill(const struct zap *z, struct tags *t)
{
	const struct mzap_ent *e = mzap_ents(z);
	struct zap_key k;

	for (unsigned i = 0; i < mzap_slots(z); i++) {
		if (e[i].name[0] == '\0')
			continue;
		if (mzap_ent_key(z, &e[i], &k) != 0)
			return (false);
		t->tag[i] = tag_of(&k);
	}
	return (true);
}

/* NULL: it is small, or damaged, or there is no memory: look at the names. */
static uint32_t *
tags_get(const struct zap *z)
{
	unsigned n = TAGS_FROM;
	struct tags *t, **at;

	if (mzap_slots(z) < TAGS_FROM)
		return (NULL);
	at = (struct tags **)dbuf_extra(z->db);
	if (*at != NULL && (*at)->n >= mzap_slots(z))
		return ((*at)->tag);
	while (n < mzap_slots(z))
		n *= 2;
	if ((t = calloc(1, sizeof(*t) + n * sizeof(t->tag[0]))) == NULL)
		return (NULL);
	t->n = n;
	if (!tags_fill(z, t)) {
		free(t);
		return (NULL);
	}
	free(*at);
	*at = t;
	return (t->tag);
}

/* The contents change otherwise than slot by slot. */
static void
tags_drop(const struct zap *z)
{
	void **at = dbuf_extra(z->db);

	free(*at);
	*at = NULL;
}

/* The slot from `i` on that has this tag; mzap_slots(z) when there is none. */
static unsigned
tags_next(const struct zap *z, const uint32_t *tag, uint32_t want, unsigned i)
{
	unsigned n = mzap_slots(z);

	while (i < n && tag[i] != want)
		i++;
	return (i);
}

/* --- finding, adding, removing ---------------------------------------------------------------- */

int
mzap_find(struct zap *z, const struct zap_key *k, struct mzap_ent **out)
{
	struct mzap_ent *e = mzap_ents(z);
	const uint32_t *tag;
	unsigned i;

	if (k->intlen != 1 || k->num > MZAP_NAME_LEN || k->num < 2)
		return (-ENOENT);
	tag = tags_get(z);
	for (i = 0; i < mzap_slots(z); i++) {
		if (tag != NULL && (i = tags_next(z, tag, tag_of(k), i)) == mzap_slots(z))
			break;
		if (e[i].name[0] != '\0' && mzap_ent_is(&e[i], k)) {
			*out = &e[i];
			return (0);
		}
	}
	return (-ENOENT);
}

bool
mzap_fits(const struct zap_key *k, const struct zap_value *v)
{
	return (k->intlen == 1 && k->num <= MZAP_NAME_LEN && k->num >= 2 && v->intlen == 8 &&
		v->num == 1);
}

/* The lowest cd that no entry of the same hash has. */
static int
mzap_free_cd(const struct zap *z, const struct zap_key *k, uint32_t *cd)
{
	const struct mzap_ent *e = mzap_ents(z);
	const uint32_t *tag = tags_get(z);
	struct zap_key other;
	unsigned i;
	int rc;

	*cd = 0;
	for (i = 0; i < mzap_slots(z); i++) {
		if (tag != NULL && (i = tags_next(z, tag, tag_of(k), i)) == mzap_slots(z))
			break;
		if (e[i].name[0] == '\0' || e[i].cd != *cd)
			continue;
		if ((rc = mzap_ent_key(z, &e[i], &other)) != 0)
			return (rc);
		if (other.hash == k->hash) {
			++*cd;
			i = UINT32_MAX; /* from the first one again */
		}
	}
	return (0);
}

static struct mzap_ent *
mzap_free_slot(const struct zap *z)
{
	const uint32_t *tag = tags_get(z);
	struct mzap_ent *e = mzap_ents(z);
	unsigned i = tag != NULL ? tags_next(z, tag, 0, 0) : 0;

	while (i < mzap_slots(z) && e[i].name[0] != '\0')
		i++;
	return (i < mzap_slots(z) ? &e[i] : NULL);
}

static int
mzap_resize(struct zap *z, uint32_t size)
{
	int rc;

	dbuf_rele(z->db);
	z->db = NULL;
	if ((rc = dmu_object_set_block_size(z->os, z->obj, size)) != 0 ||
	    (rc = dbuf_hold(z->os, z->obj, 0, true, &z->db)) != 0)
		return (rc);
	z->block0 = dbuf_data(z->db);
	z->size = dbuf_size(z->db);
	return (z->size == size ? 0 : -EIO);
}

static void
mzap_tag(const struct zap *z, const struct mzap_ent *e, uint32_t tag)
{
	uint32_t *tags = tags_get(z);

	if (tags != NULL)
		tags[e - mzap_ents(z)] = tag;
}

static int
mzap_add(struct zap *z, const struct zap_key *k, uint64_t value)
{
	struct mzap_ent *e;
	uint32_t cd;
	int rc;

	if ((rc = mzap_free_cd(z, k, &cd)) != 0)
		return (rc);
	if ((e = mzap_free_slot(z)) == NULL) {
		uint32_t was = z->size;

		if (was >= MZAP_MAX_BYTES)
			return (-ENOBUFS);
		if ((rc = mzap_resize(z, was + SECTOR_SIZE)) != 0)
			return (rc);
		e = (struct mzap_ent *)((char *)z->block0 + was);
	}
	if ((rc = dbuf_dirty(z->db)) != 0)
		return (rc);
	memset(e, 0, sizeof(*e));
	e->value = value;
	e->cd = cd;
	memcpy(e->name, k->ints, k->num);
	mzap_tag(z, e, tag_of(k));
	return (0);
}

int
mzap_put(struct zap *z, const struct zap_key *k, uint64_t value, bool replace)
{
	struct mzap_ent *e;
	int rc = mzap_find(z, k, &e);

	if (rc == -ENOENT)
		return (mzap_add(z, k, value));
	if (rc != 0)
		return (rc);
	if (!replace)
		return (-EEXIST);
	if ((rc = dbuf_dirty(z->db)) == 0)
		e->value = value;
	return (rc);
}

int
mzap_remove(struct zap *z, const struct zap_key *k)
{
	struct mzap_ent *e;
	int rc = mzap_find(z, k, &e);

	if (rc == 0 && (rc = dbuf_dirty(z->db)) == 0) {
		memset(e, 0, sizeof(*e));
		mzap_tag(z, e, 0);
	}
	return (rc);
}

uint64_t
mzap_count(const struct zap *z)
{
	const struct mzap_ent *e = mzap_ents(z), *end = e + mzap_slots(z);
	uint64_t n = 0;

	for (; e < end; e++)
		n += e->name[0] != '\0';
	return (n);
}

static bool
pos_before(struct zap_pos a, struct zap_pos b)
{
	return (a.hash != b.hash ? a.hash < b.hash : a.cd < b.cd);
}

static void
mzap_entry(const struct mzap_ent *e, struct zap_entry *ze)
{
	memcpy(ze->name, e->name, sizeof(e->name)); /* its NUL was checked with its key */
	ze->intlen = 8;
	ze->num = 1;
	ze->first = e->value;
}

/* The first entry at or after pos, without sorting all: for a single step. */
int
mzap_next(struct zap *z, struct zap_pos *pos, struct zap_entry *ze)
{
	const struct mzap_ent *e = mzap_ents(z), *end = e + mzap_slots(z), *best = NULL;
	struct zap_pos best_pos = {0, 0};
	struct zap_key k;
	int rc;

	for (; e < end; e++) {
		struct zap_pos p;

		if (e->name[0] == '\0')
			continue;
		if ((rc = mzap_ent_key(z, e, &k)) != 0)
			return (rc);
		p = (struct zap_pos){k.hash, e->cd};
		if (pos_before(p, *pos) || (best != NULL && !pos_before(p, best_pos)))
			continue;
		best = e;
		best_pos = p;
	}
	if (best == NULL)
		return (-ENOENT);
	mzap_entry(best, ze);
	*pos = best_pos;
	return (0);
}

static int
order_compare(const void *pa, const void *pb)
{
	const struct order_item *a = pa, *b = pb;

	if (pos_before(a->pos, b->pos))
		return (-1);
	return (pos_before(b->pos, a->pos));
}

int
mzap_order_new(struct zap *z, struct zap_order **out)
{
	struct zap_order *o = malloc(sizeof(*o) + mzap_slots(z) * sizeof(o->item[0]));
	unsigned i;
	int rc;

	if (o == NULL)
		return (-ENOMEM);
	o->n = o->at = 0;
	for (i = 0; i < mzap_slots(z); i++) {
		const struct mzap_ent *e = mzap_ents(z) + i;
		struct zap_key k;

		if (e->name[0] == '\0')
			continue;
		if ((rc = mzap_ent_key(z, e, &k)) != 0) {
			free(o);
			return (rc);
		}
		o->item[o->n++] = (struct order_item){{k.hash, e->cd}, i};
	}
	qsort(o->item, o->n, sizeof(o->item[0]), order_compare);
	*out = o;
	return (0);
}

int
mzap_order_next(const struct zap *z, struct zap_order *o, struct zap_pos *pos, struct zap_entry *ze)
{
	while (o->at < o->n && pos_before(o->item[o->at].pos, *pos))
		o->at++;
	if (o->at == o->n)
		return (-ENOENT);
	if (o->item[o->at].slot >= mzap_slots(z))
		return (-EILSEQ); /* the caller changed the zap inside its loop */
	mzap_entry(mzap_ents(z) + o->item[o->at].slot, ze);
	*pos = o->item[o->at].pos;
	return (0);
}

#define PROBES 8192u /* over twice the most entries */

/*
 * Give entries of one hash different cds.  `probe` is a table of slot numbers + 1 by hash; an entry that
 * finds its hash there takes the cd behind it and its place.
 */
static int
mzap_number_collisions(struct zap *z, size_t n)
{
	struct probe {
		uint64_t hash;
		uint32_t cd, used;
	} *probe = calloc(PROBES, sizeof(*probe));
	struct mzap_ent *e = mzap_ents(z);
	struct zap_key k;
	int rc = probe == NULL ? -ENOMEM : 0;

	for (; n > 0 && rc == 0; n--, e++) {
		size_t i;

		if ((rc = mzap_ent_key(z, e, &k)) != 0)
			break;
		i = (size_t)(k.hash >> 51);
		while (probe[i].used && probe[i].hash != k.hash)
			i = (i + 1) % PROBES;
		e->cd = probe[i].used ? probe[i].cd + 1 : 0;
		probe[i] = (struct probe){k.hash, e->cd, 1};
	}
	free(probe);
	return (rc);
}

int
mzap_fill_ints(struct zap *z, const uint64_t *keys, const uint64_t *values, size_t n)
{
	uint32_t bytes = (uint32_t)((n + 1) * sizeof(struct mzap_ent));
	struct mzap_ent *e;
	size_t i;
	int rc;

	bytes = (bytes + SECTOR_SIZE - 1) & ~(SECTOR_SIZE - 1);
	if (bytes > z->size && (rc = mzap_resize(z, bytes)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(z->db)) != 0)
		return (rc);
	e = mzap_ents(z);
	tags_drop(z);
	memset(e, 0, z->size - sizeof(struct mzap_header));
	for (i = 0; i < n; i++) {
		e[i].value = values[i];
		(void)zap_int_name(e[i].name, keys[i]);
	}
	return (mzap_number_collisions(z, n));
}

static int
mzap_copy_to_fat(struct zap *z, const struct mzap_ent *e, size_t n)
{
	for (; n > 0; n--, e++) {
		struct zap_value v = {8, 1, &e->value};
		struct zap_key k;
		int rc;

		if (e->name[0] == '\0')
			continue;
		if ((rc = mzap_ent_key(z, e, &k)) != 0 || (rc = fzap_put(z, &k, &v, false, e->cd)) != 0)
			return (rc);
	}
	return (0);
}

int
mzap_upgrade(struct zap *z)
{
	uint32_t size = z->size;
	struct mzap_header *copy = malloc(size);
	int rc;

	if (copy == NULL)
		return (-ENOMEM);
	memcpy(copy, z->block0, size);
	tags_drop(z);
	if ((rc = mzap_resize(z, 1u << FZAP_BLOCK_SHIFT)) == 0 &&
	    (rc = fzap_format(z, copy->salt, (unsigned)copy->normflags)) == 0)
		rc = mzap_copy_to_fat(z, (struct mzap_ent *)(copy + 1), size / sizeof(struct mzap_ent) - 1);
	free(copy);
	return (rc);
}
