/* SPDX-License-Identifier: MIT */
/*
 * Starting programs: no shell, no leaked descriptors, a bounded wait.
 */
#ifndef SMARTBOX_CORE_SPAWN_H
#define SMARTBOX_CORE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
	const char *const *envp; /* NULL: ours */
	int fd[3];		 /* stdin, stdout, stderr; -1: /dev/null, -2: inherit */
	bool new_session;	 /* setsid */
	const int *keep;	 /* further descriptors to keep open, ends with -1; may be NULL */
};

#define SPAWN_INIT {0, 0, {-1, -2, -2}, false, 0}

/* pid in *out.  Every other descriptor >= 3 is closed in the child. */
int spawn_start(const struct spawn *s, pid_t *out, struct err *e);
/* 0 with the exit status in *status (128 + signal when killed).  timeout_ms < 0: for ever. */
int spawn_wait(pid_t pid, int timeout_ms, int *status, struct err *e);

/*
 * Run to the end.  out, if not NULL, gets stdout (malloc'ed, terminated, at most 16 MiB).  A
 * status other than 0 is an error that quotes the last line of stderr.
 */
int spawn_run(const char *const *argv, char **out, struct err *e);

/* In a child before exec: nothing blocked, nothing ignored or handled. */
void spawn_reset_signals(void);

/* This binary as another applet: path usable after chroot or unshare ("/proc/self/exe"). */
int spawn_self(const char *applet, const char *const *args, const struct spawn *tmpl, pid_t *out,
    struct err *e);

#endif
