/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM, the network card that every system has a driver for.  Slower than virtio-net: use it where
 * that is missing.
 */
#ifndef SMARTBOX_VMX_E1000_H
#define SMARTBOX_VMX_E1000_H

#include "smartbox/vmx/board.h"

struct iothread;

struct e1000_spec {
	int tap_fd; /* takes and gives a virtio_net header of 12 bytes; owned, also on failure */
	uint8_t mac[6];
	bool offload; /* the descriptor knows TUNSETOFFLOAD */
};
/* io NULL (tests): frames move inside the guest's write, and when e1000_poll is called. */
int e1000_new(struct board *b, unsigned devfn, const struct e1000_spec *s, struct iothread *io,
    struct err *e);
void e1000_poll(struct device *d);

#endif
