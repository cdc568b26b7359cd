/* SPDX-License-Identifier: MIT */
/*
 * What every tiny guest starts with: a PVH entry, a stack, long mode with the first 4 GiB mapped one to
 * one, and main().  When main returns the machine powers off.
 */
	.section .note.pvh, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long start32

	.text
	.code32
	.globl start32
start32:
	movl $stack_end, %esp
	movl %ebx, start_info
	lgdt gdt_desc
	movl %cr4, %eax
	orl $0x620, %eax		/* PAE, SSE */
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	andl $~4, %eax
	orl $0x80000002, %eax
	movl %eax, %cr0
	ljmp $8, $start64

	.code64
start64:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	cmpl $0, ap_entry(%rip)		/* a second processor comes here with its own stack */
	jne 1f
	call main
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
2:	cli
	hlt
	jmp 2b
1:	movl $ap_stack_end, %esp
	movl ap_entry(%rip), %eax
	call *%rax
	jmp 2b

	/* Copied to 0x8000 for INIT-SIPI: real mode to the code above. */
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl 0x8000 + (gdt_desc16 - trampoline)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $24, $ap32
	.balign 8
gdt_desc16:
	.word 39
	.long gdt
trampoline_end:

	.code32
ap32:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %ss
	movl start_info, %ebx
	movl $ap_stack_end, %esp
	jmp start32_again
start32_again:
	movl %cr4, %eax
	orl $0x620, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	ljmp $8, $start64

	/* An interrupt: the vector's handler is handler[vector]. */
	.code64
	.macro stub n
	.balign 16
	pushq $\n
	jmp common
	.endm
	.balign 16
	.globl stubs
stubs:
	.set i, 0
	.rept 64
	stub i
	.set i, i + 1
	.endr
common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movq 72(%rsp), %rdi
	call *handler(,%rdi,8)
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	addq $8, %rsp
	iretq

	.data
	.balign 16
	.globl start_info, ap_entry, gdt
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff, 0
gdt_desc:
	.word 39
	.long gdt
start_info: .long 0, 0
ap_entry: .long 0
	.balign 4096
pml4:	.quad pdpt + 3
	.fill 511, 8, 0
pdpt:	.quad pd + 3, pd + 4099, pd + 8195, pd + 12291
	.fill 508, 8, 0
	.set page, 0x83
pd:	.rept 2048
	.quad page
	.set page, page + 0x200000
	.endr
	.bss
	.balign 4096
	.fill 8192
stack_end:
	.fill 4096
ap_stack_end:
