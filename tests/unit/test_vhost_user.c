/* SPDX-License-Identifier: MIT */
/* What fs/vhost_user.h promises, with this test as the front-end and the guest's driver. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fs/vhost_user.h"
#include "smartbox/core/bdev.h"
#include "smartbox/core/file.h"
#include "test.h"

enum {
	DISK = 4 << 20, MEMORY = 1 << 20, NUM = 16,
	DESC_AT = 0, AVAIL_AT = 0x1000, USED_AT = 0x2000, TABLE_AT = 0x3000, DATA_AT = 0x10000,
	HEADER_AT = 0x4000, STATUS_AT = 0x5000,
	NEXT = 1, WRITE = 2, INDIRECT = 4,
};
#define GUEST UINT64_C(0x100000000)
#define USER UINT64_C(0x7f1234000000)
#define FEATURES (UINT64_C(1) << 32 | 1 << 30 | 1 << 28 | 1 << 9 | 1 << 13 | 1 << 14)

/* A front-end, its guest and what it is connected to. */
struct front {
	struct blkio *io;
	struct blk_disk disk;
	struct vu_session *s;
	int fd, gone, memfd, kick, call, err;
	char *mem;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t seen; /* of the used ring */
};

static void
note_gone(void *arg)
{
	(void)eventfd_write(((struct front *)arg)->gone, 1);
}

static void
send_msg(struct front *f, uint32_t request, uint32_t flags, const void *p, uint32_t size, const int *fds,
    unsigned nfds)
{
	uint32_t head[3] = {request, 1 | flags, size};
	struct iovec iov[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)p, size}};
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} c;
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	memset(&c, 0, sizeof(c));
	if (nfds > 0) {
		mh.msg_control = c.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&c.h), fds, nfds * sizeof(int));
	}
	CHECK_EQ(sendmsg(f->fd, &mh, MSG_NOSIGNAL), (ssize_t)(sizeof(head) + size));
}

/* The payload of a reply, its descriptor in *fd (may be NULL). */
static uint32_t
get_reply(struct front *f, uint32_t request, void *p, size_t max, int *fd)
{
	uint32_t head[3];
	struct iovec iov = {head, sizeof(head)};
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control)};

	CHECK_EQ(recvmsg(f->fd, &mh, MSG_WAITALL), sizeof(head));
	CHECK_EQ(head[0], request);
	CHECK_EQ(head[1], 5);
	CHECK(head[2] <= max);
	if (fd != NULL) {
		CHECK(CMSG_FIRSTHDR(&mh) != NULL);
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(int));
	}
	CHECK_EQ(io_read_full(f->fd, p, head[2]), 0);
	return (head[2]);
}

static uint64_t
get_u64(struct front *f, uint32_t request)
{
	uint64_t v;

	send_msg(f, request, 0, NULL, 0, NULL, 0);
	CHECK_EQ(get_reply(f, request, &v, sizeof(v), NULL), 8);
	return (v);
}

/* Wait until all before was handled: a message with an answer. */
static void
barrier(struct front *f)
{
	(void)get_u64(f, 17);
}

static void
set_u64(struct front *f, uint32_t request, uint64_t v)
{
	send_msg(f, request, 0, &v, 8, NULL, 0);
}

static void
set_state(struct front *f, uint32_t request, uint32_t num)
{
	uint32_t st[2] = {0, num};

	send_msg(f, request, 0, st, 8, NULL, 0);
}

static void
connect_front(struct front *f)
{
	int fd[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	f->fd = fd[1];
	CHECK_EQ(vu_session_new(f->io, &f->disk, false, "serial", fd[0], note_gone, f, &f->s), 0);
}

static int
new_memory(char **map, bool sealed)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | (sealed ? MFD_ALLOW_SEALING : 0));

	CHECK(fd >= 0 && ftruncate(fd, MEMORY) == 0);
	*map = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(*map != MAP_FAILED);
	return (fd);
}

static void
open_front(struct front *f)
{
	memset(f, 0, sizeof(*f));
	CHECK_EQ(blkio_new(2, &f->io, NULL), 0);
	CHECK_EQ(bdev_mem_new("disk", DISK, &f->disk.bd, NULL), 0);
	f->disk.bd->discard_zeroes = false;
	f->gone = eventfd(0, EFD_CLOEXEC);
	f->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->call = eventfd(0, EFD_CLOEXEC);
	f->err = eventfd(0, EFD_CLOEXEC);
	f->memfd = new_memory(&f->mem, true);
	f->desc = (void *)(f->mem + DESC_AT);
	f->avail = (void *)(f->mem + AVAIL_AT);
	f->used = (void *)(f->mem + USED_AT);
	connect_front(f);
}

static void
set_memory(struct front *f, int fd)
{
	struct {
		uint32_t n, pad;
		struct vu_region_msg r;
	} m = {1, 0, {GUEST, MEMORY, USER, 0}};

	send_msg(f, 5, 0, &m, sizeof(m), &fd, 1);
}

static void
set_ring(struct front *f)
{
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = {0, 0, USER + DESC_AT, USER + USED_AT, USER + AVAIL_AT, 0};
	uint64_t zero = 0;

	set_state(f, 8, NUM);
	send_msg(f, 9, 0, &a, sizeof(a), NULL, 0);
	send_msg(f, 13, 0, &zero, 8, &f->call, 1);
	send_msg(f, 14, 0, &zero, 8, &f->err, 1);
	send_msg(f, 12, 0, &zero, 8, &f->kick, 1);
	set_state(f, 18, 1);
}

static void
start_front(struct front *f, uint64_t features)
{
	send_msg(f, 3, 0, NULL, 0, NULL, 0);
	set_u64(f, 16, 1 << 0 | 1 << 3 | 1 << 9 | 1 << 12);
	set_u64(f, 2, features);
	set_memory(f, f->memfd);
	set_state(f, 10, f->seen);
	set_ring(f);
	barrier(f);
}

static void
close_front(struct front *f)
{
	vu_session_free(f->s);
	blkio_free(f->io);
	bdev_close(f->disk.bd);
	(void)munmap(f->mem, MEMORY);
	int fds[] = {f->fd, f->gone, f->memfd, f->kick, f->call, f->err};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		(void)close(fds[i]);
}

static void
put_desc(struct vring_desc *d, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*d = (struct vring_desc){addr, len, flags, next};
}

static void
offer(struct front *f, uint16_t head)
{
	f->avail->ring[f->avail->idx % NUM] = head;
	__atomic_store_n(&f->avail->idx, (uint16_t)(f->avail->idx + 1), __ATOMIC_SEQ_CST);
	(void)eventfd_write(f->kick, 1);
}

static bool
wait_fd(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};
	eventfd_t n;

	return (poll(&p, 1, ms) == 1 && eventfd_read(fd, &n) == 0);
}

/* The status of the one chain that was offered. */
static int
wait_status(struct front *f)
{
	__atomic_store_n(&f->avail->ring[NUM], f->seen, __ATOMIC_SEQ_CST); /* call me at the next */
	while (__atomic_load_n(&f->used->idx, __ATOMIC_SEQ_CST) == f->seen)
		CHECK(wait_fd(f->call, 5000));
	f->seen++;
	return (f->mem[STATUS_AT]);
}

static void
put_header(struct front *f, uint32_t type, uint64_t sector)
{
	uint32_t h[2] = {type, 0};

	memcpy(f->mem + HEADER_AT, h, 8);
	memcpy(f->mem + HEADER_AT + 8, &sector, 8);
	f->mem[STATUS_AT] = 77;
}

/* Header, data in three uneven segments (if there is any), status; as a table of their own if wanted. */
static void
make_chain(struct front *f, uint32_t type, uint64_t sector, uint32_t len, bool indirect)
{
	struct vring_desc *d = indirect ? (void *)(f->mem + TABLE_AT) : f->desc;
	bool reads = type == 0 || type == 8;
	uint32_t cut[4] = {0, len / 3 | 1, len / 2 | 1, len};
	uint16_t n = 0;

	put_header(f, type, sector);
	put_desc(&d[n], GUEST + HEADER_AT, 16, NEXT, 1);
	for (n = 1; len > 4 && n < 4; n++)
		put_desc(&d[n], GUEST + DATA_AT + cut[n - 1], cut[n] - cut[n - 1],
		    (uint16_t)(NEXT | (reads ? WRITE : 0)), (uint16_t)(n + 1));
	put_desc(&d[n], GUEST + STATUS_AT, 1, WRITE, 0);
	if (indirect)
		put_desc(&f->desc[0], GUEST + TABLE_AT, (n + 1u) * 16, INDIRECT, 0);
}

static int
request(struct front *f, uint32_t type, uint64_t sector, uint32_t len, bool indirect)
{
	make_chain(f, type, sector, len, indirect);
	offer(f, 0);
	return (wait_status(f));
}

static void
fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)test_rand();
}

static void
write_and_read(uint64_t features, bool indirect)
{
	char want[40960];
	struct front f;

	open_front(&f);
	start_front(&f, features);
	for (int i = 0; i < 50; i++) {
		uint32_t len = (uint32_t)(1 + test_rand() % 80) * 512;
		uint64_t sector = test_rand() % (DISK / 512 - 80);

		fill(f.mem + DATA_AT, len);
		memcpy(want, f.mem + DATA_AT, len);
		CHECK_EQ(request(&f, 1, sector, len, indirect), 0);
		CHECK_EQ(request(&f, 4, 0, 0, indirect), 0);
		memset(f.mem + DATA_AT, 0, len);
		CHECK_EQ(request(&f, 0, sector, len, indirect), 0);
		CHECK_MEM(f.mem + DATA_AT, want, len);
		CHECK_EQ(f.used->ring[(f.seen - 1) % NUM].len, len + 1);
	}
	close_front(&f);
}

TEST(vhost_user_reads_what_was_written)
{
	write_and_read(FEATURES, false);
}

TEST(vhost_user_takes_indirect_descriptors)
{
	write_and_read(FEATURES, true);
}

TEST(vhost_user_keeps_the_event_index)
{
	write_and_read(FEATURES | 1 << 29, false);
}

TEST(vhost_user_writes_through_when_the_guest_does_not_flush)
{
	write_and_read(FEATURES & ~(UINT64_C(1) << 9), false);
}

TEST(vhost_user_names_zeroes_and_discards)
{
	struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} range = {8, 16, 0};
	char zeros[8192] = {0};
	struct front f;

	open_front(&f);
	start_front(&f, FEATURES);
	CHECK_EQ(request(&f, 8, 0, 20, false), 0);
	CHECK_STR(f.mem + DATA_AT, "serial");
	fill(f.mem + DATA_AT, 8192);
	CHECK_EQ(request(&f, 1, 8, 8192, false), 0);
	memcpy(f.mem + DATA_AT, &range, sizeof(range));
	CHECK_EQ(request(&f, 13, 0, sizeof(range), false), 0);
	memset(f.mem + DATA_AT, 1, 8192);
	CHECK_EQ(request(&f, 0, 8, 8192, false), 0);
	CHECK_MEM(f.mem + DATA_AT, zeros, 8192);
	memcpy(f.mem + DATA_AT, &range, sizeof(range));
	CHECK_EQ(request(&f, 11, 0, sizeof(range), false), 0);
	range.flags = 1; /* unmap is a flag of write zeroes alone */
	memcpy(f.mem + DATA_AT, &range, sizeof(range));
	CHECK_EQ(request(&f, 11, 0, sizeof(range), false), 2);
	CHECK_EQ(request(&f, 13, 0, sizeof(range), false), 0);
	range.sector = UINT64_MAX / 2;
	memcpy(f.mem + DATA_AT, &range, sizeof(range));
	CHECK_EQ(request(&f, 13, 0, sizeof(range), false), 1);
	close_front(&f);
}

TEST(vhost_user_refuses_requests_beyond_the_disk_and_unknown_ones)
{
	struct front f;

	open_front(&f);
	start_front(&f, FEATURES);
	CHECK_EQ(request(&f, 0, DISK / 512, 512, false), 1);
	CHECK_EQ(request(&f, 0, UINT64_MAX, 512, false), 1);
	CHECK_EQ(request(&f, 1, DISK / 512 - 1, 1024, false), 1);
	CHECK_EQ(request(&f, 0, 0, 100, false), 1);
	CHECK_EQ(request(&f, 99, 0, 512, false), 2);
	f.disk.bd->readonly = true;
	CHECK_EQ(request(&f, 1, 0, 512, false), 1);
	CHECK_EQ(request(&f, 0, 0, 512, false), 0);
	close_front(&f);
}

/* A ring that was broken is silent; a session goes on, and the ring may be set up again. */
static void
expect_broken(struct front *f, uint16_t head)
{
	uint16_t before = f->used->idx;

	offer(f, head);
	CHECK(wait_fd(f->err, 5000));
	CHECK_EQ(f->used->idx, before);
	CHECK_EQ(get_u64(f, 17), VU_QUEUES_MAX);
	f->avail->idx = 0;
	f->used->idx = 0;
	f->seen = 0;
	set_state(f, 11, 0);
	uint32_t st[2];

	CHECK_EQ(get_reply(f, 11, st, sizeof(st), NULL), 8);
	set_state(f, 10, 0);
	set_ring(f);
	barrier(f);
	CHECK_EQ(request(f, 0, 0, 512, false), 0);
}

TEST(vhost_user_breaks_a_ring_whose_descriptors_cannot_be)
{
	struct front f;

	open_front(&f);
	start_front(&f, FEATURES);
	make_chain(&f, 0, 0, 512, false);
	f.desc[1].addr = GUEST + MEMORY - 100; /* outside, in part */
	expect_broken(&f, 0);
	make_chain(&f, 0, 0, 512, false);
	f.desc[1].addr = UINT64_MAX - 10;
	expect_broken(&f, 0);
	make_chain(&f, 0, 0, 512, false);
	f.desc[2].next = 1; /* a loop */
	expect_broken(&f, 0);
	make_chain(&f, 0, 0, 512, false);
	f.desc[0].next = NUM;
	expect_broken(&f, 0);
	make_chain(&f, 0, 0, 512, false);
	f.desc[2].flags = NEXT; /* what the device reads behind what it writes */
	expect_broken(&f, 0);
	expect_broken(&f, NUM);
	make_chain(&f, 0, 0, 512, true);
	f.desc[0].len = 17;
	expect_broken(&f, 0);
	make_chain(&f, 0, 0, 512, true);
	put_desc((void *)(f.mem + TABLE_AT), GUEST + TABLE_AT, 32, INDIRECT, 0);
	expect_broken(&f, 0);
	f.avail->idx = (uint16_t)(f.avail->idx + 1000);
	expect_broken(&f, 0);
	close_front(&f);
}

TEST(vhost_user_answers_a_chain_without_header_and_gives_back_one_without_status)
{
	struct front f;

	open_front(&f);
	start_front(&f, FEATURES);
	put_header(&f, 0, 0);
	put_desc(&f.desc[0], GUEST + STATUS_AT, 1, WRITE, 0);
	offer(&f, 0);
	CHECK_EQ(wait_status(&f), 1);
	put_header(&f, 1, 0);
	put_desc(&f.desc[0], GUEST + HEADER_AT, 16, 0, 0);
	offer(&f, 0);
	CHECK_EQ(wait_status(&f), 77);
	close_front(&f);
}

static void
expect_gone(struct front *f)
{
	char c;

	CHECK(wait_fd(f->gone, 5000));
	while (read(f->fd, &c, 1) == 1)
		;
	close_front(f);
}

TEST(vhost_user_takes_only_memory_that_will_stay)
{
	char path[300], *p;
	struct front f;
	int fd;

	open_front(&f);
	fd = new_memory(&p, false);
	set_memory(&f, fd);
	expect_gone(&f);
	(void)close(fd);
	open_front(&f);
	(void)snprintf(path, sizeof(path), "%s/memory", test_dir());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, MEMORY) == 0);
	set_memory(&f, fd);
	expect_gone(&f);
	(void)close(fd);
	open_front(&f);
	set_memory(&f, f.memfd);
	barrier(&f);
	CHECK(ftruncate(f.memfd, 4096) != 0); /* sealed by the other side */
	close_front(&f);
}

TEST(vhost_user_hangs_up_on_messages_that_are_none)
{
	uint64_t v = 0;
	struct front f;
	int pipe_fd[2];

	open_front(&f);
	send_msg(&f, 200, 0, NULL, 0, NULL, 0);
	expect_gone(&f);
	open_front(&f);
	send_msg(&f, 8, 0, &v, 7, NULL, 0);
	expect_gone(&f);
	open_front(&f);
	set_u64(&f, 2, UINT64_C(1) << 63);
	expect_gone(&f);
	open_front(&f);
	set_state(&f, 8, 3); /* no power of two */
	expect_gone(&f);
	open_front(&f);
	CHECK_EQ(pipe(pipe_fd), 0);
	send_msg(&f, 12, 0, &v, 8, &pipe_fd[0], 1);
	expect_gone(&f);
	open_front(&f);
	start_front(&f, FEATURES);
	f.s->ring[0].used_addr = 0;
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = {0, 0, USER + DESC_AT, USER + MEMORY - 8, USER + AVAIL_AT, 0};

	send_msg(&f, 9, 0, &a, sizeof(a), NULL, 0);
	expect_gone(&f);
}

TEST(vhost_user_collects_a_message_that_comes_in_pieces)
{
	uint32_t head[3] = {17, 1, 0}, v[2];
	struct front f;

	open_front(&f);
	for (size_t i = 0; i < sizeof(head); i++) {
		CHECK_EQ(write(f.fd, (char *)head + i, 1), 1);
		usleep(300);
	}
	CHECK_EQ(get_reply(&f, 17, v, sizeof(v), NULL), 8);
	close_front(&f);
}

TEST(vhost_user_tells_size_blocks_and_queues_and_acknowledges)
{
	uint8_t config[12 + VU_CONFIG_BYTES] = {0, 0, 0, 0, VU_CONFIG_BYTES};
	uint64_t sectors, ack;
	struct front f;

	open_front(&f);
	f.disk.bd->physical_block = 16384;
	set_u64(&f, 16, 1 << 3 | 1 << 9);
	send_msg(&f, 24, 0, config, sizeof(config), NULL, 0);
	CHECK_EQ(get_reply(&f, 24, config, sizeof(config), NULL), sizeof(config));
	memcpy(&sectors, config + 12, 8);
	CHECK_EQ(sectors, DISK / 512);
	CHECK_EQ(config[12 + 24], 5); /* 16 KiB are 2^5 sectors */
	CHECK_EQ(config[12 + 34], VU_QUEUES_MAX);
	set_memory(&f, f.memfd);
	ack = 0;
	send_msg(&f, 2, 8, &ack, 8, NULL, 0);
	CHECK_EQ(get_reply(&f, 2, &ack, sizeof(ack), NULL), 8);
	CHECK_EQ(ack, 0);
	ack = UINT64_C(1) << 63;
	send_msg(&f, 2, 8, &ack, 8, NULL, 0);
	CHECK_EQ(get_reply(&f, 2, &ack, sizeof(ack), NULL), 8);
	CHECK_EQ(ack, 1);
	close_front(&f);
}

/* --- a server that dies --- */

static blk_done_fn *held_fn;
static void *held_arg;

static void
hold_flush(struct bdev *bd, blk_done_fn *fn, void *arg)
{
	(void)bd;
	held_arg = arg;
	__atomic_store_n(&held_fn, fn, __ATOMIC_SEQ_CST);
}

TEST(what_was_in_flight_when_a_server_died_is_done_by_the_next)
{
	struct {
		uint64_t bytes, offset;
		uint16_t queues, size, pad[2];
	} in = {0, 0, 1, NUM, {0, 0}};
	struct vu_session *dead;
	struct front f;
	int area, old_fd;

	open_front(&f);
	send_msg(&f, 31, 0, &in, 20, NULL, 0);
	CHECK_EQ(get_reply(&f, 31, &in, sizeof(in), &area), 20);
	f.disk.flush = hold_flush;
	f.s->disk.flush = hold_flush;
	start_front(&f, FEATURES);
	fill(f.mem + DATA_AT, 512);
	CHECK_EQ(request(&f, 1, 5, 512, false), 0);
	make_chain(&f, 4, 0, 0, false);
	offer(&f, 0);
	while (__atomic_load_n(&held_fn, __ATOMIC_SEQ_CST) == NULL)
		usleep(1000);
	CHECK_EQ(f.used->idx, f.seen); /* in flight; that server never answers */
	dead = f.s;
	old_fd = f.fd;
	f.disk.flush = NULL;
	connect_front(&f);
	send_msg(&f, 32, 0, &in, 20, &area, 1);
	start_front(&f, FEATURES);
	CHECK_EQ(wait_status(&f), 0);
	CHECK_EQ(request(&f, 0, 5, 512, false), 0);
	vu_session_free(f.s);
	f.s = dead;
	held_fn(0, held_arg); /* only to let this test end */
	(void)close(f.fd);
	(void)close(area);
	f.fd = old_fd;
	close_front(&f);
}

TEST(a_step_that_a_dead_server_did_not_finish_is_not_done_twice)
{
	struct {
		uint64_t bytes, offset;
		uint16_t queues, size, pad[2];
	} in = {0, 0, 1, NUM, {0, 0}};
	struct vu_inflight_queue *q;
	struct front f;
	int area;

	open_front(&f);
	send_msg(&f, 31, 0, &in, 20, NULL, 0);
	CHECK_EQ(get_reply(&f, 31, &in, sizeof(in), &area), 20);
	start_front(&f, FEATURES);
	CHECK_EQ(request(&f, 0, 0, 512, false), 0);
	vu_session_free(f.s);
	(void)close(f.fd);
	/* As if it had died between the used ring and its own notes. */
	q = mmap(NULL, in.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, area, 0);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(q->used_idx, 1);
	q->used_idx = 0;
	q->desc[0].inflight = 1;
	connect_front(&f);
	send_msg(&f, 32, 0, &in, 20, &area, 1);
	start_front(&f, FEATURES);
	usleep(20000);
	CHECK_EQ(f.used->idx, 1);
	CHECK_EQ(request(&f, 0, 0, 512, false), 0);
	CHECK_EQ(f.used->idx, 2);
	CHECK_EQ(q->desc[0].inflight, 0);
	(void)munmap(q, in.bytes);
	(void)close(area);
	close_front(&f);
}

TEST(a_stopped_ring_goes_on_where_it_was)
{
	struct front f;
	uint32_t st[2];

	open_front(&f);
	start_front(&f, FEATURES);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(request(&f, 0, 0, 512, false), 0);
	set_state(&f, 11, 0);
	CHECK_EQ(get_reply(&f, 11, st, sizeof(st), NULL), 8);
	CHECK_EQ(st[1], 20);
	make_chain(&f, 0, 0, 512, false);
	offer(&f, 0); /* nobody looks */
	set_state(&f, 10, st[1]);
	set_ring(&f);
	CHECK_EQ(wait_status(&f), 0);
	close_front(&f);
}
