/* SPDX-License-Identifier: MIT */
/* Children: output, status, failed exec, descriptors that must not leak. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/spawn.h"
#include "test.h"

TEST(spawn_run_returns_stdout)
{
	const char *argv[] = {"echo", "hello", NULL};
	struct err e = ERR_INIT;
	char *out = NULL;

	CHECK(spawn_run(argv, &out, &e) == 0);
	CHECK(out != NULL && strcmp(out, "hello\n") == 0);
	free(out);
}

TEST(spawn_run_quotes_the_last_line_of_stderr)
{
	const char *argv[] = {"sh", "-c", "echo first >&2; echo the reason >&2; exit 3", NULL};
	struct err e = ERR_INIT;

	CHECK(spawn_run(argv, NULL, &e) == -EIO);
	CHECK(strcmp(e.msg, "sh failed with status 3: the reason") == 0);
}

TEST(spawn_start_reports_a_missing_program_at_once)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct spawn s = SPAWN_INIT;
	struct err e = ERR_INIT;
	pid_t pid;

	s.argv = argv;
	CHECK(spawn_start(&s, &pid, &e) == -ENOENT);
	CHECK(strstr(e.msg, "/nonexistent/program") != NULL);
}

TEST(spawn_leaks_no_descriptor)
{
	const char *argv[] = {"sh", "-c", "ls /proc/self/fd | wc -l", NULL};
	int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, on purpose */
	struct err e = ERR_INIT;
	char *out = NULL;

	CHECK(fd >= 0 && spawn_run(argv, &out, &e) == 0);
	CHECK(out != NULL && atoi(out) == 4); /* 0, 1, 2 and ls's own directory */
	free(out);
	(void)close(fd);
}

TEST(spawn_wait_times_out_without_killing)
{
	const char *argv[] = {"sleep", "0.3", NULL};
	struct spawn s = SPAWN_INIT;
	struct err e = ERR_INIT;
	int status = -1;
	pid_t pid;

	s.argv = argv;
	CHECK(spawn_start(&s, &pid, &e) == 0);
	CHECK(spawn_wait(pid, 20, &status, &e) == -ETIMEDOUT);
	CHECK(spawn_wait(pid, -1, &status, &e) == 0 && status == 0);
}
