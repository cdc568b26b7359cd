/* SPDX-License-Identifier: MIT */
/*
 * The inside of an open filesystem, shared by the zpl files.
 */
#ifndef SMARTBOX_FS_ZPL_IMPL_H
#define SMARTBOX_FS_ZPL_IMPL_H

#include "sa_impl.h"
#include "smartbox/fs/quota.h"
#include "smartbox/fs/zil.h"
#include "smartbox/fs/zpl.h"

#define MASTER_NODE 1
#define ZPL_VERSION_SA 5
#define ZPL_NAME_MAX 255
#define DELETE_QUEUE "DELETE_QUEUE"

/* Flags in ZPL_FLAGS. */
#define ZF_XATTR 0x1ULL
#define ZF_ACL_TRIVIAL 0x4ULL
#define ZF_ACL_AUTO_INHERIT 0x40ULL
#define ZF_NO_EXECS_DENIED 0x100ULL
#define ZF_ARCHIVE (1ULL << 35)
#define ZF_IMMUTABLE (1ULL << 36)
#define ZF_NOUNLINK (1ULL << 37)
#define ZF_APPENDONLY (1ULL << 38)
#define ZF_AV_MODIFIED (1ULL << 42)
#define ZF_PROJINHERIT (1ULL << 46)
#define ZF_PROJID (1ULL << 47)

/* Upper bound of what one operation on names and attributes dirties. */
#define ZPL_META_BYTES (256u << 10)

struct zpl {
	struct dsl_dataset *ds;
	struct objset *os;
	struct spa *spa;
	struct sa *sa;
	bool readonly;
	uint64_t version, root, delete_queue;
	bool fold_case, utf8only;
	unsigned normflags;
	/* Quotas by owner that the filesystem has (zpl_quota.c), as of this generation of properties. */
	uint64_t quota_generation;
	unsigned has_quota;
	struct zilog *zil;		/* that zpl_log_start opened, or NULL */
	unsigned unlogged;		/* > 0: what is done now has no records of its own */
	const struct zpl_fixed *fixed;	/* the object that is made now is made again */
	bool replaying;
	uint64_t op_now[2], op_gen; /* zpl_op_begin; op_now[0] 0: the clock's time, op_gen 0: the open txg */
	struct zil_replayed replayed;
};

/* What a replayed record says of the object that it makes, and of the time. */
struct zpl_fixed {
	uint64_t obj, gen, crtime[2];
};

/* --- zpl.c ------------------------------------------------------------------------------------ */

/* May this operation dirty the pool?  -EROFS, -ENOSPC, -EDQUOT. */
int zpl_may_change(struct zpl *z, uint64_t bytes);
int zpl_may_free(struct zpl *z);
void zpl_now(struct zpl *z, uint64_t t[2]);

/* --- zpl_znode.c ------------------------------------------------------------------------------ */

/* Hold a znode; -ENOENT also for objects that are none (node ids come from outside). */
int znode_hold(struct zpl *z, uint64_t obj, struct sa_handle *h);
int znode_hold_dir(struct zpl *z, uint64_t obj, struct sa_handle *h);
uint32_t znode_mode(const struct sa_handle *h);
void znode_attr(struct zpl *z, const struct sa_handle *h, struct zpl_attr *a);

/* The attributes of a new znode. */
struct znode_new {
	const struct zpl_new *n;
	uint64_t parent, links, size, flags, projid;
	bool is_xattr_dir;
};
int znode_new(struct zpl *z, const struct znode_new *zn, uint64_t *obj);
/* The object and its attribute directory with all its files, at once. */
int znode_destroy(struct zpl *z, uint64_t obj);
uint64_t znode_rdev_to_user(uint64_t disk);

/* --- zpl_file.c ------------------------------------------------------------------------------- */

/* The new length; times are left to the caller. */
int zpl_truncate(struct zpl *z, uint64_t obj, uint64_t size);

/* --- zpl_quota.c ------------------------------------------------------------------------------ */

/*
 * -EDQUOT: one of these owners (kinds: bits by enum owner_kind) is at a limit.  new_object: limits on
 * their number count too.
 */
int zpl_quota_check(struct zpl *z, const uint64_t id[OWNER_KINDS], unsigned kinds, bool new_object);
int zpl_quota_check_znode(struct zpl *z, const struct sa_handle *h);
/* --- zpl_log.c -------------------------------------------------------------------------------- */

struct zilog *zpl_zil(const struct zpl *z); /* NULL: nothing is noted */
void zlog_create(struct zpl *z, uint64_t dir, const char *name, uint64_t obj, const char *target);
void zlog_remove(struct zpl *z, uint64_t dir, const char *name, bool is_dir);
void zlog_link(struct zpl *z, uint64_t dir, const char *name, uint64_t obj);
void zlog_rename(struct zpl *z, uint64_t from_dir, const char *from, uint64_t to_dir,
    const char *to);
void zlog_rename_whiteout(struct zpl *z, uint64_t from_dir, const char *from, uint64_t to_dir,
    const char *to, uint64_t whiteout);
void zlog_exchange(struct zpl *z, uint64_t a_dir, const char *a, uint64_t b_dir, const char *b);
/* h: as it is after the change. */
void zlog_setattr(struct zpl *z, const struct sa_handle *h, unsigned mask, const struct zpl_attr *a);
void zlog_write(struct zpl *z, const struct sa_handle *h, uint64_t off, uint64_t len);
void zlog_truncate(struct zpl *z, const struct sa_handle *h, uint64_t off, uint64_t len);
/* ZA_* bits as a record has them, and back. */
uint64_t zlog_mask_out(unsigned za);
unsigned zlog_mask_in(uint64_t lr);

/* --- zpl_replay.c ----------------------------------------------------------------------------- */

int zpl_replay(struct zpl *z, struct err *e);
/* One record that passed zil_record_check; 1: its object is gone. */
int zpl_replay_record(struct zpl *z, const struct zil_record *r, const void *block);

/* --- zpl_xattr.c ------------------------------------------------------------------------------ */

/* The attribute directory of h's object, made. */
int zpl_make_xattr_dir(struct zpl *z, struct sa_handle *h, uint64_t *dir);

/* --- zpl_acl.c -------------------------------------------------------------------------------- */

#define ACL_TRIVIAL_MAX (6 * 8)
/* The access control list that says just what mode says; its bytes, *count entries. */
size_t acl_trivial(uint32_t mode, uint8_t buf[ACL_TRIVIAL_MAX], uint64_t *count);
/* ZPL_FLAGS for mode: the trivial bit set, NO_EXECS_DENIED as it is. */
uint64_t acl_flags(uint64_t flags, uint32_t mode);

#endif
