/* SPDX-License-Identifier: MIT */
/* The code generator: programs, units, statements, records; see gen.h. */
#include "gen.h"

#include <string.h>

#include "provider.h"

/* --- the image --------------------------------------------------------------------------------- */

int
image_map(struct image *im, enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
    uint32_t flags, const char *name)
{
	*VEC_ADD(im->c, im->maps, im->nmaps) =
	    (struct mapdef){type, key, value, entries, flags, name, -1};
	return ((int)im->nmaps - 1);
}

/* Sizes of the fixed maps are filled in when everything is generated. */
void
image_init(struct image *im, struct comp *c)
{
	static const char *const names[M_FIXED] = {"state", "globals", "slots", "rodata", "ring",
	    "drops", "rows", "probes"};

	memset(im, 0, sizeof(*im));
	im->c = c;
	im->ncpus = bpf_ncpus();
	im->kernel = kernel_version();
	for (int i = 0; i < M_FIXED; i++)
		(void)image_map(im, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, names[i]);
	im->maps[M_STATE].value = sizeof(struct gstate);
	im->maps[M_STATE].flags = im->maps[M_ROWS].flags = im->maps[M_PROBES].flags = BPF_F_MMAPABLE;
	im->maps[M_RING] = (struct mapdef){BPF_MAP_TYPE_RINGBUF, 0, 0, 0, 0, "ring", -1};
	im->maps[M_DROPS] = (struct mapdef){BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 * DROP_COUNT, 1, 0,
	    "drops", -1};
	im->maps[M_ROWS].value = sizeof(struct rowdef);
	im->maps[M_PROBES].value = sizeof(struct probe_names);
}

uint32_t
image_rodata(struct image *im, const void *p, size_t n)
{
	uint32_t at = im->rodata_len;
	char *grown;

	for (uint32_t i = 8; i + n <= im->rodata_len; i += 8)
		if (n > 1 && memcmp(im->rodata + i, p, n) == 0)
			return (i);
	grown = arena_alloc(im->c, at + n + 8);
	if (at != 0)
		memcpy(grown, im->rodata, at);
	memcpy(grown + at, p, n);
	im->rodata = grown;
	im->rodata_len = (uint32_t)((at + n + 7) & ~7ull);
	return (at);
}

static uint32_t
hash_flags(const struct image *im)
{
	/* Before 6.1 elements made on the fly were not safe in every context. */
	return (im->kernel >= 0x060100 ? BPF_F_NO_PREALLOC : 0);
}

void
image_variables(struct image *im)
{
	struct idents *ids = im->c->ids;
	uint32_t zeroes = 8; /* at 0: the empty string, and what a new key's values begin with */

	for (unsigned i = 0; i < ids->nvars; i++) {
		struct ident *id = ids->vars[i];
		uint32_t key, value;

		if (!id->assoc && id->scope != SCOPE_SELF)
			continue;
		if (id->type == NULL)
			continue;
		key = id->assoc ? id->key_size : 8;
		value = ((uint32_t)type_size(id->type) + 7) & ~7u;
		if (key == 0)
			key = 8;
		if (key > 512 && im->kernel < 0x050b00)
			comp_error(im->c, id->line, "D_KEY_TYPE",
			    "keys of more than 512 bytes need Linux 5.11: %s", id->name);
		id->map = image_map(im, BPF_MAP_TYPE_HASH, key, value,
		    (uint32_t)(im->dynvarsize / (key + value + 32)) + 1, hash_flags(im), "dynvar");
	}
	for (unsigned i = 0; i < ids->naggs; i++) {
		struct ident *id = ids->aggs[i];
		uint32_t value = id->agg.nvals * 8;

		if (!id->agg.defined)
			continue;
		if (im->aggsize < id->key_size + value)
			comp_error(im->c, 0, "D_UNKNOWN", "Enabling exceeds size of buffer");
		if (id->nkeys == 0)
			id->agg.map = image_map(im, BPF_MAP_TYPE_PERCPU_ARRAY, 4, value, 1, 0, "agg");
		else
			id->agg.map = image_map(im, BPF_MAP_TYPE_PERCPU_HASH, id->key_size, value,
			    (uint32_t)(im->aggsize / (id->key_size + value + 48)) + 1,
			    hash_flags(im), "agg");
		if (value > zeroes)
			zeroes = value;
	}
	im->rodata = arena_alloc(im->c, zeroes);
	im->rodata_len = zeroes;
}

/* --- small things that everything uses --------------------------------------------------------- */

int
gen_push(struct gen *g, int reg)
{
	g->frame += 8;
	if (g->frame > FRAME_LIMIT)
		comp_error(g->c, 0, "D_UNKNOWN", "expression is too complex");
	asm_store(&g->b, 8, FP, -g->frame, reg);
	return (-g->frame);
}

void
gen_pop(struct gen *g, int reg)
{
	asm_load(&g->b, 8, reg, FP, -g->frame);
	g->frame -= 8;
}

void
gen_scalar(struct gen *g)
{
	asm_store(&g->b, 8, R7, SLOT_SPILL, R0);
	asm_load(&g->b, 8, R0, R7, SLOT_SPILL);
}

void
gen_slot_address(struct gen *g, uint32_t off)
{
	asm_load(&g->b, 8, R0, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)off);
}

/* Leave the unit with a fault when `reg op imm`. SLOT_FAULT holds the value. */
void
gen_fault_if(struct gen *g, int op, int reg, int32_t imm, int code)
{
	static const struct {
		int op, not;
	} inverse[] = {{BPF_JEQ, BPF_JNE}, {BPF_JNE, BPF_JEQ}, {BPF_JGT, BPF_JLE}, {BPF_JGE, BPF_JLT},
	    {BPF_JLT, BPF_JGE}, {BPF_JSLT, BPF_JSGE}};
	int ok = asm_label(&g->b), not = BPF_JNE;

	for (size_t i = 0; i < sizeof(inverse) / sizeof(inverse[0]); i++)
		if (inverse[i].op == op)
			not = inverse[i].not;
	asm_jmpi(&g->b, not, reg, imm, ok);
	asm_imm(&g->b, R1, code);
	asm_jump(&g->b, g->l_fault);
	asm_place(&g->b, ok);
}

void
gen_drop(struct gen *g, int counter)
{
	int none = asm_label(&g->b);

	asm_storei(&g->b, 4, FP, -8, 0);
	asm_mov(&g->b, R2, FP);
	asm_alui(&g->b, BPF_ADD, R2, -8);
	asm_map(&g->b, R1, M_DROPS);
	asm_call(&g->b, H_LOOKUP);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, none);
	asm_imm(&g->b, R1, 1);
	asm_xadd(&g->b, R0, counter * 8, R1);
	asm_place(&g->b, none);
}

/* Zero bytes of the slot, 8 at a time: areas are padded to that. */
void
gen_zero(struct gen *g, uint32_t off, uint32_t size)
{
	for (uint32_t i = 0; i < size; i += 8)
		asm_storei(&g->b, 8, R7, (int)(off + i), 0);
}

/* --- records ----------------------------------------------------------------------------------- */

static void
record_arg(struct gen *g, const struct act *a, const struct act_arg *arg)
{
	uint32_t off = g->im->rec_off + (uint32_t)sizeof(struct rec_head) + arg->off;
	struct type *t = type_resolve(arg->type);

	if (arg->expr == NULL || arg->size == 0)
		return;
	if (a->fn == F_TRACEMEM && t->kind == TY_VOID) {
		gen_expr(g, arg->expr);
		gen_copy(g, off, arg->size, arg->expr->user);
	} else if (a->fn == F_PRINT && arg == &a->args[1]) {
		gen_expr(g, arg->expr);
		gen_copy(g, off, arg->size, arg->expr->user);
	} else {
		gen_bytes_into(g, arg->expr, arg->type, off, arg->size);
	}
}

static void
set_guard(struct gen *g, int32_t guard)
{
	if (guard >= 0)
		asm_storei(&g->b, 4, R7,
		    (int)(g->im->rec_off + sizeof(struct rec_head)) + guard, 1);
}

static void
gen_exit_action(struct gen *g)
{
	int out = asm_label(&g->b);

	asm_map_value(&g->b, R1, M_STATE, 0);
	asm_load(&g->b, 4, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, ACT_END, out);
	asm_storei(&g->b, 4, R1, 0, ACT_DRAINING);
	asm_place(&g->b, out);
}

/* commit and discard: the record tells the consumer; the state lets the speculation drain. */
static void
gen_settle(struct gen *g, const struct act *a)
{
	int bad = asm_label(&g->b);

	gen_expr(g, a->args[0].expr);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, bad);
	asm_jmpi(&g->b, BPF_JGT, R0, (int32_t)g->im->nspec, bad);
	asm_alui(&g->b, BPF_LSH, R0, 2);
	asm_map_value(&g->b, R1, M_STATE, 0);
	asm_alu(&g->b, BPF_ADD, R1, R0);
	asm_load(&g->b, 4, R2, R1, (int)offsetof(struct gstate, spec_state) - 4);
	asm_jmpi(&g->b, BPF_JNE, R2, 1, bad);
	asm_storei(&g->b, 4, R1, (int)offsetof(struct gstate, spec_state) - 4,
	    a->fn == F_COMMIT ? 2 : 3);
	asm_place(&g->b, bad);
}

static void
gen_act(struct gen *g, const struct act *a)
{
	for (unsigned i = 0; i < a->nargs; i++)
		record_arg(g, a, &a->args[i]);
	if (a->fn == F_EXIT)
		gen_exit_action(g);
	if (a->fn == F_COMMIT || a->fn == F_DISCARD)
		gen_settle(g, a);
}

/* Everything that precedes a record in memory: the head. */
static void
record_head(struct gen *g)
{
	int at = (int)g->im->rec_off;

	asm_storei(&g->b, 4, R7, at, (int32_t)g->u->id);
	asm_load(&g->b, 4, R0, R7, SLOT_PROBE);
	asm_store(&g->b, 4, R7, at + 4, R0);
	asm_load(&g->b, 8, R0, R7, SLOT_CPU);
	asm_store(&g->b, 4, R7, at + 8, R0);
	if (g->u->speculates)
		asm_load(&g->b, 8, R0, R7, SLOT_SPEC);
	else
		asm_imm(&g->b, R0, 0);
	asm_store(&g->b, 4, R7, at + 12, R0);
}

static void
output(struct gen *g, uint32_t bytes)
{
	int ok = asm_label(&g->b);

	asm_map(&g->b, R1, M_RING);
	asm_mov(&g->b, R2, R7);
	asm_alui(&g->b, BPF_ADD, R2, (int32_t)g->im->rec_off);
	asm_imm(&g->b, R3, bytes);
	asm_imm(&g->b, R4, 0);
	asm_call(&g->b, H_RINGBUF_OUTPUT);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, ok);
	gen_drop(g, g->u->speculates ? DROP_SPEC : DROP_PRINCIPAL);
	asm_place(&g->b, ok);
}

/* --- statements -------------------------------------------------------------------------------- */

static void
gen_list(struct gen *g, struct node *n)
{
	for (; n != NULL; n = n->next)
		gen_statement(g, n);
}

static void
gen_if(struct gen *g, struct node *n)
{
	int no = asm_label(&g->b), end = asm_label(&g->b);

	gen_branch_false(g, n->a, no);
	set_guard(g, (int32_t)n->aux);
	gen_statement(g, n->b);
	if (n->c != NULL) {
		asm_jump(&g->b, end);
		asm_place(&g->b, no);
		set_guard(g, (int32_t)n->tmp);
		gen_statement(g, n->c);
	} else {
		asm_place(&g->b, no);
	}
	asm_place(&g->b, end);
}

/* The id must be an active speculation, or the clause ends here. */
static void
gen_speculate(struct gen *g, struct node *n)
{
	gen_expr(g, n->args);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_next);
	asm_jmpi(&g->b, BPF_JGT, R0, (int32_t)g->im->nspec, g->l_next);
	asm_store(&g->b, 8, R7, SLOT_SPEC, R0);
	asm_alui(&g->b, BPF_LSH, R0, 2);
	asm_map_value(&g->b, R1, M_STATE, 0);
	asm_alu(&g->b, BPF_ADD, R1, R0);
	asm_load(&g->b, 4, R2, R1, (int)offsetof(struct gstate, spec_state) - 4);
	asm_jmpi(&g->b, BPF_JNE, R2, 1, g->l_next);
}

static void
gen_call_statement(struct gen *g, struct node *n)
{
	enum fn f = n->id != NULL && n->id->func != NULL ? n->id->func->id : F_FN_COUNT;

	if (f == F_SPECULATE)
		gen_speculate(g, n);
	else if (n->act != NULL)
		gen_act(g, n->act);
	else if (f <= F_LAST_ACTION)
		gen_subr(g, n);
	else
		gen_expr(g, n);
}

void
gen_statement(struct gen *g, struct node *n)
{
	if (n == NULL)
		return;
	g->c->line = n->line;
	switch (n->kind) {
	case N_IF:
		gen_if(g, n);
		break;
	case N_BLOCK:
		gen_list(g, n->a);
		break;
	case N_COMMA:
		gen_statement(g, n->a);
		gen_statement(g, n->b);
		break;
	case N_CALL:
		gen_call_statement(g, n);
		break;
	default:
		if (n->agg != NULL)
			gen_agg(g, n);
		else if (n->kind != N_INT && n->kind != N_STR)
			gen_expr(g, n);
		break;
	}
}

static bool
always_records(const struct unit *u)
{
	for (unsigned i = 0; i < u->nacts; i++)
		if (u->acts[i]->guard < 0)
			return (true);
	return (u->default_action);
}

/* A record whose actions are all conditional goes out only when one was reached. */
static void
gen_output(struct gen *g)
{
	struct unit *u = g->u;
	int send = asm_label(&g->b), skip = asm_label(&g->b);

	if (!always_records(u)) {
		for (unsigned i = 0; i < u->nacts; i++) {
			asm_load(&g->b, 4, R0, R7,
			    (int)(g->im->rec_off + sizeof(struct rec_head)) + u->acts[i]->guard);
			asm_jmpi(&g->b, BPF_JNE, R0, 0, send);
		}
		asm_jump(&g->b, skip);
	}
	asm_place(&g->b, send);
	record_head(g);
	output(g, (uint32_t)sizeof(struct rec_head) + ((u->rec_size + 7) & ~7u));
	asm_place(&g->b, skip);
}

static void
clear_guards(struct gen *g)
{
	const struct unit *u = g->u;
	int base = (int)(g->im->rec_off + sizeof(struct rec_head));
	bool any = false;

	for (unsigned i = 0; i < u->nacts; i++)
		any |= u->acts[i]->guard >= 0;
	for (unsigned i = 0; any && i < u->nacts; i++)
		if (u->acts[i]->guard >= 0)
			asm_storei(&g->b, 4, R7, base + u->acts[i]->guard, 0);
}

/* Report the fault (code in r1, value in SLOT_FAULT), then let the clauses of ERROR see it. */
static void
gen_fault_exit(struct gen *g)
{
	int at = (int)g->im->rec_off;

	asm_place(&g->b, g->l_fault);
	asm_store(&g->b, 8, R7, SLOT_ERR + 24, R1);
	asm_store(&g->b, 8, R7, at + 16, R1);
	asm_load(&g->b, 8, R0, R7, SLOT_FAULT);
	asm_store(&g->b, 8, R7, SLOT_ERR + 32, R0);
	asm_store(&g->b, 8, R7, at + 24, R0);
	asm_load(&g->b, 4, R0, R7, SLOT_PROBE);
	asm_store(&g->b, 8, R7, SLOT_ERR, R0);
	asm_storei(&g->b, 8, R7, SLOT_ERR + 8, (int32_t)g->u->id);
	asm_storei(&g->b, 8, R7, SLOT_ERR + 16, 0);
	record_head(g);
	asm_storei(&g->b, 4, R7, at, (int32_t)(REC_FAULT | g->u->id));
	output(g, sizeof(struct fault_rec));
	if (g->im->nerrors > 0 && !g->in_error) {
		asm_mov(&g->b, R1, R6);
		asm_mov(&g->b, R2, R7);
		asm_call_local(&g->b, g->l_error);
		g->uses_error = true;
	}
}

static void
gen_unit(struct gen *g, struct unit *u)
{
	unsigned before;

	g->u = u;
	g->l_next = asm_label(&g->b);
	g->l_fault = asm_label(&g->b);
	g->key_top = 0;
	asm_storei(&g->b, 8, R7, SLOT_ALLOCA, 0);
	clear_guards(g);
	before = g->b.njumps;
	if (u->pred != NULL)
		gen_branch_false(g, u->pred, g->l_next);
	gen_list(g, u->stmts);
	if (u->datarec)
		gen_output(g);
	for (unsigned i = before; i < g->b.njumps; i++) {
		if (g->b.jumps[i].map != g->l_fault)
			continue;
		asm_jump(&g->b, g->l_next);
		gen_fault_exit(g);
		break;
	}
	asm_place(&g->b, g->l_next);
}

/* --- programs ---------------------------------------------------------------------------------- */

/* Only while tracing is on, or in the phase that is this probe's own. */
static void
check_activity(struct gen *g)
{
	asm_map_value(&g->b, R1, M_STATE, 0);
	asm_load(&g->b, 4, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)g->t->activity, g->l_out);
}

static void
take_slot(struct gen *g)
{
	int got = asm_label(&g->b);

	asm_call(&g->b, H_CPU);
	asm_mov(&g->b, R8, R0);
	for (int k = 0; k < SLOTS_PER_CPU; k++) {
		int next = asm_label(&g->b);

		asm_mov(&g->b, R1, R8);
		asm_alui(&g->b, BPF_MUL, R1, SLOTS_PER_CPU);
		asm_alui(&g->b, BPF_ADD, R1, k);
		asm_store(&g->b, 4, FP, -8, R1);
		asm_mov(&g->b, R2, FP);
		asm_alui(&g->b, BPF_ADD, R2, -8);
		asm_map(&g->b, R1, M_SLOTS);
		asm_call(&g->b, H_LOOKUP);
		asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_out);
		asm_mov(&g->b, R7, R0);
		asm_imm(&g->b, R1, 1);
		if (g->im->kernel >= 0x050c00) {
			asm_xchg(&g->b, R7, SLOT_BUSY, R1);
		} else { /* there programs are not preempted: interrupts nest */
			asm_load(&g->b, 8, R2, R7, SLOT_BUSY);
			asm_store(&g->b, 8, R7, SLOT_BUSY, R1);
			asm_mov(&g->b, R1, R2);
		}
		asm_jmpi(&g->b, BPF_JEQ, R1, 0, got);
		asm_place(&g->b, next);
	}
	gen_drop(g, DROP_PRINCIPAL);
	asm_jump(&g->b, g->l_out);
	asm_place(&g->b, got);
	asm_store(&g->b, 8, R7, SLOT_CPU, R8);
	asm_store(&g->b, 8, R7, SLOT_SELF, R7);
}

static bool
same_units(const struct target *t)
{
	for (unsigned i = 1; i < t->nprobes; i++)
		if (memcmp(t->probes[i]->mask, t->probes[0]->mask, sizeof(t->probes[0]->mask)) != 0)
			return (false);
	return (true);
}

/* Which probe: constants when there is one, else the row that the filter found (kept at fp-24). */
static void
identify(struct gen *g)
{
	const struct target *t = g->t;

	if (t->nprobes == 1) {
		asm_storei(&g->b, 4, R7, SLOT_PROBE, (int32_t)t->probes[0]->id);
		asm_storei(&g->b, 4, R7, SLOT_ROW, (int32_t)t->probes[0]->row);
		return;
	}
	asm_mov(&g->b, R2, FP);
	asm_alui(&g->b, BPF_ADD, R2, -16);
	asm_map(&g->b, R1, M_ROWS);
	asm_call(&g->b, H_LOOKUP);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_release);
	asm_store(&g->b, 8, FP, -24, R0);
	asm_load(&g->b, 4, R1, R0, 0);
	asm_store(&g->b, 4, R7, SLOT_PROBE, R1);
	asm_load(&g->b, 4, R1, R0, 4);
	asm_store(&g->b, 4, R7, SLOT_ROW, R1);
}

/* -z: is the current task one of the zone's?  BEGIN and END are the tracer's own. */
static void
check_zone(struct gen *g)
{
	if (g->im->zone_ns == 0 || g->t->activity != ACT_ACTIVE || g->t->every != 0)
		return;
	g->l_fault = g->l_release;
	gen_task_uts(g);
	asm_imm(&g->b, R1, g->im->zone_ns); /* above 2^31: no immediate */
	asm_jmp(&g->b, BPF_JNE, R0, R1, g->l_release);
}

static void
skip_unless_member(struct gen *g, unsigned bit, int skip)
{
	asm_load(&g->b, 8, R1, FP, -24);
	asm_load(&g->b, 4, R1, R1, (int)(offsetof(struct rowdef, mask) + bit / 32 * 4));
	asm_alui(&g->b, BPF_AND, R1, (int32_t)(1u << (bit % 32)));
	asm_jmpi(&g->b, BPF_JEQ, R1, 0, skip);
}

static void
prepare(struct gen *g, struct unit **units, unsigned n)
{
	bool timed = false;

	g->arg_mask = 0;
	for (unsigned i = 0; i < n; i++) {
		g->arg_mask |= units[i]->arg_mask;
		timed |= units[i]->uses_time;
	}
	if (timed) {
		asm_call(&g->b, H_KTIME);
		asm_store(&g->b, 8, R7, SLOT_TIME, R0);
	}
	gen_zero(g, SLOT_LOCALS, g->im->locals);
	if (g->arg_mask != 0 && g->t->ops->args != NULL)
		g->t->ops->args(g, g->t, g->arg_mask);
	else if (g->arg_mask != 0 && g->t->ops->check == NULL)
		gen_zero(g, SLOT_ARGS, 80);
}

static bool
unit_on_target(const struct target *t, unsigned i)
{
	for (unsigned k = 0; k < t->nprobes; k++)
		if (t->probes[k]->mask[i / 64] >> (i % 64) & 1)
			return (true);
	return (false);
}

/* The clauses of ERROR, as a function of (context, slot). */
static void
gen_error_function(struct gen *g)
{
	asm_place(&g->b, g->l_error);
	g->in_error = true;
	g->frame = 24;
	asm_mov(&g->b, R6, R1);
	asm_mov(&g->b, R7, R2);
	for (int i = 0; i < 5; i++) {
		asm_load(&g->b, 8, R0, R7, SLOT_ERR + 8 * i);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * (i + 1), R0);
	}
	asm_load(&g->b, 4, R8, R7, SLOT_PROBE);
	asm_storei(&g->b, 4, R7, SLOT_PROBE, 3);
	asm_store(&g->b, 8, R7, SLOT_ERR, R8);
	for (unsigned i = 0; i < g->im->nerrors; i++)
		gen_unit(g, g->im->errors[i]);
	asm_load(&g->b, 8, R8, R7, SLOT_ERR);
	asm_store(&g->b, 4, R7, SLOT_PROBE, R8);
	asm_imm(&g->b, R0, 0);
	asm_exit(&g->b);
}

static void
gen_units(struct gen *g, struct unit **units, unsigned n)
{
	bool several = g->t->nprobes > 1 && !same_units(g->t), first = true;

	for (unsigned i = 0; i < n; i++) {
		int skip = asm_label(&g->b);

		if (!unit_on_target(g->t, i))
			continue;
		if (several)
			skip_unless_member(g, i, skip);
		if (!first) { /* an earlier clause may have ended the tracing */
			asm_map_value(&g->b, R1, M_STATE, 0);
			asm_load(&g->b, 4, R0, R1, 0);
			asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)g->t->activity, g->l_release);
		}
		first = false;
		gen_unit(g, units[i]);
		asm_place(&g->b, skip);
	}
}

void
gen_program(struct gen *g, struct image *im, const struct target *t, struct unit **units,
    unsigned nunits)
{
	struct comp *c = im->c;

	memset(g, 0, sizeof(*g));
	g->c = c;
	g->im = im;
	g->t = t;
	g->frame = 24;
	asm_init(&g->b, c);
	g->l_out = asm_label(&g->b);
	g->l_release = asm_label(&g->b);
	g->l_error = asm_label(&g->b);
	asm_mov(&g->b, R6, R1);
	check_activity(g);
	if (t->ops->filter != NULL)
		t->ops->filter(g, t);
	take_slot(g);
	check_zone(g);
	identify(g);
	if (t->ops->check != NULL)
		t->ops->check(g, t);
	prepare(g, units, nunits);
	gen_units(g, units, nunits);
	asm_place(&g->b, g->l_release);
	asm_storei(&g->b, 8, R7, SLOT_BUSY, 0);
	asm_place(&g->b, g->l_out);
	asm_imm(&g->b, R0, 0);
	asm_exit(&g->b);
	if (g->uses_error)
		gen_error_function(g);
	asm_finish(&g->b);
}
