/* SPDX-License-Identifier: MIT */
/* The kernel's command line: words between spaces, double quotes keep spaces, no escapes. */
#include "smartbox/machine/cmdline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"

enum { CMDLINE_MAX = 65536 };

/* The end of the word at p: a space outside quotes. */
static const char *
word_end(const char *p)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || strchr(" \t\n", *p) == NULL); p++)
		if (*p == '"')
			quoted = !quoted;
	return (p);
}

/* Copy a value without its quotes. */
static void
copy_value(const char *from, const char *end, char *value, size_t size)
{
	size_t n = 0;

	for (; from < end && n + 1 < size; from++)
		if (*from != '"')
			value[n++] = *from;
	if (size != 0)
		value[n] = '\0';
}

bool
cmdline_find(const char *line, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);
	const char *p = line, *end, *word;
	bool found = false;

	for (p += strspn(p, " \t\n"); *p != '\0'; p = end + strspn(end, " \t\n")) {
		end = word_end(p);
		word = *p == '"' ? p + 1 : p;
		if (strncmp(word, name, len) != 0)
			continue;
		if (word[len] == '=')
			copy_value(word + len + 1, end, value, size);
		else if (word + len == end || word[len] == '"')
			copy_value(end, end, value, size);
		else
			continue;
		found = true;
	}
	return (found);
}

bool
cmdline_get(const char *name, char *value, size_t size)
{
	bool found;
	char *line;
	size_t len;

	if (file_read("/proc/cmdline", CMDLINE_MAX, &line, &len, NULL) != 0)
		return (false);
	found = cmdline_find(line, name, value, size);
	free(line);
	return (found);
}
