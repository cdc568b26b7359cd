/* SPDX-License-Identifier: MIT */
/*
 * fs.receive: a stream from a descriptor becomes datasets.
 *
 * A plain stream is one substream; a compound one a header, substreams, an end.  The header's nvlist
 * tells of each filesystem its properties and all its snapshots, which is what -F needs to rename and
 * destroy here what was renamed and destroyed there (fs/recv_tree.c).
 *
 * Where it goes, for a stream of src/a/b@s received with the name tank/x:
 *
 *	nothing		tank/x			and what is below src/a/b (of -R) below tank/x
 *	-d		tank/x/a/b		parents are made
 *	-e		tank/x/b
 *
 * A substream whose snapshot is here already is read and left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "poolops_stream.h"
#include "recv_tree.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/props.h"
#include "smartbox/fs/recv.h"

struct recv_run {
	struct pool_session *s;
	struct spa *spa;
	const struct nvlist *in;
	struct nvlist *out;
	struct poolops_io *io;
	struct stream_pipe pipe;
	struct stream_in stream;
	struct recv_tree tree; /* of a compound stream */
	struct strlist below; /* what is mounted below the filesystem at hand */
	bool compound, force, resumable, dryrun, verbose, failed_props;
	char sendfs[DSL_NAME_MAX]; /* the topmost filesystem on the other side */
	/* Of the substream at hand: */
	struct recv_job job;
	const struct nvlist *fs_info; /* its filesystem in the header; NULL: no header */
	bool is_new, is_suspended;
};

/* --- names ------------------------------------------------------------------------------------ */

static int
split_toname(const struct stream_record *b, char fs[DSL_NAME_MAX], const char **snap, struct err *e)
{
	const char *name = b->u.begin.toname, *at = strchr(name, '@');

	if (at == NULL || at == name || strlen(name) >= DSL_NAME_MAX || at[1] == '\0')
		return (err_set(e, EINVAL, "invalid stream (bad name)"));
	(void)snprintf(fs, DSL_NAME_MAX, "%.*s", (int)(at - name), name);
	*snap = at + 1;
	return (0);
}

/* What is put behind the name that was asked for. */
static const char *
tail_of(const struct recv_run *r, const char *fs)
{
	size_t n = strlen(r->sendfs);
	const char *slash;

	if (arg_flag(r->in, "whole"))
		return ((slash = strchr(fs, '/')) != NULL ? slash : "");
	if (strncmp(fs, r->sendfs, n) != 0 || (fs[n] != '\0' && fs[n] != '/'))
		return ("");
	if (!arg_flag(r->in, "tail"))
		return (fs + n);
	slash = strrchr(r->sendfs, '/');
	return (slash != NULL ? fs + (slash - r->sendfs) : fs);
}

int
recv_local_name(const struct recv_run *r, const char *fs, char out[DSL_NAME_MAX], struct err *e)
{
	const char *name = nv_str_or(r->in, "name", ""), *tail = tail_of(r, fs);
	size_t n = strcspn(name, "@");

	if (snprintf(out, DSL_NAME_MAX, "%.*s%s%s", (int)n, name,
	    tail[0] != '\0' && tail[0] != '/' ? "/" : "", tail) >= DSL_NAME_MAX)
		return (err_set(e, ENAMETOOLONG, "name is too long"));
	return (0);
}

static int
pick_names(struct recv_run *r, struct err *e)
{
	const char *name = nv_str_or(r->in, "name", ""), *at = strchr(name, '@'), *snap;
	char fs[DSL_NAME_MAX];
	int rc;

	if ((rc = split_toname(r->job.begin, fs, &snap, e)) != 0)
		return (rc);
	if (r->sendfs[0] == '\0')
		memcpy(r->sendfs, fs, sizeof(fs));
	if (at != NULL && r->compound)
		return (err_set(e, EINVAL, "cannot specify snapshot name for multi-snapshot stream"));
	if ((rc = recv_local_name(r, fs, r->job.fs, e)) != 0)
		return (rc);
	(void)snprintf(r->job.snap, sizeof(r->job.snap), "%s", at != NULL ? at + 1 : snap);
	if (name_check_dataset(r->job.fs, DSL_FILESYSTEM | DSL_VOLUME, e) != 0)
		return (err_set(e, EINVAL, "invalid name '%s'", r->job.fs));
	return (0);
}

/* The snapshot that a clone hangs on: as asked for, or the one with the guid, near the target first. */
static int
find_origin(struct recv_run *r, struct err *e)
{
	const char *asked = nv_str_or(r->in, "origin", "");
	uint64_t guid = r->job.begin->u.begin.fromguid;
	const char *root = nv_str_or(r->in, "name", "");
	char base[DSL_NAME_MAX];
	int rc = 0;

	r->job.origin[0] = '\0';
	if (asked[0] != '\0' && r->is_new) {
		(void)snprintf(r->job.origin, sizeof(r->job.origin), "%s", asked);
		return (0);
	}
	if (!(r->job.begin->u.begin.flags & BEGIN_CLONE) || !r->is_new)
		return (0);
	(void)snprintf(base, sizeof(base), "%.*s", (int)strcspn(root, "@"), root);
	spa_enter(r->spa);
	if (!name_by_guid(r->spa, base, -1, DSL_SNAPSHOT, guid, r->job.origin) &&
	    !name_by_guid(r->spa, NULL, -1, DSL_SNAPSHOT, guid, r->job.origin))
		rc = err_set(e, ENOENT, "local origin for clone %s@%s does not exist", r->job.fs, r->job.snap);
	spa_exit(r->spa);
	return (rc);
}

static bool
is_here_already(struct recv_run *r)
{
	char name[2 * DSL_NAME_MAX], guid[32];

	(void)snprintf(name, sizeof(name), "%s@%s", r->job.fs, r->job.snap);
	return (session_prop(r->s, name, "guid", guid, sizeof(guid), NULL) == 0 &&
	    strtoull(guid, NULL, 10) == r->job.begin->u.begin.toguid);
}

/* Made by the stream that is resumed now. */
static bool
is_unfinished(struct recv_run *r)
{
	struct dsl_dataset *ds;
	bool is = false;

	spa_enter(r->spa);
	if (dsl_hold(r->spa, r->job.fs, &ds, NULL) == 0) {
		is = dsl_is_inconsistent(ds);
		dsl_rele(ds);
	}
	spa_exit(r->spa);
	return (is);
}

/* With -d and -e what is between the name that was given and the new filesystem is made. */
static int
make_parents(struct recv_run *r, struct err *e)
{
	char parent[DSL_NAME_MAX];
	struct err why = ERR_INIT;
	int rc;

	if (!r->is_new || !name_parent(r->job.fs, parent, sizeof(parent)) ||
	    session_exists(r->s, parent))
		return (0);
	if ((!arg_flag(r->in, "whole") && !arg_flag(r->in, "tail")) ||
	    !session_exists(r->s, nv_str_or(r->in, "name", "")))
		return (err_set(e, ENOENT, "destination '%s' does not exist", parent));
	(void)pthread_mutex_lock(&r->s->changing);
	rc = create_missing(r->s, parent, arg_flag(r->in, "nomount"), &why, e);
	(void)pthread_mutex_unlock(&r->s->changing);
	return (rc);
}

/* --- properties ------------------------------------------------------------------------------- */

/* Those that would stand in the way of the data come after it. */
static bool
comes_late(const char *prop)
{
	return (strcmp(prop, "quota") == 0 || strcmp(prop, "refquota") == 0 ||
	    strcmp(prop, "refreservation") == 0 || strcmp(prop, "reservation") == 0);
}

static bool
is_excluded(const struct recv_run *r, const char *prop)
{
	const char *const *v;
	size_t n, i;

	if (nv_get_str_array(r->in, "exclude", &v, &n) != 0)
		return (false);
	for (i = 0; i < n; i++)
		if (strcmp(v[i], prop) == 0)
			return (true);
	return (false);
}

static void
warn_refused(struct recv_run *r, const char *name, const struct nvlist *refused)
{
	struct nvpair *p = NULL;

	while ((p = nv_next(refused, p)) != NULL) {
		stream_tell(r->io, "warning", "cannot receive %s property on %s: %s", nvpair_name(p), name,
		    nv_str_or(refused, nvpair_name(p), ""));
		r->failed_props = true;
	}
}

/* What the stream's header says of the filesystem; late: all, early: without limits. */
static int
receive_fs_props(struct recv_run *r, bool late, struct err *e)
{
	struct nvlist *props, *set = nv_new(), *refused = nv_new();
	struct nvpair *p = NULL;
	bool has_late = false;
	int rc = set == NULL || refused == NULL ? err_set(e, ENOMEM, "out of memory") : 0;

	if (rc == 0 && r->fs_info != NULL && nv_get_nvlist(r->fs_info, "props", &props) == 0) {
		while (rc == 0 && (p = nv_next(props, p)) != NULL) {
			bool is_late = comes_late(nvpair_name(p));

			has_late |= is_late;
			if ((late || !is_late) && !(is_excluded(r, nvpair_name(p)) &&
			    (fs_prop_find(nvpair_name(p)) != NULL &&
			    !(fs_prop_find(nvpair_name(p))->attr & PROP_INHERIT))))
				rc = nv_add_pair(set, p);
		}
		if (rc == 0 && (!late || has_late)) {
			spa_enter(r->spa);
			rc = dsl_prop_receive(r->spa, r->job.fs, set, refused, e);
			spa_exit(r->spa);
		}
	}
	if (rc == 0 && (late || !has_late))
		warn_refused(r, r->job.fs, refused);
	nv_free(set);
	nv_free(refused);
	return (rc);
}

/* -o is ours, over what was received; -x hides what was received. */
static int
own_props(struct recv_run *r, bool late, struct err *e)
{
	struct nvlist *props, *set = nv_new();
	const char *const *hidden;
	struct nvpair *p = NULL;
	size_t n = 0, i;
	int rc = set == NULL ? err_set(e, ENOMEM, "out of memory") : 0;

	if (rc == 0 && nv_get_nvlist(r->in, "props", &props) == 0)
		while (rc == 0 && (p = nv_next(props, p)) != NULL)
			if (comes_late(nvpair_name(p)) == late)
				rc = nv_add_pair(set, p);
	spa_enter(r->spa);
	if (rc == 0 && nv_count(set) != 0)
		rc = dsl_prop_set(r->spa, r->job.fs, set, e);
	if (rc == 0 && !late && nv_get_str_array(r->in, "exclude", &hidden, &n) == 0)
		for (i = 0; i < n && rc == 0; i++) {
			const struct fs_prop *f = fs_prop_find(hidden[i]);

			if (f == NULL || (f->attr & PROP_INHERIT))
				rc = dsl_prop_inherit(r->spa, r->job.fs, hidden[i], false, e);
		}
	spa_exit(r->spa);
	nv_free(set);
	return (rc);
}

static int
set_props(struct recv_run *r, bool late, struct err *e)
{
	int rc = receive_fs_props(r, late, e);

	return (rc != 0 ? rc : own_props(r, late, e));
}

/* --- what the receiver calls ------------------------------------------------------------------ */

static void
throttle(void *arg)
{
	struct recv_run *r = arg;

	syncer_throttle(r->s->sync);
}

static int
begun(void *arg, struct err *e)
{
	return (set_props(arg, false, e));
}

static int
before_swap(void *arg, struct err *e)
{
	struct recv_run *r = arg;
	char path[8];
	int rc;

	r->is_suspended = false;
	if (r->s->fuse == NULL ||
	    fuse_mounted_at(r->s->fuse, r->job.fs, path, sizeof(path)) == -ENOENT)
		return (0);
	note_mounts_below(r->s, r->job.fs, &r->below);
	if ((rc = fuse_suspend(r->s->fuse, r->job.fs)) != 0) {
		strlist_free(&r->below);
		return (err_rc(e, rc, "cannot suspend '%s'", r->job.fs));
	}
	r->is_suspended = true;
	return (0);
}

static void
after_swap(void *arg, int rc)
{
	struct recv_run *r = arg;

	(void)rc;
	if (!r->is_suspended)
		return;
	r->is_suspended = false;
	(void)fuse_resume(r->s->fuse, r->job.fs, NULL);
	mount_lost(r->s, &r->below);
	strlist_free(&r->below);
}

/* --- one substream ---------------------------------------------------------------------------- */

static double
seconds_since(const struct timespec *t)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9);
}

static void
say_received(struct recv_run *r, uint64_t bytes, const struct timespec *start)
{
	char size[32], rate[32];
	double s = seconds_since(start);

	units_format_size(size, sizeof(size), bytes);
	units_format_size(rate, sizeof(rate), (uint64_t)((double)bytes / (s < 1 ? 1 : s)));
	stream_tell(r->io, "line", s < 1 ? "received %s stream in %.2f seconds (%s/sec)" :
	    "received %s stream in %.0f seconds (%s/sec)", size, s, rate);
}

static const char *
kind_of_stream(const struct recv_run *r)
{
	return (r->job.begin->u.begin.fromguid == 0 || (r->job.begin->u.begin.flags & BEGIN_CLONE) ?
	    "full" : "incremental");
}

static int
explain(struct recv_run *r, bool kept, struct err *e)
{
	bool full = r->job.begin->u.begin.fromguid == 0 || (r->job.begin->u.begin.flags & BEGIN_CLONE);
	char name[2 * DSL_NAME_MAX];
	struct dsl_dataset *ds;
	char *token = NULL;

	(void)snprintf(name, sizeof(name), "%s", r->job.fs);
	if (kept) {
		spa_enter(r->spa);
		if (dsl_hold(r->spa, name, &ds, NULL) == 0) {
			if (recv_token(ds, &token) == 0)
				(void)nv_add_str(r->out, "token", token);
			dsl_rele(ds);
		}
		spa_exit(r->spa);
		free(token);
		if (e->code == EILSEQ || e->code == EPIPE || e->code == EINVAL)
			(void)err_set(e, e->code, "checksum mismatch or incomplete stream. "
			    "Partially received snapshot is saved");
	}
	return (err_wrap(e, full ? "cannot receive new filesystem stream" :
	    "cannot receive incremental stream"));
}

static void
apply_extras(struct recv_run *r)
{
	struct err e = ERR_INIT;

	if (set_props(r, true, &e) != 0)
		stream_tell(r->io, "warning", "cannot receive properties on %s: %s", r->job.fs, e.msg);
	recv_tree_snapshot(&r->tree, r->s, r->fs_info, r->job.fs, r->job.snap, arg_flag(r->in, "noholds"));
	spa_enter(r->spa);
	history_event(r->s, "receive", r->job.fs, "snap=%s", r->job.snap);
	spa_exit(r->spa);
}

static void
mount_received(struct recv_run *r)
{
	struct err e = ERR_INIT;

	if (!r->is_new || arg_flag(r->in, "nomount") || r->job.begin->u.begin.os_type != 2)
		return;
	(void)pthread_mutex_lock(&r->s->changing);
	if (mount_new(r->s, r->job.fs, &e) != 0)
		stream_tell(r->io, "warning", "%s", e.msg);
	(void)pthread_mutex_unlock(&r->s->changing);
}

static int
receive_here(struct recv_run *r, struct err *e)
{
	uint64_t before = r->stream.bytes;
	struct timespec start;
	bool kept = false;
	int rc;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	if (r->verbose)
		stream_tell(r->io, "line", "%s %s stream of %s into %s@%s", r->dryrun ? "would receive" :
		    "receiving", kind_of_stream(r), r->job.begin->u.begin.toname, r->job.fs, r->job.snap);
	if (r->dryrun)
		return (recv_verify(&r->stream, e));
	if (!r->is_new)
		flush_mount(r->s, r->job.fs);
	if ((rc = recv_stream(&r->job, &r->stream, &kept, e)) != 0)
		return (explain(r, kept, e));
	apply_extras(r);
	mount_received(r);
	if (r->verbose)
		say_received(r, r->stream.bytes - before + sizeof(struct stream_record), &start);
	return (0);
}

static void
fill_job(struct recv_run *r, const struct stream_record *begin, const void *payload, size_t len)
{
	r->job = (struct recv_job){.spa = r->spa, .begin = begin, .payload = payload,
	    .payload_len = len, .force = r->force, .resumable = r->resumable,
	    .throttle = r->s->sync != NULL ? throttle : NULL, .begun = begun,
	    .before_swap = before_swap, .after_swap = after_swap, .arg = r};
}

static int
receive_substream(struct recv_run *r, const struct stream_record *begin, const void *payload,
    size_t len, struct err *e)
{
	bool resumes;
	int rc;

	fill_job(r, begin, payload, len);
	if ((rc = pick_names(r, e)) != 0)
		return (err_wrap(e, "cannot receive"));
	r->fs_info = recv_tree_find(&r->tree, begin->u.begin.toguid);
	if (r->compound && is_here_already(r)) {
		if (r->verbose)
			stream_tell(r->io, "line", "%s@%s is there already", r->job.fs, r->job.snap);
		return (recv_verify(&r->stream, e));
	}
	r->is_new = !session_exists(r->s, r->job.fs);
	resumes = (begin->u.begin.versioninfo & STREAM_RESUMING) != 0 && is_unfinished(r);
	if ((rc = find_origin(r, e)) != 0 || (!r->dryrun && (rc = make_parents(r, e)) != 0))
		return (explain(r, false, e));
	r->is_new |= resumes;
	return (receive_here(r, e));
}

/* --- the stream ------------------------------------------------------------------------------- */

static int
receive_package(struct recv_run *r, const struct stream_record *head, const void *payload, size_t len,
    struct err *e)
{
	struct stream_record rec;
	const char *snap;
	void *more;
	size_t n;
	int rc;

	r->compound = true;
	if ((rc = split_toname(head, r->sendfs, &snap, e)) != 0 ||
	    (rc = recv_tree_load(&r->tree, payload, len, e)) != 0 ||
	    (rc = stream_next(&r->stream, &rec, &more, &n, e)) != 0)
		return (rc);
	free(more);
	if (rec.type != DRR_END)
		return (err_set(e, EINVAL, "invalid stream (bad package)"));
	if (!r->dryrun && (rc = recv_tree_prepare(&r->tree, r->s, r, r->force, e)) != 0)
		return (rc);
	while ((rc = stream_next(&r->stream, &rec, &more, &n, e)) == 0 && rec.type == DRR_BEGIN) {
		struct stream_record begin = rec;

		rc = receive_substream(r, &begin, more, n, e);
		free(more);
		if (rc != 0)
			return (rc);
	}
	if (rc == 0) {
		free(more);
		if (rec.type != DRR_END)
			rc = err_set(e, EINVAL, "invalid stream (bad package)");
	}
	return (rc);
}

static int
receive_any(struct recv_run *r, struct err *e)
{
	struct stream_record begin;
	void *payload;
	size_t len;
	int rc;

	if ((rc = stream_next(&r->stream, &begin, &payload, &len, e)) != 0)
		return (err_wrap(e, "cannot receive"));
	if (begin.type != DRR_BEGIN)
		rc = err_set(e, EINVAL, "cannot receive: invalid stream (no BEGIN)");
	else if ((begin.u.begin.versioninfo & STREAM_HEADER_MASK) == STREAM_COMPOUND)
		rc = receive_package(r, &begin, payload, len, e);
	else
		rc = receive_substream(r, &begin, payload, len, e);
	free(payload);
	return (rc);
}

static int
abort_kept(struct pool_session *s, const char *name, struct err *e)
{
	int rc;

	spa_enter(s->spa);
	rc = recv_abort(s->spa, name, e);
	spa_exit(s->spa);
	return (rc);
}

/*
 * in: name, [props], [exclude (strings)], [origin]; flags force, resumable, dryrun, verbose, nomount,
 * whole (-d), tail (-e), noholds, abort.  out: of a stream that was cut and kept: token
 */
int
op_fs_receive(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct poolops_io *io, struct err *e)
{
	struct recv_run r = {.s = s, .spa = s->spa, .in = in, .out = out, .io = io,
	    .force = arg_flag(in, "force"), .resumable = arg_flag(in, "resumable"),
	    .dryrun = arg_flag(in, "dryrun"), .verbose = arg_flag(in, "verbose")};
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (arg_flag(in, "abort"))
		return (abort_kept(s, name, e));
	if ((rc = stream_pipe_open(&r.pipe, s, io, false, e)) != 0)
		return (rc);
	r.stream = (struct stream_in){.read = stream_pipe_read, .arg = &r.pipe};
	rc = receive_any(&r, e);
	stream_pipe_close(&r.pipe);
	recv_tree_free(&r.tree);
	if (r.failed_props && nv_add_boolean(out, "warned") != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	if (!r.dryrun) {
		spa_enter(s->spa);
		history_command(s, in);
		spa_exit(s->spa);
	}
	return (rc);
}
