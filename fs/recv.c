/* SPDX-License-Identifier: MIT */
/*
 * recv: a stream becomes a snapshot.
 *
 * Theory of operation
 *
 *	BEGIN                 END
 *	  |                    |
 *	begin: make the     records, applied     end: swap, snapshot, destroy %recv
 *	target (a sync      in many txgs         (one sync task)
 *	task)
 *
 * A thread reads and verifies records; the caller's applies them, a few at a time per hold of the
 * pool's lock.  Between them a bounded queue: memory does not depend on the stream.
 *
 * Invariants
 *  1. Nobody sees what was not ended: the target is inconsistent (not mounted, not listed when it is
 *     %recv), and the end is one txg.
 *  2. A stream that is cut, damaged or refused half-way leaves the old state; or, if it may be
 *     resumed, the old state and a target whose own record of how far it got is of the same txg as
 *     its data (fs/recv_resume.c).  A power cut leaves the same; the import destroys targets
 *     that cannot go on.
 *  3. No record is applied before its running checksum was verified.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "recv_impl.h"

#define BATCH_RECORDS 256
#define BATCH_BYTES (2u << 20)
#define QUEUE_BATCHES 3
#define STACK_BYTES (1u << 20)

struct recv_item {
	struct stream_record r;
	void *payload;
	size_t len;
	uint64_t bytes; /* of the stream, up to behind this record */
};

struct recv_batch {
	struct recv_item item[BATCH_RECORDS];
	size_t n, bytes;
	struct recv_batch *next;
};

struct recv_queue {
	struct stream_in *in;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct recv_batch *first, **last;
	unsigned queued;
	bool ended, cancelled; /* ended: rc says how, behind what is queued */
	int rc;
	struct err err;
};

static void
batch_free(const struct recv_queue *q, struct recv_batch *b)
{
	size_t i;

	for (i = 0; b != NULL && i < b->n; i++)
		stream_payload_free(q->in, b->item[i].payload, b->item[i].len);
	free(b);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* False: nobody wants it. */
static bool
queue_add(struct recv_queue *q, struct recv_batch *b)
{
	bool ok;

	(void)pthread_mutex_lock(&q->lock);
	while (q->queued >= QUEUE_BATCHES && !q->cancelled)
		(void)pthread_cond_wait(&q->changed, &q->lock);
	if ((ok = !q->cancelled)) {
		*q->last = b;
		q->last = &b->next;
		q->queued++;
		(void)pthread_cond_broadcast(&q->changed);
	}
	(void)pthread_mutex_unlock(&q->lock);
	if (!ok)
		batch_free(q, b);
	return (ok);
}

/* Records up to the END, in batches; 0 when it came. */
static int
read_all(struct recv_queue *q)
{
	struct recv_batch *b = NULL;
	bool end = false, more = true;
	int rc = 0;

	while (rc == 0 && !end && more) {
		struct recv_item *it;

		if (b == NULL && (b = calloc(1, sizeof(*b))) == NULL)
			return (err_set(&q->err, ENOMEM, "out of memory"));
		it = &b->item[b->n];
		if ((rc = stream_next(q->in, &it->r, &it->payload, &it->len, &q->err)) == 0) {
			it->bytes = q->in->bytes;
			b->bytes += it->len;
			end = it->r.type == DRR_END;
			b->n++;
		}
		if (rc != 0 || end || b->n == BATCH_RECORDS || b->bytes >= BATCH_BYTES) {
			more = queue_add(q, b);
			b = NULL;
		}
	}
	batch_free(q, b);
	return (rc);
}

static void *
reader_main(void *arg)
{
	struct recv_queue *q = arg;
	int rc = read_all(q);

	(void)pthread_mutex_lock(&q->lock);
	q->rc = rc;
	q->ended = true;
	(void)pthread_cond_broadcast(&q->changed);
	(void)pthread_mutex_unlock(&q->lock);
	return (NULL);
}

static struct recv_batch *
queue_take(struct recv_queue *q)
{
	struct recv_batch *b;

	(void)pthread_mutex_lock(&q->lock);
	while (q->first == NULL && !q->ended)
		(void)pthread_cond_wait(&q->changed, &q->lock);
	if ((b = q->first) != NULL) {
		if ((q->first = b->next) == NULL)
			q->last = &q->first;
		q->queued--;
		(void)pthread_cond_broadcast(&q->changed);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return (b);
}

/* --- applying --------------------------------------------------------------------------------- */

static int
apply_records(struct recv_target *t, const struct recv_batch *b, uint64_t start, bool *end, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++) {
		const struct recv_item *it = &b->item[i];

		if (it->r.type == DRR_END) {
			*end = true;
			if (it->r.u.end.toguid != t->job->begin->u.begin.toguid)
				rc = err_set(e, EINVAL, "invalid stream (END of another snapshot)");
			break;
		}
		t->bytes = start + it->bytes;
		rc = recv_apply(t, &it->r, it->payload, it->len, e);
	}
	return (rc);
}

/* All of it in one txg; what was applied before an error counts. */
static int
apply_batch(struct recv_target *t, const struct recv_batch *b, uint64_t start, bool *end, struct err *e)
{
	struct err second = ERR_INIT;
	int rc, flushed;

	write_behind_claim(t->spa);
	rc = apply_records(t, b, start, end, e);
	flushed = recv_write_flush(t, rc == 0 ? e : &second);
	if (flushed == 0)
		flushed = err_rc(rc == 0 ? e : &second, resume_state_note(t), "'%s'", t->job->fs);
	t->noted = false;
	write_behind_unclaim(t->spa);
	return (rc != 0 ? rc : flushed);
}

static int
keep_pace(struct recv_target *t, struct err *e)
{
	uint64_t dirty;
	int rc = 0;

	if (t->job->throttle != NULL) {
		t->job->throttle(t->job->arg);
		return (0);
	}
	spa_enter(t->spa);
	dirty = spa_dirty_bytes(t->spa);
	if (dirty > DMU_DIRTY_LIMIT / 2)
		rc = spa_sync(t->spa, e);
	spa_exit(t->spa);
	return (rc);
}

static int
apply_all(struct recv_target *t, struct recv_queue *q, uint64_t start, struct err *e)
{
	struct recv_batch *b;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end && (b = queue_take(q)) != NULL) {
		spa_enter(t->spa);
		rc = apply_batch(t, b, start, &end, e);
		spa_exit(t->spa);
		batch_free(q, b);
		if (rc == 0)
			rc = keep_pace(t, e);
	}
	if (rc == 0 && !end)
		rc = err_set(e, q->rc != 0 ? -q->rc : EPIPE, "%s", q->err.msg);
	return (rc);
}

static void
queue_end(struct recv_queue *q, pthread_t reader)
{
	struct recv_batch *b;

	(void)pthread_mutex_lock(&q->lock);
	q->cancelled = true;
	(void)pthread_cond_broadcast(&q->changed);
	(void)pthread_mutex_unlock(&q->lock);
	(void)pthread_join(reader, NULL);
	while ((b = q->first) != NULL) {
		q->first = b->next;
		batch_free(q, b);
	}
}

static int
transfer(struct recv_target *t, struct stream_in *in, struct err *e)
{
	struct recv_queue q = {.in = in, .lock = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER, .err = ERR_INIT};
	uint64_t start = t->bytes - in->bytes; /* bytes counts what came before a cut, too */
	pthread_attr_t attr;
	pthread_t reader;
	int rc;

	q.last = &q.first;
	in->pool = t->spa;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&reader, &attr, reader_main, &q);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		in->pool = NULL;
		return (err_sys(e, rc, "cannot start a thread"));
	}
	rc = apply_all(t, &q, start, e);
	queue_end(&q, reader);
	in->pool = NULL;
	return (rc);
}

static int
finish(struct recv_target *t, struct err *e)
{
	struct recv_job *j = t->job;
	int rc;

	if (t->exists && j->before_swap != NULL && (rc = j->before_swap(j->arg, e)) != 0)
		return (rc);
	spa_enter(t->spa);
	rc = recv_end(t, e);
	spa_exit(t->spa);
	if (t->exists && j->after_swap != NULL)
		j->after_swap(j->arg, rc);
	return (rc);
}

int
recv_stream(struct recv_job *job, struct stream_in *in, bool *kept, struct err *e)
{
	struct recv_target t = {.job = job, .spa = job->spa};
	int rc;

	*kept = false;
	spa_enter(t.spa);
	rc = recv_begin(&t, e);
	spa_exit(t.spa);
	if (rc != 0)
		return (rc);
	if (job->begun != NULL)
		rc = job->begun(job->arg, e);
	if (rc == 0 && (rc = transfer(&t, in, e)) == 0)
		rc = finish(&t, e);
	if (rc != 0) {
		spa_enter(t.spa);
		(void)recv_give_up(&t, kept);
		spa_exit(t.spa);
	}
	return (rc);
}

int
recv_verify(struct stream_in *in, struct err *e)
{
	struct stream_record r = {.type = DRR_BEGIN};
	void *payload;
	size_t len;
	int rc = 0;

	while (rc == 0 && r.type != DRR_END) {
		if ((rc = stream_next(in, &r, &payload, &len, e)) == 0)
			free(payload);
	}
	return (rc);
}
