/* SPDX-License-Identifier: MIT */
/*
 * The front-end's half of vhost-user: a disk whose rings another process serves.
 *
 * Calls are made one at a time (the device's lock) and wait for the answer, at most VHOST_WAIT_MS
 * each.  Any failure leaves the connection useless: vhost_close it and ask for another.
 *
 * Protocol: QEMU's "Vhost-user Protocol"; what the other side accepts: docs/volume-design.md.
 */
#ifndef SMARTBOX_VMX_VHOST_H
#define SMARTBOX_VMX_VHOST_H

#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/vmx/gmem.h"
#include "smartbox/vmx/virtqueue.h"

enum { VHOST_WAIT_MS = 20000, VHOST_CONFIG = 60 };

struct vhost {
	int fd; /* -1: not connected */
	uint64_t features, protocol; /* offered; agreed */
	int backend_fd; /* our end of the channel on which it tells of changes */
};

/* What survives the server: which requests it had taken. */
struct vhost_inflight {
	int fd; /* -1: none yet */
	uint64_t bytes, offset;
	uint16_t queues, queue_size;
};

/* The socket is owned, also on failure.  Agrees on the protocol and hands the memory over. */
int vhost_open(struct vhost *h, int fd, const struct gmem *mem, struct err *e);
void vhost_close(struct vhost *h);
int vhost_get_config(struct vhost *h, uint8_t config[VHOST_CONFIG]);

struct vhost_ring {
	unsigned index;
	const struct vq_state *state; /* size, addresses, last_avail */
	int kick_fd, call_fd;
};
/*
 * Start ring 0 with what the driver negotiated.  A fresh start gets a new in-flight area into *in; with
 * resume the area of the dead server is handed over, and the ring goes on where that was.
 */
int vhost_start(struct vhost *h, uint64_t features, const struct gmem *mem,
    const struct vhost_ring *r, struct vhost_inflight *in, bool resume);
/* Returns when nothing of the ring is in flight; *last_avail is where it stopped. */
int vhost_stop(struct vhost *h, unsigned index, uint16_t *last_avail);

#endif
