/* SPDX-License-Identifier: MIT */
/*
 * The process table: /proc read in one pass, joined with the pass before.
 *
 * /proc lists processes in ascending order of pid, and so is the last pass's table; joining the two
 * is a merge.  What a process is (its start time) decides whether the old row is the same one.
 */
#include "smartbox/kern/proctab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/file.h"

enum { DENTS_BYTES = 1 << 16, STAT_BYTES = 1024, HZ_USER = 100, MS_PER_TICK = 1000 / HZ_USER };

#define PF_KTHREAD 0x00200000u

/* What getdents64 returns; no libc header names it. */
struct dent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

int
proctab_open(struct proctab *t, struct err *e)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);

	memset(t, 0, sizeof(*t));
	t->procfd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->procfd < 0)
		return (err_sys(e, errno, "/proc"));
	zone_env_init(&t->env);
	t->ncpu = n > 0 ? (unsigned)n : 1;
	t->page_kb = (unsigned)sysconf(_SC_PAGESIZE) / 1024;
	t->mem_total_kb = (uint64_t)pages * t->page_kb;
	t->zone = calloc(1, sizeof(*t->zone));
	t->dents = malloc(DENTS_BYTES);
	if (t->zone == NULL || t->dents == NULL) {
		proctab_close(t);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	(void)snprintf(t->zone[0].name, sizeof(t->zone[0].name), "global");
	t->nzone = 1;
	return (0);
}

void
proctab_close(struct proctab *t)
{
	if (t->procfd >= 0)
		(void)close(t->procfd);
	free(t->proc);
	free(t->old);
	free(t->zone);
	free(t->dents);
	memset(t, 0, sizeof(*t));
	t->procfd = -1;
}

/* --- one line of stat ------------------------------------------------------------------------- */

enum { F_STATE = 3, F_FLAGS = 9, F_UTIME = 14, F_STIME = 15, F_PRIORITY = 18, F_NICE = 19,
	F_NLWP = 20, F_START = 22, F_VSIZE = 23, F_RSS = 24, F_CPU = 39 };

static void
copy_name(char dst[17], const char *src, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k < 16; i++)
		if (isprint((unsigned char)src[i]))
			dst[k++] = src[i];
	dst[k] = '\0';
}

/* The numbers behind the name, by field number; text fields stay 0. */
static int
scan_fields(const char *p, const char *end, int64_t field[F_CPU + 1])
{
	for (int i = F_STATE; i <= F_CPU; i++) {
		char *next;

		while (p < end && *p == ' ')
			p++;
		if (p >= end)
			return (-EILSEQ);
		if (i == F_STATE) {
			field[i] = *p++;
			continue;
		}
		field[i] = (int64_t)strtoull(p, &next, 10); /* signed ones wrap back */
		if (next == p)
			return (-EILSEQ);
		p = next;
	}
	return (0);
}

int
proc_parse_stat(const char *buf, size_t len, unsigned page_kb, struct proc *p)
{
	char line[STAT_BYTES];
	int64_t f[F_CPU + 1] = {0};
	char *open, *close;

	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	memcpy(line, buf, len);
	line[len] = '\0';
	/* The name may hold anything, also ") R 1": the last ')' ends it. */
	open = strchr(line, '(');
	close = strrchr(line, ')');
	if (open == NULL || close == NULL || close < open ||
	    scan_fields(close + 1, line + len, f) != 0)
		return (-EILSEQ);
	if ((uint64_t)f[F_FLAGS] & PF_KTHREAD)
		return (1);
	p->pid = (pid_t)strtol(line, NULL, 10);
	copy_name(p->name, open + 1, (size_t)(close - open - 1));
	p->state = (char)f[F_STATE];
	p->time_ms = (uint64_t)(f[F_UTIME] + f[F_STIME]) * MS_PER_TICK;
	p->priority = (int)f[F_PRIORITY];
	p->nice = (int)f[F_NICE];
	p->nlwp = (unsigned)f[F_NLWP];
	p->start = (uint64_t)f[F_START];
	p->size_kb = (uint64_t)f[F_VSIZE] / 1024;
	p->rss_kb = (uint64_t)f[F_RSS] * page_kb;
	p->on_cpu = (int)f[F_CPU];
	return (0);
}

void
proc_state_name(const struct proc *p, char buf[8])
{
	static const struct {
		char state;
		const char *name;
	} names[] = {{'S', "sleep"}, {'D', "sleep"}, {'T', "stop"}, {'t', "stop"}, {'Z', "zombie"},
		{'X', "zombie"}, {'I', "idle"}};

	if (p->state == 'R') {
		(void)snprintf(buf, 8, "cpu%d", p->on_cpu & 0xfff);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].state == p->state) {
			(void)snprintf(buf, 8, "%s", names[i].name);
			return;
		}
	(void)snprintf(buf, 8, "?");
}

/* --- zones ------------------------------------------------------------------------------------ */

/* Index of a zone's name, added when new; 0 (global) without memory. */
static unsigned
zone_index(struct proctab *t, const char *name, int id)
{
	struct proc_zone *v;

	for (size_t i = 0; i < t->nzone; i++)
		if (strcmp(t->zone[i].name, name) == 0)
			return ((unsigned)i);
	if ((v = realloc(t->zone, (t->nzone + 1) * sizeof(*v))) == NULL)
		return (0);
	t->zone = v;
	v = &t->zone[t->nzone];
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	v->id = id;
	return ((unsigned)t->nzone++);
}

/* Zones come and go, and a rebooted one has a new id. */
static void
refresh_zones(struct proctab *t)
{
	struct zone_list all;

	if (zone_list_all(&t->env, &all, NULL) != 0)
		return;
	for (size_t i = 1; i < t->nzone; i++)
		t->zone[i].id = -1;
	for (size_t i = 0; i < all.n; i++)
		if (all.zones[i].id > 0)
			t->zone[zone_index(t, all.zones[i].name, all.zones[i].id)].id =
			    all.zones[i].id;
	zone_list_free(&all);
}

static unsigned
zone_of(struct proctab *t, pid_t pid)
{
	char name[ZONE_NAME_MAX + 1];

	if (zone_of_pid(&t->env, pid, name) != 0 || strcmp(name, "global") == 0)
		return (0);
	return (zone_index(t, name, -1));
}

/* --- a pass ----------------------------------------------------------------------------------- */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec);
}

/* CPU of the interval since the last pass; of its life when it is new. */
static void
fill_cpu(const struct proctab *t, struct proc *p, const struct proc *old, uint64_t now)
{
	uint64_t born = p->start * (1000000000ULL / HZ_USER);
	uint64_t since = old != NULL ? t->taken_ns : born;
	uint64_t used = p->time_ms - (old != NULL ? old->time_ms : 0);
	double span_ms = now > since ? (double)(now - since) / 1e6 : 0;

	p->cpu = span_ms > 0 ? (double)used / span_ms / t->ncpu * 100 : 0;
	if (p->cpu > 100)
		p->cpu = 100; /* a tick's rounding on a short interval */
}

static int
read_stat(struct proctab *t, const char *pid, struct proc *p)
{
	char path[32], buf[STAT_BYTES];
	struct stat st;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%.16s/stat", pid);
	if ((fd = openat(t->procfd, path, O_RDONLY | O_CLOEXEC)) < 0)
		return (-errno);
	n = read(fd, buf, sizeof(buf));
	if (n > 0 && fstat(fd, &st) != 0)
		n = -1;
	(void)close(fd);
	if (n <= 0)
		return (-ESRCH);
	p->euid = st.st_uid; /* procfs gives a process's files to its effective uid */
	return (proc_parse_stat(buf, (size_t)n, t->page_kb, p));
}

static int
reserve(struct proctab *t)
{
	size_t cap = t->cap != 0 ? t->cap * 2 : 256;
	struct proc *v;

	if (t->nproc < t->cap)
		return (0);
	if ((v = realloc(t->proc, cap * sizeof(*v))) == NULL)
		return (-ENOMEM);
	t->proc = v;
	t->cap = cap;
	return (0);
}

/* The same process in the last pass, or NULL; *at walks the old table once. */
static const struct proc *
find_old(const struct proctab *t, const struct proc *p, size_t *at)
{
	while (*at < t->nold && t->old[*at].pid < p->pid)
		(*at)++;
	if (*at < t->nold && t->old[*at].pid == p->pid && t->old[*at].start == p->start)
		return (&t->old[*at]);
	return (NULL);
}

static int
add_proc(struct proctab *t, const char *pid, size_t *at, uint64_t now)
{
	const struct proc *old;
	struct proc *p;

	if (reserve(t) != 0)
		return (-ENOMEM);
	p = &t->proc[t->nproc];
	if (read_stat(t, pid, p) != 0)
		return (0); /* it ended, or is a kernel thread */
	old = find_old(t, p, at);
	p->zone = old != NULL ? old->zone : zone_of(t, p->pid);
	fill_cpu(t, p, old, now);
	t->nproc++;
	return (0);
}

static int
by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return ((x->pid > y->pid) - (x->pid < y->pid));
}

static void
swap_tables(struct proctab *t)
{
	struct proc *v = t->old;
	size_t cap = t->old_cap;

	t->old = t->proc;
	t->nold = t->nproc;
	t->old_cap = t->cap;
	t->proc = v;
	t->cap = cap;
	t->nproc = 0;
}

static int
read_directory(struct proctab *t, uint64_t now)
{
	size_t at = 0;
	long n;

	if (lseek(t->procfd, 0, SEEK_SET) != 0)
		return (-errno);
	while ((n = syscall(SYS_getdents64, t->procfd, t->dents, DENTS_BYTES)) > 0)
		for (long off = 0; off < n;) {
			const struct dent *d = (const struct dent *)(const void *)(t->dents + off);

			off += d->reclen;
			if (isdigit((unsigned char)d->name[0]) && add_proc(t, d->name, &at, now) != 0)
				return (-ENOMEM);
		}
	return (n < 0 ? -errno : 0);
}

int
proctab_update(struct proctab *t, struct err *e)
{
	uint64_t now;
	int rc;

	refresh_zones(t);
	swap_tables(t);
	now = now_ns();
	if ((rc = read_directory(t, now)) != 0)
		return (err_rc(e, rc, "/proc"));
	t->taken_ns = now;
	qsort(t->proc, t->nproc, sizeof(*t->proc), by_pid); /* in order already, as a rule */
	if (getloadavg(t->load, 3) != 3)
		memset(t->load, 0, sizeof(t->load));
	return (0);
}
