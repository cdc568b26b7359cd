/* SPDX-License-Identifier: MIT */
/* SeaBIOS boots from virtio-blk; int 0x13 reads a sector and writes another.
 * needs: /usr/share/seabios/bios-256k.bin
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -d @/boot -s none -S stdio
 * expect: booted
 * expect: second sector
 * after: [ "$(dd if=boot bs=512 skip=3 count=1 2> /dev/null | tr -d '\0')" = "second sector" ]
 */
#include "boot.h"
	BOOT_BEGIN
	SAY booted
	movw $packet, %si
	movb drive, %dl
	movb $0x42, %ah
	int $0x13
	jc end
	SAY 0x9000
	movw $packet, %si
	movb $3, packet + 8
	movb drive, %dl
	movw $0x4300, %ax
	int $0x13
end:	POWER_OFF
booted:	.asciz "booted\n"
	.balign 4
packet:	.byte 16, 0
	.word 1, 0x9000, 0
	.quad 1
	BOOT_END
	.org 512
	.asciz "second sector\n"
	.org 2048
