/* SPDX-License-Identifier: MIT */
/*
 * A zone's virtual platform: namespaces, file tree, and its first process.
 */
#ifndef KERN_ZONE_PLATFORM_H
#define KERN_ZONE_PLATFORM_H

#include <stdint.h>
#include <sys/types.h>

#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"
#include "smartbox/kern/zoned.h"
#include "zone_cgroup.h"

struct zone_platform {
	/* given */
	const struct zone_env *env;
	const struct zonecfg *cfg;
	int id;
	uint32_t id_base;
	uint64_t caps;
	const struct zone_cgroup *cg;
	int console;	       /* the terminal's zone side */
	int console_mount;     /* its node as a detached mount */
	int trace;	       /* the socket of /dev/zone/trace, not bound yet; -1: none */
	/* made */
	pid_t init;	 /* waits, before its exec, until zone_platform_start() */
	int init_pidfd;
	int devpts;	 /* the zone's own devpts */
	int ctl;	 /* to init until its exec */
};

/*
 * Build everything up to the state `ready`.  On failure nothing is left but the (dead, unreaped)
 * init if p->init is set.  Blocks for some milliseconds.
 */
int zone_platform_build(struct zone_platform *p, struct err *e);
/*
 * Execute init with `bootargs` (NULL: none), or the program (NULL: none) instead; returns when exec
 * has succeeded.
 */
int zone_platform_start(struct zone_platform *p, const char *bootargs,
    const struct zone_program *program, struct err *e);
/* Close what is open. */
void zone_platform_close(struct zone_platform *p);

/* zone_root.c: build the tree on `root` (a detached mount), in the builder's mount namespace. */
int zone_root_build(const struct zone_platform *p, int root, int *devpts, struct err *e);
/* Make `root` the root of the builder's mount namespace.  */
int zone_root_enter(int root, struct err *e);
/* The root tree as a detached mount; needs_idmap when its owner ids begin at 0. */
int zone_root_open(const struct zone_platform *p, bool *needs_idmap, struct err *e);

/* zoned_trace.c: bind it in that directory, in the builder. */
int zone_trace_bind(const struct zone_platform *p, int dir, struct err *e);

/* zone_init.c: what runs as the first process when the root has no init.  Does not return. */
_Noreturn void zone_init_main(const char *bootargs);

/* zone_enter.c */
struct zone_enter {
	const struct zone_platform *p;
	const char *user;    /* NULL: root */
	const char *command; /* NULL: a shell */
	const char *term;
	unsigned flags; /* ZONE_EXEC_* */
	int fd[3];
	bool tty; /* make fd[0] the controlling terminal */
};
/* A child of the caller, inside the zone. */
int zone_enter(const struct zone_enter *x, pid_t *out, struct err *e);

/* Environment of the first process and of logins; what comes from outside is only TERM. */
#define ZONE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
