/* SPDX-License-Identifier: MIT */
/*
 * Operations on an open pool by name: what poold does for its clients, and what a tool does itself
 * when it has opened a pool in its own process.
 *
 * A session is one open pool with its mounts.  An operation takes an nvlist and fills another.  The
 * names, arguments and results are listed in docs/poold-protocol.md, which is the interface that
 * fs/client.h wraps.
 */
#ifndef SMARTBOX_FS_POOLOPS_H
#define SMARTBOX_FS_POOLOPS_H

#include <stdbool.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/fuse.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/spa.h"
#include "smartbox/fs/syncer.h"
#include "smartbox/fs/zvol_server.h"

struct pool_session;

struct pool_session_opts {
	struct spa *spa;	  /* borrowed; gone after the operations pool.export, pool.destroy */
	struct fuse_server *fuse; /* NULL: nothing is mounted by this process */
	struct syncer *sync;	  /* NULL: read-only or in-process */
	struct zvol_server *zvols; /* NULL: volumes are not exported by this process */
	const char *altroot;	  /* put before every mount point; NULL: none */
	/* Before a pool is closed: end the threads that use it.  May be NULL. */
	void (*quiesce)(void *arg);
	void *arg;
};

int pool_session_new(const struct pool_session_opts *o, struct pool_session **out, struct err *e);
void pool_session_free(struct pool_session *s); /* leaves the pool as it is; NULL is fine */
/* The pool was exported or destroyed: its spa is freed. */
bool pool_session_is_over(const struct pool_session *s);

/* Does this operation change anything (then only root may ask for it)?  -ENOSYS: no such one. */
int poolops_changes(const char *op);
/*
 * Run an operation.  Called without the pool's lock, from any thread; operations that change run
 * one at a time.  out: an empty nvlist that gets the results, also some of a failure (which
 * datasets stand in the way).  in["history"] is the command line for the pool's history.
 */
int poolops_call(struct pool_session *s, const char *op, const struct nvlist *in,
    struct nvlist *out, struct err *e);

/*
 * Operations that read or write a stream: io->fd is where it comes from or goes to (borrowed).  tell
 * gets messages for the user while it runs: "line" (text), or "name" and "bytes" (progress); gone says
 * that nobody waits for the outcome any more.  Both are called from the caller's thread; may be NULL.
 */
struct poolops_io {
	int fd;
	void (*tell)(void *arg, const struct nvlist *nv);
	bool (*gone)(void *arg);
	void *arg;
};
bool poolops_is_stream(const char *op);
int poolops_stream(struct pool_session *s, const char *op, const struct nvlist *in,
    struct nvlist *out, struct poolops_io *io, struct err *e);

#endif
