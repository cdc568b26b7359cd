/* SPDX-License-Identifier: MIT */
/*
 * poold: the process that owns one imported pool.  zpool create and zpool import start it; it is
 * no command for people.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/pool_server.h"

static const char poold_usage[] =
    "usage: poold\n"
    "       poold -r POOL\n"
    "Serve one pool: create or import it as the request on standard input says (a socket), mount\n"
    "its filesystems and answer zfs and zpool until it is exported.  Started by zpool.\n"
    "  -r POOL  let this program take over from the poold that serves POOL; who uses its files waits\n"
    "           a moment\n"
    "  -k FD    go on as the keeper of an older poold (started by that one); with -n: only say by the\n"
    "           exit status whether this program could\n"
    "A SIGTERM exports the pool; a SIGHUP restarts its server.\n";

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
start(void)
{
	struct nvlist *request;
	struct err e = ERR_INIT;
	int rc, fd;

	if (isatty(STDIN_FILENO))
		return (applet_usage("started by zpool, not by hand"));
	detach();
	if (pool_server_request(STDIN_FILENO, &request, &e) != 0)
		return (applet_fail(&e, "cannot read the request"));
	if ((fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) < 0 || freopen("/dev/null", "r", stdin) == NULL)
		return (applet_fail(NULL, "cannot open /dev/null"));
	rc = pool_keeper_run(request, fd, &e);
	nv_free(request);
	return (rc == 0 ? 0 : applet_fail_plain(&e));
}

static int
restart(const char *pool)
{
	struct nvlist *args = nv_new();
	struct err e = ERR_INIT;
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int rc;

	exe[n > 0 ? n : 0] = '\0';
	if (args == NULL || nv_add_str(args, "exe", exe) != 0)
		rc = err_set(&e, ENOMEM, "out of memory");
	else
		rc = pool_call(pool, "server.restart", args, NULL, &e);
	nv_free(args);
	return (rc == 0 ? 0 : applet_fail(&e, "cannot restart the server of '%s'", pool));
}

static int
go_on(const char *text, bool only_check)
{
	struct err e = ERR_INIT;
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || fd < 3 || fd > INT_MAX)
		return (applet_usage("'%s' is no descriptor", text));
	if ((only_check ? pool_keeper_check((int)fd, &e) : pool_keeper_go_on((int)fd, &e)) != 0)
		return (applet_fail_plain(&e));
	return (0);
}

static int
poold_main(int argc, char **argv)
{
	const char *pool = NULL, *fd = NULL;
	bool only_check = false;
	int c;

	while ((c = applet_getopt(argc, argv, "r:k:n")) != -1) {
		switch (c) {
		case 'r':
			pool = optarg;
			break;
		case 'k':
			fd = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		default:
			return (2);
		}
	}
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	if (fd != NULL)
		return (go_on(fd, only_check));
	return (pool != NULL ? restart(pool) : start());
}
