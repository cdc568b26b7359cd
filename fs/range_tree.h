/* SPDX-License-Identifier: MIT */
/*
 * Sets of ranges: which bytes (or txgs) are in, with the longest run known at every subtree.
 *
 * Internal to fs/: metaslabs keep their free space in these.
 */
#ifndef FS_RANGE_TREE_H
#define FS_RANGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range_node;

#define RANGE_SIZES 48 /* the last one: and all that are longer */

struct range_tree {
	struct range_node *root;
	uint64_t bytes; /* sum of all ranges */
	size_t count;	/* ranges; neighbours that touch are one */
	uint32_t runs[RANGE_SIZES]; /* of them, by the logarithm of their size */
};

#define RANGE_TREE_INIT {.root = NULL}

/* -EEXIST when any of it is in already (nothing changes), -EINVAL empty or wrapping, -ENOMEM. */
int range_add(struct range_tree *t, uint64_t start, uint64_t size);
/* -ENOENT when any of it is not in (nothing changes). */
int range_remove(struct range_tree *t, uint64_t start, uint64_t size);
bool range_contains(const struct range_tree *t, uint64_t start, uint64_t size);
bool range_overlaps(const struct range_tree *t, uint64_t start, uint64_t size);
/* The lowest start >= from with size in one run; false when there is none. */
bool range_find(const struct range_tree *t, uint64_t from, uint64_t size, uint64_t *start);
uint64_t range_longest(const struct range_tree *t);
/* In order; a non-zero return ends it. The tree must not be changed meanwhile. */
int range_walk(const struct range_tree *t, int (*fn)(void *arg, uint64_t start, uint64_t size),
    void *arg);
void range_clear(struct range_tree *t);
/* Move everything: *to must be empty. */
void range_move(struct range_tree *to, struct range_tree *from);

#endif
