/* SPDX-License-Identifier: MIT */
/*
 * Scans: scrub (read every copy of every block, compare with its checksum, repair what is bad) and
 * resilver (give devices the blocks that they missed).
 *
 * One scan per pool. It runs in steps under the pool's lock, so that other work goes on between them;
 * fs/tender.h has the thread that does the steps. Its state is in the pool, in the format of OpenZFS: a
 * scan goes on after an export or a crash, here or there.
 */
#ifndef SMARTBOX_FS_SCRUB_H
#define SMARTBOX_FS_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct spa;

enum scan_func { SCAN_NOTHING, SCAN_SCRUB, SCAN_RESILVER };	   /* numbers as on disk */
enum scrub_state { SCRUB_NONE, SCRUB_RUNNING, SCRUB_FINISHED, SCRUB_CANCELED }; /* likewise */

struct scrub_stat {
	enum scan_func func;
	enum scrub_state state;
	bool paused;
	uint64_t start, end;		/* seconds since 1970 */
	uint64_t to_examine, examined;	/* bytes of all copies */
	uint64_t repaired;		/* bytes; of a resilver: given to devices */
	uint64_t errors;		/* blocks of which no copy was good */
	/* This pass: since the import, or since it was resumed. */
	uint64_t pass_start, pass_examined;
	uint64_t pause_start; /* when it was paused */
};

/* A block that is lost: what it belonged to. */
struct scrub_error {
	uint64_t dataset, object, blkid; /* dataset: object number in the MOS, 0 the MOS itself */
	int level;
};

/*
 * All with the pool's lock held. -EBUSY: one is running. -EROFS, -EIO (suspended). A scrub that is
 * paused goes on.
 */
int scrub_start(struct spa *spa, struct err *e);
/* When devices lack something; ends a scrub, which then has to be started anew. -ENOENT: none lacks. */
int resilver_start(struct spa *spa, struct err *e);
/*
 * Work for about `ms` milliseconds. 1: there is more to do; 0: finished (the result becomes durable
 * with the next sync), paused, or none is running; -errno: it was stopped (suspended, no memory).
 */
int scrub_step(struct spa *spa, unsigned ms);
int scrub_cancel(struct spa *spa); /* a scrub; -ENOENT: none is running */
void resilver_stop(struct spa *spa); /* a resilver: what it did is done, the logs stay */
int scrub_pause(struct spa *spa);  /* likewise; -ECANCELED: it is paused already */
void scrub_stat(struct spa *spa, struct scrub_stat *st);
/* The n-th lost block of the running or last scrub since import; false behind the last (100 kept). */
bool scrub_error_at(struct spa *spa, unsigned n, struct scrub_error *out);

/* After import: go on where the pool's entry says. */
int scrub_load(struct spa *spa);
/* In a sync: the entry in the meta objset. */
int scrub_sync(struct spa *spa);
/* Forget everything in memory. Before a spa is freed. */
void scrub_fini(struct spa *spa);

#endif
