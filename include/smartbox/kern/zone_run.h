/* SPDX-License-Identifier: MIT */
/*
 * Running zones, seen from a client (zoneadm, zlogin, vmadm): every call connects to the zone's
 * supervisor and starts one when there is none.
 *
 * Calls return when the transition has happened: a booted zone's init has been executed, a halted
 * zone's processes, mounts and links are gone.
 */
#ifndef SMARTBOX_KERN_ZONE_RUN_H
#define SMARTBOX_KERN_ZONE_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

/*
 * bootargs: "-i INIT", "-s", "-m OPTS" as zoneadm's; NULL takes the configuration's.
 * -EALREADY with a sentence when the zone runs (booting) or is halted (halting) already.
 */
int zone_ready(const struct zone_env *env, const char *name, struct err *e);
int zone_boot(const struct zone_env *env, const char *name, const char *bootargs, struct err *e);
int zone_halt(const struct zone_env *env, const char *name, struct err *e);
int zone_reboot(const struct zone_env *env, const char *name, const char *bootargs, struct err *e);
/*
 * Ask the zone's init, wait timeout_s (0: default 60) and then halt.  restart: boot again.
 */
int zone_shutdown(const struct zone_env *env, const char *name, bool restart, const char *bootargs,
    unsigned timeout_s, struct err *e);

/* Write the caps of a changed configuration to a live zone; nothing to do for one that is not. */
int zone_caps_apply(const struct zone_env *env, const struct zonecfg *cfg, struct err *e);

/* A process inside a running zone. */
enum {
	ZONE_EXEC_PTY = 1,   /* a terminal of the zone; `master` comes back */
	ZONE_EXEC_LOGIN = 2, /* argv NULL: the user's login shell; else run by it with -c */
	ZONE_EXEC_SAFE = 4,  /* no passwd, no login: /bin/sh or argv directly */
};

struct zone_exec {
	const char *const *argv; /* NULL-terminated; NULL: a shell */
	const char *user;	 /* NULL: root */
	const char *term;	 /* TERM inside; NULL: none */
	unsigned flags;		 /* ZONE_EXEC_* */
	int fd[3];		 /* lent; ignored with a pty */
	unsigned short rows, cols;
};

/*
 * Start it.  *ctl is a descriptor for zone_exec_wait, *master (may be NULL without a pty) the
 * terminal's controlling side, *tty its name in the zone ("pts/3", size >= 32).
 */
int zone_exec_start(const struct zone_env *env, const char *name, const struct zone_exec *x,
    int *ctl, int *master, char *tty, struct err *e);
/* Exit status (128 + signal when killed).  Closes ctl.  -ECONNRESET when the zone went away. */
int zone_exec_wait(int ctl, int *status, struct err *e);
/* Both, without a pty. */
int zone_exec_run(const struct zone_env *env, const char *name, const struct zone_exec *x,
    int *status, struct err *e);

/*
 * The console: a stream socket that carries its bytes; notices ("[NOTICE: Zone halted]") are in the
 * stream.  -EBUSY names the pid that holds it.  Works from installed up; it keeps the supervisor.
 */
int zone_console_open(const struct zone_env *env, const char *name, int *fd, struct err *e);

#endif
