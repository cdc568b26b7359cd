/* SPDX-License-Identifier: MIT */
/*
 * Rings that change while they are read: another thread writes into the descriptors, rings and indirect tables of
 * all queues of a disk, a network card, a console and a vsock, while they are kicked.
 *
 * The input is the first content of that memory.  What the thread writes depends on time, so a finding may need
 * several runs of its input to show again.  Oracles: the sanitizers and the guard pages.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz_vmx.h"

enum { CARDS = 4, RING = 0x10000, RING_SIZE = 0x4000, KICKS = 8 };

static struct vmx_bench bench;
static int wire;

static uint64_t
regs(unsigned card)
{
	return (0xc0100000ULL + 0x100000ULL * card);
}

static void *
scribbler(void *arg)
{
	uint64_t r = 88172645463325252ULL;
	volatile uint8_t *ring = gmem_ptr(bench.mem, RING, RING_SIZE);

	(void)arg;
	for (;;) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		ring[r % RING_SIZE] = (uint8_t)(r >> 56);
		if (r >> 20 % 64 == 0)
			(void)usleep(1);
	}
	return (NULL);
}

static int
dial(void *arg, uint32_t port)
{
	(void)arg;
	(void)port;
	return (-1);
}

static int
cards(struct board *b)
{
	struct vblk_spec blk = {.disk = &mem_disk_new(64 * 512)->b, .serial = "x"};
	struct vnet_spec net = {.mac = {2}};
	struct vvsock_spec vsock = {.cid = 3, .listen_fd = -1, .dial = dial};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	net.tap_fd = fd[0];
	wire = fd[1];
	return (vblk_new(b, PCI_DEVFN(4, 0), &blk, NULL, NULL) |
	    vnet_new(b, PCI_DEVFN(5, 0), &net, NULL, NULL) |
	    vconsole_new(b, PCI_DEVFN(6, 0), NULL, NULL, NULL) |
	    vvsock_new(b, PCI_DEVFN(7, 0), &vsock, NULL, NULL));
}

static int
once(void)
{
	pthread_t t;

	if (bench_open(&bench) != 0 || cards(bench.board) != 0)
		return (-1);
	return (pthread_create(&t, NULL, scribbler, NULL));
}

/* All queues of a card on the same rings. */
static void
card_start(unsigned card, unsigned size)
{
	struct bus *m = bench.board->mmio;
	uint64_t at = regs(card);

	bench_cfg_set(&bench, PCI_DEVFN(4 + card, 0), 0x20, (uint32_t)at);
	bench_cfg_set(&bench, PCI_DEVFN(4 + card, 0), 0x24, 0);
	bench_cfg_set(&bench, PCI_DEVFN(4 + card, 0), 4, 6);
	bus_write(m, at + 0x14, 1, 0);
	bus_write(m, at + 0x14, 1, 11);
	for (unsigned q = 0; q < 3; q++) {
		bus_write(m, at + 0x16, 2, q);
		bus_write(m, at + 0x18, 2, size);
		bus_write(m, at + 0x20, 4, RING);
		bus_write(m, at + 0x28, 4, RING + 0x2000);
		bus_write(m, at + 0x30, 4, RING + 0x3000);
		bus_write(m, at + 0x1c, 2, 1);
	}
	bus_write(m, at + 0x14, 1, 15);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	char sink[4096];

	if (!ready && once() != 0)
		return (0);
	ready = true;
	if (size == 0)
		return (0);
	(void)gmem_write(bench.mem, RING, data, size < RING_SIZE ? size : RING_SIZE);
	for (unsigned card = 0; card < CARDS; card++) {
		card_start(card, 1U << (data[0] & 7));
		for (unsigned i = 0; i < KICKS; i++) {
			uint16_t idx = (uint16_t)(i + data[size / 2]);

			(void)gmem_write(bench.mem, RING + 0x2002, &idx, 2);
			bus_write(bench.board->mmio, regs(card) + 0x3000 + 4 * (i % 3), 2, i % 3);
		}
	}
	while (read(wire, sink, sizeof(sink)) > 0)
		;
	board_reset(bench.board);
	return (0);
}
