/* SPDX-License-Identifier: MIT */
/*
 * Scrub: read every copy of every block in a pool, compare with its checksum, repair what is bad.
 *
 * One scrub per pool. It runs in steps under the pool's lock, so that other work goes on between
 * them; scrub_run_background makes a thread that does the steps. State lives in struct spa; the result of
 * the last scrub is on disk (`zpool status` of OpenZFS shows it too).
 */
#ifndef SMARTBOX_FS_SCRUB_H
#define SMARTBOX_FS_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct spa;

enum scrub_state { SCRUB_NONE, SCRUB_RUNNING, SCRUB_FINISHED, SCRUB_CANCELED };

struct scrub_stat {
	enum scrub_state state;
	uint64_t start, end;		/* seconds since 1970 */
	uint64_t to_examine, examined;	/* bytes of all copies */
	uint64_t repaired;		/* bytes */
	uint64_t errors;		/* blocks of which no copy was good */
};

/* A block that is lost: what it belonged to. */
struct scrub_error {
	uint64_t dataset, object, blkid; /* dataset: object number in the MOS, 0 the MOS itself */
	int level;
};

/* All with the pool's lock held. -EBUSY: one is running. -EROFS, -EIO (suspended). */
int scrub_start(struct spa *spa, struct err *e);
/*
 * Work for about `ms` milliseconds. 1: there is more to do; 0: finished (the result becomes durable
 * with the next sync) or none is running; -errno: it was stopped (suspended, no memory).
 */
int scrub_step(struct spa *spa, unsigned ms);
int scrub_cancel(struct spa *spa); /* -ENOENT: none is running */
void scrub_stat(struct spa *spa, struct scrub_stat *st);
/* The n-th lost block of the running or last scrub since import; false behind the last (100 kept). */
bool scrub_error_at(struct spa *spa, unsigned n, struct scrub_error *out);

/* Without the lock: start one and a thread that steps it to its end. */
int scrub_run_background(struct spa *spa, struct err *e);
/* Without the lock: end the thread, forget everything in memory. Before a spa is freed. */
void scrub_fini(struct spa *spa);

#endif
