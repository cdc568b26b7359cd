/* SPDX-License-Identifier: MIT */
/* zpool scrub, resilver: start a scan, stop, pause it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "zpool_impl.h"

struct scrub_opts {
	bool stop, pause, wait;
};

static int
scrub_one(const char *pool, void *arg)
{
	const struct scrub_opts *o = arg;
	struct nvlist *in = must_nv();
	struct err e = ERR_INIT;
	int rc;

	must(nv_add_str(in, "history", zpool_command_line()));
	if (o->stop || o->pause)
		must(nv_add_boolean(in, o->stop ? "stop" : "pause"));
	rc = pool_call(pool, "pool.scrub", in, NULL, &e);
	nv_free(in);
	if (rc != 0)
		return (applet_fail_bare(&e, "cannot %s %s", o->stop ? "cancel scrubbing" :
		    o->pause ? "pause scrubbing" : "scrub", pool));
	return (o->wait ? zpool_wait_for(pool, "scrub") : 0);
}

int
zpool_scrub(int argc, char **argv)
{
	struct scrub_opts o = {false, false, false};
	int c;

	while ((c = applet_getopt(argc, argv, "spw")) != -1) {
		if (c == '?')
			return (2);
		o.stop = o.stop || c == 's';
		o.pause = o.pause || c == 'p';
		o.wait = o.wait || c == 'w';
	}
	if (o.stop && o.pause)
		return (applet_usage("invalid option combination: -s and -p are mutually exclusive"));
	if (o.wait && (o.stop || o.pause))
		return (applet_usage("invalid option combination: -w cannot be used with -p or -s"));
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	return (zpool_each(argc - optind, argv + optind, scrub_one, &o, NULL));
}

static int
resilver_one(const char *pool, void *arg)
{
	struct nvlist *in = must_nv();
	struct err e = ERR_INIT;
	int rc;

	(void)arg;
	must(nv_add_str(in, "history", zpool_command_line()));
	rc = pool_call(pool, "pool.resilver", in, NULL, &e);
	nv_free(in);
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot resilver %s", pool));
}

int
zpool_resilver(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	return (zpool_each(argc - optind, argv + optind, resilver_one, NULL, NULL));
}
