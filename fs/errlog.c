/* SPDX-License-Identifier: MIT */
/*
 * The log of blocks that were lost.
 *
 * Theory
 * ------
 * Two zaps, named in the directory: "errlog_last" is what is known to be lost, "errlog_scrub" what the
 * running scrub found so far. When a scrub ends the second takes the place of the first: what it did
 * not find again is well (repaired, overwritten or deleted). A key is "dataset:object:level:block" in
 * hex, a value a name that nobody needs. Format: docs/zfs-format.md, "Error logs".
 *
 * Notes are taken in memory, also by readers, and go to disk with the next txg. Their number is bounded:
 * who has lost ten thousand blocks does not need to know of the next.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errlog.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"

#define NOTES_MAX 10000
#define KEY_MAX 80

enum { LOG_LAST, LOG_SCRUB, LOGS };
static const char *const keys[LOGS] = {"errlog_last", "errlog_scrub"};

struct note {
	struct scrub_error e;
	int log;
};

struct errlog {
	uint64_t object[LOGS];
	struct note *note;
	size_t n, cap;
	bool clear_scrub, rotate, dirty;
};

static struct errlog *
errlog_of(struct spa *spa)
{
	if (spa->errlog == NULL)
		spa->errlog = calloc(1, sizeof(*spa->errlog));
	return (spa->errlog);
}

void
errlog_free(struct spa *spa)
{
	if (spa->errlog != NULL)
		free(spa->errlog->note);
	free(spa->errlog);
	spa->errlog = NULL;
}

static bool
is_same(const struct scrub_error *a, const struct scrub_error *b)
{
	return (a->dataset == b->dataset && a->object == b->object && a->blkid == b->blkid &&
	    a->level == b->level);
}

void
errlog_note(struct spa *spa, const struct scrub_error *e, bool by_scrub)
{
	struct errlog *l = errlog_of(spa);
	int log = by_scrub ? LOG_SCRUB : LOG_LAST;

	if (l == NULL || l->n == NOTES_MAX)
		return;
	for (size_t i = 0; i < l->n; i++) {
		if (l->note[i].log == log && is_same(&l->note[i].e, e))
			return;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? 2 * l->cap : 16;
		struct note *n = realloc(l->note, cap * sizeof(*n));

		if (n == NULL)
			return;
		l->note = n;
		l->cap = cap;
	}
	l->note[l->n++] = (struct note){*e, log};
	l->dirty = true;
}

static void
drop_notes(struct errlog *l, int log)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->note[i].log != log)
			l->note[kept++] = l->note[i];
	}
	l->n = kept;
}

void
errlog_begin(struct spa *spa)
{
	struct errlog *l = errlog_of(spa);

	if (l == NULL)
		return;
	drop_notes(l, LOG_SCRUB);
	l->clear_scrub = l->dirty = true;
}

void
errlog_rotate(struct spa *spa)
{
	struct errlog *l = errlog_of(spa);

	if (l == NULL)
		return;
	drop_notes(l, LOG_LAST);
	for (size_t i = 0; i < l->n; i++)
		l->note[i].log = LOG_LAST;
	l->rotate = l->dirty = true;
}

int
errlog_read(struct spa *spa, const struct blkptr *bp, void *buf, const struct scrub_error *who)
{
	int rc = zio_read(spa, bp, buf);

	/* What is on devices that are away is not lost. */
	if ((rc == -EIO || rc == -EILSEQ) && !spa->readonly && !spa_read_must_wait(spa, rc))
		errlog_note(spa, who, false);
	return (rc);
}

uint64_t
errlog_dataset(const struct objset *os)
{
	struct dsl_dataset *ds = objset_type(os) != OBJSET_META ? objset_dsl(os) : NULL;

	return (ds != NULL ? dsl_objnum(ds) : 0);
}

/* --- on disk ---------------------------------------------------------------------------------- */

int
errlog_load(struct spa *spa)
{
	struct errlog *l = errlog_of(spa);
	int rc = l == NULL ? -ENOMEM : 0;

	for (int i = 0; rc == 0 && i < LOGS; i++)
		rc = spa_directory_get(spa, keys[i], &l->object[i]);
	return (rc);
}

static int
drop_object(struct spa *spa, uint64_t *object)
{
	int rc = *object != 0 ? zap_destroy(spa->mos, *object) : 0;

	*object = 0;
	return (rc);
}

static int
put_note(struct spa *spa, struct errlog *l, const struct note *n)
{
	uint64_t *object = &l->object[n->log];
	char key[KEY_MAX];
	int rc = 0;

	if (*object == 0)
		rc = zap_create(spa->mos, OT_ERROR_LOG, OT_NONE, 0, object);
	(void)snprintf(key, sizeof(key), "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64, n->e.dataset,
	    n->e.object, (uint64_t)(int64_t)n->e.level, n->e.blkid);
	return (rc != 0 ? rc : zap_update(spa->mos, *object, key, 1, 1, ""));
}

/* Of the scrub's log the new notes are in memory, the older ones in its object: both move. */
static int
move_logs(struct spa *spa, struct errlog *l)
{
	int rc = 0;

	if (l->clear_scrub)
		rc = drop_object(spa, &l->object[LOG_SCRUB]);
	if (rc == 0 && l->rotate && (rc = drop_object(spa, &l->object[LOG_LAST])) == 0) {
		l->object[LOG_LAST] = l->object[LOG_SCRUB];
		l->object[LOG_SCRUB] = 0;
	}
	l->clear_scrub = l->rotate = false;
	return (rc);
}

int
errlog_sync(struct spa *spa)
{
	struct errlog *l = spa->errlog;
	int rc;

	if (l == NULL || !l->dirty)
		return (0);
	rc = move_logs(spa, l);
	for (size_t i = 0; rc == 0 && i < l->n; i++)
		rc = put_note(spa, l, &l->note[i]);
	for (int i = 0; rc == 0 && i < LOGS; i++)
		rc = zap_update(spa->mos, MOS_DIRECTORY, keys[i], 8, 1, &l->object[i]);
	l->n = 0;
	l->dirty = rc != 0;
	return (rc);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
parse_key(const char *key, struct scrub_error *e)
{
	uint64_t level;

	if (sscanf(key, "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64, &e->dataset, &e->object, &level,
	    &e->blkid) != 4)
		return (false);
	e->level = (int)level;
	return (true);
}

struct seen {
	struct scrub_error *e;
	size_t n, cap;
	int (*fn)(const struct scrub_error *e, void *arg);
	void *arg;
};

static int
tell(struct seen *s, const struct scrub_error *e)
{
	for (size_t i = 0; i < s->n; i++) {
		if (is_same(&s->e[i], e))
			return (0);
	}
	if (s->n == s->cap) {
		size_t cap = s->cap != 0 ? 2 * s->cap : 16;
		struct scrub_error *list = realloc(s->e, cap * sizeof(*list));

		if (list == NULL)
			return (-ENOMEM);
		s->e = list;
		s->cap = cap;
	}
	s->e[s->n++] = *e;
	return (s->fn(e, s->arg));
}

static int
tell_object(struct spa *spa, uint64_t object, struct seen *s)
{
	struct scrub_error e;
	struct zap_entry ze;
	uint64_t cookie = 0;
	int rc = 0;

	while (object != 0 && rc == 0 && s->n < NOTES_MAX &&
	    (rc = zap_next(spa->mos, object, &cookie, &ze)) == 0) {
		if (parse_key(ze.name, &e))
			rc = tell(s, &e);
	}
	return (rc == -ENOENT ? 0 : rc);
}

int
errlog_walk(struct spa *spa, int (*fn)(const struct scrub_error *e, void *arg), void *arg)
{
	struct errlog *l = spa->errlog;
	struct seen s = {NULL, 0, 0, fn, arg};
	int rc = 0;

	if (l == NULL)
		return (0);
	for (int i = 0; rc == 0 && i < LOGS; i++) {
		if (!(i == LOG_LAST && l->rotate) && !(i == LOG_SCRUB && l->clear_scrub))
			rc = tell_object(spa, l->object[i], &s);
	}
	for (size_t i = 0; rc == 0 && i < l->n; i++)
		rc = tell(&s, &l->note[i].e);
	free(s.e);
	return (rc);
}

static int
count(const struct scrub_error *e, void *arg)
{
	(void)e;
	(*(uint64_t *)arg)++;
	return (0);
}

uint64_t
errlog_count(struct spa *spa)
{
	uint64_t n = 0;

	(void)errlog_walk(spa, count, &n);
	return (n);
}
