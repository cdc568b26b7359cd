/* SPDX-License-Identifier: MIT */
/*
 * Sets of ranges as treaps.
 *
 * A treap is a search tree by start and a heap by priority at once; with priorities that look random
 * it is balanced, and insertion and removal are two short recursions, split and merge. The priority
 * is a hash of the start, so that the shape depends on the content only and a test's history repeats.
 *
 * Each node knows the longest range below it. That finds the first run of a given size at or after a
 * given place in logarithmic time: an allocator needs no second index by size.
 *
 * Invariants
 *  1. ranges do not touch or overlap: touching ones are merged when added
 *  2. heap: no child has a greater priority than its parent
 *  3. node->longest is the maximum of size over its subtree
 */
#include <errno.h>
#include <stdlib.h>

#include "range_tree.h"

struct range_node {
	uint64_t start, size, longest;
	struct range_node *left, *right;
};

static uint64_t
priority(const struct range_node *n)
{
	uint64_t v = n->start * 0x9E3779B97F4A7C15ULL;

	v = (v ^ v >> 31) * 0xBF58476D1CE4E5B9ULL;
	return (v ^ v >> 29);
}

static uint64_t
longest_of(const struct range_node *n)
{
	return (n == NULL ? 0 : n->longest);
}

static void
update(struct range_node *n)
{
	uint64_t l = longest_of(n->left), r = longest_of(n->right);

	n->longest = n->size;
	if (l > n->longest)
		n->longest = l;
	if (r > n->longest)
		n->longest = r;
}

/* l gets the nodes that start before at, r the others. */
static void
split(struct range_node *n, uint64_t at, struct range_node **l, struct range_node **r)
{
	if (n == NULL) {
		*l = *r = NULL;
	} else if (n->start < at) {
		split(n->right, at, &n->right, r);
		*l = n;
		update(n);
	} else {
		split(n->left, at, l, &n->left);
		*r = n;
		update(n);
	}
}

/* All of l before all of r. */
static struct range_node *
merge(struct range_node *l, struct range_node *r)
{
	if (l == NULL || r == NULL)
		return (l == NULL ? r : l);
	if (priority(l) >= priority(r)) {
		l->right = merge(l->right, r);
		update(l);
		return (l);
	}
	r->left = merge(l, r->left);
	update(r);
	return (r);
}

/* The node with the greatest start <= at, NULL when all start behind. */
static struct range_node *
floor_node(const struct range_tree *t, uint64_t at)
{
	struct range_node *n = t->root, *best = NULL;

	while (n != NULL) {
		if (n->start <= at) {
			best = n;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return (best);
}

static uint32_t *
runs_of_size(struct range_tree *t, uint64_t size)
{
	unsigned i = 63 - (unsigned)__builtin_clzll(size);

	return (&t->runs[i < RANGE_SIZES ? i : RANGE_SIZES - 1]);
}

static void
attach(struct range_tree *t, struct range_node *n)
{
	struct range_node *l, *r;

	n->left = n->right = NULL;
	update(n);
	split(t->root, n->start, &l, &r);
	t->root = merge(merge(l, n), r);
	t->count++;
	(*runs_of_size(t, n->size))++;
}

static void
detach(struct range_tree *t, struct range_node *n)
{
	struct range_node *l, *m, *r;

	split(t->root, n->start, &l, &m);
	split(m, n->start + 1, &m, &r);
	t->root = merge(l, r);
	t->count--;
	(*runs_of_size(t, n->size))--;
}

bool
range_overlaps(const struct range_tree *t, uint64_t start, uint64_t size)
{
	const struct range_node *n;

	if (size == 0)
		return (false);
	/* The last one that starts before the end decides. */
	n = floor_node(t, start + size - 1);
	return (n != NULL && n->start + n->size > start);
}

bool
range_contains(const struct range_tree *t, uint64_t start, uint64_t size)
{
	const struct range_node *n = floor_node(t, start);

	return (n != NULL && start + size <= n->start + n->size);
}

int
range_add(struct range_tree *t, uint64_t start, uint64_t size)
{
	struct range_node *before, *behind, *n;

	if (size == 0 || start + size < start)
		return (-EINVAL);
	if (range_overlaps(t, start, size))
		return (-EEXIST);
	before = floor_node(t, start);
	if (before != NULL && before->start + before->size != start)
		before = NULL;
	behind = floor_node(t, start + size);
	if (behind != NULL && behind->start != start + size)
		behind = NULL;
	t->bytes += size;
	if (behind != NULL) {
		detach(t, behind);
		size += behind->size;
	}
	if (before != NULL) {
		free(behind);
		detach(t, before);
		before->size += size;
		attach(t, before);
		return (0);
	}
	if (behind == NULL && (behind = malloc(sizeof(*behind))) == NULL) {
		t->bytes -= size;
		return (-ENOMEM);
	}
	n = behind;
	n->start = start;
	n->size = size;
	attach(t, n);
	return (0);
}

int
range_remove(struct range_tree *t, uint64_t start, uint64_t size)
{
	struct range_node *n, *tail = NULL;
	uint64_t end = start + size, n_end;

	if (size == 0 || end < start)
		return (-EINVAL);
	n = floor_node(t, start);
	if (n == NULL || (n_end = n->start + n->size) < end)
		return (-ENOENT);
	if (n->start < start && end < n_end && (tail = malloc(sizeof(*tail))) == NULL)
		return (-ENOMEM);
	detach(t, n);
	t->bytes -= size;
	if (n->start < start) {
		n->size = start - n->start;
		attach(t, n);
		n = tail;
	}
	if (end < n_end) {
		n->start = end;
		n->size = n_end - end;
		attach(t, n);
	} else {
		free(n);
	}
	return (0);
}

static bool
find(const struct range_node *n, uint64_t from, uint64_t size, uint64_t *start)
{
	uint64_t at;

	if (n == NULL || n->longest < size)
		return (false);
	/* To the left of a node that starts before `from`, the nodes end before `from` too. */
	if (n->start > from && find(n->left, from, size, start))
		return (true);
	at = n->start > from ? n->start : from;
	if (at < n->start + n->size && n->start + n->size - at >= size) {
		*start = at;
		return (true);
	}
	return (find(n->right, from, size, start));
}

bool
range_find(const struct range_tree *t, uint64_t from, uint64_t size, uint64_t *start)
{
	return (find(t->root, from, size, start));
}

uint64_t
range_longest(const struct range_tree *t)
{
	return (longest_of(t->root));
}

static int
walk(const struct range_node *n, int (*fn)(void *arg, uint64_t start, uint64_t size), void *arg)
{
	int rc = 0;

	if (n == NULL)
		return (0);
	if ((rc = walk(n->left, fn, arg)) == 0 && (rc = fn(arg, n->start, n->size)) == 0)
		rc = walk(n->right, fn, arg);
	return (rc);
}

int
range_walk(const struct range_tree *t, int (*fn)(void *arg, uint64_t start, uint64_t size), void *arg)
{
	return (walk(t->root, fn, arg));
}

static void
free_below(struct range_node *n)
{
	if (n == NULL)
		return;
	free_below(n->left);
	free_below(n->right);
	free(n);
}

void
range_clear(struct range_tree *t)
{
	free_below(t->root);
	*t = (struct range_tree)RANGE_TREE_INIT;
}

void
range_move(struct range_tree *to, struct range_tree *from)
{
	*to = *from;
	*from = (struct range_tree)RANGE_TREE_INIT;
}
