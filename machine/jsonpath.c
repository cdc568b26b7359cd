/* SPDX-License-Identifier: MIT */
/* Looking into JSON by path; see the header. */
#include "smartbox/machine/jsonpath.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 512

/*
 * Cut the next step off a path: a name up to the delimiter or '[', or what stands in brackets, with or
 * without quotes.  Returns the rest, NULL when nothing was left.
 */
static const char *
next_step(const char *p, char delim, char word[WORD_MAX])
{
	const char *end;
	size_t n;

	if (*p == '\0')
		return (NULL);
	if (*p == '[' && (end = strchr(p, ']')) != NULL) {
		const char *from = p + 1, *to = end;

		if (to - from >= 2 && (*from == '"' || *from == '\'') && to[-1] == *from) {
			from++;
			to--;
		}
		n = (size_t)(to - from);
		p = end + 1;
		p += *p == delim;
		memcpy(word, from, n < WORD_MAX ? n : WORD_MAX - 1);
	} else {
		const char *s = p;

		for (n = 0; s[n] != '\0' && s[n] != delim && (n == 0 || s[n] != '['); n++)
			;
		p += n;
		p += *p == delim && *p != '\0';
		memcpy(word, s, n < WORD_MAX ? n : WORD_MAX - 1);
	}
	word[n < WORD_MAX ? n : WORD_MAX - 1] = '\0';
	return (p);
}

static json_t *
step_into(json_t *j, const char *word)
{
	char *end;
	long i;

	if (json_is_object(j))
		return (json_object_get(j, word));
	if (!json_is_array(j))
		return (NULL);
	i = strtol(word, &end, 10);
	if (end == word || *end != '\0')
		return (NULL);
	if (i < 0)
		i += (long)json_array_size(j);
	return (i < 0 ? NULL : json_array_get(j, (size_t)i));
}

json_t *
jsonpath_get(json_t *j, const char *path, char delim)
{
	char word[WORD_MAX];

	/* A name that holds the delimiter wins over a walk, as in json(1). */
	if (json_is_object(j) && json_object_get(j, path) != NULL)
		return (json_object_get(j, path));
	while (j != NULL && (path = next_step(path, delim, word)) != NULL)
		j = step_into(j, word);
	return (j);
}

char *
jsonpath_text(const json_t *v)
{
	if (v == NULL || json_is_null(v))
		return (NULL);
	if (json_is_string(v))
		return (strdup(json_string_value(v)));
	return (json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT));
}

static bool
any_element(json_t *j, const char *rest, jsonpath_test *test, void *arg)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_array(j)) {
		json_array_foreach(j, i, v)
			if (jsonpath_any(v, rest, test, arg))
				return (true);
	} else if (json_is_object(j)) {
		json_object_foreach(j, key, v)
			if (jsonpath_any(v, rest, test, arg))
				return (true);
	}
	return (false);
}

bool
jsonpath_any(json_t *j, const char *path, jsonpath_test *test, void *arg)
{
	char word[WORD_MAX];
	const char *rest = next_step(path, '.', word);

	if (rest == NULL)
		return (test(j, arg));
	if (strcmp(word, "*") == 0)
		return (any_element(j, rest, test, arg));
	/* The whole rest as one name first: tags may have dots in theirs. */
	if (json_is_object(j) && json_object_get(j, path) != NULL)
		return (test(json_object_get(j, path), arg));
	j = step_into(j, word);
	return (j != NULL && jsonpath_any(j, rest, test, arg));
}
