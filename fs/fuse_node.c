/* SPDX-License-Identifier: MIT */
/*
 * Lookup counts: which nodes the kernel knows.
 *
 * Node ids are object numbers, so nothing is translated; the counts only tell when an object without
 * names has lost its last user.  Open addressing with linear probing; deletion moves later entries of
 * the run back, so there are no tombstones and a table that had a million entries once stays fast.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse_impl.h"

#define CAP_MIN 256

static size_t
home_of(const struct node_table *t, uint64_t id)
{
	return ((size_t)(id * 0x9E3779B97F4A7C15ULL >> 20) & (t->cap - 1));
}

/* The entry of id, or the free one where it belongs. */
static struct node *
probe(const struct node_table *t, uint64_t id)
{
	size_t i = home_of(t, id);

	while (t->v[i].id != 0 && t->v[i].id != id)
		i = (i + 1) & (t->cap - 1);
	return (&t->v[i]);
}

static int
grow(struct node_table *t)
{
	struct node_table bigger = {.cap = t->cap == 0 ? CAP_MIN : t->cap * 2, .n = t->n};

	if ((bigger.v = calloc(bigger.cap, sizeof(*bigger.v))) == NULL)
		return (-ENOMEM);
	for (size_t i = 0; i < t->cap; i++) {
		if (t->v[i].id != 0)
			*probe(&bigger, t->v[i].id) = t->v[i];
	}
	free(t->v);
	*t = bigger;
	return (0);
}

int
node_add(struct node_table *t, uint64_t id, uint64_t lookups)
{
	struct node *n;
	int rc;

	if (t->n >= t->cap / 4 * 3 && (rc = grow(t)) != 0)
		return (rc);
	n = probe(t, id);
	if (n->id == 0) {
		*n = (struct node){.id = id};
		t->n++;
	}
	n->lookups += lookups;
	return (0);
}

struct node *
node_find(const struct node_table *t, uint64_t id)
{
	struct node *n;

	if (t->cap == 0)
		return (NULL);
	n = probe(t, id);
	return (n->id != 0 ? n : NULL);
}

/* Close the gap at i: an entry further on in the run that may live here moves here. */
static void
remove_at(struct node_table *t, size_t i)
{
	size_t mask = t->cap - 1;

	for (size_t j = (i + 1) & mask; t->v[j].id != 0; j = (j + 1) & mask) {
		size_t home = home_of(t, t->v[j].id);

		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->v[i] = t->v[j];
			i = j;
		}
	}
	t->v[i].id = 0;
	t->n--;
}

bool
node_forget(struct node_table *t, uint64_t id, uint64_t lookups, bool *unlinked)
{
	struct node *n = node_find(t, id);

	*unlinked = false;
	if (n == NULL)
		return (false);
	if (n->lookups > lookups) {
		n->lookups -= lookups;
		return (false);
	}
	*unlinked = n->unlinked;
	remove_at(t, (size_t)(n - t->v));
	return (true);
}

void
node_table_free(struct node_table *t)
{
	free(t->v);
	*t = (struct node_table){.v = NULL};
}
