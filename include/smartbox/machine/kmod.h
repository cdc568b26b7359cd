/* SPDX-License-Identifier: MIT */
/*
 * Kernel modules of the running kernel: found by name or alias, loaded with what they depend on.
 *
 * The index is the pair modules.dep and modules.alias that depmod(8) writes, as text. A device says
 * what drives it in a "modalias" string; aliases are patterns over such strings. Loading everything
 * that the machine's devices ask for is all that the image needs of udev.
 */
#ifndef SMARTBOX_MACHINE_KMOD_H
#define SMARTBOX_MACHINE_KMOD_H

#include "smartbox/core/err.h"

struct kmod;

/*
 * Read the index of a folder such as /lib/modules/6.1.0-13-amd64; dir NULL is the running kernel's.
 * Returns 0; -ENOENT when that kernel has no modules here.
 */
int kmod_open(const char *dir, struct kmod **out, struct err *e);
void kmod_close(struct kmod *k); /* NULL is fine */

/*
 * Load a module by name or by alias ("fs-fuse", "pci:v00001AF4d..."), dependencies first. What is
 * loaded already, or built in, counts as done. params may be NULL.
 * Returns 0; -ENOENT nothing here answers to that name; the kernel's error otherwise.
 */
int kmod_load(struct kmod *k, const char *name, const char *params, struct err *e);

/* Unload one module; -EWOULDBLOCK while it is used. */
int kmod_unload(const char *name, struct err *e);

/*
 * Load what drives the devices below sysfs ("/sys/devices"), until a pass finds no new device: a bus
 * driver makes devices appear. A driver that fails to load is not an error: the device may be
 * another's. Returns how many modules were loaded, or -errno.
 */
int kmod_coldplug(struct kmod *k, const char *sysfs, struct err *e);

/* What would be loaded for a name, dependencies first; for tests and `modprobe -n`. */
typedef int kmod_path_fn(const char *path, void *arg);
int kmod_resolve(struct kmod *k, const char *name, kmod_path_fn *fn, void *arg, struct err *e);

#endif
