/* SPDX-License-Identifier: MIT */
/*
 * Tables: one column description gives aligned, -H, -p, -o and -j output.
 *
 * An applet describes its columns once, as a static array, and adds rows as it learns them.  Rows
 * are formatted into cells at once; widths are known at the end, when table_end() prints them.
 *
 *	static const struct column link_columns[] = {
 *		{"link", "LINK", 12, 0, link_cell, 0}, ...
 *	};
 *
 * Styles: aligned (default, header line, two spaces between columns), TABLE_NOHEADER (-H),
 * TABLE_TABS (zfs's -H: tab between cells, implies no header), TABLE_PARSE (dladm's -p: ':'
 * between cells, '\' before ':' and '\' in them), TABLE_JSON (an array of objects keyed by
 * column name; numeric columns as numbers).
 */
#ifndef SMARTBOX_CORE_TABLE_H
#define SMARTBOX_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "smartbox/core/err.h"

enum { /* column flags */
	COL_RIGHT = 1,	 /* align right */
	COL_NUMBER = 2,	 /* a JSON number when the cell is one, as printed in raw mode */
	COL_HIDDEN = 4,	 /* only with -o or -o all */
};

enum { /* table flags */
	TABLE_NOHEADER = 1,
	TABLE_TABS = 2,
	TABLE_PARSE = 4,
	TABLE_JSON = 8,
	TABLE_RAW = 16, /* exact numbers: passed to the cell callback */
};

/*
 * Fill buf (size bytes, terminated) with the cell of `row` in column `id`.  flags are the table's.
 */
typedef void cell_fn(char *buf, size_t size, const void *row, int id, unsigned flags);

struct column {
	const char *name;   /* for -o and JSON keys */
	const char *header; /* printed */
	int width;	    /* minimum */
	unsigned flags;	    /* COL_* */
	cell_fn *cell;
	int id; /* handed to cell */
};

struct table;

/*
 * cols ends with a NULL name.  `select` is the -o argument (comma separated names, any case, "all"),
 * or NULL for all columns that are not hidden.  Returns 0, or -EINVAL naming the unknown column and
 * the allowed ones.
 */
int table_new(const struct column *cols, const char *select, unsigned flags, struct table **out,
    struct err *e);
int table_add(struct table *t, const void *row); /* 0 or -ENOMEM */
void table_sep(struct table *t, const char *s);	 /* between aligned columns; default two spaces */
/* Print everything to f and free the table. */
void table_end(struct table *t, FILE *f);
void table_free(struct table *t);

#endif
