/* SPDX-License-Identifier: MIT */
/*
 * What outlives the process that serves a pool: memory files and descriptors.
 *
 * fs/stash.c has the theory.  One process at a time writes; its successor maps the same memory and
 * goes on.
 */
#ifndef FS_STASH_H
#define FS_STASH_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/fuse.h"

enum {
	STASH_SESSIONS = 16384,
	STASH_SLOTS = 16,
	STASH_PENDING = 4096,
	STASH_IN = (1 << 20) + 8192, /* of a request: as the FUSE server reads them */
	STASH_OUT = 64 << 10,	     /* of an answer that counts lookups or tells of a change */
	STASH_BODY = 176,	     /* of an answer that waits for the disk */
	STASH_NODES_MIN = 256,
};
#define STASH_NO_TXG UINT64_MAX

/* What a successor reads: written after all that it stands for. */
#define publish(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELEASE)

/* What a worker is doing. */
enum stash_phase {
	STASH_FREE,
	STASH_READING,	 /* in: nothing (its length is 0), or a whole request */
	STASH_SERVING,	 /* in: a request */
	STASH_COUNTING,	 /* out: the answer; its lookups are being counted; FORGET: being taken back */
	STASH_ANSWERING, /* out: the answer, to be sent; FORGET: done */
};

struct stash_slot {
	uint32_t phase, session, in_len, out_len;
	int32_t rc;
	uint32_t crashes; /* servers that crashed while this was in their hands */
	uint32_t pad;
	uint64_t stale_node; /* whose attributes the kernel is to drop before the answer */
	_Alignas(4096) char in[STASH_IN];
	_Alignas(4096) char out[STASH_OUT];
};

/* An answer that waits for the disk. */
struct stash_pending {
	uint32_t session_1; /* number + 1; 0: free */
	uint32_t len;
	uint64_t unique;
	char body[STASH_BODY];
};

/* A mount. */
enum stash_session_state { STASH_NO_SESSION, STASH_OPENED, STASH_MOUNTED };
struct stash_session {
	uint32_t state;
	int32_t fd;	  /* /dev/fuse, of the keeper and of each successor */
	uint64_t order;	  /* of mounting */
	uint64_t dataset; /* object number */
	uint64_t table;	  /* of lookup counts: half | log2 of the capacity << 1; 0: none */
	uint32_t is_snapshot, suspended;
	uint32_t greeted, setxattr_ext, no_open, no_opendir; /* what was agreed in INIT */
	struct fuse_mount_opts opts;
	char path[PATH_MAX];
};

/* How often the kernel looked a node up and did not forget it. */
struct node {
	uint64_t id; /* 0: free */
	uint64_t lookups : 63;
	uint64_t unlinked : 1; /* LINKS is 0: destroy the object when lookups is */
};

/* The one count that is being changed. */
struct stash_cell {
	uint64_t unique, id, count;
	uint32_t session, index; /* the index-th of its request */
	uint32_t valid, pad;
};

/* A change that may be in no durable txg. */
enum stash_kind { STASH_CALL = 1, STASH_FREE_PIECE, STASH_ATIME };
struct stash_record {
	uint32_t len; /* all of it, a multiple of 8 */
	uint16_t kind, nobj;
	uint32_t session;
	int32_t rc;
	uint64_t txg, unique, now[2];
	uint64_t seed; /* of the salts of what was made */
	uint64_t obj;  /* FREE_PIECE, ATIME */
	uint32_t msg_len, pad;
	/* nobj numbers of objects that were made, then the request as the kernel sent it */
};

struct stash_head {
	uint64_t magic, version, bytes;
	char pool[256];
	int32_t lock_fd, listen_fd;
	uint32_t generation; /* of servers, from 1 */
	uint32_t started;    /* the first one answered its starter */
	uint32_t serving;    /* the last generation that came to serve */
	char exe[PATH_MAX];  /* the program that goes on, if the server asked for a restart */
	/* The log. */
	uint64_t ring_bytes, head, tail;
	/* Of a takeover. */
	uint32_t incomplete;
	uint64_t base;	     /* durable when the last server that served died */
	uint64_t replay_txg; /* has all of the log, once it is durable */
	uint64_t next_order;
	uint32_t nsessions, npending; /* places that were ever used: the rest is not in memory */
	struct stash_cell cell;
};

struct stash {
	int fd;	     /* of the memory file */
	int control; /* to the keeper, or -1 */
	struct stash_head *h;
	struct stash_slot *slot;
	struct stash_pending *pending;
	struct stash_session *session;
	uint8_t *ring; /* mapped twice, one behind the other */
	pthread_mutex_t lock;
	pthread_cond_t room;
	uint64_t reserved, high; /* bytes; furthest place used since the log was last cut */
	unsigned quiet;		 /* times in a row that it was emptied with little in it */
	bool hurried;		 /* the sync that will empty it was asked for */
	uint64_t last_txg;	 /* of the newest record; the pool's lock */
};

/* ring_bytes 0: by the machine's memory.  The keeper makes one; tests do for themselves. */
int stash_new(const char *pool, uint64_t ring_bytes, struct stash **out, struct err *e);
/* Map the one that fd is, of a keeper that ran before this program. */
int stash_open(int fd, struct stash **out, struct err *e);
void stash_free(struct stash *st); /* of this process; NULL is fine */

/* --- descriptors: kept by the keeper, known to all successors by the same number ----------------- */

/* What a message to the keeper is about: a mount's number, or this. */
#define STASH_LISTEN (-2)
enum stash_op { STASH_HOLD, STASH_DROP };
struct stash_message {
	int32_t op, which;
};
/* The keeper has a copy when this returns, and every successor.  Without a keeper: nothing happens. */
int stash_hold(struct stash *st, int which, int fd, struct err *e);
/* A mount is gone: its descriptor, and its place. */
void stash_drop(struct stash *st, unsigned session);
/* The keeper's side: one message, if there is one.  False: none, or never more. */
bool stash_serve(struct stash *st, int control);

/* --- mounts ------------------------------------------------------------------------------------- */

int stash_session_new(struct stash *st); /* a number, or -ENFILE */
void stash_session_free(struct stash *st, unsigned i);
/* Tables of lookup counts; zeroed.  -ENOMEM. */
struct node *stash_table_map(struct stash *st, unsigned session);
void stash_table_unmap(struct node *window);
size_t stash_table_max(void); /* entries of a half */
void stash_table_cut(struct stash *st, unsigned session, unsigned half, size_t entries);

/* --- answers that wait -------------------------------------------------------------------------- */

/* NULL: there are too many. */
struct stash_pending *stash_pending_new(struct stash *st, unsigned session, uint64_t unique,
    const void *body, size_t len);
void stash_pending_free(struct stash *st, struct stash_pending *p);

/* --- the log ------------------------------------------------------------------------------------ */

/* Bytes that a record of such a request may need. */
uint64_t stash_record_bytes(size_t msg_len);
/*
 * Room for a record, before the pool's lock is taken; taken back by _unreserve after the request.
 * hurry is called when a sync should come soon, and when the caller is about to wait for it.  -EIO:
 * none will come, the pool is suspended.
 */
int stash_reserve(struct stash *st, uint64_t bytes, struct spa *spa, void (*hurry)(void *arg, bool waits),
    void *arg);
void stash_unreserve(struct stash *st, uint64_t bytes);
/* With the pool's lock: the record is there when this returns, whatever happens to the process. */
void stash_append(struct stash *st, struct stash_record *r, const uint64_t *objs, const void *msg);
/* With the pool's lock: what txg has is durable.  0: nothing happens, give memory back. */
void stash_synced(struct stash *st, uint64_t txg);
/* In order; non-zero from fn ends the walk. */
int stash_walk(struct stash *st, int (*fn)(const struct stash_record *r, void *arg), void *arg);
const uint64_t *stash_record_objs(const struct stash_record *r);
const void *stash_record_msg(const struct stash_record *r);

/* --- takeover ----------------------------------------------------------------------------------- */

/*
 * Before anything is written: found is the pool's newest durable txg.  Drops what it has; the txg
 * that counts for other logs of the last server too.
 */
uint64_t stash_judge(struct stash *st, uint64_t found);
/* All of the log was applied again, in the open txg. */
void stash_replayed(struct stash *st, uint64_t txg);
/* Everything is durable: from here on new records come. */
void stash_complete(struct stash *st);

#endif
