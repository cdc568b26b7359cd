/* SPDX-License-Identifier: MIT */
/*
 * dmu_whole: whole blocks that go to disk now, around the cache.
 *
 * Who writes much and will not read it soon (a receiver) gains nothing from dirty blocks in memory: they
 * are copied, listed and found again by fs/write_behind.c.  Here a batch of blocks goes its way at once, and
 * a block that came packed stays packed as it is:
 *
 *	lock	the dnodes are held; what the cache has of the blocks is forgotten
 *	-	pack if it is not packed, hash		all processors
 *	lock	allocate
 *	-	write					all processors
 *	lock	the parents get the pointers
 *
 * The blocks are born in the open txg and charged as those of write_behind.c; its invariants 2 and 3 hold
 * here too, because the caller has claimed it.
 *
 * What cannot go this way (deduplicated, in use by somebody, without space in one piece, or a device
 * failed: the sync knows what to do then) is left to the caller, who has dmu_write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zio.h"

struct whole {
	struct dmu_whole *v;
	struct dnode *dn; /* held */
	struct zio_write w;
	struct zio_prepared p;
	struct blkptr bp;
	bool placed;
};

struct whole_batch {
	struct objset *os;
	struct spa *spa;
	size_t n;
	struct whole b[DMU_WHOLE_MAX];
};

/* What is cached of it is old.  -EAGAIN: somebody looks at it. */
static int
forget(struct whole *b)
{
	struct dbuf *db = dbuf_find(b->dn, 0, b->v->blkid);

	if (db == NULL)
		return (0);
	if (db->holds > 0)
		return (-EAGAIN);
	dbuf_drop(db);
	return (0);
}

static int
begin_one(struct whole_batch *t, struct whole *b)
{
	int rc;

	if ((rc = dnode_hold(t->os, b->v->obj, &b->dn)) != 0)
		return (rc);
	if (t->os->policy.dedup != 0 && !dmu_type_is_metadata(b->dn->phys->type))
		return (-EAGAIN);
	objset_describe_data(b->dn, b->v->data, &b->w);
	return (forget(b));
}

static void
prepare_one(void *arg, size_t i)
{
	struct whole_batch *t = arg;
	struct whole *b = &t->b[i];

	if (b->v->rc != 0)
		return;
	if (b->v->psize == 0)
		zio_prepare(t->spa, &b->w, &b->p);
	else if (!b->v->embed)
		b->v->rc = zio_prepare_packed(t->spa, &b->w, b->v->psize, b->v->compress, &b->p);
}

static void
place_one(struct whole_batch *t, struct whole *b)
{
	if (b->v->embed)
		bp_embedded_make(&b->bp, b->w.type, b->v->compress, b->w.lsize, b->v->data, b->v->psize,
		    b->w.txg);
	else
		b->v->rc = zio_place(t->spa, &b->w, &b->p, &b->bp);
	b->placed = b->v->rc == 0;
}

static void
put_one(void *arg, size_t i)
{
	struct whole_batch *t = arg;
	struct whole *b = &t->b[i];

	if (b->placed)
		b->v->rc = zio_put(t->spa, &b->bp, &b->p);
}

static int
install_one(struct whole *b)
{
	struct blkptr *slot;
	int rc;

	if ((rc = forget(b)) != 0 || (rc = dbuf_slot_make(b->dn, b->v->blkid, &slot)) != 0)
		return (rc);
	return (write_behind_install(b->dn, slot, &b->bp));
}

static void
settle_one(struct whole_batch *t, struct whole *b)
{
	bool written = b->placed && b->v->rc == 0;

	if (written)
		b->v->rc = install_one(b);
	else if (b->v->rc == -ENOSPC || b->v->rc == -EIO)
		b->v->rc = -EAGAIN;
	if (b->placed && b->v->rc != 0)
		zio_unplace(t->spa, &b->bp, b->w.txg);
	zio_prepared_free(t->spa, &b->p);
	if (b->dn != NULL)
		dnode_rele(b->dn);
}

static void
without_lock(struct whole_batch *t, void (*fn)(void *arg, size_t i))
{
	spa_io_begin(t->spa);
	spa_exit(t->spa);
	workers_run(t->n > 1 ? t->spa->workers : NULL, t->n, fn, t);
	spa_io_end(t->spa);
	spa_enter(t->spa);
}

int
dmu_write_whole(struct objset *os, struct dmu_whole *v, size_t n)
{
	struct whole_batch *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (t == NULL)
		return (-ENOMEM);
	t->os = os;
	t->spa = os->spa;
	for (t->n = 0; t->n < n; t->n++) {
		t->b[t->n].v = &v[t->n];
		v[t->n].rc = begin_one(t, &t->b[t->n]);
	}
	without_lock(t, prepare_one);
	for (size_t i = 0; i < n; i++)
		if (v[i].rc == 0)
			place_one(t, &t->b[i]);
	without_lock(t, put_one);
	for (size_t i = 0; i < n; i++) {
		settle_one(t, &t->b[i]);
		if (rc == 0 && v[i].rc != 0 && v[i].rc != -EAGAIN)
			rc = v[i].rc;
	}
	free(t);
	return (rc);
}
