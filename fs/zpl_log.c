/* SPDX-License-Identifier: MIT */
/*
 * Intent log records of what the POSIX layer changes.
 *
 * Each function is called when its change is made, in the same bracket of the pool's lock.  What a record
 * says must be enough to repeat the change on the state before it: numbers of objects, names as they
 * stand in their directories, the attributes that a new object got.  The forms are OpenZFS's, so that
 * it can replay what we wrote.
 *
 * Renames that exchange two names or leave a whiteout have records of their own only in newer versions;
 * here they are plain records that belong together: they are put into one log block, which is there as
 * a whole or not at all.
 *
 * What has no names cannot be reached after a crash: it is not logged (an unlinked file that is still
 * open, a file from O_TMPFILE).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "zil_impl.h"
#include "zpl_impl.h"

struct zilog *
zpl_zil(const struct zpl *z)
{
	return (z->unlogged > 0 ? NULL : zil_of(z->os));
}

static size_t
create_bytes(const char *name, const char *target)
{
	return (ZIL_ALIGN(sizeof(struct lr_create) + strlen(name) + 1 +
	    (target != NULL ? strlen(target) + 1 : 0)));
}

static unsigned
create_type(uint32_t mode)
{
	return (S_ISDIR(mode) ? TX_MKDIR : S_ISLNK(mode) ? TX_SYMLINK : TX_CREATE);
}

/* What the new object is like; false: it cannot be read. */
static bool
create_fill(struct zpl *z, struct lr_create *r, uint64_t dir, uint64_t obj)
{
	struct sa_handle h;
	const void *crtime;
	size_t len;

	if (znode_hold(z, obj, &h) != 0)
		return (false);
	r->dir = dir;
	r->obj = obj;
	r->mode = sa_u64(&h, SA_MODE, 0);
	r->uid = sa_u64(&h, SA_UID, 0);
	r->gid = sa_u64(&h, SA_GID, 0);
	r->gen = sa_u64(&h, SA_GEN, 0);
	r->rdev = sa_u64(&h, SA_RDEV, 0);
	if ((crtime = sa_peek(&h, SA_CRTIME, &len)) != NULL && len == sizeof(r->crtime))
		memcpy(r->crtime, crtime, len);
	sa_rele(&h);
	return (true);
}

static void
create_put(struct zpl *z, void *p, uint64_t dir, const char *name, uint64_t obj, const char *target)
{
	struct lr_create *r = zil_record_init(p, TX_CREATE, create_bytes(name, target));
	char *s = (char *)(r + 1);

	if (!create_fill(z, r, dir, obj))
		zil_log_unloggable(zpl_zil(z), 0);
	r->h.type = create_type((uint32_t)r->mode);
	memcpy(s, name, strlen(name) + 1);
	if (target != NULL)
		memcpy(s + strlen(name) + 1, target, strlen(target) + 1);
}

void
zlog_create(struct zpl *z, uint64_t dir, const char *name, uint64_t obj, const char *target)
{
	void *p = itx_new(zpl_zil(z), 0, create_bytes(name, target));

	if (p != NULL)
		create_put(z, p, dir, name, obj, target);
}

void
zlog_remove(struct zpl *z, uint64_t dir, const char *name, bool is_dir)
{
	size_t len = ZIL_ALIGN(sizeof(struct lr_remove) + strlen(name) + 1);
	struct lr_remove *r = itx_new(zpl_zil(z), 0, len);

	if (r == NULL)
		return;
	zil_record_init(r, is_dir ? TX_RMDIR : TX_REMOVE, len);
	r->dir = dir;
	memcpy(r + 1, name, strlen(name) + 1);
}

void
zlog_link(struct zpl *z, uint64_t dir, const char *name, uint64_t obj)
{
	size_t len = ZIL_ALIGN(sizeof(struct lr_link) + strlen(name) + 1);
	struct lr_link *r = itx_new(zpl_zil(z), 0, len);

	if (r == NULL)
		return;
	zil_record_init(r, TX_LINK, len);
	r->dir = dir;
	r->obj = obj;
	memcpy(r + 1, name, strlen(name) + 1);
}

/* --- renames ------------------------------------------------------------------------------------ */

static size_t
rename_bytes(const char *from, const char *to)
{
	return (ZIL_ALIGN(sizeof(struct lr_rename) + strlen(from) + 1 + strlen(to) + 1));
}

/* Where the next record goes. */
static uint8_t *
rename_put(uint8_t *p, uint64_t from_dir, const char *from, uint64_t to_dir, const char *to)
{
	struct lr_rename *r = zil_record_init(p, TX_RENAME, rename_bytes(from, to));
	char *s = (char *)(r + 1);

	r->from_dir = from_dir;
	r->to_dir = to_dir;
	memcpy(s, from, strlen(from) + 1);
	memcpy(s + strlen(from) + 1, to, strlen(to) + 1);
	return (p + r->h.len);
}

void
zlog_rename(struct zpl *z, uint64_t from_dir, const char *from, uint64_t to_dir, const char *to)
{
	uint8_t *p = itx_new(zpl_zil(z), 0, rename_bytes(from, to));

	if (p != NULL)
		(void)rename_put(p, from_dir, from, to_dir, to);
}

void
zlog_rename_whiteout(struct zpl *z, uint64_t from_dir, const char *from, uint64_t to_dir,
    const char *to, uint64_t whiteout)
{
	uint8_t *p = itx_new(zpl_zil(z), 0, rename_bytes(from, to) + create_bytes(from, NULL));

	if (p == NULL)
		return;
	p = rename_put(p, from_dir, from, to_dir, to);
	create_put(z, p, from_dir, from, whiteout, NULL);
}

/* By way of a name that nobody else has. */
void
zlog_exchange(struct zpl *z, uint64_t a_dir, const char *a, uint64_t b_dir, const char *b)
{
	char aside[64];
	uint64_t word[2];
	uint8_t *p;

	if (zpl_zil(z) == NULL)
		return;
	spa_random(z->spa, word, sizeof(word));
	(void)snprintf(aside, sizeof(aside), ".exchange-%016llx%016llx",
	    (unsigned long long)word[0], (unsigned long long)word[1]);
	p = itx_new(zpl_zil(z), 0, rename_bytes(a, aside) + rename_bytes(b, a) +
	    rename_bytes(aside, b));
	if (p == NULL)
		return;
	p = rename_put(p, a_dir, a, a_dir, aside);
	p = rename_put(p, b_dir, b, a_dir, a);
	(void)rename_put(p, a_dir, aside, b_dir, b);
}

/* --- contents and attributes -------------------------------------------------------------------- */

static const struct {
	unsigned za, lr;
} mask_bits[] = {
    {ZA_MODE, LR_MODE}, {ZA_UID, LR_UID}, {ZA_GID, LR_GID}, {ZA_SIZE, LR_SIZE},
    {ZA_ATIME, LR_ATIME}, {ZA_MTIME, LR_MTIME},
};

uint64_t
zlog_mask_out(unsigned za)
{
	uint64_t lr = 0;

	for (size_t i = 0; i < sizeof(mask_bits) / sizeof(mask_bits[0]); i++)
		if (za & mask_bits[i].za)
			lr |= mask_bits[i].lr;
	return (lr);
}

unsigned
zlog_mask_in(uint64_t lr)
{
	unsigned za = 0;

	for (size_t i = 0; i < sizeof(mask_bits) / sizeof(mask_bits[0]); i++)
		if (lr & mask_bits[i].lr)
			za |= mask_bits[i].za;
	return (za);
}

void
zlog_setattr(struct zpl *z, const struct sa_handle *h, unsigned mask, const struct zpl_attr *a)
{
	struct lr_setattr *r;

	if (sa_u64(h, SA_LINKS, 0) == 0 || zlog_mask_out(mask) == 0 ||
	    (r = itx_new(zpl_zil(z), h->obj, sizeof(*r))) == NULL)
		return;
	zil_record_init(r, TX_SETATTR, sizeof(*r));
	r->obj = h->obj;
	r->mask = zlog_mask_out(mask);
	r->mode = (sa_u64(h, SA_MODE, 0) & S_IFMT) | (a->mode & 07777);
	r->uid = a->uid;
	r->gid = a->gid;
	r->size = a->size;
	memcpy(r->atime, a->atime, sizeof(r->atime));
	memcpy(r->mtime, a->mtime, sizeof(r->mtime));
}

void
zlog_write(struct zpl *z, const struct sa_handle *h, uint64_t off, uint64_t len)
{
	if (sa_u64(h, SA_LINKS, 0) != 0)
		zil_log_write(zpl_zil(z), h->obj, off, len);
}

void
zlog_truncate(struct zpl *z, const struct sa_handle *h, uint64_t off, uint64_t len)
{
	if (sa_u64(h, SA_LINKS, 0) != 0)
		zil_log_truncate(zpl_zil(z), h->obj, off, len);
}
