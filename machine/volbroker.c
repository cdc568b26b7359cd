/* SPDX-License-Identifier: MIT */
/*
 * The broker between a jailed monitor and the pools.
 *
 *	monitor --byte--> broker --"vhost-user for tank/v"--> poold
 *	        <--byte, descriptor (or a byte of 1: not now)--
 *
 * The monitor cannot open anything, not even connect a socket; but when poold is restarted its disks
 * need new sockets.  The broker knows by name the volumes of this one machine and gives connections to
 * these and nothing else, so a guest that owns its monitor gains nothing by asking.
 */
#include "smartbox/machine/volbroker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"
#include "smartbox/fs/client.h"
#include "smartbox/machine/broker.h"

enum { LINKS_MAX = BROKER_SOCKETS };

static void
answer(int to, int fd)
{
	char status = fd < 0;

	(void)fd_send(to, &status, 1, &fd, fd >= 0, 0);
}

/* One request; false when the monitor has closed this one. */
static bool
serve(const struct volume_link *v, int s)
{
	char byte;
	int fd = -1;

	if (recv(s, &byte, 1, 0) != 1)
		return (false);
	(void)fs_vhost_user(v->name, v->readonly, &fd, NULL);
	answer(s, fd);
	if (fd >= 0)
		(void)close(fd);
	return (true);
}

static void
broker_main(void *arg, const int *s, unsigned n)
{
	const struct volume_link *v = arg;
	struct pollfd p[LINKS_MAX];
	unsigned left = n;

	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){s[i], POLLIN, 0};
	while (left > 0) {
		if (poll(p, n, -1) < 0 && errno != EINTR)
			break;
		for (unsigned i = 0; i < n; i++) {
			if (p[i].fd < 0 || p[i].revents == 0 || serve(&v[i], p[i].fd))
				continue;
			p[i].fd = -1;
			left--;
		}
	}
}

static int
connect_all(struct volume_link *v, int s[LINKS_MAX], unsigned n, struct err *e)
{
	int pair[2], rc;

	for (unsigned i = 0; i < n; i++) {
		if ((rc = fs_vhost_user(v[i].name, v[i].readonly, &v[i].vhost_fd, e)) != 0)
			return (err_wrap(e, "disk '%s'", v[i].name));
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			return (err_sys(e, errno, "socketpair"));
		v[i].broker_fd = pair[0];
		s[i] = pair[1];
	}
	return (0);
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int
volume_broker(struct volume_link *v, unsigned n, struct err *e)
{
	int s[LINKS_MAX], rc;

	if (n > LINKS_MAX)
		return (err_set(e, EINVAL, "more than %d volumes", LINKS_MAX));
	for (unsigned i = 0; i < n; i++)
		s[i] = v[i].vhost_fd = v[i].broker_fd = -1;
	if ((rc = connect_all(v, s, n, e)) == 0 && n > 0)
		rc = broker_start("vmx-broker", s, n, broker_main, v, e);
	for (unsigned i = 0; i < n; i++) {
		close_one(&s[i]);
		if (rc != 0) {
			close_one(&v[i].vhost_fd);
			close_one(&v[i].broker_fd);
		}
	}
	return (rc);
}
