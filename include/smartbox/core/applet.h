/* SPDX-License-Identifier: MIT */
/*
 * Applets: the commands of the multicall binary.
 *
 * An applet is one file in applets/ with its usage text on top, the APPLET line and a static
 * `<name>_main`.  APPLET puts a pointer to a const struct into the linker section "applets"; the
 * dispatcher (core/main.c) finds it there, so adding the file adds the command.
 *
 *	static const char true_usage[] = "usage: true\nDo nothing, successfully.\n";
 *	APPLET(true, "do nothing, successfully");
 *	static int true_main(int argc, char **argv) { ... }
 *
 * A command whose name is no C identifier uses APPLET_NAMED(ident, "na-me", "summary").
 *
 * Exit codes: 0 done, 1 failed, 2 usage.  `-h` and `--help` as the first argument are answered by
 * the dispatcher from the usage text (stdout, 0).
 */
#ifndef SMARTBOX_CORE_APPLET_H
#define SMARTBOX_CORE_APPLET_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/core/err.h"

struct applet {
	const char *name;
	const char *summary; /* one line, no full stop */
	const char *usage;   /* whole text, ends in a newline */
	int (*main)(int argc, char **argv);
	bool hidden; /* a daemon or helper: not in --list, no symlink */
};

#define APPLET_DEFINE(ident, nm, sum, hid)                                                         \
	static int ident##_main(int argc, char **argv);                                            \
	static const struct applet ident##_applet = {nm, sum, ident##_usage, ident##_main, hid};   \
	static const struct applet *const ident##_applet_ptr                                       \
	    __attribute__((used, retain, section("applets"))) = &ident##_applet
#define APPLET(ident, sum) APPLET_DEFINE(ident, #ident, sum, false)
#define APPLET_NAMED(ident, nm, sum) APPLET_DEFINE(ident, nm, sum, false)
#define APPLET_HIDDEN(ident, sum) APPLET_DEFINE(ident, #ident, sum, true)

/*
 * A subcommand.  `args` is the synopsis behind the name ("[-t] -l LINK NAME"); `help` one line or
 * NULL.  `run` gets argv[0] = the subcommand's name and getopt reset.
 */
struct subcmd {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help;
};

/*
 * Run the subcommand that argv[1] names.  No or an unknown word, `-h`, `-?` and `help` print the
 * usage made from the table (exit 2, or 0 when asked for).  The table ends with a NULL name.
 */
int subcmd_run(const struct subcmd *tbl, int argc, char **argv);

/* The applet that runs in this process ("zpool"); "smartbox" before dispatch. */
const char *applet_name(void);
const struct applet *applet_find(const char *name);

/* What this program is called by: the commit it was made of. */
const char *applet_version(void);

/* "applet: <text>\n" on stderr; returns 1, resp. 2 with a pointer to -h. */
int applet_fail(const struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int applet_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void applet_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * applet_fail(e, "cannot X 'y'") prints "applet: cannot X 'y': <e->msg>"; e NULL or empty leaves
 * the colon out.  applet_fail_plain prints "<applet>: <e->msg>".
 */
int applet_fail_plain(const struct err *e);
/* As applet_fail without "applet: ": for commands whose messages people and scripts know (zfs). */
int applet_fail_bare(const struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The option letters of a subcommand, as getopt(3), but an unknown letter or a missing argument
 * prints the subcommand's usage line and returns '?'.  Call in a loop like getopt.
 */
int applet_getopt(int argc, char **argv, const char *opts);
/*
 * 1, after a message, when an argument has a control character, which no name has: it is not to be repeated on a
 * terminal.  Values behind a '=' may have them.
 */
int applet_refuse_control(int argc, char **argv);
/* The same with long names for some of the letters; the table as getopt_long's, NULL: none. */
struct option;
int applet_getopt_long(int argc, char **argv, const char *opts, const struct option *names);

#endif
