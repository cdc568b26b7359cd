/* SPDX-License-Identifier: MIT */
/*
 * Removal of a top-level with data: begun, done in the background, finished or cancelled.
 *
 * Theory
 * ------
 *	               zpool remove              all moved
 *	  (none) -------------------> active -----------------> finished: an "indirect" top-level
 *	                                |  zpool remove -s, a range that cannot be read or written
 *	                                +---------------------> canceled: as it was
 *
 * While it is active nothing is allocated from the top-level (its group is closed), and the tender moves
 * what is allocated, in order of address (fs/removal_copy.c). Each range that was moved is an entry of its
 * mapping (fs/remap.c), in the txg that made the copy: an importer finds as much of the mapping as there are
 * copies, and goes on at its end. Reads go to the old place until the end, so that a cancelled
 * removal has lost nothing:
 *
 *	freed, not moved yet	freed here, and never moved
 *	freed, moved		freed here (a cancel must know what is still in use) and at its new place
 *
 * The last txg puts an indirect vdev in the place of the top-level, with its number, ashift and ZAP and the
 * mapping, and forgets its space maps. The devices are wiped when that is durable.
 *
 * On disk: the directory's "com.delphix:removing", 7 words; the mappings are a chain, latest first, from its
 * word `prev` on. What is read before the mappings are known (the directory, the config) must not
 * lie on the top-level that leaves: the directory is written anew when a removal begins, the config is in any
 * case; what holds the latest mapping was written while nothing was allocated there. That is why mappings
 * are loaded latest first.
 *
 * Intent logs: a block that is written to after it was moved would be lost, so that all logs begin anew when
 * the group is closed. A checkpoint excludes a removal, and a removal a checkpoint.
 *
 * Copies have no checksums: sides of a mirror are copied to sides, so that damage on one side stays
 * on one side. What a side missed while ranges were moved is known by the txg of the move
 * (removal_moved_in); a resilver waits for the end of a removal, and a removal for that of a resilver.
 *
 * Format: docs/zfs-format.md, "Removed devices".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "dsl_impl.h"
#include "dtl.h"
#include "events.h"
#include "metaslab_impl.h"
#include "removal_impl.h"
#include "remap.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zil.h"
#include "spa_vdev_impl.h"

#define STATE_KEY "com.delphix:removing"
#define CONDENSING_KEY "com.delphix:condensing_indirect"
#define OBSOLETE_LIST_KEY "com.delphix:obsolete_bpobj"
#define PREV_KEY "com.delphix:prev_indirect_vdev"
#define REMOVING_KEY "removing"
#define UNFLUSHED_KEY "com.delphix:ms_unflushed_phys_txgs"
#define FEATURE "com.delphix:device_removal"
#define NOBODY UINT64_MAX
#define MOVE_MAX (4u << 20)
#define CONDENSE_BYTES_MIN (128u << 10) /* of mapping; less is not worth it */
#define SLOP_SHIFT 5
#define SLOP_MIN (128ULL << 20)
#define SLOP_MAX (128ULL << 30)

static struct removal *
removal_of(struct spa *spa)
{
	if (spa->removal == NULL && (spa->removal = calloc(1, sizeof(*spa->removal))) != NULL) {
		spa->removal->w[RM_VDEV] = spa->removal->w[RM_PREV] = NOBODY;
		spa->removal->most = MOVE_MAX;
		spa->removal->condense_least = CONDENSE_BYTES_MIN;
	}
	return (spa->removal);
}

void
removal_fini(struct spa *spa)
{
	if (spa->removal != NULL)
		range_clear(&spa->removal->todo);
	free(spa->removal);
	spa->removal = NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

bool
removal_is_active(const struct spa *spa)
{
	return (spa->removal != NULL && spa->removal->w[RM_STATE] == REMOVAL_ACTIVE);
}

struct vdev *
removal_top(const struct spa *spa)
{
	return (removal_is_active(spa) ? vdev_top(spa->root, spa->removal->w[RM_VDEV]) : NULL);
}

int
removal_forbids(const struct spa *spa, struct err *e)
{
	return (removal_is_active(spa) ? err_set(e, EBUSY, "device removal in progress") : 0);
}

bool
removal_left_traces(const struct spa *spa)
{
	return (spa->removal != NULL && spa->removal->w[RM_PREV] != NOBODY);
}

void
removal_stat(const struct spa *spa, struct removal_stat *st)
{
	const uint64_t *w;

	*st = (struct removal_stat){.state = REMOVAL_NONE};
	if (spa->removal == NULL)
		return;
	w = spa->removal->w;
	*st = (struct removal_stat){(enum removal_state)w[RM_STATE], w[RM_VDEV], w[RM_START], w[RM_END],
	    w[RM_TO_COPY], w[RM_COPIED], 0};
	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		if (top->kind == VDEV_INDIRECT && top->remap != NULL)
			st->mapping_bytes += top->remap->n * 24; /* as on disk */
	}
}

/* Births only grow along a mapping, but condensing leaves gaps: look at all. */
bool
removal_moved_in(const struct spa *spa, uint64_t min, uint64_t max)
{
	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev_remap *m = spa->root->child[i]->remap;

		for (size_t k = 0; m != NULL && k < m->n; k++)
			if (m->entry[k].txg >= min && m->entry[k].txg <= max)
				return (true);
	}
	return (false);
}

/* --- may it begin? ---------------------------------------------------------------------------- */

static bool
is_simple(const struct vdev *top)
{
	if (top->kind == VDEV_RAIDZ)
		return (false);
	for (size_t i = 0; i < top->nchild; i++)
		if (!vdev_is_leaf(top->child[i]))
			return (false);
	return (true);
}

/* One sector size and no raidz in the whole pool: an entry's length is the same everywhere. */
static int
check_shape(const struct spa *spa, const struct vdev *leaving, struct err *e)
{
	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		if (top->mg != NULL && ((!top->is_log && top->ashift != leaving->ashift) ||
		    !is_simple(top)))
			return (err_set(e, EINVAL, "invalid config; all top-level vdevs must have the "
			    "same sector size and not be raidz."));
	}
	return (0);
}

static uint64_t
slop_of(struct spa *spa)
{
	struct space_stats st;
	uint64_t slop;

	metaslab_stats(spa, &st);
	slop = st.normal_dsize >> SLOP_SHIFT;
	if (slop < SLOP_MIN)
		slop = st.normal_dsize / 2 < SLOP_MIN ? st.normal_dsize / 2 : SLOP_MIN;
	return (slop > SLOP_MAX ? SLOP_MAX : slop);
}

/* Free space of others of its class, less what is lost there. */
static uint64_t
class_room(const struct spa *spa, const struct vdev *leaving)
{
	uint64_t room = 0;
	struct space_stats st;

	for (size_t i = 0; i < spa->root->nchild; i++) {
		const struct vdev *top = spa->root->child[i];

		if (top != leaving && top->mg != NULL && top->mg->bias == leaving->mg->bias &&
		    top->mg->bias != BIAS_NONE && metaslab_top_stats(top, &st) == 0)
			room += (st.size - st.alloc) / 100 * 94;
	}
	return (room);
}

/* What is free without it must hold all of it, and twice the slop. */
static int
check_room(struct spa *spa, const struct vdev *top, struct err *e)
{
	uint64_t room = dir_available(spa->dsl->root, AVAIL_DIRTY) + class_room(spa, top), need;
	struct space_stats st;

	(void)metaslab_top_stats(top, &st);
	need = (top->mg->bias == BIAS_NONE ? st.dsize : st.dalloc) + slop_of(spa);
	return (room < need ? err_set(e, ENOSPC, "out of space") : 0);
}

static int
leaf_lacks_something(struct vdev *leaf, void *arg)
{
	(void)arg;
	return (!dtl_is_empty(leaf) || !vdev_leaf_ready(leaf));
}

static int
check(struct spa *spa, struct vdev *top, struct err *e)
{
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = checkpoint_forbids(spa, e)) != 0)
		return (rc);
	if (top->mg == NULL)
		return (err_set(e, ENOTSUP, "operation not supported on this type of vdev"));
	if (!spa_feature_enabled(spa, FEATURE))
		return (err_set(e, ENOTSUP, "operation not supported on this type of pool: "
		    "feature@device_removal is not enabled"));
	if (removal_is_active(spa))
		return (err_set(e, EBUSY, "Pool busy; removal may already be in progress"));
	if (vdev_walk_leaves(top, leaf_lacks_something, NULL) != 0)
		return (err_set(e, EBUSY, "Pool busy; the device does not have all its data"));
	return ((rc = check_shape(spa, top, e)) != 0 ? rc : check_room(spa, top, e));
}

/* --- begin ------------------------------------------------------------------------------------ */

static int
put_state(struct spa *spa)
{
	spa->removal->dirty = false;
	return (zap_update(spa->mos, MOS_DIRECTORY, STATE_KEY, 8, RM_WORDS, spa->removal->w));
}

/* Every block of it goes to a new place. */
static int
move_directory(struct spa *spa)
{
	struct dmu_info info;
	int rc = dmu_object_info(spa->mos, MOS_DIRECTORY, &info);

	for (uint64_t i = 0; rc == 0 && i <= info.max_blkid; i++) {
		struct dbuf *db;

		if ((rc = dbuf_hold(spa->mos, MOS_DIRECTORY, i, true, &db)) != 0)
			break;
		rc = dbuf_dirty(db);
		dbuf_rele(db);
	}
	return (rc);
}

static int
used_bytes(struct spa *spa, struct vdev *top, uint64_t *sum)
{
	struct range_tree used = RANGE_TREE_INIT;
	int rc = 0;

	*sum = 0;
	for (size_t i = 0; rc == 0 && i < top->mg->n; i++) {
		if ((rc = metaslab_used(spa, top, &top->mg->ms[i], &used)) == 0)
			*sum += used.bytes;
	}
	range_clear(&used);
	return (rc);
}

static int
begin(struct spa *spa, void *arg, struct err *e)
{
	struct vdev *top = arg;
	struct removal *r = spa->removal;
	int rc;

	if ((rc = used_bytes(spa, top, &r->w[RM_TO_COPY])) != 0 || (rc = remap_create(spa, top)) != 0 ||
	    (rc = nv_add_u64(top->extra, REMOVING_KEY, 1)) != 0)
		return (err_rc(e, rc, "beginning a removal"));
	r->w[RM_STATE] = REMOVAL_ACTIVE;
	r->w[RM_VDEV] = top->id;
	r->w[RM_START] = spa_now(spa, NULL);
	r->w[RM_END] = r->w[RM_COPIED] = 0;
	spa_config_dirty(spa);
	if ((rc = put_state(spa)) == 0)
		rc = move_directory(spa);
	return (err_rc(e, rc, "beginning a removal"));
}

/* What the open txg placed there is durable, and no log is written there any more. */
static int
close_group(struct spa *spa, struct vdev *top, struct err *e)
{
	int rc;

	top->mg->closed = true;
	if ((rc = zil_begin_anew(spa)) != 0)
		return (err_rc(e, rc, "ending intent logs"));
	return (spa_sync_force(spa, e));
}

int
removal_begin(struct spa *spa, struct vdev *top, struct err *e)
{
	uint64_t id = top->id;
	int rc;

	if (removal_of(spa) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = check(spa, top, e)) != 0)
		return (rc);
	rc = close_group(spa, top, e);
	/* A sync may give up the lock: things may have changed. */
	if (top != vdev_top(spa->root, id))
		return (rc != 0 ? rc : err_set(e, EBUSY, "Pool busy; the device changed"));
	top->mg->closed = false;
	if (rc == 0)
		rc = check(spa, top, e);
	top->mg->closed = rc == 0;
	if (rc != 0)
		return (rc);
	removal_rewind(spa->removal);
	rc = spa_sync_task(spa, NULL, begin, top, e);
	if (rc != 0 && !removal_is_active(spa))
		top->mg->closed = false;
	return (rc);
}

/* --- cancel ----------------------------------------------------------------------------------- */

struct freeing {
	struct spa *spa;
	struct vdev *top;
	uint64_t end;
};

static int
free_copy(void *arg, const struct remap_entry *en, uint64_t off, uint64_t len)
{
	struct freeing *f = arg;
	struct dva d = {.vdev = (uint32_t)en->dst_vdev,
	    .asize_sectors = (uint32_t)(len >> SECTOR_SHIFT), .offset = en->dst + (off - en->src)};

	return (metaslab_free(f->spa, &d, spa_open_txg(f->spa)));
}

static int
free_copies(void *arg, uint64_t off, uint64_t len)
{
	struct freeing *f = arg;

	if (off >= f->end)
		return (0);
	return (remap_each(f->top->remap, off, len < f->end - off ? len : f->end - off, free_copy, f));
}

static int
free_all_copies(struct spa *spa, struct vdev *top)
{
	struct freeing f = {spa, top, remap_end(top->remap)};
	struct range_tree used = RANGE_TREE_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < top->mg->n && top->mg->ms[i].start < f.end; i++) {
		if ((rc = metaslab_used(spa, top, &top->mg->ms[i], &used)) == 0)
			rc = range_walk(&used, free_copies, &f);
	}
	range_clear(&used);
	return (rc);
}

static int
cancel(struct spa *spa, void *arg, struct err *e)
{
	struct removal *r = spa->removal;
	struct vdev *top = arg;
	int rc;

	if ((rc = free_all_copies(spa, top)) != 0 || (rc = remap_destroy(spa, top)) != 0)
		return (err_rc(e, rc, "cancelling a removal"));
	nv_remove(top->extra, REMOVING_KEY);
	top->mg->closed = false;
	r->w[RM_STATE] = REMOVAL_CANCELED;
	r->w[RM_END] = spa_now(spa, NULL);
	spa_config_dirty(spa);
	return (err_rc(e, put_state(spa), "cancelling a removal"));
}

int
removal_cancel(struct spa *spa, struct err *e)
{
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0)
		return (rc);
	if (!removal_is_active(spa))
		return (err_set(e, ENOENT, "there are no removals to cancel"));
	if ((rc = spa_sync_force(spa, e)) != 0) /* what was moved is in the mapping on disk */
		return (rc);
	if (!removal_is_active(spa))
		return (err_set(e, ENOENT, "there are no removals to cancel"));
	removal_rewind(spa->removal);
	return (spa_sync_task(spa, NULL, cancel, removal_top(spa), e));
}

/* --- finish ----------------------------------------------------------------------------------- */

static int
make_indirect(struct spa *spa, const struct vdev *top, struct vdev **out)
{
	struct vdev *v = vdev_new(VDEV_INDIRECT);

	if (v == NULL || (v->extra = nv_new()) == NULL ||
	    nv_add_u64(v->extra, "com.delphix:indirect_object", top->remap->object) != 0 ||
	    nv_add_u64(v->extra, "com.delphix:indirect_births", top->remap->births_object) != 0 ||
	    (spa->removal->w[RM_PREV] != NOBODY &&
	    nv_add_u64(v->extra, PREV_KEY, spa->removal->w[RM_PREV]) != 0)) {
		vdev_free(v);
		return (-ENOMEM);
	}
	v->guid = spa_vdev_new_guid(spa);
	v->id = top->id;
	v->parent = spa->root;
	v->top = v;
	v->state = VS_HEALTHY;
	v->ashift = top->ashift;
	v->asize = top->asize;
	v->ms_shift = top->ms_shift;
	v->create_txg = top->create_txg;
	*out = v;
	return (0);
}

static int
drop_log(struct vdev *leaf, void *arg)
{
	return (dtl_destroy(arg, leaf));
}

/* OpenZFS's array of which metaslabs are behind their logs. */
static int
drop_unflushed(struct spa *spa, const struct vdev *top)
{
	uint64_t object;
	int rc = zap_lookup(spa->mos, top->zap_top, UNFLUSHED_KEY, 8, 1, &object);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	rc = dmu_object_free(spa->mos, object);
	return (rc != 0 ? rc : zap_remove(spa->mos, top->zap_top, UNFLUSHED_KEY));
}

struct finishing {
	struct vdev *top, *indirect;
};

/* The indirect one takes number, ZAP and mapping; the rest of what the pool knows goes. */
static int
finish(struct spa *spa, void *arg, struct err *e)
{
	struct finishing *f = arg;
	struct removal *r = spa->removal;
	int rc;

	f->indirect->zap_top = f->top->zap_top;
	if ((rc = drop_unflushed(spa, f->top)) != 0 ||
	    (rc = vdev_walk_leaves(f->top, drop_log, spa)) != 0)
		return (err_rc(e, rc, "finishing a removal"));
	f->top->zap_top = 0;
	if ((rc = vdev_zaps_destroy(spa, f->top)) != 0 ||
	    (rc = metaslab_group_destroy(spa, f->top)) != 0)
		return (err_rc(e, rc, "finishing a removal"));
	f->indirect->remap = f->top->remap;
	f->top->remap = NULL;
	spa->root->child[f->top->id] = f->indirect;
	f->top->parent = NULL;
	r->w[RM_STATE] = REMOVAL_FINISHED;
	r->w[RM_PREV] = f->indirect->id;
	r->w[RM_END] = spa_now(spa, NULL);
	spa_config_dirty(spa);
	return (err_rc(e, put_state(spa), "finishing a removal"));
}

static int
wipe(struct vdev *leaf, void *arg)
{
	(void)arg;
	if (leaf->bd != NULL)
		(void)label_clear(leaf->bd);
	return (0);
}

int
removal_finish(struct spa *spa, struct err *e)
{
	struct finishing f = {removal_top(spa), NULL};
	int rc;

	if ((rc = make_indirect(spa, f.top, &f.indirect)) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	spa_io_drain(spa);
	rc = spa_sync_task(spa, NULL, finish, &f, e);
	if (f.top->parent != NULL) { /* it is still in its place */
		vdev_free(f.indirect);
		return (rc);
	}
	events_post_vdev(f.indirect, "sysevent.fs.zfs.vdev_remove_dev", NULL);
	if (rc == 0)
		(void)vdev_walk_leaves(f.top, wipe, NULL);
	vdev_free(f.top);
	vdev_propagate(f.indirect);
	return (rc);
}

/* --- in a sync -------------------------------------------------------------------------------- */

static int
sync_top(struct spa *spa, struct vdev *top)
{
	int rc = remap_sync(spa, top);

	if (rc < 0 || spa->pass != 1 || !remap_is_long(top, spa->removal->condense_least))
		return (rc);
	return ((rc = remap_condense(spa, top)) != 0 ? rc : 1);
}

int
removal_sync(struct spa *spa)
{
	bool wrote = false;

	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct vdev *top = spa->root->child[i];
		int rc = top->remap != NULL ? sync_top(spa, top) : 0;

		if (rc < 0)
			return (rc);
		wrote = wrote || rc == 1;
	}
	if (spa->removal != NULL && spa->removal->dirty) {
		int rc = put_state(spa);

		if (rc != 0)
			return (rc);
		wrote = true;
	}
	return (wrote);
}

/* --- at import -------------------------------------------------------------------------------- */

/* Latest first: the mappings of older ones may have been moved with a younger one. */
static int
load_chain(struct spa *spa)
{
	uint64_t id = spa->removal->w[RM_PREV];
	int rc = 0;

	for (size_t n = 0; rc == 0 && id != NOBODY && n < spa->root->nchild; n++) {
		struct vdev *top = vdev_top(spa->root, id);

		if (top == NULL || top->kind != VDEV_INDIRECT)
			return (-EILSEQ);
		rc = remap_load(spa, top);
		id = nv_u64_or(top->extra, PREV_KEY, NOBODY);
	}
	return (rc);
}

static int
load(struct spa *spa)
{
	struct removal *r = removal_of(spa);
	struct vdev *top;
	int rc;

	if (r == NULL)
		return (-ENOMEM);
	rc = zap_lookup(spa->mos, MOS_DIRECTORY, STATE_KEY, 8, RM_WORDS, r->w);
	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	if (r->w[RM_STATE] != REMOVAL_ACTIVE)
		return (load_chain(spa));
	top = removal_top(spa);
	if (top == NULL || top->kind == VDEV_INDIRECT ||
	    nv_u64_or(top->extra, "com.delphix:indirect_object", 0) == 0)
		return (-EILSEQ);
	return ((rc = remap_load(spa, top)) != 0 ? rc : load_chain(spa));
}

/* Another system is in the midst of shortening a mapping, or keeps a list that we do not. */
static int
check_unfinished(struct spa *spa, struct err *e)
{
	uint64_t w[3];

	if (spa->readonly)
		return (0);
	if (zap_lookup(spa->mos, MOS_DIRECTORY, CONDENSING_KEY, 8, 3, w) == 0)
		return (err_set(e, ENOTSUP, "a mapping of a removed device is being shortened: let OpenZFS "
		    "finish that, or import with -o readonly=on"));
	if (zap_lookup(spa->mos, MOS_DIRECTORY, OBSOLETE_LIST_KEY, 8, 1, w) == 0)
		return (err_set(e, ENOTSUP, "the pool has a list of remapped blocks, which this version "
		    "does not maintain: import with -o readonly=on"));
	return (0);
}

int
removal_load(struct spa *spa, struct err *e)
{
	int rc = load(spa);

	if (rc != 0)
		return (err_rc(e, rc, "the mapping of a removed device cannot be read"));
	return (check_unfinished(spa, e));
}
