/* SPDX-License-Identifier: MIT */
/*
 * Bytes with descriptors beside them; see the header.
 */
#include "smartbox/core/fdpass.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr h;
	char room[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

ssize_t
fd_send(int s, const void *buf, size_t len, const int *fds, unsigned n, int flags)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union control c = {.room = {0}};
	ssize_t sent;

	if (n > FDPASS_MAX)
		return (-EINVAL);
	if (n > 0) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c.h.cmsg_len = CMSG_LEN(n * sizeof(int));
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&c.h), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(s, &m, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return (sent < 0 ? -errno : sent);
}

/* Keep what fits, close the rest; false when something did not fit. */
static bool
take(struct msghdr *m, int *fds, unsigned max)
{
	bool fits = (m->msg_flags & MSG_CTRUNC) == 0;
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at) < c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (n < max) {
				fds[n++] = fd;
				continue;
			}
			(void)close(fd);
			fits = false;
		}
	}
	return (fits);
}

static void
close_all(int *fds, unsigned max)
{
	for (unsigned i = 0; i < max; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = -1;
	}
}

ssize_t
fd_recv(int s, void *buf, size_t len, int *fds, unsigned max, int flags)
{
	struct iovec iov = {buf, len};
	union control c;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c)};
	bool fits;
	ssize_t n;

	for (unsigned i = 0; i < max; i++)
		fds[i] = -1;
	do
		n = recvmsg(s, &m, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return (-errno);
	fits = take(&m, fds, max);
	if (fits && (m.msg_flags & MSG_TRUNC) == 0)
		return (n);
	close_all(fds, max);
	return (fits ? -EMSGSIZE : -EPROTO);
}
