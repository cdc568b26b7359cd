/* SPDX-License-Identifier: MIT */
/*
 * For guests that firmware boots (NAME.S): a boot sector at 0x7c00 that talks on the second serial port, since the
 * first is SeaBIOS's.  Code stands between BOOT_BEGIN and BOOT_END; what follows is in the next sectors.
 *	iso: NAME	make a CD of it (El Torito, no emulation)
 */
	.macro BOOT_BEGIN
	.code16
	.text
	.globl _start
_start:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movb %dl, drive
	cld
	.endm

	/* Print the text at label. */
	.macro SAY label
	movw $\label, %si
	call print
	.endm

	.macro POWER_OFF
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
9:	hlt
	jmp 9b
	.endm

	.macro BOOT_END
print:	movw $0x2f8, %dx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	ret
	/* ax as four digits */
print_hex:
	movw $4, %cx
	movw $0x2f8, %dx
	movw %ax, %bx
1:	rolw $4, %bx
	movb %bl, %al
	andb $15, %al
	addb $'0', %al
	cmpb $'9', %al
	jbe 2f
	addb $39, %al
2:	outb %al, %dx
	loop 1b
	movb $'\n', %al
	outb %al, %dx
	ret
drive:	.byte 0
	.org 510
	.word 0xaa55
	.endm
