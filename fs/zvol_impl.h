/* SPDX-License-Identifier: MIT */
/* The volumes' names in /dev. */
#ifndef FS_ZVOL_IMPL_H
#define FS_ZVOL_IMPL_H

#include <stdbool.h>

#include "smartbox/core/err.h"

/*
 * /dev/zvol/NAME, /dev/zvol/dsk/NAME and /dev/zvol/rdsk/NAME point at /dev/DEVICE ("nbd3"), each replaced
 * atomically.  $SMARTBOX_DEV stands for /dev in tests.
 */
int zvol_link(const char *name, const char *device, struct err *e);
void zvol_unlink(const char *name);
/* All names of a pool: what a server that was killed left. */
void zvol_unlink_pool(const char *pool);
/* The node of a device, made when nothing else makes nodes here. */
int zvol_device_node(const char *device, char *path, unsigned long size, struct err *e);
/* Is it mounted, claimed or open? */
bool zvol_device_in_use(const char *device);

#endif
