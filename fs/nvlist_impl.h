/* SPDX-License-Identifier: MIT */
/* The in-memory form of a name-value list, shared by the list itself and its two encodings. */
#ifndef FS_NVLIST_IMPL_H
#define FS_NVLIST_IMPL_H

#include "smartbox/fs/nvlist.h"

struct nvpair {
	struct nvpair *next, *prev; /* order of insertion */
	struct nvpair *chain;	    /* same hash bucket */
	enum nv_type type;
	uint32_t hash;
	size_t n; /* elements; scalars 1, BOOLEAN 0; STRING 1 */
	union {
		uint64_t num;	      /* integers of any width, sign extended */
		char *str;
		uint8_t *bytes;	      /* BYTE_ARRAY, INT8_ARRAY, UINT8_ARRAY */
		uint64_t *nums;	      /* the wider integer arrays, BOOLEAN_ARRAY */
		char **strs;
		struct nvlist *list;
		struct nvlist **lists;
	} v;
	char name[];
};

struct nvlist {
	struct nvpair *head, *tail;
	size_t count;
	struct nvpair **bucket; /* made when the list gets long */
	size_t nbucket;		/* power of two */
};

/* How a type's values are held and how wide they are in the encodings. */
enum nv_shape { SHAPE_BAD, SHAPE_NONE, SHAPE_NUM, SHAPE_STR, SHAPE_BYTES, SHAPE_NUMS, SHAPE_STRS,
	SHAPE_LIST, SHAPE_LISTS };

struct nv_type_info {
	enum nv_shape shape;
	uint8_t width;	     /* bytes of one element in native encoding and in memory */
	bool is_signed;
};
struct nv_type_info nv_type_info(unsigned type);

#define NV_DEPTH_MAX 24
#define NV_NAME_MAX 4096u

/* A pair that is not in a list yet, value all zero; name need not be NUL-terminated. */
struct nvpair *nvpair_new(const char *name, size_t len, enum nv_type type);
void nvpair_free(struct nvpair *p);
/* Append, replacing a pair of that name; takes p. */
int nv_insert(struct nvlist *nv, struct nvpair *p);

/* fs/nvlist_native.c; bodies behind the 4-byte header. */
struct buf;
int nv_native_unpack(const uint8_t *p, size_t len, bool big_endian, struct nvlist **out,
    struct err *e);

#endif
