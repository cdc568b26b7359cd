/* SPDX-License-Identifier: MIT */
/* One column table, five ways to print it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/table.h"
#include "test.h"

struct row {
	const char *name;
	int size;
};

static void
cell(char *buf, size_t n, const void *row, int id, unsigned flags)
{
	const struct row *r = row;

	(void)flags;
	if (id == 0)
		(void)snprintf(buf, n, "%s", r->name);
	else
		(void)snprintf(buf, n, "%d", r->size);
}

static const struct column columns[] = {
	{"name", "NAME", 6, 0, cell, 0},
	{"size", "SIZE", 5, COL_RIGHT | COL_NUMBER, cell, 1},
	{"extra", "EXTRA", 1, COL_HIDDEN, cell, 1},
	{NULL, NULL, 0, 0, NULL, 0},
};

static char *
render(const char *select, unsigned flags)
{
	static const struct row rows[] = {{"a:b", 1}, {"longername", 23}};
	struct table *t;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL || table_new(columns, select, flags, &t, NULL) != 0)
		abort();
	(void)table_add(t, &rows[0]);
	(void)table_add(t, &rows[1]);
	table_end(t, f);
	(void)fclose(f);
	return (text);
}

static bool
prints(const char *select, unsigned flags, const char *want)
{
	char *got = render(select, flags);
	bool same = strcmp(got, want) == 0;

	if (!same)
		(void)fprintf(stderr, "got:\n%s", got);
	free(got);
	return (same);
}

TEST(table_aligns_to_the_widest_cell)
{
	CHECK(prints(NULL, 0,
	    "NAME         SIZE\n"
	    "a:b             1\n"
	    "longername     23\n"));
}

TEST(table_prints_the_machine_readable_forms)
{
	CHECK(prints(NULL, TABLE_TABS, "a:b\t1\nlongername\t23\n"));
	CHECK(prints(NULL, TABLE_PARSE, "a\\:b:1\nlongername:23\n"));
	CHECK(prints("NAME", TABLE_PARSE, "a:b\nlongername\n"));
	CHECK(prints(NULL, TABLE_JSON,
	    "[\n  {\"name\": \"a:b\", \"size\": 1},\n  {\"name\": \"longername\", \"size\": 23}\n]\n"));
}

TEST(table_selects_columns_in_the_order_asked_for)
{
	CHECK(prints("extra,name", TABLE_TABS, "1\ta:b\n23\tlongername\n"));
}

TEST(table_names_an_unknown_column_and_the_known_ones)
{
	struct err e = ERR_INIT;
	struct table *t;

	CHECK(table_new(columns, "name,bogus", 0, &t, &e) == -EINVAL);
	CHECK(strcmp(e.msg, "unknown column 'bogus'; there are: name, size, extra") == 0);
}
