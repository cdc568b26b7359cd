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
	int pass;	 /* of the meta objset in this sync, from 1; 0 before */
	struct uberblock ub;
	uint64_t version; /* 5000, or 1..28 of an old pool */

	/* Space of the meta objset born minus killed, not yet charged to $MOS. */
	int64_t mos_dsize, mos_comp, mos_uncomp;
	bool deflate; /* directory key "deflate" is there */

	struct spa_objects obj;
	struct spa_feature_state *features; /* spa_feature.c */

	enum pool_state state;
	bool config_dirty, force_sync;
	uint64_t hostid;
	char hostname[256];
	char *comment;
	bool has_vdev_zaps;

	struct spa_task *tasks, **tasks_tail;
	struct nvlist **history_queue; /* records for the next sync */
	size_t nhistory;

	struct dmu_cache *cache;
	uint64_t dirty_bytes;

	struct dsl_pool *dsl;
	struct metaslab_pool *alloc; /* metaslab.c may hang its pool-wide state here */
	struct zio_pool *zio;	     /* zio.c likewise */
};

#endif
