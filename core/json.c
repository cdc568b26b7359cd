/* SPDX-License-Identifier: MIT */
/* JSON on jansson with messages that name the file, the line and the column. */
#include "smartbox/core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"

int
json_parse(const char *name, const char *buf, size_t len, json_t **out, struct err *e)
{
	json_error_t je;
	json_t *j;

	if (len > JSON_MAX_BYTES)
		return (err_set(e, EFBIG, "%s: larger than %u bytes", name, JSON_MAX_BYTES));
	j = json_loadb(buf, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (j == NULL)
		return (err_set(e, EINVAL, "%s:%d:%d: %s", name, je.line, je.column, je.text));
	*out = j;
	return (0);
}

int
json_parse_file(const char *path, json_t **out, struct err *e)
{
	char *buf;
	size_t len;
	int rc = file_read(path, JSON_MAX_BYTES, &buf, &len, e);

	if (rc != 0)
		return (rc);
	rc = json_parse(path, buf, len, out, e);
	free(buf);
	return (rc);
}

int
json_parse_stream(const char *name, FILE *f, json_t **out, struct err *e)
{
	struct buf b = BUF_INIT;
	char chunk[8192];
	size_t n;
	int rc;

	while ((n = fread(chunk, 1, sizeof(chunk), f)) != 0 && b.len <= JSON_MAX_BYTES)
		buf_add(&b, chunk, n);
	if (ferror(f))
		rc = err_sys(e, EIO, "%s", name);
	else if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "%s: out of memory", name);
	else
		rc = json_parse(name, b.data != NULL ? b.data : "", b.len, out, e);
	buf_free(&b);
	return (rc);
}

int
json_save_file(const char *path, const json_t *j, unsigned mode, struct err *e)
{
	struct buf b = BUF_INIT;
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);
	int rc;

	if (text == NULL)
		return (err_set(e, ENOMEM, "%s: out of memory", path));
	buf_str(&b, text);
	buf_str(&b, "\n");
	free(text);
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "%s: out of memory", path);
	else
		rc = file_replace(path, b.data, b.len, mode, e);
	buf_free(&b);
	return (rc);
}

void
json_print(FILE *f, const json_t *j)
{
	(void)json_dumpf(j, f, JSON_INDENT(2) | JSON_ENCODE_ANY);
	(void)fputc('\n', f);
}

const char *
json_str(const json_t *obj, const char *key, const char *def)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return (s != NULL ? s : def);
}

int64_t
json_int(const json_t *obj, const char *key, int64_t def)
{
	const json_t *v = json_object_get(obj, key);

	return (json_is_integer(v) ? (int64_t)json_integer_value(v) : def);
}

bool
json_bool(const json_t *obj, const char *key, bool def)
{
	const json_t *v = json_object_get(obj, key);

	return (json_is_boolean(v) ? json_is_true(v) : def);
}

static json_t *
path_step(json_t *j, const char *word, size_t n)
{
	char key[256], *end;
	unsigned long i;

	if (n == 0 || n >= sizeof(key))
		return (NULL);
	memcpy(key, word, n);
	key[n] = '\0';
	if (!json_is_array(j))
		return (json_object_get(j, key));
	i = strtoul(key, &end, 10);
	return (*end == '\0' ? json_array_get(j, i) : NULL);
}

int
json_find(const json_t *array, const char *key, const char *value)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_object_get(json_array_get(array, i), key));

		if (s != NULL && strcmp(s, value) == 0)
			return ((int)i);
	}
	return (-1);
}

json_t *
json_path(json_t *j, const char *path)
{
	while (j != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		j = path_step(j, path, n);
		path += n;
		if (*path == '.')
			path++;
	}
	return (j);
}

json_t *
json_words(const char *s)
{
	json_t *list = json_array();

	while (*s != '\0') {
		size_t n = strcspn(s, ",");

		if (n > 0)
			(void)json_array_append_new(list, json_stringn(s, n));
		s += n + (s[n] == ',');
	}
	return (list);
}
