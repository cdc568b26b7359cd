/* SPDX-License-Identifier: MIT */
/*
 * The zone supervisor: one process per zone that is not at rest.
 *
 *	       socket: ready boot halt reboot shutdown exec console
 *	                          |
 *	 zoneadm zlogin vmadm --> zoned --- parent of ---> the zone's init
 *	                          | holds: console terminal, lock, devpts, cgroups, exec sessions
 *	                          | writes: <run>/zone/NAME.state at every transition
 *
 * It starts when somebody asks for a transition or the console, and ends when the zone is installed and
 * nobody holds the console.  It owns nothing that other supervisors or daemons need, so each of them
 * can be restarted alone.
 *
 * When it is killed: the zone goes on running (no parent-death signal: the zone's work matters more
 * than its supervisor).  The state file stays; listings believe it as long as init is that process.  The
 * next supervisor adopts init through a pidfd: it can halt, enter and watch it, but the old console
 * terminal is gone, and the way in which init ends (reboot or halt) is not told to a stranger, so an
 * adopted zone that reboots itself halts.  A zone that was only ready ends with its supervisor.
 *
 * Halting: SIGKILL to all of the zone's cgroup.  Init's exit is reported by the kernel only when every
 * process of its pid namespace has been reaped, ours (exec sessions) too; therefore nothing here ever
 * waits for init synchronously once sessions may exist.
 *
 * Invariants:
 *  1. One supervisor per zone: the lock, held until the process ends.
 *  2. The state file is written before a waiting client is answered.
 *  3. Every boot that got a cgroup, an id or hooks ends in teardown(), on all paths.
 */
#include "smartbox/core/probe.h"
#include "smartbox/kern/zoned.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/kern/zone_priv.h"
#include "newmount.h"
#include "smartbox/core/file.h"
#include "zoned_impl.h"

enum { TEARDOWN_RETRY_MS = 5, TEARDOWN_TRIES = 1000, RTMIN_OF_GLIBC = 34 };

void
zoned_log(struct zoned *z, const char *fmt, ...)
{
	char line[1400];
	va_list ap;

	if (z->hooks->log == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	z->hooks->log(line, z->hooks->ctx);
}

static void
set_state(struct zoned *z, enum zone_state s)
{
	struct err e = ERR_INIT;

	PROBE3(zone, state__change, z->name, zone_state_name(z->run.state), zone_state_name(s));
	z->run.state = s;
	if (zone_run_write(z->env, z->name, &z->run, &e) != 0)
		zoned_log(z, "cannot write the state file: %s", e.msg);
}

/* --- the companion module: which tasks are this zone's --- */

static void
tell_module(struct zoned *z, bool add)
{
	char text[128];

	if (add)
		(void)snprintf(text, sizeof(text), "%d %s %d", z->run.id, z->name, (int)z->run.init);
	else
		(void)snprintf(text, sizeof(text), "-%d", z->run.id);
	(void)file_poke("/proc/smartbox/register", text, NULL); /* optional everywhere */
}

/* --- hooks --- */

static struct zone_hook_args
hook_args(struct zoned *z, int netns)
{
	return ((struct zone_hook_args){z->env, z->cfg, z->run.id, netns, z->run.init,
	    z->run.id_base});
}

static int
netns_of(pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return (open(path, O_RDONLY | O_CLOEXEC));
}

static int
hook_net_up(struct zoned *z, struct err *e)
{
	struct zone_hook_args a = hook_args(z, netns_of(z->run.init));
	int rc = 0;

	if (a.netns < 0)
		return (err_sys(e, errno, "network namespace"));
	if (z->hooks->net_up != NULL)
		rc = z->hooks->net_up(&a, z->hooks->ctx, e);
	(void)close(a.netns);
	return (rc);
}

static void
program_close(struct zone_program *g)
{
	if (g->exe_fd >= 0)
		(void)close(g->exe_fd);
	if (g->argv_fd >= 0)
		(void)close(g->argv_fd);
	for (unsigned i = 0; i < g->nfds; i++)
		(void)close(g->fds[i]);
}

/* Execute what the zone is to run: a program that machine/ brings, or an init of its root. */
static int
start_init(struct zoned *z, const char *bootargs, struct err *e)
{
	struct zone_program g = {.exe_fd = -1, .argv_fd = -1};
	struct zone_hook_args a = hook_args(z, -1);
	int rc = 0;

	if (z->hooks->program != NULL)
		rc = z->hooks->program(&a, bootargs, z->hooks->ctx, &g, e);
	if (rc == 0)
		rc = zone_platform_start(&z->plat, bootargs, g.exe_fd >= 0 ? &g : NULL, e);
	program_close(&g);
	return (rc);
}

/* --- teardown --- */

static void finish_teardown(struct zoned *z, const struct err *why);

static void
retry_teardown(struct loop *l, void *arg)
{
	(void)l;
	finish_teardown(arg, NULL);
}

/*
 * Remove what a boot made, when no process is left.  The cgroup empties a moment after the last process
 * was reaped, so removing it may need another try.
 */
static void
finish_teardown(struct zoned *z, const struct err *why)
{
	static const char halted[] = "Zone halted";
	struct zone_hook_args a = hook_args(z, -1);
	struct err e = ERR_INIT;
	int rc = zone_cgroup_remove(z->env, z->name, &e);

	if (rc == -EBUSY && why == NULL && z->teardown_tries++ < TEARDOWN_TRIES) {
		(void)zone_cgroup_kill(&z->cg);
		if (z->teardown_timer == NULL)
			z->teardown_timer = loop_timer(z->loop, TEARDOWN_RETRY_MS, TEARDOWN_RETRY_MS,
			    retry_teardown, z);
		return;
	}
	if (rc != 0)
		zoned_log(z, "%s", e.msg);
	watch_remove(z->teardown_timer);
	z->teardown_timer = NULL;
	z->teardown_tries = 0;
	zone_cgroup_close(&z->cg);
	if (z->hooked && z->hooks->config_down != NULL)
		z->hooks->config_down(&a, z->hooks->ctx);
	z->hooked = false;
	if (z->run.id > 0)
		zone_id_release(z->env, z->run.id);
	zonecfg_free(z->cfg);
	z->cfg = NULL;
	z->run.id = -1;
	z->run.init = 0;
	z->adopted = false;
	set_state(z, ZONE_INSTALLED);
	if (why != NULL)
		return; /* a boot that failed: its caller answers */
	console_notice(z, z->boot_again ? "Zone rebooting" : halted);
	if (z->boot_again) {
		char args[sizeof(z->bootargs)];

		memcpy(args, z->bootargs, sizeof(args));
		z->boot_again = false;
		rc = zoned_boot(z, z->has_bootargs ? args : NULL, &e);
		if (rc != 0)
			zoned_log(z, "cannot boot again: %s", e.msg);
		zoned_settled(z, rc, e.msg);
	} else {
		zoned_settled(z, 0, "");
	}
	zoned_maybe_exit(z);
}

static void
begin_teardown(struct zoned *z, const struct err *why)
{
	struct zone_hook_args a = hook_args(z, -1);

	watch_remove(z->timer);
	watch_remove(z->init_watch);
	z->timer = z->init_watch = NULL;
	zoned_trace_close(z);
	tell_module(z, false);
	if (z->hooked && z->hooks->net_down != NULL)
		z->hooks->net_down(&a, z->hooks->ctx);
	zone_platform_close(&z->plat);
	finish_teardown(z, why);
}

/* --- the end of init --- */

/* reboot(2) in a pid namespace ends its init by SIGHUP (restart) or SIGINT (halt, power off). */
static bool
asks_for_reboot(int status)
{
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

static void
on_init_exit(struct loop *l, pid_t pid, int status, void *arg)
{
	struct zoned *z = arg;

	(void)l;
	(void)pid;
	if (z->run.state == ZONE_RUNNING && asks_for_reboot(status)) {
		z->boot_again = true;
		z->has_bootargs = false;
	}
	z->init_watch = NULL;
	set_state(z, ZONE_DOWN);
	begin_teardown(z, NULL);
}

static void
on_adopted_exit(struct loop *l, int fd, unsigned events, void *arg)
{
	struct zoned *z = arg;

	(void)l;
	(void)fd;
	(void)events;
	set_state(z, ZONE_DOWN);
	begin_teardown(z, NULL);
}

/* --- booting --- */

/* What must be true before anything is made: the index and the live state allow it. */
static int
check_event(struct zoned *z, enum zone_event ev, struct err *e)
{
	enum zone_state from = z->run.state, to;
	struct zone_info zi;
	int rc;

	if (from == ZONE_INSTALLED) {
		if ((rc = zone_info_get(z->env, z->name, &zi, e)) != 0)
			return (rc);
		free(zi.zonepath);
		from = zi.state < ZONE_INSTALLED ? zi.state : ZONE_INSTALLED;
	}
	return (zone_state_next(from, ev, &to, e));
}

static int
prepare(struct zoned *z, struct err *e)
{
	struct zone_hook_args a;
	int rc;

	if ((rc = zonecfg_load(z->env, z->name, &z->cfg, e)) != 0 ||
	    (rc = zonecfg_verify(z->cfg, e)) != 0 ||
	    (rc = zone_priv_caps(zonecfg_get(z->cfg, "limitpriv"), &z->plat.caps, e)) != 0 ||
	    (rc = zone_id_take(z->env, z->name, &z->run.id, e)) != 0 ||
	    (rc = zone_cgroup_make(z->env, z->cfg, z->run.id_base, &z->cg, e)) != 0)
		return (rc);
	a = hook_args(z, -1);
	z->hooked = true;
	return (z->hooks->config_up != NULL ? z->hooks->config_up(&a, z->hooks->ctx, e) : 0);
}

static int
build(struct zoned *z, struct err *e)
{
	int rc;

	z->plat.env = z->env;
	z->plat.cfg = z->cfg;
	z->plat.id = z->run.id;
	z->plat.id_base = z->run.id_base;
	z->plat.cg = &z->cg;
	z->plat.console = z->con.slave;
	/* A mount can be attached once: each boot gets a fresh copy of the console's. */
	if ((z->plat.console_mount = mnt_clone(z->con.slave, "")) < 0)
		return (err_rc(e, z->plat.console_mount, "console"));
	if ((rc = zoned_trace_prepare(z, e)) == 0)
		rc = zone_platform_build(&z->plat, e);
	(void)close(z->plat.console_mount);
	z->run.init = z->plat.init;
	return (rc != 0 ? rc : zoned_trace_listen(z, e));
}

static int
make_ready(struct zoned *z, struct err *e)
{
	int rc;

	if ((rc = prepare(z, e)) != 0 || (rc = build(z, e)) != 0)
		return (rc);
	if ((rc = proc_start_time(z->run.init, &z->run.init_start)) != 0)
		return (err_rc(e, rc, "the zone's first process"));
	tell_module(z, true);
	if ((rc = hook_net_up(z, e)) != 0)
		return (rc);
	set_state(z, ZONE_READY);
	return (0);
}

/* No session can exist yet, so waiting for init here cannot hang. */
static void
undo_boot(struct zoned *z, const struct err *why)
{
	if (z->run.init > 0) {
		(void)kill(z->run.init, SIGKILL);
		(void)waitpid(z->run.init, NULL, 0);
	}
	for (int i = 0; i < TEARDOWN_TRIES && zone_cgroup_is_populated(&z->cg); i++)
		(void)usleep(1000);
	begin_teardown(z, why);
}

int
zoned_ready(struct zoned *z, struct err *e)
{
	int rc = check_event(z, ZONE_EV_READY, e);

	if (rc != 0)
		return (rc);
	if ((rc = make_ready(z, e)) != 0) {
		struct err why = e != NULL ? *e : (struct err)ERR_INIT;

		undo_boot(z, &why);
		return (rc);
	}
	z->init_watch = loop_child(z->loop, z->run.init, on_init_exit, z);
	return (0);
}

/*
 * Our own init is a copy of the supervisor and often the largest process of a small zone; when the zone
 * meets its memory cap, something else must go.
 */
static void
spare_own_init(pid_t init)
{
	char path[48], exe[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)init);
	if (readlink(path, exe, sizeof(exe) - 1) <= 0 || strncmp(exe, "/memfd:", 7) != 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)init);
	(void)file_poke(path, "-900", NULL);
}

int
zoned_boot(struct zoned *z, const char *bootargs, struct err *e)
{
	int rc = check_event(z, ZONE_EV_BOOT, e);

	if (rc != 0)
		return (rc);
	console_notice(z, "Zone booting up");
	if (z->run.state == ZONE_INSTALLED && (rc = zoned_ready(z, e)) != 0)
		return (rc);
	if (bootargs == NULL)
		bootargs = zonecfg_get(z->cfg, "bootargs");
	if ((rc = start_init(z, bootargs, e)) != 0) {
		struct err why = e != NULL ? *e : (struct err)ERR_INIT;

		watch_remove(z->init_watch);
		z->init_watch = NULL;
		undo_boot(z, &why);
		return (rc);
	}
	spare_own_init(z->run.init);
	set_state(z, ZONE_RUNNING);
	return (0);
}

/* --- halting --- */

static void
kill_all(struct zoned *z)
{
	if (z->plat.init_pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, z->plat.init_pidfd, SIGKILL, NULL, 0);
	(void)zone_cgroup_kill(&z->cg);
}

static void
remember_bootargs(struct zoned *z, bool boot_again, const char *bootargs)
{
	z->boot_again = boot_again;
	z->has_bootargs = bootargs != NULL;
	(void)snprintf(z->bootargs, sizeof(z->bootargs), "%s", bootargs != NULL ? bootargs : "");
}

int
zoned_halt(struct zoned *z, bool boot_again, const char *bootargs, struct err *e)
{
	int rc = check_event(z, boot_again ? ZONE_EV_REBOOT : ZONE_EV_HALT, e);

	if (rc != 0)
		return (rc);
	remember_bootargs(z, boot_again, bootargs);
	if (z->run.state < ZONE_SHUTTING_DOWN)
		set_state(z, ZONE_SHUTTING_DOWN);
	kill_all(z);
	return (0);
}

/* How to ask this init to power off: each kind has a signal of its own. */
static int
shutdown_signal(pid_t init)
{
	char path[32], exe[256];
	const char *leaf;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)init);
	if ((n = readlink(path, exe, sizeof(exe) - 1)) <= 0)
		return (SIGPWR);
	exe[n] = '\0';
	leaf = strrchr(exe, '/') != NULL ? strrchr(exe, '/') + 1 : exe;
	if (strncmp(leaf, "systemd", 7) == 0)
		return (RTMIN_OF_GLIBC + 4); /* poweroff.target */
	return (strncmp(leaf, "busybox", 7) == 0 ? SIGUSR2 : SIGPWR);
}

static void
on_shutdown_timeout(struct loop *l, void *arg)
{
	struct zoned *z = arg;

	(void)l;
	z->timer = NULL;
	zoned_log(z, "init did not stop in time: halting");
	kill_all(z);
}

int
zoned_shutdown(struct zoned *z, bool boot_again, const char *bootargs, unsigned timeout_s,
    struct err *e)
{
	int rc = check_event(z, ZONE_EV_SHUTDOWN, e);

	if (rc != 0)
		return (rc);
	remember_bootargs(z, boot_again, bootargs);
	set_state(z, ZONE_SHUTTING_DOWN);
	z->timer = loop_timer(z->loop, (uint64_t)timeout_s * 1000, 0, on_shutdown_timeout, z);
	if (syscall(SYS_pidfd_send_signal, z->plat.init_pidfd, shutdown_signal(z->run.init), NULL,
		0) != 0)
		kill_all(z);
	return (0);
}

/* --- taking over from a supervisor that died --- */

/* The zone's devpts again; the zone may have put anything in its way, so look at what it is. */
static int
find_devpts(pid_t init)
{
	char path[32];
	struct statfs fs;
	int root, fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)init);
	if ((root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (-1);
	fd = open_beneath(root, "dev/pts", O_PATH | O_DIRECTORY);
	(void)close(root);
	if (fd >= 0 && (fstatfs(fd, &fs) != 0 || fs.f_type != DEVPTS_SUPER_MAGIC)) {
		(void)close(fd);
		fd = -1;
	}
	return (fd >= 0 ? fd : -1);
}

static int
adopt(struct zoned *z, const struct zone_run *old, struct err *e)
{
	int rc;

	if ((rc = zonecfg_load(z->env, z->name, &z->cfg, e)) != 0 ||
	    (rc = zone_priv_caps(zonecfg_get(z->cfg, "limitpriv"), &z->plat.caps, e)) != 0)
		return (rc);
	z->run = *old;
	z->run.zoned = getpid();
	z->plat.init = old->init;
	z->plat.init_pidfd = (int)syscall(SYS_pidfd_open, old->init, 0);
	if (z->plat.init_pidfd < 0 || !zone_init_alive(old))
		return (err_set(e, ESRCH, "the zone has just ended"));
	z->plat.env = z->env;
	z->plat.cfg = z->cfg;
	z->plat.id_base = old->id_base;
	z->plat.cg = &z->cg;
	z->plat.devpts = find_devpts(old->init);
	if ((rc = zone_cgroup_open(z->env, z->name, &z->cg)) != 0)
		return (err_rc(e, rc, "the zone's cgroup"));
	z->adopted = z->hooked = true;
	z->init_watch = loop_fd(z->loop, z->plat.init_pidfd, LOOP_READ, on_adopted_exit, z);
	set_state(z, old->state == ZONE_READY ? ZONE_RUNNING : old->state);
	zoned_log(z, "took over a running zone; its console is lost until it is booted again");
	return (0);
}

/* A boot that its supervisor did not live to finish or undo: remove what it made. */
static void
clear_remains(struct zoned *z, const struct zone_run *old)
{
	struct err e = ERR_INIT;

	if (zone_cgroup_open(z->env, z->name, &z->cg) == 0) {
		(void)zone_cgroup_kill(&z->cg);
		for (int i = 0; i < TEARDOWN_TRIES && zone_cgroup_is_populated(&z->cg); i++)
			(void)usleep(1000);
		zone_cgroup_close(&z->cg);
	}
	if (zone_cgroup_remove(z->env, z->name, &e) != 0)
		zoned_log(z, "%s", e.msg);
	if (old->id > 0)
		zone_id_release(z->env, old->id);
}

static int
settle_past(struct zoned *z, struct err *e)
{
	struct zone_run old;

	if (zone_run_read(z->env, z->name, &old) == 0 && old.state >= ZONE_READY) {
		if (zone_init_alive(&old))
			return (adopt(z, &old, e));
		clear_remains(z, &old);
	} else {
		old.id = -1;
		clear_remains(z, &old);
	}
	set_state(z, ZONE_INSTALLED);
	return (0);
}

/* --- life of the supervisor --- */

void
zoned_maybe_exit(struct zoned *z)
{
	if (z->run.state == ZONE_INSTALLED && z->clients == NULL && z->con.client < 0 &&
	    zoned_close_door(z))
		loop_stop(z->loop, 0);
}

/*
 * A child that nobody watches: an exec session whose helper was killed before it could tell the pid.
 * Unreaped, it would keep the zone's init from ending.
 */
static void
on_stray_exit(struct loop *l, pid_t pid, int status, void *arg)
{
	(void)l;
	(void)status;
	zoned_log(arg, "reaped stray process %d", (int)pid);
}

static int
start(struct zoned *z, struct err *e)
{
	int rc;

	if ((rc = zone_run_mkdir(z->env, e)) != 0 ||
	    (rc = zone_lock_take(z->env, z->name, &z->lock, e)) != 0 ||
	    (rc = zone_range_get(z->env, z->name, &z->run.id_base, e)) != 0 ||
	    (rc = loop_new(&z->loop, e)) != 0)
		return (rc);
	if ((rc = console_open(&z->con, z->run.id_base, e)) != 0)
		return (rc);
	if (console_watch(z) != 0 || loop_child(z->loop, -1, on_stray_exit, z) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = settle_past(z, e)) != 0)
		return (rc);
	return (zoned_listen(z, e));
}

static void
give_back(struct zoned *z)
{
	while (z->clients != NULL)
		client_close(z->clients);
	zoned_trace_close(z);
	console_close(&z->con);
	zone_platform_close(&z->plat);
	zone_cgroup_close(&z->cg);
	zonecfg_free(z->cfg);
	loop_free(z->loop);
	if (z->run.state == ZONE_INSTALLED && z->lock >= 0)
		zone_run_remove(z->env, z->name);
	/* Whoever waits for the start lock may start a supervisor, which wants the other one. */
	if (z->lock >= 0)
		(void)close(z->lock);
	if (z->start_lock >= 0)
		file_unlock(z->start_lock);
}

int
zoned_run(const struct zone_env *env, const char *name, const struct zone_hooks *hooks,
    int ready_fd, struct err *e)
{
	struct zoned z = {.env = env, .hooks = hooks, .lock = -1, .listener = -1, .start_lock = -1,
	    .cg = ZONE_CGROUP_NONE, .run = {.state = ZONE_INSTALLED, .id = -1, .zoned = getpid()},
	    .plat = {.init_pidfd = -1, .devpts = -1, .ctl = -1, .trace = -1},
	    .con = {.master = -1, .slave = -1, .client = -1}};
	int rc;

	if ((rc = zone_name_check(name, e)) != 0)
		return (rc);
	(void)snprintf(z.name, sizeof(z.name), "%s", name);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	for (size_t i = 0; i < 4; i++)
		(void)signal((const int[]){SIGHUP, SIGINT, SIGPIPE, SIGTERM}[i], SIG_IGN);
	rc = start(&z, e);
	if (rc == 0 && ready_fd >= 0) {
		(void)!write(ready_fd, "", 1);
		(void)close(ready_fd);
	}
	if (rc == 0)
		rc = loop_run(z.loop);
	give_back(&z);
	return (rc);
}
