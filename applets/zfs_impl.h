/* SPDX-License-Identifier: MIT */
/* What the files of zfs share. */
#ifndef APPLETS_ZFS_IMPL_H
#define APPLETS_ZFS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "must.h"
#include "smartbox/core/applet.h"
#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

/* Subcommands outside of zfs.c. */
int zfs_create(int argc, char **argv);
int zfs_clone(int argc, char **argv);
int zfs_wait(int argc, char **argv);
int zfs_list(int argc, char **argv);
int zfs_get(int argc, char **argv);
int zfs_destroy(int argc, char **argv);
int zfs_rollback(int argc, char **argv);
int zfs_mount(int argc, char **argv);
int zfs_unmount(int argc, char **argv);
int zfs_send(int argc, char **argv);
int zfs_receive(int argc, char **argv);
int zfs_bookmark(int argc, char **argv);
int zfs_hold(int argc, char **argv);
int zfs_holds(int argc, char **argv);
int zfs_release(int argc, char **argv);
int zfs_promote(int argc, char **argv);
int zfs_diff(int argc, char **argv);
int zfs_userspace(int argc, char **argv);
int zfs_groupspace(int argc, char **argv);
int zfs_projectspace(int argc, char **argv);
int zfs_project(int argc, char **argv);
int zfs_allow(int argc, char **argv);
int zfs_unallow(int argc, char **argv);
int zfs_upgrade(int argc, char **argv);
int zfs_refused(int argc, char **argv);

/* On stderr, every property with what it takes. */
void zfs_print_props(void);

/* "userquota@bob" as poold wants it: "userquota@1001".  False: no such property, or nobody has this name. */
bool zfs_owner_wire(const char *name, char *wire, size_t size);
bool zfs_owner_is(const char *name);

/* "prop=value" into nv; 0, or 2 after a message. */
int zfs_parse_prop(struct nvlist *nv, const char *arg);

/*
 * One operation on the pool of `dataset`, or on the pool opened by -e.  *out may be NULL.
 */
int zfs_ask(const char *dataset, const char *op, const struct nvlist *args, struct nvlist **out,
    struct err *e);
/* The same for changes: the command line goes into the pool's history; args are freed. */
int zfs_change(const char *dataset, const char *op, struct nvlist *args, struct nvlist **out,
    struct err *e);
/* A change with properties that is being put together. */
struct zfs_request {
	struct nvlist *args, *props;
};
/* Send it; the arguments are freed.  zfs_request_end frees what is left and returns `status`. */
int zfs_submit(struct zfs_request *f, const char *dataset, const char *op, struct nvlist **out,
    struct err *e);
int zfs_request_end(int status, struct zfs_request *f);

/* An operation with a stream through fd: fs/client.h, pool_stream. */
int zfs_stream(const char *dataset, const char *op, const struct nvlist *args, int fd,
    void (*tell)(void *arg, const struct nvlist *nv), void *arg, struct nvlist **out, struct err *e);
/* The command line, for the pool's history, into a request that zfs_stream sends. */
void zfs_add_history(struct nvlist *args);
/* Imported pools (or the one opened by -e), as pool_names. */
char **zfs_pools(size_t *n);
/* "no such pool" and the like, as users know it: "dataset does not exist". */
void zfs_explain_missing(struct err *e);
/* What was not mounted after a change that worked; the exit code. */
int zfs_report_mounts(const struct nvlist *out, const char *what);
/* "/tank/a/x" -> the dataset mounted there or above; false: none of ours. */
bool zfs_dataset_at(const char *path, char *name, size_t size);
/* The names that stand in the way of an operation, one per line on stderr. */
void zfs_print_dependents(const struct nvlist *out);

#endif
