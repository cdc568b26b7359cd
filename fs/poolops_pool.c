/* SPDX-License-Identifier: MIT */
/* Operations on the pool itself: properties, history, sync, and its end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "ddt.h"
#include "poolops_impl.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/pool_props.h"
#include "smartbox/fs/tender.h"

enum { VALUE_MAX = 1024, FRAG_UNKNOWN = 100 /* more is no percentage */ };

struct value {
	struct pool_session *s;
	struct space_stats st;
	bool raw;
	char text[VALUE_MAX];
	const char *source;
};

static void
put_number(struct value *v, uint64_t n)
{
	if (v->raw)
		(void)snprintf(v->text, sizeof(v->text), "%" PRIu64, n);
	else
		units_format_count(v->text, sizeof(v->text), n);
}

static void
put_percent(struct value *v, uint64_t n)
{
	(void)snprintf(v->text, sizeof(v->text), "%" PRIu64 "%s", n, v->raw ? "" : "%");
}

static void
put_dedupratio(struct value *v)
{
	struct ddt_totals t;
	uint64_t ratio;

	ddt_totals(v->s->spa, &t);
	ratio = t.dsize == 0 ? 100 : t.ref_dsize * 100 / t.dsize;
	(void)snprintf(v->text, sizeof(v->text), "%" PRIu64 ".%02" PRIu64 "%s", ratio / 100,
	    ratio % 100, v->raw ? "" : "x");
}

static const char *
health(struct spa *spa)
{
	return (spa_is_suspended(spa) ? "SUSPENDED" : vdev_state_name(spa_root_vdev(spa)->state));
}

/* Numbers that are computed; false: not one of them. */
static bool
put_statistic(struct value *v, const char *name)
{
	const struct space_stats *st = &v->st;

	if (strcmp(name, "size") == 0)
		put_number(v, st->size);
	else if (strcmp(name, "allocated") == 0)
		put_number(v, st->alloc);
	else if (strcmp(name, "free") == 0)
		put_number(v, st->size - st->alloc);
	else if (strcmp(name, "capacity") == 0)
		put_percent(v, st->size != 0 ? st->alloc * 100 / st->size : 0);
	else if (strcmp(name, "fragmentation") == 0 && st->frag_percent <= FRAG_UNKNOWN)
		put_percent(v, st->frag_percent);
	else if (strcmp(name, "freeing") == 0 || strcmp(name, "leaked") == 0)
		put_number(v, 0);
	else if (strcmp(name, "checkpoint") == 0 && checkpoint_is_there(v->s->spa))
		put_number(v, checkpoint_bytes(v->s->spa));
	else if (strcmp(name, "expandsize") == 0 || strcmp(name, "checkpoint") == 0 ||
	    strcmp(name, "fragmentation") == 0)
		(void)snprintf(v->text, sizeof(v->text), "-");
	else if (strcmp(name, "dedupratio") == 0)
		put_dedupratio(v);
	else
		return (false);
	return (true);
}

/* Identity and state; false: not one of them. */
static bool
put_identity(struct value *v, const char *name)
{
	struct spa *spa = v->s->spa;

	if (strcmp(name, "name") == 0)
		(void)snprintf(v->text, sizeof(v->text), "%s", spa_name(spa));
	else if (strcmp(name, "health") == 0)
		(void)snprintf(v->text, sizeof(v->text), "%s", health(spa));
	else if (strcmp(name, "guid") == 0)
		(void)snprintf(v->text, sizeof(v->text), "%" PRIu64, spa_guid(spa));
	else if (strcmp(name, "load_guid") == 0)
		(void)snprintf(v->text, sizeof(v->text), "%" PRIu64, v->s->load_guid);
	else if (strcmp(name, "readonly") == 0)
		(void)snprintf(v->text, sizeof(v->text), "%s", spa_is_readonly(spa) ? "on" : "off");
	else
		return (false);
	return (true);
}

/* What was set, or the default. */
static void
put_setting(struct value *v, const char *name, const char *def)
{
	v->source = "local";
	if (strcmp(name, "altroot") == 0 && v->s->altroot[0] != '\0')
		(void)snprintf(v->text, sizeof(v->text), "%s", v->s->altroot);
	else if (strcmp(name, "altroot") == 0 ||
	    spa_prop_get(v->s->spa, name, v->text, sizeof(v->text)) != 0 || v->text[0] == '\0') {
		v->source = "default";
		(void)snprintf(v->text, sizeof(v->text), "%s", def != NULL ? def : "-");
	} else if (def != NULL && strcmp(v->text, def) == 0) {
		v->source = "default";
	}
}

static void
put_triple(struct buf *b, const char *name, const char *value, const char *source)
{
	buf_add(b, name, strlen(name) + 1);
	buf_add(b, value, strlen(value) + 1);
	buf_add(b, source, strlen(source) + 1);
}

struct feature_walk {
	struct buf *rows;
	const char *only; /* NULL: all */
	bool found;
};

static void
put_feature(const char *guid, const char *name, char state, void *arg)
{
	struct feature_walk *w = arg;
	char prop[128];

	(void)guid;
	(void)snprintf(prop, sizeof(prop), "feature@%s", name);
	if (w->only != NULL && strcmp(w->only, prop) != 0)
		return;
	w->found = true;
	put_triple(w->rows, prop,
	    state == 'a' ? "active" : state == 'e' ? "enabled" : "disabled", "local");
}

static int
put_prop(struct value *v, const char *name, struct buf *rows, struct err *e)
{
	const struct pool_prop *p = pool_prop_find(name);

	if (p == NULL) {
		struct feature_walk w = {rows, name, false};

		spa_feature_walk(v->s->spa, put_feature, &w);
		return (w.found ? 0 : err_set(e, EINVAL, "invalid property '%s'", name));
	}
	v->source = "-";
	if (!put_statistic(v, p->name) && !put_identity(v, p->name))
		put_setting(v, p->name, p->def);
	put_triple(rows, p->name, v->text, v->source);
	return (0);
}

static int
put_all(struct value *v, struct buf *rows, struct err *e)
{
	struct feature_walk w = {rows, NULL, false};
	const struct pool_prop *p;
	int rc = 0;

	for (size_t i = 0; (p = pool_prop_at(i)) != NULL && rc == 0; i++)
		if ((p->attr & POOL_PROP_HIDDEN) == 0)
			rc = put_prop(v, p->name, rows, e);
	spa_feature_walk(v->s->spa, put_feature, &w);
	return (rc);
}

/*
 * in: [props] (strings; none: all), flag raw
 * out: rows (bytes): name, value, source of each, NUL terminated
 */
int
op_pool_props(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct value *v = calloc(1, sizeof(*v));
	struct buf rows = BUF_INIT;
	const char *const *names = NULL;
	size_t n = 0;
	int rc = 0;

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	v->s = s;
	v->raw = arg_flag(in, "raw");
	(void)nv_get_str_array(in, "props", &names, &n);
	spa_enter(s->spa);
	metaslab_stats(s->spa, &v->st);
	if (n == 0)
		rc = put_all(v, &rows, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = put_prop(v, names[i], &rows, e);
	spa_exit(s->spa);
	if (rc == 0 && (buf_failed(&rows) || nv_add_bytes(out, "rows", rows.data, rows.len) != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	buf_free(&rows);
	free(v);
	return (rc);
}

/* in: prop, value */
int
op_pool_set(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *prop, *value;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "prop", &prop, e)) != 0 || (rc = arg_str(in, "value", &value, e)) != 0 ||
	    (rc = pool_prop_check(prop, value, false, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = spa_prop_set(s->spa, prop, value, e)) == 0)
		history_event(s, "set", NULL, "%s=%s", prop, value);
	if (rc == 0)
		rc = spa_sync(s->spa, e);
	spa_exit(s->spa);
	return (rc);
}

struct record_list {
	struct nvlist **v;
	size_t n, cap;
};

static int
add_record(const struct nvlist *rec, void *arg)
{
	struct record_list *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? 2 * l->cap : 64;
		struct nvlist **v = realloc(l->v, cap * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		l->v = v;
		l->cap = cap;
	}
	if ((l->v[l->n] = nv_dup(rec)) == NULL)
		return (-ENOMEM);
	l->n++;
	return (0);
}

/* out: records (nvlists as in the pool) */
int
op_pool_history(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	struct record_list l = {NULL, 0, 0};
	int rc;

	(void)in;
	spa_enter(s->spa);
	rc = spa_history_read(s->spa, add_record, &l);
	spa_exit(s->spa);
	if (rc == 0 && l.n != 0)
		rc = nv_add_nvlist_array(out, "records", l.v, l.n);
	for (size_t i = 0; i < l.n; i++)
		nv_free(l.v[i]);
	free(l.v);
	return (err_rc(e, rc, "cannot read the history"));
}

static int
scrub_command(struct spa *spa, const struct nvlist *in, struct err *e)
{
	int rc;

	if (nv_has(in, "stop"))
		rc = scrub_cancel(spa);
	else if (nv_has(in, "pause"))
		rc = scrub_pause(spa);
	else
		return (scrub_start(spa, e));
	if (rc == -ECANCELED)
		return (err_set(e, ECANCELED, "scrub is paused; use 'zpool scrub' to resume"));
	return (rc == -ENOENT ? err_set(e, ENOENT, "there is no active scrub") : 0);
}

/* flag stop: cancel the one that runs; pause; else start one, which goes on in the background */
int
op_pool_scrub(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)out;
	spa_enter(s->spa);
	if ((rc = scrub_command(s->spa, in, e)) == 0)
		rc = spa_sync_force(s->spa, e);
	spa_exit(s->spa);
	if (rc == 0)
		tender_wake(s->spa);
	return (rc);
}

int
op_pool_sync(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc = 0;

	(void)in;
	(void)out;
	if (s->sync != NULL)
		return (err_rc(e, syncer_flush(s->sync), "cannot sync"));
	spa_enter(s->spa);
	if (!spa_is_readonly(s->spa) && spa_is_dirty(s->spa))
		rc = spa_sync(s->spa, e);
	spa_exit(s->spa);
	return (rc);
}

/* All unmounted; then nothing but this thread uses the pool. */
static int
prepare_end(struct pool_session *s, const struct nvlist *in, bool force, struct err *e)
{
	int rc;

	if ((rc = volumes_release(s, NULL, force, e)) != 0)
		return (rc);
	if ((rc = unmount_tree(s, NULL, force, NULL, e)) != 0) {
		if (s->zvols != NULL)
			(void)zvol_server_update(s->zvols, NULL, NULL);
		return (rc);
	}
	if (!spa_is_readonly(s->spa)) {
		spa_enter(s->spa);
		history_command(s, in);
		spa_exit(s->spa);
	}
	if (s->quiesce != NULL)
		s->quiesce(s->arg);
	s->fuse = NULL;
	s->sync = NULL;
	s->zvols = NULL;
	return (0);
}

/* flag force */
int
op_pool_export(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc = prepare_end(s, in, arg_flag(in, "force"), e);

	(void)out;
	if (rc != 0)
		return (rc);
	s->is_over = true;
	if (!spa_is_readonly(s->spa))
		return (spa_export(s->spa, e));
	spa_close(s->spa);
	return (0);
}

/* flag force */
int
op_pool_destroy(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc = prepare_end(s, in, arg_flag(in, "force"), e);

	(void)out;
	if (rc != 0)
		return (rc);
	s->is_over = true;
	return (spa_destroy(s->spa, e));
}
