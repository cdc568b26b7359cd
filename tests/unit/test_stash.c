/* SPDX-License-Identifier: MIT */
/*
 * What outlives a server: the log as a ring, what a takeover drops of it, and places in the memory file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fs/stash.h"
#include "test.h"

static struct stash *
stash(uint64_t ring)
{
	struct err e = ERR_INIT;
	struct stash *st;

	if (stash_new("tank", ring, &st, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	return (st);
}

static void
append(struct stash *st, uint64_t txg, uint64_t unique, size_t len)
{
	struct stash_record r = {.kind = STASH_CALL, .txg = txg, .unique = unique, .nobj = 2,
	    .msg_len = (uint32_t)len};
	uint64_t objs[2] = {unique, unique + 1};
	uint8_t *msg = malloc(len + 1);

	memset(msg, (int)(unique & 255), len + 1);
	stash_append(st, &r, objs, msg);
	free(msg);
}

struct seen {
	uint64_t n, first, last;
};

static int
see(const struct stash_record *r, void *arg)
{
	const uint8_t *msg = stash_record_msg(r);
	struct seen *s = arg;

	for (uint32_t i = 0; i < r->msg_len; i++)
		CHECK_EQ(msg[i], r->unique & 255);
	CHECK_EQ(stash_record_objs(r)[1], r->unique + 1);
	s->first = s->n++ == 0 ? r->unique : s->first;
	s->last = r->unique;
	return (0);
}

static struct seen
look(struct stash *st)
{
	struct seen s = {0, 0, 0};

	CHECK_EQ(stash_walk(st, see, &s), 0);
	return (s);
}

TEST(stash_log_is_a_ring_of_whole_records)
{
	struct stash *st = stash(64 << 10);
	uint64_t unique = 0, kept = 0;

	for (uint64_t txg = 1; txg < 2000; txg++) {
		size_t n = test_rand() % 12;

		for (size_t i = 0; i < n; i++)
			append(st, txg, ++unique, test_rand() % 4000);
		CHECK(st->h->tail - st->h->head <= st->h->ring_bytes);
		CHECK_EQ(look(st).n, unique - kept);
		CHECK(unique == kept || look(st).last == unique);
		stash_synced(st, txg);
		kept = unique;
		CHECK_EQ(look(st).n, 0);
	}
	stash_free(st);
}

TEST(stash_drops_what_is_durable_and_keeps_the_rest)
{
	struct stash *st = stash(64 << 10);

	append(st, 7, 1, 100);
	append(st, 7, 2, 100);
	append(st, 8, 3, 100);
	stash_synced(st, 7);
	CHECK_EQ(look(st).n, 1);
	CHECK_EQ(look(st).first, 3);
	stash_synced(st, 8);
	CHECK_EQ(look(st).n, 0);
	stash_synced(st, 0); /* at rest: memory is given back, and new records come */
	append(st, 9, 4, 100);
	CHECK_EQ(look(st).first, 4);
	stash_free(st);
}

/*
 * Changes of txg 101 when 100 is durable.  Takeovers that are killed at each step: before the import's own
 * txg, after it (which is 101 too), after the replay, after its txg.
 */
TEST(stash_takeover_killed_at_any_step_applies_each_change_once)
{
	struct stash *st = stash(64 << 10);

	append(st, 100, 1, 10);
	append(st, 101, 2, 10);
	CHECK_EQ(stash_judge(st, 100), 100);
	CHECK_EQ(look(st).first, 2);
	CHECK_EQ(stash_judge(st, 100), 100); /* killed before anything was written */
	CHECK_EQ(look(st).n, 1);
	CHECK_EQ(stash_judge(st, 101), 100); /* the import wrote 101, which has nothing of ours */
	CHECK_EQ(look(st).n, 1);
	stash_replayed(st, 102);
	CHECK_EQ(stash_judge(st, 101), 100); /* 102 did not get to disk */
	CHECK_EQ(look(st).n, 1);
	CHECK_EQ(stash_judge(st, 102), 100); /* it is the import's now, not the replay's */
	CHECK_EQ(look(st).n, 1);
	stash_replayed(st, 103);
	CHECK_EQ(stash_judge(st, 103), 100); /* it did, and the server died before it knew */
	CHECK_EQ(look(st).n, 0);
	stash_complete(st);
	append(st, 105, 9, 10);
	CHECK_EQ(stash_judge(st, 104), 104);
	CHECK_EQ(look(st).n, 1);
	stash_free(st);
}

TEST(stash_gives_mounts_and_waiting_answers_places_that_last)
{
	struct stash *st = stash(64 << 10), *again;
	struct stash_pending *p;
	struct err e = ERR_INIT;

	CHECK_EQ(stash_session_new(st), 0);
	CHECK_EQ(stash_session_new(st), 1);
	p = stash_pending_new(st, 1, 77, "body", 5);
	CHECK(p != NULL);
	CHECK(stash_pending_new(st, 1, 78, "", STASH_BODY + 1) == NULL);
	CHECK_EQ(stash_open(dup(st->fd), &again, &e), 0);
	CHECK_EQ(again->session[1].state, STASH_OPENED);
	CHECK_EQ(again->pending[0].unique, 77);
	CHECK_STR(again->pending[0].body, "body");
	stash_pending_free(again, &again->pending[0]);
	CHECK_EQ(p->session_1, 0);
	stash_session_free(again, 0);
	CHECK_EQ(stash_session_new(st), 0);
	stash_free(again);
	stash_free(st);
}

TEST(stash_of_another_version_is_refused)
{
	struct stash *st = stash(64 << 10), *again;
	struct err e = ERR_INIT;

	st->h->version++;
	CHECK_EQ(stash_open(st->fd, &again, &e), -EINVAL);
	st->h->version--;
	stash_free(st);
}
