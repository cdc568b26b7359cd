/* SPDX-License-Identifier: MIT */
/*
 * Name-value lists in native encoding: resume tokens and what kernels put in BEGIN records.
 *
 * The bytes are the memory of the host that wrote them: its byte order, pairs of a multiple of 8
 * bytes, pointers left as zeros. A nested list is a 24-byte memory image inside its pair, and its own
 * pairs and end mark (4 bytes) follow directly behind the pair, not counted in the pair's size; so
 * what comes after is no longer 8-byte aligned. Every access here is by memcpy and bounded.
 * Layout: docs/zfs-format.md, "Packed nvlist".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvlist_impl.h"
#include "smartbox/core/buf.h"

#define PAIR_HEADER 16u
#define LIST_IMAGE 24u

static size_t
align8(size_t v)
{
	return ((v + 7) & ~(size_t)7);
}

/* --- encode --- */

static void
put_zeros(struct buf *b, size_t n)
{
	static const char zeros[64];

	for (; n > sizeof(zeros); n -= sizeof(zeros))
		buf_add(b, zeros, sizeof(zeros));
	buf_add(b, zeros, n);
}

static void put_pairs(struct buf *b, const struct nvlist *nv);

static void
put_list_image(struct buf *b)
{
	uint32_t image[6] = {0, 1}; /* version, unique names; then pointers */

	buf_add(b, image, sizeof(image));
}

static void
put_value(struct buf *b, const struct nvpair *p)
{
	struct nv_type_info t = nv_type_info(p->type);

	switch (t.shape) {
	case SHAPE_NUM:
		buf_add(b, &p->v.num, t.width);
		break;
	case SHAPE_STR:
		buf_add(b, p->v.str, strlen(p->v.str) + 1);
		break;
	case SHAPE_BYTES:
		buf_add(b, p->v.bytes, p->n);
		break;
	case SHAPE_NUMS:
		for (size_t i = 0; i < p->n; i++)
			buf_add(b, &p->v.nums[i], t.width);
		break;
	case SHAPE_STRS:
		put_zeros(b, 8 * p->n);
		for (size_t i = 0; i < p->n; i++)
			buf_add(b, p->v.strs[i], strlen(p->v.strs[i]) + 1);
		break;
	case SHAPE_LIST:
		put_list_image(b);
		break;
	case SHAPE_LISTS:
		put_zeros(b, 8 * p->n);
		for (size_t i = 0; i < p->n; i++)
			put_list_image(b);
		break;
	default:
		break;
	}
}

static void
put_pair(struct buf *b, const struct nvpair *p)
{
	size_t start = b->len, name = strlen(p->name) + 1;
	struct {
		int32_t size;
		int16_t name, pad;
		int32_t n;
		uint32_t type;
	} h = {0, (int16_t)name, 0, (int32_t)p->n, p->type};

	buf_add(b, &h, sizeof(h));
	buf_add(b, p->name, name);
	put_zeros(b, align8(PAIR_HEADER + name) - PAIR_HEADER - name);
	put_value(b, p);
	put_zeros(b, align8(b->len - start) - (b->len - start));
	h.size = (int32_t)(b->len - start);
	if (!buf_failed(b))
		memcpy(b->data + start, &h.size, sizeof(h.size));
	if (p->type == NV_NVLIST)
		put_pairs(b, p->v.list);
	for (size_t i = 0; p->type == NV_NVLIST_ARRAY && i < p->n; i++)
		put_pairs(b, p->v.lists[i]);
}

static void
put_pairs(struct buf *b, const struct nvlist *nv)
{
	for (const struct nvpair *p = nv->head; p != NULL; p = p->next)
		put_pair(b, p);
	put_zeros(b, 4);
}

int
nv_pack_native(const struct nvlist *nv, void **out, size_t *len)
{
	struct buf b = BUF_INIT;
	uint32_t head[3] = {0x0100, 0, 1}; /* native, little-endian; version; unique names */

	buf_add(&b, head, sizeof(head));
	put_pairs(&b, nv);
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
	bool swap;
	struct err *e;
};

static int
bad(const struct cursor *c, const char *what)
{
	return (err_set(c->e, EILSEQ, "native name-value list: %s at byte %zu", what,
	    (size_t)(c->p - c->base)));
}

static int
no_memory(const struct cursor *c)
{
	return (err_set(c->e, ENOMEM, "out of memory"));
}

/* `width` bytes of the writer's byte order at p, sign extended if asked. */
static uint64_t
number_at(const struct cursor *c, const uint8_t *p, unsigned width, bool is_signed)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v = v << 8 | p[c->swap ? i : width - 1 - i];
	if (is_signed && width < 8 && (v >> (8 * width - 1)) != 0)
		v |= ~0ULL << (8 * width);
	return (v);
}

static int take_pairs(struct cursor *c, int depth, struct nvlist **out);

static int
value_strs(struct cursor *c, struct nvpair *p, const uint8_t *v, size_t len)
{
	size_t n = p->n;

	p->n = 0;
	if (n > len / 9)
		return (n == 0 ? 0 : bad(c, "array count does not fit"));
	if ((p->v.strs = calloc(n + 1, sizeof(char *))) == NULL)
		return (no_memory(c));
	p->n = n;
	v += 8 * n;
	len -= 8 * n;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *nul = memchr(v, 0, len);

		if (nul == NULL)
			return (bad(c, "string without an end"));
		if ((p->v.strs[i] = strdup((const char *)v)) == NULL)
			return (no_memory(c));
		len -= (size_t)(nul + 1 - v);
		v = nul + 1;
	}
	return (0);
}

static int
value_nums(struct cursor *c, struct nvpair *p, const uint8_t *v, size_t len)
{
	struct nv_type_info t = nv_type_info(p->type);

	if (p->n > len / t.width)
		return (bad(c, "array count does not fit"));
	if ((p->v.nums = malloc(p->n * 8 + 1)) == NULL)
		return (no_memory(c));
	for (size_t i = 0; i < p->n; i++)
		p->v.nums[i] = number_at(c, v + i * t.width, t.width, t.is_signed);
	return (0);
}

static int
value_bytes(struct cursor *c, struct nvpair *p, const uint8_t *v, size_t len)
{
	if (p->n > len)
		return (bad(c, "array count does not fit"));
	if ((p->v.bytes = malloc(p->n + 1)) == NULL)
		return (no_memory(c));
	memcpy(p->v.bytes, v, p->n);
	return (0);
}

/* Nested lists: c stands behind the pair, where their pairs are. */
static int
value_lists(struct cursor *c, struct nvpair *p, size_t len, int depth)
{
	size_t n = p->n;
	int rc = 0;

	p->n = 0;
	if (n > len / (8 + LIST_IMAGE))
		return (bad(c, "array count does not fit"));
	if ((p->v.lists = calloc(n + 1, sizeof(struct nvlist *))) == NULL)
		return (no_memory(c));
	p->n = n;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = take_pairs(c, depth + 1, &p->v.lists[i]);
	return (rc);
}

static int
take_value(struct cursor *c, struct nvpair *p, const uint8_t *v, size_t len, int depth)
{
	struct nv_type_info t = nv_type_info(p->type);

	switch (t.shape) {
	case SHAPE_NONE:
		return (0);
	case SHAPE_NUM:
		if (len < t.width)
			return (bad(c, "number does not fit"));
		p->v.num = number_at(c, v, t.width, t.is_signed);
		return (0);
	case SHAPE_STR:
		if (memchr(v, 0, len) == NULL)
			return (bad(c, "string without an end"));
		return ((p->v.str = strdup((const char *)v)) == NULL ? no_memory(c) : 0);
	case SHAPE_BYTES:
		return (value_bytes(c, p, v, len));
	case SHAPE_NUMS:
		return (value_nums(c, p, v, len));
	case SHAPE_STRS:
		return (value_strs(c, p, v, len));
	case SHAPE_LIST:
		if (len < LIST_IMAGE)
			return (bad(c, "list does not fit"));
		return (take_pairs(c, depth + 1, &p->v.list));
	case SHAPE_LISTS:
		return (value_lists(c, p, len, depth));
	default:
		return (bad(c, "unknown type"));
	}
}

static int
take_pair(struct cursor *c, int depth, size_t size, struct nvpair **out)
{
	const uint8_t *start = c->p;
	size_t name = number_at(c, start + 4, 2, false);
	uint32_t n = (uint32_t)number_at(c, start + 8, 4, false);
	uint32_t type = (uint32_t)number_at(c, start + 12, 4, false);
	struct nv_type_info t = nv_type_info(type);
	size_t value = align8(PAIR_HEADER + name);
	struct nvpair *p;
	int rc;

	if (name == 0 || name > NV_NAME_MAX || PAIR_HEADER + name > size ||
	    memchr(start + PAIR_HEADER, 0, name) != start + PAIR_HEADER + name - 1)
		return (bad(c, "bad name"));
	if (t.shape == SHAPE_BAD || (value > size && t.shape != SHAPE_NONE))
		return (bad(c, "bad type"));
	if ((p = nvpair_new((const char *)start + PAIR_HEADER, name - 1, type)) == NULL)
		return (no_memory(c));
	if (t.shape >= SHAPE_BYTES && t.shape != SHAPE_LIST)
		p->n = n;
	c->p += size;
	rc = take_value(c, p, start + value, value > size ? 0 : size - value, depth);
	if (rc != 0) {
		nvpair_free(p);
		return (rc);
	}
	*out = p;
	return (0);
}

static int
take_pairs(struct cursor *c, int depth, struct nvlist **out)
{
	struct nvpair *p = NULL;
	struct nvlist *nv;
	int rc = 0;

	if (depth > NV_DEPTH_MAX)
		return (bad(c, "nested too deeply"));
	if ((nv = nv_new()) == NULL)
		return (no_memory(c));
	for (;;) {
		size_t left = (size_t)(c->end - c->p), size;

		if (left < 4) {
			rc = bad(c, "no end mark");
			break;
		}
		if ((size = number_at(c, c->p, 4, false)) == 0) {
			c->p += 4;
			break;
		}
		if (size < PAIR_HEADER || size > left) {
			rc = bad(c, "pair runs past the end");
			break;
		}
		if ((rc = take_pair(c, depth, size, &p)) != 0)
			break;
		(void)nv_insert(nv, p);
	}
	if (rc != 0) {
		nv_free(nv);
		return (rc);
	}
	*out = nv;
	return (0);
}

int
nv_native_unpack(const uint8_t *p, size_t len, bool big_endian, struct nvlist **out, struct err *e)
{
	struct cursor c = {p, p, p + len, big_endian, e};

	if (len < 8 || number_at(&c, p, 4, false) != 0)
		return (bad(&c, "bad list header"));
	c.p += 8;
	return (take_pairs(&c, 0, out));
}
