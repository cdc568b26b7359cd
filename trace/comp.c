/* SPDX-License-Identifier: MIT */
/* The compiler's memory and its way out on an error; see comp.h. */
#include "comp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t size;
	char data[] __attribute__((aligned(16)));
};

enum { BLOCK = 64 << 10, ARENA_LIMIT = 64 << 20 };

static struct arena_block *
new_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK / 4 ? n : BLOCK;
	struct arena_block *b;

	if (a->total + size > ARENA_LIMIT || (b = malloc(sizeof(*b) + size)) == NULL)
		return (NULL);
	b->size = size;
	a->total += size;
	return (b);
}

void *
arena_alloc(struct comp *c, size_t n)
{
	struct arena *a = &c->mem;
	struct arena_block *b = a->head;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (b == NULL || a->used + n > b->size) {
		if ((b = new_block(a, n)) == NULL)
			comp_error(c, 0, "D_NOMEM", "out of memory");
		b->next = a->head;
		a->head = b;
		a->used = 0;
	}
	p = b->data + a->used;
	a->used += n;
	return (memset(p, 0, n));
}

void
arena_free(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->head) != NULL) {
		a->head = b->next;
		free(b);
	}
	memset(a, 0, sizeof(*a));
}

char *
arena_strndup(struct comp *c, const char *s, size_t n)
{
	char *p = arena_alloc(c, n + 1);

	memcpy(p, s, n);
	return (p);
}

char *
arena_strdup(struct comp *c, const char *s)
{
	return (arena_strndup(c, s, strlen(s)));
}

char *
arena_printf(struct comp *c, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_alloc(c, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (p);
}

/* Capacity is the next power of two: growth happens when n is one. */
void *
vec_grow(struct comp *c, void *v, unsigned n, size_t size)
{
	void *p;

	if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
		return (v);
	p = arena_alloc(c, (n < 4 && n == 0 ? 4 : (size_t)n * 2) * size);
	if (n != 0)
		memcpy(p, v, n * size);
	return (p);
}

static const char *const region_name[] = {
    [REGION_PDESC] = "probe description",
    [REGION_PRED] = "predicate",
    [REGION_ACTIONS] = "action list",
};

/* D's own messages may have several lines; nothing else from the program's text may end one. */
static void
set_message(struct err *e, const char *tagged, const char *where, const char *text)
{
	e->code = EINVAL;
	(void)snprintf(e->msg, sizeof(e->msg), "%s%s%s", tagged, where, text);
	for (char *s = e->msg; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t')
			*s = '?';
}

/* `[D_TAG] "file", line N: text` or `in action list: text`. */
void
comp_verror(struct comp *c, int line, const char *tag, const char *fmt, va_list ap)
{
	char text[900], where[300] = "", tagged[64] = "";
	size_t n;

	if (line == 0)
		line = c->line;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (c->errtags && tag != NULL)
		(void)snprintf(tagged, sizeof(tagged), "[%s] ", tag);
	if (c->filetag != NULL)
		(void)snprintf(where, sizeof(where), "\"%.200s\", ", c->filetag);
	n = strlen(where);
	if (c->from_file && line > 0)
		(void)snprintf(where + n, sizeof(where) - n, "line %d: ", line);
	else if (c->region != REGION_NONE)
		(void)snprintf(where + n, sizeof(where) - n, "in %s: ", region_name[c->region]);
	set_message(c->e, tagged, where, text);
	c->err_line = line;
	c->err_col = line == c->line ? c->col : 0;
	longjmp(c->env, 1);
}

void
comp_error(struct comp *c, int line, const char *tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	comp_verror(c, line, tag, fmt, ap);
}

void
comp_fail(struct comp *c, const struct err *e)
{
	if (c->e != NULL && c->e != e)
		*c->e = *e;
	longjmp(c->env, 1);
}

int
comp_try(struct comp *c, void (*fn)(struct comp *, void *), void *arg, struct err *e)
{
	static const struct err none = ERR_INIT;
	struct err scratch = none;

	c->e = e != NULL ? e : &scratch;
	c->depth = 0;
	if (setjmp(c->env) != 0)
		return (c->e->code != 0 ? -c->e->code : -EINVAL);
	fn(c, arg);
	return (0);
}
