/* SPDX-License-Identifier: MIT */
/* bpf(2): see bpf.h. */
#include "bpf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "smartbox/core/file.h"

static int
sys_bpf(int cmd, union bpf_attr *attr)
{
	long rc;

	do {
		rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));
	} while (rc < 0 && errno == EAGAIN);
	return (rc < 0 ? -errno : (int)rc);
}

int
bpf_map_create(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
    uint32_t flags, const char *name, struct err *e)
{
	union bpf_attr a;
	int fd;

	memset(&a, 0, sizeof(a));
	a.map_type = type;
	a.key_size = key;
	a.value_size = value;
	a.max_entries = entries;
	a.map_flags = flags;
	(void)snprintf(a.map_name, sizeof(a.map_name), "%.15s", name);
	if ((fd = sys_bpf(BPF_MAP_CREATE, &a)) == -EPERM)
		return (err_set(e, EPERM, "creating BPF maps needs CAP_BPF and CAP_PERFMON (or "
		    "CAP_SYS_ADMIN)"));
	if (fd < 0)
		return (err_sys(e, -fd, "map %s (key %u, value %u, %u entries)", name, key, value,
		    entries));
	return (fd);
}

static int
map_op(int cmd, int fd, const void *key, const void *value, uint64_t flags)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_fd = (uint32_t)fd;
	a.key = (uintptr_t)key;
	a.value = (uintptr_t)value;
	a.flags = flags;
	return (sys_bpf(cmd, &a));
}

int
bpf_lookup(int fd, const void *key, void *value)
{
	return (map_op(BPF_MAP_LOOKUP_ELEM, fd, key, value, 0));
}

int
bpf_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return (map_op(BPF_MAP_UPDATE_ELEM, fd, key, value, flags));
}

int
bpf_delete(int fd, const void *key)
{
	return (map_op(BPF_MAP_DELETE_ELEM, fd, key, NULL, 0));
}

int
bpf_next_key(int fd, const void *key, void *next)
{
	return (map_op(BPF_MAP_GET_NEXT_KEY, fd, key, next, 0));
}

int
bpf_freeze(int fd)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_fd = (uint32_t)fd;
	return (sys_bpf(BPF_MAP_FREEZE, &a));
}

static int
load_once(const struct bpf_load *l, char *log, uint32_t log_size)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.prog_type = l->type;
	a.insns = (uintptr_t)l->insns;
	a.insn_cnt = l->n;
	a.license = (uintptr_t)"Dual MIT/GPL";
	a.expected_attach_type = l->attach_type;
	a.attach_btf_id = l->attach_btf_id;
	(void)snprintf(a.prog_name, sizeof(a.prog_name), "%.15s", l->name);
	if (log != NULL) {
		a.log_buf = (uintptr_t)log;
		a.log_size = log_size;
		a.log_level = 1;
	}
	return (sys_bpf(BPF_PROG_LOAD, &a));
}

/* The verifier explains itself only when asked: a second time, when the first failed. */
int
bpf_load(struct bpf_load *l)
{
	enum { LOG = 4 << 20 };
	int fd = load_once(l, NULL, 0);

	l->log = NULL;
	if (fd != -EACCES && fd != -EINVAL && fd != -E2BIG && fd != -EPERM && fd != -EFAULT)
		return (fd);
	if ((l->log = calloc(1, LOG)) == NULL)
		return (fd);
	return (load_once(l, l->log, LOG));
}

int
bpf_raw_tracepoint(const char *name, int prog)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.raw_tracepoint.name = (uintptr_t)name;
	a.raw_tracepoint.prog_fd = (uint32_t)prog;
	return (sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &a));
}

int
bpf_test_run(int prog, const uint64_t *args, unsigned n)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.test.prog_fd = (uint32_t)prog;
	a.test.ctx_in = (uintptr_t)args;
	a.test.ctx_size_in = n * 8;
	return (sys_bpf(BPF_PROG_TEST_RUN, &a));
}

int
bpf_link_create(int prog, uint32_t attach_type, const void *opts, size_t size)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.link_create.prog_fd = (uint32_t)prog;
	a.link_create.attach_type = attach_type;
	memcpy((char *)&a + offsetof(union bpf_attr, link_create.target_btf_id), opts, size);
	return (sys_bpf(BPF_LINK_CREATE, &a));
}

/* "0-3": the kernel's list of possible CPUs ends with the highest. */
unsigned
bpf_ncpus(void)
{
	char *text, *p;
	unsigned n = 1;

	if (file_read("/sys/devices/system/cpu/possible", 4096, &text, NULL, NULL) != 0)
		return ((unsigned)sysconf(_SC_NPROCESSORS_CONF));
	for (p = text + strlen(text); p > text && !isdigit((unsigned char)p[-1]);)
		p--;
	while (p > text && isdigit((unsigned char)p[-1]))
		p--;
	n = (unsigned)strtoul(p, NULL, 10) + 1;
	free(text);
	return (n);
}

unsigned
kernel_version(void)
{
	struct utsname u;
	unsigned v[3] = {0, 0, 0};
	char *p = u.release;

	if (uname(&u) != 0)
		return (0);
	for (int i = 0; i < 3; i++) {
		v[i] = (unsigned)strtoul(p, &p, 10);
		if (*p != '.')
			break;
		p++;
	}
	return (v[0] << 16 | v[1] << 8 | (v[2] > 255 ? 255 : v[2]));
}

/* --- the ring buffer --------------------------------------------------------------------------- */

enum { RING_WINDOW = 256 << 10, RING_RECORD_MAX = 64 << 10 };

static size_t
page_size(void)
{
	return ((size_t)sysconf(_SC_PAGESIZE));
}

int
ring_open(struct ring *r, int fd, uint32_t size, struct err *e)
{
	size_t page = page_size();
	void *cons, *prod;

	memset(r, 0, sizeof(*r));
	cons = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cons == MAP_FAILED)
		return (err_sys(e, errno, "ring buffer"));
	prod = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (prod == MAP_FAILED) {
		(void)munmap(cons, page);
		return (err_sys(e, errno, "ring buffer"));
	}
	r->fd = fd;
	r->size = size;
	r->mask = size - 1;
	r->consumer = cons;
	r->producer = prod;
	return (0);
}

static void
close_window(struct ring *r)
{
	if (r->window != NULL)
		(void)munmap(r->window, r->window_len);
	r->window = NULL;
}

void
ring_close(struct ring *r)
{
	if (r->consumer == NULL)
		return;
	close_window(r);
	(void)munmap((void *)(uintptr_t)r->producer, page_size());
	(void)munmap((void *)(uintptr_t)r->consumer, page_size());
	memset(r, 0, sizeof(*r));
}

/* The record at this position, mapped to its end; NULL: no memory for a mapping. */
static char *
record_at(struct ring *r, unsigned long pos)
{
	uint64_t off = pos & r->mask, at = off & ~(uint64_t)(RING_WINDOW - 1);
	uint64_t left = 2 * (uint64_t)r->size - at;
	size_t len = left < RING_WINDOW + RING_RECORD_MAX ? left : RING_WINDOW + RING_RECORD_MAX;
	void *p;

	if (r->window == NULL || r->window_at != at) {
		close_window(r);
		p = mmap(NULL, len, PROT_READ, MAP_SHARED, r->fd, (off_t)(2 * page_size() + at));
		if (p == MAP_FAILED)
			return (NULL);
		r->window = p;
		r->window_at = at;
		r->window_len = len;
	}
	return (r->window + (off - at));
}

uint64_t
ring_pending(const struct ring *r)
{
	return (__atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - *r->consumer);
}

unsigned
ring_drain(struct ring *r, bool (*fn)(void *, const void *, uint32_t), void *arg)
{
	unsigned long cons = *r->consumer, prod;
	unsigned n = 0;
	bool more = true;

	while (more) {
		prod = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
		if (cons >= prod)
			break;
		while (more && cons < prod) {
			uint32_t *hdr = (uint32_t *)(void *)record_at(r, cons);
			uint32_t len = hdr != NULL ? __atomic_load_n(hdr, __ATOMIC_ACQUIRE) :
			    BPF_RINGBUF_BUSY_BIT;

			if (len & BPF_RINGBUF_BUSY_BIT)
				return (n);
			if ((len & BPF_RINGBUF_DISCARD_BIT) == 0) {
				more = fn(arg, (char *)hdr + BPF_RINGBUF_HDR_SZ, len);
				n++;
			}
			len &= ~(uint32_t)BPF_RINGBUF_DISCARD_BIT;
			cons += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
			__atomic_store_n(r->consumer, cons, __ATOMIC_RELEASE);
		}
	}
	return (n);
}
