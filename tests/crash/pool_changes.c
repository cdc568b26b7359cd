/* SPDX-License-Identifier: MIT */
/* Changes of a pool's devices and of its past; see the header. */
#include "pool_changes.h"

#include <errno.h>
#include <stdio.h>

#include "../../fs/checkpoint.h"
#include "../../fs/removal_impl.h"
#include "../../fs/spa_vdev_impl.h"
#include "smartbox/fs/scrub.h"
#include "smartbox/fs/spa_vdev.h"
#include "smartbox/fs/workers.h"

#define CHUNK 65536u /* moved at once */
#define HALF 6	     /* of them */

bool
has_spare_device(const struct layout *l)
{
	return (l->name[0] == '+');
}

enum change
change_at(const struct layout *l, int n)
{
	static const enum change mirror[] = {REPLACE, RESILVER, ATTACH, RESILVER, DETACH, INITIALIZE, ATTACH,
	    RESILVER, SPLIT, CHECKPOINT, REWIND};
	static const enum change raidz[] = {REPLACE, RESILVER, CHECKPOINT, INITIALIZE, DISCARD};
	static const enum change stripe[] = {REMOVE_HALF, REMOVE_CANCEL, CHECKPOINT, REWIND, REMOVE_HALF,
	    INITIALIZE, REMOVE, ADD, CHECKPOINT, DISCARD, REMOVE, ADD};

	if (l->type == NULL)
		return (stripe[(size_t)n % (sizeof(stripe) / sizeof(stripe[0]))]);
	return (l->nparity != 0 ? raidz[(size_t)n % (sizeof(raidz) / sizeof(raidz[0]))] :
	    mirror[(size_t)n % (sizeof(mirror) / sizeof(mirror[0]))]);
}

const char *
change_name(enum change c)
{
	static const char *const name[] = {"replace", "resilver", "attach", "detach", "split", "checkpoint",
	    "discard", "rewind", "initialize", "remove half", "cancel a removal", "remove", "add"};

	return (name[c]);
}

/* --- which ------------------------------------------------------------------------------------ */

static void
device_path(unsigned i, char path[32])
{
	(void)snprintf(path, 32, "/crash/%u", i);
}

/* The first that is in the pool, or that is not. */
static unsigned
first_device(const struct changing *c, bool in_pool)
{
	char path[32];
	unsigned i = 0;

	for (; i + 1 < c->devices; i++) {
		device_path(i, path);
		if ((vdev_find((*c->spa)->root, path) != NULL) == in_pool)
			break;
	}
	return (i);
}

static struct nvlist *
leaf_tree(unsigned i)
{
	struct nvlist *leaf = nv_new();
	char path[32];

	device_path(i, path);
	(void)nv_add_str(leaf, "type", "file");
	(void)nv_add_str(leaf, "path", path);
	return (leaf);
}

/* --- sides ------------------------------------------------------------------------------------ */

static int
bring_in(const struct changing *c, bool replace, struct err *e)
{
	unsigned i = first_device(c, false);
	struct nvlist *leaf = leaf_tree(i);
	char old[32];
	struct spa_attach a = {.old = old, .leaf = leaf, .replace = replace, .force = true};
	int rc;

	device_path(first_device(c, true), old);
	a.bd = crash_view(c->fault[i]);
	rc = spa_vdev_attach(*c->spa, &a, e);
	nv_free(leaf);
	return (rc);
}

/* What devices lack, to the end, with a sync half-way; replaced ones leave. */
static int
give_all(struct spa *spa, struct err *e)
{
	int rc = resilver_start(spa, e);

	for (int i = 0; rc == 0 && i < 30; i++)
		(void)scrub_step(spa, 0);
	if (rc == 0)
		rc = spa_sync_force(spa, e);
	while (rc == 0 && scrub_step(spa, 1000) == 1)
		continue;
	if (rc == 0)
		rc = spa_sync_force(spa, e);
	return (rc == 0 ? spa_vdev_settle(spa, e) : rc == -ENOENT ? 0 : rc);
}

static int
take_out(const struct changing *c, struct err *e)
{
	char path[32];

	device_path(first_device(c, true), path);
	return (spa_vdev_detach(*c->spa, path, e));
}

static int
split(const struct changing *c, struct err *e)
{
	struct bdev *given[DEVICES_MAX];
	struct spa_split o = {.name = "other", .bdevs = given, .nbdevs = c->devices, .os = c->os};
	int rc;

	for (unsigned i = 0; i < c->devices; i++)
		given[i] = crash_view(c->fault[i]);
	rc = spa_vdev_split(*c->spa, &o, e);
	for (unsigned i = 0; i < c->devices; i++)
		bdev_close(given[i]); /* NULL when it was taken */
	return (rc);
}

/* --- the past --------------------------------------------------------------------------------- */

static int
rewind_pool(const struct changing *c, struct err *e)
{
	struct bdev *given[DEVICES_MAX];
	struct nvlist *config;
	struct spa_import_opts o = {.force = true, .to_checkpoint = true, .os = c->os, .bdevs = given,
	    .nbdevs = c->devices};
	int rc;

	spa_close(*c->spa);
	*c->spa = NULL;
	if ((config = crash_config(c->fault, c->devices)) == NULL)
		return (err_set(e, ENOENT, "no label"));
	o.config = config;
	for (unsigned i = 0; i < c->devices; i++)
		given[i] = crash_view(c->fault[i]);
	rc = spa_import(&o, c->spa, e);
	nv_free(config);
	for (unsigned i = 0; i < c->devices; i++)
		bdev_close(given[i]);
	if (rc != 0)
		return (rc);
	workers_free((*c->spa)->workers); /* threads do not survive a fork */
	(*c->spa)->workers = NULL;
	return (0);
}

/* --- space ------------------------------------------------------------------------------------ */

static int
initialize(struct spa *spa, struct err *e)
{
	int rc = spa_work(spa, SPA_INITIALIZE, NULL, INIT_START, 0, e);

	for (int i = 0; rc == 0 && i < 2; i++)
		(void)spa_initialize_step(spa);
	return (rc == 0 ? spa_work(spa, SPA_INITIALIZE, NULL, INIT_CANCEL, 0, e) : rc);
}

static int
begin_removal(const struct changing *c, struct err *e)
{
	char path[32];

	if (removal_is_active(*c->spa))
		return (0);
	device_path(first_device(c, true), path);
	return (spa_vdev_remove(*c->spa, path, e));
}

/* most: chunks. A device that fails ends it, and that is right. */
static int
move(const struct changing *c, unsigned most, struct err *e)
{
	int rc = begin_removal(c, e);

	if (rc != 0)
		return (rc);
	(*c->spa)->removal->most = CHUNK;
	for (unsigned i = 0; i < most && removal_is_active(*c->spa); i++)
		(void)removal_step(*c->spa, 0);
	return (spa_is_suspended(*c->spa) ? err_set(e, EIO, "suspended") : spa_sync_force(*c->spa, e));
}

static int
cancel_removal(struct spa *spa, struct err *e)
{
	int rc = removal_is_active(spa) ? removal_cancel(spa, e) : 0;

	return (rc == -ENOENT ? 0 : rc);
}

static int
add(const struct changing *c, struct err *e)
{
	unsigned i = first_device(c, false);
	struct nvlist *root = nv_new(), *leaf = leaf_tree(i);
	struct bdev *bd = crash_view(c->fault[i]);
	struct spa_add a = {.tree = root, .ashift = c->layout->ashift, .force = true, .bdevs = &bd};
	int rc;

	(void)nv_add_str(root, "type", "root");
	(void)nv_add_nvlist_array(root, "children", &leaf, 1);
	rc = spa_vdev_add(*c->spa, &a, e);
	nv_free(root);
	nv_free(leaf);
	return (rc);
}

/* --- all -------------------------------------------------------------------------------------- */

static int
with_lock(const struct changing *c, enum change what, struct err *e)
{
	switch (what) {
	case REPLACE:
	case ATTACH:
		return (bring_in(c, what == REPLACE, e));
	case RESILVER:
		return (give_all(*c->spa, e));
	case DETACH:
		return (take_out(c, e));
	case SPLIT:
		return (split(c, e));
	case CHECKPOINT:
		return (checkpoint_take(*c->spa, e));
	case DISCARD:
		return (checkpoint_discard(*c->spa, e));
	case INITIALIZE:
		return (initialize(*c->spa, e));
	case REMOVE_HALF:
		return (move(c, HALF, e));
	case REMOVE_CANCEL:
		return (cancel_removal(*c->spa, e));
	case REMOVE:
		return (move(c, 100000, e));
	case ADD:
		return (add(c, e));
	case REWIND:
		break;
	}
	return (-EINVAL);
}

int
change_do(const struct changing *c, enum change what, struct err *e)
{
	int rc;

	if (what == REWIND)
		return (rewind_pool(c, e));
	spa_enter(*c->spa);
	rc = with_lock(c, what, e);
	spa_exit(*c->spa);
	return (rc);
}
