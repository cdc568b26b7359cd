/* SPDX-License-Identifier: MIT */
/*
 * Lookup counts: which nodes the kernel knows.
 *
 * Node ids are object numbers, so nothing is translated; the counts only tell when an object
 * without names has lost its last user.  Open addressing with linear probing, in memory that
 * outlives the process (fs/stash.c): a server may be killed between any two stores.  So entries
 * never move.  One whose count is 0 stays as a mark for the probing, until another id takes its
 * place or the table is built anew, in the other half, which is then switched to with one store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuse_impl.h"

static size_t
home_of(size_t cap, uint64_t id)
{
	return ((size_t)(id * 0x9E3779B97F4A7C15ULL >> 20) & (cap - 1));
}

/* The entry of id, or the free one behind its run. */
static struct node *
probe(struct node *v, size_t cap, uint64_t id)
{
	size_t i = home_of(cap, id);

	while (v[i].id != 0 && v[i].id != id)
		i = (i + 1) & (cap - 1);
	return (&v[i]);
}

static bool
is_kept(const struct node *n)
{
	return (n->lookups != 0 || n->unlinked);
}

static unsigned
log2_of(size_t n)
{
	return (63u - (unsigned)__builtin_clzll(n));
}

static struct node *
half_at(const struct node_table *t, unsigned half)
{
	return (t->window + half * stash_table_max());
}

int
node_table_open(struct node_table *t, struct stash *st, unsigned session)
{
	uint64_t word = st->session[session].table;
	unsigned half = word & 1;

	*t = (struct node_table){.st = st, .session = session};
	if ((t->window = stash_table_map(st, session)) == NULL)
		return (-ENOMEM);
	t->v = half_at(t, half);
	if (word == 0)
		return (0);
	t->cap = (size_t)1 << (word >> 1);
	stash_table_cut(st, session, !half, 0); /* killed while building there */
	for (size_t i = 0; i < t->cap; i++) {
		t->n += t->v[i].lookups != 0;
		t->used += t->v[i].id != 0;
	}
	return (0);
}

/* Into the other half, without what is dead. */
static int
rebuild(struct node_table *t, size_t cap)
{
	unsigned old = t->st->session[t->session].table & 1, half = t->cap == 0 ? old : !old;
	struct node *v = half_at(t, half);
	size_t used = 0;

	if (cap > stash_table_max())
		return (-ENOMEM);
	for (size_t i = 0; i < t->cap; i++) {
		if (!is_kept(&t->v[i]))
			continue;
		*probe(v, cap, t->v[i].id) = t->v[i];
		used++;
	}
	__atomic_store_n(&t->st->session[t->session].table, (uint64_t)log2_of(cap) << 1 | half,
	    __ATOMIC_RELEASE);
	if (t->cap != 0)
		stash_table_cut(t->st, t->session, old, 0);
	t->v = v;
	t->cap = cap;
	t->used = used;
	return (0);
}

int
node_table_room(struct node_table *t, size_t more)
{
	size_t cap = STASH_NODES_MIN;

	if (more == 0 || t->used + more <= t->cap / 4 * 3)
		return (0);
	while ((t->n + more) * 2 > cap)
		cap *= 2;
	return (rebuild(t, cap));
}

struct node *
node_find(const struct node_table *t, uint64_t id)
{
	struct node *n = node_find_unlinked(t, id);

	return (n != NULL && n->lookups != 0 ? n : NULL);
}

struct node *
node_find_unlinked(const struct node_table *t, uint64_t id)
{
	struct node *n;

	if (t->cap == 0)
		return (NULL);
	n = probe(t->v, t->cap, id);
	return (n->id != 0 && is_kept(n) ? n : NULL);
}

uint64_t
node_lookups(const struct node_table *t, uint64_t id)
{
	const struct node *n = node_find(t, id);

	return (n != NULL ? n->lookups : 0);
}

/* The entry of id, made at the first place of its run that nobody needs. */
static struct node *
entry_of(struct node_table *t, uint64_t id)
{
	struct node *n = probe(t->v, t->cap, id);
	size_t i = home_of(t->cap, id);

	if (n->id == id)
		return (n);
	while (t->v[i].id != 0 && is_kept(&t->v[i]))
		i = (i + 1) & (t->cap - 1);
	t->used += t->v[i].id == 0;
	t->v[i].id = id;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* its count comes after it */
	return (&t->v[i]);
}

void
node_set(struct node_table *t, uint64_t id, uint64_t lookups)
{
	struct node *n;

	if (lookups == 0 && node_find(t, id) == NULL)
		return;
	n = entry_of(t, id);
	t->n += (lookups != 0) - (n->lookups != 0);
	n->lookups = lookups & (UINT64_MAX >> 1);
}

void
node_table_free(struct node_table *t)
{
	stash_table_unmap(t->window);
	*t = (struct node_table){.v = NULL};
}
