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

/* A program of a zone with both privileges, compiled for this process's own namespaces. */
static int
confined(const char *text, struct err *e)
{
	const struct trace_grant g = {"zone", getpid(), 1000, true, true};
	struct session *s;
	int rc;

	CHECK(trace_new(&s, e) == 0);
	trace_without_kernel(s);
	CHECK(trace_confine(s, &g, e) == 0);
	CHECK(trace_source(s, TRACE_NAME, "x.d", text, strlen(text), 0, NULL, e) == 0);
	rc = trace_compile(s, e);
	trace_free(s);
	return (rc);
}

TEST(trace_of_a_zone_computes_with_integers_and_strings)
{
	static const char *const fine[] = {
	    "BEGIN { x = 1; s = \"a\"; printf(\"%s %d %s\", strjoin(s, \"b\"), x << 2, zonename); exit(0); }",
	    "syscall::open*:entry /execname == \"sh\" && pid != 1/ { @[copyinstr(arg1), uid] = count(); }",
	    "syscall:::entry { self->t[probefunc] = timestamp; a[pid, tid] = (uint8_t)arg0; }",
	    "syscall:::return /errno/ { @q[errno] = quantize(args[0]); trace(json(\"{}\", \"a\")); }",
	    "profile-97 { @[ustack(), usym(arg1)] = count(); } tick-1s { printa(@); trunc(@, 3); n++; }",
	    "inline int twice = 2 * pid; struct s { int a; }; BEGIN { trace(twice + sizeof (struct s)); }"};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		CHECK(confined(fine[i], &e) == 0);
}

TEST(trace_of_a_zone_follows_no_address)
{
	static const char *const bad[] = {"BEGIN { trace(*(int *)8); }",
	    "syscall:::entry { trace(stringof(arg0)); }", "syscall:::entry { trace((string)(char *)arg0); }",
	    "char *p; syscall:::entry { trace(p[3]); }", "int a[4]; BEGIN { trace(a[1]); }",
	    "struct s { int a; }; struct s v; BEGIN { trace(v.a); }",
	    "syscall:::entry { trace(strlen((char *)arg0)); }", "syscall:::entry { @[*(int *)arg0] = count(); }",
	    "syscall:::entry { @ = sum(*(int *)arg0); }", "syscall:::entry / *(int *)arg0 / { trace(1); }",
	    "syscall:::entry { self->x = *(int *)arg0; }", "syscall:::entry { if (*(int *)arg0) { trace(1); } }",
	    "syscall:::entry { trace(arg0 ? 1 : *(int *)arg0); }", "inline int i = *(int *)8; BEGIN { trace(i); }",
	    "struct o { int a; }; translator struct o < int T > { a = *(int *)8; };"
	    " BEGIN { trace(xlate <struct o> (1).a); }",
	    "syscall:::entry { this->p = copyin(arg0, 8); }", "syscall:::entry { trace(alloca(8)); }",
	    "syscall:::entry { stack(); }", "syscall:::entry { @[stack()] = count(); }",
	    "syscall:::entry { printf(\"%a\", arg0); }", "syscall:::entry { trace(caller); }",
	    "syscall:::entry { tracemem(arg0, 8); }", "syscall:::entry { trace(sym(arg0)); }",
	    "BEGIN { @a = count(); printa(\"%a %@d\", @a); }"};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (confined(bad[i], &e) == 0) {
			(void)fprintf(stderr, "allowed: %s\n", bad[i]);
			CHECK(false);
		}
}

TEST(trace_of_a_zone_reads_no_memory_of_the_broker_and_changes_nothing)
{
	static const char *const bad[] = {"BEGIN { trace(copyinstr(8)); }", "END { ustack(); }",
	    "tick-1s { trace(ucaller); }", "ERROR { trace(uregs[0]); }", "BEGIN { @[ustack()] = count(); }",
	    "BEGIN { raise(9); }", "BEGIN { system(\"id\"); }", "BEGIN { freopen(\"x\"); }",
	    "BEGIN { setopt(\"quiet\"); }", "syscall:::entry { stop(); }",
	    "syscall:::entry { copyoutstr(\"x\", arg0, 2); }", "#pragma D option destructive\nBEGIN { }",
	    "#pragma D option bufsize=1g\nBEGIN { }", "#pragma D option strsize=8k\nBEGIN { }",
	    "proc:::exec { }", "sched:::on-cpu { }", "io:::start { }", "fbt:::entry { }", "rawtp:::sched_switch { }",
	    "sdt:::sched_switch { }", "zfs:::txg-sync-start { }", "pid1:::entry { }"};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (confined(bad[i], &e) == 0) {
			(void)fprintf(stderr, "allowed: %s\n", bad[i]);
			CHECK(false);
		}
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
