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
mount_all(const struct nvlist *args, bool verbose)
{
	unsigned long long count = 0;
	size_t n;
	char **pools = zfs_pools(&n);
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		struct nvlist *out = NULL;

		if (zfs_ask(pools[i], "fs.mount_all", args, &out, &e) != 0)
			status = applet_fail_bare(NULL, "%s", e.msg);
		count += out != NULL ? nv_u64_or(out, "count", 0) : 0;
		nv_free(out);
	}
	free(pools);
	if (verbose && count != 0)
		(void)printf("Mounting ZFS filesystems: (%llu/%llu)\n", count, count);
	return (status);
}

enum { OPTIONS_MAX = 32, OPTIONS_LENGTH_MAX = 512 };

/* -o, once or more: words, which poold knows. */
static int
take_options(char *list, const char *v[OPTIONS_MAX], size_t *n)
{
	char *save;

	if (list[0] == '\0')
		return (applet_usage("empty mount options (-o) specified"));
	if (strlen(list) >= OPTIONS_LENGTH_MAX)
		return (applet_usage("the opts argument for '-o' option is too long (more than %d chars)",
		    OPTIONS_LENGTH_MAX));
	for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		if (*n == OPTIONS_MAX)
			return (applet_usage("too many mount options"));
		v[(*n)++] = w;
	}
	return (0);
}

/* What cannot be mounted at all is no failed mount. */
static bool
is_not_ours(const struct err *e)
{
	return ((e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0) ||
	    strncmp(e->msg, "operation not applicable", 24) == 0);
}

static int
mount_one(const char *name, struct nvlist *args)
{
	struct err e = ERR_INIT;

	must(nv_add_str(args, "name", name));
	if (zfs_ask(name, "fs.mount", args, NULL, &e) == 0)
		return (0);
	if (is_not_ours(&e))
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
	const char *options[OPTIONS_MAX];
	bool all = false, verbose = false;
	size_t n = 0;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "Oaflo:v")) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 'v')
			verbose = true;
		else if (c == 'O')
			must(nv_add_boolean(args, "overlay"));
		else if (c == 'o')
			status = take_options(optarg, options, &n);
		else if (c != 'f' && c != 'l') /* nothing is encrypted or redacted here */
			status = 2;
	}
	argc -= optind;
	argv += optind;
	if (n != 0)
		must(nv_add_str_array(args, "options", options, n));
	if (status == 0 && argc > (all ? 0 : 1))
		status = applet_usage("too many arguments");
	else if (status == 0 && all)
		status = mount_all(args, verbose);
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
	if (is_not_ours(&e))
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

	while (status == 0 && (c = applet_getopt(argc, argv, "afu")) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 'f')
			must(nv_add_boolean(args, "force"));
		else if (c != 'u') /* there are no keys to unload */
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

/* --- wait ------------------------------------------------------------------------------------- */

enum { POLL_US = 200000 };

static int
read_activities(char *list)
{
	char *save;

	for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		if (strcmp(w, "deleteq") != 0)
			return (applet_usage("invalid activity '%s'", w));
	return (0);
}

/* Files without names are freed in the background; one that is open waits for its users. */
static int
wait_for(const char *name)
{
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;
	uint64_t left = 1;
	int rc = 0;

	must(nv_add_str(args, "name", name));
	while (rc == 0 && left != 0) {
		struct nvlist *out = NULL;

		rc = zfs_ask(name, "fs.activity", args, &out, &e);
		left = rc == 0 ? nv_u64_or(out, "deleteq", 0) : 0;
		nv_free(out);
		if (left != 0)
			(void)usleep(POLL_US);
	}
	nv_free(args);
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot open '%s'", name));
}

int
zfs_wait(int argc, char **argv)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "t:")) != -1)
		status = c == 't' ? read_activities(optarg) : 2;
	if (status == 0 && optind + 1 != argc)
		status = optind < argc ? applet_usage("too many arguments") :
		    applet_usage("missing 'filesystem' argument");
	return (status != 0 ? status : wait_for(argv[optind]));
}
