/* SPDX-License-Identifier: MIT */
/* Buffers for raw blocks, kept between uses: the pool's `zio` state. */
#ifndef FS_ZIO_IMPL_H
#define FS_ZIO_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spa;
struct blkptr;

/* At least size bytes (up to 16 MiB), content undefined; NULL: no memory. Any thread. */
void *zio_buf_get(struct spa *spa, size_t size);
void zio_buf_put(struct spa *spa, void *buf, size_t size);
void zio_buf_trim(struct spa *spa); /* keep none */

/* fs/zio_read.c: the three block pointers of a gang block's header. */
int zio_gang_children(struct spa *spa, const struct blkptr *bp, struct blkptr child[3]);

struct vdev;
/* fs/zio_write.c: one copy to its top-level, or kept for later (fs/suspend.h); false: it failed. */
bool zio_put_copy(struct spa *spa, struct vdev *top, const void *raw, size_t len, uint64_t off);

struct zio_write;
/*
 * fs/zio_gang.c: the raw block in pieces, when it has no space as one.  Sets bp's DVAs; all else of
 * it is the caller's.
 */
int zio_gang_write(struct spa *spa, const struct zio_write *w, const uint8_t *raw, uint32_t psize,
    struct blkptr *bp);
/* w->rewrite is a gang block of this txg whose psize raw has. */
int zio_gang_rewrite(struct spa *spa, const struct zio_write *w, const uint8_t *raw);

#endif
