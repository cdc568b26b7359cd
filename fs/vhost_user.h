/* SPDX-License-Identifier: MIT */
/*
 * vhost-user: a disk for a guest, served on a socket and in the guest's own memory.
 *
 *	vhost_user.c       the session: messages of the front-end (the VMM)
 *	vhost_user_mem.c   the guest's memory, and what was in flight when a server died
 *	vhost_user_ring.c  virtqueues: taking and giving back chains of descriptors
 *	vhost_user_blk.c   what a chain asks of a disk
 *
 * Protocol: "Vhost-user Protocol" of the QEMU project; rings and requests: "Virtual I/O Device (VIRTIO)
 * Version 1.2", 2.7 and 5.2.  Design: docs/volume-design.md.
 */
#ifndef FS_VHOST_USER_H
#define FS_VHOST_USER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/blkio.h"

enum {
	VU_QUEUES_MAX = 16, VU_RING_MAX = 1024, VU_REGIONS_MAX = 8, VU_FDS_MAX = 8,
	VU_PAYLOAD_MAX = 512, VU_CONFIG_BYTES = 60, VU_SEGMENTS_MAX = 1024 + 2,
};

/* --- memory --- */

struct vu_region {
	uint64_t guest, size, user; /* guest physical; the front-end's own address */
	char *map;		    /* of `guest` */
	void *base;
	size_t base_len;
};
struct vu_mem {
	unsigned n;
	struct vu_region r[VU_REGIONS_MAX];
};
struct vu_region_msg {
	uint64_t guest, size, user, offset;
};
/* fds[i] belongs to in[i]; borrowed.  On failure m is empty. */
int vu_mem_map(struct vu_mem *m, const struct vu_region_msg *in, const int *fds, unsigned n);
void vu_mem_unmap(struct vu_mem *m);
/* len bytes in one piece, or NULL. */
void *vu_mem_guest(const struct vu_mem *m, uint64_t addr, uint64_t len);
void *vu_mem_user(const struct vu_mem *m, uint64_t addr, uint64_t len);

/* --- what is in flight: memory that outlives this process (protocol document, "Inflight I/O tracking") --- */

struct vu_inflight_desc {
	uint8_t inflight, pad[5];
	uint16_t next;
	uint64_t counter;
};
struct vu_inflight_queue {
	uint64_t features;
	uint16_t version, desc_num, last_batch_head, used_idx;
	struct vu_inflight_desc desc[];
};
_Static_assert(sizeof(struct vu_inflight_queue) == 16 && sizeof(struct vu_inflight_desc) == 16, "wire");

struct vu_inflight {
	char *map;
	size_t len;
	unsigned queues, queue_size;
};
size_t vu_inflight_bytes(unsigned queues, unsigned queue_size);
/* A new area: *fd is the caller's. */
int vu_inflight_new(struct vu_inflight *in, unsigned queues, unsigned queue_size, int *fd);
int vu_inflight_map(struct vu_inflight *in, unsigned queues, unsigned queue_size, uint64_t offset,
    uint64_t bytes, int fd);
void vu_inflight_unmap(struct vu_inflight *in);
struct vu_inflight_queue *vu_inflight_of(const struct vu_inflight *in, unsigned queue);

/* --- rings --- */

struct vu_session;

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
struct vring_avail {
	uint16_t flags, idx, ring[];
};
struct vring_used_elem {
	uint32_t id, len;
};
struct vring_used {
	uint16_t flags, idx;
	struct vring_used_elem ring[];
};

struct vu_ring {
	struct vu_session *s;
	unsigned index, num;
	uint64_t desc_addr, avail_addr, used_addr; /* the front-end's */
	bool has_addr, enabled, running, broken;
	int kick, call, err;
	struct blkio_watch *watch;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	pthread_mutex_t lock; /* everything below, and the used ring */
	pthread_cond_t idle;
	uint16_t last_avail, used_idx;
	unsigned inflight;
	uint64_t counter;
	struct vu_inflight_queue *track;
	uint16_t *again; /* heads that a server before us had in flight, oldest first */
	unsigned nagain, at_again;
};

/* A chain that was taken from a ring. */
struct vu_chain {
	struct vu_ring *ring;
	uint16_t head;
	unsigned nout, nin;	/* segments the device reads, then writes */
	struct iovec iov[VU_SEGMENTS_MAX];
};

void vu_ring_init(struct vu_ring *r, struct vu_session *s, unsigned index);
void vu_ring_fini(struct vu_ring *r);
/* Start when everything is there; -EINVAL: its addresses are not in the guest's memory. */
int vu_ring_start(struct vu_ring *r);
/* Returns when nothing of it is in flight. */
void vu_ring_stop(struct vu_ring *r);
/* Take one chain and execute it; false: there is none (more comes with a kick) or the ring is broken. */
bool vu_ring_step(struct vu_ring *r, struct blkio_scratch *sc);
/* Give a chain back, `written` bytes into its segments; frees it. */
void vu_chain_done(struct vu_chain *c, uint32_t written);

/* --- the disk's requests --- */

/* Execute; vu_chain_done is called now or when it is durable. */
void vu_blk_execute(struct vu_session *s, struct vu_chain *c, struct blkio_scratch *sc);
void vu_blk_config(const struct vu_session *s, uint8_t config[VU_CONFIG_BYTES]);
uint64_t vu_blk_features(const struct vu_session *s);

/* --- the session --- */

struct vu_session {
	struct blkio *io; /* NULL: a test calls vu_ring_step itself */
	struct blk_disk disk;
	bool readonly; /* for this guest */
	char serial[21];
	int fd, backend_fd;
	struct blkio_watch *watch;
	void (*gone)(void *arg);
	void *arg;
	uint64_t features, protocol_features;
	bool writeback; /* the guest flushes itself */
	struct vu_mem mem;
	struct vu_inflight inflight;
	struct vu_ring ring[VU_QUEUES_MAX];
	/* What came of a message so far. */
	char buf[12 + VU_PAYLOAD_MAX];
	size_t have;
	int fds[VU_FDS_MAX];
	unsigned nfds;
};

/*
 * Serve the disk on a connected socket (owned from then on).  gone is called once, by a worker, when the
 * front-end hung up or broke the protocol; the session then waits for vu_session_free.
 */
int vu_session_new(struct blkio *io, const struct blk_disk *disk, bool readonly, const char *serial,
    int fd, void (*gone)(void *arg), void *arg, struct vu_session **out);
void vu_session_free(struct vu_session *s);
/* The disk has another size: tell the guest. */
void vu_session_resized(struct vu_session *s);
/* One complete message in s->buf, with its descriptors: 0, or -errno: hang up.  For tests. */
int vu_session_message(struct vu_session *s);

#endif
