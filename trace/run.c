/* SPDX-License-Identifier: MIT */
/* A session's second half: maps, programs, attaching, the wait for records, the end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

/* --- maps -------------------------------------------------------------------------------------- */

/* Does a probe that fires while tracing is on make records? */
static bool
records_events(const struct session *s)
{
	for (unsigned i = 0; i < s->nenabled; i++) {
		const struct probe *p = s->enabled[i];

		for (unsigned k = 0; p->prov != &prov_dtrace && k < s->nunits; k++)
			if ((p->mask[k / 64] >> (k % 64) & 1) != 0 && s->units[k]->datarec)
				return (true);
	}
	return (false);
}

static uint32_t
ring_size(const struct session *s)
{
	enum { KEPT_MIN = 1 << 20 }; /* where records are kept elsewhere, or are faults alone */
	uint64_t want = s->opt.v[O_BUFSIZE] * s->im.ncpus, size = 4096;

	if (s->opt.v[O_BUFPOLICY] != POLICY_SWITCH && want < KEPT_MIN)
		want = KEPT_MIN;
	else if (want > KEPT_MIN && !records_events(s))
		want = KEPT_MIN;
	if (want > 256 << 20)
		want = 256 << 20;
	while (size < want)
		size *= 2;
	return ((uint32_t)size);
}

static void
size_maps(struct session *s)
{
	struct image *im = &s->im;

	im->maps[M_GLOBALS].value = im->globals != 0 ? im->globals : 8;
	im->maps[M_SLOTS].value = (im->key_off + im->key_max + 2048 + 63) & ~63u;
	im->maps[M_SLOTS].entries = im->ncpus * SLOTS_PER_CPU;
	im->maps[M_RODATA].value = im->rodata_len;
	im->maps[M_RODATA].flags = BPF_F_RDONLY_PROG;
	im->maps[M_RING].entries = ring_size(s);
	im->maps[M_ROWS].entries = im->maps[M_PROBES].entries = s->nenabled != 0 ? s->nenabled : 1;
}

static int
create_maps(struct session *s, struct err *e)
{
	for (unsigned i = 0; i < s->im.nmaps; i++) {
		struct mapdef *m = &s->im.maps[i];

		m->fd = bpf_map_create(m->type, m->key, m->value, m->entries, m->flags, m->name, e);
		if (m->fd < 0)
			return (m->fd);
	}
	return (0);
}

void
session_close_maps(struct session *s)
{
	ring_close(&s->ring);
	if (s->state != NULL)
		(void)munmap(s->state, sizeof(*s->state));
	s->state = NULL;
	for (unsigned i = 0; i < s->im.nmaps; i++)
		if (s->im.maps[i].fd >= 0)
			(void)close(s->im.maps[i].fd);
	s->im.nmaps = 0;
}

static void
copy_name(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	memcpy(dst, src, n < size ? n : size - 1);
}

/* The memory of an array map, to be filled without a system call per element. */
static void *
map_memory(struct session *s, enum map_id id, size_t *size)
{
	const struct mapdef *m = &s->im.maps[id];
	void *p;

	*size = (size_t)m->value * m->entries;
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	return (p != MAP_FAILED ? p : NULL);
}

static int
fill_rows(struct session *s)
{
	size_t rows_size, names_size;
	struct rowdef *rows = map_memory(s, M_ROWS, &rows_size);
	struct probe_names *names = map_memory(s, M_PROBES, &names_size);
	bool ok = rows != NULL && names != NULL;

	for (unsigned i = 0; ok && i < s->nenabled; i++) {
		const struct probe *p = s->enabled[i];

		rows[i].probe = p->id;
		rows[i].index = p->row;
		memcpy(rows[i].mask, p->mask, sizeof(p->mask));
		copy_name(names[i].prov, sizeof(names[i].prov), p->provname);
		copy_name(names[i].mod, sizeof(names[i].mod), p->mod);
		copy_name(names[i].func, sizeof(names[i].func), p->func);
		copy_name(names[i].name, sizeof(names[i].name), p->name);
	}
	if (rows != NULL)
		(void)munmap(rows, rows_size);
	if (names != NULL)
		(void)munmap(names, names_size);
	return (ok ? 0 : -ENOMEM);
}

static int64_t
wall_offset(void)
{
	struct timespec r, m;

	(void)clock_gettime(CLOCK_MONOTONIC, &m);
	(void)clock_gettime(CLOCK_REALTIME, &r);
	return ((int64_t)(r.tv_sec - m.tv_sec) * 1000000000 + (r.tv_nsec - m.tv_nsec));
}

static int
fill_maps(struct session *s, struct err *e)
{
	uint32_t zero = 0;
	int rc;

	rc = bpf_update(s->im.maps[M_RODATA].fd, &zero, s->im.rodata, BPF_ANY);
	if (rc == 0)
		rc = bpf_freeze(s->im.maps[M_RODATA].fd);
	if (rc == 0)
		rc = fill_rows(s);
	if (rc != 0)
		return (err_sys(e, -rc, "filling maps"));
	s->state = mmap(NULL, sizeof(*s->state), PROT_READ | PROT_WRITE, MAP_SHARED,
	    s->im.maps[M_STATE].fd, 0);
	if (s->state == MAP_FAILED) {
		s->state = NULL;
		return (err_sys(e, errno, "state map"));
	}
	s->state->wall_offset = wall_offset();
	return (ring_open(&s->ring, s->im.maps[M_RING].fd, s->im.maps[M_RING].entries, e));
}

/* --- programs ---------------------------------------------------------------------------------- */

struct generated {
	struct gen g;
	struct target *t;
};

static void
relocate(struct session *s, struct basm *b)
{
	for (unsigned i = 0; i < b->nmaps; i++)
		b->v[b->maps[i].insn].imm = s->im.maps[b->maps[i].map].fd;
}

/* The verifier's words are for us, not for the operator: one line says what happened. */
static int
load_failed(struct session *s, const struct target *t, const struct bpf_load *l, int rc, struct err *e)
{
	const char *log = l->log != NULL ? l->log : "", *last = log + strlen(log);

	if (s->opt.v[O_BPFLOG] != 0 || s->opt.v[O_VERBOSE] != 0)
		session_message(s, "BPF verifier log for %s:\n%.1900s", t->label,
		    strlen(log) > 1800 ? last - 1800 : log);
	if (rc == -EPERM)
		return (err_set(e, EPERM, "loading %s needs CAP_BPF and CAP_PERFMON", t->label));
	return (err_sys(e, -rc, "could not enable tracing: BPF program for %s was refused "
	    "(-xverbose shows why)", t->label));
}

static int
load(struct session *s, struct generated *gd, struct err *e)
{
	struct bpf_load l = {.type = gd->t->prog_type, .attach_type = gd->t->attach_type,
	    .attach_btf_id = gd->t->attach_btf_id, .insns = gd->g.b.v, .n = gd->g.b.n,
	    .name = "dtrace"};
	int fd, rc = 0;

	relocate(s, &gd->g.b);
	fd = bpf_load(&l);
	if (fd < 0)
		rc = load_failed(s, gd->t, &l, fd, e);
	else
		gd->t->prog_fd = fd;
	free(l.log);
	return (rc);
}

struct generation {
	struct session *s;
	struct generated *v;
	unsigned n;
};

static void
generate(struct comp *c, void *arg)
{
	struct generation *gn = arg;
	struct session *s = gn->s;

	for (struct target *t = s->targets; t != NULL; t = t->next) {
		struct generated *gd = VEC_ADD(c, gn->v, gn->n);

		gd->t = t;
		gen_program(&gd->g, &s->im, t, s->units, s->nunits);
	}
}

/* A descriptor per program and per place; before Linux 5.11 maps are locked memory. */
static void
raise_limits(const struct session *s)
{
	struct rlimit inf = {RLIM_INFINITY, RLIM_INFINITY}, files;

	if (s->im.kernel < 0x050b00)
		(void)setrlimit(RLIMIT_MEMLOCK, &inf);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int
load_all(struct session *s, struct err *e)
{
	struct generation gn = {s, NULL, 0};
	int rc;

	if ((rc = comp_try(&s->c, generate, &gn, e)) != 0)
		return (rc);
	size_maps(s);
	raise_limits(s);
	if ((rc = create_maps(s, e)) != 0 || (rc = fill_maps(s, e)) != 0)
		return (rc);
	for (unsigned i = 0; i < gn.n && rc == 0; i++)
		rc = load(s, &gn.v[i], e);
	return (rc);
}

static void
print_insns(FILE *f, const struct gen *g)
{
	for (unsigned i = 0; i < g->b.n; i++) {
		const struct bpf_insn *in = &g->b.v[i];

		(void)fprintf(f, "%04u: %02x %x %x %6d %11d    0x%08x\n", i, in->code, in->dst_reg,
		    in->src_reg, in->off, in->imm, (unsigned)in->imm);
	}
}

void
trace_disassemble(struct session *s, FILE *f)
{
	struct generation gn = {s, NULL, 0};

	if (comp_try(&s->c, generate, &gn, NULL) != 0)
		return;
	for (unsigned i = 0; i < gn.n; i++) {
		(void)fprintf(f, "\nDisassembly of program %s\n", gn.v[i].t->label);
		print_insns(f, &gn.v[i].g);
	}
}

/* --- attaching --------------------------------------------------------------------------------- */

int
perf_attach(struct session *s, struct target *t, struct perf_event_attr *attr, int pid, int cpu,
    struct err *e)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return (err_sys(e, errno, "perf event"));
	target_fd(s, t, fd);
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, t->prog_fd) != 0 ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
		return (err_sys(e, errno, "perf event"));
	return (0);
}

/* r8 = struct pt_regs * in kernel memory: the arguments' registers, copied at once. */
void
args_from_regs(struct gen *g, uint32_t mask, bool syscall)
{
	static const uint8_t reg[6] = {112, 104, 96, 88, 72, 64}; /* di si dx cx r8 r9 */
	enum { R10_AT = 56, REGS = 120 };
	uint32_t at = g->im->key_off;

	if (g->im->key_max < REGS)
		g->im->key_max = REGS;
	gen_zero(g, SLOT_ARGS, 80);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)at);
	asm_imm(&g->b, R2, REGS);
	asm_mov(&g->b, R3, R8);
	asm_call(&g->b, H_READ_KERNEL);
	for (int i = 0; i < 6; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		asm_load(&g->b, 8, R0, R7, (int)at + (syscall && i == 3 ? R10_AT : reg[i]));
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
}

static int
attach_all(struct session *s, struct err *e)
{
	for (struct target *t = s->targets; t != NULL; t = t->next) {
		int rc = t->ops->attach(s, t, e);

		if (rc != 0)
			return (rc);
	}
	return (0);
}

static void
set_activity(struct session *s, uint32_t a)
{
	__atomic_store_n(&s->state->activity, a, __ATOMIC_SEQ_CST);
}

static uint32_t
activity(const struct session *s)
{
	return (__atomic_load_n(&s->state->activity, __ATOMIC_SEQ_CST));
}

static int
run_by_hand(struct target *t, struct err *e)
{
	uint64_t args[12] = {0};
	int rc = t != NULL ? bpf_test_run(t->prog_fd, args, 12) : 0;

	return (rc < 0 ? err_sys(e, -rc, "running %s", t->label) : 0);
}

static int
open_aggs(struct session *s, struct err *e)
{
	s->aggs = calloc(s->ids.naggs + 1, sizeof(*s->aggs));
	if (s->aggs == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (unsigned i = 0; i < s->ids.naggs; i++) {
		struct ident *id = s->ids.aggs[i];

		if (!id->agg.defined)
			continue;
		s->aggs[i] = (struct agg){.id = id, .fd = s->im.maps[id->agg.map].fd,
		    .ncpus = s->im.ncpus, .normal = 1, .gen = &s->state->agg_gen};
	}
	s->naggs = s->ids.naggs;
	return (0);
}

int
trace_go(struct session *s, struct err *e)
{
	int rc;

	if (trace_has_destructive(s))
		return (err_set(e, EACCES, "could not enable tracing: Destructive actions not allowed"));
	if ((rc = load_all(s, e)) != 0 || (rc = open_aggs(s, e)) != 0 ||
	    (rc = attach_all(s, e)) != 0)
		return (rc);
	set_activity(s, ACT_BEGIN);
	if ((rc = run_by_hand(s->begin, e)) != 0)
		return (rc);
	if (activity(s) == ACT_BEGIN)
		set_activity(s, ACT_ACTIVE);
	return (victims_start(s, e));
}

/* --- the wait ---------------------------------------------------------------------------------- */

/* --- buffer policies -------------------------------------------------------------------------- */

/*
 * switch: records are printed as they come.  fill: they are kept until the buffers are full, which ends the
 * tracing.  ring: they are kept, the newest, until it ends.  What is kept lies here, each record
 * behind its length.
 */
static uint64_t
room(const struct session *s)
{
	return (s->opt.v[O_BUFSIZE] * s->im.ncpus);
}

static void
forget_oldest(struct session *s)
{
	uint64_t len;

	memcpy(&len, s->held.data + s->held_at, sizeof(len));
	s->held_at += sizeof(len) + len;
	if (s->held_at > s->held.len / 2) {
		memmove(s->held.data, s->held.data + s->held_at, s->held.len - s->held_at);
		s->held.len -= s->held_at;
		s->held_at = 0;
	}
}

static void
hold_record(struct session *s, const void *rec, uint64_t len)
{
	if (s->opt.v[O_BUFPOLICY] == POLICY_FILL && s->held.len + 8 + len > room(s)) {
		s->stopped = s->full = true;
		return;
	}
	while (s->held.len - s->held_at + 8 + len > room(s) && s->held.len > s->held_at)
		forget_oldest(s);
	buf_add(&s->held, &len, sizeof(len));
	buf_add(&s->held, rec, len);
}

static void
release_held(struct session *s)
{
	uint64_t len;

	for (; s->held_at + 8 <= s->held.len; s->held_at += 8 + len) {
		memcpy(&len, s->held.data + s->held_at, sizeof(len));
		consume_record(s, s->held.data + s->held_at + 8, (uint32_t)len);
	}
	s->held.len = s->held_at = 0;
	s->releasing = true;
}

static bool
on_record(void *arg, const void *rec, uint32_t len)
{
	struct session *s = arg;

	if (s->opt.v[O_BUFPOLICY] == POLICY_SWITCH || s->releasing)
		consume_record(s, rec, len);
	else if (!s->full)
		hold_record(s, rec, len);
	return (true);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static void
check_drops(struct session *s)
{
	uint64_t now = now_ns();

	if (now < s->status_next)
		return;
	s->status_next = now + s->opt.v[O_STATUSRATE];
	consume_drops(s);
}

/* Ticks that no timer of the kernel drives: those that are due. */
static void
run_ticks(struct session *s)
{
	uint64_t now = now_ns();

	for (struct target *t = s->targets; t != NULL; t = t->next) {
		if (t->every == 0 || now < t->due)
			continue;
		if (t->due != 0)
			(void)run_by_hand(t, NULL);
		t->due = now < t->due + t->every && t->due != 0 ? t->due + t->every : now + t->every;
	}
}

/* No longer than this many milliseconds, and than to the next tick. */
static int
at_most(const struct session *s, int ms)
{
	uint64_t now = now_ns();

	for (const struct target *t = s->targets; t != NULL; t = t->next) {
		uint64_t left = t->every == 0 ? UINT64_MAX : t->due > now ? t->due - now : 0;

		if (left < (uint64_t)ms * 1000000)
			ms = (int)((left + 999999) / 1000000);
	}
	return (ms);
}

/*
 * One round: sleep until there is something (or a while has passed), then take all of it.  After a busy round
 * sleep without listening: the kernel then needs to wake us once for many records.
 */
int
trace_work(struct session *s, struct err *e)
{
	struct pollfd p = {s->ring.fd, POLLIN, 0};
	uint64_t rate = s->opt.v[O_SWITCHRATE];
	unsigned n;

	(void)e;
	if (activity(s) == ACT_ACTIVE) {
		if (rate != 0)
			(void)poll(NULL, 0, at_most(s, (int)(rate / 1000000)));
		else
			(void)poll(&p, 1, at_most(s, s->victims == NULL ? 200 :
			    s->rounds++ < 50 ? 1 : 20));
		run_ticks(s);
	}
	n = ring_drain(&s->ring, on_record, s);
	consume_flush(s);
	check_drops(s);
	stacks_tick(s);
	pictures_tick(s);
	if (s->stopped || activity(s) != ACT_ACTIVE || !victims_poll(s))
		return (0);
	if (n > 64)
		(void)poll(NULL, 0, at_most(s, 4));
	return (1);
}

void
trace_stop(struct session *s)
{
	s->stopped = true;
}

int
trace_finish(struct session *s, bool aggregations, struct err *e)
{
	struct fmt_ctx ctx = {s->syms, &s->types, (int)s->opt.v[O_STACKINDENT]};
	int rc, drawn;

	set_activity(s, ACT_DRAINING);
	(void)ring_drain(&s->ring, on_record, s);
	release_held(s);
	set_activity(s, ACT_END);
	rc = run_by_hand(s->end, e);
	set_activity(s, ACT_STOPPED);
	(void)ring_drain(&s->ring, on_record, s);
	consume_drops(s);
	drawn = pictures_finish(s, rc == 0 ? e : NULL);
	if (!s->testing)
		buf_str(&s->out, "\n");
	for (unsigned i = 0; aggregations && i < s->naggs; i++) {
		struct agg *a = &s->aggs[i];

		if (a->id != NULL && !a->printed)
			(void)agg_print(&s->out, &a, 1, NULL, &s->opt, &ctx);
	}
	consume_flush(s);
	return (rc != 0 ? rc : drawn);
}

int
trace_status(const struct session *s)
{
	return (s->status);
}
