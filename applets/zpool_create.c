/* SPDX-License-Identifier: MIT */
/*
 * zpool create: from a vdev specification to a running pool.
 *
 *	zpool create tank mirror /dev/sda /dev/sdb mirror /dev/sdc /dev/sdd
 *
 * A whole disk is used as it is, without a partition table.  What would destroy something (a label
 * of another pool) or is probably a mistake (a mirror beside a single disk) needs -f.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/bdev.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/names.h"
#include "zpool_impl.h"

enum { VDEVS_MAX = 1024 };
/* Devices of one mirror may differ by this much before it looks like a mistake. */
#define SIZE_FUZZ (16ULL << 20)

struct spec {
	struct nvlist *top[VDEVS_MAX];
	size_t ntop;
	struct nvlist *leaf[VDEVS_MAX]; /* of the group being read */
	uint64_t size[VDEVS_MAX];
	size_t nleaf;
	const char *group; /* "mirror" or "raidz" while its devices are read, else NULL */
	unsigned nparity;
	bool force;
	struct buf doubts; /* what -f overrides, one line each */
	bool is_wrong;	   /* what nothing overrides */
};

/* An absolute path, or a name in /dev. */
static int
resolve(const char *arg, char path[PATH_MAX])
{
	char dev[PATH_MAX];

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
	if (state == POOL_ACTIVE && pool_is_imported(name)) {
		if (!s->is_wrong)
			(void)applet_fail_bare(NULL, "invalid vdev specification\n"
			    "the following errors must be manually repaired:");
		(void)applet_fail_bare(NULL, "%s is part of active pool '%s'", path, name);
		s->is_wrong = true;
	} else if (state != POOL_DESTROYED) {
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
	check_label(s, bd, path);
	bdev_close(bd);
	return (0);
}

static bool
is_given_twice(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->nleaf; i++)
		if (strcmp(nv_str_or(s->leaf[i], "path", ""), path) == 0)
			return (true);
	for (size_t i = 0; i < s->ntop; i++) {
		struct nvlist **child;
		size_t n;

		if (strcmp(nv_str_or(s->top[i], "path", ""), path) == 0)
			return (true);
		zpool_children(s->top[i], &child, &n);
		for (size_t k = 0; k < n; k++)
			if (strcmp(nv_str_or(child[k], "path", ""), path) == 0)
				return (true);
	}
	return (false);
}

static int
add_leaf(struct spec *s, const char *arg)
{
	char path[PATH_MAX];
	struct nvlist *nv;
	const char *type = "file";
	uint64_t size = 0;

	if (s->nleaf == VDEVS_MAX || s->ntop == VDEVS_MAX)
		return (applet_fail_bare(NULL, "too many devices"));
	if (resolve(arg, path) != 0 || check_device(s, path, &type, &size) != 0)
		return (1);
	if (is_given_twice(s, path))
		return (applet_fail_bare(NULL,
		    "invalid vdev specification: '%s' is given more than once", path));
	nv = must_nv();
	must(nv_add_str(nv, "type", type));
	must(nv_add_str(nv, "path", path));
	if (strcmp(type, "disk") == 0)
		must(nv_add_u64(nv, "whole_disk", 0));
	if (s->group == NULL) {
		s->top[s->ntop++] = nv;
		return (0);
	}
	s->size[s->nleaf] = size;
	s->leaf[s->nleaf++] = nv;
	return (0);
}

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
	for (size_t i = 1; i < s->nleaf; i++) {
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
	struct nvlist *nv;
	char word[16];

	if (s->group == NULL)
		return (0);
	group_word(s, word, sizeof(word));
	if (s->nleaf < least)
		return (applet_fail_bare(NULL,
		    "invalid vdev specification: %s requires at least %zu devices", word, least));
	if (s->ntop == VDEVS_MAX)
		return (applet_fail_bare(NULL, "too many devices"));
	doubt_group_sizes(s, word);
	nv = must_nv();
	must(nv_add_str(nv, "type", s->group));
	if (s->nparity > 0)
		must(nv_add_u64(nv, "nparity", s->nparity));
	must(nv_add_nvlist_array(nv, "children", s->leaf, s->nleaf));
	for (size_t i = 0; i < s->nleaf; i++)
		nv_free(s->leaf[i]);
	s->nleaf = 0;
	s->group = NULL;
	s->top[s->ntop++] = nv;
	return (0);
}

/* Is this the word that begins a group?  raidz alone is raidz1. */
static bool
begins_group(struct spec *s, const char *word)
{
	if (strcmp(word, "mirror") == 0) {
		s->group = "mirror";
		s->nparity = 0;
		return (true);
	}
	if (strncmp(word, "raidz", 5) != 0 || (word[5] != '\0' &&
	    (word[5] < '1' || word[5] > '3' || word[6] != '\0')))
		return (false);
	s->group = "raidz";
	s->nparity = word[5] == '\0' ? 1 : (unsigned)(word[5] - '0');
	return (true);
}

static bool
is_group_word(const char *word)
{
	struct spec scratch = {.ntop = 0};

	return (begins_group(&scratch, word));
}

/* Words of a specification that this version has no devices for. */
static bool
is_unsupported(const char *word)
{
	static const char *const words[] = {"spare", "log", "cache", "special", "dedup"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return (true);
	return (strncmp(word, "draid", 5) == 0);
}

/* All top-level devices should survive the same: the first two that differ are named. */
static void
doubt_replication(struct spec *s)
{
	const char *t0 = nv_str_or(s->top[0], "type", "");
	struct nvlist **child;
	size_t n0, n;

	zpool_children(s->top[0], &child, &n0);
	for (size_t i = 1; i < s->ntop; i++) {
		const char *t = nv_str_or(s->top[i], "type", "");

		zpool_children(s->top[i], &child, &n);
		if ((n0 == 0) != (n == 0) || strcmp(n0 == 0 ? "" : t0, n == 0 ? "" : t) != 0) {
			buf_printf(&s->doubts, "mismatched replication level: "
			    "both %s and %s vdevs are present\n", t0, t);
			return;
		}
		if (n0 != n) {
			buf_printf(&s->doubts, "mismatched replication level: "
			    "both %zu-way and %zu-way %s vdevs are present\n", n0, n, t);
			return;
		}
	}
}

static int
parse_words(struct spec *s, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (is_unsupported(argv[i]))
			return (applet_fail_bare(NULL, "invalid vdev specification: "
			    "'%s' devices are not supported by this version", argv[i]));
		if (is_group_word(argv[i])) {
			if (end_group(s) != 0)
				return (1);
			(void)begins_group(s, argv[i]);
		} else if (add_leaf(s, argv[i]) != 0) {
			return (1);
		}
	}
	return (end_group(s));
}

static int
judge(struct spec *s)
{
	if (s->is_wrong)
		return (1);
	doubt_replication(s);
	if (s->doubts.len == 0 || s->force)
		return (0);
	s->doubts.data[s->doubts.len - 1] = '\0';
	return (applet_fail_bare(NULL, "invalid vdev specification\n"
	    "use '-f' to override the following errors:\n%s", s->doubts.data));
}

int
zpool_parse_vdevs(int argc, char **argv, bool force, struct nvlist **tree)
{
	struct spec *s = calloc(1, sizeof(*s));
	int status;

	must(s == NULL ? -ENOMEM : 0);
	s->force = force;
	if ((status = parse_words(s, argc, argv)) == 0 && (status = judge(s)) == 0) {
		*tree = must_nv();
		must(nv_add_str(*tree, "type", "root"));
		must(nv_add_nvlist_array(*tree, "children", s->top, s->ntop));
	}
	for (size_t i = 0; i < s->ntop; i++)
		nv_free(s->top[i]);
	for (size_t i = 0; i < s->nleaf; i++)
		nv_free(s->leaf[i]);
	buf_free(&s->doubts);
	free(s);
	return (status);
}

static void
print_layout(const struct nvlist *node, int depth)
{
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++) {
		(void)printf("\t%*s%s\n", depth, "", nv_has(child[i], "path") ?
		    zpool_vdev_name(child[i], false) : nv_str_or(child[i], "type", ""));
		print_layout(child[i], depth + 2);
	}
}

void
zpool_print_layout(const char *pool, const struct nvlist *tree)
{
	(void)printf("would create '%s' with the following layout:\n\n\t%s\n", pool, pool);
	print_layout(tree, 2);
}

static bool
is_empty_or_missing(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	bool is_empty = true;

	if (d == NULL)
		return (errno == ENOENT);
	while (is_empty && (de = readdir(d)) != NULL)
		is_empty = strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	(void)closedir(d);
	return (is_empty);
}

static int
check_mountpoint(const char *pool, const char *mountpoint, const char *altroot)
{
	char path[PATH_MAX];
	int n;

	if (mountpoint != NULL &&
	    (strcmp(mountpoint, "none") == 0 || strcmp(mountpoint, "legacy") == 0))
		return (0);
	if (mountpoint != NULL && mountpoint[0] != '/')
		return (applet_fail_bare(NULL, "invalid mountpoint '%s': must be an absolute path, "
		    "'legacy', or 'none'", mountpoint));
	if (altroot == NULL)
		altroot = "";
	if (mountpoint != NULL)
		n = snprintf(path, sizeof(path), "%s%s", altroot, mountpoint);
	else
		n = snprintf(path, sizeof(path), "%s/%s", altroot, pool);
	if (n < 0 || (size_t)n >= sizeof(path))
		return (applet_fail_bare(NULL, "mountpoint is too long"));
	if (is_empty_or_missing(path))
		return (0);
	(void)applet_fail_bare(NULL, "mountpoint '%s' exists and is not empty", path);
	return (applet_fail_bare(NULL, mountpoint != NULL ?
	    "use '-m' option to provide a different path" :
	    "use '-m' option to provide a different default"));
}

struct create_opts {
	struct nvlist *request, *props, *fsprops;
	char *altroot;
	bool force, dryrun;
};

static int
read_create_opts(int argc, char **argv, struct create_opts *o)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "fndo:O:m:R:")) != -1) {
		if (c == 'f')
			o->force = true;
		else if (c == 'n')
			o->dryrun = true;
		else if (c == 'd')
			must(nv_add_boolean(o->request, "no_features"));
		else if (c == 'o')
			status = zpool_parse_prop(o->props, optarg);
		else if (c == 'O')
			status = zpool_parse_fsprop(o->fsprops, optarg);
		else if (c == 'm')
			must(nv_add_str(o->fsprops, "mountpoint", optarg));
		else if (c == 'R')
			must(nv_add_str(o->props, "altroot", optarg));
		else
			return (2);
	}
	return (status);
}

static int
start_pool(struct create_opts *o, const char *pool, const struct nvlist *tree)
{
	struct nvlist *r = o->request, *out;
	struct err e = ERR_INIT;
	char *ashift = zpool_take_prop(o->props, "ashift");
	int status;

	must(nv_add_str(r, "op", "create"));
	must(nv_add_str(r, "name", pool));
	must(nv_add_nvlist(r, "vdev_tree", tree));
	must(nv_add_nvlist(r, "props", o->props));
	must(nv_add_nvlist(r, "fsprops", o->fsprops));
	must(nv_add_str(r, "history", zpool_command_line()));
	if (o->force)
		must(nv_add_boolean(r, "force"));
	if (ashift != NULL)
		must(nv_add_u64(r, "ashift", strtoull(ashift, NULL, 10)));
	if (o->altroot != NULL)
		must(nv_add_str(r, "altroot", o->altroot));
	free(ashift);
	if (pool_start(r, &out, &e) != 0)
		status = applet_fail_bare(&e, "cannot create '%s'", pool);
	else
		status = zpool_report_mounts(out);
	nv_free(out);
	return (status);
}

static int
check_name(const char *pool)
{
	struct err e = ERR_INIT;

	if (name_check_pool(pool, &e) != 0) {
		(void)applet_fail_bare(&e, "cannot create '%s'", pool);
		if (strchr(pool, '/') != NULL)
			(void)applet_fail_bare(NULL, "use 'zfs create' to create a dataset");
		return (1);
	}
	if (pool_is_imported(pool))
		return (applet_fail_bare(NULL, "cannot create '%s': pool already exists", pool));
	return (0);
}

static int
create_checked(struct create_opts *o, int argc, char **argv)
{
	const char *pool = argv[0];
	struct nvlist *tree;
	int status;

	free(zpool_take_prop(o->props, "cachefile")); /* there is no cache: import scans */
	o->altroot = zpool_take_prop(o->props, "altroot");
	if ((status = check_name(pool)) != 0 ||
	    (status = zpool_parse_vdevs(argc - 1, argv + 1, o->force, &tree)) != 0)
		return (status);
	status = check_mountpoint(pool, nv_str_or(o->fsprops, "mountpoint", NULL), o->altroot);
	if (status == 0 && o->dryrun)
		zpool_print_layout(pool, tree);
	else if (status == 0)
		status = start_pool(o, pool, tree);
	nv_free(tree);
	return (status);
}

int
zpool_create(int argc, char **argv)
{
	struct create_opts o = {must_nv(), must_nv(), must_nv(), NULL, false, false};
	int status = read_create_opts(argc, argv, &o);

	if (status == 0 && optind >= argc)
		status = applet_usage("missing pool name argument");
	else if (status == 0 && optind + 1 >= argc)
		status = applet_usage("missing vdev specification");
	else if (status == 0)
		status = create_checked(&o, argc - optind, argv + optind);
	nv_free(o.request);
	nv_free(o.props);
	nv_free(o.fsprops);
	free(o.altroot);
	return (status);
}
