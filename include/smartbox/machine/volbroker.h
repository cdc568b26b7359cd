/* SPDX-License-Identifier: MIT */
/*
 * Volumes for a monitor that has locked itself in: connections now, and new ones when poold restarts.
 */
#ifndef SMARTBOX_MACHINE_VOLBROKER_H
#define SMARTBOX_MACHINE_VOLBROKER_H

#include <stdbool.h>

#include "smartbox/core/err.h"

struct volume_link {
	const char *name; /* POOL/VOLUME */
	bool readonly;
	int vhost_fd, broker_fd; /* out: for struct vmx_disk */
};

/*
 * Connect all and start one process that connects them again: it ends when every broker_fd is
 * closed.  On failure nothing is left.  n at most 16.
 */
int volume_broker(struct volume_link *v, unsigned n, struct err *e);

#endif
