/* SPDX-License-Identifier: MIT */
/*
 * Where a stream is received into: made when it begins, becoming the dataset when it ends.
 *
 *	fs is not there		fs itself, marked inconsistent until the end
 *	fs is there		fs/%recv, a clone of the snapshot that the stream starts from (of $ORIGIN
 *				when it starts from nothing); at the end contents are swapped (fs/dsl_swap.c)
 *
 * What stands in the way is looked for at the beginning, and again at the end, as the pool lives on
 * meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recv_impl.h"
#include "smartbox/fs/names.h"

#define KNOWN_FEATURES (STREAM_SA_SPILL | STREAM_EMBED | STREAM_LZ4 | STREAM_LARGE_BLOCKS | \
    STREAM_RESUMING | STREAM_COMPRESSED | STREAM_LARGE_DNODE | STREAM_ZSTD | STREAM_HOLDS | \
    STREAM_SWITCH_LARGE | STREAM_HEADER_MASK)

/* --- the header ------------------------------------------------------------------------------- */

static int
need_feature(struct spa *spa, const struct recv_job *j, uint64_t bit, const char *guid, struct err *e)
{
	if (!(j->begin->u.begin.versioninfo & bit) || spa_feature_enabled(spa, guid))
		return (0);
	return (err_set(e, ENOTSUP, "pool must be upgraded to receive this stream (feature %s)",
	    strchr(guid, ':') + 1));
}

static int
check_header(struct spa *spa, const struct recv_job *j, struct err *e)
{
	uint64_t f = j->begin->u.begin.versioninfo;
	unsigned type = j->begin->u.begin.os_type;
	int rc;

	if (f & STREAM_RAW)
		return (err_set(e, ENOTSUP, "raw (encrypted) streams are not supported by this version"));
	if (f & STREAM_REDACTED)
		return (err_set(e, ENOTSUP, "redacted streams are not supported by this version"));
	if (f & (STREAM_DEDUP | STREAM_DEDUPPROPS))
		return (err_set(e, ENOTSUP, "deduplicated streams are no longer supported: use zstream redup"));
	if (f & ~(uint64_t)KNOWN_FEATURES)
		return (err_set(e, ENOTSUP, "stream has unsupported feature, feature flags = %llx",
		    (unsigned long long)(f >> 2)));
	if ((f & STREAM_HEADER_MASK) != STREAM_SUBSTREAM || (type != 2 && type != 3) ||
	    j->begin->u.begin.toguid == 0)
		return (err_set(e, EINVAL, "invalid stream (bad header)"));
	if ((rc = need_feature(spa, j, STREAM_LARGE_BLOCKS, "org.open-zfs:large_blocks", e)) != 0)
		return (rc);
	return (need_feature(spa, j, STREAM_LARGE_DNODE, "org.zfsonlinux:large_dnode", e));
}

/* --- a dataset that is there ------------------------------------------------------------------ */

/* Of the root blocks only the meta dnodes are compared: a head's log may have come and gone. */
static int
is_modified(struct dsl_dataset *head, struct dsl_dataset *snap, bool *modified)
{
	const struct blkptr *h = &ds_phys(head)->bp, *s = &ds_phys(snap)->bp;
	uint8_t *a, *b;
	int rc = 0;

	*modified = (head->os != NULL && objset_is_dirty(head->os)) || bp_is_hole(s) != bp_is_hole(h);
	if (*modified || bp_is_hole(h) || bp_birth(h) <= ds_phys(snap)->creation_txg)
		return (0);
	a = malloc(bp_lsize(h));
	b = malloc(bp_lsize(s));
	if (a == NULL || b == NULL)
		rc = -ENOMEM;
	else if ((rc = zio_read(head->dp->spa, h, a)) == 0 &&
	    (rc = zio_read(head->dp->spa, s, b)) == 0)
		*modified = memcmp(a, b, SECTOR_SIZE) != 0;
	free(a);
	free(b);
	return (rc);
}

static bool
has_state(struct dsl_dataset *head)
{
	struct dsl_dir *child;

	if (dsl_is_inconsistent(head))
		return (true);
	if (dir_hold_child(head->dir, RECV_CHILD, &child) != 0)
		return (false);
	dir_rele(child);
	return (true);
}

/* The snapshot of the head with that guid, held. */
static int
find_from(struct dsl_dataset *head, uint64_t guid, struct dsl_dataset **out)
{
	struct dsl_dataset *at = ds_hold(head), *prev;
	int rc;

	while ((rc = ds_hold_prev(at, &prev)) == 0) {
		dsl_rele(at);
		at = prev;
		if (at->dir != head->dir) {
			rc = -ENOENT;
			break;
		}
		if (dsl_guid(at) == guid) {
			*out = at;
			return (0);
		}
	}
	dsl_rele(at);
	return (rc);
}

static int
check_newer(struct dsl_dataset *head, struct dsl_dataset *from, struct err *e)
{
	struct dsl_dataset *at = ds_hold(head), *prev;
	int rc = 0;

	while (rc == 0 && ds_hold_prev(at, &prev) == 0) {
		dsl_rele(at);
		at = prev;
		if (at->obj == from->obj)
			break;
		rc = ds_check_destroy_snap(at, "that is newer than the stream's source", e);
		if (rc == -EBUSY && at->refs == 2)
			rc = 0;
	}
	dsl_rele(at);
	return (rc);
}

static int
check_incremental(const struct recv_job *j, struct dsl_dataset *head, struct err *e)
{
	struct dsl_dataset *from;
	bool modified;
	int rc;

	if (find_from(head, j->begin->u.begin.fromguid, &from) != 0)
		return (err_set(e, ENODEV, "most recent snapshot of %s does not match incremental source",
		    j->fs));
	if (j->force) {
		rc = ds_phys(head)->prev_snap_obj == from->obj ? 0 : check_newer(head, from, e);
	} else if (ds_phys(head)->prev_snap_obj != from->obj) {
		rc = err_set(e, ENODEV, "most recent snapshot of %s does not match incremental source",
		    j->fs);
	} else if ((rc = err_rc(e, is_modified(head, from, &modified), "'%s'", j->fs)) == 0 && modified) {
		rc = err_set(e, ETXTBSY,
		    "destination %s has been modified since most recent snapshot", j->fs);
	}
	dsl_rele(from);
	return (rc);
}

static int
check_overwrite(const struct recv_job *j, struct dsl_dataset *head, struct err *e)
{
	uint64_t n = 0;

	if (!j->force)
		return (err_set(e, EEXIST, "destination '%s' exists must specify -F to overwrite it", j->fs));
	if (zap_count(dp_mos(head->dp), ds_phys(head)->snapnames_zap, &n) != 0 || n > 0)
		return (err_set(e, EEXIST,
		    "destination has snapshots must destroy them to overwrite it"));
	if (ds_phys(head)->prev_snap_obj != head->dp->origin_obj)
		return (err_set(e, EINVAL, "destination '%s' is a clone must destroy it to overwrite it",
		    j->fs));
	return (0);
}

static int
check_existing(const struct recv_job *j, struct dsl_dataset *head, struct err *e)
{
	bool volume = dsl_head_kind(head) == DSL_VOLUME;
	uint64_t obj;

	if (has_state(head))
		return (err_set(e, EBUSY,
		    "destination %s contains partially-complete state from \"zfs receive -s\".", j->fs));
	if (volume != (j->begin->u.begin.os_type == 3))
		return (err_set(e, EINVAL, "destination '%s' is a %s, the stream is of a %s", j->fs,
		    volume ? "volume" : "filesystem", volume ? "filesystem" : "volume"));
	if (j->begin->u.begin.fromguid != 0 &&
	    zap_lookup(dp_mos(head->dp), ds_phys(head)->snapnames_zap, j->snap, 8, 1, &obj) == 0)
		return (err_set(e, EEXIST, "destination snapshot '%s@%s' already exists", j->fs, j->snap));
	if (j->begin->u.begin.fromguid != 0 &&
	    !((j->begin->u.begin.flags & BEGIN_CLONE) && j->origin[0] != '\0'))
		return (check_incremental(j, head, e));
	return (check_overwrite(j, head, e));
}

/* --- a new one -------------------------------------------------------------------------------- */

static int
check_origin(struct spa *spa, const struct recv_job *j, struct err *e)
{
	struct dsl_dataset *origin;
	uint64_t from = j->begin->u.begin.fromguid;
	int rc;

	if ((rc = dsl_hold(spa, j->origin, &origin, e)) != 0)
		return (err_set(e, ENOENT, "local origin for clone %s@%s does not exist", j->fs, j->snap));
	if (!dsl_is_snapshot(origin))
		rc = err_set(e, EINVAL, "origin '%s' is not a snapshot", j->origin);
	else if (from != 0 && dsl_guid(origin) != from)
		rc = err_set(e, ENODEV, "local origin for clone %s@%s is another snapshot", j->fs, j->snap);
	dsl_rele(origin);
	return (rc);
}

static int
check_new(struct spa *spa, const struct recv_job *j, struct err *e)
{
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if (j->begin->u.begin.fromguid != 0 && j->origin[0] == '\0')
		return (err_set(e, ENOENT, "destination '%s' does not exist", j->fs));
	if ((rc = dsl_hold_parent(spa, j->fs, &parent, &last, e)) != 0)
		return (rc);
	dir_rele(parent);
	return (j->origin[0] != '\0' ? check_origin(spa, j, e) : 0);
}

int
recv_check(struct recv_job *j, struct err *e)
{
	struct dsl_dataset *head;
	int rc;

	if (spa_is_readonly(j->spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(j->spa)));
	if (j->spa->dsl->origin_obj == 0)
		return (err_set(e, ENOTSUP, "pool '%s' is of an old version", spa_name(j->spa)));
	if ((rc = check_header(j->spa, j, e)) != 0)
		return (rc);
	if (dsl_hold(j->spa, j->fs, &head, NULL) != 0)
		return (check_new(j->spa, j, e));
	rc = check_existing(j, head, e);
	dsl_rele(head);
	return (rc);
}

/* --- begin ------------------------------------------------------------------------------------ */

static int
begin_check(struct spa *spa, void *arg, struct err *e)
{
	struct recv_target *t = arg;

	(void)spa;
	return (recv_check(t->job, e));
}

/* The snapshot that the contents start as, held. */
static int
hold_base(struct recv_target *t, struct dsl_dataset *head, struct dsl_dataset **base)
{
	const struct recv_job *j = t->job;

	if (j->origin[0] != '\0' && head == NULL)
		return (dsl_hold(t->spa, j->origin, base, NULL));
	if (j->begin->u.begin.fromguid != 0)
		return (head == NULL ? -ENOENT : find_from(head, j->begin->u.begin.fromguid, base));
	return (ds_hold_obj(t->spa->dsl, t->spa->dsl->origin_obj, base));
}

static int
make_child(struct recv_target *t, struct dsl_dataset *head, struct dsl_dataset *base)
{
	struct dsl_dir *parent;
	const char *last;
	int rc;

	if (head != NULL)
		return (ds_create(head->dir, RECV_CHILD, base, &t->ds));
	if ((rc = dsl_hold_parent(t->spa, t->job->fs, &parent, &last, NULL)) != 0)
		return (rc);
	rc = ds_create(parent, last, base, &t->ds);
	dir_rele(parent);
	return (rc);
}

static int
prepare(struct recv_target *t)
{
	const struct stream_record *b = t->job->begin;
	int rc;

	if ((rc = ds_dirty(t->ds)) != 0)
		return (rc);
	ds_phys(t->ds)->flags |= DS_FLAG_INCONSISTENT;
	if (b->u.begin.flags & BEGIN_CI_DATA)
		ds_phys(t->ds)->flags |= DS_FLAG_CI;
	if (t->job->resumable && (rc = resume_state_start(t)) != 0)
		return (rc);
	if (!bp_is_hole(&ds_phys(t->ds)->bp))
		return (ds_clear_zil(t->ds));
	if ((rc = ds_objset_create(t->ds, b->u.begin.os_type)) != 0)
		return (rc);
	return (ds_sync(t->ds));
}

static int
begin_sync(struct spa *spa, void *arg, struct err *e)
{
	struct recv_target *t = arg;
	struct dsl_dataset *head = NULL, *base = NULL;
	int rc = dsl_hold(spa, t->job->fs, &head, NULL);

	t->exists = rc == 0;
	if (rc == -ENOENT)
		rc = 0;
	if (rc == 0 && (rc = hold_base(t, head, &base)) == 0 && (rc = make_child(t, head, base)) == 0)
		rc = prepare(t);
	dsl_rele(base);
	dsl_rele(head);
	return (err_rc(e, rc, "cannot begin to receive '%s'", t->job->fs));
}

static int
begin_resume(struct recv_target *t, struct err *e)
{
	int rc;

	t->exists = false;
	if ((rc = check_header(t->spa, t->job, e)) != 0 ||
	    (rc = dsl_hold(t->spa, t->job->fs, &t->ds, e)) != 0)
		return (rc);
	if (!resume_state_is_there(t->ds)) {
		dsl_rele(t->ds);
		t->ds = NULL;
		(void)snprintf(t->name, sizeof(t->name), "%.240s/%s", t->job->fs, RECV_CHILD);
		if (dsl_hold(t->spa, t->name, &t->ds, NULL) != 0)
			return (err_set(e, EINVAL, "'%s' has no partially received state", t->job->fs));
		t->exists = true;
	}
	if (t->ds->refs > 1)
		rc = err_set(e, EBUSY, "'%s' is being received", t->job->fs);
	else
		rc = resume_state_check(t, e);
	if (rc != 0) {
		dsl_rele(t->ds);
		t->ds = NULL;
	}
	return (rc);
}

int
recv_begin(struct recv_target *t, struct err *e)
{
	const struct stream_record *b = t->job->begin;
	int rc;

	t->features = b->u.begin.versioninfo;
	t->spill_flags = (b->u.begin.flags & BEGIN_SPILL_BLOCK) != 0;
	t->full = b->u.begin.fromguid == 0;
	t->resuming = (t->features & STREAM_RESUMING) != 0;
	if (t->resuming)
		rc = begin_resume(t, e);
	else if ((rc = spa_sync(t->spa, e)) == 0)
		rc = spa_sync_task(t->spa, begin_check, begin_sync, t, e);
	if (rc != 0)
		return (rc);
	dsl_name(t->ds, t->name);
	if ((rc = dsl_objset(t->ds, &t->os)) != 0) {
		(void)recv_give_up(t, NULL);
		return (err_rc(e, rc, "cannot receive '%s'", t->job->fs));
	}
	return (0);
}

/* --- end -------------------------------------------------------------------------------------- */

static int
end_check(struct spa *spa, void *arg, struct err *e)
{
	struct recv_target *t = arg;
	struct dsl_dataset *head;
	uint64_t obj;
	int rc;

	if (!t->exists)
		return (0);
	if ((rc = dsl_hold(spa, t->job->fs, &head, e)) != 0)
		return (rc);
	if (zap_lookup(spa->mos, ds_phys(head)->snapnames_zap, t->job->snap, 8, 1, &obj) == 0)
		rc = err_set(e, EEXIST, "destination snapshot '%s@%s' already exists", t->job->fs,
		    t->job->snap);
	else if (t->full)
		rc = check_overwrite(t->job, head, e);
	else
		rc = check_incremental(t->job, head, e);
	dsl_rele(head);
	return (rc);
}

/* Back to the snapshot that the stream started from. */
static int
destroy_newer(struct recv_target *t, struct dsl_dataset *head)
{
	uint64_t base = ds_phys(t->ds)->prev_snap_obj;
	struct dsl_dataset *snap;
	int rc = 0;

	while (rc == 0 && ds_phys(head)->prev_snap_obj != base) {
		if ((rc = ds_hold_prev(head, &snap)) == 0)
			rc = ds_destroy_snap(snap);
	}
	return (rc);
}

static int
finish_snapshot(struct recv_target *t, struct dsl_dataset *head)
{
	const struct stream_record *b = t->job->begin;
	struct dsl_dataset *snap;
	int rc;

	if ((rc = ds_dirty(head)) != 0)
		return (rc);
	ds_phys(head)->flags &= ~(uint64_t)DS_FLAG_INCONSISTENT;
	if (b->u.begin.flags & BEGIN_CI_DATA)
		ds_phys(head)->flags |= DS_FLAG_CI;
	if ((rc = resume_state_remove(head)) != 0 || (rc = ds_snapshot(head, t->job->snap, NULL)) != 0 ||
	    (rc = ds_hold_prev(head, &snap)) != 0)
		return (rc);
	if ((rc = ds_dirty(snap)) == 0) {
		ds_phys(snap)->guid = b->u.begin.toguid;
		ds_phys(snap)->creation_time = b->u.begin.creation_time;
	}
	dsl_rele(snap);
	return (rc);
}

static int
end_sync(struct spa *spa, void *arg, struct err *e)
{
	struct recv_target *t = arg;
	struct dsl_dataset *head;
	int rc;

	if (!t->exists)
		return (err_rc(e, finish_snapshot(t, t->ds), "cannot finish '%s'", t->job->fs));
	if ((rc = dsl_hold(spa, t->job->fs, &head, e)) != 0)
		return (rc);
	if ((rc = ds_drop_log(head)) == 0 && (rc = ds_sync(head)) == 0 &&
	    (rc = destroy_newer(t, head)) == 0 && (rc = ds_swap(t->ds, head)) == 0 &&
	    (rc = resume_state_remove(t->ds)) == 0)
		rc = finish_snapshot(t, head);
	dsl_rele(head);
	return (err_rc(e, rc, "cannot finish '%s'", t->job->fs));
}

static void
notify(struct recv_target *t)
{
	struct dsl_dataset *head;

	if (dsl_hold(t->spa, t->job->fs, &head, NULL) != 0)
		return;
	ds_notify_rollback(head);
	dsl_rele(head);
}

int
recv_end(struct recv_target *t, struct err *e)
{
	int rc;

	if ((rc = spa_sync(t->spa, e)) != 0 ||
	    (rc = spa_sync_task(t->spa, end_check, end_sync, t, e)) != 0)
		return (rc);
	if (t->exists)
		notify(t);
	dsl_rele(t->ds);
	t->ds = NULL;
	/* Should that not work, an import finishes it: the child is inconsistent. */
	if (t->exists)
		(void)dsl_destroy(t->spa, t->name, NULL);
	return (0);
}

/* --- giving up -------------------------------------------------------------------------------- */

int
recv_give_up(struct recv_target *t, bool *kept)
{
	bool keep;

	if (t->ds == NULL)
		return (0);
	keep = t->resuming || (t->job->resumable && t->progressed);
	(void)spa_sync(t->spa, NULL);
	dsl_rele(t->ds);
	t->ds = NULL;
	if (kept != NULL)
		*kept = keep;
	return (keep ? 0 : dsl_destroy(t->spa, t->name, NULL));
}

int
recv_abort(struct spa *spa, const char *fs, struct err *e)
{
	char name[DSL_NAME_MAX];
	struct dsl_dataset *ds;
	bool own;
	int rc;

	if ((rc = dsl_hold(spa, fs, &ds, e)) != 0)
		return (rc);
	own = resume_state_is_there(ds) && dsl_is_inconsistent(ds);
	dsl_rele(ds);
	(void)snprintf(name, sizeof(name), "%s", fs);
	if (!own) {
		(void)snprintf(name, sizeof(name), "%.240s/%s", fs, RECV_CHILD);
		if (dsl_hold(spa, name, &ds, NULL) != 0)
			return (err_set(e, ENOENT,
			    "'%s' does not have any resumable receive state to abort", fs));
		dsl_rele(ds);
	}
	return (dsl_destroy(spa, name, e));
}
