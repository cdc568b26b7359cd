/* SPDX-License-Identifier: MIT */
/*
 * What process 1 does to a bare kernel: a root that zones can pivot away from, the kernel's file
 * systems, devices as they come, and the end of it all.
 */
#ifndef SMARTBOX_MACHINE_BOOT_H
#define SMARTBOX_MACHINE_BOOT_H

#include <stdbool.h>

#include "smartbox/core/err.h"

/*
 * Put a mount above the kernel's rootfs and make it the root. pivot_root(2) refuses to move rootfs
 * itself, so without this no zone could change its root. Only for process 1 of the image.
 */
int boot_own_root(struct err *e);

/* Mount /proc, /sys, /dev, /run, /tmp, cgroup v2 and their like. What the kernel lacks is left out. */
int boot_mount_kernel(struct err *e);

/* Bring up the loopback interface, with the addresses that the kernel gives it. */
int boot_loopback(struct err *e);

/*
 * Load the drivers of the devices that are there, write one byte to ready_fd, then follow the kernel's
 * events and load the drivers of those that come. Returns only on failure.
 */
int boot_hotplug(int ready_fd, struct err *e);

/* Unmount everything that can be, newest first. Never fails: what is busy stays. */
void boot_unmount_all(void);

#endif
