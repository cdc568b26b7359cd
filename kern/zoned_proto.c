/* SPDX-License-Identifier: MIT */
/* Messages with descriptors on a supervisor's control socket. */
#include "zoned_proto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "zone_impl.h"
#include "smartbox/core/fdpass.h"

int
zoned_send(int s, const void *p, size_t len, const int *fds, int n)
{
	ssize_t sent = fd_send(s, p, len, fds, (unsigned)n, 0);

	return (sent == (ssize_t)len ? 0 : sent < 0 ? (int)sent : -EIO);
}

int
zoned_recv(int s, void *p, size_t size, int fds[3])
{
	return ((int)fd_recv(s, p, size, fds, 3, 0));
}

int
zoned_address(const struct zone_env *env, const char *name, struct sockaddr_un *sa, int *dirfd)
{
	char dir[PATH_MAX];

	(void)zone_run_path(env, "", "", dir);
	if ((*dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (-errno);
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	(void)snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%.63s.sock", *dirfd, name);
	return (0);
}
