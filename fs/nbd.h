/* SPDX-License-Identifier: MIT */
/* Network block device: serving a disk on a socket, and the kernel's driver on the other end. */
#ifndef FS_NBD_H
#define FS_NBD_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/blkio.h"

struct nbd_conn;

/*
 * Serve the disk on a connected stream socket (owned from then on), transmission phase, simple
 * replies.  lost (may be NULL) is called once, by a worker, when the other side is gone or breaks
 * the protocol; the connection is then dead and waits for nbd_conn_free.
 */
int nbd_conn_new(struct blkio *b, const struct blk_disk *d, int fd, void (*lost)(void *arg), void *arg,
    struct nbd_conn **out);
/* Waits for what is being served.  Not from within `lost`.  NULL is fine. */
void nbd_conn_free(struct nbd_conn *c);

struct nbd_kernel; /* a way to talk to the driver; one thread at a time */

struct nbd_spec {
	uint64_t size;
	bool readonly;
	const char *backend; /* by which a later server finds its devices */
};
enum { NBD_SOCKETS_MAX = 8 };

/* -ENOTSUP: this kernel has no nbd driver. */
int nbd_kernel_open(struct nbd_kernel **out, struct err *e);
void nbd_kernel_close(struct nbd_kernel *k);
/* A new device on these sockets (borrowed: the kernel takes its own reference); *index is N of nbdN. */
int nbd_kernel_connect(struct nbd_kernel *k, const struct nbd_spec *spec, const int *fds, int n,
    int *index, struct err *e);
/* Sockets for connections that died; requests that wait go on there. */
int nbd_kernel_reconnect(struct nbd_kernel *k, int index, const char *backend, const int *fds,
    int n, struct err *e);
int nbd_kernel_resize(struct nbd_kernel *k, int index, const char *backend, uint64_t size,
    struct err *e);
/* What waits fails with EIO. */
int nbd_kernel_disconnect(struct nbd_kernel *k, int index, struct err *e);
/* Call fn for every device whose backend begins with prefix, until it returns non-zero. */
int nbd_kernel_walk(const char *prefix, int (*fn)(int index, const char *backend, void *arg),
    void *arg);

#endif
