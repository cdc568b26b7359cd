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

/* Vdev specification into the tree for a create; 0, or 1, 2 after a message. */
int zpool_parse_vdevs(int argc, char **argv, bool force, struct nvlist **tree);
/* The same tree as "zpool create -n" prints it. */
void zpool_print_layout(const char *pool, const struct nvlist *tree);

/* How a vdev is called: its basename for disks, the path for files or when full. */
const char *zpool_vdev_name(const struct nvlist *node, bool full);
/* Width that the names of the tree need, each level indented by two. */
size_t zpool_tree_width(const struct nvlist *node, size_t depth, bool full);
/* Children of a node; n is 0 when there are none. */
void zpool_children(const struct nvlist *node, struct nvlist ***child, size_t *n);

/* [interval [count]] behind the pools: taken from the arguments.  interval 0: once. */
struct zpool_repeat {
	double interval;
	uint64_t count; /* 0: for ever */
};
void zpool_take_repeat(int *argc, char **argv, struct zpool_repeat *r);
/* Run fn once or again and again; the last exit code. */
int zpool_repeat(const struct zpool_repeat *r, int (*fn)(void *arg), void *arg);

#endif
