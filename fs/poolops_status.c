/* SPDX-License-Identifier: MIT */
/*
 * pool.status: the tree of devices with states and counters, as zpool status and list -v show it.
 *
 * in	(nothing)
 * out	name, state, guid (u64), reason (string: why not healthy), scan (u64 array: the pool's "scan"
 *	object as on disk, or what it would say of a running scrub), lost (u64: blocks without a good
 *	copy in the last scrub), readonly (flag), tree (nvlist)
 * tree	name ("mirror-0" or the path), type, id, guid, state, why, path, read, write, cksum, size,
 *	alloc, frag (percent), psize (u64), log, whole_disk (flags), children (nvlist array)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poolops_impl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/zap.h"

/* Words of the pool's "scan" entry, and what state 1 is. */
enum { MOS_DIRECTORY = 1, SCAN_WORDS = 24, SCAN_FUNC = 0, SCAN_STATE, SCAN_START = 7,
	SCAN_TO_EXAMINE = 9, SCAN_EXAMINED, SCAN_PROCESSED = 12, SCAN_ERRORS, FUNC_SCRUB = 1,
	STATE_SCANNING = 1 };

static const char *const kind_names[] = {"root", "file", "disk", "mirror", "raidz", "hole",
    "missing", "indirect", "spare", "replacing"};

static void
vdev_name(const struct vdev *v, const char *pool, char *buf, size_t size)
{
	if (v->kind == VDEV_ROOT)
		(void)snprintf(buf, size, "%s", pool);
	else if (v->path != NULL)
		(void)snprintf(buf, size, "%s", v->path);
	else if (v->kind == VDEV_RAIDZ)
		(void)snprintf(buf, size, "raidz%u-%llu", v->nparity, (unsigned long long)v->id);
	else
		(void)snprintf(buf, size, "%s-%llu", kind_names[v->kind],
		    (unsigned long long)v->id);
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
	if (v->is_log)
		(void)nv_add_boolean(nv, "log");
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
	if (nv_add_str(nv, "name", name) != 0 || nv_add_str(nv, "type", kind_names[v->kind]) != 0 ||
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
	uint64_t words[SCAN_WORDS] = {0};
	struct scrub_stat st;

	scrub_stat(spa, &st);
	(void)nv_add_u64(out, "lost", st.errors);
	if (st.state == SCRUB_RUNNING) {
		words[SCAN_FUNC] = FUNC_SCRUB;
		words[SCAN_STATE] = STATE_SCANNING;
		words[SCAN_START] = st.start;
		words[SCAN_TO_EXAMINE] = st.to_examine;
		words[SCAN_EXAMINED] = st.examined;
		words[SCAN_PROCESSED] = st.repaired;
		words[SCAN_ERRORS] = st.errors;
		(void)nv_add_u64_array(out, "scan", words, SCAN_WORDS);
		return;
	}
	if (zap_lookup(spa_mos(spa), MOS_DIRECTORY, "scan", 8, SCAN_WORDS, words) == 0)
		(void)nv_add_u64_array(out, "scan", words, SCAN_WORDS);
}

int
op_pool_status(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct spa *spa = s->spa;
	const struct vdev *root;
	struct nvlist *tree;
	int rc;

	(void)in;
	spa_enter(spa);
	root = spa_root_vdev(spa);
	tree = vdev_node(root, spa_name(spa));
	(void)nv_add_str(out, "name", spa_name(spa));
	(void)nv_add_str(out, "state", spa_is_suspended(spa) ? "SUSPENDED" :
	    vdev_state_name(root->state));
	(void)nv_add_u64(out, "guid", spa_guid(spa));
	if (root->why != NULL)
		(void)nv_add_str(out, "reason", root->why);
	if (spa_is_readonly(spa))
		(void)nv_add_boolean(out, "readonly");
	add_scan(spa, out);
	spa_exit(spa);
	rc = tree != NULL ? nv_add_nvlist(out, "tree", tree) : -ENOMEM;
	nv_free(tree);
	return (err_rc(e, rc, "cannot describe the pool"));
}
