/* SPDX-License-Identifier: MIT */
/* The process table: lines of /proc/PID/stat, also hostile ones, and a real pass. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/kern/proctab.h"
#include "test.h"

static int
parse(const char *line, struct proc *p)
{
	memset(p, 0, sizeof(*p));
	return (proc_parse_stat(line, strlen(line), 4, p));
}

#define TAIL " 20 5 3 0 100 4096000 250 0 0 0 0 0 0 0 0 0 0 0 0 0 17 2 0 0 0 0 0 0"

TEST(proc_parse_stat_reads_the_fields)
{
	struct proc p;

	CHECK(parse("42 (my prog) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0" TAIL, &p) == 0);
	CHECK_EQ(p.pid, 42);
	CHECK_STR(p.name, "my prog");
	CHECK(p.state == 'S');
	CHECK_EQ(p.time_ms, 2000);
	CHECK_EQ(p.priority, 20);
	CHECK_EQ(p.nice, 5);
	CHECK_EQ(p.nlwp, 3);
	CHECK_EQ(p.start, 100);
	CHECK_EQ(p.size_kb, 4000);
	CHECK_EQ(p.rss_kb, 1000);
	CHECK_EQ(p.on_cpu, 2);
}

TEST(proc_parse_stat_is_not_fooled_by_a_name)
{
	struct proc p;

	CHECK(parse("7 (a) R 1 (b) S 1 7 7 0 -1 0 9 0 0 0 0 0 0 0" TAIL, &p) == 0);
	CHECK(p.state == 'S');
	CHECK(parse("7 (\x1b[2J\nx) S 1 7 7 0 -1 0 9 0 0 0 0 0 0 0" TAIL, &p) == 0);
	CHECK_STR(p.name, "[2Jx");
}

TEST(proc_parse_stat_refuses_what_is_no_such_line)
{
	struct proc p;

	CHECK(parse("", &p) == -EILSEQ);
	CHECK(parse("1 2 3", &p) == -EILSEQ);
	CHECK(parse("1 )(", &p) == -EILSEQ);
	CHECK(parse("1 (x) S 1 2 3", &p) == -EILSEQ);
	CHECK(parse("1 (x)", &p) == -EILSEQ);
}

TEST(proc_parse_stat_tells_kernel_threads)
{
	struct proc p;

	CHECK(parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0" TAIL, &p) == 1);
}

static const struct proc *
find(const struct proctab *t, pid_t pid)
{
	for (size_t i = 0; i < t->nproc; i++)
		if (t->proc[i].pid == pid)
			return (&t->proc[i]);
	return (NULL);
}

TEST(proctab_sees_this_process_and_what_it_used_since)
{
	const struct proc *me;
	struct proctab t;
	volatile unsigned long spin = 0;
	uint64_t before;

	CHECK(proctab_open(&t, NULL) == 0);
	CHECK(proctab_update(&t, NULL) == 0);
	CHECK((me = find(&t, getpid())) != NULL);
	CHECK_EQ(me->euid, geteuid());
	CHECK_EQ(me->zone, 0);
	before = me->time_ms;
	while (clock() < CLOCKS_PER_SEC / 10)
		spin++;
	CHECK(proctab_update(&t, NULL) == 0);
	CHECK((me = find(&t, getpid())) != NULL);
	CHECK(me->time_ms > before && me->cpu > 0);
	for (size_t i = 1; i < t.nproc; i++)
		CHECK(t.proc[i - 1].pid < t.proc[i].pid);
	proctab_close(&t);
}
