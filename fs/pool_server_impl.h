/* SPDX-License-Identifier: MIT */
/*
 * The two processes of a poold: keeper (fs/pool_keeper.c) and server (fs/pool_server.c).
 */
#ifndef FS_POOL_SERVER_IMPL_H
#define FS_POOL_SERVER_IMPL_H

#include "smartbox/fs/pool_server.h"
#include "stash.h"

enum { POOL_RESTART_STATUS = 75 }; /* a server that wants a successor of a newer program */

/*
 * Create or import, serve, return when the pool is gone.  request NULL: go on where a server was killed;
 * report_fd is -1 then.
 */
int pool_server_run(const struct nvlist *request, int report_fd, struct stash *st, struct err *e);
/* The answer to a starter; closes fd. */
void pool_server_report(int fd, int rc, const struct err *e, const struct nvlist *out);
/* A daemon of storage must not wait for memory that only it can free, nor be a victim. */
void pool_protect_memory(void);
/* The request that imports the pool as it was (client_start.c). */
int pool_restart_request(const char *pool, struct nvlist **request, struct err *e);

#endif
