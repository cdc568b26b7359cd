/* SPDX-License-Identifier: MIT */
/* The event loop: every kind of watch, and removal from inside callbacks. */
#include <signal.h>
#include <unistd.h>

#include "smartbox/core/loop.h"
#include "test.h"

static int ticks;
static struct watch *ticker;

static void
on_tick(struct loop *l, void *arg)
{
	(void)arg;
	if (++ticks == 3) {
		watch_remove(ticker);
		loop_stop(l, 7);
	}
}

TEST(loop_timer_repeats_until_removed_from_inside)
{
	struct loop *l;

	ticks = 0;
	CHECK(loop_new(&l, NULL) == 0);
	ticker = loop_timer(l, 1, 1, on_tick, NULL);
	CHECK(loop_run(l) == 7 && ticks == 3);
	loop_free(l);
}

static void
on_child(struct loop *l, pid_t pid, int status, void *arg)
{
	(void)pid;
	*(int *)arg = status;
	loop_stop(l, 0);
}

TEST(loop_child_gets_the_status_even_of_one_that_ended_before)
{
	struct loop *l;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	(void)usleep(20000);
	CHECK(loop_new(&l, NULL) == 0);
	CHECK(loop_child(l, pid, on_child, &status) != NULL);
	CHECK(loop_run(l) == 0 && status == 5 << 8);
	loop_free(l);
}

static void
on_readable(struct loop *l, int fd, unsigned events, void *arg)
{
	char c;

	(void)events;
	if (read(fd, &c, 1) == 1)
		*(char *)arg = c;
	loop_stop(l, 0);
}

TEST(loop_fd_calls_when_there_is_something_to_read)
{
	struct loop *l;
	char got = 0;
	int p[2];

	CHECK(pipe(p) == 0 && loop_new(&l, NULL) == 0);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(loop_fd(l, p[0], LOOP_READ, on_readable, &got) != NULL);
	CHECK(loop_run(l) == 0 && got == 'x');
	loop_free(l);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
on_signal(struct loop *l, int signo, void *arg)
{
	*(int *)arg = signo;
	loop_stop(l, 0);
}

TEST(loop_signal_delivers_without_a_handler)
{
	struct loop *l;
	int got = 0;

	CHECK(loop_new(&l, NULL) == 0);
	CHECK(loop_signal(l, SIGUSR1, on_signal, &got) != NULL);
	(void)kill(getpid(), SIGUSR1);
	CHECK(loop_run(l) == 0 && got == SIGUSR1);
	loop_free(l);
}
