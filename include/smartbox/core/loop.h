/* SPDX-License-Identifier: MIT */
/*
 * The event loop of the daemons: descriptors, timers, signals and children on one epoll.
 *
 * One loop per thread.  Callbacks run one at a time; they may add and remove any watch, also the
 * one that is being called.  Signals arrive through signalfd, which the loop blocks for the process.
 */
#ifndef SMARTBOX_CORE_LOOP_H
#define SMARTBOX_CORE_LOOP_H

#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

struct loop;
struct watch; /* owned by the loop until watch_remove */

enum { LOOP_READ = 1, LOOP_WRITE = 4, LOOP_HANGUP = 16 }; /* EPOLLIN, EPOLLOUT, EPOLLHUP */

typedef void fd_fn(struct loop *l, int fd, unsigned events, void *arg);
typedef void timer_fn(struct loop *l, void *arg);
typedef void signal_fn(struct loop *l, int signo, void *arg);
typedef void child_fn(struct loop *l, pid_t pid, int status, void *arg); /* wait status */

int loop_new(struct loop **out, struct err *e);
void loop_free(struct loop *l);
struct watch *loop_fd(struct loop *l, int fd, unsigned events, fd_fn *fn, void *arg);
struct watch *loop_timer(struct loop *l, uint64_t first_ms, uint64_t every_ms, timer_fn *fn,
    void *arg); /* every 0: once */
struct watch *loop_signal(struct loop *l, int signo, signal_fn *fn, void *arg);
struct watch *loop_child(struct loop *l, pid_t pid, child_fn *fn, void *arg); /* pid -1: any */
void watch_events(struct watch *w, unsigned events);
void watch_remove(struct watch *w); /* NULL is fine; closes nothing */
int loop_run(struct loop *l);	    /* until loop_stop; returns its code */
void loop_stop(struct loop *l, int code);

#endif
