/* SPDX-License-Identifier: MIT */
/* The assembler; see asm.h. Encodings: linux/bpf.h. */
#include "asm.h"

#include <string.h>

void
asm_init(struct basm *b, struct comp *c)
{
	memset(b, 0, sizeof(*b));
	b->c = c;
}

int
asm_label(struct basm *b)
{
	*VEC_ADD(b->c, b->labels, b->nlabels) = -1;
	return ((int)b->nlabels - 1);
}

void
asm_place(struct basm *b, int label)
{
	b->labels[label] = (int)b->n;
}

void
asm_insn(struct basm *b, uint8_t code, int dst, int src, int16_t off, int32_t imm)
{
	struct bpf_insn *i = VEC_ADD(b->c, b->v, b->n);

	i->code = code;
	i->dst_reg = (uint8_t)dst & 15;
	i->src_reg = (uint8_t)src & 15;
	i->off = off;
	i->imm = imm;
}

void
asm_finish(struct basm *b)
{
	for (unsigned k = 0; k < b->njumps; k++) {
		struct bpf_insn *i = &b->v[b->jumps[k].insn];
		int to = b->labels[b->jumps[k].map], d = to - (int)b->jumps[k].insn - 1;

		if (i->code == (BPF_JMP | BPF_CALL)) {
			i->imm = d;
			continue;
		}
		if (d != (int16_t)d)
			comp_error(b->c, 0, "D_UNKNOWN", "program is too large");
		i->off = (int16_t)d;
	}
}

void
asm_mov(struct basm *b, int dst, int src)
{
	if (dst != src)
		asm_insn(b, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void
lddw(struct basm *b, int dst, int src, uint32_t low, uint32_t high)
{
	asm_insn(b, BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, (int32_t)low);
	asm_insn(b, 0, 0, 0, 0, (int32_t)high);
}

void
asm_imm(struct basm *b, int dst, int64_t v)
{
	if (v == (int32_t)v)
		asm_insn(b, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, (int32_t)v);
	else
		lddw(b, dst, 0, (uint32_t)v, (uint32_t)((uint64_t)v >> 32));
}

void
asm_alu(struct basm *b, int op, int dst, int src)
{
	asm_insn(b, (uint8_t)(BPF_ALU64 | op | BPF_X), dst, src, 0, 0);
}

void
asm_alui(struct basm *b, int op, int dst, int32_t imm)
{
	asm_insn(b, (uint8_t)(BPF_ALU64 | op | BPF_K), dst, 0, 0, imm);
}

void
asm_neg(struct basm *b, int dst)
{
	asm_insn(b, BPF_ALU64 | BPF_NEG, dst, 0, 0, 0);
}

static uint8_t
size_code(unsigned size)
{
	return (size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW);
}

void
asm_load(struct basm *b, unsigned size, int dst, int src, int off)
{
	asm_insn(b, BPF_LDX | BPF_MEM | size_code(size), dst, src, (int16_t)off, 0);
}

void
asm_store(struct basm *b, unsigned size, int dst, int off, int src)
{
	asm_insn(b, BPF_STX | BPF_MEM | size_code(size), dst, src, (int16_t)off, 0);
}

void
asm_storei(struct basm *b, unsigned size, int dst, int off, int32_t imm)
{
	asm_insn(b, BPF_ST | BPF_MEM | size_code(size), dst, 0, (int16_t)off, imm);
}

void
asm_xadd(struct basm *b, int dst, int off, int src)
{
	asm_insn(b, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, (int16_t)off, BPF_ADD);
}

void
asm_xchg(struct basm *b, int dst, int off, int src)
{
	asm_insn(b, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, (int16_t)off, BPF_XCHG);
}

static void
jump_here(struct basm *b, int label)
{
	*VEC_ADD(b->c, b->jumps, b->njumps) = (struct reloc){b->n, label};
}

void
asm_jump(struct basm *b, int label)
{
	jump_here(b, label);
	asm_insn(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

void
asm_jmp(struct basm *b, int op, int dst, int src, int label)
{
	jump_here(b, label);
	asm_insn(b, (uint8_t)(BPF_JMP | op | BPF_X), dst, src, 0, 0);
}

void
asm_jmpi(struct basm *b, int op, int dst, int32_t imm, int label)
{
	jump_here(b, label);
	asm_insn(b, (uint8_t)(BPF_JMP | op | BPF_K), dst, 0, 0, imm);
}

void
asm_call(struct basm *b, int helper)
{
	asm_insn(b, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void
asm_call_local(struct basm *b, int label)
{
	jump_here(b, label);
	asm_insn(b, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
}

void
asm_exit(struct basm *b)
{
	asm_insn(b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void
asm_map(struct basm *b, int dst, int map)
{
	*VEC_ADD(b->c, b->maps, b->nmaps) = (struct reloc){b->n, map};
	lddw(b, dst, BPF_PSEUDO_MAP_FD, 0, 0);
}

void
asm_map_value(struct basm *b, int dst, int map, uint32_t off)
{
	*VEC_ADD(b->c, b->maps, b->nmaps) = (struct reloc){b->n, map};
	lddw(b, dst, BPF_PSEUDO_MAP_VALUE, 0, off);
}

void
asm_end(struct basm *b, bool big, int dst, int bits)
{
	asm_insn(b, BPF_ALU | BPF_END | (big ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0, bits);
}
