/* SPDX-License-Identifier: MIT */
/*
 * zpool status: the devices of a pool, their states and error counts; and how vdevs are named.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "zpool_impl.h"

enum { NAME_WIDTH_MIN = 10 };

/* Words of the pool's "scan" object: docs/zfs-format.md, "Scan". */
enum { SCAN_FUNC, SCAN_STATE, SCAN_START = 7, SCAN_END, SCAN_TO_EXAMINE, SCAN_EXAMINED,
	SCAN_PROCESSED = 12, SCAN_ERRORS };
enum { FUNC_SCRUB = 1, FUNC_RESILVER = 2, STATE_SCANNING = 1, STATE_FINISHED = 2,
	STATE_CANCELED = 3 };

struct status_opts {
	bool raw, full, only_bad;
	size_t shown;
	int argc;
	char **argv;
};

const char *
zpool_vdev_name(const struct nvlist *node, bool full)
{
	const char *name = nv_str_or(node, "path", nv_str_or(node, "name", "")), *slash;

	if (full || strcmp(nv_str_or(node, "type", ""), "disk") != 0)
		return (name);
	slash = strrchr(name, '/');
	return (slash != NULL ? slash + 1 : name);
}

void
zpool_children(const struct nvlist *node, struct nvlist ***child, size_t *n)
{
	*n = 0;
	*child = NULL;
	(void)nv_get_nvlist_array(node, "children", child, n);
}

size_t
zpool_tree_width(const struct nvlist *node, size_t depth, bool full)
{
	size_t n, width = strlen(zpool_vdev_name(node, full)) + depth;
	struct nvlist **child;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++) {
		size_t w = zpool_tree_width(child[i], depth + 2, full);

		if (w > width)
			width = w;
	}
	return (width);
}

static void
print_count(const struct status_opts *o, uint64_t n)
{
	char text[32];

	if (o->raw)
		(void)snprintf(text, sizeof(text), "%" PRIu64, n);
	else
		units_format_count(text, sizeof(text), n);
	(void)printf(" %5s", text);
}

static void
print_node(const struct status_opts *o, const struct nvlist *node, size_t width, size_t depth)
{
	const char *why = nv_str_or(node, "why", NULL);
	struct nvlist **child;
	size_t n;

	(void)printf("\t%*s%-*s  %-8s", (int)depth, "", (int)(width - depth),
	    zpool_vdev_name(node, o->full), nv_str_or(node, "state", ""));
	print_count(o, nv_u64_or(node, "read", 0));
	print_count(o, nv_u64_or(node, "write", 0));
	print_count(o, nv_u64_or(node, "cksum", 0));
	if (why != NULL && depth != 0)
		(void)printf("  %s", why);
	(void)printf("\n");
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		print_node(o, child[i], width, depth + 2);
}

static void
print_config(const struct status_opts *o, const struct nvlist *tree)
{
	size_t width = zpool_tree_width(tree, 0, o->full);

	if (width < NAME_WIDTH_MIN)
		width = NAME_WIDTH_MIN;
	(void)printf("config:\n\n\t%-*s  %-8s %5s %5s %5s\n", (int)width, "NAME", "STATE", "READ",
	    "WRITE", "CKSUM");
	print_node(o, tree, width, 0);
}

static void
print_running(const uint64_t *w)
{
	char when[64] = "", done[32], seen[32], all[32];
	time_t start = (time_t)w[SCAN_START];
	struct tm tm;
	double percent = w[SCAN_TO_EXAMINE] == 0 ? 100 : 100.0 * (double)w[SCAN_EXAMINED] /
	    (double)w[SCAN_TO_EXAMINE];

	if (localtime_r(&start, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	units_format_size(done, sizeof(done), w[SCAN_PROCESSED]);
	units_format_size(seen, sizeof(seen), w[SCAN_EXAMINED]);
	units_format_size(all, sizeof(all), w[SCAN_TO_EXAMINE]);
	(void)printf("  scan: scrub in progress since %s\n\t%s scanned, %s total\n"
	    "\t%s repaired, %.2f%% done\n", when, seen, all, done, percent > 100 ? 100 : percent);
}

static void
print_scan(const struct nvlist *status)
{
	const uint64_t *w;
	char when[64] = "", done[32];
	size_t n;
	uint64_t took;
	time_t end;
	struct tm tm;

	if (nv_get_u64_array(status, "scan", &w, &n) != 0 || n <= SCAN_ERRORS)
		return;
	if (w[SCAN_STATE] == STATE_SCANNING && w[SCAN_FUNC] == FUNC_SCRUB) {
		print_running(w);
		return;
	}
	if (w[SCAN_STATE] != STATE_FINISHED || w[SCAN_END] < w[SCAN_START] ||
	    (w[SCAN_FUNC] != FUNC_SCRUB && w[SCAN_FUNC] != FUNC_RESILVER))
		return;
	end = (time_t)w[SCAN_END];
	took = w[SCAN_END] - w[SCAN_START];
	if (localtime_r(&end, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	units_format_size(done, sizeof(done), w[SCAN_PROCESSED]);
	(void)printf("  scan: %s %s in ", w[SCAN_FUNC] == FUNC_SCRUB ? "scrub repaired" : "resilvered",
	    done);
	if (took >= 86400)
		(void)printf("%" PRIu64 " days ", took / 86400);
	(void)printf("%02u:%02u:%02u with %" PRIu64 " errors on %s\n",
	    (unsigned)(took % 86400 / 3600), (unsigned)(took % 3600 / 60), (unsigned)(took % 60),
	    w[SCAN_ERRORS], when);
}

static uint64_t
count_errors(const struct nvlist *node)
{
	uint64_t sum = nv_u64_or(node, "read", 0) + nv_u64_or(node, "write", 0) +
	    nv_u64_or(node, "cksum", 0);
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		sum += count_errors(child[i]);
	return (sum);
}

/* What is wrong and what to do about it; nothing when all is well. */
static void
print_advice(const struct nvlist *status, const struct nvlist *tree)
{
	const char *state = nv_str_or(status, "state", "");

	if (strcmp(state, "SUSPENDED") == 0)
		(void)printf("status: Writing failed on too many devices; nothing is written any more.\n"
		    "action: Bring the devices back, then import the pool again.\n");
	else if (strcmp(state, "ONLINE") != 0)
		(void)printf("status: Devices are missing or damaged. The pool works with what is left.\n"
		    "action: Bring the missing devices back, then export and import the pool.\n");
	else if (count_errors(tree) != 0)
		(void)printf("status: Devices gave errors. What could be repaired was repaired.\n"
		    "action: Look at the devices with errors; replace them if the counts grow.\n");
}

static bool
is_healthy(const struct nvlist *status, const struct nvlist *tree)
{
	return (strcmp(nv_str_or(status, "state", ""), "ONLINE") == 0 && count_errors(tree) == 0);
}

static void
print_lost(uint64_t lost)
{
	if (lost == 0)
		(void)printf("\nerrors: No known data errors\n");
	else
		(void)printf("\nerrors: %" PRIu64 " data errors\n", lost);
}

static void
print_status(const struct status_opts *o, const struct nvlist *status, const struct nvlist *tree)
{
	if (o->shown != 0)
		(void)printf("\n");
	(void)printf("  pool: %s\n", nv_str_or(status, "name", ""));
	(void)printf(" state: %s\n", nv_str_or(status, "state", ""));
	print_advice(status, tree);
	print_scan(status);
	print_config(o, tree);
	print_lost(nv_u64_or(status, "lost", 0));
}

static int
status_pool(const char *pool, void *arg)
{
	struct status_opts *o = arg;
	struct nvlist *status, *tree;
	struct err e = ERR_INIT;

	if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
		return (applet_fail_bare(&e, "cannot open '%s'", pool));
	if (nv_get_nvlist(status, "tree", &tree) == 0 &&
	    !(o->only_bad && is_healthy(status, tree))) {
		print_status(o, status, tree);
		o->shown++;
	}
	nv_free(status);
	return (0);
}

static int
status_once(void *arg)
{
	struct status_opts *o = arg;
	size_t count;
	int status;

	o->shown = 0;
	status = zpool_each(o->argc, o->argv, status_pool, o, &count);
	if (count == 0)
		(void)applet_fail_bare(NULL, "no pools available");
	else if (o->only_bad && o->shown == 0 && o->argc == 0)
		(void)printf("all pools are healthy\n");
	else if (o->only_bad && o->shown == 0 && status == 0)
		(void)printf("pool '%s' is healthy\n", o->argv[0]);
	return (status);
}

int
zpool_status(int argc, char **argv)
{
	struct status_opts o = {false, false, false, 0, 0, NULL};
	struct zpool_repeat repeat;
	int c;

	while ((c = applet_getopt(argc, argv, "pPvx")) != -1) {
		if (c == '?')
			return (2);
		o.raw = o.raw || c == 'p';
		o.full = o.full || c == 'P';
		o.only_bad = o.only_bad || c == 'x';
	}
	o.argc = argc - optind;
	o.argv = argv + optind;
	zpool_take_repeat(&o.argc, o.argv, &repeat);
	return (zpool_repeat(&repeat, status_once, &o));
}
