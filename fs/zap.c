/* SPDX-License-Identifier: MIT */
/*
 * ZAP: names to values, the pool's own directory format.
 *
 * Two forms, told apart by the first word of block 0: micro (fs/zap_micro.c) for small tables of
 * short names and single 64-bit values, fat (fs/zap_fat.c, fs/zap_leaf.c) for all others.  A micro
 * zap becomes fat by itself when an entry does not fit; never back.
 *
 * An entry's place in the order of iteration is (hash, cd): the hash of its name with the zap's
 * salt, cut to 28 bits (48 with HASH64), and a collision differentiator, the lowest number unused
 * among entries of that hash when it was added.  Both stay with the entry for life, through
 * splits and the change of form, so a cookie (they are packed in it) never goes stale.
 *
 * Everything read is outside bytes: block 0 is checked at open, a leaf when it is held, each chunk
 * number when it is followed.
 *
 * Names of a zap with normflags are hashed in upper case.  For ASCII that is the whole truth of
 * what OpenZFS does; other names in such zaps are refused (-ENOTSUP): the Unicode tables that it
 * would take are not here.
 */
#include "zap_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/spa.h"

/* --- the hash: CRC-64 ECMA, reflected, four bits at a time ------------------------------------ */

static const uint64_t crc64_nibble[16] = {
	0x0000000000000000, 0x7d9ba13851336649, 0xfb374270a266cc92, 0x86ace348f355aadb,
	0x64b62bcaebc387a1, 0x192d8af2baf0e1e8, 0x9f8169ba49a54b33, 0xe21ac88218962d7a,
	0xc96c5795d7870f42, 0xb4f7f6ad86b4690b, 0x325b15e575e1c3d0, 0x4fc0b4dd24d2a599,
	0xadda7c5f3c4488e3, 0xd041dd676d77eeaa, 0x56ed3e2f9e224471, 0x2b769f17cf112238,
};

static uint64_t
crc64_byte(uint64_t h, uint8_t b)
{
	h = h >> 4 ^ crc64_nibble[(h ^ b) & 15];
	return (h >> 4 ^ crc64_nibble[(h ^ b >> 4) & 15]);
}

static uint64_t
hash_cut(const struct zap *z, uint64_t h)
{
	return (h & ~((1ULL << (64 - zap_hash_bits(z))) - 1));
}

int
zap_key_string(const struct zap *z, const char *name, bool fold, struct zap_key *k)
{
	size_t len = strlen(name), i;
	uint64_t h = z->salt;

	if (len >= ZAP_NAME_MAX)
		return (-ENAMETOOLONG);
	if (z->flags & ZAP_FLAG_UINT64_KEY)
		return (-EINVAL);
	for (i = 0; i < len; i++) {
		uint8_t c = (uint8_t)name[i];

		if (z->normflags != 0 && c >= 0x80)
			return (-ENOTSUP);
		if ((z->normflags & ZAP_NORM_UPPER) && c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		h = crc64_byte(h, c);
	}
	*k = (struct zap_key){name, 1, (unsigned)len + 1, fold && z->normflags != 0, hash_cut(z, h)};
	return (0);
}

static int
zap_key_words(const struct zap *z, const uint64_t *words, unsigned n, struct zap_key *k)
{
	uint64_t h = z->flags & ZAP_FLAG_PRE_HASHED ? words[0] : z->salt;
	unsigned i, b;

	if (!z->is_fat || !(z->flags & ZAP_FLAG_UINT64_KEY) || n == 0 || n > ZAP_NAME_MAX / 8)
		return (-EINVAL);
	for (i = 0; i < n && !(z->flags & ZAP_FLAG_PRE_HASHED); i++) {
		for (b = 0; b < 64; b += 8)
			h = crc64_byte(h, (uint8_t)(words[i] >> b));
	}
	*k = (struct zap_key){words, 8, n, false, hash_cut(z, h)};
	return (0);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int
zap_look_at_header(struct zap *z)
{
	const struct mzap_header *m = z->block0;
	const struct fzap_header *f = z->block0;

	if (z->size < SECTOR_SIZE)
		return (-EILSEQ);
	z->is_fat = m->type == ZBT_HEADER;
	z->flags = 0;
	if (z->is_fat) {
		z->salt = f->salt;
		z->normflags = (unsigned)f->normflags;
		z->flags = (unsigned)f->flags;
		return (fzap_check(z));
	}
	z->salt = m->salt;
	z->normflags = (unsigned)m->normflags;
	return (m->type == ZBT_MICRO && z->size <= MZAP_MAX_BYTES ? 0 : -EILSEQ);
}

int
zap_open(struct objset *os, uint64_t obj, struct zap *z)
{
	int rc;

	memset(z, 0, sizeof(*z));
	z->os = os;
	z->obj = obj;
	if ((rc = dbuf_hold(os, obj, 0, true, &z->db)) != 0)
		return (rc);
	z->block0 = dbuf_data(z->db);
	z->size = dbuf_size(z->db);
	if ((rc = zap_look_at_header(z)) != 0)
		zap_close(z);
	return (rc);
}

void
zap_close(struct zap *z)
{
	if (z->db != NULL)
		dbuf_rele(z->db);
	z->db = NULL;
}

static int
zap_open_key(struct objset *os, uint64_t obj, const char *name, bool fold, struct zap *z,
    struct zap_key *k)
{
	int rc = zap_open(os, obj, z);

	if (rc == 0 && (rc = zap_key_string(z, name, fold, k)) != 0)
		zap_close(z);
	return (rc);
}

/* --- making and destroying -------------------------------------------------------------------- */

int
zap_format(struct objset *os, uint64_t obj, unsigned normflags)
{
	struct mzap_header *h;
	struct dbuf *db;
	int rc;

	if ((rc = dbuf_hold(os, obj, 0, false, &db)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(db)) == 0) {
		h = dbuf_data(db);
		memset(h, 0, dbuf_size(db));
		free(*dbuf_extra(db));
		*dbuf_extra(db) = NULL;
		h->type = ZBT_MICRO;
		h->salt = dmu_salt(os, obj) | 1;
		h->normflags = normflags;
	}
	dbuf_rele(db);
	return (rc);
}

int
zap_create_norm(struct objset *os, unsigned normflags, unsigned type, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj)
{
	int rc = dmu_object_alloc(os, type, SECTOR_SIZE, bonus_type, bonus_len, obj);

	return (rc != 0 ? rc : zap_format(os, *obj, normflags));
}

int
zap_create(struct objset *os, unsigned type, unsigned bonus_type, uint32_t bonus_len, uint64_t *obj)
{
	return (zap_create_norm(os, 0, type, bonus_type, bonus_len, obj));
}

int
zap_create_flags(struct objset *os, unsigned flags, unsigned type, unsigned block_shift,
    uint64_t *obj)
{
	struct zap z = {.os = os};
	uint64_t salt;
	int rc = dmu_object_alloc(os, type, 1u << block_shift, OT_NONE, 0, obj);

	if (rc != 0)
		return (rc);
	z.obj = *obj;
	if ((rc = dbuf_hold(os, *obj, 0, false, &z.db)) != 0)
		return (rc);
	z.block0 = dbuf_data(z.db);
	z.size = dbuf_size(z.db);
	salt = dmu_salt(os, *obj);
	if ((rc = fzap_format(&z, salt | 1, 0)) == 0)
		((struct fzap_header *)z.block0)->flags = flags;
	zap_close(&z);
	return (rc);
}

int
zap_create_claim(struct objset *os, uint64_t obj, unsigned type, unsigned bonus_type,
    uint32_t bonus_len)
{
	int rc = dmu_object_claim(os, obj, type, SECTOR_SIZE, bonus_type, bonus_len);

	return (rc != 0 ? rc : zap_format(os, obj, 0));
}

int
zap_destroy(struct objset *os, uint64_t obj)
{
	return (dmu_object_free(os, obj));
}

/* --- one entry -------------------------------------------------------------------------------- */

static int
mzap_lookup(struct zap *z, const struct zap_key *k, unsigned intlen, uint64_t num, uint64_t *value,
    char *real_name, size_t real_size)
{
	struct mzap_ent *e;
	int rc;

	if ((rc = mzap_find(z, k, &e)) != 0)
		return (rc);
	if (intlen != 8)
		return (-EINVAL);
	if (num < 1)
		return (-EOVERFLOW);
	*value = e->value;
	if (real_name != NULL && real_size > 0)
		(void)snprintf(real_name, real_size, "%.*s", MZAP_NAME_LEN, e->name);
	return (0);
}

static int
zap_get(struct zap *z, const struct zap_key *k, unsigned intlen, uint64_t num, void *buf,
    char *real_name, size_t real_size)
{
	return (z->is_fat ? fzap_lookup(z, k, intlen, num, buf, real_name, real_size) :
			    mzap_lookup(z, k, intlen, num, buf, real_name, real_size));
}

int
zap_lookup(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    void *buf)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_key(os, obj, name, false, &z, &k)) != 0)
		return (rc);
	rc = zap_get(&z, &k, intlen, num, buf, NULL, 0);
	zap_close(&z);
	return (rc);
}

int
zap_lookup_fold(struct objset *os, uint64_t obj, const char *name, bool fold, uint64_t *value,
    char *real_name, size_t real_size)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_key(os, obj, name, fold, &z, &k)) != 0)
		return (rc);
	rc = zap_get(&z, &k, 8, 1, value, real_name, real_size);
	zap_close(&z);
	return (rc);
}

static int
zap_open_words(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey, struct zap *z,
    struct zap_key *k)
{
	int rc = zap_open(os, obj, z);

	if (rc == 0 && (rc = zap_key_words(z, key, nkey, k)) != 0)
		zap_close(z);
	return (rc);
}

int
zap_lookup_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey, unsigned intlen,
    uint64_t num, void *buf)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_words(os, obj, key, nkey, &z, &k)) != 0)
		return (rc);
	rc = fzap_lookup(&z, &k, intlen, num, buf, NULL, 0);
	zap_close(&z);
	return (rc);
}

int
zap_length_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey, unsigned *intlen,
    uint64_t *num)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_words(os, obj, key, nkey, &z, &k)) != 0)
		return (rc);
	rc = fzap_length(&z, &k, intlen, num);
	zap_close(&z);
	return (rc);
}

int
zap_update_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey, unsigned intlen,
    uint64_t num, const void *buf)
{
	struct zap_value v = {intlen, num, buf};
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_words(os, obj, key, nkey, &z, &k)) != 0)
		return (rc);
	rc = fzap_put(&z, &k, &v, true, -1);
	zap_close(&z);
	return (rc);
}

int
zap_remove_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_words(os, obj, key, nkey, &z, &k)) != 0)
		return (rc);
	rc = fzap_remove(&z, &k);
	zap_close(&z);
	return (rc);
}

int
zap_length(struct objset *os, uint64_t obj, const char *name, unsigned *intlen, uint64_t *num)
{
	struct mzap_ent *e;
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_key(os, obj, name, false, &z, &k)) != 0)
		return (rc);
	if (z.is_fat) {
		rc = fzap_length(&z, &k, intlen, num);
	} else if ((rc = mzap_find(&z, &k, &e)) == 0) {
		*intlen = 8;
		*num = 1;
	}
	zap_close(&z);
	return (rc);
}

static int
zap_put(struct zap *z, const struct zap_key *k, const struct zap_value *v, bool replace)
{
	struct mzap_ent *e;
	int rc;

	if (!z->is_fat && mzap_fits(k, v)) {
		rc = mzap_put(z, k, *(const uint64_t *)v->ints, replace);
		if (rc != -ENOBUFS)
			return (rc);
	}
	if (!z->is_fat && !replace && mzap_find(z, k, &e) == 0)
		return (-EEXIST);
	if (!z->is_fat && (rc = mzap_upgrade(z)) != 0)
		return (rc);
	return (fzap_put(z, k, v, replace, -1));
}

static int
zap_put_name(struct objset *os, uint64_t obj, const char *name, const struct zap_value *v,
    bool replace)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if (v->intlen != 1 && v->intlen != 2 && v->intlen != 4 && v->intlen != 8)
		return (-EINVAL);
	if (v->num > ZAP_VALUE_MAX / v->intlen)
		return (-E2BIG);
	if ((rc = zap_open_key(os, obj, name, false, &z, &k)) != 0)
		return (rc);
	rc = k.num < 2 ? -EINVAL : zap_put(&z, &k, v, replace);
	zap_close(&z);
	return (rc);
}

int
zap_add(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    const void *buf)
{
	struct zap_value v = {intlen, num, buf};

	return (zap_put_name(os, obj, name, &v, false));
}

int
zap_update(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    const void *buf)
{
	struct zap_value v = {intlen, num, buf};

	return (zap_put_name(os, obj, name, &v, true));
}

int
zap_remove(struct objset *os, uint64_t obj, const char *name)
{
	struct zap_key k;
	struct zap z;
	int rc;

	if ((rc = zap_open_key(os, obj, name, false, &z, &k)) != 0)
		return (rc);
	rc = z.is_fat ? fzap_remove(&z, &k) : mzap_remove(&z, &k);
	zap_close(&z);
	return (rc);
}

int
zap_count(struct objset *os, uint64_t obj, uint64_t *count)
{
	struct zap z;
	int rc;

	if ((rc = zap_open(os, obj, &z)) != 0)
		return (rc);
	*count = z.is_fat ? ((struct fzap_header *)z.block0)->entries : mzap_count(&z);
	zap_close(&z);
	return (0);
}

/* --- keys that are numbers -------------------------------------------------------------------- */

const char *
zap_int_name(char buf[ZAP_INT_NAME], uint64_t key)
{
	char *p = buf + ZAP_INT_NAME - 1;

	*p = '\0';
	do {
		*--p = "0123456789abcdef"[key & 15];
		key >>= 4;
	} while (key != 0);
	memmove(buf, p, (size_t)(buf + ZAP_INT_NAME - p));
	return (buf);
}

int
zap_lookup_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t *value)
{
	char name[ZAP_INT_NAME];

	return (zap_lookup(os, obj, zap_int_name(name, key), 8, 1, value));
}

int
zap_add_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t value)
{
	char name[ZAP_INT_NAME];

	return (zap_add(os, obj, zap_int_name(name, key), 8, 1, &value));
}

int
zap_update_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t value)
{
	char name[ZAP_INT_NAME];

	return (zap_update(os, obj, zap_int_name(name, key), 8, 1, &value));
}

int
zap_remove_int(struct objset *os, uint64_t obj, uint64_t key)
{
	char name[ZAP_INT_NAME];

	return (zap_remove(os, obj, zap_int_name(name, key)));
}

static int
fzap_fill_ints(struct zap *z, const uint64_t *keys, const uint64_t *values, size_t n)
{
	char name[ZAP_INT_NAME];
	size_t i;
	int rc = z->is_fat ? 0 : mzap_upgrade(z);

	for (i = 0; i < n && rc == 0; i++) {
		struct zap_value v = {8, 1, &values[i]};
		struct zap_key k;

		if ((rc = zap_key_string(z, zap_int_name(name, keys[i]), false, &k)) == 0)
			rc = fzap_put(z, &k, &v, false, -1);
	}
	return (rc);
}

int
zap_fill_ints(struct objset *os, uint64_t obj, const uint64_t *keys, const uint64_t *values,
    size_t n)
{
	struct zap z;
	int rc;

	if ((rc = zap_open(os, obj, &z)) != 0)
		return (rc);
	if (!z.is_fat && n <= MZAP_ENTRIES_MAX && mzap_count(&z) == 0)
		rc = mzap_fill_ints(&z, keys, values, n);
	else
		rc = fzap_fill_ints(&z, keys, values, n);
	zap_close(&z);
	return (rc);
}

int
zap_increment_int(struct objset *os, uint64_t obj, uint64_t key, int64_t delta)
{
	uint64_t value = 0;
	int rc = zap_lookup_int(os, obj, key, &value);

	if (delta == 0 || (rc != 0 && rc != -ENOENT))
		return (delta == 0 ? 0 : rc);
	value += (uint64_t)delta;
	if (value != 0)
		return (zap_update_int(os, obj, key, value));
	return (rc == 0 ? zap_remove_int(os, obj, key) : 0);
}

/* --- iteration -------------------------------------------------------------------------------- */

static struct zap_pos
cookie_unpack(const struct zap *z, uint64_t cookie)
{
	unsigned bits = zap_hash_bits(z);

	return ((struct zap_pos){cookie << (64 - bits), (uint32_t)(cookie >> bits)});
}

/* The place right behind pos; a hash or cd that leaves no such place can only be damage. */
static int
cookie_pack(const struct zap *z, struct zap_pos pos, uint64_t *cookie)
{
	unsigned bits = zap_hash_bits(z);

	if (pos.cd >= (bits == 28 ? UINT32_MAX : UINT16_MAX) || hash_cut(z, pos.hash) != pos.hash)
		return (-EILSEQ);
	*cookie = ((uint64_t)pos.cd + 1) << bits | pos.hash >> (64 - bits);
	return (0);
}

int
zap_next(struct objset *os, uint64_t obj, uint64_t *cookie, struct zap_entry *ze)
{
	struct zap_pos pos;
	struct zap z;
	int rc;

	if ((rc = zap_open(os, obj, &z)) != 0)
		return (rc);
	pos = cookie_unpack(&z, *cookie);
	rc = z.is_fat ? fzap_next(&z, &pos, ze) : mzap_next(&z, &pos, ze);
	if (rc == 0)
		rc = cookie_pack(&z, pos, cookie);
	zap_close(&z);
	return (rc);
}

void
zap_cursor_init(struct zap_cursor *c, struct objset *os, uint64_t obj, uint64_t cookie)
{
	*c = (struct zap_cursor){os, obj, cookie, NULL};
}

int
zap_cursor_next(struct zap_cursor *c, struct zap_entry *ze)
{
	struct zap_pos pos;
	struct zap z;
	int rc;

	if ((rc = zap_open(c->os, c->obj, &z)) != 0)
		return (rc);
	pos = cookie_unpack(&z, c->cookie);
	if (z.is_fat) {
		rc = fzap_next(&z, &pos, ze);
	} else {
		if (c->order == NULL)
			rc = mzap_order_new(&z, &c->order);
		if (rc == 0)
			rc = mzap_order_next(&z, c->order, &pos, ze);
	}
	if (rc == 0)
		rc = cookie_pack(&z, pos, &c->cookie);
	zap_close(&z);
	return (rc);
}

void
zap_cursor_fini(struct zap_cursor *c)
{
	free(c->order);
	c->order = NULL;
}

int
zap_value_search(struct objset *os, uint64_t obj, uint64_t value, uint64_t mask, char *name,
    size_t size)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (mask == 0)
		mask = UINT64_MAX;
	zap_cursor_init(&c, os, obj, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if (ze.intlen == 8 && ze.num == 1 && (ze.first & mask) == (value & mask))
			break;
	}
	zap_cursor_fini(&c);
	if (rc == 0 && (size_t)snprintf(name, size, "%s", ze.name) >= size)
		rc = -EOVERFLOW;
	return (rc);
}
