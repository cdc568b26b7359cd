/* SPDX-License-Identifier: MIT */
/*
 * What happened to a pool, for `zpool events`: the last few hundred events.  Theory in fs/events.c.
 *
 * Internal to fs/.  Any thread, with or without the pool's lock.  A pool without a ring (nobody can ask)
 * notes nothing.
 */
#ifndef FS_EVENTS_H
#define FS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/vdev.h"

struct spa;
struct events;

int events_start(struct spa *spa); /* -ENOMEM */
void events_free(struct events *ev); /* NULL is fine */

/* payload may be NULL, and is taken. */
void events_post(struct spa *spa, const char *class, struct nvlist *payload);
/* The same about a device: its guid, path, state. */
void events_post_vdev(struct vdev *v, const char *class, struct nvlist *payload);
/* "io" or "checksum": a read or write of this device went wrong. At most some a second are kept. */
void events_post_error(struct vdev *leaf, const char *what, int rc, uint64_t off, size_t len);
void events_post_state(struct vdev *v, enum vdev_state before);

/*
 * Those later than number `after` in order, copies for the caller; how many there are is returned, or
 * -ENOMEM.  clear: forget all; returns how many.
 */
int events_get(struct events *ev, uint64_t after, struct nvlist ***out);
int events_clear(struct events *ev);

#endif
