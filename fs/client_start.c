/* SPDX-License-Identifier: MIT */
/*
 * Starting a poold, and starting it again after it was killed.
 *
 * The starter runs this binary as poold with one end of a socket pair as its standard input, sends
 * the request and waits for the answer.  poold forks once more, so that it is nobody's child; a
 * poold that dies before it answers closes the socket, which the starter sees.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool_server_impl.h"
#include "pool_wire.h"
#include "smartbox/core/file.h"
#include "smartbox/core/pause.h"
#include "smartbox/core/spawn.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/label.h"

enum { STATE_MAX = 1 << 20, END_WAIT_MS = 10000 };

static int
log_file(const char *pool)
{
	char dir[256], path[256];

	if (wire_dir(dir, sizeof(dir), NULL) != 0 || file_mkdirs(dir, 0755, NULL) != 0 ||
	    wire_path(path, sizeof(path), pool, ".log", NULL) != 0)
		return (-1);
	return (open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

static int
spawn_poold(const char *pool, int fd, struct err *e)
{
	static const char *const no_args[] = {NULL};
	struct spawn s = SPAWN_INIT;
	int log = log_file(pool), status, rc;
	pid_t pid;

	s.fd[0] = fd;
	s.fd[1] = s.fd[2] = log >= 0 ? log : -1;
	s.new_session = true;
	if ((rc = spawn_self("poold", no_args, &s, &pid, e)) == 0)
		rc = spawn_wait(pid, -1, &status, e);
	if (log >= 0)
		(void)close(log);
	return (rc);
}

static int
start_answer(const char *pool, int fd, struct nvlist **out, struct err *e)
{
	struct nvlist *answer;
	char log[256];
	int rc = wire_recv(fd, WIRE_ANSWER_MAX, &answer, e);

	if (rc == -EPIPE) {
		(void)wire_path(log, sizeof(log), pool, ".log", NULL);
		return (err_set(e, EPIPE, "the pool's server died at the start; see %s", log));
	}
	if (rc != 0)
		return (rc);
	rc = wire_result(answer, out, e);
	nv_free(answer);
	return (rc);
}

int
pool_start(const struct nvlist *request, struct nvlist **out, struct err *e)
{
	const char *pool = nv_str_or(request, "new_name", nv_str_or(request, "name", ""));
	int pair[2], rc;

	if (out != NULL)
		*out = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return (err_sys(e, errno, "cannot make a socket"));
	rc = spawn_poold(pool, pair[1], e);
	(void)close(pair[1]);
	if (rc == 0 && (rc = wire_send(pair[0], request, e)) == 0)
		rc = start_answer(pool, pair[0], out, e);
	(void)close(pair[0]);
	return (rc);
}

static int
read_state(const char *pool, struct nvlist **state, struct err *e)
{
	char path[256], *text;
	size_t len;
	int rc;

	if ((rc = wire_path(path, sizeof(path), pool, ".state", e)) != 0 ||
	    (rc = file_read(path, STATE_MAX, &text, &len, e)) != 0)
		return (rc);
	rc = nv_unpack(text, len, state, e);
	free(text);
	return (rc);
}

/* The directories that the pool's devices were in: where to look for it again. */
static int
scan_again(const struct nvlist *state, struct pool_scan *scan, struct err *e)
{
	const char *const *paths;
	char **dirs;
	size_t n, i;
	int rc;

	if (nv_get_str_array(state, "paths", &paths, &n) != 0)
		n = 0;
	if ((dirs = calloc(n + 1, sizeof(*dirs))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (i = 0, rc = 0; i < n && rc == 0; i++) {
		if ((dirs[i] = strdup(paths[i])) == NULL)
			rc = err_set(e, ENOMEM, "out of memory");
	}
	if (rc == 0)
		rc = pool_scan((const char *const *)dirs, n, scan, e);
	for (i = 0; i < n; i++)
		free(dirs[i]);
	free(dirs);
	return (rc);
}

static int
restart_request(const struct nvlist *state, const struct nvlist *config, struct nvlist **out)
{
	struct nvlist *r = nv_dup(state);

	if (r == NULL || nv_add_str(r, "op", "import") != 0 ||
	    nv_add_nvlist(r, "config", config) != 0 || nv_add_boolean(r, "force") != 0) {
		nv_free(r);
		return (-ENOMEM);
	}
	*out = r;
	return (0);
}

static int
request_again(const struct nvlist *state, struct nvlist **request, struct err *e)
{
	uint64_t guid = nv_u64_or(state, "guid", 0);
	struct pool_scan scan = {NULL, 0};
	int rc = scan_again(state, &scan, e);

	if (rc != 0)
		return (rc);
	rc = err_set(e, ENXIO, "the pool's devices are gone");
	for (size_t i = 0; i < scan.npool; i++) {
		if (scan.pool[i].guid != guid)
			continue;
		rc = err_rc(e, restart_request(state, scan.pool[i].config, request), "out of memory");
		break;
	}
	pool_scan_free(&scan);
	return (rc);
}

int
pool_restart_request(const char *pool, struct nvlist **request, struct err *e)
{
	struct nvlist *state;
	int rc = read_state(pool, &state, e);

	if (rc != 0)
		return (rc);
	rc = request_again(state, request, e);
	nv_free(state);
	return (rc);
}

/*
 * 1: the pool's lock is free, its poold is gone.  0: a poold answers after all.  The kernel closes a
 * dying process's descriptors one by one: the socket may refuse while the lock is still held.
 */
static int
wait_for_end(const char *pool, struct err *e)
{
	char path[256];
	int fd, rc;

	if ((rc = wire_path(path, sizeof(path), pool, ".lock", e)) != 0)
		return (rc);
	for (unsigned waited = 0; waited < END_WAIT_MS; waited += 10) {
		if ((fd = file_lock(path, false, true, e)) >= 0) {
			file_unlock(fd);
			return (1);
		}
		if (fd != -EWOULDBLOCK)
			return (fd);
		if ((fd = wire_connect(pool, NULL)) >= 0) {
			(void)close(fd);
			return (0);
		}
		pause_ms(10);
	}
	return (err_set(e, EBUSY, "the pool's server neither answers nor ends"));
}

/* Many commands may meet the dead server at once: one restarts it, the others wait for that. */
int
pool_restart(const char *pool, struct err *e)
{
	struct nvlist *request;
	char path[256];
	int lock, rc;

	if ((rc = wire_path(path, sizeof(path), pool, ".restart", e)) != 0)
		return (rc);
	if ((lock = file_lock(path, false, false, e)) < 0)
		return (lock);
	if ((rc = wait_for_end(pool, e)) == 1 && (rc = pool_restart_request(pool, &request, e)) == 0) {
		rc = pool_start(request, NULL, e);
		nv_free(request);
	}
	file_unlock(lock);
	return (rc);
}
