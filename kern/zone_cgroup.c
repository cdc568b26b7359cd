/* SPDX-License-Identifier: MIT */
/*
 * A zone's cgroups and caps; the picture is in the header.
 *
 * Caps are written to the top group, which belongs to the real root and lies outside the zone's
 * cgroup namespace: nothing in the zone can name it.  Only the controllers that this zone's caps need
 * are switched on, from the mount's root down.
 */
#include "zone_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/kern/zone_run.h"

enum { CPU_PERIOD_US = 100000 };

/* One cap: what is configured, which controller keeps it, the file and its text. */
struct cap {
	const char *prop, *controller, *file;
	bool is_share; /* a weight: without the controller nothing is promised that fails */
	void (*format)(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg);
};

static void
format_plain(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg)
{
	(void)cfg;
	(void)snprintf(buf, size, "%" PRIu64, v);
}

/* Percent of one CPU to microseconds per period. */
static void
format_cpu_cap(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg)
{
	(void)cfg;
	(void)snprintf(buf, size, "%" PRIu64 " %d", v * (CPU_PERIOD_US / 100), CPU_PERIOD_US);
}

static void
format_weight(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg)
{
	(void)cfg;
	(void)snprintf(buf, size, "%" PRIu64, v < 1 ? 1 : v > 10000 ? 10000 : v);
}

/* Reclaim begins a little below the cap, so that a zone is slowed down before it is killed. */
static void
format_high(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg)
{
	(void)cfg;
	(void)snprintf(buf, size, "%" PRIu64, v / 100 * 98);
}

/* illumos's max-swap counts all anonymous memory; the kernel's only what is on the swap device. */
static void
format_swap(char *buf, size_t size, uint64_t v, const struct zonecfg *cfg)
{
	uint64_t phys = zonecfg_get_u64(cfg, "max-physical-memory", 0);

	(void)snprintf(buf, size, "%" PRIu64, v > phys ? v - phys : 0);
}

static const struct cap caps[] = {
    {"max-lwps", "pids", "pids.max", false, format_plain},
    {"max-physical-memory", "memory", "memory.high", false, format_high},
    {"max-physical-memory", "memory", "memory.max", false, format_plain},
    {"max-swap", "memory", "memory.swap.max", true, format_swap},
    {"cpu-cap", "cpu", "cpu.max", false, format_cpu_cap},
    {"cpu-shares", "cpu", "cpu.weight", true, format_weight},
    {"zfs-io-priority", "io", "io.weight", true, format_weight},
};
enum { NCAPS = sizeof(caps) / sizeof(caps[0]) };

/* Does the list in `dir`/cgroup.controllers have this word? */
static bool
has_controller(const char *dir, const char *name)
{
	char path[PATH_MAX], *text, *save = NULL;
	bool found = false;

	(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", dir);
	if (file_read(path, 4096, &text, NULL, NULL) != 0)
		return (false);
	for (char *w = strtok_r(text, " \n", &save); w != NULL; w = strtok_r(NULL, " \n", &save))
		found = found || strcmp(w, name) == 0;
	free(text);
	return (found);
}

static int
enable(const char *dir, const char *controller, struct err *e)
{
	char path[PATH_MAX], word[32];

	(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	(void)snprintf(word, sizeof(word), "+%s", controller);
	return (file_poke(path, word, e));
}

static int
make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return (err_sys(e, errno, "%s", path));
	return (0);
}

/* The cap's number, with illumos's rule that one of the two process limits implies the other. */
static uint64_t
cap_value(const struct zonecfg *cfg, const struct cap *c)
{
	uint64_t v = zonecfg_get_u64(cfg, c->prop, 0), procs;

	if (v == 0 && strcmp(c->prop, "max-lwps") == 0 &&
	    (procs = zonecfg_get_u64(cfg, "max-processes", 0)) != 0)
		v = procs * 10;
	return (v);
}

static int
write_cap(const char *root, const char *parent, const char *top, const struct cap *c, uint64_t v,
    const struct zonecfg *cfg, struct err *e)
{
	char path[PATH_MAX + 32], text[64];
	int rc;

	if (!has_controller(root, c->controller)) {
		if (c->is_share)
			return (0);
		return (err_set(e, ENOTSUP, "%s: this kernel's cgroup v2 has no '%s' controller "
		    "(mounted as version 1?)", c->prop, c->controller));
	}
	if ((rc = enable(root, c->controller, e)) != 0 ||
	    (rc = enable(parent, c->controller, e)) != 0)
		return (rc);
	c->format(text, sizeof(text), v, cfg);
	(void)snprintf(path, sizeof(path), "%s/%s", top, c->file);
	if (c->is_share && access(path, F_OK) != 0)
		return (0); /* io.weight needs a scheduler, memory.swap.max needs swap */
	return (file_poke(path, text, e));
}

static int
write_caps(const char *root, const char *parent, const char *top, const struct zonecfg *cfg,
    struct err *e)
{
	int rc = 0;

	for (int i = 0; i < NCAPS && rc == 0; i++) {
		uint64_t v = cap_value(cfg, &caps[i]);

		if (v != 0)
			rc = write_cap(root, parent, top, &caps[i], v, cfg, e);
	}
	return (rc);
}

/* Hand the group `ns` to the zone's root: the directory and what a delegate may write. */
static int
delegate(int ns, uint32_t base, struct err *e)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.threads",
	    "cgroup.subtree_control", NULL};

	if (fchown(ns, base, base) != 0)
		return (err_sys(e, errno, "cgroup"));
	for (const char *const *f = files; *f != NULL; f++)
		if (fchownat(ns, *f, base, base, 0) != 0)
			return (err_sys(e, errno, "cgroup %s", *f));
	return (0);
}

static int
top_path(const struct zone_env *env, const char *name, char out[PATH_MAX])
{
	return (snprintf(out, PATH_MAX, "%s/zones/%s.zone", env->cgroup, name) < PATH_MAX ? 0 :
											     -ENAMETOOLONG);
}

static int
open_dir(int dfd, const char *path)
{
	int fd = openat(dfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 ? fd : -errno);
}

int
zone_cgroup_open(const struct zone_env *env, const char *name, struct zone_cgroup *out)
{
	char top[PATH_MAX];
	int rc;

	*out = (struct zone_cgroup)ZONE_CGROUP_NONE;
	if (top_path(env, name, top) != 0 || (out->top = open_dir(AT_FDCWD, top)) < 0)
		return (-ENOENT);
	out->ns = open_dir(out->top, "ns");
	out->login = open_dir(out->top, "login");
	if (out->ns >= 0 && out->login >= 0)
		return (0);
	rc = out->ns < 0 ? out->ns : out->login;
	zone_cgroup_close(out);
	return (rc);
}

int
zone_cgroup_make(const struct zone_env *env, const struct zonecfg *cfg, uint32_t id_base,
    struct zone_cgroup *out, struct err *e)
{
	char parent[300], top[PATH_MAX], sub[PATH_MAX + 8];
	int rc;

	*out = (struct zone_cgroup)ZONE_CGROUP_NONE;
	if (env->cgroup[0] == '\0')
		return (err_set(e, ENOTSUP, "cgroup v2 is not mounted"));
	(void)snprintf(parent, sizeof(parent), "%s/zones", env->cgroup);
	(void)top_path(env, zonecfg_name(cfg), top);
	if ((rc = make_dir(parent, e)) != 0 || (rc = make_dir(top, e)) != 0)
		return (rc);
	(void)snprintf(sub, sizeof(sub), "%s/ns", top);
	if ((rc = write_caps(env->cgroup, parent, top, cfg, e)) != 0 || (rc = make_dir(sub, e)) != 0)
		return (rc);
	(void)snprintf(sub, sizeof(sub), "%s/login", top);
	if ((rc = make_dir(sub, e)) != 0)
		return (rc);
	if ((rc = zone_cgroup_open(env, zonecfg_name(cfg), out)) != 0)
		return (err_rc(e, rc, "%s", top));
	if ((rc = delegate(out->ns, id_base, e)) != 0)
		zone_cgroup_close(out);
	return (rc);
}

int
zone_caps_apply(const struct zone_env *env, const struct zonecfg *cfg, struct err *e)
{
	char parent[300], top[PATH_MAX], path[PATH_MAX + 32];
	int rc;

	(void)snprintf(parent, sizeof(parent), "%s/zones", env->cgroup);
	(void)top_path(env, zonecfg_name(cfg), top);
	if (env->cgroup[0] == '\0' || access(top, F_OK) != 0)
		return (0); /* not live: its next boot writes them */
	for (int i = 0; i < NCAPS; i++) {
		uint64_t v = cap_value(cfg, &caps[i]);

		(void)snprintf(path, sizeof(path), "%s/%s", top, caps[i].file);
		if (v != 0)
			rc = write_cap(env->cgroup, parent, top, &caps[i], v, cfg, e);
		else
			rc = access(path, F_OK) != 0 ? 0 :
			    file_poke(path, caps[i].format == format_weight ? "100" : "max", e);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

int
zone_cgroup_kill(const struct zone_cgroup *cg)
{
	int fd = cg->top >= 0 ? openat(cg->top, "cgroup.kill", O_WRONLY | O_CLOEXEC) : -1, rc = 0;

	if (fd < 0)
		return (-ENOENT);
	if (write(fd, "1", 1) != 1)
		rc = -errno;
	(void)close(fd);
	return (rc);
}

int
zone_cgroup_is_populated(const struct zone_cgroup *cg)
{
	int fd = cg->top >= 0 ? openat(cg->top, "cgroup.events", O_RDONLY | O_CLOEXEC) : -1;
	char buf[256];
	ssize_t n;

	if (fd < 0)
		return (0);
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return (strstr(buf, "populated 1") != NULL);
}

/* Depth first; the zone may have made groups of its own below ns. */
static int
remove_tree(int dfd, const char *name, int depth)
{
	int fd = depth < 64 ? open_dir(dfd, name) : -ELOOP;
	struct dirent *de;
	DIR *d;

	if (fd == -ENOENT)
		return (0);
	if (fd < 0 || (d = file_fdopendir(fd)) == NULL)
		return (fd < 0 ? fd : -errno);
	while ((de = readdir(d)) != NULL)
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			(void)remove_tree(dirfd(d), de->d_name, depth + 1);
	(void)closedir(d);
	return (unlinkat(dfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno);
}

int
zone_cgroup_remove(const struct zone_env *env, const char *name, struct err *e)
{
	char top[PATH_MAX];
	int rc;

	if (env->cgroup[0] == '\0' || top_path(env, name, top) != 0)
		return (0);
	rc = remove_tree(AT_FDCWD, top, 0);
	return (rc == 0 ? 0 : err_rc(e, rc, "cannot remove %s", top));
}

void
zone_cgroup_close(struct zone_cgroup *cg)
{
	int *fds[] = {&cg->top, &cg->ns, &cg->login};

	for (int i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}

int
zone_memory_used(const struct zone_env *env, const char *name, uint64_t *bytes)
{
	static const char *const counted[] = {"anon ", "file_mapped "};
	char path[PATH_MAX + 16], top[PATH_MAX], *text, *save = NULL;
	int rc = top_path(env, name, top);

	if (rc != 0)
		return (rc);
	(void)snprintf(path, sizeof(path), "%s/memory.stat", top);
	if ((rc = file_read(path, 1 << 16, &text, NULL, NULL)) != 0)
		return (rc);
	*bytes = 0;
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
			if (strncmp(l, counted[i], strlen(counted[i])) == 0)
				*bytes += strtoull(l + strlen(counted[i]), NULL, 10);
	free(text);
	return (0);
}
