/* SPDX-License-Identifier: MIT */
/* zlogin: enter a zone. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/file.h"
#include "smartbox/kern/zone_run.h"

static const char zlogin_usage[] =
    "usage: zlogin [-inQES] [-e CHAR] [-l USER] ZONE [COMMAND [ARGUMENT]...]\n"
    "       zlogin -C [-dQE] [-e CHAR] ZONE\n"
    "Enter a zone: a shell on a terminal of the zone, or a command.\n"
    "  -C       the zone's console; works from installed up, survives reboots\n"
    "  -d       with -C: leave when the zone halts\n"
    "  -e CHAR  escape character (default ~); CHAR and . at the start of a line disconnect\n"
    "  -E       no escape character\n"
    "  -i       a terminal, even with a command\n"
    "  -l USER  log in as USER (default root)\n"
    "  -n       standard input is /dev/null\n"
    "  -Q       no notices\n"
    "  -S       safe: no password file, no login, no new privileges; straight to /bin/sh\n"
    "The exit status is the command's; 1 when the zone cannot be entered.\n";

APPLET(zlogin, "enter a zone");

struct opts {
	bool console, until_halt, interactive, null_input, quiet, safe;
	int escape; /* -1 none */
	const char *user, *zone;
	char **command; /* NULL: a shell */
};

/* --- the local terminal --- */

static struct termios saved_tty;
static volatile sig_atomic_t resized = 1;

static void
on_winch(int sig)
{
	(void)sig;
	resized = 1;
}

static bool
go_raw(void)
{
	struct termios t;

	if (tcgetattr(0, &saved_tty) != 0)
		return (false);
	t = saved_tty;
	cfmakeraw(&t);
	return (tcsetattr(0, TCSADRAIN, &t) == 0);
}

static void
window_size(unsigned short *rows, unsigned short *cols)
{
	struct winsize ws = {0};

	if (ioctl(0, TIOCGWINSZ, &ws) == 0) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

/* --- copying between the two sides --- */

struct relay {
	const struct opts *o;
	int remote;
	bool is_pty;
	bool line_start, escaped; /* of what is typed */
	bool done;
	char tail[32]; /* the end of what came, to see a notice */
};

static const char halted_notice[] = "[NOTICE: Zone halted]";

/*
 * Typed bytes, with the escape looked for: at the start of a line the escape character is held back;
 * a '.' behind it disconnects, a second one sends one.
 */
static void
type(struct relay *r, const char *p, size_t n)
{
	char out[2048];
	size_t k = 0;

	for (size_t i = 0; i < n && !r->done; i++) {
		if (r->escaped) {
			r->escaped = false;
			if (p[i] == '.') {
				r->done = true;
				break;
			}
			if (p[i] != r->o->escape)
				out[k++] = (char)r->o->escape;
		} else if (r->line_start && p[i] == r->o->escape) {
			r->escaped = true;
			continue;
		}
		r->line_start = p[i] == '\r' || p[i] == '\n';
		out[k++] = p[i];
	}
	if (k != 0 && io_write_full(r->remote, out, k) != 0)
		r->done = true;
}

/* Does the stream, over its chunks, contain the notice of a halt? */
static bool
saw_halt(struct relay *r, const char *p, size_t n)
{
	char joined[4096 + sizeof(r->tail)];
	size_t had = strlen(r->tail), keep;

	memcpy(joined, r->tail, had);
	for (size_t i = 0; i < n; i++)
		joined[had + i] = p[i] != '\0' ? p[i] : ' ';
	joined[had + n] = '\0';
	keep = had + n < sizeof(halted_notice) - 2 ? had + n : sizeof(halted_notice) - 2;
	memcpy(r->tail, joined + had + n - keep, keep + 1);
	return (strstr(joined, halted_notice) != NULL);
}

static void
from_keyboard(struct relay *r, struct pollfd *p)
{
	char buf[1024];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n > 0)
		type(r, buf, (size_t)n);
	else if (n == 0 && r->is_pty)
		(void)io_write_full(r->remote, "\004", 1);
	if (n <= 0)
		p->fd = -1;
}

static void
from_zone(struct relay *r)
{
	char buf[4095];
	ssize_t n = read(r->remote, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0 || io_write_full(1, buf, (size_t)n) != 0)
		r->done = true; /* a terminal whose zone side is closed reads EIO */
	else if (r->o->until_halt && saw_halt(r, buf, (size_t)n))
		r->done = true;
}

static void
pass_size(const struct relay *r)
{
	struct winsize ws = {0};

	resized = 0;
	if (r->is_pty && ioctl(0, TIOCGWINSZ, &ws) == 0)
		(void)ioctl(r->remote, TIOCSWINSZ, &ws);
}

static void
relay(struct relay *r)
{
	struct pollfd p[2] = {{r->o->null_input ? -1 : 0, POLLIN, 0}, {r->remote, POLLIN, 0}};

	while (!r->done) {
		if (resized)
			pass_size(r);
		if (poll(p, 2, -1) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		if (p[1].revents != 0)
			from_zone(r);
		if (p[0].fd >= 0 && p[0].revents != 0)
			from_keyboard(r, &p[0]);
	}
}

static void
run_relay(struct relay *r, const char *where)
{
	struct sigaction sa = {.sa_handler = on_winch};
	bool raw;

	if (!r->o->quiet)
		(void)printf("[Connected to zone '%s' %s]\n", r->o->zone, where);
	(void)fflush(stdout);
	(void)sigaction(SIGWINCH, &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r->line_start = true;
	raw = go_raw();
	relay(r);
	if (raw)
		(void)tcsetattr(0, TCSADRAIN, &saved_tty);
	if (!r->o->quiet)
		(void)printf("\n[Connection to zone '%s' %s closed]\n", r->o->zone, where);
}

/* --- modes --- */

static int
enter_failed(const struct opts *o, const struct err *e)
{
	return (applet_fail(e, "zone '%s'", o->zone));
}

static int
console(const struct zone_env *env, const struct opts *o)
{
	struct relay r = {.o = o};
	struct err e = ERR_INIT;

	if (zone_console_open(env, o->zone, &r.remote, &e) != 0)
		return (enter_failed(o, &e));
	run_relay(&r, "console");
	return (0);
}

static int
on_terminal(const struct zone_env *env, const struct opts *o, struct zone_exec *x)
{
	struct relay r = {.o = o, .is_pty = true};
	struct err e = ERR_INIT;
	int ctl, status = 0;
	char tty[32];

	x->flags |= ZONE_EXEC_PTY;
	x->term = getenv("TERM");
	window_size(&x->rows, &x->cols);
	if (zone_exec_start(env, o->zone, x, &ctl, &r.remote, tty, &e) != 0)
		return (enter_failed(o, &e));
	run_relay(&r, tty);
	(void)close(r.remote);
	if (zone_exec_wait(ctl, &status, &e) != 0)
		return (enter_failed(o, &e));
	/* A session's status says that the connection was fine; a command's is passed on. */
	return (o->command != NULL ? status : 0);
}

static int
piped(const struct zone_env *env, const struct opts *o, struct zone_exec *x)
{
	struct err e = ERR_INIT;
	int status;

	if (o->null_input && freopen("/dev/null", "r", stdin) == NULL)
		return (applet_fail(NULL, "/dev/null: %s", strerror(errno)));
	for (int i = 0; i < 3; i++)
		x->fd[i] = i;
	if (zone_exec_run(env, o->zone, x, &status, &e) != 0)
		return (enter_failed(o, &e));
	return (status);
}

/* --- command line --- */

static int
parse(int argc, char **argv, struct opts *o)
{
	int c;

	*o = (struct opts){.escape = '~'};
	while ((c = applet_getopt(argc, argv, "Cde:Eil:nQS")) != -1) {
		switch (c) {
		case 'C': o->console = true; break;
		case 'd': o->until_halt = true; break;
		case 'E': o->escape = -1; break;
		case 'i': o->interactive = true; break;
		case 'l': o->user = optarg; break;
		case 'n': o->null_input = true; break;
		case 'Q': o->quiet = true; break;
		case 'S': o->safe = true; break;
		case 'e':
			if (optarg[0] == '\0' || optarg[1] != '\0')
				return (applet_usage("-e: '%s' is not one character", optarg));
			o->escape = (unsigned char)optarg[0];
			break;
		default: return (2);
		}
	}
	if (optind >= argc)
		return (applet_usage("no zone specified"));
	o->zone = argv[optind++];
	o->command = optind < argc ? argv + optind : NULL;
	if (o->console && (o->user != NULL || o->safe || o->interactive || o->command != NULL))
		return (applet_usage("-C does not go with -i, -l, -S or a command"));
	if (o->safe && o->user != NULL)
		return (applet_usage("-S and -l are mutually exclusive"));
	if (o->until_halt && !o->console)
		return (applet_usage("-d needs -C"));
	return (0);
}

static int
zlogin_main(int argc, char **argv)
{
	struct zone_exec x = {.fd = {-1, -1, -1}};
	struct zone_env env;
	struct opts o;
	int rc = parse(argc, argv, &o);

	if (rc != 0)
		return (rc);
	if (geteuid() != 0)
		return (applet_fail(NULL, "only a privileged user may enter a zone."));
	if (strcmp(o.zone, "global") == 0)
		return (applet_fail(NULL, "zone 'global': not a zone that can be entered."));
	zone_env_init(&env);
	if (o.console)
		return (console(&env, &o));
	x.argv = (const char *const *)o.command;
	x.user = o.user;
	x.flags = o.safe ? ZONE_EXEC_SAFE : ZONE_EXEC_LOGIN;
	if (o.interactive || (o.command == NULL && isatty(0)))
		return (on_terminal(&env, &o, &x));
	return (piped(&env, &o, &x));
}
