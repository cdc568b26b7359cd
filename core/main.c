/* SPDX-License-Identifier: MIT */
/*
 * The entry of the multicall binary: which applet is meant?
 *
 * By the name that the program was called with (a symlink `zpool`), else by the first argument
 * (`smartbox zpool list`).  Options of smartbox itself: --list, --install, --help, -V.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applet_impl.h"
#include "smartbox/core/file.h"
#include "smartbox/core/version.h"

static const char main_usage[] =
    "usage: smartbox APPLET [ARGUMENT]...\n"
    "       smartbox --list | --install DIR | --help | -V\n"
    "One binary, many commands; called through a symlink it is the command of that name.\n"
    "  --list         print the names of the applets, one a line\n"
    "  --install DIR  make a symlink to this binary in DIR for every applet\n"
    "  --help, -h     print this text and what each applet does\n"
    "  -V, --version  print the version and those of the libraries inside\n";

static int
by_name(const void *a, const void *b)
{
	const struct applet *const *x = a, *const *y = b;

	return (strcmp((*x)->name, (*y)->name));
}

/* All visible applets in name order; the caller frees. */
static const struct applet **
sorted_applets(size_t *n)
{
	const struct applet **v = calloc(applet_count() + 1, sizeof(*v));

	*n = 0;
	if (v == NULL)
		return (NULL);
	for (size_t i = 0; i < applet_count(); i++)
		if (!applet_at(i)->hidden)
			v[(*n)++] = applet_at(i);
	qsort(v, *n, sizeof(*v), by_name);
	return (v);
}

static int
out_of_memory(void)
{
	return (applet_fail(NULL, "out of memory"));
}

static int
print_list(const char *style)
{
	size_t n;
	const struct applet **v = sorted_applets(&n);

	if (v == NULL)
		return (out_of_memory());
	for (size_t i = 0; i < n; i++)
		(void)printf(style, v[i]->name, v[i]->summary);
	free(v);
	return (fflush(stdout) == 0 ? 0 : 1);
}

static int
link_applet(const char *self, const char *dir, const char *name)
{
	char path[PATH_MAX], old[PATH_MAX];
	ssize_t len;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return (applet_fail(NULL, "%s/%s: name too long", dir, name));
	if (symlink(self, path) == 0)
		return (0);
	if (errno == EEXIST && (len = readlink(path, old, sizeof(old) - 1)) >= 0) {
		old[len] = '\0';
		if (strcmp(old, self) == 0)
			return (0);
		if (unlink(path) == 0 && symlink(self, path) == 0)
			return (0);
	}
	return (applet_fail(NULL, "cannot link %s: %s", path, strerror(errno)));
}

static int
install(const char *dir)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct err e = ERR_INIT;
	const struct applet **v;
	size_t n;
	int rc = 0;

	if (len < 0)
		return (applet_fail(NULL, "cannot find this binary: %s", strerror(errno)));
	self[len] = '\0';
	if (file_mkdirs(dir, 0755, &e) != 0)
		return (applet_fail_plain(&e));
	if ((v = sorted_applets(&n)) == NULL)
		return (out_of_memory());
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = link_applet(self, dir, v[i]->name);
	free(v);
	return (rc);
}

static int
print_help(void)
{
	(void)fputs(main_usage, stdout);
	(void)printf("\napplets:\n");
	return (print_list("  %-10s %s\n"));
}

static int
print_version(void)
{
	(void)printf("smartbox %s\n%s", smartbox_version, smartbox_libraries);
	return (fflush(stdout) == 0 ? 0 : 1);
}

/* Descriptors 0-2 must exist, or the first file opened becomes our stdout. */
static void
sanitize_stdio(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", O_RDWR);
}

static int
run_options(int argc, char **argv)
{
	const char *opt = argv[1];

	if (strcmp(opt, "--list") == 0)
		return (print_list("%s\n"));
	if (strcmp(opt, "--install") == 0 && argc == 3)
		return (install(argv[2]));
	if (strcmp(opt, "--help") == 0 || strcmp(opt, "-h") == 0)
		return (print_help());
	if (strcmp(opt, "-V") == 0 || strcmp(opt, "--version") == 0)
		return (print_version());
	if (strcmp(opt, "--install") == 0)
		(void)fprintf(stderr, "smartbox: --install needs a directory\n");
	else
		(void)fprintf(stderr, "smartbox: unknown applet or option '%s'\n", opt);
	(void)fputs(main_usage, stderr);
	return (2);
}

int
main(int argc, char **argv)
{
	const char *slash, *name = "smartbox";
	const struct applet *a;

	sanitize_stdio();
	if (argc > 0) {
		slash = strrchr(argv[0], '/');
		name = slash != NULL ? slash + 1 : argv[0];
	}
	if (name[0] == '-')
		name++; /* a login shell's way */
	if ((a = applet_find(name)) != NULL)
		return (applet_run(a, argc, argv));
	if (argc < 2) {
		(void)fputs(main_usage, stderr);
		return (2);
	}
	if ((a = applet_find(argv[1])) != NULL)
		return (applet_run(a, argc - 1, argv + 1));
	return (run_options(argc, argv));
}
