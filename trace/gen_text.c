/* SPDX-License-Identifier: MIT */
/*
 * The code generator: subroutines that make or take apart text.  strtok, cleanpath, network addresses.
 *
 * What is put out goes through a position in W0, masked where it is used: then it does not matter
 * to the verifier how many characters each step made.
 */
#include <string.h>

#include "gen.h"

static uint32_t
strsize(const struct gen *g)
{
	return ((uint32_t)g->c->types->strsize);
}

static uint32_t
mask_of(uint32_t size)
{
	uint32_t m = 1;

	while (m < size)
		m <<= 1;
	return (m - 1);
}

static void
slot_ptr(struct gen *g, int reg, uint32_t off)
{
	asm_mov(&g->b, reg, R7);
	asm_alui(&g->b, BPF_ADD, reg, (int32_t)off);
}

static void
string_to(struct gen *g, struct node *n, uint32_t off)
{
	gen_expr(g, n);
	asm_store(&g->b, 8, R7, SLOT_FAULT, R0);
	asm_mov(&g->b, R3, R0);
	slot_ptr(g, R1, off);
	asm_imm(&g->b, R2, strsize(g));
	asm_call(&g->b, n->user ? H_READ_USER_STR : H_READ_KERNEL_STR);
	gen_fault_if(g, BPF_JSLT, R0, 0, FAULT_BADADDR);
}

/* The byte in r0 to the area of `size` bytes (a power of two) at slot + at. */
static void
put(struct gen *g, uint32_t at, uint32_t size)
{
	asm_load(&g->b, 8, R1, R7, SLOT_W0);
	asm_mov(&g->b, R2, R1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_store(&g->b, 8, R7, SLOT_W0, R2);
	asm_alui(&g->b, BPF_AND, R1, (int32_t)(size - 1));
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)at);
	asm_alu(&g->b, BPF_ADD, R1, R7);
	asm_store(&g->b, 1, R1, 0, R0);
}

static void
put_char(struct gen *g, uint32_t at, uint32_t size, char c)
{
	asm_imm(&g->b, R0, c);
	put(g, at, size);
}

/* --- strtok ------------------------------------------------------------------------------------ */

/* A table of 256 bytes at slot + table: 1 for each character of the string at slot + delims. */
static void
mark_characters(struct gen *g, uint32_t delims, uint32_t table)
{
	int loop = asm_label(&g->b), end = asm_label(&g->b);

	gen_zero(g, table, 256);
	slot_ptr(g, R1, delims);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	slot_ptr(g, R3, table);
	asm_alu(&g->b, BPF_ADD, R3, R0);
	asm_storei(&g->b, 1, R3, 0, 1);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
}

/*
 * The next token of the string that is kept in the slot, behind the locals: W0 = where it begins, or -1.  The
 * kept string is always walked from its beginning, and what lies before the position is skipped.
 */
static void
next_token(struct gen *g, uint32_t table)
{
	uint32_t kept = g->im->strtok_off;
	int loop = asm_label(&g->b), next = asm_label(&g->b), end = asm_label(&g->b);
	int inside = asm_label(&g->b), done = asm_label(&g->b);

	asm_storei(&g->b, 8, R7, SLOT_W0, -1);
	slot_ptr(g, R1, kept);
	asm_imm(&g->b, R2, 0);
	asm_place(&g->b, loop);
	asm_load(&g->b, 8, R3, R7, SLOT_STRTOK);
	asm_jmp(&g->b, BPF_JLT, R2, R3, next);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	slot_ptr(g, R3, table);
	asm_alu(&g->b, BPF_ADD, R3, R0);
	asm_load(&g->b, 1, R3, R3, 0);
	asm_load(&g->b, 8, R4, R7, SLOT_W0);
	asm_jmpi(&g->b, BPF_JSGE, R4, 0, inside);
	asm_jmpi(&g->b, BPF_JNE, R3, 0, next);
	asm_store(&g->b, 8, R7, SLOT_W0, R2);
	asm_jump(&g->b, next);
	asm_place(&g->b, inside);
	asm_jmpi(&g->b, BPF_JEQ, R3, 0, next);
	asm_storei(&g->b, 1, R1, 0, 0);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jump(&g->b, end);
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_jmpi(&g->b, BPF_JLT, R2, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
	asm_store(&g->b, 8, R7, SLOT_STRTOK, R2);
	asm_place(&g->b, done);
}

void
gen_strtok(struct gen *g, struct node *n)
{
	uint32_t delims = g->im->tmp_off + n->tmp, table = g->im->tmp_off + n->aux;
	int some = asm_label(&g->b), end = asm_label(&g->b);
	int64_t null;

	if (!node_constant(g->c, n->args, &null)) {
		string_to(g, n->args, g->im->strtok_off);
		asm_storei(&g->b, 8, R7, SLOT_STRTOK, 0);
	}
	string_to(g, n->args->next, delims);
	mark_characters(g, delims, table);
	next_token(g, table);
	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, some);
	asm_map_value(&g->b, R0, M_RODATA, 0);
	gen_scalar(g);
	asm_jump(&g->b, end);
	asm_place(&g->b, some);
	asm_load(&g->b, 8, R1, R7, SLOT_SELF);
	asm_alu(&g->b, BPF_ADD, R0, R1);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)g->im->strtok_off);
	asm_place(&g->b, end);
}

/* --- cleanpath --------------------------------------------------------------------------------- */

/*
 * One pass; W0 = length of the output, W1 = where its last component begins, W2 = its dots when it
 * is only dots, else 3, W3 = components that ".." can take away.  Where each of them begins lies in
 * a table of 16 words.
 */
enum { DEPTH = 16 };

/* r1 = the place in the table for the component of number r1. */
static void
table_entry(struct gen *g, uint32_t table)
{
	asm_alui(&g->b, BPF_AND, R1, DEPTH - 1);
	asm_alui(&g->b, BPF_LSH, R1, 3);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)table);
	asm_alu(&g->b, BPF_ADD, R1, R7);
}

static void
set_length(struct gen *g, int word)
{
	asm_load(&g->b, 8, R0, R7, word);
	asm_store(&g->b, 8, R7, SLOT_W0, R0);
}

/* A component has ended, with a slash (r8 = '/') or with the string. */
static void
end_component(struct gen *g, uint32_t out, uint32_t size, uint32_t table)
{
	int none = asm_label(&g->b), real = asm_label(&g->b), done = asm_label(&g->b);
	int dotdot = asm_label(&g->b), keep = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_load(&g->b, 8, R1, R7, SLOT_W1);
	asm_jmp(&g->b, BPF_JEQ, R0, R1, none);
	asm_load(&g->b, 8, R2, R7, SLOT_W2);
	asm_jmpi(&g->b, BPF_JEQ, R2, 2, dotdot);
	asm_jmpi(&g->b, BPF_JNE, R2, 1, real);
	set_length(g, SLOT_W1);
	asm_jump(&g->b, done);
	asm_place(&g->b, dotdot);
	asm_load(&g->b, 8, R1, R7, SLOT_W3);
	asm_jmpi(&g->b, BPF_JEQ, R1, 0, keep);
	asm_alui(&g->b, BPF_SUB, R1, 1);
	asm_store(&g->b, 8, R7, SLOT_W3, R1);
	table_entry(g, table);
	asm_load(&g->b, 8, R0, R1, 0);
	asm_store(&g->b, 8, R7, SLOT_W0, R0);
	asm_store(&g->b, 8, R7, SLOT_W1, R0);
	asm_jump(&g->b, done);
	asm_place(&g->b, keep); /* above the root there is the root; a relative path keeps its ".." */
	asm_load(&g->b, 1, R0, R7, (int)out);
	asm_jmpi(&g->b, BPF_JNE, R0, '/', none);
	set_length(g, SLOT_W1);
	asm_jump(&g->b, done);
	asm_place(&g->b, real);
	asm_load(&g->b, 8, R1, R7, SLOT_W3);
	asm_mov(&g->b, R0, R1);
	asm_alui(&g->b, BPF_ADD, R0, 1);
	asm_store(&g->b, 8, R7, SLOT_W3, R0);
	table_entry(g, table);
	asm_load(&g->b, 8, R0, R7, SLOT_W1);
	asm_store(&g->b, 8, R1, 0, R0);
	asm_place(&g->b, none);
	asm_jmpi(&g->b, BPF_JNE, R8, '/', done);
	/* a slash, but never two */
	asm_load(&g->b, 8, R0, R7, SLOT_W0);
	asm_load(&g->b, 8, R1, R7, SLOT_W1);
	{
		int first = asm_label(&g->b), put_it = asm_label(&g->b);

		asm_jmp(&g->b, BPF_JNE, R0, R1, put_it);
		asm_jmpi(&g->b, BPF_JNE, R0, 0, done);
		asm_place(&g->b, first);
		asm_place(&g->b, put_it);
	}
	put_char(g, out, size, '/');
	set_length(g, SLOT_W0);
	asm_store(&g->b, 8, R7, SLOT_W1, R0);
	asm_place(&g->b, done);
	asm_storei(&g->b, 8, R7, SLOT_W2, 0);
}

/* r8 is a character of a name: W2 tells "." and ".." from others. */
static void
name_character(struct gen *g, uint32_t out, uint32_t size)
{
	int other = asm_label(&g->b), end = asm_label(&g->b);

	asm_load(&g->b, 8, R1, R7, SLOT_W2);
	asm_jmpi(&g->b, BPF_JNE, R8, '.', other);
	asm_jmpi(&g->b, BPF_JGE, R1, 2, other);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_store(&g->b, 8, R7, SLOT_W2, R1);
	asm_jump(&g->b, end);
	asm_place(&g->b, other);
	asm_storei(&g->b, 8, R7, SLOT_W2, 3);
	asm_place(&g->b, end);
	asm_mov(&g->b, R0, R8);
	put(g, out, size);
}

void
gen_cleanpath(struct gen *g, struct node *n)
{
	uint32_t in = g->im->tmp_off + n->tmp, out = g->im->tmp_off + n->aux;
	uint32_t size = mask_of(strsize(g)) + 1, table = out + size + 8;
	int loop = asm_label(&g->b), name = asm_label(&g->b), next = asm_label(&g->b);
	int end = asm_label(&g->b);

	string_to(g, n->args, in);
	gen_zero(g, SLOT_W0, 32);
	asm_storei(&g->b, 1, R7, (int)out, 0);
	asm_imm(&g->b, R9, 0);
	asm_place(&g->b, loop);
	slot_ptr(g, R1, in);
	asm_alu(&g->b, BPF_ADD, R1, R9);
	asm_load(&g->b, 1, R8, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R8, 0, end);
	asm_jmpi(&g->b, BPF_JNE, R8, '/', name);
	end_component(g, out, size, table);
	asm_jump(&g->b, next);
	asm_place(&g->b, name);
	name_character(g, out, size);
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R9, 1);
	asm_jmpi(&g->b, BPF_JLT, R9, (int32_t)strsize(g), loop);
	asm_place(&g->b, end);
	asm_imm(&g->b, R8, 0);
	end_component(g, out, size, table);
	put_char(g, out, size, 0);
	gen_slot_address(g, out);
}

/* --- addresses --------------------------------------------------------------------------------- */

enum { TEXT = 64 };

/* The digit in r0, 0..15. */
static void
put_digit(struct gen *g, uint32_t at)
{
	int letter = asm_label(&g->b), end = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JGT, R0, 9, letter);
	asm_alui(&g->b, BPF_ADD, R0, '0');
	asm_jump(&g->b, end);
	asm_place(&g->b, letter);
	asm_alui(&g->b, BPF_ADD, R0, 'a' - 10);
	asm_place(&g->b, end);
	put(g, at, TEXT);
}

/* xx:xx:xx:xx:xx:xx */
void
gen_link_ntop(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp, in = g->im->tmp_off + n->aux;

	gen_expr(g, n->args->next);
	gen_copy(g, in, 6, n->args->next->user);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	for (uint32_t i = 0; i < 6; i++) {
		for (int half = 4; half >= 0; half -= 4) {
			asm_load(&g->b, 1, R0, R7, (int)(in + i));
			asm_alui(&g->b, BPF_RSH, R0, half);
			asm_alui(&g->b, BPF_AND, R0, 15);
			put_digit(g, at);
		}
		put_char(g, at, TEXT, i < 5 ? ':' : 0);
	}
	gen_slot_address(g, at);
}

/* W2 = the longest run of zero groups (at least two), W3 = its length; W1 is the run at hand. */
static void
longest_zeroes(struct gen *g, uint32_t in)
{
	gen_zero(g, SLOT_W0, 32);
	asm_storei(&g->b, 8, R7, SLOT_W2, -1);
	asm_storei(&g->b, 8, R7, SLOT_W3, 1);
	for (uint32_t i = 0; i < 8; i++) {
		int some = asm_label(&g->b), next = asm_label(&g->b);

		asm_load(&g->b, 2, R0, R7, (int)(in + 2 * i));
		asm_load(&g->b, 8, R1, R7, SLOT_W1);
		asm_jmpi(&g->b, BPF_JNE, R0, 0, some);
		asm_alui(&g->b, BPF_ADD, R1, 1);
		asm_store(&g->b, 8, R7, SLOT_W1, R1);
		asm_load(&g->b, 8, R2, R7, SLOT_W3);
		asm_jmp(&g->b, BPF_JLE, R1, R2, next);
		asm_store(&g->b, 8, R7, SLOT_W3, R1);
		asm_imm(&g->b, R2, i + 1);
		asm_alu(&g->b, BPF_SUB, R2, R1);
		asm_store(&g->b, 8, R7, SLOT_W2, R2);
		asm_jump(&g->b, next);
		asm_place(&g->b, some);
		asm_storei(&g->b, 8, R7, SLOT_W1, 0);
		asm_place(&g->b, next);
	}
}

/* Group i in hexadecimal without leading zeroes; W1 = a digit has been put. */
static void
put_group(struct gen *g, uint32_t at, uint32_t in, uint32_t i)
{
	asm_storei(&g->b, 8, R7, SLOT_W1, 0);
	for (int shift = 12; shift >= 0; shift -= 4) {
		int yes = asm_label(&g->b), next = asm_label(&g->b);

		asm_load(&g->b, 2, R0, R7, (int)(in + 2 * i));
		asm_end(&g->b, true, R0, 16);
		asm_alui(&g->b, BPF_RSH, R0, shift);
		asm_alui(&g->b, BPF_AND, R0, 15);
		if (shift > 0) {
			asm_jmpi(&g->b, BPF_JNE, R0, 0, yes);
			asm_load(&g->b, 8, R1, R7, SLOT_W1);
			asm_jmpi(&g->b, BPF_JEQ, R1, 0, next);
			asm_place(&g->b, yes);
		}
		asm_storei(&g->b, 8, R7, SLOT_W1, 1);
		put_digit(g, at);
		asm_place(&g->b, next);
	}
}

/* An IPv6 address of 16 bytes at slot + in. */
static void
text_of_v6(struct gen *g, uint32_t at, uint32_t in)
{
	longest_zeroes(g, in);
	for (uint32_t i = 0; i < 8; i++) {
		int plain = asm_label(&g->b), next = asm_label(&g->b), colon = asm_label(&g->b);

		asm_load(&g->b, 8, R1, R7, SLOT_W2);
		asm_jmpi(&g->b, BPF_JSLT, R1, 0, plain);
		asm_jmpi(&g->b, BPF_JSGT, R1, (int32_t)i, plain);
		asm_load(&g->b, 8, R2, R7, SLOT_W3);
		asm_alu(&g->b, BPF_ADD, R2, R1);
		asm_jmpi(&g->b, BPF_JSLE, R2, (int32_t)i, plain);
		asm_jmpi(&g->b, BPF_JNE, R1, (int32_t)i, next); /* inside the run */
		put_char(g, at, TEXT, ':');
		if (i == 0)
			put_char(g, at, TEXT, ':');
		asm_jump(&g->b, next);
		asm_place(&g->b, plain);
		put_group(g, at, in, i);
		asm_place(&g->b, colon);
		if (i < 7)
			put_char(g, at, TEXT, ':');
		asm_place(&g->b, next);
	}
	put_char(g, at, TEXT, 0);
}

static void
put_decimal(struct gen *g, uint32_t at, uint32_t byte)
{
	for (int d = 100; d >= 1; d /= 10) {
		int next = asm_label(&g->b);

		asm_load(&g->b, 1, R0, R7, (int)byte);
		if (d > 1)
			asm_jmpi(&g->b, BPF_JLT, R0, d, next);
		if (d > 1)
			asm_alui(&g->b, BPF_DIV, R0, d);
		asm_alui(&g->b, BPF_MOD, R0, 10);
		put_digit(g, at);
		asm_place(&g->b, next);
	}
}

static void
text_of_v4(struct gen *g, uint32_t at, uint32_t in)
{
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	for (uint32_t i = 0; i < 4; i++) {
		put_decimal(g, at, in + i);
		put_char(g, at, TEXT, i < 3 ? '.' : 0);
	}
}

void
gen_inet_ntoa6(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp, in = g->im->tmp_off + n->aux;

	gen_expr(g, n->args);
	gen_copy(g, in, 16, n->args->user);
	text_of_v6(g, at, in);
	gen_slot_address(g, at);
}

/* inet_ntop(family, address): Linux's AF_INET6 is 10; any other family reads four bytes. */
void
gen_inet_ntop(struct gen *g, struct node *n)
{
	enum { INET6 = 10 };
	uint32_t at = g->im->tmp_off + n->tmp, in = g->im->tmp_off + n->aux;
	int v6 = asm_label(&g->b), end = asm_label(&g->b);

	gen_expr(g, n->args);
	(void)gen_push(g, R0);
	gen_expr(g, n->args->next);
	gen_pop(g, R1);
	asm_jmpi(&g->b, BPF_JEQ, R1, INET6, v6);
	gen_copy(g, in, 4, n->args->next->user);
	text_of_v4(g, at, in);
	asm_jump(&g->b, end);
	asm_place(&g->b, v6);
	gen_copy(g, in, 16, n->args->next->user);
	text_of_v6(g, at, in);
	asm_place(&g->b, end);
	gen_slot_address(g, at);
}
