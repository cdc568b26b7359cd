/* SPDX-License-Identifier: MIT */
/*
 * diff: two snapshots of a filesystem, compared by their objects.
 *
 * A block of dnodes that is the same block in both snapshots has the same objects in it and is not
 * read.  Of each object in the others there are two views:
 *
 *	only before: removed		only after: added
 *	another generation: the number was used again: removed and added
 *	the same change time: nothing happened to it
 *	another name: renamed		more or fewer links, or anything else: modified
 *
 * A name is found backwards, from an object to its parent, up to the root.
 */
#include "smartbox/fs/zpl_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dmu_impl.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zpl.h"

#define PATH_ROOM 4096
#define DEPTH_MAX 4096
#define OBJECT_MASK ((1ULL << 48) - 1)
#define FLAG_XATTR 1

struct side {
	struct objset *os;
	struct zpl *z;
};

struct view {
	bool is_there;
	struct zpl_attr a;
	char path[PATH_ROOM];
};

struct diff {
	struct side from, to;
	zpl_change_fn *fn;
	void *arg;
	struct view *a, *b;
};

/* --- one object ------------------------------------------------------------------------------- */

/* "/a/b" of an object, written from the end of buf. */
static int
find_path(const struct side *s, uint64_t obj, uint64_t parent, char buf[PATH_ROOM])
{
	char name[ZAP_NAME_MAX];
	size_t at = PATH_ROOM - 1, n, depth = 0;
	struct zpl_attr a;
	int rc = 0;

	buf[at] = '\0';
	while (obj != zpl_root(s->z) && rc == 0) {
		if (depth++ > DEPTH_MAX)
			return (-ELOOP);
		rc = zap_value_search(s->os, parent, obj, OBJECT_MASK, name, sizeof(name));
		n = rc == 0 ? strlen(name) : 0;
		if (rc != 0 || n + 2 > at)
			return (rc != 0 ? rc : -ENAMETOOLONG);
		at -= n;
		memcpy(buf + at, name, n);
		buf[--at] = '/';
		obj = parent;
		if ((rc = zpl_getattr(s->z, obj, &a)) == 0)
			parent = a.parent;
	}
	if (rc == 0 && buf[at] == '\0')
		buf[--at] = '/';
	memmove(buf, buf + at, PATH_ROOM - at);
	return (rc);
}

static bool
is_file(const struct side *s, uint64_t obj)
{
	struct dmu_info i;

	return (dmu_object_info(s->os, obj, &i) == 0 &&
	    (i.type == OT_PLAIN_FILE || i.type == OT_DIRECTORY) &&
	    (i.bonus_type == OT_SA || i.bonus_type == OT_ZNODE));
}

/* Attributes' own files and what is unlinked are nobody's business. */
static int
look(const struct side *s, uint64_t obj, struct view *v)
{
	int rc;

	v->is_there = false;
	if (!is_file(s, obj))
		return (0);
	if ((rc = zpl_getattr(s->z, obj, &v->a)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	if ((v->a.flags & FLAG_XATTR) || v->a.links == 0)
		return (0);
	v->is_there = true;
	rc = find_path(s, obj, v->a.parent, v->path);
	if (rc == -ENOENT || rc == -ENAMETOOLONG || rc == -ELOOP) {
		(void)snprintf(v->path, sizeof(v->path), "/<object %llu>", (unsigned long long)obj);
		rc = 0;
	}
	return (rc);
}

static int
tell(struct diff *d, char what, const struct view *v, const char *new_path, int64_t links)
{
	struct zpl_change c = {what, v->a.mode, {v->a.ctime[0], v->a.ctime[1]}, links, v->path, new_path};

	return (d->fn(&c, d->arg));
}

static int
compare(struct diff *d)
{
	struct view *a = d->a, *b = d->b;
	int64_t links = (int64_t)b->a.links - (int64_t)a->a.links;
	int rc;

	if (a->a.gen != b->a.gen || (a->a.mode & S_IFMT) != (b->a.mode & S_IFMT)) {
		rc = tell(d, '-', a, NULL, 0);
		return (rc != 0 ? rc : tell(d, '+', b, NULL, 0));
	}
	if (memcmp(a->a.ctime, b->a.ctime, sizeof(a->a.ctime)) == 0)
		return (0);
	if (links != 0 && !S_ISDIR(b->a.mode)) {
		if (links > 0)
			memcpy(b->path, a->path, sizeof(b->path));
		return (tell(d, 'M', b, NULL, links));
	}
	if (strcmp(a->path, b->path) == 0)
		return (tell(d, 'M', b, NULL, 0));
	a->a = b->a;
	return (tell(d, 'R', a, b->path, 0));
}

static int
diff_object(struct diff *d, uint64_t obj)
{
	int rc;

	if ((rc = look(&d->from, obj, d->a)) != 0 || (rc = look(&d->to, obj, d->b)) != 0)
		return (rc);
	if (d->a->is_there && d->b->is_there)
		return (compare(d));
	if (d->a->is_there)
		return (tell(d, '-', d->a, NULL, 0));
	return (d->b->is_there ? tell(d, '+', d->b, NULL, 0) : 0);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool
is_same_block(const struct blkptr *a, const struct blkptr *b)
{
	if (bp_is_hole(a) || bp_is_hole(b))
		return (bp_is_hole(a) && bp_is_hole(b));
	return (memcmp(a, b, sizeof(*a)) == 0);
}

/* Do the blocks of dnodes differ? */
static int
differs(struct diff *d, uint64_t blkid, bool *yes)
{
	struct blkptr a, b;
	int rc;

	if ((rc = dbuf_bp(&d->from.os->meta, 0, blkid, &a)) != 0 ||
	    (rc = dbuf_bp(&d->to.os->meta, 0, blkid, &b)) != 0)
		return (rc);
	*yes = !is_same_block(&a, &b);
	return (0);
}

static int
diff_all(struct diff *d)
{
	uint64_t a = d->from.os->phys.meta.maxblkid, b = d->to.os->phys.meta.maxblkid, i, k;
	bool yes;
	int rc = 0;

	for (i = 0; i <= (a > b ? a : b) && rc == 0; i++) {
		if ((rc = differs(d, i, &yes)) != 0 || !yes)
			continue;
		for (k = i == 0 ? 1 : 0; k < DNODES_PER_BLOCK && rc == 0; k++)
			rc = diff_object(d, i * DNODES_PER_BLOCK + k);
	}
	return (rc);
}

int
zpl_diff(struct dsl_dataset *from, struct dsl_dataset *to, zpl_change_fn *fn, void *arg,
    struct err *e)
{
	struct diff d = {.fn = fn, .arg = arg};
	int rc;

	d.a = malloc(sizeof(*d.a));
	d.b = malloc(sizeof(*d.b));
	if (d.a == NULL || d.b == NULL)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = zpl_open(from, true, &d.from.z, e)) == 0 &&
	    (rc = zpl_open(to, true, &d.to.z, e)) == 0 &&
	    (rc = err_rc(e, dsl_objset(from, &d.from.os), "snapshot")) == 0 &&
	    (rc = err_rc(e, dsl_objset(to, &d.to.os), "snapshot")) == 0)
		rc = err_rc(e, diff_all(&d), "cannot compare");
	zpl_close(d.from.z);
	zpl_close(d.to.z);
	free(d.a);
	free(d.b);
	return (rc);
}
