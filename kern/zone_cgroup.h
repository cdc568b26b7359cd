/* SPDX-License-Identifier: MIT */
/*
 * A zone's cgroups:
 *
 *	<cgroup>/zones/NAME.zone	the caps; the global zone's, the zone cannot see it
 *	<cgroup>/zones/NAME.zone/ns	root of the zone's cgroup namespace, delegated to its root
 *	<cgroup>/zones/NAME.zone/login	processes that zlogin puts in: always enterable, whatever the
 *					zone does with its own tree, and under the same caps
 */
#ifndef KERN_ZONE_CGROUP_H
#define KERN_ZONE_CGROUP_H

#include <stdint.h>

#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

/* Descriptors of the three, for clone3 and cgroup.kill. */
struct zone_cgroup {
	int top, ns, login;
};

#define ZONE_CGROUP_NONE {-1, -1, -1}

/*
 * Make them and write the caps.  A configured cap whose controller cgroup v2 does not have here is
 * an error that names both (-ENOTSUP).
 */
int zone_cgroup_make(const struct zone_env *env, const struct zonecfg *cfg, uint32_t id_base,
    struct zone_cgroup *out, struct err *e);
int zone_cgroup_open(const struct zone_env *env, const char *name, struct zone_cgroup *out);
/* SIGKILL to everything inside. */
int zone_cgroup_kill(const struct zone_cgroup *cg);
/* 1: processes are left. */
int zone_cgroup_is_populated(const struct zone_cgroup *cg);
/* Remove the whole tree; -EBUSY while it is populated. */
int zone_cgroup_remove(const struct zone_env *env, const char *name, struct err *e);
void zone_cgroup_close(struct zone_cgroup *cg);

#endif
