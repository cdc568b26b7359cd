/* SPDX-License-Identifier: MIT */
/*
 * The body of poold, a keeper and a server: one imported pool, its mounts and its socket, until it
 * is exported.
 */
#ifndef SMARTBOX_FS_POOL_SERVER_H
#define SMARTBOX_FS_POOL_SERVER_H

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

/*
 * Create or import the pool that the request describes (docs/poold-protocol.md, "Starting"), serve
 * it, return when it is gone.  The answer to the request goes to report_fd, which is closed then;
 * an error return was reported there too.  Call it in a process of its own with one thread; it
 * returns in each process that it becomes, which should end then: in the keeper and in the servers.
 */
int pool_keeper_run(const struct nvlist *request, int report_fd, struct err *e);
/* Go on as the keeper of another version of this program, whose memory file fd is.  Or: could we? */
int pool_keeper_go_on(int fd, struct err *e);
int pool_keeper_check(int fd, struct err *e);

/* Read the one request that a starter sends (fs/client.h, pool_start). */
int pool_server_request(int fd, struct nvlist **request, struct err *e);

#endif
