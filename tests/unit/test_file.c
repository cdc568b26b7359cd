/* SPDX-License-Identifier: MIT */
/* Atomic replacement, locks, whole-file reads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "test.h"

static const char *
in_dir(const char *leaf)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), leaf);
	return (path);
}

TEST(file_replace_leaves_the_new_content_with_its_mode)
{
	struct err e = ERR_INIT;
	struct stat st;
	char *buf;
	size_t len;

	CHECK(file_replace(in_dir("a"), "one", 3, 0644, &e) == 0);
	CHECK(file_replace(in_dir("a"), "two!", 4, 0600, &e) == 0);
	CHECK(file_read(in_dir("a"), 100, &buf, &len, &e) == 0);
	CHECK(len == 4 && strcmp(buf, "two!") == 0);
	free(buf);
	CHECK(stat(in_dir("a"), &st) == 0 && (st.st_mode & 0777) == 0600);
}

TEST(file_replace_removes_temporaries_of_dead_writers)
{
	struct err e = ERR_INIT;
	char stale[288];
	FILE *f;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, NULL, 0) == pid);
	(void)snprintf(stale, sizeof(stale), "%s.tmp.%d", in_dir("b"), (int)pid);
	CHECK((f = fopen(stale, "w")) != NULL);
	(void)fclose(f);
	CHECK(file_replace(in_dir("b"), "x", 1, 0644, &e) == 0);
	CHECK(access(stale, F_OK) != 0);
}

TEST(file_read_bounds_its_size_and_names_a_missing_file)
{
	struct err e = ERR_INIT;
	char *buf;
	size_t len;

	CHECK(file_replace(in_dir("c"), "12345", 5, 0644, &e) == 0);
	CHECK(file_read(in_dir("c"), 4, &buf, &len, &e) == -EFBIG);
	CHECK(file_read(in_dir("none"), 4, &buf, &len, &e) == -ENOENT);
	CHECK(strstr(e.msg, "none") != NULL);
}

TEST(file_lock_excludes_another_holder_until_released)
{
	struct err e = ERR_INIT;
	int a = file_lock(in_dir("lock"), false, true, &e), b;

	CHECK(a >= 0);
	CHECK(file_lock(in_dir("lock"), false, true, &e) == -EWOULDBLOCK);
	file_unlock(a);
	b = file_lock(in_dir("lock"), false, true, &e);
	CHECK(b >= 0);
	file_unlock(b);
}

TEST(file_mkdirs_makes_all_parents_and_accepts_existing_ones)
{
	struct err e = ERR_INIT;
	struct stat st;

	CHECK(file_mkdirs(in_dir("d/e/f"), 0755, &e) == 0);
	CHECK(file_mkdirs(in_dir("d/e/f"), 0755, &e) == 0);
	CHECK(stat(in_dir("d/e/f"), &st) == 0 && S_ISDIR(st.st_mode));
	CHECK(file_remove(in_dir("never-there"), &e) == 0);
}
