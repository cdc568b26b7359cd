/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests: unit [PATTERN]
 *
 * PATTERN is a part of a test's name or of its file's name. Each test is a child process, so that a
 * crash, a sanitizer's abort or a hang (TEST_TIMEOUT_S) costs one test and is reported by name. The
 * child tells its fate by its exit status. Exit status: 0 all passed; 1 some failed, or none matched.
 */
#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_PASSED = 0, EXIT_FAILED = 97, EXIT_SKIPPED = 98 };
enum { TEST_TIMEOUT_S = 120 };

static struct test *tests;
static uint64_t seed, rand_state;
static char scratch[64];

/* There under the address sanitizer only: nonzero when memory was leaked. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

void
test_register(struct test *t)
{
	struct test **p = &tests;

	while (*p != NULL && (strcmp((*p)->file, t->file) ?: strcmp((*p)->name, t->name)) < 0)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return (remove(path));
}

static _Noreturn void
leave(int status)
{
	if (status == EXIT_PASSED && __lsan_do_recoverable_leak_check != NULL &&
	    __lsan_do_recoverable_leak_check() != 0)
		status = EXIT_FAILED;
	(void)fflush(NULL);
	if (scratch[0] != '\0')
		(void)nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	_exit(status);
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("    %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	leave(EXIT_FAILED);
}

void
test_skip(const char *fmt, ...)
{
	va_list ap;

	printf("    reason: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	leave(EXIT_SKIPPED);
}

uint64_t
test_rand(void)
{
	uint64_t z = (rand_state += 0x9e3779b97f4a7c15);	/* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31));
}

const char *
test_dir(void)
{
	if (scratch[0] == '\0') {
		(void)snprintf(scratch, sizeof(scratch), "/tmp/smartbox-test.XXXXXX");
		if (mkdtemp(scratch) == NULL)
			test_fail(__FILE__, __LINE__, "mkdtemp: %s", strerror(errno));
	}
	return (scratch);
}

const char *
test_fixture(const char *relative)
{
	static char path[4096];
	const char *shared = getenv("SHARED");

	(void)snprintf(path, sizeof(path), "%s/%s", shared != NULL ? shared : "../shared", relative);
	if (access(path, R_OK) != 0)
		test_skip("no fixture %s (set SHARED=)", path);
	return (path);
}

static bool
test_matches(const struct test *t, const char *pattern)
{
	return (pattern == NULL || strstr(t->name, pattern) != NULL || strstr(t->file, pattern) != NULL);
}

/* Run one test in a child. Returns its wait status. */
static int
test_run(const struct test *t)
{
	int status = 0;
	pid_t pid;

	(void)fflush(NULL);
	if ((pid = fork()) < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		(void)alarm(TEST_TIMEOUT_S);
		rand_state = seed;
		t->run();
		leave(EXIT_PASSED);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return (status);
}

/* Say what became of a test and how to repeat it. */
static void
report_failure(const struct test *t, int status)
{
	if (WIFSIGNALED(status))
		printf("    %s\n", WTERMSIG(status) == SIGALRM ? "timed out" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != EXIT_FAILED)
		printf("    left with exit status %d\n", WEXITSTATUS(status));
	printf("FAIL %s (%s)\n    repeat: SEED=%" PRIu64 " make check-unit T=%s\n", t->name, t->file, seed,
	    t->name);
}

int
main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : NULL;
	const char *seed_text = getenv("SEED"), *verbose = getenv("V");
	unsigned passed = 0, failed = 0, skipped = 0;

	seed = seed_text != NULL ? strtoull(seed_text, NULL, 0) : (uint64_t)time(NULL);
	printf("unit: seed %" PRIu64 "\n", seed);
	for (const struct test *t = tests; t != NULL; t = t->next) {
		int status;

		if (!test_matches(t, pattern))
			continue;
		status = test_run(t);
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASSED) {
			passed++;
			if (verbose != NULL)
				printf("ok   %s\n", t->name);
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
			skipped++;
			printf("skip %s (%s)\n", t->name, t->file);
		} else {
			failed++;
			report_failure(t, status);
		}
	}
	if (passed + failed + skipped == 0)
		printf("unit: no test matches '%s'\n", pattern != NULL ? pattern : "");
	printf("unit: %u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return (failed != 0 || passed + skipped == 0);
}
