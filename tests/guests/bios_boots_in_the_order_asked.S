/* SPDX-License-Identifier: MIT */
/* The disk is booted once, then a reset, then the CD: -o d,once=c.
 * needs: /usr/share/seabios/bios-256k.bin
 * iso: cd
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -o d,once=c -d @/boot,ide -d @/cd,cd -s none -S stdio
 * expect: disk
 * expect: CD
 */
#include "boot.h"
	BOOT_BEGIN
	cmpb $0xe0, %dl
	jae cd
	SAY hd
	movw $0xcf9, %dx
	movb $6, %al
	outb %al, %dx
1:	hlt
	jmp 1b
cd:	SAY disc
	POWER_OFF
hd:	.asciz "disk\n"
disc:	.asciz "CD\n"
	BOOT_END
