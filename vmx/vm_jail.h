/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own walls.  Both calls are one-way.
 */
#ifndef VMX_VM_JAIL_H
#define VMX_VM_JAIL_H

#include <sys/types.h>

#include "smartbox/core/err.h"

enum jail_role { JAIL_VCPU, JAIL_IO, JAIL_MAIN };

#define VM_JAIL_VSOCK "/vsock"

/*
 * The process, while it has one thread: empty root, no network, no capability, this user.  sockets
 * (NULL: none) is a path whose folder stays reachable, as VM_JAIL_VSOCK.
 */
int vm_jail_enter(uid_t uid, gid_t gid, const char *sockets, struct err *e);
/* The calling thread: the system calls of its role and no other. After vm_jail_enter. */
int vm_jail_thread(enum jail_role role);

#endif
