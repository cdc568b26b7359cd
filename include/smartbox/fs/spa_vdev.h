/* SPDX-License-Identifier: MIT */
/*
 * Devices of a pool that is open: taken offline and back, attached, detached, replaced, added, removed.
 *
 * All with the pool's lock held (spa_enter); what returns 0 is durable.  Devices are named as
 * vdev_find does.  Refusals carry the sentence that OpenZFS's users know.
 */
#ifndef SMARTBOX_FS_SPA_VDEV_H
#define SMARTBOX_FS_SPA_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/vdev.h"

struct fs_os;
struct spa;

/* temporary: until the next import.  fault: FAULTED instead (`offline -f`).  -EBUSY: it is needed. */
int spa_vdev_offline(struct spa *spa, const char *name, bool temporary, bool fault, struct err *e);
/* Back again, also from FAULTED; it is resilvered by what runs in the background. */
int spa_vdev_online(struct spa *spa, const char *name, bool expand, struct err *e);

struct spa_attach {
	const char *old; /* the device beside or in place of which it goes */
	const struct nvlist *leaf; /* type, path; NULL (replace only): a new one in the same place */
	bool replace, force;
	struct bdev *bd; /* tests: the device, owned; NULL: opened by path */
};
/* Makes a mirror, or a wider one; replace: a "replacing" (with a hot spare: a "spare"). */
int spa_vdev_attach(struct spa *spa, const struct spa_attach *a, struct err *e);
int spa_vdev_detach(struct spa *spa, const char *name, struct err *e);

struct spa_add {
	/*
	 * A root like the one for spa_create: children are top-levels, with is_log 1 or alloc_bias
	 * "special", "dedup" where they are such; "spares" and "l2cache" are lists of leaves.
	 */
	const struct nvlist *tree;
	unsigned ashift; /* 0: as the devices want */
	bool force;	 /* over other pools' labels */
	struct bdev **bdevs; /* tests: in order; NULL: opened by path */
};
int spa_vdev_add(struct spa *spa, const struct spa_add *o, struct err *e);
/* A spare, cache or log device; -ENOTSUP: another, -EBUSY: in use. */
int spa_vdev_remove(struct spa *spa, const char *name, struct err *e);
int spa_reguid(struct spa *spa, struct err *e);

/* One side of each mirror becomes a pool, exported: those named, else the last of each. */
struct spa_split {
	const char *name;
	const char *const *device;
	size_t n;
	const struct nvlist *props; /* of the new pool; or NULL */
	struct bdev **bdevs;	    /* tests: what devices there are; those that it takes become NULL */
	size_t nbdevs;
	const struct fs_os *os;	    /* tests: the new pool's; NULL: the real one */
};
int spa_vdev_split(struct spa *spa, const struct spa_split *o, struct err *e);
/* Which would leave; nothing changes. */
int spa_vdev_split_plan(struct spa *spa, const struct spa_split *o,
    int (*fn)(const struct vdev *leaf, void *arg), void *arg, struct err *e);

/*
 * -EBUSY: it runs; -ESRCH: it does not. The tender does the work. device NULL: all.  rate: of a trim, bytes
 * a second for each device; 0: any, or as it was when it was suspended.
 */
enum spa_work { SPA_INITIALIZE, SPA_TRIM };
enum init_command { INIT_START, INIT_CANCEL, INIT_SUSPEND };
int spa_work(struct spa *spa, enum spa_work kind, const char *device, enum init_command what,
    uint64_t rate, struct err *e);

/* Forget error counts of one device (and what is below) or all; bring faulted ones back. */
int spa_vdev_clear(struct spa *spa, const char *name, struct err *e);
/* Look again for devices that are not there.  Returns how many came back. */
unsigned spa_vdev_reopen(struct spa *spa);
/* Too many errors: no more of this device, if the pool can do without; else DEGRADED. */
void spa_vdev_fault(struct spa *spa, struct vdev *leaf, const char *why);

/* What a finished resilver makes possible: old sides of replacements leave, spares return. */
int spa_vdev_settle(struct spa *spa, struct err *e);

#endif
