/* SPDX-License-Identifier: MIT */
/*
 * The pool's events: a ring of the newest ones in memory.
 *
 * Theory of operation
 *
 * Classes and names of pairs are OpenZFS's, because scripts look for them:
 *
 *	ereport.fs.zfs.io, .checksum	a device failed a read or write, or gave wrong data
 *	ereport.fs.zfs.data		no copy of a block was good
 *	ereport.fs.zfs.io_failure	the pool is suspended
 *	resource.fs.zfs.statechange	a device has another state now
 *	sysevent.fs.zfs.*		what was done: scrub_start, vdev_attach, pool_import, history_event...
 *
 * Each has its number (eid), counted from 1 while the poold lives.  The ring is bounded, and so are the
 * ereports a second: a dying disk must not push everything else out.  Events live as long as their poold;
 * what is to be kept is in the history and in the error log.
 *
 * Lock: the ring's own, taken last.
 */
#include "events.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spa_impl.h"
#include "vdev_impl.h"

#define RING 512u /* as OpenZFS's zfs_zevent_len_max */
#define ERRORS_PER_SECOND 20u

struct events {
	pthread_mutex_t lock;
	struct nvlist *ring[RING];
	uint64_t next;	/* number of the next one; number n is in slot n % RING */
	uint64_t first; /* the oldest that is there */
	time_t second;	/* errors are counted in */
	unsigned errors;
	const struct spa *spa;
};

int
events_start(struct spa *spa)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return (-ENOMEM);
	(void)pthread_mutex_init(&ev->lock, NULL);
	ev->next = ev->first = 1;
	ev->spa = spa;
	spa->events = spa->root->events = ev;
	return (0);
}

static int
forget(struct events *ev)
{
	int n = (int)(ev->next - ev->first);

	for (; ev->first < ev->next; ev->first++) {
		nv_free(ev->ring[ev->first % RING]);
		ev->ring[ev->first % RING] = NULL;
	}
	return (n);
}

void
events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	(void)forget(ev);
	(void)pthread_mutex_destroy(&ev->lock);
	free(ev);
}

int
events_clear(struct events *ev)
{
	int n;

	if (ev == NULL)
		return (0);
	(void)pthread_mutex_lock(&ev->lock);
	n = forget(ev);
	(void)pthread_mutex_unlock(&ev->lock);
	return (n);
}

/* --- making them ------------------------------------------------------------------------------ */

static void
put_pool(const struct events *ev, const char *class, struct nvlist *nv)
{
	if (strncmp(class, "ereport", 7) != 0)
		(void)nv_add_u64(nv, "version", 0);
	(void)nv_add_str(nv, "class", class);
	(void)nv_add_str(nv, "pool", ev->spa->name);
	(void)nv_add_u64(nv, "pool_guid", ev->spa->guid);
	(void)nv_add_u64(nv, "pool_state", ev->spa->state);
	(void)nv_add_u64(nv, "pool_context", 0);
	if (strncmp(class, "ereport", 7) == 0)
		(void)nv_add_str(nv, "pool_failmode", ev->spa->failmode == FAILMODE_CONTINUE ? "continue" :
		    ev->spa->failmode == FAILMODE_PANIC ? "panic" : "wait");
}

static int
append(struct nvlist *to, const struct nvlist *from)
{
	int rc = 0;

	for (struct nvpair *p = from == NULL ? NULL : nv_next(from, NULL); p != NULL && rc == 0;
	    p = nv_next(from, p))
		rc = nv_add_pair(to, p);
	return (rc);
}

/* With its number and time into the ring. */
static void
enter(struct events *ev, struct nvlist *nv)
{
	struct timespec now;
	uint64_t slot;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)nv_add_u64_array(nv, "time", (uint64_t[]){(uint64_t)now.tv_sec, (uint64_t)now.tv_nsec}, 2);
	(void)pthread_mutex_lock(&ev->lock);
	(void)nv_add_u64(nv, "eid", ev->next);
	slot = ev->next++ % RING;
	nv_free(ev->ring[slot]);
	ev->ring[slot] = nv;
	if (ev->next - ev->first > RING)
		ev->first++;
	(void)pthread_mutex_unlock(&ev->lock);
}

static void
post(struct events *ev, const char *class, struct nvlist *payload)
{
	struct nvlist *nv = ev != NULL ? nv_new() : NULL;

	if (nv != NULL) {
		put_pool(ev, class, nv);
		if (append(nv, payload) == 0) {
			enter(ev, nv);
			nv = NULL;
		}
	}
	nv_free(nv);
	nv_free(payload);
}

void
events_post(struct spa *spa, const char *class, struct nvlist *payload)
{
	post(spa->events, class, payload);
}

static struct events *
events_of(const struct vdev *v)
{
	while (v->parent != NULL)
		v = v->parent;
	return (v->events);
}

static void
put_vdev(const struct vdev *v, struct nvlist *nv)
{
	(void)nv_add_u64(nv, "vdev_guid", v->guid);
	(void)nv_add_u64(nv, "vdev_state", v->state);
	if (v->path != NULL)
		(void)nv_add_str(nv, "vdev_path", v->path);
}

void
events_post_vdev(struct vdev *v, const char *class, struct nvlist *payload)
{
	struct events *ev = events_of(v);
	struct nvlist *nv = ev != NULL ? nv_new() : NULL;

	if (nv != NULL) {
		put_vdev(v, nv);
		(void)append(nv, payload);
		post(ev, class, nv);
	}
	nv_free(payload);
}

void
events_post_state(struct vdev *v, enum vdev_state before)
{
	struct nvlist *nv;

	if (v->state == before || events_of(v) == NULL || (nv = nv_new()) == NULL)
		return;
	(void)nv_add_u64(nv, "vdev_laststate", before);
	events_post_vdev(v, "resource.fs.zfs.statechange", nv);
}

/* Is there room for one more in this second? */
static bool
may_tell(struct events *ev)
{
	time_t now = time(NULL);
	bool ok;

	(void)pthread_mutex_lock(&ev->lock);
	if (now != ev->second) {
		ev->second = now;
		ev->errors = 0;
	}
	ok = ev->errors++ < ERRORS_PER_SECOND;
	(void)pthread_mutex_unlock(&ev->lock);
	return (ok);
}

void
events_post_error(struct vdev *leaf, const char *what, int rc, uint64_t off, size_t len)
{
	struct events *ev = events_of(leaf);
	struct nvlist *nv;
	char class[64] = "ereport.fs.zfs.";

	if (ev == NULL || !may_tell(ev) || (nv = nv_new()) == NULL)
		return;
	(void)strncat(class, what, sizeof(class) - strlen(class) - 1);
	put_vdev(leaf, nv);
	(void)nv_add_str(nv, "vdev_type", vdev_kind_name(leaf->kind));
	(void)nv_add_u64(nv, "vdev_ashift", leaf->top != NULL ? leaf->top->ashift : 0);
	(void)nv_add_u64(nv, "vdev_read_errors", leaf->err_read);
	(void)nv_add_u64(nv, "vdev_write_errors", leaf->err_write);
	(void)nv_add_u64(nv, "vdev_cksum_errors", leaf->err_cksum);
	if (leaf->parent != NULL) {
		(void)nv_add_u64(nv, "parent_guid", leaf->parent->guid);
		(void)nv_add_str(nv, "parent_type", vdev_kind_name(leaf->parent->kind));
	}
	(void)nv_add_u64(nv, "zio_err", (uint64_t)-rc);
	(void)nv_add_u64(nv, "zio_offset", off);
	(void)nv_add_u64(nv, "zio_size", len);
	post(ev, class, nv);
}

/* --- reading them ----------------------------------------------------------------------------- */

int
events_get(struct events *ev, uint64_t after, struct nvlist ***out)
{
	struct nvlist **v = calloc(RING, sizeof(struct nvlist *));
	int n = 0;

	if (v == NULL)
		return (-ENOMEM);
	if (ev != NULL) {
		(void)pthread_mutex_lock(&ev->lock);
		for (uint64_t i = after < ev->first ? ev->first : after + 1; i < ev->next; i++)
			if ((v[n] = nv_dup(ev->ring[i % RING])) != NULL)
				n++;
		(void)pthread_mutex_unlock(&ev->lock);
	}
	*out = v;
	return (n);
}
