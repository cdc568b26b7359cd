/* SPDX-License-Identifier: MIT */
/*
 * Name-value lists in memory.
 *
 * Theory
 * ------
 * A list is a doubly linked chain of pairs in the order of insertion: encodings keep that order, and
 * so a label that is read, changed in one place and written differs in one place. Names are unique;
 * adding one that exists replaces it (and moves it to the end). Short lists are searched; from
 * HASH_FROM pairs on a hash table finds names, because the listing of a big pool is one list.
 *
 * All integers are held as 64 bits, sign extended, and cut to their type's width when encoded. Byte
 * arrays (three types) are bytes; other arrays of numbers are 64-bit too. Values are owned by the
 * pair, so that a list is a tree and freeing needs no counting.
 *
 * Invariants
 *  1. count is the number of pairs in the chain; each pair is in exactly one bucket if bucket != NULL
 *  2. no two pairs have the same name
 *  3. n of a string, nvlist or number is 1, of BOOLEAN 0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvlist_impl.h"

#define HASH_FROM 24

struct nv_type_info
nv_type_info(unsigned type)
{
	static const struct nv_type_info info[] = {
	    [NV_BOOLEAN] = {SHAPE_NONE, 0, false},
	    [NV_BYTE] = {SHAPE_NUM, 1, false},
	    [NV_INT16] = {SHAPE_NUM, 2, true},
	    [NV_UINT16] = {SHAPE_NUM, 2, false},
	    [NV_INT32] = {SHAPE_NUM, 4, true},
	    [NV_UINT32] = {SHAPE_NUM, 4, false},
	    [NV_INT64] = {SHAPE_NUM, 8, true},
	    [NV_UINT64] = {SHAPE_NUM, 8, false},
	    [NV_STRING] = {SHAPE_STR, 1, false},
	    [NV_BYTE_ARRAY] = {SHAPE_BYTES, 1, false},
	    [NV_INT16_ARRAY] = {SHAPE_NUMS, 2, true},
	    [NV_UINT16_ARRAY] = {SHAPE_NUMS, 2, false},
	    [NV_INT32_ARRAY] = {SHAPE_NUMS, 4, true},
	    [NV_UINT32_ARRAY] = {SHAPE_NUMS, 4, false},
	    [NV_INT64_ARRAY] = {SHAPE_NUMS, 8, true},
	    [NV_UINT64_ARRAY] = {SHAPE_NUMS, 8, false},
	    [NV_STRING_ARRAY] = {SHAPE_STRS, 8, false},
	    [NV_HRTIME] = {SHAPE_NUM, 8, true},
	    [NV_NVLIST] = {SHAPE_LIST, 24, false},
	    [NV_NVLIST_ARRAY] = {SHAPE_LISTS, 32, false},
	    [NV_BOOLEAN_VALUE] = {SHAPE_NUM, 4, false},
	    [NV_INT8] = {SHAPE_NUM, 1, true},
	    [NV_UINT8] = {SHAPE_NUM, 1, false},
	    [NV_BOOLEAN_ARRAY] = {SHAPE_NUMS, 4, false},
	    [NV_INT8_ARRAY] = {SHAPE_BYTES, 1, true},
	    [NV_UINT8_ARRAY] = {SHAPE_BYTES, 1, false},
	};

	if (type >= sizeof(info) / sizeof(info[0]))
		return ((struct nv_type_info){SHAPE_BAD, 0, false});
	return (info[type]);
}

static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return (h);
}

struct nvlist *
nv_new(void)
{
	return (calloc(1, sizeof(struct nvlist)));
}

struct nvpair *
nvpair_new(const char *name, size_t len, enum nv_type type)
{
	struct nvpair *p = calloc(1, sizeof(*p) + len + 1);

	if (p == NULL)
		return (NULL);
	memcpy(p->name, name, len);
	p->type = type;
	p->n = type == NV_BOOLEAN ? 0 : 1;
	p->hash = name_hash(p->name);
	return (p);
}

void
nvpair_free(struct nvpair *p)
{
	if (p == NULL)
		return;
	switch (nv_type_info(p->type).shape) {
	case SHAPE_STR:
		free(p->v.str);
		break;
	case SHAPE_BYTES:
		free(p->v.bytes);
		break;
	case SHAPE_NUMS:
		free(p->v.nums);
		break;
	case SHAPE_STRS:
		for (size_t i = 0; p->v.strs != NULL && i < p->n; i++)
			free(p->v.strs[i]);
		free(p->v.strs);
		break;
	case SHAPE_LIST:
		nv_free(p->v.list);
		break;
	case SHAPE_LISTS:
		for (size_t i = 0; p->v.lists != NULL && i < p->n; i++)
			nv_free(p->v.lists[i]);
		free(p->v.lists);
		break;
	default:
		break;
	}
	free(p);
}

void
nv_free(struct nvlist *nv)
{
	struct nvpair *p, *next;

	if (nv == NULL)
		return;
	for (p = nv->head; p != NULL; p = next) {
		next = p->next;
		nvpair_free(p);
	}
	free(nv->bucket);
	free(nv);
}

static struct nvpair *
find_hashed(const struct nvlist *nv, const char *name, uint32_t hash)
{
	struct nvpair *p = nv->bucket != NULL ? nv->bucket[hash & (nv->nbucket - 1)] : nv->head;

	while (p != NULL && (p->hash != hash || strcmp(p->name, name) != 0))
		p = nv->bucket != NULL ? p->chain : p->next;
	return (p);
}

static struct nvpair *
find(const struct nvlist *nv, const char *name)
{
	return (find_hashed(nv, name, name_hash(name)));
}

/* Failing to get the table only costs speed, so the old one (or none) stays. */
static void
rehash(struct nvlist *nv)
{
	size_t n = nv->nbucket != 0 ? nv->nbucket * 4 : 64;
	struct nvpair **b = calloc(n, sizeof(*b));

	if (b == NULL)
		return;
	for (struct nvpair *p = nv->head; p != NULL; p = p->next) {
		p->chain = b[p->hash & (n - 1)];
		b[p->hash & (n - 1)] = p;
	}
	free(nv->bucket);
	nv->bucket = b;
	nv->nbucket = n;
}

static void
unlink_pair(struct nvlist *nv, struct nvpair *p)
{
	if (nv->bucket != NULL) {
		struct nvpair **pp = &nv->bucket[p->hash & (nv->nbucket - 1)];

		while (*pp != p)
			pp = &(*pp)->chain;
		*pp = p->chain;
	}
	*(p->prev != NULL ? &p->prev->next : &nv->head) = p->next;
	*(p->next != NULL ? &p->next->prev : &nv->tail) = p->prev;
	nv->count--;
}

int
nv_insert(struct nvlist *nv, struct nvpair *p)
{
	struct nvpair *old = find_hashed(nv, p->name, p->hash);

	if (old != NULL) {
		unlink_pair(nv, old);
		nvpair_free(old);
	}
	p->next = NULL;
	p->prev = nv->tail;
	*(nv->tail != NULL ? &nv->tail->next : &nv->head) = p;
	nv->tail = p;
	nv->count++;
	if (nv->bucket != NULL) {
		p->chain = nv->bucket[p->hash & (nv->nbucket - 1)];
		nv->bucket[p->hash & (nv->nbucket - 1)] = p;
	}
	if (nv->count >= HASH_FROM && nv->count > nv->nbucket)
		rehash(nv);
	return (0);
}

void
nv_remove(struct nvlist *nv, const char *name)
{
	struct nvpair *p = find(nv, name);

	if (p == NULL)
		return;
	unlink_pair(nv, p);
	nvpair_free(p);
}

static void *
dup_bytes(const void *p, size_t len)
{
	void *q = malloc(len != 0 ? len : 1);

	if (q != NULL && len != 0)
		memcpy(q, p, len);
	return (q);
}

static int
copy_strs(struct nvpair *p, char *const *v, size_t n)
{
	if ((p->v.strs = calloc(n != 0 ? n : 1, sizeof(char *))) == NULL)
		return (-ENOMEM);
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		if ((p->v.strs[i] = strdup(v[i])) == NULL)
			return (-ENOMEM);
	}
	return (0);
}

static int
copy_lists(struct nvpair *p, struct nvlist *const *v, size_t n)
{
	if ((p->v.lists = calloc(n != 0 ? n : 1, sizeof(struct nvlist *))) == NULL)
		return (-ENOMEM);
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		if ((p->v.lists[i] = nv_dup(v[i])) == NULL)
			return (-ENOMEM);
	}
	return (0);
}

/* Deep copy of the value of q into the fresh pair p of the same type. */
static int
copy_value(struct nvpair *p, const struct nvpair *q)
{
	p->n = q->n;
	switch (nv_type_info(q->type).shape) {
	case SHAPE_STR:
		return ((p->v.str = strdup(q->v.str)) == NULL ? -ENOMEM : 0);
	case SHAPE_BYTES:
		return ((p->v.bytes = dup_bytes(q->v.bytes, q->n)) == NULL ? -ENOMEM : 0);
	case SHAPE_NUMS:
		return ((p->v.nums = dup_bytes(q->v.nums, q->n * 8)) == NULL ? -ENOMEM : 0);
	case SHAPE_STRS:
		return (copy_strs(p, q->v.strs, q->n));
	case SHAPE_LIST:
		return ((p->v.list = nv_dup(q->v.list)) == NULL ? -ENOMEM : 0);
	case SHAPE_LISTS:
		return (copy_lists(p, q->v.lists, q->n));
	default:
		p->v.num = q->v.num;
		return (0);
	}
}

int
nv_add_pair(struct nvlist *nv, const struct nvpair *q)
{
	struct nvpair *p = nvpair_new(q->name, strlen(q->name), q->type);

	if (p == NULL)
		return (-ENOMEM);
	if (copy_value(p, q) != 0) {
		nvpair_free(p);
		return (-ENOMEM);
	}
	return (nv_insert(nv, p));
}

struct nvlist *
nv_dup(const struct nvlist *nv)
{
	struct nvlist *out = nv_new();

	for (const struct nvpair *p = nv->head; out != NULL && p != NULL; p = p->next) {
		if (nv_add_pair(out, p) != 0) {
			nv_free(out);
			out = NULL;
		}
	}
	return (out);
}

/* Every nv_add goes through a pair on the stack that borrows the caller's value. */
static int
add(struct nvlist *nv, const char *name, const struct nvpair *q)
{
	struct nvpair *p = nvpair_new(name, strlen(name), q->type);

	if (p == NULL)
		return (-ENOMEM);
	if (copy_value(p, q) != 0) {
		nvpair_free(p);
		return (-ENOMEM);
	}
	return (nv_insert(nv, p));
}

int
nv_add_boolean(struct nvlist *nv, const char *name)
{
	return (add(nv, name, &(struct nvpair){.type = NV_BOOLEAN}));
}

int
nv_add_bool(struct nvlist *nv, const char *name, bool v)
{
	return (add(nv, name, &(struct nvpair){.type = NV_BOOLEAN_VALUE, .n = 1, .v.num = v}));
}

int
nv_add_u64(struct nvlist *nv, const char *name, uint64_t v)
{
	return (add(nv, name, &(struct nvpair){.type = NV_UINT64, .n = 1, .v.num = v}));
}

int
nv_add_i64(struct nvlist *nv, const char *name, int64_t v)
{
	return (add(nv, name, &(struct nvpair){.type = NV_INT64, .n = 1, .v.num = (uint64_t)v}));
}

int
nv_add_str(struct nvlist *nv, const char *name, const char *s)
{
	return (add(nv, name, &(struct nvpair){.type = NV_STRING, .n = 1, .v.str = (char *)s}));
}

int
nv_add_u64_array(struct nvlist *nv, const char *name, const uint64_t *v, size_t n)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_UINT64_ARRAY, .n = n, .v.nums = (uint64_t *)v}));
}

int
nv_add_str_array(struct nvlist *nv, const char *name, const char *const *v, size_t n)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_STRING_ARRAY, .n = n, .v.strs = (char **)v}));
}

int
nv_add_bytes(struct nvlist *nv, const char *name, const void *p, size_t n)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_BYTE_ARRAY, .n = n, .v.bytes = (uint8_t *)p}));
}

int
nv_add_u8_array(struct nvlist *nv, const char *name, const uint8_t *v, size_t n)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_UINT8_ARRAY, .n = n, .v.bytes = (uint8_t *)v}));
}

int
nv_add_nvlist(struct nvlist *nv, const char *name, const struct nvlist *v)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_NVLIST, .n = 1, .v.list = (struct nvlist *)v}));
}

int
nv_give_bytes(struct nvlist *nv, const char *name, void *bytes, size_t n)
{
	struct nvpair *p = nvpair_new(name, strlen(name), NV_BYTE_ARRAY);

	if (p == NULL) {
		free(bytes);
		return (-ENOMEM);
	}
	p->v.bytes = bytes;
	p->n = n;
	return (nv_insert(nv, p));
}

struct nvlist *
nv_take_nvlist(struct nvlist *nv, const char *name)
{
	struct nvpair *p = find(nv, name);
	struct nvlist *list;

	if (p == NULL || p->type != NV_NVLIST)
		return (NULL);
	list = p->v.list;
	p->v.list = NULL;
	unlink_pair(nv, p);
	nvpair_free(p);
	return (list);
}

int
nv_add_nvlist_array(struct nvlist *nv, const char *name, struct nvlist *const *v, size_t n)
{
	return (add(nv, name,
	    &(struct nvpair){.type = NV_NVLIST_ARRAY, .n = n, .v.lists = (struct nvlist **)v}));
}

int
nvpair_u64(const struct nvpair *p, uint64_t *v)
{
	if (nv_type_info(p->type).shape != SHAPE_NUM)
		return (-EINVAL);
	*v = p->v.num;
	return (0);
}

int
nvpair_str(const struct nvpair *p, const char **s)
{
	if (p->type != NV_STRING)
		return (-EINVAL);
	*s = p->v.str;
	return (0);
}

int
nvpair_nvlist(const struct nvpair *p, struct nvlist **v)
{
	if (p->type != NV_NVLIST)
		return (-EINVAL);
	*v = p->v.list;
	return (0);
}

int
nvpair_u64_array(const struct nvpair *p, const uint64_t **v, size_t *n)
{
	if (p->type != NV_UINT64_ARRAY)
		return (-EINVAL);
	*v = p->v.nums;
	*n = p->n;
	return (0);
}

int
nv_get_u64(const struct nvlist *nv, const char *name, uint64_t *v)
{
	const struct nvpair *p = find(nv, name);

	return (p == NULL ? -ENOENT : nvpair_u64(p, v));
}

int
nv_get_str(const struct nvlist *nv, const char *name, const char **s)
{
	const struct nvpair *p = find(nv, name);

	return (p == NULL ? -ENOENT : nvpair_str(p, s));
}

int
nv_get_u64_array(const struct nvlist *nv, const char *name, const uint64_t **v, size_t *n)
{
	const struct nvpair *p = find(nv, name);

	return (p == NULL ? -ENOENT : nvpair_u64_array(p, v, n));
}

int
nv_get_bytes(const struct nvlist *nv, const char *name, const void **v, size_t *n)
{
	const struct nvpair *p = find(nv, name);

	if (p == NULL)
		return (-ENOENT);
	if (nv_type_info(p->type).shape != SHAPE_BYTES)
		return (-EINVAL);
	*v = p->v.bytes;
	*n = p->n;
	return (0);
}

int
nv_get_nvlist(const struct nvlist *nv, const char *name, struct nvlist **v)
{
	const struct nvpair *p = find(nv, name);

	return (p == NULL ? -ENOENT : nvpair_nvlist(p, v));
}

int
nv_get_nvlist_array(const struct nvlist *nv, const char *name, struct nvlist ***v, size_t *n)
{
	const struct nvpair *p = find(nv, name);

	if (p == NULL)
		return (-ENOENT);
	if (p->type != NV_NVLIST_ARRAY)
		return (-EINVAL);
	*v = p->v.lists;
	*n = p->n;
	return (0);
}

int
nv_get_str_array(const struct nvlist *nv, const char *name, const char *const **v, size_t *n)
{
	const struct nvpair *p = find(nv, name);

	if (p == NULL)
		return (-ENOENT);
	if (p->type != NV_STRING_ARRAY)
		return (-EINVAL);
	*v = (const char *const *)p->v.strs;
	*n = p->n;
	return (0);
}

bool
nv_has(const struct nvlist *nv, const char *name)
{
	return (find(nv, name) != NULL);
}

uint64_t
nv_u64_or(const struct nvlist *nv, const char *name, uint64_t def)
{
	uint64_t v;

	return (nv_get_u64(nv, name, &v) == 0 ? v : def);
}

const char *
nv_str_or(const struct nvlist *nv, const char *name, const char *def)
{
	const char *s;

	return (nv_get_str(nv, name, &s) == 0 ? s : def);
}

struct nvpair *
nv_next(const struct nvlist *nv, const struct nvpair *prev)
{
	return (prev == NULL ? nv->head : prev->next);
}

const char *
nvpair_name(const struct nvpair *p)
{
	return (p->name);
}

enum nv_type
nvpair_type(const struct nvpair *p)
{
	return (p->type);
}

size_t
nv_count(const struct nvlist *nv)
{
	return (nv->count);
}
