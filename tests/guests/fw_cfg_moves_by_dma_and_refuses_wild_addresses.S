/* SPDX-License-Identifier: MIT */
/* fw_cfg copies its signature by DMA; a request for memory that is not there comes back with its error bit.
 * needs: /usr/share/seabios/bios-256k.bin
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -d @/boot,ide -s none -S stdio
 * expect: QEMU
 * expect: refused 0100
 */
#include "boot.h"
	BOOT_BEGIN
	call dma
	movl $0x0a, 0x9108		/* a newline, and the end */
	movl 0x9100, %eax
	movl %eax, 0x9104
	SAY 0x9104
	movl $0xf0ffffff, request + 12	/* 0xfffffff0 */
	call dma
	SAY refused
	movw request + 2, %ax		/* big-endian: its low half */
	call print_hex
	POWER_OFF
dma:	movl $0x0a000000, request	/* select and read; key 0 */
	movl $request, %eax
	bswapl %eax
	movw $0x518, %dx
	outl %eax, %dx
1:	movl request, %eax
	testl $0xfeffffff, %eax		/* until nothing but the error is left */
	jnz 1b
	ret
refused: .asciz "refused "
	.balign 4
request: .long 0, 0x04000000, 0, 0x00910000
	BOOT_END
