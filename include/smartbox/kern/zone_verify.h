/* SPDX-License-Identifier: MIT */
/*
 * Does this system fit a zone's configuration, and the zone's own directory: verify, install,
 * uninstall.
 */
#ifndef SMARTBOX_KERN_ZONE_VERIFY_H
#define SMARTBOX_KERN_ZONE_VERIFY_H

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

/* A warning on the way; returns nothing, the check goes on. */
typedef void zone_warn_fn(const char *text, void *arg);

/*
 * zonepath (absolute, no symlink, root's, mode 0700, parent writable by root only, root/ absent while
 * configured), specials of fs resources, privileges, rctls.  -EINVAL with the first problem.
 */
int zone_verify(const struct zone_env *env, const struct zonecfg *cfg, enum zone_state state,
    zone_warn_fn *warn, void *arg, struct err *e);

/* Make the zonepath (0700) and an empty root/ (0755) in it; what exists already must fit. */
int zone_tree_make(const struct zonecfg *cfg, struct err *e);
/*
 * Remove what is below the zonepath, then it.  Never follows a symlink, never enters another file
 * system: -EBUSY names the mount point.
 */
int zone_tree_remove(const char *zonepath, struct err *e);

#endif
