/* SPDX-License-Identifier: MIT */
/* zvolexec: run a program that has volumes as vhost-user sockets (QEMU, or another VMM). */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/fs/client.h"

static const char zvolexec_usage[] =
    "usage: zvolexec [-r] VOLUME[=FD]... -- COMMAND [ARGUMENT]...\n"
    "Run a command that has each volume (or snapshot of one) as a connected vhost-user socket, device\n"
    "type block, on descriptor FD; without, on 3, 4 and so on.\n"
    "  -r  the guest may only read\n";

APPLET(zvolexec, "run a program with volumes as vhost-user sockets");

enum { FD_FIRST = 3, FD_LAST = 255 };

/* "tank/v=7": cuts the name off and gives the number, or the default. */
static int
wanted_fd(char *arg, int def)
{
	char *equals = strrchr(arg, '='), *end;
	long n;

	if (equals == NULL)
		return (def);
	n = strtol(equals + 1, &end, 10);
	if (end == equals + 1 || *end != '\0' || n < FD_FIRST || n > FD_LAST)
		return (-1);
	*equals = '\0';
	return ((int)n);
}

/* The socket in place, without close-on-exec.  It comes above all places, so it hides none. */
static int
connect_volume(const char *name, bool readonly, int place)
{
	struct err e = ERR_INIT;
	int fd, high, rc = fs_vhost_user(name, readonly, &fd, &e);

	if (rc != 0)
		return (applet_fail(&e, "cannot connect '%s'", name));
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LAST + 1);
	(void)close(fd);
	if (high < 0 || dup2(high, place) < 0)
		return (applet_fail(NULL, "descriptor %d: %s", place, strerror(errno)));
	(void)close(high);
	return (0);
}

static int
zvolexec_main(int argc, char **argv)
{
	bool readonly = false;
	int c, at, place, next = FD_FIRST;

	while ((c = applet_getopt(argc, argv, "r")) != -1) {
		if (c != 'r')
			return (2);
		readonly = true;
	}
	for (at = optind; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if ((place = wanted_fd(argv[at], next)) < 0)
			return (applet_usage("'%s': the descriptor is 3 to 255", argv[at]));
		if (connect_volume(argv[at], readonly, place) != 0)
			return (1);
		next = place + 1;
	}
	if (at == optind || at + 1 >= argc)
		return (applet_usage(at == optind ? "missing volume" : "missing command"));
	(void)execvp(argv[at + 1], argv + at + 1);
	return (applet_fail(NULL, "cannot run '%s': %s", argv[at + 1], strerror(errno)));
}
