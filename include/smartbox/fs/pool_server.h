/* SPDX-License-Identifier: MIT */
/*
 * The body of poold: one imported pool, its mounts and its socket, until it is exported.
 */
#ifndef SMARTBOX_FS_POOL_SERVER_H
#define SMARTBOX_FS_POOL_SERVER_H

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

/*
 * Create or import the pool that the request describes (docs/poold-protocol.md, "Starting"), serve
 * it, return when it is gone.  The answer to the request goes to report_fd, which is closed then;
 * an error return was reported there too.  Call it in a process of its own with one thread.
 */
int pool_server_run(const struct nvlist *request, int report_fd, struct err *e);

/* Read the one request that a starter sends (fs/client.h, pool_start). */
int pool_server_request(int fd, struct nvlist **request, struct err *e);

#endif
