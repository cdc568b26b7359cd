/* SPDX-License-Identifier: MIT */
/* An NMI that the host asks for reaches a processor that runs with interrupts off.
 * needs: /usr/bin/python3
 * vmx: -C @/ctl -j 60001
 * host: for i in $(seq 100); do sleep 0.2; echo nmi | timeout 2 python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect("@/ctl"); s.send(b"nmi"); s.recv(9)' 2> /dev/null && break; done
 * expect: ready
 * expect: ok an NMI
 */
#include "guest.h"

static volatile u32 came;

static void
nmi(u64 v)
{
	(void)v;
	came = 1;
}

int
main(void)
{
	on_interrupt(2, nmi);
	put("ready\n");
	while (!came)
		__asm__ volatile("pause");
	check("an NMI", came == 1);
	return (0);
}
