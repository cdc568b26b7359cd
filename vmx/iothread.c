/* SPDX-License-Identifier: MIT */
/*
 * A thread with an event loop.  It is stopped through a descriptor of its own loop, and joined.
 */
#include "smartbox/vmx/iothread.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

struct iothread {
	char name[16];
	struct loop *loop;
	int stop_fd;
	pthread_t thread;
	bool running;
	int (*enter)(void *arg);
	void *arg;
};

static void
stop_asked(struct loop *l, int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	loop_stop(l, 0);
}

int
iothread_new(const char *name, struct iothread **out, struct err *e)
{
	struct iothread *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->stop_fd = -1;
	if ((rc = loop_new(&t->loop, e)) != 0)
		goto out;
	if ((t->stop_fd = eventfd(0, EFD_CLOEXEC)) < 0) {
		rc = err_sys(e, errno, "eventfd");
		goto out;
	}
	(void)loop_fd(t->loop, t->stop_fd, LOOP_READ, stop_asked, t);
	*out = t;
	return (0);
out:
	iothread_free(t);
	return (rc);
}

struct loop *
iothread_loop(struct iothread *t)
{
	return (t->loop);
}

static void *
iothread_main(void *arg)
{
	struct iothread *t = arg;

	(void)prctl(PR_SET_NAME, t->name);
	if (t->enter == NULL || t->enter(t->arg) == 0)
		(void)loop_run(t->loop);
	return (NULL);
}

int
iothread_start(struct iothread *t, int (*enter)(void *arg), void *arg, struct err *e)
{
	int rc;

	t->enter = enter;
	t->arg = arg;
	if ((rc = pthread_create(&t->thread, NULL, iothread_main, t)) != 0)
		return (err_sys(e, rc, "cannot start a thread"));
	t->running = true;
	return (0);
}

void
iothread_stop(struct iothread *t)
{
	uint64_t one = 1;

	if (!t->running)
		return;
	(void)!write(t->stop_fd, &one, sizeof(one));
	(void)pthread_join(t->thread, NULL);
	t->running = false;
}

void
iothread_free(struct iothread *t)
{
	if (t == NULL)
		return;
	iothread_stop(t);
	loop_free(t->loop);
	if (t->stop_fd >= 0)
		(void)close(t->stop_fd);
	free(t);
}
