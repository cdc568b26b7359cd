/* SPDX-License-Identifier: MIT */
/*
 * What every stage of the D compiler shares: memory, errors, and the program under compilation.
 *
 * Memory: everything the front end makes lives in one arena and goes in one call.  Nothing in the
 * compiler frees.
 *
 * Errors: D has one error per compilation, the first.  A stage that finds it calls comp_error, which
 * does not return: it jumps to the frame that comp_try set up.  Since all memory is the arena's and
 * descriptors are owned by the session, nothing leaks on the way.
 */
#ifndef TRACE_COMP_H
#define TRACE_COMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used, total, limit; /* limit 0: none */
};

struct types;
struct idents;
struct options;

/* Where the compiler is, for the words in front of a message. */
enum region { REGION_NONE, REGION_PDESC, REGION_PRED, REGION_ACTIONS };

struct comp {
	struct arena mem;
	jmp_buf env;
	struct err *e;
	const char *filetag; /* of a #line directive, or NULL */
	bool from_file;	     /* messages name the line; else the region */
	bool errtags;
	enum region region;
	int line, col;	       /* of what is looked at now */
	int err_line, err_col; /* of the error, once there is one */
	struct options *opt;
	struct types *types;
	struct idents *ids;
	bool uses_strtok;
	unsigned libs; /* parts of the D library that were parsed */
	const char *why; /* a provider's reason for having no such probe */
	unsigned depth; /* of recursion, bounded by COMP_DEPTH */
};

enum { COMP_DEPTH = 200, COMP_CHAIN = 200, COOK_DEPTH = 700 };

void *arena_alloc(struct comp *c, size_t n); /* zeroed, never NULL: running out is a comp_error */
char *arena_strndup(struct comp *c, const char *s, size_t n);
char *arena_strdup(struct comp *c, const char *s);
char *arena_printf(struct comp *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

/*
 * A growing array in the arena: vec_add returns the address of a new zeroed element.
 *	struct thing *v; unsigned n;   *VEC_ADD(c, v, n) = ...
 */
void *vec_grow(struct comp *c, void *v, unsigned n, size_t size);
#define VEC_ADD(c, v, n) ((v) = vec_grow((c), (v), (n), sizeof(*(v))), &(v)[(n)++])

/*
 * Leave the compilation: tag is DTrace's ("D_SYNTAX"), line 0 means c->line.
 */
_Noreturn void comp_error(struct comp *c, int line, const char *tag, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
_Noreturn void comp_verror(struct comp *c, int line, const char *tag, const char *fmt, va_list ap);
/* Errors that come from outside the program's text: no line in front. */
_Noreturn void comp_fail(struct comp *c, const struct err *e);

/* Run fn(c, arg); 0, or -errno with c->e filled when it called comp_error. */
int comp_try(struct comp *c, void (*fn)(struct comp *c, void *arg), void *arg, struct err *e);

#endif
