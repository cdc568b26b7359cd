/* SPDX-License-Identifier: MIT */
/*
 * What was committed to the intent log survives a power cut at every single operation, and so does its
 * replay.
 *
 * A random history of changes of files runs in one filesystem; each step is a few changes and then a
 * commit (of one file or of all) or now and then a whole txg. Before each step the process forks, once
 * for each write and flush that the step will do and for each way to lose what was not flushed. The
 * child cuts the power there. What is left is
 *
 *  1. opened read-only: exactly the blocks that are reachable, the log's too, are allocated
 *  2. opened for writing, sometimes with a second power cut during the claim, the replay or the txg
 *     behind it, and then once more
 *  3. compared with an oracle: all that was acknowledged is there, and what the step did not touch;
 *     of a step that was cut there are the names of some moment, and bytes that were written
 *  4. synced and opened read-only again: exactly what is reachable is allocated
 *
 *	crash_zil                         all layouts; CRASH_SHARE=n: 1/n of the points
 *	crash_zil LAYOUT STEP POINT WAY   one point again (SEED= as printed)
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
#include <linux/falloc.h>

#include "../../fs/spa_impl.h"
#include "pool_model.h"
#include "pool_rig.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zil.h"
#include "smartbox/fs/zpl.h"

#define STEPS 40
#define FILES 5
#define SIZE_MAX_FILE 60000u
#define CHANGES_MAX 4
#define THINNING 3

static const struct layout layouts[] = {
    {"disk", NULL, 1, 0, 9, 64 << 20, false, false},
    {"mirror", "mirror", 2, 0, 12, 64 << 20, true, false},
    {"raidz", "raidz", 3, 1, 9, 64 << 20, true, false},
    {"slog", NULL, 2, 0, 12, 64 << 20, false, true},
};
#define NLAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

enum way { WAY_RANDOM, WAY_RANDOM2, WAY_LOSE, WAY_KEEP, WAYS };

/* --- the oracle --- */

struct file {
	bool used;
	uint32_t mode, size;
	uint8_t data[SIZE_MAX_FILE];
};

struct state {
	struct file file[FILES];
};

enum change_kind { CH_WRITE, CH_TRUNCATE, CH_PUNCH, CH_UNLINK, CH_RENAME, CH_EXCHANGE, CH_CHMOD,
	CH_KINDS };

struct change {
	enum change_kind kind;
	unsigned a, b;
	uint32_t off, len, seed;
};

enum finish { COMMIT_ONE, COMMIT_ALL, SYNC };

struct step {
	struct change change[CHANGES_MAX];
	unsigned n;
	enum finish finish;
};

static void
fill(uint8_t *p, const struct change *c)
{
	uint64_t rnd = c->seed;

	for (uint32_t i = 0; i < c->len; i++)
		p[i] = (uint8_t)(i % 512 < 100 ? crash_random(&rnd) : c->seed);
}

static void
state_write(struct file *f, const struct change *c)
{
	if (!f->used) {
		memset(f, 0, sizeof(*f));
		f->used = true;
		f->mode = 0644;
	}
	fill(f->data + c->off, c);
	if (c->off + c->len > f->size)
		f->size = c->off + c->len;
}

static void
state_apply(struct state *s, const struct change *c)
{
	struct file *f = &s->file[c->a], keep;

	switch (c->kind) {
	case CH_WRITE:
		state_write(f, c);
		break;
	case CH_TRUNCATE:
		if (c->len < f->size)
			memset(f->data + c->len, 0, f->size - c->len);
		f->size = c->len;
		break;
	case CH_PUNCH:
		if (c->off < f->size)
			memset(f->data + c->off, 0, c->len < f->size - c->off ? c->len : f->size - c->off);
		break;
	case CH_UNLINK:
		memset(f, 0, sizeof(*f));
		break;
	case CH_RENAME:
		s->file[c->b] = *f;
		memset(f, 0, sizeof(*f));
		break;
	case CH_EXCHANGE:
		keep = *f;
		*f = s->file[c->b];
		s->file[c->b] = keep;
		break;
	default:
		f->mode = c->seed & 0777;
	}
}

static bool
is_possible(const struct state *s, const struct change *c)
{
	bool a = s->file[c->a].used, b = s->file[c->b].used;

	switch (c->kind) {
	case CH_WRITE:
		return (true);
	case CH_RENAME:
		return (a && c->a != c->b);
	case CH_EXCHANGE:
		return (a && b && c->a != c->b);
	default:
		return (a);
	}
}

static struct change
choose_change(const struct state *s, uint64_t *rnd)
{
	static const enum change_kind often[] = {CH_WRITE, CH_WRITE, CH_WRITE, CH_WRITE, CH_TRUNCATE,
	    CH_PUNCH, CH_UNLINK, CH_RENAME, CH_EXCHANGE, CH_CHMOD};
	struct change c;

	do {
		c.kind = often[crash_random(rnd) % (sizeof(often) / sizeof(often[0]))];
		c.a = (unsigned)(crash_random(rnd) % FILES);
		c.b = (unsigned)(crash_random(rnd) % FILES);
		c.seed = (uint32_t)crash_random(rnd);
		c.len = 1 + (uint32_t)(crash_random(rnd) % (crash_random(rnd) % 4 == 0 ? 40000 : 4000));
		c.off = (uint32_t)(crash_random(rnd) % (SIZE_MAX_FILE - c.len));
		if (crash_random(rnd) % 2 == 0)
			c.off %= 5000;
	} while (!is_possible(s, &c));
	return (c);
}

/* The commit of one file says something of that file's changes only: then there is one change. */
static struct step
choose_step(const struct state *old, uint64_t *rnd)
{
	struct step st = {.finish = crash_random(rnd) % 6 == 0 ? SYNC : crash_random(rnd) % 2 == 0 ?
	    COMMIT_ONE : COMMIT_ALL};
	struct state s = *old;

	st.n = st.finish == COMMIT_ONE ? 1 : 1 + (unsigned)(crash_random(rnd) % CHANGES_MAX);
	for (unsigned i = 0; i < st.n; i++) {
		st.change[i] = choose_change(&s, rnd);
		state_apply(&s, &st.change[i]);
	}
	return (st);
}

/* --- the filesystem --- */

struct fs {
	struct spa *spa;
	struct dsl_dataset *ds;
	struct zpl *z;
};

static void
file_name(unsigned i, char name[16])
{
	(void)snprintf(name, 16, "file%u", i);
}

static int
fs_open(struct fs *f, struct spa *spa, bool logged, struct err *e)
{
	int rc;

	*f = (struct fs){.spa = spa};
	if ((rc = dsl_hold(spa, "t/fs", &f->ds, e)) != 0)
		return (rc);
	if ((rc = zpl_open(f->ds, false, &f->z, e)) == 0 && logged)
		rc = zpl_log_start(f->z, NULL);
	return (rc);
}

static void
fs_close(struct fs *f)
{
	zpl_close(f->z);
	dsl_rele(f->ds);
}

static int
write_file(struct zpl *z, const struct change *c, const char *name, uint64_t *obj)
{
	struct zpl_new n = {.mode = S_IFREG | 0644};
	uint8_t *data = malloc(c->len);
	int rc = zpl_lookup(z, zpl_root(z), name, obj);

	fill(data, c);
	if (rc == -ENOENT)
		rc = zpl_create(z, zpl_root(z), name, &n, obj);
	if (rc == 0)
		rc = zpl_write(z, *obj, c->off, c->len, data, false);
	free(data);
	return (rc);
}

static int
rename_file(struct zpl *z, const struct change *c, const char *name)
{
	uint64_t replaced;
	char to[16];
	bool last;
	int rc;

	file_name(c->b, to);
	rc = zpl_rename(z, zpl_root(z), name, zpl_root(z), to, c->kind == CH_EXCHANGE ? 2 : 0, &replaced,
	    &last);
	return (rc == 0 && last ? zpl_free_unlinked(z, replaced) : rc);
}

static int
change_locked(struct zpl *z, const struct change *c, uint64_t *obj)
{
	struct zpl_attr at = {.size = c->len, .mode = c->seed & 0777};
	char name[16];
	bool last;
	int rc;

	file_name(c->a, name);
	if (c->kind == CH_WRITE)
		return (write_file(z, c, name, obj));
	if ((rc = zpl_lookup(z, zpl_root(z), name, obj)) != 0)
		return (rc);
	switch (c->kind) {
	case CH_TRUNCATE:
		return (zpl_setattr(z, *obj, ZA_SIZE, &at));
	case CH_PUNCH:
		return (zpl_fallocate(z, *obj, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, c->off,
		    c->len));
	case CH_CHMOD:
		return (zpl_setattr(z, *obj, ZA_MODE, &at));
	case CH_UNLINK:
		rc = zpl_unlink(z, zpl_root(z), name, obj, &last);
		return (rc == 0 && last ? zpl_free_unlinked(z, *obj) : rc);
	default:
		return (rename_file(z, c, name));
	}
}

static int
step_do(struct fs *f, const struct step *st, struct err *e)
{
	uint64_t obj = 0;
	int rc = 0;

	for (unsigned i = 0; i < st->n && rc == 0; i++) {
		spa_enter(f->spa);
		rc = change_locked(f->z, &st->change[i], &obj);
		spa_exit(f->spa);
	}
	if (rc != 0)
		return (err_rc(e, rc, "a change"));
	if (st->finish != SYNC)
		return (zil_commit_wait(zpl_log(f->z), st->finish == COMMIT_ONE ? obj : 0));
	spa_enter(f->spa);
	rc = spa_sync(f->spa, e);
	spa_exit(f->spa);
	return (rc);
}

/* --- comparing --- */

static int
read_state(struct zpl *z, struct state *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < FILES; i++) {
		struct file *f = &s->file[i];
		struct zpl_attr a;
		char name[16];
		uint64_t obj;
		int rc;

		file_name(i, name);
		if ((rc = zpl_lookup(z, zpl_root(z), name, &obj)) == -ENOENT)
			continue;
		if (rc != 0 || (rc = zpl_getattr(z, obj, &a)) != 0)
			return (rc);
		if (a.size > SIZE_MAX_FILE || a.links != 1)
			return (-EILSEQ);
		f->used = true;
		f->size = (uint32_t)a.size;
		f->mode = a.mode & 0777;
		if ((rc = zpl_read(z, obj, 0, f->size, f->data)) != (int)f->size)
			return (rc < 0 ? rc : -EIO);
	}
	return (0);
}

static bool
is_same(const struct file *a, const struct file *b)
{
	return (a->used == b->used && a->size == b->size && a->mode == b->mode &&
	    memcmp(a->data, b->data, sizeof(a->data)) == 0);
}

static int
differing_file(const struct state *is, const struct state *want)
{
	for (int i = 0; i < FILES; i++)
		if (!is_same(&is->file[i], &want->file[i]))
			return (i);
	return (-1);
}

/* The states before the step and after each of its changes. */
struct versions {
	struct state v[CHANGES_MAX + 1];
	unsigned n;
};

static bool
is_in_some(const struct versions *vs, uint32_t at, uint8_t byte)
{
	for (unsigned k = 0; k < vs->n; k++)
		for (unsigned i = 0; i < FILES; i++)
			if (vs->v[k].file[i].used && vs->v[k].file[i].data[at] == byte)
				return (true);
	return (false);
}

static bool
is_part_of(const struct file *is, const struct versions *vs)
{
	bool mode_known = false;
	uint32_t most = 0;

	for (unsigned k = 0; k < vs->n; k++)
		for (unsigned i = 0; i < FILES; i++) {
			const struct file *f = &vs->v[k].file[i];

			mode_known = mode_known || (f->used && f->mode == is->mode);
			most = f->size > most ? f->size : most;
		}
	for (uint32_t at = 0; at < is->size && is->size <= most; at++)
		if (!is_in_some(vs, at, is->data[at]) && is->data[at] != 0)
			return (false);
	return (is->size <= most && (mode_known || is->mode == 0644));
}

static bool
has_the_names_of(const struct state *is, const struct state *want)
{
	for (unsigned i = 0; i < FILES; i++)
		if (is->file[i].used != want->file[i].used)
			return (false);
	return (true);
}

/* Untouched by the step, in any of its states. */
static bool
is_constant(const struct versions *vs, unsigned i)
{
	for (unsigned k = 1; k < vs->n; k++)
		if (!is_same(&vs->v[k].file[i], &vs->v[0].file[i]))
			return (false);
	return (true);
}

/*
 * Of a step that was cut: the names of one of its states; what it touched holds bytes that it had in any
 * of them, since the log takes a file's data as it is when it is committed.
 */
static bool
is_cut_short(const struct state *is, const struct versions *vs)
{
	bool names = false;

	for (unsigned k = 0; k < vs->n && !names; k++)
		names = has_the_names_of(is, &vs->v[k]);
	for (unsigned i = 0; i < FILES && names; i++)
		if (!is->file[i].used && !is_constant(vs, i))
			continue;
		else if (is_constant(vs, i) ? !is_same(&is->file[i], &vs->v[0].file[i]) :
		    !is_part_of(&is->file[i], vs))
			return (false);
	return (names);
}

/* Could the step leave this?  If it was acknowledged, there is but one answer. */
static bool
is_explained(const struct state *is, const struct state *old, const struct step *st, bool done)
{
	struct versions *vs = calloc(1, sizeof(*vs));
	bool ok;

	vs->v[0] = *old;
	for (vs->n = 1; vs->n <= st->n; vs->n++) {
		vs->v[vs->n] = vs->v[vs->n - 1];
		state_apply(&vs->v[vs->n], &st->change[vs->n - 1]);
	}
	ok = done ? differing_file(is, &vs->v[st->n]) < 0 : is_cut_short(is, vs);
	free(vs);
	return (ok);
}

/* --- the test --- */

struct report {
	uint64_t ops;
	char why[512];
};

struct test {
	const struct layout *layout;
	uint64_t seed, rnd;
	struct fault_plan plan;
	struct bdev *fault[DEVICES_MAX], *inner[DEVICES_MAX];
	struct spa *spa;
	struct fs fs;
	struct state state;
	struct report *report;
	uint64_t visited, counter, share, failed;
};

__attribute__((format(printf, 2, 3))) static bool
fail(struct test *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t->report->why, sizeof(t->report->why), fmt, ap);
	va_end(ap);
	return (false);
}

static void
wrap_devices(struct test *t)
{
	t->plan = (struct fault_plan){.cut_at = UINT64_MAX, .fail_at = UINT64_MAX};
	for (unsigned i = 0; i < t->layout->devices; i++)
		if (bdev_fault_new(crash_view(t->inner[i]), &t->plan, &t->fault[i], NULL) != 0)
			abort();
}

static void
arm(struct test *t, enum way way, uint64_t point)
{
	t->plan.seed = t->seed ^ point * 77 ^ way;
	t->plan.lose_all = way == WAY_LOSE;
	t->plan.keep_all = way == WAY_KEEP;
	t->plan.cut_at = t->plan.ops + point;
}

static bool
make_pool(struct test *t)
{
	struct fs_os os = crash_os(&t->rnd);
	struct nvlist *tree = crash_vdev_tree(t->layout);
	struct spa_create_opts o = {.name = "t", .vdev_tree = tree, .ashift = t->layout->ashift,
	    .os = &os, .bdevs = t->fault};
	struct zpl_init init = {.mode = 0755};
	struct nvlist *props = nv_new();
	struct dsl_create c = {.props = props, .name = "t/fs", .type = 2, .init = zpl_init_objset, .arg = &init};
	struct err e = ERR_INIT;
	int rc;

	for (unsigned i = 0; i < t->layout->devices; i++)
		if (bdev_mem_new("mem", t->layout->size, &t->inner[i], NULL) != 0)
			abort();
	wrap_devices(t);
	rc = spa_create(&o, &t->spa, &e);
	nv_free(tree);
	if (rc != 0)
		return (fail(t, "create: %s", e.msg));
	workers_free(t->spa->workers); /* threads do not survive a fork */
	t->spa->workers = NULL;
	if (t->layout->redundant) /* two of the layouts, with records that point at their data */
		(void)nv_add_str(props, "logbias", "throughput");
	spa_enter(t->spa);
	if ((rc = dsl_create(t->spa, &c, &e)) == 0)
		rc = fs_open(&t->fs, t->spa, true, &e);
	spa_exit(t->spa);
	nv_free(props);
	return (rc == 0 || fail(t, "create t/fs: %s", e.msg));
}

static int
open_pool(struct test *t, struct bdev *const *bd, bool readonly, struct spa **spa, struct err *e)
{
	struct fs_os os = crash_os(&t->rnd);
	struct bdev *given[DEVICES_MAX];
	struct nvlist *config = crash_config(bd, t->layout->devices);
	struct spa_import_opts o = {.config = config, .readonly = readonly, .force = true, .os = &os,
	    .bdevs = given, .nbdevs = t->layout->devices};
	int rc;

	if (config == NULL)
		return (err_set(e, ENOENT, "no label"));
	memcpy(given, bd, t->layout->devices * sizeof(*given));
	rc = spa_import(&o, spa, e);
	nv_free(config);
	return (rc);
}

/* As a power cut would: nothing more is written. */
static void
drop_pool(struct test *t, struct spa *spa, struct fs *fs, struct bdev **bd)
{
	(void)t;
	spa_enter(spa);
	spa->suspended = true;
	if (fs != NULL)
		fs_close(fs);
	spa_exit(spa);
	crash_close_keeping(spa, bd);
}

static void
unwrap_devices(struct test *t, struct spa *spa, struct fs *fs)
{
	struct bdev *fault[DEVICES_MAX];

	drop_pool(t, spa, fs, fault);
	for (unsigned i = 0; i < t->layout->devices; i++)
		t->inner[i] = bdev_fault_take(fault[i]);
}

static bool
space_is_exact(struct test *t, const char *when)
{
	struct err e = ERR_INIT;
	struct spa *spa;
	char why[256];
	bool ok;

	if (open_pool(t, t->inner, true, &spa, &e) != 0)
		return (fail(t, "%s: does not open: %s", when, e.msg));
	if (!(ok = pool_space_is_exact(spa, why, sizeof(why))))
		fail(t, "%s: space: %s", when, why);
	crash_close_keeping(spa, t->inner);
	return (ok);
}

/* Import, replay and a txg behind it. */
static int
recover(struct test *t, struct bdev *const *bd, struct spa **spa, struct fs *fs, struct err *e)
{
	int rc = open_pool(t, bd, false, spa, e);

	*fs = (struct fs){.spa = NULL};
	if (rc != 0) {
		*spa = NULL;
		return (rc);
	}
	spa_enter(*spa);
	if ((rc = fs_open(fs, *spa, true, e)) == 0 && zpl_replayed(fs->z)->failed != 0)
		rc = err_set(e, EILSEQ, "record of type %d: %d", (int)zpl_replayed(fs->z)->failed_type,
		    zpl_replayed(fs->z)->failed);
	if (rc == 0)
		rc = spa_sync(*spa, e);
	spa_exit(*spa);
	return (rc);
}

/* The power goes again while the log is claimed or replayed. */
static void
cut_again(struct test *t, enum way way, uint64_t point)
{
	struct err e = ERR_INIT;
	struct spa *spa;
	struct fs fs;

	wrap_devices(t);
	arm(t, way, 1 + crash_random(&t->rnd) % (4 + point % 60));
	(void)recover(t, t->fault, &spa, &fs, &e);
	if (spa != NULL) {
		unwrap_devices(t, spa, fs.ds != NULL ? &fs : NULL);
		return;
	}
	/* A failed import closed the wrappers: what they held is in the devices as it was. */
}

static bool
recovered(struct test *t, const struct step *st, bool done)
{
	struct err e = ERR_INIT;
	struct state is;
	struct spa *spa;
	struct fs fs;
	bool ok;
	int rc, at;

	if ((rc = recover(t, t->inner, &spa, &fs, &e)) != 0)
		return (fail(t, "does not recover: %d %s", rc, e.msg));
	spa_enter(spa);
	rc = read_state(fs.z, &is);
	spa_exit(spa);
	if (rc != 0)
		return (fail(t, "cannot be read: %d", rc));
	ok = is_explained(&is, &t->state, st, done);
	drop_pool(t, spa, &fs, t->inner);
	if (ok)
		return (true);
	for (unsigned i = 0; i < st->n; i++)
		state_apply(&t->state, &st->change[i]);
	at = differing_file(&is, &t->state);
	return (fail(t, "%s: file%d used %d size %u mode %o, not %d %u %o", done ? "acknowledged" : "cut",
	    at, is.file[at].used, is.file[at].size, is.file[at].mode, t->state.file[at].used,
	    t->state.file[at].size, t->state.file[at].mode));
}

static bool
visit_step(struct test *t, const struct step *st, enum way way, uint64_t point)
{
	struct err e = ERR_INIT;
	int rc;

	arm(t, way, point);
	rc = step_do(&t->fs, st, &e);
	unwrap_devices(t, t->spa, &t->fs);
	if (!space_is_exact(t, "after the cut"))
		return (false);
	if (crash_random(&t->rnd) % 2 == 0) {
		cut_again(t, way, point);
		if (!space_is_exact(t, "after the second cut"))
			return (false);
	}
	return (recovered(t, st, rc == 0) && space_is_exact(t, "after the replay"));
}

/* --- children --- */

static bool
rehearse(struct test *t, const struct step *st)
{
	pid_t pid = crash_child();

	if (pid == 0) {
		struct err e = ERR_INIT;
		uint64_t ops = t->plan.ops;
		int rc = step_do(&t->fs, st, &e);

		t->report->ops = t->plan.ops - ops;
		if (rc != 0)
			fail(t, "the step itself fails: %d %s", rc, e.msg);
		_exit(rc != 0);
	}
	return (crash_child_end(pid) == 0);
}

static void
complain(struct test *t, int step, enum way way, uint64_t point, int status)
{
	if (WIFSIGNALED(status))
		fail(t, "signal %d", WTERMSIG(status));
	printf("FAIL %s step %d point %" PRIu64 " way %d: %s\n", t->layout->name, step, point, way,
	    t->report->why);
	printf("    repeat: SEED=%" PRIu64 " build/tests/crash/crash_zil %s %d %" PRIu64 " %d\n",
	    t->seed, t->layout->name, step, point, way);
	t->failed++;
}

static void
visit(struct test *t, int step, const struct step *st, enum way way, uint64_t point)
{
	pid_t pid;
	int status;

	t->report->why[0] = '\0';
	t->visited++;
	t->rnd = t->seed * 31 + (uint64_t)step * 1000003 + point * 7 + way;
	if ((pid = crash_child()) == 0)
		_exit(!visit_step(t, st, way, point));
	if ((status = crash_child_end(pid)) != 0)
		complain(t, step, way, point, status);
}

static void
visit_all(struct test *t, int step, const struct step *st)
{
	for (int way = 0; way < WAYS; way++)
		for (uint64_t point = 0; point <= t->report->ops && t->failed < 10; point++)
			if (t->counter++ % t->share == t->seed % t->share)
				visit(t, step, st, (enum way)way, point);
}

static bool
run(struct test *t, int only_step, uint64_t only_point, int only_way)
{
	uint64_t history = t->seed;

	for (int step = 0; step < STEPS && t->failed < 10; step++) {
		struct step st = choose_step(&t->state, &history);
		struct err e = ERR_INIT;
		uint64_t keep = t->rnd = t->seed * 7919 + (uint64_t)step;

		if (only_step < 0) {
			if (!rehearse(t, &st))
				return (fail(t, "step %d: %s", step, t->report->why));
			visit_all(t, step, &st);
		} else if (step == only_step) {
			visit(t, step, &st, (enum way)only_way, only_point);
			return (true);
		}
		t->rnd = keep;
		if (step_do(&t->fs, &st, &e) != 0)
			return (fail(t, "step %d: %s", step, e.msg));
		for (unsigned i = 0; i < st.n; i++)
			state_apply(&t->state, &st.change[i]);
	}
	return (true);
}

static bool
test_layout(const struct layout *l, uint64_t seed, char **point)
{
	struct test *t = calloc(1, sizeof(*t));
	bool ok;

	t->layout = l;
	t->seed = t->rnd = seed;
	t->share = crash_env("CRASH_SHARE", 20);
	t->share = (t->share == 0 ? 1 : t->share) * THINNING;
	t->report = mmap(NULL, sizeof(*t->report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	    0);
	ok = make_pool(t) && run(t, point != NULL ? atoi(point[0]) : -1,
	    point != NULL ? strtoull(point[1], NULL, 10) : 0, point != NULL ? atoi(point[2]) : 0);
	if (!ok && t->failed == 0)
		printf("FAIL %s: %s\n", l->name, t->report->why);
	printf("%s: %" PRIu64 " crash points, %" PRIu64 " failed\n", l->name, t->visited, t->failed);
	ok = ok && t->failed == 0;
	free(t);
	return (ok);
}

int
main(int argc, char **argv)
{
	uint64_t seed = crash_env("SEED", 1);
	bool ok = true;

	printf("crash_zil: seed %" PRIu64 "\n", seed);
	for (size_t i = 0; i < NLAYOUTS; i++)
		if (argc < 2 || strcmp(argv[1], layouts[i].name) == 0)
			ok = test_layout(&layouts[i], seed, argc == 5 ? argv + 2 : NULL) && ok;
	return (ok ? 0 : 1);
}
