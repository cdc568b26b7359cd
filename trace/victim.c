/* SPDX-License-Identifier: MIT */
/* The processes of -c and -p: started stopped, watched until they end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

struct trace_target {
	struct trace_target *next;
	pid_t pid;
	int pidfd;
	bool ours, stopped, gone;
};

static int
add_victim(struct session *s, pid_t pid, bool ours, struct err *e)
{
	struct trace_target *t = calloc(1, sizeof(*t));
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (t == NULL || fd < 0) {
		int code = t == NULL ? ENOMEM : errno;

		free(t);
		if (fd >= 0)
			(void)close(fd);
		return (err_set(e, code, "failed to grab pid %d: %s", (int)pid, strerror(code)));
	}
	t->pid = pid;
	t->pidfd = fd;
	t->ours = t->stopped = ours;
	t->next = s->victims;
	s->victims = t;
	trace_set_target(s, pid);
	return (0);
}

/* CMD at blanks, no shell. Runs in the child: a failed exec ends it with 127. */
static _Noreturn void
run_command(char *cmd)
{
	char *argv[256], *save = NULL;
	int n = 0;

	for (char *w = strtok_r(cmd, " \t\n", &save); w != NULL && n < 255;
	    w = strtok_r(NULL, " \t\n", &save))
		argv[n++] = w;
	argv[n] = NULL;
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	if (n > 0)
		(void)execvp(argv[0], argv);
	_exit(127);
}

/*
 * The child asks to be traced, so it stops behind its exec, before its first instruction; it is let go by
 * victims_start when everything is attached.
 */
int
trace_command(struct session *s, const char *cmd, struct err *e)
{
	char *copy = strdup(cmd);
	pid_t pid;
	int st, rc;

	if (copy == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((pid = fork()) == 0)
		run_command(copy);
	free(copy);
	if (pid < 0)
		return (err_sys(e, errno, "failed to create process"));
	while ((rc = waitpid(pid, &st, 0)) < 0 && errno == EINTR)
		continue;
	if (rc < 0 || !WIFSTOPPED(st))
		return (err_set(e, ENOENT, "failed to execute %s: No such file or directory", cmd));
	/* If we die, it must not stay stopped for ever. */
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
	return (add_victim(s, pid, true, e));
}

int
trace_grab(struct session *s, int pid, struct err *e)
{
	return (add_victim(s, pid, false, e));
}

int
victims_start(struct session *s, struct err *e)
{
	(void)e;
	for (struct trace_target *t = s->victims; t != NULL; t = t->next) {
		if (s->wants_ustack)
			sym_remember(s->syms, t->pid);
		if (!t->stopped)
			continue;
		t->stopped = false;
		(void)ptrace(PTRACE_SETOPTIONS, t->pid, NULL, 0);
		(void)ptrace(PTRACE_DETACH, t->pid, NULL, 0);
	}
	return (0);
}

static bool
has_ended(struct trace_target *t)
{
	struct pollfd p = {t->pidfd, POLLIN, 0};

	if (t->gone)
		return (true);
	if (poll(&p, 1, 0) <= 0)
		return (false);
	t->gone = true;
	if (t->ours)
		(void)waitpid(t->pid, NULL, WNOHANG);
	return (true);
}

/* False when there were some and all have ended. */
bool
victims_poll(struct session *s)
{
	bool alive = s->victims == NULL;

	for (struct trace_target *t = s->victims; t != NULL; t = t->next) {
		if (has_ended(t))
			continue;
		alive = true;
		if (s->wants_ustack)
			sym_remember(s->syms, t->pid);
	}
	return (alive);
}

void
victims_release(struct session *s)
{
	struct trace_target *t;

	while ((t = s->victims) != NULL) {
		s->victims = t->next;
		if (t->ours && t->stopped && !t->gone) {
			(void)kill(t->pid, SIGKILL);
			(void)waitpid(t->pid, NULL, 0);
		}
		(void)close(t->pidfd);
		free(t);
	}
}
