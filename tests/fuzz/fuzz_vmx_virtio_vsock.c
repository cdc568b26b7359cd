/* SPDX-License-Identifier: MIT */
/* virtio-vsock: a hostile guest, and hosts that connect, answer, stop reading and go. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz_vmx.h"

enum { PEERS = 8 };
static int peer[PEERS];
static unsigned npeers;

/* Our end of a new pair; the other is one of the peers. */
static int
pair_new(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		return (-1);
	if (npeers >= PEERS)
		(void)close(peer[npeers % PEERS]);
	peer[npeers++ % PEERS] = fd[1];
	return (fd[0]);
}

static int
dial(void *arg, uint32_t port)
{
	(void)arg;
	return (port % 4 == 3 ? -1 : pair_new());
}

static int
build(struct vmx_bench *b)
{
	struct vvsock_spec s = {.cid = 3, .listen_fd = -1, .dial = dial};

	return (vvsock_new(b->board, SLOT, &s, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	struct device *d = board_find(b->board, "vsock");
	char buf[4096];
	int fd = npeers > 0 ? peer[(npeers - 1) % PEERS] : -1;

	switch (byte % 6) {
	case 0:
		vvsock_poll(d, pair_new());
		(void)!send(peer[(npeers - 1) % PEERS], "CONNECT 7\n", 10, MSG_NOSIGNAL);
		break;
	case 1:
		(void)!send(fd, "bytes of the host", 17, MSG_NOSIGNAL);
		break;
	case 2:
		(void)!read(fd, buf, sizeof(buf));
		break;
	case 3:
		(void)shutdown(fd, byte & 64 ? SHUT_WR : SHUT_RDWR);
		break;
	}
	vvsock_poll(d, -1);
}

static void
end(struct vmx_bench *b)
{
	(void)b;
	for (unsigned i = 0; i < PEERS && i < npeers; i++)
		(void)close(peer[i]);
	npeers = 0;
}

FUZZ_TARGET(.build = build, .host = host, .end = end)
