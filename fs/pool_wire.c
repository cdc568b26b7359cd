/* SPDX-License-Identifier: MIT */
/* Messages between tools and poold. */
#include "pool_wire.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"
#include "smartbox/core/file.h"

/* The first bytes of a message, with a descriptor or not. */
static int
send_head(int fd, unsigned char head[4], int passed)
{
	ssize_t n = fd_send(fd, head, 4, &passed, passed >= 0, 0);

	if (n <= 0)
		return (n < 0 ? (int)n : -EPIPE);
	return (n < 4 ? io_send_full(fd, head + n, (size_t)(4 - n)) : 0);
}

int
wire_send(int fd, const struct nvlist *nv, struct err *e)
{
	return (wire_send_fd(fd, nv, -1, e));
}

int
wire_send_fd(int fd, const struct nvlist *nv, int passed, struct err *e)
{
	unsigned char head[4];
	void *buf = NULL;
	size_t len = 0;
	int rc = nv_pack(nv, &buf, &len);

	if (rc == 0 && len > WIRE_ANSWER_MAX)
		rc = -EMSGSIZE;
	for (int i = 0; i < 4; i++)
		head[i] = (unsigned char)(len >> (8 * i));
	if (rc == 0 && (rc = send_head(fd, head, passed)) == 0)
		rc = io_send_full(fd, buf, len);
	free(buf);
	return (err_rc(e, rc, "cannot send"));
}

static int
recv_head(int fd, unsigned char head[4], int *passed)
{
	ssize_t n;

	if (passed == NULL)
		return (io_read_full(fd, head, 4));
	n = fd_recv(fd, head, 4, passed, 1, 0);
	if (n <= 0)
		return (n < 0 ? (int)n : -EPIPE);
	return (n < 4 ? io_read_full(fd, head + n, (size_t)(4 - n)) : 0);
}

int
wire_recv(int fd, size_t max, struct nvlist **out, struct err *e)
{
	return (wire_recv_fd(fd, max, out, NULL, e));
}

static int
recv_body(int fd, const unsigned char head[4], size_t max, struct nvlist **out, struct err *e)
{
	size_t len = 0;
	void *buf;
	int rc;

	for (int i = 0; i < 4; i++)
		len |= (size_t)head[i] << (8 * i);
	if (len > max)
		return (err_set(e, EMSGSIZE, "message of %zu bytes is too large", len));
	if ((buf = malloc(len + 1)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = io_read_full(fd, buf, len)) != 0)
		rc = err_rc(e, rc, "cannot receive");
	else
		rc = nv_unpack(buf, len, out, e);
	free(buf);
	return (rc);
}

int
wire_recv_fd(int fd, size_t max, struct nvlist **out, int *passed, struct err *e)
{
	unsigned char head[4];
	int rc;

	if (passed != NULL)
		*passed = -1;
	if ((rc = recv_head(fd, head, passed)) != 0)
		rc = err_rc(e, rc, "cannot receive");
	else
		rc = recv_body(fd, head, max, out, e);
	if (rc != 0 && passed != NULL && *passed >= 0) {
		(void)close(*passed);
		*passed = -1;
	}
	return (rc);
}

struct nvlist *
wire_answer(int rc, const struct err *e, const struct nvlist *out)
{
	struct nvlist *a = nv_new();

	if (a == NULL)
		return (NULL);
	if (nv_add_u64(a, "rc", (uint64_t)(rc < 0 ? -rc : 0)) != 0 ||
	    (rc < 0 && nv_add_str(a, "msg", e->msg[0] != '\0' ? e->msg : strerror(-rc)) != 0) ||
	    (out != NULL && nv_add_nvlist(a, "out", out) != 0)) {
		nv_free(a);
		return (NULL);
	}
	return (a);
}

int
wire_result(struct nvlist *answer, struct nvlist **out, struct err *e)
{
	uint64_t code = nv_u64_or(answer, "rc", EPROTO);

	if (out != NULL && (*out = nv_take_nvlist(answer, "out")) == NULL)
		*out = nv_new();
	if (out != NULL && *out == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (code == 0)
		return (0);
	return (err_set(e, code < 4096 ? (int)code : EIO, "%s", nv_str_or(answer, "msg", "failed")));
}

static const char *
run_dir(void)
{
	const char *dir = getenv("SMARTBOX_RUN");

	return (dir != NULL && dir[0] == '/' ? dir : "/run/smartbox");
}

int
wire_dir(char *buf, size_t size, struct err *e)
{
	if ((size_t)snprintf(buf, size, "%s/pool", run_dir()) >= size)
		return (err_set(e, ENAMETOOLONG, "%s: path too long", run_dir()));
	return (0);
}

int
wire_path(char *buf, size_t size, const char *pool, const char *suffix, struct err *e)
{
	int n = snprintf(buf, size, "%s/pool/%s%s", run_dir(), pool, suffix);

	if (n < 0 || (size_t)n >= size || strchr(pool, '/') != NULL)
		return (err_set(e, ENAMETOOLONG, "'%s': no path for this pool's socket", pool));
	return (0);
}

int
wire_connect(const char *pool, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, rc;

	if ((rc = wire_path(a.sun_path, sizeof(a.sun_path), pool, ".sock", e)) != 0)
		return (rc);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (err_sys(e, errno, "cannot make a socket"));
	while ((rc = connect(fd, (struct sockaddr *)&a, sizeof(a))) != 0 && errno == EINTR)
		continue;
	if (rc == 0)
		return (fd);
	rc = -errno;
	(void)close(fd);
	if (rc == -ENOENT)
		return (err_set(e, ENOENT, "no such pool"));
	if (rc == -ECONNREFUSED || rc == -EACCES || rc == -EPERM)
		return (err_set(e, -rc, "%s", rc == -ECONNREFUSED ? "the pool's server is dead" :
		    "permission denied"));
	return (err_rc(e, rc, "%s", a.sun_path));
}
