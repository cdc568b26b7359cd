/* SPDX-License-Identifier: MIT */
/* zpool scrub, resilver, wait: start a scan, stop, pause it; wait for what goes on in a pool. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "zpool_impl.h"

enum { POLL_US = 200000 };

/* --- what goes on ----------------------------------------------------------------------------- */

static bool
is_scanning(const struct nvlist *status, uint64_t func)
{
	const uint64_t *w;
	size_t n;

	return (nv_get_u64_array(status, "scan", &w, &n) == 0 && n == SCAN_FIELDS &&
	    w[SCAN_STATE] == STATE_SCANNING && w[SCAN_FUNC] == func && w[SCAN_PAUSED] == 0);
}

/* A device below that says so (a flag), or is of this type. */
static bool
any_below(const struct nvlist *node, const char *flag, const char *type)
{
	struct nvlist **child;
	size_t n;

	if ((flag != NULL && nv_has(node, flag)) ||
	    (type != NULL && strcmp(nv_str_or(node, "type", ""), type) == 0))
		return (true);
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		if (any_below(child[i], flag, type))
			return (true);
	return (false);
}

static bool
goes_on(const struct nvlist *status, const char *activity)
{
	struct nvlist *tree;

	if (nv_get_nvlist(status, "tree", &tree) != 0)
		return (false);
	if (strcmp(activity, "scrub") == 0)
		return (is_scanning(status, FUNC_SCRUB));
	if (strcmp(activity, "resilver") == 0)
		return (is_scanning(status, FUNC_RESILVER) || any_below(tree, "stale", NULL));
	if (strcmp(activity, "replace") == 0)
		return (any_below(tree, NULL, "replacing"));
	if (strcmp(activity, "initialize") == 0 || strcmp(activity, "trim") == 0)
		return (any_below(tree, activity, NULL));
	return (false); /* done before the command that began it returned */
}

int
zpool_wait_for(const char *pool, const char *activity)
{
	for (;;) {
		struct nvlist *status;
		struct err e = ERR_INIT;
		bool yes;

		if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
			return (applet_fail_bare(&e, "cannot open '%s'", pool));
		yes = goes_on(status, activity);
		nv_free(status);
		if (!yes)
			return (0);
		(void)usleep(POLL_US);
	}
}

static const char *const activities[] = {"discard", "free", "initialize", "replace", "remove",
    "resilver", "scrub", "trim"};
#define NACTIVITIES (sizeof(activities) / sizeof(activities[0]))

static bool
is_activity(const char *word)
{
	for (size_t i = 0; i < NACTIVITIES; i++)
		if (strcmp(activities[i], word) == 0)
			return (true);
	return (false);
}

/* Cuts `list` in pieces; wanted[i] of those named. */
static int
pick_activities(char *list, bool wanted[NACTIVITIES])
{
	char *save;

	for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		if (!is_activity(w))
			return (applet_usage("invalid activity '%s'", w));
		for (size_t i = 0; i < NACTIVITIES; i++)
			wanted[i] = wanted[i] || strcmp(activities[i], w) == 0;
	}
	return (0);
}

int
zpool_wait(int argc, char **argv)
{
	bool wanted[NACTIVITIES] = {false}, all = true;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "Ht:T:p")) != -1) {
		if (c == '?')
			return (2);
		if (c == 't') {
			all = false;
			if ((status = pick_activities(optarg, wanted)) != 0)
				return (status);
		}
	}
	if (optind >= argc)
		return (applet_usage("missing 'pool' argument"));
	for (size_t i = 0; i < NACTIVITIES && status == 0; i++)
		if (all || wanted[i])
			status = zpool_wait_for(argv[optind], activities[i]);
	return (status);
}

/* --- scrub, resilver -------------------------------------------------------------------------- */

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
