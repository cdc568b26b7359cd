/* SPDX-License-Identifier: MIT */
/*
 * Fault injection: a block device that loses power.
 *
 * Writes go to the inner device at once, so that reads see them; for each byte range written since
 * the last flush the old content is kept.  When the plan's cut comes, everything since the last
 * flush is first undone (newest first), and then a random part of it is done again: each write is
 * kept, dropped, or torn at a sector, in random order, as a disk with a volatile cache may do.
 *
 * One plan is shared by all devices of a pool and counts their operations together.  Invariants:
 *	1. before the cut the device behaves exactly as the inner one;
 *	2. what was flushed before the cut survives it;
 *	3. after the cut nothing changes the inner device, every operation gives -EIO.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/bdev.h"

struct pending {
	uint64_t off;
	size_t len;
	char *before, *after; /* after == before + len, one allocation */
};

struct fault_bdev {
	struct bdev bd;
	struct bdev *inner;
	struct fault_plan *plan;
	struct pending *log;
	size_t nlog, cap;
	bool settled; /* the cut was applied to this device */
};

static uint64_t
next_random(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15ULL); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31));
}

static void
forget_log(struct fault_bdev *f)
{
	for (size_t i = 0; i < f->nlog; i++)
		free(f->log[i].before);
	f->nlog = 0;
}

static void
undo_all(struct fault_bdev *f)
{
	for (size_t i = f->nlog; i-- > 0;)
		(void)bdev_write(f->inner, f->log[i].before, f->log[i].len, f->log[i].off);
}

/* How much of a write survives: nothing, all, or a run of whole sectors at its start. */
static size_t
surviving_bytes(const struct fault_plan *p, size_t len, uint64_t *rnd)
{
	uint64_t dice = next_random(rnd) % 4;

	if (p->keep_all)
		return (len);
	if (p->lose_all || dice == 0)
		return (0);
	if (dice < 3)
		return (len);
	return ((size_t)(next_random(rnd) % (len / 512 + 1)) * 512);
}

static void
shuffle(struct pending *v, size_t n, uint64_t *rnd)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)(next_random(rnd) % i);
		struct pending t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}

/* Invariants 2 and 3: make the inner device what the power cut left. */
static void
settle(struct fault_bdev *f)
{
	uint64_t rnd = f->plan->seed ^ f->plan->cut_at * 0x2545f4914f6cdd1dULL;

	if (f->settled)
		return;
	f->settled = true;
	undo_all(f);
	if (!f->plan->keep_all)
		shuffle(f->log, f->nlog, &rnd);
	for (size_t i = 0; i < f->nlog; i++) {
		size_t n = surviving_bytes(f->plan, f->log[i].len, &rnd);

		(void)bdev_write(f->inner, f->log[i].after, n, f->log[i].off);
	}
	forget_log(f);
}

/* Count an operation; -EIO when it is the failing one or the power is gone. */
static int
count(struct fault_bdev *f, bool mutates)
{
	struct fault_plan *p = f->plan;
	uint64_t all = p->ops_all++;

	if (mutates && p->ops++ == p->cut_at)
		p->is_cut = true;
	if (p->is_cut) {
		settle(f);
		return (-EIO);
	}
	if (all == p->fail_at)
		return (p->fail_errno != 0 ? -p->fail_errno : -EIO);
	return (0);
}

static int
fault_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	struct fault_bdev *f = (struct fault_bdev *)bd;
	int rc = count(f, false);

	return (rc != 0 ? rc : bdev_read(f->inner, buf, len, off));
}

static int
grow_log(struct fault_bdev *f)
{
	size_t cap = f->cap != 0 ? f->cap * 2 : 64;
	struct pending *v;

	if (f->nlog < f->cap)
		return (0);
	if ((v = realloc(f->log, cap * sizeof(*v))) == NULL)
		return (-ENOMEM);
	f->log = v;
	f->cap = cap;
	return (0);
}

static int
remember(struct fault_bdev *f, const void *buf, size_t len, uint64_t off)
{
	struct pending w = {off, len, malloc(2 * len + 1), NULL};
	int rc;

	if (w.before == NULL || grow_log(f) != 0) {
		free(w.before);
		return (-ENOMEM);
	}
	w.after = w.before + len;
	memcpy(w.after, buf, len);
	if ((rc = bdev_read(f->inner, w.before, len, off)) != 0) {
		free(w.before);
		return (rc);
	}
	f->log[f->nlog++] = w;
	return (0);
}

static int
fault_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	struct fault_bdev *f = (struct fault_bdev *)bd;
	int rc = count(f, true);

	if (rc != 0)
		return (rc);
	if ((rc = remember(f, buf, len, off)) != 0)
		return (rc);
	return (bdev_write(f->inner, buf, len, off));
}

static int
fault_flush(struct bdev *bd)
{
	struct fault_bdev *f = (struct fault_bdev *)bd;
	int rc = count(f, true);

	if (rc == 0 && (rc = bdev_flush(f->inner)) == 0)
		forget_log(f);
	return (rc);
}

static void
fault_free(struct fault_bdev *f)
{
	forget_log(f);
	free(f->log);
	free(f->bd.name);
	free(f);
}

static void
fault_close(struct bdev *bd)
{
	struct fault_bdev *f = (struct fault_bdev *)bd;

	bdev_close(f->inner);
	fault_free(f);
}

static const struct bdev_ops fault_ops = {fault_read, fault_write, fault_flush, NULL, fault_close, NULL};

int
bdev_fault_new(struct bdev *inner, struct fault_plan *plan, struct bdev **out, struct err *e)
{
	struct fault_bdev *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->bd.name = strdup(inner->name)) == NULL) {
		free(f);
		return (err_set(e, ENOMEM, "%s: out of memory", inner->name));
	}
	f->bd.ops = &fault_ops;
	f->bd.size = inner->size;
	f->bd.logical_block = inner->logical_block;
	f->bd.physical_block = inner->physical_block;
	f->inner = inner;
	f->plan = plan;
	*out = &f->bd;
	return (0);
}

struct bdev *
bdev_fault_take(struct bdev *fault)
{
	struct fault_bdev *f = (struct fault_bdev *)fault;
	struct bdev *inner = f->inner;

	if (f->plan->is_cut)
		settle(f);
	fault_free(f);
	return (inner);
}
