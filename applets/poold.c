/* SPDX-License-Identifier: MIT */
/*
 * poold: the process that owns one imported pool.  zpool create and zpool import start it; it is
 * no command for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/fs/pool_server.h"

static const char poold_usage[] =
    "usage: poold\n"
    "Serve one pool: create or import it as the request on standard input says (a socket), mount\n"
    "its filesystems and answer zfs and zpool until it is exported.  Started by zpool.\n"
    "A SIGTERM exports the pool.\n";

APPLET_HIDDEN(poold, "serve one imported pool");

/* Be nobody's child, so that the starter may end. */
static void
detach(void)
{
	pid_t pid = fork();

	if (pid != 0)
		_exit(pid < 0);
	(void)setsid();
	(void)!chdir("/");
}

static int
poold_main(int argc, char **argv)
{
	struct nvlist *request;
	struct err e = ERR_INIT;
	int rc, fd;

	if (argc > 1)
		return (applet_usage("unexpected argument '%s'", argv[1]));
	if (isatty(STDIN_FILENO))
		return (applet_usage("started by zpool, not by hand"));
	detach();
	if (pool_server_request(STDIN_FILENO, &request, &e) != 0)
		return (applet_fail(&e, "cannot read the request"));
	if ((fd = dup(STDIN_FILENO)) < 0 || freopen("/dev/null", "r", stdin) == NULL)
		return (applet_fail(NULL, "cannot open /dev/null"));
	rc = pool_server_run(request, fd, &e);
	nv_free(request);
	return (rc == 0 ? 0 : applet_fail_plain(&e));
}
