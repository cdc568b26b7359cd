/* SPDX-License-Identifier: MIT */
/*
 * zpool list and zpool get.
 *
 * A pool's columns are asked for in one request.  Columns of numbers are as wide as their heading
 * and at least five characters; HEALTH is eight wide and aligned right, as OpenZFS has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smartbox/core/table.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/pool_props.h"
#include "zpool_impl.h"

enum { COLUMNS_MAX = 64, NUMBER_WIDTH = 5, HEALTH_WIDTH = 8, VERBOSE_WIDTH_MIN = 9 };

struct list_opts {
	const char *columns[COLUMNS_MAX];
	char heading[COLUMNS_MAX][48];
	size_t width[COLUMNS_MAX];
	bool right[COLUMNS_MAX];
	size_t ncol;
	char *text; /* of -o, cut in pieces */
	bool scripted, raw, verbose;
	unsigned names; /* ZPOOL_NAME_... */
	char stamp;
	int argc;
	char **argv;
};

struct list_row {
	struct nvlist *props, *status; /* answers; status only when verbose */
	const char *cell[COLUMNS_MAX];
	struct list_row *next;
};

struct list_rows {
	struct list_opts *o;
	struct list_row *first, **end;
};

static void
set_heading(struct list_opts *o, size_t i, const char *name, const struct pool_prop *p)
{
	char *h = o->heading[i];

	(void)snprintf(h, sizeof(o->heading[i]), "%s", p != NULL ? p->heading : name);
	for (char *c = h; *c != '\0'; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	o->right[i] = p != NULL && p->kind == POOL_NUMBER;
	o->width[i] = strlen(h);
	if (o->right[i] && o->width[i] < NUMBER_WIDTH)
		o->width[i] = NUMBER_WIDTH;
	if (p != NULL && strcmp(p->name, "health") == 0)
		o->width[i] = HEALTH_WIDTH;
}

/* 0, or 2 after naming the column that does not exist. */
static int
parse_columns(struct list_opts *o, const char *list)
{
	char *save;

	o->text = strdup(list);
	must(o->text == NULL ? -1 : 0);
	for (char *c = strtok_r(o->text, ",", &save); c != NULL; c = strtok_r(NULL, ",", &save)) {
		const struct pool_prop *p = pool_prop_find(c);

		if (p == NULL && !pool_prop_is_feature(c))
			return (applet_usage("bad property list: invalid property '%s'", c));
		if (o->ncol == COLUMNS_MAX)
			return (applet_usage("more than %d columns", COLUMNS_MAX));
		o->columns[o->ncol] = p != NULL ? p->name : c;
		set_heading(o, o->ncol, c, p);
		o->ncol++;
	}
	return (0);
}

/* The rows of an answer are name, value, source; one triple per column asked for. */
static const char *
next_text(const char **p, const char *end)
{
	const char *s = *p, *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (nul == NULL)
		return (NULL);
	*p = nul + 1;
	return (s);
}

static int
ask_props(const char *pool, const char *const *columns, size_t n, bool raw, struct nvlist **out)
{
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;
	int rc;

	if (n != 0)
		must(nv_add_str_array(args, "props", columns, n));
	if (raw)
		must(nv_add_boolean(args, "raw"));
	rc = pool_call(pool, "pool.props", args, out, &e);
	nv_free(args);
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot open '%s'", pool));
}

static void
take_cells(struct list_opts *o, struct list_row *r)
{
	const void *rows = "";
	const char *p, *end;
	size_t len = 0;

	(void)nv_get_bytes(r->props, "rows", &rows, &len);
	p = rows;
	end = p + len;
	for (size_t i = 0; i < o->ncol; i++) {
		const char *value;

		(void)next_text(&p, end);
		value = next_text(&p, end);
		(void)next_text(&p, end);
		r->cell[i] = value != NULL ? value : "-";
		if (strlen(r->cell[i]) > o->width[i])
			o->width[i] = strlen(r->cell[i]);
	}
}

static int
list_pool(const char *pool, void *arg)
{
	struct list_rows *rows = arg;
	struct list_row *r = calloc(1, sizeof(*r));
	struct err e = ERR_INIT;

	must(r == NULL ? -1 : 0);
	if (ask_props(pool, rows->o->columns, rows->o->ncol, rows->o->raw, &r->props) != 0) {
		free(r);
		return (1);
	}
	take_cells(rows->o, r);
	if (rows->o->verbose && pool_call(pool, "pool.status", NULL, &r->status, &e) != 0)
		(void)applet_fail_bare(&e, "cannot open '%s'", pool);
	*rows->end = r;
	rows->end = &r->next;
	return (0);
}

static void
print_line(const struct list_opts *o, const char *const *cell, size_t ncell)
{
	for (size_t i = 0; i < ncell; i++) {
		bool is_last = i + 1 == ncell;

		if (o->scripted)
			(void)printf("%s%s", i == 0 ? "" : "\t", cell[i]);
		else if (o->right[i])
			(void)printf("%*s%s", (int)o->width[i], cell[i], is_last ? "" : "  ");
		else if (is_last)
			(void)printf("%s", cell[i]);
		else
			(void)printf("%-*s  ", (int)o->width[i], cell[i]);
	}
	(void)printf("\n");
}

/* One number of a device's line under a pool; absent ones are '-'. */
static void
vdev_cell(const struct list_opts *o, const struct nvlist *node, const char *column, char *buf,
    size_t size)
{
	uint64_t total = nv_u64_or(node, "size", 0), alloc = nv_u64_or(node, "alloc", 0), v = 0;
	bool has_space = nv_has(node, "size");

	(void)snprintf(buf, size, "-");
	if (strcmp(column, "health") == 0) {
		(void)snprintf(buf, size, "%s", nv_str_or(node, "state", "-"));
		return;
	}
	if (strcmp(column, "fragmentation") == 0 && has_space) {
		(void)snprintf(buf, size, "%llu%s", (unsigned long long)nv_u64_or(node, "frag", 0),
		    o->raw ? "" : "%");
		return;
	}
	if (strcmp(column, "capacity") == 0 && has_space && total != 0) {
		double percent = (double)alloc * 100.0 / (double)total;

		if (o->raw)
			(void)snprintf(buf, size, "%.0f", percent);
		else
			(void)snprintf(buf, size, "%.*f%%", percent < 10 ? 2 : percent < 100 ? 1 : 0,
			    percent);
		return;
	}
	if (strcmp(column, "size") == 0)
		v = has_space ? total : nv_u64_or(node, "psize", 0);
	else if (strcmp(column, "allocated") == 0 && has_space)
		v = alloc;
	else if (strcmp(column, "free") == 0 && has_space)
		v = total - alloc;
	else
		return;
	if (o->raw)
		(void)snprintf(buf, size, "%llu", (unsigned long long)v);
	else
		units_format_count(buf, size, v);
}

static void
print_vdev(const struct list_opts *o, const struct nvlist *node, size_t depth)
{
	char cells[COLUMNS_MAX][256];
	const char *cell[COLUMNS_MAX];
	struct nvlist **child;
	size_t n;

	for (size_t i = 0; i < o->ncol; i++) {
		if (strcmp(o->columns[i], "name") == 0)
			(void)snprintf(cells[i], sizeof(cells[i]), "%*s%s",
			    o->scripted ? 0 : (int)depth, "", zpool_vdev_name(node, o->names));
		else
			vdev_cell(o, node, o->columns[i], cells[i], sizeof(cells[i]));
		cell[i] = cells[i];
	}
	if (o->scripted)
		(void)printf("\t");
	print_line(o, cell, strcmp(o->columns[o->ncol - 1], "altroot") == 0 ? o->ncol - 1 : o->ncol);
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		print_vdev(o, child[i], depth + 2);
}

/* A line of dashes with the name of what follows. */
static void
print_title(const struct list_opts *o, const char *title)
{
	const char *cell[COLUMNS_MAX];
	size_t n = strcmp(o->columns[o->ncol - 1], "altroot") == 0 ? o->ncol - 1 : o->ncol;

	for (size_t i = 0; i < n; i++)
		cell[i] = strcmp(o->columns[i], "name") == 0 ? title : "-";
	print_line(o, cell, n);
}

static void
print_class(const struct list_opts *o, const struct nvlist *tree, const char *class, const char *title)
{
	struct nvlist **child;
	size_t n;

	zpool_children(tree, &child, &n);
	for (size_t i = 0; i < n; i++) {
		if (!zpool_is_shown(child[i], class))
			continue;
		if (title != NULL)
			print_title(o, title);
		title = NULL;
		print_vdev(o, child[i], 2);
	}
}

/* Devices beside the tree; of a spare all that counts is whether it can be had. */
static void
print_aux(const struct list_opts *o, const struct nvlist *status, const char *list, const char *title)
{
	struct nvlist **v;
	size_t n;

	if (nv_get_nvlist_array(status, list, &v, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			print_title(o, title);
		print_vdev(o, v[i], 2);
	}
}

static void
print_devices(const struct list_opts *o, const struct nvlist *status)
{
	static const char *const classes[][2] = {{"", NULL}, {"dedup", "dedup"}, {"special", "special"},
	    {"log", "logs"}};
	struct nvlist *tree;

	if (nv_get_nvlist(status, "tree", &tree) != 0)
		return;
	for (int i = 0; i < 4; i++)
		print_class(o, tree, classes[i][0], classes[i][1]);
	print_aux(o, status, "l2cache", "cache");
	print_aux(o, status, "spares", "spare");
}

static void
print_rows(struct list_rows *rows)
{
	const char *heading[COLUMNS_MAX];

	for (size_t i = 0; i < rows->o->ncol; i++)
		heading[i] = rows->o->heading[i];
	if (!rows->o->scripted && rows->first != NULL)
		print_line(rows->o, heading, rows->o->ncol);
	for (struct list_row *r = rows->first; r != NULL; r = r->next) {
		print_line(rows->o, r->cell, rows->o->ncol);
		if (r->status != NULL)
			print_devices(rows->o, r->status);
	}
}

/* The name column must hold the devices and the titles between them too. */
static void
widen_names(struct list_rows *rows)
{
	for (struct list_row *r = rows->first; r != NULL; r = r->next)
		for (size_t i = 0; i < rows->o->ncol; i++) {
			size_t w;

			if (strcmp(rows->o->columns[i], "name") != 0 || r->status == NULL)
				continue;
			w = zpool_status_width(r->status, rows->o->names);
			if (w < VERBOSE_WIDTH_MIN)
				w = VERBOSE_WIDTH_MIN;
			if (w > rows->o->width[i])
				rows->o->width[i] = w;
		}
}

static void
free_rows(struct list_row *r)
{
	while (r != NULL) {
		struct list_row *next = r->next;

		nv_free(r->props);
		nv_free(r->status);
		free(r);
		r = next;
	}
}

static int
list_once(void *arg)
{
	struct list_opts *o = arg;
	struct list_rows rows = {o, NULL, &rows.first};
	size_t count;
	int status;

	zpool_print_stamp(o->stamp);
	status = zpool_each(o->argc, o->argv, list_pool, &rows, &count);
	if (count == 0 && !o->scripted)
		(void)printf("no pools available\n");
	widen_names(&rows);
	print_rows(&rows);
	free_rows(rows.first);
	return (status);
}

int
zpool_list(int argc, char **argv)
{
	const char *columns = "name,size,allocated,free,checkpoint,expandsize,fragmentation,"
	    "capacity,dedupratio,health,altroot";
	struct list_opts o = {.ncol = 0};
	struct zpool_repeat repeat;
	int c, status;

	while ((c = applet_getopt(argc, argv, "HLPT:go:pv")) != -1) {
		if (c == '?')
			return (2);
		o.scripted = o.scripted || c == 'H';
		o.raw = o.raw || c == 'p';
		o.names |= zpool_name_option(c);
		o.verbose = o.verbose || c == 'v';
		if (c == 'o')
			columns = optarg;
		else if (c == 'T' && (status = zpool_take_stamp(optarg, &o.stamp)) != 0)
			return (status);
	}
	o.argc = argc - optind;
	o.argv = argv + optind;
	if ((status = zpool_take_repeat(&o.argc, o.argv, &repeat)) != 0)
		return (status);
	if ((status = parse_columns(&o, columns)) == 0)
		status = zpool_repeat(&repeat, list_once, &o);
	free(o.text);
	return (status);
}

/* --- get --- */

struct get_cells {
	const char *name, *property, *value, *source;
};

static void
get_cell(char *buf, size_t size, const void *row, int id, unsigned flags)
{
	const struct get_cells *g = row;
	const char *const cells[] = {g->name, g->property, g->value, g->source};

	(void)flags;
	(void)snprintf(buf, size, "%s", cells[id]);
}

static const struct column get_columns[] = {
	{"name", "NAME", 0, 0, get_cell, 0},
	{"property", "PROPERTY", 0, 0, get_cell, 1},
	{"value", "VALUE", 0, 0, get_cell, 2},
	{"source", "SOURCE", 0, 0, get_cell, 3},
	{NULL, NULL, 0, 0, NULL, 0},
};

struct get_opts {
	struct list_opts list; /* which properties; none: all */
	struct table *table;
	bool raw;
};

static int
get_pool(const char *pool, void *arg)
{
	struct get_opts *g = arg;
	const void *rows = "";
	struct nvlist *out;
	const char *p, *end;
	size_t len = 0;

	if (ask_props(pool, g->list.columns, g->list.ncol, g->raw, &out) != 0)
		return (1);
	(void)nv_get_bytes(out, "rows", &rows, &len);
	for (p = rows, end = p + len; p < end;) {
		struct get_cells c = {.name = pool};

		c.property = next_text(&p, end);
		c.value = next_text(&p, end);
		c.source = next_text(&p, end);
		if (c.source == NULL)
			break;
		must(table_add(g->table, &c));
	}
	nv_free(out);
	return (0);
}

static int
get_properties(struct get_opts *g, const char *fields, unsigned flags, int argc, char **argv)
{
	struct err e = ERR_INIT;
	int status;

	if (strcmp(argv[0], "all") != 0 && (status = parse_columns(&g->list, argv[0])) != 0)
		return (status);
	if (table_new(get_columns, fields, flags, &g->table, &e) != 0)
		return (applet_usage("%s", e.msg));
	status = zpool_each(argc - 1, argv + 1, get_pool, g, NULL);
	table_end(g->table, stdout);
	return (status);
}

/* On stderr, every property with the words it takes. */
static void
print_props(void)
{
	const struct pool_prop *p;

	fprintf(stderr, "\nThe following properties are supported:\n\n");
	fprintf(stderr, "\t%-19s  %-4s  %s\n\n", "PROPERTY", "EDIT", "VALUES");
	for (size_t i = 0; (p = pool_prop_at(i)) != NULL; i++) {
		fprintf(stderr, "\t%-19s  %4s  ", p->name, p->attr & POOL_PROP_READONLY ? "NO" : "YES");
		for (const char *const *w = p->words; w != NULL && *w != NULL; w++)
			fprintf(stderr, "%s%s", w == p->words ? "" : " | ", *w);
		fprintf(stderr, "%s\n", p->words != NULL ? "" : p->kind == POOL_NUMBER ? "<number>" : "<text>");
	}
	fprintf(stderr, "\t%-19s  %4s  %s\n", "feature@...", "YES", "disabled | enabled | active");
}

int
zpool_get(int argc, char **argv)
{
	struct get_opts g = {.table = NULL};
	const char *fields = NULL;
	unsigned flags = 0;
	int c, status;

	while ((c = applet_getopt(argc, argv, "Hpo:")) != -1) {
		if (c == '?')
			return (2);
		if (c == 'H')
			flags |= TABLE_TABS;
		if (c == 'o')
			fields = optarg;
		g.raw = g.raw || c == 'p';
	}
	if (optind >= argc) {
		(void)applet_usage("missing property argument");
		print_props();
		return (2);
	}
	status = get_properties(&g, fields, flags, argc - optind, argv + optind);
	free(g.list.text);
	return (status);
}
