/* SPDX-License-Identifier: MIT */
/*
 * The inside of the FUSE server, shared by the fuse files.
 */
#ifndef SMARTBOX_FS_FUSE_IMPL_H
#define SMARTBOX_FS_FUSE_IMPL_H

#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/fuse.h"
#include "smartbox/fs/zpl.h"
#include "stash.h"

/* Parts of the protocol that are newer than the headers we build with (7.38). */
#define FUSE_STATX_OP 52

struct fuse_sx_time_ {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct fuse_statx_in_ {
	uint32_t getattr_flags, pad;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};
struct fuse_statx_out_ {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct fuse_sx_time_ atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};
_Static_assert(sizeof(struct fuse_statx_in_) == 24, "as the kernel sends it");
_Static_assert(sizeof(struct fuse_statx_out_) == 288, "as the kernel wants it");
#define FUSE_ALLOW_IDMAP_FLAG (1ULL << 40)
#define FUSE_NOTIFY_INC_EPOCH_CODE 8

#define FUSE_DATA_MAX (1u << 20) /* of one READ or WRITE */
#define FUSE_IN_MAX (FUSE_DATA_MAX + 8192)
#define FUSE_READAHEAD_MAX (2u << 20) /* the kernel's, of a mount */

/* --- node ids (fuse_node.c) ------------------------------------------------------------------- */

/*
 *	1                            the root
 *	obj                          an object of the mounted dataset
 *	slot << 48 | obj             an object of a snapshot entered through .zfs; slot 1..32767
 *	NODE_ZFS, NODE_SNAPSHOTS     .zfs and .zfs/snapshot
 */
#define NODE_OBJ_MASK ((1ULL << 48) - 1)
#define NODE_SLOT_SHIFT 48
#define NODE_SLOTS 32767u
#define NODE_ZFS (1ULL << 63 | 1)
#define NODE_SNAPSHOTS (1ULL << 63 | 2)

/* Each node's count, in memory that outlives this process. */
struct node_table {
	struct stash *st;
	unsigned session; /* of the stash */
	struct node *window; /* both halves */
	struct node *v;	     /* the one in use */
	size_t cap, n, used; /* cap is a power of two or 0; n live ones, used ones with an id */
};

/* As the stash has it: empty, or what the last server left. */
int node_table_open(struct node_table *t, struct stash *st, unsigned session);
void node_table_free(struct node_table *t);
/* So many new nodes can be set without fail. */
int node_table_room(struct node_table *t, size_t more);
/* Live, or NULL. */
struct node *node_find(const struct node_table *t, uint64_t id);
/* Live, or without lookups and waiting to be destroyed. */
struct node *node_find_unlinked(const struct node_table *t, uint64_t id);
uint64_t node_lookups(const struct node_table *t, uint64_t id);
/* One word changes, so it is done or not done. */
void node_set(struct node_table *t, uint64_t id, uint64_t lookups);

/* An entry that says which snapshot a slot is: its number at the place of the object, which no node has. */
static inline bool
node_is_slot(uint64_t id)
{
	return (id != 0 && id >> 63 == 0 && (id & NODE_OBJ_MASK) == 0);
}

/* --- requests (fuse_req.c) -------------------------------------------------------------------- */

/* A request whose lengths were checked; pointers go into the message. */
struct fuse_req {
	const struct fuse_in_header *in;
	const void *arg; /* the fixed structure of the opcode */
	const char *name, *name2;
	const void *data;
	size_t data_len;
};

/* setxattr_ext: the 16-byte form was negotiated.  0, -EINVAL malformed, -ENOSYS unknown opcode. */
int fuse_req_parse(const void *msg, size_t len, bool setxattr_ext, struct fuse_req *r);

/* --- mounts ----------------------------------------------------------------------------------- */

struct snap_slot {
	struct dsl_dataset *ds;
	struct zpl *z; /* NULL: free, or released while nodes of it are known */
	uint64_t nodes;
	char *name; /* full name; NULL: free */
};

struct fuse_server;

struct fuse_session {
	struct fuse_server *server;
	uint64_t id; /* in epoll */
	int fd;
	unsigned number; /* in the stash */
	struct stash_session *keep;
	bool unlogged; /* what is done now need not be repeatable */
	struct dsl_dataset *ds;
	struct zpl *z;
	char *path;
	struct fuse_mount_opts opts;
	bool is_snapshot;

	/* Protected by the pool's lock. */
	struct node_table nodes;
	struct snap_slot *slot; /* slot[i] is slot number i + 1 */
	size_t nslots;

	/* Protected by the server's lock. */
	unsigned refs;	 /* requests being served, answers being waited for */
	unsigned active; /* of these, requests in a worker's hands */
	bool dead;	 /* the kernel hung up */
	bool suspended;
	struct fuse_session *next, *hash_next, *ds_next;
};

#define FUSE_BUCKETS 1024

/* --- sessions (fuse_session.c) ---------------------------------------------------------------- */

/* With a reference that a worker has, or NULL: gone, or standing aside. */
struct fuse_session *fuse_session_by_id(struct fuse_server *fs, uint64_t id);
void fuse_session_done(struct fuse_session *s); /* gives that back */
void fuse_session_unref(struct fuse_session *s);
void fuse_session_die(struct fuse_session *s); /* with the server's lock */
void fuse_session_free(struct fuse_session *s); /* nobody refers to it any more */
int fuse_session_start(struct fuse_session *s, struct err *e); /* workers serve it from here on */
void fuse_drop_kernel_caches(struct fuse_session *s);
/* Takes over the caller's reference. */
int fuse_session_unmount(struct fuse_session *s, bool force, struct err *e);

struct fuse_server {
	struct spa *spa;
	struct syncer *sync;
	struct stash *stash;
	bool owns_stash;
	uint64_t seed;
	struct takeover *takeover; /* fuse_takeover.c, between its two steps */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* refs, active, dying or the list */
	struct fuse_session *sessions, **tail;	    /* in the order of mounting */
	struct fuse_session *bucket[FUSE_BUCKETS]; /* by id: found for each request */
	struct fuse_session *of_ds[FUSE_BUCKETS];  /* by dataset: found for each mount */
	uint64_t next_id;
	unsigned dying; /* sessions that died and are not yet freed */
	int epoll_fd, stop_fd;
	unsigned idle; /* workers in epoll; atomic */
	unsigned nthreads;
	pthread_t *thread;
};

/* --- who waits for requests (fuse_watch.c) ----------------------------------------------------- */

#define FUSE_WATCH_EVENTS (EPOLLIN | EPOLLONESHOT)

/* Wait for a session that has a request; it is the caller's then, once he took it.  -errno. */
int fuse_watch_event(struct fuse_server *fs, uint64_t *id);
void fuse_watch_take(struct fuse_session *s);
bool fuse_watch_is_mine(void);
bool fuse_watch_linger(void); /* a little, for its next request; false: none came, it is given back */
void fuse_watch_give(void);   /* the caller is about to wait, or done; none taken: nothing */

/* Who serves one request at a time: what it needs. */
struct fuse_worker {
	struct fuse_server *fs;
	struct stash_slot *slot; /* requests are read into it */
	char *out;
	struct dmu_made made;
};
/* Serve the request in the worker's slot; its phase is free afterwards. */
void fuse_serve_slot(struct fuse_worker *w, struct fuse_session *s);
/* The kernel takes an answer whole or not at all; an error means that it is no longer wanted. */
void fuse_send_answer(int fd, uint64_t unique, int rc, const void *body, size_t len);
/* Before the answer, so that the caller sees the change already. */
void fuse_drop_attributes(const struct fuse_session *s, uint64_t node);


/* --- calls (fuse_ops.c) ----------------------------------------------------------------------- */

/* One request being served, with its answer. */
struct fuse_call {
	struct fuse_session *s;
	struct fuse_req req;
	struct fuse_worker *w; /* NULL: done again */
	char *out; /* FUSE_DATA_MAX bytes, the answer's body */
	size_t out_len;
	uint64_t destroy; /* an object whose last name this request took */
	uint64_t now[2], seed, dirtyings, reserved; /* of its record */
	bool no_reply;	/* FORGET, or somebody else answers */
	uint64_t stale_node; /* the kernel does not expect what this changed in the attributes of it */
	bool must_wait; /* the pool is suspended: to be done when it goes on */
	int look_rc;	/* of a change: what went wrong when its blocks were touched */
	bool must_sync; /* the answer waits until what was done is on disk: */
	uint64_t txg;	/* this txg; 0: a commit of the intent log for */
	uint64_t commit_obj;
	int rc;
	bool crowded; /* so much is dirty that a sync should come first */
};

/* Tell the kernel something of itself; a code of the protocol's notifications. */
void fuse_notify(const struct fuse_session *s, int code, const void *body, size_t len);

/*
 * Serve a request and leave its answer in c, its result in c->rc; the two steps of dmu_run.  What only
 * looks is done in the first one; of what changes something, the first one touches what it will need.
 */
int fuse_look(void *call);
int fuse_act(void *call);
int fuse_act_again(struct fuse_call *c); /* of a record; the result in c->rc */
/* It failed with rc because devices are gone: run it again when they are back.  Without the lock. */
bool fuse_read_must_wait(struct fuse_call *c, int rc);
bool fuse_changes(const struct fuse_call *c);
bool fuse_is_virtual(const struct fuse_call *c);
/* The kernel hung up: destroy what it still held open, let go of datasets.  With the pool's lock. */
void fuse_drop_nodes(struct fuse_session *s);

/* Has the caller this capability (CAP_*)?  For what the kernel does not check; reads /proc. */
bool fuse_caller_can(const struct fuse_call *c, unsigned capability);
/* The object of the request's node. */
int fuse_this_node(struct fuse_call *c, struct zpl **z, uint64_t *obj);
/* Room for a fixed structure in the answer, zeroed. */
void *fuse_answer(struct fuse_call *c, size_t size);
void fuse_fill_entry(struct fuse_call *c, uint64_t node, const struct zpl_attr *a,
    struct fuse_entry_out *eo);
uint64_t fuse_node_ino(const struct fuse_session *s, uint64_t node);

/* Ids of the mount; in: -EOVERFLOW. */
uint32_t fuse_id_out(const struct fuse_idmap *m, uint32_t disk);
int fuse_id_in(const struct fuse_idmap *m, uint32_t id, uint32_t *disk);

/* The filesystem and object of a node id.  -ESTALE. */
int fuse_resolve(struct fuse_session *s, uint64_t node, struct zpl **z, uint64_t *obj);
uint64_t fuse_node_id(const struct fuse_session *s, uint64_t parent_node, uint64_t obj);
void fuse_fill_attr(const struct fuse_session *s, uint64_t node, const struct zpl_attr *a,
    struct fuse_attr *out);

/* READDIR and READDIRPLUS write into this. */
struct dir_out {
	struct fuse_call *c;
	size_t size; /* asked for */
	bool plus;
	uint64_t dir_node;
};
/* Append an entry; entry NULL: a plain one (in a plus listing: without attributes).  False: full. */
bool dir_out_add(struct dir_out *d, const char *name, uint64_t ino, unsigned dtype, uint64_t next,
    const struct fuse_entry_out *entry);

/* --- contents, listings, extended attributes (fuse_data.c) ------------------------------------ */

int fuse_do_readlink(struct fuse_call *c);
int fuse_do_read(struct fuse_call *c);
int fuse_after_read(struct fuse_call *c);
int fuse_prepare_write(struct fuse_call *c);
int fuse_do_write(struct fuse_call *c);
int fuse_do_ioctl(struct fuse_call *c); /* fuse_ioctl.c */
int fuse_do_fallocate(struct fuse_call *c);
int fuse_do_lseek(struct fuse_call *c);
int fuse_do_copy_file_range(struct fuse_call *c);
int fuse_do_fsync(struct fuse_call *c);
int fuse_do_syncfs(struct fuse_call *c);
/* The answer waits until all that was done to the request's node, and to names, is on disk. */
void fuse_must_commit(struct fuse_call *c);
int fuse_do_readdir(struct fuse_call *c);
int fuse_do_readdirplus(struct fuse_call *c);
int fuse_do_getxattr(struct fuse_call *c);
int fuse_do_listxattr(struct fuse_call *c);
int fuse_do_setxattr(struct fuse_call *c);
int fuse_prepare_xattr(struct fuse_call *c);
int fuse_do_removexattr(struct fuse_call *c);

/* --- .zfs (fuse_snapdir.c) -------------------------------------------------------------------- */

bool snapdir_is_virtual(uint64_t node);
int snapdir_lookup(struct fuse_call *c, uint64_t node, const char *name, uint64_t *id,
    struct fuse_attr *attr);
int snapdir_getattr(struct fuse_session *s, uint64_t node, struct fuse_attr *attr);
int snapdir_readdir(struct fuse_session *s, uint64_t node, uint64_t cookie, struct dir_out *d);
int snapdir_mkdir(struct fuse_call *c, const char *name); /* takes a snapshot */
int snapdir_rmdir(struct fuse_call *c, const char *name); /* destroys one */
/* A node of this slot was looked up for the first time, or forgotten. */
void snapdir_count(struct fuse_session *s, uint64_t node, int delta);
/* The slots as the last server had them. */
int snapdir_adopt(struct fuse_session *s);
/* Let go of a snapshot (NULL: all). */
void snapdir_release(struct fuse_session *s, const char *snapshot);

/* --- what a successor needs (fuse_log.c) ------------------------------------------------------ */

/* Room in the log for what the request may change.  -EIO: the pool is suspended. */
int fuse_log_reserve(struct fuse_call *c);
void fuse_log_unreserve(struct fuse_call *c);
/* Around a change, with the pool's lock.  The record is appended if anything was changed. */
void fuse_record_begin(struct fuse_call *c);
void fuse_record_end(struct fuse_call *c, enum stash_kind kind, uint64_t obj);
/* How many lookups the request counts or takes back; do that, from the index-th on. */
size_t fuse_counts(const struct fuse_call *c);
void fuse_count_act(struct fuse_call *c, size_t from);
/* The answer is final: a successor sends it, and serves nothing. */
void fuse_answered(struct fuse_call *c);
/* An object without names and lookups; the lock is given up between pieces of a huge one. */
void fuse_destroy(struct fuse_session *s, uint64_t obj);
void fuse_destroy_after(struct fuse_call *c);

/* --- posix_acl.c ------------------------------------------------------------------------------ */

#define POSIX_ACL_ACCESS "system.posix_acl_access"
#define POSIX_ACL_DEFAULT "system.posix_acl_default"
#define POSIX_ACL_MAX (64u << 10)

/* Is this a well-formed list?  *mode: its permission bits; *is_minimal: it says no more than those. */
int posix_acl_check(const void *acl, size_t len, uint32_t *mode, bool *is_minimal);
/* What a chmod does to an access list, in place. */
int posix_acl_chmod(void *acl, size_t len, uint32_t mode);
/* A child's access list from its directory's default one (copied to acl), and its mode. */
int posix_acl_inherit(void *acl, size_t len, uint32_t *mode);
/* Replace each user and group id. */
int posix_acl_map_ids(void *acl, size_t len, const struct fuse_idmap *m, bool in);

#endif
