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

union control {
	struct cmsghdr h;
	char space[CMSG_SPACE(3 * sizeof(int))];
};

int
zoned_send(int s, const void *p, size_t len, const int *fds, int n)
{
	struct iovec iov = {(void *)(uintptr_t)p, len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	union control c;

	if (n > 0) {
		memset(&c, 0, sizeof(c));
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(&c.h), fds, (size_t)n * sizeof(int));
		h.msg_control = &c;
		h.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
	}
	return (sendmsg(s, &h, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno);
}

int
zoned_recv(int s, void *p, size_t size, int fds[3])
{
	struct iovec iov = {p, size};
	union control c;
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c)};
	struct cmsghdr *ch;
	ssize_t n;

	fds[0] = fds[1] = fds[2] = -1;
	do
		n = recvmsg(s, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return (-errno);
	for (ch = CMSG_FIRSTHDR(&h); ch != NULL; ch = CMSG_NXTHDR(&h, ch))
		if (ch->cmsg_level == SOL_SOCKET && ch->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(ch), ch->cmsg_len - CMSG_LEN(0));
	if (h.msg_flags & MSG_TRUNC)
		return (-EMSGSIZE);
	return ((int)n);
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
