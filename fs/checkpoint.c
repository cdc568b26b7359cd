/* SPDX-License-Identifier: MIT */
/*
 * The pool's checkpoint.
 *
 * Theory of operation
 *
 * A checkpoint is the uberblock of one txg C, kept in the object directory ("com.delphix:zpool_checkpoint"),
 * and the promise that nothing it reaches is overwritten:
 *
 *	a block born in a txg <= C is freed	-> it stays allocated in its metaslab's map, and its range is
 *						   noted in a space map of its top-level ("kept")
 *	discard					-> all that was noted is freed, the notes and the entry go
 *	import --rewind-to-checkpoint		-> the meta objset is opened as that uberblock has it; its
 *						   space maps call everything younger free, and the first
 *						   sync, with a txg behind all others, makes it the pool
 *
 * The note is an object listed in the top-level's ZAP ("com.delphix:pool_checkpoint_sm"): entries of kind
 * "free" with offsets in the whole top-level; its count of allocated bytes goes below zero by what it holds.
 *
 * Intent logs of the time of the checkpoint are not kept and not replayed after a rewind: their blocks
 * carry records that were long since written elsewhere.
 *
 * Invariants
 *  1. checkpoint_txg is set before the sync that makes the checkpoint durable begins: what is freed in that
 *     very txg is kept as well.
 *  2. A range is in a note or in a free set, never in both.
 *
 * Format facts: docs/zfs-format.md, "Checkpoint".
 */
#include "checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "metaslab_impl.h"
#include "removal.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

#define ENTRY "com.delphix:zpool_checkpoint"
#define NOTE "com.delphix:pool_checkpoint_sm"
#define FEATURE "com.delphix:zpool_checkpoint"
#define UB_WORDS 26u /* of an uberblock, up to and with checkpoint_txg */

_Static_assert(sizeof(struct uberblock) >= UB_WORDS * 8, "uberblock");

bool
checkpoint_is_there(const struct spa *spa)
{
	return (spa->checkpoint_txg != 0);
}

uint64_t
checkpoint_time(const struct spa *spa)
{
	return (spa->checkpoint_time);
}

static uint64_t
kept_bytes(const struct vdev *top)
{
	return (top->mg != NULL && top->mg->kept.alloc < 0 ? (uint64_t)-top->mg->kept.alloc : 0);
}

uint64_t
checkpoint_bytes(const struct spa *spa)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < spa->root->nchild; i++)
		sum += kept_bytes(spa->root->child[i]);
	return (sum);
}

uint64_t
checkpoint_dsize(const struct spa *spa)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < spa->root->nchild; i++)
		if (kept_bytes(spa->root->child[i]) != 0)
			sum += vdev_dsize(spa->root->child[i], kept_bytes(spa->root->child[i]));
	return (sum);
}

int
checkpoint_forbids(const struct spa *spa, struct err *e)
{
	return (spa->checkpoint_txg != 0 ? err_set(e, EEXIST, "checkpoint exists") : 0);
}

/* --- taking ----------------------------------------------------------------------------------- */

static int
take(struct spa *spa, void *arg, struct err *e)
{
	struct uberblock *ub = arg;
	int rc = zap_update(spa->mos, MOS_DIRECTORY, ENTRY, 8, UB_WORDS, ub);

	if (rc == 0)
		rc = spa_feature_change(spa, FEATURE, 1);
	return (err_rc(e, rc, "writing the checkpoint"));
}

static int
check_take(struct spa *spa, struct err *e)
{
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if (spa->checkpoint_txg != 0)
		return (err_set(e, EEXIST, "checkpoint exists"));
	if ((rc = removal_forbids(spa, e)) != 0)
		return (rc);
	if (!spa_feature_enabled(spa, FEATURE))
		return (err_set(e, ENOTSUP, "operation not supported: feature@zpool_checkpoint is not "
		    "enabled"));
	return (0);
}

int
checkpoint_take(struct spa *spa, struct err *e)
{
	struct uberblock ub;
	int rc;

	if ((rc = check_take(spa, e)) != 0 || (rc = spa_sync(spa, e)) != 0)
		return (rc);
	ub = spa->ub;
	ub.checkpoint_txg = ub.txg;
	spa->checkpoint_txg = ub.txg;
	spa->checkpoint_time = ub.timestamp;
	if ((rc = spa_sync_task(spa, NULL, take, &ub, e)) != 0)
		spa->checkpoint_txg = 0;
	return (rc);
}

/* --- discarding ------------------------------------------------------------------------------- */

struct freeing {
	struct spa *spa;
	struct vdev *top;
};

static int
free_entry(void *arg, const struct space_entry *en)
{
	struct freeing *f = arg;

	return (metaslab_free_range(f->top, en->off, en->len));
}

static int
add_range(void *arg, uint64_t off, uint64_t len)
{
	return (range_add(arg, off, len));
}

/* What was freed in this very txg and is not noted yet. */
static int
free_unnoted(struct metaslab *ms)
{
	int rc = range_walk(&ms->keeping, add_range, &ms->freeing);

	range_clear(&ms->keeping);
	return (rc);
}

static int
discard_top(struct spa *spa, struct vdev *top)
{
	struct space_map *sm = &top->mg->kept;
	struct freeing f = {spa, top};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < top->mg->n; i++)
		rc = free_unnoted(&top->mg->ms[i]);
	if (rc != 0 || sm->object == 0)
		return (rc);
	if ((rc = space_map_iterate(spa->mos, sm, top->ashift, free_entry, &f)) == 0 &&
	    (rc = zap_remove(spa->mos, top->zap_top, NOTE)) == 0)
		rc = space_map_destroy(spa->mos, sm);
	*sm = (struct space_map){.object = 0};
	return (rc);
}

static int
discard(struct spa *spa, void *arg, struct err *e)
{
	int rc = zap_remove(spa->mos, MOS_DIRECTORY, ENTRY);

	(void)arg;
	if (rc == -ENOENT)
		rc = 0; /* another system began the discard */
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++)
		if (spa->root->child[i]->mg != NULL)
			rc = discard_top(spa, spa->root->child[i]);
	if (rc == 0)
		rc = spa_feature_change(spa, FEATURE, -1);
	spa->checkpoint_txg = 0;
	return (err_rc(e, rc, "discarding the checkpoint"));
}

int
checkpoint_discard(struct spa *spa, struct err *e)
{
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if (!spa_feature_active(spa, FEATURE))
		return (err_set(e, ENOENT, "checkpoint does not exist"));
	return (spa_sync_task(spa, NULL, discard, NULL, e));
}

/* --- in a sync -------------------------------------------------------------------------------- */

static int
make_note(struct spa *spa, struct vdev *top)
{
	struct space_map *sm = &top->mg->kept;
	int rc;

	if (sm->object != 0)
		return (0);
	if ((rc = vdev_zaps_enable(spa)) != 0 || (rc = space_map_create(spa->mos, sm)) != 0)
		return (rc);
	return (zap_update(spa->mos, top->zap_top, NOTE, 8, 1, &sm->object));
}

struct noting {
	struct space_words w;
	uint64_t start, bytes;
	unsigned shift;
};

static int
note_range(void *arg, uint64_t off, uint64_t len)
{
	struct noting *n = arg;

	n->bytes += len;
	return (space_words_add(&n->w, n->start + off, len, n->shift, true));
}

static int
note_metaslab(struct spa *spa, struct vdev *top, struct metaslab *ms)
{
	struct noting n = {{NULL, 0, 0}, ms->start, 0, top->ashift};
	struct space_map *sm = &top->mg->kept;
	struct range_tree t = RANGE_TREE_INIT;
	int rc;

	range_move(&t, &ms->keeping); /* what writing it frees is for the next pass */
	if ((rc = make_note(spa, top)) == 0 &&
	    (rc = space_words_debug(&n.w, spa->txg, (unsigned)spa->pass, true)) == 0 &&
	    (rc = range_walk(&t, note_range, &n)) == 0 &&
	    (rc = space_map_append(spa->mos, sm, &n.w)) == 0) {
		sm->alloc -= (int64_t)n.bytes;
		rc = space_map_write_header(spa->mos, sm);
	}
	space_words_free(&n.w);
	range_clear(&t);
	return (rc);
}

int
checkpoint_sync(struct spa *spa)
{
	bool wrote = false;
	int rc = 0;

	if (spa->checkpoint_txg == 0)
		return (0);
	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct metaslab_group *mg = spa->root->child[i]->mg;

		for (size_t k = 0; mg != NULL && k < mg->n && rc == 0; k++) {
			if (mg->ms[k].keeping.count == 0)
				continue;
			wrote = true;
			rc = note_metaslab(spa, spa->root->child[i], &mg->ms[k]);
		}
	}
	return (rc != 0 ? rc : wrote);
}

/* --- at import -------------------------------------------------------------------------------- */

static int
load_note(struct spa *spa, struct vdev *top)
{
	uint64_t object = 0;
	int rc;

	if (top->mg == NULL || top->zap_top == 0)
		return (0);
	if ((rc = zap_lookup(spa->mos, top->zap_top, NOTE, 8, 1, &object)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	return (space_map_open(spa->mos, object, &top->mg->kept));
}

int
checkpoint_load(struct spa *spa)
{
	uint64_t w[UB_WORDS];
	struct uberblock ub = {.txg = 0};
	int rc = zap_lookup(spa->mos, MOS_DIRECTORY, ENTRY, 8, UB_WORDS, w);

	if (rc == 0) {
		memcpy(&ub, w, sizeof(w));
		spa->checkpoint_txg = ub.txg;
		spa->checkpoint_time = ub.timestamp;
	} else if (rc != -ENOENT) {
		return (rc);
	}
	if (!spa_feature_active(spa, FEATURE))
		return (0);
	for (size_t i = 0; i < spa->root->nchild; i++)
		if ((rc = load_note(spa, spa->root->child[i])) != 0)
			return (rc);
	return (0);
}

int
checkpoint_rewind(struct spa *spa, struct err *e)
{
	uint64_t w[UB_WORDS];
	struct uberblock ub;
	struct objset *mos;
	int rc;

	if ((rc = objset_open(spa, &spa->ub.rootbp, NULL, NULL, &mos)) != 0)
		return (err_rc(e, rc, "the meta objset cannot be read"));
	rc = zap_lookup(mos, MOS_DIRECTORY, ENTRY, 8, UB_WORDS, w);
	objset_close(mos);
	if (rc != 0)
		return (rc == -ENOENT ? err_set(e, ENOENT, "checkpoint does not exist") :
		    err_rc(e, rc, "the checkpoint cannot be read"));
	memcpy(&ub, w, sizeof(w));
	if (ub.magic != UBERBLOCK_MAGIC || ub.txg >= spa->ub.txg || bp_is_hole(&ub.rootbp))
		return (err_set(e, EILSEQ, "the checkpoint is damaged"));
	spa->ub.rootbp = ub.rootbp; /* the txg stays: the first one of ours is behind all others */
	spa->ub.guid_sum = ub.guid_sum;
	spa->rewound_txg = ub.txg;
	return (0);
}
