/* SPDX-License-Identifier: MIT */
/*
 * FUSE requests served: one function per opcode, called with the pool's lock held.
 *
 * A function that only looks may be unwound and begin again (dmu_run): it changes nothing, not even a
 * lookup count, before its last read.
 *
 * A handler fills c->out with the answer's body and returns 0, or returns -errno.  Node ids are
 * resolved to a filesystem (the mounted one or a snapshot's) and an object number; attributes go out
 * through the mount's id shift.
 *
 * Lookups: each answer that carries a node id counts one lookup, which the kernel gives back with
 * FORGET.  When an object has no names any more and no lookups, it is destroyed.  OPEN is answered
 * with ENOSYS where the kernel lets us, so opens and closes never reach the server: an open file holds
 * its node, the count covers it.
 *
 * Umask is applied here (DONT_MASK), because a directory's default ACL replaces it.  With
 * HANDLE_KILLPRIV_V2 we clear set-id bits and file capabilities where the kernel says so.
 */
#include "fuse_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CACHE_SECONDS 3600 /* only the kernel's own requests change anything: it sees them all */
#define ID_NOBODY 65534u

/* --- ids and nodes ---------------------------------------------------------------------------- */

uint32_t
fuse_id_out(const struct fuse_idmap *m, uint32_t disk)
{
	if (m->len == 0)
		return (disk);
	return (disk < m->len ? m->base + disk : ID_NOBODY);
}

int
fuse_id_in(const struct fuse_idmap *m, uint32_t id, uint32_t *disk)
{
	if (m->len != 0 && (id < m->base || id - m->base >= m->len))
		return (-EOVERFLOW);
	*disk = m->len != 0 ? id - m->base : id;
	return (0);
}

int
fuse_resolve(struct fuse_session *s, uint64_t node, struct zpl **z, uint64_t *obj)
{
	uint64_t slot = node >> NODE_SLOT_SHIFT;

	if (snapdir_is_virtual(node))
		return (-EPERM);
	if (slot > s->nslots || (slot != 0 && s->slot[slot - 1].z == NULL))
		return (-ESTALE);
	*z = slot != 0 ? s->slot[slot - 1].z : s->z;
	*obj = node == FUSE_ROOT_ID ? zpl_root(s->z) : node & NODE_OBJ_MASK;
	return (0);
}

uint64_t
fuse_node_id(const struct fuse_session *s, uint64_t parent_node, uint64_t obj)
{
	uint64_t slot = parent_node >> NODE_SLOT_SHIFT;

	if (slot == 0)
		return (obj == zpl_root(s->z) ? FUSE_ROOT_ID : obj);
	return (slot << NODE_SLOT_SHIFT | obj);
}

uint64_t
fuse_node_ino(const struct fuse_session *s, uint64_t node)
{
	return (node == FUSE_ROOT_ID ? zpl_root(s->z) : node);
}

void
fuse_fill_attr(const struct fuse_session *s, uint64_t node, const struct zpl_attr *a,
    struct fuse_attr *out)
{
	*out = (struct fuse_attr){
		.ino = fuse_node_ino(s, node), .size = a->size, .blocks = a->blocks512,
		.atime = (uint64_t)a->atime[0], .mtime = (uint64_t)a->mtime[0],
		.ctime = (uint64_t)a->ctime[0], .atimensec = (uint32_t)a->atime[1],
		.mtimensec = (uint32_t)a->mtime[1], .ctimensec = (uint32_t)a->ctime[1],
		.mode = a->mode, .nlink = a->links > UINT32_MAX ? UINT32_MAX : (uint32_t)a->links,
		.uid = fuse_id_out(&s->opts.idmap, a->uid), .gid = fuse_id_out(&s->opts.idmap, a->gid),
		.rdev = (uint32_t)a->rdev, .blksize = a->block_size,
	};
}

/* The effective set of a process, as /proc tells; 0 when it is gone. */
static uint64_t
capabilities_of(uint32_t pid)
{
	char path[32], text[4096], *line;
	uint64_t set = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (0);
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	if ((line = strstr(text, "\nCapEff:")) != NULL)
		set = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	return (set);
}

/* Where mounts may be idmapped the kernel does not say whose request this is, but which process's. */
bool
fuse_caller_can(const struct fuse_call *c, unsigned capability)
{
	const struct fuse_idmap *m = &c->s->opts.idmap;
	uint32_t uid = c->req.in->uid;

	if (uid == UINT32_MAX)
		return ((capabilities_of(c->req.in->pid) >> capability & 1) != 0);
	return (uid == 0 || (m->len != 0 && uid == m->base));
}

/* Room for a fixed structure in the answer. */
void *
fuse_answer(struct fuse_call *c, size_t size)
{
	c->out_len = size;
	return (memset(c->out, 0, size));
}

void
fuse_fill_entry(struct fuse_call *c, uint64_t node, const struct zpl_attr *a, struct fuse_entry_out *eo)
{
	memset(eo, 0, sizeof(*eo));
	eo->nodeid = node;
	eo->generation = a->gen;
	eo->attr_valid = CACHE_SECONDS;
	/* Where "A" and "a" are one name the kernel would keep stale ones of them: it asks each time. */
	eo->entry_valid = zpl_folds_case(c->s->z) ? 0 : CACHE_SECONDS;
	fuse_fill_attr(c->s, node, a, &eo->attr);
}

/* The answer that names a node: a lookup of it, which fuse_act counts. */
static int
answer_entry(struct fuse_call *c, struct zpl *z, uint64_t parent_node, uint64_t obj)
{
	uint64_t node = fuse_node_id(c->s, parent_node, obj);
	struct zpl_attr a;
	int rc;

	if ((rc = zpl_getattr(z, obj, &a)) != 0)
		return (rc);
	fuse_fill_entry(c, node, &a, fuse_answer(c, sizeof(struct fuse_entry_out)));
	return (0);
}

static int
answer_attr(struct fuse_call *c, struct zpl *z, uint64_t obj)
{
	struct fuse_attr_out *ao;
	struct zpl_attr a;
	int rc = zpl_getattr(z, obj, &a);

	if (rc != 0)
		return (rc);
	ao = fuse_answer(c, sizeof(*ao));
	ao->attr_valid = CACHE_SECONDS;
	fuse_fill_attr(c->s, c->req.in->nodeid, &a, &ao->attr);
	return (0);
}

int
fuse_this_node(struct fuse_call *c, struct zpl **z, uint64_t *obj)
{
	return (fuse_resolve(c->s, c->req.in->nodeid, z, obj));
}

/* The object was left without names: destroy it after this request, or when the kernel forgets it. */
static void
node_unlinked(struct fuse_call *c, uint64_t obj)
{
	struct node *n = node_find(&c->s->nodes, obj);

	if (n != NULL)
		n->unlinked = true;
	else
		c->destroy = obj;
}

/* --- lookup, forget --------------------------------------------------------------------------- */

static bool
is_zfs_name(const struct fuse_call *c, const char *name)
{
	return (c->req.in->nodeid == FUSE_ROOT_ID && !c->s->is_snapshot && strcmp(name, ".zfs") == 0);
}

static int
lookup_virtual(struct fuse_call *c)
{
	struct fuse_entry_out eo = {.entry_valid = 1, .attr_valid = 1};
	int rc = snapdir_lookup(c, c->req.in->nodeid, c->req.name, &eo.nodeid, &eo.attr);

	if (rc != 0)
		return (rc);
	memcpy(fuse_answer(c, sizeof(eo)), &eo, sizeof(eo));
	return (0);
}

static int
do_lookup(struct fuse_call *c)
{
	struct fuse_entry_out *eo;
	struct zpl *z;
	uint64_t dir, obj;
	int rc;

	if (snapdir_is_virtual(c->req.in->nodeid) || is_zfs_name(c, c->req.name))
		return (lookup_virtual(c));
	if ((rc = fuse_this_node(c, &z, &dir)) != 0)
		return (rc);
	rc = zpl_lookup(z, dir, c->req.name, &obj);
	if (rc == 0)
		return (answer_entry(c, z, c->req.in->nodeid, obj));
	if (rc != -ENOENT || zpl_folds_case(z))
		return (rc);
	eo = fuse_answer(c, sizeof(*eo)); /* node id 0: the kernel may remember that there is none */
	eo->entry_valid = CACHE_SECONDS;
	return (0);
}

/* What it says is done by fuse_count_act. */
static int
do_forget(struct fuse_call *c)
{
	c->no_reply = true;
	return (0);
}

void
fuse_drop_nodes(struct fuse_session *s)
{
	for (size_t i = 0; i < s->nodes.cap; i++) {
		if (s->nodes.v[i].id != 0 && s->nodes.v[i].unlinked)
			fuse_destroy(s, s->nodes.v[i].id);
	}
	snapdir_release(s, NULL);
	node_table_free(&s->nodes);
}

/* --- attributes ------------------------------------------------------------------------------- */

static int
do_getattr(struct fuse_call *c)
{
	struct fuse_attr_out *ao;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if (snapdir_is_virtual(c->req.in->nodeid)) {
		ao = fuse_answer(c, sizeof(*ao));
		return (snapdir_getattr(c->s, c->req.in->nodeid, &ao->attr));
	}
	rc = fuse_this_node(c, &z, &obj);
	return (rc != 0 ? rc : answer_attr(c, z, obj));
}

static struct fuse_sx_time_
sx_time(const int64_t t[2])
{
	return ((struct fuse_sx_time_){t[0], (uint32_t)t[1], 0});
}

/* GETATTR with the time of birth; virtual directories have none, the kernel falls back. */
static int
do_statx(struct fuse_call *c)
{
	struct fuse_statx_out_ *so;
	struct fuse_attr fa;
	struct zpl_attr a;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if (snapdir_is_virtual(c->req.in->nodeid)) {
		memset(&a, 0, sizeof(a));
		rc = snapdir_getattr(c->s, c->req.in->nodeid, &fa);
	} else if ((rc = fuse_this_node(c, &z, &obj)) == 0 && (rc = zpl_getattr(z, obj, &a)) == 0) {
		fuse_fill_attr(c->s, c->req.in->nodeid, &a, &fa);
	}
	if (rc != 0)
		return (rc);
	so = fuse_answer(c, sizeof(*so));
	so->mask = STATX_BASIC_STATS | (a.obj != 0 ? STATX_BTIME : 0);
	so->attr_valid = a.obj != 0 ? CACHE_SECONDS : 0;
	so->blksize = fa.blksize;
	so->nlink = fa.nlink;
	so->uid = fa.uid;
	so->gid = fa.gid;
	so->mode = (uint16_t)fa.mode;
	so->ino = fa.ino;
	so->size = fa.size;
	so->blocks = fa.blocks;
	so->rdev_major = major(a.rdev);
	so->rdev_minor = minor(a.rdev);
	so->atime = sx_time((int64_t[2]){(int64_t)fa.atime, fa.atimensec});
	so->mtime = sx_time((int64_t[2]){(int64_t)fa.mtime, fa.mtimensec});
	so->ctime = sx_time((int64_t[2]){(int64_t)fa.ctime, fa.ctimensec});
	so->btime = sx_time(a.crtime);
	return (0);
}

static unsigned
setattr_times(struct fuse_session *s, const struct fuse_setattr_in *in, struct zpl_attr *a)
{
	unsigned mask = 0;
	uint64_t now[2];

	zpl_time(s->z, now);

	if (in->valid & FATTR_ATIME) {
		mask |= ZA_ATIME;
		a->atime[0] = (int64_t)(in->valid & FATTR_ATIME_NOW ? now[0] : in->atime);
		a->atime[1] = (int64_t)(in->valid & FATTR_ATIME_NOW ? now[1] : in->atimensec);
	}
	if (in->valid & FATTR_MTIME) {
		mask |= ZA_MTIME;
		a->mtime[0] = (int64_t)(in->valid & FATTR_MTIME_NOW ? now[0] : in->mtime);
		a->mtime[1] = (int64_t)(in->valid & FATTR_MTIME_NOW ? now[1] : in->mtimensec);
	}
	if (in->valid & FATTR_CTIME) {
		mask |= ZA_CTIME;
		a->ctime[0] = (int64_t)in->ctime;
		a->ctime[1] = in->ctimensec;
	}
	return (mask);
}

static int
setattr_owner(struct fuse_session *s, const struct fuse_setattr_in *in, struct zpl_attr *a,
    unsigned *mask)
{
	int rc;

	if (in->valid & FATTR_UID) {
		if ((rc = fuse_id_in(&s->opts.idmap, in->uid, &a->uid)) != 0)
			return (rc);
		*mask |= ZA_UID;
	}
	if (in->valid & FATTR_GID) {
		if ((rc = fuse_id_in(&s->opts.idmap, in->gid, &a->gid)) != 0)
			return (rc);
		*mask |= ZA_GID;
	}
	return (0);
}

/* A chmod changes the access list's entries that stand for the mode. */
static int
acl_follow_mode(struct zpl *z, uint64_t obj, uint32_t mode, char *scratch)
{
	int rc = zpl_xattr_get(z, obj, POSIX_ACL_ACCESS, scratch, POSIX_ACL_MAX), len = rc;

	if (rc == -ENODATA)
		return (0);
	if (rc < 0 || (rc = posix_acl_chmod(scratch, (size_t)len, mode)) != 0)
		return (rc);
	return (zpl_xattr_set(z, obj, POSIX_ACL_ACCESS, scratch, (size_t)len, 0));
}

static int
do_setattr(struct fuse_call *c)
{
	const struct fuse_setattr_in *in = c->req.arg;
	struct zpl_attr a = {.mode = in->mode, .size = in->size};
	unsigned mask = setattr_times(c->s, in, &a);
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = fuse_this_node(c, &z, &obj)) != 0 || (rc = setattr_owner(c->s, in, &a, &mask)) != 0)
		return (rc);
	if (in->valid & FATTR_MODE)
		mask |= ZA_MODE;
	if (in->valid & FATTR_SIZE)
		mask |= ZA_SIZE;
	if ((in->valid & (FATTR_UID | FATTR_GID | FATTR_SIZE)) && !(in->valid & FATTR_MODE) &&
	    !zpl_is_readonly(z)) {
		bool drop_setid = (in->valid & (FATTR_UID | FATTR_GID | FATTR_KILL_SUIDGID)) != 0;
		bool changed;

		if ((rc = zpl_drop_privs(z, obj, drop_setid, &changed)) != 0)
			return (rc);
	}
	if (mask != 0 && (rc = zpl_setattr(z, obj, mask, &a)) != 0)
		return (rc);
	if ((mask & ZA_MODE) && c->s->opts.posix_acl &&
	    (rc = acl_follow_mode(z, obj, in->mode, c->out)) != 0)
		return (rc);
	return (answer_attr(c, z, obj));
}

static int
do_statfs(struct fuse_call *c)
{
	struct fuse_statfs_out *so = fuse_answer(c, sizeof(*so));
	uint64_t refd, avail, objs;

	dsl_space(c->s->ds, &refd, &avail, &objs);
	so->st.frsize = 512;
	so->st.bsize = 128 << 10;
	so->st.blocks = (refd + avail) / 512;
	so->st.bfree = so->st.bavail = avail / 512;
	so->st.ffree = avail / 512; /* an object takes at least its 512 bytes */
	so->st.files = so->st.ffree + objs;
	so->st.namelen = 255;
	return (0);
}

/* --- making ----------------------------------------------------------------------------------- */

/* Mode and owner of a new object in dir: umask or default ACL, and the directory's set-group-id. */
struct making {
	struct zpl *z;
	uint64_t dir;
	struct zpl_new n;
	char *acl; /* what it inherits, in the scratch half of the answer buffer */
	size_t acl_len, default_len;
};

static int
inherit_acl(struct fuse_call *c, struct making *m, uint32_t umask)
{
	char *acl = c->out + FUSE_DATA_MAX / 2;
	int len = -ENODATA;

	if (c->s->opts.posix_acl && !S_ISLNK(m->n.mode))
		len = zpl_xattr_get(m->z, m->dir, POSIX_ACL_DEFAULT, acl, POSIX_ACL_MAX);
	if (len == -ENODATA) {
		m->n.mode &= ~(umask & 0777);
		return (0);
	}
	if (len < 0)
		return (len);
	m->acl = acl;
	m->acl_len = (size_t)len;
	if (S_ISDIR(m->n.mode)) {
		m->default_len = (size_t)len;
		memcpy(acl + POSIX_ACL_MAX, acl, (size_t)len);
	}
	return (posix_acl_inherit(acl, (size_t)len, &m->n.mode));
}

static int
making_begin(struct fuse_call *c, uint32_t mode, uint32_t umask, struct making *m)
{
	struct zpl_attr dir;
	int rc;

	*m = (struct making){.n = {.mode = mode}};
	if ((rc = fuse_this_node(c, &m->z, &m->dir)) != 0 ||
	    (rc = fuse_id_in(&c->s->opts.idmap, c->req.in->uid, &m->n.uid)) != 0 ||
	    (rc = fuse_id_in(&c->s->opts.idmap, c->req.in->gid, &m->n.gid)) != 0 ||
	    (rc = zpl_getattr(m->z, m->dir, &dir)) != 0)
		return (rc);
	if (dir.mode & S_ISGID) {
		m->n.gid = dir.gid;
		if (S_ISDIR(mode))
			m->n.mode |= S_ISGID;
	}
	return (inherit_acl(c, m, umask));
}

static int
making_acls(struct making *m, uint64_t obj)
{
	uint32_t mode;
	bool is_minimal;
	int rc;

	if (m->acl == NULL)
		return (0);
	if ((rc = posix_acl_check(m->acl, m->acl_len, &mode, &is_minimal)) != 0 ||
	    (!is_minimal &&
	    (rc = zpl_xattr_set(m->z, obj, POSIX_ACL_ACCESS, m->acl, m->acl_len, 0)) != 0))
		return (rc);
	if (m->default_len == 0)
		return (0);
	return (zpl_xattr_set(m->z, obj, POSIX_ACL_DEFAULT, m->acl + POSIX_ACL_MAX, m->default_len, 0));
}

static int
making_end(struct fuse_call *c, struct making *m, const char *name)
{
	uint64_t obj;
	int rc;

	if (is_zfs_name(c, name))
		return (-EEXIST);
	if ((rc = zpl_create(m->z, m->dir, name, &m->n, &obj)) != 0 ||
	    (rc = making_acls(m, obj)) != 0)
		return (rc);
	return (answer_entry(c, m->z, c->req.in->nodeid, obj));
}

static int
do_mknod(struct fuse_call *c)
{
	const struct fuse_mknod_in *in = c->req.arg;
	struct making m;
	int rc = making_begin(c, in->mode, in->umask, &m);

	if (rc != 0)
		return (rc);
	m.n.rdev = in->rdev; /* new_encode_dev(): the low half of makedev()'s form */
	return (making_end(c, &m, c->req.name));
}

static int
do_mkdir(struct fuse_call *c)
{
	const struct fuse_mkdir_in *in = c->req.arg;
	struct making m;
	int rc;

	if (c->req.in->nodeid == NODE_SNAPSHOTS) {
		rc = snapdir_mkdir(c, c->req.name);
		return (rc != 0 ? rc : lookup_virtual(c));
	}
	rc = making_begin(c, S_IFDIR | (in->mode & 07777), in->umask, &m);
	return (rc != 0 ? rc : making_end(c, &m, c->req.name));
}

static int
do_symlink(struct fuse_call *c)
{
	struct making m;
	int rc = making_begin(c, S_IFLNK | 0777, 0, &m);

	if (rc != 0)
		return (rc);
	m.n.target = c->req.name2;
	return (making_end(c, &m, c->req.name));
}

static void
append_open(struct fuse_call *c)
{
	struct fuse_open_out oo = {.open_flags = FOPEN_KEEP_CACHE};

	memcpy(c->out + c->out_len, &oo, sizeof(oo));
	c->out_len += sizeof(oo);
}

/* Where opens need no request, neither does a close: if the file is made by MKNOD and not by this. */
static int
do_create(struct fuse_call *c)
{
	const struct fuse_create_in *in = c->req.arg;
	struct making m;
	int rc = c->s->keep->no_open ? -ENOSYS :
	    making_begin(c, S_IFREG | (in->mode & 07777), in->umask, &m);

	if (rc == 0 && (rc = making_end(c, &m, c->req.name)) == 0)
		append_open(c);
	return (rc);
}

static int
do_tmpfile(struct fuse_call *c)
{
	const struct fuse_create_in *in = c->req.arg;
	struct making m;
	uint64_t obj;
	int rc = making_begin(c, S_IFREG | (in->mode & 07777), in->umask, &m);

	if (rc != 0 || (rc = zpl_tmpfile(m.z, &m.n, &obj)) != 0 || (rc = making_acls(&m, obj)) != 0 ||
	    (rc = answer_entry(c, m.z, c->req.in->nodeid, obj)) != 0)
		return (rc);
	append_open(c);
	return (0);
}

static int
do_link(struct fuse_call *c)
{
	const struct fuse_link_in *in = c->req.arg;
	struct zpl *z, *old_z;
	struct node *n;
	uint64_t dir, obj;
	int rc;

	if ((rc = fuse_this_node(c, &z, &dir)) != 0 ||
	    (rc = fuse_resolve(c->s, in->oldnodeid, &old_z, &obj)) != 0)
		return (rc);
	if (z != old_z)
		return (-EXDEV);
	if (is_zfs_name(c, c->req.name))
		return (-EEXIST);
	if ((rc = zpl_link(z, obj, dir, c->req.name)) != 0)
		return (rc);
	if ((n = node_find(&c->s->nodes, obj)) != NULL)
		n->unlinked = false; /* it was an O_TMPFILE */
	return (answer_entry(c, z, c->req.in->nodeid, obj));
}

/* --- removing, renaming ----------------------------------------------------------------------- */

static int
do_unlink(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t dir, obj;
	bool is_last;
	int rc;

	if ((rc = fuse_this_node(c, &z, &dir)) != 0 ||
	    (rc = zpl_unlink(z, dir, c->req.name, &obj, &is_last)) != 0)
		return (rc);
	if (is_last)
		node_unlinked(c, obj);
	return (0);
}

static int
do_rmdir(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t dir, obj;
	int rc;

	if (c->req.in->nodeid == NODE_SNAPSHOTS)
		return (snapdir_rmdir(c, c->req.name));
	if ((rc = fuse_this_node(c, &z, &dir)) != 0 ||
	    (rc = zpl_rmdir(z, dir, c->req.name, &obj)) != 0)
		return (rc);
	node_unlinked(c, obj);
	return (0);
}

static int
rename_node(struct fuse_call *c, uint64_t new_node, unsigned flags)
{
	struct zpl *z, *new_z;
	uint64_t dir, new_dir, replaced;
	bool is_last;
	int rc;

	if ((rc = fuse_this_node(c, &z, &dir)) != 0 ||
	    (rc = fuse_resolve(c->s, new_node, &new_z, &new_dir)) != 0)
		return (rc);
	if (z != new_z)
		return (-EXDEV);
	if (new_node == FUSE_ROOT_ID && !c->s->is_snapshot && strcmp(c->req.name2, ".zfs") == 0)
		return (-EEXIST);
	rc = zpl_rename(z, dir, c->req.name, new_dir, c->req.name2, flags, &replaced, &is_last);
	if (rc == 0 && is_last)
		node_unlinked(c, replaced);
	return (rc);
}

static int
do_rename(struct fuse_call *c)
{
	const struct fuse_rename_in *in = c->req.arg;

	return (rename_node(c, in->newdir, 0));
}

static int
do_rename2(struct fuse_call *c)
{
	const struct fuse_rename2_in *in = c->req.arg;

	return (rename_node(c, in->newdir, in->flags));
}

/* --- open, close ------------------------------------------------------------------------------ */

static int
do_open(struct fuse_call *c)
{
	struct fuse_open_out *oo;

	if (c->s->keep->no_open)
		return (-ENOSYS);
	oo = fuse_answer(c, sizeof(*oo));
	oo->open_flags = FOPEN_KEEP_CACHE;
	return (0);
}

static int
do_opendir(struct fuse_call *c)
{
	if (c->s->keep->no_opendir)
		return (-ENOSYS);
	(void)fuse_answer(c, sizeof(struct fuse_open_out));
	return (0);
}

static int
do_nothing(struct fuse_call *c)
{
	(void)c;
	return (0);
}

/* --- what a change will need, touched before it ------------------------------------------------ */

static void
touch_name(struct zpl *z, uint64_t dir, const char *name)
{
	struct zpl_attr a;
	uint64_t obj;

	if (zpl_getattr(z, dir, &a) == 0 && zpl_lookup(z, dir, name, &obj) == 0)
		(void)zpl_getattr(z, obj, &a);
}

static int
prepare_name(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t dir;

	if (fuse_this_node(c, &z, &dir) == 0)
		touch_name(z, dir, c->req.name);
	return (0);
}

static int
prepare_rename(struct fuse_call *c)
{
	uint64_t new_node = c->req.in->opcode == FUSE_RENAME ?
	    ((const struct fuse_rename_in *)c->req.arg)->newdir :
	    ((const struct fuse_rename2_in *)c->req.arg)->newdir, dir;
	struct zpl *z;

	(void)prepare_name(c);
	if (fuse_resolve(c->s, new_node, &z, &dir) == 0)
		touch_name(z, dir, c->req.name2);
	return (0);
}

static int
prepare_node(struct fuse_call *c)
{
	struct zpl_attr a;
	struct zpl *z;
	uint64_t obj;

	if (fuse_this_node(c, &z, &obj) == 0)
		(void)zpl_getattr(z, obj, &a);
	return (0);
}

/* --- dispatch --------------------------------------------------------------------------------- */

struct handler {
	int (*look)(struct fuse_call *c); /* may be unwound and begin again */
	int (*act)(struct fuse_call *c);
	bool changes; /* with sync=always the answer waits for the disk */
};

static const struct handler handlers[] = {
	[FUSE_LOOKUP] = {do_lookup, NULL, false},
	[FUSE_FORGET] = {NULL, do_forget, false},
	[FUSE_BATCH_FORGET] = {NULL, do_forget, false},
	[FUSE_GETATTR] = {do_getattr, NULL, false},
	[FUSE_STATX_OP] = {do_statx, NULL, false},
	[FUSE_SETATTR] = {prepare_node, do_setattr, true},
	[FUSE_READLINK] = {fuse_do_readlink, NULL, false},
	[FUSE_SYMLINK] = {prepare_name, do_symlink, true},
	[FUSE_MKNOD] = {prepare_name, do_mknod, true},
	[FUSE_MKDIR] = {prepare_name, do_mkdir, true},
	[FUSE_UNLINK] = {prepare_name, do_unlink, true},
	[FUSE_RMDIR] = {prepare_name, do_rmdir, true},
	[FUSE_RENAME] = {prepare_rename, do_rename, true},
	[FUSE_RENAME2] = {prepare_rename, do_rename2, true},
	[FUSE_LINK] = {prepare_name, do_link, true},
	[FUSE_OPEN] = {NULL, do_open, false},
	[FUSE_READ] = {fuse_do_read, fuse_after_read, false},
	[FUSE_WRITE] = {fuse_prepare_write, fuse_do_write, true},
	[FUSE_STATFS] = {NULL, do_statfs, false},
	[FUSE_RELEASE] = {NULL, do_nothing, false},
	[FUSE_FSYNC] = {NULL, fuse_do_fsync, false},
	[FUSE_SETXATTR] = {fuse_prepare_xattr, fuse_do_setxattr, true},
	[FUSE_GETXATTR] = {fuse_do_getxattr, NULL, false},
	[FUSE_LISTXATTR] = {fuse_do_listxattr, NULL, false},
	[FUSE_REMOVEXATTR] = {fuse_prepare_xattr, fuse_do_removexattr, true},
	[FUSE_OPENDIR] = {NULL, do_opendir, false},
	[FUSE_READDIR] = {fuse_do_readdir, NULL, false},
	[FUSE_READDIRPLUS] = {fuse_do_readdirplus, NULL, false},
	[FUSE_RELEASEDIR] = {NULL, do_nothing, false},
	[FUSE_FSYNCDIR] = {NULL, fuse_do_fsync, false},
	[FUSE_SYNCFS] = {NULL, fuse_do_syncfs, false},
	[FUSE_CREATE] = {prepare_name, do_create, true},
	[FUSE_TMPFILE] = {prepare_node, do_tmpfile, true},
	[FUSE_FALLOCATE] = {prepare_node, fuse_do_fallocate, true},
	[FUSE_IOCTL] = {prepare_node, fuse_do_ioctl, true},
	[FUSE_LSEEK] = {fuse_do_lseek, NULL, false},
	[FUSE_COPY_FILE_RANGE] = {NULL, fuse_do_copy_file_range, true},
};

/* Checksum errors are the disk's fault, and the caller knows that as EIO. */
static int
user_errno(int rc)
{
	return (rc == -EILSEQ ? -EIO : rc);
}

static const struct handler *
handler_of(const struct fuse_call *c)
{
	unsigned op = c->req.in->opcode;
	const struct handler *h = op < sizeof(handlers) / sizeof(handlers[0]) ? &handlers[op] : NULL;

	return (h != NULL && (h->look != NULL || h->act != NULL) ? h : NULL);
}

/* Of .zfs, which opens datasets and takes snapshots, nothing can begin again. */
bool
fuse_is_virtual(const struct fuse_call *c)
{
	return (snapdir_is_virtual(c->req.in->nodeid) ||
	    (c->req.in->opcode == FUSE_LOOKUP && is_zfs_name(c, c->req.name)));
}

int
fuse_look(void *call)
{
	struct fuse_call *c = call;
	const struct handler *h = handler_of(c);

	c->rc = 0;
	c->out_len = 0;
	c->must_wait = false;
	if (h == NULL)
		c->rc = -ENOSYS;
	else if (h->look != NULL && !fuse_is_virtual(c))
		c->rc = user_errno(h->look(c));
	c->look_rc = c->rc;
	if (h != NULL && h->changes)
		c->rc = 0; /* it only touched what act will need */
	return (0);
}

/* A change, and its record. */
static void
change(struct fuse_call *c, const struct handler *h)
{
	fuse_record_begin(c);
	c->rc = user_errno(h->act(c));
	fuse_record_end(c, STASH_CALL, 0);
	if (c->rc == 0 && c->s->opts.sync_always)
		fuse_must_commit(c);
}

/*
 * Invariant: from fuse_record_end, or from fuse_count_act, on the request is done, also for a successor; so
 * its answer does not change any more.
 */
int
fuse_act(void *call)
{
	struct fuse_call *c = call;
	struct spa *spa = c->s->server->spa;
	const struct handler *h = handler_of(c);

	if (h != NULL && fuse_is_virtual(c) && !h->changes && h->look != NULL)
		c->rc = user_errno(h->look(c));
	if (c->rc == 0 && (c->rc = node_table_room(&c->s->nodes, fuse_counts(c))) != 0)
		return (0);
	if (c->rc != 0)
		return (0);
	if (h->changes && (c->must_wait = spa_should_wait(spa) || spa_read_must_wait(spa, c->look_rc)))
		return (0);
	if (h->changes && spa_is_suspended(spa))
		c->rc = -EIO; /* nothing more would reach the disk, and memory is not endless */
	else if (h->changes)
		change(c, h);
	else if (h->act != NULL)
		c->rc = user_errno(h->act(c));
	if (c->rc == 0)
		fuse_count_act(c, 0);
	else if (h->changes)
		fuse_answered(c);
	fuse_destroy_after(c);
	c->crowded = spa_dirty_bytes(spa) > DMU_DIRTY_LIMIT;
	return (0);
}

int
fuse_act_again(struct fuse_call *c)
{
	const struct handler *h = handler_of(c);

	if (h == NULL || !h->changes || fuse_is_virtual(c))
		return (-EILSEQ);
	c->rc = user_errno(h->act(c));
	return (0);
}

bool
fuse_read_must_wait(struct fuse_call *c, int rc)
{
	struct spa *spa = c->s->server->spa;
	bool yes;

	if (rc == 0 || rc == -ENOENT || fuse_changes(c) || fuse_is_virtual(c))
		return (false);
	spa_enter(spa);
	yes = spa_read_must_wait(spa, rc);
	spa_exit(spa);
	return (yes);
}

bool
fuse_changes(const struct fuse_call *c)
{
	const struct handler *h = handler_of(c);

	return (h != NULL && h->changes);
}
