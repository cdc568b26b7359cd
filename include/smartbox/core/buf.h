/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer.  Allocation failure is sticky: later appends do nothing and
 * buf_failed() tells, so that a writer checks once at the end.
 */
#ifndef SMARTBOX_CORE_BUF_H
#define SMARTBOX_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NUL behind len bytes once anything was added */
	size_t len;
	size_t cap;
	bool failed;
};

#define BUF_INIT {0, 0, 0, false}

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_failed(const struct buf *b);
char *buf_take(struct buf *b); /* the malloc'ed data (never NULL unless failed); b is empty after */
void buf_free(struct buf *b);

#endif
