/* SPDX-License-Identifier: MIT */
/*
 * Name-value lists in XDR: labels, the MOS config, feature lists, compound send streams.
 *
 * Everything is big-endian and aligned to 4 bytes. A pair tells its own encoded size, and the size
 * that the reader's memory form of it will have (OpenZFS allocates by that number, so it must be
 * right although we have no use for it). The decoder works on a cursor that cannot pass its end and
 * requires that each pair is exactly as long as it says; nesting is bounded by NV_DEPTH_MAX, counts
 * by the bytes that are left. Layout: docs/zfs-format.md, "Packed nvlist".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvlist_impl.h"
#include "smartbox/core/buf.h"

enum { ENCODING_NATIVE = 0, ENCODING_XDR = 1 };

static size_t
align_up(size_t v, size_t a)
{
	return ((v + a - 1) & ~(a - 1));
}

/* --- encode --- */

static void
put_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = {v >> 24, v >> 16, v >> 8, v};

	buf_add(b, p, sizeof(p));
}

static void
put_u64(struct buf *b, uint64_t v)
{
	put_u32(b, v >> 32);
	put_u32(b, (uint32_t)v);
}

static void
put_padded(struct buf *b, const void *p, size_t n)
{
	buf_add(b, p, n);
	buf_add(b, "\0\0\0", align_up(n, 4) - n);
}

static void
put_string(struct buf *b, const char *s)
{
	put_u32(b, (uint32_t)strlen(s));
	put_padded(b, s, strlen(s));
}

static void
patch_u32(struct buf *b, size_t at, uint32_t v)
{
	uint8_t p[4] = {v >> 24, v >> 16, v >> 8, v};

	if (!buf_failed(b))
		memcpy(b->data + at, p, sizeof(p));
}

static size_t
strings_bytes(const struct nvpair *p)
{
	size_t sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += strlen(p->v.strs[i]) + 1;
	return (sum);
}

/* What a pair takes in the memory of OpenZFS's decoder. */
static size_t
decoded_size(const struct nvpair *p)
{
	struct nv_type_info t = nv_type_info(p->type);
	size_t data = p->n * t.width;

	if (t.shape == SHAPE_STR)
		data = strlen(p->v.str) + 1;
	else if (t.shape == SHAPE_STRS)
		data += strings_bytes(p);
	return (align_up(16 + strlen(p->name) + 1, 8) + align_up(data, 8));
}

static void put_list(struct buf *b, const struct nvlist *nv);

static void
put_num(struct buf *b, unsigned width, uint64_t v)
{
	if (width == 8)
		put_u64(b, v);
	else
		put_u32(b, (uint32_t)v);
}

static void
put_bytes(struct buf *b, const struct nvpair *p)
{
	if (p->type == NV_BYTE_ARRAY) {
		put_padded(b, p->v.bytes, p->n);
		return;
	}
	put_u32(b, (uint32_t)p->n);
	for (size_t i = 0; i < p->n; i++)
		put_u32(b, p->type == NV_INT8_ARRAY ? (uint32_t)(int8_t)p->v.bytes[i] : p->v.bytes[i]);
}

static void
put_value(struct buf *b, const struct nvpair *p)
{
	struct nv_type_info t = nv_type_info(p->type);

	switch (t.shape) {
	case SHAPE_NUM:
		put_num(b, t.width, p->v.num);
		break;
	case SHAPE_STR:
		put_string(b, p->v.str);
		break;
	case SHAPE_BYTES:
		put_bytes(b, p);
		break;
	case SHAPE_NUMS:
		put_u32(b, (uint32_t)p->n);
		for (size_t i = 0; i < p->n; i++)
			put_num(b, t.width, p->v.nums[i]);
		break;
	case SHAPE_STRS:
		for (size_t i = 0; i < p->n; i++)
			put_string(b, p->v.strs[i]);
		break;
	case SHAPE_LIST:
		put_list(b, p->v.list);
		break;
	case SHAPE_LISTS:
		for (size_t i = 0; i < p->n; i++)
			put_list(b, p->v.lists[i]);
		break;
	default:
		break;
	}
}

static void
put_list(struct buf *b, const struct nvlist *nv)
{
	put_u32(b, 0); /* version */
	put_u32(b, 1); /* unique names */
	for (const struct nvpair *p = nv->head; p != NULL; p = p->next) {
		size_t start = b->len;

		put_u32(b, 0);
		put_u32(b, (uint32_t)decoded_size(p));
		put_string(b, p->name);
		put_u32(b, p->type);
		put_u32(b, (uint32_t)p->n);
		put_value(b, p);
		patch_u32(b, start, (uint32_t)(b->len - start));
	}
	put_u64(b, 0);
}

int
nv_pack(const struct nvlist *nv, void **out, size_t *len)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "\1\1\0\0", 4); /* XDR, made on a little-endian host */
	put_list(&b, nv);
	if (buf_failed(&b)) {
		buf_free(&b);
		return (-ENOMEM);
	}
	*len = b.len;
	*out = buf_take(&b);
	return (0);
}

/* --- decode --- */

struct cursor {
	const uint8_t *base, *p, *end;
	struct err *e;
};

static int
bad(const struct cursor *c, const char *what)
{
	return (err_set(c->e, EILSEQ, "name-value list: %s at byte %zu", what,
	    (size_t)(c->p - c->base)));
}

static int
no_memory(const struct cursor *c)
{
	return (err_set(c->e, ENOMEM, "out of memory"));
}

static bool
take_u32(struct cursor *c, uint32_t *v)
{
	if (c->end - c->p < 4)
		return (false);
	*v = (uint32_t)c->p[0] << 24 | (uint32_t)c->p[1] << 16 | (uint32_t)c->p[2] << 8 | c->p[3];
	c->p += 4;
	return (true);
}

static bool
take_num(struct cursor *c, struct nv_type_info t, uint64_t *v)
{
	uint32_t hi, lo = 0;

	if (!take_u32(c, &hi) || (t.width == 8 && !take_u32(c, &lo)))
		return (false);
	if (t.width == 8)
		*v = (uint64_t)hi << 32 | lo;
	else
		*v = t.is_signed ? (uint64_t)(int64_t)(int32_t)hi : hi;
	return (true);
}

/* n bytes and their padding; NULL when they are not there. */
static const uint8_t *
take_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (n > (size_t)(c->end - c->p) || align_up(n, 4) > (size_t)(c->end - c->p))
		return (NULL);
	c->p += align_up(n, 4);
	return (p);
}

/* A string: its bytes and length. Embedded NULs are refused: names and values are C strings. */
static const char *
take_string(struct cursor *c, size_t *len)
{
	uint32_t n;
	const uint8_t *p;

	if (!take_u32(c, &n) || (p = take_bytes(c, n)) == NULL || memchr(p, 0, n) != NULL)
		return (NULL);
	*len = n;
	return ((const char *)p);
}

static char *
take_strdup(struct cursor *c, int *rc)
{
	size_t len;
	const char *s = take_string(c, &len);
	char *d = s != NULL ? strndup(s, len) : NULL;

	*rc = s == NULL ? bad(c, "bad string") : d == NULL ? no_memory(c) : 0;
	return (d);
}

static int take_list(struct cursor *c, int depth, struct nvlist **out);

static int
take_byte_array(struct cursor *c, struct nvpair *p)
{
	uint32_t count = 0, v;
	const uint8_t *src;

	if (p->type == NV_BYTE_ARRAY) {
		if ((src = take_bytes(c, p->n)) == NULL)
			return (bad(c, "array runs past the end"));
		if ((p->v.bytes = malloc(p->n + 1)) == NULL)
			return (no_memory(c));
		memcpy(p->v.bytes, src, p->n);
		return (0);
	}
	if (!take_u32(c, &count) || count != p->n || count > (size_t)(c->end - c->p) / 4)
		return (bad(c, "array count does not fit"));
	if ((p->v.bytes = malloc(p->n + 1)) == NULL)
		return (no_memory(c));
	for (size_t i = 0; i < count && take_u32(c, &v); i++)
		p->v.bytes[i] = (uint8_t)v;
	return (0);
}

static int
take_nums(struct cursor *c, struct nvpair *p, struct nv_type_info t)
{
	uint32_t count;

	if (!take_u32(c, &count) || count != p->n ||
	    count > (size_t)(c->end - c->p) / (t.width == 8 ? 8 : 4))
		return (bad(c, "array count does not fit"));
	if ((p->v.nums = malloc(p->n * 8 + 1)) == NULL)
		return (no_memory(c));
	for (size_t i = 0; i < count; i++)
		(void)take_num(c, t, &p->v.nums[i]);
	return (0);
}

static int
take_strs(struct cursor *c, struct nvpair *p)
{
	int rc = 0;

	if (p->n > (size_t)(c->end - c->p) / 4) {
		p->n = 0;
		return (bad(c, "array count does not fit"));
	}
	if ((p->v.strs = calloc(p->n + 1, sizeof(char *))) == NULL)
		return (no_memory(c));
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		p->v.strs[i] = take_strdup(c, &rc);
	return (rc);
}

static int
take_lists(struct cursor *c, struct nvpair *p, int depth)
{
	int rc = 0;

	if (p->n > (size_t)(c->end - c->p) / 16) {
		p->n = 0;
		return (bad(c, "array count does not fit"));
	}
	if ((p->v.lists = calloc(p->n + 1, sizeof(struct nvlist *))) == NULL)
		return (no_memory(c));
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = take_list(c, depth + 1, &p->v.lists[i]);
	return (rc);
}

static int
take_value(struct cursor *c, struct nvpair *p, int depth)
{
	struct nv_type_info t = nv_type_info(p->type);
	int rc = 0;

	switch (t.shape) {
	case SHAPE_NONE:
		return (0);
	case SHAPE_NUM:
		return (take_num(c, t, &p->v.num) ? 0 : bad(c, "number runs past the end"));
	case SHAPE_STR:
		p->v.str = take_strdup(c, &rc);
		return (rc);
	case SHAPE_BYTES:
		return (take_byte_array(c, p));
	case SHAPE_NUMS:
		return (take_nums(c, p, t));
	case SHAPE_STRS:
		return (take_strs(c, p));
	case SHAPE_LIST:
		return (take_list(c, depth + 1, &p->v.list));
	case SHAPE_LISTS:
		return (take_lists(c, p, depth));
	default:
		return (bad(c, "unknown type"));
	}
}

/* The pair whose two size words are already taken; `c` ends where the pair does. */
static int
take_pair(struct cursor *c, int depth, struct nvpair **out)
{
	size_t name_len;
	const char *name = take_string(c, &name_len);
	uint32_t type, n;
	struct nvpair *p;
	int rc;

	if (name == NULL || name_len > NV_NAME_MAX)
		return (bad(c, "bad name"));
	if (!take_u32(c, &type) || !take_u32(c, &n) || nv_type_info(type).shape == SHAPE_BAD)
		return (bad(c, "bad type"));
	if ((p = nvpair_new(name, name_len, type)) == NULL)
		return (no_memory(c));
	switch (nv_type_info(type).shape) {
	case SHAPE_BYTES:
	case SHAPE_NUMS:
	case SHAPE_STRS:
	case SHAPE_LISTS:
		p->n = n;
		break;
	default:
		break;
	}
	rc = take_value(c, p, depth);
	if (rc == 0 && c->p != c->end)
		rc = bad(c, "pair is longer than its value");
	if (rc != 0) {
		nvpair_free(p);
		return (rc);
	}
	*out = p;
	return (0);
}

static int
take_pairs(struct cursor *c, int depth, struct nvlist *nv)
{
	for (;;) {
		const uint8_t *start = c->p;
		struct cursor pair = *c;
		struct nvpair *p = NULL;
		uint32_t size, decoded;
		int rc;

		if (!take_u32(c, &size) || !take_u32(c, &decoded))
			return (bad(c, "no end mark"));
		if (size == 0 && decoded == 0)
			return (0);
		if (size < 8 || size > (size_t)(c->end - start))
			return (bad(c, "pair runs past the end"));
		pair.p = c->p;
		pair.end = start + size;
		if ((rc = take_pair(&pair, depth, &p)) != 0)
			return (rc);
		(void)nv_insert(nv, p);
		c->p = pair.end;
	}
}

static int
take_list(struct cursor *c, int depth, struct nvlist **out)
{
	uint32_t version, flag;
	struct nvlist *nv;
	int rc;

	if (depth > NV_DEPTH_MAX)
		return (bad(c, "nested too deeply"));
	if (!take_u32(c, &version) || !take_u32(c, &flag) || version != 0)
		return (bad(c, "bad list header"));
	if ((nv = nv_new()) == NULL)
		return (no_memory(c));
	if ((rc = take_pairs(c, depth, nv)) != 0) {
		nv_free(nv);
		return (rc);
	}
	*out = nv;
	return (0);
}

int
nv_unpack(const void *data, size_t len, struct nvlist **out, struct err *e)
{
	const uint8_t *p = data;
	struct cursor c = {p, p + 4, p + len, e};

	if (len < 4)
		return (err_set(e, EILSEQ, "name-value list: %zu bytes", len));
	if (p[0] == ENCODING_NATIVE)
		return (nv_native_unpack(p + 4, len - 4, p[1] == 0, out, e));
	if (p[0] != ENCODING_XDR)
		return (err_set(e, EILSEQ, "name-value list: unknown encoding %u", p[0]));
	return (take_list(&c, 0, out));
}
