/* SPDX-License-Identifier: MIT */
/*
 * Log space maps: how newer OpenZFS writes the changes of all metaslabs of a txg into one object.
 *
 * Such a pool's metaslab maps are behind: for each metaslab an array in its vdev's ZAP says from which
 * txg on changes are only in the logs. To read it, the logs' entries are sorted to the metaslabs that
 * they concern and replayed behind their own maps. To write it, the engine's first txg writes every
 * such metaslab's map anew and drops all logs; from then on this pool is like one that has none,
 * and OpenZFS, when it takes the pool back, starts new logs. (An unflushed txg of 0 says that nothing
 * of the metaslab is in any log.)
 *
 * Entries count in 512-byte units from the vdev's start, whatever its ashift.
 */
#include <errno.h>
#include <stdlib.h>

#include "metaslab_impl.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"

#define LOG_ZAP "com.delphix:log_spacemap_zap"
#define UNFLUSHED "com.delphix:ms_unflushed_phys_txgs"
#define LOGS_MAX 100000u

/* --- the list of logs --- */

static int
by_txg(const void *a, const void *b)
{
	const struct log_map *x = a, *y = b;

	return (x->txg < y->txg ? -1 : x->txg > y->txg);
}

static int
add_log(struct metaslab_pool *mp, uint64_t txg, uint64_t object)
{
	struct log_map *list = realloc(mp->log, (mp->nlog + 1) * sizeof(*list));

	if (list == NULL || mp->nlog >= LOGS_MAX) {
		mp->log = list != NULL ? list : mp->log;
		return (list == NULL ? -ENOMEM : -EILSEQ);
	}
	mp->log = list;
	list[mp->nlog++] = (struct log_map){txg, object};
	return (0);
}

static int
list_logs(struct spa *spa, struct metaslab_pool *mp)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (mp->log_loaded)
		return (0);
	rc = zap_lookup(spa->mos, MOS_DIRECTORY, LOG_ZAP, 8, 1, &mp->log_zap);
	if (rc != 0) {
		mp->log_zap = 0;
		mp->log_loaded = rc == -ENOENT;
		return (rc == -ENOENT ? 0 : rc);
	}
	zap_cursor_init(&c, spa->mos, mp->log_zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if ((rc = add_log(mp, strtoull(ze.name, NULL, 16), ze.first)) != 0)
			break;
	}
	zap_cursor_fini(&c);
	if (rc != -ENOENT)
		return (rc);
	if (mp->nlog > 1)
		qsort(mp->log, mp->nlog, sizeof(*mp->log), by_txg);
	mp->log_loaded = true;
	return (0);
}

/* --- sorting entries to metaslabs --- */

struct sorter {
	struct vdev *top;
	const uint64_t *unflushed; /* per metaslab; NULL: 0 for all */
	uint64_t txg;
};

static int
add_delta(struct metaslab *ms, uint64_t off, uint64_t len, bool is_free)
{
	if (ms->nlog == ms->log_cap) {
		size_t cap = ms->log_cap != 0 ? 2 * ms->log_cap : 32;
		struct log_delta *p = realloc(ms->log, cap * sizeof(*p));

		if (p == NULL)
			return (-ENOMEM);
		ms->log = p;
		ms->log_cap = cap;
	}
	ms->log[ms->nlog++] = (struct log_delta){off, len, is_free};
	ms->log_alloc += is_free ? -(int64_t)len : (int64_t)len;
	return (0);
}

static int
sort_entry(void *arg, const struct space_entry *en)
{
	struct sorter *s = arg;
	struct metaslab *ms;

	if (en->vdev != s->top->id)
		return (0);
	if ((ms = metaslab_at(s->top, en->off)) == NULL)
		return (-EILSEQ);
	if (s->unflushed != NULL && s->txg < s->unflushed[ms->id])
		return (0);
	if (en->len > ms->size - (en->off - ms->start))
		return (-EILSEQ);
	return (add_delta(ms, en->off - ms->start, en->len, en->is_free));
}

static int
read_unflushed(struct spa *spa, struct vdev *top, uint64_t **out)
{
	uint64_t object, *v;
	int rc;

	*out = NULL;
	if (top->zap_top == 0)
		return (0);
	rc = zap_lookup(spa->mos, top->zap_top, UNFLUSHED, 8, 1, &object);
	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((v = calloc(top->mg->n, sizeof(*v))) == NULL)
		return (-ENOMEM);
	if ((rc = dmu_read(spa->mos, object, 0, top->mg->n * sizeof(*v), v)) != 0) {
		free(v);
		return (rc);
	}
	*out = v;
	return (0);
}

int
metaslab_log_attach(struct spa *spa, struct vdev *top)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);
	uint64_t *unflushed = NULL;
	int rc = list_logs(spa, mp);

	if (rc == 0 && mp->nlog > 0)
		rc = read_unflushed(spa, top, &unflushed);
	for (size_t i = 0; rc == 0 && i < mp->nlog; i++) {
		struct sorter s = {top, unflushed, mp->log[i].txg};
		struct space_map sm;

		rc = space_map_open(spa->mos, mp->log[i].object, &sm);
		if (rc == 0)
			rc = space_map_iterate(spa->mos, &sm, SECTOR_SHIFT, sort_entry, &s);
	}
	free(unflushed);
	return (rc);
}

/* --- taking over --- */

/* Everything that the logs say goes into the metaslabs' own maps with this txg. */
static int
absorb_group(struct spa *spa, struct vdev *top)
{
	static const uint64_t never;
	uint64_t object;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < top->mg->n; i++) {
		struct metaslab *ms = &top->mg->ms[i];

		if (ms->nlog == 0)
			continue;
		if ((rc = metaslab_load(spa, top, ms)) != 0)
			return (rc);
		ms->rewrite = true;
		ms->nlog = 0;
		ms->log_alloc = 0;
	}
	if (top->zap_top == 0 ||
	    zap_lookup(spa->mos, top->zap_top, UNFLUSHED, 8, 1, &object) != 0)
		return (rc);
	for (size_t i = 0; rc == 0 && i < top->mg->n; i++)
		rc = dmu_write(spa->mos, object, i * sizeof(never), sizeof(never), &never);
	return (rc);
}

static int
drop_log(struct spa *spa, const struct metaslab_pool *mp, const struct log_map *log)
{
	struct space_map sm;
	int rc = space_map_open(spa->mos, log->object, &sm);

	if (rc == 0)
		rc = space_map_destroy(spa->mos, &sm);
	if (rc == 0)
		rc = zap_remove_int(spa->mos, mp->log_zap, log->txg);
	return (rc);
}

int
metaslab_log_retire(struct spa *spa)
{
	struct metaslab_pool *mp = metaslab_pool_of(spa);
	int rc = 0;

	if (mp == NULL || mp->nlog == 0)
		return (mp == NULL ? -ENOMEM : 0);
	for (size_t i = 0; rc == 0 && i < spa->root->nchild; i++) {
		if (spa->root->child[i]->mg != NULL)
			rc = absorb_group(spa, spa->root->child[i]);
	}
	for (size_t i = 0; rc == 0 && i < mp->nlog; i++)
		rc = drop_log(spa, mp, &mp->log[i]);
	if (rc == 0)
		mp->nlog = 0;
	return (rc);
}
