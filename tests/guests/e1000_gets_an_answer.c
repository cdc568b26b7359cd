/* SPDX-License-Identifier: MIT */
/* e1000: its address by the EEPROM, an ARP question out through the tap, the host's answer in, with an interrupt cause.
 * needs: /dev/net/tun
 * vmx: -n vt$,mac=02:08:20:00:00:01,e1000
 * host: for i in $(seq 100); do ip addr add 10.99.88.1/32 dev vt$ 2> /dev/null && ip link set vt$ up && ip route add 10.99.88.2 dev vt$ && break; sleep 0.05; done
 * expect: ok it is there
 * expect: first word 802
 * expect: ok the link is up
 * expect: ok sent
 * expect: ok an answer
 * expect: ok its cause
 */
#include "net.h"

static u8 tx[256] __attribute__((aligned(128))), rx[256] __attribute__((aligned(128)));
static u8 out[64], in[16][2048];

int
main(void)
{
	u32 fn = pci_look(0x100e8086), n = 0, last = 0, cause = 0;
	u64 b = pci_bar(fn, 0);

	check("it is there", fn != 0);
	pci_write(fn, 4, 6);
	set32(b, 1 << 26);
	set32(b + 0x14, 1);
	while ((mmio32(b + 0x14) & 16) == 0)
		;
	say("first word", mmio32(b + 0x14) >> 16);
	check("the link is up", mmio32(b + 8) & 2);
	for (u32 i = 0; i < 42; i++)
		out[i] = arp_question[i];
	for (u32 i = 0; i < 16; i++)
		*(u64 *)(rx + 16 * i) = (u64)in[i];
	set32(b + 0x2800, (u32)(u64)rx);
	set32(b + 0x2808, 256);
	set32(b + 0x2818, 15);
	set32(b + 0x100, 1 << 15 | 2);
	set32(b + 0x3800, (u32)(u64)tx);
	set32(b + 0x3808, 256);
	set32(b + 0x400, 2);
	do {
		*(u64 *)(tx + 16 * n) = (u64)out;
		*(u64 *)(tx + 16 * n + 8) = 42 | (u64)9 << 24;
		n = (n + 1) % 16;
		set32(b + 0x3818, n);
		while (mmio32(b + 0x3810) != n)
			__asm__ volatile("pause");
		if (n == 1)
			check("sent", tx[12] & 1);
		net_pause();
		while ((rx[16 * last + 12] & 1) != 0 && !arp_is_answer(in[last])) {
			*(volatile u8 *)(rx + 16 * last + 12) = 0;
			set32(b + 0x2818, last);
			last = (last + 1) % 16;
		}
		cause |= mmio32(b + 0xc0);
	} while (!arp_is_answer(in[last]));
	check("an answer", 1);
	check("its cause", (cause & 0x80) != 0);
	return (0);
}
