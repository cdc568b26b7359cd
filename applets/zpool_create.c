/* SPDX-License-Identifier: MIT */
/*
 * zpool create: from a vdev specification (applets/zpool_vdevs.c) to a running pool.
 *
 *	zpool create tank mirror /dev/sda /dev/sdb mirror /dev/sdc /dev/sdd
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "smartbox/fs/names.h"
#include "zpool_impl.h"

static bool
is_empty_or_missing(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	bool is_empty = true;

	if (d == NULL)
		return (errno == ENOENT);
	while (is_empty && (de = readdir(d)) != NULL)
		is_empty = strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	(void)closedir(d);
	return (is_empty);
}

static int
check_mountpoint(const char *pool, const char *mountpoint, const char *altroot)
{
	char path[PATH_MAX];
	int n;

	if (mountpoint != NULL &&
	    (strcmp(mountpoint, "none") == 0 || strcmp(mountpoint, "legacy") == 0))
		return (0);
	if (mountpoint != NULL && mountpoint[0] != '/')
		return (applet_fail_bare(NULL, "invalid mountpoint '%s': must be an absolute path, "
		    "'legacy', or 'none'", mountpoint));
	if (altroot == NULL)
		altroot = "";
	if (mountpoint != NULL)
		n = snprintf(path, sizeof(path), "%s%s", altroot, mountpoint);
	else
		n = snprintf(path, sizeof(path), "%s/%s", altroot, pool);
	if (n < 0 || (size_t)n >= sizeof(path))
		return (applet_fail_bare(NULL, "mountpoint is too long"));
	if (is_empty_or_missing(path))
		return (0);
	(void)applet_fail_bare(NULL, "mountpoint '%s' exists and is not empty", path);
	return (applet_fail_bare(NULL, mountpoint != NULL ?
	    "use '-m' option to provide a different path" :
	    "use '-m' option to provide a different default"));
}

struct create_opts {
	struct nvlist *request, *props, *fsprops;
	char *altroot;
	bool force, dryrun;
};

static int
read_create_opts(int argc, char **argv, struct create_opts *o)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "fndo:O:m:R:")) != -1) {
		if (c == 'f')
			o->force = true;
		else if (c == 'n')
			o->dryrun = true;
		else if (c == 'd')
			must(nv_add_boolean(o->request, "no_features"));
		else if (c == 'o')
			status = zpool_parse_prop(o->props, optarg);
		else if (c == 'O')
			status = zpool_parse_fsprop(o->fsprops, optarg);
		else if (c == 'm')
			must(nv_add_str(o->fsprops, "mountpoint", optarg));
		else if (c == 'R')
			must(nv_add_str(o->props, "altroot", optarg));
		else
			return (2);
	}
	return (status);
}

static int
start_pool(struct create_opts *o, const char *pool, const struct nvlist *tree)
{
	struct nvlist *r = o->request, *out;
	struct err e = ERR_INIT;
	char *ashift = zpool_take_prop(o->props, "ashift");
	int status;

	must(nv_add_str(r, "op", "create"));
	must(nv_add_str(r, "name", pool));
	must(nv_add_nvlist(r, "vdev_tree", tree));
	must(nv_add_nvlist(r, "props", o->props));
	must(nv_add_nvlist(r, "fsprops", o->fsprops));
	must(nv_add_str(r, "history", zpool_command_line()));
	if (o->force)
		must(nv_add_boolean(r, "force"));
	if (ashift != NULL)
		must(nv_add_u64(r, "ashift", strtoull(ashift, NULL, 10)));
	if (o->altroot != NULL)
		must(nv_add_str(r, "altroot", o->altroot));
	free(ashift);
	if (pool_start(r, &out, &e) != 0)
		status = applet_fail_bare(&e, "cannot create '%s'", pool);
	else
		status = zpool_report_mounts(out);
	nv_free(out);
	return (status);
}

static int
check_name(const char *pool)
{
	struct err e = ERR_INIT;

	if (name_check_pool(pool, &e) != 0) {
		(void)applet_fail_bare(&e, "cannot create '%s'", pool);
		if (strchr(pool, '/') != NULL)
			(void)applet_fail_bare(NULL, "use 'zfs create' to create a dataset");
		return (1);
	}
	if (pool_is_imported(pool))
		return (applet_fail_bare(NULL, "cannot create '%s': pool already exists", pool));
	return (0);
}

static int
create_checked(struct create_opts *o, int argc, char **argv)
{
	const char *pool = argv[0];
	struct nvlist *tree;
	int status;

	free(zpool_take_prop(o->props, "cachefile")); /* there is no cache: import scans */
	o->altroot = zpool_take_prop(o->props, "altroot");
	if (o->altroot != NULL && o->altroot[0] != '/')
		return (applet_fail_bare(NULL, "cannot create '%s': bad alternate root '%s'", pool,
		    o->altroot));
	if ((status = check_name(pool)) != 0 ||
	    (status = zpool_parse_vdevs(argc - 1, argv + 1, o->force, NULL, &tree)) != 0)
		return (status);
	status = check_mountpoint(pool, nv_str_or(o->fsprops, "mountpoint", NULL), o->altroot);
	if (status == 0 && o->dryrun)
		zpool_print_layout(pool, NULL, tree, 0);
	else if (status == 0)
		status = start_pool(o, pool, tree);
	nv_free(tree);
	return (status);
}

int
zpool_create(int argc, char **argv)
{
	struct create_opts o = {must_nv(), must_nv(), must_nv(), NULL, false, false};
	int status = read_create_opts(argc, argv, &o);

	if (status == 0 && optind >= argc)
		status = applet_usage("missing pool name argument");
	else if (status == 0 && optind + 1 >= argc)
		status = applet_usage("missing vdev specification");
	else if (status == 0)
		status = create_checked(&o, argc - optind, argv + optind);
	nv_free(o.request);
	nv_free(o.props);
	nv_free(o.fsprops);
	free(o.altroot);
	return (status);
}
