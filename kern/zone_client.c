/* SPDX-License-Identifier: MIT */
/*
 * Clients of the zone supervisors: connect, start one when there is none, ask, wait for the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/spawn.h"
#include "smartbox/kern/zone_run.h"
#include "zone_impl.h"
#include "zoned_proto.h"

enum { DEFAULT_SHUTDOWN_S = 60 };

/* --- the way to a supervisor --- */

/* A connected socket, or -ECONNREFUSED / -ENOENT when nobody listens. */
static int
try_connect(const struct zone_env *env, const char *name)
{
	struct sockaddr_un sa;
	int dirfd, s, rc = zoned_address(env, name, &sa, &dirfd);

	if (rc != 0)
		return (rc);
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		rc = -errno;
		if (s >= 0)
			(void)close(s);
		s = rc;
	}
	(void)close(dirfd);
	return (s);
}

/* The supervisor says one NUL byte when it listens, else why not. */
static int
await_start(int fd, struct err *e)
{
	char text[1024];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
		n += (size_t)got;
		if (text[0] == '\0')
			return (0);
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return (err_set(e, EIO, "%s", n != 0 ? text : "the zone's supervisor did not start"));
}

static int
start_supervisor(const struct zone_env *env, const char *name, struct err *e)
{
	char path[PATH_MAX], num[16];
	const char *args[] = {num, name, NULL};
	struct spawn s = SPAWN_INIT;
	int p[2], keep[2], rc;
	pid_t pid;

	(void)zone_run_path(env, name, ".log", path);
	s.fd[1] = s.fd[2] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s.fd[2] < 0)
		return (err_sys(e, errno, "%s", path));
	if (pipe2(p, O_CLOEXEC) != 0) {
		(void)close(s.fd[2]);
		return (err_sys(e, errno, "pipe"));
	}
	(void)snprintf(num, sizeof(num), "%d", p[1]);
	keep[0] = p[1];
	keep[1] = -1;
	s.keep = keep;
	s.new_session = true;
	rc = spawn_self("zoned", args, &s, &pid, e);
	(void)close(p[1]);
	(void)close(s.fd[2]);
	if (rc == 0)
		rc = await_start(p[0], e);
	(void)close(p[0]);
	return (rc);
}

static int
connect_zone(const struct zone_env *env, const char *name, bool start, struct err *e)
{
	char path[PATH_MAX];
	int lock, s, rc;

	if ((rc = zone_name_check(name, e)) != 0 || (rc = zone_run_mkdir(env, e)) != 0)
		return (rc);
	(void)zone_run_path(env, name, ".start", path);
	if ((lock = file_lock(path, false, false, e)) < 0)
		return (lock);
	s = try_connect(env, name);
	if (s < 0 && start && (rc = start_supervisor(env, name, e)) == 0)
		s = try_connect(env, name);
	file_unlock(lock);
	if (rc != 0)
		return (rc);
	return (s >= 0 ? s : err_rc(e, s, "cannot reach the zone's supervisor"));
}

/* --- asking --- */

static int
send_request(int s, struct zoned_request *rq, const char *text, const char *user, const char *term,
    const int *fds, int nfds, struct err *e)
{
	const char *const strings[3] = {text, user, term};
	struct buf b = BUF_INIT;
	int rc;

	rq->version = ZONED_VERSION;
	rq->has_text = text != NULL;
	rq->has_user = user != NULL;
	rq->has_term = term != NULL;
	buf_add(&b, rq, sizeof(*rq));
	for (int i = 0; i < 3; i++)
		if (strings[i] != NULL)
			buf_add(&b, strings[i], strlen(strings[i]) + 1);
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "out of memory");
	else if (b.len > ZONED_TEXT_MAX)
		rc = err_set(e, E2BIG, "argument list too long");
	else if ((rc = zoned_send(s, b.data, b.len, fds, nfds)) != 0)
		rc = err_rc(e, rc, "call to the zone's supervisor failed");
	buf_free(&b);
	return (rc);
}

static int
await_reply(int s, struct zoned_reply *r, int *fd, struct err *e)
{
	int fds[3], n = zoned_recv(s, r, sizeof(*r), fds);

	for (int i = fd != NULL ? 1 : 0; i < 3; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	if (fd != NULL)
		*fd = fds[0];
	if (n != (int)sizeof(*r))
		return (err_set(e, ECONNRESET, "the zone's supervisor has gone away"));
	r->text[sizeof(r->text) - 1] = '\0';
	return (0);
}

static int
transition(const struct zone_env *env, const char *name, struct zoned_request *rq,
    const char *text, struct err *e)
{
	struct zoned_reply r;
	int s = connect_zone(env, name, true, e), rc;

	if (s < 0)
		return (s);
	if ((rc = send_request(s, rq, text, NULL, NULL, NULL, 0, e)) == 0 &&
	    (rc = await_reply(s, &r, NULL, e)) == 0 && r.rc != 0)
		rc = err_set(e, -r.rc, "%s", r.text);
	(void)close(s);
	return (rc);
}

/*
 * What the table refuses is refused here, without starting a supervisor; the supervisor looks again.
 */
static int
check(const struct zone_env *env, const char *name, enum zone_event ev, struct err *e)
{
	struct zone_info zi;
	enum zone_state to;
	int rc = zone_info_get(env, name, &zi, e);

	if (rc != 0)
		return (rc);
	free(zi.zonepath);
	return (zone_state_next(zi.state, ev, &to, e));
}

int
zone_ready(const struct zone_env *env, const char *name, struct err *e)
{
	struct zoned_request rq = {.op = OP_READY};
	int rc = check(env, name, ZONE_EV_READY, e);

	return (rc != 0 ? rc : transition(env, name, &rq, NULL, e));
}

int
zone_boot(const struct zone_env *env, const char *name, const char *bootargs, struct err *e)
{
	struct zoned_request rq = {.op = OP_BOOT};
	int rc = check(env, name, ZONE_EV_BOOT, e);

	return (rc != 0 ? rc : transition(env, name, &rq, bootargs, e));
}

int
zone_halt(const struct zone_env *env, const char *name, struct err *e)
{
	struct zoned_request rq = {.op = OP_HALT};
	int rc = check(env, name, ZONE_EV_HALT, e);

	return (rc != 0 ? rc : transition(env, name, &rq, NULL, e));
}

int
zone_reboot(const struct zone_env *env, const char *name, const char *bootargs, struct err *e)
{
	struct zoned_request rq = {.op = OP_REBOOT};
	int rc = check(env, name, ZONE_EV_REBOOT, e);

	return (rc != 0 ? rc : transition(env, name, &rq, bootargs, e));
}

int
zone_shutdown(const struct zone_env *env, const char *name, bool restart, const char *bootargs,
    unsigned timeout_s, struct err *e)
{
	struct zoned_request rq = {.op = OP_SHUTDOWN, .flags = restart,
	    .timeout_s = timeout_s != 0 ? timeout_s : DEFAULT_SHUTDOWN_S};
	int rc = check(env, name, ZONE_EV_SHUTDOWN, e);

	return (rc != 0 ? rc : transition(env, name, &rq, bootargs, e));
}

/* --- processes inside --- */

/* argv as one shell command, words joined by blanks, as zlogin does. */
static char *
join(const char *const *argv)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i != 0)
			buf_str(&b, " ");
		buf_str(&b, argv[i]);
	}
	return (buf_take(&b));
}

static int
ask_exec(int s, const struct zone_exec *x, int *master, char *tty, struct err *e)
{
	struct zoned_request rq = {.op = OP_EXEC, .flags = x->flags, .rows = x->rows, .cols = x->cols};
	char *command = x->argv != NULL ? join(x->argv) : NULL;
	bool pty = (x->flags & ZONE_EXEC_PTY) != 0;
	struct zoned_reply r;
	int rc, fd = -1;

	if (x->argv != NULL && command == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	rc = send_request(s, &rq, command, x->user, x->term, x->fd, pty ? 0 : 3, e);
	free(command);
	if (rc != 0 || (rc = await_reply(s, &r, &fd, e)) != 0)
		return (rc);
	if (r.rc != 0)
		return (err_set(e, -r.rc, "%s", r.text));
	if (tty != NULL)
		(void)snprintf(tty, 32, "%.31s", r.text);
	if (master != NULL)
		*master = fd;
	else if (fd >= 0)
		(void)close(fd);
	return (0);
}

int
zone_exec_start(const struct zone_env *env, const char *name, const struct zone_exec *x, int *ctl,
    int *master, char *tty, struct err *e)
{
	struct zone_info zi;
	int s, rc = zone_info_get(env, name, &zi, e);

	if (rc != 0)
		return (rc);
	free(zi.zonepath);
	if (zi.state != ZONE_RUNNING)
		return (err_set(e, EINVAL, "zone is not running; currently in state '%s'.",
		    zone_state_name(zi.state)));
	if ((s = connect_zone(env, name, true, e)) < 0)
		return (s);
	if ((rc = ask_exec(s, x, master, tty, e)) != 0) {
		(void)close(s);
		return (rc);
	}
	*ctl = s;
	return (0);
}

int
zone_exec_wait(int ctl, int *status, struct err *e)
{
	struct zoned_reply r;
	int rc = await_reply(ctl, &r, NULL, e);

	(void)close(ctl);
	if (rc == 0)
		*status = r.rc;
	return (rc);
}

int
zone_exec_run(const struct zone_env *env, const char *name, const struct zone_exec *x, int *status,
    struct err *e)
{
	int ctl, rc = zone_exec_start(env, name, x, &ctl, NULL, NULL, e);

	return (rc != 0 ? rc : zone_exec_wait(ctl, status, e));
}

int
zone_console_open(const struct zone_env *env, const char *name, int *fd, struct err *e)
{
	struct zoned_request rq = {.op = OP_CONSOLE};
	struct zoned_reply r;
	struct zone_info zi;
	int s, pair[2], rc = zone_info_get(env, name, &zi, e);

	if (rc != 0)
		return (rc);
	free(zi.zonepath);
	if (zi.state < ZONE_INSTALLED)
		return (err_set(e, EINVAL, "must be installed before console login."));
	if ((s = connect_zone(env, name, true, e)) < 0)
		return (s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		(void)close(s);
		return (err_sys(e, errno, "socketpair"));
	}
	rc = send_request(s, &rq, NULL, NULL, NULL, &pair[1], 1, e);
	(void)close(pair[1]);
	if (rc == 0 && (rc = await_reply(s, &r, NULL, e)) == 0 && r.rc != 0)
		rc = err_set(e, -r.rc, "%s", r.text);
	(void)close(s);
	if (rc != 0)
		(void)close(pair[0]);
	else
		*fd = pair[0];
	return (rc);
}
