/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory: the one place where a guest address becomes a host pointer.
 *
 * RAM is one memfd (so that a vhost-user process can map it), seen at 0..640 KiB, 768 KiB..the hole
 * at 3 GiB, and from 4 GiB on.  ROMs are further regions that the guest cannot write.
 */
#ifndef SMARTBOX_VMX_GMEM_H
#define SMARTBOX_VMX_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

#define GMEM_VGA_HOLE	  0xa0000ULL
#define GMEM_VGA_HOLE_END 0xc0000ULL
#define GMEM_HOLE	  0xc0000000ULL
#define GMEM_HIGH	  0x100000000ULL

enum { GMEM_MAX_REGIONS = 6 };

struct gmem_region {
	uint64_t gpa, size;
	uint8_t *hva;
	uint64_t fd_offset; /* in gmem_fd(); RAM only */
	bool rom;
};

struct gmem;

int gmem_new(uint64_t ram_bytes, struct gmem **out, struct err *e);
void gmem_free(struct gmem *m); /* NULL is fine */
int gmem_fd(const struct gmem *m);
uint64_t gmem_ram(const struct gmem *m);
uint64_t gmem_low_top(const struct gmem *m);  /* end of RAM below the hole */
uint64_t gmem_high_top(const struct gmem *m); /* end of RAM above 4 GiB, or 4 GiB */
const struct gmem_region *gmem_regions(const struct gmem *m, unsigned *n);

/* A read-only region, size a multiple of 4096; *hva is where the host fills it. */
int gmem_add_rom(struct gmem *m, uint64_t gpa, uint64_t size, uint8_t **hva, struct err *e);

/*
 * The host address of guest RAM [gpa, gpa + len), or NULL unless all of it lies inside one RAM
 * region.  The guest may change these bytes at any moment: read each field once.
 */
void *gmem_ptr(const struct gmem *m, uint64_t gpa, uint64_t len);

/* Copies; -EFAULT when any byte lies outside RAM (nothing is copied then). */
int gmem_read(const struct gmem *m, uint64_t gpa, void *buf, size_t len);
int gmem_write(struct gmem *m, uint64_t gpa, const void *buf, size_t len);
/* Give the pages back to the host; the guest then reads zeros. */
int gmem_discard(struct gmem *m, uint64_t gpa, uint64_t len);
/* Zero all RAM by giving it back: what a power cycle does. */
void gmem_clear(struct gmem *m);

#endif
