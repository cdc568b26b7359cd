/* SPDX-License-Identifier: MIT */
/*
 * ZAP: the on-disk name -> value table, in its micro and fat forms.
 * Format: docs/zfs-format.md, "ZAP".  Same locking and errors as fs/dmu.h; a damaged zap gives
 * -EILSEQ, never a loop.
 */
#ifndef SMARTBOX_FS_ZAP_H
#define SMARTBOX_FS_ZAP_H

#include "smartbox/fs/dmu.h"

#define ZAP_NAME_MAX 256   /* bytes with the NUL */
#define ZAP_VALUE_MAX 8192 /* bytes */

enum { ZAP_NORM_UPPER = 2 }; /* normflags bit: hash over the upper-cased name */

int zap_create(struct objset *os, unsigned type, unsigned bonus_type, uint32_t bonus_len,
    uint64_t *obj);
int zap_create_norm(struct objset *os, unsigned normflags, unsigned type, unsigned bonus_type,
    uint32_t bonus_len, uint64_t *obj);
int zap_create_claim(struct objset *os, uint64_t obj, unsigned type, unsigned bonus_type,
    uint32_t bonus_len);
int zap_destroy(struct objset *os, uint64_t obj);
/* Make an empty zap of the data block of an object that has none yet ("zapified" dsl objects). */
int zap_format(struct objset *os, uint64_t obj, unsigned normflags);

/* num integers of intlen (1, 2, 4, 8) bytes, host order.  -ENOENT, -EOVERFLOW (buf too small). */
int zap_lookup(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    void *buf);
/* Fold case as the object's normflags or `fold` say; the stored name into real_name (may be NULL). */
int zap_lookup_fold(struct objset *os, uint64_t obj, const char *name, bool fold, uint64_t *value,
    char *real_name, size_t real_size);
int zap_length(struct objset *os, uint64_t obj, const char *name, unsigned *intlen, uint64_t *num);
int zap_add(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    const void *buf); /* -EEXIST */
int zap_update(struct objset *os, uint64_t obj, const char *name, unsigned intlen, uint64_t num,
    const void *buf);
int zap_remove(struct objset *os, uint64_t obj, const char *name); /* -ENOENT */
int zap_count(struct objset *os, uint64_t obj, uint64_t *count);
/* The name of an entry whose single integer, masked, is value (mask 0 = all bits); -ENOENT. */
int zap_value_search(struct objset *os, uint64_t obj, uint64_t value, uint64_t mask, char *name,
    size_t size);
/* UINT64_KEY zaps (dedup tables): the key is nkey integers. */
int zap_lookup_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey,
    unsigned intlen, uint64_t num, void *buf);
int zap_length_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey,
    unsigned *intlen, uint64_t *num);
int zap_update_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey,
    unsigned intlen, uint64_t num, const void *buf);
int zap_remove_key(struct objset *os, uint64_t obj, const uint64_t *key, unsigned nkey);
enum { ZAP_FLAG_HASH64 = 1, ZAP_FLAG_UINT64_KEY = 2, ZAP_FLAG_PRE_HASHED = 4 };
/* A fat one from the start, with these flags and blocks of 1 << block_shift bytes. */
int zap_create_flags(struct objset *os, unsigned flags, unsigned type, unsigned block_shift,
    uint64_t *obj);

/* Keys that are numbers in hex. */
int zap_lookup_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t *value);
int zap_add_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t value);
int zap_update_int(struct objset *os, uint64_t obj, uint64_t key, uint64_t value);
int zap_remove_int(struct objset *os, uint64_t obj, uint64_t key);
/* Add n entries at once to an empty zap: one pass instead of n searches.  Keys must differ. */
int zap_fill_ints(struct objset *os, uint64_t obj, const uint64_t *keys, const uint64_t *values,
    size_t n);
/* value += delta, the entry disappears at 0. */
int zap_increment_int(struct objset *os, uint64_t obj, uint64_t key, int64_t delta);

struct zap_entry {
	char name[ZAP_NAME_MAX];
	unsigned intlen;
	uint64_t num;
	uint64_t first; /* first integer */
};
/*
 * A stable order, resumable by cookie: a cookie stays valid while entries come and go (entries
 * that exist all the time are seen exactly once).  Start with 0; -ENOENT at the end; after the
 * call *cookie is where to go on.
 */
int zap_next(struct objset *os, uint64_t obj, uint64_t *cookie, struct zap_entry *ze);

/*
 * The same order for a loop inside one lock hold that does not change the object: the order of a
 * micro zap is worked out once.  Start with any cookie; c.cookie is where to go on later.
 */
struct zap_cursor {
	struct objset *os;
	uint64_t obj, cookie;
	struct zap_order *order; /* of a micro zap, else NULL */
};
void zap_cursor_init(struct zap_cursor *c, struct objset *os, uint64_t obj, uint64_t cookie);
int zap_cursor_next(struct zap_cursor *c, struct zap_entry *ze); /* -ENOENT at the end */
void zap_cursor_fini(struct zap_cursor *c);

#endif
