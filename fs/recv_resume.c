/* SPDX-License-Identifier: MIT */
/*
 * What a receiver that may be resumed writes down of the stream, in the dataset's own zap:
 *
 *	com.delphix:resume_fromguid (if any), _toguid, _toname
 *	com.delphix:resume_object, _offset, _bytes	all before this place is here
 *	com.delphix:resume_largeblockok, _embedok, _compressok	what the stream may contain
 *
 * The place goes to disk in the very txg whose data it speaks of: the first record that is applied in
 * a txg queues a sync task, later ones of the same txg move the place that the task will write.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recv_impl.h"
#include "resume_token.h"

struct resume_note {
	struct spa *spa;
	uint64_t ds_obj, object, offset, bytes;
};

static const struct {
	const char *key;
	uint64_t feature;
} allowed[] = {{"largeblockok", STREAM_LARGE_BLOCKS}, {"embedok", STREAM_EMBED},
    {"compressok", STREAM_COMPRESSED}};
#define ALLOWED (sizeof(allowed) / sizeof(allowed[0]))

static const char *
key_of(char buf[64], const char *name)
{
	(void)snprintf(buf, 64, RESUME_PREFIX "%s", name);
	return (buf);
}

static int
put(struct spa *spa, uint64_t obj, const char *name, uint64_t v)
{
	char key[64];

	return (zap_update(spa->mos, obj, key_of(key, name), 8, 1, &v));
}

static int
get(struct dsl_dataset *ds, const char *name, uint64_t *v)
{
	char key[64];

	*v = 0;
	return (zap_lookup(dp_mos(ds->dp), ds->obj, key_of(key, name), 8, 1, v));
}

bool
resume_state_is_there(struct dsl_dataset *ds)
{
	uint64_t v;

	return (dsl_is_zapified(ds->dp, ds->obj) && get(ds, "toguid", &v) == 0);
}

int
resume_state_start(struct recv_target *t)
{
	const struct stream_record *b = t->job->begin;
	uint64_t obj = t->ds->obj;
	char key[64];
	size_t i;
	int rc;

	if ((rc = dsl_zapify(t->ds->dp, obj)) != 0 ||
	    (b->u.begin.fromguid != 0 && (rc = put(t->spa, obj, "fromguid", b->u.begin.fromguid)) != 0) ||
	    (rc = put(t->spa, obj, "toguid", b->u.begin.toguid)) != 0 ||
	    (rc = zap_update(t->spa->mos, obj, key_of(key, "toname"), 1,
	    strlen(b->u.begin.toname) + 1, b->u.begin.toname)) != 0 ||
	    (rc = put(t->spa, obj, "object", 0)) != 0 || (rc = put(t->spa, obj, "offset", 0)) != 0 ||
	    (rc = put(t->spa, obj, "bytes", 0)) != 0)
		return (rc);
	for (i = 0; i < ALLOWED && rc == 0; i++)
		if (b->u.begin.versioninfo & allowed[i].feature)
			rc = put(t->spa, obj, allowed[i].key, 1);
	return (rc);
}

int
resume_state_remove(struct dsl_dataset *ds)
{
	static const char *const names[] = {"fromguid", "toguid", "toname", "object", "offset", "bytes",
	    "largeblockok", "embedok", "compressok", "rawok"};
	char key[64];
	size_t i;
	int rc = 0;

	if (!dsl_is_zapified(ds->dp, ds->obj))
		return (0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++) {
		rc = zap_remove(dp_mos(ds->dp), ds->obj, key_of(key, names[i]));
		rc = rc == -ENOENT ? 0 : rc;
	}
	return (rc);
}

static uint64_t
payload_u64(const struct recv_job *job, const char *name)
{
	struct nvlist *nv;
	uint64_t v = UINT64_MAX;

	if (job->payload == NULL || nv_unpack(job->payload, job->payload_len, &nv, NULL) != 0)
		return (v);
	v = nv_u64_or(nv, name, UINT64_MAX);
	nv_free(nv);
	return (v);
}

int
resume_state_check(struct recv_target *t, struct err *e)
{
	uint64_t toguid, from, object, offset;
	const struct stream_record *b = t->job->begin;

	if (!resume_state_is_there(t->ds))
		return (err_set(e, EINVAL, "'%s' has no partially received state", t->job->fs));
	(void)get(t->ds, "toguid", &toguid);
	(void)get(t->ds, "fromguid", &from);
	(void)get(t->ds, "object", &object);
	(void)get(t->ds, "offset", &offset);
	(void)get(t->ds, "bytes", &t->bytes);
	if (toguid != b->u.begin.toguid || from != b->u.begin.fromguid ||
	    object != payload_u64(t->job, "resume_object") ||
	    offset != payload_u64(t->job, "resume_offset"))
		return (err_set(e, EINVAL, "the stream does not go on where '%s' ends", t->job->fs));
	return (0);
}

/* --- the place -------------------------------------------------------------------------------- */

static int
note_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct resume_note *n = arg;
	int rc;

	if ((rc = put(spa, n->ds_obj, "object", n->object)) != 0 ||
	    (rc = put(spa, n->ds_obj, "offset", n->offset)) != 0 ||
	    (rc = put(spa, n->ds_obj, "bytes", n->bytes)) != 0)
		return (err_rc(e, rc, "the state of a receive cannot be written"));
	return (0);
}

static void
note_done(struct spa *spa, void *arg, int rc)
{
	(void)spa;
	(void)rc;
	free(arg);
}

int
resume_state_note(struct recv_target *t)
{
	int rc;

	if (!t->noted)
		return (0);
	t->noted = false;
	t->progressed = true;
	if (!t->job->resumable && !t->resuming)
		return (0);
	if (t->note == NULL || t->note_txg != spa_open_txg(t->spa)) {
		if ((t->note = calloc(1, sizeof(*t->note))) == NULL)
			return (-ENOMEM);
		*t->note = (struct resume_note){.spa = t->spa, .ds_obj = t->ds->obj};
		if ((rc = spa_sync_task_queue(t->spa, note_sync, note_done, t->note)) != 0) {
			free(t->note);
			t->note = NULL;
			return (rc);
		}
		t->note_txg = spa_open_txg(t->spa);
	}
	t->note->object = t->note_object;
	t->note->offset = t->note_offset;
	t->note->bytes = t->note_bytes;
	return (0);
}

/* --- the token -------------------------------------------------------------------------------- */

static int
token_fill(struct dsl_dataset *ds, struct nvlist *nv)
{
	static const char *const numbers[] = {"fromguid", "object", "offset", "bytes", "toguid"};
	char toname[STREAM_NAME_MAX] = "", key[64];
	uint64_t v;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == 0; i++)
		if (get(ds, numbers[i], &v) == 0)
			rc = nv_add_u64(nv, numbers[i], v);
	(void)zap_lookup(dp_mos(ds->dp), ds->obj, key_of(key, "toname"), 1, sizeof(toname) - 1, toname);
	if (rc == 0 && toname[0] != '\0')
		rc = nv_add_str(nv, "toname", toname);
	for (i = 0; i < ALLOWED && rc == 0; i++)
		if (get(ds, allowed[i].key, &v) == 0)
			rc = nv_add_boolean(nv, allowed[i].key);
	if (rc == 0 && get(ds, "rawok", &v) == 0)
		rc = nv_add_boolean(nv, "rawok");
	return (rc);
}

int
recv_token(struct dsl_dataset *ds, char **token)
{
	struct dsl_dataset *at = ds_hold(ds);
	struct dsl_dir *child;
	struct nvlist *nv;
	int rc = -ENOENT;

	if (!resume_state_is_there(at) && dir_hold_child(ds->dir, RECV_CHILD, &child) == 0) {
		struct dsl_dataset *head;

		if (ds_hold_head(child, &head) == 0) {
			dsl_rele(at);
			at = head;
		}
		dir_rele(child);
	}
	if (resume_state_is_there(at) && (nv = nv_new()) != NULL) {
		if ((rc = token_fill(at, nv)) == 0)
			rc = resume_token_make(nv, token);
		nv_free(nv);
	}
	dsl_rele(at);
	return (rc);
}
