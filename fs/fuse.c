/* SPDX-License-Identifier: MIT */
/*
 * The server of the kernel's FUSE protocol: mounts, sessions and the threads that serve them.
 *
 *	kernel --- /dev/fuse fd --- session (one per mounted dataset) --- zpl --- objset
 *	                 \___ one epoll for all sessions ___/
 *	                        worker threads
 *
 * The protocol is spoken directly: a message is read, served and answered by one worker.  Workers
 * wait on one epoll for all sessions, so a thousand mounts cost no thousand threads.  They serve a
 * request with the pool's lock held, one at a time per pool, which is what the engine below asks for.
 * A request that waits for the disk (fsync) does not keep a worker: its answer is handed to the sync
 * thread, and all that wait for a txg are answered when it is on disk.
 *
 * States of a session
 *
 *	fuse_mount -> serving <-> suspended
 *	                 |  kernel hung up (unmounted by us or by anybody), or forced
 *	                 v
 *	               dead -- last ref gone --> torn down, freed
 *
 * Invariants
 *  1. `refs` counts the workers in a request of the session and the answers that wait for a sync; the
 *     session is torn down by whoever takes the last one after it died.
 *  2. A dead session is out of epoll and out of the list; nobody takes a new reference.
 *  3. Locks: the server's lock is never held while taking the pool's, nor across a system call that
 *     walks a path: a mount point may lie in a filesystem that this very server serves.
 *  4. What the kernel holds open without a name (lookup counts) is in the delete queue on disk, so
 *     losing the counts with the process loses no space.
 *
 * Caching.  All changes come through the kernel, so it may cache attributes, names and pages for as
 * long as it likes.  A rollback changes things behind its back: fuse_suspend and fuse_resume
 * around it make the kernel drop what it knows.  Write-back caching is off by default: writes go
 * through at once, so that a full quota is an error of write() and not of close(), SEEK_HOLE tells
 * the truth, and a snapshot has what was written before it.  Shared mappings work either way.
 *
 * Locks of files, POSIX and BSD, are the kernel's own: we ask for none of them.
 */
#include "smartbox/fs/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_impl.h"

#define THREADS_DEFAULT 4
#define STACK_BYTES (1u << 20)
/* Edges: one worker wakes for one request, and goes on until there is none; not all for each. */
#define SESSION_EVENTS (EPOLLIN | EPOLLET)
#define STOP_ID 0 /* in epoll; sessions start at 1 */
#define UNMOUNT_WAIT_S 5
#define MAX_PAGES 256
#define MAX_BACKGROUND 64

/* --- answers ------------------------------------------------------------------------------------ */

/* The kernel takes an answer whole or not at all; an error means that it is no longer wanted. */
static void
send_answer(int fd, uint64_t unique, int rc, const void *body, size_t len)
{
	struct fuse_out_header oh = {
	    .len = (uint32_t)(sizeof(oh) + (rc == 0 ? len : 0)), .error = rc, .unique = unique};
	struct iovec iov[2] = {{&oh, sizeof(oh)}, {(void *)(uintptr_t)body, rc == 0 ? len : 0}};

	(void)!writev(fd, iov, 2);
}

void
fuse_notify(const struct fuse_session *s, int code, const void *body, size_t len)
{
	struct fuse_out_header oh = {.len = (uint32_t)(sizeof(oh) + len), .error = code};
	struct iovec iov[2] = {{&oh, sizeof(oh)}, {(void *)(uintptr_t)body, len}};

	(void)!writev(s->fd, iov, 2);
}

/* Before the answer, so that the caller sees the change already. */
static void
drop_attributes(const struct fuse_session *s, uint64_t node)
{
	struct fuse_notify_inval_inode_out out = {.ino = node, .off = -1}; /* no pages */

	fuse_notify(s, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

static void session_unref(struct fuse_session *s);

/* An answer that waits for its txg. */
struct pending {
	struct fuse_session *s;
	uint64_t unique;
	size_t len;
	char body[];
};

static void
pending_done(int rc, void *arg)
{
	struct pending *p = arg;

	send_answer(p->s->fd, p->unique, rc, p->body, p->len);
	session_unref(p->s);
	free(p);
}

static void
answer_when_synced(struct fuse_call *c)
{
	struct fuse_server *fs = c->s->server;
	struct pending *p = malloc(sizeof(*p) + c->out_len);

	if (p == NULL || fs->sync == NULL) {
		free(p);
		send_answer(c->s->fd, c->req.in->unique, -ENOMEM, NULL, 0);
		return;
	}
	p->s = c->s;
	p->unique = c->req.in->unique;
	p->len = c->out_len;
	memcpy(p->body, c->out, c->out_len);
	(void)pthread_mutex_lock(&fs->lock);
	c->s->refs++;
	(void)pthread_mutex_unlock(&fs->lock);
	syncer_notify(fs->sync, c->txg, pending_done, p);
}

static int
pending_matches(void *arg, void *key)
{
	const struct pending *p = arg, *want = key;

	return (p->s == want->s && p->unique == want->unique);
}

/*
 * Somebody killed the caller.  What waits for a sync is answered now; anything else is being served
 * and will be answered in a moment anyway.
 */
static void
interrupt(struct fuse_session *s, uint64_t unique)
{
	struct pending want = {.s = s, .unique = unique};

	if (s->server->sync == NULL)
		return;
	struct pending *p = syncer_cancel(s->server->sync, pending_matches, &want);

	if (p != NULL)
		pending_done(-EINTR, p);
}

/* --- INIT --------------------------------------------------------------------------------------- */

static uint64_t
wanted_flags(const struct fuse_session *s)
{
	uint64_t f = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_EXPORT_SUPPORT | FUSE_DONT_MASK |
	    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
	    FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT |
	    FUSE_EXPLICIT_INVAL_DATA | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_INIT_EXT;

	if (s->opts.posix_acl)
		f |= FUSE_POSIX_ACL;
	if (s->opts.writeback)
		f |= FUSE_WRITEBACK_CACHE;
	if (s->opts.idmap.len == 0)
		f |= FUSE_ALLOW_IDMAP_FLAG;
	return (f);
}

static void
serve_init(struct fuse_session *s, const struct fuse_req *r)
{
	struct fuse_init_in in = {.major = 0};
	size_t have = r->in->len - sizeof(*r->in);
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_background = MAX_BACKGROUND, .congestion_threshold = MAX_BACKGROUND / 4 * 3,
		.max_write = FUSE_DATA_MAX, .time_gran = 1, .max_pages = MAX_PAGES,
	};
	uint64_t flags;

	memcpy(&in, r->arg, have < sizeof(in) ? have : sizeof(in));
	if (in.major < FUSE_KERNEL_VERSION || (in.major == FUSE_KERNEL_VERSION && in.minor < 23)) {
		send_answer(s->fd, r->in->unique, -EPROTO, NULL, 0);
		return;
	}
	if (in.major > FUSE_KERNEL_VERSION) {
		send_answer(s->fd, r->in->unique, 0, &out, sizeof(out)); /* it will ask again */
		return;
	}
	flags = in.flags;
	if (in.flags & FUSE_INIT_EXT)
		flags |= (uint64_t)in.flags2 << 32;
	flags &= wanted_flags(s);
	s->setxattr_ext = (flags & FUSE_SETXATTR_EXT) != 0;
	s->no_open = (flags & FUSE_NO_OPEN_SUPPORT) != 0;
	s->no_opendir = (flags & FUSE_NO_OPENDIR_SUPPORT) != 0;
	s->opts.writeback = (flags & FUSE_WRITEBACK_CACHE) != 0;
	out.max_readahead = in.max_readahead;
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	send_answer(s->fd, r->in->unique, 0, &out, sizeof(out));
}

/* --- sessions ------------------------------------------------------------------------------------- */

static int
session_open_dataset(struct fuse_session *s, const char *dataset, struct err *e)
{
	struct spa *spa = s->server->spa;
	int rc;

	spa_enter(spa);
	if ((rc = dsl_hold(spa, dataset, &s->ds, e)) == 0) {
		s->is_snapshot = dsl_is_snapshot(s->ds);
		rc = zpl_open(s->ds, s->opts.readonly, &s->z, e);
	}
	if (rc == 0 && (rc = zpl_reap_unlinked(s->z)) != 0)
		rc = 0; /* space that stays in the queue; no reason to refuse the files */
	if (rc == 0 && s->is_snapshot)
		s->opts.readonly = true;
	spa_exit(spa);
	return (rc);
}

/* Everything a session has; nobody refers to it any more. */
static void
session_free(struct fuse_session *s)
{
	struct spa *spa = s->server->spa;

	if (s->ds != NULL) {
		spa_enter(spa);
		if (s->z != NULL)
			fuse_drop_nodes(s);
		zpl_close(s->z);
		dsl_rele(s->ds);
		spa_exit(spa);
	}
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->path);
	free(s);
}

/* With the server's lock: no new references (invariant 2). */
static void
session_die(struct fuse_session *s)
{
	struct fuse_server *fs = s->server;
	struct fuse_session **ps;

	if (s->dead)
		return;
	s->dead = true;
	(void)epoll_ctl(fs->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	for (ps = &fs->sessions; *ps != s; ps = &(*ps)->next)
		;
	*ps = s->next;
	if (fs->tail == &s->next)
		fs->tail = ps;
	fs->dying++;
}

static void
session_unref(struct fuse_session *s)
{
	struct fuse_server *fs = s->server;
	bool last;

	(void)pthread_mutex_lock(&fs->lock);
	last = --s->refs == 0 && s->dead;
	(void)pthread_cond_broadcast(&fs->changed);
	(void)pthread_mutex_unlock(&fs->lock);
	if (!last)
		return;
	session_free(s);
	(void)pthread_mutex_lock(&fs->lock);
	fs->dying--;
	(void)pthread_cond_broadcast(&fs->changed);
	(void)pthread_mutex_unlock(&fs->lock);
}

static struct fuse_session *
session_by_id(struct fuse_server *fs, uint64_t id)
{
	struct fuse_session *s;

	(void)pthread_mutex_lock(&fs->lock);
	for (s = fs->sessions; s != NULL && s->id != id; s = s->next)
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

static void
session_done(struct fuse_session *s)
{
	(void)pthread_mutex_lock(&s->server->lock);
	s->active--;
	(void)pthread_mutex_unlock(&s->server->lock);
	session_unref(s);
}

/* Of a dataset's name as it is now: renames do not matter.  With a reference, or NULL. */
static struct fuse_session *
session_by_dataset(struct fuse_server *fs, const char *dataset)
{
	struct fuse_session *s, *found = NULL;
	char name[DSL_NAME_MAX];

	spa_enter(fs->spa);
	(void)pthread_mutex_lock(&fs->lock);
	for (s = fs->sessions; s != NULL && found == NULL; s = s->next) {
		dsl_name(s->ds, name);
		if (strcmp(name, dataset) == 0) {
			found = s;
			s->refs++;
		}
	}
	(void)pthread_mutex_unlock(&fs->lock);
	spa_exit(fs->spa);
	return (found);
}

/* --- workers ------------------------------------------------------------------------------------ */

struct worker {
	struct fuse_server *fs;
	char *in, *out;
};

static void
serve_call(struct fuse_session *s, const struct fuse_req *r, char *out)
{
	struct fuse_call c = {.s = s, .req = *r, .out = out};
	struct spa *spa = s->server->spa;
	bool crowded;
	int rc;

	spa_enter(spa);
	rc = fuse_serve(&c);
	crowded = spa_dirty_bytes(spa) > DMU_DIRTY_LIMIT;
	spa_exit(spa);
	if (c.stale_attr)
		drop_attributes(s, r->in->nodeid);
	if (c.no_reply)
		;
	else if (rc == 0 && c.must_sync)
		answer_when_synced(&c);
	else
		send_answer(s->fd, r->in->unique, rc, out, c.out_len);
	if (crowded && s->server->sync != NULL)
		syncer_throttle(s->server->sync);
}

static void
serve_message(struct fuse_session *s, const char *msg, size_t len, char *out)
{
	struct fuse_req r;
	int rc = fuse_req_parse(msg, len, s->setxattr_ext, &r);

	if (rc != 0) {
		if (r.in != NULL)
			send_answer(s->fd, r.in->unique, rc, NULL, 0);
		return;
	}
	switch (r.in->opcode) {
	case FUSE_INIT:
		serve_init(s, &r);
		break;
	case FUSE_INTERRUPT:
		interrupt(s, ((const struct fuse_interrupt_in *)r.arg)->unique);
		break;
	case FUSE_DESTROY:
		send_answer(s->fd, r.in->unique, 0, NULL, 0);
		break;
	default:
		serve_call(s, &r, out);
	}
}

/* Read and serve one message.  False: there is none (another worker had it), or never will be. */
static bool
serve_one(struct worker *w, struct fuse_session *s)
{
	ssize_t n = read(s->fd, w->in, FUSE_IN_MAX);
	bool stop;

	if (n >= 0)
		serve_message(s, w->in, (size_t)n, w->out);
	else if (errno == EAGAIN)
		return (false);
	(void)pthread_mutex_lock(&w->fs->lock);
	if (n < 0 && errno == ENODEV)
		session_die(s);
	stop = s->dead || s->suspended;
	(void)pthread_mutex_unlock(&w->fs->lock);
	return (!stop);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct fuse_session *s;
	struct epoll_event ev;
	int n;

	/* The kernel may need us to write back before it gives us memory: do not wait for ourselves. */
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	for (;;) {
		n = epoll_wait(w->fs->epoll_fd, &ev, 1, -1);
		if (n < 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		if (ev.data.u64 == STOP_ID)
			break;
		if ((s = session_by_id(w->fs, ev.data.u64)) != NULL) {
			while (serve_one(w, s))
				;
			session_done(s);
		}
	}
	free(w->in);
	free(w->out);
	free(w);
	return (NULL);
}

static int
worker_start(struct fuse_server *fs, pthread_t *t)
{
	struct worker *w = calloc(1, sizeof(*w));
	pthread_attr_t attr;
	int rc = ENOMEM;

	if (w == NULL)
		return (rc);
	w->fs = fs;
	w->in = malloc(FUSE_IN_MAX);
	w->out = malloc(FUSE_DATA_MAX + 4096);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (w->in != NULL && w->out != NULL)
		rc = pthread_create(t, &attr, worker_main, w);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		free(w->in);
		free(w->out);
		free(w);
	}
	return (rc);
}

/* --- the server ------------------------------------------------------------------------------------ */

static int
server_open_fds(struct fuse_server *fs)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = STOP_ID};

	if ((fs->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    (fs->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    epoll_ctl(fs->epoll_fd, EPOLL_CTL_ADD, fs->stop_fd, &ev) != 0)
		return (-errno);
	return (0);
}

int
fuse_server_new(struct spa *spa, struct syncer *sync, unsigned threads, struct fuse_server **out,
    struct err *e)
{
	struct fuse_server *fs = calloc(1, sizeof(*fs));
	int rc = 0;

	if (fs == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	fs->spa = spa;
	fs->sync = sync;
	fs->tail = &fs->sessions;
	fs->next_id = STOP_ID + 1;
	fs->epoll_fd = fs->stop_fd = -1;
	(void)pthread_mutex_init(&fs->lock, NULL);
	(void)pthread_cond_init(&fs->changed, NULL);
	if (threads == 0)
		threads = THREADS_DEFAULT;
	if ((fs->thread = calloc(threads, sizeof(*fs->thread))) == NULL)
		rc = -ENOMEM;
	else
		rc = server_open_fds(fs);
	while (rc == 0 && fs->nthreads < threads) {
		rc = -worker_start(fs, &fs->thread[fs->nthreads]);
		fs->nthreads += rc == 0;
	}
	if (rc != 0) {
		fuse_server_free(fs);
		return (err_rc(e, rc, "cannot start the file server"));
	}
	*out = fs;
	return (0);
}

static struct fuse_session *
last_session(struct fuse_server *fs)
{
	struct fuse_session *s;

	(void)pthread_mutex_lock(&fs->lock);
	for (s = fs->sessions; s != NULL && s->next != NULL; s = s->next)
		;
	if (s != NULL)
		s->refs++;
	(void)pthread_mutex_unlock(&fs->lock);
	return (s);
}

static int session_unmount(struct fuse_session *s, bool force, struct err *e);

void
fuse_server_free(struct fuse_server *fs)
{
	struct fuse_session *s;
	uint64_t one = 1;

	if (fs == NULL)
		return;
	while ((s = last_session(fs)) != NULL)
		(void)session_unmount(s, true, NULL);
	if (fs->stop_fd >= 0)
		(void)!write(fs->stop_fd, &one, sizeof(one));
	for (unsigned i = 0; i < fs->nthreads; i++)
		(void)pthread_join(fs->thread[i], NULL);
	if (fs->epoll_fd >= 0)
		(void)close(fs->epoll_fd);
	if (fs->stop_fd >= 0)
		(void)close(fs->stop_fd);
	(void)pthread_mutex_destroy(&fs->lock);
	(void)pthread_cond_destroy(&fs->changed);
	free(fs->thread);
	free(fs);
}

/* --- mounting ------------------------------------------------------------------------------------- */

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

/* "BASE:LEN" in the user property smartbox:idmap, which zones' datasets carry. */
static void
idmap_from_props(struct dsl_dataset *ds, struct fuse_idmap *m)
{
	char buf[64];
	unsigned long base, len;

	if (dsl_prop_text(ds, "smartbox:idmap", true, buf, sizeof(buf), NULL, 0) == 0 &&
	    sscanf(buf, "%lu:%lu", &base, &len) == 2 && len <= UINT32_MAX && base < UINT32_MAX - len)
		*m = (struct fuse_idmap){(uint32_t)base, (uint32_t)len};
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
		o->snapdir_visible = prop_is(ds, "snapdir", "visible");
		o->posix_acl = prop_is(ds, "acltype", "posix");
		o->sync_always = prop_is(ds, "sync", "always");
		o->sync_disabled = prop_is(ds, "sync", "disabled");
		idmap_from_props(ds, &o->idmap);
		prop_idmap(ds, &o->idmap);
		dsl_rele(ds);
	}
	spa_exit(fs->spa);
	return (rc);
}

static unsigned long
mount_flags(const struct fuse_mount_opts *o)
{
	return ((o->readonly ? MS_RDONLY : 0) | (o->nodev ? MS_NODEV : 0) |
	    (o->nosuid ? MS_NOSUID : 0) | (o->noexec ? MS_NOEXEC : 0) |
	    (o->noatime ? MS_NOATIME : 0));
}

/*
 * Enter epoll and the list: from here on workers serve it.  Only after mount(2), which does not wait
 * for us: a descriptor that belongs to no mount yet cannot be waited for, epoll would never wake.
 */
static int
session_start(struct fuse_session *s, struct err *e)
{
	struct fuse_server *fs = s->server;
	struct epoll_event ev = {.events = SESSION_EVENTS};
	int rc = 0;

	(void)pthread_mutex_lock(&fs->lock);
	s->id = ev.data.u64 = fs->next_id++;
	if (epoll_ctl(fs->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) != 0) {
		rc = err_sys(e, errno, "cannot watch /dev/fuse");
	} else {
		*fs->tail = s;
		fs->tail = &s->next;
	}
	(void)pthread_mutex_unlock(&fs->lock);
	return (rc);
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
	s->fd = -1;
	s->refs = 1; /* the caller's */
	if ((s->path = strdup(path)) == NULL)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = session_open_dataset(s, dataset, e)) == 0 &&
	    (s->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)) < 0)
		rc = err_sys(e, errno, "cannot open /dev/fuse");
	if (rc != 0)
		session_free(s);
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
		session_unref(s);
		return (rc);
	}
	if ((rc = session_new(fs, dataset, path, o, &s, e)) != 0)
		return (rc);
	if ((rc = session_mount(s, dataset, e)) == 0 && (rc = session_start(s, e)) != 0)
		(void)umount2(path, MNT_DETACH);
	if (rc != 0)
		session_free(s);
	else
		session_unref(s);
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
		s->opts = new;
		zpl_set_readonly(s->z, new.readonly);
		spa_exit(fs->spa);
	}
	session_unref(s);
	return (rc);
}

/* --- unmounting ----------------------------------------------------------------------------------- */

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

/* Takes over the caller's reference. */
static int
session_unmount(struct fuse_session *s, bool force, struct err *e)
{
	struct fuse_server *fs = s->server;
	uint64_t id = s->id;
	int rc = 0;

	if (umount2(s->path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) != 0 &&
	    errno != EINVAL && errno != ENOENT && !force) {
		rc = err_sys(e, errno, "cannot unmount '%s'", s->path);
		session_unref(s);
		return (rc);
	}
	if (force) {
		(void)pthread_mutex_lock(&fs->lock);
		session_die(s); /* closing the descriptor ends it for those who still use it */
		(void)pthread_mutex_unlock(&fs->lock);
	}
	session_unref(s);
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
	return (session_unmount(s, force, e));
}

/* --- asking ------------------------------------------------------------------------------------- */

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
	session_unref(s);
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

/* --- rollback ----------------------------------------------------------------------------------- */

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
	(void)pthread_mutex_lock(&fs->lock);
	if (!s->dead && !s->suspended) {
		s->suspended = true;
		(void)epoll_ctl(fs->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	}
	while (s->active > 0)
		(void)pthread_cond_wait(&fs->changed, &fs->lock);
	(void)pthread_mutex_unlock(&fs->lock);
	session_unref(s);
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
		if (s->nodes.v[i].id != 0)
			ids[(*n)++] = s->nodes.v[i].id;
	}
	spa_exit(s->server->spa);
	return (ids);
}

/*
 * Attributes and pages of every known node, and (kernels from 6.16 on) all names.  Older kernels have
 * no message for names, above all not for "there is no such name"; but a remount, changing nothing,
 * drops every name that is not in use this moment.
 */
static void
drop_kernel_caches(struct fuse_session *s)
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
	struct epoll_event ev = {.events = SESSION_EVENTS};
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
	drop_kernel_caches(s);
	session_unref(s);
	return (rc);
}
