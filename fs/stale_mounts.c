/* SPDX-License-Identifier: MIT */
/*
 * Mounts that a killed poold left behind.
 *
 * The kernel keeps a FUSE mount whose server died; everything on it answers ENOTCONN.  That answer
 * is the proof asked for here: a mount that works is never touched, whatever its name.  The last
 * mounted goes first, so that a parent is not detached with its children.
 *
 * Asking may block for ever: the mount may belong to a living server of a pool of the same name that
 * is stopped, or stuck.  So a child asks, and who does not answer in time counts as alive.
 */
#include "smartbox/fs/stale_mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/pause.h"
#include "smartbox/fs/names.h"

enum { MOUNTINFO_MAX = 64 << 20, ASK_MS = 1000, STEP_MS = 2 };

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

/* In time: the child's exit status; else -1, and the child is left to end when it can. */
static int
wait_in_time(pid_t pid)
{
	int status;

	for (int waited = 0; waited < ASK_MS; waited += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		pause_ms(STEP_MS);
	}
	(void)kill(pid, SIGKILL);
	return (-1);
}

/*
 * statfs always asks the server; stat may answer from the kernel's cache.  ECONNABORTED: asked
 * while the dying server's descriptors were being closed.
 */
static bool
is_disconnected(const char *path)
{
	struct statfs st;
	pid_t pid = fork();

	if (pid == 0)
		_exit(statfs(path, &st) != 0 && (errno == ENOTCONN || errno == ECONNABORTED));
	return (pid > 0 && wait_in_time(pid) == 1);
}

void
stale_mounts_clear(const char *pool)
{
	char path[PATH_MAX], *text, *line;
	size_t len;

	if (file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, &len, NULL) != 0)
		return;
	do {
		line = last_line(text);
		if (stale_mounts_parse(line, pool, path, sizeof(path)) && is_disconnected(path))
			(void)umount2(path, MNT_DETACH);
	} while (line != text);
	free(text);
}
