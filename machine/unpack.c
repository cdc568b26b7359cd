/* SPDX-License-Identifier: MIT */
/*
 * The unpacker's process and its two wires.
 *
 *	importer ---- compressed bytes (socket) ---> unpacker: jail_enter(), extract_tar()
 *	         <--- one struct report (pipe) -----
 *
 * The importer hashes what it feeds, so it knows whether the bytes were the right ones only at the
 * end; nothing that the unpacker made is kept before that (machine/image.c).  The unpacker is not
 * trusted any more once it has read its first byte: its report is checked like any input, and what
 * it says is shown with control characters replaced.
 */
#include "smartbox/machine/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "unpack_impl.h"

struct report {
	int32_t code; /* 0 or a positive errno */
	struct unpack_stats st;
	char msg[512];
};

struct unpack {
	pid_t pid;
	int in;	    /* our end of the archive socket; -1 once shut */
	int status; /* read end of the report pipe */
};

static ssize_t
read_fd(void *arg, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(*(int *)arg, buf, len);
	while (n < 0 && errno == EINTR);
	return (n >= 0 ? n : -errno);
}

/* plain: where the bytes go that are no archive; -1: they are one. */
_Noreturn static void
unpacker_main(int dirfd, int in, int status, int plain)
{
	const int keep[] = {in, status, plain, -1};
	struct report r;
	struct err e = ERR_INIT;
	int rc;

	memset(&r, 0, sizeof(r));
	rc = jail_enter(dirfd, keep, &e);
	if (rc == 0 && plain >= 0)
		rc = extract_plain(plain, read_fd, &in, &r.st, &e);
	else if (rc == 0)
		rc = extract_tar(dirfd, read_fd, &in, &r.st, &e);
	r.code = -rc;
	(void)memccpy(r.msg, e.msg, '\0', sizeof(r.msg) - 1);
	(void)io_write_full(status, &r, sizeof(r));
	_exit(rc == 0 ? 0 : 1);
}

static int
start(int dirfd, int plain, struct unpack **out, struct err *e)
{
	int wire[2] = {-1, -1}, status[2] = {-1, -1}, rc = 0;
	struct unpack *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) != 0 ||
	    pipe2(status, O_CLOEXEC) != 0 || (u->pid = fork()) < 0) {
		rc = err_sys(e, errno, "cannot start the unpacker");
		goto out;
	}
	if (u->pid == 0)
		unpacker_main(dirfd, wire[1], status[1], plain);
	u->in = wire[0];
	u->status = status[0];
	wire[0] = status[0] = -1;
	*out = u;
	u = NULL;
out:
	for (int i = 0; i < 2; i++) {
		if (wire[i] >= 0)
			(void)close(wire[i]);
		if (status[i] >= 0)
			(void)close(status[i]);
	}
	free(u);
	return (rc);
}

int
unpack_start(int dirfd, struct unpack **out, struct err *e)
{
	return (start(dirfd, -1, out, e));
}

int
unpack_start_plain(int dirfd, int fd, struct unpack **out, struct err *e)
{
	return (start(dirfd, fd, out, e));
}

/*
 * The first plain bytes, while compressed ones are still being taken: neither side may wait for the other.
 * What came, at most size bytes.
 */
static size_t
first_bytes(struct unpack *u, int plain, const char *head, size_t len, unsigned char *buf, size_t size)
{
	struct pollfd pfd[2] = {{plain, POLLIN, 0}, {u->in, POLLOUT, 0}};
	size_t got = 0, fed = 0;
	ssize_t n = 1;

	while (got < size && n != 0 && poll(pfd, fed < len ? 2 : 1, -1) >= 0) {
		if (pfd[0].revents != 0 && (n = read(plain, buf + got, size - got)) > 0)
			got += (size_t)n;
		if (fed == len || pfd[1].revents == 0)
			continue;
		n = send(u->in, head + fed, len - fed, MSG_DONTWAIT | MSG_NOSIGNAL);
		fed = n > 0 ? fed + (size_t)n : errno == EAGAIN ? fed : len;
		if (fed == len)
			(void)shutdown(u->in, SHUT_WR);
		n = 1;
	}
	return (got);
}

/* A BEGIN record: its type, then, behind a length, the magic number. */
bool
unpack_is_zfs_stream(int dirfd, const void *head, size_t len)
{
	static const unsigned char magic[8] = {0xac, 0xcb, 0xba, 0xf5, 0x02, 0, 0, 0};
	unsigned char begin[16];
	struct unpack *u = NULL;
	int wire[2];
	bool is = false;

	if (pipe2(wire, O_CLOEXEC) != 0)
		return (false);
	(void)start(dirfd, wire[1], &u, NULL);
	(void)close(wire[1]);
	if (u != NULL)
		is = first_bytes(u, wire[0], head, len, begin, sizeof(begin)) == sizeof(begin) &&
		    memcmp(begin, "\0\0\0\0", 4) == 0 && memcmp(begin + 8, magic, sizeof(magic)) == 0;
	unpack_abort(u);
	(void)close(wire[0]);
	return (is);
}

int
unpack_feed(struct unpack *u, const void *buf, size_t len)
{
	return (io_send_full(u->in, buf, len));
}

static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static int
reap(struct unpack *u, int *wstatus)
{
	pid_t pid;

	(void)close(u->in);
	(void)close(u->status);
	do
		pid = waitpid(u->pid, wstatus, 0);
	while (pid < 0 && errno == EINTR);
	free(u);
	return (pid < 0 ? -errno : 0);
}

static int
judge(struct report *r, int read_rc, int wstatus, struct err *e)
{
	if (WIFSIGNALED(wstatus))
		return (err_set(e, EIO, "the unpacker was killed by signal %d", WTERMSIG(wstatus)));
	if (read_rc != 0)
		return (err_set(e, EIO, "the unpacker ended without a report"));
	if (r->code == 0 && WEXITSTATUS(wstatus) == 0)
		return (0);
	r->msg[sizeof(r->msg) - 1] = '\0';
	make_printable(r->msg);
	return (err_set(e, r->code > 0 && r->code < 4096 ? r->code : EIO, "%s",
	    r->msg[0] != '\0' ? r->msg : "the unpacker failed"));
}

int
unpack_finish(struct unpack *u, struct unpack_stats *st, struct err *e)
{
	struct report r;
	int wstatus = 0, read_rc, rc;

	memset(&r, 0, sizeof(r));
	(void)shutdown(u->in, SHUT_WR);
	read_rc = io_read_full(u->status, &r, sizeof(r));
	if ((rc = reap(u, &wstatus)) != 0)
		return (err_rc(e, rc, "cannot wait for the unpacker"));
	if ((rc = judge(&r, read_rc, wstatus, e)) == 0 && st != NULL)
		*st = r.st;
	return (rc);
}

void
unpack_abort(struct unpack *u)
{
	int wstatus;

	if (u == NULL)
		return;
	(void)kill(u->pid, SIGKILL);
	(void)reap(u, &wstatus);
}
