/* SPDX-License-Identifier: MIT */
/* What the files of receiving share.  Theory: fs/recv.c. */
#ifndef FS_RECV_IMPL_H
#define FS_RECV_IMPL_H

#include "dmu_impl.h"
#include "dsl_impl.h"
#include "smartbox/fs/recv.h"

#define RESUME_PREFIX "com.delphix:resume_"

/* Blocks that will be written together; their bytes are the batch's. */
struct recv_waiting {
	struct dmu_whole v[DMU_WHOLE_MAX];
	uint32_t size[DMU_WHOLE_MAX];
	size_t n;
	uint64_t last_obj, end; /* of the last one */
};

/* What is being received into. */
struct recv_target {
	struct recv_job *job;
	struct spa *spa;
	struct dsl_dataset *ds; /* held: fs itself when it is new, fs/%recv otherwise */
	struct objset *os;
	char name[DSL_NAME_MAX]; /* of ds */
	bool exists;		 /* fs was there: ds is its %recv */
	bool resuming;
	uint64_t features;
	bool spill_flags; /* OBJECT says whether there is a spill block */
	bool full;	  /* from nothing: what an object had before is nobody's */

	struct recv_waiting waiting;
	bool noted; /* since the beginning of the batch: */
	uint64_t note_object, note_offset, note_bytes;
	struct resume_note *note; /* of txg note_txg; goes into that txg */
	uint64_t note_txg, bytes;
	bool progressed; /* since the beginning of this stream */
};

/* recv_dataset.c */
int recv_begin(struct recv_target *t, struct err *e);
int recv_end(struct recv_target *t, struct err *e);
/* The stream was cut: keep or destroy.  Releases ds. */
int recv_give_up(struct recv_target *t, bool *kept);

/* recv_resume.c: in a sync task; with the lock */
int resume_state_start(struct recv_target *t);
int resume_state_check(struct recv_target *t, struct err *e);
bool resume_state_is_there(struct dsl_dataset *ds);
int resume_state_remove(struct dsl_dataset *ds);
/* All before the noted place came; goes to disk together with it. */
int resume_state_note(struct recv_target *t);

/* recv_write.c; with the lock, write_behind claimed */
int recv_apply_write(struct recv_target *t, const struct stream_record *r, const void *payload,
    size_t len, struct err *e);
int recv_apply_embedded(struct recv_target *t, const struct stream_record *r, const void *payload,
    struct err *e);
/* Write what waits; before the batch ends, and before a record that is not behind all of it. */
int recv_write_flush(struct recv_target *t, struct err *e);
bool recv_write_is_behind(const struct recv_target *t, uint64_t obj, uint64_t off);

/* recv_object.c: apply a record; as above */
int recv_refuse(struct err *e, const char *what, uint64_t obj);
/* The last record that was applied is of this place. */
void recv_note(struct recv_target *t, uint64_t object, uint64_t offset);
int recv_apply(struct recv_target *t, const struct stream_record *r, const void *payload, size_t len,
    struct err *e);

#endif
