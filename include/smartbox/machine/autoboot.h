/* SPDX-License-Identifier: MIT */
/*
 * All zones of a machine at once: what happens to them when it starts and when it stops.
 */
#ifndef SMARTBOX_MACHINE_AUTOBOOT_H
#define SMARTBOX_MACHINE_AUTOBOOT_H

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"

/* Told of each zone that failed, in the process that called. */
typedef void autoboot_fn(const char *zone, const char *why, void *arg);

/*
 * Boot every installed zone whose autoboot is true, AUTOBOOT_WIDTH at a time. Returns how many failed,
 * or -errno when the zones cannot be listed. fn may be NULL.
 */
int autoboot_start(const struct zone_env *env, autoboot_fn *fn, void *arg, struct err *e);

/* Shut every live zone down, with timeout_s for each before it is halted. Returns as autoboot_start. */
int autoboot_stop(const struct zone_env *env, unsigned timeout_s, autoboot_fn *fn, void *arg,
    struct err *e);

#endif
