/* SPDX-License-Identifier: MIT */
/*
 * POSIX access control lists in the form of their extended attributes: what the server has to do.
 *
 * With FUSE_POSIX_ACL the kernel checks access by these lists, but the file server must keep list and
 * mode in step: setting a list sets the mode's bits, chmod changes the list, a new file inherits its
 * directory's default list.  Form: u32 version 2, then entries of u16 tag, u16 rwx, u32 id.
 */
#include <errno.h>
#include <string.h>

#include "fuse_impl.h"

#define ACL_VERSION 2u
#define ACL_HEADER 4u
#define ACL_ENTRY 8u

enum { TAG_USER_OBJ = 1, TAG_USER = 2, TAG_GROUP_OBJ = 4, TAG_GROUP = 8, TAG_MASK = 16, TAG_OTHER = 32 };

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};
_Static_assert(sizeof(struct acl_entry) == ACL_ENTRY, "an entry is 8 bytes");

static struct acl_entry
entry_get(const void *acl, size_t i)
{
	struct acl_entry e;

	memcpy(&e, (const char *)acl + ACL_HEADER + i * ACL_ENTRY, sizeof(e));
	return (e);
}

static void
entry_put(void *acl, size_t i, const struct acl_entry *e)
{
	memcpy((char *)acl + ACL_HEADER + i * ACL_ENTRY, e, sizeof(*e));
}

/* The number of entries, or -EINVAL. */
static int
acl_count_entries(const void *acl, size_t len)
{
	uint32_t version;

	if (len < ACL_HEADER || (len - ACL_HEADER) % ACL_ENTRY != 0 || len > POSIX_ACL_MAX)
		return (-EINVAL);
	memcpy(&version, acl, sizeof(version));
	return (version == ACL_VERSION ? (int)((len - ACL_HEADER) / ACL_ENTRY) : -EINVAL);
}

int
posix_acl_check(const void *acl, size_t len, uint32_t *mode, bool *is_minimal)
{
	int n = acl_count_entries(acl, len);
	unsigned seen = 0, user = 0, group = 0, other = 0, mask = 0;

	if (n < 0)
		return (n);
	for (int i = 0; i < n; i++) {
		struct acl_entry e = entry_get(acl, (size_t)i);

		if (e.perm > 7)
			return (-EINVAL);
		switch (e.tag) {
		case TAG_USER_OBJ: user = e.perm; break;
		case TAG_GROUP_OBJ: group = e.perm; break;
		case TAG_OTHER: other = e.perm; break;
		case TAG_MASK: mask = e.perm; break;
		case TAG_USER: case TAG_GROUP: seen |= e.tag; continue; /* many may be there */
		default: return (-EINVAL);
		}
		if (seen & e.tag)
			return (-EINVAL);
		seen |= e.tag;
	}
	if ((seen & (TAG_USER_OBJ | TAG_GROUP_OBJ | TAG_OTHER)) !=
	    (TAG_USER_OBJ | TAG_GROUP_OBJ | TAG_OTHER) ||
	    ((seen & (TAG_USER | TAG_GROUP)) && !(seen & TAG_MASK)))
		return (-EINVAL);
	*is_minimal = (seen & (TAG_USER | TAG_GROUP | TAG_MASK)) == 0;
	*mode = user << 6 | (seen & TAG_MASK ? mask : group) << 3 | other;
	return (0);
}

/*
 * Give the entries that stand for the mode's bits those of mode (intersect: of mode and the list).
 * The group's bits are the mask's if there is one, else the owning group's.
 */
static int
acl_apply(void *acl, size_t len, uint32_t mode, bool intersect, uint32_t *result)
{
	uint32_t was;
	bool is_minimal;
	int rc = posix_acl_check(acl, len, &was, &is_minimal);
	int n = acl_count_entries(acl, len);
	bool has_mask = false;

	if (rc != 0)
		return (rc);
	for (int i = 0; i < n; i++)
		has_mask |= entry_get(acl, (size_t)i).tag == TAG_MASK;
	if (intersect)
		mode &= was;
	for (int i = 0; i < n; i++) {
		struct acl_entry e = entry_get(acl, (size_t)i);

		if (e.tag == TAG_USER_OBJ)
			e.perm = mode >> 6 & 7;
		else if (e.tag == TAG_MASK || (e.tag == TAG_GROUP_OBJ && !has_mask))
			e.perm = mode >> 3 & 7;
		else if (e.tag == TAG_OTHER)
			e.perm = mode & 7;
		entry_put(acl, (size_t)i, &e);
	}
	*result = mode & 0777;
	return (0);
}

int
posix_acl_chmod(void *acl, size_t len, uint32_t mode)
{
	uint32_t result;

	return (acl_apply(acl, len, mode, false, &result));
}

int
posix_acl_inherit(void *acl, size_t len, uint32_t *mode)
{
	uint32_t result;
	int rc = acl_apply(acl, len, *mode, true, &result);

	if (rc == 0)
		*mode = (*mode & ~0777u) | result;
	return (rc);
}

int
posix_acl_map_ids(void *acl, size_t len, const struct fuse_idmap *m, bool in)
{
	int n = acl_count_entries(acl, len), rc;

	if (n < 0)
		return (n);
	for (int i = 0; i < n; i++) {
		struct acl_entry e = entry_get(acl, (size_t)i);

		if (e.tag != TAG_USER && e.tag != TAG_GROUP)
			continue;
		if (!in)
			e.id = fuse_id_out(m, e.id);
		else if ((rc = fuse_id_in(m, e.id, &e.id)) != 0)
			return (rc);
		entry_put(acl, (size_t)i, &e);
	}
	return (0);
}
