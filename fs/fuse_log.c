/* SPDX-License-Identifier: MIT */
/*
 * What the FUSE server leaves for its successor while it serves: records of changes, lookup counts,
 * answers.
 *
 * A request that changes something:
 *
 *	reserve room -> lock -> change -> answer into the slot -> record -> counts -> unlock -> send ->
 *	slot free
 *	                                                            ^ from here on it is done
 *
 * A lookup is done when its counting begins: then its answer is in the slot, and the node that it
 * names cannot be another one any more.  The theory is in fs/stash.c, what the successor does in
 * fs/fuse_takeover.c.
 *
 * Objects without names and lookups are destroyed after the request that took the last of either,
 * because that may give the lock up; each piece is a change of its own, with a record of its own.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "fuse_impl.h"

#define PIECE_BYTES (uint64_t)sizeof(struct stash_record)

/* --- records ------------------------------------------------------------------------------------ */

static bool
is_logged(const struct fuse_session *s)
{
	return (s->server->sync != NULL && !s->is_snapshot && !s->unlogged);
}

static void
hurry(void *arg, bool waits)
{
	syncer_hurry(arg);
	if (waits)
		fuse_watch_give();
}

static int
reserve(struct fuse_server *fs, uint64_t bytes)
{
	return (stash_reserve(fs->stash, bytes, fs->spa, hurry, fs->sync));
}

static uint64_t
bytes_for(const struct fuse_call *c)
{
	switch (c->req.in->opcode) {
	case FUSE_BATCH_FORGET:
		return ((c->req.data_len / sizeof(struct fuse_forget_one) + 1) * PIECE_BYTES);
	case FUSE_FORGET:
	case FUSE_READ:
		return (PIECE_BYTES);
	default:
		return (fuse_changes(c) ? stash_record_bytes(c->req.in->len) + PIECE_BYTES : 0);
	}
}

int
fuse_log_reserve(struct fuse_call *c)
{
	uint64_t bytes = is_logged(c->s) ? bytes_for(c) : 0;
	int rc = bytes > 0 ? reserve(c->s->server, bytes) : 0;

	c->reserved = rc == 0 ? bytes : 0;
	return (rc);
}

void
fuse_log_unreserve(struct fuse_call *c)
{
	if (c->reserved > 0)
		stash_unreserve(c->s->server->stash, c->reserved);
	c->reserved = 0;
}

void
fuse_record_begin(struct fuse_call *c)
{
	struct fuse_server *fs = c->s->server;

	if (!is_logged(c->s) || fuse_is_virtual(c))
		return;
	c->seed = fs->seed += 0x9E3779B97F4A7C15ULL;
	zpl_op_begin(c->s->z, &c->w->made, c->seed, c->now);
	c->dirtyings = spa_dirtyings(fs->spa);
}

/* Where a successor finds it. */
static void
keep_answer(struct fuse_call *c)
{
	struct stash_slot *slot = c->w->slot;

	slot->rc = c->rc;
	slot->stale_node = c->stale_node;
	slot->out_len = 0;
	if (c->rc == 0 && c->out_len <= STASH_OUT) {
		memmove(slot->out, c->out, c->out_len);
		slot->out_len = (uint32_t)c->out_len;
	}
}

static void
append(struct fuse_call *c, enum stash_kind kind, uint64_t obj)
{
	struct fuse_server *fs = c->s->server;
	struct stash_record r = {.kind = kind, .session = c->s->number, .rc = c->rc,
	    .txg = spa_open_txg(fs->spa), .now = {c->now[0], c->now[1]}, .seed = c->seed, .obj = obj,
	    .nobj = (uint16_t)c->w->made.n};

	if (kind == STASH_CALL) {
		r.unique = c->req.in->unique;
		r.msg_len = c->req.in->len;
	}
	stash_append(fs->stash, &r, c->w->made.obj, c->req.in);
}

void
fuse_record_end(struct fuse_call *c, enum stash_kind kind, uint64_t obj)
{
	if (kind == STASH_CALL)
		keep_answer(c);
	if (!is_logged(c->s) || fuse_is_virtual(c))
		return;
	zpl_op_end(c->s->z);
	if (spa_dirtyings(c->s->server->spa) != c->dirtyings)
		append(c, kind, obj);
}

void
fuse_answered(struct fuse_call *c)
{
	if (c->w == NULL)
		return;
	publish(c->w->slot->phase, STASH_ANSWERING);
	publish(c->s->server->stash->h->cell.valid, 0);
}

/* --- lookup counts ------------------------------------------------------------------------------ */

/* One after the other: what a request does to counts. */
struct counting {
	struct fuse_call *c;
	size_t i, n, at;
};

static bool
names_a_node(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return (true);
	default:
		return (false);
	}
}

static size_t
batch_count(const struct fuse_call *c)
{
	const struct fuse_batch_forget_in *b = c->req.arg;
	size_t there = c->req.data_len / sizeof(struct fuse_forget_one);

	return (b->count < there ? b->count : there);
}

size_t
fuse_counts(const struct fuse_call *c)
{
	switch (c->req.in->opcode) {
	case FUSE_FORGET:
		return (1);
	case FUSE_BATCH_FORGET:
		return (batch_count(c));
	case FUSE_READDIRPLUS:
		return (STASH_OUT / FUSE_DIRENT_ALIGN(sizeof(struct fuse_direntplus)));
	default:
		return (names_a_node(c->req.in->opcode) ? 2 : 0); /* a slot of .zfs too */
	}
}

static bool
is_forget(const struct fuse_call *c)
{
	return (c->req.in->opcode == FUSE_FORGET || c->req.in->opcode == FUSE_BATCH_FORGET);
}

/* The i-th entry of a listing; at is where it begins. */
static bool
next_listed(struct counting *k, uint64_t *node)
{
	const struct fuse_direntplus *dp = (const void *)(k->c->out + k->at);

	if (k->at >= k->c->out_len)
		return (false);
	*node = dp->entry_out.nodeid;
	k->at += FUSE_DIRENTPLUS_SIZE(dp);
	return (true);
}

static bool
next_forgotten(const struct counting *k, uint64_t *node, uint64_t *less)
{
	const struct fuse_forget_one *one = k->c->req.data;

	if (k->c->req.in->opcode == FUSE_FORGET) {
		*node = k->c->req.in->nodeid;
		*less = ((const struct fuse_forget_in *)k->c->req.arg)->nlookup;
		return (k->i == 0);
	}
	if (k->i >= batch_count(k->c))
		return (false);
	*node = one[k->i].nodeid;
	*less = one[k->i].nlookup;
	return (true);
}

/* less: lookups to take back, of a forget.  Node 0: nothing. */
static bool
next_count(struct counting *k, uint64_t *node, uint64_t *less)
{
	const struct fuse_entry_out *eo = (const void *)k->c->out;

	*less = 0;
	if (is_forget(k->c))
		return (next_forgotten(k, node, less));
	if (k->c->req.in->opcode == FUSE_READDIRPLUS)
		return (next_listed(k, node));
	*node = eo->nodeid;
	return (k->i == 0 && names_a_node(k->c->req.in->opcode) && k->c->out_len >= sizeof(*eo));
}

/* What the count will be goes into the cell first: a successor does that again, and goes on behind it. */
static void
set_count(struct counting *k, uint64_t node, uint64_t lookups)
{
	struct fuse_session *s = k->c->s;
	struct stash_cell *cell = &s->server->stash->h->cell;

	publish(cell->valid, 0);
	cell->unique = k->c->req.in->unique;
	cell->session = s->number;
	cell->index = (uint32_t)k->i;
	cell->id = node;
	cell->count = lookups;
	publish(cell->valid, 1);
	node_set(&s->nodes, node, lookups);
}

static void
count_one(struct counting *k, uint64_t node, uint64_t less)
{
	struct fuse_session *s = k->c->s;
	uint64_t was = node_lookups(&s->nodes, node), now = was + 1;

	if (is_forget(k->c))
		now = was > less ? was - less : 0;
	if (now == was)
		return;
	set_count(k, node, now);
	if (was == 0)
		snapdir_count(s, node, 1);
	else if (now == 0)
		snapdir_count(s, node, -1);
	if (k->c->req.in->opcode == FUSE_TMPFILE)
		node_find(&s->nodes, node)->unlinked = true;
}

void
fuse_count_act(struct fuse_call *c, size_t from)
{
	struct counting k = {.c = c};
	uint64_t node, less;

	if (fuse_counts(c) == 0) {
		if (fuse_changes(c))
			fuse_answered(c);
		return;
	}
	if (!fuse_changes(c))
		keep_answer(c);
	publish(c->w->slot->phase, STASH_COUNTING);
	for (; next_count(&k, &node, &less); k.i++)
		if (k.i >= from && node != 0 && node != FUSE_ROOT_ID)
			count_one(&k, node, less);
	fuse_answered(c);
}

/* --- objects without names ---------------------------------------------------------------------- */

/* 1: there is more of it. */
static int
destroy_piece(struct fuse_session *s, uint64_t obj)
{
	struct fuse_server *fs = s->server;
	struct stash_record r = {.kind = STASH_FREE_PIECE, .session = s->number, .obj = obj,
	    .txg = spa_open_txg(fs->spa)};
	uint64_t before = spa_dirtyings(fs->spa);
	uint32_t nsec;
	int rc;

	r.now[0] = spa_now(fs->spa, &nsec);
	r.now[1] = nsec;
	rc = zpl_free_unlinked(s->z, obj);
	r.rc = rc;
	if (is_logged(s) && spa_dirtyings(fs->spa) != before)
		stash_append(fs->stash, &r, NULL, NULL);
	return (rc);
}

/* It stays in the delete queue when this fails.  Others get a turn between pieces of a huge file. */
void
fuse_destroy(struct fuse_session *s, uint64_t obj)
{
	struct fuse_server *fs = s->server;
	uint64_t more = 0;

	while (destroy_piece(s, obj) == 1) {
		spa_exit(fs->spa);
		if (more > 0)
			stash_unreserve(fs->stash, more);
		more = is_logged(s) && reserve(fs, PIECE_BYTES) == 0 ? PIECE_BYTES : 0;
		(void)sched_yield();
		spa_enter(fs->spa);
		if (is_logged(s) && more == 0)
			break; /* suspended */
	}
	if (more > 0)
		stash_unreserve(fs->stash, more);
}

static void
destroy_forgotten(struct fuse_call *c)
{
	struct counting k = {.c = c};
	uint64_t node, less;

	for (; next_count(&k, &node, &less); k.i++) {
		struct node *n = node_find_unlinked(&c->s->nodes, node);

		if (n == NULL || n->lookups != 0)
			continue;
		n->unlinked = false;
		fuse_destroy(c->s, node);
	}
}

void
fuse_destroy_after(struct fuse_call *c)
{
	if (c->w == NULL)
		return;
	if (c->destroy != 0)
		fuse_destroy(c->s, c->destroy);
	else if (is_forget(c))
		destroy_forgotten(c);
}
