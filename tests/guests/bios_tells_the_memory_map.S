/* SPDX-License-Identifier: MIT */
/* int 0x15 e820 has RAM from 0 and from 1 MiB, 88 and 12 agree with it.
 * needs: /usr/share/seabios/bios-256k.bin
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -d @/boot,ide -s none -S stdio
 * expect: regions of RAM 0002
 * expect: KiB below 1 MiB 027f
 * expect: KiB above, at least 3800 0001
 */
#include "boot.h"
	BOOT_BEGIN
	xorl %ebx, %ebx
	xorw %bp, %bp
next:	movl $0xe820, %eax
	movl $20, %ecx
	movl $0x534d4150, %edx
	movw $0x9000, %di
	int $0x15
	jc done
	cmpl $1, 0x9010
	jne 1f
	incw %bp
1:	testl %ebx, %ebx
	jnz next
done:	SAY regions
	movw %bp, %ax
	call print_hex
	int $0x12
	pushw %ax
	SAY below
	popw %ax
	call print_hex
	movb $0x88, %ah
	int $0x15
	pushw %ax
	SAY above
	popw %ax
	cmpw $0x3800, %ax
	movw $0, %ax
	jb 2f
	incw %ax
2:	call print_hex
	POWER_OFF
regions: .asciz "regions of RAM "
below:	.asciz "KiB below 1 MiB "
above:	.asciz "KiB above, at least 3800 "
	BOOT_END
