/* SPDX-License-Identifier: MIT */
/*
 * Deadlists: which blocks a dataset no longer uses but its earlier snapshots may.
 *
 *	        S1 @10        S2 @20        S3 @30        head
 *	deadlist of S2: died between S1 and S2     of head: died since S3
 *	                                           keys 0, 1, 10, 20 (not 30)
 *
 * A block that was born before the newest snapshot and is dropped goes on the head's list.  Lists
 * are kept apart by birth: the entry with key k holds births in (k, next key].  So destroying a
 * snapshot never looks at single blocks: whole entries of the next dataset's list are free (born
 * after the snapshot before), the others are merged.
 *
 * On disk a zap of key -> bpobj whose bonus has the sums; in memory a sorted array, loaded when the
 * deadlist is opened.
 *
 * Invariants:
 *  1. Keys ascend strictly; the first is 0.
 *  2. The bonus sums equal those of the bpobjs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpobj.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"

#define DEADLIST_BONUS 320u

struct deadlist_phys {
	uint64_t used, comp, uncomp, pad[37];
};
_Static_assert(sizeof(struct deadlist_phys) == DEADLIST_BONUS, "deadlist header");

static struct deadlist_phys *
dl_phys(const struct deadlist *dl)
{
	return (dbuf_data(dl->bonus));
}

static int
dl_account(struct deadlist *dl, const struct space_sum *sum, int sign)
{
	int rc = dbuf_dirty(dl->bonus);

	if (rc != 0)
		return (rc);
	dl_phys(dl)->used += (uint64_t)(sign * sum->used);
	dl_phys(dl)->comp += (uint64_t)(sign * sum->comp);
	dl_phys(dl)->uncomp += (uint64_t)(sign * sum->uncomp);
	return (0);
}

/* The first entry with key >= mintxg; n when there is none. */
static size_t
dl_lower_bound(const struct deadlist *dl, uint64_t mintxg)
{
	size_t lo = 0, hi = dl->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (dl->entry[mid].mintxg < mintxg)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static int
dl_grow(struct deadlist *dl)
{
	size_t room = dl->room == 0 ? 8 : 2 * dl->room;
	struct deadlist_entry *p;

	if (dl->n < dl->room)
		return (0);
	if ((p = realloc(dl->entry, room * sizeof(*p))) == NULL)
		return (-ENOMEM);
	dl->entry = p;
	dl->room = room;
	return (0);
}

static int
dl_insert_at(struct deadlist *dl, size_t i, uint64_t mintxg, uint64_t bpobj)
{
	int rc = dl_grow(dl);

	if (rc != 0)
		return (rc);
	memmove(&dl->entry[i + 1], &dl->entry[i], (dl->n - i) * sizeof(dl->entry[0]));
	dl->entry[i] = (struct deadlist_entry){mintxg, bpobj};
	dl->n++;
	return (0);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int
key_parse(const char *s, uint64_t *key)
{
	char *end;

	errno = 0;
	*key = strtoull(s, &end, 16);
	return (*s == '\0' || *end != '\0' || errno != 0 ? -EILSEQ : 0);
}

static int
entry_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct deadlist_entry *)a)->mintxg;
	uint64_t y = ((const struct deadlist_entry *)b)->mintxg;

	return (x < y ? -1 : x > y);
}

static int
dl_load(struct deadlist *dl)
{
	struct zap_cursor c;
	struct zap_entry ze;
	uint64_t key;
	size_t i;
	int rc;

	zap_cursor_init(&c, dl->spa->mos, dl->obj, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if ((rc = key_parse(ze.name, &key)) != 0 ||
		    (rc = dl_insert_at(dl, dl->n, key, ze.first)) != 0)
			break;
	}
	zap_cursor_fini(&c);
	if (rc != -ENOENT)
		return (rc);
	if (dl->n > 0)
		qsort(dl->entry, dl->n, sizeof(dl->entry[0]), entry_compare);
	for (i = 1; i < dl->n; i++) {
		if (dl->entry[i].mintxg == dl->entry[i - 1].mintxg)
			return (-EILSEQ);
	}
	return (0);
}

int
deadlist_open(struct spa *spa, uint64_t obj, struct deadlist *dl)
{
	struct dmu_info info;
	int rc;

	memset(dl, 0, sizeof(*dl));
	dl->spa = spa;
	dl->obj = obj;
	if ((rc = dmu_object_info(spa->mos, obj, &info)) != 0)
		return (rc);
	if (info.type == OT_BPOBJ)
		return (-ENOTSUP); /* the form before version 26 */
	if (info.type != OT_DEADLIST || info.bonus_len < DEADLIST_BONUS)
		return (-EILSEQ);
	if ((rc = dmu_bonus_hold(spa->mos, obj, &dl->bonus)) != 0)
		return (rc);
	if ((rc = dl_load(dl)) != 0)
		deadlist_close(dl);
	return (rc);
}

void
deadlist_close(struct deadlist *dl)
{
	if (dl->bonus != NULL)
		dbuf_rele(dl->bonus);
	free(dl->entry);
	memset(dl, 0, sizeof(*dl));
}

int
deadlist_create(struct spa *spa, uint64_t *obj)
{
	return (zap_create(spa->mos, OT_DEADLIST, OT_DEADLIST_HDR, DEADLIST_BONUS, obj));
}

int
deadlist_destroy(struct spa *spa, uint64_t obj)
{
	struct deadlist dl;
	size_t i;
	int rc;

	if ((rc = deadlist_open(spa, obj, &dl)) != 0)
		return (rc);
	for (i = 0; i < dl.n && rc == 0; i++)
		rc = bpobj_release(spa, dl.entry[i].bpobj);
	deadlist_close(&dl);
	return (rc != 0 ? rc : zap_destroy(spa->mos, obj));
}

/* --- sums ------------------------------------------------------------------------------------- */

void
deadlist_space(const struct deadlist *dl, struct space_sum *sum)
{
	const struct deadlist_phys *p = dl_phys(dl);

	*sum = (struct space_sum){(int64_t)p->used, (int64_t)p->comp, (int64_t)p->uncomp};
}

int
deadlist_space_range(const struct deadlist *dl, uint64_t min, uint64_t max, struct space_sum *sum)
{
	size_t i;

	*sum = (struct space_sum){0, 0, 0};
	for (i = dl_lower_bound(dl, min); i < dl->n && dl->entry[i].mintxg < max; i++) {
		struct space_sum s;
		int rc = bpobj_space(dl->spa, dl->entry[i].bpobj, &s);

		if (rc != 0)
			return (rc);
		space_add(sum, &s, 1);
	}
	return (0);
}

/* --- changing --------------------------------------------------------------------------------- */

static int
dl_point(struct deadlist *dl, size_t i, uint64_t bpobj)
{
	dl->entry[i].bpobj = bpobj;
	return (zap_update_int(dl->spa->mos, dl->obj, dl->entry[i].mintxg, bpobj));
}

/* An entry about to get content must not be the shared empty list. */
static int
dl_own(struct deadlist *dl, size_t i)
{
	uint64_t old = dl->entry[i].bpobj, obj;
	int rc;

	if (!bpobj_is_shared(dl->spa, old))
		return (0);
	if ((rc = bpobj_alloc(dl->spa, &obj)) != 0 || (rc = bpobj_release(dl->spa, old)) != 0)
		return (rc);
	return (dl_point(dl, i, obj));
}

/* The entry for a birth: the greatest key below it. */
static int
dl_entry_of(const struct deadlist *dl, uint64_t birth, size_t *i)
{
	size_t at = dl_lower_bound(dl, birth);

	if (at == 0)
		return (-EILSEQ);
	*i = at - 1;
	return (0);
}

static int
dl_insert_run(struct deadlist *dl, size_t i, const struct blkptr *bps, size_t n)
{
	struct space_sum sum = {0, 0, 0};
	size_t k;
	int rc;

	for (k = 0; k < n; k++) {
		struct space_sum s = space_of_bp(dl->spa, &bps[k]);

		space_add(&sum, &s, 1);
	}
	if ((rc = dl_own(dl, i)) != 0 || (rc = bpobj_add(dl->spa, dl->entry[i].bpobj, bps, n)) != 0)
		return (rc);
	return (dl_account(dl, &sum, 1));
}

/* Runs of neighbours that belong to one entry are written at once: sort by birth for long runs. */
int
deadlist_insert(struct deadlist *dl, const struct blkptr *bps, size_t n)
{
	size_t at, next, run;
	int rc;

	for (; n > 0; bps += run, n -= run) {
		if ((rc = dl_entry_of(dl, bp_birth(bps), &at)) != 0)
			return (rc);
		for (run = 1; run < n; run++) {
			if (dl_entry_of(dl, bp_birth(bps + run), &next) != 0 || next != at)
				break;
		}
		if ((rc = dl_insert_run(dl, at, bps, run)) != 0)
			return (rc);
	}
	return (0);
}

int
deadlist_add_key(struct deadlist *dl, uint64_t mintxg)
{
	size_t i = dl_lower_bound(dl, mintxg);
	uint64_t bpobj;
	int rc;

	if (i < dl->n && dl->entry[i].mintxg == mintxg)
		return (0);
	if ((rc = bpobj_alloc_empty(dl->spa, 1, &bpobj)) != 0 ||
	    (rc = zap_add_int(dl->spa->mos, dl->obj, mintxg, bpobj)) != 0)
		return (rc);
	return (dl_insert_at(dl, i, mintxg, bpobj));
}

static void
dl_forget(struct deadlist *dl, size_t i)
{
	dl->n--;
	memmove(&dl->entry[i], &dl->entry[i + 1], (dl->n - i) * sizeof(dl->entry[0]));
}

/* Append list `bpobj` to entry i and own it. */
static int
dl_append_list(struct deadlist *dl, size_t i, uint64_t bpobj)
{
	uint64_t mine = dl->entry[i].bpobj;
	int rc;

	if (bpobj_is_empty(dl->spa, bpobj))
		return (bpobj_release(dl->spa, bpobj));
	if (bpobj_is_empty(dl->spa, mine)) {
		if ((rc = bpobj_release(dl->spa, mine)) != 0)
			return (rc);
		return (dl_point(dl, i, bpobj));
	}
	return (bpobj_add_subobj(dl->spa, mine, bpobj));
}

int
deadlist_remove_key(struct deadlist *dl, uint64_t mintxg)
{
	size_t i = dl_lower_bound(dl, mintxg);
	int rc;

	if (i == dl->n || dl->entry[i].mintxg != mintxg)
		return (0);
	if (i == 0)
		return (-EILSEQ);
	if ((rc = dl_append_list(dl, i - 1, dl->entry[i].bpobj)) != 0)
		return (rc);
	dl_forget(dl, i);
	return (zap_remove_int(dl->spa->mos, dl->obj, mintxg));
}

/* A new deadlist with the first n keys; *lists (malloc'ed) are its empty bpobjs. */
static int
dl_clone_keys(const struct deadlist *dl, size_t n, uint64_t *obj, uint64_t **lists)
{
	uint64_t *keys = malloc((n + 1) * sizeof(*keys));
	size_t i;
	int rc;

	*lists = malloc((n + 1) * sizeof(**lists));
	rc = keys != NULL && *lists != NULL ? 0 : -ENOMEM;
	for (i = 0; rc == 0 && i < n; i++)
		keys[i] = dl->entry[i].mintxg;
	if (rc == 0 && (rc = deadlist_create(dl->spa, obj)) == 0 &&
	    (rc = bpobj_alloc_empty(dl->spa, n, *lists)) == 0)
		rc = zap_fill_ints(dl->spa->mos, *obj, keys, *lists, n);
	free(keys);
	return (rc);
}

int
deadlist_clone(const struct deadlist *dl, uint64_t maxtxg, uint64_t *obj)
{
	uint64_t *lists;
	int rc = dl_clone_keys(dl, dl_lower_bound(dl, maxtxg), obj, &lists);

	free(lists);
	return (rc);
}

int
deadlist_start_anew(struct deadlist *dl)
{
	struct dbuf *bonus;
	uint64_t *lists, obj;
	size_t i;
	int rc = dl_clone_keys(dl, dl->n, &obj, &lists);

	if (rc == 0 && (rc = dmu_bonus_hold(dl->spa->mos, obj, &bonus)) == 0) {
		dbuf_rele(dl->bonus);
		dl->bonus = bonus;
		dl->obj = obj;
		for (i = 0; i < dl->n; i++)
			dl->entry[i].bpobj = lists[i];
	}
	free(lists);
	return (rc);
}

int
deadlist_move(struct deadlist *dl, uint64_t min, uint64_t to, struct space_sum *moved)
{
	size_t first = dl_lower_bound(dl, min), i;
	int rc;

	if ((rc = deadlist_space_range(dl, min, UINT64_MAX, moved)) != 0)
		return (rc);
	for (i = first; i < dl->n; i++) {
		if ((rc = bpobj_add_subobj(dl->spa, to, dl->entry[i].bpobj)) != 0 ||
		    (rc = zap_remove_int(dl->spa->mos, dl->obj, dl->entry[i].mintxg)) != 0)
			return (rc);
	}
	dl->n = first;
	return (dl_account(dl, moved, -1));
}

/* A list of births above mintxg joins the entry that holds these. */
static int
dl_merge_entry(struct deadlist *dl, const struct deadlist_entry *e)
{
	size_t i = dl_lower_bound(dl, e->mintxg);
	struct space_sum sum;
	int rc;

	if (i == dl->n || dl->entry[i].mintxg != e->mintxg) {
		if (i == 0)
			return (-EILSEQ);
		i--;
	}
	if ((rc = bpobj_space(dl->spa, e->bpobj, &sum)) != 0 || (rc = dl_account(dl, &sum, 1)) != 0)
		return (rc);
	return (dl_append_list(dl, i, e->bpobj));
}

int
deadlist_merge(struct deadlist *dl, uint64_t other)
{
	struct deadlist od;
	size_t i;
	int rc;

	if ((rc = deadlist_open(dl->spa, other, &od)) != 0)
		return (rc);
	for (i = 0; i < od.n && rc == 0; i++)
		rc = dl_merge_entry(dl, &od.entry[i]);
	deadlist_close(&od);
	return (rc != 0 ? rc : zap_destroy(dl->spa->mos, other));
}

int
deadlist_clear(struct deadlist *dl)
{
	struct space_sum sum;
	size_t i;
	int rc;

	deadlist_space(dl, &sum);
	if ((rc = dl_account(dl, &sum, -1)) != 0)
		return (rc);
	for (i = 0; i < dl->n; i++) {
		uint64_t old = dl->entry[i].bpobj, obj;

		if (bpobj_is_empty(dl->spa, old))
			continue;
		if ((rc = bpobj_alloc_empty(dl->spa, 1, &obj)) != 0 ||
		    (rc = dl_point(dl, i, obj)) != 0 || (rc = bpobj_release(dl->spa, old)) != 0)
			return (rc);
	}
	return (0);
}
