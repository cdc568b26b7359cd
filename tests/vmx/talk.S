/* SPDX-License-Identifier: MIT */
/*
 * A boot sector, for a disk and for a CD: says on the first serial port from what it was booted, then what is
 * done to it.  Keys come from the BIOS; r resets the machine; the power button, which it looks at itself,
 * switches it off.
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
	movw $disk, %si
	cmpb $0xe0, %dl
	jb 1f
	movw $cd, %si
1:	call say
	sti
loop:
	movw $0x600, %dx		/* the power management status */
	inw %dx, %ax
	testw $0x100, %ax
	jnz button
	movb $1, %ah
	int $0x16
	jnz key
	hlt
	jmp loop
key:
	xorb %ah, %ah
	int $0x16
	movb %al, typed
	movw $keys, %si
	call say
	cmpb $'r', typed
	jne loop
	movw $0xcf9, %dx
	movb $6, %al
	outb %al, %dx
1:	hlt
	jmp 1b
button:
	movw $pressed, %si
	call say
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
1:	hlt
	jmp 1b
say:
	lodsb
	testb %al, %al
	jz 3f
	pushw %ax
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	movw $0x3fd, %dx
2:	inb %dx, %al
	testb $0x20, %al
	jz 2b
	popw %ax
	movw $0x3f8, %dx
	outb %al, %dx
	jmp say
3:	ret
disk:	.asciz "talk: from the disk\r\n"
cd:	.asciz "talk: from the CD\r\n"
pressed:.asciz "talk: button\r\n"
keys:	.ascii "talk: key "
typed:	.asciz "?\r\n"
	.org 510
	.word 0xaa55
	.org 2048
