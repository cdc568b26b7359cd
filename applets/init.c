/* SPDX-License-Identifier: MIT */
/*
 * init: process 1 of the image.
 *
 * Theory of operation
 *
 * Process 1 must never block and never die, so it does next to nothing itself: it starts helpers,
 * reaps what ends, keeps the consoles alive and ends the machine when told to. What may take long or
 * fail runs in children of this same binary:
 *
 *	            +-- hotplug   loads drivers: what is there, then what comes
 *	init (1) ---+-- boot      waits for the drivers, then pools, network; says how it went
 *	            +-- zones     boots the zones with autoboot, side by side, while consoles open
 *	            +-- console   one per terminal: login, the first boot's questions or a rescue shell
 *	            +-- run=      a program in the place of the consoles; its end is the machine's end
 *	            `-- stop      halts zones and exports pools, with a time limit
 *
 *	BOOTING --boot child ended--> UP --signal--> STOPPING --stop child ended or late--> reboot(2)
 *
 * Signals are busybox's, so that its poweroff, reboot and halt work: SIGUSR1 halt, SIGUSR2 power off,
 * SIGTERM and SIGINT (control-alt-delete) reboot.
 *
 * Kernel command line: noimport (touch no pool; a shell on every console), run=PATH, answers=PATH
 * (first boot without questions; see setup(8)).
 *
 * Invariants:
 *  1. No console gives a shell before the boot child has ended: the password lives on the pool.
 *  2. A console whose program ends at once is restarted at most once a second.
 *  3. Pools are exported before anything is killed: poold serves the mounts that others stand on.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/file.h"
#include "smartbox/core/loop.h"
#include "smartbox/core/pause.h"
#include "smartbox/core/spawn.h"
#include "smartbox/fs/client.h"
#include "smartbox/machine/autoboot.h"
#include "smartbox/machine/boot.h"
#include "smartbox/machine/cmdline.h"
#include "smartbox/machine/setup.h"
#include "smartbox/machine/sysconfig.h"
#include "smartbox/net/linkdb.h"

static const char init_usage[] =
    "usage: init\n"
    "Boot the machine: process 1 of the image. Started by the kernel.\n"
    "On the kernel's command line:\n"
    "  noimport      touch no pool, give a rescue shell on every console\n"
    "  run=PATH      run PATH when all is up, then power off\n"
    "  answers=PATH  answers of the first boot, see setup(8)\n";

APPLET(init, "boot the machine, as process 1");

enum { NCONSOLES = 3 };
enum phase { BOOTING, UP, STOPPING };

/* How the boot child says what it found, by its exit status. */
enum { BOOT_DONE = 0, BOOT_FAILED = 1, BOOT_RESCUE = 40, BOOT_NO_POOL = 41 };

enum { STOP_TIMEOUT_MS = 90000, ZONE_STOP_TIMEOUT_S = 30, KILL_TIMEOUT_S = 3, RESPAWN_MS = 1000 };

struct init;

struct console {
	const char *tty, *term;
	pid_t pid;
	time_t started;
	struct init *init;
};

struct init {
	struct loop *loop;
	enum phase phase;
	int boot_status;      /* BOOT_*, once the boot child ended */
	int reboot_how;	      /* for reboot(2) */
	pid_t boot, zones, run, stop;
	struct console consoles[NCONSOLES];
};

static void
say(const char *text)
{
	printf("smartbox: %s\n", text);
	(void)fflush(stdout);
}

/* --- boot child ------------------------------------------------------------------------------- */

/* Run an applet of ours to its end; its output goes to the console. Returns its exit status. */
static int
run_applet(const char *applet, const char *const *args)
{
	struct spawn s = SPAWN_INIT;
	struct err e = ERR_INIT;
	int status;
	pid_t pid;

	if (applet_find(applet) == NULL)
		return (127);
	if (spawn_self(applet, args, &s, &pid, &e) != 0 || spawn_wait(pid, -1, &status, &e) != 0) {
		say(e.msg);
		return (127);
	}
	return (status);
}

static void
complain(const char *what, const struct err *e)
{
	printf("smartbox: %s%s%s\n", what, *what != '\0' ? ": " : "", e->msg);
	(void)fflush(stdout);
}

static void
replay_failed(const char *name, const struct err *e)
{
	(void)name;
	complain("", e);
}

/* The machine's name, its links and its own address, as the pool has them. */
static void
apply_configuration(void)
{
	struct sysconfig *c;
	struct err e = ERR_INIT;
	int rc;

	if (linkdb_replay(replay_failed, &e) != 0)
		complain("links", &e);
	if ((rc = sysconfig_load(SYSCONFIG_PATH, &c, &e)) == 0) {
		if (sysconfig_apply(c, &e) != 0)
			complain("network", &e);
		sysconfig_free(c);
	} else if (rc != -ENOENT) {
		complain("", &e);
	}
}

/* A machine without a pool: answers that somebody left make one. */
static int
first_boot(void)
{
	struct setup_answers a;
	struct err e = ERR_INIT;
	char hint[256] = "";
	int rc;

	(void)cmdline_get("answers", hint, sizeof(hint));
	if ((rc = setup_answers_find(hint, &a, &e)) == 0 && (rc = setup_apply(&a, say, &e)) == 0)
		return (BOOT_DONE);
	if (rc != -ENOENT)
		complain("first boot", &e);
	return (BOOT_NO_POOL);
}

/* Returns BOOT_*. */
static int
import_pools(void)
{
	static const char *const import_args[] = {"import", "-a", NULL};
	static const char *const mount_args[] = {"mount", "-a", NULL};
	char **names = NULL;
	bool any, ok;

	if (cmdline_get("noimport", NULL, 0))
		return (BOOT_RESCUE);
	ok = run_applet("zpool", import_args) == 0;
	any = pool_names(&names, NULL) == 0 && names[0] != NULL;
	free(names);
	if (!any)
		return (ok ? first_boot() : BOOT_FAILED);
	(void)run_applet("zfs", mount_args);
	/* A first boot that was cut goes on; a pool of other data is nobody's first boot. */
	if (pool_is_imported(SETUP_POOL) && !setup_is_finished())
		(void)first_boot();
	return (BOOT_DONE);
}

/* Everything between "drivers are loaded" and "consoles may open". */
static int
boot_steps(int ready_fd)
{
	static const char name[] = "smartbox";
	struct err e = ERR_INIT;
	char byte;
	int rc;

	(void)!read(ready_fd, &byte, 1);
	(void)sethostname(name, sizeof(name) - 1);
	if (boot_loopback(&e) != 0)
		complain("", &e);
	if ((rc = import_pools()) != BOOT_DONE) {
		(void)setup_settle(NULL); /* the same folders, in RAM */
		return (rc);
	}
	if (setup_settle(&e) != 0)
		complain("", &e);
	apply_configuration();
	return (BOOT_DONE);
}

static void
zone_failed(const char *zone, const char *why, void *arg)
{
	(void)arg;
	printf("smartbox: zone '%s': %s\n", zone, why);
	(void)fflush(stdout);
}

static int
zone_steps(void)
{
	struct err e = ERR_INIT;
	struct zone_env env;
	int rc;

	zone_env_init(&env);
	if ((rc = autoboot_start(&env, zone_failed, NULL, &e)) < 0)
		complain("zones", &e);
	return (rc != 0);
}

/* --- children of process 1 -------------------------------------------------------------------- */

/* Fork a helper that runs with default signals. Returns as fork does. */
static pid_t
fork_helper(void)
{
	sigset_t none;
	pid_t pid;

	(void)fflush(stdout);
	if ((pid = fork()) != 0)
		return (pid);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	return (0);
}

static void
start_boot(struct init *in)
{
	struct err e = ERR_INIT;
	int ready[2];

	if (pipe2(ready, O_CLOEXEC) != 0)
		return;
	if (fork_helper() == 0) {
		(void)close(ready[0]);
		(void)boot_hotplug(ready[1], &e);
		say(e.msg);
		_exit(1);
	}
	(void)close(ready[1]);
	if ((in->boot = fork_helper()) == 0)
		_exit(boot_steps(ready[0]));
	(void)close(ready[0]);
}

/* Make a terminal the controlling one, with our stdio on it. In the child. */
static int
take_terminal(const char *tty)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/%s", tty);
	if ((fd = open(path, O_RDWR)) < 0)
		return (-errno);
	(void)ioctl(fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		(void)close(fd);
	return (0);
}

/* Does this terminal exist? A serial line is announced even where there is no chip. */
static bool
terminal_exists(const char *tty)
{
	struct serial_struct serial = {0};
	char path[32];
	bool exists;
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/%s", tty);
	if ((fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)) < 0)
		return (false);
	exists = ioctl(fd, TIOCGSERIAL, &serial) != 0 || serial.type != PORT_UNKNOWN;
	(void)close(fd);
	return (exists);
}

/* Are there questions to ask? Not on a machine that has its configuration, or only others' pools. */
static bool
wants_setup(const struct init *in)
{
	return (!setup_is_finished() && applet_find("setup") != NULL &&
	    (in->boot_status == BOOT_NO_POOL ||
	    (in->boot_status == BOOT_DONE && pool_is_imported(SETUP_POOL))));
}

/* Replace this child by what belongs on a console now. */
static _Noreturn void
console_exec(const struct init *in, const struct console *c)
{
	struct stat st;

	(void)setenv("TERM", c->term, 1);
	(void)setenv("HOME", "/root", 1);
	(void)setenv("USER", "root", 1);
	(void)setenv("SHELL", "/bin/sh", 1);
	if (chdir("/root") != 0)
		(void)chdir("/");
	if (wants_setup(in))
		(void)execl("/proc/self/exe", "setup", (char *)NULL);
	if (setup_is_finished() && stat("/etc/shadow", &st) == 0)
		(void)execl("/bin/login", "login", (char *)NULL);
	(void)execl("/bin/sh", "-sh", (char *)NULL);
	_exit(127);
}

static void
console_start(struct loop *l, void *arg)
{
	struct console *c = arg;

	(void)l;
	if (c->init->phase != UP || !terminal_exists(c->tty))
		return;
	c->started = time(NULL);
	if ((c->pid = fork_helper()) != 0)
		return;
	if (take_terminal(c->tty) != 0)
		_exit(1);
	console_exec(c->init, c);
}

static void
console_ended(struct console *c)
{
	c->pid = 0;
	if (time(NULL) > c->started + 1)
		console_start(c->init->loop, c);
	else
		(void)loop_timer(c->init->loop, RESPAWN_MS, 0, console_start, c); /* invariant 2 */
}

static void
consoles_start(struct init *in)
{
	static const char *const ttys[NCONSOLES][2] = {
	    {"tty1", "linux"}, {"ttyS0", "vt220"}, {"hvc0", "vt220"}};

	for (size_t i = 0; i < NCONSOLES; i++) {
		in->consoles[i] = (struct console){ttys[i][0], ttys[i][1], 0, 0, in};
		console_start(in->loop, &in->consoles[i]);
	}
}

/* run=PATH: a program instead of the consoles. */
static void
run_start(struct init *in)
{
	char path[4096];

	(void)cmdline_get("run", path, sizeof(path));
	if ((in->run = fork_helper()) == 0) {
		(void)chdir("/root");
		(void)execl(path, path, (char *)NULL);
		printf("smartbox: cannot run %s: %s\n", path, strerror(errno));
		(void)fflush(stdout);
		_exit(127);
	}
}

static void
boot_ended(struct init *in, int status)
{
	in->boot_status = WIFEXITED(status) ? WEXITSTATUS(status) : BOOT_FAILED;
	in->boot = 0;
	if (in->phase != BOOTING)
		return;
	in->phase = UP;
	if (in->boot_status == BOOT_RESCUE)
		say("no pool was imported, as asked; this is a rescue shell");
	if (in->boot_status == BOOT_FAILED)
		say("a pool could not be imported; this is a rescue shell");
	if (in->boot_status == BOOT_DONE && (in->zones = fork_helper()) == 0)
		_exit(zone_steps());
	if (cmdline_get("run", NULL, 0)) {
		if (in->zones == 0)
			run_start(in);
	} else {
		consoles_start(in);
	}
}

static void
zones_ended(struct init *in)
{
	in->zones = 0;
	if (in->phase == UP && cmdline_get("run", NULL, 0))
		run_start(in);
}

/* --- the end of the machine ------------------------------------------------------------------- */

static int
stop_steps(void)
{
	static const char *const export_args[] = {"export", "-a", NULL};
	struct err e = ERR_INIT;
	struct zone_env env;

	zone_env_init(&env);
	if (autoboot_stop(&env, ZONE_STOP_TIMEOUT_S, zone_failed, NULL, &e) < 0)
		complain("zones", &e);
	return (run_applet("zpool", export_args));
}

/* Ask every process to end, then make it. */
static void
kill_everybody(void)
{
	time_t deadline = time(NULL) + KILL_TIMEOUT_S;

	(void)kill(-1, SIGTERM);
	(void)kill(-1, SIGCONT);
	while (time(NULL) < deadline) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			break;
		if (pid == 0)
			pause_ms(20);
	}
	(void)kill(-1, SIGKILL);
}

static void
finish(struct init *in)
{
	kill_everybody();
	sync();
	boot_unmount_all();
	sync();
	(void)reboot(in->reboot_how);
	if (in->reboot_how == RB_POWER_OFF)
		(void)reboot(RB_HALT_SYSTEM);
	for (;;)
		(void)pause();
}

static void
stop_late(struct loop *l, void *arg)
{
	(void)l;
	say("services did not stop in time");
	finish(arg);
}

static void
stop_start(struct init *in, int how)
{
	if (in->phase == STOPPING)
		return;
	in->phase = STOPPING;
	in->reboot_how = how;
	if ((in->stop = fork_helper()) == 0)
		_exit(stop_steps());
	(void)loop_timer(in->loop, STOP_TIMEOUT_MS, 0, stop_late, in);
}

/* --- process 1 -------------------------------------------------------------------------------- */

static void
on_signal(struct loop *l, int signo, void *arg)
{
	(void)l;
	switch (signo) {
	case SIGUSR1:
		stop_start(arg, RB_HALT_SYSTEM);
		break;
	case SIGUSR2:
		stop_start(arg, RB_POWER_OFF);
		break;
	default:
		stop_start(arg, RB_AUTOBOOT);
		break;
	}
}

static void
on_child(struct loop *l, pid_t pid, int status, void *arg)
{
	struct init *in = arg;

	(void)l;
	if (pid == in->boot)
		boot_ended(in, status);
	else if (pid == in->zones)
		zones_ended(in);
	else if (pid == in->run)
		stop_start(in, RB_POWER_OFF);
	else if (pid == in->stop)
		finish(in);
	for (size_t i = 0; i < NCONSOLES; i++)
		if (pid == in->consoles[i].pid)
			console_ended(&in->consoles[i]);
}

/* Nothing works: what is left is a shell on the kernel's console. */
static _Noreturn void
emergency(const struct err *e)
{
	printf("smartbox: %s\nsmartbox: cannot boot; this is an emergency shell\n", e->msg);
	(void)fflush(stdout);
	(void)execl("/bin/sh", "-sh", (char *)NULL);
	_exit(1);
}

static void
attach_console(void)
{
	int fd;

	if ((fd = open("/dev/console", O_RDWR | O_NOCTTY)) < 0)
		return;
	for (int i = 0; i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		(void)close(fd);
}

static int
init_main(int argc, char **argv)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
	struct init in = {0};
	struct err e = ERR_INIT;

	(void)argv;
	if (argc > 1 && getpid() != 1)
		return (applet_usage("no argument is known"));
	if (getpid() != 1)
		return (applet_fail(NULL, "is process 1 or nothing"));
	(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	(void)umask(022);
	if (boot_own_root(&e) != 0 || boot_mount_kernel(&e) != 0)
		emergency(&e);
	attach_console();
	(void)reboot(RB_DISABLE_CAD);
	if (loop_new(&in.loop, &e) != 0)
		emergency(&e);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)loop_signal(in.loop, signals[i], on_signal, &in);
	(void)loop_child(in.loop, -1, on_child, &in);
	start_boot(&in);
	return (loop_run(in.loop));
}
