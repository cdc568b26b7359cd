/* SPDX-License-Identifier: MIT */
/*
 * The code generator: variables, assignment, keys, aggregations.
 *
 * Globals live in the one value of M_GLOBALS, clause-local variables in the slot; thread-local variables
 * and associative arrays have a hash each.  Storing zero in an element of a hash removes it.
 */
#include "gen.h"

static bool
in_hash(const struct ident *id)
{
	return (id->assoc || id->scope == SCOPE_SELF);
}

static unsigned
word_size(struct type *t)
{
	uint64_t n = type_size(t);

	return (n == 1 || n == 2 || n == 4 ? (unsigned)n : 8);
}

/* --- keys -------------------------------------------------------------------------------------- */

/* r0 = the thread, told apart from the idle ones of each CPU. */
void
gen_thread_key(struct gen *g)
{
	int busy = asm_label(&g->b);

	asm_call(&g->b, H_PID_TGID);
	asm_alui(&g->b, BPF_LSH, R0, 32);
	asm_alui(&g->b, BPF_RSH, R0, 32);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, busy);
	asm_load(&g->b, 8, R0, R7, SLOT_CPU);
	asm_imm(&g->b, R1, 1ll << 32);
	asm_alu(&g->b, BPF_OR, R0, R1);
	asm_place(&g->b, busy);
}

static void
key_part(struct gen *g, struct node *k, const struct key_part *p, uint32_t off)
{
	struct type *t = type_resolve(p->type);

	if (t->kind == TY_STRING) {
		gen_string_into(g, k, off, p->size, true);
	} else if (t->kind == TY_STACK || t->kind == TY_USTACK || t->kind == TY_USYMADDR) {
		gen_zero(g, off, p->size);
		gen_bytes_into(g, k, k->type, off, p->size);
	} else if (type_by_ref(t)) {
		gen_zero(g, off, p->size);
		gen_bytes_into(g, k, k->type, off, (uint32_t)type_size(t));
	} else {
		gen_expr(g, k);
		gen_extend(g, R0, p->type);
		asm_store(&g->b, 8, R7, (int)off, R0);
	}
}

/* Pack the key; what its parts need for keys of their own lies behind it. */
uint32_t
gen_keys(struct gen *g, struct node *args, const struct ident *id)
{
	uint32_t base = g->im->key_off + g->key_top, size = id->key_size != 0 ? id->key_size : 8;
	unsigned i = 0;

	g->key_top += size;
	if (g->key_top > g->im->key_max)
		g->im->key_max = g->key_top;
	if (g->key_top > 1 << 16)
		comp_error(g->c, 0, "D_KEY_TYPE", "key is too large");
	if (id->kind == ID_VAR && id->scope == SCOPE_SELF) {
		gen_thread_key(g);
		asm_store(&g->b, 8, R7, (int)base, R0);
	}
	for (struct node *k = args; k != NULL; k = k->next, i++)
		key_part(g, k, &id->keys[i], base + id->keys[i].off);
	g->key_top -= size;
	return (base);
}

static void
slot_pointer(struct gen *g, int reg, uint32_t off)
{
	asm_mov(&g->b, reg, R7);
	asm_alui(&g->b, BPF_ADD, reg, (int32_t)off);
}

/* r0 = pointer to the element or NULL; the key stays in the slot. */
static uint32_t
lookup(struct gen *g, struct node *n, const struct ident *id)
{
	uint32_t key = gen_keys(g, id->assoc ? n->args : NULL, id);

	asm_map(&g->b, R1, id->map);
	slot_pointer(g, R2, key);
	asm_call(&g->b, H_LOOKUP);
	return (key);
}

/* --- reading ----------------------------------------------------------------------------------- */

static void
read_element(struct gen *g, struct node *n, struct ident *id)
{
	int none = asm_label(&g->b), end = asm_label(&g->b);

	(void)lookup(g, n, id);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, none);
	if (type_by_ref(id->type)) {
		gen_scalar(g);
		asm_jump(&g->b, end);
		asm_place(&g->b, none);
		asm_map_value(&g->b, R0, M_RODATA, 0);
		gen_scalar(g);
		asm_place(&g->b, end);
		return;
	}
	asm_load(&g->b, word_size(id->type), R0, R0, 0);
	gen_extend(g, R0, id->type);
	asm_place(&g->b, none);
}

void
gen_variable(struct gen *g, struct node *n)
{
	struct ident *id = n->id;

	if (id == NULL)
		comp_error(g->c, n->line, "D_UNKNOWN", "name has no value");
	if (in_hash(id)) {
		read_element(g, n, id);
	} else if (id->scope == SCOPE_THIS) {
		if (type_by_ref(id->type)) {
			gen_slot_address(g, SLOT_LOCALS + id->off);
			return;
		}
		asm_load(&g->b, word_size(id->type), R0, R7, (int)(SLOT_LOCALS + id->off));
		gen_extend(g, R0, id->type);
	} else {
		asm_map_value(&g->b, R0, M_GLOBALS, id->off);
		if (type_by_ref(id->type)) {
			gen_scalar(g);
			return;
		}
		asm_load(&g->b, word_size(id->type), R0, R0, 0);
		gen_extend(g, R0, id->type);
	}
}

/* --- writing through addresses ----------------------------------------------------------------- */

/* r0 = scalar address: turn it into a pointer into the clause's own memory of `size` bytes, or fault. */
static void
own_memory(struct gen *g, uint32_t size)
{
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_load(&g->b, 8, R1, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)g->im->scratch_off);
	asm_alu(&g->b, BPF_SUB, R0, R1);
	gen_fault_if(g, BPF_JGT, R0, (int32_t)(g->im->scratch_size * 2 - size), FAULT_BADADDR);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)g->im->scratch_off);
	asm_alu(&g->b, BPF_ADD, R0, R7);
}

/* r0 = a pointer that the verifier lets us write `size` bytes to. */
static void
write_pointer(struct gen *g, struct node *n, uint32_t size)
{
	if (n->kind == N_IDENT && n->id != NULL && n->id->kind == ID_VAR && !in_hash(n->id)) {
		if (n->id->scope == SCOPE_THIS)
			slot_pointer(g, R0, SLOT_LOCALS + n->id->off);
		else
			asm_map_value(&g->b, R0, M_GLOBALS, n->id->off);
		return;
	}
	if (n->kind == N_MEMBER && n->op == '.') {
		write_pointer(g, n->a, size);
		asm_alui(&g->b, BPF_ADD, R0, (int32_t)(n->mem.bit_off / 8));
		return;
	}
	if (n->kind == N_INDEX && n->id == NULL && type_resolve(n->a->type)->kind == TY_ARRAY) {
		gen_expr(g, n->b);
		asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
		gen_fault_if(g, BPF_JGE, R0, (int32_t)type_resolve(n->a->type)->count,
		    FAULT_BADINDEX);
		asm_alui(&g->b, BPF_MUL, R0, (int32_t)type_size(n->type));
		(void)gen_push(g, R0);
		write_pointer(g, n->a, size);
		gen_pop(g, R1);
		asm_alu(&g->b, BPF_ADD, R0, R1);
		return;
	}
	if (in_hash(n->id != NULL ? n->id : &(struct ident){0}))
		comp_error(g->c, n->line, "D_OP_LVAL",
		    "members of an associative array's element may not be assigned");
	gen_address(g, n);
	own_memory(g, size);
}

static void
store_bitfield(struct gen *g, struct node *n)
{
	const struct member *m = &n->mem;
	unsigned skip = m->bit_off % 8, bytes = (skip + m->bit_size + 7) / 8;
	unsigned size = bytes <= 1 ? 1 : bytes <= 2 ? 2 : bytes <= 4 ? 4 : 8;
	uint64_t mask = (m->bit_size == 64 ? ~0ull : (1ull << m->bit_size) - 1) << skip;

	(void)gen_push(g, R0);
	write_pointer(g, n, size);
	gen_pop(g, R1);
	asm_alui(&g->b, BPF_LSH, R1, (int32_t)skip);
	asm_imm(&g->b, R2, (int64_t)mask);
	asm_alu(&g->b, BPF_AND, R1, R2);
	asm_imm(&g->b, R2, (int64_t)~mask);
	asm_load(&g->b, size, R3, R0, 0);
	asm_alu(&g->b, BPF_AND, R3, R2);
	asm_alu(&g->b, BPF_OR, R3, R1);
	asm_store(&g->b, size, R0, 0, R3);
}

/* --- storing ----------------------------------------------------------------------------------- */

/* The value is a string or a structure: copy its bytes. */
static void
store_bytes(struct gen *g, struct node *to, struct node *from)
{
	uint32_t size = (uint32_t)type_size(to->type);
	bool str = type_is_string(to->type) || type_is_strlike(to->type);

	if (to->kind == N_IDENT && to->id != NULL && !in_hash(to->id) &&
	    to->id->scope == SCOPE_THIS) {
		if (str)
			gen_string_into(g, from, SLOT_LOCALS + to->id->off, size, false);
		else
			gen_bytes_into(g, from, to->type, SLOT_LOCALS + to->id->off, size);
		return;
	}
	gen_expr(g, from);
	(void)gen_push(g, R0);
	write_pointer(g, to, size);
	asm_mov(&g->b, R1, R0);
	asm_imm(&g->b, R2, size);
	gen_pop(g, R3);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R3);
	asm_call(&g->b, str ? from->user ? H_READ_USER_STR : H_READ_KERNEL_STR :
	    from->user ? H_READ_USER : H_READ_KERNEL);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
}

/* The scalar in r0 to a variable or through an address; r0 survives. */
static void
store_scalar(struct gen *g, struct node *to)
{
	struct ident *id = to->id;

	if (to->kind == N_MEMBER && to->mem.bit_size != 0) {
		(void)gen_push(g, R0);
		store_bitfield(g, to);
		gen_pop(g, R0);
		return;
	}
	if (to->kind == N_IDENT && id != NULL && !in_hash(id)) {
		if (id->scope == SCOPE_THIS) {
			asm_store(&g->b, word_size(id->type), R7, (int)(SLOT_LOCALS + id->off), R0);
		} else {
			asm_map_value(&g->b, R1, M_GLOBALS, id->off);
			asm_store(&g->b, word_size(id->type), R1, 0, R0);
		}
		return;
	}
	(void)gen_push(g, R0);
	write_pointer(g, to, word_size(to->type));
	gen_pop(g, R1);
	asm_store(&g->b, word_size(to->type), R0, 0, R1);
	asm_mov(&g->b, R0, R1);
}

/* The element's value is at slot + val: put it into the hash, or remove the element. */
static void
update_element(struct gen *g, const struct ident *id, uint32_t key, uint32_t val)
{
	int ok = asm_label(&g->b);

	asm_map(&g->b, R1, id->map);
	slot_pointer(g, R2, key);
	slot_pointer(g, R3, val);
	asm_imm(&g->b, R4, BPF_ANY);
	asm_call(&g->b, H_UPDATE);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, ok);
	gen_drop(g, DROP_DYN);
	asm_place(&g->b, ok);
}

/* The scalar in r0 to an element: in place when it exists, removed when it is zero. */
static void
store_element(struct gen *g, struct node *to)
{
	struct ident *id = to->id;
	uint32_t val = g->im->key_off + g->key_top, key;
	int missing = asm_label(&g->b), zero = asm_label(&g->b), end = asm_label(&g->b);

	g->key_top += 8;
	(void)gen_push(g, R0);
	asm_store(&g->b, 8, R7, (int)val, R0);
	key = lookup(g, to, id);
	asm_load(&g->b, 8, R1, FP, -g->frame);
	asm_jmpi(&g->b, BPF_JEQ, R1, 0, zero);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, missing);
	asm_store(&g->b, word_size(id->type), R0, 0, R1);
	asm_jump(&g->b, end);
	asm_place(&g->b, missing);
	update_element(g, id, key, val);
	asm_jump(&g->b, end);
	asm_place(&g->b, zero);
	asm_map(&g->b, R1, id->map);
	slot_pointer(g, R2, key);
	asm_call(&g->b, H_DELETE);
	asm_place(&g->b, end);
	gen_pop(g, R0);
	g->key_top -= 8;
}

static void
store_element_bytes(struct gen *g, struct node *to, struct node *from)
{
	struct ident *id = to->id;
	uint32_t size = ((uint32_t)type_size(id->type) + 7) & ~7u, key;
	uint32_t val = g->im->key_off + g->key_top;

	if (from->kind == N_INT && from->val == 0) {
		key = gen_keys(g, id->assoc ? to->args : NULL, id);
		asm_map(&g->b, R1, id->map);
		slot_pointer(g, R2, key);
		asm_call(&g->b, H_DELETE);
		return;
	}
	g->key_top += size;
	if (g->key_top > g->im->key_max)
		g->im->key_max = g->key_top;
	gen_bytes_into(g, from, type_is_string(id->type) ? id->type : from->type, val,
	    (uint32_t)type_size(id->type));
	key = gen_keys(g, id->assoc ? to->args : NULL, id);
	update_element(g, id, key, val);
	g->key_top -= size;
}

static void
store(struct gen *g, struct node *to)
{
	if (to->id != NULL && to->id->kind == ID_VAR && in_hash(to->id) &&
	    (to->kind == N_IDENT || to->kind == N_INDEX))
		store_element(g, to);
	else
		store_scalar(g, to);
}

static int
plain_op(int op)
{
	static const int plain[] = {'+', '-', '*', '/', '%', '&', '^', '|', P_SHL, P_SHR};

	return (plain[op - P_ADDEQ]);
}

/* a op= b as a = a op b: the left side is evaluated twice, as its parts have no effects worth keeping. */
static void
compound(struct gen *g, struct node *n)
{
	struct node b = *n;

	b.kind = N_BINARY;
	b.op = plain_op(n->op);
	b.post = false;
	b.agg = NULL;
	gen_expr(g, &b);
	gen_extend(g, R0, n->a->type);
	store(g, n->a);
}

void
gen_assign(struct gen *g, struct node *n)
{
	if (n->agg != NULL) {
		gen_agg(g, n);
		return;
	}
	if (n->op != '=') {
		compound(g, n);
		return;
	}
	if (type_by_ref(n->a->type)) {
		if (n->a->id != NULL && n->a->id->kind == ID_VAR && in_hash(n->a->id))
			store_element_bytes(g, n->a, n->b);
		else
			store_bytes(g, n->a, n->b);
		return;
	}
	gen_expr(g, n->b);
	gen_extend(g, R0, n->a->type);
	store(g, n->a);
}

void
gen_incdec(struct gen *g, struct node *n)
{
	int32_t step = n->op == P_INC ? (int32_t)n->aux : -(int32_t)n->aux;

	gen_expr(g, n->a);
	asm_alui(&g->b, BPF_ADD, R0, step);
	gen_extend(g, R0, n->a->type);
	store(g, n->a);
	if (n->post)
		asm_alui(&g->b, BPF_SUB, R0, step);
}

/* --- aggregations ------------------------------------------------------------------------------ */

/* r0 = the bucket of the value in r1: 63 for 0, powers of two above, their negatives below. */
static void
quantize_bucket(struct gen *g)
{
	int positive = asm_label(&g->b), zero = asm_label(&g->b), end = asm_label(&g->b);
	int done = asm_label(&g->b);

	asm_imm(&g->b, R0, 63);
	asm_jmpi(&g->b, BPF_JEQ, R1, 0, zero);
	asm_mov(&g->b, R4, R1);
	asm_jmpi(&g->b, BPF_JSGT, R1, 0, positive);
	asm_neg(&g->b, R1);
	asm_place(&g->b, positive);
	asm_imm(&g->b, R0, 0);
	for (int s = 32; s >= 1; s /= 2) { /* r0 = floor(log2 r1), no branches */
		asm_mov(&g->b, R2, R1);
		asm_alui(&g->b, BPF_RSH, R2, s);
		asm_mov(&g->b, R3, R2);
		asm_neg(&g->b, R3);
		asm_alu(&g->b, BPF_OR, R2, R3);
		asm_alui(&g->b, BPF_RSH, R2, 63);
		asm_alui(&g->b, BPF_MUL, R2, s);
		asm_alu(&g->b, BPF_ADD, R0, R2);
		asm_alu(&g->b, BPF_RSH, R1, R2);
	}
	asm_jmpi(&g->b, BPF_JSGT, R4, 0, end);
	asm_mov(&g->b, R2, R0);
	asm_imm(&g->b, R0, 62);
	asm_alu(&g->b, BPF_SUB, R0, R2);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, done);
	asm_imm(&g->b, R0, 0);
	asm_jump(&g->b, done);
	asm_place(&g->b, end);
	asm_alui(&g->b, BPF_ADD, R0, 64);
	asm_place(&g->b, done);
	asm_place(&g->b, zero);
}

static void
lquantize_bucket(struct gen *g, const struct agg_info *a)
{
	int below = asm_label(&g->b), end = asm_label(&g->b);
	int32_t levels = (int32_t)a->nvals - 3;

	asm_imm(&g->b, R0, 0);
	asm_imm(&g->b, R2, a->base);
	asm_jmp(&g->b, BPF_JSLT, R1, R2, below);
	asm_alu(&g->b, BPF_SUB, R1, R2);
	asm_alui(&g->b, BPF_DIV, R1, (int32_t)a->step);
	asm_imm(&g->b, R0, levels + 1);
	asm_jmpi(&g->b, BPF_JGE, R1, levels, end);
	asm_mov(&g->b, R0, R1);
	asm_alui(&g->b, BPF_ADD, R0, 1);
	asm_place(&g->b, below);
	asm_place(&g->b, end);
}

/* One magnitude of llquantize: |v| in r1 below factor^(mag+1) ends here. r5 = 1 or -1. */
static void
magnitude(struct gen *g, const struct agg_info *a, uint32_t mag, uint64_t next, int found)
{
	int above = asm_label(&g->b);
	uint32_t sf = a->steps / a->factor, per = a->steps - sf;
	uint64_t width = next / a->steps;

	asm_imm(&g->b, R2, (int64_t)next);
	asm_jmp(&g->b, BPF_JGE, R1, R2, above);
	if (width == 0) { /* fewer values than steps */
		asm_alui(&g->b, BPF_MUL, R1, (int32_t)a->steps);
		asm_imm(&g->b, R2, (int64_t)next);
	} else {
		asm_imm(&g->b, R2, (int64_t)width);
	}
	asm_alu(&g->b, BPF_DIV, R1, R2);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)((mag - a->low) * per + 1) - (int32_t)sf);
	asm_jump(&g->b, found);
	asm_place(&g->b, above);
}

static void
llquantize_bucket(struct gen *g, const struct agg_info *a)
{
	int found = asm_label(&g->b), middle = asm_label(&g->b), pos = asm_label(&g->b);
	int neg = asm_label(&g->b), end = asm_label(&g->b);
	uint32_t per = a->steps - a->steps / a->factor, nmag = a->high - a->low + 1;
	int32_t mid = (int32_t)(1 + nmag * per);
	uint64_t p = 1;

	for (uint32_t i = 0; i < a->low; i++)
		p *= a->factor;
	asm_mov(&g->b, R5, R1);
	asm_jmpi(&g->b, BPF_JSGE, R1, 0, pos);
	asm_neg(&g->b, R1);
	asm_place(&g->b, pos);
	asm_imm(&g->b, R2, (int64_t)p);
	asm_jmp(&g->b, BPF_JLT, R1, R2, middle);
	for (uint32_t mag = a->low; mag <= a->high; mag++) {
		p *= a->factor;
		magnitude(g, a, mag, p, found);
	}
	asm_imm(&g->b, R1, mid);
	asm_place(&g->b, found);
	asm_imm(&g->b, R0, mid);
	asm_jmpi(&g->b, BPF_JSLT, R5, 0, neg);
	asm_alu(&g->b, BPF_ADD, R0, R1);
	asm_jump(&g->b, end);
	asm_place(&g->b, neg);
	asm_alu(&g->b, BPF_SUB, R0, R1);
	asm_jump(&g->b, end);
	asm_place(&g->b, middle);
	asm_imm(&g->b, R0, mid);
	asm_place(&g->b, end);
}

static void
bucket(struct gen *g, const struct agg_info *a)
{
	if (a->func == AGG_QUANTIZE)
		quantize_bucket(g);
	else if (a->func == AGG_LQUANTIZE)
		lquantize_bucket(g, a);
	else
		llquantize_bucket(g, a);
	asm_jmpi(&g->b, BPF_JGT, R0, (int32_t)a->nvals - 2, g->l_next);
	asm_alui(&g->b, BPF_LSH, R0, 3);
}

/* min and max: the marker says to which clear() the value belongs. r8 = data, r9 = value. */
static void
extreme(struct gen *g, bool max)
{
	int fresh = asm_label(&g->b), end = asm_label(&g->b);

	asm_map_value(&g->b, R1, M_STATE, offsetof(struct gstate, agg_gen));
	asm_load(&g->b, 8, R1, R1, 0);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_load(&g->b, 8, R2, R8, 0);
	asm_store(&g->b, 8, R8, 0, R1);
	asm_jmp(&g->b, BPF_JNE, R1, R2, fresh);
	asm_load(&g->b, 8, R2, R8, 8);
	asm_jmp(&g->b, max ? BPF_JSGE : BPF_JSLE, R2, R9, end);
	asm_place(&g->b, fresh);
	asm_store(&g->b, 8, R8, 8, R9);
	asm_place(&g->b, end);
}

static void
add_one(struct gen *g, int off)
{
	asm_imm(&g->b, R1, 1);
	asm_xadd(&g->b, R8, off, R1);
}

/* 128 bits of v*v, added with carry. */
static void
add_square(struct gen *g)
{
	int pos = asm_label(&g->b), carry = asm_label(&g->b);

	asm_mov(&g->b, R1, R9);
	asm_jmpi(&g->b, BPF_JSGE, R1, 0, pos);
	asm_neg(&g->b, R1);
	asm_place(&g->b, pos);
	asm_mov(&g->b, R2, R1); /* r2 low half, r3 high half */
	asm_alui(&g->b, BPF_LSH, R2, 32);
	asm_alui(&g->b, BPF_RSH, R2, 32);
	asm_mov(&g->b, R3, R1);
	asm_alui(&g->b, BPF_RSH, R3, 32);
	asm_mov(&g->b, R4, R2); /* r4 = cross = low * high */
	asm_alu(&g->b, BPF_MUL, R4, R3);
	asm_alu(&g->b, BPF_MUL, R3, R3); /* r3 = high word */
	asm_alu(&g->b, BPF_MUL, R2, R2); /* r2 = low word */
	asm_mov(&g->b, R5, R4);
	asm_alui(&g->b, BPF_RSH, R5, 31);
	asm_alu(&g->b, BPF_ADD, R3, R5);
	asm_alui(&g->b, BPF_LSH, R4, 33);
	asm_alu(&g->b, BPF_ADD, R2, R4);
	asm_jmp(&g->b, BPF_JGE, R2, R4, carry);
	asm_alui(&g->b, BPF_ADD, R3, 1);
	asm_place(&g->b, carry);
	asm_load(&g->b, 8, R4, R8, 16);
	asm_alu(&g->b, BPF_ADD, R4, R2);
	asm_store(&g->b, 8, R8, 16, R4);
	{
		int none = asm_label(&g->b);

		asm_jmp(&g->b, BPF_JGE, R4, R2, none);
		asm_alui(&g->b, BPF_ADD, R3, 1);
		asm_place(&g->b, none);
	}
	asm_load(&g->b, 8, R4, R8, 24);
	asm_alu(&g->b, BPF_ADD, R4, R3);
	asm_store(&g->b, 8, R8, 24, R4);
}

/* The increment of quantize(e, n) and its kin, at fp - frame. */
static struct node *
increment_arg(const struct node *call, const struct agg_info *a)
{
	unsigned at = a->func == AGG_QUANTIZE ? 1 : a->func == AGG_LQUANTIZE ? 4 : 5;
	struct node *n = call->args;

	while (n != NULL && at-- > 0)
		n = n->next;
	return (n);
}

/* r8 = this CPU's values, r9 = the new value; the increment is on top of the frame. */
static void
aggregate(struct gen *g, const struct agg_info *a, bool counted)
{
	switch (a->func) {
	case AGG_COUNT:
		add_one(g, 0);
		break;
	case AGG_SUM:
		asm_storei(&g->b, 8, R8, 0, 1);
		asm_xadd(&g->b, R8, 8, R9);
		break;
	case AGG_AVG:
		add_one(g, 0);
		asm_xadd(&g->b, R8, 8, R9);
		break;
	case AGG_MIN: case AGG_MAX:
		extreme(g, a->func == AGG_MAX);
		break;
	case AGG_STDDEV:
		add_one(g, 0);
		asm_xadd(&g->b, R8, 8, R9);
		add_square(g);
		break;
	default:
		asm_storei(&g->b, 8, R8, 0, 1);
		asm_mov(&g->b, R1, R9);
		bucket(g, a);
		asm_alu(&g->b, BPF_ADD, R8, R0);
		if (counted)
			asm_load(&g->b, 8, R1, FP, -g->frame);
		else
			asm_imm(&g->b, R1, 1);
		asm_xadd(&g->b, R8, 8, R1);
		break;
	}
}

/* r0 = this CPU's values for the key, made when they are not there. */
static void
find_values(struct gen *g, const struct ident *id, uint32_t key, int give_up)
{
	int found = asm_label(&g->b), retry = asm_label(&g->b);

	asm_map(&g->b, R1, id->agg.map);
	slot_pointer(g, R2, key);
	asm_call(&g->b, H_LOOKUP);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, found);
	if (id->nkeys == 0) {
		asm_jump(&g->b, give_up);
		asm_place(&g->b, retry);
		asm_place(&g->b, found);
		return;
	}
	asm_map(&g->b, R1, id->agg.map);
	slot_pointer(g, R2, key);
	asm_map_value(&g->b, R3, M_RODATA, 0); /* zeroes */
	asm_imm(&g->b, R4, BPF_NOEXIST);
	asm_call(&g->b, H_UPDATE);
	asm_map(&g->b, R1, id->agg.map);
	slot_pointer(g, R2, key);
	asm_call(&g->b, H_LOOKUP);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, found);
	gen_drop(g, DROP_AGG);
	asm_jump(&g->b, give_up);
	asm_place(&g->b, found);
}

void
gen_agg(struct gen *g, struct node *n)
{
	struct ident *id = n->agg;
	struct node *call = n->b, *inc = increment_arg(call, &id->agg);
	int end = asm_label(&g->b);
	bool valued = id->agg.func != AGG_COUNT;
	uint32_t key;

	if (id->agg.func < AGG_QUANTIZE)
		inc = NULL;
	if (valued) {
		gen_expr(g, call->args);
		gen_extend(g, R0, call->args->type);
		(void)gen_push(g, R0);
	}
	if (inc != NULL) {
		gen_expr(g, inc);
		(void)gen_push(g, R0);
	}
	key = gen_keys(g, n->a->args, id);
	if (id->nkeys == 0)
		asm_storei(&g->b, 8, R7, (int)key, 0);
	find_values(g, id, key, end);
	asm_mov(&g->b, R8, R0);
	if (valued)
		asm_load(&g->b, 8, R9, FP, -g->frame + (inc != NULL ? 8 : 0));
	aggregate(g, &id->agg, inc != NULL);
	asm_place(&g->b, end);
	g->frame -= 8 * (valued + (inc != NULL));
}
