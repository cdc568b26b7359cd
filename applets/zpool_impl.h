/* SPDX-License-Identifier: MIT */
/* What the files of zpool share. */
#ifndef APPLETS_ZPOOL_IMPL_H
#define APPLETS_ZPOOL_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "must.h"
#include "smartbox/core/applet.h"
#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

/* Subcommands outside of zpool.c. */
int zpool_create(int argc, char **argv);
int zpool_import(int argc, char **argv);
int zpool_list(int argc, char **argv);
int zpool_get(int argc, char **argv);
int zpool_status(int argc, char **argv);
int zpool_scrub(int argc, char **argv);
int zpool_resilver(int argc, char **argv);
int zpool_iostat(int argc, char **argv);
int zpool_wait(int argc, char **argv);
int zpool_online(int argc, char **argv);
int zpool_offline(int argc, char **argv);
int zpool_attach(int argc, char **argv);
int zpool_detach(int argc, char **argv);
int zpool_replace(int argc, char **argv);
int zpool_add(int argc, char **argv);
int zpool_remove(int argc, char **argv);
int zpool_clear(int argc, char **argv);
int zpool_reopen(int argc, char **argv);
int zpool_trim(int argc, char **argv);
int zpool_upgrade(int argc, char **argv);
int zpool_reguid(int argc, char **argv);
int zpool_events(int argc, char **argv);
int zpool_checkpoint(int argc, char **argv);
int zpool_split(int argc, char **argv);
int zpool_initialize(int argc, char **argv);

/* The whole command line, for the pool's history. */
const char *zpool_command_line(void);

/* "-o prop=value" into nv, checked as at create or import; 0, or 2 after a message. */
int zpool_parse_prop(struct nvlist *nv, const char *arg);
/* The same for datasets (-O). */
int zpool_parse_fsprop(struct nvlist *nv, const char *arg);
/* Take a property out of the list: its value (malloc'ed) or NULL. */
char *zpool_take_prop(struct nvlist *nv, const char *name);
/* What a successful start has to say of mounts that failed; the exit code. */
int zpool_report_mounts(const struct nvlist *out);

/*
 * The pools named, or all: calls fn for each.  Exit code: 1 when one is not there or fn returned
 * non-zero.  *count (may be NULL): how many there were.
 */
int zpool_each(int argc, char **argv, int (*fn)(const char *pool, void *arg), void *arg,
    size_t *count);

/*
 * Vdev specification into the tree for a create, or (pool: the tree of its status) an add; 0, or 1, 2
 * after a message.
 */
int zpool_parse_vdevs(int argc, char **argv, bool force, const struct nvlist *pool,
    struct nvlist **tree);
/* One device that is attached to the pool. */
int zpool_parse_device(const char *pool, const char *arg, struct nvlist **leaf);
/* Is this the label of a device whose pool runs here? */
bool zpool_label_in_use(const struct nvlist *label);
/* What "-n" prints: there: the pool's tree for an add, else NULL. */
void zpool_print_layout(const char *pool, const struct nvlist *there, const struct nvlist *tree,
    unsigned how);

/* Fields of "scan" in a pool's status, as fs/poolops_status.c puts them. */
enum { SCAN_FUNC, SCAN_STATE, SCAN_PAUSED, SCAN_START, SCAN_END, SCAN_TO_EXAMINE, SCAN_EXAMINED,
	SCAN_REPAIRED, SCAN_ERRORS, SCAN_PASS_START, SCAN_PASS_EXAMINED, SCAN_PAUSE_START, SCAN_NOW,
	SCAN_FIELDS };
enum { FUNC_SCRUB = 1, FUNC_RESILVER = 2, STATE_SCANNING = 1, STATE_FINISHED = 2,
	STATE_CANCELED = 3 };
/* Wait until "scrub", "resilver" or "replace" is over; the exit code. */
int zpool_wait_for(const char *pool, const char *activity);

/* Options of how devices are called: -P the whole path, -g the guid, -L with links resolved. */
enum { ZPOOL_NAME_FULL = 1, ZPOOL_NAME_GUID = 2, ZPOOL_NAME_REAL = 4 };
unsigned zpool_name_option(int letter); /* 0: none of these */
/* The basename of disks, the path of files, or as `how` says.  Good until the next call. */
const char *zpool_vdev_name(const struct nvlist *node, unsigned how);
/* Width that the names of the tree need, each level indented by two. */
size_t zpool_tree_width(const struct nvlist *node, size_t depth, unsigned how);
/* Of all in a pool's status, cache and spare devices too. */
size_t zpool_status_width(const struct nvlist *status, unsigned how);
/* Is this top-level one of the class ("": data)?  Those that are gone are in none. */
bool zpool_is_shown(const struct nvlist *node, const char *class);
/* Children of a node; n is 0 when there are none. */
void zpool_children(const struct nvlist *node, struct nvlist ***child, size_t *n);

/* [interval [count]] behind the pools: taken from the arguments.  interval 0: there is none. */
struct zpool_repeat {
	double interval;
	uint64_t count; /* 0: for ever */
};
int zpool_take_repeat(int *argc, char **argv, struct zpool_repeat *r); /* 0, or 2 after a message */
/* -T d|u; 0, or 2 after a message. */
int zpool_take_stamp(const char *arg, char *how);
/* The time before a round: 'd' as people, 'u' as programs want it, else nothing. */
void zpool_print_stamp(char how);
/* Run fn once or again and again; the last exit code. */
int zpool_repeat(const struct zpool_repeat *r, int (*fn)(void *arg), void *arg);

#endif
