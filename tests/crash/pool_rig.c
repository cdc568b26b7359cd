/* SPDX-License-Identifier: MIT */
/* What the crash tests of pools have in common; see the header. */
#include "pool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fs/spa_impl.h"
#include "smartbox/fs/label.h"

#define CHILD_SECONDS 60

/* --- devices that outlive their closing: spa_create closes what it was given when it fails --- */

struct view {
	struct bdev bd;
	struct bdev *of;
};

static int
view_read(struct bdev *bd, void *buf, size_t len, uint64_t off)
{
	return (bdev_read(((struct view *)bd)->of, buf, len, off));
}

static int
view_write(struct bdev *bd, const void *buf, size_t len, uint64_t off)
{
	return (bdev_write(((struct view *)bd)->of, buf, len, off));
}

static int
view_flush(struct bdev *bd)
{
	return (bdev_flush(((struct view *)bd)->of));
}

static void
view_close(struct bdev *bd)
{
	free(bd); /* and not what it shows */
}

static const struct bdev_ops view_ops = {view_read, view_write, view_flush, NULL, view_close, NULL};

struct bdev *
crash_view(struct bdev *of)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->bd = *of;
	v->bd.ops = &view_ops;
	v->of = of;
	return (&v->bd);
}

/* --- the world: fixed time, random numbers from the seed --- */

uint64_t
crash_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31));
}

static uint64_t
fixed_now(void *arg, uint32_t *nsec)
{
	(void)arg;
	if (nsec != NULL)
		*nsec = 0;
	return (1700000000);
}

static void
seeded_random(void *arg, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)crash_random(arg);
}

struct fs_os
crash_os(uint64_t *rnd)
{
	return ((struct fs_os){.now = fixed_now, .random = seeded_random, .arg = rnd});
}

struct nvlist *
crash_vdev_tree(const struct layout *l)
{
	struct nvlist *root = nv_new(), *leaf[DEVICES_MAX], *group = nv_new();
	char path[32];

	for (unsigned i = 0; i < l->devices; i++) {
		leaf[i] = nv_new();
		(void)snprintf(path, sizeof(path), "/crash/%u", i);
		(void)nv_add_str(leaf[i], "type", "file");
		(void)nv_add_str(leaf[i], "path", path);
		if (l->has_log && i == l->devices - 1)
			(void)nv_add_u64(leaf[i], "is_log", 1);
	}
	(void)nv_add_str(root, "type", "root");
	if (l->type == NULL) {
		(void)nv_add_nvlist_array(root, "children", leaf, l->devices);
	} else {
		(void)nv_add_str(group, "type", l->type);
		if (l->nparity > 0)
			(void)nv_add_u64(group, "nparity", l->nparity);
		(void)nv_add_nvlist_array(group, "children", leaf, l->devices);
		(void)nv_add_nvlist_array(root, "children", &group, 1);
	}
	for (unsigned i = 0; i < l->devices; i++)
		nv_free(leaf[i]);
	nv_free(group);
	return (root);
}

/* --- opening what is left --- */

static int
take_leaf(struct vdev *leaf, void *arg)
{
	struct bdev ***next = arg;

	if (leaf->bd != NULL)
		*(*next)++ = leaf->bd;
	leaf->bd = NULL;
	return (0);
}

/* Close the pool but not its devices, which have the order of the tree. */
void
crash_close_keeping(struct spa *spa, struct bdev **bd)
{
	struct bdev **next = bd;

	(void)vdev_walk_leaves(spa->root, take_leaf, &next);
	spa_close(spa);
}

/* One that left: the pool's own config knows what became of it. */
static struct nvlist *
missing_top(unsigned id)
{
	struct nvlist *nv = nv_new();

	(void)nv_add_str(nv, "type", "missing");
	(void)nv_add_u64(nv, "id", id);
	(void)nv_add_u64(nv, "guid", 0);
	return (nv);
}

/* The trees of the top-levels from the newest labels: what pool_scan does for paths. */
struct nvlist *
crash_config(struct bdev *const *bd, unsigned n)
{
	struct nvlist *best = NULL, *top[TOPS_MAX] = {NULL}, *root = nv_new(), *label, *tree;
	uint64_t txg[TOPS_MAX] = {0}, ntop = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t id, at;

		if (label_read(bd[i], &label, NULL) != 0)
			continue;
		if (strcmp(nv_str_or(label, "name", ""), "t") != 0) {
			nv_free(label); /* it was split off */
			continue;
		}
		at = nv_u64_or(label, "txg", 0);
		if (nv_get_nvlist(label, "vdev_tree", &tree) == 0 &&
		    (id = nv_u64_or(tree, "id", 99)) < TOPS_MAX && at >= txg[id]) {
			nv_free(top[id]);
			top[id] = nv_dup(tree);
			txg[id] = at;
			ntop = id + 1 > ntop ? id + 1 : ntop;
		}
		if (best == NULL || at > nv_u64_or(best, "txg", 0)) {
			nv_free(best);
			best = nv_dup(label);
		}
		nv_free(label);
	}
	for (unsigned i = 0; i < ntop; i++)
		if (top[i] == NULL)
			top[i] = missing_top(i);
	if (best != NULL) {
		(void)nv_add_str(root, "type", "root");
		(void)nv_add_u64(root, "id", 0);
		(void)nv_add_u64(root, "guid", nv_u64_or(best, "pool_guid", 0));
		(void)nv_add_nvlist_array(root, "children", top, ntop);
		(void)nv_add_nvlist(best, "vdev_tree", root);
	}
	for (unsigned i = 0; i < TOPS_MAX; i++)
		nv_free(top[i]);
	nv_free(root);
	return (best);
}

/* --- children --- */

pid_t
crash_child(void)
{
	pid_t pid;

	(void)fflush(NULL);
	if ((pid = fork()) < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0)
		(void)alarm(CHILD_SECONDS);
	return (pid);
}

int
crash_child_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return (-1);
	return (status);
}

uint64_t
crash_env(const char *name, uint64_t def)
{
	const char *s = getenv(name);

	return (s != NULL && *s != '\0' ? strtoull(s, NULL, 10) : def);
}
