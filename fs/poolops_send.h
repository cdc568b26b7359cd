/* SPDX-License-Identifier: MIT */
/* One zfs send: what its files share.  Theory: fs/poolops_send.c. */
#ifndef FS_POOLOPS_SEND_H
#define FS_POOLOPS_SEND_H

#include "poolops_stream.h"
#include "send_plan.h"

struct send_run {
	struct pool_session *s;
	struct spa *spa;
	unsigned flags; /* SEND_* */
	bool compound, resuming;
	uint64_t resume_object, resume_offset;
	struct send_plan plan;
	struct dsl_dataset **held; /* of each step's snapshot */
	size_t nheld;

	/* Of what is no snapshot: */
	struct dsl_dataset *head; /* held, until it is held[0] */
	char toname[2 * DSL_NAME_MAX]; /* in the stream */
	uint64_t to_guid;	  /* likewise; 0: it is a snapshot */
	bool unfinished;
	char temporary[2 * DSL_NAME_MAX]; /* snapshot that goes at the end; "" none */
};

/* poolops_send.c */
unsigned send_flags_of(const struct nvlist *in);
/* "@a", "#a", "a" and whole names: the whole name. */
int send_full_from(const char *root, const char *from, char buf[DSL_NAME_MAX], struct err *e);
/* The only step of p: to root, or root@tosnap. */
int send_plan_single(struct send_plan *p, const char *from, struct err *e);
/* A snapshot or bookmark of that guid: first in that filesystem, then anywhere. */
int send_name_of_guid(struct spa *spa, const char *fs, uint64_t guid, char name[DSL_NAME_MAX]);

/* poolops_send_head.c; without the lock */
int send_plan_head(struct send_run *r, const struct nvlist *in, struct err *e);
int send_plan_saved(struct send_run *r, const struct nvlist *in, struct err *e);
void send_head_done(struct send_run *r);

#endif
