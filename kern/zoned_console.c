/* SPDX-License-Identifier: MIT */
/*
 * A zone's console: a terminal whose controlling side the supervisor holds, so that it survives halts
 * and reboots of the zone.
 *
 * Its node is bound to /dev/console in the zone at boot.  Output is read all the time: to the one
 * client that holds the console, or to nobody, so that a zone never waits for a reader.  A client that
 * reads too slowly loses output; it never blocks the supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zoned_impl.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int
console_open(struct console *con, uint32_t id_base, struct err *e)
{
	int unlock = 0;

	con->master = con->slave = con->client = -1;
	if ((con->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) < 0 ||
	    ioctl(con->master, TIOCSPTLCK, &unlock) != 0)
		return (err_sys(e, errno, "console: /dev/ptmx"));
	con->slave = ioctl(con->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (con->slave < 0 || fchown(con->slave, id_base, id_base + 5) != 0 ||
	    fchmod(con->slave, 0620) != 0)
		return (err_sys(e, errno, "console terminal"));
	return (0);
}

static void
drop_client(struct zoned *z)
{
	watch_remove(z->con.client_watch);
	z->con.client_watch = NULL;
	if (z->con.client >= 0)
		(void)close(z->con.client);
	z->con.client = -1;
	z->con.holder = 0;
	zoned_maybe_exit(z);
}

static void
to_client(struct zoned *z, const char *p, size_t n)
{
	if (z->con.client >= 0 &&
	    send(z->con.client, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EPIPE)
		drop_client(z);
}

static void
from_zone(struct loop *l, int fd, unsigned events, void *arg)
{
	struct zoned *z = arg;
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)l;
	(void)events;
	if (n > 0)
		to_client(z, buf, (size_t)n);
}

static void
from_client(struct loop *l, int fd, unsigned events, void *arg)
{
	struct zoned *z = arg;
	char buf[1024];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)l;
	(void)events;
	if (n > 0)
		(void)!write(z->con.master, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		drop_client(z);
}

int
console_watch(struct zoned *z)
{
	z->con.master_watch = loop_fd(z->loop, z->con.master, LOOP_READ, from_zone, z);
	return (z->con.master_watch != NULL ? 0 : -ENOMEM);
}

void
console_notice(struct zoned *z, const char *text)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "\r\n[NOTICE: %s]\r\n", text);

	to_client(z, line, (size_t)n);
}

int
console_attach(struct zoned *z, int stream, pid_t holder, struct err *e)
{
	if (z->con.client >= 0)
		return (err_set(e, EBUSY, "the console is in use by process %d", (int)z->con.holder));
	if ((z->con.client_watch = loop_fd(z->loop, stream, LOOP_READ, from_client, z)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	z->con.client = stream;
	z->con.holder = holder;
	return (0);
}

void
console_close(struct console *con)
{
	int *fds[] = {&con->master, &con->slave, &con->client};

	watch_remove(con->master_watch);
	watch_remove(con->client_watch);
	con->master_watch = con->client_watch = NULL;
	for (size_t i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}
