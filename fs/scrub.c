/* SPDX-License-Identifier: MIT */
/*
 * Scans: their life, in memory and on disk.
 *
 * Theory
 * ------
 *	       start			  all walked
 *	none ---------> running <-> paused ----------> finished
 *			   |	  (scrubs)
 *			   +--> canceled: by the operator, or because a resilver is more urgent
 *
 * A scrub reads all copies on all devices, also parity, and repairs. A resilver goes over the blocks of
 * the txgs that some device missed (fs/dtl.h) and writes them to that device; when it ends, those
 * devices lack nothing any more. Both write at once and need no txg for it: what they write is what
 * should be there. That it is durable before the pool says so is the flush of the txg that says so.
 *
 * A device counts as resilvered only when it was there all the time: one that goes away loses the mark
 * (`resilvering`), and what it lacks is left for the next resilver.
 *
 * On disk: the directory's "scan" entry, 24 words, in every txg while one runs. OpenZFS keeps a
 * position there in the order of its own walk, which is not ours; we say "at the beginning" and leave an
 * empty queue, which makes it walk everything again. Our position is an entry of our own, believed only
 * when the "scan" entry is the one that it was written with. It also names the devices that a resilver
 * covers.
 *
 *	org.smartbox:scan_position	u64[]: start, func, max txg, list txg, dataset, its place,
 *					object, block, then guids
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dmu_impl.h"
#include "dtl.h"
#include "errlog.h"
#include "events.h"
#include "removal.h"
#include "scrub_impl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zap.h"
#include "vdev_impl.h"

#define POSITION_KEY "org.smartbox:scan_position"
#define GUIDS_MAX 512
#define FLAG_PAUSED 2

/* docs/zfs-format.md, "Scan". */
enum { SCAN_FUNC, SCAN_STATE, SCAN_QUEUE, SCAN_MIN_TXG, SCAN_MAX_TXG, SCAN_CUR_MIN, SCAN_CUR_MAX,
	SCAN_START, SCAN_END, SCAN_TO_EXAMINE, SCAN_EXAMINED, SCAN_TO_PROCESS, SCAN_PROCESSED,
	SCAN_ERRORS, SCAN_FLAGS = 23, SCAN_WORDS };
enum { POS_START, POS_FUNC, POS_MAX_TXG, POS_LIST_TXG, POS_DATASET, POS_PLACE, POS_OBJECT, POS_BLKID,
	POS_GUIDS };

/* --- in memory -------------------------------------------------------------------------------- */

static void
forget(struct scrub *s)
{
	free(s->target);
	s->target = NULL;
	s->n = s->at = 0;
	s->object = s->blkid = 0;
}

static int
scrub_of(struct spa *spa, struct scrub **out)
{
	if (spa->scrub == NULL && (spa->scrub = calloc(1, sizeof(*spa->scrub))) == NULL)
		return (-ENOMEM);
	*out = spa->scrub;
	return (0);
}

static bool
is_running(const struct scrub *s)
{
	return (s != NULL && s->stat.state == SCRUB_RUNNING);
}

static void
begin_pass(struct spa *spa, struct scrub *s)
{
	s->stat.pass_start = spa_now(spa, NULL);
	s->stat.pass_examined = s->stat.examined;
	s->stat.pause_start = 0;
	s->stat.paused = false;
	s->dirty = true;
}

struct marking {
	uint64_t min, max;
	const uint64_t *guid; /* of these only; NULL: all */
	size_t n;
};

static int
mark_leaf(struct vdev *leaf, void *arg)
{
	const struct marking *m = arg;
	bool named = m->guid == NULL;
	uint64_t min, max;

	for (size_t i = 0; i < m->n && !named; i++)
		named = m->guid[i] == leaf->guid;
	leaf->resilvering = named && vdev_leaf_ready(leaf) && dtl_resilver_range(leaf, &min, &max) &&
	    min >= m->min && max <= m->max;
	return (0);
}

static void
tell(struct spa *spa, const struct scrub *s, const char *what)
{
	char class[64];

	(void)snprintf(class, sizeof(class), "sysevent.fs.zfs.%s_%s",
	    s->stat.func == SCAN_RESILVER ? "resilver" : "scrub", what);
	events_post(spa, class, NULL);
}

static int
begin(struct spa *spa, struct scrub *s, enum scan_func func, uint64_t min, uint64_t max)
{
	struct space_stats space;
	struct marking m = {min, max, NULL, 0};

	forget(s);
	s->nerror = 0;
	s->min_txg = min;
	s->max_txg = max;
	s->list_txg = spa->synced;
	if (scan_list_targets(spa, s) != 0) {
		forget(s);
		return (-ENOMEM);
	}
	metaslab_stats(spa, &space);
	s->stat = (struct scrub_stat){.func = func, .state = SCRUB_RUNNING,
	    .start = spa_now(spa, NULL), .to_examine = space.alloc};
	if (func == SCAN_RESILVER)
		(void)vdev_walk_leaves(spa->root, mark_leaf, &m);
	begin_pass(spa, s);
	tell(spa, s, "start");
	return (0);
}

static int
check_writable(struct spa *spa, struct err *e)
{
	if (!spa->readonly && !spa->suspended)
		return (0);
	return (err_set(e, spa->readonly ? EROFS : EIO, "pool '%s' is %s", spa->name,
	    spa->readonly ? "read-only" : "suspended"));
}

static int
scan_may_start(struct spa *spa, struct scrub **s, struct err *e)
{
	int rc;

	if ((rc = check_writable(spa, e)) != 0)
		return (rc);
	if (scrub_of(spa, s) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	if (is_running(*s) && (*s)->stat.func == SCAN_RESILVER)
		return (err_set(e, EBUSY, "currently resilvering"));
	return (0);
}

int
scrub_start(struct spa *spa, struct err *e)
{
	struct scrub *s;
	int rc;

	if ((rc = scan_may_start(spa, &s, e)) != 0)
		return (rc);
	if (is_running(s) && s->stat.paused) {
		begin_pass(spa, s);
		tell(spa, s, "resume");
		return (0);
	}
	if (is_running(s))
		return (err_set(e, EBUSY, "currently scrubbing; use 'zpool scrub -s' to cancel scrub"));
	errlog_begin(spa);
	return (err_rc(e, begin(spa, s, SCAN_SCRUB, 0, spa->synced), "listing the datasets"));
}

static void finish(struct spa *spa, struct scrub *s, enum scrub_state state);

int
resilver_start(struct spa *spa, struct err *e)
{
	uint64_t min, max;
	struct scrub *s;
	int rc;

	if ((rc = scan_may_start(spa, &s, e)) != 0)
		return (rc);
	if (!dtl_resilver_range(spa->root, &min, &max))
		return (err_set(e, ENOENT, "no device needs resilvering"));
	if ((rc = removal_forbids(spa, e)) != 0)
		return (rc);
	if (removal_moved_in(spa, min, max))
		min = 0; /* old blocks lie in places that are young */
	if (is_running(s))
		finish(spa, s, SCRUB_CANCELED);
	return (err_rc(e, begin(spa, s, SCAN_RESILVER, min, max), "listing the datasets"));
}

/* --- its end ---------------------------------------------------------------------------------- */

static int
leaf_is_whole(struct vdev *leaf, void *arg)
{
	const struct scrub *s = arg;

	if (leaf->resilvering && vdev_leaf_ready(leaf) && s->stat.state == SCRUB_FINISHED)
		dtl_excise(leaf, s->max_txg);
	leaf->resilvering = false;
	return (0);
}

static void
finish(struct spa *spa, struct scrub *s, enum scrub_state state)
{
	s->stat.state = state;
	s->stat.end = spa_now(spa, NULL);
	s->stat.paused = false;
	s->dirty = true;
	spa->force_sync = true;
	forget(s);
	tell(spa, s, state == SCRUB_FINISHED ? "finish" : "abort");
	spa_io_drain(spa); /* readers without the lock look at the logs */
	if (s->stat.func == SCAN_RESILVER)
		(void)vdev_walk_leaves(spa->root, leaf_is_whole, s);
	else if (state == SCRUB_FINISHED)
		errlog_rotate(spa);
}

int
scrub_cancel(struct spa *spa)
{
	struct scrub *s = spa->scrub;

	if (!is_running(s) || s->stat.func != SCAN_SCRUB)
		return (-ENOENT);
	finish(spa, s, SCRUB_CANCELED);
	return (0);
}

void
resilver_stop(struct spa *spa)
{
	if (is_running(spa->scrub) && spa->scrub->stat.func == SCAN_RESILVER)
		finish(spa, spa->scrub, SCRUB_CANCELED);
}

int
scrub_pause(struct spa *spa)
{
	struct scrub *s = spa->scrub;

	if (!is_running(s) || s->stat.func != SCAN_SCRUB)
		return (-ENOENT);
	if (s->stat.paused)
		return (-ECANCELED);
	s->stat.paused = true;
	s->stat.pause_start = spa_now(spa, NULL);
	s->dirty = true;
	spa->force_sync = true;
	tell(spa, s, "paused");
	return (0);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void
set_deadline(struct scrub *s, unsigned ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &s->deadline);
	s->deadline.tv_sec += ms / 1000;
	s->deadline.tv_nsec += (long)(ms % 1000) * 1000000;
	if (s->deadline.tv_nsec >= 1000000000) {
		s->deadline.tv_sec++;
		s->deadline.tv_nsec -= 1000000000;
	}
}

int
scrub_step(struct spa *spa, unsigned ms)
{
	struct scrub *s = spa->scrub;
	int rc = 0;

	if (!is_running(s) || s->stat.paused)
		return (0);
	if (spa->suspended)
		return (-EIO);
	set_deadline(s, ms);
	s->dirty = true;
	while (rc == 0 && s->at < s->n) {
		rc = scan_walk_target(spa, s);
		if (rc == 0) {
			s->at++;
			s->object = s->blkid = 0;
			rc = scan_time_is_over(s) ? SCAN_PAUSE : 0;
		}
	}
	if (rc == SCAN_PAUSE && s->at < s->n)
		return (1);
	finish(spa, s, rc < 0 ? SCRUB_CANCELED : SCRUB_FINISHED);
	return (rc < 0 ? rc : 0);
}

/* --- on disk ---------------------------------------------------------------------------------- */

static void
to_words(const struct scrub *s, uint64_t w[SCAN_WORDS])
{
	const struct scrub_stat *st = &s->stat;

	memset(w, 0, SCAN_WORDS * sizeof(*w));
	w[SCAN_FUNC] = st->func;
	w[SCAN_STATE] = st->state;
	w[SCAN_QUEUE] = s->queue;
	w[SCAN_MIN_TXG] = w[SCAN_CUR_MIN] = s->min_txg;
	w[SCAN_MAX_TXG] = w[SCAN_CUR_MAX] = s->max_txg;
	w[SCAN_START] = st->start;
	w[SCAN_END] = st->end;
	w[SCAN_TO_EXAMINE] = st->to_examine;
	w[SCAN_EXAMINED] = st->examined;
	w[SCAN_TO_PROCESS] = w[SCAN_PROCESSED] = st->repaired;
	w[SCAN_ERRORS] = st->errors;
	w[SCAN_FLAGS] = st->paused ? FLAG_PAUSED : 0;
}

static void
from_words(const uint64_t w[SCAN_WORDS], struct scrub *s)
{
	s->stat = (struct scrub_stat){
	    .func = w[SCAN_FUNC] <= SCAN_RESILVER ? (enum scan_func)w[SCAN_FUNC] : SCAN_NOTHING,
	    .state = w[SCAN_STATE] <= SCRUB_CANCELED ? (enum scrub_state)w[SCAN_STATE] : SCRUB_NONE,
	    .paused = (w[SCAN_FLAGS] & FLAG_PAUSED) != 0,
	    .start = w[SCAN_START],
	    .end = w[SCAN_END],
	    .to_examine = w[SCAN_TO_EXAMINE],
	    .examined = w[SCAN_EXAMINED],
	    .repaired = w[SCAN_PROCESSED],
	    .errors = w[SCAN_ERRORS],
	};
	s->queue = w[SCAN_QUEUE];
	s->min_txg = w[SCAN_MIN_TXG];
	s->max_txg = w[SCAN_MAX_TXG];
}

struct guids {
	uint64_t *w;
	size_t n;
};

static int
note_guid(struct vdev *leaf, void *arg)
{
	struct guids *g = arg;

	if (leaf->resilvering && g->n < GUIDS_MAX)
		g->w[g->n++] = leaf->guid;
	return (0);
}

static int
write_position(struct spa *spa, const struct scrub *s)
{
	uint64_t w[POS_GUIDS + GUIDS_MAX] = {s->stat.start, s->stat.func, s->max_txg, s->list_txg};
	struct guids g = {w + POS_GUIDS, 0};

	if (s->at < s->n) {
		w[POS_DATASET] = s->target[s->at].dataset;
		w[POS_PLACE] = s->target[s->at].creation_txg;
	}
	w[POS_OBJECT] = s->object;
	w[POS_BLKID] = s->blkid;
	(void)vdev_walk_leaves(spa->root, note_guid, &g);
	return (zap_update(spa->mos, MOS_DIRECTORY, POSITION_KEY, 8, POS_GUIDS + g.n, w));
}

/* The queue is there while a scan runs; the position too. */
static int
keep_objects(struct spa *spa, struct scrub *s)
{
	int rc;

	if (s->drop_queue && s->queue != 0) {
		if ((rc = zap_destroy(spa->mos, s->queue)) != 0)
			return (rc);
		s->queue = 0;
	}
	s->drop_queue = false;
	if (is_running(s)) {
		if (s->queue == 0 &&
		    (rc = zap_create(spa->mos, OT_SCAN_QUEUE, OT_NONE, 0, &s->queue)) != 0)
			return (rc);
		return (write_position(spa, s));
	}
	if (s->queue != 0 && (rc = zap_destroy(spa->mos, s->queue)) != 0)
		return (rc);
	s->queue = 0;
	rc = zap_remove(spa->mos, MOS_DIRECTORY, POSITION_KEY);
	return (rc == -ENOENT ? 0 : rc);
}

int
scrub_sync(struct spa *spa)
{
	struct scrub *s = spa->scrub;
	uint64_t w[SCAN_WORDS];
	int rc = errlog_sync(spa);

	if (rc != 0 || s == NULL || !s->dirty || s->stat.state == SCRUB_NONE)
		return (rc);
	if ((rc = keep_objects(spa, s)) != 0)
		return (rc);
	to_words(s, w);
	s->dirty = false;
	return (zap_update(spa->mos, MOS_DIRECTORY, "scan", 8, SCAN_WORDS, w));
}

/* --- going on after an import ----------------------------------------------------------------- */

/* Where to go on among the targets: the first that is not before the position. */
static void
seek(struct scrub *s, const uint64_t *pos)
{
	while (s->at < s->n && (s->target[s->at].creation_txg < pos[POS_PLACE] ||
	    (s->target[s->at].creation_txg == pos[POS_PLACE] &&
	    s->target[s->at].dataset < pos[POS_DATASET])))
		s->at++;
	if (s->at < s->n && s->target[s->at].dataset == pos[POS_DATASET]) {
		s->object = pos[POS_OBJECT];
		s->blkid = pos[POS_BLKID];
	}
}

/* 0: no position that belongs to this scan. */
static size_t
read_position(struct spa *spa, const struct scrub *s, uint64_t pos[POS_GUIDS + GUIDS_MAX])
{
	unsigned intlen;
	uint64_t n;

	if (zap_length(spa->mos, MOS_DIRECTORY, POSITION_KEY, &intlen, &n) != 0 || intlen != 8 ||
	    n < POS_GUIDS || n > POS_GUIDS + GUIDS_MAX ||
	    zap_lookup(spa->mos, MOS_DIRECTORY, POSITION_KEY, 8, n, pos) != 0)
		return (0);
	return (pos[POS_START] == s->stat.start && pos[POS_FUNC] == s->stat.func &&
	    pos[POS_MAX_TXG] == s->max_txg ? (size_t)n : 0);
}

static int
go_on(struct spa *spa, struct scrub *s)
{
	uint64_t pos[POS_GUIDS + GUIDS_MAX] = {0};
	size_t n = read_position(spa, s, pos);
	struct marking m = {s->min_txg, s->max_txg, n != 0 ? pos + POS_GUIDS : NULL,
	    n != 0 ? n - POS_GUIDS : 0};
	bool paused = s->stat.paused;
	int rc;

	s->list_txg = n != 0 ? pos[POS_LIST_TXG] : spa->synced;
	if ((rc = scan_list_targets(spa, s)) != 0) {
		forget(s);
		return (rc);
	}
	if (n != 0) {
		seek(s, pos);
	} else {
		/* What OpenZFS still had to do is no longer right once we say "at the beginning". */
		s->stat.examined = s->stat.repaired = 0;
		s->drop_queue = true;
	}
	if (s->stat.func == SCAN_RESILVER)
		(void)vdev_walk_leaves(spa->root, mark_leaf, &m);
	begin_pass(spa, s);
	s->stat.paused = paused;
	return (0);
}

int
scrub_load(struct spa *spa)
{
	uint64_t w[SCAN_WORDS];
	struct scrub *s;
	int rc = zap_lookup(spa->mos, MOS_DIRECTORY, "scan", 8, SCAN_WORDS, w);

	if (rc != 0)
		return (rc == -ENOENT || rc == -EOVERFLOW ? 0 : rc);
	if ((rc = scrub_of(spa, &s)) != 0)
		return (rc);
	from_words(w, s);
	if (!is_running(s) || spa->readonly)
		return (0);
	return (go_on(spa, s));
}

/* --- answers ---------------------------------------------------------------------------------- */

void
scrub_stat(struct spa *spa, struct scrub_stat *st)
{
	*st = (struct scrub_stat){.state = SCRUB_NONE};
	if (spa->scrub != NULL)
		*st = spa->scrub->stat;
}

bool
scrub_error_at(struct spa *spa, unsigned n, struct scrub_error *out)
{
	if (spa->scrub == NULL || n >= spa->scrub->nerror)
		return (false);
	*out = spa->scrub->error[n];
	return (true);
}

void
scrub_fini(struct spa *spa)
{
	if (spa->scrub == NULL)
		return;
	forget(spa->scrub);
	free(spa->scrub);
	spa->scrub = NULL;
}
