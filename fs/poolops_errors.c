/* SPDX-License-Identifier: MIT */
/*
 * Names for lost blocks: which file a (dataset, object) is.
 *
 *	<metadata>:<0x5>	of the pool itself
 *	tank/home:<0x80>	an object without a name (metadata of the dataset, a deleted file)
 *	/tank/home/a/file	of a mounted filesystem
 *	tank/home@snap:/a/file	of a snapshot, or of one that is not mounted
 *	<0x1f>:<0x80>		the dataset is gone
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errlog.h"
#include "poolops_impl.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zpl.h"

enum { PATH_BYTES = 4096, DEPTH_MAX = 256 };
#define OBJECT_MASK ((1ULL << 48) - 1)

struct find_dataset {
	uint64_t object;
	char name[DSL_NAME_MAX];
};

static int
match_dataset(struct dsl_dataset *ds, void *arg)
{
	struct find_dataset *f = arg;

	if (dsl_objnum(ds) != f->object)
		return (0);
	dsl_name(ds, f->name);
	return (1);
}

/* The path from the root, written from the end of the buffer; NULL: it has none. */
static char *
climb(struct zpl *z, struct objset *os, uint64_t object, char buf[PATH_BYTES])
{
	char *at = buf + PATH_BYTES - 1, name[ZAP_NAME_MAX];
	struct zpl_attr a;

	*at = '\0';
	for (int depth = 0; object != zpl_root(z); depth++) {
		size_t len;

		if (depth == DEPTH_MAX || zpl_getattr(z, object, &a) != 0 ||
		    zap_value_search(os, a.parent, object, OBJECT_MASK, name, sizeof(name)) != 0)
			return (NULL);
		len = strlen(name);
		if (len + 1 > (size_t)(at - buf))
			return (NULL);
		at -= len;
		memcpy(at, name, len);
		*--at = '/';
		object = a.parent;
	}
	if (*at == '\0')
		*--at = '/';
	return (at);
}

static bool
file_name(struct pool_session *s, struct dsl_dataset *ds, const char *dataset, uint64_t object,
    char *buf, size_t size)
{
	char path[PATH_BYTES], mounted[PATH_BYTES], *file = NULL;
	struct objset *os;
	struct zpl *z;

	if (dsl_objset(ds, &os) != 0 || objset_type(os) != OBJSET_ZFS || zpl_open(ds, true, &z, NULL) != 0)
		return (false);
	file = climb(z, os, object, path);
	zpl_close(z);
	if (file == NULL)
		return (false);
	if (s->fuse != NULL && fuse_mounted_at(s->fuse, dataset, mounted, sizeof(mounted)) == 0)
		(void)snprintf(buf, size, "%s%s", strcmp(mounted, "/") == 0 ? "" : mounted, file);
	else
		(void)snprintf(buf, size, "%s:%s", dataset, file);
	return (true);
}

static void
error_name(struct pool_session *s, const struct scrub_error *e, char *buf, size_t size)
{
	struct find_dataset f = {e->dataset, ""};
	struct dsl_dataset *ds;
	bool named = false;

	if (e->dataset == 0) {
		(void)snprintf(buf, size, "<metadata>:<0x%llx>", (unsigned long long)e->object);
		return;
	}
	if (dsl_walk(s->spa, NULL, -1, DSL_FILESYSTEM | DSL_SNAPSHOT | DSL_VOLUME, match_dataset, &f,
	    NULL) != 1) {
		(void)snprintf(buf, size, "<0x%llx>:<0x%llx>", (unsigned long long)e->dataset,
		    (unsigned long long)e->object);
		return;
	}
	if (dsl_hold(s->spa, f.name, &ds, NULL) == 0) {
		named = file_name(s, ds, f.name, e->object, buf, size);
		dsl_rele(ds);
	}
	if (!named)
		(void)snprintf(buf, size, "%s:<0x%llx>", f.name, (unsigned long long)e->object);
}

struct naming {
	struct pool_session *s;
	struct strlist *names;
};

static int
add_name(const struct scrub_error *e, void *arg)
{
	struct naming *n = arg;
	char name[2 * PATH_BYTES];

	error_name(n->s, e, name, sizeof(name));
	return (strlist_has(n->names, name) ? 0 : strlist_add(n->names, name));
}

int
errors_to_names(struct pool_session *s, struct strlist *names)
{
	struct naming n = {s, names};

	return (errlog_walk(s->spa, add_name, &n));
}
