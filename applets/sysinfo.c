/* SPDX-License-Identifier: MIT */
/* sysinfo: what this machine is, as JSON or as shell assignments. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/jsonpath.h"
#include "smartbox/machine/sysinfo.h"

static const char sysinfo_usage[] =
    "usage: sysinfo [-f] [-p | -u]\n"
    "Print what this machine is, as JSON.\n"
    "  -f  collect anew (it always does)\n"
    "  -p  print shell assignments: Key='value', blanks in names become '_'\n"
    "  -u  collect and print nothing\n";

APPLET(sysinfo, "print what this machine is");

/* Single quotes for the shell. */
static void
print_quoted(const char *s)
{
	(void)putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			(void)fputs("'\\''", stdout);
		else
			(void)putchar(*s);
	}
	(void)puts("'");
}

static void
print_name(const char *prefix, const char *key)
{
	(void)fputs(prefix, stdout);
	for (; *key != '\0'; key++)
		(void)putchar(isalnum((unsigned char)*key) ? *key : '_');
}

/* Objects inside become PREFIX_KEY. */
static void
print_assignments(const char *prefix, json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) {
		char *text;

		if (json_is_object(v)) {
			char sub[256];

			(void)snprintf(sub, sizeof(sub), "%s%s_", prefix, key);
			for (char *s = sub; *s != '\0'; s++)
				if (!isalnum((unsigned char)*s))
					*s = '_';
			print_assignments(sub, v);
			continue;
		}
		text = jsonpath_text(v);
		print_name(prefix, key);
		(void)putchar('=');
		print_quoted(text != NULL ? text : "");
		free(text);
	}
}

static int
sysinfo_main(int argc, char **argv)
{
	bool parsable = false, quiet = false;
	struct err e = ERR_INIT;
	struct machine m;
	json_t *info;
	int c;

	while ((c = applet_getopt(argc, argv, "fpu")) != -1)
		if (c == '?')
			return (2);
		else if (c == 'p')
			parsable = true;
		else if (c == 'u')
			quiet = true;
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	machine_init(&m);
	if (sysinfo_collect(&m, &info, &e) != 0)
		return (applet_fail_plain(&e));
	if (parsable)
		print_assignments("", info);
	else if (!quiet)
		json_print(stdout, info);
	json_decref(info);
	return (0);
}
