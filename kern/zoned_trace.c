/* SPDX-License-Identifier: MIT */
/*
 * Tracing by a zone that was granted it (limitpriv with dtrace_user or dtrace_proc).
 *
 *	zone's root: trace --- /dev/zone/trace ---> supervisor: who is it?  how many are there?
 *	                 |                               | clone into the zone's login cgroup, exec
 *	                 +------- the connection --------+-> trace (the broker): applets/trace_zone.c
 *
 * The zone has neither CAP_BPF nor bpf(2).  What traces for it runs outside, from the supervisor's own sealed
 * binary, with nothing open but the connection, and is accounted to the zone: its memory, maps in the kernel
 * included, counts against max-physical-memory, its time against cpu-cap, and killing the zone's cgroup ends it.
 *
 * The socket is bound by the builder in the file system of /dev/zone, which the zone cannot change, mode 0600
 * and the zone's root's.  A supervisor that adopts a zone has lost it: the zone traces again after its next boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartbox/core/spawn.h"
#include "smartbox/kern/zone_priv.h"
#include "zoned_impl.h"

enum { TRACERS_MAX = 8, BROKER_FD = 3 };

static bool
granted(const struct zoned *z, const char *priv)
{
	return (zone_priv_granted(zonecfg_get(z->cfg, "limitpriv"), priv));
}

int
zoned_trace_prepare(struct zoned *z, struct err *e)
{
	z->plat.trace = -1;
	if (!granted(z, "dtrace_user") && !granted(z, "dtrace_proc"))
		return (0);
	z->plat.trace = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return (z->plat.trace >= 0 ? 0 : err_sys(e, errno, "socket"));
}

/* --- in the builder ------------------------------------------------------------------------------ */

/* bind(2) takes a path: that of this directory, which is not attached anywhere yet, is ".". */
int
zone_trace_bind(const struct zone_platform *p, int dir, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "trace"};
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), rc = 0;
	mode_t mask = umask(0177);

	if (here < 0 || fchdir(dir) != 0 || bind(p->trace, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    fchownat(dir, "trace", p->id_base, p->id_base, AT_SYMLINK_NOFOLLOW) != 0)
		rc = err_sys(e, errno, "/dev/zone/trace");
	(void)umask(mask);
	if (here >= 0) {
		if (fchdir(here) != 0 && rc == 0)
			rc = err_sys(e, errno, "working directory");
		(void)close(here);
	}
	return (rc);
}

/* --- connections --------------------------------------------------------------------------------- */

static void
on_tracer_exit(struct loop *l, pid_t pid, int status, void *arg)
{
	struct zoned *z = arg;

	(void)l;
	(void)pid;
	(void)status;
	z->ntracers--;
}

/* The child: nothing of the supervisor's but its program and this connection. */
static _Noreturn void
become_broker(const struct zoned *z, int s)
{
	char init[24], base[24], privs[32];
	const char *argv[] = {"trace", "--broker", init, base, privs, z->name, NULL};
	char *const envp[] = {NULL};

	(void)snprintf(init, sizeof(init), "%d", (int)z->run.init);
	(void)snprintf(base, sizeof(base), "%" PRIu32, z->run.id_base);
	(void)snprintf(privs, sizeof(privs), "%s,%s", granted(z, "dtrace_user") ? "user" : "",
	    granted(z, "dtrace_proc") ? "proc" : "");
	spawn_reset_signals();
	if (dup2(s, BROKER_FD) != BROKER_FD)
		_exit(126);
	(void)syscall(SYS_close_range, BROKER_FD + 1, ~0u, 0u);
	(void)execve("/proc/self/exe", (char *const *)(uintptr_t)argv, envp);
	_exit(127);
}

static void
serve(struct zoned *z, int s)
{
	struct clone_args a = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
	    .cgroup = (uint64_t)z->cg.login};
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));

	if (pid == 0)
		become_broker(z, s);
	if (pid > 0 && loop_child(z->loop, pid, on_tracer_exit, z) != NULL)
		z->ntracers++;
	else if (pid < 0)
		zoned_log(z, "cannot start a tracer: %s", strerror(errno));
}

static void
on_tracer(struct loop *l, int fd, unsigned events, void *arg)
{
	struct zoned *z = arg;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred cr;
	socklen_t n = sizeof(cr);

	(void)l;
	(void)events;
	if (s < 0)
		return;
	if (z->run.state == ZONE_RUNNING && z->ntracers < TRACERS_MAX &&
	    getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0 && cr.uid == z->run.id_base)
		serve(z, s);
	(void)close(s);
}

int
zoned_trace_listen(struct zoned *z, struct err *e)
{
	if (z->plat.trace < 0)
		return (0);
	if (listen(z->plat.trace, TRACERS_MAX) != 0)
		return (err_sys(e, errno, "/dev/zone/trace"));
	z->trace_watch = loop_fd(z->loop, z->plat.trace, LOOP_READ, on_tracer, z);
	return (z->trace_watch != NULL ? 0 : err_set(e, ENOMEM, "out of memory"));
}

void
zoned_trace_close(struct zoned *z)
{
	watch_remove(z->trace_watch);
	z->trace_watch = NULL;
	if (z->plat.trace >= 0)
		(void)close(z->plat.trace);
	z->plat.trace = -1;
}
