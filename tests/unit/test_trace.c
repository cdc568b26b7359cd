/* SPDX-License-Identifier: MIT */
/* trace: what the library promises beside the programs of tests/trace. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../trace/btf.h"
#include "smartbox/trace/trace.h"
#include "test.h"

static int
compile(const char *text, bool script, struct err *e, int *line, int *col)
{
	struct session *s;
	int rc;

	CHECK(trace_new(&s, e) == 0);
	trace_without_kernel(s);
	CHECK(trace_source(s, TRACE_NAME, script ? "x.d" : NULL, text, strlen(text), 0, NULL, e) == 0);
	rc = trace_compile(s, e);
	trace_where(s, line, col);
	trace_free(s);
	return (rc);
}

TEST(trace_errors_have_a_line_and_a_column)
{
	struct err e = ERR_INIT;
	int line, col;

	CHECK(compile("BEGIN\n{\n\tx = 1;\n\ttrace(nosuch);\n}\n", true, &e, &line, &col) == -EINVAL);
	CHECK(line == 4);
	CHECK(col == 8);
}

TEST(trace_command_line_errors_name_the_part)
{
	struct err e = ERR_INIT;
	int line, col;

	CHECK(compile("BEGIN /nosuch/ { }", false, &e, &line, &col) == -EINVAL);
	CHECK_STR(e.msg, "in predicate: failed to resolve nosuch: Unknown variable name");
}

TEST(trace_inlines_that_explode_end_in_an_error)
{
	char text[8192] = "inline int x0 = pid;\n";
	struct err e = ERR_INIT;
	int line, col;

	for (int i = 1; i < 60; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "inline int x%d = x%d + x%d;\n", i, i - 1,
		    i - 1);
	}
	(void)strncat(text, "BEGIN { trace(x59); }", sizeof(text) - strlen(text) - 1);
	CHECK(compile(text, true, &e, &line, &col) == -EINVAL);
}

TEST(btf_refuses_what_is_cut_off)
{
	static const unsigned char good[] = {0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0,
	    16, 0, 0, 0, 5, 0, 0, 0, /* types: int */ 1, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 32, 0, 0, 1,
	    /* strings */ 0, 'i', 'n', 't', 0};
	struct btf *b;

	for (size_t n = 0; n <= sizeof(good); n++) {
		void *copy = malloc(n + 1);

		CHECK(copy != NULL);
		memcpy(copy, good, n);
		if (n < sizeof(good)) {
			CHECK(btf_parse(copy, n, &b, NULL) != 0);
			continue;
		}
		CHECK(btf_parse(copy, n, &b, NULL) == 0);
		CHECK(btf_count(b) == 1);
		CHECK(btf_find(b, "int", 1u << BTF_INT) == 1);
		CHECK(btf_find(b, "nosuch", ~0u) == 0);
		btf_close(b);
	}
}

/* A process in a uts namespace of its own that asks for its parent's pid, over and over. */
static pid_t
start_in_namespace(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return (pid);
	if (unshare(CLONE_NEWUTS) != 0)
		_exit(77);
	for (;;) {
		(void)syscall(SYS_getppid);
		(void)usleep(1000);
	}
}

static const char zone_text[] =
    "syscall::getppid:entry { @[pid] = count(); } syscall::getppid:entry /n++ > 20/ { exit(0); }";

TEST(trace_of_a_zone_sees_its_tasks_only)
{
	pid_t in = start_in_namespace();
	char out[512] = "", want[32];
	struct err e = ERR_INIT;
	struct session *s;
	int fd[2], rc;

	(void)usleep(20000);
	CHECK(pipe(fd) == 0);
	CHECK(trace_new(&s, &e) == 0);
	trace_output(s, fd[1]);
	CHECK(trace_option(s, "quiet", NULL, &e) == 0);
	rc = trace_zone(s, in, &e);
	if (rc == 0)
		rc = trace_source(s, TRACE_NAME, NULL, zone_text, sizeof(zone_text) - 1, 0, NULL, &e);
	if (rc == 0 && trace_compile(s, &e) == 0 && (rc = trace_go(s, &e)) != 0) {
		(void)kill(in, SIGKILL);
		trace_free(s);
		test_skip("cannot trace here: %s", e.msg);
	}
	for (int i = 0; rc == 0 && i < 100; i++) {
		(void)syscall(SYS_getppid); /* ours must not be seen */
		if (trace_work(s, &e) != 1)
			break;
	}
	CHECK(trace_finish(s, true, &e) == 0);
	(void)kill(in, SIGKILL);
	(void)waitpid(in, NULL, 0);
	trace_free(s);
	CHECK(read(fd[0], out, sizeof(out) - 1) > 0);
	(void)snprintf(want, sizeof(want), " %d ", in);
	CHECK(strstr(out, want) != NULL);
	(void)snprintf(want, sizeof(want), " %d ", getpid());
	CHECK(strstr(out, want) == NULL);
}
