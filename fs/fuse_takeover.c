/* SPDX-License-Identifier: MIT */
/*
 * Going on where a server of these mounts was killed.
 *
 *	pool imported, nobody uses it yet
 *	  |  mounts        datasets opened by object number; their intent logs discarded:
 *	  |                the stash has all of it
 *	  |  log           changes done again, in order, in one txg: as the kernel asked, at the
 *	  |                same times, with the same numbers for new objects and the
 *	  |                same salts for new directories
 *	  |  slots         counting finished; a request that has a record was applied, its
 *	  |                answer is in the slot
 *	  |  unlinked      objects without names: known to the kernel, or destroyed now
 *	  |  sync          the log is empty
 *	  v
 *	served again       answers sent; requests that were not applied are served; fsyncs are
 *	                   answered: all is durable; the mounts are watched
 *
 * Killed anywhere in between, the next one does the same: the log is dropped only when a txg that
 * has all of it is durable, and what is done to slots and counts may be done twice (fs/stash.c).
 *
 * A change that has another result than the first time means that we do not know what programs have
 * seen.  Then nothing is written, the mounts end, and the pool is as after a crash: what was
 * fsynced is in the intent logs, which are still there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse_impl.h"

#define CRASHES_MAX 2 /* then a request is answered with EIO */

struct takeover {
	struct fuse_server *fs;
	struct fuse_session *session[STASH_SESSIONS];
	struct fuse_worker w;
	struct dmu_made made;
	struct err *e;
};

/* --- mounts ------------------------------------------------------------------------------------- */

/* A descriptor that belongs to no mount says so. */
static bool
is_mounted(int fd)
{
	char byte;

	return (!(read(fd, &byte, 1) < 0 && errno == EPERM));
}

static int
open_dataset(struct fuse_session *s, struct err *e)
{
	struct spa *spa = s->server->spa;
	int rc = dsl_hold_objnum(spa, s->keep->dataset, &s->ds);

	if (rc != 0)
		return (err_rc(e, rc, "the dataset on '%s'", s->path));
	s->is_snapshot = dsl_is_snapshot(s->ds);
	if (!spa_is_readonly(spa) && !s->is_snapshot && (rc = zpl_discard_log(s->ds)) != 0)
		return (err_rc(e, rc, "the intent log of '%s'", s->path));
	return (zpl_open(s->ds, s->opts.readonly, &s->z, e));
}

static int
adopt(struct takeover *t, unsigned i)
{
	struct stash *st = t->fs->stash;
	struct fuse_session *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL || (s->path = strdup(st->session[i].path)) == NULL) {
		free(s);
		return (err_set(t->e, ENOMEM, "out of memory"));
	}
	s->server = t->fs;
	s->number = i;
	s->keep = &st->session[i];
	s->opts = s->keep->opts;
	s->fd = s->keep->fd;
	s->refs = 1;
	t->session[i] = s;
	if ((rc = node_table_open(&s->nodes, st, i)) != 0)
		return (err_rc(t->e, rc, "the lookup counts of '%s'", s->path));
	return (open_dataset(s, t->e));
}

static int
adopt_all(struct takeover *t)
{
	struct stash *st = t->fs->stash;
	int rc = 0;

	for (unsigned i = 0; i < st->h->nsessions && rc == 0; i++) {
		if (st->session[i].state == STASH_NO_SESSION)
			continue;
		if (st->session[i].state == STASH_OPENED &&
		    (st->session[i].fd < 0 || !is_mounted(st->session[i].fd))) {
			stash_drop(st, i);
			continue;
		}
		rc = adopt(t, i);
	}
	return (rc);
}

/* --- the log ------------------------------------------------------------------------------------ */

static int
do_again(struct takeover *t, struct fuse_session *s, const struct stash_record *r)
{
	struct fuse_call c = {.s = s, .out = t->w.out};
	int rc = fuse_req_parse(stash_record_msg(r), r->msg_len, s->keep->setxattr_ext, &c.req);

	if (rc == 0 && (rc = fuse_act_again(&c)) == 0)
		rc = c.rc;
	return (rc);
}

/* Pieces may be cut otherwise than the first time: what is compressed away by then is no data now. */
static int
free_again(struct fuse_session *s, const struct stash_record *r)
{
	int rc;

	do
		rc = zpl_free_unlinked(s->z, r->obj);
	while (rc == 1 && r->rc == 0);
	return (rc == 0 ? r->rc : rc);
}

static int
apply(const struct stash_record *r, void *arg)
{
	struct takeover *t = arg;
	struct fuse_session *s = r->session < STASH_SESSIONS ? t->session[r->session] : NULL;
	int rc;

	if (s == NULL || r->nobj > DMU_MADE_MAX)
		return (err_set(t->e, EILSEQ, "the log of changes names a mount that is not there"));
	t->made = (struct dmu_made){.n = r->nobj, .seed = r->seed, .again = true};
	memcpy(t->made.obj, stash_record_objs(r), r->nobj * sizeof(uint64_t));
	zpl_again_begin(s->z, &t->made, r->now, r->txg);
	if (r->kind == STASH_CALL)
		rc = do_again(t, s, r);
	else if (r->kind == STASH_FREE_PIECE)
		rc = free_again(s, r);
	else
		rc = zpl_touch_atime(s->z, r->obj, s->opts.relatime);
	zpl_again_end(s->z, s->opts.readonly);
	if (rc == r->rc || r->kind == STASH_ATIME)
		return (0);
	return (err_set(t->e, EILSEQ, "a change on '%s' (request %u) had result %d and now has %d", s->path,
	    r->kind == STASH_CALL ? ((const struct fuse_in_header *)stash_record_msg(r))->opcode : 0, r->rc,
	    rc));
}

/* --- slots -------------------------------------------------------------------------------------- */

static int
is_of(const struct stash_record *r, void *arg)
{
	const struct stash_slot *slot = arg;

	return (r->kind == STASH_CALL && r->session == slot->session &&
	    r->unique == ((const struct fuse_in_header *)(const void *)slot->in)->unique);
}

/* From the first count that was not made; the one in the cell may have been. */
static void
finish_counting(struct takeover *t, struct stash_slot *slot)
{
	struct stash_cell *cell = &t->fs->stash->h->cell;
	struct fuse_session *s = t->session[slot->session];
	struct fuse_call c = {.s = s, .w = &t->w, .out = slot->out, .out_len = slot->out_len, .rc = slot->rc};
	size_t from = 0;

	if (fuse_req_parse(slot->in, slot->in_len, s->keep->setxattr_ext, &c.req) != 0)
		return;
	t->w.slot = slot;
	if (slot->phase == STASH_COUNTING && cell->valid && cell->session == slot->session &&
	    cell->unique == c.req.in->unique) {
		if (node_table_room(&s->nodes, 1) == 0)
			node_set(&s->nodes, cell->id, cell->count);
		from = cell->index + 1;
	}
	if (slot->rc == 0 && node_table_room(&s->nodes, fuse_counts(&c)) == 0)
		fuse_count_act(&c, from);
	else
		fuse_answered(&c);
}

static void
finish_slot(struct takeover *t, struct stash_slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->in;

	if (slot->phase == STASH_FREE)
		return;
	if (slot->phase == STASH_READING) {
		slot->in_len = in->len;
		publish(slot->phase, in->len != 0 ? STASH_SERVING : STASH_FREE);
	}
	if (slot->session >= STASH_SESSIONS || t->session[slot->session] == NULL)
		publish(slot->phase, STASH_FREE);
	if (slot->phase == STASH_COUNTING ||
	    (slot->phase == STASH_SERVING && stash_walk(t->fs->stash, is_of, slot) != 0))
		finish_counting(t, slot);
}

/* --- objects without names ---------------------------------------------------------------------- */

static int
keep_or_destroy(void *arg, uint64_t obj)
{
	struct fuse_session *s = arg;
	struct node *n = node_find(&s->nodes, obj);
	int rc;

	if (n != NULL) {
		n->unlinked = true;
		return (0);
	}
	while ((rc = zpl_free_unlinked(s->z, obj)) == 1)
		;
	return (rc == -ENOENT ? 0 : rc);
}

static int
settle_unlinked(struct fuse_session *s)
{
	for (size_t i = 0; i < s->nodes.cap; i++)
		s->nodes.v[i].unlinked = false;
	if (zpl_is_readonly(s->z))
		return (0);
	return (zpl_walk_unlinked(s->z, keep_or_destroy, s));
}

/* --- both halves -------------------------------------------------------------------------------- */

static int
each_session(struct takeover *t, int (*fn)(struct fuse_session *s), const char *what)
{
	for (unsigned i = 0; i < t->fs->stash->h->nsessions; i++) {
		int rc = t->session[i] != NULL ? fn(t->session[i]) : 0;

		if (rc != 0)
			return (err_rc(t->e, rc, "%s of '%s'", what, t->session[i]->path));
	}
	return (0);
}

static int
start_log(struct fuse_session *s)
{
	return (zpl_log_start(s->z, s->server->sync));
}

/* With the pool's lock. */
static int
replay(struct takeover *t)
{
	struct fuse_server *fs = t->fs;
	struct stash *st = fs->stash;
	int rc;

	if ((rc = adopt_all(t)) != 0)
		return (rc);
	if (fs->sync != NULL && (rc = stash_walk(st, apply, t)) != 0)
		return (rc < 0 && t->e->code == 0 ? err_rc(t->e, rc, "the log of changes is damaged") : rc);
	for (unsigned i = 0; i < STASH_SLOTS; i++)
		finish_slot(t, &st->slot[i]);
	if ((rc = each_session(t, settle_unlinked, "unlinked files")) != 0 ||
	    (rc = each_session(t, snapdir_adopt, "snapshots")) != 0)
		return (rc);
	if (fs->sync == NULL)
		return (0);
	stash_replayed(st, spa_open_txg(fs->spa));
	if ((rc = spa_sync_force(fs->spa, t->e)) != 0)
		return (rc);
	if ((rc = each_session(t, start_log, "the intent log")) != 0)
		return (rc);
	return (spa_is_dirty(fs->spa) ? spa_sync(fs->spa, t->e) : 0);
}

int
fuse_takeover_replay(struct fuse_server *fs, struct err *e)
{
	struct takeover *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL || (t->w.out = malloc(FUSE_DATA_MAX + 4096)) == NULL) {
		free(t);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	t->fs = fs;
	t->w.fs = fs;
	t->e = e;
	fs->takeover = t;
	spa_enter(fs->spa);
	rc = replay(t);
	spa_exit(fs->spa);
	return (rc);
}

static void
serve_again(struct takeover *t, struct stash_slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->in;
	struct fuse_session *s = t->session[slot->session];

	t->w.slot = slot;
	if (slot->phase == STASH_SERVING && slot->crashes < CRASHES_MAX) {
		fuse_serve_slot(&t->w, s);
		return;
	}
	if (slot->phase == STASH_SERVING) {
		slot->rc = -EIO;
		slot->stale_node = slot->out_len = 0;
	}
	if (slot->stale_node != 0)
		fuse_drop_attributes(s, slot->stale_node);
	if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET)
		fuse_send_answer(s->fd, in->unique, slot->rc, slot->out, slot->out_len);
	publish(slot->phase, STASH_FREE);
}

static void
answer_waiting(struct takeover *t, struct stash_pending *p)
{
	struct fuse_session *s = p->session_1 <= STASH_SESSIONS ? t->session[p->session_1 - 1] : NULL;

	if (s != NULL)
		fuse_send_answer(s->fd, p->unique, 0, p->body, p->len);
	stash_pending_free(t->fs->stash, p);
}

/* In the order of mounting. */
static int
start_sessions(struct takeover *t)
{
	struct fuse_session *next;
	int rc = 0;

	do {
		next = NULL;
		for (unsigned i = 0; i < t->fs->stash->h->nsessions; i++)
			if (t->session[i] != NULL && (next == NULL ||
			    t->session[i]->keep->order < next->keep->order))
				next = t->session[i];
		if (next == NULL)
			break;
		t->session[next->number] = NULL;
		if ((rc = fuse_session_start(next, t->e)) != 0)
			break;
		if (next->keep->suspended) { /* killed in a rollback: the kernel knows what is gone */
			fuse_drop_kernel_caches(next);
			next->keep->suspended = 0;
		}
		fuse_session_unref(next);
	} while (rc == 0);
	return (rc);
}

int
fuse_takeover_serve(struct fuse_server *fs, struct err *e)
{
	struct takeover *t = fs->takeover;
	struct stash *st = fs->stash;
	int rc;

	t->e = e;
	for (unsigned i = 0; i < STASH_SLOTS; i++)
		if (st->slot[i].phase != STASH_FREE)
			serve_again(t, &st->slot[i]);
	for (unsigned i = 0; i < st->h->npending; i++)
		if (st->pending[i].session_1 != 0)
			answer_waiting(t, &st->pending[i]);
	rc = start_sessions(t);
	free(t->w.out);
	free(t);
	fs->takeover = NULL;
	return (rc);
}
