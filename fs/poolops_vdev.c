/* SPDX-License-Identifier: MIT */
/*
 * Operations on a pool's devices: offline, online, attach, detach, replace, add, remove, clear, reopen.
 *
 * The engine's words (fs/spa_vdev.h) with arguments from nvlists; afterwards the tender is woken, which
 * starts resilvers and ends replacements.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "poolops_impl.h"
#include "removal.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "smartbox/fs/tender.h"

/* in: device, flags temporary, fault */
int
op_pool_offline(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *device;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "device", &device, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	rc = spa_vdev_offline(s->spa, device, arg_flag(in, "temporary"), arg_flag(in, "fault"), e);
	spa_exit(s->spa);
	return (rc);
}

/* in: device, flag expand; out: state */
int
op_pool_online(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const struct vdev *v;
	const char *device;
	int rc;

	if ((rc = arg_str(in, "device", &device, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	rc = spa_vdev_online(s->spa, device, arg_flag(in, "expand"), e);
	if (rc == 0 && (v = vdev_find(spa_root_vdev(s->spa), device)) != NULL)
		(void)nv_add_str(out, "state", vdev_state_name(v->state));
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc);
}

/* in: device, [leaf] (type, path), flags replace, force */
int
op_pool_attach(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct spa_attach a = {.replace = arg_flag(in, "replace"), .force = arg_flag(in, "force")};
	struct nvlist *leaf = NULL;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "device", &a.old, e)) != 0)
		return (rc);
	(void)nv_get_nvlist(in, "leaf", &leaf);
	if (leaf == NULL && !a.replace)
		return (err_set(e, EINVAL, "argument 'leaf' is missing"));
	a.leaf = leaf;
	spa_enter(s->spa);
	rc = spa_vdev_attach(s->spa, &a, e);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc);
}

static int
on_device(struct pool_session *s, const struct nvlist *in,
    int (*fn)(struct spa *spa, const char *device, struct err *e), struct err *e)
{
	const char *device;
	int rc = arg_str(in, "device", &device, e);

	if (rc != 0)
		return (rc);
	spa_enter(s->spa);
	rc = fn(s->spa, device, e);
	spa_exit(s->spa);
	return (rc);
}

/* in: device */
int
op_pool_detach(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	(void)out;
	return (on_device(s, in, spa_vdev_detach, e));
}

/* in: vdev_tree, [ashift], flag force */
int
op_pool_add(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct spa_add a = {.force = arg_flag(in, "force"),
	    .ashift = (unsigned)nv_u64_or(in, "ashift", 0)};
	struct nvlist *tree;
	int rc;

	(void)out;
	if (nv_get_nvlist(in, "vdev_tree", &tree) != 0)
		return (err_set(e, EINVAL, "argument 'vdev_tree' is missing"));
	a.tree = tree;
	spa_enter(s->spa);
	rc = spa_vdev_add(s->spa, &a, e);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc);
}

/* in: device, or flag cancel */
int
op_pool_remove(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)out;
	if (arg_flag(in, "cancel")) {
		spa_enter(s->spa);
		rc = removal_cancel(s->spa, e);
		spa_exit(s->spa);
		return (rc);
	}
	rc = on_device(s, in, spa_vdev_remove, e);
	tender_wake(s->spa);
	return (rc);
}

/* in: [device]; not one change at a time: another may be waiting for just this one */
int
op_pool_clear(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)out;
	spa_enter_anyway(s->spa);
	rc = spa_vdev_clear(s->spa, nv_str_or(in, "device", NULL), e);
	if (rc == 0 && !spa_is_readonly(s->spa))
		history_command(s, in);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc);
}

int
op_pool_reopen(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	(void)in;
	(void)out;
	(void)e;
	spa_enter(s->spa);
	(void)spa_vdev_reopen(s->spa);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (0);
}

/* One that runs starts anew, with what devices lack by now. */
int
op_pool_resilver(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)in;
	(void)out;
	spa_enter(s->spa);
	resilver_stop(s->spa);
	rc = resilver_start(s->spa, e);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc == -ENOENT ? 0 : rc);
}

static int
note_path(const struct vdev *leaf, void *arg)
{
	return (leaf->path != NULL ? strlist_add(arg, leaf->path) : 0);
}

/*
 * in: name, [devices] (strings), [props] of the new pool, flag dryrun
 * out: paths of the devices that left, or would
 */
int
op_pool_split(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist paths = STRLIST_INIT;
	struct spa_split o = {.name = NULL};
	struct nvlist *props = NULL;
	int rc;

	if ((rc = arg_str(in, "name", &o.name, e)) != 0)
		return (rc);
	(void)nv_get_str_array(in, "devices", &o.device, &o.n);
	(void)nv_get_nvlist(in, "props", &props);
	o.props = props;
	spa_enter(s->spa);
	rc = spa_vdev_split_plan(s->spa, &o, note_path, &paths, e);
	if (rc == 0 && !arg_flag(in, "dryrun"))
		rc = spa_vdev_split(s->spa, &o, e);
	spa_exit(s->spa);
	if (rc == 0)
		rc = err_rc(e, strlist_to_nv(&paths, out, "paths"), "split");
	strlist_free(&paths);
	return (rc);
}

static int
work_on(struct pool_session *s, enum spa_work kind, const struct nvlist *in, struct err *e)
{
	enum init_command what = arg_flag(in, "cancel") ? INIT_CANCEL :
	    arg_flag(in, "suspend") ? INIT_SUSPEND : INIT_START;
	int rc;

	spa_enter(s->spa);
	rc = spa_work(s->spa, kind, nv_str_or(in, "device", NULL), what, nv_u64_or(in, "rate", 0), e);
	spa_exit(s->spa);
	tender_wake(s->spa);
	return (rc);
}

/* in: [device], flags cancel, suspend */
int
op_pool_initialize(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	(void)out;
	return (work_on(s, SPA_INITIALIZE, in, e));
}

/* in: [device], [rate], flags cancel, suspend */
int
op_pool_trim(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	(void)out;
	return (work_on(s, SPA_TRIM, in, e));
}

/* flag discard: the one that there is */
int
op_pool_checkpoint(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	bool discard = arg_flag(in, "discard");
	int rc;

	(void)out;
	spa_enter(s->spa);
	rc = discard ? checkpoint_discard(s->spa, e) : checkpoint_take(s->spa, e);
	if (rc == 0)
		history_event(s, discard ? "spa discard checkpoint" : "spa checkpoint", NULL, "txg=%llu",
		    (unsigned long long)spa_synced_txg(s->spa));
	spa_exit(s->spa);
	return (rc);
}

/* All features that pools which we make have. */
int
op_pool_upgrade(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)in;
	(void)out;
	spa_enter(s->spa);
	if ((rc = spa_features_upgrade(s->spa)) == 0)
		rc = spa_sync_force(s->spa, e);
	spa_exit(s->spa);
	return (err_rc(e, rc, "cannot enable all features"));
}

int
op_pool_reguid(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	int rc;

	(void)in;
	(void)out;
	spa_enter(s->spa);
	rc = spa_reguid(s->spa, e);
	spa_exit(s->spa);
	return (rc);
}
