/* SPDX-License-Identifier: MIT */
/*
 * A load for a block device, beside a copy in memory: load DEVICE MIB SEED SECONDS
 *
 * Four threads, each with a quarter of the first MIB of the device, write, read, discard, zero and
 * fsync at random for that long, half of them around the page cache; every read is compared. In the
 * end all of it is read again from the device. Exit status 0: never a difference, never an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, SECTOR = 512, LONGEST = 128 << 10 };

struct part {
	pthread_t thread;
	const char *device;
	uint64_t start, size, seed;
	time_t until;
	uint8_t *copy, *buf;
	int fd, number;
	unsigned long ops;
};

static uint64_t
next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (*s);
}

static void
must(int ok, const struct part *p, const char *what, uint64_t off, uint64_t len)
{
	if (ok)
		return;
	fprintf(stderr, "load: thread %d operation %lu: %s at %llu, %llu bytes: %s\n", p->number, p->ops, what,
	    (unsigned long long)(p->start + off), (unsigned long long)len, strerror(errno));
	exit(1);
}

static void
check(struct part *p, uint64_t off, uint64_t len)
{
	must(pread(p->fd, p->buf, len, (off_t)(p->start + off)) == (ssize_t)len, p, "read", off, len);
	for (uint64_t i = 0; i < len; i += SECTOR)
		must(memcmp(p->buf + i, p->copy + off + i, SECTOR) == 0, p, "DIFFERENT DATA", off + i, SECTOR);
}

static void
step(struct part *p)
{
	uint64_t unit = p->number % 2 ? 4096 : SECTOR, r = next(&p->seed), range[2];
	uint64_t len = (1 + next(&p->seed) % (LONGEST / unit)) * unit;
	uint64_t off = next(&p->seed) % (p->size / unit) * unit;

	if (r % 3 == 0)
		len = unit;
	if (len > p->size - off)
		len = p->size - off;
	range[0] = p->start + off;
	range[1] = len;
	p->ops++;
	switch (r >> 8 & 15) {
	case 0:
		must(ioctl(p->fd, BLKDISCARD, range) == 0, p, "discard", off, len);
		memset(p->copy + off, 0, len);
		break;
	case 1:
		must(ioctl(p->fd, BLKZEROOUT, range) == 0, p, "zero", off, len);
		memset(p->copy + off, 0, len);
		break;
	case 2:
		must(fsync(p->fd) == 0, p, "fsync", 0, 0);
		break;
	case 3: case 4: case 5: case 6:
		check(p, off, len);
		break;
	default:
		for (uint64_t i = 0; i < len; i += 8)
			memcpy(p->copy + off + i, &(uint64_t){next(&p->seed) & (r & 1 ? ~0ull : 3)}, 8);
		memcpy(p->buf, p->copy + off, len);
		must(pwrite(p->fd, p->buf, len, (off_t)(p->start + off)) == (ssize_t)len, p, "write", off, len);
	}
}

static void *
run(void *arg)
{
	struct part *p = arg;

	p->fd = open(p->device, O_RDWR | (p->number < 2 ? O_DIRECT : 0));
	must(p->fd >= 0, p, "open", 0, 0);
	must(pread(p->fd, p->copy, p->size, (off_t)p->start) == (ssize_t)p->size, p, "first read", 0, p->size);
	while (time(NULL) < p->until)
		step(p);
	must(fsync(p->fd) == 0, p, "last fsync", 0, 0);
	close(p->fd);
	return (NULL);
}

int
main(int argc, char **argv)
{
	struct part p[THREADS];
	unsigned long ops = 0;

	if (argc != 5)
		return (2);
	for (int i = 0; i < THREADS; i++) {
		uint64_t size = strtoull(argv[2], NULL, 10) * (1 << 20) / THREADS;

		p[i] = (struct part){.device = argv[1], .start = size * (unsigned)i,
		    .size = size, .number = i,
		    .seed = strtoull(argv[3], NULL, 10) * 977 + (unsigned)i + 1,
		    .until = time(NULL) + atoi(argv[4])};
		if (posix_memalign((void **)&p[i].copy, 4096, size) != 0 ||
		    posix_memalign((void **)&p[i].buf, 4096, LONGEST) != 0 ||
		    pthread_create(&p[i].thread, NULL, run, &p[i]) != 0)
			return (1);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(p[i].thread, NULL);
		ops += p[i].ops;
	}
	for (int i = 0; i < THREADS; i++) {
		p[i].fd = open(p[i].device, O_RDONLY | O_DIRECT);
		for (uint64_t off = 0; off < p[i].size; off += 4096)
			check(&p[i], off, 4096);
		close(p[i].fd);
	}
	printf("load: %lu operations, seed %s\n", ops, argv[3]);
	return (0);
}
