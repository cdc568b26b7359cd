/* SPDX-License-Identifier: MIT */
/*
 * A process from outside into a running zone.
 *
 *	supervisor --clone3 into the zone's "login" cgroup--> A --setns(all at once)-->
 *		A --clone3(CLONE_PARENT)--> B: a child of the supervisor, inside
 *
 * A tells B's pid and ends.  B has no descriptor but its standard three, no memory that the zone may
 * look into (it is not dumpable and belongs to the initial user namespace until its exec), the same
 * capabilities, filter and cgroup as everything else in the zone, and resolves its first path when it
 * is already inside.  /proc/self/exe is the supervisor's sealed copy (zoned_seal.c): a zone that makes
 * its shell a "#!/proc/self/exe" executes bytes that nobody can change.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/spawn.h"
#include "smartbox/core/units.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/kern/zone_priv.h"
#include "zone_platform.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

enum { FIELDS = 7, PASSWD_MAX = 4 << 20, GROUPS = 64 };

/* The user as the zone's own /etc/passwd says. */
struct user {
	char name[64], home[256], shell[256];
	uint32_t uid, gid;
	uint32_t groups[GROUPS];
	int ngroups;
};

static int
split(char *line, char *f[FIELDS])
{
	int n = 0;

	for (char *p = line; p != NULL && n < FIELDS; n++) {
		f[n] = p;
		if ((p = strchr(p, ':')) != NULL)
			*p++ = '\0';
	}
	return (n);
}

static bool
parse_passwd_line(char *line, const char *name, struct user *u)
{
	uint64_t uid, gid;
	char *f[FIELDS];

	if (split(line, f) < FIELDS || strcmp(f[0], name) != 0 ||
	    units_parse_u64(f[2], 0, ZONE_IDS - 1, &uid, NULL) != 0 ||
	    units_parse_u64(f[3], 0, ZONE_IDS - 1, &gid, NULL) != 0)
		return (false);
	u->uid = (uint32_t)uid;
	u->gid = (uint32_t)gid;
	(void)snprintf(u->home, sizeof(u->home), "%s", *f[5] != '\0' ? f[5] : "/");
	(void)snprintf(u->shell, sizeof(u->shell), "%s", *f[6] != '\0' ? f[6] : "/bin/sh");
	return (true);
}

/* Is `name` one of the comma separated members? */
static bool
is_member(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p != '\0'; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
		if (strcspn(p, ",") == n && memcmp(p, name, n) == 0)
			return (true);
	return (false);
}

static void
read_groups(struct user *u)
{
	char *text, *save = NULL, *f[FIELDS];
	uint64_t gid;

	u->groups[u->ngroups++] = u->gid;
	if (file_read("/etc/group", PASSWD_MAX, &text, NULL, NULL) != 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l != NULL && u->ngroups < GROUPS;
	     l = strtok_r(NULL, "\n", &save))
		if (split(l, f) == 4 && is_member(f[3], u->name) &&
		    units_parse_u64(f[2], 0, ZONE_IDS - 1, &gid, NULL) == 0)
			u->groups[u->ngroups++] = (uint32_t)gid;
	free(text);
}

/* Inside the zone.  A zone without /etc/passwd still has root. */
static int
find_user(const char *name, bool safe, struct user *u)
{
	char *text, *save = NULL;
	bool found = false;

	memset(u, 0, sizeof(*u));
	(void)snprintf(u->name, sizeof(u->name), "%s", name);
	(void)snprintf(u->home, sizeof(u->home), "/");
	(void)snprintf(u->shell, sizeof(u->shell), "/bin/sh");
	if (safe)
		return (0);
	if (file_read("/etc/passwd", PASSWD_MAX, &text, NULL, NULL) != 0)
		return (strcmp(name, "root") == 0 ? 0 : -ENOENT);
	for (char *l = strtok_r(text, "\n", &save); l != NULL && !found;
	     l = strtok_r(NULL, "\n", &save))
		found = parse_passwd_line(l, name, u);
	free(text);
	if (!found)
		return (strcmp(name, "root") == 0 ? 0 : -ENOENT);
	read_groups(u);
	return (0);
}

static int
place_stdio(const struct zone_enter *x)
{
	int safe[3];

	for (int i = 0; i < 3; i++)
		if ((safe[i] = fcntl(x->fd[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return (-errno);
	for (int i = 0; i < 3; i++)
		if (dup2(safe[i], i) < 0)
			return (-errno);
	if (setsid() < 0 && errno != EPERM)
		return (-errno);
	if (x->tty && ioctl(0, TIOCSCTTY, 0) != 0)
		return (-errno);
	return (0);
}

/* Nothing of the caller's environment comes along but the terminal's kind. */
static int
make_environment(const struct zone_enter *x, const struct user *u, char *env[8], char text[8][320])
{
	int n = 0;

	(void)snprintf(text[n++], 320, "PATH=" ZONE_PATH);
	(void)snprintf(text[n++], 320, "HOME=%s", u->home);
	(void)snprintf(text[n++], 320, "SHELL=%s", u->shell);
	(void)snprintf(text[n++], 320, "LOGNAME=%s", u->name);
	(void)snprintf(text[n++], 320, "USER=%s", u->name);
	if (x->term != NULL && *x->term != '\0')
		(void)snprintf(text[n++], 320, "TERM=%s", x->term);
	for (int i = 0; i < n; i++)
		env[i] = text[i];
	env[n] = NULL;
	return (n);
}

static int
become_user(const struct zone_enter *x, const struct user *u)
{
	struct rlimit core = {0, RLIM_INFINITY};
	int rc;

	(void)umask(022);
	(void)setrlimit(RLIMIT_CORE, &core);
	if (chdir(u->home) != 0 && chdir("/") != 0)
		return (-errno);
	if ((rc = zone_priv_drop(x->p->caps, (x->flags & ZONE_EXEC_SAFE) != 0)) != 0)
		return (rc);
	if (syscall(SYS_setgroups, u->ngroups, u->groups) != 0 ||
	    setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0)
		return (-errno);
	return (0);
}

static _Noreturn void
complain(const char *what, int rc, int status)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "zlogin: %s: %s\n", what, strerror(-rc));

	(void)!write(2, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
	_exit(status);
}

/* B, until it is the zone's program. */
static _Noreturn void
inside(const struct zone_enter *x)
{
	char text[8][320], *env[8], dash[280];
	const char *slash;
	struct user u;
	int rc;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (setresgid(0, 0, 0) != 0 || syscall(SYS_setgroups, 0, NULL) != 0 ||
	    setresuid(0, 0, 0) != 0)
		_exit(126);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	spawn_reset_signals();
	if ((rc = place_stdio(x)) != 0)
		_exit(126);
	if ((rc = find_user(x->user != NULL ? x->user : "root", x->flags & ZONE_EXEC_SAFE, &u)) != 0)
		complain(x->user, rc, 1);
	if (x->tty)
		(void)fchown(0, u.uid, (gid_t)-1);
	if ((rc = become_user(x, &u)) != 0)
		complain("cannot enter the zone", rc, 126);
	(void)make_environment(x, &u, env, text);
	slash = strrchr(u.shell, '/');
	(void)snprintf(dash, sizeof(dash), "%s%s", x->command == NULL ? "-" : "",
	    slash != NULL ? slash + 1 : u.shell);
	(void)syscall(SYS_close_range, 3u, ~0u, 0u);
	if (x->command != NULL)
		(void)execle(u.shell, dash, "-c", x->command, (char *)NULL, env);
	else
		(void)execle(u.shell, dash, (char *)NULL, env);
	rc = -errno;
	complain(u.shell, rc, rc == -ENOENT ? 127 : 126);
}

/* A: through the door, and tell who came out on the other side. */
static _Noreturn void
door(const struct zone_enter *x, int report)
{
	struct clone_args a = {.flags = CLONE_PARENT};
	pid_t pid;

	if (setns(x->p->init_pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP) != 0)
		pid = -errno;
	else if ((pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a))) == 0)
		inside(x);
	else if (pid < 0)
		pid = -errno;
	(void)!write(report, &pid, sizeof(pid));
	_exit(0);
}

int
zone_enter(const struct zone_enter *x, pid_t *out, struct err *e)
{
	struct clone_args a = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
	    .cgroup = (uint64_t)x->p->cg->login};
	pid_t helper, pid = -EIO;
	int p[2], rc;

	if (pipe2(p, O_CLOEXEC) != 0)
		return (err_sys(e, errno, "pipe"));
	if ((helper = (pid_t)syscall(SYS_clone3, &a, sizeof(a))) == 0)
		door(x, p[1]);
	rc = -errno;
	(void)close(p[1]);
	if (helper < 0) {
		(void)close(p[0]);
		return (err_rc(e, rc, "cannot enter the zone"));
	}
	(void)io_read_full(p[0], &pid, sizeof(pid));
	(void)close(p[0]);
	(void)waitpid(helper, NULL, 0);
	if (pid < 0)
		return (err_rc(e, pid, "cannot enter the zone"));
	*out = pid;
	return (0);
}
