/* SPDX-License-Identifier: MIT */
/*
 * A thread with an event loop, for devices.  Watches are added before it starts and by its own
 * callbacks only.
 */
#ifndef SMARTBOX_VMX_IOTHREAD_H
#define SMARTBOX_VMX_IOTHREAD_H

#include "smartbox/core/loop.h"

struct iothread;

int iothread_new(const char *name, struct iothread **out, struct err *e);
struct loop *iothread_loop(struct iothread *t);
/* enter (may be NULL) runs first on the new thread: its seccomp filter. */
int iothread_start(struct iothread *t, int (*enter)(void *arg), void *arg, struct err *e);
void iothread_stop(struct iothread *t); /* returns when the thread is gone */
void iothread_free(struct iothread *t); /* stops it; NULL is fine */

#endif
