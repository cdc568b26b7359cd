/* SPDX-License-Identifier: MIT */
/*
 * Providers on the kernel's tracepoints: proc, sched, io, and rawtp for all of them.
 *
 * The stable providers are a table: which tracepoint, which of its arguments stands for args[i], and as
 * what.  rawtp:::NAME takes types from the kernel's BTF (typedef btf_trace_NAME, first parameter left out).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum cond { ALWAYS, LEADER, SIG_SENT, SIG_DROPPED };

struct tp {
	const char *prov, *name, *tracepoint;
	int raw_args; /* of the tracepoint that are read */
	enum cond cond;
	int nargs;
	struct probe_arg args[4];
};

#define TASK "struct task_struct *"
#define LWP(src) {TASK, "lwpsinfo_t *", src}
#define PS(src) {TASK, "psinfo_t *", src}

static const struct tp table[] = {
    {"proc", "create", "sched_process_fork", 2, ALWAYS, 1, {PS(1)}},
    {"proc", "lwp-create", "sched_process_fork", 2, ALWAYS, 2, {LWP(1), PS(1)}},
    {"proc", "exec-success", "sched_process_exec", 0, ALWAYS, 0, {{0}}},
    {"proc", "exit", "sched_process_exit", 1, LEADER, 1, {{"int", NULL, 1}}},
    {"proc", "lwp-exit", "sched_process_exit", 0, ALWAYS, 0, {{0}}},
    {"proc", "signal-send", "signal_generate", 5, SIG_SENT, 3,
	{LWP(2), PS(2), {"int", NULL, 0}}},
    {"proc", "signal-discard", "signal_generate", 5, SIG_DROPPED, 3,
	{LWP(2), PS(2), {"int", NULL, 0}}},
    {"proc", "signal-handle", "signal_deliver", 3, ALWAYS, 1, {{"int", NULL, 0}}},
    {"sched", "off-cpu", "sched_switch", 3, ALWAYS, 2, {LWP(2), PS(2)}},
    {"sched", "wakeup", "sched_wakeup", 1, ALWAYS, 2, {LWP(0), PS(0)}},
    {"io", "start", "block_bio_queue", 1, ALWAYS, 3, {{"struct bio *", "bufinfo_t *", 0},
	{"struct bio *", "devinfo_t *", 0}, {"struct bio *", "fileinfo_t *", 0}}},
    {"io", "done", "block_bio_complete", 2, ALWAYS, 3, {{"struct bio *", "bufinfo_t *", 1},
	{"struct bio *", "devinfo_t *", 1}, {"struct bio *", "fileinfo_t *", 1}}},
};
enum { NTABLE = sizeof(table) / sizeof(table[0]) };

/* --- probes ------------------------------------------------------------------------------------ */

static void
provide_table(struct session *s, const struct provider *pv, const struct pdesc *pd)
{
	if (!glob_match(pd->field[0], pv->name))
		return;
	for (uint64_t i = 0; i < NTABLE; i++) {
		const struct tp *t = &table[i];

		if (strcmp(t->prov, pv->name) != 0 || !glob_match(pd->field[3], t->name) ||
		    session_find(s, t->prov, "vmlinux", "", t->name) != NULL)
			continue;
		session_probe(s, pv, t->prov, "vmlinux", "", t->name)->a = i;
	}
}

static void
proc_provide(struct session *s, const struct pdesc *pd)
{
	provide_table(s, &prov_proc, pd);
}

static void
sched_provide(struct session *s, const struct pdesc *pd)
{
	provide_table(s, &prov_sched, pd);
}

static void
io_provide(struct session *s, const struct pdesc *pd)
{
	provide_table(s, &prov_io, pd);
}

static const struct probe_arg *
table_args(struct session *s, const struct probe *p, int *n)
{
	(void)s;
	*n = table[p->a].nargs;
	return (table[p->a].args);
}

/* --- code -------------------------------------------------------------------------------------- */

static const struct tp *
tp_of(const struct target *t)
{
	return (t->priv);
}

static void
tp_filter(struct gen *g, const struct target *t)
{
	const struct tp *tp = tp_of(t);

	if (tp == NULL || tp->cond == ALWAYS)
		return;
	if (tp->cond == LEADER) {
		asm_call(&g->b, H_PID_TGID);
		asm_mov(&g->b, R1, R0);
		asm_alui(&g->b, BPF_RSH, R1, 32);
		asm_alui(&g->b, BPF_LSH, R0, 32);
		asm_alui(&g->b, BPF_RSH, R0, 32);
		asm_jmp(&g->b, BPF_JNE, R0, R1, g->l_out);
		return;
	}
	asm_load(&g->b, 8, R0, R6, 32);
	asm_jmpi(&g->b, BPF_JNE, R0, tp->cond == SIG_SENT ? 0 : 1, g->l_out);
}

/* arg1 of proc:::exit: why the process ends, from the code that it leaves. */
static void
exit_reason(struct gen *g)
{
	struct type *t = type_by_name(g->c->types, "struct task_struct");
	int exited = asm_label(&g->b), end = asm_label(&g->b);
	struct member m;

	if (t == NULL || !type_member(g->c->types, t, "exit_code", &m))
		return;
	g->l_fault = g->l_release;
	asm_load(&g->b, 8, R0, R6, 0);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)(m.bit_off / 8));
	gen_load_at(g, m.type, false);
	asm_imm(&g->b, R1, 1);
	asm_mov(&g->b, R2, R0);
	asm_alui(&g->b, BPF_AND, R2, 0x7f);
	asm_jmpi(&g->b, BPF_JEQ, R2, 0, exited);
	asm_imm(&g->b, R1, 2);
	asm_alui(&g->b, BPF_AND, R0, 0x80);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	asm_imm(&g->b, R1, 3);
	asm_place(&g->b, exited);
	asm_place(&g->b, end);
	asm_store(&g->b, 8, R7, SLOT_ARGS + 8, R1);
}

static void
tp_args(struct gen *g, const struct target *t, uint32_t mask)
{
	const struct tp *tp = tp_of(t);
	int n = tp != NULL ? tp->raw_args : (int)t->a;

	gen_zero(g, SLOT_ARGS, 80);
	for (int i = 0; i < n && i < 10; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		asm_load(&g->b, 8, R0, R6, 8 * i);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
	if (tp != NULL && tp->cond == LEADER && (mask >> 1 & 1) != 0)
		exit_reason(g);
}

static int
tp_attach(struct session *s, struct target *t, struct err *e)
{
	int fd = bpf_raw_tracepoint(t->name, t->prog_fd);

	if (fd < 0)
		return (err_set(e, -fd, "%s:::%s needs tracepoint %s of the kernel: %s",
		    t->probes[0]->provname, t->probes[0]->name, t->name, strerror(-fd)));
	target_fd(s, t, fd);
	return (0);
}

static const struct target_ops tp_ops = {tp_filter, tp_args, tp_attach, NULL};

static struct target *
tp_target(struct session *s, struct probe *p, const char *tracepoint)
{
	struct target *t = session_target(s, &tp_ops, BPF_PROG_TYPE_RAW_TRACEPOINT, p->name);

	t->name = tracepoint;
	target_add(s, t, p);
	return (t);
}

static int
table_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = tp_target(s, p, table[p->a].tracepoint);

	(void)e;
	t->priv = (void *)(uintptr_t)&table[p->a];
	return (0);
}

const struct provider prov_proc = {"proc", proc_provide, table_args, table_enable, NULL};
const struct provider prov_sched = {"sched", sched_provide, table_args, table_enable, NULL};
const struct provider prov_io = {"io", io_provide, table_args, table_enable, NULL};

/* --- rawtp ------------------------------------------------------------------------------------- */

static const char prefix[] = "btf_trace_";

/* The typedef's function: its parameters behind the first are the probe's. */
static uint32_t
proto_of(const struct btf *b, uint32_t id)
{
	uint32_t proto = btf_ref(b, btf_ref(b, id));

	return (btf_kind(b, proto) == BTF_FUNC_PROTO && btf_vlen(b, proto) > 0 ? proto : 0);
}

static void
add_rawtp(struct session *s, const struct btf *b, uint32_t id)
{
	const char *name = btf_name(b, id) + sizeof(prefix) - 1;
	struct probe *p;

	if (proto_of(b, id) == 0 || session_find(s, "rawtp", "vmlinux", "", name) != NULL)
		return;
	p = session_probe(s, &prov_rawtp, "rawtp", "vmlinux", "", name);
	p->a = proto_of(b, id);
}

static void
rawtp_provide(struct session *s, const struct pdesc *pd)
{
	const char *want = pd->field[3];
	const struct btf *b;
	uint32_t id;

	if (!glob_match(pd->field[0], "rawtp"))
		return;
	if (pd->field[0][0] == '\0' && want[0] != '\0' && strpbrk(want, "*?[") == NULL &&
	    (strcmp(want, "entry") == 0 || strcmp(want, "return") == 0 || strchr(want, '-') != NULL ||
	    strcmp(want, "BEGIN") == 0 || strcmp(want, "END") == 0 || strcmp(want, "ERROR") == 0))
		return; /* no tracepoint is called that: spare reading the types */
	if ((b = types_btf(&s->types)) == NULL)
		return;
	if (want[0] != '\0' && strpbrk(want, "*?[") == NULL) {
		id = btf_find(b, arena_printf(&s->c, "%s%s", prefix, want), 1u << BTF_TYPEDEF);
		if (id != 0)
			add_rawtp(s, b, id);
		return;
	}
	for (id = 1; id <= btf_count(b); id++)
		if (btf_kind(b, id) == BTF_TYPEDEF &&
		    strncmp(btf_name(b, id), prefix, sizeof(prefix) - 1) == 0 &&
		    glob_match(want, btf_name(b, id) + sizeof(prefix) - 1))
			add_rawtp(s, b, id);
}

static const struct probe_arg *
rawtp_args(struct session *s, const struct probe *cp, int *n)
{
	struct probe *p = (struct probe *)(uintptr_t)cp;
	const struct btf *b = types_btf(&s->types);
	struct probe_arg *args;
	const char *name;
	uint32_t type;

	*n = (int)btf_vlen(b, (uint32_t)p->a) - 1;
	if (p->priv != NULL)
		return (p->priv);
	args = arena_alloc(&s->c, (size_t)(*n + 1) * sizeof(*args));
	for (int i = 0; i < *n; i++) {
		if (btf_param(b, (uint32_t)p->a, (uint32_t)i + 1, &name, &type))
			args[i].type = type_name(&s->types, types_from_btf(&s->types, type));
		else
			args[i].type = "uint64_t";
		args[i].src = i;
	}
	p->priv = args;
	return (args);
}

static int
rawtp_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = tp_target(s, p, p->name);

	(void)e;
	t->a = btf_vlen(types_btf(&s->types), (uint32_t)p->a) - 1;
	return (0);
}

const struct provider prov_rawtp = {"rawtp", rawtp_provide, rawtp_args, rawtp_enable, NULL};
