/* SPDX-License-Identifier: MIT */
/*
 * A device under a hostile guest, without KVM.
 *
 * The input is a program of guest accesses: port and memory reads and writes, configuration writes,
 * changes of guest memory, resets, bytes from the host.  A target builds its device in slot 4 (with
 * its BARs at BASE) or at its ports, and is told nothing else.  The oracles are the sanitizers, and
 * the guard pages around guest memory.
 */
#ifndef FUZZ_VMX_H
#define FUZZ_VMX_H

#include <stdint.h>

#include "vmx_util.h"

enum { SLOT = PCI_DEVFN(4, 0), STEPS_MAX = 4096, RUNS_OF_A_BOARD = 64 };
#define BASE 0xc0004000ULL

struct fuzz_target {
	int (*build)(struct vmx_bench *b);
	uint16_t port, ports; /* the ports that accesses fall on; 0: the legacy BAR at 0xc000 */
	uint16_t more, mores; /* a second range */
	uint64_t base, window; /* memory that accesses fall on, a power of two; 0: BASE, 16 KiB */
	void (*place)(struct vmx_bench *b); /* BARs, when they are not SLOT's; may be NULL */
	void (*host)(struct vmx_bench *b, uint8_t byte); /* something from outside; may be NULL */
	void (*end)(struct vmx_bench *b);		 /* what the board does not free */
};

struct tape {
	const uint8_t *p;
	size_t left;
};

static inline uint64_t
tape_take(struct tape *t, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0 && t->left > 0) {
		v = v << 8 | *t->p++;
		t->left--;
	}
	return (v);
}

static inline void
fuzz_memory(struct vmx_bench *b, struct tape *t)
{
	uint64_t at = tape_take(t, 3) & 0x1fffff;
	size_t len = tape_take(t, 1);

	if (len > t->left)
		len = t->left;
	(void)gmem_write(b->mem, at, t->p, len);
	t->p += len;
	t->left -= len;
}

static inline uint64_t
fuzz_address(const struct fuzz_target *f, struct tape *t)
{
	uint64_t off = tape_take(t, 2);

	return (f->window != 0 ? f->base + (off & (f->window - 1)) : BASE + (off & 0x3fff));
}

static inline void
fuzz_place(struct vmx_bench *b, const struct fuzz_target *f)
{
	bench_cfg_set(b, SLOT, 0x10, 0xc000);
	bench_cfg_set(b, SLOT, 0x14, 0xc0000000);
	bench_cfg_set(b, SLOT, 0x20, (uint32_t)BASE);
	bench_cfg_set(b, SLOT, 4, 7);
	if (f->place != NULL)
		f->place(b);
}

static inline void
fuzz_step(struct vmx_bench *b, const struct fuzz_target *f, struct tape *t)
{
	uint8_t op = (uint8_t)tape_take(t, 1);
	unsigned size = 1U << (op >> 4 & 3);
	uint64_t port, span = f->ports != 0 ? f->ports : 128;
	uint64_t first = f->ports != 0 ? f->port : 0xc000;

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		port = tape_take(t, 1) % (span + f->mores);
		port = port < span ? first + port : f->more + port - span;
		if ((op & 15) == 0)
			(void)bench_in(b, (unsigned)port, size < 8 ? size : 4);
		else
			bench_out(b, (unsigned)port, size < 8 ? size : 4,
			    (uint32_t)tape_take(t, (op & 15) == 1 ? 1 : 4));
		break;
	case 3:
		(void)bus_read(b->board->mmio, fuzz_address(f, t), size);
		break;
	case 4:
	case 5:
		port = fuzz_address(f, t);
		bus_write(b->board->mmio, port, size, tape_take(t, (op & 15) == 4 ? 2 : 8));
		break;
	case 6:
	case 7:
		fuzz_memory(b, t);
		break;
	case 8:
		bench_cfg_set(b, SLOT, (unsigned)tape_take(t, 1) & 0xfc, (uint32_t)tape_take(t, 4));
		break;
	case 9:
		if (f->host != NULL)
			f->host(b, (uint8_t)tape_take(t, 1));
		break;
	case 10: /* MSI-X table */
		bus_write(b->board->mmio, 0xc0000000 + (tape_take(t, 2) & 0xfff), size,
		    tape_take(t, 4));
		break;
	case 11:
		board_reset(b->board);
		break;
	default: /* back to where accesses reach the device */
		bench_cfg_set(b, SLOT, 0x24, 0);
		fuzz_place(b, f);
	}
}

/* Saving and loading whatever state the guest has made must work too. */
static inline void
fuzz_save_load(struct vmx_bench *b)
{
	struct buf saved = BUF_INIT;

	if (board_save(b->board, &saved, NULL) == 0)
		(void)board_load(b->board, saved.data, saved.len, NULL);
	buf_free(&saved);
}

static inline void
fuzz_close(struct vmx_bench *b, const struct fuzz_target *f)
{
	bench_close(b);
	if (f->end != NULL)
		f->end(b);
}

/* The board lives for a number of runs: a reset between them is quicker, and is looked at thereby. */
static inline int
fuzz_run(const struct fuzz_target *f, const uint8_t *data, size_t size)
{
	static struct vmx_bench b;
	static unsigned runs;
	struct tape t = {data, size};

	if (runs == 0 && (bench_open(&b) != 0 || f->build(&b) != 0))
		return (0);
	fuzz_place(&b, f);
	for (unsigned i = 0; i < STEPS_MAX && t.left > 0; i++)
		fuzz_step(&b, f, &t);
	if (size % 4 == 0)
		fuzz_save_load(&b);
	runs = (runs + 1) % RUNS_OF_A_BOARD;
	if (runs == 0) {
		fuzz_close(&b, f);
		return (0);
	}
	board_reset(b.board);
	gmem_clear(b.mem);
	return (0);
}

#define FUZZ_TARGET(...)                                                                           \
	static const struct fuzz_target target = {__VA_ARGS__};                                    \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                              \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                               \
	{                                                                                          \
		return (fuzz_run(&target, data, size));                                            \
	}

#endif
