/* SPDX-License-Identifier: MIT */
/*
 * poold's body: a pool, its mounts and its socket.
 *
 *	       request on fd 0                          clients
 *	            |                                      | one connection each
 *	        open pool -> threads -> mount -> answer -> accept ... -> export or SIGTERM -> exit
 *	            |          |   `- FUSE server           |
 *	            |          `- syncer                    `- a thread per connection
 *	            `- of a successor: as it was, changes done again; the mounts and the socket are there
 *
 * The process is a child of the keeper (fs/pool_keeper.c), which starts another one when it dies.
 *
 * Files in $SMARTBOX_RUN/pool:
 *	<pool>.lock	flock held while a keeper lives: who has it is the pool's poold
 *	<pool>.sock	where it listens; there from "imported" until "exported"
 *	<pool>.state	how to import the pool again, if this process is killed (fs/client_start.c)
 *
 * Invariants:
 *	1. The answer to the start request is sent when the socket listens; what it names as
 *	   mounted is mounted.
 *	2. The answer to an export is sent when the labels are written and the socket and the state
 *	   file are gone; the lock goes with the process, right after.
 *	3. Killed at any point: a successor goes on, programs wait meanwhile (fs/fuse_takeover.c).  Killed
 *	   together with the keeper: what was promised to be durable is, the lock is free, the socket
 *	   refuses, the mounts answer ENOTCONN; the next start clears both away.
 *
 * Rejected: a central daemon for all pools (one bad pool would take the others down).
 */
#include "smartbox/fs/pool_server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "events.h"
#include "pool_server_impl.h"
#include "pool_wire.h"
#include "poolops_impl.h"
#include "smartbox/core/file.h"
#include "smartbox/core/pause.h"
#include "smartbox/fs/stale_mounts.h"
#include "smartbox/fs/tender.h"

enum {
	THREAD_STACK = 2 << 20, /* musl's default of 128 KiB is too small for the engine */
	DRAIN_MS = 2000,	/* for answers on their way when the pool is gone */
};

struct pool_server {
	char name[DSL_NAME_MAX];
	struct spa *spa;
	struct fuse_server *fuse;
	struct syncer *sync;
	struct zvol_server *zvols;
	struct pool_session *session;
	struct stash *st;
	int listen_fd, signal_fd, over_fd;
	pthread_mutex_t lock;
	unsigned connections; /* under lock */
};

struct connection {
	struct pool_server *sv;
	int fd;
};

static void
remove_file(const struct pool_server *sv, const char *suffix)
{
	char path[256];

	if (wire_path(path, sizeof(path), sv->name, suffix, NULL) == 0)
		(void)unlink(path);
}

static int
listen_socket(struct pool_server *sv, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int rc;

	if ((rc = wire_path(a.sun_path, sizeof(a.sun_path), sv->name, ".sock", e)) != 0)
		return (rc);
	(void)unlink(a.sun_path);
	if ((sv->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (err_sys(e, errno, "cannot make a socket"));
	(void)fchmod(sv->listen_fd, 0600);
	if (bind(sv->listen_fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    chmod(a.sun_path, 0600) != 0 || listen(sv->listen_fd, 128) != 0)
		return (err_sys(e, errno, "%s", a.sun_path));
	return (stash_hold(sv->st, STASH_LISTEN, sv->listen_fd, e));
}

/* The props that are no pool's but this import's, or were used up by it, are left out. */
static int
set_pool_props(struct pool_server *sv, const struct nvlist *request, struct err *e)
{
	struct nvlist *props;
	int rc = 0;

	if (nv_get_nvlist(request, "props", &props) != 0)
		return (0);
	spa_enter(sv->spa);
	for (struct nvpair *p = nv_next(props, NULL); p != NULL && rc == 0; p = nv_next(props, p))
		rc = spa_prop_set(sv->spa, nvpair_name(p), nv_str_or(props, nvpair_name(p), ""), e);
	spa_exit(sv->spa);
	return (rc);
}

static int
open_created(struct pool_server *sv, const struct nvlist *r, struct err *e)
{
	struct spa_create_opts o = {.name = sv->name, .force = nv_has(r, "force"),
	    .no_features = nv_has(r, "no_features"), .ashift = (unsigned)nv_u64_or(r, "ashift", 0)};
	struct nvlist *tree, *props = NULL, *fsprops = NULL;

	if (nv_get_nvlist(r, "vdev_tree", &tree) != 0)
		return (err_set(e, EINVAL, "request without devices"));
	(void)nv_get_nvlist(r, "props", &props);
	(void)nv_get_nvlist(r, "fsprops", &fsprops);
	o.vdev_tree = tree;
	o.props = props;
	o.fsprops = fsprops;
	return (spa_create(&o, &sv->spa, e));
}

static uint64_t
judge(void *arg, uint64_t found)
{
	return (stash_judge(arg, found));
}

static int
open_imported(struct pool_server *sv, const struct nvlist *r, struct err *e)
{
	struct spa_import_opts o = {.readonly = nv_has(r, "readonly"), .force = nv_has(r, "force"),
	    .missing_log_ok = nv_has(r, "missing_log_ok"), .new_name = nv_str_or(r, "new_name", NULL),
	    .judge = sv->st->h->started ? judge : NULL, .judge_arg = sv->st};
	struct nvlist *config;
	int rc;

	if (nv_get_nvlist(r, "config", &config) != 0)
		return (err_set(e, EINVAL, "request without a configuration"));
	o.config = config;
	if (!sv->st->h->started) { /* once: a successor goes on from what is there */
		o.to_checkpoint = nv_has(r, "to_checkpoint");
		o.rewind = nv_has(r, "rewind");
		o.extreme = nv_has(r, "extreme");
		o.max_txg = nv_u64_or(r, "max_txg", 0);
	}
	if ((rc = spa_import(&o, &sv->spa, e)) == 0 && !o.readonly)
		rc = set_pool_props(sv, r, e);
	return (rc);
}

/* Before the pool is closed: nothing else may be using it. */
static void
stop_threads(void *arg)
{
	struct pool_server *sv = arg;

	zvol_server_free(sv->zvols);
	sv->zvols = NULL;
	if (sv->spa != NULL)
		tender_stop(sv->spa);
	fuse_server_free(sv->fuse);
	sv->fuse = NULL;
	syncer_free(sv->sync);
	sv->sync = NULL;
}

/* failmode=panic: the next command starts another poold, from what is on the disk. */
static void
die(void *arg)
{
	(void)arg;
	abort();
}

static int
start_threads(struct pool_server *sv, const struct nvlist *r, struct err *e)
{
	struct pool_session_opts o = {.spa = sv->spa, .altroot = nv_str_or(r, "altroot", NULL),
	    .quiesce = stop_threads, .arg = sv};
	char dir[256];
	int rc;

	if (!spa_is_readonly(sv->spa) && (rc = syncer_new(sv->spa, 0, 0, &sv->sync, e)) != 0)
		return (rc);
	if ((rc = fuse_server_new(sv->spa, sv->sync, 0, sv->st, &sv->fuse, e)) != 0 ||
	    (rc = sv->st->h->started ? fuse_takeover_replay(sv->fuse, e) : 0) != 0 ||
	    (rc = wire_dir(dir, sizeof(dir), e)) != 0 ||
	    (rc = zvol_server_new(sv->spa, sv->sync, dir, &sv->zvols, e)) != 0)
		return (rc);
	spa_enter(sv->spa);
	(void)events_start(sv->spa); /* without memory for it: no events */
	events_post(sv->spa, strcmp(nv_str_or(r, "op", ""), "create") == 0 ?
	    "sysevent.fs.zfs.pool_create" : "sysevent.fs.zfs.pool_import", NULL);
	spa_be_patient(sv->spa, die, NULL);
	spa_exit(sv->spa);
	if (!spa_is_readonly(sv->spa) && (rc = tender_start(sv->spa, e)) != 0)
		return (rc);
	o.fuse = sv->fuse;
	o.sync = sv->sync;
	o.zvols = sv->zvols;
	return (pool_session_new(&o, &sv->session, e));
}

static int
add_path(struct vdev *leaf, void *arg)
{
	return (leaf->path != NULL ? strlist_add(arg, leaf->path) : 0);
}

/* What a later command needs to import the pool again if this process dies without a word. */
static void
write_state(struct pool_server *sv, const struct nvlist *r)
{
	static const char *const flags[] = {"readonly", "nomount", "missing_log_ok"};
	struct strlist paths = STRLIST_INIT;
	struct nvlist *st = nv_new();
	char path[256];
	void *buf = NULL;
	size_t len;

	if (st == NULL)
		return;
	spa_enter(sv->spa);
	(void)vdev_walk_leaves(spa_root_vdev(sv->spa), add_path, &paths);
	(void)nv_add_u64(st, "guid", spa_guid(sv->spa));
	spa_exit(sv->spa);
	(void)strlist_to_nv(&paths, st, "paths");
	(void)nv_add_str(st, "name", sv->name);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (nv_has(r, flags[i]))
			(void)nv_add_boolean(st, flags[i]);
	if (nv_has(r, "altroot"))
		(void)nv_add_str(st, "altroot", nv_str_or(r, "altroot", ""));
	if (nv_pack(st, &buf, &len) == 0 && wire_path(path, sizeof(path), sv->name, ".state", NULL) == 0)
		(void)file_replace(path, buf, len, 0600, NULL);
	free(buf);
	strlist_free(&paths);
	nv_free(st);
}

static void
log_start(struct pool_server *sv, const struct nvlist *r)
{
	if (spa_is_readonly(sv->spa))
		return;
	spa_enter(sv->spa);
	history_command(sv->session, r);
	spa_exit(sv->spa);
}

static void
tell_rewind(struct pool_server *sv, struct nvlist *out)
{
	uint64_t now_at, was_at;

	if (spa_rewound(sv->spa, &now_at, &was_at))
		(void)nv_add_u64_array(out, "rewound", (uint64_t[]){now_at, was_at}, 2);
}

/* Mounting may fail for a part; the pool is imported all the same, and the answer says it. */
static void
mount_at_start(struct pool_server *sv, const struct nvlist *r, struct nvlist *out)
{
	struct err e = ERR_INIT;

	if (!nv_has(r, "nomount") && mount_imported(sv->session, r, &e) != 0)
		(void)nv_add_str(out, "not_mounted", e.msg);
	if (zvol_server_update(sv->zvols, NULL, &e) != 0)
		(void)nv_add_str(out, "no_device", e.msg);
}

/* From a request to a pool that is served; sv is cleaned up by the caller on failure. */
static int
server_start(struct pool_server *sv, const struct nvlist *r, struct nvlist *out, struct err *e)
{
	int rc;

	stale_mounts_clear(sv->name);
	if (strcmp(nv_str_or(r, "op", ""), "create") == 0)
		rc = open_created(sv, r, e);
	else
		rc = open_imported(sv, r, e);
	if (rc != 0 || (rc = start_threads(sv, r, e)) != 0)
		return (rc);
	log_start(sv, r);
	tell_rewind(sv, out);
	mount_at_start(sv, r, out);
	if ((rc = listen_socket(sv, e)) == 0)
		write_state(sv, r);
	return (rc);
}

/* Where a server was killed: the mounts and the socket are there, and users wait. */
static int
server_take_over(struct pool_server *sv, struct err *e)
{
	struct nvlist *r;
	int rc = pool_restart_request(sv->name, &r, e);

	if (rc != 0)
		return (rc);
	sv->listen_fd = sv->st->h->listen_fd;
	if ((rc = open_imported(sv, r, e)) == 0)
		rc = start_threads(sv, r, e);
	nv_free(r);
	if (rc != 0)
		return (rc);
	stash_complete(sv->st);
	if ((rc = fuse_takeover_serve(sv->fuse, e)) != 0)
		return (rc);
	(void)zvol_server_update(sv->zvols, NULL, NULL);
	return (0);
}

static bool
is_allowed(int fd, const char *op, struct nvlist *request)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return (false);
	(void)nv_add_u64(request, "uid", who.uid);
	return (who.uid == 0 || (strcmp(op, "server.restart") != 0 && !poolops_is_stream(op) &&
	    poolops_changes(op) == 0));
}

static void
tell_client(void *arg, const struct nvlist *nv)
{
	struct connection *c = arg;

	(void)wire_send(c->fd, nv, NULL);
}

static bool
client_is_gone(void *arg)
{
	const struct connection *c = arg;
	struct pollfd p = {c->fd, POLLRDHUP, 0};

	return (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

/* By the caller's program, once what is dirty is durable: the main thread sees the signal. */
static int
ask_restart(struct pool_server *sv, const struct nvlist *request)
{
	(void)snprintf(sv->st->h->exe, sizeof(sv->st->h->exe), "%s", nv_str_or(request, "exe", ""));
	return (kill(getpid(), SIGHUP) == 0 ? 0 : -errno);
}

static int
run_request(struct connection *c, const char *op, struct nvlist *request, int passed,
    struct nvlist *out, struct err *e)
{
	struct poolops_io io = {passed, tell_client, client_is_gone, c};

	if (!is_allowed(c->fd, op, request))
		return (err_set(e, EPERM, "permission denied"));
	if (strcmp(op, "server.restart") == 0)
		return (ask_restart(c->sv, request));
	if (poolops_is_stream(op))
		return (poolops_stream(c->sv->session, op, request, out, &io, e));
	return (poolops_call(c->sv->session, op, request, out, e));
}

/* A descriptor among the results goes along, and is the client's alone then. */
static int
send_answer(int sock, const struct nvlist *answer, const struct nvlist *out)
{
	uint64_t fd = nv_u64_or(out, "descriptor", UINT64_MAX);
	int rc = wire_send_fd(sock, answer, fd <= INT_MAX ? (int)fd : -1, NULL);

	if (fd <= INT_MAX)
		(void)close((int)fd);
	return (rc);
}

/* One request; false: the connection is of no further use. */
static bool
serve_request(struct connection *c, struct nvlist *request, int passed)
{
	struct pool_server *sv = c->sv;
	const char *op = nv_str_or(request, "op", "");
	struct nvlist *out = nv_new(), *answer = NULL;
	struct err e = ERR_INIT;
	bool is_over, ok = false;
	int rc;

	if (out == NULL)
		return (false);
	rc = run_request(c, op, request, passed, out, &e);
	is_over = pool_session_is_over(sv->session);
	if (is_over) {
		remove_file(sv, ".sock");
		remove_file(sv, ".state");
	}
	if ((answer = wire_answer(rc, &e, out)) != NULL)
		ok = send_answer(c->fd, answer, out) == 0;
	nv_free(answer);
	nv_free(out);
	if (is_over)
		(void)eventfd_write(sv->over_fd, 1);
	return (ok && !is_over);
}

static void *
connection_main(void *arg)
{
	struct connection *c = arg;
	struct pool_server *sv = c->sv;
	struct nvlist *request;
	bool go_on = true;
	int passed;

	while (go_on && wire_recv_fd(c->fd, WIRE_REQUEST_MAX, &request, &passed, NULL) == 0) {
		go_on = serve_request(c, request, passed);
		if (passed >= 0)
			(void)close(passed);
		nv_free(request);
	}
	(void)close(c->fd);
	free(c);
	(void)pthread_mutex_lock(&sv->lock);
	sv->connections--;
	(void)pthread_mutex_unlock(&sv->lock);
	return (NULL);
}

static void
accept_one(struct pool_server *sv)
{
	struct connection *c = malloc(sizeof(*c));
	pthread_attr_t attr;
	pthread_t t;
	int rc = c == NULL ? ENOMEM : 0;
	int fd = accept4(sv->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (rc == 0 && fd >= 0) {
		*c = (struct connection){sv, fd};
		(void)pthread_attr_init(&attr);
		(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		(void)pthread_mutex_lock(&sv->lock);
		if ((rc = pthread_create(&t, &attr, connection_main, c)) == 0)
			sv->connections++;
		(void)pthread_mutex_unlock(&sv->lock);
		(void)pthread_attr_destroy(&attr);
		if (rc == 0)
			return;
	}
	if (fd >= 0)
		(void)close(fd);
	free(c);
}

/* SIGTERM: leave the pool exported; users of its files are cut off. */
static void
export_on_signal(struct pool_server *sv)
{
	struct nvlist *in = nv_new(), *out = nv_new();

	if (in != NULL && out != NULL && nv_add_boolean(in, "force") == 0)
		(void)poolops_call(sv->session, "pool.export", in, out, NULL);
	nv_free(in);
	nv_free(out);
}

/* What has our name now, which may be newer. */
static void
name_of_program(char *buf, size_t size)
{
	static const char gone[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	size_t tail = sizeof(gone) - 1;

	buf[n > 0 ? n : 0] = '\0';
	if (n > (ssize_t)tail && strcmp(buf + n - tail, gone) == 0)
		buf[n - (ssize_t)tail] = '\0';
}

/*
 * SIGHUP: a successor, perhaps of a newer program, goes on.  What is dirty is written first, so that it has
 * little to do; the rest is as if this process were killed.
 */
static void
restart(struct pool_server *sv)
{
	if (sv->sync != NULL)
		(void)syncer_flush(sv->sync);
	if (sv->st->h->exe[0] == '\0')
		name_of_program(sv->st->h->exe, sizeof(sv->st->h->exe));
	_exit(POOL_RESTART_STATUS);
}

/* True: the pool is exported. */
static bool
take_signal(struct pool_server *sv)
{
	struct signalfd_siginfo si;

	if (read(sv->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return (false);
	if (si.ssi_signo == SIGHUP)
		restart(sv);
	export_on_signal(sv);
	return (true);
}

static void
serve(struct pool_server *sv)
{
	struct pollfd p[3] = {{sv->listen_fd, POLLIN, 0}, {sv->signal_fd, POLLIN, 0},
	    {sv->over_fd, POLLIN, 0}};

	while (!pool_session_is_over(sv->session)) {
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			accept_one(sv);
		if ((p[1].revents & POLLIN) && take_signal(sv))
			break;
	}
	remove_file(sv, ".sock");
	remove_file(sv, ".state");
}

/* Answers that are being sent may finish. */
static void
drain(struct pool_server *sv)
{
	for (unsigned ms = 0; ms < DRAIN_MS; ms += 5) {
		unsigned n;

		(void)pthread_mutex_lock(&sv->lock);
		n = sv->connections;
		(void)pthread_mutex_unlock(&sv->lock);
		if (n == 0)
			return;
		pause_ms(5);
	}
}

void
pool_protect_memory(void)
{
#ifdef PR_SET_IO_FLUSHER
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
#endif
	(void)file_poke("/proc/self/oom_score_adj", "-1000", NULL);
}

/* Before any thread: they inherit the mask, and signalfd gets the signals. */
static int
block_signals(struct pool_server *sv, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	sv->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	sv->over_fd = eventfd(0, EFD_CLOEXEC);
	return (sv->signal_fd < 0 || sv->over_fd < 0 ? err_sys(e, errno, "signals") : 0);
}

void
pool_server_report(int fd, int rc, const struct err *e, const struct nvlist *out)
{
	struct nvlist *answer = wire_answer(rc, e, out);

	if (answer != NULL)
		(void)wire_send(fd, answer, NULL);
	nv_free(answer);
	(void)close(fd);
}

/* A start that failed leaves no pool behind in this process; its labels are as they were. */
static void
abandon(struct pool_server *sv)
{
	if (sv->listen_fd >= 0)
		remove_file(sv, ".sock");
	stop_threads(sv);
	if (sv->spa != NULL)
		spa_close(sv->spa);
}

static int
first_start(struct pool_server *sv, const struct nvlist *request, int report_fd, struct err *e)
{
	struct nvlist *out = nv_new();
	int rc = out == NULL ? err_set(e, ENOMEM, "out of memory") : server_start(sv, request, out, e);

	if (rc == 0)
		sv->st->h->started = 1;
	sv->st->h->serving = sv->st->h->generation;
	pool_server_report(report_fd, rc, e, out);
	nv_free(out);
	if (rc != 0)
		abandon(sv);
	return (rc);
}

/* What fails here leaves everything as it is: the keeper decides whether somebody else tries. */
static int
next_start(struct pool_server *sv, struct err *e)
{
	int rc = server_take_over(sv, e);

	if (rc == 0)
		sv->st->h->serving = sv->st->h->generation;
	return (rc);
}

int
pool_server_run(const struct nvlist *request, int report_fd, struct stash *st, struct err *e)
{
	struct pool_server sv = {.listen_fd = -1, .st = st};
	int rc;

	(void)snprintf(sv.name, sizeof(sv.name), "%s", st->h->pool);
	(void)pthread_mutex_init(&sv.lock, NULL);
	(void)umask(022);
	pool_protect_memory();
	if ((rc = block_signals(&sv, e)) != 0)
		pool_server_report(report_fd, rc, e, NULL);
	else if (request != NULL)
		rc = first_start(&sv, request, report_fd, e);
	else
		rc = next_start(&sv, e);
	if (rc != 0)
		return (rc);
	serve(&sv);
	drain(&sv);
	return (0); /* the process ends: an idle connection may still look at the session */
}

int
pool_server_request(int fd, struct nvlist **request, struct err *e)
{
	return (wire_recv(fd, WIRE_REQUEST_MAX, request, e));
}
