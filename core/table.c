/* SPDX-License-Identifier: MIT */
/*
 * Tables: cells are kept until the end, because a column is as wide as its widest cell.
 *
 * All cells live in one growing buffer, row after row, each terminated by NUL; that is one
 * allocation that doubles, not one per cell, so that a listing of 100,000 rows stays cheap.
 */
#include "smartbox/core/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"

enum { MAX_COLUMNS = 64, CELL_MAX = 8192 };

struct table {
	const struct column *col[MAX_COLUMNS];
	size_t width[MAX_COLUMNS];
	size_t ncol, nrow;
	unsigned flags;
	const char *sep;
	struct buf cells;
};

static const struct column *
find_column(const struct column *cols, const char *name, size_t n)
{
	for (; cols->name != NULL; cols++)
		if (strlen(cols->name) == n && strncasecmp(cols->name, name, n) == 0)
			return (cols);
	return (NULL);
}

static int
unknown_column(const struct column *cols, const char *name, size_t n, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	for (const struct column *c = cols; c->name != NULL; c++)
		buf_printf(&b, "%s%s", c == cols ? "" : ", ", c->name);
	rc = err_set(e, EINVAL, "unknown column '%.*s'; there are: %s", (int)n, name,
	    buf_failed(&b) || b.data == NULL ? "" : b.data);
	buf_free(&b);
	return (rc);
}

static int
push_column(struct table *t, const struct column *c, struct err *e)
{
	size_t header = strlen(c->header);

	if (t->ncol == MAX_COLUMNS)
		return (err_set(e, E2BIG, "more than %d columns", MAX_COLUMNS));
	t->width[t->ncol] = (size_t)c->width;
	if ((t->flags & TABLE_NOHEADER) == 0 && header > t->width[t->ncol])
		t->width[t->ncol] = header;
	t->col[t->ncol++] = c;
	return (0);
}

static int
select_columns(struct table *t, const struct column *cols, const char *select, struct err *e)
{
	bool all = select != NULL && strcasecmp(select, "all") == 0;
	int rc = 0;

	if (select == NULL || all) {
		for (; cols->name != NULL && rc == 0; cols++)
			if (all || (cols->flags & COL_HIDDEN) == 0)
				rc = push_column(t, cols, e);
		return (rc);
	}
	for (const char *p = select; rc == 0; p++) {
		size_t n = strcspn(p, ",");
		const struct column *c = find_column(cols, p, n);

		if (c == NULL)
			return (unknown_column(cols, p, n, e));
		rc = push_column(t, c, e);
		p += n;
		if (*p == '\0')
			break;
	}
	return (rc);
}

int
table_new(const struct column *cols, const char *select, unsigned flags, struct table **out,
    struct err *e)
{
	struct table *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (flags & (TABLE_TABS | TABLE_PARSE | TABLE_JSON))
		flags |= TABLE_NOHEADER;
	t->flags = flags;
	t->sep = "  ";
	if ((rc = select_columns(t, cols, select, e)) != 0) {
		table_free(t);
		return (rc);
	}
	*out = t;
	return (0);
}

void
table_sep(struct table *t, const char *s)
{
	t->sep = s;
}

/* Cells of characters, not bytes: UTF-8 continuation bytes take no column. */
static size_t
display_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return (n);
}

static void
widen(struct table *t, size_t i, const char *cell)
{
	size_t w;

	if (t->flags & (TABLE_TABS | TABLE_PARSE | TABLE_JSON))
		return;
	w = display_width(cell);
	if (w > t->width[i])
		t->width[i] = w;
}

int
table_add(struct table *t, const void *row)
{
	char cell[CELL_MAX];

	for (size_t i = 0; i < t->ncol; i++) {
		cell[0] = '\0';
		t->col[i]->cell(cell, sizeof(cell), row, t->col[i]->id, t->flags);
		widen(t, i, cell);
		buf_add(&t->cells, cell, strlen(cell) + 1);
	}
	t->nrow++;
	return (buf_failed(&t->cells) ? -ENOMEM : 0);
}

static void
pad(FILE *f, size_t n)
{
	while (n-- > 0)
		(void)fputc(' ', f);
}

static void
print_aligned_cell(const struct table *t, size_t i, const char *cell, FILE *f)
{
	size_t w = display_width(cell), gap = t->width[i] > w ? t->width[i] - w : 0;
	bool right = (t->col[i]->flags & COL_RIGHT) != 0;

	if (right)
		pad(f, gap);
	(void)fputs(cell, f);
	if (!right && i + 1 < t->ncol)
		pad(f, gap);
	(void)fputs(i + 1 < t->ncol ? t->sep : "\n", f);
}

/* Parseable: a separator or backslash inside a cell is escaped by a backslash. */
static void
print_parse_cell(const struct table *t, size_t i, const char *cell, FILE *f)
{
	for (; *cell != '\0'; cell++) {
		if (t->ncol > 1 && (*cell == ':' || *cell == '\\'))
			(void)fputc('\\', f);
		(void)fputc(*cell, f);
	}
	(void)fputc(i + 1 < t->ncol ? ':' : '\n', f);
}

static void
print_tab_cell(const struct table *t, size_t i, const char *cell, FILE *f)
{
	(void)fputs(cell, f);
	(void)fputc(i + 1 < t->ncol ? '\t' : '\n', f);
}

static json_t *
json_cell(const struct column *c, const char *cell)
{
	char *end;
	long long v;
	double d;

	if ((c->flags & COL_NUMBER) == 0 || cell[0] == '\0')
		return (json_string(cell));
	errno = 0;
	v = strtoll(cell, &end, 10);
	if (*end == '\0' && errno == 0)
		return (json_integer(v));
	d = strtod(cell, &end);
	return (*end == '\0' ? json_real(d) : json_string(cell));
}

static void
print_json(const struct table *t, FILE *f)
{
	const char *p = t->cells.data;

	(void)fputs("[", f);
	for (size_t r = 0; r < t->nrow; r++) {
		json_t *o = json_object();

		for (size_t i = 0; i < t->ncol; i++, p += strlen(p) + 1)
			(void)json_object_set_new(o, t->col[i]->name, json_cell(t->col[i], p));
		(void)fputs(r == 0 ? "\n  " : ",\n  ", f);
		(void)json_dumpf(o, f, 0);
		json_decref(o);
	}
	(void)fputs(t->nrow != 0 ? "\n]\n" : "]\n", f);
}

typedef void print_cell_fn(const struct table *t, size_t i, const char *cell, FILE *f);

static print_cell_fn *
cell_printer(const struct table *t)
{
	if (t->flags & TABLE_PARSE)
		return (print_parse_cell);
	return (t->flags & TABLE_TABS ? print_tab_cell : print_aligned_cell);
}

void
table_end(struct table *t, FILE *f)
{
	print_cell_fn *print = cell_printer(t);
	const char *p = t->cells.data;

	if (t->flags & TABLE_JSON) {
		print_json(t, f);
		table_free(t);
		return;
	}
	if ((t->flags & TABLE_NOHEADER) == 0)
		for (size_t i = 0; i < t->ncol; i++)
			print(t, i, t->col[i]->header, f);
	for (size_t r = 0; r < t->nrow; r++)
		for (size_t i = 0; i < t->ncol; i++, p += strlen(p) + 1)
			print(t, i, p, f);
	table_free(t);
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	buf_free(&t->cells);
	free(t);
}
