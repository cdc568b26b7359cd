/* SPDX-License-Identifier: MIT */
/* What the files of kern/zone_*.c and kern/zoned*.c share. */
#ifndef KERN_ZONE_IMPL_H
#define KERN_ZONE_IMPL_H

#include <limits.h>

#include "smartbox/kern/zone.h"

/* The run state of a live zone, as its supervisor leaves it in <run>/zone/NAME.state. */
struct zone_run {
	enum zone_state state;
	int id;
	pid_t zoned, init;
	uint64_t init_start; /* field 22 of /proc/PID/stat: tells a reused pid */
	uint32_t id_base;
};

int zone_run_read(const struct zone_env *env, const char *name, struct zone_run *out);
int zone_run_write(const struct zone_env *env, const char *name, const struct zone_run *r,
    struct err *e);
void zone_run_remove(const struct zone_env *env, const char *name);
/* Is that process still there, and is it that one? */
bool zone_init_alive(const struct zone_run *r);
int proc_start_time(pid_t pid, uint64_t *ticks);

/* <run>/zone/NAME.SUFFIX; -ENAMETOOLONG. */
int zone_run_path(const struct zone_env *env, const char *name, const char *suffix,
    char out[PATH_MAX]);
int zone_run_mkdir(const struct zone_env *env, struct err *e);

/*
 * The supervisor's lock, an open-file-description lock on NAME.lock: tested without taking it.
 */
bool zone_lock_is_held(const struct zone_env *env, const char *name);
int zone_lock_take(const struct zone_env *env, const char *name, int *fd, struct err *e);

/*
 * The next zone id: 1..9999, then around, never one that is live.  Costs the same with any number of
 * zones: a live id is a symlink <run>/zone/.id.N to the zone's name.
 */
int zone_id_take(const struct zone_env *env, const char *name, int *id, struct err *e);
void zone_id_release(const struct zone_env *env, int id);

/* --- the index, for kern/zonecfg_file.c --- */

struct zone_index {
	struct zone_info *zones; /* in file order */
	size_t n, cap;
	char *comments; /* lines that are kept as they are */
};

int zone_index_lock(const struct zone_env *env, struct err *e); /* descriptor for file_unlock */
int zone_index_read(const struct zone_env *env, struct zone_index *ix, struct err *e);
int zone_index_write(const struct zone_env *env, const struct zone_index *ix, struct err *e);
struct zone_info *zone_index_find(struct zone_index *ix, const char *name);
struct zone_info *zone_index_add(struct zone_index *ix, const char *name); /* NULL: no memory */
void zone_index_remove(struct zone_index *ix, struct zone_info *zi);
void zone_index_free(struct zone_index *ix);
int zone_etc_path(const struct zone_env *env, const char *leaf, const char *suffix,
    char out[PATH_MAX], struct err *e);
int zone_range_rename(const struct zone_env *env, const char *from, const char *to, struct err *e);

#endif
