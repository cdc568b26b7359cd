/* SPDX-License-Identifier: MIT */
/* What the two halves of removal share: fs/removal.c, its life, and fs/removal_copy.c, its work. */
#ifndef FS_REMOVAL_IMPL_H
#define FS_REMOVAL_IMPL_H

#include "range_tree.h"
#include "removal.h"
#include "spa_impl.h"

/* The directory's entry. prev: the last one that left, from which a chain goes to the first. */
enum { RM_STATE, RM_VDEV, RM_PREV, RM_START, RM_END, RM_TO_COPY, RM_COPIED, RM_WORDS };

struct removal {
	uint64_t w[RM_WORDS];
	bool dirty; /* w is not on disk */
	/* What is to be moved of metaslab `ms`; those before it are done. */
	struct range_tree todo;
	uint64_t ms, most; /* most: bytes at once, less when space is fragmented */
	uint64_t condense_least; /* bytes of a mapping */
};

/* Forget where we are; the end of the mapping says it. */
void removal_rewind(struct removal *r);
/* All was moved, and that is durable. */
int removal_finish(struct spa *spa, struct err *e);

#endif
