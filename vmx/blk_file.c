/* SPDX-License-Identifier: MIT */
/*
 * A disk in a raw file or on a block device.
 *
 * Flush is fdatasync.  Discard and zeroes punch or zero a file's range, and use the block layer's
 * requests on a device; a kernel or file system that cannot is told of once and then served by writing
 * zeros, or for discard by nothing: both are what the standard allows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/vmx/blk.h"

struct blk_file {
	struct blk_backend b;
	int fd;
	bool device;
};

/* Step over n bytes of an iovec array. */
static void
iov_advance(struct iovec **iov, unsigned *n, size_t done)
{
	while (*n > 0 && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n > 0) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

static int
file_rw(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off, bool write)
{
	int fd = ((struct blk_file *)b)->fd;

	while (n > 0) {
		ssize_t done = write ? pwritev(fd, iov, (int)n, (off_t)off)
				     : preadv(fd, iov, (int)n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return (done < 0 ? -errno : -EIO);
		off += (uint64_t)done;
		iov_advance(&iov, &n, (size_t)done);
	}
	return (0);
}

static int
file_readv(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off)
{
	return (file_rw(b, iov, n, off, false));
}

static int
file_writev(struct blk_backend *b, struct iovec *iov, unsigned n, uint64_t off)
{
	return (file_rw(b, iov, n, off, true));
}

static int
file_flush(struct blk_backend *b)
{
	return (fdatasync(((struct blk_file *)b)->fd) != 0 ? -errno : 0);
}

static int
range_request(const struct blk_file *f, uint64_t off, uint64_t len, int mode, unsigned long request)
{
	uint64_t range[2] = {off, len};

	if (f->device)
		return (ioctl(f->fd, request, range) != 0 ? -errno : 0);
	return (fallocate(f->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len) != 0 ? -errno
											  : 0);
}

static int
file_discard(struct blk_backend *b, uint64_t off, uint64_t len)
{
	int rc = range_request((struct blk_file *)b, off, len, FALLOC_FL_PUNCH_HOLE, BLKDISCARD);

	return (rc == -EOPNOTSUPP ? 0 : rc);
}

static int
write_zeros(struct blk_backend *b, uint64_t off, uint64_t len)
{
	static const uint8_t zeros[65536];

	while (len > 0) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);
		struct iovec iov = {(void *)(uintptr_t)zeros, n};
		int rc = file_writev(b, &iov, 1, off);

		if (rc != 0)
			return (rc);
		off += n;
		len -= n;
	}
	return (0);
}

static int
file_zero(struct blk_backend *b, uint64_t off, uint64_t len, bool unmap)
{
	int rc = range_request((struct blk_file *)b, off, len,
	    unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, BLKZEROOUT);

	return (rc == -EOPNOTSUPP ? write_zeros(b, off, len) : rc);
}

static void
file_close(struct blk_backend *b)
{
	(void)close(((struct blk_file *)b)->fd);
	free(b);
}

static const struct blk_ops file_ops = {
    file_readv, file_writev, file_flush, file_discard, file_zero, file_close};

static int
file_size(struct blk_file *f, struct err *e)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return (err_sys(e, errno, "disk"));
	f->device = S_ISBLK(st.st_mode);
	f->b.size = (uint64_t)st.st_size;
	if (f->device && ioctl(f->fd, BLKGETSIZE64, &f->b.size) != 0)
		return (err_sys(e, errno, "cannot tell the size of the disk"));
	if (!f->device && !S_ISREG(st.st_mode))
		return (err_set(e, EINVAL, "the disk is neither a file nor a block device"));
	return (0);
}

int
blk_file_new(int fd, bool readonly, uint32_t physical_block, struct blk_backend **out,
    struct err *e)
{
	struct blk_file *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL) {
		(void)close(fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	f->fd = fd;
	f->b.ops = &file_ops;
	f->b.readonly = readonly;
	f->b.physical_block = physical_block != 0 ? physical_block : 512;
	if ((rc = file_size(f, e)) != 0) {
		file_close(&f->b);
		return (rc);
	}
	*out = &f->b;
	return (0);
}
