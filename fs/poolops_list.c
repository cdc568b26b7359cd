/* SPDX-License-Identifier: MIT */
/*
 * fs.list: any number of datasets with any properties in one answer.
 *
 * in	columns (strings: "name" or properties; '=' before it: exact numbers),
 *	roots (strings; none: the pool), depth (none: all),
 *	types (DSL_*), root_types (of roots that are listed alone, default types), raw, sources,
 *	user (flags)
 * out	rows (bytes), missing (strings: name, reason, name, reason, ...)
 *
 * The rows are one run of bytes, not an nvlist per dataset: a listing of 100,000 snapshots is the
 * engine's walk plus copying some text.  A row is its type ('f', 'v', 's', 'b'), then for each
 * column the value and, with `sources`, where it comes from; then, with `user`, name, value and
 * source of every user property and an empty name.  Every text ends in NUL.  A property that this
 * dataset does not have is the single byte 1.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poolops_impl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/props.h"

enum { VALUE_MAX = 8192, SOURCE_MAX = 300 };

static const char not_applicable[] = "\1";

/* How a column gets its text. */
enum how { BY_NAME, BY_MOUNTPOINT, BY_MOUNTED, BY_ENGINE };

struct column_req {
	struct dsl_prop_ref ref;
	enum how how;
	bool raw;
};

struct list_req {
	struct pool_session *s;
	struct column_req *col;
	size_t ncol;
	bool raw, sources, user;
	unsigned types, root_types; /* root_types: of a root that is listed alone */
	const char *root;
	unsigned depth;
	struct strlist mounted; /* sorted */
	struct buf rows;
};

static void
put_text(struct list_req *r, const char *s)
{
	buf_add(&r->rows, s, strlen(s) + 1);
}

static void
put_cell(struct list_req *r, const char *value, const char *source)
{
	put_text(r, value);
	if (r->sources)
		put_text(r, source);
}

static unsigned
type_of(struct dsl_dataset *ds)
{
	char type[32] = "";

	if (dsl_is_snapshot(ds))
		return (DSL_SNAPSHOT);
	(void)ds_prop(ds, "type", type, sizeof(type));
	return (strcmp(type, "volume") == 0 ? DSL_VOLUME :
	    strcmp(type, "bookmark") == 0 ? DSL_BOOKMARK : DSL_FILESYSTEM);
}

static char
type_letter(unsigned type)
{
	return (type == DSL_SNAPSHOT ? 's' : type == DSL_VOLUME ? 'v' : type == DSL_BOOKMARK ? 'b' : 'f');
}

static void
put_mountpoint(struct list_req *r, struct dsl_dataset *ds)
{
	char value[VALUE_MAX], source[SOURCE_MAX];

	if (ds_mountpoint(r->s, ds, value, sizeof(value), source, sizeof(source)) != 0)
		put_cell(r, not_applicable, "");
	else
		put_cell(r, value, source);
}

static int
compare_names(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

static int
note_mount(const struct fuse_mount_info *mi, void *arg)
{
	return (strlist_add(arg, mi->dataset));
}

/* What is mounted, sorted; asked for before the pool's lock is taken (poolops invariant 1). */
static int
read_mounts(struct list_req *r, struct err *e)
{
	if (r->s->fuse == NULL)
		return (0);
	if (fuse_walk(r->s->fuse, note_mount, &r->mounted) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	qsort(r->mounted.v, r->mounted.n, sizeof(*r->mounted.v), compare_names);
	return (0);
}

static void
put_mounted(struct list_req *r, const char *name)
{
	bool is_mounted = r->mounted.n != 0 && bsearch(&name, r->mounted.v, r->mounted.n,
	    sizeof(*r->mounted.v), compare_names) != NULL;

	put_cell(r, is_mounted ? "yes" : "no", "-");
}

/* The engine's text; -ENODATA is a property that applies but has nothing to say. */
static void
put_from_engine(struct list_req *r, const struct column_req *c, struct dsl_dataset *ds)
{
	char value[VALUE_MAX], source[SOURCE_MAX];
	int rc;

	source[0] = '\0';
	rc = dsl_prop_text_ref(ds, &c->ref, c->raw, value, sizeof(value),
	    r->sources ? source : NULL, sizeof(source));
	if (rc == 0)
		put_cell(r, value, source);
	else
		put_cell(r, rc == -ENODATA ? "-" : not_applicable, rc == -ENODATA ? "-" : "");
}

static void
put_column(struct list_req *r, const struct column_req *c, struct dsl_dataset *ds,
    const char *name, unsigned type)
{
	if (c->ref.prop != NULL && (c->ref.prop->types & type) == 0)
		put_cell(r, not_applicable, "");
	else if (c->how == BY_NAME)
		put_cell(r, name, "-");
	else if (c->how == BY_MOUNTPOINT)
		put_mountpoint(r, ds);
	else if (c->how == BY_MOUNTED)
		put_mounted(r, name);
	else
		put_from_engine(r, c, ds);
}

static int
put_user_prop(const char *name, const char *value, const char *source, void *arg)
{
	struct list_req *r = arg;

	put_text(r, name);
	put_text(r, value);
	put_text(r, source);
	return (0);
}

static int
put_row(struct list_req *r, struct dsl_dataset *ds, unsigned type)
{
	char name[DSL_NAME_MAX], letter = type_letter(type);

	dsl_name(ds, name);
	buf_add(&r->rows, &letter, 1);
	for (size_t i = 0; i < r->ncol; i++)
		put_column(r, &r->col[i], ds, name, type);
	if (r->user) {
		(void)dsl_user_props(ds, put_user_prop, r);
		put_text(r, "");
	}
	return (buf_failed(&r->rows) ? -ENOMEM : 0);
}

static int
walk_row(struct dsl_dataset *ds, void *arg)
{
	struct list_req *r = arg;
	unsigned type = type_of(ds);

	if ((r->types & type) == 0)
		return (0);
	if (r->depth != UINT32_MAX) {
		char name[DSL_NAME_MAX];

		dsl_name(ds, name);
		if (name_depth(name, r->root) > r->depth)
			return (0);
	}
	return (put_row(r, ds, type));
}

/* The dataset itself only: its type must be one of those asked for. */
static int
list_one(struct list_req *r, struct dsl_dataset *ds, struct err *e)
{
	unsigned type = type_of(ds);

	if ((r->root_types & type) == 0)
		return (err_set(e, EINVAL, "operation not applicable to datasets of this type"));
	return (put_row(r, ds, type));
}

static int
list_root(struct list_req *r, struct strlist *missing, struct err *e)
{
	struct spa *spa = r->s->spa;
	struct err why = ERR_INIT;
	struct dsl_dataset *ds;
	int rc = dsl_hold(spa, r->root, &ds, &why);

	if (rc == -ENOENT)
		(void)err_set(&why, ENOENT, "dataset does not exist");
	if (rc == 0) {
		if (r->depth == 0 || dsl_is_snapshot(ds))
			rc = list_one(r, ds, &why);
		dsl_rele(ds);
		if (rc == 0 && r->depth != 0 && strchr(r->root, '@') == NULL)
			return (dsl_walk(spa, r->root,
			    r->depth == UINT32_MAX ? -1 : (int)r->depth, r->types, walk_row, r, e));
	}
	if (rc != 0 && (strlist_add(missing, r->root) != 0 || strlist_add(missing, why.msg) != 0))
		return (err_set(e, ENOMEM, "out of memory"));
	return (rc == -ENOMEM ? err_set(e, ENOMEM, "out of memory") : 0);
}

static enum how
column_how(const char *name)
{
	if (strcmp(name, "name") == 0)
		return (BY_NAME);
	if (strcmp(name, "mountpoint") == 0)
		return (BY_MOUNTPOINT);
	return (strcmp(name, "mounted") == 0 ? BY_MOUNTED : BY_ENGINE);
}

static int
read_columns(struct list_req *r, const struct nvlist *in, struct err *e)
{
	const char *const *v;
	size_t n;

	if (nv_get_str_array(in, "columns", &v, &n) != 0)
		n = 0;
	if ((r->col = calloc(n + 1, sizeof(*r->col))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (; r->ncol < n; r->ncol++) {
		struct column_req *c = &r->col[r->ncol];

		bool is_exact = v[r->ncol][0] == '=';

		c->raw = r->raw || is_exact;
		dsl_prop_ref(v[r->ncol] + is_exact, &c->ref);
		c->how = column_how(c->ref.name);
		if (c->how == BY_NAME)
			c->ref.prop = NULL;
	}
	return (0);
}

static int
list_roots(struct list_req *r, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist missing = STRLIST_INIT;
	const char *pool = spa_name(r->s->spa), *const *roots = &pool;
	size_t n = 1;
	int rc = 0;

	(void)nv_get_str_array(in, "roots", &roots, &n);
	spa_enter(r->s->spa);
	for (size_t i = 0; i < n && rc == 0; i++) {
		r->root = roots[i];
		rc = list_root(r, &missing, e);
	}
	spa_exit(r->s->spa);
	if (rc == 0 && strlist_to_nv(&missing, out, "missing") != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	strlist_free(&missing);
	return (rc);
}

int
op_fs_list(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct list_req r = {.s = s, .raw = arg_flag(in, "raw"), .sources = arg_flag(in, "sources"),
	    .user = arg_flag(in, "user"), .rows = BUF_INIT};
	size_t len;
	int rc;

	r.types = (unsigned)nv_u64_or(in, "types", DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT);
	r.root_types = (unsigned)nv_u64_or(in, "root_types", r.types);
	r.depth = (unsigned)nv_u64_or(in, "depth", UINT32_MAX);
	if ((rc = read_columns(&r, in, e)) == 0 && (rc = read_mounts(&r, e)) == 0)
		rc = list_roots(&r, in, out, e);
	len = r.rows.len;
	if (rc == 0 && (buf_failed(&r.rows) || nv_give_bytes(out, "rows", buf_take(&r.rows), len) != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	strlist_free(&r.mounted);
	buf_free(&r.rows);
	free(r.col);
	return (rc);
}
