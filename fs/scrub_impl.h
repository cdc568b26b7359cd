/* SPDX-License-Identifier: MIT */
/* What a scan is in memory: fs/scrub.c is its life, fs/scan_walk.c its way through the pool. */
#ifndef FS_SCRUB_IMPL_H
#define FS_SCRUB_IMPL_H

#include <time.h>

#include "smartbox/fs/scrub.h"
#include "spa_impl.h"

#define ERRORS_KEPT 100
#define SCAN_PAUSE 1 /* returned inside a walk: time is over */

struct target {
	uint64_t dataset; /* 0: the meta objset */
	uint64_t min_txg, creation_txg;
};

struct scrub {
	struct scrub_stat stat;
	uint64_t min_txg, max_txg; /* of blocks: (min, max] */
	uint64_t list_txg;	   /* the datasets are those of this txg */
	uint64_t queue;		   /* object that OpenZFS wants while a scan runs */
	bool drop_queue;	   /* ... and that has somebody else's entries */
	struct target *target;
	size_t n, at;
	uint64_t object, blkid; /* position in target[at] */
	struct scrub_error error[ERRORS_KEPT];
	unsigned nerror;
	struct timespec deadline;
	bool dirty; /* the entry on disk is not this */
};

bool scan_time_is_over(const struct scrub *s);
int scan_list_targets(struct spa *spa, struct scrub *s);
/* fs/scan_log.c: the log of a head, if it waits for its replay; data: for blocks that records point at. */
int scan_walk_log(struct spa *spa, struct scrub *s, const uint8_t *header,
    int (*data)(void *arg, const struct blkptr *bp), void *arg);
/* Go on in target[at]: 0 it is done, SCAN_PAUSE, -ENOMEM. */
int scan_walk_target(struct spa *spa, struct scrub *s);

#endif
