/* SPDX-License-Identifier: MIT */
/*
 * Metaslabs to disk: what a txg allocated and freed becomes records in the space maps.
 *
 * Space maps are objects of the meta objset, so writing them dirties blocks, whose new places are new
 * allocations. spa_sync calls metaslab_sync once per pass until it has nothing to write; that happens
 * because blocks that were born in this txg are rewritten in place (fs/zio_write.c).
 *
 * A map that has become much longer than what it says is written anew ("condensed"), only in the
 * first pass, from memory: what is allocated is what is in none of the free sets.
 *
 * A crash at any point: the records become part of the pool with the uberblock, like everything else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metaslab_impl.h"
#include "spa_impl.h"

#define ARRAY_BLOCK 4096u
#define CONDENSE_BYTES_MIN (32u << 10)

/* --- records --- */

struct recorder {
	struct space_words *w;
	unsigned shift;
	bool is_free;
};

/*
 * The changes that one call records. They are taken out of the metaslab first: what writing them
 * allocates and frees in this very metaslab is for the next pass.
 */
struct changes {
	struct range_tree allocating, freeing, undone;
};

static int
record_range(void *arg, uint64_t off, uint64_t size)
{
	struct recorder *r = arg;

	return (space_words_add(r->w, off, size, r->shift, r->is_free));
}

static int
record_set(struct space_words *w, const struct range_tree *t, unsigned shift, bool is_free,
    const struct spa *spa)
{
	struct recorder r = {w, shift, is_free};
	int rc;

	if (t->count == 0)
		return (0);
	if ((rc = space_words_debug(w, spa->txg, (unsigned)spa->pass, is_free)) != 0)
		return (rc);
	return (range_walk(t, record_range, &r));
}

/* --- condensing --- */

static int
remove_range(void *arg, uint64_t off, uint64_t size)
{
	return (range_remove(arg, off, size));
}

/* What is allocated when this txg is durable. */
static int
allocated_set(const struct metaslab *ms, const struct changes *c, struct range_tree *t)
{
	const struct range_tree *gone[] = {&ms->free, &c->freeing, &c->undone, &ms->freed,
	    &ms->defer[0], &ms->defer[1]};
	int rc = range_add(t, 0, ms->size);

	for (size_t i = 0; rc == 0 && i < sizeof(gone) / sizeof(gone[0]); i++)
		rc = range_walk(gone[i], remove_range, t);
	return (rc);
}

static bool
should_condense(const struct metaslab *ms, int pass)
{
	if (pass != 1 || !ms->loaded || ms->sm.object == 0)
		return (false);
	/* Between two free runs is an allocated one, mostly one word. */
	return (ms->rewrite || (ms->sm.length > CONDENSE_BYTES_MIN &&
	    ms->sm.length > 4 * 8 * (ms->free.count + 16)));
}

static int
condense(struct spa *spa, struct vdev *top, struct metaslab *ms, const struct changes *c,
    struct space_words *w)
{
	struct range_tree t = RANGE_TREE_INIT;
	int rc = allocated_set(ms, c, &t);

	if (rc == 0)
		rc = record_set(w, &t, top->ashift, false, spa);
	if (rc == 0)
		rc = space_map_truncate(spa->mos, &ms->sm);
	if (rc == 0)
		ms->sm.alloc = (int64_t)t.bytes;
	range_clear(&t);
	return (rc);
}

static int
append_changes(struct spa *spa, struct vdev *top, struct metaslab *ms, const struct changes *c,
    struct space_words *w)
{
	int rc;

	if ((rc = record_set(w, &c->allocating, top->ashift, false, spa)) != 0 ||
	    (rc = record_set(w, &c->freeing, top->ashift, true, spa)) != 0 ||
	    (rc = record_set(w, &c->undone, top->ashift, true, spa)) != 0)
		return (rc);
	ms->sm.alloc += (int64_t)c->allocating.bytes - (int64_t)c->freeing.bytes -
	    (int64_t)c->undone.bytes;
	return (0);
}

/* --- header --- */

static void
count_runs(uint64_t *bucket, unsigned shift, const struct range_tree *t)
{
	for (unsigned i = 0; i < RANGE_SIZES; i++) {
		unsigned at = i < shift ? 0 : i - shift;

		bucket[at < SPACE_BUCKETS ? at : SPACE_BUCKETS - 1] += t->runs[i];
	}
}

/* An unloaded metaslab keeps its old one: it is a hint. */
static void
make_histogram(const struct vdev *top, struct metaslab *ms)
{
	const struct range_tree *sets[] = {&ms->free, &ms->freed, &ms->defer[0], &ms->defer[1]};

	if (!ms->sm.has_histogram || !ms->loaded)
		return;
	memset(ms->sm.histogram, 0, sizeof(ms->sm.histogram));
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		count_runs(ms->sm.histogram, top->ashift, sets[i]);
}

/* --- one metaslab --- */

static int
add_range(void *arg, uint64_t off, uint64_t size)
{
	return (range_add(arg, off, size));
}

/* The records are written: the sets move on. */
static int
move_on(struct metaslab *ms, const struct changes *c)
{
	int rc = range_walk(&c->freeing, add_range, &ms->freed);

	if (rc == 0 && ms->loaded)
		rc = range_walk(&c->undone, add_range, &ms->free);
	return (rc);
}

static int
make_space_map(struct spa *spa, struct vdev *top, struct metaslab *ms)
{
	int rc;

	if (ms->sm.object != 0)
		return (0);
	if ((rc = space_map_create(spa->mos, &ms->sm)) != 0)
		return (rc);
	return (dmu_write(spa->mos, top->ms_array, ms->id * 8, 8, &ms->sm.object));
}

static int
write_changes(struct spa *spa, struct vdev *top, struct metaslab *ms, const struct changes *c,
    int pass)
{
	struct space_words w = {NULL, 0, 0};
	int rc = make_space_map(spa, top, ms);

	if (rc == 0 && should_condense(ms, pass))
		rc = condense(spa, top, ms, c, &w);
	else if (rc == 0)
		rc = append_changes(spa, top, ms, c, &w);
	if (rc == 0)
		rc = space_map_append(spa->mos, &ms->sm, &w);
	space_words_free(&w);
	if (rc == 0)
		rc = move_on(ms, c);
	if (rc != 0)
		return (rc);
	ms->rewrite = false;
	make_histogram(top, ms);
	return (space_map_write_header(spa->mos, &ms->sm));
}

static int
metaslab_write(struct spa *spa, struct vdev *top, struct metaslab *ms, int pass)
{
	struct changes c;
	int rc;

	range_move(&c.allocating, &ms->allocating);
	range_move(&c.freeing, &ms->freeing);
	range_move(&c.undone, &ms->undone);
	rc = write_changes(spa, top, ms, &c, pass);
	range_clear(&c.allocating);
	range_clear(&c.freeing);
	range_clear(&c.undone);
	return (rc);
}

static bool
has_changes(const struct metaslab *ms)
{
	return (ms->allocating.count != 0 || ms->freeing.count != 0 || ms->undone.count != 0 ||
	    ms->rewrite);
}

/* --- groups --- */

/* The array of space map objects, and the places of new metaslabs in it. */
static int
save_array(struct spa *spa, struct vdev *top)
{
	static const uint64_t none;
	int rc = 0;

	if (top->mg->saved == top->mg->n)
		return (0);
	if (top->ms_array == 0) {
		rc = dmu_object_alloc(spa->mos, OT_OBJECT_ARRAY, ARRAY_BLOCK, OT_NONE, 0,
		    &top->ms_array);
		spa->config_dirty = true;
	}
	for (size_t i = top->mg->saved; rc == 0 && i < top->mg->n; i++)
		rc = dmu_write(spa->mos, top->ms_array, i * 8, 8, &none);
	if (rc == 0)
		top->mg->saved = top->mg->n;
	return (rc);
}

static int
group_sync(struct spa *spa, struct vdev *top, int pass, bool *wrote)
{
	struct metaslab_group *mg = top->mg;
	int rc = 0;

	if (mg->saved != mg->n) {
		*wrote = true;
		rc = save_array(spa, top);
	}
	for (size_t i = 0; rc == 0 && i < mg->n; i++) {
		if (!has_changes(&mg->ms[i]))
			continue;
		*wrote = true;
		rc = metaslab_write(spa, top, &mg->ms[i], pass);
	}
	return (rc);
}

int
metaslab_group_destroy(struct spa *spa, struct vdev *top)
{
	struct metaslab_group *mg = top->mg;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < mg->n; i++) {
		if (mg->ms[i].sm.object != 0)
			rc = space_map_destroy(spa->mos, &mg->ms[i].sm);
	}
	if (rc == 0 && top->ms_array != 0)
		rc = dmu_object_free(spa->mos, top->ms_array);
	if (rc != 0)
		return (rc);
	top->ms_array = 0;
	metaslab_group_free(top);
	return (0);
}

int
metaslab_sync(struct spa *spa, uint64_t txg, int pass)
{
	bool wrote = false;
	int rc = 0;

	(void)txg;
	if (pass == 1)
		rc = metaslab_log_retire(spa);
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++) {
		if (spa->root->child[i]->mg != NULL)
			rc = group_sync(spa, spa->root->child[i], pass, &wrote);
	}
	return (rc != 0 ? rc : wrote);
}

#define TRIM_BYTES_MIN (32u << 10) /* less is not worth a command, as with OpenZFS */
#define TRIM_RANGES_MAX 4096u

/* What cannot be noted is not discarded now; a trim will find it. */
static int
note_trim(void *arg, uint64_t off, uint64_t size)
{
	struct range_tree *trim = arg;

	if (size >= TRIM_BYTES_MIN && trim->count < TRIM_RANGES_MAX && !range_overlaps(trim, off, size))
		(void)range_add(trim, off, size);
	return (0);
}

static void
age(const struct spa *spa, struct metaslab *ms, uint64_t txg)
{
	struct range_tree *slot = &ms->defer[txg % TXG_DEFER];

	if (ms->loaded && spa->autotrim)
		(void)range_walk(slot, note_trim, &ms->trim);

	if (ms->loaded && range_walk(slot, add_range, &ms->free) != 0)
		ms->broken = true; /* no memory for a set: what it lost is only known on disk */
	range_clear(slot);
	range_move(slot, &ms->freed);
}

void
metaslab_sync_done(struct spa *spa, uint64_t txg)
{
	for (size_t i = 0; i < spa->root->nchild; i++) {
		struct metaslab_group *mg = spa->root->child[i]->mg;

		for (size_t k = 0; mg != NULL && k < mg->n; k++) {
			struct metaslab *ms = &mg->ms[k];

			if (ms->freed.count != 0 || ms->defer[txg % TXG_DEFER].count != 0)
				age(spa, ms, txg);
		}
	}
}
