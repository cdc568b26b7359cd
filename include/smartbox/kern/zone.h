/* SPDX-License-Identifier: MIT */
/*
 * Zones: names, states, the index of all zones, id ranges.
 *
 * A zone is named by its configuration (core of it: kern/zonecfg.h) and, while it is alive, held by
 * its own supervisor process (kern/zoned.h).  This module answers "which zones are there and in which
 * state" in one pass, and is the only writer of the index.
 *
 * Files, all below a struct zone_env so that tests have their own world:
 *
 *	<etc>/zones/index	name:state:zonepath:uuid:brand:iptype:did, one line a zone; only the
 *				states configured, incomplete and installed are ever stored
 *	<etc>/zones/NAME.xml	the configuration
 *	<etc>/zones/ranges	which zone owns which range of 65,536 user ids
 *	<run>/zone/NAME.state	what the supervisor of a live zone says about it
 *	<run>/zone/NAME.lock	held by the supervisor as long as it lives
 *	<run>/zone/NAME.sock	its control socket (root only)
 */
#ifndef SMARTBOX_KERN_ZONE_H
#define SMARTBOX_KERN_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"
#include "smartbox/core/uuid.h"

#define ZONE_NAME_MAX 63
#define ZONE_IDS 65536u /* user and group ids per zone */

/* Where this world's files are.  Plain values; fill with zone_env_init(). */
struct zone_env {
	char etc[256];	  /* "/etc", or $SMARTBOX_ETC */
	char run[256];	  /* "/run/smartbox", or $SMARTBOX_RUN */
	char cgroup[256]; /* the cgroup v2 mount, or $SMARTBOX_CGROUP; "" when there is none */
};

void zone_env_init(struct zone_env *env);

/* [A-Za-z0-9][A-Za-z0-9_.-]*, at most ZONE_NAME_MAX, not "global", not SUNW*.  -EINVAL says why. */
int zone_name_check(const char *name, struct err *e);

/*
 * States, in the order of "must be X before Y" (the numbers are SmartOS's).
 */
enum zone_state {
	ZONE_CONFIGURED = 0,
	ZONE_INCOMPLETE = 1,
	ZONE_INSTALLED = 2,
	ZONE_READY = 3,
	ZONE_RUNNING = 4,
	ZONE_SHUTTING_DOWN = 5,
	ZONE_DOWN = 6,
	ZONE_NSTATES
};

const char *zone_state_name(enum zone_state s);
int zone_state_parse(const char *s, enum zone_state *out); /* -EINVAL */

/* What may happen to a zone.  The table in kern/zone_state.c is the state machine. */
enum zone_event {
	ZONE_EV_INSTALL,      /* install or clone begins */
	ZONE_EV_INSTALLED,    /* ... has succeeded */
	ZONE_EV_ATTACH,	      /* the root is there already */
	ZONE_EV_DETACH,
	ZONE_EV_UNINSTALL,    /* uninstall begins */
	ZONE_EV_UNINSTALLED,  /* ... has succeeded */
	ZONE_EV_MARK,	      /* mark incomplete */
	ZONE_EV_DELETE,	      /* zonecfg delete */
	ZONE_EV_VERIFY,
	ZONE_EV_READY,
	ZONE_EV_BOOT,
	ZONE_EV_SHUTDOWN,     /* ask init, wait */
	ZONE_EV_REBOOT,
	ZONE_EV_HALT,
	ZONE_EV_INIT_EXITED,  /* the first process is gone, by itself or killed */
	ZONE_EV_TORN_DOWN,    /* mounts, links, cgroup are gone too */
	ZONE_NEVENTS
};

const char *zone_event_name(enum zone_event ev);
/*
 * The state that `ev` leads to from `from`.  Returns 0 and *to; -EALREADY when there is nothing to
 * do (an operator's command then says so and succeeds or not as SmartOS's does); -EINVAL refused, with
 * the operator's sentence in e.
 */
int zone_state_next(enum zone_state from, enum zone_event ev, enum zone_state *to, struct err *e);

/* One zone as `zoneadm list` shows it. */
struct zone_info {
	char name[ZONE_NAME_MAX + 1];
	char uuid[UUID_STRLEN + 1]; /* "" when none */
	char brand[32];
	char *zonepath;	     /* owned by the list */
	bool exclusive_ip;
	uint32_t did;	     /* permanent number, from 1; 0 unknown */
	enum zone_state state;
	int id;		     /* of this boot, from 1; -1 when not live, 0 is the global zone */
	pid_t init_pid;	     /* as the global zone sees it; 0 when none */
	pid_t zoned_pid;     /* 0 when none */
};

struct zone_list {
	struct zone_info *zones; /* sorted by name; the global zone is not in it */
	size_t n;
};

/* All zones, one read of the index and one of the run directory.  Free with zone_list_free. */
int zone_list_all(const struct zone_env *env, struct zone_list *out, struct err *e);
void zone_list_free(struct zone_list *l);
const struct zone_info *zone_list_find(const struct zone_list *l, const char *name);

/* One zone; -ENOENT "NAME: No such zone configured".  free(zi->zonepath) afterwards. */
int zone_info_get(const struct zone_env *env, const char *name, struct zone_info *out,
    struct err *e);
/* Anonymous and mapped memory of a live zone in bytes, each page once; -ENOENT. */
int zone_memory_used(const struct zone_env *env, const char *name, uint64_t *bytes);
/* The zone with this uuid or did or id (words as written); its name in `name`. */
int zone_name_by_uuid(const struct zone_env *env, const char *uuid, char name[ZONE_NAME_MAX + 1],
    struct err *e);

/*
 * Move a zone along the stored states (configured, incomplete, installed): checks the table, then
 * rewrites the index durably under its lock.  Events of live states are the supervisor's.
 */
int zone_event_stored(const struct zone_env *env, const char *name, enum zone_event ev,
    struct err *e);

/*
 * The first host id of the zone's range of ZONE_IDS; allocated once, kept until zone_range_release
 * (which zonecfg_delete calls).  On-disk ids stay 0..65535; FUSE mounts of the zone's datasets shift
 * by this base.
 */
int zone_range_get(const struct zone_env *env, const char *name, uint32_t *base, struct err *e);
int zone_range_release(const struct zone_env *env, const char *name, struct err *e);

/*
 * Names by process, for prstat, zonename: the zone of a pid from its cgroup path.  0 and name (or
 * "global"), -ESRCH.
 */
int zone_of_pid(const struct zone_env *env, pid_t pid, char name[ZONE_NAME_MAX + 1]);
/* The zone that this process runs in, from inside ("global" outside). */
void zone_of_self(char name[ZONE_NAME_MAX + 1]);

#endif
