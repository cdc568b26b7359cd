/* SPDX-License-Identifier: MIT */
/*
 * Sending what is not a snapshot.
 *
 * A filesystem or volume as it is now: a snapshot of it is taken, sent under the name FS@--head-- and the
 * head's guid, and destroyed, at the latest by the next import.  So it may be mounted and in use (OpenZFS's must not be), and the stream is one
 * moment's.  In a pool that is read-only the head itself stands still.
 *
 * What was partly received (--saved): the state that a receive -s left, under the name and guid that it
 * shall have once.  Its stream has no END: who receives it with -s is where we are, and goes on with the
 * token that he then has.  Nobody can go on here meanwhile, as a receive wants the state for itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poolops_send.h"
#include "recv_impl.h"
#include "resume_token.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/send.h"

#define TAG ".send" /* of the snapshot that is sent; users' tags do not begin so */

static const char *const of_snapshots[] = {"replicate", "doall", "props", "backup", "holds", "skip"};

static int
check_flags(const struct nvlist *in, struct err *e)
{
	for (size_t i = 0; i < sizeof(of_snapshots) / sizeof(of_snapshots[0]); i++)
		if (arg_flag(in, of_snapshots[i]))
			return (err_set(e, EINVAL, "Unsupported flag with filesystem or bookmark."));
	return (0);
}

static int
begin_plan(struct send_run *r, const struct nvlist *in, struct err *e)
{
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0 ||
	    (rc = name_check_dataset(name, DSL_FILESYSTEM | DSL_VOLUME, e)) != 0)
		return (rc);
	(void)snprintf(r->plan.root, sizeof(r->plan.root), "%s", name);
	r->flags = send_flags_of(in);
	return (0);
}

static bool
is_foreign(const char *fs, const char *from)
{
	size_t n = strlen(fs);

	return (from[0] != '\0' &&
	    (strncmp(fs, from, n) != 0 || (from[n] != '@' && from[n] != '#')));
}

/* --- as it is now ----------------------------------------------------------------------------- */

static int
take_snapshot(struct send_run *r, struct err *e)
{
	int rc;

	flush_mount(r->s, r->plan.root);
	(void)pthread_mutex_lock(&r->s->changing);
	spa_enter(r->spa);
	(void)snprintf(r->temporary, sizeof(r->temporary), "%s@zfs-send-%llu", r->plan.root,
	    (unsigned long long)spa_open_txg(r->spa));
	if ((rc = dsl_snapshot_temporary(r->spa, r->temporary, TAG, e)) != 0)
		r->temporary[0] = '\0';
	spa_exit(r->spa);
	(void)pthread_mutex_unlock(&r->s->changing);
	return (rc);
}

/* With the lock. */
static int
hold_head(struct send_run *r, struct err *e)
{
	struct dsl_dataset *head;
	int rc;

	if ((rc = dsl_hold(r->spa, r->plan.root, &head, e)) != 0)
		return (rc);
	r->to_guid = dsl_guid(head);
	if (r->temporary[0] == '\0') {
		r->head = head;
		return (0);
	}
	dsl_rele(head);
	return (dsl_hold(r->spa, r->temporary, &r->head, e));
}

int
send_plan_head(struct send_run *r, const struct nvlist *in, struct err *e)
{
	const char *from = nv_str_or(in, "from", "");
	char whole[DSL_NAME_MAX] = "";
	int rc;

	if ((rc = check_flags(in, e)) != 0 || (rc = begin_plan(r, in, e)) != 0 ||
	    (from[0] != '\0' && (rc = send_full_from(r->plan.root, from, whole, e)) != 0))
		return (rc);
	if (!session_exists(r->s, r->plan.root))
		return (err_set(e, ENOENT, "dataset does not exist"));
	if (!spa_is_readonly(r->spa) && (rc = take_snapshot(r, e)) != 0)
		return (rc);
	(void)snprintf(r->toname, sizeof(r->toname), "%s@--head--", r->plan.root);
	if ((rc = send_plan_single(&r->plan, whole, e)) != 0)
		return (rc);
	r->plan.step[0].is_clone = is_foreign(r->plan.root, whole);
	spa_enter(r->spa);
	rc = hold_head(r, e);
	spa_exit(r->spa);
	return (rc);
}

void
send_head_done(struct send_run *r)
{
	const char *name = r->temporary;

	if (name[0] == '\0')
		return;
	(void)pthread_mutex_lock(&r->s->changing);
	spa_enter(r->spa);
	(void)dsl_release_tag(r->spa, &name, 1, TAG, NULL);
	spa_exit(r->spa);
	(void)pthread_mutex_unlock(&r->s->changing);
}

/* --- what was partly received ----------------------------------------------------------------- */

/* The dataset that it grows in: FS/%recv, or FS itself. */
static int
hold_state(struct send_run *r, struct err *e)
{
	char child[2 * DSL_NAME_MAX];
	int rc;

	(void)snprintf(child, sizeof(child), "%s/%s", r->plan.root, RECV_CHILD);
	if (dsl_hold(r->spa, child, &r->head, NULL) != 0 &&
	    (rc = dsl_hold(r->spa, r->plan.root, &r->head, e)) != 0)
		return (rc);
	if (!resume_state_is_there(r->head))
		return (err_set(e, EINVAL, "'%s' has no partially received state", r->plan.root));
	if (r->head->refs > 1)
		return (err_set(e, EBUSY, "'%s' is being received", r->plan.root));
	return (0);
}

/* What the stream is once to be: the receiver wrote it down. */
static int
read_state(struct send_run *r, char from[DSL_NAME_MAX], struct err *e)
{
	struct nvlist *nv;
	uint64_t guid;
	char *token;
	int rc;

	if ((rc = recv_token(r->head, &token)) != 0)
		return (err_rc(e, rc, "'%s'", r->plan.root));
	rc = resume_token_parse(token, &nv, e);
	free(token);
	if (rc != 0)
		return (rc);
	r->to_guid = nv_u64_or(nv, "toguid", 0);
	(void)snprintf(r->toname, sizeof(r->toname), "%s", nv_str_or(nv, "toname", ""));
	r->flags |= (nv_has(nv, "largeblockok") ? SEND_LARGE : 0) |
	    (nv_has(nv, "embedok") ? SEND_EMBED : 0) | (nv_has(nv, "compressok") ? SEND_COMPRESSED : 0);
	guid = nv_u64_or(nv, "fromguid", 0);
	nv_free(nv);
	if (guid != 0 && send_name_of_guid(r->spa, r->plan.root, guid, from) != 0)
		return (err_set(e, ENOENT, "incremental source %#llx no longer exists",
		    (unsigned long long)guid));
	return (0);
}

/* With the lock. */
static int
plan_state(struct send_run *r, struct err *e)
{
	char from[DSL_NAME_MAX] = "";
	int rc;

	if ((rc = spa_is_readonly(r->spa) ? 0 : spa_sync(r->spa, e)) != 0 ||
	    (rc = hold_state(r, e)) != 0 || (rc = read_state(r, from, e)) != 0 ||
	    (rc = send_plan_single(&r->plan, from, e)) != 0)
		return (rc);
	r->plan.step[0].is_clone = is_foreign(r->plan.root, from);
	r->unfinished = true;
	return (0);
}

int
send_plan_saved(struct send_run *r, const struct nvlist *in, struct err *e)
{
	int rc = begin_plan(r, in, e);

	if (rc != 0)
		return (rc);
	spa_enter(r->spa);
	rc = plan_state(r, e);
	spa_exit(r->spa);
	return (rc);
}
