/* SPDX-License-Identifier: MIT */
/*
 * Kernel modules, by name or alias.
 *
 * Theory of operation
 *
 * depmod(8) leaves two text files beside the modules:
 *
 *	modules.dep	kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko kernel/drivers/virtio/virtio.ko
 *	modules.alias	alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
 *
 * A line of modules.dep lists everything that must be there first, already flattened, the farthest
 * last; so loading a module is inserting its list from the end, then itself. Names are compared with
 * '-' and '_' as the same letter, as the kernel does.
 *
 * Both files are kept as they are read, with one pointer per line: some hundred modules and some
 * thousand aliases in our image. A lookup is a scan; patterns are fnmatch's.
 *
 * Invariants:
 *  1. A module whose insertion was tried once is not tried again by the same index: a driver that
 *     fails (-ENODEV is usual) fails for each of its devices.
 *  2. EEXIST from the kernel is success: somebody else, or the kernel itself, was faster.
 */
#include "smartbox/machine/kmod.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "smartbox/core/file.h"

enum { KMOD_INDEX_MAX = 64 << 20, KMOD_PATH_MAX = 4096, KMOD_SYSFS_DEPTH = 24 };

struct module {
	const char *path; /* "kernel/fs/fuse/fuse.ko" */
	const char *deps; /* paths, space separated, nearest first; may be empty */
	bool tried;	  /* invariant 1 */
};

struct alias {
	const char *pattern;
	const char *module;
};

struct kmod {
	char dir[KMOD_PATH_MAX];
	char *dep_text, *alias_text; /* what the pointers below point into */
	struct module *modules;
	size_t nmodules;
	struct alias *aliases;
	size_t naliases;
	unsigned loaded; /* insertions that this index made */
};

/* Compare module names up to the end of a file name's stem ("fuse" and "kernel/fs/fuse/fuse.ko"). */
static bool
kmod_name_is(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');

	base = base != NULL ? base + 1 : path;
	for (; *name != '\0'; base++, name++)
		if (*base != *name && !(strchr("-_", *base) != NULL && strchr("-_", *name) != NULL))
			return (false);
	return (*base == '\0' || strncmp(base, ".ko", 3) == 0);
}

/* Grow an array by one zeroed element. */
static void *
kmod_grow(void **array, size_t *n, size_t size)
{
	void *bigger;

	if ((*n & (*n - 1)) == 0) {
		if ((bigger = reallocarray(*array, *n != 0 ? *n * 2 : 1, size)) == NULL)
			return (NULL);
		*array = bigger;
	}
	memset((char *)*array + *n * size, 0, size);
	return ((char *)*array + (*n)++ * size);
}

static int
kmod_parse_dep(struct kmod *k, char *line)
{
	struct module *m;
	char *colon;

	if ((colon = strchr(line, ':')) == NULL)
		return (0);
	if ((m = kmod_grow((void **)&k->modules, &k->nmodules, sizeof(*m))) == NULL)
		return (-ENOMEM);
	*colon = '\0';
	m->path = line;
	m->deps = colon + 1;
	return (0);
}

static int
kmod_parse_alias(struct kmod *k, char *line)
{
	struct alias *a;
	char *pattern, *module, *save;

	if (strncmp(line, "alias ", 6) != 0)
		return (0);
	pattern = strtok_r(line + 6, " ", &save);
	module = strtok_r(NULL, " ", &save);
	if (pattern == NULL || module == NULL)
		return (0);
	if ((a = kmod_grow((void **)&k->aliases, &k->naliases, sizeof(*a))) == NULL)
		return (-ENOMEM);
	a->pattern = pattern;
	a->module = module;
	return (0);
}

/* Read a file of the index and give its lines to parse. The text stays in *text. */
static int
kmod_read(struct kmod *k, const char *file, char **text, int (*parse)(struct kmod *, char *),
    struct err *e)
{
	char path[KMOD_PATH_MAX + 32], *line, *save;
	size_t len;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", k->dir, file);
	if ((rc = file_read(path, KMOD_INDEX_MAX, text, &len, e)) != 0)
		return (rc);
	for (line = strtok_r(*text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (parse(k, line) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
kmod_open(const char *dir, struct kmod **out, struct err *e)
{
	struct utsname uts;
	struct kmod *k;
	int rc;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (dir == NULL) {
		(void)uname(&uts);
		(void)snprintf(k->dir, sizeof(k->dir), "/lib/modules/%s", uts.release);
	} else {
		(void)snprintf(k->dir, sizeof(k->dir), "%s", dir);
	}
	if ((rc = kmod_read(k, "modules.dep", &k->dep_text, kmod_parse_dep, e)) != 0 ||
	    (rc = kmod_read(k, "modules.alias", &k->alias_text, kmod_parse_alias, e)) != 0) {
		kmod_close(k);
		return (rc);
	}
	*out = k;
	return (0);
}

void
kmod_close(struct kmod *k)
{
	if (k == NULL)
		return;
	free(k->modules);
	free(k->aliases);
	free(k->dep_text);
	free(k->alias_text);
	free(k);
}

static struct module *
kmod_find(struct kmod *k, const char *name)
{
	for (size_t i = 0; i < k->nmodules; i++)
		if (kmod_name_is(k->modules[i].path, name))
			return (&k->modules[i]);
	return (NULL);
}

static struct module *
kmod_find_path(struct kmod *k, const char *path, size_t len)
{
	for (size_t i = 0; i < k->nmodules; i++)
		if (strncmp(k->modules[i].path, path, len) == 0 && k->modules[i].path[len] == '\0')
			return (&k->modules[i]);
	return (NULL);
}

/* Insert one module file. Invariants 1 and 2. */
static int
kmod_insert(struct kmod *k, struct module *m, const char *params, struct err *e)
{
	char path[KMOD_PATH_MAX * 2];
	int fd, rc = 0;

	if (m->tried)
		return (0);
	m->tried = true;
	(void)snprintf(path, sizeof(path), "%s/%s", k->dir, m->path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "module '%s'", path));
	if (syscall(SYS_finit_module, fd, params != NULL ? params : "", 0) != 0 && errno != EEXIST)
		rc = err_sys(e, errno, "module '%s'", m->path);
	else
		k->loaded++;
	(void)close(fd);
	return (rc);
}

/* Call fn for each dependency, the farthest first, then for the module. */
static int
kmod_walk(struct kmod *k, struct module *m, int (*fn)(struct kmod *, struct module *, void *),
    void *arg, struct err *e)
{
	const char *end = m->deps + strlen(m->deps), *start;
	struct module *dep;
	int rc;

	while (end > m->deps) {
		while (end > m->deps && end[-1] == ' ')
			end--;
		for (start = end; start > m->deps && start[-1] != ' ';)
			start--;
		if (start == end)
			break;
		if ((dep = kmod_find_path(k, start, (size_t)(end - start))) == NULL)
			return (err_set(e, ENOENT, "module '%s' needs '%.*s', which is missing",
			    m->path, (int)(end - start), start));
		if ((rc = fn(k, dep, arg)) != 0)
			return (rc);
		end = start;
	}
	return (fn(k, m, arg));
}

struct insertion {
	struct module *target;
	const char *params;
	struct err *e;
};

static int
kmod_insert_step(struct kmod *k, struct module *m, void *arg)
{
	struct insertion *in = arg;

	return (kmod_insert(k, m, m == in->target ? in->params : NULL, in->e));
}

static int
kmod_load_module(struct kmod *k, struct module *m, const char *params, struct err *e)
{
	struct insertion in = {m, params, e};

	return (m->tried ? 0 : kmod_walk(k, m, kmod_insert_step, &in, e));
}

static bool
kmod_is_present(const char *name)
{
	char path[KMOD_PATH_MAX], *p;

	(void)snprintf(path, sizeof(path), "/sys/module/%s", name);
	for (p = path + strlen("/sys/module/"); *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	return (strchr(name, '/') == NULL && access(path, F_OK) == 0);
}

/* Load each module with an alias that matches; the first error is kept if nothing loaded. */
static int
kmod_load_alias(struct kmod *k, const char *name, const char *params, struct err *e)
{
	struct module *m;
	int rc = -ENOENT, one;

	for (size_t i = 0; i < k->naliases; i++) {
		if (fnmatch(k->aliases[i].pattern, name, 0) != 0 ||
		    (m = kmod_find(k, k->aliases[i].module)) == NULL)
			continue;
		one = kmod_load_module(k, m, params, e);
		if (rc != 0)
			rc = one;
	}
	return (rc);
}

int
kmod_load(struct kmod *k, const char *name, const char *params, struct err *e)
{
	struct module *m;
	int rc;

	if ((m = kmod_find(k, name)) != NULL)
		return (kmod_load_module(k, m, params, e));
	if ((rc = kmod_load_alias(k, name, params, e)) != -ENOENT)
		return (rc);
	if (kmod_is_present(name))
		return (0);
	return (err_set(e, ENOENT, "no module answers to '%s'", name));
}

int
kmod_unload(const char *name, struct err *e)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK) != 0)
		return (err_sys(e, errno, "module '%s'", name));
	return (0);
}

/* Load what one device asks for: its modalias file, one line. */
static void
kmod_plug_device(struct kmod *k, int dir)
{
	char alias[4096];
	ssize_t n;
	int fd;

	if ((fd = openat(dir, "modalias", O_RDONLY | O_CLOEXEC)) < 0)
		return;
	n = read(fd, alias, sizeof(alias) - 1);
	(void)close(fd);
	if (n <= 0)
		return;
	alias[n] = '\0';
	alias[strcspn(alias, "\n")] = '\0';
	(void)kmod_load_alias(k, alias, NULL, NULL);
}

/* Visit a folder of sysfs and those below; takes the descriptor. */
static void
kmod_plug_tree(struct kmod *k, int fd, int depth)
{
	struct dirent *d;
	DIR *dir;
	int sub;

	if ((dir = file_fdopendir(fd)) == NULL)
		return;
	kmod_plug_device(k, fd);
	while (depth > 0 && (d = readdir(dir)) != NULL) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		sub = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			kmod_plug_tree(k, sub, depth - 1);
	}
	(void)closedir(dir);
}

int
kmod_coldplug(struct kmod *k, const char *sysfs, struct err *e)
{
	unsigned before, start = k->loaded;
	int fd;

	do {
		before = k->loaded;
		if ((fd = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			return (err_sys(e, errno, "'%s'", sysfs));
		kmod_plug_tree(k, fd, KMOD_SYSFS_DEPTH);
	} while (k->loaded != before);
	return ((int)(k->loaded - start));
}

struct resolution {
	kmod_path_fn *fn;
	void *arg;
};

static int
kmod_resolve_step(struct kmod *k, struct module *m, void *arg)
{
	struct resolution *r = arg;

	(void)k;
	return (r->fn(m->path, r->arg));
}

int
kmod_resolve(struct kmod *k, const char *name, kmod_path_fn *fn, void *arg, struct err *e)
{
	struct resolution r = {fn, arg};
	struct module *m = kmod_find(k, name);
	int rc = -ENOENT;

	if (m != NULL)
		return (kmod_walk(k, m, kmod_resolve_step, &r, e));
	for (size_t i = 0; i < k->naliases; i++)
		if (fnmatch(k->aliases[i].pattern, name, 0) == 0 &&
		    (m = kmod_find(k, k->aliases[i].module)) != NULL)
			if ((rc = kmod_walk(k, m, kmod_resolve_step, &r, e)) != 0)
				return (rc);
	return (rc == 0 ? 0 : err_set(e, ENOENT, "no module answers to '%s'", name));
}
