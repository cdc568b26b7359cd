/* SPDX-License-Identifier: MIT */
/*
 * The intent log of an open head: noting changes, and making them durable before their txg is.
 *
 *	change ---- zil_log_* ----> names      all changes of names, in order
 *	                       \--> file[obj]  writes and attributes of one object, in order
 *	                                |
 *	        zil_commit(obj): names and file[obj] --> log blocks --> flush --> answer
 *	                                |
 *	        txg durable: forget its records (zil_clean), free its log blocks (zil_sync)
 *
 * Names go with every commit, because a file is not there after a crash when its name is not.  What one
 * file holds is its own: fsync of a small file does not write the large one next to it.  The order of
 * records in the log is that of the changes, as far as they are in it.
 *
 * Group commit: the first caller of zil_commit writes; who comes meanwhile is put on a list, and the
 * writer goes on with all of them in one chain of blocks and one flush, until the list is empty.  Records
 * are copied and the blocks written with the pool's lock; the flush, which is what takes time, runs
 * without it.
 *
 * A log is made when it is first needed.  That takes a txg, because its first block must be in the
 * header; so the first fsync waits for a txg and those behind it do not.  An fsync of megabytes waits for a
 * txg too: their blocks are on disk by then (fs/write_behind.c), and would only be written twice.
 *
 * When commits must wait for a txg (`stalled_txg`): the log is being made; there was no room for a block; a
 * write or flush of a block failed, so that what is behind it in the chain could not be found;
 * something happened that no record can tell.  In all cases what was noted up to then is in the txg
 * that is waited for, and the log goes on behind it.
 *
 * What no record tells: extended attributes (a record for them needs a feature of newer pools), and a
 * name given to a file that was made without one.
 *
 * Invariants
 *  1. A record whose txg is durable is neither written nor replayed.
 *  2. Records that refer to each other's effects are in one list, or the earlier one is in `names`.
 *  3. Once an object is freed nothing of its list is left: its number may be used again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "completion.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/syncer.h"
#include "smartbox/fs/zio.h"
#include "zil_impl.h"

#define LOGBIAS_THROUGHPUT 1
#define WRITE_HEAD ((uint32_t)sizeof(struct lr_write))
#define COMMIT_BYTES_MAX ((uint64_t)4 << 20) /* of one file, in the log */
#define WRITE_PIECE_MIN 4096u /* less is not worth the end of a block */
#define WRITE_PIECE_MAX (ZIL_BLOCK_MAX - (uint32_t)sizeof(struct zil_chain) - WRITE_HEAD)

/* --- lists -------------------------------------------------------------------------------------- */

static void
list_init(struct itx_list *l)
{
	*l = (struct itx_list){NULL, &l->first, NULL};
}

static void
list_add(struct itx_list *l, struct itx *i)
{
	i->next = NULL;
	*l->tail = i;
	l->tail = &i->next;
	l->last = i;
}

/* Forget what is durable. */
static void
list_clean(struct itx_list *l, uint64_t synced)
{
	struct itx *i = l->first, *next;

	list_init(l);
	for (; i != NULL; i = next) {
		next = i->next;
		if (i->txg > synced)
			list_add(l, i);
		else
			free(i);
	}
}

/* Of thousands of open logs nearly all have nothing to forget after a txg: a list of those that have. */
static void
noted_link(struct zilog *zl)
{
	struct zilog **head = &zl->spa->noted_logs;

	if (zl->noted_at != NULL)
		return;
	zl->noted_at = head;
	if ((zl->noted_next = *head) != NULL)
		zl->noted_next->noted_at = &zl->noted_next;
	*head = zl;
}

static void
noted_unlink(struct zilog *zl)
{
	if (zl->noted_at == NULL)
		return;
	if ((*zl->noted_at = zl->noted_next) != NULL)
		zl->noted_next->noted_at = zl->noted_at;
	zl->noted_at = NULL;
}

static struct itx_file **
file_slot(struct zilog *zl, uint64_t obj)
{
	struct itx_file **p = &zl->file[obj % ITX_BUCKETS];

	while (*p != NULL && (*p)->obj != obj)
		p = &(*p)->next;
	return (p);
}

static struct itx_file *
file_get(struct zilog *zl, uint64_t obj)
{
	struct itx_file **p = file_slot(zl, obj), *f = *p;

	if (f != NULL)
		return (f);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->obj = obj;
	list_init(&f->list);
	*p = f;
	zl->nfiles++;
	noted_link(zl);
	return (f);
}

static void
file_free(struct zilog *zl, struct itx_file **p)
{
	struct itx_file *f = *p;

	list_clean(&f->list, UINT64_MAX);
	*p = f->next;
	zl->nfiles--;
	free(f);
}

static void
clean_files(struct zilog *zl, uint64_t synced)
{
	for (size_t i = 0; i < ITX_BUCKETS && zl->nfiles > 0; i++) {
		struct itx_file **p = &zl->file[i];

		while (*p != NULL) {
			list_clean(&(*p)->list, synced);
			if ((*p)->list.first == NULL && (*p)->unloggable_txg <= synced)
				file_free(zl, p);
			else
				p = &(*p)->next;
		}
	}
}

static void
stall(struct zilog *zl)
{
	zl->stalled_txg = spa_open_txg(zl->spa);
}

static bool
is_stalled(const struct zilog *zl)
{
	return (zl->broken || zl->stalled_txg > spa_synced_txg(zl->spa));
}

static bool
has_records(const struct zilog *zl)
{
	return (zl->nfiles > 0 || zl->names.first != NULL);
}

/* --- noting ------------------------------------------------------------------------------------- */

static struct itx *
itx_add(struct zilog *zl, uint64_t obj, size_t bytes)
{
	struct itx_file *f = obj != 0 ? file_get(zl, obj) : NULL;
	struct itx *i = obj == 0 || f != NULL ? calloc(1, sizeof(*i) + bytes) : NULL;

	if (i == NULL) {
		stall(zl);
		return (NULL);
	}
	i->order = zl->order++;
	i->txg = spa_open_txg(zl->spa);
	i->obj = obj;
	i->bytes = (uint32_t)bytes;
	list_add(f != NULL ? &f->list : &zl->names, i);
	noted_link(zl);
	return (i);
}

void *
itx_new(struct zilog *zl, uint64_t obj, size_t bytes)
{
	struct itx *i = zl != NULL ? itx_add(zl, obj, bytes) : NULL;

	return (i != NULL ? i->rec : NULL);
}

void *
zil_record_init(void *p, unsigned type, size_t len)
{
	struct zil_record *r = p;

	r->type = type;
	r->len = len;
	return (p);
}

void
zil_log_write(struct zilog *zl, uint64_t obj, uint64_t off, uint64_t len)
{
	struct itx_file *f;
	struct itx *i;

	if (zl == NULL || len == 0 || (f = file_get(zl, obj)) == NULL) {
		if (zl != NULL && len != 0)
			stall(zl);
		return;
	}
	i = f->list.last;
	/* One who writes on and on is one record; its data is read when it is committed. */
	if (i != NULL && i->bytes == 0 && i->txg == spa_open_txg(zl->spa) && i->off <= off &&
	    off - i->off <= i->len) {
		if (off + len - i->off > i->len)
			i->len = off + len - i->off;
		return;
	}
	if ((i = itx_add(zl, obj, 0)) != NULL) {
		i->off = off;
		i->len = len;
	}
}

void
zil_log_truncate(struct zilog *zl, uint64_t obj, uint64_t off, uint64_t len)
{
	struct lr_truncate *r = itx_new(zl, obj, sizeof(*r));

	if (r == NULL)
		return;
	zil_record_init(r, TX_TRUNCATE, sizeof(*r));
	r->obj = obj;
	r->off = off;
	r->len = len;
}

void
zil_log_unloggable(struct zilog *zl, uint64_t obj)
{
	struct itx_file *f;

	if (zl == NULL)
		return;
	if (obj == 0 || (f = file_get(zl, obj)) == NULL)
		stall(zl);
	else
		f->unloggable_txg = spa_open_txg(zl->spa);
}

void
zil_forget(struct zilog *zl, uint64_t obj)
{
	struct itx_file **p;

	if (zl != NULL && *(p = file_slot(zl, obj)) != NULL)
		file_free(zl, p);
}

/* --- from records to blocks --------------------------------------------------------------------- */

struct commit_waiter {
	uint64_t obj;
	zil_done_fn *fn;
	void *arg;
	bool by_txg;
	struct commit_waiter *next;
};

/* What a commit has to write. */
struct gathered {
	struct itx **v;
	size_t n, room;
};

static int
gather_list(struct gathered *g, struct itx_list *l)
{
	struct itx *i;

	while ((i = l->first) != NULL) {
		if (g->n == g->room) {
			size_t room = g->room != 0 ? 2 * g->room : 16;
			struct itx **v = realloc(g->v, room * sizeof(struct itx *));

			if (v == NULL)
				return (-ENOMEM);
			g->v = v;
			g->room = room;
		}
		g->v[g->n++] = i;
		if ((l->first = i->next) == NULL)
			list_init(l);
	}
	return (0);
}

static bool
is_unloggable(struct zilog *zl, const struct itx_file *f)
{
	return (f->unloggable_txg > spa_synced_txg(zl->spa));
}

static uint64_t
bytes_of(const struct itx *i)
{
	uint64_t pieces = i->len / WRITE_PIECE_MAX + 1;

	return (i->bytes != 0 ? i->bytes : ZIL_ALIGN(i->len) + pieces * WRITE_HEAD);
}

/* So much that writing it twice costs more than a txg, which finds most of it written already. */
static bool
is_too_much(const struct itx_file *f)
{
	uint64_t sum = 0;

	for (const struct itx *i = f->list.first; i != NULL && sum <= COMMIT_BYTES_MAX; i = i->next)
		sum += bytes_of(i);
	return (sum > COMMIT_BYTES_MAX);
}

static int
gather_file(struct zilog *zl, struct gathered *g, struct itx_file *f, struct commit_waiter *w)
{
	if (!is_unloggable(zl, f) && !is_too_much(f))
		return (gather_list(g, &f->list));
	w->by_txg = true;
	return (0);
}

static int
gather_for(struct zilog *zl, struct gathered *g, struct commit_waiter *w)
{
	struct itx_file *f = *file_slot(zl, w->obj);
	int rc = 0;

	if (w->obj != 0)
		return (f != NULL ? gather_file(zl, g, f, w) : 0);
	for (size_t i = 0; i < ITX_BUCKETS && rc == 0; i++)
		for (f = zl->file[i]; f != NULL && rc == 0; f = f->next)
			rc = gather_file(zl, g, f, w);
	return (rc);
}

static int
by_order(const void *a, const void *b)
{
	const struct itx *x = *(struct itx *const *)a, *y = *(struct itx *const *)b;

	return (x->order < y->order ? -1 : x->order > y->order);
}

static int
gather(struct zilog *zl, struct gathered *g, struct commit_waiter *w)
{
	int rc = gather_list(g, &zl->names);

	for (; w != NULL && rc == 0; w = w->next)
		rc = gather_for(zl, g, w);
	if (g->n > 1)
		qsort(g->v, g->n, sizeof(struct itx *), by_order);
	return (rc);
}

static void
gathered_free(struct gathered *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i]);
	free(g->v);
}

/* In the log, if it takes only pointers to data. */
static uint64_t
bytes_in(const struct log_batch *b, const struct itx *i)
{
	if (i->bytes == 0 && b->by_pointer)
		return ((i->len / BLOCK_OLD_MAX_BYTES + 2) * WRITE_HEAD);
	return (bytes_of(i));
}

/* As much as fits into the block at hand, if that is worth a record; else what fits into a whole one. */
static uint32_t
piece_for(const struct log_batch *b, uint64_t len)
{
	uint32_t room = chain_room(b), most = WRITE_PIECE_MAX;

	if (room >= WRITE_HEAD + WRITE_PIECE_MIN || room >= WRITE_HEAD + ZIL_ALIGN(len))
		most = (room - WRITE_HEAD) & ~7u;
	return (len < most ? (uint32_t)len : most);
}

static void
write_head(struct zilog *zl, struct lr_write *r, const struct itx *i, uint32_t bytes, uint64_t off,
    uint64_t len)
{
	memset(r, 0, WRITE_HEAD);
	zil_record_init(r, TX_WRITE, bytes);
	r->h.txg = i->txg;
	r->h.seq = ++zl->lr_seq;
	r->obj = i->obj;
	r->off = off;
	r->len = len;
}

static int
put_piece(struct zilog *zl, struct log_batch *b, const struct itx *i, uint64_t off, uint32_t len)
{
	uint32_t bytes = WRITE_HEAD + (uint32_t)ZIL_ALIGN(len);
	struct lr_write *r;
	int rc;

	if ((r = chain_reserve(zl, b, bytes, i->txg, &rc)) == NULL)
		return (rc);
	write_head(zl, r, i, bytes, off, len);
	memset((uint8_t *)r + bytes - 8, 0, 8);
	if ((rc = dmu_read(zl->os, i->obj, off, len, r + 1)) != 0) {
		chain_unreserve(b, bytes);
		zl->lr_seq--;
	}
	return (rc);
}

/* --- logbias=throughput: the record points at a block that holds a copy of the file's ----------- */

/*
 * Of volumes only: OpenZFS replays such a record by writing the whole block, and a file that ends inside
 * of it grows to the block's end unless the record makes it longer (seen).
 */
static bool
wants_pointers(const struct zilog *zl)
{
	uint64_t bias;

	return (objset_type(zl->os) == OBJSET_ZVOL &&
	    dsl_prop_number(zl->ds, "logbias", &bias) == 0 && bias == LOGBIAS_THROUGHPUT);
}

static int
write_copy(struct zilog *zl, const struct itx *i, const struct dmu_info *info, uint64_t off,
    struct blkptr *bp)
{
	const struct objset_policy *p = objset_policy(zl->os);
	struct zio_write w = {.lsize = info->block_size, .type = info->type, .checksum = p->checksum,
	    .compress = p->compress, .copies = 1, .txg = spa_open_txg(zl->spa), .fill = 1,
	    .keep_zero = true};
	void *data;
	int rc;

	if (!metaslab_has_room_for_log(zl->spa, w.lsize))
		return (-ENOSPC);
	if ((data = malloc(w.lsize)) == NULL)
		return (-ENOMEM);
	w.data = data;
	if ((rc = dmu_read(zl->os, i->obj, off, w.lsize, data)) == 0 &&
	    (rc = zio_write(zl->spa, &w, bp)) == 0 && bp_dva(bp, 0).gang) {
		(void)zio_free(zl->spa, bp, w.txg);
		rc = -ENOSPC; /* so little room: the txg will do */
	}
	free(data);
	return (rc);
}

/* [off, off + len) is a part of one block of the object. */
static int
put_pointer(struct zilog *zl, struct log_batch *b, const struct itx *i,
    const struct dmu_info *info, uint64_t off, uint64_t len)
{
	struct lr_write *r;
	struct blkptr bp;
	int rc;

	if ((rc = write_copy(zl, i, info, off - off % info->block_size, &bp)) != 0)
		return (rc);
	r = chain_reserve(zl, b, WRITE_HEAD, i->txg, &rc);
	if (r == NULL || (rc = chain_add_copy(b, &bp)) != 0) {
		(void)zio_free(zl->spa, &bp, spa_open_txg(zl->spa));
		return (rc);
	}
	write_head(zl, r, i, WRITE_HEAD, off, len);
	r->bp = bp;
	return (0);
}

static int
put_pointers(struct zilog *zl, struct log_batch *b, const struct itx *i, const struct dmu_info *info)
{
	uint64_t off = i->off, end = i->off + i->len, next;
	int rc = 0;

	for (; off < end && rc == 0; off = next) {
		next = off - off % info->block_size + info->block_size;
		next = next < end ? next : end;
		rc = put_pointer(zl, b, i, info, off, next - off);
	}
	return (rc);
}

/* --- all kinds ----------------------------------------------------------------------------------- */

/* -ENOENT: the object is gone, and this is of no interest any more. */
static int
put_write(struct zilog *zl, struct log_batch *b, const struct itx *i)
{
	struct dmu_info info;
	uint64_t done = 0;
	int rc = dmu_object_info(zl->os, i->obj, &info);

	if (rc == 0 && b->by_pointer)
		return (put_pointers(zl, b, i, &info));
	while (rc == 0 && done < i->len) {
		uint32_t len = piece_for(b, i->len - done);

		rc = put_piece(zl, b, i, i->off + done, len);
		done += len;
	}
	return (rc == -ENOENT ? 0 : rc);
}

static int
put_records(struct zilog *zl, struct log_batch *b, const struct itx *i)
{
	uint8_t *p;
	int rc;

	if ((p = chain_reserve(zl, b, i->bytes, i->txg, &rc)) == NULL)
		return (rc);
	memcpy(p, i->rec, i->bytes);
	for (uint32_t off = 0; off < i->bytes;) {
		struct zil_record *r = (struct zil_record *)(void *)(p + off);

		r->txg = i->txg;
		r->seq = ++zl->lr_seq;
		off += (uint32_t)r->len;
	}
	return (0);
}

static int
put_all(struct zilog *zl, struct log_batch *b, const struct gathered *g)
{
	int rc = 0;

	b->by_pointer = wants_pointers(zl);
	for (size_t k = 0; k < g->n; k++)
		if (g->v[k]->txg > spa_synced_txg(zl->spa))
			b->left += bytes_in(b, g->v[k]);
	for (size_t k = 0; k < g->n && rc == 0; k++) {
		const struct itx *i = g->v[k];

		if (i->txg > spa_synced_txg(zl->spa))
			rc = i->bytes != 0 ? put_records(zl, b, i) : put_write(zl, b, i);
	}
	return (rc);
}

/* --- committing --------------------------------------------------------------------------------- */

static int
all_by_txg(struct commit_waiter *w)
{
	for (; w != NULL; w = w->next)
		w->by_txg = true;
	return (0);
}

/* The chain has a block that was not written: of use again when the header is behind it. */
static int
give_up(struct zilog *zl, struct commit_waiter *w)
{
	zl->broken = true;
	stall(zl);
	return (all_by_txg(w));
}

/* Records into blocks, blocks to the devices.  What fails leaves it all to the txg. */
static int
write_group(struct zilog *zl, struct commit_waiter *w, struct log_batch *b)
{
	struct gathered g = {NULL, 0, 0};
	int rc;

	if ((rc = gather(zl, &g, w)) == 0 && (rc = put_all(zl, b, &g)) == 0)
		rc = chain_write(zl, b);
	gathered_free(&g);
	return (rc);
}

/* With the pool's lock.  What is to be flushed is in b; an error is one of the pool. */
static int
prepare_group(struct zilog *zl, struct commit_waiter *w, struct log_batch *b)
{
	if (spa_is_lost(zl->spa))
		return (-EIO);
	if (is_stalled(zl) || spa_is_suspended(zl->spa))
		return (all_by_txg(w));
	if (!has_records(zl))
		return (0);
	if (!zl->has_log) {
		(void)chain_start(zl); /* no room: perhaps in the next txg */
		stall(zl);
		return (all_by_txg(w));
	}
	return (write_group(zl, w, b) != 0 ? give_up(zl, w) : 0);
}

static void
flush_group(struct zilog *zl, struct commit_waiter *w, struct log_batch *b)
{
	int rc = chain_flush(zl, b);

	spa_io_end(zl->spa);
	spa_enter(zl->spa);
	chain_end(zl, b);
	if (rc != 0)
		(void)give_up(zl, w);
	spa_exit(zl->spa);
}

static void
sync_for(struct zilog *zl, struct commit_waiter *w)
{
	int rc = 0;

	spa_enter(zl->spa);
	if (spa_is_lost(zl->spa))
		rc = -EIO;
	else if (spa_is_dirty(zl->spa) || spa_is_suspended(zl->spa))
		rc = spa_sync(zl->spa, NULL);
	spa_exit(zl->spa);
	w->fn(rc, w->arg);
}

static void
answer(struct zilog *zl, struct commit_waiter *w, uint64_t txg, int rc)
{
	struct commit_waiter *next;

	for (; w != NULL; w = next) {
		next = w->next;
		if (rc != 0 || !w->by_txg)
			w->fn(rc, w->arg);
		else if (zl->sync != NULL)
			syncer_notify(zl->sync, txg, w->fn, w->arg);
		else
			sync_for(zl, w);
		free(w);
	}
}

static void
commit_group(struct zilog *zl, struct commit_waiter *w)
{
	struct log_batch b = {.v = NULL};
	uint64_t txg;
	int rc;

	spa_enter(zl->spa);
	rc = prepare_group(zl, w, &b);
	txg = spa_open_txg(zl->spa);
	if (b.n > 0)
		spa_io_begin(zl->spa);
	spa_exit(zl->spa);
	if (b.n > 0)
		flush_group(zl, w, &b);
	answer(zl, w, txg, rc);
}

/* All who wait; NULL: none, and we write no longer. */
static struct commit_waiter *
take_waiters(struct zilog *zl)
{
	struct commit_waiter *w;

	(void)pthread_mutex_lock(&zl->lock);
	w = zl->waiters;
	zl->waiters = NULL;
	zl->waiters_tail = &zl->waiters;
	zl->busy = w != NULL;
	(void)pthread_mutex_unlock(&zl->lock);
	return (w);
}

void
zil_commit(struct zilog *zl, uint64_t obj, zil_done_fn *fn, void *arg)
{
	struct commit_waiter *w = malloc(sizeof(*w));
	bool lead;

	if (w == NULL) {
		fn(-ENOMEM, arg);
		return;
	}
	*w = (struct commit_waiter){obj, fn, arg, false, NULL};
	(void)pthread_mutex_lock(&zl->lock);
	*zl->waiters_tail = w;
	zl->waiters_tail = &w->next;
	lead = !zl->busy;
	zl->busy = true;
	(void)pthread_mutex_unlock(&zl->lock);
	while (lead && (w = take_waiters(zl)) != NULL)
		commit_group(zl, w);
}

int
zil_commit_wait(struct zilog *zl, uint64_t obj)
{
	struct completion c = COMPLETION_INIT;

	zil_commit(zl, obj, completion_done, &c);
	return (completion_wait(&c));
}

/* --- opening and closing ------------------------------------------------------------------------ */

struct zilog *
zil_of(const struct objset *os)
{
	return (os->zil);
}

int
zil_open(struct dsl_dataset *ds, struct syncer *sync, struct zilog **out)
{
	struct objset *os;
	struct zilog *zl;
	int rc;

	if ((rc = dsl_objset(ds, &os)) != 0)
		return (rc);
	if ((*out = os->zil) != NULL) {
		os->zil->refs++;
		return (0);
	}
	if (zil_needs_replay(ds))
		return (-EBUSY);
	if ((rc = zil_destroy(os)) != 0)
		return (rc);
	if ((zl = calloc(1, sizeof(*zl))) == NULL)
		return (-ENOMEM);
	zl->spa = objset_spa(os);
	zl->os = os;
	zl->ds = ds;
	zl->sync = sync;
	zl->refs = 1;
	list_init(&zl->names);
	zl->lwb_tail = &zl->lwb;
	zl->waiters_tail = &zl->waiters;
	zl->next_open = zl->spa->zilogs;
	zl->spa->zilogs = zl;
	(void)pthread_mutex_init(&zl->lock, NULL);
	os->zil = zl;
	*out = zl;
	return (0);
}

/*
 * The blocks go in the open txg.  If power goes before that is durable, the log is still there with
 * all its records; after it, all of them are in the txg.
 */
void
zil_close(struct zilog *zl)
{
	struct zilog **p;

	if (zl == NULL || --zl->refs > 0)
		return;
	if (!zl->spa->readonly && !spa_is_suspended(zl->spa) && chain_destroy(zl) != 0)
		zl->has_log = false; /* its blocks leak: the space maps are damaged */
	for (p = &zl->spa->zilogs; *p != zl; p = &(*p)->next_open)
		;
	*p = zl->next_open;
	noted_unlink(zl);
	zl->os->zil = NULL;
	list_clean(&zl->names, UINT64_MAX);
	clean_files(zl, UINT64_MAX);
	while (zl->lwb != NULL) {
		struct lwb *w = zl->lwb;

		zl->lwb = w->next;
		free(w->copy);
		free(w);
	}
	(void)pthread_mutex_destroy(&zl->lock);
	free(zl);
}

/* --- what the pool tells ------------------------------------------------------------------------ */

void
zil_clean(struct spa *spa, uint64_t synced)
{
	struct zilog *zl, *next;

	for (zl = spa->noted_logs; zl != NULL; zl = next) {
		next = zl->noted_next;
		list_clean(&zl->names, synced);
		clean_files(zl, synced);
		if (!has_records(zl))
			noted_unlink(zl);
	}
}

/*
 * The chains are given up in the open txg, which has all that they hold; until it is durable they are found
 * on disk. The next commits wait for it, and get new chains.
 */
int
zil_begin_anew(struct spa *spa)
{
	int rc = 0;

	for (struct zilog *zl = spa->zilogs; rc == 0 && zl != NULL; zl = zl->next_open) {
		rc = chain_destroy(zl);
		stall(zl);
	}
	return (rc);
}

/* The contents were exchanged below us: what was noted is void, the log goes with the old contents. */
int
zil_abandon(struct zilog *zl)
{
	int rc;

	if (zl == NULL)
		return (0);
	list_clean(&zl->names, UINT64_MAX);
	clean_files(zl, UINT64_MAX);
	rc = chain_destroy(zl);
	stall(zl);
	return (rc);
}
