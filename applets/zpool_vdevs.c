/* SPDX-License-Identifier: MIT */
/*
 * Vdev specifications: the words behind `zpool create` and `zpool add`.
 *
 *	mirror /dev/sda /dev/sdb raidz2 f1 f2 f3 f4 log mirror n1 n2 special n3 cache n4 spare s1 s2
 *	`-- top-levels with data ------------------' `- class: what follows belongs to it
 *
 * A whole disk is used as it is, without a partition table.  What would destroy something (a label
 * of another pool) or is probably a mistake (a mirror beside a single disk) needs -f.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "smartbox/core/bdev.h"
#include "smartbox/core/buf.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/label.h"
#include "zpool_impl.h"

enum { VDEVS_MAX = 1024 };
/* Devices of one group may differ by this much before it looks like a mistake. */
#define SIZE_FUZZ (16ULL << 20)

enum class { CLASS_DATA, CLASS_DEDUP, CLASS_SPECIAL, CLASS_LOG, CLASS_CACHE, CLASS_SPARE, CLASSES };
static const char *const class_words[CLASSES] = {"", "dedup", "special", "log", "cache", "spare"};
/* Where a class goes in the tree: its own list there, NULL: among the children. */
static const char *const class_lists[CLASSES] = {NULL, NULL, NULL, NULL, "l2cache", "spares"};

struct list {
	struct nvlist *v[VDEVS_MAX];
	size_t n;
};

struct spec {
	struct list top[CLASSES];
	struct list leaf; /* of the group being read */
	uint64_t size[VDEVS_MAX];
	enum class class;
	const char *group; /* "mirror" or "raidz" while its devices are read, else NULL */
	unsigned nparity;
	bool force;
	struct buf doubts; /* what -f overrides, one line each */
	bool is_wrong;	   /* what nothing overrides */
};

/* --- devices ---------------------------------------------------------------------------------- */

/* An absolute path, or a name in /dev. */
static int
resolve(const char *arg, char path[PATH_MAX])
{
	char dev[PATH_MAX];

	if (arg[0] == '\0')
		return (applet_fail_bare(NULL, "cannot open '': missing device name"));
	if (arg[0] == '/') {
		if (realpath(arg, path) != NULL)
			return (0);
		return (applet_fail_bare(NULL, "cannot resolve path '%s'", arg));
	}
	(void)snprintf(dev, sizeof(dev), "/dev/%s", arg);
	if (realpath(dev, path) != NULL)
		return (0);
	(void)applet_fail_bare(NULL, "cannot open '%s': no such device in /dev", arg);
	return (applet_fail_bare(NULL, "must be a full path or shorthand device name"));
}

static const char *
state_word(uint64_t state)
{
	return (state == POOL_EXPORTED ? "exported" : state == POOL_DESTROYED ? "destroyed" :
	    "potentially active");
}

/*
 * Whatever state the label has: a pool that is imported read-only leaves it as it was.  Another pool may have
 * that name by now.
 */
bool
zpool_label_in_use(const struct nvlist *label)
{
	const char *name = nv_str_or(label, "name", NULL);
	struct nvlist *status;
	uint64_t guid;

	if (name == NULL || !pool_is_imported(name))
		return (false);
	if (pool_call(name, "pool.status", NULL, &status, NULL) != 0)
		return (true); /* who knows */
	guid = nv_u64_or(status, "guid", 0);
	nv_free(status);
	return (guid == nv_u64_or(label, "pool_guid", guid));
}

/* A pool's label there: in use is final, else a doubt. */
static void
check_label(struct spec *s, struct bdev *bd, const char *path)
{
	struct nvlist *label;
	const char *name;
	uint64_t state;

	if (label_read(bd, &label, NULL) != 0)
		return;
	name = nv_str_or(label, "name", "?");
	state = nv_u64_or(label, "state", POOL_ACTIVE);
	if (zpool_label_in_use(label)) {
		if (!s->is_wrong)
			(void)applet_fail_bare(NULL, "invalid vdev specification\n"
			    "the following errors must be manually repaired:");
		(void)applet_fail_bare(NULL, "%s is part of active pool '%s'", path, name);
		s->is_wrong = true;
	} else if (state == POOL_SPARE) {
		buf_printf(&s->doubts, "%s is reserved as a hot spare\n", path);
	} else if (state != POOL_DESTROYED && state != POOL_L2CACHE) {
		buf_printf(&s->doubts, "%s is part of %s pool '%s'\n", path, state_word(state), name);
	}
	nv_free(label);
}

static int
check_device(struct spec *s, const char *path, const char **type, uint64_t *size)
{
	struct err e = ERR_INIT;
	struct stat st;
	struct bdev *bd;

	if (stat(path, &st) != 0)
		return (applet_fail_bare(NULL, "cannot open '%s': %s", path, strerror(errno)));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return (applet_fail_bare(NULL,
		    "cannot use '%s': must be a block device or regular file", path));
	*type = S_ISBLK(st.st_mode) ? "disk" : "file";
	if (bdev_open(path, BDEV_READONLY, &bd, &e) != 0)
		return (applet_fail_bare(&e, "cannot open '%s'", path));
	*size = bd->size;
	if (s != NULL)
		check_label(s, bd, path);
	bdev_close(bd);
	return (0);
}

static struct nvlist *
make_leaf(const char *type, const char *path)
{
	struct nvlist *nv = must_nv();

	must(nv_add_str(nv, "type", type));
	must(nv_add_str(nv, "path", path));
	if (strcmp(type, "disk") == 0)
		must(nv_add_u64(nv, "whole_disk", 0));
	return (nv);
}

/* A device of another pool that runs is nobody's to give away; the pool itself knows about its own. */
static int
refuse_others(const char *path, const char *pool)
{
	struct nvlist *label = NULL;
	struct bdev *bd;
	int status = 0;

	if (bdev_open(path, BDEV_READONLY, &bd, NULL) != 0)
		return (0);
	if (label_read(bd, &label, NULL) == 0 && strcmp(nv_str_or(label, "name", ""), pool) != 0 &&
	    zpool_label_in_use(label)) {
		(void)applet_fail_bare(NULL, "invalid vdev specification\n"
		    "the following errors must be manually repaired:");
		status = applet_fail_bare(NULL, "%s is part of active pool '%s'", path,
		    nv_str_or(label, "name", ""));
	}
	nv_free(label);
	bdev_close(bd);
	return (status);
}

int
zpool_parse_device(const char *pool, const char *arg, struct nvlist **leaf)
{
	const char *type = "file";
	char path[PATH_MAX];
	uint64_t size;

	if (resolve(arg, path) != 0 || check_device(NULL, path, &type, &size) != 0 ||
	    refuse_others(path, pool) != 0)
		return (1);
	*leaf = make_leaf(type, path);
	return (0);
}

static bool
is_in_list(const struct list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++) {
		struct nvlist **child;
		size_t n;

		if (strcmp(nv_str_or(l->v[i], "path", ""), path) == 0)
			return (true);
		zpool_children(l->v[i], &child, &n);
		for (size_t k = 0; k < n; k++)
			if (strcmp(nv_str_or(child[k], "path", ""), path) == 0)
				return (true);
	}
	return (false);
}

static bool
is_given_twice(const struct spec *s, const char *path)
{
	bool twice = is_in_list(&s->leaf, path);

	for (int c = 0; c < CLASSES; c++)
		twice = twice || is_in_list(&s->top[c], path);
	return (twice);
}

static void
mark_class(struct spec *s, struct nvlist *top)
{
	if (s->class == CLASS_LOG)
		must(nv_add_u64(top, "is_log", 1));
	else if (s->class == CLASS_SPECIAL || s->class == CLASS_DEDUP)
		must(nv_add_str(top, "alloc_bias", class_words[s->class]));
	else if (s->class == CLASS_SPARE)
		must(nv_add_u64(top, "is_spare", 1));
}

static int
add_leaf(struct spec *s, const char *arg)
{
	struct list *tops = &s->top[s->class];
	char path[PATH_MAX];
	struct nvlist *nv;
	const char *type = "file";
	uint64_t size = 0;

	if (s->leaf.n == VDEVS_MAX || tops->n == VDEVS_MAX)
		return (applet_fail_bare(NULL, "too many devices"));
	if (resolve(arg, path) != 0 || check_device(s, path, &type, &size) != 0)
		return (1);
	if (is_given_twice(s, path))
		return (applet_fail_bare(NULL,
		    "invalid vdev specification: '%s' is given more than once", path));
	nv = make_leaf(type, path);
	if (s->group == NULL) {
		mark_class(s, nv);
		tops->v[tops->n++] = nv;
		return (0);
	}
	s->size[s->leaf.n] = size;
	s->leaf.v[s->leaf.n++] = nv;
	return (0);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* How people call it: mirror, raidz1, raidz2, raidz3. */
static void
group_word(const struct spec *s, char *buf, size_t size)
{
	if (s->nparity == 0)
		(void)snprintf(buf, size, "%s", s->group);
	else
		(void)snprintf(buf, size, "%s%u", s->group, s->nparity);
}

static void
doubt_group_sizes(struct spec *s, const char *word)
{
	for (size_t i = 1; i < s->leaf.n; i++) {
		uint64_t a = s->size[0], b = s->size[i];

		if ((a > b ? a - b : b - a) > SIZE_FUZZ) {
			buf_printf(&s->doubts, "%s contains devices of different sizes\n", word);
			return;
		}
	}
}

static int
end_group(struct spec *s)
{
	size_t least = s->nparity == 0 ? 2 : s->nparity + 1;
	struct list *tops = &s->top[s->class];
	struct nvlist *nv;
	char word[16];

	if (s->group == NULL)
		return (0);
	group_word(s, word, sizeof(word));
	if (s->leaf.n < least)
		return (applet_fail_bare(NULL,
		    "invalid vdev specification: %s requires at least %zu devices", word, least));
	if (tops->n == VDEVS_MAX)
		return (applet_fail_bare(NULL, "too many devices"));
	doubt_group_sizes(s, word);
	nv = must_nv();
	must(nv_add_str(nv, "type", s->group));
	if (s->nparity > 0)
		must(nv_add_u64(nv, "nparity", s->nparity));
	must(nv_add_nvlist_array(nv, "children", s->leaf.v, s->leaf.n));
	mark_class(s, nv);
	for (size_t i = 0; i < s->leaf.n; i++)
		nv_free(s->leaf.v[i]);
	s->leaf.n = 0;
	s->group = NULL;
	tops->v[tops->n++] = nv;
	return (0);
}

/* Is this the word that begins a group?  raidz alone is raidz1. */
static bool
begins_group(const char *word, const char **group, unsigned *nparity)
{
	*group = "mirror";
	*nparity = 0;
	if (strcmp(word, "mirror") == 0)
		return (true);
	if (strncmp(word, "raidz", 5) != 0 || (word[5] != '\0' &&
	    (word[5] < '1' || word[5] > '3' || word[6] != '\0')))
		return (false);
	*group = "raidz";
	*nparity = word[5] == '\0' ? 1 : (unsigned)(word[5] - '0');
	return (true);
}

/* CLASSES: no such word. */
static enum class
class_of(const char *word)
{
	for (int c = CLASS_DATA + 1; c < CLASSES; c++)
		if (strcmp(word, class_words[c]) == 0)
			return ((enum class)c);
	return (CLASSES);
}

/* --- doubts ----------------------------------------------------------------------------------- */

/* How many devices a top-level may lose. */
static unsigned
tolerance(const struct nvlist *top)
{
	struct nvlist **child;
	size_t n;

	zpool_children(top, &child, &n);
	if (n == 0)
		return (0);
	return ((unsigned)nv_u64_or(top, "nparity", n - 1));
}

static const char *
kind_of(const struct nvlist *top)
{
	const char *type = nv_str_or(top, "type", "");

	return (strcmp(type, "file") == 0 || strcmp(type, "disk") == 0 ? "disk" : type);
}

/* Both should survive the same. */
static bool
doubt_pair(struct spec *s, const struct nvlist *a, const struct nvlist *b, bool in_pool)
{
	struct nvlist **child;
	size_t na, nb;

	zpool_children(a, &child, &na);
	zpool_children(b, &child, &nb);
	if (strcmp(kind_of(a), kind_of(b)) != 0) {
		buf_printf(&s->doubts, in_pool ? "mismatched replication level: "
		    "pool uses %s and new vdev is %s\n" : "mismatched replication level: "
		    "both %s and %s vdevs are present\n", nv_str_or(a, "type", ""),
		    nv_str_or(b, "type", ""));
		return (true);
	}
	if (tolerance(a) != tolerance(b) && strcmp(kind_of(a), "raidz") == 0) {
		buf_printf(&s->doubts, in_pool ? "mismatched replication level: pool uses %u device "
		    "parity and new vdev uses %u\n" : "mismatched replication level: "
		    "both %u and %u device parity %s vdevs are present\n", tolerance(a), tolerance(b),
		    kind_of(a));
		return (true);
	}
	if (na == nb)
		return (false);
	buf_printf(&s->doubts, in_pool ? "mismatched replication level: pool uses %zu-way %s and new "
	    "vdev uses %zu-way %s\n" : "mismatched replication level: "
	    "both %zu-way %s and %zu-way %s vdevs are present\n", na, kind_of(a), nb, kind_of(b));
	return (true);
}

/* A top-level of the pool that has data, as an example of all. */
static const struct nvlist *
example_of(const struct nvlist *pool)
{
	struct nvlist **child;
	size_t n;

	if (pool == NULL)
		return (NULL);
	zpool_children(pool, &child, &n);
	for (size_t i = 0; i < n; i++) {
		const char *type = nv_str_or(child[i], "type", "");

		if (!nv_has(child[i], "class") && strcmp(type, "hole") != 0 &&
		    strcmp(type, "indirect") != 0)
			return (child[i]);
	}
	return (NULL);
}

static void
doubt_replication(struct spec *s, const struct nvlist *pool)
{
	const struct nvlist *old = example_of(pool);
	bool found = false;

	for (int c = CLASS_DATA; c <= CLASS_SPECIAL && !found; c++) {
		const struct list *l = &s->top[c];

		for (size_t i = 1; i < l->n && !found; i++)
			found = doubt_pair(s, l->v[0], l->v[i], false);
		if (!found && old != NULL && l->n > 0)
			found = doubt_pair(s, old, l->v[0], true);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

static int
parse_word(struct spec *s, const char *word)
{
	enum class class = class_of(word);
	unsigned nparity;
	const char *group;

	if (strncmp(word, "draid", 5) == 0)
		return (applet_fail_bare(NULL, "invalid vdev specification: 'draid' devices are not "
		    "supported by this version"));
	if (class != CLASSES) {
		if (end_group(s) != 0)
			return (1);
		s->class = class;
		return (0);
	}
	if (!begins_group(word, &group, &nparity))
		return (add_leaf(s, word));
	if (class_lists[s->class] != NULL)
		return (applet_fail_bare(NULL, "invalid vdev specification: %s devices cannot be in "
		    "groups", class_words[s->class]));
	if (s->class == CLASS_LOG && nparity > 0)
		return (applet_fail_bare(NULL, "invalid vdev specification: unsupported 'log' device: "
		    "%s", word));
	if (end_group(s) != 0)
		return (1);
	s->group = group;
	s->nparity = nparity;
	return (0);
}

static int
judge(struct spec *s, const struct nvlist *pool)
{
	if (s->is_wrong)
		return (1);
	doubt_replication(s, pool);
	if (s->doubts.len == 0 || s->force)
		return (0);
	s->doubts.data[s->doubts.len - 1] = '\0';
	return (applet_fail_bare(NULL, "invalid vdev specification\n"
	    "use '-f' to override the following errors:\n%s", s->doubts.data));
}

static struct nvlist *
make_tree(const struct spec *s)
{
	struct nvlist *tree = must_nv(), *all[VDEVS_MAX];
	size_t n = 0;

	must(nv_add_str(tree, "type", "root"));
	for (int c = 0; c < CLASSES; c++) {
		const struct list *l = &s->top[c];

		if (class_lists[c] != NULL && l->n > 0)
			must(nv_add_nvlist_array(tree, class_lists[c], l->v, l->n));
		for (size_t i = 0; class_lists[c] == NULL && i < l->n && n < VDEVS_MAX; i++)
			all[n++] = l->v[i];
	}
	must(nv_add_nvlist_array(tree, "children", all, n));
	return (tree);
}

static void
free_list(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		nv_free(l->v[i]);
}

int
zpool_parse_vdevs(int argc, char **argv, bool force, const struct nvlist *pool,
    struct nvlist **tree)
{
	struct spec *s = calloc(1, sizeof(*s));
	int status = 0;

	must(s == NULL ? -ENOMEM : 0);
	s->force = force;
	for (int i = 0; i < argc && status == 0; i++)
		status = parse_word(s, argv[i]);
	if (status == 0)
		status = end_group(s);
	if (status == 0 && s->class != CLASS_DATA && s->top[s->class].n == 0)
		status = applet_fail_bare(NULL, "invalid vdev specification: no device follows '%s'",
		    class_words[s->class]);
	if (status == 0 && pool == NULL && s->top[CLASS_DATA].n == 0)
		status = applet_fail_bare(NULL, "invalid vdev specification: at least one toplevel vdev "
		    "must be specified");
	if (status == 0 && (status = judge(s, pool)) == 0)
		*tree = make_tree(s);
	for (int c = 0; c < CLASSES; c++)
		free_list(&s->top[c]);
	free_list(&s->leaf);
	buf_free(&s->doubts);
	free(s);
	return (status);
}

/* --- what would be made ----------------------------------------------------------------------- */

static bool
is_of_class(const struct nvlist *top, enum class c)
{
	if (nv_has(top, "is_log"))
		return (c == CLASS_LOG);
	if (nv_has(top, "alloc_bias"))
		return (strcmp(nv_str_or(top, "alloc_bias", ""), class_words[c]) == 0);
	if (nv_has(top, "class")) /* of a pool that is there */
		return (strcmp(nv_str_or(top, "class", ""), class_words[c]) == 0);
	return (c == CLASS_DATA);
}

static void
print_node(const struct nvlist *node, int depth, unsigned how)
{
	struct nvlist **child;
	char word[32];
	size_t n;

	zpool_children(node, &child, &n);
	if (n > 0 && nv_has(node, "nparity"))
		(void)snprintf(word, sizeof(word), "raidz%u", (unsigned)nv_u64_or(node, "nparity", 1));
	else
		(void)snprintf(word, sizeof(word), "%s", nv_str_or(node, "type", ""));
	(void)printf("\t%*s%s\n", depth, "", nv_has(node, "path") || nv_has(node, "name") ?
	    zpool_vdev_name(node, how) : word);
	for (size_t i = 0; i < n; i++)
		print_node(child[i], depth + 2, how);
}

static bool
print_class_of(const struct nvlist *tree, enum class c, bool titled, unsigned how)
{
	const char *list = class_lists[c] != NULL ? class_lists[c] : "children";
	struct nvlist **v;
	size_t n;

	if (tree == NULL || nv_get_nvlist_array(tree, list, &v, &n) != 0)
		return (titled);
	for (size_t i = 0; i < n; i++) {
		if ((class_lists[c] == NULL && !is_of_class(v[i], c)) ||
		    strcmp(nv_str_or(v[i], "type", ""), "hole") == 0)
			continue;
		if (c != CLASS_DATA && !titled)
			(void)printf("\t%s\n", c == CLASS_LOG ? "logs" : c == CLASS_SPARE ? "spares" :
			    class_words[c]);
		titled = true;
		print_node(v[i], 2, how);
	}
	return (titled);
}

void
zpool_print_layout(const char *pool, const struct nvlist *there, const struct nvlist *tree,
    unsigned how)
{
	(void)printf(there == NULL ? "would create '%s' with the following layout:\n\n\t%s\n" :
	    "would update '%s' to the following configuration:\n\n\t%s\n", pool, pool);
	for (int c = 0; c < CLASSES; c++) {
		bool titled = print_class_of(there, (enum class)c, false, how);

		(void)print_class_of(tree, (enum class)c, titled, how);
	}
}
