/* SPDX-License-Identifier: MIT */
/*
 * Starting programs without a shell.
 *
 * The child closes every descriptor from 3 up but those it is told to keep (close_range where the
 * kernel has it).  A failed exec is reported to the parent as an error of spawn_start, through a
 * close-on-exec pipe, not as a strange exit status later.
 */
#include "smartbox/core/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/pause.h"

enum { OUTPUT_MAX = 16 << 20, STDERR_MAX = 4096 };

extern char **environ;

static bool
is_kept(const int *keep, int fd)
{
	for (; keep != NULL && *keep >= 0; keep++)
		if (*keep == fd)
			return (true);
	return (false);
}

/* In the child: put the three in place; -1 means /dev/null, -2 leave alone. */
static int
place_stdio(const int fd[3])
{
	int safe[3];

	/* First move all sources above 2, so that placing one does not overwrite another. */
	for (int i = 0; i < 3; i++) {
		safe[i] = fd[i];
		if (fd[i] == -1)
			safe[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (safe[i] >= 0 && (safe[i] = fcntl(safe[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return (-errno);
		if (fd[i] == -1 && safe[i] < 0)
			return (-errno);
	}
	for (int i = 0; i < 3; i++)
		if (safe[i] >= 0 && dup2(safe[i], i) < 0)
			return (-errno);
	return (0);
}

/* The report pipe closes itself at exec; everything else but `keep` is marked or closed at once. */
static void
close_others(const int *keep, int report)
{
	bool marked = syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0;
	long max = sysconf(_SC_OPEN_MAX);

	for (const int *k = keep; k != NULL && *k >= 0; k++)
		(void)fcntl(*k, F_SETFD, 0);
	if (marked)
		return;
	if (max < 0 || max > 65536)
		max = 65536;
	for (int fd = 3; fd < max; fd++)
		if (fd != report && !is_kept(keep, fd))
			(void)close(fd);
}

void
spawn_reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < 32; s++)
		if (s != SIGKILL && s != SIGSTOP)
			(void)signal(s, SIG_DFL);
}

static void
run_child(const struct spawn *s, const char *file, int report)
{
	int rc;

	spawn_reset_signals();
	if (s->new_session)
		(void)setsid();
	if ((rc = place_stdio(s->fd)) == 0) {
		close_others(s->keep, report);
		if (s->envp != NULL)
			environ = (char **)(uintptr_t)s->envp;
		(void)execvp(file, (char *const *)(uintptr_t)s->argv);
		rc = -errno;
	}
	(void)!write(report, &rc, sizeof(rc));
	_exit(127);
}

static int
start(const struct spawn *s, const char *file, pid_t *out, struct err *e)
{
	int p[2], rc = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) != 0)
		return (err_sys(e, errno, "cannot start %s", s->argv[0]));
	pid = fork();
	if (pid == 0)
		run_child(s, file, p[1]);
	(void)close(p[1]);
	if (pid < 0) {
		rc = -errno;
		(void)close(p[0]);
		return (err_rc(e, rc, "cannot start %s", s->argv[0]));
	}
	do
		n = read(p[0], &rc, sizeof(rc));
	while (n < 0 && errno == EINTR);
	(void)close(p[0]);
	if (n == (ssize_t)sizeof(rc)) {
		(void)waitpid(pid, NULL, 0);
		return (err_rc(e, rc, "cannot run %s", s->argv[0]));
	}
	*out = pid;
	return (0);
}

int
spawn_start(const struct spawn *s, pid_t *out, struct err *e)
{
	return (start(s, s->argv[0], out, e));
}

int
spawn_self(const char *applet, const char *const *args, const struct spawn *tmpl, pid_t *out,
    struct err *e)
{
	struct spawn s = tmpl != NULL ? *tmpl : (struct spawn)SPAWN_INIT;
	const char *argv[64] = {applet};
	size_t n = 1;

	for (; args != NULL && *args != NULL; args++) {
		if (n == sizeof(argv) / sizeof(argv[0]) - 1)
			return (err_set(e, E2BIG, "%s: too many arguments", applet));
		argv[n++] = *args;
	}
	s.argv = argv;
	return (start(&s, "/proc/self/exe", out, e));
}

static int
exit_status(int wstatus)
{
	return (WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus));
}

static int
wait_blocking(pid_t pid, int *status, struct err *e)
{
	int w;

	while (waitpid(pid, &w, 0) < 0)
		if (errno != EINTR)
			return (err_sys(e, errno, "cannot wait for process %d", (int)pid));
	*status = exit_status(w);
	return (0);
}

int
spawn_wait(pid_t pid, int timeout_ms, int *status, struct err *e)
{
	int w;
	pid_t got;

	if (timeout_ms < 0)
		return (wait_blocking(pid, status, e));
	for (int waited = 0; ; waited += 5) {
		if ((got = waitpid(pid, &w, WNOHANG)) == pid) {
			*status = exit_status(w);
			return (0);
		}
		if (got < 0 && errno != EINTR)
			return (err_sys(e, errno, "cannot wait for process %d", (int)pid));
		if (waited >= timeout_ms)
			return (err_set(e, ETIMEDOUT, "process %d still runs after %d ms", (int)pid,
			    timeout_ms));
		pause_ms(5);
	}
}

/* One read from a ready pipe; false at its end. */
static bool
drain(int fd, struct buf *b, size_t max)
{
	char chunk[8192];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0)
		return (errno == EINTR || errno == EAGAIN);
	if (n > 0 && b->len < max)
		buf_add(b, chunk, (size_t)n < max - b->len ? (size_t)n : max - b->len);
	return (n > 0);
}

static void
collect(int ofd, int efd, struct buf *out, struct buf *errs)
{
	struct pollfd p[2] = {{ofd, POLLIN, 0}, {efd, POLLIN, 0}};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents != 0 && !drain(ofd, out, OUTPUT_MAX))
			p[0].fd = -1;
		if (p[1].revents != 0 && !drain(efd, errs, STDERR_MAX))
			p[1].fd = -1;
		p[0].revents = p[1].revents = 0;
	}
}

/* The last line that says something. */
static const char *
last_line(struct buf *b)
{
	char *p;

	buf_add(b, "", 0);
	if (b->data == NULL)
		return ("");
	while (b->len != 0 && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
		b->data[--b->len] = '\0';
	p = strrchr(b->data, '\n');
	return (p != NULL ? p + 1 : b->data);
}

static int
make_pipes(int o[2], int r[2], struct err *e)
{
	if (pipe2(o, O_CLOEXEC) != 0)
		return (err_sys(e, errno, "pipe"));
	if (pipe2(r, O_CLOEXEC) != 0) {
		(void)close(o[0]);
		(void)close(o[1]);
		return (err_sys(e, errno, "pipe"));
	}
	return (0);
}

int
spawn_run(const char *const *argv, char **out, struct err *e)
{
	struct buf obuf = BUF_INIT, ebuf = BUF_INIT;
	struct spawn s = SPAWN_INIT;
	int o[2], r[2], status = 0, rc;
	pid_t pid;

	if ((rc = make_pipes(o, r, e)) != 0)
		return (rc);
	s.argv = argv;
	s.fd[1] = o[1];
	s.fd[2] = r[1];
	rc = spawn_start(&s, &pid, e);
	(void)close(o[1]);
	(void)close(r[1]);
	if (rc == 0) {
		collect(o[0], r[0], &obuf, &ebuf);
		rc = spawn_wait(pid, -1, &status, e);
	}
	(void)close(o[0]);
	(void)close(r[0]);
	if (rc == 0 && status != 0)
		rc = err_set(e, EIO, "%s failed with status %d: %s", argv[0], status,
		    last_line(&ebuf));
	if (rc == 0 && out != NULL && (*out = buf_take(&obuf)) == NULL)
		rc = err_set(e, ENOMEM, "%s: out of memory", argv[0]);
	buf_free(&obuf);
	buf_free(&ebuf);
	return (rc);
}
