/* SPDX-License-Identifier: MIT */
/*
 * What bookmarks know of space that was freed since: the "freed before next snapshot" sums.
 *
 *	S1 ─── S2 ─── head
 *	   ▲        ▲
 *	   b1       b2       b1: a bookmark of a snapshot between S1 and S2 that is gone; b2 one of S2
 *
 * written#b is what the head references now, less what it referenced at b, plus what died since: the
 * deadlists of the snapshots after b's next one say most of it, and a bookmark's own sum the rest: what
 * was alive at b and died before the next snapshot (or in the head, if there is none).  So
 *
 *	a block dies in the head		add it to the sums of bookmarks not older than the newest
 *						snapshot, if it was born by then
 *	a snapshot is destroyed			bookmarks between its predecessor and it get what died
 *						of theirs between it and its successor
 *	... one that has bookmarks itself	they lose the flag that says it exists, and keep its key in
 *						the deadlists: what they add up later starts there
 *
 * Bookmarks made by older software (or by us) have no sums and need nothing.  The two features count
 * bookmarks with more than three words, and with sums.
 *
 * Format: docs/zfs-format.md, "Bookmarks".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"

enum { W_GUID, W_TXG, W_TIME, W_REDACTION, W_FLAGS, W_REFERENCED, W_COMP, W_UNCOMP, W_FREED,
	W_FREED_COMP, W_FREED_UNCOMP };
enum { HAS_SUMS = 1, SNAPSHOT_EXISTS = 2 };
#define V1_WORDS 3

struct bookmark_sum {
	char name[ZAP_NAME_MAX];
	uint64_t num, word[BOOKMARK_WORDS];
	bool changed;
};

struct bookmark_sums { /* of one head; only those that have sums */
	struct bookmark_sum *v;
	size_t n;
};

static int
bookmarks_zap(struct dsl_dataset *head, uint64_t *zap)
{
	if (!dsl_is_zapified(head->dp, head->obj))
		return (-ENOENT);
	return (zap_lookup(dp_mos(head->dp), head->obj, BOOKMARKS_KEY, 8, 1, zap));
}

typedef int bookmark_fn(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg);

static int
walk(struct dsl_dataset *head, bookmark_fn *fn, void *arg)
{
	struct objset *mos = dp_mos(head->dp);
	struct bookmark_sum b;
	struct zap_cursor c;
	struct zap_entry ze;
	uint64_t zap;
	int rc = bookmarks_zap(head, &zap), stop = 0;

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	zap_cursor_init(&c, mos, zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0) {
		if (ze.intlen != 8 || ze.num < V1_WORDS || ze.num > BOOKMARK_WORDS)
			continue;
		b = (struct bookmark_sum){.num = ze.num};
		memcpy(b.name, ze.name, sizeof(b.name));
		if ((stop = zap_lookup(mos, zap, b.name, 8, b.num, b.word)) == 0)
			stop = fn(head, zap, &b, arg);
	}
	zap_cursor_fini(&c);
	return (stop != 0 ? stop : rc == -ENOENT ? 0 : rc);
}

static bool
has_sums(const struct bookmark_sum *b)
{
	return (b->num > W_FREED_UNCOMP && (b->word[W_FLAGS] & HAS_SUMS));
}

static int
store(struct dsl_dataset *head, uint64_t zap, const struct bookmark_sum *b)
{
	return (zap_update(dp_mos(head->dp), zap, b->name, 8, b->num, b->word));
}

static void
add(struct bookmark_sum *b, const struct space_sum *s)
{
	b->word[W_FREED] += (uint64_t)s->used;
	b->word[W_FREED_COMP] += (uint64_t)s->comp;
	b->word[W_FREED_UNCOMP] += (uint64_t)s->uncomp;
	b->changed = true;
}

/* --- blocks die in the head ------------------------------------------------------------------- */

static int
take(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg)
{
	struct bookmark_sums *s = arg;
	struct bookmark_sum *v;

	(void)zap;
	if (!has_sums(b) || b->word[W_TXG] < ds_phys(head)->prev_snap_txg)
		return (0);
	if ((v = realloc(s->v, (s->n + 1) * sizeof(*v))) == NULL)
		return (-ENOMEM);
	s->v = v;
	v[s->n++] = *b;
	return (0);
}

int
bookmarks_killed(struct dsl_dataset *head, const struct blkptr *bp, const struct space_sum *s)
{
	size_t i;
	int rc;

	if (head->sums == NULL) {
		if ((head->sums = calloc(1, sizeof(*head->sums))) == NULL)
			return (-ENOMEM);
		if ((rc = walk(head, take, head->sums)) != 0) {
			bookmarks_forget(head);
			return (rc);
		}
	}
	for (i = 0; i < head->sums->n; i++)
		if (bp_birth(bp) <= head->sums->v[i].word[W_TXG])
			add(&head->sums->v[i], s);
	return (0);
}

int
bookmarks_flush(struct dsl_dataset *head)
{
	uint64_t zap;
	size_t i;
	int rc = 0;

	if (head->sums != NULL && head->sums->n > 0 && (rc = bookmarks_zap(head, &zap)) == 0) {
		for (i = 0; i < head->sums->n && rc == 0; i++)
			if (head->sums->v[i].changed)
				rc = store(head, zap, &head->sums->v[i]);
	}
	bookmarks_forget(head);
	return (rc == -ENOENT ? 0 : rc);
}

void
bookmarks_forget(struct dsl_dataset *head)
{
	if (head->sums != NULL)
		free(head->sums->v);
	free(head->sums);
	head->sums = NULL;
}

/* --- a snapshot is destroyed ------------------------------------------------------------------ */

struct destroyed {
	uint64_t prev_txg, txg;
	struct deadlist *next; /* of the snapshot or head after it */
	bool keeps_key;
};

static int
snapshot_gone(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg)
{
	struct destroyed *d = arg;
	uint64_t txg = b->word[W_TXG];
	struct space_sum s;
	int rc;

	if (b->num <= W_FLAGS)
		return (0);
	if (txg == d->txg) {
		b->word[W_FLAGS] &= ~(uint64_t)SNAPSHOT_EXISTS;
		d->keeps_key |= has_sums(b);
		return (store(head, zap, b));
	}
	if (!has_sums(b) || txg < d->prev_txg || txg > d->txg)
		return (0);
	if ((rc = deadlist_space_range(d->next, 0, txg, &s)) != 0)
		return (rc);
	add(b, &s);
	return (store(head, zap, b));
}

int
bookmarks_snapshot_destroyed(struct dsl_dataset *snap, struct deadlist *next, bool *keeps_key)
{
	struct destroyed d = {ds_phys(snap)->prev_snap_txg, ds_phys(snap)->creation_txg, next, false};
	struct dsl_dataset *head;
	int rc = ds_hold_head(snap->dir, &head);

	if (rc != 0)
		return (rc);
	if ((rc = bookmarks_flush(head)) == 0)
		rc = walk(head, snapshot_gone, &d);
	dsl_rele(head);
	*keeps_key = d.keeps_key;
	return (rc);
}

/* --- all go ----------------------------------------------------------------------------------- */

static int
uncount(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg)
{
	int rc = 0;

	(void)zap, (void)arg;
	if (b->num > V1_WORDS)
		rc = spa_feature_change(head->dp->spa, "com.datto:bookmark_v2", -1);
	if (rc == 0 && has_sums(b))
		rc = spa_feature_change(head->dp->spa, "com.delphix:bookmark_written", -1);
	return (rc);
}

int
bookmarks_uncount(struct dsl_dataset *head)
{
	bookmarks_forget(head);
	return (walk(head, uncount, NULL));
}

/* --- one goes --------------------------------------------------------------------------------- */

struct going {
	const char *name;
	uint64_t txg; /* of the one that goes, if it has sums and its snapshot is gone; else 0 */
	bool others;  /* there are more with sums of that snapshot */
};

static int
find_going(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg)
{
	struct going *g = arg;

	if (strcmp(b->name, g->name) != 0)
		return (0);
	if (has_sums(b) && !(b->word[W_FLAGS] & SNAPSHOT_EXISTS))
		g->txg = b->word[W_TXG];
	return (uncount(head, zap, b, NULL));
}

static int
find_others(struct dsl_dataset *head, uint64_t zap, struct bookmark_sum *b, void *arg)
{
	struct going *g = arg;

	(void)head, (void)zap;
	g->others |= strcmp(b->name, g->name) != 0 && has_sums(b) && b->word[W_TXG] == g->txg;
	return (0);
}

/* With the last that adds up from a snapshot that is gone, its key goes from the deadlists too. */
int
bookmarks_uncount_one(struct dsl_dataset *head, const char *name)
{
	struct going g = {name, 0, false};
	int rc;

	if ((rc = bookmarks_flush(head)) != 0 || (rc = walk(head, find_going, &g)) != 0 || g.txg == 0)
		return (rc);
	if ((rc = walk(head, find_others, &g)) != 0 || g.others)
		return (rc);
	return (ds_drop_key(head, g.txg));
}
