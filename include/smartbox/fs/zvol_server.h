/* SPDX-License-Identifier: MIT */
/*
 * The volumes of an imported pool, served: block devices of the host and sockets for guests.
 *
 * One per pool.  The operations that change datasets say what they changed; all calls are made by one
 * thread at a time, without the pool's lock.
 */
#ifndef SMARTBOX_FS_ZVOL_SERVER_H
#define SMARTBOX_FS_ZVOL_SERVER_H

#include "smartbox/core/err.h"
#include "smartbox/fs/spa.h"
#include "smartbox/fs/syncer.h"

struct zvol_server;

/*
 * sync may be NULL for a read-only pool.  dir: on a filesystem in RAM, where what volumes
 * acknowledged outlives this process; what an earlier one left there is written first.  Serves
 * nothing before the first update.
 */
int zvol_server_new(struct spa *spa, struct syncer *sync, const char *dir, struct zvol_server **out,
    struct err *e);
/* Disconnects what is left.  NULL is fine. */
void zvol_server_free(struct zvol_server *zs);

/*
 * Look again at the volumes of root and below (NULL: the pool): export what is new, take away what is
 * gone, follow sizes and properties.  The first failure is reported, the rest is done all the same.
 */
int zvol_server_update(struct zvol_server *zs, const char *root, struct err *e);
/* The same for what is exported already: cheap, finds nothing new. */
void zvol_server_refresh(struct zvol_server *zs, const char *root);
void zvol_server_renamed(struct zvol_server *zs, const char *from, const char *to);
/* Snapshots of root, or of what is below, were made. */
void zvol_server_snapshotted(struct zvol_server *zs, const char *root);
/* After a rollback: let the kernel forget what it cached. */
void zvol_server_rolled_back(struct zvol_server *zs, const char *name);
/*
 * Stop serving root and below (NULL: all), so that it can be destroyed or exported.  -EBUSY while
 * somebody uses one, unless force; then nothing was changed.
 */
int zvol_server_release(struct zvol_server *zs, const char *root, bool force, struct err *e);
/* A socket, connected, that speaks vhost-user for this volume; the caller's. */
int zvol_server_vhost(struct zvol_server *zs, const char *name, bool readonly, int *fd,
    struct err *e);

#endif
