/* SPDX-License-Identifier: MIT */
/* virtio-vsock: a driver that polls on one side, socket pairs on the other. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "vmx_util.h"

enum { SLOT = PCI_DEVFN(4, 0), QUEUES = 0x10000, PER_QUEUE = 0x20000, DATA = 0x4000, ROOM = 4096 };
#define REGS 0xc0004000ULL
enum { RX, TX, EVENT };
enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT };

struct packet {
	uint64_t src, dst;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

struct driver {
	struct vmx_bench b;
	struct device *d;
	uint16_t given[3], seen[3];
	int host; /* the other end of what the guest dialled last */
};

static int
dial(void *arg, uint32_t port)
{
	int fd[2];

	if (port == 99 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	((struct driver *)arg)->host = fd[1];
	return (fd[0]);
}

static uint64_t
at(unsigned q, uint64_t off)
{
	return (QUEUES + (uint64_t)PER_QUEUE * q + off);
}

static void
queue_up(struct vmx_bench *b, unsigned q)
{
	bus_write(b->board->mmio, REGS + 0x16, 2, q);
	bus_write(b->board->mmio, REGS + 0x18, 2, 8);
	bus_write(b->board->mmio, REGS + 0x20, 4, at(q, 0));
	bus_write(b->board->mmio, REGS + 0x28, 4, at(q, 0x1000));
	bus_write(b->board->mmio, REGS + 0x30, 4, at(q, 0x2000));
	bus_write(b->board->mmio, REGS + 0x1c, 2, 1);
}

static void
offer(struct driver *v, unsigned q, uint32_t len)
{
	uint16_t i = v->given[q]++ % 8, flags = q == TX ? 0 : 2;
	uint64_t buf = at(q, DATA) + 0x2000ULL * i;
	uint8_t d[16] = {0};

	memcpy(d, &buf, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	(void)gmem_write(v->b.mem, at(q, 16ULL * i), d, 16);
	(void)gmem_write(v->b.mem, at(q, 0x1004 + 2ULL * i), &i, 2);
	(void)gmem_write(v->b.mem, at(q, 0x1002), &v->given[q], 2);
	bus_write(v->b.board->mmio, REGS + 0x3000 + 4 * q, 2, q);
}

static int
driver_open(struct driver *v)
{
	struct vvsock_spec s = {.cid = 3, .listen_fd = -1, .dial = dial, .dial_arg = v};

	memset(v, 0, sizeof(*v));
	v->host = -1;
	if (bench_open(&v->b) != 0 || vvsock_new(v->b.board, SLOT, &s, NULL, NULL) != 0)
		return (-1);
	v->d = board_find(v->b.board, "vsock");
	bench_cfg_set(&v->b, SLOT, 0x14, 0xc0000000);
	bench_cfg_set(&v->b, SLOT, 0x20, (uint32_t)REGS);
	bench_cfg_set(&v->b, SLOT, 4, 6);
	bus_write(v->b.board->mmio, REGS + 0x14, 1, 11);
	for (unsigned q = 0; q < 3; q++)
		queue_up(&v->b, q);
	bus_write(v->b.board->mmio, REGS + 0x14, 1, 15);
	for (unsigned i = 0; i < 4; i++)
		offer(v, RX, ROOM);
	return (0);
}

static void
driver_close(struct driver *v)
{
	if (v->host >= 0)
		(void)close(v->host);
	bench_close(&v->b);
}

static void
say(struct driver *v, struct packet p, const void *bytes)
{
	uint64_t buf = at(TX, DATA) + 0x2000ULL * (v->given[TX] % 8);

	p.src = 3;
	p.dst = 2;
	p.type = 1;
	p.buf_alloc = p.buf_alloc != 0 ? p.buf_alloc : 65536;
	(void)gmem_write(v->b.mem, buf, &p, sizeof(p));
	if (bytes != NULL)
		(void)gmem_write(v->b.mem, buf + sizeof(p), bytes, p.len);
	offer(v, TX, (uint32_t)sizeof(p) + p.len);
}

/* The next packet for the guest, its payload in bytes; op 0: there is none. */
static struct packet
hear(struct driver *v, char *bytes)
{
	struct packet p = {.op = 0};
	uint16_t idx = *(uint16_t *)gmem_ptr(v->b.mem, at(RX, 0x2002), 2);
	uint64_t buf = at(RX, DATA) + 0x2000ULL * (v->seen[RX] % 8);

	if (idx == v->seen[RX])
		return (p);
	v->seen[RX]++;
	(void)gmem_read(v->b.mem, buf, &p, sizeof(p));
	if (bytes != NULL && p.len <= 4000) {
		(void)gmem_read(v->b.mem, buf + sizeof(p), bytes, p.len);
		bytes[p.len] = '\0';
	}
	offer(v, RX, ROOM);
	return (p);
}

TEST(vsock_guest_connects_talks_and_ends)
{
	struct driver v;
	struct packet p;
	char text[4096];

	CHECK_EQ(driver_open(&v), 0);
	say(&v, (struct packet){.src_port = 1000, .dst_port = 5, .op = REQUEST}, NULL);
	p = hear(&v, NULL);
	CHECK_EQ(p.op, RESPONSE);
	CHECK_EQ(p.src, 2);
	CHECK_EQ(p.dst, 3);
	CHECK_EQ(p.src_port, 5);
	CHECK_EQ(p.dst_port, 1000);
	CHECK_EQ(p.buf_alloc, 65536);
	say(&v, (struct packet){.src_port = 1000, .dst_port = 5, .op = RW, .len = 5}, "hello");
	CHECK_EQ(read(v.host, text, sizeof(text)), 5);
	CHECK(memcmp(text, "hello", 5) == 0);
	CHECK_EQ(write(v.host, "and back", 8), 8);
	vvsock_poll(v.d, -1);
	p = hear(&v, text);
	CHECK_EQ(p.op, RW);
	CHECK_EQ(p.fwd_cnt, 5);
	CHECK_STR(text, "and back");
	say(&v, (struct packet){.src_port = 1000, .dst_port = 5, .op = SHUTDOWN, .flags = 3}, NULL);
	CHECK_EQ(hear(&v, NULL).op, RST);
	CHECK_EQ(read(v.host, text, sizeof(text)), 0);
	driver_close(&v);
}

TEST(vsock_refuses_where_nobody_listens)
{
	struct driver v;

	CHECK_EQ(driver_open(&v), 0);
	say(&v, (struct packet){.src_port = 1000, .dst_port = 99, .op = REQUEST}, NULL);
	CHECK_EQ(hear(&v, NULL).op, RST);
	say(&v, (struct packet){.src_port = 1, .dst_port = 2, .op = RW, .len = 1}, "x");
	CHECK_EQ(hear(&v, NULL).op, RST);
	CHECK_EQ(hear(&v, NULL).op, 0);
	driver_close(&v);
}

TEST(vsock_host_connects_by_a_line_and_is_told_when_the_guest_has_accepted)
{
	struct driver v;
	struct packet p;
	char text[64];
	int fd[2];

	CHECK_EQ(driver_open(&v), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	vvsock_poll(v.d, fd[0]);
	CHECK_EQ(write(fd[1], "CONNE", 5), 5);
	vvsock_poll(v.d, -1);
	CHECK_EQ(write(fd[1], "CT 52\nfirst", 11), 11);
	vvsock_poll(v.d, -1);
	p = hear(&v, NULL);
	CHECK_EQ(p.op, REQUEST);
	CHECK_EQ(p.dst_port, 52);
	say(&v, (struct packet){.src_port = 52, .dst_port = p.src_port, .op = RESPONSE}, NULL);
	CHECK(read(fd[1], text, sizeof(text)) > 3);
	CHECK(memcmp(text, "OK ", 3) == 0);
	CHECK_EQ(hear(&v, text).op, RW);
	CHECK_STR(text, "first");
	CHECK_EQ(shutdown(fd[1], SHUT_WR), 0);
	vvsock_poll(v.d, -1);
	p = hear(&v, NULL);
	CHECK_EQ(p.op, SHUTDOWN);
	CHECK_EQ(p.flags, 2);
	say(&v, (struct packet){.src_port = 52, .dst_port = p.src_port, .op = RW, .len = 4}, "last");
	CHECK_EQ(read(fd[1], text, sizeof(text)), 4);
	(void)close(fd[1]);
	say(&v, (struct packet){.src_port = 52, .dst_port = p.src_port, .op = RW, .len = 4}, "lost");
	CHECK_EQ(hear(&v, NULL).op, RST);
	driver_close(&v);
}

TEST(vsock_client_that_talks_nonsense_is_put_out)
{
	struct driver v;
	char text[8];
	int fd[2];

	CHECK_EQ(driver_open(&v), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	vvsock_poll(v.d, fd[0]);
	CHECK_EQ(write(fd[1], "GET / HTTP/1.0\r\n", 16), 16);
	vvsock_poll(v.d, -1);
	CHECK_EQ(read(fd[1], text, sizeof(text)), 0);
	CHECK_EQ(hear(&v, NULL).op, 0);
	(void)close(fd[1]);
	driver_close(&v);
}

TEST(vsock_sends_no_more_than_the_guest_has_room_for)
{
	struct driver v;
	struct packet p;
	char text[4096];

	CHECK_EQ(driver_open(&v), 0);
	say(&v, (struct packet){.src_port = 7, .dst_port = 5, .op = REQUEST, .buf_alloc = 10}, NULL);
	CHECK_EQ(hear(&v, NULL).op, RESPONSE);
	CHECK_EQ(write(v.host, "0123456789abcdef", 16), 16);
	vvsock_poll(v.d, -1);
	p = hear(&v, text);
	CHECK_EQ(p.len, 10);
	CHECK_EQ(hear(&v, NULL).op, 7); /* asks for credit, once */
	CHECK_EQ(hear(&v, NULL).op, 0);
	say(&v, (struct packet){.src_port = 7, .dst_port = 5, .op = CREDIT, .buf_alloc = 10, .fwd_cnt = 4},
	    NULL);
	CHECK_EQ(hear(&v, text).op, RW);
	CHECK_STR(text, "abcd");
	driver_close(&v);
}

TEST(vsock_guest_that_ignores_the_window_loses_the_connection)
{
	static const char block[4096];
	struct driver v;
	int small = 4096;

	CHECK_EQ(driver_open(&v), 0);
	say(&v, (struct packet){.src_port = 7, .dst_port = 5, .op = REQUEST}, NULL);
	CHECK_EQ(hear(&v, NULL).op, RESPONSE);
	(void)setsockopt(v.host, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 400; i++)
		say(&v, (struct packet){.src_port = 7, .dst_port = 5, .op = RW, .len = 4096}, block);
	for (unsigned i = 0; i < 400; i++) {
		uint16_t op = hear(&v, NULL).op;

		if (op == RST)
			break;
		CHECK(op == CREDIT);
	}
	driver_close(&v);
}

TEST(vsock_reset_of_the_device_ends_every_connection)
{
	struct driver v;
	char c;

	CHECK_EQ(driver_open(&v), 0);
	say(&v, (struct packet){.src_port = 7, .dst_port = 5, .op = REQUEST}, NULL);
	CHECK_EQ(hear(&v, NULL).op, RESPONSE);
	bus_write(v.b.board->mmio, REGS + 0x14, 1, 0);
	CHECK_EQ(read(v.host, &c, 1), 0);
	driver_close(&v);
}

TEST(vsock_guest_is_told_of_a_snapshot)
{
	struct driver v;
	struct buf saved = BUF_INIT;

	CHECK_EQ(driver_open(&v), 0);
	CHECK_EQ(board_save(v.b.board, &saved, NULL), 0);
	CHECK_EQ(board_load(v.b.board, saved.data, saved.len, NULL), 0);
	offer(&v, EVENT, 8);
	CHECK_EQ(*(uint16_t *)gmem_ptr(v.b.mem, at(EVENT, 0x2002), 2), 1);
	CHECK_EQ(*(uint32_t *)gmem_ptr(v.b.mem, at(EVENT, DATA), 4), 0);
	buf_free(&saved);
	driver_close(&v);
}
