/* SPDX-License-Identifier: MIT */
/*
 * A board without KVM, for unit tests and fuzz targets: it records what a host would be asked.
 */
#ifndef VMX_UTIL_H
#define VMX_UTIL_H

#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/board.h"
#include "smartbox/vmx/chr.h"
#include "smartbox/vmx/isa.h"
#include "smartbox/vmx/pci.h"
#include "smartbox/vmx/virtio.h"

struct vmx_bench {
	struct gmem *mem;
	struct board *board;
	bool line[24];
	unsigned msis, resets, poweroffs;
	uint64_t msi_addr;
	uint32_t msi_data;
	uint64_t now;
};

static void
bench_irq(void *arg, unsigned gsi, bool level)
{
	((struct vmx_bench *)arg)->line[gsi] = level;
}

static void
bench_msi(void *arg, uint64_t addr, uint32_t data)
{
	struct vmx_bench *b = arg;

	b->msis++;
	b->msi_addr = addr;
	b->msi_data = data;
}

static void
bench_event(void *arg, enum board_event ev)
{
	struct vmx_bench *b = arg;

	b->resets += ev == BOARD_RESET;
	b->poweroffs += ev == BOARD_POWEROFF;
}

static uint64_t
bench_now(void *arg)
{
	return (((struct vmx_bench *)arg)->now += 1000);
}

static int64_t
bench_wall(void *arg)
{
	(void)arg;
	return (1795272317); /* 2026-11-21 14:45:17 UTC */
}

static const struct board_host bench_host = {.irq = bench_irq, .msi = bench_msi,
    .event = bench_event, .now_ns = bench_now, .wall_s = bench_wall};

/* 0, or what failed.  2 MiB of RAM and the PCI host. */
static inline int
bench_open(struct vmx_bench *b)
{
	memset(b, 0, sizeof(*b));
	if (gmem_new(2 << 20, &b->mem, NULL) != 0 ||
	    board_new(b->mem, &bench_host, b, &b->board, NULL) != 0)
		return (-1);
	return (pci_host_new(b->board, NULL));
}

static inline void
bench_close(struct vmx_bench *b)
{
	board_free(b->board);
	gmem_free(b->mem);
}

static inline uint32_t
bench_in(struct vmx_bench *b, unsigned port, unsigned size)
{
	return ((uint32_t)bus_read(b->board->pio, port, size));
}

static inline void
bench_out(struct vmx_bench *b, unsigned port, unsigned size, uint32_t v)
{
	bus_write(b->board->pio, port, size, v);
}

static inline uint32_t
bench_cfg(struct vmx_bench *b, unsigned devfn, unsigned reg)
{
	bench_out(b, 0xcf8, 4, 0x80000000 | devfn << 8 | reg);
	return (bench_in(b, 0xcfc, 4));
}

static inline void
bench_cfg_set(struct vmx_bench *b, unsigned devfn, unsigned reg, uint32_t v)
{
	bench_out(b, 0xcf8, 4, 0x80000000 | devfn << 8 | reg);
	bench_out(b, 0xcfc, 4, v);
}

/* ---- a disk in memory ---- */

#include "smartbox/vmx/blk.h"

struct mem_disk {
	struct blk_backend b;
	uint8_t *bytes;
	unsigned flushes;
};

static int
mem_disk_readv(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off)
{
	for (unsigned i = 0; i < n; off += iov[i++].iov_len)
		memcpy(iov[i].iov_base, ((struct mem_disk *)b)->bytes + off, iov[i].iov_len);
	return (0);
}

static int
mem_disk_writev(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off)
{
	for (unsigned i = 0; i < n; off += iov[i++].iov_len)
		memcpy(((struct mem_disk *)b)->bytes + off, iov[i].iov_base, iov[i].iov_len);
	return (0);
}

static int
mem_disk_flush(struct blk_backend *b)
{
	((struct mem_disk *)b)->flushes++;
	return (0);
}

static int
mem_disk_discard(struct blk_backend *b, uint64_t off, uint64_t len)
{
	memset(((struct mem_disk *)b)->bytes + off, 0, len);
	return (0);
}

static int
mem_disk_zero(struct blk_backend *b, uint64_t off, uint64_t len, bool unmap)
{
	(void)unmap;
	return (mem_disk_discard(b, off, len));
}

static void
mem_disk_close(struct blk_backend *b)
{
	free(((struct mem_disk *)b)->bytes);
	free(b);
}

static const struct blk_ops mem_disk_ops = {mem_disk_readv, mem_disk_writev, mem_disk_flush,
    mem_disk_discard, mem_disk_zero, mem_disk_close};

static inline struct mem_disk *
mem_disk_new(size_t size)
{
	struct mem_disk *d = calloc(1, sizeof(*d));

	d->b = (struct blk_backend){&mem_disk_ops, size, 512, false};
	d->bytes = calloc(1, size);
	return (d);
}

#endif
