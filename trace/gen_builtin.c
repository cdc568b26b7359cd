/* SPDX-License-Identifier: MIT */
/* The code generator: built-in variables and stacks. */
#include <string.h>

#include "gen.h"
#include "provider.h"
#include "scope.h"

enum { USER_STACK = 1 << 8 };

struct member
gen_member_of(struct gen *g, const char *type, const char *member)
{
	struct type *t = type_by_name(g->c->types, type);
	struct member m;

	if (t == NULL || !type_member(g->c->types, t, member, &m))
		comp_error(g->c, 0, "D_IDENT_UNDEF", "this kernel's type information does not have %s "
		    "in %s (CONFIG_DEBUG_INFO_BTF)", member, type);
	return (m);
}

void
gen_member_at(struct gen *g, const char *type, const char *member)
{
	struct member m = gen_member_of(g, type, member);

	if (m.bit_off >= 8)
		asm_alui(&g->b, BPF_ADD, R0, (int32_t)(m.bit_off / 8));
}

void
gen_follow(struct gen *g, const char *type, const char *member)
{
	struct member m = gen_member_of(g, type, member);

	gen_member_at(g, type, member);
	gen_load_at(g, m.type, false);
}

static void
current_member(struct gen *g, const char *member)
{
	asm_call(&g->b, H_CURRENT);
	gen_follow(g, "struct task_struct", member);
}

void
gen_task_uts(struct gen *g)
{
	struct type *t = type_by_name(g->c->types, "struct uts_namespace"), *c;
	struct member ns, inum;

	if (t == NULL || !type_member(g->c->types, t, "ns", &ns) ||
	    (c = type_resolve(ns.type)) == NULL || !type_member(g->c->types, c, "inum", &inum))
		comp_error(g->c, 0, "D_UNKNOWN",
		    "-z needs the kernel's type information (CONFIG_DEBUG_INFO_BTF)");
	current_member(g, "nsproxy");
	gen_follow(g, "struct nsproxy", "uts_ns");
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)((ns.bit_off + inum.bit_off) / 8));
	gen_load_at(g, inum.type, false);
}

/* r0 = a name of the probe that fires, as the address of its text. */
static void
probe_name(struct gen *g, enum builtin b)
{
	const struct probe *p = g->t->probes[0];
	uint32_t field = b == B_PROBEPROV ? offsetof(struct probe_names, prov) :
	    b == B_PROBEMOD ? offsetof(struct probe_names, mod) :
	    b == B_PROBEFUNC ? offsetof(struct probe_names, func) :
	    offsetof(struct probe_names, name);
	int none = asm_label(&g->b), end = asm_label(&g->b);
	const char *s;

	if (g->in_error) {
		s = b == B_PROBEPROV ? "dtrace" : b == B_PROBENAME ? "ERROR" : "";
		asm_map_value(&g->b, R0, M_RODATA, image_rodata(g->im, s, strlen(s) + 1));
		gen_scalar(g);
		return;
	}
	if (g->t->nprobes == 1) {
		s = b == B_PROBEPROV ? p->provname : b == B_PROBEMOD ? p->mod : b == B_PROBEFUNC ?
		    p->func : p->name;
		asm_map_value(&g->b, R0, M_RODATA, s[0] == '\0' ? 0 :
		    image_rodata(g->im, s, strlen(s) + 1));
		gen_scalar(g);
		return;
	}
	asm_mov(&g->b, R2, R7);
	asm_alui(&g->b, BPF_ADD, R2, SLOT_ROW);
	asm_map(&g->b, R1, M_PROBES);
	asm_call(&g->b, H_LOOKUP);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, none);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)field);
	gen_scalar(g);
	asm_jump(&g->b, end);
	asm_place(&g->b, none);
	asm_map_value(&g->b, R0, M_RODATA, 0);
	gen_scalar(g);
	asm_place(&g->b, end);
}

static void
get_stack(struct gen *g, uint32_t off, uint32_t size, uint32_t flags)
{
	asm_mov(&g->b, R1, R6);
	asm_mov(&g->b, R2, R7);
	asm_alui(&g->b, BPF_ADD, R2, (int32_t)off);
	asm_imm(&g->b, R3, size);
	asm_imm(&g->b, R4, flags);
	asm_call(&g->b, H_GET_STACK);
}

/* n is a call of stack(), ustack() or jstack(): its frames to the slot, the rest of the place zero. */
void
gen_stack(struct gen *g, const struct node *n, uint32_t off)
{
	bool user = type_resolve(n->type)->kind == TY_USTACK;
	uint32_t size = n->aux;

	gen_zero(g, off, (size + 7) & ~7u);
	if (user) {
		asm_call(&g->b, H_PID_TGID);
		asm_alui(&g->b, BPF_RSH, R0, 32);
		asm_store(&g->b, 8, R7, (int)off, R0);
		off += 8;
		size -= 8;
	}
	get_stack(g, off, size, user ? USER_STACK : 0);
}

/* The depth of a stack, or with `frame` >= 0 the address of that frame: into scratch behind the keys. */
static void
stack_probe(struct gen *g, bool user, int frame)
{
	uint32_t at = g->im->key_off + g->key_top, size = frame >= 0 ? 32 : 127 * 8;
	int ok = asm_label(&g->b);

	if (g->key_top + size > g->im->key_max)
		g->im->key_max = g->key_top + size;
	if (frame >= 0)
		gen_zero(g, at, size);
	get_stack(g, at, size, user ? USER_STACK : 0);
	if (frame >= 0) {
		asm_load(&g->b, 8, R0, R7, (int)at + 8 * frame);
		asm_place(&g->b, ok);
		return;
	}
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, ok);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, ok);
	asm_alui(&g->b, BPF_RSH, R0, 3);
}

static void
gen_errno(struct gen *g)
{
	int none = asm_label(&g->b), end = asm_label(&g->b);

	if (g->t->ops->syscall_ret == NULL || !g->t->ops->syscall_ret(g->t)) {
		asm_imm(&g->b, R0, 0);
		return;
	}
	asm_load(&g->b, 8, R0, R7, SLOT_ARGS);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, none);
	asm_jmpi(&g->b, BPF_JSLT, R0, -4095, none);
	asm_neg(&g->b, R0);
	asm_jump(&g->b, end);
	asm_place(&g->b, none);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, end);
}

static void
gen_walltime(struct gen *g)
{
	asm_map_value(&g->b, R1, M_STATE, offsetof(struct gstate, wall_offset));
	asm_load(&g->b, 8, R1, R1, 0);
	asm_load(&g->b, 8, R0, R7, SLOT_TIME);
	asm_alu(&g->b, BPF_ADD, R0, R1);
}

/* Time on a CPU: what the scheduler has counted, and the run that is not counted yet is left out. */
static void
gen_vtime(struct gen *g)
{
	struct type *t = type_by_name(g->c->types, "struct task_struct");
	struct member se, sum;

	if (t == NULL || !type_member(g->c->types, t, "se", &se) ||
	    !type_member(g->c->types, se.type, "sum_exec_runtime", &sum))
		comp_error(g->c, 0, "D_IDENT_UNDEF",
		    "vtimestamp needs the kernel's type information (CONFIG_DEBUG_INFO_BTF)");
	asm_call(&g->b, H_CURRENT);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)((se.bit_off + sum.bit_off) / 8));
	gen_load_at(g, g->c->types->t_uint64, false);
}

/* The user's registers, in the order of struct pt_regs; illumos's numbers are mapped by regs.d. */
static void
gen_uregs(struct gen *g, struct node *n)
{
	gen_expr(g, n->b);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	gen_fault_if(g, BPF_JGT, R0, 20, FAULT_BADINDEX);
	asm_alui(&g->b, BPF_LSH, R0, 3);
	(void)gen_push(g, R0);
	asm_call(&g->b, H_CURRENT_BTF);
	asm_mov(&g->b, R1, R0);
	asm_call(&g->b, H_TASK_REGS);
	gen_scalar(g);
	gen_pop(g, R1);
	asm_alu(&g->b, BPF_ADD, R0, R1);
	gen_load_at(g, g->c->types->t_uint64, false);
}

static void
gen_comm(struct gen *g, const struct node *n)
{
	uint32_t off = g->im->tmp_off + n->tmp;

	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)off);
	asm_imm(&g->b, R2, 16);
	asm_call(&g->b, H_COMM);
	gen_slot_address(g, off);
}

static void
half(struct gen *g, int helper, bool high)
{
	asm_call(&g->b, helper);
	if (high) {
		asm_alui(&g->b, BPF_RSH, R0, 32);
	} else {
		asm_alui(&g->b, BPF_LSH, R0, 32);
		asm_alui(&g->b, BPF_RSH, R0, 32);
	}
}

/* The process's and the thread's number as the zone itself has them; 0 for what is not its own. */
static void
gen_zone_pid(struct gen *g, bool thread)
{
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	asm_imm(&g->b, R1, (int64_t)g->im->scope->dev);
	asm_imm(&g->b, R2, (int64_t)g->im->scope->ino);
	asm_mov(&g->b, R3, R7);
	asm_alui(&g->b, BPF_ADD, R3, SLOT_W0);
	asm_imm(&g->b, R4, 8);
	asm_call(&g->b, H_NS_PID_TGID);
	asm_load(&g->b, 4, R0, R7, SLOT_W0 + (thread ? 0 : 4));
}

static void
gen_pid(struct gen *g, bool thread)
{
	if (g->im->scope != NULL)
		gen_zone_pid(g, thread);
	else
		half(g, H_PID_TGID, !thread);
}

/* In a zone ids begin at 0; what lies below its range is the broker's. */
static void
gen_owner(struct gen *g, bool group)
{
	int ok = asm_label(&g->b);

	half(g, H_UID_GID, group);
	if (g->im->scope == NULL)
		return;
	asm_imm(&g->b, R1, g->im->scope->id_base);
	asm_alu(&g->b, BPF_SUB, R0, R1);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, ok);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, ok);
}

static void
gen_zonename(struct gen *g)
{
	const struct zone_scope *sc = g->im->scope;

	if (sc != NULL) {
		asm_map_value(&g->b, R0, M_RODATA, image_rodata(g->im, sc->name, strlen(sc->name) + 1));
		gen_scalar(g);
		return;
	}
	current_member(g, "nsproxy");
	gen_follow(g, "struct nsproxy", "uts_ns");
	gen_follow(g, "struct uts_namespace", "name");
	gen_follow(g, "struct new_utsname", "nodename");
}

/*
 * A cpuinfo_t of this CPU, made in the statement's scratch: its number, and 0 for what Linux does
 * not have.
 */
static void
gen_curcpu(struct gen *g, const struct node *n)
{
	uint32_t off = g->im->tmp_off + n->tmp;

	gen_zero(g, off, 16);
	asm_load(&g->b, 8, R0, R7, SLOT_CPU);
	asm_store(&g->b, 4, R7, (int)off, R0);
	gen_slot_address(g, off);
}

void
gen_builtin(struct gen *g, struct node *n)
{
	enum builtin b = (enum builtin)n->id->builtin;

	if (b <= B_ARG9) {
		asm_load(&g->b, 8, R0, R7, SLOT_ARGS + 8 * (int)b);
		return;
	}
	switch (b) {
	case B_PID: gen_pid(g, false); break;
	case B_TID: gen_pid(g, true); break;
	case B_UID: gen_owner(g, false); break;
	case B_GID: gen_owner(g, true); break;
	case B_CPU: asm_load(&g->b, 8, R0, R7, SLOT_CPU); break;
	case B_TIMESTAMP: asm_load(&g->b, 8, R0, R7, SLOT_TIME); break;
	case B_WALLTIMESTAMP: gen_walltime(g); break;
	case B_VTIMESTAMP: gen_vtime(g); break;
	case B_EXECNAME: gen_comm(g, n); break;
	case B_ID: asm_load(&g->b, 4, R0, R7, SLOT_PROBE); break;
	case B_EPID: asm_imm(&g->b, R0, (int64_t)g->u->id + 1); break;
	case B_IPL: asm_imm(&g->b, R0, 0); break;
	case B_ERRNO: gen_errno(g); break;
	case B_CURTHREAD: asm_call(&g->b, H_CURRENT); break;
	case B_PPID:
		current_member(g, "real_parent");
		gen_follow(g, "struct task_struct", "tgid");
		break;
	case B_PROBEPROV: case B_PROBEMOD: case B_PROBEFUNC: case B_PROBENAME:
		probe_name(g, b);
		break;
	case B_STACKDEPTH: stack_probe(g, false, -1); break;
	case B_USTACKDEPTH: stack_probe(g, true, -1); break;
	case B_CALLER: stack_probe(g, false, 1); break;
	case B_UCALLER: stack_probe(g, true, 1); break;
	case B_CGROUP: asm_call(&g->b, H_CGROUP); break;
	case B_CURCPU: gen_curcpu(g, n); break;
	case B_CWD: gen_task_path(g, n, "pwd"); break;
	case B_ROOT: gen_task_path(g, n, "root"); break;
	case B_UREGS: gen_uregs(g, n); break;
	case B_ZONENAME: gen_zonename(g); break;
	default:
		comp_error(g->c, n->line, "D_IDENT_UNDEF", "%s is not available on this system",
		    n->id->name);
	}
}
