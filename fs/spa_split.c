/* SPDX-License-Identifier: MIT */
/*
 * split: one side of every mirror becomes a pool of its own.
 *
 * Theory of operation
 *
 *	pool: mirror(a b) mirror(c d)  ->  pool: a c      new: b d
 *
 * The sides leave the old pool as in a detach, in one durable txg; until then it is whole.  They are not
 * wiped: each still carries the old pool as of the txg before, which the others can do without.  That pool is
 * imported from just these devices, the others counted as offline, under its new name; before the first
 * txg the sides that are not there leave its mirrors, logs leave a hole, and it gets another guid.  Its
 * first sync writes that down, and an export ends it.
 *
 * A cut between the two leaves the old pool without those sides and devices whose labels name it; it
 * imports, and they may be attached again.  Intent logs are claimed like after a crash: what was
 * fsync'ed before the split is in both pools.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "dtl.h"
#include "removal.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "spa_impl.h"
#include "spa_vdev_impl.h"

struct split {
	struct vdev **leaf; /* by top-level; NULL: a hole */
	uint64_t *guid;	    /* of those that leave */
	size_t n;
};

/* --- choosing --------------------------------------------------------------------------------- */

static bool
is_named(struct vdev *top, const struct vdev *leaf, const struct spa_split *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (vdev_find(top, o->device[i]) == leaf)
			return (true);
	return (false);
}

/* The side that is named, or the last one. */
static int
choose_side(struct vdev *top, const struct spa_split *o, size_t *named, struct vdev **out,
    struct err *e)
{
	if (top->kind != VDEV_MIRROR)
		return (err_set(e, EINVAL, "Source pool must be composed only of mirrors"));
	*out = top->child[top->nchild - 1];
	for (size_t i = 0; i < top->nchild; i++) {
		if (!is_named(top, top->child[i], o))
			continue;
		*out = top->child[i];
		(*named)++;
	}
	if (!vdev_is_leaf(*out) || (*out)->state != VS_HEALTHY || !dtl_is_empty(*out))
		return (err_set(e, ENXIO, "a device to split off is not healthy or has not got all data"));
	if (dtl_is_required(*out))
		return (err_set(e, EBUSY, "no valid replicas"));
	return (0);
}

static int
choose(struct spa *spa, const struct spa_split *o, struct split *s, struct err *e)
{
	size_t named = 0;
	int rc = 0;

	s->leaf = calloc(spa->root->nchild + 1, sizeof(struct vdev *));
	s->guid = calloc(spa->root->nchild + 1, sizeof(*s->guid));
	if (s->leaf == NULL || s->guid == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++) {
		struct vdev *top = spa->root->child[i];

		if (top->kind == VDEV_HOLE || top->kind == VDEV_INDIRECT || top->is_log)
			continue;
		if ((rc = choose_side(top, o, &named, &s->leaf[i], e)) == 0)
			s->guid[s->n++] = s->leaf[i]->guid;
	}
	if (rc == 0 && named != o->n)
		rc = err_set(e, ENODEV, "a device that was named is no side of a mirror, or is the second of "
		    "one");
	return (rc);
}

static void
split_free(struct split *s)
{
	free(s->leaf);
	free(s->guid);
}

static int
check_split(struct spa *spa, struct err *e)
{
	struct scrub_stat st;
	int rc;

	if ((rc = spa_vdev_writable(spa, e)) != 0 || (rc = checkpoint_forbids(spa, e)) != 0 ||
	    (rc = removal_forbids(spa, e)) != 0)
		return (rc);
	scrub_stat(spa, &st);
	return (st.state == SCRUB_RUNNING && st.func == SCAN_RESILVER ?
	    err_set(e, EBUSY, "currently resilvering") : 0);
}

int
spa_vdev_split_plan(struct spa *spa, const struct spa_split *o,
    int (*fn)(const struct vdev *leaf, void *arg), void *arg, struct err *e)
{
	struct split s = {NULL, NULL, 0};
	int rc = check_split(spa, e);

	if (rc == 0)
		rc = choose(spa, o, &s, e);
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++)
		if (s.leaf[i] != NULL)
			rc = fn(s.leaf[i], arg);
	split_free(&s);
	return (rc);
}

/* --- the old pool ----------------------------------------------------------------------------- */

static int
take_side(struct spa *spa, struct vdev *leaf)
{
	struct vdev *p = leaf->parent;
	int rc;

	if ((rc = dtl_destroy(spa, leaf)) != 0 || (rc = vdev_zaps_destroy(spa, leaf)) != 0)
		return (rc);
	vdev_take_out(leaf);
	if (p->nchild == 1) {
		struct vdev *only = p->child[0];

		vdev_collapse(p);
		vdev_propagate(only);
	}
	return (0);
}

/* Out of the tree, durably. What is known of them is not used any more. */
static int
leave_old(struct spa *spa, struct split *s, size_t ntop, struct err *e)
{
	int rc = 0;

	spa_io_drain(spa);
	for (size_t i = 0; rc == 0 && i < ntop; i++)
		if (s->leaf[i] != NULL)
			rc = take_side(spa, s->leaf[i]);
	if (rc != 0)
		return (err_rc(e, rc, "freeing what the pool knows of a device"));
	rc = spa_vdev_commit(spa, e);
	for (size_t i = 0; i < ntop; i++)
		vdev_free(s->leaf[i]); /* closes its device */
	return (rc);
}

/* --- the new one ------------------------------------------------------------------------------ */

/* Sides that stayed behind leave this pool's mirror. */
static int
thin_out(struct spa *spa, struct vdev *top)
{
	int rc = 0;

	for (size_t i = top->nchild; rc == 0 && i-- > 0;) {
		struct vdev *leaf = top->child[i];

		if (vdev_leaf_ready(leaf))
			continue;
		if ((rc = dtl_destroy(spa, leaf)) == 0 && (rc = vdev_zaps_destroy(spa, leaf)) == 0) {
			vdev_take_out(leaf);
			vdev_free(leaf);
		}
	}
	return (rc);
}

static int
become_new(struct spa *spa, void *arg, struct err *e)
{
	int rc = 0;

	(void)arg;
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++) {
		struct vdev *top = spa->root->child[i];

		if (top->is_log) {
			if ((top->mg != NULL || (rc = metaslab_group_load(spa, top, e)) == 0) &&
			    (rc = spa_vdev_leave_hole(spa, top, e)) == 0)
				vdev_free(top);
			continue;
		}
		if (top->kind != VDEV_MIRROR || (rc = thin_out(spa, top)) != 0 || top->nchild != 1)
			continue;
		top = top->child[0];
		vdev_collapse(top->parent);
		vdev_propagate(top);
	}
	spa_aux_forget(spa);
	spa->guid = spa->root->guid = spa_vdev_new_guid(spa);
	return (err_rc(e, rc, "taking the new pool apart"));
}

static int
make_new(const struct spa_split *o, const struct split *s, const struct nvlist *config, struct err *e)
{
	struct spa_import_opts io = {.config = config, .new_name = o->name, .force = true,
	    .missing_log_ok = true, .only = s->guid, .nonly = s->n, .adjust = become_new,
	    .bdevs = o->bdevs, .nbdevs = o->nbdevs, .os = o->os};
	struct spa *spa;
	int rc;

	if ((rc = spa_import(&io, &spa, e)) != 0)
		return (rc);
	spa_enter(spa);
	for (struct nvpair *p = o->props == NULL ? NULL : nv_next(o->props, NULL); p != NULL && rc == 0;
	    p = nv_next(o->props, p))
		rc = spa_prop_set(spa, nvpair_name(p), nv_str_or(o->props, nvpair_name(p), ""), e);
	spa_exit(spa);
	if (rc != 0) {
		spa_close(spa);
		return (rc);
	}
	return (spa_export(spa, e));
}

int
spa_vdev_split(struct spa *spa, const struct spa_split *o, struct err *e)
{
	struct split s = {NULL, NULL, 0};
	struct nvlist *config = NULL;
	size_t ntop = spa->root->nchild;
	int rc;

	/* What is dirty goes to both. */
	if ((rc = check_split(spa, e)) == 0 && (rc = spa_sync(spa, e)) == 0 &&
	    (rc = choose(spa, o, &s, e)) == 0 &&
	    (rc = err_rc(e, spa_config_make(spa, NULL, &config), "the pool's configuration")) == 0 &&
	    (rc = leave_old(spa, &s, ntop, e)) == 0 && (rc = make_new(o, &s, config, e)) != 0)
		rc = err_wrap(e, "the devices left the pool, but did not become one");
	nv_free(config);
	split_free(&s);
	return (rc);
}
