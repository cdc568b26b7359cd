/* SPDX-License-Identifier: MIT */
/*
 * Mounts that a killed poold left behind.
 *
 * The kernel keeps a FUSE mount whose server died; everything on it answers ENOTCONN.  That answer
 * is the proof asked for here: a mount that works is never touched, whatever its name.  The last
 * mounted goes first, so that a parent is not detached with its children.
 */
#include "smartbox/fs/stale_mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "smartbox/core/file.h"
#include "smartbox/fs/names.h"

enum { MOUNTINFO_MAX = 64 << 20 };

/* The kernel writes space, tab, newline and backslash as three octal digits. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Fields: id parent dev root MOUNTPOINT options optional... - TYPE SOURCE superoptions */
bool
stale_mounts_parse(char *line, const char *pool, char *path, size_t size)
{
	char *field[5], *save, *dash = strstr(line, " - "), *type, *source, *p;

	if (dash == NULL)
		return (false);
	*dash = '\0';
	type = strtok_r(dash + 3, " \n", &save);
	source = type != NULL ? strtok_r(NULL, " \n", &save) : NULL;
	if (source == NULL || strncmp(type, "fuse", 4) != 0)
		return (false);
	unescape(source);
	if (!name_is_within(source, pool))
		return (false);
	for (int i = 0; i < 5; i++)
		if ((field[i] = strtok_r(i == 0 ? line : NULL, " ", &p)) == NULL)
			return (false);
	unescape(field[4]);
	return ((size_t)snprintf(path, size, "%s", field[4]) < size);
}

/* From the end of the text: the newest mounts are last. */
static char *
last_line(char *text)
{
	char *nl = strrchr(text, '\n');

	if (nl == NULL)
		return (text);
	*nl = '\0';
	return (nl + 1);
}

void
stale_mounts_clear(const char *pool)
{
	char path[PATH_MAX], *text, *line;
	struct stat st;
	size_t len;

	if (file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, &len, NULL) != 0)
		return;
	do {
		line = last_line(text);
		if (stale_mounts_parse(line, pool, path, sizeof(path)) &&
		    stat(path, &st) != 0 && errno == ENOTCONN)
			(void)umount2(path, MNT_DETACH);
	} while (line != text);
	free(text);
}
