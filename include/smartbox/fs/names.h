/* SPDX-License-Identifier: MIT */
/*
 * Names of pools, datasets and snapshots: what is legal, and taking them apart.
 * Rules: OpenZFS, "ZFS component naming" in zfs(8) and zpool(8).
 */
#ifndef SMARTBOX_FS_NAMES_H
#define SMARTBOX_FS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/core/err.h"

/* 0 or -EINVAL (-ENAMETOOLONG) with the reason, which does not repeat the name. */
int name_check_pool(const char *name, struct err *e);
/* types: DSL_FILESYSTEM, DSL_VOLUME, DSL_SNAPSHOT, DSL_BOOKMARK; which forms are acceptable. */
int name_check_dataset(const char *name, unsigned types, struct err *e);

size_t name_pool_length(const char *dataset);		    /* "tank" of "tank/a@b" */
bool name_parent(const char *dataset, char *buf, size_t size); /* false: a pool has none */
/* Is `name` the dataset `root` itself, one below it, or a snapshot of one of these? */
bool name_is_within(const char *name, const char *root);
/* How many steps below root: 0 itself, a child or a snapshot of it 1. */
unsigned name_depth(const char *name, const char *root);
/*
 * The order of zfs list: by dataset; a dataset before its snapshots, which keep the order that
 * they come in (0 is returned for two snapshots of one dataset).
 */
int name_compare(const char *a, const char *b);

#endif
