/* SPDX-License-Identifier: MIT */
/*
 * trace: D programs as eBPF in the running kernel.
 *
 * One thread per session.  The order is: new, options, sources, compile, (targets), go, work until it says
 * that it is over, free.  trace_free detaches everything; so does the death of the process.
 */
#ifndef SMARTBOX_TRACE_TRACE_H
#define SMARTBOX_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "smartbox/core/err.h"

struct session;

/* Which field of a probe a bare word names: -P, -m, -f, -n, -i. */
enum trace_spec { TRACE_PROVIDER, TRACE_MODULE, TRACE_FUNCTION, TRACE_NAME, TRACE_ID };

int trace_new(struct session **out, struct err *e);
void trace_free(struct session *s);

/* name[=value] of -x; -ENOENT, -EINVAL with DTrace's words. */
int trace_option(struct session *s, const char *name, const char *value, struct err *e);
bool trace_option_flag(const struct session *s, const char *name);
/* Messages (notices, drops, errors of probes) go to fn, without "dtrace: " and newline. */
void trace_on_message(struct session *s, void (*fn)(void *arg, const char *text), void *arg);
void trace_output(struct session *s, int fd);

/*
 * A program: a script's text (file not NULL), or a description from the command line.  argv (borrowed until
 * the session ends): $0, $1 ...
 */
int trace_source(struct session *s, enum trace_spec kind, const char *file, const char *text,
    size_t len, int argc, const char *const *argv, struct err *e);
/* Stop this process's tasks from being anything but the target: $target. */
void trace_set_target(struct session *s, int pid);
/* Run CMD stopped at its start, or hold on to PID; both before trace_compile. */
int trace_command(struct session *s, const char *cmd, struct err *e);
int trace_grab(struct session *s, int pid, struct err *e);
/* Only tasks of this uts namespace (a zone's init is pid): -z. */
int trace_zone(struct session *s, int init_pid, struct err *e);

/*
 * A program that came from a zone (its init is init_pid, its ids begin at id_base), which was granted the privileges
 * dtrace_user, dtrace_proc: it sees that zone's tasks only, and may say only what harms nobody.  Before any option
 * or source.  Its processes, by the number that the zone gives them and the machine's, which must be one of the
 * zone's; they are grabbed.
 */
struct trace_grant {
	const char *name; /* borrowed */
	int init_pid;
	uint32_t id_base;
	bool user, proc;
};
int trace_confine(struct session *s, const struct trace_grant *g, struct err *e);
int trace_confined_pid(struct session *s, int inside, int outside, struct err *e);

/* Before trace_compile: as if the kernel had neither type information, symbols nor events. */
void trace_without_kernel(struct session *s);
int trace_compile(struct session *s, struct err *e);
/* After a failed compile: line and column of the error, 0 unknown. */
void trace_where(const struct session *s, int *line, int *col);
/* Which source the failed compile was in, from 0; -1 none. */
int trace_failed_source(const struct session *s);
/* Probes matched by the n-th source. */
unsigned trace_matched(const struct session *s, unsigned n);
/* All probes that the sources match (all when there is none), as `-l` prints them. */
int trace_list(struct session *s, FILE *f, bool verbose, struct err *e);
void trace_disassemble(struct session *s, FILE *f);

/*
 * Draw instead of printing (path "-": to the output): a flame graph or folded lines of all aggregations with
 * stacks, a heat map of the first distribution. trace_finish writes them; path is borrowed until then.
 */
enum trace_picture { TRACE_FLAME, TRACE_FOLDED, TRACE_HEATMAP };
int trace_picture(struct session *s, enum trace_picture kind, const char *path, struct err *e);
/* Show what was aggregated since the last time, the most first, every so many nanoseconds. */
int trace_top(struct session *s, uint64_t every_ns, struct err *e);

/* Load everything, attach, run BEGIN. */
int trace_go(struct session *s, struct err *e);
/*
 * Wait for records and consume them; 1: go on, 0: over, -errno.  Signals that the caller handles end the
 * wait.  trace_stop begins the end: END runs, what is left is printed by trace_finish.
 */
int trace_work(struct session *s, struct err *e);
void trace_stop(struct session *s);
int trace_finish(struct session *s, bool aggregations, struct err *e);
int trace_status(const struct session *s); /* of exit(), 0 without */
bool trace_has_destructive(const struct session *s);

#endif
