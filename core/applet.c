/* SPDX-License-Identifier: MIT */
/* What applets share: the table of all of them, subcommand dispatch, messages on stderr. */
#include "smartbox/core/applet.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "applet_impl.h"

/* Bounds of the linker section; weak, so that a binary without applets still links. */
extern const struct applet *const __start_applets[] __attribute__((weak));
extern const struct applet *const __stop_applets[] __attribute__((weak));

static const struct applet *current;
static const struct subcmd *current_sub;
static const char *version = "unknown";

size_t
applet_count(void)
{
	return ((size_t)(__stop_applets - __start_applets));
}

const struct applet *
applet_at(size_t i)
{
	return (__start_applets[i]);
}

const struct applet *
applet_find(const char *name)
{
	for (size_t i = 0; i < applet_count(); i++)
		if (strcmp(applet_at(i)->name, name) == 0)
			return (applet_at(i));
	return (NULL);
}

const char *
applet_name(void)
{
	return (current != NULL ? current->name : "smartbox");
}

void
applet_set_version(const char *v)
{
	version = v;
}

const char *
applet_version(void)
{
	return (version);
}

static bool
wants_help(const char *arg)
{
	return (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0);
}

int
applet_run(const struct applet *a, int argc, char **argv)
{
	current = a;
	(void)prctl(PR_SET_NAME, a->name); /* one started through /proc/self/exe is called "exe" */
	if (argc == 2 && wants_help(argv[1]) && a->usage[0] != '\0') {
		(void)fputs(a->usage, stdout);
		return (fflush(stdout) == 0 ? 0 : 1);
	}
	return (a->main(argc, argv));
}

static void
vmessage(const char *prefix, const struct err *e, const char *fmt, va_list ap)
{
	(void)fflush(stdout);
	if (prefix != NULL)
		(void)fprintf(stderr, "%s: ", prefix);
	if (fmt != NULL)
		(void)vfprintf(stderr, fmt, ap);
	if (e != NULL && e->msg[0] != '\0')
		(void)fprintf(stderr, "%s%s", fmt != NULL ? ": " : "", e->msg);
	(void)fputc('\n', stderr);
}

int
applet_fail(const struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(applet_name(), e, fmt, ap);
	va_end(ap);
	return (1);
}

int
applet_fail_bare(const struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(NULL, e, fmt, ap);
	va_end(ap);
	return (1);
}

int
applet_fail_plain(const struct err *e)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s: %s\n", applet_name(), e->msg);
	return (1);
}

void
applet_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(applet_name(), NULL, fmt, ap);
	va_end(ap);
}

int
applet_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(applet_name(), NULL, fmt, ap);
	va_end(ap);
	if (current_sub != NULL)
		(void)fprintf(stderr, "usage: %s %s %s\n", applet_name(), current_sub->name,
		    current_sub->args);
	else
		(void)fprintf(stderr, "run '%s -h' for help\n", applet_name());
	return (2);
}

static void
print_subcommands(FILE *f, const struct subcmd *tbl)
{
	(void)fprintf(f, "usage: %s COMMAND [ARGUMENT]...\n\ncommands:\n", applet_name());
	for (; tbl->name != NULL; tbl++) {
		(void)fprintf(f, "  %s %s\n", tbl->name, tbl->args);
		if (tbl->help != NULL)
			(void)fprintf(f, "      %s\n", tbl->help);
	}
}

static const struct subcmd *
find_subcommand(const struct subcmd *tbl, const char *name)
{
	for (; tbl->name != NULL; tbl++)
		if (strcmp(tbl->name, name) == 0)
			return (tbl);
	return (NULL);
}

int
subcmd_run(const struct subcmd *tbl, int argc, char **argv)
{
	const struct subcmd *s;

	if (argc < 2) {
		(void)fprintf(stderr, "%s: missing command\n", applet_name());
		print_subcommands(stderr, tbl);
		return (2);
	}
	if (wants_help(argv[1]) || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
		print_subcommands(stdout, tbl);
		return (0);
	}
	if ((s = find_subcommand(tbl, argv[1])) == NULL) {
		(void)fprintf(stderr, "%s: unrecognized command '%s'\n", applet_name(), argv[1]);
		print_subcommands(stderr, tbl);
		return (2);
	}
	current_sub = s;
	if (argc == 3 && wants_help(argv[2]) && strstr(s->args, "-h") == NULL) {
		(void)printf("usage: %s %s %s\n", applet_name(), s->name, s->args);
		if (s->help != NULL)
			(void)printf("%s\n", s->help);
		return (0);
	}
	optind = 0; /* musl and glibc: restart scanning */
	return (s->run(argc - 1, argv + 1));
}

int
applet_refuse_control(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		unsigned char *c = (unsigned char *)argv[i];

		while (*c >= ' ' && *c != 0x7f)
			c++;
		if (*c == '\0' || strchr(argv[i], '=') != NULL)
			continue;
		for (; *c != '\0'; c++)
			*c = *c < ' ' || *c == 0x7f ? '?' : *c;
		return (applet_fail(NULL, "invalid character (shown as '?') in argument '%s'", argv[i]));
	}
	return (0);
}

int
applet_getopt(int argc, char **argv, const char *opts)
{
	return (applet_getopt_long(argc, argv, opts, NULL));
}

int
applet_getopt_long(int argc, char **argv, const char *opts, const struct option *names)
{
	char spec[128];
	int c;

	(void)snprintf(spec, sizeof(spec), "+:%s", opts);
	opterr = 0;
	c = names == NULL ? getopt(argc, argv, spec) : getopt_long(argc, argv, spec, names, NULL);
	if (c == '?' && names != NULL && optind > 0 && strncmp(argv[optind - 1], "--", 2) == 0) {
		(void)applet_usage("invalid option '%s'", argv[optind - 1]);
		return ('?');
	}
	if (c == ':') {
		(void)applet_usage("missing argument for '-%c' option", optopt);
		return ('?');
	}
	if (c == '?')
		(void)applet_usage("invalid option '-%c'", optopt);
	return (c);
}
