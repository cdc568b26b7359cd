/* SPDX-License-Identifier: MIT */
/* tracefs: where it is mounted, or a mount of our own that nobody else sees. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "session.h"
#include "smartbox/core/file.h"

static int
private_mount(void)
{
	int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return (-1);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	(void)close(fs);
	return (fd);
}

static int
root(struct session *s)
{
	enum { TRACEFS = 0x74726163 };
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	struct statfs sf;

	for (int i = 0; i < 2 && s->tracefs == -1; i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && fstatfs(fd, &sf) == 0 && sf.f_type == TRACEFS)
			s->tracefs = fd;
		else if (fd >= 0)
			(void)close(fd);
	}
	if (s->tracefs == -1 && (s->tracefs = private_mount()) < 0)
		s->tracefs = -2;
	return (s->tracefs);
}

int
tracefs_open(struct session *s, const char *path)
{
	int fd = root(s);

	if (fd < 0)
		return (-ENOENT);
	fd = openat(fd, path, O_RDONLY | O_CLOEXEC);
	return (fd < 0 ? -errno : fd);
}

int
tracefs_read(struct session *s, const char *path, char **text)
{
	char name[64];
	int fd = tracefs_open(s, path), rc;

	if (fd < 0)
		return (fd);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	rc = file_read(name, 16 << 20, text, NULL, NULL);
	(void)close(fd);
	return (rc);
}
