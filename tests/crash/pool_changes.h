/* SPDX-License-Identifier: MIT */
/* Changes of a pool's devices and of its past, between the steps of a crash test's history. */
#ifndef SMARTBOX_POOL_CHANGES_H
#define SMARTBOX_POOL_CHANGES_H

#include "pool_rig.h"

enum change { REPLACE, RESILVER, ATTACH, DETACH, SPLIT, CHECKPOINT, DISCARD, REWIND, INITIALIZE,
	REMOVE_HALF, REMOVE_CANCEL, REMOVE, ADD };

struct changing {
	const struct layout *layout;
	struct spa **spa; /* NULL after a rewind that failed */
	struct bdev **fault; /* devices in the pool and beside it */
	unsigned devices;
	const struct fs_os *os;
};

/* The layouts with a + have one device more, which comes and goes between the steps. */
bool has_spare_device(const struct layout *l);
/* The n-th change of a history in this layout. */
enum change change_at(const struct layout *l, int n);
const char *change_name(enum change c);
/* Do it; takes and gives back the pool's lock. */
int change_do(const struct changing *c, enum change what, struct err *e);

#endif
