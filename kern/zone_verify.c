/* SPDX-License-Identifier: MIT */
/*
 * What `zoneadm verify`, `install` and `uninstall` do with a zone's directory.
 *
 * The zonepath is the wall on the outside: mode 0700, so that no user of the global zone reaches the
 * zone's files (set-user-id programs of the zone's root among them).
 */
#include "smartbox/kern/zone_verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/kern/zone_priv.h"

enum { DEPTH_MAX = 2000 };

/* --- verify --- */

static int
verify_parent(const char *zonepath, struct err *e)
{
	char parent[PATH_MAX];
	struct stat st;

	(void)snprintf(parent, sizeof(parent), "%s", zonepath);
	*strrchr(parent, '/') = '\0';
	if (parent[0] == '\0')
		memcpy(parent, "/", 2);
	if (stat(parent, &st) != 0)
		return (0); /* made by install */
	if (st.st_uid != 0)
		return (err_set(e, EINVAL, "%s is not owned by root.", parent));
	if ((st.st_mode & 022) != 0 && !(st.st_mode & S_ISVTX))
		return (err_set(e, EINVAL, "%s is writable by group or others.", parent));
	return (0);
}

static int
verify_zonepath(const char *zonepath, enum zone_state state, zone_warn_fn *warn, void *arg,
    struct err *e)
{
	char root[PATH_MAX];
	struct stat st;

	if (lstat(zonepath, &st) != 0) {
		char text[PATH_MAX + 64];

		if (errno != ENOENT || state >= ZONE_INSTALLED)
			return (err_sys(e, errno, "zonepath %s", zonepath));
		(void)snprintf(text, sizeof(text),
		    "WARNING: %s does not exist, so it could not be verified.", zonepath);
		warn(text, arg);
		return (0);
	}
	if (S_ISLNK(st.st_mode))
		return (err_set(e, EINVAL, "zonepath %s is a symbolic link.", zonepath));
	if (!S_ISDIR(st.st_mode))
		return (err_set(e, EINVAL, "zonepath %s is not a directory.", zonepath));
	if (st.st_uid != 0 && st.st_uid < ZONE_IDS)
		return (err_set(e, EINVAL, "zonepath %s is not owned by root.", zonepath));
	if ((st.st_mode & 077) != 0)
		return (err_set(e, EINVAL, "zonepath %s must have mode 0700.", zonepath));
	(void)snprintf(root, sizeof(root), "%s/root", zonepath);
	if (state == ZONE_CONFIGURED && lstat(root, &st) == 0)
		return (err_set(e, EEXIST, "%s exists already; attach the zone, or remove it.", root));
	return (0);
}

static int
verify_specials(const struct zonecfg *cfg, struct err *e)
{
	struct zonecfg_res *r = NULL;
	struct stat st;

	while ((r = zonecfg_res_next(cfg, "fs", r)) != NULL)
		if (strcmp(zonecfg_res_get(r, "type"), "lofs") == 0 &&
		    stat(zonecfg_res_get(r, "special"), &st) != 0)
			return (err_sys(e, errno, "fs '%s': special %s", zonecfg_res_get(r, "dir"),
			    zonecfg_res_get(r, "special")));
	return (0);
}

static void
warn_rctls(const struct zonecfg *cfg, zone_warn_fn *warn, void *arg)
{
	static const char *const known[] = {"zone.cpu-cap", "zone.cpu-shares", "zone.max-lwps",
	    "zone.max-processes", "zone.max-msg-ids", "zone.max-sem-ids", "zone.max-shm-ids",
	    "zone.max-shm-memory", "zone.max-physical-memory", "zone.max-swap",
	    "zone.max-locked-memory", "zone.zfs-io-priority", NULL};
	struct zonecfg_res *r = NULL;
	char text[160];

	while ((r = zonecfg_res_next(cfg, "rctl", r)) != NULL) {
		const char *name = zonecfg_res_get(r, "name");
		const char *const *k = known;

		while (*k != NULL && strcmp(*k, name) != 0)
			k++;
		if (*k != NULL)
			continue;
		(void)snprintf(text, sizeof(text), "WARNING: rctl %.80s is not enforced here.", name);
		warn(text, arg);
	}
}

int
zone_verify(const struct zone_env *env, const struct zonecfg *cfg, enum zone_state state,
    zone_warn_fn *warn, void *arg, struct err *e)
{
	const char *zonepath = zonecfg_get(cfg, "zonepath");
	uint64_t caps;
	int rc;

	(void)env;
	if ((rc = zonecfg_verify(cfg, e)) != 0 || (rc = verify_parent(zonepath, e)) != 0 ||
	    (rc = verify_zonepath(zonepath, state, warn, arg, e)) != 0 ||
	    (rc = zone_priv_caps(zonecfg_get(cfg, "limitpriv"), &caps, e)) != 0 ||
	    (rc = verify_specials(cfg, e)) != 0)
		return (rc);
	if (strcmp(zonecfg_get(cfg, "ip-type"), "shared") == 0)
		return (err_set(e, ENOTSUP, "ip-type=shared is not supported; use exclusive."));
	warn_rctls(cfg, warn, arg);
	return (0);
}

/* --- the tree --- */

int
zone_tree_make(const struct zonecfg *cfg, struct err *e)
{
	const char *zonepath = zonecfg_get(cfg, "zonepath");
	char root[PATH_MAX];
	int rc = file_mkdirs(zonepath, 0755, e);

	if (rc != 0)
		return (rc);
	if (chmod(zonepath, 0700) != 0)
		return (err_sys(e, errno, "%s", zonepath));
	(void)snprintf(root, sizeof(root), "%s/root", zonepath);
	if (mkdir(root, 0755) != 0 && errno != EEXIST)
		return (err_sys(e, errno, "%s", root));
	return (0);
}

static int remove_entry(int dfd, const char *name, dev_t dev, int depth, struct err *e);

static int
empty_dir(int dfd, const char *name, dev_t dev, int depth, struct err *e)
{
	int fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	struct dirent *de;
	struct stat st;
	DIR *d;

	if (fd < 0)
		return (err_sys(e, errno, "%s", name));
	if (fstat(fd, &st) != 0 || st.st_dev != dev || depth > DEPTH_MAX) {
		(void)close(fd);
		return (err_set(e, EBUSY, "%s: %s", name,
		    depth > DEPTH_MAX ? "nested too deeply" : "another file system is mounted there"));
	}
	if ((d = file_fdopendir(fd)) == NULL)
		return (err_sys(e, errno, "%s", name));
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			rc = remove_entry(dirfd(d), de->d_name, dev, depth + 1, e);
	(void)closedir(d);
	return (rc);
}

static int
remove_entry(int dfd, const char *name, dev_t dev, int depth, struct err *e)
{
	int rc;

	if (unlinkat(dfd, name, 0) == 0 || errno == ENOENT)
		return (0);
	if (errno != EISDIR && errno != EPERM)
		return (err_sys(e, errno, "%s", name));
	if ((rc = empty_dir(dfd, name, dev, depth, e)) != 0)
		return (err_wrap(e, "%s", name));
	if (unlinkat(dfd, name, AT_REMOVEDIR) != 0)
		return (err_sys(e, errno, "%s", name));
	return (0);
}

int
zone_tree_remove(const char *zonepath, struct err *e)
{
	struct stat st;

	if (lstat(zonepath, &st) != 0)
		return (errno == ENOENT ? 0 : err_sys(e, errno, "%s", zonepath));
	if (!S_ISDIR(st.st_mode))
		return (err_set(e, ENOTDIR, "%s is not a directory", zonepath));
	return (remove_entry(AT_FDCWD, zonepath, st.st_dev, 0, e));
}
