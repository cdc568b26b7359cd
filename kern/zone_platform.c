/* SPDX-License-Identifier: MIT */
/*
 * Building a zone's platform: who does what, in which order, with whose credentials.
 *
 *	supervisor		builder (fork)		   init (clone3, child of the supervisor)
 *	----------		--------------		   ----
 *	fork builder ---------> own mount namespace
 *				clone3 user,pid,ipc, ----> waits
 *				  uts,net; into cgroup
 *				write uid_map, gid_map
 *				root tree, id-mapped
 *				"go" --------------------> root of the user namespace; own cgroup
 *							   namespace; host name; lo up
 *				<------------------------- "done"
 *				setns pid,ipc,net,
 *				  uts,cgroup of init
 *				fork inner:
 *				  proc sys dev ... masks
 *				  pivot_root
 *				root descriptor ---------> chroot to it, own mount namespace: a
 *				exit			   locked copy; "ready"
 *	<------------------------------------------------- (state ready: net hooks run now)
 *	"start", bootargs or a
 *	  program's descriptors -------------------------> console, privileges, seccomp, exec
 *	<------------------------------------------------- end of file, or why exec failed
 *
 * Why the real root builds the tree although the zone's root could: mounts copied from a mount
 * namespace of a more privileged user namespace are locked by the kernel.  Masks stay, read-only stays.
 *
 * Until its exec init is a copy of the supervisor: it is not dumpable and its memory belongs to the
 * initial user namespace, so no process can look into it or trace it; and no process of the zone
 * exists yet.
 */
#include "smartbox/kern/zone_priv.h"
#include "zone_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "newmount.h"
#include "smartbox/core/fdpass.h"
#include "smartbox/core/file.h"
#include "smartbox/core/spawn.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* M_START's number: text are boot arguments; descriptors of a program follow, then M_GO. */
enum { START_ARGS = 1, START_PROGRAM = 2 };

/* What the children tell and are told. */
struct msg {
	enum { M_GO, M_DONE, M_ROOT, M_DEVPTS, M_READY, M_START, M_ERROR, M_PID, M_FD } kind;
	int rc;
	char text[1024];
};

static int
msg_send(int s, int kind, int rc, const char *text, int fd)
{
	struct msg m = {.kind = kind, .rc = rc};

	(void)snprintf(m.text, sizeof(m.text), "%s", text != NULL ? text : "");
	return (fd_send(s, &m, sizeof(m), &fd, fd >= 0, 0) == (ssize_t)sizeof(m) ? 0 : -EPIPE);
}

/* 0, or -EPIPE when the other side is gone.  *fd is -1 when none came. */
static int
msg_recv(int s, struct msg *m, int *fd)
{
	int none;

	if (fd_recv(s, m, sizeof(*m), fd != NULL ? fd : &none, fd != NULL, 0) != (ssize_t)sizeof(*m))
		return (-EPIPE);
	m->text[sizeof(m->text) - 1] = '\0';
	return (0);
}

/* Wait for one kind; an error message of the other side becomes ours. */
static int
msg_expect(int s, int kind, struct msg *m, int *fd, struct err *e)
{
	int rc = msg_recv(s, m, fd);

	if (rc != 0)
		return (err_set(e, EIO, "a process of the zone's platform died"));
	if ((int)m->kind == kind)
		return (0);
	if (m->kind == M_ERROR)
		return (err_set(e, -m->rc, "%s", m->text));
	return (err_set(e, EPROTO, "unexpected message"));
}

/* In a child: tell the supervisor and die. */
static _Noreturn void
give_up(int up, int rc, const struct err *e)
{
	(void)msg_send(up, M_ERROR, rc, e->msg, -1);
	_exit(1);
}

/* --- init --- */

static int
loopback_up(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	struct ifreq r = {.ifr_flags = IFF_UP | IFF_RUNNING};

	if (s < 0)
		return (-errno);
	memcpy(r.ifr_name, "lo", 3);
	if (ioctl(s, SIOCSIFFLAGS, &r) != 0)
		rc = -errno;
	(void)close(s);
	return (rc);
}

static int
become_zone_root(const struct zone_platform *p, struct err *e)
{
	const char *host = zonecfg_attr(p->cfg, "hostname");
	int rc;

	if (host == NULL)
		host = zonecfg_name(p->cfg);
	if (setresgid(0, 0, 0) != 0 || syscall(SYS_setgroups, 0, NULL) != 0 ||
	    setresuid(0, 0, 0) != 0)
		return (err_sys(e, errno, "cannot become the zone's root"));
	/* The change of ids made us dumpable by nobody; keep it so until the exec. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (unshare(CLONE_NEWCGROUP) != 0)
		return (err_sys(e, errno, "cgroup namespace"));
	if (sethostname(host, strlen(host)) != 0 || setdomainname("(none)", 6) != 0)
		return (err_sys(e, errno, "host name"));
	if ((rc = loopback_up()) != 0)
		return (err_rc(e, rc, "loopback"));
	return (0);
}

static int
adopt_root(int root, struct err *e)
{
	if (fchdir(root) != 0 || chroot(".") != 0)
		return (err_sys(e, errno, "zone root"));
	(void)close(root);
	if (unshare(CLONE_NEWNS) != 0)
		return (err_sys(e, errno, "mount namespace"));
	return (chdir("/") == 0 ? 0 : err_sys(e, errno, "zone root"));
}

static int
take_console(int console)
{
	if (setsid() < 0 && errno != EPERM)
		return (-errno);
	(void)ioctl(console, TIOCSCTTY, 0);
	for (int i = 0; i < 3; i++)
		if (dup2(console, i) < 0)
			return (-errno);
	return (0);
}

enum { INIT_ARGS = 32 };

struct init_args {
	char text[1024];
	char *argv[INIT_ARGS + 1];
	int argc;
	bool chosen; /* -i or a property named it */
};

/*
 * zoneadm's boot options: -i INIT names the first process, -s asks for single user mode, -m is for
 * illumos's service manager and dropped; any other word is handed on.
 */
static void
parse_bootargs(const struct zonecfg *cfg, const char *bootargs, struct init_args *a)
{
	const char *init = zonecfg_attr(cfg, "init-name");
	char *save = NULL, *w;

	memset(a, 0, sizeof(*a));
	a->chosen = init != NULL;
	a->argv[a->argc++] = (char *)(uintptr_t)(init != NULL ? init : "/sbin/init");
	(void)snprintf(a->text, sizeof(a->text), "%s", bootargs != NULL ? bootargs : "");
	for (w = strtok_r(a->text, " \t", &save); w != NULL && a->argc < INIT_ARGS;
	     w = strtok_r(NULL, " \t", &save)) {
		bool takes_value = strcmp(w, "-i") == 0 || strcmp(w, "-m") == 0;
		char *value = takes_value ? strtok_r(NULL, " \t", &save) : NULL;

		if (strcmp(w, "-i") == 0 && value != NULL) {
			a->argv[0] = value;
			a->chosen = true;
		} else if (!takes_value) {
			a->argv[a->argc++] = strcmp(w, "-s") == 0 ? (char *)(uintptr_t) "single" : w;
		}
	}
}

static char *const init_env[] = {(char *)(uintptr_t) "PATH=" ZONE_PATH,
    (char *)(uintptr_t) "TERM=xterm", (char *)(uintptr_t) "HOME=/",
    (char *)(uintptr_t) "container=smartbox", NULL};

enum { PROGRAM_ARGS = 256, PROGRAM_TEXT = 65536 };

/* "vmx\0run\0..." as an argument vector; the text stays where it is. */
static int
read_args(int fd, char *argv[PROGRAM_ARGS + 1])
{
	static char text[PROGRAM_TEXT];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int argc = 0;

	for (ssize_t at = 0; at < n && argc < PROGRAM_ARGS; at += (ssize_t)strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	return (argc > 0 ? 0 : -EINVAL);
}

/* All of them came above the places they go to, or are in order. */
static int
place_fds(const struct zone_program *g)
{
	for (unsigned i = 0; i < g->nfds; i++)
		if (dup2(g->fds[i], ZONE_PROGRAM_FD0 + (int)i) < 0)
			return (-errno);
	return (0);
}

/* Descriptors are moved up first: none of them may lie in a place that another one takes. */
static int
receive_program(int up, struct zone_program *g)
{
	struct msg m;
	int fd;

	*g = (struct zone_program){.exe_fd = -1, .argv_fd = -1};
	for (unsigned i = 0;; i++) {
		int high;

		if (msg_recv(up, &m, &fd) != 0 || (int)m.kind == M_ERROR)
			return (-EPIPE);
		if ((int)m.kind == M_GO)
			return (i >= 2 ? 0 : -EPROTO);
		high = fcntl(fd, F_DUPFD_CLOEXEC, ZONE_PROGRAM_FD0 + ZONE_PROGRAM_FDS);
		(void)close(fd);
		if (high < 0 || i >= ZONE_PROGRAM_FDS + 2)
			return (-EMFILE);
		if (i == 0)
			g->exe_fd = high;
		else if (i == 1)
			g->argv_fd = high;
		else
			g->fds[g->nfds++] = high;
	}
}

static _Noreturn void
run_program(const struct zone_platform *p, int up)
{
	struct rlimit core = {0, RLIM_INFINITY};
	char *argv[PROGRAM_ARGS + 1];
	struct zone_program g;
	struct err e = ERR_INIT;
	int rc;

	spawn_reset_signals();
	(void)umask(022);
	(void)setrlimit(RLIMIT_CORE, &core);
	if ((rc = receive_program(up, &g)) != 0 || (rc = read_args(g.argv_fd, argv)) != 0 ||
	    (rc = take_console(p->console)) != 0 || (rc = zone_priv_drop(p->caps, false)) != 0)
		give_up(up, rc, (err_rc(&e, rc, "the zone's program"), &e));
	(void)syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
	if ((rc = place_fds(&g)) != 0)
		give_up(up, rc, (err_rc(&e, rc, "the zone's program"), &e));
	(void)syscall(SYS_execveat, g.exe_fd, "", argv, init_env, AT_EMPTY_PATH);
	give_up(up, -errno, (err_sys(&e, errno, "cannot execute %s", argv[0]), &e));
}

static _Noreturn void
run_init(const struct zone_platform *p, int up, const char *bootargs)
{
	struct rlimit core = {0, RLIM_INFINITY};
	struct init_args a;
	struct err e = ERR_INIT;
	int rc;

	parse_bootargs(p->cfg, bootargs, &a);
	spawn_reset_signals();
	(void)umask(022);
	(void)setrlimit(RLIMIT_CORE, &core);
	if ((rc = take_console(p->console)) != 0)
		give_up(up, rc, (err_rc(&e, rc, "console"), &e));
	if (!a.chosen && access(a.argv[0], X_OK) != 0) {
		/* No init in this root: be it.  There is no exec that could close the socket. */
		if ((rc = zone_priv_drop(p->caps, false)) != 0)
			give_up(up, rc, (err_rc(&e, rc, "privileges"), &e));
		(void)syscall(SYS_close_range, 3u, ~0u, 0u);
		zone_init_main(bootargs);
	}
	if ((rc = zone_priv_drop(p->caps, false)) != 0)
		give_up(up, rc, (err_rc(&e, rc, "privileges"), &e));
	(void)syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
	(void)execve(a.argv[0], a.argv, init_env);
	give_up(up, -errno, (err_sys(&e, errno, "cannot execute %s", a.argv[0]), &e));
}

static _Noreturn void
init_main(const struct zone_platform *p, int builder, int up)
{
	struct err e = ERR_INIT;
	struct msg m;
	int root, rc;

	if (msg_recv(builder, &m, NULL) != 0)
		_exit(1);
	if ((rc = become_zone_root(p, &e)) != 0)
		give_up(up, rc, &e);
	if (msg_send(builder, M_DONE, 0, NULL, -1) != 0 || msg_recv(builder, &m, &root) != 0 ||
	    root < 0)
		_exit(1); /* the builder has told why */
	(void)close(builder);
	if ((rc = adopt_root(root, &e)) != 0)
		give_up(up, rc, &e);
	if (msg_send(up, M_READY, 0, NULL, -1) != 0 || msg_recv(up, &m, NULL) != 0)
		_exit(0); /* halted before it was booted */
	if ((m.rc & START_PROGRAM) != 0)
		run_program(p, up);
	run_init(p, up, (m.rc & START_ARGS) != 0 ? m.text : NULL);
}

/* --- the builder --- */

static int
write_map(pid_t pid, const char *file, uint32_t base, struct err *e)
{
	char path[64], text[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	(void)snprintf(text, sizeof(text), "0 %u %u\n", base, ZONE_IDS);
	return (file_poke(path, text, e));
}

static int
map_root(const struct zone_platform *p, pid_t init, int *root, struct err *e)
{
	char path[64];
	bool idmap;
	int ns, rc;

	if ((*root = zone_root_open(p, &idmap, e)) < 0)
		return (*root);
	if (!idmap)
		return (0);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)init);
	if ((ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "%s", path));
	rc = mnt_attr(*root, 0, ns);
	(void)close(ns);
	if (rc != 0)
		return (err_set(e, -rc, "the zone root's file system has no id-mapped mounts on this "
		    "kernel; mount it with the zone's ids (base %u)", p->id_base));
	return (0);
}

static int
attach_root(const struct zone_platform *p, int root, struct err *e)
{
	char path[PATH_MAX];
	int at, rc;

	(void)snprintf(path, sizeof(path), "%s/root", zonecfg_get(p->cfg, "zonepath"));
	at = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = at >= 0 ? mnt_attach(root, at) : -errno;
	if (at >= 0)
		(void)close(at);
	return (rc == 0 ? 0 : err_rc(e, rc, "%s", path));
}

/* In the zone's namespaces, with the real root's credentials. */
static _Noreturn void
inner_main(const struct zone_platform *p, int root, int to_init, int up)
{
	struct err e = ERR_INIT;
	int devpts = -1, rc;

	if ((rc = attach_root(p, root, &e)) != 0 ||
	    (rc = zone_root_build(p, root, &devpts, &e)) != 0 || (rc = zone_root_enter(root, &e)) != 0)
		give_up(up, rc, &e);
	(void)msg_send(up, M_DEVPTS, 0, NULL, devpts);
	_exit(msg_send(to_init, M_ROOT, 0, NULL, root) == 0 ? 0 : 1);
}

static pid_t
clone_init(const struct zone_platform *p)
{
	struct clone_args a = {
	    .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
		CLONE_PARENT | CLONE_INTO_CGROUP,
	    .cgroup = (uint64_t)p->cg->ns,
	};

	return ((pid_t)syscall(SYS_clone3, &a, sizeof(a)));
}

static int
enter_namespaces(pid_t init)
{
	int pfd = (int)syscall(SYS_pidfd_open, init, 0), rc = 0;

	if (pfd < 0)
		return (-errno);
	if (setns(pfd, CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS |
		    CLONE_NEWCGROUP) != 0)
		rc = -errno;
	(void)close(pfd);
	return (rc);
}

/* From here on init exists; its death ends the boot. */
static int
build_around(const struct zone_platform *p, pid_t init, int to_init, int up, struct err *e)
{
	int root = -1, rc, status;
	struct msg m;
	pid_t pid;

	if ((rc = write_map(init, "uid_map", p->id_base, e)) != 0 ||
	    (rc = write_map(init, "gid_map", p->id_base, e)) != 0 ||
	    (rc = map_root(p, init, &root, e)) != 0)
		return (rc);
	if (msg_send(to_init, M_GO, 0, NULL, -1) != 0 || msg_recv(to_init, &m, NULL) != 0)
		_exit(1); /* init has told why */
	if ((rc = enter_namespaces(init)) != 0)
		return (err_rc(e, rc, "cannot enter the zone's namespaces"));
	if ((pid = fork()) == 0)
		inner_main(p, root, to_init, up);
	if (pid < 0)
		return (err_sys(e, errno, "fork"));
	(void)waitpid(pid, &status, 0);
	_exit(0);
}

static _Noreturn void
builder_main(const struct zone_platform *p, int up)
{
	struct err e = ERR_INIT;
	int s[2], rc;
	pid_t init;
	char pid[16];

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		give_up(up, -errno, (err_sys(&e, errno, "mount namespace"), &e));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) != 0)
		give_up(up, -errno, (err_sys(&e, errno, "socketpair"), &e));
	if ((init = clone_init(p)) == 0) {
		(void)close(s[0]);
		init_main(p, s[1], up);
	}
	if (init < 0)
		give_up(up, -errno, (err_sys(&e, errno, "cannot make the zone's namespaces"), &e));
	(void)close(s[1]);
	(void)snprintf(pid, sizeof(pid), "%d", (int)init);
	if (msg_send(up, M_PID, 0, pid, -1) != 0)
		_exit(1);
	rc = build_around(p, init, s[0], up, &e);
	give_up(up, rc, &e);
}

/* --- the supervisor's side --- */

static int
await_ready(struct zone_platform *p, int s, struct err *e)
{
	struct msg m;
	int rc, fd;

	if ((rc = msg_expect(s, M_PID, &m, NULL, e)) != 0)
		return (rc);
	p->init = (pid_t)strtol(m.text, NULL, 10);
	if ((p->init_pidfd = (int)syscall(SYS_pidfd_open, p->init, 0)) < 0)
		return (err_sys(e, errno, "pidfd"));
	if ((rc = msg_expect(s, M_DEVPTS, &m, &fd, e)) != 0)
		return (rc);
	p->devpts = fd;
	return (msg_expect(s, M_READY, &m, NULL, e));
}

int
zone_platform_build(struct zone_platform *p, struct err *e)
{
	int s[2], rc, status;
	pid_t builder;

	p->init = 0;
	p->init_pidfd = p->devpts = p->ctl = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) != 0)
		return (err_sys(e, errno, "socketpair"));
	if ((builder = fork()) == 0) {
		(void)close(s[0]);
		builder_main(p, s[1]);
	}
	(void)close(s[1]);
	if (builder < 0) {
		rc = err_sys(e, errno, "fork");
	} else {
		rc = await_ready(p, s[0], e);
		(void)waitpid(builder, &status, 0);
	}
	p->ctl = s[0];
	if (rc != 0) {
		if (p->init > 0)
			(void)kill(p->init, SIGKILL);
		zone_platform_close(p);
	}
	return (rc);
}

static int
send_program(int ctl, const struct zone_program *g)
{
	int rc;

	if ((rc = msg_send(ctl, M_FD, 0, NULL, g->exe_fd)) != 0 ||
	    (rc = msg_send(ctl, M_FD, 0, NULL, g->argv_fd)) != 0)
		return (rc);
	for (unsigned i = 0; i < g->nfds && rc == 0; i++)
		rc = msg_send(ctl, M_FD, 0, NULL, g->fds[i]);
	return (rc == 0 ? msg_send(ctl, M_GO, 0, NULL, -1) : rc);
}

int
zone_platform_start(struct zone_platform *p, const char *bootargs,
    const struct zone_program *program, struct err *e)
{
	int rc, what = (bootargs != NULL ? START_ARGS : 0) | (program != NULL ? START_PROGRAM : 0);
	struct msg m;

	if (msg_send(p->ctl, M_START, what, bootargs, -1) != 0 ||
	    (program != NULL && send_program(p->ctl, program) != 0))
		return (err_set(e, EIO, "the zone's first process died"));
	rc = msg_recv(p->ctl, &m, NULL);
	(void)close(p->ctl);
	p->ctl = -1;
	if (rc != 0)
		return (0); /* closed by the exec */
	return (err_set(e, -m.rc, "%s", m.text));
}

void
zone_platform_close(struct zone_platform *p)
{
	int *fds[] = {&p->init_pidfd, &p->devpts, &p->ctl};

	for (size_t i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}
