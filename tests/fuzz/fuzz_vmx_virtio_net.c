/* SPDX-License-Identifier: MIT */
/* virtio-net on a socket pair in the tap's place. */
#include "fuzz_vmx.h"

#include <sys/socket.h>
#include <unistd.h>

static int peer;

static int
build(struct vmx_bench *b)
{
	struct vnet_spec spec = {.mac = {2, 0, 0, 0, 0, 1}, .offload = true};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	spec.tap_fd = fd[0];
	peer = fd[1];
	return (vnet_new(b->board, SLOT, &spec, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	static uint8_t frame[65536];

	(void)b;
	(void)!write(peer, frame, 20 + byte * 255U);
	while (read(peer, frame, sizeof(frame)) > 0) {
	}
	frame[byte] = byte;
}

static void
end(struct vmx_bench *b)
{
	(void)b;
	(void)close(peer);
}

FUZZ_TARGET(.build = build, .host = host, .end = end)
