/* SPDX-License-Identifier: MIT */
/*
 * A front-end that lies: messages, descriptors and rings.
 *
 * The input is a program: each byte says what comes next, a message (request, flags, size, payload
 * from the input), bytes for the guest's memory, or a look at a ring.  The guest's memory is 64
 * KiB; messages that need a descriptor get one of the right kind, or of a wrong one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fs/vhost_user.h"
#include "smartbox/core/bdev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 << 10, DISK = 256 << 10, STEPS_MAX = 64 };
enum { SET_MEM_TABLE = 5, SET_VRING_KICK = 12, SET_VRING_ERR = 14, SET_BACKEND_REQ_FD = 21,
	SET_INFLIGHT_FD = 32 };

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t
byte(struct input *in)
{
	if (in->n == 0)
		return (0);
	in->n--;
	return (*in->p++);
}

static size_t
take(struct input *in, void *buf, size_t want)
{
	size_t n = want < in->n ? want : in->n;

	memcpy(buf, in->p, n);
	in->p += n;
	in->n -= n;
	return (n);
}

static void
give_fd(struct vu_session *s, int fd)
{
	if (s->nfds < VU_FDS_MAX && fd >= 0)
		s->fds[s->nfds++] = fd;
}

static int
message(struct vu_session *s, struct input *in, int memfd)
{
	uint32_t head[3] = {byte(in), 1, 0};
	uint8_t how = byte(in);

	if (how & 1)
		head[1] |= 8;
	head[2] = byte(in) + (how & 2 ? 256u : 0);
	if (head[2] > VU_PAYLOAD_MAX)
		head[2] = VU_PAYLOAD_MAX;
	memset(s->buf, 0, sizeof(s->buf));
	memcpy(s->buf, head, sizeof(head));
	(void)take(in, s->buf + sizeof(head), head[2]);
	if (how & 4)
		; /* without what it needs */
	else if (head[0] >= SET_VRING_KICK && head[0] <= SET_VRING_ERR)
		give_fd(s, how & 8 ? dup(memfd) : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	else if (head[0] == SET_MEM_TABLE || head[0] == SET_INFLIGHT_FD || head[0] == SET_BACKEND_REQ_FD)
		for (unsigned i = 0; i < 1u + how / 64; i++)
			give_fd(s, dup(memfd));
	return (vu_session_message(s));
}

static void
poke(struct input *in, char *memory)
{
	size_t at = byte(in) | (size_t)byte(in) << 8, n = byte(in);

	if (n > MEMORY - at)
		n = MEMORY - at;
	(void)take(in, memory + at, n);
}

static void
look(struct vu_session *s, uint8_t which, struct blkio_scratch *sc)
{
	struct vu_ring *r = &s->ring[which % VU_QUEUES_MAX];

	for (int i = 0; i < STEPS_MAX && r->running && vu_ring_step(r, sc); i++)
		continue;
}

static void
drain(int fd)
{
	char buf[4096];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
}

static void
run(struct vu_session *s, int peer, struct input in, int memfd, char *memory)
{
	struct blkio_scratch sc = {NULL, 0};
	int rc = 0;

	while (in.n > 0 && rc == 0) {
		switch (byte(&in) % 4) {
		case 0:
		case 1:
			rc = message(s, &in, memfd);
			drain(peer);
			break;
		case 2:
			poke(&in, memory);
			break;
		default:
			look(s, byte(&in), &sc);
		}
	}
	free(sc.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2], memfd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct blk_disk disk = {NULL, NULL, NULL};
	struct vu_session *s;
	char *memory;

	if (memfd < 0 || ftruncate(memfd, MEMORY) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    bdev_mem_new("disk", DISK, &disk.bd, NULL) != 0)
		abort();
	if ((memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0)) == MAP_FAILED)
		abort();
	if (vu_session_new(NULL, &disk, false, "fuzz", pair[0], NULL, NULL, &s) == 0) {
		run(s, pair[1], (struct input){data, size}, memfd, memory);
		vu_session_free(s);
	}
	bdev_close(disk.bd);
	(void)munmap(memory, MEMORY);
	(void)close(memfd);
	(void)close(pair[1]);
	return (0);
}
