/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's control socket: requests in, answers out when what was asked has happened.
 *
 * A client that asked for a transition which takes time (halt, reboot, shutdown) waits in the list
 * until zoned_settled().  Leaving earlier cancels nothing, except for the process of an exec session,
 * which gets SIGHUP, as from a terminal that is gone.
 *
 * The supervisor may end while somebody connects.  So clients hold <run>/zone/NAME.start while they
 * connect or start a supervisor; the supervisor takes the same lock to leave, looks for a connection
 * that came in before, and keeps the lock until it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "newmount.h"
#include "smartbox/core/file.h"
#include "smartbox/kern/zone_run.h"
#include "zoned_impl.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { BACKLOG = 64 };

void
client_close(struct client *c)
{
	struct client **p = &c->z->clients;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	watch_remove(c->watch);
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->op == OP_EXEC && c->exec_live) {
		/* Its end is still to be reaped: keep the record, without a connection. */
		(void)kill(c->pid, SIGHUP);
		c->fd = -1;
		c->watch = NULL;
		return;
	}
	free(c);
}

static void
reply(struct client *c, int kind, int rc, const char *text, int fd)
{
	struct zoned_reply r = {.kind = (uint32_t)kind, .rc = rc};

	if (c->fd < 0)
		return;
	(void)snprintf(r.text, sizeof(r.text), "%s", text);
	(void)zoned_send(c->fd, &r, sizeof(r), &fd, fd >= 0);
}

static void
finish(struct client *c, int rc, const char *text)
{
	reply(c, REPLY_DONE, rc, text, -1);
	client_close(c);
}

void
zoned_settled(struct zoned *z, int rc, const char *text)
{
	struct client *c = z->clients, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (c->op == OP_HALT || c->op == OP_REBOOT || c->op == OP_SHUTDOWN)
			finish(c, rc, text);
	}
}

/* --- exec sessions --- */

static void
on_exec_exit(struct loop *l, pid_t pid, int status, void *arg)
{
	struct client *c = arg;
	struct zoned *z = c->z;
	bool connected = c->fd >= 0;

	(void)l;
	(void)pid;
	c->exec_live = false;
	if (!connected) {
		free(c);
		return;
	}
	reply(c, REPLY_EXIT, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), "",
	    -1);
	client_close(c);
	zoned_maybe_exit(z);
}

/* A terminal of the zone's own devpts, owned by its root. */
static int
open_pty(struct zoned *z, const struct zoned_request *rq, int *master, int *slave, unsigned *num)
{
	struct winsize ws = {.ws_row = rq->rows, .ws_col = rq->cols};
	int unlock = 0;

	if (z->plat.devpts < 0)
		return (-ENXIO);
	(void)setfsgid(z->run.id_base);
	(void)setfsuid(z->run.id_base);
	*master = open_beneath(z->plat.devpts, "ptmx", O_RDWR | O_NOCTTY);
	(void)setfsuid(0);
	(void)setfsgid(0);
	if (*master < 0)
		return (*master);
	*slave = -1;
	if (ioctl(*master, TIOCSPTLCK, &unlock) == 0 && ioctl(*master, TIOCGPTN, num) == 0)
		*slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0) {
		int rc = -errno;

		(void)close(*master);
		return (rc);
	}
	(void)ioctl(*master, TIOCSWINSZ, &ws);
	return (0);
}

static int
start_exec(struct client *c, const struct zoned_request *rq, struct zone_enter *x, struct err *e)
{
	int master = -1, slave = -1, rc;
	char tty[32] = "";
	unsigned num = 0;

	if (c->z->run.state != ZONE_RUNNING)
		return (err_set(e, EINVAL, "zone is not running"));
	if (rq->flags & ZONE_EXEC_PTY) {
		if ((rc = open_pty(c->z, rq, &master, &slave, &num)) != 0)
			return (err_rc(e, rc, "terminal"));
		(void)snprintf(tty, sizeof(tty), "pts/%u", num);
		x->fd[0] = x->fd[1] = x->fd[2] = slave;
		x->tty = true;
	} else if (x->fd[0] < 0 || x->fd[1] < 0 || x->fd[2] < 0) {
		return (err_set(e, EINVAL, "three descriptors are needed"));
	}
	if ((rc = zone_enter(x, &c->pid, e)) == 0) {
		c->exec_live = true;
		reply(c, REPLY_DONE, 0, tty, master);
		(void)loop_child(c->z->loop, c->pid, on_exec_exit, c);
	}
	if (master >= 0)
		(void)close(master);
	if (slave >= 0)
		(void)close(slave);
	return (rc);
}

/* --- requests --- */

struct request {
	struct zoned_request h;
	char text[ZONED_TEXT_MAX];
};

/* The strings behind the header; every one must end inside the message. */
static int
take_strings(const struct request *rq, size_t len, const char *out[3])
{
	const uint8_t has[3] = {rq->h.has_text, rq->h.has_user, rq->h.has_term};
	const char *p = rq->text, *end = (const char *)rq + len;

	for (int i = 0; i < 3; i++) {
		const char *nul;

		out[i] = NULL;
		if (!has[i])
			continue;
		if ((nul = memchr(p, '\0', (size_t)(end - p))) == NULL)
			return (-EINVAL);
		out[i] = p;
		p = nul + 1;
	}
	return (0);
}

static pid_t
peer_pid(int fd)
{
	struct ucred cr = {0};
	socklen_t n = sizeof(cr);

	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0 ? cr.pid : 0);
}

/* 0: answer "done" now; 1: the answer comes later; negative: refused. */
static int
act(struct client *c, const struct request *rq, const char *const s[3], int fds[3], struct err *e)
{
	struct zoned *z = c->z;
	bool again = rq->h.flags != 0;
	struct zone_enter x = {.p = &z->plat, .command = s[0], .user = s[1], .term = s[2],
	    .flags = rq->h.flags, .fd = {fds[0], fds[1], fds[2]}};
	int rc;

	switch (rq->h.op) {
	case OP_READY:
		return (zoned_ready(z, e));
	case OP_BOOT:
		return (zoned_boot(z, s[0], e));
	case OP_HALT:
		rc = zoned_halt(z, false, NULL, e);
		return (rc == 0 ? 1 : rc);
	case OP_REBOOT:
		rc = zoned_halt(z, true, s[0], e);
		return (rc == 0 ? 1 : rc);
	case OP_SHUTDOWN:
		rc = zoned_shutdown(z, again, s[0], rq->h.timeout_s, e);
		return (rc == 0 ? 1 : rc);
	case OP_EXEC:
		rc = start_exec(c, &rq->h, &x, e);
		return (rc == 0 ? 1 : rc);
	case OP_CONSOLE:
		if (fds[0] < 0)
			return (err_set(e, EINVAL, "no stream"));
		if ((rc = console_attach(z, fds[0], peer_pid(c->fd), e)) == 0)
			fds[0] = -1; /* the console's now */
		return (rc);
	default:
		return (err_set(e, EINVAL, "unknown request"));
	}
}

/* 0 or a negative: the client was answered; 1: it waits. */
static int
take_request(struct client *c, struct request *rq)
{
	struct err e = ERR_INIT;
	const char *s[3];
	int fds[3], n = zoned_recv(c->fd, rq, sizeof(*rq), fds), rc = -EPROTO;

	if (n < (int)sizeof(rq->h)) {
		client_close(c);
	} else if (rq->h.version != ZONED_VERSION || take_strings(rq, (size_t)n, s) != 0) {
		finish(c, rc, "the supervisor is of another version; halt and boot the zone");
	} else {
		c->op = rq->h.op;
		rc = act(c, rq, s, fds, &e);
		if (rc <= 0)
			finish(c, rc, e.msg);
	}
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return (rc);
}

static void
on_request(struct client *c)
{
	struct request *rq = malloc(sizeof(*rq)); /* too large for a daemon's stack */
	struct zoned *z = c->z;
	int rc = -ENOMEM;

	if (rq != NULL)
		rc = take_request(c, rq);
	else
		finish(c, rc, "out of memory");
	free(rq);
	if (rc <= 0)
		zoned_maybe_exit(z);
}

static void
on_client(struct loop *l, int fd, unsigned events, void *arg)
{
	struct client *c = arg;
	struct zoned *z = c->z;

	(void)l;
	(void)fd;
	(void)events;
	if (c->op == 0) {
		on_request(c);
		return;
	}
	/* It said all it had to say; so it left. */
	client_close(c);
	zoned_maybe_exit(z);
}

static bool
is_real_root(int fd)
{
	struct ucred cr;
	socklen_t n = sizeof(cr);

	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0 && cr.uid == 0);
}

static void
on_connect(struct loop *l, int fd, unsigned events, void *arg)
{
	struct zoned *z = arg;
	struct client *c;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (s < 0)
		return;
	if (!is_real_root(s) || (c = calloc(1, sizeof(*c))) == NULL) {
		(void)close(s);
		return;
	}
	c->z = z;
	c->fd = s;
	c->next = z->clients;
	z->clients = c;
	if ((c->watch = loop_fd(l, s, LOOP_READ, on_client, c)) == NULL)
		client_close(c);
}

int
zoned_listen(struct zoned *z, struct err *e)
{
	struct sockaddr_un sa;
	char path[PATH_MAX];
	int dirfd, rc = 0;

	if ((rc = zoned_address(z->env, z->name, &sa, &dirfd)) != 0)
		return (err_rc(e, rc, "control socket"));
	(void)zone_run_path(z->env, z->name, ".sock", path);
	(void)unlink(path);
	(void)umask(077);
	z->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (z->listener < 0 || bind(z->listener, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    listen(z->listener, BACKLOG) != 0)
		rc = err_sys(e, errno, "control socket");
	(void)close(dirfd);
	if (rc == 0 &&
	    (z->listener_watch = loop_fd(z->loop, z->listener, LOOP_READ, on_connect, z)) == NULL)
		rc = err_set(e, ENOMEM, "out of memory");
	return (rc);
}

bool
zoned_close_door(struct zoned *z)
{
	char path[PATH_MAX];

	if (z->start_lock >= 0)
		return (true);
	(void)zone_run_path(z->env, z->name, ".start", path);
	/* Busy: somebody is connecting right now; the next idle moment will do. */
	if ((z->start_lock = file_lock(path, false, true, NULL)) < 0)
		return (false);
	on_connect(z->loop, z->listener, 0, z);
	if (z->clients != NULL) {
		file_unlock(z->start_lock);
		z->start_lock = -1;
		return (false);
	}
	(void)zone_run_path(z->env, z->name, ".sock", path);
	(void)unlink(path);
	return (true);
}
