/* SPDX-License-Identifier: MIT */
/*
 * spa: the pool.  Opening, creating, and the transaction group that makes changes durable.
 *
 * One lock.  spa_enter() / spa_exit() bracket every use of the engine on a pool; an operation
 * between them is atomic on disk.  spa_sync() runs the open txg through: dirty datasets, then sync
 * tasks, then the meta objset until nothing is dirty, then labels and uberblock.
 */
#ifndef SMARTBOX_FS_SPA_H
#define SMARTBOX_FS_SPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dmu.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/vdev.h"

/* What the engine takes from outside, so that one seed replays one history. */
struct fs_os {
	uint64_t (*now)(void *arg, uint32_t *nsec); /* seconds since 1970 */
	void (*random)(void *arg, void *buf, size_t len);
	/* Who writes: into labels, and checked at import.  0: this host has no id. */
	uint64_t (*host)(void *arg, char *name, size_t size);
	void *arg;
};
extern const struct fs_os fs_os_default;

struct spa;
struct dsl_pool; /* fs/dsl_impl.h */

struct spa_create_opts {
	const char *name;
	const struct nvlist *vdev_tree; /* root with children; leaves have type and path */
	const struct nvlist *props;	/* pool properties or NULL */
	const struct nvlist *fsprops;	/* of the root dataset or NULL */
	unsigned ashift;		/* 0: detect */
	bool force;			/* over existing labels */
	bool no_features;		/* -d */
	const struct fs_os *os;		/* NULL: default */
	struct bdev **bdevs;		/* tests: the leaves' devices in order, or NULL (paths) */
};
int spa_create(const struct spa_create_opts *o, struct spa **out, struct err *e);

struct spa_import_opts {
	const struct nvlist *config; /* from pool_scan */
	const char *new_name;	     /* NULL: keep */
	bool readonly, force, missing_log_ok;
	/*
	 * Rewind, when the newest txg cannot be imported: by the few whose blocks are not used
	 * again for sure, or (extreme) as far as it takes.  max_txg: as of this txg or the one
	 * before it; 0: the newest.
	 */
	bool rewind, extreme;
	uint64_t max_txg;
	bool to_checkpoint;  /* as of the pool's checkpoint, which is used up then */
	const struct fs_os *os;
	/* Split: only these leaves are opened; adjust changes the tree before the first sync. */
	const uint64_t *only;
	size_t nonly;
	int (*adjust)(struct spa *spa, void *arg, struct err *e);
	void *adjust_arg;
	struct bdev **bdevs; /* tests */
	size_t nbdevs;	     /* matched by the labels' guids */
	/* Before anything is written: which txg is durable; what spa_found_txg will say.  Or NULL. */
	uint64_t (*judge)(void *arg, uint64_t found);
	void *judge_arg;
};
int spa_import(const struct spa_import_opts *o, struct spa **out, struct err *e);

/* Everything synced, labels say exported; frees spa. */
int spa_export(struct spa *spa, struct err *e);
int spa_destroy(struct spa *spa, struct err *e); /* labels say destroyed */
/* Free without writing anything (read-only pools, crash tests). */
void spa_close(struct spa *spa);

void spa_enter(struct spa *spa);
/* Of the calling thread, or NULL: called before it waits, for the lock or for the disk. */
void spa_on_wait(void (*fn)(void));
/* To change the tree of vdevs: nobody reads or writes through it without the lock either. */
void spa_enter_alone(struct spa *spa);
void spa_io_drain(struct spa *spa); /* the same for who has the lock already, and keeps it */
void spa_exit(struct spa *spa);

/* With the lock held: write the open txg.  An error suspends the pool (spa_is_suspended). */
int spa_sync(struct spa *spa, struct err *e);
uint64_t spa_open_txg(const struct spa *spa);	   /* what is dirtied now gets this birth */
uint64_t spa_synced_txg(const struct spa *spa);
uint64_t spa_found_txg(const struct spa *spa);	   /* durable when it was imported; 0: created */
/* What a rewind at import left out; false: there was none. Times in seconds since 1970. */
bool spa_rewound(const struct spa *spa, uint64_t *now_at, uint64_t *was_at);
bool spa_is_dirty(const struct spa *spa);
uint64_t spa_dirty_bytes(const struct spa *spa); /* any thread */
uint64_t spa_uncharged_bytes(const struct spa *spa); /* dirty, or written before the sync */
/*
 * Contents of files written while their txg is open, until at most `keep` bytes of them are dirty: one
 * batch, false when there is nothing to do.  The lock is given up meanwhile.  A sync waits for a batch
 * on its way.  The flush makes what was written durable, so that the sync's own is short.
 */
bool write_behind(struct spa *spa, uint64_t keep);
void write_behind_flush(struct spa *spa);
/* fn is called, with the lock, when there is something to write behind.  NULL: nobody does. */
void spa_on_dirty(struct spa *spa, void (*fn)(void *arg), void *arg);
/*
 * fn is called, with the lock, when a txg became durable, before anybody is told; with 0 when the pool has
 * nothing to do and gives memory back.  NULL: nobody.
 */
void spa_on_synced(struct spa *spa, void (*fn)(void *arg, uint64_t txg), void *arg);
/* With the lock: grows with every change of anything. */
uint64_t spa_dirtyings(const struct spa *spa);
bool spa_is_suspended(const struct spa *spa);
/*
 * A patient pool whose devices are gone waits for them in the middle of its sync, with the lock given up,
 * where others fail for good.  panic (may be NULL) is called for failmode=panic.  Theory: fs/suspend.c.
 */
void spa_be_patient(struct spa *spa, void (*panic)(void *arg), void *arg);
/* With the lock: devices may be back, try again; returns how that ended (-EIO: suspended as before). */
int spa_resume(struct spa *spa, struct err *e);
void spa_abandon(struct spa *spa); /* without the lock: if suspended, do not wait any longer */
bool spa_is_lost(const struct spa *spa); /* suspended, and nothing will end that */
/* Suspended inside a sync: spa_enter would wait. Any thread. */
bool spa_is_stuck(struct spa *spa);
void spa_enter_anyway(struct spa *spa); /* for looking at devices, and clearing them */
/* Suspended, and failmode says that who changes something waits; the wait (without the lock). */
bool spa_should_wait(const struct spa *spa);
void spa_wait_resumed(struct spa *spa);
/*
 * A read failed with rc, with the lock held: is it because devices are gone, and does failmode say to wait for
 * them?  Then the operation is to begin again after spa_wait_resumed.
 */
bool spa_read_must_wait(struct spa *spa, int rc);
bool spa_is_syncing(const struct spa *spa);
/* Write a txg even when nothing is dirty (`zpool sync`, ageing of deferred frees). */
int spa_sync_force(struct spa *spa, struct err *e);
bool spa_is_readonly(const struct spa *spa);

/*
 * A change of pool structure (snapshot, clone, destroy, property): check runs now, sync runs in
 * the syncing txg after the datasets' dirty data was written, when objset_bp() of a dataset is its
 * state at that txg.  spa_sync_task runs a whole sync itself and returns check's or sync's error;
 * spa_sync_task_queue only queues for the next spa_sync (batches).
 */
typedef int spa_task_fn(struct spa *spa, void *arg, struct err *e);
int spa_sync_task(struct spa *spa, spa_task_fn *check, spa_task_fn *sync, void *arg,
    struct err *e);
/*
 * done runs after the txg is durable (rc 0) or the sync failed, may be NULL; it frees arg.  A sync
 * function fails only when the pool cannot go on (the disk): what can be refused is refused by
 * check.  Its error suspends the pool, and the disk keeps the txg before.
 */
typedef void spa_task_done_fn(struct spa *spa, void *arg, int rc);
int spa_sync_task_queue(struct spa *spa, spa_task_fn *sync, spa_task_done_fn *done, void *arg);

const char *spa_name(const struct spa *spa);
void spa_config_dirty(struct spa *spa); /* labels and the config object are written in the next txg */
uint64_t spa_guid(const struct spa *spa);
struct objset *spa_mos(const struct spa *spa);
struct vdev *spa_root_vdev(const struct spa *spa);
struct dsl_pool *spa_dsl(const struct spa *spa);
uint64_t spa_now(const struct spa *spa, uint32_t *nsec);
void spa_random(const struct spa *spa, void *buf, size_t len);
unsigned spa_min_ashift(const struct spa *spa);

/* Features by guid ("org.illumos:lz4_compress"). */
bool spa_feature_enabled(const struct spa *spa, const char *guid);
bool spa_feature_active(const struct spa *spa, const char *guid);
int spa_feature_change(struct spa *spa, const char *guid, int delta); /* the refcount, in the open txg */
int spa_feature_enable(struct spa *spa, const char *guid); /* with what it depends on; -ENOTSUP */
int spa_features_upgrade(struct spa *spa); /* all that are on in new pools */
const char *spa_feature_guid(const char *name);		   /* of "lz4_compress"; NULL: unknown */
/* What "on" means for metadata of this pool: a compression id. */
unsigned spa_metadata_compress(const struct spa *spa);
/* Walk: fn(guid, short name, 'd'isabled 'e'nabled 'a'ctive). */
void spa_feature_walk(const struct spa *spa, void (*fn)(const char *guid, const char *name,
    char state, void *arg), void *arg);

/* Pool properties stored in the MOS or config (comment, failmode, autoexpand, ...). */
int spa_prop_get(struct spa *spa, const char *name, char *buf, size_t size);
int spa_prop_set(struct spa *spa, const char *name, const char *value, struct err *e);

/* The command history ("zpool history"): append in the next sync; read all. */
int spa_history_log(struct spa *spa, const struct nvlist *record);
int spa_history_read(struct spa *spa, int (*fn)(const struct nvlist *rec, void *arg), void *arg);

struct nvlist *spa_config(struct spa *spa); /* whole config with vdev stats, for status; caller frees */

#endif
