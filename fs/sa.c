/* SPDX-License-Identifier: MIT */
/*
 * System attributes: the typed, named values in a znode's bonus and spill block.
 *
 * A filesystem has a registry, attribute name -> number and fixed length (0: variable), and a table
 * of layouts, layout number -> list of attribute numbers.  An object's bonus starts with a header
 *
 *	0  u32  magic 0x2F505A
 *	4  u16  layout number | (header bytes / 8) << 10
 *	6  u16  length of each variable attribute of the layout, in its order
 *
 * and then come the values, each on an 8-byte boundary.  What has no room goes to a spill block,
 * which has a header and a layout of its own.  Layout 0 is a legacy znode: a fixed structure without
 * header (and bonus type ZNODE).
 *
 * Invariants
 *  1. Layout numbers are dense from 2: a new one is 2 + the number of those that exist.  A gap makes
 *     OpenZFS refuse to mount.
 *  2. A layout never changes once it was written, objects of the past refer to it.
 *  3. The bonus length is exact, without padding behind the last attribute.
 *  4. An object with a spill block leaves the last 128 bytes of its dnode alone.
 *
 * Values whose length stays are written in place; all other changes build the object's attributes
 * anew in a canonical order, so that few layouts come into being.  The big one (extended attributes)
 * is last: it is the one that spills.
 *
 * Format: docs/zfs-format.md, "System attributes".
 */
#include "sa_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/zap.h"

#define SA_MAGIC 0x2F505Au
#define SA_FIRST_LAYOUT 2
#define SA_LAYOUTS_MAX 1024 /* the header has 10 bits */
#define SA_NUMS_MAX 256	    /* attribute numbers this engine copes with */
#define ROUND8(x) (((x) + 7) & ~(size_t)7)

struct sa_desc {
	const char *name;
	uint16_t len; /* 0: variable */
	uint8_t byteswap;
};

static const struct sa_desc sa_descs[SA_IDS] = {
	[SA_ATIME] = {"ZPL_ATIME", 16, 0},	 [SA_MTIME] = {"ZPL_MTIME", 16, 0},
	[SA_CTIME] = {"ZPL_CTIME", 16, 0},	 [SA_CRTIME] = {"ZPL_CRTIME", 16, 0},
	[SA_GEN] = {"ZPL_GEN", 8, 0},		 [SA_MODE] = {"ZPL_MODE", 8, 0},
	[SA_SIZE] = {"ZPL_SIZE", 8, 0},		 [SA_PARENT] = {"ZPL_PARENT", 8, 0},
	[SA_LINKS] = {"ZPL_LINKS", 8, 0},	 [SA_XATTR] = {"ZPL_XATTR", 8, 0},
	[SA_RDEV] = {"ZPL_RDEV", 8, 0},		 [SA_FLAGS] = {"ZPL_FLAGS", 8, 0},
	[SA_UID] = {"ZPL_UID", 8, 0},		 [SA_GID] = {"ZPL_GID", 8, 0},
	[SA_PAD] = {"ZPL_PAD", 32, 0},		 [SA_ZNODE_ACL] = {"ZPL_ZNODE_ACL", 88, 3},
	[SA_DACL_COUNT] = {"ZPL_DACL_COUNT", 8, 0}, [SA_SYMLINK] = {"ZPL_SYMLINK", 0, 3},
	[SA_SCANSTAMP] = {"ZPL_SCANSTAMP", 32, 3}, [SA_DACL_ACES] = {"ZPL_DACL_ACES", 0, 4},
	[SA_DXATTR] = {"ZPL_DXATTR", 0, 3},	 [SA_PROJID] = {"ZPL_PROJID", 8, 0},
};

/* The order in which OpenZFS writes a new znode, then what is added later; the spilling one last. */
static const uint8_t sa_rank[SA_IDS] = {
	[SA_MODE] = 1, [SA_SIZE] = 2, [SA_GEN] = 3, [SA_UID] = 4, [SA_GID] = 5, [SA_PARENT] = 6,
	[SA_FLAGS] = 7, [SA_ATIME] = 8, [SA_MTIME] = 9, [SA_CTIME] = 10, [SA_CRTIME] = 11,
	[SA_LINKS] = 12, [SA_PROJID] = 13, [SA_RDEV] = 14, [SA_DACL_COUNT] = 15, [SA_DACL_ACES] = 16,
	[SA_SYMLINK] = 17, [SA_XATTR] = 18, [SA_SCANSTAMP] = 19, [SA_PAD] = 20, [SA_ZNODE_ACL] = 21,
	[SA_DXATTR] = 255,
};

/* Where a legacy znode has what (offsets from the ZPL's znode structure). */
static const struct { uint8_t id; uint16_t off; } legacy_fields[] = {
	{SA_ATIME, 0}, {SA_MTIME, 16}, {SA_CTIME, 32}, {SA_CRTIME, 48}, {SA_GEN, 64}, {SA_MODE, 72},
	{SA_SIZE, 80}, {SA_PARENT, 88}, {SA_LINKS, 96}, {SA_XATTR, 104}, {SA_RDEV, 112},
	{SA_FLAGS, 120}, {SA_UID, 128}, {SA_GID, 136}, {SA_PAD, 144}, {SA_ZNODE_ACL, 176},
};

struct sa_layout {
	uint16_t n;
	uint16_t *attr;
};

struct sa {
	struct objset *os;
	uint64_t layouts_obj, registry_obj; /* 0: a filesystem without */
	uint16_t num_of[SA_IDS];      /* our id -> the pool's number */
	uint16_t len_of[SA_NUMS_MAX]; /* by the pool's number; 0: variable */
	uint8_t id_of[SA_NUMS_MAX];   /* SA_IDS: not ours */
	bool known[SA_NUMS_MAX];
	unsigned nlayouts; /* highest number + 1 */
	struct sa_layout layout[SA_LAYOUTS_MAX];
};

/* --- the tables ------------------------------------------------------------------------------- */

static struct sa *
sa_alloc(struct objset *os)
{
	struct sa *sa = calloc(1, sizeof(*sa));

	if (sa == NULL)
		return (NULL);
	sa->os = os;
	sa->nlayouts = SA_FIRST_LAYOUT;
	memset(sa->id_of, SA_IDS, sizeof(sa->id_of));
	return (sa);
}

static void
sa_register(struct sa *sa, const char *name, uint16_t num, uint16_t len)
{
	sa->known[num] = true;
	sa->len_of[num] = len;
	for (unsigned id = 0; id < SA_IDS; id++) {
		if (strcmp(sa_descs[id].name, name) == 0) {
			sa->num_of[id] = num;
			sa->id_of[num] = (uint8_t)id;
		}
	}
}

static void
sa_register_defaults(struct sa *sa)
{
	for (unsigned id = 0; id < SA_IDS; id++)
		sa_register(sa, sa_descs[id].name, (uint16_t)id, sa_descs[id].len);
}

/* Known attributes must have the lengths that the code below relies on. */
static int
sa_check_registry(const struct sa *sa)
{
	for (unsigned id = 0; id < SA_IDS; id++) {
		uint16_t num = sa->num_of[id];

		if (sa->id_of[num] == id && sa->len_of[num] != sa_descs[id].len)
			return (-EILSEQ);
	}
	return (0);
}

static bool
sa_is_registered(const struct sa *sa, enum sa_id id)
{
	return (sa->id_of[sa->num_of[id]] == id);
}

static uint64_t
sa_registry_value(enum sa_id id, uint64_t num)
{
	return (num | (uint64_t)sa_descs[id].byteswap << 16 | (uint64_t)sa_descs[id].len << 24);
}

/* A pool of an older system does not know this attribute yet: it gets the next number. */
static int
sa_register_new(struct sa *sa, enum sa_id id)
{
	uint16_t num = 0;
	uint64_t v;
	int rc;

	for (uint16_t i = 0; i < SA_NUMS_MAX; i++) {
		if (sa->known[i])
			num = (uint16_t)(i + 1);
	}
	if (sa->registry_obj == 0 || num == SA_NUMS_MAX)
		return (-ENOTSUP);
	v = sa_registry_value(id, num);
	if ((rc = zap_add(sa->os, sa->registry_obj, sa_descs[id].name, 8, 1, &v)) == 0)
		sa_register(sa, sa_descs[id].name, num, sa_descs[id].len);
	return (rc);
}

static int
sa_load_registry(struct sa *sa, uint64_t obj)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	zap_cursor_init(&c, sa->os, obj, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		uint16_t num = (uint16_t)(ze.first & 0xffff);

		if (ze.intlen != 8 || ze.num != 1 || num >= SA_NUMS_MAX) {
			rc = -EILSEQ;
			break;
		}
		sa_register(sa, ze.name, num, (uint16_t)(ze.first >> 24));
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? sa_check_registry(sa) : rc);
}

static int
sa_layout_store(struct sa *sa, unsigned number, const uint16_t *attr, unsigned n)
{
	struct sa_layout *l = &sa->layout[number];
	uint16_t *copy = malloc(n * sizeof(*copy) + 1);

	if (copy == NULL)
		return (-ENOMEM);
	memcpy(copy, attr, n * sizeof(*copy));
	free(l->attr);
	l->attr = copy;
	l->n = (uint16_t)n;
	if (number >= sa->nlayouts)
		sa->nlayouts = number + 1;
	return (0);
}

static int
sa_load_layout(struct sa *sa, const struct zap_entry *ze)
{
	uint16_t attr[SA_MAX_ATTRS];
	char *end;
	unsigned long number = strtoul(ze->name, &end, 10);
	int rc;

	if (*end != '\0' || number >= SA_LAYOUTS_MAX || ze->intlen != 2 || ze->num > SA_MAX_ATTRS)
		return (-EILSEQ);
	rc = zap_lookup(sa->os, sa->layouts_obj, ze->name, 2, ze->num, attr);
	if (rc != 0)
		return (rc);
	for (unsigned i = 0; i < ze->num; i++) {
		if (attr[i] >= SA_NUMS_MAX || !sa->known[attr[i]])
			return (-EILSEQ);
	}
	return (sa_layout_store(sa, (unsigned)number, attr, (unsigned)ze->num));
}

static int
sa_load_layouts(struct sa *sa)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	zap_cursor_init(&c, sa->os, sa->layouts_obj, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if ((rc = sa_load_layout(sa, &ze)) != 0)
			break;
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

int
sa_create(struct objset *os, uint64_t *master)
{
	uint64_t registry, layouts;
	int rc;

	if ((rc = zap_create(os, OT_SA_MASTER_NODE, OT_NONE, 0, master)) != 0 ||
	    (rc = zap_create(os, OT_SA_ATTR_REGISTRATION, OT_NONE, 0, &registry)) != 0 ||
	    (rc = zap_create(os, OT_SA_ATTR_LAYOUTS, OT_NONE, 0, &layouts)) != 0 ||
	    (rc = zap_add(os, *master, "REGISTRY", 8, 1, &registry)) != 0 ||
	    (rc = zap_add(os, *master, "LAYOUTS", 8, 1, &layouts)) != 0)
		return (rc);
	for (uint64_t id = 0; id < SA_IDS; id++) {
		uint64_t v = sa_registry_value((enum sa_id)id, id);

		if ((rc = zap_add(os, registry, sa_descs[id].name, 8, 1, &v)) != 0)
			return (rc);
	}
	return (0);
}

int
sa_open(struct objset *os, uint64_t master, struct sa **out)
{
	struct sa *sa = sa_alloc(os);
	int rc = 0;

	if (sa == NULL)
		return (-ENOMEM);
	if (master == 0) {
		sa_register_defaults(sa);
	} else {
		if ((rc = zap_lookup(os, master, "REGISTRY", 8, 1, &sa->registry_obj)) != 0 ||
		    (rc = zap_lookup(os, master, "LAYOUTS", 8, 1, &sa->layouts_obj)) != 0 ||
		    (rc = sa_load_registry(sa, sa->registry_obj)) != 0 || (rc = sa_load_layouts(sa)) != 0) {
			sa_close(sa);
			return (rc == -ENOENT ? -EILSEQ : rc);
		}
	}
	*out = sa;
	return (0);
}

void
sa_close(struct sa *sa)
{
	if (sa == NULL)
		return;
	for (unsigned i = 0; i < SA_LAYOUTS_MAX; i++)
		free(sa->layout[i].attr);
	free(sa);
}

struct sa *
sa_test_new(void)
{
	struct sa *sa = sa_alloc(NULL);

	if (sa != NULL)
		sa_register_defaults(sa);
	return (sa);
}

int
sa_test_layout(struct sa *sa, const uint16_t *attrs, unsigned n)
{
	unsigned number = sa->nlayouts;
	int rc = sa_layout_store(sa, number, attrs, n);

	return (rc != 0 ? rc : (int)number);
}

/* --- one buffer ------------------------------------------------------------------------------- */

static uint16_t
get16(const uint8_t *p)
{
	return ((uint16_t)(p[0] | p[1] << 8));
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16);
}

int
sa_parse(const struct sa *sa, const void *buf, size_t size, struct sa_place *place)
{
	const uint8_t *p = buf;
	unsigned number, nvar = 0;
	size_t hdr, off;

	if (size < SA_HDR_MIN || get32(p) != SA_MAGIC)
		return (-EILSEQ);
	number = get16(p + 4) & 0x3ff;
	hdr = (size_t)(get16(p + 4) >> 10) * 8;
	if (number < SA_FIRST_LAYOUT || number >= sa->nlayouts || sa->layout[number].attr == NULL ||
	    hdr < SA_HDR_MIN || hdr > size)
		return (-EILSEQ);
	off = hdr;
	for (unsigned i = 0; i < sa->layout[number].n; i++) {
		uint16_t num = sa->layout[number].attr[i], len = sa->len_of[num];

		if (len == 0) {
			if (6 + 2 * (nvar + 1) > hdr)
				return (-EILSEQ);
			len = get16(p + 6 + 2 * nvar++);
		}
		off = ROUND8(off);
		if (off > size || len > size - off)
			return (-EILSEQ);
		place[i] = (struct sa_place){num, len, (uint32_t)off, false};
		off += len;
	}
	return (sa->layout[number].n);
}

static size_t
sa_header_size(unsigned nvar)
{
	return (SA_HDR_MIN + (nvar > 1 ? ROUND8((nvar - 1) * 2) : 0));
}

size_t
sa_encoded_size(const struct sa_item *it, unsigned n)
{
	unsigned nvar = 0;
	size_t size = 0;

	for (unsigned i = 0; i < n; i++) {
		nvar += it[i].is_var;
		size = ROUND8(size) + it[i].len;
	}
	return (sa_header_size(nvar) + size);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void
sa_encode(const struct sa_item *it, unsigned n, unsigned layout, void *buf)
{
	uint8_t *p = buf;
	unsigned nvar = 0;
	size_t hdr, off;

	for (unsigned i = 0; i < n; i++)
		nvar += it[i].is_var;
	off = hdr = sa_header_size(nvar);
	memset(p, 0, sa_encoded_size(it, n));
	put16(p, SA_MAGIC & 0xffff);
	put16(p + 2, SA_MAGIC >> 16);
	put16(p + 4, (uint16_t)(layout | hdr / 8 << 10));
	nvar = 0;
	for (unsigned i = 0; i < n; i++) {
		if (it[i].is_var)
			put16(p + 6 + 2 * nvar++, it[i].len);
		off = ROUND8(off);
		memcpy(p + off, it[i].data, it[i].len);
		off += it[i].len;
	}
}

/* --- reading an object ------------------------------------------------------------------------ */

static int
sa_parse_legacy(struct sa_handle *h)
{
	if (dbuf_size(h->bonus) < ZNODE_LEGACY_SIZE)
		return (-EILSEQ);
	h->is_legacy = true;
	h->n = 0;
	for (size_t i = 0; i < sizeof(legacy_fields) / sizeof(legacy_fields[0]); i++) {
		enum sa_id id = legacy_fields[i].id;

		h->place[h->n++] = (struct sa_place){
		    h->sa->num_of[id], sa_descs[id].len, legacy_fields[i].off, false};
	}
	return (0);
}

static int
sa_parse_spill(struct sa_handle *h)
{
	int n = dmu_spill_hold(h->sa->os, h->obj, false, 0, &h->spill);

	if (n != 0)
		return (n);
	n = sa_parse(h->sa, dbuf_data(h->spill), dbuf_size(h->spill), h->place + h->n);
	if (n < 0)
		return (n);
	for (int i = 0; i < n; i++)
		h->place[h->n + (unsigned)i].in_spill = true;
	h->n += (unsigned)n;
	return (0);
}

static int
sa_find_places(struct sa_handle *h)
{
	struct dmu_info info;
	int rc;

	if ((rc = dmu_object_info(h->sa->os, h->obj, &info)) != 0)
		return (rc);
	if (info.bonus_type == OT_ZNODE)
		return (sa_parse_legacy(h));
	if (info.bonus_type != OT_SA || h->sa->registry_obj == 0)
		return (-EINVAL);
	rc = sa_parse(h->sa, dbuf_data(h->bonus), dbuf_size(h->bonus), h->place);
	if (rc < 0)
		return (rc);
	h->n = (unsigned)rc;
	h->is_legacy = false;
	return (info.has_spill ? sa_parse_spill(h) : 0);
}

static int
sa_hold_bonus(struct sa *sa, uint64_t obj, struct sa_handle *h)
{
	h->sa = sa;
	h->obj = obj;
	h->bonus = h->spill = NULL;
	h->is_legacy = false;
	h->n = 0;
	return (dmu_bonus_hold(sa->os, obj, &h->bonus));
}

int
sa_hold(struct sa *sa, uint64_t obj, struct sa_handle *h)
{
	int rc = sa_hold_bonus(sa, obj, h);

	if (rc == 0 && (rc = sa_find_places(h)) != 0)
		sa_rele(h);
	return (rc);
}

static void
sa_rele_spill(struct sa_handle *h)
{
	if (h->spill != NULL)
		dbuf_rele(h->spill);
	h->spill = NULL;
}

void
sa_rele(struct sa_handle *h)
{
	sa_rele_spill(h);
	if (h->bonus != NULL)
		dbuf_rele(h->bonus);
	h->bonus = NULL;
	h->n = 0;
}

static const struct sa_place *
sa_find(const struct sa_handle *h, enum sa_id id)
{
	uint16_t num = h->sa->num_of[id];

	if (!sa_is_registered(h->sa, id))
		return (NULL);
	for (unsigned i = 0; i < h->n; i++) {
		if (h->place[i].num == num)
			return (&h->place[i]);
	}
	return (NULL);
}

static uint8_t *
sa_at(const struct sa_handle *h, const struct sa_place *p)
{
	return ((uint8_t *)dbuf_data(p->in_spill ? h->spill : h->bonus) + p->off);
}

const void *
sa_peek(const struct sa_handle *h, enum sa_id id, size_t *len)
{
	const struct sa_place *p = sa_find(h, id);

	if (p == NULL)
		return (NULL);
	*len = p->len;
	return (sa_at(h, p));
}

uint64_t
sa_u64(const struct sa_handle *h, enum sa_id id, uint64_t absent)
{
	const struct sa_place *p = sa_find(h, id);
	uint64_t v;

	if (p == NULL || p->len < sizeof(v))
		return (absent);
	memcpy(&v, sa_at(h, p), sizeof(v));
	return (v);
}

/* --- changing an object ----------------------------------------------------------------------- */

static bool
sa_fits_in_place(const struct sa_handle *h, const struct sa_value *v)
{
	const struct sa_place *p = sa_find(h, v->id);

	return (v->data == NULL ? p == NULL : p != NULL && p->len == v->len);
}

static int
sa_write_in_place(struct sa_handle *h, const struct sa_value *v)
{
	const struct sa_place *p = sa_find(h, v->id);
	int rc;

	if (v->data == NULL)
		return (0);
	if ((rc = dbuf_dirty(p->in_spill ? h->spill : h->bonus)) == 0)
		memcpy(sa_at(h, p), v->data, v->len);
	return (rc);
}

/* The attributes of an object as they shall be; `bytes` owns copies of the old values. */
struct sa_build {
	struct sa *sa;
	unsigned n;
	struct sa_item it[2 * SA_MAX_ATTRS];
	uint8_t *bytes;
};

static unsigned
sa_build_rank(const struct sa_build *b, unsigned i)
{
	unsigned num = b->it[i].num, id = b->sa->id_of[num];

	return (id < SA_IDS ? sa_rank[id] : 100 + num % 100);
}

static int
sa_build_put(struct sa_build *b, uint16_t num, const void *data, size_t len)
{
	unsigned i;

	for (i = 0; i < b->n && b->it[i].num != num; i++)
		;
	if (data == NULL) {
		if (i < b->n)
			memmove(&b->it[i], &b->it[i + 1], (--b->n - i) * sizeof(b->it[0]));
		return (0);
	}
	if (i == 2 * SA_MAX_ATTRS || len > SA_VALUE_MAX)
		return (-EFBIG);
	b->it[i] = (struct sa_item){num, (uint16_t)len, b->sa->len_of[num] == 0, data};
	if (i == b->n)
		b->n++;
	return (0);
}

/* Insertion sort: there are some twenty. */
static void
sa_build_sort(struct sa_build *b)
{
	for (unsigned i = 1; i < b->n; i++) {
		for (unsigned j = i; j > 0 && sa_build_rank(b, j) < sa_build_rank(b, j - 1); j--) {
			struct sa_item t = b->it[j];

			b->it[j] = b->it[j - 1];
			b->it[j - 1] = t;
		}
	}
}

/*
 * The old attributes, copied because their buffers are about to be rewritten.  A legacy znode turns
 * into system attributes here; its ACL structure is replaced by the caller's DACL.
 */
static int
sa_build_old(struct sa_build *b, const struct sa_handle *h)
{
	size_t size = 0, off = 0;
	int rc = 0;

	for (unsigned i = 0; i < h->n; i++)
		size += h->place[i].len;
	if ((b->bytes = malloc(size + 1)) == NULL)
		return (-ENOMEM);
	for (unsigned i = 0; i < h->n && rc == 0; i++) {
		const struct sa_place *p = &h->place[i];
		enum sa_id id = b->sa->id_of[p->num];

		if (h->is_legacy && (id == SA_PAD || id == SA_ZNODE_ACL ||
		    ((id == SA_XATTR || id == SA_RDEV) && sa_u64(h, id, 0) == 0)))
			continue;
		memcpy(b->bytes + off, sa_at(h, p), p->len);
		rc = sa_build_put(b, p->num, b->bytes + off, p->len);
		off += p->len;
	}
	return (rc);
}

static int
sa_build_new(struct sa_build *b, const struct sa_value *v, unsigned n)
{
	int rc;

	for (unsigned i = 0; i < n; i++) {
		if (!sa_is_registered(b->sa, v[i].id)) {
			if (v[i].data == NULL)
				continue;
			if ((rc = sa_register_new(b->sa, v[i].id)) != 0)
				return (rc);
		}
		if ((rc = sa_build_put(b, b->sa->num_of[v[i].id], v[i].data, v[i].len)) != 0)
			return (rc);
	}
	sa_build_sort(b);
	return (0);
}

/* The number of the layout with these attributes; made when there is none (invariants 1, 2). */
static int
sa_layout_of(struct sa *sa, const struct sa_item *it, unsigned n)
{
	uint16_t attr[SA_MAX_ATTRS];
	char name[16];
	int rc;

	if (n > SA_MAX_ATTRS)
		return (-EFBIG);
	for (unsigned i = 0; i < n; i++)
		attr[i] = it[i].num;
	for (unsigned k = SA_FIRST_LAYOUT; k < sa->nlayouts; k++) {
		if (sa->layout[k].attr != NULL && sa->layout[k].n == n &&
		    memcmp(sa->layout[k].attr, attr, n * sizeof(attr[0])) == 0)
			return ((int)k);
	}
	if (sa->nlayouts == SA_LAYOUTS_MAX)
		return (-ENOSPC);
	(void)snprintf(name, sizeof(name), "%u", sa->nlayouts);
	if ((rc = zap_add(sa->os, sa->layouts_obj, name, 2, n, attr)) != 0)
		return (rc);
	return (sa_test_layout(sa, attr, n));
}

/* How many of the first attributes have room in `room` bytes. */
static unsigned
sa_build_fitting(const struct sa_build *b, size_t room)
{
	unsigned k = 0;

	while (k < b->n && sa_encoded_size(b->it, k + 1) <= room)
		k++;
	return (k);
}

static int
sa_write_bonus(struct sa_handle *h, const struct sa_build *b, unsigned k)
{
	size_t size = sa_encoded_size(b->it, k);
	int rc, layout = sa_layout_of(h->sa, b->it, k);

	if (layout < 0)
		return (layout);
	if ((rc = dmu_bonus_set(h->sa->os, h->obj, OT_SA, (uint32_t)size)) != 0 ||
	    (rc = dbuf_dirty(h->bonus)) != 0)
		return (rc);
	sa_encode(b->it, k, (unsigned)layout, dbuf_data(h->bonus));
	return (0);
}

static int
sa_write_spill(struct sa_handle *h, const struct sa_build *b, unsigned k)
{
	size_t size = sa_encoded_size(b->it + k, b->n - k);
	uint32_t block = (uint32_t)((size + 511) & ~(size_t)511);
	int rc, layout;

	if (size > SA_SPILL_MAX)
		return (-EFBIG);
	if ((layout = sa_layout_of(h->sa, b->it + k, b->n - k)) < 0)
		return (layout);
	if ((rc = dmu_spill_hold(h->sa->os, h->obj, true, block, &h->spill)) != 0 ||
	    (rc = dbuf_dirty(h->spill)) != 0)
		return (rc);
	memset(dbuf_data(h->spill), 0, dbuf_size(h->spill));
	sa_encode(b->it + k, b->n - k, (unsigned)layout, dbuf_data(h->spill));
	return (0);
}

/*
 * Write all attributes.  The spill block goes first and comes back last: its pointer's room in the
 * dnode is the bonus's while it is not there (invariant 4).
 */
static int
sa_write_all(struct sa_handle *h, const struct sa_build *b, bool had_spill)
{
	struct objset *os = h->sa->os;
	uint32_t room = dmu_bonus_capacity(os, h->obj, false);
	uint32_t room_spilled = dmu_bonus_capacity(os, h->obj, true);
	unsigned k = b->n;
	int rc;

	if (sa_encoded_size(b->it, b->n) > room) {
		k = sa_build_fitting(b, room_spilled);
		if (sa_encoded_size(b->it + k, b->n - k) > SA_SPILL_MAX)
			return (-EFBIG);
	}
	if (had_spill && (rc = dmu_spill_remove(os, h->obj)) != 0)
		return (rc);
	if ((rc = sa_write_bonus(h, b, k)) != 0)
		return (rc);
	return (k < b->n ? sa_write_spill(h, b, k) : 0);
}

static int
sa_rebuild(struct sa_handle *h, const struct sa_value *v, unsigned n)
{
	struct sa_build *b = calloc(1, sizeof(*b));
	bool had_spill = h->spill != NULL;
	int rc;

	if (b == NULL)
		return (-ENOMEM);
	b->sa = h->sa;
	if ((rc = sa_build_old(b, h)) == 0 && (rc = sa_build_new(b, v, n)) == 0) {
		sa_rele_spill(h);
		rc = sa_write_all(h, b, had_spill);
		sa_rele_spill(h);
		if (rc == 0)
			rc = sa_find_places(h);
	}
	if (rc != 0)
		sa_rele(h);
	free(b->bytes);
	free(b);
	return (rc);
}

int
sa_set(struct sa_handle *h, const struct sa_value *v, unsigned n)
{
	int rc;

	for (unsigned i = 0; i < n; i++) {
		if (!sa_fits_in_place(h, &v[i]))
			return (sa_rebuild(h, v, n));
	}
	for (unsigned i = 0; i < n; i++) {
		if ((rc = sa_write_in_place(h, &v[i])) != 0)
			return (rc);
	}
	return (0);
}

int
sa_init(struct sa *sa, uint64_t obj, const struct sa_value *v, unsigned n)
{
	struct sa_handle h;
	int rc = sa_hold_bonus(sa, obj, &h);

	if (rc == 0)
		rc = sa_rebuild(&h, v, n);
	sa_rele(&h);
	return (rc);
}
