/* SPDX-License-Identifier: MIT */
/*
 * Making, renaming and configuring datasets.
 *
 * A new filesystem is mounted when its properties say so.  What failed after the dataset was made
 * is reported as out["not_mounted"]: the dataset is there, and the tool says both.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "poolops_impl.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/props.h"
#include "smartbox/fs/zpl.h"
#include "smartbox/fs/zvol.h"

enum { TYPE_ZFS = 2, TYPE_ZVOL = 3, VOLUME_BLOCK = 16 << 10 };

/* Properties that shape a filesystem's objset when it is made. */
static int
filesystem_init(const struct nvlist *props, struct zpl_init *z, struct err *e)
{
	static const char *const names[] = {"utf8only", "normalization", "casesensitivity"};
	uint64_t v[3] = {0, 0, 0};

	for (int i = 0; i < 3; i++) {
		const struct fs_prop *p = fs_prop_find(names[i]);
		const char *text = props != NULL ? nv_str_or(props, names[i], NULL) : NULL;
		int rc = p != NULL && text != NULL ? fs_prop_parse(p, text, &v[i], e) : 0;

		if (rc != 0)
			return (rc);
	}
	*z = (struct zpl_init){.mode = 0755, .utf8only = v[0] != 0 || v[1] != 0,
	    .normalization = (unsigned)v[1], .casesensitivity = (unsigned)v[2]};
	return (0);
}

/* The parent must be there and be a filesystem. */
static int
check_parent(struct pool_session *s, const char *name, struct err *e)
{
	char parent[DSL_NAME_MAX], type[32];

	if (!name_parent(name, parent, sizeof(parent)))
		return (err_set(e, EEXIST, "missing dataset name"));
	if (session_prop(s, parent, "type", type, sizeof(type), NULL) != 0)
		return (err_set(e, ENOENT, "parent does not exist"));
	if (strcmp(type, "filesystem") != 0)
		return (err_set(e, EINVAL, "parent is not a filesystem"));
	return (0);
}

static int
create_filesystem(struct pool_session *s, const char *name, const struct nvlist *props,
    struct err *e)
{
	struct zpl_init z;
	struct dsl_create c = {.name = name, .type = TYPE_ZFS, .props = props,
	    .init = zpl_init_objset, .arg = &z};
	int rc;

	if ((rc = filesystem_init(props, &z, e)) != 0 || (rc = check_parent(s, name, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_create(s->spa, &c, e)) == 0)
		history_event(s, "create", name, "%s", "");
	spa_exit(s->spa);
	return (rc);
}

static int
number_prop(const struct nvlist *props, const char *name, uint64_t def, uint64_t *v, struct err *e)
{
	const char *text = props != NULL ? nv_str_or(props, name, NULL) : NULL;

	*v = def;
	return (text != NULL ? units_parse_size(text, v, e) : 0);
}

/* v->size is there. */
static int
volume_init(const struct nvlist *props, struct zvol_init *v, uint64_t *copies, struct err *e)
{
	uint64_t block;
	int rc;

	if ((rc = number_prop(props, "volblocksize", VOLUME_BLOCK, &block, e)) != 0 ||
	    (rc = number_prop(props, "copies", 1, copies, e)) != 0)
		return (rc);
	v->block_size = block <= UINT32_MAX ? (uint32_t)block : 0;
	return (zvol_check(v, e));
}

/* "auto": all that it can need. */
static const char *
reservation_text(const struct nvlist *props, bool sparse)
{
	const char *def = sparse ? "none" : "auto";

	return (props != NULL ? nv_str_or(props, "refreservation", def) : def);
}

static int
create_volume(struct pool_session *s, const char *name, uint64_t size, bool sparse,
    const struct nvlist *props, struct err *e)
{
	struct nvlist *all = props != NULL ? nv_dup(props) : nv_new();
	struct zvol_init v = {.size = size};
	struct dsl_create c = {.name = name, .type = TYPE_ZVOL, .props = all,
	    .init = zvol_init_objset, .arg = &v};
	uint64_t copies;
	char number[32];
	int rc;

	if (all == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = volume_init(all, &v, &copies, e)) != 0 || (rc = check_parent(s, name, e)) != 0)
		goto out;
	if (strcmp(reservation_text(all, sparse), "auto") == 0) {
		(void)snprintf(number, sizeof(number), "%llu",
		    (unsigned long long)zvol_reservation(&v, (unsigned)copies));
		if (nv_add_str(all, "refreservation", number) != 0) {
			rc = err_set(e, ENOMEM, "out of memory");
			goto out;
		}
	}
	spa_enter(s->spa);
	if ((rc = dsl_create(s->spa, &c, e)) == 0)
		history_event(s, "create", name, "%s", "");
	spa_exit(s->spa);
out:
	nv_free(all);
	return (rc);
}

/* Mounting comes after the fact: the dataset stays when it fails. */
static void
mount_created(struct pool_session *s, const char *name, const struct nvlist *in,
    struct nvlist *out)
{
	struct err e = ERR_INIT;

	if (!arg_flag(in, "nomount") && mount_new(s, name, &e) != 0)
		(void)nv_add_str(out, "not_mounted", e.msg);
}

/* -p: every missing dataset on the way, mounted like any other. */
static int
create_parents(struct pool_session *s, const char *name, const struct nvlist *in,
    struct nvlist *out, struct err *e)
{
	char part[DSL_NAME_MAX];
	int rc = 0;

	for (const char *p = strchr(name, '/'); p != NULL && rc == 0; p = strchr(p + 1, '/')) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(p - name), name);
		if (session_exists(s, part))
			continue;
		if ((rc = create_filesystem(s, part, NULL, e)) == 0)
			mount_created(s, part, in, out);
	}
	return (rc);
}

int
create_missing(struct pool_session *s, const char *name, bool nomount, struct err *why,
    struct err *e)
{
	char part[DSL_NAME_MAX];
	size_t n = strcspn(name, "/");
	int rc = 0;

	while (rc == 0 && name[n] == '/') {
		n += 1 + strcspn(name + n + 1, "/");
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, name);
		if (session_exists(s, part))
			continue;
		if ((rc = create_filesystem(s, part, NULL, e)) == 0 && !nomount)
			(void)mount_new(s, part, why);
	}
	return (rc);
}

/* What would be made: the name, its parent and the properties are looked at. */
static int
check_create(struct pool_session *s, const char *name, const struct nvlist *in,
    const struct nvlist *props, struct nvlist *out, struct err *e)
{
	bool is_volume = nv_has(in, "volsize"), sparse = arg_flag(in, "sparse");
	struct zvol_init v = {.size = nv_u64_or(in, "volsize", 0)};
	struct zpl_init z;
	uint64_t copies;
	int rc = arg_flag(in, "parents") ? 0 : check_parent(s, name, e);

	spa_enter(s->spa);
	if (rc == 0)
		rc = dsl_prop_check_new(s->spa, is_volume ? DSL_VOLUME : DSL_FILESYSTEM, props, e);
	spa_exit(s->spa);
	if (rc != 0 || !is_volume)
		return (rc != 0 ? rc : filesystem_init(props, &z, e));
	if ((rc = volume_init(props, &v, &copies, e)) != 0)
		return (rc);
	if (strcmp(reservation_text(props, sparse), "auto") == 0)
		(void)nv_add_u64(out, "refreservation", zvol_reservation(&v, (unsigned)copies));
	return (0);
}

/* in: name, [props], [volsize, flag sparse], flags parents, nomount, dryrun; out: exists, refreservation */
int
op_fs_create(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	bool is_volume = nv_has(in, "volsize");
	struct nvlist *props = NULL;
	const char *name;
	int rc;

	(void)nv_get_nvlist(in, "props", &props);
	if ((rc = arg_str(in, "name", &name, e)) != 0 ||
	    (rc = name_check_dataset(name, DSL_FILESYSTEM | DSL_VOLUME, e)) != 0)
		return (rc);
	if (session_exists(s, name)) {
		(void)nv_add_boolean(out, "exists");
		return (arg_flag(in, "parents") ? 0 :
		    err_set(e, EEXIST, "dataset already exists"));
	}
	if (arg_flag(in, "dryrun"))
		return (check_create(s, name, in, props, out, e));
	if (arg_flag(in, "parents") && (rc = create_parents(s, name, in, out, e)) != 0)
		return (rc);
	if (is_volume)
		rc = create_volume(s, name, nv_u64_or(in, "volsize", 0), arg_flag(in, "sparse"),
		    props, e);
	else
		rc = create_filesystem(s, name, props, e);
	if (rc == 0 && !is_volume)
		mount_created(s, name, in, out);
	return (rc);
}

/* in: origin, name, [props], flags parents, nomount */
int
op_fs_clone(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct nvlist *props = NULL;
	const char *origin, *name;
	int rc;

	(void)nv_get_nvlist(in, "props", &props);
	if ((rc = arg_str(in, "origin", &origin, e)) != 0 ||
	    (rc = arg_str(in, "name", &name, e)) != 0 ||
	    (rc = name_check_dataset(name, DSL_FILESYSTEM | DSL_VOLUME, e)) != 0)
		return (rc);
	if (session_exists(s, name))
		return (arg_flag(in, "parents") ? 0 :
		    err_set(e, EEXIST, "dataset already exists"));
	if (arg_flag(in, "parents"))
		rc = create_parents(s, name, in, out, e);
	if (rc == 0)
		rc = check_parent(s, name, e);
	if (rc != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_clone(s->spa, origin, name, props, e)) == 0)
		history_event(s, "clone", name, "origin=%s", origin);
	spa_exit(s->spa);
	if (rc == 0)
		mount_created(s, name, in, out);
	return (rc);
}

/* "pool/a@old" -> "@new" for every dataset below that has @old. */
static int
rename_snapshots(struct pool_session *s, const char *from, const char *to, struct err *e)
{
	const char *old = strchr(from, '@'), *new = strchr(to, '@');
	struct strlist fs = STRLIST_INIT;
	char root[DSL_NAME_MAX], a[2 * DSL_NAME_MAX], b[2 * DSL_NAME_MAX];
	int rc;

	(void)snprintf(root, sizeof(root), "%.*s", (int)(old - from), from);
	rc = session_names(s, root, -1, DSL_FILESYSTEM | DSL_VOLUME, &fs, e);
	for (size_t i = 0; i < fs.n && rc == 0; i++) {
		(void)snprintf(a, sizeof(a), "%s%s", fs.v[i], old);
		(void)snprintf(b, sizeof(b), "%s%s", fs.v[i], new);
		if (!session_exists(s, a))
			continue;
		if (s->fuse != NULL)
			fuse_release_snapshot(s->fuse, a);
		spa_enter(s->spa);
		rc = dsl_rename(s->spa, a, b, e);
		spa_exit(s->spa);
	}
	strlist_free(&fs);
	return (rc);
}

/* The names of what was mounted, after the rename of `from` to `to`. */
static int
renamed_list(const struct strlist *old, const char *from, const char *to, struct strlist *new)
{
	char name[2 * DSL_NAME_MAX];

	for (size_t i = 0; i < old->n; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", to, old->v[i] + strlen(from));
		if (strlist_add(new, name) != 0)
			return (-ENOMEM);
	}
	return (0);
}

static int
rename_dataset(struct pool_session *s, const char *from, const char *to, const struct nvlist *in,
    struct nvlist *out, struct err *e)
{
	struct strlist gone = STRLIST_INIT, back = STRLIST_INIT;
	struct err why = ERR_INIT;
	int rc;

	if (!arg_flag(in, "nomount") &&
	    (rc = unmount_tree(s, from, arg_flag(in, "force"), &gone, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_rename(s->spa, from, to, e)) == 0)
		history_event(s, "rename", to, "from %s", from);
	spa_exit(s->spa);
	if (renamed_list(&gone, from, rc == 0 ? to : from, &back) == 0 &&
	    remount_list(s, &back, &why) != 0)
		(void)nv_add_str(out, "not_mounted", why.msg);
	strlist_free(&gone);
	strlist_free(&back);
	return (rc);
}

/* in: from, to; flags recursive (snapshots), parents, force, nomount (leave mounts as they are) */
int
op_fs_rename(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *from, *to;
	int rc;

	if ((rc = arg_str(in, "from", &from, e)) != 0 || (rc = arg_str(in, "to", &to, e)) != 0)
		return (rc);
	if (!session_exists(s, from))
		return (err_set(e, ENOENT, "dataset does not exist"));
	if (name_pool_length(from) != name_pool_length(to) ||
	    strncmp(from, to, name_pool_length(from)) != 0)
		return (err_set(e, EXDEV, "datasets must be within same pool"));
	if (session_exists(s, to))
		return (err_set(e, EEXIST, "dataset already exists"));
	if (strchr(from, '@') != NULL) {
		if (arg_flag(in, "recursive"))
			return (rename_snapshots(s, from, to, e));
		if (s->fuse != NULL)
			fuse_release_snapshot(s->fuse, from);
		spa_enter(s->spa);
		rc = dsl_rename(s->spa, from, to, e);
		spa_exit(s->spa);
		return (rc);
	}
	if (name_is_within(to, from))
		return (err_set(e, EINVAL, "New dataset name cannot be a descendant of current dataset name"));
	if (arg_flag(in, "parents") && (rc = create_parents(s, to, in, out, e)) != 0)
		return (rc);
	if ((rc = check_parent(s, to, e)) != 0)
		return (rc);
	return (rename_dataset(s, from, to, in, out, e));
}

/*
 * A change of where things are mounted: take down what is mounted of `name` and below, change,
 * mount again.  A filesystem that had no mount point of its own and gets one is mounted too.
 */
static int
change_mountpoint(struct pool_session *s, const char *name,
    int (*change)(struct pool_session *s, const char *name, const void *arg, struct err *e),
    const void *arg, struct nvlist *out, struct err *e)
{
	struct strlist gone = STRLIST_INIT;
	struct err why = ERR_INIT;
	char path[PATH_MAX];
	bool was_off;
	int rc;

	was_off = session_prop(s, name, "mountpoint", path, sizeof(path), NULL) == 0 &&
	    path[0] != '/';
	if ((rc = unmount_tree(s, name, false, &gone, e)) != 0)
		return (rc);
	rc = change(s, name, arg, e);
	if (remount_list(s, &gone, &why) != 0 ||
	    (rc == 0 && was_off && mount_tree(s, name, &why) != 0))
		(void)nv_add_str(out, "not_mounted", why.msg);
	strlist_free(&gone);
	return (rc);
}

static int
set_props(struct pool_session *s, const char *name, const void *arg, struct err *e)
{
	int rc;

	spa_enter(s->spa);
	rc = dsl_prop_set(s->spa, name, arg, e);
	spa_exit(s->spa);
	return (rc);
}

static void
log_props(struct pool_session *s, const char *name, const struct nvlist *props)
{
	spa_enter(s->spa);
	for (struct nvpair *p = nv_next(props, NULL); p != NULL; p = nv_next(props, p))
		history_event(s, "set", name, "%s=%s", nvpair_name(p),
		    nv_str_or(props, nvpair_name(p), ""));
	spa_exit(s->spa);
}

/* With the mounts that the change concerns. */
static int
set_and_mount(struct pool_session *s, const char *name, const struct nvlist *props,
    struct nvlist *out, struct err *e)
{
	int rc;

	if (s->fuse != NULL && (nv_has(props, "mountpoint") ||
	    strcmp(nv_str_or(props, "canmount", "on"), "off") == 0))
		rc = change_mountpoint(s, name, set_props, props, out, e);
	else
		rc = set_props(s, name, props, e);
	if (rc == 0) {
		log_props(s, name, props);
		refresh_mounts(s, name);
	}
	return (rc);
}

/* in: name, props */
int
op_fs_set(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct nvlist *props, *more = NULL;
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (nv_get_nvlist(in, "props", &props) != 0)
		return (err_set(e, EINVAL, "argument 'props' is missing"));
	if (!session_exists(s, name))
		return (err_set(e, ENOENT, "dataset does not exist"));
	if ((rc = volume_props(s, name, props, &more, e)) == 0)
		rc = set_and_mount(s, name, more != NULL ? more : props, out, e);
	nv_free(more);
	return (rc);
}

struct inherit {
	const char *prop;
	bool received;
};

static int
inherit_prop(struct pool_session *s, const char *name, const void *arg, struct err *e)
{
	const struct inherit *i = arg;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_prop_inherit(s->spa, name, i->prop, i->received, e)) == 0)
		history_event(s, "inherit", name, "%s=", i->prop);
	spa_exit(s->spa);
	return (rc);
}

static int
inherit_one(struct pool_session *s, const char *name, const struct inherit *i, struct nvlist *out,
    struct err *e)
{
	if (s->fuse != NULL && strcmp(i->prop, "mountpoint") == 0)
		return (change_mountpoint(s, name, inherit_prop, i, out, e));
	return (inherit_prop(s, name, i, e));
}

/* in: name, prop; flags recursive, received */
int
op_fs_inherit(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct inherit i = {.received = arg_flag(in, "received")};
	struct strlist names = STRLIST_INIT;
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0 || (rc = arg_str(in, "prop", &i.prop, e)) != 0)
		return (rc);
	if (!session_exists(s, name))
		return (err_set(e, ENOENT, "dataset does not exist"));
	if (arg_flag(in, "recursive") && strchr(name, '@') == NULL)
		rc = session_names(s, name, -1, DSL_FILESYSTEM | DSL_VOLUME, &names, e);
	else if (strlist_add(&names, name) != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	for (size_t k = 0; k < names.n && rc == 0; k++)
		rc = inherit_one(s, names.v[k], &i, out, e);
	strlist_free(&names);
	refresh_mounts(s, name);
	return (rc);
}

/* With -r every dataset below gets a snapshot of the same name, all in one txg. */
static int
snapshot_names(struct pool_session *s, const struct nvlist *in, struct strlist *l, struct err *e)
{
	struct strlist fs = STRLIST_INIT;
	const char *const *names;
	size_t n;
	int rc = 0;

	if (nv_get_str_array(in, "names", &names, &n) != 0 || n == 0)
		return (err_set(e, EINVAL, "argument 'names' is missing"));
	for (size_t i = 0; i < n && rc == 0; i++) {
		char root[DSL_NAME_MAX], snap[2 * DSL_NAME_MAX];
		const char *at = strchr(names[i], '@');

		if ((rc = name_check_dataset(names[i], DSL_SNAPSHOT, e)) != 0)
			break;
		(void)snprintf(root, sizeof(root), "%.*s", (int)(at - names[i]), names[i]);
		if ((rc = session_names(s, root, arg_flag(in, "recursive") ? -1 : 0,
		    DSL_FILESYSTEM | DSL_VOLUME, &fs, e)) != 0)
			break;
		for (size_t k = 0; k < fs.n && rc == 0; k++) {
			(void)snprintf(snap, sizeof(snap), "%s%s", fs.v[k], at);
			if (strlen(snap) >= DSL_NAME_MAX)
				rc = err_set(e, ENAMETOOLONG, "name is too long");
			else if (strlist_add(l, snap) != 0)
				rc = err_set(e, ENOMEM, "out of memory");
		}
		strlist_free(&fs);
	}
	strlist_free(&fs);
	return (rc);
}

static int
refuse_existing(struct pool_session *s, const struct strlist *l, struct nvlist *out, struct err *e)
{
	struct strlist there = STRLIST_INIT;
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++)
		if (session_exists(s, l->v[i]))
			rc = strlist_add(&there, l->v[i]);
	if (rc == 0 && there.n != 0)
		rc = strlist_to_nv(&there, out, "existing");
	if (rc != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	else if (there.n != 0)
		rc = err_set(e, EEXIST, "dataset already exists");
	strlist_free(&there);
	return (rc);
}

/* The dataset of a snapshot's name. */
static void
flush_origin(struct pool_session *s, const char *snapshot)
{
	char fs[DSL_NAME_MAX];

	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(snapshot, "@"), snapshot);
	flush_mount(s, fs);
}

/* in: names (strings), [props]; flag recursive.  out: existing (strings) */
int
op_fs_snapshot(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist l = STRLIST_INIT;
	struct nvlist *props = NULL;
	int rc;

	(void)nv_get_nvlist(in, "props", &props);
	if ((rc = snapshot_names(s, in, &l, e)) == 0 &&
	    (rc = refuse_existing(s, &l, out, e)) == 0) {
		for (size_t i = 0; i < l.n; i++)
			flush_origin(s, l.v[i]);
		spa_enter(s->spa);
		rc = dsl_snapshot(s->spa, (const char *const *)l.v, l.n, props, e);
		for (size_t i = 0; i < l.n && rc == 0; i++)
			history_event(s, "snapshot", l.v[i], "%s", "");
		spa_exit(s->spa);
	}
	strlist_free(&l);
	return (rc);
}
