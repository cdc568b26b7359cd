/* SPDX-License-Identifier: MIT */
/*
 * FUSE requests on what files and directories hold: contents, listings, extended attributes.
 *
 * As fs/fuse_ops.c: one function per opcode, with the pool's lock held, the answer in c->out.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_impl.h"

#define COOKIE_ZFS INT64_MAX

/* --- contents --------------------------------------------------------------------------------- */

int
fuse_do_readlink(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = fuse_this_node(c, &z, &obj)) != 0 || (rc = zpl_readlink(z, obj, c->out, 4096)) < 0)
		return (rc);
	c->out_len = (size_t)rc;
	return (0);
}

int
fuse_do_read(struct fuse_call *c)
{
	const struct fuse_read_in *in = c->req.arg;
	size_t len = in->size < FUSE_DATA_MAX ? in->size : FUSE_DATA_MAX;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = fuse_this_node(c, &z, &obj)) != 0 || (rc = zpl_read(z, obj, in->offset, len, c->out)) < 0)
		return (rc);
	c->out_len = (size_t)rc;
	return (0);
}

int
fuse_after_read(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t obj;

	if (c->s->opts.noatime || fuse_this_node(c, &z, &obj) != 0)
		return (0);
	fuse_record_begin(c);
	(void)zpl_touch_atime(z, obj, c->s->opts.relatime);
	fuse_record_end(c, STASH_ATIME, obj);
	return (0);
}

int
fuse_prepare_write(struct fuse_call *c)
{
	const struct fuse_write_in *in = c->req.arg;
	struct zpl *z;
	uint64_t obj;

	if (fuse_this_node(c, &z, &obj) == 0)
		zpl_write_prepare(z, obj, in->offset, in->size);
	return (0);
}

/* After a write to obj, which the kernel knows as node: set-id bits (if asked) and capabilities fall. */
static int
drop_privs(struct fuse_call *c, uint64_t node, struct zpl *z, uint64_t obj, bool drop_setid)
{
	bool changed;
	int rc = zpl_drop_privs(z, obj, drop_setid, &changed);

	if (rc == 0 && changed)
		c->stale_node = node;
	return (rc);
}

/* The same where the kernel does not say whether the caller may keep set-id bits. */
static int
drop_privs_unless_able(struct fuse_call *c, uint64_t node, struct zpl *z, uint64_t obj)
{
	struct zpl_attr a;
	int rc = zpl_getattr(z, obj, &a);

	if (rc != 0)
		return (rc);
	return (drop_privs(c, node, z, obj,
	    (a.mode & (S_ISUID | S_ISGID)) != 0 && !fuse_caller_can(c, CAP_FSETID)));
}

int
fuse_do_write(struct fuse_call *c)
{
	const struct fuse_write_in *in = c->req.arg;
	bool cached = (in->write_flags & FUSE_WRITE_CACHE) != 0;
	struct fuse_write_out *wo;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if (in->size > c->req.data_len)
		return (-EINVAL);
	if ((rc = fuse_this_node(c, &z, &obj)) != 0 ||
	    (rc = zpl_write(z, obj, in->offset, in->size, c->req.data,
	    cached && c->s->opts.writeback)) != 0)
		return (rc);
	if (!cached && (rc = drop_privs(c, c->req.in->nodeid, z, obj,
	    in->write_flags & FUSE_WRITE_KILL_SUIDGID)) != 0)
		return (rc);
	/* The kernel sends an FSYNC behind what went through its cache; not so for O_DIRECT. */
	if ((in->flags & O_DIRECT) && (in->flags & O_DSYNC) && !c->s->opts.sync_disabled)
		fuse_must_commit(c);
	wo = fuse_answer(c, sizeof(*wo));
	wo->size = in->size;
	return (0);
}

int
fuse_do_fallocate(struct fuse_call *c)
{
	const struct fuse_fallocate_in *in = c->req.arg;
	struct zpl *z;
	uint64_t obj;
	int rc = fuse_this_node(c, &z, &obj);

	if (rc != 0 || (rc = zpl_fallocate(z, obj, (int)in->mode, in->offset, in->length)) != 0)
		return (rc);
	return (drop_privs_unless_able(c, c->req.in->nodeid, z, obj));
}

int
fuse_do_lseek(struct fuse_call *c)
{
	const struct fuse_lseek_in *in = c->req.arg;
	struct fuse_lseek_out *lo;
	struct zpl *z;
	uint64_t obj, off = in->offset;
	int rc;

	if (c->s->opts.writeback)
		return (-ENOSYS); /* the kernel holds data that we have not seen: all is data then */
	if (in->whence != SEEK_HOLE && in->whence != SEEK_DATA)
		return (-EINVAL);
	if ((rc = fuse_this_node(c, &z, &obj)) != 0 ||
	    (rc = zpl_seek(z, obj, in->whence == SEEK_HOLE, &off)) != 0)
		return (rc);
	lo = fuse_answer(c, sizeof(*lo));
	lo->offset = off;
	return (0);
}

/* As much as one answer buffer holds; the kernel asks again for the rest. */
int
fuse_do_copy_file_range(struct fuse_call *c)
{
	const struct fuse_copy_file_range_in *in = c->req.arg;
	size_t len = in->len < FUSE_DATA_MAX ? (size_t)in->len : FUSE_DATA_MAX;
	struct fuse_write_out *wo;
	struct zpl *z, *to_z;
	uint64_t obj, to;
	int rc, n;

	if ((rc = fuse_this_node(c, &z, &obj)) != 0 ||
	    (rc = fuse_resolve(c->s, in->nodeid_out, &to_z, &to)) != 0)
		return (rc);
	n = zpl_read(z, obj, in->off_in, len, c->out);
	if (n < 0)
		return (n);
	if (n > 0 && ((rc = zpl_write(to_z, to, in->off_out, (size_t)n, c->out, false)) != 0 ||
	    (rc = drop_privs_unless_able(c, in->nodeid_out, to_z, to)) != 0))
		return (rc);
	wo = fuse_answer(c, sizeof(*wo));
	wo->size = (uint32_t)n;
	return (0);
}

void
fuse_must_commit(struct fuse_call *c)
{
	struct spa *spa = c->s->server->spa;
	struct zpl *z;
	uint64_t obj;

	/* Snapshots seen through .zfs, and whole filesystems that are read-only, have nothing to wait for. */
	if (fuse_this_node(c, &z, &obj) != 0 || z != c->s->z || spa_is_readonly(spa))
		return;
	c->must_sync = true;
	c->txg = zpl_log(z) != NULL ? 0 : spa_open_txg(spa);
	c->commit_obj = obj;
}

int
fuse_do_fsync(struct fuse_call *c)
{
	if (spa_is_lost(c->s->server->spa))
		return (-EIO);
	if (!c->s->opts.sync_disabled)
		fuse_must_commit(c);
	return (0);
}

int
fuse_do_syncfs(struct fuse_call *c)
{
	struct spa *spa = c->s->server->spa;

	if (spa_is_lost(spa))
		return (-EIO);
	if (!c->s->opts.sync_disabled && (spa_is_dirty(spa) || spa_is_suspended(spa))) {
		c->must_sync = true;
		c->txg = spa_open_txg(spa);
	}
	return (0);
}

/* --- directories ------------------------------------------------------------------------------ */

bool
dir_out_add(struct dir_out *d, const char *name, uint64_t ino, unsigned dtype, uint64_t next,
    const struct fuse_entry_out *entry)
{
	size_t name_len = strlen(name), head = d->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t need = head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name_len);
	char *p = d->c->out + d->c->out_len;
	struct fuse_dirent de = {
	    .ino = ino, .off = next, .namelen = (uint32_t)name_len, .type = dtype};

	if (need > d->size - d->c->out_len)
		return (false);
	memset(p, 0, need);
	if (d->plus && entry != NULL)
		memcpy(p, entry, sizeof(*entry));
	memcpy(p + head, &de, FUSE_NAME_OFFSET);
	memcpy(p + head + FUSE_NAME_OFFSET, name, name_len);
	d->c->out_len += need;
	return (true);
}

struct listing {
	struct dir_out out;
	struct zpl *z;
	bool full;
};

static bool
is_dots(const char *name)
{
	return (strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

/* One whose object cannot be read is listed without. */
static bool
list_plus(struct listing *l, const char *name, uint64_t node, unsigned dtype, uint64_t next)
{
	struct fuse_call *c = l->out.c;
	struct fuse_entry_out eo;
	struct zpl_attr a;

	if (is_dots(name) || zpl_getattr(l->z, node & NODE_OBJ_MASK, &a) != 0)
		return (dir_out_add(&l->out, name, fuse_node_ino(c->s, node), dtype, next, NULL));
	fuse_fill_entry(c, node, &a, &eo);
	return (dir_out_add(&l->out, name, fuse_node_ino(c->s, node), dtype, next, &eo));
}

static int
list_entry(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	struct listing *l = arg;
	struct fuse_call *c = l->out.c;
	uint64_t node = fuse_node_id(c->s, c->req.in->nodeid, obj);
	bool added;

	if (l->out.plus)
		added = list_plus(l, name, node, dtype, next);
	else
		added = dir_out_add(&l->out, name, fuse_node_ino(c->s, node), dtype, next, NULL);
	l->full = !added;
	return (added ? 0 : 1);
}

static int
read_dir(struct fuse_call *c, bool plus)
{
	const struct fuse_read_in *in = c->req.arg;
	struct listing l = {.out = {.c = c, .plus = plus, .dir_node = c->req.in->nodeid}};
	uint64_t dir;
	int rc;

	l.out.size = in->size < FUSE_DATA_MAX ? in->size : FUSE_DATA_MAX;
	if (plus && l.out.size > STASH_OUT)
		l.out.size = STASH_OUT; /* it has to fit where a successor finds it */
	if (snapdir_is_virtual(c->req.in->nodeid))
		return (snapdir_readdir(c->s, c->req.in->nodeid, in->offset, &l.out));
	if ((rc = fuse_this_node(c, &l.z, &dir)) != 0 || in->offset == COOKIE_ZFS)
		return (rc);
	rc = zpl_readdir(l.z, dir, in->offset, list_entry, &l);
	if (rc == 0 && !l.full && c->s->opts.snapdir_visible && !c->s->is_snapshot &&
	    c->req.in->nodeid == FUSE_ROOT_ID)
		(void)dir_out_add(&l.out, ".zfs", NODE_ZFS, S_IFDIR >> 12, COOKIE_ZFS, NULL);
	return (rc);
}

int
fuse_do_readdir(struct fuse_call *c)
{
	return (read_dir(c, false));
}

int
fuse_do_readdirplus(struct fuse_call *c)
{
	return (read_dir(c, true));
}

/* --- extended attributes ---------------------------------------------------------------------- */

static bool
is_acl_name(const char *name)
{
	return (strcmp(name, POSIX_ACL_ACCESS) == 0 || strcmp(name, POSIX_ACL_DEFAULT) == 0);
}

/* The kernel lets every name through to a FUSE server; its own filesystems know these namespaces. */
static bool
has_namespace(const char *name)
{
	static const char *const spaces[] = {"user.", "trusted.", "security."};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (strncmp(name, spaces[i], strlen(spaces[i])) == 0 && name[strlen(spaces[i])] != '\0')
			return (true);
	}
	return (false);
}

static int
xattr_may_use(const struct fuse_call *c, const char *name)
{
	if (is_acl_name(name) ? !c->s->opts.posix_acl : !has_namespace(name))
		return (-EOPNOTSUPP);
	if (snapdir_is_virtual(c->req.in->nodeid))
		return (-ENODATA);
	return (0);
}

/* bytes >= 0: the value is in c->out, or (size 0) its length is the answer. */
static int
answer_sized(struct fuse_call *c, uint32_t size, int bytes)
{
	struct fuse_getxattr_out *go;

	if (bytes < 0)
		return (bytes);
	if (size != 0) {
		c->out_len = (size_t)bytes;
		return (0);
	}
	go = fuse_answer(c, sizeof(*go));
	go->size = (uint32_t)bytes;
	return (0);
}

int
fuse_do_getxattr(struct fuse_call *c)
{
	const struct fuse_getxattr_in *in = c->req.arg;
	size_t size = in->size < FUSE_DATA_MAX ? in->size : FUSE_DATA_MAX;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = xattr_may_use(c, c->req.name)) != 0 || (rc = fuse_this_node(c, &z, &obj)) != 0)
		return (rc);
	rc = zpl_xattr_get(z, obj, c->req.name, c->out, size);
	if (rc > 0 && size != 0 && is_acl_name(c->req.name))
		(void)posix_acl_map_ids(c->out, (size_t)rc, &c->s->opts.idmap, false);
	return (answer_sized(c, in->size, rc));
}

/* Names that only root may see are for root; ACLs are shown where they work; others of no namespace never. */
static size_t
names_filter(const struct fuse_call *c, char *names, size_t len)
{
	int sees_trusted = -1; /* not asked yet */
	size_t kept = 0;

	for (size_t i = 0, n; i < len; i += n) {
		n = strlen(names + i) + 1;
		bool trusted = strncmp(names + i, "trusted.", 8) == 0;

		if (trusted && sees_trusted < 0)
			sees_trusted = fuse_caller_can(c, CAP_SYS_ADMIN);
		if ((trusted && !sees_trusted) ||
		    (is_acl_name(names + i) ? !c->s->opts.posix_acl : !has_namespace(names + i)))
			continue;
		memmove(names + kept, names + i, n);
		kept += n;
	}
	return (kept);
}

int
fuse_do_listxattr(struct fuse_call *c)
{
	const struct fuse_getxattr_in *in = c->req.arg;
	struct zpl *z;
	uint64_t obj;
	int rc;

	if (snapdir_is_virtual(c->req.in->nodeid))
		return (answer_sized(c, in->size, 0));
	if ((rc = fuse_this_node(c, &z, &obj)) != 0)
		return (rc);
	rc = zpl_xattr_list(z, obj, c->out, FUSE_DATA_MAX);
	if (rc >= 0)
		rc = (int)names_filter(c, c->out, (size_t)rc);
	if (in->size != 0 && rc > 0 && (uint32_t)rc > in->size)
		rc = -ERANGE;
	return (answer_sized(c, in->size, rc));
}

/* An access list sets the mode; one that says no more than a mode is not kept. */
static int
set_acl(struct fuse_call *c, struct zpl *z, uint64_t obj, const void *value, size_t len)
{
	bool is_access = strcmp(c->req.name, POSIX_ACL_ACCESS) == 0, is_minimal;
	struct zpl_attr a;
	uint32_t mode;
	int rc;

	memcpy(c->out, value, len);
	if ((rc = posix_acl_map_ids(c->out, len, &c->s->opts.idmap, true)) != 0 ||
	    (rc = posix_acl_check(c->out, len, &mode, &is_minimal)) != 0 ||
	    (rc = zpl_getattr(z, obj, &a)) != 0)
		return (rc);
	if (!is_access)
		return (S_ISDIR(a.mode) ? zpl_xattr_set(z, obj, c->req.name, c->out, len, 0) : -EACCES);
	a.mode = (a.mode & ~0777u) | mode;
	if (c->s->keep->setxattr_ext &&
	    (((const struct fuse_setxattr_in *)c->req.arg)->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID))
		a.mode &= ~(uint32_t)S_ISGID;
	if ((rc = zpl_setattr(z, obj, ZA_MODE, &a)) != 0)
		return (rc);
	if (!is_minimal)
		return (zpl_xattr_set(z, obj, c->req.name, c->out, len, 0));
	rc = zpl_xattr_remove(z, obj, c->req.name);
	return (rc == -ENODATA ? 0 : rc);
}

int
fuse_do_setxattr(struct fuse_call *c)
{
	const struct fuse_setxattr_in *in = c->req.arg; /* maybe only its first 8 bytes */
	struct zpl *z;
	uint64_t obj;
	int rc;

	if (in->size > c->req.data_len)
		return (-EINVAL);
	if (in->size > POSIX_ACL_MAX)
		return (-E2BIG);
	if ((rc = xattr_may_use(c, c->req.name)) != 0)
		return (rc == -ENODATA ? -EPERM : rc);
	if ((rc = fuse_this_node(c, &z, &obj)) != 0)
		return (rc);
	if (is_acl_name(c->req.name))
		return (set_acl(c, z, obj, c->req.data, in->size));
	return (zpl_xattr_set(z, obj, c->req.name, c->req.data, in->size, in->flags));
}

int
fuse_prepare_xattr(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t obj;

	if (fuse_this_node(c, &z, &obj) == 0)
		(void)zpl_xattr_get(z, obj, c->req.name, c->out, POSIX_ACL_MAX);
	return (0);
}

int
fuse_do_removexattr(struct fuse_call *c)
{
	struct zpl *z;
	uint64_t obj;
	int rc;

	if ((rc = xattr_may_use(c, c->req.name)) != 0 || (rc = fuse_this_node(c, &z, &obj)) != 0)
		return (rc);
	return (zpl_xattr_remove(z, obj, c->req.name));
}
