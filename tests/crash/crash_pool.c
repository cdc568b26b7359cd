/* SPDX-License-Identifier: MIT */
/*
 * The pool survives a power cut, and an I/O error, at every single operation on its devices.
 *
 * A random history of writes (files and volumes), snapshots of one or all, clones, renames, rollbacks,
 * properties and destroys runs on a pool in memory. Before
 * each step the process forks, once for each write and flush that the step will do and for each way
 * to lose what was not flushed (nothing, everything, a random part with torn and reordered writes).
 * The child cuts the power there, opens what is left and asks an oracle that never saw the pool:
 *
 *  1. the contents are those before the step or those after it; after it, if the step said it was done
 *  2. exactly the blocks that are reachable are allocated
 *  3. the pool can be written on: a further step works, and 1 and 2 hold again
 *  4. so they do when the power is cut once more, in the import that recovers or the step after it
 *
 * In some layouts devices are replaced, attached, detached, split off, removed with their data, added and
 * initialized between the steps, checkpoints taken, discarded and returned to; each is cut at every write too.
 *
 * The same for an I/O error at each read, write and flush; there a mirror or raidz must not even
 * notice. Fork is the trick: memory devices are private mappings, so a child's damage is its own and
 * no history is ever repeated.
 *
 *	crash_pool                          all layouts; CRASH_SHARE=n: 1/n of the points, CRASH_SEEDS=n: n
 *	                                    histories, from SEED on; CRASH_JOBS=n: n children at a time
 *	crash_pool LAYOUT STEP POINT WAY    one point again (SEED= as printed)
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../fs/spa_impl.h"
#include "pool_changes.h"
#include "pool_rig.h"
#include "pool_model.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/workers.h"

#define STEPS 30
#define CREATION -1
#define CHANGES 1000
#define THINNING 3 /* a whole run visits one point in so many; the seed says which */

static const struct layout layouts[] = {
    {"disk", NULL, 1, 0, 9, 64 << 20, false, false},
    {"mirror", "mirror", 2, 0, 12, 64 << 20, true, false},
    {"raidz", "raidz", 3, 1, 9, 64 << 20, true, false},
    {"stripe", NULL, 2, 0, 12, 64 << 20, false, false},
    {"+mirror", "mirror", 2, 0, 12, 64 << 20, true, false},
    {"+raidz", "raidz", 3, 1, 9, 64 << 20, true, false},
    {"+stripe", NULL, 4, 0, 12, 1024 << 20, false, false},
};
#define NLAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

enum way { WAY_RANDOM, WAY_RANDOM2, WAY_LOSE, WAY_KEEP, WAY_ERROR, WAYS };

enum { JOBS_MAX = 16, SECOND_CUT_MAX = 60 };

/* Shared with the children. */
struct report {
	uint64_t ops, ops_all;
	bool unimportable;
	char why[512];
};

/* A child at work. */
struct job {
	pid_t pid; /* 0: none */
	enum way way;
	uint64_t point;
};

struct totals {
	uint64_t visited, failed, unimportable;
};

struct test {
	const struct layout *layout;
	uint64_t seed, rnd;
	struct fault_plan plan;
	struct bdev *fault[DEVICES_MAX], *inner[DEVICES_MAX];
	struct spa *spa;
	struct model model;
	struct report *report, *reports; /* ours; [0] the parent's, then one for each job */
	struct job job[JOBS_MAX];
	unsigned jobs;
	uint64_t visited, counter, share, failed, unimportable;
	int change; /* instead of the model's step; or -1 */
	bool rewound; /* the pool was closed and opened again */
	struct model at_checkpoint;
};

static unsigned
all_devices(const struct layout *l)
{
	return (l->devices + has_spare_device(l));
}

static void
make_devices(struct test *t)
{
	for (unsigned i = 0; i < all_devices(t->layout); i++) {
		if (bdev_mem_new("mem", t->layout->size, &t->inner[i], NULL) != 0 ||
		    bdev_fault_new(crash_view(t->inner[i]), &t->plan, &t->fault[i], NULL) != 0)
			abort();
	}
	t->plan.cut_at = t->plan.fail_at = UINT64_MAX;
}

static int
make_pool(struct test *t, struct err *e)
{
	struct fs_os os = crash_os(&t->rnd);
	struct nvlist *tree = crash_vdev_tree(t->layout);
	struct bdev *given[DEVICES_MAX];
	struct spa_create_opts o = {.name = "t", .vdev_tree = tree, .ashift = t->layout->ashift,
	    .os = &os, .bdevs = given};
	int rc;

	/* The pool closes views: what a device has not flushed must outlive its leaving the pool. */
	for (unsigned i = 0; i < t->layout->devices; i++)
		given[i] = crash_view(t->fault[i]);
	rc = spa_create(&o, &t->spa, e);
	nv_free(tree);
	if (rc != 0)
		return (rc);
	/* Threads do not survive a fork. */
	workers_free(t->spa->workers);
	t->spa->workers = NULL;
	return (0);
}

static int
open_pool(struct test *t, bool readonly, struct spa **spa, struct err *e)
{
	struct fs_os os = crash_os(&t->rnd);
	struct bdev *given[DEVICES_MAX];
	struct nvlist *config = crash_config(t->inner, all_devices(t->layout));
	struct spa_import_opts o = {.config = config, .readonly = readonly, .force = true, .os = &os,
	    .bdevs = given, .nbdevs = all_devices(t->layout)};
	int rc;

	if (config == NULL)
		return (err_set(e, ENOENT, "no label"));
	for (unsigned i = 0; i < o.nbdevs; i++)
		given[i] = crash_view(t->inner[i]);
	rc = spa_import(&o, spa, e);
	nv_free(config);
	return (rc);
}

/* --- a point --- */

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
fail_to_open(struct test *t, const char *what, const char *why)
{
	t->report->unimportable = true;
	return (fail(t, "does not open%s: %s", what, why));
}

static bool
check_contents(struct test *t, const struct model *old, const struct model *new, bool done,
    struct model *is)
{
	struct err e = ERR_INIT;
	char why_old[200] = "", why_new[200], why[256];
	struct spa *spa;
	bool ok;

	if (open_pool(t, true, &spa, &e) != 0)
		return (fail_to_open(t, "", e.msg));
	*is = *new;
	ok = pool_equals(spa, new, why_new, sizeof(why_new));
	if (!ok && !done) {
		*is = *old;
		ok = pool_equals(spa, old, why_old, sizeof(why_old));
	}
	if (!ok)
		fail(t, "not the new state: %s; not the old: %s", why_new, done ? "it was done" : why_old);
	else if (!(ok = pool_space_is_exact(spa, why, sizeof(why))))
		fail(t, "space: %s", why);
	spa_close(spa);
	return (ok);
}

/* A further step on the reopened pool, exported and looked at again. */
static bool
go_on(struct test *t, struct model *is, uint64_t rnd)
{
	struct err e = ERR_INIT;
	struct op op = model_choose(is, &rnd);
	struct model next = *is, seen;
	struct spa *spa;
	char what[100];
	int rc;

	model_apply(&next, &op);
	op_describe(&op, what, sizeof(what));
	if (open_pool(t, false, &spa, &e) != 0)
		return (fail_to_open(t, " for writing", e.msg));
	rc = pool_apply(spa, is, &op, &e);
	spa_close(spa);
	if (rc != 0)
		return (fail(t, "cannot go on: %s: %d %s", what, rc, e.msg));
	return (check_contents(t, is, &next, true, &seen));
}

/* The same, but the power goes once more: while the pool is imported, or in the step behind it. */
static bool
cut_again(struct test *t, struct model *is, uint64_t rnd)
{
	struct err e = ERR_INIT;
	struct op op = model_choose(is, &rnd);
	struct model next = *is, seen;
	struct bdev *fault[DEVICES_MAX];
	struct spa *spa;
	int rc;

	model_apply(&next, &op);
	t->plan = (struct fault_plan){.seed = rnd, .cut_at = crash_random(&rnd) % SECOND_CUT_MAX,
	    .fail_at = UINT64_MAX, .lose_all = rnd % 3 == 0};
	for (unsigned i = 0; i < all_devices(t->layout); i++) {
		if (bdev_fault_new(t->inner[i], &t->plan, &fault[i], NULL) != 0)
			abort();
		t->inner[i] = fault[i];
	}
	if ((rc = open_pool(t, false, &spa, &e)) == 0) {
		rc = pool_apply(spa, is, &op, &e);
		spa_close(spa);
	} else if (!t->plan.is_cut) {
		return (fail_to_open(t, " for writing", e.msg));
	}
	for (unsigned i = 0; i < all_devices(t->layout); i++)
		t->inner[i] = bdev_fault_take(fault[i]);
	return (check_contents(t, is, &next, rc == 0, &seen));
}

static void
arm(struct test *t, enum way way, uint64_t point)
{
	struct fault_plan *p = &t->plan;

	p->seed = t->seed ^ point * 77 ^ way;
	p->lose_all = way == WAY_LOSE;
	p->keep_all = way == WAY_KEEP;
	if (way == WAY_ERROR)
		p->fail_at = p->ops_all + point;
	else
		p->cut_at = p->ops + point;
}

/* --- devices come and go, the past comes back --------------------------------------------------- */

static int
make_change(struct test *t, struct err *e)
{
	struct fs_os os = crash_os(&t->rnd);
	struct changing c = {t->layout, &t->spa, t->fault, all_devices(t->layout), &os};

	t->rewound = change_at(t->layout, t->change) == REWIND;
	return (change_do(&c, change_at(t->layout, t->change), e));
}

/* What is in the pool after a change; all but a rewind leave its contents alone. */
static const struct model *
model_after_change(const struct test *t)
{
	return (change_at(t->layout, t->change) == REWIND ? &t->at_checkpoint : &t->model);
}

static int
do_step(struct test *t, int step, const struct op *op, struct err *e)
{
	if (t->change >= 0)
		return (make_change(t, e));
	return (step == CREATION ? make_pool(t, e) : pool_apply(t->spa, &t->model, op, e));
}

static void
take_devices(struct test *t)
{
	if (t->spa == NULL && !t->rewound)
		return; /* a failed create: what they held is in t->inner */
	if (t->spa != NULL)
		spa_close(t->spa);
	for (unsigned i = 0; i < all_devices(t->layout); i++)
		bdev_close(bdev_fault_take(t->fault[i]));
}

static bool
visit_step(struct test *t, const struct op *op, enum way way, uint64_t point)
{
	struct model new = t->model, is;
	struct err e = ERR_INIT;
	int rc;

	if (t->change < 0)
		model_apply(&new, op);
	else
		new = *model_after_change(t);
	arm(t, way, point);
	rc = do_step(t, 0, op, &e);
	/* A new device that fails at once is refused, and that is right. */
	if (way == WAY_ERROR && rc != 0 && t->layout->redundant && t->change < 0)
		return (fail(t, "one I/O error was noticed: %d %s", rc, e.msg));
	take_devices(t);
	if (!check_contents(t, &t->model, &new, rc == 0, &is))
		return (false);
	if (point % 4 == 1)
		return (cut_again(t, &is, t->seed * 31 + point * 7 + way));
	return (point % 4 != 0 || go_on(t, &is, t->seed + point));
}

/* How many operations the step does, by doing it in a child. */
static bool
rehearse(struct test *t, int step, const struct op *op)
{
	pid_t pid = crash_child();

	if (pid == 0) {
		struct err e = ERR_INIT;
		uint64_t ops = t->plan.ops, all = t->plan.ops_all;
		int rc = do_step(t, step, op, &e);

		t->report->ops = t->plan.ops - ops;
		t->report->ops_all = t->plan.ops_all - all;
		if (rc != 0)
			fail(t, "the step itself fails: %d %s", rc, e.msg);
		_exit(rc != 0);
	}
	return (crash_child_end(pid) == 0);
}

static void
complain(struct test *t, int step, const struct op *op, enum way way, uint64_t point, int status)
{
	char what[100] = "create the pool";

	if (t->change >= 0)
		(void)snprintf(what, sizeof(what), "%s", change_name(change_at(t->layout, t->change)));
	else if (step != CREATION)
		op_describe(op, what, sizeof(what));
	if (WIFSIGNALED(status))
		fail(t, "signal %d", WTERMSIG(status));
	printf("FAIL %s step %d (%s) point %" PRIu64 " way %d: %s\n", t->layout->name, step, what, point,
	    way, t->report->why);
	printf("    repeat: SEED=%" PRIu64 " build/tests/crash/crash_pool %s %d %" PRIu64 " %d\n",
	    t->seed, t->layout->name, step, point, way);
	t->failed++;
}

/* Take the verdict of the child that ends next. */
static void
reap(struct test *t, int step, const struct op *op)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	for (unsigned i = 0; i < t->jobs; i++) {
		struct job *j = &t->job[i];

		if (pid <= 0 || j->pid != pid)
			continue;
		j->pid = 0;
		t->report = &t->reports[i + 1];
		if (status != 0) {
			t->unimportable += t->report->unimportable;
			complain(t, step, op, j->way, j->point, status);
		}
		t->report = t->reports;
	}
}

static int
free_job(const struct test *t)
{
	for (unsigned i = 0; i < t->jobs; i++)
		if (t->job[i].pid == 0)
			return ((int)i);
	return (-1);
}

static void
reap_all(struct test *t, int step, const struct op *op)
{
	for (unsigned i = 0; i < t->jobs; i++)
		while (t->job[i].pid != 0)
			reap(t, step, op);
}

/* In a child, while others are at it: each point is the business of its own copy of everything. */
static void
visit(struct test *t, int step, const struct op *op, enum way way, uint64_t point)
{
	int slot;

	while ((slot = free_job(t)) < 0)
		reap(t, step, op);
	t->report = &t->reports[slot + 1];
	t->report->why[0] = '\0';
	t->report->unimportable = false;
	t->visited++;
	t->job[slot] = (struct job){crash_child(), way, point};
	if (t->job[slot].pid == 0)
		_exit(!visit_step(t, op, way, point));
	t->report = t->reports;
}

static void
visit_all(struct test *t, int step, const struct op *op)
{
	for (int way = 0; way < WAYS; way++) {
		uint64_t n = way == WAY_ERROR ? t->report->ops_all : t->report->ops;

		for (uint64_t point = 0; point < n && t->failed < 10; point++) {
			if (t->counter++ % t->share == t->seed % t->share)
				visit(t, step, op, (enum way)way, point);
		}
	}
	reap_all(t, step, op);
}

/* Cut while the pool is made: afterwards there is none, or an empty one. */
static bool
creation_survives(struct test *t, enum way way, uint64_t point)
{
	struct model empty = {.next_id = 0}, is;
	struct err e = ERR_INIT;
	struct spa *spa;
	int rc;

	arm(t, way, point);
	rc = make_pool(t, &e);
	take_devices(t);
	if (open_pool(t, true, &spa, &e) != 0)
		return (rc != 0 || fail(t, "a finished create does not open: %s", e.msg));
	spa_close(spa);
	return (check_contents(t, &empty, &empty, true, &is));
}

static bool
create(struct test *t)
{
	struct err e = ERR_INIT;
	pid_t pid;
	int status;

	if (!rehearse(t, CREATION, NULL))
		return (fail(t, "create: %s", t->report->why));
	for (int way = 0; way < WAYS; way++) {
		for (uint64_t point = 0; point < t->report->ops; point++) {
			if (t->counter++ % t->share != 0)
				continue;
			t->visited++;
			if ((pid = crash_child()) == 0)
				_exit(!creation_survives(t, (enum way)way, point));
			if ((status = crash_child_end(pid)) != 0)
				complain(t, CREATION, NULL, (enum way)way, point, status);
		}
	}
	return (make_pool(t, &e) == 0 || fail(t, "create: %s", e.msg));
}

/* Between the model's steps; its number for the command line is the step's plus CHANGES. */
static bool
run_change(struct test *t, int step, int only_step, uint64_t only_point, int only_way)
{
	struct err e = ERR_INIT;
	bool ok = true;
	int rc = 0;

	t->change = step;
	if (only_step == step + CHANGES) {
		visit(t, only_step, NULL, (enum way)only_way, only_point);
		reap_all(t, only_step, NULL);
		return (true);
	}
	if (only_step < 0 && !(ok = rehearse(t, step + CHANGES, NULL)))
		printf("FAIL %s change %d: %s\n", t->layout->name, step, t->report->why);
	else if (only_step < 0)
		visit_all(t, step + CHANGES, NULL);
	if (ok && (rc = make_change(t, &e)) != 0)
		ok = fail(t, "change %d (%s): %d %s", step, change_name(change_at(t->layout, step)), rc, e.msg);
	t->model = *model_after_change(t);
	if (change_at(t->layout, step) == CHECKPOINT)
		t->at_checkpoint = t->model;
	t->change = -1;
	return (ok);
}

static bool
run(struct test *t, int only_step, uint64_t only_point, int only_way)
{
	uint64_t history = t->seed;

	for (int step = 0; step < STEPS && t->failed < 10; step++) {
		struct op op = model_choose(&t->model, &history);
		struct err e = ERR_INIT;
		char what[100], why[200];

		op_describe(&op, what, sizeof(what));
		if (only_step < 0) {
			if (!rehearse(t, step, &op)) {
				printf("FAIL %s step %d (%s): %s\n", t->layout->name, step, what,
				    t->report->why);
				return (false);
			}
			visit_all(t, step, &op);
		} else if (step == only_step) {
			visit(t, step, &op, (enum way)only_way, only_point);
			reap_all(t, step, &op);
			return (true);
		}
		if (pool_apply(t->spa, &t->model, &op, &e) != 0)
			return (fail(t, "%s: %s", what, e.msg));
		model_apply(&t->model, &op);
		if (!pool_equals(t->spa, &t->model, why, sizeof(why))) {
			printf("FAIL %s step %d (%s), no fault: %s\n", t->layout->name, step, what, why);
			t->failed++;
			return (false);
		}
		if (has_spare_device(t->layout) && step >= 3 &&
		    !run_change(t, step - 3, only_step, only_point, only_way))
			return (false);
		if (only_step == step - 3 + CHANGES)
			return (true);
	}
	return (true);
}

static unsigned
wanted_jobs(void)
{
	uint64_t n = crash_env("CRASH_JOBS", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));

	return (n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned)n);
}

static bool
test_layout(const struct layout *l, uint64_t seed, char **point, struct totals *sum)
{
	struct test t = {.layout = l, .seed = seed, .rnd = seed, .share = crash_env("CRASH_SHARE", 20),
	    .jobs = wanted_jobs(), .change = -1};
	bool ok;

	t.share = (t.share == 0 ? 1 : t.share) * THINNING * (has_spare_device(l) ? 3 : 1);
	t.reports = mmap(NULL, (JOBS_MAX + 1) * sizeof(*t.reports), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t.report = t.reports;
	make_devices(&t);
	if (point != NULL) {
		struct err e = ERR_INIT;

		ok = make_pool(&t, &e) == 0 &&
		    run(&t, atoi(point[0]), strtoull(point[1], NULL, 10), atoi(point[2]));
	} else {
		ok = create(&t) && run(&t, -1, 0, 0);
	}
	if (!ok && t.report->why[0] != '\0' && t.failed == 0)
		printf("FAIL %s: %s\n", l->name, t.report->why);
	printf("seed %" PRIu64 " %s: %" PRIu64 " crash points, %" PRIu64 " failed\n", seed, l->name, t.visited,
	    t.failed);
	sum->visited += t.visited;
	sum->failed += t.failed;
	sum->unimportable += t.unimportable;
	if (t.spa != NULL)
		spa_close(t.spa);
	for (unsigned i = 0; i < all_devices(l); i++) {
		bdev_close(t.fault[i]);
		bdev_close(t.inner[i]);
	}
	(void)munmap(t.reports, (JOBS_MAX + 1) * sizeof(*t.reports));
	return (ok && t.failed == 0);
}

int
main(int argc, char **argv)
{
	uint64_t seed = crash_env("SEED", 1), seeds = crash_env("CRASH_SEEDS", 1);
	struct totals sum = {0, 0, 0};
	bool ok = true;

	printf("crash_pool: seed %" PRIu64 "\n", seed);
	for (uint64_t s = seed; s < seed + seeds; s++) {
		for (size_t i = 0; i < NLAYOUTS; i++) {
			if (argc < 2 || strcmp(argv[1], layouts[i].name) == 0)
				ok = test_layout(&layouts[i], s, argc == 5 ? argv + 2 : NULL, &sum) && ok;
		}
	}
	printf("%" PRIu64 " crash points: %" PRIu64 " lost, %" PRIu64 " unimportable\n", sum.visited,
	    sum.failed - sum.unimportable, sum.unimportable);
	return (ok ? 0 : 1);
}
