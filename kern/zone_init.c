/* SPDX-License-Identifier: MIT */
/*
 * The first process of a zone whose root has no init: a minimal image, a root made of one static
 * binary.
 *
 * It runs /etc/rc.local if there is one, reaps orphans, and ends the zone on request: SIGPWR and
 * SIGTERM halt it, SIGINT reboots it (what other inits do with ctrl-alt-del).  It is the supervisor's
 * own code without an exec, so it needs no file in the zone, shares its memory with all other
 * supervisors and, being of the initial user namespace, cannot be traced from inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/pause.h"
#include "zone_platform.h"

enum { GRACE_MS = 5000 };

/* The supervisor spares this process when memory runs out; what it starts is like any other. */
static void
like_any_other(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	(void)close(fd);
}

static void
run_rc_local(bool single)
{
	static char *const argv[] = {(char *)(uintptr_t) "/etc/rc.local",
	    (char *)(uintptr_t) "start", NULL};
	static char *const envp[] = {(char *)(uintptr_t) "PATH=" ZONE_PATH,
	    (char *)(uintptr_t) "HOME=/root", (char *)(uintptr_t) "TERM=xterm", NULL};
	sigset_t none;

	if (single || access(argv[0], X_OK) != 0 || fork() != 0)
		return;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	like_any_other();
	(void)execve(argv[0], argv, envp);
	_exit(127);
}

/* Reap what is there; true when no child is left. */
static bool
reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return (pid < 0 && errno == ECHILD);
}

/* SIGTERM to everybody, a few seconds, SIGKILL. */
static void
stop_everybody(void)
{
	(void)kill(-1, SIGTERM);
	(void)kill(-1, SIGCONT);
	for (int ms = 0; ms < GRACE_MS && !reap(); ms += 20)
		pause_ms(20);
	(void)kill(-1, SIGKILL);
}

_Noreturn void
zone_init_main(const char *bootargs)
{
	static const int handled[] = {SIGCHLD, SIGPWR, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;

	(void)prctl(PR_SET_NAME, "zoneinit", 0, 0, 0);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		(void)sigaddset(&set, handled[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	run_rc_local(bootargs != NULL && strstr(bootargs, "-s") != NULL);
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		(void)reap();
		if (sig != SIGPWR && sig != SIGTERM && sig != SIGINT)
			continue;
		stop_everybody();
		(void)reboot(sig == SIGINT ? RB_AUTOBOOT : RB_POWER_OFF);
		_exit(0);
	}
}
