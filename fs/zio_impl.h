/* SPDX-License-Identifier: MIT */
/* Buffers for raw blocks, kept between uses: the pool's `zio` state. */
#ifndef FS_ZIO_IMPL_H
#define FS_ZIO_IMPL_H

#include <stddef.h>
#include <stdint.h>

struct spa;
struct blkptr;

/* At least size bytes (up to 16 MiB), content undefined; NULL: no memory. Any thread. */
void *zio_buf_get(struct spa *spa, size_t size);
void zio_buf_put(struct spa *spa, void *buf, size_t size);

/* fs/zio_read.c: the three block pointers of a gang block's header. */
int zio_gang_children(struct spa *spa, const struct blkptr *bp, struct blkptr child[3]);

#endif
