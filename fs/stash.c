/* SPDX-License-Identifier: MIT */
/*
 * What outlives the process that serves a pool.
 *
 * A server that dies must not take with it what programs rely on: their mounts, the requests that
 * it had in its hands, and the changes that it acknowledged and had not yet made durable.  All of
 * this lies in one memory file and some descriptors, which the keeper (fs/pool_keeper.c) holds.
 * The next server maps the file and goes on (fs/fuse_takeover.c).
 *
 *	memory file:  head | mounts | slots | waiting answers | log, a ring | lookup counts, two halves
 *	              a mount
 *
 * Like a disk's, these structures must make sense whenever the writer stops; unlike a disk, memory
 * keeps the order of stores that one processor made, so that a store of one word is what commits.
 * What the compiler must not move is written with release order (publish).  The kernel's own stores
 * into a slot are complete before the death of a process can be seen by its parent.
 *
 * A request, in its slot:
 *
 *	FREE -> READING -> SERVING -> COUNTING -> ANSWERING -> FREE
 *	                      |           |           `- the successor sends the answer in `out`
 *	                      |           `- finishes counting, then the same
 *	                      `- looks for a record of it: applied, then as COUNTING; none: serves it again
 *
 * Lookup counts are changed one at a time through the cell in the head, which says what the count
 * will be: doing that twice changes nothing.
 *
 * The log has a record for each change, as the kernel asked for it, with what was chosen by us when
 * it was made: time, numbers of new objects.  It is appended in the bracket of the pool's lock that
 * made the change, after it; the change is there for good from then on.  What a durable txg has is
 * dropped.
 *
 * Invariants
 *  1. A request that the kernel waits for is in a slot, or among the waiting answers, or unread.
 *  2. Records are in the order of changes; [head, tail) are those that may be in no durable txg.
 *  3. Only `tail` makes a record, only `phase` and `session_1` hand over a request.
 *  4. While a takeover is incomplete nothing is appended; the log is dropped as a whole, when a txg
 *     is durable that has all of it.  Which txg that is, is noted before it is written.
 *  5. The pages that the kernel writes requests to are in memory, and locked: a process that is
 *     killed while the kernel would have to fault one in loses the request.
 *
 * Rejected: FUSE_NOTIFY_RESEND instead of slots (Linux 6.9; forgets are lost, and nothing tells
 * which request is the one that kills servers); logging a write by where its blocks are (they would
 * have to be claimed like the intent log's, and most are rewritten soon).
 */
#include "stash.h"
#include "smartbox/core/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x6873617473786273)
#define VERSION 2
#define PAGE 4096u
#define RING_MIN ((uint64_t)16 << 20)
#define RING_MAX ((uint64_t)128 << 20)
#define RING_KEPT ((uint64_t)1 << 20) /* that a quiet log does not give back */
#define RING_QUIET 6 /* then it gives the rest back */
#define RING_SHARE 32		      /* of the machine's memory */
#define TABLE_HALF ((uint64_t)1 << 30)
#define ROOM_WAIT_MS 100

/* --- layout ----------------------------------------------------------------------------------- */

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return ((n + to - 1) / to * to);
}

struct layout {
	uint64_t sessions, slots, pending, ring, tables, end;
};

static struct layout
layout_of(uint64_t ring_bytes)
{
	struct layout l;

	l.sessions = round_up(sizeof(struct stash_head), PAGE);
	l.slots = round_up(l.sessions + STASH_SESSIONS * sizeof(struct stash_session), PAGE);
	l.pending = round_up(l.slots + STASH_SLOTS * sizeof(struct stash_slot), PAGE);
	l.ring = round_up(l.pending + STASH_PENDING * sizeof(struct stash_pending), PAGE);
	l.tables = round_up(l.ring + ring_bytes, TABLE_HALF);
	l.end = l.tables + STASH_SESSIONS * 2 * TABLE_HALF;
	return (l);
}

static uint64_t
default_ring_bytes(void)
{
	struct sysinfo si;
	uint64_t n = RING_MIN;

	if (sysinfo(&si) == 0)
		n = (uint64_t)si.totalram * si.mem_unit / RING_SHARE;
	n = n < RING_MIN ? RING_MIN : n > RING_MAX ? RING_MAX : n;
	return (n / PAGE * PAGE);
}

/* The ring twice, so that no record is cut at its end. */
static uint8_t *
map_ring(int fd, const struct layout *l, uint64_t bytes)
{
	uint8_t *at = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return (NULL);
	for (int i = 0; i < 2; i++)
		if (mmap(at + (uint64_t)i * bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    (off_t)l->ring) == MAP_FAILED) {
			(void)munmap(at, 2 * bytes);
			return (NULL);
		}
	return (at);
}

static void *
map_part(int fd, uint64_t from, uint64_t to)
{
	void *p = mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)from);

	return (p == MAP_FAILED ? NULL : p);
}

static int
map_all(struct stash *st, uint64_t ring_bytes, struct err *e)
{
	struct layout l = layout_of(ring_bytes);

	if (ftruncate(st->fd, (off_t)l.end) != 0)
		return (err_sys(e, errno, "cannot make a memory file"));
	if ((st->h = map_part(st->fd, 0, l.sessions)) == NULL ||
	    (st->session = map_part(st->fd, l.sessions, l.slots)) == NULL ||
	    (st->slot = map_part(st->fd, l.slots, l.pending)) == NULL ||
	    (st->pending = map_part(st->fd, l.pending, l.ring)) == NULL ||
	    (st->ring = map_ring(st->fd, &l, ring_bytes)) == NULL)
		return (err_sys(e, errno, "cannot map a memory file"));
	return (0);
}

static struct stash *
stash_alloc(int fd)
{
	struct stash *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return (NULL);
	st->fd = fd;
	st->control = -1;
	(void)pthread_mutex_init(&st->lock, NULL);
	(void)pthread_cond_init(&st->room, NULL);
	return (st);
}

int
stash_new(const char *pool, uint64_t ring_bytes, struct stash **out, struct err *e)
{
	int fd = memfd_create("pool-stash", MFD_CLOEXEC), rc;
	struct stash *st;

	if (fd < 0)
		return (err_sys(e, errno, "cannot make a memory file"));
	if ((st = stash_alloc(fd)) == NULL) {
		(void)close(fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	if (ring_bytes == 0)
		ring_bytes = default_ring_bytes();
	if ((rc = map_all(st, ring_bytes, e)) != 0) {
		stash_free(st);
		return (rc);
	}
	st->h->magic = MAGIC;
	st->h->version = VERSION;
	st->h->bytes = layout_of(ring_bytes).end;
	st->h->ring_bytes = ring_bytes;
	st->h->replay_txg = STASH_NO_TXG;
	st->h->lock_fd = st->h->listen_fd = -1;
	(void)snprintf(st->h->pool, sizeof(st->h->pool), "%s", pool);
	*out = st;
	return (0);
}

static bool
is_ours(int fd, struct stash_head *h)
{
	return (pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) && h->magic == MAGIC &&
	    h->version == VERSION && h->ring_bytes >= PAGE && h->ring_bytes <= RING_MAX &&
	    h->bytes == layout_of(h->ring_bytes).end);
}

int
stash_open(int fd, struct stash **out, struct err *e)
{
	struct stash_head h;
	struct stash *st;
	int rc;

	if (!is_ours(fd, &h))
		return (err_set(e, EINVAL, "the memory file is of another version of this program"));
	if ((st = stash_alloc(fd)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = map_all(st, h.ring_bytes, e)) != 0) {
		stash_free(st);
		return (rc);
	}
	*out = st;
	return (0);
}

void
stash_free(struct stash *st)
{
	if (st == NULL)
		return;
	if (st->ring != NULL) {
		struct layout l = layout_of(st->h->ring_bytes);

		(void)munmap(st->ring, 2 * st->h->ring_bytes);
		(void)munmap(st->pending, l.ring - l.pending);
		(void)munmap(st->slot, l.pending - l.slots);
		(void)munmap(st->session, l.slots - l.sessions);
		(void)munmap(st->h, l.sessions);
	}
	(void)close(st->fd);
	if (st->control >= 0)
		(void)close(st->control);
	(void)pthread_mutex_destroy(&st->lock);
	(void)pthread_cond_destroy(&st->room);
	free(st);
}

/* --- descriptors -------------------------------------------------------------------------------- */

static int
tell_keeper(struct stash *st, enum stash_op op, int which, int fd)
{
	struct stash_message word = {op, which};
	ssize_t n = -1;
	char done;

	(void)pthread_mutex_lock(&st->lock);
	if (fd_send(st->control, &word, sizeof(word), &fd, fd >= 0, 0) == (ssize_t)sizeof(word))
		do
			n = recv(st->control, &done, sizeof(done), 0);
		while (n < 0 && errno == EINTR);
	(void)pthread_mutex_unlock(&st->lock);
	return (n == 1 ? 0 : -EPIPE);
}

int
stash_hold(struct stash *st, int which, int fd, struct err *e)
{
	if (st->control < 0)
		return (0);
	return (err_rc(e, tell_keeper(st, STASH_HOLD, which, fd), "the keeper cannot hold a descriptor"));
}

void
stash_drop(struct stash *st, unsigned session)
{
	if (st->control < 0 || tell_keeper(st, STASH_DROP, (int)session, -1) != 0)
		stash_session_free(st, session);
}

/* The successors see what is done here: the keeper does it, because nobody kills it halfway. */
static void
do_message(struct stash *st, const struct stash_message *m, int fd)
{
	if (m->op == STASH_HOLD && m->which == STASH_LISTEN) {
		st->h->listen_fd = fd;
	} else if (m->which >= 0 && m->which < STASH_SESSIONS) {
		int old = st->session[m->which].fd;

		if (old >= 0 && m->op == STASH_DROP)
			(void)close(old);
		if (m->op == STASH_DROP)
			stash_session_free(st, (unsigned)m->which);
		else
			publish(st->session[m->which].fd, fd);
	}
}

bool
stash_serve(struct stash *st, int control)
{
	struct stash_message word;
	int fd;

	if (fd_recv(control, &word, sizeof(word), &fd, 1, MSG_DONTWAIT) != (ssize_t)sizeof(word))
		return (false);
	do_message(st, &word, fd);
	(void)send(control, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return (true);
}

/* --- mounts ------------------------------------------------------------------------------------- */

int
stash_session_new(struct stash *st)
{
	int i, found = -ENFILE;

	(void)pthread_mutex_lock(&st->lock);
	for (i = 0; i < STASH_SESSIONS && found < 0; i++)
		if (i == (int)st->h->nsessions || st->session[i].state == STASH_NO_SESSION)
			found = i;
	if (found >= 0) {
		st->session[found] = (struct stash_session){.fd = -1, .order = ++st->h->next_order};
		publish(st->session[found].state, STASH_OPENED);
		if (found == (int)st->h->nsessions)
			publish(st->h->nsessions, found + 1);
	}
	(void)pthread_mutex_unlock(&st->lock);
	return (found);
}

void
stash_session_free(struct stash *st, unsigned i)
{
	st->session[i].fd = -1;
	st->session[i].table = 0;
	stash_table_cut(st, i, 0, 0);
	stash_table_cut(st, i, 1, 0);
	publish(st->session[i].state, STASH_NO_SESSION);
}

struct node *
stash_table_map(struct stash *st, unsigned session)
{
	uint64_t from = layout_of(st->h->ring_bytes).tables + session * 2 * TABLE_HALF;

	return (map_part(st->fd, from, from + 2 * TABLE_HALF));
}

void
stash_table_unmap(struct node *window)
{
	if (window != NULL)
		(void)munmap(window, 2 * TABLE_HALF);
}

size_t
stash_table_max(void)
{
	return (TABLE_HALF / sizeof(struct node));
}

/* Give back what is behind so many entries. */
void
stash_table_cut(struct stash *st, unsigned session, unsigned half, size_t entries)
{
	uint64_t from = layout_of(st->h->ring_bytes).tables + (session * 2 + half) * TABLE_HALF;
	uint64_t used = round_up(entries * sizeof(struct node), PAGE);

	if (used < TABLE_HALF)
		(void)fallocate(st->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(from + used),
		    (off_t)(TABLE_HALF - used));
}

/* --- answers that wait -------------------------------------------------------------------------- */

struct stash_pending *
stash_pending_new(struct stash *st, unsigned session, uint64_t unique, const void *body, size_t len)
{
	struct stash_pending *p = NULL;

	if (len > STASH_BODY)
		return (NULL);
	(void)pthread_mutex_lock(&st->lock);
	for (unsigned i = 0; i < STASH_PENDING && p == NULL; i++) {
		if (i == st->h->npending)
			publish(st->h->npending, i + 1);
		if (st->pending[i].session_1 == 0)
			p = &st->pending[i];
	}
	if (p != NULL) {
		p->unique = unique;
		p->len = (uint32_t)len;
		memcpy(p->body, body, len);
		publish(p->session_1, session + 1);
	}
	(void)pthread_mutex_unlock(&st->lock);
	return (p);
}

void
stash_pending_free(struct stash *st, struct stash_pending *p)
{
	(void)pthread_mutex_lock(&st->lock);
	publish(p->session_1, 0);
	(void)pthread_mutex_unlock(&st->lock);
}

/* --- the log ------------------------------------------------------------------------------------ */

#define OBJECTS_MAX 256u /* that one request makes; more are not noted (it would have to be a strange one) */

uint64_t
stash_record_bytes(size_t msg_len)
{
	return (round_up(sizeof(struct stash_record) + OBJECTS_MAX * 8 + msg_len, 8));
}

static uint64_t
used(const struct stash *st)
{
	/* Records are appended under the pool's lock, not ours; what is on its way is reserved. */
	uint64_t tail = __atomic_load_n(&st->h->tail, __ATOMIC_ACQUIRE);
	uint64_t head = __atomic_load_n(&st->h->head, __ATOMIC_ACQUIRE);

	return (tail > head ? tail - head : 0);
}

int
stash_reserve(struct stash *st, uint64_t bytes, struct spa *spa, void (*hurry)(void *arg, bool waits),
    void *arg)
{
	struct timespec ts;
	int rc = 0;

	(void)pthread_mutex_lock(&st->lock);
	while (used(st) + st->reserved + bytes > st->h->ring_bytes && rc == 0) {
		hurry(arg, true);
		(void)clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += ROOM_WAIT_MS * 1000000L;
		ts.tv_sec += ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&st->room, &st->lock, &ts);
		rc = spa_is_suspended(spa) && !spa_should_wait(spa) ? -EIO : 0;
	}
	if (rc == 0)
		st->reserved += bytes;
	if (!st->hurried && used(st) + st->reserved > st->h->ring_bytes / 2) {
		st->hurried = true; /* once: a sync of next to nothing would follow that sync */
		hurry(arg, false);
	}
	(void)pthread_mutex_unlock(&st->lock);
	return (rc);
}

void
stash_unreserve(struct stash *st, uint64_t bytes)
{
	(void)pthread_mutex_lock(&st->lock);
	st->reserved -= bytes;
	(void)pthread_cond_broadcast(&st->room);
	(void)pthread_mutex_unlock(&st->lock);
}

void
stash_append(struct stash *st, struct stash_record *r, const uint64_t *objs, const void *msg)
{
	uint64_t at = st->h->tail % st->h->ring_bytes;
	uint8_t *p = st->ring + at;

	r->len = (uint32_t)round_up(sizeof(*r) + r->nobj * 8u + r->msg_len, 8);
	memcpy(p, r, sizeof(*r));
	if (r->nobj > 0)
		memcpy(p + sizeof(*r), objs, r->nobj * 8u);
	if (r->msg_len > 0)
		memcpy(p + sizeof(*r) + r->nobj * 8u, msg, r->msg_len);
	st->last_txg = r->txg;
	st->high = at + r->len > st->high ? at + r->len : st->high;
	publish(st->h->tail, st->h->tail + r->len);
}

const uint64_t *
stash_record_objs(const struct stash_record *r)
{
	return ((const uint64_t *)(const void *)(r + 1));
}

const void *
stash_record_msg(const struct stash_record *r)
{
	return (stash_record_objs(r) + r->nobj);
}

static const struct stash_record *
record_at(const struct stash *st, uint64_t at)
{
	return ((const void *)(st->ring + at % st->h->ring_bytes));
}

int
stash_walk(struct stash *st, int (*fn)(const struct stash_record *r, void *arg), void *arg)
{
	const struct stash_record *r;
	int rc = 0;

	for (uint64_t at = st->h->head; at < st->h->tail && rc == 0; at += r->len) {
		r = record_at(st, at);
		if (r->len < sizeof(*r) || r->len > st->h->tail - at)
			return (-EILSEQ);
		rc = fn(r, arg);
	}
	return (rc);
}

/* Nothing is in it behind that. */
static void
cut_ring(struct stash *st)
{
	uint64_t ring = layout_of(st->h->ring_bytes).ring;

	if (st->high > RING_KEPT)
		(void)fallocate(st->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(ring + RING_KEPT),
		    (off_t)(st->h->ring_bytes - RING_KEPT));
	st->high = 0;
}

/* Empty: begin again at its start, so that a little of it is used over and over. */
static void
rewind_ring(struct stash *st)
{
	uint64_t start = round_up(st->h->tail, st->h->ring_bytes), was = used(st);

	publish(st->h->head, start);
	publish(st->h->tail, start);
	st->quiet = was > RING_KEPT ? 0 : st->quiet + 1;
	if (st->quiet >= RING_QUIET)
		cut_ring(st);
}

/* Everything up to that txg; what comes after it stays. */
static void
drop_until(struct stash *st, uint64_t txg)
{
	uint64_t at = st->h->head;

	while (at < st->h->tail && record_at(st, at)->txg <= txg)
		at += record_at(st, at)->len;
	if (at >= st->h->tail)
		rewind_ring(st);
	else
		publish(st->h->head, at);
}

void
stash_synced(struct stash *st, uint64_t txg)
{
	(void)pthread_mutex_lock(&st->lock);
	st->hurried = false;
	if (txg == 0) {
		if (used(st) == 0 && !st->h->incomplete)
			cut_ring(st);
	} else if (st->h->incomplete) {
		if (st->h->replay_txg <= txg) {
			rewind_ring(st);
			publish(st->h->replay_txg, STASH_NO_TXG);
		}
	} else if (st->last_txg <= txg) {
		if (st->h->tail > st->h->head)
			rewind_ring(st);
	} else {
		drop_until(st, txg);
	}
	(void)pthread_cond_broadcast(&st->room);
	(void)pthread_mutex_unlock(&st->lock);
}

/* --- takeover ----------------------------------------------------------------------------------- */

uint64_t
stash_judge(struct stash *st, uint64_t found)
{
	st->last_txg = UINT64_MAX; /* unknown */
	st->high = st->h->ring_bytes;
	if (st->h->tail < st->h->head)
		st->h->tail = st->h->head; /* killed in rewind_ring */
	if (!st->h->incomplete) {
		drop_until(st, found);
		st->h->base = found;
	} else if (st->h->replay_txg <= found) {
		rewind_ring(st);
	}
	publish(st->h->replay_txg, STASH_NO_TXG);
	publish(st->h->incomplete, 1);
	return (st->h->base);
}

void
stash_replayed(struct stash *st, uint64_t txg)
{
	publish(st->h->replay_txg, txg);
}

void
stash_complete(struct stash *st)
{
	st->last_txg = 0;
	publish(st->h->incomplete, 0);
}
