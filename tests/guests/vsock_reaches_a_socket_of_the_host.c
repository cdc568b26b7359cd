/* SPDX-License-Identifier: MIT */
/* virtio-vsock: the guest connects to port 1 of the host, there the monitor's control socket, in jail; asks and is answered.
 * vmx: -y 3,@/v -C @/v_1 -j 60001
 * host: chmod 711 @; while [ ! -S v_1 ]; do sleep 0.02; done; chmod 666 v_1
 * expect: ok it is there
 * expect: address 3
 * expect: accepted from port 1
 * expect: error: no such command
 * expect: ok the connection ends
 * expect: ok port 2 is refused
 */
#include "virtio.h"

struct packet {
	u64 src, dst;
	u32 src_port, dst_port, len;
	u16 type, op;
	u32 flags, buf_alloc, fwd_cnt;
	char bytes[256];
} __attribute__((packed, aligned(16)));

static struct vring rx, tx;
static volatile struct packet in, out;

static void
say_packet(u16 op, u32 port, const char *text, u32 flags)
{
	u32 len = 0;

	for (; text[len] != 0; len++)
		out.bytes[len] = text[len];
	out.src = 3;
	out.dst = 2;
	out.src_port = 1000;
	out.dst_port = port;
	out.len = len;
	out.type = 1;
	out.op = op;
	out.flags = flags;
	out.buf_alloc = 4096;
	virtio_desc(&tx, 0, &out, 44 + len, 0);
	virtio_run(1, &tx);
}

/* The next packet that is not about credit. */
static u16
hear(void)
{
	do {
		virtio_desc(&rx, 0, &in, 300, 2);
		virtio_run(0, &rx);
	} while (in.op >= 6);
	return (in.op);
}

int
main(void)
{
	u32 i;

	check("it is there", virtio_find(0x10531af4));
	say("address", mmio32(vbase + 0x2000));
	virtio_queue(0, &rx);
	virtio_queue(1, &tx);
	virtio_go();
	do
		say_packet(1, 1, "", 0); /* until the socket may be written to */
	while (hear() != 2);
	say("accepted from port", in.src_port);
	say_packet(5, 1, "bogus\n", 0);
	(void)hear();
	for (i = 0; i < in.len; i++)
		outb(0x3f8, (u8)in.bytes[i]);
	check("the connection ends", hear() == 4);
	say_packet(4, 1, "", 3);
	(void)hear();
	say_packet(1, 2, "", 0);
	check("port 2 is refused", hear() == 3);
	return (0);
}
