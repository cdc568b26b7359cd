/* SPDX-License-Identifier: MIT */
/*
 * The inside of struct spa, shared by the files of fs/.
 *
 * Who owns what: spa.c everything not named below; dmu.c the cache and the dirty count; dsl_pool.c
 * `dsl`; metaslab.c `alloc`; zio.c `zio`.  All of it is protected by the pool's lock.
 */
#ifndef SMARTBOX_FS_SPA_IMPL_H
#define SMARTBOX_FS_SPA_IMPL_H

#include <pthread.h>

#include "smartbox/fs/spa.h"

#define TXG_INITIAL 4
#define SPA_VERSION 5000
#define MOS_DIRECTORY 1 /* the object directory, a zap */

/* Objects of the meta objset that the pool layer uses; 0: not there. */
struct spa_objects {
	uint64_t config, features_read, features_write, features_desc, features_txg;
	uint64_t sync_bplist, history, props, vdev_zap_map;
};

/* Devices beside the tree: fs/spa_aux.c. */
enum aux_kind { AUX_SPARE, AUX_CACHE, AUX_KINDS };
struct spa_aux {
	struct vdev **dev;
	size_t n;
	uint64_t object; /* packed list in the meta objset, 0: none */
	bool dirty;
};

enum failmode { FAILMODE_WAIT, FAILMODE_CONTINUE, FAILMODE_PANIC };

struct spa_task {
	spa_task_fn *sync;
	spa_task_done_fn *done;
	void *arg;
	struct spa_task *next;
};

struct spa {
	char *name;
	uint64_t guid;
	struct fs_os os;
	pthread_mutex_t lock;
	bool readonly, suspended, syncing;
	struct vdev *root;
	unsigned min_ashift; /* smallest of the top-levels */
	struct objset *mos;
	uint64_t txg;	 /* open (and while syncing: syncing) */
	uint64_t synced; /* last durable */
	uint64_t found;	 /* what the import found to be durable; 0: created */
	int pass;	 /* of the meta objset in this sync, from 1; 0 before */
	struct uberblock ub;
	uint64_t version; /* 5000, or 1..28 of an old pool */

	/* Space of the meta objset born minus killed, not yet charged to $MOS. */
	int64_t mos_dsize, mos_comp, mos_uncomp;
	bool deflate; /* directory key "deflate" is there */
	bool has_salt;	  /* directory key "org.illumos:checksum_salt" */
	uint8_t salt[32]; /* of keyed checksums */

	struct spa_objects obj;
	struct spa_feature_state *features; /* spa_feature.c */

	enum pool_state state;
	bool config_dirty, force_sync;
	bool config_written; /* the config object is as it should be in this txg */
	uint64_t hostid; /* 0: unknown, not written */
	char hostname[256];
	char *comment, *compatibility; /* NULL: none; live in the config */
	bool has_vdev_zaps;
	bool log_missing; /* imported without a log device */

	struct spa_task *tasks, **tasks_tail;
	struct history_record *history, **history_tail; /* for the next sync */

	struct dmu_cache *cache;
	uint64_t dirty_bytes; /* of all objsets */
	uint64_t behind_bytes; /* of all objsets: written before the sync, charged by it */
	struct dbuf *wb_first, *wb_last; /* dirty contents, oldest first (write_behind.c) */
	uint64_t wb_bytes;
	bool wb_busy, wb_failed; /* a batch is on its way; one failed: the sync does it */
	unsigned sync_waits; /* syncs that wait for wb_busy to end */
	void (*wb_kick)(void *arg); /* called when there is enough of it */
	void *wb_kick_arg;
	void (*on_synced)(void *arg, uint64_t txg); /* a txg is durable; or NULL */
	void *on_synced_arg;
	uint64_t dirtyings; /* how often anything became dirty */
	struct dmu_misses *misses; /* of who has the lock now: he may be unwound (dmu_miss.c) */
	struct dmu_misses *readers, *readers_last; /* reading without the lock, oldest first */
	pthread_cond_t changed; /* with the lock: something that is waited for happened */
	uint64_t changes;	/* how often */
	pthread_mutex_t io_lock;
	pthread_cond_t io_idle;
	unsigned io_count; /* with io_lock: who is in the vdev tree without the pool's lock */
	struct zilog *zilogs, *noted_logs; /* open intent logs; those with records (zil.c) */
	struct workers *workers; /* NULL: the caller's thread does it all */

	struct ddt_pool *ddt;	 /* ddt.c */
	struct spa_aux aux[AUX_KINDS];
	struct dsl_pool *dsl;
	struct metaslab_pool *alloc; /* metaslab.c may hang its pool-wide state here */
	struct zio_pool *zio;	     /* zio.c likewise */
	struct scrub *scrub;	     /* scrub.c; NULL: none ever */
	struct errlog *errlog;	     /* errlog.c */
	struct tender *tender;	     /* tender.c; NULL: never started */
	struct events *events;	     /* events.c; NULL: nobody asks */

	uint64_t checkpoint_txg, checkpoint_time; /* checkpoint.c; 0: there is none */
	bool autotrim;				  /* the property, as the tender last saw it */
	struct removal *removal;		  /* removal.c; NULL: never asked */
	bool initializing;			  /* some device may be (spa_initialize.c) */
	uint64_t rewound_txg;			  /* imported as of this checkpoint */
	uint64_t imported_txg, imported_time;	  /* of the uberblock that was imported */
	uint64_t newest_txg, newest_time;	  /* of all uberblocks at import; ours may be older */

	/* suspend.c: devices that are gone are waited for */
	struct suspend *suspend;
	enum failmode failmode;
	bool patient, abandoned;
	bool stuck;		/* suspended in the middle of a sync: spa_enter waits */
	bool reads_wait;	/* what is needed to read is gone: readers wait (fs/suspend.c) */
	bool retrying;		/* resumed, and not yet known how it ends */
	uint64_t resumes;	/* how often somebody said that the devices are back */
	pthread_t sync_thread;	/* while syncing */
	void (*panic)(void *arg);
	void *panic_arg;
};

/* spa.c: an empty one, with cache and lock; freed with whatever it has by then. */
int spa_new(const char *name, const struct fs_os *os, struct spa **out);
void spa_free(struct spa *spa);
void spa_suspend(struct spa *spa, const char *why);
/* With the lock: until something happens that somebody announces; it is given up meanwhile. */
void spa_wait(struct spa *spa);
void spa_changed(struct spa *spa);
void spa_will_wait(void); /* spa_on_wait */
/* Around reads and writes of devices without the lock; begin is called with it. */
void spa_io_begin(struct spa *spa);
void spa_io_end(struct spa *spa);

/* A pool up to its meta objset, without datasets: the part below the dataset layer. */
int spa_create_base(struct spa *spa, const struct spa_create_opts *o, struct err *e);
int spa_import_base(struct spa *spa, const struct spa_import_opts *o, struct err *e);

/* suspend.c */
void spa_failmode_note(struct spa *spa, const char *mode); /* the property's value */

/* zil.c */
void zil_clean(struct spa *spa, uint64_t synced); /* that txg is durable */

/* spa_config.c */
int spa_config_make(struct spa *spa, const struct vdev *leaf, struct nvlist **out);
int spa_config_sync(struct spa *spa); /* the MOS's config object, if config_dirty */
int spa_config_read(struct spa *spa, struct nvlist **out, struct err *e);
/* Flush, labels if the config changed, uberblock: zfs-format.md, "Commit order". */
int spa_commit(struct spa *spa, struct err *e);

/* spa_feature.c */
int spa_features_create(struct spa *spa, bool none);
/* Refuses by name what we cannot read, or write if the pool is not read-only. */
int spa_features_load(struct spa *spa, struct err *e);
void spa_features_free(struct spa *spa);
int spa_features_label(struct spa *spa, struct nvlist *config);
/* Keyed checksums need the pool's salt: make it if there is none yet.  In a sync task. */
int spa_salt_make(struct spa *spa);

/* spa_history.c */
int spa_history_create(struct spa *spa);
int spa_history_sync(struct spa *spa);
void spa_history_free(struct spa *spa);

/* fs/spa_aux.c */
int spa_aux_load(struct spa *spa);
int spa_aux_sync(struct spa *spa);
void spa_aux_free(struct spa *spa);

/* A directory entry of one u64; 0 when it is not there. */
int spa_directory_get(struct spa *spa, const char *key, uint64_t *obj);

#endif
