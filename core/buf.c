/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with sticky failure; see the header. */
#include "smartbox/core/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and a NUL. */
static bool
reserve(struct buf *b, size_t n)
{
	size_t want, cap = b->cap != 0 ? b->cap : 256;
	char *p;

	if (b->failed || n > SIZE_MAX / 4 - b->len) {
		b->failed = true;
		return (false);
	}
	want = b->len + n + 1;
	if (want <= b->cap)
		return (true);
	while (cap < want)
		cap *= 2;
	if ((p = realloc(b->data, cap)) == NULL) {
		b->failed = true;
		return (false);
	}
	b->data = p;
	b->cap = cap;
	return (true);
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n != 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && reserve(b, (size_t)n)) {
		(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
}

bool
buf_failed(const struct buf *b)
{
	return (b->failed);
}

char *
buf_take(struct buf *b)
{
	char *p;

	buf_add(b, "", 0);
	p = b->failed ? NULL : b->data;
	if (p == NULL)
		free(b->data);
	*b = (struct buf)BUF_INIT;
	return (p);
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}
