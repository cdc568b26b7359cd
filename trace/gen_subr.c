/* SPDX-License-Identifier: MIT */
/*
 * The code generator: subroutines.
 *
 * Strings are worked on in the statement's scratch: the argument is copied there, the result is made beside
 * it.  Loops are bounded by strsize; the verifier walks them once per iteration.
 */
#include <string.h>

#include "gen.h"

static uint32_t
strsize(const struct gen *g)
{
	return ((uint32_t)g->c->types->strsize);
}

static void
slot_ptr(struct gen *g, int reg, uint32_t off)
{
	asm_mov(&g->b, reg, R7);
	asm_alui(&g->b, BPF_ADD, reg, (int32_t)off);
}

/* --- memory of the clause ---------------------------------------------------------------------- */

/* n bytes (in r0) of the clause's memory: r8 = offset in the slot, r9 = n; a fault when there is none. */
static void
allocate(struct gen *g)
{
	int32_t size = (int32_t)g->im->scratch_size;

	asm_mov(&g->b, R9, R0);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	gen_fault_if(g, BPF_JGT, R9, size, FAULT_NOSCRATCH);
	asm_load(&g->b, 8, R8, R7, SLOT_ALLOCA);
	gen_fault_if(g, BPF_JGT, R8, size, FAULT_NOSCRATCH);
	asm_mov(&g->b, R1, R8);
	asm_alu(&g->b, BPF_ADD, R1, R9);
	asm_alui(&g->b, BPF_ADD, R1, 7);
	asm_alui(&g->b, BPF_AND, R1, -8);
	gen_fault_if(g, BPF_JGT, R1, size, FAULT_NOSCRATCH);
	asm_store(&g->b, 8, R7, SLOT_ALLOCA, R1);
	asm_alui(&g->b, BPF_ADD, R8, (int32_t)g->im->scratch_off);
}

static void
own_address(struct gen *g)
{
	asm_load(&g->b, 8, R0, R7, SLOT_SELF);
	asm_alu(&g->b, BPF_ADD, R0, R8);
}

static void
subr_alloca(struct gen *g, struct node *n)
{
	gen_expr(g, n->args);
	allocate(g);
	own_address(g);
}

static void
subr_copyin(struct gen *g, struct node *n)
{
	gen_expr(g, n->args);
	(void)gen_push(g, R0);
	gen_expr(g, n->args->next);
	allocate(g);
	gen_pop(g, R3);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R3);
	asm_mov(&g->b, R1, R7);
	asm_alu(&g->b, BPF_ADD, R1, R8);
	asm_mov(&g->b, R2, R9);
	asm_call(&g->b, H_READ_USER);
	gen_fault_if(g, BPF_JNE, R0, 0, FAULT_BADADDR);
	own_address(g);
}

/* bcopy(src, dst, n) and copyinto(src, n, dst): the destination must be the clause's own memory. */
static void
copy_into_own(struct gen *g, struct node *src, struct node *dst, struct node *len, bool user)
{
	int32_t size = (int32_t)g->im->scratch_size;

	gen_expr(g, src);
	(void)gen_push(g, R0);
	gen_expr(g, dst);
	(void)gen_push(g, R0);
	gen_expr(g, len);
	asm_mov(&g->b, R9, R0);
	gen_pop(g, R8);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R8);
	asm_load(&g->b, 8, R1, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)g->im->scratch_off);
	asm_alu(&g->b, BPF_SUB, R8, R1);
	gen_fault_if(g, BPF_JGT, R8, size, FAULT_BADADDR);
	gen_fault_if(g, BPF_JGT, R9, size, FAULT_BADSIZE);
	gen_pop(g, R3);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R3);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)g->im->scratch_off);
	asm_alu(&g->b, BPF_ADD, R1, R8);
	asm_mov(&g->b, R2, R9);
	asm_call(&g->b, user ? H_READ_USER : H_READ_KERNEL);
	gen_fault_if(g, BPF_JNE, R0, 0, FAULT_BADADDR);
}

static void
subr_copyinstr(struct gen *g, struct node *n)
{
	uint32_t off = g->im->tmp_off + n->tmp;

	gen_expr(g, n->args);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	slot_ptr(g, R1, off);
	if (n->args->next != NULL) {
		(void)gen_push(g, R3);
		gen_expr(g, n->args->next);
		asm_alui(&g->b, BPF_ADD, R0, 1);
		gen_fault_if(g, BPF_JGT, R0, (int32_t)strsize(g), FAULT_BADSIZE);
		asm_mov(&g->b, R2, R0);
		gen_pop(g, R3);
		slot_ptr(g, R1, off);
	} else {
		asm_imm(&g->b, R2, strsize(g));
	}
	asm_call(&g->b, H_READ_USER_STR);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
	gen_slot_address(g, off);
}

/* --- strings ----------------------------------------------------------------------------------- */

/* The string to slot + off; r0 = its length without the NUL. */
static void
string_to(struct gen *g, struct node *n, uint32_t off, uint32_t size)
{
	gen_expr(g, n);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	slot_ptr(g, R1, off);
	asm_imm(&g->b, R2, size);
	asm_call(&g->b, n->user ? H_READ_USER_STR : H_READ_KERNEL_STR);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
	{
		int some = asm_label(&g->b);

		asm_jmpi(&g->b, BPF_JNE, R0, 0, some);
		asm_imm(&g->b, R0, 1);
		asm_place(&g->b, some);
	}
	asm_alui(&g->b, BPF_SUB, R0, 1);
}

/* Bring r to 0..max for the verifier. */
static void
bounded(struct gen *g, int reg, uint32_t max)
{
	int ok = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JLE, reg, (int32_t)max, ok);
	asm_imm(&g->b, reg, max);
	asm_place(&g->b, ok);
}

static void
subr_strlen(struct gen *g, struct node *n)
{
	string_to(g, n->args, g->im->tmp_off + n->tmp, strsize(g));
}

static void
subr_strjoin(struct gen *g, struct node *n)
{
	uint32_t out = g->im->tmp_off + n->tmp;

	string_to(g, n->args, out, strsize(g));
	bounded(g, R0, strsize(g));
	(void)gen_push(g, R0);
	gen_expr(g, n->args->next);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	gen_pop(g, R4);
	bounded(g, R4, strsize(g));
	slot_ptr(g, R1, out);
	asm_alu(&g->b, BPF_ADD, R1, R4);
	asm_imm(&g->b, R2, strsize(g));
	asm_call(&g->b, n->args->next->user ? H_READ_USER_STR : H_READ_KERNEL_STR);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
	asm_storei(&g->b, 1, R7, (int)(out + strsize(g) - 1), 0);
	gen_slot_address(g, out);
}

/* Map every byte of a range onto another, in place. */
static void
subr_case(struct gen *g, struct node *n, char from, char to)
{
	uint32_t out = g->im->tmp_off + n->tmp;
	int loop = asm_label(&g->b), keep = asm_label(&g->b), end = asm_label(&g->b);

	string_to(g, n->args, out, strsize(g));
	slot_ptr(g, R1, out);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	asm_jmpi(&g->b, BPF_JLT, R0, from, keep);
	asm_jmpi(&g->b, BPF_JGT, R0, from + 25, keep);
	asm_alui(&g->b, BPF_ADD, R0, to - from);
	asm_store(&g->b, 1, R1, 0, R0);
	asm_place(&g->b, keep);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
	gen_slot_address(g, out);
}

/*
 * substr(s, i[, len]): i < 0 counts from the end; len < 0 leaves out that many at the end.
 */
static void
subr_substr(struct gen *g, struct node *n)
{
	uint32_t out = g->im->tmp_off + n->tmp;
	struct node *len = n->args->next->next;
	int a = asm_label(&g->b), b = asm_label(&g->b), c = asm_label(&g->b), d = asm_label(&g->b);

	gen_expr(g, n->args->next);
	gen_extend(g, R0, n->args->next->type);
	(void)gen_push(g, R0);
	if (len != NULL) {
		gen_expr(g, len);
		gen_extend(g, R0, len->type);
	} else {
		asm_imm(&g->b, R0, strsize(g));
	}
	(void)gen_push(g, R0);
	string_to(g, n->args, out, strsize(g));
	gen_pop(g, R3); /* len */
	gen_pop(g, R2); /* index */
	asm_mov(&g->b, R4, R3);
	asm_jmpi(&g->b, BPF_JSGE, R2, 0, a);
	asm_alu(&g->b, BPF_ADD, R2, R0);
	asm_jmpi(&g->b, BPF_JSGE, R2, 0, a);
	/* before the beginning: what of the length reaches into the string */
	asm_jmpi(&g->b, BPF_JSLT, R3, 0, c);
	asm_alu(&g->b, BPF_ADD, R3, R2);
	asm_jmpi(&g->b, BPF_JSGE, R3, 0, c);
	asm_imm(&g->b, R3, 0);
	asm_place(&g->b, c);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, a);
	asm_jmpi(&g->b, BPF_JSGE, R3, 0, b);
	asm_alu(&g->b, BPF_ADD, R3, R0);
	asm_alu(&g->b, BPF_SUB, R3, R2);
	asm_jmpi(&g->b, BPF_JSGE, R3, 0, b);
	asm_imm(&g->b, R3, 0);
	asm_place(&g->b, b);
	asm_jmp(&g->b, BPF_JLE, R2, R0, d);
	asm_mov(&g->b, R2, R0); /* behind the end: empty */
	asm_place(&g->b, d);
	bounded(g, R2, strsize(g));
	bounded(g, R3, strsize(g));
	slot_ptr(g, R1, out);
	asm_alu(&g->b, BPF_ADD, R1, R2);
	asm_alu(&g->b, BPF_ADD, R1, R3);
	asm_storei(&g->b, 1, R1, 0, 0);
	asm_load(&g->b, 8, R0, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)out);
	asm_alu(&g->b, BPF_ADD, R0, R2);
}

/*
 * Find the byte in r3 in the string at slot + off: r0 = its index, the first or the last, or -1.  What was
 * found is kept in memory, so that the verifier's states of all rounds are alike.
 */
static void
find_byte(struct gen *g, uint32_t off, bool last)
{
	int loop = asm_label(&g->b), next = asm_label(&g->b), end = asm_label(&g->b);

	asm_storei(&g->b, 8, R7, SLOT_W0, -1);
	slot_ptr(g, R1, off);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R4, R1, 0);
	asm_jmp(&g->b, BPF_JNE, R4, R3, next);
	asm_store(&g->b, 8, R7, SLOT_W0, R2);
	if (!last)
		asm_jump(&g->b, end);
	asm_place(&g->b, next);
	asm_jmpi(&g->b, BPF_JEQ, R4, 0, end);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
	asm_load(&g->b, 8, R0, R7, SLOT_W0);
}

static void
empty_string(struct gen *g)
{
	asm_map_value(&g->b, R0, M_RODATA, 0);
	gen_scalar(g);
}

/* r0 was an offset into the string at slot + at, or negative: now it is that string, or the empty one. */
static void
from_offset(struct gen *g, uint32_t at)
{
	int found = asm_label(&g->b), end = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JSGE, R0, 0, found);
	empty_string(g);
	asm_jump(&g->b, end);
	asm_place(&g->b, found);
	asm_load(&g->b, 8, R1, R7, SLOT_SELF);
	asm_alu(&g->b, BPF_ADD, R0, R1);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)at);
	asm_place(&g->b, end);
}

static void
subr_strchr(struct gen *g, struct node *n, bool last)
{
	uint32_t out = g->im->tmp_off + n->tmp;

	gen_expr(g, n->args->next);
	asm_alui(&g->b, BPF_AND, R0, 255);
	(void)gen_push(g, R0);
	string_to(g, n->args, out, strsize(g));
	gen_pop(g, R3);
	find_byte(g, out, last);
	from_offset(g, out);
}

/* Bytes that a string may have, NUL included. */
static uint32_t
string_max(const struct gen *g, const struct node *n)
{
	return (n->strmax != 0 && n->strmax < strsize(g) ? n->strmax : strsize(g));
}

/* r1 = the byte at slot + at + (r1 masked): what is compared may lie anywhere in the string. */
static void
byte_at(struct gen *g, int dst, int reg, uint32_t at)
{
	int32_t mask = 1;

	while ((uint32_t)mask < strsize(g))
		mask <<= 1;
	asm_alui(&g->b, BPF_AND, reg, mask - 1);
	asm_alui(&g->b, BPF_ADD, reg, (int32_t)at);
	asm_alu(&g->b, BPF_ADD, reg, R7);
	asm_load(&g->b, 1, dst, reg, 0);
}

/*
 * Search the needle (slot + b, length in r9) in the haystack (slot + a, length in r8), from index W0 on;
 * r0 = index or -1.  One loop with a restart instead of two nested ones: W0 is where the match began, W1
 * how far it got, W2 what was found, W3 and W4 the lengths.  They are kept in memory, where the verifier
 * forgets their values: all rounds then look the same to it, and it walks them once.
 */
static void
find_string(struct gen *g, const struct node *n, bool last)
{
	uint32_t a = g->im->tmp_off + n->tmp, b = g->im->tmp_off + n->aux;
	uint32_t steps = 2 * (string_max(g, n->args) + string_max(g, n->args->next));
	int loop = asm_label(&g->b), mismatch = asm_label(&g->b), hit = asm_label(&g->b);
	int end = asm_label(&g->b), next = asm_label(&g->b);

	asm_storei(&g->b, 8, R7, SLOT_W1, 0);
	asm_storei(&g->b, 8, R7, SLOT_W2, -1);
	asm_store(&g->b, 8, R7, SLOT_W3, R8);
	asm_store(&g->b, 8, R7, SLOT_W4, R9);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 8, R3, R7, SLOT_W0);
	asm_load(&g->b, 8, R4, R7, SLOT_W1);
	asm_load(&g->b, 8, R8, R7, SLOT_W3);
	asm_load(&g->b, 8, R9, R7, SLOT_W4);
	asm_jmp(&g->b, BPF_JSGE, R4, R9, hit);
	asm_mov(&g->b, R1, R3);
	asm_alu(&g->b, BPF_ADD, R1, R4);
	asm_jmp(&g->b, BPF_JSGE, R1, R8, end);
	byte_at(g, R5, R1, a);
	asm_mov(&g->b, R1, R4);
	byte_at(g, R1, R1, b);
	asm_jmp(&g->b, BPF_JNE, R5, R1, mismatch);
	asm_alui(&g->b, BPF_ADD, R4, 1);
	asm_store(&g->b, 8, R7, SLOT_W1, R4);
	asm_jump(&g->b, next);
	asm_place(&g->b, hit);
	asm_jmp(&g->b, BPF_JSGT, R3, R8, end); /* an empty needle, behind the end */
	asm_store(&g->b, 8, R7, SLOT_W2, R3);
	if (!last)
		asm_jump(&g->b, end);
	asm_place(&g->b, mismatch);
	asm_alui(&g->b, BPF_ADD, R3, 1);
	asm_store(&g->b, 8, R7, SLOT_W0, R3);
	asm_storei(&g->b, 8, R7, SLOT_W1, 0);
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)steps, loop);
	asm_place(&g->b, end);
	asm_load(&g->b, 8, R0, R7, SLOT_W2);
}

/* Both strings into scratch: lengths in r8 and r9. */
static void
two_strings(struct gen *g, struct node *n, uint32_t a, uint32_t b)
{
	string_to(g, n->args, a, strsize(g));
	(void)gen_push(g, R0);
	string_to(g, n->args->next, b, strsize(g));
	asm_mov(&g->b, R9, R0);
	gen_pop(g, R8);
}

/* rindex(s, t, from): nothing may begin behind `from` (W0), so the haystack (r8) is cut. */
static void
cut_haystack(struct gen *g)
{
	int ok = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_alu(&g->b, BPF_ADD, R0, R9);
	asm_jmp(&g->b, BPF_JSGE, R0, R8, ok);
	asm_mov(&g->b, R8, R0);
	asm_place(&g->b, ok);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
}

/* index(s, t, from): `from` is brought into the haystack. */
static void
clamp_start(struct gen *g)
{
	int low = asm_label(&g->b), ok = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, low);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, low);
	asm_jmp(&g->b, BPF_JSLE, R0, R8, ok);
	asm_mov(&g->b, R0, R8);
	asm_place(&g->b, ok);
	asm_store(&g->b, 8, R7, SLOT_W0, R0);
}

static void
subr_index(struct gen *g, struct node *n, bool last)
{
	uint32_t a = g->im->tmp_off + n->tmp, b = g->im->tmp_off + n->aux;
	struct node *from = n->args->next->next;

	if (from != NULL) {
		gen_expr(g, from);
		gen_extend(g, R0, from->type);
		(void)gen_push(g, R0);
	}
	two_strings(g, n, a, b);
	if (from == NULL) {
		asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	} else {
		gen_pop(g, R0);
		asm_store(&g->b, 8, R7, SLOT_W0, R0);
		if (last)
			cut_haystack(g);
		else
			clamp_start(g);
	}
	find_string(g, n, last);
}

static void
subr_strstr(struct gen *g, struct node *n)
{
	uint32_t a = g->im->tmp_off + n->tmp, b = g->im->tmp_off + n->aux;

	two_strings(g, n, a, b);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	find_string(g, n, false);
	from_offset(g, a);
}

/* --- paths ------------------------------------------------------------------------------------- */

/*
 * The parts of the path at slot + at, by one walk from its beginning: W0 = where the last component begins,
 * W1 = its end, W2 = the end of the component before it; W3 tells that a slash was just seen.
 */
static void
split_path(struct gen *g, uint32_t at)
{
	int loop = asm_label(&g->b), slash = asm_label(&g->b), inside = asm_label(&g->b);
	int next = asm_label(&g->b), end = asm_label(&g->b);

	gen_zero(g, SLOT_W0, 24);
	asm_storei(&g->b, 8, R7, SLOT_W3, 1);
	slot_ptr(g, R1, at);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	asm_jmpi(&g->b, BPF_JEQ, R0, '/', slash);
	asm_load(&g->b, 8, R3, R7, SLOT_W3);
	asm_jmpi(&g->b, BPF_JEQ, R3, 0, inside);
	asm_load(&g->b, 8, R3, R7, SLOT_W1);
	asm_store(&g->b, 8, R7, SLOT_W2, R3);
	asm_store(&g->b, 8, R7, SLOT_W0, R2);
	asm_storei(&g->b, 8, R7, SLOT_W3, 0);
	asm_place(&g->b, inside);
	asm_mov(&g->b, R3, R2);
	asm_alui(&g->b, BPF_ADD, R3, 1);
	asm_store(&g->b, 8, R7, SLOT_W1, R3);
	asm_jump(&g->b, next);
	asm_place(&g->b, slash);
	asm_storei(&g->b, 8, R7, SLOT_W3, 1);
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
}

/* NUL at slot + at + reg. */
static void
terminate(struct gen *g, uint32_t at, int reg)
{
	bounded(g, reg, strsize(g));
	slot_ptr(g, R1, at);
	asm_alu(&g->b, BPF_ADD, R1, reg);
	asm_storei(&g->b, 1, R1, 0, 0);
}

static void
return_literal(struct gen *g, const char *s)
{
	asm_map_value(&g->b, R0, M_RODATA, image_rodata(g->im, s, strlen(s) + 1));
	gen_scalar(g);
}

/* "/" for a path of slashes, "." for none: r0 is set when W1 says that there is no component. */
static void
no_component(struct gen *g, uint32_t at, int end)
{
	int some = asm_label(&g->b), root = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R7, SLOT_W1);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, some);
	asm_load(&g->b, 1, R0, R7, (int)at);
	asm_jmpi(&g->b, BPF_JEQ, R0, '/', root);
	return_literal(g, ".");
	asm_jump(&g->b, end);
	asm_place(&g->b, root);
	return_literal(g, "/");
	asm_jump(&g->b, end);
	asm_place(&g->b, some);
}

static void
subr_basename(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp;
	int end = asm_label(&g->b);

	string_to(g, n->args, at, strsize(g));
	split_path(g, at);
	no_component(g, at, end);
	asm_load(&g->b, 8, R2, R7, SLOT_W1);
	terminate(g, at, R2);
	asm_load(&g->b, 8, R2, R7, SLOT_W0);
	asm_load(&g->b, 8, R0, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)at);
	asm_alu(&g->b, BPF_ADD, R0, R2);
	asm_place(&g->b, end);
}

static void
subr_dirname(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp;
	int end = asm_label(&g->b), below = asm_label(&g->b), dot = asm_label(&g->b);

	string_to(g, n->args, at, strsize(g));
	split_path(g, at);
	no_component(g, at, end);
	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, dot);
	asm_load(&g->b, 8, R2, R7, SLOT_W2);
	asm_jmpi(&g->b, BPF_JNE, R2, 0, below);
	asm_imm(&g->b, R2, 1); /* right below the root */
	asm_place(&g->b, below);
	terminate(g, at, R2);
	gen_slot_address(g, at);
	asm_jump(&g->b, end);
	asm_place(&g->b, dot);
	return_literal(g, ".");
	asm_place(&g->b, end);
}

/* --- numbers and strings ----------------------------------------------------------------------- */

/* Digits from the end of a 72 byte buffer; a minus in base 10 for negative values. */
static void
subr_lltostr(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp;
	int loop = asm_label(&g->b), digit = asm_label(&g->b), plus = asm_label(&g->b);
	int done = asm_label(&g->b), end = asm_label(&g->b);

	asm_imm(&g->b, R9, 10);
	if (n->args->next != NULL) {
		gen_expr(g, n->args->next);
		asm_mov(&g->b, R9, R0);
		(void)gen_push(g, R9);
	}
	gen_expr(g, n->args);
	if (n->args->next != NULL)
		gen_pop(g, R9);
	else
		asm_imm(&g->b, R9, 10);
	asm_mov(&g->b, R8, R0);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, plus);
	asm_jmpi(&g->b, BPF_JNE, R9, 10, plus);
	asm_neg(&g->b, R0);
	asm_place(&g->b, plus);
	asm_storei(&g->b, 8, R7, (int)at + 64, 0);
	asm_storei(&g->b, 8, R7, (int)at + 72, 0);
	asm_imm(&g->b, R2, 70);
	asm_place(&g->b, loop);
	asm_mov(&g->b, R3, R0);
	asm_alu(&g->b, BPF_MOD, R3, R9);
	asm_alu(&g->b, BPF_DIV, R0, R9);
	asm_jmpi(&g->b, BPF_JLT, R3, 10, digit);
	asm_alui(&g->b, BPF_ADD, R3, 'a' - '0' - 10);
	asm_place(&g->b, digit);
	asm_alui(&g->b, BPF_ADD, R3, '0');
	slot_ptr(g, R1, at);
	asm_alu(&g->b, BPF_ADD, R1, R2);
	asm_store(&g->b, 1, R1, 0, R3);
	asm_alui(&g->b, BPF_SUB, R2, 1);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, done);
	asm_jmpi(&g->b, BPF_JGT, R2, 2, loop);
	asm_place(&g->b, done);
	asm_jmpi(&g->b, BPF_JSGE, R8, 0, end);
	asm_jmpi(&g->b, BPF_JNE, R9, 10, end);
	bounded(g, R2, 70);
	slot_ptr(g, R1, at);
	asm_alu(&g->b, BPF_ADD, R1, R2);
	asm_storei(&g->b, 1, R1, 0, '-');
	asm_alui(&g->b, BPF_SUB, R2, 1);
	asm_place(&g->b, end);
	asm_load(&g->b, 8, R0, R7, SLOT_SELF);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)at + 1);
	asm_alu(&g->b, BPF_ADD, R0, R2);
}

/* r3 = the value of the digit in r3, or 99. */
static void
digit_value(struct gen *g)
{
	int upper = asm_label(&g->b), letter = asm_label(&g->b), bad = asm_label(&g->b);
	int end = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JLT, R3, '0', bad);
	asm_jmpi(&g->b, BPF_JGT, R3, '9', upper);
	asm_alui(&g->b, BPF_SUB, R3, '0');
	asm_jump(&g->b, end);
	asm_place(&g->b, upper);
	asm_alui(&g->b, BPF_OR, R3, 0x20);
	asm_place(&g->b, letter);
	asm_jmpi(&g->b, BPF_JLT, R3, 'a', bad);
	asm_jmpi(&g->b, BPF_JGT, R3, 'z', bad);
	asm_alui(&g->b, BPF_SUB, R3, 'a' - 10);
	asm_jump(&g->b, end);
	asm_place(&g->b, bad);
	asm_imm(&g->b, R3, 99);
	asm_place(&g->b, end);
}

static void
subr_strtoll(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp;
	int blank = asm_label(&g->b), skip = asm_label(&g->b), loop = asm_label(&g->b);
	int end = asm_label(&g->b), sign = asm_label(&g->b), plus = asm_label(&g->b);
	int positive = asm_label(&g->b);

	if (n->args->next != NULL)
		gen_expr(g, n->args->next);
	else
		asm_imm(&g->b, R0, 10);
	(void)gen_push(g, R0);
	string_to(g, n->args, at, strsize(g));
	asm_imm(&g->b, R0, 0);
	asm_imm(&g->b, R8, 0);
	gen_pop(g, R5);
	slot_ptr(g, R1, at);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, blank);
	asm_load(&g->b, 1, R3, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R3, ' ', skip);
	asm_jmpi(&g->b, BPF_JEQ, R3, '\t', skip);
	asm_jump(&g->b, sign);
	asm_place(&g->b, skip);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, 32, blank);
	asm_place(&g->b, sign);
	asm_jmpi(&g->b, BPF_JEQ, R3, '+', plus);
	asm_jmpi(&g->b, BPF_JNE, R3, '-', loop);
	asm_imm(&g->b, R8, 1);
	asm_place(&g->b, plus);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R3, R1, 0);
	digit_value(g);
	asm_jmp(&g->b, BPF_JGE, R3, R5, end);
	asm_alu(&g->b, BPF_MUL, R0, R5);
	asm_alu(&g->b, BPF_ADD, R0, R3);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, 66, loop);
	asm_place(&g->b, end);
	asm_jmpi(&g->b, BPF_JEQ, R8, 0, positive);
	asm_neg(&g->b, R0);
	asm_place(&g->b, positive);
}

/* --- the others -------------------------------------------------------------------------------- */

static void
subr_swap(struct gen *g, struct node *n, int bits)
{
	gen_expr(g, n->args);
	asm_end(&g->b, true, R0, bits);
}

/* A free id of 1..nspec, or 0. Two CPUs may race for one: the exchange decides. */
static void
subr_speculation(struct gen *g)
{
	int found = asm_label(&g->b), end = asm_label(&g->b);
	unsigned n = g->im->nspec;

	for (unsigned i = 1; i <= n; i++) {
		int next = asm_label(&g->b);

		asm_map_value(&g->b, R1, M_STATE,
		    (uint32_t)offsetof(struct gstate, spec_state) + (i - 1) * 4);
		asm_load(&g->b, 4, R2, R1, 0);
		asm_jmpi(&g->b, BPF_JNE, R2, 0, next);
		asm_storei(&g->b, 4, R1, 0, 1);
		asm_imm(&g->b, R0, i);
		asm_jump(&g->b, end);
		asm_place(&g->b, next);
	}
	gen_drop(g, DROP_SPECUNAVAIL);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, found);
	asm_place(&g->b, end);
}

/* Is the current process, or an ancestor of it, that one? */
/* r0 = does the task descend from process r0, or is it of it? */
static void
progeny(struct gen *g)
{
	struct type *t = type_by_name(g->c->types, "struct task_struct");
	int loop = asm_label(&g->b), yes = asm_label(&g->b), end = asm_label(&g->b);
	struct member parent, tgid;

	if (t == NULL || !type_member(g->c->types, t, "real_parent", &parent) ||
	    !type_member(g->c->types, t, "tgid", &tgid))
		comp_error(g->c, 0, "D_FUNC_UNDEF", "descendants of a process need the kernel's type "
		    "information (CONFIG_DEBUG_INFO_BTF)");
	(void)gen_push(g, R0);
	asm_call(&g->b, H_CURRENT);
	asm_mov(&g->b, R8, R0);
	asm_imm(&g->b, R9, 0);
	asm_place(&g->b, loop);
	asm_mov(&g->b, R0, R8);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)(tgid.bit_off / 8));
	gen_load_at(g, tgid.type, false);
	asm_load(&g->b, 8, R1, FP, -g->frame);
	asm_jmp(&g->b, BPF_JEQ, R0, R1, yes);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	asm_mov(&g->b, R0, R8);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)(parent.bit_off / 8));
	gen_load_at(g, parent.type, false);
	asm_mov(&g->b, R8, R0);
	asm_alui(&g->b, BPF_ADD, R9, 1);
	asm_imm(&g->b, R0, 0);
	asm_jmpi(&g->b, BPF_JLT, R9, 64, loop);
	asm_jump(&g->b, end);
	asm_place(&g->b, yes);
	asm_imm(&g->b, R0, 1);
	asm_place(&g->b, end);
	g->frame -= 8;
}

static void
subr_progenyof(struct gen *g, struct node *n)
{
	gen_expr(g, n->args);
	progeny(g);
}

void
gen_family(struct gen *g, int pid)
{
	int ours = asm_label(&g->b);

	asm_call(&g->b, H_PID_TGID);
	asm_alui(&g->b, BPF_RSH, R0, 32);
	asm_jmpi(&g->b, BPF_JEQ, R0, pid, ours);
	if (g->im->follow && g->im->scope == NULL) {
		g->l_fault = g->l_release;
		asm_imm(&g->b, R0, pid);
		progeny(g);
		asm_jmpi(&g->b, BPF_JNE, R0, 0, ours);
	}
	asm_jump(&g->b, g->l_release);
	asm_place(&g->b, ours);
}

/* Decimal 0..255 in r0 to the bytes at r1 (advanced); at least one digit. */
static void
put_octet(struct gen *g)
{
	int tens = asm_label(&g->b), ones = asm_label(&g->b);

	asm_mov(&g->b, R2, R0);
	asm_jmpi(&g->b, BPF_JLT, R0, 10, ones);
	asm_jmpi(&g->b, BPF_JLT, R0, 100, tens);
	asm_alui(&g->b, BPF_DIV, R2, 100);
	asm_alui(&g->b, BPF_ADD, R2, '0');
	asm_store(&g->b, 1, R1, 0, R2);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_place(&g->b, tens);
	asm_mov(&g->b, R2, R0);
	asm_alui(&g->b, BPF_DIV, R2, 10);
	asm_alui(&g->b, BPF_MOD, R2, 10);
	asm_alui(&g->b, BPF_ADD, R2, '0');
	asm_store(&g->b, 1, R1, 0, R2);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_place(&g->b, ones);
	asm_alui(&g->b, BPF_MOD, R0, 10);
	asm_alui(&g->b, BPF_ADD, R0, '0');
	asm_store(&g->b, 1, R1, 0, R0);
	asm_alui(&g->b, BPF_ADD, R1, 1);
}

static void
subr_inet_ntoa(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp, in = g->im->tmp_off + n->aux;

	gen_expr(g, n->args);
	gen_copy(g, in, 4, n->args->user);
	slot_ptr(g, R1, at);
	for (uint32_t i = 0; i < 4; i++) {
		asm_load(&g->b, 1, R0, R7, (int)(in + i));
		put_octet(g);
		asm_storei(&g->b, 1, R1, 0, i < 3 ? '.' : 0);
		asm_alui(&g->b, BPF_ADD, R1, 1);
	}
	gen_slot_address(g, at);
}

static void
subr_raise(struct gen *g, struct node *n)
{
	if (n->args != NULL)
		gen_expr(g, n->args);
	else
		asm_imm(&g->b, R0, 19); /* SIGSTOP */
	asm_mov(&g->b, R1, R0);
	asm_call(&g->b, H_SIGNAL);
}

static void
subr_copyout(struct gen *g, struct node *n, bool str)
{
	uint32_t at = g->im->key_off + g->key_top, size = g->im->scratch_size;
	struct node *len = n->args->next->next;

	if (g->key_top + size > g->im->key_max)
		g->im->key_max = g->key_top + size;
	gen_expr(g, n->args->next);
	(void)gen_push(g, R0);
	if (len != NULL) {
		gen_expr(g, len);
		gen_fault_if(g, BPF_JGT, R0, (int32_t)size, FAULT_BADSIZE);
	} else {
		asm_imm(&g->b, R0, size);
	}
	(void)gen_push(g, R0);
	gen_expr(g, n->args);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	slot_ptr(g, R1, at);
	gen_pop(g, R2);
	bounded(g, R2, size);
	asm_mov(&g->b, R9, R2);
	asm_call(&g->b, str ? H_READ_KERNEL_STR : H_READ_KERNEL);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
	if (str)
		asm_mov(&g->b, R9, R0);
	gen_pop(g, R1);
	slot_ptr(g, R2, at);
	asm_mov(&g->b, R3, R9);
	bounded(g, R3, size);
	asm_call(&g->b, H_WRITE_USER);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
}

static void
major_minor(struct gen *g, struct node *n, bool major)
{
	gen_expr(g, n->args);
	if (major)
		asm_alui(&g->b, BPF_RSH, R0, 20);
	else
		asm_alui(&g->b, BPF_AND, R0, 0xfffff);
}

void
gen_subr(struct gen *g, struct node *n)
{
	enum fn f = n->id != NULL && n->id->func != NULL ? n->id->func->id : F_FN_COUNT;

	switch (f) {
	case F_ALLOCA: subr_alloca(g, n); break;
	case F_BCOPY: copy_into_own(g, n->args, n->args->next, n->args->next->next, false); break;
	case F_COPYINTO: copy_into_own(g, n->args, n->args->next->next, n->args->next, true); break;
	case F_COPYIN: subr_copyin(g, n); break;
	case F_COPYINSTR: subr_copyinstr(g, n); break;
	case F_STRLEN: subr_strlen(g, n); break;
	case F_STRJOIN: subr_strjoin(g, n); break;
	case F_SUBSTR: subr_substr(g, n); break;
	case F_TOUPPER: subr_case(g, n, 'a', 'A'); break;
	case F_TOLOWER: subr_case(g, n, 'A', 'a'); break;
	case F_STRCHR: subr_strchr(g, n, false); break;
	case F_STRRCHR: subr_strchr(g, n, true); break;
	case F_INDEX: subr_index(g, n, false); break;
	case F_RINDEX: subr_index(g, n, true); break;
	case F_STRSTR: subr_strstr(g, n); break;
	case F_BASENAME: subr_basename(g, n); break;
	case F_DIRNAME: subr_dirname(g, n); break;
	case F_LLTOSTR: subr_lltostr(g, n); break;
	case F_STRTOLL: subr_strtoll(g, n); break;
	case F_HTONS: case F_NTOHS: subr_swap(g, n, 16); break;
	case F_HTONL: case F_NTOHL: subr_swap(g, n, 32); break;
	case F_HTONLL: case F_NTOHLL: subr_swap(g, n, 64); break;
	case F_RAND: asm_call(&g->b, H_RANDOM); break;
	case F_SPECULATION: subr_speculation(g); break;
	case F_PROGENYOF: subr_progenyof(g, n); break;
	case F_GETMAJOR: major_minor(g, n, true); break;
	case F_GETMINOR: major_minor(g, n, false); break;
	case F_INET_NTOA: subr_inet_ntoa(g, n); break;
	case F_INET_NTOA6: gen_inet_ntoa6(g, n); break;
	case F_INET_NTOP: gen_inet_ntop(g, n); break;
	case F_LINK_NTOP: gen_link_ntop(g, n); break;
	case F_STRTOK: gen_strtok(g, n); break;
	case F_CLEANPATH: gen_cleanpath(g, n); break;
	case F_JSON: gen_json(g, n); break;
	case F_D_PATH: gen_d_path(g, n); break;
	case F_GETF: gen_getf(g, n); break;
	case F_PSARGS: gen_psargs(g, n); break;
	case F_MUTEX_OWNED: gen_mutex_owner(g, n, true); break;
	case F_MUTEX_OWNER: gen_mutex_owner(g, n, false); break;
	case F_MUTEX_ADAPTIVE: asm_imm(&g->b, R0, 1); break;
	case F_MUTEX_SPIN: asm_imm(&g->b, R0, 0); break;
	case F_RW_READ_HELD: gen_rw_held(g, n, 9, 0x7fffff); break;
	case F_RW_WRITE_HELD: gen_rw_held(g, n, 0, 0xff); break;
	case F_RW_ISWRITER: gen_rw_held(g, n, 0, 0x1ff); break;
	case F_RAISE: case F_STOP: subr_raise(g, n); break;
	case F_COPYOUT: subr_copyout(g, n, false); break;
	case F_COPYOUTSTR: subr_copyout(g, n, true); break;
	case F_SYM: case F_FUNC: case F_MOD: case F_USYM: case F_UFUNC: case F_UMOD: case F_UADDR:
		gen_expr(g, n->args);
		break;
	default:
		comp_error(g->c, n->line, "D_FUNC_UNDEF", "%s( ) is not available on this system",
		    n->name);
	}
}
