/* SPDX-License-Identifier: MIT */
/*
 * A boot sector: says who booted it through int 0x10, reads the next sector through int 0x13, prints the
 * line that stands there, and powers off by ACPI's port.
 */
	.code16
	.text
	.globl _start
_start:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movb %dl, drive
	movw $hello, %si
	call print
	movw $packet, %si
	movb drive, %dl
	cmpb $0xe0, %dl			/* a CD has sectors of 2048 bytes: ours is the second quarter */
	jae 1f
	movb $0x42, %ah
	int $0x13
	jc failed
1:	movw $0x7e00, %si
	call print
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
2:	hlt
	jmp 2b
failed:
	movw $error, %si
	call print
	jmp 2b
print:
	lodsb
	testb %al, %al
	jz 3f
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	jmp print
3:	ret
hello:	.asciz "boot sector\r\n"
error:	.asciz "cannot read\r\n"
drive:	.byte 0
	.balign 4
packet:	.byte 16, 0
	.word 1, 0x7e00, 0
	.quad 1
	.org 510
	.word 0xaa55
	.asciz "second sector\r\n\r\n\r\n"
	.org 2048
