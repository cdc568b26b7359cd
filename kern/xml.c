/* SPDX-License-Identifier: MIT */
/* A pull parser for the small XML of zone configurations; see the header. */
#include "xml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
xml_init(struct xml *x, const char *file, const char *buf, size_t len)
{
	memset(x, 0, sizeof(*x));
	x->p = buf;
	x->end = buf + len;
	x->file = file;
	x->line = 1;
}

static void
drop_attrs(struct xml *x)
{
	for (size_t i = 0; i < x->nattr; i++)
		free(x->attr[i].value);
	x->nattr = 0;
}

void
xml_fini(struct xml *x)
{
	drop_attrs(x);
}

const char *
xml_attr(const struct xml *x, const char *name)
{
	for (size_t i = 0; i < x->nattr; i++)
		if (strcmp(x->attr[i].name, name) == 0)
			return (x->attr[i].value);
	return (NULL);
}

static int
bad(const struct xml *x, struct err *e, const char *what)
{
	return (err_set(e, EINVAL, "%s:%u: %s", x->file, x->line, what));
}

static size_t
left(const struct xml *x)
{
	return ((size_t)(x->end - x->p));
}

/* Step over n bytes, counting lines. */
static void
advance(struct xml *x, size_t n)
{
	for (; n != 0; n--)
		x->line += *x->p++ == '\n';
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

static void
skip_blanks(struct xml *x)
{
	while (x->p < x->end && is_blank(*x->p))
		advance(x, 1);
}

static bool
looking_at(const struct xml *x, const char *s)
{
	size_t n = strlen(s);

	return (left(x) >= n && memcmp(x->p, s, n) == 0);
}

/* Step behind the next occurrence of s; false when there is none. */
static bool
skip_behind(struct xml *x, const char *s)
{
	const char *at = memmem(x->p, left(x), s, strlen(s));

	if (at == NULL)
		return (false);
	advance(x, (size_t)(at - x->p) + strlen(s));
	return (true);
}

static bool
is_name_char(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-' || c == '.' || c == ':');
}

static int
take_name(struct xml *x, char name[XML_NAME], struct err *e)
{
	size_t n = 0;

	while (n < left(x) && is_name_char(x->p[n]))
		n++;
	if (n == 0 || n >= XML_NAME)
		return (bad(x, e, "a name was expected"));
	memcpy(name, x->p, n);
	name[n] = '\0';
	advance(x, n);
	return (0);
}

/* One entity at s ("&...;"), n bytes left; its character in *c and its length, or 0. */
static size_t
entity(const char *s, size_t n, char *c)
{
	static const struct {
		const char *text;
		char c;
	} named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	unsigned v = 0;
	bool hex;
	size_t i;

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		size_t len = strlen(named[i].text);

		if (n >= len && memcmp(s, named[i].text, len) == 0) {
			*c = named[i].c;
			return (len);
		}
	}
	if (n < 4 || s[1] != '#')
		return (0);
	hex = s[2] == 'x';
	for (i = hex ? 3 : 2; i < n && i < 8 && s[i] != ';'; i++) {
		int d = s[i] >= '0' && s[i] <= '9' ? s[i] - '0' :
		    hex && (s[i] | 32) >= 'a' && (s[i] | 32) <= 'f' ? (s[i] | 32) - 'a' + 10 : -1;

		if (d < 0)
			return (0);
		v = v * (hex ? 16 : 10) + (unsigned)d;
	}
	*c = (char)v;
	return (i < n && s[i] == ';' && v > 0 && v < 128 ? i + 1 : 0);
}

/* The text between two quotes, entities resolved. */
static int
unescape(struct xml *x, const char *s, size_t n, char **out, struct err *e)
{
	char *v = malloc(n + 1), *w = v;

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (size_t i = 0; i < n;) {
		size_t len = 1;
		char c = s[i];

		if (c == '&' && (len = entity(s + i, n - i, &c)) == 0) {
			free(v);
			return (bad(x, e, "unknown entity"));
		}
		if (s[i] == '<' || s[i] == '\0') {
			free(v);
			return (bad(x, e, "a character that must not stand in a value"));
		}
		*w++ = c;
		i += len;
	}
	*w = '\0';
	*out = v;
	return (0);
}

static int
take_attr(struct xml *x, struct err *e)
{
	struct xml_attr *a = &x->attr[x->nattr];
	const char *close;
	char quote;
	int rc;

	if (x->nattr == XML_ATTRS)
		return (bad(x, e, "too many attributes"));
	if ((rc = take_name(x, a->name, e)) != 0)
		return (rc);
	if (xml_attr(x, a->name) != NULL)
		return (bad(x, e, "an attribute is given twice"));
	skip_blanks(x);
	if (!looking_at(x, "="))
		return (bad(x, e, "'=' was expected"));
	advance(x, 1);
	skip_blanks(x);
	if (left(x) == 0 || (*x->p != '"' && *x->p != '\''))
		return (bad(x, e, "a quoted value was expected"));
	quote = *x->p;
	advance(x, 1);
	if ((close = memchr(x->p, quote, left(x))) == NULL)
		return (bad(x, e, "a quoted value does not end"));
	if ((rc = unescape(x, x->p, (size_t)(close - x->p), &a->value, e)) != 0)
		return (rc);
	x->nattr++;
	advance(x, (size_t)(close - x->p) + 1);
	return (0);
}

static int
push(struct xml *x, struct err *e)
{
	if (x->depth == 0 && x->seen_root)
		return (bad(x, e, "a second root element"));
	if (x->depth == XML_DEPTH)
		return (bad(x, e, "elements are nested too deeply"));
	memcpy(x->open[x->depth++], x->name, XML_NAME);
	x->seen_root = true;
	return (XML_START);
}

static int
start_tag(struct xml *x, struct err *e)
{
	int rc;

	advance(x, 1);
	if ((rc = take_name(x, x->name, e)) != 0)
		return (rc);
	for (;;) {
		const char *before = x->p;

		skip_blanks(x);
		if (looking_at(x, "/>")) {
			advance(x, 2);
			x->pending_end = true;
			return (push(x, e));
		}
		if (looking_at(x, ">")) {
			advance(x, 1);
			return (push(x, e));
		}
		if (x->p == before)
			return (bad(x, e, "malformed tag"));
		if ((rc = take_attr(x, e)) != 0)
			return (rc);
	}
}

static int
end_tag(struct xml *x, struct err *e)
{
	int rc;

	advance(x, 2);
	if ((rc = take_name(x, x->name, e)) != 0)
		return (rc);
	skip_blanks(x);
	if (!looking_at(x, ">"))
		return (bad(x, e, "'>' was expected"));
	advance(x, 1);
	if (x->depth == 0 || strcmp(x->open[x->depth - 1], x->name) != 0)
		return (bad(x, e, "an end tag without its start"));
	x->depth--;
	return (XML_END);
}

/* Comments, processing instructions, the document type.  1: something was skipped. */
static int
skip_markup(struct xml *x, struct err *e)
{
	const char *gt, *sub;

	if (looking_at(x, "<!--"))
		return (skip_behind(x, "-->") ? 1 : bad(x, e, "a comment does not end"));
	if (looking_at(x, "<?"))
		return (skip_behind(x, "?>") ? 1 : bad(x, e, "an instruction does not end"));
	if (!looking_at(x, "<!"))
		return (0);
	gt = memchr(x->p, '>', left(x));
	sub = memchr(x->p, '[', left(x));
	if (!looking_at(x, "<!DOCTYPE") || gt == NULL || (sub != NULL && sub < gt))
		return (bad(x, e, "a declaration that is not supported"));
	advance(x, (size_t)(gt - x->p) + 1);
	return (1);
}

int
xml_next(struct xml *x, struct err *e)
{
	int rc;

	drop_attrs(x);
	if (x->pending_end) {
		x->pending_end = false;
		memcpy(x->name, x->open[--x->depth], XML_NAME);
		return (XML_END);
	}
	for (;;) {
		skip_blanks(x);
		if (left(x) == 0) {
			if (x->depth != 0 || !x->seen_root)
				return (bad(x, e, "unexpected end"));
			return (XML_EOF);
		}
		if (*x->p != '<')
			return (bad(x, e, "text where an element was expected"));
		if ((rc = skip_markup(x, e)) < 0)
			return (rc);
		if (rc == 0)
			return (looking_at(x, "</") ? end_tag(x, e) : start_tag(x, e));
	}
}
