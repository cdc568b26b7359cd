/* SPDX-License-Identifier: MIT */
/*
 * The event loop: one epoll, with timers (timerfd), signals (signalfd) and children (SIGCHLD).
 *
 * A watch may be removed from inside any callback, also its own, while epoll events for it are
 * still in our array.  So removal only unlinks and marks; the memory is freed between rounds, and
 * dispatch skips what is marked.
 */
#include "smartbox/core/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 64 };
enum kind { W_FD, W_TIMER, W_SIGNAL, W_CHILD };

struct watch {
	struct loop *loop;
	struct watch *next;
	enum kind kind;
	bool removed, owns_fd, once;
	int fd, signo;
	pid_t pid;
	union {
		fd_fn *on_fd;
		timer_fn *on_timer;
		signal_fn *on_signal;
		child_fn *on_child;
	} u;
	void *arg;
};

struct loop {
	int ep, sigfd;
	sigset_t signals;
	struct watch *list, *dead;
	bool stopped;
	int code;
};

int
loop_new(struct loop **out, struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	l->sigfd = -1;
	(void)sigemptyset(&l->signals);
	if ((l->ep = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		free(l);
		return (err_sys(e, errno, "epoll_create"));
	}
	*out = l;
	return (0);
}

static void
reap_dead(struct loop *l)
{
	struct watch *w;

	while ((w = l->dead) != NULL) {
		l->dead = w->next;
		free(w);
	}
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (l->list != NULL)
		watch_remove(l->list);
	reap_dead(l);
	if (l->sigfd >= 0)
		(void)close(l->sigfd);
	(void)close(l->ep);
	free(l);
}

static struct watch *
watch_new(struct loop *l, enum kind kind, void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return (NULL);
	w->loop = l;
	w->kind = kind;
	w->fd = -1;
	w->arg = arg;
	w->next = l->list;
	l->list = w;
	return (w);
}

static bool
poll_fd(struct watch *w, int fd, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	w->fd = fd;
	return (epoll_ctl(w->loop->ep, EPOLL_CTL_ADD, fd, &ev) == 0);
}

struct watch *
loop_fd(struct loop *l, int fd, unsigned events, fd_fn *fn, void *arg)
{
	struct watch *w = watch_new(l, W_FD, arg);

	if (w == NULL)
		return (NULL);
	w->u.on_fd = fn;
	if (!poll_fd(w, fd, events)) {
		w->fd = -1;
		watch_remove(w);
		return (NULL);
	}
	return (w);
}

static struct timespec
from_ms(uint64_t ms)
{
	return ((struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000});
}

struct watch *
loop_timer(struct loop *l, uint64_t first_ms, uint64_t every_ms, timer_fn *fn, void *arg)
{
	struct itimerspec its = {from_ms(every_ms), from_ms(first_ms)};
	struct watch *w = watch_new(l, W_TIMER, arg);
	int fd;

	if (w == NULL)
		return (NULL);
	if (first_ms == 0)
		its.it_value.tv_nsec = 1; /* zero would disarm */
	w->u.on_timer = fn;
	w->once = every_ms == 0;
	w->owns_fd = true;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || timerfd_settime(fd, 0, &its, NULL) != 0 || !poll_fd(w, fd, EPOLLIN)) {
		if (fd >= 0)
			(void)close(fd);
		w->fd = -1;
		watch_remove(w);
		return (NULL);
	}
	return (w);
}

/* The signalfd is one, its epoll entry has no watch (data.ptr NULL). */
static bool
add_signal(struct loop *l, int signo)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	bool fresh = l->sigfd < 0;

	(void)sigaddset(&l->signals, signo);
	(void)sigprocmask(SIG_BLOCK, &l->signals, NULL);
	l->sigfd = signalfd(l->sigfd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->sigfd < 0)
		return (false);
	return (!fresh || epoll_ctl(l->ep, EPOLL_CTL_ADD, l->sigfd, &ev) == 0);
}

struct watch *
loop_signal(struct loop *l, int signo, signal_fn *fn, void *arg)
{
	struct watch *w = add_signal(l, signo) ? watch_new(l, W_SIGNAL, arg) : NULL;

	if (w != NULL) {
		w->signo = signo;
		w->u.on_signal = fn;
	}
	return (w);
}

struct watch *
loop_child(struct loop *l, pid_t pid, child_fn *fn, void *arg)
{
	struct watch *w = add_signal(l, SIGCHLD) ? watch_new(l, W_CHILD, arg) : NULL;

	if (w == NULL)
		return (NULL);
	w->pid = pid;
	w->u.on_child = fn;
	/* It may have ended before we listened: look once more. */
	(void)raise(SIGCHLD);
	return (w);
}

void
watch_events(struct watch *w, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	(void)epoll_ctl(w->loop->ep, EPOLL_CTL_MOD, w->fd, &ev);
}

void
watch_remove(struct watch *w)
{
	struct watch **p;

	if (w == NULL || w->removed)
		return;
	if (w->fd >= 0)
		(void)epoll_ctl(w->loop->ep, EPOLL_CTL_DEL, w->fd, NULL);
	if (w->owns_fd && w->fd >= 0)
		(void)close(w->fd);
	for (p = &w->loop->list; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	w->removed = true;
	w->next = w->loop->dead;
	w->loop->dead = w;
}

/* Is w still in the list?  Callbacks may have removed it. */
static bool
is_listed(const struct loop *l, const struct watch *w)
{
	const struct watch *v;

	for (v = l->list; v != NULL && v != w; v = v->next)
		;
	return (v != NULL);
}

static struct watch *
watch_for_child(const struct loop *l, pid_t pid)
{
	struct watch *any = NULL;

	for (struct watch *w = l->list; w != NULL; w = w->next) {
		if (w->kind == W_CHILD && w->pid == pid)
			return (w);
		if (w->kind == W_CHILD && w->pid == -1)
			any = w;
	}
	return (any);
}

static void
reap_one(struct loop *l, struct watch *w, pid_t pid, int status)
{
	child_fn *fn = w->u.on_child;
	void *arg = w->arg;

	if (w->pid != -1)
		watch_remove(w);
	fn(l, pid, status, arg);
}

/* Only children that somebody watches are reaped; others belong to spawn_wait() callers. */
static void
reap_children(struct loop *l)
{
	struct watch *w = watch_for_child(l, 0), *next;
	int status;
	pid_t pid;

	if (w != NULL && w->pid == -1) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if ((w = watch_for_child(l, pid)) != NULL)
				reap_one(l, w, pid, status);
		return;
	}
again:
	for (w = l->list; w != NULL; w = next) {
		next = w->next;
		if (w->kind != W_CHILD || (pid = waitpid(w->pid, &status, WNOHANG)) <= 0)
			continue;
		reap_one(l, w, pid, status);
		goto again; /* the callback may have changed the list */
	}
}

static void
call_signal_watches(struct loop *l, int signo)
{
	struct watch *w = l->list, *next;

	for (; w != NULL; w = next) {
		next = w->next;
		if (w->kind == W_SIGNAL && w->signo == signo)
			w->u.on_signal(l, signo, w->arg);
		if (next != NULL && !is_listed(l, next))
			break;
	}
}

static void
dispatch_signals(struct loop *l)
{
	struct signalfd_siginfo si;

	while (l->sigfd >= 0 && read(l->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap_children(l);
		call_signal_watches(l, (int)si.ssi_signo);
	}
}

static void
dispatch_timer(struct loop *l, struct watch *w)
{
	timer_fn *fn = w->u.on_timer;
	void *arg = w->arg;
	uint64_t n;

	if (read(w->fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return;
	if (w->once)
		watch_remove(w);
	fn(l, arg);
}

static void
dispatch(struct loop *l, const struct epoll_event *ev)
{
	struct watch *w = ev->data.ptr;

	if (w == NULL)
		dispatch_signals(l);
	else if (w->removed)
		return;
	else if (w->kind == W_TIMER)
		dispatch_timer(l, w);
	else
		w->u.on_fd(l, w->fd, ev->events, w->arg);
}

int
loop_run(struct loop *l)
{
	struct epoll_event ev[BATCH];

	l->stopped = false;
	while (!l->stopped) {
		int n = epoll_wait(l->ep, ev, BATCH, -1);

		if (n < 0 && errno != EINTR)
			return (-errno);
		for (int i = 0; i < n && !l->stopped; i++)
			dispatch(l, &ev[i]);
		reap_dead(l);
	}
	return (l->code);
}

void
loop_stop(struct loop *l, int code)
{
	l->stopped = true;
	l->code = code;
}
