/* SPDX-License-Identifier: MIT */
/*
 * The engine survives an error at every operation of its devices and at every allocation.
 *
 * A scripted history of commands and file operations runs on a pool in memory.  Each step is first done in a
 * child that counts; then, for each allocation and each read, write and flush in it, a child does
 * the step with that one failing, and opens what is left:
 *
 *  1. no crash, no leak: this program is built with the address and leak sanitizers
 *  2. the contents are those before the step or those after it; after it, if the step said it was
 *     done (a step that is several commands may be done in part)
 *  3. exactly the blocks that are reachable are allocated
 *  4. on a mirror, no I/O error is noticed
 *
 * And with a block damaged before its checksum is computed, so that the damage is found by nobody
 * but who understands the block: what is left is opened, walked, and worked on with every command
 * of the history.  All of it may fail; nothing crashes, leaks or hangs.
 *
 *	fault_history                      all; FAULT_SHARE=n: one point in n, FAULT_KIND=kind: of one kind
 *	fault_history LAYOUT STEP KIND N   one point again (kind: alloc, io or flip)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fs/spa_impl.h"
#include "../crash/pool_model.h"
#include "../crash/pool_rig.h"
#include "fault_alloc.h"
#include "fault_steps.h"
#include "smartbox/fs/workers.h"

enum { CHILD_SECONDS = 60, COMPLAINTS_MAX = 20 };
enum kind { ALLOC, IO, FLIP, KINDS };
static const char *const kind_names[] = {"alloc", "io", "flip"};

static const struct layout layouts[] = {
    {"disk", NULL, 1, 0, 9, 96 << 20, false, false},
    {"mirror", "mirror", 2, 0, 9, 96 << 20, true, false},
    {"stripe", NULL, 4, 0, 9, 1024 << 20, false, false}, /* alone: with steps of its own */
};

/* Shared with the children. */
struct report {
	uint64_t n[KINDS];
	char why[512];
};

struct test {
	const struct layout *layout;
	struct world w;
	uint64_t rnd;
	struct fault_plan plan;
	struct bdev *fault[DEVICES_MAX], *inner[DEVICES_MAX];
	struct report *report;
	uint64_t before, after; /* fingerprints of the contents around the step */
	uint64_t visited, failed, share, counter;
};

/* --- the pool --------------------------------------------------------------------------------- */

static void
no_threads(struct spa *spa)
{
	workers_free(spa->workers); /* they do not survive a fork */
	spa->workers = NULL;
}

static void
make_pool(struct test *t)
{
	struct fs_os os = crash_os(&t->rnd);
	struct nvlist *tree = crash_vdev_tree(t->layout);
	struct spa_create_opts o = {.name = "t", .vdev_tree = tree, .ashift = t->layout->ashift, .os = &os,
	    .bdevs = t->fault};
	struct err e = ERR_INIT;

	t->plan.cut_at = t->plan.fail_at = UINT64_MAX;
	t->plan.fail_errno = EIO;
	for (unsigned i = 0; i < t->layout->devices; i++)
		if (bdev_mem_new("mem", t->layout->size, &t->inner[i], NULL) != 0 ||
		    bdev_fault_new(crash_view(t->inner[i]), &t->plan, &t->fault[i], NULL) != 0)
			abort();
	if (spa_create(&o, &t->w.spa, &e) != 0) {
		printf("cannot make a pool: %s\n", e.msg);
		exit(1);
	}
	nv_free(tree);
	no_threads(t->w.spa);
}

static int
reopen(struct test *t, bool readonly, struct spa **spa, struct err *e)
{
	struct fs_os os = crash_os(&t->rnd);
	struct nvlist *config = crash_config(t->inner, t->layout->devices);
	struct bdev *given[DEVICES_MAX];
	struct spa_import_opts o = {.config = config, .readonly = readonly, .force = true, .os = &os,
	    .bdevs = given, .nbdevs = t->layout->devices};
	int rc;

	if (config == NULL)
		return (err_set(e, ENOENT, "no label"));
	for (unsigned i = 0; i < t->layout->devices; i++)
		given[i] = crash_view(t->inner[i]);
	rc = spa_import(&o, spa, e);
	nv_free(config);
	for (unsigned i = 0; i < t->layout->devices; i++)
		bdev_close(given[i]); /* of those that left the pool; NULL: taken */
	return (rc);
}

/* --- a point ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool
fail(struct test *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t->report->why, sizeof(t->report->why), fmt, ap);
	va_end(ap);
	return (false);
}

static bool
check_left(struct test *t, const struct step *st, int rc, const char *said)
{
	struct err e = ERR_INIT;
	char why[256];
	struct spa *spa;
	uint64_t is;
	bool ok = true;

	if (reopen(t, true, &spa, &e) != 0)
		return (fail(t, "does not open: %s", e.msg));
	is = world_fingerprint(spa);
	if (is != t->after && (rc == 0 || (is != t->before && !st->is_several)))
		ok = fail(t, "neither the old state nor the new (the step said %d %s)", rc, said);
	else if (!pool_space_is_exact(spa, why, sizeof(why)))
		ok = fail(t, "space: %s (the step said %d %s)", why, rc, said);
	spa_close(spa);
	return (ok);
}

static bool
is_of_layout(const struct layout *l, const struct step *st)
{
	bool alone = l->type == NULL && l->devices > 1;

	return (st->only != NULL ? strcmp(st->only, l->name) == 0 : !alone);
}

/* Look at all of it, then try to work on it. */
static void
use_damaged(struct test *t)
{
	struct world w = {NULL, NULL};
	struct err e = ERR_INIT;

	if (reopen(t, true, &w.spa, &e) == 0) {
		(void)world_fingerprint(w.spa);
		spa_close(w.spa);
	}
	if (reopen(t, false, &w.spa, &e) != 0)
		return;
	no_threads(w.spa);
	world_open(&w);
	for (size_t i = 0; i < nsteps; i++)
		if (is_of_layout(t->layout, &steps[i]))
			(void)world_step(&w, &steps[i], &e);
	(void)world_fingerprint(w.spa);
	world_close(&w);
}

static bool
visit_flip(struct test *t, const struct step *st, uint64_t point)
{
	struct err e = ERR_INIT;

	fault_flip_at(point);
	(void)world_step(&t->w, st, &e);
	(void)fault_flip_off();
	world_close(&t->w);
	use_damaged(t);
	for (unsigned i = 0; i < t->layout->devices; i++)
		bdev_close(t->inner[i]);
	return (true);
}

static bool
visit_point(struct test *t, const struct step *st, enum kind kind, uint64_t point)
{
	struct err e = ERR_INIT;
	bool ok;
	int rc;

	if (kind == FLIP)
		return (visit_flip(t, st, point));
	if (kind == ALLOC)
		fault_alloc_at(point);
	else
		t->plan.fail_at = t->plan.ops_all + point;
	rc = world_step(&t->w, st, &e);
	fault_alloc_off();
	t->plan.fail_at = UINT64_MAX;
	if (kind == IO && rc != 0 && t->layout->redundant)
		return (fail(t, "one I/O error was noticed: %d %s", rc, e.msg));
	world_close(&t->w);
	ok = check_left(t, st, rc, e.msg);
	for (unsigned i = 0; i < t->layout->devices; i++)
		bdev_close(t->inner[i]);
	return (ok);
}

static int
in_child(struct test *t, bool (*fn)(struct test *t, const struct step *st, enum kind kind, uint64_t n),
    const struct step *st, enum kind kind, uint64_t n)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	if ((pid = fork()) < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		(void)alarm(CHILD_SECONDS);
		exit(fn(t, st, kind, n) ? 0 : 2); /* exit: the leak check runs */
	}
	return (waitpid(pid, &status, 0) == pid ? status : -1);
}

/* Do it without faults; count, and see what the new contents are. */
static bool
rehearse(struct test *t, const struct step *st, enum kind kind, uint64_t n)
{
	uint64_t io = t->plan.ops_all;
	struct err e = ERR_INIT;
	int rc;

	(void)kind;
	(void)n;
	fault_alloc_at(UINT64_MAX);
	fault_flip_at(UINT64_MAX);
	rc = world_step(&t->w, st, &e);
	t->report->n[FLIP] = fault_flip_off();
	t->report->n[ALLOC] = fault_alloc_off();
	t->report->n[IO] = t->plan.ops_all - io;
	return (rc == 0 || fail(t, "the step itself fails: %d %s", rc, e.msg));
}

static void
complain(struct test *t, size_t step, enum kind kind, uint64_t point, int status)
{
	if (WIFSIGNALED(status))
		fail(t, "signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 2)
		fail(t, "the sanitizer's exit status %d", WEXITSTATUS(status));
	printf("FAIL %s step %zu (%s) %s %" PRIu64 ": %s\n", t->layout->name, step, steps[step].name,
	    kind_names[kind], point, t->report->why);
	printf("    repeat: build/tests/faults/fault_history %s %zu %s %" PRIu64 "\n", t->layout->name, step,
	    kind_names[kind], point);
	t->failed++;
}

static void
visit(struct test *t, size_t step, enum kind kind, uint64_t point)
{
	int status;

	t->visited++;
	t->report->why[0] = '\0';
	if ((status = in_child(t, visit_point, &steps[step], kind, point)) != 0)
		complain(t, step, kind, point, status);
}

static void
visit_step(struct test *t, size_t step)
{
	const char *only = getenv("FAULT_KIND");

	for (int kind = 0; kind < KINDS; kind++) {
		uint64_t n = only == NULL || strcmp(only, kind_names[kind]) == 0 ? t->report->n[kind] : 0;

		for (uint64_t point = 0; point < n && t->failed < COMPLAINTS_MAX; point++)
			if (t->counter++ % t->share == 0)
				visit(t, step, (enum kind)kind, point);
	}
}

static enum kind
kind_of(const char *name)
{
	int kind = 0;

	while (kind < KINDS - 1 && strcmp(kind_names[kind], name) != 0)
		kind++;
	return ((enum kind)kind);
}

static bool
run(struct test *t, char **only)
{
	for (size_t i = 0; i < nsteps && t->failed < COMPLAINTS_MAX; i++) {
		uint64_t saved = t->rnd;
		struct err e = ERR_INIT;

		if (!is_of_layout(t->layout, &steps[i]))
			continue;
		t->before = world_fingerprint(t->w.spa);
		if (in_child(t, rehearse, &steps[i], ALLOC, 0) != 0) {
			printf("FAIL %s step %zu (%s): %s\n", t->layout->name, i, steps[i].name, t->report->why);
			return (false);
		}
		/* The children see the step done from here on: do it, look, and go back by a fork. */
		t->after = world_after(&t->w, &steps[i]);
		t->rnd = saved;
		if (only == NULL)
			visit_step(t, i);
		else if ((size_t)atoi(only[0]) == i) {
			visit(t, i, kind_of(only[1]), strtoull(only[2], NULL, 10));
			return (true);
		}
		if (world_step(&t->w, &steps[i], &e) != 0) {
			printf("FAIL %s step %zu (%s): %s\n", t->layout->name, i, steps[i].name, e.msg);
			return (false);
		}
	}
	return (true);
}

static bool
test_layout(const struct layout *l, char **only)
{
	const char *share = getenv("FAULT_SHARE");
	struct test t = {.layout = l, .rnd = 1};
	bool ok;

	t.share = share != NULL && atoi(share) > 0 ? (uint64_t)atoi(share) : 1;
	t.report = mmap(NULL, sizeof(*t.report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make_pool(&t);
	world_open(&t.w);
	ok = run(&t, only);
	world_close(&t.w);
	for (unsigned i = 0; i < l->devices; i++)
		bdev_close(t.inner[i]);
	printf("%s: %" PRIu64 " faults, %" PRIu64 " failed\n", l->name, t.visited, t.failed);
	return (ok && t.failed == 0);
}

int
main(int argc, char **argv)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (argc < 2 || strcmp(argv[1], layouts[i].name) == 0)
			ok = test_layout(&layouts[i], argc == 5 ? argv + 2 : NULL) && ok;
	return (ok ? 0 : 1);
}
