/* SPDX-License-Identifier: MIT */
/*
 * Files that must never be half written.
 *
 * file_replace(), step by step, and what a power cut leaves:
 *	write PATH.tmp.<pid>		old file, perhaps a temporary
 *	fsync the temporary		old file, a complete temporary
 *	rename over PATH		old or new file (the rename may not be on disk yet)
 *	fsync the directory		new file
 * The temporary's name carries the pid so that two writers cannot tear each other's; the last
 * rename wins.  Callers that read, change and write hold file_lock() around all three.
 */
#include "smartbox/core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/buf.h"

int
io_read_full(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len != 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (-errno);
		if (n == 0)
			return (-EPIPE);
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

int
io_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len != 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (-errno);
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

int
io_send_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len != 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (-errno);
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

DIR *
file_fdopendir(int fd)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	int error = errno;

	if (d == NULL && fd >= 0)
		(void)close(fd);
	errno = error;
	return (d);
}

/* "a/b/c" -> directory "a/b" and leaf "c"; "c" -> "." and "c". */
static int
split_path(const char *path, char dir[PATH_MAX], const char **leaf, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 1;

	*leaf = slash != NULL ? slash + 1 : path;
	if (n + 1 >= PATH_MAX || **leaf == '\0')
		return (err_set(e, EINVAL, "%s: not a file name", path));
	memcpy(dir, slash != NULL ? path : ".", n);
	dir[n] = '\0';
	if (slash == path)
		memcpy(dir, "/", 2);
	return (0);
}

static int
sync_directory(int dfd)
{
	return (fsync(dfd) == 0 ? 0 : -errno);
}

/* Temporaries of this leaf whose writer is dead are litter of a crash. */
static void
remove_stale(int dfd, const char *leaf)
{
	size_t n = strlen(leaf);
	DIR *d = file_fdopendir(openat(dfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *de;

	if (d == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		long pid;

		if (strncmp(de->d_name, leaf, n) != 0 || strncmp(de->d_name + n, ".tmp.", 5) != 0)
			continue;
		pid = strtol(de->d_name + n + 5, NULL, 10);
		if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
			(void)unlinkat(dfd, de->d_name, 0);
	}
	(void)closedir(d);
}

static int
write_temporary(int dfd, const char *tmp, const void *buf, size_t len, mode_t mode)
{
	int fd = openat(dfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	int rc;

	if (fd < 0)
		return (-errno);
	rc = io_write_full(fd, buf, len);
	if (rc == 0 && fchmod(fd, mode) != 0)
		rc = -errno;
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	return (rc);
}

int
file_replace(const char *path, const void *buf, size_t len, mode_t mode, struct err *e)
{
	char dir[PATH_MAX], tmp[NAME_MAX + 1];
	const char *leaf;
	int dfd, rc = split_path(path, dir, &leaf, e);

	if (rc != 0)
		return (rc);
	if (snprintf(tmp, sizeof(tmp), "%s.tmp.%d", leaf, (int)getpid()) >= (int)sizeof(tmp))
		return (err_set(e, ENAMETOOLONG, "%s: name too long", path));
	if ((dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "%s", dir));
	remove_stale(dfd, leaf);
	rc = write_temporary(dfd, tmp, buf, len, mode);
	if (rc == 0 && renameat(dfd, tmp, dfd, leaf) != 0)
		rc = -errno;
	if (rc == 0)
		rc = sync_directory(dfd);
	else
		(void)unlinkat(dfd, tmp, 0);
	(void)close(dfd);
	return (err_rc(e, rc, "cannot write %s", path));
}

int
file_remove(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	const char *leaf;
	int dfd, rc = split_path(path, dir, &leaf, e);

	if (rc != 0)
		return (rc);
	if ((dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (errno == ENOENT ? 0 : err_sys(e, errno, "%s", dir));
	if (unlinkat(dfd, leaf, 0) == 0)
		rc = sync_directory(dfd);
	else
		rc = errno == ENOENT ? 0 : -errno;
	(void)close(dfd);
	return (err_rc(e, rc, "cannot remove %s", path));
}

int
file_read(const char *path, size_t max, char **buf, size_t *len, struct err *e)
{
	struct buf b = BUF_INIT;
	char chunk[16384];
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return (err_sys(e, errno, "%s", path));
	while (rc == 0 && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0)
			rc = errno == EINTR ? 0 : err_sys(e, errno, "%s", path);
		else if (b.len + (size_t)n > max)
			rc = err_set(e, EFBIG, "%s: larger than %zu bytes", path, max);
		else
			buf_add(&b, chunk, (size_t)n);
	}
	(void)close(fd);
	if (rc == 0) {
		if (len != NULL)
			if (len != NULL)
			*len = b.len;
		if ((*buf = buf_take(&b)) == NULL)
			rc = err_set(e, ENOMEM, "%s: out of memory", path);
	}
	buf_free(&b);
	return (rc);
}

int
file_poke(const char *path, const char *text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return (err_sys(e, errno, "%s", path));
	if (write(fd, text, strlen(text)) < 0)
		rc = err_sys(e, errno, "cannot write '%s' to %s", text, path);
	(void)close(fd);
	return (rc);
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return (err_set(e, EINVAL, "'%s' is not a directory name", path));
	memcpy(part, path, n + 1);
	for (char *p = part + 1; ; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return (err_sys(e, errno, "cannot create directory %s", part));
		*p = c;
		if (c == '\0')
			return (0);
	}
}

int
file_lock(const char *path, bool shared, bool nonblock, struct err *e)
{
	int op = (shared ? LOCK_SH : LOCK_EX) | (nonblock ? LOCK_NB : 0);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return (err_sys(e, errno, "cannot open lock %s", path));
	while (flock(fd, op) != 0) {
		if (errno == EINTR)
			continue;
		int saved = errno;

		(void)close(fd);
		return (err_sys(e, saved, "cannot lock %s", path));
	}
	return (fd);
}

void
file_unlock(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}
