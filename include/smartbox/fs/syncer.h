/* SPDX-License-Identifier: MIT */
/*
 * The thread that makes a pool's changes durable: one per pool that is imported for writing.
 *
 * It calls spa_sync() every few seconds while the pool is dirty, at once when somebody waits for a
 * txg, and when much is dirty.  All who wait for the same txg share one sync (group commit).
 * Never call these functions with the pool's lock held, except where it says so.
 */
#ifndef SMARTBOX_FS_SYNCER_H
#define SMARTBOX_FS_SYNCER_H

#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/spa.h"

struct syncer;

/* period_ms 0: 5 s; dirty_max 0: 64 MiB. */
int syncer_new(struct spa *spa, unsigned period_ms, uint64_t dirty_max, struct syncer **out,
    struct err *e);
/* Sync what is dirty, answer all who wait, end the thread.  NULL is fine. */
void syncer_free(struct syncer *s);

/*
 * Call fn once all that was dirtied up to `txg` (see spa_open_txg) is on disk: at once when it is
 * already, else later from the syncer's thread, without the pool's lock.  rc: 0 or why the sync
 * failed.  May be called with the pool's lock held, unless the txg is synced already.
 */
typedef void sync_done_fn(int rc, void *arg);
void syncer_notify(struct syncer *s, uint64_t txg, sync_done_fn *fn, void *arg);
/* Forget a notification; the arg when it had not been called yet, else NULL. */
void *syncer_cancel(struct syncer *s, int (*match)(void *arg, void *key), void *key);
int syncer_wait(struct syncer *s, uint64_t txg);
/* A sync should come soon; does not wait for it.  May be called with the pool's lock. */
void syncer_hurry(struct syncer *s);
/* Sync now: everything dirtied before the call. */
int syncer_flush(struct syncer *s);

/* Before an operation that dirties: wait while more than dirty_max is dirty. */
void syncer_throttle(struct syncer *s);

#endif
