/* SPDX-License-Identifier: MIT */
/*
 * zpool status: the devices of a pool, their states and error counts.
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

struct status_opts {
	unsigned names; /* ZPOOL_NAME_... */
	bool raw, only_bad, verbose, slow;
	bool init, trim, only_errors, dedup;
	char stamp; /* 'd', 'u': print the time before each round */
	size_t shown;
	int argc;
	char **argv;
};

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
date(uint64_t seconds, char buf[64])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	buf[0] = '\0';
	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(buf, 64, "%a %b %e %H:%M:%S %Y", &tm);
}

/* How far a work over the free space of a leaf is; what runs is always shown. */
static void
print_work(const struct nvlist *node, const char *name, const char *done, bool asked)
{
	enum { ACTIVE = 1, CANCELED = 2, SUSPENDED = 3, COMPLETE = 4 };
	const uint64_t *w;
	char when[64];
	size_t n;

	if (nv_get_u64_array(node, name, &w, &n) == 0 && n == 4 && w[0] != CANCELED &&
	    (asked || w[0] == ACTIVE)) {
		date(w[1], when);
		(void)printf("  (%" PRIu64 "%% %s, %s %s)", w[0] == COMPLETE ? 100 :
		    w[2] >= w[3] ? 99 : w[2] * 100 / (w[3] + 1), done, w[0] == COMPLETE ? "completed at" :
		    w[0] == SUSPENDED ? "suspended, started at" : "started at", when);
	} else if (asked) {
		(void)printf("  (un%s)", done);
	}
}

/* -e: those with errors, and what leads there. */
static bool
is_in_error(const struct nvlist *node)
{
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		if (is_in_error(child[i]))
			return (true);
	return (strcmp(nv_str_or(node, "state", ""), "ONLINE") != 0 || nv_u64_or(node, "read", 0) != 0 ||
	    nv_u64_or(node, "write", 0) != 0 || nv_u64_or(node, "cksum", 0) != 0);
}

static void
print_node(const struct status_opts *o, const struct nvlist *node, size_t width, size_t depth)
{
	const char *why = nv_str_or(node, "why", NULL);
	struct nvlist **child;
	size_t n;

	if (o->only_errors && depth != 0 && !is_in_error(node))
		return;
	(void)printf("\t%*s%-*s  %-8s", (int)depth, "", (int)(width - depth),
	    zpool_vdev_name(node, depth == 0 ? 0 : o->names), nv_str_or(node, "state", ""));
	print_count(o, nv_u64_or(node, "read", 0));
	print_count(o, nv_u64_or(node, "write", 0));
	print_count(o, nv_u64_or(node, "cksum", 0));
	zpool_children(node, &child, &n);
	if (o->slow && depth != 0 && n == 0)
		(void)printf("  %4u", 0u); /* nothing is ever waited for so long that it is counted */
	else if (o->slow)
		(void)printf("  %4s", "-");
	if (why != NULL && depth != 0)
		(void)printf("  %s", why);
	if (nv_has(node, "resilvering"))
		(void)printf("  (resilvering)");
	else if (nv_has(node, "stale"))
		(void)printf("  (awaiting resilver)");
	if (depth != 0 && n == 0) {
		print_work(node, "init", "initialized", o->init);
		print_work(node, "trimmed", "trimmed", o->trim);
	}
	(void)printf("\n");
	for (size_t i = 0; i < n; i++)
		if (depth != 0 || zpool_is_shown(child[i], ""))
			print_node(o, child[i], width, depth + 2);
}

static void
print_class(const struct status_opts *o, const struct nvlist *tree, const char *class,
    const char *title, size_t width)
{
	struct nvlist **child;
	bool titled = false;
	size_t n;

	zpool_children(tree, &child, &n);
	for (size_t i = 0; i < n; i++) {
		if (!zpool_is_shown(child[i], class))
			continue;
		if (!titled)
			(void)printf("\t%s\n", title);
		titled = true;
		print_node(o, child[i], width, 2);
	}
}

static void
print_aux(const struct status_opts *o, const struct nvlist *status, const char *list,
    const char *title, size_t width)
{
	struct nvlist **v;
	size_t n;

	if (nv_get_nvlist_array(status, list, &v, &n) != 0 || n == 0)
		return;
	(void)printf("\t%s\n", title);
	for (size_t i = 0; i < n; i++) {
		const char *state = nv_str_or(v[i], "state", "");

		(void)printf("\t  %-*s  %-8s", (int)(width - 2), zpool_vdev_name(v[i], o->names), state);
		if (strcmp(list, "l2cache") == 0) {
			print_count(o, nv_u64_or(v[i], "read", 0));
			print_count(o, nv_u64_or(v[i], "write", 0));
			print_count(o, nv_u64_or(v[i], "cksum", 0));
		}
		(void)printf("%s\n", strcmp(state, "INUSE") == 0 ? "  currently in use" : "");
	}
}

static void
print_config(const struct status_opts *o, const struct nvlist *status, const struct nvlist *tree)
{
	size_t width = zpool_status_width(status, o->names);

	if (width < NAME_WIDTH_MIN)
		width = NAME_WIDTH_MIN;
	(void)printf("config:\n\n\t%-*s  %-8s %5s %5s %5s%s\n", (int)width, "NAME", "STATE", "READ",
	    "WRITE", "CKSUM", o->slow ? "  SLOW" : "");
	print_node(o, tree, width, 0);
	print_class(o, tree, "dedup", "dedup", width);
	print_class(o, tree, "special", "special", width);
	print_class(o, tree, "log", "logs", width);
	print_aux(o, status, "l2cache", "cache", width);
	print_aux(o, status, "spares", "spares", width);
}

/* --- scans ------------------------------------------------------------------------------------ */

static void
print_span(uint64_t seconds)
{
	if (seconds >= 86400)
		(void)printf("%" PRIu64 " days ", seconds / 86400);
	(void)printf("%02u:%02u:%02u", (unsigned)(seconds % 86400 / 3600),
	    (unsigned)(seconds % 3600 / 60), (unsigned)(seconds % 60));
}

static void
print_size(uint64_t bytes, const char *after)
{
	char text[32];

	units_format_size(text, sizeof(text), bytes);
	(void)printf("%s%s", text, after);
}

/* We issue what we examine: the same number twice, as scripts expect two. */
static void
print_progress(const uint64_t *w, bool with_rate)
{
	uint64_t passed = w[SCAN_NOW] > w[SCAN_PASS_START] ? w[SCAN_NOW] - w[SCAN_PASS_START] : 1;
	uint64_t rate = (w[SCAN_EXAMINED] - w[SCAN_PASS_EXAMINED]) / passed;

	for (int i = 0; i < 2; i++) {
		print_size(w[SCAN_EXAMINED], i == 0 ? " scanned" : " issued");
		if (with_rate)
			(void)printf(" at ");
		if (with_rate)
			print_size(rate, "/s");
		(void)printf(", ");
	}
	print_size(w[SCAN_TO_EXAMINE], " total\n\t");
	print_size(w[SCAN_REPAIRED], w[SCAN_FUNC] == FUNC_SCRUB ? " repaired" : " resilvered");
	(void)printf(", %.2f%% done", w[SCAN_TO_EXAMINE] <= w[SCAN_EXAMINED] ? 100.0 :
	    100.0 * (double)w[SCAN_EXAMINED] / (double)w[SCAN_TO_EXAMINE]);
	if (with_rate && rate == 0) {
		(void)printf(", no estimated completion time");
	} else if (with_rate) {
		(void)printf(", ");
		print_span(w[SCAN_TO_EXAMINE] <= w[SCAN_EXAMINED] ? 0 :
		    (w[SCAN_TO_EXAMINE] - w[SCAN_EXAMINED]) / rate);
		(void)printf(" to go");
	}
	(void)printf("\n");
}

static void
print_running(const uint64_t *w)
{
	char when[64];

	date(w[SCAN_PAUSED] ? w[SCAN_PAUSE_START] : w[SCAN_START], when);
	if (w[SCAN_PAUSED]) {
		(void)printf("  scan: scrub paused since %s\n", when);
		date(w[SCAN_START], when);
		(void)printf("\tscrub started on %s\n\t", when);
	} else {
		(void)printf("  scan: %s in progress since %s\n\t",
		    w[SCAN_FUNC] == FUNC_SCRUB ? "scrub" : "resilver", when);
	}
	print_progress(w, !w[SCAN_PAUSED]);
}

static void
print_finished(const uint64_t *w)
{
	char when[64];

	date(w[SCAN_END], when);
	if (w[SCAN_STATE] == STATE_CANCELED) {
		(void)printf("  scan: %s canceled on %s\n",
		    w[SCAN_FUNC] == FUNC_SCRUB ? "scrub" : "resilver", when);
		return;
	}
	(void)printf("  scan: %s", w[SCAN_FUNC] == FUNC_SCRUB ? "scrub repaired " : "resilvered ");
	print_size(w[SCAN_REPAIRED], " in ");
	print_span(w[SCAN_END] >= w[SCAN_START] ? w[SCAN_END] - w[SCAN_START] : 0);
	(void)printf(" with %" PRIu64 " errors on %s\n", w[SCAN_ERRORS], when);
}

static void
print_scan(const struct nvlist *status)
{
	const uint64_t *w;
	size_t n;

	if (nv_get_u64_array(status, "scan", &w, &n) != 0 || n != SCAN_FIELDS ||
	    (w[SCAN_FUNC] != FUNC_SCRUB && w[SCAN_FUNC] != FUNC_RESILVER))
		return;
	if (w[SCAN_STATE] == STATE_SCANNING)
		print_running(w);
	else
		print_finished(w);
}

static void
print_checkpoint(const struct nvlist *status)
{
	const uint64_t *w;
	char when[64];
	size_t n;

	if (nv_get_u64_array(status, "checkpoint", &w, &n) != 0 || n != 2)
		return;
	date(w[0], when);
	(void)printf("checkpoint: created %s, consumes ", when);
	print_size(w[1], "\n");
}

enum { REMOVAL_STATE, REMOVAL_VDEV, REMOVAL_START, REMOVAL_END, REMOVAL_TO_COPY, REMOVAL_COPIED,
	REMOVAL_MEMORY, REMOVAL_NOW, REMOVAL_FIELDS };

static void
print_evacuation(const uint64_t *w)
{
	uint64_t copied = w[REMOVAL_COPIED] + (w[REMOVAL_COPIED] == 0), total = w[REMOVAL_TO_COPY];
	uint64_t elapsed = w[REMOVAL_NOW] > w[REMOVAL_START] ? w[REMOVAL_NOW] - w[REMOVAL_START] : 1;
	uint64_t rate = copied / elapsed + (copied < elapsed), left;

	left = total > copied ? (total - copied) / rate / 60 : 0;
	print_size(copied, " copied out of ");
	print_size(total, " at ");
	print_size(rate, "/s, ");
	(void)printf("%.2f%% done", total > copied ? 100.0 * (double)copied / (double)total : 100.0);
	if (left / 60 < 30 * 24)
		(void)printf(", %" PRIu64 "h%" PRIu64 "m to go\n", left / 60, left % 60);
	else
		(void)printf(", (copy is slow, no estimated time)\n");
}

static void
print_removal(const struct nvlist *status)
{
	enum { ACTIVE = 1, FINISHED = 2 };
	const char *name = nv_str_or(status, "removed", "?");
	const uint64_t *w;
	char when[64];
	size_t n;

	if (nv_get_u64_array(status, "removal", &w, &n) != 0 || n != REMOVAL_FIELDS)
		return;
	date(w[REMOVAL_STATE] == ACTIVE ? w[REMOVAL_START] : w[REMOVAL_END], when);
	if (w[REMOVAL_STATE] == ACTIVE) {
		(void)printf("remove: Evacuation of %s in progress since %s\n\t", name, when);
		print_evacuation(w);
	} else if (w[REMOVAL_STATE] == FINISHED) {
		uint64_t minutes = (w[REMOVAL_END] - w[REMOVAL_START]) / 60;

		(void)printf("remove: Removal of vdev %" PRIu64 " copied ", w[REMOVAL_VDEV]);
		print_size(w[REMOVAL_COPIED], "");
		(void)printf(" in %" PRIu64 "h%" PRIu64 "m, completed on %s\n", minutes / 60, minutes % 60,
		    when);
	} else {
		(void)printf("remove: Removal of %s canceled on %s\n", name, when);
	}
	if (w[REMOVAL_MEMORY] > 0) {
		(void)printf("\t");
		print_size(w[REMOVAL_MEMORY], " memory used for removed device mappings\n");
	}
}

static bool
is_resilvering(const struct nvlist *status)
{
	const uint64_t *w;
	size_t n;

	return (nv_get_u64_array(status, "scan", &w, &n) == 0 && n == SCAN_FIELDS &&
	    w[SCAN_FUNC] == FUNC_RESILVER && w[SCAN_STATE] == STATE_SCANNING);
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

static bool
any_state(const struct nvlist *node, const char *state)
{
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	if (n == 0)
		return (strcmp(nv_str_or(node, "state", ""), state) == 0);
	for (size_t i = 0; i < n; i++)
		if (any_state(child[i], state))
			return (true);
	return (false);
}

/* What is wrong and what to do about it; the first that applies. */
static const struct advice {
	const char *state, *status, *action;
} advices[] = {
    {"FAULTED", "Devices gave too many errors and are no longer used; the pool works with what\n"
	"\tis left.", "Replace the device with 'zpool replace', or run 'zpool clear' if it was not\n"
	"\tits fault."},
    {"UNAVAIL", "Devices are missing or damaged; the pool works with what is left.",
	"Bring the missing device back and run 'zpool online', or replace it with\n"
	"\t'zpool replace'."},
    {"REMOVED", "Devices were removed; the pool works with what is left.",
	"Bring the device back and run 'zpool online', or replace it with 'zpool replace'."},
    {"OFFLINE", "Devices were taken offline by the administrator; the pool works with what is\n"
	"\tleft.", "Online the device using 'zpool online' or replace it with 'zpool replace'."},
};

static void
print_advice(const struct nvlist *status, const struct nvlist *tree)
{
	const char *state = nv_str_or(status, "state", "");

	if (strcmp(state, "SUSPENDED") == 0) {
		(void)printf("status: Writing failed on too many devices; the pool waits for them.\n"
		    "action: Make sure the devices are connected, then run 'zpool clear'.\n");
		return;
	}
	if (is_resilvering(status)) {
		(void)printf("status: A device is being given the data that it lacks. The pool works\n"
		    "\tmeanwhile, perhaps with less redundancy.\n"
		    "action: Wait for the resilver to complete.\n");
		return;
	}
	if (nv_u64_or(status, "lost", 0) != 0) {
		(void)printf("status: Data was lost; programs that use it see errors.\n"
		    "action: Restore the files in question, see 'zpool status -v'.\n");
		return;
	}
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		if (!any_state(tree, advices[i].state))
			continue;
		(void)printf("status: %s\naction: %s\n", advices[i].status, advices[i].action);
		return;
	}
	if (count_errors(tree) != 0)
		(void)printf("status: Devices gave errors. What could be repaired was repaired.\n"
		    "action: Look at the devices with errors; run 'zpool clear', or replace them if the\n"
		    "\tcounts grow.\n");
}

static bool
is_healthy(const struct nvlist *status, const struct nvlist *tree)
{
	return (strcmp(nv_str_or(status, "state", ""), "ONLINE") == 0 && count_errors(tree) == 0 &&
	    nv_u64_or(status, "lost", 0) == 0 && !is_resilvering(status));
}

static void
print_lost(const struct status_opts *o, const struct nvlist *status)
{
	uint64_t lost = nv_u64_or(status, "lost", 0);
	const char *const *name;
	size_t n;

	if (lost == 0) {
		(void)printf("\nerrors: No known data errors\n");
		return;
	}
	if (!o->verbose || nv_get_str_array(status, "errors", &name, &n) != 0) {
		(void)printf("\nerrors: %" PRIu64 " data errors, use '-v' for a list\n", lost);
		return;
	}
	(void)printf("\nerrors: Permanent errors have been detected in the following files:\n\n");
	for (size_t i = 0; i < n; i++)
		(void)printf("        %s\n", name[i]);
}

/* --- dedup ------------------------------------------------------------------------------------ */

enum { HISTOGRAM_ROWS = 64, HISTOGRAM_WORDS = 8 };

/* w: blocks, logical, physical, allocated bytes; then the same as often as they are referenced. */
static void
print_bucket(const char *name, const uint64_t *w)
{
	char text[32];

	(void)printf("%6s", name);
	for (int i = 0; i < HISTOGRAM_WORDS; i++) {
		if (i % 4 == 0)
			units_format_count(text, sizeof(text), w[i]);
		else
			units_format_size(text, sizeof(text), w[i]);
		(void)printf(i % 4 == 0 ? "   %6s" : "   %5s", text);
	}
	(void)printf("\n");
}

/* -D: how many blocks there are of each number of references, by powers of two. */
static void
print_dedup(const struct nvlist *status)
{
	static const char rule[] = "______________________________";
	uint64_t total[HISTOGRAM_WORDS] = {0};
	const uint64_t *w, *h;
	char name[32];
	size_t n;

	if (nv_get_u64_array(status, "ddt", &w, &n) != 0 || n != 3 || w[0] == 0) {
		(void)printf("\n dedup: no DDT entries\n");
		return;
	}
	(void)printf("\n dedup: DDT entries %" PRIu64 ", size ", w[0]);
	print_size(w[1], " on disk, ");
	print_size(w[2], " in core\n\n");
	if (nv_get_u64_array(status, "ddt_histogram", &h, &n) != 0 || n != HISTOGRAM_ROWS * HISTOGRAM_WORDS)
		return;
	(void)printf("bucket   %-30s   %-30s\n______   %s   %s\n", "           allocated          ",
	    "          referenced          ", rule, rule);
	(void)printf("refcnt   blocks   LSIZE   PSIZE   DSIZE   blocks   LSIZE   PSIZE   DSIZE\n"
	    "------   ------   -----   -----   -----   ------   -----   -----   -----\n");
	for (int row = 0; row < HISTOGRAM_ROWS; row++, h += HISTOGRAM_WORDS) {
		if (h[0] == 0)
			continue;
		units_format_count(name, sizeof(name), 1ULL << row);
		print_bucket(name, h);
		for (int i = 0; i < HISTOGRAM_WORDS; i++)
			total[i] += h[i];
	}
	print_bucket("Total", total);
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
	print_removal(status);
	print_checkpoint(status);
	print_config(o, status, tree);
	print_lost(o, status);
	if (o->dedup)
		print_dedup(status);
}

static int
status_pool(const char *pool, void *arg)
{
	struct status_opts *o = arg;
	struct nvlist *status, *tree, *in = must_nv();
	struct err e = ERR_INIT;
	int rc;

	if (o->verbose)
		must(nv_add_boolean(in, "verbose"));
	if (o->dedup)
		must(nv_add_boolean(in, "dedup"));
	rc = pool_call(pool, "pool.status", in, &status, &e);
	nv_free(in);
	if (rc != 0)
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
	zpool_print_stamp(o->stamp);
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
	struct status_opts o = {.raw = false};
	struct zpool_repeat repeat;
	int c;

	while ((c = applet_getopt(argc, argv, "DegiLpPstT:vx")) != -1) {
		if (c == '?')
			return (2);
		o.init = o.init || c == 'i';
		o.trim = o.trim || c == 't';
		o.only_errors = o.only_errors || c == 'e';
		o.raw = o.raw || c == 'p';
		o.names |= zpool_name_option(c);
		o.dedup = o.dedup || c == 'D';
		o.slow = o.slow || c == 's';
		o.verbose = o.verbose || c == 'v';
		o.only_bad = o.only_bad || c == 'x';
		if (c == 'T' && zpool_take_stamp(optarg, &o.stamp) != 0)
			return (2);
	}
	o.argc = argc - optind;
	o.argv = argv + optind;
	if ((c = zpool_take_repeat(&o.argc, o.argv, &repeat)) != 0)
		return (c);
	return (zpool_repeat(&repeat, status_once, &o));
}
