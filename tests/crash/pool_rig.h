/* SPDX-License-Identifier: MIT */
/*
 * What the crash tests of pools have in common: devices that outlive a pool, a world that a seed
 * repeats, children that are cut off, and finding a pool on what they left.
 */
#ifndef SMARTBOX_POOL_RIG_H
#define SMARTBOX_POOL_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/bdev.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/spa.h"

#define DEVICES_MAX 5
#define TOPS_MAX 16 /* numbers of top-levels; those that left count */

struct layout {
	const char *name, *type; /* type NULL: a stripe of leaves */
	unsigned devices, nparity, ashift;
	uint64_t size;
	bool redundant;
	bool has_log; /* of a stripe: the last device is one for the intent log */
};

/* The same device again: spa_create closes what it was given when it fails. */
struct bdev *crash_view(struct bdev *of);
struct nvlist *crash_vdev_tree(const struct layout *l);

uint64_t crash_random(uint64_t *state);
/* A clock that stands, random numbers from *rnd. */
struct fs_os crash_os(uint64_t *rnd);
/* A number from the environment. */
uint64_t crash_env(const char *name, uint64_t def);

/* Close the pool but not its devices, which are put into bd in the order of the tree. */
void crash_close_keeping(struct spa *spa, struct bdev **bd);
/* The trees of the top-levels from the newest labels: what pool_scan does for paths. */
struct nvlist *crash_config(struct bdev *const *bd, unsigned n);

/* fork with a time limit; the status as wait gives it. */
pid_t crash_child(void);
int crash_child_end(pid_t pid);

#endif
