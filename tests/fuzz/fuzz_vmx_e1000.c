/* SPDX-License-Identifier: MIT */
/* e1000 on a socket pair in the tap's place. */
#include "fuzz_vmx.h"

#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/vmx/e1000.h"

static int peer;

static int
build(struct vmx_bench *b)
{
	struct e1000_spec spec = {.mac = {2, 0, 0, 0, 0, 1}, .offload = true};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	spec.tap_fd = fd[0];
	peer = fd[1];
	return (e1000_new(b->board, SLOT, &spec, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	static uint8_t frame[65536];

	(void)!write(peer, frame, 20 + byte * 255U);
	e1000_poll(board_find(b->board, "net4"));
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

static void
place(struct vmx_bench *b)
{
	bench_cfg_set(b, SLOT, 0x10, 0xc0000000);
	bench_cfg_set(b, SLOT, 0x14, 0xc000);
	bench_cfg_set(b, SLOT, 4, 7);
}

FUZZ_TARGET(.build = build, .base = 0xc0000000, .window = 0x8000, .place = place, .host = host, .end = end)
