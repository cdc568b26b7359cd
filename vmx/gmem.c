/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory.
 *
 *	0        640K   768K                3G          4G
 *	+---------+......+------------------+...........+-------------------+
 *	| RAM     | VGA  | RAM (ROM copies) |  PCI, APIC| RAM               |
 *	+---------+......+------------------+...........+-------------------+
 *
 * One memfd holds all RAM, low part first, mapped once between two guard pages.  The VGA hole's bytes
 * exist in the file and are never shown to the guest: 128 KiB of address space, no memory.
 */
#include "smartbox/vmx/gmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ULL

struct gmem {
	int fd;
	uint64_t ram, low, high; /* bytes: all, below the hole, above 4 GiB */
	uint8_t *map;		 /* with guard pages */
	struct gmem_region region[GMEM_MAX_REGIONS];
	unsigned nregions;
};

static void
region_add(struct gmem *m, uint64_t gpa, uint64_t size, uint64_t fd_offset)
{
	if (size == 0)
		return;
	m->region[m->nregions++] = (struct gmem_region){
	    .gpa = gpa, .size = size, .hva = m->map + PAGE + fd_offset, .fd_offset = fd_offset};
}

static int
map_ram(struct gmem *m, struct err *e)
{
	size_t len = m->ram + 2 * PAGE;

	if ((m->fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
		return (err_sys(e, errno, "memfd_create"));
	/* Sealed: a disk's server that maps it must be sure that it stays as long as it is. */
	if (ftruncate(m->fd, (off_t)m->ram) != 0 ||
	    fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return (err_sys(e, errno, "cannot size guest memory"));
	m->map = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return (err_sys(e, errno, "cannot reserve %zu bytes", len));
	}
	if (mmap(m->map + PAGE, m->ram, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd,
		0) == MAP_FAILED)
		return (err_sys(e, errno, "cannot map guest memory"));
	(void)madvise(m->map + PAGE, m->ram, MADV_DONTDUMP);
	(void)madvise(m->map + PAGE, m->ram, MADV_HUGEPAGE);
	return (0);
}

int
gmem_new(uint64_t ram_bytes, struct gmem **out, struct err *e)
{
	struct gmem *m;
	int rc;

	if (ram_bytes < (1 << 20) || ram_bytes % (1 << 20) != 0 || ram_bytes > (1ULL << 40))
		return (err_set(e, EINVAL, "guest memory must be whole MiB, from 1 MiB to 1 TiB"));
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	m->fd = -1;
	m->ram = ram_bytes;
	m->low = ram_bytes < GMEM_HOLE ? ram_bytes : GMEM_HOLE;
	m->high = ram_bytes - m->low;
	if ((rc = map_ram(m, e)) != 0) {
		gmem_free(m);
		return (rc);
	}
	region_add(m, 0, GMEM_VGA_HOLE, 0);
	region_add(m, GMEM_VGA_HOLE_END, m->low - GMEM_VGA_HOLE_END, GMEM_VGA_HOLE_END);
	region_add(m, GMEM_HIGH, m->high, m->low);
	*out = m;
	return (0);
}

void
gmem_free(struct gmem *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->nregions; i++) {
		if (m->region[i].rom)
			(void)munmap(m->region[i].hva, m->region[i].size);
	}
	if (m->map != NULL)
		(void)munmap(m->map, m->ram + 2 * PAGE);
	if (m->fd >= 0)
		(void)close(m->fd);
	free(m);
}

int
gmem_fd(const struct gmem *m)
{
	return (m->fd);
}

uint64_t
gmem_ram(const struct gmem *m)
{
	return (m->ram);
}

uint64_t
gmem_low_top(const struct gmem *m)
{
	return (m->low);
}

uint64_t
gmem_high_top(const struct gmem *m)
{
	return (GMEM_HIGH + m->high);
}

const struct gmem_region *
gmem_regions(const struct gmem *m, unsigned *n)
{
	*n = m->nregions;
	return (m->region);
}

int
gmem_add_rom(struct gmem *m, uint64_t gpa, uint64_t size, uint8_t **hva, struct err *e)
{
	void *p;

	if (m->nregions == GMEM_MAX_REGIONS || size == 0 || (gpa | size) % PAGE != 0)
		return (err_set(e, EINVAL, "a ROM must be whole pages"));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return (err_sys(e, errno, "cannot map a ROM"));
	m->region[m->nregions++] =
	    (struct gmem_region){.gpa = gpa, .size = size, .hva = p, .rom = true};
	*hva = p;
	return (0);
}

void *
gmem_ptr(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < m->nregions; i++) {
		const struct gmem_region *r = &m->region[i];

		if (!r->rom && gpa >= r->gpa && gpa - r->gpa <= r->size &&
		    len <= r->size - (gpa - r->gpa))
			return (r->hva + (gpa - r->gpa));
	}
	return (NULL);
}

int
gmem_read(const struct gmem *m, uint64_t gpa, void *buf, size_t len)
{
	const void *p = gmem_ptr(m, gpa, len);

	if (p == NULL)
		return (-EFAULT);
	memcpy(buf, p, len);
	return (0);
}

int
gmem_write(struct gmem *m, uint64_t gpa, const void *buf, size_t len)
{
	void *p = gmem_ptr(m, gpa, len);

	if (p == NULL)
		return (-EFAULT);
	memcpy(p, buf, len);
	return (0);
}

int
gmem_discard(struct gmem *m, uint64_t gpa, uint64_t len)
{
	uint8_t *p = gmem_ptr(m, gpa, len);

	if (p == NULL || (gpa | len) % PAGE != 0)
		return (-EFAULT);
	if (fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, p - (m->map + PAGE),
		(off_t)len) != 0)
		return (-errno);
	return (0);
}

void
gmem_clear(struct gmem *m)
{
	(void)fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)m->ram);
}
