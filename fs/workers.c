/* SPDX-License-Identifier: MIT */
/*
 * workers: a parallel loop.
 *
 * A run publishes {fn, arg, n} under the lock with a new generation number and wakes the helpers.
 * Everybody, the caller too, takes the next index by an atomic add until none is left.  The run is over when
 * all helpers that joined it have left: `busy` counts them under the lock, so that the next run
 * cannot overwrite what a slow one still reads.  A helper that wakes late finds no index and leaves.
 */
#include "smartbox/fs/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define HELPERS_MAX 7

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t start, idle;
	pthread_t thread[HELPERS_MAX];
	unsigned wanted, running, busy;
	uint64_t generation;
	bool stop;
	void (*fn)(void *arg, size_t i);
	void *arg;
	size_t n, next;
};

static void
work(struct workers *w)
{
	size_t i;

	while ((i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->n)
		w->fn(w->arg, i);
}

static void *
helper(void *arg)
{
	struct workers *w = arg;
	uint64_t seen = 0;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->stop && w->generation == seen)
			(void)pthread_cond_wait(&w->start, &w->lock);
		if (w->stop)
			break;
		seen = w->generation;
		w->busy++;
		(void)pthread_mutex_unlock(&w->lock);
		work(w);
		(void)pthread_mutex_lock(&w->lock);
		if (--w->busy == 0)
			(void)pthread_cond_signal(&w->idle);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return (NULL);
}

struct workers *
workers_new(int helpers)
{
	struct workers *w = calloc(1, sizeof(*w));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (w == NULL)
		return (NULL);
	if (helpers < 0)
		helpers = cpus > 1 ? (int)cpus - 1 : 0;
	w->wanted = helpers > HELPERS_MAX ? HELPERS_MAX : (unsigned)helpers;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->start, NULL);
	(void)pthread_cond_init(&w->idle, NULL);
	return (w);
}

void
workers_free(struct workers *w)
{
	unsigned i;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_broadcast(&w->start);
	(void)pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->running; i++)
		(void)pthread_join(w->thread[i], NULL);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->start);
	(void)pthread_cond_destroy(&w->idle);
	free(w);
}

/* Fewer than wanted, or none, is fine: the caller does what they would have done. */
static void
start_helpers(struct workers *w)
{
	while (w->running < w->wanted) {
		if (pthread_create(&w->thread[w->running], NULL, helper, w) != 0)
			w->wanted = w->running;
		else
			w->running++;
	}
}

void
workers_run(struct workers *w, size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
	size_t i;

	if (w == NULL || w->wanted == 0 || n < 2) {
		for (i = 0; i < n; i++)
			fn(arg, i);
		return;
	}
	start_helpers(w);
	(void)pthread_mutex_lock(&w->lock);
	w->fn = fn;
	w->arg = arg;
	w->n = n;
	w->next = 0;
	w->generation++;
	(void)pthread_cond_broadcast(&w->start);
	(void)pthread_mutex_unlock(&w->lock);
	work(w);
	(void)pthread_mutex_lock(&w->lock);
	while (w->busy > 0)
		(void)pthread_cond_wait(&w->idle, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
}
