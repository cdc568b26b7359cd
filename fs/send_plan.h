/* SPDX-License-Identifier: MIT */
/* Which substreams a zfs send consists of.  Theory: fs/send_plan.c. */
#ifndef FS_SEND_PLAN_H
#define FS_SEND_PLAN_H

#include "dsl_impl.h"

struct plan_snap {
	char *name; /* behind the @ */
	uint64_t guid, txg;
	bool is_origin; /* of another filesystem of the plan */
};

struct plan_fs {
	char name[DSL_NAME_MAX];
	char origin[DSL_NAME_MAX]; /* "" if it is no clone */
	uint64_t guid, origin_guid, parent_from_guid, obj;
	struct plan_snap *snap; /* oldest first, up to the last one to be sent */
	size_t nsnap, room;
	bool left_out, planned;
};

struct plan_step {
	char to[DSL_NAME_MAX], from[DSL_NAME_MAX]; /* from "": everything */
	bool is_clone;
};

enum {
	PLAN_RECURSIVE = 1, /* -R */
	PLAN_ALL = 2,	    /* -I: every snapshot between */
	PLAN_PROPS = 4,	    /* -p */
	PLAN_BACKUP = 8,    /* -b: received values only */
	PLAN_HOLDS = 16,    /* -h */
	PLAN_SKIP = 32,	    /* -s: descendants without the snapshot are left out */
};

struct send_plan {
	struct spa *spa;
	unsigned flags;
	char root[DSL_NAME_MAX], tosnap[DSL_NAME_MAX], fromsnap[DSL_NAME_MAX]; /* snapshots: "name" */
	bool from_origin; /* the first increment is from the origin */
	struct plan_fs *fs;
	size_t nfs, fs_room;
	struct plan_step *step;
	size_t nstep, step_room;
};

/* All with the pool's lock held. */
int send_plan_make(struct send_plan *p, struct err *e);
/* The nvlist of the compound stream's header; NULL: it has none. */
int send_plan_header(struct send_plan *p, struct nvlist **out);
void send_plan_free(struct send_plan *p);

#endif
