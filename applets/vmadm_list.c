/* SPDX-License-Identifier: MIT */
/*
 * vmadm list and lookup: fields, filters, order.
 *
 * The fields that can be listed are the rows with a header in the property table, and members by path:
 * tags.K, customer_metadata.K, nics.0.ip.  Every field has a fixed width; a longer cell pushes the rest
 * of its line, as scripts that cut by blanks expect.
 *
 * In listings `type` has at most four letters and ram of a zone is its max_physical_memory, as in
 * SmartOS.
 */
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/jsonpath.h"
#include "smartbox/machine/prop.h"
#include "smartbox/machine/vm.h"
#include "vmadm_impl.h"

#define MAX_FIELDS 64
#define MEMBER_WIDTH 20

struct field {
	char name[128];
	char header[128];
	int width;
	bool down;
};

/* --- which fields there are ------------------------------------------------------------------- */

static bool
starts_with_word(const char *s, const char *const *words)
{
	for (; *words != NULL; words++) {
		size_t n = strlen(*words);

		if (strncmp(s, *words, n) == 0 && s[n] == '.' && s[n + 1] != '\0')
			return (true);
	}
	return (false);
}

/* "nics.0.ip": the members of objects in arrays; "*" only where any is meant. */
static bool
is_element(const char *name, bool star)
{
	static const char *const arrays[] = {"nics", "disks", "filesystems", NULL};
	const char *dot = strchr(name, '.');

	if (!starts_with_word(name, arrays))
		return (false);
	if (dot[1] == '*')
		return (star && dot[2] == '.');
	return (isdigit((unsigned char)dot[1]) && strchr(dot + 1, '.') != NULL);
}

static bool
is_member(const char *name, bool star)
{
	static const char *const maps[] = {"tags", "customer_metadata", "internal_metadata", "routes",
	    NULL};

	return (starts_with_word(name, maps) || is_element(name, star));
}

static bool
is_listable(const char *name)
{
	const struct prop *p = prop_find(vm_props, name);

	return (p != NULL && p->header != NULL);
}

static int
parse_field(const char *word, size_t len, const char *what, struct field *f, struct err *e)
{
	const struct prop *p;

	f->down = len > 0 && *word == '-';
	if (len > 0 && (*word == '-' || *word == '+') && what[0] == 's') {
		word++;
		len--;
	}
	(void)snprintf(f->name, sizeof(f->name), "%.*s", (int)len, word);
	p = prop_find(vm_props, f->name);
	if (!is_listable(f->name) && !is_member(f->name, false))
		return (err_set(e, EINVAL, strchr(f->name, '*') != NULL ? "Invalid %s key: \"%s\""
		                                                        : "invalid %s field: %s",
		    what, f->name));
	f->width = p != NULL && p->header != NULL ? p->width : MEMBER_WIDTH;
	for (size_t i = 0; i < sizeof(f->header); i++)
		f->header[i] = (char)toupper((unsigned char)f->name[i]);
	if (p != NULL && p->header != NULL)
		(void)snprintf(f->header, sizeof(f->header), "%s", p->header);
	return (0);
}

static int
parse_fields(const char *s, const char *what, struct field *f, int *n, struct err *e)
{
	*n = 0;
	while (*s != '\0') {
		size_t len = strcspn(s, ",");
		int rc;

		if (*n == MAX_FIELDS)
			return (err_set(e, E2BIG, "more than %d fields", MAX_FIELDS));
		if ((rc = parse_field(s, len, what, &f[(*n)++], e)) != 0)
			return (rc);
		s += len + (s[len] == ',');
	}
	return (0);
}

int
vm_list_check(const struct vm_list_opts *o, unsigned *needs, struct err *e)
{
	struct field f[MAX_FIELDS];
	int n, rc;

	if ((rc = parse_fields(o->fields, "order", f, &n, e)) != 0)
		return (rc);
	for (int i = 0; i < n; i++)
		*needs |= vm_field_needs(f[i].name);
	if ((rc = parse_fields(o->sort, "sort", f, &n, e)) != 0)
		return (rc);
	for (int i = 0; i < n; i++)
		*needs |= vm_field_needs(f[i].name);
	return (0);
}

/* --- values ----------------------------------------------------------------------------------- */

/* malloc'ed text of a field as listings see it; NULL for missing. */
static char *
field_text(const json_t *vm, const char *name)
{
	char *text = jsonpath_text(jsonpath_get((json_t *)(uintptr_t)vm, name, '.'));

	if (text != NULL && strcmp(name, "type") == 0 && strlen(text) > 4)
		text[4] = '\0';
	return (text);
}

/* --- filters ---------------------------------------------------------------------------------- */

static int
parse_filter(const char *arg, const char *what, struct vm_filter *f, struct err *e)
{
	const char *eq = strchr(arg, '=');
	size_t n = eq != NULL ? (size_t)(eq - arg) : strlen(arg);

	(void)snprintf(f->key, sizeof(f->key), "%.*s", (int)n, arg);
	f->value = eq == NULL ? "" : eq + 1;
	f->regex = f->value[0] == '~';
	f->value += f->regex;
	if (!is_listable(f->key) && !is_member(f->key, true))
		return (err_set(e, EINVAL, "Invalid %s key: \"%s\"", what, f->key));
	return (0);
}

int
vm_query_parse(char *const *args, int n, const char *what, struct vm_query *q, struct err *e)
{
	q->nfilters = 0;
	for (int i = 0; i < n; i++) {
		struct vm_filter f;
		int rc = parse_filter(args[i], what, &f, e), k = 0;

		if (rc != 0)
			return (rc);
		while (k < q->nfilters && strcmp(q->filter[k].key, f.key) != 0)
			k++; /* a key that is given again replaces */
		if (k == VM_MAX_FILTERS)
			return (err_set(e, E2BIG, "more than %d filters", VM_MAX_FILTERS));
		q->filter[k] = f;
		q->nfilters += k == q->nfilters;
	}
	return (0);
}

unsigned
vm_query_needs(const struct vm_query *q)
{
	unsigned needs = 0;

	for (int i = 0; i < q->nfilters; i++)
		needs |= vm_field_needs(q->filter[i].key);
	return (needs);
}

struct want {
	const struct vm_filter *f;
	const regex_t *re;
};

static bool
value_matches(const json_t *v, void *arg)
{
	const struct want *w = arg;
	char *text = jsonpath_text(v);
	bool yes = false;

	if (text != NULL && strcmp(w->f->key, "type") == 0 && strlen(text) > 4)
		text[4] = '\0';
	if (text != NULL)
		yes = w->re != NULL ? regexec(w->re, text, 0, NULL, 0) == 0
		                    : strcmp(text, w->f->value) == 0;
	free(text);
	return (yes);
}

static bool
vm_matches(json_t *vm, const struct vm_query *q, const regex_t *re)
{
	for (int i = 0; i < q->nfilters; i++) {
		struct want w = {&q->filter[i], q->filter[i].regex ? &re[i] : NULL};

		if (!jsonpath_any(vm, q->filter[i].key, value_matches, &w))
			return (false);
	}
	return (true);
}

static int
compile(const struct vm_query *q, regex_t *re, struct err *e)
{
	for (int i = 0; i < q->nfilters; i++) {
		char why[128];
		int rc;

		if (!q->filter[i].regex ||
		    (rc = regcomp(&re[i], q->filter[i].value, REG_EXTENDED | REG_ICASE | REG_NOSUB)) == 0)
			continue;
		(void)regerror(rc, &re[i], why, sizeof(why));
		while (--i >= 0)
			if (q->filter[i].regex)
				regfree(&re[i]);
		return (err_set(e, EINVAL, "bad regular expression: %s", why));
	}
	return (0);
}

int
vm_query_run(const struct vm_query *q, const json_t *vms, json_t **out, struct err *e)
{
	regex_t re[VM_MAX_FILTERS];
	json_t *list, *vm;
	size_t i;
	int rc = compile(q, re, e);

	if (rc != 0)
		return (rc);
	list = json_array();
	json_array_foreach((json_t *)(uintptr_t)vms, i, vm)
		if (vm_matches(vm, q, re))
			(void)json_array_append(list, vm);
	for (int k = 0; k < q->nfilters; k++)
		if (q->filter[k].regex)
			regfree(&re[k]);
	*out = list;
	return (0);
}

/* --- order ------------------------------------------------------------------------------------ */

/* Missing, false and 0 come behind everything else. */
static bool
is_empty(const char *s)
{
	return (s == NULL || s[0] == '\0' || strcmp(s, "false") == 0 || strcmp(s, "0") == 0);
}

static int
compare_text(const char *a, const char *b)
{
	char *x, *y;
	double p, r;

	if (is_empty(a) || is_empty(b))
		return (is_empty(a) - is_empty(b));
	p = strtod(a, &x);
	r = strtod(b, &y);
	if (*x == '\0' && *y == '\0')
		return ((p > r) - (p < r));
	return (strcmp(a, b));
}

struct sort_row {
	json_t *vm;
	char *key[MAX_FIELDS];
	const struct field *f;
	int n;
};

static int
compare_rows(const void *a, const void *b)
{
	const struct sort_row *x = a, *y = b;

	for (int i = 0; i < x->n; i++) {
		int d = compare_text(x->key[i], y->key[i]);

		if (d != 0)
			return (x->f[i].down ? -d : d);
	}
	return (0);
}

/* Keys are made once per machine, not once per comparison. */
static struct sort_row *
sort_vms(json_t *vms, const struct field *f, int n)
{
	size_t count = json_array_size(vms);
	struct sort_row *rows = calloc(count + 1, sizeof(*rows));

	for (size_t i = 0; rows != NULL && i < count; i++) {
		rows[i].vm = json_array_get(vms, i);
		rows[i].f = f;
		rows[i].n = n;
		for (int k = 0; k < n; k++)
			rows[i].key[k] = field_text(rows[i].vm, f[k].name);
	}
	if (rows != NULL)
		qsort(rows, count, sizeof(*rows), compare_rows);
	return (rows);
}

static void
free_rows(struct sort_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < rows[i].n; k++)
			free(rows[i].key[k]);
	free(rows);
}

/* --- printing --------------------------------------------------------------------------------- */

/* Padding is held back until something follows it: no blanks at the end of a line. */
static void
put_cell(const char *text, int width, int *pending)
{
	(void)printf("%*s%s", *pending, "", text);
	*pending = (int)strlen(text) < width ? width - (int)strlen(text) + 2 : 2;
}

static void
print_header(const struct field *f, int n)
{
	int pending = 0;

	for (int i = 0; i < n; i++)
		put_cell(f[i].header, f[i].width, &pending);
	(void)putchar('\n');
}

static void
print_vm(const json_t *vm, const struct field *f, int n, bool parsable)
{
	int pending = 0;

	for (int i = 0; i < n; i++) {
		char *text = field_text(vm, f[i].name);
		const char *shown = text == NULL || text[0] == '\0' || strcmp(text, "false") == 0
		                        ? (parsable ? "" : "-")
		                        : text;

		if (parsable)
			(void)printf("%s%s", i > 0 ? ":" : "", shown);
		else
			put_cell(shown, f[i].width, &pending);
		free(text);
	}
	(void)putchar('\n');
}

void
vm_list_print(json_t *vms, const struct vm_list_opts *o)
{
	struct field cols[MAX_FIELDS], keys[MAX_FIELDS];
	struct sort_row *rows;
	int ncols, nkeys;

	if (parse_fields(o->fields, "order", cols, &ncols, NULL) != 0 ||
	    parse_fields(o->sort, "sort", keys, &nkeys, NULL) != 0)
		return;
	if ((rows = sort_vms(vms, keys, nkeys)) == NULL)
		return;
	if (o->header)
		print_header(cols, ncols);
	for (size_t i = 0; i < json_array_size(vms); i++)
		print_vm(rows[i].vm, cols, ncols, o->parsable);
	free_rows(rows, json_array_size(vms));
}
