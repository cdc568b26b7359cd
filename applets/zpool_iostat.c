/* SPDX-License-Identifier: MIT */
/*
 * zpool iostat: how much is read and written, per pool or device.
 *
 * A round asks each pool for its counters; what is shown is the difference to the round before, per
 * second, and in the first round (unless -y) the average since the import.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "zpool_impl.h"

enum { NAME_WIDTH_MIN = 10, COUNTERS = 4, NODES_MAX = 4096 };
static const char *const counters[COUNTERS] = {"ops_read", "ops_write", "bytes_read", "bytes_write"};

struct before {
	uint64_t guid, value[COUNTERS];
};

struct iostat_opts {
	bool scripted, raw, verbose, skip_first, once_headed, headed;
	unsigned names; /* ZPOOL_NAME_... */
	char stamp;
	int argc;
	char **argv;
	struct before *before;
	size_t nbefore;
	double last, passed; /* seconds */
	size_t width;
	unsigned round;
};

static double
seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* Remember the counters of this device; what they were is returned (zeros: not seen before). */
static struct before
exchange(struct iostat_opts *o, const struct nvlist *node)
{
	uint64_t guid = nv_u64_or(node, "guid", 0);
	struct before old = {.guid = guid}, *b = NULL;

	for (size_t i = 0; i < o->nbefore && b == NULL; i++)
		if (o->before[i].guid == guid)
			b = &o->before[i];
	if (b == NULL && o->nbefore < NODES_MAX) {
		b = &o->before[o->nbefore++];
		*b = (struct before){.guid = guid};
	}
	if (b == NULL)
		return (old);
	old = *b;
	for (int i = 0; i < COUNTERS; i++)
		b->value[i] = nv_u64_or(node, counters[i], 0);
	return (old);
}

static void
print_cell(const struct iostat_opts *o, uint64_t v, bool known)
{
	char text[32] = "-";

	if (known && o->raw)
		(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	else if (known)
		units_format_count(text, sizeof(text), v);
	(void)printf(o->scripted ? "\t%s" : "  %5s", text);
}

static void
print_line(struct iostat_opts *o, const struct nvlist *node, const char *name, size_t depth,
    uint64_t size, uint64_t alloc)
{
	struct before old = exchange(o, node);
	double passed = o->passed > 0 ? o->passed : 1;

	if (o->scripted)
		(void)printf("%s", name);
	else
		(void)printf("%*s%-*s", (int)depth, "", (int)(o->width - depth), name);
	print_cell(o, alloc, size != 0);
	print_cell(o, size - alloc, size != 0);
	for (int i = 0; i < COUNTERS; i++) {
		uint64_t now = nv_u64_or(node, counters[i], 0);

		now = now >= old.value[i] ? now - old.value[i] : 0;
		print_cell(o, (uint64_t)((double)now / passed), true);
	}
	(void)printf("\n");
}

static void
add_up(const struct nvlist *tree, uint64_t *size, uint64_t *alloc)
{
	struct nvlist **child;
	size_t n;

	zpool_children(tree, &child, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(nv_str_or(child[i], "class", ""), "log") == 0)
			continue;
		*size += nv_u64_or(child[i], "size", 0);
		*alloc += nv_u64_or(child[i], "alloc", 0);
	}
}

static void print_device(struct iostat_opts *o, const struct nvlist *node, size_t depth);

static void
print_devices(struct iostat_opts *o, const struct nvlist *node, size_t depth)
{
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		print_device(o, child[i], depth);
}

static void
print_device(struct iostat_opts *o, const struct nvlist *node, size_t depth)
{
	print_line(o, node, zpool_vdev_name(node, o->names), depth, nv_u64_or(node, "size", 0),
	    nv_u64_or(node, "alloc", 0));
	print_devices(o, node, depth + 2);
}

static void
print_title(const struct iostat_opts *o, const char *title)
{
	if (o->scripted)
		(void)printf("%s", title);
	else
		(void)printf("%-*s", (int)o->width, title);
	for (int i = 0; i < 2 + COUNTERS; i++)
		print_cell(o, 0, false);
	(void)printf("\n");
}

/* What is for data first, then each other class with its title. */
static void
print_classes(struct iostat_opts *o, const struct nvlist *status, const struct nvlist *tree)
{
	static const char *const classes[][2] = {{"", ""}, {"dedup", "dedup"}, {"special", "special"},
	    {"log", "logs"}};
	struct nvlist **child;
	size_t n;

	zpool_children(tree, &child, &n);
	for (int c = 0; c < 4; c++) {
		bool titled = c == 0;

		for (size_t i = 0; i < n; i++) {
			if (!zpool_is_shown(child[i], classes[c][0]))
				continue;
			if (!titled)
				print_title(o, classes[c][1]);
			titled = true;
			print_device(o, child[i], 2);
		}
	}
	if (nv_get_nvlist_array(status, "l2cache", &child, &n) != 0)
		return;
	print_title(o, "cache");
	for (size_t i = 0; i < n; i++)
		print_device(o, child[i], 2);
}

static void
print_rule(const struct iostat_opts *o)
{
	for (size_t i = 0; i < o->width; i++)
		(void)printf("-");
	for (int i = 0; i < 2 + COUNTERS; i++)
		(void)printf("  -----");
	(void)printf("\n");
}

static void
print_heading(struct iostat_opts *o)
{
	if (o->scripted || (o->once_headed && o->headed))
		return;
	o->headed = true;
	(void)printf("%*s  %12s  %12s  %12s\n", (int)o->width, "", "capacity  ", "operations ", "bandwidth ");
	(void)printf("%-*s  %5s  %5s  %5s  %5s  %5s  %5s\n", (int)o->width, "pool", "alloc", "free",
	    "read", "write", "read", "write");
	print_rule(o);
}

static int
iostat_pool(const char *pool, void *arg)
{
	struct iostat_opts *o = arg;
	uint64_t size = 0, alloc = 0;
	struct nvlist *status, *tree;
	struct err e = ERR_INIT;
	size_t width;

	if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
		return (applet_fail_bare(&e, "cannot open '%s'", pool));
	if (nv_get_nvlist(status, "tree", &tree) == 0) {
		width = o->verbose ? zpool_status_width(status, o->names) : strlen(pool);
		o->width = width > o->width ? width : o->width;
		if (o->round == 0)
			o->passed = (double)nv_u64_or(status, "age", 1);
		print_heading(o);
		add_up(tree, &size, &alloc);
		print_line(o, tree, pool, 0, size, alloc);
		if (o->verbose) {
			print_classes(o, status, tree);
			if (!o->scripted)
				print_rule(o);
		}
	}
	nv_free(status);
	return (0);
}

static int
iostat_once(void *arg)
{
	struct iostat_opts *o = arg;
	double now = seconds_now();
	size_t count;
	int rc;

	o->passed = now - o->last;
	o->last = now;
	zpool_print_stamp(o->stamp);
	if ((rc = zpool_each(o->argc, o->argv, iostat_pool, o, &count)) == 0 && count == 0)
		rc = applet_fail_bare(NULL, "no pools available");
	o->round++;
	return (rc);
}

/* The counters as they are, without a line. */
static void
prime(struct iostat_opts *o, const struct nvlist *node)
{
	struct nvlist **child;
	size_t n;

	(void)exchange(o, node);
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		prime(o, child[i]);
}

static int
prime_pool(const char *pool, void *arg)
{
	struct nvlist *status, *tree;

	if (pool_call(pool, "pool.status", NULL, &status, NULL) != 0)
		return (0); /* the first round will tell */
	if (nv_get_nvlist(status, "tree", &tree) == 0)
		prime(arg, tree);
	nv_free(status);
	return (0);
}

static void
skip_round(struct iostat_opts *o, double interval)
{
	(void)zpool_each(o->argc, o->argv, prime_pool, o, NULL);
	o->last = seconds_now();
	o->round = 1;
	(void)usleep((useconds_t)(interval * 1e6));
}

int
zpool_iostat(int argc, char **argv)
{
	struct iostat_opts o = {.width = NAME_WIDTH_MIN};
	struct zpool_repeat repeat;
	int c, status;

	while ((c = applet_getopt(argc, argv, "gHLnpPT:vy")) != -1) {
		if (c == '?')
			return (2);
		o.scripted = o.scripted || c == 'H';
		o.raw = o.raw || c == 'p';
		o.names |= zpool_name_option(c);
		o.verbose = o.verbose || c == 'v';
		o.skip_first = o.skip_first || c == 'y';
		o.once_headed = o.once_headed || c == 'n';
		if (c == 'T' && zpool_take_stamp(optarg, &o.stamp) != 0)
			return (2);
	}
	o.argc = argc - optind;
	o.argv = argv + optind;
	if ((status = zpool_take_repeat(&o.argc, o.argv, &repeat)) != 0)
		return (status);
	o.before = calloc(NODES_MAX, sizeof(*o.before));
	must(o.before == NULL ? -1 : 0);
	if (o.skip_first && repeat.interval > 0)
		skip_round(&o, repeat.interval);
	status = zpool_repeat(&repeat, iostat_once, &o);
	free(o.before);
	return (status);
}
