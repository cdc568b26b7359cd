/* SPDX-License-Identifier: MIT */
/*
 * pool.status: the tree of devices with states and counters, as zpool status and list -v show it.
 *
 * in	verbose (flag: with errors), dedup (flag: with the tables of shared blocks)
 * out	name, state, guid (u64), age (u64: seconds since the import), reason (string: why not
 *	healthy), scan (u64 array: the fields of struct scrub_stat in order, then the time), lost (u64:
 *	blocks that are known to be lost), removal (u64 array: the fields of struct removal_stat, then the
 *	time), removed (string: of which device), checkpoint (u64 array: time, bytes), readonly (flag), tree
 *	(nvlist), spares, l2cache (nvlist arrays), errors (strings: what was lost), ddt (u64 array:
 *	entries, bytes on disk, bytes in memory), ddt_histogram (u64 array: 64 rows of struct ddt_totals)
 * tree	name ("mirror-0" or the path), type, id, guid, state, why, path, read, write, cksum, size,
 *	alloc, frag (percent), psize (u64), init, trimmed (u64 arrays: state, time, done, total),
 *	initialize, trim (flags: while they run), mapping (u64: bytes of memory if it were removed), log, whole_disk (flags),
 *	children (nvlist array)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "ddt.h"
#include "dtl.h"
#include "errlog.h"
#include "poolops_impl.h"
#include "removal.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "spa_vdev_impl.h"

static void
add_work(const struct vdev_init *in, struct nvlist *nv, const char *name, const char *flag)
{
	if (in->state == INIT_ACTIVE)
		(void)nv_add_boolean(nv, flag);
	if (in->state != INIT_NONE)
		(void)nv_add_u64_array(nv, name, (uint64_t[]){in->state, in->when, in->done, in->total}, 4);
}

static void
add_numbers(const struct vdev *v, struct nvlist *nv)
{
	(void)nv_add_u64(nv, "id", v->id);
	(void)nv_add_u64(nv, "guid", v->guid);
	(void)nv_add_u64(nv, "read", v->err_read);
	(void)nv_add_u64(nv, "write", v->err_write);
	(void)nv_add_u64(nv, "cksum", v->err_cksum);
	(void)nv_add_u64(nv, "psize", v->psize);
	for (int dir = 0; dir < 2; dir++) {
		(void)nv_add_u64(nv, dir == 0 ? "ops_read" : "ops_write", v->stat_ops[dir]);
		(void)nv_add_u64(nv, dir == 0 ? "bytes_read" : "bytes_write", v->stat_bytes[dir]);
	}
	if (v->top == v && vdev_class(v) != NULL)
		(void)nv_add_str(nv, "class", vdev_class(v));
	if (v->kind == VDEV_RAIDZ)
		(void)nv_add_u64(nv, "nparity", v->nparity);
	add_work(&v->init, nv, "init", "initialize");
	add_work(&v->trim, nv, "trimmed", "trim");
	if (v->resilvering)
		(void)nv_add_boolean(nv, "resilvering");
	if (vdev_is_leaf(v) && vdev_leaf_ready(v) && !dtl_is_empty(v))
		(void)nv_add_boolean(nv, "stale");
	if (v->whole_disk)
		(void)nv_add_boolean(nv, "whole_disk");
}

/* Space is counted per top-level device. */
static void
add_space(const struct vdev *v, struct nvlist *nv)
{
	struct space_stats st;

	if (v->top != v || metaslab_top_stats(v, &st) != 0)
		return;
	(void)nv_add_u64(nv, "size", st.size);
	(void)nv_add_u64(nv, "alloc", st.alloc);
	(void)nv_add_u64(nv, "frag", st.frag_percent);
	if (!v->is_log)
		(void)nv_add_u64(nv, "mapping", removal_mapping_estimate(v));
}

static struct nvlist *vdev_node(const struct vdev *v, const char *pool);

static int
add_children(const struct vdev *v, const char *pool, struct nvlist *nv)
{
	struct nvlist **child = calloc(v->nchild, sizeof(struct nvlist *));
	size_t n = 0;
	int rc = child == NULL ? -ENOMEM : 0;

	for (; rc == 0 && n < v->nchild; n++)
		if ((child[n] = vdev_node(v->child[n], pool)) == NULL)
			rc = -ENOMEM;
	if (rc == 0)
		rc = nv_add_nvlist_array(nv, "children", child, n);
	for (size_t i = 0; child != NULL && i < v->nchild; i++)
		nv_free(child[i]);
	free(child);
	return (rc);
}

static struct nvlist *
vdev_node(const struct vdev *v, const char *pool)
{
	struct nvlist *nv = nv_new();
	char name[4096];

	if (nv == NULL)
		return (NULL);
	vdev_name(v, pool, name, sizeof(name));
	if (nv_add_str(nv, "name", name) != 0 || nv_add_str(nv, "type", vdev_kind_name(v->kind)) != 0 ||
	    nv_add_str(nv, "state", vdev_state_name(v->state)) != 0)
		goto fail;
	if (v->path != NULL && nv_add_str(nv, "path", v->path) != 0)
		goto fail;
	if (v->why != NULL && nv_add_str(nv, "why", v->why) != 0)
		goto fail;
	add_numbers(v, nv);
	add_space(v, nv);
	if (v->nchild == 0 || add_children(v, pool, nv) == 0)
		return (nv);
fail:
	nv_free(nv);
	return (NULL);
}

static void
add_scan(struct spa *spa, struct nvlist *out)
{
	struct scrub_stat st;

	scrub_stat(spa, &st);
	(void)nv_add_u64(out, "lost", errlog_count(spa));
	if (st.state == SCRUB_NONE)
		return;
	(void)nv_add_u64_array(out, "scan", (uint64_t[]){st.func, st.state, st.paused, st.start, st.end,
	    st.to_examine, st.examined, st.repaired, st.errors, st.pass_start, st.pass_examined,
	    st.pause_start, spa_now(spa, NULL)}, 13);
}

static void
add_removal(struct spa *spa, struct nvlist *out)
{
	const struct vdev *top = removal_top(spa);
	struct removal_stat st;
	char name[4096];

	removal_stat(spa, &st);
	if (st.state == REMOVAL_NONE)
		return;
	(void)nv_add_u64_array(out, "removal", (uint64_t[]){st.state, st.vdev, st.start, st.end,
	    st.to_copy, st.copied, st.mapping_bytes, spa_now(spa, NULL)}, 8);
	if (top == NULL)
		top = vdev_top(spa_root_vdev(spa), st.vdev);
	if (top == NULL)
		return;
	vdev_name(top, spa_name(spa), name, sizeof(name));
	(void)nv_add_str(out, "removed", name);
}

static const char *
spare_state(struct spa *spa, const struct vdev *v)
{
	struct bdev *bd;

	if (spa_spare_in_use(spa, v))
		return ("INUSE");
	if (v->path == NULL || bdev_open(v->path, BDEV_READONLY, &bd, NULL) != 0)
		return ("UNAVAIL");
	bdev_close(bd);
	return ("AVAIL");
}

/* Devices beside the tree. */
static void
add_aux(struct spa *spa, enum aux_kind k, struct nvlist *out)
{
	const struct spa_aux *a = &spa->aux[k];
	struct nvlist **list = calloc(a->n + 1, sizeof(struct nvlist *));
	size_t n = 0;

	for (size_t i = 0; list != NULL && i < a->n; i++) {
		if ((list[n] = vdev_node(a->dev[i], "")) == NULL)
			continue;
		(void)nv_add_str(list[n++], "state",
		    k == AUX_SPARE ? spare_state(spa, a->dev[i]) : "ONLINE");
	}
	if (n > 0)
		(void)nv_add_nvlist_array(out, k == AUX_SPARE ? "spares" : "l2cache", list, n);
	for (size_t i = 0; i < n; i++)
		nv_free(list[i]);
	free(list);
}

static void
add_errors(struct pool_session *s, struct nvlist *out)
{
	struct strlist names = STRLIST_INIT;

	if (errors_to_names(s, &names) == 0)
		(void)strlist_to_nv(&names, out, "errors");
	strlist_free(&names);
}

/* Tables of shared blocks: entries, their size on disk and in memory; and how often what is shared. */
static void
add_dedup(struct spa *spa, struct nvlist *out)
{
	struct ddt_totals rows[DDT_ROWS], sum;
	uint64_t sizes[3] = {0, 0, 0};

	ddt_totals(spa, &sum);
	ddt_histogram(spa, rows);
	sizes[0] = sum.blocks;
	ddt_table_bytes(spa, &sizes[1], &sizes[2]);
	(void)nv_add_u64_array(out, "ddt", sizes, 3);
	(void)nv_add_u64_array(out, "ddt_histogram", (const uint64_t *)rows, sizeof(rows) / 8);
}

/* The pool's lock held. */
static void
describe(struct pool_session *s, struct nvlist *out)
{
	struct spa *spa = s->spa;
	const struct vdev *root = spa_root_vdev(spa);

	(void)nv_add_str(out, "name", spa_name(spa));
	(void)nv_add_str(out, "state", spa_is_suspended(spa) ? "SUSPENDED" :
	    vdev_state_name(root->state));
	(void)nv_add_u64(out, "guid", spa_guid(spa));
	(void)nv_add_u64(out, "age", spa_now(spa, NULL) > s->opened ?
	    spa_now(spa, NULL) - s->opened : 1);
	if (root->why != NULL)
		(void)nv_add_str(out, "reason", root->why);
	if (checkpoint_is_there(spa))
		(void)nv_add_u64_array(out, "checkpoint",
		    (uint64_t[]){checkpoint_time(spa), checkpoint_bytes(spa)}, 2);
	if (spa_is_readonly(spa))
		(void)nv_add_boolean(out, "readonly");
	add_scan(spa, out);
	add_removal(spa, out);
	add_aux(spa, AUX_SPARE, out);
	add_aux(spa, AUX_CACHE, out);
}

int
op_pool_status(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct nvlist *tree;
	int rc;

	spa_enter_anyway(s->spa);
	tree = vdev_node(spa_root_vdev(s->spa), spa_name(s->spa));
	describe(s, out);
	if (arg_flag(in, "verbose"))
		add_errors(s, out);
	if (arg_flag(in, "dedup"))
		add_dedup(s->spa, out);
	spa_exit(s->spa);
	rc = tree != NULL ? nv_add_nvlist(out, "tree", tree) : -ENOMEM;
	nv_free(tree);
	return (err_rc(e, rc, "cannot describe the pool"));
}
