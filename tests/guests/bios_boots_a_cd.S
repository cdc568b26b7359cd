/* SPDX-License-Identifier: MIT */
/* SeaBIOS boots a CD by El Torito, says so when asked, and reads its sectors for the loader.
 * needs: /usr/share/seabios/bios-256k.bin
 * iso: cd
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -o d -d @/cd,cd -s none -S stdio
 * expect: booted
 * expect: no emulation
 * expect: CD001
 */
#include "boot.h"
	BOOT_BEGIN
	SAY booted
	movw $0x4b01, %ax		/* disk emulation: terminate not, tell */
	movb drive, %dl
	movw $0x8000, %si
	int $0x13
	jc end
	cmpb $0, 0x8001
	jne end
	SAY plain
	movw $packet, %si
	movb drive, %dl
	movb $0x42, %ah
	int $0x13
	jc end
	movb $0, 0x9006
	movb $'\n', 0x9000		/* the type, 1 */
	movb $0, 0x9006
	SAY 0x9001
	SAY newline
end:	POWER_OFF
booted:	.asciz "booted\n"
plain:	.asciz "no emulation\n"
newline: .asciz "\n"
	.balign 4
packet:	.byte 16, 0
	.word 1, 0x9000, 0
	.quad 16
	BOOT_END
