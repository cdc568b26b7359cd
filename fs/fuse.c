/* SPDX-License-Identifier: MIT */
/*
 * The server of the kernel's FUSE protocol: mounts, sessions and the threads that serve them.
 *
 *	kernel --- /dev/fuse fd --- session (one per mounted dataset) --- zpl --- objset
 *	                 \___ one epoll for all sessions ___/
 *	                        worker threads
 *
 * The protocol is spoken directly: a message is read, served and answered by one worker.  Workers
 * wait on one epoll for all sessions, so a thousand mounts cost no thousand threads; which of them
 * looks at a session that speaks is told in fs/fuse_watch.c.  They serve a request with the pool's
 * lock held, but give it up while they read the disk (dmu_run).
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
 *     losing the counts with the machine loses no space.
 *  5. Requests, answers and what was changed are left where a successor finds them (fs/fuse_log.c).
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
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fuse_impl.h"
#include "smartbox/fs/zil.h"

#define THREADS_DEFAULT 4
#define STACK_BYTES (1u << 20)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* newer than musl; Linux 5.14 */
#endif
#define STOP_ID 0 /* in epoll; sessions start at 1 */
#define MAX_PAGES 256
#define MAX_BACKGROUND 64

/* --- answers ---------------------------------------------------------------------------------- */

void
fuse_send_answer(int fd, uint64_t unique, int rc, const void *body, size_t len)
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

void
fuse_drop_attributes(const struct fuse_session *s, uint64_t node)
{
	struct fuse_notify_inval_inode_out out = {.ino = node, .off = -1}; /* no pages */

	fuse_notify(s, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

/* An answer that waits for its txg. */
struct pending {
	struct fuse_session *s;
	struct stash_pending *kept; /* for a successor */
	uint64_t unique;
	size_t len;
	char body[];
};

static void
pending_done(int rc, void *arg)
{
	struct pending *p = arg;

	fuse_send_answer(p->s->fd, p->unique, rc, p->body, p->len);
	stash_pending_free(p->s->server->stash, p->kept);
	fuse_session_unref(p->s);
	free(p);
}

/* More wait than there is room for: this worker does, too, and the request stays in its slot. */
static void
answer_after_wait(struct fuse_call *c)
{
	struct fuse_server *fs = c->s->server;
	int rc;

	fuse_watch_give();
	rc = c->txg != 0 ? syncer_wait(fs->sync, c->txg) :
	    zil_commit_wait(zpl_log(c->s->z), c->commit_obj);

	fuse_send_answer(c->s->fd, c->req.in->unique, rc, c->out, c->out_len);
}

static void
answer_when_synced(struct fuse_call *c)
{
	struct fuse_server *fs = c->s->server;
	struct pending *p = malloc(sizeof(*p) + c->out_len);

	if (p == NULL || (p->kept = stash_pending_new(fs->stash, c->s->number, c->req.in->unique, c->out,
	    c->out_len)) == NULL) {
		free(p);
		answer_after_wait(c);
		return;
	}
	p->s = c->s;
	p->unique = c->req.in->unique;
	p->len = c->out_len;
	memcpy(p->body, c->out, c->out_len);
	(void)pthread_mutex_lock(&fs->lock);
	c->s->refs++;
	(void)pthread_mutex_unlock(&fs->lock);
	fuse_watch_give();
	if (c->txg != 0)
		syncer_notify(fs->sync, c->txg, pending_done, p);
	else
		zil_commit(zpl_log(c->s->z), c->commit_obj, pending_done, p);
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

/* --- INIT ------------------------------------------------------------------------------------- */

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
		fuse_send_answer(s->fd, r->in->unique, -EPROTO, NULL, 0);
		return;
	}
	if (in.major > FUSE_KERNEL_VERSION) {
		fuse_send_answer(s->fd, r->in->unique, 0, &out, sizeof(out)); /* it will ask again */
		return;
	}
	flags = in.flags;
	if (in.flags & FUSE_INIT_EXT)
		flags |= (uint64_t)in.flags2 << 32;
	flags &= wanted_flags(s);
	s->keep->setxattr_ext = (flags & FUSE_SETXATTR_EXT) != 0;
	s->keep->no_open = (flags & FUSE_NO_OPEN_SUPPORT) != 0;
	s->keep->no_opendir = (flags & FUSE_NO_OPENDIR_SUPPORT) != 0;
	s->opts.writeback = s->keep->opts.writeback = (flags & FUSE_WRITEBACK_CACHE) != 0;
	out.max_readahead = FUSE_READAHEAD_MAX;
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	fuse_send_answer(s->fd, r->in->unique, 0, &out, sizeof(out));
}

/* --- workers ---------------------------------------------------------------------------------- */

/* In a pool whose devices are gone it may take until they are back. */
static int
run_call(struct fuse_call *c)
{
	struct spa *spa = c->s->server->spa;
	int rc = dmu_run(spa, fuse_look, fuse_act, c);

	while (c->must_wait || fuse_read_must_wait(c, c->rc != 0 ? c->rc : rc)) {
		spa_wait_resumed(spa);
		rc = dmu_run(spa, fuse_look, fuse_act, c);
	}
	return (rc);
}

static void
serve_call(struct fuse_worker *w, struct fuse_session *s, const struct fuse_req *r)
{
	struct fuse_call c = {.s = s, .req = *r, .w = w, .out = w->out};
	int rc = fuse_log_reserve(&c);

	if (rc == 0)
		rc = run_call(&c);
	fuse_log_unreserve(&c);
	rc = c.rc != 0 ? c.rc : rc == -EILSEQ ? -EIO : rc;
	if (c.stale_node != 0)
		fuse_drop_attributes(s, c.stale_node);
	if (c.no_reply)
		;
	else if (rc == 0 && c.must_sync)
		answer_when_synced(&c);
	else
		fuse_send_answer(s->fd, r->in->unique, rc, c.out, c.out_len);
	if (c.crowded && s->server->sync != NULL) {
		fuse_watch_give();
		syncer_throttle(s->server->sync);
	}
}

static void
serve_message(struct fuse_worker *w, struct fuse_session *s)
{
	struct fuse_req r;
	int rc = fuse_req_parse(w->slot->in, w->slot->in_len, s->keep->setxattr_ext, &r);

	if (rc != 0) {
		if (r.in != NULL)
			fuse_send_answer(s->fd, r.in->unique, rc, NULL, 0);
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
		fuse_send_answer(s->fd, r.in->unique, 0, NULL, 0);
		break;
	default:
		serve_call(w, s, &r);
	}
}

void
fuse_serve_slot(struct fuse_worker *w, struct fuse_session *s)
{
	publish(w->slot->phase, STASH_SERVING);
	serve_message(w, s);
	publish(w->slot->phase, STASH_FREE);
}

/* The length of what is there is 0 until the kernel has copied it, whatever happens to this process. */
static ssize_t
read_request(struct stash_slot *slot, const struct fuse_session *s)
{
	ssize_t n;

	((struct fuse_in_header *)(void *)slot->in)->len = 0;
	slot->session = s->number;
	slot->crashes = 0;
	publish(slot->phase, STASH_READING);
	n = read(s->fd, slot->in, sizeof(slot->in));
	if (n < 0)
		publish(slot->phase, STASH_FREE);
	else
		slot->in_len = (uint32_t)n;
	return (n);
}

/* Read and serve one message.  False: there is none (another worker had it), or never will be. */
static bool
serve_one(struct fuse_worker *w, struct fuse_session *s)
{
	ssize_t n = read_request(w->slot, s);
	bool stop;

	if (n >= 0)
		fuse_serve_slot(w, s);
	else if (errno == EAGAIN)
		return (false);
	(void)pthread_mutex_lock(&w->fs->lock);
	if (n < 0 && errno == ENODEV)
		fuse_session_die(s);
	stop = s->dead || s->suspended;
	(void)pthread_mutex_unlock(&w->fs->lock);
	return (!stop);
}

static void *
worker_main(void *arg)
{
	struct fuse_worker *w = arg;
	struct fuse_session *s;
	uint64_t id;

	/* The kernel may need us to write back before it gives us memory: do not wait for ourselves. */
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	spa_on_wait(fuse_watch_give);
	while (fuse_watch_event(w->fs, &id) == 0 && id != STOP_ID) {
		if ((s = fuse_session_by_id(w->fs, id)) == NULL)
			continue;
		fuse_watch_take(s);
		while (serve_one(w, s) ? fuse_watch_is_mine() : fuse_watch_linger())
			;
		fuse_watch_give();
		fuse_session_done(s);
	}
	free(w->out);
	free(w);
	return (NULL);
}

/* In memory, and to stay there (fs/stash.c, invariant 5). */
static void
fault_in(void *p, size_t len)
{
	if (mlock(p, len) != 0)
		(void)madvise(p, len, MADV_POPULATE_WRITE);
}

static int
worker_start(struct fuse_server *fs, pthread_t *t)
{
	struct fuse_worker *w = calloc(1, sizeof(*w));
	pthread_attr_t attr;
	int rc = ENOMEM;

	if (w == NULL)
		return (rc);
	w->fs = fs;
	w->slot = &fs->stash->slot[fs->nthreads];
	fault_in(w->slot, sizeof(*w->slot));
	w->out = malloc(FUSE_DATA_MAX + 4096);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (w->out != NULL)
		rc = pthread_create(t, &attr, worker_main, w);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		free(w->out);
		free(w);
	}
	return (rc);
}

/* --- the server ------------------------------------------------------------------------------- */

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

static void
synced(void *arg, uint64_t txg)
{
	stash_synced(arg, txg);
}

/* Without a keeper the memory is this process's alone, and used all the same. */
static int
server_open_stash(struct fuse_server *fs, struct stash *stash, struct err *e)
{
	int rc = 0;

	fs->stash = stash;
	fs->owns_stash = stash == NULL;
	if (stash == NULL)
		rc = stash_new(spa_name(fs->spa), 0, &fs->stash, e);
	if (rc != 0)
		return (rc);
	spa_random(fs->spa, &fs->seed, sizeof(fs->seed));
	spa_enter(fs->spa);
	spa_on_synced(fs->spa, synced, fs->stash);
	spa_exit(fs->spa);
	return (0);
}

int
fuse_server_new(struct spa *spa, struct syncer *sync, unsigned threads, struct stash *stash,
    struct fuse_server **out, struct err *e)
{
	struct fuse_server *fs = calloc(1, sizeof(*fs));
	int rc = 0;

	if (fs == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	fs->spa = spa;
	fs->sync = sync;
	if ((rc = server_open_stash(fs, stash, e)) != 0) {
		free(fs);
		return (rc);
	}
	fs->tail = &fs->sessions;
	fs->next_id = STOP_ID + 1;
	fs->epoll_fd = fs->stop_fd = -1;
	(void)pthread_mutex_init(&fs->lock, NULL);
	(void)pthread_cond_init(&fs->changed, NULL);
	if (threads == 0 || threads > STASH_SLOTS)
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

void
fuse_server_free(struct fuse_server *fs)
{
	struct fuse_session *s;
	uint64_t one = 1;

	if (fs == NULL)
		return;
	while ((s = last_session(fs)) != NULL)
		(void)fuse_session_unmount(s, true, NULL);
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
	spa_enter(fs->spa);
	spa_on_synced(fs->spa, NULL, NULL);
	spa_exit(fs->spa);
	if (fs->owns_stash)
		stash_free(fs->stash);
	free(fs);
}
