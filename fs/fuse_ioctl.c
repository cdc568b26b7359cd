/* SPDX-License-Identifier: MIT */
/*
 * Flags and projects of files by ioctl: FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, FS_IOC_GETFLAGS.
 *
 * The kernel handles these calls itself and asks a FUSE server by the same numbers (Linux 5.13 and
 * later).  What can be changed is the project and its inheritance; asking for any other flag that is not
 * there yet is refused, so that nobody believes in one that is not enforced.
 */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>

#include "fuse_impl.h"

static const struct {
	uint64_t zfs;
	uint32_t xflag, flag;
} flag_map[] = {
    {1ULL << 36, FS_XFLAG_IMMUTABLE, FS_IMMUTABLE_FL},
    {1ULL << 38, FS_XFLAG_APPEND, FS_APPEND_FL},
    {1ULL << 39, FS_XFLAG_NODUMP, FS_NODUMP_FL},
    {1ULL << 46, FS_XFLAG_PROJINHERIT, FS_PROJINHERIT_FL},
};
#define FLAGS (sizeof(flag_map) / sizeof(flag_map[0]))

static void
put_answer(struct fuse_call *c, const void *data, size_t len)
{
	struct fuse_ioctl_out *head = fuse_answer(c, sizeof(*head) + len);

	memcpy(head + 1, data, len);
}

static int
get_xattr(struct fuse_call *c, const struct zpl_attr *a)
{
	struct fsxattr x = {.fsx_projid = (uint32_t)a->projid};

	for (size_t i = 0; i < FLAGS; i++)
		x.fsx_xflags |= a->flags & flag_map[i].zfs ? flag_map[i].xflag : 0;
	put_answer(c, &x, sizeof(x));
	return (0);
}

static int
get_flags(struct fuse_call *c, const struct zpl_attr *a)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < FLAGS; i++)
		flags |= a->flags & flag_map[i].zfs ? flag_map[i].flag : 0;
	put_answer(c, &flags, sizeof(flags));
	return (0);
}

static int
set_xattr(struct fuse_call *c, struct zpl *z, const struct zpl_attr *a)
{
	struct fsxattr x;
	uint32_t now = 0;
	int rc;

	if (c->req.data_len < sizeof(x))
		return (-EINVAL);
	memcpy(&x, c->req.data, sizeof(x));
	for (size_t i = 0; i < FLAGS; i++)
		now |= a->flags & flag_map[i].zfs ? flag_map[i].xflag : 0;
	if ((now ^ x.fsx_xflags) & ~(uint32_t)FS_XFLAG_PROJINHERIT)
		return (-EOPNOTSUPP);
	rc = zpl_project_set(z, a->obj, x.fsx_projid, (x.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0);
	if (rc == 0)
		put_answer(c, "", 0);
	return (rc);
}

int
fuse_do_ioctl(struct fuse_call *c)
{
	const struct fuse_ioctl_in *in = c->req.arg;
	struct zpl_attr a;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = fuse_this_node(c, &z, &obj)) != 0 || (rc = zpl_getattr(z, obj, &a)) != 0)
		return (rc);
	switch (in->cmd) {
	case FS_IOC_FSGETXATTR:
		return (get_xattr(c, &a));
	case FS_IOC_FSSETXATTR:
		return (set_xattr(c, z, &a));
	case FS_IOC_GETFLAGS:
		return (get_flags(c, &a));
	default:
		return (-ENOTTY);
	}
}
