/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory, as the front-end hands it to us.
 *
 * We touch it directly, so it must stay there: a file that its owner cut shorter would be a fatal signal.
 * Hence only memfds (shared memory that belongs to no mount) that are sealed against shrinking, or
 * let us seal them, are accepted, and huge pages are not: theirs can run out at the first touch.
 *
 * Every address of a ring is looked up here, with its length: what does not lie in one region is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vhost_user.h"

#define MAP_MAX (UINT64_C(1) << 46)

/* Will the first `bytes` of this file stay? */
static int
check_stays(int fd, uint64_t bytes)
{
	struct statfs fs;
	struct stat st;
	int seals;

	if (fstatfs(fd, &fs) != 0 || fs.f_type != TMPFS_MAGIC)
		return (-EINVAL);
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	if ((seals = fcntl(fd, F_GET_SEALS)) < 0 || (seals & F_SEAL_SHRINK) == 0)
		return (-EPERM);
	if (fstat(fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size < bytes)
		return (-EINVAL);
	return (0);
}

static int
map_region(struct vu_region *r, const struct vu_region_msg *in, int fd)
{
	uint64_t end, page = (uint64_t)sysconf(_SC_PAGESIZE), skip = in->offset % page;
	void *p;
	int rc;

	if (in->size == 0 || in->size > MAP_MAX || __builtin_add_overflow(in->offset, in->size, &end) ||
	    __builtin_add_overflow(in->guest, in->size, &(uint64_t){0}) ||
	    __builtin_add_overflow(in->user, in->size, &(uint64_t){0}))
		return (-EINVAL);
	if ((rc = check_stays(fd, end)) != 0)
		return (rc);
	p = mmap(NULL, in->size + skip, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)(in->offset - skip));
	if (p == MAP_FAILED)
		return (-errno);
	(void)madvise(p, in->size + skip, MADV_DONTDUMP);
	*r = (struct vu_region){in->guest, in->size, in->user, (char *)p + skip, p, in->size + skip};
	return (0);
}

int
vu_mem_map(struct vu_mem *m, const struct vu_region_msg *in, const int *fds, unsigned n)
{
	int rc = n <= VU_REGIONS_MAX ? 0 : -EINVAL;

	m->n = 0;
	for (unsigned i = 0; i < n && rc == 0; i++)
		if ((rc = map_region(&m->r[i], &in[i], fds[i])) == 0)
			m->n++;
	if (rc != 0)
		vu_mem_unmap(m);
	return (rc);
}

void
vu_mem_unmap(struct vu_mem *m)
{
	while (m->n > 0) {
		m->n--;
		(void)munmap(m->r[m->n].base, m->r[m->n].base_len);
	}
}

static bool
contains(uint64_t start, uint64_t size, uint64_t addr, uint64_t len)
{
	return (addr >= start && addr - start <= size && len <= size - (addr - start));
}

void *
vu_mem_guest(const struct vu_mem *m, uint64_t addr, uint64_t len)
{
	for (unsigned i = 0; i < m->n; i++)
		if (contains(m->r[i].guest, m->r[i].size, addr, len))
			return (m->r[i].map + (addr - m->r[i].guest));
	return (NULL);
}

void *
vu_mem_user(const struct vu_mem *m, uint64_t addr, uint64_t len)
{
	for (unsigned i = 0; i < m->n; i++)
		if (contains(m->r[i].user, m->r[i].size, addr, len))
			return (m->r[i].map + (addr - m->r[i].user));
	return (NULL);
}

/* --- in flight -------------------------------------------------------------------------------- */

static size_t
queue_bytes(unsigned queue_size)
{
	size_t n = sizeof(struct vu_inflight_queue) + queue_size * sizeof(struct vu_inflight_desc);

	return ((n + 63) & ~(size_t)63);
}

size_t
vu_inflight_bytes(unsigned queues, unsigned queue_size)
{
	return (queues * queue_bytes(queue_size));
}

static bool
is_sane(unsigned queues, unsigned queue_size)
{
	return (queues >= 1 && queues <= VU_QUEUES_MAX && queue_size >= 1 && queue_size <= VU_RING_MAX);
}

int
vu_inflight_new(struct vu_inflight *in, unsigned queues, unsigned queue_size, int *fd)
{
	size_t bytes = vu_inflight_bytes(queues, queue_size);
	int rc;

	if (!is_sane(queues, queue_size))
		return (-EINVAL);
	if ((*fd = memfd_create("vhost-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
		return (-errno);
	if (ftruncate(*fd, (off_t)bytes) != 0)
		rc = -errno;
	else
		rc = vu_inflight_map(in, queues, queue_size, 0, bytes, *fd);
	if (rc != 0)
		(void)close(*fd);
	return (rc);
}

int
vu_inflight_map(struct vu_inflight *in, unsigned queues, unsigned queue_size, uint64_t offset,
    uint64_t bytes, int fd)
{
	uint64_t end;
	void *p;
	int rc;

	if (!is_sane(queues, queue_size) || bytes < vu_inflight_bytes(queues, queue_size) ||
	    bytes > SIZE_MAX / 2 || __builtin_add_overflow(offset, bytes, &end))
		return (-EINVAL);
	if ((rc = check_stays(fd, end)) != 0)
		return (rc);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (p == MAP_FAILED)
		return (-errno);
	vu_inflight_unmap(in);
	*in = (struct vu_inflight){p, bytes, queues, queue_size};
	return (0);
}

void
vu_inflight_unmap(struct vu_inflight *in)
{
	if (in->map != NULL)
		(void)munmap(in->map, in->len);
	*in = (struct vu_inflight){NULL, 0, 0, 0};
}

struct vu_inflight_queue *
vu_inflight_of(const struct vu_inflight *in, unsigned queue)
{
	if (in->map == NULL || queue >= in->queues)
		return (NULL);
	return ((struct vu_inflight_queue *)(void *)(in->map + queue * queue_bytes(in->queue_size)));
}
