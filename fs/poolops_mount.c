/* SPDX-License-Identifier: MIT */
/*
 * Mounting: which filesystems, where, in which order.
 *
 * The properties say what should be mounted (mountpoint, canmount, zoned), the FUSE server knows
 * what is.  Parents come before children, by mount point, not by name: a child may be mounted
 * above its parent.  Paths are only touched without the pool's lock (poolops invariant 1).
 *
 *	mountpoint	canmount	zfs mount -a, import, create	zfs mount NAME
 *	a path		on		mounted				mounted
 *	a path		noauto		-				mounted
 *	a path		off		-				refused
 *	none, legacy	any		-				refused
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poolops_impl.h"
#include "smartbox/core/file.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/zpl.h"

/* One filesystem as its properties describe it. */
struct mount_plan {
	char name[DSL_NAME_MAX];
	char path[PATH_MAX]; /* or "legacy", "none" */
	char canmount[16];
	bool is_zoned, may_overlay, is_filesystem;
};

struct plan_list {
	struct mount_plan *v;
	size_t n, cap;
};

int
ds_mountpoint(struct pool_session *s, struct dsl_dataset *ds, char *buf, size_t size,
    char *source, size_t source_size)
{
	char value[PATH_MAX];
	int n, rc = dsl_prop_text(ds, "mountpoint", true, value, sizeof(value), source, source_size);

	if (rc != 0)
		return (rc);
	if (value[0] != '/')
		n = snprintf(buf, size, "%s", value);
	else if (s->altroot[0] != '\0' && strcmp(value, "/") == 0)
		n = snprintf(buf, size, "%s", s->altroot);
	else
		n = snprintf(buf, size, "%s%s", s->altroot, value);
	return (n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0);
}

static bool
prop_is(struct dsl_dataset *ds, const char *prop, const char *word)
{
	char value[64];

	return (ds_prop(ds, prop, value, sizeof(value)) == 0 && strcmp(value, word) == 0);
}

static int
plan_of(struct pool_session *s, struct dsl_dataset *ds, struct mount_plan *p)
{
	char source[DSL_NAME_MAX + 32];

	dsl_name(ds, p->name);
	p->is_filesystem = !dsl_is_snapshot(ds) && prop_is(ds, "type", "filesystem");
	if (!p->is_filesystem)
		return (0);
	p->is_zoned = prop_is(ds, "zoned", "on");
	p->may_overlay = !prop_is(ds, "overlay", "off");
	if (ds_prop(ds, "canmount", p->canmount, sizeof(p->canmount)) != 0)
		(void)snprintf(p->canmount, sizeof(p->canmount), "on");
	source[0] = '\0';
	if (ds_mountpoint(s, ds, p->path, sizeof(p->path), source, sizeof(source)) != 0)
		return (-ENAMETOOLONG);
	return (0);
}

static int
plan_by_name(struct pool_session *s, const char *name, struct mount_plan *p, struct err *e)
{
	struct dsl_dataset *ds;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		rc = dsl_is_inconsistent(ds) ? err_set(e, EBUSY, "partially received") :
					       err_rc(e, plan_of(s, ds, p), "mount point");
		dsl_rele(ds);
	} else if (rc == -ENOENT) {
		(void)err_set(e, ENOENT, "dataset does not exist");
	}
	spa_exit(s->spa);
	return (rc);
}

struct plan_walk {
	struct pool_session *s;
	struct plan_list *l;
};

static int
add_plan(struct dsl_dataset *ds, void *arg)
{
	struct plan_walk *w = arg;
	struct plan_list *l = w->l;
	struct mount_plan *p;

	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? 2 * l->cap : 16;

		if ((p = realloc(l->v, cap * sizeof(*p))) == NULL)
			return (-ENOMEM);
		l->v = p;
		l->cap = cap;
	}
	p = &l->v[l->n];
	if (!dsl_is_inconsistent(ds) && plan_of(w->s, ds, p) == 0 && p->path[0] == '/' && !p->is_zoned &&
	    strcmp(p->canmount, "on") == 0)
		l->n++;
	return (0);
}

/* '/' before every other character, so that a directory comes right before what is in it. */
static int
compare_paths(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	if (*a == *b)
		return (0);
	if (*a == '/' || *b == '\0')
		return (*b == '\0' ? 1 : -1);
	if (*b == '/' || *a == '\0')
		return (*a == '\0' ? -1 : 1);
	return ((unsigned char)*a < (unsigned char)*b ? -1 : 1);
}

static int
compare_plans(const void *a, const void *b)
{
	const struct mount_plan *pa = a, *pb = b;
	int c = compare_paths(pa->path, pb->path);

	return (c != 0 ? c : strcmp(pa->name, pb->name));
}

static bool
directory_is_empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	bool is_empty = true;

	if (d == NULL)
		return (true);
	while (is_empty && (de = readdir(d)) != NULL)
		is_empty = strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	(void)closedir(d);
	return (is_empty);
}

/* What the one who mounts wants otherwise than the properties say. */
struct mount_wish {
	struct fuse_override override;
	bool overlay;
};

static int
mount_planned(struct pool_session *s, const struct mount_plan *p, const struct mount_wish *w,
    struct err *e)
{
	struct fuse_mount_opts o;
	int rc;

	memset(&o, 0, sizeof(o));
	if ((rc = file_mkdirs(p->path, 0755, e)) != 0)
		return (rc);
	if (!(w != NULL && w->overlay) && !p->may_overlay && !directory_is_empty(p->path))
		return (err_set(e, ENOTEMPTY, "directory is not empty"));
	if ((rc = fuse_opts_from_props(s->fuse, p->name, &o, e)) != 0)
		return (rc);
	if (w != NULL)
		o.override = w->override;
	return (fuse_mount(s->fuse, p->name, p->path, &o, e));
}

static bool
is_mounted(struct pool_session *s, const char *name)
{
	char path[8];

	return (s->fuse != NULL && fuse_mounted_at(s->fuse, name, path, sizeof(path)) != -ENOENT);
}

int
mount_new(struct pool_session *s, const char *name, struct err *e)
{
	struct mount_plan p;
	int rc;

	if (s->fuse == NULL)
		return (0);
	if ((rc = plan_by_name(s, name, &p, e)) != 0)
		return (rc);
	if (!p.is_filesystem || p.path[0] != '/' || p.is_zoned || strcmp(p.canmount, "on") != 0)
		return (0);
	return (mount_planned(s, &p, NULL, e));
}

/* n: how many should be mounted. */
static int
mount_tree_as(struct pool_session *s, const char *root, const struct mount_wish *wish, size_t *n,
    struct err *e)
{
	struct plan_list l = {NULL, 0, 0};
	struct plan_walk w = {s, &l};
	int rc, first = 0;

	if (s->fuse == NULL)
		return (0);
	spa_enter(s->spa);
	rc = dsl_walk(s->spa, root, -1, DSL_FILESYSTEM, add_plan, &w, e);
	spa_exit(s->spa);
	if (rc == 0)
		qsort(l.v, l.n, sizeof(*l.v), compare_plans);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct err one = ERR_INIT;

		/* One that cannot be mounted keeps nobody else from it; the first is reported. */
		if (is_mounted(s, l.v[i].name) ||
		    mount_planned(s, &l.v[i], wish, &one) == 0 || first != 0)
			continue;
		first = err_set(e, one.code, "cannot mount '%s': %s", l.v[i].name, one.msg);
	}
	if (n != NULL)
		*n = l.n;
	free(l.v);
	return (rc != 0 ? rc : first);
}

int
mount_tree(struct pool_session *s, const char *root, struct err *e)
{
	return (mount_tree_as(s, root, NULL, NULL, e));
}

struct mounted_walk {
	const char *root; /* NULL: all */
	struct strlist names, paths;
};

static int
note_mounted(const struct fuse_mount_info *mi, void *arg)
{
	struct mounted_walk *w = arg;

	if (w->root != NULL && !name_is_within(mi->dataset, w->root))
		return (0);
	if (strlist_add(&w->names, mi->dataset) != 0 || strlist_add(&w->paths, mi->path) != 0)
		return (-ENOMEM);
	return (0);
}

/* In the order of mounting. */
static int
mounted_below(struct pool_session *s, const char *root, struct mounted_walk *w, struct err *e)
{
	*w = (struct mounted_walk){root, STRLIST_INIT, STRLIST_INIT};
	if (s->fuse == NULL || fuse_walk(s->fuse, note_mounted, w) == 0)
		return (0);
	return (err_set(e, ENOMEM, "out of memory"));
}

static void
mounted_free(struct mounted_walk *w)
{
	strlist_free(&w->names);
	strlist_free(&w->paths);
}

void
remove_mountpoint(const char *path)
{
	(void)rmdir(path);
}

/* A busy filesystem is what users meet; say it as they know it. */
static int
unmount_one(struct pool_session *s, const char *name, const char *path, bool force, struct err *e)
{
	int rc = fuse_unmount(s->fuse, name, force, e);

	if (rc == -EBUSY)
		return (err_set(e, EBUSY, "cannot unmount '%s': pool or dataset is busy", path));
	return (rc == -ENOENT ? 0 : rc);
}

int
unmount_tree(struct pool_session *s, const char *root, bool force, struct strlist *gone,
    struct err *e)
{
	struct strlist done = STRLIST_INIT;
	struct mounted_walk w;
	int rc = mounted_below(s, root, &w, e);

	for (size_t i = w.names.n; rc == 0 && i-- > 0;) {
		if ((rc = unmount_one(s, w.names.v[i], w.paths.v[i], force, e)) == 0 &&
		    strlist_add(&done, w.names.v[i]) != 0)
			rc = err_set(e, ENOMEM, "out of memory");
	}
	mounted_free(&w);
	if (rc != 0)
		(void)remount_list(s, &done, NULL);
	if (rc == 0 && gone != NULL)
		*gone = done;
	else
		strlist_free(&done);
	return (rc);
}

int
remount_list(struct pool_session *s, const struct strlist *gone, struct err *e)
{
	static const struct mount_wish as_before = {.overlay = true};
	int rc = 0;

	for (size_t i = gone->n; i-- > 0;) {
		struct err one = ERR_INIT;
		struct mount_plan p;

		if (plan_by_name(s, gone->v[i], &p, NULL) != 0 || p.path[0] != '/' ||
		    strcmp(p.canmount, "off") == 0)
			continue;
		if (mount_planned(s, &p, &as_before, &one) != 0 && rc == 0)
			rc = err_set(e, one.code, "cannot mount '%s': %s", p.name, one.msg);
	}
	return (rc);
}

void
note_mounts_below(struct pool_session *s, const char *root, struct strlist *l)
{
	struct mounted_walk w;

	if (mounted_below(s, root, &w, NULL) == 0)
		for (size_t i = w.names.n; i-- > 0;)
			if (strcmp(w.names.v[i], root) != 0)
				(void)strlist_add(l, w.names.v[i]);
	mounted_free(&w);
}

/*
 * The kernel's list says what is; ours follows when the session has noticed.  The kernel itself notices
 * when somebody comes by.
 */
static bool
is_in_kernel(struct pool_session *s, const char *dataset)
{
	char *mounts, *line, *save, *end, path[PATH_MAX];
	size_t n = strlen(dataset);
	bool found = false;
	struct stat st;

	if (fuse_mounted_at(s->fuse, dataset, path, sizeof(path)) == 0)
		(void)lstat(path, &st);
	if (file_read("/proc/self/mounts", 64 << 20, &mounts, NULL, NULL) != 0)
		return (true);
	for (line = strtok_r(mounts, "\n", &save); line != NULL && !found;
	    line = strtok_r(NULL, "\n", &save))
		found = strncmp(line, dataset, n) == 0 && (end = line + n)[0] == ' ';
	free(mounts);
	return (found);
}

void
mount_lost(struct pool_session *s, const struct strlist *l)
{
	struct strlist lost = STRLIST_INIT;

	for (size_t i = 0; i < l->n; i++) {
		if (is_in_kernel(s, l->v[i]))
			continue;
		(void)fuse_unmount(s->fuse, l->v[i], true, NULL);
		(void)strlist_add(&lost, l->v[i]);
	}
	(void)remount_list(s, &lost, NULL);
	strlist_free(&lost);
}

void
refresh_mounts(struct pool_session *s, const char *root)
{
	struct mounted_walk w;

	if (mounted_below(s, root, &w, NULL) == 0)
		for (size_t i = 0; i < w.names.n; i++) {
			struct fuse_mount_opts o;

			memset(&o, 0, sizeof(o));
			if (fuse_opts_from_props(s->fuse, w.names.v[i], &o, NULL) == 0)
				(void)fuse_remount(s->fuse, w.names.v[i], &o, NULL);
		}
	mounted_free(&w);
}

void
flush_mount(struct pool_session *s, const char *dataset)
{
	char path[PATH_MAX];
	int fd;

	if (s->fuse == NULL || fuse_mounted_at(s->fuse, dataset, path, sizeof(path)) != 0)
		return;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return;
	(void)syncfs(fd);
	(void)close(fd);
}

static int
check_mountable(struct pool_session *s, const struct mount_plan *p, bool has_path, struct err *e)
{
	if (!p->is_filesystem)
		return (err_set(e, EINVAL, "operation not applicable to datasets of this type"));
	if (is_mounted(s, p->name))
		return (err_set(e, EBUSY, "filesystem already mounted"));
	if (strcmp(p->canmount, "off") == 0)
		return (err_set(e, EINVAL, "'canmount' property is set to 'off'"));
	if (has_path)
		return (0);
	if (strcmp(p->path, "legacy") == 0)
		return (err_set(e, EINVAL, "legacy mountpoint"));
	if (strcmp(p->path, "none") == 0)
		return (err_set(e, EINVAL, "no mountpoint set"));
	if (p->is_zoned)
		return (err_set(e, EINVAL, "dataset is delegated to a zone"));
	return (0);
}

/* The words of mount(8) that one mount can have for itself; those of Solaris too. */
static const struct mount_word {
	const char *word;
	uint32_t bit;
	bool on;
} mount_words[] = {
    {"ro", FUSE_READONLY, true}, {"rw", FUSE_READONLY, false},
    {"nodev", FUSE_NODEV, true}, {"dev", FUSE_NODEV, false},
    {"nodevices", FUSE_NODEV, true}, {"devices", FUSE_NODEV, false},
    {"nosuid", FUSE_NOSUID, true}, {"suid", FUSE_NOSUID, false},
    {"nosetuid", FUSE_NOSUID, true}, {"setuid", FUSE_NOSUID, false},
    {"noexec", FUSE_NOEXEC, true}, {"exec", FUSE_NOEXEC, false},
    {"noatime", FUSE_NOATIME, true}, {"atime", FUSE_NOATIME, false},
    {"relatime", FUSE_RELATIME, true}, {"norelatime", FUSE_RELATIME, false},
    {"strictatime", FUSE_RELATIME, false},
    {"defaults", 0, false}, {"remount", 0, false},
};

/* in: options (strings), flag overlay */
static int
read_wish(const struct nvlist *in, struct mount_wish *w, bool *remount, struct err *e)
{
	const size_t count = sizeof(mount_words) / sizeof(mount_words[0]);
	const char *const *v;
	size_t n = 0, k;

	*w = (struct mount_wish){.overlay = arg_flag(in, "overlay")};
	*remount = false;
	(void)nv_get_str_array(in, "options", &v, &n);
	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < count && strcmp(v[i], mount_words[k].word) != 0; k++)
			continue;
		if (k == count)
			return (err_set(e, EINVAL, "invalid mount option '%s'", v[i]));
		*remount = *remount || strcmp(v[i], "remount") == 0;
		w->override.set |= mount_words[k].bit;
		w->override.value &= ~mount_words[k].bit;
		w->override.value |= mount_words[k].on ? mount_words[k].bit : 0;
	}
	return (0);
}

static int
remount_one(struct pool_session *s, const char *name, const struct mount_wish *w, struct err *e)
{
	struct fuse_mount_opts o;
	int rc;

	if (!is_mounted(s, name))
		return (err_set(e, EINVAL, "not mounted"));
	memset(&o, 0, sizeof(o));
	if ((rc = fuse_opts_from_props(s->fuse, name, &o, e)) != 0)
		return (rc);
	o.override = w->override;
	return (fuse_remount(s->fuse, name, &o, e));
}

/* in: name, [path], [options] (strings), flag overlay */
int
op_fs_mount(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *name, *path = nv_str_or(in, "path", NULL);
	struct mount_wish w;
	struct mount_plan p;
	bool remount;
	int rc;

	(void)out;
	if (s->fuse == NULL)
		return (err_set(e, ENOTSUP, "this pool is open without mounts"));
	if ((rc = arg_str(in, "name", &name, e)) != 0 || (rc = read_wish(in, &w, &remount, e)) != 0 ||
	    (rc = plan_by_name(s, name, &p, e)) != 0)
		return (rc);
	if (remount)
		return (remount_one(s, name, &w, e));
	if ((rc = check_mountable(s, &p, path != NULL, e)) != 0)
		return (rc);
	if (path != NULL &&
	    (size_t)snprintf(p.path, sizeof(p.path), "%s", path) >= sizeof(p.path))
		return (err_set(e, ENAMETOOLONG, "mount point is too long"));
	return (mount_planned(s, &p, &w, e));
}

int
mount_imported(struct pool_session *s, const struct nvlist *in, struct err *e)
{
	struct mount_wish w;
	bool remount;
	int rc = read_wish(in, &w, &remount, e);

	return (rc != 0 ? rc : mount_tree_as(s, NULL, &w, NULL, e));
}

/* in: [root], [options], flag overlay; out: count (how many should be mounted) */
int
op_fs_mount_all(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct mount_wish w;
	bool remount;
	size_t n = 0;
	int rc = read_wish(in, &w, &remount, e);

	if (rc == 0)
		rc = mount_tree_as(s, nv_str_or(in, "root", NULL), &w, &n, e);
	(void)nv_add_u64(out, "count", n);
	return (rc);
}

/* in: name, or path of the mount point; flag force */
int
op_fs_unmount(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	char path[PATH_MAX];
	struct mount_plan p;
	const char *name;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "name", &name, e)) != 0 || (rc = plan_by_name(s, name, &p, e)) != 0)
		return (rc);
	if (!p.is_filesystem)
		return (err_set(e, EINVAL, "operation not applicable to datasets of this type"));
	if (s->fuse == NULL || fuse_mounted_at(s->fuse, name, path, sizeof(path)) != 0)
		return (err_set(e, ENOENT, "not currently mounted"));
	return (unmount_tree(s, name, arg_flag(in, "force"), NULL, e));
}

/* in: name; out: deleteq (of a mounted filesystem: files without names that are not freed yet) */
int
op_fs_activity(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct dsl_dataset *ds;
	struct objset *os;
	uint64_t n = 0;
	const char *name;
	bool mounted;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	mounted = is_mounted(s, name);
	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		if (dsl_kind(ds) != DSL_FILESYSTEM)
			rc = err_set(e, EINVAL, "operation not applicable to datasets of this type");
		else if (mounted && ((rc = dsl_objset(ds, &os)) != 0 ||
		    (rc = zpl_count_unlinked(os, &n)) != 0))
			(void)err_rc(e, rc, "its objects cannot be read");
		dsl_rele(ds);
	} else if (rc == -ENOENT) {
		(void)err_set(e, ENOENT, "dataset does not exist");
	}
	spa_exit(s->spa);
	return (rc == 0 ? nv_add_u64(out, "deleteq", n) : rc);
}

int
op_fs_unmount_all(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct err *e)
{
	(void)out;
	return (unmount_tree(s, nv_str_or(in, "root", NULL), arg_flag(in, "force"), NULL, e));
}

/* out: names, paths (strings, in the order of mounting) */
int
op_fs_mounts(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct mounted_walk w;
	int rc = mounted_below(s, nv_str_or(in, "root", NULL), &w, e);

	if (rc == 0 && (strlist_to_nv(&w.names, out, "names") != 0 ||
	    strlist_to_nv(&w.paths, out, "paths") != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	mounted_free(&w);
	return (rc);
}
