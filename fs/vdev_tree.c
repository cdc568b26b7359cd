/* SPDX-License-Identifier: MIT */
/*
 * Changing the shape of the vdev tree: a vdev gets a new parent, loses a sibling, is found by name.
 *
 *	attach to a leaf:	leaf		 ->	mirror ─┬─ leaf
 *							        └─ new
 *	detach all but one:	mirror ── leaf   ->	leaf
 *
 * When the vdev in question is a top-level, its address space (ashift, size, metaslabs, its ZAP) goes
 * to what takes its place: blocks name the top-level by its position below the root, and that stays.
 * So does the guid when a mirror becomes its only child: a device that was detached while it was away
 * still describes the mirror, and must not look like another top-level.
 *
 * Pure changes of memory; the caller makes them durable and puts states right (vdev_propagate).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metaslab_impl.h"
#include "vdev_impl.h"

struct vdev *
vdev_by_guid(struct vdev *v, uint64_t guid)
{
	struct vdev *found = NULL;

	if (v->guid == guid && guid != 0)
		return (v);
	for (size_t i = 0; i < v->nchild && found == NULL; i++)
		found = vdev_by_guid(v->child[i], guid);
	return (found);
}

const char *
vdev_class(const struct vdev *top)
{
	if (top->is_log)
		return ("log");
	if (top->mg == NULL)
		return (NULL);
	return (top->mg->bias == BIAS_SPECIAL ? "special" : top->mg->bias == BIAS_DEDUP ? "dedup" : NULL);
}

void
vdev_name(const struct vdev *v, const char *pool, char *buf, size_t size)
{
	if (v->kind == VDEV_ROOT)
		(void)snprintf(buf, size, "%s", pool);
	else if (v->path != NULL)
		(void)snprintf(buf, size, "%s", v->path);
	else if (v->kind == VDEV_RAIDZ)
		(void)snprintf(buf, size, "raidz%u-%llu", v->nparity, (unsigned long long)v->id);
	else if (vdev_is_leaf(v))
		(void)snprintf(buf, size, "%llu", (unsigned long long)v->guid);
	else
		(void)snprintf(buf, size, "%s-%llu", vdev_kind_name(v->kind),
		    (unsigned long long)v->id);
}

static bool
is_called(const struct vdev *v, const char *name)
{
	char own[4096];
	const char *slash;

	if (v->kind == VDEV_ROOT)
		return (false);
	vdev_name(v, "", own, sizeof(own));
	if (strcmp(own, name) == 0)
		return (true);
	slash = strrchr(own, '/');
	return (v->kind == VDEV_DISK && slash != NULL && strcmp(slash + 1, name) == 0);
}

struct vdev *
vdev_find(struct vdev *v, const char *name)
{
	struct vdev *found = is_called(v, name) ? v : NULL;
	char *end;
	uint64_t guid = strtoull(name, &end, 10);

	for (size_t i = 0; i < v->nchild && found == NULL; i++)
		found = vdev_find(v->child[i], name);
	if (found == NULL && v->kind == VDEV_ROOT && *end == '\0')
		found = vdev_by_guid(v, guid);
	return (found);
}

static void
set_top(struct vdev *v, struct vdev *top)
{
	v->top = top;
	for (size_t i = 0; i < v->nchild; i++)
		set_top(v->child[i], top);
}

static void
move_space(struct vdev *from, struct vdev *to)
{
	to->ashift = from->ashift;
	to->asize = from->asize;
	to->ms_array = from->ms_array;
	to->ms_shift = from->ms_shift;
	to->is_log = from->is_log;
	to->zap_top = from->zap_top;
	to->mg = from->mg;
	if (to->mg != NULL)
		to->mg->top = to;
	from->mg = NULL;
	from->asize = from->ms_array = from->ms_shift = from->zap_top = 0;
	from->is_log = false;
}

static void
put_in_place(struct vdev *v, struct vdev *parent, size_t id)
{
	parent->child[id] = v;
	v->parent = parent;
	v->id = id;
}

int
vdev_insert_parent(struct vdev *v, enum vdev_kind kind, uint64_t guid, struct vdev **out)
{
	struct vdev *above = v->parent, *p = vdev_new(kind);
	bool was_top = v->top == v;
	size_t id = v->id;

	if (p == NULL || (p->child = calloc(1, sizeof(struct vdev *))) == NULL) {
		vdev_free(p);
		return (-ENOMEM);
	}
	p->guid = guid;
	p->create_txg = v->create_txg;
	p->state = v->state;
	p->nchild = 1;
	put_in_place(p, above, id);
	put_in_place(v, p, 0);
	if (was_top)
		move_space(v, p);
	set_top(p, was_top ? p : above->top);
	*out = p;
	return (0);
}

void
vdev_take_out(struct vdev *v)
{
	struct vdev *p = v->parent;

	for (size_t i = v->id + 1; i < p->nchild; i++)
		put_in_place(p->child[i], p, i - 1);
	p->nchild--;
	v->parent = NULL;
	set_top(v, v);
}

void
vdev_collapse(struct vdev *parent)
{
	struct vdev *only = parent->child[0], *above = parent->parent;
	bool was_top = parent->top == parent;

	parent->nchild = 0;
	put_in_place(only, above, parent->id);
	if (was_top) {
		only->guid = parent->guid;
		move_space(parent, only);
	}
	set_top(only, was_top ? only : above->top);
	vdev_free(parent);
}
