/* SPDX-License-Identifier: MIT */
/*
 * The keeper: starts a pool's server again when it dies, and holds what must outlive it.
 *
 *	starter -> poold = keeper --- fork ---> server (fs/pool_server.c)
 *	             |   ^  ^                     |  signals: TERM export, HUP restart
 *	             |   |  `-- descriptors ------'  (stash_hold, stash_drop)
 *	             |   `-- SIGCHLD
 *	             `- the stash, /dev/fuse of each mount, the listening socket, the lock
 *
 * It does nothing else, so that there is nothing that could kill it.  When it is killed all the
 * same, its server goes with it (PR_SET_PDEATHSIG), and the pool is as after a crash: a server
 * without a keeper could not be what it promises.
 *
 * How the server ended			what follows
 *	exit 0				the pool is exported: the keeper ends
 *	before the first one served	the keeper ends; the starter has the error, or sees that
 *					nobody answers
 *	exit POOL_RESTART_STATUS	the keeper becomes the program that asked for it, then a server
 *	SIGKILL				a server; KILLS_MAX times in a row without one that came to serve
 *	another signal			a server; CRASHES_MAX times in CRASH_SECONDS
 *	exit 1				the pool cannot be opened: ERRORS_MAX tries, a second apart
 *
 * A crash is charged to the requests that were in the server's hands: one that was there twice is
 * answered EIO (fs/fuse_takeover.c).
 *
 * Giving up means to end: the kernel closes the descriptors, the mounts answer ENOTCONN, and the
 * next zfs or zpool command imports the pool anew, or says why it cannot (fs/client_start.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool_server_impl.h"
#include "pool_wire.h"
#include "smartbox/core/file.h"
#include "smartbox/core/pause.h"
#include "smartbox/core/spawn.h"

enum {
	LOCK_WAIT_MS = 10000, /* for a predecessor that is on its way out */
	KILLS_MAX = 20,
	CRASHES_MAX = 5,
	CRASH_SECONDS = 60,
	ERRORS_MAX = 3,
};

struct keeper {
	struct stash *st;
	int signal_fd, control;
	pid_t server;
	unsigned kills, errors; /* in a row */
	time_t crash[CRASHES_MAX];
	unsigned ncrash;
};

/* --- the lock ----------------------------------------------------------------------------------- */

static bool
is_listening(const char *pool)
{
	char sock[256];

	return (wire_path(sock, sizeof(sock), pool, ".sock", NULL) == 0 && access(sock, F_OK) == 0);
}

/* Serving, not leaving: no use in waiting. */
static int
take_lock(struct stash *st, struct err *e)
{
	char dir[256], path[256];
	int rc;

	if ((rc = wire_dir(dir, sizeof(dir), e)) != 0 || (rc = file_mkdirs(dir, 0755, e)) != 0 ||
	    (rc = wire_path(path, sizeof(path), st->h->pool, ".lock", e)) != 0)
		return (rc);
	for (unsigned waited = 0; ; waited += 20) {
		if ((st->h->lock_fd = file_lock(path, false, true, e)) >= 0)
			return (0);
		if (st->h->lock_fd != -EWOULDBLOCK || waited >= LOCK_WAIT_MS ||
		    (waited == 0 && is_listening(st->h->pool)))
			break;
		pause_ms(20);
	}
	if (st->h->lock_fd == -EWOULDBLOCK)
		return (err_set(e, EEXIST, "pool already exists"));
	return (st->h->lock_fd);
}

/* --- starting ----------------------------------------------------------------------------------- */

/* In the child: what is the keeper's is closed. */
static void
become_server(struct keeper *k, int control, pid_t keeper)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(1);
	(void)close(k->signal_fd);
	k->st->control = control;
}

/* 0: in the keeper; 1: in the server. */
static int
start_server(struct keeper *k, struct err *e)
{
	pid_t keeper = getpid();
	int pair[2];

	if (k->control >= 0)
		(void)close(k->control);
	k->control = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return (err_sys(e, errno, "cannot make a socket"));
	k->st->h->generation++;
	k->server = fork();
	if (k->server == 0) {
		(void)close(pair[0]);
		become_server(k, pair[1], keeper);
		return (1);
	}
	(void)close(pair[1]);
	k->control = pair[0];
	return (k->server < 0 ? err_sys(e, errno, "cannot start a server") : 0);
}

/* --- another program ---------------------------------------------------------------------------- */

static void
keep_over_exec(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, 0);
}

/* Would it know what to do with our memory? */
static bool
can_go_on(const char *exe, const char *fd_text)
{
	const char *argv[] = {"poold", "-n", "-k", fd_text, NULL};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)execv(exe, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0);
}

/* Returns when it is not to be: then this program goes on. */
static void
become_newer(struct keeper *k)
{
	char path[PATH_MAX];
	const char *argv[] = {"poold", "-k", NULL, NULL};
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", k->st->fd);
	argv[2] = text;
	keep_over_exec(k->st->fd);
	(void)snprintf(path, sizeof(path), "%s", k->st->h->exe);
	k->st->h->exe[0] = '\0';
	if (!can_go_on(path, text))
		return;
	keep_over_exec(k->st->h->lock_fd);
	keep_over_exec(k->st->h->listen_fd);
	for (unsigned i = 0; i < k->st->h->nsessions; i++)
		if (k->st->session[i].state != STASH_NO_SESSION)
			keep_over_exec(k->st->session[i].fd);
	(void)close(k->signal_fd);
	(void)close(k->control);
	(void)execv(path, (char *const *)(uintptr_t)argv);
	_exit(127); /* it could be run a moment ago */
}

/* --- deaths ------------------------------------------------------------------------------------- */

static void
charge_crash(struct keeper *k)
{
	for (unsigned i = 0; i < STASH_SLOTS; i++)
		if (k->st->slot[i].phase != STASH_FREE)
			k->st->slot[i].crashes++;
}

static time_t
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

static int
after_crash(struct keeper *k, int signal, struct err *e)
{
	time_t *oldest = &k->crash[k->ncrash++ % CRASHES_MAX], now = seconds();

	charge_crash(k);
	if (k->ncrash > CRASHES_MAX && now - *oldest < CRASH_SECONDS)
		return (err_set(e, EIO, "pool '%s': its server crashed %d times in %d s (signal %d); "
		    "giving up", k->st->h->pool, CRASHES_MAX + 1, CRASH_SECONDS, signal));
	*oldest = now;
	return (0);
}

static int
after_kill(struct keeper *k, struct err *e)
{
	k->kills = k->st->h->serving == k->st->h->generation ? 0 : k->kills + 1;
	if (k->kills > KILLS_MAX)
		return (err_set(e, EIO, "pool '%s': its server was killed %d times before it served; "
		    "giving up", k->st->h->pool, KILLS_MAX));
	pause_ms(k->kills * 10);
	return (0);
}

static int
after_error(struct keeper *k, struct err *e)
{
	if (++k->errors >= ERRORS_MAX)
		return (err_set(e, EIO, "pool '%s': it cannot be opened again; giving up", k->st->h->pool));
	pause_ms(1000);
	return (0);
}

/* 0: a successor should be started; 1: all is over; an error: giving up. */
static int
after_death(struct keeper *k, int status, struct err *e)
{
	while (stash_serve(k->st, k->control))
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (1);
	if (!k->st->h->started)
		return (WIFEXITED(status) ? 1 : err_set(e, EIO, "pool '%s': its server died at the start",
		    k->st->h->pool));
	if (WIFEXITED(status) && WEXITSTATUS(status) == POOL_RESTART_STATUS) {
		become_newer(k);
		return (0);
	}
	if (k->st->h->serving == k->st->h->generation)
		k->errors = 0;
	if (WIFEXITED(status))
		return (after_error(k, e));
	return (WTERMSIG(status) == SIGKILL ? after_kill(k, e) : after_crash(k, WTERMSIG(status), e));
}

/* --- the loop ----------------------------------------------------------------------------------- */

/* As start_server and after_death together: 1 in the server, 2 when all is over. */
static int
reap(struct keeper *k, struct err *e)
{
	int status, rc;

	if (waitpid(k->server, &status, WNOHANG) != k->server)
		return (0);
	rc = after_death(k, status, e);
	return (rc == 0 ? start_server(k, e) : rc > 0 ? 2 : rc);
}

static int
take_signal(struct keeper *k, struct err *e)
{
	struct signalfd_siginfo si;

	if (read(k->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return (0);
	if (si.ssi_signo != SIGCHLD)
		(void)kill(k->server, (int)si.ssi_signo);
	return (reap(k, e));
}

static int
keep(struct keeper *k, struct err *e)
{
	int rc = 0;

	while (rc == 0) {
		struct pollfd p[2] = {{k->signal_fd, POLLIN, 0}, {k->control, POLLIN, 0}};

		if (poll(p, 2, -1) < 0)
			continue;
		if ((p[1].revents & POLLIN) && stash_serve(k->st, k->control))
			continue;
		if (p[0].revents & POLLIN)
			rc = take_signal(k, e);
		else if (p[1].revents != 0)
			pause_ms(1); /* it closed its end: it is dying, the signal comes in a moment */
	}
	return (rc);
}

static int
watch_signals(struct keeper *k, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if ((k->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return (err_sys(e, errno, "signals"));
	return (0);
}

int
pool_keeper_run(const struct nvlist *request, int report_fd, struct err *e)
{
	struct keeper k = {.signal_fd = -1, .control = -1};
	const char *name = nv_str_or(request, "new_name", nv_str_or(request, "name", ""));
	int rc;

	pool_protect_memory();
	if ((rc = stash_new(name, 0, &k.st, e)) != 0 || (rc = take_lock(k.st, e)) != 0 ||
	    (rc = watch_signals(&k, e)) != 0 || (rc = start_server(&k, e)) < 0) {
		pool_server_report(report_fd, rc, e, NULL);
		return (rc);
	}
	if (rc == 1)
		return (pool_server_run(request, report_fd, k.st, e));
	(void)close(report_fd);
	rc = keep(&k, e);
	return (rc == 1 ? pool_server_run(NULL, -1, k.st, e) : rc == 2 ? 0 : rc);
}

int
pool_keeper_check(int fd, struct err *e)
{
	struct stash *st;
	int rc = stash_open(fd, &st, e);

	if (rc == 0)
		stash_free(st);
	return (rc);
}

int
pool_keeper_go_on(int fd, struct err *e)
{
	struct keeper k = {.signal_fd = -1, .control = -1};
	int rc;

	if ((rc = stash_open(fd, &k.st, e)) != 0 || (rc = watch_signals(&k, e)) != 0)
		return (rc);
	if ((rc = start_server(&k, e)) == 0)
		rc = keep(&k, e);
	return (rc == 1 ? pool_server_run(NULL, -1, k.st, e) : rc == 2 ? 0 : rc);
}
