/* SPDX-License-Identifier: MIT */
/*
 * fuse_watch: who waits for a session's next request.
 *
 * Theory of operation
 *
 * Most programs ask, wait, ask again.  If all workers wait for all sessions, each request wakes
 * another one while the one that has just answered, awake and with a warm cache, asks in vain: two
 * threads run where one would do, on two processors, and each hands the other its cache lines.  So
 * a session that speaks belongs to one worker:
 *
 *	epoll (armed) --- request ---> a worker: the session is his, epoll is silent
 *	      ^                          |  read, serve, answer, poll a little: the same thread again
 *	      |                          |
 *	      +--- give: the worker is about to wait for a lock, the disk, a sync; or has nothing to do
 *
 * Requests that come while a worker computes wait for him: that is what they would do at the pool's
 * lock.  The moment he has to wait for anything, the session is given back to epoll, which wakes the
 * next worker if there is a request.  So no request is behind another one that waits.
 *
 * spa_on_wait tells us of waits deep in the engine.  The watch is one-shot: whoever gets the event is alone
 * with the session until it is armed again.
 *
 * Invariants
 *  1. A session in epoll's set is armed, or has exactly one worker in this file who will arm it.
 *  2. A worker waits here only while another one waits in epoll for all sessions, or looks at those himself.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "fuse_impl.h"

#define LINGER_MS 4 /* for the next request of the same program */

static _Thread_local struct fuse_session *mine;

void
fuse_watch_give(void)
{
	struct fuse_session *s = mine;
	struct epoll_event ev = {.events = FUSE_WATCH_EVENTS};

	if (s == NULL)
		return;
	mine = NULL;
	ev.data.u64 = s->id;
	(void)epoll_ctl(s->server->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev); /* dead or suspended: fails */
}

void
fuse_watch_take(struct fuse_session *s)
{
	mine = s;
}

bool
fuse_watch_is_mine(void)
{
	return (mine != NULL);
}

static bool
is_served(struct fuse_session *s)
{
	bool yes;

	(void)pthread_mutex_lock(&s->server->lock);
	yes = !s->dead && !s->suspended;
	(void)pthread_mutex_unlock(&s->server->lock);
	return (yes);
}

bool
fuse_watch_linger(void)
{
	struct fuse_session *s = mine;
	struct pollfd p[2];

	if (s == NULL)
		return (false);
	p[0] = (struct pollfd){.fd = s->fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = s->server->epoll_fd, .events = POLLIN};
	if (is_served(s) && poll(p, __atomic_load_n(&s->server->idle, __ATOMIC_RELAXED) > 0 ? 1 : 2,
	    LINGER_MS) > 0 && p[0].revents != 0)
		return (true);
	fuse_watch_give();
	return (false);
}

int
fuse_watch_event(struct fuse_server *fs, uint64_t *id)
{
	struct epoll_event ev;
	int n;

	(void)__atomic_fetch_add(&fs->idle, 1, __ATOMIC_RELAXED);
	while ((n = epoll_wait(fs->epoll_fd, &ev, 1, -1)) == 0 || (n < 0 && errno == EINTR))
		;
	(void)__atomic_fetch_sub(&fs->idle, 1, __ATOMIC_RELAXED);
	*id = ev.data.u64;
	return (n < 0 ? -errno : 0);
}
