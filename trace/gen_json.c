/* SPDX-License-Identifier: MIT */
/*
 * The code generator: json(text, "a.b[3].c"), the element of a JSON text as a string.
 *
 * One pass over the text, a character a round, with the state in the slot (gen.h and trace-design.md, decision 5).
 * The path is known when the program is compiled: a table of keys of one stride and of indices.
 *
 *	DEPTH	containers that are open
 *	LEVEL	elements of the path that have matched; the container whose members are compared is the one at
 *		depth LEVEL + 1, what is deeper is skipped
 *	VALUE	the next value is the one that the path means
 *	KEY	the next string is a key; POS how much of it agrees with the path's, -1 not
 *	CATCH	what is being copied out
 *
 * As in the original: strings come without their quotes and with their escapes, objects and arrays as they are
 * written, and what is not there, or not JSON, is an empty string.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

enum { DEPTH, LEVEL, VALUE, KEY, OBJECT, INSTR, ESCAPE, MATCHING, POS, INDEX, CATCH, BASE, WORDS };
enum { NOTHING, STRING, CONTAINER, SCALAR };
enum { STRIDE = 64, ELEMENTS = 8 };

struct json {
	struct gen *g;
	uint32_t state, in, out, size; /* places in the slot; size of out: a power of two */
	uint32_t keys, indices;	       /* in the read-only data */
	int elements;
	int next, end, missing;
};

/* --- the path ------------------------------------------------------------------------------------ */

/* "a.b[3]": a, b, 3. False: too many elements, or one that is too long. */
static bool
split(const char *path, char keys[ELEMENTS][STRIDE], int64_t indices[ELEMENTS], int *n)
{
	for (*n = 0; *path != '\0';) {
		size_t len = strcspn(path, ".[]");
		char *end;

		if (len >= STRIDE || (len > 0 && *n == ELEMENTS))
			return (false);
		if (len > 0) {
			memcpy(keys[*n], path, len);
			indices[*n] = strtoll(keys[*n], &end, 10);
			if (*end != '\0' || !isdigit((unsigned char)keys[*n][0]))
				indices[*n] = -1;
			++*n;
		}
		path += len + (path[len] != '\0');
	}
	return (*n > 0);
}

static void
place_path(struct json *j, const struct node *path)
{
	char keys[ELEMENTS][STRIDE] = {{0}};
	int64_t indices[ELEMENTS] = {0};

	if (!split(path->str, keys, indices, &j->elements))
		comp_error(j->g->c, path->line, "D_PROTO_ARG", "json( ) argument #2 must name 1 to %d "
		    "elements of less than %d characters", ELEMENTS, STRIDE);
	j->keys = image_rodata(j->g->im, keys, sizeof(keys));
	j->indices = image_rodata(j->g->im, indices, sizeof(indices));
}

/* --- the state ----------------------------------------------------------------------------------- */

static int
word(const struct json *j, int w)
{
	return ((int)j->state + 8 * w);
}

static void
get(struct json *j, int reg, int w)
{
	asm_load(&j->g->b, 8, reg, R7, word(j, w));
}

static void
set(struct json *j, int w, int32_t v)
{
	asm_storei(&j->g->b, 8, R7, word(j, w), v);
}

static void
add(struct json *j, int w, int32_t n)
{
	get(j, R0, w);
	asm_alui(&j->g->b, BPF_ADD, R0, n);
	asm_store(&j->g->b, 8, R7, word(j, w), R0);
}

static void
go_on(struct json *j)
{
	asm_jump(&j->g->b, j->next);
}

/* Go there unless the word is v, resp. the character is c. */
static void
unless(struct json *j, int w, int32_t v, int label)
{
	get(j, R0, w);
	asm_jmpi(&j->g->b, BPF_JNE, R0, v, label);
}

static void
unless_char(struct json *j, char c, int label)
{
	asm_jmpi(&j->g->b, BPF_JNE, R8, c, label);
}

/* Go there if the character is one of these. */
static void
if_any(struct json *j, const char *set, int label)
{
	for (; *set != '\0'; set++)
		asm_jmpi(&j->g->b, BPF_JEQ, R8, *set, label);
}

static void
keep_char(struct json *j)
{
	struct gen *g = j->g;

	asm_load(&g->b, 8, R1, R7, SLOT_W0);
	asm_mov(&g->b, R2, R1);
	asm_alui(&g->b, BPF_ADD, R2, 1);
	asm_store(&g->b, 8, R7, SLOT_W0, R2);
	asm_alui(&g->b, BPF_AND, R1, (int32_t)(j->size - 1));
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)j->out);
	asm_alu(&g->b, BPF_ADD, R1, R7);
	asm_store(&g->b, 1, R1, 0, R8);
}

/* r1 = the address in a table of the path for this level, of elements of 2^shift bytes. */
static void
of_level(struct json *j, uint32_t table, int shift)
{
	get(j, R2, LEVEL);
	asm_alui(&j->g->b, BPF_AND, R2, ELEMENTS - 1);
	asm_alui(&j->g->b, BPF_LSH, R2, shift);
	asm_map_value(&j->g->b, R1, M_RODATA, table);
	asm_alu(&j->g->b, BPF_ADD, R1, R2);
}

/* --- copying out --------------------------------------------------------------------------------- */

/* In a string, and not behind a backslash: goes on, or at its end to `closed`; keep: copy what is in it. */
static void
string_char(struct json *j, bool keep, int closed)
{
	struct gen *g = j->g;
	int quote = asm_label(&g->b), other = asm_label(&g->b);

	unless_char(j, '\\', quote);
	set(j, ESCAPE, 1);
	set(j, POS, -1); /* a key that is written with escapes is none of ours */
	asm_jump(&g->b, other);
	asm_place(&g->b, quote);
	unless_char(j, '"', other);
	asm_jump(&g->b, closed);
	asm_place(&g->b, other);
	if (keep)
		keep_char(j);
	go_on(j);
}

/* An object or array as it is written, to the bracket that closes it. */
static void
catch_container(struct json *j)
{
	struct gen *g = j->g;
	int outside = asm_label(&g->b), closed = asm_label(&g->b), up = asm_label(&g->b);
	int down = asm_label(&g->b), string = asm_label(&g->b);

	keep_char(j);
	unless(j, INSTR, 1, outside);
	string_char(j, false, closed);
	asm_place(&g->b, closed);
	set(j, INSTR, 0);
	go_on(j);
	asm_place(&g->b, outside);
	if_any(j, "{[", up);
	if_any(j, "}]", down);
	if_any(j, "\"", string);
	go_on(j);
	asm_place(&g->b, string);
	set(j, INSTR, 1);
	go_on(j);
	asm_place(&g->b, up);
	add(j, DEPTH, 1);
	go_on(j);
	asm_place(&g->b, down);
	add(j, DEPTH, -1);
	get(j, R1, BASE);
	asm_jmp(&g->b, BPF_JEQ, R0, R1, j->end);
	go_on(j);
}

static void
catching(struct json *j)
{
	struct gen *g = j->g;
	int container = asm_label(&g->b), scalar = asm_label(&g->b), none = asm_label(&g->b);

	get(j, R0, CATCH);
	asm_jmpi(&g->b, BPF_JEQ, R0, NOTHING, none);
	asm_jmpi(&g->b, BPF_JEQ, R0, CONTAINER, container);
	asm_jmpi(&g->b, BPF_JEQ, R0, SCALAR, scalar);
	string_char(j, true, j->end);
	asm_place(&g->b, container);
	catch_container(j);
	asm_place(&g->b, scalar);
	if_any(j, ",}] \t\r\n", j->end);
	keep_char(j);
	go_on(j);
	asm_place(&g->b, none);
}

/* --- finding it ---------------------------------------------------------------------------------- */

/* The array's INDEX is what the path wants next: its value is coming. */
static void
check_index(struct json *j)
{
	of_level(j, j->indices, 3);
	asm_load(&j->g->b, 8, R1, R1, 0);
	get(j, R0, INDEX);
	asm_jmp(&j->g->b, BPF_JNE, R0, R1, j->next);
	set(j, VALUE, 1);
	go_on(j);
}

/* The bracket in r8 opens the container whose members are compared now. */
static void
enter(struct json *j)
{
	int array = asm_label(&j->g->b);

	unless_char(j, '{', array);
	set(j, OBJECT, 1);
	set(j, KEY, 1);
	go_on(j);
	asm_place(&j->g->b, array);
	set(j, OBJECT, 0);
	set(j, KEY, 0);
	set(j, INDEX, 0);
	check_index(j);
}

/* r8 begins the value that the path means, or one on the way to it. */
static void
value(struct json *j)
{
	struct gen *g = j->g;
	int last = asm_label(&g->b), container = asm_label(&g->b), down = asm_label(&g->b);
	int scalar = asm_label(&g->b);

	set(j, VALUE, 0);
	if_any(j, "]},:", j->missing);
	get(j, R0, LEVEL);
	asm_jmpi(&g->b, BPF_JEQ, R0, j->elements - 1, last);
	if_any(j, "{[", down);
	asm_jump(&g->b, j->missing);
	asm_place(&g->b, down);
	add(j, LEVEL, 1);
	add(j, DEPTH, 1);
	enter(j);
	asm_place(&g->b, last);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	if_any(j, "{[", container);
	unless_char(j, '"', scalar);
	set(j, CATCH, STRING);
	go_on(j);
	asm_place(&g->b, scalar);
	set(j, CATCH, SCALAR);
	keep_char(j);
	go_on(j);
	asm_place(&g->b, container);
	set(j, CATCH, CONTAINER);
	get(j, R0, DEPTH);
	asm_store(&g->b, 8, R7, word(j, BASE), R0);
	add(j, DEPTH, 1);
	keep_char(j);
	go_on(j);
}

/* r0 = the path's key at POS, or -1 when it does not agree so far. */
static void
wanted_char(struct json *j)
{
	struct gen *g = j->g;
	int lost = asm_label(&g->b);

	get(j, R0, POS);
	asm_jmpi(&g->b, BPF_JSLT, R0, 0, lost);
	of_level(j, j->keys, 6);
	get(j, R0, POS);
	asm_alui(&g->b, BPF_AND, R0, STRIDE - 1);
	asm_alu(&g->b, BPF_ADD, R1, R0);
	asm_load(&g->b, 1, R0, R1, 0);
	asm_place(&g->b, lost);
}

/* Inside of a string that is skipped, or compared. */
static void
in_string(struct json *j)
{
	struct gen *g = j->g;
	int closed = asm_label(&g->b), compared = asm_label(&g->b), differs = asm_label(&g->b);

	unless(j, MATCHING, 1, compared);
	asm_jmpi(&g->b, BPF_JEQ, R8, '"', compared);
	wanted_char(j);
	asm_jmp(&g->b, BPF_JNE, R0, R8, differs);
	add(j, POS, 1);
	asm_jump(&g->b, compared);
	asm_place(&g->b, differs);
	set(j, POS, -1);
	asm_place(&g->b, compared);
	string_char(j, false, closed);
	asm_place(&g->b, closed);
	set(j, INSTR, 0);
	unless(j, MATCHING, 1, j->next);
	set(j, MATCHING, 0);
	wanted_char(j);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, j->next);
	set(j, MATCHING, 2); /* a colon, and it is the one */
	go_on(j);
}

/* A character of the container whose members are compared. */
static void
member(struct json *j)
{
	struct gen *g = j->g;
	int quote = asm_label(&g->b), colon = asm_label(&g->b), comma = asm_label(&g->b);
	int array = asm_label(&g->b);

	if_any(j, "\"", quote);
	if_any(j, ":", colon);
	if_any(j, ",", comma);
	go_on(j);
	asm_place(&g->b, quote);
	set(j, INSTR, 1);
	get(j, R0, KEY);
	asm_store(&g->b, 8, R7, word(j, MATCHING), R0);
	set(j, POS, 0);
	go_on(j);
	asm_place(&g->b, colon);
	set(j, KEY, 0);
	unless(j, MATCHING, 2, j->next);
	set(j, MATCHING, 0);
	set(j, VALUE, 1);
	go_on(j);
	asm_place(&g->b, comma);
	unless(j, OBJECT, 1, array);
	set(j, KEY, 1);
	go_on(j);
	asm_place(&g->b, array);
	add(j, INDEX, 1);
	check_index(j);
}

static void
character(struct json *j)
{
	struct gen *g = j->g;
	int outside = asm_label(&g->b), no_value = asm_label(&g->b), open = asm_label(&g->b);
	int close = asm_label(&g->b), compared = asm_label(&g->b), plain = asm_label(&g->b);

	/*
	 * First what ends the round soonest: the verifier follows that path through all rounds, and each
	 * branch that it passes waits for it in a list of limited length.  What is kept here in vain is forgotten
	 * when something is caught.
	 */
	unless(j, ESCAPE, 1, plain);
	set(j, ESCAPE, 0);
	keep_char(j);
	go_on(j);
	asm_place(&g->b, plain);
	catching(j);
	unless(j, INSTR, 1, outside);
	in_string(j);
	asm_place(&g->b, outside);
	asm_jmpi(&g->b, BPF_JLE, R8, ' ', j->next);
	unless(j, VALUE, 1, no_value);
	value(j);
	asm_place(&g->b, no_value);
	if_any(j, "{[", open);
	if_any(j, "}]", close);
	get(j, R1, LEVEL);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	get(j, R0, DEPTH);
	asm_jmp(&g->b, BPF_JEQ, R0, R1, compared);
	unless_char(j, '"', j->next);
	set(j, INSTR, 1);
	set(j, MATCHING, 0);
	go_on(j);
	asm_place(&g->b, compared);
	member(j);
	asm_place(&g->b, open);
	add(j, DEPTH, 1);
	asm_jmpi(&g->b, BPF_JNE, R0, 1, j->next); /* the outermost; others are entered by value() */
	enter(j);
	asm_place(&g->b, close);
	add(j, DEPTH, -1);
	get(j, R1, LEVEL);
	asm_jmp(&g->b, BPF_JSLE, R0, R1, j->missing);
	go_on(j);
}

/* --- the call ------------------------------------------------------------------------------------ */

void
gen_json(struct gen *g, struct node *n)
{
	uint32_t strsize = (uint32_t)g->c->types->strsize;
	struct json j = {.g = g, .state = g->im->tmp_off + n->tmp, .size = 8,
	    .next = asm_label(&g->b), .end = asm_label(&g->b), .missing = asm_label(&g->b)};
	int loop = asm_label(&g->b);

	while (j.size < strsize)
		j.size *= 2;
	j.in = j.state + WORDS * 8;
	j.out = g->im->tmp_off + n->aux;
	place_path(&j, n->args->next);
	gen_string_into(g, n->args, j.in, strsize, false);
	gen_zero(g, j.state, WORDS * 8);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	asm_imm(&g->b, R9, 0);
	asm_place(&g->b, loop);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)j.in);
	asm_alu(&g->b, BPF_ADD, R1, R9);
	asm_load(&g->b, 1, R8, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R8, 0, j.missing);
	character(&j);
	asm_place(&g->b, j.next);
	asm_alui(&g->b, BPF_ADD, R9, 1);
	asm_jmpi(&g->b, BPF_JLT, R9, (int32_t)strsize, loop);
	asm_place(&g->b, j.missing); /* a number may end with the text */
	get(&j, R0, CATCH);
	asm_jmpi(&g->b, BPF_JEQ, R0, SCALAR, j.end);
	asm_storei(&g->b, 8, R7, SLOT_W0, 0);
	asm_place(&g->b, j.end);
	asm_imm(&g->b, R8, 0);
	keep_char(&j);
	gen_slot_address(g, j.out);
}
