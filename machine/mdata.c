/* SPDX-License-Identifier: MIT */
/*
 * The metadata protocol, the host's half; lines that end in LF, text.
 *
 *	version 1	GET key, KEYS -> SUCCESS, the lines (one that begins with a dot gets a second), "."
 *			or NOTFOUND or FAILURE; NEGOTIATE V2 -> V2_OK; an empty line -> invalid command
 *	version 2	V2 LENGTH CRC REQUEST CODE [BASE64], both ways; LENGTH and CRC are of the body, which
 *			begins with REQUEST.  Codes GET, KEYS, PUT, DELETE -> SUCCESS, NOTFOUND, FAILURE
 *
 * Both are taken at any time.  A frame that is not whole gets no answer, as the client expects (it asks
 * again); a line beyond LINE_MAX is forgotten up to its end.
 *
 * Facts: the protocol's description in the documents of SmartOS's guest tools (mdata-client).
 */
#include "smartbox/machine/mdata.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <zlib.h>

enum { MDATA_LINE = 256 << 10, CRC_DIGITS = 8 };

struct mdata {
	const struct mdata_ops *ops;
	void *arg;
	struct buf line;
	bool too_long;
};

/* A word's length and what is behind the blank after it. */
static const char *
next_word(const char *s, size_t *n)
{
	*n = strcspn(s, " ");
	return (s + *n + (s[*n] == ' '));
}

static bool
word_is(const char *s, size_t n, const char *word)
{
	return (strlen(word) == n && memcmp(s, word, n) == 0);
}

/* --- base64 ----------------------------------------------------------------------------------- */

/* Text: NULL when it is none, or has a NUL in it; the caller's. */
static char *
decode(const char *s)
{
	size_t n = strlen(s), len = 0;
	char *out = malloc(n + 1);

	if (out == NULL)
		return (NULL);
	if (mbedtls_base64_decode((unsigned char *)out, n, &len, (const unsigned char *)s, n) != 0 ||
	    memchr(out, '\0', len) != NULL) {
		free(out);
		return (NULL);
	}
	out[len] = '\0';
	return (out);
}

static void
add_encoded(struct buf *b, const void *p, size_t n)
{
	size_t need = 0;
	unsigned char *text;

	(void)mbedtls_base64_encode(NULL, 0, &need, p, n);
	if ((text = malloc(need + 1)) == NULL)
		return;
	if (mbedtls_base64_encode(text, need + 1, &need, p, n) == 0)
		buf_add(b, text, need);
	free(text);
}

/* --- requests of both versions ------------------------------------------------------------------ */

/* Keys are trimmed. */
static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
		s[--n] = '\0';
	return (s);
}

static const char *
code_of(int rc)
{
	return (rc == 0 ? "SUCCESS" : rc == -ENOENT ? "NOTFOUND" : "FAILURE");
}

/* --- version 1 ---------------------------------------------------------------------------------- */

static void
add_lines(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl != NULL ? (size_t)(nl - text) : (size_t)(end - text);

		if (*text == '.')
			buf_str(out, ".");
		buf_add(out, text, n);
		buf_str(out, "\n");
		text += n + 1;
	}
}

static void
answer_v1(struct buf *out, int rc, const struct buf *value)
{
	buf_printf(out, "%s\n", code_of(rc));
	if (rc != 0)
		return;
	if (value->len > 0)
		add_lines(out, value->data, value->len);
	buf_str(out, ".\n");
}

static void
line_v1(struct mdata *m, char *s, struct buf *out)
{
	struct buf value = BUF_INIT;
	size_t n;
	char *rest = s + (next_word(s, &n) - s);

	if (word_is(s, n, "KEYS"))
		answer_v1(out, m->ops->keys(m->arg, &value), &value);
	else if (word_is(s, n, "NEGOTIATE") && *rest != '\0')
		buf_str(out, strcmp(rest, "V2") == 0 ? "V2_OK\n" : "FAILURE\n");
	else if (word_is(s, n, "GET") && *trim(rest) != '\0')
		answer_v1(out, m->ops->get(m->arg, trim(rest), &value), &value);
	else
		buf_str(out, "invalid command\n");
	buf_free(&value);
}

/* --- version 2 ---------------------------------------------------------------------------------- */

static uint32_t
crc_of(const char *s, size_t n)
{
	return ((uint32_t)crc32(0, (const unsigned char *)s, (uInt)n));
}

static void
answer_v2(struct buf *out, const char *request, const char *code, const void *value, size_t len)
{
	struct buf body = BUF_INIT;

	buf_printf(&body, "%s %s", request, code);
	if (len > 0) {
		buf_str(&body, " ");
		add_encoded(&body, value, len);
	}
	if (!buf_failed(&body)) {
		buf_printf(out, "V2 %zu %08x ", body.len, crc_of(body.data, body.len));
		buf_add(out, body.data, body.len);
		buf_str(out, "\n");
	}
	buf_free(&body);
}

/* "KEY64 VALUE64", itself in base64, was decoded once. */
static int
put_pair(struct mdata *m, char *pair, struct err *e)
{
	char *blank = strchr(pair, ' '), *key, *value;
	int rc = -EINVAL;

	if (blank == NULL)
		return (err_set(e, EINVAL, "a key and a value are needed"));
	*blank = '\0';
	key = decode(pair);
	value = decode(blank + 1);
	if (key == NULL || value == NULL || *trim(key) == '\0')
		rc = err_set(e, EINVAL, "a key and a value are needed");
	else
		rc = m->ops->put(m->arg, trim(key), *value != '\0' ? value : NULL, e);
	free(key);
	free(value);
	return (rc);
}

/* What was asked; text (may be NULL) is decoded and may be changed. */
static void
request_v2(struct mdata *m, const char *request, const char *code, char *text, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	if (strcmp(code, "KEYS") == 0) {
		rc = m->ops->keys(m->arg, &value);
	} else if (text == NULL || *trim(text) == '\0') {
		rc = err_set(&e, EINVAL, "invalid command");
	} else if (strcmp(code, "GET") == 0) {
		rc = m->ops->get(m->arg, trim(text), &value);
	} else if (strcmp(code, "PUT") == 0) {
		rc = put_pair(m, text, &e);
	} else if (strcmp(code, "DELETE") == 0) {
		rc = m->ops->put(m->arg, trim(text), NULL, &e);
	} else {
		rc = err_set(&e, EINVAL, "invalid command");
	}
	if (rc == 0 && (code[0] == 'P' || code[0] == 'D'))
		buf_str(&value, "OK");
	if (rc != 0 && rc != -ENOENT)
		answer_v2(out, request, "FAILURE", e.msg, strlen(e.msg));
	else
		answer_v2(out, request, code_of(rc), rc == 0 ? value.data : NULL, rc == 0 ? value.len : 0);
	buf_free(&value);
}

static bool
is_hex(const char *s, size_t n)
{
	return (n == CRC_DIGITS && strspn(s, "0123456789abcdefABCDEF") >= n);
}

/* LENGTH and CRC agree with the body, which is returned; NULL: not a frame. */
static char *
frame_body(char *s)
{
	size_t nlen, ncrc;
	char *crc = s + (next_word(s, &nlen) - s), *body = crc + (next_word(crc, &ncrc) - crc);

	if (nlen == 0 || nlen > 8 || strspn(s, "0123456789") < nlen || !is_hex(crc, ncrc) ||
	    strtoul(s, NULL, 10) != strlen(body) || strtoul(crc, NULL, 16) != crc_of(body, strlen(body)))
		return (NULL);
	return (body);
}

static void
line_v2(struct mdata *m, char *s, struct buf *out)
{
	char request[CRC_DIGITS + 1], code[16], *body = frame_body(s), *rest, *text = NULL;
	size_t n;

	if (body == NULL)
		return;
	rest = body + (next_word(body, &n) - body);
	if (!is_hex(body, n))
		return;
	(void)snprintf(request, sizeof(request), "%.*s", (int)n, body);
	body = rest + (next_word(rest, &n) - rest);
	(void)snprintf(code, sizeof(code), "%.*s", (int)n, rest);
	if (*body != '\0' && (text = decode(body)) == NULL)
		return;
	request_v2(m, request, code, text, out);
	free(text);
}

/* --- lines -------------------------------------------------------------------------------------- */

static void
line_done(struct mdata *m, struct buf *out)
{
	buf_add(&m->line, "", 1);
	if (!m->too_long && !buf_failed(&m->line) && memchr(m->line.data, '\0', m->line.len - 1) == NULL) {
		if (strncmp(m->line.data, "V2 ", 3) == 0)
			line_v2(m, m->line.data + 3, out);
		else
			line_v1(m, m->line.data, out);
	}
	buf_free(&m->line);
	m->line = (struct buf)BUF_INIT;
	m->too_long = false;
}

void
mdata_input(struct mdata *m, const void *bytes, size_t len, struct buf *out)
{
	const char *p = bytes, *end = p + len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);

		if (m->line.len + n > MDATA_LINE)
			m->too_long = true;
		if (!m->too_long)
			buf_add(&m->line, p, n);
		if (nl != NULL)
			line_done(m, out);
		p += n + (nl != NULL);
	}
}

struct mdata *
mdata_new(const struct mdata_ops *ops, void *arg)
{
	struct mdata *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return (NULL);
	m->ops = ops;
	m->arg = arg;
	m->line = (struct buf)BUF_INIT;
	return (m);
}

void
mdata_free(struct mdata *m)
{
	if (m == NULL)
		return;
	buf_free(&m->line);
	free(m);
}
