/* SPDX-License-Identifier: MIT */
/*
 * Operations on an open pool: the table, and what all of them use.
 *
 * Locks, in this order:
 *	1. session->alive	shared by every operation; alone by the one that closes the pool
 *	2. session->changing	one changing operation at a time, from its first look to its answer
 *	3. the pool's lock	(spa_enter) only around calls of the engine
 *
 * Invariants:
 *	1. No path is resolved while the pool's lock is held: a mount point, or the way to it, may
 *	   lie in a filesystem that this very process serves.  Hence every operation with mounts
 *	   works in rounds: look under the lock, act on paths without it, look again.
 *	2. When a changing operation returns 0 its effect is on disk (the engine's sync tasks see
 *	   to that).  The line in the pool's history follows in the next txg and may be lost by a
 *	   power cut in between, as with OpenZFS.
 *	3. An operation that fails half way puts the mounts back as they were.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "events.h"
#include "poolops_impl.h"
#include "smartbox/core/uuid.h"
#include "smartbox/fs/names.h"

enum {
	CHANGES = 1,
	ENDS = 2,   /* the pool is closed when it returns 0; logs itself */
	ANYWAY = 4, /* also while another operation waits for devices in the middle of a sync */
};

static const struct poolop {
	const char *name;
	poolop_fn *run;
	unsigned flags;
} poolop_table[] = {
	{"pool.props", op_pool_props, ANYWAY},
	{"pool.status", op_pool_status, ANYWAY},
	{"pool.history", op_pool_history, 0},
	{"pool.sync", op_pool_sync, 0},
	{"pool.set", op_pool_set, CHANGES},
	{"pool.scrub", op_pool_scrub, CHANGES},
	{"pool.offline", op_pool_offline, CHANGES},
	{"pool.online", op_pool_online, CHANGES},
	{"pool.attach", op_pool_attach, CHANGES},
	{"pool.detach", op_pool_detach, CHANGES},
	{"pool.add", op_pool_add, CHANGES},
	{"pool.remove", op_pool_remove, CHANGES},
	{"pool.events", op_pool_events, ANYWAY},
	{"pool.clear", op_pool_clear, ANYWAY | CHANGES},
	{"pool.reopen", op_pool_reopen, CHANGES},
	{"pool.resilver", op_pool_resilver, CHANGES},
	{"pool.checkpoint", op_pool_checkpoint, CHANGES},
	{"pool.split", op_pool_split, CHANGES},
	{"pool.initialize", op_pool_initialize, CHANGES},
	{"pool.trim", op_pool_trim, CHANGES},
	{"pool.upgrade", op_pool_upgrade, CHANGES},
	{"pool.reguid", op_pool_reguid, CHANGES},
	{"pool.export", op_pool_export, CHANGES | ENDS},
	{"pool.destroy", op_pool_destroy, CHANGES | ENDS},
	{"fs.list", op_fs_list, 0},
	{"fs.userspace", op_fs_userspace, 0},
	{"fs.allow", op_fs_allow, CHANGES},
	{"fs.permissions", op_fs_permissions, 0},
	{"fs.create", op_fs_create, CHANGES},
	{"fs.clone", op_fs_clone, CHANGES},
	{"fs.rename", op_fs_rename, CHANGES},
	{"fs.set", op_fs_set, CHANGES},
	{"fs.inherit", op_fs_inherit, CHANGES},
	{"fs.snapshot", op_fs_snapshot, CHANGES},
	{"fs.destroy", op_fs_destroy, CHANGES},
	{"fs.destroy_snaps", op_fs_destroy_snaps, CHANGES},
	{"fs.rollback", op_fs_rollback, CHANGES},
	{"fs.vhost_user", op_fs_vhost_user, CHANGES},
	{"fs.bookmark", op_fs_bookmark, CHANGES},
	{"fs.destroy_bookmark", op_fs_destroy_bookmark, CHANGES},
	{"fs.hold", op_fs_hold, CHANGES},
	{"fs.release", op_fs_release, CHANGES},
	{"fs.holds", op_fs_holds, 0},
	{"fs.promote", op_fs_promote, CHANGES},
	{"fs.diff", op_fs_diff, CHANGES},
	{"fs.mount", op_fs_mount, CHANGES},
	{"fs.mount_all", op_fs_mount_all, CHANGES},
	{"fs.unmount", op_fs_unmount, CHANGES},
	{"fs.unmount_all", op_fs_unmount_all, CHANGES},
	{"fs.mounts", op_fs_mounts, 0},
	{"fs.activity", op_fs_activity, 0},
};

static const struct poolop *
find_op(const char *name)
{
	for (size_t i = 0; i < sizeof(poolop_table) / sizeof(poolop_table[0]); i++)
		if (strcmp(poolop_table[i].name, name) == 0)
			return (&poolop_table[i]);
	return (NULL);
}

int
poolops_changes(const char *op)
{
	const struct poolop *o = find_op(op);

	return (o == NULL ? -ENOSYS : (o->flags & CHANGES) != 0);
}

static int
run_change(struct pool_session *s, const struct poolop *o, const struct nvlist *in,
    struct nvlist *out, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&s->changing);
	rc = o->run(s, in, out, e);
	if ((o->flags & ENDS) == 0)
		volumes_follow(s, o->name, in, out, rc);
	if (rc == 0 && (o->flags & ENDS) == 0 && !arg_flag(in, "dryrun") &&
	    !spa_is_readonly(s->spa) && !spa_is_suspended(s->spa)) {
		spa_enter(s->spa);
		history_command(s, in);
		spa_exit(s->spa);
	}
	(void)pthread_mutex_unlock(&s->changing);
	return (rc);
}

/* On a read-only pool: what changes only the mounts. */
static bool
works_readonly(const struct poolop *o)
{
	return ((o->flags & CHANGES) == 0 || strncmp(o->name, "fs.mount", 8) == 0 ||
	    strncmp(o->name, "fs.unmount", 10) == 0 || strcmp(o->name, "pool.export") == 0 ||
	    strcmp(o->name, "fs.vhost_user") == 0);
}

/* What a pool that waits for its devices cannot do; with force an end does not wait for them. */
static int
check_suspended(struct pool_session *s, const struct poolop *o, const struct nvlist *in, struct err *e)
{
	bool changes = (o->flags & CHANGES) != 0 && !works_readonly(o);

	if (!spa_is_suspended(s->spa) || (o->flags & ANYWAY) != 0)
		return (0);
	if ((o->flags & ENDS) != 0 && arg_flag(in, "force")) {
		spa_abandon(s->spa);
		return (0);
	}
	if (!changes && (o->flags & ENDS) == 0 && !spa_is_stuck(s->spa))
		return (0);
	return (err_set(e, EAGAIN, "pool I/O is currently suspended"));
}

/* A pool is not closed under a stream, unless by force: then the stream ends. */
static int
stop_streams(struct pool_session *s, const struct nvlist *in, struct err *e)
{
	if (__atomic_load_n(&s->streams, __ATOMIC_SEQ_CST) == 0)
		return (0);
	if (!arg_flag(in, "force"))
		return (err_set(e, EBUSY, "pool is busy"));
	__atomic_store_n(&s->stop_streams, true, __ATOMIC_SEQ_CST);
	return (0);
}

int
poolops_call(struct pool_session *s, const char *op, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	const struct poolop *o = find_op(op);
	int rc;

	if (o == NULL)
		return (err_set(e, ENOSYS, "unknown operation '%s'", op));
	if ((rc = check_suspended(s, o, in, e)) != 0)
		return (rc);
	if ((o->flags & ENDS) && (rc = stop_streams(s, in, e)) != 0)
		return (rc);
	if (o->flags & ENDS)
		(void)pthread_rwlock_wrlock(&s->alive);
	else
		(void)pthread_rwlock_rdlock(&s->alive);
	if (s->is_over)
		rc = err_set(e, ENXIO, "no such pool");
	else if (spa_is_readonly(s->spa) && !works_readonly(o))
		rc = err_set(e, EROFS, "pool is read-only");
	else if ((o->flags & CHANGES) && !(o->flags & ANYWAY))
		rc = run_change(s, o, in, out, e);
	else
		rc = o->run(s, in, out, e);
	if (o->flags & ENDS)
		__atomic_store_n(&s->stop_streams, false, __ATOMIC_SEQ_CST);
	(void)pthread_rwlock_unlock(&s->alive);
	return (rc);
}

int
pool_session_new(const struct pool_session_opts *o, struct pool_session **out, struct err *e)
{
	struct pool_session *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->altroot = strdup(o->altroot != NULL ? o->altroot : "")) == NULL) {
		free(s);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	s->spa = o->spa;
	s->fuse = o->fuse;
	s->sync = o->sync;
	s->zvols = o->zvols;
	s->quiesce = o->quiesce;
	s->arg = o->arg;
	(void)pthread_mutex_init(&s->changing, NULL);
	(void)pthread_rwlock_init(&s->alive, NULL);
	random_bytes(&s->load_guid, sizeof(s->load_guid));
	s->opened = spa_now(s->spa, NULL);
	if (strcmp(s->altroot, "/") == 0)
		s->altroot[0] = '\0';
	*out = s;
	return (0);
}

void
pool_session_free(struct pool_session *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_destroy(&s->changing);
	(void)pthread_rwlock_destroy(&s->alive);
	free(s->altroot);
	free(s);
}

bool
pool_session_is_over(const struct pool_session *s)
{
	return (s->is_over);
}

int
strlist_add(struct strlist *l, const char *s)
{
	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? 2 * l->cap : 16;
		char **v = realloc(l->v, cap * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		l->v = v;
		l->cap = cap;
	}
	if ((l->v[l->n] = strdup(s)) == NULL)
		return (-ENOMEM);
	l->n++;
	return (0);
}

bool
strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return (true);
	return (false);
}

void
strlist_reverse(struct strlist *l)
{
	for (size_t i = 0, j = l->n; i + 1 < j; i++) {
		char *t = l->v[--j];

		l->v[j] = l->v[i];
		l->v[i] = t;
	}
}

void
strlist_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist)STRLIST_INIT;
}

int
strlist_to_nv(const struct strlist *l, struct nvlist *nv, const char *name)
{
	if (l->n == 0)
		return (0);
	return (nv_add_str_array(nv, name, (const char *const *)l->v, l->n));
}

int
arg_str(const struct nvlist *in, const char *name, const char **s, struct err *e)
{
	if (nv_get_str(in, name, s) != 0)
		return (err_set(e, EINVAL, "argument '%s' is missing", name));
	return (0);
}

bool
arg_flag(const struct nvlist *in, const char *name)
{
	return (nv_has(in, name));
}

int
ds_prop(struct dsl_dataset *ds, const char *prop, char *buf, size_t size)
{
	return (dsl_prop_text(ds, prop, true, buf, size, NULL, 0));
}

int
session_prop(struct pool_session *s, const char *name, const char *prop, char *buf, size_t size,
    struct err *e)
{
	struct dsl_dataset *ds;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		rc = err_rc(e, ds_prop(ds, prop, buf, size), "property '%s'", prop);
		dsl_rele(ds);
	}
	spa_exit(s->spa);
	return (rc);
}

bool
session_exists(struct pool_session *s, const char *name)
{
	struct dsl_dataset *ds;
	bool is_there;

	spa_enter(s->spa);
	if ((is_there = dsl_hold(s->spa, name, &ds, NULL) == 0))
		dsl_rele(ds);
	spa_exit(s->spa);
	return (is_there);
}

static int
collect_name(struct dsl_dataset *ds, void *arg)
{
	char name[DSL_NAME_MAX];

	dsl_name(ds, name);
	return (strlist_add(arg, name));
}

int
session_names(struct pool_session *s, const char *root, int depth, unsigned types,
    struct strlist *l, struct err *e)
{
	int rc;

	spa_enter(s->spa);
	rc = dsl_walk(s->spa, root, depth, types, collect_name, l, e);
	spa_exit(s->spa);
	return (rc);
}

struct by_guid {
	uint64_t guid;
	char *name;
};

static int
match_guid(struct dsl_dataset *ds, void *arg)
{
	struct by_guid *g = arg;

	if (dsl_guid(ds) != g->guid)
		return (0);
	dsl_name(ds, g->name);
	return (1);
}

bool
name_by_guid(struct spa *spa, const char *root, int depth, unsigned types, uint64_t guid,
    char name[DSL_NAME_MAX])
{
	struct by_guid g = {guid, name};

	return (dsl_walk(spa, root, depth, types, match_guid, &g, NULL) == 1);
}

/* What both kinds of record say: when, and on which machine. */
static struct nvlist *
history_record(struct pool_session *s)
{
	struct nvlist *r = nv_new();
	struct utsname u;

	if (r == NULL)
		return (NULL);
	(void)nv_add_u64(r, "history time", spa_now(s->spa, NULL));
	if (uname(&u) == 0)
		(void)nv_add_str(r, "history hostname", u.nodename);
	return (r);
}

void
history_command(struct pool_session *s, const struct nvlist *in)
{
	const char *line = nv_str_or(in, "history", NULL);
	struct nvlist *r = line != NULL ? history_record(s) : NULL;

	if (r == NULL)
		return;
	(void)nv_add_str(r, "history command", line);
	(void)nv_add_u64(r, "history who", nv_u64_or(in, "uid", 0));
	(void)nv_add_str(r, "history zone", "linux");
	(void)spa_history_log(s->spa, r);
	nv_free(r);
}

/* The same for zpool events, where the words are joined by underscores. */
static void
post_history(struct spa *spa, const struct nvlist *r)
{
	static const char *const map[][2] = {{"history hostname", "history_hostname"},
	    {"dsname", "history_dsname"}, {"history internal str", "history_internal_str"},
	    {"internal_name", "history_internal_name"}};
	struct nvlist *nv = nv_new();

	if (nv == NULL)
		return;
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (nv_has(r, map[i][0]))
			(void)nv_add_str(nv, map[i][1], nv_str_or(r, map[i][0], ""));
	if (nv_has(r, "dsid"))
		(void)nv_add_u64(nv, "history_dsid", nv_u64_or(r, "dsid", 0));
	(void)nv_add_u64(nv, "history_txg", nv_u64_or(r, "history txg", 0));
	(void)nv_add_u64(nv, "history_time", nv_u64_or(r, "history time", 0));
	events_post(spa, "sysevent.fs.zfs.history_event", nv);
}

void
history_event(struct pool_session *s, const char *event, const char *dataset, const char *fmt, ...)
{
	struct nvlist *r = history_record(s);
	struct dsl_dataset *ds;
	char text[512];
	va_list ap;

	if (r == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)nv_add_str(r, "history internal str", text);
	(void)nv_add_str(r, "internal_name", event);
	(void)nv_add_u64(r, "history txg", spa_synced_txg(s->spa));
	if (dataset != NULL && dsl_hold(s->spa, dataset, &ds, NULL) == 0) {
		(void)nv_add_str(r, "dsname", dataset);
		(void)nv_add_u64(r, "dsid", dsl_objnum(ds));
		dsl_rele(ds);
	}
	(void)spa_history_log(s->spa, r);
	post_history(s->spa, r);
	nv_free(r);
}
