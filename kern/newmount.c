/* SPDX-License-Identifier: MIT */
/* The kernel's descriptor-based mount calls; see the header. */
#include "newmount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(MNT_RDONLY == MOUNT_ATTR_RDONLY && MNT_NOSUID == MOUNT_ATTR_NOSUID &&
    MNT_NODEV == MOUNT_ATTR_NODEV && MNT_NOEXEC == MOUNT_ATTR_NOEXEC &&
    MNT_IDMAP == MOUNT_ATTR_IDMAP, "the kernel's numbers");

static long
fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return (syscall(SYS_fsconfig, fd, cmd, key, value, aux));
}

static long
set_option(int fd, const char *opt)
{
	const char *eq = strchr(opt, '=');
	char key[32];

	if (eq == NULL)
		return (fsconfig(fd, FSCONFIG_SET_FLAG, opt, NULL, 0));
	(void)snprintf(key, sizeof(key), "%.*s", (int)(eq - opt), opt);
	return (fsconfig(fd, FSCONFIG_SET_STRING, key, eq + 1, 0));
}

int
mnt_new(const char *fstype, const char *const *opts, unsigned attrs, struct err *e)
{
	int fd = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC), mfd, rc;

	if (fd < 0)
		return (err_sys(e, errno, "file system type '%s'", fstype));
	for (; opts != NULL && *opts != NULL; opts++) {
		if (set_option(fd, *opts) != 0) {
			rc = err_sys(e, errno, "%s option '%s'", fstype, *opts);
			(void)close(fd);
			return (rc);
		}
	}
	if (fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0 ||
	    (mfd = (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attrs)) < 0)
		mfd = err_sys(e, errno, "cannot mount %s", fstype);
	(void)close(fd);
	return (mfd);
}

int
mnt_clone(int dfd, const char *path)
{
	int fd = (int)syscall(SYS_open_tree, dfd, path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);

	return (fd >= 0 ? fd : -errno);
}

int
mnt_attr(int mfd, uint64_t set, int userns_fd)
{
	struct mount_attr a = {.attr_set = set};

	if (userns_fd >= 0) {
		a.attr_set |= MOUNT_ATTR_IDMAP;
		a.userns_fd = (uint64_t)userns_fd;
	}
	if (syscall(SYS_mount_setattr, mfd, "", AT_EMPTY_PATH, &a, sizeof(a)) != 0)
		return (-errno);
	return (0);
}

int
mnt_attach(int mfd, int target)
{
	if (syscall(SYS_move_mount, mfd, "", target, "",
		MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
		return (-errno);
	return (0);
}

int
open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return (fd >= 0 ? fd : -errno);
}
