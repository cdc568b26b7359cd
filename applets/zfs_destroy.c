/* SPDX-License-Identifier: MIT */
/* zfs destroy and zfs rollback: what removes data, and what it refuses to remove. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/dsl.h"
#include "zfs_impl.h"

struct destroy_opts {
	bool recursive, clones, force, dryrun, verbose, parsable, defer;
};

/* Said before anything happens, or instead of it. */
static void
print_steps(const struct destroy_opts *o, const struct nvlist *out)
{
	const char *const *steps, *verb = o->dryrun ? "would" : "will";
	uint64_t reclaim;
	char size[32];
	size_t n;

	if (!o->verbose || nv_get_str_array(out, "steps", &steps, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (o->parsable)
			(void)printf("destroy\t%s\n", steps[i]);
		else
			(void)printf("%s destroy %s\n", verb, steps[i]);
	if (nv_get_u64(out, "reclaim", &reclaim) != 0)
		return;
	units_format_size(size, sizeof(size), reclaim);
	if (o->parsable)
		(void)printf("reclaim\t%llu\n", (unsigned long long)reclaim);
	else
		(void)printf("%s reclaim %s\n", verb, size);
}

static int
explain_refusal(const char *name, const struct nvlist *out, const struct err *e)
{
	const char *kind = out != NULL ? nv_str_or(out, "kind", "") : "";

	if (e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0)
		return (applet_fail_bare(e, "cannot open '%s'", name));
	if (strncmp(e->msg, "could not find any", 18) == 0 ||
	    strncmp(e->msg, "cannot unmount", 14) == 0)
		return (applet_fail_bare(NULL, "%s", e->msg));
	(void)applet_fail_bare(e, "cannot destroy '%s'", name);
	if (strcmp(kind, "children") == 0)
		(void)applet_fail_bare(NULL, "use '-r' to destroy the following datasets:");
	else if (strcmp(kind, "clones") == 0)
		(void)applet_fail_bare(NULL, "use '-R' to destroy the following datasets:");
	if (out != NULL)
		zfs_print_dependents(out);
	return (1);
}

static struct nvlist *
destroy_args(const struct destroy_opts *o)
{
	struct nvlist *args = must_nv();

	if (o->recursive)
		must(nv_add_boolean(args, "recursive"));
	if (o->clones)
		must(nv_add_boolean(args, "clones"));
	if (o->force)
		must(nv_add_boolean(args, "force"));
	if (o->dryrun)
		must(nv_add_boolean(args, "dryrun"));
	if (o->verbose)
		must(nv_add_boolean(args, "space"));
	if (o->defer)
		must(nv_add_boolean(args, "defer"));
	return (args);
}

static int
destroy_snapshots(const struct destroy_opts *o, const char *arg)
{
	struct nvlist *args = destroy_args(o), *out = NULL;
	struct err e = ERR_INIT;
	char fs[DSL_NAME_MAX];
	int status = 0;

	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(arg, "@"), arg);
	must(nv_add_str(args, "name", fs));
	must(nv_add_str(args, "snaps", strchr(arg, '@') + 1));
	if (zfs_change(fs, "fs.destroy_snaps", args, &out, &e) == 0)
		print_steps(o, out);
	else if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		status = applet_fail_bare(&e, "cannot open '%s'", fs);
	else
		status = explain_refusal(out != NULL ? nv_str_or(out, "snapshot", arg) : arg, out, &e);
	nv_free(out);
	return (status);
}

static int
destroy_bookmark(const struct destroy_opts *o, const char *name)
{
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;

	if (o->dryrun) {
		nv_free(args);
		return (0);
	}
	must(nv_add_str(args, "name", name));
	return (zfs_change(name, "fs.destroy_bookmark", args, NULL, &e) == 0 ? 0 :
	    applet_fail_bare(&e, "cannot destroy '%s'", name));
}

static int
refuse_pool(const char *name)
{
	(void)applet_fail_bare(NULL, "cannot destroy '%s': operation does not apply to pools", name);
	(void)applet_fail_bare(NULL, "use 'zfs destroy -r %s' to destroy all datasets in the pool",
	    name);
	return (applet_fail_bare(NULL, "use 'zpool destroy %s' to destroy the pool itself", name));
}

static int
destroy_dataset(const struct destroy_opts *o, const char *name)
{
	struct nvlist *args, *out = NULL;
	struct err e = ERR_INIT;
	int status = 0;

	if (strchr(name, '/') == NULL && !o->recursive && !o->clones)
		return (refuse_pool(name));
	args = destroy_args(o);
	must(nv_add_str(args, "name", name));
	if (zfs_change(name, "fs.destroy", args, &out, &e) == 0)
		print_steps(o, out);
	else
		status = explain_refusal(name, out, &e);
	nv_free(out);
	return (status);
}

int
zfs_destroy(int argc, char **argv)
{
	struct destroy_opts o = {.recursive = false};
	int c;

	while ((c = applet_getopt(argc, argv, "dfnpRrv")) != -1) {
		switch (c) {
		case 'd': o.defer = true; break;
		case 'f': o.force = true; break;
		case 'n': o.dryrun = true; break;
		case 'p': o.parsable = o.verbose = true; break;
		case 'R': o.clones = o.recursive = true; break;
		case 'r': o.recursive = true; break;
		case 'v': o.verbose = true; break;
		default: return (2);
		}
	}
	if (optind >= argc)
		return (applet_usage("missing dataset argument"));
	if (optind + 1 < argc)
		return (applet_usage("too many arguments"));
	if (argv[optind][0] == '\0')
		return (applet_fail_bare(NULL, "cannot destroy '': missing dataset name"));
	if (o.defer && strchr(argv[optind], '@') == NULL)
		return (applet_usage("-d is for snapshots"));
	if (strchr(argv[optind], '#') != NULL)
		return (destroy_bookmark(&o, argv[optind]));
	return (strchr(argv[optind], '@') != NULL ? destroy_snapshots(&o, argv[optind]) :
	    destroy_dataset(&o, argv[optind]));
}

static int
explain_rollback(const char *name, const struct nvlist *out, const struct err *e)
{
	const char *kind = out != NULL ? nv_str_or(out, "kind", "") : "";

	if (e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0)
		return (applet_fail_bare(e, "cannot open '%s'", name));
	(void)applet_fail_bare(e, "cannot rollback to '%s'", name);
	if (strcmp(kind, "newer") == 0)
		(void)applet_fail_bare(NULL,
		    "use '-r' to force deletion of the following snapshots and bookmarks:");
	else if (strcmp(kind, "clones") == 0)
		(void)applet_fail_bare(NULL,
		    "use '-R' to force deletion of the following clones and dependents:");
	if (out != NULL)
		zfs_print_dependents(out);
	return (1);
}

int
zfs_rollback(int argc, char **argv)
{
	struct nvlist *args = must_nv(), *out = NULL;
	struct err e = ERR_INIT;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "rRf")) != -1) {
		if (c == '?')
			status = 2;
		else
			must(nv_add_boolean(args, c == 'r' ? "recursive" : c == 'R' ? "clones" : "force"));
	}
	if (status == 0 && optind + 1 != argc)
		status = applet_usage(optind < argc ? "too many arguments" : "missing dataset argument");
	if (status != 0) {
		nv_free(args);
		return (status);
	}
	must(nv_add_str(args, "name", argv[optind]));
	if (zfs_change(argv[optind], "fs.rollback", args, &out, &e) != 0)
		status = explain_rollback(argv[optind], out, &e);
	nv_free(out);
	return (status);
}
