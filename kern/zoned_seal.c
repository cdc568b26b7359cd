/* SPDX-License-Identifier: MIT */
/*
 * Supervisors run from a sealed copy of the binary.
 *
 * A process that is about to become the zone's still shows the supervisor's executable as
 * /proc/PID/exe.  If that were the installed file, a zone would hold a reference to it, and any kernel
 * bug that writes to read-only page cache would reach every later command of the machine.  So the
 * supervisor first copies itself into a memory file, seals it against every change, and executes
 * that.
 *
 * One copy serves all: the first supervisor makes it, the others execute the one that a running
 * supervisor has open, after comparing it with the binary byte by byte.  Four thousand zones cost one
 * copy, and an upgraded binary gets a copy of its own.
 *
 * Rejected: a copy per entry (a millisecond and 3 MB each time); a read-only bind mount of the file
 * (shares its page cache).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/kern/zoned.h"
#include "zone_impl.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

extern char **environ;

static bool
is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return (seals >= 0 && (seals & SEALS) == SEALS);
}

static bool
is_same(int a, int b)
{
	struct stat x, y;
	size_t n;
	void *p, *q;
	bool same;

	if (fstat(a, &x) != 0 || fstat(b, &y) != 0 || x.st_size != y.st_size || x.st_size <= 0)
		return (false);
	n = (size_t)x.st_size;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, a, 0);
	q = mmap(NULL, n, PROT_READ, MAP_PRIVATE, b, 0);
	same = p != MAP_FAILED && q != MAP_FAILED && memcmp(p, q, n) == 0;
	if (p != MAP_FAILED)
		(void)munmap(p, n);
	if (q != MAP_FAILED)
		(void)munmap(q, n);
	return (same);
}

/* The executable of one supervisor, if it is a sealed copy of `self`; -1. */
static int
copy_of(const struct zone_env *env, const char *name, int self)
{
	struct zone_run r;
	char path[32];
	int fd;

	if (zone_run_read(env, name, &r) != 0 || !zone_lock_is_held(env, name))
		return (-1);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)r.zoned);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (-1);
	if (is_sealed(fd) && is_same(fd, self))
		return (fd);
	(void)close(fd);
	return (-1);
}

/* The copy that some other supervisor runs from; the first that fits will do. */
static int
borrow_copy(const struct zone_env *env, int self)
{
	char dir[PATH_MAX], name[ZONE_NAME_MAX + 1];
	struct dirent *de;
	int fd = -1, tries = 0;
	DIR *d;

	(void)zone_run_path(env, "", "", dir);
	if ((d = opendir(dir)) == NULL)
		return (-1);
	while (fd < 0 && tries < 16 && (de = readdir(d)) != NULL) {
		size_t n = strlen(de->d_name);

		if (n <= 6 || n - 6 > ZONE_NAME_MAX || strcmp(de->d_name + n - 6, ".state") != 0)
			continue;
		memcpy(name, de->d_name, n - 6);
		name[n - 6] = '\0';
		fd = copy_of(env, name, self);
		tries++;
	}
	(void)closedir(d);
	return (fd);
}

static int
make_copy(int self, struct err *e)
{
	int fd = memfd_create("smartbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t off = 0;

	if (fd < 0 || fstat(self, &st) != 0)
		return (err_sys(e, errno, "memory file"));
	while (off < st.st_size)
		if (sendfile(fd, self, &off, (size_t)(st.st_size - off)) <= 0)
			return (err_sys(e, errno, "cannot copy the binary"));
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		return (err_sys(e, errno, "cannot seal the copy"));
	return (fd);
}

int
zoned_seal_self(const struct zone_env *env, char *const *argv, struct err *e)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd;

	if (self < 0)
		return (err_sys(e, errno, "/proc/self/exe"));
	if (is_sealed(self)) {
		(void)close(self);
		return (0);
	}
	if ((fd = borrow_copy(env, self)) < 0 && (fd = make_copy(self, e)) < 0) {
		(void)close(self);
		return (fd);
	}
	(void)close(self);
	(void)fexecve(fd, argv, environ);
	return (err_sys(e, errno, "cannot execute the sealed copy"));
}
