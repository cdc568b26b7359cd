/* SPDX-License-Identifier: MIT */
/* The board and its devices, driven through the buses as a guest would. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fs/vhost_user.h"
#include "smartbox/core/bdev.h"
#include "smartbox/vmx/boot.h"
#include "smartbox/vmx/ide.h"
#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/rfb.h"
#include "test.h"
#include "vmx_util.h"

/* ---- memory and buses ---- */

TEST(gmem_gives_no_address_outside_ram)
{
	struct gmem *m;
	uint8_t *rom;

	CHECK_EQ(gmem_new(2 << 20, &m, NULL), 0);
	CHECK(gmem_ptr(m, 0, 0xa0000) != NULL);
	CHECK(gmem_ptr(m, 0, 0xa0001) == NULL);
	CHECK(gmem_ptr(m, 0xa0000, 1) == NULL);
	CHECK(gmem_ptr(m, 0x1fffff, 1) != NULL);
	CHECK(gmem_ptr(m, 0x1fffff, 2) == NULL);
	CHECK(gmem_ptr(m, UINT64_MAX, 2) == NULL);
	CHECK(gmem_ptr(m, 0x100000, UINT64_MAX) == NULL);
	CHECK_EQ(gmem_add_rom(m, 0xffff0000, 0x10000, &rom, NULL), 0);
	CHECK(gmem_ptr(m, 0xffff0000, 1) == NULL);
	gmem_free(m);
}

struct echo {
	struct device dev;
	struct echo_state {
		uint64_t last, size;
	} s;
};

static uint64_t
echo_read(struct device *d, uint64_t off, unsigned size)
{
	(void)d;
	return (off << 8 | size);
}

static void
echo_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct echo *e = (struct echo *)d;

	(void)off;
	e->s.last = v;
	e->s.size = size;
}

static const struct bus_ops echo_ops = {echo_read, echo_write};
static const struct device_class echo_class = {
    .kind = "echo", .version = 7, .state = {DEVICE_STATE(struct echo, s)}};

TEST(bus_finds_the_device_and_refuses_overlap)
{
	struct vmx_bench b;
	struct echo *e = calloc(1, sizeof(*e));

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(board_add(b.board, &e->dev, &echo_class, "echo", NULL), 0);
	CHECK_EQ(bus_add(b.board->pio, 0x100, 8, &e->dev, &echo_ops), 0);
	CHECK_EQ(bus_add(b.board->pio, 0x107, 8, &e->dev, &echo_ops), -EEXIST);
	CHECK_EQ(bus_add(b.board->pio, 0xff, 2, &e->dev, &echo_ops), -EEXIST);
	CHECK_EQ(bus_add(b.board->pio, 0x108, 8, &e->dev, &echo_ops), 0);
	CHECK_EQ(bench_in(&b, 0x103, 2), 0x302);
	CHECK_EQ(bench_in(&b, 0x107, 2), 0xffff); /* straddles two ranges */
	CHECK_EQ(bench_in(&b, 0x200, 1), 0xff);
	bench_out(&b, 0x100, 1, 0x1234);
	CHECK_EQ(e->s.last, 0x34);
	bus_remove(b.board->pio, 0x100, &e->dev);
	CHECK_EQ(bench_in(&b, 0x103, 2), 0xffff);
	bench_close(&b);
}

TEST(board_state_is_what_it_was_after_save_and_load)
{
	struct vmx_bench b;
	struct echo *e = calloc(1, sizeof(*e));
	struct buf saved = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(board_add(b.board, &e->dev, &echo_class, "echo", NULL), 0);
	CHECK_EQ(uart_new(b.board, "com1", 0x3f8, 4, NULL, NULL), 0);
	CHECK_EQ(rtc_new(b.board, 1, NULL), 0);
	CHECK_EQ(i8042_new(b.board, NULL), 0);
	CHECK_EQ(pm_new(b.board, NULL), 0);
	CHECK_EQ(vrng_new(b.board, PCI_DEVFN(4, 0), NULL, NULL), 0);
	pci_assign(b.board);
	bench_out(&b, 0x3ff, 1, 0x5a);
	e->s.last = 42;
	CHECK_EQ(board_save(b.board, &saved, NULL), 0);
	e->s.last = 0;
	bench_out(&b, 0x3ff, 1, 0);
	board_reset(b.board);
	CHECK_EQ(board_load(b.board, saved.data, saved.len, &err), 0);
	CHECK_EQ(e->s.last, 42);
	CHECK_EQ(bench_in(&b, 0x3ff, 1), 0x5a);
	CHECK_EQ(bench_cfg(&b, PCI_DEVFN(4, 0), 4) & 3, 3);
	/* one flipped bit anywhere is found */
	for (size_t i = 16; i < saved.len; i += 61) {
		saved.data[i] ^= 4;
		CHECK(board_load(b.board, saved.data, saved.len, NULL) != 0);
		saved.data[i] ^= 4;
	}
	CHECK(board_load(b.board, saved.data, saved.len - 1, NULL) != 0);
	buf_free(&saved);
	bench_close(&b);
}

/* ---- serial ---- */

TEST(uart_says_what_is_written_and_loops_back)
{
	struct vmx_char none = VMX_CHAR_NONE;
	struct vmx_bench b;
	struct chr *c;
	char out[8];

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(chr_new(&none, NULL, &c, NULL), 0);
	CHECK_EQ(uart_new(b.board, "com1", 0x3f8, 4, c, NULL), 0);
	bench_out(&b, 0x3f8, 1, 'h');
	bench_out(&b, 0x3f8, 1, 'i');
	CHECK_EQ(chr_take(c, out, sizeof(out)), 2);
	CHECK(memcmp(out, "hi", 2) == 0);
	bench_out(&b, 0x3fc, 1, 0x10); /* loop */
	bench_out(&b, 0x3f8, 1, 'x');
	CHECK_EQ(bench_in(&b, 0x3fd, 1) & 1, 1);
	CHECK_EQ(bench_in(&b, 0x3f8, 1), 'x');
	bench_out(&b, 0x3fc, 1, 8); /* OUT2 opens the interrupt */
	bench_out(&b, 0x3f9, 1, 2);
	CHECK(b.line[4]);
	CHECK_EQ(bench_in(&b, 0x3fa, 1) & 15, 2);
	CHECK(!b.line[4]);
	bench_close(&b);
	chr_free(c);
}

TEST(uart_with_a_full_reader_is_busy_and_loses_nothing)
{
	struct vmx_char none = VMX_CHAR_NONE;
	struct vmx_bench b;
	unsigned sent = 0, got = 0;
	struct chr *c;
	uint8_t out[4096];
	size_t n;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(chr_new(&none, NULL, &c, NULL), 0);
	CHECK_EQ(uart_new(b.board, "com1", 0x3f8, 4, c, NULL), 0);
	while ((bench_in(&b, 0x3fd, 1) & 0x20) != 0)
		bench_out(&b, 0x3f8, 1, (uint8_t)sent++);
	while ((n = chr_take(c, out, sizeof(out))) > 0) {
		for (size_t i = 0; i < n; i++)
			CHECK_EQ(out[i], (uint8_t)got++);
	}
	CHECK_EQ(got, sent);
	CHECK_EQ(bench_in(&b, 0x3fd, 1) & 0x20, 0x20);
	bench_close(&b);
	chr_free(c);
}

/* ---- the other fixed devices ---- */

TEST(rtc_tells_the_time_in_bcd_and_keeps_what_the_guest_sets)
{
	struct vmx_bench b;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(rtc_new(b.board, 3, NULL), 0);
	bench_out(&b, 0x70, 1, 9);
	CHECK_EQ(bench_in(&b, 0x71, 1), 0x26);
	bench_out(&b, 0x70, 1, 0x32);
	CHECK_EQ(bench_in(&b, 0x71, 1), 0x20);
	bench_out(&b, 0x70, 1, 4);
	bench_out(&b, 0x71, 1, 0x05);
	CHECK_EQ(bench_in(&b, 0x71, 1), 0x05);
	bench_out(&b, 0x70, 1, 2);
	CHECK_EQ(bench_in(&b, 0x71, 1), 0x45);
	bench_out(&b, 0x70, 1, 0x5f);
	CHECK_EQ(bench_in(&b, 0x71, 1), 2);
	bench_close(&b);
}

TEST(i8042_answers_its_self_test_and_translates_keys)
{
	struct vmx_bench b;
	uint8_t a_down = 0x1c, a_up[2] = {0xf0, 0x1c};

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(i8042_new(b.board, NULL), 0);
	bench_out(&b, 0x64, 1, 0xaa);
	CHECK_EQ(bench_in(&b, 0x64, 1) & 1, 1);
	CHECK_EQ(bench_in(&b, 0x60, 1), 0x55);
	i8042_key(board_find(b.board, "i8042"), &a_down, 1);
	CHECK(b.line[1]);
	CHECK_EQ(bench_in(&b, 0x60, 1), 0x1e);
	CHECK(!b.line[1]);
	i8042_key(board_find(b.board, "i8042"), a_up, 2);
	CHECK_EQ(bench_in(&b, 0x60, 1), 0x9e);
	bench_out(&b, 0x64, 1, 0xfe);
	CHECK_EQ(b.resets, 1);
	bench_close(&b);
}

TEST(pm_button_holds_the_line_until_it_is_acknowledged)
{
	struct vmx_bench b;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(pm_new(b.board, NULL), 0);
	bench_out(&b, 0x602, 2, 0x100);
	CHECK(!b.line[9]);
	pm_power_button(board_find(b.board, "pm"));
	CHECK(b.line[9]);
	bench_out(&b, 0x600, 2, 0x100);
	CHECK(!b.line[9]);
	bench_out(&b, 0x604, 2, 0x2000);
	CHECK_EQ(b.poweroffs, 1);
	bench_close(&b);
}

TEST(fwcfg_unknown_items_are_empty_and_dma_stays_in_ram)
{
	struct vmx_bench b;
	uint32_t dma[4] = {htobe32(10 | 0x190000), htobe32(4), 0, htobe32(0x2000)};
	struct device *f;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(fwcfg_new(b.board, NULL), 0);
	f = board_find(b.board, "fw_cfg");
	CHECK_EQ(fwcfg_add_file(f, "etc/x", "abc", 3), 0);
	bench_out(&b, 0x510, 2, 0);
	CHECK_EQ(bench_in(&b, 0x511, 1), 'Q');
	bench_out(&b, 0x510, 2, 0x8000);
	CHECK_EQ(bench_in(&b, 0x511, 1), 0);
	bench_out(&b, 0x510, 2, 0x20);
	CHECK_EQ(bench_in(&b, 0x511, 1), 'a');
	CHECK_EQ(gmem_write(b.mem, 0x1000, dma, sizeof(dma)), 0);
	bench_out(&b, 0x514, 4, 0);
	bench_out(&b, 0x518, 4, htobe32(0x1000));
	CHECK_EQ(*(uint32_t *)gmem_ptr(b.mem, 0x1000, 4), 0);
	CHECK_EQ(be32toh(*(uint32_t *)gmem_ptr(b.mem, 0x2000, 4)), 1);
	dma[3] = htobe32(0x1ffffe);
	CHECK_EQ(gmem_write(b.mem, 0x1000, dma, sizeof(dma)), 0);
	bench_out(&b, 0x514, 4, 0);
	bench_out(&b, 0x518, 4, htobe32(0x1000));
	CHECK_EQ(be32toh(*(uint32_t *)gmem_ptr(b.mem, 0x1000, 4)), 1);
	bench_close(&b);
}

/* ---- PCI ---- */

TEST(pci_bar_tells_its_size_and_moves)
{
	struct vmx_bench b;
	unsigned slot = PCI_DEVFN(4, 0);
	uint32_t bar;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(vrng_new(b.board, slot, NULL, NULL), 0);
	CHECK_EQ(bench_cfg(&b, slot, 0), 0x10051af4);
	bench_cfg_set(&b, slot, 0x10, 0xffffffff);
	CHECK_EQ(bench_cfg(&b, slot, 0x10), 0xffffff81);
	bench_cfg_set(&b, slot, 0x10, 0xc000);
	bench_cfg_set(&b, slot, 4, 1);
	bench_out(&b, 0xc012, 1, 1); /* legacy status */
	CHECK_EQ(bench_in(&b, 0xc012, 1), 1);
	bench_cfg_set(&b, slot, 0x10, 0xd000);
	CHECK_EQ(bench_in(&b, 0xc012, 1), 0xff);
	CHECK_EQ(bench_in(&b, 0xd012, 1), 1);
	/* memory BARs never cover RAM or the interrupt controllers */
	for (bar = 0; bar < 2; bar++) {
		bench_cfg_set(&b, slot, 0x20, bar == 0 ? 0x100000 : 0xfee00000);
		bench_cfg_set(&b, slot, 4, 2);
		CHECK_EQ(bus_read(b.board->mmio, bar == 0 ? 0x100012 : 0xfee00012, 2), 0xffff);
	}
	bench_close(&b);
}

/* ---- virtio ---- */

enum { DESC = 0x10000, AVAIL = 0x11000, USED = 0x12000, BUF = 0x13000, BASE = 0xc0004000 };

static uint64_t
modern(struct vmx_bench *b, unsigned slot)
{
	bench_cfg_set(b, slot, 0x14, 0xc0000000);
	bench_cfg_set(b, slot, 0x20, BASE);
	bench_cfg_set(b, slot, 4, 6);
	return (BASE);
}

static void
put_desc(struct vmx_bench *b, unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	uint8_t d[16];

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
	(void)gmem_write(b->mem, DESC + 16 * i, d, 16);
}

static void
queue_up(struct vmx_bench *b, unsigned q, unsigned size)
{
	bus_write(b->board->mmio, BASE + 0x14, 1, 11);
	bus_write(b->board->mmio, BASE + 0x16, 2, q);
	bus_write(b->board->mmio, BASE + 0x18, 2, size);
	bus_write(b->board->mmio, BASE + 0x20, 4, DESC);
	bus_write(b->board->mmio, BASE + 0x28, 4, AVAIL);
	bus_write(b->board->mmio, BASE + 0x30, 4, USED);
	bus_write(b->board->mmio, BASE + 0x1c, 2, 1);
	bus_write(b->board->mmio, BASE + 0x14, 1, 15);
}

static void
offer(struct vmx_bench *b, uint16_t head, uint16_t idx)
{
	(void)gmem_write(b->mem, AVAIL + 4 + 2 * ((idx - 1) % 8), &head, 2);
	(void)gmem_write(b->mem, AVAIL + 2, &idx, 2);
	bus_write(b->board->mmio, BASE + 0x3000, 2, 0);
}

static uint16_t
used_idx(struct vmx_bench *b)
{
	return (*(uint16_t *)gmem_ptr(b->mem, USED + 2, 2));
}

TEST(virtio_rng_fills_a_buffer_and_raises_its_line)
{
	struct vmx_bench b;
	uint8_t zero[64] = {0};

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(vrng_new(b.board, PCI_DEVFN(4, 0), NULL, NULL), 0);
	(void)modern(&b, PCI_DEVFN(4, 0));
	queue_up(&b, 0, 8);
	bus_write(b.board->mmio, BASE + 0x3000, 2, 0);
	CHECK(!b.line[11]); /* a kick with nothing in the queue is no reason to interrupt */
	put_desc(&b, 0, BUF, 64, 2, 0);
	offer(&b, 0, 1);
	CHECK_EQ(used_idx(&b), 1);
	CHECK(memcmp(gmem_ptr(b.mem, BUF, 64), zero, 64) != 0);
	CHECK(b.line[11]); /* slot 4, pin A: PIRQ D */
	CHECK_EQ(bus_read(b.board->mmio, BASE + 0x1000, 1), 1);
	CHECK(!b.line[11]);
	bench_close(&b);
}

TEST(virtio_loops_and_wild_descriptors_break_only_the_queue)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} bad[] = {
	    {BUF, 64, 3, 0},		       /* a loop */
	    {BUF, 64, 3, 9},		       /* next beyond the table */
	    {0xa0000, 64, 2, 0},	       /* the VGA hole */
	    {0x1fffff, 2, 2, 0},	       /* across the end */
	    {UINT64_MAX - 1, 64, 2, 0},	       /* around */
	    {BUF, 17, 4, 0},		       /* an indirect table of no whole size */
	    {BUF, 0, 4, 0},		       /* an empty one */
	    {BUF, 16, 5, 0},		       /* indirect with next */
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vmx_bench b;

		CHECK_EQ(bench_open(&b), 0);
		CHECK_EQ(vrng_new(b.board, PCI_DEVFN(4, 0), NULL, NULL), 0);
		(void)modern(&b, PCI_DEVFN(4, 0));
		queue_up(&b, 0, 8);
		put_desc(&b, 0, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
		offer(&b, 0, 1);
		CHECK_EQ(used_idx(&b), 0);
		CHECK_EQ(bus_read(b.board->mmio, BASE + 0x14, 1) & 64, 64);
		bus_write(b.board->mmio, BASE + 0x14, 1, 0);
		CHECK_EQ(bus_read(b.board->mmio, BASE + 0x14, 1), 0);
		bench_close(&b);
	}
}

static void
blk_request(struct vmx_bench *b, uint32_t type, uint64_t sector, uint32_t len, bool write,
    uint16_t idx)
{
	uint8_t head[16] = {0};

	memcpy(head, &type, 4);
	memcpy(head + 8, &sector, 8);
	(void)gmem_write(b->mem, BUF, head, 16);
	put_desc(b, 0, BUF, 16, 1, 1);
	put_desc(b, 1, BUF + 0x1000, len, write ? 1 : 3, 2);
	put_desc(b, 2, BUF + 0x800, 1, 2, 0);
	offer(b, 0, idx);
}

TEST(virtio_blk_reads_what_it_wrote_and_refuses_what_lies_outside)
{
	struct mem_disk *d = mem_disk_new(64 * 512);
	struct vblk_spec spec = {.disk = &d->b, .serial = "name"};
	struct vmx_bench b;
	uint8_t *status, *data;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(vblk_new(b.board, PCI_DEVFN(4, 0), &spec, NULL, NULL), 0);
	(void)modern(&b, PCI_DEVFN(4, 0));
	queue_up(&b, 0, 8);
	status = gmem_ptr(b.mem, BUF + 0x800, 1);
	data = gmem_ptr(b.mem, BUF + 0x1000, 1024);
	memset(data, 'a', 1024);
	blk_request(&b, 1, 62, 1024, true, 1);
	CHECK_EQ(*status, 0);
	CHECK_EQ(d->bytes[62 * 512], 'a');
	CHECK_EQ(d->flushes, 1); /* FLUSH was not negotiated: write through */
	d->bytes[0] = 'z';
	blk_request(&b, 0, 0, 512, false, 2);
	CHECK_EQ(data[0], 'z');
	blk_request(&b, 1, 63, 1024, true, 3);
	CHECK_EQ(*status, 1);
	blk_request(&b, 1, UINT64_MAX, 1024, true, 4);
	CHECK_EQ(*status, 1);
	blk_request(&b, 0, 0, 500, false, 5);
	CHECK_EQ(*status, 1);
	blk_request(&b, 99, 0, 512, false, 6);
	CHECK_EQ(*status, 2);
	blk_request(&b, 8, 0, 20, false, 7);
	CHECK(memcmp(data, "name", 5) == 0);
	CHECK_EQ(used_idx(&b), 7);
	bench_close(&b);
}

/* ---- a disk that another process serves ---- */

static void
vhost_serve(struct blkio *io, struct blk_disk *disk, struct vu_session **out, int *front)
{
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	CHECK_EQ(vu_session_new(io, disk, false, "served", s[0], NULL, NULL, out), 0);
	*front = s[1];
}

/* The ring is served by threads: wait for the guest's view of it. */
static bool
used_becomes(struct vmx_bench *b, uint16_t want)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (__atomic_load_n((uint16_t *)gmem_ptr(b->mem, USED + 2, 2), __ATOMIC_ACQUIRE) == want)
			return (true);
		(void)usleep(1000);
	}
	return (false);
}

static void
broker_gives(int broker, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		   .cmsg_type = SCM_RIGHTS}};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c)};

	CHECK_EQ(read(broker, &byte, 1), 1);
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	byte = 0;
	CHECK_EQ(sendmsg(broker, &m, 0), 1);
	(void)close(fd);
}

TEST(vhost_disk_reads_what_it_wrote_also_when_its_server_died_between)
{
	struct blk_disk disk = {0};
	struct vu_session *server;
	struct vhblk_spec spec;
	struct iothread *io;
	struct blkio *workers;
	struct vmx_bench b;
	uint8_t *status, *data;
	int broker[2], fd;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(blkio_new(2, &workers, NULL), 0);
	CHECK_EQ(bdev_mem_new("disk", 1 << 20, &disk.bd, NULL), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, broker), 0);
	CHECK_EQ(iothread_new("io", &io, NULL), 0);
	vhost_serve(workers, &disk, &server, &spec.fd);
	spec.broker_fd = broker[1];
	CHECK_EQ(vhblk_new(b.board, PCI_DEVFN(4, 0), &spec, io, NULL), 0);
	CHECK_EQ(iothread_start(io, NULL, NULL, NULL), 0);
	(void)modern(&b, PCI_DEVFN(4, 0));
	CHECK_EQ(bus_read(b.board->mmio, BASE + 0x2000, 4), (1 << 20) / 512); /* capacity */
	queue_up(&b, 0, 8);
	status = gmem_ptr(b.mem, BUF + 0x800, 1);
	data = gmem_ptr(b.mem, BUF + 0x1000, 1024);
	memset(data, 'v', 1024);
	*status = 77;
	blk_request(&b, 1, 8, 1024, true, 1);
	CHECK(used_becomes(&b, 1));
	CHECK_EQ(*status, 0);
	vu_session_free(server); /* the server dies; what follows waits for the next one */
	memset(data, 0, 1024);
	*status = 77;
	blk_request(&b, 0, 8, 1024, false, 2);
	vhost_serve(workers, &disk, &server, &fd);
	broker_gives(broker[0], fd);
	CHECK(used_becomes(&b, 2));
	CHECK_EQ(*status, 0);
	CHECK_EQ(data[0], 'v');
	CHECK_EQ(data[1023], 'v');
	bus_write(b.board->mmio, BASE + 0x14, 1, 0); /* a reset takes the ring back */
	CHECK_EQ(bus_read(b.board->mmio, BASE + 0x14, 1), 0);
	iothread_stop(io);
	bench_close(&b);
	iothread_free(io);
	vu_session_free(server);
	blkio_free(workers);
	bdev_close(disk.bd);
	(void)close(broker[0]);
}

/* ---- IDE ---- */

TEST(ide_disk_identifies_itself_and_moves_sectors)
{
	struct mem_disk *d = mem_disk_new(2048 * 512);
	struct ide_spec spec[4] = {{&d->b, false, "SER"}};
	struct vmx_bench b;
	uint16_t id[256];

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(ide_new(b.board, spec, NULL), 0);
	bench_out(&b, 0x1f7, 1, 0xec);
	CHECK(b.line[14]);
	CHECK_EQ(bench_in(&b, 0x1f7, 1), 0x58);
	for (unsigned i = 0; i < 256; i++)
		id[i] = (uint16_t)bench_in(&b, 0x1f0, 2);
	CHECK_EQ(id[60], 2048);
	CHECK_EQ(bench_in(&b, 0x1f7, 1), 0x50);
	bench_out(&b, 0x1f6, 1, 0xe0);
	bench_out(&b, 0x1f2, 1, 1);
	bench_out(&b, 0x1f3, 1, 5);
	bench_out(&b, 0x1f4, 1, 0);
	bench_out(&b, 0x1f5, 1, 0);
	bench_out(&b, 0x1f7, 1, 0x30);
	for (unsigned i = 0; i < 128; i++)
		bench_out(&b, 0x1f0, 4, 0x01020304);
	CHECK_EQ(d->bytes[5 * 512], 4);
	bench_out(&b, 0x1f3, 1, 0);
	bench_out(&b, 0x1f4, 1, 8); /* sector 2048: one past the end */
	bench_out(&b, 0x1f7, 1, 0x20);
	CHECK_EQ(bench_in(&b, 0x1f7, 1) & 1, 1);
	CHECK_EQ(bench_in(&b, 0x177, 1), 0xff);
	bench_close(&b);
}

/* ---- tables ---- */

TEST(acpi_tables_sum_to_zero_and_fit)
{
	struct acpi_spec s = {.cpus = 64, .base = 0xe0040, .pci_window = 0xc0000000,
	    .pci_window_end = 0xfec00000};
	static struct acpi_blob blob;
	uint8_t sum;

	CHECK_EQ(acpi_build(&s, &blob), 0);
	CHECK(blob.nsums >= 5);
	for (unsigned i = 0; i < blob.nsums; i++) {
		sum = 0;
		for (uint32_t j = 0; j < blob.sum[i].len; j++)
			sum = (uint8_t)(sum + blob.bytes[blob.sum[i].start + j]);
		CHECK_EQ(sum, 0);
	}
}

/* ---- SMBIOS ---- */

TEST(smbios_entry_sums_to_zero_and_names_the_machine)
{
	static const uint8_t uuid[16] = {0x10, 0x32, 0x54, 0x76, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	const uint8_t *e, *t;
	struct gmem *m;
	uint8_t all = 0, dmi = 0;

	CHECK_EQ(gmem_new(2 << 20, &m, NULL), 0);
	smbios_install(m, uuid);
	e = gmem_ptr(m, 0xf0000, 31);
	t = gmem_ptr(m, 0xf0020, 256);
	CHECK(memcmp(e, "_SM_", 4) == 0 && memcmp(e + 16, "_DMI_", 5) == 0);
	for (unsigned i = 0; i < 31; i++) {
		all = (uint8_t)(all + e[i]);
		dmi = (uint8_t)(dmi + (i >= 16 ? e[i] : 0));
	}
	CHECK_EQ(all, 0);
	CHECK_EQ(dmi, 0);
	CHECK_EQ(t[0], 1);
	CHECK_EQ(t[8], 0x76); /* the uuid's first field, little-endian */
	CHECK_STR((const char *)t + 27, "Joyent");
	CHECK(memmem(t, 256, "10325476-0102-0304-0506-0708090a0b0c", 36) != NULL);
	CHECK_EQ(t[e[22] - 6], 127); /* the end is where the length says */
	gmem_free(m);
}

/* ---- the display and its clients ---- */

static void
vga_out(struct vmx_bench *b, unsigned index_port, unsigned i, unsigned v)
{
	bench_out(b, index_port, 1, i);
	bench_out(b, index_port + 1, 1, v);
}

/* 80 x 25 cells of 16 lines, as a BIOS leaves it. */
static void
vga_text_mode(struct vmx_bench *b)
{
	bench_out(b, 0x3c2, 1, 0x67);
	vga_out(b, 0x3c4, 2, 3);
	vga_out(b, 0x3c4, 4, 2);
	vga_out(b, 0x3ce, 5, 0x10);
	vga_out(b, 0x3ce, 6, 0x0e);
	vga_out(b, 0x3d4, 1, 79);
	vga_out(b, 0x3d4, 7, 0x02); /* line 8 of the end */
	vga_out(b, 0x3d4, 9, 15);
	vga_out(b, 0x3d4, 0x0a, 0x20);
	vga_out(b, 0x3d4, 0x12, 0x8f);
	vga_out(b, 0x3d4, 0x13, 40);
	(void)bench_in(b, 0x3da, 1);
	for (unsigned i = 0; i < 16; i++) {
		bench_out(b, 0x3c0, 1, i);
		bench_out(b, 0x3c0, 1, i);
	}
	bench_out(b, 0x3c0, 1, 0x20);
	bench_out(b, 0x3c8, 1, 0);
	for (unsigned i = 0; i < 3 * 16; i++)
		bench_out(b, 0x3c9, 1, i / 3 * 4);
}

TEST(vga_text_shows_the_glyph_of_a_cell_in_its_colours)
{
	struct vga_frame f = {NULL, 0, 0, 0};
	struct vmx_bench b;

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(vga_new(b.board, PCI_DEVFN(2, 0), NULL), 0);
	vga_text_mode(&b);
	bus_write(b.board->mmio, 0xb8000 + 2 * 81, 2, 0x2f41); /* row 1, column 1: 'A', white on colour 2 */
	/* Its font: plane 2, as BIOSes load it. */
	vga_out(&b, 0x3c4, 2, 4);
	vga_out(&b, 0x3c4, 4, 6);
	vga_out(&b, 0x3ce, 5, 0);
	vga_out(&b, 0x3ce, 6, 4);
	bus_write(b.board->mmio, 0xa0000 + 0x41 * 32 + 3, 1, 0x81);
	vga_out(&b, 0x3ce, 5, 0x10);
	vga_out(&b, 0x3ce, 6, 0x0e);
	CHECK_EQ(vga_render(board_find(b.board, "vga"), &f), 0);
	CHECK_EQ(f.w, 640);
	CHECK_EQ(f.h, 400);
	CHECK_EQ(f.px[(16 + 3) * 640 + 8], 0xf0f0f0);
	CHECK_EQ(f.px[(16 + 3) * 640 + 9], 0x202020);
	CHECK_EQ(f.px[(16 + 3) * 640 + 15], 0xf0f0f0);
	CHECK_EQ(f.px[(16 + 4) * 640 + 8], 0x202020);
	CHECK_EQ(f.px[0], 0);
	vga_frame_free(&f);
	bench_close(&b);
}

TEST(vga_linear_mode_shows_video_memory)
{
	struct vga_frame f = {NULL, 0, 0, 0};
	struct vmx_bench b;
	static const uint16_t set[][2] = {{1, 640}, {2, 480}, {3, 32}, {4, 0x41}};

	CHECK_EQ(bench_open(&b), 0);
	CHECK_EQ(vga_new(b.board, PCI_DEVFN(2, 0), NULL), 0);
	bench_cfg_set(&b, PCI_DEVFN(2, 0), 0x10, 0xd0000000);
	bench_cfg_set(&b, PCI_DEVFN(2, 0), 0x18, 0xd8000000);
	bench_cfg_set(&b, PCI_DEVFN(2, 0), 4, 3);
	CHECK_EQ(bus_read(b.board->mmio, 0xd8000500, 2), 0xb0c5);
	for (unsigned i = 0; i < 4; i++)
		bus_write(b.board->mmio, 0xd8000500 + 2 * set[i][0], 2, set[i][1]);
	bus_write(b.board->mmio, 0xd0000000 + 4 * (640 * 2 + 5), 4, 0x123456);
	CHECK_EQ(vga_render(board_find(b.board, "vga"), &f), 0);
	CHECK_EQ(f.w, 640);
	CHECK_EQ(f.h, 480);
	CHECK_EQ(f.px[640 * 2 + 5], 0x123456);
	vga_frame_free(&f);
	bench_close(&b);
}

TEST(des_encrypts_the_published_vectors)
{
	static const uint8_t key[8] = {0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1};
	static const uint8_t in[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	static const uint8_t want[8] = {0x85, 0xe8, 0x13, 0x54, 0x0f, 0x0a, 0xb4, 0x05};
	uint8_t out[8];

	des_encrypt(key, in, out);
	CHECK(memcmp(out, want, 8) == 0);
}

TEST(keymap_finds_the_key_of_a_character_in_each_layout)
{
	CHECK_EQ(keymap_code(NULL, 'z'), 0x2c);
	CHECK_EQ(keymap_code("de", 'z'), 0x15);
	CHECK_EQ(keymap_code("de", 'Y'), 0x2c);
	CHECK_EQ(keymap_code("de", 0xfc), 0x1a);
	CHECK_EQ(keymap_code("fr", 'a'), 0x10);
	CHECK_EQ(keymap_code("xx", '/'), 0x35);
	CHECK_EQ(keymap_code(NULL, 0xff0d), 0x1c);
	CHECK_EQ(keymap_code(NULL, 0xff52), 0xc8);
	CHECK_EQ(keymap_code(NULL, 0xffc9), 0x58);
	CHECK_EQ(keymap_code(NULL, 0), 0);
	CHECK_EQ(keymap_code(NULL, 0x1000000), 0);
}

struct rfb_probe {
	unsigned keys, last;
	int dx, dy;
	uint32_t colour;
};

static int
probe_frame(void *arg, struct vga_frame *f)
{
	if (f->cap == 0) {
		f->px = calloc(100 * 70, 4);
		f->cap = 100 * 70;
	}
	f->w = 100;
	f->h = 70;
	f->px[99] = ((struct rfb_probe *)arg)->colour;
	return (0);
}

static void
probe_key(void *arg, uint8_t code, bool down)
{
	((struct rfb_probe *)arg)->keys++;
	((struct rfb_probe *)arg)->last = code | (down ? 0x100 : 0);
}

static void
probe_pointer(void *arg, int dx, int dy, int dz, unsigned buttons)
{
	(void)dz;
	(void)buttons;
	((struct rfb_probe *)arg)->dx = dx;
	((struct rfb_probe *)arg)->dy = dy;
}

static const struct rfb_ops probe_ops = {probe_frame, probe_key, probe_pointer};

static size_t
rfb_say(struct rfb *r, const void *bytes, size_t len)
{
	rfb_sent(r, rfb_output(r)->len);
	CHECK_EQ(rfb_input(r, bytes, len), 0);
	CHECK_EQ(rfb_tick(r), 0);
	return (rfb_output(r)->len);
}

TEST(rfb_sends_what_changed_and_only_that)
{
	struct rfb_probe p = {0};
	const struct rfb_config c = {&probe_ops, &p, "name", NULL, NULL, NULL};
	struct rfb *r = rfb_new(&c);

	CHECK_EQ(rfb_say(r, "RFB 003.008\n", 12), 2);
	CHECK_EQ(rfb_say(r, "\1", 1), 4);
	CHECK_EQ(rfb_say(r, "\1", 1), 24 + 4);
	CHECK_EQ(rfb_say(r, "\3\0\0\0\0\0\0\144\0\106", 10), 4 + 2 * 12 + 100 * 70 * 4);
	CHECK_EQ(rfb_say(r, "\3\1\0\0\0\0\0\144\0\106", 10), 0); /* nothing new: it waits */
	p.colour = 0xff0000;
	CHECK_EQ(rfb_tick(r), 0);
	CHECK_EQ(rfb_output(r)->len, 4 + 12 + 36 * 64 * 4); /* the tile at the right end, row 0 */
	CHECK_EQ(rfb_say(r, "\4\1\0\0\0\0\0a", 8), 0);
	CHECK_EQ(p.last, 0x100 | 0x1e);
	CHECK_EQ(rfb_say(r, "\5\0\0\12\0\24", 6), 0);
	CHECK_EQ(p.dx, 10);
	CHECK_EQ(p.dy, 20);
	rfb_free(r);
	CHECK_EQ(p.last, 0x1e); /* a client that leaves lets go of its keys */
}

TEST(rfb_asks_for_the_password_and_takes_no_other)
{
	struct rfb_probe p = {0};
	const struct rfb_config c = {&probe_ops, &p, "name", "secret", NULL, NULL};
	struct rfb *r = rfb_new(&c);
	uint8_t key[8] = {0}, out[16];

	CHECK_EQ(rfb_say(r, "RFB 003.008\n", 12), 2);
	CHECK_EQ(rfb_output(r)->data[1], 2);
	CHECK_EQ(rfb_say(r, "\2", 1), 16);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 8; k++)
			key[i] |= (uint8_t)(("secret"[i] >> k & 1) << (7 - k));
	des_encrypt(key, (const uint8_t *)rfb_output(r)->data, out);
	des_encrypt(key, (const uint8_t *)rfb_output(r)->data + 8, out + 8);
	CHECK_EQ(rfb_say(r, out, 16), 4);
	CHECK(memcmp(rfb_output(r)->data, "\0\0\0\0", 4) == 0);
	rfb_free(r);
	r = rfb_new(&c);
	(void)rfb_say(r, "RFB 003.008\n", 12);
	(void)rfb_say(r, "\2", 1);
	CHECK_EQ(rfb_input(r, out, 16), -EACCES);
	CHECK(!rfb_is_in(r));
	rfb_free(r);
}

TEST(rfb_says_why_nobody_is_let_in)
{
	struct rfb_probe p = {0};
	const struct rfb_config c = {&probe_ops, &p, "name", NULL, NULL, "not now"};
	struct rfb *r = rfb_new(&c);

	rfb_sent(r, rfb_output(r)->len);
	CHECK_EQ(rfb_input(r, (const uint8_t *)"RFB 003.008\n", 12), -EPROTO);
	CHECK_EQ(rfb_output(r)->len, 1 + 4 + 7);
	CHECK(memcmp(rfb_output(r)->data, "\0\0\0\0\7not now", 12) == 0);
	rfb_free(r);
	r = rfb_new(&c);
	rfb_sent(r, rfb_output(r)->len);
	CHECK_EQ(rfb_input(r, (const uint8_t *)"RFB 003.003\n", 12), -EPROTO);
	CHECK(memcmp(rfb_output(r)->data, "\0\0\0\0\0\0\0\7not now", 15) == 0);
	rfb_free(r);
}
