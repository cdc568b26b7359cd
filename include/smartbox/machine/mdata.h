/* SPDX-License-Identifier: MIT */
/*
 * Metadata for a virtual machine's guest: SmartOS's protocol, without its transport: bytes in, bytes out.
 */
#ifndef SMARTBOX_MACHINE_MDATA_H
#define SMARTBOX_MACHINE_MDATA_H

#include <stddef.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/err.h"

struct mdata;

struct mdata_ops {
	/* Append the value of a key; -ENOENT: there is none; others: it cannot be said. */
	int (*get)(void *arg, const char *key, struct buf *value);
	int (*keys)(void *arg, struct buf *list); /* one a line */
	/* value NULL: delete it; to delete what is not there is fine. */
	int (*put)(void *arg, const char *key, const char *value, struct err *e);
};

/* NULL: out of memory.  ops are borrowed. */
struct mdata *mdata_new(const struct mdata_ops *ops, void *arg);
void mdata_free(struct mdata *m); /* NULL is fine */
/* What a guest said; answers are appended to out (whose failure is the caller's to see). */
void mdata_input(struct mdata *m, const void *bytes, size_t len, struct buf *out);

#endif
