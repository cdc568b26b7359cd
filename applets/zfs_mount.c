/* SPDX-License-Identifier: MIT */
/* zfs mount and zfs unmount. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/dsl.h"
#include "zfs_impl.h"

/* Call fn for all that is mounted, pool by pool. */
static void
each_mount(void (*fn)(const char *name, const char *path, void *arg), void *arg)
{
	size_t n, count, paths;
	char **pools = zfs_pools(&n);

	for (size_t i = 0; i < n; i++) {
		const char *const *name, *const *path;
		struct nvlist *out = NULL;

		if (zfs_ask(pools[i], "fs.mounts", NULL, &out, NULL) == 0 &&
		    nv_get_str_array(out, "names", &name, &count) == 0 &&
		    nv_get_str_array(out, "paths", &path, &paths) == 0 && paths == count)
			for (size_t k = 0; k < count; k++)
				fn(name[k], path[k], arg);
		nv_free(out);
	}
	free(pools);
}

struct search {
	char path[PATH_MAX], *name;
	size_t size, best;
};

static void
match_mount(const char *name, const char *path, void *arg)
{
	struct search *s = arg;
	size_t n = strcmp(path, "/") == 0 ? 0 : strlen(path);

	if (strncmp(s->path, path, n) == 0 && (s->path[n] == '/' || s->path[n] == '\0') &&
	    n + 1 > s->best) {
		s->best = n + 1;
		(void)snprintf(s->name, s->size, "%s", name);
	}
}

bool
zfs_dataset_at(const char *path, char *name, size_t size)
{
	struct search s = {.name = name, .size = size};

	if (realpath(path, s.path) == NULL)
		return (false);
	each_mount(match_mount, &s);
	return (s.best != 0);
}

static void
print_mount(const char *name, const char *path, void *arg)
{
	(void)arg;
	(void)printf("%-30s  %s\n", name, path);
}

static int
mount_all(void)
{
	size_t n;
	char **pools = zfs_pools(&n);
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;

		if (zfs_ask(pools[i], "fs.mount_all", NULL, NULL, &e) != 0)
			status = applet_fail_bare(NULL, "%s", e.msg);
	}
	free(pools);
	return (status);
}

/* -o ro,rw,remount...: what makes sense for one mount. */
static int
parse_mount_options(const char *list, struct nvlist *args)
{
	for (const char *p = list; ; p++) {
		size_t n = strcspn(p, ",");

		if (n == 2 && strncmp(p, "ro", 2) == 0)
			must(nv_add_boolean(args, "readonly"));
		else if (n != 2 || strncmp(p, "rw", 2) != 0)
			return (applet_usage("mount option '%.*s' is not supported; set the property",
			    (int)n, p));
		p += n;
		if (*p == '\0')
			return (0);
	}
}

static int
mount_one(const char *name, struct nvlist *args)
{
	struct err e = ERR_INIT;

	must(nv_add_str(args, "name", name));
	if (zfs_ask(name, "fs.mount", args, NULL, &e) == 0)
		return (0);
	if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		return (applet_fail_bare(&e, "cannot open '%s'", name));
	(void)applet_fail_bare(&e, "cannot mount '%s'", name);
	if (strcmp(e.msg, "legacy mountpoint") == 0)
		(void)applet_fail_bare(NULL, "use mount(8) to mount this filesystem");
	return (1);
}

int
zfs_mount(int argc, char **argv)
{
	struct nvlist *args = must_nv();
	bool all = false;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "aOo:")) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 'O')
			must(nv_add_boolean(args, "overlay"));
		else
			status = c == 'o' ? parse_mount_options(optarg, args) : 2;
	}
	argc -= optind;
	argv += optind;
	if (status == 0 && argc > (all ? 0 : 1))
		status = applet_usage("too many arguments");
	else if (status == 0 && all)
		status = mount_all();
	else if (status == 0 && argc == 1)
		status = mount_one(argv[0], args);
	else if (status == 0)
		each_mount(print_mount, NULL);
	nv_free(args);
	return (status);
}

static int
unmount_all(const struct nvlist *args)
{
	size_t n;
	char **pools = zfs_pools(&n);
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;

		if (zfs_ask(pools[i], "fs.unmount_all", args, NULL, &e) != 0)
			status = applet_fail_bare(NULL, "%s", e.msg);
	}
	free(pools);
	return (status);
}

static int
unmount_one(const char *what, struct nvlist *args)
{
	char name[DSL_NAME_MAX];
	struct err e = ERR_INIT;

	if (what[0] != '/')
		(void)snprintf(name, sizeof(name), "%s", what);
	else if (!zfs_dataset_at(what, name, sizeof(name)))
		return (applet_fail_bare(NULL, "cannot unmount '%s': not a ZFS filesystem", what));
	must(nv_add_str(args, "name", name));
	if (zfs_ask(name, "fs.unmount", args, NULL, &e) == 0)
		return (0);
	if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		return (applet_fail_bare(&e, "cannot open '%s'", name));
	if (strncmp(e.msg, "cannot unmount", 14) == 0)
		return (applet_fail_bare(NULL, "%s", e.msg));
	return (applet_fail_bare(&e, "cannot unmount '%s'", what));
}

int
zfs_unmount(int argc, char **argv)
{
	struct nvlist *args = must_nv();
	bool all = false;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "af")) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 'f')
			must(nv_add_boolean(args, "force"));
		else
			status = 2;
	}
	argc -= optind;
	argv += optind;
	if (status == 0 && argc != (all ? 0 : 1))
		status = applet_usage(argc == 0 ? "missing filesystem argument" : "too many arguments");
	if (status == 0)
		status = all ? unmount_all(args) : unmount_one(argv[0], args);
	nv_free(args);
	return (status);
}
