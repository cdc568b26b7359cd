/* SPDX-License-Identifier: MIT */
/*
 * printf formats of D: parsed and checked at compile time, filled in by the consumer.
 */
#ifndef TRACE_FMT_H
#define TRACE_FMT_H

#include "comp.h"
#include "smartbox/core/buf.h"
#include "type.h"

enum { FMT_LEFT = 1, FMT_PLUS = 2, FMT_SPACE = 4, FMT_ALT = 8, FMT_ZERO = 16, FMT_GROUP = 32,
	FMT_AGG = 64, FMT_PTRWIDTH = 128 };

enum { FMT_NONE = -1, FMT_DYNAMIC = -2 };

/* A piece of text, then a conversion (conv 0: none, at the end). */
struct conv {
	const char *lit;
	size_t litlen;
	unsigned flags;
	int width, prec;
	char size[4]; /* "", "h", "hh", "l", "ll", "L", "w" */
	char conv;
	const char *spec; /* as written, without the % */
};

struct fmt {
	const char *text;
	struct conv *convs;
	unsigned nconvs;
	unsigned nargs; /* conversions that take a value, with dynamic widths; not %@ or %% */
};

struct fmt *fmt_parse(struct comp *c, const char *func, const char *text);
/* One value for the consumer: where the bytes are and what they are. */
struct value {
	struct type *type;
	const void *data;
	uint32_t size;
	int fn; /* symbols: F_MOD, F_UMOD ..., of the subroutine that made it; 0 unknown */
};
/* Does a value of type t fit conversion v? */
bool fmt_accepts(const struct conv *v, struct type *t);
const char *fmt_prototype(const struct conv *v); /* "char [] or string (or use stringof)" */

struct symbols;
struct fmt_ctx {
	struct symbols *syms;
	struct types *types;
	int stackindent;
};

/* Format one conversion (with its literal text in front). dyn: dynamic width and precision, or -1. */
void fmt_blanks(struct buf *out, size_t n);
/* A decimal, right-aligned in the width. */
void fmt_integer(struct buf *out, int64_t x, bool sign, int width);
void fmt_value(struct buf *out, const struct conv *v, const struct value *val, const int dyn[2],
    const struct fmt_ctx *ctx);
int64_t value_int(const struct value *v);

#endif
