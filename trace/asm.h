/* SPDX-License-Identifier: MIT */
/*
 * An assembler for eBPF: instructions, labels, and places where a map's descriptor will stand.
 */
#ifndef TRACE_ASM_H
#define TRACE_ASM_H

#include "bpf.h"
#include "comp.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

/* Helper functions of the kernel, by number. */
enum {
	H_LOOKUP = 1, H_UPDATE = 2, H_DELETE = 3, H_KTIME = 5, H_RANDOM = 7, H_CPU = 8,
	H_PID_TGID = 14, H_UID_GID = 15, H_COMM = 16, H_CURRENT = 35, H_WRITE_USER = 36,
	H_GET_STACK = 67, H_CGROUP = 80, H_SIGNAL = 109, H_READ_USER = 112, H_READ_KERNEL = 113,
	H_READ_USER_STR = 114, H_READ_KERNEL_STR = 115, H_NS_PID_TGID = 120, H_RINGBUF_OUTPUT = 130,
	H_TASK_REGS = 175, H_COOKIE = 174, H_CURRENT_BTF = 158, H_FUNC_IP = 173,
};

struct reloc {
	unsigned insn;
	int map;
};

struct basm {
	struct comp *c;
	struct bpf_insn *v;
	unsigned n;
	int *labels; /* position, or -1 */
	unsigned nlabels;
	struct reloc *jumps; /* map holds the label */
	unsigned njumps;
	struct reloc *maps;
	unsigned nmaps;
};

void asm_init(struct basm *b, struct comp *c);
int asm_label(struct basm *b);
void asm_place(struct basm *b, int label);
/* Resolve the jumps. */
void asm_finish(struct basm *b);

void asm_insn(struct basm *b, uint8_t code, int dst, int src, int16_t off, int32_t imm);
void asm_mov(struct basm *b, int dst, int src);
void asm_imm(struct basm *b, int dst, int64_t v);   /* any 64-bit value */
void asm_alu(struct basm *b, int op, int dst, int src);	 /* BPF_ADD .. */
void asm_alui(struct basm *b, int op, int dst, int32_t imm);
void asm_neg(struct basm *b, int dst);
void asm_load(struct basm *b, unsigned size, int dst, int src, int off);
void asm_store(struct basm *b, unsigned size, int dst, int off, int src);
void asm_storei(struct basm *b, unsigned size, int dst, int off, int32_t imm);
void asm_xadd(struct basm *b, int dst, int off, int src); /* *(u64 *)(dst + off) += src, atomically */
void asm_xchg(struct basm *b, int dst, int off, int src);
void asm_jump(struct basm *b, int label);
void asm_jmp(struct basm *b, int op, int dst, int src, int label);   /* BPF_JEQ .. */
void asm_jmpi(struct basm *b, int op, int dst, int32_t imm, int label);
void asm_call(struct basm *b, int helper);
void asm_call_local(struct basm *b, int label);
void asm_exit(struct basm *b);
void asm_map(struct basm *b, int dst, int map);			      /* the map itself */
void asm_map_value(struct basm *b, int dst, int map, uint32_t off);   /* inside its only value */
void asm_end(struct basm *b, bool big, int dst, int bits);	      /* byte order */

#endif
