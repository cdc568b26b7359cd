/* SPDX-License-Identifier: MIT */
/* What fs/nbd.h and fs/blkio.h promise, with this test as the kernel's end of the socket. */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fs/nbd.h"
#include "smartbox/core/bdev.h"
#include "smartbox/core/file.h"
#include "smartbox/fs/blkio.h"
#include "test.h"

enum { DISK = 1 << 20, READ = 0, WRITE = 1, FLUSH = 3, TRIM = 4, ZEROES = 6 };

struct rig {
	struct blkio *io;
	struct blk_disk disk;
	struct nbd_conn *conn;
	int fd, lost;
	pthread_mutex_t lock;
};

static void
note_lost(void *arg)
{
	struct rig *r = arg;

	(void)eventfd_write(r->lost, 1);
}

static void
open_rig(struct rig *r)
{
	int fd[2];

	memset(r, 0, sizeof(*r));
	CHECK_EQ(blkio_new(3, &r->io, NULL), 0);
	CHECK_EQ(bdev_mem_new("mem", DISK, &r->disk.bd, NULL), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	CHECK((r->lost = eventfd(0, EFD_CLOEXEC)) >= 0);
	CHECK_EQ(nbd_conn_new(r->io, &r->disk, fd[0], note_lost, r, &r->conn), 0);
	r->fd = fd[1];
}

static void
close_rig(struct rig *r)
{
	nbd_conn_free(r->conn);
	blkio_free(r->io);
	bdev_close(r->disk.bd);
	(void)close(r->fd);
	(void)close(r->lost);
}

static void
ask(struct rig *r, unsigned command, uint64_t cookie, uint64_t off, uint32_t len)
{
	uint32_t head[7] = {htobe32(0x25609513), htobe32(command)};
	uint64_t be = htobe64(off);

	memcpy(head + 2, &cookie, 8);
	memcpy(head + 4, &be, 8);
	head[6] = htobe32(len);
	CHECK_EQ(io_send_full(r->fd, head, sizeof(head)), 0);
}

/* The cookie of the next answer, its error in *error. */
static uint64_t
answer(struct rig *r, uint32_t *error)
{
	uint32_t head[4];
	uint64_t cookie;

	CHECK_EQ(io_read_full(r->fd, head, sizeof(head)), 0);
	CHECK_EQ(be32toh(head[0]), 0x67446698);
	*error = be32toh(head[1]);
	memcpy(&cookie, head + 2, 8);
	return (cookie);
}

static void
expect(struct rig *r, uint64_t cookie, uint32_t want)
{
	uint32_t error;

	CHECK_EQ(answer(r, &error), cookie);
	CHECK_EQ(error, want);
}

static void
write_at(struct rig *r, unsigned flags, uint64_t off, const void *buf, uint32_t len, uint32_t want)
{
	ask(r, WRITE | flags << 16, off, off, len);
	CHECK_EQ(io_send_full(r->fd, buf, len), 0);
	expect(r, off, want);
}

TEST(nbd_reads_what_was_written_discarded_and_zeroed)
{
	uint8_t buf[8192], zeros[8192] = {0}, got[8192];
	struct rig r;

	open_rig(&r);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)test_rand();
	write_at(&r, 0, 4096, buf, sizeof(buf), 0);
	write_at(&r, 1, 65536, buf, sizeof(buf), 0); /* FUA */
	ask(&r, READ, 7, 4096, sizeof(got));
	expect(&r, 7, 0);
	CHECK_EQ(io_read_full(r.fd, got, sizeof(got)), 0);
	CHECK_MEM(got, buf, sizeof(buf));
	ask(&r, ZEROES, 8, 65536, sizeof(buf));
	expect(&r, 8, 0);
	ask(&r, READ, 9, 65536, sizeof(got));
	expect(&r, 9, 0);
	CHECK_EQ(io_read_full(r.fd, got, sizeof(got)), 0);
	CHECK_MEM(got, zeros, sizeof(zeros));
	ask(&r, TRIM, 10, 0, 4096);
	expect(&r, 10, 0);
	ask(&r, FLUSH, 11, 0, 0);
	expect(&r, 11, 0);
	close_rig(&r);
}

TEST(nbd_refuses_what_is_out_of_range_unknown_or_read_only_and_goes_on)
{
	uint8_t buf[512] = {0};
	struct rig r;

	open_rig(&r);
	ask(&r, READ, 1, DISK - 512, 1024);
	expect(&r, 1, EINVAL);
	ask(&r, READ, 2, UINT64_MAX - 255, 512);
	expect(&r, 2, EINVAL);
	write_at(&r, 0, DISK, buf, sizeof(buf), EINVAL);
	ask(&r, TRIM, 3, DISK, 1);
	expect(&r, 3, EINVAL);
	ask(&r, ZEROES, 3, DISK - 1, UINT32_MAX);
	expect(&r, 3, EINVAL);
	ask(&r, 77, 4, 0, 0);
	expect(&r, 4, EINVAL);
	r.disk.bd->readonly = true;
	write_at(&r, 0, 0, buf, sizeof(buf), EPERM);
	ask(&r, ZEROES, 5, 0, 512);
	expect(&r, 5, EPERM);
	ask(&r, READ, 6, 0, 512);
	expect(&r, 6, 0);
	CHECK_EQ(io_read_full(r.fd, buf, sizeof(buf)), 0);
	close_rig(&r);
}

TEST(nbd_answers_requests_that_came_together_each_once)
{
	enum { N = 200 };
	uint8_t buf[4096] = {1}, got[4096];
	uint8_t seen[N] = {0};
	uint32_t error;
	struct rig r;

	open_rig(&r);
	write_at(&r, 0, 0, buf, sizeof(buf), 0);
	for (int i = 0; i < N; i++)
		ask(&r, i % 3 == 0 ? READ : FLUSH, (uint64_t)i, 0, i % 3 == 0 ? sizeof(got) : 0);
	for (int i = 0; i < N; i++) {
		uint64_t cookie = answer(&r, &error);

		CHECK(cookie < N && error == 0);
		CHECK_EQ(seen[cookie]++, 0);
		if (cookie % 3 == 0) {
			CHECK_EQ(io_read_full(r.fd, got, sizeof(got)), 0);
			CHECK_MEM(got, buf, sizeof(buf));
		}
	}
	close_rig(&r);
}

static void
expect_lost(struct rig *r)
{
	eventfd_t n;
	char c;

	CHECK_EQ(eventfd_read(r->lost, &n), 0);
	CHECK_EQ(read(r->fd, &c, 1), 0); /* the other end hung up */
	close_rig(r);
}

TEST(nbd_hangs_up_on_a_header_that_is_none)
{
	uint32_t junk[7] = {htobe32(0x12345678)};
	struct rig r;

	open_rig(&r);
	CHECK_EQ(io_send_full(r.fd, junk, sizeof(junk)), 0);
	expect_lost(&r);
}

TEST(nbd_hangs_up_on_a_length_that_nobody_needs)
{
	struct rig r;

	open_rig(&r);
	ask(&r, WRITE, 1, 0, 1u << 30);
	expect_lost(&r);
}

TEST(nbd_tells_when_the_other_end_goes_away_and_can_be_freed_in_the_middle_of_a_request)
{
	struct rig r;

	open_rig(&r);
	CHECK_EQ(shutdown(r.fd, SHUT_WR), 0);
	expect_lost(&r);
	open_rig(&r);
	ask(&r, WRITE, 1, 0, 4096); /* and no data */
	usleep(20000);
	close_rig(&r);
}

/* --- blkio alone --- */

struct counter {
	struct blkio_watch *w;
	int fd;
	unsigned calls, inside, most;
};

static void
count(void *arg, struct blkio_scratch *sc)
{
	struct counter *c = arg;
	eventfd_t n;

	(void)sc;
	CHECK_EQ(__atomic_add_fetch(&c->inside, 1, __ATOMIC_SEQ_CST), 1);
	(void)eventfd_read(c->fd, &n);
	__atomic_add_fetch(&c->calls, 1, __ATOMIC_SEQ_CST);
	(void)__atomic_sub_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);
	blkio_rearm(c->w);
}

TEST(a_watch_has_one_worker_at_a_time_and_none_after_it_is_taken_away)
{
	struct counter c[20];
	struct blkio *b;

	CHECK_EQ(blkio_new(4, &b, NULL), 0);
	for (int round = 0; round < 50; round++) {
		unsigned calls[20];

		for (int i = 0; i < 20; i++) {
			c[i] = (struct counter){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
			CHECK_EQ(blkio_watch(b, c[i].fd, count, &c[i], &c[i].w), 0);
		}
		for (int k = 0; k < 100; k++)
			(void)eventfd_write(c[k % 20].fd, 1);
		for (int i = 0; i < 20; i++) {
			blkio_unwatch(c[i].w);
			calls[i] = c[i].calls;
			(void)eventfd_write(c[i].fd, 1);
		}
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(c[i].calls, calls[i]);
			(void)close(c[i].fd);
		}
	}
	blkio_free(b);
}
