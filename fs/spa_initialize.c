/* SPDX-License-Identifier: MIT */
/*
 * initialize: write a pattern to all space of a device that is free.
 *
 * Theory
 * ------
 * For devices that are slow or thin at the first write of a block. The tender does it in small steps with the
 * pool's lock, range by range of the free space (fs/spa_trim.c), so that nothing of a range is
 * allocated before it was written over. Where a device is, and what was asked of it, is kept in its ZAP, in
 * OpenZFS's words, at each change and every few hundred megabytes: an import goes on from there.
 *
 *	            start                  end of the device
 *	  (none) ----------> active --------------------------> complete
 *	                     |    ^
 *	             suspend v    | start            cancel: canceled, and a start begins anew
 *	                    suspended
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "metaslab_impl.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define PATTERN 0xdeadbeefdeadbeeeULL /* what OpenZFS writes */
#define CHUNK (1u << 20)
#define SAVE_BYTES (256ULL << 20)

#define STATE_KEY "com.delphix:vdev_initialize_state"
#define OFFSET_KEY "com.delphix:next_offset_to_initialize"
#define TIME_KEY "com.delphix:vdev_initialize_action_time"

static int
save(struct spa *spa, struct vdev *leaf)
{
	const struct vdev_init *in = &leaf->init;
	uint64_t state = in->state, next = leaf->top->mg == NULL ? 0 :
	    (in->at.ms << leaf->top->ms_shift) + in->at.off;
	int rc;

	if (leaf->zap_leaf == 0 && (rc = vdev_zaps_enable(spa)) != 0)
		return (rc);
	if (leaf->zap_leaf == 0)
		return (0);
	if ((rc = zap_update(spa->mos, leaf->zap_leaf, STATE_KEY, 8, 1, &state)) != 0 ||
	    (rc = zap_update(spa->mos, leaf->zap_leaf, OFFSET_KEY, 8, 1, &next)) != 0)
		return (rc);
	return (zap_update(spa->mos, leaf->zap_leaf, TIME_KEY, 8, 1, &in->when));
}

static int
change(struct spa *spa, struct vdev *leaf, enum vdev_init_state to, const char *event)
{
	char class[64] = "sysevent.fs.zfs.initialize_";

	leaf->init.state = to;
	leaf->init.when = spa_now(spa, NULL);
	(void)strncat(class, event, sizeof(class) - strlen(class) - 1);
	events_post_vdev(leaf, class, NULL);
	return (save(spa, leaf));
}

/* --- commands --------------------------------------------------------------------------------- */

struct command {
	struct spa *spa;
	enum init_command what;
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
	if (leaf->init.state == INIT_ACTIVE)
		return (c->all ? 0 : err_set(c->e, EBUSY, "currently initializing"));
	if (!vdev_leaf_ready(leaf) || leaf->top->mg == NULL)
		return (c->all ? 0 : err_set(c->e, ENODEV, "device is not available"));
	c->n++;
	if (leaf->init.state != INIT_SUSPENDED)
		leaf->init = (struct vdev_init){.total = free_bytes(leaf)};
	return (change(c->spa, leaf, INIT_ACTIVE, "start"));
}

static int
command_leaf(struct vdev *leaf, void *arg)
{
	struct command *c = arg;

	if (c->what == INIT_START)
		return (start(c, leaf));
	if (leaf->init.state != INIT_ACTIVE &&
	    !(c->what == INIT_CANCEL && leaf->init.state == INIT_SUSPENDED))
		return (c->all ? 0 : err_set(c->e, ESRCH, "there is no active initialization"));
	c->n++;
	return (change(c->spa, leaf, c->what == INIT_CANCEL ? INIT_CANCELED : INIT_SUSPENDED,
	    c->what == INIT_CANCEL ? "cancel" : "suspend"));
}

int
spa_initialize(struct spa *spa, const char *device, enum init_command what, struct err *e)
{
	struct command c = {spa, what, e, device == NULL, 0};
	struct vdev *v = device == NULL ? spa->root : vdev_find(spa->root, device);
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if (v == NULL)
		return (err_set(e, ENODEV, "no such device in pool"));
	if ((rc = vdev_walk_leaves(v, command_leaf, &c)) != 0)
		return (e != NULL && e->code != 0 ? rc : err_rc(e, rc, "writing a device's state"));
	if (c.n == 0)
		return (what == INIT_START ? err_set(e, EBUSY, "currently initializing") :
		    err_set(e, ESRCH, "there is no active initialization"));
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

struct stepping {
	struct spa *spa;
	uint64_t *chunk;
	bool more;
};

static int
step_leaf(struct vdev *leaf, void *arg)
{
	struct stepping *s = arg;
	struct vdev_init *in = &leaf->init;
	uint64_t before = in->done;

	if (in->state != INIT_ACTIVE || !vdev_leaf_ready(leaf) || leaf->top->mg == NULL)
		return (0);
	s->more = true;
	in->at.top = leaf->top->id;
	if (in->at.ms >= leaf->top->mg->n)
		return (change(s->spa, leaf, INIT_COMPLETE, "finish"));
	spa_free_step(s->spa, leaf, &in->at, CHUNK, write_pattern, s->chunk);
	return (before / SAVE_BYTES != in->done / SAVE_BYTES ? save(s->spa, leaf) : 0);
}

bool
spa_initialize_step(struct spa *spa)
{
	struct stepping s = {spa, NULL, false};

	if (!spa->initializing || (s.chunk = malloc(CHUNK)) == NULL)
		return (false);
	for (size_t i = 0; i < CHUNK / sizeof(*s.chunk); i++)
		s.chunk[i] = PATTERN;
	(void)vdev_walk_leaves(spa->root, step_leaf, &s);
	free(s.chunk);
	spa->initializing = s.more;
	return (s.more);
}

/* --- at import -------------------------------------------------------------------------------- */

static int
load_leaf(struct vdev *leaf, void *arg)
{
	struct spa *spa = arg;
	uint64_t state = 0, next = 0, when = 0;

	if (leaf->zap_leaf == 0 || leaf->top->mg == NULL ||
	    zap_lookup(spa->mos, leaf->zap_leaf, STATE_KEY, 8, 1, &state) != 0 || state > INIT_COMPLETE)
		return (0);
	(void)zap_lookup(spa->mos, leaf->zap_leaf, OFFSET_KEY, 8, 1, &next);
	(void)zap_lookup(spa->mos, leaf->zap_leaf, TIME_KEY, 8, 1, &when);
	leaf->init = (struct vdev_init){.state = (enum vdev_init_state)state, .when = when,
	    .total = free_bytes(leaf)};
	leaf->init.at.ms = next >> leaf->top->ms_shift;
	leaf->init.done = leaf->top->asize != 0 ? (uint64_t)((double)leaf->init.total *
	    (double)next / (double)leaf->top->asize) : 0;
	spa->initializing = spa->initializing || state == INIT_ACTIVE;
	return (0);
}

void
spa_initialize_load(struct spa *spa)
{
	(void)vdev_walk_leaves(spa->root, load_leaf, spa);
}
