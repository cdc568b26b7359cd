/* SPDX-License-Identifier: MIT */
/*
 * Finding pools: read the labels of many devices and put the vdev trees together.
 *
 * Each label describes its own top-level only, and a device that was away for a while describes an
 * old state of it. So, per pool guid: what the pool is called and in which state it is comes from
 * the label with the highest txg of all; each top-level's tree from the highest txg among the labels
 * that describe it; each leaf's path from where its device was found. Top-levels without a label are
 * `missing` (or `hole`, where the best label says so); whether the pool can do without them is known
 * only when its own configuration was read, so they do not end the scan.
 *
 * A device may show up under several names: the first one with the highest txg is kept.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/fs/label.h"

#define TOPS_MAX 4096u

struct found_label {
	char *path;
	struct nvlist *label;
	uint64_t pool, leaf, txg;
};

struct scan {
	struct found_label *list;
	size_t n, cap;
};

/* --- gathering labels --- */

static void
add_label(struct scan *s, const char *path, struct nvlist *label)
{
	struct found_label f = {.path = strdup(path), .label = label};

	f.pool = nv_u64_or(label, "pool_guid", 0);
	f.leaf = nv_u64_or(label, "guid", 0);
	f.txg = nv_u64_or(label, "txg", 0);
	for (size_t i = 0; i < s->n; i++) {
		struct found_label *o = &s->list[i];

		if (o->pool != f.pool || o->leaf != f.leaf)
			continue;
		if (f.txg > o->txg) {
			struct found_label old = *o;

			*o = f;
			f = old;
		}
		free(f.path);
		nv_free(f.label);
		return;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap != 0 ? 2 * s->cap : 16;
		struct found_label *list = realloc(s->list, cap * sizeof(*list));

		if (list == NULL) {
			free(f.path);
			nv_free(f.label);
			return;
		}
		s->list = list;
		s->cap = cap;
	}
	s->list[s->n++] = f;
}

static void
scan_device(struct scan *s, const char *path)
{
	struct nvlist *label;
	struct bdev *bd;
	struct stat st;

	/* Opening a fifo or a tape can block for ever: files and disks only. */
	if (stat(path, &st) != 0 || !(S_ISBLK(st.st_mode) ||
	    (S_ISREG(st.st_mode) && (uint64_t)st.st_size >= DEVICE_MIN_BYTES)))
		return;
	if (bdev_open(path, BDEV_READONLY, &bd, NULL) != 0)
		return;
	if (bd->size >= DEVICE_MIN_BYTES && label_read(bd, &label, NULL) == 0) {
		/* Spares and cache devices know no pool; an initialised one without a name none yet. */
		if (nv_has(label, "pool_guid") && nv_has(label, "name"))
			add_label(s, path, label);
		else
			nv_free(label);
	}
	bdev_close(bd);
}

static int
scan_dir(struct scan *s, const char *dir, const char *dev_prefix, struct err *e)
{
	struct dirent *de;
	DIR *d = opendir(dir);

	if (d == NULL)
		return (err_sys(e, errno, "cannot open %s", dir));
	while ((de = readdir(d)) != NULL) {
		char path[4096];

		if (de->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dev_prefix, de->d_name) <
		    (int)sizeof(path))
			scan_device(s, path);
	}
	(void)closedir(d);
	return (0);
}

static int
scan_place(struct scan *s, const char *where, struct err *e)
{
	struct stat st;

	if (stat(where, &st) != 0)
		return (err_sys(e, errno, "%s", where));
	if (S_ISDIR(st.st_mode))
		return (scan_dir(s, where, where, e));
	scan_device(s, where);
	return (0);
}

/* --- trees --- */

static const struct found_label *
best_label(const struct scan *s, uint64_t pool)
{
	const struct found_label *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct found_label *f = &s->list[i];

		if (f->pool == pool && (best == NULL || f->txg > best->txg))
			best = f;
	}
	return (best);
}

/* The newest tree of top-level `id`, borrowed from its label; NULL: none was found. */
static struct nvlist *
best_tree(const struct scan *s, uint64_t pool, uint64_t id)
{
	struct nvlist *best = NULL, *tree;
	uint64_t txg = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct found_label *f = &s->list[i];

		if (f->pool != pool || nv_get_nvlist(f->label, "vdev_tree", &tree) != 0 ||
		    nv_u64_or(tree, "id", UINT64_MAX) != id)
			continue;
		if (best == NULL || f->txg > txg) {
			best = tree;
			txg = f->txg;
		}
	}
	return (best);
}

static const struct found_label *
leaf_label(const struct scan *s, uint64_t pool, uint64_t guid)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->list[i].pool == pool && s->list[i].leaf == guid)
			return (&s->list[i]);
	}
	return (NULL);
}

static bool
is_type(const struct nvlist *tree, const char *type)
{
	return (strcmp(nv_str_or(tree, "type", ""), type) == 0);
}

/*
 * Set the leaves' paths to where they were found. Returns whether enough devices are there for this
 * vdev to work; *missing names the first that is not.
 */
static bool
settle_tree(const struct scan *s, uint64_t pool, struct nvlist *tree, int depth, char **missing)
{
	const struct found_label *f;
	struct nvlist **child;
	size_t n, lost = 0, tolerated = 0;

	if (nv_get_nvlist_array(tree, "children", &child, &n) != 0 || depth > 8) {
		if (!is_type(tree, "disk") && !is_type(tree, "file"))
			return (!is_type(tree, "missing"));
		f = leaf_label(s, pool, nv_u64_or(tree, "guid", 0));
		if (f != NULL)
			return (nv_add_str(tree, "path", f->path) == 0);
		if (*missing == NULL)
			*missing = strdup(nv_str_or(tree, "path", "a device without a path"));
		(void)nv_add_boolean(tree, "missing"); /* for listings */
		return (false);
	}
	for (size_t i = 0; i < n; i++)
		lost += !settle_tree(s, pool, child[i], depth + 1, missing);
	if (is_type(tree, "raidz"))
		tolerated = (size_t)nv_u64_or(tree, "nparity", 1);
	else if (n > 0)
		tolerated = n - 1;
	return (lost <= tolerated);
}

static bool
is_hole(const struct nvlist *label, uint64_t id)
{
	const uint64_t *holes;
	size_t n;

	if (nv_get_u64_array(label, "hole_array", &holes, &n) != 0)
		return (false);
	for (size_t i = 0; i < n; i++) {
		if (holes[i] == id)
			return (true);
	}
	return (false);
}

static struct nvlist *
placeholder(const char *type, uint64_t id)
{
	struct nvlist *nv = nv_new();

	if (nv == NULL || nv_add_str(nv, "type", type) != 0 || nv_add_u64(nv, "id", id) != 0 ||
	    nv_add_u64(nv, "guid", 0) != 0) {
		nv_free(nv);
		return (NULL);
	}
	return (nv);
}

static struct nvlist *
top_tree(const struct scan *s, const struct found_label *best, uint64_t id, struct pool_found *p)
{
	struct nvlist *tree = best_tree(s, best->pool, id);
	char *missing = NULL;

	if (is_hole(best->label, id))
		return (placeholder("hole", id));
	if (tree == NULL) {
		p->complete = false;
		if (p->why == NULL && asprintf(&p->why, "no device of top-level vdev %llu was found",
		    (unsigned long long)id) < 0)
			p->why = NULL;
		return (placeholder("missing", id));
	}
	if ((tree = nv_dup(tree)) == NULL)
		return (NULL);
	if (!settle_tree(s, best->pool, tree, 0, &missing)) {
		p->complete = false;
		if (p->why == NULL && missing != NULL &&
		    asprintf(&p->why, "%s was not found", missing) < 0)
			p->why = NULL;
	}
	free(missing);
	return (tree);
}

static int
root_tree(const struct scan *s, const struct found_label *best, struct pool_found *p,
    struct nvlist *root)
{
	uint64_t n = nv_u64_or(best->label, "vdev_children", 1);
	struct nvlist **tops;
	int rc = 0;

	if (n > TOPS_MAX)
		return (-EILSEQ);
	if ((tops = calloc(n + 1, sizeof(*tops))) == NULL)
		return (-ENOMEM);
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		if ((tops[i] = top_tree(s, best, i, p)) == NULL)
			rc = -ENOMEM;
	}
	if (rc == 0 && ((rc = nv_add_str(root, "type", "root")) != 0 ||
	    (rc = nv_add_u64(root, "id", 0)) != 0 ||
	    (rc = nv_add_u64(root, "guid", best->pool)) != 0))
		rc = -ENOMEM;
	if (rc == 0)
		rc = nv_add_nvlist_array(root, "children", tops, n);
	for (uint64_t i = 0; i < n; i++)
		nv_free(tops[i]);
	free(tops);
	return (rc);
}

/* The pool's configuration: the best label's pairs, its vdev_tree replaced by the whole one. */
static struct nvlist *
pool_config(const struct scan *s, const struct found_label *best, struct pool_found *p)
{
	struct nvlist *config = nv_dup(best->label), *root = nv_new();
	int rc = config == NULL || root == NULL ? -ENOMEM : root_tree(s, best, p, root);

	if (rc == 0) {
		nv_remove(config, "guid");
		nv_remove(config, "top_guid");
		rc = nv_add_nvlist(config, "vdev_tree", root);
	}
	nv_free(root);
	if (rc == 0)
		return (config);
	nv_free(config);
	return (NULL);
}

static void
found_free(struct pool_found *p)
{
	free(p->name);
	free(p->hostname);
	free(p->why);
	nv_free(p->config);
}

static int
add_pool(struct pool_scan *out, const struct scan *s, uint64_t guid)
{
	const struct found_label *best = best_label(s, guid);
	struct pool_found p = {.guid = guid, .complete = true, .txg = best->txg};
	struct pool_found *list = realloc(out->pool, (out->npool + 1) * sizeof(*list));
	const char *host = nv_str_or(best->label, "hostname", NULL);

	if (list == NULL)
		return (-ENOMEM);
	out->pool = list;
	p.state = (enum pool_state)nv_u64_or(best->label, "state", POOL_ACTIVE);
	p.hostid = nv_u64_or(best->label, "hostid", 0);
	p.name = strdup(nv_str_or(best->label, "name", ""));
	p.hostname = host != NULL ? strdup(host) : NULL;
	p.config = pool_config(s, best, &p);
	if (p.name == NULL || p.config == NULL) {
		found_free(&p);
		return (-ENOMEM);
	}
	list[out->npool++] = p;
	return (0);
}

static int
group(struct scan *s, struct pool_scan *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		size_t k = 0;

		while (k < i && s->list[k].pool != s->list[i].pool)
			k++;
		if (k == i)
			rc = add_pool(out, s, s->list[i].pool);
	}
	return (rc);
}

static int
by_name(const void *a, const void *b)
{
	const struct pool_found *p = a, *q = b;
	int c = strcmp(p->name, q->name);

	return (c != 0 ? c : p->guid < q->guid ? -1 : p->guid > q->guid);
}

static void
scan_free(struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].path);
		nv_free(s->list[i].label);
	}
	free(s->list);
}

int
pool_scan(const char *const *dirs, size_t ndirs, struct pool_scan *out, struct err *e)
{
	struct scan s = {0};
	int rc = 0;

	*out = (struct pool_scan){0};
	if (dirs == NULL)
		rc = scan_dir(&s, "/sys/class/block", "/dev", e);
	for (size_t i = 0; dirs != NULL && rc == 0 && i < ndirs; i++)
		rc = scan_place(&s, dirs[i], e);
	if (rc == 0 && (rc = group(&s, out)) != 0)
		rc = err_set(e, -rc, "cannot put the found labels together");
	if (rc != 0)
		pool_scan_free(out);
	else if (out->npool > 1)
		qsort(out->pool, out->npool, sizeof(*out->pool), by_name);
	scan_free(&s);
	return (rc);
}

void
pool_scan_free(struct pool_scan *s)
{
	for (size_t i = 0; i < s->npool; i++)
		found_free(&s->pool[i]);
	free(s->pool);
	*s = (struct pool_scan){0};
}
