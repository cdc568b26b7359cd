/* SPDX-License-Identifier: MIT */
/*
 * A process outside a machine's walls that serves what its monitor or its guest asks for, on sockets.
 *
 * It is nobody's child that anybody waits for: it ends by itself when its sockets are closed.  Of what
 * the parent has open it holds the sockets alone: a tap or a disk held here would outlive the machine.
 */
#ifndef SMARTBOX_MACHINE_BROKER_H
#define SMARTBOX_MACHINE_BROKER_H

#include "smartbox/core/err.h"

enum { BROKER_SOCKETS = 16 };

/* serve runs in the new process and may return.  The parent's descriptors s stay the caller's. */
int broker_start(const char *name, const int *s, unsigned n,
    void (*serve)(void *arg, const int *s, unsigned n), void *arg, struct err *e);

#endif
