/* SPDX-License-Identifier: MIT */
/*
 * Volumes: an objset with one big object that is a disk.
 * Format: docs/zfs-format.md, "ZVOL".
 */
#ifndef SMARTBOX_FS_ZVOL_H
#define SMARTBOX_FS_ZVOL_H

#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dmu.h"

struct zvol_init {
	uint64_t size;	     /* bytes, a multiple of block_size */
	uint32_t block_size; /* power of two, 512 .. 128K */
};

/* Is that a legal size?  -EINVAL with the reason. */
int zvol_check(const struct zvol_init *v, struct err *e);
/* The first objects of a new volume (a dsl_init_fn; arg: const struct zvol_init *). */
int zvol_init_objset(struct objset *os, void *arg);
/* What a volume that is not sparse reserves: its size and the indirect blocks of a full one. */
uint64_t zvol_reservation(const struct zvol_init *v, unsigned copies);

#endif
