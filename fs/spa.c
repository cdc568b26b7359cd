/* SPDX-License-Identifier: MIT */
/*
 * spa: the pool as an object.  Its life, its lock, what others ask it.
 *
 *                    spa_create, spa_import
 *                             |
 *                             v
 *	+------------------> open, clean <---------------+
 *	|                        | an operation dirties  | spa_sync: the txg is durable
 *	|                        v                       |
 *	|                    open, dirty ----------------+
 *	|                        | a write of the sync failed
 *	|                        v
 *	|                    suspended: reads go on, every change is -EIO; only spa_close is left,
 *	|                    unless the pool is patient (fs/suspend.c)
 *	|
 *	+-- spa_export, spa_destroy: a last txg with the new state in the labels; spa_close: nothing
 *
 * Invariants
 *  1. Between spa_enter and spa_exit nobody else is in the engine.  What one bracket changed is in
 *     one txg: after a crash all of it is there or nothing.
 *  2. There is one txg in memory.  It is open until spa_sync is called and syncing inside it; the
 *     lock is held over the whole sync, so nobody dirties it meanwhile.
 *  3. After suspension nothing is written any more: the disk has the last txg whose uberblock got there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "ddt.h"
#include "dmu_impl.h"
#include "errlog.h"
#include "events.h"
#include "removal.h"
#include "smartbox/core/file.h"
#include "smartbox/core/uuid.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/tender.h"
#include "smartbox/fs/workers.h"
#include "smartbox/fs/zap.h"
#include "smartbox/fs/zio.h"
#include "suspend.h"
#include "vdev_impl.h"

#define COMPRESS_LZJB 3
#define COMPRESS_LZ4 15

/* --- the world outside ------------------------------------------------------------------------ */

static uint64_t
os_now(void *arg, uint32_t *nsec)
{
	struct timespec ts;

	(void)arg;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (nsec != NULL)
		*nsec = (uint32_t)ts.tv_nsec;
	return ((uint64_t)ts.tv_sec);
}

static void
os_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	random_bytes(buf, len);
}

/* /etc/hostid, four bytes, as OpenZFS reads it; without the file a host has no id. */
static uint64_t
os_host(void *arg, char *name, size_t size)
{
	uint32_t id = 0;
	struct utsname u;
	size_t len = 0;
	char *buf;

	(void)arg;
	(void)snprintf(name, size, "%s", uname(&u) == 0 ? u.nodename : "localhost");
	if (file_read("/etc/hostid", 64, &buf, &len, NULL) != 0)
		return (0);
	if (len >= sizeof(id))
		memcpy(&id, buf, sizeof(id));
	free(buf);
	return (id);
}

const struct fs_os fs_os_default = {os_now, os_random, os_host, NULL};

/* --- life ------------------------------------------------------------------------------------- */

int
spa_new(const char *name, const struct fs_os *os, struct spa **out)
{
	struct spa *spa = calloc(1, sizeof(*spa));

	if (spa == NULL)
		return (-ENOMEM);
	spa->os = os != NULL ? *os : fs_os_default;
	spa->version = SPA_VERSION;
	spa->min_ashift = 9;
	spa->tasks_tail = &spa->tasks;
	spa->history_tail = &spa->history;
	(void)pthread_mutex_init(&spa->lock, NULL);
	(void)pthread_cond_init(&spa->changed, NULL);
	(void)pthread_mutex_init(&spa->io_lock, NULL);
	(void)pthread_cond_init(&spa->io_idle, NULL);
	if ((spa->name = strdup(name)) == NULL || dmu_cache_new(spa) != 0) {
		free(spa->name);
		free(spa);
		return (-ENOMEM);
	}
	spa->workers = workers_new(-1); /* NULL: slower */
	if (spa->os.host != NULL)
		spa->hostid = spa->os.host(spa->os.arg, spa->hostname, sizeof(spa->hostname));
	*out = spa;
	return (0);
}

static void
tasks_free(struct spa *spa, int rc)
{
	struct spa_task *t;

	while ((t = spa->tasks) != NULL) {
		spa->tasks = t->next;
		if (t->done != NULL)
			t->done(spa, t->arg, rc);
		free(t);
	}
	spa->tasks_tail = &spa->tasks;
}

void
spa_free(struct spa *spa)
{
	size_t i;

	tender_stop(spa);
	scrub_fini(spa);
	removal_fini(spa);
	errlog_free(spa);
	tasks_free(spa, -ECANCELED);
	if (spa->dsl != NULL)
		dsl_pool_close(spa);
	for (i = 0; spa->root != NULL && i < spa->root->nchild; i++)
		metaslab_group_free(spa->root->child[i]);
	metaslab_fini(spa);
	objset_close(spa->mos);
	spa_features_free(spa);
	ddt_close(spa);
	spa_history_free(spa);
	spa_aux_free(spa);
	suspend_free(spa);
	vdev_free(spa->root);
	workers_free(spa->workers);
	metaslab_fini(spa);
	zio_fini(spa);
	dmu_cache_free(spa);
	events_free(spa->events);
	(void)pthread_mutex_destroy(&spa->lock);
	(void)pthread_cond_destroy(&spa->changed);
	(void)pthread_mutex_destroy(&spa->io_lock);
	(void)pthread_cond_destroy(&spa->io_idle);
	free(spa->comment);
	free(spa->compatibility);
	free(spa->name);
	free(spa);
}

void
spa_close(struct spa *spa)
{
	if (spa != NULL)
		spa_free(spa);
}

/* The last txg, with the new state in labels and config; then the pool is gone from memory. */
static int
spa_leave(struct spa *spa, enum pool_state state, struct err *e)
{
	int rc = 0;

	tender_stop(spa); /* a repair must not come after the last uberblock */
	spa_enter(spa);
	if (!spa->readonly && !spa->suspended) {
		spa->state = state;
		spa_config_dirty(spa);
		rc = spa_sync(spa, e);
	} else if (state == POOL_DESTROYED) {
		rc = err_set(e, EROFS, "pool '%s' is %s", spa->name,
		    spa->readonly ? "imported read-only" : "suspended");
	}
	spa_exit(spa);
	if (rc == 0)
		spa_free(spa);
	return (rc);
}

int
spa_export(struct spa *spa, struct err *e)
{
	return (spa_leave(spa, POOL_EXPORTED, e));
}

int
spa_destroy(struct spa *spa, struct err *e)
{
	return (spa_leave(spa, POOL_DESTROYED, e));
}

static _Thread_local void (*on_wait)(void);

void
spa_on_wait(void (*fn)(void))
{
	on_wait = fn;
}

void
spa_will_wait(void)
{
	if (on_wait != NULL)
		on_wait();
}

void
spa_enter(struct spa *spa)
{
	if (pthread_mutex_trylock(&spa->lock) == 0)
		return;
	spa_will_wait();
	(void)pthread_mutex_lock(&spa->lock);
	while (spa->stuck)
		spa_wait(spa);
}

void
spa_enter_anyway(struct spa *spa)
{
	(void)pthread_mutex_lock(&spa->lock);
}

void
spa_exit(struct spa *spa)
{
	(void)pthread_mutex_unlock(&spa->lock);
}

void
spa_enter_alone(struct spa *spa)
{
	spa_enter(spa);
	spa_io_drain(spa);
}

void
spa_io_begin(struct spa *spa)
{
	(void)pthread_mutex_lock(&spa->io_lock);
	spa->io_count++;
	(void)pthread_mutex_unlock(&spa->io_lock);
}

void
spa_io_end(struct spa *spa)
{
	(void)pthread_mutex_lock(&spa->io_lock);
	if (--spa->io_count == 0)
		(void)pthread_cond_broadcast(&spa->io_idle);
	(void)pthread_mutex_unlock(&spa->io_lock);
}

/* Nobody begins without the lock, and who is in there needs none to come out. */
void
spa_io_drain(struct spa *spa)
{
	(void)pthread_mutex_lock(&spa->io_lock);
	while (spa->io_count > 0)
		(void)pthread_cond_wait(&spa->io_idle, &spa->io_lock);
	(void)pthread_mutex_unlock(&spa->io_lock);
}

void
spa_wait(struct spa *spa)
{
	spa_will_wait();
	(void)pthread_cond_wait(&spa->changed, &spa->lock);
}

void
spa_changed(struct spa *spa)
{
	spa->changes++;
	(void)pthread_cond_broadcast(&spa->changed);
}

void
spa_suspend(struct spa *spa, const char *why)
{
	(void)why; /* the caller's struct err has it */
	spa->suspended = true;
}

/* --- answers ---------------------------------------------------------------------------------- */

uint64_t
spa_open_txg(const struct spa *spa)
{
	return (spa->txg);
}

uint64_t
spa_synced_txg(const struct spa *spa)
{
	return (spa->synced);
}

uint64_t
spa_found_txg(const struct spa *spa)
{
	return (spa->found);
}

uint64_t
spa_dirty_bytes(const struct spa *spa)
{
	return (__atomic_load_n(&spa->dirty_bytes, __ATOMIC_RELAXED));
}

uint64_t
spa_uncharged_bytes(const struct spa *spa)
{
	return (spa_dirty_bytes(spa) + spa->behind_bytes);
}

void
spa_on_dirty(struct spa *spa, void (*fn)(void *arg), void *arg)
{
	spa->wb_kick = fn;
	spa->wb_kick_arg = arg;
}

void
spa_on_synced(struct spa *spa, void (*fn)(void *arg, uint64_t txg), void *arg)
{
	spa->on_synced = fn;
	spa->on_synced_arg = arg;
}

uint64_t
spa_dirtyings(const struct spa *spa)
{
	return (spa->dirtyings);
}

bool
spa_is_dirty(const struct spa *spa)
{
	return (objset_is_dirty(spa->mos) || spa->config_dirty || spa->tasks != NULL ||
	    spa->history != NULL || spa->force_sync ||
	    (spa->dsl != NULL && dsl_pool_is_dirty(spa)));
}

bool
spa_is_suspended(const struct spa *spa)
{
	return (spa->suspended || spa->reads_wait);
}

bool
spa_is_readonly(const struct spa *spa)
{
	return (spa->readonly);
}

bool
spa_is_syncing(const struct spa *spa)
{
	return (spa->syncing);
}

const char *
spa_name(const struct spa *spa)
{
	return (spa->name);
}

void
spa_config_dirty(struct spa *spa)
{
	spa->config_dirty = true;
	spa->config_written = false;
}

uint64_t
spa_guid(const struct spa *spa)
{
	return (spa->guid);
}

struct objset *
spa_mos(const struct spa *spa)
{
	return (spa->mos);
}

struct vdev *
spa_root_vdev(const struct spa *spa)
{
	return (spa->root);
}

struct dsl_pool *
spa_dsl(const struct spa *spa)
{
	return (spa->dsl);
}

uint64_t
spa_now(const struct spa *spa, uint32_t *nsec)
{
	return (spa->os.now(spa->os.arg, nsec));
}

void
spa_random(const struct spa *spa, void *buf, size_t len)
{
	spa->os.random(spa->os.arg, buf, len);
}

unsigned
spa_min_ashift(const struct spa *spa)
{
	return (spa->min_ashift);
}

unsigned
spa_metadata_compress(const struct spa *spa)
{
	return (spa_feature_active(spa, "org.illumos:lz4_compress") ? COMPRESS_LZ4 : COMPRESS_LZJB);
}

int
spa_directory_get(struct spa *spa, const char *key, uint64_t *obj)
{
	int rc = zap_lookup(spa->mos, MOS_DIRECTORY, key, 8, 1, obj);

	if (rc != 0)
		*obj = 0;
	return (rc == -ENOENT ? 0 : rc);
}
