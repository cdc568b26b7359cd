/* SPDX-License-Identifier: MIT */
/*
 * Names of volumes in /dev, as OpenZFS on Linux and SmartOS have them.
 *
 *	/dev/zvol/tank/vm/disk0       -> ../../../nbd3
 *	/dev/zvol/dsk/tank/vm/disk0   -> ../../../../nbd3
 *	/dev/zvol/rdsk/tank/vm/disk0  -> ../../../../nbd3	Linux has no character disks: the same device
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "zvol_impl.h"

static const char *const bases[] = {"zvol", "zvol/dsk", "zvol/rdsk"};
#define NBASES (sizeof(bases) / sizeof(bases[0]))

static const char *
dev_dir(void)
{
	const char *dir = getenv("SMARTBOX_DEV");

	return (dir != NULL && dir[0] == '/' ? dir : "/dev");
}

static int
make_link(const char *base, const char *name, const char *device, struct err *e)
{
	char below[PATH_MAX / 2], path[PATH_MAX], dir[PATH_MAX], target[PATH_MAX], temp[PATH_MAX + 8];
	size_t n = 0;
	int rc;

	(void)snprintf(below, sizeof(below), "%s/%s", base, name);
	(void)snprintf(path, sizeof(path), "%s/%s", dev_dir(), below);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	if ((rc = file_mkdirs(dir, 0755, e)) != 0)
		return (rc);
	for (const char *p = below; *p != '\0'; p++)
		if (*p == '/')
			n += (size_t)snprintf(target + n, sizeof(target) - n, "../");
	(void)snprintf(target + n, sizeof(target) - n, "%s", device);
	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	(void)unlink(temp);
	if (symlink(target, temp) != 0 || rename(temp, path) != 0)
		return (err_sys(e, errno, "%s", path));
	return (0);
}

int
zvol_link(const char *name, const char *device, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < NBASES && rc == 0; i++)
		rc = make_link(bases[i], name, device, e);
	return (rc);
}

/* With the folders above that are empty now, as far as the base. */
static void
remove_link(const char *base, const char *name)
{
	char path[PATH_MAX], *slash;
	size_t floor;

	floor = (size_t)snprintf(path, sizeof(path), "%s/%s/", dev_dir(), base);
	(void)snprintf(path + floor, sizeof(path) - floor, "%s", name);
	(void)unlink(path);
	while ((slash = strrchr(path, '/')) != NULL && (size_t)(slash - path) >= floor) {
		*slash = '\0';
		if (rmdir(path) != 0)
			break;
	}
}

void
zvol_unlink(const char *name)
{
	for (size_t i = 0; i < NBASES; i++)
		remove_link(bases[i], name);
}

/* Links and empty folders only: anything else is somebody else's. */
static void
remove_tree(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = file_fdopendir(fd);
	struct dirent *de;

	if (d == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (de->d_type == DT_LNK)
			(void)unlinkat(fd, de->d_name, 0);
		else if (de->d_type == DT_DIR)
			remove_tree(fd, de->d_name);
	}
	(void)closedir(d);
	(void)unlinkat(at, name, AT_REMOVEDIR);
}

void
zvol_unlink_pool(const char *pool)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < NBASES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", dev_dir(), bases[i], pool);
		remove_tree(AT_FDCWD, path);
	}
}

int
zvol_device_node(const char *device, char *path, unsigned long size, struct err *e)
{
	char sys[128], *text;
	unsigned major, minor;
	int rc;

	(void)snprintf(path, size, "%s/%s", dev_dir(), device);
	if (access(path, F_OK) == 0)
		return (0);
	(void)snprintf(sys, sizeof(sys), "/sys/block/%s/dev", device);
	if ((rc = file_read(sys, 64, &text, NULL, e)) != 0)
		return (rc);
	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		rc = err_set(e, EINVAL, "%s: not a device number", sys);
	else if (mknod(path, S_IFBLK | 0660, makedev(major, minor)) != 0 && errno != EEXIST)
		rc = err_sys(e, errno, "%s", path);
	free(text);
	return (rc);
}

/* "/dev/nbd3" or a partition, "/dev/nbd3p1". */
static bool
is_of_device(const char *path, const char *device)
{
	size_t n = strlen(device);

	if (strncmp(path, "/dev/", 5) != 0 || strncmp(path + 5, device, n) != 0)
		return (false);
	return (path[5 + n] == '\0' || path[5 + n] == 'p');
}

/* By the links' texts alone: to follow one may lead into a filesystem that this process serves. */
static bool
process_has_open(const char *pid, const char *device)
{
	char dir[300], link[600], path[PATH_MAX];
	struct dirent *de;
	bool has = false;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	if ((d = opendir(dir)) == NULL)
		return (false);
	while (!has && (de = readdir(d)) != NULL) {
		ssize_t n;

		(void)snprintf(link, sizeof(link), "%s/%s", dir, de->d_name);
		if ((n = readlink(link, path, sizeof(path) - 1)) <= 0)
			continue;
		path[n] = '\0';
		has = is_of_device(path, device);
	}
	(void)closedir(d);
	return (has);
}

static bool
somebody_has_open(const char *device)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	bool has = false;

	if (d == NULL)
		return (false);
	while (!has && (de = readdir(d)) != NULL)
		if (de->d_name[0] >= '1' && de->d_name[0] <= '9')
			has = process_has_open(de->d_name, device);
	(void)closedir(d);
	return (has);
}

bool
zvol_device_in_use(const char *device)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dev_dir(), device);
	/* O_EXCL: refused when it, or a partition of it, is mounted or claimed. */
	if ((fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC)) >= 0)
		(void)close(fd);
	else if (errno == EBUSY)
		return (true);
	return (somebody_has_open(device));
}
