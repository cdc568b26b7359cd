/* SPDX-License-Identifier: MIT */
/*
 * Znodes: the attributes of files and directories.
 *
 * Times are two words, seconds and nanoseconds.  Owners are FUIDs: the low 32 bits are the id, the
 * high ones the index of a Windows domain, which Linux has none of (such owners show as 65534).
 * Device numbers are the kernel's 32-bit form, major << 20 | minor, as OpenZFS on Linux stores them.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "smartbox/fs/zap.h"
#include "zpl_impl.h"

#define ID_NOBODY 65534u
#define ZNODE_BONUS 168 /* of a fresh file: the final length is set with the values */
#define RELATIME_SECONDS (24 * 3600)

int
znode_hold(struct zpl *z, uint64_t obj, struct sa_handle *h)
{
	int rc = sa_hold(z->sa, obj, h);

	return (rc == -EINVAL ? -ENOENT : rc);
}

int
znode_hold_dir(struct zpl *z, uint64_t obj, struct sa_handle *h)
{
	int rc = znode_hold(z, obj, h);

	if (rc == 0 && !S_ISDIR(znode_mode(h))) {
		sa_rele(h);
		rc = -ENOTDIR;
	}
	return (rc);
}

uint32_t
znode_mode(const struct sa_handle *h)
{
	return ((uint32_t)sa_u64(h, SA_MODE, 0));
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t
id_of_fuid(uint64_t fuid)
{
	return (fuid >> 32 == 0 ? (uint32_t)fuid : ID_NOBODY);
}

static void
znode_time(const struct sa_handle *h, enum sa_id id, int64_t t[2])
{
	size_t len;
	const void *p = sa_peek(h, id, &len);

	t[0] = t[1] = 0;
	if (p != NULL && len == 2 * sizeof(*t))
		memcpy(t, p, len);
}

uint64_t
znode_rdev_to_user(uint64_t disk)
{
	/* Linux wrote 32 bits, illumos major << 32 | minor. */
	if (disk >> 32 != 0)
		return (makedev((unsigned)(disk >> 32), (unsigned)disk));
	return (makedev((unsigned)(disk >> 20), (unsigned)(disk & 0xfffff)));
}

static uint64_t
rdev_to_disk(uint64_t user)
{
	return ((uint64_t)major(user) << 20 | (minor(user) & 0xfffff));
}

void
znode_attr(struct zpl *z, const struct sa_handle *h, struct zpl_attr *a)
{
	struct dmu_info info;

	memset(a, 0, sizeof(*a));
	a->obj = h->obj;
	a->gen = sa_u64(h, SA_GEN, 0);
	a->parent = sa_u64(h, SA_PARENT, 0);
	a->size = sa_u64(h, SA_SIZE, 0);
	a->links = sa_u64(h, SA_LINKS, 0);
	a->mode = znode_mode(h);
	a->uid = id_of_fuid(sa_u64(h, SA_UID, 0));
	a->gid = id_of_fuid(sa_u64(h, SA_GID, 0));
	a->flags = sa_u64(h, SA_FLAGS, 0);
	a->projid = sa_u64(h, SA_PROJID, 0);
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		a->rdev = znode_rdev_to_user(sa_u64(h, SA_RDEV, 0));
	znode_time(h, SA_ATIME, a->atime);
	znode_time(h, SA_MTIME, a->mtime);
	znode_time(h, SA_CTIME, a->ctime);
	znode_time(h, SA_CRTIME, a->crtime);
	a->has_xattr_dir = sa_u64(h, SA_XATTR, 0) != 0;
	if (dmu_object_info(z->os, h->obj, &info) == 0) {
		a->block_size = info.block_size;
		a->blocks512 = (info.used_bytes + 511) / 512;
	}
}

int
zpl_getattr(struct zpl *z, uint64_t obj, struct zpl_attr *a)
{
	struct sa_handle h;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	znode_attr(z, &h, a);
	sa_rele(&h);
	return (0);
}

/* --- changing --------------------------------------------------------------------------------- */

/* The values of one change, with room for what they point at. */
struct change {
	struct sa_value v[16];
	unsigned n;
	uint64_t mode, uid, gid, flags, acl_count;
	uint8_t acl[ACL_TRIVIAL_MAX];
	uint64_t now[2];
};

static void
change_add(struct change *c, enum sa_id id, const void *data, size_t len)
{
	c->v[c->n++] = (struct sa_value){id, data, len};
}

/*
 * A new mode brings its trivial list along; a list of another kind is discarded (aclmode=discard,
 * the default).  A legacy znode keeps its own form.
 */
static void
change_mode(struct change *c, const struct sa_handle *h, uint32_t mode)
{
	size_t len;

	c->mode = (znode_mode(h) & S_IFMT) | (mode & 07777);
	change_add(c, SA_MODE, &c->mode, 8);
	if (h->is_legacy)
		return;
	len = acl_trivial(mode, c->acl, &c->acl_count);
	c->flags = acl_flags(sa_u64(h, SA_FLAGS, 0), (uint32_t)c->mode);
	change_add(c, SA_FLAGS, &c->flags, 8);
	change_add(c, SA_DACL_COUNT, &c->acl_count, 8);
	change_add(c, SA_DACL_ACES, c->acl, len);
}

static void
change_from(struct change *c, const struct sa_handle *h, unsigned mask, const struct zpl_attr *a)
{
	c->uid = a->uid;
	c->gid = a->gid;
	if (mask & ZA_MODE)
		change_mode(c, h, a->mode);
	if (mask & ZA_UID)
		change_add(c, SA_UID, &c->uid, 8);
	if (mask & ZA_GID)
		change_add(c, SA_GID, &c->gid, 8);
	if (mask & ZA_ATIME)
		change_add(c, SA_ATIME, a->atime, 16);
	if (mask & ZA_MTIME)
		change_add(c, SA_MTIME, a->mtime, 16);
	else if (mask & ZA_SIZE)
		change_add(c, SA_MTIME, c->now, 16);
	if (mask & ZA_CTIME)
		change_add(c, SA_CTIME, a->ctime, 16);
	else if (mask & ~(unsigned)ZA_ATIME)
		change_add(c, SA_CTIME, c->now, 16);
}

/* Who gets the file must have room for it. */
static int
may_own(struct zpl *z, const struct sa_handle *h, unsigned mask, const struct zpl_attr *a)
{
	uint64_t id[OWNER_KINDS] = {a->uid, a->gid, a->projid};
	unsigned kinds = 0;

	if ((mask & ZA_UID) && a->uid != sa_u64(h, SA_UID, 0))
		kinds |= 1u << OWNER_USER;
	if ((mask & ZA_GID) && a->gid != sa_u64(h, SA_GID, 0))
		kinds |= 1u << OWNER_GROUP;
	return (kinds == 0 ? 0 : zpl_quota_check(z, id, kinds, true));
}

int
zpl_setattr(struct zpl *z, uint64_t obj, unsigned mask, const struct zpl_attr *a)
{
	struct change c = {.n = 0};
	struct sa_handle h;
	int rc;

	if (mask & ZA_SIZE)
		rc = zpl_truncate(z, obj, a->size);
	else
		rc = zpl_may_free(z);
	if (rc != 0 || (rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	zpl_now(z, c.now);
	change_from(&c, &h, mask, a);
	if ((rc = may_own(z, &h, mask, a)) == 0 && (rc = sa_set(&h, c.v, c.n)) == 0)
		zlog_setattr(z, &h, mask, a);
	sa_rele(&h);
	return (rc);
}

int
zpl_project_set(struct zpl *z, uint64_t obj, uint32_t projid, bool inherit)
{
	uint64_t id[OWNER_KINDS] = {0, 0, projid}, flags, project = projid, now[2];
	struct sa_handle h;
	int rc;

	if (!(objset_flags(z->os) & OBJSET_PROJECT))
		return (-EOPNOTSUPP);
	if ((rc = zpl_may_free(z)) != 0 || (rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	flags = (sa_u64(&h, SA_FLAGS, 0) & ~ZF_PROJINHERIT) | ZF_PROJID;
	flags |= inherit ? ZF_PROJINHERIT : 0;
	if (!S_ISDIR(znode_mode(&h)) && !S_ISREG(znode_mode(&h)))
		rc = -EOPNOTSUPP;
	else if (projid != sa_u64(&h, SA_PROJID, 0))
		rc = zpl_quota_check(z, id, 1u << OWNER_PROJECT, true);
	zpl_now(z, now);
	if (rc == 0)
		rc = sa_set(&h, (struct sa_value[]){{SA_FLAGS, &flags, 8}, {SA_PROJID, &project, 8},
		    {SA_CTIME, now, 16}}, 3);
	if (rc == 0)
		zil_log_unloggable(zpl_zil(z), obj);
	sa_rele(&h);
	return (rc);
}

static bool
time_is_before(const int64_t a[2], const int64_t b[2])
{
	return (a[0] < b[0] || (a[0] == b[0] && a[1] <= b[1]));
}

int
zpl_touch_atime(struct zpl *z, uint64_t obj, bool relative)
{
	uint64_t now[2];
	struct sa_handle h;
	int64_t at[2], mt[2], ct[2];
	int rc;

	if (z->readonly)
		return (0);
	if ((rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	zpl_now(z, now);
	znode_time(&h, SA_ATIME, at);
	znode_time(&h, SA_MTIME, mt);
	znode_time(&h, SA_CTIME, ct);
	if (!relative || time_is_before(at, mt) || time_is_before(at, ct) ||
	    at[0] + RELATIME_SECONDS < (int64_t)now[0])
		rc = sa_set(&h, &(struct sa_value){SA_ATIME, now, 16}, 1);
	sa_rele(&h);
	return (rc);
}

int
zpl_drop_privs(struct zpl *z, uint64_t obj, bool drop_setid, bool *changed)
{
	struct sa_handle h;
	struct change c = {.n = 0};
	uint32_t mode, kept;
	bool has_xattrs;
	size_t len;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	has_xattrs = sa_peek(&h, SA_DXATTR, &len) != NULL || sa_u64(&h, SA_XATTR, 0) != 0;
	mode = kept = znode_mode(&h);
	if (drop_setid && S_ISREG(mode)) {
		kept &= ~(uint32_t)S_ISUID;
		if (mode & S_IXGRP)
			kept &= ~(uint32_t)S_ISGID;
	}
	*changed = kept != mode;
	if (kept != mode) {
		const struct zpl_attr a = {.mode = kept};

		change_mode(&c, &h, kept);
		if ((rc = sa_set(&h, c.v, c.n)) == 0)
			zlog_setattr(z, &h, ZA_MODE, &a);
	}
	sa_rele(&h);
	if (rc != 0 || !has_xattrs)
		return (rc);
	rc = zpl_xattr_remove(z, obj, "security.capability");
	*changed |= rc == 0;
	return (rc == -ENODATA ? 0 : rc);
}

/* --- making ----------------------------------------------------------------------------------- */

/* With the number that a replayed record says. */
static int
znode_claim(struct zpl *z, uint32_t mode, uint64_t obj)
{
	unsigned type = S_ISDIR(mode) ? OT_DIRECTORY : OT_PLAIN_FILE;
	int rc = dmu_object_claim(z->os, obj, type, SECTOR_SIZE, OT_SA, ZNODE_BONUS);

	return (rc == 0 && S_ISDIR(mode) ? zap_format(z->os, obj, z->normflags) : rc);
}

static int
znode_alloc(struct zpl *z, uint32_t mode, uint64_t *obj)
{
	if (z->fixed != NULL) {
		*obj = z->fixed->obj;
		return (znode_claim(z, mode, *obj));
	}
	if (S_ISDIR(mode))
		return (zap_create_norm(z->os, z->normflags, OT_DIRECTORY, OT_SA, ZNODE_BONUS, obj));
	return (dmu_object_alloc(z->os, OT_PLAIN_FILE, SECTOR_SIZE, OT_SA, ZNODE_BONUS, obj));
}

int
znode_new(struct zpl *z, const struct znode_new *zn, uint64_t *obj)
{
	const struct zpl_new *n = zn->n;
	uint64_t mode = n->mode, gen = spa_open_txg(z->spa), uid = n->uid, gid = n->gid, now[2];
	uint64_t rdev = rdev_to_disk(n->rdev), flags, acl_count, parent, projid = zn->projid;
	uint8_t acl[ACL_TRIVIAL_MAX];
	size_t acl_len = acl_trivial(n->mode, acl, &acl_count);
	uint64_t size = S_ISLNK(n->mode) ? strlen(n->target) : zn->size;
	int rc = znode_alloc(z, n->mode, obj);

	if (rc != 0)
		return (rc);
	if (z->fixed != NULL)
		gen = z->fixed->gen;
	else if (z->op_gen != 0)
		gen = z->op_gen;
	parent = zn->parent != 0 ? zn->parent : *obj; /* the root is its own */
	flags = acl_flags(zn->flags | ZF_ARCHIVE | ZF_AV_MODIFIED, n->mode);
	if ((S_ISDIR(n->mode) || S_ISREG(n->mode)) && (objset_flags(z->os) & OBJSET_PROJECT))
		flags |= ZF_PROJID; /* the attribute is there, though it may say project 0 */
	zpl_now(z, now);
	struct sa_value v[20] = {
		{SA_MODE, &mode, 8}, {SA_SIZE, &size, 8}, {SA_GEN, &gen, 8}, {SA_UID, &uid, 8},
		{SA_GID, &gid, 8}, {SA_PARENT, &parent, 8}, {SA_FLAGS, &flags, 8},
		{SA_ATIME, now, 16}, {SA_MTIME, now, 16}, {SA_CTIME, now, 16}, {SA_CRTIME, now, 16},
		{SA_LINKS, &zn->links, 8}, {SA_DACL_COUNT, &acl_count, 8},
		{SA_DACL_ACES, acl, acl_len},
	};
	unsigned nv = 14;

	if (flags & ZF_PROJID)
		v[nv++] = (struct sa_value){SA_PROJID, &projid, 8};
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		v[nv++] = (struct sa_value){SA_RDEV, &rdev, 8};
	if (S_ISLNK(n->mode))
		v[nv++] = (struct sa_value){SA_SYMLINK, n->target, size};
	if ((rc = sa_init(z->sa, *obj, v, nv)) != 0)
		(void)dmu_object_free(z->os, *obj);
	return (rc);
}

/* --- destroying ------------------------------------------------------------------------------- */

static int
destroy_xattr_dir(struct zpl *z, uint64_t dir)
{
	struct zap_entry ze;
	uint64_t cookie = 0;
	int rc;

	while ((rc = zap_next(z->os, dir, &cookie, &ze)) == 0) {
		rc = dmu_object_free(z->os, ze.first & 0xffffffffffffULL);
		if (rc != 0 && rc != -ENOENT)
			return (rc);
	}
	return (rc == -ENOENT ? zap_destroy(z->os, dir) : rc);
}

int
znode_destroy(struct zpl *z, uint64_t obj)
{
	struct sa_handle h;
	uint64_t xattr;
	bool is_dir;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	xattr = sa_u64(&h, SA_XATTR, 0);
	is_dir = S_ISDIR(znode_mode(&h));
	sa_rele(&h);
	zil_forget(zil_of(z->os), obj);
	if (xattr != 0 && (rc = destroy_xattr_dir(z, xattr)) != 0 && rc != -ENOENT)
		return (rc);
	return (is_dir ? zap_destroy(z->os, obj) : dmu_object_free(z->os, obj));
}
