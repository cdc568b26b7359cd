/* SPDX-License-Identifier: MIT */
/*
 * Write a cpio archive (newc) for the kernel's initramfs: mkcpio < LIST > ARCHIVE
 *
 * Runs on the build machine. The archive depends on the list and the files' bytes only: times are 0,
 * owners root, inodes counted; so the same input gives the same bytes, and device nodes need no root.
 *
 *	dir PATH MODE
 *	file PATH SOURCE MODE
 *	slink PATH TARGET
 *	nod PATH MODE TYPE(b|c) MAJOR MINOR
 *
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel: a header of 110
 * hexadecimal bytes, the name with its NUL, data; both padded to 4 bytes; the end is an entry named
 * "TRAILER!!!".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WORDS_MAX = 7 };

static unsigned inode;
static size_t written;

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "mkcpio: %s: %s\n", what, why);
	exit(1);
}

static void
put(const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, stdout) != n)
		die("output", strerror(errno));
	written += n;
}

static void
pad(size_t to)
{
	while (written % to != 0)
		put("", 1);
}

static void
put_header(const char *path, unsigned mode, size_t size, unsigned major, unsigned minor)
{
	const char *name = *path == '/' ? path + 1 : path;
	char h[128];

	(void)snprintf(h, sizeof(h), "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
	    ++inode, mode, 0, 0, S_ISDIR(mode) ? 2 : 1, 0, size, 0, 0, major, minor,
	    strlen(name) + 1, 0);
	put(h, 110);
	put(name, strlen(name) + 1);
	pad(4);
}

static void
put_file(const char *path, const char *source, unsigned mode)
{
	char buf[65536];
	struct stat st;
	size_t n, left;
	FILE *f;

	if ((f = fopen(source, "rb")) == NULL || fstat(fileno(f), &st) != 0)
		die(source, strerror(errno));
	put_header(path, S_IFREG | mode, (size_t)st.st_size, 0, 0);
	for (left = (size_t)st.st_size; left > 0; left -= n) {
		n = fread(buf, 1, left < sizeof(buf) ? left : sizeof(buf), f);
		if (n == 0)
			die(source, "shrank while it was read");
		put(buf, n);
	}
	pad(4);
	(void)fclose(f);
}

static void
put_link(const char *path, const char *target)
{
	put_header(path, S_IFLNK | 0777, strlen(target), 0, 0);
	put(target, strlen(target));
	pad(4);
}

static unsigned
octal(const char *s)
{
	return ((unsigned)strtoul(s, NULL, 8));
}

static void
put_line(char **w, int n)
{
	if (n == 3 && strcmp(w[0], "dir") == 0)
		put_header(w[1], S_IFDIR | octal(w[2]), 0, 0, 0);
	else if (n == 4 && strcmp(w[0], "file") == 0)
		put_file(w[1], w[2], octal(w[3]));
	else if (n == 3 && strcmp(w[0], "slink") == 0)
		put_link(w[1], w[2]);
	else if (n == 6 && strcmp(w[0], "nod") == 0)
		put_header(w[1], (*w[3] == 'b' ? S_IFBLK : S_IFCHR) | octal(w[2]), 0,
		    (unsigned)atoi(w[4]), (unsigned)atoi(w[5]));
	else
		die(w[0], "not understood");
}

int
main(void)
{
	char line[8192], *w[WORDS_MAX + 1];
	int n;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		n = 0;
		for (char *p = strtok(line, " \n"); p != NULL && n < WORDS_MAX; p = strtok(NULL, " \n"))
			w[n++] = p;
		if (n > 0 && *w[0] != '#')
			put_line(w, n);
	}
	put_header("TRAILER!!!", 0, 0, 0, 0);
	pad(512);
	return (fflush(stdout) == 0 ? 0 : 1);
}
