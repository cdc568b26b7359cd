/* SPDX-License-Identifier: MIT */
/*
 * Threads that share one loop: fn(arg, 0) .. fn(arg, n - 1), in any order, done when run returns.
 *
 * For work that needs no lock: packing, hashing.  The caller works too, so with one processor (no
 * helper threads) it is a plain loop.  Threads start at the first run that has enough to share.
 */
#ifndef SMARTBOX_FS_WORKERS_H
#define SMARTBOX_FS_WORKERS_H

#include <stddef.h>

struct workers;

/* helpers: threads beside the caller; -1: one less than the processors, at most 7. */
struct workers *workers_new(int helpers);
void workers_free(struct workers *w); /* NULL is fine */
/* w NULL: a plain loop.  One run at a time. */
void workers_run(struct workers *w, size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
