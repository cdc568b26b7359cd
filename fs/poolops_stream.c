/* SPDX-License-Identifier: MIT */
/*
 * The descriptor that a stream goes through, and who may use a pool meanwhile.
 *
 * Nothing here blocks for ever: a pipe is opened anew, without blocking (the description that we were
 * handed is also other processes'), a socket is asked not to, and between tries we look whether the
 * command that started us still lives and whether the pool shall be closed.  Files do block; they end.
 */
#include "poolops_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 200
#define PIPE_BYTES (1 << 20)

static const struct streamop {
	const char *name;
	poolstream_fn *run;
	bool changes;
} streamop_table[] = {
	{"fs.send", op_fs_send, false},
	{"fs.receive", op_fs_receive, true},
};

static const struct streamop *
find_streamop(const char *name)
{
	for (size_t i = 0; i < sizeof(streamop_table) / sizeof(streamop_table[0]); i++)
		if (strcmp(streamop_table[i].name, name) == 0)
			return (&streamop_table[i]);
	return (NULL);
}

bool
poolops_is_stream(const char *op)
{
	return (find_streamop(op) != NULL);
}

int
poolops_stream(struct pool_session *s, const char *op, const struct nvlist *in,
    struct nvlist *out, struct poolops_io *io, struct err *e)
{
	const struct streamop *o = find_streamop(op);
	int rc;

	if (o == NULL)
		return (err_set(e, ENOSYS, "unknown operation '%s'", op));
	(void)pthread_rwlock_rdlock(&s->alive);
	if (s->is_over)
		rc = err_set(e, ENXIO, "no such pool");
	else if (o->changes && spa_is_readonly(s->spa))
		rc = err_set(e, EROFS, "pool is read-only");
	else if (__atomic_add_fetch(&s->streams, 1, __ATOMIC_SEQ_CST) <= 0)
		rc = err_set(e, EBUSY, "too many streams");
	else {
		rc = o->run(s, in, out, io, e);
		if (o->changes) {
			(void)pthread_mutex_lock(&s->changing);
			volumes_follow(s, op, in, out, 0); /* a part may be there also when it failed */
			(void)pthread_mutex_unlock(&s->changing);
		}
		(void)__atomic_sub_fetch(&s->streams, 1, __ATOMIC_SEQ_CST);
	}
	(void)pthread_rwlock_unlock(&s->alive);
	return (rc);
}

void
stream_tell(struct poolops_io *io, const char *key, const char *fmt, ...)
{
	struct nvlist *nv = io->tell != NULL ? nv_new() : NULL;
	char text[1024];
	va_list ap;

	if (nv == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (nv_add_str(nv, key, text) == 0)
		io->tell(io->arg, nv);
	nv_free(nv);
}

static void
tell_progress(struct stream_pipe *p)
{
	struct timespec ts;
	struct nvlist *nv;

	if (p->what == NULL || p->io->tell == NULL)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	if ((uint64_t)ts.tv_sec == p->told || (nv = nv_new()) == NULL)
		return;
	p->told = (uint64_t)ts.tv_sec;
	if (nv_add_str(nv, "name", p->what) == 0 && nv_add_u64(nv, "bytes", p->bytes) == 0)
		p->io->tell(p->io->arg, nv);
	nv_free(nv);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void
make_nonblocking(struct stream_pipe *p, bool writes)
{
	char path[32];
	struct stat st;
	int fd;

	if (fstat(p->fd, &st) != 0)
		return;
	p->is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode))
		return;
	(void)fcntl(p->fd, F_SETPIPE_SZ, PIPE_BYTES);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
	fd = open(path, (writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		p->fd = fd;
		p->own = true;
	}
}

int
stream_pipe_open(struct stream_pipe *p, struct pool_session *s, struct poolops_io *io, bool writes,
    struct err *e)
{
	struct timespec ts;

	if (io->fd < 0)
		return (err_set(e, EBADF, "no descriptor for the stream"));
	*p = (struct stream_pipe){.s = s, .io = io, .fd = io->fd};
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	p->told = (uint64_t)ts.tv_sec;
	if ((p->buf = malloc(STREAM_BUFFER)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	make_nonblocking(p, writes);
	return (0);
}

void
stream_pipe_close(struct stream_pipe *p)
{
	if (p->own)
		(void)close(p->fd);
	free(p->buf);
	p->buf = NULL;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static int
look_around(struct stream_pipe *p)
{
	if (__atomic_load_n(&p->s->stop_streams, __ATOMIC_SEQ_CST))
		return (-ECANCELED);
	if (p->io->gone != NULL && p->io->gone(p->io->arg))
		return (-EINTR);
	return (0);
}

static int
wait_ready(struct stream_pipe *p, short events)
{
	struct pollfd pfd = {p->fd, events, 0};
	int rc;

	while ((rc = look_around(p)) == 0) {
		int n = poll(&pfd, 1, LOOK_MS);

		if (n > 0 || (n < 0 && errno != EINTR))
			return (n > 0 ? 0 : -errno);
	}
	return (rc);
}

static bool
may_try_again(int code)
{
	return (code == EAGAIN || code == EWOULDBLOCK || code == EINTR);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
write_out(struct stream_pipe *p, const uint8_t *buf, size_t len)
{
	ssize_t n;
	int rc;

	while (len > 0) {
		if ((rc = wait_ready(p, POLLOUT)) != 0)
			return (rc);
		n = p->is_socket ? send(p->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) :
				   write(p->fd, buf, len);
		if (n < 0 && !may_try_again(errno))
			return (-errno);
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			p->bytes += (uint64_t)n;
		}
		tell_progress(p);
	}
	return (0);
}

int
stream_pipe_flush(struct stream_pipe *p)
{
	int rc = write_out(p, p->buf, p->have);

	p->have = 0;
	return (rc);
}

int
stream_pipe_write(void *arg, const void *buf, size_t len)
{
	struct stream_pipe *p = arg;
	int rc;

	if (p->have + len > STREAM_BUFFER && (rc = stream_pipe_flush(p)) != 0)
		return (rc);
	if (len >= STREAM_BUFFER)
		return (write_out(p, buf, len));
	memcpy(p->buf + p->have, buf, len);
	p->have += len;
	return (0);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Some bytes, at most len; -EPIPE at the end. */
static int
read_some(struct stream_pipe *p, uint8_t *buf, size_t len, size_t *got)
{
	for (;;) {
		ssize_t n;
		int rc = wait_ready(p, POLLIN);

		if (rc != 0)
			return (rc);
		n = p->is_socket ? recv(p->fd, buf, len, MSG_DONTWAIT) : read(p->fd, buf, len);
		if (n == 0)
			return (-EPIPE);
		if (n < 0 && !may_try_again(errno))
			return (-errno);
		if (n > 0) {
			*got = (size_t)n;
			p->bytes += (uint64_t)n;
			tell_progress(p);
			return (0);
		}
	}
}

int
stream_pipe_read(void *arg, void *buf, size_t len)
{
	struct stream_pipe *p = arg;
	uint8_t *to = buf;
	size_t n;
	int rc;

	while (len > 0) {
		if (p->pos == p->have) {
			p->pos = p->have = 0;
			rc = len >= STREAM_BUFFER ? read_some(p, to, len, &n) :
						    read_some(p, p->buf, STREAM_BUFFER, &p->have);
			if (rc != 0)
				return (rc);
			if (len >= STREAM_BUFFER) {
				to += n;
				len -= n;
				continue;
			}
		}
		n = p->have - p->pos < len ? p->have - p->pos : len;
		memcpy(to, p->buf + p->pos, n);
		p->pos += n;
		to += n;
		len -= n;
	}
	return (0);
}
