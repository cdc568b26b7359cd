/* SPDX-License-Identifier: MIT */
/* What the header of a compound stream says, and bringing what is here into line.  fs/recv_tree.c */
#ifndef FS_RECV_TREE_H
#define FS_RECV_TREE_H

#include "poolops_impl.h"

struct recv_run; /* poolops_recv.c */
/* A filesystem of the other side by its name here. */
int recv_local_name(const struct recv_run *r, const char *fs, char out[DSL_NAME_MAX], struct err *e);

struct recv_tree {
	struct nvlist *nv, *fss; /* fss: within nv; NULL: no header */
};

int recv_tree_load(struct recv_tree *t, const void *packed, size_t len, struct err *e);
void recv_tree_free(struct recv_tree *t);
/* The entry of the filesystem that has this snapshot; NULL: none. */
const struct nvlist *recv_tree_find(const struct recv_tree *t, uint64_t snap_guid);
/*
 * Before the first substream of an incremental recursive stream: snapshots that were renamed there are
 * renamed here; with force snapshots and filesystems that are not there any more are destroyed here.
 */
int recv_tree_prepare(struct recv_tree *t, struct pool_session *s, const struct recv_run *r, bool force,
    struct err *e);
/* The received snapshot's properties and holds. */
void recv_tree_snapshot(struct recv_tree *t, struct pool_session *s, const struct nvlist *fs_info,
    const char *fs, const char *snap, bool no_holds);

#endif
