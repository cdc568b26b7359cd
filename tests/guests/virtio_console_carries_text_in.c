/* SPDX-License-Identifier: MIT */
/* What comes in on a virtio console fills the buffers that the guest offers, in order.
 * vmx: -s file:@/serial -x stdio
 * input: words from the host
 * after: [ "$(tr -d '\r' < serial)" = "words from the host" ]
 */
#include "virtio.h"

static struct vring in;
static char b[16];

int
main(void)
{
	char last = 0;

	(void)virtio_find(0x10031af4);
	virtio_queue(0, &in);
	virtio_go();
	while (last != '\n') {
		virtio_desc(&in, 0, b, 5, 2);
		virtio_run(0, &in);
		for (u32 i = 0; i < virtio_written(&in); i++)
			outb(0x3f8, (u8)(last = b[i]));
	}
	return (0);
}
