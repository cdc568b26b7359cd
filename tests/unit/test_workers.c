/* SPDX-License-Identifier: MIT */
/* A shared loop does each index exactly once and is over when it returns. */
#include "smartbox/fs/workers.h"
#include "test.h"

#define N 1000

static void
mark(void *arg, size_t i)
{
	unsigned char *seen = arg;

	__atomic_fetch_add(&seen[i], 1, __ATOMIC_RELAXED);
}

static void
run_often(struct workers *w)
{
	size_t n, i;
	int k;

	for (k = 0; k < 300; k++) {
		unsigned char seen[N] = {0};

		n = test_rand() % (k % 10 == 0 ? N : 5);
		workers_run(w, n, mark, seen);
		for (i = 0; i < N; i++)
			CHECK_EQ(seen[i], i < n ? 1 : 0);
	}
}

TEST(workers_do_each_index_once)
{
	struct workers *w = workers_new(3);

	CHECK(w != NULL);
	run_often(w);
	workers_free(w);
}

TEST(workers_without_threads_are_a_plain_loop)
{
	struct workers *w = workers_new(0);

	run_often(w);
	workers_free(w);
	run_often(NULL);
	workers_free(NULL);
}
