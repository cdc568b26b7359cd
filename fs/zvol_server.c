/* SPDX-License-Identifier: MIT */
/*
 * A pool's volumes as block devices.
 *
 *	volume --- zvol_open: struct bdev --- blk_disk --+-- nbd connections --- /dev/nbdN <- /dev/zvol/...
 *	                                                 `-- vhost-user sessions --- a guest's rings
 *
 * Which volumes are exported follows from the datasets: property volmode (none: not at all) of a volume,
 * snapdev=visible for its snapshots.  A device is known by its dataset's object number, which a rename does
 * not change, and outside by its backend string, pool guid and object number, by which the next poold finds
 * the devices that a killed one left: it gives them new connections, and what waited goes on.
 *
 * A connection that dies while the device is wanted (the kernel gave up on a slow request, and
 * sends it again) is replaced at once, by the worker that noticed.
 *
 * Locks: `lock` protects the devices' connections and the netlink socket.  It is never held while
 * waiting for a worker (nbd_conn_free), nor together with the pool's lock.  The list of devices is changed by
 * the operations only, one at a time.
 */
#include "smartbox/fs/zvol_server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nbd.h"
#include "smartbox/core/spawn.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/zvol.h"
#include "vhost_user.h"
#include "zvol_impl.h"
#include "zvol_keep.h"

enum { SOCKETS = 4, LOSSES_MAX = 8 /* in a second, then the device is given up */ };
enum { VOLMODE_NONE = 3, SNAPDEV_VISIBLE = 1 };

/* An open volume, shared by the ways it is exported. */
struct volume {
	uint64_t obj; /* of the dataset */
	struct blk_disk disk;
	unsigned refs;
	struct volume *next;
};

struct zvol_dev {
	struct zvol_server *zs;
	uint64_t obj;
	char name[DSL_NAME_MAX];
	char backend[64];
	struct volume *v;
	int index; /* nbdN */
	uint64_t size;
	bool readonly, wanted, has_snapshots;
	struct nbd_conn **conn; /* live and dead */
	size_t nconn;
	bool leaving;
	time_t second; /* of the last loss */
	unsigned losses;
	struct zvol_dev *next;
};

/* A volume that a VMM has through vhost-user. */
struct zvol_guest {
	struct zvol_server *zs;
	char name[DSL_NAME_MAX];
	struct volume *v;
	struct vu_session *session;
	uint64_t size;
	bool gone; /* the VMM hung up; under lock */
	struct zvol_guest *next;
};

struct zvol_server {
	struct spa *spa;
	struct syncer *sync;
	struct blkio *io;
	pthread_mutex_t lock;
	struct nbd_kernel *nbd;
	struct err why; /* there is none */
	bool started;
	struct zvol_keep *keep;
	struct volume *volumes;
	struct zvol_dev *devs;
	struct zvol_guest *guests;
};

/* What should be exported. */
struct wanted {
	uint64_t obj;
	char name[DSL_NAME_MAX];
	bool has_snapshots; /* visible ones */
};
struct wanted_list {
	struct wanted *v;
	size_t n, cap;
};

/* --- an open volume --------------------------------------------------------------------------- */

static void
volume_rele(struct zvol_server *zs, struct volume *v)
{
	struct volume **pv = &zs->volumes;

	if (v == NULL || --v->refs > 0)
		return;
	while (*pv != v)
		pv = &(*pv)->next;
	*pv = v->next;
	bdev_close(v->disk.bd);
	free(v);
}

static int
object_of(struct zvol_server *zs, const char *name, uint64_t *obj, struct err *e)
{
	struct dsl_dataset *ds;
	int rc;

	spa_enter(zs->spa);
	if ((rc = dsl_hold(zs->spa, name, &ds, e)) == 0) {
		*obj = dsl_objnum(ds);
		dsl_rele(ds);
	}
	spa_exit(zs->spa);
	return (rc);
}

static int
volume_hold(struct zvol_server *zs, const char *name, struct volume **out, struct err *e)
{
	struct volume *v;
	uint64_t obj;
	int rc;

	if ((rc = object_of(zs, name, &obj, e)) != 0)
		return (rc);
	for (v = zs->volumes; v != NULL && v->obj != obj; v = v->next)
		continue;
	if (v == NULL) {
		if ((v = calloc(1, sizeof(*v))) == NULL)
			return (err_set(e, ENOMEM, "out of memory"));
		if ((rc = zvol_open(zs->spa, zs->sync, name, false, &v->disk.bd, e)) != 0) {
			free(v);
			return (rc);
		}
		zvol_set_keep(v->disk.bd, zs->keep);
		v->disk.flush = zvol_flush;
		v->disk.is_sync = zvol_is_sync;
		v->obj = obj;
		v->next = zs->volumes;
		zs->volumes = v;
	}
	v->refs++;
	*out = v;
	return (0);
}

/* --- a device --------------------------------------------------------------------------------- */

static void lost(void *arg);

/* Both ends of a new connection: ours is served, the kernel's returned; the lock held. */
static int
add_connection(struct zvol_dev *d, int *kernel_end)
{
	struct nbd_conn **v = realloc(d->conn, (d->nconn + 1) * sizeof(struct nbd_conn *));
	int fd[2], rc;

	if (v == NULL)
		return (-ENOMEM);
	d->conn = v;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return (-errno);
	rc = nbd_conn_new(d->zs->io, &d->v->disk, fd[0], lost, d, &d->conn[d->nconn]);
	if (rc != 0) {
		(void)close(fd[1]);
		return (rc);
	}
	d->nconn++;
	*kernel_end = fd[1];
	return (0);
}

static void
close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		(void)close(fds[i]);
}

/* A device whose connections end again and again was disconnected by somebody else. */
static bool
is_given_up(struct zvol_dev *d)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != d->second)
		d->losses = 0;
	d->second = now.tv_sec;
	return (++d->losses > LOSSES_MAX);
}

static void
lost(void *arg)
{
	struct zvol_dev *d = arg;
	int fd;

	(void)pthread_mutex_lock(&d->zs->lock);
	if (!d->leaving && !is_given_up(d) && add_connection(d, &fd) == 0) {
		if (nbd_kernel_reconnect(d->zs->nbd, d->index, d->backend, &fd, 1, NULL) != 0)
			d->leaving = true;
		(void)close(fd);
	}
	(void)pthread_mutex_unlock(&d->zs->lock);
}

struct search {
	const char *backend;
	int index;
};

static int
compare_backend(int index, const char *backend, void *arg)
{
	struct search *s = arg;

	if (strcmp(backend, s->backend) != 0)
		return (0);
	s->index = index;
	return (1);
}

/* The device that a server before us had, or a new one; the lock held. */
static int
connect_device(struct zvol_dev *d, const int *fds, int n, struct err *e)
{
	struct nbd_spec spec = {d->size, d->readonly, d->backend};
	struct search s = {d->backend, -1};

	if (!d->zs->started && nbd_kernel_walk(d->backend, compare_backend, &s) != 0 &&
	    nbd_kernel_reconnect(d->zs->nbd, s.index, d->backend, fds, n, NULL) == 0) {
		d->index = s.index;
		return (nbd_kernel_resize(d->zs->nbd, d->index, d->backend, d->size, e));
	}
	return (nbd_kernel_connect(d->zs->nbd, &spec, fds, n, &d->index, e));
}

static int
attach(struct zvol_dev *d, struct err *e)
{
	int fds[SOCKETS], n = 0, rc = 0;

	(void)pthread_mutex_lock(&d->zs->lock);
	while (n < SOCKETS && rc == 0)
		if ((rc = add_connection(d, &fds[n])) == 0)
			n++;
	rc = rc != 0 ? err_rc(e, rc, "cannot connect") : connect_device(d, fds, n, e);
	(void)pthread_mutex_unlock(&d->zs->lock);
	close_all(fds, n);
	return (rc);
}

static int
link_device(struct zvol_dev *d, struct err *e)
{
	char device[16], path[4096];
	int rc;

	(void)snprintf(device, sizeof(device), "nbd%d", d->index);
	if ((rc = zvol_device_node(device, path, sizeof(path), e)) != 0)
		return (rc);
	return (zvol_link(d->name, device, e));
}

/* Off the list already; waits for what is being served. */
static void
device_free(struct zvol_dev *d)
{
	(void)pthread_mutex_lock(&d->zs->lock);
	d->leaving = true;
	if (d->index >= 0)
		(void)nbd_kernel_disconnect(d->zs->nbd, d->index, NULL);
	(void)pthread_mutex_unlock(&d->zs->lock);
	zvol_unlink(d->name);
	for (size_t i = 0; i < d->nconn; i++)
		nbd_conn_free(d->conn[i]);
	free(d->conn);
	volume_rele(d->zs, d->v);
	free(d);
}

static int
device_new(struct zvol_server *zs, const struct wanted *w, struct err *e)
{
	struct zvol_dev *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	d->zs = zs;
	d->obj = w->obj;
	d->index = -1;
	(void)snprintf(d->name, sizeof(d->name), "%s", w->name);
	(void)snprintf(d->backend, sizeof(d->backend), "smartbox:%016" PRIx64 ":%" PRIu64,
	    spa_guid(zs->spa), w->obj);
	if ((rc = volume_hold(zs, w->name, &d->v, e)) != 0) {
		free(d);
		return (rc);
	}
	d->size = d->v->disk.bd->size;
	d->readonly = d->v->disk.bd->readonly;
	if ((rc = attach(d, e)) != 0 || (rc = link_device(d, e)) != 0) {
		device_free(d);
		return (rc);
	}
	d->wanted = true;
	d->has_snapshots = w->has_snapshots;
	d->next = zs->devs;
	zs->devs = d;
	return (0);
}

/* Open our own device for an ioctl; its requests are served by the workers meanwhile. */
static void
device_ioctl(const struct zvol_dev *d, unsigned long request, void *arg)
{
	char device[16], path[4096];
	int fd;

	(void)snprintf(device, sizeof(device), "nbd%d", d->index);
	if (zvol_device_node(device, path, sizeof(path), NULL) != 0 ||
	    (fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return;
	(void)ioctl(fd, request, arg);
	(void)close(fd);
}

static void
follow_properties(struct zvol_dev *d)
{
	struct bdev *bd = d->v->disk.bd;

	if (d->size != bd->size) {
		(void)pthread_mutex_lock(&d->zs->lock);
		if (nbd_kernel_resize(d->zs->nbd, d->index, d->backend, bd->size, NULL) == 0)
			d->size = bd->size;
		(void)pthread_mutex_unlock(&d->zs->lock);
	}
	if (d->readonly != bd->readonly) {
		int ro = bd->readonly;

		device_ioctl(d, BLKROSET, &ro);
		d->readonly = bd->readonly;
	}
}

/* --- guests ----------------------------------------------------------------------------------- */

static void
guest_gone(void *arg)
{
	struct zvol_guest *g = arg;

	(void)pthread_mutex_lock(&g->zs->lock);
	g->gone = true;
	(void)pthread_mutex_unlock(&g->zs->lock);
}

static bool
is_gone(struct zvol_guest *g)
{
	bool gone;

	(void)pthread_mutex_lock(&g->zs->lock);
	gone = g->gone;
	(void)pthread_mutex_unlock(&g->zs->lock);
	return (gone);
}

static void
guest_free(struct zvol_guest *g)
{
	vu_session_free(g->session);
	volume_rele(g->zs, g->v);
	free(g);
}

/* Sessions whose VMM hung up; with `root` (NULL: all of them) also the others there. */
static void
free_guests(struct zvol_server *zs, bool all, const char *root)
{
	struct zvol_guest **pg = &zs->guests, *g;

	while ((g = *pg) != NULL) {
		if (!is_gone(g) && !(all && (root == NULL || name_is_within(g->name, root)))) {
			pg = &g->next;
			continue;
		}
		*pg = g->next;
		guest_free(g);
	}
}

static void
guests_follow(struct zvol_server *zs)
{
	for (struct zvol_guest *g = zs->guests; g != NULL; g = g->next)
		if (g->size != g->v->disk.bd->size) {
			g->size = g->v->disk.bd->size;
			vu_session_resized(g->session);
		}
}

int
zvol_server_vhost(struct zvol_server *zs, const char *name, bool readonly, int *fd, struct err *e)
{
	struct zvol_guest *g = calloc(1, sizeof(*g));
	int pair[2], rc;

	free_guests(zs, false, NULL);
	if (g == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	g->zs = zs;
	(void)snprintf(g->name, sizeof(g->name), "%.*s", DSL_NAME_MAX - 1, name);
	if ((rc = volume_hold(zs, name, &g->v, e)) != 0)
		goto out;
	g->size = g->v->disk.bd->size;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		rc = err_sys(e, errno, "cannot make a socket");
		goto out;
	}
	rc = vu_session_new(zs->io, &g->v->disk, readonly,
	    strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name, pair[0], guest_gone, g, &g->session);
	if (rc != 0) {
		(void)close(pair[1]);
		rc = err_rc(e, rc, "cannot serve '%s'", name);
		goto out;
	}
	g->next = zs->guests;
	zs->guests = g;
	*fd = pair[1];
	return (0);
out:
	volume_rele(zs, g->v);
	free(g);
	return (rc);
}

/* --- which ones ------------------------------------------------------------------------------- */

static int
want(struct dsl_dataset *ds, void *arg)
{
	struct wanted_list *l = arg;
	struct wanted *w;
	uint64_t v;

	if (!dsl_is_snapshot(ds) && dsl_prop_u64(ds, "volmode", &v) == 0 && v == VOLMODE_NONE)
		return (0);
	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? 2 * l->cap : 16;

		if ((w = realloc(l->v, cap * sizeof(*w))) == NULL)
			return (-ENOMEM);
		l->v = w;
		l->cap = cap;
	}
	w = &l->v[l->n++];
	w->obj = dsl_objnum(ds);
	w->has_snapshots = !dsl_is_snapshot(ds) && dsl_prop_u64(ds, "snapdev", &v) == 0 &&
	    v == SNAPDEV_VISIBLE;
	dsl_name(ds, w->name);
	return (0);
}

static int
find_wanted(struct zvol_server *zs, const char *root, struct wanted_list *l, struct err *e)
{
	int rc;

	spa_enter(zs->spa);
	rc = dsl_walk(zs->spa, root, -1, DSL_VOLUME, want, l, e);
	for (size_t i = 0, n = l->n; i < n && rc == 0; i++)
		if (l->v[i].has_snapshots)
			rc = dsl_walk(zs->spa, l->v[i].name, 0, DSL_SNAPSHOT, want, l, e);
	spa_exit(zs->spa);
	return (rc == -ENOENT ? 0 : rc); /* all of it is gone */
}

static bool
is_below(const char *name, const char *root)
{
	return (root == NULL || name_is_within(name, root));
}

static struct zvol_dev *
find_device(struct zvol_server *zs, uint64_t obj)
{
	struct zvol_dev *d = zs->devs;

	while (d != NULL && d->obj != obj)
		d = d->next;
	return (d);
}

static void
set_name(struct zvol_dev *d, const char *name)
{
	if (strcmp(d->name, name) == 0)
		return;
	zvol_unlink(d->name);
	(void)snprintf(d->name, sizeof(d->name), "%.*s", DSL_NAME_MAX - 1, name);
	(void)link_device(d, NULL);
}

static void
free_unwanted(struct zvol_server *zs, const char *root)
{
	struct zvol_dev **pd = &zs->devs, *d;

	while ((d = *pd) != NULL) {
		if (d->wanted || !is_below(d->name, root)) {
			pd = &d->next;
			continue;
		}
		*pd = d->next;
		device_free(d);
	}
}

/* --- starting --------------------------------------------------------------------------------- */

/* The driver, with its module loaded, is asked for when there is a first volume. */
static int
need_driver(struct zvol_server *zs, struct err *e)
{
	static const char *const modprobe[] = {"modprobe", "nbd", NULL};

	if (zs->nbd != NULL)
		return (0);
	if (zs->why.code == 0 && nbd_kernel_open(&zs->nbd, &zs->why) != 0) {
		(void)spawn_run(modprobe, NULL, NULL);
		(void)nbd_kernel_open(&zs->nbd, &zs->why);
	}
	return (zs->nbd != NULL ? 0 : err_set(e, zs->why.code, "%s", zs->why.msg));
}

static int
disconnect_stale(int index, const char *backend, void *arg)
{
	struct zvol_server *zs = arg;

	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		if (strcmp(d->backend, backend) == 0)
			return (0);
	(void)nbd_kernel_disconnect(zs->nbd, index, NULL);
	return (0);
}

/* What a server that was killed left and nobody wants. */
static void
clear_stale(struct zvol_server *zs)
{
	char prefix[64];

	if (zs->started)
		return;
	zs->started = true;
	(void)snprintf(prefix, sizeof(prefix), "smartbox:%016" PRIx64 ":", spa_guid(zs->spa));
	if (zs->nbd != NULL)
		(void)nbd_kernel_walk(prefix, disconnect_stale, zs);
}

struct find_obj {
	uint64_t obj;
	char name[DSL_NAME_MAX];
};

static int
compare_obj(struct dsl_dataset *ds, void *arg)
{
	struct find_obj *f = arg;

	if (dsl_objnum(ds) != f->obj)
		return (0);
	dsl_name(ds, f->name);
	return (1);
}

struct again {
	struct zvol_server *zs;
	struct find_obj last;
	struct volume *v; /* of `last` */
};

static int
open_again(struct again *a, uint64_t obj)
{
	struct zvol_server *zs = a->zs;
	int rc;

	if (a->v != NULL && a->last.obj == obj)
		return (0);
	volume_rele(zs, a->v);
	a->v = NULL;
	a->last.obj = obj;
	spa_enter(zs->spa);
	rc = dsl_walk(zs->spa, NULL, -1, DSL_VOLUME, compare_obj, &a->last, NULL);
	spa_exit(zs->spa);
	if (rc != 1)
		return (-ENOENT);
	return (volume_hold(zs, a->last.name, &a->v, NULL));
}

static int
do_again(void *arg, uint64_t obj, uint64_t off, uint64_t len, const void *buf)
{
	struct again *a = arg;
	int rc = open_again(a, obj);

	if (rc != 0)
		return (rc);
	return (buf != NULL ? bdev_write(a->v->disk.bd, buf, len, off) :
	    bdev_discard(a->v->disk.bd, off, len));
}

/* What a poold that was killed had acknowledged. */
static int
recover(struct zvol_server *zs, const char *dir, struct err *e)
{
	struct again a = {.zs = zs};
	struct zvol_keep *keep;
	uint64_t n;
	int rc;

	if ((rc = zvol_keep_open(zs->spa, dir, &keep, e)) != 0)
		return (rc);
	rc = zvol_keep_replay(keep, do_again, &a, &n); /* not kept again: zs->keep is not set */
	volume_rele(zs, a.v);
	if (n > 0)
		rc = syncer_flush(zs->sync);
	if (rc != 0) {
		zvol_keep_close(keep, false);
		return (err_rc(e, rc, "what volumes acknowledged cannot be written"));
	}
	zvol_keep_forget(keep);
	zs->keep = keep;
	return (0);
}

int
zvol_server_new(struct spa *spa, struct syncer *sync, const char *dir, struct zvol_server **out,
    struct err *e)
{
	struct zvol_server *zs = calloc(1, sizeof(*zs));
	int rc;

	if (zs == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	zs->spa = spa;
	zs->sync = sync;
	if ((rc = blkio_new(0, &zs->io, e)) != 0) {
		free(zs);
		return (rc);
	}
	(void)pthread_mutex_init(&zs->lock, NULL);
	if (sync != NULL && (rc = recover(zs, dir, e)) != 0) {
		zvol_server_free(zs);
		return (rc);
	}
	zvol_unlink_pool(spa_name(spa));
	*out = zs;
	return (0);
}

void
zvol_server_free(struct zvol_server *zs)
{
	if (zs == NULL)
		return;
	(void)zvol_server_release(zs, NULL, true, NULL);
	if (zs->keep != NULL)
		(void)syncer_flush(zs->sync);
	zvol_keep_close(zs->keep, true);
	blkio_free(zs->io);
	nbd_kernel_close(zs->nbd);
	(void)pthread_mutex_destroy(&zs->lock);
	free(zs);
}

/* --- the calls -------------------------------------------------------------------------------- */

static int
update_one(struct zvol_server *zs, const struct wanted *w, struct err *e)
{
	struct zvol_dev *d = find_device(zs, w->obj);
	int rc;

	if (d != NULL) {
		d->wanted = true;
		d->has_snapshots = w->has_snapshots;
		set_name(d, w->name);
		follow_properties(d);
		return (0);
	}
	if ((rc = need_driver(zs, e)) == 0)
		rc = device_new(zs, w, e);
	return (rc == 0 ? 0 : err_wrap(e, "no device for '%s'", w->name));
}

int
zvol_server_update(struct zvol_server *zs, const char *root, struct err *e)
{
	struct wanted_list l = {NULL, 0, 0};
	int rc = find_wanted(zs, root, &l, e), first = 0;

	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		d->wanted = rc != 0;
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		struct err one = ERR_INIT;

		if (update_one(zs, &l.v[i], &one) != 0 && first == 0)
			first = err_set(e, one.code, "%s", one.msg);
	}
	free_unwanted(zs, root);
	clear_stale(zs);
	free(l.v);
	return (rc != 0 ? rc : first);
}

void
zvol_server_refresh(struct zvol_server *zs, const char *root)
{
	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		if (is_below(d->name, root))
			follow_properties(d);
	guests_follow(zs);
}

void
zvol_server_renamed(struct zvol_server *zs, const char *from, const char *to)
{
	char name[2 * DSL_NAME_MAX];

	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next) {
		if (!is_below(d->name, from))
			continue;
		(void)snprintf(name, sizeof(name), "%s%s", to, d->name + strlen(from));
		set_name(d, name);
	}
	for (struct zvol_guest *g = zs->guests; g != NULL; g = g->next) {
		if (!is_below(g->name, from))
			continue;
		(void)snprintf(name, sizeof(name), "%s%s", to, g->name + strlen(from));
		(void)snprintf(g->name, sizeof(g->name), "%.*s", DSL_NAME_MAX - 1, name);
	}
}

void
zvol_server_snapshotted(struct zvol_server *zs, const char *root)
{
	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		if (d->has_snapshots && is_below(d->name, root)) {
			(void)zvol_server_update(zs, root, NULL);
			return;
		}
}

void
zvol_server_rolled_back(struct zvol_server *zs, const char *name)
{
	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		if (strcmp(d->name, name) == 0) {
			follow_properties(d);
			device_ioctl(d, BLKFLSBUF, NULL);
		}
	guests_follow(zs);
}

static int
refuse_busy(struct zvol_server *zs, const char *root, struct err *e)
{
	char device[16];

	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next) {
		(void)snprintf(device, sizeof(device), "nbd%d", d->index);
		if (is_below(d->name, root) && zvol_device_in_use(device))
			return (err_set(e, EBUSY, "cannot close '%s': its device is in use", d->name));
	}
	for (struct zvol_guest *g = zs->guests; g != NULL; g = g->next)
		if (is_below(g->name, root) && !is_gone(g))
			return (err_set(e, EBUSY, "cannot close '%s': a guest uses it", g->name));
	return (0);
}

int
zvol_server_release(struct zvol_server *zs, const char *root, bool force, struct err *e)
{
	int rc;

	if (!force && (rc = refuse_busy(zs, root, e)) != 0)
		return (rc);
	for (struct zvol_dev *d = zs->devs; d != NULL; d = d->next)
		d->wanted = false;
	free_unwanted(zs, root);
	free_guests(zs, true, root);
	return (0);
}
