/* SPDX-License-Identifier: MIT */
/* prstat: report active process statistics. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/units.h"
#include "smartbox/kern/proctab.h"

static const char prstat_usage[] =
    "usage: prstat [-acrtZ] [-n TOP[,BOTTOM]] [-p PIDS] [-s KEY | -S KEY] [-u EUIDS]\n"
    "              [-z ZONES] [INTERVAL [COUNT]]\n"
    "Report the busiest processes, every INTERVAL seconds (default 5), COUNT times.\n"
    "  -a      add a summary per user\n"
    "  -c      print reports one below the other (as in a pipe)\n"
    "  -n N,M  at most N lines of processes and M of the summary (default 15,5)\n"
    "  -p LIST only these processes\n"
    "  -r      numbers instead of user names\n"
    "  -s KEY  sort descending by cpu (default), pri, rss, size or time\n"
    "  -S KEY  sort ascending\n"
    "  -t      only the summary per user\n"
    "  -u LIST only processes of these users\n"
    "  -z LIST only processes of these zones (names or ids)\n"
    "  -Z      add a summary per zone\n";

APPLET(prstat, "report active process statistics");

enum { LIST_MAX = 128, HEADER_LINES = 1, TOTAL_LINES = 1, INTERVAL_DEFAULT = 5 };
enum { SUMMARY_NONE, SUMMARY_USERS, SUMMARY_ZONES };

typedef int compare_fn(const void *a, const void *b);

struct options {
	compare_fn *compare;
	bool ascending, numeric, scroll, only_summary;
	int summary;
	unsigned top, bottom; /* 0: as many as the screen has room for */
	uint64_t interval, count;
	const char *pids[LIST_MAX], *users[LIST_MAX], *zones[LIST_MAX];
	size_t npids, nusers, nzones;
	uid_t uid[LIST_MAX];
};

/* --- sorting ---------------------------------------------------------------------------------- */

#define COMPARE_BY(nm, field)                                                                      \
	static int by_##nm(const void *a, const void *b)                                           \
	{                                                                                          \
		const struct proc *x = *(struct proc *const *)a, *y = *(struct proc *const *)b;    \
		if (x->field != y->field)                                                          \
			return (x->field < y->field ? 1 : -1);                                     \
		return ((x->pid > y->pid) - (x->pid < y->pid));                                    \
	}
COMPARE_BY(cpu, cpu)
COMPARE_BY(time, time_ms)
COMPARE_BY(rss, rss_kb)
COMPARE_BY(size, size_kb)

/* illumos's scale: larger is better; 0 to 59 for time sharing, 100 and more for real time. */
static int
shown_priority(const struct proc *p)
{
	if (p->priority < 0)
		return (p->priority > -2 ? 100 : 98 - p->priority);
	return (p->priority < 59 ? 59 - p->priority : 0);
}

static int
by_pri(const void *a, const void *b)
{
	const struct proc *x = *(struct proc *const *)a, *y = *(struct proc *const *)b;
	int px = shown_priority(x), py = shown_priority(y);

	return (px != py ? (px < py ? 1 : -1) : (x->pid > y->pid) - (x->pid < y->pid));
}

static const struct {
	const char *name;
	compare_fn *compare;
} keys[] = {{"cpu", by_cpu}, {"pri", by_pri}, {"rss", by_rss}, {"size", by_size},
	{"time", by_time}};

/* --- the command line ------------------------------------------------------------------------- */

static int
parse_key(struct options *o, const char *name, bool ascending)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, name) == 0) {
			o->compare = keys[i].compare;
			o->ascending = ascending;
			return (0);
		}
	return (applet_usage("invalid sort key '%s'; there are: cpu, pri, rss, size, time", name));
}

static int
split_list(char *arg, const char **v, size_t *n)
{
	char *save = NULL, *w;

	for (w = strtok_r(arg, ", ", &save); w != NULL; w = strtok_r(NULL, ", ", &save)) {
		if (*n == LIST_MAX)
			return (applet_usage("more than %d items in a list", LIST_MAX));
		v[(*n)++] = w;
	}
	return (*n != 0 ? 0 : applet_usage("empty list"));
}

static int
parse_lines(struct options *o, const char *arg)
{
	char *end;
	unsigned long top = strtoul(arg, &end, 10), bottom = 5;

	if (end == arg || !isdigit((unsigned char)arg[0]))
		return (applet_usage("illegal argument -- %s", arg));
	if (*end == ',')
		bottom = strtoul(end + 1, &end, 10);
	if (*end != '\0' || top == 0 || top > 1000000 || bottom == 0 || bottom > 1000000)
		return (applet_usage("illegal argument -- %s", arg));
	o->top = (unsigned)top;
	o->bottom = (unsigned)bottom;
	return (0);
}

static int
parse_number(const char *arg, uint64_t *out)
{
	if (units_parse_u64(arg, 1, 1000000000, out, NULL) != 0)
		return (applet_usage("illegal argument -- %s", arg));
	return (0);
}

static int
resolve_users(struct options *o)
{
	for (size_t i = 0; i < o->nusers; i++) {
		const struct passwd *pw = getpwnam(o->users[i]);
		uint64_t id;

		if (pw != NULL)
			o->uid[i] = pw->pw_uid;
		else if (units_parse_u64(o->users[i], 0, UINT32_MAX - 1, &id, NULL) == 0)
			o->uid[i] = (uid_t)id;
		else
			return (applet_fail(NULL, "unknown user '%s'", o->users[i]));
	}
	return (0);
}

static int
check_pids(const struct options *o)
{
	uint64_t v;

	for (size_t i = 0; i < o->npids; i++)
		if (units_parse_u64(o->pids[i], 0, INT32_MAX, &v, NULL) != 0)
			return (applet_usage("illegal argument -- %s", o->pids[i]));
	return (0);
}

static int
set_summary(struct options *o, int which)
{
	if (o->summary != SUMMARY_NONE && o->summary != which)
		return (applet_usage("-a, -t and -Z exclude one another"));
	o->summary = which;
	return (0);
}

static int
parse_option(struct options *o, int c)
{
	switch (c) {
	case 'a': return (set_summary(o, SUMMARY_USERS));
	case 't': o->only_summary = true; return (set_summary(o, SUMMARY_USERS));
	case 'Z': return (set_summary(o, SUMMARY_ZONES));
	case 'c': o->scroll = true; return (0);
	case 'r': o->numeric = true; return (0);
	case 'n': return (parse_lines(o, optarg));
	case 's': return (parse_key(o, optarg, false));
	case 'S': return (parse_key(o, optarg, true));
	case 'p': return (split_list(optarg, o->pids, &o->npids));
	case 'u': return (split_list(optarg, o->users, &o->nusers));
	case 'z': return (split_list(optarg, o->zones, &o->nzones));
	default: return (2);
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int c, rc = 0;

	*o = (struct options){.compare = by_cpu, .interval = INTERVAL_DEFAULT};
	while (rc == 0 && (c = applet_getopt(argc, argv, "acn:p:rs:S:tu:z:Z")) != -1)
		rc = parse_option(o, c);
	if (rc == 0 && optind < argc)
		rc = parse_number(argv[optind++], &o->interval);
	if (rc == 0 && optind < argc)
		rc = parse_number(argv[optind++], &o->count);
	if (rc == 0 && optind < argc)
		rc = applet_usage("unexpected argument '%s'", argv[optind]);
	if (rc == 0)
		rc = check_pids(o);
	return (rc != 0 ? rc : resolve_users(o));
}

/* --- choosing --------------------------------------------------------------------------------- */

static bool
wants_zone(const struct options *o, const struct proc_zone *z)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "%d", z->id);
	for (size_t i = 0; i < o->nzones; i++)
		if (strcmp(o->zones[i], z->name) == 0 || strcmp(o->zones[i], id) == 0)
			return (true);
	return (o->nzones == 0);
}

static bool
wants_pid(const struct options *o, pid_t pid)
{
	for (size_t i = 0; i < o->npids; i++)
		if (strtol(o->pids[i], NULL, 10) == pid)
			return (true);
	return (o->npids == 0);
}

static bool
wants_user(const struct options *o, uid_t uid)
{
	for (size_t i = 0; i < o->nusers; i++)
		if (o->uid[i] == uid)
			return (true);
	return (o->nusers == 0);
}

struct selection {
	struct proc **v;
	size_t n, cap;
};

static int
select_processes(const struct options *o, const struct proctab *t, struct selection *s)
{
	if (s->cap < t->nproc) {
		struct proc **v = realloc(s->v, t->nproc * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		s->v = v;
		s->cap = t->nproc;
	}
	s->n = 0;
	for (size_t i = 0; i < t->nproc; i++) {
		struct proc *p = &t->proc[i];

		if (wants_pid(o, p->pid) && wants_user(o, p->euid) &&
		    wants_zone(o, &t->zone[p->zone]))
			s->v[s->n++] = p;
	}
	qsort(s->v, s->n, sizeof(*s->v), o->compare);
	for (size_t i = 0, j = s->n; o->ascending && i + 1 < j; i++) {
		struct proc *swap = s->v[i];

		s->v[i] = s->v[--j];
		s->v[j] = swap;
	}
	return (0);
}

/* --- formatting ------------------------------------------------------------------------------- */

/* Under 10000K in K, then M, then G; five characters. */
static void
format_kb(char buf[16], uint64_t kb)
{
	if (kb < 10000)
		(void)snprintf(buf, 16, "%" PRIu64 "K", kb);
	else if (kb / 1024 < 10000)
		(void)snprintf(buf, 16, "%" PRIu64 "M", (kb + 512) / 1024);
	else
		(void)snprintf(buf, 16, "%" PRIu64 "G", (kb / 1024 + 512) / 1024);
}

/* Three characters: "0.3", "9.9", " 42", "100". */
static void
format_percent(char buf[16], double v)
{
	if (v > 100)
		v = 100;
	(void)snprintf(buf, 16, v < 9.95 ? "%3.1f" : "%3.0f", v);
}

static void
format_time(char buf[32], uint64_t ms)
{
	uint64_t s = ms / 1000;

	(void)snprintf(buf, 32, "%3" PRIu64 ":%02u:%02u", s / 3600, (unsigned)(s % 3600 / 60),
	    (unsigned)(s % 60));
}

/* Names of users, found once: a report asks for the same few again and again. */
static const char *
user_name(uid_t uid, bool numeric)
{
	static struct {
		uid_t uid;
		bool used;
		char name[9];
	} cache[256];
	size_t slot = uid % 256;
	const struct passwd *pw;

	if (cache[slot].used && cache[slot].uid == uid)
		return (cache[slot].name);
	pw = numeric ? NULL : getpwuid(uid);
	cache[slot].used = true;
	cache[slot].uid = uid;
	if (pw != NULL)
		(void)snprintf(cache[slot].name, sizeof(cache[slot].name), "%s", pw->pw_name);
	else
		(void)snprintf(cache[slot].name, sizeof(cache[slot].name), "%u", (unsigned)uid);
	return (cache[slot].name);
}

static void
print_process(struct buf *b, const struct options *o, const struct proc *p)
{
	char size[16], rss[16], time[32], cpu[16], state[8], nice[8];

	format_kb(size, p->size_kb);
	format_kb(rss, p->rss_kb);
	format_time(time, p->time_ms);
	format_percent(cpu, p->cpu);
	proc_state_name(p, state);
	if (p->priority < 0 || p->state == 'Z')
		(void)snprintf(nice, sizeof(nice), "-");
	else
		(void)snprintf(nice, sizeof(nice), "%d", p->nice);
	buf_printf(b, "%6d %-8s %5s %5s %-6s %3d  %3s %9s %3s%% %.16s/%u\n", (int)p->pid,
	    user_name(p->euid, o->numeric), size, rss, state, shown_priority(p), nice, time, cpu,
	    p->name, p->nlwp);
}

static const char process_header[] =
    "   PID USERNAME  SIZE   RSS STATE  PRI NICE      TIME  CPU PROCESS/NLWP";
static const char user_header[] =
    " NPROC USERNAME  SWAP   RSS MEMORY      TIME  CPU";
static const char zone_header[] =
    "ZONEID    NPROC  SWAP   RSS MEMORY      TIME  CPU ZONE";

/* --- summaries -------------------------------------------------------------------------------- */

struct sum {
	uint64_t key; /* uid or index of the zone */
	uint64_t nproc, size_kb, rss_kb, time_ms;
	double cpu;
};

struct sums {
	struct sum *v;
	size_t n, cap;
};

static struct sum *
sum_for(struct sums *s, uint64_t key)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].key == key)
			return (&s->v[i]);
	if (s->n == s->cap) {
		size_t cap = s->cap != 0 ? s->cap * 2 : 32;
		struct sum *v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL)
			return (NULL);
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n] = (struct sum){.key = key};
	return (&s->v[s->n++]);
}

static int
by_sum_cpu(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	if (x->cpu != y->cpu)
		return (x->cpu < y->cpu ? 1 : -1);
	if (x->rss_kb != y->rss_kb)
		return (x->rss_kb < y->rss_kb ? 1 : -1);
	return ((x->key > y->key) - (x->key < y->key));
}

static int
add_up(const struct selection *sel, bool zones, struct sums *s)
{
	s->n = 0;
	for (size_t i = 0; i < sel->n; i++) {
		const struct proc *p = sel->v[i];
		struct sum *u = sum_for(s, zones ? p->zone : p->euid);

		if (u == NULL)
			return (-ENOMEM);
		u->nproc++;
		u->size_kb += p->size_kb;
		u->rss_kb += p->rss_kb;
		u->time_ms += p->time_ms;
		u->cpu += p->cpu;
	}
	qsort(s->v, s->n, sizeof(*s->v), by_sum_cpu);
	return (0);
}

/* From the zone's cgroup, where a page counts once; else the sum of RSS. */
static uint64_t
zone_rss_kb(const struct proctab *t, const struct sum *s)
{
	uint64_t bytes;

	if (s->key == 0 || zone_memory_used(&t->env, t->zone[s->key].name, &bytes) != 0)
		return (s->rss_kb);
	return (bytes / 1024);
}

static void
print_sum(struct buf *b, const struct options *o, const struct proctab *t, const struct sum *s)
{
	bool zones = o->summary == SUMMARY_ZONES;
	uint64_t rss_kb = zones ? zone_rss_kb(t, s) : s->rss_kb;
	char swap[16], rss[16], mem[16], time[32], cpu[16];

	format_kb(swap, s->size_kb);
	format_kb(rss, rss_kb);
	format_percent(mem, t->mem_total_kb != 0 ? (double)rss_kb * 100 / (double)t->mem_total_kb : 0);
	format_time(time, s->time_ms);
	format_percent(cpu, s->cpu);
	if (zones)
		buf_printf(b, "%6d %8" PRIu64 " %5s %5s   %3s%% %9s %3s%% %s\n",
		    t->zone[s->key].id, s->nproc, swap, rss, mem, time, cpu, t->zone[s->key].name);
	else
		buf_printf(b, "%6" PRIu64 " %-8s %5s %5s   %3s%% %9s %3s%%\n", s->nproc,
		    user_name((uid_t)s->key, o->numeric), swap, rss, mem, time, cpu);
}

/* --- the report ------------------------------------------------------------------------------- */

struct screen {
	bool full;
	unsigned rows;
	struct termios saved;
};

/* How many lines each part may take. */
static void
share_lines(const struct options *o, const struct screen *s, unsigned *top, unsigned *bottom)
{
	unsigned room;

	*top = o->top != 0 ? o->top : 15;
	*bottom = o->top != 0 ? o->bottom : 5;
	if (!s->full || o->top != 0)
		return;
	room = s->rows > 3 ? s->rows - 3 : 1;
	*top = o->summary == SUMMARY_NONE ? room : room - room / 4 - 1;
	*bottom = o->summary == SUMMARY_NONE ? 0 : room / 4;
}

static void
print_header(struct buf *b, const struct screen *s, const char *text)
{
	buf_printf(b, s->full ? "\033[4m%s\033[24m\n" : "%s\n", text);
}

static void
print_summary(struct buf *b, const struct options *o, const struct proctab *t,
    const struct selection *sel, struct sums *sums, const struct screen *s, unsigned lines)
{
	bool zones = o->summary == SUMMARY_ZONES;

	if (add_up(sel, zones, sums) != 0)
		return;
	print_header(b, s, zones ? zone_header : user_header);
	for (size_t i = 0; i < sums->n && i < lines; i++)
		print_sum(b, o, t, &sums->v[i]);
}

static void
print_total(struct buf *b, const struct proctab *t, const struct selection *sel)
{
	uint64_t lwps = 0;

	for (size_t i = 0; i < sel->n; i++)
		lwps += sel->v[i]->nlwp;
	buf_printf(b, "Total: %zu processes, %" PRIu64 " lwps, load averages: %3.2f, %3.2f, %3.2f\n",
	    sel->n, lwps, t->load[0], t->load[1], t->load[2]);
}

/* On a screen each line ends by erasing the rest of an older, longer one. */
static void
write_frame(const struct buf *b, const struct screen *s)
{
	const char *p = b->data, *nl;

	if (!s->full) {
		(void)fwrite(b->data, 1, b->len, stdout);
		(void)fflush(stdout);
		return;
	}
	(void)fputs("\033[H", stdout);
	for (; (nl = strchr(p, '\n')) != NULL; p = nl + 1)
		(void)printf("%.*s\033[K\n", (int)(nl - p), p);
	(void)fputs("\033[J", stdout);
	(void)fflush(stdout);
}

static int
report(const struct options *o, const struct proctab *t, struct selection *sel, struct sums *sums,
    const struct screen *s)
{
	struct buf b = BUF_INIT;
	unsigned top, bottom;

	if (select_processes(o, t, sel) != 0)
		return (-ENOMEM);
	share_lines(o, s, &top, &bottom);
	if (!o->only_summary) {
		print_header(&b, s, process_header);
		for (size_t i = 0; i < sel->n && i < top; i++)
			print_process(&b, o, sel->v[i]);
	}
	if (o->summary != SUMMARY_NONE)
		print_summary(&b, o, t, sel, sums, s, o->only_summary ? top : bottom);
	print_total(&b, t, sel);
	if (!buf_failed(&b))
		write_frame(&b, s);
	buf_free(&b);
	return (0);
}

/* --- the screen ------------------------------------------------------------------------------- */

static volatile sig_atomic_t ended;

static void
on_end(int signo)
{
	(void)signo;
	ended = 1;
}

static void
screen_size(struct screen *s)
{
	struct winsize ws;

	s->rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row != 0)
		s->rows = ws.ws_row;
}

static void
screen_begin(struct screen *s)
{
	struct sigaction sa = {.sa_handler = on_end};
	struct termios raw;

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	if (!s->full)
		return;
	if (tcgetattr(STDIN_FILENO, &s->saved) == 0) {
		raw = s->saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	(void)fputs("\033[?1049h\033[?25l", stdout);
}

static void
screen_end(struct screen *s)
{
	if (!s->full)
		return;
	(void)fputs("\033[?25h\033[?1049l", stdout);
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
}

/* Sleep until `deadline`, or a `q` on the terminal; true when it is time to end. */
static bool
wait_until(const struct screen *s, struct timespec deadline)
{
	while (!ended) {
		struct pollfd pfd = {s->full ? STDIN_FILENO : -1, POLLIN, 0};
		struct timespec now;
		long ms;
		char c;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (deadline.tv_sec - now.tv_sec) * 1000 +
		    (deadline.tv_nsec - now.tv_nsec) / 1000000;
		if (ms <= 0)
			return (false);
		if (poll(&pfd, 1, (int)ms) > 0 && (read(STDIN_FILENO, &c, 1) != 1 || c == 'q'))
			return (true);
	}
	return (true);
}

static int
run(const struct options *o, struct proctab *t, struct screen *s, struct err *e)
{
	struct selection sel = {NULL, 0, 0};
	struct sums sums = {NULL, 0, 0};
	struct timespec next;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t i = 0; rc == 0 && (o->count == 0 || i < o->count); i++) {
		if (i != 0) {
			next.tv_sec += (time_t)o->interval;
			if (wait_until(s, next))
				break;
		}
		screen_size(s);
		if ((rc = proctab_update(t, e)) == 0 && report(o, t, &sel, &sums, s) != 0)
			rc = err_set(e, ENOMEM, "out of memory");
	}
	free(sel.v);
	free(sums.v);
	return (rc);
}

static int
prstat_main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct screen s = {.full = false};
	struct options o;
	struct proctab t;
	int rc = parse_options(argc, argv, &o);

	if (rc != 0)
		return (rc);
	if (proctab_open(&t, &e) != 0)
		return (applet_fail_plain(&e));
	s.full = !o.scroll && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	screen_begin(&s);
	rc = run(&o, &t, &s, &e);
	screen_end(&s);
	proctab_close(&t);
	return (rc != 0 ? applet_fail_plain(&e) : 0);
}
