/* SPDX-License-Identifier: MIT */
/* zfs bookmark, hold, holds, release, promote, diff. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/fs/dsl.h"
#include "zfs_impl.h"

static int
explain(const char *verb, const char *name, const struct err *e)
{
	if (e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0)
		return (applet_fail_bare(e, "cannot open '%s'", name));
	return (applet_fail_bare(e, "cannot %s '%s'", verb, name));
}

/* "#mark" and "@snap": of the filesystem of the other one. */
static void
complete(const char *name, const char *other, char buf[2 * DSL_NAME_MAX])
{
	bool is_short = name[0] == '#' || name[0] == '@';

	(void)snprintf(buf, 2 * DSL_NAME_MAX, "%.*s%s", is_short ? (int)strcspn(other, "@#") : 0, other,
	    name);
}

int
zfs_bookmark(int argc, char **argv)
{
	char source[2 * DSL_NAME_MAX], name[2 * DSL_NAME_MAX];
	struct nvlist *args;
	struct err e = ERR_INIT;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (argc - optind != 2)
		return (applet_usage(argc - optind > 2 ? "too many arguments" :
		    argc - optind < 1 ? "missing source argument" : "missing bookmark argument"));
	if (strchr(argv[optind + 1], '#') == NULL)
		return (applet_usage("invalid bookmark name '%s': must contain a '#'", argv[optind + 1]));
	complete(argv[optind], argv[optind + 1], source);
	complete(argv[optind + 1], argv[optind], name);
	args = must_nv();
	must(nv_add_str(args, "source", source));
	must(nv_add_str(args, "name", name));
	return (zfs_change(name, "fs.bookmark", args, NULL, &e) == 0 ? 0 :
	    applet_fail_bare(&e, "cannot create bookmark '%s'", name));
}

/* --- holds ------------------------------------------------------------------------------------ */

/* One request per snapshot that was named: they may be in several pools. */
static int
change_hold(int argc, char **argv, const char *op, const char *failed)
{
	bool recursive = false;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "r")) != -1) {
		if (c != 'r')
			return (2);
		recursive = true;
	}
	if (argc - optind < 2)
		return (applet_usage(argc - optind < 1 ? "missing tag argument" : "missing snapshot argument"));
	if (argv[optind][0] == '\0')
		return (applet_fail_bare(NULL, "tag may not be empty"));
	if (argv[optind][0] == '.')
		return (applet_fail_bare(NULL, "tag may not start with '.'"));
	for (int i = optind + 1; i < argc; i++) {
		struct nvlist *args = must_nv();
		struct err e = ERR_INIT;

		if (strchr(argv[i], '@') == NULL) {
			nv_free(args);
			status = applet_fail_bare(NULL, "'%s' is not a snapshot", argv[i]);
			continue;
		}
		must(nv_add_str(args, "tag", argv[optind]));
		must(nv_add_str_array(args, "names", (const char *const *)&argv[i], 1));
		if (recursive)
			must(nv_add_boolean(args, "recursive"));
		if (zfs_change(argv[i], op, args, NULL, &e) != 0)
			status = explain(failed, argv[i], &e);
	}
	return (status);
}

int
zfs_hold(int argc, char **argv)
{
	return (change_hold(argc, argv, "fs.hold", "hold snapshot"));
}

int
zfs_release(int argc, char **argv)
{
	return (change_hold(argc, argv, "fs.release", "release hold from snapshot"));
}

/* How tags are listed. */
struct layout {
	int name, tag;	   /* widths */
	bool plain, exact; /* by tabs; times as numbers */
};

static void
each_tag(const struct nvlist *holds, void (*fn)(const char *name, const char *tag, uint64_t time,
    void *arg), void *arg)
{
	struct nvpair *p = NULL, *t;
	struct nvlist *tags;
	uint64_t time;

	while ((p = nv_next(holds, p)) != NULL) {
		t = NULL;
		if (nvpair_nvlist(p, &tags) == 0)
			while ((t = nv_next(tags, t)) != NULL)
				if (nvpair_u64(t, &time) == 0)
					fn(nvpair_name(p), nvpair_name(t), time, arg);
	}
}

static void
measure(const char *name, const char *tag, uint64_t time, void *arg)
{
	struct layout *w = arg;

	(void)time;
	w->name = (int)strlen(name) > w->name ? (int)strlen(name) : w->name;
	w->tag = (int)strlen(tag) > w->tag ? (int)strlen(tag) : w->tag;
}

static void
print_tag(const char *name, const char *tag, uint64_t time, void *arg)
{
	const struct layout *w = arg;
	time_t t = (time_t)time;
	char when[64] = "";
	struct tm tm;

	if (w->exact)
		(void)snprintf(when, sizeof(when), "%llu", (unsigned long long)time);
	else if (localtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%a %b %e %H:%M %Y", &tm);
	if (w->plain)
		(void)printf("%s\t%s\t%s\n", name, tag, when);
	else
		(void)printf("%-*s  %-*s  %s\n", w->name, name, w->tag, tag, when);
}

static int
list_holds(const char *name, bool recursive, struct nvlist *all)
{
	struct nvlist *args = must_nv(), *out = NULL, *holds;
	struct nvpair *p = NULL;
	struct err e = ERR_INIT;
	int status = 0;

	must(nv_add_str_array(args, "names", &name, 1));
	if (recursive)
		must(nv_add_boolean(args, "recursive"));
	if (zfs_ask(name, "fs.holds", args, &out, &e) != 0)
		status = e.code == ENOENT ? applet_fail_bare(NULL, "cannot open '%s': dataset does not exist",
		    name) : explain("list holds of", name, &e);
	else if (nv_get_nvlist(out, "holds", &holds) == 0)
		while ((p = nv_next(holds, p)) != NULL)
			must(nv_add_pair(all, p));
	nv_free(out);
	nv_free(args);
	return (status);
}

int
zfs_holds(int argc, char **argv)
{
	struct layout w = {(int)strlen("NAME"), (int)strlen("TAG"), false, false};
	bool recursive = false;
	struct nvlist *all;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "Hpr")) != -1) {
		if (c == '?')
			return (2);
		recursive |= c == 'r';
		w.plain |= c == 'H';
		w.exact |= c == 'p';
	}
	if (optind >= argc)
		return (applet_usage("missing snapshot argument"));
	all = must_nv();
	for (int i = optind; i < argc; i++)
		status |= strchr(argv[i], '@') != NULL ? list_holds(argv[i], recursive, all) :
		    applet_fail_bare(NULL, "'%s' is not a snapshot", argv[i]);
	each_tag(all, measure, &w);
	if (!w.plain && nv_count(all) != 0)
		(void)printf("%-*s  %-*s  %s\n", w.name, "NAME", w.tag, "TAG", "TIMESTAMP");
	each_tag(all, print_tag, &w);
	nv_free(all);
	return (status);
}

/* --- promote ---------------------------------------------------------------------------------- */

int
zfs_promote(int argc, char **argv)
{
	struct nvlist *args;
	struct err e = ERR_INIT;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (argc - optind != 1)
		return (applet_usage(argc == optind ? "missing clone filesystem argument" :
		    "too many arguments"));
	args = must_nv();
	must(nv_add_str(args, "name", argv[optind]));
	return (zfs_change(argv[optind], "fs.promote", args, NULL, &e) == 0 ? 0 :
	    explain("promote", argv[optind], &e));
}

/* --- diff ------------------------------------------------------------------------------------- */

struct diff_opts {
	bool types, plain, times, unescaped;
	const char *mountpoint;
};

static char
type_letter(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return ('/');
	case S_IFLNK: return ('@');
	case S_IFIFO: return ('|');
	case S_IFBLK: return ('B');
	case S_IFCHR: return ('C');
	case S_IFSOCK: return ('=');
	default: return ('F');
	}
}

static void
print_path(const struct diff_opts *o, const char *path)
{
	(void)fputs(o->mountpoint, stdout);
	for (const unsigned char *p = (const unsigned char *)path; *p != '\0'; p++) {
		if (o->unescaped || (*p > ' ' && *p != '\\' && *p < 0x7f))
			(void)putchar(*p);
		else
			(void)printf("\\%04o", *p);
	}
}

/* f: what and mode, time, links, path, new path */
static void
print_change(const struct diff_opts *o, const char *const f[5])
{
	if (o->times)
		(void)printf("%s\t", f[1]);
	(void)printf("%c\t", f[0][0]);
	if (o->types)
		(void)printf("%c\t", type_letter((unsigned)strtoul(f[0] + 1, NULL, 8)));
	print_path(o, f[3]);
	if (f[0][0] == 'R') {
		(void)fputs(o->plain ? "\t" : " -> ", stdout);
		print_path(o, f[4]);
	} else if (strcmp(f[2], "0") != 0) {
		(void)printf("\t(%+lld)", strtoll(f[2], NULL, 10));
	}
	(void)putchar('\n');
}

static void
print_changes(const struct diff_opts *o, const struct nvlist *out)
{
	const char *f[5], *p, *end;
	const void *bytes;
	size_t len, i;

	if (nv_get_bytes(out, "changes", &bytes, &len) != 0)
		return;
	for (p = bytes, end = p + len; p < end;) {
		for (i = 0; i < 5 && p < end; i++) {
			f[i] = p;
			p += strnlen(p, (size_t)(end - p)) + 1;
		}
		if (i == 5)
			print_change(o, f);
	}
}

int
zfs_diff(int argc, char **argv)
{
	char from[2 * DSL_NAME_MAX], to[2 * DSL_NAME_MAX];
	struct diff_opts o = {.mountpoint = ""};
	struct nvlist *args, *out = NULL;
	struct err e = ERR_INIT;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "FHth")) != -1) {
		switch (c) {
		case 'F': o.types = true; break;
		case 'H': o.plain = true; break;
		case 't': o.times = true; break;
		case 'h': o.unescaped = true; break;
		default: return (2);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return (applet_usage("must provide at least one snapshot name"));
	if (argc > 2)
		return (applet_usage("too many arguments"));
	if (strchr(argv[0], '@') == NULL)
		return (applet_fail_bare(NULL, "Badly formed snapshot name %s", argv[0]));
	(void)snprintf(from, sizeof(from), "%s", argv[0]);
	if (argc == 2)
		complete(argv[1], argv[0], to);
	else
		(void)snprintf(to, sizeof(to), "%.*s", (int)strcspn(argv[0], "@"), argv[0]);
	args = must_nv();
	must(nv_add_str(args, "from", from));
	must(nv_add_str(args, "to", to));
	if (zfs_ask(from, "fs.diff", args, &out, &e) != 0) {
		status = e.code == EXDEV ? applet_fail_bare(NULL, "Unable to obtain diffs: \n   %s", e.msg) :
					   applet_fail_bare(&e, "Unable to obtain diffs");
	} else {
		o.mountpoint = nv_str_or(out, "mountpoint", "");
		print_changes(&o, out);
	}
	nv_free(out);
	nv_free(args);
	return (status);
}
