/* SPDX-License-Identifier: MIT */
/*
 * json: pick values out of JSON text, the part of SmartOS's json(1) that scripts use.
 *
 * Input is one document or several after one another.  Each is a unit of work, unless -g makes an array
 * of them all, or -a makes each element of an array a unit.  A unit without lookups prints whole; with
 * lookups, each value on a line of its own, or with -a all of them on one line.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/jsonpath.h"

static const char json_usage[] =
    "usage: json [-aAHgkqji] [-f FILE] [-d DELIM] [-D DELIM] [-o MODE] [LOOKUP]...\n"
    "Pick values out of JSON text; a LOOKUP is a path such as nics.0.ip or nics[0].ip.\n"
    "  -a             each element of an array apart, its values on one line\n"
    "  -A             an array as one value (default)\n"
    "  -d DELIM       between values of a line with -a (default a blank)\n"
    "  -D DELIM       between the names of a lookup (default .)\n"
    "  -f FILE        read FILE instead of standard input\n"
    "  -g, --group    documents after one another become one array\n"
    "  -H             skip a HTTP header in front\n"
    "  -i             like -o inspect\n"
    "  -j             like -o json\n"
    "  -k, --keys     print the names of an object's members\n"
    "  -o MODE        jsony (strings bare, default), json, json-N (indent by N), inspect\n"
    "  -q             no message about bad input\n"
    "  --merge        objects after one another become one, the last value wins\n"
    "  --deep-merge   the same, going into members that are objects\n"
    "  --validate     only check the input\n";

APPLET(json, "pick values out of JSON text");

struct options {
	const char *file;
	const char *out_delim;
	char path_delim;
	bool array, group, header, keys, quiet, validate, strings_quoted;
	enum { MERGE_NO, MERGE_FLAT, MERGE_DEEP } merge;
	int indent;
	char **lookups;
	int nlookups;
};

/* --- input ------------------------------------------------------------------------------------ */

static int
read_all(FILE *f, struct buf *b)
{
	char part[16384];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), f)) > 0 && b->len <= JSON_MAX_BYTES)
		buf_add(b, part, n);
	return (ferror(f) || buf_failed(b) || b->len > JSON_MAX_BYTES ? -EIO : 0);
}

/* Lines up to an empty one, if the text begins like a HTTP answer. */
static const char *
skip_header(const char *s)
{
	while (strncmp(s, "HTTP/", 5) == 0) {
		const char *crlf = strstr(s, "\r\n\r\n"), *lf = strstr(s, "\n\n");

		if (crlf == NULL && lf == NULL)
			return (s + strlen(s));
		s = crlf != NULL && (lf == NULL || crlf < lf) ? crlf + 4 : lf + 2;
	}
	return (s);
}

/* All documents of the text, in an array. */
static int
parse_all(const char *s, json_t **out, struct err *e)
{
	json_t *docs = json_array();
	const char *start = s;

	for (;;) {
		json_error_t je;
		json_t *doc;

		s += strspn(s, " \t\r\n");
		if (*s == '\0')
			break;
		doc = json_loads(s, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &je);
		if (doc == NULL) {
			json_decref(docs);
			return (err_set(e, EINVAL, "input is not JSON: %s (line %d, column %d%s)", je.text,
			    je.line, je.column, s != start ? " of a later document" : ""));
		}
		s += je.position;
		(void)json_array_append_new(docs, doc);
	}
	*out = docs;
	return (0);
}

static int
load(const struct options *o, json_t **docs, struct err *e)
{
	FILE *f = o->file != NULL ? fopen(o->file, "re") : stdin;
	struct buf b = BUF_INIT;
	int rc;

	if (f == NULL)
		return (err_sys(e, errno, "%s", o->file));
	if ((rc = read_all(f, &b)) != 0)
		rc = err_set(e, EIO, "cannot read the input");
	else {
		buf_add(&b, "", 0);
		rc = parse_all(o->header ? skip_header(b.data) : b.data, docs, e);
	}
	if (f != stdin)
		(void)fclose(f);
	buf_free(&b);
	return (rc);
}

static void
merge_into(json_t *to, const json_t *from, bool deep)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)from, key, v) {
		json_t *old = json_object_get(to, key);

		if (deep && json_is_object(old) && json_is_object(v))
			merge_into(old, v, true);
		else
			(void)json_object_set(to, key, v);
	}
}

/* What -g and the merges make of the documents: again an array of units. */
static json_t *
arrange(const struct options *o, json_t *docs)
{
	json_t *all, *doc;
	size_t i;

	if (o->merge != MERGE_NO) {
		all = json_object();
		json_array_foreach(docs, i, doc)
			merge_into(all, doc, o->merge == MERGE_DEEP);
		return (json_pack("[o]", all));
	}
	/* One array is its own group: only several documents, or one object, are gathered. */
	if (o->group && !(json_array_size(docs) == 1 && json_is_array(json_array_get(docs, 0))))
		return (json_pack("[O]", docs));
	return (json_incref(docs));
}

/* --- output ----------------------------------------------------------------------------------- */

static void
print_value(const struct options *o, const json_t *v, bool compact)
{
	size_t flags = JSON_ENCODE_ANY | (compact || o->indent == 0 ? 0 : JSON_INDENT(o->indent));
	char *text;

	if (v == NULL)
		return;
	if (json_is_string(v) && !o->strings_quoted) {
		(void)fputs(json_string_value(v), stdout);
		return;
	}
	if (compact || o->indent == 0)
		flags |= JSON_COMPACT;
	if ((text = json_dumps(v, flags)) != NULL)
		(void)fputs(text, stdout);
	free(text);
}

static json_t *
keys_of(json_t *o)
{
	json_t *keys = json_array(), *v;
	const char *key;

	json_object_foreach(o, key, v)
		(void)json_array_append_new(keys, json_string(key));
	return (keys);
}

static void
print_keys(const struct options *o, json_t *unit)
{
	json_t *keys = keys_of(unit), *v;
	size_t i;

	if (!o->array) {
		print_value(o, keys, false);
		(void)putchar('\n');
	} else
		json_array_foreach(keys, i, v)
			(void)puts(json_string_value(v));
	json_decref(keys);
}

static void
print_line(const struct options *o, json_t *unit)
{
	for (int i = 0; i < o->nlookups; i++) {
		if (i > 0)
			(void)fputs(o->out_delim, stdout);
		print_value(o, jsonpath_get(unit, o->lookups[i], o->path_delim), true);
	}
	(void)putchar('\n');
}

static void
print_unit(const struct options *o, json_t *unit)
{
	if (o->keys) {
		if (o->nlookups > 0)
			unit = jsonpath_get(unit, o->lookups[0], o->path_delim);
		print_keys(o, unit);
	} else if (o->nlookups == 0) {
		print_value(o, unit, false);
		(void)putchar('\n');
	} else if (o->array) {
		print_line(o, unit);
	} else {
		for (int i = 0; i < o->nlookups; i++) {
			print_value(o, jsonpath_get(unit, o->lookups[i], o->path_delim), false);
			(void)putchar('\n');
		}
	}
}

static void
print_all(const struct options *o, json_t *units)
{
	json_t *unit, *element;
	size_t i, k;

	json_array_foreach(units, i, unit) {
		if (!o->array || !json_is_array(unit)) {
			print_unit(o, unit);
			continue;
		}
		json_array_foreach(unit, k, element)
			print_unit(o, element);
	}
}

/* --- options ---------------------------------------------------------------------------------- */

static int
set_mode(struct options *o, const char *mode)
{
	o->strings_quoted = strcmp(mode, "jsony") != 0;
	o->indent = 2;
	if (strncmp(mode, "json-", 5) == 0 && isdigit((unsigned char)mode[5]) && mode[6] == '\0') {
		o->indent = mode[5] - '0';
		return (0);
	}
	if (strcmp(mode, "jsony") == 0 || strcmp(mode, "json") == 0 || strcmp(mode, "inspect") == 0)
		return (0);
	return (applet_usage("unknown output mode '%s', there are jsony, json, json-N, inspect", mode));
}

enum { OPT_MERGE = 1000, OPT_DEEP, OPT_VALIDATE };

static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 'a':
	case 'A':
		o->array = c == 'a';
		return (0);
	case 'd':
		o->out_delim = optarg;
		return (0);
	case 'D':
		o->path_delim = optarg[0];
		return (0);
	case 'f':
		o->file = optarg;
		return (0);
	case 'g':
		o->group = true;
		return (0);
	case 'H':
		o->header = true;
		return (0);
	case 'i':
	case 'j':
		return (set_mode(o, c == 'i' ? "inspect" : "json"));
	case 'k':
		o->keys = true;
		return (0);
	case 'o':
		return (set_mode(o, optarg));
	case 'q':
		o->quiet = true;
		return (0);
	case OPT_MERGE:
	case OPT_DEEP:
		o->merge = c == OPT_MERGE ? MERGE_FLAT : MERGE_DEEP;
		return (0);
	case OPT_VALIDATE:
		o->validate = true;
		return (0);
	case 'c':
	case 'e':
		return (applet_usage("-%c runs JavaScript in the original; there is none here", c));
	default:
		return (applet_usage("invalid option '%s'", optopt != 0 ? (char[]){'-', (char)optopt, 0}
		                                                         : "--"));
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"merge", 0, NULL, OPT_MERGE},
	    {"deep-merge", 0, NULL, OPT_DEEP}, {"validate", 0, NULL, OPT_VALIDATE},
	    {"group", 0, NULL, 'g'}, {"keys", 0, NULL, 'k'}, {NULL, 0, NULL, 0}};
	int c, rc;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "aAc:d:D:e:f:gHijko:q", longs, NULL)) != -1)
		if ((rc = take_option(o, c)) != 0)
			return (rc);
	o->lookups = argv + optind;
	o->nlookups = argc - optind;
	return (0);
}

static int
json_main(int argc, char **argv)
{
	struct options o = {.out_delim = " ", .path_delim = '.', .indent = 2};
	json_t *docs = NULL, *units;
	struct err e = ERR_INIT;
	int rc;

	if ((rc = parse_options(argc, argv, &o)) != 0)
		return (rc);
	if (load(&o, &docs, &e) != 0)
		return (o.quiet ? 1 : applet_fail_plain(&e));
	if (!o.validate) {
		units = arrange(&o, docs);
		print_all(&o, units);
		json_decref(units);
	}
	json_decref(docs);
	return (fflush(stdout) == 0 ? 0 : 1);
}
