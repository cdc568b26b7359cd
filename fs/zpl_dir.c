/* SPDX-License-Identifier: MIT */
/*
 * Names: directories, links and renames.
 *
 * A directory is a table name -> object | type << 60, without "." and "..".  Every operation looks
 * first at everything it needs (does the name exist, is the target empty, may it be written), and
 * only then changes: so a refusal leaves nothing behind (zpl invariant 5).  The order of changes is
 * the table first, since it is the one that can still fail (a full table with colliding names).
 *
 * Listing: cookie 0 is ".", 1 is "..", then the table's own cookies + 2.  Those are positions in hash
 * order, so that a listing goes on correctly while names come and go.
 *
 * A filesystem that folds case finds names by the folded form; the stored name is the one given at
 * creation.  "mixed" folds only for protocols that ask for it: here it is sensitive.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include "smartbox/fs/zap.h"
#include "zpl_impl.h"

#define DIRENT_OBJ_MASK 0xffffffffffffULL
#define DIRENT_TYPE_SHIFT 60
#define COOKIE_FIRST 2 /* behind "." and ".." */
#define DEPTH_MAX 65536

/* --- one entry -------------------------------------------------------------------------------- */

static uint64_t
dirent_make(uint64_t obj, uint32_t mode)
{
	return (obj | (uint64_t)((mode & S_IFMT) >> 12) << DIRENT_TYPE_SHIFT);
}

static bool
utf8_is_valid(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != 0) {
		unsigned more = *p < 0x80 ? 0 : *p < 0xc2 ? 9 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 :
		    *p < 0xf5 ? 3 : 9;
		unsigned second_low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
		unsigned second_high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;

		if (more == 9)
			return (false);
		p++;
		for (unsigned i = 0; i < more; i++, p++) {
			unsigned low = i == 0 ? second_low : 0x80, high = i == 0 ? second_high : 0xbf;

			if (*p < low || *p > high)
				return (false);
		}
	}
	return (true);
}

/* A name that may be made; "." and ".." never reach the table. */
static int
name_check(const struct zpl *z, const char *name)
{
	size_t len = strlen(name);

	if (len == 0)
		return (-ENOENT);
	if (len > ZPL_NAME_MAX)
		return (-ENAMETOOLONG);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (-EEXIST);
	if (strchr(name, '/') != NULL || (z->utf8only && !utf8_is_valid(name)))
		return (-EINVAL);
	return (0);
}

/* stored: the name as it stands in the table, which differs by case when the lookup folds. */
static int
entry_find(struct zpl *z, uint64_t dir, const char *name, uint64_t *entry, char *stored)
{
	int rc;

	if (strlen(name) > ZPL_NAME_MAX)
		return (-ENAMETOOLONG);
	if (z->fold_case)
		return (zap_lookup_fold(z->os, dir, name, true, entry, stored,
		    stored != NULL ? ZAP_NAME_MAX : 0));
	rc = zap_lookup(z->os, dir, name, 8, 1, entry);
	if (rc == 0 && stored != NULL)
		memcpy(stored, name, strlen(name) + 1);
	return (rc);
}

/* A directory that is held, and an entry of it that exists. */
struct named {
	uint64_t dir, obj;
	uint32_t mode; /* of obj */
	uint64_t links;
	char name[ZAP_NAME_MAX]; /* as stored */
};

static int
named_find(struct zpl *z, uint64_t dir, const char *name, struct named *n)
{
	struct sa_handle h;
	uint64_t entry;
	int rc;

	if ((rc = znode_hold_dir(z, dir, &h)) != 0)
		return (rc);
	sa_rele(&h);
	n->dir = dir;
	if ((rc = entry_find(z, dir, name, &entry, n->name)) != 0)
		return (rc);
	n->obj = entry & DIRENT_OBJ_MASK;
	if ((rc = znode_hold(z, n->obj, &h)) != 0)
		return (rc == -ENOENT ? -EIO : rc); /* a name of nothing: damage */
	n->mode = znode_mode(&h);
	n->links = sa_u64(&h, SA_LINKS, 0);
	sa_rele(&h);
	return (0);
}

int
zpl_lookup(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj)
{
	struct sa_handle h;
	uint64_t entry;
	int rc;

	if ((rc = znode_hold_dir(z, dir, &h)) != 0)
		return (rc);
	if (strcmp(name, ".") == 0)
		*obj = dir;
	else if (strcmp(name, "..") == 0)
		*obj = sa_u64(&h, SA_PARENT, dir);
	else if ((rc = entry_find(z, dir, name, &entry, NULL)) == 0)
		*obj = entry & DIRENT_OBJ_MASK;
	sa_rele(&h);
	return (rc);
}

/* --- attributes that names change ------------------------------------------------------------- */

/* A directory got or lost entries and subdirectories. */
static int
dir_count(struct zpl *z, uint64_t dir, int entries, int subdirs)
{
	struct sa_handle h;
	uint64_t now[2], size, links;
	int rc = znode_hold(z, dir, &h);

	if (rc != 0)
		return (rc);
	zpl_now(z, now);
	size = sa_u64(&h, SA_SIZE, 2) + (uint64_t)(int64_t)entries;
	links = sa_u64(&h, SA_LINKS, 2) + (uint64_t)(int64_t)subdirs;
	const struct sa_value v[] = {
		{SA_SIZE, &size, 8}, {SA_LINKS, &links, 8}, {SA_MTIME, now, 16}, {SA_CTIME, now, 16},
	};
	rc = sa_set(&h, v, 4);
	sa_rele(&h);
	return (rc);
}

/* A file's name came or went: links += delta, parent (0: as it is), ctime. */
static int
node_relink(struct zpl *z, uint64_t obj, int delta, uint64_t parent, uint64_t *links)
{
	struct sa_handle h;
	uint64_t now[2];
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	zpl_now(z, now);
	*links = sa_u64(&h, SA_LINKS, 0) + (uint64_t)(int64_t)delta;
	if (parent == 0)
		parent = sa_u64(&h, SA_PARENT, 0);
	const struct sa_value v[] = {
		{SA_LINKS, links, 8}, {SA_PARENT, &parent, 8}, {SA_CTIME, now, 16},
	};
	rc = sa_set(&h, v, 3);
	sa_rele(&h);
	return (rc);
}

static int
queue_unlinked(struct zpl *z, uint64_t obj)
{
	return (zap_add_int(z->os, z->delete_queue, obj, obj));
}

/*
 * n's entry is out of its directory: what that means for the object.  A directory loses itself and
 * its own ".", so LINKS goes to 0 at once.
 */
static int
node_lost_name(struct zpl *z, const struct named *n, bool *is_last)
{
	int delta = S_ISDIR(n->mode) ? -(int)n->links : -1;
	uint64_t links;
	int rc = node_relink(z, n->obj, delta, 0, &links);

	*is_last = links == 0;
	return (rc == 0 && links == 0 ? queue_unlinked(z, n->obj) : rc);
}

/* --- making ----------------------------------------------------------------------------------- */

/* May a name be put into dir?  What a child inherits is filled into zn. */
static int
dir_may_add(struct zpl *z, uint64_t dir, struct znode_new *zn)
{
	struct sa_handle h;
	uint64_t flags;
	int rc = znode_hold_dir(z, dir, &h);

	if (rc != 0)
		return (rc);
	flags = sa_u64(&h, SA_FLAGS, 0);
	if (sa_u64(&h, SA_LINKS, 0) == 0)
		rc = -ENOENT; /* removed, but somebody is still in it */
	else if (h.is_legacy)
		rc = -EROFS;
	zn->parent = dir;
	if ((flags & ZF_PROJINHERIT) && (S_ISDIR(zn->n->mode) || S_ISREG(zn->n->mode))) {
		zn->projid = sa_u64(&h, SA_PROJID, 0);
		zn->flags |= ZF_PROJINHERIT;
	}
	zn->flags |= flags & ZF_XATTR; /* an attribute's file */
	sa_rele(&h);
	return (rc);
}

static int
new_check(const struct zpl_new *n)
{
	switch (n->mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return (0);
	case S_IFLNK:
		if (n->target == NULL || n->target[0] == '\0')
			return (-ENOENT);
		return (strlen(n->target) > 4095 ? -ENAMETOOLONG : 0);
	default:
		return (-EINVAL);
	}
}

/* Room for one more object of these owners? */
static int
may_own_more(struct zpl *z, const struct znode_new *zn)
{
	uint64_t id[OWNER_KINDS] = {zn->n->uid, zn->n->gid, zn->projid};

	return (zpl_quota_check(z, id, (1u << OWNER_KINDS) - 1, true));
}

int
zpl_create(struct zpl *z, uint64_t dir, const char *name, const struct zpl_new *n, uint64_t *obj)
{
	bool is_dir = S_ISDIR(n->mode);
	struct znode_new zn = {.n = n, .links = is_dir ? 2 : 1, .size = is_dir ? 2 : 0};
	uint64_t entry;
	int rc;

	if ((rc = new_check(n)) != 0 || (rc = name_check(z, name)) != 0 ||
	    (rc = dir_may_add(z, dir, &zn)) != 0)
		return (rc);
	if ((rc = entry_find(z, dir, name, &entry, NULL)) != -ENOENT)
		return (rc == 0 ? -EEXIST : rc);
	if ((rc = zpl_may_change(z, ZPL_META_BYTES)) != 0 || (rc = may_own_more(z, &zn)) != 0 ||
	    (rc = znode_new(z, &zn, obj)) != 0)
		return (rc);
	entry = dirent_make(*obj, n->mode);
	if ((rc = zap_add(z->os, dir, name, 8, 1, &entry)) != 0) {
		(void)znode_destroy(z, *obj);
		return (rc);
	}
	if ((rc = dir_count(z, dir, 1, is_dir ? 1 : 0)) == 0)
		zlog_create(z, dir, name, *obj, n->target);
	return (rc);
}

int
zpl_tmpfile(struct zpl *z, const struct zpl_new *n, uint64_t *obj)
{
	struct znode_new zn = {.n = n, .parent = z->root};
	int rc;

	if (!S_ISREG(n->mode))
		return (-EINVAL);
	if ((rc = zpl_may_change(z, ZPL_META_BYTES)) != 0 || (rc = may_own_more(z, &zn)) != 0 ||
	    (rc = znode_new(z, &zn, obj)) != 0)
		return (rc);
	return (queue_unlinked(z, *obj));
}

int
zpl_link(struct zpl *z, uint64_t obj, uint64_t dir, const char *name)
{
	static const struct zpl_new any = {.mode = S_IFREG};
	struct znode_new zn = {.n = &any};
	struct sa_handle h;
	uint64_t entry, links;
	bool had_no_name;
	uint32_t mode;
	int rc;

	if ((rc = name_check(z, name)) != 0 || (rc = dir_may_add(z, dir, &zn)) != 0 ||
	    (rc = zpl_may_change(z, ZPL_META_BYTES)) != 0 || (rc = znode_hold(z, obj, &h)) != 0)
		return (rc);
	mode = znode_mode(&h);
	links = sa_u64(&h, SA_LINKS, 0);
	if ((zn.flags & ZF_PROJINHERIT) && zn.projid != sa_u64(&h, SA_PROJID, 0)) {
		sa_rele(&h);
		return (-EXDEV); /* it would count for two projects */
	}
	sa_rele(&h);
	if (S_ISDIR(mode))
		return (-EPERM);
	if (links == 0 && (rc = zap_lookup_int(z->os, z->delete_queue, obj, &entry)) != 0)
		return (rc);
	if (links == UINT32_MAX)
		return (-EMLINK);
	if ((rc = entry_find(z, dir, name, &entry, NULL)) != -ENOENT)
		return (rc == 0 ? -EEXIST : rc);
	entry = dirent_make(obj, mode);
	if ((rc = zap_add(z->os, dir, name, 8, 1, &entry)) != 0)
		return (rc);
	if (links == 0 && (rc = zap_remove_int(z->os, z->delete_queue, obj)) != 0)
		return (rc);
	had_no_name = links == 0;
	if ((rc = node_relink(z, obj, 1, dir, &links)) != 0 || (rc = dir_count(z, dir, 1, 0)) != 0)
		return (rc);
	if (had_no_name) /* the log does not know it */
		zil_log_unloggable(zpl_zil(z), 0);
	else
		zlog_link(z, dir, name, obj);
	return (0);
}

/* --- removing --------------------------------------------------------------------------------- */

/* Is there nothing in this directory?  0 or -ENOTEMPTY. */
static int
dir_check_empty(struct zpl *z, uint64_t dir)
{
	uint64_t count;
	int rc = zap_count(z->os, dir, &count);

	return (rc != 0 ? rc : count != 0 ? -ENOTEMPTY : 0);
}

static int
named_remove(struct zpl *z, const struct named *n, bool *is_last)
{
	int rc;

	if ((rc = zap_remove(z->os, n->dir, n->name)) != 0 ||
	    (rc = node_lost_name(z, n, is_last)) != 0 ||
	    (rc = dir_count(z, n->dir, -1, S_ISDIR(n->mode) ? -1 : 0)) != 0)
		return (rc);
	zlog_remove(z, n->dir, n->name, S_ISDIR(n->mode));
	return (0);
}

int
zpl_unlink(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj, bool *is_last)
{
	struct named n;
	int rc;

	if ((rc = zpl_may_free(z)) != 0 || (rc = named_find(z, dir, name, &n)) != 0)
		return (rc);
	if (S_ISDIR(n.mode))
		return (-EISDIR);
	*obj = n.obj;
	return (named_remove(z, &n, is_last));
}

int
zpl_rmdir(struct zpl *z, uint64_t dir, const char *name, uint64_t *obj)
{
	struct named n;
	bool is_last;
	int rc;

	if (strcmp(name, ".") == 0)
		return (-EINVAL);
	if (strcmp(name, "..") == 0)
		return (-ENOTEMPTY);
	if ((rc = zpl_may_free(z)) != 0 || (rc = named_find(z, dir, name, &n)) != 0)
		return (rc);
	if (!S_ISDIR(n.mode))
		return (-ENOTDIR);
	if ((rc = dir_check_empty(z, n.obj)) != 0)
		return (rc);
	*obj = n.obj;
	return (named_remove(z, &n, &is_last));
}

/* --- renaming --------------------------------------------------------------------------------- */

/* Would obj become its own ancestor below dir?  -EINVAL. */
static int
check_no_loop(struct zpl *z, uint64_t obj, uint64_t dir)
{
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		struct sa_handle h;
		uint64_t parent;
		int rc;

		if (dir == obj)
			return (-EINVAL);
		if (dir == z->root)
			return (0);
		if ((rc = znode_hold(z, dir, &h)) != 0)
			return (rc);
		parent = sa_u64(&h, SA_PARENT, z->root);
		sa_rele(&h);
		if (parent == dir)
			return (0);
		dir = parent;
	}
	return (-EIO);
}

/* src's object takes the place named (dir, name), whose entry exists when `replace`. */
static int
entry_point_at(struct zpl *z, uint64_t dir, const char *name, const struct named *src, bool replace)
{
	uint64_t entry = dirent_make(src->obj, src->mode), links;
	int rc;

	rc = replace ? zap_update(z->os, dir, name, 8, 1, &entry) :
	    zap_add(z->os, dir, name, 8, 1, &entry);
	return (rc != 0 ? rc : node_relink(z, src->obj, 0, dir, &links));
}

static int
rename_exchange(struct zpl *z, const struct named *a, const struct named *b)
{
	int a_dir = S_ISDIR(a->mode) ? 1 : 0, b_dir = S_ISDIR(b->mode) ? 1 : 0;
	int moved = a->dir == b->dir ? 0 : b_dir - a_dir;
	int rc;

	if ((a_dir && (rc = check_no_loop(z, a->obj, b->dir)) != 0) ||
	    (b_dir && (rc = check_no_loop(z, b->obj, a->dir)) != 0))
		return (rc);
	if ((rc = entry_point_at(z, b->dir, b->name, a, true)) != 0 ||
	    (rc = entry_point_at(z, a->dir, a->name, b, true)) != 0 ||
	    (rc = dir_count(z, a->dir, 0, moved)) != 0 || (rc = dir_count(z, b->dir, 0, -moved)) != 0)
		return (rc);
	zlog_exchange(z, a->dir, a->name, b->dir, b->name);
	return (0);
}

/* overlayfs: the old name becomes a character device 0:0. */
static int
rename_leave_whiteout(struct zpl *z, const struct named *src, uint64_t *obj)
{
	struct zpl_new n = {.mode = S_IFCHR};
	int rc;

	z->unlogged++;
	rc = zpl_create(z, src->dir, src->name, &n, obj);
	z->unlogged--;
	return (rc);
}

static int
rename_check_target(struct zpl *z, const struct named *src, const struct named *old, unsigned flags)
{
	if (flags & RENAME_NOREPLACE)
		return (-EEXIST);
	if (S_ISDIR(old->mode) && !S_ISDIR(src->mode))
		return (-EISDIR);
	if (!S_ISDIR(old->mode) && S_ISDIR(src->mode))
		return (-ENOTDIR);
	return (S_ISDIR(old->mode) ? dir_check_empty(z, old->obj) : 0);
}

/* The move itself; old is NULL when the new name is free. */
static int
rename_move(struct zpl *z, const struct named *src, uint64_t dir, const char *name,
    const struct named *old, bool *old_last)
{
	int is_dir = S_ISDIR(src->mode) ? 1 : 0, old_dir = old != NULL && S_ISDIR(old->mode) ? 1 : 0;
	int rc;

	if (old == NULL) {
		/* Only the case of the name changes: make room for it first. */
		if ((rc = zap_remove(z->os, src->dir, src->name)) != 0 ||
		    (rc = entry_point_at(z, dir, name, src, false)) != 0)
			return (rc);
	} else {
		if ((rc = entry_point_at(z, dir, old->name, src, true)) != 0 ||
		    (rc = zap_remove(z->os, src->dir, src->name)) != 0 ||
		    (rc = node_lost_name(z, old, old_last)) != 0)
			return (rc);
	}
	if ((rc = dir_count(z, src->dir, -1, -is_dir)) != 0)
		return (rc);
	return (dir_count(z, dir, old == NULL ? 1 : 0, is_dir - old_dir));
}

/* Into a directory whose project its contents inherit comes only what is of that project. */
static int
check_same_project(struct zpl *z, uint64_t obj, const struct znode_new *into)
{
	struct zpl_attr a;
	int rc;

	if (!(into->flags & ZF_PROJINHERIT))
		return (0);
	rc = zpl_getattr(z, obj, &a);
	return (rc != 0 ? rc : a.projid == into->projid ? 0 : -EXDEV);
}

int
zpl_rename(struct zpl *z, uint64_t dir, const char *name, uint64_t newdir, const char *newname,
    unsigned flags, uint64_t *replaced, bool *replaced_last)
{
	static const struct zpl_new any = {.mode = S_IFREG};
	struct znode_new zn = {.n = &any};
	struct named src, old;
	uint64_t whiteout;
	bool has_old;
	int rc;

	*replaced = 0;
	*replaced_last = false;
	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) != 0 ||
	    ((flags & RENAME_EXCHANGE) && flags != RENAME_EXCHANGE))
		return (-EINVAL);
	if ((rc = zpl_may_change(z, ZPL_META_BYTES)) != 0 || (rc = name_check(z, newname)) != 0 ||
	    (rc = named_find(z, dir, name, &src)) != 0 || (rc = dir_may_add(z, newdir, &zn)) != 0)
		return (rc);
	if (dir != newdir && (rc = check_same_project(z, src.obj, &zn)) != 0)
		return (rc);
	rc = named_find(z, newdir, newname, &old);
	if (rc != 0 && rc != -ENOENT)
		return (rc);
	has_old = rc == 0;
	if (flags & RENAME_EXCHANGE)
		return (has_old ? rename_exchange(z, &src, &old) : -ENOENT);
	if (has_old && old.obj == src.obj) {
		/* Links of one file: nothing to do, unless it is one name in another case. */
		if (dir != newdir || strcmp(old.name, src.name) != 0 || strcmp(newname, src.name) == 0)
			return (flags & RENAME_NOREPLACE ? -EEXIST : 0);
		has_old = false;
	}
	if (has_old && (rc = rename_check_target(z, &src, &old, flags)) != 0)
		return (rc);
	if (S_ISDIR(src.mode) && (rc = check_no_loop(z, src.obj, newdir)) != 0)
		return (rc);
	if ((rc = rename_move(z, &src, newdir, newname, has_old ? &old : NULL, replaced_last)) != 0)
		return (rc);
	*replaced = has_old ? old.obj : 0;
	newname = has_old ? old.name : newname;
	if (!(flags & RENAME_WHITEOUT))
		zlog_rename(z, dir, src.name, newdir, newname);
	else if ((rc = rename_leave_whiteout(z, &src, &whiteout)) == 0)
		zlog_rename_whiteout(z, dir, src.name, newdir, newname, whiteout);
	return (rc);
}

/* --- reading ---------------------------------------------------------------------------------- */

int
zpl_readlink(struct zpl *z, uint64_t obj, char *buf, size_t size)
{
	struct sa_handle h;
	size_t len;
	const void *target;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	if (!S_ISLNK(znode_mode(&h))) {
		sa_rele(&h);
		return (-EINVAL);
	}
	target = sa_peek(&h, SA_SYMLINK, &len);
	if (target == NULL) {
		/* Legacy: behind the znode in the bonus, or in the file's data. */
		len = sa_u64(&h, SA_SIZE, 0);
		if (h.is_legacy && len <= dbuf_size(h.bonus) - ZNODE_LEGACY_SIZE)
			target = (const char *)dbuf_data(h.bonus) + ZNODE_LEGACY_SIZE;
	}
	if (len > size)
		rc = -ENAMETOOLONG;
	else if (target != NULL)
		memcpy(buf, target, len);
	else
		rc = dmu_read(z->os, obj, 0, len, buf);
	sa_rele(&h);
	return (rc != 0 ? rc : (int)len);
}

static unsigned
dirent_type(struct zpl *z, uint64_t entry)
{
	unsigned type = (unsigned)(entry >> DIRENT_TYPE_SHIFT);
	struct sa_handle h;

	if (type == 0 && znode_hold(z, entry & DIRENT_OBJ_MASK, &h) == 0) {
		type = (znode_mode(&h) & S_IFMT) >> 12; /* old pools have no types */
		sa_rele(&h);
	}
	return (type);
}

static int
readdir_table(struct zpl *z, uint64_t dir, uint64_t cookie, zpl_dirent_fn *fn, void *arg)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	zap_cursor_init(&c, z->os, dir, cookie);
	while ((rc = zap_cursor_next(&c, &ze)) == 0) {
		if (ze.intlen != 8 || ze.num != 1 || c.cookie > INT64_MAX - COOKIE_FIRST) {
			rc = -EILSEQ;
			break;
		}
		if (fn(ze.name, ze.first & DIRENT_OBJ_MASK, dirent_type(z, ze.first),
		    c.cookie + COOKIE_FIRST, arg) != 0)
			break;
	}
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

int
zpl_readdir(struct zpl *z, uint64_t dir, uint64_t cookie, zpl_dirent_fn *fn, void *arg)
{
	struct sa_handle h;
	uint64_t parent;
	int rc = znode_hold_dir(z, dir, &h);

	if (rc != 0)
		return (rc);
	parent = sa_u64(&h, SA_PARENT, dir);
	sa_rele(&h);
	if (cookie == 0) {
		if (fn(".", dir, S_IFDIR >> 12, 1, arg) != 0)
			return (0);
		cookie = 1;
	}
	if (cookie == 1) {
		if (fn("..", parent, S_IFDIR >> 12, COOKIE_FIRST, arg) != 0)
			return (0);
		cookie = COOKIE_FIRST;
	}
	return (readdir_table(z, dir, cookie - COOKIE_FIRST, fn, arg));
}
