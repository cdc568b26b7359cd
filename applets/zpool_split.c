/* SPDX-License-Identifier: MIT */
/*
 * zpool split: one side of every mirror of a pool becomes a pool of its own, exported; with -R it is
 * imported right away.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "smartbox/fs/names.h"
#include "zpool_impl.h"

struct split_opts {
	bool dryrun;
	const char *altroot;
	struct nvlist *props;
};

static int
read_split_opts(int argc, char **argv, struct split_opts *o)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "gLlno:PR:")) != -1) {
		switch (c) {
		case 'n': o->dryrun = true; break;
		case 'o': status = zpool_parse_prop(o->props, optarg); break;
		case 'R': o->altroot = optarg; break;
		case '?': return (2);
		default: break; /* how names are shown */
		}
	}
	if (status == 0 && argc - optind < 1)
		status = applet_usage("Missing pool name");
	if (status == 0 && argc - optind < 2)
		status = applet_usage("Missing new pool name");
	return (status);
}

static void
print_plan(const char *name, const struct nvlist *out)
{
	const char *const *path;
	size_t n = 0;

	(void)nv_get_str_array(out, "paths", &path, &n);
	(void)printf("would create '%s' with the following layout:\n\n\t%s\n", name, name);
	for (size_t i = 0; i < n; i++)
		(void)printf("\t  %s\n", path[i]);
}

/* The devices that left, as places to look for the new pool. */
static int
import_new(const char *name, const struct split_opts *o, const struct nvlist *out)
{
	const char *const *path;
	char **argv;
	int argc = 0, status;
	size_t n = 0;

	(void)nv_get_str_array(out, "paths", &path, &n);
	argv = calloc(2 * n + 5, sizeof(*argv));
	must(argv == NULL ? -ENOMEM : 0);
	argv[argc++] = (char *)(uintptr_t)"import";
	argv[argc++] = (char *)(uintptr_t)"-R";
	argv[argc++] = (char *)(uintptr_t)o->altroot;
	for (size_t i = 0; i < n; i++) {
		argv[argc++] = (char *)(uintptr_t)"-d";
		argv[argc++] = (char *)(uintptr_t)path[i];
	}
	argv[argc++] = (char *)(uintptr_t)name;
	optind = 1;
	status = zpool_import(argc, argv);
	free(argv);
	return (status);
}

static struct nvlist *
split_request(const struct split_opts *o, int argc, char **argv)
{
	struct nvlist *in = must_nv();
	char **devices = calloc((size_t)argc + 1, sizeof(*devices));

	must(devices == NULL ? -ENOMEM : 0);
	must(nv_add_str(in, "name", argv[1]));
	must(nv_add_nvlist(in, "props", o->props));
	must(nv_add_str(in, "history", zpool_command_line()));
	if (o->dryrun)
		must(nv_add_boolean(in, "dryrun"));
	for (int i = 2; i < argc; i++) {
		char *real = argv[i][0] == '/' ? realpath(argv[i], NULL) : NULL;

		devices[i - 2] = real != NULL ? real : argv[i]; /* kept to the end */
	}
	if (argc > 2)
		must(nv_add_str_array(in, "devices", (const char *const *)devices, (size_t)argc - 2));
	free(devices);
	return (in);
}

static int
split(const struct split_opts *o, int argc, char **argv)
{
	struct nvlist *in, *out = NULL;
	struct err e = ERR_INIT;
	int rc, status = 0;

	if (name_check_pool(argv[1], &e) != 0)
		return (applet_fail_bare(&e, "cannot split '%s'", argv[0]));
	if (pool_is_imported(argv[1]))
		return (applet_fail_bare(NULL, "cannot split '%s': pool already exists", argv[0]));
	in = split_request(o, argc, argv);
	rc = pool_call(argv[0], "pool.split", in, &out, &e);
	nv_free(in);
	if (rc != 0)
		return (applet_fail_bare(&e, "Unable to split %s", argv[0]));
	if (o->dryrun)
		print_plan(argv[1], out);
	else if (o->altroot != NULL)
		status = import_new(argv[1], o, out);
	nv_free(out);
	return (status);
}

int
zpool_split(int argc, char **argv)
{
	struct split_opts o = {.props = must_nv()};
	int status = read_split_opts(argc, argv, &o);

	if (status == 0)
		status = split(&o, argc - optind, argv + optind);
	nv_free(o.props);
	return (status);
}
