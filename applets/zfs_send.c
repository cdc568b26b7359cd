/* SPDX-License-Identifier: MIT */
/*
 * zfs send: a snapshot as a stream on standard output.
 *
 * The pool's server writes to our standard output itself; here are only the options, the estimates and
 * the lines of progress, which go to standard error as OpenZFS's do.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "zfs_impl.h"

struct send_opts {
	struct nvlist *args;
	bool dryrun, verbose, parsable;
	const char *token, *from, *name;
};

static void
print_size(const struct send_opts *o, FILE *f, const char *before, uint64_t bytes)
{
	char size[32];

	units_format_size(size, sizeof(size), bytes);
	if (o->parsable)
		(void)fprintf(f, "\t%llu\n", (unsigned long long)bytes);
	else
		(void)fprintf(f, "%s%s\n", before, size);
}

static void
print_estimate(const struct send_opts *o, const char *to, const char *from, uint64_t bytes)
{
	FILE *f = o->dryrun ? stdout : stderr;

	if (o->parsable && from[0] == '\0')
		(void)fprintf(f, "full\t%s", to);
	else if (o->parsable)
		(void)fprintf(f, "incremental\t%s\t%s", from, to);
	else if (from[0] == '\0')
		(void)fprintf(f, "full send of %s", to);
	else
		(void)fprintf(f, "send from %s to %s", from, to);
	print_size(o, f, " estimated size is ", bytes);
}

/* -R of many prints the source without its filesystem, as OpenZFS does. */
static int
print_estimates(const struct send_opts *o, const struct nvlist *out)
{
	const char *const *to, *const *from;
	const uint64_t *size;
	uint64_t sum = 0;
	FILE *f = o->dryrun ? stdout : stderr;
	size_t n, m, k;

	if (nv_get_str_array(out, "to", &to, &n) != 0 || nv_get_str_array(out, "from", &from, &m) != 0 ||
	    nv_get_u64_array(out, "sizes", &size, &k) != 0 || m != n || k != n)
		return (applet_fail_bare(NULL, "cannot estimate the size"));
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(from[i], '@');
		size_t len = at != NULL ? (size_t)(at - from[i]) : 0;
		bool own = at != NULL && strncmp(to[i], from[i], len) == 0 && to[i][len] == '@';

		print_estimate(o, to[i], own ? at + (nv_has(o->args, "replicate") ||
		    nv_has(o->args, "doall") ? 1 : 0) : from[i], size[i]);
		sum += size[i];
	}
	if (o->parsable)
		(void)fprintf(f, "size");
	print_size(o, f, "total estimated size is ", sum);
	return (0);
}

struct shown {
	const struct send_opts *o;
	char name[DSL_NAME_MAX]; /* whose heading was printed */
};

static void
show_progress(void *arg, const struct nvlist *nv)
{
	struct shown *s = arg;
	const char *name = nv_str_or(nv, "name", NULL);
	uint64_t bytes = nv_u64_or(nv, "bytes", 0);
	time_t now = time(NULL);
	struct tm tm;
	char size[32];

	if (name == NULL || localtime_r(&now, &tm) == NULL)
		return;
	if (strcmp(s->name, name) != 0 && !s->o->parsable)
		(void)fprintf(stderr, "TIME        SENT   SNAPSHOT %s\n", name);
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	units_format_size(size, sizeof(size), bytes);
	if (s->o->parsable)
		(void)fprintf(stderr, "%02d:%02d:%02d\t%llu\t%s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
		    (unsigned long long)bytes, name);
	else
		(void)fprintf(stderr, "%02d:%02d:%02d   %5s   %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
		    size, name);
}

static int
explain(const struct send_opts *o, const struct err *e)
{
	const char *name = o->name != NULL ? o->name : "";

	if (e->code == EPIPE)
		return (applet_fail_bare(NULL, "internal error: warning: cannot send '%s': Broken pipe", name));
	if (o->token != NULL)
		return (applet_fail_bare(e, "cannot resume send"));
	if (e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0)
		return (applet_fail_bare(e, "cannot open '%s'", name));
	if (strncmp(e->msg, "cannot send ", 12) == 0)
		return (applet_fail_bare(NULL, "%s", e->msg));
	return (applet_fail_bare(e, "warning: cannot send '%s'", name));
}

/* The pool that a token speaks of is in it; any imported one may have it. */
static int
ask_pools(const struct send_opts *o, pool_tell_fn *tell, void *arg, struct nvlist **out, struct err *e)
{
	size_t n;
	char **pools;
	int rc = err_set(e, ENOENT, "no pool is imported");

	if (o->token == NULL)
		return (zfs_stream(o->name, "fs.send", o->args, STDOUT_FILENO, tell, arg, out, e));
	pools = zfs_pools(&n);
	for (size_t i = 0; i < n; i++) {
		rc = zfs_stream(pools[i], "fs.send", o->args, STDOUT_FILENO, tell, arg, out, e);
		if (rc != -ENOENT || i + 1 == n)
			break;
		nv_free(*out);
		*out = NULL;
	}
	free(pools);
	return (rc);
}

static int
run(struct send_opts *o)
{
	struct shown shown = {o, ""};
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int rc, status = 0;

	if (o->dryrun || o->verbose) {
		must(nv_add_boolean(o->args, "estimate"));
		if ((rc = ask_pools(o, NULL, NULL, &out, &e)) != 0)
			status = explain(o, &e);
		else if (o->verbose)
			status = print_estimates(o, out);
		nv_free(out);
		out = NULL;
		nv_remove(o->args, "estimate");
		if (status != 0 || o->dryrun)
			return (status);
	}
	if (isatty(STDOUT_FILENO))
		return (applet_fail_bare(NULL, "Error: Stream can not be written to a terminal.\n"
		    "You must redirect standard output."));
	if (o->verbose)
		must(nv_add_boolean(o->args, "progress"));
	if (ask_pools(o, show_progress, &shown, &out, &e) != 0)
		status = explain(o, &e);
	nv_free(out);
	return (status);
}

static const struct option long_options[] = {{"replicate", no_argument, NULL, 'R'},
    {"skip-missing", no_argument, NULL, 's'}, {"redact", required_argument, NULL, 'd'},
    {"props", no_argument, NULL, 'p'}, {"parsable", no_argument, NULL, 'P'},
    {"dedup", no_argument, NULL, 'D'}, {"proctitle", no_argument, NULL, 'V'},
    {"verbose", no_argument, NULL, 'v'}, {"dryrun", no_argument, NULL, 'n'},
    {"large-block", no_argument, NULL, 'L'}, {"embed", no_argument, NULL, 'e'},
    {"resume", required_argument, NULL, 't'}, {"compressed", no_argument, NULL, 'c'},
    {"raw", no_argument, NULL, 'w'}, {"backup", no_argument, NULL, 'b'},
    {"holds", no_argument, NULL, 'h'}, {"saved", no_argument, NULL, 'S'}, {NULL, 0, NULL, 0}};

static int
flag_option(struct send_opts *o, int c)
{
	static const struct {
		int c;
		const char *name;
	} flags[] = {{'R', "replicate"}, {'s', "skip"}, {'p', "props"}, {'L', "large"}, {'e', "embed"},
	    {'c', "compress"}, {'w', "raw"}, {'b', "backup"}, {'h', "holds"}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].c != c)
			continue;
		must(nv_add_boolean(o->args, flags[i].name));
		return (0);
	}
	return (2);
}

static int
one_option(struct send_opts *o, int c)
{
	switch (c) {
	case 'i':
	case 'I':
		if (o->from != NULL)
			return (applet_usage("-i and -I exclude each other"));
		o->from = optarg;
		if (c == 'I')
			must(nv_add_boolean(o->args, "doall"));
		return (0);
	case 'v': o->verbose = true; return (0);
	case 'P': o->parsable = o->verbose = true; return (0);
	case 'n': o->dryrun = true; return (0);
	case 'V': return (0); /* the title of a process that does the work elsewhere says nothing */
	case 't': o->token = optarg; return (0);
	case 'D':
		(void)applet_fail_bare(NULL, "WARNING: deduplicated send is no longer supported. "
		    " A regular,\nnon-deduplicated stream will be generated.\n");
		return (0);
	case 'd': return (applet_fail_bare(NULL, "redacted sends are not supported by this version"));
	case 'S': must(nv_add_boolean(o->args, "saved")); return (0);
	default: return (flag_option(o, c));
	}
}

/* Those that speak of several snapshots, or of where one begins. */
static bool
has_excluded(const struct send_opts *o)
{
	static const char *const excluded[] = {"replicate", "doall", "props", "backup", "holds"};

	for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
		if (nv_has(o->args, excluded[i]))
			return (true);
	return (o->from != NULL);
}

static int
check_name(const struct send_opts *o)
{
	bool head = strchr(o->name, '@') == NULL;

	if (nv_has(o->args, "saved")) {
		if (has_excluded(o))
			return (applet_usage("incompatible flags combined with saved send flag"));
		return (head ? 0 : applet_usage("saved send must specify the dataset with "
		    "partially-received state"));
	}
	if (strchr(o->name, '#') != NULL)
		return (applet_fail_bare(NULL, "cannot send '%s': a bookmark has no contents", o->name));
	if (head && (nv_has(o->args, "replicate") || nv_has(o->args, "doall")))
		return (applet_fail_bare(NULL, "Error: Unsupported flag with filesystem or bookmark."));
	return (0);
}

static int
check_operands(struct send_opts *o, int argc, char **argv)
{
	if (o->token != NULL) {
		if (has_excluded(o) || nv_has(o->args, "saved"))
			return (applet_usage("invalid flags combined with -t"));
		return (argc != 0 ? applet_usage("too many arguments") : 0);
	}
	if (argc != 1)
		return (applet_usage(argc < 1 ? "missing snapshot argument" : "too many arguments"));
	o->name = argv[0];
	return (check_name(o));
}

int
zfs_send(int argc, char **argv)
{
	struct send_opts o = {.args = must_nv()};
	int c, status = 0;

	while (status == 0 && (c = getopt_long(argc, argv, ":i:I:RsDpVvnPLeht:cwbd:S", long_options,
	    NULL)) != -1)
		status = c == ':' || c == '?' ? applet_usage(c == ':' ? "missing argument for '%c' option" :
		    "invalid option '%c'", optopt) : one_option(&o, c);
	if (status == 0)
		status = check_operands(&o, argc - optind, argv + optind);
	if (status == 0) {
		if (o.token != NULL)
			must(nv_add_str(o.args, "token", o.token));
		else
			must(nv_add_str(o.args, "name", o.name));
		if (o.from != NULL)
			must(nv_add_str(o.args, "from", o.from));
		status = run(&o);
	}
	nv_free(o.args);
	return (status);
}
