/* SPDX-License-Identifier: MIT */
/*
 * zpool wait: return when nothing is going on in a pool any more.
 *
 * The pool's status is looked at a few times a second. With an interval a line says now and then how
 * many bytes each activity has before it, as far as that is known.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/units.h"
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

static uint64_t
scan_left(const struct nvlist *status, uint64_t func)
{
	const uint64_t *w;
	size_t n;

	if (!is_scanning(status, func) || nv_get_u64_array(status, "scan", &w, &n) != 0)
		return (0);
	return (w[SCAN_TO_EXAMINE] > w[SCAN_EXAMINED] ? w[SCAN_TO_EXAMINE] - w[SCAN_EXAMINED] : 0);
}

/* Of devices that are being worked on: "init" or "trimmed" is state, time, bytes done, bytes in all. */
static uint64_t
work_left(const struct nvlist *node, const char *work, const char *flag)
{
	uint64_t left = 0;
	struct nvlist **child;
	const uint64_t *w;
	size_t n;

	if (nv_has(node, flag) && nv_get_u64_array(node, work, &w, &n) == 0 && n == 4 && w[3] > w[2])
		left = w[3] - w[2];
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		left += work_left(child[i], work, flag);
	return (left);
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

/* What can go on; what is not here is over before the command that began it returns. */
static const char *const activities[] = {"discard", "free", "initialize", "replace", "remove",
    "resilver", "scrub", "trim"};
#define NACTIVITIES (sizeof(activities) / sizeof(activities[0]))

/* Bytes that a removal still has to move, and one for its end; 0: none is going on. */
static uint64_t
removal_left(const struct nvlist *status)
{
	enum { STATE, TO_COPY = 4, COPIED, ACTIVE = 1 };
	const uint64_t *w;
	size_t n;

	if (nv_get_u64_array(status, "removal", &w, &n) != 0 || n <= COPIED || w[STATE] != ACTIVE)
		return (0);
	return (w[TO_COPY] > w[COPIED] ? w[TO_COPY] - w[COPIED] + 1 : 1);
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
	if (strcmp(activity, "remove") == 0)
		return (removal_left(status) != 0);
	if (strcmp(activity, "replace") == 0)
		return (any_below(tree, NULL, "replacing"));
	if (strcmp(activity, "initialize") == 0 || strcmp(activity, "trim") == 0)
		return (any_below(tree, activity, NULL));
	return (false);
}

static uint64_t
bytes_left(const struct nvlist *status, const char *activity)
{
	struct nvlist *tree;

	if (nv_get_nvlist(status, "tree", &tree) != 0)
		return (0);
	if (strcmp(activity, "scrub") == 0)
		return (scan_left(status, FUNC_SCRUB));
	if (strcmp(activity, "resilver") == 0 || (strcmp(activity, "replace") == 0 &&
	    any_below(tree, NULL, "replacing")))
		return (scan_left(status, FUNC_RESILVER));
	if (strcmp(activity, "remove") == 0)
		return (removal_left(status));
	if (strcmp(activity, "initialize") == 0)
		return (work_left(tree, "init", "initialize"));
	return (strcmp(activity, "trim") == 0 ? work_left(tree, "trimmed", "trim") : 0);
}

/* --- the command ------------------------------------------------------------------------------ */

struct wait_opts {
	bool wanted[NACTIVITIES];
	bool scripted, exact;
	char stamp;
	double interval; /* seconds between lines; 0: none */
	unsigned lines;
};

static int
column_width(size_t i)
{
	size_t n = strlen(activities[i]);

	return ((int)(n > 6 ? n : 6) + 2);
}

static void
print_heading(const struct wait_opts *o)
{
	for (size_t i = 0; i < NACTIVITIES; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%s", activities[i]);
		for (char *c = text; *c != '\0'; c++)
			*c = (char)(*c - 'a' + 'A');
		if (o->wanted[i])
			(void)printf("%*s", column_width(i), text);
	}
	(void)printf("\n");
}

static void
print_left(struct wait_opts *o, const struct nvlist *status)
{
	bool first = true;
	char text[32];

	if (o->lines++ == 0 && !o->scripted)
		print_heading(o);
	zpool_print_stamp(o->stamp);
	for (size_t i = 0; i < NACTIVITIES; i++) {
		uint64_t left = bytes_left(status, activities[i]);

		if (!o->wanted[i])
			continue;
		if (o->exact)
			(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)left);
		else
			units_format_count(text, sizeof(text), left);
		if (o->scripted)
			(void)printf("%s%s", first ? "" : "\t", text);
		else
			(void)printf(" %*s", column_width(i) - 1, text);
		first = false;
	}
	(void)printf("\n");
	(void)fflush(stdout);
}

static double
seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* All that is wanted must be over in one and the same look. */
static int
wait_all(const char *pool, struct wait_opts *o)
{
	double printed = 0;

	for (;;) {
		struct nvlist *status;
		struct err e = ERR_INIT;
		bool more = false;

		if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
			return (applet_fail_bare(&e, "cannot open '%s'", pool));
		for (size_t i = 0; i < NACTIVITIES; i++)
			more = more || (o->wanted[i] && goes_on(status, activities[i]));
		if (o->interval > 0 && (!more || seconds_now() - printed >= o->interval)) {
			print_left(o, status);
			printed = seconds_now();
		}
		nv_free(status);
		if (!more)
			return (0);
		(void)usleep(POLL_US);
	}
}

int
zpool_wait_for(const char *pool, const char *activity)
{
	struct wait_opts o = {.scripted = true};

	for (size_t i = 0; i < NACTIVITIES; i++)
		o.wanted[i] = strcmp(activities[i], activity) == 0;
	return (wait_all(pool, &o));
}

/* Cuts `list` in pieces. */
static int
pick_activities(char *list, bool wanted[NACTIVITIES])
{
	char *save;

	memset(wanted, 0, NACTIVITIES * sizeof(*wanted));
	for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < NACTIVITIES && strcmp(activities[i], w) != 0)
			i++;
		if (i == NACTIVITIES)
			return (applet_usage("invalid activity '%s'", w));
		wanted[i] = true;
	}
	return (0);
}

int
zpool_wait(int argc, char **argv)
{
	struct wait_opts o = {.scripted = false};
	struct zpool_repeat repeat;
	int c, n, status = 0;

	memset(o.wanted, 1, sizeof(o.wanted));
	while (status == 0 && (c = applet_getopt(argc, argv, "HT:pt:")) != -1) {
		o.scripted = o.scripted || c == 'H';
		o.exact = o.exact || c == 'p';
		if (c == '?')
			status = 2;
		else if (c == 't')
			status = pick_activities(optarg, o.wanted);
		else if (c == 'T')
			status = zpool_take_stamp(optarg, &o.stamp);
	}
	if (status != 0)
		return (status);
	n = argc - optind;
	if ((status = zpool_take_repeat(&n, argv + optind, &repeat)) != 0)
		return (status);
	o.interval = repeat.interval;
	if (n < 1)
		return (applet_usage("missing 'pool' argument"));
	if (n > 1 || repeat.count != 0)
		return (applet_usage("too many arguments"));
	return (wait_all(argv[optind], &o));
}
