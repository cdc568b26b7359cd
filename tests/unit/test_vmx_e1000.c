/* SPDX-License-Identifier: MIT */
/* e1000 on a socket pair in the tap's place: registers as Intel's manual has them, frames both ways. */
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/vmx/e1000.h"
#include "test.h"
#include "vmx_util.h"

enum { SLOT = PCI_DEVFN(4, 0), TXRING = 0x10000, RXRING = 0x11000, FRAME = 0x20000, BUFS = 0x40000 };
#define REGS 0xc0000000ULL

struct card {
	struct vmx_bench b;
	int wire;
	uint32_t tail;
};

static uint32_t
rd(struct card *c, unsigned at)
{
	return ((uint32_t)bus_read(c->b.board->mmio, REGS + at, 4));
}

static void
wr(struct card *c, unsigned at, uint32_t v)
{
	bus_write(c->b.board->mmio, REGS + at, 4, v);
}

static int
card_open(struct card *c)
{
	struct e1000_spec s = {.mac = {2, 8, 0x20, 1, 2, 3}};
	int fd[2];

	memset(c, 0, sizeof(*c));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd) != 0 || bench_open(&c->b) != 0)
		return (-1);
	s.tap_fd = fd[0];
	c->wire = fd[1];
	if (e1000_new(c->b.board, SLOT, &s, NULL, NULL) != 0)
		return (-1);
	bench_cfg_set(&c->b, SLOT, 0x10, (uint32_t)REGS);
	bench_cfg_set(&c->b, SLOT, 0x14, 0xc000);
	bench_cfg_set(&c->b, SLOT, 4, 7);
	wr(c, 0x3800, TXRING);
	wr(c, 0x3808, 16 * 16);
	wr(c, 0x2800, RXRING);
	wr(c, 0x2808, 16 * 16);
	wr(c, 0x400, 2);
	return (0);
}

static void
card_close(struct card *c)
{
	(void)close(c->wire);
	bench_close(&c->b);
}

static void
desc(struct card *c, const uint8_t d[16])
{
	(void)gmem_write(c->b.mem, TXRING + 16 * c->tail, d, 16);
	c->tail = (c->tail + 1) % 16;
}

static void
desc_legacy(struct card *c, uint64_t addr, uint16_t len, uint8_t cmd)
{
	uint8_t d[16] = {0};

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 2);
	d[11] = cmd;
	desc(c, d);
}

TEST(e1000_eeprom_says_the_address_and_its_sum_is_right)
{
	struct card c;
	uint16_t sum = 0;

	CHECK_EQ(card_open(&c), 0);
	for (unsigned i = 0; i < 64; i++) {
		wr(&c, 0x14, i << 8 | 1);
		CHECK_EQ(rd(&c, 0x14) & 0x10, 0x10);
		sum = (uint16_t)(sum + (rd(&c, 0x14) >> 16));
	}
	CHECK_EQ(sum, 0xbaba);
	wr(&c, 0x14, 1);
	CHECK_EQ(rd(&c, 0x14) >> 16, 0x0802);
	CHECK_EQ(rd(&c, 0x5400), 0x01200802);
	CHECK_EQ(rd(&c, 0x5404), 0x80000302);
	CHECK_EQ(rd(&c, 8) & 3, 3);
	card_close(&c);
}

/* As a driver does it: 110, six bits of address, sixteen of data. */
TEST(e1000_eeprom_is_read_bit_by_bit)
{
	struct card c;
	uint32_t word = 0, command = 6 << 6 | 1;

	CHECK_EQ(card_open(&c), 0);
	wr(&c, 0x10, 0x40);
	CHECK(rd(&c, 0x10) & 0x80);
	wr(&c, 0x10, 0x42);
	for (int i = 8; i >= 0; i--) {
		uint32_t in = (command >> i & 1) << 2;

		wr(&c, 0x10, 0x42 | in);
		wr(&c, 0x10, 0x43 | in);
		wr(&c, 0x10, 0x42 | in);
	}
	for (unsigned i = 0; i < 16; i++) {
		wr(&c, 0x10, 0x43);
		word = word << 1 | (rd(&c, 0x10) >> 3 & 1);
		wr(&c, 0x10, 0x42);
	}
	CHECK_EQ(word, 0x0120);
	card_close(&c);
}

TEST(e1000_phy_is_a_marvell_with_a_link)
{
	struct card c;

	CHECK_EQ(card_open(&c), 0);
	wr(&c, 0x20, 2 << 26 | 1 << 21 | 2 << 16);
	CHECK_EQ(rd(&c, 0x20), 0x10000000U | 2 << 26 | 1 << 21 | 2 << 16 | 0x141);
	wr(&c, 0x20, 2 << 26 | 1 << 21 | 1 << 16);
	CHECK_EQ(rd(&c, 0x20) & 0x24, 0x24);
	wr(&c, 0x20, 2 << 26 | 3 << 21);
	CHECK(rd(&c, 0x20) & 1 << 30);
	card_close(&c);
}

TEST(e1000_sends_a_frame_of_two_descriptors_and_interrupts)
{
	struct card c;
	uint8_t got[256], status;

	CHECK_EQ(card_open(&c), 0);
	for (unsigned i = 0; i < 100; i++)
		*(uint8_t *)gmem_ptr(c.b.mem, FRAME + i, 1) = (uint8_t)i;
	wr(&c, 0xd0, 1);
	desc_legacy(&c, FRAME, 60, 0);
	desc_legacy(&c, FRAME + 60, 40, 9);
	wr(&c, 0x3818, c.tail);
	CHECK_EQ(read(c.wire, got, sizeof(got)), 112);
	CHECK(got[0] == 0 && got[12] == 0 && got[111] == 99);
	CHECK_EQ(rd(&c, 0x3810), 2);
	(void)gmem_read(c.b.mem, TXRING + 16 + 12, &status, 1);
	CHECK_EQ(status & 1, 1);
	CHECK(c.b.line[11]);
	CHECK_EQ(rd(&c, 0xc0) & 1, 1);
	CHECK(!c.b.line[11]);
	CHECK_EQ(rd(&c, 0xc0), 0);
	card_close(&c);
}

TEST(e1000_leaves_checksum_and_segmentation_to_the_tap)
{
	/* ip header at 14, tcp at 34, 54 bytes of headers, mss 1000 */
	static const uint8_t context[16] = {14, 24, 33, 0, 34, 50, 0, 0, 0, 0, 0, 0x27, 0, 54, 0xe8, 3};
	struct card c;
	static uint8_t got[4096];
	uint8_t d[16] = {0}, *f;
	uint64_t addr = FRAME;
	uint32_t word = 2554 | 1 << 20, sum = 0;

	CHECK_EQ(card_open(&c), 0);
	f = gmem_ptr(c.b.mem, FRAME, 2554);
	f[14] = 0x45;
	f[23] = 6;
	f[50] = 0x12;
	f[51] = 0x34;
	desc(&c, context);
	memcpy(d, &addr, 8);
	memcpy(d + 8, &word, 4);
	d[11] = 0x20 | 8 | 4 | 1;
	d[13] = 3;
	desc(&c, d);
	wr(&c, 0x3818, c.tail);
	CHECK_EQ(read(c.wire, got, sizeof(got)), 12 + 2554);
	CHECK_EQ(got[0], 1);
	CHECK_EQ(got[1], 1);
	CHECK_EQ(got[2], 54);
	CHECK_EQ(got[4] | got[5] << 8, 1000);
	CHECK_EQ(got[6], 34);
	CHECK_EQ(got[8], 16);
	CHECK_EQ(got[12 + 16] << 8 | got[12 + 17], 2540);
	CHECK_EQ(got[12 + 50] << 8 | got[12 + 51], 0x1234 + 2520);
	for (unsigned i = 14; i < 34; i += 2)
		sum += (uint32_t)got[12 + i] << 8 | got[12 + i + 1];
	CHECK_EQ((sum & 0xffff) + (sum >> 16), 0xffff); /* the IP header's own sum is right */
	card_close(&c);
}

TEST(e1000_receives_what_is_addressed_to_it_and_lets_the_rest_wait_for_room)
{
	struct card c;
	uint8_t frame[112] = {0}, d[16];
	uint64_t buf = BUFS;

	CHECK_EQ(card_open(&c), 0);
	memcpy(frame + 12, "\x02\x08\x20\x01\x02\x03", 6);
	frame[111] = 77;
	for (unsigned i = 0; i < 16; i++, buf += 2048)
		(void)gmem_write(c.b.mem, RXRING + 16 * i, &buf, 8);
	wr(&c, 0x2818, 1); /* one buffer */
	wr(&c, 0xd0, 0x80);
	wr(&c, 0x100, 2);
	CHECK_EQ(write(c.wire, frame, sizeof(frame)), 112);
	frame[12] = 6;
	CHECK_EQ(write(c.wire, frame, sizeof(frame)), 112); /* somebody else's */
	frame[12] = 2;
	CHECK_EQ(write(c.wire, frame, sizeof(frame)), 112);
	e1000_poll(board_find(c.b.board, "net4"));
	(void)gmem_read(c.b.mem, RXRING, d, 16);
	CHECK_EQ(d[8], 104); /* with the frame check sequence */
	CHECK_EQ(d[12] & 3, 3);
	CHECK_EQ(*(uint8_t *)gmem_ptr(c.b.mem, BUFS + 99, 1), 77);
	CHECK(c.b.line[11]);
	CHECK_EQ(rd(&c, 0x2810), 1);
	wr(&c, 0x2818, 4); /* room: the third comes */
	CHECK_EQ(rd(&c, 0x2810), 2);
	card_close(&c);
}

TEST(e1000_rings_outside_memory_and_wild_indices_harm_nobody)
{
	struct card c;

	CHECK_EQ(card_open(&c), 0);
	wr(&c, 0x3800, 0xfffff000);
	wr(&c, 0x3804, 0xffffffff);
	wr(&c, 0x3818, 9);
	CHECK_EQ(rd(&c, 0x3810), 9);
	wr(&c, 0x3810, 0xffff);
	wr(&c, 0x3818, 3);
	wr(&c, 0x2810, 0xffff);
	wr(&c, 0x100, 2 | 8);
	CHECK_EQ(send(c.wire, &(char[64]){0}, 64, 0), 64);
	e1000_poll(board_find(c.b.board, "net4"));
	CHECK_EQ(rd(&c, 0x2810), 0xffff);
	card_close(&c);
}
