/* SPDX-License-Identifier: MIT */
/*
 * Where zones' files are, which zones there are, and who is in which.
 *
 * A listing reads the index once and the run directory once.  A state file is believed when the
 * supervisor that wrote it still holds its lock, or, if that died, when the zone's init still is the
 * process that it named (pid and start time).  So a crashed supervisor never makes a running zone look
 * halted, and a reboot of the machine, which empties the run directory, never leaves one running.
 */
#include "smartbox/kern/zone.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "zone_impl.h"

enum { ZONE_ID_MAX = 9999, STATE_FILE_MAX = 4096 };

/* --- where --- */

static bool
is_cgroup2(const char *path)
{
	struct statfs fs;

	return (statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC);
}

static void
copy_path(char out[256], const char *var, const char *def)
{
	const char *s = getenv(var);

	(void)snprintf(out, 256, "%s", s != NULL && *s == '/' ? s : def);
}

void
zone_env_init(struct zone_env *env)
{
	const char *cg = is_cgroup2("/sys/fs/cgroup")	? "/sys/fs/cgroup" :
	    is_cgroup2("/sys/fs/cgroup/unified")	? "/sys/fs/cgroup/unified" :
							  "";

	copy_path(env->etc, "SMARTBOX_ETC", "/etc");
	copy_path(env->run, "SMARTBOX_RUN", "/run/smartbox");
	copy_path(env->cgroup, "SMARTBOX_CGROUP", cg);
}

int
zone_run_path(const struct zone_env *env, const char *name, const char *suffix, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/zone/%s%s", env->run, name, suffix);

	return (n < PATH_MAX ? 0 : -ENAMETOOLONG);
}

int
zone_run_mkdir(const struct zone_env *env, struct err *e)
{
	char dir[PATH_MAX];

	(void)zone_run_path(env, "", "", dir);
	return (file_mkdirs(dir, 0700, e));
}

/* --- names --- */

int
zone_name_check(const char *name, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	if (strlen(name) > ZONE_NAME_MAX)
		return (err_set(e, EINVAL, "zone name is longer than %d characters", ZONE_NAME_MAX));
	if (strcmp(name, "global") == 0 || strncmp(name, "SUNW", 4) == 0)
		return (err_set(e, EINVAL, "%s: reserved zone name", name));
	if (!isalnum((unsigned char)name[0]) || name[strspn(name, allowed)] != '\0')
		return (err_set(e, EINVAL, "%s: invalid zone name", name));
	return (0);
}

/* --- the run state --- */

int
proc_start_time(pid_t pid, uint64_t *ticks)
{
	char path[32], buf[1024], *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (-errno);
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (n <= 0)
		return (-ESRCH);
	buf[n] = '\0';
	/* Fields count from behind the last ')': the command may contain anything. */
	if ((p = strrchr(buf, ')')) == NULL)
		return (-EINVAL);
	if (p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X'))
		return (-ESRCH); /* ended, and not reaped by whoever inherited it */
	for (int field = 2; field < 22 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return (-EINVAL);
	*ticks = strtoull(p + 1, NULL, 10);
	return (0);
}

bool
zone_init_alive(const struct zone_run *r)
{
	uint64_t start;

	return (r->init > 0 && proc_start_time(r->init, &start) == 0 && start == r->init_start);
}

int
zone_run_read(const struct zone_env *env, const char *name, struct zone_run *out)
{
	char path[PATH_MAX], *text, state[32];
	int rc = zone_run_path(env, name, ".state", path), zoned, init;
	struct zone_run r = {0};

	if (rc != 0 || (rc = file_read(path, STATE_FILE_MAX, &text, NULL, NULL)) != 0)
		return (rc);
	if (sscanf(text, "state %31s\nid %d\nzoned %d\ninit %d %" SCNu64 "\nbase %" SCNu32, state,
		&r.id, &zoned, &init, &r.init_start, &r.id_base) != 6 ||
	    zone_state_parse(state, &r.state) != 0)
		rc = -EINVAL;
	free(text);
	r.zoned = zoned;
	r.init = init;
	*out = r;
	return (rc);
}

int
zone_run_write(const struct zone_env *env, const char *name, const struct zone_run *r,
    struct err *e)
{
	char path[PATH_MAX], text[256];
	int n;

	if (zone_run_path(env, name, ".state", path) != 0)
		return (err_set(e, ENAMETOOLONG, "run directory's path is too long"));
	n = snprintf(text, sizeof(text), "state %s\nid %d\nzoned %d\ninit %d %" PRIu64 "\nbase %" PRIu32
	    "\n", zone_state_name(r->state), r->id, (int)r->zoned, (int)r->init, r->init_start,
	    r->id_base);
	return (file_replace(path, text, (size_t)n, 0600, e));
}

void
zone_run_remove(const struct zone_env *env, const char *name)
{
	char path[PATH_MAX];

	if (zone_run_path(env, name, ".state", path) == 0)
		(void)unlink(path);
}

bool
zone_lock_is_held(const struct zone_env *env, const char *name)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	bool held;
	int fd;

	if (zone_run_path(env, name, ".lock", path) != 0 ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (false);
	held = fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
	(void)close(fd);
	return (held);
}

int
zone_lock_take(const struct zone_env *env, const char *name, int *fd, struct err *e)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];

	if (zone_run_path(env, name, ".lock", path) != 0)
		return (err_set(e, ENAMETOOLONG, "run directory's path is too long"));
	if ((*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return (err_sys(e, errno, "%s", path));
	if (fcntl(*fd, F_OFD_SETLK, &fl) == 0)
		return (0);
	(void)close(*fd);
	*fd = -1;
	return (err_set(e, EBUSY, "zone '%s' has a supervisor already", name));
}

static void
id_path(const struct zone_env *env, int id, char out[PATH_MAX])
{
	char leaf[32];

	(void)snprintf(leaf, sizeof(leaf), ".id.%d", id);
	(void)zone_run_path(env, leaf, "", out);
}

/* A link that a zone of the same name left behind (its supervisor was killed) is nobody's. */
static bool
take_id(const struct zone_env *env, const char *name, int id)
{
	char path[PATH_MAX], holder[ZONE_NAME_MAX + 1];
	ssize_t n;

	id_path(env, id, path);
	if (symlink(name, path) == 0)
		return (true);
	n = readlink(path, holder, ZONE_NAME_MAX);
	holder[n > 0 ? n : 0] = '\0';
	if (n <= 0 || (strcmp(holder, name) != 0 && zone_lock_is_held(env, holder)))
		return (false);
	return (unlink(path) == 0 && symlink(name, path) == 0);
}

int
zone_id_take(const struct zone_env *env, const char *name, int *id, struct err *e)
{
	char path[PATH_MAX], text[16], *old = NULL;
	int lock, last = 0, rc = -ENOSPC;

	(void)zone_run_path(env, ".lastid", ".lock", path);
	if ((lock = file_lock(path, false, false, e)) < 0)
		return (lock);
	(void)zone_run_path(env, ".lastid", "", path);
	if (file_read(path, 32, &old, NULL, NULL) == 0)
		last = (int)(strtoul(old, NULL, 10) % ZONE_ID_MAX);
	free(old);
	for (int i = 0; i < ZONE_ID_MAX && rc != 0; i++) {
		last = last % ZONE_ID_MAX + 1;
		if (take_id(env, name, last))
			rc = 0;
	}
	if (rc == 0) {
		(void)snprintf(text, sizeof(text), "%d\n", last);
		rc = file_replace(path, text, strlen(text), 0600, e);
		*id = last;
	} else {
		rc = err_set(e, ENOSPC, "all zone ids are taken");
	}
	file_unlock(lock);
	return (rc);
}

void
zone_id_release(const struct zone_env *env, int id)
{
	char path[PATH_MAX];

	id_path(env, id, path);
	(void)unlink(path);
}

/* --- listing --- */

static int
by_name(const void *a, const void *b)
{
	return (strcmp(((const struct zone_info *)a)->name, ((const struct zone_info *)b)->name));
}

const struct zone_info *
zone_list_find(const struct zone_list *l, const char *name)
{
	struct zone_info key;

	if (strlen(name) > ZONE_NAME_MAX)
		return (NULL);
	memcpy(key.name, name, strlen(name) + 1);
	return (l->n != 0 ? bsearch(&key, l->zones, l->n, sizeof(key), by_name) : NULL);
}

/* Lay a live zone's state over what the index says. */
static void
add_run_state(const struct zone_env *env, struct zone_info *zi)
{
	struct zone_run r;
	bool supervised;

	if (zone_run_read(env, zi->name, &r) != 0)
		return;
	supervised = zone_lock_is_held(env, zi->name);
	if (supervised)
		zi->zoned_pid = r.zoned;
	if (r.state < ZONE_READY || (!supervised && !zone_init_alive(&r)))
		return;
	zi->state = r.state;
	zi->id = r.id;
	zi->init_pid = r.init;
}

static void
add_run_states(const struct zone_env *env, struct zone_list *l)
{
	char dir[PATH_MAX], name[ZONE_NAME_MAX + 1];
	const struct zone_info *zi;
	struct dirent *de;
	DIR *d;

	(void)zone_run_path(env, "", "", dir);
	if ((d = opendir(dir)) == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		size_t n = strlen(de->d_name);

		if (n <= 6 || n - 6 > ZONE_NAME_MAX || strcmp(de->d_name + n - 6, ".state") != 0)
			continue;
		memcpy(name, de->d_name, n - 6);
		name[n - 6] = '\0';
		if ((zi = zone_list_find(l, name)) != NULL)
			add_run_state(env, &l->zones[zi - l->zones]);
	}
	(void)closedir(d);
}

int
zone_list_all(const struct zone_env *env, struct zone_list *out, struct err *e)
{
	struct zone_index ix;
	int rc = zone_index_read(env, &ix, e);

	if (rc != 0)
		return (rc);
	*out = (struct zone_list){ix.zones, ix.n};
	free(ix.comments);
	if (out->n != 0)
		qsort(out->zones, out->n, sizeof(out->zones[0]), by_name);
	add_run_states(env, out);
	return (0);
}

void
zone_list_free(struct zone_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->zones[i].zonepath);
	free(l->zones);
	*l = (struct zone_list){NULL, 0};
}

int
zone_info_get(const struct zone_env *env, const char *name, struct zone_info *out, struct err *e)
{
	struct zone_index ix;
	struct zone_info *zi;
	int rc = zone_index_read(env, &ix, e);

	if (rc != 0)
		return (rc);
	if ((zi = zone_index_find(&ix, name)) == NULL) {
		rc = err_set(e, ENOENT, "No such zone configured");
	} else {
		*out = *zi;
		zi->zonepath = NULL;
		add_run_state(env, out);
	}
	zone_index_free(&ix);
	return (rc);
}

int
zone_name_by_uuid(const struct zone_env *env, const char *uuid, char name[ZONE_NAME_MAX + 1],
    struct err *e)
{
	struct zone_index ix;
	int rc = zone_index_read(env, &ix, e);

	if (rc != 0)
		return (rc);
	rc = -ENOENT;
	for (size_t i = 0; i < ix.n && rc != 0; i++) {
		if (strcasecmp(ix.zones[i].uuid, uuid) == 0) {
			memcpy(name, ix.zones[i].name, ZONE_NAME_MAX + 1);
			rc = 0;
		}
	}
	zone_index_free(&ix);
	return (rc == 0 ? 0 : err_set(e, ENOENT, "%s: no zone has this uuid", uuid));
}

/* --- who is in which --- */

/* "0::/zones/NAME.zone/ns/..." -> NAME. */
static bool
name_from_cgroup(const char *text, char name[ZONE_NAME_MAX + 1])
{
	const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	const char *p, *end, *nl;

	if (line == NULL)
		return (false);
	nl = strchr(line + 1, '\n');
	if ((p = strstr(line, "/zones/")) == NULL || (nl != NULL && p > nl))
		return (false);
	p += strlen("/zones/");
	end = strstr(p, ".zone");
	while (end != NULL && end[5] != '/' && end[5] != '\n' && end[5] != '\0')
		end = strstr(end + 1, ".zone");
	if (end == NULL || (nl != NULL && end > nl) || end - p > ZONE_NAME_MAX || end == p ||
	    memchr(p, '/', (size_t)(end - p)) != NULL)
		return (false);
	memcpy(name, p, (size_t)(end - p));
	name[end - p] = '\0';
	return (true);
}

int
zone_of_pid(const struct zone_env *env, pid_t pid, char name[ZONE_NAME_MAX + 1])
{
	char path[32], buf[4096];
	ssize_t n;
	int fd;

	(void)env;
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (-ESRCH);
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (n < 0)
		return (-ESRCH);
	buf[n] = '\0';
	if (!name_from_cgroup(buf, name))
		memcpy(name, "global", sizeof("global"));
	return (0);
}

void
zone_of_self(char name[ZONE_NAME_MAX + 1])
{
	char *text;

	memcpy(name, "global", sizeof("global"));
	/* The supervisor mounts this file, read-only, over the zone's own /dev. */
	if (file_read("/dev/zone/name", 128, &text, NULL, NULL) != 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (zone_name_check(text, NULL) == 0)
		memcpy(name, text, strlen(text) + 1);
	free(text);
}
