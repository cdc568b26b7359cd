/* SPDX-License-Identifier: MIT */
/*
 * Probes in our own code: PROBE2(zfs, txg__sync, pool, txg) is a no-operation instruction and a
 * note beside the program that says where it is and where its arguments are.  A tracer puts a
 * breakpoint there: `trace -n 'zfs:::txg-sync { ... }'`.  Unwatched it costs that instruction, and
 * whatever it takes to have the arguments in a register or in memory.
 *
 * The note's layout is SystemTap's (owner "stapsdt", type 3), which all tracers read:
 *
 *	u64	address of the instruction
 *	u64	address of .stapsdt.base, to see by how much a prelinker moved the program
 *	u64	address of the counter of watchers, 0 without
 *	text	provider, name, arguments "SIZE@OPERAND ..." in the assembler's words
 *
 * Arguments are numbers or pointers, passed as 64 bits.  Two underscores in a name read as a dash.
 */
#ifndef SMARTBOX_CORE_PROBE_H
#define SMARTBOX_CORE_PROBE_H

#include <stdint.h>

#ifdef __x86_64__
#define PROBE_NOTE(provider, name, args) \
	"990:	nop\n" \
	"	.pushsection .note.stapsdt,\"\",@note\n" \
	"	.balign 4\n" \
	"	.4byte 992f - 991f, 994f - 993f, 3\n" \
	"991:	.asciz \"stapsdt\"\n" \
	"992:	.balign 4\n" \
	"993:	.8byte 990b\n" \
	"	.8byte _.stapsdt.base\n" \
	"	.8byte 0\n" \
	"	.asciz \"" #provider "\"\n" \
	"	.asciz \"" #name "\"\n" \
	"	.asciz \"" args "\"\n" \
	"994:	.balign 4\n" \
	"	.popsection\n" \
	"	.ifndef _.stapsdt.base\n" \
	"	.pushsection .stapsdt.base,\"aG\",@progbits,.stapsdt.base,comdat\n" \
	"	.weak _.stapsdt.base\n" \
	"	.hidden _.stapsdt.base\n" \
	"_.stapsdt.base: .space 1\n" \
	"	.size _.stapsdt.base, 1\n" \
	"	.popsection\n" \
	"	.endif\n"
#define PROBE_ARG(x) "nor"((uint64_t)(x))

#define PROBE0(provider, name) __asm__ volatile(PROBE_NOTE(provider, name, ""))
#define PROBE1(provider, name, a) \
	__asm__ volatile(PROBE_NOTE(provider, name, "8@%0") : : PROBE_ARG(a))
#define PROBE2(provider, name, a, b) \
	__asm__ volatile(PROBE_NOTE(provider, name, "8@%0 8@%1") : : PROBE_ARG(a), PROBE_ARG(b))
#define PROBE3(provider, name, a, b, c) \
	__asm__ volatile(PROBE_NOTE(provider, name, "8@%0 8@%1 8@%2") \
	    : : PROBE_ARG(a), PROBE_ARG(b), PROBE_ARG(c))
#define PROBE4(provider, name, a, b, c, d) \
	__asm__ volatile(PROBE_NOTE(provider, name, "8@%0 8@%1 8@%2 8@%3") \
	    : : PROBE_ARG(a), PROBE_ARG(b), PROBE_ARG(c), PROBE_ARG(d))
#else
#define PROBE0(provider, name) ((void)0)
#define PROBE1(provider, name, a) ((void)(a))
#define PROBE2(provider, name, a, b) ((void)(a), (void)(b))
#define PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define PROBE4(provider, name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

#endif
