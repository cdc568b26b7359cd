/* SPDX-License-Identifier: MIT */
/*
 * zfs project: the project that files belong to, listed, checked, set, cleared.
 *
 * It works on mounted files by ioctl, one file at a time, and needs no poold: any Linux filesystem with
 * projects will do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "zfs_impl.h"

enum what { LIST, CHECK, CLEAR, SET };

struct job {
	enum what what;
	bool has_id, dir_only, recursive, keep_id, set_flag;
	char end; /* of a line of CHECK that is only the name; 0 with -0, and then no reasons */
	uint32_t id;
};

static int
complain(const char *what, const char *path)
{
	return (applet_fail_bare(NULL, "failed to %s %s: %s", what, path, strerror(errno)));
}

static void
print_check(const struct job *j, const char *path, const struct fsxattr *x)
{
	bool inherits = (x->fsx_xflags & FS_XFLAG_PROJINHERIT) != 0;

	if (x->fsx_projid == j->id && inherits)
		return;
	if (j->end == '\0') {
		(void)printf("%s%c", path, '\0');
		return;
	}
	if (x->fsx_projid != j->id)
		(void)printf("%s - project ID is not set properly (%" PRIu32 "/%" PRIu32 ")\n", path,
		    (uint32_t)x->fsx_projid, j->id);
	if (!inherits)
		(void)printf("%s - project inherit flag is not set\n", path);
}

/* What x should become; false: it is so already. */
static bool
changed(const struct job *j, struct fsxattr *x)
{
	struct fsxattr old = *x;

	if (j->what == CLEAR) {
		x->fsx_xflags &= ~(uint32_t)FS_XFLAG_PROJINHERIT;
		x->fsx_projid = j->keep_id ? x->fsx_projid : 0;
	} else {
		x->fsx_xflags |= j->set_flag ? FS_XFLAG_PROJINHERIT : 0;
		x->fsx_projid = j->id;
	}
	return (x->fsx_projid != old.fsx_projid || x->fsx_xflags != old.fsx_xflags);
}

static int
handle_open(const struct job *j, const char *path, int fd)
{
	struct fsxattr x;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) != 0)
		return (complain("get xattr for", path));
	if (j->what == LIST)
		(void)printf("%5" PRIu32 " %c %s\n", (uint32_t)x.fsx_projid,
		    x.fsx_xflags & FS_XFLAG_PROJINHERIT ? 'P' : '-', path);
	else if (j->what == CHECK)
		print_check(j, path, &x);
	else if (changed(j, &x) && ioctl(fd, FS_IOC_FSSETXATTR, &x) != 0)
		return (complain("set xattr for", path));
	return (0);
}

static int
handle_one(const struct job *j, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), status;

	if (fd < 0)
		return (complain("open", path));
	status = handle_open(j, path, fd);
	(void)close(fd);
	return (status);
}

static int handle_dir(const struct job *j, const char *path);

/* Only files and directories belong to projects. */
static int
handle_entry(const struct job *j, const char *dir, const char *name)
{
	char *path = NULL;
	struct stat st;
	int status = 0;

	must(asprintf(&path, "%s/%s", dir, name) < 0 ? -ENOMEM : 0);
	if (lstat(path, &st) != 0)
		status = errno == ENOENT ? 0 : complain("stat", path);
	else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		status = handle_one(j, path);
	else
		st.st_mode = 0;
	if (status == 0 && j->recursive && S_ISDIR(st.st_mode))
		status = handle_dir(j, path);
	free(path);
	return (status);
}

static int
handle_dir(const struct job *j, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	int status = 0;

	if (d == NULL)
		return (complain("opendir", path));
	while (status == 0 && (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			status = handle_entry(j, path, de->d_name);
	(void)closedir(d);
	return (status);
}

/* Without -p a tree is compared with the directory that it hangs on. */
static int
take_id(struct job *j, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct fsxattr x;

	if (fd < 0)
		return (complain("open", path));
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) != 0) {
		(void)close(fd);
		return (complain("get xattr for", path));
	}
	(void)close(fd);
	j->id = x.fsx_projid;
	return (0);
}

static int
handle(const struct job *job, const char *path)
{
	struct job j = *job;
	struct stat st;
	int status;

	if (stat(path, &st) != 0)
		return (complain("stat", path));
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return (applet_fail_bare(NULL, "only support project quota on regular file or directory"));
	if (!S_ISDIR(st.st_mode) && (j.dir_only || j.recursive))
		return (applet_fail_bare(NULL, "only support -d/-r on directory, not on '%s'", path));
	if (!j.has_id && (j.what == SET || j.what == CHECK) && (status = take_id(&j, path)) != 0)
		return (status);
	if ((status = handle_one(&j, path)) != 0 || !S_ISDIR(st.st_mode) || j.dir_only ||
	    (!j.recursive && j.what != LIST && j.what != CHECK))
		return (status);
	return (handle_dir(&j, path));
}

static int
choose(struct job *j, bool *chosen, enum what what)
{
	if (*chosen)
		return (applet_usage("cannot specify '-C' '-c' '-s' together"));
	*chosen = true;
	j->what = what;
	return (0);
}

static int
read_options(int argc, char **argv, struct job *j)
{
	bool chosen = false;
	uint64_t id;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "0Ccdkp:rs")) != -1) {
		switch (c) {
		case '0': j->end = '\0'; break;
		case 'C': status = choose(j, &chosen, CLEAR); break;
		case 'c': status = choose(j, &chosen, CHECK); break;
		case 's': status = choose(j, &chosen, SET); j->set_flag = true; break;
		case 'd': j->dir_only = true; j->recursive = false; break;
		case 'r': j->recursive = true; j->dir_only = false; break;
		case 'k': j->keep_id = true; break;
		case 'p':
			if (units_parse_u64(optarg, 0, UINT32_MAX - 1, &id, NULL) != 0)
				return (applet_usage("invalid project ID"));
			j->has_id = true;
			j->id = (uint32_t)id;
			break;
		default: return (2);
		}
	}
	if (status == 0 && !chosen && j->has_id)
		j->what = SET;
	return (status);
}

static int
check_options(const struct job *j)
{
	if (j->what == LIST && (j->keep_id || j->end == '\0'))
		return (applet_usage("'%s' cannot be used when listing", j->keep_id ? "-k" : "-0"));
	if (j->what == CHECK && j->keep_id)
		return (applet_usage("'-k' cannot be used with '-c'"));
	if (j->what == CLEAR && (j->dir_only || j->has_id || j->end == '\0'))
		return (applet_usage("'-d', '-p' and '-0' cannot be used with '-C'"));
	if (j->what == SET && (j->dir_only || j->keep_id || j->end == '\0'))
		return (applet_usage("'-d', '-k' and '-0' cannot be used when setting"));
	return (0);
}

int
zfs_project(int argc, char **argv)
{
	struct job j = {.end = '\n'};
	int status = read_options(argc, argv, &j);

	if (status == 0)
		status = check_options(&j);
	if (status == 0 && optind == argc)
		status = applet_usage("missing file or directory target(s)");
	for (int i = optind; status == 0 && i < argc; i++)
		status = handle(&j, argv[i]);
	return (status);
}
