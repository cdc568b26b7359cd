/* SPDX-License-Identifier: MIT */
/*
 * initialize and trim: write a pattern to all space of a device that is free, or let the device forget it.
 *
 * Theory
 * ------
 * The first is for devices that are slow or thin at the first write of a block, the second for those that
 * work better when they know what is not needed. The tender does both in small steps with the
 * pool's lock, range by range of the free space (fs/spa_trim.c), so that nothing of a range is
 * allocated before it was written over or discarded. Where a device is, and what was asked of it, is kept in its
 * ZAP, in OpenZFS's words, at each change and every few hundred megabytes: an import goes on from there.
 * A trim may have a rate: then a step is as large as the time since the one before it allows.
 *
 *	            start                  end of the device
 *	  (none) ----------> active --------------------------> complete
 *	                     |    ^
 *	             suspend v    | start            cancel: canceled, and a start begins anew
 *	                    suspended
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "events.h"
#include "metaslab_impl.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define PATTERN 0xdeadbeefdeadbeeeULL /* what OpenZFS writes */
#define CHUNK (1u << 20)
#define SAVE_BYTES (256ULL << 20)

#define TRIM_CHUNK (64ULL << 20)
#define SLOW_MS 1000 /* a step of one with a rate is for no more time than this */

static void write_pattern(struct vdev *leaf, uint64_t off, uint64_t len, void *arg);
static void discard(struct vdev *leaf, uint64_t off, uint64_t len, void *arg);

/* One kind of work, and how it is written down. */
struct work {
	enum spa_work kind;
	spa_free_fn *fn;
	uint64_t chunk;
	const char *event, *running, *none;
	const char *state_key, *offset_key, *time_key, *rate_key;
};

static const struct work works[] = {
    {SPA_INITIALIZE, write_pattern, CHUNK, "initialize", "currently initializing",
	"there is no active initialization", "com.delphix:vdev_initialize_state",
	"com.delphix:next_offset_to_initialize", "com.delphix:vdev_initialize_action_time", NULL},
    {SPA_TRIM, discard, TRIM_CHUNK, "trim", "currently trimming", "there is no active trim",
	"org.zfsonlinux:vdev_trim_state", "org.zfsonlinux:next_offset_to_trim",
	"org.zfsonlinux:vdev_trim_action_time", "org.zfsonlinux:vdev_trim_rate"},
};
enum { WORKS = 2 };

static struct vdev_init *
work_of(struct vdev *leaf, const struct work *w)
{
	return (w->kind == SPA_TRIM ? &leaf->trim : &leaf->init);
}

static int
save(struct spa *spa, struct vdev *leaf, const struct work *w)
{
	const struct vdev_init *in = work_of(leaf, w);
	uint64_t state = in->state, next = leaf->top->mg == NULL ? 0 :
	    (in->at.ms << leaf->top->ms_shift) + in->at.off;
	int rc;

	if (leaf->zap_leaf == 0 && (rc = vdev_zaps_enable(spa)) != 0)
		return (rc);
	if (leaf->zap_leaf == 0)
		return (0);
	if ((rc = zap_update(spa->mos, leaf->zap_leaf, w->state_key, 8, 1, &state)) != 0 ||
	    (rc = zap_update(spa->mos, leaf->zap_leaf, w->offset_key, 8, 1, &next)) != 0 ||
	    (w->rate_key != NULL &&
	    (rc = zap_update(spa->mos, leaf->zap_leaf, w->rate_key, 8, 1, &in->rate)) != 0))
		return (rc);
	return (zap_update(spa->mos, leaf->zap_leaf, w->time_key, 8, 1, &in->when));
}

static int
change(struct spa *spa, struct vdev *leaf, const struct work *w, enum vdev_init_state to,
    const char *event)
{
	struct vdev_init *in = work_of(leaf, w);
	char class[64];

	in->state = to;
	in->when = spa_now(spa, NULL);
	(void)snprintf(class, sizeof(class), "sysevent.fs.zfs.%s_%s", w->event, event);
	events_post_vdev(leaf, class, NULL);
	return (save(spa, leaf, w));
}

/* --- commands --------------------------------------------------------------------------------- */

struct command {
	struct spa *spa;
	const struct work *w;
	enum init_command what;
	uint64_t rate;
	struct err *e;
	bool all; /* no device was named: those that do not fit are left out */
	unsigned n;
};

static uint64_t
free_bytes(const struct vdev *leaf)
{
	struct space_stats st;

	if (metaslab_top_stats(leaf->top, &st) != 0)
		return (0);
	return ((st.size - st.alloc) / (leaf->top->kind == VDEV_RAIDZ ? leaf->top->nchild : 1));
}

static int
start(struct command *c, struct vdev *leaf)
{
	struct vdev_init *in = work_of(leaf, c->w);

	if (in->state == INIT_ACTIVE)
		return (c->all ? 0 : err_set(c->e, EBUSY, "%s", c->w->running));
	if (!vdev_leaf_ready(leaf) || leaf->top->mg == NULL)
		return (c->all ? 0 : err_set(c->e, ENODEV, "device is not available"));
	c->n++;
	if (in->state != INIT_SUSPENDED)
		*in = (struct vdev_init){.total = free_bytes(leaf)};
	if (c->rate != 0)
		in->rate = c->rate;
	in->ran_ms = 0;
	return (change(c->spa, leaf, c->w, INIT_ACTIVE, "start"));
}

static int
command_leaf(struct vdev *leaf, void *arg)
{
	struct command *c = arg;

	if (c->what == INIT_START)
		return (start(c, leaf));
	if (work_of(leaf, c->w)->state != INIT_ACTIVE &&
	    !(c->what == INIT_CANCEL && work_of(leaf, c->w)->state == INIT_SUSPENDED))
		return (c->all ? 0 : err_set(c->e, ESRCH, "%s", c->w->none));
	c->n++;
	return (change(c->spa, leaf, c->w, c->what == INIT_CANCEL ? INIT_CANCELED : INIT_SUSPENDED,
	    c->what == INIT_CANCEL ? "cancel" : "suspend"));
}

int
spa_work(struct spa *spa, enum spa_work kind, const char *device, enum init_command what, uint64_t rate,
    struct err *e)
{
	struct command c = {spa, &works[kind], what, rate, e, device == NULL, 0};
	struct vdev *v = device == NULL ? spa->root : vdev_find(spa->root, device);
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if (v == NULL)
		return (err_set(e, ENODEV, "no such device in pool"));
	if ((rc = vdev_walk_leaves(v, command_leaf, &c)) != 0)
		return (e != NULL && e->code != 0 ? rc : err_rc(e, rc, "writing a device's state"));
	if (c.n == 0)
		return (what == INIT_START ? err_set(e, EBUSY, "%s", c.w->running) :
		    err_set(e, ESRCH, "%s", c.w->none));
	spa->initializing = true; /* the next step sees whether that is so */
	return (spa_sync_force(spa, e));
}

/* --- work ------------------------------------------------------------------------------------- */

static void
write_pattern(struct vdev *leaf, uint64_t off, uint64_t len, void *arg)
{
	const uint64_t *chunk = arg;

	for (uint64_t n; len > 0; off += n, len -= n) {
		n = len < CHUNK ? len : CHUNK;
		if (vdev_leaf_write(leaf, chunk, n, off) != 0)
			return; /* it is counted, and the next write will tell */
		leaf->init.done += n;
	}
}

static void
discard(struct vdev *leaf, uint64_t off, uint64_t len, void *arg)
{
	(void)arg;
	(void)bdev_discard(leaf->bd, off + VDEV_LABEL_START, len); /* a hint */
	leaf->trim.done += len;
}

struct stepping {
	struct spa *spa;
	const struct work *w;
	uint64_t *chunk, now_ms;
	bool active, hurry; /* something runs; and not only what has a rate */
};

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* Bytes that this step may be about. */
static uint64_t
allowance(struct stepping *s, struct vdev_init *in)
{
	uint64_t passed = s->now_ms - in->ran_ms;

	if (in->rate == 0)
		return (s->w->chunk);
	in->ran_ms = s->now_ms;
	if (passed > SLOW_MS)
		passed = SLOW_MS;
	return (in->rate > UINT64_MAX / SLOW_MS ? s->w->chunk : in->rate * passed / 1000);
}

/* Without a rate one range, so that others get the lock. */
static void
work_some(struct stepping *s, struct vdev *leaf)
{
	struct vdev_init *in = work_of(leaf, s->w);
	uint64_t left = allowance(s, in), unit = 1ULL << leaf->top->ashift, done;

	while (left >= unit && in->at.ms < leaf->top->mg->n) {
		done = in->done;
		(void)spa_free_step(s->spa, leaf, &in->at, left < s->w->chunk ? left : s->w->chunk,
		    s->w->fn, s->chunk);
		if (in->rate == 0)
			return;
		done = in->done - done;
		left -= done < left ? done : left;
	}
}

static int
step_leaf(struct vdev *leaf, void *arg)
{
	struct stepping *s = arg;
	struct vdev_init *in = work_of(leaf, s->w);
	uint64_t before = in->done;

	if (in->state != INIT_ACTIVE || !vdev_leaf_ready(leaf) || leaf->top->mg == NULL)
		return (0);
	s->active = true;
	s->hurry = s->hurry || in->rate == 0;
	in->at.top = leaf->top->id;
	if (in->at.ms >= leaf->top->mg->n)
		return (change(s->spa, leaf, s->w, INIT_COMPLETE, "finish"));
	work_some(s, leaf);
	return (before / SAVE_BYTES != in->done / SAVE_BYTES ? save(s->spa, leaf, s->w) : 0);
}

bool
spa_initialize_step(struct spa *spa)
{
	struct stepping s = {.spa = spa};

	if (!spa->initializing || (s.chunk = malloc(CHUNK)) == NULL)
		return (false);
	for (size_t i = 0; i < CHUNK / sizeof(*s.chunk); i++)
		s.chunk[i] = PATTERN;
	s.now_ms = clock_ms();
	for (int i = 0; i < WORKS; i++) {
		s.w = &works[i];
		(void)vdev_walk_leaves(spa->root, step_leaf, &s);
	}
	free(s.chunk);
	spa->initializing = s.active;
	return (s.hurry);
}

/* --- at import -------------------------------------------------------------------------------- */

static void
load_work(struct spa *spa, struct vdev *leaf, const struct work *w)
{
	uint64_t state = 0, next = 0, when = 0, rate = 0;
	struct vdev_init *in = work_of(leaf, w);

	if (zap_lookup(spa->mos, leaf->zap_leaf, w->state_key, 8, 1, &state) != 0 || state > INIT_COMPLETE)
		return;
	(void)zap_lookup(spa->mos, leaf->zap_leaf, w->offset_key, 8, 1, &next);
	(void)zap_lookup(spa->mos, leaf->zap_leaf, w->time_key, 8, 1, &when);
	if (w->rate_key != NULL)
		(void)zap_lookup(spa->mos, leaf->zap_leaf, w->rate_key, 8, 1, &rate);
	*in = (struct vdev_init){.state = (enum vdev_init_state)state, .when = when, .rate = rate,
	    .total = free_bytes(leaf)};
	in->at.ms = next >> leaf->top->ms_shift;
	in->done = leaf->top->asize != 0 ? (uint64_t)((double)in->total * (double)next /
	    (double)leaf->top->asize) : 0;
	spa->initializing = spa->initializing || state == INIT_ACTIVE;
}

static int
load_leaf(struct vdev *leaf, void *arg)
{
	for (int i = 0; i < WORKS && leaf->zap_leaf != 0 && leaf->top->mg != NULL; i++)
		load_work(arg, leaf, &works[i]);
	return (0);
}

void
spa_initialize_load(struct spa *spa)
{
	(void)vdev_walk_leaves(spa->root, load_leaf, spa);
}
