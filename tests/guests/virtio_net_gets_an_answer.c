/* SPDX-License-Identifier: MIT */
/* virtio-net: an ARP question goes out through the tap, the host's answer comes in.
 * needs: /dev/net/tun
 * vmx: -n vt$,mac=02:08:20:00:00:01
 * host: for i in $(seq 100); do ip addr add 10.99.88.1/32 dev vt$ 2> /dev/null && ip link set vt$ up && ip route add 10.99.88.2 dev vt$ && break; sleep 0.05; done
 * expect: ok it is there
 * expect: ok its address
 * expect: ok an answer
 */
#include "net.h"
#include "virtio.h"

static struct vring rx, tx;
static u8 in[2048], out[12 + 60];

int
main(void)
{
	check("it is there", virtio_find(0x10001af4));
	check("its address", mmio8(vbase + 0x2000) == 2 && mmio8(vbase + 0x2005) == 1);
	virtio_queue(0, &rx);
	virtio_queue(1, &tx);
	virtio_go();
	for (u32 i = 0; i < 42; i++)
		out[12 + i] = arp_question[i];
	virtio_desc(&rx, 0, in, sizeof(in), 2);
	*(volatile u16 *)(rx.avail + 2) = 1;
	barrier();
	set16(vbase + 0x3000, 0);
	for (;;) {
		virtio_desc(&tx, 0, out, sizeof(out), 0);
		virtio_run(1, &tx);
		net_pause();
		while (virtio_used(&rx) != *(volatile u16 *)(rx.avail + 2))
			goto again;
		if (arp_is_answer(in + 12))
			break;
		(*(volatile u16 *)(rx.avail + 2))++; /* something else: the buffer again */
		set16(vbase + 0x3000, 0);
again:;
	}
	check("an answer", 1);
	return (0);
}
