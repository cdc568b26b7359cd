/* SPDX-License-Identifier: MIT */
/* A socket pair in the place of a card's tap, for the fuzz targets of network cards. */
#ifndef FUZZ_TAP_H
#define FUZZ_TAP_H

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz_vmx.h"

static int tap_peer;

/* The card's end; -1 without one. */
static inline int
tap_open(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	tap_peer = fd[1];
	return (fd[0]);
}

/* A frame for the guest, whose length the byte tells, and all that the guest sent is taken. */
static inline void
tap_exchange(uint8_t byte)
{
	static uint8_t frame[65536];

	(void)!write(tap_peer, frame, 20 + byte * 255U);
	while (read(tap_peer, frame, sizeof(frame)) > 0) {
	}
	frame[byte] = byte;
}

static inline void
tap_end(struct vmx_bench *b)
{
	(void)b;
	(void)close(tap_peer);
}

#endif
