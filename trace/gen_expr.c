/* SPDX-License-Identifier: MIT */
/* The code generator: expressions.  The value of each is left in r0; see gen.h. */
#include <string.h>

#include "gen.h"

/* Bring a value of type t, whose low bytes are in reg, to 64 bits. */
void
gen_extend(struct gen *g, int reg, struct type *t)
{
	uint64_t size = type_size(t);
	int shift = 64 - (int)size * 8;

	if (!type_is_int(t) || size >= 8 || size == 0)
		return;
	asm_alui(&g->b, BPF_LSH, reg, shift);
	asm_alui(&g->b, type_signed(t) ? BPF_ARSH : BPF_RSH, reg, shift);
}

/* --- memory ------------------------------------------------------------------------------------ */

/* Copy size bytes from the address in r0 into the slot. */
void
gen_copy(struct gen *g, uint32_t off, uint32_t size, bool user)
{
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)off);
	asm_imm(&g->b, R2, size);
	asm_call(&g->b, user ? H_READ_USER : H_READ_KERNEL);
	gen_fault_if(g, BPF_JNE, R0, 0, FAULT_BADADDR);
}

static void
read_word(struct gen *g, unsigned size, bool user)
{
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	asm_mov(&g->b, R1, FP);
	asm_alui(&g->b, BPF_ADD, R1, -8);
	asm_imm(&g->b, R2, size);
	asm_call(&g->b, user ? H_READ_USER : H_READ_KERNEL);
	gen_fault_if(g, BPF_JNE, R0, 0, FAULT_BADADDR);
	asm_load(&g->b, size, R0, FP, -8);
}

/* The scalar of type t at the address in r0. Values by reference stay addresses. */
void
gen_load_at(struct gen *g, struct type *t, bool user)
{
	uint64_t size = type_size(t);

	if (type_by_ref(t))
		return;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		size = 8;
	read_word(g, (unsigned)size, user);
	gen_extend(g, R0, t);
}

static void
load_bitfield(struct gen *g, const struct member *m, bool user)
{
	unsigned skip = m->bit_off % 8, bytes = (skip + m->bit_size + 7) / 8;
	unsigned size = bytes <= 1 ? 1 : bytes <= 2 ? 2 : bytes <= 4 ? 4 : 8;

	read_word(g, size, user);
	asm_alui(&g->b, BPF_LSH, R0, (int32_t)(64 - skip - m->bit_size));
	asm_alui(&g->b, type_signed(m->type) ? BPF_ARSH : BPF_RSH, R0,
	    (int32_t)(64 - m->bit_size));
}

/* r0 = where a memory lvalue is. */
void
gen_address(struct gen *g, struct node *n)
{
	if (n->kind == N_MEMBER) {
		if (n->op == P_ARROW)
			gen_expr(g, n->a);
		else
			gen_address(g, n->a);
		if (n->mem.bit_off >= 8)
			asm_alui(&g->b, BPF_ADD, R0, (int32_t)(n->mem.bit_off / 8));
	} else if (n->kind == N_UNARY && n->op == '*') {
		gen_expr(g, n->a);
	} else if (n->kind == N_INDEX && n->b != NULL && n->id == NULL) {
		gen_expr(g, n->b);
		if (type_size(n->type) != 1)
			asm_alui(&g->b, BPF_MUL, R0, (int32_t)type_size(n->type));
		(void)gen_push(g, R0);
		gen_expr(g, n->a);
		gen_pop(g, R1);
		asm_alu(&g->b, BPF_ADD, R0, R1);
	} else {
		gen_expr(g, n);
	}
}

static void
check_bound(struct gen *g, const struct node *n)
{
	struct type *t = type_resolve(n->a->type);

	if (t->kind != TY_ARRAY || t->count == 0 || n->b->kind == N_INT)
		return;
	gen_expr(g, n->b);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	gen_fault_if(g, BPF_JGE, R0, (int32_t)t->count, FAULT_BADINDEX);
}

static void
gen_memory(struct gen *g, struct node *n)
{
	if (n->kind == N_INDEX && n->b != NULL)
		check_bound(g, n);
	gen_address(g, n);
	if (n->kind == N_MEMBER && n->mem.bit_size != 0)
		load_bitfield(g, &n->mem, n->user);
	else
		gen_load_at(g, n->type, n->user);
}

/* --- arithmetic -------------------------------------------------------------------------------- */

static bool
is_imm(const struct node *n)
{
	return (n->kind == N_INT && (int64_t)n->val == (int32_t)n->val);
}

/* r0 = |r0 / r1|'s sign put right: BPF divides unsigned. */
static void
signed_divide(struct gen *g, int op)
{
	int a = asm_label(&g->b), b = asm_label(&g->b), c = asm_label(&g->b);

	asm_mov(&g->b, R2, R0);
	if (op == BPF_DIV)
		asm_alu(&g->b, BPF_XOR, R2, R1);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, a);
	asm_neg(&g->b, R0);
	asm_place(&g->b, a);
	asm_jmpi(&g->b, BPF_JSGE, R1, 0, b);
	asm_neg(&g->b, R1);
	asm_place(&g->b, b);
	asm_alu(&g->b, op, R0, R1);
	asm_jmpi(&g->b, BPF_JSGE, R2, 0, c);
	asm_neg(&g->b, R0);
	asm_place(&g->b, c);
}

static bool
is_unsigned_op(const struct node *n)
{
	return (!type_signed(n->type) || type_is_ptr(n->type));
}

/* r0 = r0 op r1 */
static void
arith(struct gen *g, int op, bool is_unsigned)
{
	int code = op == '+' ? BPF_ADD : op == '-' ? BPF_SUB : op == '*' ? BPF_MUL : op == '&' ?
	    BPF_AND : op == '|' ? BPF_OR : op == '^' ? BPF_XOR : op == P_SHL ? BPF_LSH :
	    is_unsigned ? BPF_RSH : BPF_ARSH;

	if (op == '/' || op == '%') {
		asm_storei(&g->b, 8, R7, SLOT_FAULT, 0);
		asm_mov(&g->b, R2, R1);
		{
			int ok = asm_label(&g->b);

			asm_jmpi(&g->b, BPF_JNE, R2, 0, ok);
			asm_imm(&g->b, R1, FAULT_DIVZERO);
			asm_jump(&g->b, g->l_fault);
			asm_place(&g->b, ok);
		}
		code = op == '/' ? BPF_DIV : BPF_MOD;
		if (is_unsigned)
			asm_alu(&g->b, code, R0, R1);
		else
			signed_divide(g, code);
		return;
	}
	if (op == P_SHL || op == P_SHR)
		asm_alui(&g->b, BPF_AND, R1, 63);
	asm_alu(&g->b, code, R0, R1);
}

/* a in r0, b in r1. */
static void
operands(struct gen *g, struct node *n)
{
	if (is_imm(n->b)) {
		gen_expr(g, n->a);
		asm_imm(&g->b, R1, (int64_t)n->b->val);
		return;
	}
	if (n->a->kind == N_INT) {
		gen_expr(g, n->b);
		asm_mov(&g->b, R1, R0);
		asm_imm(&g->b, R0, (int64_t)n->a->val);
		return;
	}
	gen_expr(g, n->a);
	(void)gen_push(g, R0);
	gen_expr(g, n->b);
	asm_mov(&g->b, R1, R0);
	gen_pop(g, R0);
}

static void
gen_arith(struct gen *g, struct node *n)
{
	operands(g, n);
	if (n->aux > 1 && !n->post)
		asm_alui(&g->b, BPF_MUL, R1, (int32_t)n->aux);
	arith(g, n->op, is_unsigned_op(n));
	if (n->post && n->aux > 1) { /* a difference of pointers */
		asm_imm(&g->b, R1, n->aux);
		signed_divide(g, BPF_DIV);
	}
}

static int
jump_code(int op, bool is_unsigned)
{
	switch (op) {
	case P_EQ: return (BPF_JEQ);
	case P_NE: return (BPF_JNE);
	case '<': return (is_unsigned ? BPF_JLT : BPF_JSLT);
	case '>': return (is_unsigned ? BPF_JGT : BPF_JSGT);
	case P_LE: return (is_unsigned ? BPF_JLE : BPF_JSLE);
	default: return (is_unsigned ? BPF_JGE : BPF_JSGE);
	}
}

static bool
compares_unsigned(const struct node *n)
{
	struct type *a = n->a->type, *b = n->b->type;

	if (!type_is_int(a) || !type_is_int(b))
		return (true);
	return ((type_size(a) == 8 && !type_signed(a)) || (type_size(b) == 8 && !type_signed(b)) ||
	    (type_size(a) == 4 && type_size(b) <= 4 && !type_signed(a)) ||
	    (type_size(b) == 4 && type_size(a) <= 4 && !type_signed(b)));
}

/* r0 = 1 when the jump is taken, else 0. */
static void
boolean(struct gen *g, int code)
{
	int yes = asm_label(&g->b), end = asm_label(&g->b);

	asm_jmp(&g->b, code, R0, R1, yes);
	asm_imm(&g->b, R0, 0);
	asm_jump(&g->b, end);
	asm_place(&g->b, yes);
	asm_imm(&g->b, R0, 1);
	asm_place(&g->b, end);
}

/* --- strings compared -------------------------------------------------------------------------- */

/* Jump to differ when the bytes at slot + off are not the literal's, NUL included. */
static void
compare_literal(struct gen *g, const struct node *lit, uint32_t off, int differ)
{
	char bytes[264] = "";
	uint32_t n = (uint32_t)lit->len + 1;

	memcpy(bytes, lit->str, lit->len);
	for (uint32_t i = 0; i < n;) {
		unsigned size = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
		uint64_t v = 0;

		memcpy(&v, bytes + i, size);
		asm_load(&g->b, size, R0, R7, (int)(off + i));
		asm_imm(&g->b, R1, (int64_t)v);
		asm_jmp(&g->b, BPF_JNE, R0, R1, differ);
		i += size;
	}
}

static void
equals_literal(struct gen *g, const struct node *n, struct node *e, const struct node *lit)
{
	int differ = asm_label(&g->b), end = asm_label(&g->b);
	uint32_t off = g->im->tmp_off + n->tmp, size = (uint32_t)lit->len + 2;

	if (size > g->c->types->strsize)
		size = (uint32_t)g->c->types->strsize;
	gen_string_into(g, e, off, size < 16 ? 16 : size, false);
	compare_literal(g, lit, off, differ);
	asm_imm(&g->b, R0, n->op == P_EQ);
	asm_jump(&g->b, end);
	asm_place(&g->b, differ);
	asm_imm(&g->b, R0, n->op == P_NE);
	asm_place(&g->b, end);
}

/* r0 = the difference of the first bytes that differ, 0 for equal strings. */
static void
string_difference(struct gen *g, uint32_t a, uint32_t b, uint32_t size)
{
	int loop = asm_label(&g->b), end = asm_label(&g->b);

	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)a);
	asm_mov(&g->b, R2, R7);
	asm_alui(&g->b, BPF_ADD, R2, (int32_t)b);
	asm_imm(&g->b, R3, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_load(&g->b, 1, R4, R2, 0);
	asm_mov(&g->b, R5, R0);
	asm_alu(&g->b, BPF_SUB, R0, R4);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, end);
	asm_jmpi(&g->b, BPF_JEQ, R5, 0, end);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_alui(&g->b, BPF_ADD, R3, 1);
	asm_jmpi(&g->b, BPF_JLT, R3, (int32_t)size, loop);
	asm_place(&g->b, end);
}

static bool
is_short_literal(const struct gen *g, const struct node *n)
{
	return (n->kind == N_STR && n->len + 2 <= g->c->types->strsize && n->len < 256);
}

static void
gen_string_compare(struct gen *g, struct node *n)
{
	uint32_t str = (uint32_t)g->c->types->strsize;
	uint32_t a = g->im->tmp_off + n->tmp, b = g->im->tmp_off + n->aux;

	if (n->op == P_EQ || n->op == P_NE) {
		if (is_short_literal(g, n->b)) {
			equals_literal(g, n, n->a, n->b);
			return;
		}
		if (is_short_literal(g, n->a)) {
			equals_literal(g, n, n->b, n->a);
			return;
		}
	}
	gen_string_into(g, n->a, a, str, false);
	gen_string_into(g, n->b, b, str, false);
	string_difference(g, a, b, str);
	asm_imm(&g->b, R1, 0);
	boolean(g, jump_code(n->op, false));
}

/* --- logic ------------------------------------------------------------------------------------- */

static void
test_value(struct gen *g, struct node *n)
{
	gen_expr(g, n);
	if (!type_is_string(n->type))
		return;
	/* A string is true when it is not empty. */
	asm_mov(&g->b, R3, R0);
	asm_mov(&g->b, R1, FP);
	asm_alui(&g->b, BPF_ADD, R1, -8);
	asm_storei(&g->b, 8, FP, -8, 0);
	asm_imm(&g->b, R2, 2);
	asm_call(&g->b, H_READ_KERNEL_STR);
	asm_load(&g->b, 1, R0, FP, -8);
}

/* Go to label when n is false; fall through when it is true. */
void
gen_branch_false(struct gen *g, struct node *n, int label)
{
	if (n->kind == N_BINARY && n->op == P_ANDAND) {
		gen_branch_false(g, n->a, label);
		gen_branch_false(g, n->b, label);
		return;
	}
	if (n->kind == N_BINARY && n->op >= P_LE && n->op <= P_NE && !n->post && is_imm(n->b)) {
		static const int inverse[] = {[P_LE] = '>', [P_GE] = '<', [P_EQ] = P_NE,
		    [P_NE] = P_EQ};

		gen_expr(g, n->a);
		asm_jmpi(&g->b, jump_code(inverse[n->op], compares_unsigned(n)), R0,
		    (int32_t)n->b->val, label);
		return;
	}
	test_value(g, n);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, label);
}

static void
gen_logical(struct gen *g, struct node *n)
{
	int out = asm_label(&g->b), end = asm_label(&g->b);

	if (n->op == P_ANDAND) {
		gen_branch_false(g, n, out);
		asm_imm(&g->b, R0, 1);
		asm_jump(&g->b, end);
		asm_place(&g->b, out);
		asm_imm(&g->b, R0, 0);
	} else {
		test_value(g, n->a);
		asm_jmpi(&g->b, BPF_JNE, R0, 0, out);
		test_value(g, n->b);
		asm_jmpi(&g->b, BPF_JNE, R0, 0, out);
		asm_imm(&g->b, R0, 0);
		asm_jump(&g->b, end);
		asm_place(&g->b, out);
		asm_imm(&g->b, R0, 1);
	}
	asm_place(&g->b, end);
}

static void
normalise(struct gen *g)
{
	int zero = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JEQ, R0, 0, zero);
	asm_imm(&g->b, R0, 1);
	asm_place(&g->b, zero);
}

static void
gen_xor(struct gen *g, struct node *n)
{
	test_value(g, n->a);
	normalise(g);
	(void)gen_push(g, R0);
	test_value(g, n->b);
	normalise(g);
	gen_pop(g, R1);
	asm_alu(&g->b, BPF_XOR, R0, R1);
}

static void
gen_binary(struct gen *g, struct node *n)
{
	switch (n->op) {
	case P_ANDAND: case P_OROR:
		gen_logical(g, n);
		break;
	case P_XORXOR:
		gen_xor(g, n);
		break;
	case P_EQ: case P_NE: case '<': case '>': case P_LE: case P_GE:
		if (n->post) {
			gen_string_compare(g, n);
			break;
		}
		operands(g, n);
		boolean(g, jump_code(n->op, compares_unsigned(n)));
		break;
	default:
		gen_arith(g, n);
		break;
	}
}

static void
gen_unary(struct gen *g, struct node *n)
{
	switch (n->op) {
	case P_INC: case P_DEC:
		gen_incdec(g, n);
		return;
	case '*':
		gen_memory(g, n);
		return;
	case '&':
		gen_address(g, n->a);
		return;
	case '!':
		test_value(g, n->a);
		asm_imm(&g->b, R1, 0);
		boolean(g, BPF_JEQ);
		return;
	default:
		break;
	}
	gen_expr(g, n->a);
	if (n->op == '-')
		asm_neg(&g->b, R0);
	else if (n->op == '~')
		asm_alui(&g->b, BPF_XOR, R0, -1);
	gen_extend(g, R0, n->type);
}

static void
gen_cond(struct gen *g, struct node *n)
{
	int no = asm_label(&g->b), end = asm_label(&g->b);

	gen_branch_false(g, n->a, no);
	gen_expr(g, n->b);
	asm_jump(&g->b, end);
	asm_place(&g->b, no);
	gen_expr(g, n->c);
	asm_place(&g->b, end);
}

static void
gen_cast(struct gen *g, struct node *n)
{
	gen_expr(g, n->a);
	if (type_is_scalar(n->type) && type_size(n->type) < 8 &&
	    (type_size(n->a->type) > type_size(n->type) ||
	    type_signed(n->a->type) != type_signed(n->type)))
		gen_extend(g, R0, n->type);
	if (type_resolve(n->type)->is_bool)
		normalise(g);
}

/* The scalar address of a literal. */
static void
gen_literal(struct gen *g, const struct node *n)
{
	asm_map_value(&g->b, R0, M_RODATA, n->len == 0 ? 0 :
	    image_rodata(g->im, n->str, n->len + 1));
	gen_scalar(g);
}

void
gen_expr(struct gen *g, struct node *n)
{
	switch (n->kind) {
	case N_INT:
		asm_imm(&g->b, R0, (int64_t)n->val);
		break;
	case N_STR:
		gen_literal(g, n);
		break;
	case N_IDENT:
		if (n->id != NULL && n->id->kind == ID_BUILTIN)
			gen_builtin(g, n);
		else
			gen_variable(g, n);
		break;
	case N_CALL:
		gen_subr(g, n);
		break;
	case N_UNARY:
		gen_unary(g, n);
		break;
	case N_BINARY:
		gen_binary(g, n);
		break;
	case N_COND:
		gen_cond(g, n);
		break;
	case N_ASSIGN:
		gen_assign(g, n);
		break;
	case N_INDEX:
		if (n->id != NULL && n->id->kind == ID_BUILTIN)
			gen_builtin(g, n);
		else if (n->id != NULL)
			gen_variable(g, n);
		else
			gen_memory(g, n);
		break;
	case N_MEMBER:
		gen_memory(g, n);
		break;
	case N_CAST:
		gen_cast(g, n);
		break;
	case N_XLATE:
		gen_expr(g, n->a);
		break;
	case N_COMMA:
		gen_statement(g, n->a);
		gen_expr(g, n->b);
		break;
	default:
		comp_error(g->c, n->line, "D_UNKNOWN", "expression cannot be compiled");
	}
}

/* --- values into the slot ---------------------------------------------------------------------- */

/* A string of at most size bytes, NUL included; pad: the rest is zero. */
void
gen_string_into(struct gen *g, struct node *n, uint32_t off, uint32_t size, bool pad)
{
	bool comm = n->kind == N_IDENT && n->id != NULL && n->id->kind == ID_BUILTIN &&
	    n->id->builtin == B_EXECNAME;

	if (pad)
		gen_zero(g, off, (size + 7) & ~7u);
	if (comm && size >= 16) {
		asm_mov(&g->b, R1, R7);
		asm_alui(&g->b, BPF_ADD, R1, (int32_t)off);
		asm_imm(&g->b, R2, 16);
		asm_call(&g->b, H_COMM);
		return;
	}
	gen_expr(g, n);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)off);
	asm_imm(&g->b, R2, size);
	asm_call(&g->b, n->user ? H_READ_USER_STR : H_READ_KERNEL_STR);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
}

/* Any value of type t as its bytes. */
void
gen_bytes_into(struct gen *g, struct node *n, struct type *t, uint32_t off, uint32_t size)
{
	struct type *r = type_resolve(t);

	if (r->kind == TY_STRING) {
		gen_string_into(g, n, off, size, false);
	} else if (r->kind == TY_STACK || r->kind == TY_USTACK) {
		gen_stack(g, n, off);
	} else if (r->kind == TY_USYMADDR) {
		gen_expr(g, n);
		asm_store(&g->b, 8, R7, (int)off + 8, R0);
		asm_call(&g->b, H_PID_TGID);
		asm_alui(&g->b, BPF_RSH, R0, 32);
		asm_store(&g->b, 8, R7, (int)off, R0);
	} else if (type_by_ref(t)) {
		gen_expr(g, n);
		gen_copy(g, off, size, n->user);
	} else {
		gen_expr(g, n);
		asm_store(&g->b, size == 1 || size == 2 || size == 4 ? size : 8, R7, (int)off, R0);
	}
}
