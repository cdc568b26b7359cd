/* SPDX-License-Identifier: MIT */
/*
 * The world that images and machines live in: where files are, which pool, who makes datasets.
 *
 * A context instead of constants, so that a test has a world of its own: directories from the
 * environment, datasets from a table of functions.
 */
#ifndef SMARTBOX_MACHINE_MACHINE_H
#define SMARTBOX_MACHINE_MACHINE_H

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/kern/zone.h"

/* One line of a listing. */
struct dataset_row {
	const char *name;   /* "zones/UUID" or "zones/UUID@final" */
	const char *type;   /* "filesystem", "volume", "snapshot" */
	const char *origin; /* "" for none */
	uint64_t used;	    /* bytes */
	uint64_t created;   /* seconds since 1970 */
};

typedef int dataset_fn(const struct dataset_row *row, void *arg); /* nonzero ends and is returned */

/*
 * What machine/ asks of the pools.  datasets_pools (machine/datasets.c) is the real one; unit tests
 * bring one that fails or stops at any step.  Results as fs/client.h's.
 */
struct datasets {
	int (*create)(void *ctx, const char *name, const struct nvlist *props, struct err *e);
	int (*create_volume)(void *ctx, const char *name, uint64_t bytes, bool sparse,
	    const struct nvlist *props, struct err *e);
	int (*destroy)(void *ctx, const char *name, struct err *e); /* with snapshots and children */
	int (*snapshot)(void *ctx, const char *name, struct err *e);
	/* Of one pool, all at the same moment. */
	int (*snapshots)(void *ctx, const char *const *names, size_t n, struct err *e);
	int (*clone)(void *ctx, const char *snap, const char *name, const struct nvlist *props,
	    struct err *e);
	int (*rollback)(void *ctx, const char *snap, struct err *e); /* newer ones go */
	int (*exists)(void *ctx, const char *name, bool *exists, struct err *e);
	int (*get)(void *ctx, const char *name, const char *prop, char *buf, size_t size,
	    struct err *e);
	int (*set)(void *ctx, const char *name, const char *prop, const char *value, struct err *e);
	/* Everything at and below `root`, snapshots included, parents first. */
	int (*list)(void *ctx, const char *root, dataset_fn *fn, void *arg, struct err *e);
	int (*mount)(void *ctx, const char *name, struct err *e);
	/*
	 * A zfs stream from fd becomes `snap` of a new dataset with these properties, a clone of the snapshot
	 * origin if that is not NULL; as zfs receive.
	 */
	int (*receive)(void *ctx, const char *snap, const char *origin, const struct nvlist *props, int fd,
	    struct err *e);
	/* The stream of a snapshot, from an earlier one (of its origin) if that is not NULL; as zfs send. */
	int (*send)(void *ctx, const char *snap, const char *from, int fd, struct err *e);
	int (*rename)(void *ctx, const char *from, const char *to, struct err *e);
	bool (*pool_is_imported)(void *ctx, const char *pool);
};

extern const struct datasets datasets_pools;

struct machine {
	struct zone_env zenv;	   /* etc, run, cgroup */
	char var[256];		   /* "/var", or $SMARTBOX_VAR */
	char usbkey[256];	   /* "/usbkey", or $SMARTBOX_USBKEY */
	char pool[64];		   /* default pool: "zones", or $SMARTBOX_POOL */
	const struct datasets *ds; /* borrowed */
	void *ds_ctx;
	bool quiet;		   /* no progress bar */
	/* Told about progress in words ("Importing ..."); NULL: nobody listens. */
	void (*say)(void *arg, const char *text);
	void *say_arg;
};

void machine_init(struct machine *m); /* real datasets; paths from the environment */
void machine_say(const struct machine *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Where a filesystem is mounted, as the mountpoint property says; -ENOENT. */
int machine_mountpoint(const struct machine *m, const char *dataset, char *buf, size_t size,
    struct err *e);

#endif
