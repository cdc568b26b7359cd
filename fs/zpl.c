/* SPDX-License-Identifier: MIT */
/*
 * The POSIX layer: a filesystem in an objset.
 *
 * Object 1 is the master node, a table with the root directory, the delete queue, the attribute
 * tables and what was fixed when the filesystem was made (case, normalization).  A file or directory
 * is a znode: an object whose bonus holds system attributes (fs/sa.c), whose data is the file's
 * contents or the directory's table name -> object | type << 60.
 *
 *	zpl.c        open, close, the first objects, the delete queue
 *	zpl_znode.c  attributes: get, set, make, destroy
 *	zpl_dir.c    names: lookup, list, create, link, unlink, rename
 *	zpl_file.c   contents: read, write, truncate, holes
 *	zpl_xattr.c  extended attributes
 *	zpl_acl.c    the trivial access control list
 *	zpl_log.c    what is noted in the intent log; zpl_replay.c: done again after a crash
 *
 * Invariants
 *  1. Every znode with LINKS > 0 is reached from the root by exactly LINKS names (a directory by one,
 *     its LINKS counts itself and its subdirectories); one with LINKS 0 is in the delete queue.
 *  2. A directory's SIZE is its number of entries + 2.
 *  3. Bytes of the last block behind SIZE are zero.
 *  4. The block size changes only while there is one block; a file of several blocks has a block size
 *     that is a power of two.
 *  5. Each function either changes nothing and fails, or changes everything, unless the disk or the
 *     memory fails in the middle.  What one lock hold changed lands in one txg.
 *  6. Attribute directories and their files are not in any directory; their LINKS are theirs alone.
 *
 * A znode without names whose last user went away is destroyed by zpl_free_unlinked(); when the power
 * goes first, by zpl_reap_unlinked() at the next mount.
 *
 * Space by user, group and project is kept below, by the object layer (fs/owners.c); quotas on it are
 * asked for here (fs/zpl_quota.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "smartbox/fs/zap.h"
#include "zpl_impl.h"

#define FREE_PIECE_BLOCKS 8192

void
zpl_now(struct zpl *z, uint64_t t[2])
{
	uint32_t nsec;

	if (z->fixed != NULL) {
		memcpy(t, z->fixed->crtime, sizeof(z->fixed->crtime));
		return;
	}
	if (z->op_now[0] != 0) {
		memcpy(t, z->op_now, sizeof(z->op_now));
		return;
	}
	t[0] = spa_now(z->spa, &nsec);
	t[1] = nsec;
}

void
zpl_op_begin(struct zpl *z, struct dmu_made *made, uint64_t seed, uint64_t now[2])
{
	uint32_t nsec;

	now[0] = spa_now(z->spa, &nsec);
	now[1] = nsec;
	memcpy(z->op_now, now, sizeof(z->op_now));
	made->n = 0;
	made->again = false;
	made->seed = seed;
	dmu_made_by(z->os, made);
}

void
zpl_op_end(struct zpl *z)
{
	z->op_now[0] = z->op_gen = 0;
	dmu_made_by(z->os, NULL);
}

void
zpl_again_begin(struct zpl *z, struct dmu_made *made, const uint64_t now[2], uint64_t txg)
{
	memcpy(z->op_now, now, sizeof(z->op_now));
	z->op_gen = txg;
	z->replaying = true;
	z->readonly = false;
	dmu_made_by(z->os, made);
}

void
zpl_again_end(struct zpl *z, bool readonly)
{
	z->replaying = false;
	zpl_op_end(z);
	zpl_set_readonly(z, readonly);
}

int
zpl_may_change(struct zpl *z, uint64_t bytes)
{
	if (z->readonly)
		return (-EROFS);
	return (dsl_space_check(z->ds, bytes, z->replaying));
}

int
zpl_may_free(struct zpl *z)
{
	if (z->readonly)
		return (-EROFS);
	return (dsl_space_check(z->ds, ZPL_META_BYTES, true));
}

/* With "mixed" (2) names are hashed without case, so that others may look them up so; we tell them apart. */
static void
set_case(struct zpl *z, uint64_t casesensitivity)
{
	z->fold_case = casesensitivity == 1;
	z->normflags = casesensitivity != 0 ? ZAP_NORM_UPPER : 0;
}

/* --- making one ------------------------------------------------------------------------------- */

static int
init_master(struct objset *os, const struct zpl_init *in, uint64_t *sa_master, uint64_t *queue)
{
	const struct { const char *name; uint64_t value; } first[] = {
		{"VERSION", ZPL_VERSION_SA}, {"utf8only", in->utf8only},
		{"normalization", in->normalization}, {"casesensitivity", in->casesensitivity},
	};
	int rc;

	if ((rc = zap_create_claim(os, MASTER_NODE, OT_MASTER_NODE, OT_NONE, 0)) != 0 ||
	    (rc = sa_create(os, sa_master)) != 0 ||
	    (rc = zap_add(os, MASTER_NODE, "SA_ATTRS", 8, 1, sa_master)) != 0 ||
	    (rc = zap_create(os, OT_UNLINKED_SET, OT_NONE, 0, queue)) != 0 ||
	    (rc = zap_add(os, MASTER_NODE, DELETE_QUEUE, 8, 1, queue)) != 0)
		return (rc);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		rc = zap_add(os, MASTER_NODE, first[i].name, 8, 1, &first[i].value);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

int
zpl_init_objset(struct objset *os, void *arg)
{
	static const struct zpl_init defaults = {.mode = 0755};
	const struct zpl_init *in = arg != NULL ? arg : &defaults;
	struct zpl_new n = {.mode = S_IFDIR | (in->mode & 07777), .uid = in->uid, .gid = in->gid};
	struct znode_new zn = {.n = &n, .links = 2, .size = 2};
	struct zpl z = {.os = os, .spa = objset_spa(os)};
	uint64_t sa_master;
	int rc;

	set_case(&z, in->casesensitivity);
	if ((rc = init_master(os, in, &sa_master, &z.delete_queue)) != 0 ||
	    (rc = sa_open(os, sa_master, &z.sa)) != 0)
		return (rc);
	if ((rc = znode_new(&z, &zn, &z.root)) == 0)
		rc = zap_add(os, MASTER_NODE, "ROOT", 8, 1, &z.root);
	sa_close(z.sa);
	return (rc);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int
master_get(struct zpl *z, const char *name, uint64_t absent, uint64_t *v)
{
	int rc = zap_lookup(z->os, MASTER_NODE, name, 8, 1, v);

	if (rc == -ENOENT) {
		*v = absent;
		return (0);
	}
	return (rc);
}

struct master {
	uint64_t sa, utf8only, normalization, casesensitivity;
};

static int
load_master(struct zpl *z, struct master *m)
{
	int rc;

	if ((rc = master_get(z, "VERSION", 0, &z->version)) != 0 ||
	    (rc = master_get(z, "ROOT", 0, &z->root)) != 0 ||
	    (rc = master_get(z, DELETE_QUEUE, 0, &z->delete_queue)) != 0 ||
	    (rc = master_get(z, "SA_ATTRS", 0, &m->sa)) != 0 ||
	    (rc = master_get(z, "utf8only", 0, &m->utf8only)) != 0 ||
	    (rc = master_get(z, "normalization", 0, &m->normalization)) != 0 ||
	    (rc = master_get(z, "casesensitivity", 0, &m->casesensitivity)) != 0)
		return (rc);
	return (z->root == 0 || z->version == 0 ? -EILSEQ : 0);
}

static int
load(struct zpl *z, struct err *e)
{
	struct master m;
	struct sa *sa;
	int rc;

	if ((rc = load_master(z, &m)) != 0)
		return (err_rc(e, rc, "the filesystem's master node is damaged"));
	if (z->version > ZPL_VERSION_SA)
		return (err_set(e, ENOTSUP, "filesystem version %llu is newer than %u",
		    (unsigned long long)z->version, ZPL_VERSION_SA));
	if (m.normalization != 0 && !z->readonly)
		return (err_set(e, ENOTSUP, "writing to a filesystem with name normalization"));
	if ((rc = sa_open(z->os, m.sa, &sa)) != 0)
		return (err_rc(e, rc, "the filesystem's attribute tables are damaged"));
	sa_close(z->sa);
	z->sa = sa;
	if (z->version < ZPL_VERSION_SA || z->delete_queue == 0)
		z->readonly = true; /* legacy znodes are read, not made */
	z->utf8only = m.utf8only != 0;
	set_case(z, m.casesensitivity);
	return (0);
}

int
zpl_open(struct dsl_dataset *ds, bool readonly, struct zpl **out, struct err *e)
{
	struct zpl *z = calloc(1, sizeof(*z));
	int rc;

	if (z == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	z->ds = ds;
	if ((rc = dsl_check_readable(ds, e)) != 0)
		goto out;
	if ((rc = dsl_objset(ds, &z->os)) != 0) {
		rc = err_rc(e, rc, "cannot open the dataset's objects");
		goto out;
	}
	z->spa = objset_spa(z->os);
	z->readonly = readonly || dsl_is_snapshot(ds) || spa_is_readonly(z->spa);
	if (objset_type(z->os) != OBJSET_ZFS)
		rc = err_set(e, EINVAL, "not a filesystem");
	else if ((rc = load(z, e)) == 0)
		rc = zpl_replay(z, e);
out:
	if (rc == 0)
		*out = z;
	else
		zpl_close(z);
	return (rc);
}

int
zpl_log_start(struct zpl *z, struct syncer *sync)
{
	if (dsl_is_snapshot(z->ds) || spa_is_readonly(z->spa))
		return (0);
	return (zil_open(z->ds, sync, &z->zil));
}

struct zilog *
zpl_log(const struct zpl *z)
{
	return (z->zil);
}

const struct zil_replayed *
zpl_replayed(const struct zpl *z)
{
	return (&z->replayed);
}

void
zpl_close(struct zpl *z)
{
	if (z == NULL)
		return;
	zil_close(z->zil);
	sa_close(z->sa);
	free(z);
}

int
zpl_reload(struct zpl *z, struct err *e)
{
	return (load(z, e));
}

void
zpl_set_readonly(struct zpl *z, bool readonly)
{
	z->readonly = readonly || dsl_is_snapshot(z->ds) || spa_is_readonly(z->spa) ||
	    z->version < ZPL_VERSION_SA || z->delete_queue == 0;
}

bool
zpl_is_readonly(const struct zpl *z)
{
	return (z->readonly);
}

struct dsl_dataset *
zpl_dataset(const struct zpl *z)
{
	return (z->ds);
}

uint64_t
zpl_root(const struct zpl *z)
{
	return (z->root);
}

bool
zpl_folds_case(const struct zpl *z)
{
	return (z->fold_case);
}

/* --- the delete queue ------------------------------------------------------------------------- */

/*
 * Free some blocks of a file that has many, so that the lock is not held for minutes.  1: there is more.
 * From one piece of data to the next: a sparse file may be exabytes long.
 */
static int
free_piece(struct zpl *z, uint64_t obj)
{
	uint64_t first = 0, next, piece;
	struct dmu_info info;
	int rc;

	if ((rc = dmu_object_info(z->os, obj, &info)) != 0)
		return (rc);
	piece = (uint64_t)FREE_PIECE_BLOCKS * info.block_size;
	if (info.type != OT_PLAIN_FILE || dmu_offset_next(z->os, obj, false, &first) != 0 ||
	    __builtin_add_overflow(first, piece, &next) ||
	    dmu_offset_next(z->os, obj, false, &next) != 0)
		return (0); /* what is left goes with the object; what cannot be read is reported there */
	rc = dmu_free_range(z->os, obj, first, piece);
	return (rc == 0 ? 1 : rc);
}

int
zpl_free_unlinked(struct zpl *z, uint64_t obj)
{
	uint64_t queued;
	int rc;

	if ((rc = zpl_may_free(z)) != 0)
		return (rc);
	if ((rc = zap_lookup_int(z->os, z->delete_queue, obj, &queued)) != 0)
		return (rc == -ENOENT ? 0 : rc); /* it was linked again, or is gone */
	if ((rc = free_piece(z, obj)) != 0 || (rc = znode_destroy(z, obj)) != 0)
		return (rc);
	return (zap_remove_int(z->os, z->delete_queue, obj));
}

int
zpl_walk_unlinked(struct zpl *z, int (*fn)(void *arg, uint64_t obj), void *arg)
{
	struct zap_entry ze;
	uint64_t cookie = 0;
	int rc;

	while ((rc = zap_next(z->os, z->delete_queue, &cookie, &ze)) == 0)
		if ((rc = fn(arg, ze.first)) != 0)
			return (rc);
	return (rc == -ENOENT ? 0 : rc);
}

int
zpl_count_unlinked(struct objset *os, uint64_t *n)
{
	uint64_t queue;
	int rc = zap_lookup(os, MASTER_NODE, DELETE_QUEUE, 8, 1, &queue);

	return (rc == 0 ? zap_count(os, queue, n) : rc);
}

static int
reap(void *arg, uint64_t obj)
{
	struct zpl *z = arg;
	int rc;

	while ((rc = zpl_free_unlinked(z, obj)) == 1)
		;
	return (rc == -ENOENT ? 0 : rc);
}

int
zpl_reap_unlinked(struct zpl *z)
{
	return (z->readonly ? 0 : zpl_walk_unlinked(z, reap, z));
}

void
zpl_time(struct zpl *z, uint64_t now[2])
{
	zpl_now(z, now);
}

int
zpl_discard_log(struct dsl_dataset *ds)
{
	struct objset *os;
	int rc = dsl_objset(ds, &os);

	return (rc != 0 || dsl_is_snapshot(ds) ? rc : zil_destroy(os));
}
