/* SPDX-License-Identifier: MIT */
/*
 * A bus: which device answers an address.  One for ports, one for memory.
 *
 * Ranges never overlap; what would overlap is refused, which is what a guest gets that programs a
 * BAR onto something else.  Nobody home reads as all ones.  Accesses may come from any thread; the
 * device's lock is taken around its callback.
 */
#ifndef SMARTBOX_VMX_BUS_H
#define SMARTBOX_VMX_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct bus;

/* off is relative to the range's base; size is 1, 2, 4 or 8 and off + size lies inside the range. */
struct bus_ops {
	uint64_t (*read)(struct device *d, uint64_t off, unsigned size);
	void (*write)(struct device *d, uint64_t off, unsigned size, uint64_t value);
};

struct bus *bus_new(void); /* NULL: out of memory */
void bus_free(struct bus *b);
/* -EEXIST: something is there; -ENOSPC: too many ranges; -EINVAL: empty or beyond the end. */
int bus_add(struct bus *b, uint64_t base, uint64_t len, struct device *d,
    const struct bus_ops *ops);
void bus_remove(struct bus *b, uint64_t base, struct device *d);
uint64_t bus_read(struct bus *b, uint64_t addr, unsigned size);
void bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t value);

#endif
