/* SPDX-License-Identifier: MIT */
/* Between the files of the applet trace: what was asked for on a command line, here or in a zone. */
#ifndef APPLETS_TRACE_IMPL_H
#define APPLETS_TRACE_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/trace/trace.h"

enum { MAX_SOURCES = 64, MAX_COMMANDS = 16, SCRIPT_MAX = 16 << 20 };

struct source {
	int opt; /* the letter */
	const char *arg;
	const char *given; /* -s: the text, when it is here already */
};

struct options {
	struct source src[MAX_SOURCES];
	const char *text[MAX_SOURCES];
	int nsrc;
	const char *cmds[MAX_COMMANDS], *cppargs[32];
	int pids[MAX_COMMANDS], ncmds, npids, ncppargs;
	const char *out;
	bool pictures;
	bool compile_only, list, verbose, cpp, disassemble, version, quiet_w;
	int control; /* of a zone's client, whose word or end ends us; 0 none */
	void (*attached)(void); /* called when everything is; may be NULL */
};

extern const char trace_options[]; /* of getopt */

/* A script's text, through cpp when that was asked for; "-" is the standard input.  malloc'ed. */
int trace_read_script(const struct options *o, const char *path, char **text, size_t *len,
    struct err *e);
int trace_cpp_arg(struct options *o, int opt, const char *arg);
/* Compile and run, or list; the exit status. */
int trace_perform(struct session *s, struct options *o, int nargs, const char *const *args);
void trace_message(void *arg, const char *text);

/* trace_zone.c: is this a zone that may trace?  Then ask the broker; be the broker. */
bool trace_in_zone(void);
int trace_ask(int argc, char **argv);
int trace_broker(int argc, char **argv);

#endif
