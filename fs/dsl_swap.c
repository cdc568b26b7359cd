/* SPDX-License-Identifier: MIT */
/*
 * Swapping a head's contents with those of a clone of it: how a received state becomes the dataset's.
 *
 * Both have the same snapshot before them (or both $ORIGIN), so blocks born before it are shared and
 * everything else belongs to one of them.  Root, references, unique space and deadlists change places;
 * names, properties, snapshots and the object of each stay.
 *
 *	  S ◄── head       S ◄── head (was clone's)
 *	  ▲                ▲
 *	  └──── clone      └──── clone (was head's): goes next
 *
 * The account: what head's contents hold besides S moves between the two dirs' HEAD; what of S died in
 * them moves between HEAD and SNAP of head's dir.  S's unique space is what died of it in the new head.
 */
#include <errno.h>
#include <string.h>

#include "dsl_impl.h"

static void
swap_u64(uint64_t *a, uint64_t *b)
{
	uint64_t t = *a;

	*a = *b;
	*b = t;
}

/* What contents hold that is not in S: references, and what died since S. */
static struct space_sum
held_by(struct dsl_dataset *ds, struct deadlist *dl)
{
	struct space_sum s;

	deadlist_space(dl, &s);
	s.used += (int64_t)ds_phys(ds)->referenced;
	s.comp += (int64_t)ds_phys(ds)->compressed;
	s.uncomp += (int64_t)ds_phys(ds)->uncompressed;
	return (s);
}

static int
account_dirs(struct dsl_dataset *clone, struct dsl_dataset *head, struct deadlist *cdl,
    struct deadlist *hdl)
{
	struct space_sum c = held_by(clone, cdl), h = held_by(head, hdl), d, minus;
	int rc;

	d = (struct space_sum){c.used - h.used, c.comp - h.comp, c.uncomp - h.uncomp};
	minus = (struct space_sum){-d.used, -d.comp, -d.uncomp};
	if ((rc = dir_charge(head->dir, DD_HEAD, &d)) != 0 ||
	    (rc = dir_charge(clone->dir, DD_HEAD, &minus)) != 0 ||
	    (rc = deadlist_space_range(cdl, head->origin_txg, UINT64_MAX, &c)) != 0 ||
	    (rc = deadlist_space_range(hdl, head->origin_txg, UINT64_MAX, &h)) != 0)
		return (rc);
	return (dir_transfer(head->dir, c.used - h.used, DD_HEAD, DD_SNAP));
}

static int64_t
unused_of(uint64_t reserved, uint64_t unique)
{
	return ((int64_t)(unique < reserved ? unique : reserved));
}

static int
account_reservation(struct dsl_dataset *clone, struct dsl_dataset *head)
{
	uint64_t r = ds_reserved(head);
	struct space_sum d = {unused_of(r, ds_phys(head)->unique) - unused_of(r, ds_phys(clone)->unique),
	    0, 0};

	return (d.used == 0 ? 0 : dir_charge(head->dir, DD_REFRSRV, &d));
}

/* S before both: what of its own died in the contents that become the head's. */
static int
account_prev(struct dsl_dataset *clone, struct deadlist *cdl)
{
	struct dsl_dataset *prev;
	struct space_sum s;
	int rc = ds_hold_prev(clone, &prev);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((rc = ds_dirty(prev)) == 0 &&
	    (rc = deadlist_space_range(cdl, ds_phys(prev)->prev_snap_txg, UINT64_MAX, &s)) == 0)
		ds_phys(prev)->unique = (uint64_t)s.used;
	dsl_rele(prev);
	return (rc);
}

static void
swap_phys(struct dsl_dataset_phys *a, struct dsl_dataset_phys *b)
{
	struct blkptr bp = a->bp;

	a->bp = b->bp;
	b->bp = bp;
	swap_u64(&a->referenced, &b->referenced);
	swap_u64(&a->compressed, &b->compressed);
	swap_u64(&a->uncompressed, &b->uncompressed);
	swap_u64(&a->unique, &b->unique);
	swap_u64(&a->deadlist_obj, &b->deadlist_obj);
}

static void
reopen(struct dsl_dataset *ds)
{
	ds_deadlist_forget(ds);
	ds->head_kind = 0;
	if (ds->os != NULL)
		objset_evict(ds->os, &ds_phys(ds)->bp);
}

/* Features follow the blocks: both have them all until the loser goes. */
static int
join_features(struct dsl_dataset *clone, struct dsl_dataset *head)
{
	int rc = ds_features_copy(clone, head);

	return (rc != 0 ? rc : ds_features_copy(head, clone));
}

int
ds_swap(struct dsl_dataset *clone, struct dsl_dataset *head)
{
	struct deadlist *cdl, *hdl;
	int rc;

	if (ds_phys(clone)->prev_snap_obj != ds_phys(head)->prev_snap_obj)
		return (-EINVAL);
	if ((rc = ds_flush(clone)) != 0 || (rc = ds_flush(head)) != 0 ||
	    (rc = ds_prev_refresh(head)) != 0 || (rc = ds_prev_refresh(clone)) != 0 ||
	    (rc = ds_deadlist(clone, &cdl)) != 0 || (rc = ds_deadlist(head, &hdl)) != 0 ||
	    (rc = ds_dirty(clone)) != 0 || (rc = ds_dirty(head)) != 0 ||
	    (rc = account_prev(clone, cdl)) != 0 || (rc = account_dirs(clone, head, cdl, hdl)) != 0 ||
	    (rc = account_reservation(clone, head)) != 0 || (rc = join_features(clone, head)) != 0)
		return (rc);
	swap_phys(ds_phys(clone), ds_phys(head));
	reopen(clone);
	reopen(head);
	return (0);
}
