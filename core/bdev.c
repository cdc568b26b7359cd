/* SPDX-License-Identifier: MIT */
/*
 * Block devices: range checks for all of them, the file and disk one, the memory one.
 *
 * Files and disks use pread/pwrite through the page cache, so that any offset and length is legal;
 * flush is fdatasync.  Large writes to disks go around the page cache: nobody will read them back
 * soon (whoever wrote them has them), and a copy of each byte, memory for it and a thread that writes it
 * later are spared.  The kernel keeps both ways coherent.  A disk is opened O_EXCL on request: the
 * kernel then refuses one that is mounted or otherwise in use.
 */
#include "smartbox/core/bdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "smartbox/core/file.h"

static int
check_range(const struct bdev *bd, size_t len, uint64_t off)
{
	return (off <= bd->size && len <= bd->size - off ? 0 : -EINVAL);
}

int
bdev_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	int rc = check_range(bd, len, off);

	return (rc != 0 ? rc : bd->ops->read(bd, buf, len, off));
}

int
bdev_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	int rc = check_range(bd, len, off);

	if (rc == 0 && bd->readonly)
		rc = -EROFS;
	return (rc != 0 ? rc : bd->ops->write(bd, buf, len, off));
}

int
bdev_flush(struct bdev *bd)
{
	return (bd->readonly ? 0 : bd->ops->flush(bd));
}

int
bdev_discard(struct bdev *bd, uint64_t off, uint64_t len)
{
	if (off > bd->size || len > bd->size - off)
		return (-EINVAL);
	if (bd->readonly)
		return (-EROFS);
	return (bd->ops->discard != NULL ? bd->ops->discard(bd, off, len) : 0);
}

void
bdev_prefetch(struct bdev *bd, uint64_t off, uint64_t len)
{
	if (bd->ops->prefetch != NULL && check_range(bd, len, off) == 0)
		bd->ops->prefetch(bd, off, len);
}

void
bdev_close(struct bdev *bd)
{
	if (bd != NULL)
		bd->ops->close(bd);
}

#define WRITE_NOW_BYTES (32 << 10)
#define DIRECT_ALIGN 4096u

struct file_bdev {
	struct bdev bd;
	int fd;
	int direct; /* the same disk, around the page cache; -1: none */
	bool is_disk;
};

static int
file_bdev_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	struct file_bdev *f = (struct file_bdev *)bd;
	char *p = buf;

	while (len != 0) {
		ssize_t n = pread(f->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* 0: the file shrank under us */
			return (n < 0 ? -errno : -EIO);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return (0);
}

/*
 * Large writes are final: let the kernel begin with them now, so that the flush has little left to do.
 */
static void
start_writing(const struct file_bdev *f, off_t off, off_t len)
{
	if (len >= WRITE_NOW_BYTES)
		(void)sync_file_range(f->fd, off, len, SYNC_FILE_RANGE_WRITE);
}

static bool
may_go_direct(const struct file_bdev *f, const void *buf, size_t len, uint64_t off)
{
	return (f->direct >= 0 && len >= WRITE_NOW_BYTES &&
	    ((uintptr_t)buf | len | off) % DIRECT_ALIGN == 0);
}

static int
write_all(int fd, const char *p, size_t len, uint64_t off)
{
	while (len != 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (-errno);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return (0);
}

/* What goes wrong directly is tried the other way before it counts: the rules differ by driver. */
static int
file_bdev_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	struct file_bdev *f = (struct file_bdev *)bd;
	int rc;

	if (may_go_direct(f, buf, len, off) && write_all(f->direct, buf, len, off) == 0)
		return (0);
	if ((rc = write_all(f->fd, buf, len, off)) == 0)
		start_writing(f, (off_t)off, (off_t)len);
	return (rc);
}

static int
file_bdev_flush(struct bdev *bd)
{
	struct file_bdev *f = (struct file_bdev *)bd;

	return (fdatasync(f->fd) == 0 ? 0 : -errno);
}

static int
file_bdev_discard(struct bdev *bd, uint64_t off, uint64_t len)
{
	struct file_bdev *f = (struct file_bdev *)bd;
	uint64_t range[2] = {off, len};
	int rc;

	if (f->is_disk)
		rc = ioctl(f->fd, BLKDISCARD, range);
	else
		rc = fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
		    (off_t)len);
	return (rc == 0 || errno == EOPNOTSUPP ? 0 : -errno);
}

static void
file_bdev_prefetch(struct bdev *bd, uint64_t off, uint64_t len)
{
	(void)posix_fadvise(((struct file_bdev *)bd)->fd, (off_t)off, (off_t)len,
	    POSIX_FADV_WILLNEED);
}

static void
file_bdev_close(struct bdev *bd)
{
	struct file_bdev *f = (struct file_bdev *)bd;

	(void)close(f->fd);
	if (f->direct >= 0)
		(void)close(f->direct);
	free(bd->name);
	free(f);
}

static const struct bdev_ops file_bdev_ops = {file_bdev_read, file_bdev_write, file_bdev_flush,
	file_bdev_discard, file_bdev_close, file_bdev_prefetch};

static int
read_disk_geometry(struct file_bdev *f)
{
	unsigned physical = 512;
	int logical = 512;
	unsigned short rotational = 0;

	if (ioctl(f->fd, BLKGETSIZE64, &f->bd.size) != 0)
		return (-errno);
	(void)ioctl(f->fd, BLKSSZGET, &logical);
	(void)ioctl(f->fd, BLKPBSZGET, &physical);
	(void)ioctl(f->fd, BLKROTATIONAL, &rotational);
	f->bd.logical_block = (uint32_t)logical;
	f->bd.physical_block = physical;
	f->bd.rotational = rotational != 0;
	return (0);
}

/* The path may mean another device by now: the descriptor does not. */
static void
open_direct(struct file_bdev *f)
{
	char self[32];

	if (!f->is_disk || f->bd.readonly)
		return;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	f->direct = open(self, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static int
read_geometry(struct file_bdev *f)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return (-errno);
	f->bd.logical_block = f->bd.physical_block = 512;
	f->is_disk = S_ISBLK(st.st_mode);
	if (f->is_disk)
		return (read_disk_geometry(f));
	if (!S_ISREG(st.st_mode))
		return (-ENOTBLK);
	f->bd.size = (uint64_t)st.st_size;
	return (0);
}

int
bdev_open(const char *path, unsigned flags, struct bdev **out, struct err *e)
{
	struct file_bdev *f = calloc(1, sizeof(*f));
	int oflags = O_CLOEXEC | (flags & BDEV_READONLY ? O_RDONLY : O_RDWR), rc;
	struct stat st;

	if (f == NULL || (f->bd.name = strdup(path)) == NULL) {
		free(f);
		return (err_set(e, ENOMEM, "%s: out of memory", path));
	}
	if ((flags & BDEV_EXCL) && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		oflags |= O_EXCL;
	f->bd.ops = &file_bdev_ops;
	f->direct = -1;
	f->bd.readonly = (flags & BDEV_READONLY) != 0;
	if ((f->fd = open(path, oflags)) < 0)
		rc = -errno;
	else
		rc = read_geometry(f);
	if (rc != 0) {
		if (f->fd >= 0)
			(void)close(f->fd);
		free(f->bd.name);
		free(f);
		return (err_rc(e, rc, "cannot open %s", path));
	}
	open_direct(f);
	*out = &f->bd;
	return (0);
}

struct mem_bdev {
	struct bdev bd;
	char *map;
};

static int
mem_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	memcpy(buf, ((struct mem_bdev *)bd)->map + off, len);
	return (0);
}

static int
mem_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	memcpy(((struct mem_bdev *)bd)->map + off, buf, len);
	return (0);
}

static int
mem_flush(struct bdev *bd)
{
	(void)bd;
	return (0);
}

static void
mem_close(struct bdev *bd)
{
	(void)munmap(((struct mem_bdev *)bd)->map, bd->size);
	free(bd->name);
	free(bd);
}

static const struct bdev_ops mem_ops = {mem_read, mem_write, mem_flush, NULL, mem_close, NULL};

int
bdev_mem_new(const char *name, uint64_t size, struct bdev **out, struct err *e)
{
	struct mem_bdev *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->bd.name = strdup(name)) == NULL) {
		free(m);
		return (err_set(e, ENOMEM, "%s: out of memory", name));
	}
	m->map = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->map == MAP_FAILED) {
		free(m->bd.name);
		free(m);
		return (err_set(e, ENOMEM, "%s: out of memory", name));
	}
	m->bd.ops = &mem_ops;
	m->bd.size = size;
	m->bd.logical_block = m->bd.physical_block = 512;
	*out = &m->bd;
	return (0);
}
