/* SPDX-License-Identifier: MIT */
/*
 * imgadm's listings: any manifest field is a column, a sort key and a filter.
 *
 * A cell is text; one that is missing shows as "-".  Without rows nothing is printed, not even a
 * header, as scripts expect.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "imgadm_impl.h"
#include "smartbox/core/applet.h"
#include "smartbox/core/json.h"
#include "smartbox/core/table.h"
#include "smartbox/machine/jsonpath.h"

#define DEFAULT_FIELDS "uuid,name,version,os,type,pub"
#define DEFAULT_SORT "published_at,name"
#define MAX_FIELDS 32

int
imgadm_list_opts(int argc, char **argv, struct list_opts *o)
{
	int c;

	*o = (struct list_opts){.fields = DEFAULT_FIELDS, .sort = DEFAULT_SORT};
	while ((c = applet_getopt(argc, argv, "Hjo:s:")) != -1)
		switch (c) {
		case 'H': o->no_header = true; break;
		case 'j': o->json = true; break;
		case 'o': o->fields = optarg; break;
		case 's': o->sort = optarg; break;
		default: return (2);
		}
	o->filters = argv + optind;
	o->nfilters = argc - optind;
	return (0);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* The first n characters of published_at, with "Z" behind the seconds. */
static json_t *
published(json_t *manifest, size_t n)
{
	const char *s = json_str(manifest, "published_at", NULL);
	char text[40];

	if (s == NULL)
		return (NULL);
	(void)snprintf(text, sizeof(text), "%.*s%s", (int)n, s, n > 10 ? "Z" : "");
	return (json_string(text));
}

/* A new reference, or NULL. */
static json_t *
field_value(json_t *entry, const char *field)
{
	json_t *manifest = json_object_get(entry, "manifest"), *v;

	if (strcmp(field, "published") == 0)
		return (published(manifest, 19));
	if (strcmp(field, "published_date") == 0 || strcmp(field, "pub") == 0)
		return (published(manifest, 10));
	if (strcmp(field, "size") == 0)
		return (json_incref(jsonpath_get(manifest, "files.0.size", '.')));
	v = jsonpath_get(manifest, field, '.');
	if (v == NULL && strcmp(field, "manifest") != 0)
		v = json_object_get(entry, field);
	return (json_incref(v));
}

/* malloc'ed; NULL when the image has no such field. */
static char *
field_text(json_t *entry, const char *field)
{
	json_t *v = field_value(entry, field);
	char *text = jsonpath_text(v);

	json_decref(v);
	return (text);
}

/* --- filters ---------------------------------------------------------------------------------- */

static int
filter_matches(json_t *entry, const char *filter, bool *yes, struct err *e)
{
	const char *eq = strchr(filter, '=');
	char field[256];
	char *text;

	if (eq == NULL || eq == filter || (size_t)(eq - filter) >= sizeof(field))
		return (err_set(e, EINVAL,
		    "invalid filter: \"%s\" (must be of the form \"field=value\")", filter));
	memcpy(field, filter, (size_t)(eq - filter));
	field[eq - filter] = '\0';
	text = field_text(entry, field);
	if (text == NULL)
		*yes = false;
	else
		*yes = eq[1] == '~' ? strstr(text, eq + 2) != NULL : strcmp(text, eq + 1) == 0;
	free(text);
	return (0);
}

static int
apply_filters(json_t *entries, const struct list_opts *o, json_t *out, struct err *e)
{
	json_t *entry;
	size_t i;

	for (int k = 0; k < o->nfilters; k++) { /* also without a single image */
		bool yes;
		int rc = filter_matches(NULL, o->filters[k], &yes, e);

		if (rc != 0)
			return (rc);
	}
	json_array_foreach(entries, i, entry) {
		bool all = true;

		for (int k = 0; k < o->nfilters && all; k++)
			(void)filter_matches(entry, o->filters[k], &all, NULL);
		if (all)
			(void)json_array_append(out, entry);
	}
	return (0);
}

/* --- sorting ---------------------------------------------------------------------------------- */

static bool
number(const char *s, double *v)
{
	char *end;

	*v = strtod(s, &end);
	return (end != s && *end == '\0');
}

/* Missing first, numbers as numbers, else bytes. */
static int
compare_text(const char *a, const char *b)
{
	double x, y;

	if (a == NULL || b == NULL)
		return ((a != NULL) - (b != NULL));
	if (number(a, &x) && number(b, &y))
		return ((x > y) - (x < y));
	return (strcmp(a, b));
}

static int
compare_entries(json_t *a, json_t *b, const char *sort)
{
	while (*sort != '\0') {
		size_t n = strcspn(sort, ",");
		bool down = *sort == '-';
		char field[256], *x, *y;
		int d;

		(void)snprintf(field, sizeof(field), "%.*s", (int)(n - down), sort + down);
		x = field_text(a, field);
		y = field_text(b, field);
		d = compare_text(x, y);
		free(x);
		free(y);
		if (d != 0)
			return (down ? -d : d);
		sort += n + (sort[n] == ',');
	}
	return (0);
}

static void
sort_entries(json_t *list, const char *sort)
{
	size_t n = json_array_size(list);

	for (size_t i = 1; i < n; i++) { /* tens of images: insertion keeps equal ones in order */
		json_t *x = json_incref(json_array_get(list, i));
		size_t k = i;

		while (k > 0 && compare_entries(json_array_get(list, k - 1), x, sort) > 0)
			k--;
		if (k < i) {
			(void)json_array_remove(list, i);
			(void)json_array_insert(list, k, x);
		}
		json_decref(x);
	}
}

/* --- printing --------------------------------------------------------------------------------- */

struct row {
	json_t *entry;
	char (*fields)[64];
};

static void
cell(char *buf, size_t size, const void *row, int id, unsigned flags)
{
	const struct row *r = row;
	char *text = field_text(r->entry, r->fields[id]);

	(void)flags;
	(void)snprintf(buf, size, "%s", text != NULL && text[0] != '\0' ? text : "-");
	free(text);
}

static int
split_fields(const char *s, char fields[MAX_FIELDS][64], char headers[MAX_FIELDS][64])
{
	int n = 0;

	while (*s != '\0' && n < MAX_FIELDS) {
		size_t len = strcspn(s, ",");

		(void)snprintf(fields[n], 64, "%.*s", (int)len, s);
		for (size_t i = 0; i < 64; i++)
			headers[n][i] = (char)(fields[n][i] >= 'a' && fields[n][i] <= 'z'
			        ? fields[n][i] - 'a' + 'A'
			        : fields[n][i]);
		n += len > 0;
		s += len + (s[len] == ',');
	}
	return (n);
}

static int
print_table(json_t *list, const struct list_opts *o, struct err *e)
{
	char fields[MAX_FIELDS][64], headers[MAX_FIELDS][64];
	struct column cols[MAX_FIELDS + 1];
	int n = split_fields(o->fields, fields, headers), rc;
	struct table *t;
	json_t *entry;
	size_t i;

	memset(cols, 0, sizeof(cols));
	for (int k = 0; k < n; k++)
		cols[k] = (struct column){fields[k], headers[k], 0, 0, cell, k};
	if ((rc = table_new(cols, NULL, o->no_header ? TABLE_NOHEADER : 0, &t, e)) != 0)
		return (rc);
	json_array_foreach(list, i, entry)
		(void)table_add(t, &(struct row){entry, fields});
	table_end(t, stdout);
	return (0);
}

int
imgadm_print_list(json_t *entries, const struct list_opts *o, struct err *e)
{
	json_t *list = json_array();
	int rc = apply_filters(entries, o, list, e);

	if (rc == 0) {
		sort_entries(list, o->sort);
		if (o->json)
			json_print(stdout, list);
		else if (json_array_size(list) > 0)
			rc = print_table(list, o, e);
	}
	json_decref(list);
	return (rc);
}
