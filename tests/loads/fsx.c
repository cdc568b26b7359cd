/* SPDX-License-Identifier: MIT */
/*
 * fsx FILE SECONDS [SEED [LENGTH]]: change a file in all ways, beside a copy in memory.
 *
 * Each operation is one of write, read, append, truncate, punch, zero, allocate, copy within the file,
 * write and read by a shared mapping, read and write around the page cache, fsync, look for holes, drop
 * the page cache, and close and open again; offsets and lengths lean to the edges of blocks and of the
 * file. Every read is compared with the copy, and now and then the whole. At a difference the last
 * operations are printed. The seed says which operations: the same seed repeats them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 2 << 20, LONGEST = 300 << 10, ALIGN = 4096, LAST = 40 };

static struct {
	const char *path;
	int fd, direct;	/* direct < 0: the filesystem has none */
	uint64_t seed;
	size_t size, max;
	uint8_t *copy, *buf;
	unsigned long ops;
	char last[LAST][160];
} F;

static uint64_t
draw(void)
{
	F.seed ^= F.seed << 13;
	F.seed ^= F.seed >> 7;
	F.seed ^= F.seed << 17;
	return (F.seed);
}

static size_t
below(size_t n)
{
	return (n == 0 ? 0 : draw() % n);
}

static void
say(const char *what, size_t off, size_t len)
{
	(void)snprintf(F.last[F.ops++ % LAST], sizeof(F.last[0]), "%s %#zx..%#zx (%zu bytes), size %#zx", what,
	    off, off + len, len, F.size);
}

_Noreturn static void
failed(const char *what, size_t at)
{
	int error = errno;

	for (unsigned long i = F.ops > LAST ? F.ops - LAST : 0; i < F.ops; i++)
		fprintf(stderr, "fsx: %lu: %s\n", i, F.last[i % LAST]);
	fprintf(stderr, "fsx: %s: %s at %#zx, errno %d (%s)\n", F.path, what, at, error, strerror(error));
	exit(1);
}

static void
compare(const uint8_t *got, size_t off, size_t len, const char *how)
{
	for (size_t i = 0; i < len; i++) {
		if (got[i] != F.copy[off + i]) {
			fprintf(stderr, "fsx: %s: found %02x, expected %02x\n", how, got[i], F.copy[off + i]);
			failed("different data", off + i);
		}
	}
}

/* --- where --------------------------------------------------------------------------------------- */

/* Near the edges of things as often as anywhere. */
static size_t
some_offset(size_t limit)
{
	static const size_t edges[] = {512, 4096, 8192, 131072};
	size_t off = below(limit), edge = edges[below(4)];

	if (below(3) == 0)
		off = off / edge * edge + below(3) - 1;
	return (off < limit ? off : 0);
}

static size_t
some_length(size_t limit)
{
	size_t len = 1 + (below(2) == 0 ? below(LONGEST) : below(9000));

	return (len < limit ? len : limit);
}

/* The file's new end, where nothing was before: zeros up to off. */
static void
reach(size_t end)
{
	if (end > F.size) {
		memset(F.copy + F.size, 0, end - F.size);
		F.size = end;
	}
}

static uint8_t *
new_bytes(size_t len)
{
	uint8_t first = (uint8_t)(1 + below(250));

	if (below(8) == 0)
		memset(F.buf, 0, len);
	else
		for (size_t i = 0; i < len; i++)
			F.buf[i] = (uint8_t)(first + i / 16 + (i & 3));
	return (F.buf);
}

/* --- operations ------------------------------------------------------------------------------------ */

static void
written(size_t off, size_t len)
{
	if (off > F.size)
		reach(off);
	memcpy(F.copy + off, F.buf, len);
	if (off + len > F.size)
		F.size = off + len;
}

static void
op_write(void)
{
	size_t off = some_offset(F.max), len = some_length(F.max - off);

	say("write", off, len);
	if (pwrite(F.fd, new_bytes(len), len, (off_t)off) != (ssize_t)len)
		failed("pwrite", off);
	written(off, len);
}

static void
op_append(void)
{
	size_t off = F.size, len = some_length(F.max - off);

	if (len == 0)
		return;
	say("append", off, len);
	if (lseek(F.fd, 0, SEEK_END) != (off_t)off || write(F.fd, new_bytes(len), len) != (ssize_t)len)
		failed("append", off);
	written(off, len);
}

static void
read_back(int fd, size_t off, size_t len, const char *how)
{
	size_t want = off >= F.size ? 0 : len < F.size - off ? len : F.size - off;

	say(how, off, len);
	if (pread(fd, F.buf, len, (off_t)off) != (ssize_t)want)
		failed(how, off);
	compare(F.buf, off, want, how);
}

static void
op_read(void)
{
	size_t off = some_offset(F.max);

	read_back(F.fd, off, some_length(F.max - off), "read");
}

static void
op_read_direct(void)
{
	size_t off = some_offset(F.max) / ALIGN * ALIGN;

	if (F.direct >= 0)
		read_back(F.direct, off, (some_length(F.max) + ALIGN - 1) / ALIGN * ALIGN, "read directly");
}

static void
op_write_direct(void)
{
	size_t off = some_offset(F.max - LONGEST) / ALIGN * ALIGN;
	size_t len = (some_length(LONGEST - ALIGN) + ALIGN - 1) / ALIGN * ALIGN;

	if (F.direct < 0)
		return;
	say("write directly", off, len);
	if (pwrite(F.direct, new_bytes(len), len, (off_t)off) != (ssize_t)len)
		failed("pwrite directly", off);
	written(off, len);
}

static void
op_truncate(void)
{
	size_t size = below(6) == 0 ? 0 : some_offset(F.max);

	say("truncate", size, 0);
	if (ftruncate(F.fd, (off_t)size) != 0)
		failed("ftruncate", size);
	reach(size);
	F.size = size;
}

/* Calls that a filesystem may lack count as done when it says so. */
static bool
allocate(int mode, const char *how, size_t off, size_t len)
{
	say(how, off, len);
	if (fallocate(F.fd, mode, (off_t)off, (off_t)len) == 0)
		return (true);
	if (errno != EOPNOTSUPP)
		failed(how, off);
	return (false);
}

static void
zeroed(size_t off, size_t len)
{
	if (off < F.size)
		memset(F.copy + off, 0, len < F.size - off ? len : F.size - off);
}

static void
op_punch(void)
{
	size_t off = some_offset(F.max), len = some_length(F.max - off);

	if (allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch", off, len))
		zeroed(off, len);
}

static void
op_zero(void)
{
	size_t off = some_offset(F.max), len = some_length(F.max - off);
	bool keep = below(2) == 0;

	if (!allocate(FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0),
	    keep ? "zero" : "zero, lengthen", off, len))
		return;
	zeroed(off, len);
	if (!keep)
		reach(off + len);
}

static void
op_allocate(void)
{
	size_t off = some_offset(F.max), len = some_length(F.max - off);
	bool keep = below(2) == 0;

	if (allocate(keep ? FALLOC_FL_KEEP_SIZE : 0, keep ? "allocate" : "allocate, lengthen", off, len) &&
	    !keep)
		reach(off + len);
}

static void
op_copy(void)
{
	size_t from = some_offset(F.size), len = some_length(F.size - from);
	size_t to = some_offset(F.max), done = 0;

	if (len > F.max - to)
		len = F.max - to;
	if (len == 0 || (to < from + len && from < to + len))
		return;
	say("copy", from, len);
	say("  to", to, len);
	while (done < len) {
		off_t in = (off_t)(from + done), out = (off_t)(to + done);
		ssize_t n = copy_file_range(F.fd, &in, F.fd, &out, len - done, 0);

		if (n <= 0)
			failed("copy_file_range", from + done);
		done += (size_t)n;
	}
	memcpy(F.buf, F.copy + from, len);
	written(to, len);
}

static void
op_map(void)
{
	size_t off = some_offset(F.size) / ALIGN * ALIGN, len = some_length(F.size - off);
	bool writes = below(2) == 0;
	uint8_t *p;

	if (len == 0)
		return;
	say(writes ? "write mapped" : "read mapped", off, len);
	if ((p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, F.fd, (off_t)off)) == MAP_FAILED)
		failed("mmap", off);
	if (writes) {
		memcpy(p, new_bytes(len), len);
		written(off, len);
	} else {
		compare(p, off, len, "mapped");
	}
	if (below(4) == 0 && msync(p, len, MS_SYNC) != 0)
		failed("msync", off);
	if (munmap(p, len) != 0)
		failed("munmap", off);
}

static void
op_holes(void)
{
	size_t off = some_offset(F.size);
	off_t data, hole;

	if (off >= F.size)
		return;
	say("look for holes", off, 0);
	hole = lseek(F.fd, (off_t)off, SEEK_HOLE);
	data = lseek(F.fd, (off_t)off, SEEK_DATA);
	if (hole < (off_t)off || hole > (off_t)F.size || (data < 0 && errno != ENXIO))
		failed("SEEK_HOLE or SEEK_DATA", off);
	for (size_t i = off; i < (data < 0 ? F.size : (size_t)data); i++) {
		if (F.copy[i] != 0)
			failed("data taken for a hole", i);
	}
}

static void
op_sync(void)
{
	say("sync", 0, 0);
	if ((below(2) == 0 ? fsync(F.fd) : fdatasync(F.fd)) != 0)
		failed("fsync", 0);
	(void)posix_fadvise(F.fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void
open_file(void)
{
	struct stat st;

	F.fd = open(F.path, O_RDWR | O_CREAT, 0644);
	if (F.fd < 0 || fstat(F.fd, &st) != 0)
		failed("open", 0);
	if ((size_t)st.st_size != F.size)
		failed("the size differs", (size_t)st.st_size);
	F.direct = open(F.path, O_RDWR | O_DIRECT);
}

static void
op_reopen(void)
{
	say("close, open", 0, 0);
	if (close(F.fd) != 0)
		failed("close", 0);
	if (F.direct >= 0)
		(void)close(F.direct);
	open_file();
	read_back(F.fd, 0, F.max, "read the whole");
}

/* --- running ----------------------------------------------------------------------------------------- */

static void (*const ops[])(void) = {
	op_write, op_write, op_write, op_read, op_read, op_append, op_truncate, op_punch, op_zero,
	op_allocate, op_copy, op_map, op_map, op_map, op_read_direct, op_write_direct, op_holes,
	op_sync, op_reopen,
};

int
main(int argc, char **argv)
{
	uint64_t seed;
	time_t until;

	if (argc < 3) {
		fprintf(stderr, "usage: fsx FILE SECONDS [SEED [LENGTH]]\n");
		return (2);
	}
	F.path = argv[1];
	until = time(NULL) + strtol(argv[2], NULL, 10);
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL) << 16 | (uint64_t)getpid();
	F.max = argc > 4 ? strtoul(argv[4], NULL, 0) : LENGTH;
	if (F.max < 2 * LONGEST)
		F.max = 2 * LONGEST;
	F.seed = seed * 0x9e3779b97f4a7c15u | 1;
	F.copy = calloc(1, F.max + LONGEST);
	if (F.copy == NULL || posix_memalign((void **)&F.buf, ALIGN, F.max + LONGEST) != 0)
		return (2);
	printf("fsx: %s seed %llu\n", F.path, (unsigned long long)seed);
	(void)unlink(F.path);
	open_file();
	while (F.ops % 64 != 0 || time(NULL) < until)
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
	op_reopen();
	printf("fsx: %s: %lu operations, no difference\n", F.path, F.ops);
	return (0);
}
