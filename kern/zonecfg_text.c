/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing zonecfg's language: words, quotes, `info`, `export`.
 *
 * A double quote begins text in which blanks, ';' and '#' stand for themselves; a backslash inside
 * takes the next character as it is.  What export writes, the reader here takes back exactly.
 */
#include "zonecfg_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/units.h"

/* --- reading --- */

/* The closing quote of the text that begins behind `p`, or NULL. */
static char *
end_of_quote(char *p)
{
	for (; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return (*p == '"' ? p : NULL);
}

/* Drop quotes and their backslashes, in place. */
static int
unquote(char *s, struct err *e)
{
	bool quoted = false;
	char *w = s;

	for (; *s != '\0'; s++) {
		if (*s == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *s == '\\' && s[1] != '\0')
			s++;
		*w++ = *s;
	}
	*w = '\0';
	return (quoted ? err_set(e, EINVAL, "a quote does not end") : 0);
}

char *
zonecfg_next_command(char **p)
{
	char *start = *p, *s, *end;

	if (start == NULL)
		return (NULL);
	/* A comment takes its whole line, semicolons and all. */
	if (start[strspn(start, " \t")] == '#') {
		s = start + strcspn(start, "\n");
	} else {
		for (s = start; *s != '\0' && *s != ';' && *s != '\n'; s++)
			if (*s == '"' && (end = end_of_quote(s + 1)) != NULL)
				s = end;
	}
	*p = *s != '\0' ? s + 1 : NULL;
	*s = '\0';
	return (start);
}

char *
zonecfg_word(char **p, struct err *e)
{
	char *start = *p + strspn(*p, " \t"), *s, *end;

	if (*start == '\0') {
		*p = start;
		return (NULL);
	}
	for (s = start; *s != '\0' && *s != ' ' && *s != '\t'; s++)
		if (*s == '"' && (end = end_of_quote(s + 1)) != NULL)
			s = end;
	*p = *s != '\0' ? s + 1 : s;
	*s = '\0';
	return (unquote(start, e) == 0 ? start : NULL);
}

char *
zonecfg_rest(char *p, struct err *e)
{
	size_t n;

	p += strspn(p, " \t");
	n = strlen(p);
	while (n != 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\n'))
		p[--n] = '\0';
	return (unquote(p, e) == 0 ? p : NULL);
}

int
zonecfg_name_value(char *text, char **name, char **value, struct err *e)
{
	size_t n;
	char *comma, *p = text + strspn(text, " \t");

	n = strlen(p);
	while (n != 0 && isspace((unsigned char)p[n - 1]))
		p[--n] = '\0';
	if (n < 2 || *p != '(' || p[n - 1] != ')' || strncmp(p + 1, "name=", 5) != 0 ||
	    (comma = strstr(p, ",value=")) == NULL)
		return (err_set(e, EINVAL, "'%s' is not (name=NAME,value=VALUE)", text));
	p[n - 1] = '\0';
	*comma = '\0';
	*name = p + 6;
	*value = comma + 7;
	return (unquote(*name, e) != 0 || unquote(*value, e) != 0 ? -EINVAL : 0);
}

/* --- writing --- */

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("/._-:@%+", *s) == NULL)
			return (false);
	return (true);
}

static void
put_value(struct buf *b, const char *s)
{
	if (*s != '\0' && is_plain(s)) {
		buf_str(b, s);
		return;
	}
	buf_str(b, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_str(b, "\\");
		buf_add(b, s, 1);
	}
	buf_str(b, "\"");
}

/* Whole units where it comes out even: 1073741824 -> 1G. */
static void
put_size(struct buf *b, const char *digits)
{
	uint64_t v = strtoull(digits, NULL, 10);
	const char *unit = "";

	for (const char *u = "KMGT"; *u != '\0' && v != 0 && v % 1024 == 0; u++) {
		v /= 1024;
		unit = u;
	}
	buf_printf(b, "%" PRIu64 "%.1s", v, unit);
}

static bool
is_capped(const struct zonecfg_res *r)
{
	return (strncmp(r->def->type, "capped-", 7) == 0);
}

static void
info_simple(const struct zonecfg_res *r, int i, struct buf *b)
{
	const char *name = r->def->props[i].name, *v = r->val[i];

	if (v == NULL) {
		if (!is_capped(r))
			buf_printf(b, "\t%s not specified\n", name);
	} else if (strcmp(r->def->type, "capped-memory") == 0) {
		bool physical = strcmp(name, "physical") == 0;

		buf_printf(b, physical ? "\t%s: " : "\t[%s: ", name);
		put_size(b, v);
		buf_str(b, physical ? "\n" : "]\n");
	} else if (is_capped(r)) {
		buf_printf(b, "\t[%s: %s]\n", name, v);
	} else {
		buf_printf(b, "\t%s: %s\n", name, v);
	}
}

static void
info_items(const struct zonecfg_res *r, const struct prop_def *d, struct buf *b)
{
	if (d->shape == P_LIST && strcmp(r->def->type, "rctl") != 0) {
		buf_printf(b, "\t%s: [", d->name);
		for (size_t i = 0; i < r->nitems; i++)
			buf_printf(b, "%s%s", i != 0 ? "," : "", r->items[i].value);
		buf_str(b, "]\n");
		return;
	}
	for (size_t i = 0; i < r->nitems; i++) {
		if (d->shape == P_PAIRS) {
			buf_printf(b, "\t%s: (name=%s,value=", d->name, r->items[i].name);
			put_value(b, r->items[i].value);
			buf_str(b, ")\n");
		} else {
			buf_printf(b, "\t%s: %s\n", d->name, r->items[i].value);
		}
	}
}

void
zonecfg_info_res(const struct zonecfg_res *r, struct buf *out)
{
	buf_printf(out, "%s:\n", r->def->type);
	for (int i = 0; i < RES_PROPS && r->def->props[i].name != NULL; i++) {
		const struct prop_def *d = &r->def->props[i];

		if (d->shape == P_SIMPLE)
			info_simple(r, i, out);
		else
			info_items(r, d, out);
	}
}

bool
zonecfg_info_prop(const struct zonecfg *c, const char *prop, struct buf *out)
{
	const char *v = zonecfg_get(c, prop);

	if (zonecfg_alias(prop) != NULL) {
		if (v != NULL)
			buf_printf(out, "[%s: %s]\n", prop, v);
		return (true);
	}
	for (const struct global_def *g = zonecfg_globals; g->name != NULL; g++) {
		if (strcmp(g->name, prop) != 0)
			continue;
		buf_printf(out, "%s: %s\n", prop, v != NULL ? v : "");
		return (true);
	}
	return (false);
}

/* Aliases that capped-cpu and capped-memory show are not shown twice. */
static bool
is_shown_elsewhere(const char *alias)
{
	static const char *const shown[] = {"cpu-cap", "max-physical-memory", "max-swap",
	    "max-locked-memory", NULL};

	for (const char *const *s = shown; *s != NULL; s++)
		if (strcmp(*s, alias) == 0)
			return (true);
	return (false);
}

void
zonecfg_info(const struct zonecfg *c, struct buf *out)
{
	for (const struct global_def *g = zonecfg_globals; g->name != NULL; g++)
		if (!g->quiet)
			(void)zonecfg_info_prop(c, g->name, out);
	for (const struct alias_def *a = zonecfg_aliases; a->name != NULL; a++)
		if (!is_shown_elsewhere(a->name))
			(void)zonecfg_info_prop(c, a->name, out);
	for (const struct res_def *d = zonecfg_res_defs; d->type != NULL; d++)
		for (const struct zonecfg_res *r = NULL;
		     (r = zonecfg_res_next(c, d->type, r)) != NULL;)
			zonecfg_info_res(r, out);
}

static void
export_res(const struct zonecfg_res *r, struct buf *b)
{
	buf_printf(b, "add %s\n", r->def->type);
	for (int i = 0; i < RES_PROPS && r->def->props[i].name != NULL; i++) {
		if (r->def->props[i].shape != P_SIMPLE || r->val[i] == NULL)
			continue;
		buf_printf(b, "set %s=", r->def->props[i].name);
		put_value(b, r->val[i]);
		buf_str(b, "\n");
	}
	for (size_t i = 0; i < r->nitems; i++) {
		buf_printf(b, "add %s ", zonecfg_list_def(r->def)->name);
		if (r->items[i].name != NULL) {
			buf_printf(b, "(name=%s,value=", r->items[i].name);
			put_value(b, r->items[i].value);
			buf_str(b, ")\n");
		} else if (strcmp(r->def->type, "rctl") == 0) {
			buf_printf(b, "%s\n", r->items[i].value);
		} else {
			put_value(b, r->items[i].value);
			buf_str(b, "\n");
		}
	}
	buf_str(b, "end\n");
}

/* An rctl that an alias says completely. */
static bool
is_alias_rctl(const struct zonecfg *c, const struct zonecfg_res *r)
{
	const char *name = zonecfg_res_get(r, "name");

	for (const struct alias_def *a = zonecfg_aliases; a->name != NULL; a++)
		if (name != NULL && strcmp(a->rctl, name) == 0)
			return (zonecfg_get(c, a->name) != NULL);
	return (false);
}

void
zonecfg_export(const struct zonecfg *c, struct buf *out)
{
	const char *v;

	buf_str(out, "create -b\n");
	for (const struct global_def *g = zonecfg_globals; g->name != NULL; g++) {
		if (g->quiet || strcmp(g->name, "zonename") == 0 ||
		    (v = zonecfg_get(c, g->name)) == NULL)
			continue;
		buf_printf(out, "set %s=", g->name);
		put_value(out, v);
		buf_str(out, "\n");
	}
	for (const struct alias_def *a = zonecfg_aliases; a->name != NULL; a++)
		if (!is_shown_elsewhere(a->name) && (v = zonecfg_get(c, a->name)) != NULL)
			buf_printf(out, "set %s=%s\n", a->name, v);
	for (const struct res_def *d = zonecfg_res_defs; d->type != NULL; d++)
		for (const struct zonecfg_res *r = NULL;
		     (r = zonecfg_res_next(c, d->type, r)) != NULL;)
			if (strcmp(d->type, "rctl") != 0 || !is_alias_rctl(c, r))
				export_res(r, out);
}
