/* SPDX-License-Identifier: MIT */
/*
 * The zone supervisor's library half: applets/zoned.c plugs the network in and calls zoned_run.
 */
#ifndef SMARTBOX_KERN_ZONED_H
#define SMARTBOX_KERN_ZONED_H

#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

/* What a hook is told about the zone that comes or goes. */
struct zone_hook_args {
	const struct zone_env *env;
	const struct zonecfg *cfg;
	int id;		  /* zone id of this boot */
	int netns;	  /* descriptor of the zone's network namespace; -1 in net_down when gone */
	pid_t init_pid;	  /* in the global zone's pid namespace */
	uint32_t id_base; /* first host uid and gid */
};

/*
 * What runs as the zone's first process instead of an init of its root: a monitor.  It is executed in
 * all of the zone's namespaces, with the console as standard input and output.
 */
enum { ZONE_PROGRAM_FD0 = 100, ZONE_PROGRAM_FDS = 80 };
struct zone_program {
	int exe_fd;  /* executed; -1: there is no program, the root has an init */
	int argv_fd; /* a memory file: the arguments, each ended by a NUL */
	int fds[ZONE_PROGRAM_FDS]; /* become ZONE_PROGRAM_FD0, ZONE_PROGRAM_FD0 + 1, ... */
	unsigned nfds;
};

/*
 * Callbacks of a boot.  Any may be NULL.  An error of an `_up` hook fails the boot (the `_down` hooks
 * then still run); `_down` must accept a half-made state.
 *
 *	config_up    before anything is made: mount the zone's datasets, change cfg's view
 *	net_up	     the netns exists, lo is up, init has not run: move links in, set addresses
 *	program      what is to run as the first process, if not an init of the zone's root
 *	net_down     the processes are gone
 *	config_down  everything is gone
 *
 * After config_up the owner of ZONEPATH/root says how the tree is seen: id_base when the file system
 * shifts ids itself (a dataset with the property smartbox:idmap=BASE:LEN, which machine/ sets when it
 * makes the zone), then the supervisor must not map again; 0 when it must make an idmapped mount.
 */
struct zone_hooks {
	int (*config_up)(const struct zone_hook_args *a, void *ctx, struct err *e);
	int (*net_up)(const struct zone_hook_args *a, void *ctx, struct err *e);
	/* After net_up; *out is empty, its descriptors are the supervisor's afterwards. */
	int (*program)(const struct zone_hook_args *a, const char *bootargs, void *ctx,
	    struct zone_program *out, struct err *e);
	void (*net_down)(const struct zone_hook_args *a, void *ctx);
	void (*config_down)(const struct zone_hook_args *a, void *ctx);
	void (*log)(const char *line, void *ctx); /* what no caller is there to hear */
	void *ctx;
};

/*
 * Supervise one zone until it is halted and nobody holds its console.  `ready_fd` gets one byte when
 * the control socket listens (or -1).  Runs from a sealed copy of the binary (zoned_seal_self).
 */
int zoned_run(const struct zone_env *env, const char *name, const struct zone_hooks *hooks,
    int ready_fd, struct err *e);

/*
 * Re-execute this process from a sealed memory file, shared with the other supervisors of the
 * machine, unless it already does.  Returns only on failure or when already sealed (0).
 */
int zoned_seal_self(const struct zone_env *env, char *const *argv, struct err *e);

#endif
