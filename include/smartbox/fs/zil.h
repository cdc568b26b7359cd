/* SPDX-License-Identifier: MIT */
/*
 * The intent log: what was promised to be on disk before its transaction group is.
 *
 * Each change of a filesystem or volume is also noted as a record (zil_log_*, in the same bracket of
 * the pool's lock as the change).  Records of a txg that became durable are forgotten.  Who needs an
 * answer earlier (fsync, O_SYNC, sync=always) calls zil_commit(): the records that matter go into a
 * chain of log blocks, which costs a write and a flush and no txg.  After a crash the next import
 * claims the chain's blocks, and the next opening replays its records.
 *
 * Theory: fs/zil.c (records, group commit), fs/zil_chain.c (blocks on disk), fs/zil_claim.c (import),
 * fs/zil_replay.c.  Format: docs/zfs-format.md, "Intent log".
 */
#ifndef SMARTBOX_FS_ZIL_H
#define SMARTBOX_FS_ZIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dsl.h"

struct zilog; /* the log of one open head */
struct syncer;

/*
 * With the pool's lock.  ds: a head that stays held until zil_close; its log, if it had one, must have
 * been replayed (zil_replay).  sync: who writes a txg when a commit needs one; NULL: the committing
 * thread does.  All who open a head's log share one, each closes it.  -EBUSY: not replayed yet.
 */
int zil_open(struct dsl_dataset *ds, struct syncer *sync, struct zilog **out);
/*
 * With the pool's lock.  The caller is in no zil_commit any more.  With the last one the log's blocks
 * are given back in the open txg, which also has all that they promised.  NULL is fine.
 */
void zil_close(struct zilog *zl);
/* With the pool's lock: no log goes on in the blocks that it has; they are given back in the open txg. */
int zil_begin_anew(struct spa *spa);
/* The log of an objset, NULL when it is not open. */
struct zilog *zil_of(const struct objset *os);

/* --- noting changes; with the pool's lock; zl may be NULL: nothing to note ---------------------- */

/* Bytes [off, off + len) of an object were written; they are read again when committed. */
void zil_log_write(struct zilog *zl, uint64_t obj, uint64_t off, uint64_t len);
/* They were freed; len 0: all behind off, which is the new size. */
void zil_log_truncate(struct zilog *zl, uint64_t obj, uint64_t off, uint64_t len);
/* Something happened to obj (0: to anything) that no record tells: its next commit waits for the txg. */
void zil_log_unloggable(struct zilog *zl, uint64_t obj);
/* The object is no more: forget what was noted of it alone. */
void zil_forget(struct zilog *zl, uint64_t obj);

/* --- committing --------------------------------------------------------------------------------- */

/*
 * Without the pool's lock: fn is called once all that was done before to obj (0: to all objects), and
 * every change of names, is on disk; perhaps before this returns, perhaps from another thread.
 * Callers that come while a commit is written share the next one.
 */
typedef void zil_done_fn(int rc, void *arg);
void zil_commit(struct zilog *zl, uint64_t obj, zil_done_fn *fn, void *arg);
int zil_commit_wait(struct zilog *zl, uint64_t obj);

/* --- after a crash ------------------------------------------------------------------------------ */

/* At a writable import, before anything is allocated: take the blocks of all logs. */
int zil_claim_all(struct spa *spa, struct err *e);

/* A record as it lies in a log block; what follows it has the length that its head says. */
struct zil_record {
	uint64_t type; /* bit 63: names differ by case only */
	uint64_t len;  /* with this head; a multiple of 8 */
	uint64_t txg, seq;
	uint8_t body[];
};

/*
 * With the pool's lock: apply what the log of a head has and the disk has not.  fn applies one record
 * (or refuses it: then the rest is not applied); what all of them changed and the end of the log are in
 * the open txg together, or in several, after each of which a crash goes on where it was.
 */
typedef int zil_apply_fn(void *arg, const struct zil_record *r, const void *block);
struct zil_replayed {
	uint64_t records, skipped; /* applied; not applicable any more (the object is gone) */
	int failed;		   /* why the rest was not applied, or 0 */
	uint64_t failed_type;
};
int zil_replay(struct dsl_dataset *ds, zil_apply_fn *fn, void *arg, struct zil_replayed *st,
    struct err *e);
/* Is there something to replay? */
bool zil_needs_replay(struct dsl_dataset *ds);
/* With the pool's lock, in the open or syncing txg: forget the log of a head that is not open. */
int zil_destroy(struct objset *os);
/* The replay of a volume: object 1 is its data. */
int zil_replay_volume(struct dsl_dataset *ds, struct zil_replayed *st, struct err *e);

/* Walk a log as it is on disk (`zdb -i` for tests): non-zero from fn ends the walk. */
struct zil_visit {
	int (*block)(void *arg, const struct blkptr *bp); /* NULL: none; before it is read */
	int (*record)(void *arg, const struct zil_record *r);
	void *arg;
};
int zil_walk(struct objset *os, const struct zil_visit *v);

#endif
