/* SPDX-License-Identifier: MIT */
/*
 * Stacks as a tree: what flame graphs and folded lines are made of.
 *
 * A node is a function as it was called from its parent; its total is what all stacks through it weigh.
 */
#ifndef TRACE_FOLDED_H
#define TRACE_FOLDED_H

#include "agg.h"

struct frame {
	char *name;
	uint64_t total, self;
	bool kernel;
	struct frame *child, *next; /* children in order of names */
};

struct frame *frame_new(const char *name);
void frame_free(struct frame *f);
/* The child of that name, made when it is missing; NULL: no memory. */
struct frame *frame_child(struct frame *f, const char *name, bool kernel);
unsigned frame_depth(const struct frame *f);

bool agg_has_stack(const struct agg *a);
/*
 * Add the entries of an aggregation with a stack among its keys. From the root on: keys that are no
 * stacks, the user's stack, the kernel's.  Values that are not positive count for nothing.
 */
int folded_add(struct frame *root, const struct agg *a, const struct fmt_ctx *ctx);
/* One line per stack: "root;...;leaf COUNT". */
void folded_print(struct buf *out, const struct frame *root);
/* The picture, complete in itself. */
void flame_print(struct buf *out, const struct frame *root, const char *title);

/* Distributions over time. */
struct heatmap {
	int64_t **cols; /* counts per bucket */
	unsigned ncols, nbuckets;
	uint64_t step_ns;
	const struct agg_info *info;
};
void heatmap_print(struct buf *out, const struct heatmap *h, const char *title);
/* The bucket's lower edge as text. */
void agg_bucket_label(char *buf, size_t size, const struct agg_info *g, int i);
/* Text for XML, in both attributes and contents. */
void xml_text(struct buf *out, const char *s);

#endif
