/* SPDX-License-Identifier: MIT */
/*
 * System attributes (SA): the typed, named values in a znode's bonus and spill block.
 *
 * Shared by the zpl files.  Called with the pool's lock held.
 */
#ifndef SMARTBOX_FS_SA_IMPL_H
#define SMARTBOX_FS_SA_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/fs/dmu.h"

/*
 * Our names for attributes.  A pool has its own numbers (its registry maps name to number), which
 * on every pool met so far are the same as these.
 */
enum sa_id {
	SA_ATIME, SA_MTIME, SA_CTIME, SA_CRTIME, SA_GEN, SA_MODE, SA_SIZE, SA_PARENT, SA_LINKS,
	SA_XATTR, SA_RDEV, SA_FLAGS, SA_UID, SA_GID, SA_PAD, SA_ZNODE_ACL, SA_DACL_COUNT, SA_SYMLINK,
	SA_SCANSTAMP, SA_DACL_ACES, SA_DXATTR, SA_PROJID, SA_IDS
};

#define SA_MAX_ATTRS 64		/* of one layout */
#define SA_VALUE_MAX 65535	/* lengths are 16 bits */
#define SA_SPILL_MAX (128u << 10)
#define SA_HDR_MIN 8
#define ZNODE_LEGACY_SIZE 264

struct sa; /* registry and layouts of one objset */

/* What a new filesystem has: the master node with registry and layout tables. */
int sa_create(struct objset *os, uint64_t *master);
/* master 0: a filesystem of before version 5, legacy znodes only. */
int sa_open(struct objset *os, uint64_t master, struct sa **out);
void sa_close(struct sa *sa); /* NULL is fine */

/* Where one attribute of an object lies. */
struct sa_place {
	uint16_t num; /* the pool's number */
	uint16_t len;
	uint32_t off; /* in its buffer */
	bool in_spill;
};

/* The attributes of one object, while its buffers are held. */
struct sa_handle {
	struct sa *sa;
	uint64_t obj;
	struct dbuf *bonus, *spill;
	bool is_legacy;
	unsigned n;
	struct sa_place place[2 * SA_MAX_ATTRS];
};

struct sa_value {
	enum sa_id id;
	const void *data; /* NULL: take the attribute away */
	size_t len;
};

/* -ENOENT no such object, -EINVAL not a znode, -EILSEQ damaged.  On error nothing is held. */
int sa_hold(struct sa *sa, uint64_t obj, struct sa_handle *h);
void sa_rele(struct sa_handle *h); /* twice is fine */

/* The value in place (valid until the next sa_set or sa_rele), or NULL. */
const void *sa_peek(const struct sa_handle *h, enum sa_id id, size_t *len);
uint64_t sa_u64(const struct sa_handle *h, enum sa_id id, uint64_t absent);

/*
 * Change several at once; values whose size stays are written in place, else the object gets a new
 * layout and perhaps a spill block.  -EFBIG: no room.  After an error h is released.
 */
int sa_set(struct sa_handle *h, const struct sa_value *v, unsigned n);
/* The first attributes of an object allocated with bonus type OT_SA (any length). */
int sa_init(struct sa *sa, uint64_t obj, const struct sa_value *v, unsigned n);

/* --- pure, for tests and fuzzing ------------------------------------------------------------- */

/*
 * Find the attributes in one buffer (a bonus or a spill block).  place has room for SA_MAX_ATTRS.
 * Returns their number or -EILSEQ.
 */
int sa_parse(const struct sa *sa, const void *buf, size_t size, struct sa_place *place);

/* A registry with the numbers of enum sa_id and no objset behind it; layouts by sa_test_layout. */
struct sa *sa_test_new(void);
int sa_test_layout(struct sa *sa, const uint16_t *attrs, unsigned n); /* its number */

struct sa_item {
	uint16_t num, len;
	bool is_var;
	const void *data;
};
/* Bytes of n items with their header. */
size_t sa_encoded_size(const struct sa_item *it, unsigned n);
void sa_encode(const struct sa_item *it, unsigned n, unsigned layout, void *buf);

#endif
