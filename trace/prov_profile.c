/* SPDX-License-Identifier: MIT */
/*
 * The profile provider: profile-N on every CPU, tick-N on one.
 *
 * Both are perf's cpu-clock.  A tick is bound to CPU 0, which keeps time even when it is idle.  Where only a
 * zone's tasks are traced a tick would be lost whenever another task runs there: the consumer runs it instead.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session.h"

enum { MIN_PERIOD_NS = 200000 };

static const struct {
	const char *suffix;
	uint64_t ns; /* 0: hz */
} units[] = {{"", 0}, {"hz", 0}, {"ns", 1}, {"nsec", 1}, {"us", 1000}, {"usec", 1000},
    {"ms", 1000000}, {"msec", 1000000}, {"s", 1000000000}, {"sec", 1000000000},
    {"m", 60000000000}, {"min", 60000000000}, {"h", 3600000000000}, {"hour", 3600000000000},
    {"d", 86400000000000}, {"day", 86400000000000}};

/* "tick-10ms": its period; 0 when it is no such name or too fast. */
static uint64_t
period_of(const char *name)
{
	const char *p = strchr(name, '-');
	uint64_t n = 0, v;
	char *end;

	if (p == NULL || !isdigit((unsigned char)p[1]))
		return (0);
	n = strtoull(p + 1, &end, 10);
	for (size_t i = 0; n != 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].suffix) != 0)
			continue;
		if (units[i].ns == 0)
			v = 1000000000 / n;
		else if (__builtin_mul_overflow(n, units[i].ns, &v))
			return (0);
		return (v >= MIN_PERIOD_NS ? v : 0);
	}
	return (0);
}

static void
add(struct session *s, const char *name)
{
	uint64_t ns = period_of(name);
	struct probe *p;

	if (ns == 0 || session_find(s, "profile", "", "", name) != NULL)
		return;
	p = session_probe(s, &prov_profile, "profile", "", "", name);
	p->a = ns;
	p->b = name[0] == 't';
}

static void
profile_provide(struct session *s, const struct pdesc *pd)
{
	static const char *const preset[] = {"profile-97", "profile-199", "profile-499",
	    "profile-997", "profile-1999", "profile-4001", "profile-4999", "tick-1", "tick-10",
	    "tick-100", "tick-500", "tick-1000", "tick-5000"};
	const char *name = pd->field[3];

	if (!glob_match(pd->field[0], "profile") || pd->field[1][0] != '\0' ||
	    pd->field[2][0] != '\0')
		if (strpbrk(pd->field[1], "*?[") == NULL && strpbrk(pd->field[2], "*?[") == NULL)
			return;
	if (name[0] == '\0' || strpbrk(name, "*?[") != NULL) {
		for (size_t i = 0; i < sizeof(preset) / sizeof(preset[0]); i++)
			add(s, preset[i]);
		return;
	}
	if (strncmp(name, "tick-", 5) == 0 || strncmp(name, "profile-", 8) == 0)
		add(s, name);
}

/* ctx: struct bpf_perf_event_data, pt_regs first. arg0 kernel pc, arg1 user pc, arg2 lateness. */
void
profile_pc_args(struct gen *g, const struct target *t, uint32_t mask)
{
	int user = asm_label(&g->b), end = asm_label(&g->b);

	(void)mask;
	gen_zero(g, SLOT_ARGS, 80);
	if (t->every != 0)
		return;
	asm_load(&g->b, 8, R0, R6, 128);
	asm_load(&g->b, 8, R1, R6, 136);
	asm_alui(&g->b, BPF_AND, R1, 3);
	asm_jmpi(&g->b, BPF_JNE, R1, 0, user);
	if (g->im->scope == NULL)
		asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
	asm_jump(&g->b, end);
	asm_place(&g->b, user);
	asm_store(&g->b, 8, R7, SLOT_ARGS + 8, R0);
	asm_place(&g->b, end);
}

static int
profile_attach(struct session *s, struct target *t, struct err *e)
{
	struct perf_event_attr a;
	unsigned n = t->b != 0 ? 1 : s->im.ncpus, first = 0;
	int rc;

	if (t->every != 0)
		return (0);
	if (s->opt.v[O_CPU] != UINT64_MAX && t->b == 0) {
		first = (unsigned)s->opt.v[O_CPU];
		n = first + 1;
	}
	for (unsigned cpu = first; cpu < n; cpu++) {
		memset(&a, 0, sizeof(a));
		a.size = sizeof(a);
		a.type = PERF_TYPE_SOFTWARE;
		a.config = PERF_COUNT_SW_CPU_CLOCK;
		a.sample_period = t->a;
		if ((rc = perf_attach(s, t, &a, -1, (int)cpu, e)) == -ENODEV)
			continue; /* possible, not there */
		if (rc != 0)
			return (err_wrap(e, "profile provider"));
	}
	return (0);
}

static const struct target_ops profile_ops = {.args = profile_pc_args, .attach = profile_attach};

static int
profile_enable(struct session *s, struct probe *p, struct err *e)
{
	bool by_hand = s->zone_ns != 0 && p->b != 0;
	struct target *t = session_target(s, &profile_ops, by_hand ? BPF_PROG_TYPE_RAW_TRACEPOINT :
	    BPF_PROG_TYPE_PERF_EVENT, p->name);

	(void)e;
	t->every = by_hand ? p->a : 0;
	t->a = p->a;
	t->b = p->b;
	target_add(s, t, p);
	return (0);
}

const struct provider prov_profile = {"profile", profile_provide, NULL, profile_enable, NULL};
