/* SPDX-License-Identifier: MIT */
/* zoned: the supervisor of one zone.  Started by the commands that need one, never by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/kern/zoned.h"
#include "smartbox/machine/machine.h"
#include "smartbox/machine/zone_hooks.h"

static const char zoned_usage[] =
    "usage: zoned FD ZONE\n"
    "Supervise a zone: hold its console, boot and halt it on request, wait for its end.\n"
    "FD is told when the control socket listens, or why it does not.\n"
    "Other commands start it when they need it; it ends by itself.\n";

APPLET_HIDDEN(zoned, "supervise one zone");

/* Standard error is <run>/zone/NAME.log. */
static void
log_line(const char *line, void *ctx)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];

	(void)ctx;
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	(void)fprintf(stderr, "%s %s\n", stamp, line);
}

static int
zoned_main(int argc, char **argv)
{
	struct zone_hooks hooks = {0};
	struct err e = ERR_INIT;
	struct zone_env env;
	struct machine m;
	int fd;

	if (argc != 3)
		return (applet_usage("two arguments are needed"));
	zone_env_init(&env);
	machine_init(&m);
	machine_zone_hooks(&m, &hooks);
	hooks.log = log_line;
	fd = (int)strtol(argv[1], NULL, 10);
	if (zoned_seal_self(&env, argv, &e) != 0 ||
	    zoned_run(&env, argv[2], &hooks, fd, &e) != 0) {
		log_line(e.msg, NULL);
		(void)dprintf(fd, "%s\n", e.msg);
		return (1);
	}
	return (0);
}
