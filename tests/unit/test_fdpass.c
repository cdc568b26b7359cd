/* SPDX-License-Identifier: MIT */
/* Descriptors over a socket: all that was asked for, nothing more, none left open. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"
#include "test.h"

/* The next number that a descriptor would have: tells whether one is left open. */
static int
next_fd(void)
{
	int fd = dup(0);

	CHECK(fd >= 0 && close(fd) == 0);
	return (fd);
}

static void
send_some(int s, unsigned n)
{
	int fds[FDPASS_MAX] = {0};

	for (unsigned i = 0; i < n; i++)
		CHECK((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	CHECK(fd_send(s, "word", 4, fds, n, 0) == 4);
	for (unsigned i = 0; i < n; i++)
		CHECK(close(fds[i]) == 0);
}

TEST(fdpass_gives_what_was_sent_with_close_on_exec)
{
	int s[2], fds[3] = {7, 7, 7};
	char word[4];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
	send_some(s[0], 2);
	CHECK(fd_recv(s[1], word, sizeof(word), fds, 3, 0) == 4 && memcmp(word, "word", 4) == 0);
	CHECK(fds[0] >= 0 && fds[1] >= 0 && fds[2] == -1);
	CHECK((fcntl(fds[1], F_GETFD) & FD_CLOEXEC) != 0);
	send_some(s[0], 0);
	CHECK(fd_recv(s[1], word, sizeof(word), NULL, 0, 0) == 4);
}

TEST(fdpass_closes_all_when_more_came)
{
	int s[2], fds[3], before;
	char word[4];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
	before = next_fd();
	for (unsigned asked = 0; asked <= 3; asked++) {
		for (unsigned sent = asked + 1; sent <= FDPASS_MAX; sent++) {
			send_some(s[0], sent);
			CHECK_EQ(fd_recv(s[1], word, sizeof(word), fds, asked, 0), -EPROTO);
			CHECK_EQ(next_fd(), before);
		}
	}
}

TEST(fdpass_tells_of_a_long_packet_a_closed_peer_and_no_news)
{
	int s[2], fd, before;
	char word[3];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
	before = next_fd();
	send_some(s[0], 1);
	CHECK_EQ(fd_recv(s[1], word, sizeof(word), &fd, 1, 0), -EMSGSIZE);
	CHECK(fd == -1 && next_fd() == before);
	CHECK_EQ(fd_recv(s[1], word, sizeof(word), &fd, 1, MSG_DONTWAIT), -EAGAIN);
	CHECK(close(s[0]) == 0 && fd_recv(s[1], word, sizeof(word), &fd, 1, 0) == 0);
	CHECK_EQ(fd_send(s[1], "word", 4, NULL, 0, 0), -EPIPE);
}
