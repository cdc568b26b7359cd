/* SPDX-License-Identifier: MIT */
/*
 * The tender: what a pool does by itself, in a thread of the process that owns it.
 *
 * Runs scans in small steps, starts a resilver when a device lacks something, ends replacements, takes
 * faulty devices out, brings returned ones back, lets hot spares step in.
 */
#ifndef SMARTBOX_FS_TENDER_H
#define SMARTBOX_FS_TENDER_H

#include "smartbox/core/err.h"

struct spa;

/* Without the lock. One per pool; a second start does nothing. */
int tender_start(struct spa *spa, struct err *e);
void tender_stop(struct spa *spa); /* before a pool is closed */
/*
 * With the lock: one round, which works for about `ms` milliseconds. Returns in how many milliseconds
 * it wants to be called again. For tests, and for what has no threads.
 */
unsigned tender_round(struct spa *spa, unsigned ms);
/* There is something to do: no need to wait. Any thread. */
void tender_wake(struct spa *spa);

#endif
