/* SPDX-License-Identifier: MIT */
/*
 * The vdev tree: made from configurations and back, opened, and judged healthy or not.
 *
 * Theory
 * ------
 *	root ─┬─ top-level 0: mirror ─┬─ leaf (file or disk)
 *	      │                       └─ replacing ─┬─ leaf
 *	      │                                     └─ leaf
 *	      ├─ top-level 1: raidz ── leaf, leaf, leaf
 *	      └─ top-level 2: hole | missing | indirect: ids stay, the space is gone
 *
 * Only top-levels have an address space (a DVA names one and an offset in it), an ashift, metaslabs.
 * Only leaves have a device. What is between says how bytes of the first become bytes of the second;
 * fs/vdev_io.c does mirrors, fs/vdev_raidz.c does raidz.
 *
 * State flows upwards: a leaf is HEALTHY when its device opened and carries the label of this leaf;
 * a mirror lives while one child does, a raidz while no more than nparity children are gone, the root
 * while all top-levels but logs do. A parent with some loss is DEGRADED.
 *
 * A configuration has pairs that this engine does not interpret; they are kept in `extra` and written
 * back, so that a pool that visits us loses nothing.
 *
 * Invariants
 *  1. v->child[i]->parent == v and v->child[i]->id == i
 *  2. v->top is the ancestor directly below the root (itself for a top-level, NULL for the root)
 *  3. only leaves have bd
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dtl.h"
#include "events.h"
#include "remap.h"
#include "smartbox/fs/label.h"
#include "vdev_impl.h"

#define TREE_DEPTH_MAX 6
#define CHILDREN_MAX 4096u

static const struct {
	const char *name;
	enum vdev_kind kind;
} kinds[] = {
    {"root", VDEV_ROOT}, {"file", VDEV_FILE}, {"disk", VDEV_DISK}, {"mirror", VDEV_MIRROR},
    {"raidz", VDEV_RAIDZ}, {"hole", VDEV_HOLE}, {"missing", VDEV_MISSING},
    {"indirect", VDEV_INDIRECT}, {"spare", VDEV_SPARE}, {"replacing", VDEV_REPLACING},
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *
vdev_kind_name(enum vdev_kind kind)
{
	for (size_t i = 0; i < NKINDS; i++) {
		if (kinds[i].kind == kind)
			return (kinds[i].name);
	}
	return ("?");
}

static int
kind_from_name(const char *name, enum vdev_kind *kind)
{
	for (size_t i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*kind = kinds[i].kind;
			return (0);
		}
	}
	return (-ENOTSUP);
}

const char *
vdev_state_name(enum vdev_state s)
{
	static const char *const name[] = {"UNKNOWN", "CLOSED", "OFFLINE", "REMOVED", "UNAVAIL",
	    "FAULTED", "DEGRADED", "ONLINE"};

	return (s < sizeof(name) / sizeof(name[0]) ? name[s] : "?");
}

bool
vdev_is_leaf(const struct vdev *v)
{
	return (v->kind == VDEV_FILE || v->kind == VDEV_DISK);
}

/* --- making and freeing --- */

struct vdev *
vdev_new(enum vdev_kind kind)
{
	struct vdev *v = calloc(1, sizeof(*v));

	if (v != NULL) {
		v->kind = kind;
		v->state = VS_CLOSED;
	}
	return (v);
}

void
vdev_free(struct vdev *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->nchild; i++)
		vdev_free(v->child[i]);
	bdev_close(v->bd);
	remap_free(v->remap);
	dtl_free(v);
	nv_free(v->extra);
	free(v->child);
	free(v->path);
	free(v->why);
	free(v);
}

static void
set_top(struct vdev *v, struct vdev *top)
{
	v->top = top;
	for (size_t i = 0; i < v->nchild; i++)
		set_top(v->child[i], top);
}

int
vdev_add_child(struct vdev *parent, struct vdev *child)
{
	struct vdev **list = realloc(parent->child, (parent->nchild + 1) * sizeof(*list));

	if (list == NULL)
		return (-ENOMEM);
	parent->child = list;
	child->id = parent->nchild;
	child->parent = parent;
	list[parent->nchild++] = child;
	set_top(child, parent->kind == VDEV_ROOT ? child : parent->top);
	return (0);
}

struct vdev *
vdev_top(const struct vdev *root, uint64_t id)
{
	return (id < root->nchild ? root->child[id] : NULL);
}

/* --- configuration in --- */

/* Pairs that have a field (or are made anew each time); the others go to `extra`. */
static bool
is_modelled(const char *name)
{
	static const char *const known[] = {"type", "id", "guid", "path", "whole_disk", "nparity",
	    "children", "create_txg", "metaslab_array", "metaslab_shift", "ashift", "asize", "is_log",
	    "DTL", "offline", "faulted", "is_spare", "com.delphix:vdev_zap_leaf", "com.delphix:vdev_zap_top",
	    "vdev_stats", "vdev_stats_ex", "not_present", "scan_stats", "removal_stats"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], name) == 0)
			return (true);
	}
	return (false);
}

static int
take_extra(struct vdev *v, const struct nvlist *tree)
{
	struct nvpair *p = NULL;
	int rc = 0;

	if ((v->extra = nv_new()) == NULL)
		return (-ENOMEM);
	while (rc == 0 && (p = nv_next(tree, p)) != NULL) {
		if (!is_modelled(nvpair_name(p)))
			rc = nv_add_pair(v->extra, p);
	}
	return (rc);
}

static int
take_numbers(struct vdev *v, const struct nvlist *tree, struct err *e)
{
	uint64_t nparity = nv_u64_or(tree, "nparity", v->kind == VDEV_RAIDZ);
	uint64_t ashift = nv_u64_or(tree, "ashift", 0);

	v->guid = nv_u64_or(tree, "guid", 0);
	v->whole_disk = nv_u64_or(tree, "whole_disk", 0) != 0;
	v->is_log = nv_u64_or(tree, "is_log", 0) != 0;
	v->is_spare = nv_u64_or(tree, "is_spare", 0) != 0;
	v->offline = nv_u64_or(tree, "offline", 0) != 0;
	v->faulted = nv_u64_or(tree, "faulted", 0) != 0;
	v->create_txg = nv_u64_or(tree, "create_txg", 0);
	v->ms_array = nv_u64_or(tree, "metaslab_array", 0);
	v->ms_shift = nv_u64_or(tree, "metaslab_shift", 0);
	v->asize = nv_u64_or(tree, "asize", 0);
	v->dtl_obj = nv_u64_or(tree, "DTL", 0);
	v->zap_leaf = nv_u64_or(tree, "com.delphix:vdev_zap_leaf", 0);
	v->zap_top = nv_u64_or(tree, "com.delphix:vdev_zap_top", 0);
	if (ashift > 16 || (ashift != 0 && ashift < 9))
		return (err_set(e, EILSEQ, "vdev %llu: ashift %llu", (unsigned long long)v->guid,
		    (unsigned long long)ashift));
	if (v->ms_shift > 50)
		return (err_set(e, EILSEQ, "vdev %llu: metaslab_shift %llu",
		    (unsigned long long)v->guid, (unsigned long long)v->ms_shift));
	if (v->kind == VDEV_RAIDZ && (nparity < 1 || nparity > 3))
		return (err_set(e, EILSEQ, "vdev %llu: raidz with parity %llu",
		    (unsigned long long)v->guid, (unsigned long long)nparity));
	v->ashift = (unsigned)ashift;
	v->nparity = (unsigned)nparity;
	return (0);
}

static int from_config(const struct nvlist *tree, int depth, struct vdev **out, struct err *e);

static int
take_children(struct vdev *v, const struct nvlist *tree, int depth, struct err *e)
{
	struct nvlist **list;
	size_t n;

	if (nv_get_nvlist_array(tree, "children", &list, &n) != 0)
		n = 0;
	if (n > CHILDREN_MAX || (n != 0 && vdev_is_leaf(v)) ||
	    (v->kind == VDEV_RAIDZ && (n <= v->nparity || n > RAIDZ_CHILDREN_MAX)))
		return (err_set(e, EILSEQ, "vdev %llu (%s) with %zu children",
		    (unsigned long long)v->guid, vdev_kind_name(v->kind), n));
	for (size_t i = 0; i < n; i++) {
		struct vdev *child;
		int rc = from_config(list[i], depth + 1, &child, e);

		if (rc != 0)
			return (rc);
		if (vdev_add_child(v, child) != 0) {
			vdev_free(child);
			return (err_set(e, ENOMEM, "out of memory"));
		}
	}
	return (0);
}

static int
from_config(const struct nvlist *tree, int depth, struct vdev **out, struct err *e)
{
	const char *type, *path = nv_str_or(tree, "path", NULL);
	enum vdev_kind kind;
	struct vdev *v;
	int rc;

	if (depth > TREE_DEPTH_MAX)
		return (err_set(e, EILSEQ, "vdev tree is nested too deeply"));
	if (nv_get_str(tree, "type", &type) != 0)
		return (err_set(e, EILSEQ, "vdev without a type"));
	if (kind_from_name(type, &kind) != 0)
		return (err_set(e, ENOTSUP, "vdev type '%s' is not supported", type));
	if ((v = vdev_new(kind)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((path != NULL && (v->path = strdup(path)) == NULL) || take_extra(v, tree) != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = take_numbers(v, tree, e)) == 0)
		rc = take_children(v, tree, depth, e);
	if (rc != 0) {
		vdev_free(v);
		return (rc);
	}
	*out = v;
	return (0);
}

int
vdev_from_config(const struct nvlist *tree, struct vdev **out, struct err *e)
{
	struct vdev *v = NULL;
	int rc = from_config(tree, 0, &v, e);

	if (rc != 0)
		return (rc);
	/* A lone top-level (the tree of a label) is its own top. */
	v->id = nv_u64_or(tree, "id", 0);
	if (v->kind != VDEV_ROOT)
		set_top(v, v);
	*out = v;
	return (0);
}

/* --- configuration out --- */

static int
put_extra(struct nvlist *nv, const struct vdev *v)
{
	struct nvpair *p = NULL;
	int rc = 0;

	while (rc == 0 && v->extra != NULL && (p = nv_next(v->extra, p)) != NULL)
		rc = nv_add_pair(nv, p);
	return (rc);
}

static int
put_if(struct nvlist *nv, bool wanted, const char *name, uint64_t value)
{
	return (wanted ? nv_add_u64(nv, name, value) : 0);
}

static int
put_top(struct nvlist *nv, const struct vdev *v)
{
	int rc;

	if (v->kind == VDEV_HOLE || v->kind == VDEV_MISSING)
		return (0);
	if ((rc = nv_add_u64(nv, "metaslab_array", v->ms_array)) != 0 ||
	    (rc = nv_add_u64(nv, "metaslab_shift", v->ms_shift)) != 0 ||
	    (rc = nv_add_u64(nv, "ashift", v->ashift)) != 0 ||
	    (rc = nv_add_u64(nv, "asize", v->asize)) != 0)
		return (rc);
	return (nv_add_u64(nv, "is_log", v->is_log));
}

static int put_children(struct nvlist *nv, const struct vdev *v, bool for_label);

static int
put_vdev(struct nvlist *nv, const struct vdev *v, bool for_label)
{
	bool leaf = vdev_is_leaf(v);
	int rc;

	if ((rc = nv_add_str(nv, "type", vdev_kind_name(v->kind))) != 0 ||
	    (rc = nv_add_u64(nv, "id", v->id)) != 0 || (rc = nv_add_u64(nv, "guid", v->guid)) != 0 ||
	    (rc = v->path != NULL ? nv_add_str(nv, "path", v->path) : 0) != 0 ||
	    (rc = put_if(nv, v->kind == VDEV_DISK, "whole_disk", v->whole_disk)) != 0 ||
	    (rc = put_if(nv, v->kind == VDEV_RAIDZ, "nparity", v->nparity)) != 0 ||
	    (rc = v->top == v && v->asize != 0 ? put_top(nv, v) : 0) != 0 ||
	    (rc = put_if(nv, v->dtl_obj != 0, "DTL", v->dtl_obj)) != 0 ||
	    (rc = put_if(nv, v->create_txg != 0, "create_txg", v->create_txg)) != 0 ||
	    (rc = put_if(nv, leaf && v->offline && !v->offline_tmp, "offline", 1)) != 0 ||
	    (rc = put_if(nv, leaf && v->is_spare, "is_spare", 1)) != 0 ||
	    (rc = put_if(nv, leaf && v->faulted, "faulted", 1)) != 0)
		return (rc);
	if (!for_label &&
	    ((rc = put_if(nv, v->zap_leaf != 0, "com.delphix:vdev_zap_leaf", v->zap_leaf)) != 0 ||
	    (rc = put_if(nv, v->zap_top != 0, "com.delphix:vdev_zap_top", v->zap_top)) != 0))
		return (rc);
	if ((rc = put_extra(nv, v)) != 0)
		return (rc);
	return (v->nchild != 0 ? put_children(nv, v, for_label) : 0);
}

int
vdev_to_config(const struct vdev *v, bool for_label, struct nvlist **out)
{
	struct nvlist *nv = nv_new();
	int rc;

	if (nv == NULL)
		return (-ENOMEM);
	if ((rc = put_vdev(nv, v, for_label)) != 0) {
		nv_free(nv);
		return (rc);
	}
	*out = nv;
	return (0);
}

static int
put_children(struct nvlist *nv, const struct vdev *v, bool for_label)
{
	struct nvlist **list = calloc(v->nchild, sizeof(*list));
	int rc = list == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < v->nchild; i++)
		rc = vdev_to_config(v->child[i], for_label, &list[i]);
	if (rc == 0)
		rc = nv_add_nvlist_array(nv, "children", list, v->nchild);
	for (size_t i = 0; list != NULL && i < v->nchild; i++)
		nv_free(list[i]);
	free(list);
	return (rc);
}

/* --- opening --- */

__attribute__((format(printf, 3, 4))) static void
set_state(struct vdev *v, enum vdev_state state, const char *fmt, ...)
{
	enum vdev_state before = v->state;
	va_list ap;

	v->state = state;
	events_post_state(v, before);
	free(v->why);
	v->why = NULL;
	if (fmt == NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&v->why, fmt, ap) < 0)
		v->why = NULL; /* the state says enough */
	va_end(ap);
}

void
vdev_set_bdev(struct vdev *leaf, struct bdev *bd)
{
	bdev_close(leaf->bd);
	leaf->bd = bd;
}

static uint64_t
believed_txg(const struct vdev *v)
{
	while (v->parent != NULL)
		v = v->parent;
	return (v->label_txg_max != 0 ? v->label_txg_max : UINT64_MAX);
}

/* Is this the device of this leaf? Its label says so by guid. */
static void
check_label(struct vdev *leaf)
{
	struct nvlist *label;
	struct err e = ERR_INIT;
	uint64_t guid;
	int rc = label_read_until(leaf->bd, believed_txg(leaf), &label, &e);

	if (rc != 0) {
		set_state(leaf, VS_CANT_OPEN, "%s", e.msg);
		return;
	}
	guid = nv_u64_or(label, "guid", 0);
	leaf->label_txg = nv_u64_or(label, "txg", 0);
	if (guid != leaf->guid)
		set_state(leaf, VS_CANT_OPEN, "the device belongs to another vdev (%llu)",
		    (unsigned long long)guid);
	nv_free(label);
}

void
vdev_leaf_open(struct vdev *leaf, bool readonly)
{
	struct err e = ERR_INIT;

	if (leaf->offline) {
		set_state(leaf, VS_OFFLINE, NULL);
		return;
	}
	if (leaf->bd == NULL && leaf->path == NULL) {
		set_state(leaf, VS_CANT_OPEN, "no path is known");
		return;
	}
	if (leaf->bd == NULL && bdev_open(leaf->path, readonly ? BDEV_READONLY : BDEV_EXCL,
	    &leaf->bd, &e) != 0) {
		set_state(leaf, VS_CANT_OPEN, "%s", e.msg);
		return;
	}
	if (leaf->bd->size < DEVICE_MIN_BYTES) {
		set_state(leaf, VS_CANT_OPEN, "the device is smaller than 64 MiB");
		return;
	}
	leaf->psize = label_psize(leaf->bd->size);
	set_state(leaf, VS_HEALTHY, NULL);
	if (!leaf->new_leaf)
		check_label(leaf);
	if (leaf->state == VS_HEALTHY && leaf->faulted)
		set_state(leaf, VS_FAULTED, "too many errors");
}

/* State of an inner vdev from those of its children. */
static void
judge(struct vdev *v)
{
	size_t lost = 0, hurt = 0, tolerated = 0;

	for (size_t i = 0; i < v->nchild; i++) {
		const struct vdev *c = v->child[i];
		bool dead = c->state < VS_DEGRADED;

		/* A missing log costs its unreplayed records, not the pool. */
		if (dead && !(v->kind == VDEV_ROOT && c->is_log))
			lost++;
		else if (dead || c->state == VS_DEGRADED)
			hurt++;
	}
	if (v->kind == VDEV_RAIDZ)
		tolerated = v->nparity;
	else if (v->kind != VDEV_ROOT && v->nchild > 0)
		tolerated = v->nchild - 1;
	if (lost > tolerated || (v->nchild == 0 && v->kind != VDEV_ROOT))
		set_state(v, VS_CANT_OPEN, "%zu of %zu devices are missing", lost, v->nchild);
	else if (lost + hurt > 0)
		set_state(v, VS_DEGRADED, NULL);
	else
		set_state(v, VS_HEALTHY, NULL);
}

void
vdev_leaf_close(struct vdev *leaf, enum vdev_state state, const char *why)
{
	vdev_set_bdev(leaf, NULL);
	leaf->resilvering = false;
	set_state(leaf, state, why != NULL ? "%s" : NULL, why);
	vdev_propagate(leaf);
}

void
vdev_leaf_healthy(struct vdev *leaf)
{
	set_state(leaf, VS_HEALTHY, NULL);
	vdev_propagate(leaf);
}

void
vdev_leaf_degrade(struct vdev *leaf, const char *why)
{
	set_state(leaf, VS_DEGRADED, "%s", why);
	vdev_propagate(leaf);
}

void
vdev_propagate(struct vdev *v)
{
	for (v = v->parent; v != NULL; v = v->parent)
		judge(v);
}

static void
open_below(struct vdev *v, bool readonly)
{
	for (size_t i = 0; i < v->nchild; i++)
		open_below(v->child[i], readonly);
	switch (v->kind) {
	case VDEV_FILE:
	case VDEV_DISK:
		vdev_leaf_open(v, readonly);
		break;
	case VDEV_HOLE:
	case VDEV_INDIRECT:
		set_state(v, VS_HEALTHY, NULL);
		break;
	case VDEV_MISSING:
		set_state(v, VS_CANT_OPEN, "no label of this vdev was found");
		break;
	default:
		judge(v);
	}
}

/* The first leaf that did not open explains a failure better than its ancestors. */
static const struct vdev *
first_lost(const struct vdev *v)
{
	const struct vdev *found;

	if (v->nchild == 0)
		return (v->state < VS_DEGRADED ? v : NULL);
	for (size_t i = 0; i < v->nchild; i++) {
		if ((found = first_lost(v->child[i])) != NULL)
			return (found);
	}
	return (NULL);
}

int
vdev_open(struct vdev *v, bool readonly, struct err *e)
{
	const struct vdev *lost;

	open_below(v, readonly);
	if (v->state >= VS_DEGRADED)
		return (0);
	lost = first_lost(v);
	if (lost == NULL)
		lost = v;
	return (err_set(e, ENXIO, "%s: %s", lost->path != NULL ? lost->path : vdev_kind_name(lost->kind),
	    lost->why != NULL ? lost->why : vdev_state_name(lost->state)));
}

uint64_t
vdev_asize_now(const struct vdev *v)
{
	uint64_t least = UINT64_MAX;

	if (vdev_is_leaf(v))
		return (v->bd != NULL && v->psize > LEAF_OVERHEAD ? v->psize - LEAF_OVERHEAD : 0);
	for (size_t i = 0; i < v->nchild; i++) {
		uint64_t a = vdev_asize_now(v->child[i]);

		/* A device that is away does not shrink the vdev. */
		if (a != 0 && a < least)
			least = a;
	}
	if (least == UINT64_MAX)
		return (v->asize);
	return (v->kind == VDEV_RAIDZ ? least * v->nchild : least);
}

/* --- sizes and sums --- */

uint64_t
vdev_asize_of(const struct vdev *top, uint64_t psize)
{
	uint64_t unit = 1ULL << top->ashift;

	if (top->kind == VDEV_RAIDZ)
		return (raidz_asize_of(top, psize));
	return ((psize + unit - 1) & ~(unit - 1));
}

unsigned
vdev_deflate_ratio(const struct vdev *top)
{
	uint64_t asize = vdev_asize_of(top, 128 << 10);

	return ((unsigned)((128 << 10) / (asize >> 9)));
}

uint64_t
vdev_dsize(const struct vdev *top, uint64_t asize)
{
	return ((asize >> 9) * vdev_deflate_ratio(top));
}

uint64_t
vdev_guid_sum(const struct vdev *v)
{
	uint64_t sum = v->guid;

	for (size_t i = 0; i < v->nchild; i++)
		sum += vdev_guid_sum(v->child[i]);
	return (sum);
}

int
vdev_walk_leaves(struct vdev *v, int (*fn)(struct vdev *leaf, void *arg), void *arg)
{
	int rc = 0;

	if (vdev_is_leaf(v))
		return (fn(v, arg));
	for (size_t i = 0; rc == 0 && i < v->nchild; i++)
		rc = vdev_walk_leaves(v->child[i], fn, arg);
	return (rc);
}
