/* SPDX-License-Identifier: MIT */
/*
 * zfs list and zfs get: one request per pool, whatever the number of datasets.
 *
 * The answer's rows (fs.list in docs/poold-protocol.md) are kept as they came; sorting moves
 * pointers into them.  Sort columns are asked for behind the printed ones, with exact numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/table.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/props.h"
#include "zfs_impl.h"

enum { COLUMNS_MAX = 128, SORTS_MAX = 8, ANSWERS_MAX = 256, NUMBER_WIDTH = 5 };

static const char not_applicable[] = "\1";

struct row {
	const char *cells; /* behind the type letter */
	uint32_t index;	   /* order of arrival: the last word in sorting */
};

struct sort {
	const struct fs_prop *prop; /* NULL: name or user property */
	bool is_name, is_reverse;
};

struct listing {
	struct nvlist *args; /* of the request, without roots */
	struct nvlist *answer[ANSWERS_MAX];
	size_t nanswer;
	struct row *row;
	size_t nrow, cap;
	size_t ncell;	/* cells per row */
	size_t stride;	/* texts per cell: 1, or 2 with sources */
	bool has_user;	/* user properties behind the cells */
	struct sort sort[SORTS_MAX];
	size_t nsort, first_sort; /* first_sort: the cell of sort[0] */
	int status;
};

/* --- asking --- */

static const char *
skip_texts(const char *p, const char *end, size_t n)
{
	for (; n > 0 && p != NULL && p < end; n--) {
		p = memchr(p, '\0', (size_t)(end - p));
		p = p != NULL ? p + 1 : NULL;
	}
	return (n == 0 ? p : NULL);
}

/* Behind the cells: name, value, source ... until an empty name. */
static const char *
skip_user(const char *p, const char *end)
{
	while (p != NULL && p < end && *p != '\0')
		p = skip_texts(p, end, 3);
	return (p != NULL && p < end ? p + 1 : NULL);
}

static void
add_rows(struct listing *l, const struct nvlist *answer)
{
	const void *rows;
	const char *p, *end;
	size_t len;

	if (nv_get_bytes(answer, "rows", &rows, &len) != 0)
		return;
	for (p = rows, end = p + len; p != NULL && p < end;) {
		if (l->nrow == l->cap) {
			l->cap = l->cap != 0 ? 2 * l->cap : 256;
			l->row = realloc(l->row, l->cap * sizeof(*l->row));
			must(l->row == NULL ? -1 : 0);
		}
		l->row[l->nrow] = (struct row){p + 1, (uint32_t)l->nrow};
		p = skip_texts(p + 1, end, l->ncell * l->stride);
		if (p != NULL && l->has_user)
			p = skip_user(p, end);
		if (p != NULL)
			l->nrow++;
	}
}

static void
print_missing(struct listing *l, const struct nvlist *answer)
{
	const char *const *v;
	size_t n;

	if (nv_get_str_array(answer, "missing", &v, &n) != 0)
		return;
	for (size_t i = 0; i + 1 < n; i += 2)
		(void)applet_fail_bare(NULL, "cannot open '%s': %s", v[i], v[i + 1]);
	l->status = 1;
}

/* roots of one pool; n 0: all of it. */
static void
ask(struct listing *l, const char *pool, const char *const *roots, size_t n)
{
	struct nvlist *out = NULL, *args = nv_dup(l->args);
	struct err e = ERR_INIT;

	must(args == NULL || l->nanswer == ANSWERS_MAX ? -1 : 0);
	if (n != 0)
		must(nv_add_str_array(args, "roots", roots, n));
	if (zfs_ask(pool, "fs.list", args, &out, &e) != 0) {
		for (size_t i = 0; i < n; i++)
			(void)applet_fail_bare(&e, "cannot open '%s'", roots[i]);
		if (n == 0)
			(void)applet_fail_bare(&e, "cannot open '%s'", pool);
		l->status = 1;
		nv_free(out);
	} else {
		print_missing(l, out);
		add_rows(l, out);
		l->answer[l->nanswer++] = out;
	}
	nv_free(args);
}

static void
ask_all(struct listing *l)
{
	size_t n;
	char **pools = zfs_pools(&n);

	for (size_t i = 0; i < n; i++)
		ask(l, pools[i], NULL, 0);
	free(pools);
}

/* A path stands for the filesystem that it is in. */
static bool
take_name(struct listing *l, const char *arg, char name[DSL_NAME_MAX])
{
	struct err e = ERR_INIT;

	if (arg[0] == '/') {
		if (zfs_dataset_at(arg, name, DSL_NAME_MAX))
			return (true);
		(void)applet_fail_bare(NULL, "cannot open '%s': not a ZFS filesystem", arg);
	} else if (name_check_dataset(arg, DSL_FILESYSTEM | DSL_SNAPSHOT | DSL_BOOKMARK, &e) != 0) {
		(void)applet_fail_bare(&e, "cannot open '%s'", arg);
	} else {
		(void)snprintf(name, DSL_NAME_MAX, "%s", arg);
		return (true);
	}
	l->status = 1;
	return (false);
}

static bool
is_same_pool(const char *a, const char *b)
{
	size_t n = name_pool_length(a);

	return (n == name_pool_length(b) && strncmp(a, b, n) == 0);
}

/* The arguments by pool: one request each. */
static void
ask_named(struct listing *l, int argc, char **argv)
{
	char (*names)[DSL_NAME_MAX] = calloc((size_t)argc, sizeof(*names));
	const char **group = calloc((size_t)argc, sizeof(*group));
	size_t n = 0;

	must(names == NULL || group == NULL ? -1 : 0);
	for (int i = 0; i < argc; i++)
		n += take_name(l, argv[i], names[n]);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (names[i][0] == '\0')
			continue;
		for (size_t j = i; j < n; j++)
			if (names[j][0] != '\0' && is_same_pool(names[i], names[j]))
				group[k++] = names[j];
		ask(l, names[i], group, k);
		for (size_t j = n; j-- > i;)
			if (is_same_pool(names[i], names[j]))
				names[j][0] = '\0';
	}
	free(names);
	free(group);
}

/* --- sorting --- */

static const char *
cell_at(const struct listing *l, const struct row *r, size_t i)
{
	const char *p = r->cells;

	for (size_t n = i * l->stride; n > 0; n--)
		p += strlen(p) + 1;
	return (p);
}

static int
compare_cells(const struct sort *s, const char *a, const char *b)
{
	bool has_a = strcmp(a, not_applicable) != 0, has_b = strcmp(b, not_applicable) != 0;
	int c;

	if (!has_a || !has_b)
		return (has_a == has_b ? 0 : has_a ? -1 : 1); /* those without come last, always */
	if (s->prop != NULL && s->prop->kind == PROP_NUMBER) {
		double x = strtod(a, NULL), y = strtod(b, NULL);

		c = (x > y) - (x < y);
	} else {
		c = strcmp(a, b);
	}
	return (s->is_reverse ? -c : c);
}

static int
compare_rows(const void *pa, const void *pb, void *arg)
{
	const struct listing *l = arg;
	const struct row *a = pa, *b = pb;
	int c = 0;

	for (size_t i = 0; i < l->nsort && c == 0; i++)
		c = compare_cells(&l->sort[i], cell_at(l, a, l->first_sort + i),
		    cell_at(l, b, l->first_sort + i));
	if (c == 0)
		c = name_compare(cell_at(l, a, 0), cell_at(l, b, 0));
	return (c != 0 ? c : (a->index > b->index) - (a->index < b->index));
}

static void
sort_rows(struct listing *l)
{
	if (l->nrow > 1)
		qsort_r(l->row, l->nrow, sizeof(*l->row), compare_rows, l);
}

static void
listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->nanswer; i++)
		nv_free(l->answer[i]);
	nv_free(l->args);
	free(l->row);
}

/* --- options --- */

struct word {
	const char *text;
	unsigned bits;
};

static const struct word type_words[] = {{"filesystem", DSL_FILESYSTEM},
    {"filesystems", DSL_FILESYSTEM}, {"fs", DSL_FILESYSTEM}, {"volume", DSL_VOLUME},
    {"volumes", DSL_VOLUME}, {"vol", DSL_VOLUME}, {"snapshot", DSL_SNAPSHOT},
    {"snapshots", DSL_SNAPSHOT}, {"snap", DSL_SNAPSHOT}, {"bookmark", DSL_BOOKMARK},
    {"bookmarks", DSL_BOOKMARK},
    {"all", DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT | DSL_BOOKMARK}, {NULL, 0}};

/* The words of a list together; 0, or 2 after naming the one that is none of them. */
static int
parse_words(const char *list, const struct word *words, const char *what, unsigned *bits)
{
	const struct word *w;
	size_t n;

	*bits = 0;
	for (const char *p = list; ; p += n + 1) {
		n = strcspn(p, ",");
		for (w = words; w->text != NULL; w++)
			if (strlen(w->text) == n && strncmp(w->text, p, n) == 0)
				break;
		if (w->text == NULL)
			return (applet_usage("invalid %s '%.*s'", what, (int)n, p));
		*bits |= w->bits;
		if (p[n] == '\0')
			return (0);
	}
}

static int
parse_depth(const char *text, uint64_t *depth)
{
	return (units_parse_u64(text, 0, INT32_MAX, depth, NULL) == 0 ? 0 :
	    applet_usage("invalid depth '%s'", text));
}

/* "written@snap", "userused@..." and the like have no entry of their own in the table. */
static bool
is_property(const char *name, bool with_name)
{
	return (fs_prop_find(name) != NULL || fs_prop_is_user(name) ||
	    zfs_owner_is(name) || (with_name && strcmp(name, "name") == 0) || strncmp(name, "written@", 8) == 0);
}

struct columns {
	char *text; /* what the names point into */
	const char *name[COLUMNS_MAX + SORTS_MAX];
	size_t n;
};

static int
add_column(struct columns *c, const char *name, bool with_name)
{
	const struct fs_prop *p;

	if (!is_property(name, with_name))
		return (applet_usage("bad property list: invalid property '%s'", name));
	if (c->n == COLUMNS_MAX)
		return (applet_usage("more than %d columns", COLUMNS_MAX));
	p = fs_prop_find(name);
	c->name[c->n++] = p != NULL ? p->name : name;
	return (0);
}

static int
parse_columns(struct columns *c, const char *list, bool with_name)
{
	char *save;
	int status = 0;

	c->text = strdup(list);
	must(c->text == NULL ? -1 : 0);
	for (char *p = strtok_r(c->text, ",", &save); p != NULL && status == 0;
	    p = strtok_r(NULL, ",", &save))
		status = add_column(c, p, with_name);
	return (status);
}

/* Owners by number; kept until the process ends. */
static const char *
wire_name(const char *name)
{
	char wire[256];

	if (!zfs_owner_wire(name, wire, sizeof(wire)) || strcmp(wire, name) == 0)
		return (name);
	name = strdup(wire);
	must(name == NULL ? -1 : 0);
	return (name);
}

/* --- list --- */

struct list_opts {
	const char *columns;
	struct listing l;
	struct columns col;
	const char *sort_name[SORTS_MAX];
	uint64_t depth;
	bool has_depth, is_recursive, raw, has_types;
	unsigned types, flags;
};

static int
add_sort(struct list_opts *o, const char *name, bool is_reverse)
{
	struct sort *s = &o->l.sort[o->l.nsort];

	if (!is_property(name, true))
		return (applet_usage("invalid property '%s'", name));
	if (o->l.nsort == SORTS_MAX)
		return (applet_usage("more than %d sort columns", SORTS_MAX));
	s->prop = fs_prop_find(name);
	s->is_reverse = is_reverse;
	o->sort_name[o->l.nsort++] = s->prop != NULL ? s->prop->name : name;
	return (0);
}

static bool
is_name(const char *column)
{
	return (strcmp(column, "name") == 0);
}

static int
read_list_opts(int argc, char **argv, struct list_opts *o)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "Hprd:o:s:S:t:")) != -1) {
		switch (c) {
		case 'H': o->flags |= TABLE_TABS; break;
		case 'p': o->raw = true; break;
		case 'r': o->is_recursive = true; break;
		case 'd':
			o->has_depth = true;
			status = parse_depth(optarg, &o->depth);
			break;
		case 'o': o->columns = optarg; break;
		case 's': case 'S': status = add_sort(o, optarg, c == 'S'); break;
		case 't':
			o->has_types = true;
			status = parse_words(optarg, type_words, "type", &o->types);
			break;
		default: return (2);
		}
	}
	return (status);
}

/* The request: name first (for the order, and to be printed), the other columns, the sort columns. */
static void
build_list_request(struct list_opts *o, int argc)
{
	struct listing *l = &o->l;
	const char *names[1 + COLUMNS_MAX + SORTS_MAX];
	char *exact[SORTS_MAX] = {NULL};
	size_t n = 0;

	names[n++] = "name";
	for (size_t i = 0; i < o->col.n; i++)
		if (!is_name(o->col.name[i]))
			names[n++] = wire_name(o->col.name[i]);
	l->first_sort = n;
	for (size_t i = 0; i < l->nsort; i++) {
		must(asprintf(&exact[i], "=%s", o->sort_name[i]) < 0 ? -1 : 0);
		names[n++] = exact[i];
	}
	l->args = must_nv();
	l->ncell = n;
	l->stride = 1;
	must(nv_add_str_array(l->args, "columns", names, n));
	must(nv_add_u64(l->args, "types", o->types));
	if (!o->has_types) /* a snapshot that is named is shown without -t */
		must(nv_add_u64(l->args, "root_types", o->types | DSL_SNAPSHOT | DSL_BOOKMARK));
	if (o->raw)
		must(nv_add_boolean(l->args, "raw"));
	if (o->has_depth)
		must(nv_add_u64(l->args, "depth", o->depth));
	else if (argc > 0 && !o->is_recursive)
		must(nv_add_u64(l->args, "depth", o->types == DSL_SNAPSHOT ||
		    o->types == DSL_BOOKMARK ? 1 : 0));
	for (size_t i = 0; i < l->nsort; i++)
		free(exact[i]);
}

static void
list_cell(char *buf, size_t size, const void *row, int id, unsigned flags)
{
	const char *const *cells = row, *text = cells[id];
	size_t n;

	(void)flags;
	if (strcmp(text, not_applicable) == 0)
		text = "-";
	n = strnlen(text, size - 1);
	memcpy(buf, text, n);
	buf[n] = '\0';
}

/* A column of words is as wide as its longest word, one of numbers takes five. */
static int
column_width(const struct fs_prop *p)
{
	size_t width = 0;

	if (p == NULL)
		return (0);
	if (strcmp(p->name, "referenced") == 0)
		return (8); /* OpenZFS gives this one the width of zpool's HEALTH */
	if (p->kind == PROP_NUMBER)
		return (NUMBER_WIDTH);
	for (const struct prop_choice *c = p->choices; c != NULL && c->word != NULL; c++)
		if (strlen(c->word) > width)
			width = strlen(c->word);
	return ((int)width);
}

static void
set_headings(const struct columns *col, struct column *c, char (*heading)[256])
{
	for (size_t i = 0; i < col->n; i++) {
		const struct fs_prop *p = fs_prop_find(col->name[i]);

		(void)snprintf(heading[i], 256, "%s", p != NULL ? p->heading : col->name[i]);
		for (char *h = heading[i]; *h != '\0'; h++)
			*h = *h >= 'a' && *h <= 'z' ? (char)(*h - 'a' + 'A') : *h;
		c[i] = (struct column){col->name[i], heading[i], column_width(p),
		    p != NULL && fs_prop_is_right(p) ? COL_RIGHT : 0, list_cell, (int)i};
	}
}

static void
print_list(struct list_opts *o)
{
	static struct column columns[COLUMNS_MAX + 1];
	static char headings[COLUMNS_MAX][256];
	const char *cells[COLUMNS_MAX];
	struct listing *l = &o->l;
	struct table *t;

	set_headings(&o->col, columns, headings);
	must(table_new(columns, NULL, o->flags, &t, NULL));
	for (size_t r = 0; r < l->nrow; r++) {
		const char *name = l->row[r].cells, *p = name + strlen(name) + 1;

		for (size_t i = 0; i < o->col.n; i++) {
			cells[i] = is_name(o->col.name[i]) ? name : p;
			p += cells[i] == p ? strlen(p) + 1 : 0;
		}
		must(table_add(t, cells));
	}
	table_end(t, stdout);
}

/* Without -t snapshots are shown when the pool's listsnapshots says so. */
static unsigned
default_types(void)
{
	static const char *const prop = "listsnapshots";
	unsigned types = DSL_FILESYSTEM | DSL_VOLUME;
	struct nvlist *args = must_nv(), *out;
	size_t n, len;
	char **pools = zfs_pools(&n);

	must(nv_add_str_array(args, "props", &prop, 1));
	for (size_t i = 0; i < n; i++) {
		const void *rows = "";

		if (zfs_ask(pools[i], "pool.props", args, &out, NULL) == 0 &&
		    nv_get_bytes(out, "rows", &rows, &len) == 0 && len > strlen(prop) + 3 &&
		    strcmp((const char *)rows + strlen(prop) + 1, "on") == 0)
			types |= DSL_SNAPSHOT;
		nv_free(out);
	}
	nv_free(args);
	free(pools);
	return (types);
}

int
zfs_list(int argc, char **argv)
{
	static struct list_opts o;
	int status;

	o.columns = "name,used,available,referenced,mountpoint";
	if ((status = read_list_opts(argc, argv, &o)) != 0)
		return (status);
	if (o.types == 0)
		o.types = strcmp(o.columns, "space") == 0 ? DSL_FILESYSTEM | DSL_VOLUME :
		    default_types();
	if (strcmp(o.columns, "space") == 0)
		o.columns = "name,available,used,usedbysnapshots,usedbydataset,"
		    "usedbyrefreservation,usedbychildren";
	if ((status = parse_columns(&o.col, o.columns, true)) != 0)
		return (status);
	argc -= optind;
	argv += optind;
	build_list_request(&o, argc);
	if (argc == 0)
		ask_all(&o.l);
	else
		ask_named(&o.l, argc, argv);
	sort_rows(&o.l);
	if (o.l.nrow != 0)
		print_list(&o);
	else if (o.l.status == 0 && (o.flags & TABLE_TABS) == 0)
		(void)applet_fail_bare(NULL, "no datasets available");
	listing_free(&o.l);
	free(o.col.text);
	return (o.l.status);
}

/* --- get --- */

enum { SRC_LOCAL = 1, SRC_DEFAULT = 2, SRC_INHERITED = 4, SRC_TEMPORARY = 8, SRC_RECEIVED = 16,
	SRC_NONE = 32, SRC_ALL = 63 };

static const struct word source_words[] = {{"local", SRC_LOCAL}, {"default", SRC_DEFAULT},
    {"inherited", SRC_INHERITED}, {"temporary", SRC_TEMPORARY}, {"received", SRC_RECEIVED},
    {"none", SRC_NONE}, {NULL, 0}};

struct get_opts {
	struct listing l;
	struct columns col;
	const char *fields;
	uint64_t depth;
	bool has_depth, is_recursive, raw, is_all;
	unsigned types, flags, sources;
	struct table *table;
};

struct get_row {
	const char *name, *property, *value, *source;
};

static unsigned
source_bit(const char *source)
{
	for (const struct word *w = source_words; w->text != NULL; w++)
		if (strncmp(source, w->text, strlen(w->text)) == 0)
			return (w->bits);
	return (SRC_NONE);
}

static void
get_cell(char *buf, size_t size, const void *row, int id, unsigned flags)
{
	const struct get_row *g = row;
	const char *const cells[] = {g->name, g->property, g->value, "-", g->source};

	(void)flags;
	(void)snprintf(buf, size, "%s", cells[id]);
}

static const struct column get_columns[] = {
	{"name", "NAME", 0, 0, get_cell, 0},
	{"property", "PROPERTY", 0, 0, get_cell, 1},
	{"value", "VALUE", 0, 0, get_cell, 2},
	{"received", "RECEIVED", 0, COL_HIDDEN, get_cell, 3},
	{"source", "SOURCE", 0, 0, get_cell, 4},
	{NULL, NULL, 0, 0, NULL, 0},
};

static int
read_get_opts(int argc, char **argv, struct get_opts *o)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "Hprd:o:s:t:")) != -1) {
		switch (c) {
		case 'H': o->flags |= TABLE_TABS; break;
		case 'p': o->raw = true; break;
		case 'r': o->is_recursive = true; break;
		case 'd':
			o->has_depth = true;
			status = parse_depth(optarg, &o->depth);
			break;
		case 'o': o->fields = optarg; break;
		case 's': status = parse_words(optarg, source_words, "source", &o->sources); break;
		case 't': status = parse_words(optarg, type_words, "type", &o->types); break;
		default: return (2);
		}
	}
	return (status);
}

static void
take_all_columns(struct columns *c)
{
	const struct fs_prop *p;

	for (size_t i = 0; (p = fs_prop_at(i)) != NULL && c->n < COLUMNS_MAX + SORTS_MAX; i++)
		if ((p->attr & PROP_HIDDEN) == 0 && strcmp(p->name, "name") != 0)
			c->name[c->n++] = p->name;
}

static void
build_get_request(struct get_opts *o, int argc)
{
	const char *names[1 + COLUMNS_MAX + SORTS_MAX];
	struct listing *l = &o->l;
	size_t n = 0;

	names[n++] = "name";
	for (size_t i = 0; i < o->col.n; i++)
		names[n++] = wire_name(o->col.name[i]);
	l->args = must_nv();
	l->ncell = n;
	l->stride = 2;
	l->has_user = o->is_all;
	must(nv_add_str_array(l->args, "columns", names, n));
	must(nv_add_u64(l->args, "types", o->types));
	must(nv_add_boolean(l->args, "sources"));
	if (o->raw)
		must(nv_add_boolean(l->args, "raw"));
	if (o->is_all)
		must(nv_add_boolean(l->args, "user"));
	if (o->has_depth)
		must(nv_add_u64(l->args, "depth", o->depth));
	else if (argc > 0 && !o->is_recursive)
		must(nv_add_u64(l->args, "depth", 0));
}

static const char *
next_text(const char **p)
{
	const char *s = *p;

	*p += strlen(s) + 1;
	return (s);
}

static void
add_get_row(struct get_opts *o, const struct get_row *g)
{
	if (source_bit(g->source) & o->sources)
		must(table_add(o->table, g));
}

static void
get_dataset(struct get_opts *o, const struct row *r)
{
	const char *p = r->cells;
	struct get_row g = {.name = next_text(&p)};

	(void)next_text(&p); /* the name's source */
	for (size_t i = 0; i < o->col.n; i++) {
		g.property = o->col.name[i];
		g.value = next_text(&p);
		g.source = next_text(&p);
		if (strcmp(g.value, not_applicable) == 0) {
			if (o->is_all)
				continue;
			g.value = g.source = "-";
		}
		if (o->is_all && strcmp(g.value, "-") == 0 && strcmp(g.source, "-") == 0)
			continue; /* applies, but there is none: an origin of what is no clone */
		add_get_row(o, &g);
	}
	while (o->is_all && *p != '\0') {
		g.property = next_text(&p);
		g.value = next_text(&p);
		g.source = next_text(&p);
		add_get_row(o, &g);
	}
}

int
zfs_get(int argc, char **argv)
{
	static struct get_opts o;
	struct err e = ERR_INIT;
	int status;

	o.sources = SRC_ALL;
	o.types = DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT | DSL_BOOKMARK;
	if ((status = read_get_opts(argc, argv, &o)) != 0)
		return (status);
	argc -= optind;
	argv += optind;
	if (argc < 1) {
		(void)applet_usage("missing property argument");
		zfs_print_props();
		return (2);
	}
	if ((o.is_all = strcmp(argv[0], "all") == 0))
		take_all_columns(&o.col);
	else if ((status = parse_columns(&o.col, argv[0], false)) != 0)
		return (status);
	if (table_new(get_columns, o.fields, o.flags, &o.table, &e) != 0)
		return (applet_usage("%s", e.msg));
	build_get_request(&o, argc - 1);
	if (argc == 1)
		ask_all(&o.l);
	else
		ask_named(&o.l, argc - 1, argv + 1);
	sort_rows(&o.l);
	for (size_t i = 0; i < o.l.nrow; i++)
		get_dataset(&o, &o.l.row[i]);
	if (o.l.nrow != 0)
		table_end(o.table, stdout);
	else
		table_free(o.table);
	listing_free(&o.l);
	free(o.col.text);
	return (o.l.status);
}
