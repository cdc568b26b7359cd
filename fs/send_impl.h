/* SPDX-License-Identifier: MIT */
/* What the two threads of a send share: batches of records.  Theory: fs/send.c. */
#ifndef FS_SEND_IMPL_H
#define FS_SEND_IMPL_H

#include <pthread.h>

#include "dmu_impl.h"
#include "smartbox/fs/send.h"

#define SEND_BATCH 128
#define SEND_BATCH_BYTES (2u << 20)
#define SEND_QUEUE 3 /* batches between the threads */

/* A record; the payload is in memory, or is the block that bp points at. */
struct send_item {
	struct stream_record r;
	struct blkptr bp;
	void *payload;
	uint32_t len;	/* of the whole payload */
	uint32_t piece; /* a block that is cut into WRITEs of this size; 0: not */
	bool reads, as_stored; /* reads: payload comes from bp; as_stored: still compressed */
	int rc;
};

struct send_batch {
	struct send_item item[SEND_BATCH];
	size_t n, bytes;
	struct send_batch *next;
};

struct send_pipe {
	const struct send_job *job;
	uint64_t features; /* bits of versioninfo */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct send_batch *first, **last; /* full ones */
	unsigned queued;
	bool ended; /* nothing comes behind the queue */
	bool cancelled; /* nobody reads the queue any more */
	int rc;
	struct err err;
};

/* send_walk.c: the reading thread's body. */
int send_walk(struct send_pipe *p, struct err *e);
/* send.c: hand a full batch over; -ECANCELED. */
int send_pipe_add(struct send_pipe *p, struct send_batch *b);
/* The root block of the snapshot; with the pool's lock. */
const struct blkptr *send_root(const struct send_job *job);
struct send_batch *send_batch_new(void);
void send_batch_free(struct spa *spa, struct send_batch *b);

#endif
