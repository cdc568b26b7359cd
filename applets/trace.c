/* SPDX-License-Identifier: MIT */
/* trace: dynamic tracing with D programs; the command line of dtrace(8). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/kern/zone.h"
#include "trace_impl.h"

static const char trace_usage[] =
    "usage: trace [-eFhlqSvVwZ] [-b BUFSZ] [-c CMD] [-C] [-D NAME[=VALUE]] [-I PATH] [-o FILE]\n"
    "             [-p PID] [-x OPT[=VAL]] [-X a|c|s|t] [-z ZONE] [-P PROVIDER [[PREDICATE] ACTION]]\n"
    "             [-m [PROVIDER:]MODULE [[PREDICATE] ACTION]]\n"
    "             [-f [[PROVIDER:]MODULE:]FUNC [[PREDICATE] ACTION]]\n"
    "             [-n [[[PROVIDER:]MODULE:]FUNC:]NAME [[PREDICATE] ACTION]]\n"
    "             [-i PROBE-ID [[PREDICATE] ACTION]] [-s SCRIPT] [ARGUMENT]...\n"
    "             [--flame FILE.svg] [--folded FILE] [--heatmap FILE.svg] [--top[=SECONDS]]\n"
    "Trace the running system with a D program.\n"
    "  -b BUFSZ  size of the trace buffer for each CPU\n"
    "  -c CMD    run CMD, and end when it ends\n"
    "  -C        run cpp(1) over script files\n"
    "  -D NAME   define a symbol for cpp\n"
    "  -e        compile, and end before enabling probes\n"
    "  -f FUNC   enable or list probes of that function\n"
    "  -F        show the flow of calls by indenting\n"
    "  -i ID     enable or list the probe of that number\n"
    "  -I PATH   search folder for cpp\n"
    "  -l        list probes\n"
    "  -m MOD    enable or list probes of that module\n"
    "  -n NAME   enable or list probes of that name\n"
    "  -o FILE   append the output to a file\n"
    "  -p PID    grab the process, and end when it ends\n"
    "  -P PROV   enable or list probes of that provider\n"
    "  -q        print only what the program prints\n"
    "  -s FILE   enable or list probes according to the script\n"
    "  -S        print the compiled programs\n"
    "  -v        be verbose: arguments of listed probes\n"
    "  -V        print the version\n"
    "  -w        allow destructive actions\n"
    "  -x OPT    set an option\n"
    "  -X LEVEL  accepted for compatibility\n"
    "  -z ZONE   fire only for tasks of that zone\n"
    "  -Z        probe descriptions may match nothing\n"
    "  --flame FILE.svg    draw aggregations of stacks as a flame graph\n"
    "  --folded FILE       write them as lines \"root;...;leaf COUNT\"\n"
    "  --heatmap FILE.svg  draw a distribution over time\n"
    "  --top[=SECONDS]     show what was aggregated, every second\n"
    "Pictures without a program are of all CPUs' stacks.\n";

/* What a picture shows that is asked for without a program. */
static const char sample_stacks[] = "profile-97 { @[execname, stack(), ustack()] = count(); }";

static int trace_main(int argc, char **argv);
static const struct applet trace_applet = {"trace", "trace the system with D programs", trace_usage,
    trace_main, false};
static const struct applet dtrace_applet = {"dtrace", "trace the system with D programs",
    trace_usage, trace_main, false};
static const struct applet *const trace_ptr __attribute__((used, retain, section("applets"))) =
    &trace_applet;
static const struct applet *const dtrace_ptr __attribute__((used, retain, section("applets"))) =
    &dtrace_applet;

const char trace_options[] = "b:c:CD:eFf:hi:I:lm:n:o:p:P:qs:SU:vVwx:X:z:Z";

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
	interrupted += sig != SIGIO;
}

void
trace_message(void *arg, const char *text)
{
	(void)arg;
	applet_warn("%s", text);
}

/* --- the command line -------------------------------------------------------------------------- */

static int
set_option(struct session *s, char *arg)
{
	char *val = strchr(arg, '=');
	struct err e = ERR_INIT;

	if (val != NULL)
		*val++ = '\0';
	if (trace_option(s, arg, val, &e) == 0)
		return (0);
	(void)applet_fail(&e, "failed to set -x %s", arg);
	return (1);
}

static int
add_source(struct options *o, int opt, const char *arg)
{
	if (o->nsrc == MAX_SOURCES)
		return (applet_fail(NULL, "too many programs"));
	o->src[o->nsrc++] = (struct source){opt, arg, NULL};
	return (0);
}

int
trace_cpp_arg(struct options *o, int opt, const char *arg)
{
	static char text[32][300];

	if (o->ncppargs == 32)
		return (applet_fail(NULL, "too many cpp arguments"));
	(void)snprintf(text[o->ncppargs], sizeof(text[0]), "-%c%s", opt, arg);
	o->cppargs[o->ncppargs] = text[o->ncppargs];
	o->ncppargs++;
	return (0);
}

static int
parse_pid(struct options *o, const char *arg)
{
	char *end;
	long v = strtol(arg, &end, 10);

	if (*end != '\0' || v <= 0 || v > INT32_MAX || o->npids == MAX_COMMANDS)
		return (applet_fail(NULL, "invalid pid: %s", arg));
	o->pids[o->npids++] = (int)v;
	return (0);
}

static int
flag(struct session *s, struct options *o, int c)
{
	switch (c) {
	case 'e': o->compile_only = true; break;
	case 'l': o->list = true; break;
	case 'v': o->verbose = true; return (trace_option(s, "verbose", NULL, NULL));
	case 'C': o->cpp = true; break;
	case 'S': o->disassemble = true; break;
	case 'V': o->version = true; break;
	case 'q': return (trace_option(s, "quiet", NULL, NULL));
	case 'w': return (trace_option(s, "destructive", NULL, NULL));
	case 'F': return (trace_option(s, "flowindent", NULL, NULL));
	case 'Z': return (trace_option(s, "zdefs", NULL, NULL));
	default: break;
	}
	return (0);
}

static int
set_zone(struct session *s, const char *name)
{
	struct zone_env env;
	struct zone_info z;
	struct err e = ERR_INIT;

	zone_env_init(&env);
	if (zone_info_get(&env, name, &z, &e) != 0)
		return (applet_fail(&e, "zone '%s'", name));
	free(z.zonepath);
	if (z.init_pid == 0)
		return (applet_fail(NULL, "zone '%s' is not running", name));
	if (trace_zone(s, z.init_pid, &e) != 0)
		return (applet_fail(&e, "zone '%s'", name));
	return (0);
}

/* --flame FILE, --flame=FILE ...: options of ours that no dtrace has. */
static int
long_option(struct session *s, struct options *o, int argc, char **argv)
{
	static const struct {
		const char *name;
		int kind;
	} longs[] = {{"flame", TRACE_FLAME}, {"folded", TRACE_FOLDED}, {"heatmap", TRACE_HEATMAP}};
	const char *arg = argv[optind++] + 2, *value = strchr(arg, '=');
	size_t len = value != NULL ? (size_t)(value++ - arg) : strlen(arg);
	char *end = NULL;
	double seconds;

	o->pictures = true;
	if (len == 3 && strncmp(arg, "top", 3) == 0) {
		seconds = value != NULL ? strtod(value, &end) : 1;
		if ((end != NULL && *end != '\0') || seconds < 0.05 || seconds > 86400)
			return (applet_fail(NULL, "--top: not a number of seconds: %s", value));
		return (trace_top(s, (uint64_t)(seconds * 1e9), NULL) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 3; i++) {
		if (strlen(longs[i].name) != len || strncmp(arg, longs[i].name, len) != 0)
			continue;
		if (value == NULL && optind < argc)
			value = argv[optind++];
		if (value == NULL)
			break;
		return (trace_picture(s, (enum trace_picture)longs[i].kind, value, NULL) == 0 ? 0 : 1);
	}
	applet_warn(value == NULL && len > 3 ? "--%.*s: no such option, or no value" :
	    "no such option: --%.*s", (int)len, arg);
	return (2);
}

static int
one_option(struct session *s, struct options *o, int c, char *arg)
{
	switch (c) {
	case 's': case 'n': case 'P': case 'm': case 'f': case 'i':
		return (add_source(o, c, arg));
	case 'x':
		return (set_option(s, arg));
	case 'b':
		return (trace_option(s, "bufsize", arg, NULL) == 0 ? 0 :
		    applet_fail(NULL, "failed to set -b %s: Invalid value for specified option", arg));
	case 'c':
		if (o->ncmds == MAX_COMMANDS)
			return (applet_fail(NULL, "too many commands"));
		o->cmds[o->ncmds++] = arg;
		return (0);
	case 'p':
		return (parse_pid(o, arg));
	case 'o':
		o->out = arg;
		return (0);
	case 'D': case 'I': case 'U':
		return (trace_cpp_arg(o, c, arg));
	case 'X':
		return (0);
	case 'z':
		return (set_zone(s, arg));
	default:
		return (flag(s, o, c));
	}
}

/* Options may stand between arguments of the script, as DTrace takes them: getopt stops at each word. */
static int
parse_options(struct session *s, struct options *o, int argc, char **argv, const char **args)
{
	int c, n = 1, rc;

	optind = 1;
	while (optind < argc) {
		if (strncmp(argv[optind], "--", 2) == 0 && argv[optind][2] != '\0') {
			if ((rc = long_option(s, o, argc, argv)) != 0)
				return (rc);
			continue;
		}
		c = applet_getopt(argc, argv, trace_options);
		if (c == '?')
			return (2);
		if (c == -1) {
			if (optind < argc)
				args[n++] = argv[optind++];
			continue;
		}
		if (c == 'h') {
			(void)fputs(trace_usage, stdout);
			return (-1);
		}
		if ((rc = one_option(s, o, c, optarg)) != 0)
			return (rc);
	}
	return (n << 8);
}

/* --- programs ---------------------------------------------------------------------------------- */

/* Standard input works by any name it has. */
static int
read_script(const char *path, char **text, size_t *len, struct err *e)
{
	struct buf b = BUF_INIT;
	char chunk[4096];
	ssize_t n;
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return (err_set(e, errno, "failed to open %s: %s", path, strerror(errno)));
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && b.len < SCRIPT_MAX)
		buf_add(&b, chunk, (size_t)n);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	if (n < 0 || buf_failed(&b)) {
		buf_free(&b);
		return (err_set(e, EIO, "failed to read %s: %s", path, strerror(errno)));
	}
	buf_add(&b, "", 0);
	*len = b.len;
	*text = buf_take(&b);
	return (0);
}

/* The script through the machine's own preprocessor. */
static int
preprocess(const struct options *o, const char *path, char **text, size_t *len, struct err *e)
{
	struct buf cmd = BUF_INIT, b = BUF_INIT;
	char chunk[4096];
	size_t n;
	FILE *f;
	int st;

	buf_str(&cmd, "cpp -D__linux__=1 -D__SUNW_D=1 -D__SUNW_D_VERSION=0x01060003 -xc");
	for (int i = 0; i < o->ncppargs; i++)
		buf_printf(&cmd, " '%s'", o->cppargs[i]);
	buf_printf(&cmd, " '%s'", path);
	f = cmd.data != NULL ? popen(cmd.data, "r") : NULL;
	buf_free(&cmd);
	if (f == NULL)
		return (err_set(e, errno, "failed to run cpp: %s", strerror(errno)));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && b.len < SCRIPT_MAX)
		buf_add(&b, chunk, n);
	st = pclose(f);
	if (st != 0) {
		buf_free(&b);
		return (err_set(e, EINVAL, "failed to compile script %s: Preprocessor failed to process "
		    "input program", path));
	}
	buf_add(&b, "", 0);
	*len = b.len;
	*text = buf_take(&b);
	return (0);
}

int
trace_read_script(const struct options *o, const char *path, char **text, size_t *len, struct err *e)
{
	return (o->cpp ? preprocess(o, path, text, len, e) : read_script(path, text, len, e));
}

static int
load_sources(struct session *s, struct options *o, int argc, const char *const *args)
{
	static const char letters[] = "Pmfni";
	struct err e = ERR_INIT;

	for (int i = 0; i < o->nsrc; i++) {
		const struct source *src = &o->src[i];
		char *text = (char *)(uintptr_t)src->arg;
		size_t len = strlen(src->arg);
		int rc, kind = TRACE_NAME;

		if (src->given != NULL) {
			text = (char *)(uintptr_t)src->given;
			len = strlen(text);
		} else if (src->opt == 's') {
			rc = trace_read_script(o, src->arg, &text, &len, &e);
			if (rc != 0)
				return (applet_fail_plain(&e));
		} else {
			kind = (int)(strchr(letters, src->opt) - letters);
		}
		o->text[i] = text;
		if (trace_source(s, (enum trace_spec)kind, src->opt == 's' ? src->arg : NULL, text,
		    len, argc, args, &e) != 0)
			return (applet_fail_plain(&e));
	}
	return (0);
}

/* On a terminal: the line that is wrong, and a caret below the place. */
static void
show_place(struct session *s, const char *text)
{
	int line, col;

	trace_where(s, &line, &col);
	if (text == NULL || line <= 0 || col <= 0 || isatty(STDERR_FILENO) == 0)
		return;
	for (; line > 1 && (text = strchr(text, '\n')) != NULL; line--)
		text++;
	if (text == NULL)
		return;
	(void)fprintf(stderr, "  %.*s\n  ", (int)strcspn(text, "\n"), text);
	for (int i = 0; i < col - 1 && text[i] != '\0' && text[i] != '\n'; i++)
		(void)fputc(text[i] == '\t' ? '\t' : ' ', stderr);
	(void)fputs("^\n", stderr);
}

/* Which program failed is the last that was looked at: its messages name it. */
static int
compile_failed(struct session *s, const struct options *o, const struct err *e)
{
	int n = trace_failed_source(s);
	const struct source *src = n >= 0 && n < o->nsrc ? &o->src[n] : NULL;

	if (src == NULL)
		return (applet_fail_plain(e));
	if (src->opt == 's')
		(void)applet_fail(e, "failed to compile script %s", src->arg);
	else
		(void)applet_fail(e, "invalid probe specifier %s", src->arg);
	show_place(s, o->text[n]);
	return (1);
}

static void
report_matches(struct session *s, const struct options *o)
{
	for (int i = 0; i < o->nsrc; i++) {
		unsigned n = trace_matched(s, (unsigned)i);

		applet_warn("%s '%s' matched %u probe%s", o->src[i].opt == 's' ? "script" :
		    "description", o->src[i].arg, n, n == 1 ? "" : "s");
	}
}

/* --- tracing ----------------------------------------------------------------------------------- */

static int
start_victims(struct session *s, const struct options *o)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < o->ncmds; i++)
		if (trace_command(s, o->cmds[i], &e) != 0)
			return (applet_fail_plain(&e));
	for (int i = 0; i < o->npids; i++)
		if (trace_grab(s, o->pids[i], &e) != 0)
			return (applet_fail_plain(&e));
	return (0);
}

static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	(void)sigaction(SIGIO, &sa, NULL); /* a zone's client said something, or went */
	(void)signal(SIGPIPE, SIG_IGN);
}

/* A zone's client has one thing to say: that it is enough. */
static bool
client_spoke(const struct options *o)
{
	struct pollfd p = {o->control, POLLIN, 0};

	return (o->control != 0 && poll(&p, 1, 0) > 0);
}

static int
run(struct session *s, const struct options *o)
{
	struct err e = ERR_INIT;
	int rc;

	if (trace_go(s, &e) != 0)
		return (applet_fail_plain(&e));
	if (o->attached != NULL)
		o->attached();
	if (!trace_option_flag(s, "quiet"))
		report_matches(s, o);
	if (trace_option_flag(s, "destructive") && !trace_option_flag(s, "quiet"))
		applet_warn("allowing destructive actions");
	do {
		rc = trace_work(s, &e);
	} while (rc == 1 && interrupted == 0 && !client_spoke(o));
	rc = trace_finish(s, interrupted < 2, &e);
	if (rc < 0)
		return (applet_fail_plain(&e));
	return (trace_status(s) & 255);
}

static int
compile_and_run(struct session *s, struct options *o)
{
	struct err e = ERR_INIT;
	int rc, fd;

	if (o->out != NULL) {
		fd = open(o->out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (fd < 0)
			return (applet_fail(NULL, "failed to open %s: %s", o->out, strerror(errno)));
		trace_output(s, fd);
	}
	if ((rc = start_victims(s, o)) != 0)
		return (rc);
	if (o->nsrc > 0 && trace_compile(s, &e) != 0)
		return (compile_failed(s, o, &e));
	if (o->list)
		return (trace_list(s, stdout, o->verbose, &e) == 0 ? 0 : applet_fail_plain(&e));
	if (o->disassemble)
		trace_disassemble(s, stderr);
	if (o->compile_only) {
		if (!trace_option_flag(s, "quiet"))
			report_matches(s, o);
		return (0);
	}
	catch_signals();
	return (run(s, o));
}

int
trace_perform(struct session *s, struct options *o, int nargs, const char *const *args)
{
	int rc = load_sources(s, o, nargs, args);

	return (rc != 0 ? rc : compile_and_run(s, o));
}

/* A command line that is whole. */
static int
perform(struct session *s, struct options *o, int nargs, const char **args)
{
	args[0] = applet_name();
	for (int i = 0; i < o->nsrc; i++)
		if (o->src[i].opt == 's')
			args[0] = o->src[i].arg;
	if (o->nsrc == 0 && o->pictures) {
		(void)add_source(o, 'n', sample_stacks);
		(void)trace_option(s, "quiet", NULL, NULL);
	}
	if (o->version)
		return (printf("dtrace: smartbox D 1.6.3\n") > 0 ? 0 : 1);
	if (o->nsrc == 0 && !o->list)
		return (applet_fail(NULL, "no probes specified"));
	return (trace_perform(s, o, nargs, args));
}

static int
trace_main(int argc, char **argv)
{
	const char **args = calloc((size_t)argc + 1, sizeof(*args));
	struct options o;
	struct session *s;
	struct err e = ERR_INIT;
	int rc;

	memset(&o, 0, sizeof(o));
	if (argc == 1) {
		(void)fputs(trace_usage, stderr);
		free(args);
		return (2);
	}
	if (argc == 6 && strcmp(argv[1], "--broker") == 0)
		return (trace_broker(argc, argv));
	if (trace_in_zone())
		return (trace_ask(argc, argv));
	if (args == NULL || trace_new(&s, &e) != 0)
		return (applet_fail(NULL, "out of memory"));
	trace_on_message(s, trace_message, NULL);
	rc = parse_options(s, &o, argc, argv, args);
	if (rc >= 256)
		rc = perform(s, &o, rc >> 8, args);
	trace_free(s);
	free(args);
	return (rc < 0 ? 0 : rc);
}
