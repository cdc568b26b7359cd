/* SPDX-License-Identifier: MIT */
/*
 * Tracing in a zone: the client inside, the broker outside.
 *
 *	client                                          broker (started by the zone's supervisor)
 *	  | --- header, items: options, sources ... ---> | judged one by one (trace/scope.h), compiled
 *	  | --- a byte and a process's credentials ----> | for each -p and -c: the kernel says which it is
 *	  | <-- a byte and two pipes ------------------- | its standard output and error
 *	  | <-- "r": everything is attached ------------ |
 *	  | --- "q", or the end of the connection -----> | the tracing ends
 *	  | <-- "x" and the exit status ---------------- |
 *
 * The client runs what is the zone's business with the zone's own rights: it reads scripts, runs cpp and the
 * command of -c, writes the output.  No descriptor ever comes out of the zone, and of names only processes, as
 * credentials that the kernel has checked.  Everything else that comes is text with a bounded length.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/fdpass.h"
#include "smartbox/core/file.h"
#include "smartbox/core/units.h"
#include "trace_impl.h"

#define DOOR "/dev/zone/trace"

enum { MAGIC = 0x31435254, REQUEST_MAX = 1 << 20, ITEMS_MAX = 512 };

struct head {
	uint32_t magic, len; /* of all items */
};

/* Letters as of the command line; 'a': an argument of the script; 's': its name, NUL, its text. */
struct item {
	uint32_t kind, len;
};

/* --- the client ---------------------------------------------------------------------------------- */

struct client {
	struct buf request;
	struct options o;
	pid_t child[MAX_COMMANDS];
	int nchildren;
	int s, out, pipe[2];
	bool listed, quit, ready;
	int status; /* -1: not told */
};

bool
trace_in_zone(void)
{
	struct stat st;

	return (stat(DOOR, &st) == 0 && S_ISSOCK(st.st_mode));
}

static void
add_item(struct client *c, int kind, const char *text, size_t len)
{
	struct item i = {(uint32_t)kind, (uint32_t)len};

	buf_add(&c->request, &i, sizeof(i));
	buf_add(&c->request, text, len);
}

static void
add_word(struct client *c, int kind, const char *word)
{
	add_item(c, kind, word, strlen(word));
}

static int
add_script(struct client *c, const char *path)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char *text;
	size_t len;

	if (trace_read_script(&c->o, path, &text, &len, &e) != 0)
		return (applet_fail_plain(&e));
	buf_add(&b, path, strlen(path) + 1);
	buf_add(&b, text, strlen(text));
	if (!buf_failed(&b))
		add_item(c, 's', b.data, b.len);
	buf_free(&b);
	free(text);
	return (0);
}

/* Started stopped behind its exec, as a victim of the tracer outside is. */
static int
start_command(struct client *c, const char *cmd)
{
	char *copy = strdup(cmd), *argv[256], *save = NULL;
	int n = 0, st;
	pid_t pid;

	if (copy == NULL || c->nchildren == MAX_COMMANDS)
		return (applet_fail(NULL, "too many commands"));
	for (char *w = strtok_r(copy, " \t\n", &save); w != NULL && n < 255;
	    w = strtok_r(NULL, " \t\n", &save))
		argv[n++] = w;
	argv[n] = NULL;
	if ((pid = fork()) == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (n > 0)
			(void)execvp(argv[0], argv);
		_exit(127);
	}
	free(copy);
	if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st))
		return (applet_fail(NULL, "failed to execute %s: No such file or directory", cmd));
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
	c->child[c->nchildren++] = pid;
	return (0);
}

static int
add_process(struct client *c, int pid)
{
	char text[16];

	if (c->o.npids == MAX_COMMANDS)
		return (applet_fail(NULL, "too many processes"));
	c->o.pids[c->o.npids++] = pid;
	(void)snprintf(text, sizeof(text), "%d", pid);
	add_word(c, 'p', text);
	return (0);
}

static int
client_option(struct client *c, int opt, char *arg)
{
	static const char *const flags[][2] = {{"q", "quiet"}, {"w", "destructive"},
	    {"F", "flowindent"}, {"Z", "zdefs"}};
	char text[300];
	uint64_t pid;

	for (int i = 0; i < 4; i++)
		if (opt == flags[i][0][0]) {
			add_word(c, 'x', flags[i][1]);
			return (0);
		}
	switch (opt) {
	case 'P': case 'm': case 'f': case 'n': case 'i': case 'x':
		c->listed |= opt != 'x';
		add_word(c, opt, arg);
		return (0);
	case 's':
		c->listed = true;
		return (add_script(c, arg));
	case 'b':
		(void)snprintf(text, sizeof(text), "bufsize=%s", arg);
		add_word(c, 'x', text);
		return (0);
	case 'l': case 'e': case 'v':
		c->listed |= opt == 'l';
		add_word(c, opt, "");
		return (0);
	case 'c':
		return (start_command(c, arg) != 0 ? 1 : add_process(c, c->child[c->nchildren - 1]));
	case 'p':
		if (units_parse_u64(arg, 1, INT32_MAX, &pid, NULL) != 0)
			return (applet_fail(NULL, "invalid pid: %s", arg));
		return (add_process(c, (int)pid));
	case 'o': c->o.out = arg; return (0);
	case 'C': c->o.cpp = true; return (0);
	case 'D': case 'I': case 'U': return (trace_cpp_arg(&c->o, opt, arg));
	case 'V': c->o.version = true; return (0);
	case 'X': return (0);
	default: return (applet_fail(NULL, "-%c is not permitted in a zone", opt));
	}
}

static int
client_options(struct client *c, int argc, char **argv)
{
	int opt, rc;

	optind = 1;
	while (optind < argc) {
		if (strncmp(argv[optind], "--", 2) == 0 && argv[optind][2] != '\0')
			return (applet_fail(NULL, "%s is not permitted in a zone", argv[optind]));
		opt = applet_getopt(argc, argv, trace_options);
		if (opt == '?')
			return (2);
		if (opt == -1 && optind < argc)
			add_word(c, 'a', argv[optind++]);
		else if (opt != -1 && (rc = client_option(c, opt, optarg)) != 0)
			return (rc);
	}
	if (!c->listed && !c->o.version)
		return (applet_fail(NULL, "no probes specified"));
	return (0);
}

/* One byte with one process's number, which the kernel translates for the receiver. */
static bool
send_process(int s, int pid)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} u;
	struct ucred cr = {pid, getuid(), getgid()};
	struct iovec iov = {(void *)(uintptr_t) "p", 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
	    .msg_controllen = sizeof(u)};

	memset(&u, 0, sizeof(u));
	u.h.cmsg_level = SOL_SOCKET;
	u.h.cmsg_type = SCM_CREDENTIALS;
	u.h.cmsg_len = CMSG_LEN(sizeof(cr));
	memcpy(CMSG_DATA(&u.h), &cr, sizeof(cr));
	return (sendmsg(s, &m, MSG_NOSIGNAL) == 1);
}

/* The answer to the request: a byte and the two pipes. */
static bool
take_pipes(struct client *c)
{
	char byte;

	return (fd_recv(c->s, &byte, 1, c->pipe, 2, 0) == 1 && c->pipe[1] >= 0);
}

static int
ask(struct client *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = DOOR};
	struct head h = {MAGIC, (uint32_t)c->request.len};

	c->s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->s < 0 || connect(c->s, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		return (applet_fail(NULL, DOOR ": %s", strerror(errno)));
	if (c->request.len > REQUEST_MAX)
		return (applet_fail(NULL, "the program is too long"));
	if (io_write_full(c->s, &h, sizeof(h)) != 0 ||
	    io_write_full(c->s, c->request.data, c->request.len) != 0)
		return (applet_fail(NULL, "the zone's supervisor does not listen (too many tracers?)"));
	for (int i = 0; i < c->o.npids; i++)
		if (!send_process(c->s, c->o.pids[i]))
			return (applet_fail(NULL, "failed to grab pid %d: %s", c->o.pids[i],
			    errno == EPERM || errno == ESRCH ? "No such process" : strerror(errno)));
	if (!take_pipes(c))
		return (applet_fail(NULL, "the zone's supervisor does not trace (too many tracers?)"));
	return (0);
}

static volatile sig_atomic_t signals;

static void
on_signal(int sig)
{
	signals += sig != SIGCHLD;
}

/* Copy what has come; false: nothing more will. */
static bool
copy(int from, int to)
{
	char chunk[16384];
	ssize_t n = read(from, chunk, sizeof(chunk));

	if (n > 0)
		(void)io_write_full(to, chunk, (size_t)n);
	return (n > 0 || (n < 0 && errno == EINTR));
}

static void
let_go(struct client *c)
{
	for (int i = 0; i < c->nchildren; i++) {
		(void)ptrace(PTRACE_SETOPTIONS, c->child[i], NULL, 0);
		(void)ptrace(PTRACE_DETACH, c->child[i], NULL, 0);
	}
}

static void
on_control(struct client *c)
{
	unsigned char b[2];
	ssize_t n = recv(c->s, b, 1, 0);

	if (n == 1 && b[0] == 'r') {
		let_go(c);
		c->ready = true;
	} else if (n == 1 && b[0] == 'x' && recv(c->s, b + 1, 1, 0) == 1) {
		c->status = b[1];
	} else if (n == 0 || (n < 0 && errno != EINTR)) {
		(void)close(c->s);
		c->s = -1;
	}
}

static void
relay(struct client *c)
{
	while (c->pipe[0] >= 0 || c->pipe[1] >= 0) {
		struct pollfd p[3] = {{c->pipe[0], POLLIN, 0}, {c->pipe[1], POLLIN, 0},
		    {c->s, POLLIN, 0}};

		if (signals > 0 && !c->quit && c->s >= 0) {
			c->quit = true;
			(void)send(c->s, "q", 1, MSG_NOSIGNAL);
		}
		if (signals > 1)
			break;
		if (poll(p, 3, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (p[i].revents != 0 && !copy(c->pipe[i], i == 0 ? c->out : STDERR_FILENO)) {
				(void)close(c->pipe[i]);
				c->pipe[i] = -1;
			}
		if (p[2].revents != 0)
			on_control(c);
	}
	while (c->s >= 0 && c->status < 0)
		on_control(c);
}

int
trace_ask(int argc, char **argv)
{
	struct client c = {.request = BUF_INIT, .s = -1, .out = STDOUT_FILENO, .pipe = {-1, -1},
	    .status = -1};
	struct sigaction sa = {.sa_handler = on_signal};
	int rc = client_options(&c, argc, argv);

	if (rc != 0)
		return (rc);
	if (c.o.version)
		return (printf("dtrace: smartbox D 1.6.3\n") > 0 ? 0 : 1);
	if (c.o.out != NULL &&
	    (c.out = open(c.o.out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
		return (applet_fail(NULL, "failed to open %s: %s", c.o.out, strerror(errno)));
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	if ((rc = ask(&c)) == 0) {
		relay(&c);
		rc = c.status >= 0 ? c.status : applet_fail(NULL, "the tracer was ended from outside");
	}
	buf_free(&c.request);
	return (rc);
}

/* --- the broker ---------------------------------------------------------------------------------- */

enum { CONTROL = 3, COMPILE_SECONDS = 20, PATIENCE_SECONDS = 10 };

struct broker {
	struct options o;
	char *request;
	size_t len;
	const char *args[ITEMS_MAX];
	int nargs;
	int inside[MAX_COMMANDS];
};

static void
keep_capabilities(bool attaching)
{
	static const unsigned char kept[] = {CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF,
	    CAP_CHECKPOINT_RESTORE};
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	for (size_t i = 0; i < sizeof(kept); i++)
		d[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
	if (attaching || prctl(PR_CAPBSET_READ, CAP_BPF, 0, 0, 0) < 0)
		d[0].permitted |= 1u << CAP_SYS_ADMIN;
	d[0].effective = d[0].permitted;
	d[1].effective = d[1].permitted;
	(void)syscall(SYS_capset, &h, d);
}

/*
 * What is left to root here: programs in the kernel, looking at processes.  Breakpoints in programs want
 * CAP_SYS_ADMIN, which is given up when they are set (and kernels without CAP_BPF want it to the end).
 */
static void
narrow(bool breakpoints)
{
	struct rlimit none = {0, 0}, files = {256, 256}, memory = {1ull << 30, 1ull << 30};
	struct rlimit locked = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &locked);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_FSIZE, &none);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)setrlimit(RLIMIT_AS, &memory);
	keep_capabilities(breakpoints);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void
attached(void)
{
	(void)alarm(0);
	keep_capabilities(false);
	(void)send(CONTROL, "r", 1, MSG_NOSIGNAL);
}

static int
take_request(struct broker *b)
{
	struct timeval patience = {PATIENCE_SECONDS, 0};
	struct head h;

	(void)setsockopt(CONTROL, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(CONTROL, &h, sizeof(h), MSG_WAITALL) != sizeof(h) || h.magic != MAGIC ||
	    h.len > REQUEST_MAX || (b->request = malloc(h.len + 1)) == NULL ||
	    recv(CONTROL, b->request, h.len, MSG_WAITALL) != (ssize_t)h.len)
		return (-EPROTO);
	b->len = h.len;
	return (0);
}

/* The process that came with this byte, as it is called here; 0: none. */
static int
take_process(void)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} u;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
	    .msg_controllen = sizeof(u)};
	struct ucred cr = {0};

	if (recvmsg(CONTROL, &m, MSG_CMSG_CLOEXEC) != 1 || m.msg_controllen < sizeof(u.h) ||
	    u.h.cmsg_type != SCM_CREDENTIALS || u.h.cmsg_len != CMSG_LEN(sizeof(cr)))
		return (0);
	memcpy(&cr, CMSG_DATA(&u.h), sizeof(cr));
	return (cr.pid);
}

static int
set_option(struct session *s, char *text)
{
	char *value = strchr(text, '=');
	struct err e = ERR_INIT;

	if (value != NULL)
		*value++ = '\0';
	if (trace_option(s, text, value, &e) == 0)
		return (0);
	return (applet_fail(&e, "failed to set -x %s", text));
}

static int
add_source(struct broker *b, int opt, const char *text, size_t len)
{
	const char *body = opt == 's' ? memchr(text, '\0', len) : NULL;

	if (b->o.nsrc == MAX_SOURCES || (opt == 's' && body == NULL))
		return (applet_fail(NULL, "too many programs"));
	b->o.src[b->o.nsrc++] = (struct source){opt, text, body != NULL ? body + 1 : NULL};
	if (opt == 's')
		b->args[0] = text;
	return (0);
}

/* One item; its text ends with a NUL that was put there. */
static int
take_item(struct broker *b, struct session *s, uint32_t kind, char *text, size_t len)
{
	uint64_t pid;

	switch (kind) {
	case 'x': return (set_option(s, text));
	case 'l': b->o.list = true; return (0);
	case 'e': b->o.compile_only = true; return (0);
	case 'v': b->o.verbose = true; return (0);
	case 'P': case 'm': case 'f': case 'n': case 'i': case 's':
		return (add_source(b, (int)kind, text, len));
	case 'a':
		if (b->nargs == ITEMS_MAX - 1)
			return (applet_fail(NULL, "too many arguments"));
		b->args[b->nargs++] = text;
		return (0);
	case 'p':
		if (b->o.npids == MAX_COMMANDS ||
		    units_parse_u64(text, 1, INT32_MAX, &pid, NULL) != 0)
			return (applet_fail(NULL, "invalid pid: %s", text));
		b->inside[b->o.npids++] = (int)pid;
		return (0);
	default:
		return (applet_fail(NULL, "unknown request"));
	}
}

/* Items are moved down over their heads, so that each can end with a NUL. */
static int
take_items(struct broker *b, struct session *s)
{
	char *at = b->request;
	size_t left = b->len;
	struct item i;
	int rc = 0;

	b->nargs = 1;
	b->args[0] = applet_name();
	while (rc == 0 && left >= sizeof(i)) {
		memcpy(&i, at, sizeof(i));
		left -= sizeof(i);
		if (i.len > left)
			return (applet_fail(NULL, "damaged request"));
		memmove(at, at + sizeof(i), i.len);
		at[i.len] = '\0';
		rc = take_item(b, s, i.kind, at, i.len);
		at += sizeof(i) + i.len;
		left -= i.len;
	}
	return (rc);
}

static int
take_processes(struct broker *b, struct session *s)
{
	int outside[MAX_COMMANDS], npids = b->o.npids, rc = 0;
	struct err e = ERR_INIT;

	for (int i = 0; i < npids; i++)
		if ((outside[i] = take_process()) <= 0)
			return (applet_fail(NULL, "failed to grab pid %d: No such process", b->inside[i]));
	for (int i = 0; i < npids && rc == 0; i++)
		if (trace_confined_pid(s, b->inside[i], outside[i], &e) != 0)
			rc = applet_fail_plain(&e);
	b->o.npids = 0; /* grabbed */
	return (rc);
}

/* Our standard output and error go to the client; its ends are made here, none of its come in. */
static bool
give_pipes(void)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		return (false);
	if (fd_send(CONTROL, "p", 1, (int[]){out[0], err[0]}, 2, 0) != 1 || dup2(out[1], STDOUT_FILENO) < 0 ||
	    dup2(err[1], STDERR_FILENO) < 0)
		return (false);
	for (int i = 0; i < 2; i++) {
		(void)close(out[i]);
		(void)close(err[i]);
	}
	return (true);
}

/* From now on a word of the client, or its end, interrupts the wait for records. */
static void
heed_client(void)
{
	(void)signal(SIGIO, SIG_IGN); /* until the applet's handler is there; it looks at the socket itself */
	(void)fcntl(CONTROL, F_SETOWN, getpid());
	(void)fcntl(CONTROL, F_SETFL, fcntl(CONTROL, F_GETFL) | O_ASYNC);
}

static int
serve(struct broker *b, const struct trace_grant *g)
{
	struct err e = ERR_INIT;
	struct session *s;
	int rc;

	if (trace_new(&s, &e) != 0)
		return (applet_fail_plain(&e));
	trace_on_message(s, trace_message, NULL);
	rc = trace_confine(s, g, &e) != 0 ? applet_fail_plain(&e) : take_items(b, s);
	if (rc == 0)
		rc = take_processes(b, s);
	if (rc == 0) {
		heed_client();
		rc = trace_perform(s, &b->o, b->nargs, b->args);
	}
	trace_free(s);
	return (rc);
}

int
trace_broker(int argc, char **argv)
{
	struct trace_grant g = {.user = strstr(argv[4], "user") != NULL,
	    .proc = strstr(argv[4], "proc") != NULL};
	static struct broker b;
	uint64_t init, base;
	unsigned char end[2] = {'x', 1};
	int on = 1;

	(void)argc;
	g.name = argv[5];
	if (units_parse_u64(argv[2], 1, INT32_MAX, &init, NULL) != 0 ||
	    units_parse_u64(argv[3], 1, UINT32_MAX, &base, NULL) != 0)
		return (2);
	g.init_pid = (int)init;
	g.id_base = (uint32_t)base;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setsockopt(CONTROL, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	narrow(g.proc);
	if (take_request(&b) != 0 || !give_pipes())
		return (1);
	b.o.control = CONTROL;
	b.o.attached = attached;
	(void)alarm(COMPILE_SECONDS);
	end[1] = (unsigned char)serve(&b, &g);
	(void)fflush(stdout);
	(void)send(CONTROL, end, sizeof(end), MSG_NOSIGNAL);
	return (end[1]);
}
