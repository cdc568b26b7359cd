/* SPDX-License-Identifier: MIT */
/*
 * FUSE sessions: mounting, options, references, unmounting, and standing aside for a rollback.
 *
 * The states of a session and the invariants of its references are in fs/fuse.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuse_impl.h"
#include "smartbox/core/file.h"

#define UNMOUNT_WAIT_S 5
#define UNMOUNT_TRIES 10
#define UNMOUNT_PAUSE_MS 20
#define DONT_SYNC 0x4000 /* AT_STATX_DONT_SYNC */

/* --- sessions --------------------------------------------------------------------------------- */

static int
session_open_dataset(struct fuse_session *s, const char *dataset, struct err *e)
{
	struct spa *spa = s->server->spa;
	uint64_t before;
	int rc;

	spa_enter(spa);
	before = spa_dirtyings(spa);
	if ((rc = dsl_hold(spa, dataset, &s->ds, e)) == 0) {
		s->is_snapshot = dsl_is_snapshot(s->ds);
		rc = zpl_open(s->ds, s->opts.readonly, &s->z, e);
	}
	if (rc == 0)
		rc = err_rc(e, zpl_log_start(s->z, s->server->sync), "the intent log of '%s'", dataset);
	if (rc == 0 && (rc = zpl_reap_unlinked(s->z)) != 0)
		rc = 0; /* space that stays in the queue; no reason to refuse the files */
	if (rc == 0 && s->is_snapshot)
		s->opts.readonly = true;
	/*
	 * What was done until now is in no log: it has to be durable before anything that is comes
	 * after it.
	 */
	if (rc == 0 && spa_dirtyings(spa) != before)
		rc = spa_sync(spa, e);
	spa_exit(spa);
	return (rc);
}

/* Everything a session has; nobody refers to it any more. */
void
fuse_session_free(struct fuse_session *s)
{
	struct spa *spa = s->server->spa;

	if (s->ds != NULL) {
		spa_enter(spa);
		s->unlogged = true;
		if (s->z != NULL)
			fuse_drop_nodes(s);
		zpl_close(s->z);
		dsl_rele(s->ds);
		/* Records that name this mount must not outlive its place in the stash. */
		if (s->keep != NULL && s->server->sync != NULL && !spa_is_suspended(spa))
			(void)spa_sync(spa, NULL);
		spa_exit(spa);
	}
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->keep != NULL)
		stash_drop(s->server->stash, s->number);
	free(s->path);
	free(s);
}

static struct fuse_session **
bucket_of(struct fuse_server *fs, uint64_t id)
{
	return (&fs->bucket[id % FUSE_BUCKETS]);
}

static struct fuse_session **
bucket_of_ds(struct fuse_server *fs, const struct dsl_dataset *ds)
{
	return (&fs->of_ds[(uintptr_t)ds / 64 % FUSE_BUCKETS]);
}

/* With the server's lock: no new references (invariant 2). */
void
fuse_session_die(struct fuse_session *s)
{
	struct fuse_server *fs = s->server;
	struct fuse_session **ps;

	if (s->dead)
		return;
	s->dead = true;
	(void)epoll_ctl(fs->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	for (ps = bucket_of(fs, s->id); *ps != s; ps = &(*ps)->hash_next)
		;
	*ps = s->hash_next;
	for (ps = bucket_of_ds(fs, s->ds); *ps != s; ps = &(*ps)->ds_next)
		;
	*ps = s->ds_next;
	for (ps = &fs->sessions; *ps != s; ps = &(*ps)->next)
		;
	*ps = s->next;
	if (fs->tail == &s->next)
		fs->tail = ps;
	fs->dying++;
}

void
fuse_session_unref(struct fuse_session *s)
{
	struct fuse_server *fs = s->server;
	bool last;

	(void)pthread_mutex_lock(&fs->lock);
	last = --s->refs == 0 && s->dead;
	(void)pthread_cond_broadcast(&fs->changed);
	(void)pthread_mutex_unlock(&fs->lock);
	if (!last)
		return;
	fuse_session_free(s);
	(void)pthread_mutex_lock(&fs->lock);
	fs->dying--;
	(void)pthread_cond_broadcast(&fs->changed);
	(void)pthread_mutex_unlock(&fs->lock);
}

struct fuse_session *
fuse_session_by_id(struct fuse_server *fs, uint64_t id)
{
	struct fuse_session *s;

	(void)pthread_mutex_lock(&fs->lock);
	for (s = *bucket_of(fs, id); s != NULL && s->id != id; s = s->hash_next)
		;
	if (s != NULL && s->suspended)
		s = NULL;
	if (s != NULL) {
		s->refs++;
		s->active++;
	}
	(void)pthread_mutex_unlock(&fs->lock);
	return (s);
}

void
fuse_session_done(struct fuse_session *s)
{
	(void)pthread_mutex_lock(&s->server->lock);
	s->active--;
	(void)pthread_mutex_unlock(&s->server->lock);
	fuse_session_unref(s);
}

/* The pool may be suspended, and a name not be found out: those of all mounts are put together. */
static struct fuse_session *
session_by_name(struct fuse_server *fs, const char *dataset)
{
	char name[DSL_NAME_MAX];
	struct fuse_session *s;

	for (s = fs->sessions; s != NULL; s = s->next) {
		dsl_name(s->ds, name);
		if (strcmp(name, dataset) == 0)
			break;
	}
	return (s);
}

static struct fuse_session *
session_by_ds(struct fuse_server *fs, const struct dsl_dataset *ds)
{
	struct fuse_session *s = *bucket_of_ds(fs, ds);

	while (s != NULL && s->ds != ds)
		s = s->ds_next;
	return (s);
}

/* Of a dataset's name as it is now: renames do not matter.  With a reference, or NULL. */
static struct fuse_session *
session_by_dataset(struct fuse_server *fs, const char *dataset)
{
	struct dsl_dataset *ds = NULL;
	struct fuse_session *s;

	spa_enter(fs->spa);
	if (dsl_hold(fs->spa, dataset, &ds, NULL) != 0)
		ds = NULL;
	(void)pthread_mutex_lock(&fs->lock);
	s = ds != NULL ? session_by_ds(fs, ds) : session_by_name(fs, dataset);
	if (s != NULL)
		s->refs++;
	(void)pthread_mutex_unlock(&fs->lock);
	dsl_rele(ds);
	spa_exit(fs->spa);
	return (s);
}

/* --- mounting --------------------------------------------------------------------------------- */

static bool
prop_is_on(struct dsl_dataset *ds, const char *prop)
{
	uint64_t v;

	return (dsl_prop_u64(ds, prop, &v) == 0 && v != 0);
}

static bool
prop_is(struct dsl_dataset *ds, const char *prop, const char *value)
{
	char buf[64];

	return (dsl_prop_text(ds, prop, false, buf, sizeof(buf), NULL, 0) == 0 &&
	    strcmp(buf, value) == 0);
}

/* smartbox:idmap=BASE:LEN, inherited by a zone's further datasets; anything else is no shift. */
static void
prop_idmap(struct dsl_dataset *ds, struct fuse_idmap *map)
{
	unsigned base, len;
	char buf[64], rest;

	if (dsl_prop_text(ds, "smartbox:idmap", false, buf, sizeof(buf), NULL, 0) == 0 &&
	    sscanf(buf, "%9u:%6u%c", &base, &len, &rest) == 2)
		*map = (struct fuse_idmap){base, len};
}

int
fuse_opts_from_props(struct fuse_server *fs, const char *dataset, struct fuse_mount_opts *o,
    struct err *e)
{
	struct dsl_dataset *ds;
	int rc;

	memset(o, 0, sizeof(*o));
	spa_enter(fs->spa);
	if ((rc = dsl_hold(fs->spa, dataset, &ds, e)) == 0) {
		o->readonly = prop_is_on(ds, "readonly");
		o->nodev = !prop_is_on(ds, "devices");
		o->nosuid = !prop_is_on(ds, "setuid");
		o->noexec = !prop_is_on(ds, "exec");
		o->noatime = !prop_is_on(ds, "atime");
		o->relatime = prop_is_on(ds, "relatime");
		o->snapdir_visible = prop_is(ds, "snapdir", "visible");
		o->posix_acl = prop_is(ds, "acltype", "posix");
		o->sync_always = prop_is(ds, "sync", "always");
		o->sync_disabled = prop_is(ds, "sync", "disabled");
		prop_idmap(ds, &o->idmap);
		dsl_rele(ds);
	}
	spa_exit(fs->spa);
	return (rc);
}

static void
apply_override(struct fuse_mount_opts *o)
{
	bool *const what[] = {&o->readonly, &o->nodev, &o->nosuid, &o->noexec, &o->noatime, &o->relatime};

	for (unsigned i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		if (o->override.set >> i & 1)
			*what[i] = (o->override.value >> i & 1) != 0;
}

/* Linux takes a mount that says nothing of access times for relatime. */
static unsigned long
mount_flags(const struct fuse_mount_opts *o)
{
	return ((o->readonly ? MS_RDONLY : 0) | (o->nodev ? MS_NODEV : 0) |
	    (o->nosuid ? MS_NOSUID : 0) | (o->noexec ? MS_NOEXEC : 0) |
	    (o->noatime ? MS_NOATIME : o->relatime ? MS_RELATIME : MS_STRICTATIME));
}

/* A place in the stash, and the descriptor with the keeper: from here on the mount may outlive us. */
static int
session_keep(struct fuse_session *s, struct err *e)
{
	struct stash *st = s->server->stash;
	int n = stash_session_new(st);

	if (n < 0)
		return (err_set(e, ENFILE, "too many filesystems are mounted"));
	s->number = (unsigned)n;
	s->keep = &st->session[n];
	s->keep->dataset = dsl_objnum(s->ds);
	s->keep->is_snapshot = s->is_snapshot;
	s->keep->opts = s->opts;
	(void)snprintf(s->keep->path, sizeof(s->keep->path), "%s", s->path);
	if (node_table_open(&s->nodes, st, s->number) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	return (stash_hold(st, n, s->fd, e));
}

/*
 * Enter epoll and the list: from here on workers serve it.  Only after mount(2), which does not
 * wait for us: a descriptor that belongs to no mount yet cannot be waited for, epoll would never
 * wake.
 */
int
fuse_session_start(struct fuse_session *s, struct err *e)
{
	struct fuse_server *fs = s->server;
	struct epoll_event ev = {.events = FUSE_WATCH_EVENTS};
	int rc = 0;

	s->keep->state = STASH_MOUNTED;
	(void)pthread_mutex_lock(&fs->lock);
	s->id = ev.data.u64 = fs->next_id++;
	if (epoll_ctl(fs->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) != 0) {
		rc = err_sys(e, errno, "cannot watch /dev/fuse");
	} else {
		s->ds_next = *bucket_of_ds(fs, s->ds);
		*bucket_of_ds(fs, s->ds) = s;
		*fs->tail = s;
		fs->tail = &s->next;
		s->hash_next = *bucket_of(fs, s->id);
		*bucket_of(fs, s->id) = s;
	}
	(void)pthread_mutex_unlock(&fs->lock);
	return (rc);
}

/*
 * The kernel reads 128 KiB ahead unless it is told otherwise, where only root can: in sysfs.  The
 * root of the mount is in the kernel's memory since mount(2), so this asks nobody.
 */
static void
session_set_readahead(const struct fuse_session *s)
{
	struct statx st;
	char path[64], text[16];

	if (syscall(SYS_statx, AT_FDCWD, s->path, AT_NO_AUTOMOUNT | DONT_SYNC, 0, &st) != 0)
		return;
	(void)snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", st.stx_dev_major,
	    st.stx_dev_minor);
	(void)snprintf(text, sizeof(text), "%u", FUSE_READAHEAD_MAX >> 10);
	(void)file_poke(path, text, NULL);
}

static int
session_mount(struct fuse_session *s, const char *dataset, struct err *e)
{
	char data[128];

	(void)snprintf(data, sizeof(data),
	    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=%u",
	    s->fd, FUSE_DATA_MAX);
	if (mount(dataset, s->path, "fuse.zfs", mount_flags(&s->opts), data) != 0)
		return (err_sys(e, errno, "cannot mount on '%s'", s->path));
	session_set_readahead(s);
	return (0);
}

static int
session_new(struct fuse_server *fs, const char *dataset, const char *path,
    const struct fuse_mount_opts *o, struct fuse_session **out, struct err *e)
{
	struct fuse_session *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	s->server = fs;
	s->opts = *o;
	apply_override(&s->opts);
	s->fd = -1;
	s->refs = 1; /* the caller's */
	if ((s->path = strdup(path)) == NULL)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = session_open_dataset(s, dataset, e)) == 0 &&
	    (s->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)) < 0)
		rc = err_sys(e, errno, "cannot open /dev/fuse");
	else if (rc == 0)
		rc = session_keep(s, e);
	if (rc != 0)
		fuse_session_free(s);
	else
		*out = s;
	return (rc);
}

int
fuse_mount(struct fuse_server *fs, const char *dataset, const char *path,
    const struct fuse_mount_opts *o, struct err *e)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);
	int rc;

	if (s != NULL) {
		rc = err_set(e, EBUSY, "'%s' is mounted on '%s' already", dataset, s->path);
		fuse_session_unref(s);
		return (rc);
	}
	if ((rc = session_new(fs, dataset, path, o, &s, e)) != 0)
		return (rc);
	if ((rc = session_mount(s, dataset, e)) == 0 && (rc = fuse_session_start(s, e)) != 0)
		(void)umount2(path, MNT_DETACH);
	if (rc != 0)
		fuse_session_free(s);
	else
		fuse_session_unref(s);
	return (rc);
}

int
fuse_remount(struct fuse_server *fs, const char *dataset, const struct fuse_mount_opts *o,
    struct err *e)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);
	struct fuse_mount_opts new = *o;
	int rc = 0;

	if (s == NULL)
		return (err_set(e, ENOENT, "'%s' is not mounted", dataset));
	if (o->override.set == 0)
		new.override = s->opts.override;
	apply_override(&new);
	new.readonly |= s->is_snapshot;
	new.writeback = s->opts.writeback; /* these two were agreed with the kernel */
	new.posix_acl = s->opts.posix_acl;
	if (o->idmap.base != s->opts.idmap.base || o->idmap.len != s->opts.idmap.len) {
		rc = err_set(e, EINVAL, "the id shift of a mounted filesystem cannot change");
	} else if (mount_flags(&new) != mount_flags(&s->opts) &&
	    mount("none", s->path, NULL, MS_REMOUNT | mount_flags(&new), NULL) != 0) {
		rc = err_sys(e, errno, "cannot remount '%s'", s->path);
	} else {
		spa_enter(fs->spa);
		s->opts = s->keep->opts = new;
		zpl_set_readonly(s->z, new.readonly);
		spa_exit(fs->spa);
	}
	fuse_session_unref(s);
	return (rc);
}

/* --- unmounting ------------------------------------------------------------------------------- */

/* Wait until no session that died is still being torn down. */
static bool
wait_dead(struct fuse_server *fs, uint64_t id)
{
	struct timespec ts;
	struct fuse_session *s;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += UNMOUNT_WAIT_S;
	(void)pthread_mutex_lock(&fs->lock);
	for (;;) {
		for (s = fs->sessions; s != NULL && s->id != id; s = s->next)
			;
		if ((s == NULL && fs->dying == 0) || rc == ETIMEDOUT)
			break;
		rc = pthread_cond_timedwait(&fs->changed, &fs->lock, &ts);
	}
	(void)pthread_mutex_unlock(&fs->lock);
	return (s == NULL);
}

/* A look in passing (of a monitor, a df) is no use that would stand in the way: it is over in a moment. */
static int
detach(const char *path, bool force)
{
	struct timespec pause = {0, UNMOUNT_PAUSE_MS * 1000000L};
	int tries = 1, rc;

	while ((rc = umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0))) != 0 && errno == EBUSY &&
	    tries++ < UNMOUNT_TRIES)
		(void)nanosleep(&pause, NULL);
	return (rc == 0 || errno == EINVAL || errno == ENOENT || force ? 0 : -errno);
}

/* Takes over the caller's reference. */
int
fuse_session_unmount(struct fuse_session *s, bool force, struct err *e)
{
	struct fuse_server *fs = s->server;
	uint64_t id = s->id;
	int rc = detach(s->path, force);

	if (rc != 0) {
		rc = err_sys(e, -rc, "cannot unmount '%s'", s->path);
		fuse_session_unref(s);
		return (rc);
	}
	if (force) {
		(void)pthread_mutex_lock(&fs->lock);
		fuse_session_die(s); /* closing the descriptor ends it for those who still use it */
		(void)pthread_mutex_unlock(&fs->lock);
	}
	fuse_session_unref(s);
	if (!wait_dead(fs, id))
		return (err_set(e, EBUSY, "another mount namespace still uses the filesystem"));
	return (0);
}

int
fuse_unmount(struct fuse_server *fs, const char *dataset, bool force, struct err *e)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);

	if (s == NULL)
		return (err_set(e, ENOENT, "'%s' is not mounted", dataset));
	return (fuse_session_unmount(s, force, e));
}

/* --- asking ----------------------------------------------------------------------------------- */

int
fuse_walk(struct fuse_server *fs, int (*fn)(const struct fuse_mount_info *mi, void *arg),
    void *arg)
{
	char name[DSL_NAME_MAX];
	int rc = 0;

	spa_enter(fs->spa);
	(void)pthread_mutex_lock(&fs->lock);
	for (struct fuse_session *s = fs->sessions; s != NULL && rc == 0; s = s->next) {
		struct fuse_mount_info mi = {name, s->path, &s->opts};

		dsl_name(s->ds, name);
		rc = fn(&mi, arg);
	}
	(void)pthread_mutex_unlock(&fs->lock);
	spa_exit(fs->spa);
	return (rc);
}

int
fuse_mounted_at(struct fuse_server *fs, const char *dataset, char *path, size_t size)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);
	int n;

	if (s == NULL)
		return (-ENOENT);
	n = snprintf(path, size, "%s", s->path);
	fuse_session_unref(s);
	return (n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0);
}

void
fuse_release_snapshot(struct fuse_server *fs, const char *snapshot)
{
	spa_enter(fs->spa);
	(void)pthread_mutex_lock(&fs->lock);
	for (struct fuse_session *s = fs->sessions; s != NULL; s = s->next)
		snapdir_release(s, snapshot);
	(void)pthread_mutex_unlock(&fs->lock);
	spa_exit(fs->spa);
}

/* --- rollback --------------------------------------------------------------------------------- */

/* What the kernel has not written yet belongs to the state that is about to go. */
static void
flush_pages(const struct fuse_session *s)
{
	int fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)syncfs(fd);
	(void)close(fd);
}

int
fuse_suspend(struct fuse_server *fs, const char *dataset)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);

	if (s == NULL)
		return (-ENOENT);
	flush_pages(s);
	s->keep->suspended = 1;
	(void)pthread_mutex_lock(&fs->lock);
	if (!s->dead && !s->suspended) {
		s->suspended = true;
		(void)epoll_ctl(fs->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	}
	while (s->active > 0)
		(void)pthread_cond_wait(&fs->changed, &fs->lock);
	(void)pthread_mutex_unlock(&fs->lock);
	fuse_session_unref(s);
	return (0);
}

/* The nodes the kernel knows, as they are now. */
static uint64_t *
known_nodes(struct fuse_session *s, size_t *n)
{
	uint64_t *ids;

	spa_enter(s->server->spa);
	ids = malloc((s->nodes.n + 1) * sizeof(*ids));
	*n = 0;
	for (size_t i = 0; ids != NULL && i < s->nodes.cap; i++) {
		if (s->nodes.v[i].lookups != 0 && !node_is_slot(s->nodes.v[i].id))
			ids[(*n)++] = s->nodes.v[i].id;
	}
	spa_exit(s->server->spa);
	return (ids);
}

/*
 * Attributes and pages of every known node, and (kernels from 6.16 on) all names.  Older kernels
 * have no message for names, above all not for "there is no such name"; but a remount, changing
 * nothing, drops every name that is not in use this moment.
 */
void
fuse_drop_kernel_caches(struct fuse_session *s)
{
	struct fuse_notify_inval_inode_out root = {.ino = FUSE_ROOT_ID};
	size_t n;
	uint64_t *ids = known_nodes(s, &n);

	fuse_notify(s, FUSE_NOTIFY_INC_EPOCH_CODE, NULL, 0);
	(void)mount("none", s->path, NULL, MS_REMOUNT | mount_flags(&s->opts), NULL);
	fuse_notify(s, FUSE_NOTIFY_INVAL_INODE, &root, sizeof(root));
	for (size_t i = 0; ids != NULL && i < n; i++) {
		struct fuse_notify_inval_inode_out out = {.ino = ids[i]};

		fuse_notify(s, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
	}
	free(ids);
}

/* Objects of the state that is gone are not to be destroyed in the one that is there now. */
static void
forget_unlinked(struct fuse_session *s)
{
	for (size_t i = 0; i < s->nodes.cap; i++)
		s->nodes.v[i].unlinked = false;
}

int
fuse_resume(struct fuse_server *fs, const char *dataset, struct err *e)
{
	struct fuse_session *s = session_by_dataset(fs, dataset);
	struct epoll_event ev = {.events = FUSE_WATCH_EVENTS};
	int rc;

	if (s == NULL)
		return (err_set(e, ENOENT, "'%s' is not mounted", dataset));
	spa_enter(fs->spa);
	rc = zpl_reload(s->z, e);
	forget_unlinked(s);
	spa_exit(fs->spa);
	(void)pthread_mutex_lock(&fs->lock);
	if (!s->dead && s->suspended) {
		s->suspended = false;
		ev.data.u64 = s->id;
		(void)epoll_ctl(fs->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev);
	}
	(void)pthread_mutex_unlock(&fs->lock);
	fuse_drop_kernel_caches(s);
	s->keep->suspended = 0;
	fuse_session_unref(s);
	return (rc);
}
