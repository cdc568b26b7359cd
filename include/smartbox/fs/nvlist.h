/* SPDX-License-Identifier: MIT */
/*
 * Name-value lists: the pool's configuration format, and how our tools talk to poold.
 *
 * In memory an ordered list of pairs with unique names.  On disk XDR (labels, MOS, streams) or
 * native encoding; the decoder takes both, bounded in depth and size, and never trusts a length.
 * Format: docs/zfs-format.md, "Packed nvlist".
 */
#ifndef SMARTBOX_FS_NVLIST_H
#define SMARTBOX_FS_NVLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum nv_type {
	NV_BOOLEAN = 1, NV_BYTE = 2, NV_INT16, NV_UINT16, NV_INT32, NV_UINT32, NV_INT64, NV_UINT64,
	NV_STRING, NV_BYTE_ARRAY, NV_INT16_ARRAY, NV_UINT16_ARRAY, NV_INT32_ARRAY, NV_UINT32_ARRAY,
	NV_INT64_ARRAY, NV_UINT64_ARRAY, NV_STRING_ARRAY, NV_HRTIME, NV_NVLIST, NV_NVLIST_ARRAY,
	NV_BOOLEAN_VALUE, NV_INT8, NV_UINT8, NV_BOOLEAN_ARRAY, NV_INT8_ARRAY, NV_UINT8_ARRAY,
};

struct nvlist;
struct nvpair;

struct nvlist *nv_new(void); /* NULL: out of memory */
void nv_free(struct nvlist *nv);
struct nvlist *nv_dup(const struct nvlist *nv);

/* Adding replaces a pair of that name.  0 or -ENOMEM; values are copied. */
int nv_add_boolean(struct nvlist *nv, const char *name);
int nv_add_u64(struct nvlist *nv, const char *name, uint64_t v);
int nv_add_str(struct nvlist *nv, const char *name, const char *s);
int nv_add_u64_array(struct nvlist *nv, const char *name, const uint64_t *v, size_t n);
int nv_add_str_array(struct nvlist *nv, const char *name, const char *const *v, size_t n);
int nv_add_bytes(struct nvlist *nv, const char *name, const void *p, size_t n); /* BYTE_ARRAY */
int nv_add_u8_array(struct nvlist *nv, const char *name, const uint8_t *v, size_t n);
int nv_add_i64(struct nvlist *nv, const char *name, int64_t v);
int nv_add_nvlist(struct nvlist *nv, const char *name, const struct nvlist *v);
/* Without a copy: the malloc'ed bytes are nv's, even if it fails. */
int nv_give_bytes(struct nvlist *nv, const char *name, void *p, size_t n);
/* Out of nv, without a copy: the caller's to free; NULL: there is none. */
struct nvlist *nv_take_nvlist(struct nvlist *nv, const char *name);
int nv_add_nvlist_array(struct nvlist *nv, const char *name, struct nvlist *const *v, size_t n);
int nv_add_bool(struct nvlist *nv, const char *name, bool v); /* BOOLEAN_VALUE */
void nv_remove(struct nvlist *nv, const char *name);

/* 0, -ENOENT, or -EINVAL for another type.  Returned pointers are borrowed from nv. */
int nv_get_u64(const struct nvlist *nv, const char *name, uint64_t *v); /* any integer type */
int nv_get_str(const struct nvlist *nv, const char *name, const char **s);
int nv_get_u64_array(const struct nvlist *nv, const char *name, const uint64_t **v, size_t *n);
/* BYTE_ARRAY, INT8_ARRAY or UINT8_ARRAY. */
int nv_get_bytes(const struct nvlist *nv, const char *name, const void **p, size_t *n);
int nv_get_nvlist(const struct nvlist *nv, const char *name, struct nvlist **v);
int nv_get_nvlist_array(const struct nvlist *nv, const char *name, struct nvlist ***v, size_t *n);
int nv_get_str_array(const struct nvlist *nv, const char *name, const char *const **v, size_t *n);
bool nv_has(const struct nvlist *nv, const char *name);
uint64_t nv_u64_or(const struct nvlist *nv, const char *name, uint64_t def);
const char *nv_str_or(const struct nvlist *nv, const char *name, const char *def);

/* Iterate: start with NULL, ends with NULL. */
struct nvpair *nv_next(const struct nvlist *nv, const struct nvpair *prev);
const char *nvpair_name(const struct nvpair *p);
enum nv_type nvpair_type(const struct nvpair *p);
/* The value of a pair at hand: 0 or -EINVAL for another type. */
int nvpair_u64(const struct nvpair *p, uint64_t *v);
int nvpair_str(const struct nvpair *p, const char **s);
int nvpair_nvlist(const struct nvpair *p, struct nvlist **v);
int nvpair_u64_array(const struct nvpair *p, const uint64_t **v, size_t *n);
/* Copy a pair, whatever its type, into nv. */
int nv_add_pair(struct nvlist *nv, const struct nvpair *p);
size_t nv_count(const struct nvlist *nv);

/* XDR with the 4-byte header.  malloc'ed. */
int nv_pack(const struct nvlist *nv, void **buf, size_t *len);
/* Native encoding (resume tokens, BEGIN payloads as kernels make them). */
int nv_pack_native(const struct nvlist *nv, void **buf, size_t *len);
/* Either encoding; trailing bytes are ignored.  -EILSEQ with the place in e. */
int nv_unpack(const void *buf, size_t len, struct nvlist **out, struct err *e);

#endif
