/* SPDX-License-Identifier: MIT */
/*
 * Replay of a filesystem's intent log: each record is done again by the function that did it first.
 *
 * What those functions choose is given to them here (struct zpl_fixed): the number of a new object,
 * its generation, its time of birth, which is also the time of its directory's change.  Objects whose
 * last name goes are freed at once, since nobody has them open, and a later record may use their number.
 *
 * Records come from the disk: the functions below check what they are given as they check what
 * programs give them (names, kinds of objects, limits), and numbers of objects are looked up before use.
 *
 * Writes, and what changes one object only, may speak of an object that is gone: the log has them in the
 * order of commits, not of changes, across files.  Such a record is skipped (1).
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "zil_impl.h"
#include "zpl_impl.h"

#define OBJ_MASK ((1ULL << 56) - 1) /* above: size of the dnode */
#define OBJ_MAX ((1ULL << 48) - 1)  /* what a directory entry can name */
#define ACE_FIXED 8u		    /* type, flags, mask; some kinds have an id behind it */

typedef int replay_fn(struct zpl *z, const struct zil_record *r, const void *block);

static const void *
body(const struct zil_record *r)
{
	return (r);
}

/* --- making ------------------------------------------------------------------------------------- */

static int
make_xattr_dir(struct zpl *z, const struct lr_create *c)
{
	struct sa_handle h;
	uint64_t dir;
	int rc = znode_hold(z, c->dir, &h);

	if (rc != 0)
		return (rc);
	rc = sa_u64(&h, SA_XATTR, 0) != 0 ? -EEXIST : zpl_make_xattr_dir(z, &h, &dir);
	sa_rele(&h);
	return (rc);
}

/* Does the mode fit the record's type? */
static bool
mode_fits(unsigned type, uint64_t mode)
{
	switch (type) {
	case TX_MKDIR:
	case TX_MKXATTR:
	case TX_MKDIR_ACL:
	case TX_MKDIR_ATTR:
	case TX_MKDIR_ACL_ATTR:
		return (S_ISDIR(mode));
	case TX_SYMLINK:
		return (S_ISLNK(mode));
	default:
		return (!S_ISDIR(mode) && !S_ISLNK(mode));
	}
}

static int
make_again(struct zpl *z, const struct lr_create *c, const char *name, const char *target)
{
	struct zpl_fixed fixed = {.obj = c->obj & OBJ_MASK, .gen = c->gen};
	struct zpl_new n = {.mode = (uint32_t)c->mode, .uid = (uint32_t)c->uid,
	    .gid = (uint32_t)c->gid, .rdev = znode_rdev_to_user(c->rdev), .target = target};
	uint64_t obj;
	int rc;

	memcpy(fixed.crtime, c->crtime, sizeof(fixed.crtime));
	if (fixed.obj == 0 || fixed.obj > OBJ_MAX || c->uid > UINT32_MAX || c->gid > UINT32_MAX)
		return (-EINVAL);
	z->fixed = &fixed;
	rc = zil_record_type(&c->h) == TX_MKXATTR ? make_xattr_dir(z, c) :
	    zpl_create(z, c->dir, name, &n, &obj);
	z->fixed = NULL;
	return (rc);
}

static int
replay_create(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_create *c = body(r);
	struct lr_names n;

	(void)block;
	zil_record_names(r, &n);
	if (!mode_fits(zil_record_type(r), c->mode))
		return (-EINVAL);
	return (make_again(z, c, n.name, n.name2));
}

/* --- names -------------------------------------------------------------------------------------- */

static int
free_now(struct zpl *z, uint64_t obj)
{
	int rc;

	do
		rc = zpl_free_unlinked(z, obj);
	while (rc == 1);
	return (rc);
}

static int
replay_remove(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_remove *m = body(r);
	bool is_last = true;
	struct lr_names n;
	uint64_t obj;
	int rc;

	(void)block;
	zil_record_names(r, &n);
	rc = zil_record_type(r) == TX_RMDIR ? zpl_rmdir(z, m->dir, n.name, &obj) :
	    zpl_unlink(z, m->dir, n.name, &obj, &is_last);
	return (rc == 0 && is_last ? free_now(z, obj) : rc);
}

static int
replay_link(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_link *l = body(r);
	struct lr_names n;

	(void)block;
	zil_record_names(r, &n);
	return (zpl_link(z, l->obj, l->dir, n.name));
}

static int
rename_again(struct zpl *z, const struct lr_rename *m, unsigned flags)
{
	struct lr_names n;
	uint64_t replaced;
	bool last;
	int rc;

	zil_record_names(&m->h, &n);
	rc = zpl_rename(z, m->from_dir, n.name, m->to_dir, n.name2, flags, &replaced, &last);
	return (rc == 0 && last ? free_now(z, replaced) : rc);
}

static int
replay_rename(struct zpl *z, const struct zil_record *r, const void *block)
{
	(void)block;
	return (rename_again(z, body(r), zil_record_type(r) == TX_RENAME_EXCHANGE ? RENAME_EXCHANGE : 0));
}

static int
replay_whiteout(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_whiteout *w = body(r);
	struct lr_create c = {.dir = w->r.from_dir, .obj = w->obj, .mode = w->mode, .uid = w->uid,
	    .gid = w->gid, .gen = w->gen, .rdev = w->rdev};
	struct lr_names n;
	int rc;

	(void)block;
	memcpy(c.crtime, w->crtime, sizeof(c.crtime));
	c.h.type = TX_CREATE;
	zil_record_names(r, &n);
	if (!S_ISCHR(w->mode))
		return (-EINVAL);
	rc = rename_again(z, &w->r, 0);
	return (rc == 0 ? make_again(z, &c, n.name, NULL) : rc);
}

/* --- contents ----------------------------------------------------------------------------------- */

/* A whole block was logged by pointer: what it has behind the write's end does not make the file longer. */
static int
write_block(struct zpl *z, const struct lr_write *w, const void *block)
{
	uint64_t size = bp_lsize(&w->bp), off = w->off, end = w->off + w->len;
	struct zpl_attr a;
	int rc;

	if (w->len > size || (rc = zpl_getattr(z, w->obj, &a)) != 0)
		return (w->len > size ? -EILSEQ : rc);
	if (w->len < size)
		off -= off % size;
	if ((rc = zpl_write(z, w->obj, off, size, block, false)) != 0)
		return (rc);
	end = a.size > end ? a.size : end;
	return (off + size > end ? zpl_truncate(z, w->obj, end) : 0);
}

/* The file may end before the hole does: longer first, then free what is in it. */
static int
write_hole(struct zpl *z, const struct lr_write *w)
{
	struct zpl_attr a;
	int rc = zpl_getattr(z, w->obj, &a);

	if (rc == 0 && w->off + w->len > a.size)
		rc = zpl_truncate(z, w->obj, w->off + w->len);
	return (rc == 0 ? dmu_free_range(z->os, w->obj, w->off, w->len) : rc);
}

static int
replay_write(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_write *w = body(r);

	if (r->len > sizeof(*w))
		return (zpl_write(z, w->obj, w->off, w->len, w + 1, false));
	return (block != NULL ? write_block(z, w, block) : write_hole(z, w));
}

/* The data is on disk already; the size perhaps not. */
static int
replay_write2(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_write *w = body(r);
	struct zpl_attr a;
	int rc = zpl_getattr(z, w->obj, &a);

	(void)block;
	return (rc == 0 && w->off + w->len > a.size ? zpl_truncate(z, w->obj, w->off + w->len) : rc);
}

/* Everything behind off goes when len is 0; a range behind the end makes the file longer. */
static int
replay_truncate(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_truncate *t = body(r);
	uint64_t end;
	struct zpl_attr a;
	int rc;

	(void)block;
	if (__builtin_add_overflow(t->off, t->len, &end) || end > INT64_MAX)
		return (-EILSEQ);
	if ((rc = zpl_getattr(z, t->obj, &a)) != 0)
		return (rc);
	if (t->len == 0)
		return (zpl_truncate(z, t->obj, t->off));
	if (!S_ISREG(a.mode))
		return (-EINVAL);
	if (t->off < a.size)
		rc = dmu_free_range(z->os, t->obj, t->off, end < a.size ? t->len : UINT64_MAX);
	return (rc == 0 && end > a.size ? zpl_truncate(z, t->obj, end) : rc);
}

static int
clone_block(struct zpl *z, const struct lr_clone *c, const struct blkptr *bp, uint64_t at, void *buf)
{
	uint64_t len = c->len - at < c->block_size ? c->len - at : c->block_size;
	int rc;

	if (bp_verify(bp, (unsigned)z->spa->root->nchild) != 0 ||
	    (!bp_is_hole(bp) && bp_lsize(bp) != c->block_size))
		return (-EILSEQ);
	memset(buf, 0, c->block_size);
	if (!bp_is_hole(bp) && (rc = zio_read(z->spa, bp, buf)) != 0)
		return (rc);
	return (zpl_write(z, c->obj, c->off + at, len, buf, false));
}

/* By copying: we have no table of references to blocks. */
static int
replay_clone(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_clone *c = body(r);
	const struct blkptr *bp = (const void *)(c + 1);
	void *buf = malloc(c->block_size);
	int rc = buf == NULL ? -ENOMEM : 0;

	(void)block;
	for (uint64_t i = 0; i < c->nbps && i * c->block_size < c->len && rc == 0; i++)
		rc = clone_block(z, c, &bp[i], i * c->block_size, buf);
	free(buf);
	return (rc);
}

/* --- attributes --------------------------------------------------------------------------------- */

static int
replay_setattr(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_setattr *s = body(r);
	unsigned mask = zlog_mask_in(s->mask);
	struct zpl_attr a = {.mode = (uint32_t)s->mode, .uid = (uint32_t)s->uid,
	    .gid = (uint32_t)s->gid, .size = s->size};

	(void)block;
	memcpy(a.atime, s->atime, sizeof(a.atime));
	memcpy(a.mtime, s->mtime, sizeof(a.mtime));
	if (((mask & ZA_UID) && s->uid > UINT32_MAX) || ((mask & ZA_GID) && s->gid > UINT32_MAX))
		return (-EINVAL);
	return (mask != 0 ? zpl_setattr(z, s->obj, mask, &a) : 0);
}

/* A list as it is stored: taken over as it is, and not the trivial one any more. */
static int
set_acl(struct zpl *z, uint64_t obj, const void *aces, uint64_t bytes, uint64_t count)
{
	struct sa_handle h;
	uint64_t flags;
	int rc = znode_hold(z, obj, &h);

	if (rc != 0)
		return (rc);
	flags = sa_u64(&h, SA_FLAGS, 0) & ~ZF_ACL_TRIVIAL;
	const struct sa_value v[] = {
		{SA_FLAGS, &flags, 8}, {SA_DACL_COUNT, &count, 8}, {SA_DACL_ACES, aces, bytes},
	};
	rc = h.is_legacy || bytes > SA_VALUE_MAX ? -ENOTSUP : sa_set(&h, v, 3);
	sa_rele(&h);
	return (rc);
}

static int
replay_acl(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_acl *a = body(r);

	(void)block;
	if (a->count > a->bytes / ACE_FIXED)
		return (-EILSEQ);
	return (set_acl(z, a->obj, a + 1, a->bytes, a->count));
}

static int
replay_create_acl(struct zpl *z, const struct zil_record *r, const void *block)
{
	unsigned type = zil_record_type(r);
	const struct lr_acl_create *ac = body(r);
	int rc = replay_create(z, r, block);

	/* With further attributes the list lies behind them; those are flags that Linux does not set. */
	if (rc != 0 || (type != TX_CREATE_ACL && type != TX_MKDIR_ACL) ||
	    ac->count > ac->bytes / ACE_FIXED)
		return (rc);
	return (set_acl(z, ac->c.obj & OBJ_MASK, ac + 1, ac->bytes, ac->count));
}

static int
replay_setsaxattr(struct zpl *z, const struct zil_record *r, const void *block)
{
	const struct lr_setsaxattr *x = body(r);
	const char *name = (const char *)(x + 1);
	int rc;

	(void)block;
	if (x->size != 0)
		return (zpl_xattr_set(z, x->obj, name, name + strlen(name) + 1, x->size, 0));
	rc = zpl_xattr_remove(z, x->obj, name);
	return (rc == -ENODATA ? 0 : rc);
}

/* --- all of them -------------------------------------------------------------------------------- */

static const struct {
	replay_fn *fn;
	bool may_be_gone; /* of one object, which may not be there any more */
} replays[TX_TYPES] = {
    [TX_CREATE] = {replay_create, false},
    [TX_MKDIR] = {replay_create, false},
    [TX_MKXATTR] = {replay_create, false},
    [TX_SYMLINK] = {replay_create, false},
    [TX_REMOVE] = {replay_remove, false},
    [TX_RMDIR] = {replay_remove, false},
    [TX_LINK] = {replay_link, false},
    [TX_RENAME] = {replay_rename, false},
    [TX_WRITE] = {replay_write, true},
    [TX_TRUNCATE] = {replay_truncate, true},
    [TX_SETATTR] = {replay_setattr, true},
    [TX_ACL] = {replay_acl, true},
    [TX_CREATE_ACL] = {replay_create_acl, false},
    [TX_CREATE_ATTR] = {replay_create, false},
    [TX_CREATE_ACL_ATTR] = {replay_create_acl, false},
    [TX_MKDIR_ACL] = {replay_create_acl, false},
    [TX_MKDIR_ATTR] = {replay_create, false},
    [TX_MKDIR_ACL_ATTR] = {replay_create_acl, false},
    [TX_WRITE2] = {replay_write2, true},
    [TX_SETSAXATTR] = {replay_setsaxattr, true},
    [TX_RENAME_EXCHANGE] = {replay_rename, false},
    [TX_RENAME_WHITEOUT] = {replay_whiteout, false},
    [TX_CLONE_RANGE] = {replay_clone, true},
};

int
zpl_replay_record(struct zpl *z, const struct zil_record *r, const void *block)
{
	unsigned type = zil_record_type(r);
	int rc;

	if (type >= TX_TYPES || replays[type].fn == NULL)
		return (-ENOTSUP);
	rc = replays[type].fn(z, r, block);
	return (rc == -ENOENT && replays[type].may_be_gone ? 1 : rc);
}

static int
apply(void *arg, const struct zil_record *r, const void *block)
{
	return (zpl_replay_record(arg, r, block));
}

int
zpl_replay(struct zpl *z, struct err *e)
{
	bool readonly = z->readonly;
	int rc;

	if (dsl_is_snapshot(z->ds) || spa_is_readonly(z->spa) || !zil_needs_replay(z->ds))
		return (0);
	if (z->version < ZPL_VERSION_SA || z->delete_queue == 0)
		return (0); /* legacy znodes are not written; the log stays */
	z->readonly = false; /* what a mount shall not change was changed before it */
	z->replaying = true;
	rc = zil_replay(z->ds, apply, z, &z->replayed, e);
	z->replaying = false;
	z->readonly = readonly;
	return (rc);
}
