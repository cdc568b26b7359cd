/* SPDX-License-Identifier: MIT */
/* zpool scrub: start, stop, wait for. */
#include <errno.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "zpool_impl.h"

enum { SCAN_STATE = 1, STATE_SCANNING = 1, POLL_US = 200000 };

struct scrub_opts {
	bool stop, wait;
};

static bool
is_scanning(const char *pool)
{
	struct nvlist *status;
	struct err e = ERR_INIT;
	const uint64_t *w;
	size_t n;
	bool yes;

	if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
		return (false);
	yes = nv_get_u64_array(status, "scan", &w, &n) == 0 && n > SCAN_STATE &&
	    w[SCAN_STATE] == STATE_SCANNING;
	nv_free(status);
	return (yes);
}

static int
scrub_one(const char *pool, void *arg)
{
	const struct scrub_opts *o = arg;
	struct nvlist *in = nv_new();
	struct err e = ERR_INIT;
	int rc;

	must(in == NULL ? -ENOMEM : 0);
	must(nv_add_str(in, "history", zpool_command_line()));
	if (o->stop)
		must(nv_add_boolean(in, "stop"));
	rc = pool_call(pool, "pool.scrub", in, NULL, &e);
	nv_free(in);
	if (rc == -EBUSY)
		return (applet_fail_bare(NULL, "cannot scrub %s: currently scrubbing; use 'zpool scrub -s' "
		    "to cancel current scrub", pool));
	if (rc != 0)
		return (applet_fail_bare(&e, "cannot %s %s", o->stop ? "cancel scrubbing" : "scrub", pool));
	while (o->wait && is_scanning(pool))
		(void)usleep(POLL_US);
	return (0);
}

int
zpool_scrub(int argc, char **argv)
{
	struct scrub_opts o = {false, false};
	int c;

	while ((c = applet_getopt(argc, argv, "sw")) != -1) {
		if (c == '?')
			return (2);
		o.stop = o.stop || c == 's';
		o.wait = o.wait || c == 'w';
	}
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	return (zpool_each(argc - optind, argv + optind, scrub_one, &o, NULL));
}
