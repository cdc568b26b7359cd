/* SPDX-License-Identifier: MIT */
/* What the two halves of the allocator share: fs/metaslab.c in memory, fs/metaslab_sync.c on disk. */
#ifndef FS_METASLAB_IMPL_H
#define FS_METASLAB_IMPL_H

#include "range_tree.h"
#include "smartbox/fs/metaslab.h"
#include "space_map.h"

#define TXG_DEFER 2

/* A change that is in a log space map and not yet in the metaslab's own. */
struct log_delta {
	uint64_t off, len; /* in the metaslab */
	bool is_free;
};

struct metaslab {
	uint64_t id, start, size; /* bytes in the vdev */
	struct space_map sm;
	bool loaded, broken; /* broken: the space map cannot be replayed; never allocated from */
	bool rewrite;	     /* the next sync writes the whole map */
	struct log_delta *log;
	size_t nlog, log_cap;
	int64_t log_alloc; /* sum of the deltas */
	uint64_t cursor;   /* where the last allocation ended */

	/* Offsets in all of these are in the metaslab. See the theory in fs/metaslab.c. */
	struct range_tree free;
	struct range_tree allocating, freeing, undone;
	struct range_tree freed, defer[TXG_DEFER];
	struct range_tree trim; /* became free lately: to be discarded (autotrim), if it still is */
	struct range_tree keeping; /* freed, but the checkpoint has it: see fs/checkpoint.c */
};

enum metaslab_bias { BIAS_NONE, BIAS_SPECIAL, BIAS_DEDUP, BIAS_LOG };

struct metaslab_group {
	struct vdev *top;
	struct metaslab *ms;
	size_t n;
	size_t saved; /* entries of the metaslab array that are on disk */
	enum metaslab_bias bias;
	bool closed; /* nothing is allocated from it: its top-level leaves */
	uint64_t active[BP_DVAS]; /* metaslab that copy i is taken from */
	uint64_t active_log;	  /* and log blocks */
	struct space_map kept;	  /* what only the checkpoint keeps; object 0: nothing */
};

struct metaslab_pool {
	size_t rotor;	       /* top-level that is next */
	uint64_t rotor_bytes;  /* taken from it so far */
	uint64_t special_txg;  /* when the next was found out */
	bool special_takes_data;
	size_t log_rotor;      /* the same for log blocks, which take turns one by one */
	bool log_loaded;
	uint64_t log_zap;      /* com.delphix:log_spacemap_zap or 0 */
	struct log_map {
		uint64_t txg, object;
	} *log; /* ascending */
	size_t nlog;
};

struct metaslab_pool *metaslab_pool_of(struct spa *spa);
struct metaslab *metaslab_at(struct vdev *top, uint64_t off); /* NULL outside */
/* In a sync: this range of the top-level, inside one metaslab, is free. */
int metaslab_free_range(struct vdev *top, uint64_t off, uint64_t size);
/* metaslab_free and metaslab_keep of what is there itself, and not moved elsewhere. */
int metaslab_free_here(struct spa *spa, const struct dva *d);
int metaslab_keep_here(struct spa *spa, const struct dva *d);
/* What of it is allocated now, by offset in the top-level. */
int metaslab_used(struct spa *spa, struct vdev *top, struct metaslab *ms, struct range_tree *out);
int metaslab_load(struct spa *spa, struct vdev *top, struct metaslab *ms);

/* fs/metaslab_log.c: log space maps of a pool that OpenZFS wrote. */
int metaslab_log_attach(struct spa *spa, struct vdev *top);
/* All metaslabs were rewritten: drop the logs. */
int metaslab_log_retire(struct spa *spa);

#endif
