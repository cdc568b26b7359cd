/* SPDX-License-Identifier: MIT */
/*
 * A bus: a sorted array of ranges behind a reader-writer lock.
 *
 * The lock is dropped before a device is called, so a device may move its own ranges from inside an
 * access.  That an access may then reach a device whose range has just moved is harmless: devices
 * outlive the guest, and real buses are no stricter.
 */
#include "smartbox/vmx/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/board.h"

enum { BUS_RANGES = 128 };

struct range {
	uint64_t base, len;
	struct device *dev;
	const struct bus_ops *ops;
};

struct bus {
	pthread_rwlock_t lock;
	struct range range[BUS_RANGES];
	unsigned n;
};

struct bus *
bus_new(void)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (b != NULL)
		(void)pthread_rwlock_init(&b->lock, NULL);
	return (b);
}

void
bus_free(struct bus *b)
{
	if (b != NULL)
		(void)pthread_rwlock_destroy(&b->lock);
	free(b);
}

/* The number of ranges that begin at or below addr. */
static unsigned
bus_upper(const struct bus *b, uint64_t addr)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (b->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static int
bus_insert(struct bus *b, const struct range *r)
{
	unsigned i = bus_upper(b, r->base);

	if (b->n == BUS_RANGES)
		return (-ENOSPC);
	if (i > 0 && r->base - b->range[i - 1].base < b->range[i - 1].len)
		return (-EEXIST);
	if (i < b->n && b->range[i].base - r->base < r->len)
		return (-EEXIST);
	memmove(&b->range[i + 1], &b->range[i], (b->n - i) * sizeof(b->range[0]));
	b->range[i] = *r;
	b->n++;
	return (0);
}

int
bus_add(struct bus *b, uint64_t base, uint64_t len, struct device *d, const struct bus_ops *ops)
{
	struct range r = {base, len, d, ops};
	int rc;

	if (len == 0 || base + (len - 1) < base)
		return (-EINVAL);
	(void)pthread_rwlock_wrlock(&b->lock);
	rc = bus_insert(b, &r);
	(void)pthread_rwlock_unlock(&b->lock);
	return (rc);
}

void
bus_remove(struct bus *b, uint64_t base, struct device *d)
{
	unsigned i;

	(void)pthread_rwlock_wrlock(&b->lock);
	i = bus_upper(b, base);
	if (i > 0 && b->range[i - 1].base == base && b->range[i - 1].dev == d) {
		memmove(&b->range[i - 1], &b->range[i], (b->n - i) * sizeof(b->range[0]));
		b->n--;
	}
	(void)pthread_rwlock_unlock(&b->lock);
}

/* The range that holds all of [addr, addr + size), copied out. */
static bool
bus_find(struct bus *b, uint64_t addr, unsigned size, struct range *out)
{
	bool found = false;
	unsigned i;

	(void)pthread_rwlock_rdlock(&b->lock);
	i = bus_upper(b, addr);
	if (i > 0) {
		*out = b->range[i - 1];
		found = addr - out->base < out->len && size <= out->len - (addr - out->base);
	}
	(void)pthread_rwlock_unlock(&b->lock);
	return (found);
}

static uint64_t
size_mask(unsigned size)
{
	return (size >= 8 ? UINT64_MAX : (1ULL << size * 8) - 1);
}

uint64_t
bus_read(struct bus *b, uint64_t addr, unsigned size)
{
	struct range r;
	uint64_t v;

	if (!bus_find(b, addr, size, &r) || r.ops->read == NULL)
		return (size_mask(size));
	(void)pthread_mutex_lock(&r.dev->lock);
	v = r.ops->read(r.dev, addr - r.base, size);
	(void)pthread_mutex_unlock(&r.dev->lock);
	return (v & size_mask(size));
}

void
bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t value)
{
	struct range r;

	if (!bus_find(b, addr, size, &r) || r.ops->write == NULL)
		return;
	(void)pthread_mutex_lock(&r.dev->lock);
	r.ops->write(r.dev, addr - r.base, size, value & size_mask(size));
	(void)pthread_mutex_unlock(&r.dev->lock);
}
