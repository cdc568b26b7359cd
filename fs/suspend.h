/* SPDX-License-Identifier: MIT */
/* Waiting out devices that fail in the middle of a sync.  Theory in fs/suspend.c.  Internal to fs/. */
#ifndef FS_SUSPEND_H
#define FS_SUSPEND_H

#include <stddef.h>

#include "smartbox/fs/spa.h"

struct vdev;

struct suspend; /* hangs on struct spa; NULL: nothing ever failed, or the pool is not patient */

/*
 * In a sync: a write that no device took.  true: it is kept for later, as good as written.
 * suspend_is_queueing: all further writes of this sync are to be kept, behind it.
 */
bool suspend_is_queueing(struct spa *spa);
bool suspend_keep(struct spa *spa, struct vdev *top, const void *buf, size_t len, uint64_t off);
/* Was this range kept? Then here it is. */
bool suspend_lookup(struct spa *spa, const struct vdev *top, void *buf, size_t len, uint64_t off);
/* At the end of a pass of a sync: what was kept gets to the devices, however long it takes. */
int suspend_write_kept(struct spa *spa);
/* A step of a sync failed: true when it shall be tried again, maybe after days. */
bool suspend_retry(struct spa *spa);
/* The same for a read, if it failed because a device is gone (not: a bad sector). */
bool suspend_retry_read(struct spa *spa);
/* The sync is over, well or not. */
void suspend_end(struct spa *spa);
/* Not while another thread's sync waits for devices. */
void suspend_wait_turn(struct spa *spa);
void suspend_free(struct spa *spa);

#endif
