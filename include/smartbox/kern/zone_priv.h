/* SPDX-License-Identifier: MIT */
/*
 * What a process in a zone may do: capabilities and system calls.
 */
#ifndef SMARTBOX_KERN_ZONE_PRIV_H
#define SMARTBOX_KERN_ZONE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

/*
 * The bounding set that `limitpriv` ("default,!net_rawaccess", NULL: default) means.  -EINVAL names a
 * privilege that is unknown, prohibited in zones or required by them.
 */
int zone_priv_caps(const char *limitpriv, uint64_t *caps, struct err *e);
/* Does the list have this one? */
bool zone_priv_granted(const char *limitpriv, const char *priv);

/*
 * The last privileged step before an exec in the zone, as root of its user namespace: bounding set,
 * capability sets, a session keyring of its own, the system call filter.  0 or -errno.
 */
int zone_priv_drop(uint64_t caps, bool no_new_privs);

/* The filter's instructions (struct sock_filter), for the test that runs them. */
struct sock_filter;
size_t zone_seccomp_program(struct sock_filter *out, size_t max);
int zone_seccomp_install(void);

#endif
