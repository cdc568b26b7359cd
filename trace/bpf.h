/* SPDX-License-Identifier: MIT */
/*
 * The bpf(2) system call and the maps and programs behind it.  No library: the layouts are the kernel's
 * UAPI (linux/bpf.h).
 */
#ifndef TRACE_BPF_H
#define TRACE_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

int bpf_map_create(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
    uint32_t flags, const char *name, struct err *e);
int bpf_lookup(int fd, const void *key, void *value);
int bpf_update(int fd, const void *key, const void *value, uint64_t flags);
int bpf_delete(int fd, const void *key);
int bpf_next_key(int fd, const void *key, void *next);
int bpf_freeze(int fd);

struct bpf_load {
	enum bpf_prog_type type;
	uint32_t attach_type, attach_btf_id;
	const struct bpf_insn *insns;
	unsigned n;
	const char *name;
	char *log; /* the verifier's, malloc'ed, only on failure; the caller frees */
};
/* A descriptor, or -errno; -EACCES and -EINVAL come with a log. */
int bpf_load(struct bpf_load *l);
int bpf_raw_tracepoint(const char *name, int prog);
/* Run a raw tracepoint program here and now with these arguments. */
int bpf_test_run(int prog, const uint64_t *args, unsigned n);
int bpf_link_create(int prog, uint32_t attach_type, const void *opts, size_t size);
unsigned bpf_ncpus(void);      /* possible ones: per-CPU maps have that many values */
unsigned kernel_version(void); /* 0x060112 for 6.1.18 */

/*
 * The kernel's BPF ring buffer: one area for all CPUs, in order.  Only a window of it is mapped at
 * a time, where the reader is: a mapping is populated whole, and megabytes of an empty ring would
 * count as our memory.
 */
struct ring {
	int fd;
	uint32_t size, mask;
	volatile unsigned long *consumer, *producer;
	char *window;		/* NULL: none yet */
	uint64_t window_at;	/* in the data, which repeats itself once behind its end */
	size_t window_len;
};
int ring_open(struct ring *r, int fd, uint32_t size, struct err *e);
void ring_close(struct ring *r);
/* Hand every finished record to fn; returns how many. fn false: stop. */
unsigned ring_drain(struct ring *r, bool (*fn)(void *arg, const void *rec, uint32_t len), void *arg);
/* Bytes that wait to be read. */
uint64_t ring_pending(const struct ring *r);

#endif
