/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes.
 *
 * They live in two places: packed as one name-value list in the system attribute DXATTR, or as the
 * files of a hidden directory that the attribute XATTR names.  Reading looks at both, the list first.
 * Writing goes to the list while an entry is at most 32 KiB and the list at most 64 KiB, whatever the
 * property xattr says: one block instead of three objects.  OpenZFS reads both places too, and so does
 * an older system that knows only xattr=on.  Setting an attribute takes it away from the other place.
 *
 * Names carry their Linux namespace ("user.", "security.", "trusted.", "system.").  Attribute
 * directories written by illumos or FreeBSD have plain names: those are shown as "user." names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/zap.h"
#include "zpl_impl.h"

#define LIST_ENTRY_MAX (32u << 10)
#define LIST_MAX (SA_VALUE_MAX & ~3u)
#define DIR_VALUE_MAX (64u << 10)
#define OBJ_MASK 0xffffffffffffULL

static const char user_prefix[] = "user.";

static bool
has_namespace(const char *name)
{
	static const char *const spaces[] = {"user.", "security.", "trusted.", "system."};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (strncmp(name, spaces[i], strlen(spaces[i])) == 0)
			return (true);
	}
	return (false);
}

/* --- the list in the system attribute --------------------------------------------------------- */

/* NULL with rc 0 when there is none. */
static int
list_load(const struct sa_handle *h, struct nvlist **out)
{
	size_t len;
	const void *p = sa_peek(h, SA_DXATTR, &len);

	*out = NULL;
	return (p == NULL || len == 0 ? 0 : nv_unpack(p, len, out, NULL));
}

/* An empty list is no attribute at all. */
static int
list_store(struct sa_handle *h, const struct nvlist *list)
{
	struct sa_value v = {SA_DXATTR, NULL, 0};
	void *packed = NULL;
	int rc = 0;

	if (nv_next(list, NULL) != NULL) {
		if ((rc = nv_pack(list, &packed, &v.len)) != 0)
			return (rc);
		v.data = packed;
	}
	rc = v.len > LIST_MAX ? -EFBIG : sa_set(h, &v, 1);
	free(packed);
	return (rc);
}

static int
list_set(struct sa_handle *h, const char *name, const void *val, size_t len)
{
	struct nvlist *list;
	int rc;

	if (len > LIST_ENTRY_MAX || h->is_legacy)
		return (-EFBIG);
	if ((rc = list_load(h, &list)) != 0)
		return (rc);
	if (list == NULL && (list = nv_new()) == NULL)
		return (-ENOMEM);
	if ((rc = nv_add_bytes(list, name, val, len)) == 0)
		rc = list_store(h, list);
	nv_free(list);
	return (rc);
}

static int
list_remove(struct sa_handle *h, const char *name)
{
	struct nvlist *list;
	int rc = list_load(h, &list);

	if (rc != 0)
		return (rc);
	if (list == NULL || !nv_has(list, name)) {
		rc = -ENODATA;
	} else {
		nv_remove(list, name);
		rc = list_store(h, list);
	}
	nv_free(list);
	return (rc);
}

/* The size, and the value if it fits in buf (size 0: not asked for). */
static int
value_out(const void *val, size_t len, void *buf, size_t size)
{
	if (size != 0 && len > size)
		return (-ERANGE);
	if (size != 0)
		memcpy(buf, val, len);
	return ((int)len);
}

static int
list_get(const struct sa_handle *h, const char *name, void *buf, size_t size)
{
	struct nvlist *list;
	const void *val;
	size_t len;
	int rc = list_load(h, &list);

	if (rc != 0)
		return (rc);
	if (list == NULL || nv_get_bytes(list, name, &val, &len) != 0)
		rc = -ENODATA;
	else
		rc = value_out(val, len, buf, size);
	nv_free(list);
	return (rc);
}

/* --- the hidden directory --------------------------------------------------------------------- */

/* The file of an attribute and the name it has there. */
static int
dir_find(struct zpl *z, const struct sa_handle *h, const char *name, uint64_t *file,
    const char **stored)
{
	uint64_t dir = sa_u64(h, SA_XATTR, 0);
	size_t skip = strlen(user_prefix);
	int rc;

	if (dir == 0 || strlen(name) >= ZAP_NAME_MAX)
		return (-ENODATA);
	*stored = name;
	rc = zap_lookup(z->os, dir, name, 8, 1, file);
	if (rc == -ENOENT && strncmp(name, user_prefix, skip) == 0 && name[skip] != '\0') {
		*stored = name + skip;
		rc = has_namespace(*stored) ? -ENOENT : zap_lookup(z->os, dir, *stored, 8, 1, file);
	}
	*file &= OBJ_MASK;
	return (rc == -ENOENT ? -ENODATA : rc);
}

static int
dir_get(struct zpl *z, const struct sa_handle *h, const char *name, void *buf, size_t size)
{
	struct zpl_attr a;
	const char *stored;
	uint64_t file = 0;
	int rc;

	if ((rc = dir_find(z, h, name, &file, &stored)) != 0 ||
	    (rc = zpl_getattr(z, file, &a)) != 0)
		return (rc);
	if (a.size > DIR_VALUE_MAX)
		return (-E2BIG);
	if (size == 0)
		return ((int)a.size);
	return (a.size > size ? -ERANGE : zpl_read(z, file, 0, size, buf));
}

static int
dir_remove(struct zpl *z, const struct sa_handle *h, const char *name)
{
	const char *stored;
	uint64_t file = 0;
	int rc;

	if ((rc = dir_find(z, h, name, &file, &stored)) != 0 ||
	    (rc = zap_remove(z->os, sa_u64(h, SA_XATTR, 0), stored)) != 0)
		return (rc);
	return (dmu_object_free(z->os, file));
}

int
zpl_make_xattr_dir(struct zpl *z, struct sa_handle *h, uint64_t *dir)
{
	struct zpl_new n = {.mode = S_IFDIR | 01777};
	struct znode_new zn = {.n = &n, .parent = h->obj, .links = 2, .size = 2, .flags = ZF_XATTR};
	int rc;

	n.uid = (uint32_t)sa_u64(h, SA_UID, 0);
	n.gid = (uint32_t)sa_u64(h, SA_GID, 0);
	if ((rc = znode_new(z, &zn, dir)) != 0)
		return (rc);
	return (sa_set(h, &(struct sa_value){SA_XATTR, dir, 8}, 1));
}

static int
dir_make_file(struct zpl *z, uint64_t dir, const char *name, uint64_t *file)
{
	struct zpl_new n = {.mode = S_IFREG | 0644};
	struct znode_new zn = {.n = &n, .parent = dir, .links = 1, .flags = ZF_XATTR};
	uint64_t entry;
	int rc;

	if ((rc = znode_new(z, &zn, file)) != 0)
		return (rc);
	entry = *file | (uint64_t)(S_IFREG >> 12) << 60;
	return (zap_add(z->os, dir, name, 8, 1, &entry));
}

static int
dir_set(struct zpl *z, struct sa_handle *h, const char *name, const void *val, size_t len)
{
	uint64_t dir = sa_u64(h, SA_XATTR, 0), file = 0;
	const char *stored;
	int rc;

	if (len > DIR_VALUE_MAX || h->is_legacy)
		return (-E2BIG);
	if (dir == 0 && (rc = zpl_make_xattr_dir(z, h, &dir)) != 0)
		return (rc);
	rc = dir_find(z, h, name, &file, &stored);
	if (rc == -ENODATA)
		rc = dir_make_file(z, dir, name, &file);
	if (rc != 0 || (rc = zpl_truncate(z, file, 0)) != 0)
		return (rc);
	return (zpl_write(z, file, 0, len, val, false));
}

/* --- both ------------------------------------------------------------------------------------- */

static int
held_get(struct zpl *z, const struct sa_handle *h, const char *name, void *buf, size_t size)
{
	int rc = list_get(h, name, buf, size);

	return (rc == -ENODATA ? dir_get(z, h, name, buf, size) : rc);
}

int
zpl_xattr_get(struct zpl *z, uint64_t obj, const char *name, void *buf, size_t size)
{
	struct sa_handle h;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	rc = held_get(z, &h, name, buf, size);
	sa_rele(&h);
	return (rc);
}

static int
touch_ctime(struct zpl *z, struct sa_handle *h)
{
	uint64_t now[2];

	zpl_now(z, now);
	return (sa_set(h, &(struct sa_value){SA_CTIME, now, 16}, 1));
}

/* Into the list, or if there is no room into the directory; and out of the other. */
static int
held_set(struct zpl *z, struct sa_handle *h, const char *name, const void *val, size_t len)
{
	uint64_t obj = h->obj;
	int rc = list_set(h, name, val, len);

	if (rc == 0) {
		rc = dir_remove(z, h, name);
	} else if (rc == -EFBIG) {
		sa_rele(h); /* a failed change released it already */
		if ((rc = znode_hold(z, obj, h)) != 0 || (rc = dir_set(z, h, name, val, len)) != 0)
			return (rc);
		rc = list_remove(h, name);
	}
	return (rc == -ENODATA ? 0 : rc);
}

static int
held_remove(struct zpl *z, struct sa_handle *h, const char *name)
{
	int rc = list_remove(h, name);

	return (rc == -ENODATA ? dir_remove(z, h, name) : rc);
}

/* The log has no record of it: whoever commits the file waits for the txg. */
static int
changed(struct zpl *z, struct sa_handle *h, int rc)
{
	z->unlogged--;
	if (rc != 0)
		return (rc);
	zil_log_unloggable(zpl_zil(z), h->obj);
	return (touch_ctime(z, h));
}

int
zpl_xattr_set(struct zpl *z, uint64_t obj, const char *name, const void *val, size_t len,
    unsigned flags)
{
	struct sa_handle h;
	bool exists;
	int rc;

	if (strlen(name) >= ZAP_NAME_MAX)
		return (-ENAMETOOLONG);
	if (len > DIR_VALUE_MAX)
		return (-E2BIG);
	if ((rc = zpl_may_change(z, len + ZPL_META_BYTES)) != 0 ||
	    (rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	rc = held_get(z, &h, name, NULL, 0);
	exists = rc >= 0;
	if (exists && (flags & ZX_CREATE)) {
		rc = -EEXIST;
	} else if (!exists && (flags & ZX_REPLACE)) {
		rc = rc == -ENODATA ? -ENODATA : rc;
	} else if (exists || rc == -ENODATA) {
		z->unlogged++;
		rc = changed(z, &h, held_set(z, &h, name, val, len));
	}
	sa_rele(&h);
	return (rc);
}

int
zpl_xattr_remove(struct zpl *z, uint64_t obj, const char *name)
{
	struct sa_handle h;
	int rc;

	if ((rc = zpl_may_free(z)) != 0 || (rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	z->unlogged++;
	rc = changed(z, &h, held_remove(z, &h, name));
	sa_rele(&h);
	return (rc);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct names {
	char *buf;
	size_t size, len; /* size 0: only counted */
	bool overflow;
};

static void
names_add(struct names *n, const char *prefix, const char *name)
{
	size_t p = strlen(prefix), l = strlen(name) + 1;

	if (n->size != 0 && n->len + p + l > n->size) {
		n->overflow = true;
	} else if (n->size != 0) {
		memcpy(n->buf + n->len, prefix, p);
		memcpy(n->buf + n->len + p, name, l);
	}
	n->len += p + l;
}

static int
names_of_list(const struct sa_handle *h, struct nvlist **list, struct names *n)
{
	int rc = list_load(h, list);

	if (rc != 0 || *list == NULL)
		return (rc);
	for (struct nvpair *p = nv_next(*list, NULL); p != NULL; p = nv_next(*list, p)) {
		if (nvpair_type(p) == NV_BYTE_ARRAY)
			names_add(n, "", nvpair_name(p));
	}
	return (0);
}

static int
names_of_dir(struct zpl *z, const struct sa_handle *h, const struct nvlist *list, struct names *n)
{
	uint64_t dir = sa_u64(h, SA_XATTR, 0);
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (dir == 0)
		return (0);
	zap_cursor_init(&c, z->os, dir, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if (list == NULL || !nv_has(list, ze.name))
			names_add(n, has_namespace(ze.name) ? "" : user_prefix, ze.name);
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

int
zpl_xattr_list(struct zpl *z, uint64_t obj, char *buf, size_t size)
{
	struct names n = {.buf = buf, .size = size};
	struct nvlist *list = NULL;
	struct sa_handle h;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	if ((rc = names_of_list(&h, &list, &n)) == 0)
		rc = names_of_dir(z, &h, list, &n);
	nv_free(list);
	sa_rele(&h);
	if (rc != 0)
		return (rc);
	return (n.overflow ? -ERANGE : (int)n.len);
}
