/* SPDX-License-Identifier: MIT */
/*
 * cpc: counters of the CPU and of the kernel, cpc:::EVENT-MODE-COUNT.
 *
 * MODE is all, user or kernel; the probe fires each COUNT events on every CPU.  Which events there
 * are is asked of the kernel: a virtual machine often has no hardware counters.  arg0 and arg1: the
 * program counter, in the kernel or in the process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"

#define HW(name, id) {name, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##id}
#define SW(name, id) {name, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##id}
#define CACHE(name, c, op, res) {name, PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_##c | \
	PERF_COUNT_HW_CACHE_OP_##op << 8 | PERF_COUNT_HW_CACHE_RESULT_##res << 16}

static const struct counter {
	const char *name;
	uint32_t type;
	uint64_t config;
} counters[] = {
    HW("cpu_cycles", CPU_CYCLES), HW("instructions", INSTRUCTIONS),
    HW("cache_references", CACHE_REFERENCES), HW("cache_misses", CACHE_MISSES),
    HW("branch_instructions", BRANCH_INSTRUCTIONS), HW("branch_misses", BRANCH_MISSES),
    HW("bus_cycles", BUS_CYCLES), HW("stalled_cycles_frontend", STALLED_CYCLES_FRONTEND),
    HW("stalled_cycles_backend", STALLED_CYCLES_BACKEND), HW("ref_cpu_cycles", REF_CPU_CYCLES),
    CACHE("l1d_loads", L1D, READ, ACCESS), CACHE("l1d_load_misses", L1D, READ, MISS),
    CACHE("llc_loads", LL, READ, ACCESS), CACHE("llc_load_misses", LL, READ, MISS),
    CACHE("dtlb_load_misses", DTLB, READ, MISS), CACHE("itlb_load_misses", ITLB, READ, MISS),
    SW("cpu_clock", CPU_CLOCK), SW("task_clock", TASK_CLOCK), SW("page_faults", PAGE_FAULTS),
    SW("context_switches", CONTEXT_SWITCHES), SW("cpu_migrations", CPU_MIGRATIONS),
    SW("page_faults_min", PAGE_FAULTS_MIN), SW("page_faults_maj", PAGE_FAULTS_MAJ),
    SW("alignment_faults", ALIGNMENT_FAULTS), SW("emulation_faults", EMULATION_FAULTS),
};
enum { NCOUNTERS = sizeof(counters) / sizeof(counters[0]), MIN_PERIOD_HW = 5000 };

static const char *const modes[] = {"all", "user", "kernel"};

/* What a probe's name means; false: no such counter, mode or count. */
static bool
split_name(const char *name, uint64_t *counter, uint64_t *mode, uint64_t *count)
{
	for (*counter = 0; *counter < NCOUNTERS; ++*counter) {
		size_t n = strlen(counters[*counter].name);

		if (strncmp(name, counters[*counter].name, n) != 0 || name[n] != '-')
			continue;
		for (*mode = 0; *mode < 3; ++*mode) {
			size_t m = strlen(modes[*mode]);
			char *end;

			if (strncmp(name + n + 1, modes[*mode], m) != 0 || name[n + 1 + m] != '-')
				continue;
			*count = strtoull(name + n + 2 + m, &end, 10);
			return (*end == '\0' && *count > 0);
		}
	}
	return (false);
}

static void
attributes(struct perf_event_attr *a, uint64_t counter, uint64_t mode, uint64_t count)
{
	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->type = counters[counter].type;
	a->config = counters[counter].config;
	a->sample_period = count;
	a->exclude_kernel = mode == 1;
	a->exclude_user = mode == 2;
}

static bool
counts_here(uint64_t counter)
{
	struct perf_event_attr a;
	int fd;

	attributes(&a, counter, 0, 1000000);
	a.disabled = 1;
	fd = (int)syscall(SYS_perf_event_open, &a, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	return (fd >= 0);
}

static void
add(struct session *s, const char *name)
{
	uint64_t counter, mode, count;
	struct probe *p;

	if (!split_name(name, &counter, &mode, &count))
		return;
	if (!counts_here(counter)) {
		s->c.why = arena_printf(&s->c, "this CPU, or the hypervisor below, gives no counter %s",
		    counters[counter].name);
		return;
	}
	if (session_find(s, "cpc", "", "", name) != NULL)
		return;
	p = session_probe(s, &prov_cpc, "cpc", "", "", name);
	p->a = counter << 8 | mode;
	p->b = count;
}

static void
cpc_provide(struct session *s, const struct pdesc *pd)
{
	const char *name = pd->field[3];

	if (pd->field[1][0] != '\0' || pd->field[2][0] != '\0' || !glob_match(pd->field[0], "cpc") ||
	    (pd->field[0][0] == '\0' && name[0] != '\0'))
		return;
	if (name[0] != '\0' && strpbrk(name, "*?[") == NULL) {
		add(s, name);
		return;
	}
	for (uint64_t i = 0; i < NCOUNTERS; i++) {
		const char *preset = arena_printf(&s->c, "%s-all-%u", counters[i].name,
		    counters[i].type == PERF_TYPE_SOFTWARE ? 1000000 : 1000000);

		if (glob_match(name, preset))
			add(s, preset);
	}
}

static int
cpc_attach(struct session *s, struct target *t, struct err *e)
{
	struct perf_event_attr a;

	for (unsigned cpu = 0; cpu < s->im.ncpus; cpu++) {
		int rc;

		attributes(&a, t->a >> 8, t->a & 255, t->b);
		rc = perf_attach(s, t, &a, -1, (int)cpu, e);
		if (rc != 0 && rc != -ENODEV)
			return (err_wrap(e, "cpc:::%s", t->name));
	}
	return (0);
}

static const struct target_ops cpc_ops = {.args = profile_pc_args, .attach = cpc_attach};

static int
cpc_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = session_target(s, &cpc_ops, BPF_PROG_TYPE_PERF_EVENT, p->name);

	if (counters[p->a >> 8].type != PERF_TYPE_SOFTWARE && p->b < MIN_PERIOD_HW)
		return (err_set(e, EINVAL, "cpc:::%s: the count is below the minimum of %d", p->name,
		    MIN_PERIOD_HW));
	t->a = p->a;
	t->b = p->b;
	t->name = p->name;
	target_add(s, t, p);
	return (0);
}

const struct provider prov_cpc = {"cpc", cpc_provide, NULL, cpc_enable, NULL};
