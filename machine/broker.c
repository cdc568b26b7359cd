/* SPDX-License-Identifier: MIT */
/* Processes outside a machine's walls; see the header. */
#include "smartbox/machine/broker.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
keep_only(const int *from, int to[BROKER_SOCKETS], unsigned n)
{
	enum { BASE = 900 };

	for (unsigned i = 0; i < n; i++) {
		if (dup2(from[i], BASE + (int)i) < 0)
			_exit(1);
		to[i] = BASE + (int)i;
	}
	(void)syscall(SYS_close_range, 3u, (unsigned)BASE - 1, 0u);
	(void)syscall(SYS_close_range, (unsigned)BASE + n, ~0u, 0u);
}

int
broker_start(const char *name, const int *s, unsigned n,
    void (*serve)(void *arg, const int *s, unsigned n), void *arg, struct err *e)
{
	int kept[BROKER_SOCKETS];
	pid_t pid;

	if (n > BROKER_SOCKETS)
		return (err_set(e, EINVAL, "more than %d sockets", BROKER_SOCKETS));
	if ((pid = fork()) < 0)
		return (err_sys(e, errno, "fork"));
	if (pid > 0)
		return (0);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	(void)setsid();
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, sig == SIGPIPE || sig == SIGHUP || sig == SIGINT ? SIG_IGN : SIG_DFL);
	keep_only(s, kept, n);
	serve(arg, kept, n);
	_exit(0);
}
